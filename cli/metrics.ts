import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import * as v from 'valibot';
import type { MetricName } from '../lambdas/env.ts';

const HOUR_MS = 3_600_000;
const HOUR_SECONDS = 3600;

export type Statistic = 'Sum' | 'p50' | 'p95';

/** One figure: a statistic of a metric of one door. */
export interface Figure {
  readonly door: string;
  readonly metric: MetricName;
  readonly statistic: Statistic;
}

/** Where metrics are to be had. */
export interface MetricSource {
  /**
   * Each figure over the whole hours since the beginning of the last full one: a sum over all of them, of a percentile the highest of
   * any hour, since percentiles cannot be put together. Undefined where nothing was measured.
   */
  read(figures: readonly Figure[], nowMs: number): Promise<(number | undefined)[]>;
}

/** The beginning of the last full hour, UTC: from there on metrics are read. */
export function measuredSince(nowMs: number): number {
  return Math.floor(nowMs / HOUR_MS) * HOUR_MS - HOUR_MS;
}

/** What CloudWatch holds of a stack. @param stack - its name, which is the namespace of what its doors publish */
export function cloudWatchMetrics(client: Pick<CloudWatchClient, 'send'>, stack: string): MetricSource {
  return {
    async read(figures, nowMs) {
      const { MetricDataResults = [] } = await client.send(
        new GetMetricDataCommand({
          StartTime: new Date(measuredSince(nowMs)),
          EndTime: new Date(measuredSince(nowMs) + 2 * HOUR_MS),
          MetricDataQueries: figures.map(({ door, metric, statistic }, at) => ({
            Id: `figure${at}`,
            MetricStat: {
              Metric: {
                Namespace: stack,
                MetricName: metric,
                Dimensions: [{ Name: 'service', Value: door }],
              },
              Period: HOUR_SECONDS,
              Stat: statistic,
            },
          })),
        }),
      );
      const byId = new Map(MetricDataResults.map(({ Id = '', Values = [] }) => [Id, Values]));
      return figures.map(({ statistic }, at) => together(byId.get(`figure${at}`) ?? [], statistic));
    },
  };
}

function together(ofHours: readonly number[], statistic: Statistic): number | undefined {
  if (ofHours.length === 0) return undefined;
  return statistic === 'Sum' ? ofHours.reduce((sum, value) => sum + value, 0) : Math.max(...ofHours);
}

/** A line in embedded metric format; its metrics stand beside `_aws`, one value or several. */
const Line = v.looseObject({
  _aws: v.object({
    Timestamp: v.number(),
    CloudWatchMetrics: v.array(v.object({ Dimensions: v.array(v.array(v.string())) })),
  }),
});
const Values = v.union([
  v.pipe(
    v.number(),
    v.transform((value) => [value]),
  ),
  v.array(v.number()),
]);

/**
 * What the functions of the local system wrote to their logs.
 *
 * @param directory - one file for each door
 * @param wallClock - by which ingest writes, also when the clock of the others was moved
 */
export function logMetrics(directory: string, wallClock: () => number = Date.now): MetricSource {
  return {
    async read(figures, nowMs) {
      return figures.map(({ door, metric, statistic }) => {
        const sinceMs = measuredSince(door === 'ingest' ? wallClock() : nowMs);
        const hours = Map.groupBy(
          linesOf(join(directory, `${door}.log`)).filter(({ atMs }) => atMs >= sinceMs),
          ({ atMs }) => Math.floor(atMs / HOUR_MS),
        );
        const ofHours = [...hours.values()].map((lines) => {
          const values = lines.flatMap(({ line }) => valuesOf(line[metric]));
          return statisticOf(values, statistic);
        });
        return together(
          ofHours.filter((value) => value !== undefined),
          statistic,
        );
      });
    },
  };
}

interface LogLine {
  readonly atMs: number;
  readonly line: Readonly<Record<string, unknown>>;
}

/** The lines with metrics of the door as a whole: those by another dimension say the same once more. */
function linesOf(file: string): LogLine[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text.startsWith('{"_aws"'))
    .flatMap((text) => {
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Line), text);
      if (!parsed.success) return [];
      const {
        _aws: { Timestamp: atMs, CloudWatchMetrics },
      } = parsed.output;
      const isOfDoor = CloudWatchMetrics.some(({ Dimensions }) =>
        Dimensions.some((names) => names.join() === 'service'),
      );
      return isOfDoor ? [{ atMs, line: parsed.output }] : [];
    });
}

function valuesOf(content: unknown): number[] {
  const values = v.safeParse(Values, content);
  return values.success ? values.output : [];
}

/** The nearest rank of a percentile: the least value with so many at or below it. */
function statisticOf(values: readonly number[], statistic: Statistic): number | undefined {
  if (values.length === 0) return undefined;
  if (statistic === 'Sum') return values.reduce((sum, value) => sum + value, 0);
  const rank = Math.ceil((Number(statistic.slice(1)) / 100) * values.length);
  return values.toSorted((one, other) => one - other)[rank - 1];
}
