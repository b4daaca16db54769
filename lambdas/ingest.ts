import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { IngestEnv, MetricName } from './env.ts';
import { MisconfiguredError } from './errors.ts';
import { isAuthentic, WebhookSecret } from './events/authenticity.ts';
import { type Envelope, ROUTES, type Route } from './events/envelope.ts';
import { readJson } from './events/json.ts';
import { readSignals } from './events/signals.ts';
import { type Measured, measured, publishing } from './measured.ts';
import { sendEnvelope, ThrottledError } from './store/events-queue.ts';
import { type Secret, secretOf } from './store/secrets.ts';

/** Largest body in bytes: as base64 in its envelope it still fits one SQS message of 1 MiB. */
const LARGEST_BODY_BYTES = 512 * 1024;
/** What a caller is told to wait when the queue takes no more. HubSpot's workflows read it as milliseconds. */
const RETRY_AFTER_MS = 5000;

/** How AWS is called: HubSpot waits 5 s for an answer, and a call that hangs must become one. */
const IN_TIME = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
};

export interface IngestParts extends Pick<Measured, 'count'> {
  readonly clock: () => number;
  readonly env: Pick<IngestEnv, 'PORTAL_ID' | 'PUBLIC_URL' | 'WORKFLOW_V2'>;
  readonly secret: Secret<WebhookSecret>;
  readonly send: (envelope: Envelope) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

type Answer = APIGatewayProxyStructuredResultV2;

// API -> events queue. Verifies, then puts one message per request; 2xx only after the queue took it.
export function createIngest(parts: IngestParts): (event: APIGatewayProxyEventV2) => Promise<Answer> {
  return async (event) => {
    const path = event.routeKey.split(' ').at(-1);
    const route = ROUTES.find((known) => known === path);
    if (route === undefined) return answer(404, { message: 'no such route' });
    try {
      return await accept(parts, route, event);
    } catch (error) {
      return refuse(parts, route, error);
    }
  };
}

async function accept(parts: IngestParts, route: Route, event: APIGatewayProxyEventV2): Promise<Answer> {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
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

/** What is wrong with an authentic body. HubSpot's own events are looked at by the scorer, one by one. */
function findProblems(route: Route, body: Buffer): string[] {
  let content: unknown;
  try {
    content = readJson(body);
  } catch {
    return ['the body is not JSON in UTF-8'];
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
    return {
      ...answer(429, { message: 'too many requests' }),
      headers: { 'retry-after': String(RETRY_AFTER_MS) },
    };
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
  } = env;
  const clock = Date.now;
  const logger = new Logger();
  const sqs = new SQSClient(IN_TIME);
  return {
    clock,
    env: { PORTAL_ID, PUBLIC_URL, WORKFLOW_V2 },
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
