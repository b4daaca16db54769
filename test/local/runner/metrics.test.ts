import { type Collector, startCollector } from '../../../local/runner/metrics.ts';
import type { AwsCall } from '../../../local/runner/recorder.ts';

let nowMs: number;
let lines: string[];
let calls: AwsCall[];
let gauges: Map<string, { visible: number; oldestSentMs: number | undefined }>;
let collector: Collector;

beforeEach(() => {
  nowMs = 1_000_000;
  lines = [];
  calls = [];
  gauges = new Map();
  collector = startCollector({
    functions: [{ door: 'write-back', name: 'WriteBackFunction', logGroup: 'WriteBackLogs' }],
    queues: [{ name: 'Events' }, { name: 'Ticks' }],
    engine: { gauges: async () => gauges },
    calls,
    now: () => nowMs,
    report: (line) => lines.push(line),
  });
});
afterEach(() => collector.stop());

/** What is held of a namespace, as text. */
function held(namespace: string): string[] {
  return collector
    .samples()
    .filter((sample) => sample.namespace === namespace)
    .map(({ name, dimensions, value, atMs }) => `${atMs} ${name} ${JSON.stringify(dimensions)} ${value}`);
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
test('reads embedded metrics: each set of dimensions is a metric of its own, and a list of values is so many values', () => {
  collector.output('write-back').printed(
    JSON.stringify({
      _aws: {
        Timestamp: 5, // Of another clock: what counts is when it comes.
        CloudWatchMetrics: [
          {
            Namespace: 'Afterglow',
            Dimensions: [['service'], ['service', 'reason']],
            Metrics: [{ Name: 'DeadLettered', Unit: 'Count' }],
          },
          { Namespace: 'Afterglow', Dimensions: [[]], Metrics: [{ Name: 'Age', Unit: 'Milliseconds' }] },
        ],
      },
      service: 'write-back',
      reason: 'refused',
      DeadLettered: 2,
      Age: [10, 20.5],
      contact: 'no metric',
    }),
  );

  expect(held('Afterglow')).toEqual([
    '1000000 DeadLettered {"service":"write-back"} 2',
    '1000000 DeadLettered {"service":"write-back","reason":"refused"} 2',
    '1000000 Age {} 10',
    '1000000 Age {} 20.5',
  ]);
  expect(lines).toEqual([]);
});

test('passes over other lines, and tells of metrics that cannot be read', () => {
  const output = collector.output('write-back');

  output.printed('{"level":"INFO","message":"hubspot answered"}');
  output.printed('no JSON, though it says "_aws"');
  output.printed('{"_aws":{"CloudWatchMetrics":"none"}}');

  expect(collector.samples()).toEqual([]);
  expect(lines).toEqual([expect.stringContaining('write-back printed metrics that cannot be read')]);
});

test('counts invocations as Lambda does: loading is no part of the duration', () => {
  const invocation = { door: 'write-back', loadMilliseconds: 0 };
  collector.invoked({ ...invocation, milliseconds: 250, loadMilliseconds: 200, hasFailed: false });
  nowMs += 1000;
  collector.invoked({ ...invocation, milliseconds: 40, hasFailed: true });

  const dimensions = '{"FunctionName":"WriteBackFunction"}';
  expect(held('AWS/Lambda')).toEqual([
    `1000000 Invocations ${dimensions} 1`,
    `1000000 Errors ${dimensions} 0`,
    `1000000 Throttles ${dimensions} 0`,
    `1000000 Duration ${dimensions} 50`,
    `1001000 Invocations ${dimensions} 1`,
    `1001000 Errors ${dimensions} 1`,
    `1001000 Throttles ${dimensions} 0`,
    `1001000 Duration ${dimensions} 40`,
  ]);
});

test('counts the bytes of a log by its group, each once', async () => {
  collector.output('write-back').logged(120);
  collector.output('write-back').logged(30);
  await collector.look();
  await collector.look();

  expect(held('AWS/Logs')).toEqual(['1000000 IncomingBytes {"LogGroupName":"WriteBackLogs"} 150']);
});

test('counts requests of the API, those refused and those failed', () => {
  for (const status of [202, 401, 503]) collector.answered('Api', status);

  expect(held('AWS/ApiGateway').filter((line) => !line.endsWith(' 0'))).toEqual([
    '1000000 Count {"ApiId":"Api"} 1',
    '1000000 Count {"ApiId":"Api"} 1',
    '1000000 4xx {"ApiId":"Api"} 1',
    '1000000 Count {"ApiId":"Api"} 1',
    '1000000 5xx {"ApiId":"Api"} 1',
  ]);
  expect(held('AWS/ApiGateway')).toHaveLength(9); // Each request has a value of each: so shares can be told.
});

test('looks at queues when asked: what waits, and since when, in seconds', async () => {
  gauges.set('Events', { visible: 3, oldestSentMs: nowMs - 90_500 });
  await collector.look();

  expect(held('AWS/SQS')).toEqual([
    '1000000 ApproximateNumberOfMessagesVisible {"QueueName":"Events"} 3',
    '1000000 ApproximateAgeOfOldestMessage {"QueueName":"Events"} 90',
    '1000000 ApproximateNumberOfMessagesVisible {"QueueName":"Ticks"} 0',
    '1000000 ApproximateAgeOfOldestMessage {"QueueName":"Ticks"} 0',
  ]);
});

test('counts the units of each recorded call once, those of indexes apart', async () => {
  const call = { door: 'scorer', status: 200, requestBytes: 1, responseBytes: 1 };
  const table = 'arn:aws:dynamodb:us-east-1:0:table/Contacts';
  const none = { read: 0, write: 0, indexRead: 0, indexWrite: 0 };
  calls.push(
    {
      ...call,
      action: 'dynamodb:PutItem',
      resource: table,
      units: { ...none, write: 1, indexWrite: 3 },
      indexWrites: { due: 2, company: 1 },
    },
    { ...call, action: 'sqs:SendMessage', resource: 'arn:aws:sqs:us-east-1:0:Events', entries: 4 },
  );
  await collector.look();
  calls.push({
    ...call,
    action: 'dynamodb:Query',
    resource: `${table}/index/due`,
    units: { ...none, indexRead: 0.5 },
  });
  await collector.look();

  expect(held('AWS/DynamoDB')).toEqual([
    '1000000 ConsumedWriteCapacityUnits {"TableName":"Contacts"} 1',
    '1000000 ConsumedWriteCapacityUnits {"TableName":"Contacts","GlobalSecondaryIndexName":"due"} 2',
    '1000000 ConsumedWriteCapacityUnits {"TableName":"Contacts","GlobalSecondaryIndexName":"company"} 1',
    '1000000 ConsumedReadCapacityUnits {"TableName":"Contacts","GlobalSecondaryIndexName":"due"} 0.5',
  ]);
});
