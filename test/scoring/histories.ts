import fc from 'fast-check';
import type { Deal, Fact, Known, PropertyValue } from '../../lambdas/scoring/facts.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import type { Source, Sources } from '../../lambdas/scoring/sources.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';

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
  blog: { kind: 'text', property: 'url', contains: ['/blog', 'shop*'] },
  visit: { kind: 'touch', channel: 'ai' },
} as const;
const RULE_KINDS = [...KINDS, 'blog', 'visit'] as const;

/** An assistant and a search engine, which random visits come from. */
const VISIT_SOURCES: Sources = {
  sources: [sourceOf('assistant', 'ai'), sourceOf('engine', 'search')],
  mediums: {},
};

function sourceOf(id: string, channel: Source['channel']): Source {
  return {
    id,
    channel,
    label: id,
    hosts: [`${id}.example`],
    utmSources: [],
    userAgents: [],
    hubSpotDetails: [],
  };
}

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

export const EXCLUSIONS = [
  { id: 'customer', title: 'Is a customer', property: 'stage', is: ['customer'] },
  { id: 'rival', title: 'Is a rival', property: 'email', domain: ['rival.example'] },
  { id: 'won', title: 'Has a won deal', deal: 'won' },
  { id: 'opted-out', title: 'Opted out', property: 'optout', is: [true], onlyGroup: 'mail' },
] as const;
export const RESETS = [
  { id: 'recycled', title: 'Recycled', property: 'status', to: ['lost'] },
  { id: 'deal-lost', title: 'Deal lost', deal: 'lost' },
] as const;

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
  const closeness = fc.tuple(
    optionalKey('minimumGapSeconds', fc.constantFrom(60, 3600, 7200)),
    optionalKey(
      'burst',
      fc.record({ moreThan: fc.integer({ min: 1, max: 3 }), withinSeconds: fc.constantFrom(7201, 86_400) }),
    ),
  );
  const fitRule = fc.constantFrom(
    { property: 'jobtitle', contains: ['cto', 'head of'] },
    { property: 'country', is: ['Germany', 'France'] },
    { property: 'seats', atLeast: 10, below: 100 },
    { property: 'company.size', atLeast: 100 },
    { property: 'email', domain: ['free.example'] },
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
      signals: fc.uniqueArray(fc.tuple(fc.constantFrom(...RULE_KINDS), signal, closeness), {
        maxLength: 6,
        selector: ([kind]) => kind, // One act must not be scored twice.
      }),
      exclusions: fc.subarray([...EXCLUSIONS]),
      resetOn: fc.subarray([...RESETS]),
      isGrid: fc.boolean(),
      gradeOnly: fc.constantFrom(false, false, true),
      caps: fc.tuple(someCap, fc.integer({ min: 0, max: points }), fc.integer({ min: 0, max: points })),
      deadBand: fc.constantFrom(0, 1, 3, 7),
      bands: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
      step: fc.constantFrom(1, 1, 2, 5, 10),
    })
    .map(
      ({ signals, caps: [engagementCap, web, mail], deadBand, bands, step, isGrid, gradeOnly, ...rest }) => {
        const some = bands.toSorted((a, b) => b - a);
        const named = (names: string) => [...some, -1000].map((from, at) => ({ grade: names[at], from }));
        const content = {
          name: 'random',
          ...rest,
          ...(signals.some(([kind]) => kind === 'visit') && { attribution: {} }),
          engagement: {
            ...engagementCap,
            groups: { web: { cap: web }, mail: { cap: mail } },
            signals: signals.map(([kind, rule, [gap, burst]], at) => ({
              id: `signal-${at}`,
              title: `Signal ${at}`,
              from: SOURCES[kind],
              ...rule,
              ...(SOURCES[kind].kind !== 'counter' && { ...gap, ...burst }),
            })),
          },
          grades: {
            deadBand,
            ...(isGrid
              ? { grid: { fit: named('ABCD'), engagement: named('1234') } }
              : { bands: named('ABCD') }),
          },
          display: { step, gradeOnly },
        };
        const checked = checkModel(content, [], VISIT_SOURCES);
        if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
        return checked.model;
      },
    );
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

function propertyValues(names: readonly string[], texts: readonly string[]): fc.Arbitrary<PropertyValue[]> {
  return fc.array(
    fc.record({
      name: fc.constantFrom(...names),
      value: fc.constantFrom(...texts),
      occurredAtMs: fc.integer({ min: 0, max: 5 }).map((days) => NOW_MS - days * DAY_MS),
    }),
    { maxLength: 5 },
  );
}

const properties = fc
  .tuple(
    propertyValues(
      ['jobtitle', 'country', 'seats'],
      ['', 'CTO', 'Head of Sales', 'france', '10', '99.5', '100'],
    ),
    fc.constantFrom('', '', '', 'free.example', 'mail.rival.example'),
    fc.constantFrom('', '', '', 'lead', 'customer'),
    fc.constantFrom('', 'true', 'false'),
  )
  .map(([some, email, stage, optout]) => [
    ...some,
    { name: 'email', value: email, occurredAtMs: NOW_MS },
    { name: 'stage', value: stage, occurredAtMs: NOW_MS },
    { name: 'optout', value: optout, occurredAtMs: NOW_MS },
  ]);

export const deals: fc.Arbitrary<Deal[]> = fc.array(
  fc
    .record({
      id: fc.constantFrom('1', '2', '3'),
      state: fc.constantFrom('open', 'lost', 'lost', 'won'),
      closedHoursAgo: fc.integer({ min: -12, max: 24 * 20 }),
    })
    .map(({ id, state, closedHoursAgo }): Deal => {
      const closedAtMs = state === 'open' ? undefined : NOW_MS - closedHoursAgo * HOUR_MS;
      return { id, state, closedAtMs };
    }),
  { maxLength: 2 },
);

/** Visits by what the snippet saw and by what HubSpot says, on a grid of a third of an hour, some of them one visit. */
const touches: fc.Arbitrary<Fact[]> = fc.array(
  fc
    .record({
      thirdsAgo: fc.integer({ min: -6, max: 3 * 24 * 20 }),
      seen: fc.constantFrom(
        { by: 'browser', referrer: 'assistant.example' } as const,
        { by: 'browser', referrer: 'engine.example' } as const,
        { by: 'browser' } as const,
        { by: 'hubspot', hubSpotSource: 'AI_REFERRALS' } as const,
        { by: 'hubspot', hubSpotSource: 'DIRECT_TRAFFIC' } as const,
      ),
    })
    .map(({ thirdsAgo, seen }) =>
      touchFact(`${thirdsAgo} ${JSON.stringify(seen)}`, NOW_MS - (thirdsAgo * HOUR_MS) / 3, seen),
    ),
  { maxLength: 4 },
);

/** All that is known of a random contact. */
export function contacts(records?: readonly string[], maxAgeHours?: number): fc.Arbitrary<Known> {
  return fc.record({
    properties,
    facts: facts(records, maxAgeHours),
    company: propertyValues(['size'], ['', '50', '100', '2000']),
    deals: fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, { arbitrary: deals, weight: 1 }),
    touches,
  });
}

/** Contacts of whom much was heard, some of it in one hour. */
export const busyContacts: fc.Arbitrary<Known> = fc
  .tuple(contacts(['1'], 24 * 20), facts(['1'], 24 * 2), facts(['1'], 24 * 5), facts(['1'], 24 * 20))
  .map(([known, ...more]) => ({ ...known, facts: [known.facts, ...more].flat() }));

/** Counts that rise and fall, of one record. */
export const counts: fc.Arbitrary<Fact[]> = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 24 * 20 })), {
    minLength: 3,
    maxLength: 5,
  })
  .map((list) =>
    list.map(([count, ageHours]) => ({
      key: `count ${count} ${ageHours}`,
      name: 'property:views',
      occurredAtMs: NOW_MS - ageHours * HOUR_MS,
      value: String(count),
      record: '1',
    })),
  );
