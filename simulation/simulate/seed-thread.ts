import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SeedResult } from '../seed.ts';
import type { Patch } from '../variants/variant.ts';

/** How seeds are run in a thread. Goes to it as a copy. */
const YOUNG_MB = 64;

export interface ThreadOptions {
  /** URL of the module that runs a seed. */
  readonly module: string;
  /** What of the product is another there, and the folder its files are in. */
  readonly patches?: readonly Patch[];
  readonly root?: string;
  readonly isTraced: boolean;
  readonly faultRate?: number;
}

/** The simulation itself failed, which says nothing of the product. */
export interface Failed {
  readonly seed: number;
  readonly failed: string;
}

export type Answer = SeedResult | Failed;

/** A seed takes well below a second; who says nothing for so long goes round in a circle. */
const LONGEST_MS = 120_000;

/** The simulation itself. */
export const SIMULATION = new URL('../seed.ts', import.meta.url).href;

export function isFailed(answer: Answer): answer is Failed {
  return 'failed' in answer;
}

/** A thread that runs one seed after the other. What the thread dies of is the answer, and the next seed has a new one. */
export class SeedThread {
  readonly #options: ThreadOptions;
  readonly #longestMs: number;
  #worker: Worker | undefined;
  /** Of what the thread died between two seeds: something of the one before went on. */
  #diedOf: unknown;

  /** @param longestMs - for which an answer is waited */
  constructor(options: ThreadOptions, longestMs = LONGEST_MS) {
    this.#options = options;
    this.#longestMs = longestMs;
  }

  async run(seed: number): Promise<Answer> {
    if (this.#diedOf !== undefined) {
      const failed = `after the end of the seed before: ${whyOf(this.#diedOf)}`;
      this.#diedOf = undefined;
      return { seed, failed };
    }
    this.#worker ??= this.#begin();
    const signal = AbortSignal.timeout(this.#longestMs);
    try {
      // A thread of Node's, which has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      this.#worker.postMessage(seed);
      const [answer]: Answer[] = await once(this.#worker, 'message', { signal });
      return answer ?? { seed, failed: 'no answer' };
    } catch (error) {
      await this.end();
      return { seed, failed: signal.aborted ? `no end within ${this.#longestMs / 1000} s` : whyOf(error) };
    }
  }

  #begin(): Worker {
    const worker = new Worker(new URL('../worker.ts', import.meta.url), {
      workerData: this.#options,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB }, // Nearly all that a seed makes is gone at its end.
    });
    worker.on('error', (error) => {
      this.#diedOf = error;
      this.#worker = undefined;
    });
    return worker;
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
    this.#diedOf = undefined;
  }
}

function whyOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
