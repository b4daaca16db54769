import { randomInt } from 'node:crypto';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { Webhook } from 'standardwebhooks';
import type { WebhookSecret } from '../../lambdas/events/authenticity.ts';
import type { Route } from '../../lambdas/events/envelope.ts';
import { signV2, webhookHeaders } from '../../local/hubspot/sign.ts';
import { type HttpApi, startHttpApi } from '../../local/runner/http-api.ts';
import { S1, S3, S3X, VECTORS } from '../events/vectors.ts';
import {
  CLIENT_SECRET,
  DOMAIN,
  door,
  eventOf,
  fixedSecret,
  NOW_MS,
  SIGNALS_SECRET,
  signal,
  signed,
  signedSignals,
  signedV2,
} from './requests.ts';

const MINUTE_MS = 60_000;
const QUERY = 'portal=33&from=%40hub%28app%29&name=a%20b';
const SIGNALS = JSON.stringify(signal());
const WORKFLOW = { route: '/webhooks/workflow', body: '{"contactId":7,"signal":"webinar"}' } as const;
const EVENTS = { body: '[{"objectId":7,"propertyValue":"Zoë 🚀"}]', query: QUERY } as const;

/** Every way to sign a request that a door takes. */
const SIGNED = [
  { kind: 'a webhook, v3', make: (secret?: string) => signed(EVENTS, secret) },
  { kind: 'a workflow, v3', make: (secret?: string) => signed({ ...WORKFLOW, query: QUERY }, secret) },
  { kind: 'a workflow, v2', make: (secret?: string) => signedV2({ ...WORKFLOW, query: QUERY }, secret) },
  {
    kind: 'own signals',
    make: (key = SIGNALS_SECRET) => signedSignals(SIGNALS, { key }),
  },
];
const open = (secret?: WebhookSecret) =>
  door({ env: { WORKFLOW_V2: 'true' }, ...(secret && { secret: fixedSecret(secret) }) });

describe('vectors that others published', () => {
  test.each([
    ...VECTORS.filter(({ uri }) => uri.startsWith(S1.uri)).map((vector) => ({
      vector,
      v3: vector.v3,
      statusCode: vector.body.startsWith('[') ? 202 : 400,
    })),
    { vector: { ...S3, name: 'an encoded query that was not decoded' }, v3: S3X, statusCode: 401 },
  ])('$vector.name gets $statusCode', async ({ vector, v3, statusCode }) => {
    const { status, sent } = door({
      env: { PUBLIC_URL: 'https://hooks.example.com' },
      secret: fixedSecret({ clientSecret: vector.secret }),
    });
    const headers = { 'x-hubspot-request-timestamp': vector.timestamp, 'x-hubspot-signature-v3': v3 };
    const query = vector.uri.split('?')[1] ?? '';

    expect(await status(eventOf({ body: vector.body, query, headers }))).toBe(statusCode);
    expect(sent).toHaveLength(statusCode === 202 ? 1 : 0);
  });

  test('the example of the Standard Webhooks specification gets in while it is fresh, and no longer', async () => {
    // https://github.com/standard-webhooks/standard-webhooks, the vector that its libraries share.
    const at = new Date(1614265330_000);
    const { now } = Date;
    const { status } = open({
      clientSecret: CLIENT_SECRET,
      signalsSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    });
    const event = eventOf({
      route: '/signals',
      body: '{"test": 2432232314}',
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
    });

    Date.now = () => at.getTime();
    const fresh = await status(event).finally(() => void (Date.now = now));

    expect(fresh).toBe(400); // It is authentic, and no signal.
    expect(await status(event)).toBe(401);
  });
});

/** Text or bytes with one bit turned. */
function turned(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

const turnedText = (given: string, bit: number) =>
  turned(Buffer.from(given, 'latin1'), bit).toString('latin1');

/** Each part of a request with how to turn one of its bits. */
function partsOf(event: APIGatewayProxyEventV2) {
  const { headers, rawPath, rawQueryString: query, requestContext } = event;
  const body = Buffer.from(event.body ?? '');
  const ofHeader = (name: string) => ({
    part: name,
    bits: (headers[name] ?? '').length * 8,
    turn: (bit: number) => ({
      ...event,
      headers: { ...headers, [name]: turnedText(headers[name] ?? '', bit) },
    }),
  });
  const parts = [
    {
      part: 'body',
      bits: body.length * 8,
      turn: (bit: number) => ({
        ...event,
        body: turned(body, bit).toString('base64'),
        isBase64Encoded: true,
      }),
    },
    {
      part: 'host',
      bits: DOMAIN.length * 8,
      turn: (bit: number) => ({
        ...event,
        requestContext: { ...requestContext, domainName: turnedText(DOMAIN, bit) },
      }),
    },
    {
      part: 'path',
      bits: rawPath.length * 8,
      turn: (bit: number) => ({ ...event, routeKey: `POST ${turnedText(rawPath, bit)}` }),
    },
    {
      part: 'query',
      bits: query.length * 8,
      turn: (bit: number) => ({ ...event, rawQueryString: turnedText(query, bit) }),
    },
    ...Object.keys(headers).map(ofHeader),
  ];
  // Standard Webhooks sign no address: an id, a time and a body.
  return parts.filter(({ part }) => rawPath !== '/signals' || !['host', 'query'].includes(part));
}

test.each(SIGNED)('$kind: of 10,000 random single-bit mutations none gets in', async ({ make }) => {
  const { status, sent } = open();
  const event = make();
  const parts = partsOf(event);
  expect(await status(event)).toBe(202);

  const accepted: string[] = [];
  for (let at = 0; at < 10_000; at++) {
    const { part, bits, turn } = parts[at % parts.length] ?? raise();
    const bit = randomInt(bits);
    const statusCode = await status(turn(bit));
    if (statusCode !== 401 && statusCode !== 404) accepted.push(`${part}, bit ${bit}: ${statusCode}`);
  }

  expect(accepted).toEqual([]);
  expect(sent).toHaveLength(1);
});

function raise(): never {
  throw new Error('no such part');
}

describe('when a request says it was signed', () => {
  test.each([
    { at: NOW_MS, statusCode: 202, because: 'this very moment' },
    { at: NOW_MS - 5 * MINUTE_MS, statusCode: 202, because: 'HubSpot lets requests be 5 minutes old' },
    { at: NOW_MS - 5 * MINUTE_MS - 1, statusCode: 401, because: 'it is older' },
    { at: NOW_MS + MINUTE_MS, statusCode: 202, because: 'clocks differ by a minute' },
    { at: NOW_MS + MINUTE_MS + 1, statusCode: 401, because: 'by no more' },
    { at: NOW_MS / 1000, statusCode: 401, because: 'seconds are a time in 1970' },
    { at: 0, statusCode: 401, because: 'that is 1970 too' },
    { at: '999999999999999', statusCode: 401, because: 'that is the year 33658' },
    { at: `${NOW_MS}.5`, statusCode: 401, because: 'it is no whole number' },
    { at: `-${NOW_MS}`, statusCode: 401, because: 'it lies before 1970' },
    { at: '1e400', statusCode: 401, because: 'it is no time' },
    { at: 'NaN', statusCode: 401, because: 'nothing is older than that, nor newer' },
    { at: `${NOW_MS},${NOW_MS}`, statusCode: 401, because: 'it says so twice' },
  ])('$at: $statusCode, since $because', async ({ at, statusCode }) => {
    const { status } = open();

    expect(await status(signed(EVENTS, CLIENT_SECRET, `https://${DOMAIN}`, at))).toBe(statusCode);
    expect(await status(signed(WORKFLOW, CLIENT_SECRET, `https://${DOMAIN}`, at))).toBe(statusCode);
  });

  test.each([
    { minutes: 0, statusCode: 202 },
    { minutes: -4, statusCode: 202 },
    { minutes: -6, statusCode: 401 },
    { minutes: 6, statusCode: 401 },
    { minutes: -30 * 365 * 24 * 60, statusCode: 401 },
    { minutes: 1000 * 365 * 24 * 60, statusCode: 401 },
  ])('own signals, $minutes minutes from now: $statusCode', async ({ minutes, statusCode }) => {
    const at = new Date(Date.now() + minutes * MINUTE_MS);
    expect(await open().status(signedSignals(SIGNALS, { at }))).toBe(statusCode);
  });

  test('own signals: a time is digits and nothing else, though a lenient reader would find the same in it', async () => {
    const event = signedSignals(SIGNALS);
    const at = event.headers['webhook-timestamp'] ?? '';

    for (const said of [`${at},${at}`, `${at} `, ` ${at}`, `+${at}`, `${at}.5`, `${at}junk`, `${at}e0`])
      expect(
        await open().status({ ...event, headers: { ...event.headers, 'webhook-timestamp': said } }),
      ).toBe(401);
  });
});

type Headers = readonly (readonly [name: string, value: string])[];

const withOne = (headers: Headers, name: string, value: string): Headers => [...headers, [name, value]];
const routeOf = (kind: string): Route => (kind === 'signals' ? '/signals' : '/webhooks/workflow');
/** Whether a header is a list, with spaces between its parts. */
const isListed = (name: string) => name === 'Webhook-Signature';

/** As over a network: a gateway in front of the door gives headers in lower case, withOne ones joined by a comma. */
describe('headers', () => {
  let api: HttpApi;
  let sent: unknown[];

  beforeEach(async () => {
    sent = [];
    const { ingest } = door({
      clock: Date.now,
      env: { WORKFLOW_V2: 'true' },
      send: async (envelope) => void sent.push(envelope),
    });
    const behind = async (event: unknown) => {
      if (!isRequest(event)) throw new TypeError('the gateway gave something else');
      return ingest(event);
    };
    const routes = (['/webhooks/hubspot', '/webhooks/workflow', '/signals'] as const).map((route) => ({
      routeKey: `POST ${route}`,
      functionArn: 'ingest',
    }));
    api = await startHttpApi(0, routes, Date.now, () => functionThat(behind));
  });
  afterEach(() => api.stop());

  async function post(route: Route, body: string, headers: Headers): Promise<number | undefined> {
    const sending = request(`${api.url}${route}`, { method: 'POST', headers: headers.flat() });
    return new Promise((resolve, reject) => {
      sending.once('error', reject);
      sending.once('response', (response) => {
        void buffer(response).then(() => resolve(response.statusCode));
      });
      sending.end(body);
    });
  }

  const BODY = '{"contactId":7}';
  const base = () => api.url.replace('http:', 'https:'); // The door knows no other scheme.

  /** What HubSpot sends, names in its own letter case; v3 with its time, v2, or what a system of one's own sends. */
  function headersOf(kind: 'v3' | 'v2' | 'signals', address = `${base()}/webhooks/workflow`): Headers {
    const host = ['Host', new URL(api.url).host] as const;
    if (kind === 'signals') {
      const at = new Date();
      return [
        host,
        ['Webhook-Id', 'msg_1'],
        ['Webhook-Timestamp', String(Math.floor(at.getTime() / 1000))],
        ['Webhook-Signature', new Webhook(SIGNALS_SECRET).sign('msg_1', at, SIGNALS)],
      ];
    }
    const asked = { method: 'POST', uri: address, body: BODY, secret: CLIENT_SECRET };
    const all = webhookHeaders({ ...asked, timestamp: Date.now() });
    if (kind === 'v2') return [host, ['X-HubSpot-Signature', signV2(asked)]];
    return [
      host,
      ['X-HubSpot-Request-Timestamp', all['x-hubspot-request-timestamp'] ?? ''],
      ['X-HubSpot-Signature-v3', all['x-hubspot-signature-v3'] ?? ''],
    ];
  }
  const send = (kind: 'v3' | 'v2' | 'signals', headers: Headers) =>
    post(routeOf(kind), kind === 'signals' ? SIGNALS : BODY, headers);

  const KINDS = ['v3', 'v2', 'signals'] as const;

  test.each(KINDS)('of %s may be in any letter case, and have spaces around them', async (kind) => {
    const headers = headersOf(kind);
    const written = [
      headers,
      headers.map(([name, value]) => [name.toUpperCase(), value] as const),
      headers.map(([name, value]) => [name.toLowerCase(), `  ${value}\t`] as const),
    ];

    for (const each of written) expect(await send(kind, each)).toBe(202);
    expect(sent).toHaveLength(3);
  });

  test.each(KINDS)('of %s are all needed, each once, by their own names', async (kind) => {
    const headers = headersOf(kind);
    const wrong = headers
      .filter(([name]) => name !== 'Host')
      .flatMap(([name, value]) => {
        const others = headers.filter(([other]) => other !== name);
        const given: Headers[] = [
          others,
          [...others, [name, '']],
          [...others, [name.replaceAll('-', '_'), value]],
          [...others, [`${name}-`, value]],
          ...(isListed(name) ? [] : [withOne(headers, name, value)]),
          ...(isListed(name) ? [] : [withOne(headers, name.toLowerCase(), value)]),
          [[name, 'AAAA'], ...headers],
          [...others, [name, `AAAA,${value}`]],
          ...(isListed(name) ? [] : [withOne(others, name, `${value}, AAAA`)]),
          [...others, [name, `"${value}"`]],
          [...others, [name, `[${value}]`]],
        ];
        return given;
      });

    for (const each of wrong) expect([each, await send(kind, each)]).toEqual([each, 401]);
    expect(sent).toEqual([]);
  });

  test('of v3 do not count under the name of older signatures, nor do those under its name', async () => {
    const [host, timestamp, v3] = headersOf('v3');
    const [, v2] = headersOf('v2');
    if (!host || !timestamp || !v3 || !v2) throw new Error('headers are missing');

    expect(await send('v3', [host, timestamp, ['X-HubSpot-Signature', v3[1]]])).toBe(401);
    expect(await send('v3', [host, timestamp, ['X-HubSpot-Signature-v3', v2[1]]])).toBe(401);
    expect(await send('v3', [host, timestamp, ['X-HubSpot-Signature-v3', 'AAAA'], v2])).toBe(401); // Not saved by v2.
  });

  test('of own signals may list several signatures, of which one is right', async () => {
    const [host, id, timestamp, signature] = headersOf('signals');
    if (!host || !id || !timestamp || !signature) throw new Error('headers are missing');
    const listed = (value: string) => send('signals', [host, id, timestamp, [signature[0], value]]);

    expect(await listed(`v1,AAAA v1a,BBBB ${signature[1]}`)).toBe(202);
    expect(await listed(`v1,AAAA v1a,${signature[1].slice(3)} v2,${signature[1].slice(3)}`)).toBe(401);
    expect(await listed(Array(1000).fill('v1,A').join(' '))).toBe(401);
  });

  const LIES: Headers = [
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Port', '1'],
    ['X-Forwarded-Prefix', '/other'],
    ['Forwarded', 'host=evil.example;proto=http'],
    ['X-Original-Url', 'http://evil.example/signals'],
    ['X-Rewrite-Url', '/signals'],
    ['X-HTTP-Method-Override', 'GET'],
  ];

  test.each(KINDS)('that tell of another host, way or method change nothing for %s', async (kind) => {
    const headers = headersOf(kind).filter(([name]) => name !== 'Host');

    expect(await send(kind, [['Host', 'evil.example'], ...headers, ...LIES])).toBe(202);
    expect(sent).toMatchObject([{ route: routeOf(kind) }]);
  });

  test.each(['v3', 'v2'] as const)('make no signature of %s over another address good', async (kind) => {
    for (const address of ['https://evil.example', 'http://evil.example', 'https://evil.example/other']) {
      const headers = headersOf(kind, `${address}/webhooks/workflow`).filter(([name]) => name !== 'Host');

      expect(await send(kind, [['Host', 'evil.example'], ...headers, ...LIES])).toBe(401);
    }
    expect(sent).toEqual([]);
  });
});

/** What the gateway of the local run makes is of this form. */
function isRequest(event: unknown): event is APIGatewayProxyEventV2 {
  return typeof event === 'object' && event !== null && 'routeKey' in event && 'requestContext' in event;
}

function functionThat(invoke: (event: unknown) => Promise<unknown>) {
  return {
    plan: {
      door: 'ingest',
      name: 'ingest',
      arn: 'ingest',
      assetDirectory: '',
      handler: 'index.handler',
      memoryMegabytes: 512,
      timeoutSeconds: 10,
      environment: {},
      logGroup: '',
    },
    variables: {},
    invoke,
    busy: () => 0,
    pids: async () => [],
    stop: async () => {},
  };
}

const keyOf = (text: string) => `whsec_${Buffer.from(text).toString('base64')}`;

describe('a rotation', () => {
  const NEW = { clientSecret: 'new-secret', signalsSecret: keyOf('the key that is new') };
  const OLD = { previousClientSecret: 'old-secret', previousSignalsSecret: keyOf('the key before it') };
  const secretOf = (kind: string, which: 'new' | 'old' | 'older') =>
    kind === 'own signals'
      ? { new: NEW.signalsSecret, old: OLD.previousSignalsSecret, older: keyOf('one before that') }[which]
      : `${which}-secret`;

  test.each(SIGNED)(
    '$kind: both secrets let in while both are filled in, then the new one alone',
    async ({ kind, make }) => {
      const during = open({ ...NEW, ...OLD });
      const after = open(NEW);

      expect(await during.status(make(secretOf(kind, 'new')))).toBe(202);
      expect(await during.status(make(secretOf(kind, 'old')))).toBe(202);
      expect(await during.status(make(secretOf(kind, 'older')))).toBe(401);
      expect(await after.status(make(secretOf(kind, 'new')))).toBe(202);
      expect(await after.status(make(secretOf(kind, 'old')))).toBe(401);
    },
  );
});
