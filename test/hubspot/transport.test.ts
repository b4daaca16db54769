import http from 'node:http';
import { inspect } from 'node:util';
import { HubSpotError, troubleOf } from '../../lambdas/hubspot/answer.ts';
import { BudgetExhaustedError, PortalStoppedError } from '../../lambdas/hubspot/budget.ts';
import { datedPath, type OutgoingRequest, type TransportOptions } from '../../lambdas/hubspot/transport.ts';
import type { Fault } from '../../local/hubspot/faults.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { connect } from './connection.ts';

afterEach(closeAll);

/** Stands in property values and messages, and must never come out again. */
const CANARY = 'canary.jane@example.com';
const CORRELATION = '11111111-2222-3333-4444-555555555555';
const MINUTE_MS = 60_000;

/** What the SDK hands over to have a contact read. */
function request(url: string, body?: string): OutgoingRequest {
  return {
    getUrl: () => `${url}/crm/v3/objects/contacts/batch/read`,
    getHttpMethod: () => 'POST',
    getHeaders: () => ({ 'content-type': 'application/json' }),
    getBody: () => body ?? JSON.stringify({ inputs: [{ id: '1' }] }),
  };
}

/** The error a call ends with under a fault, and all that was said of it. */
async function troubleUnder(fault: Fault, transport: Partial<TransportOptions> = {}) {
  const { portal, send, said, budget } = await connect({ faults: () => fault }, transport);
  const error = await send(request(portal.url)).catch((thrown: unknown) => thrown);
  if (!(error instanceof HubSpotError)) throw new Error('no HubSpotError', { cause: error });
  return { error, said, budget };
}

const body = (parts: object) => ({
  status: 'error',
  message: `about ${CANARY}`,
  correlationId: CORRELATION,
  ...parts,
});
const html = `<html><body>${CANARY}</body></html>`;
const badValue = {
  category: 'VALIDATION_ERROR',
  errors: [
    {
      message: `${CANARY} is no number`,
      code: 'INVALID_INTEGER',
      context: { propertyName: ['afterglow_score'] },
    },
    { message: 'twice', code: 'INVALID_INTEGER', context: { propertyName: ['afterglow_score'] } },
    { message: 'another', code: 'READ_ONLY_VALUE' },
  ],
};

describe('what an answer asks of us', () => {
  test.each<{
    name: string;
    status: number;
    answer?: unknown;
    headers?: Record<string, string>;
    trouble: string;
    reason: string;
    waitMs?: number;
    because: string;
  }>([
    {
      name: '400 for a property',
      status: 400,
      answer: body(badValue),
      trouble: 'invalid',
      reason: 'VALIDATION_ERROR, INVALID_INTEGER afterglow_score, READ_ONLY_VALUE',
      because: 'codes and names say what is wrong, messages quote values',
    },
    {
      name: '401',
      status: 401,
      answer: body({ category: 'EXPIRED_AUTHENTICATION' }),
      trouble: 'unauthorised',
      reason: 'EXPIRED_AUTHENTICATION',
      because: 'an operator must renew the token',
    },
    {
      name: '403',
      status: 403,
      answer: body({
        category: 'MISSING_SCOPES',
        context: { requiredGranularScopes: ['crm.objects.contacts.write'] },
      }),
      trouble: 'unauthorised',
      reason: 'MISSING_SCOPES',
      because: 'an operator must grant the scope',
    },
    {
      name: '404',
      status: 404,
      answer: body({}),
      trouble: 'missing',
      reason: 'no category',
      because: 'a single lookup that finds nothing has no category',
    },
    {
      name: '404 with a category',
      status: 404,
      answer: body({ category: 'OBJECT_NOT_FOUND' }),
      trouble: 'missing',
      reason: 'OBJECT_NOT_FOUND',
      because: 'both are seen',
    },
    {
      name: '409',
      status: 409,
      answer: body({ category: 'CONFLICT' }),
      trouble: 'invalid',
      reason: 'CONFLICT',
      because: 'sending it again changes nothing',
    },
    {
      name: '413',
      status: 413,
      answer: html,
      trouble: 'invalid',
      reason: 'a body that is not an error of HubSpot',
      because: 'what is too large is so again',
    },
    {
      name: '414',
      status: 414,
      answer: html,
      trouble: 'invalid',
      reason: 'a body that is not an error of HubSpot',
      because: 'a gateway answers in HTML',
    },
    {
      name: '423',
      status: 423,
      answer: body({ category: 'LOCKED' }),
      trouble: 'locked',
      reason: 'LOCKED',
      waitMs: 2000,
      because: 'a lock lasts two seconds',
    },
    {
      name: '429 of the window',
      status: 429,
      answer: body({ errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' }),
      trouble: 'rate-limited',
      reason: 'TEN_SECONDLY_ROLLING',
      waitMs: 10_250,
      because: 'the window has then forgotten all calls',
    },
    {
      name: '429 with a wait of its own',
      status: 429,
      answer: body({ policyName: 'TEN_SECONDLY_ROLLING' }),
      headers: { 'retry-after': '30' },
      trouble: 'rate-limited',
      reason: 'TEN_SECONDLY_ROLLING',
      waitMs: 30_000,
      because: 'not documented, but believed',
    },
    {
      name: '429 with no wait at all',
      status: 429,
      answer: body({ policyName: 'TEN_SECONDLY_ROLLING' }),
      headers: { 'retry-after': '0' },
      trouble: 'rate-limited',
      reason: 'TEN_SECONDLY_ROLLING',
      waitMs: 10_250,
      because: 'a window is not over because a header says so',
    },
    {
      name: '429 of the day with a short wait',
      status: 429,
      answer: body({ policyName: 'DAILY' }),
      headers: { 'retry-after': '1' },
      trouble: 'rate-limited',
      reason: 'DAILY',
      waitMs: 12 * 60 * MINUTE_MS,
      because: 'nor is a day',
    },
    {
      name: '429 of the day',
      status: 429,
      answer: body({ policyName: 'DAILY' }),
      trouble: 'rate-limited',
      reason: 'DAILY',
      waitMs: 12 * 60 * MINUTE_MS,
      because: 'it is noon, and the limit starts anew at midnight',
    },
    {
      name: '477',
      status: 477,
      answer: body({ category: 'MIGRATION_IN_PROGRESS' }),
      headers: { 'retry-after': '7200' },
      trouble: 'migrating',
      reason: 'MIGRATION_IN_PROGRESS',
      waitMs: 7_200_000,
      because: 'Retry-After is in seconds',
    },
    {
      name: '477 for ever',
      status: 477,
      headers: { 'retry-after': '99999999' },
      trouble: 'migrating',
      reason: 'MIGRATION_IN_PROGRESS',
      waitMs: 25 * 3_600_000,
      because: 'no answer may stop us for more than a day',
    },
    {
      name: '477 with a date',
      status: 477,
      headers: { 'retry-after': 'Wed, 11 Nov 2026 12:00:00 GMT' },
      trouble: 'migrating',
      reason: 'MIGRATION_IN_PROGRESS',
      because: 'that is no number of seconds',
    },
    ...[408, 500, 502, 503, 504, 521, 523, 524].map((status) => ({
      name: String(status),
      status,
      answer: html,
      trouble: 'unknown',
      reason: 'a body that is not an error of HubSpot',
      because: 'the work may have been done',
    })),
    {
      name: '500 with an error of HubSpot',
      status: 500,
      answer: body({ category: 'INTERNAL_ERROR' }),
      trouble: 'unknown',
      reason: 'INTERNAL_ERROR',
      because: 'the work may have been done',
    },
    {
      name: 'an empty 200',
      status: 200,
      answer: '',
      trouble: 'unknown',
      reason: 'a body that is not JSON',
      because: 'it says nothing of what was done',
    },
    {
      name: 'a 200 in HTML',
      status: 200,
      answer: html,
      trouble: 'unknown',
      reason: 'a body that is not JSON',
      because: 'a gateway answered',
    },
    {
      name: 'a 200 that was cut off',
      status: 207,
      answer: `{"results":[{"id":"1","properties":{"email":"${CANARY}`,
      trouble: 'unknown',
      reason: 'a body that is not JSON',
      because: 'the work may have been done',
    },
    {
      name: 'an error that is no object',
      status: 400,
      answer: '"no"',
      trouble: 'invalid',
      reason: 'a body that is not an error of HubSpot',
      because: 'all fields are optional in practice',
    },
  ])('$name: $trouble, because $because', async ({ status, answer, headers, trouble, reason, waitMs }) => {
    const fault: Fault = {
      kind: 'answer',
      status,
      ...(answer !== undefined && { body: answer }),
      ...(headers && { headers }),
    };
    const { error, said } = await troubleUnder(fault);

    expect({ trouble: error.trouble, status: error.status, reason: error.reason }).toEqual({
      trouble,
      status,
      reason,
    });
    expect(error.retryAtMs).toBe(waitMs === undefined ? undefined : NOON_MS + waitMs);
    expect(said).toEqual([[status, error]]);
    expect(inspect([error, said, error.stack], { depth: Infinity, showHidden: true })).not.toContain(CANARY);
  });

  test("a day ends at the portal's own midnight", async () => {
    const daily: Fault = { kind: 'answer', status: 429, body: body({ policyName: 'DAILY' }) };

    const { error } = await troubleUnder(daily, { timeZone: () => 'Europe/Berlin' });

    expect(error.retryAtMs).toBe(Date.UTC(2026, 10, 10, 23)); // 13:00 to 24:00 in Berlin
  });

  test.each([
    {
      timeZone: 'Europe/Berlin',
      at: '2026-10-24T23:30:00Z',
      until: '2026-10-25T23:00:00Z',
      because: 'the day on which clocks are set back has 25 hours',
    },
    {
      timeZone: 'Europe/Berlin',
      at: '2027-03-28T00:30:00Z',
      until: '2027-03-28T22:00:00Z',
      because: 'the day on which they are set forward has 23',
    },
    {
      timeZone: 'America/Santiago',
      at: '2026-09-05T15:00:00Z',
      until: '2026-09-06T04:00:00Z',
      because: 'where clocks are set forward at midnight the day begins at one o’clock',
    },
    {
      timeZone: 'UTC',
      at: '2026-11-10T00:59:59Z',
      until: '2026-11-10T01:14:59Z',
      because: 'this soon after midnight HubSpot’s day is still the one before, or begins elsewhere',
    },
    {
      timeZone: 'UTC',
      at: '2026-11-10T01:00:00Z',
      until: '2026-11-11T00:00:00Z',
      because: 'an hour after midnight it is used up indeed',
    },
  ])('a day used up at $at in $timeZone ends at $until: $because', ({ timeZone, at, until }) => {
    const text = JSON.stringify(body({ policyName: 'DAILY' }));

    const error = troubleOf({ status: 429, headers: {}, text }, Date.parse(at), timeZone);

    expect(error.retryAtMs).toBe(Date.parse(until));
    expect(error.policyName).toBe('DAILY');
  });

  test('names the properties HubSpot names, each once with each code', async () => {
    const { error } = await troubleUnder({ kind: 'answer', status: 400, body: body(badValue) });

    expect(error.properties).toEqual([{ name: 'afterglow_score', code: 'INVALID_INTEGER' }]);
  });

  test('names fifty properties at most', () => {
    const errors = Array.from({ length: 300 }, (_, at) => ({
      code: 'PROPERTY_DOESNT_EXIST',
      context: { propertyName: [`p${at}`] },
    }));

    const error = troubleOf(
      { status: 400, headers: {}, text: JSON.stringify(body({ errors })) },
      NOON_MS,
      'UTC',
    );

    expect(error.properties).toHaveLength(50);
    expect(error.properties[49]).toEqual({ name: 'p49', code: 'PROPERTY_DOESNT_EXIST' });
  });

  test.each<[name: string, fault: Fault]>([
    ['a connection that is closed', { kind: 'no-answer', lands: 'never' }],
    ['an answer that does not come in time', { kind: 'delay', delayMs: 400 }],
    ['a redirect', { kind: 'answer', status: 307, headers: { location: '/crm/objects/2026-03/contacts/2' } }],
  ])('%s is no answer: the work may have been done', async (_name, fault) => {
    const { error, said } = await troubleUnder(fault, { answerWithinMs: 100 });

    expect({ trouble: error.trouble, status: error.status }).toEqual({ trouble: 'unknown', status: 0 });
    expect(said).toEqual([[0, error]]);
  });

  test('the correlation id comes from the body, else from the header', async () => {
    const withBody = await troubleUnder({ kind: 'answer', status: 500, body: body({}) });
    const headers = { 'x-hubspot-correlation-id': CORRELATION };
    const withHeader = await troubleUnder({ kind: 'answer', status: 502, body: html, headers });
    const unread = await troubleUnder({ kind: 'answer', status: 200, body: html, headers });

    const ids = [withBody, withHeader, unread].map(({ error }) => error.correlationId);
    expect(ids).toEqual([CORRELATION, CORRELATION, CORRELATION]);
  });
});

const dated = (path: string) => datedPath(`https://api.hubapi.com${path}`);

describe('a call', () => {
  test('goes to the dated path, for objects, properties and associations', () => {
    expect([
      dated('/crm/v3/objects/contacts/batch/update'),
      dated('/crm/v3/properties/contacts/groups'),
      dated('/crm/v4/associations/contacts/deals/batch/read'),
      dated('/crm/objects/2026-03/contacts/1'),
    ]).toEqual([
      'https://api.hubapi.com/crm/objects/2026-03/contacts/batch/update',
      'https://api.hubapi.com/crm/properties/2026-03/contacts/groups',
      'https://api.hubapi.com/crm/associations/2026-03/contacts/deals/batch/read',
      'https://api.hubapi.com/crm/objects/2026-03/contacts/1',
    ]);
  });

  test('carries the token as it is at that moment, and never takes it elsewhere', async () => {
    const asked: (string | undefined)[] = [];
    const elsewhere = http.createServer((incoming, response) => {
      asked.push(incoming.headers.authorization);
      response.end('{}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const address = elsewhere.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const tokens = ['local-access-token', 'local-access-token', 'rotated-token'];
    const location = `http://127.0.0.1:${port}/`;
    const { portal, send } = await connect(
      {
        faults: ({ number }) =>
          number === 1 ? undefined : { kind: 'answer', status: 307, headers: { location } },
      },
      { readToken: async () => tokens.shift() ?? 'local-access-token' },
    );

    await send(request(portal.url));
    await expect(send(request(portal.url))).rejects.toMatchObject({ status: 0, trouble: 'unknown' });
    await expect(send(request(portal.url))).rejects.toMatchObject({ status: 401, trouble: 'unauthorised' });

    expect(asked).toEqual([]);
    elsewhere.close();
  });

  test('whose token no header can carry fails without repeating it', async () => {
    const token = 'pat-na1-canary\nsecond line';
    const { portal, send } = await connect({}, { readToken: async () => token });

    const error: unknown = await send(request(portal.url)).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ trouble: 'unknown', status: 0 });
    expect(inspect(error, { depth: 10 })).not.toContain('canary');
  });

  test('is not made while the token cannot be read', async () => {
    const { portal, send, budget } = await connect(
      {},
      { readToken: () => Promise.reject(new Error('not filled in')) },
    );

    await expect(send(request(portal.url))).rejects.toThrow('not filled in');

    expect([portal.calls.length, budget.updates]).toEqual([0, 0]);
  });

  test('teaches the budget its limits, with the next lease', async () => {
    const { portal, send, budget } = await connect({ rateLimitPer10Seconds: 110, dailyLimit: 5000 });

    await send(request(portal.url));
    portal.time.nowMs += 1000;
    await send(request(portal.url));

    expect(budget.state).toMatchObject({ limit: 110, dailyLimit: 5000 });
  });

  test('for associations teaches it nothing: these have limits of their own', async () => {
    const { portal, send, budget } = await connect({ rateLimitPer10Seconds: 110, dailyLimit: 5000 });
    const associations = {
      ...request(portal.url, JSON.stringify({ inputs: [{ id: '1' }] })),
      getUrl: () => `${portal.url}/crm/v4/associations/contacts/deals/batch/read`,
    };

    await send(associations);
    portal.time.nowMs += 1000;
    await send(associations);

    expect(budget.state.limit).toBeUndefined();
    expect(budget.state.dailyLimit).toBeUndefined();
  });

  test.each([
    { name: '401', answer: { status: 401 }, reason: 'unauthorised', waitMs: 5 * MINUTE_MS },
    { name: '403', answer: { status: 403 }, reason: 'unauthorised', waitMs: 5 * MINUTE_MS },
    {
      name: '477',
      answer: { status: 477, headers: { 'retry-after': '7200' } },
      reason: 'migrating',
      waitMs: 7_200_000,
    },
    {
      name: '477 that does not say how long',
      answer: { status: 477, headers: { 'retry-after': 'soon' } },
      reason: 'migrating',
      waitMs: 15 * MINUTE_MS,
    },
    {
      name: '477 that is said to be over at once',
      answer: { status: 477, headers: { 'retry-after': '0' } },
      reason: 'migrating',
      waitMs: MINUTE_MS,
    },
    {
      name: '429 of the day',
      answer: { status: 429, body: body({ policyName: 'DAILY' }) },
      reason: 'daily',
      waitMs: 12 * 60 * MINUTE_MS,
    },
  ])(
    'that ends with $name stops all others, until one of them finds that it is over',
    async ({ answer, reason, waitMs }) => {
      const resumed: unknown[] = [];
      const { portal, send, budget } = await connect(
        { faults: ({ number }) => (number === 1 ? { kind: 'answer', ...answer } : undefined) },
        {},
        { onResumed: async (stop) => void resumed.push(stop) },
      );
      await expect(send(request(portal.url))).rejects.toThrow(HubSpotError);
      const untilMs = NOON_MS + waitMs;

      // Of a missing scope only the same kind of call tells.
      const refusedCall = 'POST /crm/objects/2026-03/contacts/batch/read';
      expect(budget.state.stop).toEqual({
        reason,
        sinceMs: NOON_MS,
        untilMs,
        ...(answer.status === 403 && { refusedCall }),
      });
      await expect(send(request(portal.url))).rejects.toMatchObject({
        name: 'PortalStoppedError',
        reason,
        untilMs,
      });
      portal.time.nowMs = untilMs - 1;
      await expect(send(request(portal.url))).rejects.toThrow(PortalStoppedError);
      expect(portal.calls).toHaveLength(1);
      portal.time.nowMs = untilMs;
      await send(request(portal.url));

      expect(portal.calls).toHaveLength(2);
      expect(resumed).toMatchObject([{ reason, untilMs }]);
      expect(budget.state.stop).toBeUndefined();
    },
  );

  test('that we can do without stops nobody when the token lacks its scope, but does when the token is refused', async () => {
    let status = 403;
    const { portal, send, budget } = await connect(
      { faults: () => ({ kind: 'answer', status }) },
      { isOptional: true },
    );

    await expect(send(request(portal.url))).rejects.toMatchObject({ trouble: 'unauthorised' });
    expect(budget.state.stop).toBeUndefined();
    status = 401;
    await expect(send(request(portal.url))).rejects.toMatchObject({ trouble: 'unauthorised' });
    expect(budget.state.stop).toMatchObject({ reason: 'unauthorised' });
  });

  test('that is one too many stops all others until the window is over, at half the rate from then on', async () => {
    const { portal, send, budget } = await connect({ rateLimitPer10Seconds: 1 });
    await send(request(portal.url));

    await expect(send(request(portal.url))).rejects.toMatchObject({ trouble: 'rate-limited' });

    expect(budget.state).toMatchObject({ blockedUntilMs: NOON_MS + 10_250, share: 0.5 });
  });

  test('is not even sent while the budget is blocked', async () => {
    const { portal, send } = await connect({
      faults: () => ({ kind: 'answer', status: 429, headers: { 'retry-after': '60' } }),
    });
    await expect(send(request(portal.url))).rejects.toThrow(HubSpotError);

    portal.time.nowMs += 45_000;
    await expect(send(request(portal.url))).rejects.toMatchObject({ freeAtMs: NOON_MS + 60_000 });
    await expect(send(request(portal.url))).rejects.toThrow(BudgetExhaustedError);

    expect(portal.calls).toHaveLength(1);
  });

  test('after any other trouble is made as before', async () => {
    const { portal, send } = await connect({
      faults: ({ number }) => (number === 1 ? { kind: 'answer', status: 503 } : undefined),
    });
    await expect(send(request(portal.url))).rejects.toThrow(HubSpotError);

    await expect(send(request(portal.url))).resolves.toMatchObject({ status: 207 }); // Nobody has id 1.
  });
});
