import { readDefinitions } from '../../lambdas/hubspot/definitions.ts';
import { outputProperties } from '../../lambdas/hubspot/outputs.ts';
import { provisionProperties } from '../../lambdas/hubspot/properties.ts';
import type { Withheld } from '../../lambdas/portal/withheld.ts';
import { Outputs, type OutputsParts } from '../../lambdas/write-back/outputs.ts';
import type { SimulatorOptions } from '../../local/hubspot/simulator.ts';
import { loginModel } from '../hubspot/connection.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type System, type SystemParts } from './system.ts';

const MINUTES = 60_000;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

interface Knowing extends System {
  /** What another process of the same portal goes by. */
  readonly another: Outputs;
}

/** A system that knows how its portal defines properties; `mayTell` says whether HubSpot tells it. */
async function openKnowing(mayTell = () => true, faults?: SimulatorOptions['faults']): Promise<Knowing> {
  let state: Withheld = { names: [] };
  const remembered: OutputsParts['remembered'] = {
    read: async () => state,
    async update(change) {
      const changed = change(state);
      state = changed.state;
      return changed.result;
    },
  };
  const wanted = outputProperties(loginModel());
  const outputsOf = ({ clock, background, count, logger }: SystemParts): Outputs => {
    const cache = new Map<string, Awaited<ReturnType<typeof readDefinitions>>>();
    const definitions: OutputsParts['definitions'] = async (type, how) => {
      if (!mayTell()) return undefined;
      const names = wanted[type].map(({ name }) => name);
      const known = how === 'anew' ? undefined : cache.get(type);
      if (how === 'kept') return known;
      const read = known ?? (await readDefinitions(system.portal.url, system.send, type, names));
      cache.set(type, read);
      return read;
    };
    return new Outputs({
      clock,
      portalId: PORTAL,
      wanted,
      background,
      count,
      logger,
      definitions,
      remembered,
    });
  };
  const made: Outputs[] = [];
  const system: System = await openSystem(engine, faults === undefined ? {} : { faults }, {}, (own) => {
    made.push(outputsOf(own), outputsOf(own));
    return { outputs: made[0] ?? own.outputs };
  });
  const [, another] = made;
  if (another === undefined) throw new Error('there is no other process');
  return Object.assign(system, { another });
}

const writesOf = ({ takeCalls }: System) => takeCalls().filter((call) => call === 'POST batch/update');
const archive = ({ portal }: System, name: string) =>
  portal.call('DELETE', `/crm/properties/2026-03/contacts/${name}`);

test('a property that somebody archived is left out, named in one alarm for all contacts; everything else is written', async () => {
  const system = await openKnowing();
  const ids = await system.createMany(150);
  await system.receive([{ contactId: ids[0] ?? '' }]);
  expect(system.shown(ids[0] ?? '')).toMatchObject({ write_id: `write-${ids[0]}` });
  await archive(system, 'afterglow_reasons');
  writesOf(system);

  const response = await system.receive(ids.map((contactId) => ({ contactId })));

  expect(response).toEqual({ batchItemFailures: [] });
  expect(system.deadLetters).toEqual([]);
  expect(system.takeSent()).toEqual([]);
  // Two batches that are refused, and both again without it.
  expect(writesOf(system)).toHaveLength(4);
  expect(ids.map((id) => system.shown(id)['score'])).toEqual(ids.map(() => '7'));
  // No write id vouches for what is not all there.
  expect(system.shown(ids[1] ?? '')['write_id'] ?? '').toBe('');
  const alarms = system.logged.filter((line) => JSON.stringify(line).includes('left out'));
  expect(alarms).toEqual([[expect.stringContaining('left out'), { properties: ['afterglow_reasons'] }]]);
});

test('from then on it is not sent at all, and the alarm lasts', async () => {
  const system = await openKnowing();
  const [one = '', other = ''] = await system.createMany(2);
  await archive(system, 'afterglow_reasons');
  await system.receive([{ contactId: one }]);
  writesOf(system);
  const before = system.counted.get('UnwritableProperties') ?? 0;

  await system.receive([{ contactId: other }]);

  expect(writesOf(system)).toHaveLength(1);
  expect(system.shown(other)).toMatchObject({ score: '7' });
  expect(system.counted.get('UnwritableProperties')).toBe(before + 1);
});

test('when it is back, who was written without it is sent again, and written whole', async () => {
  const system = await openKnowing();
  const [id = ''] = await system.createMany(1);
  await archive(system, 'afterglow_model');
  await system.receive([{ contactId: id }]);
  expect(system.shown(id)).toMatchObject({ score: '7' });
  expect(system.shown(id)['write_id'] ?? '').toBe('');
  await provisionProperties(system.portal.url, system.send, outputProperties(loginModel()), () => undefined);
  system.portal.time.nowMs += 15 * MINUTES;

  await system.receive([]);
  const asked = system.takeSent();
  await system.receive(
    asked.map(({ request }) => request),
    1,
    'background',
  );
  const sent = system.takeSent();
  await system.receive(
    sent.map(({ request }) => request),
    1,
    'background',
  );

  expect(asked.map(({ request }) => request)).toEqual([{ portalId: PORTAL, resume: 'unconfirmed' }]);
  expect(sent.map(({ request }) => request)).toEqual([{ portalId: PORTAL, contactId: id, force: true }]);
  expect(system.shown(id)).toMatchObject({ score: '7', model: 'logins@1', write_id: `write-${id}` });
});

test('a choice that HubSpot does not know is left out where it would be written, and nowhere else', async () => {
  const system = await openKnowing();
  const options = [{ label: 'B', value: 'B', displayOrder: 0, hidden: false }];
  await system.portal.call('PATCH', '/crm/properties/2026-03/contacts/afterglow_grade', { options });
  const ids = await system.createMany(2, (at) => ({ grade: at === 0 ? 'A' : 'B' }));

  await system.receive(ids.map((contactId) => ({ contactId })));

  const [one, other] = ids.map((id) => system.shown(id));
  expect(one).toMatchObject({ score: '7' });
  expect([one?.['grade'] ?? '', one?.['write_id'] ?? '']).toEqual(['', '']);
  expect(other).toMatchObject({ score: '7', grade: 'B', write_id: `write-${ids[1]}` });
  expect(system.deadLetters).toEqual([]);
});

test('where HubSpot does not tell its definitions, what it refuses is believed for a quarter of an hour', async () => {
  const system = await openKnowing(() => false);
  const [one = '', other = ''] = await system.createMany(2);
  await archive(system, 'afterglow_reasons');
  await system.receive([{ contactId: one }]);
  // Only this process knows of it: whoever comes after it is to find who was written without.
  expect(system.takeSent()).toEqual([
    { lane: 'background', request: { portalId: PORTAL, resume: 'unconfirmed' }, delaySeconds: 900 },
  ]);
  writesOf(system);
  await system.receive([{ contactId: other }]);

  expect(system.takeSent()).toEqual([]);
  expect(system.shown(one)).toMatchObject({ score: '7' });
  expect(system.shown(one)['write_id'] ?? '').toBe('');
  expect(system.shown(other)).toMatchObject({ score: '7' });
  expect(system.shown(other)['write_id'] ?? '').toBe('');
  expect(writesOf(system)).toHaveLength(1);

  await provisionProperties(system.portal.url, system.send, outputProperties(loginModel()), () => undefined);
  system.portal.time.nowMs += 15 * MINUTES;
  await system.receive([{ contactId: one }]);

  // What it takes again is proof; that time has passed would be none.
  expect(system.takeSent()).toEqual([
    { lane: 'background', request: { portalId: PORTAL, resume: 'unconfirmed' }, delaySeconds: 900 },
  ]);
  expect(system.shown(one)).toMatchObject({ write_id: `write-${one}` });
});

test('where HubSpot does not tell its definitions, that it refuses a value is no reason to withhold the property from others', async () => {
  const system = await openKnowing(() => false);
  const options = [{ label: 'B', value: 'B', displayOrder: 0, hidden: false }];
  await system.portal.call('PATCH', '/crm/properties/2026-03/contacts/afterglow_grade', { options });
  const [odd = '', other = ''] = await system.createMany(2, (at) => ({ grade: at === 0 ? 'A' : 'B' }));

  await system.receive([{ contactId: odd }]);
  const sent = system.takeSent();
  await system.receive([{ contactId: other }]);

  expect(sent).toMatchObject([{ request: { contactId: odd, declined: 1 } }]);
  expect(system.shown(other)).toMatchObject({ grade: 'B', write_id: `write-${other}` });
});

test('of two processes that withhold a property one notices late that it is back: it sends all again once more', async () => {
  const system = await openKnowing();
  const { another } = system;
  const [id = ''] = await system.createMany(1);
  await archive(system, 'afterglow_reasons');
  await another.renew();
  await system.receive([{ contactId: id }]);
  expect(another.withheld('contacts', { afterglow_reasons: 'x' }).size).toBe(1);
  await provisionProperties(system.portal.url, system.send, outputProperties(loginModel()), () => undefined);
  system.portal.time.nowMs += 15 * MINUTES;
  await system.receive([]);
  expect(system.takeSent()).toHaveLength(1);

  // Until now it wrote without the property, also after all were sent again.
  expect(another.withheld('contacts', { afterglow_reasons: 'x' }).size).toBe(1);
  await another.renew();

  expect(system.takeSent()).toEqual([
    { lane: 'background', request: { portalId: PORTAL, resume: 'unconfirmed' }, delaySeconds: 900 },
  ]);
  await another.renew();
  expect(system.takeSent()).toEqual([]);
});

test('what was written in part is not confirmed, costs no second write by itself, and is found by the job', async () => {
  const system = await openKnowing();
  const [id = ''] = await system.createMany(1);
  await archive(system, 'afterglow_reasons');

  await system.receive([{ contactId: id }]);

  const { writeId, confirmedWriteId } = await system.head(id);
  expect([writeId, confirmedWriteId]).toEqual([`write-${id}`, undefined]);
  expect(system.takeSent()).toEqual([]);
  const { contactIds } = await system.store.unsettled(undefined);
  expect(contactIds).toEqual([id]);
});

test('a property that HubSpot refuses although it defines it as it should be: the record is declined, nothing is withheld from others', async () => {
  let refused = '';
  const errors = [{ message: 'm', code: 'READ_ONLY_VALUE', context: { propertyName: ['afterglow_score'] } }];
  const system = await openKnowing(
    () => true,
    ({ path, body }) =>
      path.endsWith('batch/update') && JSON.stringify(body).includes(`"id":"${refused}"`)
        ? {
            kind: 'answer',
            status: 400,
            body: { category: 'VALIDATION_ERROR', correlationId: 'c-1', errors },
          }
        : undefined,
  );
  const [one = '', other = ''] = await system.createMany(2);
  refused = one;
  await system.receive([{ contactId: one }]);
  const sent = system.takeSent();
  await system.receive([{ contactId: other }]);

  expect(sent).toEqual([
    { lane: 'changes', request: { portalId: PORTAL, contactId: one, declined: 1 }, delaySeconds: 60 },
  ]);
  expect(system.shown(other)).toMatchObject({ score: '7', write_id: `write-${other}` });
  expect(system.counted.get('UnwritableProperties')).toBeUndefined();
});
