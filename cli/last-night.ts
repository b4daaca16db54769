import * as v from 'valibot';
import { HEARD_ROW, HeardDays, NOTHING_HEARD } from '../lambdas/scorer/arrivals.ts';
import { addDays, localDate } from '../lambdas/scoring/calendar.ts';
import type { Target } from './target.ts';

/** How far the nights are done. */
export interface LastNight {
  /** The last night that was finished, `YYYY-MM-DD`; empty before the first. */
  readonly finished: string;
  /** Nights that should be finished and are not. */
  readonly missed: number;
}

const Progress = v.object({ finishedNight: v.string() });
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** By then a run has ended, also one that took its time, or was begun anew. */
const RUN_TAKES_HOURS = 2;
/** The first night comes within a day of the deployment. */
const FIRST_WITHIN_DAYS = 2;

/**
 * Reads how far the nights are done. The run of a day notes that day; where nobody knows at which hour it comes, this day's own may still
 * be to come.
 */
export async function readLastNight(
  target: Pick<Target, 'portalRow' | 'clock' | 'timeZone' | 'nightlyHour'>,
): Promise<LastNight> {
  const { portalRow, clock, timeZone, nightlyHour } = target;
  const { finishedNight } = await portalRow('nightly', Progress, { finishedNight: '' }).read();
  const due =
    nightlyHour === undefined
      ? addDays(localDate(clock(), timeZone), -1)
      : localDate(clock() - (nightlyHour + RUN_TAKES_HOURS) * HOUR_MS, timeZone);
  const since = finishedNight === '' ? await runsWithout(target) : finishedNight;
  return { finished: finishedNight, missed: since === undefined ? 0 : Math.max(0, daysBetween(since, due)) };
}

/** Since which day a system whose nights are scheduled has surely been there, before any was finished; undefined while that is new. */
async function runsWithout({
  portalRow,
  clock,
  nightlyHour,
}: Pick<Target, 'portalRow' | 'clock' | 'nightlyHour'>): Promise<string | undefined> {
  if (nightlyHour === undefined) return undefined;
  const { heard } = await portalRow(HEARD_ROW, HeardDays, NOTHING_HEARD).read();
  const [oldest] = Object.values(heard).toSorted();
  if (oldest === undefined) return undefined;
  return (clock() - Date.parse(oldest)) / DAY_MS >= FIRST_WITHIN_DAYS + 1 ? oldest : undefined;
}

function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
}
