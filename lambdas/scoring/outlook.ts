import { localDate } from './calendar.ts';
import { displaySums } from './display.ts';
import { type Folded, foldAt } from './fold.ts';
import { type GradeChange, nextGradeChange } from './forecast.ts';
import type { Model } from './model.ts';

const DAY_MS = 86_400_000;
/** Most changes of a grade that are looked for: each is a search. */
const CHANGES = 50;

/** What is shown at one instant, nothing having happened. */
export interface OutlookDay {
  /** ISO time: now, and whole days of 24 hours later. */
  readonly at: string;
  /** Calendar date in the time zone of the portal, `YYYY-MM-DD`. */
  readonly date: string;
  /** Null once there is no score any more. */
  readonly score: number | null;
  readonly grade: string;
}

/** A change of the grade that comes by itself. */
export interface OutlookChange {
  /** ISO time. */
  readonly at: string;
  readonly date: string;
  readonly grade: string;
  readonly isFall: boolean;
}

/** The days to come if nothing happens. */
export interface Outlook {
  /** The first is now. */
  readonly days: readonly OutlookDay[];
  readonly changes: readonly OutlookChange[];
}

/**
 * The score of the days to come, each day folded by itself.
 *
 * @param grade - the grade shown at the fold
 * @param timeZone - IANA name, for the dates
 * @param days - how far to look, at least 1
 * @returns null where there is no score
 */
export function lookAhead(
  model: Model,
  folded: Folded,
  grade: string,
  timeZone: string,
  days: number,
): Outlook | null {
  if (folded.status !== 'scored') return null;
  const changes = gradeChanges(model, folded, grade, folded.nowMs + days * DAY_MS);
  const day = (at: number): OutlookDay => {
    const ms = folded.nowMs + at * DAY_MS;
    const then = foldAt(model, ms, folded);
    const when = { at: new Date(ms).toISOString(), date: localDate(ms, timeZone) };
    if (then.status !== 'scored') return { ...when, score: null, grade: '' };
    const gradeThen = changes.findLast(({ atMs }) => atMs <= ms)?.grade ?? grade;
    return { ...when, score: displaySums(model, then.fit, then).score, grade: gradeThen };
  };
  return {
    days: Array.from({ length: days + 1 }, (_, at) => day(at)),
    changes: changes.map(({ atMs, ...change }) => ({
      at: new Date(atMs).toISOString(),
      date: localDate(atMs, timeZone),
      ...change,
    })),
  };
}

function gradeChanges(model: Model, folded: Folded, grade: string, untilMs: number): GradeChange[] {
  const changes: GradeChange[] = [];
  let from = folded;
  while (changes.length < CHANGES) {
    const change = nextGradeChange(model, from, changes.at(-1)?.grade ?? grade);
    if (change === undefined || change.atMs > untilMs) break;
    changes.push(change);
    from = foldAt(model, change.atMs, folded);
  }
  return changes;
}
