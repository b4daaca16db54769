import { type Fact, orderFacts } from './facts.ts';
import type { Model, SignalRule } from './model.ts';
import { asNumber } from './values.ts';

const DAY_MS = 86_400_000;

/** Points that one fact got from one rule, before they fade. */
export interface Award {
  /** Position in `model.engagement.signals`. */
  readonly signal: number;
  readonly fact: Fact;
  /** Points given; finite. */
  readonly points: number;
  /** Infinity when the points stay until the horizon. */
  readonly halfLifeMs: number;
  /** Last instant at which it counts, epoch milliseconds: the horizon of the fact, or of the count it rose from. */
  readonly untilMs: number;
}

/** A rule that may award a fact of some name. */
interface Candidate {
  /** Position in `model.engagement.signals`. */
  readonly at: number;
  readonly points: number;
  readonly halfLifeMs: number;
  readonly isCounter: boolean;
  /** Whether a value, in lower case, is one that the rule awards; of no concern to counters. */
  readonly matches: (value: string) => boolean;
}

/** Which rules may award a fact of a name: worked out once per model, since folds run by the hundred thousand. */
const candidatesOf = new WeakMap<Model, ReadonlyMap<string, readonly Candidate[]>>();

function candidates(model: Model): ReadonlyMap<string, readonly Candidate[]> {
  const known = candidatesOf.get(model);
  if (known !== undefined) return known;
  const byName = new Map<string, Candidate[]>();
  for (const [at, rule] of model.engagement.signals.entries()) {
    const { from, points } = rule;
    const name = from.kind === 'signal' ? `signal:${from.signal}` : `property:${from.property}`;
    const halfLifeMs = rule.halfLifeDays === 'never' ? Number.POSITIVE_INFINITY : rule.halfLifeDays * DAY_MS;
    const candidate = { at, points, halfLifeMs, isCounter: from.kind === 'counter', matches: matcher(rule) };
    byName.set(name, [...(byName.get(name) ?? []), candidate]);
  }
  candidatesOf.set(model, byName);
  return byName;
}

function matcher({ from }: SignalRule): (value: string) => boolean {
  if (from.kind === 'transition') {
    const values = new Set(from.to.map((value) => value.toLowerCase()));
    return (value) => values.has(value);
  }
  if (from.kind === 'text') {
    const parts = from.contains.map((part) => part.toLowerCase());
    return (value) => parts.some((part) => value.includes(part));
  }
  return () => true;
}

/** Milliseconds after which a fact no longer counts. */
export function horizonMs(model: Model): number {
  return model.horizonDays * DAY_MS;
}

/** The facts that rules look at, in the order they happened. @param facts - in any order, repeated or not */
export function countingFacts(model: Model, facts: readonly Fact[]): Fact[] {
  const rules = candidates(model);
  return orderFacts(facts).filter(({ name }) => rules.has(name));
}

/**
 * What the model gives for the facts that still count at `nowMs`.
 *
 * @param facts - {@link countingFacts}
 * @returns awards in the order the facts happened
 */
export function awardFacts(model: Model, facts: readonly Fact[], nowMs: number): Award[] {
  const rules = candidates(model);
  const horizon = horizonMs(model);
  const counters = new Map<string, Counter>();
  const awards: Award[] = [];
  const sameInstant: Fact[] = [];
  for (const fact of facts) {
    if (fact.occurredAtMs + horizon < nowMs) continue;
    if (sameInstant[0]?.occurredAtMs !== fact.occurredAtMs) sameInstant.length = 0;
    else if (sameInstant.some((other) => isSameChange(other, fact))) continue;
    sameInstant.push(fact);
    const matching = rules.get(fact.name) ?? [];
    const rise = matching.some(({ isCounter }) => isCounter) ? raise(counters, fact) : undefined;
    const happened = fact.baseline !== true;
    const value = (fact.value ?? '').toLowerCase();
    for (const { at, points, halfLifeMs, isCounter, matches } of matching) {
      const times = isCounter ? (rise?.by ?? 0) : Number(happened && matches(value));
      if (times === 0) continue;
      const untilMs = horizon + (isCounter ? (rise?.fromMs ?? 0) : fact.occurredAtMs);
      awards.push({ signal: at, fact, points: points * times, halfLifeMs, untilMs });
    }
  }
  return awards;
}

/**
 * Whether two facts are one change of one property. Their keys differ when a merge gave the contact a new record id in between and
 * the change was heard of again under it.
 */
function isSameChange(a: Fact, b: Fact): boolean {
  const isChange = a.name.startsWith('property:') && a.record === undefined;
  return isChange && a.name === b.name && a.value === b.value && b.record === undefined;
}

/** A counter of one record, as far as its counts were looked at. */
interface Counter {
  readonly highest: number;
  /** When the latest count was told, epoch milliseconds, whether it rose or not. */
  readonly latestMs: number;
}

/** The rise of a counter over the highest count known so far; the first count is the baseline and falls award nothing. */
function raise(counters: Map<string, Counter>, fact: Fact): { by: number; fromMs: number } | undefined {
  const count = asNumber(fact.value ?? '');
  if (count === undefined) return undefined;
  const name = counterOf(fact);
  const before = counters.get(name);
  counters.set(name, { highest: Math.max(count, before?.highest ?? count), latestMs: fact.occurredAtMs });
  if (before === undefined || fact.baseline === true || count <= before.highest) return undefined;
  return { by: count - before.highest, fromMs: before.latestMs };
}

/** After a merge every record still counts for itself. */
function counterOf({ name, record }: Fact): string {
  return `${name} ${record ?? ''}`;
}

/**
 * The instants at which rises may grow by themselves: where a count leaves the horizon that the next one did not reach, a
 * lower count becomes the baseline. At all other times awards only move towards zero.
 *
 * @param facts - {@link countingFacts}
 * @returns epoch milliseconds, in no order
 */
export function regrowthMoments(model: Model, facts: readonly Fact[]): number[] {
  const rules = candidates(model);
  const latest = new Map<string, { readonly count: number; readonly atMs: number }>();
  const moments: number[] = [];
  for (const fact of facts) {
    if (!rules.get(fact.name)?.some(({ isCounter }) => isCounter)) continue;
    const count = asNumber(fact.value ?? '');
    if (count === undefined) continue;
    const before = latest.get(counterOf(fact));
    if (before !== undefined && count < before.count) moments.push(before.atMs + horizonMs(model) + 1);
    latest.set(counterOf(fact), { count, atMs: fact.occurredAtMs });
  }
  return moments;
}
