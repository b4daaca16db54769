import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { isbot } from 'isbot';
import { deployedModel } from './deployed-model.ts';
import type { IngestEnv, MetricName } from './env.ts';
import { MisconfiguredError } from './errors.ts';
import { isAuthentic, WebhookSecret } from './events/authenticity.ts';
import { type Envelope, ROUTES, type Route } from './events/envelope.ts';
import { readJson } from './events/json.ts';
import { readPostedSession } from './events/sessions.ts';
import { readSignals } from './events/signals.ts';
import { doorLog, type Log } from './log.ts';
import { type Measured, measured, publishing } from './measured.ts';
import { NO_SOURCES, type Sources } from './scoring/sources.ts';
import { sendEnvelope, ThrottledError } from './store/events-queue.ts';
import { type Secret, secretOf } from './store/secrets.ts';

/** Largest body in bytes: as base64 in its envelope it still fits one SQS message of 1 MiB. */
const LARGEST_BODY_BYTES = 512 * 1024;
/** The same of what a browser posts: two URLs and two ids. */
const LARGEST_SESSION_BYTES = 8 * 1024;
/** What a caller is told to wait when the queue takes no more. HubSpot's workflows read it as milliseconds. */
const RETRY_AFTER_MS = 5000;

/** How AWS is called: HubSpot waits 5 s for an answer, and a call that hangs must become one. */
const IN_TIME = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
};

export interface IngestParts extends Pick<Measured, 'count'> {
  readonly clock: () => number;
  readonly env: Pick<IngestEnv, 'PORTAL_ID' | 'PUBLIC_URL' | 'WORKFLOW_V2' | 'SESSION_ORIGINS'>;
  /** By which apps' user agents are known; of these nothing else is kept. */
  readonly sources: Sources;
  readonly secret: Secret<WebhookSecret>;
  readonly send: (envelope: Envelope) => Promise<void>;
  readonly logger: Log;
}

type Answer = APIGatewayProxyStructuredResultV2;

// API -> events queue. Verifies, then puts one message per request; 2xx only after the queue took it. What browsers post is not signed:
// it is reduced here, and can say nothing but that some browser came from somewhere.
export function createIngest(parts: IngestParts): (event: APIGatewayProxyEventV2) => Promise<Answer> {
  return async (event) => {
    const path = event.routeKey.split(' ').at(-1);
    const route = ROUTES.find((known) => known === path);
    if (route === undefined) return answer(404, { message: 'no such route' });
    try {
      return await (route === '/sessions' ? acceptSession : accept)(parts, route, event);
    } catch (error) {
      return refuse(parts, route, error);
    }
  };
}

async function accept(parts: IngestParts, route: Route, event: APIGatewayProxyEventV2): Promise<Answer> {
  const body = bodyOf(event);
  const refused = (metric: MetricName, statusCode: number, reason: string, rest: object): Answer => {
    parts.count(metric, 1);
    parts.logger.warn('request refused', { route, reason, bytes: body.length });
    return answer(statusCode, { message: reason, ...rest });
  };
  if (body.length > LARGEST_BODY_BYTES)
    return refused('RefusedSize', 413, 'the body is too large', { largestBytes: LARGEST_BODY_BYTES });
  if (!(await isFromWhoItSays(parts, route, event, body))) {
    const see = 'docs/troubleshooting.md#401';
    return refused('RefusedSignature', 401, 'the signature does not match', { see });
  }
  const problems = findProblems(route, body);
  if (problems.length > 0)
    return refused('RefusedBody', 400, 'nothing of this request was taken', { problems });
  await parts.send({
    portalId: parts.env.PORTAL_ID,
    route,
    receivedAtMs: event.requestContext.timeEpoch,
    messageId: route === '/signals' ? event.headers['webhook-id'] : undefined,
    body: body.toString('base64'),
  });
  parts.count('RequestsAccepted', 1);
  return answer(202, { message: 'accepted' });
}

async function acceptSession(
  { env, sources, send, count, logger }: IngestParts,
  route: Route,
  event: APIGatewayProxyEventV2,
): Promise<Answer> {
  const refused = (statusCode: number, reason: 'origin' | 'size' | 'body', answered: object): Answer => {
    count('SessionsRefused', 1, reason);
    logger.warn('session refused', { reason });
    return answer(statusCode, answered);
  };
  const { origin = '', 'user-agent': userAgent = '' } = event.headers;
  if (origin === '' || !env.SESSION_ORIGINS.split(',').includes(origin))
    return refused(403, 'origin', { message: 'pages of this origin may not tell of visits' });
  if (userAgent === '' || isbot(userAgent)) {
    count('SessionsFromBots', 1);
    return answer(202, { message: 'accepted' });
  }
  const body = bodyOf(event);
  if (body.length > LARGEST_SESSION_BYTES)
    return refused(413, 'size', { message: 'the body is too large', largestBytes: LARGEST_SESSION_BYTES });
  const read = readSession(body, { origin, userAgent }, sources);
  if ('problems' in read)
    return refused(400, 'body', { message: 'nothing of this request was taken', problems: read.problems });
  await send({
    portalId: env.PORTAL_ID,
    route,
    receivedAtMs: event.requestContext.timeEpoch,
    body: Buffer.from(JSON.stringify(read.session)).toString('base64'),
  });
  count('SessionsAccepted', 1);
  return answer(202, { message: 'accepted' });
}

function readSession(
  body: Buffer,
  from: { readonly origin: string; readonly userAgent: string },
  sources: Sources,
): ReturnType<typeof readPostedSession> {
  try {
    return readPostedSession(readJson(body), from, sources);
  } catch {
    return { problems: [NOT_JSON] };
  }
}

function bodyOf({ body, isBase64Encoded }: APIGatewayProxyEventV2): Buffer {
  return Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
}

async function isFromWhoItSays(
  { env, secret, clock }: IngestParts,
  route: Route,
  { headers, rawQueryString, requestContext }: APIGatewayProxyEventV2,
  body: Buffer,
): Promise<boolean> {
  const claim = {
    route,
    method: requestContext.http.method,
    rawQuery: rawQueryString,
    headers,
    body,
    publicUrl: env.PUBLIC_URL === '' ? `https://${requestContext.domainName}` : env.PUBLIC_URL,
    isV2Accepted: env.WORKFLOW_V2 === 'true',
  };
  if (isAuthentic(claim, await secret.read(), clock())) return true;
  // Perhaps the secret was rotated a moment ago and the one kept here is old.
  return (await secret.refresh()) && isAuthentic(claim, await secret.read(), clock());
}

const NOT_JSON = 'the body is not JSON in UTF-8';

/** What is wrong with an authentic body. HubSpot's own events are looked at by the scorer, one by one. */
function findProblems(route: Route, body: Buffer): string[] {
  let content: unknown;
  try {
    content = readJson(body);
  } catch {
    return [NOT_JSON];
  }
  if (route !== '/signals') return [];
  const read = readSignals(content);
  return 'problems' in read ? read.problems : [];
}

/** Our own faults: never 4xx, except "come again later". */
function refuse(parts: IngestParts, route: Route, error: unknown): Answer {
  const reason = error instanceof Error ? error.name : 'unknown';
  parts.count('NotAccepted', 1);
  parts.logger.error('request not accepted', {
    route,
    reason,
    error: error instanceof Error ? error : undefined,
  });
  if (error instanceof ThrottledError) {
    const busy = answer(429, { message: 'too many requests' });
    return { ...busy, headers: { ...busy.headers, 'retry-after': String(RETRY_AFTER_MS) } };
  }
  if (error instanceof MisconfiguredError)
    return answer(503, { message: 'not set up yet: no secret is filled in' });
  return answer(500, { message: 'not accepted; send it again' });
}

function answer(statusCode: number, body: object): Answer {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function fromEnvironment(env: NodeJS.ProcessEnv & Partial<IngestEnv>): IngestParts & Measured {
  const {
    EVENTS_QUEUE_URL = '',
    WEBHOOK_SECRET_ARN = '',
    PORTAL_ID = '',
    PUBLIC_URL = '',
    WORKFLOW_V2 = '',
    SESSION_ORIGINS = '',
  } = env;
  const clock = Date.now;
  const logger = doorLog();
  const sqs = new SQSClient(IN_TIME);
  return {
    clock,
    env: { PORTAL_ID, PUBLIC_URL, WORKFLOW_V2, SESSION_ORIGINS },
    sources: SESSION_ORIGINS === '' ? NO_SOURCES : deployedModel(env.LAMBDA_TASK_ROOT ?? '.').sources,
    secret: secretOf(new SecretsManagerClient(IN_TIME), WEBHOOK_SECRET_ARN, WebhookSecret, clock),
    send: (envelope) => sendEnvelope(sqs, EVENTS_QUEUE_URL, envelope),
    logger,
    ...measured(logger),
  };
}

let ingest: ReturnType<typeof createIngest> | undefined;

export const handler: ReturnType<typeof createIngest> = (event) => {
  if (ingest === undefined) {
    const parts = fromEnvironment(process.env);
    ingest = publishing(createIngest(parts), parts);
  }
  return ingest(event);
};
