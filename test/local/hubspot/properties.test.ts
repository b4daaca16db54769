import { closeAll, NOON_MS, openPortal, type Portal } from './portal.ts';

afterEach(closeAll);

const SCORE = { name: 'warmth', label: 'Warmth', type: 'number', fieldType: 'number', groupName: 'glow' };
const GROUP = { name: 'glow', label: 'Glow', displayOrder: 3 };

const option = (value: string, displayOrder: number) => ({
  label: value,
  value,
  displayOrder,
  hidden: false,
});

async function portalWithGroup(path: string): Promise<Portal> {
  const portal = await openPortal();
  expect((await portal.call('POST', `${path}/groups`, GROUP)).status).toBe(201);
  return portal;
}

describe.each([
  ['/crm/properties/2026-03/contacts'],
  ['/crm/v3/properties/contacts'],
  ['/crm/properties/2026-03/0-1'],
])('%s', (path) => {
  test('a group and a property are created, read, changed, archived and come back', async () => {
    const portal = await portalWithGroup(path);

    const created = await portal.call('POST', path, SCORE);
    expect(created).toMatchObject({
      status: 201,
      body: { ...SCORE, archived: false, hubspotDefined: false, options: [] },
    });
    expect(await portal.call('GET', `${path}/warmth`)).toMatchObject({ status: 200, body: SCORE });
    expect((await portal.call('GET', path)).body.results.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['email', 'warmth']),
    );
    expect((await portal.call('PATCH', `${path}/warmth`, { label: 'Heat' })).body).toMatchObject({
      ...SCORE,
      label: 'Heat',
    });
    expect((await portal.call('DELETE', `${path}/warmth`)).status).toBe(204);
    expect((await portal.call('GET', `${path}/warmth`)).status).toBe(404);
    expect((await portal.call('GET', `${path}?archived=true`)).body.results).toMatchObject([
      { name: 'warmth', archived: true },
    ]);
    expect((await portal.call('POST', path, SCORE)).status).toBe(201);
    expect((await portal.call('GET', `${path}/warmth`)).status).toBe(200);
    expect(portal.specProblems).toEqual([]);
  });

  test('a name that exists is a conflict', async () => {
    const portal = await portalWithGroup(path);
    await portal.call('POST', path, SCORE);

    expect(await portal.call('POST', path, SCORE)).toMatchObject({
      status: 409,
      body: { category: 'OBJECT_ALREADY_EXISTS', subCategory: 'Properties.PROPERTY_WITH_NAME_EXISTS' },
    });
    expect(await portal.call('POST', path, { ...SCORE, name: 'email' })).toMatchObject({ status: 409 });
    expect(await portal.call('POST', `${path}/groups`, GROUP)).toMatchObject({
      status: 409,
      body: { category: 'OBJECT_ALREADY_EXISTS' },
    });
    expect(portal.specProblems).toEqual([]);
  });
});

const PATH = '/crm/properties/2026-03/contacts';

test('groups are listed, read and changed, and archived only when empty', async () => {
  const portal = await portalWithGroup(PATH);
  await portal.call('POST', PATH, SCORE);

  expect((await portal.call('GET', `${PATH}/groups`)).body.results).toContainEqual({
    ...GROUP,
    archived: false,
  });
  expect((await portal.call('GET', `${PATH}/groups/glow`)).body).toEqual({ ...GROUP, archived: false });
  expect((await portal.call('PATCH', `${PATH}/groups/glow`, { label: 'Embers' })).body.label).toBe('Embers');
  expect((await portal.call('DELETE', `${PATH}/groups/glow`)).status).toBe(400);
  await portal.call('DELETE', `${PATH}/warmth`);
  expect((await portal.call('DELETE', `${PATH}/groups/glow`)).status).toBe(204);
  for (const method of ['GET', 'DELETE'])
    expect((await portal.call(method, `${PATH}/groups/glow`)).status).toBe(404);
  expect((await portal.call('PATCH', `${PATH}/groups/glow`, { label: 'x' })).status).toBe(404);
  expect((await portal.call('POST', PATH, SCORE)).status).toBe(400);
  expect(portal.specProblems).toEqual([]);
});

test('changing options replaces them all', async () => {
  const portal = await portalWithGroup(PATH);
  const grade = {
    ...SCORE,
    name: 'grade',
    type: 'enumeration',
    fieldType: 'select',
    options: [option('A', 0), option('B', 1)],
  };
  await portal.call('POST', PATH, grade);

  const changed = await portal.call('PATCH', `${PATH}/grade`, { options: [option('B', 0), option('C', 1)] });

  expect(changed.body.options.map(({ value }: { value: string }) => value)).toEqual(['B', 'C']);
  const write = (value: string) =>
    portal.call('POST', '/crm/objects/2026-03/contacts', { properties: { grade: value }, associations: [] });
  expect(await write('A')).toMatchObject({ status: 400, body: { errors: [{ code: 'INVALID_OPTION' }] } });
  expect((await write('C')).status).toBe(201);
  const twice = await portal.call('PATCH', `${PATH}/grade`, { options: [option('B', 0), option('B', 1)] });
  expect(twice.status).toBe(400);
  expect(portal.specProblems).toEqual([]);
});

test.each([
  ['no such group', { groupName: 'nosuch' }],
  ['a capital in the name', { name: 'Warmth' }],
  ['a digit first', { name: '1st' }],
  ['a type that does not go with the field', { type: 'number', fieldType: 'text' }],
  ['an unknown type', { type: 'money' }],
  ['no label', { label: '' }],
  ['a boolean without its options', { type: 'bool', fieldType: 'booleancheckbox' }],
  ['the name missing', { name: undefined }],
])('a property is refused for %s', async (_because, parts) => {
  const portal = await portalWithGroup(PATH);

  const answer = await portal.call('POST', PATH, { ...SCORE, ...parts });

  expect(answer).toMatchObject({ status: 400, body: { category: 'VALIDATION_ERROR' } });
});

test('a batch creates what is new and names what exists', async () => {
  const portal = await portalWithGroup(PATH);
  await portal.call('POST', PATH, SCORE);

  const answer = await portal.call('POST', `${PATH}/batch/create`, {
    inputs: [SCORE, { ...SCORE, name: 'cold' }],
  });
  const fresh = await portal.call('POST', `${PATH}/batch/create`, { inputs: [{ ...SCORE, name: 'hot' }] });

  expect(answer).toMatchObject({
    status: 207,
    body: {
      results: [{ name: 'cold' }],
      errors: [{ category: 'OBJECT_ALREADY_EXISTS', context: { name: ['warmth'] } }],
    },
  });
  expect(fresh.status).toBe(201);
  const read = await portal.call('POST', `${PATH}/batch/read`, {
    inputs: [{ name: 'cold' }, { name: 'nosuch' }],
    archived: false,
    dataSensitivity: 'non_sensitive',
  });
  expect(read).toMatchObject({
    status: 207,
    body: { results: [{ name: 'cold' }], errors: [{ context: { name: ['nosuch'] } }] },
  });
  expect((await portal.call('POST', `${PATH}/batch/archive`, { inputs: [{ name: 'cold' }] })).status).toBe(
    204,
  );
  expect((await portal.call('GET', `${PATH}/cold`)).status).toBe(404);
  const many = Array.from({ length: 101 }, (_, index) => ({ ...SCORE, name: `p${index}` }));
  expect((await portal.call('POST', `${PATH}/batch/create`, { inputs: many })).status).toBe(400);
  expect(portal.specProblems).toEqual([]);
});

test("HubSpot's own properties say what is read-only, and stay", async () => {
  const portal = await openPortal();

  expect((await portal.call('GET', `${PATH}/hs_analytics_num_visits`)).body).toMatchObject({
    hubspotDefined: true,
    modificationMetadata: { readOnlyValue: true },
  });
  expect((await portal.call('GET', `${PATH}/jobtitle`)).body).toMatchObject({
    hubspotDefined: true,
    modificationMetadata: { readOnlyValue: false },
  });
  expect((await portal.call('DELETE', `${PATH}/jobtitle`)).status).toBe(400);
  expect((await portal.call('PATCH', `${PATH}/jobtitle`, { type: 'number' })).status).toBe(400);
  for (const type of ['contacts', 'companies', 'deals'])
    await portal.call('GET', `/crm/properties/2026-03/${type}`);
  expect(portal.specProblems).toEqual([]);
});

test('at most ten properties have unique values, at most a thousand are custom', async () => {
  const portal = await portalWithGroup(PATH);
  const create = (name: string, hasUniqueValue = false) =>
    portal.call('POST', PATH, { ...SCORE, name, type: 'string', fieldType: 'text', hasUniqueValue });
  for (let count = 0; count < 10; count++) expect((await create(`unique_${count}`, true)).status).toBe(201);
  expect((await create('one_more', true)).status).toBe(400);
  for (let count = 10; count < 1000; count++)
    portal.crm.defineProperty('contacts', {
      name: `custom_${count}`,
      type: 'string',
      fieldType: 'text',
      groupName: 'glow',
    });

  expect((await create('one_more')).status).toBe(400);
});

test('a new property is seen only after a moment, by reads and by writes', async () => {
  let wallMs = NOON_MS;
  const portal = await openPortal({ propertyLagMs: [250, 300], wallClock: () => wallMs });
  await portal.call('POST', `${PATH}/groups`, GROUP);
  const write = () =>
    portal.call('POST', '/crm/objects/2026-03/contacts', { properties: { warmth: '1' }, associations: [] });

  expect((await portal.call('POST', PATH, SCORE)).status).toBe(201);
  expect((await portal.call('GET', `${PATH}/warmth`)).status).toBe(404);
  expect((await write()).status).toBe(400);
  expect((await portal.call('POST', PATH, SCORE)).status).toBe(409);
  wallMs += 249;
  expect((await portal.call('GET', `${PATH}/warmth`)).status).toBe(404);
  wallMs += 51;

  expect((await portal.call('GET', `${PATH}/warmth`)).status).toBe(200);
  expect((await write()).status).toBe(201);
});
