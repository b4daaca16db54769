import { evaluate } from '../../../docs/dashboard/metric-math.ts';

const series = (...values: (number | undefined)[]) => ({ periodSeconds: 300, values });
const METRICS = new Map([
  ['a', series(1, undefined, 3)],
  ['b', series(10, 20, undefined)],
  ['none', series(undefined, undefined, undefined)],
  ['hourly', { periodSeconds: 3600, values: [1] }],
]);

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
test.each([
  { expression: 'a + b', expected: [11, undefined, undefined] },
  { expression: 'FILL(a, 0) + FILL(b, 0)', expected: [11, 20, 3] },
  { expression: 'FILL(none, 0)', expected: [0, 0, 0] },
  { expression: 'FILL(a, 0) * 0.000000125', expected: [0.000_000_125, 0, 0.000_000_375] },
  { expression: '100 * FILL(a, 0) / b', expected: [10, 0, undefined] },
  { expression: 'a + b * 2 - 1', expected: [20, undefined, undefined] },
  { expression: '(a + b) * 2', expected: [22, undefined, undefined] },
])('$expression is $expected', ({ expression, expected }) => {
  expect(evaluate(expression, METRICS).values).toEqual(expected);
});

test.each([
  { expression: 'IF(a > 1, a, b)', reason: 'Metric math with IF is not known' },
  { expression: 'a > 1', reason: 'Metric math with > is not known' },
  { expression: 'RATE(a)', reason: 'Metric math with RATE is not known' },
  { expression: 'a ^ 2', reason: 'Metric math with ^ is not known' },
  { expression: 'FILL(a, REPEAT)', reason: 'names REPEAT, which is no metric of it' },
  { expression: 'FILL(a, b)', reason: 'FILL with anything but a number' },
  { expression: 'a + c', reason: 'names c, which is no metric of it' },
  { expression: 'SUM([a, b])', reason: 'Metric math with SUM is not known' },
  { expression: '-a', reason: 'Metric math with a UnaryExpression is not known' },
  { expression: 'a + "1"', reason: 'Metric math with 1 is not known' },
  { expression: 'a + hourly', reason: 'metrics of different periods' },
  { expression: '1 + 1', reason: 'is a number, and no metric' },
])('$expression is refused instead of drawn as nothing', ({ expression, reason }) => {
  expect(() => evaluate(expression, METRICS)).toThrow(reason);
});
