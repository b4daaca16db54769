import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import type { HubSpotObjects, WriteInput } from '../../lambdas/hubspot/objects.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type Sent, type System } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

const nothing = async () => undefined;

type Update = HubSpotObjects['update'];

/** A system whose batch updates a test may hold, lose or delay: `how` is given the real one. */
async function openWith(how: (inputs: readonly WriteInput[], real: Update) => ReturnType<Update>) {
  const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
    hubSpot: {
      ...hubSpot,
      contacts: {
        ...hubSpot.contacts,
        update: (inputs) => how(inputs, (all) => hubSpot.contacts.update(all)),
      },
    },
  }));
  const id = system.portal.crm.create('contacts', {});
  await system.loginKnown(id);
  return { system, id };
}

/** Hands over what write-back sent, each message when it is due, until nothing is left. */
async function settle(system: System, messages: readonly Sent[]): Promise<void> {
  let left = messages;
  for (let round = 0; left.length > 0 && round < 10; round++) {
    system.portal.time.nowMs += Math.max(...left.map(({ delaySeconds }) => delaySeconds)) * 1000;
    await system.receive(left.map(({ request }) => request));
    left = system.takeSent();
  }
  expect(left).toEqual([]);
}

async function expectShown(system: System, id: string, score: string): Promise<void> {
  const { writeId, confirmedWriteId } = await system.head(id);
  expect(system.shown(id)).toMatchObject({ score, write_id: writeId });
  expect(confirmedWriteId).toBe(writeId);
}

test('two instances write one contact, and the older write lands last: HubSpot ends with the newer', async () => {
  const held = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  let isFirst = true;
  const { system, id } = await openWith(async (inputs, real) => {
    if (isFirst) {
      isFirst = false;
      sent.resolve();
      await held.promise;
    }
    return real(inputs);
  });

  const slow = system.receive([{ contactId: id }]);
  await sent.promise;
  await system.login(id);
  await system.receive([{ contactId: id }]);
  expect(system.shown(id)).toMatchObject({ score: '14' });
  held.resolve();
  await slow;
  expect(system.shown(id)).toMatchObject({ score: '7' }); // The older one has overwritten it.

  await settle(system, system.takeSent());
  await expectShown(system, id, '14');
});

test('a write without an answer lands ten minutes later, over a newer one: it does not win', async () => {
  let ghost: (() => ReturnType<Update>) | undefined;
  const { system, id } = await openWith(async (inputs, real) => {
    if (ghost !== undefined) return real(inputs);
    ghost = () => real(inputs);
    throw new HubSpotError('unknown', 0, 'TimeoutError');
  });

  await system.receive([{ contactId: id }]);
  const doubts = system.takeSent();
  await system.login(id);
  await system.receive([{ contactId: id }]);
  await expectShown(system, id, '14');
  system.portal.time.nowMs += 600_000;
  await ghost?.();
  expect(system.shown(id)).toMatchObject({ score: '7' });

  expect(doubts).toMatchObject([{ request: { contactId: id, force: true }, delaySeconds: 900 }]);
  await settle(system, doubts);
  await expectShown(system, id, '14');
});

test('an instance dies between sending and confirming, and its write lands after that of its successor: the newer stays', async () => {
  const isSent = Promise.withResolvers<void>();
  let ghost: (() => ReturnType<Update>) | undefined;
  const { system, id } = await openWith((inputs, real) => {
    if (ghost !== undefined) return real(inputs);
    ghost = () => real(inputs);
    isSent.resolve();
    return new Promise(() => undefined); // Nothing of this invocation happens any more.
  });

  void system.receive([{ contactId: id }]);
  await isSent.promise;
  await system.login(id);
  system.portal.time.nowMs += 1_800_000; // The visibility time-out.
  await system.receive([{ contactId: id }], 2);
  await expectShown(system, id, '14');
  const doubts = system.takeSent();
  await ghost?.();

  expect(doubts).toEqual([
    { lane: 'changes', request: { portalId: PORTAL, contactId: id, force: true }, delaySeconds: 900 },
  ]);
  await settle(system, doubts);
  await expectShown(system, id, '14');
});

test('two instances read back the same contact, and one writes it meanwhile: the other looks again instead of writing it twice', async () => {
  let meanwhile: () => Promise<unknown> = nothing;
  const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
    hubSpot: {
      ...hubSpot,
      contacts: {
        ...hubSpot.contacts,
        async read(...asked) {
          const records = await hubSpot.contacts.read(...asked);
          await meanwhile();
          return records;
        },
      },
    },
  }));
  const id = system.portal.crm.create('contacts', {});
  await system.loginKnown(id);
  meanwhile = async () => {
    meanwhile = nothing;
    await system.receive([{ contactId: id }]);
  };

  await system.receive([{ contactId: id, force: true }]);
  const looks = system.takeSent();
  await settle(system, looks);

  expect(looks).toEqual([
    { lane: 'changes', request: { portalId: PORTAL, contactId: id, force: true }, delaySeconds: 5 },
  ]);
  expect(system.portal.crm.history('contacts', id, 'afterglow_score')).toHaveLength(1);
  await expectShown(system, id, '7');
});

test('an instance dies after its copies are sent and before its messages are gone: both come, and the second costs no write', async () => {
  let isLocked = true;
  const { system, id } = await openWith((inputs, real) => {
    if (isLocked)
      throw new HubSpotError('locked', 423, 'LOCKED', { retryAtMs: system.portal.time.nowMs + 2000 });
    return real(inputs);
  });

  await system.receive([{ contactId: id }]);
  const copies = system.takeSent();
  isLocked = false;
  system.takeCalls();
  await system.receive(copies.map(({ request }) => request)); // The copy, and then the original again.
  await system.receive([{ contactId: id }], 2);

  expect(system.takeCalls()).toEqual(['POST batch/update', 'POST batch/read']); // Received again: the contact is read once more.
  await settle(system, system.takeSent());
  expect(system.takeCalls()).toEqual(['POST batch/read']); // And read back once.
  await expectShown(system, id, '7');
});
