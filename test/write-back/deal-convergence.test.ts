import * as v from 'valibot';
import { contactKey } from '../../lambdas/store/keys.ts';
import type { WriteRequest } from '../../lambdas/store/queues.ts';
import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { creditModel } from './models.ts';
import { openSystem, PORTAL, type System } from './system.ts';
import { DAY_MS, headOf, isShown, MINUTE_MS, visit, whys, withDeal, wonDeal } from './won-deals.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

const NOTHING_FAILED = { batchItemFailures: [] };
const DEALS = '/crm/objects/2026-03/deals';

type Open = Parameters<typeof openSystem>;
const open = (model = creditModel(), options: Open[1] = {}, parts: Open[3] = () => ({})) =>
  openSystem(engine, options, {}, parts, model);

type Hook = () => Promise<unknown>;

/** A system in which something can happen once while a deal is being credited. */
async function openHeldUp() {
  const held: { afterReading?: Hook | undefined; beforeStore?: Hook | undefined } = {};
  const take = async (when: keyof typeof held) => {
    const hook = held[when];
    held[when] = undefined;
    await hook?.();
  };
  const system = await open(creditModel(['linear', 'markov']), {}, ({ effects }) => ({
    // Asked for between HubSpot's answer and the head; and between the visits and the store.
    companyCurrency: async () => {
      await take('afterReading');
      return 'EUR';
    },
    effects: {
      read: async () => {
        await take('beforeStore');
        return effects.read();
      },
    },
  }));
  return { system, held };
}

describe('of two who credit a deal at once', () => {
  test('the older reading of HubSpot never wins, though it is stored last', async () => {
    const { system, held } = await openHeldUp();
    const { dealId } = await wonDeal(system);
    held.afterReading = async () => {
      system.portal.time.nowMs += MINUTE_MS;
      system.portal.crm.set('deals', dealId, { amount: '2000' });
      await system.receive([{ dealId }]);
    };

    const response = await system.receive([{ dealId }]);

    expect(response).toEqual(NOTHING_FAILED);
    const head = await headOf(system, dealId);
    expect([head.deal?.amount, head.credit?.units, head.revision]).toEqual(['2000', 200_000n, 2]);
    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '666.67' });
    expect([isShown(head), whys(head)]).toEqual([true, ['first credit']]);
  });

  test('the older word on whose it is never wins either', async () => {
    const { system, held } = await openHeldUp();
    const { dealId } = await wonDeal(system);
    const other = system.portal.crm.create('contacts', {});
    await system.loginKnown(other);
    await visit(system, other, 'claude.ai', system.portal.time.nowMs - DAY_MS);
    held.afterReading = async () => {
      system.portal.time.nowMs += MINUTE_MS;
      system.portal.crm.associate('deals', dealId, 'contacts', other);
      await system.receive([{ dealId, creditOnly: true }]);
    };

    await system.receive([{ dealId }]);

    const head = await headOf(system, dealId);
    expect([head.deal?.contactIds.length, head.revision, isShown(head)]).toEqual([2, 2, true]);
    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '500' });
  });

  test('an answer in which HubSpot is behind never wins, though it was asked for later', async () => {
    const { system } = await openHeldUp();
    const { dealId } = await wonDeal(system);
    await system.receive([{ dealId }]);
    const head = await headOf(system, dealId);
    if (head.deal === undefined || head.credit === undefined) throw new Error('not credited');
    const { deal, credit } = head;
    const newer = {
      deal: { ...deal, amount: '7' },
      credit,
      model: 'm',
      writeId: 'w',
      restatement: undefined,
    };
    const atMs = system.portal.time.nowMs;
    await system.deals.store(head, { ...newer, readAtMs: atMs, updatedAtMs: atMs + 5 }, atMs);
    system.portal.time.nowMs += MINUTE_MS;

    await system.receive([{ dealId }]);

    expect((await headOf(system, dealId)).deal?.amount).toBe('7');
    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '2.34' });
  });

  test('a visit that is kept when the other has read the visits already counts in the end', async () => {
    const { system, held } = await openHeldUp();
    const { contactId, dealId } = await wonDeal(system);
    held.beforeStore = async () => {
      await visit(system, contactId, 'claude.ai', system.portal.time.nowMs - DAY_MS);
      await system.receive([{ dealId, creditOnly: true }]);
    };

    await system.receive([{ dealId }]);

    const head = await headOf(system, dealId);
    expect(head.credit?.path).toEqual(['ai/chatgpt', 'search/google', 'ai/claude', 'direct/direct']);
    expect([isShown(head), system.dealShown(dealId)['ai_amount_linear']]).toEqual([true, '500']);
  });

  test('a deal that is deleted meanwhile stays deleted', async () => {
    const { system, held } = await openHeldUp();
    const { dealId } = await wonDeal(system);
    held.beforeStore = () => system.deals.mark(dealId, 'deleted', system.portal.time.nowMs + 1);

    const response = await system.receive([{ dealId }]);

    expect([response, system.takeSent(), system.deadLetters]).toEqual([NOTHING_FAILED, [], []]);
    expect([(await headOf(system, dealId)).life, (await system.deals.page()).deals]).toEqual(['deleted', []]);
  });

  test('a deal that is merged away meanwhile is credited as the one it became', async () => {
    const { system, held } = await openHeldUp();
    const one = await wonDeal(system);
    const other = await withDeal(system, { dealstage: 'contractsent', amount: '5' });
    let livingId = '';
    held.beforeStore = async () => {
      livingId = system.portal.crm.merge('deals', one.dealId, other.dealId);
      for (const id of [one.dealId, other.dealId]) await system.deals.unite(id, livingId); // As the scorer does.
    };

    const response = await system.receive([{ dealId: one.dealId }]);
    await system.receive([{ dealId: livingId }]);

    expect(response).toEqual(NOTHING_FAILED);
    const head = await headOf(system, one.dealId);
    expect([head.dealId, isShown(head), whys(head)]).toEqual([livingId, true, ['merge']]);
    expect(system.dealShown(livingId)).toMatchObject({ ai_amount_linear: '333.34' });
    expect((await system.deals.page()).deals.map(({ dealId }) => dealId)).toEqual([livingId]);
  });
});

async function merged(
  tell: (system: System, oldIds: readonly string[], livingId: string) => Promise<unknown>,
) {
  const system = await open();
  const one = await wonDeal(system);
  const other = await withDeal(system, { dealstage: 'contractsent', amount: '50' });
  await visit(system, other.contactId, 'claude.ai', system.portal.time.nowMs - DAY_MS);
  await system.receive([{ dealId: one.dealId }, { dealId: other.dealId }]);
  system.portal.time.nowMs += MINUTE_MS;
  const livingId = system.portal.crm.merge('deals', one.dealId, other.dealId);
  await tell(system, [one.dealId, other.dealId], livingId);
  return { system, livingId, oldIds: [one.dealId, other.dealId] };
}

describe('deals that are merged', () => {
  const AS_ONE = {
    why: 'merge',
    from: expect.stringMatching(/ChatGPT 333.34, Google 333.33, Direct 333.33 EUR/),
    to: 'ChatGPT 250.00, Google 250.00, Claude 250.00, Direct 250.00 EUR',
  };

  test.each<[string, Parameters<typeof merged>[0]]>([
    [
      'the webhook',
      async (system, oldIds, livingId) => {
        for (const oldId of oldIds) await system.deals.unite(oldId, livingId);
        await system.receive([{ dealId: livingId }]);
      },
    ],
    ['a request under an old id', (system, [oldId = '']) => system.receive([{ dealId: oldId }])],
    [
      'nobody but HubSpot, when the new one is read',
      (system, _oldIds, livingId) => system.receive([{ dealId: livingId }]),
    ],
  ])('are one deal with a line about both, told by %s', async (_by, tell) => {
    const { system, livingId, oldIds } = await merged(tell);

    const head = await headOf(system, livingId);
    expect(head.log).toMatchObject([AS_ONE]);
    expect(head.log[0]?.from).toContain('Claude 50.00 EUR');
    expect(head.oldIds.toSorted()).toEqual(oldIds.toSorted());
    expect([isShown(head), (await system.deals.page()).deals.map(({ dealId }) => dealId)]).toEqual([
      true,
      [livingId],
    ]);
    expect(system.deadLetters).toEqual([]);
  });

  test('while one of them is being written are written as the one they became', async () => {
    let happens: (() => void) | undefined;
    const faults = ({ path }: FaultableCall) => {
      if (path === `${DEALS}/batch/update`) happens?.();
      return undefined;
    };
    const system = await open(creditModel(), { faults });
    const { dealId } = await wonDeal(system);
    const other = await withDeal(system, { dealstage: 'contractsent' });
    let livingId = '';
    happens = () => {
      livingId = system.portal.crm.merge('deals', dealId, other.dealId);
      happens = undefined;
    };

    await system.receive([{ dealId }]);
    const sent = system.takeSent();
    await system.receive(sent.map(({ request }) => request));

    expect(sent).toEqual([readBack(dealId, 5)]);
    const head = await headOf(system, livingId);
    expect([isShown(head), system.dealShown(livingId)['ai_amount_linear']]).toEqual([true, '333.34']);
  });
});

/** A request to look what HubSpot shows of a deal. */
const readBack = (dealId: string, delaySeconds: number) => ({
  lane: 'changes',
  request: { portalId: PORTAL, dealId, creditOnly: true, force: true },
  delaySeconds,
});

const onUpdate = (fault: Fault | undefined) => ({
  faults: ({ path }: FaultableCall) => (path === `${DEALS}/batch/update` ? fault : undefined),
});

describe('a deal', () => {
  test('that HubSpot does not have any more is in no report, and is back when it is restored', async () => {
    const system = await open();
    const { crm, time } = system.portal;
    const { dealId } = await wonDeal(system);
    await system.receive([{ dealId }]);
    time.nowMs += MINUTE_MS;
    crm.delete('deals', dealId);
    await system.receive([{ dealId, creditOnly: true }]);
    const gone = [(await headOf(system, dealId)).life, (await system.deals.page()).deals.length];
    time.nowMs += MINUTE_MS;
    crm.restore('deals', dealId);
    crm.set('deals', dealId, { amount: '30' });

    await system.receive([{ dealId }]);

    expect(gone).toEqual(['deleted', 0]);
    expect(await headOf(system, dealId)).toMatchObject({ life: 'living', deal: { amount: '30' } });
    expect([system.dealShown(dealId)['ai_amount_linear'], (await system.deals.page()).deals.length]).toEqual([
      '10',
      1,
    ]);
    expect([system.takeSent(), system.deadLetters]).toEqual([[], []]);
  });

  test('that HubSpot hands out long after it was deleted lives, though it never changed; just after, HubSpot may be behind', async () => {
    const system = await open();
    const { dealId } = await wonDeal(system);
    await system.receive([{ dealId }]);
    const { time } = system.portal;
    time.nowMs += MINUTE_MS;
    await system.deals.mark(dealId, 'deleted', time.nowMs);
    const lives: string[] = [];

    for (const minutes of [15, 1]) {
      time.nowMs += minutes * MINUTE_MS;
      await system.receive([{ dealId }]);
      lives.push((await headOf(system, dealId)).life);
    }

    expect(lives).toEqual(['deleted', 'living']);
    expect((await system.deals.page()).deals.length).toBe(1);
    expect([system.takeSent(), system.deadLetters]).toEqual([[], []]);
  });

  test('of which nothing was ever kept and that HubSpot does not have leaves nothing behind', async () => {
    const system = await open();

    expect(await system.receive([{ dealId: '4711' }])).toEqual(NOTHING_FAILED);

    expect(await system.table.rows()).toEqual([]);
  });

  test.each<[string, Fault]>([
    ['does not answer', { kind: 'no-answer', lands: 'before' }],
    ['answers what is no answer', { kind: 'answer', status: 200, body: '', executes: true }],
  ])(
    'whose write HubSpot %s is read back when it has landed, without touching its contacts',
    async (_what, fault) => {
      let isDown = true;
      const system = await open(
        creditModel(['linear'], { exclusions: [{ id: 'customer', title: 'Customer', deal: 'won' }] }),
        {
          faults: ({ path }) => (isDown && path === `${DEALS}/batch/update` ? fault : undefined),
        },
      );
      const { dealId } = await wonDeal(system);
      await system.receive([{ dealId, atMs: system.portal.time.nowMs - 1 }]);
      isDown = false;
      // Its contacts were read, and ask for its credit by themselves.
      const sent = system.takeSent().filter(({ lane }) => lane === 'changes');
      system.takeCalls();

      await system.receive(sent.map(({ request }) => request));

      expect(sent).toEqual([readBack(dealId, 900)]);
      expect(isShown(await headOf(system, dealId))).toBe(true);
      expect(system.takeCalls()).toEqual([
        'POST deals/contacts/batch/read',
        'POST deals/batch/read',
        'POST deals/batch/read',
      ]);
    },
  );

  test('that somebody edits shows ours again when it is looked at', async () => {
    const system = await open();
    const { dealId } = await wonDeal(system);
    await system.receive([{ dealId }]);
    system.portal.crm.set('deals', dealId, {
      afterglow_ai_amount_linear: '999',
      afterglow_ai_influenced: 'false',
    });

    await system.receive([{ dealId, creditOnly: true, force: true }]);

    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '333.34', ai_influenced: 'true' });
    expect(system.counted.get('Drift')).toBe(1);
  });

  test('that shows what it is to is not written again by being looked at', async () => {
    const system = await open();
    const { dealId } = await wonDeal(system);
    await system.receive([{ dealId }]);
    system.takeCalls();

    await system.receive([{ dealId, creditOnly: true, force: true }]);

    expect(system.takeCalls()).not.toContain('POST deals/batch/update');
  });

  test('that is written too often within an hour is held back: something answers our writes', async () => {
    const system = await open(creditModel(), {}, () => ({ mostWritesPerHour: 3 }));
    const { dealId } = await wonDeal(system);
    for (let amount = 1; amount <= 4; amount++) {
      system.portal.crm.set('deals', dealId, { amount: String(amount) });
      await system.receive([{ dealId }]);
    }

    expect(system.counted.get('LoopBreaker')).toBe(1);
    expect(system.takeSent()).toMatchObject([{ request: { dealId, creditOnly: true, postponed: 1 } }]);
  });

  test('whose request comes a second time is read back later, also where nothing is left to write', async () => {
    const system = await open();
    const { dealId } = await wonDeal(system);
    await system.receive([{ dealId }]);

    await system.receive([{ dealId }], 2);

    expect(system.takeSent()).toEqual([readBack(dealId, 900)]);
  });

  test('that cannot be written while HubSpot is stopped comes again as it was asked for', async () => {
    const system = await open(creditModel(), onUpdate({ kind: 'answer', status: 401 }));
    const { dealId } = await wonDeal(system);

    await system.receive([{ dealId, atMs: 5 }]);

    expect(system.takeSent()).toMatchObject([
      { request: { dealId, creditOnly: true, postponed: 1 }, delaySeconds: 900 },
    ]);
  });
});

const about = (ids: readonly string[]) => ids.map((dealId) => ({ dealId }));
const Inputs = v.object({ inputs: v.array(v.object({ id: v.string() })) });
const inputsOf = ({ body }: FaultableCall) => v.parse(Inputs, body).inputs.map(({ id }) => id);

describe('one message about a deal, on which scores depend as well', () => {
  const BOUGHT = { exclusions: [{ id: 'customer', title: 'Customer', deal: 'won' }] };

  test('brings both up to date: the score of its contact, and the credit', async () => {
    const system = await open(creditModel(['linear'], BOUGHT));
    const { contactId, dealId } = await wonDeal(system);

    expect(await system.receive([{ dealId }])).toEqual(NOTHING_FAILED);

    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '333.34' });
  });

  test('takes three calls for its credit and three for its contact, and asks for neither once more', async () => {
    const system = await open(creditModel(['linear'], BOUGHT));
    const { dealId } = await wonDeal(system);
    await system.receive([{ dealId }]);
    system.portal.time.nowMs += MINUTE_MS;
    system.portal.crm.set('deals', dealId, { amount: '30' });
    system.takeSent();
    system.takeCalls();

    await system.receive([{ dealId }]);

    expect(system.takeCalls().toSorted()).toEqual([
      'POST batch/read',
      'POST contacts/deals/batch/read',
      'POST deals/batch/read',
      'POST deals/batch/read',
      'POST deals/batch/update',
      'POST deals/contacts/batch/read',
    ]);
    expect(system.takeSent()).toEqual([]);
  });

  test('has the other deals of its contact credited, and does not go round in a circle, also where the clock stands still', async () => {
    const system = await open(creditModel(['linear'], BOUGHT));
    const { contactId, dealId } = await wonDeal(system);
    const other = system.portal.crm.create('deals', { dealstage: 'closedwon', amount: '9' });
    system.portal.crm.associate('deals', other, 'contacts', contactId);
    await system.receive([{ dealId }]);
    const sent = system.takeSent().map(({ request }) => request);
    system.takeCalls();

    await system.receive(sent);

    expect(sent).toEqual([{ portalId: PORTAL, dealId: other, creditOnly: true }]);
    expect(system.dealShown(other)).toMatchObject({ ai_amount_linear: '3' });
    expect([system.takeSent(), system.takeCalls()]).toEqual([
      [],
      ['POST deals/contacts/batch/read', 'POST deals/batch/read', 'POST deals/batch/update'],
    ]);
  });

  test('comes again once where its contact fails for our own fault, though HubSpot puts the deal off', async () => {
    let isDown = true;
    const system = await open(creditModel(['linear'], BOUGHT), {
      faults: ({ path }) =>
        isDown && path === `${DEALS}/batch/update` ? { kind: 'answer', status: 423 } : undefined,
    });
    const { contactId, dealId } = await wonDeal(system);
    system.failing = ({ input }) =>
      'Key' in input && input.Key?.['pk'] === contactKey(PORTAL, contactId) && isDown;

    const response = await system.receive([{ dealId, atMs: system.portal.time.nowMs - 1 }]);
    const sent = system.takeSent();
    isDown = false;
    system.portal.time.nowMs += MINUTE_MS;
    await system.receive([{ dealId }], 2);

    expect([response.batchItemFailures.length, sent]).toEqual([1, []]);
    expect(system.shown(contactId)).toMatchObject({ status: 'excluded_customer' });
    expect(isShown(await headOf(system, dealId))).toBe(true);
  });

  test.each<[string, Partial<WriteRequest>, boolean]>([
    ['has no contact read again that was read since it changed', { atMs: 1 }, false],
    ['has its contacts read where it may just have changed', {}, true],
  ])('%s, also where its credit is asked for beside', async (_what, request, isRead) => {
    const system = await open(creditModel(['linear'], BOUGHT));
    const { dealId } = await wonDeal(system);
    system.takeCalls();

    await system.receive([
      { dealId, ...request },
      { dealId, creditOnly: true },
      { dealId, ...request },
    ]);

    expect(system.takeCalls().includes('POST batch/read')).toBe(isRead);
  });
});

async function many(system: System, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < count; at++) ids.push((await wonDeal(system, '3')).dealId);
  return ids;
}

describe('of many deals', () => {
  test('three hundred at once are all credited, in as few calls as HubSpot takes', async () => {
    const system = await open();
    const ids = await many(system, 300);
    system.takeCalls();

    const response = await system.receive(about(ids));

    expect([response, system.takeSent(), system.deadLetters]).toEqual([NOTHING_FAILED, [], []]);
    expect(ids.map((id) => system.dealShown(id)['ai_amount_linear'])).toEqual(ids.map(() => '1'));
    const heads = await system.deals.heads(ids);
    expect([...heads.values()].every(isShown)).toBe(true);
    const calls = system.takeCalls();
    expect([calls.length, calls.filter((call) => call === 'POST deals/batch/update').length]).toEqual([
      12, 3,
    ]);
  }, 120_000);

  test('one that HubSpot refuses goes to the dead letters alone, in a 207 as where it refuses all of them for it', async () => {
    let how: 'single' | 'whole' = 'single';
    let bad = '';
    const faults = (call: FaultableCall): Fault | undefined => {
      const at = call.path === `${DEALS}/batch/update` ? inputsOf(call).indexOf(bad) : -1;
      if (at === -1) return undefined;
      if (how === 'single')
        return { kind: 'item-errors', inputs: [at], category: 'VALIDATION_ERROR', message: 'no' };
      return {
        kind: 'answer',
        status: 400,
        body: { category: 'VALIDATION_ERROR', correlationId: 'c', message: 'no' },
      };
    };
    const system = await open(creditModel(), { faults });
    const ids = await many(system, 5);
    bad = ids[2] ?? '';

    const first = await system.receive(about(ids));
    how = 'whole';
    for (const id of ids) system.portal.crm.set('deals', id, { amount: '6' });
    const second = await system.receive(about(ids));

    expect([first, second]).toEqual([NOTHING_FAILED, NOTHING_FAILED]);
    const letter = {
      portalId: PORTAL,
      dealId: bad,
      reason: 'VALIDATION_ERROR',
      request: { dealId: bad, creditOnly: true },
    };
    expect(system.deadLetters).toMatchObject([letter, letter]);
    expect(ids.map((id) => system.dealShown(id)['ai_amount_linear'])).toEqual([
      '2',
      '2',
      undefined,
      '2',
      '2',
    ]);
  });

  test('one that HubSpot passes over in silence is read back later; one without an answer of its own too', async () => {
    const system = await open(creditModel(), onUpdate({ kind: 'leave-out', inputs: [1] }));
    const ids = await many(system, 3);

    await system.receive(about(ids));

    expect(system.takeSent()).toEqual([readBack(ids[1] ?? '', 900)]);
    expect(ids.map((id) => system.dealShown(id)['ai_amount_linear'])).toEqual(['1', undefined, '1']);
  });

  test('a property that somebody archived is left out of all of them, and no write id vouches for what is not all there', async () => {
    const system = await open();
    const ids = await many(system, 3);
    await system.portal.call('DELETE', '/crm/properties/2026-03/deals/afterglow_sources');

    const response = await system.receive(about(ids));

    expect([response, system.deadLetters]).toEqual([NOTHING_FAILED, []]);
    expect(ids.map((id) => system.dealShown(id)['ai_amount_linear'])).toEqual(['1', '1', '1']);
    expect(ids.map((id) => system.dealShown(id)['write_id'] ?? '')).toEqual(['', '', '']);
    const alarms = system.logged.filter((line) => JSON.stringify(line).includes('left out'));
    expect(alarms).toEqual([[expect.stringContaining('left out'), { properties: ['afterglow_sources'] }]]);
    const heads = await system.deals.heads(ids);
    expect([...heads.values()].some(isShown)).toBe(false);
  });

  test('those that HubSpot does not show are sent again after it could not be written to, and no others', async () => {
    let isDown = false;
    const faults = ({ path }: FaultableCall): Fault | undefined =>
      isDown && path === `${DEALS}/batch/update` ? { kind: 'answer', status: 423 } : undefined;
    const system = await open(creditModel(), { faults });
    const [shown = '', other = '', gone = ''] = await many(system, 3);
    await system.receive(about([shown]));
    isDown = true;
    await system.receive(about([other, gone]));
    await system.deals.mark(gone, 'deleted', system.portal.time.nowMs);
    system.takeSent();

    await system.receive([{ resume: 'unconfirmed' }], 1, 'background');

    const ofDeals = system.takeSent().filter(({ request }) => request.dealId !== undefined);
    expect(ofDeals).toEqual([{ ...readBack(other, 0), lane: 'background' }]);
    isDown = false;
    await system.receive(ofDeals.map(({ request }) => request));
    expect(isShown(await headOf(system, other))).toBe(true);
  });
});

test('whoever dies where ever while a deal is credited and written: in the end HubSpot shows what the table says, told once', async () => {
  for (let dies = 1; ; dies++) {
    const system = await open();
    const { dealId } = await wonDeal(system);
    let commands = 0;
    system.failing = () => ++commands === dies;
    let requests: Partial<WriteRequest>[] = [{ dealId }];
    let receiveCount = 1;
    for (let round = 0; requests.length > 0 && round < 6; round++) {
      const { batchItemFailures } = await system.receive(requests, receiveCount);
      const again = batchItemFailures.map(({ itemIdentifier }) => Number(itemIdentifier.split('-')[1]));
      receiveCount = again.length > 0 ? 2 : 1;
      requests = [
        ...again.flatMap((at) => requests[at] ?? []),
        ...system.takeSent().map(({ request }) => request),
      ];
      system.portal.time.nowMs += 900_000;
    }

    const head = await headOf(system, dealId);
    expect([requests, isShown(head), whys(head), system.deadLetters]).toEqual([
      [],
      true,
      ['first credit'],
      [],
    ]);
    expect(system.dealShown(dealId)).toMatchObject({ ai_amount_linear: '333.34', write_id: head.writeId });
    await closeAll();
    if (commands < dies) break;
  }
}, 120_000);
