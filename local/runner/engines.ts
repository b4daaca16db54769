import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import type { BucketPlan, QueuePlan, TablePlan } from './assembly.ts';
import type { MovedClock } from './clock.ts';
import { LOCAL_REGION } from './template.ts';

/** Accepted by both engines, and by nothing else. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local', sessionToken: 'local' };

/** DynamoDB's stand-in, in a process of its own. */
export interface TableEngine {
  readonly url: string;
  readonly pid: number | undefined;
  create(table: TablePlan): Promise<void>;
  stop(): Promise<void>;
}

function keySchema(keys: TablePlan['keys']) {
  return keys.map(({ name, type }) => ({ AttributeName: name, KeyType: type }));
}

/** Starts a file of this folder in a process of its own; it says first where it listens. */
async function startEngine<T>(
  what: string,
  file: string,
  listening: v.GenericSchema<unknown, T>,
  { preloads = [], args = [], environment = {} }: EngineParts = {},
): Promise<{ child: ChildProcess; address: T }> {
  const child = fork(path.join(import.meta.dirname, file), args, {
    execArgv: preloads.flatMap((preload) => ['--require', preload]),
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The ${what} engine ended with ${code}`);
  });
  const [message] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => {}); // Stopping it is no error.
  return { child, address: v.parse(listening, message) };
}

interface EngineParts {
  readonly preloads?: readonly string[];
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Starts dynalite on a free port of 127.0.0.1, tables in memory. */
export async function startTableEngine(): Promise<TableEngine> {
  const { child, address } = await startEngine(
    'DynamoDB',
    'table-process.cjs',
    v.object({ port: v.number() }),
  );
  return tableEngine(`http://127.0.0.1:${address.port}`, child);
}

/** @param child - the process that listens at `url`, which ends with the engine */
export function tableEngine(url: string, child: ChildProcess): TableEngine {
  const client = new DynamoDBClient({ endpoint: url, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  return {
    url,
    pid: child.pid,
    async create({ name, attributes, keys, indexes }) {
      await client.send(
        new CreateTableCommand({
          TableName: name,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: attributes.map((attribute) => ({
            AttributeName: attribute.name,
            AttributeType: attribute.type,
          })),
          KeySchema: keySchema(keys),
          ...(indexes.length > 0 && {
            GlobalSecondaryIndexes: indexes.map((index) => ({
              IndexName: index.name,
              KeySchema: keySchema(index.keys),
              Projection: {
                ProjectionType: index.projection,
                ...(index.projected.length > 0 && { NonKeyAttributes: [...index.projected] }),
              },
            })),
          }),
        }),
      );
    },
    async stop() {
      client.destroy();
      await endProcess(child);
    },
  };
}

/** A message that was received and is not deleted yet. */
interface InFlight {
  readonly receiptHandle: string;
  /** When it becomes visible again, epoch milliseconds of the engine's clock. */
  readonly untilMs: number;
}

/** Messages of one queue: counts, and instants where they matter. */
interface QueueState {
  readonly visible: number;
  readonly inFlight: number;
  /** Those in flight, where they were asked for. */
  readonly received: readonly InFlight[];
  /** Instants (epoch ms of the engine's clock) at which delayed messages become visible. */
  readonly delayedUntilMs: readonly number[];
}

/** What CloudWatch would hold of a queue. */
interface QueueGauges {
  readonly visible: number;
  /** When the oldest message was sent that is not deleted, epoch milliseconds of the engine's clock; undefined when there is none. */
  readonly oldestSentMs: number | undefined;
}

/** SQS's stand-in, and S3's at the same address, in a process of its own, on the moved clock. */
export interface QueueEngine {
  readonly url: string;
  readonly pid: number | undefined;
  readonly client: SQSClient;
  create(queue: QueuePlan): Promise<void>;
  createBucket(bucket: BucketPlan): Promise<void>;
  /**
   * State of every queue by name, the counts all at the same instant.
   *
   * @param withReceived - also tell the messages in flight one by one, which costs more the more there are
   */
  states(withReceived?: boolean): Promise<ReadonlyMap<string, QueueState>>;
  /** How full every queue is and how old its oldest message, by name. */
  gauges(): Promise<ReadonlyMap<string, QueueGauges>>;
  /** Bodies of all messages of a queue; nothing is received by looking. */
  bodies(name: string): Promise<string[]>;
  stop(): Promise<void>;
}

const countsSchema = v.array(
  v.object({
    name: v.string(),
    approximateMessageCount: v.number(),
    approximateInflightCount: v.number(),
    approximateDelayedCount: v.number(),
  }),
);
const message = { body: v.string(), sentTimestamp: v.number() };
const contentSchema = v.object({
  messages: v.object({
    ready: v.array(v.object(message)),
    delayed: v.array(v.object({ ...message, delayUntil: v.optional(v.number(), 0) })),
    inflight: v.array(
      v.object({
        message: v.object(message),
        receiptHandle: v.string(),
        visibilityDeadline: v.number(),
      }),
    ),
  }),
});

/**
 * Starts fauxqs on a free port of 127.0.0.1.
 *
 * @param clock - by which messages are delayed and become visible again @default wall time
 */
export async function startQueueEngine(
  clock?: Pick<MovedClock, 'preload' | 'environment'>,
): Promise<QueueEngine> {
  const { child, address } = await startEngine('SQS', 'queue-process.cjs', v.object({ url: v.string() }), {
    args: [LOCAL_REGION],
    ...(clock !== undefined && { preloads: [clock.preload], environment: clock.environment }),
  });
  const { url } = address;
  const client = new SQSClient({ endpoint: url, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  return {
    url,
    pid: child.pid,
    client,
    create: (queue) => createQueue(client, queue),
    createBucket: (bucket) => createBucket(url, bucket),
    states: (withReceived = false) => readStates(url, withReceived),
    gauges: () => readGauges(url),
    bodies: async (name) => (await messagesOf(url, name)).map(({ body }) => body),
    async stop() {
      client.destroy();
      await endProcess(child);
    },
  };
}

async function createQueue(
  client: SQSClient,
  { name, visibilitySeconds, retentionSeconds, delaySeconds, deadLetters }: QueuePlan,
): Promise<void> {
  await client.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: {
        VisibilityTimeout: String(visibilitySeconds),
        MessageRetentionPeriod: String(retentionSeconds),
        DelaySeconds: String(delaySeconds),
        ...(deadLetters && {
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: deadLetters.arn,
            maxReceiveCount: deadLetters.maxReceiveCount,
          }),
        }),
      },
    }),
  );
}

async function createBucket(url: string, { name }: BucketPlan): Promise<void> {
  const { ok, status } = await fetch(`${url}/${name}`, { method: 'PUT' });
  if (!ok) throw new Error(`The SQS engine answered ${status} to the bucket ${name}`);
}

async function readStates(url: string, withReceived: boolean): Promise<ReadonlyMap<string, QueueState>> {
  const states = (await readCounts(url)).map(async (count): Promise<[string, QueueState]> => {
    const isWanted =
      count.approximateDelayedCount > 0 || (withReceived && count.approximateInflightCount > 0);
    const { delayed = [], inflight = [] } = isWanted ? await contentOf(url, count.name) : {};
    return [
      count.name,
      {
        visible: count.approximateMessageCount,
        inFlight: count.approximateInflightCount,
        received: inflight.map(({ receiptHandle, visibilityDeadline: untilMs }) => ({
          receiptHandle,
          untilMs,
        })),
        delayedUntilMs: delayed.map(({ delayUntil }) => delayUntil),
      },
    ];
  });
  return new Map(await Promise.all(states));
}

async function readGauges(url: string): Promise<ReadonlyMap<string, QueueGauges>> {
  const gauges = (await readCounts(url)).map(async (count): Promise<[string, QueueGauges]> => {
    const { approximateMessageCount: visible } = count;
    const isEmpty = visible + count.approximateInflightCount + count.approximateDelayedCount === 0;
    const sentMs = isEmpty
      ? []
      : (await messagesOf(url, count.name)).map(({ sentTimestamp }) => sentTimestamp);
    return [count.name, { visible, oldestSentMs: sentMs.length === 0 ? undefined : Math.min(...sentMs) }];
  });
  return new Map(await Promise.all(gauges));
}

async function readCounts(url: string) {
  const answer = await fetch(`${url}/_fauxqs/queues`);
  return v.parse(countsSchema, await answer.json());
}

/** All messages of a queue, whatever state they are in. */
async function messagesOf(url: string, name: string) {
  const { ready, delayed, inflight } = await contentOf(url, name);
  return [...ready, ...delayed, ...inflight.map(({ message: received }) => received)];
}

/** What stands in a queue, message by message. */
async function contentOf(url: string, name: string) {
  const answer = await fetch(`${url}/_fauxqs/queues/${name}`);
  return v.parse(contentSchema, await answer.json()).messages;
}
