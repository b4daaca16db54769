// What visits have to do with a score, and what a score has to do with what is shown of them.
import { readSources } from '../../cli/model-file.ts';
import { dueMoment } from '../../lambdas/scoring/due.ts';
import type { Fact, Known } from '../../lambdas/scoring/facts.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { score } from '../../lambdas/scoring/score.ts';
import { type Shown, show, writeIdOf } from '../../lambdas/scoring/show.ts';
import { type SeenVisit, touchFact } from '../../lambdas/scoring/touches.ts';
import { DAY_MS, NOW_MS } from './histories.ts';
import { modelOf } from './model-of.ts';

const SOURCES = readSources('models/sources.yaml');

/** A model of visits that bring 8 points which halve in 10 days. */
function modelOfVisits(from: string, rest = ''): Model {
  return modelOf(
    `{ attribution: {}, engagement: { signals: [
      { id: visit, title: Came by it, from: ${from}, points: 8, halfLifeDays: 10 }] }, ${rest} }`,
    [],
    SOURCES,
  );
}

const BY_AI = modelOfVisits('{ kind: touch, channel: ai }');

function came(daysAgo: number, seen: Omit<SeenVisit, 'by'>, by: SeenVisit['by'] = 'browser'): Fact {
  return touchFact(`${by} ${daysAgo} ${JSON.stringify(seen)}`, NOW_MS - daysAgo * DAY_MS, { by, ...seen });
}

function knownOf(...touches: Fact[]): Known {
  return { properties: [], facts: [], touches };
}

const CHATGPT = { utmSource: 'chatgpt.com' };
const CLAUDE = { referrer: 'claude.ai' };
const GOOGLE = { referrer: 'www.google.com' };

const scoreOf = (model: Model, known: Known) => fold(model, known, NOW_MS).score / 1000;

test.each([
  ['{ kind: touch, channel: ai }', [came(0, CHATGPT)], 8, 'by an assistant'],
  ['{ kind: touch, channel: ai }', [came(10, CHATGPT)], 4, 'half of it 10 days ago'],
  ['{ kind: touch, channel: ai }', [came(0, CHATGPT), came(10, CLAUDE)], 12, 'each visit'],
  ['{ kind: touch, channel: ai }', [came(0, GOOGLE)], 0, 'a search engine is no assistant'],
  ['{ kind: touch, channel: search }', [came(0, GOOGLE)], 8, 'by what the rule asks for'],
  [
    '{ kind: touch, channel: ai, sources: [claude] }',
    [came(0, CHATGPT), came(10, CLAUDE)],
    4,
    'by Claude alone',
  ],
  [
    '{ kind: touch, channel: ai, sources: [ai] }',
    [came(0, { hubSpotSource: 'AI_REFERRALS' }, 'hubspot')],
    8,
    'by one nobody knows',
  ],
  [
    '{ kind: touch, channel: paid, sources: [google] }',
    [came(0, { ...GOOGLE, isPaid: true })],
    8,
    'by a paid click',
  ],
  [
    '{ kind: touch, channel: ai }',
    [came(0, CHATGPT), came(0.01, { hubSpotSource: 'AI_REFERRALS' }, 'hubspot')],
    8,
    'once, though HubSpot saw it too',
  ],
  ['{ kind: touch, channel: ai }', [came(0, CHATGPT), came(0, CHATGPT)], 8, 'once, though it was told twice'],
])('a rule from %s gives for %j %d points: %s', (from, touches, points) => {
  expect(scoreOf(modelOfVisits(from), knownOf(...touches))).toBe(points);
});

test('a visit makes a contact scored, and leaves with the horizon', () => {
  const model = modelOfVisits('{ kind: touch, channel: ai }', 'horizonDays: 30');

  expect(fold(model, knownOf(came(29, CHATGPT)), NOW_MS).status).toBe('scored');
  expect(fold(model, knownOf(came(31, CHATGPT)), NOW_MS).status).toBe('insufficient_data');
});

test('of a thousand visits that no rule asks for, none takes the place of a signal', () => {
  const login = { key: 'login', name: 'signal:login', occurredAtMs: NOW_MS - 20 * DAY_MS };
  const model = modelOf(
    `{ attribution: {}, engagement: { signals: [
      { id: visit, title: Came, from: { kind: touch, channel: ai }, points: 8, halfLifeDays: 10 },
      { id: login, title: Logged in, from: { kind: signal, signal: login }, points: 5, halfLifeDays: never }] } }`,
    [],
    SOURCES,
  );
  const many = Array.from({ length: 1000 }, (_, hours) => came(hours / 60, GOOGLE));

  expect(scoreOf(model, { ...knownOf(...many), facts: [login] })).toBe(5);
});

test('a visit before a reset no longer counts, and is still shown', () => {
  const model = modelOfVisits(
    '{ kind: touch, channel: ai }',
    'resetOn: [{ id: lost, title: Lost, deal: lost }]',
  );
  const known = {
    ...knownOf(came(10, CHATGPT), came(0, CHATGPT)),
    deals: [{ id: '1', state: 'lost' as const, closedAtMs: NOW_MS - 5 * DAY_MS }],
  };

  expect(scoreOf(model, known)).toBe(8);
  expect(shownOf(model, known).journey?.aiSessions).toBe(2);
});

test('without the section of the model visits are nothing, whatever the table holds', () => {
  const without = modelOf('{}');
  const [silent, visited] = [knownOf(), knownOf(came(0, CHATGPT))].map((known) => shownOf(without, known));

  expect(visited).toEqual(silent);
  expect(visited).not.toHaveProperty('journey');
  expect(fold(without, knownOf(came(0, CHATGPT)), NOW_MS).visits).toEqual([]);
});

function shownOf(model: Model, known: Known): Shown {
  return show(undefined, fold(model, known, NOW_MS), model, 'UTC');
}

const JOURNEY = {
  firstAi: { source: 'ChatGPT', atMs: NOW_MS - 3 * DAY_MS, page: '' },
  lastAi: { source: 'Claude', atMs: NOW_MS - DAY_MS, page: '' },
  aiSessions: 2,
  text: 'ChatGPT 29 Oct 2026 > Google 30 Oct 2026 > Claude 31 Oct 2026',
};

function modelOfLogins(rest: string): Model {
  return modelOf(
    `{ engagement: { signals: [{ id: a, title: A, from: { kind: signal, signal: login }, points: 80, halfLifeDays: 10 }] }, ${rest} }`,
    [],
    SOURCES,
  );
}

describe('the journey', () => {
  const known = knownOf(came(3, CHATGPT), came(2, GOOGLE), came(1, CLAUDE));

  test('is shown beside the score', () => {
    expect(shownOf(BY_AI, known)).toMatchObject({ status: 'scored', journey: JOURNEY });
  });

  test('is shown of those of whom nothing else is known', () => {
    expect(shownOf(modelOf('{ attribution: {} }', [], SOURCES), known)).toMatchObject({
      status: 'insufficient_data',
      journey: JOURNEY,
    });
  });

  test('is shown of those who get no score', () => {
    const model = modelOf(
      '{ attribution: {}, exclusions: [{ id: customer, title: Customer, property: stage, is: [customer] }] }',
      [],
      SOURCES,
    );
    const customer = { ...known, properties: [{ name: 'stage', value: 'customer', occurredAtMs: 0 }] };

    expect(shownOf(model, customer)).toMatchObject({ status: 'excluded_customer', journey: JOURNEY });
  });

  test('of a contact without visits is empty, which is written too', () => {
    expect(shownOf(BY_AI, knownOf()).journey).toEqual({
      firstAi: undefined,
      lastAi: undefined,
      aiSessions: 0,
      text: '',
    });
  });

  test('forgets no visit when it has left the horizon, and never changes by itself', () => {
    const model = modelOf('{ attribution: {}, horizonDays: 1 }', [], SOURCES);
    const shown = shownOf(model, known);

    expect(shown).toMatchObject({ status: 'insufficient_data', journey: JOURNEY });
    expect(dueMoment(model, fold(model, known, NOW_MS), shown, 'UTC')).toBeUndefined();
  });

  test('leaves the due moment as it is', () => {
    const who = { portalId: '33', contactId: '7', timeZone: 'UTC' };
    const login = { key: 'a', name: 'signal:login', occurredAtMs: NOW_MS };
    const [alone, besides] = [modelOfLogins(''), modelOfLogins('attribution: {}')].map((one) =>
      score(one, who, { properties: [], facts: [login], touches: known.touches ?? [] }, undefined, NOW_MS),
    );

    // 79.5 are left after 10 × log2(80 / 79.5) = 0.0905 days; a millisecond later it is shown as 79.
    expect((alone?.dueAtMs ?? 0) - NOW_MS).toBeCloseTo(0.0905 * DAY_MS, -5);
    expect(besides?.dueAtMs).toBe(alone?.dueAtMs);
  });
});

describe('a write', () => {
  const without: Shown = {
    score: 1,
    fit: 1,
    engagement: 0,
    grade: 'A',
    status: 'scored',
    model: 'm@1',
    reasons: '',
  };
  const shown: Shown = { ...without, journey: JOURNEY };
  const idOf = (journey: Partial<NonNullable<Shown['journey']>>) =>
    writeIdOf('33', '7', { ...shown, journey: { ...JOURNEY, ...journey } });

  test('of a journey is the same however the journey was put together', () => {
    const { text, aiSessions, lastAi, firstAi } = JOURNEY;
    const { page, atMs, source } = firstAi;

    expect(idOf({ text, aiSessions, lastAi, firstAi: { page, atMs, source } })).toBe(idOf({}));
  });

  test.each<[string, Partial<NonNullable<Shown['journey']>>]>([
    ['the first source', { firstAi: { ...JOURNEY.firstAi, source: 'Grok' } }],
    ['its time', { firstAi: { ...JOURNEY.firstAi, atMs: 1 } }],
    ['its page', { firstAi: { ...JOURNEY.firstAi, page: '/' } }],
    ['the last source', { lastAi: { ...JOURNEY.lastAi, source: 'Grok' } }],
    ['the time of the last', { lastAi: { ...JOURNEY.lastAi, atMs: 1 } }],
    ['the page of the last', { lastAi: { ...JOURNEY.lastAi, page: '/' } }],
    ['that there is a last one', { lastAi: undefined }],
    ['how many there were', { aiSessions: 3 }],
    ['the text', { text: '' }],
  ])('is another one when %s is another', (_what, journey) => {
    expect(idOf(journey)).not.toBe(idOf({}));
  });

  test('without a journey has the id that it always had', () => {
    // SHA-256 of the JSON list of portal, contact and the seven values, as before there were journeys.
    expect(writeIdOf('33', '7', without)).toBe('Ml1zqIPl-ZBkj5yuyiYEg1');
    expect(idOf({})).not.toBe(writeIdOf('33', '7', without));
  });
});
