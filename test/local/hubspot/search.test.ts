import { closeAll, NOON_MS, openPortal, type Portal } from './portal.ts';

afterEach(closeAll);

const SEARCH = '/crm/objects/2026-03/contacts/search';
const LAG_MS = 30_000;

const ALL = { filterGroups: [], sorts: [], properties: [], limit: 200, after: '0' };

interface Filter {
  propertyName: string;
  operator: string;
  value?: string;
}

function title(value: string): Filter {
  return { propertyName: 'jobtitle', operator: 'EQ', value };
}

function where(...filters: Filter[]) {
  return { ...ALL, filterGroups: [{ filters }] };
}

async function find(portal: Portal, body: object = ALL): Promise<string[]> {
  const answer = await portal.call('POST', SEARCH, body);
  expect(answer.status).toBe(200);
  return answer.body.results.map(({ id }: { id: string }) => id);
}

describe.each(['/crm/objects/2026-03', '/crm/v3/objects'])('under %s', (path) => {
  test.each(['contacts', 'companies', 'deals'] as const)(
    'finds %s with the properties asked for and how many there are',
    async (type) => {
      const portal = await openPortal();
      const ids = [1, 2, 3].map(() => portal.crm.create(type, {}));
      portal.time.nowMs += LAG_MS;

      const answer = await portal.call('POST', `${path}/${type}/search`, { ...ALL, limit: 2 });

      expect(answer).toMatchObject({ status: 200, body: { total: 3, paging: { next: { after: '2' } } } });
      expect(answer.body.results.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
      const rest = await portal.call('POST', `${path}/${type}/search`, { ...ALL, limit: 2, after: '2' });
      expect(rest.body).toMatchObject({ total: 3, results: [{ id: ids[2], archived: false }] });
      expect(rest.body.paging).toBeUndefined();
      expect(portal.specProblems).toEqual([]);
    },
  );
});

test('needs the scope that reading needs', async () => {
  const portal = await openPortal({ scopes: ['crm.objects.deals.read'] });

  expect(await portal.call('POST', SEARCH, ALL)).toMatchObject({
    status: 403,
    body: { context: { requiredGranularScopes: ['crm.objects.contacts.read'] } },
  });
});

describe('filters', () => {
  test.each([
    ['EQ', '5', [5]],
    ['NEQ', '5', [4, 10]],
    ['LT', '5', [4]],
    ['LTE', '5', [4, 5]],
    ['GT', '5', [10]],
    ['GTE', '5', [5, 10]],
    ['HAS_PROPERTY', undefined, [4, 5, 10]],
    ['NOT_HAS_PROPERTY', undefined, [null]],
  ])('compare numbers as numbers: %s', async (operator, value, expected) => {
    const portal = await openPortal();
    for (const hs_analytics_num_page_views of [4, 5, 10, null])
      portal.crm.create('contacts', { hs_analytics_num_page_views });
    portal.time.nowMs += LAG_MS;

    const propertyName = 'hs_analytics_num_page_views';
    const { body } = await portal.call('POST', SEARCH, {
      ...where({ propertyName, operator, ...(value !== undefined && { value }) }),
      properties: [propertyName],
    });

    const found = body.results.map(
      (result: { properties: Record<string, string | null> }) => result.properties[propertyName],
    );
    expect(found).toEqual(expected.map((number) => (number === null ? null : String(number))));
  });

  test('hold all within a group, and one group is enough', async () => {
    const portal = await openPortal();
    const [cto, ceo] = ['CTO', 'CEO'].map((jobtitle) =>
      portal.crm.create('contacts', { jobtitle, city: 'Bonn' }),
    );
    portal.time.nowMs += LAG_MS;
    const city = { propertyName: 'city', operator: 'EQ', value: 'Bonn' };

    expect(await find(portal, where(title('cto'), city))).toEqual([cto]);
    expect(await find(portal, where(title('CTO'), title('CEO')))).toEqual([]);
    expect(
      await find(portal, {
        ...ALL,
        filterGroups: [{ filters: [title('CTO')] }, { filters: [title('CEO')] }],
      }),
    ).toEqual([cto, ceo]);
  });
});

function byTitle(direction: string) {
  return { ...ALL, sorts: [{ propertyName: 'jobtitle', direction }] };
}

describe('the order', () => {
  test('is that of one property, up or down', async () => {
    const portal = await openPortal();
    const [b, a] = ['B', 'A'].map((jobtitle) => portal.crm.create('contacts', { jobtitle }));
    portal.time.nowMs += LAG_MS;

    expect(await find(portal, byTitle('ASCENDING'))).toEqual([a, b]);
    expect(await find(portal, byTitle('DESCENDING'))).toEqual([b, a]);
  });

  test('given as text is passed over in silence', async () => {
    const portal = await openPortal();
    const [b, a] = ['B', 'A'].map((jobtitle) => portal.crm.create('contacts', { jobtitle }));
    portal.time.nowMs += LAG_MS;

    expect(await find(portal, { ...ALL, sorts: [JSON.stringify({ propertyName: 'jobtitle' })] })).toEqual([
      b,
      a,
    ]);
  });
});

const FILTER = title('x');
const groups = (...sizes: number[]) => ({
  ...ALL,
  filterGroups: sizes.map((size) => ({ filters: Array.from({ length: size }, () => FILTER) })),
});

describe('a search is refused', () => {
  test.each([
    ['with more than 200 results to a page', { ...ALL, limit: 201 }],
    ['without a result', { ...ALL, limit: 0 }],
    ['past 10,000 results', { ...ALL, after: '9801' }],
    ['from 10,000 on', { ...ALL, after: '10000', limit: 1 }],
    ['with a body of more than 3,000 characters', { ...ALL, properties: ['x'.repeat(3000)] }],
    ['with six groups', groups(1, 1, 1, 1, 1, 1)],
    ['with seven filters in a group', groups(7)],
    ['with nineteen filters', groups(4, 4, 4, 4, 3)],
    ['with two orders', { ...ALL, sorts: [{ propertyName: 'email' }, { propertyName: 'jobtitle' }] }],
    ['by a property that is not there', where({ ...FILTER, propertyName: 'nonsense' })],
    ['in the order of a property that is not there', { ...ALL, sorts: [{ propertyName: 'nonsense' }] }],
    ['with an operator that is none', where({ ...FILTER, operator: 'IS' })],
    ['from a place that is none', { ...ALL, after: 'abc' }],
  ])('%s', async (_name, body) => {
    const portal = await openPortal();

    expect(await portal.call('POST', SEARCH, body)).toMatchObject({
      status: 400,
      body: { category: 'VALIDATION_ERROR' },
    });
  });

  test.each([
    ['200 results', { ...ALL, after: '9800' }],
    ['five groups', groups(1, 1, 1, 1, 1)],
    ['six filters in a group', groups(6)],
    ['eighteen filters', groups(4, 4, 4, 3, 3)],
  ])('but not with %s', async (_name, body) => {
    const portal = await openPortal();

    expect((await portal.call('POST', SEARCH, body)).status).toBe(200);
  });
});

/** Those that changed so long after noon, or later. */
function changedFrom(ms: number) {
  return where({ propertyName: 'lastmodifieddate', operator: 'GTE', value: String(NOON_MS + ms) });
}

describe('a search lags behind', () => {
  test('a new record is not found for half a minute', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', {}, { atMs: NOON_MS - 3_600_000 });

    portal.time.nowMs += LAG_MS - 1;
    expect(await portal.call('POST', SEARCH, ALL)).toMatchObject({ body: { total: 0, results: [] } });
    portal.time.nowMs += 1;
    expect(await find(portal)).toEqual([id]);
  });

  test('a record that changed is found as it was before', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { jobtitle: 'CTO' });
    portal.time.nowMs += 60_000;
    portal.crm.set('contacts', id, { jobtitle: 'CEO' });
    const asked = { ...ALL, properties: ['jobtitle'] };

    portal.time.nowMs += LAG_MS - 1;
    expect((await portal.call('POST', SEARCH, asked)).body.results).toMatchObject([
      {
        id,
        updatedAt: '2026-11-10T12:00:00Z',
        properties: { jobtitle: 'CTO', lastmodifieddate: '2026-11-10T12:00:00Z' },
      },
    ]);
    expect(await find(portal, changedFrom(1))).toEqual([]);
    expect(await find(portal, where({ ...FILTER, value: 'CEO' }))).toEqual([]);
    portal.time.nowMs += 1;
    expect((await portal.call('POST', SEARCH, asked)).body.results).toMatchObject([
      { id, updatedAt: '2026-11-10T12:01:00Z', properties: { jobtitle: 'CEO' } },
    ]);
    expect(await find(portal, changedFrom(60_000))).toEqual([id]);
  });

  test('by changes one after another, each in its turn', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', { jobtitle: '0' });
    portal.time.nowMs += 100_000;
    for (const jobtitle of ['1', '2', '3']) {
      portal.time.nowMs += 10_000;
      portal.crm.set('contacts', id, { jobtitle });
    }
    const seen: string[] = [];
    for (let step = 0; step < 6; step++) {
      const { body } = await portal.call('POST', SEARCH, { ...ALL, properties: ['jobtitle'] });
      seen.push(body.results[0].properties.jobtitle);
      portal.time.nowMs += 6000;
    }

    expect(seen).toEqual(['0', '0', '1', '1', '2', '3']);
  });

  test('a restored record is as new', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', {});
    portal.time.nowMs += 60_000;
    portal.crm.delete('contacts', id);
    portal.crm.restore('contacts', id);

    expect(await find(portal)).toEqual([]);
    portal.time.nowMs += LAG_MS;
    expect(await find(portal)).toEqual([id]);
  });

  test('as long as one says', async () => {
    const portal = await openPortal({ searchLagMs: 0 });
    const id = portal.crm.create('contacts', {});

    expect(await find(portal)).toEqual([id]);
  });
});

test('what was deleted, erased or merged away is never found, the record that a merge made is', async () => {
  const portal = await openPortal();
  const { crm } = portal;
  const [deleted = '', erased = '', old = '', other = ''] = [1, 2, 3, 4].map(() =>
    crm.create('contacts', {}),
  );
  crm.delete('contacts', deleted);
  crm.privacyDelete(erased);
  const merged = crm.merge('contacts', old, other);
  portal.time.nowMs += LAG_MS;

  expect(await find(portal)).toEqual([merged]);
});

describe('five searches a second', () => {
  const OTHER = 'other-token';
  const twoApps = { otherApps: [{ accessToken: OTHER, appId: 9 }] };

  test("are the whole account's; the sixth gets 429 without headers about limits, and other calls none", async () => {
    const portal = await openPortal(twoApps);
    for (let count = 0; count < 5; count++)
      expect((await portal.call('POST', SEARCH, ALL, count < 3 ? undefined : OTHER)).status).toBe(200);

    const refused = await portal.call('POST', SEARCH, ALL, OTHER);

    expect(refused).toMatchObject({
      status: 429,
      body: {
        status: 'error',
        message: 'You have reached your secondly limit.',
        category: 'RATE_LIMITS',
      },
    });
    expect(refused.body).not.toHaveProperty('policyName');
    expect([...refused.headers.keys()].filter((name) => /ratelimit|retry/.test(name))).toEqual([]);
    expect((await portal.call('GET', '/crm/objects/2026-03/contacts')).status).toBe(200);
    expect(portal.specProblems).toEqual([]);
  });

  test('are those of any second', async () => {
    const portal = await openPortal();
    const statuses: number[] = [];
    for (const atMs of [0, 0, 600, 600, 600, 999, 1000, 1000, 1000, 1600]) {
      portal.time.nowMs = NOON_MS + atMs;
      statuses.push((await portal.call('POST', SEARCH, ALL)).status);
    }

    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 200, 200, 429, 200]);
  });

  test('count among the calls of ten seconds and of the day, and tell nothing of them', async () => {
    const portal = await openPortal({ rateLimitPer10Seconds: 3 });
    const answer = await portal.call('POST', SEARCH, ALL);
    const { headers } = await portal.call('GET', '/crm/objects/2026-03/contacts');

    expect([...answer.headers.keys()].filter((name) => name.includes('ratelimit'))).toEqual([]);
    expect(headers.get('x-hubspot-ratelimit-remaining')).toBe('1');
    expect(headers.get('x-hubspot-ratelimit-daily-remaining')).toBe('624998');
  });
});
