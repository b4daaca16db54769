// What a small change of the rules of counting would change: each row is worked by hand.
import type { Deal, Fact, Known } from '../../lambdas/scoring/facts.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { DAY_MS, NOW_MS } from './histories.ts';
import { modelOf, modelOfSignals } from './model-of.ts';

const CLICK =
  '{ id: click, title: Clicked, from: { kind: timestamp, property: click }, points: 1, halfLifeDays: never }';

/** A change of a property; its key says what, of which record and when. @param day - counted from a day long ago, fractions count */
function change(property: string, day: number, value?: string, record?: string): Fact {
  return {
    key: `${property} ${value} ${record} ${day}`,
    name: `property:${property}`,
    occurredAtMs: NOW_MS - 1000 * DAY_MS + day * DAY_MS,
    ...(value !== undefined && { value }),
    ...(record !== undefined && { record }),
  };
}

/** A second, in days. */
const SECOND = 1 / 86_400;
const seen = (second: number, path: string) =>
  change('url', 1 + second * SECOND, `https://acme.example${path}`);
const day = (at: number) => NOW_MS - 1000 * DAY_MS + at * DAY_MS;
const lost = (id: string, at: number | undefined): Deal => ({
  id,
  state: 'lost',
  closedAtMs: at === undefined ? undefined : day(at),
});

/** The points of the awards on a day. */
function points(model: Model, known: Partial<Known>, atDay = 10): number[] {
  const { awards } = fold(model, { properties: [], facts: [], ...known }, day(atDay));
  return awards.map((award) => award.points);
}

describe('starting anew', () => {
  const onBoth = modelOfSignals(
    `[${CLICK}]`,
    'resetOn: [{ id: lost, title: Lost, deal: lost }, { id: churned, title: Churned, property: stage, to: [churned] }]',
  );
  const onStage = modelOfSignals(
    `[${CLICK}]`,
    'resetOn: [{ id: churned, title: Churned, property: stage, to: [churned] }]',
  );
  const clicks = [change('click', 1), change('click', 3), change('click', 5)];

  test('is by the later of a lost deal and a change of a property', () => {
    const churned = change('stage', 4, 'churned');

    expect(points(onBoth, { facts: [...clicks, churned], deals: [lost('1', 2)] })).toEqual([1]);
    expect(points(onBoth, { facts: [...clicks, churned], deals: [lost('1', 5.5)] })).toEqual([]);
    expect(points(onBoth, { facts: clicks, deals: [lost('1', 2)] })).toEqual([1, 1]);
  });

  test('is by no deal where the model asks for none', () => {
    expect(points(onStage, { facts: clicks, deals: [lost('1', 6)] })).toEqual([1, 1, 1]);
  });

  test('is by the last of the lost deals that were closed at a known time', () => {
    const deals = [lost('1', 2), lost('2', undefined), lost('3', 4)];

    expect(points(onBoth, { facts: clicks, deals })).toEqual([1]);
  });

  test('is no business of a contact without a lost deal', () => {
    const open: Deal = { id: '1', state: 'open', closedAtMs: undefined };

    expect(fold(onBoth, { properties: [], facts: clicks, deals: [open] }, day(10)).reset).toBeUndefined();
  });
});

describe('facts that are close', () => {
  test('at the very moment of starting anew are close to the next one', () => {
    const model = modelOfSignals(
      `[${CLICK.replace('halfLifeDays: never', 'halfLifeDays: never, minimumGapSeconds: 30')}]`,
      'resetOn: [{ id: churned, title: Churned, property: stage, to: [churned] }]',
    );
    const facts = [change('stage', 1, 'churned'), change('click', 1), change('click', 1 + 20 * SECOND)];

    expect(points(model, { facts })).toEqual([1]);
  });

  test('of a rule on some values are those with such a value, and no others', () => {
    const model = modelOfSignals(
      `[{ id: page, title: Page, from: { kind: text, property: url, contains: ['/pricing'] }, points: 1, halfLifeDays: never, minimumGapSeconds: 30 }]`,
    );

    // Of the blog nobody asks: the prices are 40 seconds apart, whatever was seen between.
    expect(points(model, { facts: [seen(0, '/pricing'), seen(20, '/blog'), seen(40, '/pricing')] })).toEqual([
      1, 1,
    ]);
    expect(
      points(model, { facts: [seen(0, '/pricing'), seen(20, '/pricing'), seen(60, '/pricing')] }),
    ).toEqual([1, 1]);
  });

  test('and left out make up no burst with those that are left', () => {
    const model = modelOfSignals(
      `[${CLICK.replace('halfLifeDays: never', 'halfLifeDays: never, minimumGapSeconds: 10, burst: { moreThan: 2, withinSeconds: 60 }')}]`,
    );
    const facts = [0, 5, 20].map((seconds) => change('click', 1 + seconds * SECOND));

    expect(points(model, { facts })).toEqual([1, 1]); // 5 is close to 0; 0 and 20 are no more than two.
  });

  test('are not those just a gap apart, also where others are close', () => {
    const model = modelOfSignals(
      `[${CLICK.replace('halfLifeDays: never', 'halfLifeDays: never, minimumGapSeconds: 10')}]`,
    );
    const facts = [
      change('click', 1),
      { ...change('click', 2), occurredAtMs: day(1) + 5000 },
      {
        ...change('click', 3),
        occurredAtMs: day(1) + 15_000,
      },
    ];

    expect(points(model, { facts })).toEqual([1, 1]);
  });
});

describe('counts', () => {
  const model = modelOfSignals(
    '[{ id: views, title: Views, from: { kind: counter, property: views }, points: 1, halfLifeDays: never }]',
    'horizonDays: 100',
  );

  test('a rise counts as long as the count that it rose from is inside the horizon', () => {
    const facts = [change('views', 1, '1'), change('views', 60, '3')];

    expect(points(model, { facts }, 101)).toEqual([2]);
    const after = fold(model, { properties: [], facts }, day(101) + 1);
    expect({ score: after.score, awards: after.awards.length }).toEqual({ score: 0, awards: 0 });
  });

  test('of two records are two, also at one instant and to one number', () => {
    for (const [a, b] of [
      ['1', '2'],
      [undefined, '2'],
      ['1', undefined],
    ] as const) {
      const facts = [a, b].flatMap((record) => [
        change('views', 1, '1', record),
        change('views', 2, '3', record),
      ]);

      expect(points(model, { facts })).toEqual([2, 2]);
    }
  });
});

test('two properties that change to one value at one instant are two changes', () => {
  const model = modelOfSignals(`[
    { id: a, title: A, from: { kind: transition, property: a, to: [yes] }, points: 1, halfLifeDays: never },
    { id: b, title: B, from: { kind: transition, property: b, to: [yes] }, points: 2, halfLifeDays: never }]`);

  expect(points(model, { facts: [change('a', 1, 'yes'), change('b', 1, 'yes')] })).toEqual([1, 2]);
});

test('a signal that is worth nothing is no sign of life', () => {
  const model = modelOfSignals(`[${CLICK.replace('points: 1', 'points: 0')}]`);

  expect(fold(model, { properties: [], facts: [change('click', 1)] }, day(2))).toMatchObject({
    status: 'insufficient_data',
    awards: [],
    lastSignalAtMs: undefined,
  });
});

describe('an address', () => {
  const model = modelOf(
    '{ fit: { rules: [{ id: ours, title: Of a partner, property: email, domain: [acme.example], points: 5 }] } }',
  );
  const statusOf = (property: string, value: string) =>
    fold(model, { properties: [{ name: property, value, occurredAtMs: 0 }], facts: [] }, NOW_MS).status;

  test('says something of fit only where a rule on it holds', () => {
    expect(statusOf('email', 'jane@acme.example')).toBe('scored');
    expect(statusOf('email', 'jane@other.example')).toBe('insufficient_data');
  });
});
