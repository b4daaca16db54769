import * as v from 'valibot';
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
const DAY_MS = 86_400_000;

/** Reads how far the nights are done. This day's own may still be to come: at which hour it runs is a setting of the schedule. */
export async function readLastNight({
  portalRow,
  clock,
  timeZone,
}: Pick<Target, 'portalRow' | 'clock' | 'timeZone'>): Promise<LastNight> {
  const { finishedNight } = await portalRow('nightly', Progress, { finishedNight: '' }).read();
  if (finishedNight === '') return { finished: '', missed: 0 };
  const yesterday = addDays(localDate(clock(), timeZone), -1);
  const missed = Math.round((Date.parse(yesterday) - Date.parse(finishedNight)) / DAY_MS);
  return { finished: finishedNight, missed: Math.max(0, missed) };
}
