import fc from 'fast-check';
import { kindOf, modelInputs, type Observation, observe } from '../../lambdas/events/property-facts.ts';
import { countingModel } from './fixture.ts';

const MODEL = countingModel();
const AT_MS = Date.UTC(2026, 7, 27, 15, 5, 56);
const DAY_MS = 86_400_000;

const see = (property: string, value: string, changes: Partial<Observation> = {}) =>
  observe(MODEL, {
    portalId: '33',
    objectType: 'contact',
    objectId: '7',
    property,
    value,
    atMs: AT_MS,
    as: 'change',
    ...changes,
  });

test.each([
  { property: 'lifecyclestage', kind: 'transition', because: 'the model says so' },
  {
    property: 'hs_email_last_click_date',
    kind: 'timestamp',
    because: 'HubSpot keeps it so, though no rule uses it yet',
  },
  {
    property: 'num_conversion_events',
    kind: 'counter',
    because: 'HubSpot keeps it so, though no rule uses it yet',
  },
  {
    property: 'recent_conversion_event_name',
    kind: 'text',
    because: 'HubSpot keeps it so, though no rule uses it yet',
  },
  { property: 'jobtitle', kind: 'value', because: 'it says what somebody is' },
  { property: 'constructor', kind: 'value', because: 'it is a name like any other' },
])('$property is read as a $kind: $because', ({ property, kind }) => {
  expect(kindOf(MODEL, property)).toBe(kind);
});

test('what a model reads is what hydration must fetch', () => {
  expect(modelInputs(MODEL)).toEqual([
    'jobtitle',
    'hs_email_last_open_date',
    'hs_analytics_num_page_views',
    'lifecyclestage',
    'hs_analytics_last_url',
  ]);
});

test.each([
  { property: 'hs_email_last_open_date', because: 'a time is a signal, not what somebody is' },
  { property: 'hs_analytics_num_page_views', because: 'a count is a signal, not what somebody is' },
  { property: 'lifecyclestage', because: 'no fit rule reads it' },
])('the value of $property is not kept beside its facts: $because', ({ property }) => {
  expect(see(property, '5').properties).toEqual([]);
});

test('a signal that is also a fit input is kept both as a fact and as a value', () => {
  const rules = [{ id: 'is-lead', title: 'Is a lead', property: 'lifecyclestage', is: ['lead'], points: 1 }];
  const seen = {
    portalId: '33',
    objectType: 'contact',
    objectId: '7',
    property: 'lifecyclestage',
    value: 'lead',
    atMs: AT_MS,
    as: 'change',
  } as const;

  const { facts, properties } = observe({ ...MODEL, fit: { rules } }, seen);

  expect(facts).toHaveLength(1);
  expect(properties).toEqual([{ name: 'lifecyclestage', value: 'lead', occurredAtMs: AT_MS }]);
});

/** The counting model, with a rule that looks at the e-mail address. */
const readingEmail = {
  ...MODEL,
  fit: { rules: [{ id: 'ours', title: 'Ours', property: 'email', domain: ['acme.example'], points: -10 }] },
};

test.each(['change', 'state', 'found'] as const)(
  'of an e-mail address nothing is kept but its domain, and that only where a rule reads it, told as %s',
  (as) => {
    const seen = { portalId: '33', objectType: 'contact', objectId: '7', atMs: AT_MS, as };
    const value = 'Ada.Lovelace@Mail.Acme.Example';

    for (const property of ['email', 'hs_additional_emails'])
      expect(observe(MODEL, { ...seen, property, value })).toEqual({ facts: [], properties: [] });
    expect(observe(readingEmail, { ...seen, property: 'email', value })).toEqual({
      facts: [],
      properties: [{ name: 'email', value: 'mail.acme.example', occurredAtMs: AT_MS }],
    });
    expect(observe(readingEmail, { ...seen, property: 'hs_additional_emails', value })).toEqual({
      facts: [],
      properties: [],
    });
  },
);

test.each([
  { value: '', because: 'the address was cleared' },
  { value: 'Ada Lovelace', because: 'a name is no address' },
  { value: 'lovelace', because: 'one word may be a name too' },
  { value: 'ada@', because: 'there is no domain' },
])('of the address "$value" nothing is kept: $because', ({ value }) => {
  const seen = { portalId: '33', objectType: 'contact', objectId: '7', property: 'email', value } as const;

  expect(observe(readingEmail, { ...seen, atMs: AT_MS, as: 'state' }).properties).toEqual([
    { name: 'email', value: '', occurredAtMs: AT_MS },
  ]);
});

test('changes that only start anew are facts too, and hydration fetches them', () => {
  const resetOn = [{ id: 'recycled', title: 'Recycled', property: 'my_status', to: ['RECYCLED'] }];
  const model = { ...MODEL, resetOn };

  expect(kindOf(model, 'my_status')).toBe('transition');
  expect(modelInputs(model)).toContain('my_status');
});

test('what a rule asks of the company is not fetched of the contact', () => {
  const rules = [
    { id: 'big', title: 'Big', property: 'company.numberofemployees', atLeast: 100, points: 25 },
  ];

  expect(modelInputs({ ...MODEL, fit: { rules } })).not.toContain('company.numberofemployees');
  expect(modelInputs({ ...MODEL, fit: { rules } })).not.toContain('numberofemployees');
});

test.each([
  { objectType: 'company', property: 'numberofemployees', isKept: true, because: 'a rule reads it' },
  {
    objectType: 'company',
    property: 'owner_email',
    isKept: false,
    because: 'no rule reads it, and somebody stands there',
  },
  {
    objectType: 'company',
    property: 'hs_analytics_num_page_views',
    isKept: false,
    because: 'signals are of contacts',
  },
  { objectType: 'deal', property: 'dealstage', isKept: true, because: 'it says how the deal stands' },
  { objectType: 'deal', property: 'dealname', isKept: false, because: 'deals are named after people' },
])('of a $objectType $property is kept: $isKept, since $because', ({ objectType, property, isKept }) => {
  const { facts, properties } = see(property, '7', { objectType });

  expect(facts).toEqual([]);
  expect(properties).toEqual(isKept ? [{ name: property, value: '7', occurredAtMs: AT_MS }] : []);
});

test('a count that was found is a baseline, and another fact than the same count seen to rise', () => {
  const [risen] = see('hs_analytics_num_page_views', '5').facts;
  const [found] = see('hs_analytics_num_page_views', '5', { as: 'found' }).facts;

  expect(risen).toMatchObject({ value: '5', record: '7' });
  expect(risen?.baseline).toBeUndefined();
  expect(found).toMatchObject({ value: '5', record: '7', baseline: true });
  expect(found?.key).not.toBe(risen?.key);
});

test.each([
  { value: String(AT_MS + DAY_MS), facts: 1, because: 'clocks and zones differ by up to a day' },
  { value: String(AT_MS + DAY_MS + 1), facts: 0, because: 'nobody opens an e-mail next week' },
  { value: '946684800000', facts: 1, because: 'it is the first moment of 2000' },
  { value: '946684799999', facts: 0, because: 'it is the last moment of 1999' },
  { value: '0', facts: 0, because: 'it is no time' },
  { value: '', facts: 0, because: 'it was cleared' },
])('the time "$value" gives $facts facts: $because', ({ value, facts }) => {
  expect(see('hs_email_last_open_date', value).facts).toHaveLength(facts);
});

test.each([
  { value: '1000000000', facts: 1, because: 'a thousand million is believed' },
  { value: '1000000001', facts: 0, because: 'more is not' },
  { value: '-1000000001', facts: 0, because: 'nor below zero' },
  { value: '1e400', facts: 0, because: 'it is not finite' },
  { value: '0', facts: 1, because: 'zero is a count' },
])('the count "$value" gives $facts facts: $because', ({ value, facts }) => {
  expect(see('hs_analytics_num_page_views', value).facts).toHaveLength(facts);
});

test('a long text is cut, and it is the same fact however much was cut', () => {
  const url = `https://a.example/pricing?${'x'.repeat(2000)}`;
  const [fact] = see('hs_analytics_last_url', url).facts;

  expect(fact?.value).toHaveLength(1024);
  expect(see('hs_analytics_last_url', `${url}y`).facts[0]?.key).toBe(fact?.key);
});

test('whatever a value is, facts hold a plausible time and finite counts', () => {
  const properties = fc.constantFrom(
    'hs_email_last_open_date',
    'hs_analytics_num_page_views',
    'lifecyclestage',
    'hs_analytics_last_url',
    'jobtitle',
    'plan',
  );
  const values = fc.oneof(
    fc.string(),
    fc.double().map(String),
    fc.bigInt().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  );
  fc.assert(
    fc.property(properties, values, fc.constantFrom('change', 'state', 'found'), (property, value, as) => {
      for (const fact of see(property, value, { as }).facts) {
        expect(Number.isInteger(fact.occurredAtMs)).toBe(true);
        expect(fact.occurredAtMs).toBeGreaterThanOrEqual(Date.UTC(2000, 0, 1));
        expect(fact.occurredAtMs).toBeLessThanOrEqual(AT_MS + DAY_MS);
        expect(fact.record === undefined || Number.isFinite(Number(fact.value))).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
