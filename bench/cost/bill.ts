// From what was counted to what AWS asks for it. No rule here but those of AWS's price pages.
import { PRICES, type PriceName } from '../../lib/prices.ts';
import type { Invocation } from '../../local/runner/function.ts';
import type { AwsCall } from '../../local/runner/recorder.ts';

/** So many units of what has a price. */
export type Usage = Readonly<Partial<Record<PriceName, number>>>;

/** What the pollers of Lambda and the log are counted by: an invocation with where its event came from. */
export type Billed = Pick<Invocation, 'milliseconds' | 'memoryMegabytes' | 'records'>;

/** Bytes of a GB as AWS counts it. */
export const GB = 2 ** 30;
/** One request is billed for each so many bytes begun. aws.amazon.com/sqs/pricing, /api-gateway/pricing, read 2026-11. */
const SQS_CHUNK_BYTES = 65_536;
const HTTP_API_CHUNK_BYTES = 524_288;
/** Messages that a poller receives, or deletes, in one request: the most that SQS takes. */
const MESSAGES_PER_REQUEST = 10;
/** What CloudWatch adds to the bytes of each log event. docs.aws.amazon.com, PutLogEvents, read 2026-11. */
const LOG_EVENT_BYTES = 26;
/** START, END and REPORT, which Lambda writes for each invocation: about so many bytes, without what CloudWatch adds. */
const PLATFORM_LINES = 3;
const PLATFORM_BYTES = 270;

/** The service that asks for it. */
const SERVICES = {
  lambdaRequest: 'Lambda',
  lambdaArmGbSecond: 'Lambda',
  sqsRequest: 'SQS',
  httpApiRequest: 'API Gateway',
  dynamoDbWrite: 'DynamoDB writes',
  dynamoDbRead: 'DynamoDB reads',
  dynamoDbStorage: 'DynamoDB storage',
  dynamoDbRecovery: 'DynamoDB storage',
  customMetric: 'CloudWatch metrics',
  alarm: 'CloudWatch alarms',
  dashboard: 'CloudWatch dashboard',
  logsIngested: 'CloudWatch logs',
  logsStored: 'CloudWatch logs',
  secret: 'Secrets Manager',
  secretCall: 'Secrets Manager',
  schedulerInvocation: 'EventBridge Scheduler',
  snsEmail: 'SNS',
  kmsKey: 'KMS',
  kmsRequest: 'KMS',
  transferOut: 'data transfer',
} as const satisfies Record<PriceName, string>;

function isPriceName(name: string): name is PriceName {
  return name in PRICES;
}

const NAMES = Object.keys(PRICES).filter(isPriceName);

/** @param bytes - of a message, or of all messages that one request carries */
export function sqsRequests(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / SQS_CHUNK_BYTES));
}

/** @param bytes - of a request's body */
export function httpApiRequests(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / HTTP_API_CHUNK_BYTES));
}

/** What functions call of AWS. Reads and writes of indexes cost as those of the table do. */
export function usageOfCalls(calls: readonly AwsCall[]): Usage {
  return total(
    calls.map(({ action, units, requestBytes }): Usage => {
      if (units !== undefined)
        return {
          dynamoDbWrite: units.write + units.indexWrite,
          dynamoDbRead: units.read + units.indexRead,
        };
      if (action.startsWith('sqs:')) return { sqsRequest: sqsRequests(requestBytes) };
      if (action.startsWith('secretsmanager:')) return { secretCall: 1 };
      return {};
    }),
  );
}

/** What Lambda itself bills: each invocation rounded up to a millisecond. */
export function usageOfInvocations(invocations: readonly Billed[]): Usage {
  const gbSeconds = invocations.map(
    ({ milliseconds, memoryMegabytes }) => (Math.ceil(milliseconds) / 1000) * (memoryMegabytes / 1024),
  );
  return { lambdaRequest: invocations.length, lambdaArmGbSecond: sum(gbSeconds) };
}

/** What Lambda's pollers asked of SQS to invoke and to be done: a receive and a delete for each ten messages begun. */
export function usageOfPollers(invocations: readonly Billed[]): Usage {
  const requests = invocations.map(({ records }) => 2 * Math.ceil(records / MESSAGES_PER_REQUEST));
  return { sqsRequest: sum(requests) };
}

/** What the log takes in: the functions' own lines, and Lambda's. */
export function usageOfLogs(
  log: { readonly bytes: number; readonly lines: number },
  invocations: number,
): Usage {
  const own = log.bytes + log.lines * LOG_EVENT_BYTES;
  return { logsIngested: (own + invocations * (PLATFORM_BYTES + PLATFORM_LINES * LOG_EVENT_BYTES)) / GB };
}

export function total(usages: readonly Usage[]): Usage {
  const used = NAMES.map((name) => [name, sum(usages.map((usage) => usage[name] ?? 0))] as const);
  return Object.fromEntries(used.filter(([, units]) => units > 0));
}

export function times(usage: Usage, factor: number): Usage {
  return Object.fromEntries(Object.entries(usage).map(([name, units]) => [name, units * factor]));
}

export function dollarsOf(usage: Usage): number {
  return sum(NAMES.map((name) => ((usage[name] ?? 0) * PRICES[name].dollars) / PRICES[name].per));
}

/** @returns by service, the dearest first */
export function dollarsByService(usage: Usage): Record<string, number> {
  const dollars = new Map<string, number>();
  for (const name of NAMES) {
    const units = usage[name] ?? 0;
    if (units === 0) continue;
    dollars.set(SERVICES[name], (dollars.get(SERVICES[name]) ?? 0) + dollarsOf({ [name]: units }));
  }
  return Object.fromEntries([...dollars].toSorted(([, one], [, other]) => other - one));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((sofar, each) => sofar + each, 0);
}
