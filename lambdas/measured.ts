import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName } from './env.ts';

/**
 * Adds to what is counted in this invocation.
 *
 * @param reason - one of a few fixed words; then it is counted once more by that word
 */
export type Count = (name: MetricName, value: number, reason?: string) => void;

/** Notes one value of many, of which CloudWatch is to know percentiles. */
export type Observe = (name: MetricName, value: number) => void;

export interface Measured {
  readonly count: Count;
  readonly observe: Observe;
  /** Writes all that was measured to the log, and forgets it. Never throws: nobody's answer depends on it. */
  readonly publish: () => void;
}

/** What was counted under one reason. */
interface Reasoned {
  readonly name: MetricName;
  readonly reason: string;
  value: number;
}

/**
 * Measures one invocation after the other: a line of the log in embedded metric format, which CloudWatch takes for metrics. Powertools
 * begins another line when a metric has 100 values.
 */
export function measured(logger: Pick<Logger, 'error'>): Measured {
  const metrics = new Metrics();
  const sums = new Map<MetricName, number>();
  const reasoned = new Map<string, Reasoned>();
  const observed: [name: MetricName, value: number][] = [];
  const write = () => {
    for (const { name, reason, value } of reasoned.values())
      metrics.singleMetric().addDimension('reason', reason).addMetric(name, METRICS[name], value);
    for (const [name, value] of sums) metrics.addMetric(name, METRICS[name], value);
    for (const [name, value] of observed) metrics.addMetric(name, METRICS[name], value);
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  return {
    count(name, value, reason) {
      sums.set(name, (sums.get(name) ?? 0) + value);
      if (reason === undefined) return;
      const key = `${name} ${reason}`;
      const before = reasoned.get(key) ?? { name, reason, value: 0 };
      reasoned.set(key, { ...before, value: before.value + value });
    },
    observe(name, value) {
      if (Number.isFinite(value)) observed.push([name, value]); // CloudWatch would take no value of the line.
    },
    publish() {
      try {
        write();
      } catch (error) {
        logger.error('not measured', { error: error instanceof Error ? error : undefined });
      }
      sums.clear();
      reasoned.clear();
      observed.length = 0;
    },
  };
}

/** The door, publishing what was measured when an invocation ends, however it ends. */
export function publishing<Event, Answer>(
  door: (event: Event) => Promise<Answer>,
  { publish }: Pick<Measured, 'publish'>,
): (event: Event) => Promise<Answer> {
  return (event) => door(event).finally(publish);
}
