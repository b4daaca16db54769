// What CloudWatch would hold of the local run: what the functions print in embedded metric format, and what AWS measures by itself.
import * as v from 'valibot';
import type { FunctionPlan, QueuePlan } from './assembly.ts';
import type { QueueEngine } from './engines.ts';
import type { Invocation } from './function.ts';
import type { AwsCall } from './recorder.ts';

/** How often the queues are looked at while something may be under way; CloudWatch looks once a minute. */
const LOOK_MS = 500;

/** One value of one metric. */
export interface Sample {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Epoch milliseconds of the moved clock. */
  readonly atMs: number;
  readonly value: number;
}

/** What was measured so far, and a way to measure now. */
export interface Metrics {
  /** In the order in which they came. */
  samples(): readonly Sample[];
  /** Looks at queues, calls and logs now: to be called before the clock is moved, since the next look would count for later. */
  look(): Promise<void>;
}

/** Told what a function's processes write. */
export interface OutputWatch {
  /** A line of standard output. */
  printed(line: string): void;
  /** Bytes on their way to the log. */
  logged(bytes: number): void;
}

/** Where the runner reports to. */
export interface Collector extends Metrics {
  output(door: string): OutputWatch;
  invoked(invocation: Pick<Invocation, 'door' | 'milliseconds' | 'loadMilliseconds' | 'hasFailed'>): void;
  /** A request was answered by the HTTP API. */
  answered(apiId: string, status: number): void;
  stop(): void;
}

export interface CollectorSetting {
  /** By door: metrics are named by function. */
  readonly functions: readonly Pick<FunctionPlan, 'door' | 'name' | 'logGroup'>[];
  readonly queues: readonly Pick<QueuePlan, 'name'>[];
  readonly engine: Pick<QueueEngine, 'gauges'>;
  /** Grows; empty where calls are not recorded. */
  readonly calls: readonly AwsCall[];
  /**
   * The moved clock, epoch milliseconds. Every value counts for the instant at which it arrives: ingest stays on wall time, so what it
   * prints of the time would be another day's.
   */
  readonly now: () => number;
  /** Told of a line that says it has metrics and has not. */
  readonly report: (line: string) => void;
}

type Put = (namespace: string, name: string, dimensions: Sample['dimensions'], value: number) => void;

/** Takes what it is told, and looks at queues and calls again and again until stopped. */
export function startCollector(setting: CollectorSetting): Collector {
  const { functions, now, report } = setting;
  const samples: Sample[] = [];
  const put: Put = (namespace, name, dimensions, value) =>
    void samples.push({ namespace, name, dimensions, atMs: now(), value });
  const planOf = (door: string) => functions.find((plan) => plan.door === door);
  let looks: Promise<void> = Promise.resolve();
  /** Bytes since the last look, by door. */
  const logged = new Map<string, number>();
  const lookAround = createLook(setting, put);
  const takeLook = async (): Promise<void> => {
    for (const [door, bytes] of logged)
      put('AWS/Logs', 'IncomingBytes', { LogGroupName: planOf(door)?.logGroup ?? door }, bytes);
    logged.clear();
    await lookAround();
  };
  const look = (): Promise<void> => {
    looks = looks.then(takeLook, takeLook); // One after the other, also after one that failed.
    return looks;
  };
  const timer = setInterval(() => {
    look().catch(() => {}); // An engine that is gone has nothing to tell.
  }, LOOK_MS).unref();
  return {
    samples: () => samples,
    look,
    output: (door) => ({
      printed(line) {
        try {
          putPrinted(put, line);
        } catch (error) {
          report(`${door} printed metrics that cannot be read: ${String(error)}`);
        }
      },
      logged: (bytes) => void logged.set(door, (logged.get(door) ?? 0) + bytes),
    }),
    invoked({ door, milliseconds, loadMilliseconds, hasFailed }) {
      const dimensions = { FunctionName: planOf(door)?.name ?? door };
      put('AWS/Lambda', 'Invocations', dimensions, 1);
      put('AWS/Lambda', 'Errors', dimensions, hasFailed ? 1 : 0);
      put('AWS/Lambda', 'Throttles', dimensions, 0); // Who comes too early waits here.
      put('AWS/Lambda', 'Duration', dimensions, milliseconds - loadMilliseconds);
    },
    answered(apiId, status) {
      put('AWS/ApiGateway', 'Count', { ApiId: apiId }, 1);
      put('AWS/ApiGateway', '4xx', { ApiId: apiId }, status >= 400 && status < 500 ? 1 : 0);
      put('AWS/ApiGateway', '5xx', { ApiId: apiId }, status >= 500 ? 1 : 0);
    },
    stop: () => clearInterval(timer),
  };
}

const embeddedSchema = v.looseObject({
  _aws: v.object({
    CloudWatchMetrics: v.array(
      v.object({
        Namespace: v.string(),
        Dimensions: v.array(v.array(v.string())),
        Metrics: v.array(v.object({ Name: v.string() })),
      }),
    ),
  }),
});
const valuesSchema = v.union([
  v.pipe(
    v.number(),
    v.transform((value) => [value]),
  ),
  v.array(v.number()),
]);

/**
 * Takes the metrics out of a log line. Each set of dimensions makes a metric of its own.
 *
 * @throws ValiError for a line that says it has metrics and names a dimension or a metric without a value
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
function putPrinted(put: Put, line: string): void {
  if (!line.startsWith('{') || !line.includes('"_aws"')) return;
  const document = v.parse(embeddedSchema, JSON.parse(line));
  for (const { Namespace, Dimensions, Metrics } of document['_aws'].CloudWatchMetrics) {
    for (const names of Dimensions) {
      const dimensions = Object.fromEntries(names.map((name) => [name, v.parse(v.string(), document[name])]));
      for (const { Name } of Metrics) {
        for (const value of v.parse(valuesSchema, document[Name])) put(Namespace, Name, dimensions, value);
      }
    }
  }
}

function createLook({ engine, queues, calls, now }: CollectorSetting, put: Put): () => Promise<void> {
  let seen = 0;
  return async () => {
    for (const call of calls.slice(seen)) putUnits(put, call);
    seen = calls.length;
    const gauges = await engine.gauges();
    for (const { name } of queues) {
      const { visible, oldestSentMs } = gauges.get(name) ?? { visible: 0, oldestSentMs: undefined };
      const ageSeconds = oldestSentMs === undefined ? 0 : Math.max(0, now() - oldestSentMs) / 1000;
      put('AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName: name }, visible);
      put('AWS/SQS', 'ApproximateAgeOfOldestMessage', { QueueName: name }, Math.floor(ageSeconds));
    }
  };
}

/** Capacity units by table; those of an index have its name as a second dimension. */
function putUnits(put: Put, { resource, units, indexWrites = {} }: AwsCall): void {
  const [, TableName, , readIndex] = resource.split(':').at(-1)?.split('/') ?? [];
  if (units === undefined || TableName === undefined) return;
  const consumed = (name: 'Read' | 'Write', value: number, index?: string): void => {
    const dimensions = { TableName, ...(index !== undefined && { GlobalSecondaryIndexName: index }) };
    if (value > 0) put('AWS/DynamoDB', `Consumed${name}CapacityUnits`, dimensions, value);
  };
  consumed('Read', units.read);
  consumed('Write', units.write);
  if (readIndex !== undefined) consumed('Read', units.indexRead, readIndex);
  for (const [index, value] of Object.entries(indexWrites)) consumed('Write', value, index);
}
