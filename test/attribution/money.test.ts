import { allocate, amountText, groupedText, moneyText, readMoney } from '../../lambdas/attribution/money.ts';

test.each([
  { text: '1234.5', currency: 'USD', units: 123_450n, decimals: 2, because: 'a dollar has 100 cents' },
  { text: '1234', currency: 'JPY', units: 1234n, decimals: 0, because: 'a yen has no smaller unit' },
  { text: '1.5', currency: 'KWD', units: 1500n, decimals: 3, because: 'a dinar has 1,000 fils' },
  { text: '0.125', currency: 'USD', units: 125n, decimals: 3, because: 'no digit that was given is lost' },
  { text: '100.000', currency: 'USD', units: 10_000n, decimals: 2, because: 'zeros at the end say nothing' },
  { text: '100.00', currency: 'JPY', units: 100n, decimals: 0, because: 'so too behind yen' },
  { text: '-12.3', currency: 'EUR', units: -1230n, decimals: 2, because: 'a credit note is negative' },
  {
    text: '1.25E7',
    currency: 'USD',
    units: 1_250_000_000n,
    decimals: 2,
    because: 'large numbers may come so',
  },
  { text: '5e-3', currency: 'USD', units: 5n, decimals: 3, because: 'and small ones' },
  { text: '.5', currency: '', units: 50n, decimals: 2, because: 'without a currency, cents' },
  { text: '7', currency: 'not one', units: 700n, decimals: 2, because: 'what is no currency has cents' },
  { text: ' 0 ', currency: 'USD', units: 0n, decimals: 2, because: 'nothing is an amount too' },
  {
    text: '9007199254740993.01',
    currency: 'USD',
    units: 900_719_925_474_099_301n,
    decimals: 2,
    because: 'more than a number of JavaScript holds',
  },
])('reads "$text" in "$currency": $because', ({ text, currency, units, decimals }) => {
  expect(readMoney(text, currency)).toEqual({ units, decimals });
});

test.each(['', ' ', '.', '-', 'twelve', '1,000', '1.2.3', 'NaN', 'Infinity', '1e99', `1${'0'.repeat(30)}`])(
  'takes "%s" for no amount',
  (text) => {
    expect(readMoney(text, 'USD')).toBeUndefined();
  },
);

test.each([
  { units: 123_450n, decimals: 2, plain: '1234.50', grouped: '1,234.50' },
  { units: -5n, decimals: 2, plain: '-0.05', grouped: '-0.05' },
  { units: -1_234_567n, decimals: 0, plain: '-1234567', grouped: '-1,234,567' },
  { units: 0n, decimals: 3, plain: '0.000', grouped: '0.000' },
  { units: 100_000n, decimals: 2, plain: '1000.00', grouped: '1,000.00' },
  { units: 999n, decimals: 0, plain: '999', grouped: '999' },
])('writes $units units of $decimals digits as $plain', ({ units, decimals, plain, grouped }) => {
  expect(amountText(units, decimals)).toBe(plain);
  expect(groupedText(units, decimals)).toBe(grouped);
  expect(moneyText({ units, decimals }, 'USD')).toBe(`${plain} USD`);
  expect(moneyText({ units, decimals }, '')).toBe(plain);
});

test.each([
  {
    units: 100n,
    weights: [1n, 1n, 1n],
    parts: [34n, 33n, 33n],
    because: 'the earlier of equals gets what is left',
  },
  {
    units: 100n,
    weights: [1n, 1n, 4n],
    parts: [17n, 17n, 66n],
    because: '16.67 lost more than 66.67 would, as much each',
  },
  {
    units: -100n,
    weights: [1n, 1n, 1n],
    parts: [-34n, -33n, -33n],
    because: 'a negative amount keeps its sign',
  },
  { units: 1n, weights: [1n, 5n], parts: [0n, 1n], because: 'a single unit goes to the larger part' },
  { units: 5n, weights: [0n, 1n], parts: [0n, 5n], because: 'no weight, nothing' },
  { units: 0n, weights: [3n, 4n], parts: [0n, 0n], because: 'nothing is shared as nothing' },
])('shares $units by $weights as $parts: $because', ({ units, weights, parts }) => {
  expect(allocate(units, weights)).toEqual(parts);
});

test('shares nothing among nobody', () => {
  expect(() => allocate(5n, [])).toThrow(RangeError);
  expect(() => allocate(5n, [0n, 0n])).toThrow(RangeError);
});
