import { horizonMs } from './awards.ts';
import { displayPoints, gradeOf } from './display.ts';
import type { Known } from './facts.ts';
import { type Folded, fold } from './fold.ts';
import { firstChange } from './forecast.ts';
import type { Model } from './model.ts';
import { type Shown, show } from './show.ts';
import type { Tally } from './tally.ts';

/**
 * The due moment: the first instant after the fold at which `show` differs if nothing happens.
 *
 * Between two instants at which a fact leaves the horizon, the same awards fade, so the sums at both ends of a span bound
 * the whole span: spans in which nothing shown can change are skipped, others are halved.
 *
 * @param shown - what is shown at `folded.nowMs`
 * @returns epoch milliseconds, or undefined when nothing will ever change
 */
export function dueMoment(
  model: Model,
  known: Known,
  folded: Folded,
  shown: Shown,
  timeZone: string,
): number | undefined {
  if (folded.awards.length === 0 && known.facts.length === 0) return undefined;
  const current = displayed(model, folded.tally, true, shown.grade);
  const differs = (span: Tally, low: boolean) => displayed(model, span, low, shown.grade) !== current;
  let fromMs = folded.nowMs + 1;
  let { awards } = folded;
  for (const leaveMs of leavingMoments(model, known, folded.nowMs)) {
    const changed = firstChange(model, folded.fit, awards, fromMs, leaveMs - 1, differs);
    if (changed !== undefined) return changed;
    const next = fold(model, known, leaveMs);
    if (!isSameShown(show(shown, next, model, timeZone), shown)) return leaveMs;
    awards = next.awards;
    fromMs = leaveMs + 1;
  }
  return undefined;
}

/** The instants at which a fact stops counting, ascending. Facts still ahead leave too: their age starts when they occur. */
function leavingMoments(model: Model, known: Known, nowMs: number): number[] {
  const moments = known.facts.map(({ occurredAtMs }) => occurredAtMs + horizonMs(model) + 1);
  return [...new Set(moments.filter((ms) => ms > nowMs))].toSorted((a, b) => a - b);
}

/** What the sums at one end of a span show. Steps, range and grades only rise with the sum, so equal ends mean no change. */
function displayed(model: Model, span: Tally, low: boolean, grade: string): string {
  const score = displayPoints(model, low ? span.score.low : span.score.high);
  const engagement = displayPoints(model, low ? span.engagement.low : span.engagement.high);
  return `${score} ${engagement} ${gradeOf(model, score, grade)}`;
}

function isSameShown(a: Shown, b: Shown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
