// Visits and whose browser is whose, from the message to the table and to what is sent for it.
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Envelope } from '../../lambdas/events/envelope.ts';
import { createScorer } from '../../lambdas/scorer.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { dealsKept } from '../../lambdas/store/associations.ts';
import { contactKey, emailKey, visitorKey } from '../../lambdas/store/keys.ts';
import type { WriteRequest } from '../../lambdas/store/queues.ts';
import { type Recorded, recorded } from '../recorded.ts';
import { modelOf } from '../scoring/model-of.ts';
import {
  type Client,
  type Command,
  createTable,
  type Engine,
  startDynalite,
  type Table,
  watched,
} from '../store/table.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const BROWSER = 'fV9cQmXo3oU1q0y0Yb7w-A';
const SESSION = 'kX2b7c1TQ9m0a8e5d4c3b-';
const WITH_VISITS = modelOf(`attribution: {}
fit: { rules: [{ id: city, title: City, property: city, known: true, points: 1 }] }`);
const key = (id: number) => contactKey('33', String(id));

let engine: Engine;
let table: Table;
let changes: WriteRequest[];
let background: WriteRequest[];
let measures: Recorded;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  table = await createTable(engine);
  changes = [];
  background = [];
  measures = recorded();
});

interface How {
  readonly model?: Model;
  readonly client?: Client;
  readonly isAgain?: boolean;
}

async function deliver(
  envelopes: readonly Partial<Envelope>[],
  { model = WITH_VISITS, client = table.client, isAgain = false }: How = {},
) {
  const run = createScorer({
    clock: () => NOW,
    model,
    portalId: '33',
    ownAppIds: [],
    timeZone: 'UTC',
    contacts: table.contacts({ clock: () => NOW, client }),
    companies: table.companies({ clock: () => NOW, client }),
    deals: table.deals({ clock: () => NOW, client }),
    identityKey: { read: async () => ({ key: 'a key for tests' }), refresh: async () => false },
    writeBack: {
      changes: async (requests) => void changes.push(...requests),
      urgent: async (requests) => void changes.push(...requests),
      background: async (requests) => void background.push(...requests),
    },
    ...measures,
    noteArrivals: async () => {},
    ticks: async () => {},
    reject: async () => {},
    logger: { info: () => {}, warn: () => {}, error: () => {} },
  });
  const Records = envelopes.map((envelope, at) => ({
    messageId: `m${at}`,
    body: JSON.stringify({ portalId: '33', receivedAtMs: NOW, ...envelope }),
    receiptHandle: '',
    attributes: {
      ApproximateReceiveCount: isAgain ? '2' : '1',
      SentTimestamp: String(NOW),
      SenderId: '',
      ApproximateFirstReceiveTimestamp: String(NOW),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:local:1:events',
    awsRegion: 'local',
  }));
  return run({ Records });
}

const encoded = (body: unknown) => Buffer.from(JSON.stringify(body)).toString('base64');

/** A visit of the browser, as ingest passes it on. */
function visit(sessionId = SESSION): Partial<Envelope> {
  const seen = { by: 'browser', referrer: 'chatgpt.com', landing: 'https://acme.example/pricing' };
  return { route: '/sessions', body: encoded({ visitorId: BROWSER, sessionId, seen }) };
}

/** Webhooks of HubSpot about a contact. */
function hubSpot(objectId: number, more: object): Partial<Envelope> {
  const event = { portalId: 33, occurredAt: NOW - 1000, objectId, ...more };
  return { route: '/webhooks/hubspot', body: encoded([event]) };
}

function formOf(contactId: number): Partial<Envelope> {
  return hubSpot(contactId, {
    subscriptionType: 'contact.propertyChange',
    propertyName: 'afterglow_visitor_id',
    propertyValue: BROWSER,
  });
}

function signal(messageId: string, more: object): Partial<Envelope> {
  return { route: '/signals', messageId, body: encoded({ occurredAt: NOW - 1000, ...more }) };
}

async function withDeals(contactId: number, ...ids: string[]): Promise<void> {
  const deals = ids.map((id) => ({ id, state: 'open' as const, closedAtMs: undefined }));
  await table.contacts().keep(key(contactId), [], [dealsKept(deals, NOW - 5000)]);
}

const credits = (requests: readonly WriteRequest[]) => requests.filter(({ dealId }) => dealId !== undefined);
const journeyOf = async (id: number) => (await table.contacts().read(key(id)))?.head.shown?.journey;

test('a visit of a browser that is nobody’s is kept, and nobody is written or asked for', async () => {
  const commands: Command[] = [];
  const client = watched(table.client, (command, go) => {
    commands.push(command);
    return go();
  });

  await deliver([visit()], { client });

  expect(await table.rows()).toMatchObject([{ pk: visitorKey('33', BROWSER), name: 'touch' }]);
  expect([...changes, ...background]).toEqual([]);
  expect(commands).toHaveLength(2); // It is kept, and then looked at whose the browser is.
});

test('a form makes the visits the contact’s, which is shown so at once', async () => {
  await deliver([visit()]);

  await deliver([formOf(7)]);

  expect(await journeyOf(7)).toMatchObject({ text: expect.stringContaining('20 Nov 2026') });
  expect(changes).toMatchObject([{ portalId: '33', contactId: '7' }]);
});

test.each([
  { because: 'the form came first', order: [formOf(7), visit()] },
  { because: 'both came in one batch', order: undefined },
  { because: 'all of it came twice', order: [visit(), formOf(7), formOf(7), visit()] },
])('the end is the same when $because', async ({ order }) => {
  if (order === undefined) await deliver([visit(), formOf(7)]);
  else for (const message of order) await deliver([message]);
  // One of a batch may have been scored before the other was kept: what comes next finds both.
  await deliver([formOf(7)]);

  const rows = await table.rows();
  expect(rows.filter(({ sk }) => String(sk).startsWith('touch#')).map(({ pk }) => pk)).toEqual([key(7)]);
  expect(await journeyOf(7)).toMatchObject({ text: expect.stringMatching(/20 Nov 2026$/) });
});

test('a signed signal gives the browser to whoever has the address, once somebody has it', async () => {
  await deliver([
    visit(),
    signal('s1', { signal: 'identify', visitorId: BROWSER, email: 'ada@example.com' }),
  ]);
  expect(changes).toMatchObject([{ email: 'ada@example.com' }]);

  const contacts = table.contacts();
  await contacts.unite(emailKey('33', 'ada@example.com', 'a key for tests'), key(7));
  await deliver([visit('another-session-000000')]);

  expect(await journeyOf(7)).toMatchObject({ text: expect.stringMatching(/×2$/) });
});

test('a visit that browser and server tell of is one', async () => {
  const told = { signal: 'session', visitorId: BROWSER, sessionId: SESSION, contactId: '7' };

  await deliver([visit()]);
  await deliver([signal('s1', { ...told, url: 'https://acme.example/', referrer: 'https://chatgpt.com/' })]);

  expect(await journeyOf(7)).toMatchObject({ text: expect.not.stringContaining('×') });
});

test('a browser that is a contact’s is refused to another, which is counted', async () => {
  await deliver([visit(), formOf(7)]);
  await deliver([formOf(8)]);

  expect(measures.counted.get('VisitorConflicts')).toBe(1);
  expect(await journeyOf(8)).toMatchObject({ text: '' });
});

describe('the deals of a contact are credited anew', () => {
  const CREDITS = ['900', '901'].map((dealId) => ({ portalId: '33', dealId, creditOnly: true }));

  beforeEach(async () => {
    await deliver([formOf(7)]);
    await withDeals(7, '900', '901');
    changes = [];
  });

  test('when it visits', async () => {
    await deliver([visit()]);
    expect(credits(changes).toSorted((a, b) => Number(a.dealId) - Number(b.dealId))).toEqual(CREDITS);
  });

  test('once for a visit that is told twice', async () => {
    const seen = signal('s1', { signal: 'session', contactId: '7', url: 'https://acme.example/' });
    await deliver([seen]);
    expect(credits(changes)).toHaveLength(2);

    await deliver([seen]);
    expect(credits(changes)).toHaveLength(2);
  });

  test('when whoever heard of the visit first died on the way', async () => {
    const seen = signal('s1', { signal: 'session', contactId: '7', url: 'https://acme.example/' });
    let isBroken = true;
    const client = watched(table.client, (command, go) => {
      const isStore =
        command instanceof UpdateCommand && command.input.UpdateExpression?.includes('#rev') === true;
      return isBroken && isStore ? Promise.reject(new Error('died')) : go();
    });
    expect(await deliver([seen], { client })).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
    expect(credits(changes)).toEqual([]);
    isBroken = false;

    await deliver([seen], { client, isAgain: true });

    expect(credits(changes)).toHaveLength(2);
  });

  test('when a browser with visits turns out to be its own', async () => {
    await deliver([formOf(7)]);

    expect(credits(changes)).toHaveLength(2);
  });

  test.each([
    ['deleted', { subscriptionType: 'contact.deletion' }],
    ['erased', { subscriptionType: 'contact.privacyDeletion' }],
  ])('when it is %s: before, in case the one who does it dies, and after', async (_, event) => {
    await deliver([hubSpot(7, event)]);

    expect(credits(background)).toHaveLength(4);
  });

  test('when it is merged away', async () => {
    await deliver([
      hubSpot(9, {
        subscriptionType: 'contact.merge',
        primaryObjectId: 7,
        mergedObjectIds: [8],
        newObjectId: 9,
      }),
    ]);

    expect(credits(background)).toHaveLength(4);
  });

  test('but not for anything else, nor under a model that credits none', async () => {
    const city = { subscriptionType: 'contact.propertyChange', propertyName: 'city', propertyValue: 'Paris' };
    await deliver([hubSpot(7, city)]);
    await deliver([hubSpot(7, { subscriptionType: 'contact.deletion' })], {
      model: modelOf('companyScore: { rollUp: maximum }'),
    });

    expect(credits([...changes, ...background])).toEqual([]);
  });
});

test('privacy deletion leaves nothing of a browser that was the contact’s, and its next visit is anybody’s', async () => {
  await deliver([visit(), formOf(7)]);

  await deliver([hubSpot(7, { subscriptionType: 'contact.privacyDeletion' })]);
  expect((await table.rows()).map(({ pk, life }) => [pk, life])).toEqual([[key(7), 'erased']]);

  await deliver([formOf(7)]); // Late.
  await deliver([visit('another-session-000000')]);
  expect((await table.rows()).map(({ pk }) => pk)).toEqual([key(7), visitorKey('33', BROWSER)]);
});

test('HubSpot saw a visit: the contact is to be read again, and is asked for', async () => {
  await deliver([hubSpot(7, { subscriptionType: 'contact.creation' })]);
  await table.contacts().rescore(key(7), () => ({ ...SCORED }), NOW, NOW - 60_000);
  changes = [];

  await deliver([
    hubSpot(7, {
      subscriptionType: 'contact.propertyChange',
      propertyName: 'hs_latest_source',
      propertyValue: 'AI_REFERRALS',
    }),
  ]);

  expect((await table.contacts().read(key(7)))?.head.readAtMs).toBeUndefined();
  expect(changes).toMatchObject([{ contactId: '7' }]);
});

const SCORED = {
  shown: { score: 1, fit: 1, engagement: 0, grade: 'A', status: 'scored', model: 'm', reasons: '' },
  writeId: 'w',
  dueNight: undefined,
  dueAtMs: undefined,
  lastSignalAtMs: undefined,
} as const;

test('an event of a contact without visits costs what it did under a model that asks for none', async () => {
  const counts = await Promise.all(
    [modelOf('{}'), WITH_VISITS].map(async (model, at) => {
      const commands: Command[] = [];
      const client = watched(table.client, (command, go) => {
        commands.push(command);
        return go();
      });
      const change = {
        subscriptionType: 'contact.propertyChange',
        propertyName: 'city',
        propertyValue: 'Paris',
      };
      await deliver([hubSpot(100 + at, change)], { model, client });
      return [
        commands.length,
        commands.filter((each) => each instanceof PutCommand || each instanceof UpdateCommand).length,
      ];
    }),
  );

  expect(counts[0]).toEqual(counts[1]);
  expect(counts[0]?.[1]).toBe(2); // The property, and the head.
});
