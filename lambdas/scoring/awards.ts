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
  /** One property is read as one kind, so all rules of a name agree on this. */
  readonly isCounter: boolean;
  /** Whether a value, in lower case, is one that the rule awards; undefined when it awards every one. */
  readonly matches: ((value: string) => boolean) | undefined;
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

function matcher({ from }: SignalRule): Candidate['matches'] {
  if (from.kind === 'transition') {
    const values = new Set(from.to.map((value) => value.toLowerCase()));
    return (value) => values.has(value);
  }
  if (from.kind === 'text') {
    const parts = from.contains.map((part) => part.toLowerCase());
    return (value) => parts.some((part) => value.includes(part));
  }
  return undefined;
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
  let at = -1; // Not `entries()`, which makes a pair for every fact: no loop runs more often.
  for (const fact of facts) {
    at += 1;
    if (fact.occurredAtMs + horizon < nowMs || isToldBefore(facts, at, fact)) continue;
    const matching = rules.get(fact.name) ?? [];
    const rise = matching[0]?.isCounter === true ? raise(counters, fact) : ONCE;
    if (rise === undefined || (rise === ONCE && fact.baseline === true)) continue;
    const untilMs = horizon + (rise === ONCE ? fact.occurredAtMs : rise.fromMs);
    for (const { at: signal, points, halfLifeMs, matches } of matching) {
      if (matches !== undefined && !matches((fact.value ?? '').toLowerCase())) continue;
      awards.push({ signal, fact, points: points * rise.by, halfLifeMs, untilMs });
    }
  }
  return awards;
}

/**
 * Whether an earlier fact is the same change of the same property. Their keys differ when a merge gave the contact a new record id
 * in between and the change was heard of again under it.
 */
function isToldBefore(facts: readonly Fact[], at: number, fact: Fact): boolean {
  for (let before = at - 1; facts[before]?.occurredAtMs === fact.occurredAtMs; before--) {
    const other = facts[before];
    const isSame =
      other?.name === fact.name && other.value === fact.value && fact.name.startsWith('property:');
    if (isSame && other.record === undefined && fact.record === undefined) return true;
  }
  return false;
}

/** What happens once is awarded once. */
const ONCE: Rise = { by: 1, fromMs: 0 };

/** How far a count rose over the highest known, and since when that stood; epoch milliseconds. */
interface Rise {
  readonly by: number;
  readonly fromMs: number;
}

/** A counter of one record, as far as its counts were looked at. */
interface Counter {
  readonly highest: number;
  /** When the latest count was told, epoch milliseconds, whether it rose or not. */
  readonly latestMs: number;
}

/** The rise of a counter over the highest count known so far; the first count is the baseline and falls award nothing. */
function raise(counters: Map<string, Counter>, fact: Fact): Rise | undefined {
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
    if (rules.get(fact.name)?.[0]?.isCounter !== true) continue;
    const count = asNumber(fact.value ?? '');
    if (count === undefined) continue;
    const before = latest.get(counterOf(fact));
    if (before !== undefined && count < before.count) moments.push(before.atMs + horizonMs(model) + 1);
    latest.set(counterOf(fact), { count, atMs: fact.occurredAtMs });
  }
  return moments;
}
