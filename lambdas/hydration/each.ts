import pMap from 'p-map';
import { chunks } from '../chunks.ts';
import { BATCH } from '../hubspot/objects.ts';

/** Records worked on at once. */
const AT_ONCE = 16;
/** Batches read at once. */
const READINGS_AT_ONCE = 4;

/** Why one of several could not be done; the others were. */
export interface Failure {
  readonly failed: unknown;
}

/** What became of each of several: what was looked for, undefined where there is none, or a failure. */
export type Each<T> = ReadonlyMap<string, T | undefined | Failure>;

export function isFailure(result: unknown): result is Failure {
  return typeof result === 'object' && result !== null && 'failed' in result;
}

/** What was found, if anything was. @throws what the search failed with */
export function foundOrThrow<T>(result: T | undefined | Failure): T | undefined {
  if (isFailure(result)) throw result.failed;
  return result;
}

/** Does one after the other, some at once; the failure of one is its own. */
export async function each<T>(
  keys: readonly string[],
  act: (key: string) => Promise<T | undefined>,
): Promise<Map<string, T | undefined | Failure>> {
  const results = await pMap(
    keys,
    async (key) => [key, await act(key).catch((failed: unknown): Failure => ({ failed }))] as const,
    { concurrency: AT_ONCE },
  );
  return new Map(results);
}

/** Runs a step for a hundred keys at a time; where a step fails as a whole, it failed for each of its keys. */
export async function inBatches<T>(
  keys: readonly string[],
  step: (keys: readonly string[]) => Promise<Each<T>>,
): Promise<Map<string, T | undefined | Failure>> {
  const found = new Map<string, T | undefined | Failure>();
  await pMap(
    chunks(keys, BATCH),
    async (batch) => {
      try {
        const results = await step(batch);
        for (const key of batch) found.set(key, results.get(key));
      } catch (failed) {
        for (const key of batch) found.set(key, { failed });
      }
    },
    { concurrency: READINGS_AT_ONCE },
  );
  return found;
}
