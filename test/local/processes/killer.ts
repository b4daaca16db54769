// Ends processes of doors as `kill -9` does, in the middle of what they do.
import { kill } from 'node:process';
import type { Faker } from '@faker-js/faker';
import type { Answering } from '../../../local/runner/environment.ts';

export const DOORS = ['ingest', 'scorer', 'write-back', 'nightly'] as const;
export type Door = (typeof DOORS)[number];

/** Of 100 invocations, those that are to be killed: few of ingest's, whose callers try again only so often. */
const KILLED_PERCENT: Readonly<Record<Door, number>> = {
  ingest: 15,
  scorer: 30,
  'write-back': 45,
  nightly: 50,
};
/** Of the time that an invocation takes, the part in which those die that must not come through. */
const EARLY = 0.6;
/** How long an invocation of a door takes, until some were seen. */
const FIRST_GUESS_MS = 60;
/** Invocations of each door that are remembered, to know how long they take. */
const REMEMBERED = 20;

export interface Kill {
  readonly door: Door;
  /** How long the invocation had been under way. */
  readonly afterMs: number;
}

/**
 * Kills processes at random moments of their invocations. A kill counts if the process was alive and had been given an event that it had
 * not answered, and if the invocation then ended for no other reason than that its process died of this signal. Whoever was idle, had
 * just answered, or ended by itself does not count.
 */
export class Killer {
  readonly kills: Kill[] = [];
  readonly #faker: Faker;
  readonly #took = new Map<Door, number[]>();
  #isResting = false;
  #doomed: readonly Door[] = [];

  constructor(faker: Faker) {
    this.#faker = faker;
  }

  /** To be told of every process that was given an event. */
  readonly watch = (one: Answering): void => {
    const door = DOORS.find((name) => name === one.door);
    if (door !== undefined) void this.#follow(door, one);
  };

  of(door: Door): number {
    return this.kills.filter((one) => one.door === door).length;
  }

  /** How many of each door, and how long the one in the middle had been at work. */
  told(): string {
    return DOORS.map((door) => {
      const afterMs = this.kills.filter((one) => one.door === door).map((one) => one.afterMs);
      const middle = afterMs.toSorted((a, b) => a - b)[Math.floor(afterMs.length / 2)] ?? NaN;
      return `${door} ${afterMs.length} (median ${middle.toFixed(0)} ms into their work)`;
    }).join(', ');
  }

  /** From now on none of these doors shall come through, as far as that can be done. */
  doom(...doors: Door[]): void {
    this.#doomed = doors;
  }

  rest(): void {
    this.#isResting = true;
  }

  goOn(): void {
    this.#isResting = false;
  }

  async #follow(door: Door, { pid, ended }: Answering): Promise<void> {
    const beganMs = performance.now();
    let isKilled = false;
    const act = () => {
      isKilled = !this.#isResting && killNow(pid);
    };
    const timer = this.#isToDie(door) ? setTimeout(act, this.#moment(door)) : undefined;
    const how = await ended;
    clearTimeout(timer);
    const afterMs = performance.now() - beganMs;
    // Of those that were to die only the short ones live.
    if (how === 'answered') {
      if (timer === undefined) this.#remember(door, afterMs);
    } else if (isKilled && how.message === `Runtime.ExitError: the process of ${door} ended with SIGKILL`) {
      this.kills.push({ door, afterMs });
    }
  }

  #isToDie(door: Door): boolean {
    if (this.#isResting) return false;
    return this.#doomed.includes(door) || this.#faker.datatype.boolean(KILLED_PERCENT[door] / 100);
  }

  /** Any moment of an invocation that takes as long as one of the last. */
  #moment(door: Door): number {
    const took = this.#faker.helpers.arrayElement(this.#took.get(door) ?? [FIRST_GUESS_MS]);
    return this.#faker.number.float({ min: 0, max: this.#doomed.includes(door) ? EARLY * took : took });
  }

  #remember(door: Door, tookMs: number): void {
    this.#took.set(door, [...(this.#took.get(door) ?? []), tookMs].slice(-REMEMBERED));
  }
}

/** @returns whether there was a process to kill */
function killNow(pid: number): boolean {
  try {
    return kill(pid, 'SIGKILL');
  } catch {
    return false; // It had died by itself.
  }
}
