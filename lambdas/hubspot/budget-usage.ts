import { countToday } from './budget-day.ts';
import { LONGEST_WAIT_MS } from './budget-lease.ts';
import { type BudgetSettings, type BudgetState, WINDOW_MS } from './budget-state.ts';
import { allowedInWindow, grantedBetween, rememberedGrants } from './budget-window.ts';

/** How much of HubSpot's limits is used, by everybody who draws on the budget. */
export interface BudgetUsage {
  /** Calls in the 10 seconds up to the last slot that was granted, in percent of those allowed us. */
  readonly windowPercent: number;
  /** Calls of the portal's day, also those of others, in percent of its limit: the reserve is part of it. */
  readonly dayPercent: number;
}

/** @param timeZone - of the portal, IANA name */
export function usageOf(
  state: BudgetState,
  settings: BudgetSettings,
  nowMs: number,
  timeZone: string,
): BudgetUsage {
  // Slots lie ahead, but never so far: what does comes from a clock that was wrong.
  const lastMs = Math.min(Math.max(nowMs, state.nextSlotMs), nowMs + LONGEST_WAIT_MS);
  const calls = grantedBetween(rememberedGrants(state, nowMs), lastMs - WINDOW_MS, Infinity);
  const { dailyLimit = settings.dailyLimit } = state;
  return {
    windowPercent: percent(calls, allowedInWindow(state, settings, nowMs)),
    dayPercent: percent(countToday(state, nowMs, timeZone).calls, dailyLimit),
  };
}

/** To a tenth of a percent. */
function percent(part: number, whole: number): number {
  return Math.round((1000 * part) / whole) / 10;
}
