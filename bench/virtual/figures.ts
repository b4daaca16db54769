import type { SentCall } from './wire.ts';

const WINDOW_MS = 10_000;

/** What the calls of one writer come to. */
export interface CallFigures {
  readonly calls: number;
  /** Of all calls, those refused for a limit, 0 to 1. */
  readonly rateLimitedShare: number;
  /** Of all calls, those without a success. */
  readonly errorShare: number;
  /** Calls per time between the first and the last, as a share of what is allowed. */
  readonly shareOfAllowedUsed: number;
}

/**
 * @param calls - in the order they were sent
 * @param limit - calls that the token may make in any 10 s
 * @param reserve - of these, calls that are left to others
 */
export function figuresOf(calls: readonly SentCall[], limit: number, reserve: number): CallFigures {
  const first = calls[0]?.atMs ?? 0;
  const last = calls.at(-1)?.atMs ?? 0;
  const allowedPerMs = (limit - reserve) / WINDOW_MS;
  const share = (count: number) => (calls.length === 0 ? 0 : rounded(count / calls.length));
  return {
    calls: calls.length,
    rateLimitedShare: share(calls.filter(({ status }) => status === 429).length),
    errorShare: share(calls.filter(({ status }) => status < 200 || status >= 300).length),
    shareOfAllowedUsed: last > first ? rounded((calls.length - 1) / (last - first) / allowedPerMs) : 0,
  };
}

/** How many calls found as many as the limit in the 10 s before them, themselves not counted: an exact log that slides. */
export function windowsOver(calls: readonly Pick<SentCall, 'atMs'>[], limit: number): number {
  return calls.filter(({ atMs }, at) => {
    const earlier = calls[at - limit];
    return earlier !== undefined && earlier.atMs > atMs - WINDOW_MS;
  }).length;
}

function rounded(share: number): number {
  return Number(share.toFixed(4));
}
