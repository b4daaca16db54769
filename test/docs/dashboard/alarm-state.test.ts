import { alarmState } from '../../../docs/dashboard/alarm-state.ts';
import type { Alarm } from '../../../docs/dashboard/definition.ts';
import { keepSamples } from '../../../docs/dashboard/recording.ts';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.parse('2026-11-23T12:00:00Z');
const metric = { namespace: 'Afterglow', name: 'Facts', dimensions: { service: 'scorer' } };

/** The last hours of a day, the newest last: `0` is well, `X` is bad, `-` is nothing. */
function hours(pattern: string) {
  const values = pattern.split(' ');
  const samples = values.flatMap((value, at) =>
    value === '-'
      ? []
      : [{ ...metric, atMs: NOON_MS + (24 - values.length + at) * HOUR_MS, value: value === 'X' ? 5 : 1 }],
  );
  return keepSamples({ fromMs: NOON_MS, toMs: NOON_MS + 24 * HOUR_MS, contacts: 3 }, samples);
}

const ALARM: Alarm = {
  name: 'Facts',
  shown: [
    {
      label: '',
      id: undefined,
      color: undefined,
      isVisible: true,
      source: { ...metric, stat: 'Maximum', periodSeconds: 3600 },
    },
  ],
  comparison: 'GreaterThanThreshold',
  threshold: 4,
  evaluationPeriods: 3,
  datapointsToAlarm: 3,
  missing: 'missing',
  ignoresFew: false,
};

// "How alarm state is evaluated when data is missing", for three of three; what stood before is INSUFFICIENT_DATA.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
test.each([
  { pattern: '- - - 0 X X', missing: 'OK', ignore: 'OK', breaching: 'OK', notBreaching: 'OK' },
  { pattern: '- - - X X X', missing: 'ALARM', ignore: 'ALARM', breaching: 'ALARM', notBreaching: 'ALARM' },
  { pattern: '- - - - - 0', missing: 'OK', ignore: 'OK', breaching: 'OK', notBreaching: 'OK' },
  { pattern: '- - - 0 - -', missing: 'OK', ignore: 'OK', breaching: 'OK', notBreaching: 'OK' },
  {
    pattern: '- - - - - -',
    missing: 'INSUFFICIENT_DATA',
    ignore: 'INSUFFICIENT_DATA',
    breaching: 'ALARM',
    notBreaching: 'OK',
  },
  {
    pattern: '- - - X - -',
    missing: 'ALARM',
    ignore: 'INSUFFICIENT_DATA',
    breaching: 'ALARM',
    notBreaching: 'OK',
  },
  {
    pattern: '0 - - - - -',
    missing: 'INSUFFICIENT_DATA',
    ignore: 'OK', // as it was
    breaching: 'ALARM',
    notBreaching: 'OK',
  },
])('$pattern', ({ pattern, ...expected }) => {
  const states = (['missing', 'ignore', 'breaching', 'notBreaching'] as const).map((missing) => [
    missing,
    alarmState({ ...ALARM, missing }, hours(pattern)),
  ]);

  expect(Object.fromEntries(states)).toEqual(expected);
});

test.each([
  { pattern: 'X X 0 0', expected: 'ALARM' },
  { pattern: 'X 0 0 0', expected: 'OK' },
  { pattern: '0 0 X 0', expected: 'OK' },
])('two of four: $pattern is $expected', ({ pattern, expected }) => {
  expect(alarmState({ ...ALARM, evaluationPeriods: 4, datapointsToAlarm: 2 }, hours(pattern))).toBe(expected);
});

test.each([
  { comparison: 'GreaterThanThreshold', threshold: 5, expected: 'OK' },
  { comparison: 'GreaterThanThreshold', threshold: 4.9, expected: 'ALARM' },
  { comparison: 'GreaterThanOrEqualToThreshold', threshold: 5, expected: 'ALARM' },
  { comparison: 'LessThanThreshold', threshold: 5, expected: 'OK' },
  { comparison: 'LessThanThreshold', threshold: 5.1, expected: 'ALARM' },
  { comparison: 'LessThanOrEqualToThreshold', threshold: 5, expected: 'ALARM' },
] as const)('5 is $expected with $comparison $threshold', ({ expected, ...rule }) => {
  expect(alarmState({ ...ALARM, ...rule }, hours('X X X'))).toBe(expected);
});

/** One hour with so many calls, every tenth of which failed. */
function failing(calls: number) {
  const atMs = NOON_MS + 23 * HOUR_MS;
  const samples = Array.from({ length: calls }, (_, at) => ({
    ...metric,
    atMs,
    value: at % 10 === 0 ? 1 : 0,
  }));
  return keepSamples({ fromMs: NOON_MS, toMs: NOON_MS + 24 * HOUR_MS, contacts: 3 }, samples);
}

// "Percentile-based alarms and low data samples": fewer than 10 / (1 - percentile) are few, of p95 so fewer than 200.
test.each([
  { calls: 190, ignoresFew: true, expected: 'OK' }, // as it was
  { calls: 200, ignoresFew: true, expected: 'ALARM' },
  { calls: 190, ignoresFew: false, expected: 'ALARM' },
])('p95 of $calls values, every tenth too high: $expected', ({ calls, ignoresFew, expected }) => {
  const [shown] = ALARM.shown;
  const source = { ...metric, stat: 'p95', periodSeconds: 3600 };
  const alarm: Alarm = {
    ...ALARM,
    shown: shown === undefined ? [] : [{ ...shown, source }],
    threshold: 0.5,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    missing: 'notBreaching',
    ignoresFew,
  };

  expect(alarmState(alarm, failing(calls))).toBe(expected);
});
