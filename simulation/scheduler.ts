// Time that passes only from one thing to the next, and whose order among things at the same instant is the seed's.
import { createHash } from 'node:crypto';
import { createRandom, type Random } from '../local/hubspot/random.ts';

/** Something that is to happen. */
export interface Scheduled {
  readonly atMs: number;
  readonly tie: number;
  readonly act: () => void;
  isCancelled: boolean;
}

const turn = globalThis.setImmediate;
/** What Node itself does between two callbacks: all that was promised goes on until it waits again. A turn of its loop takes far longer. */
const settle: unknown = Reflect.get(process, '_tickCallback');
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;
const realNows = { performance: Object.getOwnPropertyDescriptor(performance, 'now'), date: Date.now };

/** More things than ever happen in a seed: what takes more goes round in a circle. */
const MOST_THINGS = 15_000;
/** Characters of the trace that are hashed at once. */
const HASHED_AT_ONCE = 32_768;

/** Things go on happening that nobody asked for. */
export class RestlessError extends Error {
  override readonly name = 'RestlessError';
}

/** A virtual clock, what is to happen by it, and the trace of what did. */
export class Scheduler {
  /** Decides what may come first, and nothing else: what is decided elsewhere has streams of its own. */
  readonly #order: Random;
  readonly #heap: Scheduled[] = [];
  readonly #startMs: number;
  readonly #hash = createHash('sha256');
  readonly #lines: string[] | undefined;
  #unhashed = '';
  #nowMs: number;
  #things = 0;

  /** @param startMs - epoch milliseconds at which this world begins */
  constructor(seed: number, startMs: number, isTraced = false) {
    this.#order = createRandom(seed, 'order of things');
    this.#startMs = startMs;
    this.#nowMs = startMs;
    this.#lines = isTraced ? [] : undefined;
  }

  /** Epoch milliseconds. */
  readonly now = (): number => this.#nowMs;

  get elapsedMs(): number {
    return this.#nowMs - this.#startMs;
  }

  /**
   * Notes what happened.
   *
   * @param readable - the line as people read it, where that takes longer to make
   */
  note(line: string, readable?: () => string): void {
    this.#unhashed += `${this.#nowMs} ${line}\n`;
    if (this.#unhashed.length > HASHED_AT_ONCE) this.#digest();
    this.#lines?.push(`${this.#timeOfDay()} ${readable?.() ?? line}`);
  }

  #digest(): void {
    this.#hash.update(this.#unhashed);
    this.#unhashed = '';
  }

  #timeOfDay(): string {
    return new Date(this.#nowMs).toISOString().slice(5, 23).replace('T', ' ');
  }

  /** The trace so far, line by line, where it is kept. */
  get trace(): readonly string[] {
    return this.#lines ?? [];
  }

  /** SHA-256 of the whole trace. Ends it. */
  hash(): string {
    this.#digest();
    return this.#hash.digest('hex');
  }

  after(ms: number, act: () => void): Scheduled {
    const scheduled: Scheduled = {
      atMs: this.#nowMs + Math.max(0, Math.ceil(ms)),
      tie: this.#order.next(),
      act,
      isCancelled: false,
    };
    push(this.#heap, scheduled);
    return scheduled;
  }

  /**
   * Lets time pass until nothing is left to happen, or until an instant.
   *
   * @param untilMs - epoch milliseconds
   * @throws RestlessError when it never ends
   */
  async run(untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    await drained();
    if (typeof settle === 'function') await afterTurn(() => this.#runThrough(untilMs, settle));
    else while (this.#step(untilMs)) await drained();
    if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Must not be called within a promise: there nothing else that was promised could go on. */
  #runThrough(untilMs: number, goOn: Function): void {
    while (this.#step(untilMs)) goOn.call(process);
  }

  /** The next thing happens, if there is one. @returns whether it did */
  #step(untilMs: number): boolean {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      pop(this.#heap);
      if (next.isCancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      if (++this.#things > MOST_THINGS) throw new RestlessError();
      next.act();
      return true;
    }
    return false;
  }

  /** Takes over the timers of this thread, by which the doors wait. @returns what gives them back */
  install(): () => void {
    const set = (act: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) =>
      this.after(ms, () => act(...given));
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
    Object.defineProperty(performance, 'now', { configurable: true, value: () => this.elapsedMs });
    Date.now = this.now; // A library looks at it when it verifies a signature.
    return () => {
      Object.assign(globalThis, { setTimeout: realSetTimeout, clearTimeout: realClearTimeout });
      if (realNows.performance === undefined) Reflect.deleteProperty(performance, 'now');
      else Object.defineProperty(performance, 'now', realNows.performance);
      Date.now = realNows.date;
    };
  }
}

function clear(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'isCancelled' in timer) timer.isCancelled = true;
}

/** Until everything that follows from what just happened waits for something else. */
function drained(): Promise<void> {
  return new Promise((resolve) => turn(resolve));
}

/** Does something in a turn of its own. */
function afterTurn(act: () => void): Promise<void> {
  return new Promise((resolve, reject) =>
    turn(() => {
      try {
        act();
        resolve();
      } catch (error) {
        reject(error);
      }
    }),
  );
}

function isBefore(one: Scheduled, other: Scheduled): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.tie < other.tie);
}

function push(heap: Scheduled[], scheduled: Scheduled): void {
  let at = heap.push(scheduled) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(scheduled, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = scheduled;
}

function pop(heap: Scheduled[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    const [left, right] = [heap[below], heap[below + 1]];
    if (left === undefined) break;
    let child = left;
    if (right !== undefined && isBefore(right, left)) {
      child = right;
      below += 1;
    }
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
}
