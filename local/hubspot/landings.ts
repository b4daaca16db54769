// Work that is done after its call has ended: the writes of requests that nobody waits for any more.
import { setTimeout as pause } from 'node:timers/promises';
import type { Landing } from './faults.ts';

/**
 * Waits.
 *
 * @param what - an answer that somebody waits for, or work to be done later, for which nobody does
 */
export type Sleep = (ms: number, what: 'answer' | 'landing') => Promise<void>;

/** Waits in wall time, and keeps no process alive. */
export const sleepInWallTime: Sleep = (ms) => pause(ms, undefined, { ref: false });

export interface Landings {
  /** Does the work now, never, or so many milliseconds later. */
  land(when: Landing, work: () => void): void;
  /** Instants of the portal's clock, epoch milliseconds, at which work is still to be done. */
  due(): readonly number[];
  /** Does what has fallen due on the portal's clock, for a clock that was moved. */
  catchUp(): void;
  /** Nothing is done any more. */
  stop(): void;
}

export function createLandings(clock: () => number, sleep: Sleep): Landings {
  const waiting = new Set<{ readonly atMs: number; readonly work: () => void }>();
  return {
    land(when, work) {
      if (when === 'before') work();
      if (typeof when !== 'number') return;
      const one = { atMs: clock() + when, work };
      waiting.add(one);
      void sleep(when, 'landing').then(() => waiting.delete(one) && work());
    },
    due: () => [...waiting].map(({ atMs }) => atMs),
    catchUp() {
      const inTime = [...waiting].toSorted((a, b) => a.atMs - b.atMs);
      for (const one of inTime) if (one.atMs <= clock() && waiting.delete(one)) one.work();
    },
    stop: () => waiting.clear(),
  };
}
