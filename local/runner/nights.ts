import type { SchedulePlan } from './assembly.ts';
import type { MovedClock } from './clock.ts';
import { isNightly, nextOccurrence } from './schedule.ts';

const HOUR_MS = 3_600_000;
/** How often the schedules are compared with the clock while time just passes. */
const LOOK_MS = 1000;

/** EventBridge Scheduler over the moved clock. */
export interface Nights {
  /**
   * Moves the clock forward, one scheduled run after the other, each at its time.
   *
   * @returns the time by then, and how many nights went by: runs of every hour are no nights
   */
  advance(hours: number): Promise<{ now: string; nights: number }>;
  /** To be told when the clock was set: what lies between is left out. */
  clockWasSet(): void;
  stop(): void;
}

export interface NightsSetting {
  readonly clock: MovedClock;
  readonly schedules: readonly SchedulePlan[];
  readonly run: (schedule: SchedulePlan) => Promise<unknown>;
  /** Lets scores fade up to the clock's now, which rarely is a scheduled time. */
  readonly decayUpToNow: () => Promise<unknown>;
  /** Waits until nothing is under way. */
  readonly drained: () => Promise<void>;
  readonly report: (line: string) => void;
}

/** Runs what falls due while time passes, until stopped. */
export function startNights({ clock, schedules, run, decayUpToNow, drained, report }: NightsSetting): Nights {
  let next = nextOccurrence(schedules, clock.now());
  let last: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    if (next === undefined || clock.now() < next.atMs) return;
    const { due } = next;
    next = nextOccurrence(schedules, clock.now());
    for (const schedule of due) {
      run(schedule).catch((error: unknown) => report(`A scheduled run failed: ${String(error)}`));
    }
  }, LOOK_MS).unref();

  const advance = async (hours: number) => {
    let nights = 0;
    await drained();
    const targetMs = clock.now() + hours * HOUR_MS;
    for (let time = next; time !== undefined && time.atMs <= targetMs; time = next) {
      clock.moveTo(time.atMs);
      next = nextOccurrence(schedules, time.atMs); // In the same breath, so that it does not fall due by itself too.
      for (const schedule of time.due) await run(schedule);
      await drained();
      if (time.due.some(isNightly)) nights += 1;
    }
    clock.moveTo(targetMs);
    await decayUpToNow();
    await drained();
    return { now: new Date(clock.now()).toISOString(), nights };
  };
  return {
    advance(hours) {
      if (!(hours >= 0 && hours < Infinity)) {
        return Promise.reject(new RangeError(`hours must be at least 0 and finite, got ${hours}`));
      }
      const turn = last.then(() => advance(hours)); // One after the other: two would pull the clock apart.
      last = turn.catch(() => {});
      return turn;
    },
    clockWasSet() {
      next = nextOccurrence(schedules, clock.now());
    },
    stop: () => clearInterval(timer),
  };
}
