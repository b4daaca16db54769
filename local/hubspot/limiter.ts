// HubSpot's limits: an exact log of the calls of each token in a window that slides, a count per day of the portal, and its searches.
import type { Reply } from './errors.ts';
import { dayIn } from './timestamps.ts';

const WINDOW_MS = 10_000;
const SECOND_MS = 1000;
/** Days begin on a quarter of an hour everywhere: in between nobody needs to look what day it is. */
const QUARTER_MS = 900_000;
/** Searches that an account may make in any second, whatever its apps (HubSpot docs, "Search the CRM", read November 2026). */
const SEARCHES_PER_SECOND = 5;

export interface LimiterOptions {
  readonly clock: () => number;
  readonly timeZone: string;
  /** Calls one token may make in any 10 seconds. */
  readonly perTenSeconds: number;
  /** Calls the portal may make from midnight to midnight. */
  readonly daily: number;
  /** Default 5, whatever the plan. */
  readonly searchesPerSecond?: number | undefined;
}

export interface Limiter {
  /**
   * Counts a call, or says why it is refused; the headers go onto the answer either way: none for a search. A refused call is not
   * counted.
   */
  admit(
    token: string,
    isSearch?: boolean,
  ): { readonly refusal?: Reply; readonly headers: Record<string, string> };
  /** Calls refused so far. */
  refused(): number;
}

export function createLimiter(options: LimiterOptions): Limiter {
  const { clock, timeZone, perTenSeconds, daily, searchesPerSecond = SEARCHES_PER_SECOND } = options;
  const logs = new Map<string, number[]>();
  let day = '';
  let lastQuarter: number | undefined;
  let today = 0;
  let refusals = 0;
  let searches: number[] = [];
  const startDay = (nowMs: number) => {
    const quarter = Math.floor(nowMs / QUARTER_MS);
    if (quarter === lastQuarter) return;
    lastQuarter = quarter;
    const current = dayIn(timeZone, nowMs);
    if (current !== day) today = 0;
    day = current;
  };
  const headersOf = (log: readonly number[], nowMs: number) => ({
    'x-hubspot-ratelimit-daily': String(daily),
    'x-hubspot-ratelimit-daily-remaining': String(Math.max(0, daily - today)),
    'x-hubspot-ratelimit-interval-milliseconds': String(WINDOW_MS),
    'x-hubspot-ratelimit-max': String(perTenSeconds),
    'x-hubspot-ratelimit-remaining': String(Math.max(0, perTenSeconds - log.length)),
    'x-hubspot-ratelimit-secondly': String(Math.floor(perTenSeconds / 10)),
    'x-hubspot-ratelimit-secondly-remaining': String(
      Math.max(0, Math.floor(perTenSeconds / 10) - log.filter((atMs) => atMs > nowMs - SECOND_MS).length),
    ),
  });
  return {
    admit(token, isSearch = false) {
      const nowMs = clock();
      startDay(nowMs);
      const log = (logs.get(token) ?? []).filter((atMs) => atMs > nowMs - WINDOW_MS);
      logs.set(token, log);
      searches = searches.filter((atMs) => atMs > nowMs - SECOND_MS);
      const secondIsFull = isSearch && searches.length >= searchesPerSecond;
      const policy = policyBroken(today >= daily, log.length >= perTenSeconds, secondIsFull);
      if (policy === undefined) {
        log.push(nowMs);
        today++;
        if (isSearch) searches.push(nowMs);
      } else {
        refusals++;
      }
      const headers: Record<string, string> = isSearch ? {} : headersOf(log, nowMs);
      return policy === undefined ? { headers } : { headers, refusal: tooManyRequests(policy) };
    },
    refused: () => refusals,
  };
}

export type RatePolicy = 'TEN_SECONDLY_ROLLING' | 'DAILY' | 'SECONDLY';

function policyBroken(
  dayIsFull: boolean,
  windowIsFull: boolean,
  secondIsFull: boolean,
): RatePolicy | undefined {
  if (dayIsFull) return 'DAILY';
  if (windowIsFull) return 'TEN_SECONDLY_ROLLING';
  return secondIsFull ? 'SECONDLY' : undefined;
}

/** A 429 as HubSpot words it, without Retry-After: that of all calls has no category, that of searches names no policy. Ids are still to be given. */
export function tooManyRequests(policyName: RatePolicy): Reply {
  const message = `You have reached your ${policyName.toLowerCase()} limit.`;
  const body = { status: 'error', message, correlationId: undefined };
  // As recorded of searches (grouparoo, 2021 and 2022).
  if (policyName === 'SECONDLY') return { status: 429, body: { ...body, category: 'RATE_LIMITS' } };
  return { status: 429, body: { ...body, errorType: 'RATE_LIMIT', policyName, requestId: undefined } };
}
