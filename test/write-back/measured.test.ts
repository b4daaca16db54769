// What write-back counts of its work, its calls and its limits.
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { HubSpotObjects } from '../../lambdas/hubspot/objects.ts';
import { connectHubSpot } from '../../lambdas/portal/connect.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import { connectProvisioned, loginModel } from '../hubspot/connection.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { recorded } from '../recorded.ts';
import { createTable, type Engine, startDynalite } from '../store/table.ts';
import { companyModel, dealModel } from './models.ts';
import { openSystem, PORTAL, type System, type SystemParts } from './system.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

async function createKnown(system: System): Promise<string> {
  const id = system.portal.crm.create('contacts', {});
  await system.loginKnown(id);
  return id;
}

const ago = (ms: number) => NOON_MS - ms;
const ages = (system: System) => system.observed('AgeAtConfirmation');
const counts = ({ counted }: System) => ({
  written: counted.get('ContactsWritten') ?? 0,
  suppressed: counted.get('WritesSuppressed') ?? 0,
  drift: counted.get('Drift') ?? 0,
});
const nothing = async (): Promise<unknown> => undefined;
const filledIn = async () => ({ SecretString: JSON.stringify({ accessToken: 'local-access-token' }) });
const limited = (policyName: string) => ({ kind: 'answer', status: 429, body: { policyName } }) as const;
const isUpdate = ({ path }: FaultableCall) => path.endsWith('batch/update');

describe('how long a user waited for a score that HubSpot shows', () => {
  test('from what caused the write to its confirmation', async () => {
    const system = await openSystem(engine);
    const [one, other] = [await createKnown(system), await createKnown(system)];

    await system.receive([
      { contactId: one, occurredAtMs: ago(42 * SECOND) },
      { contactId: other, occurredAtMs: ago(-SECOND) }, // By a clock that is ahead of ours.
    ]);

    expect([...ages(system)].toSorted((a, b) => a - b)).toEqual([0, 42 * SECOND]);
  });

  test.each([
    { byId: [10, 50, undefined, 20], byAddress: 30, oldest: 50 },
    { byId: [undefined, 20], byAddress: 70, oldest: 70 },
    { byId: [undefined], byAddress: undefined, oldest: undefined },
  ])(
    'of several requests about one contact since the first of them, whichever way they name it',
    async (row) => {
      const system = await openSystem(engine);
      const id = system.portal.crm.create('contacts', { email: 'jane@example.com' });
      await system.loginKnown(id);
      const at = (seconds: number | undefined) =>
        seconds !== undefined && { occurredAtMs: ago(seconds * SECOND) };

      await system.receive([
        ...row.byId.map((seconds) => ({ contactId: id, ...at(seconds) })),
        { email: 'jane@example.com', ...at(row.byAddress) },
      ]);

      expect(ages(system)).toEqual(row.oldest === undefined ? [] : [row.oldest * SECOND]);
    },
  );

  test('of a deal since it changed', async () => {
    const system = await openSystem(engine, {}, {}, () => ({}), dealModel());
    const { crm } = system.portal;
    const contactId = crm.create('contacts', {});
    await system.login(contactId);
    const dealId = crm.create('deals', { dealstage: 'closedlost' });
    crm.associate('contacts', contactId, 'deals', dealId);

    await system.receive([{ dealId, atMs: ago(0), occurredAtMs: ago(30 * SECOND) }]);

    expect(ages(system)).toEqual([30 * SECOND]);
  });

  test('nobody waited for what only faded, nor for a contact that HubSpot showed already', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);

    await system.receive([{ contactId: id }]);
    await system.receive([{ contactId: id, occurredAtMs: ago(SECOND) }]);

    expect(ages(system)).toEqual([]);
  });

  test('a wait goes on while a request is put off, and while HubSpot declines it', async () => {
    const faults: (Fault | undefined)[] = [
      { kind: 'answer', status: 429 },
      { kind: 'answer', status: 409, body: { category: 'CONFLICT' } },
    ];
    const system = await openSystem(engine, {
      faults: (call) => (isUpdate(call) ? faults.shift() : undefined),
    });
    const id = await createKnown(system);
    let requests: object[] = [{ contactId: id, occurredAtMs: ago(5 * SECOND) }];

    for (let round = 0; requests.length > 0 && round < 5; round++) {
      await system.receive(requests);
      system.portal.time.nowMs += MINUTE;
      requests = system.takeSent().map(({ request }) => request);
    }

    expect(ages(system)).toEqual([2 * MINUTE + 5 * SECOND]);
  });

  test('a write without an answer is confirmed when it is found: until then the user may have waited', async () => {
    const system = await openSystem(engine, {
      faults: (call) => (isUpdate(call) ? { kind: 'no-answer', lands: 'before' } : undefined),
    });
    const id = await createKnown(system);

    await system.receive([{ contactId: id, occurredAtMs: ago(SECOND) }]);
    const doubts = system.takeSent();
    system.portal.time.nowMs += 15 * MINUTE;
    await system.receive(doubts.map(({ request }) => request));

    expect(doubts.map(({ request }) => request)).toEqual([
      { portalId: PORTAL, contactId: id, force: true, occurredAtMs: ago(SECOND) },
    ]);
    expect(ages(system)).toEqual([15 * MINUTE + SECOND]);
  });

  test('a write that was overtaken confirms nothing: it is waited for until something newer stands there', async () => {
    let overtake = nothing;
    const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
      hubSpot: {
        ...hubSpot,
        contacts: {
          ...hubSpot.contacts,
          async update(inputs: Parameters<HubSpotObjects['update']>[0]) {
            const answer = await hubSpot.contacts.update(inputs);
            await overtake();
            return answer;
          },
        },
      },
    }));
    const id = await createKnown(system);
    overtake = async () => {
      overtake = nothing;
      await system.login(id);
    };

    await system.receive([{ contactId: id, occurredAtMs: ago(SECOND) }]);
    expect(ages(system)).toEqual([]);
    system.portal.time.nowMs += 5 * SECOND;
    await system.receive(system.takeSent().map(({ request }) => request));

    expect(ages(system)).toEqual([6 * SECOND]);
  });

  test('what comes a second time is waited for once: only an earlier try is in doubt', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);

    await system.receive([{ contactId: id, occurredAtMs: ago(SECOND) }], 2);
    const doubts = system.takeSent();
    system.portal.time.nowMs += 15 * MINUTE;
    await system.receive(doubts.map(({ request }) => request));

    expect(doubts.map(({ request }) => request)).toStrictEqual([
      { portalId: PORTAL, contactId: id, force: true },
    ]);
    expect(ages(system)).toEqual([SECOND]);
  });

  test('a dead letter holds no time: how long an operator takes says nothing of us', async () => {
    const refused = { kind: 'answer', status: 400, body: { category: 'VALIDATION_ERROR' } } as const;
    const system = await openSystem(engine, { faults: (call) => (isUpdate(call) ? refused : undefined) });
    const id = await createKnown(system);

    await system.receive([{ contactId: id, occurredAtMs: ago(SECOND) }]);

    expect(system.deadLetters).toMatchObject([{ contactId: id }]);
    expect(JSON.stringify(system.deadLetters)).not.toContain('occurredAtMs');
  });
});

const lagOf = (system: System) => [system.observed('WriteBackLag'), system.observed('BackgroundLag')];
/** Write-back whose copies come back as they were sent, in a queue that forgets when the first was. */
async function openPutOff(parts: Partial<SystemParts>, options = {}) {
  const copies: object[] = [];
  const again = async (_lane: string, requests: readonly object[]) => void copies.push(...requests);
  const system = await openSystem(engine, options, {}, () => ({ again, ...parts }));
  return { system, takeCopies: () => copies.splice(0) };
}

describe('how long HubSpot has been behind with what is not done yet', () => {
  test('a request that is put back again and again has been waiting since it was first sent', async () => {
    const until = NOON_MS + 86_400_000;
    const { system, takeCopies } = await openPutOff({
      stopped: async () => ({ reason: 'unauthorised', untilMs: until }),
    });
    const contactId = await createKnown(system);

    await system.receive([{ contactId }]); // Sent at noon.
    for (const minutes of [10, 25, 55]) {
      system.portal.time.nowMs = NOON_MS + minutes * MINUTE;
      await system.receive(takeCopies());
    }

    expect(lagOf(system)).toEqual([[0, 600, 1500, 3300], []]);
  });

  test('nor does a write without an answer begin anew, however often HubSpot gives none', async () => {
    const { system, takeCopies } = await openPutOff(
      {},
      { faults: () => ({ kind: 'no-answer', lands: 'never' }) },
    );
    const contactId = await createKnown(system);

    await system.receive([{ contactId }]);
    system.portal.time.nowMs = NOON_MS + 20 * MINUTE;
    await system.receive(takeCopies());

    expect(lagOf(system)).toEqual([[0, 1200], []]);
  });

  test('of several the one that has waited longest, by lane; who is done does not wait', async () => {
    const { system } = await openPutOff({
      stopped: async () => ({ reason: 'daily', untilMs: NOON_MS + MINUTE }),
    });

    await system.receive(
      [
        { contactId: '1', sinceMs: ago(5 * SECOND) },
        { contactId: '2', sinceMs: ago(70 * SECOND) },
        { contactId: '1', sinceMs: ago(9 * SECOND) },
      ],
      1,
      'background',
    );
    const calm = await openSystem(engine);
    await calm.receive([{ contactId: await createKnown(calm), sinceMs: ago(MINUTE) }]);

    expect(lagOf(system)).toEqual([[], [70]]);
    expect(lagOf(calm)).toEqual([[], []]);
  });
});

describe('what needs no write, and what HubSpot shows otherwise', () => {
  test('a contact that HubSpot confirmed already', async () => {
    const system = await openSystem(engine);
    const [id, other] = [await createKnown(system), await createKnown(system)];
    await system.receive([{ contactId: id }]);
    expect(counts(system)).toEqual({ written: 1, suppressed: 0, drift: 0 });

    await system.receive([{ contactId: id }, { contactId: other }]);

    expect(counts(system)).toEqual({ written: 2, suppressed: 1, drift: 0 });
  });

  test('one that was confirmed by somebody else right before its batch was sent', async () => {
    let meanwhile = nothing;
    const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
      hubSpot: {
        ...hubSpot,
        contacts: {
          ...hubSpot.contacts,
          async read(...asked: Parameters<HubSpotObjects['read']>) {
            await meanwhile();
            return hubSpot.contacts.read(...asked);
          },
        },
      },
    }));
    const id = await createKnown(system);
    const unread = system.portal.crm.create('contacts', {});
    meanwhile = async () => {
      const { writeId, shownAtMs } = await system.head(id);
      await system.store.confirm(contactKey(PORTAL, id), { writeId, shownAtMs });
    };

    await system.receive([{ contactId: id }, { contactId: unread }]);

    expect(counts(system)).toEqual({ written: 1, suppressed: 1, drift: 0 });
  });

  test('one that is looked at is no write where HubSpot shows it, and drift where it shows something else', async () => {
    const system = await openSystem(engine);
    const ids = [await createKnown(system), await createKnown(system), await createKnown(system)];
    await system.receive(ids.map((contactId) => ({ contactId })));
    const [, changed = '', gone = ''] = ids;
    system.portal.crm.set('contacts', changed, { afterglow_write_id: 'of another' });
    system.portal.crm.delete('contacts', gone);
    system.counted.clear();

    await system.receive(ids.map((contactId) => ({ contactId, force: true })));

    expect(counts(system)).toEqual({ written: 1, suppressed: 1, drift: 1 });
  });
});

test('while HubSpot does not let the write id be written, what stands there says nothing: it is written, and is no drift', async () => {
  let outputs: SystemParts['outputs'] | undefined;
  const system = await openSystem(engine, {}, {}, (own) => {
    ({ outputs } = own);
    return {};
  });
  const contactId = await createKnown(system);
  await system.receive([{ contactId }]);
  system.portal.crm.set('contacts', contactId, { afterglow_score: 99 });
  await outputs?.contradicted('contacts', [{ properties: ['afterglow_write_id'], isWhateverTheValue: true }]);
  system.counted.clear();

  await system.receive([{ contactId, force: true }]);

  expect(system.shown(contactId)['score']).toBe('7');
  expect(counts(system)).toEqual({ written: 1, suppressed: 0, drift: 0 });
});

test('of companies no write is counted, and so none that was saved', async () => {
  const system = await openSystem(engine, {}, {}, () => ({}), companyModel());
  const companyId = system.portal.crm.create('companies', { numberofemployees: 5 });

  const response = await system.receive([{ companyId }]);

  expect(response).toEqual({ batchItemFailures: [] });
  expect(counts(system)).toEqual({ written: 0, suppressed: 0, drift: 0 });
});

describe('dead letters', () => {
  test.each([
    { category: 'VALIDATION_ERROR', word: 'VALIDATION_ERROR' },
    { category: 'Ann is not valid', word: 'other' },
    { category: undefined, word: 'other' },
  ])('are counted by a word of HubSpot that we know: $category', async ({ category, word }) => {
    const errors = [{ message: 'm', code: 'INVALID_SOMETHING' }];
    const system = await openSystem(engine, {
      faults: (call) =>
        isUpdate(call) ? { kind: 'answer', status: 400, body: { category, errors } } : undefined,
    });
    const id = await createKnown(system);

    await system.receive([{ contactId: id }, 'nonsense', '{}']);

    expect([...system.counted].filter(([name]) => name.startsWith('DeadLettered'))).toEqual([
      ['DeadLettered', 3],
      ['DeadLettered message', 2],
      [`DeadLettered ${word}`, 1],
    ]);
  });
});

/** The connection of the deployed door, to a portal that answers as `fault` says. @param secret - holds the token */
async function connect(fault?: Fault, secret: () => Promise<unknown> = filledIn) {
  const { portal } = await connectProvisioned({ faults: () => fault });
  const table = await createTable(engine);
  const clock = () => portal.time.nowMs;
  const options = { portalId: PORTAL, clock };
  const measures = recorded();
  const connection = connectHubSpot({
    env: {
      HUBSPOT_API_URL: portal.url,
      HUBSPOT_LIMIT_PER_10_SECONDS: '190',
      HUBSPOT_RESERVE_PER_10_SECONDS: '20',
      HUBSPOT_DAILY_LIMIT: '1000',
      HUBSPOT_DAILY_RESERVE_PERCENT: '10',
    },
    store: {
      clock,
      portalId: PORTAL,
      timeZone: 'UTC',
      tableName: table.tableName,
      client: table.client,
      contacts: table.contacts(options),
      companies: table.companies(options),
      deals: table.deals(options),
      identityKey: { read: async () => ({ key: 'a key for tests' }), refresh: async () => false },
    },
    secrets: { send: secret as SecretsManagerClient['send'] },
    model: loginModel(),
    background: async () => undefined,
    count: measures.count,
    observe: measures.observe,
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const ask = () => connection.hubSpotOn('changes').contacts.read(['1'], []);
  return { ...measures, ...connection, ask };
}

describe('HubSpot as the deployed door reaches it', () => {
  test.each<{ fault: Fault | undefined; counted: Record<string, number>; because: string }>([
    { fault: undefined, counted: { Calls2xx: 1 }, because: 'it answers' },
    {
      fault: { kind: 'answer', status: 400, body: { category: 'VALIDATION_ERROR' } },
      counted: { Calls4xx: 1, HubSpotErrors: 1 },
      because: 'it refuses',
    },
    {
      fault: { kind: 'answer', status: 401 },
      counted: { Calls4xx: 1, HubSpotErrors: 1, PortalStopped: 1, TokenRefused: 1 },
      because: 'it does not take the token',
    },
    {
      fault: { kind: 'answer', status: 403, body: { category: 'MISSING_SCOPES' } },
      counted: { Calls4xx: 1, HubSpotErrors: 1, PortalStopped: 1, TokenRefused: 1 },
      because: 'the token lacks a scope',
    },
    {
      fault: { kind: 'answer', status: 477 },
      counted: { Calls4xx: 1, HubSpotErrors: 1, PortalStopped: 1 },
      because: 'the account moves, which is not for the token',
    },
    {
      fault: limited('TEN_SECONDLY_ROLLING'),
      counted: { Calls429: 1, HubSpotErrors: 1, RateLimitedWindow: 1 },
      because: 'the window is full',
    },
    {
      fault: limited('DAILY'),
      counted: { Calls429: 1, HubSpotErrors: 1, RateLimitedDay: 1, PortalStopped: 1 },
      because: 'the day is used up',
    },
    {
      fault: { kind: 'answer', status: 502 },
      counted: { Calls5xx: 1, HubSpotErrors: 1 },
      because: 'it has trouble',
    },
    {
      fault: { kind: 'no-answer', lands: 'never' },
      counted: { CallsUnanswered: 1, HubSpotErrors: 1 },
      because: 'it does not answer',
    },
    {
      fault: { kind: 'answer', status: 200, body: 'a page' },
      counted: { Calls2xx: 1, HubSpotErrors: 1 },
      because: 'its answer is a page, and says nothing of what was done',
    },
  ])(
    'a call is counted by what came back, and as failed or not: $because',
    async ({ fault, counted: expected }) => {
      const { ask, counted, observed } = await connect(fault);

      await ask().catch(() => undefined);

      expect(Object.fromEntries(counted)).toEqual({ HubSpotCalls: 1, ...expected });
      expect(observed('HubSpotFailed')).toEqual([expected['HubSpotErrors'] ?? 0]);
    },
  );

  test('a token that nobody filled in, or not as it has to be, stops every call before it is made', async () => {
    const { ask, counted } = await connect(undefined, async () => ({ SecretString: '{"accessToken":""}' }));

    await expect(ask()).rejects.toThrow('is not filled in');

    expect(Object.fromEntries(counted)).toEqual({ TokenRefused: 1 });
  });

  test('how much of the limits is used is known from what was leased', async () => {
    const { ask, budget } = await connect();
    expect(budget.takeUsage()).toBeUndefined();

    await ask();

    // 1 call of 190 - 20 allowed in 10 s, and of 1,000 in a day.
    expect(budget.takeUsage()).toEqual({ windowPercent: 0.6, dayPercent: 0.1 });
    expect(budget.takeUsage()).toBeUndefined();
  });
});

describe('an invocation', () => {
  test('tells how much of the limits was used, where that is known', async () => {
    const usages = [{ windowPercent: 61.5, dayPercent: 80.2 }, undefined];
    const system = await openSystem(engine, {}, {}, () => ({ takeUsage: () => usages.shift() }));

    await system.receive([{ contactId: await createKnown(system) }]);
    await system.receive([{ contactId: await createKnown(system) }]);

    expect(system.observed('BudgetUsed')).toEqual([61.5]);
    expect(system.observed('DailyShare')).toEqual([80.2]);
  });

  test.each([
    { reason: 'unauthorised', refused: 1 },
    { reason: 'daily', refused: undefined },
    { reason: 'migrating', refused: undefined },
  ] as const)('that finds nobody may call says so, and whether it is for the token: $reason', async (row) => {
    const system = await openSystem(engine, {}, {}, () => ({
      stopped: async () => ({ reason: row.reason, untilMs: NOON_MS + MINUTE }),
    }));

    await system.receive([{ contactId: '1', occurredAtMs: ago(SECOND) }]);

    expect(system.counted.get('PortalStopped')).toBe(1);
    expect(system.counted.get('TokenRefused')).toBe(row.refused);
    expect(system.takeSent()).toMatchObject([{ request: { contactId: '1', occurredAtMs: ago(SECOND) } }]);
  });
});
