import fc from 'fast-check';
import type { Known } from '../../lambdas/scoring/facts.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { counts, deals, EXCLUSIONS, facts, RESETS } from './histories.ts';

const ROWS = [
  { grade: 'A', from: 45 },
  { grade: 'B', from: 43 },
  { grade: 'C', from: 10 },
  { grade: 'D', from: 0 },
];
/** Engagement is a few thousandths around half a point, where one point begins to be shown. */
const COLUMNS = [
  { grade: '1', from: 1 },
  { grade: '2', from: 0 },
];

/** A signal that brings the engagement near half a point and leaves it there. */
const STEADY = {
  id: 'steady',
  title: 'Steady',
  from: { kind: 'text', property: 'url', contains: ['/'] },
  halfLifeDays: 'never',
};

/** An object without the keys that have no value. */
function defined(entries: object): object {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

function thousandths(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: -most, max: most }).map((points) => points / 1000);
}

/**
 * Models in which little is left of every term, so that few instants have to be looked at, and in which the shown values
 * are about to change: thousandths decide.
 */
export function models1000(): fc.Arbitrary<Model> {
  const cap = fc.option(
    fc.integer({ min: 0, max: 6 }).map((points) => points / 1000),
    { nil: undefined },
  );
  const sources = fc.constantFrom(
    { kind: 'signal', signal: 'login' },
    { kind: 'signal', signal: 'ticket' },
    { kind: 'timestamp', property: 'click' },
    { kind: 'counter', property: 'views' },
    { kind: 'transition', property: 'status', to: ['open'] },
  );
  const rule = fc.record({
    from: sources,
    points: thousandths(4),
    halfLifeDays: fc.constantFrom(0.5, 1, 7, 30, 'never'),
    cap,
    group: fc.constantFrom(undefined, 'web', 'mail'),
  });
  return fc
    .record({
      signals: fc.uniqueArray(rule, {
        minLength: 1,
        maxLength: 4,
        selector: ({ from }) => JSON.stringify(from),
      }),
      fitPoints: fc.constantFrom(44.499, 44.5, 44.502, 42.5, 12.498, 0.499),
      offset: fc.constantFrom(undefined, 0.499, 0.5),
      engagementCap: fc.option(
        fc
          .oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 498, max: 506 }))
          .map((points) => points / 1000),
        { nil: undefined },
      ),
      range: fc.constantFrom(undefined, undefined, { min: 0, max: 45 }, { min: 45, max: 100 }),
      exclusions: fc.subarray([...EXCLUSIONS]),
      resetOn: fc.subarray([...RESETS]),
      groupCap: fc.integer({ min: 0, max: 8 }).map((points) => points / 1000),
      step: fc.constantFrom(1, 1, 5),
      deadBand: fc.constantFrom(0, 2, 5),
      horizonDays: fc.constantFrom(3, 20, 60),
      isGrid: fc.boolean(),
      gradeOnly: fc.boolean(),
    })
    .map(
      ({
        signals,
        fitPoints,
        offset,
        engagementCap,
        groupCap,
        step,
        deadBand,
        isGrid,
        gradeOnly,
        ...rest
      }) => {
        const checked = checkModel({
          name: 'thousandths',
          ...defined(rest),
          fit: { rules: [{ id: 'job', title: 'Job', property: 'jobtitle', known: true, points: fitPoints }] },
          engagement: {
            ...defined({ cap: engagementCap }),
            groups: { web: { cap: groupCap }, mail: { cap: groupCap } },
            signals: [
              ...signals.map((signal, at) => ({
                id: `signal-${at}`,
                title: `Signal ${at}`,
                ...defined(signal),
              })),
              ...(offset === undefined ? [] : [{ ...STEADY, points: offset, cap: offset }]),
            ],
          },
          grades: {
            deadBand,
            ...(isGrid ? { grid: { fit: ROWS, engagement: COLUMNS } } : { bands: ROWS }),
          },
          display: { step, gradeOnly },
        });
        if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
        return checked.model;
      },
    );
}

function mostly<T>(value: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.constantFrom(value, value, value, value, ...others);
}

/** Contacts with so few facts that every instant can be looked at. */
export const smallContacts: fc.Arbitrary<Known> = fc
  .record({
    jobtitle: fc.constantFrom(undefined, 'CTO'),
    stage: mostly(undefined, 'customer'),
    optout: mostly(undefined, 'true'),
    facts: fc.oneof({ arbitrary: facts(['1', '2'], 24 * 20), weight: 3 }, { arbitrary: counts, weight: 1 }),
    deals: fc.oneof({ arbitrary: fc.constant([]), weight: 5 }, { arbitrary: deals, weight: 1 }),
  })
  .map(({ facts: some, deals: lost, ...values }) => ({
    properties: Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, value, occurredAtMs: 0 }],
    ),
    facts: some.slice(0, 8),
    deals: lost,
  }));
