// AWS's rules of billing, each against a calculation by hand.
import {
  dollarsByService,
  dollarsOf,
  httpApiRequests,
  sqsRequests,
  times,
  total,
  usageOfCalls,
  usageOfInvocations,
  usageOfLogs,
  usageOfPollers,
} from '../../bench/cost/bill.ts';
import { type Counted, usageOfStage } from '../../bench/cost/measured.ts';
import { PRICES } from '../../lib/prices.ts';
import type { AwsCall } from '../../local/runner/recorder.ts';

const KB = 1024;
const GB = 1_073_741_824;

test.each([
  { bytes: 0, requests: 1, because: 'a request without a body is one' },
  { bytes: 512 * KB, requests: 1, because: 'it fills the first 512 KB' },
  { bytes: 512 * KB + 1, requests: 2, because: 'it begins the second' },
  { bytes: 600 * KB, requests: 2, because: 'it begins the second' },
])('$bytes bytes to an HTTP API are $requests requests: $because', ({ bytes, requests }) => {
  expect(httpApiRequests(bytes)).toBe(requests);
});

test.each([
  { bytes: 0, requests: 1, because: 'a receive that finds nothing is one' },
  { bytes: 64 * KB, requests: 1, because: 'it fills the first 64 KB' },
  { bytes: 64 * KB + 1, requests: 2, because: 'it begins the second' },
  { bytes: 256 * KB, requests: 4, because: "it is AWS's own example" },
])('$bytes bytes to SQS are $requests requests: $because', ({ bytes, requests }) => {
  expect(sqsRequests(bytes)).toBe(requests);
});

const call = (parts: Partial<AwsCall>): AwsCall => ({
  door: 'scorer',
  action: 'dynamodb:UpdateItem',
  resource: 'arn:aws:dynamodb:us-east-1:000000000000:table/contacts',
  status: 200,
  requestBytes: 300,
  responseBytes: 300,
  ...parts,
});
const units = { read: 0, write: 0, indexRead: 0, indexWrite: 0 };

test('a write whose row moves in an index costs its own unit, one where it leaves and one where it comes', () => {
  expect(usageOfCalls([call({ units: { ...units, write: 1, indexWrite: 2 } })])).toEqual({
    dynamoDbWrite: 3,
  });
});

test('calls are counted by what each service bills: units, chunks, calls, and nothing for what is free', () => {
  const calls = [
    call({ action: 'dynamodb:Query', units: { ...units, read: 1 } }),
    call({ action: 'dynamodb:Query', units: { ...units, indexRead: 0.5 } }),
    call({ action: 'sqs:SendMessage', requestBytes: 65 * KB, entries: 10 }),
    call({ action: 'secretsmanager:GetSecretValue' }),
    call({ action: 'dynamodb:DescribeTable' }),
  ];

  expect(usageOfCalls(calls)).toEqual({ dynamoDbRead: 1.5, sqsRequest: 2, secretCall: 1 });
});

test('an invocation is rounded up to the millisecond, and its memory is counted in GB', () => {
  const used = usageOfInvocations([
    { milliseconds: 120.2, memoryMegabytes: 1024, records: 1 }, // 0.121 s of 1 GB
    { milliseconds: 10, memoryMegabytes: 512, records: 0 }, // 0.010 s of half a GB
  ]);

  expect(used.lambdaRequest).toBe(2);
  expect(used.lambdaArmGbSecond).toBeCloseTo(0.126, 10);
});

test.each([
  { records: 0, requests: 0, because: 'no queue invoked it' },
  { records: 1, requests: 2, because: 'one receive, one delete' },
  { records: 10, requests: 2, because: 'one of each takes ten' },
  { records: 25, requests: 6, because: 'three of each' },
])('an invocation with $records messages took $requests requests of the pollers: $because', (row) => {
  const [records, expected] = [row.records, row.requests === 0 ? {} : { sqsRequest: row.requests }];

  expect(total([usageOfPollers([{ milliseconds: 1, memoryMegabytes: 512, records }])])).toEqual(expected);
});

test('the log takes in the lines, 26 bytes more for each, and the three lines of Lambda', () => {
  // 1,000 + 4 · 26 of ours, 2 · (270 + 3 · 26) of Lambda's.
  expect(usageOfLogs({ bytes: 1000, lines: 4 }, 2).logsIngested).toBeCloseTo((1104 + 696) / GB, 15);
});

test('a million of each comes to what the price pages say', () => {
  const million = 1_000_000;

  expect(dollarsOf({ lambdaRequest: million })).toBeCloseTo(0.2, 10);
  expect(dollarsOf({ lambdaArmGbSecond: million })).toBeCloseTo(13.3334, 10);
  expect(dollarsOf({ sqsRequest: million })).toBeCloseTo(0.4, 10);
  expect(dollarsOf({ httpApiRequest: million })).toBeCloseTo(1, 10);
  expect(dollarsOf({ dynamoDbWrite: million })).toBeCloseTo(0.625, 10);
  expect(dollarsOf({ dynamoDbRead: million })).toBeCloseTo(0.125, 10);
  expect(dollarsOf({ secretCall: million })).toBeCloseTo(5, 10);
});

test('what is used together is added, multiplied and told by service, the dearest first', () => {
  const used = total([
    { dynamoDbWrite: 2, sqsRequest: 1 },
    { dynamoDbWrite: 1, lambdaRequest: 1, lambdaArmGbSecond: 0.1 },
  ]);
  const million = times(used, 1_000_000);

  expect(used).toEqual({ dynamoDbWrite: 3, sqsRequest: 1, lambdaRequest: 1, lambdaArmGbSecond: 0.1 });
  // 3 · 0.625; 0.20 + 1.33334; 0.40
  expect(Object.keys(dollarsByService(million))).toEqual(['DynamoDB writes', 'Lambda', 'SQS']);
  expect(dollarsByService(million)['Lambda']).toBeCloseTo(1.53334, 8);
  expect(dollarsOf(million)).toBeCloseTo(1.875 + 1.53334 + 0.4, 8);
});

test('every price is above 0, for a whole number of units, and names a page of AWS', () => {
  for (const { dollars, per, unit, page } of Object.values(PRICES)) {
    expect(dollars).toBeGreaterThan(0);
    expect(Number.isInteger(per) && per > 0).toBe(true);
    expect(unit).not.toBe('');
    expect(new URL(page).origin).toBe('https://aws.amazon.com');
  }
});

const invocation = (door: string, isCold: boolean) => ({
  door,
  isCold,
  milliseconds: 100,
  loadMilliseconds: isCold ? 60 : 0,
  memoryMegabytes: 1024,
  hasFailed: false,
  records: door === 'scorer' ? 1 : 0,
});
const nothing: Counted = { calls: [], invocations: [], logs: {}, requests: [], bytesOut: 0 };

test('a stage is billed for its own invocations and calls; the time of one for which a process was started is left out', () => {
  const counted: Counted = {
    ...nothing,
    calls: [
      call({ units: { ...units, write: 1 } }),
      call({ door: 'write-back', units: { ...units, write: 1 } }),
    ],
    invocations: [invocation('scorer', true), invocation('scorer', false), invocation('ingest', false)],
  };

  const { logsIngested, ...used } = usageOfStage('scorer', counted);

  // Both are invocations, with a receive and a delete each; 0.1 s of 1 GB is that of the warm one.
  expect(used).toEqual({ lambdaRequest: 2, lambdaArmGbSecond: 0.1, sqsRequest: 4, dynamoDbWrite: 1 });
  expect(logsIngested).toBeCloseTo((2 * 348) / GB, 15);
});

test('the nightly run always begins cold, and is billed so', () => {
  const used = usageOfStage('nightly', { ...nothing, invocations: [invocation('nightly', true)] });

  expect(used).toMatchObject({ lambdaRequest: 1, lambdaArmGbSecond: 0.1 });
});

test('requests to the API are those of ingest, and data out those of write-back', () => {
  const counted: Counted = { ...nothing, requests: [3000, 600 * KB], bytesOut: GB / 2 };

  expect(usageOfStage('ingest', counted)).toEqual({ httpApiRequest: 3 });
  expect(usageOfStage('write-back', counted)).toEqual({ transferOut: 0.5 });
  expect(usageOfStage('scorer', counted)).toEqual({});
});
