import { contactKey } from '../../lambdas/store/keys.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type System } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

const nothing = async () => undefined;
const NOTHING_FAILED = { batchItemFailures: [] };

async function known(system: System): Promise<string> {
  const id = system.portal.crm.create('contacts', {});
  await system.loginKnown(id);
  system.takeCalls();
  return id;
}

const isConfirmed = async (system: System, id: string) => {
  const { writeId, confirmedWriteId } = await system.head(id);
  return writeId === confirmedWriteId;
};

const urgently = (system: System, requests: Parameters<System['receive']>[0]) =>
  system.receive(requests, 1, 'urgent');

test('one contact goes at once, by a call of its own', async () => {
  const system = await openSystem(engine);
  const id = await known(system);

  const response = await urgently(system, [{ contactId: id }]);

  expect(response).toEqual(NOTHING_FAILED);
  expect(system.takeCalls()).toEqual([`PATCH ${id}`]);
  expect(system.shown(id)).toMatchObject({ score: '7', grade: 'B' });
  expect(await isConfirmed(system, id)).toBe(true);
});

test('several at once are one batch, and on other lanes also one alone is', async () => {
  const system = await openSystem(engine);
  const [one, other] = [await known(system), await known(system)];

  await urgently(system, [{ contactId: one }, { contactId: other }]);
  await system.loginKnown(one);
  await system.receive([{ contactId: one }], 1, 'changes');

  expect(system.takeCalls()).toEqual(['POST batch/update', 'POST batch/update']);
});

test('of whom only the address is known is found by it and goes alone as well', async () => {
  const system = await openSystem(engine);
  const id = system.portal.crm.create('contacts', { email: 'jane@example.com' });
  await system.loginBy('jane@example.com');
  system.takeCalls();

  await urgently(system, [{ email: 'jane@example.com' }]);

  expect(system.takeCalls()).toEqual(['POST batch/read', 'POST batch/read', `PATCH ${id}`]);
  expect(system.shown(id)).toMatchObject({ score: '7' });
});

test('a contact merged away meanwhile: the single call finds the living one; state is united, and written there', async () => {
  const system = await openSystem(engine);
  const [one, other] = [await known(system), await known(system)];
  const living = system.portal.crm.merge('contacts', one, other);

  await urgently(system, [{ contactId: one }]);
  const sent = system.takeSent();
  await urgently(
    system,
    sent.map(({ request }) => request),
  );

  expect(sent).toMatchObject([
    { request: { portalId: PORTAL, contactId: one, force: true }, delaySeconds: 5 },
  ]);
  expect(system.shown(living)).toMatchObject({ score: '7' });
  expect(await isConfirmed(system, living)).toBe(true);
});

test('what follows a merge to the living record may not stay there: that is read back, though it was confirmed', async () => {
  let meanwhile: () => Promise<void> = nothing;
  const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
    hubSpot: {
      ...hubSpot,
      contacts: {
        ...hubSpot.contacts,
        async patch(...asked) {
          await meanwhile();
          return hubSpot.contacts.patch(...asked);
        },
      },
    },
  }));
  const { crm } = system.portal;
  const [one, other] = [await known(system), await known(system)];
  let living = '';
  // While the single write is on its way, both become one, which another instance writes and confirms with 14 points.
  meanwhile = async () => {
    meanwhile = nothing;
    living = crm.merge('contacts', one, other);
    for (const id of [one, other])
      await system.store.unite(contactKey(PORTAL, id), contactKey(PORTAL, living));
    await system.loginKnown(living, 0);
    await system.receive([{ contactId: living }]);
  };

  await urgently(system, [{ contactId: one }]);
  expect(system.shown(living)).toMatchObject({ score: '7' });
  let left = system.takeSent();
  for (let round = 0; left.length > 0 && round < 5; round++) {
    await urgently(
      system,
      left.map(({ request }) => request),
    );
    left = system.takeSent();
  }

  expect(left).toEqual([]);
  expect(system.shown(living)).toMatchObject({ score: '14' });
  expect(await isConfirmed(system, living)).toBe(true);
});

test('a contact deleted meanwhile is marked so, and not tried again', async () => {
  const system = await openSystem(engine);
  const id = await known(system);
  system.portal.crm.delete('contacts', id);

  await urgently(system, [{ contactId: id }]);

  expect(await system.head(id)).toMatchObject({ life: 'deleted' });
  expect(system.takeSent()).toEqual([]);
});

test('without an answer, HubSpot is read back after 15 minutes', async () => {
  const system = await openSystem(engine, {
    faults: ({ method }) => (method === 'PATCH' ? { kind: 'no-answer', lands: 'before' } : undefined),
  });
  const id = await known(system);

  await urgently(system, [{ contactId: id }]);

  expect(system.takeSent()).toEqual([
    { lane: 'urgent', request: { portalId: PORTAL, contactId: id, force: true }, delaySeconds: 900 },
  ]);
});
