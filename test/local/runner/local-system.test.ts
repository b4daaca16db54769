import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import { type LocalSystem, startLocalSystem } from '../../../local/runner/local-system.ts';
import { occurrenceAfter } from '../../../local/runner/schedule.ts';
import { type AssemblyFixture, writeAssembly } from './assembly-fixture.ts';

const local = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
let assembly: AssemblyFixture;
let system: LocalSystem;
let sqs: SQSClient;
let lines: string[];

function options(directory: string) {
  return {
    assemblyDirectory: directory,
    ingestPort: 0,
    hubspotUrl: 'http://127.0.0.1:9',
    hubspotAccessToken: 'token',
    clientSecret: 'client',
    signalsSecret: 'signals',
    logDirectory: path.join(directory, 'logs'),
    log: (line: string) => lines.push(line),
  };
}

beforeEach(async () => {
  lines = [];
  assembly = await writeAssembly();
  system = await startLocalSystem(options(assembly.directory));
  sqs = new SQSClient({ ...local, endpoint: system.sqsUrl });
});

afterEach(async () => {
  sqs.destroy();
  await system.stop();
  await rm(assembly.directory, { recursive: true });
});

function post(route: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  return fetch(system.ingestUrl + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}

/** What the fixture's ingest says back, as far as tests look into it. */
const eventSchema = v.looseObject({
  headers: v.optional(v.record(v.string(), v.string())),
  environment: v.optional(v.record(v.string(), v.string()), {}),
});

async function echo(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await post('/signals?a=1&a=2&b=x%20y', body, headers);
  const event = v.parse(eventSchema, await response.json());
  return { response, event };
}

/** A line of a function's log with a metric in it. */
const EMBEDDED = JSON.stringify({
  _aws: {
    Timestamp: 0,
    CloudWatchMetrics: [
      { Namespace: 'Afterglow', Dimensions: [['service']], Metrics: [{ Name: 'NightlyFinished' }] },
    ],
  },
  service: 'nightly',
  NightlyFinished: 1,
});

const queueUrl = (name: string) => system.queueUrls[name] ?? 'none';

async function send(queue: string, ...bodies: unknown[]): Promise<void> {
  await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl(queue),
      Entries: bodies.map((body, index) => ({ Id: String(index), MessageBody: JSON.stringify(body) })),
    }),
  );
}

async function sendLate(body: unknown, DelaySeconds: number): Promise<void> {
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl('Scorer/Events'),
      MessageBody: JSON.stringify(body),
      DelaySeconds,
    }),
  );
}

async function notesOf(door: string) {
  return (await assembly.notes()).filter((note) => note['door'] === door);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('carries a request from the HTTP API through a queue and two functions into the table', async () => {
  const response = await post('/webhooks/hubspot', JSON.stringify({ put: '1#7', forward: true }));
  await system.drained({ flushWindows: true });

  expect(response.status).toBe(202);
  expect(response.headers.get('x-door')).toBe('ingest');
  const client = new DynamoDBClient({ ...local, endpoint: system.dynamoDbUrl });
  const { Items } = await client.send(
    new QueryCommand({
      TableName: system.tableName,
      IndexName: 'due',
      KeyConditionExpression: 'due = :due',
      ExpressionAttributeValues: { ':due': { S: 'tonight' } },
    }),
  );
  client.destroy();
  expect(Items).toEqual([{ pk: { S: '1#7' }, sk: { S: '#head' }, due: { S: 'tonight' } }]);
  expect(await notesOf('write-back')).toEqual([
    expect.objectContaining({ size: 1, url: 'http://127.0.0.1:9' }),
  ]);
});

const arn = (service: string, rest: string) => `arn:aws:${service}:us-east-1:000000000000:${rest}`;

test('writes down what the functions call of AWS, and not what is called around them', async () => {
  const recording = await startLocalSystem({ ...options(assembly.directory), recordCalls: true });
  const { EVENTS_QUEUE_URL } = recording.environmentOf('ingest');
  await fetch(`${recording.ingestUrl}/webhooks/hubspot`, {
    method: 'POST',
    body: JSON.stringify({ put: '1#7', forward: true }),
  });
  await recording.invoke('nightly', { secret: true });
  await recording.drained({ flushWindows: true });
  const calls = recording.calls();
  await recording.stop();

  expect(calls.map(({ door, action, resource, status }) => [door, action, resource, status])).toEqual(
    expect.arrayContaining([
      ['ingest', 'sqs:SendMessage', arn('sqs', 'Events'), 200],
      ['scorer', 'dynamodb:PutItem', arn('dynamodb', 'table/Contacts'), 200],
      ['scorer', 'sqs:SendMessage', arn('sqs', 'Changes'), 200],
      ['nightly', 'secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:IdentityKey-local0'), 200],
    ]),
  );
  expect(calls).toHaveLength(4);
  expect(EVENTS_QUEUE_URL).toBe(`${recording.sqsUrl}/000000000000/Events`); // Tools go past the recorder.
});

test('does not tell of calls that it was not asked to write down', () => {
  expect(() => system.calls()).toThrow('recordCalls');
});

test('hands ingest the event API Gateway would', async () => {
  const { event } = await echo('{"ä":1}', { 'X-Twice': 'one', Cookie: 'a=1; b=2' });

  expect(event).toMatchObject({
    version: '2.0',
    routeKey: 'POST /signals',
    rawPath: '/signals',
    rawQueryString: 'a=1&a=2&b=x%20y',
    queryStringParameters: { a: '1,2', b: 'x y' },
    cookies: ['a=1', 'b=2'],
    headers: { 'x-twice': 'one', 'content-type': 'application/json' },
    requestContext: {
      domainName: new URL(system.ingestUrl).host,
      stage: '$default',
      http: { method: 'POST', path: '/signals', sourceIp: '127.0.0.1' },
    },
    body: '{"ä":1}',
    isBase64Encoded: false,
  });
  expect(event.headers).not.toHaveProperty('cookie');
});

test.each([
  { because: 'bytes are no UTF-8', body: Uint8Array.of(0x7b, 0xff, 0x7d), type: 'application/json' },
  { because: 'the type is binary', body: Uint8Array.of(0x31), type: 'application/octet-stream' },
  {
    because: 'forms are not text to API Gateway',
    body: Uint8Array.of(0x31),
    type: 'application/x-www-form-urlencoded',
  },
])('hands over base64 when $because', async ({ body, type }) => {
  const { event } = await echo(body, { 'content-type': type });

  expect(event).toMatchObject({ isBase64Encoded: true, body: Buffer.from(body).toString('base64') });
});

test('joins doubled headers by comma', async () => {
  const doubled = request(`${system.ingestUrl}/signals`, {
    method: 'POST',
    headers: { 'X-Doubled': ['one', 'two'] },
  });
  doubled.end('{}');
  const [response] = await once(doubled, 'response');
  const event = JSON.parse(await text(response));

  expect(event.headers['x-doubled']).toBe('one,two');
});

test('answers as API Gateway: unknown routes, too much, failed functions', async () => {
  const answers = await Promise.all([
    post('/nowhere', '{}'),
    fetch(`${system.ingestUrl}/signals`),
    post('/signals', 'x'.repeat(10 * 1024 * 1024 + 1)),
    post('/signals', 'throw'),
    post('/signals', 'crash'),
  ]);

  const seen = await Promise.all(answers.map(async (answer) => [answer.status, await answer.json()]));
  expect(seen).toEqual([
    [404, { message: 'Not Found' }],
    [404, { message: 'Not Found' }],
    [413, { message: 'Request Entity Too Large' }],
    [500, { message: 'Internal Server Error' }],
    [500, { message: 'Internal Server Error' }],
  ]);
  expect(lines).toContain('ingest: Error: on purpose');
  expect(lines).toContainEqual(expect.stringContaining('ingest: Runtime.ExitError'));
  expect((await echo('{}')).response.status).toBe(202);
});

test("gives a function the template's environment and Lambda's, and nothing of ours", async () => {
  const { event } = await echo('context');

  expect(event.environment).toMatchObject({
    EVENTS_QUEUE_URL: `${system.sqsUrl}/000000000000/Events`,
    EVENTS_QUEUE_NAME: 'Events',
    GREETING: 'ingest in us-east-1, arn:aws:sqs:us-east-1:000000000000:Events',
    PUBLIC_URL: system.ingestUrl,
    AWS_REGION: 'us-east-1',
    AWS_LAMBDA_FUNCTION_NAME: 'Ingest',
    AWS_ACCESS_KEY_ID: 'ingest',
    AWS_ENDPOINT_URL_DYNAMODB: system.dynamoDbUrl,
    TZ: 'UTC',
  });
  expect(event.environment).not.toHaveProperty('HUBSPOT_API_URL');
  expect(event.environment).not.toHaveProperty('HOME');
  expect(event.environment).not.toHaveProperty('NODE_OPTIONS');
  expect(event['argv']).toContain('--max-old-space-size=256');
});

test('serves the given secrets and generates the others', async () => {
  const { event } = await echo('secret');
  const generated = await system.invoke('nightly', { secret: true });

  expect(event).toMatchObject({ clientSecret: 'client', signalsSecret: 'signals' });
  expect(generated).toEqual({ key: expect.stringMatching(/^.{32}$/) });
});

test('tries only the failed messages of a batch again, and dead-letters them after the last receive', async () => {
  await send('Scorer/Events', { id: 'good' }, { id: 'bad', fail: true });
  await system.drained();

  const bodies = (await notesOf('scorer')).map(({ body }) => body).filter((body) => body !== undefined);
  expect(bodies.filter((body) => body === '{"id":"good"}')).toHaveLength(1);
  expect(bodies.filter((body) => body === '{"id":"bad","fail":true}')).toHaveLength(2);
  expect(await system.deadLetters()).toEqual([
    { queue: 'Scorer/EventsDeadLetters', body: '{"id":"bad","fail":true}' },
  ]);
  expect(await system.deadLetters()).toHaveLength(1);
});

test('kills a function that takes too long, and lets the queue try again', async () => {
  await send('Scorer/Events', { hang: true });
  await system.drained();

  const started = (await notesOf('scorer')).filter(({ size }) => size === 1);
  expect(started).toHaveLength(2);
  expect(lines).toContain('scorer: Sandbox.Timedout: Task timed out after 1.00 seconds');
  for (const { pid, remainingMs } of started) {
    expect(isAlive(Number(pid))).toBe(false);
    expect(Number(remainingMs)).toBeGreaterThan(500);
    expect(Number(remainingMs)).toBeLessThanOrEqual(1000);
  }
  expect(await system.deadLetters()).toHaveLength(1);
});

test('keeps a warm process for the next invocation', async () => {
  await send('Scorer/Events', { id: 1 });
  await system.drained();
  await send('Scorer/Events', { id: 2 });
  await system.drained();

  const pids = (await notesOf('scorer')).flatMap(({ pid }) => pid ?? []);
  expect(pids).toHaveLength(2);
  expect(new Set(pids).size).toBe(1);
});

test('holds a batching window until the batch is full, or it is flushed', async () => {
  for (let round = 0; round < 3; round += 1)
    await send('WriteBack/Changes', ...Array.from({ length: 10 }, (_, id) => ({ id })));

  while ((await notesOf('write-back')).length === 0) await pause(50);
  expect(await notesOf('write-back')).toEqual([expect.objectContaining({ size: 25 })]);
  await pause(500);
  expect(await notesOf('write-back')).toHaveLength(1);

  await system.drained({ flushWindows: true });
  expect((await notesOf('write-back')).map(({ size }) => size)).toEqual([25, 5]);
});

test('ends a batch before it is larger than an invocation may be', async () => {
  for (let id = 0; id < 8; id += 1) await send('WriteBack/Changes', 'x'.repeat(900_000));
  await system.drained({ flushWindows: true });

  expect((await notesOf('write-back')).map(({ size }) => size)).toEqual([6, 2]); // 6 MiB hold six of them.
});

test('takes the window of the changes lane from the options', async () => {
  await system.stop();
  system = await startLocalSystem({ ...options(assembly.directory), writeBackWindowSeconds: 1 });
  sqs = new SQSClient({ ...local, endpoint: system.sqsUrl });
  const startedMs = Date.now();
  await send('WriteBack/Changes', {}, {});
  await pause(300);
  await send('WriteBack/Changes', {});
  await system.drained();

  expect(await notesOf('write-back')).toEqual([expect.objectContaining({ size: 3 })]);
  expect(Date.now() - startedMs).toBeGreaterThan(1000);
});

test('is not drained while a message is delayed by seconds, and does not wait for one delayed by minutes', async () => {
  await sendLate({ id: 'soon' }, 1);
  await sendLate({ id: 'later' }, 900);
  await system.drained();

  const bodies = (await notesOf('scorer')).flatMap(({ body }) => body ?? []);
  expect(bodies).toEqual(['{"id":"soon"}']);
});

test('lets time pass to what is delayed by minutes, and to what failed, without waiting for it', async () => {
  const startedMs = Date.now();
  await sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: queueUrl('Scorer/Events'),
      Attributes: { VisibilityTimeout: '120' },
    }),
  );
  await sendLate({ id: 'later' }, 900);
  await sendLate({ id: 'bad', fail: true }, 600);
  const passed = await system.passTime({ mostMs: 3_600_000, mostWallMs: 60_000 });

  expect(passed).toMatchObject({ left: 0, moves: 4 }); // To 600, 720, 840 and 900 seconds.
  expect(passed.movedMs).toBeGreaterThan(890_000);
  expect(system.now() - Date.now()).toBeCloseTo(passed.movedMs, -2);
  expect(Date.now() - startedMs).toBeLessThan(60_000);
  const bodies = (await notesOf('scorer')).flatMap(({ body }) => body ?? []);
  expect(bodies.at(-1)).toBe('{"id":"later"}');
  expect(bodies.slice(0, -1)).toEqual(['{"id":"bad","fail":true}', '{"id":"bad","fail":true}']);
  expect(await system.deadLetters()).toHaveLength(1);
});

test('lets windows last as long as they do, by the moved clock', async () => {
  const startedMs = Date.now();
  await send('WriteBack/Changes', { id: 1 });
  const passed = await system.passTime({ mostMs: 300_000, mostWallMs: 60_000, keepWindows: true });

  const [note] = await notesOf('write-back');
  expect(note).toMatchObject({ size: 1 });
  expect(Number(note?.['nowMs']) - startedMs).toBeGreaterThanOrEqual(60_000); // The window of the template.
  expect(passed.movedMs).toBeGreaterThan(55_000);
  expect(passed.movedMs).toBeLessThanOrEqual(60_000);
  expect(Date.now() - startedMs).toBeLessThan(30_000);
});

test('leaves what a window holds that ends later than time may pass', async () => {
  await send('WriteBack/Changes', { id: 1 });
  const passed = await system.passTime({ mostMs: 30_000, mostWallMs: 60_000, keepWindows: true });

  expect(passed).toEqual({ movedMs: 0, moves: 0, left: 1 });
  expect(await notesOf('write-back')).toEqual([]);
});

test('collects what CloudWatch would hold, by the moved clock', async () => {
  await system.stop();
  system = await startLocalSystem({
    ...options(assembly.directory),
    collectMetrics: true,
    recordCalls: true,
  });
  sqs = new SQSClient({ ...local, endpoint: system.sqsUrl });
  const dayMs = 86_400_000;
  system.setClock(dayMs);
  await post('/webhooks/hubspot', JSON.stringify({ put: 'contact' }));
  await post('/nowhere', '{}');
  await system.drained();
  await system.invoke('nightly', { print: EMBEDDED });
  await send('WriteBack/Changes', {});
  await pause(100);
  system.setClock(dayMs + 90_000);
  await system.metrics().look();

  const samples = system.metrics().samples();
  const valuesOf = (name: string, dimension: string) =>
    samples
      .filter((sample) => sample.name === name && Object.values(sample.dimensions).includes(dimension))
      .map(({ value }) => value);
  expect(valuesOf('Count', 'local')).toEqual([1, 1]);
  expect(valuesOf('4xx', 'local')).toEqual([0, 1]);
  const scored = system.invocations().filter(({ door }) => door === 'scorer');
  expect(valuesOf('Invocations', 'Scorer')).toEqual(scored.map(() => 1)); // On a slow machine the first may come too late.
  const duration = valuesOf('Duration', 'Scorer').at(-1);
  expect(duration).toBeGreaterThan(0);
  expect(duration).toBeLessThan(1000); // Its time-out.
  expect(valuesOf('ConsumedWriteCapacityUnits', 'Contacts')[0]).toBe(1);
  expect(valuesOf('NightlyFinished', 'nightly')).toEqual([1]);
  expect(valuesOf('IncomingBytes', '/aws/lambda/Nightly')).toEqual([EMBEDDED.length + 1]);
  expect(valuesOf('ApproximateAgeOfOldestMessage', 'Changes').at(-1)).toBeGreaterThanOrEqual(90);
  expect(valuesOf('ApproximateAgeOfOldestMessage', 'Changes').at(-1)).toBeLessThan(100);
  expect(Math.min(...samples.slice(1).map(({ atMs }) => atMs))).toBeGreaterThan(Date.now() + dayMs / 2);
});

test('collects nothing that it was not asked for', () => {
  expect(() => system.metrics()).toThrow('start with collectMetrics');
});

test('lets time pass only as far as told', async () => {
  await sendLate({ id: 'later' }, 900);

  const passed = await system.passTime({ mostMs: 600_000, mostWallMs: 60_000 });

  expect(passed).toEqual({ movedMs: 0, moves: 0, left: 1 });
  expect(await notesOf('scorer')).toEqual([]);
});

test('takes the size of a batch of the changes lane from the options', async () => {
  await system.stop();
  system = await startLocalSystem({ ...options(assembly.directory), writeBackBatchSize: 2 });
  sqs = new SQSClient({ ...local, endpoint: system.sqsUrl });
  await send('WriteBack/Changes', {}, {}, {});
  await system.drained({ flushWindows: true });

  expect((await notesOf('write-back')).map(({ size }) => size)).toEqual([2, 1]);
});

test('moves the clock of every function but ingest', async () => {
  const dayMs = 86_400_000;
  await system.invoke('nightly', {});
  system.setClock(dayMs);
  const moved = await system.invoke('nightly', {});
  const { event } = await echo('context');

  const nowMs = Date.now();
  expect(moved).toEqual({ nowMs: expect.closeTo(nowMs + dayMs, -4) });
  expect(event['nowMs']).toEqual(expect.closeTo(nowMs, -4));
  expect(system.now()).toEqual(expect.closeTo(nowMs + dayMs, -4));
  const [before, after] = await notesOf('nightly');
  expect(before).toMatchObject({ nowMs: expect.closeTo(nowMs, -4) });
  expect(after).toMatchObject({ newMs: expect.closeTo(nowMs + dayMs, -4), fixed: 5, isDate: true });
  expect(after?.['variables']).not.toContain('AFTERGLOW_LOCAL_CLOCK');
  expect(Date.parse(String(after?.['text']))).toEqual(expect.closeTo(nowMs + dayMs, -4));
});

test('runs the nightly job when its time comes by itself, and once', async () => {
  const dueMs = occurrenceAfter(
    { expression: 'cron(0 2 * * ? *)', timeZone: 'Europe/Berlin', functionArn: '', input: '' },
    Date.now(),
  );
  system.setClock(dueMs - Date.now() - 500);
  expect(await notesOf('nightly')).toEqual([]);
  await pause(3000);

  expect(await notesOf('nightly')).toEqual([expect.objectContaining({ event: { job: 'decay' } })]);
});

test('advancing finishes what is under way first, without waiting for windows', async () => {
  await send('Scorer/Events', { forward: true });
  await system.advanceClock(0);

  expect((await assembly.notes()).map(({ door, size }) => [door, size ?? 0])).toEqual([
    ['scorer', 1],
    ['scorer', 0],
    ['write-back', 1],
    ['nightly', 0],
  ]);
  await expect(system.advanceClock(-1)).rejects.toThrow('hours must be at least 0');
});

test('advances night by night, and at the end lets scores fade up to now', async () => {
  const startMs = system.now();
  const { now, nights } = await system.advanceClock(72);

  const notes = await notesOf('nightly');
  expect(nights).toBe(3);
  expect(notes.map(({ event }) => event)).toEqual([
    { job: 'decay' },
    { job: 'decay' },
    { job: 'decay' },
    { job: 'decay', upTo: 'now' },
  ]);
  const berlin = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/Berlin',
    timeStyle: 'short',
  });
  for (const { nowMs } of notes.slice(0, 3)) expect(berlin.format(Number(nowMs))).toBe('02:00');
  expect(Date.parse(now)).toEqual(expect.closeTo(startMs + 72 * 3_600_000, -4));
  expect(notes[3]?.['nowMs']).toEqual(expect.closeTo(startMs + 72 * 3_600_000, -4));
});

test('says why a function could not load, and tries afresh the next time', async () => {
  const index = path.join(assembly.directory, 'asset.nightly', 'index.js');
  await writeFile(index, "throw new RangeError('no model here');");
  await system.stop();
  system = await startLocalSystem(options(assembly.directory));

  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(system.invoke('nightly', {})).rejects.toThrow('RangeError: no model here');
  }

  expect(lines).toContain('nightly: RangeError: no model here');
});

test('writes what a function prints to its log', async () => {
  await post('/signals', 'throw');
  await system.stop();

  const log = await readFile(path.join(assembly.directory, 'logs', 'ingest.log'), 'utf8');
  expect(log).toContain('Error: on purpose');
});

test('starts nothing when the template asks for what it does not know', async () => {
  const file = path.join(assembly.directory, 'Test.template.json');
  const template = JSON.parse(await readFile(file, 'utf8'));
  template.Resources.Ingest.Properties.Environment.Variables.PUBLIC_URL = { 'Fn::ImportValue': 'other' };
  await writeFile(file, JSON.stringify(template));

  await expect(startLocalSystem(options(assembly.directory))).rejects.toThrow(
    'The local run does not resolve Fn::ImportValue',
  );
});

test('takes every process along when it is killed', async () => {
  const starter = path.join(import.meta.dirname, 'start-and-hang.ts');
  const parent = spawn(process.execPath, [starter, assembly.directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: assembly.directory }, // What it cannot remove any more goes with the fixture.
  });
  const [chunk] = await once(parent.stdout, 'data');
  const pids = v.parse(v.array(v.number()), JSON.parse(String(chunk)));
  expect(pids).toHaveLength(4);
  expect(pids.every(isAlive)).toBe(true);

  parent.kill('SIGKILL');

  const deadlineMs = Date.now() + 5000;
  while (pids.some(isAlive) && Date.now() < deadlineMs) await pause(50);
  expect(pids.filter(isAlive)).toEqual([]);
});

test('leaves no process and no port behind', async () => {
  await echo('{}');
  await system.invoke('nightly', {});
  const pids = await system.pids();
  expect(pids).toHaveLength(4);
  expect(pids.every(isAlive)).toBe(true);

  await system.stop();

  expect(pids.some(isAlive)).toBe(false);
  await expect(fetch(system.ingestUrl)).rejects.toThrow('fetch failed');
  await expect(fetch(system.dynamoDbUrl)).rejects.toThrow('fetch failed');
  await expect(fetch(system.sqsUrl)).rejects.toThrow('fetch failed');
});
