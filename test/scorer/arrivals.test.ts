import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Arrival } from '../../lambdas/events/heard.ts';
import { createArrivalNotes, HEARD_ROW, HeardDays, NOTHING_HEARD } from '../../lambdas/scorer/arrivals.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { modelOf } from '../scoring/model-of.ts';
import { createTable, type Engine, startDynalite, type Table, watched } from '../store/table.ts';

const NOON = Date.UTC(2026, 5, 1, 12);
const DAY_MS = 86_400_000;
const JOBTITLE = 'contact.propertyChange:jobtitle';
const MODEL = modelOf('fit: { rules: [{ id: cto, title: T, property: jobtitle, is: [CTO], points: 1 }] }');

let engine: Engine;
let table: Table;
/** What was asked of the row, in order, and what was said. */
let calls: ('read' | 'write')[];
let said: unknown[][];
let isFailing: boolean;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  table = await createTable(engine);
  calls = [];
  said = [];
  isFailing = false;
});

/** The notes of one process. */
function notes(nowMs = NOON) {
  const client = watched(table.client, async (command, go) => {
    if (command instanceof GetCommand) calls.push('read');
    if (command instanceof PutCommand) calls.push('write');
    if (isFailing) throw new Error('ProvisionedThroughputExceededException');
    return go();
  });
  return createArrivalNotes({
    clock: () => nowMs,
    model: MODEL,
    heard: new PortalRow(client, table.tableName, '33', HEARD_ROW, HeardDays, NOTHING_HEARD),
    logger: { warn: (...line) => void said.push(line) },
  });
}

const of = (subscription: string, occurredAtMs = NOON): Arrival => ({ subscription, occurredAtMs });
const noted = async () => (await table.row('33#portal', 'heard'))?.['state'];

test('the day of the newest event of each subscription is noted, in UTC, with one write for all', async () => {
  const lateMs = Date.UTC(2026, 4, 31, 23, 59, 59, 999);

  await notes()([
    of(JOBTITLE, lateMs),
    of('contact.creation'),
    of(JOBTITLE, lateMs - DAY_MS),
    of('contact.merge'),
  ]);

  expect(await noted()).toEqual({
    heard: { [JOBTITLE]: '2026-05-31', 'contact.creation': '2026-06-01', 'contact.merge': '2026-06-01' },
  });
  expect(calls).toEqual(['read', 'write']);
});

test('more events of a day touch the row no more, those of another subscription or of the next day once', async () => {
  const note = notes(NOON + DAY_MS);
  await note([of(JOBTITLE)]);
  calls = [];

  for (let event = 0; event < 50; event++) await note([of(JOBTITLE, NOON + event)]);
  expect(calls).toEqual([]);

  await note([of('contact.creation')]);
  await note([of(JOBTITLE, NOON + DAY_MS)]);
  await note([of(JOBTITLE, NOON)]);
  expect(calls.filter((call) => call === 'write')).toHaveLength(2);
  expect(await noted()).toEqual({ heard: { [JOBTITLE]: '2026-06-02', 'contact.creation': '2026-06-01' } });
});

test('what another process noted is read once, and not written again', async () => {
  await notes()([of(JOBTITLE), of('contact.creation')]);
  calls = [];
  const other = notes();

  await other([of(JOBTITLE)]);
  await other([of('contact.creation')]);

  expect(calls).toEqual(['read']);
});

test('an older event of another process takes no day back', async () => {
  await notes()([of(JOBTITLE)]);

  await notes()([of(JOBTITLE, NOON - DAY_MS)]);

  expect(await noted()).toEqual({ heard: { [JOBTITLE]: '2026-06-01' } });
});

test('an event whose clock is ahead of ours is one of today', async () => {
  await notes()([of(JOBTITLE, NOON + DAY_MS)]);

  expect(await noted()).toEqual({ heard: { [JOBTITLE]: '2026-06-01' } });
});

test('what the model does not ask for leaves the table alone', async () => {
  await notes()([
    of('contact.propertyChange:city'),
    of('deal.creation'),
    of('contact.propertyChange:__proto__'),
  ]);

  expect(calls).toEqual([]);
});

test('where it cannot be noted, that is said, and the next event notes it', async () => {
  const note = notes();
  isFailing = true;
  await note([of(JOBTITLE)]);
  expect(said).toEqual([['not noted which subscriptions bring events', { error: expect.any(Error) }]]);

  isFailing = false;
  await note([of(JOBTITLE)]);

  expect(await noted()).toEqual({ heard: { [JOBTITLE]: '2026-06-01' } });
});
