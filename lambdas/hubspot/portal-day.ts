import { localDate } from '../scoring/calendar.ts';

/** No calendar day is longer: 25 hours, when clocks are set back. */
export const LONGEST_DAY_MS = 25 * 3_600_000;

/**
 * The first instant of the next calendar day, found by halving: days are 23 to 25 hours long.
 *
 * @param timeZone - IANA name
 */
export function midnightAfter(nowMs: number, timeZone: string): number {
  const today = localDate(nowMs, timeZone);
  let before = nowMs;
  let after = nowMs + LONGEST_DAY_MS;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (localDate(middle, timeZone) === today) before = middle;
    else after = middle;
  }
  return after;
}

/** Whether a day has begun less than so long ago. */
export function isDayYoungerThan(ageMs: number, nowMs: number, timeZone: string): boolean {
  return localDate(nowMs - ageMs, timeZone) !== localDate(nowMs, timeZone);
}
