import { MisconfiguredError } from '../../lambdas/errors.ts';
import type { DetailReaders } from '../../lambdas/hubspot/portal.ts';
import { type FactRow, type FactStore, factStores, PortalFacts } from '../../lambdas/portal/portal-facts.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { createTable, ENGINES } from '../store/table.ts';

const NOON_MS = Date.UTC(2026, 10, 10, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Rows that several processes share, by sort key. */
function memoryRows() {
  const rows = new Map<string, FactRow<unknown>>();
  const uses = { reads: 0, updates: 0 };
  const stores = factStores(<T>(sk: string, _schema: unknown, initial: FactRow<T>): FactStore<T> => {
    let state = initial;
    rows.set(sk, initial);
    return {
      async read() {
        uses.reads += 1;
        await Promise.resolve();
        return state;
      },
      async update(change) {
        uses.updates += 1;
        await Promise.resolve();
        const changed = change(state);
        state = changed.state;
        rows.set(sk, state);
        return changed.result;
      },
    };
  });
  return { stores, rows, uses };
}

/** A portal that moves from zone to zone, and counts who asks. */
function portal() {
  const asked: string[] = [];
  const answers = { zone: 'UTC', names: ['afterglow_score'], failure: undefined as unknown };
  const tell = async <T>(kind: string, value: T): Promise<T> => {
    asked.push(kind);
    await Promise.resolve();
    if (answers.failure !== undefined) throw answers.failure;
    return value;
  };
  const definitions = () => Object.fromEntries(answers.names.map((name) => [name, null]));
  const hubSpot: DetailReaders = {
    account: {
      read: () => tell('account', { portalId: 33, accountType: 'STANDARD', timeZone: answers.zone }),
      covers: () => true,
    },
    contacts: {
      read: () => tell('contacts', definitions()),
      covers: (known) => answers.names.every((name) => name in known),
    },
    companies: { read: () => tell('companies', {}), covers: () => true },
    deals: { read: () => tell('deals', {}), covers: () => true },
    owners: { read: () => tell('owners', { ids: ['1'], isComplete: true }), covers: () => true },
    pipelines: { read: () => tell('pipelines', []), covers: () => true },
  };
  return { hubSpot, asked, answers };
}

function start() {
  const { stores, rows, uses } = memoryRows();
  const { hubSpot, asked, answers } = portal();
  const time = { nowMs: NOON_MS };
  const failures: unknown[] = [];
  const process = () =>
    new PortalFacts({
      stores,
      hubSpot,
      clock: () => time.nowMs,
      onFailure: (kind, error) => failures.push([kind, error]),
    });
  return { facts: process(), process, time, asked, answers, rows, uses, failures };
}

test('HubSpot is asked once, however often and by however many processes', async () => {
  const { facts, process, asked, uses, time } = start();

  expect(await facts.read('account')).toMatchObject({ timeZone: 'UTC' });
  for (let reads = 0; reads < 1000; reads++) await facts.read('account');
  const { updates } = uses;
  time.nowMs += 23 * 60 * MINUTE_MS;
  expect(await process().read('account')).toMatchObject({ timeZone: 'UTC' });
  expect(await facts.read('account')).toMatchObject({ timeZone: 'UTC' });

  expect(asked).toEqual(['account']);
  expect(uses).toEqual({ reads: 3, updates });
});

test('who asks while HubSpot is being asked is told by the same call', async () => {
  const { facts, asked } = start();

  expect(await Promise.all([facts.read('account'), facts.read('account')])).toMatchObject([
    { timeZone: 'UTC' },
    { timeZone: 'UTC' },
  ]);
  expect(asked).toEqual(['account']);
});

test('each kind is asked for by itself, and kept in a row of its own', async () => {
  const { facts, asked, rows } = start();

  await facts.read('owners');

  expect(asked).toEqual(['owners']);
  expect(rows.get('facts#owners')).toEqual({
    askedAtMs: NOON_MS,
    known: { value: { ids: ['1'], isComplete: true }, readAtMs: NOON_MS },
  });
  expect([...rows.keys()].toSorted()).toEqual([
    'facts#account',
    'facts#companies',
    'facts#contacts',
    'facts#deals',
    'facts#owners',
    'facts#pipelines',
  ]);
});

test('after a day HubSpot is asked again', async () => {
  const { facts, asked, answers, time } = start();
  await facts.read('account');
  answers.zone = 'Europe/Berlin';

  time.nowMs += DAY_MS - 1;
  expect(await facts.known('account')).toMatchObject({ readAtMs: NOON_MS, value: { timeZone: 'UTC' } });
  time.nowMs += 5 * MINUTE_MS;
  expect(await facts.known('account')).toMatchObject({
    readAtMs: time.nowMs,
    value: { timeZone: 'Europe/Berlin' },
  });

  expect(asked).toEqual(['account', 'account']);
});

test('an answer that contradicts it has HubSpot asked at once, and others hear of it within five minutes', async () => {
  const { facts, process, answers, time } = start();
  const other = process();
  await facts.read('account');
  await other.read('account');
  answers.zone = 'Europe/Berlin';
  time.nowMs += MINUTE_MS;

  expect(await facts.refresh('account')).toMatchObject({ timeZone: 'Europe/Berlin' });

  expect(await facts.read('account')).toMatchObject({ timeZone: 'Europe/Berlin' });
  time.nowMs += 5 * MINUTE_MS;
  expect(await other.read('account')).toMatchObject({ timeZone: 'Europe/Berlin' });
});

test('however many contradict it at once, HubSpot is asked once a minute', async () => {
  const { facts, process, asked, answers, time } = start();
  await facts.read('account');
  answers.zone = 'Europe/Berlin';
  time.nowMs += MINUTE_MS;

  const told = await Promise.all([facts, facts, process(), process()].map((each) => each.refresh('account')));
  time.nowMs += MINUTE_MS - 1;
  await process().refresh('account');
  expect(asked).toEqual(['account', 'account']);
  expect(told.slice(0, 2)).toMatchObject([{ timeZone: 'Europe/Berlin' }, { timeZone: 'Europe/Berlin' }]);

  time.nowMs += 1;
  await process().refresh('account');
  expect(asked).toHaveLength(3);
});

test('where HubSpot does not tell, what was known stands, also when it is old', async () => {
  const { facts, answers, time, failures } = start();
  await facts.read('account');
  const failure = new MisconfiguredError('not filled in');
  answers.failure = failure;
  time.nowMs += 3 * DAY_MS;

  expect(await facts.known('account')).toMatchObject({ readAtMs: NOON_MS });
  expect(await facts.refresh('account')).toMatchObject({ timeZone: 'UTC' });

  expect(failures).toEqual([['account', failure]]);
});

test('where HubSpot never told, nothing is known; it is asked again some minutes later', async () => {
  const { facts, asked, answers, time } = start();
  answers.failure = new MisconfiguredError('not filled in');

  expect(await facts.read('account')).toBeUndefined();
  expect(await facts.read('account')).toBeUndefined();
  expect(asked).toHaveLength(1);

  answers.failure = undefined;
  time.nowMs += 5 * MINUTE_MS;
  expect(await facts.read('account')).toMatchObject({ timeZone: 'UTC' });
});

test('definitions of a property that nobody asked for yet are read before the day is over', async () => {
  const { facts, process, answers, time } = start();
  await facts.read('contacts');
  answers.names = ['afterglow_score', 'afterglow_new'];
  time.nowMs += 10 * MINUTE_MS;

  expect(await process().read('contacts')).toEqual({ afterglow_score: null, afterglow_new: null });
});

test('a row from a clock that was wrong does not stop the asking', async () => {
  const { facts, process, asked, time } = start();
  time.nowMs += 10 * DAY_MS;
  await facts.read('account');
  time.nowMs = NOON_MS;

  expect(await process().known('account')).toMatchObject({ readAtMs: NOON_MS });
  expect(asked).toHaveLength(2);
});

describe.each(ENGINES)('in the table on $name', ({ start: startEngine }) => {
  test('it stands in the portal partition for every process, and a row that does not fit is read anew', async () => {
    const engine = await startEngine();
    try {
      const table = await createTable(engine);
      const { client, tableName } = table;
      const { hubSpot, asked } = portal();
      const rowsOf = (portalId: string) =>
        factStores((sk, schema, initial) => new PortalRow(client, tableName, portalId, sk, schema, initial));
      const process = (portalId = '33') =>
        new PortalFacts({
          stores: rowsOf(portalId),
          hubSpot,
          clock: () => NOON_MS,
          onFailure: () => undefined,
        });

      const first = await process().read('contacts');
      const second = await process().read('contacts');
      await process('44').read('contacts');

      expect(first).toEqual({ afterglow_score: null });
      expect(second).toEqual(first);
      expect(asked).toEqual(['contacts', 'contacts']); // Once for each portal.
      expect((await table.rows()).map(({ pk, sk }) => [pk, sk])).toEqual(
        expect.arrayContaining([
          [expect.stringContaining('33'), 'facts#contacts'],
          [expect.stringContaining('44'), 'facts#contacts'],
        ]),
      );
    } finally {
      await engine.stop();
    }
  });
});
