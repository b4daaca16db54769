import { createHmac } from 'node:crypto';
import { readMessages } from '../../lambdas/events/messages.ts';
import { countingModel, PORTAL } from '../events/fixture.ts';
import { createTable, ENGINES, type Engine, startDynalite } from '../store/table.ts';
import {
  CLIENT_SECRET,
  DOMAIN,
  door,
  eventOf,
  KIB,
  NOW_MS,
  posted,
  saidBy,
  signal,
  signed,
  signedSignals,
  signedV2,
  visit,
} from './requests.ts';
import { createSystem } from './system.ts';

const change = (more: object = {}) => ({
  portalId: 33,
  occurredAt: NOW_MS - 1000,
  subscriptionType: 'contact.propertyChange',
  objectId: 7,
  propertyName: 'jobtitle',
  propertyValue: 'Head of IT',
  ...more,
});

let dynalite: Engine;

beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite.stop());

/** A webhook whose bytes are no text. */
function signedBytes(body: Buffer) {
  const v3 = createHmac('sha256', CLIENT_SECRET)
    .update(`POSThttps://${DOMAIN}/webhooks/hubspot`)
    .update(body)
    .update(String(NOW_MS))
    .digest('base64');
  const headers = { 'x-hubspot-request-timestamp': String(NOW_MS), 'x-hubspot-signature-v3': v3 };
  return eventOf({ body, isBase64Encoded: true, headers });
}

describe('bytes', () => {
  test.each([
    { name: 'a byte that begins nothing', bytes: [0xff] },
    { name: 'half a letter', bytes: [0xc3] },
    { name: 'a letter written longer than it is', bytes: [0xc0, 0xaf] },
    { name: 'half of a pair, written by itself', bytes: [0xed, 0xa0, 0x80] },
    { name: 'a letter beyond Unicode', bytes: [0xf4, 0x90, 0x80, 0x80] },
  ])('that are no UTF-8 are refused, though they are signed: $name', async ({ bytes }) => {
    const { ingest, sent } = door();
    const body = Buffer.concat([Buffer.from('["'), Buffer.from(bytes), Buffer.from('"]')]);

    const answer = await ingest(signedBytes(body));

    expect(answer.statusCode).toBe(400);
    expect(saidBy(answer)).toMatchObject({ problems: ['the body is not JSON in UTF-8'] });
    expect(sent).toEqual([]);
  });

  test('that read as one text are not mistaken for another body: own signals are signed as text', async () => {
    const { status, sent } = door();
    const event = signedSignals('{"signal":"\uFFFD"}', { isBase64Encoded: true });
    const body = Buffer.concat([Buffer.from('{"signal":"'), Buffer.from([0xff]), Buffer.from('"}')]);

    expect(await status({ ...event, body: body.toString('base64') })).toBe(400);
    expect(sent).toEqual([]);
  });

  test.each([
    {
      body: '[{"propertyValue":"Zoë – 東京 🚀\\u0000\\uffff\uffff\ufffe"}]',
      isBase64Encoded: false,
      because: 'as text',
    },
    {
      body: '[{"propertyValue":"Zoë – 東京 🚀\\u0000\\uffff\uffff\ufffe"}]',
      isBase64Encoded: true,
      because: 'as base64',
    },
    { body: '\uFEFF[]', isBase64Encoded: true, because: 'with a byte order mark' },
  ])('of a body go on as they came, handed over $because', async ({ body, isBase64Encoded }) => {
    const { status, sent } = door();

    expect(await status(signed({ body, isBase64Encoded }))).toBe(202);
    expect(Buffer.from(sent[0]?.body ?? '', 'base64').toString()).toBe(body);
  });
});

const filledWith = (text: string) => `["${text.repeat((512 * KIB - 4) / Buffer.byteLength(text))}"]`;

describe('512 KiB', () => {
  test.each([
    { name: 'letters', text: 'x' },
    { name: 'quotes', text: '\\"' },
    { name: 'noncharacters, which SQS takes in no message', text: '\uffff' },
    { name: 'control characters', text: '\\u0000\\u0001' },
    { name: 'emoji', text: '🚀' },
    { name: 'halves of pairs', text: '\\ud83d' },
  ])('of $name are taken, fit a message, and are a dead letter that fits one too', async ({ text }) => {
    const system = createSystem(await createTable(dynalite));
    const body = filledWith(text);
    const padded = body.padEnd(body.length + 512 * KIB - Buffer.byteLength(body));

    expect(Buffer.byteLength(padded)).toBe(512 * KIB);
    expect(await system.post(signed({ body: padded }))).toBe(202);
    expect(await system.drain()).toBe(0);
    expect(system.letters()).toEqual([
      { reason: expect.stringContaining("not an event of HubSpot's"), event: expect.anything() },
    ]);
  });

  test.each([
    { name: 'one byte more', body: `["${'x'.repeat(512 * KIB - 3)}"]` },
    { name: 'fewer letters, but more bytes', body: `["${'ë'.repeat(256 * KIB - 1)}"]` },
    { name: '400,000 keys', body: `{${Array.from({ length: 400_000 }, (_, at) => `"${at}":0`).join(',')}}` },
  ])('are the limit of every route; $name: 413, unread and unverified', async ({ body }) => {
    const { ingest, sent } = door({
      env: { WORKFLOW_V2: 'true' },
      secret: { read: () => Promise.reject(new Error('asked for the secret')), refresh: async () => false },
    });
    for (const event of [
      signed({ body }),
      signed({ body, isBase64Encoded: true }),
      signed({ route: '/webhooks/workflow', body }),
      signedV2({ body }),
      signedSignals(body),
    ]) {
      const answer = await ingest(event);

      expect(answer.statusCode).toBe(413);
      expect(saidBy(answer)).toEqual({ message: 'the body is too large', largestBytes: 524_288 });
    }
    expect(sent).toEqual([]);
  });

  test('of quotes and nothing else are no JSON', async () => {
    expect(await door().status(signed({ body: '"'.repeat(512 * KIB) }))).toBe(400);
  });
});

test('of what a page posts 8 KiB are taken, and not one byte more', async () => {
  const { status, sent } = door();
  const largest = JSON.stringify(visit()).padEnd(8 * KIB);

  expect(await status(posted(largest))).toBe(202);
  expect(await status(posted(`${largest} `))).toBe(413);
  expect(sent).toHaveLength(1);
});

describe.each(ENGINES)('texts of an event, over $name,', ({ start }) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());

  test.each([
    { given: 'Zoë 🚀', kept: 'Zoë 🚀', because: 'letters are letters' },
    { given: 'a\u0000b\u001f', kept: 'a\u0000b\u001f', because: 'so are control characters' },
    { given: 'a\uffff\ufffe', kept: 'a\uffff\ufffe', because: 'so are noncharacters' },
    { given: 'a\ufeffb', kept: 'a\ufeffb', because: 'so is a byte order mark inside' },
    { given: 'a\ud83d', kept: 'a\ufffd', because: 'the first half of a pair is no letter' },
    { given: '\ude80a', kept: '\ufffda', because: 'nor is the second' },
    { given: `${'x'.repeat(1023)}🚀`, kept: `${'x'.repeat(1023)}\ufffd`, because: 'none is cut in half' },
    { given: '"'.repeat(2000), kept: '"'.repeat(1024), because: 'long ones are cut' },
    {
      given: "'; DROP TABLE contacts; --",
      kept: "'; DROP TABLE contacts; --",
      because: 'no text is an order',
    },
  ])('are kept, and the events beside them too: $because', async ({ given, kept }) => {
    const system = createSystem(await createTable(engine));
    const body = JSON.stringify([change({ propertyValue: given }), change({ objectId: 8 })]);
    const workflow = JSON.stringify({ contactId: '9', jobtitle: given });

    expect(await system.post(signed({ body }))).toBe(202);
    expect(await system.post(signed({ route: '/webhooks/workflow', body: workflow }))).toBe(202);

    expect([await system.drain(), system.errors, system.letters()]).toEqual([0, [], []]);
    for (const [contact, value] of [
      ['7', kept],
      ['8', 'Head of IT'],
      ['9', kept],
    ] as const)
      expect(await system.rows(contact)).toContainEqual(
        expect.objectContaining({ sk: 'property#jobtitle', value }),
      );
  });
});

test.each(['a\ud83d@example.com', 'a@\ude80.example', 'a\ud83d\ud83d\ude80@example.com'])(
  'an address with half a character is none: %j',
  async (email) => {
    const system = createSystem(await createTable(dynalite));
    const body = JSON.stringify({ email, signal: 'webinar.attended' });

    expect(await system.post(signedSignals(JSON.stringify(signal({ contactId: undefined, email }))))).toBe(
      400,
    );
    expect(await system.post(signed({ route: '/webhooks/workflow', body }))).toBe(202);
    expect([await system.drain(), system.letters().length]).toEqual([0, 1]);
    const whole = signal({ contactId: undefined, email: 'zoë🚀@example.com' });
    expect(await system.post(signedSignals(JSON.stringify(whole)))).toBe(202);
  },
);

/** How each entrance names a contact by a number as it stands, and what comes of it. */
const ENTRANCES = [
  {
    entrance: 'a webhook',
    event: (id: string) =>
      signed({ body: JSON.stringify([change({ objectId: 0 })]).replace('"objectId":0', `"objectId":${id}`) }),
  },
  {
    entrance: "a workflow's own body",
    event: (id: string) =>
      signed({ route: '/webhooks/workflow', body: `{"contactId":${id},"signal":"webinar.attended"}` }),
  },
  {
    entrance: "HubSpot's default body",
    event: (id: string) =>
      signed({
        route: '/webhooks/workflow',
        body: `{"vid":${id},"properties":{"jobtitle":{"value":"CEO","timestamp":${NOW_MS}}}}`,
      }),
  },
  {
    entrance: 'a signal',
    event: (id: string) => signedSignals(JSON.stringify(signal()).replace('"7"', id)),
  },
];

describe.each(ENTRANCES)('an id in $entrance', ({ event }) => {
  test.each([
    { written: '541935488729', id: '541935488729' },
    { written: '9007199254740993', id: '9007199254740993' },
    { written: '"9007199254740993"', id: '9007199254740993' },
    { written: '18446744073709551615', id: '18446744073709551615' },
    { written: '"18446744073709551615"', id: '18446744073709551615' },
  ])('$written keeps every digit', async ({ written, id }) => {
    const table = await createTable(dynalite);
    const system = createSystem(table);

    expect(await system.post(event(written))).toBe(202);
    expect([await system.drain(), system.letters()]).toEqual([0, []]);
    const partitions = new Set((await table.rows()).map(({ pk }) => pk));
    expect([...partitions]).toEqual([`33#${id}`]);
  });

  test.each([
    '9007199254740993.0',
    '9.007199254740993e15',
    '1e19',
    '1e400',
    '-1e400',
    '-7',
    '7.5',
    '"NaN"',
    '"1e3"',
    '"0x7"',
    '" 7"',
    '"007"',
    '"0"',
    '"７"',
    '"7#head"',
    '123456789012345678901',
    '[7]',
    'true',
  ])('%s is none: refused at the door, or a dead letter, and no row', async (written) => {
    const table = await createTable(dynalite);
    const system = createSystem(table);

    const status = await system.post(event(written));

    expect(await system.drain()).toBe(0);
    expect([status, system.letters().length]).toEqual(status === 202 ? [202, 1] : [400, 0]);
    expect(await table.rows()).toEqual([]);
  });
});

const eventWith = (field: string, written: string, more: object = {}) =>
  JSON.stringify({ ...change({ portalId: PORTAL, ...more }), [field]: 0 }).replace(
    `"${field}":0`,
    `"${field}":${written}`,
  );

describe('a number', () => {
  test.each(['NaN', 'Infinity', '07', '0x7', '7n', '+7', '.7'])('%s is no JSON', async (written) => {
    expect(await door().status(signed({ body: `[{"objectId":${written}}]` }))).toBe(400);
  });

  const context = { model: countingModel(), portalId: PORTAL, ownAppIds: [] };
  const heard = (event: string) => {
    const body = Buffer.from(`[${event}]`).toString('base64');
    const envelope = { portalId: PORTAL, route: '/webhooks/hubspot', receivedAtMs: NOW_MS, body };
    const [message] = readMessages([{ messageId: 'm', body: JSON.stringify(envelope) }], context);
    return message;
  };
  test.each(['1e400', '-1e400', '-0', '"NaN"', '1e15', '-1'])('of a time, %s: a dead letter', (written) => {
    expect(heard(eventWith('occurredAt', written))).toMatchObject({
      heard: [],
      rejected: [expect.anything()],
    });
  });

  test.each(['1e400', '"1e400"', '"NaN"', '1e12', '"-1e300"', '"1e-400x"'])(
    'of a count, %s: no points of it',
    (written) => {
      const named = { propertyName: 'hs_analytics_num_page_views' };
      const facts = heard(eventWith('propertyValue', written, named))?.heard.flatMap((each) => each.facts);
      expect(facts).toEqual([]);
    },
  );

  test('of a count, -0: the same fact as 0', () => {
    const named = { propertyName: 'hs_analytics_num_page_views' };
    const [minus, zero, text] = ['-0', '0', '"-0.0"'].map((written) =>
      heard(eventWith('propertyValue', written, named))?.heard.flatMap((each) => each.facts),
    );

    expect(zero).toMatchObject([{ value: '0' }]);
    expect([minus, text]).toEqual([zero, zero]);
  });
});
