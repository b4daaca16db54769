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

/** A portal whose contacts have a customer number of their own. */
async function open(): Promise<System> {
  const system = await openSystem(engine, {}, {}, () => ({ idProperty: 'customer_number' }));
  system.portal.crm.defineProperty('contacts', {
    name: 'customer_number',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
    hasUniqueValue: true,
  });
  return system;
}

/** A contact that logged in once and was not read yet. */
async function create(system: System, properties: Record<string, string>): Promise<string> {
  const id = system.portal.crm.create('contacts', properties);
  await system.login(id);
  return id;
}

interface Input {
  readonly id: string;
  readonly idProperty?: string;
}

/** What was sent in each batch update so far. */
function sentInputs({ exchanges }: System): { id: string; idProperty: string | undefined }[][] {
  return exchanges
    .filter(({ path }) => path.endsWith('/contacts/batch/update'))
    .map(({ requestBody }) => {
      const { inputs }: { inputs: Input[] } = JSON.parse(JSON.stringify(requestBody));
      return inputs.map(({ id, idProperty }) => ({ id, idProperty }));
    });
}

const isConfirmed = async (system: System, id: string) => {
  const { writeId, confirmedWriteId } = await system.head(id);
  return writeId === confirmedWriteId;
};

test('contacts are written by the property; who has no value, by the record id', async () => {
  const system = await open();
  const [one, other] = [await create(system, { customer_number: 'K-1' }), await create(system, {})];

  await system.receive([{ contactId: one }, { contactId: other }]);

  expect(sentInputs(system)).toEqual([
    [{ id: 'K-1', idProperty: 'customer_number' }],
    [{ id: other, idProperty: undefined }],
  ]);
  expect([system.shown(one), system.shown(other)]).toMatchObject([{ score: '7' }, { score: '7' }]);
  expect(await isConfirmed(system, one)).toBe(true);
  expect(system.specProblems()).toEqual([]);
});

test('a value that moved to another contact since: that one is left alone, this one written by its id and read again', async () => {
  const system = await open();
  const { crm } = system.portal;
  const [one, other] = [await create(system, { customer_number: 'K-1' }), crm.create('contacts', {})];
  await system.receive([{ contactId: one }]);
  await system.loginKnown(other, 3);
  await system.receive([{ contactId: other }]);
  system.portal.time.nowMs += 1000;
  crm.set('contacts', one, { customer_number: 'K-2' });
  crm.set('contacts', other, { customer_number: 'K-1' });
  await system.login(one);

  await system.receive([{ contactId: one }]);
  const sent = system.takeSent();
  await system.receive(sent.map(({ request }) => request));

  expect(sent).toEqual([]);
  expect(system.shown(one)).toMatchObject({ score: '14' });
  expect(system.shown(other)).toMatchObject({ score: '21' });
  expect(await isConfirmed(system, one)).toBe(true);
  expect((await system.head(one)).readAtMs).toBeUndefined();
  await system.receive([{ contactId: one }]);
  const kept = await system.store.propertyOf([contactKey(PORTAL, one)], 'customer_number');
  expect([...kept.values()]).toEqual(['K-2']);
});

test('two that are kept with the same value are not sent in one batch by it', async () => {
  const system = await open();
  const [one, other] = [await create(system, { customer_number: 'K-1' }), await create(system, {})];
  await system.receive([{ contactId: one }, { contactId: other }]);
  const later = system.portal.time.nowMs + 1000;
  const value = { name: 'customer_number', value: 'k-1', occurredAtMs: later };
  await system.store.keep(contactKey(PORTAL, other), [], [value]);
  await system.login(one);
  await system.login(other);
  const before = sentInputs(system).length;

  await system.receive([{ contactId: one }, { contactId: other }]);

  expect(sentInputs(system).slice(before)).toEqual([
    [{ id: 'K-1', idProperty: 'customer_number' }],
    [{ id: other, idProperty: undefined }],
  ]);
  expect([system.shown(one), system.shown(other)]).toMatchObject([{ score: '14' }, { score: '14' }]);
});

test('a contact merged away since is united with the living one', async () => {
  const system = await open();
  const { crm } = system.portal;
  const [one, other] = [
    await create(system, { customer_number: 'K-1' }),
    await create(system, { customer_number: 'K-2' }),
  ];
  await system.receive([{ contactId: one }, { contactId: other }]);
  const living = crm.merge('contacts', one, other);
  await system.login(one);

  let requests: Parameters<System['receive']>[0] = [{ contactId: one }];
  for (let round = 0; requests.length > 0 && round < 6; round++) {
    await system.receive(requests);
    requests = system.takeSent().map(({ request }) => request);
  }

  expect(requests).toEqual([]);
  expect(system.shown(living)).toMatchObject({ score: '14' });
  expect(await isConfirmed(system, living)).toBe(true);
});
