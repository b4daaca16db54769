import { performance } from 'node:perf_hooks';
import * as v from 'valibot';

/** How many requests a route takes: its entry in `RouteSettings` of the stage. */
export const Throttle = v.object({ ThrottlingRateLimit: v.number(), ThrottlingBurstLimit: v.number() });
export type Throttle = v.InferOutput<typeof Throttle>;

/**
 * The token bucket by which API Gateway refuses requests: it holds the burst, and fills at the rate. By the real clock: a day that the
 * local run skips is no day of requests.
 *
 * @returns whether one more request is taken now
 */
export function createThrottle({ ThrottlingRateLimit, ThrottlingBurstLimit }: Throttle): () => boolean {
  let tokens = ThrottlingBurstLimit;
  let filledAtMs = performance.now();
  return () => {
    const nowMs = performance.now();
    tokens = Math.min(ThrottlingBurstLimit, tokens + ((nowMs - filledAtMs) / 1000) * ThrottlingRateLimit);
    filledAtMs = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
