import type { SeedResult } from '../seed.ts';
import { type Answer, isFailed } from './seed-thread.ts';

/** A run of so many seeds must have tried everything, and often; a shorter one tells of what it tried. */
const SEEDS_OF_A_WHOLE_RUN = 10_000;
const LEAST_KINDS = 12;
const LEAST_PER_SEED = 30;
const LEAST_OF_EACH = 1000;
/** What must have taken part, as seeds name it. */
const TAKING_PART = [
  'people',
  'companies',
  'merges',
  'erasures',
  'visitors',
  'deals',
  'restatements',
] as const;

/** Failing seeds that are told of one by one; more are only counted. */
const MOST_TOLD = 50;

/** A seed that something is wrong with. */
export interface Finding {
  readonly seed: number;
  /** What does not hold; where nothing could be found out, why not. */
  readonly violations: SeedResult['violations'];
  readonly failed?: string;
}

/** What came of many seeds, in as much memory as of one. */
export interface Totals {
  seeds: number;
  operations: number;
  virtualMs: number;
  /** By kind. */
  readonly faults: Record<string, number>;
  readonly happened: Record<string, number>;
  /** Seeds that something is wrong with. */
  failing: number;
  /** The first of them. */
  readonly findings: Finding[];
  /** Seeds that ran three times. */
  repeated: number;
}

export function newTotals(): Totals {
  return {
    seeds: 0,
    operations: 0,
    virtualMs: 0,
    faults: {},
    happened: {},
    failing: 0,
    findings: [],
    repeated: 0,
  };
}

/** Adds what came of a seed. @returns what is wrong with it, if anything is */
export function add(totals: Totals, answer: Answer): Finding | undefined {
  totals.seeds += 1;
  if (isFailed(answer)) return note(totals, { ...answer, violations: [] });
  totals.operations += answer.operations;
  totals.virtualMs += answer.virtualMs;
  sum(totals.faults, answer.faults);
  sum(totals.happened, answer.happened);
  const { seed, violations } = answer;
  return violations.length === 0 ? undefined : note(totals, { seed, violations });
}

/** Notes that something is wrong with a seed. */
export function note(totals: Totals, finding: Finding): Finding {
  totals.failing += 1;
  if (totals.findings.length < MOST_TOLD) totals.findings.push(finding);
  return finding;
}

function sum(all: Record<string, number>, of: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(of)) all[name] = (all[name] ?? 0) + count;
}

export function faultsPerSeed({ seeds, faults }: Totals): number {
  const all = Object.values(faults).reduce((total, count) => total + count, 0);
  return seeds === 0 ? 0 : all / seeds;
}

/** What a whole run did not try, or not often enough. */
export function shortfalls(totals: Totals): string[] {
  if (totals.seeds < SEEDS_OF_A_WHOLE_RUN) return [];
  const kinds = Object.entries(totals.faults);
  const perSeed = faultsPerSeed(totals);
  return [
    ...(kinds.length < LEAST_KINDS ? [`${kinds.length} kinds of fault, at least ${LEAST_KINDS} wanted`] : []),
    ...(perSeed < LEAST_PER_SEED
      ? [`${perSeed.toFixed(1)} faults a seed, at least ${LEAST_PER_SEED} wanted`]
      : []),
    ...kinds
      .filter(([, count]) => count < LEAST_OF_EACH)
      .map(([kind, count]) => `"${kind}" was done ${count} times, at least ${LEAST_OF_EACH} wanted`),
    ...TAKING_PART.filter((name) => (totals.happened[name] ?? 0) === 0).map((name) => `no ${name} took part`),
  ];
}
