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
}

interface Candidate {
  readonly at: number;
  readonly rule: SignalRule;
  readonly halfLifeMs: number;
}

/** Which rules may award a fact of a name: looked up once per model, since folds run by the hundred thousand. */
const candidatesOf = new WeakMap<Model, Map<string, Candidate[]>>();

function candidates(model: Model): Map<string, Candidate[]> {
  const known = candidatesOf.get(model);
  if (known !== undefined) return known;
  const byName = new Map<string, Candidate[]>();
  for (const [at, rule] of model.engagement.signals.entries()) {
    const name =
      rule.from.kind === 'signal' ? `signal:${rule.from.signal}` : `property:${rule.from.property}`;
    const halfLifeMs = rule.halfLifeDays === 'never' ? Number.POSITIVE_INFINITY : rule.halfLifeDays * DAY_MS;
    byName.set(name, [...(byName.get(name) ?? []), { at, rule, halfLifeMs }]);
  }
  candidatesOf.set(model, byName);
  return byName;
}

/** Milliseconds after which a fact no longer counts. */
export function horizonMs(model: Model): number {
  return model.horizonDays * DAY_MS;
}

/**
 * What the model gives for the facts that still count at `nowMs`.
 *
 * @param facts - in any order, repeated or not
 * @returns awards in the order the facts happened
 */
export function awardFacts(model: Model, facts: readonly Fact[], nowMs: number): Award[] {
  const rules = candidates(model);
  const earliestMs = nowMs - horizonMs(model);
  const highest = new Map<string, number>();
  const awards: Award[] = [];
  for (const fact of orderFacts(facts)) {
    if (fact.occurredAtMs < earliestMs) continue;
    const matching = rules.get(fact.name);
    if (matching === undefined) continue;
    const rise = matching.some(({ rule }) => rule.from.kind === 'counter') ? raise(highest, fact) : 0;
    for (const { at, rule, halfLifeMs } of matching) {
      const times = timesAwarded(rule, fact, rise);
      if (times > 0) awards.push({ signal: at, fact, points: rule.points * times, halfLifeMs });
    }
  }
  return awards;
}

/** How often a rule awards a fact: once for what happens, the rise for what counts, 0 when it does not match. */
function timesAwarded(rule: SignalRule, fact: Fact, rise: number): number {
  const { from } = rule;
  if (from.kind === 'counter') return rise;
  if (fact.baseline === true) return 0;
  const value = (fact.value ?? '').toLowerCase();
  if (from.kind === 'transition') return from.to.some((to) => to.toLowerCase() === value) ? 1 : 0;
  if (from.kind === 'text') return from.contains.some((part) => value.includes(part.toLowerCase())) ? 1 : 0;
  return 1;
}

/** The rise of a counter over the highest count known so far; the first count is the baseline and falls award nothing. */
function raise(highest: Map<string, number>, fact: Fact): number {
  const count = asNumber(fact.value ?? '');
  if (count === undefined) return 0;
  const counter = `${fact.name} ${fact.record ?? ''}`;
  const before = highest.get(counter);
  if (before !== undefined && count <= before) return 0;
  highest.set(counter, count);
  return before === undefined || fact.baseline === true ? 0 : count - before;
}
