import { readSignals } from '../../lambdas/events/signals.ts';
import { hear, RECEIVED_AT_MS, touchModel } from './fixture.ts';

const AT_MS = Date.UTC(2026, 7, 27, 15, 5, 56);
const DAY_MS = 86_400_000;
const signal = (changes: object = {}) => ({
  signal: 'product.login',
  occurredAt: '2026-08-27T15:05:56Z',
  contactId: '541935488729',
  ...changes,
});
const problems = (body: unknown) => {
  const read = readSignals(JSON.parse(JSON.stringify(body)));
  return 'problems' in read ? read.problems : [];
};

const keys = (messageId: string, receivedAtMs?: number) =>
  hear('/signals', [signal(), signal()], {
    messageId,
    ...(receivedAtMs !== undefined && { receivedAtMs }),
  }).heard.map(({ facts }) => facts[0]?.key);

describe('a signal of the company itself', () => {
  test('is a fact of a contact at its time, and sets the properties it carries', () => {
    const body = signal({ properties: { plan: 'pro', seats: 12, trial: false, churned: null } });
    const { heard, rejected, dropped } = hear('/signals', body, { messageId: 'msg_1' });

    expect({ rejected, dropped }).toEqual({ rejected: [], dropped: [] });
    expect(heard).toEqual([
      {
        subject: { type: 'contact', id: '541935488729' },
        facts: [
          { key: expect.stringMatching(/^[\w-]{22}$/), name: 'signal:product.login', occurredAtMs: AT_MS },
        ],
        properties: [
          { name: 'plan', value: 'pro', occurredAtMs: AT_MS },
          { name: 'seats', value: '12', occurredAtMs: AT_MS },
          { name: 'trial', value: 'false', occurredAtMs: AT_MS },
          { name: 'churned', value: '', occurredAtMs: AT_MS },
        ],
      },
    ]);
  });

  test('names a contact by id, with every digit, or by e-mail', () => {
    const ids = `[${JSON.stringify(signal()).replace('"541935488729"', '9007199254740993')},${JSON.stringify(signal({ contactId: undefined, email: ' anna@example.com' }))}]`;

    expect(hear('/signals', ids, { messageId: 'msg_1' }).heard.map(({ subject }) => subject)).toEqual([
      { type: 'contact', id: '9007199254740993' },
      { type: 'email', email: 'anna@example.com' },
    ]);
  });

  test('is known by the id of its message and its place in it, not by when or how often it came', () => {
    const [first, second] = keys('msg_1');

    expect(first).not.toBe(second);
    expect(keys('msg_1', RECEIVED_AT_MS + 1)).toEqual([first, second]);
    expect(keys('msg_2')).not.toContain(first);
  });

  test.each([
    { occurredAt: '1999-12-31T23:59:59Z', reason: '[1].occurredAt: the time lies before the year 2000' },
    {
      occurredAt: RECEIVED_AT_MS + DAY_MS + 1,
      reason: '[1].occurredAt: the time lies more than 24 hours ahead of its receipt',
    },
  ])('with an impossible time goes alone: $reason', ({ occurredAt, reason }) => {
    const { heard, rejected } = hear('/signals', [signal(), signal({ occurredAt }), signal()], {
      messageId: 'msg_1',
    });

    expect(heard).toHaveLength(2);
    expect(rejected).toMatchObject([{ reason }]);
  });

  test('that ingest would refuse is rejected whole, with a reason that holds nothing of it', () => {
    const { heard, rejected } = hear('/signals', [signal(), { anna_schmidt: 'anna@example.com' }], {
      messageId: 'msg_1',
    });

    expect(heard).toEqual([]);
    expect(rejected).toEqual([
      { kind: 'body', reason: 'not signals as they are documented', event: expect.anything() },
    ]);
  });
});

const VISITOR = 'Qx7mB2Zk0aT9wLr4VdYe_g';
const SESSION = 'n3-JcP8uXh5RkFzW1sGt0A';
const visit = (changes: object = {}) => ({
  signal: 'session',
  occurredAt: '2026-08-27T15:05:56Z',
  visitorId: VISITOR,
  url: 'https://www.example.com/pricing?utm_source=chatgpt.com&utm_medium=referral&plan=pro#prices',
  ...changes,
});
const identify = (changes: object = {}) => ({
  signal: 'identify',
  occurredAt: '2026-08-27T15:05:56Z',
  visitorId: VISITOR,
  contactId: '541935488729',
  ...changes,
});
const hearVisits = (body: object, messageId = 'msg_1') =>
  hear('/signals', body, { messageId, model: touchModel() });

const keyOf = ({ heard }: ReturnType<typeof hear>) => heard[0]?.facts[0]?.key;

describe('a visit that a server saw', () => {
  test('is a touch of the browser at its time, cut down to what is kept of it', () => {
    const { heard, rejected, dropped } = hearVisits(
      visit({
        referrer: 'https://chatgpt.com/c/6741-private',
        userAgent: 'Mozilla/5.0 (iPhone) Mobile/15E148 ChatGPT/1.2026.310',
      }),
    );

    expect({ rejected, dropped }).toEqual({ rejected: [], dropped: [] });
    expect(heard).toEqual([
      {
        subject: { type: 'visitor', visitorId: VISITOR },
        facts: [
          {
            key: expect.stringMatching(/^[\w-]{22}$/),
            name: 'touch',
            occurredAtMs: AT_MS,
            value: JSON.stringify({
              by: 'server',
              referrer: 'chatgpt.com',
              landing: 'https://www.example.com/pricing',
              utmSource: 'chatgpt.com',
              utmMedium: 'referral',
              app: 'chatgpt',
            }),
          },
        ],
        properties: [],
      },
    ]);
  });

  test.each([
    {
      names: 'a contact',
      given: { visitorId: undefined, contactId: '7' },
      subject: { type: 'contact', id: '7' },
      turn: undefined,
    },
    {
      names: 'an address',
      given: { visitorId: undefined, email: ' anna@example.com' },
      subject: { type: 'email', email: 'anna@example.com' },
      turn: undefined,
    },
    {
      names: 'a contact and the browser, which so is theirs',
      given: { contactId: '7' },
      subject: { type: 'contact', id: '7' },
      turn: { kind: 'visitor', atMs: AT_MS, visitorId: VISITOR },
    },
    {
      names: 'an address and the browser, which so is theirs',
      given: { email: 'anna@example.com' },
      subject: { type: 'email', email: 'anna@example.com' },
      turn: { kind: 'visitor', atMs: AT_MS, visitorId: VISITOR },
    },
  ])('may name $names', ({ given, subject, turn }) => {
    const { heard } = hearVisits(visit(given));

    expect(heard).toEqual([
      { subject, facts: [expect.objectContaining({ name: 'touch' })], properties: [], ...(turn && { turn }) },
    ]);
  });

  test("is the browser's own fact where it names the same session, else known by its message", () => {
    const seen = { by: 'browser', landing: 'https://www.example.com/' };
    const fromBrowser = hear(
      '/sessions',
      { visitorId: VISITOR, sessionId: SESSION, seen },
      { model: touchModel() },
    );

    expect(keyOf(hearVisits(visit({ sessionId: SESSION }), 'msg_2'))).toBe(keyOf(fromBrowser));
    expect(keyOf(hearVisits(visit({ sessionId: SESSION, contactId: '7' })))).toBe(keyOf(fromBrowser));
    expect(keyOf(hearVisits(visit({ sessionId: VISITOR })))).not.toBe(keyOf(fromBrowser));
    expect(keyOf(hearVisits(visit()))).not.toBe(keyOf(fromBrowser));
    expect(keyOf(hearVisits(visit(), 'msg_2'))).not.toBe(keyOf(hearVisits(visit())));
    expect(keyOf(hearVisits(visit()))).toBe(keyOf(hearVisits(visit())));
  });

  test.each([
    {
      given: { visitorId: undefined },
      problem: '[1]: expected a visitorId, a contactId or an email',
    },
    {
      given: { contactId: '7', email: 'anna@example.com' },
      problem: '[1]: expected either contactId or email',
    },
    {
      given: { visitorId: undefined, contactId: '7', sessionId: SESSION },
      problem: '[1]: expected the visitorId beside its sessionId',
    },
    {
      given: { visitorId: 'anna' },
      problem: '[1].visitorId: expected 22 characters of URL-safe base64: 128 random bits',
    },
    { given: { url: undefined }, problem: '[1].url: is missing' },
    {
      given: { url: 'www.example.com/pricing' },
      problem: '[1].url: expected the whole URL of a page, such as https://example.com/pricing',
    },
    { given: { occurredAt: undefined }, problem: '[1].occurredAt: is missing' },
    { given: { properties: { plan: 'pro' } }, problem: '[1].properties: is not known' },
    { given: { userAgent: 'x'.repeat(1_025) }, problem: '[1].userAgent: expected at most 1024 characters' },
  ])('that is told wrong is refused: $problem', ({ given, problem }) => {
    expect(problems([signal(), visit(given)])).toEqual([problem]);
  });
});

describe('whose a browser is', () => {
  test.each([
    { person: { contactId: '7' }, subject: { type: 'contact', id: '7' } },
    {
      person: { contactId: undefined, email: 'anna@example.com' },
      subject: { type: 'email', email: 'anna@example.com' },
    },
  ])('is told by an identify with $person', ({ person, subject }) => {
    expect(hearVisits(identify(person)).heard).toEqual([
      {
        subject,
        facts: [],
        properties: [],
        turn: { kind: 'visitor', atMs: AT_MS, visitorId: VISITOR },
      },
    ]);
  });

  test.each([
    { given: { visitorId: undefined }, problem: '[1].visitorId: is missing' },
    { given: { contactId: undefined }, problem: '[1]: expected either contactId or email' },
    { given: { email: 'anna@example.com' }, problem: '[1]: expected either contactId or email' },
    { given: { url: 'https://www.example.com' }, problem: '[1].url: is not known' },
  ])('is refused when told wrong: $problem', ({ given, problem }) => {
    expect(problems([signal(), identify(given)])).toEqual([problem]);
  });
});

describe('visits and browsers', () => {
  test('are dropped, and counted so, when the model has no attribution; other signals are heard', () => {
    const { heard, dropped, rejected } = hear('/signals', [visit(), signal(), identify()], {
      messageId: 'msg_1',
    });

    expect(heard.map(({ subject }) => subject)).toEqual([{ type: 'contact', id: '541935488729' }]);
    expect(dropped).toEqual(Array(2).fill('a visit, and the model has no attribution'));
    expect(rejected).toEqual([]);
  });

  test('with an impossible time go alone', () => {
    const { heard, rejected } = hearVisits([visit({ occurredAt: '1999-12-31T23:59:59Z' }), identify()]);

    expect(heard).toHaveLength(1);
    expect(rejected).toMatchObject([
      { kind: 'time', reason: '[0].occurredAt: the time lies before the year 2000' },
    ]);
  });
});

describe('a request of signals', () => {
  test('holds one signal, or up to 100', () => {
    expect(readSignals(signal())).toMatchObject({ signals: [{ occurredAt: AT_MS }] });
    expect(readSignals(Array(100).fill(signal()))).toHaveProperty('signals.length', 100);
    expect(problems(Array(101).fill(signal()))).toEqual([
      'the body: expected at most 100 signals in one request',
    ]);
    expect(problems([])).toEqual(['the body: expected at least one signal']);
  });

  test.each([
    { given: { signal: undefined }, problem: '[1].signal: is missing' },
    { given: { signal: 'Product Login' }, problem: '[1].signal: expected a name such as product.login' },
    { given: { signal: `a${'b'.repeat(80)}` }, problem: '[1].signal: expected a name such as product.login' },
    { given: { occurredAt: undefined }, problem: '[1].occurredAt: is missing' },
    {
      given: { occurredAt: 'yesterday' },
      problem: '[1].occurredAt: expected a time: ISO 8601 with a zone, or epoch milliseconds',
    },
    {
      given: { occurredAt: '2026-08-27T15:05:56' },
      problem: '[1].occurredAt: expected a time: ISO 8601 with a zone, or epoch milliseconds',
    },
    {
      given: { occurredAt: null },
      problem: '[1].occurredAt: expected a time: ISO 8601 with a zone, or epoch milliseconds',
    },
    { given: { contactId: undefined }, problem: '[1]: expected either contactId or email' },
    { given: { email: 'anna@example.com' }, problem: '[1]: expected either contactId or email' },
    { given: { contactId: 'x' }, problem: '[1].contactId: expected a HubSpot record id: digits' },
    { given: { contactId: undefined, email: 'anna' }, problem: '[1].email: expected an e-mail address' },
    { given: { points: 5 }, problem: '[1].points: is not known' },
    {
      given: { properties: { plan: { a: 1 } } },
      problem: '[1].properties.plan: expected text, a number, true, false or null',
    },
    {
      given: { properties: { 'anna@example.com': 1 } },
      problem: '[1].properties.(another key): expected a property name',
    },
    {
      given: { properties: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`p${at}`, at])) },
      problem: '[1].properties: expected at most 100 properties',
    },
  ])('names what is wrong and where, and never what was found there: $problem', ({ given, problem }) => {
    expect(problems([signal(), signal(given), signal()])).toEqual([problem]);
  });

  test('names every problem of every signal', () => {
    expect(problems([{}, signal(), signal({ signal: 7, occurredAt: 7 })])).toEqual([
      '[0].signal: is missing',
      '[0].occurredAt: is missing',
      '[2].signal: expected string',
      '[2].occurredAt: expected a time: ISO 8601 with a zone, or epoch milliseconds',
    ]);
  });

  test.each(['x', null, 7, [[]], [null]])('%j is no signal', (body) => {
    expect(problems(body)).not.toEqual([]);
  });

  test('keys that JavaScript knows are passed over', () => {
    const odd: unknown = JSON.parse(
      `{"signal":"product.login","occurredAt":${AT_MS},"contactId":"7","properties":{"__proto__":{"a":1},"constructor":"x","plan":"pro"}}`,
    );
    const read = readSignals(odd);

    const [first] = 'signals' in read ? read.signals : [];

    expect(first !== undefined && 'properties' in first && Object.entries(first.properties)).toEqual([
      ['plan', 'pro'],
    ]);
    expect({}).not.toHaveProperty('a');
  });
});
