import type { CreditModel } from '../scoring/model-file.ts';
import { weightsOf } from './models.ts';
import { allocate, currencyDecimals, type Money, readMoney } from './money.ts';

const DAY_MS = 86_400_000;
/** Most touches that a deal is credited to, the newest: bounds what is kept of it, and the work that one deal can cause. */
export const TOUCHES_PER_DEAL = 1000;

/** A touch of one of a deal's contacts. */
export interface DealTouch {
  /** Channel and source, as `ai/chatgpt`. */
  readonly source: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly contactId: string;
  /** Identity of the fact: a contact that is listed twice has each touch once. */
  readonly key: string;
}

/** What a deal is, as credit depends on it. */
export interface CreditedDeal {
  readonly id: string;
  readonly name: string;
  readonly pipeline: string;
  readonly stage: string;
  readonly state: 'open' | 'won' | 'lost';
  /** As HubSpot has it, a decimal; `''` where there is none. */
  readonly amount: string;
  /** ISO 4217; `''` where neither the deal nor the portal says. */
  readonly currency: string;
  /** Epoch milliseconds at which the deal came into the stage where it stands: touches after it had no part in it. */
  readonly stageSinceMs: number;
  readonly createdAtMs: number;
  /** Epoch milliseconds; undefined while it is open. */
  readonly closedAtMs: number | undefined;
  /** In rising order. */
  readonly contactIds: readonly string[];
}

/** Removal effects of the sources, as the nights compute them over closed deals: by source, from 0 to 1. */
export type RemovalEffects = Readonly<Record<string, number>>;

/** What one source is credited with. */
export interface SourceCredit {
  readonly source: string;
  /** Share of the deal, from 0 to 1. */
  readonly share: number;
  /** Whole number of the smallest units of `Credit.decimals`; 0 for a deal without an amount. */
  readonly units: bigint;
}

/** The credit of one deal. Of every model the units sum to those of the deal. */
export interface Credit {
  /** Digits behind the point that one unit stands for: 2 for cents. */
  readonly decimals: number;
  /** The deal's amount in units; undefined where it has none. */
  readonly units: bigint | undefined;
  /** How many touches lie in the window. */
  readonly touches: number;
  /** The sources in the order of the touches, for the removal effects. */
  readonly path: readonly string[];
  /** By model, sources by credit, highest first. Empty lists where there is no touch; no entry for `markov` while no effects are known. */
  readonly byModel: Readonly<Partial<Record<CreditModel, readonly SourceCredit[]>>>;
}

/** How credit is given: the section `attribution` of the model. */
export interface CreditRules {
  readonly windowDays: number;
  readonly models: readonly CreditModel[];
  readonly halfLifeDays: number;
}

/**
 * Credits a deal to the touches that lie in the window before it came into its stage.
 *
 * Neither order nor repetition of the touches changes anything.
 *
 * @param effects - undefined while none were computed: then there is no credit by `markov`
 */
export function creditOf(
  deal: CreditedDeal,
  touches: readonly DealTouch[],
  rules: CreditRules,
  effects: RemovalEffects | undefined,
): Credit {
  const counted = touchesWithin(touches, deal.stageSinceMs, rules.windowDays);
  const money = readMoney(deal.amount, deal.currency);
  const weighing = { halfLifeDays: rules.halfLifeDays, effects: effects ?? {} };
  const models = rules.models.filter((model) => model !== 'markov' || effects !== undefined);
  return {
    decimals: money?.decimals ?? currencyDecimals(deal.currency),
    units: money?.units,
    touches: counted.length,
    path: counted.map(({ source }) => source),
    byModel: Object.fromEntries(
      models.map((model) => [
        model,
        counted.length === 0 ? [] : shared(counted, weightsOf(model, counted, weighing), money),
      ]),
    ),
  };
}

/**
 * The touches that a deal is credited to, in the order they happened: each once, from the window's first instant to that of the stage,
 * both included; of more than {@link TOUCHES_PER_DEAL} the newest.
 */
export function touchesWithin<Touch extends DealTouch>(
  touches: readonly Touch[],
  untilMs: number,
  windowDays: number,
): readonly Touch[] {
  const fromMs = untilMs - windowDays * DAY_MS;
  const seen = new Set<string>();
  return touches
    .toSorted(byTime)
    .filter(({ key }) => !seen.has(key) && seen.add(key))
    .filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs)
    .slice(-TOUCHES_PER_DEAL);
}

/** A whole order: also two touches that tell otherwise of one visit always come in the same one. */
function byTime(a: DealTouch, b: DealTouch): number {
  return (
    a.atMs - b.atMs ||
    compareTexts(a.key, b.key) ||
    compareTexts(a.source, b.source) ||
    compareTexts(a.contactId, b.contactId)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Shares by source. The earlier of two sources comes first where they get the same. */
function shared(
  touches: readonly DealTouch[],
  weights: readonly bigint[],
  money: Money | undefined,
): readonly SourceCredit[] {
  const bySource = new Map<string, bigint>();
  for (const [at, { source }] of touches.entries())
    bySource.set(source, (bySource.get(source) ?? 0n) + (weights[at] ?? 0n));
  const credited = [...bySource].filter(([, weight]) => weight > 0n);
  const parts = credited.map(([, weight]) => weight);
  const total = parts.reduce((sum, weight) => sum + weight, 0n);
  const units = allocate(money?.units ?? 0n, parts);
  return credited
    .map(([source, weight], at) => ({
      source,
      share: Number(weight) / Number(total),
      units: units[at] ?? 0n,
      weight,
    }))
    .toSorted((a, b) => (a.weight < b.weight ? 1 : a.weight > b.weight ? -1 : 0))
    .map(({ source, share, units: credit }) => ({ source, share, units: credit }));
}
