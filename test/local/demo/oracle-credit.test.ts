// The oracle's credit, worked by hand. Nothing here was computed by a program.
import { plainMoney, sharesOf, touchesBefore } from '../../../local/demo/oracle-credit.ts';

const DAY_MS = 86_400_000;
const WON_MS = Date.parse('2026-11-01T12:00:00Z');

/** Visits so many days before the deal was won. */
function visits(...given: readonly (readonly [source: string, daysBefore: number])[]) {
  return given.map(([source, daysBefore]) => ({ source, atMs: WON_MS - daysBefore * DAY_MS }));
}

const RULES = { windowDays: 90, models: [], halfLifeDays: 7 };
const FOUR = visits(['ai/chatgpt', 28], ['search/google', 14], ['email/email', 7], ['ai/chatgpt', 0]);

test.each([
  // All to the first; all to the last: both were ChatGPT.
  ['first', [['ai/chatgpt', 1000n]]],
  ['last', [['ai/chatgpt', 1000n]]],
  // A quarter each: 2.50 for every visit, and ChatGPT has two.
  [
    'linear',
    [
      ['ai/chatgpt', 500n],
      ['search/google', 250n],
      ['email/email', 250n],
    ],
  ],
  // 40 % and 40 % for the ends, 20 % for the two between: 8.00, 1.00, 1.00.
  [
    'uShaped',
    [
      ['ai/chatgpt', 800n],
      ['search/google', 100n],
      ['email/email', 100n],
    ],
  ],
  // 4, 2, 1 and 0 half-lives before the last: 1/16, 1/4, 1/2 and 1, of 29/16. ChatGPT 17/29, e-mail 8/29, Google 4/29 of 1000 are
  // 586.2…, 275.8…, 137.9…: 586, 275 and 137 make 998, and the two units left go where most was cut off, to Google and to e-mail.
  [
    'timeDecay',
    [
      ['ai/chatgpt', 586n],
      ['email/email', 276n],
      ['search/google', 138n],
    ],
  ],
] as const)('10.00 after four visits by %s', (model, right) => {
  const shares = sharesOf(model, FOUR, { units: 1000n }, RULES);

  expect(shares.map(({ source, units }) => [source, units])).toEqual(right);
});

test.each([
  // Two visits halve; the unit that is left goes to the earlier of two that lost as much.
  ['uShaped', visits(['a', 2], ['b', 1]), 101n, { a: 51n, b: 50n }],
  ['uShaped', visits(['a', 1]), 101n, { a: 101n }],
  ['linear', visits(['a', 3], ['b', 2], ['c', 1]), 100n, { a: 34n, b: 33n, c: 33n }],
  // Two thirds and one third of 100: 66.6… and 33.3…, so the larger part was cut more.
  ['linear', visits(['a', 3], ['b', 2], ['a', 1]), 100n, { a: 67n, b: 33n }],
  ['linear', visits(['a', 2], ['b', 1]), -25_010n, { a: -12_505n, b: -12_505n }],
  ['linear', visits(['a', 2], ['b', 1]), -5n, { a: -3n, b: -2n }],
  ['linear', visits(['a', 2], ['b', 1]), 0n, { a: 0n, b: 0n }],
] as const)('%s: rounding leaves nothing over', (model, touches, units, right) => {
  const shares = sharesOf(model, touches, { units }, RULES);

  expect(Object.fromEntries(shares.map((share) => [share.source, share.units]))).toEqual(right);
});

test('visits count from the first instant of the window to that of the stage, in the order they happened', () => {
  const given = visits(['after', -0.001], ['now', 0], ['inside', 45], ['edge', 90], ['before', 90.001]);

  expect(touchesBefore(given, WON_MS, RULES).map(({ source }) => source)).toEqual(['edge', 'inside', 'now']);
});

test.each([
  ['12000.01', 'USD', { units: 1_200_001n, decimals: 2 }],
  ['12000', 'EUR', { units: 1_200_000n, decimals: 2 }],
  ['18250.5', '', { units: 1_825_050n, decimals: 2 }],
  ['980001', 'JPY', { units: 980_001n, decimals: 0 }],
  ['15000.07', 'JPY', { units: 1_500_007n, decimals: 2 }],
  ['100.005', 'GBP', { units: 100_005n, decimals: 3 }],
  ['-250.1', 'USD', { units: -25_010n, decimals: 2 }],
  ['', 'USD', undefined],
] as const)('%s %s in whole units', (amount, currency, right) => {
  expect(plainMoney(amount, currency)).toEqual(right);
});

test('what a visit weighs by Markov, one deal cannot say', () => {
  expect(() => sharesOf('markov', FOUR, { units: 1n }, RULES)).toThrow('markov');
});
