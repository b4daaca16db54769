import fc from 'fast-check';
import { horizonMs } from '../../lambdas/scoring/awards.ts';
import { displaySums, gradeOf } from '../../lambdas/scoring/display.ts';
import { dueMoment } from '../../lambdas/scoring/due.ts';
import type { Known } from '../../lambdas/scoring/facts.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import { nextGradeChange } from '../../lambdas/scoring/forecast.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { score } from '../../lambdas/scoring/score.ts';
import { type Shown, show } from '../../lambdas/scoring/show.ts';
import { busyContacts, contacts, DAY_MS, models, NOW_MS } from './histories.ts';
import { modelOf } from './model-of.ts';
import { OCCURRENCES } from './occurrences.ts';
import { models1000, smallContacts } from './thousandths.ts';

const LOGIN = 'id: login, title: Login, from: { kind: signal, signal: login }';
const BANDS = 'bands: [{ grade: A, from: 50 }, { grade: B, from: 20 }, { grade: C, from: 0 }]';

function login(daysAgo: number): Known['facts'][number] {
  return { key: `login ${daysAgo}`, name: 'signal:login', occurredAtMs: NOW_MS - daysAgo * DAY_MS };
}

function count(value: string, daysAgo: number): Known['facts'][number] {
  return { ...login(daysAgo), name: 'property:views', value };
}

function ofRecord(record: string, fact: Known['facts'][number]): Known['facts'][number] {
  return { ...fact, key: `${record} ${fact.key}`, record };
}

/** The due moment of a contact who is first scored now. */
function dueOf(model: Model, known: Known, previous?: Shown): { shown: Shown; dueMs: number | undefined } {
  const folded = fold(model, known, NOW_MS);
  const shown = show(previous, folded, model, 'UTC');
  return { shown, dueMs: dueMoment(model, folded, shown, 'UTC') };
}

describe('by hand', () => {
  test('ten points with a half-life of a week are shown as nine when less than 9.4995 is left', () => {
    const model = modelOf(`engagement: { signals: [{ ${LOGIN}, points: 10, halfLifeDays: 7 }] }`);

    // 7 days * log2(10 / 9.4995): 44,763,8xx ms.
    const { dueMs } = dueOf(model, { properties: [], facts: [login(0)] });

    expect(dueMs).toBe(NOW_MS + Math.ceil(7 * DAY_MS * Math.log2(10_000 / 9499.5)));
  });

  test('what never fades leaves a millisecond after the horizon', () => {
    const model = modelOf(
      `{ horizonDays: 30, engagement: { signals: [{ ${LOGIN}, points: 10, halfLifeDays: never }] } }`,
    );

    expect(dueOf(model, { properties: [], facts: [login(10)] }).dueMs).toBe(NOW_MS + 20 * DAY_MS + 1);
  });

  test.each<[string, Known, string]>([
    ['', { properties: [], facts: [] }, 'nothing is known'],
    [
      `{ ${LOGIN}, points: 10, halfLifeDays: 7 }`,
      { properties: [], facts: [login(400)] },
      'everything has left already',
    ],
    ['', { properties: [], facts: [login(1)] }, 'no rule looks at the fact'],
    [
      `{ ${LOGIN}, points: 10, halfLifeDays: 7 }`,
      { properties: [{ name: 'phone', value: '1', occurredAtMs: 0 }], facts: [] },
      'fit does not fade',
    ],
  ])('nothing ever changes by itself, case %#', (signals, known, because) => {
    const model = modelOf(
      `{ engagement: { signals: [${signals}] }, fit: { rules: [{ id: phone, title: Phone, property: phone, known: true, points: 10 }] } }`,
    );

    expect([because, dueOf(model, known).dueMs]).toEqual([because, undefined]);
  });

  test('while a cap holds, nothing is due', () => {
    const model = modelOf(`engagement: { signals: [{ ${LOGIN}, points: 40, halfLifeDays: 7, cap: 10 }] }`);

    // 40 points are more than 9.4995 for 7 days * log2(40 / 9.4995).
    expect(dueOf(model, { properties: [], facts: [login(0)] }).dueMs).toBe(
      NOW_MS + Math.ceil(7 * DAY_MS * Math.log2(40_000 / 9499.5)),
    );
  });

  test('reasons change when one of several equal signals leaves, though the score does not', () => {
    const model = modelOf(
      `{ horizonDays: 30, engagement: { signals: [{ ${LOGIN}, points: 10, halfLifeDays: never, cap: 10 }] } }`,
    );
    const { shown, dueMs } = dueOf(model, { properties: [], facts: [login(29), login(1)] });

    expect(shown.reasons).toContain('2 times');
    expect(dueMs).toBe(NOW_MS + DAY_MS + 1);
  });

  test('a contact with nothing else loses its score when its last signal leaves the horizon, not when it has faded', () => {
    const model = modelOf(
      `{ horizonDays: 30, engagement: { signals: [{ ${LOGIN}, points: 0.4, halfLifeDays: 1 }] } }`,
    );
    const { shown, dueMs } = dueOf(model, { properties: [], facts: [login(0)] });

    expect(shown).toMatchObject({ status: 'scored', score: 0 });
    expect(dueMs).toBe(NOW_MS + 30 * DAY_MS + 1);
  });

  test('the night after the day of the due moment looks again', () => {
    const model = modelOf(
      `{ horizonDays: 30, engagement: { signals: [{ ${LOGIN}, points: 10, halfLifeDays: never }] } }`,
    );
    const contact = { portalId: '33', contactId: '7', timeZone: 'Pacific/Kiritimati' };

    // Due at 12:00 UTC on 21 November: 02:00 on 22 November on Kiritimati.
    const scored = score(model, contact, { properties: [], facts: [login(10)] }, undefined, NOW_MS);

    expect(scored).toMatchObject({
      dueNight: '2026-11-23',
      dueAtMs: NOW_MS + 20 * DAY_MS + 1,
      lastSignalAtMs: NOW_MS - 10 * DAY_MS,
    });
    const nothing = score(model, contact, { properties: [], facts: [] }, undefined, NOW_MS);
    expect(nothing).toMatchObject({ dueNight: undefined, dueAtMs: undefined });
  });

  test('the dead band puts off the fall of a grade that was shown', () => {
    const model = modelOf(
      `{ engagement: { signals: [{ ${LOGIN}, points: 30, halfLifeDays: 10 }] }, grades: { deadBand: 5, ${BANDS} } }`,
    );
    const folded = fold(model, { properties: [], facts: [login(0)] }, NOW_MS);

    // Shown as 14 below 14.4995.
    expect(nextGradeChange(model, folded, 'B')).toEqual({
      atMs: NOW_MS + Math.ceil(10 * DAY_MS * Math.log2(30_000 / 14_499.5)),
      grade: 'C',
      isFall: true,
    });
  });

  test('a grade falls when what never fades leaves the horizon, though something else stays', () => {
    const model =
      modelOf(`{ horizonDays: 30, engagement: { signals: [{ ${LOGIN}, points: 10, halfLifeDays: never }] },
      grades: { bands: [{ grade: A, from: 20 }, { grade: B, from: 0 }] } }`);
    const folded = fold(model, { properties: [], facts: [login(20), login(5)] }, NOW_MS);

    // 20 points until the first of the two is 30 days old and a millisecond.
    expect(nextGradeChange(model, folded, 'A')).toEqual({
      atMs: NOW_MS + 10 * DAY_MS + 1,
      grade: 'B',
      isFall: true,
    });
  });

  test('what awards nothing may leave the horizon unnoticed, also while a fall is foretold', () => {
    const model = modelOf(`{ horizonDays: 30, engagement: { signals: [
        { ${LOGIN}, points: 10, halfLifeDays: 100 },
        { id: views, title: Views, from: { kind: counter, property: views }, points: 1, halfLifeDays: 7 }] },
      grades: { bands: [{ grade: A, from: 10 }, { grade: B, from: 0 }] } }`);

    // The first count is a baseline. It leaves in a day, and 10 points are 9 when less than 9.4995 is left: 7.4 days.
    const { shown, dueMs } = dueOf(model, { properties: [], facts: [count('3', 29), login(0)] });

    expect(shown.reasons).toContain('Falls to B');
    expect(dueMs).toBe(NOW_MS + Math.ceil(100 * DAY_MS * Math.log2(10_000 / 9499.5)));
  });

  test('a rise grows when the higher of two baselines leaves, and a grade may rise by that', () => {
    const model =
      modelOf(`{ horizonDays: 10, engagement: { signals: [{ id: views, title: Views, from: { kind: counter, property: views }, points: 1, halfLifeDays: never }] },
      grades: { bands: [{ grade: A, from: 8 }, { grade: B, from: 0 }] } }`);
    const known = { properties: [], facts: [count('10', 9), count('2', 5), count('12', 1)] };

    // 12 - 10 = 2 points until the 10 leaves; 12 - 2 = 10 from then on.
    const { shown, dueMs } = dueOf(model, known);

    expect(shown).toMatchObject({
      score: 2,
      grade: 'B',
      reasons: '+2 Views (31 Oct 2026)\nRises to A on 2 Nov 2026',
    });
    expect(dueMs).toBe(NOW_MS + DAY_MS + 1);
  });

  test.each<[string, Known['facts'][number]]>([
    ['a higher count of another record', { ...count('20', 7), record: '2' }],
    ['a higher count of something else', { ...count('20', 7), name: 'property:visits' }],
    ['a count that is none', ofRecord('1', count('many', 7))],
  ])('that rise is foretold too where between the two was told %s', (_what, between) => {
    const model = modelOf(`{ horizonDays: 10, engagement: { signals: [
        { id: views, title: Views, from: { kind: counter, property: views }, points: 1, halfLifeDays: never },
        { id: visits, title: Visits, from: { kind: counter, property: visits }, points: 1, halfLifeDays: never }] },
      grades: { bands: [{ grade: A, from: 8 }, { grade: B, from: 0 }] } }`);
    const counts = [count('10', 9), count('2', 5), count('12', 1)].map((fact) => ofRecord('1', fact));
    const known = { properties: [], facts: [...counts, between] };

    // 12 - 10 = 2 points until the 10 leaves; 12 - 2 = 10 from then on.
    expect(nextGradeChange(model, fold(model, known, NOW_MS), 'B')).toEqual({
      atMs: NOW_MS + DAY_MS + 1,
      grade: 'A',
      isFall: false,
    });
  });

  test('of two rises that grow, the one that matters is foretold, whichever count fell first', () => {
    const model =
      modelOf(`{ horizonDays: 10, engagement: { signals: [{ id: views, title: Views, from: { kind: counter, property: views }, points: 1, halfLifeDays: never }] },
      grades: { bands: [{ grade: A, from: 8 }, { grade: B, from: 0 }] } }`);
    // Of the one, 12 - 10 = 2 points until the 10 leaves in two days; 12 - 2 = 10 from then on. The other has none, then 10 - 9 = 1.
    const one = [count('10', 8), count('2', 7), count('12', 6)].map((fact) => ofRecord('1', fact));
    const other = [count('10', 9), count('9', 3), count('10', 1)].map((fact) => ofRecord('2', fact));

    expect(
      nextGradeChange(model, fold(model, { properties: [], facts: [...one, ...other] }, NOW_MS), 'B'),
    ).toEqual({
      atMs: NOW_MS + 2 * DAY_MS + 1,
      grade: 'A',
      isFall: false,
    });
  });

  test('a grade falls when the count leaves that was risen over', () => {
    const model = modelOf(`{ horizonDays: 30, engagement: { signals: [
        { ${LOGIN}, points: 1, halfLifeDays: never },
        { id: views, title: Views, from: { kind: counter, property: views }, points: 1, halfLifeDays: never }] },
      grades: { bands: [{ grade: A, from: 8 }, { grade: B, from: 0 }] } }`);
    const known = { properties: [], facts: [count('5', 20), count('12', 5), login(0)] };

    // 1 + 12 - 5 = 8 points until the 5 is 30 days old and a millisecond: then 12 is the baseline.
    expect(nextGradeChange(model, fold(model, known, NOW_MS), 'A')).toEqual({
      atMs: NOW_MS + 10 * DAY_MS + 1,
      grade: 'B',
      isFall: true,
    });
  });

  test('a change one millisecond before a fact leaves is not taken for the leaving', () => {
    const changeMs = NOW_MS + Math.ceil(7 * DAY_MS * Math.log2(10_000 / 9499.5));
    const model =
      modelOf(`{ horizonDays: 30, engagement: { signals: [{ ${LOGIN}, points: 10, halfLifeDays: 7 },
      { id: ticket, title: Ticket, from: { kind: signal, signal: ticket }, points: 0, halfLifeDays: 7 }] } }`);
    const leaves = { key: 'ticket', name: 'signal:ticket', occurredAtMs: changeMs - 30 * DAY_MS };

    expect(dueOf(model, { properties: [], facts: [leaves, login(0)] }).dueMs).toBe(changeMs);
  });

  test('a search that would not end is given up: it says too early when to look again, and forecasts nothing', () => {
    const balanced = ['login', 'ticket'].flatMap((name) =>
      Array.from({ length: 3 }, (_, at) => ({
        key: `${name} ${at}`,
        name: `signal:${name}`,
        occurredAtMs: NOW_MS,
      })),
    );
    const model =
      modelOf(`{ fit: { rules: [{ id: phone, title: Phone, property: phone, known: true, points: 44.6 }] },
      engagement: { signals: [{ ${LOGIN}, points: 1000, halfLifeDays: 7 }, { id: ticket, title: Ticket, from: { kind: signal, signal: ticket }, points: -1000, halfLifeDays: 7 }] },
      grades: { bands: [{ grade: A, from: 45 }, { grade: B, from: 0 }] } }`);
    const known = { properties: [{ name: 'phone', value: '1', occurredAtMs: 0 }], facts: balanced };

    const { shown, dueMs = 0 } = dueOf(model, known);

    expect(shown).toMatchObject({ score: 45, grade: 'A', reasons: expect.not.stringMatching(/Falls|Rises/) });
    expect(dueMs).toBeGreaterThan(NOW_MS);
    expect(show(shown, fold(model, known, dueMs), model, 'UTC')).toEqual(shown);
  });

  test('points that balance for weeks are found out in the end', () => {
    const model =
      modelOf(`{ range: { min: -100, max: 100 }, fit: { rules: [{ id: phone, title: Phone, property: phone, known: true, points: 45 }] },
      engagement: { signals: [{ ${LOGIN}, points: 80, halfLifeDays: 20 }, { id: ticket, title: Ticket, from: { kind: signal, signal: ticket }, points: -80, halfLifeDays: 22 }] },
      grades: { bands: [{ grade: A, from: 44 }, { grade: B, from: -100 }] } }`);
    const ticket = { key: 'ticket', name: 'signal:ticket', occurredAtMs: NOW_MS };
    const known = { properties: [{ name: 'phone', value: '1', occurredAtMs: 0 }], facts: [login(0), ticket] };
    const folded = fold(model, known, NOW_MS);

    const change = nextGradeChange(model, folded, 'A');
    const scoreAt = (ms: number) => fold(model, known, ms).score;

    // 43.499 and less is shown as 43: when the two differ by more than 1.5 points.
    expect(scoreAt((change?.atMs ?? 0) - 1)).toBeGreaterThanOrEqual(43_500);
    expect(scoreAt(change?.atMs ?? 0)).toBeLessThan(43_500);
  });
});

/**
 * Every instant after now at which anything can change: where a fact leaves the horizon, and where the points left of a
 * fact, whatever it may be worth, pass from one thousandth to the next.
 */
function candidates(model: Model, known: Known): number[] {
  const moments = new Set<number>();
  for (const { occurredAtMs, name } of known.facts) {
    moments.add(occurredAtMs + horizonMs(model) + 1);
    for (const { points, halfLifeDays } of model.engagement.signals) {
      if (halfLifeDays === 'never') continue;
      for (let times = 1; times <= (name === 'property:views' ? 12 : 1); times++) {
        const given = Math.abs(points * 1000 * times);
        for (let rest = Math.floor(given); rest >= 0; rest--) {
          const atMs = occurredAtMs + Math.round(halfLifeDays * DAY_MS * Math.log2(given / (rest + 0.5)));
          for (const near of [-1, 0, 1]) moments.add(atMs + near);
        }
      }
    }
  }
  return [...moments].filter((ms) => ms > NOW_MS && Number.isFinite(ms)).toSorted((a, b) => a - b);
}

const anyContacts = fc.oneof(contacts(), busyContacts);
const grades = fc.constantFrom(undefined, 'A', 'B', 'C', 'A1', 'B1', 'B2');

function same(a: Shown, b: Shown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function withGrade(model: Model, known: Known, grade: string | undefined): Shown | undefined {
  return grade === undefined
    ? undefined
    : { ...show(undefined, fold(model, known, NOW_MS), model, 'UTC'), grade };
}

describe('against brute force', () => {
  test('the due moment is the first instant at which anything else would be shown', () => {
    fc.assert(
      fc.property(models1000(), smallContacts, grades, (model, known, grade) => {
        const { shown, dueMs } = dueOf(model, known, withGrade(model, known, grade));

        const first = candidates(model, known).find(
          (ms) => !same(show(shown, fold(model, known, ms), model, 'UTC'), shown),
        );

        expect(dueMs).toBe(first);
      }),
      { numRuns: 150 },
    );
  });

  test('the forecast of a grade is its first change', () => {
    fc.assert(
      fc.property(models1000(), smallContacts, grades, (model, known, before) => {
        const folded = fold(model, known, NOW_MS);
        const { grade, status } = show(withGrade(model, known, before), folded, model, 'UTC');
        fc.pre(status === 'scored');
        const gradeAt = (ms: number) => {
          const at = fold(model, known, ms);
          return gradeOf(model, displaySums(model, at.fit, at), grade);
        };

        const first = candidates(model, known).find((ms) => gradeAt(ms) !== grade);
        const isScored = first !== undefined && fold(model, known, first).status === 'scored';
        const change = nextGradeChange(model, folded, grade);

        expect(change?.atMs).toBe(isScored ? first : undefined);
        expect(change?.grade).toBe(isScored ? gradeAt(first) : undefined);
        expect(change?.isFall).toBe(isScored ? gradeAt(first) > grade : undefined); // A is better than B.
      }),
      { numRuns: 150 },
    );
  });

  test('until the due moment the same is shown, at it something else, whatever the model', () => {
    const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(models(), anyContacts, grades, fractions, (model, known, grade, parts) => {
        const { shown, dueMs } = dueOf(model, known, withGrade(model, known, grade));
        const showAt = (ms: number) => show(shown, fold(model, known, ms), model, 'UTC');
        const lastMs = dueMs === undefined ? NOW_MS + 400 * DAY_MS : dueMs - 1;

        for (const part of [...parts, 1])
          expect(showAt(NOW_MS + Math.floor(part * (lastMs - NOW_MS)))).toEqual(shown);
        expect(dueMs !== undefined && same(showAt(dueMs), shown)).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  const all = fc.sample(fc.tuple(models(), anyContacts), { numRuns: 600, seed: 33 });
  const small = fc.sample(fc.tuple(models1000(), smallContacts), { numRuns: 600, seed: 33 });

  test.each(Object.entries(OCCURRENCES))('the contacts that are drawn have %s', (what, isIn) => {
    const [times = 0, timesSmall = 0] = [all, small].map(
      (drawn) => drawn.filter(([model, known]) => isIn(model, fold(model, known, NOW_MS))).length,
    );
    expect(times).toBeGreaterThanOrEqual(10);
    // No rule of the small models looks at how close signals are.
    expect(timesSmall > 10 || what === 'signals too close to each other').toBe(true);
  });
});
