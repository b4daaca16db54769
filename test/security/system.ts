// Ingest, a queue that is as particular about its messages as SQS, and the scorer over a table engine: what a request comes to.
import {
  SendMessageBatchCommand,
  type SendMessageBatchCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, SQSRecord } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import * as v from 'valibot';
import { createScorer } from '../../lambdas/scorer.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { Sources } from '../../lambdas/scoring/sources.ts';
import { sendEnvelope } from '../../lambdas/store/events-queue.ts';
import { sendAll, sendLetters } from '../../lambdas/store/queues.ts';
import { recorded } from '../recorded.ts';
import type { Table } from '../store/table.ts';
import { door, NOW_MS } from './requests.ts';

/** What SQS takes in a message (API reference, SendMessage, read 2026-11). */
const ALLOWED = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
const LARGEST_BYTES = 1_048_576;

const rule = (id: string, from: object, points: number) => ({
  id,
  title: id,
  from,
  points,
  halfLifeDays: 'never',
});

/** A model with one rule of each kind that an entrance feeds, none fading: points say how often something counted. */
export function everyEntranceModel(): Model {
  const checked = checkModel(
    {
      name: 'every-entrance',
      range: { min: 0, max: 100_000 },
      fit: {
        rules: [{ id: 'role', title: 'Role', property: 'jobtitle', contains: ['head of it'], points: 1000 }],
      },
      engagement: {
        signals: [
          rule('pricing', { kind: 'text', property: 'hs_analytics_last_url', contains: ['/pricing'] }, 100),
          rule('webinar', { kind: 'signal', signal: 'webinar.attended' }, 10),
          rule('login', { kind: 'signal', signal: 'product.login' }, 1),
        ],
      },
      grades: { bands: [{ grade: 'A', from: 0 }] },
      attribution: { models: ['linear'] },
    },
    [],
    v.parse(Sources, {
      sources: [{ id: 'chatgpt', channel: 'ai', label: 'ChatGPT', hosts: ['chatgpt.com'] }],
    }),
  );
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

/** A queue of messages, refusing what SQS refuses. */
function particularQueue() {
  const bodies: string[] = [];
  const take = (body = '') => {
    if (!ALLOWED.test(body)) throw new Error('InvalidMessageContents');
    if (body === '' || Buffer.byteLength(body) > LARGEST_BYTES) throw new Error('InvalidParameterValue');
    bodies.push(body);
  };
  const client = new SQSClient({ region: 'local' });
  const mock = mockClient(client);
  mock.on(SendMessageCommand).callsFake(({ MessageBody }: SendMessageCommandInput) => {
    take(MessageBody);
    return {};
  });
  mock.on(SendMessageBatchCommand).callsFake(({ Entries = [] }: SendMessageBatchCommandInput) => {
    for (const { MessageBody } of Entries) take(MessageBody);
    return {};
  });
  return { bodies, client };
}

function recordOf(body: string, at: number): SQSRecord {
  return {
    messageId: `m${at}`,
    body,
    receiptHandle: '',
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(NOW_MS),
      SenderId: '',
      ApproximateFirstReceiveTimestamp: String(NOW_MS),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:local:1:events',
    awsRegion: 'local',
  };
}

const clock = () => NOW_MS;

/** @param table - fresh */
export function createSystem(table: Table) {
  const [events, letters, requests] = [particularQueue(), particularQueue(), particularQueue()];
  const errors: unknown[] = [];
  const logger = { info: () => {}, warn: () => {}, error: (...said: unknown[]) => void errors.push(said) };
  const ingest = door({
    env: { WORKFLOW_V2: 'true' },
    send: (envelope) => sendEnvelope(events.client, 'events', envelope),
  });
  const contacts = table.contacts({ clock });
  const ask = (messages: readonly object[]) => sendAll(requests.client, 'requests', messages);
  const scorer = createScorer({
    clock,
    model: everyEntranceModel(),
    portalId: '33',
    ownAppIds: [],
    timeZone: 'UTC',
    contacts,
    companies: table.companies({ clock }),
    deals: table.deals({ clock }),
    identityKey: { read: async () => ({ key: 'a key for tests' }), refresh: async () => false },
    writeBack: { changes: ask, background: ask },
    ...recorded(),
    noteArrivals: async () => {},
    ticks: ask,
    reject: (rejected) => sendLetters(letters.client, 'letters', rejected),
    logger,
  });
  return {
    /** The status that a request is answered with. */
    post: (event: APIGatewayProxyEventV2) => ingest.status(event),
    /** Scores all that was taken, ten messages at a time. @returns how many messages were not done with */
    async drain(): Promise<number> {
      let failed = 0;
      while (events.bodies.length > 0) {
        const Records = events.bodies.splice(0, 10).map(recordOf);
        failed += (await scorer({ Records })).batchItemFailures.length;
      }
      return failed;
    },
    /** Bodies of dead letters, read. */
    letters: () => letters.bodies.map((body): unknown => JSON.parse(body)),
    errors,
    contacts,
    head: (contactId: string) => table.row(`33#${contactId}`, '#head'),
    rows: async (contactId: string) => (await table.rows()).filter(({ pk }) => pk === `33#${contactId}`),
  };
}
