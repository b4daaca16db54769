import { closeAll, listenForWebhooks, openPortal } from './portal.ts';

afterEach(closeAll);

test('a person with curl plays the user of the portal, without a token', async () => {
  const listener = await listenForWebhooks();
  const portal = await openPortal({
    webhooks: {
      targetUrl: listener.url,
      subscriptions: ['contact.propertyChange:jobtitle', 'contact.deletion'],
    },
  });
  const call = (method: string, path: string, body?: unknown) => portal.call(method, path, body, '');

  const { body: contact } = await call('POST', '/simulator/contacts', { email: 'zoe@example.com' });
  await call('POST', '/simulator/contacts/zoe@example.com/properties', {
    jobtitle: 'CTO',
    hs_analytics_num_visits: 4,
  });
  expect((await call('GET', `/simulator/contacts/${contact.id}`)).body.properties).toMatchObject({
    jobtitle: 'CTO',
    hs_analytics_num_visits: '4',
  });
  expect((await call('GET', '/simulator/contacts?limit=5')).body.results).toHaveLength(1);
  expect((await call('DELETE', `/simulator/contacts/${contact.id}`)).status).toBe(204);
  expect((await call('POST', `/simulator/contacts/${contact.id}/restore`)).status).toBe(200);
  const { body: other } = await call('POST', '/simulator/contacts', {});
  const { body: company } = await call('POST', '/simulator/companies', { name: 'Ackee' });
  expect(
    (
      await call('POST', `/simulator/contacts/${other.id}/associations`, {
        to: 'companies',
        toId: company.id,
        primary: true,
      })
    ).status,
  ).toBe(200);
  const merged = await call('POST', '/simulator/contacts/merge', {
    primaryId: contact.id,
    otherId: other.id,
  });
  expect(merged.body.properties.hs_merged_object_ids).toBe(`${contact.id};${other.id}`);
  expect((await call('DELETE', `/simulator/contacts/${merged.body.id}?privacy=true`)).status).toBe(204);
  await portal.settled();

  expect(listener.events()).toMatchObject([
    { propertyValue: 'CTO', changeSource: 'CRM_UI' },
    { subscriptionType: 'contact.deletion' },
    { subscriptionType: 'contact.deletion' },
  ]);
  expect((await call('GET', '/simulator/state')).body).toMatchObject({
    portalId: 1,
    records: { contacts: 0, companies: 1, deals: 0 },
    webhooks: { events: 3 },
    calls: 0,
    rateLimited: 0,
  });
  expect((await call('GET', '/simulator')).body).toHaveProperty(['POST /simulator/clock']);
});

test('what cannot be done says why', async () => {
  const portal = await openPortal();

  expect(await portal.call('POST', '/simulator/contacts', { nosuch: 1 }, '')).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('nosuch') },
  });
  expect((await portal.call('POST', '/simulator/contacts/9/properties', { jobtitle: 'x' }, '')).status).toBe(
    404,
  );
  expect((await portal.call('GET', '/simulator/tickets', undefined, '')).status).toBe(404);
  expect((await portal.call('POST', '/simulator/contacts', '{', '')).status).toBe(400);
});

test('the clock is moved by whoever runs the local system', async () => {
  const hours: number[] = [];
  const portal = await openPortal({
    onAdvanceClock: async (by) => {
      hours.push(by);
      return { now: '2026-11-11T12:00:00Z' };
    },
  });

  expect(await portal.call('POST', '/simulator/clock', { advanceHours: 24 }, '')).toMatchObject({
    status: 200,
    body: { now: '2026-11-11T12:00:00Z' },
  });
  expect(hours).toEqual([24]);
  expect((await portal.call('POST', '/simulator/clock', { advanceHours: -1 }, '')).status).toBe(400);
  expect((await portal.call('POST', '/simulator/clock', {}, '')).status).toBe(400);
  expect(await portal.call('POST', '/simulator/clock', { advanceHours: 9601 }, '')).toMatchObject({
    status: 400,
    body: { message: 'advanceHours: expected at most 9600, which is 400 days' },
  });
  expect(hours).toEqual([24]);
  const alone = await openPortal();
  expect((await alone.call('POST', '/simulator/clock', { advanceHours: 1 }, '')).status).toBe(501);
  const broken = await openPortal({ onAdvanceClock: () => Promise.reject(new Error('the night failed')) });
  expect(await broken.call('POST', '/simulator/clock', { advanceHours: 1 }, '')).toMatchObject({
    status: 500,
    body: { message: 'the night failed' },
  });
});
