// What HubSpot says of visits, composed from one reading, and from histories: the same facts.
import type { Version } from '../../lambdas/hubspot/histories.ts';
import type { ListedRecord } from '../../lambdas/hubspot/lists.ts';
import { visitProperties, visitsRead } from '../../lambdas/hydration/visits.ts';
import { toldByHistories, visitorsTold } from '../../lambdas/nightly/history-facts.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import { modelOf } from '../scoring/model-of.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WITH_VISITS = modelOf('attribution: {}');
const READING = { model: WITH_VISITS, portalId: '33', nowMs: NOW };
const iso = (ms: number) => new Date(ms).toISOString();

/** A contact whose first visit, long ago, was ChatGPT's, and whose latest came by a search. */
const PROPERTIES = {
  hs_analytics_source: 'AI_REFERRALS',
  hs_analytics_source_data_1: 'chatgpt.com',
  hs_analytics_first_visit_timestamp: iso(NOW - 500 * DAY_MS),
  hs_analytics_first_timestamp: iso(NOW - 400 * DAY_MS),
  hs_analytics_first_url: 'https://acme.example/pricing?utm_source=chatgpt.com&token=secret#plans',
  hs_analytics_first_referrer: 'https://chatgpt.com/',
  hs_latest_source: 'ORGANIC_SEARCH',
  hs_latest_source_data_1: 'Unknown keywords (SSL)',
  hs_latest_source_data_2: 'GOOGLE',
  hs_latest_source_timestamp: iso(NOW - DAY_MS),
  hs_analytics_last_url: 'https://acme.example/demo',
  hs_analytics_last_referrer: 'https://www.google.com/',
  hs_analytics_last_visit_timestamp: iso(NOW - DAY_MS),
};

function read(changes: Readonly<Record<string, string | null>> = {}, id = '7', reading = READING): Fact[] {
  return visitsRead({ id, properties: { ...PROPERTIES, ...changes }, updatedAtMs: NOW }, reading);
}

const saidOf = (facts: readonly Fact[]) =>
  facts.map(({ occurredAtMs, value = '{}' }) => ({ atMs: occurredAtMs, ...JSON.parse(value) }));
const latest = (changes: Readonly<Record<string, string | null>>) => saidOf(read(changes))[1];

test('first and latest source are two visits, without anything of the query but what tells the source', () => {
  expect(saidOf(read())).toEqual([
    {
      by: 'hubspot',
      atMs: NOW - 500 * DAY_MS,
      hubSpotSource: 'AI_REFERRALS',
      detail1: 'chatgpt.com',
      landing: 'https://acme.example/pricing',
      referrer: 'chatgpt.com',
      utmSource: 'chatgpt.com',
    },
    {
      by: 'hubspot',
      atMs: NOW - DAY_MS,
      hubSpotSource: 'ORGANIC_SEARCH',
      detail1: 'Unknown keywords (SSL)',
      detail2: 'GOOGLE',
      landing: 'https://acme.example/demo',
      referrer: 'www.google.com',
    },
  ]);
});

test.each([
  ['no source', { hs_analytics_source: '' }, 1],
  ['no property at all', { hs_analytics_source: null }, 1],
  [
    'a contact that was typed in',
    { hs_analytics_source: 'OFFLINE', hs_analytics_source_data_1: 'CRM_UI' },
    1,
  ],
  ['no time', { hs_latest_source_timestamp: '' }, 1],
  ['a time that is none', { hs_latest_source_timestamp: 'yesterday' }, 1],
  ['a time to come', { hs_latest_source_timestamp: iso(NOW + 3 * DAY_MS) }, 1],
  ['a time long before', { hs_latest_source_timestamp: '1999-12-31T00:00:00Z' }, 1],
  ['the first time of all that is known', { hs_analytics_first_visit_timestamp: '' }, 2],
])('%s: %j leaves %i of the two visits', (_, changes, left) => {
  expect(read(changes)).toHaveLength(left);
});

test('without the time of the first visit, that of the first event stands for it', () => {
  const [first] = saidOf(read({ hs_analytics_first_visit_timestamp: '' }));

  expect(first.atMs).toBe(NOW - 400 * DAY_MS);
});

test.each([
  { minutes: 30, isIts: true, because: 'it was seen while the visit lasted' },
  { minutes: 31, isIts: false, because: 'it was seen in another one' },
])('the last page, seen $minutes minutes before, is of the latest visit: $isIts, because $because', (row) => {
  const visit = latest({ hs_analytics_last_visit_timestamp: iso(NOW - DAY_MS - row.minutes * MINUTE_MS) });

  expect('landing' in visit).toBe(row.isIts);
  expect('referrer' in visit).toBe(row.isIts);
});

test('drill-downs lose queries, and are left out where they hold an address', () => {
  const visit = latest({
    hs_latest_source: 'DIRECT_TRAFFIC',
    hs_latest_source_data_1: 'acme.example/reset?token=secret',
    hs_latest_source_data_2: 'ada@example.com',
  });

  expect(visit).toMatchObject({ detail1: 'acme.example/reset' });
  expect(visit).not.toHaveProperty('detail2');
  for (const address of ['ada%40example.com', 'ada%2540example.com'])
    expect(latest({ hs_latest_source_data_1: `acme.example/u/${address}` })).not.toHaveProperty('detail1');
});

function latestKey(changes: Readonly<Record<string, string>>, id?: string): string | undefined {
  return read(changes, id)[1]?.key;
}

test('a visit is the same fact while its last page changes, and another where time, source or contact differ', () => {
  expect(latestKey({ hs_analytics_last_url: 'https://acme.example/later' })).toBe(latestKey({}));
  const others = [
    latestKey({}),
    latestKey({ hs_latest_source: 'AI_REFERRALS' }),
    latestKey({ hs_latest_source_data_2: 'BING' }),
    latestKey({ hs_latest_source_timestamp: iso(NOW - DAY_MS + 1) }),
    latestKey({}, '8'),
  ];
  expect(new Set(others).size).toBe(others.length);
});

test('without the section attribution nothing is asked for, and nothing is made of what is there', () => {
  const model = modelOf('{}');

  expect(visitProperties(model)).toEqual([]);
  expect(read({}, '7', { ...READING, model })).toEqual([]);
});

function version(value: string, atMs: number): Version {
  return { value, atMs, sourceId: undefined };
}

describe('by the histories of a night', () => {
  /** Two visits: yesterday's, and one nine days before, of which only the histories tell. Each property changed a moment later. */
  const RECORD: ListedRecord = {
    id: '7',
    properties: PROPERTIES,
    updatedAtMs: NOW - DAY_MS,
    links: {},
    histories: {
      hs_latest_source_timestamp: [
        version(PROPERTIES.hs_latest_source_timestamp, NOW - DAY_MS),
        version(iso(NOW - 10 * DAY_MS), NOW - 10 * DAY_MS),
      ],
      hs_latest_source: [
        version('ORGANIC_SEARCH', NOW - DAY_MS + 900),
        version('AI_REFERRALS', NOW - 10 * DAY_MS + 900),
        version('OFFLINE', NOW - 500 * DAY_MS),
      ],
      hs_latest_source_data_1: [
        version('Unknown keywords (SSL)', NOW - DAY_MS + 20),
        version('perplexity.ai', NOW - 10 * DAY_MS + 20),
      ],
      hs_latest_source_data_2: [version('GOOGLE', NOW - DAY_MS + 20)],
      afterglow_visitor_id: [
        version('second-browser-0000000', NOW - DAY_MS),
        version('', NOW - 5 * DAY_MS),
        version('first-browser-00000000', NOW - 10 * DAY_MS),
      ],
    },
  };
  const night = { ...READING, ownAppIds: [], factRetentionDays: 400 };
  const told = (known: { touches?: Fact[] } = {}, sinceMs?: number, model = WITH_VISITS) =>
    toldByHistories(RECORD, { facts: [], properties: [], ...known }, sinceMs, { ...night, model }).facts;

  test('every visit that was the latest is told, with what stood there then', () => {
    expect(saidOf(told()).toSorted((a, b) => a.atMs - b.atMs)).toMatchObject([
      { atMs: NOW - 500 * DAY_MS, hubSpotSource: 'AI_REFERRALS' },
      { atMs: NOW - 10 * DAY_MS, hubSpotSource: 'AI_REFERRALS', detail1: 'perplexity.ai' },
      { atMs: NOW - DAY_MS, hubSpotSource: 'ORGANIC_SEARCH', detail2: 'GOOGLE' },
    ]);
  });

  test('what was read once is the very same fact, and no news', () => {
    const before = read();
    const keys = new Set(told().map(({ key }) => key));

    expect(before.every(({ key }) => keys.has(key))).toBe(true);
    expect(told({ touches: before })).toMatchObject([{ occurredAtMs: NOW - 10 * DAY_MS }]);
  });

  test('it was the very same fact also while it was the latest', () => {
    const then = read({
      hs_latest_source: 'AI_REFERRALS',
      hs_latest_source_data_1: 'perplexity.ai',
      hs_latest_source_data_2: '',
      hs_latest_source_timestamp: iso(NOW - 10 * DAY_MS),
    });

    expect(told({ touches: [...read(), ...then] })).toEqual([]);
  });

  test('what was looked at on an earlier night is left alone, but for what may have come late', () => {
    expect(saidOf(told({ touches: read().slice(0, 1) }, NOW - 2 * DAY_MS))).toMatchObject([
      { atMs: NOW - DAY_MS },
    ]);
  });

  test('browsers are told oldest first, those of nobody’s snippet left out', () => {
    expect(visitorsTold(RECORD, undefined, night)).toEqual([
      'first-browser-00000000',
      'second-browser-0000000',
    ]);
    expect(visitorsTold(RECORD, NOW - 2 * DAY_MS, night)).toEqual(['second-browser-0000000']);
  });

  test('without the section attribution nothing is told', () => {
    expect(told({}, undefined, modelOf('{}'))).toEqual([]);
    expect(visitorsTold(RECORD, undefined, { model: modelOf('{}') })).toEqual([]);
  });
});
