import { createServer, type Server } from 'node:http';
import { Logger } from '@aws-lambda-powertools/logger';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { MisconfiguredError } from '../lambdas/errors.ts';
import type { WebhookSecret } from '../lambdas/events/authenticity.ts';
import { readMessages } from '../lambdas/events/messages.ts';
import { handler, type IngestParts } from '../lambdas/ingest.ts';
import { ThrottledError } from '../lambdas/store/events-queue.ts';
import type { Secret } from '../lambdas/store/secrets.ts';
import { signV2, signV3 } from '../local/hubspot/sign.ts';
import { propertyChange, touchModel } from './events/fixture.ts';
import {
  CLIENT_SECRET,
  DOMAIN,
  door,
  eventOf,
  FROM_A_PAGE,
  fixedSecret,
  KIB,
  NOW_MS,
  ORIGINS,
  posted,
  RECEIVED_MS,
  SIGNALS_SECRET,
  saidBy,
  signal,
  signed,
  signedSignals,
  VISITOR,
  visit,
} from './security/requests.ts';

const { jest } = import.meta;

const signals = (
  body: unknown,
  id = 'msg_1',
  write: (body: unknown) => string = JSON.stringify,
): APIGatewayProxyEventV2 => signedSignals(write(body), { id });

describe('a signed request', () => {
  test('is acknowledged only after the queue took it', async () => {
    const steps: string[] = [];
    const { ingest } = door({
      send: async () => {
        await new Promise(setImmediate);
        steps.push('queued');
      },
    });

    const { statusCode } = await ingest(signed());
    steps.push('answered');

    expect(statusCode).toBe(202);
    expect(steps).toEqual(['queued', 'answered']);
  });

  test('goes on as one message, whole, with portal, route and time of receipt', async () => {
    const body = JSON.stringify(Array.from({ length: 100 }, (_, at) => propertyChange({ objectId: at + 1 })));
    const { status, sent } = door();

    expect(await status(signed({ body }))).toBe(202);

    expect(sent).toEqual([
      {
        portalId: '33',
        route: '/webhooks/hubspot',
        receivedAtMs: RECEIVED_MS,
        body: Buffer.from(body).toString('base64'),
      },
    ]);
  });

  test('holding events of another portal is acknowledged: the scorer counts and drops them', async () => {
    expect(await door().status(signed({ body: JSON.stringify([propertyChange({ portalId: 99 })]) }))).toBe(
      202,
    );
  });

  test.each([
    { uri: 'the address of the API itself', publicUrl: '', base: `https://${DOMAIN}`, statusCode: 202 },
    {
      uri: 'the public address',
      publicUrl: 'https://hooks.example.com/crm',
      base: 'https://hooks.example.com/crm',
      statusCode: 202,
    },
    {
      uri: 'the address of the API, where there is a public one',
      publicUrl: 'https://hooks.example.com',
      base: `https://${DOMAIN}`,
      statusCode: 401,
    },
    { uri: 'another address', publicUrl: '', base: 'https://hooks.example.com', statusCode: 401 },
  ])('over $uri gets $statusCode', async ({ publicUrl, base, statusCode }) => {
    const { status } = door({ env: { PUBLIC_URL: publicUrl } });
    expect(await status(signed({ query: 'a=%3A&b=c%20d' }, CLIENT_SECRET, base))).toBe(statusCode);
  });
});

describe('what does not get in', () => {
  test.each([
    { name: 'a request without any signature', event: eventOf({ body: '[]' }) },
    { name: 'a signature with another secret', event: signed({}, 'another') },
    { name: 'a signature over another body', event: { ...signed(), body: '[1]' } },
    { name: 'a doubled signature', event: signed({ headers: { 'x-hubspot-signature-v3': 'a,a' } }) },
    {
      name: 'a workflow with v2 while v2 is off',
      event: eventOf({
        route: '/webhooks/workflow',
        body: '{}',
        headers: {
          'x-hubspot-signature': signV2({
            method: 'POST',
            uri: `https://${DOMAIN}/webhooks/workflow`,
            body: '{}',
            secret: CLIENT_SECRET,
          }),
        },
      }),
    },
    { name: "signals with HubSpot's signature", event: signed({ route: '/signals', body: '{}' }) },
    { name: 'signals with another key', event: { ...signals(signal()), body: '{}' } },
  ])('$name: 401', async ({ event }) => {
    const { ingest, sent } = door();

    const answer = await ingest(event);

    expect(answer.statusCode).toBe(401);
    expect(saidBy(answer)).toMatchObject({ message: 'the signature does not match' });
    expect(sent).toEqual([]);
  });

  test.each([
    { name: 'text', body: 'Anna', isBase64Encoded: false },
    { name: 'nothing', body: '', isBase64Encoded: false },
    { name: 'half of it', body: '[{', isBase64Encoded: false },
  ])('signed, but $name is no JSON: 400', async ({ body, isBase64Encoded }) => {
    const { ingest, sent } = door();

    const answer = await ingest(signed({ body, isBase64Encoded }));

    expect(answer.statusCode).toBe(400);
    expect(saidBy(answer)).toEqual({
      message: 'nothing of this request was taken',
      problems: ['the body is not JSON in UTF-8'],
    });
    expect(sent).toEqual([]);
  });

  test('a body without a signature is never parsed: 401, whatever is in it', async () => {
    const { parse } = JSON;
    const parsed: string[] = [];
    JSON.parse = ((text: string, ...rest: []) => {
      parsed.push(text);
      return parse(text, ...rest) as unknown;
    }) as typeof parse;
    try {
      for (const route of ['/webhooks/hubspot', '/webhooks/workflow', '/signals'] as const) {
        expect(await door().status(eventOf({ route, body: '["trap"]' }))).toBe(401);
        expect(
          await door().status(
            eventOf({
              route,
              body: 'no JSON',
              headers: {
                'webhook-id': 'a',
                'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
                'webhook-signature': 'v1,AAAA',
              },
            }),
          ),
        ).toBe(401);
      }
      expect(await door().status(signed({ body: '["seen"]' }))).toBe(202);
    } finally {
      JSON.parse = parse;
    }
    expect(parsed).toEqual(['["seen"]']);
  });

  test.each(['POST /elsewhere', 'POST /webhooks', 'POST /webhooks/hubspot/', '$default'])(
    '%s: 404',
    async (routeKey) => {
      const { status, sent } = door();

      expect(await status({ ...signed(), routeKey })).toBe(404);
      expect(sent).toEqual([]);
    },
  );
});

const SESSION = 'n3-JcP8uXh5RkFzW1sGt0A';

describe('a visit that a page tells of', () => {
  test('goes on without a signature, cut down to what is kept of it', async () => {
    const { status, sent, counted } = door({
      secret: { read: async () => Promise.reject(), refresh: async () => false },
    });

    expect(await status(posted())).toBe(202);
    expect(sent).toEqual([
      { portalId: '33', route: '/sessions', receivedAtMs: RECEIVED_MS, body: expect.any(String) },
    ]);
    expect(JSON.parse(Buffer.from(sent[0]?.body ?? '', 'base64').toString())).toEqual({
      visitorId: VISITOR,
      sessionId: SESSION,
      seen: {
        by: 'browser',
        referrer: 'chatgpt.com',
        landing: 'https://www.example.com/pricing',
        utmSource: 'chatgpt.com',
      },
    });
    expect(counted).toEqual(new Map([['SessionsAccepted', 1]]));
  });

  test('leaves of the user agent the app that showed the page, and nothing else', async () => {
    const { status, sent } = door();
    const app = 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148 ChatGPT/1.2026.310';

    await status(posted(visit({ referrer: undefined }), { 'user-agent': app }));

    const body = Buffer.from(sent[0]?.body ?? '', 'base64').toString();
    expect(JSON.parse(body)).toMatchObject({ seen: { app: 'chatgpt' } });
    expect(body).not.toMatch(/iPhone|Mozilla|1\.2026/);
  });

  test('is understood by the scorer', async () => {
    const { status, sent } = door();
    await status(posted());

    const context = { model: touchModel(), portalId: '33', ownAppIds: [] };
    const [message] = readMessages([{ messageId: 'm1', body: JSON.stringify(sent[0]) }], context);

    expect(message?.rejected).toEqual([]);
    expect(message?.heard).toMatchObject([{ subject: { type: 'visitor', visitorId: VISITOR } }]);
  });

  test.each([
    { name: 'an origin that was not named', headers: { origin: 'https://evil.example' } },
    { name: 'part of an origin', headers: { origin: 'https://www.example.co' } },
    { name: 'the list of origins', headers: { origin: ORIGINS } },
    { name: 'an origin of which there is none', headers: { origin: '' } },
    { name: 'a page without origin', headers: { origin: 'null' } },
  ])('from $name: 403', async ({ headers }) => {
    const { ingest, sent, counted } = door();

    const answer = await ingest(posted(visit(), headers));

    expect(answer.statusCode).toBe(403);
    expect(saidBy(answer)).toEqual({ message: 'pages of this origin may not tell of visits' });
    expect(sent).toEqual([]);
    expect(counted).toEqual(
      new Map([
        ['SessionsRefused', 1],
        ['SessionsRefused origin', 1],
      ]),
    );
  });

  test('while no origin is named: 403, also without one', async () => {
    const { status } = door({ env: { SESSION_ORIGINS: '' } });

    expect(await status(posted())).toBe(403);
    expect(await status(posted(visit(), { origin: '' }))).toBe(403);
  });

  // From the vendors' own pages on their crawlers, read 2026-11-22.
  test.each([
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)',
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot',
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)',
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36',
    'curl/8.11.0',
    '',
  ])('by a bot is answered as if it were heard, dropped and counted: %j', async (userAgent) => {
    const { status, sent, counted } = door();

    expect(await status(posted(visit(), { 'user-agent': userAgent }))).toBe(202);
    expect(sent).toEqual([]);
    expect(counted).toEqual(new Map([['SessionsFromBots', 1]]));
  });

  test.each([
    { changes: { email: 'ada@example.com' }, problem: '.email: is not known' },
    { changes: { contactId: '7' }, problem: '.contactId: is not known' },
    { changes: { occurredAt: NOW_MS }, problem: '.occurredAt: is not known' },
    {
      changes: { visitorId: 'ada@example.com' },
      problem: '.visitorId: expected 22 characters of URL-safe base64: 128 random bits',
    },
    { changes: { sessionId: undefined }, problem: '.sessionId: is missing' },
    {
      changes: { url: '/pricing' },
      problem: '.url: expected the whole URL of a page, such as https://example.com/pricing',
    },
    {
      changes: { url: 'https://elsewhere.example/pricing' },
      problem: '.url: expected a page of the origin that sends it',
    },
    {
      changes: { url: 'https://app.example.com/' },
      problem: '.url: expected a page of the origin that sends it',
    },
    {
      changes: { url: `https://www.example.com/${'x'.repeat(4_096)}` },
      problem: '.url: expected at most 4096 characters',
    },
  ])('with $problem is refused', async ({ changes, problem }) => {
    const { ingest, sent, counted, logged } = door();

    const answer = await ingest(posted(visit(changes)));

    expect(answer.statusCode).toBe(400);
    expect(saidBy(answer)).toEqual({ message: 'nothing of this request was taken', problems: [problem] });
    expect(sent).toEqual([]);
    expect(counted.get('SessionsRefused body')).toBe(1);
    expect(JSON.stringify(logged)).not.toMatch(/example|Mozilla/);
  });

  test('that is no JSON, or too large, is refused', async () => {
    const { ingest, sent, counted } = door();
    const largest = JSON.stringify(visit()).padEnd(8 * KIB);

    expect(await ingest(posted('[{'))).toMatchObject({ statusCode: 400 });
    expect(await ingest(posted(largest))).toMatchObject({ statusCode: 202 });
    const answer = await ingest(posted(`${largest} `));
    expect(answer.statusCode).toBe(413);
    expect(saidBy(answer)).toEqual({ message: 'the body is too large', largestBytes: 8 * KIB });
    expect(sent).toHaveLength(1);
    expect(counted.get('SessionsRefused size')).toBe(1);
  });

  test('is asked for again when the queue does not take it', async () => {
    const { status } = door({ send: () => Promise.reject(new Error('away')) });
    const { status: throttled } = door({ send: () => Promise.reject(new ThrottledError('slow down')) });

    expect(await status(posted())).toBe(500);
    expect(await throttled(posted())).toBe(429);
  });

  test('on its route needs no signature, and no other route is open for that', async () => {
    const { status } = door();

    for (const route of ['/webhooks/hubspot', '/webhooks/workflow', '/signals'] as const)
      expect(
        await status(
          eventOf({
            route,
            body: JSON.stringify(visit()),
            headers: FROM_A_PAGE,
          }),
        ),
      ).toBe(401);
  });
});

describe('our own failures never answer 4xx, but "come again later"', () => {
  test('no secret filled in yet: 503, and nothing is queued', async () => {
    const unfilled: Secret<WebhookSecret> = {
      read: async () => {
        throw new MisconfiguredError('the secret arn:… is not filled in');
      },
      refresh: async () => true,
    };
    const { ingest, sent } = door({ secret: unfilled });

    expect((await ingest(signed())).statusCode).toBe(503);
    expect((await ingest(eventOf({}))).statusCode).toBe(503);
    expect(sent).toEqual([]);
  });

  test('no key for signals filled in yet: 503 there, while webhooks go on', async () => {
    const { status } = door({ secret: fixedSecret({ clientSecret: CLIENT_SECRET }) });

    expect(await status(signals(signal()))).toBe(503);
    expect(await status(signed())).toBe(202);
  });

  test('the queue is given too much: 429, and how many milliseconds to wait', async () => {
    const { ingest } = door({
      send: async () => {
        throw new ThrottledError('OverLimit');
      },
    });

    const answer = await ingest(signed());

    expect(answer.statusCode).toBe(429);
    expect(answer.headers).toMatchObject({ 'retry-after': '5000' });
  });

  test.each([
    { name: 'the queue refuses', parts: { send: () => Promise.reject(new Error('AccessDenied')) } },
    { name: 'something that is no error is thrown', parts: { send: () => Promise.reject('oops') } },
    {
      name: 'the secret cannot be read',
      parts: { secret: { read: () => Promise.reject(new Error('timeout')), refresh: async () => true } },
    },
    {
      name: 'the secret cannot be read again',
      parts: {
        secret: {
          read: async () => ({ clientSecret: 'old' }),
          refresh: () => Promise.reject(new Error('timeout')),
        },
      },
    },
  ])('$name: 500', async ({ parts }) => {
    expect(await door(parts).status(signed())).toBe(500);
  });
});

const throttled = () => Promise.reject(new ThrottledError('OverLimit'));

describe('what became of a request is counted', () => {
  const unfilled: Secret<WebhookSecret> = {
    read: () => Promise.reject(new MisconfiguredError('the secret is not filled in')),
    refresh: async () => true,
  };

  test.each([
    { event: signed(), parts: {}, metric: 'RequestsAccepted' },
    { event: signals(signal()), parts: {}, metric: 'RequestsAccepted' },
    { event: signed({}, 'another'), parts: {}, metric: 'RefusedSignature' },
    { event: signed({ body: 'x'.repeat(512 * KIB + 1) }), parts: {}, metric: 'RefusedSize' },
    { event: signed({ body: 'Anna' }), parts: {}, metric: 'RefusedBody' },
    { event: signals({ signal: 'product.login' }), parts: {}, metric: 'RefusedBody' },
    { event: signed(), parts: { send: throttled }, metric: 'NotAccepted' },
    { event: signed(), parts: { secret: unfilled }, metric: 'NotAccepted' },
    { event: signed(), parts: { send: () => Promise.reject(new Error('denied')) }, metric: 'NotAccepted' },
  ])('once, as $metric', async ({ event, parts, metric }) => {
    const { status, counted } = door(parts);

    await status(event);

    expect([...counted]).toEqual([[metric, 1]]);
  });
});

describe('a secret that was rotated', () => {
  test('is read again when a signature does not match, and then gets in', async () => {
    let stored = 'old-secret';
    let kept = stored;
    const secret: Secret<WebhookSecret> = {
      read: async () => ({ clientSecret: kept }),
      refresh: async () => {
        kept = stored;
        return true;
      },
    };
    const { status } = door({ secret });

    expect(await status(signed({}, 'old-secret'))).toBe(202);
    stored = 'new-secret';
    expect(await status(signed({}, 'new-secret'))).toBe(202);
    expect(await status(signed({}, 'old-secret'))).toBe(401);
  });

  test('is not read again for a signature that matches', async () => {
    let reads = 0;
    const secret = { ...fixedSecret({ clientSecret: CLIENT_SECRET }), refresh: async () => Boolean(++reads) };

    expect(await door({ secret }).status(signed())).toBe(202);
    expect(reads).toBe(0);
  });
});

describe('signals', () => {
  test.each([
    { name: 'a single one', body: signal() },
    { name: 'a hundred', body: Array.from({ length: 100 }, () => signal()) },
  ])('$name: 202, with the id of the message', async ({ body }) => {
    const { status, sent } = door();

    expect(await status(signals(body, 'msg_7'))).toBe(202);
    expect(sent).toMatchObject([{ route: '/signals', messageId: 'msg_7', portalId: '33' }]);
  });

  test('a hundred and one: 400, and none is taken', async () => {
    const { ingest, sent } = door();

    const answer = await ingest(signals(Array.from({ length: 101 }, () => signal())));

    expect(answer.statusCode).toBe(400);
    expect(saidBy(answer)).toMatchObject({
      problems: ['the body: expected at most 100 signals in one request'],
    });
    expect(sent).toEqual([]);
  });

  test('bad ones are named by their place, and all are refused', async () => {
    const { ingest, sent } = door();

    const answer = await ingest(
      signals([signal(), signal({ occurredAt: 'soon' }), signal(), signal({ contactId: undefined })]),
    );

    expect(answer.statusCode).toBe(400);
    expect(saidBy(answer)).toEqual({
      message: 'nothing of this request was taken',
      problems: [
        '[1].occurredAt: expected a time: ISO 8601 with a zone, or epoch milliseconds',
        '[3]: expected either contactId or email',
      ],
    });
    expect(sent).toEqual([]);
  });

  test('signed, but no JSON: 400', async () => {
    const { status, sent } = door();

    expect(await status(signals('no JSON', 'msg_1', String))).toBe(400);
    expect(sent).toEqual([]);
  });

  test("HubSpot's requests carry no id of a message, whatever their headers say", async () => {
    const { status, sent } = door();

    expect(await status(signed({ headers: { 'webhook-id': 'x' } }))).toBe(202);
    expect(sent[0]?.messageId).toBeUndefined();
  });
});

describe('a workflow', () => {
  const body = JSON.stringify({ contactId: 7, signal: 'product.login' });
  const v2 = signV2({
    method: 'POST',
    uri: `https://${DOMAIN}/webhooks/workflow`,
    body,
    secret: CLIENT_SECRET,
  });

  test('with v3: 202', async () => {
    const { status, sent } = door();

    expect(await status(signed({ route: '/webhooks/workflow', body }))).toBe(202);
    expect(sent).toMatchObject([{ route: '/webhooks/workflow' }]);
  });

  test.each([
    { WORKFLOW_V2: 'true', statusCode: 202 },
    { WORKFLOW_V2: 'false', statusCode: 401 },
    { WORKFLOW_V2: '', statusCode: 401 },
    { WORKFLOW_V2: 'yes', statusCode: 401 },
  ])('with v2 while the setting is "$WORKFLOW_V2": $statusCode', async ({ WORKFLOW_V2, statusCode }) => {
    const { status } = door({ env: { WORKFLOW_V2 } });
    expect(
      await status(eventOf({ route: '/webhooks/workflow', body, headers: { 'x-hubspot-signature': v2 } })),
    ).toBe(statusCode);
  });
});

/** What the real logger writes while these requests come in. */
async function written(events: APIGatewayProxyEventV2[], parts: Partial<IngestParts>): Promise<string> {
  const lines: string[] = [];
  const { log, warn, error } = console;
  const logger = new Logger();
  const write = (...entry: unknown[]) => void lines.push(entry.map(String).join(' '));
  const sink: unknown = Reflect.get(logger, 'console');
  if (typeof sink !== 'object' || sink === null) throw new Error('the logger writes elsewhere');
  Object.assign(sink, {
    info: write,
    log: write,
    warn: write,
    error: write,
  });
  Object.assign(console, { log: write, warn: write, error: write });
  try {
    for (const event of events) await door({ ...parts, logger }).ingest(event);
  } finally {
    Object.assign(console, { log, warn, error });
  }
  return lines.join('\n');
}

describe('the log', () => {
  const CANARIES = /canary|anna|zo\u00eb/i;

  test('holds no secret, no body and no e-mail address, whatever happens', async () => {
    const clientSecret = 'canary-client-secret';
    const personal = JSON.stringify([propertyChange({ propertyValue: 'anna.canary@example.com' })]);
    const events = [
      signed({ body: personal }, clientSecret),
      signed({ body: personal }, 'canary-of-somebody-else'),
      signed({ body: `anna.canary@example.com` }, clientSecret),
      signed({ body: `["${'canary'.repeat(100_000)}"]` }, clientSecret),
      {
        ...signed({ body: personal }, clientSecret),
        headers: { authorization: 'canary', 'x-hubspot-signature-v3': 'canary' },
      },
      signals([{ anna_canary: 'anna.canary@example.com' }]),
      eventOf({ route: '/signals', body: personal, query: 'email=anna.canary@example.com' }),
    ];
    const awsError = Object.assign(new Error('SQS said no'), {
      $metadata: { httpStatusCode: 400 },
      Code: 'Nope',
    });
    const secrets = [
      fixedSecret({ clientSecret, signalsSecret: SIGNALS_SECRET }),
      fixedSecret({ clientSecret, signalsSecret: 'whsec_%%canary%%' }),
    ];

    const lines: string[] = [];
    for (const secret of secrets) {
      lines.push(await written(events, { secret }));
      lines.push(await written(events, { secret, send: () => Promise.reject(awsError) }));
      lines.push(
        await written(events, { secret, send: () => Promise.reject(new ThrottledError('OverLimit')) }),
      );
    }

    const log = lines.join('\n');
    expect(log).toContain('the signature does not match');
    expect(log).toContain('SQS said no');
    expect(log).toContain('MisconfiguredError');
    expect(log).not.toMatch(CANARIES);
    expect(log).not.toContain(SIGNALS_SECRET.slice(6));
  });
});

describe('the door as it is deployed', () => {
  const before = process.env;
  let server: Server;

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (!String(request.headers['x-amz-target']).startsWith('secretsmanager')) return; // A queue that never answers.
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify({ SecretString: JSON.stringify({ clientSecret: CLIENT_SECRET }) }));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
    const url = `http://127.0.0.1:${address.port}`;
    process.env = Object.assign(
      { ...before },
      {
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_ENDPOINT_URL: url,
        EVENTS_QUEUE_URL: `${url}/000000000000/events`,
        WEBHOOK_SECRET_ARN: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:webhook',
        PORTAL_ID: '33',
        PUBLIC_URL: '',
        WORKFLOW_V2: 'false',
        POWERTOOLS_LOG_LEVEL: 'SILENT',
        POWERTOOLS_METRICS_NAMESPACE: 'Afterglow',
        POWERTOOLS_SERVICE_NAME: 'ingest',
      },
    );
  });

  afterAll(async () => {
    process.env = before;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test('says 500 before the 5 seconds are over that HubSpot waits, when the queue does not answer, and counts it', async () => {
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const uri = `https://${DOMAIN}/webhooks/hubspot`;
    const timestamp = String(Date.now());
    const v3 = signV3({ method: 'POST', uri, body: '[]', secret: CLIENT_SECRET, timestamp });
    const headers = { 'x-hubspot-request-timestamp': timestamp, 'x-hubspot-signature-v3': v3 };
    const startedAtMs = Date.now();

    const answer = await handler(eventOf({ headers }));

    expect(answer.statusCode).toBe(500);
    expect(Date.now() - startedAtMs).toBeLessThan(5000);
    const lines = write.mock.calls.map(([line]) => String(line));
    write.mockRestore();
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      { _aws: expect.anything(), service: 'ingest', NotAccepted: 1 },
    ]);
  });
});
