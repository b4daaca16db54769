import { dealOf } from '../../lambdas/hydration/deals.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import type { FaultableCall } from '../../local/hubspot/faults.ts';
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
  dealOf({ id: '7', properties, updatedAtMs }, undefined);
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
    { hs_is_closed: 'true', hs_is_closed_won: 'false', closedate: iso(NOON_MS - 5) },
    'lost',
    NOON_MS - 5,
    'closed and not won is lost',
  ],
  [
    { hs_is_closed_lost: 'true', closedate: null },
    'lost',
    NOON_MS,
    'nobody says when, so when it was last changed',
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

type Kept = Parameters<typeof dealOf>[1];
const was = (state: 'open' | 'won' | 'lost', closedAtMs?: number): Kept => ({ id: '7', state, closedAtMs });
const LATER = NOON_MS + 60_000;

test.each<[string | null, Kept, number, string]>([
  [iso(LATER + 5), was('lost', NOON_MS), NOON_MS, 'it was known to be lost before'],
  [null, was('lost', NOON_MS), NOON_MS, 'it was known to be lost before, though nobody says when'],
  [iso(LATER + 5), was('lost', LATER + 9), LATER, 'it was lost no later than it was changed'],
  [iso(LATER + 5), was('lost'), LATER, 'when it was lost was never known'],
  [iso(LATER + 5), was('open'), LATER, 'it was open before: it is lost anew'],
  [iso(LATER + 5), was('won', NOON_MS), LATER, 'it was won before: it is lost anew'],
  [iso(NOON_MS - 9), was('lost', NOON_MS), NOON_MS - 9, 'a closing date in the past counts, put back'],
  [iso(NOON_MS + 9), was('lost', NOON_MS), NOON_MS + 9, 'a closing date in the past counts, put forward'],
])('a deal lost with the closing date %s, kept as %j, closed at %d: %s', (closedate, kept, closedAtMs) => {
  const properties = { hs_is_closed_lost: 'true', closedate };

  expect(dealOf({ id: '7', properties, updatedAtMs: LATER }, kept)).toMatchObject({
    state: 'lost',
    closedAtMs,
  });
});

describe('the deals of a contact', () => {
  test.each([
    { values: { closedate: iso(NOON_MS + 86_400_000) }, because: 'closes only tomorrow' },
    { values: { closedate: '' }, because: 'has no closing date' },
  ])('start anew once where one is lost, however often it is edited: it $because', async ({ values }) => {
    const system = await open();
    const { crm, time } = system.portal;
    const { contactId, dealId } = await withDeal(system, 'contractsent');
    crm.set('deals', dealId, { dealstage: 'closedlost', ...values });
    await system.receive(about([contactId]));
    expect(system.shown(contactId)).toMatchObject({ status: 'insufficient_data' });
    time.nowMs += 60_000;
    await system.login(contactId, 2);
    time.nowMs += 60_000;
    crm.set('deals', dealId, { dealname: 'Renamed' });

    await system.receive([{ dealId }]);

    expect(system.shown(contactId)).toMatchObject({ status: 'scored', score: '14' });
  });

  test('exclude who bought once, however many deals came after it', async () => {
    const system = await open();
    const { crm } = system.portal;
    const { contactId } = await withDeal(system, 'closedwon');
    for (let each = 0; each < 100; each++)
      crm.associate('contacts', contactId, 'deals', crm.create('deals', { dealstage: 'contractsent' }));

    await system.receive(about([contactId]));

    expect(system.takeCalls()).toEqual([...READS, 'POST deals/batch/read', 'POST batch/update']);
    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });

  test('are the newest thousand, of somebody who has more', async () => {
    const system = await open();
    const { crm } = system.portal;
    const { contactId } = await withDeal(system, 'closedwon');
    for (let each = 0; each < 1000; each++)
      crm.associate('contacts', contactId, 'deals', crm.create('deals', { dealstage: 'contractsent' }));

    await system.receive(about([contactId]));

    const calls = system.takeCalls();
    expect(calls.filter((call) => call === 'POST deals/batch/read')).toHaveLength(10);
    expect(system.shown(contactId)).toMatchObject({ status: 'scored' });
  });

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
  test('of whose contacts one is refused and one fails is one dead letter, when its message is done', async () => {
    let refused = '';
    const system = await open({
      faults: ({ path, body }: FaultableCall) => {
        const isIt = path.endsWith('batch/update') && JSON.stringify(body).includes(`"id":"${refused}"`);
        return isIt ? { kind: 'answer', status: 400, body: { category: 'VALIDATION_ERROR' } } : undefined;
      },
    });
    const { contactId, dealId } = await withDeal(system, 'contractsent');
    const other = system.portal.crm.create('contacts', {});
    await system.login(other);
    system.portal.crm.associate('contacts', other, 'deals', dealId);
    refused = contactId;
    let isFailing = true;
    system.failing = ({ input }) =>
      isFailing && JSON.stringify(input).includes(`"SET cwid`) && JSON.stringify(input).includes(other);

    const first = await system.receive([{ dealId }]);
    const before = [...system.deadLetters];
    isFailing = false;
    await system.receive([{ dealId }], 2);

    expect(first).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect(before).toEqual([]);
    expect(system.deadLetters).toMatchObject([{ contactId, reason: 'VALIDATION_ERROR' }]);
  });

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

  test('is one call when it is told again: its contacts were read since', async () => {
    const system = await open();
    const { time, crm } = system.portal;
    const { contactId, dealId } = await withDeal(system, 'contractsent');
    await system.receive(about([contactId]));
    time.nowMs += 60_000;
    crm.set('deals', dealId, { dealstage: 'closedwon' });
    const changed = { dealId, atMs: time.nowMs };
    time.nowMs += 1_000;
    await system.receive([changed]);
    system.takeCalls();
    time.nowMs += 60_000;

    await system.receive([changed, { dealId, atMs: changed.atMs - 5 }]);

    expect(system.takeCalls()).toEqual(['POST deals/contacts/batch/read']);
    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });

  test('counts by its newest change, in whatever order the changes are told', async () => {
    const system = await open();
    const { time, crm } = system.portal;
    const { contactId, dealId } = await withDeal(system, 'contractsent');
    await system.receive(about([contactId]));
    const before = { dealId, atMs: time.nowMs - 5 };
    time.nowMs += 60_000;
    crm.set('deals', dealId, { dealstage: 'closedwon' });
    const changed = { dealId, atMs: time.nowMs };
    time.nowMs += 1_000;

    await system.receive([changed, before]);

    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });

  test('counts as of now where one of those who tell it does not say when', async () => {
    const system = await open();
    const { time, crm } = system.portal;
    const { contactId, dealId } = await withDeal(system, 'contractsent');
    await system.receive(about([contactId]));
    const before = { dealId, atMs: time.nowMs - 5 };
    time.nowMs += 60_000;
    crm.set('deals', dealId, { dealstage: 'closedwon' });

    await system.receive([{ dealId }, before]);

    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });

  test('counts for a contact by the newest change of all its deals', async () => {
    const system = await open();
    const { time, crm } = system.portal;
    const { contactId, dealId } = await withDeal(system, 'contractsent');
    const other = crm.create('deals', { dealstage: 'contractsent' });
    crm.associate('contacts', contactId, 'deals', other);
    await system.receive(about([contactId]));
    const before = { dealId: other, atMs: time.nowMs - 5 };
    time.nowMs += 60_000;
    crm.set('deals', dealId, { dealstage: 'closedwon' });
    const changed = { dealId, atMs: time.nowMs };
    time.nowMs += 1_000;

    await system.receive([changed, before]);

    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
  });

  test('in the future, by a clock ahead of ours, has its contacts read now, and then no more', async () => {
    const system = await open();
    const { time, crm } = system.portal;
    const { contactId, dealId } = await withDeal(system, 'contractsent');
    await system.receive(about([contactId]));
    time.nowMs += 60_000;
    crm.set('deals', dealId, { dealstage: 'closedwon' });
    await system.receive([{ dealId, atMs: time.nowMs + 3_600_000 }]);
    time.nowMs += 1_000;
    await system.receive(about([contactId]));
    system.takeCalls();

    await system.receive(about([contactId]));

    expect(system.takeCalls()).toEqual([]);
    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
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
