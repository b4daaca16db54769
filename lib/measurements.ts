import type { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { MetricName } from '../lambdas/env.ts';
import { type Door, METRICS_NAMESPACE } from './node-function.ts';

/** Shares of so few calls say nothing: one failure among ten would be a tenth. */
const LEAST_CALLS_OF_A_SHARE = 100;

/** What write-back counts in a period. @param label - on a graph; without one, the metric's own name */
export function counted(metricName: MetricName, period: Duration, label?: string): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { service: 'write-back' satisfies Door },
    statistic: 'Sum',
    period,
    ...(label !== undefined && { label }),
  });
}

/** The share of calls to HubSpot that did not succeed, in percent; 0 while there are fewer than 100 in the period. */
export function errorShare(period: Duration): IMetric {
  return new MathExpression({
    label: 'errors, percent',
    expression: `IF(calls >= ${LEAST_CALLS_OF_A_SHARE}, 100 * FILL(errors, 0) / calls, 0)`,
    usingMetrics: { calls: counted('HubSpotCalls', period), errors: counted('HubSpotErrors', period) },
    period,
  });
}

/** Messages of a queue that wait. */
export function waiting(queue: IQueue, period: Duration, label: string): IMetric {
  return queue.metricApproximateNumberOfMessagesVisible({ label, statistic: 'Maximum', period });
}

/** The sum of several; those without data count as 0, or else one that is silent would hide all others. */
export function total(label: string, metrics: readonly IMetric[], period: Duration): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({
    label,
    expression: Object.keys(usingMetrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + '),
    usingMetrics,
    period,
  });
}
