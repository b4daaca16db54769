import { countToday } from '../lambdas/hubspot/budget-day.ts';
import {
  Budgeted,
  type BudgetState,
  believable,
  callableAtMs,
  FULL_BUDGET,
  type Stop,
} from '../lambdas/hubspot/budget-state.ts';
import { factStores } from '../lambdas/portal/portal-facts.ts';
import type { Target } from './target.ts';

/** The portal's calls of its present day. */
export interface DayOfCalls {
  /** `YYYY-MM-DD` in the portal's time zone. */
  readonly date: string;
  readonly calls: number;
  /** Of the whole portal. */
  readonly limit: number;
  readonly percent: number;
}

/** What the budget's row says now. */
export interface BudgetNow {
  readonly state: BudgetState;
  readonly today: DayOfCalls;
}

/** Reads the budget that everybody who calls HubSpot shares. */
export async function readBudget({
  portalRow,
  clock,
  timeZone,
  budget,
}: Pick<Target, 'portalRow' | 'clock' | 'timeZone' | 'budget'>): Promise<BudgetNow> {
  const state = believable(await portalRow('budget', Budgeted, FULL_BUDGET).read(), clock());
  // The day is counted by what HubSpot told of the portal's time zone, and by the setting before it has.
  const { known } = await factStores(portalRow).account.read();
  const { date, calls } = countToday(state, clock(), known?.value.timeZone ?? timeZone);
  const limit = state.dailyLimit ?? budget.dailyLimit;
  return { state, today: { date, calls, limit, percent: Math.round((100 * calls) / limit) } };
}

/** Why nobody calls HubSpot, and until when, ISO 8601. One that is over stands until a call finds that all is well. */
export interface StopNow {
  readonly reason: Stop['reason'];
  readonly until: string;
  readonly isOver: boolean;
}

export function stopNow(stop: Stop, nowMs: number): StopNow {
  const untilMs = callableAtMs(stop);
  return { reason: stop.reason, until: new Date(untilMs).toISOString(), isOver: untilMs <= nowMs };
}
