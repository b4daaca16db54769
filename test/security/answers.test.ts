import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { MisconfiguredError } from '../../lambdas/errors.ts';
import { createExplain } from '../../lambdas/explain.ts';
import type { IngestParts } from '../../lambdas/ingest.ts';
import { ThrottledError } from '../../lambdas/store/events-queue.ts';
import {
  CLIENT_SECRET,
  DOMAIN,
  door,
  eventOf,
  fixedSecret,
  KIB,
  NOW_MS,
  posted,
  SIGNALS_SECRET,
  saidBy,
  signal,
  signed,
  signedSignals,
  signedV2,
  visit,
} from './requests.ts';
import { everyEntranceModel } from './system.ts';

/** An error as the SDK throws it, with all that it knows of the inside. */
function internal<Fault extends Error>(error: Fault): Fault {
  return Object.assign(error, {
    message: `User: arn:aws:sts::000000000000:assumed-role/afterglow is not authorized on https://sqs.eu-west-1.amazonaws.com/000000000000/events with ${CLIENT_SECRET}`,
    stack: `AccessDenied: no\n    at send (/var/task/index.mjs:12:34)\n    at /work/lambdas/ingest.ts:1:1`,
    name: error.name === 'Error' ? 'AccessDenied' : error.name,
    $metadata: { requestId: '6f1c-internal', httpStatusCode: 403 },
  });
}

const INTERNALS = [
  /arn:/i,
  /amazonaws|sqs|dynamodb|secretsmanager|lambda/i,
  /000000000000/,
  /\/var\/|\/work\/|node_modules|\.m?[jt]s\b/,
  /\bat .+:\d+/,
  /Error\b|AccessDenied|Exception/,
  /requestId|\$metadata|6f1c/,
  new RegExp(`${CLIENT_SECRET}|whsec_|a signing key`),
];

const failing = (error: Error) => async (): Promise<never> => {
  throw internal(error);
};
const secretThatFails = (error: Error) => ({ read: failing(error), refresh: async () => false });

const other = (event: APIGatewayProxyEventV2, changes: Partial<APIGatewayProxyEventV2>) => ({
  ...event,
  ...changes,
});

describe('what a caller is told holds nothing of the inside', () => {
  test.each<{
    name: string;
    event: APIGatewayProxyEventV2;
    parts?: Partial<IngestParts>;
    statusCode: number;
  }>([
    { name: 'no such route', event: other(signed(), { routeKey: 'POST /admin' }), statusCode: 404 },
    { name: 'no signature', event: eventOf({}), statusCode: 401 },
    { name: 'a wrong signature', event: signed({}, 'another'), statusCode: 401 },
    { name: 'signals that are not signed', event: eventOf({ route: '/signals' }), statusCode: 401 },
    { name: 'no JSON', event: signed({ body: '[{' }), statusCode: 400 },
    { name: 'wrong signals', event: signedSignals('[{"signal":7}]'), statusCode: 400 },
    { name: 'too large', event: signed({ body: 'x'.repeat(512 * KIB + 1) }), statusCode: 413 },
    { name: 'another origin', event: posted(visit(), { origin: 'https://evil.example' }), statusCode: 403 },
    { name: 'a wrong visit', event: posted({ visitorId: 7 }), statusCode: 400 },
    {
      name: 'a queue that refuses',
      event: signed(),
      parts: { send: failing(new Error()) },
      statusCode: 500,
    },
    {
      name: 'a queue that is given too much',
      event: signed(),
      parts: { send: failing(new ThrottledError()) },
      statusCode: 429,
    },
    {
      name: 'a secret that cannot be read',
      event: signed(),
      parts: { secret: secretThatFails(new Error()) },
      statusCode: 500,
    },
    {
      name: 'a secret that is not filled in',
      event: signed(),
      parts: { secret: secretThatFails(new MisconfiguredError()) },
      statusCode: 503,
    },
    {
      name: 'a key of signals that is none',
      event: signedSignals(JSON.stringify(signal())),
      parts: { secret: fixedSecret({ clientSecret: CLIENT_SECRET, signalsSecret: 'whsec_%%' }) },
      statusCode: 503,
    },
    {
      name: 'a visit that the queue refuses',
      event: posted(),
      parts: { send: failing(new TypeError()) },
      statusCode: 500,
    },
  ])('$name: $statusCode', async ({ event, parts, statusCode }) => {
    const answer = await door(parts).ingest(event);

    expect(answer.statusCode).toBe(statusCode);
    expect(['content-type', 'retry-after']).toEqual(
      expect.arrayContaining(Object.keys(answer.headers ?? {})),
    );
    for (const pattern of INTERNALS) expect(JSON.stringify(answer)).not.toMatch(pattern);
  });

  test('where a score is asked for: 500', async () => {
    const explain = createExplain({
      clock: () => NOW_MS,
      model: everyEntranceModel(),
      portalId: '33',
      timeZone: 'UTC',
      contacts: { readLiving: failing(new Error()) },
      logger: { info: () => {}, error: () => {} },
    });

    const answer = await explain({ ...eventOf({ method: 'GET' }), pathParameters: { id: '7' } });

    expect(answer.statusCode).toBe(500);
    for (const pattern of INTERNALS) expect(String(answer.body)).not.toMatch(pattern);
  });

  test('the very same, whatever is wrong with a signature: nobody learns how near it is', async () => {
    const aged = String(NOW_MS - 6 * 60_000);
    const events = [
      eventOf({}),
      signed({}, 'another'),
      signed({ headers: { 'x-hubspot-signature-v3': 'AAAA' } }),
      signed({ headers: { 'x-hubspot-request-timestamp': 'soon' } }),
      signed({}, CLIENT_SECRET, `https://${DOMAIN}`, aged),
      signed({}, CLIENT_SECRET, 'https://evil.example'),
      signedV2(),
      other(signedSignals('{}'), { body: '[]' }),
      signedSignals('{}', { at: new Date(0) }),
    ];

    const answers = await Promise.all(events.map((event) => door().ingest(event)));

    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(saidBy(answers[0] ?? {})).toEqual({
      message: 'the signature does not match',
      see: 'docs/troubleshooting.md#401',
    });
  });
});

describe('a refused signature', () => {
  const body = '{"email":"canary@example.com"}';
  const headers = {
    'x-hubspot-signature-v3': 'canary',
    'x-hubspot-request-timestamp': String(NOW_MS),
    'webhook-id': 'canary',
    authorization: 'canary',
  };

  test.each(['/webhooks/hubspot', '/webhooks/workflow', '/signals'] as const)(
    'on %s is one line of the log, with its route, its size and why, and nothing that the caller sent',
    async (route) => {
      const { status, logged, counted, sent } = door();

      expect(await status(eventOf({ route, body, headers, query: 'email=canary@example.com' }))).toBe(401);

      expect(logged).toEqual([
        ['request refused', { route, reason: 'the signature does not match', bytes: body.length }],
      ]);
      expect([...counted]).toEqual([['RefusedSignature', 1]]);
      expect(sent).toEqual([]);
    },
  );

  test('holds no secret either, and no line is forgotten under a flood', async () => {
    const { status, logged } = door({
      secret: fixedSecret({ clientSecret: 'canary-secret', signalsSecret: SIGNALS_SECRET }),
    });

    for (let at = 0; at < 100; at++) await status(signed({}, `another ${at}`));

    expect(logged).toHaveLength(100);
    expect(JSON.stringify(logged)).not.toMatch(/canary|another/);
  });
});
