import { readSignals } from '../../lambdas/events/signals.ts';
import { hear, RECEIVED_AT_MS } from './fixture.ts';

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

    expect('signals' in read && Object.entries(read.signals[0]?.properties ?? {})).toEqual([['plan', 'pro']]);
    expect({}).not.toHaveProperty('a');
  });
});
