import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FAULTS } from '../../simulation/faults.ts';
import { runSeed, type SeedResult } from '../../simulation/seed.ts';

const FIRST = 1;
const SEEDS = 40;
/** A machine that does other things too. */
const PATIENCE_MS = 120_000;
const SOME = [1, 2, 3] as const;

const results: SeedResult[] = [];

beforeAll(async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) results.push(await runSeed(seed));
}, PATIENCE_MS);

/** Sum over all seeds, by name. */
function summed(of: (result: SeedResult) => Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const result of results)
    for (const [name, count] of Object.entries(of(result))) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** A seed that was looked at for some nights, in which doors draw ids of their own. */
function withNights(): number {
  return results.find(({ happened }) => (happened['nights'] ?? 0) > 0)?.seed ?? Number.NaN;
}

/** Faults of some seeds. */
const faultsAt = async (faultRate: number) => {
  let sum = 0;
  for (const seed of SOME)
    for (const times of Object.values((await runSeed(seed, { faultRate })).faults)) sum += times;
  return sum;
};

test('nothing is broken, whatever happens and whatever goes wrong', () => {
  const broken = results.filter(({ violations }) => violations.length > 0);

  expect(broken.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
});

test('everything that can happen does, and nearly everything that can go wrong', () => {
  expect(Object.keys(summed(({ happened }) => happened))).toEqual(
    expect.arrayContaining([
      'people',
      'companies',
      'logins',
      'clicks',
      'views',
      'values',
      'merges',
      'erasures',
      'deletions',
      'visits',
      'visitors',
      'deals',
      'restatements',
      'nights',
    ]),
  );
  const done = summed(({ faults }) => faults);
  const missing = FAULTS.filter((fault) => done[fault] === undefined);
  expect(missing).toEqual([]);
  expect(Object.keys(done).filter((name) => name.startsWith('HubSpot '))).not.toEqual([]);
});

test('on average a seed has hundreds of operations and dozens of faults', () => {
  const faults = Object.values(summed((result) => result.faults)).reduce((sum, count) => sum + count, 0);
  const operations = results.reduce((sum, result) => sum + result.operations, 0);

  expect(operations / SEEDS).toBeGreaterThan(300);
  expect(faults / SEEDS).toBeGreaterThan(20);
});

test('no two seeds are alike', () => {
  expect(new Set(results.map(({ hash }) => hash)).size).toBe(SEEDS);
});

test(
  'a seed is the same however often, after whichever others, traced or not',
  async () => {
    const seeds = [...new Set([...SOME, withNights()])];
    const hashes: Record<number, string[]> = {};
    for (const isTraced of [false, true, false])
      for (const seed of seeds.toReversed()) {
        const { hash, trace } = await runSeed(seed, { isTraced });
        expect(trace.length > 0).toBe(isTraced);
        (hashes[seed] ??= []).push(hash);
      }

    for (const seed of seeds) expect(hashes[seed]).toEqual(Array(3).fill(results[seed - FIRST]?.hash));
  },
  PATIENCE_MS,
);

test('a trace tells when what happened, as people read it', async () => {
  const { trace } = await runSeed(FIRST, { isTraced: true });

  for (const line of trace) expect(line).toMatch(/^\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} /);
  const text = trace.join('\n');
  expect(text).toContain('--- people');
  expect(text).toMatch(/scorer-\d+ begins \[\w+ ×1 /);
  expect(text).toMatch(/<<< /);
  // What messages carry as base64 is shown as it is.
  expect(text).toContain('contact.creation');
});

test(
  'where nothing goes wrong nothing is broken either',
  async () => {
    for (let seed = FIRST; seed < FIRST + 8; seed++) {
      const { faults, violations, operations } = await runSeed(seed, { faultRate: 0 });
      // What HubSpot does not tell is no fault of a call, and comes all the same.
      const { 'webhook lost': _, ...others } = faults;
      expect({ seed, faults: others, violations }).toEqual({ seed, faults: {}, violations: [] });
      expect(operations).toBeGreaterThan(0);
    }
  },
  PATIENCE_MS,
);

test('the more goes wrong, the more faults there are', async () => {
  expect(await faultsAt(0.12)).toBeGreaterThan(1.3 * (await faultsAt(0.03)));
});

test(
  'a thread that lives through many seeds keeps nothing of them',
  async () => {
    const seeds = new URL('../../simulation/seed.ts', import.meta.url).href;
    const script = `const { runSeed } = await import('${seeds}');
      for (let seed = 0; seed < 60; seed++) {
        if (seed % 30 === 0) await gc({ execution: 'async' });
        if (seed === 30) console.log(process.memoryUsage().heapUsed);
        await runSeed(seed);
      }
      await gc({ execution: 'async' });
      console.log(process.memoryUsage().heapUsed);`;
    const given = ['--no-warnings', '--expose-gc', '--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, given);
    const [before = 0, after = Infinity] = stdout.split('\n').map(Number);

    expect(before).toBeGreaterThan(1_000_000);
    expect(after - before).toBeLessThan(30 * 100_000);
  },
  PATIENCE_MS,
);

test('time, timers and the network are given back', async () => {
  const before = [
    globalThis.setTimeout,
    globalThis.clearTimeout,
    globalThis.fetch,
    Date.now,
    Error.stackTraceLimit,
  ];
  await runSeed(FIRST);
  expect([
    globalThis.setTimeout,
    globalThis.clearTimeout,
    globalThis.fetch,
    Date.now,
    Error.stackTraceLimit,
  ]).toEqual(before);
});
