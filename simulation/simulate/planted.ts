// Every planted bug must be found: a simulation that finds none of them proves nothing of the product.
import type { SeedResult } from '../seed.ts';
import type { Variant } from '../variants/variant.ts';
import { type Answer, isFailed, SeedThread, type ThreadOptions } from './seed-thread.ts';

/** What became of a variant. */
export interface Planted {
  readonly name: string;
  readonly wrong: string;
  /** Number of the promise that it breaks. */
  readonly promise: number;
  /** `broken`: the simulation failed with it, so that nobody knows. */
  readonly outcome: 'found' | 'survived' | 'broken';
  /** How many seeds that took. */
  readonly seeds: number;
  /** What was violated, or why the simulation failed. */
  readonly by: string;
}

export interface PlantedOptions {
  readonly from: number;
  /** Most seeds for each. */
  readonly seeds: number;
  readonly threads: number;
}

/** What became of all of them. */
export interface AllPlanted {
  readonly variants: readonly Planted[];
  /** Seeds that the product itself fails: they say nothing of a variant, and much of the product. */
  readonly failing: readonly number[];
}

/**
 * Runs each variant until a seed finds it. A seed counts only where the product itself passes it.
 *
 * @param tell - told of each variant as it ends
 */
export async function findPlanted(
  variants: readonly Variant[],
  options: PlantedOptions,
  product: ThreadOptions,
  tell: (planted: Planted) => void,
): Promise<AllPlanted> {
  const found = new Map<string, Planted>();
  const failing = new Set<number>();
  const left = [...variants];
  const work = async () => {
    const unchanged = new SeedThread(product);
    const passes = async (seed: number) => {
      if (!failing.has(seed) && isWrong(await unchanged.run(seed))) failing.add(seed);
      return !failing.has(seed);
    };
    try {
      for (let variant = left.shift(); variant !== undefined; variant = left.shift()) {
        const planted = await find(variant, options, product, passes);
        found.set(variant.name, planted);
        tell(planted);
      }
    } finally {
      await unchanged.end();
    }
  };
  await Promise.all(Array.from({ length: options.threads }, work));
  const inOrder = variants.flatMap(({ name }) => found.get(name) ?? []);
  return { variants: inOrder, failing: [...failing].toSorted((a, b) => a - b) };
}

/** @param passes - whether the product itself passes a seed */
async function find(
  { name, wrong, promise, patches }: Variant,
  { from, seeds }: PlantedOptions,
  product: ThreadOptions,
  passes: (seed: number) => Promise<boolean>,
): Promise<Planted> {
  const thread = new SeedThread({ ...product, patches });
  const about = { name, wrong, promise };
  try {
    for (let tried = 1; tried <= seeds; tried++) {
      const answer = await thread.run(from + tried - 1);
      if (!isWrong(answer) || !(await passes(answer.seed))) continue;
      if (isFailed(answer)) return { ...about, outcome: 'broken', seeds: tried, by: answer.failed };
      const [first] = answer.violations;
      return { ...about, outcome: 'found', seeds: tried, by: first === undefined ? '' : inWords(first) };
    }
    return { ...about, outcome: 'survived', seeds, by: '' };
  } finally {
    await thread.end();
  }
}

function isWrong(answer: Answer): boolean {
  return isFailed(answer) || answer.violations.length > 0;
}

/** A violation in a line. */
export function inWords({ promise, what }: SeedResult['violations'][number]): string {
  return `promise ${promise}: ${what}`;
}
