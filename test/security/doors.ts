// A portal and all doors as they are wired when deployed: the parts that their environments name, one table, the queues between them, the
// logger they log with. What leaves the process is stood in for: DynamoDB by an embedded engine, HubSpot by the simulator.
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, SQSRecord } from 'aws-lambda';
import { Webhook } from 'standardwebhooks';
import * as v from 'valibot';
import type { WriteBackEnv } from '../../lambdas/env.ts';
import { WebhookSecret } from '../../lambdas/events/authenticity.ts';
import type { Route } from '../../lambdas/events/envelope.ts';
import { createExplain } from '../../lambdas/explain.ts';
import { Budget } from '../../lambdas/hubspot/budget.ts';
import { provisionedProperties } from '../../lambdas/hubspot/outputs.ts';
import { provisionProperties } from '../../lambdas/hubspot/properties.ts';
import { transportOf } from '../../lambdas/hubspot/transport.ts';
import { createIngest } from '../../lambdas/ingest.ts';
import { doorLog } from '../../lambdas/log.ts';
import { measured } from '../../lambdas/measured.ts';
import { connectNightly } from '../../lambdas/nightly/connect.ts';
import { createNightly } from '../../lambdas/nightly.ts';
import type { Platform } from '../../lambdas/platform.ts';
import { createScorer, scorerParts } from '../../lambdas/scorer.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { ContactTable } from '../../lambdas/store/contact-table.ts';
import { sendEnvelope } from '../../lambdas/store/events-queue.ts';
import { secretOf } from '../../lambdas/store/secrets.ts';
import { createWriteBack, writeBackParts } from '../../lambdas/write-back.ts';
import { signV3 } from '../../local/hubspot/sign.ts';
import type { SimulatorOptions } from '../../local/hubspot/simulator.ts';
import { memoryStore, PLENTY_OF_CALLS } from '../hubspot/connection.ts';
import { listenForWebhooks, openPortal, type Portal } from '../local/hubspot/portal.ts';
import type { Client, Table } from '../store/table.ts';

export const ORIGIN = 'https://www.example.com';
const DOMAIN = 'abc123.execute-api.eu-west-1.amazonaws.com';
const VISIBILITY_SECONDS = 30;
/** More messages than any story has: a circle would never end. */
const MOST_MESSAGES = 3_000;

/** Every queue that a door reads. */
export const QUEUES = ['events', 'ticks', 'urgent', 'changes', 'background', 'nightly'] as const;
export type QueueName = (typeof QUEUES)[number];
type AnyQueue = QueueName | 'events-dead' | 'write-back-dead';

/** A message on its way. */
export interface Message {
  readonly queue: AnyQueue;
  readonly body: string;
  readonly atMs: number;
  readonly receives: number;
}

export interface Secrets {
  readonly clientSecret: string;
  readonly signalsSecret: string;
  readonly accessToken: string;
  readonly identityKey: string;
}

export const SECRETS: Secrets = {
  clientSecret: 'local-client-secret',
  signalsSecret: `whsec_${Buffer.from('a signing key of 24 bytes').toString('base64')}`,
  accessToken: 'local-access-token',
  identityKey: 'an identity key of this test',
};

export interface DoorsOptions {
  readonly table: Table;
  readonly model: Model;
  /** @default '33' */
  readonly portalId?: string;
  /** @default that of the table */
  readonly client?: Client;
  readonly secrets?: Secrets;
  readonly simulator?: SimulatorOptions;
  /** Told of every command to SQS before it is done; may throw in its place. */
  readonly onSend?: (queue: string, body: string) => void;
  /** Told of what a secret holds when it is read; may throw instead. */
  readonly onSecret?: (text: string) => void;
  /** What HubSpot is to tell of. */
  readonly subscriptions?: readonly string[];
}

export interface Doors {
  readonly portal: Portal;
  readonly portalId: string;
  /** Everything on its way to a door, in the order it was sent. */
  readonly waiting: Message[];
  /** Everything that was ever sent to a queue, dead letters too. */
  readonly sent: Message[];
  readonly ingest: ReturnType<typeof createIngest>;
  /** Asks why a contact's score is what it is. */
  readonly explain: (id: string, accept?: string) => ReturnType<ReturnType<typeof createExplain>>;
  /** Posts to a route as its caller would, signed. */
  readonly post: (route: Route, body: unknown, more?: Posted) => ReturnType<ReturnType<typeof createIngest>>;
  /** Has ingest take the webhooks that HubSpot sent since the last time. */
  readonly hear: () => Promise<void>;
  /** Puts a message on a queue. */
  readonly put: (queue: QueueName, body: string, delaySeconds?: number) => void;
  /** Gives a message to its door; what fails comes again later. @returns whether it was taken */
  readonly deliver: (message: Message) => Promise<boolean>;
  /** Lets all queues run empty, moving the clock where a message waits. */
  readonly settle: () => Promise<void>;
}

/** What a request has besides its body. */
export interface Posted {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  /** Of a signal. */
  readonly id?: string;
}

export async function openDoors(options: DoorsOptions): Promise<Doors> {
  const { table, model, portalId = '33', client = table.client, secrets = SECRETS } = options;
  const portal = await openProvisioned(portalId, secrets, model, options.simulator);
  const clock = () => portal.time.nowMs;
  const waiting: Message[] = [];
  const sent: Message[] = [];
  const put = (queue: AnyQueue, body: string, delaySeconds = 0, receives = 0): void => {
    const message = { queue, body, atMs: clock() + delaySeconds * 1000, receives };
    if (receives === 0) sent.push(message);
    if (isRead(queue)) waiting.push(message);
  };
  const sqs = queuesOf((queue, body, delaySeconds) => {
    options.onSend?.(queue, body);
    put(queue, body, delaySeconds);
  });
  const secretsManager = secretsOf(secrets, options.onSecret);
  const logger = doorLog();
  const platform: Platform = {
    ...measured(logger),
    clock,
    model,
    dynamoDb: client,
    sqs,
    secrets: secretsManager,
    logger,
  };
  const env = environmentOf(portalId, table.tableName, portal.url);
  const ingest = createIngest({
    clock,
    env: { PORTAL_ID: portalId, PUBLIC_URL: '', WORKFLOW_V2: 'false', SESSION_ORIGINS: ORIGIN },
    sources: model.sources,
    secret: secretOf(secretsManager, 'arn:webhook', WebhookSecret, clock),
    send: (envelope) => sendEnvelope(sqs, urlOf('events'), envelope),
    logger,
    count: platform.count,
  });
  const scorer = createScorer(scorerParts(env, platform));
  const writeBack = createWriteBack(writeBackParts(env, platform));
  const nightly = createNightly(connectNightly(env, platform));
  const explain = createExplain({
    clock,
    portalId,
    timeZone: 'UTC',
    model,
    contacts: new ContactTable({ client, tableName: table.tableName, portalId, factRetentionDays: 0, clock }),
    logger,
  });
  const readers: Record<QueueName, (event: { Records: SQSRecord[] }) => Promise<unknown>> = {
    events: scorer,
    ticks: scorer,
    urgent: writeBack,
    changes: writeBack,
    background: writeBack,
    nightly,
  };
  const webhooks = await listenForWebhooks();
  portal.setWebhooks({ targetUrl: webhooks.url, subscriptions: options.subscriptions ?? SUBSCRIPTIONS });
  let heard = 0;
  const doors: Doors = {
    portal,
    portalId,
    waiting,
    sent,
    explain: (id, accept = 'application/json') =>
      explain({
        ...requestOf('/sessions', '', {}, secrets, clock()),
        pathParameters: { id },
        headers: { accept },
      }),
    ingest: (event) => ingest(event).finally(platform.publish),
    post: (route, body, more = {}) =>
      doors.ingest(
        requestOf(route, typeof body === 'string' ? body : JSON.stringify(body), more, secrets, clock()),
      ),
    async hear() {
      await portal.settled();
      const news = webhooks.events().slice(heard);
      heard += news.length;
      if (news.length > 0) await doors.post('/webhooks/hubspot', news);
    },
    put,
    async deliver({ queue, body, receives }) {
      if (!isRead(queue)) throw new Error(`nobody reads ${queue}`);
      try {
        const answer = await readers[queue]({ Records: [recordOf(queue, body, receives + 1, clock())] });
        const { batchItemFailures = [] } = v.parse(Answer, answer);
        if (batchItemFailures.length === 0) return true;
      } catch (error) {
        // As Lambda does with what a handler throws.
        console.error(error);
      } finally {
        platform.publish();
      }
      put(queue, body, VISIBILITY_SECONDS, receives + 1);
      return false;
    },
    async settle() {
      for (let count = 0; count < MOST_MESSAGES; count++) {
        const first = waiting.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (first === undefined) return;
        waiting.splice(waiting.indexOf(first), 1);
        portal.time.nowMs = Math.max(portal.time.nowMs, first.atMs);
        await doors.deliver(first);
      }
      throw new Error('the queues never run empty');
    },
  };
  return doors;
}

/** A portal that has our properties; what is to go wrong there goes wrong from then on. */
async function openProvisioned(
  portalId: string,
  { accessToken, clientSecret }: Secrets,
  model: Model,
  { faults, onExchange, ...more }: SimulatorOptions = {},
): Promise<Portal> {
  let isReady = false;
  const portal = await openPortal({
    portalId: Number(portalId),
    accessToken,
    clientSecret,
    rateLimitPer10Seconds: 100_000,
    searchesPerSecond: 100_000, // Its clock stands still.
    ...more,
    ...(faults && { faults: (call) => (isReady ? faults(call) : undefined) }),
    // Held to HubSpot's specs elsewhere.
    onExchange: (exchange) => void (isReady && onExchange?.(exchange)),
  });
  const clock = () => portal.time.nowMs;
  const send = transportOf({
    budget: new Budget(memoryStore(), PLENTY_OF_CALLS, { clock, timeZone: () => 'UTC' }),
    readToken: async () => accessToken,
    clock,
    onAnswer: () => undefined,
  });
  await provisionProperties(portal.url, send, provisionedProperties(model), () => undefined);
  isReady = true;
  return portal;
}

const Answer = v.object({ batchItemFailures: v.optional(v.array(v.unknown())) });

function isRead(queue: AnyQueue): queue is QueueName {
  return QUEUES.some((name) => name === queue);
}

export const SUBSCRIPTIONS = [
  'contact.creation',
  'contact.deletion',
  'contact.restore',
  'contact.merge',
  'contact.privacyDeletion',
  'contact.propertyChange:jobtitle',
  'contact.propertyChange:email',
  'contact.propertyChange:hs_email_last_click_date',
  'contact.propertyChange:lifecyclestage',
  'contact.propertyChange:afterglow_visitor_id',
  'contact.associationChange',
  'company.propertyChange:numberofemployees',
  'deal.propertyChange:dealstage',
  'deal.creation',
  'deal.associationChange',
];

function urlOf(queue: AnyQueue): string {
  return `https://sqs.eu-west-1.amazonaws.com/000000000000/${queue}`;
}

function environmentOf(portalId: string, tableName: string, apiUrl: string) {
  const env = {
    PORTAL_ID: portalId,
    CONTACT_TABLE_NAME: tableName,
    IDENTITY_KEY_SECRET_ARN: 'arn:identity',
    TIME_ZONE: 'UTC',
    FACT_RETENTION_DAYS: '400',
    CHANGES_QUEUE_URL: urlOf('changes'),
    BACKGROUND_QUEUE_URL: urlOf('background'),
    TICKS_QUEUE_URL: urlOf('ticks'),
    URGENT_QUEUE_URL: urlOf('urgent'),
    WRITE_BACK_DEAD_LETTER_QUEUE_URL: urlOf('write-back-dead'),
    HUBSPOT_TOKEN_SECRET_ARN: 'arn:token',
    HUBSPOT_API_URL: apiUrl,
    HUBSPOT_LIMIT_PER_10_SECONDS: '100000',
    HUBSPOT_RESERVE_PER_10_SECONDS: '0',
    HUBSPOT_DAILY_LIMIT: '10000000',
    HUBSPOT_DAILY_RESERVE_PERCENT: '0',
    ID_PROPERTY: '',
    MOST_WRITES_PER_HOUR: '1000',
  } satisfies WriteBackEnv;
  return {
    ...env,
    EVENTS_DEAD_LETTER_QUEUE_URL: urlOf('events-dead'),
    OWN_APP_IDS: '',
    NIGHTLY_QUEUE_URL: urlOf('nightly'),
    RECONCILE_DAILY_PERCENT: '50',
  };
}

function queueOf(url = ''): AnyQueue {
  const name = url.split('/').at(-1) ?? '';
  return v.parse(v.picklist([...QUEUES, 'events-dead', 'write-back-dead']), name);
}

/** SQS, as far as the doors use it. */
function queuesOf(
  put: (queue: AnyQueue, body: string, delaySeconds?: number) => void,
): Pick<SQSClient, 'send'> {
  const send = async (command: unknown): Promise<object> => {
    if (command instanceof SendMessageCommand) {
      const { QueueUrl, MessageBody = '', DelaySeconds } = command.input;
      put(queueOf(QueueUrl), MessageBody, DelaySeconds);
      return {};
    }
    if (!(command instanceof SendMessageBatchCommand)) throw new Error('no door sends this');
    const { QueueUrl, Entries = [] } = command.input;
    for (const { MessageBody = '', DelaySeconds } of Entries)
      put(queueOf(QueueUrl), MessageBody, DelaySeconds);
    return {};
  };
  return { send: send as SQSClient['send'] };
}

function secretsOf(
  { clientSecret, signalsSecret, accessToken, identityKey }: Secrets,
  onSecret: DoorsOptions['onSecret'],
): Pick<SecretsManagerClient, 'send'> {
  const held: Record<string, object> = {
    'arn:webhook': { clientSecret, signalsSecret },
    'arn:token': { accessToken },
    'arn:identity': { key: identityKey },
  };
  const send = async ({ input }: { readonly input: { readonly SecretId?: string } }): Promise<object> => {
    const SecretString = JSON.stringify(held[input.SecretId ?? '']);
    onSecret?.(SecretString);
    return { SecretString };
  };
  return { send: send as SecretsManagerClient['send'] };
}

/** A request as API Gateway hands it over, signed as its route asks. */
export function requestOf(
  route: Route,
  body: string,
  { headers = {}, query = '', id = 'msg_1' }: Posted,
  { clientSecret, signalsSecret }: Secrets,
  nowMs: number,
): APIGatewayProxyEventV2 {
  const uri = `https://${DOMAIN}${route}${query === '' ? '' : `?${query}`}`;
  const timestamp = String(nowMs);
  const at = new Date();
  const signed: Record<Route, () => Record<string, string>> = {
    '/signals': () => ({
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(signalsSecret).sign(id, at, body),
    }),
    '/sessions': () => ({ origin: ORIGIN, 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' }),
    '/webhooks/hubspot': () => ({
      'x-hubspot-request-timestamp': timestamp,
      'x-hubspot-signature-v3': signV3({ method: 'POST', uri, body, secret: clientSecret, timestamp }),
    }),
    '/webhooks/workflow': () => signed['/webhooks/hubspot'](),
  };
  return {
    version: '2.0',
    routeKey: `POST ${route}`,
    rawPath: route,
    rawQueryString: query,
    headers: { ...signed[route](), ...headers },
    requestContext: {
      accountId: '000000000000',
      apiId: 'abc123',
      domainName: DOMAIN,
      domainPrefix: 'abc123',
      http: { method: 'POST', path: route, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: '' },
      requestId: 'r1',
      routeKey: `POST ${route}`,
      stage: '$default',
      time: '',
      timeEpoch: nowMs,
    },
    body,
    isBase64Encoded: false,
  };
}

function recordOf(queue: QueueName, body: string, receives: number, sentAtMs: number): SQSRecord {
  return {
    messageId: 'message-1',
    receiptHandle: '',
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAtMs),
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:eu-west-1:000000000000:${queue}`,
    awsRegion: 'eu-west-1',
  };
}
