import { randomOf } from '../random/random.ts';
import { ACCESS_TOKEN } from './portal.ts';

/** Calls of a burst, and least and most milliseconds from one to the next: never more than 95 calls in any 10 s. */
const CALLS_AT_ONCE: readonly number[] = [48, 47];
const EVERY_MS: readonly [number, number] = [5000, 5500];

export interface Rival {
  calls(): number;
  /** Of its calls, those that were refused for the limit. */
  refused(): number;
  stop(): void;
}

/** Another process with the same token: it uses half of the 10-s limit, in bursts, and cares for nobody. */
export function startRival(url: string, send: typeof fetch, seed: number): Rival {
  const random = randomOf(seed);
  let bursts = 0;
  let calls = 0;
  let refused = 0;
  const call = async () => {
    calls++;
    const headers = { authorization: `Bearer ${ACCESS_TOKEN}` };
    const { status } = await send(`${url}/account-info/2026-03/details`, { headers });
    if (status === 429) refused++;
  };
  let timer: ReturnType<typeof setTimeout>;
  const burst = () => {
    const count = CALLS_AT_ONCE[bursts++ % CALLS_AT_ONCE.length] ?? 0;
    for (let at = 0; at < count; at++) call().catch(() => {}); // The portal may end first.
    timer = setTimeout(burst, random.between(...EVERY_MS));
  };
  burst();
  return { calls: () => calls, refused: () => refused, stop: () => clearTimeout(timer) };
}
