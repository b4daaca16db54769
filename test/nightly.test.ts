import * as v from 'valibot';
import { Tick } from '../lambdas/events/envelope.ts';
import { type DecayParts, progressRow, runDecay } from '../lambdas/nightly/decay.ts';
import type { NightlyParts } from '../lambdas/nightly.ts';
import { dueContacts } from '../lambdas/store/due-index.ts';
import { contactKey } from '../lambdas/store/keys.ts';
import { recorded } from './recorded.ts';
import { plainScore } from './store/plain-score.ts';
import { createTable, type Engine, startDynalite, type Table } from './store/table.ts';

let engine: Engine;
let table: Table;
let ticks: Tick[];
/** On which night each contact falls due. */
let nightOf: Map<string, string | undefined>;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  table = await createTable(engine);
  ticks = [];
  nightOf = new Map();
});

/** The nightly run at a time of the portal's, which keeps UTC unless told otherwise. */
function nightlyAt(time: string, more: Partial<NightlyParts> = {}) {
  const { client, tableName } = table;
  const parts: DecayParts & Pick<NightlyParts, 'observe'> = {
    clock: () => Date.parse(time),
    portalId: '33',
    timeZone: 'UTC',
    async *due(night) {
      yield [...nightOf].filter(([, due]) => due === night).map(([id]) => id);
    },
    tick: async (messages) => void ticks.push(...messages),
    dueBy: async (ids) => [...ids],
    progress: progressRow({ client, tableName, portalId: '33' }),
    logger: { info: () => {} },
    count: () => {},
    observe: () => {},
    ...more,
  };
  return (event: unknown) => runDecay(event, parts);
}

const DECAY = { job: 'decay' };
const NEVER_TICKS = () => Promise.reject(new Error('throttled'));

function fallsDue(night: string | undefined, ...ids: number[]): void {
  for (const id of ids) nightOf.set(String(id), night);
}

const ticked = () => ticks.flatMap(({ contactIds }) => contactIds).toSorted((a, b) => Number(a) - Number(b));

test('a night ticks exactly the contacts that are due on it', async () => {
  fallsDue('2026-06-09', 1, 2);
  fallsDue('2026-06-10', 3);
  fallsDue(undefined, 4);

  const report = await nightlyAt('2026-06-09T02:00:00Z')(DECAY);

  expect(ticked()).toEqual(['1', '2']);
  expect(report.due).toBe(2);
  expect(ticks.every((tick) => v.is(Tick, tick) && tick.portalId === '33')).toBe(true);
});

test('the nights and contacts are those that the table holds', async () => {
  const { client, tableName } = table;
  const scored = (id: string, night: string) =>
    table
      .contacts()
      .rescore(contactKey('33', id), (...all) => ({ ...plainScore(...all), dueNight: night }), 0);
  await scored('1', '2026-06-09');
  await scored('2', '2026-06-10');

  await nightlyAt('2026-06-09T02:00:00Z', {
    due: (night) => dueContacts(client, tableName, '33', night),
  })(DECAY);

  expect(ticked()).toEqual(['1']);
});

test('a contact that was ticked and scored is left alone on the nights after', async () => {
  fallsDue('2026-06-09', 1);
  await nightlyAt('2026-06-09T02:00:00Z')(DECAY);
  fallsDue('2026-06-20', 1); // As the scorer does on a tick.
  ticks = [];

  await nightlyAt('2026-06-10T02:00:00Z')(DECAY);
  await nightlyAt('2026-06-11T02:00:00Z')(DECAY);
  expect(ticked()).toEqual([]);

  await nightlyAt('2026-06-20T02:00:00Z')(DECAY);
  expect(ticked()).toEqual(['1']);
});

test('a tick that went astray is sent again the next night', async () => {
  fallsDue('2026-06-09', 1);
  await nightlyAt('2026-06-09T02:00:00Z')(DECAY);
  ticks = [];

  await nightlyAt('2026-06-10T02:00:00Z')(DECAY);

  expect(ticked()).toEqual(['1']);
});

test('a night that failed is caught up by the next, and so are many', async () => {
  await nightlyAt('2026-06-01T02:00:00Z')(DECAY);
  for (let day = 2; day <= 29; day++) fallsDue(`2026-06-${String(day).padStart(2, '0')}`, day);

  for (const day of ['02', '10', '25']) {
    const failed = nightlyAt(`2026-06-${day}T02:00:00Z`, { tick: NEVER_TICKS })(DECAY);
    await expect(failed).rejects.toThrow('throttled');
  }
  await nightlyAt('2026-06-28T02:00:00Z')(DECAY);

  expect(ticked()).toEqual(Array.from({ length: 27 }, (_, at) => String(at + 2)));
});

test('nothing is left out when the run failed from the very first night', async () => {
  fallsDue('2026-06-01', 1);
  await expect(nightlyAt('2026-06-01T02:00:00Z', { tick: NEVER_TICKS })(DECAY)).rejects.toThrow('throttled');

  await nightlyAt('2026-06-30T02:00:00Z')(DECAY);

  expect(ticked()).toEqual(['1']);
});

test('a tick message names at most 100 contacts, and none is left out', async () => {
  const ids = Array.from({ length: 250 }, (_, at) => String(at + 1));
  const due = async function* (night: string) {
    if (night === '2026-06-09') yield ids;
  };

  await nightlyAt('2026-06-09T02:00:00Z', { due })(DECAY);

  expect(ticks.map(({ contactIds }) => contactIds.length)).toEqual([100, 100, 50]);
  expect(ticked()).toEqual(ids);
});

test('up to now also takes what falls due today, which the coming night would find', async () => {
  fallsDue('2026-06-09', 1);
  fallsDue('2026-06-10', 2);
  fallsDue('2026-06-11', 3);

  await nightlyAt('2026-06-09T15:00:00Z')({ job: 'decay', upTo: 'now' });

  expect(ticked()).toEqual(['1', '2']);
});

test('up to now does not stand for the coming night: what falls due until then is found by it', async () => {
  await nightlyAt('2026-06-09T15:00:00Z')({ job: 'decay', upTo: 'now' });
  fallsDue('2026-06-10', 2);

  await nightlyAt('2026-06-10T02:00:00Z')(DECAY);

  expect(ticked()).toEqual(['2']);
});

test('an hourly look ticks what is due by now, and leaves alone what falls due later today', async () => {
  fallsDue('2026-06-09', 1);
  fallsDue('2026-06-10', 2, 3);
  const dueAt = new Map([
    ['2', '2026-06-09T14:59:59Z'],
    ['3', '2026-06-09T15:00:01Z'],
  ]);
  const dueBy = async (ids: readonly string[], nowMs: number) =>
    ids.filter((id) => Date.parse(dueAt.get(id) ?? '') <= nowMs);

  const report = await nightlyAt('2026-06-09T15:00:00Z', { dueBy })({ job: 'decay', upTo: 'now' });

  expect(ticked()).toEqual(['1', '2']);
  expect(report.due).toBe(2);
});

test.each([
  {
    timeZone: 'Pacific/Auckland',
    night: '2026-06-10',
    because: 'there it is 9 June, 14:00 UTC = 10 June, 02:00',
  },
  { timeZone: 'America/Los_Angeles', night: '2026-06-09', because: 'there it is still 9 June' },
])('nights are those of the portal, in $timeZone: $because', async ({ timeZone, night }) => {
  fallsDue('2026-06-09', 9);
  fallsDue('2026-06-10', 10);

  const report = await nightlyAt('2026-06-09T14:00:00Z', { timeZone })(DECAY);

  expect(report.nights.at(-1)).toBe(night);
  expect(ticked()).toEqual(night === '2026-06-10' ? ['9', '10'] : ['9']);
});

test('an older run that ends late does not put the finished night back', async () => {
  await nightlyAt('2026-06-20T02:00:00Z')(DECAY);
  await nightlyAt('2026-06-05T02:00:00Z')(DECAY);

  expect((await nightlyAt('2026-06-20T03:00:00Z')(DECAY)).nights[0]).toBe('2026-06-13');
});

test('a schedule that asks for something else is refused', async () => {
  await expect(nightlyAt('2026-06-09T02:00:00Z')({ job: 'sweep' })).rejects.toThrow(
    'Expected ("nightly" | "decay")',
  );
  expect(ticks).toEqual([]);
});

describe('a night is told in figures', () => {
  test('how many fell due and were ticked, that it finished, and how long it took', async () => {
    const { counted, observed, ...parts } = recorded();
    fallsDue('2026-06-09', 1, 2, 3);
    fallsDue('2026-06-08', 4);
    const times = ['02:00:00', '02:00:01', '02:01:30'];
    const clock = () => Date.parse(`2026-06-09T${(times.length > 1 ? times.shift() : times[0]) ?? ''}Z`);

    await nightlyAt('', { ...parts, clock })(DECAY);

    expect(Object.fromEntries(counted)).toEqual({ NightlyFinished: 1, ContactsDue: 4, ContactsTicked: 4 });
    expect(observed('NightlySeconds')).toEqual([90]);
  });

  test('one that fails says so, with those that were ticked before, and fails all the same', async () => {
    const { counted, observed, ...parts } = recorded();
    const ids = Array.from({ length: 200 }, (_, at) => String(at + 1));
    const due = async function* (night: string) {
      if (night !== '2026-06-09') return;
      yield ids.slice(0, 150);
      yield ids.slice(150);
    };
    let taken = 0;
    const tick = async () => {
      taken += 1;
      if (taken > 1) throw new Error('throttled');
    };

    const run = nightlyAt('2026-06-09T02:00:00Z', { ...parts, due, tick })(DECAY);

    await expect(run).rejects.toThrow('throttled');
    expect(Object.fromEntries(counted)).toEqual({
      NightlyFinished: 0,
      ContactsDue: 200,
      ContactsTicked: 150,
    });
    expect(observed('NightlySeconds')).toEqual([0]);
  });

  test.each([
    { event: DECAY, finished: 1, because: 'nobody falls due' },
    { event: { job: 'sweep' }, finished: 0, because: 'the schedule asks for something else' },
  ])('none is a gap: $because', async ({ event, finished }) => {
    const { counted, observed, ...parts } = recorded();

    await nightlyAt('2026-06-09T02:00:00Z', parts)(event).catch(() => undefined);

    expect(Object.fromEntries(counted)).toEqual({
      NightlyFinished: finished,
      ContactsDue: 0,
      ContactsTicked: 0,
    });
    expect(observed('NightlySeconds')).toHaveLength(1);
  });
});
