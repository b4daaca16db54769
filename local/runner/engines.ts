import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import * as v from 'valibot';
import type { QueuePlan, TablePlan } from './assembly.ts';
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

/** Starts dynalite on a free port of 127.0.0.1, tables in memory. */
export async function startTableEngine(): Promise<TableEngine> {
  const child = fork(path.join(import.meta.dirname, 'table-process.cjs'), {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The DynamoDB engine ended with ${code}`);
  });
  const [message] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => {}); // Stopping it is no error.
  const { port } = v.parse(v.object({ port: v.number() }), message);
  const url = `http://127.0.0.1:${port}`;
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
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Messages of one queue: counts, and bodies where they matter. */
interface QueueState {
  readonly visible: number;
  readonly inFlight: number;
  /** Instants (epoch ms) at which delayed messages become visible. */
  readonly delayedUntilMs: readonly number[];
}

/** SQS's stand-in, in this process. */
export interface QueueEngine {
  readonly url: string;
  readonly client: SQSClient;
  create(queue: QueuePlan): Promise<void>;
  /** State of every queue by name, all at the same instant. */
  states(): Promise<ReadonlyMap<string, QueueState>>;
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
const contentSchema = v.object({
  messages: v.object({
    ready: v.array(v.object({ body: v.string() })),
    delayed: v.array(v.object({ body: v.string(), delayUntil: v.optional(v.number(), 0) })),
    inflight: v.array(v.object({ message: v.object({ body: v.string() }) })),
  }),
});

/** Starts fauxqs on a free port of 127.0.0.1 (its own starter would listen on every interface). */
export async function startQueueEngine(): Promise<QueueEngine> {
  const app = buildApp({ logger: false, defaultRegion: LOCAL_REGION });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const client = new SQSClient({ endpoint: url, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  const content = async (name: string) => {
    const answer = await app.inject({ method: 'GET', url: `/_fauxqs/queues/${name}` });
    return v.parse(contentSchema, answer.json()).messages;
  };
  return {
    url,
    client,
    async create({ name, visibilitySeconds, retentionSeconds, delaySeconds, deadLetters }) {
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
    },
    async states() {
      const answer = await app.inject({ method: 'GET', url: '/_fauxqs/queues' });
      const counts = v.parse(countsSchema, answer.json());
      const states = counts.map(async (count): Promise<[string, QueueState]> => {
        const delayed = count.approximateDelayedCount > 0 ? (await content(count.name)).delayed : [];
        return [
          count.name,
          {
            visible: count.approximateMessageCount,
            inFlight: count.approximateInflightCount,
            delayedUntilMs: delayed.map(({ delayUntil }) => delayUntil),
          },
        ];
      });
      return new Map(await Promise.all(states));
    },
    async bodies(name) {
      const { ready, delayed, inflight } = await content(name);
      return [...ready, ...delayed, ...inflight.map(({ message }) => message)].map(({ body }) => body);
    },
    async stop() {
      client.destroy();
      await app.close();
    },
  };
}
