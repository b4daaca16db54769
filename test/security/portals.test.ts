// Two portals in one table, with the same ids, the same addresses and the same browsers: neither ever meets the other.
import fc from 'fast-check';
import { closeAll } from '../local/hubspot/portal.ts';
import { creditModel } from '../nightly/credited-deals.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';
import { type Doors, ORIGIN, openDoors, QUEUES, type QueueName } from './doors.ts';

/** One begins as the other does: whoever asks for all that begins with a portal must not find both. */
const PORTALS = ['33', '331'] as const;
const HOUR_MS = 3_600_000;
const VISITORS = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBB'];
const EMAILS = ['ann@example.com', 'bob@example.com'];

let engine: Engine;
beforeAll(async () => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

const model = creditModel(['linear', 'markov']);

interface One extends Doors {
  readonly contacts: readonly string[];
  readonly company: string;
  readonly deal: string;
}

/** A portal with two contacts, and a company and a deal of theirs. */
async function openOne(table: Table, portalId: string): Promise<One> {
  const doors = await openDoors({ table, model, portalId });
  const { crm } = doors.portal;
  const contacts = EMAILS.map((email) => crm.create('contacts', { email }));
  const company = crm.create('companies', { numberofemployees: 200 });
  const deal = crm.create('deals', { pipeline: 'default', dealstage: 'appointmentscheduled', amount: '100' });
  for (const contact of contacts) {
    crm.associate('contacts', contact, 'companies', company, { primary: true });
    crm.associate('contacts', contact, 'deals', deal);
  }
  await doors.hear();
  await doors.settle();
  return { ...doors, contacts, company, deal };
}

async function openBoth(): Promise<{ table: Table; ours: One; theirs: One }> {
  const table = await createTable(engine);
  const [ours, theirs] = [await openOne(table, PORTALS[0]), await openOne(table, PORTALS[1])];
  expect([ours.contacts, ours.company, ours.deal]).toEqual([theirs.contacts, theirs.company, theirs.deal]);
  return { table, ours, theirs };
}

/** All rows of a portal, as text: every attribute of each. */
async function rowsOf(table: Table, { portalId }: Doors): Promise<string[]> {
  const rows = await table.rows();
  return rows.filter(({ pk }) => String(pk).startsWith(`${portalId}#`)).map((row) => JSON.stringify(row));
}

let messages = 0;
const signal = (doors: One, body: object) => doors.post('/signals', body, { id: `msg_${++messages}` });
const living = ({ portal, contacts }: One, at: number) => {
  const record = portal.crm.get('contacts', contacts[at] ?? '');
  return record?.archived === false && record.id === contacts[at] ? record.id : undefined;
};

/** What may happen in a portal, by the doors alone: to one of its contacts, at its time. */
const ACTS = {
  change: ({ portal, ...doors }, at) => {
    const id = living({ portal, ...doors }, at);
    if (id !== undefined)
      portal.crm.set('contacts', id, { jobtitle: portal.time.nowMs % 2 ? 'CTO' : 'Clerk' });
  },
  click: ({ portal, ...doors }, at) => {
    const id = living({ portal, ...doors }, at);
    if (id !== undefined) portal.crm.set('contacts', id, { hs_email_last_click_date: portal.time.nowMs });
  },
  signal: (doors, at) =>
    signal(doors, { signal: 'product.login', occurredAt: doors.portal.time.nowMs, email: EMAILS[at] }),
  visit: ({ post }, at) =>
    post('/sessions', {
      visitorId: VISITORS[at],
      sessionId: VISITORS[at],
      url: `${ORIGIN}/?utm_source=chatgpt.com`,
    }),
  identify: (doors, at) =>
    signal(doors, {
      signal: 'identify',
      occurredAt: doors.portal.time.nowMs,
      visitorId: VISITORS[at],
      ...(at === 0 ? { contactId: doors.contacts[at] } : { email: EMAILS[at] }),
    }),
  workflow: ({ post, contacts }, at) =>
    post('/webhooks/workflow', { contactId: contacts[at], jobtitle: 'CTO' }),
  grow: ({ portal, company }) =>
    portal.crm.set('companies', company, { numberofemployees: portal.time.nowMs % 1000 }),
  deal: ({ portal, deal }, at) =>
    portal.crm.set('deals', deal, { dealstage: at === 0 ? 'closedlost' : 'closedwon' }),
  merge: ({ portal, ...doors }) => {
    const [one, other] = [0, 1].map((at) => living({ portal, ...doors }, at));
    if (one !== undefined && other !== undefined) portal.crm.merge('contacts', one, other);
  },
  remove: ({ portal, ...doors }, at) => {
    const id = living({ portal, ...doors }, at);
    if (id !== undefined) portal.crm.delete('contacts', id);
  },
  restore: ({ portal, contacts }, at) => {
    const record = portal.crm.get('contacts', contacts[at] ?? '');
    if (record?.archived === true && record.id === contacts[at]) portal.crm.restore('contacts', record.id);
  },
  erase: ({ portal, ...doors }, at) => {
    const id = living({ portal, ...doors }, at);
    if (id !== undefined) portal.crm.privacyDelete(id);
  },
  night: ({ put }) => put('nightly', JSON.stringify({ job: 'nightly' })),
  rescore: ({ put, portalId }) => put('nightly', JSON.stringify({ job: 'rescore', portalId })),
  resume: ({ put, portalId }) => put('background', JSON.stringify({ portalId, resume: 'unconfirmed' })),
  explain: ({ explain, contacts }, at) => explain(contacts[at] ?? ''),
} satisfies Record<string, (doors: One, at: number) => unknown>;
type Act = keyof typeof ACTS;

const asBody = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64');

/** Messages as the doors of a portal send them to one another. */
const MESSAGES: Record<QueueName, (of: One) => object[]> = {
  events: ({ portalId, contacts, portal }) => {
    const receivedAtMs = portal.time.nowMs;
    const erased = { subscriptionType: 'contact.privacyDeletion', objectId: Number(contacts[0]), eventId: 1 };
    const body = [{ ...erased, portalId: Number(portalId), occurredAt: receivedAtMs }];
    const login = { signal: 'product.login', occurredAt: receivedAtMs, contactId: contacts[1] };
    return [
      { portalId, route: '/webhooks/hubspot', receivedAtMs, body: asBody(body) },
      { portalId, route: '/signals', receivedAtMs, messageId: 'foreign', body: asBody([login]) },
      {
        portalId,
        route: '/webhooks/workflow',
        receivedAtMs,
        body: asBody({ contactId: contacts[1], jobtitle: 'CTO' }),
      },
      {
        portalId,
        route: '/sessions',
        receivedAtMs,
        body: asBody({ visitorId: VISITORS[0], sessionId: VISITORS[1], seen: { by: 'browser' } }),
      },
    ];
  },
  ticks: ({ portalId, contacts, company }) => [
    { portalId, contactIds: contacts },
    { portalId, companyId: company },
  ],
  urgent: ({ portalId, contacts }) => [{ portalId, contactId: contacts[0], force: true }],
  changes: ({ portalId, company, deal }) => [
    { portalId, email: EMAILS[0] },
    { portalId, companyId: company, rescoreContacts: true },
    { portalId, dealId: deal },
  ],
  background: ({ portalId, contacts, deal }) => [
    { portalId, resume: 'unconfirmed' },
    { portalId, contactId: contacts[1], force: true },
    { portalId, dealId: deal, creditOnly: true },
  ],
  nightly: ({ portalId, portal }) => [
    { job: 'backfill', portalId },
    { job: 'rescore', portalId },
    { job: 'report', portalId, nightMs: portal.time.nowMs },
    { job: 'continue', portalId, run: 'any' },
    { job: 'nightly', portalId },
    { job: 'decay', portalId, upTo: 'now' },
  ],
};

test('whatever happens in one portal, not a byte of the other changes: not in the table, not in HubSpot, not on its queues', async () => {
  const names = Object.keys(ACTS).filter(isAct);
  const more = fc.record({
    at: fc.constantFrom(0, 1),
    isOurs: fc.boolean(),
    hours: fc.constantFrom(0, 0, 1, 30),
  });
  const steps = fc.tuple(
    fc.shuffledSubarray(names, { minLength: names.length }),
    fc.array(more, { minLength: 40, maxLength: 40 }),
  );
  const felt = new Set<Act>();
  await fc.assert(
    fc.asyncProperty(steps, async ([acts, rest]) => {
      const { table, ours, theirs } = await openBoth();
      for (const [number, act] of [...acts, ...acts.slice(0, 8)].entries()) {
        const { at = 0, isOurs = true, hours = 0 } = rest[number] ?? {};
        const [one, other] = isOurs ? [ours, theirs] : [theirs, ours];
        const before = {
          rows: await rowsOf(table, other),
          calls: other.portal.calls.length,
          sent: other.sent.length,
        };
        const own = await rowsOf(table, one);
        one.portal.time.nowMs += 1 + hours * HOUR_MS;

        await ACTS[act](one, at);
        await one.hear();
        await one.settle();

        const after = {
          rows: await rowsOf(table, other),
          calls: other.portal.calls.length,
          sent: other.sent.length,
        };
        expect(after).toEqual(before);
        if (JSON.stringify(await rowsOf(table, one)) !== JSON.stringify(own)) felt.add(act);
      }
      const rows = await table.rows();
      const places = rows.flatMap(({ pk, due, company, roll, alias }) =>
        [due, company, roll, alias].flatMap((place) =>
          typeof place === 'string' ? [[String(pk), place]] : [],
        ),
      );
      expect(places.length).toBeGreaterThan(4);
      expect(places.filter((both) => new Set(both.map((place) => place.split('#')[0])).size > 1)).toEqual([]);
      await closeAll();
    }),
    { numRuns: 2, endOnFailure: true },
  );
  // Most acts leave something in their own portal, in any order; those that do not come after what took a contact away.
  expect(felt.size).toBeGreaterThan(names.length * 0.45);
}, 180_000);

function isAct(name: string): name is Act {
  return Object.hasOwn(ACTS, name);
}

test.each(QUEUES)(
  'a message of another portal on the queue %s does nothing, however often it comes; in its own it does something',
  async (queue) => {
    const { table, ours, theirs } = await openBoth();
    const { time } = theirs.portal;
    const calls = () => [ours, theirs].map(({ portal }) => portal.calls.length);
    for (const message of MESSAGES[queue](theirs)) {
      const body = JSON.stringify(message);
      const before = { message, rows: await table.rows(), calls: calls() };
      const sent = theirs.sent.length;
      for (const receives of [0, 1]) await ours.deliver({ queue, body, receives, atMs: time.nowMs });
      ours.waiting.length = 0; // What failed would come again, and be set aside at last.

      expect({ message, rows: await table.rows(), calls: calls() }).toEqual(before);
      if (isIdle(message)) continue;

      time.nowMs += HOUR_MS;
      await theirs.deliver({ queue, body, receives: 0, atMs: time.nowMs });
      const after = { message, rows: await table.rows(), calls: calls() };
      expect({ ...after, sent: theirs.sent.length }).not.toEqual({ ...before, sent });
      await theirs.settle();
    }
  },
);

/** Nothing is reported where no bucket is named, sent again where HubSpot shows all, gone on with where no run is under way. */
function isIdle(message: object): boolean {
  return 'resume' in message || ('job' in message && ['report', 'continue'].includes(String(message.job)));
}

test('explanations of one portal know nothing of the other', async () => {
  const { ours, theirs } = await openBoth();
  const [id = ''] = theirs.contacts;
  await theirs.post('/webhooks/workflow', { contactId: id, jobtitle: 'CTO' });
  await theirs.settle();
  const [own, other] = [await ours.explain(id), await theirs.explain(id)];

  expect(other).toMatchObject({ statusCode: 200, body: expect.stringContaining('Is a CTO') });
  expect(own).not.toMatchObject({ body: expect.stringContaining('Is a CTO') });
});
