import { createLimiter } from '../../../local/hubspot/limiter.ts';
import { closeAll, NOON_MS, openPortal } from './portal.ts';

afterEach(closeAll);

const ONE = '/account-info/2026-03/details';

describe('the token', () => {
  test.each([
    ['none', ''],
    ['an unknown one', 'nonsense'],
  ])('%s answers 401', async (_name, token) => {
    const portal = await openPortal();

    const answer = await portal.call('GET', ONE, undefined, token);

    expect(answer).toMatchObject({
      status: 401,
      body: { category: 'INVALID_AUTHENTICATION', correlationId: expect.any(String) },
    });
    expect(answer.headers.has('x-hubspot-ratelimit-max')).toBe(false);
    expect(portal.specProblems).toEqual([]);
  });

  test('without the scope answers 403 and names it', async () => {
    const portal = await openPortal({ scopes: ['crm.objects.contacts.read', 'crm.objects.contacts.write'] });

    expect((await portal.call('GET', '/crm/objects/2026-03/contacts')).status).toBe(200);
    expect(await portal.call('GET', '/crm/objects/2026-03/deals')).toMatchObject({
      status: 403,
      body: { category: 'MISSING_SCOPES', context: { requiredGranularScopes: ['crm.objects.deals.read'] } },
    });
    expect(await portal.call('POST', '/crm/properties/2026-03/contacts', {})).toMatchObject({
      status: 403,
      body: { context: { requiredGranularScopes: ['crm.schemas.contacts.write'] } },
    });
  });

  test('tells its portal, app and scopes', async () => {
    const portal = await openPortal({ portalId: 33, appId: 44 });

    const answer = await portal.call('POST', '/oauth/v2/private-apps/get/access-token-info', {
      tokenKey: 'local-access-token',
    });

    expect(answer.body).toMatchObject({
      hubId: 33,
      appId: 44,
      scopes: expect.arrayContaining(['crm.objects.contacts.write']),
    });
  });
});

test.each([
  ['UTC', '+00:00', 0],
  ['Europe/Berlin', '+01:00', 3_600_000],
  ['America/St_Johns', '-03:30', -12_600_000],
])('account info tells the time zone %s', async (timeZone, utcOffset, utcOffsetMilliseconds) => {
  const portal = await openPortal({ portalId: 33, timeZone });

  expect(await portal.call('GET', ONE)).toMatchObject({
    status: 200,
    body: { portalId: 33, accountType: 'STANDARD', timeZone, utcOffset, utcOffsetMilliseconds },
  });
  expect(portal.specProblems).toEqual([]);
});

describe('ten seconds', () => {
  test('every answer tells limit and rest; the call beyond gets 429 with its policy and no Retry-After', async () => {
    const portal = await openPortal({ rateLimitPer10Seconds: 3 });

    const [first, , third, fourth] = [
      await portal.call('GET', ONE),
      await portal.call('GET', ONE),
      await portal.call('GET', ONE),
      await portal.call('GET', ONE),
    ];

    expect(Object.fromEntries(first?.headers ?? [])).toMatchObject({
      'x-hubspot-ratelimit-daily': '625000',
      'x-hubspot-ratelimit-daily-remaining': '624999',
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-max': '3',
      'x-hubspot-ratelimit-remaining': '2',
    });
    expect(third?.headers.get('x-hubspot-ratelimit-remaining')).toBe('0');
    expect(fourth).toMatchObject({
      status: 429,
      body: {
        status: 'error',
        message: 'You have reached your ten_secondly_rolling limit.',
        errorType: 'RATE_LIMIT',
        policyName: 'TEN_SECONDLY_ROLLING',
        correlationId: expect.any(String),
      },
    });
    expect(fourth?.body).not.toHaveProperty('category');
    expect(fourth?.headers.has('retry-after')).toBe(false);
    expect(fourth?.headers.get('x-hubspot-ratelimit-remaining')).toBe('0');
  });

  test('the window slides: a call is forgotten exactly ten seconds after it was made', async () => {
    const portal = await openPortal({ rateLimitPer10Seconds: 2 });
    const statusAt = async (ms: number) => {
      portal.time.nowMs = NOON_MS + ms;
      return (await portal.call('GET', ONE)).status;
    };

    expect(await statusAt(0)).toBe(200);
    expect(await statusAt(9000)).toBe(200);
    expect(await statusAt(9999)).toBe(429);
    expect(await statusAt(10_000)).toBe(200);
    expect(await statusAt(18_999)).toBe(429);
    expect(await statusAt(19_000)).toBe(200);
  });

  test('each token has a window of its own, the day is shared', async () => {
    const portal = await openPortal({
      rateLimitPer10Seconds: 1,
      dailyLimit: 2,
      otherApps: [{ accessToken: 'second', appId: 7 }],
    });

    expect((await portal.call('GET', ONE)).status).toBe(200);
    expect((await portal.call('GET', ONE)).body.policyName).toBe('TEN_SECONDLY_ROLLING');
    expect((await portal.call('GET', ONE, undefined, 'second')).status).toBe(200);
    portal.time.nowMs += 10_000;
    expect((await portal.call('GET', ONE, undefined, 'second')).body.policyName).toBe('DAILY');
  });

  test('a batch counts once, a refused or an unauthenticated call not at all', async () => {
    const portal = await openPortal({ rateLimitPer10Seconds: 2 });
    await portal.call('GET', ONE, undefined, 'nonsense');
    const inputs = Array.from({ length: 100 }, () => ({ id: portal.crm.create('contacts', {}) }));

    expect(
      (await portal.call('POST', '/crm/objects/2026-03/contacts/batch/read', { inputs })).headers.get(
        'x-hubspot-ratelimit-remaining',
      ),
    ).toBe('1');
    await portal.call('GET', '/nonsense');
    for (let count = 0; count < 5; count++) expect((await portal.call('GET', ONE)).status).toBe(429);
    portal.time.nowMs += 10_000;
    expect((await portal.call('GET', ONE)).headers.get('x-hubspot-ratelimit-remaining')).toBe('1');
  });

  test('no window of any start holds more than the limit, at random times', () => {
    let nowMs = NOON_MS;
    const limiter = createLimiter({ clock: () => nowMs, timeZone: 'UTC', perTenSeconds: 19, daily: 1e6 });
    const admitted: number[] = [];
    for (let count = 0; count < 2000; count++) {
      nowMs += (count * 7919) % 1103;
      if (limiter.admit('t').refusal === undefined) admitted.push(nowMs);
    }

    for (const start of admitted)
      expect(admitted.filter((at) => at >= start && at < start + 10_000).length).toBeLessThanOrEqual(19);
    expect(limiter.refused()).toBe(2000 - admitted.length);
  });
});

test.each([
  ['Europe/Berlin', '2026-11-10T23:00:00Z'],
  ['Asia/Kathmandu', '2026-11-10T18:15:00Z'],
])("the day ends at midnight of the portal's time zone, %s", async (timeZone, midnight) => {
  const portal = await openPortal({ dailyLimit: 2, timeZone });
  const at = async (beforeMidnightMs: number) => {
    portal.time.nowMs = Date.parse(midnight) - beforeMidnightMs;
    const { status, body } = await portal.call('GET', ONE);
    return status === 429 ? body.policyName : status;
  };

  expect(await at(6 * 3_600_000)).toBe(200);
  expect(await at(5 * 3_600_000)).toBe(200);
  expect(await at(4 * 3_600_000)).toBe('DAILY');
  expect(await at(1000)).toBe('DAILY');
  expect(await at(0)).toBe(200);
});

describe('faults on purpose', () => {
  test.each([
    [423, { category: 'LOCKED' }],
    [429, { policyName: 'TEN_SECONDLY_ROLLING' }],
    [401, { category: 'EXPIRED_AUTHENTICATION' }],
  ])('%d is worded as by HubSpot, and nothing is done', async (status, body) => {
    const portal = await openPortal({ faults: () => ({ kind: 'answer', status }) });

    expect(await portal.call('POST', '/crm/objects/2026-03/contacts', { properties: {} })).toMatchObject({
      status,
      body,
    });
    expect(portal.crm.all('contacts')).toEqual([]);
  });

  test('477 tells when to come again, in seconds', async () => {
    const portal = await openPortal({
      faults: ({ number }) => (number === 1 ? { kind: 'answer', status: 477 } : undefined),
    });

    const answer = await portal.call('GET', ONE);

    expect(answer.status).toBe(477);
    expect(answer.headers.get('retry-after')).toBe('60');
    expect((await portal.call('GET', ONE)).status).toBe(200);
  });

  test.each([[500], [502], [503], [504], [521], [523], [524]])(
    '%d comes from a gateway, in HTML',
    async (status) => {
      const portal = await openPortal({ faults: () => ({ kind: 'answer', status, executes: true }) });

      const answer = await portal.call('POST', '/crm/objects/2026-03/contacts', { properties: {} });

      expect(answer.status).toBe(status);
      expect(answer.body).toContain('<html>');
      expect(portal.crm.all('contacts')).toHaveLength(1);
    },
  );

  test('an answer that never comes: the work was done, is done later, or never', async () => {
    const lands = ['before', 60, 'never'] as const;
    const portal = await openPortal({
      faults: ({ number }) => ({ kind: 'no-answer', lands: lands[number - 1] ?? 'never' }),
    });
    const contacts = () => portal.crm.all('contacts').length;
    const create = () =>
      expect(portal.call('POST', '/crm/objects/2026-03/contacts', { properties: {} })).rejects.toThrow(
        'fetch failed',
      );

    await create();
    expect(contacts()).toBe(1);
    await create();
    expect(contacts()).toBe(1);
    await create();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(contacts()).toBe(2);
    expect(portal.calls.map(({ status }) => status)).toEqual([0, 0, 0]);
  });

  test('an answer can be late, and every call can take its time', async () => {
    const portal = await openPortal({
      latencyMs: [40, 60],
      faults: ({ number }) => (number === 2 ? { kind: 'delay', delayMs: 150 } : undefined),
    });
    const took = async () => {
      const start = performance.now();
      await portal.call('GET', ONE);
      return performance.now() - start;
    };

    expect(await took()).toBeGreaterThan(35);
    expect(await took()).toBeGreaterThan(180);
  });
});

test('a path of endless length is refused', async () => {
  const portal = await openPortal();

  expect(
    (await portal.call('GET', `/crm/objects/2026-03/contacts?properties=${'a'.repeat(9000)}`)).status,
  ).toBe(414);
});

test('calls are remembered with their time', async () => {
  const portal = await openPortal();
  await portal.call('GET', `${ONE}?x=1`);

  expect(portal.calls).toEqual([{ method: 'GET', path: ONE, status: 200, atMs: NOON_MS }]);
});
