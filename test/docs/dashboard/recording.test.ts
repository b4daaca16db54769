import {
  has,
  keepSamples,
  type Measure,
  readRecording,
  seriesOf,
  writeRecording,
} from '../../../docs/dashboard/recording.ts';

const NOON_MS = Date.parse('2026-11-23T12:00:00Z');
const MINUTE_MS = 60_000;
const DAY = { fromMs: NOON_MS, toMs: NOON_MS + 24 * 60 * MINUTE_MS, contacts: 3 };
const measure: Pick<Measure, 'namespace' | 'name' | 'dimensions'> = {
  namespace: 'Afterglow',
  name: 'Facts',
  dimensions: { service: 'scorer' },
};

/** A recording with values of one metric at minutes of the day. */
function recordingOf(values: readonly (readonly [minute: number, value: number])[], of = measure) {
  const samples = values.map(([minute, value]) => ({ ...of, atMs: NOON_MS + minute * MINUTE_MS, value }));
  return keepSamples(DAY, samples);
}

function valuesOf(recording: ReturnType<typeof recordingOf>, how: Partial<Measure>) {
  return seriesOf(recording, { ...measure, stat: 'Sum', periodSeconds: 300, ...how }).values;
}

// 1 to 10, and 100: worked by hand.
const ELEVEN = recordingOf([...Array.from({ length: 10 }, (_, at) => [0.1, at + 1] as const), [4.9, 100]]);

test.each([
  { stat: 'Sum', expected: 155 },
  { stat: 'SampleCount', expected: 11 },
  { stat: 'Average', expected: 155 / 11 },
  { stat: 'Minimum', expected: 1 },
  { stat: 'Maximum', expected: 100 },
  { stat: 'p50', expected: 6 }, // 5.5 of the 11 values do not exceed it: the sixth.
  { stat: 'p90', expected: 10 }, // 9.9 of them: the tenth.
  { stat: 'p99.9', expected: 100 },
  { stat: 'p100', expected: 100 },
])('the $stat of a period is $expected', ({ stat, expected }) => {
  expect(valuesOf(ELEVEN, { stat })[0]).toBeCloseTo(expected, 10);
});

test.each(['tm99', 'p101', 'IQM', ''])('refuses the statistic %j, which it does not know', (stat) => {
  expect(() => valuesOf(ELEVEN, { stat })).toThrow(`no statistic ${stat}`);
});

test('sums up by periods that begin at whole multiples, and leaves those without data empty', () => {
  const recording = recordingOf([
    [0, 1],
    [4.99, 2],
    [5, 4],
    [59, 8],
    [60, 16],
    [1439, 32],
  ]);

  const byFive = valuesOf(recording, {});
  expect(byFive).toHaveLength(288);
  expect(byFive.slice(0, 3)).toEqual([3, 4, undefined]);
  expect(byFive.at(-1)).toBe(32);
  expect(valuesOf(recording, { periodSeconds: 3600 }).slice(0, 3)).toEqual([15, 16, undefined]);
  // The day of UTC ends at midnight, 12 hours after it began here.
  expect(valuesOf(recording, { periodSeconds: 86_400 })).toEqual([31, 32]);
  expect(() => valuesOf(recording, { periodSeconds: 60 })).toThrow(
    '60 s is no multiple of the recorded 300 s',
  );
});

test('a queue that is not looked at is empty', () => {
  const queue = { namespace: 'AWS/SQS', name: 'Visible', dimensions: { QueueName: 'Events' } };
  const recording = recordingOf(
    [
      [0, 0],
      [5, 7],
      [6, 3],
      [7, 0],
    ],
    queue,
  );

  expect(valuesOf(recording, { ...queue, stat: 'Maximum' }).slice(0, 3)).toEqual([0, 7, 0]);
  expect(recording.series[0]?.steps).toEqual([[1, 7, 1]]); // Nothing is kept of what is as always.
  expect(has(recording, queue)).toBe(true);
  expect(() => valuesOf(recording, { ...queue, stat: 'Average' })).toThrow('only the Maximum is kept');
});

test('what was never measured has no data', () => {
  expect(has(ELEVEN, { ...measure, dimensions: { service: 'ingest' } })).toBe(false);
  expect(new Set(valuesOf(ELEVEN, { dimensions: { service: 'ingest' } }))).toEqual(new Set([undefined]));
});

test('finds a metric by its dimensions in any order', () => {
  const two = { ...measure, dimensions: { a: '1', b: '2' } };

  expect(has(recordingOf([[0, 1]], two), { ...two, dimensions: { b: '2', a: '1' } })).toBe(true);
});

test('keeps three digits of whole numbers and two of others, and says the same after it was written and read', () => {
  const recording = recordingOf([
    [0, 1234.5],
    [1, 0.000_123_45],
    [2, 1231],
  ]);

  expect(recording.series[0]?.steps).toEqual([[0, 0.000_12, 1, 1200, 1, 1230, 1]]);
  expect(readRecording(writeRecording(recording))).toEqual(recording);
});
