// A day of metrics as it lies beside the picture, and the statistics that CloudWatch would make of it.
import * as v from 'valibot';
import type { Sample } from '../../local/runner/metrics.ts';

/** Values are kept by periods of so many seconds: no widget and no alarm may ask for a shorter one. */
const STEP_SECONDS = 300;
/** Digits that are kept of a whole number, and of what was measured: more of them would not be seen. */
const DIGITS = 3;
const MEASURED_DIGITS = 2;
/** What SQS tells of a queue is looked at while something happens, and the highest is kept; in between, nothing waits. */
const GAUGES = 'AWS/SQS';

const Dimensions = v.record(v.string(), v.string());
const Series = v.object({
  namespace: v.string(),
  name: v.string(),
  dimensions: Dimensions,
  /** Steps since the begin of the day, each with its values and how often each value came: `[step, value, count, value, count, …]`. */
  steps: v.array(v.array(v.number())),
});
const Recording = v.object({
  /** Epoch milliseconds, of whole hours. */
  fromMs: v.number(),
  toMs: v.number(),
  /** In the portal of the day. */
  contacts: v.number(),
  stepSeconds: v.literal(STEP_SECONDS),
  series: v.array(Series),
});
export type Recording = v.InferOutput<typeof Recording>;

/** A metric and how it is summed up. */
export interface Measure {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** As CloudWatch names it: `Sum`, `Maximum`, `p95` … */
  readonly stat: string;
  readonly periodSeconds: number;
}

/** One value for each period of the day that begins at a multiple of the period, in UTC; undefined where there is no data. */
export interface TimeSeries {
  readonly periodSeconds: number;
  readonly values: readonly (number | undefined)[];
}

/** @throws ValiError when it is no recording */
export function readRecording(json: string): Recording {
  return v.parse(Recording, JSON.parse(json));
}

/** What is kept of the samples of a day: values by steps, rounded. */
export function keepSamples(
  day: Pick<Recording, 'fromMs' | 'toMs' | 'contacts'>,
  samples: readonly Sample[],
): Recording {
  const byMetric = Map.groupBy(samples, (sample) => keyOf(sample));
  const series = [...byMetric.entries()]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, ofOne]) => keepOne(day.fromMs, ofOne));
  return { ...day, stepSeconds: STEP_SECONDS, series };
}

function keepOne(fromMs: number, samples: readonly Sample[]): Recording['series'] {
  const [first] = samples;
  if (first === undefined) return [];
  const { namespace, name, dimensions } = first;
  const kept = samples
    .map(({ atMs, value }) => ({
      step: Math.floor((atMs - fromMs) / (STEP_SECONDS * 1000)),
      value: Number(value.toPrecision(Number.isInteger(value) ? DIGITS : MEASURED_DIGITS)),
    }))
    .filter(({ value }) => namespace !== GAUGES || value !== 0);
  const bySteps = Map.groupBy(kept, ({ step }) => step);
  const steps = [...bySteps].map(([step, inStep]) => {
    if (namespace === GAUGES) return [step, Math.max(...inStep.map(({ value }) => value)), 1];
    const byValue = Map.groupBy(inStep, ({ value }) => value);
    const counts = [...byValue].map(([value, same]) => [value, same.length] as const);
    return [step, ...counts.toSorted(([one], [other]) => one - other).flat()];
  });
  return [{ namespace, name, dimensions, steps: steps.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0)) }];
}

/** As JSON, a metric a line. */
export function writeRecording({ series, ...day }: Recording): string {
  const lines = series.map((one) => `    ${JSON.stringify(one)}`);
  return `${JSON.stringify(day, null, 2).replace(/\n}$/, '')},\n  "series": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/** How many values of a metric there are in the day. */
export function has(
  recording: Recording,
  measure: Pick<Measure, 'namespace' | 'name' | 'dimensions'>,
): boolean {
  return find(recording, measure) !== undefined;
}

/**
 * What CloudWatch would show of a metric.
 *
 * @throws RangeError when the period is no multiple of the recorded one
 * @throws Error when the statistic is not known
 */
export function seriesOf(recording: Recording, measure: Measure): TimeSeries {
  const { periodSeconds, stat } = measure;
  if (periodSeconds % STEP_SECONDS !== 0)
    throw new RangeError(
      `${measure.name}: a period of ${periodSeconds} s is no multiple of the recorded ${STEP_SECONDS} s`,
    );
  const found = find(recording, measure);
  const periods = periodsOf(recording, periodSeconds);
  if (found === undefined) return { periodSeconds, values: periods.map(() => undefined) };
  const byPeriod = Map.groupBy(found.steps, ([step = 0]) => {
    const atMs = recording.fromMs + step * STEP_SECONDS * 1000;
    return Math.floor(atMs / 1000 / periodSeconds);
  });
  const isGauge = measure.namespace === GAUGES;
  if (isGauge && stat !== 'Maximum') throw new Error(`${measure.name}: of a queue only the Maximum is kept`);
  const values = periods.map((period) => {
    const steps = byPeriod.get(period);
    return steps === undefined ? (isGauge ? 0 : undefined) : summedUp(steps.flatMap(pairs), stat);
  });
  return { periodSeconds, values };
}

/** How many values a metric has in each period. */
export function countsOf(recording: Recording, measure: Measure): TimeSeries {
  return seriesOf(recording, { ...measure, stat: 'SampleCount' });
}

/** Numbers of the periods that begin in the day or reach into it, since 1970. */
export function periodsOf(
  { fromMs, toMs }: Pick<Recording, 'fromMs' | 'toMs'>,
  periodSeconds: number,
): number[] {
  const first = Math.floor(fromMs / 1000 / periodSeconds);
  const last = Math.ceil(toMs / 1000 / periodSeconds) - 1;
  return Array.from({ length: last - first + 1 }, (_, place) => first + place);
}

type Weighted = readonly [value: number, count: number];

function pairs([, ...flat]: readonly number[]): Weighted[] {
  return flat.flatMap((value, place): Weighted[] => (place % 2 === 0 ? [[value, flat[place + 1] ?? 0]] : []));
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html */
function summedUp(values: readonly Weighted[], stat: string): number {
  const count = values.reduce((total, [, each]) => total + each, 0);
  const sum = values.reduce((total, [value, each]) => total + value * each, 0);
  switch (stat) {
    case 'Sum':
      return sum;
    case 'Average':
      return sum / count;
    case 'Minimum':
      return Math.min(...values.map(([value]) => value));
    case 'Maximum':
      return Math.max(...values.map(([value]) => value));
    case 'SampleCount':
      return count;
    default:
      return percentile(values, percentOf(stat) * count);
  }
}

function percentOf(stat: string): number {
  const percent = /^p(\d{1,2}(?:\.\d+)?|100)$/.exec(stat)?.[1];
  if (percent === undefined) throw new Error(`The picture knows no statistic ${stat}`);
  return Number(percent) / 100;
}

/** The smallest value that so many do not exceed. */
function percentile(values: readonly Weighted[], rank: number): number {
  let seen = 0;
  for (const [value, count] of values.toSorted(([one], [other]) => one - other)) {
    seen += count;
    if (seen >= rank) return value;
  }
  return Number.NaN;
}

function find(
  { series }: Recording,
  measure: Pick<Measure, 'namespace' | 'name' | 'dimensions'>,
): Recording['series'][number] | undefined {
  const key = keyOf(measure);
  return series.find((one) => keyOf(one) === key);
}

function keyOf({ namespace, name, dimensions }: Pick<Measure, 'namespace' | 'name' | 'dimensions'>): string {
  return JSON.stringify([
    namespace,
    name,
    Object.entries(dimensions).toSorted(([one], [other]) => (one < other ? -1 : 1)),
  ]);
}
