// The dashboard and its alarms as the synthesized template defines them.
import * as v from 'valibot';
import { createResolver, type Template } from '../../local/runner/template.ts';
import type { Measure } from './recording.ts';

/** Seconds, where a metric tells no period. */
const DEFAULT_PERIOD = 300;
const DEFAULT_STAT = 'Average';

/** Where a widget stands: columns of 24, and rows. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A line of a graph or a number: a metric, or an expression over others. */
export interface Shown {
  readonly label: string;
  readonly isVisible: boolean;
  readonly color: string | undefined;
  /** By which expressions name it. */
  readonly id: string | undefined;
  readonly source: Measure | { readonly expression: string };
}

export type Widget = Place &
  (
    | { readonly type: 'text'; readonly markdown: string }
    | { readonly type: 'alarm'; readonly title: string; readonly alarms: readonly Alarm[] }
    | { readonly type: 'singleValue'; readonly title: string; readonly shown: readonly Shown[] }
    | {
        readonly type: 'timeSeries';
        readonly title: string;
        readonly shown: readonly Shown[];
        readonly unit: string;
        /** Where the axis begins, if that is said. */
        readonly min: number | undefined;
      }
  );

/** When an alarm goes off. */
export interface Alarm {
  /** Its construct id below the alarms: `OldestEvent`. */
  readonly name: string;
  readonly shown: readonly Shown[];
  readonly comparison:
    | 'GreaterThanThreshold'
    | 'GreaterThanOrEqualToThreshold'
    | 'LessThanThreshold'
    | 'LessThanOrEqualToThreshold';
  readonly threshold: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly missing: 'breaching' | 'notBreaching' | 'ignore' | 'missing';
  /** Whether a percentile of too few values leaves the state as it is. */
  readonly ignoresFew: boolean;
}

const Options = v.strictObject({
  label: v.optional(v.string()),
  stat: v.optional(v.string()),
  period: v.optional(v.number()),
  id: v.optional(v.string()),
  visible: v.optional(v.boolean(), true),
  color: v.optional(v.string()),
  expression: v.optional(v.string()),
});
const Metrics = v.array(v.array(v.union([v.string(), Options])));
const place = { x: v.number(), y: v.number(), width: v.number(), height: v.number() };
const metric = { title: v.string(), region: v.string(), metrics: Metrics };
const Widgets = v.array(
  v.variant('type', [
    v.strictObject({
      type: v.literal('text'),
      ...place,
      properties: v.strictObject({ markdown: v.string(), background: v.optional(v.string()) }),
    }),
    v.strictObject({
      type: v.literal('alarm'),
      ...place,
      properties: v.strictObject({ title: v.string(), alarms: v.array(v.string()) }),
    }),
    v.strictObject({
      type: v.literal('metric'),
      ...place,
      properties: v.variant('view', [
        v.strictObject({ view: v.literal('singleValue'), ...metric }),
        v.strictObject({
          view: v.literal('timeSeries'),
          ...metric,
          yAxis: v.optional(
            v.strictObject({
              left: v.strictObject({
                min: v.optional(v.number()),
                label: v.optional(v.string(), ''),
                showUnits: v.optional(v.boolean()),
              }),
            }),
          ),
        }),
      ]),
    }),
  ]),
);
const Body = v.strictObject({ start: v.literal('-P1D', 'the picture shows one day'), widgets: Widgets });

/**
 * The widgets of the template's one dashboard, from top to bottom.
 *
 * @throws Error or ValiError for anything that the picture could not show
 */
export function readDashboard(template: Template): Widget[] {
  const resolver = createResolver(template, 'https://sqs');
  const bodies = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::CloudWatch::Dashboard')
    .map(({ Properties }) => v.parse(v.string(), resolver.resolve(Properties['DashboardBody'])));
  const [body, ...others] = bodies;
  if (body === undefined || others.length > 0)
    throw new Error(`The template has ${bodies.length} dashboards, not one`);
  const { widgets } = v.parse(Body, JSON.parse(body));
  return widgets.map((widget): Widget => {
    const { x, y, width, height, properties } = widget;
    const at = { x, y, width, height };
    if ('markdown' in properties) return { ...at, type: 'text', markdown: properties.markdown };
    const { title } = properties;
    if ('alarms' in properties)
      return {
        ...at,
        type: 'alarm',
        title,
        alarms: properties.alarms.map((arn) => readAlarm(template, arn)),
      };
    const shown = readMetrics(properties.metrics);
    if (properties.view === 'singleValue') return { ...at, type: 'singleValue', title, shown };
    const { label: unit = '', min } = properties.yAxis?.left ?? {};
    return { ...at, type: 'timeSeries', title, shown, unit, min };
  });
}

/**
 * Reads a list of metrics with its shorthand: `.` repeats what stands above, `...` all up to there.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 */
function readMetrics(rows: v.InferOutput<typeof Metrics>): Shown[] {
  let above: readonly string[] = [];
  return rows.map((row) => {
    const words = row.filter((item) => typeof item === 'string');
    const options = v.parse(
      v.optional(Options, {}),
      row.find((item) => typeof item !== 'string'),
    );
    const { id, color, expression, stat = DEFAULT_STAT, period = DEFAULT_PERIOD } = options;
    const rest = { id, color, isVisible: options.visible };
    if (expression !== undefined)
      return { ...rest, label: options.label ?? expression, source: { expression } };
    above = writtenOut(words, above);
    const [namespace = '', name = '', ...pairs] = above;
    const source = { namespace, name, dimensions: dimensionsOf(pairs), stat, periodSeconds: period };
    return { ...rest, label: options.label ?? name, source };
  });
}

function writtenOut(words: readonly string[], above: readonly string[]): string[] {
  const [first, ...rest] = words;
  const written = first === '...' ? [...above.slice(0, above.length - rest.length), ...rest] : words;
  return written.map((word, at) => (word === '.' ? (above[at] ?? word) : word));
}

function dimensionsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1] ?? '']] : [])));
}

const MetricDimensions = v.optional(v.array(v.object({ Name: v.string(), Value: v.string() })), []);
const AlarmProperties = v.object({
  AlarmName: v.optional(v.string()),
  ComparisonOperator: v.picklist([
    'GreaterThanThreshold',
    'GreaterThanOrEqualToThreshold',
    'LessThanThreshold',
    'LessThanOrEqualToThreshold',
  ]),
  Threshold: v.number(),
  EvaluationPeriods: v.number(),
  DatapointsToAlarm: v.optional(v.number()),
  TreatMissingData: v.optional(v.picklist(['breaching', 'notBreaching', 'ignore', 'missing']), 'missing'),
  EvaluateLowSampleCountPercentile: v.optional(v.string()),
  Namespace: v.optional(v.string(), ''),
  MetricName: v.optional(v.string(), ''),
  Dimensions: MetricDimensions,
  Period: v.optional(v.number(), DEFAULT_PERIOD),
  Statistic: v.optional(v.string()),
  ExtendedStatistic: v.optional(v.string()),
  Metrics: v.optional(
    v.array(
      v.object({
        Id: v.string(),
        Expression: v.optional(v.string()),
        ReturnData: v.optional(v.boolean(), true),
        MetricStat: v.optional(
          v.object({
            Metric: v.object({ Namespace: v.string(), MetricName: v.string(), Dimensions: MetricDimensions }),
            Period: v.number(),
            Stat: v.string(),
          }),
        ),
      }),
    ),
  ),
});

/** @param arn - as the local run makes it up, with the logical id at its end */
function readAlarm(template: Template, arn: string): Alarm {
  const logicalId = arn.split(':').at(-1) ?? '';
  const resource = template.Resources[logicalId];
  if (resource?.Type !== 'AWS::CloudWatch::Alarm')
    throw new Error(`${logicalId} is no alarm of the template`);
  const resolver = createResolver(template, 'https://sqs');
  const alarm = v.parse(AlarmProperties, resolver.resolve(resource.Properties));
  return {
    name: alarm.AlarmName ?? nameOf(logicalId),
    shown: alarm.Metrics?.map(readAlarmMetric) ?? [
      {
        ...UNNAMED,
        source: {
          namespace: alarm.Namespace,
          name: alarm.MetricName,
          dimensions: named(alarm.Dimensions),
          stat: alarm.ExtendedStatistic ?? alarm.Statistic ?? DEFAULT_STAT,
          periodSeconds: alarm.Period,
        },
      },
    ],
    comparison: alarm.ComparisonOperator,
    threshold: alarm.Threshold,
    evaluationPeriods: alarm.EvaluationPeriods,
    datapointsToAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
    missing: alarm.TreatMissingData,
    ignoresFew: alarm.EvaluateLowSampleCountPercentile === 'ignore',
  };
}

const UNNAMED = { label: '', color: undefined, id: undefined, isVisible: true };

type AlarmMetric = NonNullable<v.InferOutput<typeof AlarmProperties>['Metrics']>[number];

function readAlarmMetric({
  Id: id,
  Expression: expression,
  MetricStat,
  ReturnData: isVisible,
}: AlarmMetric): Shown {
  if (expression !== undefined) return { ...UNNAMED, id, isVisible, source: { expression } };
  if (MetricStat === undefined) throw new Error(`The alarm's metric ${id} is neither metric nor expression`);
  const { Metric, Period: periodSeconds, Stat: stat } = MetricStat;
  const { Namespace: namespace, MetricName: name } = Metric;
  return {
    ...UNNAMED,
    id,
    isVisible,
    source: { namespace, name, dimensions: named(Metric.Dimensions), stat, periodSeconds },
  };
}

function named(dimensions: v.InferOutput<typeof MetricDimensions>): Record<string, string> {
  return Object.fromEntries(dimensions.map(({ Name, Value }) => [Name, Value]));
}

/** A logical id is the path of the construct and eight digits. */
function nameOf(logicalId: string): string {
  return logicalId.replace(/^Alarms/, '').replace(/[0-9A-F]{8}$/, '');
}
