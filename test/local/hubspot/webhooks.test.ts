import { signV1, signV3 } from '../../../local/hubspot/sign.ts';
import { closeAll, listenForWebhooks, NOON_MS, openPortal, type Portal } from './portal.ts';

afterEach(closeAll);

const CONTACTS = '/crm/objects/2026-03/contacts';

/** What a portal sends for the subscriptions while something happens. */
async function sent(subscriptions: string[], happens: (portal: Portal) => void | Promise<void>) {
  const listener = await listenForWebhooks();
  const portal = await openPortal({
    portalId: 33,
    appId: 44,
    webhooks: { targetUrl: listener.url, subscriptions },
  });
  await happens(portal);
  await portal.settled();
  return listener.events();
}

describe('events', () => {
  test('creation, with the property changes that came with it', async () => {
    let id = '';
    const events = await sent(
      ['contact.creation', 'contact.propertyChange:jobtitle', 'object.creation:0-1', 'company.creation'],
      (portal) => {
        id = portal.crm.create('contacts', { jobtitle: 'CTO', city: 'Bern' });
      },
    );

    const user = { changeSource: 'CRM_UI', sourceId: 'userId:882761034' };
    const base = {
      portalId: 33,
      appId: 44,
      occurredAt: NOON_MS,
      attemptNumber: 0,
      objectId: Number(id),
      ...user,
    };
    expect(events).toHaveLength(3);
    expect(events).toEqual(
      expect.arrayContaining([
        {
          ...base,
          eventId: expect.any(Number),
          subscriptionId: 7_562_680,
          subscriptionType: 'contact.creation',
          changeFlag: 'CREATED',
        },
        {
          ...base,
          eventId: expect.any(Number),
          subscriptionId: 7_562_681,
          subscriptionType: 'contact.propertyChange',
          propertyName: 'jobtitle',
          propertyValue: 'CTO',
        },
        {
          ...base,
          eventId: expect.any(Number),
          subscriptionId: 7_562_682,
          subscriptionType: 'object.creation',
          objectTypeId: '0-1',
          changeFlag: 'CREATED',
        },
      ]),
    );
  });

  test('instants are milliseconds in classic events and ISO in generic ones; cleared values are empty texts', async () => {
    const events = await sent(
      ['contact.propertyChange:recent_conversion_date', 'object.propertyChange:0-1:recent_conversion_date'],
      (portal) => {
        const id = portal.crm.create('contacts', { recent_conversion_date: '2026-11-01T10:00:00Z' });
        portal.crm.set('contacts', id, { recent_conversion_date: null });
      },
    );

    const values = events.map(({ subscriptionType, propertyValue, isSensitive }) => [
      subscriptionType,
      propertyValue,
      isSensitive,
    ]);
    expect(values).toEqual([
      ['contact.propertyChange', '1793527200000', undefined],
      ['object.propertyChange', '2026-11-01T10:00:00Z', false],
      ['contact.propertyChange', '', undefined],
      ['object.propertyChange', '', false],
    ]);
  });

  test('deletion and restore', async () => {
    const events = await sent(['deal.deletion', 'deal.restore', 'object.deletion'], (portal) => {
      const id = portal.crm.create('deals', {});
      portal.crm.delete('deals', id);
      portal.crm.restore('deals', id);
    });

    expect(events.map(({ subscriptionType, changeFlag }) => [subscriptionType, changeFlag])).toEqual([
      ['deal.deletion', 'DELETED'],
      ['object.deletion', 'DELETED'],
      ['deal.restore', undefined],
    ]);
  });

  test('a merge names the three ids', async () => {
    let ids: number[] = [];
    const events = await sent(['contact.merge', 'object.merge:contact'], (portal) => {
      const [a, b] = [
        portal.crm.create('contacts', { firstname: 'A' }),
        portal.crm.create('contacts', { city: 'Bern' }),
      ];
      ids = [a, b, portal.crm.merge('contacts', a, b)].map(Number);
    });

    const [primaryObjectId, other, newObjectId] = ids;
    const merge = {
      objectId: newObjectId,
      primaryObjectId,
      mergedObjectIds: [other],
      newObjectId,
      numberOfPropertiesMoved: 1,
    };
    expect(events).toMatchObject([
      { subscriptionType: 'contact.merge', ...merge },
      { subscriptionType: 'object.merge', objectTypeId: '0-1', ...merge },
    ]);
  });

  test('privacy deletion comes with a deletion, in either order', async () => {
    const orders = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const listener = await listenForWebhooks();
      const portal = await openPortal({
        seed,
        webhooks: { targetUrl: listener.url, subscriptions: ['contact.deletion', 'contact.privacyDeletion'] },
      });
      portal.crm.privacyDelete(portal.crm.create('contacts', {}));
      await portal.settled();
      orders.add(
        listener
          .events()
          .map(({ subscriptionType }) => subscriptionType)
          .join(),
      );
    }

    expect([...orders].toSorted()).toEqual([
      'contact.deletion,contact.privacyDeletion',
      'contact.privacyDeletion,contact.deletion',
    ]);
  });

  test('an association is told from the side that is subscribed', async () => {
    let ids: number[] = [];
    const events = await sent(
      ['contact.associationChange', 'deal.associationChange', 'object.associationChange:0-1'],
      (portal) => {
        const [contact, deal] = [portal.crm.create('contacts', {}), portal.crm.create('deals', {})];
        ids = [contact, deal].map(Number);
        portal.crm.associate('contacts', contact, 'deals', deal);
      },
    );

    const [contact, deal] = ids;
    const plain = { associationRemoved: false, isPrimaryAssociation: false };
    expect(events).toHaveLength(3);
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          subscriptionType: 'contact.associationChange',
          associationType: 'CONTACT_TO_DEAL',
          fromObjectId: contact,
          toObjectId: deal,
          ...plain,
        }),
        expect.objectContaining({
          subscriptionType: 'deal.associationChange',
          associationType: 'DEAL_TO_CONTACT',
          fromObjectId: deal,
          toObjectId: contact,
          ...plain,
        }),
        expect.objectContaining({
          subscriptionType: 'object.associationChange',
          fromObjectTypeId: '0-1',
          toObjectTypeId: '0-3',
          associationTypeId: 4,
          associationCategory: 'HUBSPOT_DEFINED',
          fromObjectId: contact,
          toObjectId: deal,
          ...plain,
        }),
      ]),
    );
    for (const event of events) expect(event).not.toHaveProperty('objectId');
  });

  test('a primary company sends two messages, and a change of it ends the old one', async () => {
    let ids: number[] = [];
    const events = await sent(
      ['contact.associationChange', 'contact.propertyChange:associatedcompanyid'],
      (portal) => {
        const contact = portal.crm.create('contacts', {});
        const companies = [portal.crm.create('companies', {}), portal.crm.create('companies', {})];
        ids = companies.map(Number);
        for (const company of companies)
          portal.crm.associate('contacts', contact, 'companies', company, { primary: true });
      },
    );

    const [one, two] = ids;
    expect(
      events.map((event) => [
        event.toObjectId ?? event.propertyValue,
        event.associationRemoved,
        event.isPrimaryAssociation,
      ]),
    ).toEqual([
      [one, false, false],
      [one, false, true],
      [String(one), undefined, undefined],
      [one, true, true],
      [two, false, false],
      [two, false, true],
      [String(two), undefined, undefined],
    ]);
  });

  test('own writes come back as echoes, with the app as source, also when they repeat the value', async () => {
    const events = await sent(['contact.propertyChange:jobtitle', 'contact.creation'], async (portal) => {
      const created = await portal.call('POST', CONTACTS, {
        properties: { jobtitle: 'CTO' },
        associations: [],
      });
      await portal.call('POST', `${CONTACTS}/batch/update`, {
        inputs: [{ id: created.body.id, properties: { jobtitle: 'CTO' } }],
      });
      portal.crm.set('contacts', created.body.id, { jobtitle: 'CTO' }); // A user who saves an unchanged form.
    });

    expect(events).toMatchObject([
      { subscriptionType: 'contact.creation', changeSource: 'INTEGRATION', sourceId: '44' },
      { propertyValue: 'CTO', changeSource: 'INTEGRATION', sourceId: '44' },
      { propertyValue: 'CTO', changeSource: 'INTEGRATION', sourceId: '44' },
    ]);
  });

  test('clearing what was never there tells nobody', async () => {
    const events = await sent(['contact.propertyChange:jobtitle'], async (portal) => {
      const id = portal.crm.create('contacts', {});
      await portal.call('PATCH', `${CONTACTS}/${id}`, { properties: { jobtitle: '' } });
    });

    expect(events).toEqual([]);
  });

  test('another app is another source', async () => {
    const listener = await listenForWebhooks();
    const portal = await openPortal({
      otherApps: [{ accessToken: 'second', appId: 7 }],
      webhooks: { targetUrl: listener.url, subscriptions: ['contact.creation'] },
    });
    await portal.call('POST', CONTACTS, { properties: {} }, 'second');
    await portal.settled();

    expect(listener.events()).toMatchObject([
      { appId: 50_780_459, changeSource: 'INTEGRATION', sourceId: '7' },
    ]);
  });

  test('what happened earlier says so, and who did it', async () => {
    const events = await sent(['contact.propertyChange:hs_analytics_num_visits'], (portal) => {
      const id = portal.crm.create('contacts', {});
      portal.crm.set(
        'contacts',
        id,
        { hs_analytics_num_visits: 2 },
        { atMs: NOON_MS - 5000, source: { changeSource: 'ANALYTICS' } },
      );
    });

    expect(events).toMatchObject([
      { occurredAt: NOON_MS - 5000, changeSource: 'ANALYTICS', propertyValue: '2' },
    ]);
    expect(events[0]).not.toHaveProperty('sourceId');
  });

  test('event ids are not unique', async () => {
    const events = await sent(['contact.propertyChange:firstname'], (portal) => {
      for (let count = 0; count < 1000; count++) portal.crm.create('contacts', { firstname: `n${count}` });
    });

    const ids = new Set(events.map(({ eventId }) => eventId));
    expect(events).toHaveLength(1000);
    expect(ids.size).toBeLessThan(1000);
    expect(ids.size).toBeGreaterThan(950);
  });
});

test('events of one record have ids of their own', async () => {
  const events = await sent(['contact.propertyChange:firstname'], (portal) => {
    const id = portal.crm.create('contacts', {});
    for (let count = 0; count < 1000; count++) portal.crm.set('contacts', id, { firstname: `n${count}` });
  });

  expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(1000);
});

describe('subscriptions', () => {
  test.each([
    ['contact.propertyChange'],
    ['object.propertyChange:0-1'],
    ['contact.propertyChange:num_unique_conversion_events'],
    ['company.propertyChange:hs_lastmodifieddate'],
    ['ticket.creation'],
    ['company.privacyDeletion'],
    ['contact.opened'],
    ['object.creation:0-9'],
  ])('%s cannot be had', async (subscription) => {
    const portal = await openPortal();

    expect(() =>
      portal.setWebhooks({ targetUrl: 'http://127.0.0.1:9/', subscriptions: [subscription] }),
    ).toThrow(RangeError);
  });

  test('at most 1,000; the same one twice is one', async () => {
    const many = Array.from({ length: 1001 }, (_, index) => `contact.propertyChange:p${index}`);
    const portal = await openPortal();
    expect(() => portal.setWebhooks({ targetUrl: 'http://127.0.0.1:9/', subscriptions: many })).toThrow(
      '1000',
    );

    const events = await sent(['contact.creation', 'contact.creation'], (other) => {
      other.crm.create('contacts', {});
    });
    expect(events).toHaveLength(1);
  });

  test('what happens without a subscription is not sent, nor kept for later', async () => {
    const listener = await listenForWebhooks();
    const portal = await openPortal();
    portal.crm.create('contacts', {});
    portal.setWebhooks({ targetUrl: listener.url, subscriptions: ['contact.creation'] });
    const id = portal.crm.create('contacts', {});
    await portal.settled();

    expect(listener.events()).toMatchObject([{ objectId: Number(id) }]);
  });
});

/** The places in which 300 events, numbered as they happened, arrive. */
const orderOfArrival = async (reorder: boolean) => {
  const listener = await listenForWebhooks();
  const portal = await openPortal({ seed: 5 });
  portal.setWebhooks({
    targetUrl: listener.url,
    subscriptions: ['contact.creation'],
    reorder,
    maxConcurrentRequests: 1,
  });
  for (let count = 0; count < 300; count++) portal.crm.create('contacts', {}, { atMs: NOON_MS + count });
  await portal.settled();
  return listener.events().map(({ occurredAt }) => Number(occurredAt) - NOON_MS);
};

/** Of 1,000 events, numbered as they happened, those that arrive, and how many were dropped. */
const arrivals = async (seed: number, dropRate: number) => {
  const listener = await listenForWebhooks();
  const portal = await openPortal({ seed });
  portal.setWebhooks({ targetUrl: listener.url, subscriptions: ['contact.creation'], dropRate });
  for (let count = 0; count < 1000; count++) portal.crm.create('contacts', {}, { atMs: NOON_MS + count });
  await portal.settled();
  const arrived = listener.events().map(({ occurredAt }) => Number(occurredAt) - NOON_MS);
  return { arrived: arrived.toSorted((one, other) => one - other), dropped: portal.delivered().dropped };
};

describe('delivery', () => {
  const subscriptions = ['contact.creation'];

  test('is signed for the URL with the time of the attempt', async () => {
    const listener = await listenForWebhooks();
    const portal = await openPortal({
      clientSecret: 'secret',
      webhooks: { targetUrl: `${listener.url}?src=hs%3Aapp`, subscriptions },
    });
    portal.crm.create('contacts', { firstname: 'Zoë' });
    await portal.settled();

    const [request] = listener.requests;
    const timestamp = String(request?.headers['x-hubspot-request-timestamp']);
    const signed = {
      method: 'POST',
      uri: `${listener.url}?src=hs:app`,
      body: request?.body ?? '',
      secret: 'secret',
    };
    expect(request?.url).toBe('/webhooks/hubspot?src=hs%3Aapp');
    expect(request?.headers['x-hubspot-signature-v3']).toBe(signV3({ ...signed, timestamp }));
    expect(request?.headers['x-hubspot-signature']).toBe(signV1(signed));
    expect(request?.headers['content-type']).toBe('application/json');
    expect(Math.abs(Date.now() - Number(timestamp))).toBeLessThan(5000); // Wall time, though the portal's clock stands at noon.
  });

  test('takes at most 100 events to a request and 10 requests at a time', async () => {
    const listener = await listenForWebhooks(() => new Promise((resolve) => setTimeout(resolve, 30, 204)));
    const portal = await openPortal({
      webhooks: { targetUrl: listener.url, subscriptions, batchSize: 500, maxConcurrentRequests: 50 },
    });
    for (let count = 0; count < 2050; count++) portal.crm.create('contacts', {});
    await portal.settled();

    expect(Math.max(...listener.requests.map(({ events }) => events.length))).toBe(100);
    expect(listener.mostInFlight()).toBe(10);
    expect(listener.events()).toHaveLength(2050);
    expect(portal.delivered()).toEqual({
      requests: 21,
      events: 2050,
      distinct: 2050,
      refused: 0,
      lost: 0,
      dropped: 0,
    });
  });

  test('of a share of the events never happens: of which ones, the seed decides', async () => {
    const [first, again, other] = await Promise.all([7, 7, 8].map((seed) => arrivals(seed, 0.1)));
    const none = await arrivals(7, 1);

    expect(first?.dropped).toBeGreaterThan(70);
    expect(first?.dropped).toBeLessThan(130);
    expect(first?.arrived).toHaveLength(1000 - (first?.dropped ?? 0));
    expect(again).toEqual(first);
    expect(other?.arrived).not.toEqual(first?.arrived);
    expect(none).toEqual({ arrived: [], dropped: 1000 });
  });

  test('of chosen subscriptions never happens, and again when they are chosen no more', async () => {
    const listener = await listenForWebhooks();
    const portal = await openPortal();
    const both = ['contact.creation', 'contact.propertyChange:jobtitle'];
    portal.setWebhooks({ targetUrl: listener.url, subscriptions: both, dropSubscriptions: both.slice(1) });
    const id = portal.crm.create('contacts', { jobtitle: 'CTO' });
    await portal.settled();
    portal.setWebhooks({ targetUrl: listener.url, subscriptions: both });
    portal.crm.set('contacts', id, { jobtitle: 'CEO' });
    await portal.settled();

    expect(
      listener.events().map(({ subscriptionType, propertyValue }) => [subscriptionType, propertyValue]),
    ).toEqual([
      ['contact.creation', undefined],
      ['contact.propertyChange', 'CEO'],
    ]);
    expect(portal.delivered()).toMatchObject({ distinct: 2, dropped: 1 });
    expect(() =>
      portal.setWebhooks({ targetUrl: listener.url, subscriptions, dropSubscriptions: ['contact.merge'] }),
    ).toThrow(RangeError);
  });

  test('can be made narrower', async () => {
    const listener = await listenForWebhooks(() => new Promise((resolve) => setTimeout(resolve, 10, 204)));
    const portal = await openPortal({
      webhooks: { targetUrl: listener.url, subscriptions, batchSize: 7, maxConcurrentRequests: 2 },
    });
    for (let count = 0; count < 70; count++) portal.crm.create('contacts', {});
    await portal.settled();

    expect(listener.requests).toHaveLength(10);
    expect(listener.mostInFlight()).toBe(2);
  });

  test.each([[400], [401], [404], [413], [429], [500], [503], [302], [0]])(
    'is repeated after %d, with the next attempt number',
    async (status) => {
      const listener = await listenForWebhooks((_request, number) => (number <= 2 ? status : 202));
      const portal = await openPortal({
        webhooks: { targetUrl: listener.url, subscriptions, retryDelayMs: 1 },
      });
      portal.crm.create('contacts', {});
      await portal.settled();

      expect(listener.events().map(({ attemptNumber }) => attemptNumber)).toEqual([0, 1, 2]);
      expect(new Set(listener.events().map(({ eventId }) => eventId)).size).toBe(1);
      expect(portal.delivered()).toMatchObject({ requests: 1, events: 1, refused: 2, lost: 0 });
    },
  );

  test('each attempt is signed anew, after a pause that chance stretches from half to one and a half', async () => {
    const listener = await listenForWebhooks((_request, number) => (number <= 10 ? 500 : 202));
    const portal = await openPortal({
      webhooks: { targetUrl: listener.url, subscriptions, batchSize: 1, retryDelayMs: 1000 },
    });
    const contacts = Array.from({ length: 10 }, () => Number(portal.crm.create('contacts', {})));
    await portal.settled();

    const pauses = contacts.map((id) => {
      const attempts = listener.requests.filter(({ events }) => events[0]?.objectId === id);
      const [first = 0, second = 0] = attempts.map(({ headers }) =>
        Number(headers['x-hubspot-request-timestamp']),
      );
      return second - first;
    });
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...pauses)).toBeLessThan(2000);
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(300);
  });

  test('is given up after ten retries', async () => {
    const listener = await listenForWebhooks(() => 500);
    const portal = await openPortal({
      webhooks: { targetUrl: listener.url, subscriptions, retryDelayMs: 0.1 },
    });
    portal.crm.create('contacts', {});
    await portal.settled();

    expect(listener.events().map(({ attemptNumber }) => attemptNumber)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(portal.delivered()).toEqual({
      requests: 0,
      events: 0,
      distinct: 0,
      refused: 11,
      lost: 1,
      dropped: 0,
    });
  });

  test('counts no answer within five seconds as a failure', async () => {
    const listener = await listenForWebhooks((_request, number) =>
      number === 1 ? new Promise((resolve) => setTimeout(resolve, 5600, 202)) : 202,
    );
    const portal = await openPortal({
      webhooks: { targetUrl: listener.url, subscriptions, retryDelayMs: 1 },
    });
    portal.crm.create('contacts', {});
    const start = performance.now();
    await portal.settled();

    expect(performance.now() - start).toBeGreaterThan(4900);
    expect(listener.events().map(({ attemptNumber }) => attemptNumber)).toEqual([0, 1]);
  });

  test('is repeated when nobody listens', async () => {
    const portal = await openPortal({
      webhooks: { targetUrl: 'http://127.0.0.1:9/', subscriptions, retryDelayMs: 0.1 },
    });
    portal.crm.create('contacts', {});
    await portal.settled();

    expect(portal.delivered()).toMatchObject({ refused: 11, lost: 1, dropped: 0 });
  });

  test('sends some events twice, the same event in another request', async () => {
    const listener = await listenForWebhooks();
    const portal = await openPortal({
      webhooks: { targetUrl: listener.url, subscriptions, duplicateRate: 0.2 },
    });
    for (let count = 0; count < 1000; count++) portal.crm.create('contacts', {});
    await portal.settled();

    const { events, distinct } = portal.delivered();
    expect(distinct).toBe(1000);
    expect(events).toBeGreaterThan(1120);
    expect(events).toBeLessThan(1280);
    for (const request of listener.requests) {
      expect(new Set(request.events.map(({ objectId }) => objectId)).size).toBe(request.events.length);
    }
  });

  test('keeps no order when told to shuffle, the same way for the same seed', async () => {
    const straight = Array.from({ length: 300 }, (_, index) => index);

    expect(await orderOfArrival(false)).toEqual(straight);
    const shuffled = await orderOfArrival(true);
    expect(shuffled).not.toEqual(straight);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(straight);
    expect(shuffled.slice(0, 100).some((index) => index > 150)).toBe(true);
    expect(await orderOfArrival(true)).toEqual(shuffled);
  });

  test('does not count against the limits of the API', async () => {
    const listener = await listenForWebhooks();
    const portal = await openPortal({
      rateLimitPer10Seconds: 1,
      webhooks: { targetUrl: listener.url, subscriptions },
    });
    for (let count = 0; count < 500; count++) portal.crm.create('contacts', {});
    await portal.settled();

    expect((await portal.call('GET', '/account-info/2026-03/details')).status).toBe(200);
  });

  test('goes on to a new target', async () => {
    const first = await listenForWebhooks(() => 500);
    const second = await listenForWebhooks();
    const portal = await openPortal({ webhooks: { targetUrl: first.url, subscriptions, retryDelayMs: 5 } });
    portal.crm.create('contacts', {});
    await new Promise((resolve) => setTimeout(resolve, 60));
    portal.setWebhooks({ targetUrl: second.url, subscriptions, retryDelayMs: 5 });
    await portal.settled();

    expect(first.requests.length).toBeGreaterThan(0);
    expect(second.events()).toHaveLength(1);
  });

  test('ends when the simulator stops', async () => {
    const portal = await openPortal({
      webhooks: { targetUrl: 'http://127.0.0.1:9/', subscriptions, retryDelayMs: 60_000 },
    });
    portal.crm.create('contacts', {});
    const settled = portal.settled();
    await portal.stop();
    await settled;

    await expect(fetch(portal.url)).rejects.toThrow('fetch failed');
  });
});
