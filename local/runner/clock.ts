import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Wall time plus an offset that the functions' processes read too. */
export interface MovedClock {
  /** Preload that moves `Date` in a process, and the variable that tells it where the offset is. */
  readonly preload: string;
  readonly environment: Readonly<Record<string, string>>;
  now(): number;
  setOffset(offsetMs: number): void;
  /** Moves forward to an instant (epoch ms); never backward. */
  moveTo(instantMs: number): void;
  close(): void;
}

/** @param directory - where the file with the offset lies; the caller removes it */
export function createMovedClock(directory: string): MovedClock {
  const file = path.join(directory, 'clock-offset');
  const descriptor = openSync(file, 'w');
  let current = 0;
  const setOffset = (offsetMs: number): void => {
    if (!Number.isFinite(offsetMs)) throw new RangeError(`offsetMs must be finite, got ${offsetMs}`);
    current = offsetMs;
    writeSync(descriptor, new Float64Array([offsetMs]), 0, 8, 0);
  };
  setOffset(0);
  const now = (): number => Date.now() + current;
  return {
    preload: path.join(import.meta.dirname, 'moved-clock.cjs'),
    environment: { AFTERGLOW_LOCAL_CLOCK: file },
    now,
    setOffset,
    moveTo(instantMs) {
      if (instantMs > now()) setOffset(instantMs - Date.now());
    },
    close: () => closeSync(descriptor),
  };
}
