// What the stack costs while nothing happens: counted from its template.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { PriceName } from '../../lib/prices.ts';
import { dollarsOf } from './bill.ts';

const DAYS_PER_MONTH = 30;
/**
 * What Lambda polls an empty queue with, and for how long one call waits. docs.aws.amazon.com, "Using Lambda with Amazon SQS"
 * (five batches at a time), read 2026-11. Nobody promises fewer where a maximum of two invocations is set.
 */
const POLLERS = 5;
const POLL_SECONDS = 20;

/** One line of the monthly bill. */
export interface IdleLine {
  readonly what: string;
  readonly units: number;
  readonly price: PriceName;
  readonly dollars: number;
}

const templateSchema = v.object({
  Resources: v.record(v.string(), v.object({ Type: v.string(), Properties: v.optional(v.unknown()) })),
});
const alarmSchema = v.object({
  Metrics: v.optional(v.array(v.object({ MetricStat: v.optional(v.unknown()) }))),
});

/** @param assemblyDirectory - the synthesized stack, alone in it */
export function readTemplate(assemblyDirectory: string): unknown {
  const [file] = readdirSync(assemblyDirectory).filter((name) => name.endsWith('.template.json'));
  return JSON.parse(readFileSync(join(assemblyDirectory, file ?? ''), 'utf8'));
}

/** Metrics that an alarm is billed for: one, or with metric math each that is fetched. */
function metricsOfAlarm(properties: unknown): number {
  const { Metrics } = v.parse(alarmSchema, properties);
  return Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1;
}

/** @param customMetrics - names that the doors send in an hour, each with its dimensions */
export function idleLines(template: unknown, customMetrics: number): IdleLine[] {
  const resources = Object.values(v.parse(templateSchema, template).Resources);
  const ofType = (type: string) => resources.filter(({ Type }) => Type === type);
  const alarms = ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => metricsOfAlarm(Properties));
  const polls = (POLLERS * DAYS_PER_MONTH * 86_400) / POLL_SECONDS;
  const lines: readonly [what: string, units: number, price: PriceName][] = [
    [
      'alarms, each metric of one that calculates counted',
      alarms.reduce((sum, each) => sum + each, 0),
      'alarm',
    ],
    ['dashboards', ofType('AWS::CloudWatch::Dashboard').length, 'dashboard'],
    ['secrets', ofType('AWS::SecretsManager::Secret').length, 'secret'],
    ['keys of KMS', ofType('AWS::KMS::Key').length, 'kmsKey'],
    ['polling of empty queues', ofType('AWS::Lambda::EventSourceMapping').length * polls, 'sqsRequest'],
    ['runs of schedules', ofType('AWS::Scheduler::Schedule').length * DAYS_PER_MONTH, 'schedulerInvocation'],
    ['custom metrics that are sent every hour', customMetrics, 'customMetric'],
  ];
  return lines.map(([what, units, price]) => ({
    what,
    units,
    price,
    dollars: dollarsOf({ [price]: units }),
  }));
}
