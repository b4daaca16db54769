import { contactKey } from '../../lambdas/store/keys.ts';
import { dealOf } from '../../lambdas/write-back/deals.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { dealModel } from './models.ts';
import { openSystem, PORTAL, type System } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

const NOTHING_FAILED = { batchItemFailures: [] };
const READS = ['POST batch/read', 'POST contacts/deals/batch/read', 'POST deals/batch/read'];
const about = (ids: readonly string[]) => ids.map((contactId) => ({ contactId }));
const open = (...[options, transport]: [options?: object, transport?: object]) =>
  openSystem(engine, options, transport, () => ({}), dealModel());

/** A contact with a deal in this stage, and one login before it. */
async function withDeal(system: System, dealstage: string): Promise<{ contactId: string; dealId: string }> {
  const { crm, time } = system.portal;
  const contactId = crm.create('contacts', {});
  await system.login(contactId);
  time.nowMs += 60_000;
  const dealId = crm.create('deals', { dealstage });
  crm.associate('contacts', contactId, 'deals', dealId);
  return { contactId, dealId };
}

const seen = (properties: Record<string, string | null>, updatedAtMs = NOON_MS) =>
  dealOf({ id: '7', properties, updatedAtMs });
const iso = (ms: number) => new Date(ms).toISOString();

test.each<[Record<string, string | null>, string, number | undefined, string]>([
  [
    { hs_is_closed: 'false', closedate: iso(NOON_MS) },
    'open',
    undefined,
    'a day that is planned closes nothing',
  ],
  [{}, 'open', undefined, 'nothing says that it is closed'],
  [
    { hs_is_closed: 'true', hs_is_closed_won: 'true', closedate: iso(NOON_MS - 5) },
    'won',
    NOON_MS - 5,
    'it is won',
  ],
  [{ hs_is_closed_lost: 'true', closedate: iso(NOON_MS - 5) }, 'lost', NOON_MS - 5, 'it is lost'],
  [
    { hs_is_closed: 'true', hs_is_closed_won: 'false', closedate: null },
    'lost',
    undefined,
    'closed and not won is lost',
  ],
  [
    { hs_is_closed_lost: 'true', closedate: iso(NOON_MS + 5) },
    'lost',
    NOON_MS,
    'it closed no later than it was changed',
  ],
])('a deal %j is %s, closed at %s: %s', (properties, state, closedAtMs) => {
  expect(seen(properties)).toEqual({ id: '7', state, closedAtMs });
});

describe('the deals of a contact', () => {
  test('are read with it: who bought is excluded, a lost deal starts anew, an open one changes nothing', async () => {
    const system = await open();
    const deals = [];
    for (const stage of ['closedwon', 'closedlost', 'contractsent'])
      deals.push(await withDeal(system, stage));
    const ids = deals.map(({ contactId }) => contactId);
    const [, lost = ''] = ids;
    system.portal.time.nowMs += 60_000;
    await system.login(lost, 2);

    const response = await system.receive(about(ids));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual([...READS, 'POST batch/update']);
    expect(ids.map((id) => system.shown(id))).toMatchObject([
      { status: 'excluded_customer' },
      { status: 'scored', score: '14' }, // By hand: the login before the loss counts no longer, two after it do.
      { status: 'scored', score: '7' },
    ]);
    expect(system.shown(ids[0] ?? '')['score'] ?? null).toBeNull();
    expect(system.specProblems()).toEqual([]);
  });

  test('cost one call per hundred of a kind, whoever has them', async () => {
    const system = await open();
    const { crm } = system.portal;
    const ids = Array.from({ length: 60 }, () => crm.create('contacts', {}));
    for (const [at, contactId] of ids.entries())
      for (let each = 0; each < 2; each++)
        crm.associate(
          'contacts',
          contactId,
          'deals',
          crm.create('deals', { dealstage: at === 0 ? 'closedwon' : 'contractsent' }),
        );

    await system.receive(about(ids));

    expect(system.takeCalls()).toEqual([...READS, 'POST deals/batch/read', 'POST batch/update']);
    expect(system.shown(ids[0] ?? '')['status']).toBe('excluded_customer');
  });

  test('that were merged while they were looked for are read as what they live on as', async () => {
    const merged: { happens: (() => void) | undefined } = { happens: undefined };
    const system = await open({
      faults: ({ path }: { path: string }) => {
        if (!path.endsWith('deals/batch/read') || !path.includes('objects')) return undefined;
        merged.happens?.();
        merged.happens = undefined;
        return undefined;
      },
    });
    const { contactId, dealId } = await withDeal(system, 'closedwon');
    const { crm } = system.portal;
    merged.happens = () =>
      void crm.merge('deals', dealId, crm.create('deals', { dealstage: 'contractsent' }));

    await system.receive(about([contactId]));

    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });

  test('that cannot be read keep the contact waiting: it may be excluded', async () => {
    let isDown = true;
    const system = await open({
      faults: ({ path }: { path: string }) =>
        isDown && path.endsWith('deals/batch/read') && path.includes('objects')
          ? { kind: 'answer', status: 503 }
          : undefined,
    });
    const { contactId } = await withDeal(system, 'closedwon');

    await system.receive(about([contactId]));

    expect(system.shown(contactId)).toEqual({});
    const sent = system.takeSent();
    expect(sent).toMatchObject([{ request: { contactId, postponed: 1 }, delaySeconds: 60 }]);
    isDown = false;
    await system.receive(sent.map(({ request }) => request));
    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });
});

describe('a deal that changed', () => {
  test('has its contacts read afresh and written, and nobody else', async () => {
    const system = await open();
    const [one, other] = [await withDeal(system, 'contractsent'), await withDeal(system, 'contractsent')];
    const third = system.portal.crm.create('contacts', {});
    system.portal.crm.associate('contacts', third, 'deals', one.dealId);
    await system.receive(about([one.contactId, other.contactId, third]));
    system.takeCalls();
    system.portal.time.nowMs += 60_000;
    for (const { dealId } of [one, other]) system.portal.crm.set('deals', dealId, { dealstage: 'closedwon' });

    const response = await system.receive([{ dealId: one.dealId }]);

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual(['POST deals/contacts/batch/read', ...READS, 'POST batch/update']);
    const status = [one.contactId, third, other.contactId].map((id) => system.shown(id)['status']);
    expect(status).toEqual(['excluded_customer', 'excluded_customer', 'scored']);
    expect(system.takeSent()).toEqual([]);
  });

  test('has contacts that were never heard of before scored too', async () => {
    const system = await open();
    const contactId = system.portal.crm.create('contacts', {});
    const dealId = system.portal.crm.create('deals', { dealstage: 'closedwon' });
    system.portal.crm.associate('contacts', contactId, 'deals', dealId);

    await system.receive([{ dealId }]);

    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });

  test('and that HubSpot does not have, or that is nobody’s, is done with', async () => {
    const system = await open();
    const [gone, alone] = [1, 2].map(() => system.portal.crm.create('deals', { dealstage: 'closedwon' }));
    system.portal.crm.delete('deals', gone ?? '');

    const response = await system.receive([{ dealId: gone }, { dealId: alone }]);

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual(['POST deals/contacts/batch/read']);
    expect([system.takeSent(), system.deadLetters]).toEqual([[], []]);
  });

  test('costs no call where the model does not ask for deals', async () => {
    const system = await openSystem(engine);
    const dealId = system.portal.crm.create('deals', {});

    const response = await system.receive([{ dealId }]);

    expect([response, system.takeCalls(), system.takeSent()]).toEqual([NOTHING_FAILED, [], []]);
  });

  test('whose contacts cannot be found comes again as itself', async () => {
    const system = await open({ faults: () => ({ kind: 'answer', status: 502 }) });

    await system.receive([{ dealId: '5' }]);

    expect(system.takeSent()).toMatchObject([{ request: { dealId: '5', postponed: 1 }, delaySeconds: 60 }]);
  });

  test('whose contacts cannot be read leaves each of them to be read when it comes again', async () => {
    let isDown = false;
    const system = await open({
      faults: ({ path }: { path: string }) =>
        isDown && path.endsWith('contacts/deals/batch/read') ? { kind: 'answer', status: 500 } : undefined,
    });
    const { contactId, dealId } = await withDeal(system, 'contractsent');
    await system.receive(about([contactId]));
    system.portal.time.nowMs += 60_000;
    system.portal.crm.set('deals', dealId, { dealstage: 'closedwon' });
    isDown = true;

    await system.receive([{ dealId }]);
    isDown = false;
    const sent = system.takeSent();
    await system.receive(sent.map(({ request }) => request));

    expect(sent).toMatchObject([{ request: { portalId: PORTAL, contactId, postponed: 1 } }]);
    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });

  test('with more contacts than one run reads has the others come again, to be read then', async () => {
    const system = await open({
      faults: ({ path }: { path: string }) =>
        path.endsWith('objects/2026-03/contacts/batch/read') ? { kind: 'answer', status: 423 } : undefined,
    });
    const { crm, time } = system.portal;
    const dealId = crm.create('deals', { dealstage: 'contractsent' });
    const ids = Array.from({ length: 1010 }, () => crm.create('contacts', {}));
    for (const id of ids) crm.associate('deals', dealId, 'contacts', id);
    const last = ids.at(-1) ?? '';
    await system.loginKnown(last);
    time.nowMs += 60_000;

    const response = await system.receive([{ dealId }]);

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual([
      ...Array(3).fill('POST deals/contacts/batch/read'),
      ...Array(10).fill('POST batch/read'),
    ]);
    const sent = system.takeSent();
    expect(new Set(sent.map(({ request }) => request.contactId))).toEqual(new Set(ids));
    expect(sent.filter(({ delaySeconds }) => delaySeconds === 1)).toHaveLength(10);
    expect(
      (await system.store.heads([contactKey(PORTAL, last)])).get(contactKey(PORTAL, last))?.readAtMs,
    ).toBeUndefined();
  }, 60_000);
});
