import { createServer, type Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import {
  BatchGetCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { AwsClient } from 'aws4fetch';
import { closeNow, listenLocally } from '../../../local/runner/listen.ts';
import { createRecorder, type Recorder } from '../../../local/runner/recorder.ts';
import { createTable, ENGINES } from '../../store/table.ts';

const REGION = 'eu-central-1';
const QUEUE = 'https://sqs.eu-central-1.amazonaws.com/123456789012/Events';
const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:Key-a1b2c3';

/** An endpoint that answers everything the same way, and keeps what it was sent. */
interface Endpoint {
  readonly url: string;
  /** Bodies. */
  readonly received: string[];
  answer: { status: number; body: string };
}

let server: Server;
let endpoint: Endpoint;
let recorder: Recorder;

beforeEach(async () => {
  const received: Endpoint['received'] = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(Buffer.concat(chunks).toString());
      response.writeHead(endpoint.answer.status, { 'x-amzn-requestid': 'r-1' }).end(endpoint.answer.body);
    });
  });
  endpoint = {
    url: `http://127.0.0.1:${await listenLocally(server)}`,
    received,
    answer: { status: 200, body: '{}' },
  };
  recorder = createRecorder({
    doorOf: (key) => (key === 'stranger' ? undefined : key),
    account: '123456789012',
  });
});

afterEach(() => {
  recorder.stop();
  closeNow(server);
});

function signedBy(accessKeyId: string, url: string) {
  return {
    endpoint: url,
    region: REGION,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey: 'secret' },
  };
}

/** Sends something as the SDK does, and returns what was written down of it. */
async function recorded(send: (options: ReturnType<typeof signedBy>) => Promise<unknown>) {
  await send(signedBy('scorer', await recorder.before(endpoint.url))).catch(() => undefined);
  return recorder.calls;
}

const documents = (options: ReturnType<typeof signedBy>) =>
  DynamoDBDocumentClient.from(new DynamoDBClient(options));
const sqs = (options: ReturnType<typeof signedBy>) =>
  new SQSClient({ ...options, md5: false, useQueueUrlAsEndpoint: false });

const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/Contacts';
const Key = { pk: 'a', sk: 'b' };
const byKey = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': 'a' } };

type Ask = (client: DynamoDBDocumentClient) => Promise<unknown>;

const CALLS: readonly { action: string; resource: string; ask: Ask }[] = [
  {
    action: 'GetItem',
    resource: TABLE,
    ask: (client) => client.send(new GetCommand({ TableName: 'Contacts', Key })),
  },
  {
    action: 'PutItem',
    resource: TABLE,
    ask: (client) => client.send(new PutCommand({ TableName: 'Contacts', Item: Key })),
  },
  {
    action: 'UpdateItem',
    resource: TABLE,
    ask: (client) => client.send(new UpdateCommand({ TableName: 'Contacts', Key })),
  },
  {
    action: 'DeleteItem',
    resource: TABLE,
    ask: (client) => client.send(new DeleteCommand({ TableName: 'Contacts', Key })),
  },
  {
    action: 'Scan',
    resource: TABLE,
    ask: (client) => client.send(new ScanCommand({ TableName: 'Contacts' })),
  },
  {
    action: 'Query',
    resource: TABLE,
    ask: (client) => client.send(new QueryCommand({ TableName: 'Contacts', ...byKey })),
  },
  {
    action: 'Query',
    resource: `${TABLE}/index/due`,
    ask: (client) => client.send(new QueryCommand({ TableName: 'Contacts', IndexName: 'due', ...byKey })),
  },
  {
    action: 'BatchGetItem',
    resource: TABLE,
    ask: (client) => client.send(new BatchGetCommand({ RequestItems: { Contacts: { Keys: [Key] } } })),
  },
];

test.each(CALLS)(
  'names a call of DynamoDB as IAM does: $action of $resource',
  async ({ ask, action, resource }) => {
    const calls = await recorded((options) => ask(documents(options)));

    expect(calls).toMatchObject([{ door: 'scorer', action: `dynamodb:${action}`, resource, status: 200 }]);
  },
);

const EVENTS = 'arn:aws:sqs:eu-central-1:123456789012:Events';
const entry = (Id: string) => ({ Id, MessageBody: 'm', ReceiptHandle: 'h' });

const MESSAGES: readonly {
  action: string;
  entries: number | undefined;
  ask: (client: SQSClient) => Promise<unknown>;
}[] = [
  {
    action: 'sqs:SendMessage',
    entries: 1,
    ask: (client) => client.send(new SendMessageCommand({ QueueUrl: QUEUE, MessageBody: 'm' })),
  },
  {
    action: 'sqs:SendMessage',
    entries: 3,
    ask: (client) =>
      client.send(
        new SendMessageBatchCommand({ QueueUrl: QUEUE, Entries: [entry('1'), entry('2'), entry('3')] }),
      ),
  },
  {
    action: 'sqs:DeleteMessage',
    entries: 1,
    ask: (client) => client.send(new DeleteMessageBatchCommand({ QueueUrl: QUEUE, Entries: [entry('1')] })),
  },
  {
    action: 'sqs:ChangeMessageVisibility',
    entries: undefined,
    ask: (client) =>
      client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: QUEUE, ReceiptHandle: 'h', VisibilityTimeout: 1 }),
      ),
  },
];

test.each(MESSAGES)(
  'names a call of SQS as IAM does, which knows no batches: $action',
  async ({ ask, action, entries }) => {
    const calls = await recorded((options) => ask(sqs(options)));

    expect(calls).toMatchObject([{ door: 'scorer', resource: EVENTS, action }]);
    expect(calls.map((call) => call.entries)).toEqual([entries]);
  },
);

test('names the secret that was read', async () => {
  const calls = await recorded((options) =>
    new SecretsManagerClient(options).send(new GetSecretValueCommand({ SecretId: SECRET })),
  );

  expect(calls).toMatchObject([{ action: 'secretsmanager:GetSecretValue', resource: SECRET }]);
  expect(calls[0]).not.toHaveProperty('units');
});

test('names the object that was put, and no other request to a bucket', async () => {
  const root = await recorder.before(endpoint.url);
  const credentials = { accessKeyId: 'nightly', secretAccessKey: 'secret', service: 's3', region: REGION };
  const client = new AwsClient(credentials);
  await client.fetch(`${root}/reports/reports/2026-10.html`, { method: 'PUT', body: 'a page' });
  await client.fetch(`${root}/reports/reports/2026-10.html`, { method: 'DELETE' });
  await client.fetch(`${root}/reports?lifecycle`, { method: 'PUT', body: 'rules' });

  expect(recorder.calls).toMatchObject([
    { door: 'nightly', action: 's3:PutObject', resource: 'arn:aws:s3:::reports/reports/2026-10.html' },
    { action: 's3:unknown', resource: '*' },
    { action: 's3:unknown', resource: '*' },
  ]);
});

const UNNAMED: readonly { because: string; ask: Ask }[] = [
  {
    because: 'a transaction has the permissions of its parts',
    ask: (client) =>
      client.send(
        new TransactWriteCommand({ TransactItems: [{ Put: { TableName: 'Contacts', Item: Key } }] }),
      ),
  },
  {
    because: 'a batch may be about two tables',
    ask: (client) =>
      client.send(
        new BatchGetCommand({ RequestItems: { Contacts: { Keys: [Key] }, Others: { Keys: [Key] } } }),
      ),
  },
];

test.each(UNNAMED)('says so where it cannot name what was called: $because', async ({ ask }) => {
  const calls = await recorded((options) => ask(documents(options)));

  expect(calls).toMatchObject([{ action: 'dynamodb:unknown', resource: '*' }]);
});

test('passes the calls of anybody else on as they are, and writes nothing down', async () => {
  endpoint.answer.body = '{"Attributes":{"pk":{"S":"a"}}}';
  const client = documents(signedBy('stranger', await recorder.before(endpoint.url)));

  const { Attributes } = await client.send(new PutCommand({ TableName: 'Contacts', Item: Key }));

  expect(Attributes).toEqual({ pk: 'a' });
  expect(endpoint.received.map((body) => JSON.parse(body))).toEqual([
    { TableName: 'Contacts', Item: { pk: { S: 'a' }, sk: { S: 'b' } } },
  ]);
  expect(recorder.calls).toEqual([]);
});

test('asks DynamoDB what a call took, unless the function asks itself, and SQS nothing', async () => {
  const url = await recorder.before(endpoint.url);
  const client = documents(signedBy('scorer', url));
  await client.send(new GetCommand({ TableName: 'Contacts', Key }));
  await client.send(new GetCommand({ TableName: 'Contacts', Key, ReturnConsumedCapacity: 'TOTAL' }));
  await sqs(signedBy('scorer', url)).send(new SendMessageCommand({ QueueUrl: QUEUE, MessageBody: 'm' }));

  expect(endpoint.received.map((body) => JSON.parse(body).ReturnConsumedCapacity)).toEqual([
    'INDEXES',
    'TOTAL',
    undefined,
  ]);
});

test('passes a refusal on with its status and headers, and writes both sizes down', async () => {
  endpoint.answer = { status: 400, body: '{"__type":"com.amazonaws#ThrottlingException","message":"slow"}' };
  const client = documents(signedBy('scorer', await recorder.before(endpoint.url)));

  const refused = client.send(new GetCommand({ TableName: 'Contacts', Key }));

  await expect(refused).rejects.toMatchObject({
    name: 'ThrottlingException',
    $metadata: { httpStatusCode: 400, requestId: 'r-1' },
  });
  const asSent = '{"TableName":"Contacts","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}}';
  expect(recorder.calls).toMatchObject([
    {
      status: 400,
      requestBytes: asSent.length,
      responseBytes: endpoint.answer.body.length,
      units: { read: 0, write: 0, indexRead: 0, indexWrite: 0 },
    },
  ]);
});

test('seems as dead as the endpoint behind it', async () => {
  const client = documents(signedBy('scorer', await recorder.before(endpoint.url)));
  closeNow(server);

  await expect(client.send(new GetCommand({ TableName: 'Contacts', Key }))).rejects.toThrow(
    /hang up|ECONNRESET/,
  );
  expect(recorder.calls).toEqual([]);
});

test('keeps two hundred calls apart that come at once', async () => {
  const url = await recorder.before(endpoint.url);
  const [ingest, scorer] = [documents(signedBy('ingest', url)), documents(signedBy('scorer', url))];
  await Promise.all(
    Array.from({ length: 200 }, (_, at) =>
      (at % 2 === 0 ? ingest : scorer).send(new GetCommand({ TableName: `T${at}`, Key })),
    ),
  );

  const seen = recorder.calls.map(({ door, resource }) => `${door} ${resource.split('/')[1]}`);
  expect(seen.toSorted()).toEqual(
    Array.from({ length: 200 }, (_, at) => `${['ingest', 'scorer'][at % 2]} T${at}`).toSorted(),
  );
});

test('a large answer arrives whole', async () => {
  const text = 'ä'.repeat(300_000);
  endpoint.answer.body = JSON.stringify({ Item: { text: { S: text } } });
  const client = documents(signedBy('scorer', await recorder.before(endpoint.url)));

  const { Item } = await client.send(new GetCommand({ TableName: 'Contacts', Key }));
  await pause(0);

  expect(Item).toEqual({ text });
  expect(recorder.calls.map(({ responseBytes }) => responseBytes)).toEqual([
    Buffer.byteLength(endpoint.answer.body),
  ]);
});

/** Keys, names and values to exactly so many bytes, in UTF-8: `pk`, `sk` and their values are 6, `x` 1. */
const rowOf = (bytes: number, letter = 'w') => ({
  ...Key,
  x: letter.repeat((bytes - 7) / Buffer.byteLength(letter)),
});

const put =
  (TableName: string, Item: Record<string, unknown>, ConditionExpression?: string): Ask =>
  (client) =>
    client.send(new PutCommand({ TableName, Item, ...(ConditionExpression && { ConditionExpression }) }));

// From "DynamoDB read and write operations" and "Global secondary indexes: write capacity units" of the developer guide.
describe.each(ENGINES)('what $name says that a call took', ({ name, start }) => {
  let engine: Awaited<ReturnType<typeof start>>;
  /** dynalite tells less than DynamoDB: who counts units of indexes needs the other engine. */
  const isExact = name === 'dynoxide';

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());

  /** Sends one call after the other, in a table of its own. */
  async function unitsOf(ask: (TableName: string) => readonly Ask[]) {
    const { tableName } = await createTable(engine);
    const client = documents(signedBy('scorer', await recorder.before(engine.url)));
    for (const each of ask(tableName)) await each(client).catch(() => undefined);
    return recorder.calls.map(({ units }) => units);
  }

  test('a write takes a unit for each KB begun of the larger row, before or after', async () => {
    const units = await unitsOf((table) => [
      put(table, rowOf(1024)),
      put(table, rowOf(1025)),
      put(table, rowOf(100)),
      put(table, rowOf(100)),
    ]);

    expect(units.map((each) => each?.write)).toEqual([1, 2, 2, 1]);
    expect(units.map((each) => each?.read)).toEqual([0, 0, 0, 0]);
  });

  test('a failed condition takes one unit, though the answer does not tell', async () => {
    const units = await unitsOf((table) => [put(table, Key), put(table, Key, 'attribute_not_exists(pk)')]);

    expect(units[1]).toEqual({ read: 0, write: 1, indexRead: 0, indexWrite: 0 });
  });

  test('a read takes a unit for each 4 KB begun, half of it where it need not be the newest, row by row', async () => {
    const nobody = { pk: 'no', sk: 'body' };
    const units = await unitsOf((TableName) => [
      put(TableName, rowOf(4097)),
      (client) => client.send(new GetCommand({ TableName, Key, ConsistentRead: true })),
      (client) => client.send(new GetCommand({ TableName, Key })),
      (client) =>
        client.send(
          new BatchGetCommand({
            RequestItems: { [TableName]: { Keys: [Key, nobody], ConsistentRead: true } },
          }),
        ),
    ]);

    expect(units.slice(1).map((each) => each?.read)).toEqual([2, 1, 3]);
  });

  test('a query of an index takes its units from the index', async () => {
    const units = await unitsOf((TableName) => [
      put(TableName, { ...Key, due: 'night' }),
      (client) =>
        client.send(
          new QueryCommand({
            TableName,
            IndexName: 'due',
            KeyConditionExpression: 'due = :due',
            ExpressionAttributeValues: { ':due': 'night' },
          }),
        ),
    ]);

    expect(units[1]).toEqual({ read: 0, write: 0, indexRead: 0.5, indexWrite: 0 });
  });

  test(`a key that comes into an index or goes takes a unit, one that moves two${isExact ? '' : ': not told'}`, async () => {
    const units = await unitsOf((table) => [
      put(table, Key),
      put(table, { ...Key, due: 'a' }),
      put(table, { ...Key, due: 'a', other: 1 }),
      put(table, { ...Key, due: 'b' }),
      put(table, Key),
    ]);

    expect(units.map((each) => each?.indexWrite)).toEqual(isExact ? [0, 1, 0, 2, 1] : [0, 0, 0, 0, 0]);
    expect(units.map((each) => each?.write)).toEqual([1, 1, 1, 1, 1]);
  });

  test(`text counts in UTF-8, and a query that finds nothing is a read${isExact ? '' : ': not told'}`, async () => {
    const units = await unitsOf((TableName) => [
      put(TableName, rowOf(1027, '価')),
      (client) =>
        client.send(
          new QueryCommand({
            TableName,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': 'nobody' },
            ConsistentRead: true,
          }),
        ),
    ]);

    expect([units[0]?.write, units[1]?.read]).toEqual(isExact ? [2, 1] : [1, 0]);
  });
});
