// The same requests by two other designs, against the same engines.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Envelope } from '../../lambdas/events/envelope.ts';
import { LOCAL_CREDENTIALS } from '../../local/runner/engines.ts';
import { LOCAL_REGION } from '../../local/runner/template.ts';
import { countByTransaction } from '../recipes/transaction.ts';
import { type Billed, total, type Usage, usageOfInvocations, usageOfLogs, usageOfPollers } from './bill.ts';
import { type MeasuredSystem, PORTAL_ID } from './measured.ts';
import { type Change, eventsOf } from './portal.ts';
import type { Scenario } from './scenarios.ts';
import { startDynoxide } from './tables.ts';

/** As our scorer has. */
const MEMORY_MEGABYTES = 1024;
const WARM_UP_REQUESTS = 3;
const ENTRIES_PER_SEND = 10;
const TABLE = 'scores';

/** What the scoring stage of the transaction design took, for all requests. */
export interface TransactionFigures {
  readonly usage: Usage;
  readonly tableUnits: number;
  readonly indexUnits: number;
  readonly milliseconds: readonly number[];
}

/** @param requests - each is one message, and one invocation */
export async function runTransactions(
  requests: readonly (readonly Change[])[],
  night: Scenario['night'],
  sqsUrl: string,
): Promise<TransactionFigures> {
  const engine = await startDynoxide();
  const place = { region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
  const bare = new DynamoDBClient({ endpoint: engine.url, ...place });
  const queues = new SQSClient({ endpoint: sqsUrl, ...place });
  try {
    await engine.create({
      name: TABLE,
      attributes: ['pk', 'sk', 'due'].map((name) => ({ name, type: 'S' })),
      keys: [
        { name: 'pk', type: 'HASH' },
        { name: 'sk', type: 'RANGE' },
      ],
      indexes: [
        {
          name: 'due',
          keys: [
            { name: 'due', type: 'HASH' },
            { name: 'pk', type: 'RANGE' },
          ],
          projection: 'KEYS_ONLY',
          projected: [],
        },
      ],
    });
    const { QueueUrl: queueUrl = '' } = await queues.send(
      new CreateQueueCommand({ QueueName: `transactions-${night}` }),
    );
    const tables = DynamoDBDocumentClient.from(bare);
    const run = async (changes: readonly Change[], due: string, round: string) => {
      const beganMs = performance.now();
      const taken = await countByTransaction({
        tables,
        queues,
        tableName: TABLE,
        queueUrl,
        events: changes.map(({ contactId, property, occurredAtMs }) => ({
          eventId: `${round}-${contactId}-${property}`,
          contactId,
          points: 5,
          due,
          occurredAtMs,
        })),
      });
      return { ...taken, milliseconds: performance.now() - beganMs, changes };
    };
    // Everybody has a score already, and is in the index.
    for (const changes of requests) await run(changes, 'night 1', 'before');
    const due = night === 'stays' ? 'night 1' : 'night 2';
    for (const changes of requests.slice(0, WARM_UP_REQUESTS)) await run(changes, 'night 1', 'warm-up');
    const ran: Awaited<ReturnType<typeof run>>[] = [];
    for (const changes of requests) ran.push(await run(changes, due, 'counted'));
    const invocations: Billed[] = ran.map(({ milliseconds }) => ({
      milliseconds,
      memoryMegabytes: MEMORY_MEGABYTES,
      records: 1,
    }));
    const tableUnits = ran.reduce((sum, { table }) => sum + table, 0);
    const indexUnits = ran.reduce((sum, { index }) => sum + index, 0);
    const sends = ran.map(({ changes }) =>
      Math.ceil(new Set(changes.map(({ contactId }) => contactId)).size / ENTRIES_PER_SEND),
    );
    return {
      usage: total([
        usageOfInvocations(invocations),
        usageOfPollers(invocations),
        usageOfLogs({ bytes: 0, lines: 0 }, invocations.length), // It says nothing.
        { dynamoDbWrite: tableUnits + indexUnits, sqsRequest: sends.reduce((sum, each) => sum + each, 0) },
      ]),
      tableUnits,
      indexUnits,
      milliseconds: ran.map(({ milliseconds }) => milliseconds),
    };
  } finally {
    bare.destroy();
    queues.destroy();
    await engine.stop();
  }
}

/** Puts each event of a request on the queue by itself, ten to a call, and waits until the scorer has done with one after the other. */
export async function deliverSingly(measured: MeasuredSystem, request: readonly Change[]): Promise<void> {
  const { system, invoked, invocationsOf } = measured;
  const QueueUrl = system.queueUrls['Scorer/Events'];
  const client = new SQSClient({
    endpoint: system.sqsUrl,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  try {
    for (const [at, change] of request.entries()) {
      const envelope: Envelope = {
        portalId: PORTAL_ID,
        route: '/webhooks/hubspot',
        receivedAtMs: Date.now(),
        body: Buffer.from(JSON.stringify(eventsOf(PORTAL_ID, [change], measured.nextEventId()))).toString(
          'base64',
        ),
      };
      const before = invocationsOf('scorer');
      const Entries = [{ Id: String(at), MessageBody: JSON.stringify(envelope) }];
      await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      await invoked('scorer', before + 1);
    }
  } finally {
    client.destroy();
  }
}
