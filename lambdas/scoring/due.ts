import { displayPoints, displaySums, gradeOf } from './display.ts';
import type { Folded } from './fold.ts';
import { firstChange, type GradeChange, leavingMoments, nextGradeChange, stretches } from './forecast.ts';
import type { Model } from './model.ts';
import { type ShownScore, showScore } from './show.ts';
import type { Tally } from './tally.ts';

/**
 * The due moment: the first instant after the fold at which `show` differs if nothing happens.
 *
 * Between two instants at which a fact leaves the horizon, the same awards fade, so the sums at both ends of a span bound
 * the whole span: spans in which nothing shown can change are skipped, others are halved.
 *
 * @param shown - what is shown of the score at `folded.nowMs`
 * @param timeZone - IANA name, for the dates in the reasons
 * @returns epoch milliseconds, or undefined when nothing will ever change
 */
export function dueMoment(
  model: Model,
  folded: Folded,
  shown: ShownScore,
  timeZone: string,
): number | undefined {
  if (folded.status === 'excluded') return undefined; // Only what the contact is can change that.
  const differs = differenceFrom(model, folded, shown.grade);
  const forecast = forecastOnce(model, folded, shown.grade);
  for (const { folded: start, fromMs, toMs } of stretches(model, folded, leavingMoments(model, folded))) {
    const isFirst = start === folded;
    if (!isFirst && !isSameScore(showScore(shown, start, model, timeZone, forecast), shown)) return fromMs;
    const changed = firstChange(model, start.fit, start.awards, fromMs, toMs, differs);
    if (changed !== undefined) return changed;
  }
  return undefined;
}

/** The next change of a grade, looked for when first asked: it stays the same until the grade changes. */
function forecastOnce(model: Model, folded: Folded, grade: string): () => GradeChange | undefined {
  let found: { readonly change: GradeChange | undefined } | undefined;
  return () => {
    found ??= { change: nextGradeChange(model, folded, grade) };
    return found.change;
  };
}

/**
 * Whether sums show something else than a fold does. Steps, bands and the range only rise with the sums, so where least and most
 * agree nothing changes between; the grade follows from the numbers, and stands for them where they are not shown.
 */
function differenceFrom(model: Model, { fit, tally }: Folded, grade: string): (sums: Tally) => boolean {
  if (model.display.gradeOnly) {
    const gradeAt = (sums: Tally) => gradeOf(model, displaySums(model, fit, sums), grade);
    const current = gradeAt(tally);
    return (sums) => gradeAt(sums) !== current;
  }
  const { score, engagement } = displaySums(model, fit, tally);
  return (sums) =>
    displayPoints(model, sums.score) !== score || displayPoints(model, sums.engagement) !== engagement;
}

/** @param a, b - of the second only what the first has is looked at */
function isSameScore(a: ShownScore, b: ShownScore): boolean {
  const names = Object.keys(a);
  return JSON.stringify(a, names) === JSON.stringify(b, names);
}
