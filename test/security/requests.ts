// Ingest as a caller meets it: requests of every kind, signed, and the door with what leaves the process replaced.
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { Webhook } from 'standardwebhooks';
import * as v from 'valibot';
import type { WebhookSecret } from '../../lambdas/events/authenticity.ts';
import type { Envelope, Route } from '../../lambdas/events/envelope.ts';
import { createIngest, type IngestParts } from '../../lambdas/ingest.ts';
import { Sources } from '../../lambdas/scoring/sources.ts';
import type { Secret } from '../../lambdas/store/secrets.ts';
import { signV2, signV3 } from '../../local/hubspot/sign.ts';
import { recorded } from '../recorded.ts';

export const NOW_MS = 1764000000000;
export const RECEIVED_MS = NOW_MS - 12;
export const CLIENT_SECRET = 'client-secret';
export const SIGNALS_SECRET = `whsec_${Buffer.from('a signing key of 24 bytes').toString('base64')}`;
export const DOMAIN = 'abc123.execute-api.eu-west-1.amazonaws.com';
export const KIB = 1024;
export const ORIGINS = 'https://www.example.com,https://app.example.com';
const SOURCES = v.parse(Sources, {
  sources: [{ id: 'chatgpt', channel: 'ai', label: 'ChatGPT', userAgents: ['ChatGPT/'] }],
  mediums: {},
});

interface Request {
  readonly route?: Route;
  readonly body?: string | Buffer;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isBase64Encoded?: boolean;
  readonly method?: string;
}

/** A request as API Gateway hands it over. */
export function eventOf({
  route = '/webhooks/hubspot',
  body = '[]',
  query = '',
  headers = {},
  isBase64Encoded = false,
  method = 'POST',
}: Request): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: `${method} ${route}`,
    rawPath: route,
    rawQueryString: query,
    headers,
    requestContext: {
      accountId: '000000000000',
      apiId: 'abc123',
      domainName: DOMAIN,
      domainPrefix: 'abc123',
      http: { method, path: route, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'HubSpot' },
      requestId: 'r1',
      routeKey: `${method} ${route}`,
      stage: '$default',
      time: '24/Nov/2025:16:00:00 +0000',
      timeEpoch: RECEIVED_MS, // The gateway stamps a request before the function sees it.
    },
    body: Buffer.from(body).toString(isBase64Encoded ? 'base64' : 'utf8'),
    isBase64Encoded,
  };
}

function uriOf({ route = '/webhooks/hubspot', query = '' }: Request, base: string): string {
  return `${base}${route}${query === '' ? '' : `?${query}`}`;
}

/** The same request, signed by HubSpot with v3. */
export function signed(
  request: Request = {},
  secret = CLIENT_SECRET,
  base = `https://${DOMAIN}`,
  timestamp: number | string = NOW_MS,
): APIGatewayProxyEventV2 {
  const { body = '[]' } = request;
  const uri = uriOf(request, base);
  const v3 = signV3({ method: 'POST', uri, body: body.toString(), secret, timestamp });
  const headers = {
    'x-hubspot-request-timestamp': String(timestamp),
    'x-hubspot-signature-v3': v3,
    ...request.headers,
  };
  return eventOf({ ...request, headers });
}

/** The same request, as a workflow signs it with v2. */
export function signedV2(request: Request = {}, secret = CLIENT_SECRET): APIGatewayProxyEventV2 {
  const asked = { route: '/webhooks/workflow', ...request } as const;
  const { body = '[]' } = request;
  const uri = uriOf(asked, `https://${DOMAIN}`);
  const v2 = signV2({ method: 'POST', uri, body: body.toString(), secret });
  return eventOf({ ...asked, headers: { 'x-hubspot-signature': v2, ...request.headers } });
}

interface Sending {
  readonly id?: string;
  readonly at?: Date;
  readonly key?: string;
  readonly isBase64Encoded?: boolean;
}

/** Signals as the company's own systems send them. @param text - the body as it stands */
export function signedSignals(
  text: string,
  { id = 'msg_1', at = new Date(), key = SIGNALS_SECRET, isBase64Encoded = false }: Sending = {},
): APIGatewayProxyEventV2 {
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(key).sign(id, at, text),
  };
  return eventOf({ route: '/signals', body: text, headers, isBase64Encoded });
}

export const signal = (changes: object = {}) => ({
  signal: 'product.login',
  occurredAt: NOW_MS,
  contactId: '7',
  ...changes,
});

export const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
export const VISITOR = 'Qx7mB2Zk0aT9wLr4VdYe_g';
export const visit = (changes: object = {}) => ({
  visitorId: VISITOR,
  sessionId: 'n3-JcP8uXh5RkFzW1sGt0A',
  url: 'https://www.example.com/pricing?utm_source=chatgpt.com&email=ada@example.com#top',
  referrer: 'https://chatgpt.com/c/6741-private',
  ...changes,
});

export const FROM_A_PAGE = {
  origin: 'https://www.example.com',
  'user-agent': CHROME,
  'content-type': 'text/plain;charset=UTF-8',
};

/** A visit as a page posts it. */
export function posted(
  body: unknown = visit(),
  headers: Readonly<Record<string, string>> = {},
): APIGatewayProxyEventV2 {
  return eventOf({
    route: '/sessions',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { ...FROM_A_PAGE, ...headers },
  });
}

export function fixedSecret(value: WebhookSecret): Secret<WebhookSecret> {
  return { read: async () => value, refresh: async () => false };
}

/** The door with what leaves the process replaced: the secret, the queue, the log. */
export function door(
  changes: Partial<Omit<IngestParts, 'env'>> & { env?: Partial<IngestParts['env']> } = {},
) {
  const sent: Envelope[] = [];
  const logged: unknown[][] = [];
  const log = (...entry: unknown[]) => void logged.push(entry);
  const { counted, count } = recorded();
  const { env, ...parts } = changes;
  const ingest = createIngest({
    clock: () => NOW_MS,
    secret: fixedSecret({ clientSecret: CLIENT_SECRET, signalsSecret: SIGNALS_SECRET }),
    send: async (envelope) => void sent.push(envelope),
    logger: { info: log, warn: log, error: log },
    count,
    ...parts,
    env: { PORTAL_ID: '33', PUBLIC_URL: '', WORKFLOW_V2: 'false', SESSION_ORIGINS: ORIGINS, ...env },
    sources: SOURCES,
  });
  const status = async (event: APIGatewayProxyEventV2) => (await ingest(event)).statusCode;
  return { ingest, status, sent, logged, counted };
}

/** What an answer says. */
export const saidBy = (answer: { body?: string | undefined }): unknown => JSON.parse(answer.body ?? 'null');
