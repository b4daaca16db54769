import type { Heard } from '../../lambdas/events/heard.ts';
import { hear, RECEIVED_AT_MS } from './fixture.ts';

const AT_MS = Date.UTC(2026, 7, 27, 15, 5, 56);
const DAY_MS = 86_400_000;
const EMPTY: Heard = { subject: { type: 'contact', id: 'none' }, facts: [], properties: [] };

/** The one thing a body says. */
function said(body: object | string): Heard {
  const { heard, rejected, dropped } = hear('/webhooks/workflow', body);
  expect({ rejected, dropped }).toEqual({ rejected: [], dropped: [] });
  expect(heard).toHaveLength(1);
  return heard[0] ?? EMPTY;
}

/** A body as the template of the documentation makes it. */
const own = (changes: object = {}) => ({
  workflowId: 1234,
  contactId: 541935488729,
  signal: 'product.login',
  time: AT_MS,
  jobtitle: 'Head of IT',
  ...changes,
});

describe("a customer's own body", () => {
  test('says a signal, whose it is, when it was, and what the contact is at that time', () => {
    expect(said(own())).toEqual({
      subject: { type: 'contact', id: '541935488729' },
      facts: [
        { key: expect.stringMatching(/^[\w-]{22}$/), name: 'signal:product.login', occurredAtMs: AT_MS },
      ],
      properties: [{ name: 'jobtitle', value: 'Head of IT', occurredAtMs: AT_MS }],
    });
  });

  test.each([
    {
      body: { contactId: '9007199254740993', email: 'a@b.example' },
      subject: { type: 'contact', id: '9007199254740993' },
      because: 'an id says more than an address',
    },
    {
      body: { contactId: 7, hs_object_id: 8 },
      subject: { type: 'contact', id: '7' },
      because: 'the name of the template comes first',
    },
    {
      body: { contactId: '', hs_object_id: 7 },
      subject: { type: 'contact', id: '7' },
      because: "hs_object_id is HubSpot's name for it",
    },
    {
      body: { contactId: null, email: ' Anna@Example.com ' },
      subject: { type: 'email', email: 'Anna@Example.com' },
      because: 'an address will do',
    },
  ])('names the contact: $because', ({ body, subject }) => {
    expect(said(own(body)).subject).toEqual(subject);
  });

  test('keeps every digit of an id', () => {
    expect(said('{"contactId":9007199254740993}').subject).toEqual({
      type: 'contact',
      id: '9007199254740993',
    });
  });

  test.each([
    { time: AT_MS, because: 'epoch milliseconds' },
    { time: String(AT_MS), because: 'epoch milliseconds as text' },
    { time: '2026-08-27T15:05:56Z', because: 'ISO 8601' },
    { time: '2026-08-27T15:05:56.000Z', because: 'ISO 8601 with milliseconds' },
  ])('takes $time as the time ($because), and it is the same fact', ({ time }) => {
    expect(said(own({ time })).facts).toEqual(said(own()).facts);
  });

  test('sets its properties, its own and those it lists, as of its time', () => {
    const { properties } = said(
      own({
        time: '2026-08-27',
        numemployees: 250,
        optin: true,
        city: '',
        industry: null,
        properties: { plan: 'pro' },
      }),
    );

    const occurredAtMs = Date.UTC(2026, 7, 27);
    expect(properties).toEqual(
      [
        { name: 'jobtitle', value: 'Head of IT' },
        { name: 'numemployees', value: '250' },
        { name: 'optin', value: 'true' },
        { name: 'city', value: '' },
        { name: 'industry', value: '' },
        { name: 'plan', value: 'pro' },
      ].map((property) => ({ ...property, occurredAtMs })),
    );
  });

  test('sets them as of the receipt when it names no time, and leaves the time of the signal open', () => {
    for (const time of [undefined, null, '']) {
      const { facts, properties } = said(own({ time }));
      expect(facts).toMatchObject([{ occurredAtMs: RECEIVED_AT_MS, isTimeUnknown: true }]);
      expect(properties).toMatchObject([{ occurredAtMs: RECEIVED_AT_MS }]);
    }
  });

  test('passes over what is no property or no plain value', () => {
    const body = `{"contactId":7,"__proto__":{"a":1},"constructor":{"b":2},"Name":"x","list":[1],"properties":{"__proto__":{"c":3},"nested":{"d":4},"huge":1e400,"plan":"pro"}}`;

    expect(said(body).properties).toMatchObject([
      { name: 'huge', value: '' },
      { name: 'plan', value: 'pro' },
    ]);
    expect({}).not.toHaveProperty('a');
    expect({}).not.toHaveProperty('c');
  });

  test('may say no signal, only what the contact is', () => {
    expect(
      said({ contactId: 7, lifecyclestage: 'lead', hs_analytics_last_url: 'https://a.example/pricing' })
        .facts,
    ).toEqual([]);
  });

  test('counts times and counts of HubSpot only where it names the contact by id', () => {
    const seen = { hs_email_last_open_date: AT_MS, hs_analytics_num_page_views: 3 };

    expect(said({ contactId: 7, ...seen }).facts.map(({ name }) => name)).toEqual([
      'property:hs_email_last_open_date',
      'property:hs_analytics_num_page_views',
    ]);
    expect(said({ email: 'a@b.example', ...seen }).facts).toEqual([]);
  });

  test("never hears Afterglow's own properties", () => {
    expect(said({ contactId: 7, afterglow_score: 99 }).properties).toEqual([]);
  });
});

const keyOf = (changes: object) => said(own(changes)).facts[0]?.key;

describe('the identity of what a workflow says', () => {
  const known = keyOf({});

  test.each([
    { changes: { jobtitle: 'CEO' }, because: 'the contact changed, not what happened' },
    { changes: { workflowId: '1234' }, because: 'text or number is the same id' },
    { changes: { contactId: '541935488729' }, because: 'text or number is the same contact' },
  ])('stays the same: $because', ({ changes }) => {
    expect(keyOf(changes)).toBe(known);
  });

  test.each([
    { changes: { workflowId: 1235 }, because: 'another workflow' },
    { changes: { contactId: 8 }, because: 'another contact' },
    { changes: { signal: 'product.upgrade' }, because: 'another signal' },
    { changes: { time: AT_MS + 1 }, because: 'another time' },
    { changes: { id: 'invoice-7' }, because: 'an id of its own' },
  ])('is another one with $because', ({ changes }) => {
    expect(keyOf(changes)).not.toBe(known);
  });

  test('is the id, whatever the time, where there is one', () => {
    expect(keyOf({ id: 7, time: AT_MS + 1 })).toBe(keyOf({ id: '7' }));
    expect(keyOf({ id: 8 })).not.toBe(keyOf({ id: 7 }));
  });

  test('is the body as it came where there is neither id nor time, and never when it came', () => {
    const body = { contactId: 7, signal: 'product.login' };
    const later = hear('/webhooks/workflow', body, { receivedAtMs: RECEIVED_AT_MS + DAY_MS }).heard[0];

    expect(later?.facts[0]?.key).toBe(said(body).facts[0]?.key);
    expect(said({ ...body, plan: 'pro' }).facts[0]?.key).not.toBe(said(body).facts[0]?.key);
  });

  test('is one for an address in any letter case', () => {
    const [given, lower] = ['Anna@Example.com', 'anna@example.com'].map((email) =>
      keyOf({ contactId: undefined, email }),
    );
    expect(given).toBe(lower);
  });
});

const version = (value: unknown, timestamp: number) => ({
  value,
  timestamp,
  'source-type': 'CRM_UI',
  'source-id': 'userId:1',
  selected: false,
});
const legacy = (properties: object, changes: object = {}) => ({
  vid: 541935488729,
  'canonical-vid': 541935488729,
  'merged-vids': [],
  'portal-id': 247187887,
  'is-contact': true,
  properties,
  'form-submissions': [],
  ...changes,
});

describe("HubSpot's default body", () => {
  test('tells the history of a property, each change at its time', () => {
    const body = legacy({
      lifecyclestage: {
        value: 'lead',
        versions: [version('lead', AT_MS), version('subscriber', AT_MS - DAY_MS)],
      },
    });

    const { subject, facts } = said(body);

    expect(subject).toEqual({ type: 'contact', id: '541935488729' });
    expect(facts).toMatchObject([
      { name: 'property:lifecyclestage', value: 'lead', occurredAtMs: AT_MS },
      { name: 'property:lifecyclestage', value: 'subscriber', occurredAtMs: AT_MS - DAY_MS },
    ]);
  });

  test('of a plain property says the newest version, in whatever order they stand', () => {
    const versions = [
      version('Buyer', AT_MS - DAY_MS),
      version('Head of IT', AT_MS),
      version('', AT_MS - 2 * DAY_MS),
    ];

    expect(said(legacy({ jobtitle: { value: 'Head of IT', versions } })).properties).toEqual([
      { name: 'jobtitle', value: 'Head of IT', occurredAtMs: AT_MS },
    ]);
  });

  test.each([
    { given: { value: 'Head of IT', timestamp: AT_MS }, atMs: AT_MS, because: 'it says since when' },
    { given: { value: 'Head of IT' }, atMs: RECEIVED_AT_MS, because: 'it is so when it is received' },
    {
      given: { value: 'Head of IT', versions: [], timestamp: null },
      atMs: RECEIVED_AT_MS,
      because: 'an empty history says nothing',
    },
    {
      given: { value: 'Head of IT', versions: null },
      atMs: RECEIVED_AT_MS,
      because: 'no history says nothing',
    },
  ])('without versions says what stands there: $because', ({ given, atMs }) => {
    expect(said(legacy({ jobtitle: given })).properties).toEqual([
      { name: 'jobtitle', value: 'Head of IT', occurredAtMs: atMs },
    ]);
    expect(said(legacy({ lifecyclestage: { ...given, value: 'lead' } })).facts).toEqual([]);
  });

  test('of another portal is dropped; without a portal it is ours', () => {
    expect(hear('/webhooks/workflow', legacy({}, { 'portal-id': 33 }))).toEqual({
      heard: [],
      rejected: [],
      dropped: ['another portal'],
    });
    said(legacy({}, { 'portal-id': undefined }));
    said(legacy({}, { 'portal-id': '247187887' }));
  });

  test('keeps every digit of the id', () => {
    expect(said('{"vid":9007199254740993,"properties":{}}').subject).toEqual({
      type: 'contact',
      id: '9007199254740993',
    });
  });

  test('keeps what a rule reads or may read one day, and no names or telephone numbers', () => {
    const read = said(
      legacy({ firstname: { value: 'Anna' }, phone: { value: '+49 30' }, jobtitle: { value: 'CEO' } }),
    );
    expect(read.properties).toMatchObject([{ name: 'jobtitle', value: 'CEO' }]);
    expect(JSON.stringify(read)).not.toMatch(/Anna|49/);
  });

  test("passes over keys that are no property, and Afterglow's own", () => {
    const body = `{"vid":7,"properties":{"__proto__":{"value":"x"},"Odd Name":{"value":"x"},"afterglow_score":{"value":"9"},"jobtitle":{"value":"CEO"}}}`;
    expect(said(body).properties).toMatchObject([{ name: 'jobtitle', value: 'CEO' }]);
  });

  test.each([
    { given: null, because: 'it is nothing' },
    { given: 'Anna', because: 'it is no property' },
    { given: { value: { a: 'Anna' } }, because: 'its value is an object' },
    { given: { value: 'Anna', timestamp: 'Anna' }, because: 'its time is no number' },
    { given: { value: 'Anna', timestamp: 1 }, because: 'its time is in 1970' },
    {
      given: { value: 'Anna', versions: [version('Anna', RECEIVED_AT_MS + DAY_MS + 1)] },
      because: 'its version is of the day after tomorrow',
    },
    {
      given: { value: 'Anna', versions: Array.from({ length: 101 }, () => version('Anna', AT_MS)) },
      because: 'it has too many versions',
    },
  ])('lets one bad property go alone, with a reason that holds nothing of it: $because', ({ given }) => {
    const { heard, rejected, dropped } = hear(
      '/webhooks/workflow',
      legacy({ hs_lead_status: given, jobtitle: { value: 'CEO' } }),
    );

    expect(heard).toMatchObject([{ properties: [{ name: 'jobtitle', value: 'CEO' }] }]);
    expect(rejected).toEqual([
      {
        kind: expect.stringMatching(/^(event|time)$/),
        reason: expect.stringMatching(
          /^a property of HubSpot's default workflow body: (?!.*(Anna|hs_lead_status))/,
        ),
        event: { id: '541935488729', property: 'hs_lead_status', given },
      },
    ]);
    expect(dropped).toEqual([]);
  });

  test('does not clear a property whose value it cannot read', () => {
    const { heard } = hear('/webhooks/workflow', legacy({ jobtitle: { value: ['CEO'] } }));
    expect(heard).toMatchObject([{ properties: [] }]);
  });
});

describe('what can never be understood', () => {
  test.each([
    { body: own({ contactId: undefined }), reason: "the workflow's body names neither contactId nor email" },
    { body: {}, reason: "the workflow's body names neither contactId nor email" },
    { body: [own()], reason: "the workflow's body names neither contactId nor email" },
    {
      body: own({ contactId: 'Anna' }),
      reason: "the workflow's body: .contactId: expected a HubSpot record id: digits",
    },
    {
      body: own({ contactId: undefined, email: 'Anna' }),
      reason: "the workflow's body: .email: expected an e-mail address",
    },
    {
      body: own({ signal: 'Anna Schmidt' }),
      reason: "the workflow's body: .signal: expected a name such as product.login",
    },
    {
      body: own({ time: 'next week' }),
      reason: "the workflow's body: .time: expected a time: ISO 8601 with a zone, or epoch milliseconds",
    },
    {
      body: own({ time: '2026-08-27T15:05:56' }),
      reason: "the workflow's body: .time: expected a time: ISO 8601 with a zone, or epoch milliseconds",
    },
    {
      body: own({ time: RECEIVED_AT_MS + DAY_MS + 1 }),
      reason: 'the time lies more than 24 hours ahead of its receipt',
    },
    { body: own({ time: '1999-12-31' }), reason: 'the time lies before the year 2000' },
    {
      body: { vid: 'Anna', properties: {} },
      reason: "HubSpot's default workflow body: .vid: expected a HubSpot record id: digits",
    },
    { body: { vid: 7 }, reason: "HubSpot's default workflow body: .properties: is missing" },
  ])('is rejected: $reason', ({ body, reason }) => {
    expect(hear('/webhooks/workflow', body)).toEqual({
      heard: [],
      rejected: [{ kind: expect.any(String), reason, event: JSON.parse(JSON.stringify(body)) }],
      dropped: [],
    });
  });

  test.each(['"Anna"', 'null', '7', '[]'])('%s is no body of a workflow', (body) => {
    const { heard, rejected } = hear('/webhooks/workflow', body);
    expect(heard).toEqual([]);
    expect(rejected).toHaveLength(1);
  });
});
