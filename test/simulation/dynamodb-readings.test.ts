import {
  BatchGetCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { CONTACT_TABLE } from '../../bench/virtual/contact-table.ts';
import { MemoryTable } from '../../simulation/dynamodb.ts';

const TableName = CONTACT_TABLE.name;
type Attributes = Record<string, unknown>;

interface Output {
  readonly Item?: Attributes;
  readonly Items?: Attributes[];
  readonly Count?: number;
  readonly LastEvaluatedKey?: Attributes;
  readonly Responses?: Record<string, Attributes[]>;
  readonly UnprocessedKeys?: Record<string, { Keys: Attributes[] }>;
}

/** What these commands answer, as this file reads it. */
const done = (table: MemoryTable, command: Parameters<MemoryTable['execute']>[0]): Output =>
  table.execute(command);

const partition = (more: Partial<QueryCommand['input']> = {}) =>
  new QueryCommand({
    TableName,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': 'a' },
    ConsistentRead: true,
    ...more,
  });
const due = new QueryCommand({
  TableName,
  IndexName: 'due',
  KeyConditionExpression: 'due = :due',
  ExpressionAttributeValues: { ':due': 'tonight' },
});

function tableOf(sortKeys: readonly string[]): MemoryTable {
  const table = new MemoryTable(CONTACT_TABLE, { clock: () => 0 });
  for (const sk of sortKeys) table.put({ pk: 'a', sk });
  return table;
}

function lastOf(reading: Generator<void, object>): Output {
  for (;;) {
    const { done: isLast, value } = reading.next();
    if (isLast === true) return value;
  }
}

const sortKeysOf = ({ Items = [] }: Output) => Items.map(({ sk }) => sk);

test('a query is no snapshot: what is written behind the row it stands at is read, before it is not', () => {
  const table = tableOf(['b', 'd', 'f']);
  const reading = table.read(partition());
  reading.next();
  reading.next(); // It stands at d.

  table.put({ pk: 'a', sk: 'c' });
  table.put({ pk: 'a', sk: 'e', is: 'new' });
  table.put({ pk: 'a', sk: 'f', is: 'changed' });

  expect(lastOf(reading).Items).toEqual([
    { pk: 'a', sk: 'b' },
    { pk: 'a', sk: 'd' },
    { pk: 'a', sk: 'e', is: 'new' },
    { pk: 'a', sk: 'f', is: 'changed' },
  ]);
});

test('from the newest on, the same; and a scan', () => {
  const table = tableOf(['b', 'd', 'f']);
  const [backwards, scan] = [
    table.read(partition({ ScanIndexForward: false })),
    table.read(new ScanCommand({ TableName, ConsistentRead: true })),
  ];
  for (const reading of [backwards, backwards, scan]) reading.next(); // At d, and at b.

  table.put({ pk: 'a', sk: 'c' });
  table.put({ pk: 'a', sk: 'e' });

  expect(sortKeysOf(lastOf(backwards))).toEqual(['f', 'd', 'c', 'b']);
  expect(sortKeysOf(lastOf(scan))).toEqual(['b', 'c', 'd', 'e', 'f']);
});

test('a page that is cut short goes on behind its last row', () => {
  const table = tableOf(['b', 'd', 'f']);

  const page = lastOf(table.read(partition(), { most: 2 }));
  const rest = done(table, partition({ ExclusiveStartKey: page.LastEvaluatedKey }));

  expect(page).toMatchObject({ Count: 2, LastEvaluatedKey: { pk: 'a', sk: 'd' } });
  expect(sortKeysOf(rest)).toEqual(['f']);
  expect(rest.LastEvaluatedKey).toBeUndefined();
});

test('keys that a reading of many leaves out are named, and those it reads are read one by one', () => {
  const table = tableOf(['b', 'd', 'f']);
  const Keys = ['b', 'd', 'f'].map((sk) => ({ pk: 'a', sk }));
  const command = new BatchGetCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true } } });
  const reading = table.read(command, { most: 2 });
  reading.next();

  for (const key of Keys) table.put({ ...key, is: 'new' });
  const { Responses, UnprocessedKeys } = lastOf(reading);

  expect(Responses?.[TableName]?.filter(({ is }) => is === 'new')).toHaveLength(1);
  expect(Responses?.[TableName]).toHaveLength(2);
  expect(UnprocessedKeys?.[TableName]).toMatchObject({ ConsistentRead: true, Keys: [expect.any(Object)] });
});

test('an index sees changes of a row later than the table, and in their order', () => {
  let nowMs = 1_000;
  // Of each write, for those who read without asking for consistency, and for the index.
  const lags = [500, 500, 0, 0];
  const table = new MemoryTable(CONTACT_TABLE, { clock: () => nowMs, indexLagMs: () => lags.shift() ?? 0 });
  table.put({ pk: 'a', sk: '#head', due: 'tonight' });
  table.execute(
    new UpdateCommand({ TableName, Key: { pk: 'a', sk: '#head' }, UpdateExpression: 'REMOVE due' }),
  );
  const seen = () => done(table, due).Count;
  const Key = { pk: 'a', sk: '#head' };
  const stale = () => done(table, new GetCommand({ TableName, Key })).Item;

  expect([seen(), stale()]).toEqual([0, undefined]);
  expect(done(table, new GetCommand({ TableName, Key, ConsistentRead: true })).Item).toEqual(Key);
  nowMs += 500;

  expect([seen(), stale()]).toEqual([0, Key]);
});

test('an index shows for a while what is there no more', () => {
  let nowMs = 1_000;
  const table = new MemoryTable(CONTACT_TABLE, { clock: () => nowMs, indexLagMs: () => 100 });
  table.put({ pk: 'a', sk: '#head', due: 'tonight', other: 1 });
  nowMs += 100;
  expect(done(table, due).Items).toEqual([{ pk: 'a', sk: '#head', due: 'tonight' }]);

  table.put({ pk: 'a', sk: '#head' });

  nowMs += 99;
  expect(done(table, due).Count).toBe(1);
  nowMs += 1;
  expect(done(table, due).Count).toBe(0);
});

test('time to live removes what is due, and says so', () => {
  const written: unknown[] = [];
  const table = new MemoryTable(CONTACT_TABLE, {
    clock: () => 0,
    onWrite: (pk, sk, before, after) => written.push([pk, sk, before, after]),
  });
  const nowSeconds = 2_000_000_000;
  const rows = [
    { pk: 'a', sk: 'past', expiresAt: nowSeconds - 1 },
    { pk: 'a', sk: 'coming', expiresAt: nowSeconds + 1 },
    { pk: 'a', sk: 'six years ago', expiresAt: nowSeconds - 6 * 365 * 86_400 },
    { pk: 'a', sk: 'a text', expiresAt: '1' },
  ];
  for (const row of rows) table.put(row);
  written.length = 0;

  expect(table.expire(nowSeconds * 1_000)).toBe(1);

  expect(written).toEqual([['a', 'past', rows[0], undefined]]);
  expect(table.rows()).toHaveLength(3);
});

test('nobody who changes what they gave, or were given, changes the table', () => {
  const table = tableOf([]);
  const row = { pk: 'a', sk: 'b', list: [{ deep: 1 }] };
  table.execute(new PutCommand({ TableName, Item: row }));

  row.list.push({ deep: 2 });
  done(table, partition()).Items?.forEach((item) => {
    item['list'] = undefined;
  });
  for (const item of done(table, partition()).Items ?? []) {
    for (const one of Array.isArray(item['list']) ? item['list'] : []) Object.assign(one, { deep: 3 });
  }

  expect(table.rows()).toEqual([{ pk: 'a', sk: 'b', list: [{ deep: 1 }] }]);
});

test.each([
  ['a parameter', new GetCommand({ TableName, Key: { pk: 'a', sk: 'b' }, ReturnConsumedCapacity: 'TOTAL' })],
  ['a set', new PutCommand({ TableName, Item: { pk: 'a', sk: 'b', set: new Set(['a']) } })],
  ['a bigint', new PutCommand({ TableName, Item: { pk: 'a', sk: 'b', big: 1n } })],
  ['bytes', new PutCommand({ TableName, Item: { pk: 'a', sk: 'b', bytes: new Uint8Array(1) } })],
  [
    'a nested attribute',
    new UpdateCommand({ TableName, Key: { pk: 'a', sk: 'b' }, UpdateExpression: 'REMOVE a.b' }),
  ],
  ['a section', new UpdateCommand({ TableName, Key: { pk: 'a', sk: 'b' }, UpdateExpression: 'DELETE a :b' })],
])('what is not known is refused, such as %s', (_what, command) => {
  const table = tableOf(['b']);

  expect(() => table.execute(command)).toThrow(/does not know|knows no|Unsupported type/);
  expect(table.rows()).toEqual([{ pk: 'a', sk: 'b' }]);
});

test('another table is not there', () => {
  const other = new GetCommand({ TableName: 'other', Key: { pk: 'a', sk: 'b' } });

  expect(() => tableOf([]).execute(other)).toThrow(
    expect.objectContaining({ name: 'ResourceNotFoundException' }),
  );
});
