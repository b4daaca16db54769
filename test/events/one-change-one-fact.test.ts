import fc from 'fast-check';
import { factKey, type Heard } from '../../lambdas/events/heard.ts';
import { observe } from '../../lambdas/events/property-facts.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import { countingModel, hear, PORTAL, propertyChange, RECEIVED_AT_MS } from './fixture.ts';

const AT_MS = Date.UTC(2026, 7, 27, 15, 5, 56);
const DAY_MS = 86_400_000;
const CONTACT = '541935488729';
const MODEL = countingModel();

type Told = Pick<Heard, 'facts' | 'properties'>;
type Route = (change: Change) => Told;

/** Something that changed on a contact at AT_MS. */
interface Change {
  readonly kind: 'timestamp' | 'counter' | 'transition' | 'text' | 'plain';
  readonly property: string;
  /** As classic events and workflows write it. */
  readonly value: string;
  /** As generic events and reads write it. */
  readonly read: string;
}

const CHANGES: readonly Change[] = [
  {
    kind: 'timestamp',
    property: 'hs_email_last_open_date',
    value: String(AT_MS),
    read: '2026-08-27T15:05:56Z',
  },
  { kind: 'counter', property: 'hs_analytics_num_page_views', value: '5', read: '5' },
  { kind: 'transition', property: 'lifecyclestage', value: 'lead', read: 'lead' },
  {
    kind: 'text',
    property: 'hs_analytics_last_url',
    value: 'https://a.example/pricing',
    read: 'https://a.example/pricing',
  },
  { kind: 'plain', property: 'jobtitle', value: 'Head of IT', read: 'Head of IT' },
];

/** Every way one change is heard of. The workflow runs on the change; hydration comes a minute after it. */
const ROUTES: Readonly<Record<string, Route>> = {
  'contact.* webhook': ({ property, value }) =>
    one(
      hear('/webhooks/hubspot', [
        propertyChange({ propertyName: property, propertyValue: value, occurredAt: AT_MS }),
      ]).heard,
    ),
  'object.* webhook': ({ property, read }) =>
    one(
      hear('/webhooks/hubspot', [
        propertyChange({
          subscriptionType: 'object.propertyChange',
          objectTypeId: '0-1',
          propertyName: property,
          propertyValue: read,
          occurredAt: AT_MS,
          eventId: 9,
        }),
      ]).heard,
    ),
  "workflow, HubSpot's body": ({ property, value }) =>
    one(
      hear('/webhooks/workflow', {
        vid: Number(CONTACT),
        'portal-id': Number(PORTAL),
        properties: {
          [property]: { value, versions: [{ value, timestamp: AT_MS, 'source-type': 'CRM_UI' }] },
        },
      }).heard,
    ),
  'workflow, own body': ({ property, value }) =>
    one(
      hear('/webhooks/workflow', {
        contactId: CONTACT,
        time: AT_MS,
        [property]: /^\d+$/.test(value) ? Number(value) : value,
      }).heard,
    ),
  hydration: ({ property, read }) =>
    observe(MODEL, {
      portalId: PORTAL,
      objectType: 'contact',
      objectId: CONTACT,
      property,
      value: read,
      atMs: AT_MS + 60_000,
      as: 'found',
    }),
};

function one(heard: readonly Heard[]): Told {
  expect(heard).toHaveLength(1);
  return heard[0] ?? { facts: [], properties: [] };
}

/** How many things count of all that was told; the contact had four page views the day before. */
function counted(...told: readonly Told[]): number {
  const before = observe(MODEL, {
    portalId: PORTAL,
    objectType: 'contact',
    objectId: CONTACT,
    property: 'hs_analytics_num_page_views',
    value: '4',
    atMs: AT_MS - DAY_MS,
    as: 'found',
  });
  const all = [before, ...told];
  const known = {
    facts: all.flatMap(({ facts }) => facts),
    properties: all.flatMap(({ properties }) => properties),
  };
  return fold(MODEL, known, RECEIVED_AT_MS + DAY_MS).score / 1000;
}

/** Routes that tell of a change as such; the others only tell what is. */
const CHANGE_TOLD = ['contact.* webhook', 'object.* webhook', "workflow, HubSpot's body"];

/** Whether a change counts when only these routes tell of it: what nobody saw happen counts nothing. */
function expected({ kind }: Change, routes: readonly string[]): number {
  if (kind === 'counter') return routes.every((route) => route === 'hydration') ? 0 : 1; // A count found is a baseline.
  if (kind === 'transition' || kind === 'text')
    return routes.some((route) => CHANGE_TOLD.includes(route)) ? 1 : 0;
  return 1;
}

const names = Object.keys(ROUTES);
const PAIRS = CHANGES.flatMap((change) =>
  names.flatMap((first) =>
    names.map((second) => ({ ...change, first, second, times: expected(change, [first, second]) })),
  ),
);

const told = (name: string, change: Change): Told => ROUTES[name]?.(change) ?? { facts: [], properties: [] };

test.each(PAIRS)(
  'a $kind change heard by $first, then by $second, counts $times×',
  ({ first, second, times, ...change }) => {
    expect(counted(told(first, change), told(second, change))).toBe(times);
  },
);

test.each(CHANGES)('a $kind change heard by all routes 50 times over counts once', (change) => {
  const everything = Array.from({ length: 50 }, () => names.map((name) => told(name, change))).flat();

  expect(counted(...everything)).toBe(1);
  expect(counted(...everything.toReversed())).toBe(1);
});

test.each(CHANGES)('two $kind changes count twice where they are signals', (change) => {
  const later: Partial<Record<Change['kind'], string>> = { timestamp: String(AT_MS + 1000), counter: '6' };
  const second = hear('/webhooks/hubspot', [
    propertyChange({
      propertyName: change.property,
      propertyValue: later[change.kind] ?? change.value,
      occurredAt: AT_MS + 1000,
    }),
  ]).heard;

  expect(counted(told('contact.* webhook', change), one(second))).toBe(change.kind === 'plain' ? 1 : 2);
});

const keyOf = (changes: Readonly<Record<string, unknown>>, receivedAtMs?: number) =>
  hear('/webhooks/hubspot', [propertyChange(changes)], receivedAtMs === undefined ? {} : { receivedAtMs })
    .heard[0]?.facts[0]?.key;

describe('the identity of a fact', () => {
  test('never depends on attempt, subscription, event id, source or time of receipt', () => {
    fc.assert(
      fc.property(
        fc.record({
          attemptNumber: fc.nat(10),
          subscriptionId: fc.nat(),
          eventId: fc.oneof(fc.nat(), fc.string()),
          appId: fc.nat(),
          changeSource: fc.string(),
          sourceId: fc.string(),
          changeFlag: fc.string(),
          somethingNew: fc.jsonValue(),
        }),
        fc.constantFrom(...CHANGES),
        fc.integer({ min: AT_MS, max: AT_MS + 3 * DAY_MS }),
        (noise, { property, value }, receivedAtMs) => {
          const what = { propertyName: property, propertyValue: value, occurredAt: AT_MS };
          expect(keyOf({ ...what, ...noise }, receivedAtMs)).toBe(keyOf(what));
        },
      ),
    );
  });

  test.each([
    { changes: { objectId: 8 }, because: 'another contact' },
    { changes: { subscriptionType: 'company.propertyChange' }, because: 'another type of object' },
    { changes: { propertyName: 'hs_lead_status' }, because: 'another property' },
    { changes: { propertyValue: 'customer' }, because: 'another value' },
    { changes: { occurredAt: AT_MS + 1 }, because: 'another time' },
  ])('differs for $because', ({ changes }) => {
    expect(keyOf({ occurredAt: AT_MS, ...changes })).not.toBe(keyOf({ occurredAt: AT_MS }));
  });

  test('of a timestamp is its value, not when it was told; of a counter the count', () => {
    const open = { propertyName: 'hs_email_last_open_date', propertyValue: String(AT_MS) };
    const views = { propertyName: 'hs_analytics_num_page_views', propertyValue: '5' };

    expect(keyOf({ ...open, occurredAt: AT_MS + 5 })).toBe(keyOf({ ...open, occurredAt: AT_MS }));
    expect(keyOf({ ...views, occurredAt: AT_MS + 5 })).toBe(keyOf({ ...views, occurredAt: AT_MS }));
    expect(keyOf({ ...views, propertyValue: '5.0' })).toBe(keyOf(views));
    expect(keyOf({ ...views, propertyValue: '6' })).not.toBe(keyOf(views));
  });

  test('of a creation is the record alone', () => {
    const created = { subscriptionType: 'contact.creation', propertyName: undefined };
    const generic = {
      subscriptionType: 'object.creation',
      objectTypeId: '0-1',
      eventId: 7,
      occurredAt: AT_MS + 1,
    };

    expect(keyOf({ ...created, ...generic })).toBe(keyOf(created));
    expect(keyOf({ ...created, objectId: 8 })).not.toBe(keyOf(created));
  });

  test('tells its parts from each other, and numbers from nothing', () => {
    expect(factKey('33', 'ab', 'c')).not.toBe(factKey('33', 'a', 'bc'));
    expect(factKey('33', '')).not.toBe(factKey('33'));
    expect(factKey('33', 7)).toBe(factKey('33', '7'));
    expect(factKey('33', 'x')).toMatch(/^[\w-]{22}$/);
  });

  test('begins with the portal: the same happening elsewhere is another fact', () => {
    const seen = {
      objectType: 'contact',
      objectId: '7',
      property: 'lifecyclestage',
      value: 'lead',
      atMs: AT_MS,
      as: 'change',
    } as const;
    const keys = ['33', '34'].map((portalId) => observe(MODEL, { ...seen, portalId }).facts[0]?.key);

    expect(keys[0]).not.toBe(keys[1]);
  });
});
