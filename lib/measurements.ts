import type { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { MetricName } from '../lambdas/env.ts';
import { type Door, metricsNamespace } from './node-function.ts';

/** How a metric is summed up. Alarms have no label: with one, the CDK writes a list of metrics where a single one would do. */
export interface Summary {
  readonly period: Duration;
  /** `Sum`, `Maximum`, `p95` … */
  readonly statistic: string;
  /**
   * On a graph.
   *
   * @default the metric's own name
   */
  readonly label?: string;
}

/** What a door of this stack measures itself. */
export function measured(scope: Construct, door: Door, metricName: MetricName, summary: Summary): Metric {
  return new Metric({
    namespace: metricsNamespace(scope),
    metricName,
    dimensionsMap: { service: door },
    ...summary,
  });
}

/** Of what a door measures, the part that it puts down to one reason. */
export function measuredOf(
  scope: Construct,
  door: Door,
  metricName: MetricName,
  reason: string,
  summary: Summary,
): Metric {
  return measured(scope, door, metricName, summary).with({ dimensionsMap: { service: door, reason } });
}

/** Messages of a queue that wait: the most in a period. */
export function waiting(queue: IQueue, period: Duration, label?: string): Metric {
  return queue.metricApproximateNumberOfMessagesVisible({
    statistic: 'Maximum',
    period,
    ...(label !== undefined && { label }),
  });
}

/** How long the oldest message of a queue waits, in seconds. */
export function oldest(queue: IQueue, period: Duration, label?: string): Metric {
  return queue.metricApproximateAgeOfOldestMessage({
    statistic: 'Maximum',
    period,
    ...(label !== undefined && { label }),
  });
}

/**
 * The sum of several, each times a factor; those without data count as 0, or else one that is silent would hide all others.
 *
 * @param parts - metric and factor
 */
export function weighted(
  label: string,
  period: Duration,
  parts: readonly (readonly [metric: IMetric, factor: number])[],
): MathExpression {
  // No two metrics of one graph may share an id.
  const prefix = label.toLowerCase().replaceAll(/[^a-z]/g, '');
  return new MathExpression({
    label,
    period,
    usingMetrics: Object.fromEntries(parts.map(([metric], index) => [`${prefix}${index}`, metric])),
    expression: parts
      .map(([, factor], index) => `FILL(${prefix}${index}, 0)${factor === 1 ? '' : ` * ${decimal(factor)}`}`)
      .join(' + '),
  });
}

/** Digits behind the point: prices go down to ten billionths of a dollar. */
const DIGITS = 18;

/** Without an exponent, of which the grammar of metric math says nothing. */
function decimal(value: number): string {
  return value.toFixed(DIGITS).replace(/\.?0+$/, '');
}
