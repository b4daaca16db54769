import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type System } from './system.ts';

const nothing = async () => undefined;
const HOUR_MS = 3_600_000;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

/** Something answers every write of ours with another change. */
async function writeInLoop(system: System, contactId: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    system.portal.time.nowMs += 1000;
    await system.loginKnown(contactId);
    await system.receive([{ contactId }]);
  }
}

const known = async (system: System) => {
  const id = system.portal.crm.create('contacts', {});
  await system.loginKnown(id);
  return id;
};

const writes = ({ portal }: System, id: string) =>
  portal.crm.history('contacts', id, 'afterglow_score').length;

test('a contact that is written 20 times within an hour is held back until the hour is over, and counted; its neighbours go on', async () => {
  const system = await openSystem(engine);
  const [looping, other] = [await known(system), await known(system)];

  await writeInLoop(system, looping, 21);
  const held = system.takeSent();
  await system.receive([{ contactId: other }]);

  expect(writes(system, looping)).toBe(20);
  expect(system.shown(looping)).toMatchObject({ score: String(7 * 21) }); // 1 login, then 21; the last is not shown.
  expect(held).toEqual([
    {
      lane: 'changes',
      request: { portalId: PORTAL, contactId: looping, postponed: 1 },
      delaySeconds: 900,
    },
  ]);
  expect(system.counted.get('LoopBreaker')).toBe(1);
  expect(system.shown(other)).toMatchObject({ score: '7' });

  system.portal.time.nowMs = NOON_MS + 1000 + HOUR_MS - 1;
  await system.receive([{ contactId: looping }]);
  expect(writes(system, looping)).toBe(20);
  system.portal.time.nowMs += 1;
  await system.receive([{ contactId: looping }]);
  expect(writes(system, looping)).toBe(21);
  expect(system.shown(looping)).toMatchObject({ score: String(7 * 22) });
  expect(system.deadLetters).toEqual([]);
});

test('the limit is a setting', async () => {
  const system = await openSystem(engine, {}, {}, () => ({ mostWritesPerHour: 3 }));
  const id = await known(system);

  await writeInLoop(system, id, 5);

  expect(writes(system, id)).toBe(3);
  expect(system.counted.get('LoopBreaker')).toBe(2);
});

test('writes that were overtaken count, what was only read back does not', async () => {
  let meanwhile: () => Promise<unknown> = nothing;
  const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
    mostWritesPerHour: 2,
    hubSpot: {
      ...hubSpot,
      contacts: {
        ...hubSpot.contacts,
        async update(inputs) {
          const answer = await hubSpot.contacts.update(inputs);
          await meanwhile();
          return answer;
        },
      },
    },
  }));
  const id = await known(system);
  await system.receive([{ contactId: id }]);
  for (let time = 0; time < 3; time++) await system.receive([{ contactId: id, force: true }]);
  expect(system.counted.get('LoopBreaker')).toBeUndefined();

  meanwhile = () => system.loginKnown(id);
  await system.loginKnown(id);
  await system.receive([{ contactId: id }]); // The second write: overtaken.
  meanwhile = nothing;
  await system.receive([{ contactId: id, force: true }]);

  expect(system.counted.get('LoopBreaker')).toBe(1);
  expect(writes(system, id)).toBe(2);
});
