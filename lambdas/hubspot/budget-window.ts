import { type BudgetSettings, type BudgetState, WINDOW_MS } from './budget-state.ts';

/** Grants are remembered by half seconds, as long as an answer may tell of the window they were in. */
const BUCKET_MS = 500;
const REMEMBERED_MS = 15_000;
/** An answer to an older call tells of a window that is no longer remembered as a whole. */
const OBSERVED_WITHIN_MS = REMEMBERED_MS - WINDOW_MS - 2 * BUCKET_MS;
/** No grant lies further ahead; a memory that begins there was begun by a wrong clock. */
const FURTHEST_AHEAD_MS = 20_000;
/** Calls beyond ours are others' only above this share of the limit, since some of ours are under way; and as many more may follow. */
const TOLERANCE = 0.05;
/** What others were seen to use is left to them so long, and given back evenly in the same time again. */
const OTHERS_HOLD_MS = 60_000;
/** The least that is left to us, in calls per window: enough to notice that others have gone. */
export const LEAST_ALLOWED = 3;

/** Slots granted, counted by half seconds from an instant on. */
export interface Granted {
  readonly fromMs: number;
  readonly counts: readonly number[];
}

/** Calls HubSpot had counted in the window when it got a call at an instant. */
export interface WindowSeen {
  readonly used: number;
  readonly limit: number;
  readonly atMs: number;
}

/** What is remembered of the grants, without what is too old to matter. */
export function rememberedGrants({ granted, nextSlotMs }: BudgetState, nowMs: number): Granted {
  const oldestMs = bucketOf(nowMs - REMEMBERED_MS);
  if (granted !== undefined && granted.fromMs <= nowMs + FURTHEST_AHEAD_MS) {
    const tooOld = Math.max(0, (oldestMs - granted.fromMs) / BUCKET_MS);
    const counts = granted.counts.slice(tooOld);
    // Nothing was granted before what is remembered, once it is that long ago.
    return { fromMs: counts.length === 0 ? oldestMs : granted.fromMs + tooOld * BUCKET_MS, counts };
  }
  // A row of an older version: either nobody has called for a while, or it is not known how many did.
  const isIdle = nextSlotMs < nowMs - WINDOW_MS;
  return { fromMs: isIdle ? oldestMs : bucketOf(nowMs), counts: [] };
}

function bucketOf(ms: number): number {
  return Math.floor(ms / BUCKET_MS) * BUCKET_MS;
}

/** Adds a slot, or takes one away that came to nothing. */
export function countGrant({ fromMs, counts }: Granted, slotMs: number, change: 1 | -1): Granted {
  const at = Math.max(0, Math.floor((slotMs - fromMs) / BUCKET_MS));
  const changed = [...counts];
  while (changed.length <= at) changed.push(0);
  changed[at] = Math.max(0, (changed[at] ?? 0) + change);
  return { fromMs, counts: changed };
}

/** Slots granted between two instants, half seconds at the edges by their part. */
export function grantedBetween({ fromMs, counts }: Granted, startMs: number, endMs: number): number {
  let sum = 0;
  for (const [at, count] of counts.entries()) {
    const bucketMs = fromMs + at * BUCKET_MS;
    const overlapMs = Math.min(endMs, bucketMs + BUCKET_MS) - Math.max(startMs, bucketMs);
    if (overlapMs > 0) sum += (count * overlapMs) / BUCKET_MS;
  }
  return sum;
}

/** Calls of others with the same token, from what HubSpot counted less what we granted. Rises at once, falls slowly. */
export function seeOthers(
  state: BudgetState,
  granted: Granted,
  seen: readonly WindowSeen[],
  nowMs: number,
): BudgetState['others'] {
  let { others } = state;
  for (const { used, limit, atMs } of seen) {
    const isRemembered = granted.fromMs <= atMs - WINDOW_MS && atMs >= nowMs - OBSERVED_WITHIN_MS;
    if (!isRemembered || atMs > nowMs) continue;
    const calls = Math.round(used - grantedBetween(granted, atMs - WINDOW_MS, atMs));
    if (calls > TOLERANCE * limit && calls >= othersNow(others, nowMs)) others = { calls, seenAtMs: nowMs };
  }
  return others;
}

function othersNow(others: BudgetState['others'], nowMs: number): number {
  if (others === undefined) return 0;
  const forgottenMs = Math.max(0, nowMs - others.seenAtMs - OTHERS_HOLD_MS);
  return others.calls * Math.max(0, 1 - forgottenMs / OTHERS_HOLD_MS);
}

/** Calls we may make in any 10 s: the limit less what others use, and at least the reserve is left to them. */
export function allowedInWindow(state: BudgetState, settings: BudgetSettings, nowMs: number): number {
  const limit = state.limit ?? settings.limit;
  const others = othersNow(state.others, nowMs);
  const left = others > 0 ? others + TOLERANCE * limit : 0;
  return Math.max(LEAST_ALLOWED, Math.floor(limit - Math.max(settings.reserve, left)));
}
