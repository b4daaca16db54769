// Deals as credit meets them: amounts, currencies, the history of stages, properties of their own, and who may do what.
import { closeAll, listenForWebhooks, NOON_MS, openPortal } from './portal.ts';

afterEach(closeAll);

const DEALS = '/crm/objects/2026-03/deals';
const PROPERTIES = '/crm/properties/2026-03/deals';
const INFLUENCED = {
  name: 'afterglow_ai_influenced',
  label: 'AI-influenced',
  groupName: 'afterglow_ai',
  type: 'bool',
  fieldType: 'booleancheckbox',
  options: [
    { label: 'Yes', value: 'true', displayOrder: 0, hidden: false },
    { label: 'No', value: 'false', displayOrder: 1, hidden: false },
  ],
};

test.each([
  ['400.00', '400'],
  ['400.50', '400.5'],
  ['.5', '0.5'],
  ['-0.00', '0'],
  ['-250.10', '-250.1'],
  ['+007', '7'],
  ['12000.01', '12000.01'],
  ['1.0E7', '1.0E7'],
])('an amount that was written as %s comes back as %s', async (written, read) => {
  const portal = await openPortal();
  const id = portal.crm.create('deals', { dealname: 'a' });

  const answer = await portal.call('POST', `${DEALS}/batch/update`, {
    inputs: [{ id, properties: { amount: written } }],
  });

  expect(answer).toMatchObject({ status: 200, body: { results: [{ properties: { amount: read } }] } });
  expect(portal.specProblems).toEqual([]);
});

test.each(['1,000.00', '10 EUR', 'NaN', '1e999'])('%s is no amount', async (amount) => {
  const portal = await openPortal();
  const id = portal.crm.create('deals', { dealname: 'a' });

  expect(
    await portal.call('POST', `${DEALS}/batch/update`, { inputs: [{ id, properties: { amount } }] }),
  ).toMatchObject({ status: 400, body: { category: 'VALIDATION_ERROR' } });
});

test('a deal names a currency that the portal uses, or none', async () => {
  const portal = await openPortal();
  const id = portal.crm.create('deals', { dealname: 'a' });
  const name = (deal_currency_code: string) =>
    portal.call('PATCH', `${DEALS}/${id}`, { properties: { deal_currency_code } });

  const account = await portal.call('GET', '/account-info/2026-03/details');

  expect(account.body).toMatchObject({ companyCurrency: 'EUR', additionalCurrencies: ['USD', 'GBP', 'JPY'] });
  expect((await name('JPY')).status).toBe(200);
  expect((await name('')).status).toBe(200);
  expect(await name('CHF')).toMatchObject({
    status: 400,
    body: { errors: [expect.objectContaining({ code: 'INVALID_OPTION' })] },
  });
});

test('the history of stages tells since when a deal is in its stage, of at most 50 deals at a time', async () => {
  const portal = await openPortal();
  const id = portal.crm.create('deals', { dealstage: 'contractsent' }, { atMs: NOON_MS - 3000 });
  portal.crm.set('deals', id, { dealstage: 'closedwon' }, { atMs: NOON_MS - 2000 });
  portal.crm.set('deals', id, { amount: 5 }, { atMs: NOON_MS - 1000 });
  const read = (count: number) =>
    portal.call('POST', `${DEALS}/batch/read`, {
      inputs: Array.from({ length: count }, (_none, at) => ({ id: at === 0 ? id : String(at) })),
      properties: ['amount', 'hs_is_closed_won', 'closedate'],
      propertiesWithHistory: ['dealstage'],
    });

  const answer = await read(1);

  expect(answer.body.results[0]).toMatchObject({
    properties: { amount: '5', hs_is_closed_won: 'true', closedate: '2026-11-10T11:59:58Z' },
    propertiesWithHistory: {
      dealstage: [
        { value: 'closedwon', timestamp: '2026-11-10T11:59:58Z' },
        { value: 'contractsent', timestamp: '2026-11-10T11:59:57Z' },
      ],
    },
  });
  expect((await read(50)).status).toBe(207);
  expect((await read(51)).status).toBe(400);
});

describe('a property for yes and no', () => {
  test('takes true and false as HubSpot writes them, and nothing else', async () => {
    const portal = await openPortal();
    await portal.call('POST', `${PROPERTIES}/groups`, { name: 'afterglow_ai', label: 'Afterglow AI' });
    expect((await portal.call('POST', PROPERTIES, INFLUENCED)).status).toBe(201);
    const ids = ['true', 'false', '', 'True', 'yes', '1'].map(() => portal.crm.create('deals', {}));
    const values = ['true', 'false', '', 'True', 'yes', '1'];

    const answer = await portal.call('POST', `${DEALS}/batch/update`, {
      inputs: ids.map((id, at) => ({
        id,
        properties: { afterglow_ai_influenced: values[at] },
        objectWriteTraceId: `t${at}`,
      })),
    });

    expect(answer.status).toBe(207);
    const shown = ids.map((id) => portal.crm.get('deals', id)?.properties['afterglow_ai_influenced'] ?? '');
    expect(shown).toEqual(['true', 'false', '', '', '', '']);
    expect(answer.body.errors).toHaveLength(3);
    expect(portal.specProblems).toEqual([]);
  });

  test('needs both as options', async () => {
    const portal = await openPortal();
    await portal.call('POST', `${PROPERTIES}/groups`, { name: 'afterglow_ai', label: 'Afterglow AI' });

    for (const options of [[], INFLUENCED.options.slice(0, 1)])
      expect((await portal.call('POST', PROPERTIES, { ...INFLUENCED, options })).status).toBe(400);
  });
});

test.each<[string, string, string, object | undefined, string]>([
  ['reading', 'GET', `${DEALS}/1`, undefined, 'crm.objects.deals.read'],
  ['writing', 'POST', `${DEALS}/batch/update`, { inputs: [] }, 'crm.objects.deals.write'],
  ['reading properties', 'GET', PROPERTIES, undefined, 'crm.schemas.deals.read'],
  ['making properties', 'POST', PROPERTIES, INFLUENCED, 'crm.schemas.deals.write'],
  [
    'making groups',
    'POST',
    `${PROPERTIES}/groups`,
    { name: 'afterglow_ai', label: 'AI' },
    'crm.schemas.deals.write',
  ],
  [
    'the contacts of deals',
    'POST',
    '/crm/associations/2026-03/deals/contacts/batch/read',
    { inputs: [{ id: '1' }] },
    'crm.objects.deals.read',
  ],
  [
    'the deals of contacts',
    'POST',
    '/crm/associations/2026-03/contacts/deals/batch/read',
    { inputs: [{ id: '1' }] },
    'crm.objects.deals.read',
  ],
])('%s needs its scope', async (_what, method, path, body, scope) => {
  const contacts = ['objects', 'schemas'].flatMap((kind) => [
    `crm.${kind}.contacts.read`,
    `crm.${kind}.contacts.write`,
  ]);
  const portal = await openPortal({ scopes: contacts });

  expect(await portal.call(method, path, body)).toMatchObject({
    status: 403,
    body: { category: 'MISSING_SCOPES', context: { requiredGranularScopes: [scope] } },
  });
});

test('deals that merge live on under a new id, with the values of the first and the contacts of both', async () => {
  const listener = await listenForWebhooks();
  const portal = await openPortal({
    webhooks: { targetUrl: listener.url, subscriptions: ['deal.merge', 'deal.propertyChange:amount'] },
  });
  const [one, two] = [
    portal.crm.create('deals', { dealname: 'one', amount: 1 }),
    portal.crm.create('deals', { dealname: 'two', amount: 2 }),
  ];
  const contacts = ['Ada', 'Bob'].map((firstname) => portal.crm.create('contacts', { firstname }));
  portal.crm.associate('deals', one, 'contacts', contacts[0] ?? '');
  portal.crm.associate('deals', two, 'contacts', contacts[1] ?? '');

  const merged = portal.crm.merge('deals', one, two);
  await portal.settled();

  expect([one, two]).not.toContain(merged);
  const read = await portal.call('POST', `${DEALS}/batch/read`, {
    inputs: [{ id: one }, { id: merged }],
    properties: ['amount', 'hs_merged_object_ids'],
  });
  expect(read).toMatchObject({
    status: 200,
    body: { results: [{ id: merged, properties: { amount: '1', hs_merged_object_ids: `${one};${two}` } }] },
  });
  const links = await portal.call('POST', '/crm/associations/2026-03/deals/contacts/batch/read', {
    inputs: [{ id: merged }],
  });
  expect(links.body.results[0].to).toHaveLength(2);
  const types = Map.groupBy(listener.events(), ({ subscriptionType }) => subscriptionType);
  expect(types.get('deal.merge')).toHaveLength(1);
  expect(types.get('deal.propertyChange')).toHaveLength(2); // Of the two as they were made.
});

describe('what HubSpot’s tracking keeps', () => {
  const VISIT = {
    hs_latest_source: 'AI_REFERRALS',
    hs_latest_source_data_1: 'chatgpt.com',
    hs_latest_source_timestamp: NOON_MS,
    hs_analytics_last_url: 'https://www.example.com/',
  };

  test('is told of each property for itself, in any order', async () => {
    const listener = await listenForWebhooks();
    const portal = await openPortal({
      webhooks: {
        targetUrl: listener.url,
        subscriptions: Object.keys(VISIT).map((name) => `contact.propertyChange:${name}`),
      },
    });
    const ids = Array.from({ length: 20 }, () => portal.crm.create('contacts', {}));

    for (const id of ids) portal.crm.set('contacts', id, VISIT, { source: { changeSource: 'ANALYTICS' } });
    await portal.settled();

    const byContact = Map.groupBy(listener.events(), ({ objectId }) => String(objectId));
    const orders = ids.map((id) => (byContact.get(id) ?? []).map(({ propertyName }) => String(propertyName)));
    for (const order of orders) expect(order.toSorted()).toEqual(Object.keys(VISIT).toSorted());
    expect(new Set(orders.map((order) => order.join())).size).toBeGreaterThan(3);
  });

  test('nobody writes by the API', async () => {
    const portal = await openPortal();
    const id = portal.crm.create('contacts', {});

    for (const [name, value] of Object.entries(VISIT))
      expect(
        await portal.call('PATCH', `/crm/objects/2026-03/contacts/${id}`, {
          properties: { [name]: String(value) },
        }),
      ).toMatchObject({
        status: 400,
        body: { errors: [expect.objectContaining({ code: 'READ_ONLY_VALUE' })] },
      });
  });
});
