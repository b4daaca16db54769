import { inspect } from 'node:util';
import { PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import type { CompanyTick, Envelope, Tick } from '../lambdas/events/envelope.ts';
import { createScorer, type ScorerParts } from '../lambdas/scorer.ts';
import { checkModel, type Model } from '../lambdas/scoring/model.ts';
import { emailKey } from '../lambdas/store/keys.ts';
import type { Letter, WriteRequest } from '../lambdas/store/queues.ts';
import { type Recorded, recorded } from './recorded.ts';
import {
  type Client,
  type Command,
  createTable,
  type Engine,
  startDynalite,
  type Table,
  watched,
} from './store/table.ts';

const NOW = Date.UTC(2026, 5, 1, 12);
const KEY = 'a key for tests';

function testModel(): Model {
  const checked = checkModel({
    name: 'test',
    fit: { rules: [{ id: 'ceo', title: 'Chief', property: 'jobtitle', contains: ['ceo'], points: 20 }] },
    engagement: {
      signals: [
        {
          id: 'pricing',
          title: 'Pricing',
          from: { kind: 'text', property: 'hs_analytics_last_url', contains: ['/pricing'] },
          points: 10,
          halfLifeDays: 7,
        },
        {
          id: 'login',
          title: 'Login',
          from: { kind: 'signal', signal: 'product.login' },
          points: 5,
          halfLifeDays: 7,
        },
      ],
    },
    grades: {
      bands: [
        { grade: 'A', from: 30 },
        { grade: 'B', from: 0 },
      ],
    },
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

let engine: Engine;
let table: Table;
/** What the scorer sent and logged, and what it finds at its edges. */
let changes: WriteRequest[];
let background: WriteRequest[];
let ticks: (Tick | CompanyTick)[];
let letters: Letter[];
let measures: Recorded;
let logged: string[];
let identityReads: number;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  table = await createTable(engine);
  changes = [];
  background = [];
  ticks = [];
  letters = [];
  measures = recorded();
  logged = [];
  identityReads = 0;
});

function log(...said: unknown[]): void {
  logged.push(inspect(said, { depth: Infinity, showHidden: true }));
}

/** A request without the time of what caused it, which has tests of its own. */
function timeless({ occurredAtMs: _at, ...request }: WriteRequest): WriteRequest {
  return request;
}

function scorer(more: Partial<ScorerParts> & { client?: Client } = {}) {
  return createScorer({
    clock: () => NOW,
    model: testModel(),
    portalId: '33',
    ownAppIds: [],
    timeZone: 'UTC',
    contacts: table.contacts({ clock: () => NOW, ...(more.client && { client: more.client }) }),
    companies: table.companies({ clock: () => NOW, ...(more.client && { client: more.client }) }),
    deals: table.deals({ clock: () => NOW, ...(more.client && { client: more.client }) }),
    identityKey: {
      async read() {
        identityReads += 1;
        return { key: KEY };
      },
      refresh: async () => false,
    },
    writeBack: {
      changes: async (requests) => void changes.push(...requests.map(timeless)),
      background: async (requests) => void background.push(...requests.map(timeless)),
    },
    ...measures,
    noteArrivals: async () => {},
    ticks: async (messages) => void ticks.push(...messages),
    reject: async (rejected) => void letters.push(...rejected),
    logger: { info: log, warn: log, error: log },
    ...more,
  });
}

function record(messageId: string, body: string): SQSRecord {
  return {
    messageId,
    body,
    receiptHandle: '',
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(NOW),
      SenderId: '',
      ApproximateFirstReceiveTimestamp: String(NOW),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:local:1:events',
    awsRegion: 'local',
  };
}

function envelope(body: unknown, more: Partial<Envelope> = {}): Envelope {
  const json = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    portalId: '33',
    route: '/webhooks/hubspot',
    receivedAtMs: NOW,
    body: Buffer.from(json).toString('base64'),
    ...more,
  };
}

/** One message each, `m1`, `m2` and so on. */
function deliver(
  run: ReturnType<typeof scorer>,
  ...messages: (Envelope | Tick | string)[]
): Promise<SQSBatchResponse> {
  return run({
    Records: messages.map((message, at) =>
      record(`m${at + 1}`, typeof message === 'string' ? message : JSON.stringify(message)),
    ),
  });
}

let events = 0;

function change(objectId: number, propertyName: string, propertyValue: unknown, more: object = {}) {
  events += 1;
  return {
    eventId: events,
    portalId: 33,
    occurredAt: NOW,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId,
    propertyName,
    propertyValue,
    changeSource: 'CRM_UI',
    ...more,
  };
}

const pricing = (objectId: number, more: object = {}) =>
  change(objectId, 'hs_analytics_last_url', 'https://example.com/pricing', more);
const ceo = (objectId: number) => change(objectId, 'jobtitle', 'CEO');
const turn = (objectId: number, subscriptionType: string, more: object = {}) => ({
  ...change(objectId, '', ''),
  subscriptionType,
  ...more,
});
const login = (who: object, occurredAt = new Date(NOW).toISOString()) => ({
  signal: 'product.login',
  occurredAt,
  ...who,
});
const signals = (messageId: string, body: object) => envelope(body, { route: '/signals', messageId });

const head = (contactId: number) => table.row(`33#${contactId}`, '#head');
const ALL_WENT_WELL = { batchItemFailures: [] };

/** A client on which one kind of command fails until it is mended, as it does where a function dies or DynamoDB throttles. */
function failing(isFailing: (command: Command) => boolean): { client: Client; mend: () => void } {
  let isMended = false;
  const client = watched(table.client, (command, go) =>
    !isMended && isFailing(command) ? Promise.reject(new Error('the connection broke')) : go(),
  );
  return { client, mend: () => void (isMended = true) };
}

async function confirmed(contactId: number): Promise<void> {
  const row = await head(contactId);
  await table
    .contacts()
    .confirm(`33#${contactId}`, { writeId: String(row?.['wid']), shownAtMs: Number(row?.['shownAt']) });
}

/** Scores again as write-back does when it has read the properties from HubSpot. */
async function hydrated(contactId: number): Promise<void> {
  await table.client.send(
    new UpdateCommand({
      TableName: table.tableName,
      Key: { pk: `33#${contactId}`, sk: '#head' },
      UpdateExpression: 'SET readAt = :now',
      ExpressionAttributeValues: { ':now': NOW },
    }),
  );
}

describe('an event', () => {
  test('is scored, and HubSpot is to be told', async () => {
    const answer = await deliver(scorer(), envelope([pricing(7), change(7, 'jobtitle', 'CEO')]));

    expect(answer).toEqual(ALL_WENT_WELL);
    expect(await head(7)).toMatchObject({ score: 30, fit: 20, eng: 10, grade: 'A', status: 'scored' });
    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
    expect([...background, ...letters]).toEqual([]);
  });

  test('counts once however often it is delivered, and asks again until HubSpot has it', async () => {
    const run = scorer();
    const event = pricing(7);
    for (let time = 1; time <= 50; time++) {
      await deliver(run, envelope([{ ...event, attemptNumber: time }]));
      expect(await head(7)).toMatchObject({ score: 10 });
    }
    expect(changes).toHaveLength(50);

    await confirmed(7);
    await deliver(run, envelope([event]));
    expect(changes).toHaveLength(51); // Its properties are still unknown.

    await hydrated(7);
    await deliver(run, envelope([event]));
    expect(changes).toHaveLength(51);
  });

  test('that changes what HubSpot shows of a contact it knows is to be told', async () => {
    await deliver(scorer(), envelope([pricing(7)]));
    await confirmed(7);
    await hydrated(7);
    changes = [];

    await deliver(scorer(), envelope([pricing(7, { occurredAt: NOW - 1000 })]));

    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
  });

  test('four of one contact in one request are one store and one request to write', async () => {
    await deliver(
      scorer(),
      envelope([1, 2, 3, 4].map((second) => pricing(7, { occurredAt: NOW - second * 1000 }))),
    );

    expect(await head(7)).toMatchObject({ rev: 1 });
    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
  });

  test('of another e-mail address lets the contact be read again, once, and keeps the address nowhere', async () => {
    await deliver(scorer(), envelope([pricing(7)]));
    await hydrated(7);
    await confirmed(7);
    changes.splice(0);
    const moved = change(7, 'email', 'ada@example.com', { occurredAt: NOW + 1000 });

    await deliver(scorer({ clock: () => NOW + 2000 }), envelope([moved]));

    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
    expect(await head(7)).not.toHaveProperty('readAt');
    expect(JSON.stringify(await table.rows())).not.toContain('ada@');

    await table.client.send(
      new UpdateCommand({
        TableName: table.tableName,
        Key: { pk: '33#7', sk: '#head' },
        UpdateExpression: 'SET readAt = :later',
        ExpressionAttributeValues: { ':later': NOW + 5000 },
      }),
    );
    changes.splice(0);
    await deliver(scorer(), envelope([moved]));
    expect(changes).toEqual([]);
  });

  test('of a company or a deal scores nobody where no rule asks: nothing is even read, and nothing they hold is kept', async () => {
    const { client } = failing((command) => command instanceof QueryCommand);

    const answer = await deliver(
      scorer({ client }),
      envelope([
        change(8, 'industry', 'SOFTWARE', { subscriptionType: 'company.propertyChange' }),
        change(9, 'dealname', 'A name', { subscriptionType: 'deal.propertyChange' }),
        turn(9, 'deal.creation'),
        turn(8, 'company.deletion'),
      ]),
    );

    expect(answer).toEqual(ALL_WENT_WELL);
    expect((await table.rows()).map(({ pk, sk, life }) => [pk, String(sk).split('#')[0], life])).toEqual([
      ['33#company#8', '', 'deleted'],
    ]);
    expect([...changes, ...background, ...ticks, ...letters]).toEqual([]);
  });

  test.each([
    { from: envelope([pricing(7)], { portalId: '34' }), because: 'its request was for another portal' },
    { from: envelope([pricing(7, { portalId: 34 })]), because: 'HubSpot says it is of another portal' },
    { from: { portalId: '34', contactIds: ['7'] }, because: 'it is a tick of another portal' },
  ])('leaves no trace when $because', async ({ from }) => {
    expect(await deliver(scorer(), from)).toEqual(ALL_WENT_WELL);

    expect(await table.rows()).toEqual([]);
    expect([...changes, ...background, ...letters]).toEqual([]);
    expect(logged.join()).toContain("'another portal': 1");
  });
});

describe('where contacts whose grade rises go at once', () => {
  let urgent: WriteRequest[];
  const quickly = () =>
    scorer({
      writeBack: {
        urgent: async (requests) => void urgent.push(...requests.map(timeless)),
        changes: async (requests) => void changes.push(...requests.map(timeless)),
        background: async (requests) => void background.push(...requests.map(timeless)),
      },
    });
  beforeEach(() => {
    urgent = [];
  });

  test('one that rises is on the urgent lane and on no other; one that stays where it is travels with the others', async () => {
    // 20 + 10 points are an A; 10 alone are a B, the worst grade there is.
    await deliver(quickly(), envelope([ceo(1), pricing(1), pricing(2)]));

    expect(urgent).toEqual([{ portalId: '33', contactId: '1' }]);
    expect(changes).toEqual([{ portalId: '33', contactId: '2' }]);
  });

  test('one that falls or only fades waits as ever', async () => {
    await deliver(scorer(), envelope([ceo(1), pricing(1)]));
    changes.length = 0;

    await deliver(quickly(), envelope([change(1, 'jobtitle', 'Intern', { occurredAt: NOW + 1 })]));
    await deliver(quickly(), { portalId: '33', contactIds: ['1'] });

    expect(urgent).toEqual([]);
    expect(changes).toEqual([{ portalId: '33', contactId: '1' }]);
  });

  test('more than ten of one invocation are no news but an import: batches take them', async () => {
    const ids = Array.from({ length: 11 }, (_, at) => at + 1);
    await deliver(quickly(), envelope(ids.flatMap((id) => [ceo(id), pricing(id)])));

    expect(urgent).toEqual([]);
    expect(changes).toHaveLength(11);
  });

  test('of whom only the address is known goes at once when what waits under it is worth more than the worst grade', async () => {
    const times = Array.from({ length: 6 }, (_, at) => new Date(NOW - at * 1000).toISOString());
    const jane = times.map((at) => login({ email: 'jane@example.com' }, at));
    await deliver(quickly(), signals('msg_1', jane), signals('msg_2', [login({ email: 'joe@example.com' })]));

    expect(urgent).toEqual([{ portalId: '33', email: 'jane@example.com' }]);
    expect(changes).toEqual([{ portalId: '33', email: 'joe@example.com' }]);
  });

  test('is a setting: without it everything travels in batches', async () => {
    await deliver(scorer(), envelope([ceo(1), pricing(1)]));

    expect(changes).toEqual([{ portalId: '33', contactId: '1' }]);
  });
});

describe('whatever breaks, nothing is lost and nothing counts twice', () => {
  test.each([
    { isFailing: (command: Command) => command instanceof PutCommand, because: 'before the fact is kept' },
    {
      isFailing: (command: Command) => command instanceof QueryCommand,
      because: 'between keeping and reading',
    },
    {
      isFailing: (command: Command) => command instanceof UpdateCommand,
      because: 'between reading and storing',
    },
  ])('$because', async ({ isFailing }) => {
    const { client, mend } = failing(isFailing);
    const run = scorer({ client });
    const event = envelope([pricing(7)]);

    expect(await deliver(run, event)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect(changes).toEqual([]);

    mend();
    expect(await deliver(run, event)).toEqual(ALL_WENT_WELL);
    expect(await head(7)).toMatchObject({ score: 10 });
    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
  });

  test('between storing and asking for the write: all messages come back, and the write is asked for then', async () => {
    const refused = { changes: () => Promise.reject(new Error('throttled')), background: async () => {} };
    await expect(deliver(scorer({ writeBack: refused }), envelope([pricing(7)]))).rejects.toThrow(
      'throttled',
    );
    const event = envelope([pricing(7)]);
    await deliver(scorer(), event, event);

    expect(await head(7)).toMatchObject({ score: 10 });
    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
  });

  test('when the dead letters take nothing, all messages come back, and count once all the same', async () => {
    const run = scorer({ reject: () => Promise.reject(new Error('throttled')) });

    await expect(deliver(run, envelope([pricing(7)]))).rejects.toThrow('throttled');
    await deliver(scorer(), envelope([pricing(7)]));

    expect(await head(7)).toMatchObject({ score: 10 });
  });

  test('what is never understood in a message that comes back becomes a dead letter when the message is done, once', async () => {
    const { client, mend } = failing((command) => command instanceof UpdateCommand);
    const message = envelope([pricing(7), { nonsense: 1 }]);

    await deliver(scorer({ client }), message);
    const before = letters.length;
    mend();
    await deliver(scorer({ client }), message);

    expect([before, letters.length]).toEqual([0, 1]);
  });

  test('only the messages that name a contact which failed come back', async () => {
    const { client } = failing(
      (command) => command instanceof UpdateCommand && command.input.Key?.['pk'] === '33#1',
    );

    const answer = await deliver(
      scorer({ client }),
      envelope([pricing(1)]),
      envelope([pricing(2)]),
      envelope([pricing(3), pricing(1)]),
      { portalId: '33', contactIds: ['4', '1'] },
      { portalId: '33', contactIds: ['5'] },
    );

    expect(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).toSorted()).toEqual([
      'm1',
      'm3',
      'm4',
    ]);
    expect(new Set(changes.map(({ contactId }) => contactId))).toEqual(new Set(['2', '3']));
    expect(new Set(background.map(({ contactId }) => contactId))).toEqual(new Set(['4', '5']));
    expect(await head(3)).toMatchObject({ score: 10 });
  });
});

describe('what can never be understood', () => {
  const good = pricing(7);
  test.each([
    { message: envelope([{ nonsense: 1 }, good]), reason: /not an event/, because: 'an event without sense' },
    {
      message: envelope([pricing(8, { occurredAt: NOW + 86_400_001 }), good]),
      reason: /24 hours ahead/,
      because: 'an event from the future',
    },
    {
      message: envelope([pricing(8, { occurredAt: Date.UTC(1999, 11, 31) }), good]),
      reason: /before the year 2000/,
      because: 'an event from before all CRMs',
    },
    { message: envelope('{"cut off": '), reason: /not JSON/, because: 'a body that is no JSON' },
    { message: 'not even a message', reason: /neither a request nor a tick/, because: 'a foreign message' },
    {
      message: { portalId: '33', contactIds: Array.from({ length: 101 }, () => '1') },
      reason: /neither a request nor a tick/,
      because: 'a tick for too many',
    },
    {
      message: signals('msg', { signal: 'Nameless!' }),
      reason: /signals/,
      because: 'a bad signal',
    },
  ])('goes alone to the dead letters, with its reason: $because', async ({ message, reason }) => {
    const answer = await deliver(scorer(), message, envelope([good]));

    expect(answer).toEqual(ALL_WENT_WELL);
    expect(letters).toEqual([{ reason: expect.stringMatching(reason), event: expect.anything() }]);
    expect((await table.rows()).map(({ pk }) => pk)).toEqual(['33#7', '33#7']);
    expect(await head(7)).toMatchObject({ score: 10 });
    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
  });
});

describe('what an invocation did is counted', () => {
  const MINUTE = 60_000;
  const DAY = 86_400_000;

  test('facts that are new, those that were there, contacts scored, and those that HubSpot shows as they are', async () => {
    const again = pricing(8);
    await deliver(scorer(), envelope([pricing(7), again, again]));
    expect(Object.fromEntries(measures.counted)).toEqual({ Facts: 2, Duplicates: 1, ContactsScored: 2 });

    await hydrated(7);
    await confirmed(7);
    measures = recorded();
    await deliver(scorer(), envelope([pricing(7)]));

    expect(Object.fromEntries(measures.counted)).toEqual({
      Facts: 0,
      Duplicates: 1,
      ContactsScored: 1,
      WritesSuppressed: 1,
    });
  });

  test('a tick is a contact scored, and no fact', async () => {
    await deliver(scorer(), { portalId: '33', contactIds: ['7', '8'] });

    expect(Object.fromEntries(measures.counted)).toEqual({ ContactsScored: 2 });
  });

  test('who is only known by an address is not scored, and who is deleted needs no write that could be saved', async () => {
    await deliver(scorer(), signals('msg_1', login({ email: 'ada@example.com' })));
    expect(Object.fromEntries(measures.counted)).toEqual({ Facts: 1, Duplicates: 0 });
    expect(measures.observed('AgeAtScore')).toEqual([]);

    measures = recorded();
    await deliver(scorer(), envelope([turn(7, 'contact.deletion')]));
    expect(Object.fromEntries(measures.counted)).toEqual({ ContactsScored: 1 });
  });

  test('events of another portal, each of them', async () => {
    const foreign = { portalId: 34 };

    await deliver(
      scorer(),
      envelope([pricing(7, foreign), pricing(8, foreign), pricing(9)]),
      envelope([pricing(7)], { portalId: '34' }),
    );

    expect(measures.counted.get('EventsForeign')).toBe(3);
    expect(measures.counted.get('Facts')).toBe(1);
  });

  test('how old facts are when the score knows of them: only new ones, and none that was brought in as history', async () => {
    const told = [1500, 90 * MINUTE, -1000, 5 * DAY, 5 * DAY + 1].map((ageMs) =>
      pricing(7, { occurredAt: NOW - ageMs }),
    );

    await deliver(scorer(), envelope(told));
    expect(measures.observed('AgeAtScore')).toEqual([1500, 90 * MINUTE, 0, 5 * DAY]);

    measures = recorded();
    await deliver(scorer(), envelope(told));
    expect(measures.observed('AgeAtScore')).toEqual([]);
  });

  test('who comes a second time is late, also when its facts were kept by somebody who then failed', async () => {
    const late = record('m1', JSON.stringify(envelope([pricing(7, { occurredAt: NOW - 6 * MINUTE })])));
    await scorer()({ Records: [late] });
    measures = recorded();

    await scorer()({
      Records: [{ ...late, attributes: { ...late.attributes, ApproximateReceiveCount: '2' } }],
    });

    expect(measures.observed('AgeAtScore')).toEqual([6 * MINUTE]);
  });

  test('of more than 100 ages 100 are told, from the first to the last of them', async () => {
    const told = Array.from({ length: 150 }, (_, at) => pricing(7, { occurredAt: NOW - 1 - at }));

    await deliver(scorer(), envelope(told.slice(0, 75)), envelope(told.slice(75)));

    const ages = measures.observed('AgeAtScore');
    expect(ages).toHaveLength(100);
    expect(new Set(ages).size).toBe(100);
    expect([Math.min(...ages), Math.max(...ages)]).toEqual([1, 150]);
  });

  test.each([
    { message: 'not even a message', word: 'message' },
    { message: envelope('{"cut off": '), word: 'body' },
    { message: signals('msg', { signal: 'Nameless!' }), word: 'body' },
    { message: envelope({ signal: 'x.y' }, { route: '/webhooks/workflow' }), word: 'body' },
    { message: envelope({ contactId: true }, { route: '/webhooks/workflow' }), word: 'body' },
    { message: envelope({ vid: 'x', properties: {} }, { route: '/webhooks/workflow' }), word: 'body' },
    { message: envelope([pricing(8, { occurredAt: NOW + DAY + 1 })]), word: 'time' },
    { message: signals('msg', login({ contactId: '7' }, '1999-12-31T00:00:00Z')), word: 'time' },
    {
      message: envelope({ contactId: 7, time: NOW + 2 * DAY }, { route: '/webhooks/workflow' }),
      word: 'time',
    },
    {
      message: envelope(
        { vid: 7, properties: { jobtitle: { value: 'CEO', timestamp: 1 } } },
        { route: '/webhooks/workflow' },
      ),
      word: 'time',
    },
    { message: envelope([{ nonsense: 1 }]), word: 'event' },
    { message: envelope([change(7, '', 'x', { propertyName: undefined })]), word: 'event' },
    {
      message: envelope({ vid: 7, properties: { jobtitle: { value: {} } } }, { route: '/webhooks/workflow' }),
      word: 'event',
    },
  ])('a dead letter, in all and by one of few words: $word', async ({ message, word }) => {
    await deliver(scorer(), message);

    expect(letters).toHaveLength(1);
    const dead = [...measures.counted].filter(([name]) => name.startsWith('DeadLettered'));
    expect(dead).toEqual([
      ['DeadLettered', 1],
      [`DeadLettered ${word}`, 1],
    ]);
  });

  test('no dead letter that was not sent', async () => {
    const run = scorer({ reject: () => Promise.reject(new Error('throttled')) });

    await expect(deliver(run, envelope([{ nonsense: 1 }]))).rejects.toThrow('throttled');

    expect(measures.counted.has('DeadLettered')).toBe(false);
  });
});

describe('a request to write says when that happened which is to be shown', () => {
  const HISTORY_MS = 6 * 86_400_000;
  let sent: WriteRequest[];
  const keep = async (requests: readonly WriteRequest[]) => void sent.push(...requests);
  const telling = () => scorer({ writeBack: { changes: keep, background: keep } });
  beforeEach(() => {
    sent = [];
  });

  test.each([
    { events: [pricing(7, { occurredAt: NOW - 9 })], occurredAtMs: NOW - 9, because: 'a fact' },
    {
      events: [pricing(7, { occurredAt: NOW - 9 }), pricing(7, { occurredAt: NOW - 4 })],
      occurredAtMs: NOW - 4,
      because: 'the newest of several',
    },
    {
      events: [change(7, 'jobtitle', 'CEO', { occurredAt: NOW - 3 })],
      occurredAtMs: NOW - 3,
      because: 'a value that is no fact',
    },
    {
      events: [turn(7, 'contact.restore', { occurredAt: NOW - 2 })],
      occurredAtMs: NOW - 2,
      because: 'a turn',
    },
    {
      events: [pricing(7, { occurredAt: NOW + 5000 })],
      occurredAtMs: NOW,
      because: "HubSpot's clock is ahead of ours",
    },
    {
      events: [pricing(7, { occurredAt: NOW - HISTORY_MS }), pricing(7, { occurredAt: NOW - 8 })],
      occurredAtMs: NOW - 8,
      because: 'history came with it',
    },
  ])('$because', async ({ events: told, occurredAtMs }) => {
    await deliver(telling(), envelope(told));

    expect(sent).toEqual([{ portalId: '33', contactId: '7', occurredAtMs }]);
  });

  test('also where only an address is known, and after a duplicate: the first try may have died', async () => {
    const message = signals('msg_1', login({ email: 'ada@example.com' }, new Date(NOW - 7).toISOString()));

    await deliver(telling(), message);
    await deliver(telling(), message);

    const request = { portalId: '33', email: 'ada@example.com', occurredAtMs: NOW - 7 };
    expect(sent).toEqual([request, request]);
  });

  test('but not for a tick, nor for history that nobody waits for', async () => {
    await deliver(telling(), { portalId: '33', contactIds: ['7'] });
    await deliver(telling(), envelope([pricing(8, { occurredAt: NOW - HISTORY_MS })]));

    expect(sent).toStrictEqual([
      { portalId: '33', contactId: '7' },
      { portalId: '33', contactId: '8' },
    ]);
  });
});

describe('a tick', () => {
  test('lets a score fade, on the lane that can wait', async () => {
    await deliver(scorer(), envelope([pricing(7)]));
    changes = [];

    await deliver(scorer({ clock: () => NOW + 7 * 86_400_000 }), { portalId: '33', contactIds: ['7'] });

    expect(await head(7)).toMatchObject({ score: 5 }); // 10 points, one half-life.
    expect(background).toEqual([{ portalId: '33', contactId: '7' }]);
    expect(changes).toEqual([]);
  });

  test('does not slow down what its contact did at the same time', async () => {
    await deliver(scorer(), { portalId: '33', contactIds: ['7'] }, envelope([pricing(7)]));

    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
    expect(background).toEqual([]);
  });

  test('that changes nothing HubSpot shows asks for nothing', async () => {
    await deliver(scorer(), envelope([pricing(7)]));
    await hydrated(7);
    await confirmed(7);

    await deliver(scorer(), { portalId: '33', contactIds: ['7'] });

    expect(background).toEqual([]);
  });

  test('comes when all that was under way has landed, and removes what landed behind the sweep of an erased contact', async () => {
    await deliver(scorer(), envelope([pricing(7)]));
    const late: number[] = [];
    const parts = {
      ticks: async (messages: readonly (Tick | CompanyTick)[], delaySeconds = 0) => {
        ticks.push(...messages);
        late.push(...messages.map(() => delaySeconds));
      },
    };
    await deliver(scorer(parts), envelope([turn(7, 'contact.privacyDeletion')]));
    expect([ticks, late]).toEqual([[{ portalId: '33', contactIds: ['7'] }], [900]]);
    await table.contacts().keep('33#7', [{ key: 'late', name: 'signal:any', occurredAtMs: 1 }], []);

    await deliver(scorer(), { portalId: '33', contactIds: ['7'] });

    expect(await table.rows()).toEqual([{ pk: '33#7', sk: '#head', rev: 2, life: 'erased' }]);
  });

  test('of an erased contact brings nothing back', async () => {
    await deliver(scorer(), envelope([pricing(7)]));
    await deliver(scorer(), envelope([turn(7, 'contact.privacyDeletion')]));

    await deliver(scorer(), { portalId: '33', contactIds: ['7'] });

    expect(background).toEqual([]);
    expect(await table.rows()).toEqual([{ pk: '33#7', sk: '#head', rev: 2, life: 'erased' }]);
  });
});

describe('a signal that names an address', () => {
  test('waits while nobody is known by it, and write-back is asked to find out', async () => {
    await deliver(scorer(), signals('msg_1', login({ email: 'Ada@Example.com' })));

    expect(changes).toEqual([{ portalId: '33', email: 'Ada@Example.com' }]);
    const rows = await table.rows();
    expect(rows).toEqual([expect.objectContaining({ pk: emailKey('33', 'ada@example.com', KEY) })]);
    expect(JSON.stringify(rows).toLowerCase()).not.toContain('ada@');
  });

  test('counts for the contact once that is known, also when it is delivered again', async () => {
    await table.contacts().unite(emailKey('33', 'ada@example.com', KEY), '33#7');
    const signal = signals('msg_1', login({ email: 'ada@example.com' }));

    await deliver(scorer(), signal);
    await deliver(scorer(), signal);

    expect(await head(7)).toMatchObject({ score: 5 });
    expect(changes).toEqual([
      { portalId: '33', contactId: '7' },
      { portalId: '33', contactId: '7' },
    ]);
  });

  test('the key for addresses is read only when one is named', async () => {
    await deliver(scorer(), envelope([pricing(7)]), signals('msg_1', login({ contactId: '7' })));
    expect(identityReads).toBe(0);

    await deliver(
      scorer(),
      signals('msg_2', [login({ email: 'a@b.example' }), login({ email: 'c@d.example' })]),
    );
    expect(identityReads).toBe(1);
  });
});

describe('what befalls a record', () => {
  test('a merge: the facts of both count for the new record, in whatever order all this is heard', async () => {
    const merge = turn(5, 'contact.merge', { primaryObjectId: 1, mergedObjectIds: [2], newObjectId: 5 });
    const second = pricing(2, { occurredAt: NOW - 1 });

    await deliver(scorer(), envelope([pricing(1)]));
    await deliver(scorer(), envelope([merge, second]));
    await deliver(scorer(), envelope([merge]));

    expect(await head(5)).toMatchObject({ score: 20, old: ['1', '2'] });
    expect(await head(1)).toMatchObject({ alias: '33#5' });
    expect(changes.at(-1)).toEqual({ portalId: '33', contactId: '5' });
  });

  test('a contact that HubSpot did not find once, and of which it tells something later, lives', async () => {
    await deliver(scorer(), envelope([pricing(1)]));
    await table.contacts().mark('33#1', 'deleted', NOW - 1000);
    changes.length = 0;

    await deliver(scorer(), envelope([change(1, 'jobtitle', 'CEO', { occurredAt: NOW - 2000 })]));
    expect(await head(1)).toMatchObject({ life: 'deleted' });
    expect(changes).toEqual([]);
    await deliver(scorer(), envelope([change(1, 'jobtitle', 'CEO', { occurredAt: NOW - 500 })]));

    expect(await head(1)).toMatchObject({ life: 'living', score: 30 });
    expect(changes).toEqual([{ portalId: '33', contactId: '1' }]);
  });

  test('a deleted contact is not written, and again when it is restored', async () => {
    await deliver(scorer(), envelope([pricing(7)]));
    changes = [];
    await deliver(scorer(), envelope([turn(7, 'contact.deletion', { occurredAt: NOW + 1 })]));
    await deliver(scorer(), envelope([pricing(7, { occurredAt: NOW + 2 })]));
    expect(changes).toEqual([]);

    await deliver(scorer(), envelope([turn(7, 'contact.restore', { occurredAt: NOW + 3 })]));
    expect(changes).toEqual([{ portalId: '33', contactId: '7' }]);
  });

  test.each([
    { order: ['contact.privacyDeletion', 'contact.deletion'] },
    { order: ['contact.deletion', 'contact.privacyDeletion'] },
  ])('a privacy deletion leaves nothing but its tombstone: $order', async ({ order }) => {
    const run = scorer();
    await deliver(run, envelope([pricing(7), change(7, 'jobtitle', 'CEO')]));
    changes = [];

    for (const type of order) await deliver(run, envelope([turn(7, type)]));
    await deliver(run, envelope([pricing(7, { occurredAt: NOW - 5 })]));

    const [row, ...more] = await table.rows();
    expect(more).toEqual([]);
    expect(
      Object.keys(row ?? {}).filter((name) => !['pk', 'sk', 'rev', 'life', 'lifeAt'].includes(name)),
    ).toEqual([]);
    expect(row).toMatchObject({ life: 'erased' });
    expect(changes).toEqual([]);
  });
});

test('no log holds anything of a person, whatever comes and whatever fails', async () => {
  const canary = 'canary.ada';
  const { client } = failing(
    (command) => command instanceof PutCommand && command.input.Item?.['pk'] === '33#9',
  );
  await table.put([{ pk: '33#8', sk: 'property#city', value: canary, at: canary }]);

  await deliver(
    scorer({ client }),
    envelope([change(7, 'jobtitle', canary), change(8, 'jobtitle', canary)]),
    envelope([
      { [canary]: canary, occurredAt: canary },
      change(7, canary, canary),
      change(7, 'jobtitle', { [canary]: canary }),
    ]),
    envelope([change(9, 'jobtitle', canary), change(6, 'email', `${canary}@example.com`)]),
    signals(canary, login({ email: `${canary}@example.com`, properties: { city: canary } })),
    signals(canary, login({ email: canary, [canary]: canary })),
    signals(canary, login({ email: `${canary}@example.com` }, canary)),
    envelope({ email: canary, signal: canary, [canary]: canary }, { route: '/webhooks/workflow' }),
    envelope({ vid: canary, properties: { [canary]: canary } }, { route: '/webhooks/workflow' }),
    envelope(canary),
    canary,
    JSON.stringify({ portalId: '33', contactIds: canary }),
  );

  expect(letters.length).toBeGreaterThan(7);
  expect(logged.join('\n')).toContain('contact not scored');
  expect(logged.join('\n')).not.toContain(canary);
});

test('which subscriptions brought events is handed on, for all messages of an invocation at once', async () => {
  const noted: unknown[] = [];
  const noteArrivals = async (arrivals: unknown) => void noted.push(arrivals);

  await deliver(
    scorer({ noteArrivals }),
    envelope([pricing(7), turn(7, 'contact.creation', { occurredAt: NOW - 9 })]),
    signals('msg_1', login({ contactId: '7' })),
    envelope([turn(8, 'contact.deletion')]),
  );

  expect(noted).toEqual([
    [
      { subscription: 'contact.propertyChange:hs_analytics_last_url', occurredAtMs: NOW },
      { subscription: 'contact.creation', occurredAtMs: NOW - 9 },
      { subscription: 'contact.deletion', occurredAtMs: NOW },
    ],
  ]);
});

test('one line of the log says what an invocation heard, dropped, refused and failed', async () => {
  await deliver(scorer(), envelope([pricing(7), pricing(8), { nonsense: 1 }, pricing(7, { portalId: 34 })]));

  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(/messages: 1,\s+events: 2,\s+dropped: { 'another portal': 1 }/);
  expect(logged[0]).toMatch(/failed: 0/);
});
