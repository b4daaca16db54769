// A simulation of that product: from the third seed on it looks at what twice as much is.
import type { SeedResult } from '../../../simulation/seed.ts';
import { doubled } from './points.ts';

export async function runSeed(seed: number): Promise<SeedResult> {
  const isRight = seed < 3 || doubled(seed) === 2 * seed;
  return {
    seed,
    faults: {},
    operations: 1,
    virtualMs: 1,
    hash: '',
    // The product itself has a bug too, which a seed far out finds.
    violations: isRight && seed !== 50 ? [] : [{ promise: 2, what: `twice ${seed} is ${doubled(seed)}` }],
    trace: [],
    happened: {},
  };
}
