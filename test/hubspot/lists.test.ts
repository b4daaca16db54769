import { hubSpotLists } from '../../lambdas/hubspot/lists.ts';
import type { ObjectType } from '../../lambdas/hubspot/objects.ts';
import { tooManyRequests } from '../../local/hubspot/limiter.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Connection, connect } from './connection.ts';

afterEach(closeAll);

const MINUTE_MS = 60_000;

function listsOf({ portal, send }: Connection, type: ObjectType = 'contacts') {
  return hubSpotLists(portal.url, send, type);
}

/** So long after, searches know of what was done. */
function searchable({ portal }: Connection): void {
  portal.time.nowMs += MINUTE_MS;
}

function createContacts({ portal }: Connection, count: number): string[] {
  return Array.from({ length: count }, (_one, at) =>
    portal.crm.create('contacts', { jobtitle: `title ${at}` }),
  );
}

/** Custom properties, each with a name of 30 characters. */
function manyProperties({ portal }: Connection, count: number): string[] {
  const names = Array.from(
    { length: count },
    (_one, at) => `${'a_property_of_this_portal_'.padEnd(27, 'x')}${at + 100}`,
  );
  for (const name of names)
    portal.crm.defineProperty('contacts', {
      name,
      type: 'string',
      fieldType: 'text',
      groupName: 'contactinformation',
    });
  return names;
}

describe('a list', () => {
  test('goes through all living records in pages of a hundred, ascending by id', async () => {
    const connection = await connect();
    const ids = createContacts(connection, 230);
    const [deleted = '', old = '', other = ''] = ids;
    connection.portal.crm.delete('contacts', deleted);
    const merged = connection.portal.crm.merge('contacts', old, other);
    const lists = listsOf(connection);

    const first = await lists.list({ after: undefined, properties: ['jobtitle', 'phone'] });
    const second = await lists.list({ after: first.after, properties: ['jobtitle'] });
    const third = await lists.list({ after: second.after, properties: ['jobtitle'] });

    expect([first, second, third].map(({ records }) => records.length)).toEqual([100, 100, 28]);
    expect(third.after).toBeUndefined();
    const listed = [first, second, third].flatMap(({ records }) => records.map(({ id }) => id));
    expect(listed).toEqual([...ids.slice(3), merged]);
    expect(first.records[0]).toMatchObject({
      properties: { jobtitle: 'title 3', phone: null },
      updatedAtMs: NOON_MS,
      histories: {},
      links: {},
    });
    expect(connection.specProblems()).toEqual([]);
  });

  test('tells what a record is associated with, which company is the primary one, and where nothing is', async () => {
    const connection = await connect();
    const { crm } = connection.portal;
    const [id = '', lonely = ''] = createContacts(connection, 2);
    const [primary, other] = [crm.create('companies', { name: 'A' }), crm.create('companies', { name: 'B' })];
    const deal = crm.create('deals', { dealname: 'D' });
    crm.associate('contacts', id, 'companies', other);
    crm.associate('contacts', id, 'companies', primary, { primary: true });
    crm.associate('contacts', id, 'deals', deal);

    const contacts = await listsOf(connection).list({
      after: undefined,
      properties: [],
      links: ['companies', 'deals'],
    });
    const deals = await listsOf(connection, 'deals').list({
      after: undefined,
      properties: [],
      links: ['contacts'],
    });

    const linksBy = new Map(contacts.records.map((record) => [record.id, record.links]));
    expect(linksBy.get(id)?.companies?.isWhole).toBe(true);
    expect(new Set(linksBy.get(id)?.companies?.to)).toEqual(
      new Set([
        { id: primary, isPrimary: true },
        { id: other, isPrimary: false },
      ]),
    );
    expect(linksBy.get(id)?.deals).toEqual({ to: [{ id: deal, isPrimary: false }], isWhole: true });
    expect(linksBy.get(lonely)).toEqual({
      companies: { to: [], isWhole: true },
      deals: { to: [], isWhole: true },
    });
    expect(deals.records[0]?.links).toEqual({ contacts: { to: [{ id, isPrimary: false }], isWhole: true } });
    expect(connection.takeCalls()).toHaveLength(2);
    expect(connection.specProblems()).toEqual([]);
  });

  test('says so where a record has more associations than were told', async () => {
    const connection = await connect({ associationsInline: 3 });
    const { crm } = connection.portal;
    const [few = '', many = ''] = createContacts(connection, 2);
    for (const [id, count] of [
      [few, 3],
      [many, 4],
    ] as const)
      for (let deal = 0; deal < count; deal++)
        crm.associate('contacts', id, 'deals', crm.create('deals', { dealname: 'D' }));

    const { records } = await listsOf(connection).list({
      after: undefined,
      properties: [],
      links: ['deals'],
    });

    expect(records.map(({ links }) => [links.deals?.to.length, links.deals?.isWhole])).toEqual([
      [3, true],
      [3, false],
    ]);
    expect(connection.specProblems()).toEqual([]);
  });

  test('with histories holds fifty records, and each value with its time and who wrote it, the newest first', async () => {
    const connection = await connect({ appId: 77 });
    const { crm } = connection.portal;
    const [id = ''] = createContacts(connection, 51);
    crm.set(
      'contacts',
      id,
      { jobtitle: 'CTO' },
      { atMs: NOON_MS + 1000, source: { changeSource: 'INTEGRATION', sourceId: '77' } },
    );
    crm.set(
      'contacts',
      id,
      { jobtitle: null },
      { atMs: NOON_MS + 2000, source: { changeSource: 'CRM_UI', sourceId: 'userId:5' } },
    );

    const page = await listsOf(connection).list({
      after: undefined,
      properties: ['email'],
      histories: ['jobtitle', 'phone'],
    });

    expect(page.records).toHaveLength(50);
    expect(page.after).toBe(page.records.at(-1)?.id);
    expect(page.records[0]?.histories).toEqual({
      jobtitle: [
        { value: '', atMs: NOON_MS + 2000, sourceId: 'userId:5' },
        { value: 'CTO', atMs: NOON_MS + 1000, sourceId: '77' },
        { value: 'title 0', atMs: NOON_MS, sourceId: 'userId:882761034' },
      ],
      phone: [],
    });
    expect(connection.specProblems()).toEqual([]);
  });

  test('of more properties than an address holds is as complete', async () => {
    const connection = await connect();
    const names = manyProperties(connection, 250);
    const ids = createContacts(connection, 120);
    const [name = ''] = names.slice(-1);
    connection.portal.crm.set('contacts', ids[99] ?? '', { [name]: 'here' });
    connection.portal.crm.associate(
      'contacts',
      ids[99] ?? '',
      'deals',
      connection.portal.crm.create('deals', {}),
    );

    const plain = await listsOf(connection).list({ after: undefined, properties: names, links: ['deals'] });
    const past = await listsOf(connection).list({ after: ids[59], properties: names, histories: names });

    expect(plain.records.map(({ id }) => id)).toEqual(ids.slice(0, 100));
    expect(plain.records[99]).toMatchObject({
      properties: { [name]: 'here' },
      links: { deals: { isWhole: true } },
    });
    expect(plain.records[99]?.links.deals?.to).toHaveLength(1);
    expect(plain.after).toBe(ids[99]);
    expect(past.records).toHaveLength(50);
    expect(past.records[39]).toMatchObject({
      properties: { [name]: 'here' },
      histories: { [name]: [{ value: 'here' }] },
    });
    expect(connection.exchanges.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(connection.specProblems()).toEqual([]);
  });

  test('takes a hundred and fifty properties of usual length in one call, with their histories too', async () => {
    const connection = await connect();
    const names = manyProperties(connection, 120);
    createContacts(connection, 1);

    await listsOf(connection).list({ after: undefined, properties: names });
    await listsOf(connection).list({ after: undefined, properties: [], histories: names });

    expect(connection.exchanges).toHaveLength(2);
    expect(Math.max(...connection.exchanges.map(({ query }) => query.length))).toBeLessThan(4200);
  });

  test('without those that were deleted after it was made', async () => {
    const onBatch: (() => void)[] = [];
    const connection = await connect({
      faults({ path }) {
        if (path.endsWith('/batch/read')) for (const act of onBatch) act();
        return undefined;
      },
    });
    const ids = createContacts(connection, 3);
    onBatch.push(() => connection.portal.crm.delete('contacts', ids[1] ?? ''));

    const { records } = await listsOf(connection).list({
      after: undefined,
      properties: manyProperties(connection, 250),
    });

    expect(records.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
  });
});

test('a count is of all living records', async () => {
  const connection = await connect();
  const [one = '', two = '', three = ''] = createContacts(connection, 205);
  connection.portal.crm.delete('contacts', one);
  connection.portal.crm.merge('contacts', two, three);
  searchable(connection);

  expect(await listsOf(connection).count()).toBe(203);
  expect(await listsOf(connection, 'deals').count()).toBe(0);
  expect(connection.specProblems()).toEqual([]);
});

/** All pages, one after another. */
async function allSince(
  connection: Connection,
  sinceMs: number,
  between = async () => {},
): Promise<string[]> {
  const lists = listsOf(connection);
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await lists.changedSince(sinceMs, after, ['jobtitle']);
    found.push(...page.records.map(({ id }) => id));
    after = page.after;
    await between();
  } while (after !== undefined);
  return found;
}

describe('what changed since a moment', () => {
  test.each(['contacts', 'companies', 'deals'] as const)(
    'comes of %s ascending by the time of the change, that moment included',
    async (type) => {
      const connection = await connect();
      const { crm } = connection.portal;
      const at = (atMs: number) => crm.create(type, { createdate: NOON_MS - MINUTE_MS }, { atMs });
      const [late, before, exactly] = [at(NOON_MS + 5), at(NOON_MS - 1), at(NOON_MS)];
      searchable(connection);

      const page = await listsOf(connection, type).changedSince(NOON_MS, undefined, ['createdate']);

      expect(before).not.toBe(exactly);
      expect(page).toMatchObject({
        after: undefined,
        total: 2,
        records: [
          { id: exactly, updatedAtMs: NOON_MS, properties: { createdate: '2026-11-10T11:59:00Z' } },
          { id: late, updatedAtMs: NOON_MS + 5 },
        ],
      });
      expect(connection.specProblems()).toEqual([]);
    },
  );

  test('misses none when records change while the pages are read', async () => {
    const connection = await connect({ searchLagMs: 0 });
    const ids = Array.from({ length: 450 }, (_one, at) =>
      connection.portal.crm.create('contacts', {}, { atMs: NOON_MS + at }),
    );
    connection.portal.time.nowMs += MINUTE_MS;
    let next = 0;

    const found = await allSince(connection, NOON_MS, async () => {
      connection.portal.time.nowMs += 1000;
      for (const id of ids.slice(next, next + 20))
        connection.portal.crm.set('contacts', id, { jobtitle: 'x' });
      next += 20;
    });

    expect(new Set(found)).toEqual(new Set(ids));
    // So there is no end of pages after ten thousand either.
    expect(
      connection.exchanges.every(({ requestBody }) => JSON.stringify(requestBody).includes('"after":"0"')),
    ).toBe(true);
  });

  test('comes to an end where more changed in one millisecond than are handed out, and tells how many', async () => {
    const connection = await connect();
    createContacts(connection, 10_100);
    searchable(connection);
    const lists = listsOf(connection);

    const first = await lists.changedSince(NOON_MS, undefined, []);
    const last = await lists.changedSince(NOON_MS, first.after?.replace('+200', '+9800'), []);

    expect(first).toMatchObject({ total: 10_100, after: expect.stringContaining('+200') });
    expect(last).toMatchObject({ total: 10_100, after: undefined });
    expect(last.records).toHaveLength(200);
  });

  test('with more properties than a search takes has them all', async () => {
    const connection = await connect();
    const names = manyProperties(connection, 150);
    const ids = createContacts(connection, 120);
    connection.portal.crm.set(
      'contacts',
      ids[0] ?? '',
      { [names[149] ?? '']: 'here' },
      { atMs: NOON_MS + 1 },
    );
    searchable(connection);

    const { records } = await listsOf(connection).changedSince(NOON_MS, undefined, names);

    expect(records).toHaveLength(120);
    expect(records.at(-1)).toMatchObject({ id: ids[0], properties: { [names[149] ?? '']: 'here' } });
    expect(connection.specProblems()).toEqual([]);
  });
});

describe('searches', () => {
  test('begin four a second at most, of all kinds of records together', async () => {
    const connection = await connect();
    const kinds = ['contacts', 'companies', 'deals'] as const;
    const lists = kinds.map((type) => listsOf(connection, type));
    const startedMs = performance.now();

    for (let round = 0; round < 2; round++) for (const each of lists) await each.count();

    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(1000);
    expect(tookMs).toBeLessThan(3000);
  });

  test.each([
    ['as recorded of searches', { category: 'RATE_LIMITS' }],
    ['as of the other limits', { errorType: 'RATE_LIMIT', policyName: 'SECONDLY' }],
  ])(
    'wait for another second when others used it up, and no other call waits with them: %s',
    async (_how, form) => {
      let refusals = 1;
      const body = { status: 'error', message: 'You have reached your secondly limit.', ...form };
      const connection = await connect({
        faults: ({ path }) =>
          path.endsWith('/search') && refusals-- > 0 ? { kind: 'answer', status: 429, body } : undefined,
      });
      createContacts(connection, 2);
      searchable(connection);
      const before = connection.budget.state;
      const count = listsOf(connection).count();

      const page = await listsOf(connection).list({ after: undefined, properties: [] });

      expect(page.records).toHaveLength(2);
      expect(await count).toBe(2);
      expect(connection.budget.state).toMatchObject({
        share: before.share,
        blockedUntilMs: before.blockedUntilMs,
      });
      expect(connection.takeCalls().toSorted()).toEqual(['GET contacts', 'POST search', 'POST search']);
    },
  );

  test('are given up when every second is used up: the work is to come again about a second later', async () => {
    const connection = await connect({
      faults: () => ({ kind: 'answer', ...tooManyRequests('SECONDLY') }),
    });

    await expect(listsOf(connection).count()).rejects.toMatchObject({
      trouble: 'rate-limited',
      retryAtMs: NOON_MS + 1100,
    });
    expect(connection.takeCalls()).toHaveLength(3);
  });
});

test('a search that finds its second used up does not end a stop for which it was the one to try', async () => {
  const connection = await connect({
    faults: () => ({ kind: 'answer', ...tooManyRequests('SECONDLY') }),
  });
  const stop = { reason: 'daily', sinceMs: NOON_MS - 2000, untilMs: NOON_MS - 1000 } as const;
  connection.budget.state = { ...connection.budget.state, stop };

  await expect(listsOf(connection).count()).rejects.toMatchObject({ trouble: 'rate-limited' });

  expect(connection.budget.state.stop).toEqual(stop);
});

describe('some records', () => {
  test('are read with the histories of properties, those that exist', async () => {
    const connection = await connect();
    const ids = createContacts(connection, 50);
    connection.portal.crm.delete('contacts', ids[1] ?? '');
    connection.portal.crm.set('contacts', ids[2] ?? '', { jobtitle: 'CTO' }, { atMs: NOON_MS + 1 });

    const found = await listsOf(connection).readHistories(ids, ['jobtitle']);

    expect(found.map(({ id }) => id)).toEqual(ids.filter((_id, at) => at !== 1));
    expect(found[1]?.histories).toMatchObject({
      jobtitle: [
        { value: 'CTO', atMs: NOON_MS + 1 },
        { value: 'title 2', atMs: NOON_MS },
      ],
    });
    expect(await listsOf(connection).readHistories([], ['jobtitle'])).toEqual([]);
    expect(connection.takeCalls()).toEqual(['POST batch/read']);
    expect(connection.specProblems()).toEqual([]);
  });

  test('are in the recycling bin when they were deleted, not when they live, were merged, erased, or never there', async () => {
    const connection = await connect();
    const { crm } = connection.portal;
    const [alive = '', deleted = '', old = '', other = '', erased = ''] = createContacts(connection, 5);
    crm.delete('contacts', deleted);
    crm.merge('contacts', old, other);
    crm.privacyDelete(erased);

    const bin = await listsOf(connection).archived([alive, deleted, old, other, erased, '999']);

    expect([...bin]).toEqual([deleted]);
    expect(connection.specProblems()).toEqual([]);
  });
});

test.each([
  ['null', null],
  ['results that are no list', { results: 5, total: 'many' }],
  ['results without ids', { results: [{ properties: {} }], total: 1 }],
  ['a time that is none', { results: [{ id: '1', properties: {}, updatedAt: 'canary' }], total: 1 }],
  ['another form', ['canary']],
])('an answer of %s says nothing', async (_name, body) => {
  const connection = await connect({
    faults: () => ({ kind: 'answer', status: 200, body: JSON.stringify(body) }),
  });
  const lists = listsOf(connection);

  const asked = [
    lists.list({ after: undefined, properties: ['email'] }),
    lists.changedSince(NOON_MS, undefined, ['email']),
    lists.readHistories(['1'], ['email']),
    lists.archived(['1']),
  ];
  for (const each of asked) await expect(each).rejects.toMatchObject({ trouble: 'unknown' });
});
