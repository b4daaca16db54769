// Many seeds, on as many threads as there are cores; some run three times, and must be the same run each time.
import { type Answer, isFailed, SeedThread, type ThreadOptions } from './seed-thread.ts';
import { add, type Finding, newTotals, note, type Totals } from './totals.ts';

/** Every so manieth seed runs three times. */
const REPEATED_EVERY = 500;
const REPETITIONS = 2;

export interface SeedsOptions {
  readonly from: number;
  readonly seeds: number;
  readonly threads: number;
}

/** A seed that is to run, for the first time or once more. */
interface Turn {
  readonly seed: number;
  readonly isRepetition: boolean;
}

/** Told of what comes out while it comes out. */
export interface Listener {
  found(finding: Finding): void;
  at(totals: Totals): void;
}

/** Runs seeds. What is kept of them does not grow with their number. */
export async function runSeeds(
  { from, seeds, threads }: SeedsOptions,
  thread: ThreadOptions,
  listener: Listener,
): Promise<Totals> {
  const totals = newTotals();
  const again = new Repetitions();
  let next = from;
  const take = (): Turn | undefined => {
    const repeated = again.take();
    if (repeated !== undefined) return { seed: repeated, isRepetition: true };
    return next < from + seeds ? { seed: next++, isRepetition: false } : undefined;
  };
  const tell = ({ seed, isRepetition }: Turn, answer: Answer) => {
    const finding = isRepetition ? again.compare(answer, totals) : add(totals, answer);
    if (finding !== undefined) listener.found(finding);
    if (!isRepetition && (seed - from) % REPEATED_EVERY === 0) again.note(answer);
    listener.at(totals);
  };
  await Promise.all(Array.from({ length: threads }, () => runTurns(take, tell, thread)));
  return totals;
}

async function runTurns(
  take: () => Turn | undefined,
  tell: (turn: Turn, answer: Answer) => void,
  options: ThreadOptions,
): Promise<void> {
  const thread = new SeedThread(options);
  try {
    for (let turn = take(); turn !== undefined; turn = take()) tell(turn, await thread.run(turn.seed));
  } finally {
    await thread.end();
  }
}

/** Seeds that run once more, by whichever thread is free: whatever that ran before, it must be the same run. */
class Repetitions {
  readonly #hashes = new Map<number, { readonly hash: string; left: number }>();
  readonly #queue: number[] = [];

  note(answer: Answer): void {
    if (isFailed(answer)) return;
    this.#hashes.set(answer.seed, { hash: answer.hash, left: REPETITIONS });
    for (let times = 0; times < REPETITIONS; times++) this.#queue.push(answer.seed);
  }

  take(): number | undefined {
    return this.#queue.shift();
  }

  /** @returns what is wrong, where this was another run than the first */
  compare(answer: Answer, totals: Totals): Finding | undefined {
    const { seed } = answer;
    const first = this.#hashes.get(seed);
    if (first === undefined) return undefined;
    first.left -= 1;
    if (first.left === 0) {
      this.#hashes.delete(seed);
      totals.repeated += 1;
    }
    if (isFailed(answer)) return note(totals, { ...answer, violations: [] });
    if (answer.hash === first.hash) return undefined;
    const failed = `the same seed was two runs: ${first.hash.slice(0, 12)} and ${answer.hash.slice(0, 12)}`;
    return note(totals, { seed, violations: [], failed });
  }
}
