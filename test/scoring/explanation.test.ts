import { findMismatch, randomCases } from '../../bench/explain.ts';
import { randomOf } from '../../bench/random/random.ts';
import { type Explanation, explainContact } from '../../lambdas/scoring/explanation.ts';
import type { Fact, Known } from '../../lambdas/scoring/facts.ts';
import { explainFold } from '../../lambdas/scoring/lines.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import type { NextGrade } from '../../lambdas/scoring/next-grade.ts';
import { type Shown, writeIdOf } from '../../lambdas/scoring/show.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';
import { modelOf } from './model-of.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const DAY_MS = 86_400_000;
const WHO = { portalId: '33', contactId: '7', timeZone: 'UTC' };

function signal(name: string, daysAgo = 0, key = `${name} ${daysAgo}`): Fact {
  return { key, name: `signal:${name}`, occurredAtMs: NOW_MS - daysAgo * DAY_MS };
}

function knownOf(facts: readonly Fact[], properties: Readonly<Record<string, string>> = {}): Known {
  const values = Object.entries(properties).map(([name, value]) => ({ name, value, occurredAtMs: 0 }));
  return { facts, properties: values };
}

function explain(
  model: Model,
  known: Known,
  { nowMs = NOW_MS, days = 60, shown = undefined as Shown | undefined, confirmedWriteId = '' } = {},
): Explanation {
  return explainContact(model, known, { shown, confirmedWriteId }, WHO, nowMs, days);
}

const leftOf = ({ lines }: Explanation) =>
  lines.map(({ kind, rule, givenThousandths, leftThousandths }) => [
    kind,
    rule,
    givenThousandths,
    leftThousandths,
  ]);

const DEMO = `{
  fit: { rules: [{ id: cto, title: Runs technology, property: jobtitle, is: [CTO], points: 20 }] },
  engagement: { signals: [{ id: demo, title: Asked for a demo, from: { kind: signal, signal: demo },
    points: 40.25, halfLifeDays: 10, cap: 30 }] },
  grades: { bands: [{ grade: A, from: 60 }, { grade: B, from: 0 }] } }`;

describe('the lines', () => {
  test('name every term, with what was given, what is left, and what the caps take', () => {
    const known = knownOf([signal('demo', 10), signal('demo', 20)], { jobtitle: 'CTO' });

    const explanation = explain(modelOf(DEMO), known);

    // 40.25 / 2 = 20.125; 40.25 / 4 = 10.0625, rounded 10.063 (halves upwards); together 30.188, cap 30; with fit 20: 50.
    expect(leftOf(explanation)).toEqual([
      ['fit', 'cto', 20_000, 20_000],
      ['signal', 'demo', 40_250, 10_063],
      ['signal', 'demo', 40_250, 20_125],
      ['cap', 'demo', -188, -188],
    ]);
    expect(explanation.lines[1]).toMatchObject({
      title: 'Asked for a demo',
      occurredAt: '2026-11-01T12:00:00.000Z',
    });
    expect(explanation).toMatchObject({ shown: { score: 50, grade: 'B' }, sumThousandths: 50_000 });
  });

  test.each([
    { points: 10.4, step: 1, score: 10, rounding: -400, title: 'Rounded to whole points' },
    { points: 10.5, step: 1, score: 11, rounding: 500, title: 'Rounded to whole points' },
    { points: 12, step: 5, score: 10, rounding: -2000, title: 'Rounded to steps of 5 points' },
  ])('end with what rounding $points to $score takes or adds', ({ points, step, score, rounding, title }) => {
    const model =
      modelOf(`{ engagement: { signals: [{ id: one, title: One, from: { kind: signal, signal: one },
      points: ${points}, halfLifeDays: never }] }, display: { step: ${step} } }`);

    const explanation = explain(model, knownOf([signal('one')]));

    expect(explanation.lines.at(-1)).toEqual({
      kind: 'rounding',
      rule: 'display',
      title,
      occurredAt: null,
      givenThousandths: rounding,
      leftThousandths: rounding,
    });
    expect(explanation.sumThousandths).toBe(score * 1000);
    expect(explanation.shown.score).toBe(score);
  });

  test('of an excluded contact say what would have counted, and come to nothing', () => {
    const model = modelOf(
      DEMO.replace(
        'fit:',
        `exclusions: [{ id: is-customer, title: Customer, property: lifecyclestage, is: [customer] }], fit:`,
      ),
    );
    const known = knownOf([signal('demo')], { lifecyclestage: 'customer' });

    const explanation = explain(model, known);

    expect(leftOf(explanation)).toEqual([
      ['signal', 'demo', 40_250, 40_250],
      ['cap', 'demo', -10_250, -10_250],
      ['excluded', 'is-customer', -30_000, -30_000],
    ]);
    expect(explanation).toMatchObject({
      sumThousandths: 0,
      shown: { score: null, status: 'excluded_is_customer' },
      nextGrade: null,
      dueAt: null,
      outlook: null,
    });
  });
});

describe('what HubSpot confirmed', () => {
  const known = knownOf([signal('demo')]);
  const model = modelOf(DEMO);
  const first = explain(model, known).shown;
  const confirmedWriteId = writeIdOf('33', '7', first);

  test('is confirmed when it is exactly what is shown', () => {
    expect(explain(model, known, { shown: first, confirmedWriteId })).toMatchObject({
      isConfirmed: true,
      stored: null,
    });
  });

  test('is told apart from what points have faded to since', () => {
    const later = explain(model, known, { nowMs: NOW_MS + 10 * DAY_MS, shown: first, confirmedWriteId });

    expect(later).toMatchObject({ shown: { score: 20 }, isConfirmed: false, stored: { score: 30 } });
  });

  test('is not confirmed when it was another contact, or nothing', () => {
    const ofAnother = writeIdOf('33', '8', first);

    expect(explain(model, known, { shown: first, confirmedWriteId: ofAnother }).isConfirmed).toBe(false);
    expect(explain(model, known)).toMatchObject({ isConfirmed: false, stored: null });
  });
});

describe('what else is told', () => {
  test('is whether there is no better grade', () => {
    const cto = { jobtitle: 'CTO' };

    expect(explain(modelOf(DEMO), knownOf([], cto))).toMatchObject({
      shown: { grade: 'B' },
      isBestGrade: false,
    });
    expect(explain(modelOf(DEMO.replace('60', '20')), knownOf([], cto))).toMatchObject({
      shown: { grade: 'A' },
      isBestGrade: true,
    });
  });

  test('is when something else will be shown', () => {
    const { dueAt } = explain(modelOf(DEMO.replace('40.25', '20')), knownOf([signal('demo')]));

    // 20 points are shown as 19 when less than 19.4995 is left.
    const dueMs = NOW_MS + Math.ceil(10 * DAY_MS * Math.log2(20_000 / 19_499.5));
    expect(dueAt).toBe(new Date(dueMs).toISOString());
  });

  test('are visits, the newest fifty of them in the order they happened', () => {
    const first = touchFact('first', NOW_MS - 60 * DAY_MS, { by: 'server', referrer: 'chatgpt.com' });
    const others = Array.from({ length: 49 }, (_, at) =>
      touchFact(String(at), NOW_MS - (at + 2) * DAY_MS, { by: 'browser' }),
    );
    const last = touchFact('last', NOW_MS - DAY_MS, {
      by: 'hubspot',
      hubSpotSource: 'AI_REFERRALS',
      landing: 'https://acme.example/',
    });
    const model = modelOf(`{ attribution: {} }`, [], {
      sources: [
        {
          id: 'chatgpt',
          channel: 'ai',
          label: 'ChatGPT',
          hosts: ['chatgpt.com'],
          utmSources: [],
          userAgents: [],
          hubSpotDetails: [],
        },
      ],
      mediums: {},
    });

    const { visits } = explain(model, { ...knownOf([]), touches: [last, ...others, first] });
    const fewer = explain(model, { ...knownOf([]), touches: [last, first] }).visits;

    expect(visits).toMatchObject({ total: 51 });
    expect(visits?.newest).toHaveLength(50);
    expect(visits?.newest[0]?.at).toBe('2026-10-02T12:00:00.000Z'); // 50 days before 21 November.
    expect(fewer).toEqual({
      total: 2,
      newest: [
        {
          at: '2026-09-22T12:00:00.000Z',
          channel: 'ai',
          source: 'chatgpt',
          label: 'ChatGPT',
          page: null,
          seenBy: 'server',
        },
        {
          at: '2026-11-20T12:00:00.000Z',
          channel: 'ai',
          source: 'ai',
          label: 'AI assistant',
          page: 'https://acme.example/',
          seenBy: 'hubspot',
        },
      ],
    });
  });

  test('are no visits where the model keeps none', () => {
    expect(explain(modelOf(DEMO), knownOf([])).visits).toBeNull();
  });
});

/** Bands A from 60, B from 40, C from 0, signals of 40, 20 and 3 points, fit of 25; pricing counts 20 at most. */
const SHOP = (more = '') => `{
  fit: { rules: [{ id: cto, title: Runs technology, property: jobtitle, is: [CTO], points: 25 }] },
  engagement: { groups: { web: { cap: 50 }, mail: { cap: 50 } }, signals: [
    { id: demo-request, title: Asked for a demo, from: { kind: signal, signal: demo }, points: 40, halfLifeDays: 30, group: web },
    { id: pricing-page, title: Looked at pricing, from: { kind: signal, signal: pricing }, points: 20, halfLifeDays: never, cap: 20 },
    { id: blog, title: Read the blog, from: { kind: signal, signal: blog }, points: 3, halfLifeDays: 30, group: mail },
    { id: ticket, title: Wrote a ticket, from: { kind: signal, signal: ticket }, points: -30, halfLifeDays: 30 } ] },
  grades: { bands: [{ grade: A, from: 60 }, { grade: B, from: 40 }, { grade: C, from: 0 }] }${more} }`;

const GRID = `, grades: { grid: { fit: [{ grade: A, from: 20 }, { grade: B, from: 0 }],
  engagement: [{ grade: "1", from: 30 }, { grade: "2", from: 8 }, { grade: "3", from: 0 }] } } }`;
const SHOP_GRID = SHOP().replace(/,\s+grades: [^\n]+$/, GRID);

const TITLES: Readonly<Record<string, string>> = {
  'demo-request': 'Asked for a demo',
  'pricing-page': 'Looked at pricing',
  blog: 'Read the blog',
};

function once(grade: string, rule: string): NextGrade {
  return { grade, by: { rule, title: TITLES[rule] ?? '', times: 1 }, missingPoints: null };
}

describe('the next better grade', () => {
  test.each([
    {
      because: 'of two signals that lead there, the one with fewer points does',
      facts: [],
      expected: once('B', 'pricing-page'), // 25 + 20 = 45
    },
    {
      because: 'what a cap would take does not count',
      facts: ['pricing'],
      expected: once('A', 'demo-request'), // 45, pricing is at its cap; 45 + 40 = 85
    },
    {
      because: 'fewer times are better than fewer points',
      facts: ['pricing', 'blog', 'blog', 'blog'],
      expected: once('A', 'demo-request'), // 54: two more of the blog would do
    },
    {
      because: 'one of few points is enough when it is close',
      facts: ['pricing', 'blog', 'blog', 'blog', 'blog'],
      expected: once('A', 'blog'), // 57 + 3 = 60
    },
    { because: 'there is none above the best', facts: ['pricing', 'demo'], expected: null }, // 85
  ])('$because', ({ facts, expected }) => {
    const known = knownOf(
      facts.map((name, at) => signal(name, 0, String(at))),
      { jobtitle: 'CTO' },
    );

    const { nextGrade } = explain(modelOf(SHOP()), known);

    expect(nextGrade).toEqual(expected);
  });

  test.each([
    { points: 20, times: 2 }, // 20 + 20 = 40
    { points: 14, times: 3 }, // 14 * 3 = 42
  ])('may take $points points $times times', ({ points, times }) => {
    const model = modelOf(`{ engagement: { signals: [{ id: login, title: Logged in,
      from: { kind: signal, signal: login }, points: ${points}, halfLifeDays: 30 }] },
      grades: { bands: [{ grade: A, from: 40 }, { grade: B, from: 0 }] } }`);

    expect(explain(model, knownOf([])).nextGrade).toMatchObject({ by: { times: 1 }, grade: 'B' }); // Any signal is a score.
    expect(explain(model, knownOf([signal('login', 4000), signal('login', 330)])).nextGrade).toMatchObject({
      grade: 'A',
      by: { rule: 'login', times },
    });
  });

  test('is told in points where no signal leads there in three times', () => {
    const model = modelOf(`{ engagement: { signals: [{ id: login, title: Logged in,
      from: { kind: signal, signal: login }, points: 5, halfLifeDays: never }] },
      grades: { bands: [{ grade: A, from: 41 }, { grade: B, from: 0 }] } }`);

    // 5 + 3 times 5 = 20 of 41.
    expect(explain(model, knownOf([signal('login')])).nextGrade).toEqual({
      grade: 'A',
      by: null,
      missingPoints: 36,
    });
  });

  test('is none where the range ends before it', () => {
    const model =
      modelOf(`{ range: { min: 0, max: 30 }, engagement: { signals: [{ id: login, title: Logged in,
      from: { kind: signal, signal: login }, points: 5, halfLifeDays: never }] },
      grades: { bands: [{ grade: A, from: 41 }, { grade: B, from: 0 }] } }`);

    expect(explain(model, knownOf([signal('login')])).nextGrade).toBeNull();
  });

  test('of a grid is a better column of the same row: one demo request from A1', () => {
    const known = knownOf([signal('pricing')], { jobtitle: 'CTO' });

    const explanation = explain(modelOf(SHOP_GRID), known);

    expect(explanation.shown.grade).toBe('A2');
    expect(explanation.nextGrade).toEqual({
      grade: 'A1',
      by: { rule: 'demo-request', title: 'Asked for a demo', times: 1 },
      missingPoints: null,
    });
  });

  test('of a grid is none at the end of the row: no signal makes a better fit', () => {
    const explanation = explain(modelOf(SHOP_GRID), knownOf([signal('demo')], { jobtitle: 'Baker' }));

    expect(explanation.shown.grade).toBe('B1');
    expect(explanation.nextGrade).toBeNull();
  });

  test('needs no signal that is left out', () => {
    const out = `, exclusions: [{ id: opted-out, title: Opted out, property: hs_email_optout, is: [true], onlyGroup: mail }]`;
    const facts = [signal('pricing'), signal('demo', 52)];

    const known = (optOut: string) => knownOf(facts, { jobtitle: 'CTO', hs_email_optout: optOut });

    // 25 + 20 + 40 * 2^(-52 / 30) = 57.03: three more points would do.
    expect(explain(modelOf(SHOP(out)), known('false')).nextGrade).toEqual(once('A', 'blog'));
    expect(explain(modelOf(SHOP(out)), known('true')).nextGrade).toEqual(once('A', 'demo-request'));
  });

  test('is no grade that somebody gets for a penalty, who has none yet', () => {
    expect(explain(modelOf(SHOP()), knownOf([])).nextGrade).toEqual(once('C', 'blog'));
  });

  test.each([
    {
      because: 'just seen is not offered: it would count as one with it',
      secondsAgo: 59,
      rule: 'demo-request',
    },
    { because: 'seen a gap ago is offered', secondsAgo: 60, rule: 'login' },
  ])('a signal $because', ({ secondsAgo, rule }) => {
    const model = modelOf(`{ engagement: { signals: [
      { id: login, title: Logged in, from: { kind: signal, signal: login }, points: 10, halfLifeDays: never, minimumGapSeconds: 60 },
      { id: demo-request, title: Asked for a demo, from: { kind: signal, signal: demo }, points: 40, halfLifeDays: 30 } ] },
      grades: { bands: [{ grade: A, from: 20 }, { grade: B, from: 0 }] } }`);
    const known = knownOf([signal('login', secondsAgo / 86_400)]);

    // 10 + 10 = 20, and 10 + 40 = 50.
    expect(explain(model, known).nextGrade).toMatchObject({ grade: 'A', by: { rule, times: 1 } });
  });

  test('is not offered by what came close behind another and did not count itself', () => {
    const model = modelOf(`{ engagement: { signals: [
      { id: login, title: Logged in, from: { kind: signal, signal: login }, points: 10, halfLifeDays: never, minimumGapSeconds: 60 } ] },
      grades: { bands: [{ grade: A, from: 20 }, { grade: B, from: 0 }] } }`);
    const known = knownOf([signal('login', 80 / 86_400), signal('login', 30 / 86_400)]);

    expect(explain(model, known).nextGrade).toEqual({ grade: 'A', by: null, missingPoints: 10 });
  });

  test.each([
    { because: 'before now', atMs: NOW_MS - 1 },
    { because: 'at this very instant, which counts already', atMs: NOW_MS },
  ])('is led to also after starting anew $because', ({ atMs }) => {
    const reset = `, resetOn: [{ id: lost, title: Deal lost, deal: lost }]`;
    const deals = [{ id: '1', state: 'lost' as const, closedAtMs: atMs }];

    const { nextGrade } = explain(modelOf(SHOP(reset)), { ...knownOf([], { jobtitle: 'CTO' }), deals });

    expect(nextGrade).toEqual(once('B', 'pricing-page')); // 25 + 20 = 45
  });

  test('is not led to by a signal of no points, which makes nobody scored', () => {
    const free = SHOP().replace(
      'signals: [',
      'signals: [ { id: opened, title: Opened, from: { kind: signal, signal: opened }, points: 0, halfLifeDays: 30 },',
    );

    expect(explain(modelOf(free), knownOf([])).nextGrade).toEqual(once('C', 'blog'));
  });

  test('may be led to by a signal soon after another one of another kind', () => {
    const model = modelOf(`{ engagement: { signals: [
      { id: login, title: Logged in, from: { kind: signal, signal: login }, points: 10, halfLifeDays: never, minimumGapSeconds: 60 },
      { id: ticket, title: Ticket, from: { kind: signal, signal: ticket }, points: 15, halfLifeDays: never } ] },
      grades: { bands: [{ grade: A, from: 20 }, { grade: B, from: 0 }] } }`);

    // 15 + 10 = 25, though the ticket came ten seconds ago.
    expect(explain(model, knownOf([signal('ticket', 10 / 86_400)])).nextGrade).toMatchObject({
      by: { rule: 'login', times: 1 },
    });
  });

  test('is told in points also where the range ends just there', () => {
    const model =
      modelOf(`{ range: { min: 0, max: 30 }, engagement: { signals: [{ id: login, title: Logged in,
      from: { kind: signal, signal: login }, points: 5, halfLifeDays: never }] },
      grades: { bands: [{ grade: A, from: 30 }, { grade: B, from: 0 }] } }`);

    expect(explain(model, knownOf([signal('login')])).nextGrade).toEqual({
      grade: 'A',
      by: null,
      missingPoints: 25,
    });
  });

  test('needs no signal while what comes now will not count', () => {
    const reset = `, resetOn: [{ id: lost, title: Deal lost, deal: lost }]`;
    const deals = [{ id: '1', state: 'lost' as const, closedAtMs: NOW_MS + DAY_MS }];

    const { nextGrade } = explain(modelOf(SHOP(reset)), { ...knownOf([], { jobtitle: 'CTO' }), deals });

    expect(nextGrade).toEqual({ grade: 'B', by: null, missingPoints: 15 });
  });
});

/** 40 points that halve every 30 days: 40, 20 after 30 days, 10 after 60. */
const GLOW = `{ engagement: { signals: [{ id: demo, title: Demo, from: { kind: signal, signal: demo },
  points: 40, halfLifeDays: 30 }] }, grades: { bands: [{ grade: A, from: 40 }, { grade: B, from: 20 }, { grade: C, from: 0 }] } }`;

describe('the days to come', () => {
  test('are told one by one, from now on', () => {
    const { outlook } = explain(modelOf(GLOW), knownOf([signal('demo')]));

    expect(outlook?.days).toHaveLength(61);
    expect(outlook?.days[0]).toEqual({
      at: '2026-11-21T12:00:00.000Z',
      date: '2026-11-21',
      score: 40,
      grade: 'A',
    });
    expect(outlook?.days[30]).toEqual({
      at: '2026-12-21T12:00:00.000Z',
      date: '2026-12-21',
      score: 20,
      grade: 'B',
    });
    expect(outlook?.days[60]).toEqual({
      at: '2027-01-20T12:00:00.000Z',
      date: '2027-01-20',
      score: 10,
      grade: 'C',
    });
  });

  test('say when the grade changes, and agree with the reasons', () => {
    const { outlook, shown } = explain(modelOf(GLOW), knownOf([signal('demo')]));

    // 39.5 points are left after 30 * log2(40 / 39.5) = 0.544 days; 19.5 after 30 * log2(40 / 19.5) = 31.096 days.
    expect(outlook?.changes).toMatchObject([
      { date: '2026-11-22', grade: 'B', isFall: true },
      { date: '2026-12-22', grade: 'C', isFall: true },
    ]);
    expect(outlook?.changes[0]?.at).toMatch(/^2026-11-22T01:0/);
    expect(shown.reasons).toContain('Falls to B on 22 Nov 2026');
  });

  test('say nothing of what changes later', () => {
    const { outlook } = explain(modelOf(GLOW), knownOf([signal('demo')]), { days: 31 });

    expect(outlook?.changes.map(({ grade }) => grade)).toEqual(['B']);
  });

  test('are as many as are asked for, with dates of the time zone', () => {
    const model = modelOf(GLOW);
    const known = knownOf([signal('demo')]);

    const { outlook } = explainContact(
      model,
      known,
      { shown: undefined, confirmedWriteId: undefined },
      { ...WHO, timeZone: 'Asia/Tokyo' },
      Date.parse('2026-11-21T16:00:00Z'),
      3,
    );

    expect(outlook?.days.map(({ date }) => date)).toEqual([
      '2026-11-22',
      '2026-11-23',
      '2026-11-24',
      '2026-11-25',
    ]);
  });

  test('have no score any more once nothing is known that counts', () => {
    const model = modelOf(GLOW.replace('{', '{ horizonDays: 10,'));

    const { outlook } = explain(model, knownOf([signal('demo')]), { days: 12 });

    expect(outlook?.days.map(({ score }) => score).slice(9)).toEqual([32, 32, null, null]); // 40 / 2^0.3 = 32.49, 40 / 2^(1/3) = 31.75
    expect(outlook?.days.at(-1)).toMatchObject({ grade: '' });
  });

  test('have the grade of a change that comes at the very end of a day, and of all days', () => {
    const model =
      modelOf(`{ horizonDays: 10, engagement: { signals: [{ id: demo, title: Demo, from: { kind: signal, signal: demo },
      points: 10, halfLifeDays: never }] }, grades: { bands: [{ grade: A, from: 20 }, { grade: B, from: 0 }] } }`);
    const leaving = { ...signal('demo', 0, 'leaving'), occurredAtMs: NOW_MS - 1 };

    // A millisecond older than now: it counts for the last time a millisecond before ten days have passed.
    const { outlook } = explain(model, knownOf([signal('demo'), leaving]), { days: 10 });

    expect(outlook?.changes).toEqual([
      { at: '2026-12-01T12:00:00.000Z', date: '2026-12-01', grade: 'B', isFall: true },
    ]);
    expect(outlook?.days.slice(9).map(({ score, grade }) => [score, grade])).toEqual([
      [20, 'A'],
      [10, 'B'],
    ]);
  });

  test('tell of fifty changes of the grade, and of no more', () => {
    const model = modelOf(`{ horizonDays: 100, range: { min: -100, max: 100 }, engagement: { signals: [
      { id: demo, title: Demo, from: { kind: signal, signal: demo }, points: 10, halfLifeDays: never },
      { id: ticket, title: Ticket, from: { kind: signal, signal: ticket }, points: -10, halfLifeDays: never } ] },
      grades: { bands: [{ grade: A, from: 5 }, { grade: B, from: -100 }] } }`);
    // Every day one leaves, in turn one that takes ten points and one that gives them: the grade rises, falls, rises.
    const facts = Array.from({ length: 60 }, (_, day) => signal(day % 2 === 0 ? 'ticket' : 'demo', 99 - day));

    const { outlook } = explain(model, knownOf(facts), { days: 100 });

    expect(outlook?.changes).toHaveLength(50);
    expect(outlook?.changes.slice(0, 3).map(({ grade, isFall }) => [grade, isFall])).toEqual([
      ['A', false],
      ['B', true],
      ['A', false],
    ]);
  });

  test('are not told where there is no score', () => {
    expect(explain(modelOf(GLOW), knownOf([])).outlook).toBeNull();
  });

  test('are told also where the model shows grades only', () => {
    const { shown, outlook } = explain(
      modelOf(GLOW.replace('{', '{ display: { gradeOnly: true },')),
      knownOf([signal('demo')]),
    );

    expect(shown.score).toBeNull();
    expect(outlook?.days[30]).toMatchObject({ score: 20, grade: 'B' });
  });
});

test('the lines of four thousand random contacts add up to their scores, under models of every kind', () => {
  const kinds = new Map<string, number>();
  for (const { model, makeFold } of randomCases(randomOf(7), 4000, 25)) {
    const folded = makeFold();

    expect(findMismatch(model, folded)?.what).toBeUndefined();
    for (const { kind } of explainFold(model, folded)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }

  for (const kind of ['fit', 'signal', 'cap', 'range', 'burst', 'muted', 'reset', 'excluded'])
    expect([kind, (kinds.get(kind) ?? 0) > 20]).toEqual([kind, true]);
});
