// A simulation that knows beforehand what it finds: every seventh seed fails, the thirteenth never ends, the seventeenth breaks, and the nineteenth breaks afterwards.
import type { SeedOptions, SeedResult } from '../../simulation/seed.ts';

let runs = 0;

export async function runSeed(seed: number, { isTraced = false }: SeedOptions = {}): Promise<SeedResult> {
  runs += 1;
  if (seed === 13) return new Promise(() => undefined);
  if (seed === 17) throw new TypeError('broken on purpose');
  if (seed === 19) void Promise.reject(new Error('broken too late'));
  const what = `seed ${seed} lost a point`;
  return {
    seed,
    faults: { crash: seed, delay: 1 },
    operations: 10,
    virtualMs: 1000,
    // From 500 on a world that remembers what ran before it: the same seed is not the same run.
    hash: seed >= 500 ? `${seed} after ${runs}` : String(seed),
    violations: seed % 7 === 0 ? [{ promise: 2, what }] : [],
    trace: isTraced ? ['first', 'then', 'last'] : [],
    happened: { merges: 1 },
  };
}
