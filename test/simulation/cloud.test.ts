import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { BatchGetCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { CONTACT_TABLE } from '../../bench/virtual/contact-table.ts';
import { Cloud, Environment } from '../../simulation/cloud.ts';
import { MemoryTable } from '../../simulation/dynamodb.ts';
import { type Fault, Faults } from '../../simulation/faults.ts';
import { ALL_QUEUES, QUEUES } from '../../simulation/queues.ts';
import { Scheduler } from '../../simulation/scheduler.ts';
import { MemoryQueues } from '../../simulation/sqs.ts';

const START_MS = Date.UTC(2026, 2, 2, 8);
const TableName = CONTACT_TABLE.name;
const put = (sk: string, text = 'x') => new PutCommand({ TableName, Item: { pk: 'a', sk, text } });
const query = () =>
  new QueryCommand({
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': 'a' },
  });
const batch = () =>
  new SendMessageBatchCommand({
    QueueUrl: QUEUES.events.queue.url,
    Entries: ['1', '2', '3'].map((Id) => ({ Id, MessageBody: Id })),
  });

/** Always the same fault, once; then none. */
class OneFault extends Faults {
  #fault: Fault | undefined;

  constructor(fault: Fault | undefined, seed: number) {
    super(seed, 1);
    this.#fault = fault;
  }

  override choose<Kind extends string>(kinds: readonly Kind[]): Kind | undefined {
    const kind = kinds.find((one) => one === this.#fault);
    if (kind !== undefined) this.#fault = undefined;
    return kind;
  }
}

function cloudWith(fault: Fault | undefined, seed = 1) {
  const scheduler = new Scheduler(seed, START_MS);
  const writtenAt: number[] = [];
  const table = new MemoryTable(CONTACT_TABLE, {
    clock: scheduler.now,
    onWrite: () => writtenAt.push(scheduler.elapsedMs),
  });
  const queues = new MemoryQueues(ALL_QUEUES, { clock: scheduler.now, random: () => 0.5 });
  const cloud = new Cloud(scheduler, new OneFault(fault, seed), { table, queues }, { token: 'secret' });
  const caller = new Environment('scorer-1');
  const texts = () => queues.messages(QUEUES.events.queue.name).map(({ body }) => body);
  return { scheduler, table, cloud, caller, clients: cloud.clientsOf(caller), writtenAt, texts };
}
type World = ReturnType<typeof cloudWith>;

interface Seen {
  readonly answer?: unknown;
  readonly error?: string;
  readonly atMs: number;
}

/** What a caller sees, and when; undefined for nothing. */
async function seen({ scheduler }: World, call: Promise<unknown>): Promise<Seen | undefined> {
  const outcomes: Seen[] = [];
  call.then(
    (answer) => outcomes.push({ answer, atMs: scheduler.elapsedMs }),
    (error: unknown) =>
      outcomes.push({ error: error instanceof Error ? error.name : '', atMs: scheduler.elapsedMs }),
  );
  await scheduler.run();
  return outcomes[0];
}

const chosen = (seed: number, rate: number) => {
  const faults = new Faults(seed, rate);
  const kinds = Array.from({ length: 2_000 }, () => faults.choose(['a', 'b']));
  return { kinds, done: faults.done };
};

const ids = (entries: readonly { readonly Id: string }[]) => entries.map(({ Id }) => Id);
const get = () => new GetSecretValueCommand({ SecretId: 'token' });

test('without a fault a call is done once, at an instant after it was made and before it is answered', async () => {
  const world = cloudWith(undefined);

  const outcome = await seen(world, world.clients.dynamoDb.send(put('s')));

  expect(world.table.rows()).toHaveLength(1);
  const [atMs = 0] = world.writtenAt;
  expect(world.writtenAt).toHaveLength(1);
  expect(atMs).toBeGreaterThan(0);
  expect(outcome).toMatchObject({ answer: expect.any(Object), atMs: expect.any(Number) });
  expect(outcome?.atMs).toBeGreaterThan(atMs);
  expect(world.cloud.operations).toBe(1);
});

test('what the service refuses, the caller is told', async () => {
  const world = cloudWith(undefined);
  const onlyNew = new PutCommand({
    TableName,
    Item: { pk: 'a', sk: 's' },
    ConditionExpression: 'attribute_not_exists(pk)',
  });
  await seen(world, world.clients.dynamoDb.send(put('s')));

  expect(await seen(world, world.clients.dynamoDb.send(onlyNew))).toMatchObject({
    error: 'ConditionalCheckFailedException',
  });
});

/** How often it is done, and what the caller sees. */
const FAULTY_WRITES: readonly [fault: Fault, done: number, outcome: object | undefined][] = [
  ['function crashed before a call', 0, undefined],
  ['function crashed after a call', 1, undefined],
  ['request lost', 0, { error: 'TimeoutError' }],
  ['answer lost', 1, { error: 'TimeoutError' }],
  ['answer lost, sent again by the SDK', 2, { answer: expect.any(Object) }],
  ['request landed late', 1, { error: 'TimeoutError' }],
  ['slow call', 1, { answer: expect.any(Object) }],
  ['throttled', 0, { error: 'ThrottlingException' }],
];

test.each(FAULTY_WRITES)('%s: done %i times', async (fault, done, outcome) => {
  const world = cloudWith(fault);

  const found = await seen(world, world.clients.dynamoDb.send(put('s')));

  expect(world.writtenAt).toHaveLength(done);
  expect({ ...found, atMs: 0 }).toEqual({ ...outcome, atMs: 0 });
  expect(world.caller.isAlive).toBe(outcome !== undefined);
});

test('a request that lands late is done after its caller gave up', async () => {
  const world = cloudWith('request landed late');
  const found = await seen(world, world.clients.dynamoDb.send(put('s')));

  expect(found?.atMs).toBeLessThan(world.writtenAt[0] ?? 0);
});

test('a slow call is slower than any other', async () => {
  const world = cloudWith('slow call');
  const found = await seen(world, world.clients.dynamoDb.send(put('s')));

  expect(found?.atMs).toBeGreaterThanOrEqual(500);
});

test('whoever crashed is never answered, and is told to whom it matters', async () => {
  const world = cloudWith(undefined);
  const died: string[] = [];
  world.caller.watch(() => died.push('died'));
  const call = world.clients.dynamoDb.send(put('s'));
  world.caller.crash();

  expect(await seen(world, call)).toBeUndefined();
  expect(died).toEqual(['died']);
});

test('what was sent in the instant of a crash is done for some, and not for others', async () => {
  const done = new Set<number>();
  for (let seed = 1; seed <= 20; seed++) {
    const world = cloudWith(undefined, seed);
    const call = world.clients.dynamoDb.send(put('s'));
    world.caller.crash();
    await seen(world, call);
    done.add(world.writtenAt.length);
  }

  expect(done).toEqual(new Set([0, 1]));
});

test('a torn reading sees some rows as they were before a write, and some as they are after it', async () => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 30; seed++) {
    const world = cloudWith('torn reading', seed);
    for (const sk of ['1', '2', '3', '4']) world.table.put({ pk: 'a', sk, text: 'old' });
    const call = world.clients.dynamoDb.send(query());
    world.scheduler.after(1_000, () => {
      for (const sk of ['1', '2', '3', '4']) world.table.put({ pk: 'a', sk, text: 'new' });
    });
    const found: unknown = await seen(world, call);
    const { answer } = Object(found);
    const { Items } = Object(answer);
    kinds.add(Items.map(({ text }: { readonly text: string }) => text).join(' '));
  }

  const torn = [...kinds].filter((kind) => kind.includes('old') && kind.includes('new'));
  expect(torn).not.toEqual([]);
  // In the order in which it reads.
  for (const kind of torn) expect(kind).toMatch(/^(old )+(new ?)+$/);
});

test('a reading without a fault sees all before, or all after', async () => {
  const world = cloudWith(undefined);
  for (const sk of ['1', '2']) world.table.put({ pk: 'a', sk, text: 'old' });

  const found = await seen(world, world.clients.dynamoDb.send(query()));

  expect(found).toMatchObject({ answer: { Items: [{ text: 'old' }, { text: 'old' }] } });
});

test('a short page ends early, and says where the next begins', async () => {
  const world = cloudWith('short page');
  for (const sk of ['1', '2', '3', '4', '5']) world.table.put({ pk: 'a', sk });

  const found: unknown = await seen(world, world.clients.dynamoDb.send(query()));

  const { Items, LastEvaluatedKey } = Object(found).answer;
  expect(Items.length).toBeGreaterThanOrEqual(1);
  expect(Items.length).toBeLessThanOrEqual(3);
  expect(LastEvaluatedKey).toEqual({ pk: 'a', sk: String(Items.length) });
});

test('keys that are left unread are named', async () => {
  const world = cloudWith('keys left unread');
  const Keys = ['1', '2', '3', '4', '5'].map((sk) => ({ pk: 'a', sk }));
  for (const Key of Keys) world.table.put(Key);

  const unread = new BatchGetCommand({ RequestItems: { [TableName]: { Keys } } });
  const found: unknown = await seen(world, world.clients.dynamoDb.send(unread));

  const { Responses, UnprocessedKeys } = Object(found).answer;
  const [read, left] = [Responses[TableName], UnprocessedKeys[TableName].Keys];
  expect(left.length).toBeGreaterThanOrEqual(2);
  expect([...read, ...left].toSorted((a, b) => a.sk.localeCompare(b.sk))).toEqual(Keys);
});

test('entries of a batch that are declined are named, and are not sent', async () => {
  const world = cloudWith('entries of a batch declined');

  const found: unknown = await seen(world, world.clients.sqs.send(batch()));

  const { Successful = [], Failed } = Object(found).answer;
  expect(Failed.length).toBeGreaterThanOrEqual(1);
  expect([...ids(Successful), ...ids(Failed)].toSorted()).toEqual(['1', '2', '3']);
  expect(world.texts().toSorted()).toEqual(ids(Successful));
});

test('a message whose answer is lost, and that the SDK sends again, is there twice', async () => {
  const world = cloudWith('answer lost, sent again by the SDK');
  const message = new SendMessageCommand({ QueueUrl: QUEUES.events.queue.url, MessageBody: 'once' });

  await seen(world, world.clients.sqs.send(message));

  expect(world.texts()).toEqual(['once', 'once']);
});

test('secrets are given by name, unless they are not readable', async () => {
  const well = cloudWith(undefined);
  const ill = cloudWith('secret not readable');

  expect(await seen(well, well.clients.secrets.send(get()))).toMatchObject({
    answer: { SecretString: 'secret' },
  });
  expect(await seen(ill, ill.clients.secrets.send(get()))).toMatchObject({ error: 'ThrottlingException' });
});

test('only readings are torn, and only batches of messages are declined in part', async () => {
  const torn = cloudWith('torn reading');
  const declined = cloudWith('entries of a batch declined');
  const read = new GetCommand({ TableName, Key: { pk: 'a', sk: 's' } });
  const message = new SendMessageCommand({ QueueUrl: QUEUES.events.queue.url, MessageBody: 'one' });

  expect(await seen(torn, torn.clients.dynamoDb.send(read))).toMatchObject({ answer: expect.any(Object) });
  await seen(declined, declined.clients.sqs.send(message));

  expect(declined.texts()).toEqual(['one']);
});

test('faults are chosen by the seed, at the rate that is asked for, and counted', () => {
  const some = chosen(1, 0.1);
  expect(chosen(1, 0.1)).toEqual(some);
  expect(chosen(2, 0.1).kinds).not.toEqual(some.kinds);
  const count = some.kinds.filter((kind) => kind !== undefined).length;
  // Of 2,000 a tenth, by more than five standard deviations.
  expect(count).toBeGreaterThan(130);
  expect(count).toBeLessThan(270);
  expect((some.done['a'] ?? 0) + (some.done['b'] ?? 0)).toBe(count);
  expect(some.done['a']).toBeGreaterThan(0);
  expect(some.done['b']).toBeGreaterThan(0);
  expect(chosen(1, 0).done).toEqual({});
  const off = new Faults(1, 1);
  off.areOn = false;
  expect(off.choose(['a'])).toBeUndefined();
});
