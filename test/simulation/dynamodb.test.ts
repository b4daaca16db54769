import { isDeepStrictEqual } from 'node:util';
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { randomOf } from '../../bench/random/random.ts';
import { CONTACT_TABLE } from '../../bench/virtual/contact-table.ts';
import { MemoryTable, type TableCommand } from '../../simulation/dynamodb.ts';
import { type Client, createTable, ENGINES, type Engine, type Table } from '../store/table.ts';
import { byBytes, RandomCommands } from './dynamodb-commands.ts';
import { walkStore } from './store-walk.ts';

const OPERATIONS = 800;
/** Between so many commands, all of the indexes and of the table is read. */
const LOOK_EVERY = 50;
const STEPS = 100;
/** The engines answer by HTTP, on a machine that does other things too. */
const PATIENCE_MS = 180_000;

type Attributes = Record<string, unknown>;
interface Answer {
  readonly Items?: Attributes[];
  readonly LastEvaluatedKey?: Attributes;
  readonly Responses?: Record<string, Attributes[]>;
}

/** What a command did: the output without what the transport adds, or the name of the error. */
async function outcome(send: () => object | Promise<object>): Promise<Attributes> {
  try {
    const output: Attributes & Answer = { ...(await send()) };
    delete output['$metadata'];
    // Dynalite shows that nothing was before, the others show nothing.
    if (isDeepStrictEqual(output['Attributes'], {})) delete output['Attributes'];
    // Which come in no order.
    const { Responses } = output;
    return Responses === undefined
      ? output
      : { ...output, Responses: inOrder(Object.values(Responses).flat()) };
  } catch (error) {
    return { error: error instanceof Error ? error.name : 'none' };
  }
}

function inOrder(rows: readonly Attributes[]): Attributes[] {
  const texts = new Map(rows.map((row) => [row, JSON.stringify(row, withNamesInOrder)]));
  return rows.toSorted((a, b) => byBytes(texts.get(a) ?? '', texts.get(b) ?? ''));
}

function withNamesInOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => byBytes(a, b)));
}

/** All pages of a reading. */
async function drained(
  send: (start: Attributes | undefined) => object | Promise<object>,
): Promise<Attributes[]> {
  const items: Attributes[] = [];
  let start: Attributes | undefined;
  do {
    const page: Answer = await send(start);
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return items;
}

describe.each(ENGINES)('the simulated table beside $name', ({ name, start }) => {
  let engine: Engine;
  let table: Table;
  let memory: MemoryTable;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    table = await createTable(engine);
    memory = new MemoryTable({ ...CONTACT_TABLE, name: table.tableName }, { clock: () => 0 });
  });

  const send = (command: TableCommand): Promise<object> => sent(table, command);

  test(
    `answers ${OPERATIONS} random commands as it does, and holds the same rows`,
    async () => {
      const commands = new RandomCommands(randomOf(8), table.tableName, name);
      const kinds: Record<string, number> = {};

      for (let at = 0; at < OPERATIONS; at++) {
        const command = commands.next();
        const ours = await outcome(() => memory.execute(command));
        const theirs = await outcome(() => send(command));
        // Of a row that was not there, dynoxide says that its keys were; DynamoDB says nothing.
        const isOdd =
          name === 'dynoxide' &&
          command instanceof UpdateCommand &&
          command.input.ReturnValues === 'ALL_OLD' &&
          ours['Attributes'] === undefined;
        if (isOdd) delete theirs['Attributes'];
        const { input } = command;
        expect({ at, input, outcome: ours }).toEqual({ at, input, outcome: theirs });
        const kind =
          `${command.constructor.name} ${typeof ours['error'] === 'string' ? ours['error'] : ''}`.trim();
        kinds[kind] = (kinds[kind] ?? 0) + 1;
        if (at % LOOK_EVERY === 0) await compareIndexes(commands);
      }

      expect(memory.rows()).toEqual((await table.rows()).toSorted(byKeys));
      expect(kinds).toMatchObject({
        GetCommand: expect.any(Number),
        'PutCommand ConditionalCheckFailedException': expect.any(Number),
        'UpdateCommand ConditionalCheckFailedException': expect.any(Number),
        'UpdateCommand ValidationException': expect.any(Number),
        'DeleteCommand ConditionalCheckFailedException': expect.any(Number),
        QueryCommand: expect.any(Number),
        BatchGetCommand: expect.any(Number),
      });
    },
    PATIENCE_MS,
  );

  /** Rows that an index has in the same place may come in any order, and a scan in any at all. */
  async function compareIndexes(commands: RandomCommands): Promise<void> {
    const asked = commands.indexQuery();
    const part = (ExclusiveStartKey: Attributes | undefined) =>
      new QueryCommand({ ...asked, ExclusiveStartKey });
    const ours = await drained((from) => memory.execute(part(from)));
    const theirs = await drained((from) => send(part(from)));
    expect(inOrder(ours)).toEqual(inOrder(theirs));
    expect(placesOf(ours)).toEqual(placesOf(theirs));
    const scan = commands.scan();
    const all = (ExclusiveStartKey: Attributes | undefined) =>
      new ScanCommand({ ...scan, ExclusiveStartKey });
    expect(inOrder(await drained((from) => memory.execute(all(from))))).toEqual(
      inOrder(await drained((from) => send(all(from)))),
    );
  }

  test.each(refused())('refuses $because', async ({ make, except }) => {
    const row = { pk: 'a', sk: 'b', text: 'c', list: [] };
    memory.put(row);
    await table.put([row]);

    const command = make(table.tableName);

    const theirs = name === except ? { error: 'ValidationException' } : await outcome(() => send(command));
    expect(theirs).toEqual({ error: 'ValidationException' });
    expect(await outcome(() => memory.execute(command))).toEqual({ error: 'ValidationException' });
    expect(memory.rows()).toEqual([row]);
  });

  test('gives pages of 1 MB that together are all rows', async () => {
    const rows = Array.from({ length: 9 }, (_, at) => ({ pk: 'a', sk: `s${at}`, text: 'ü'.repeat(150_000) }));
    for (const row of rows) memory.put(row);
    for (const row of rows) await table.put([row]);
    const first: Answer = memory.execute(partitionFrom(table.tableName, undefined));

    // 300,000 bytes a row: the fourth is the one that goes beyond 1,048,576.
    expect(first.Items).toHaveLength(4);
    expect(await drained((from) => memory.execute(partitionFrom(table.tableName, from)))).toEqual(
      await drained((from) => send(partitionFrom(table.tableName, from))),
    );
  });

  test(
    `has the same rows as it after the store did ${STEPS} things at random`,
    async () => {
      const ours = await walkStore(clientOf(memory), table.tableName, STEPS);
      const theirs = await walkStore(table.client, table.tableName, STEPS);

      expect(ours).toEqual(theirs);
      expect(memory.rows()).toEqual((await table.rows()).toSorted(byKeys));
    },
    PATIENCE_MS,
  );
});

/** Where rows stand in their index. */
function placesOf(rows: readonly Attributes[]): unknown[] {
  return rows.map(({ rank, id }) => [rank, id]);
}

/** The document client takes one kind of command at a time. */
function sent({ client }: Table, command: TableCommand): Promise<object> {
  if (command instanceof GetCommand) return client.send(command);
  if (command instanceof PutCommand) return client.send(command);
  if (command instanceof UpdateCommand) return client.send(command);
  if (command instanceof DeleteCommand) return client.send(command);
  if (command instanceof QueryCommand) return client.send(command);
  if (command instanceof ScanCommand) return client.send(command);
  return client.send(command);
}

/** A client whose commands the simulated table does. */
function clientOf(memory: MemoryTable): Client {
  const send = async (command: TableCommand) => memory.execute(command);
  return { send: send as Client['send'] };
}

function byKeys(a: Attributes, b: Attributes): number {
  return byBytes(String(a['pk']), String(b['pk'])) || byBytes(String(a['sk']), String(b['sk']));
}

interface Refused {
  readonly because: string;
  readonly make: (TableName: string) => TableCommand;
  /** The engine that takes it, as DynamoDB does not. */
  readonly except?: string;
}

function partitionFrom(TableName: string, ExclusiveStartKey: Attributes | undefined): QueryCommand {
  return query({ ExclusiveStartKey })(TableName);
}

function query(input: Partial<QueryCommand['input']>) {
  return (TableName: string) =>
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': 'a' },
      ...input,
    });
}

function put(Item: Attributes) {
  return (TableName: string) => new PutCommand({ TableName, Item });
}

function refused(): Refused[] {
  const Key = { pk: 'a', sk: 'b' };
  const update = (input: Partial<UpdateCommand['input']>) => (TableName: string) =>
    new UpdateCommand({ TableName, Key, ...input });
  const set = (UpdateExpression: string, values: Attributes, names?: Record<string, string>) =>
    update({ UpdateExpression, ExpressionAttributeValues: values, ExpressionAttributeNames: names });
  return [
    { because: 'a name of which nothing is said', make: update({ UpdateExpression: 'REMOVE #a' }) },
    { because: 'a value of which nothing is said', make: update({ UpdateExpression: 'SET a = :a' }) },
    {
      because: 'a name that nobody mentions',
      make: update({ UpdateExpression: 'REMOVE a', ExpressionAttributeNames: { '#b': 'b' } }),
    },
    { because: 'a value that nobody mentions', make: set('SET a = :a', { ':a': 1, ':b': 2 }) },
    { because: 'a reserved word', make: set('SET old = :a', { ':a': 1 }) },
    { because: 'an attribute that is changed twice', make: set('SET a = :a REMOVE a', { ':a': 1 }) },
    { because: 'a section that comes twice', make: set('SET a = :a SET b = :a', { ':a': 1 }) },
    { because: 'a new key', make: set('SET sk = :a', { ':a': 'x' }) },
    { because: 'an attribute that is not there', make: set('SET a = b + :a', { ':a': 1 }) },
    { because: 'a text to which something is added', make: set('ADD #t :a', { ':a': 1 }, { '#t': 'text' }) },
    { because: 'a list behind a number', make: set('SET a = list_append(:a, :b)', { ':a': 1, ':b': [] }) },
    { because: 'a number to which a list is added', make: set('SET a = :a + :b', { ':a': 1, ':b': [] }) },
    { because: 'an expression that is none', make: update({ UpdateExpression: 'SET' }) },
    {
      because: 'a range from above to below',
      make: query({
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :b AND :pk',
        ExpressionAttributeValues: { ':pk': 'a', ':b': 'b' },
      }),
    },
    {
      because: 'a key condition on another attribute',
      make: query({ KeyConditionExpression: 'pk = :pk AND other = :pk' }),
    },
    { because: 'a key condition without the partition', make: query({ KeyConditionExpression: 'sk = :pk' }) },
    { because: 'a partition that is only bounded', make: query({ KeyConditionExpression: 'pk > :pk' }) },
    {
      because: 'a page that begins in another partition',
      make: query({ ExclusiveStartKey: { pk: 'x', sk: 'b' } }),
      except: 'dynoxide',
    },
    { because: 'a page that begins at half a key', make: query({ ExclusiveStartKey: { pk: 'a' } }) },
    { because: 'a filter on a key', make: query({ FilterExpression: 'sk <> :pk' }) },
    { because: 'a page of nothing', make: query({ Limit: 0 }) },
    {
      because: 'a consistent reading of an index',
      make: query({ IndexName: 'due', KeyConditionExpression: 'due = :pk', ConsistentRead: true }),
    },
    { because: 'an index that is not there', make: query({ IndexName: 'none' }) },
    {
      because: 'what the index does not have',
      make: query({ IndexName: 'due', KeyConditionExpression: 'due = :pk', ProjectionExpression: 'other' }),
    },
    { because: 'a row without its key', make: put({ pk: 'a' }) },
    { because: 'a key that is a number', make: put({ pk: 'a', sk: 1 }) },
    { because: 'an empty key', make: put({ pk: 'a', sk: '' }) },
    { because: 'a key of an index of the wrong type', make: put({ pk: 'a', sk: 'b', rank: 'c' }) },
    {
      because: 'a key of an index that becomes a text',
      make: set('SET #r = :a', { ':a': 'x' }, { '#r': 'rank' }),
    },
    { because: 'a row of more than 400 KB', make: put({ pk: 'a', sk: 'b', text: 'x'.repeat(400 * 1024) }) },
    {
      because: 'a key with more than the key',
      make: (TableName) => new GetCommand({ TableName, Key: { ...Key, at: 1 } }),
    },
    {
      because: 'more than 100 keys',
      make: (name) =>
        new BatchGetCommand({
          RequestItems: {
            [name]: { Keys: Array.from({ length: 101 }, (_, at) => ({ pk: 'a', sk: `s${at}` })) },
          },
        }),
    },
    {
      because: 'a key that is asked for twice',
      make: (name) => new BatchGetCommand({ RequestItems: { [name]: { Keys: [Key, Key] } } }),
    },
    {
      because: 'two pairs of brackets around the same',
      make: (TableName) =>
        new DeleteCommand({ TableName, Key, ConditionExpression: '((attribute_exists(a)))' }),
    },
    {
      because: 'the row after it was deleted',
      make: (TableName) => new DeleteCommand({ TableName, Key, ReturnValues: 'ALL_NEW' }),
      except: 'dynalite',
    },
  ];
}
