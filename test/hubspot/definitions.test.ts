import { type Definitions, readDefinitions, unwritable } from '../../lambdas/hubspot/definitions.ts';
import { outputProperties } from '../../lambdas/hubspot/outputs.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Connection, connect, connectProvisioned, loginModel } from './connection.ts';

afterEach(closeAll);

const WANTED = outputProperties(loginModel()).contacts;
const NAMES = WANTED.map(({ name }) => name);

const read = ({ portal, send }: Connection, names = NAMES) =>
  readDefinitions(portal.url, send, 'contacts', names);

test('of a portal that was provisioned all of ours are told, and everything can be written', async () => {
  const connection = await connectProvisioned();

  const definitions = await read(connection);

  expect(Object.keys(definitions).toSorted()).toEqual(NAMES.toSorted());
  expect(definitions).toMatchObject({
    afterglow_score: { type: 'number', fieldType: 'number', isReadOnly: false, isUnique: false, options: [] },
    afterglow_grade: { type: 'enumeration', fieldType: 'select', options: ['A', 'B'] },
  });
  expect(unwritable(definitions, WANTED)).toEqual([]);
  expect(unwritable(definitions, WANTED, { afterglow_score: '5', afterglow_grade: 'A' })).toEqual([]);
  expect(connection.takeCalls()).toEqual(['GET contacts']);
  expect(connection.specProblems()).toEqual([]);
});

test('a portal without our properties has none of them to write to', async () => {
  const connection = await connect();

  const definitions = await read(connection);

  expect(unwritable(definitions, WANTED)).toEqual(NAMES);
});

test('archived, read-only, calculated and retyped properties cannot be written; with values, only theirs are named', async () => {
  const connection = await connectProvisioned();
  const { crm } = connection.portal;
  const number = { groupName: 'afterglow', type: 'number', fieldType: 'number' };
  crm.defineProperty('contacts', { ...number, name: 'afterglow_score', archivedAtMs: NOON_MS });
  crm.defineProperty('contacts', { ...number, name: 'afterglow_fit_score', readOnlyValue: true });
  crm.defineProperty('contacts', {
    ...number,
    name: 'afterglow_engagement_score',
    fieldType: 'calculation_equation',
  });
  crm.defineProperty('contacts', { ...number, name: 'afterglow_model' });

  const definitions = await read(connection);

  const bad = ['afterglow_score', 'afterglow_fit_score', 'afterglow_engagement_score', 'afterglow_model'];
  expect(unwritable(definitions, WANTED)).toEqual(bad);
  expect(unwritable(definitions, WANTED, { afterglow_model: 'm', afterglow_status: 'scored' })).toEqual([
    'afterglow_model',
  ]);
});

test('a custom unique property is told as one', async () => {
  const connection = await connect();
  connection.portal.crm.defineProperty('contacts', {
    name: 'customer_number',
    groupName: 'contactinformation',
    type: 'string',
    fieldType: 'text',
    hasUniqueValue: true,
  });

  const definitions = await read(connection, ['customer_number', 'jobtitle', 'nothing_of_the_kind']);

  expect(definitions).toMatchObject({
    customer_number: { isUnique: true },
    jobtitle: { isUnique: false },
    nothing_of_the_kind: null,
  });
});

const grade = (...options: string[]): Definitions => ({
  afterglow_grade: { type: 'enumeration', fieldType: 'radio', isReadOnly: false, isUnique: false, options },
});

describe('what an enumeration does not know', () => {
  test.each<
    [because: string, definitions: Definitions, values: Record<string, string> | undefined, bad: boolean]
  >([
    ['the choice is there', grade('A', 'B'), { afterglow_grade: 'A' }, false],
    ['the choice is not there', grade('A'), { afterglow_grade: 'B' }, true],
    ['choices are told apart by case', grade('a'), { afterglow_grade: 'A' }, true],
    ['nothing clears it', grade('A'), { afterglow_grade: '' }, false],
    ['another value is written', grade(), { afterglow_score: '5' }, false],
    ['some contact will have the grade that is missing', grade('A'), undefined, true],
    ['further choices do no harm', grade('A', 'B', 'C'), undefined, false],
    ['it was not asked for, so it is tried', {}, { afterglow_grade: 'A' }, false],
    ['it is not there', { afterglow_grade: null }, { afterglow_grade: 'A' }, true],
  ])('%s', (_because, definitions, values, bad) => {
    expect(unwritable(definitions, WANTED, values)).toEqual(bad ? ['afterglow_grade'] : []);
  });
});

test('a property that is listed as archived is not there', async () => {
  const listed = { name: 'afterglow_score', type: 'number', fieldType: 'number', archived: true };
  const body = { results: [listed] };
  const connection = await connect({ faults: () => ({ kind: 'answer', status: 200, body }) });

  expect(await read(connection, ['afterglow_score'])).toEqual({ afterglow_score: null });
});

test.each([
  ['an empty list', { results: [] }],
  ['a list of something else', { results: [{ name: 5 }] }],
])('%s is no answer: nothing of ours is withheld for it', async (_name, body) => {
  const connection = await connect({ faults: () => ({ kind: 'answer', status: 200, body }) });

  await expect(read(connection)).rejects.toMatchObject({ name: 'HubSpotError', trouble: 'unknown' });
});
