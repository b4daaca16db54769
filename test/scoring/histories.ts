import fc from 'fast-check';
import type { Fact, Known, PropertyValue } from '../../lambdas/scoring/facts.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** The instant at which random contacts are scored. */
export const NOW_MS = Date.parse('2026-11-01T12:00:00Z');

const KINDS = ['login', 'ticket', 'click', 'views', 'status', 'url'] as const;
const SOURCES = {
  login: { kind: 'signal', signal: 'login' },
  ticket: { kind: 'signal', signal: 'ticket' },
  click: { kind: 'timestamp', property: 'click' },
  views: { kind: 'counter', property: 'views' },
  status: { kind: 'transition', property: 'status', to: ['OPEN', 'won'] },
  url: { kind: 'text', property: 'url', contains: ['/pricing', '/demo'] },
} as const;

export interface ModelShape {
  /** Largest points of a rule, positive or negative. */
  readonly points: number;
  /** Half-lives to choose from, in days. */
  readonly halfLifeDays: readonly (number | 'never')[];
  /** Horizons to choose from, in days. */
  readonly horizonDays: readonly number[];
}

const ANY_SHAPE: ModelShape = {
  points: 60,
  halfLifeDays: [0.5, 2, 7, 14, 90, 'never'],
  horizonDays: [5, 30, 365],
};

function optionalKey<T>(key: string, values: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.option(values, { nil: undefined }).map((value) => (value === undefined ? {} : { [key]: value }));
}

/** Valid models with every kind of rule, caps of every level, steps, dead bands and negative points. */
export function models({ points, halfLifeDays, horizonDays }: ModelShape = ANY_SHAPE): fc.Arbitrary<Model> {
  const somePoints = fc.integer({ min: -points * 4, max: points * 4 }).map((quarters) => quarters / 4);
  const someCap = optionalKey('cap', fc.integer({ min: 0, max: points * 2 }));
  const signal = fc
    .record({ points: somePoints, halfLifeDays: fc.constantFrom(...halfLifeDays) })
    .chain((rule) =>
      fc
        .tuple(someCap, optionalKey('group', fc.constantFrom('web', 'mail')))
        .map((rest) => Object.assign({}, rule, ...rest)),
    );
  const fitRule = fc.constantFrom(
    { property: 'jobtitle', contains: ['cto', 'head of'] },
    { property: 'country', is: ['Germany', 'France'] },
    { property: 'seats', atLeast: 10, below: 100 },
  );
  return fc
    .record({
      horizonDays: fc.constantFrom(...horizonDays),
      range: fc.constantFrom(
        { min: 0, max: 100 },
        { min: -20, max: 40 },
        { min: 0, max: 10 },
        { min: 20, max: 500 },
      ),
      fit: fc
        .tuple(someCap, fc.array(fc.tuple(fitRule, somePoints), { maxLength: 3 }))
        .map(([cap, rules]) => ({
          ...cap,
          rules: rules.map(([rule, given], at) => ({
            id: `fit-${at}`,
            title: `Fit ${at}`,
            ...rule,
            points: given,
          })),
        })),
      signals: fc.array(fc.tuple(fc.constantFrom(...KINDS), signal), { maxLength: 6 }),
      caps: fc.tuple(someCap, fc.integer({ min: 0, max: points }), fc.integer({ min: 0, max: points })),
      deadBand: fc.constantFrom(0, 1, 3, 7),
      bands: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
      step: fc.constantFrom(1, 1, 2, 5, 10),
    })
    .map(({ signals, caps: [engagementCap, web, mail], deadBand, bands, step, ...rest }) => {
      const checked = checkModel({
        name: 'random',
        ...rest,
        engagement: {
          ...engagementCap,
          groups: { web: { cap: web }, mail: { cap: mail } },
          signals: signals.map(([kind, rule], at) => ({
            id: `signal-${at}`,
            title: `Signal ${at}`,
            from: SOURCES[kind],
            ...rule,
          })),
        },
        grades: {
          deadBand,
          bands: [...bands.toSorted((a, b) => b - a), -1000].map((from, at) => ({ grade: 'ABCD'[at], from })),
        },
        display: { step },
      });
      if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
      return checked.model;
    });
}

/** Facts of every kind, some told twice and some heard of at two times, on a grid of hours around now. */
export function facts(records: readonly string[] = ['1', '2'], maxAgeHours = 24 * 40): fc.Arbitrary<Fact[]> {
  const one = fc.record({
    kind: fc.constantFrom(...KINDS),
    ageHours: fc.integer({ min: -12, max: maxAgeHours }),
    record: fc.constantFrom(...records),
    count: fc.integer({ min: 0, max: 12 }),
    isFound: fc.boolean(),
    text: fc.constantFrom('Open', 'lost', 'https://example.com/Pricing?x', 'https://example.com/blog'),
  });
  return fc.array(one, { maxLength: 14 }).map((list) =>
    list.map(({ kind, ageHours, record, count, isFound, text }) => {
      const occurredAtMs = NOW_MS - ageHours * HOUR_MS;
      const name = `${kind === 'login' || kind === 'ticket' ? 'signal' : 'property'}:${kind}`;
      if (kind === 'views') {
        const baseline = isFound && count % 2 === 0;
        return {
          key: `${record} ${count} ${baseline}`,
          name,
          occurredAtMs,
          value: String(count),
          record,
          ...(baseline && { baseline }),
        };
      }
      const value = kind === 'status' || kind === 'url' ? { value: text } : {};
      return { key: `${record} ${name} ${ageHours} ${value.value}`, name, occurredAtMs, ...value };
    }),
  );
}

const properties: fc.Arbitrary<PropertyValue[]> = fc.array(
  fc.record({
    name: fc.constantFrom('jobtitle', 'country', 'seats'),
    value: fc.constantFrom('', 'CTO', 'Head of Sales', 'france', '10', '99.5', '100'),
    occurredAtMs: fc.integer({ min: 0, max: 5 }).map((days) => NOW_MS - days * DAY_MS),
  }),
  { maxLength: 5 },
);

/** All that is known of a random contact. */
export function contacts(records?: readonly string[], maxAgeHours?: number): fc.Arbitrary<Known> {
  return fc.record({ properties, facts: facts(records, maxAgeHours) });
}
