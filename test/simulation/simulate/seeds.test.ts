import type { ThreadOptions } from '../../../simulation/simulate/seed-thread.ts';
import { SeedThread } from '../../../simulation/simulate/seed-thread.ts';
import { runSeeds } from '../../../simulation/simulate/seeds.ts';
import type { Finding } from '../../../simulation/simulate/totals.ts';

const STUB: ThreadOptions = { module: new URL('../stub-seed.ts', import.meta.url).href, isTraced: false };

/** What a run of some seeds of the stub finds, by seed. */
async function run(from: number, seeds: number, threads = 2) {
  const found: Finding[] = [];
  const listener = { found: (finding: Finding) => void found.push(finding), at: () => undefined };
  const totals = await runSeeds({ from, seeds, threads }, STUB, listener);
  return { totals, found: found.toSorted((a, b) => a.seed - b.seed) };
}

test('every seed runs once, on as many threads as asked, and what is wrong is told of each', async () => {
  const { totals, found } = await run(1, 12);

  expect(totals).toMatchObject({ seeds: 12, failing: 1, faults: { crash: 78, delay: 12 } });
  expect(found).toEqual([{ seed: 7, violations: [{ promise: 2, what: 'seed 7 lost a point' }] }]);
});

test('the first seed of a run, and every five hundredth, runs three times', async () => {
  const { totals, found } = await run(1, 12);

  expect([totals.repeated, found.length]).toEqual([1, 1]);
});

test('the same seed that is another run is found', async () => {
  const { totals, found } = await run(500, 3);

  expect(totals).toMatchObject({ seeds: 3, repeated: 1 });
  expect(found[0]).toMatchObject({
    seed: 500,
    failed: expect.stringContaining('the same seed was two runs'),
  });
});

test('a simulation that breaks is told of with its reason, and the seeds behind it run', async () => {
  const { totals, found } = await run(15, 4);

  expect(totals).toMatchObject({ seeds: 4, failing: 1 });
  expect(found).toEqual([
    { seed: 17, violations: [], failed: expect.stringContaining('TypeError: broken on purpose') },
  ]);
});

test('what a seed leaves behind that breaks later does not end the run', async () => {
  const { totals, found } = await run(18, 3, 1);

  expect(totals).toMatchObject({ seeds: 3, failing: 1 });
  // Of which seed it is told depends on which is heard first, the answer or the end of the thread.
  expect(found[0]?.failed).toContain('broken too late');
});

test('a seed that goes round in a circle is ended', async () => {
  const thread = new SeedThread(STUB, 1500);

  const endless = await thread.run(13);
  await thread.end();

  expect(endless).toEqual({ seed: 13, failed: 'no end within 1.5 s' });
});
