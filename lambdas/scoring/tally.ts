import type { Award } from './awards.ts';
import type { Model } from './model.ts';

/** A sum in integer thousandths of a point that is certain to lie between two numbers; at one instant both are equal. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** The sums of one contact over a span of time, capped step by step. All in integer thousandths of a point. */
export interface Tally {
  /** By position in `model.engagement.signals`; before the cap of the signal. */
  readonly signals: readonly Bounds[];
  /** By group name; after the caps of its signals, before its own. */
  readonly groups: ReadonlyMap<string, Bounds>;
  /** After signal and group caps, before the cap of all engagement. */
  readonly beforeEngagementCap: Bounds;
  readonly engagement: Bounds;
  readonly fit: number;
  /** Fit plus engagement, inside the model's range. */
  readonly score: Bounds;
}

/**
 * Points left of an award at an instant: `points * 2^(-age / half-life)`, rounded once to thousandths.
 *
 * @param nowMs - epoch milliseconds; before the fact occurred nothing has faded
 * @returns integer thousandths of a point
 */
export function thousandthsLeft(award: Award, nowMs: number): number {
  const ageMs = Math.max(0, nowMs - award.fact.occurredAtMs);
  return Math.round(award.points * 1000 * 2 ** (-ageMs / award.halfLifeMs)) + 0; // + 0: a sum of nothing is 0, never -0.
}

/**
 * Sums awards over the span from `fromMs` to `toMs`, both included. Every single award only moves towards zero, and caps
 * keep order, so the sums at the two ends, taken the right way round, bound every instant between.
 *
 * @param fitThousandths - points of the fit rules after their cap: they do not fade
 */
export function tally(
  model: Model,
  fitThousandths: number,
  awards: readonly Award[],
  fromMs: number,
  toMs: number,
): Tally {
  const { signals: rules, groups: groupRules, cap } = model.engagement;
  const signals = rules.map(() => ({ low: 0, high: 0 }));
  for (const award of awards) {
    const first = thousandthsLeft(award, fromMs);
    const last = fromMs === toMs ? first : thousandthsLeft(award, toMs);
    const sum = signals[award.signal];
    if (sum === undefined) continue;
    sum.low += Math.min(first, last);
    sum.high += Math.max(first, last);
  }
  const groups = new Map<string, { low: number; high: number }>();
  const total = { low: 0, high: 0 };
  for (const [at, rule] of rules.entries()) {
    const capped = capBounds(signals[at], rule.cap);
    if (rule.group === undefined) add(total, capped);
    else {
      const group = groups.get(rule.group) ?? { low: 0, high: 0 };
      groups.set(rule.group, group);
      add(group, capped);
    }
  }
  for (const [name, group] of groups) add(total, capBounds(group, groupRules[name]?.cap));
  const engagement = capBounds(total, cap);
  const score = {
    low: toRange(model, fitThousandths + engagement.low),
    high: toRange(model, fitThousandths + engagement.high),
  };
  return { signals, groups, beforeEngagementCap: total, engagement, fit: fitThousandths, score };
}

/** A sum kept between minus and plus a cap. @param cap - points, undefined for none */
export function capThousandths(sum: number, cap: number | undefined): number {
  if (cap === undefined) return sum;
  const limit = Math.round(cap * 1000);
  return Math.max(-limit, Math.min(limit, sum));
}

function capBounds(sum: Bounds | undefined, cap: number | undefined): Bounds {
  return { low: capThousandths(sum?.low ?? 0, cap), high: capThousandths(sum?.high ?? 0, cap) };
}

function add(sum: { low: number; high: number }, more: Bounds): void {
  sum.low += more.low;
  sum.high += more.high;
}

function toRange(model: Model, sum: number): number {
  return Math.max(Math.round(model.range.min * 1000), Math.min(Math.round(model.range.max * 1000), sum));
}
