import { Client, DEFAULT_LIMITER_OPTIONS } from '@hubspot/api-client';

/** The most that the client takes; it counts calls, not repetitions. */
const CALLS_IN_ALL = 6;
/** 190 calls in 10 s, the limit of a private app (developers.hubspot.com, "API usage guidelines", read 2026-11). */
const CALLS_PER_SECOND = 19;

/**
 * HubSpot's client with the best settings its README knows: the limiter's defaults, which stand for 90 calls in 10 s, at the pace
 * that a private app is allowed. Limiter and retries belong to the process: the client made last decides.
 */
export function sdkClient(basePath: string, accessToken: string): Client {
  return new Client({
    accessToken,
    basePath,
    limiterOptions: { ...DEFAULT_LIMITER_OPTIONS, minTime: 1000 / CALLS_PER_SECOND },
    numberOfApiCallRetries: CALLS_IN_ALL,
  });
}
