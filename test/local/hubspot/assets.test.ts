// Lists, workflows and forms of the simulated portal, and how they keep properties from being archived.
import { closeAll, openPortal, type Portal } from './portal.ts';

afterEach(closeAll);

const LISTS = '/crm/lists/2026-03';
const FLOWS = '/automation/v4/flows';
const FORMS = '/marketing/v3/forms';
const PROPERTIES = '/crm/properties/2026-03/contacts';

/** HubSpot docs, "Lists", the example of a response, read November 2026. */
const filterOn = (property: string) => ({
  filterBranchOperator: 'OR',
  filterBranchType: 'OR',
  filterBranches: [
    {
      filterBranchOperator: 'AND',
      filterBranchType: 'AND',
      filters: [
        {
          filterType: 'PROPERTY',
          operation: {
            includeObjectsWithNoValueSet: false,
            operationType: 'MULTISTRING',
            operator: 'CONTAINS',
            values: ['j'],
          },
          property,
        },
      ],
    },
  ],
});

const list = (listId: string, property: string) => ({
  listId,
  name: `List ${listId}`,
  objectTypeId: '0-1',
  processingType: 'DYNAMIC' as const,
  filterBranch: filterOn(property),
});

const flow = (id: string, property: string) => ({
  id,
  name: `Flow ${id}`,
  isEnabled: false,
  objectTypeId: '0-1',
  enrollmentCriteria: { type: 'MANUAL', shouldReEnroll: false },
  actions: [
    { actionId: '1', actionTypeId: '0-5', type: 'SINGLE_CONNECTION', fields: { property_name: property } },
  ],
});

const SEARCH = { offset: 0, listIds: [], processingTypes: [], additionalProperties: [] };

async function portalWithWarmth(): Promise<Portal> {
  const portal = await openPortal();
  await portal.call('POST', `${PROPERTIES}/groups`, { name: 'glow', label: 'Glow' });
  for (const name of ['warmth', 'warmth_at'])
    await portal.call('POST', PROPERTIES, {
      name,
      label: name,
      type: 'number',
      fieldType: 'number',
      groupName: 'glow',
    });
  return portal;
}

describe('lists', () => {
  test('are found in pages, without their filters, and read by id with them', async () => {
    const portal = await openPortal();
    for (let n = 1; n <= 25; n++) portal.crm.addList(list(String(n), 'jobtitle'));

    const first = await portal.call('POST', `${LISTS}/search`, SEARCH);
    const second = await portal.call('POST', `${LISTS}/search`, { ...SEARCH, offset: first.body.offset });

    // HubSpot docs, "Search Lists": 20 where nobody says how many.
    expect([first.body.lists.length, first.body.offset, first.body.hasMore, first.body.total]).toEqual([
      20,
      20,
      true,
      25,
    ]);
    expect([second.body.lists.length, second.body.hasMore]).toEqual([5, false]);
    expect(first.body.lists[0]).toMatchObject({ listId: '1', name: 'List 1', additionalProperties: {} });
    expect(first.body.lists[0]).not.toHaveProperty('filterBranch');

    const read = (query: string) => portal.call('GET', `${LISTS}?${query}`);
    expect((await read('listIds=2&listIds=3&includeFilters=true')).body.lists).toMatchObject([
      { listId: '2', filterBranch: filterOn('jobtitle') },
      { listId: '3' },
    ]);
    expect((await read('listIds=2')).body.lists[0]).not.toHaveProperty('filterBranch');
    expect((await read('includeFilters=true')).body.lists).toEqual([]);
  });

  test.each([
    ['501 are too many for a page', { ...SEARCH, count: 501 }],
    ['the dated path wants to be told of all', { count: 10 }],
  ])('%s', async (_, body) => {
    const portal = await openPortal();

    expect((await portal.call('POST', `${LISTS}/search`, body)).status).toBe(400);
  });
});

describe('workflows', () => {
  test('come in pages without what they do, which is read by id', async () => {
    const portal = await openPortal();
    for (let n = 1; n <= 3; n++) portal.crm.addFlow(flow(String(n), 'jobtitle'));

    const first = await portal.call('GET', `${FLOWS}?limit=2`);
    const second = await portal.call('GET', `${FLOWS}?limit=2&after=${first.body.paging.next.after}`);

    expect(first.body.results.map(({ id }: { id: string }) => id)).toEqual(['1', '2']);
    expect(first.body.results[0]).not.toHaveProperty('actions');
    expect(second.body).toMatchObject({ results: [{ id: '3', isEnabled: false }] });
    expect(second.body.paging).toBeUndefined();
    expect((await portal.call('GET', `${FLOWS}/3`)).body).toMatchObject({
      type: 'CONTACT_FLOW',
      actions: [{ fields: { property_name: 'jobtitle' } }],
    });
    expect((await portal.call('GET', `${FLOWS}/4`)).status).toBe(404);
  });

  test('are read many at once, which leaves out what is not there', async () => {
    const portal = await openPortal();
    portal.crm.addFlow(flow('1', 'jobtitle'));
    const read = (inputs: object[]) => portal.call('POST', `${FLOWS}/batch/read`, { inputs });

    const { status, body } = await read([
      { flowId: '1', type: 'FLOW_ID' },
      { flowId: '2', type: 'FLOW_ID' },
    ]);

    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'COMPLETE', results: [{ id: '1' }] });
    expect(body.results).toHaveLength(1);
    expect((await read([{ id: '1' }])).status).toBe(400);
  });
});

test('forms show their fields', async () => {
  const portal = await openPortal();
  const fieldGroups = [{ groupType: 'default_group', fields: [{ objectTypeId: '0-1', name: 'jobtitle' }] }];
  portal.crm.addForm({ id: 'f-1', name: 'Contact us', fieldGroups });

  expect((await portal.call('GET', `${FORMS}?limit=10`)).body).toMatchObject({
    results: [{ id: 'f-1', formType: 'hubspot', fieldGroups }],
  });
  expect((await portal.call('GET', `${FORMS}?limit=101`)).status).toBe(400);
});

// HubSpot docs, "Forms": the type is `hubspot` where nobody says; the other values are those of its own client.
test.each([
  ['', ['hubspot']],
  ['?formTypes=all', ['hubspot', 'captured', 'flow', 'blog_comment']],
  ['?formTypes=flow&formTypes=captured', ['captured', 'flow']],
])('forms asked for with "%s" are of certain types', async (query, types) => {
  const portal = await openPortal();
  for (const formType of ['hubspot', 'captured', 'flow', 'blog_comment'] as const)
    portal.crm.addForm({ id: formType, formType, name: 'Form', fieldGroups: [] });

  const { body } = await portal.call('GET', `${FORMS}${query}`);

  expect(body.results.map(({ formType }: { formType: string }) => formType)).toEqual(types);
  expect((await portal.call('GET', `${FORMS}?formTypes=popup`)).status).toBe(400);
});

test.each([
  ['POST', `${LISTS}/search`, 'crm.lists.read'],
  ['GET', LISTS, 'crm.lists.read'],
  ['GET', FLOWS, 'automation'],
  ['POST', `${FLOWS}/batch/read`, 'automation'],
  ['GET', FORMS, 'forms'],
])('%s %s needs the scope %s', async (method, path, scope) => {
  const portal = await openPortal({ scopes: ['crm.objects.contacts.read', 'crm.schemas.contacts.write'] });

  expect(await portal.call(method, path, method === 'GET' ? undefined : {})).toMatchObject({
    status: 403,
    body: { category: 'MISSING_SCOPES', context: { requiredGranularScopes: [scope] } },
  });
});

describe('a property in use', () => {
  test('is not archived, and the refusal names each user, as was recorded of a workflow that is switched off', async () => {
    const portal = await portalWithWarmth();
    portal.crm.addFlow(flow('4625147345', 'warmth'));

    const refused = await portal.call('DELETE', `${PROPERTIES}/warmth`);

    // Recorded of a live portal in August 2026, but for names and ids.
    expect(refused).toMatchObject({
      status: 400,
      body: {
        status: 'error',
        message: 'Property: warmth of object type 0-1 is currently used in 1 places and cannot be deleted',
        category: 'VALIDATION_ERROR',
        subCategory: 'PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE',
        context: { property: ['warmth'], objectTypeId: ['0-1'], usageCount: ['1'] },
        errors: [
          {
            subCategory: 'PropertyValidationError.PROPERTY_USAGE',
            message:
              'Property warmth of object type 0-1 in use by AUTOMATION_PLATFORM_FLOW (display type WORKFLOW) ID 4625147345: ',
            context: {
              property: ['warmth'],
              objectTypeId: ['0-1'],
              parentType: ['AUTOMATION_PLATFORM_FLOW'],
              parentDisplayType: ['WORKFLOW'],
              parentName: ['4625147345'],
              link: [''],
            },
          },
        ],
      },
    });
    expect((await portal.call('GET', `${PROPERTIES}/warmth`)).status).toBe(200);
    expect((await portal.call('DELETE', `${PROPERTIES}/warmth_at`)).status).toBe(204);
  });

  test.each([
    ['a list', (portal: Portal) => portal.crm.addList(list('u', 'warmth'))],
    [
      'the text of a workflow',
      (portal: Portal) => portal.crm.addFlow(flow('u', 'Is {{ enrolled_object.warmth }}')),
    ],
    [
      'a form',
      (portal: Portal) =>
        portal.crm.addForm({ id: 'u', name: 'Form', fieldGroups: [{ fields: [{ name: 'warmth' }] }] }),
    ],
    [
      'a formula',
      (portal: Portal) =>
        portal.crm.defineProperty('contacts', {
          name: 'u',
          type: 'number',
          fieldType: 'calculation_equation',
          groupName: 'glow',
          calculationFormula: 'warmth * 2',
        }),
    ],
  ])('by %s stays, and so do all of a batch; it goes when the use is gone', async (_, use) => {
    const portal = await portalWithWarmth();
    use(portal);
    const batch = { inputs: [{ name: 'warmth_at' }, { name: 'warmth' }] };

    const refused = await portal.call('DELETE', `${PROPERTIES}/warmth`);

    expect(refused.body.errors).toMatchObject([{ context: { parentName: ['u'] } }]);
    expect((await portal.call('POST', `${PROPERTIES}/batch/archive`, batch)).status).toBe(400);
    expect((await portal.call('GET', `${PROPERTIES}/warmth_at`)).status).toBe(200);

    portal.crm.removeAsset('u');
    await portal.call('DELETE', `${PROPERTIES}/u`);
    expect((await portal.call('POST', `${PROPERTIES}/batch/archive`, batch)).status).toBe(204);
  });
});

test('a group that holds properties is refused by an error that stands as text in another', async () => {
  const portal = await portalWithWarmth();

  const { status, body } = await portal.call('DELETE', `${PROPERTIES}/groups/glow`);

  // Recorded of a live portal in September 2026.
  expect(status).toBe(400);
  expect(body).not.toHaveProperty('category');
  expect(JSON.parse(body.message)).toMatchObject({
    status: 'error',
    message: "Can't delete or purge a group with active properties",
    category: 'VALIDATION_ERROR',
    subCategory: 'PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES',
  });
});

test('of a token that is not known nothing is told, of that of another app its own', async () => {
  const portal = await openPortal({ appId: 44, otherApps: [{ accessToken: 'other', appId: 55 }] });
  const ask = (tokenKey: string) =>
    portal.call('POST', '/oauth/v2/private-apps/get/access-token-info', { tokenKey });

  expect((await ask('local-access-token')).body.appId).toBe(44);
  expect((await ask('other')).body.appId).toBe(55);
  expect((await ask('unknown')).status).toBe(404);
});
