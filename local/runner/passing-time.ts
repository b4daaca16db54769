// Lets time pass without waiting: from one postponed message to the next, the clock moved in between.
import type { MovedClock } from './clock.ts';
import type { Nights } from './nights.ts';

/** Leaps of the clock while nothing comes of what is due: the first, and the longest, each twice the one before. */
const FIRST_LEAP_MS = 15 * 60_000;
const LONGEST_LEAP_MS = 6 * 3_600_000;

export interface PassOptions {
  /** Longest that the clock is moved in all, in milliseconds. */
  readonly mostMs: number;
  /** Longest that it may take in wall time, in milliseconds; what is under way by then is still waited for. */
  readonly mostWallMs: number;
  /** What else is to be done at some time, epoch milliseconds of the moved clock. */
  readonly alsoDue?: () => readonly number[];
  /**
   * A number that stays the same as long as nothing comes of what is due, as when all of it is put off again and again. Then the clock
   * leaps ahead, which only makes messages late: a queue promises no more.
   */
  readonly progress?: () => number;
  /**
   * Whether batching windows last as long as they do on AWS, by the moved clock, instead of ending as soon as nothing else is under way.
   *
   * @default false
   */
  readonly keepWindows?: boolean;
  /** Called before each move, and waited for. */
  readonly onMoving?: () => Promise<void> | void;
  /** Called after each move, and waited for. */
  readonly onMoved?: () => Promise<void> | void;
}

export interface Passed {
  readonly movedMs: number;
  readonly moves: number;
  /** What is still postponed: none, unless a limit was reached. */
  readonly left: number;
}

export interface PassingParts {
  readonly clock: MovedClock;
  readonly nights: Pick<Nights, 'clockWasSet'>;
  /**
   * Waits until nothing is under way.
   *
   * @param keepWindows - also leave what windows hold, and tell when they end
   * @returns instants at which what was postponed is due
   */
  readonly untilQuiet: (keepWindows: boolean) => Promise<readonly number[]>;
}

/**
 * Moves the clock to each postponed message in turn, and waits each time until it is dealt with, until none is left or a limit is
 * reached. Scheduled runs that lie on the way are left out.
 */
export async function passTime(parts: PassingParts, options: PassOptions): Promise<Passed> {
  const { clock, nights, untilQuiet } = parts;
  const { mostMs, mostWallMs, alsoDue = () => [], progress = () => NaN, keepWindows = false } = options;
  const latestMs = clock.now() + mostMs;
  const wallEndsMs = Date.now() + mostWallMs;
  let movedMs = 0;
  let leapMs = 0;
  let before = NaN; // Equal to nothing, itself included: without progress to look at there is no leap.
  for (let moves = 0; ; moves += 1) {
    const due = [...(await untilQuiet(keepWindows)), ...alsoDue()];
    const nextMs = due.reduce((earliest, atMs) => Math.min(earliest, atMs), Infinity);
    if (due.length === 0 || nextMs > latestMs || Date.now() >= wallEndsMs)
      return { movedMs, moves, left: due.length };
    leapMs = progress() === before ? Math.min(LONGEST_LEAP_MS, Math.max(FIRST_LEAP_MS, 2 * leapMs)) : 0;
    before = progress();
    const fromMs = clock.now();
    const toMs = Math.max(fromMs, nextMs, Math.min(latestMs, fromMs + leapMs));
    await options.onMoving?.();
    clock.moveTo(toMs);
    nights.clockWasSet();
    movedMs += toMs - fromMs;
    await options.onMoved?.();
  }
}
