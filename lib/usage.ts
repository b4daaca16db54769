import type { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { type MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { ContactTable } from './contact-table.ts';
import { weighted } from './measurements.ts';
import type { Door, NodeFunction } from './node-function.ts';
import { PRICES, type PriceName } from './prices.ts';

const MB_PER_GB = 1_024;
const BYTES_PER_GB = 1_024 ** 3;
const MS_PER_SECOND = 1_000;

export interface UsageProps {
  readonly contacts: ContactTable;
  readonly api: HttpApi;
  readonly ingest: NodeFunction;
  readonly scorer: NodeFunction;
  readonly writeBack: NodeFunction;
}

interface OfDoor {
  readonly door: Door;
  readonly metric: Metric;
}

/**
 * What is used of AWS, and about what AWS asks for it: the parts that grow with events and contacts. Left out are what an idle stack
 * costs (docs/cost.md), requests to SQS, writes to an index that a contact causes once in its life, and the time and logs of nightly and
 * explain, which are little beside the others: an alarm may look at ten metrics and no more (AWS, "Limits that apply to alarms based on
 * metric math expressions", read 2026-11-22). What nightly does to the table is counted with the rest of the table.
 */
export class Usage {
  readonly #props: UsageProps;

  constructor(props: UsageProps) {
    this.#props = props;
  }

  /** Units of the table, and of the indexes that move with the scores. */
  units(period: Duration): Record<'writes' | 'indexWrites' | 'reads', Metric[]> {
    const { contacts } = this.#props;
    return {
      writes: [contacts.metricConsumed('ConsumedWriteCapacityUnits', period)],
      indexWrites: contacts.movingIndexes.map((index) =>
        contacts.metricConsumed('ConsumedWriteCapacityUnits', period, index),
      ),
      reads: [contacts.metricConsumed('ConsumedReadCapacityUnits', period)],
    };
  }

  /** Memory times time of a function: CloudWatch knows the time it ran, AWS charges it rounded up to a millisecond. */
  gbSeconds(period: Duration): readonly (OfDoor & { readonly factor: number })[] {
    const { ingest, scorer, writeBack } = this.#props;
    return [ingest, scorer, writeBack].map((lambda) => ({
      door: lambda.door,
      metric: lambda.metricDuration({ statistic: 'Sum', period }),
      factor: lambda.memoryMb / MB_PER_GB / MS_PER_SECOND,
    }));
  }

  /** Bytes of the logs, which carry the metrics too; ingest writes little. */
  logBytes(period: Duration): readonly OfDoor[] {
    return [this.#props.scorer, this.#props.writeBack].map(({ door, logGroup }) => ({
      door,
      metric: new Metric({
        namespace: 'AWS/Logs',
        metricName: 'IncomingBytes',
        dimensionsMap: { LogGroupName: logGroup.logGroupName },
        statistic: 'Sum',
        period,
      }),
    }));
  }

  /** Estimated dollars of a period, by the prices of `lib/prices.ts`. */
  dollars(period: Duration): MathExpression {
    const { writes, indexWrites, reads } = this.units(period);
    const requests = this.#props.api.metricCount({ statistic: 'Sum', period });
    return weighted('dollars', period, [
      ...[...writes, ...indexWrites].map((metric) => [metric, dollarsOf('dynamoDbWrite')] as const),
      ...reads.map((metric) => [metric, dollarsOf('dynamoDbRead')] as const),
      [requests, dollarsOf('httpApiRequest') + dollarsOf('lambdaRequest')],
      ...this.gbSeconds(period).map(
        ({ metric, factor }) => [metric, factor * dollarsOf('lambdaArmGbSecond')] as const,
      ),
      ...this.logBytes(period).map(
        ({ metric }) => [metric, dollarsOf('logsIngested') / BYTES_PER_GB] as const,
      ),
    ]);
  }
}

function dollarsOf(name: PriceName): number {
  const { dollars, per } = PRICES[name];
  return dollars / per;
}
