import { localDate } from '../scoring/calendar.ts';
import type { BudgetSettings, BudgetState } from './budget-state.ts';

/** Near midnight a count may be that of the other day: HubSpot's clock is not ours. */
const MIDNIGHT_BLUR_MS = 5 * 60_000;

/** Calls of the whole portal in a day, `YYYY-MM-DD` in its time zone. */
export interface CallsOfDay {
  readonly date: string;
  readonly calls: number;
}

/**
 * The day's count as it stands. Right before midnight the next day may have been begun by a clock that is a little ahead; any other
 * day tells nothing: who wrote it went by another time zone, or by a clock that was wrong.
 */
export function countToday({ today }: BudgetState, nowMs: number, timeZone: string): CallsOfDay {
  const date = localDate(nowMs, timeZone);
  const isToday = today?.date === date || today?.date === localDate(nowMs + MIDNIGHT_BLUR_MS, timeZone);
  if (today !== undefined && isToday) return today;
  return { date, calls: 0 };
}

/**
 * What the headers of an answer say of the day.
 *
 * @param sentAtMs - when the call was made
 * @returns undefined where they say nothing, or may speak of another day
 */
export function seenToday(
  limit: number,
  remaining: number,
  sentAtMs: number,
  nowMs: number,
  timeZone: string,
): CallsOfDay | undefined {
  const date = localDate(nowMs, timeZone);
  const isSure =
    localDate(sentAtMs - MIDNIGHT_BLUR_MS, timeZone) === date &&
    localDate(nowMs + MIDNIGHT_BLUR_MS, timeZone) === date;
  return isSure ? { date, calls: Math.max(0, limit - remaining) } : undefined;
}

/** Calls that are left of the day, by who may make them: `background` stops at twice the reserve. */
export function leftToday(
  state: BudgetState,
  { dailyLimit, dailyReservePercent }: BudgetSettings,
  calls: number,
): { readonly all: number; readonly background: number } {
  const limit = state.dailyLimit ?? dailyLimit;
  // Of a reserve so large that twice of it is everything, half of the rest.
  const background = Math.min(2 * dailyReservePercent, 50 + dailyReservePercent / 2);
  const left = (percent: number) => Math.floor((limit * (100 - percent)) / 100) - calls;
  return { all: left(dailyReservePercent), background: left(background) };
}
