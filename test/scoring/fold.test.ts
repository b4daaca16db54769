import fc from 'fast-check';
import { parse } from 'yaml';
import { readModelFile } from '../../cli/model-file.ts';
import type { Fact, Known } from '../../lambdas/scoring/facts.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import { explainFold } from '../../lambdas/scoring/lines.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { show } from '../../lambdas/scoring/show.ts';
import {
  HAND_MODEL_YAML,
  HAND_SCORED,
  HAND_SCORED_OVER_TIME,
  type HandScored,
  keptOf,
} from '../../local/demo/hand-scored.ts';
import { contacts, DAY_MS, facts, HOUR_MS, models, NOW_MS } from './histories.ts';
import { modelOf, modelOfSignals } from './model-of.ts';

const byHand = modelByHand();

function modelByHand(): Model {
  const checked = checkModel(parse(HAND_MODEL_YAML));
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

function login(daysAgo: number, key = String(daysAgo)): Fact {
  return { key, name: 'signal:login', occurredAtMs: NOW_MS - daysAgo * DAY_MS };
}

const LOGIN = 'id: login, title: Login, from: { kind: signal, signal: login }';
const TICKET = 'id: ticket, title: Ticket, from: { kind: signal, signal: ticket }';

describe('as scored by hand', () => {
  const named = [...HAND_SCORED, ...HAND_SCORED_OVER_TIME].map((row): [string, HandScored] => [
    `${row.contact}: ${row.because}`,
    row,
  ]);

  test.each(named)('%s', (_name, row) => {
    const { status, fit, engagement, score, shown, grade, lastSignalAtMs } = row.expected;

    const folded = fold(byHand, keptOf(row), row.nowMs);

    expect(folded).toMatchObject({ status, fit, engagement, score });
    expect(folded.lastSignalAtMs).toBe(lastSignalAtMs);
    expect(show(undefined, folded, byHand, 'UTC')).toMatchObject({ score: shown, grade });
    expect(sumOfLines(byHand, keptOf(row), row.nowMs)).toBe(score);
  });

  test.each(named.filter(([, { expected }]) => expected.held !== undefined))(
    'a grade is held: %s',
    (_name, row) => {
      const folded = fold(byHand, keptOf(row), row.nowMs);
      const before = { ...show(undefined, folded, byHand, 'UTC'), grade: row.expected.held ?? '' };

      expect(show(before, folded, byHand, 'UTC').grade).toBe(row.expected.held);
    },
  );
});

function sumOfLines(model: Model, known: Known, nowMs: number): number {
  return explainFold(model, fold(model, known, nowMs)).reduce((sum, { left }) => sum + left, 0);
}

describe('fading', () => {
  test.each<[number, number | string, number, number, string]>([
    [16, 7, 0, 16_000, 'at once nothing has faded'],
    [16, 7, 7, 8000, 'half after one half-life'],
    [16, 7, 14, 4000, 'a quarter after two'],
    [16, 7, 3.5, 11_314, '16 / √2 = 11.3137 after half of one'],
    [-6, 4, 4, -3000, 'penalties fade too'],
    [16, 7, -1, 16_000, 'what is dated ahead has not faded'],
    [16, 'never', 300, 16_000, 'never fades'],
    [1, 7, 70, 1, '1/1024 = 0.00098 is rounded to thousandths'],
    [1, 7, 77, 0, '1/2048 = 0.00049 is rounded to nothing'],
    [-1, 7, 77, 0, 'a penalty that has gone is 0, not -0'],
    [0.0004, 7, 0, 0, 'less than half a thousandth is nothing'],
  ])(
    '%d points with half-life %p after %d days leave %d thousandths, because: %s',
    (points, halfLife, days, expected) => {
      const model = modelOfSignals(`[{ ${LOGIN}, points: ${points}, halfLifeDays: ${halfLife} }]`);

      const { score, engagement } = fold(model, { properties: [], facts: [login(days)] }, NOW_MS);

      expect([score, engagement]).toEqual([expected, expected]);
    },
  );

  test('one uncapped signal has halved after its half-life, whatever it is and whenever it happened', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1000, max: 1000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 3 }),
        (points, halfLifeDays, times) => {
          const model = modelOfSignals(
            `[{ ${LOGIN}, points: ${points}, halfLifeDays: ${halfLifeDays} }]`,
            'horizonDays: 390',
          );
          const { engagement } = fold(
            model,
            { properties: [], facts: [login(halfLifeDays * times)] },
            NOW_MS,
          );

          expect(engagement).toBe((points * 1000) / 2 ** times);
        },
      ),
    );
  });
});

function engagementOf(yaml: string, given: readonly Fact[]): number {
  const model = modelOf(`{ range: { min: -1000, max: 1000 }, engagement: ${yaml} }`);
  return fold(model, { properties: [], facts: given }, NOW_MS).engagement;
}

describe('caps', () => {
  const tickets = [login(0, 'a'), login(0, 'b')].map((fact) => ({
    ...fact,
    key: `t${fact.key}`,
    name: 'signal:ticket',
  }));

  test.each([
    [
      '{ signals: [{ LOGIN, points: 10, halfLifeDays: 7, cap: 15 }] }',
      [login(0, 'a'), login(0, 'b')],
      15_000,
      'of a signal',
    ],
    [
      '{ signals: [{ LOGIN, points: 10, halfLifeDays: 7, cap: 15 }] }',
      [login(7, 'a'), login(7, 'b')],
      10_000,
      'of what is left, not of what was given',
    ],
    [
      '{ signals: [{ LOGIN, points: -10, halfLifeDays: 7, cap: 15 }] }',
      [login(0, 'a'), login(0, 'b')],
      -15_000,
      'below zero too',
    ],
    [
      '{ signals: [{ LOGIN, points: -10, halfLifeDays: 7, cap: 0 }] }',
      [login(0, 'a')],
      0,
      'of nothing leaves 0, not -0',
    ],
    [
      '{ signals: [{ LOGIN, points: 10, halfLifeDays: 7, cap: 0.5 }] }',
      [login(0, 'a')],
      500,
      'of a part of a point',
    ],
    [
      '{ groups: { web: { cap: 25 } }, signals: [{ LOGIN, points: 10, halfLifeDays: 7, group: web }, { TICKET, points: 10, halfLifeDays: 7, group: web }] }',
      [login(0, 'a'), login(0, 'b'), ...tickets],
      25_000,
      'of a group',
    ],
    [
      '{ groups: { web: { cap: 25 } }, signals: [{ LOGIN, points: 10, halfLifeDays: 7, group: web, cap: 12 }, { TICKET, points: 10, halfLifeDays: 7, group: web, cap: 11 }] }',
      [login(0, 'a'), login(0, 'b'), ...tickets],
      23_000,
      'of a group, after those of its signals',
    ],
    [
      '{ groups: { web: { cap: 15 } }, signals: [{ LOGIN, points: 10, halfLifeDays: 7, group: web }, { TICKET, points: 10, halfLifeDays: 7 }] }',
      [login(0, 'a'), login(0, 'b'), ...tickets],
      35_000,
      'of a group holds no other signal',
    ],
    [
      '{ groups: { web: { cap: 15 }, mail: { cap: 5 } }, signals: [{ LOGIN, points: 10, halfLifeDays: 7, group: mail }, { TICKET, points: 10, halfLifeDays: 7, group: web }] }',
      [login(0, 'a'), login(0, 'b'), ...tickets],
      20_000,
      'of two groups',
    ],
    [
      '{ cap: 30, groups: { web: { cap: 15 } }, signals: [{ LOGIN, points: 10, halfLifeDays: 7, group: web }, { TICKET, points: 10, halfLifeDays: 7 }] }',
      [login(0, 'a'), login(0, 'b'), ...tickets],
      30_000,
      'of all engagement, last',
    ],
    [
      '{ cap: 30, signals: [{ LOGIN, points: -10, halfLifeDays: 7 }, { TICKET, points: -10, halfLifeDays: 7 }] }',
      [login(0, 'a'), login(0, 'b'), ...tickets],
      -30_000,
      'of all engagement, below zero',
    ],
    [
      '{ cap: 0, signals: [{ LOGIN, points: -10, halfLifeDays: 7 }] }',
      [login(0, 'a')],
      0,
      'of all engagement, nothing: 0, not -0',
    ],
  ])('%s: case %#', (yaml, given, expected, because) => {
    expect([because, engagementOf(yaml.replace('LOGIN', LOGIN).replace('TICKET', TICKET), given)]).toEqual([
      because,
      expected,
    ]);
  });

  test('a penalty brings a capped signal no lower than the cap: caps are of sums', () => {
    const yaml = `{ cap: 20, signals: [{ ${LOGIN}, points: 15, halfLifeDays: 7 }, { ${TICKET}, points: -5, halfLifeDays: 7 }] }`;

    expect(engagementOf(yaml, [login(0, 'a'), login(0, 'b'), ...tickets])).toBe(20_000);
  });

  test.each([
    ['30', 30_000, 'capped'],
    ['-30', -30_000, 'capped below zero'],
  ])('fit points of %s stay within the cap of fit', (points, expected) => {
    const model = modelOf(`{ range: { min: -100, max: 100 }, fit: { cap: 30, rules: [
      { id: a, title: A, property: phone, known: true, points: ${points} }, { id: b, title: B, property: phone, known: true, points: ${points} }] } }`);

    expect(
      fold(model, { properties: [{ name: 'phone', value: '1', occurredAtMs: 0 }], facts: [] }, NOW_MS).fit,
    ).toBe(expected);
  });
});

function phone(value: string): Known['properties'] {
  return [{ name: 'phone', value, occurredAtMs: 0 }];
}

describe('what is known', () => {
  const model =
    modelOf(`{ range: { min: -10, max: 50 }, fit: { rules: [{ id: a, title: A, property: phone, is: [x], points: 80 }] },
    engagement: { signals: [{ ${LOGIN}, points: -60, halfLifeDays: never }] } }`);

  test.each([
    [{ properties: [], facts: [] }, 'insufficient_data', 0, 'nothing is known'],
    [
      { properties: [{ name: 'city', value: 'Bern', occurredAtMs: 0 }], facts: [] },
      'insufficient_data',
      0,
      'no rule reads the city',
    ],
    [{ properties: phone('y'), facts: [] }, 'scored', 0, 'a fit input is known, though it does not fit'],
    [{ properties: phone('x'), facts: [] }, 'scored', 50_000, 'the range ends at 50'],
    [{ properties: [], facts: [login(1)] }, 'scored', -10_000, 'the range starts at -10'],
    [{ properties: phone('x'), facts: [login(1)] }, 'scored', 20_000, '80 - 60: the range is of the sum'],
    [
      { properties: [], facts: [login(366)] },
      'insufficient_data',
      0,
      'the only signal is beyond the horizon',
    ],
    [
      { properties: [], facts: [{ ...login(1), name: 'event:object.creation' }] },
      'insufficient_data',
      0,
      'no rule reads the fact',
    ],
  ])('%#: status and score', (known, status, score, because) => {
    expect([because, fold(model, known, NOW_MS)]).toMatchObject([because, { status, score }]);
  });
});

describe('explanation', () => {
  test('names every term, what it gave, what is left, and what each cap took', () => {
    const model = modelOf(`
range: { min: 0, max: 60 }
fit: { cap: 10, rules: [{ id: phone, title: Phone, property: phone, known: true, points: 12.5 }] }
engagement:
  cap: 60
  groups: { web: { cap: 25 } }
  signals:
    - { ${TICKET}, points: 40, halfLifeDays: never }
    - { ${LOGIN}, points: 20, halfLifeDays: 7, cap: 28, group: web }`);
    const known = {
      properties: [{ name: 'phone', value: '1', occurredAtMs: 0 }],
      facts: [login(7), login(0), { ...login(2), key: 't', name: 'signal:ticket' }],
    };

    expect(explainFold(model, fold(model, known, NOW_MS))).toEqual([
      { kind: 'fit', rule: 'phone', title: 'Phone', given: 12_500, left: 12_500 },
      { kind: 'cap', rule: 'fit', title: 'Cap of fit (10)', given: -2500, left: -2500 },
      {
        kind: 'signal',
        rule: 'ticket',
        title: 'Ticket',
        occurredAtMs: NOW_MS - 2 * DAY_MS,
        given: 40_000,
        left: 40_000,
      },
      {
        kind: 'signal',
        rule: 'login',
        title: 'Login',
        occurredAtMs: NOW_MS - 7 * DAY_MS,
        given: 20_000,
        left: 10_000,
      },
      { kind: 'signal', rule: 'login', title: 'Login', occurredAtMs: NOW_MS, given: 20_000, left: 20_000 },
      { kind: 'cap', rule: 'login', title: 'Cap of Login (28)', given: -2000, left: -2000 },
      { kind: 'cap', rule: 'web', title: 'Cap of group web (25)', given: -3000, left: -3000 },
      { kind: 'cap', rule: 'engagement', title: 'Cap of engagement (60)', given: -5000, left: -5000 },
      { kind: 'range', rule: 'range', title: 'Range of the score', given: -10_000, left: -10_000 },
    ]);
  });

  test('what has gone is still told, with nothing left: 0, not -0', () => {
    const model = modelOf(`engagement: { signals: [{ ${LOGIN}, points: -1, halfLifeDays: 1 }] }`);

    expect(explainFold(model, fold(model, { properties: [], facts: [login(30)] }, NOW_MS))).toEqual([
      expect.objectContaining({ given: -1000, left: 0 }),
    ]);
  });

  test('the lines sum exactly to the score, whatever the model and the contact', () => {
    fc.assert(
      fc.property(models(), contacts(), fc.integer({ min: 0, max: 60 * 24 }), (model, known, hours) => {
        const nowMs = NOW_MS + hours * HOUR_MS;
        const folded = fold(model, known, nowMs);

        expect(sumOfLines(model, known, nowMs)).toBe(folded.score);
        expect(folded.score === 0 || folded.status !== 'excluded').toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});

describe('whatever the model', () => {
  test('neither the order nor the repetition of what is known changes anything', () => {
    const twice = contacts().chain((known) =>
      fc.record({
        known: fc.constant(known),
        shuffled: fc.record({
          properties: fc.shuffledSubarray([...known.properties, ...known.properties], {
            minLength: known.properties.length * 2,
          }),
          facts: fc.shuffledSubarray([...known.facts, ...known.facts], { minLength: known.facts.length * 2 }),
          company: fc.constant([...(known.company ?? [])].toReversed()),
          deals: fc.constant([...(known.deals ?? []), ...(known.deals ?? [])].toReversed()),
          touches: fc.constant([...(known.touches ?? []), ...(known.touches ?? [])].toReversed()),
        }),
      }),
    );
    fc.assert(
      fc.property(models(), twice, (model, { known, shuffled }) => {
        const folded = fold(model, known, NOW_MS);
        const other = fold(model, shuffled, NOW_MS);

        expect(other).toEqual(folded);
        expect(explainFold(model, other)).toEqual(explainFold(model, folded));
      }),
      { numRuns: 400 },
    );
  });

  test('merged contacts have the points of both: what one did is not lost in what the other did', () => {
    const uncapped = models().map(
      (model): Model => ({
        ...model,
        range: { min: -1e6, max: 1e6 },
        engagement: {
          groups: {},
          signals: model.engagement.signals.map(
            ({ cap: _cap, group: _group, minimumGapSeconds: _gap, burst: _burst, ...rule }) => rule,
          ),
        },
        exclusions: [],
        resetOn: [],
      }),
    );
    // The same change at the same instant is told under both ids of a merge, and counts once: so the second does things a little later.
    const later = facts(['2']).map((some) =>
      some.map((fact) => ({ ...fact, occurredAtMs: fact.occurredAtMs + 1 })),
    );
    fc.assert(
      fc.property(uncapped, facts(['1']), later, (model, ones, others) => {
        const pointsOf = (given: Fact[]) => fold(model, { properties: [], facts: given }, NOW_MS).engagement;

        expect(pointsOf([...ones, ...others])).toBe(pointsOf(ones) + pointsOf(others));
        expect(pointsOf([...others, ...ones, ...others])).toBe(pointsOf([...ones, ...others]));
      }),
      { numRuns: 300 },
    );
  });

  test('caps and the range are never passed', () => {
    fc.assert(
      fc.property(models(), contacts(), (model, known) => {
        const { fit, engagement, tally, score } = fold(model, known, NOW_MS);

        expect(Math.abs(fit)).toBeLessThanOrEqual((model.fit.cap ?? Infinity) * 1000);
        expect(Math.abs(engagement)).toBeLessThanOrEqual((model.engagement.cap ?? Infinity) * 1000);
        expect(tally.score).toBeLessThanOrEqual(model.range.max * 1000);
        expect(tally.score).toBeGreaterThanOrEqual(model.range.min * 1000);
        expect([fit, engagement, score].every(Number.isInteger)).toBe(true);
      }),
    );
  });
});

test('the model that ships scores a warm contact', () => {
  const model = readModelFile('models/b2b-saas.yaml');
  const known = {
    properties: [{ name: 'jobtitle', value: 'VP Sales', occurredAtMs: NOW_MS }],
    facts: [
      {
        key: 'demo',
        name: 'property:recent_conversion_event_name',
        occurredAtMs: NOW_MS - 21 * DAY_MS,
        value: 'Book a Demo',
      },
    ],
  };

  // Fit: VP 20, Sales 8. Demo: 35 / 2.
  expect(fold(model, known, NOW_MS)).toMatchObject({ fit: 28_000, engagement: 17_500, score: 45_500 });
});
