import { OUTLOOK_DAYS } from '../scoring/explanation.ts';
import { MOST_HORIZON_DAYS } from '../scoring/model-file.ts';

/** What {@link readDays} takes, in words. */
export const DAYS_EXPECTED = `a whole number from 1 to ${MOST_HORIZON_DAYS}`;

/**
 * How far somebody wants to look ahead; at most the longest horizon, behind which no signal of today counts.
 *
 * @param text - as it was typed; undefined when nothing was
 * @returns undefined for what is no such number
 */
export function readDays(text = String(OUTLOOK_DAYS)): number | undefined {
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  return days >= 1 && days <= MOST_HORIZON_DAYS ? days : undefined;
}

/** Days as they stand behind "the next". */
export function daysAhead(days: number): string {
  return days === 1 ? 'day' : `${days} days`;
}
