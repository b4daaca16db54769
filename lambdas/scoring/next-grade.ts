import type { Award } from './awards.ts';
import { displaySums, gradeNames, gradeOf } from './display.ts';
import type { Folded } from './fold.ts';
import type { Model } from './model.ts';
import { tally } from './tally.ts';

/** Most times one signal is thought of: "one more visit" is an answer, "nine more" is none. */
const MOST_TIMES = 3;

/** A better grade, and what it takes. */
export interface NextGrade {
  readonly grade: string;
  /** The signal that would lead there if it came now; null when none of them does, however it is repeated. */
  readonly by: {
    /** Id and title of the rule. */
    readonly rule: string;
    readonly title: string;
    readonly times: number;
  } | null;
  /** Points up to the next band, where no signal leads there. */
  readonly missingPoints: number | null;
}

/**
 * What it would take to reach a better grade: the signal that leads there in the fewest times, of several the one with the
 * fewest points. Signals are added to those that stand, so caps, groups and the range have their say. A signal that would be taken for
 * one with another just seen is none of them. Of several it is not asked how far apart they come, nor whether they make a burst.
 *
 * @param grade - the grade shown at the fold
 * @returns null for an excluded contact, and where nothing leads to a better grade
 */
export function nextGrade(model: Model, folded: Folded, grade: string): NextGrade | null {
  if (folded.status === 'excluded') return null;
  for (let times = 1; times <= MOST_TIMES; times++) {
    const [way] = waysUp(model, folded, grade, times);
    if (way !== undefined) return way;
  }
  return nextBand(model, folded, grade);
}

/** Those of a number of times, the one with the fewest points first. */
function waysUp(model: Model, folded: Folded, grade: string, times: number): NextGrade[] {
  const { nowMs, fit, awards, muted, reset } = folded;
  if (reset !== undefined && reset.atMs > nowMs) return []; // What comes before it will not count.
  return [...model.engagement.signals.entries()]
    .filter(([, { points, group }]) => points > 0 && (group === undefined || !muted.has(group)))
    .filter(([signal, { minimumGapSeconds = 0 }]) => !isClose(folded, signal, minimumGapSeconds * 1000))
    .toSorted(([, a], [, b]) => a.points - b.points)
    .flatMap(([signal, { id, title, points }]) => {
      const one: Award = {
        signal,
        fact: { key: '', name: '', occurredAtMs: nowMs },
        points,
        halfLifeMs: Number.POSITIVE_INFINITY,
        untilMs: nowMs,
      };
      const more = Array.from({ length: times }, () => one);
      const sums = tally(model, fit, [...awards, ...more], nowMs, nowMs);
      const reached = gradeOf(model, displaySums(model, fit, sums), grade);
      if (rankOf(model, reached) >= rankOf(model, grade)) return [];
      return [{ grade: reached, by: { rule: id, title, times }, missingPoints: null }];
    });
}

/** Whether a signal that came now would be closer than the gap of its rule to one that the rule knows, whether that counts or not. */
function isClose({ nowMs, awards, merged }: Folded, signal: number, gapMs: number): boolean {
  const counted = awards.filter((award) => award.signal === signal).map(({ fact }) => fact);
  return [...counted, ...(merged.get(signal) ?? [])].some(
    ({ occurredAtMs }) => Math.abs(nowMs - occurredAtMs) < gapMs,
  );
}

/** 0 is best; no grade comes behind the last one. */
function rankOf(model: Model, grade: string): number {
  const names = gradeNames(model);
  const at = names.indexOf(grade);
  return at === -1 ? names.length : at;
}

/** The band above; in a grid no single number of points says what is missing. */
function nextBand(model: Model, folded: Folded, grade: string): NextGrade | null {
  const { bands = [] } = model.grades;
  const at = bands.findIndex((band) => band.grade === grade);
  const above = bands[at - 1];
  if (above === undefined || above.from > model.range.max) return null;
  const { score } = displaySums(model, folded.fit, folded);
  return { grade: above.grade, by: null, missingPoints: above.from - score };
}
