import type { Award } from './awards.ts';
import type { Model } from './model.ts';

/** The sums of one contact at an instant, capped step by step. All in integer thousandths of a point. */
export interface Tally {
  /** By position in `model.engagement.signals`; before the cap of the signal. */
  readonly signals: readonly number[];
  /** By position among the keys of `model.engagement.groups`; after the caps of its signals, before its own. */
  readonly groups: readonly number[];
  /** After signal and group caps, before the cap of all engagement. */
  readonly beforeEngagementCap: number;
  readonly engagement: number;
  /** Fit plus engagement, inside the model's range. */
  readonly score: number;
}

/**
 * Points left of an award at an instant: `points * 2^(-age / half-life)`, rounded once to thousandths; none after its end.
 *
 * @param nowMs - epoch milliseconds; before the fact occurred nothing has faded
 * @returns integer thousandths of a point
 */
export function thousandthsLeft(award: Award, nowMs: number): number {
  if (nowMs > award.untilMs) return 0;
  const ageMs = Math.max(0, nowMs - award.fact.occurredAtMs);
  return Math.round(award.points * 1000 * 2 ** (-ageMs / award.halfLifeMs)) + 0; // + 0: a sum of nothing is 0, never -0.
}

/** Caps in thousandths, Infinity for none. */
interface Caps {
  readonly signals: readonly { readonly cap: number; readonly group: number | undefined }[];
  readonly groups: readonly number[];
  readonly engagement: number;
  readonly min: number;
  readonly max: number;
}

/** Worked out once per model, since a search sums by the thousand. */
const capsOf = new WeakMap<Model, Caps>();

function caps(model: Model): Caps {
  const known = capsOf.get(model);
  if (known !== undefined) return known;
  const { signals, groups, cap } = model.engagement;
  const names = Object.keys(groups);
  const made = {
    signals: signals.map((rule) => ({
      cap: inThousandths(rule.cap),
      group: rule.group === undefined ? undefined : names.indexOf(rule.group),
    })),
    groups: Object.values(groups).map((group) => inThousandths(group.cap)),
    engagement: inThousandths(cap),
    min: inThousandths(model.range.min),
    max: inThousandths(model.range.max),
  };
  capsOf.set(model, made);
  return made;
}

function inThousandths(points: number | undefined): number {
  return Math.round((points ?? Number.POSITIVE_INFINITY) * 1000);
}

/**
 * Sums awards. At an instant both times are that instant.
 *
 * Over a span every award only moves towards zero, and caps keep order. So gains taken at the end of the span with penalties
 * taken at its start give the least that any instant between can sum to, and the other way round the most.
 *
 * @param fit - points of the fit rules after their cap, in thousandths: they do not fade
 * @param gainsAtMs - when positive awards are looked at, epoch milliseconds
 * @param penaltiesAtMs - when negative awards are looked at
 */
export function tally(
  model: Model,
  fit: number,
  awards: readonly Award[],
  gainsAtMs: number,
  penaltiesAtMs: number,
): Tally {
  const { signals: signalCaps, groups: groupCaps, engagement: cap, min, max } = caps(model);
  const signals = signalCaps.map(() => 0);
  for (const award of awards) {
    const left = thousandthsLeft(award, award.points > 0 ? gainsAtMs : penaltiesAtMs);
    signals[award.signal] = (signals[award.signal] ?? 0) + left;
  }
  const groups = groupCaps.map(() => 0);
  let total = 0;
  let at = 0; // A search sums by the thousand: pairs of position and rule would be made anew each time.
  for (const rule of signalCaps) {
    const sum = within(rule.cap, signals[at++] ?? 0);
    if (rule.group === undefined) total += sum;
    else groups[rule.group] = (groups[rule.group] ?? 0) + sum;
  }
  at = 0;
  for (const groupCap of groupCaps) total += within(groupCap, groups[at++] ?? 0);
  const engagement = within(cap, total);
  const score = Math.max(min, Math.min(max, fit + engagement));
  return { signals, groups, beforeEngagementCap: total, engagement, score };
}

/** A sum kept between minus and plus a cap. @param cap - points, undefined for none */
export function capThousandths(sum: number, cap: number | undefined): number {
  return within(inThousandths(cap), sum);
}

function within(limit: number, sum: number): number {
  return Math.max(-limit, Math.min(limit, sum)) + 0; // + 0: a cap of 0 gives 0, never -0.
}
