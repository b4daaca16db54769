// Time that passes only while nothing real is under way, so that hours of pacing are measured in seconds, and always alike.
import { setImmediate as turn } from 'node:timers/promises';
import { install } from '@sinonjs/fake-timers';

/** Real milliseconds after which real work that does not end is taken for a mistake of the measurement. */
const STALLED_MS = 60_000;
/** Turns of the event loop after which whatever follows from an answer has begun. */
const TURNS = 3;

/** A request or a command that takes real time: the clock stands still until it has ended. */
export interface RealWork {
  /** It waits for the clock itself. */
  pause(): void;
  resume(): void;
  end(): void;
}

export interface VirtualTime {
  /** Epoch milliseconds, as `Date.now()` says too while this time is in force. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly begin: () => RealWork;
  /** Does something that takes real time and no virtual time. */
  readonly real: <T>(work: () => Promise<T>) => Promise<T>;
  /**
   * Moves the clock from timer to timer until the work has ended.
   *
   * @param mostMs - virtual milliseconds it may take
   * @throws RangeError when it takes longer, or waits for nothing
   */
  readonly until: <T>(work: Promise<T>, mostMs: number) => Promise<T>;
  /** Gives back the timers and the date of the process. */
  readonly stop: () => void;
}

/** Takes over the timers and the date of this process. @param startMs - epoch milliseconds */
export function startVirtualTime(startMs: number): VirtualTime {
  const realSetTimeout = globalThis.setTimeout;
  const realClearTimeout = globalThis.clearTimeout;
  const clock = install({
    now: startMs,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    shouldClearNativeTimers: true, // Some clear what was never set.
  });
  let busy = 0;
  const isBusy = () => busy > 0;
  let wake: (() => void) | undefined;
  const change = (by: number) => {
    busy += by;
    wake?.();
  };
  const begin = (): RealWork => {
    let share = 1;
    const become = (next: number) => {
      change(next - share);
      share = next;
    };
    change(1);
    let hasEnded = false;
    return {
      pause: () => hasEnded || become(0),
      resume: () => hasEnded || become(1),
      end() {
        become(0);
        hasEnded = true;
      },
    };
  };
  const nothingReal = async () => {
    while (isBusy()) {
      await new Promise<void>((resolve, reject) => {
        const stalled = realSetTimeout(
          () => reject(new RangeError(`${busy} pieces of real work do not end`)),
          STALLED_MS,
        );
        wake = () => {
          realClearTimeout(stalled);
          resolve();
        };
      });
      for (let turns = 0; turns < TURNS && !isBusy(); turns++) await turn();
    }
  };
  const time: VirtualTime = {
    now: () => clock.now,
    sleep: (ms) => new Promise((resolve) => clock.setTimeout(() => resolve(), ms)),
    begin,
    async real(work) {
      const under = begin();
      try {
        return await work();
      } finally {
        under.end();
      }
    },
    async until(work, mostMs) {
      const latestMs = clock.now + mostMs;
      let hasEnded = false;
      const end = () => {
        hasEnded = true;
        wake?.();
      };
      work.then(end, end);
      for (;;) {
        for (let turns = 0; turns < TURNS && !isBusy(); turns++) await turn();
        await nothingReal();
        if (hasEnded) return work;
        if (clock.countTimers() === 0) throw new RangeError('the work waits for nothing');
        if (clock.now > latestMs) throw new RangeError(`the work takes longer than ${mostMs} ms`);
        clock.next();
      }
    },
    stop: () => clock.uninstall(),
  };
  return time;
}
