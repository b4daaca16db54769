import { type Award, horizonMs } from './awards.ts';
import { displayPoints, gradeOf } from './display.ts';
import type { Folded } from './fold.ts';
import type { Model } from './model.ts';
import { type Tally, tally } from './tally.ts';

/** Most spans one search looks at. When it is reached the search answers too early, which costs one fold and no truth. */
const SPANS_PER_SEARCH = 20_000;

/**
 * The first instant of a span at which the same awards show something else.
 *
 * @param differs - whether the sums at the low (or high) end of a span show something else than now; what is shown must
 *   only rise with the sums, so that a span whose two ends agree with now agrees throughout
 * @returns epoch milliseconds, or undefined
 */
export function firstChange(
  model: Model,
  fit: number,
  awards: readonly Award[],
  fromMs: number,
  toMs: number,
  differs: (bounds: Tally, low: boolean) => boolean,
): number | undefined {
  const spans: [number, number][] = [[fromMs, toMs]];
  for (let looked = 0; ; looked++) {
    const span = spans.pop();
    if (span === undefined) return undefined;
    const [first, last] = span;
    if (first > last) continue;
    if (looked >= SPANS_PER_SEARCH) return first;
    const bounds = tally(model, fit, awards, first, last);
    if (!differs(bounds, true) && !differs(bounds, false)) continue;
    if (first === last) return first;
    const middle = Math.floor((first + last) / 2);
    spans.push([middle + 1, last], [first, middle]); // The earlier half is looked at first.
  }
}

/**
 * When the grade next changes if nothing happens and no fact leaves the horizon first.
 *
 * @param grade - the grade shown at the fold
 */
export function nextGradeChange(
  model: Model,
  folded: Folded,
  grade: string,
): { readonly atMs: number; readonly grade: string; readonly isFall: boolean } | undefined {
  const oldestMs = Math.min(...folded.awards.map(({ fact }) => fact.occurredAtMs));
  const lastMs = oldestMs + horizonMs(model);
  if (folded.awards.length === 0 || lastMs <= folded.nowMs) return undefined;
  const gradeAt = (points: number) => gradeOf(model, displayPoints(model, points), grade);
  const atMs = firstChange(
    model,
    folded.fit,
    folded.awards,
    folded.nowMs + 1,
    lastMs,
    ({ score }, low) => gradeAt(low ? score.low : score.high) !== grade,
  );
  if (atMs === undefined) return undefined;
  const next = gradeAt(tally(model, folded.fit, folded.awards, atMs, atMs).score.low);
  const rank = (name: string) => model.grades.bands.findIndex((band) => band.grade === name);
  return { atMs, grade: next, isFall: rank(next) > rank(grade) };
}
