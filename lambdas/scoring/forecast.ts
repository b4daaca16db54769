import { type Award, horizonMs, regrowthMoments } from './awards.ts';
import { displaySums, gradeNames, gradeOf } from './display.ts';
import { type Folded, foldAt } from './fold.ts';
import type { Model } from './model.ts';
import { type Tally, tally } from './tally.ts';

/** Most spans one search looks at. When it is reached the search answers too early, which costs one fold and no truth. */
const SPANS_PER_SEARCH = 4000;

/** A span of time, both ends included, in which awards only move towards zero. */
interface Stretch {
  /** The fold at the start of the stretch; of the first, a millisecond before it. */
  readonly folded: Folded;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The time after a fold if nothing happens, parted at some instants and ending when the last fact leaves the horizon: after
 * that nothing changes.
 *
 * @param moments - epoch milliseconds, in any order; all at which rises may grow must be among them
 */
export function* stretches(model: Model, folded: Folded, moments: readonly number[]): Generator<Stretch> {
  const ahead = [...new Set([...moments, ...leavingMoments(model, folded).slice(-1)])]
    .filter((ms) => ms > folded.nowMs)
    .toSorted((a, b) => a - b);
  if (ahead[0] !== undefined) yield { folded, fromMs: folded.nowMs + 1, toMs: ahead[0] - 1 };
  for (const [at, fromMs] of ahead.entries()) {
    yield { folded: foldAt(model, fromMs, folded), fromMs, toMs: (ahead[at + 1] ?? fromMs + 1) - 1 };
  }
}

/** The instants at which a fact stops counting, ascending. Facts still ahead leave too: their age starts when they occur. */
export function leavingMoments(model: Model, { facts }: Folded): number[] {
  return facts.map(({ occurredAtMs }) => occurredAtMs + horizonMs(model) + 1);
}

/**
 * The first instant of a span at which the same awards show something else.
 *
 * @param differs - whether sums show something else than now; what is shown must only rise with the sums, so that a span
 *   whose least and most agree with now agrees throughout
 * @returns epoch milliseconds, or undefined
 */
export function firstChange(
  model: Model,
  fit: number,
  awards: readonly Award[],
  fromMs: number,
  toMs: number,
  differs: (sums: Tally) => boolean,
): number | undefined {
  const spans: [number, number][] = [[fromMs, toMs]];
  for (let looked = 0; ; looked++) {
    const span = spans.pop();
    if (span === undefined) return undefined;
    const [first, last] = span;
    if (first > last) continue;
    if (looked >= SPANS_PER_SEARCH) return first;
    const most = tally(model, fit, awards, first, last);
    if (!differs(most) && (first === last || !differs(tally(model, fit, awards, last, first)))) continue;
    if (first === last) return first;
    const middle = Math.floor((first + last) / 2);
    spans.push([middle + 1, last], [first, middle]); // The earlier half is looked at first.
  }
}

/** What becomes of a grade by itself. */
export interface GradeChange {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly grade: string;
  readonly isFall: boolean;
}

/**
 * When the grade next changes if nothing happens. Until then the answer stays the same at every later fold.
 *
 * @param grade - the grade shown at the fold
 * @returns undefined when it never does, or when there is no score at all any more then
 */
export function nextGradeChange(model: Model, folded: Folded, grade: string): GradeChange | undefined {
  const gradeAt = (sums: Pick<Tally, 'score' | 'engagement'>) =>
    gradeOf(model, displaySums(model, folded.fit, sums), grade);
  const differs = (sums: Tally) => gradeAt(sums) !== grade;
  for (const stretch of stretches(model, folded, regrowthMoments(model, folded.facts))) {
    const { fit, awards } = stretch.folded;
    const atMs = firstChange(model, fit, awards, stretch.fromMs, stretch.toMs, differs);
    if (atMs === undefined) continue;
    const then = foldAt(model, atMs, folded);
    const next = gradeAt(then);
    if (then.status === 'insufficient_data' || next === grade) return undefined; // The same: the search ended early.
    const names = gradeNames(model); // Fit does not fade: in a grid the row stays, and in a row the better stand first.
    return { atMs, grade: next, isFall: names.indexOf(next) > names.indexOf(grade) };
  }
  return undefined;
}
