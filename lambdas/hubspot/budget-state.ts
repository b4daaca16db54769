import * as v from 'valibot';
import { LONGEST_DAY_MS } from './portal-day.ts';

/** HubSpot counts calls per app token in any 10 seconds (developers.hubspot.com, "API usage guidelines", read 2026-11). */
export const WINDOW_MS = 10_000;
/** How long after its slot a grant may still be used: what comes later would count in a later window. */
export const GRANT_LAPSES_MS = 200;
/** Milliseconds from a 429 until the rolling window has surely forgotten the calls that filled it, those still on the way too. */
export const WINDOW_PASSES_MS = WINDOW_MS + 250;
/** After a 429 the rate is halved, never below this share of what is allowed, and rises by a tenth with every clean window. */
export const LEAST_SHARE = 0.1;
const SHARE_STEP = 0.1;

/** What waits for calls, in order of precedence. */
export const BUDGET_LANES = ['urgent', 'changes', 'background'] as const;
export type BudgetLane = (typeof BUDGET_LANES)[number];

/** Why nobody calls HubSpot: the day's limit, a token that is refused, or an account on its way to another data centre. */
export type StopReason = 'daily' | 'unauthorised' | 'migrating';

/** Nobody calls HubSpot before it ends; then one call finds out whether all is well again. Epoch milliseconds. */
export interface Stop {
  readonly reason: StopReason;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** One call is under way to find out; nobody else calls before this instant. */
  readonly probeUntilMs?: number | undefined;
  /** The kind of call for which the token lacks a scope: that others succeed says nothing of it. */
  readonly refusedCall?: string | undefined;
}

/** How long the one call that tries after a stop has, before another may. */
export const PROBE_MS = 60_000;
/** A stop that was announced again by a call under way ends this much later at most: that tells nothing new. */
const SAME_STOP_MS = 30_000;
/** Nothing stops or blocks us for longer: what lies further ahead comes from a clock that was wrong. */
const FURTHEST_MS = LONGEST_DAY_MS + 3_600_000;

/** The state of a portal's budget, shared by everybody who calls HubSpot with its token. */
export interface BudgetState {
  /** Epoch milliseconds of the next free slot. */
  readonly nextSlotMs: number;
  /** No call before this instant; epoch milliseconds. */
  readonly blockedUntilMs: number;
  /** Share of the allowed rate in use, 0 to 1. */
  readonly share: number;
  /** When the share was last changed; epoch milliseconds. */
  readonly shareSetAtMs: number;
  /** Calls HubSpot allows in any 10 s, as its headers say; undefined until a header was seen. */
  readonly limit?: number | undefined;
  /** Slots granted, counted by half seconds from an instant on. */
  readonly granted?: { readonly fromMs: number; readonly counts: readonly number[] } | undefined;
  /** Calls in 10 s that others made with our token, and when that was last seen. */
  readonly others?: { readonly calls: number; readonly seenAtMs: number } | undefined;
  /** Slots that are due to lanes, since others went before them. */
  readonly due?: { readonly changes: number; readonly background: number } | undefined;
  /** Calls of the whole portal in a day, `YYYY-MM-DD` in its time zone. */
  readonly today?: { readonly date: string; readonly calls: number } | undefined;
  /** Calls HubSpot allows the portal in a day, as its headers say; undefined until a header was seen. */
  readonly dailyLimit?: number | undefined;
  readonly stop?: Stop | undefined;
}

/** A budget nobody has drawn on. */
export const FULL_BUDGET: BudgetState = {
  nextSlotMs: 0,
  blockedUntilMs: 0,
  share: 1,
  shareSetAtMs: 0,
};

/** The row of the budget. Rows of older versions lack what is optional. */
export const Budgeted: v.GenericSchema<unknown, BudgetState> = v.object({
  nextSlotMs: v.number(),
  blockedUntilMs: v.number(),
  share: v.number(),
  shareSetAtMs: v.number(),
  limit: v.optional(v.number()),
  granted: v.optional(v.object({ fromMs: v.number(), counts: v.array(v.number()) })),
  others: v.optional(v.object({ calls: v.number(), seenAtMs: v.number() })),
  due: v.optional(v.object({ changes: v.number(), background: v.number() })),
  today: v.optional(v.object({ date: v.string(), calls: v.number() })),
  dailyLimit: v.optional(v.number()),
  stop: v.optional(
    v.object({
      reason: v.picklist(['daily', 'unauthorised', 'migrating']),
      sinceMs: v.number(),
      untilMs: v.number(),
      probeUntilMs: v.optional(v.number()),
      refusedCall: v.optional(v.string()),
    }),
  ),
});

export interface BudgetSettings {
  /** Calls allowed in any 10 s while no header has told. */
  readonly limit: number;
  /** Of these, calls left to other users of the token. */
  readonly reserve: number;
  /** Calls the portal may make in a day while no header has told. */
  readonly dailyLimit: number;
  /** Of these, the share left to other apps of the portal, in percent. */
  readonly dailyReservePercent: number;
}

/** The state without what only a wrong clock can have left in it: that would stop everybody for as long as it was wrong. */
export function believable(state: BudgetState, nowMs: number): BudgetState {
  const { stop: known, blockedUntilMs, shareSetAtMs } = state;
  const furthestMs = nowMs + FURTHEST_MS;
  return {
    ...state,
    blockedUntilMs: blockedUntilMs > furthestMs ? 0 : blockedUntilMs,
    shareSetAtMs: shareSetAtMs > furthestMs ? nowMs : shareSetAtMs,
    ...(known && { stop: believableStop(known, nowMs) }),
  };
}

function believableStop({ probeUntilMs, ...known }: Stop, nowMs: number): Stop {
  const isProbeBelievable = probeUntilMs !== undefined && probeUntilMs <= nowMs + 2 * PROBE_MS;
  return {
    ...known,
    untilMs: known.untilMs > nowMs + FURTHEST_MS ? nowMs : known.untilMs,
    ...(isProbeBelievable && { probeUntilMs }),
  };
}

/** The state with the share that clean windows have brought. */
export function raiseShare(state: BudgetState, nowMs: number): BudgetState {
  if (state.share >= 1) return state;
  const windows = Math.floor((nowMs - state.shareSetAtMs) / WINDOW_MS);
  if (windows < 1) return state;
  return { ...state, share: Math.min(1, state.share + windows * SHARE_STEP), shareSetAtMs: nowMs };
}

/**
 * A 429 of the window came: nobody calls before it is over, and then at half the rate. Further 429s of calls that were under way
 * tell nothing new.
 *
 * @param untilMs - epoch milliseconds
 */
export function block(before: BudgetState, untilMs: number, nowMs: number): BudgetState {
  const state = raiseShare(believable(before, nowMs), nowMs);
  const blockedUntilMs = Math.max(state.blockedUntilMs, untilMs);
  const isKnown = nowMs < state.blockedUntilMs;
  const share = isKnown ? state.share : Math.max(LEAST_SHARE, state.share / 2);
  return { ...state, blockedUntilMs, share, shareSetAtMs: blockedUntilMs };
}

/** Nobody calls before this instant; then one call may try. */
export function callableAtMs({ untilMs, probeUntilMs = 0 }: Stop): number {
  return Math.max(untilMs, probeUntilMs);
}

/**
 * Nobody is to call.
 *
 * @param refusedCall - the kind of call that was refused, where others may be taken
 * @returns the very same state when a stop is in force already that ends as late
 */
export function stop(
  before: BudgetState,
  { reason, untilMs, refusedCall }: Pick<Stop, 'reason' | 'untilMs' | 'refusedCall'>,
  nowMs: number,
): BudgetState {
  const state = believable(before, nowMs);
  const known = state.stop;
  if (known !== undefined && nowMs < known.untilMs && untilMs < known.untilMs + SAME_STOP_MS) return before;
  return { ...state, stop: { reason, sinceMs: known?.sinceMs ?? nowMs, untilMs, refusedCall } };
}

/** All is well again, as a call found out that was made to try. @returns the very same state when another stop began meanwhile */
export function resume(before: BudgetState, tried: Stop): BudgetState {
  const { stop: known, ...state } = before;
  return isSame(known, tried) ? state : before;
}

/** A call that was made to try found out nothing: another may try at once. @returns the very same state when another stop began meanwhile */
export function release(before: BudgetState, tried: Stop): BudgetState {
  const { stop: known } = before;
  return isSame(known, tried) ? { ...before, stop: { ...tried, probeUntilMs: undefined } } : before;
}

function isSame(known: Stop | undefined, tried: Stop): boolean {
  return (
    known !== undefined &&
    known.reason === tried.reason &&
    known.sinceMs === tried.sinceMs &&
    known.untilMs === tried.untilMs
  );
}

/** Where the call that was refused is not made any more, another lifts the stop after this time. */
const ANY_CALL_AFTER_MS = 3_600_000;

/** Whether a success tells that a stop is over: of a missing scope only the same kind of call does. */
export function isOverBy(call: string, { refusedCall, untilMs }: Stop, nowMs: number): boolean {
  return refusedCall === undefined || refusedCall === call || nowMs >= untilMs + ANY_CALL_AFTER_MS;
}
