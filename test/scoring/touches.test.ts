import fc from 'fast-check';
import { readSources } from '../../cli/model-file.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import { journeyOf } from '../../lambdas/scoring/journey.ts';
import { sourceKeyOf } from '../../lambdas/scoring/sources.ts';
import { type SeenVisit, touchesOf, touchFact } from '../../lambdas/scoring/touches.ts';

const SOURCES = readSources('models/sources.yaml');
const NOW_MS = Date.parse('2026-03-03T12:00:00Z');
const MINUTE_MS = 60_000;

let keys = 0;

/** A visit some minutes after noon. */
function seen(minutes: number, visit: SeenVisit, key = `key ${++keys}`): Fact {
  return touchFact(key, NOW_MS + minutes * MINUTE_MS, visit);
}

const ours = (minutes: number, visit: Omit<SeenVisit, 'by'> = {}, key?: string) =>
  seen(minutes, { by: 'browser', ...visit }, key);
const theirs = (minutes: number, hubSpotSource: string, visit: Omit<SeenVisit, 'by'> = {}, key?: string) =>
  seen(minutes, { by: 'hubspot', hubSpotSource, ...visit }, key);

const CHATGPT = { utmSource: 'chatgpt.com' };
const LANDING = { landing: 'https://www.acme.example/pricing' };

/** Minutes after noon, source, landing page and who saw it. */
function told(...facts: Fact[]) {
  return touchesOf(facts, SOURCES).map((touch) => [
    (touch.atMs - NOW_MS) / MINUTE_MS,
    sourceKeyOf(touch),
    touch.landing,
    touch.by,
  ]);
}

test('a visit has its source, as people read it too, its time, and where it began', () => {
  expect(touchesOf([ours(0, { ...CHATGPT, ...LANDING }, 'one')], SOURCES)).toEqual([
    {
      key: 'one',
      atMs: NOW_MS,
      channel: 'ai',
      source: 'chatgpt',
      label: 'ChatGPT',
      landing: 'https://www.acme.example/pricing',
      by: 'browser',
    },
  ]);
});

test('a visit is read as it was kept', () => {
  const value = '{"by":"browser","utmSource":"chatgpt.com","landing":"https://www.acme.example/pricing"}';

  expect(told({ key: 'one', name: 'touch', occurredAtMs: NOW_MS, value })).toEqual([
    [0, 'ai/chatgpt', LANDING.landing, 'browser'],
  ]);
});

test('of one instant too, it changes nothing in which order things were told', () => {
  const sights = [
    seen(0, { by: 'server', landing: 'https://www.acme.example/' }, 'one'),
    seen(0, { by: 'browser', ...LANDING }, 'one'),
  ];
  const visits = [ours(0, CHATGPT, 'one'), ours(0, {}, 'two')];

  expect(told(...sights)).toHaveLength(1);
  expect(told(...sights.toReversed())).toEqual(told(...sights));
  expect(told(...visits)).toHaveLength(2);
  expect(told(...visits.toReversed())).toEqual(told(...visits));
});

test('visits come in the order they happened', () => {
  expect(told(ours(300), ours(-300, CHATGPT), theirs(100, 'SOCIAL_MEDIA')).map(([at]) => at)).toEqual([
    -300, 100, 300,
  ]);
});

test('a fact that was told twice is one visit, at the earlier time', () => {
  expect(told(ours(5, CHATGPT, 'one'), ours(3, CHATGPT, 'one'), ours(5, CHATGPT, 'one'))).toEqual([
    [3, 'ai/chatgpt', '', 'browser'],
  ]);
});

test('of one session the earlier sight learns what only the later one knew, in whatever order they come', () => {
  const byServer = seen(0, { by: 'server', landing: 'https://www.acme.example/' }, 'one');
  const byBrowser = ours(1, { referrer: 'chatgpt.com', ...LANDING }, 'one');
  const right = [[0, 'ai/chatgpt', 'https://www.acme.example/', 'server']];

  expect(told(byServer, byBrowser)).toEqual(right);
  expect(told(byBrowser, byServer, byServer)).toEqual(right);
});

describe('a visit that HubSpot saw too', () => {
  test.each([0, 1, 30, -30])('%d minutes after ours is that one', (minutes) => {
    expect(told(ours(0, CHATGPT), theirs(minutes, 'AI_REFERRALS'))).toEqual([
      [0, 'ai/chatgpt', '', 'browser'],
    ]);
  });

  test.each([30.001, -30.001])('%d minutes after ours is another one', (minutes) => {
    expect(told(ours(0), theirs(minutes, 'AI_REFERRALS'))).toHaveLength(2);
  });

  test('is the nearest of ours', () => {
    expect(told(ours(0), ours(20), theirs(14, 'AI_REFERRALS', { detail1: 'claude.ai' }))).toEqual([
      [0, 'direct/direct', '', 'browser'],
      [20, 'ai/claude', '', 'browser'],
    ]);
  });

  test('is the earlier of ours where two are as near', () => {
    expect(told(ours(0), ours(20), theirs(10, 'AI_REFERRALS', { detail1: 'claude.ai' }))).toEqual([
      [0, 'ai/claude', '', 'browser'],
      [20, 'direct/direct', '', 'browser'],
    ]);
  });

  test.each<[Omit<SeenVisit, 'by'>, string, Omit<SeenVisit, 'by'>, string, string]>([
    [{}, 'AI_REFERRALS', {}, 'ai/ai', 'we saw nothing, HubSpot an assistant'],
    [{ referrer: 'partner.example' }, 'SOCIAL_MEDIA', {}, 'social/social', 'we saw somebody, HubSpot whom'],
    [{}, 'REFERRALS', { detail1: 'partner.example' }, 'other/other', 'we saw nothing, HubSpot somebody'],
    [{ referrer: 'partner.example' }, 'DIRECT_TRAFFIC', {}, 'other/other', 'we saw more'],
    [CHATGPT, 'DIRECT_TRAFFIC', {}, 'ai/chatgpt', 'we saw more'],
    [{ referrer: 'www.google.com' }, 'AI_REFERRALS', {}, 'search/google', 'we saw it ourselves'],
    [
      { utmMedium: 'social' },
      'SOCIAL_MEDIA',
      { detail1: 'LinkedIn' },
      'social/social',
      'we saw it ourselves',
    ],
  ])('%j beside %s %j is %s: %s', (visit, word, details, source) => {
    expect(told(ours(0, visit), theirs(1, word, details))).toEqual([[0, source, '', 'browser']]);
  });

  test('lends ours the page where it began, if ours has none', () => {
    const page = { landing: 'https://www.acme.example/blog' };

    expect(told(ours(0, CHATGPT), theirs(1, 'AI_REFERRALS', page))).toEqual([
      [0, 'ai/chatgpt', page.landing, 'browser'],
    ]);
    expect(told(ours(0, { ...CHATGPT, ...LANDING }), theirs(1, 'AI_REFERRALS', page))).toEqual([
      [0, 'ai/chatgpt', LANDING.landing, 'browser'],
    ]);
  });

  test('twice is no two visits', () => {
    expect(
      told(ours(0), theirs(1, 'AI_REFERRALS'), theirs(2, 'AI_REFERRALS', { detail1: 'Claude' })),
    ).toEqual([[0, 'ai/claude', '', 'browser']]);
  });
});

describe('visits that HubSpot alone saw', () => {
  test('within half an hour of the first are one, which tells what the best of them tells', () => {
    const facts = [
      theirs(0, 'DIRECT_TRAFFIC', LANDING),
      theirs(20, 'AI_REFERRALS', { detail1: 'claude.ai' }),
      theirs(30, 'AI_REFERRALS'),
    ];

    expect(told(...facts)).toEqual([[0, 'ai/claude', LANDING.landing, 'hubspot']]);
  });

  test('are counted from the first, so that a chain does not become one visit', () => {
    expect(told(...[0, 20, 40, 60].map((minutes) => theirs(minutes, 'AI_REFERRALS')))).toEqual([
      [0, 'ai/ai', '', 'hubspot'],
      [40, 'ai/ai', '', 'hubspot'],
    ]);
  });

  test('of two that tell as much the first is believed', () => {
    expect(told(theirs(0, 'SOCIAL_MEDIA'), theirs(5, 'AI_REFERRALS'))).toEqual([
      [0, 'social/social', '', 'hubspot'],
    ]);
  });

  test('are none where HubSpot says that the contact came offline', () => {
    expect(told(theirs(0, 'OFFLINE', { detail1: 'IMPORT' }))).toEqual([]);
  });
});

test('two sessions of ours are two visits, however close', () => {
  expect(told(ours(0, CHATGPT), ours(1, CHATGPT))).toHaveLength(2);
});

test.each([
  ['not of a visit', { key: 'a', name: 'signal:login', occurredAtMs: NOW_MS, value: '{"by":"browser"}' }],
  ['no JSON', { key: 'a', name: 'touch', occurredAtMs: NOW_MS, value: '{' }],
  ['of nobody who sees visits', { key: 'a', name: 'touch', occurredAtMs: NOW_MS, value: '{"by":"me"}' }],
  ['without a value', { key: 'a', name: 'touch', occurredAtMs: NOW_MS }],
])('a fact is passed over that is %s', (_what, fact) => {
  expect(touchesOf([fact, ours(0)], SOURCES)).toHaveLength(1);
});

const visit: fc.Arbitrary<SeenVisit> = fc.oneof(
  fc.record({
    by: fc.constantFrom('browser', 'server'),
    utmSource: fc.constantFrom('', 'chatgpt.com', 'partner'),
    referrer: fc.constantFrom('', 'www.google.com', 'partner.example'),
    landing: fc.constantFrom('', 'https://www.acme.example/', 'https://www.acme.example/pricing'),
  }),
  fc.record({
    by: fc.constant('hubspot'),
    hubSpotSource: fc.constantFrom('AI_REFERRALS', 'DIRECT_TRAFFIC', 'SOCIAL_MEDIA', 'OFFLINE'),
    detail1: fc.constantFrom('', 'claude.ai', 'LinkedIn'),
  }),
);

/** Visits of one afternoon, minutes apart, some with one key: so they stand close, and some are told twice. */
const visits: fc.Arbitrary<Fact[]> = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 24 }), visit)
    .map(([key, tenths, one]) => seen(tenths * 10, one, `key ${key}`)),
  { maxLength: 10 },
);

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 30 * MINUTE_MS;
}

describe('whatever the visits', () => {
  test('neither their order nor their repetition changes anything', () => {
    fc.assert(
      fc.property(
        visits.chain((facts) =>
          fc.tuple(
            fc.constant(facts),
            fc.shuffledSubarray(facts, { minLength: facts.length }),
            fc.subarray(facts),
          ),
        ),
        ([facts, shuffled, again]) => {
          expect(touchesOf([...again, ...shuffled], SOURCES)).toEqual(touchesOf(facts, SOURCES));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('it changes nothing when and how often two contacts were merged on the way', () => {
    fc.assert(
      fc.property(visits, visits, (one, other) => {
        const merged = [...one, ...other];

        expect(touchesOf([...other, ...one, ...other], SOURCES)).toEqual(touchesOf(merged, SOURCES));
        expect(journeyOf(touchesOf([...other, ...one], SOURCES), 'UTC')).toEqual(
          journeyOf(touchesOf(merged, SOURCES), 'UTC'),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('every one of ours stays, and HubSpot adds none near one of ours nor two near each other', () => {
    fc.assert(
      fc.property(visits, (facts) => {
        const touches = touchesOf(facts, SOURCES);
        const own = touches.filter(({ by }) => by !== 'hubspot');
        const added = touches.filter(({ by }) => by === 'hubspot');

        expect(added.some(({ atMs }) => own.some((one) => isNear(one.atMs, atMs)))).toBe(false);
        expect(added.some(({ atMs }, at) => isNear(added[at - 1]?.atMs ?? -Infinity, atMs))).toBe(false);
        expect(new Set(touches.map(({ key }) => key)).size).toBe(touches.length);
      }),
      { numRuns: 2000 },
    );
  });
});
