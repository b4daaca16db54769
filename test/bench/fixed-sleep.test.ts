// What is known to go wrong with the published batch writer, each against a portal that does what HubSpot does.
import { fixedSleep, MARKER } from '../../bench/recipes/fixed-sleep.ts';
import { startVirtualTime } from '../../bench/virtual/time.ts';
import { startWire } from '../../bench/virtual/wire.ts';
import { closeAll, listenForWebhooks, NOON_MS, openPortal, type Portal } from '../local/hubspot/portal.ts';

afterEach(closeAll);

interface Shelf {
  readonly portal: Portal;
  readonly slept: number[];
  /** Contacts that show no score yet. */
  readonly create: (count: number) => string[];
  /** Runs the recipe over contacts that are all to show 42; a sleep moves the portal's clock. */
  readonly write: (...ids: readonly string[]) => Promise<number>;
  readonly scores: (ids: readonly string[]) => (string | undefined)[];
  /** Statuses of the batch updates so far. */
  readonly statuses: () => number[];
}

async function openShelf(options: Parameters<typeof openPortal>[0] = {}): Promise<Shelf> {
  const portal = await openPortal(options);
  const { crm, time } = portal;
  crm.defineProperty('contacts', { name: 'score', type: 'number', fieldType: 'number', groupName: 'own' });
  crm.defineProperty('contacts', { name: MARKER, type: 'string', fieldType: 'text', groupName: 'own' });
  const slept: number[] = [];
  return {
    portal,
    slept,
    create: (count) => Array.from({ length: count }, () => crm.create('contacts', {})),
    async write(...ids) {
      const { countedAsWritten } = await fixedSleep.write({
        url: portal.url,
        accessToken: 'local-access-token',
        contacts: ids.map((id) => ({ id, properties: { score: '42' } })),
        async sleep(ms) {
          slept.push(ms);
          time.nowMs += ms;
        },
      });
      return countedAsWritten.length;
    },
    scores: (ids) => ids.map((id) => crm.history('contacts', id, 'score')[0]?.value),
    statuses: () =>
      portal.calls.filter(({ path }) => path.endsWith('/batch/update')).map(({ status }) => status),
  };
}

test('where all is well it writes everybody, a hundred to a call, 250 ms apart', async () => {
  const { create, write, scores, statuses, slept } = await openShelf();
  const ids = create(250);

  expect(await write(...ids)).toBe(250);

  expect(scores(ids)).toEqual(ids.map(() => '42'));
  expect(statuses()).toEqual([200, 200, 200]);
  expect(slept).toEqual([250, 250, 250]);
});

test('one deleted contact makes it send the batch three times and count the contact as written', async () => {
  const { portal, create, write, statuses } = await openShelf();
  const [living = '', deleted = ''] = create(2);
  portal.crm.delete('contacts', deleted);

  expect(await write(living, deleted)).toBe(2);

  expect(statuses()).toEqual([207, 207, 207]);
  expect(portal.crm.history('contacts', living, 'score').map(({ value }) => value)).toEqual([
    '42',
    '42',
    '42',
  ]);
});

test('after the third 429 it drops the batch and counts it as written', async () => {
  const { portal, create, write, scores, statuses, slept } = await openShelf({ rateLimitPer10Seconds: 5 });
  const ids = create(100);
  for (let calls = 0; calls < 5; calls++) await portal.call('GET', '/account-info/2026-03/details');

  expect(await write(...ids)).toBe(100);

  expect(statuses()).toEqual([429, 429, 429]);
  expect(slept).toEqual([500, 1000, 2000, 250]); // Far from the 10 s that the window lasts.
  expect(scores(ids)).toEqual(ids.map(() => undefined));
});

test('a contact that stands twice in a batch keeps all others of the batch from being written', async () => {
  const { create, write, scores, statuses } = await openShelf();
  const ids = create(99);

  expect(await write(...ids, ids[0] ?? '')).toBe(0);

  expect(statuses()).toEqual([400]);
  expect(scores(ids)).toEqual(ids.map(() => undefined));
});

test('its marker keeps nothing from being written twice, but is one more value and one more event each time', async () => {
  const heard = await listenForWebhooks();
  const subscriptions = [`contact.propertyChange:${MARKER}`];
  const { portal, create, write } = await openShelf();
  portal.setWebhooks({ targetUrl: heard.url, subscriptions });
  const [id = ''] = create(1);

  await write(id);
  await write(id);
  await portal.settled();

  expect(portal.crm.history('contacts', id, 'score')).toHaveLength(2);
  expect(portal.crm.history('contacts', id, MARKER)).toHaveLength(2);
  expect(heard.events()).toHaveLength(2);
});

// Four calls a second make 40 in 10 s; the smaller plans of HubSpot allow 100.
test.each([
  { processes: 1, because: 'it keeps below the limit', limited: false },
  { processes: 3, because: 'three of them make 120 calls, and none knows of the others', limited: true },
])('$processes at a time: $because', async ({ processes, limited }) => {
  const time = startVirtualTime(NOON_MS);
  const wire = startWire(time);
  const { portal, create, scores } = await openShelf({
    rateLimitPer10Seconds: 100,
    clock: () => Date.now(),
    sleep: wire.sleep,
  });
  try {
    const ids = create(processes * 6000);
    const shares = Array.from({ length: processes }, (_, at) =>
      ids.filter((_id, place) => place % processes === at),
    );
    const reports = shares.map((share) =>
      fixedSleep.write({
        url: portal.url,
        accessToken: 'local-access-token',
        contacts: share.map((id) => ({ id, properties: { score: '42' } })),
        sleep: time.sleep,
      }),
    );
    const counted = await time.until(Promise.all(reports), 3_600_000);

    expect(wire.calls().some(({ status }) => status === 429)).toBe(limited);
    expect(scores(ids).includes(undefined)).toBe(limited);
    expect(counted).toEqual(shares.map((share) => ({ countedAsWritten: share })));
  } finally {
    wire.stop();
    time.stop();
  }
});
