import { closeAll, listenForWebhooks, NOON_MS, openPortal } from './portal.ts';

afterEach(closeAll);

const CLOSED = 'hs_is_closed,hs_is_closed_won,hs_is_closed_lost,closedate';
const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');

test.each([
  ['appointmentscheduled', ['false', 'false', 'false', null]],
  ['closedwon', ['true', 'true', 'false', iso(NOON_MS)]],
  ['closedlost', ['true', 'false', 'true', iso(NOON_MS)]],
])('a deal in the stage %s says whether it is closed, won and lost', async (dealstage, expected) => {
  const portal = await openPortal();

  const created = await portal.call('POST', '/crm/objects/2026-03/deals', {
    properties: { dealname: 'A', dealstage },
    associations: [],
  });

  const { body } = await portal.call(
    'GET',
    `/crm/objects/2026-03/deals/${created.body.id}?properties=${CLOSED}`,
  );
  expect(CLOSED.split(',').map((name) => body.properties[name])).toEqual(expected);
  expect(portal.specProblems).toEqual([]);
});

test('the close date is when a deal closed, unless somebody says another; reopening leaves it', async () => {
  const portal = await openPortal();
  const planned = iso(NOON_MS + 30 * 86_400_000);
  const [own, other] = [1, 2].map(() =>
    portal.crm.create('deals', { dealstage: 'contractsent', closedate: planned }),
  );
  portal.time.nowMs += 60_000;

  portal.crm.set('deals', own ?? '', { dealstage: 'closedlost' });
  portal.crm.set('deals', other ?? '', { dealstage: 'closedlost', closedate: planned });
  portal.time.nowMs += 60_000;
  portal.crm.set('deals', own ?? '', { dealstage: 'closedwon' });
  portal.crm.set('deals', own ?? '', { dealstage: 'contractsent' });

  expect(portal.crm.get('deals', own ?? '')?.properties).toMatchObject({
    closedate: iso(NOON_MS + 60_000),
    hs_is_closed: 'false',
    hs_is_closed_won: 'false',
  });
  expect(portal.crm.get('deals', other ?? '')?.properties['closedate']).toBe(planned);
});

test('nobody writes what is calculated, and nobody is told of it', async () => {
  const listener = await listenForWebhooks();
  const properties = ['dealstage', 'hs_is_closed', 'hs_is_closed_won', 'closedate'];
  const portal = await openPortal({
    webhooks: {
      targetUrl: listener.url,
      subscriptions: properties.map((name) => `deal.propertyChange:${name}`),
    },
  });
  const deal = portal.crm.create('deals', { dealstage: 'closedwon' });

  const answer = await portal.call('PATCH', `/crm/objects/2026-03/deals/${deal}`, {
    properties: { hs_is_closed: 'false' },
  });
  await portal.settled();

  expect(answer).toMatchObject({ status: 400, body: { errors: [{ code: 'READ_ONLY_VALUE' }] } });
  const names = listener.events().map(({ propertyName }) => String(propertyName));
  expect(names.toSorted((a, b) => a.localeCompare(b))).toEqual(['closedate', 'dealstage']);
});

test("a contact's domain follows its address", async () => {
  const portal = await openPortal();
  const id = portal.crm.create('contacts', { email: 'Jane@Mail.Acme.example' });

  portal.crm.set('contacts', id, { firstname: 'Jane' });
  const before = portal.crm.get('contacts', id)?.properties['hs_email_domain'];
  portal.crm.set('contacts', id, { email: 'jane@other.example' });

  expect([before, portal.crm.get('contacts', id)?.properties['hs_email_domain']]).toEqual([
    'mail.acme.example',
    'other.example',
  ]);
});
