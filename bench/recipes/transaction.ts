// How teams make an event count once when they keep a score instead of facts: marker and score in one transaction.
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { chunks } from '../../lambdas/chunks.ts';

const SECONDS_PER_DAY = 86_400;
/** Days a marker is kept, as long as ours keeps a fact. */
const MARKER_DAYS = 400;
const MESSAGES_PER_SEND = 10;

/** An event, as far as it matters here. */
export interface CountedEvent {
  readonly eventId: string;
  readonly contactId: string;
  readonly points: number;
  /** Night at which the contact is to fade, in the index. */
  readonly due: string;
  readonly occurredAtMs: number;
}

export interface TransactionTask {
  readonly tables: Pick<DynamoDBDocumentClient, 'send'>;
  readonly queues: Pick<SQSClient, 'send'>;
  readonly tableName: string;
  /** Where the contacts go that are to be written to HubSpot. */
  readonly queueUrl: string;
  /** Of one message: what one invocation is given. */
  readonly events: readonly CountedEvent[];
}

/** Capacity units that DynamoDB says it took. */
export interface TakenUnits {
  readonly table: number;
  readonly index: number;
}

export const transaction = {
  name: 'transaction',
  source:
    'AWS, "Amazon DynamoDB Transactions: How it works" (idempotency) and "Managing complex workflows": TransactWriteItems of a marker of the event, on condition that there is none, and of the contact\'s score, raised; one invocation for each message, all its events at once',
  doesNot: [
    'keep what happened: no reasons, no other model, no merging of contacts',
    'fade: points stay until something takes them away, though it pays for an index of nights',
    'deliver late or out of order to the same result where a rule depends on what was before',
    'read anything: caps, grades and exclusions would need it',
    'know what HubSpot confirmed',
  ],
} as const;

/** @returns the units of all transactions; what was counted before is left alone and costs as much */
export async function countByTransaction(task: TransactionTask): Promise<TakenUnits> {
  const { tableName, queueUrl, events } = task;
  const taken = await Promise.all(events.map((event) => countOne(event, task)));
  const contacts = [...new Set(events.map(({ contactId }) => contactId))];
  for (const some of chunks(contacts, MESSAGES_PER_SEND)) {
    const Entries = some.map((contactId, at) => ({
      Id: String(at),
      MessageBody: JSON.stringify({ contactId, tableName }),
    }));
    await task.queues.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
  return {
    table: taken.reduce((sum, { table }) => sum + table, 0),
    index: taken.reduce((sum, { index }) => sum + index, 0),
  };
}

async function countOne(
  { eventId, contactId, points, due, occurredAtMs }: CountedEvent,
  { tables, tableName }: TransactionTask,
): Promise<TakenUnits> {
  const { ConsumedCapacity = [] } = await tables.send(
    new TransactWriteCommand({
      ReturnConsumedCapacity: 'INDEXES',
      TransactItems: [
        {
          Put: {
            TableName: tableName,
            Item: {
              pk: `event#${eventId}`,
              sk: '#',
              expiresAt: Math.floor(occurredAtMs / 1000) + MARKER_DAYS * SECONDS_PER_DAY,
            },
            ConditionExpression: 'attribute_not_exists(pk)',
          },
        },
        {
          Update: {
            TableName: tableName,
            Key: { pk: `contact#${contactId}`, sk: '#' },
            UpdateExpression: 'SET due = :due, lastAt = :at ADD score :points, events :one',
            ExpressionAttributeValues: { ':due': due, ':at': occurredAtMs, ':points': points, ':one': 1 },
          },
        },
      ],
    }),
  );
  const [consumed] = ConsumedCapacity;
  const ofIndexes = Object.values(consumed?.GlobalSecondaryIndexes ?? {});
  return {
    table: consumed?.Table?.CapacityUnits ?? 0,
    index: ofIndexes.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0),
  };
}
