/** What a rehearsal found to be otherwise than it has to be. */
export class DifferenceError extends Error {
  override readonly name = 'DifferenceError';
}

export interface Step {
  readonly step: string;
  readonly seconds: number;
}

/** What is done, one after the other, each with its time. */
export interface Steps {
  readonly done: readonly Step[];
  /** The one under way, or that failed. */
  readonly current: string | undefined;
  /** @param work - returns what there is to say about it, if anything */
  run(step: string, work: () => Promise<string | undefined>): Promise<void>;
}

/** @param say - told of each step as it ends */
export function createSteps(say: (line: string) => void): Steps {
  const done: Step[] = [];
  let current: string | undefined;
  return {
    done,
    get current() {
      return current;
    },
    async run(step, work) {
      current = step;
      const startedMs = performance.now();
      const result = await work();
      const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
      done.push({ step, seconds });
      current = undefined;
      say(`${seconds.toFixed(1).padStart(7)} s  ${step}${result === undefined ? '' : `: ${result}`}`);
    },
  };
}
