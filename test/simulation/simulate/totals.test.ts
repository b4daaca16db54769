import type { SeedResult } from '../../../simulation/seed.ts';
import { add, newTotals, shortfalls, type Totals } from '../../../simulation/simulate/totals.ts';

/** What must have taken part. */
const HAPPENED = {
  people: 9,
  companies: 9,
  merges: 9,
  erasures: 9,
  visitors: 9,
  deals: 9,
  restatements: 9,
};

/** Twelve kinds of fault. */
function faults(each: number): Record<string, number> {
  return Object.fromEntries('abcdefghijkl'.split('').map((kind) => [kind, each]));
}

function resultOf(seed: number, change: Partial<SeedResult> = {}): SeedResult {
  const rest = { operations: 5, virtualMs: 7, hash: '', violations: [], trace: [], happened: HAPPENED };
  return { seed, faults: faults(3), ...rest, ...change };
}

/** 10,000 seeds of which each is the same. */
function wholeRun(change: Partial<SeedResult> = {}): Totals {
  const totals = newTotals();
  for (let seed = 0; seed < 10_000; seed++) add(totals, resultOf(seed, change));
  return totals;
}

test('what seeds did is summed', () => {
  const totals = newTotals();

  add(totals, resultOf(1, { faults: { crash: 2 }, happened: { merges: 1 } }));
  add(totals, resultOf(2, { faults: { crash: 3, delay: 1 }, happened: { merges: 1 } }));

  expect(totals).toMatchObject({
    seeds: 2,
    operations: 10,
    virtualMs: 14,
    faults: { crash: 5, delay: 1 },
    happened: { merges: 2 },
    failing: 0,
  });
});

test('a whole run that tried everything lacks nothing', () => {
  expect(shortfalls(wholeRun())).toEqual([]);
});

test.each([
  [{ faults: { crash: 40 } }, '1 kinds of fault, at least 12 wanted'],
  [{ faults: faults(2) }, '24.0 faults a seed, at least 30 wanted'],
  [{ faults: { ...faults(3), rare: 0.01 } }, '"rare" was done 100 times, at least 1000 wanted'],
  [{ happened: { ...HAPPENED, merges: 0 } }, 'no merges took part'],
  [{ happened: { ...HAPPENED, restatements: 0 } }, 'no restatements took part'],
])('a whole run with %j says what it lacks', (change, shortfall) => {
  const lacking = shortfalls(wholeRun(change)).map((text) => text.replace(/99\.\d+|100\.0\d+/, '100'));

  expect(lacking).toEqual([shortfall]);
});

test('a short run is not asked to have tried everything', () => {
  const totals = newTotals();
  add(totals, resultOf(1, { faults: {}, happened: {} }));

  expect(shortfalls(totals)).toEqual([]);
});

test('of a run in which everything fails only the first are kept', () => {
  const totals = wholeRun({ violations: [{ promise: 3, what: 'stale' }] });

  expect([totals.failing, totals.findings.length]).toEqual([10_000, 50]);
});
