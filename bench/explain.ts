// Whether the lines of an explanation add up to the score, for a million random contacts, beside sums that are not exact.
import { explainLines } from '../lambdas/scoring/explanation.ts';
import { type Folded, fold } from '../lambdas/scoring/fold.ts';
import { explainFold } from '../lambdas/scoring/lines.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { show } from '../lambdas/scoring/show.ts';
import { NOW_MS, randomContact } from './random/contacts.ts';
import { randomModel } from './random/models.ts';
import { type Random, randomOf } from './random/random.ts';

const CONTACTS = 1_000_000;
const CONTACTS_PER_MODEL = 250;
/** Contacts measured as one: the kernel books CPU time in steps of several milliseconds. */
const CONTACTS_PER_ROUND = 10_000;
/** How often the progress is told. */
const ROUNDS_PER_NOTE = 10;
const SEED = 20_261_101;

/** What does not add up, if anything. */
export interface Mismatch {
  readonly what: string;
  readonly model: Model;
  readonly folded: Folded;
}

/**
 * Looks whether the lines of a fold add up to its score, and those that are told to what is shown.
 *
 * @returns undefined when all is exact
 */
export function findMismatch(model: Model, folded: Folded): Mismatch | undefined {
  const lines = explainFold(model, folded);
  const sum = lines.reduce((total, { left }) => total + left, 0);
  if (sum !== folded.score) return { what: `lines ${sum}, score ${folded.score}`, model, folded };
  if (lines.some(({ given, left }) => !Number.isSafeInteger(given) || !Number.isSafeInteger(left)))
    return { what: 'a line is no whole number of thousandths', model, folded };
  const { score } = show(undefined, folded, model, 'UTC', () => undefined);
  if (score === null) return undefined;
  const told = explainLines(model, folded).reduce((total, { leftThousandths }) => total + leftThousandths, 0);
  return told === score * 1000 ? undefined : { what: `told ${told}, shown ${score}`, model, folded };
}

/** A random contact and its fold, made when asked for. */
interface Case {
  readonly model: Model;
  readonly makeFold: () => Folded;
}

/** Random contacts, some to a model. */
export function randomCases(random: Random, count: number, perModel = CONTACTS_PER_MODEL): Case[] {
  let model = randomModel(random);
  return Array.from({ length: count }, (_, at) => {
    if (at > 0 && at % perModel === 0) model = randomModel(random);
    const [used, known] = [model, randomContact(random)];
    return { model: used, makeFold: () => fold(used, known, NOW_MS) };
  });
}

/** @param cap - undefined for none */
function within(cap: number | undefined, sum: number): number {
  return cap === undefined ? sum : Math.max(-cap, Math.min(cap, sum));
}

/**
 * The usual way: terms and sums as they come, each rounded where it is printed.
 *
 * @param unit - what is printed: 1000 for thousandths, 1 for whole points
 * @returns whether the printed terms add up to the printed score
 */
function addsUpUnrounded(model: Model, { fitting, awards, nowMs }: Folded, unit: number): boolean {
  const printed = (points: number): number => Math.round(points * unit);
  let column = 0;
  const capped = (cap: number | undefined, sum: number): number => {
    const after = within(cap, sum);
    column += printed(after - sum);
    return after;
  };
  const add = (points: number): number => {
    column += printed(points);
    return points;
  };
  const fit = capped(
    model.fit.cap,
    fitting.reduce((sum, { points }) => sum + add(points), 0),
  );
  const { signals, groups, cap } = model.engagement;
  const bySignal = signals.map(() => 0);
  for (const { signal, points, fact, halfLifeMs, untilMs } of awards) {
    if (nowMs > untilMs) continue;
    const left = points * 2 ** (-Math.max(0, nowMs - fact.occurredAtMs) / halfLifeMs);
    bySignal[signal] = (bySignal[signal] ?? 0) + add(left);
  }
  let total = 0;
  const byGroup = new Map<string, number>();
  for (const [at, { cap: ofSignal, group }] of signals.entries()) {
    const left = capped(ofSignal, bySignal[at] ?? 0);
    if (group === undefined) total += left;
    else byGroup.set(group, (byGroup.get(group) ?? 0) + left);
  }
  for (const [group, sum] of byGroup) total += capped(groups[group]?.cap, sum);
  const score = fit + capped(cap, total);
  const ranged = Math.max(model.range.min, Math.min(model.range.max, score));
  return column + printed(ranged - score) === printed(ranged);
}

export interface ExplainFigures {
  readonly contacts: number;
  readonly lines: number;
  /** Contacts whose lines do not add up; goal: none. */
  readonly mismatches: number;
  readonly isGoalMet: boolean;
  /** Contacts with a score whose terms do not add up when they are summed unrounded and printed in thousandths of a point. */
  readonly unroundedMismatches: number;
  /** The same, printed in whole points, as scores usually are. */
  readonly wholePointMismatches: number;
  readonly scored: number;
  /** Fold and lines. */
  readonly contactsPerSecond: number;
  /** How many times as long as the fold alone it takes. */
  readonly ratioToFold: number;
}

/** CPU milliseconds of this thread that some work takes. */
function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** Explains random contacts and counts those whose lines do not add up. */
export function run({ contacts = CONTACTS }: { readonly contacts?: number } = {}): ExplainFigures {
  const counts = { contacts: 0, lines: 0, mismatches: 0, scored: 0, unrounded: 0, wholePoints: 0 };
  let [foldMs, linesMs] = [0, 0];
  const random = randomOf(SEED);
  for (let round = 1; counts.contacts < contacts; round++) {
    const batch = randomCases(random, Math.min(CONTACTS_PER_ROUND, contacts - counts.contacts));
    let folded: { model: Model; folded: Folded }[] = [];
    foldMs += cpuMs(() => {
      folded = batch.map(({ model, makeFold }) => ({ model, folded: makeFold() }));
    });
    linesMs += cpuMs(() => {
      for (const one of folded) counts.lines += explainFold(one.model, one.folded).length;
    });
    for (const one of folded) look(counts, one.model, one.folded);
    counts.contacts += batch.length;
    if (round % ROUNDS_PER_NOTE === 0)
      console.error(`${counts.contacts} of ${contacts} contacts, ${counts.mismatches} mismatches`);
  }
  return {
    contacts: counts.contacts,
    lines: counts.lines,
    mismatches: counts.mismatches,
    isGoalMet: counts.mismatches === 0,
    unroundedMismatches: counts.unrounded,
    wholePointMismatches: counts.wholePoints,
    scored: counts.scored,
    contactsPerSecond: Math.round((counts.contacts / (foldMs + linesMs)) * 1000),
    ratioToFold: Number(((foldMs + linesMs) / foldMs).toFixed(2)),
  };
}

function look(
  counts: { mismatches: number; scored: number; unrounded: number; wholePoints: number },
  model: Model,
  folded: Folded,
): void {
  const mismatch = findMismatch(model, folded);
  if (mismatch !== undefined) {
    counts.mismatches += 1;
    if (counts.mismatches === 1) console.error(mismatch.what, JSON.stringify(mismatch.model));
  }
  if (folded.status !== 'scored') return;
  counts.scored += 1;
  if (!addsUpUnrounded(model, folded, 1000)) counts.unrounded += 1;
  if (!addsUpUnrounded(model, folded, 1)) counts.wholePoints += 1;
}
