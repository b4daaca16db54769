import { MisconfiguredError } from '../../lambdas/errors.ts';
import { type Outcome, writeBatch } from '../../lambdas/hubspot/batch-write.ts';
import type { WriteInput } from '../../lambdas/hubspot/objects.ts';
import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Connection, connectProvisioned, memoryStore } from './connection.ts';

afterEach(closeAll);

const WRITTEN: Outcome = { kind: 'written' };

function input(id: string, score = '5'): WriteInput {
  return { id, properties: { afterglow_score: score }, objectWriteTraceId: `trace-${id}` };
}

function create({ portal }: Connection, count: number): string[] {
  return Array.from({ length: count }, () => portal.crm.create('contacts', {}));
}

const scores = ({ portal }: Connection, ids: readonly string[]) =>
  ids.map((id) => portal.crm.get('contacts', id)?.properties['afterglow_score']);

const write = ({ contacts }: Connection, inputs: readonly WriteInput[]) =>
  writeBatch(contacts, inputs, () => NOON_MS);

test('a hundred records are written with one call, in whatever order HubSpot tells of them', async () => {
  const connection = await connectProvisioned();
  const ids = create(connection, 100);

  const outcomes = await write(
    connection,
    ids.map((id, at) => input(id, String(at))),
  );

  expect(outcomes).toEqual(new Map(ids.map((id) => [id, WRITTEN])));
  expect(scores(connection, ids)).toEqual(ids.map((_id, at) => String(at)));
  expect(connection.takeCalls()).toEqual(['POST batch/update']);
  const told = JSON.stringify(connection.exchanges.at(-1)?.responseBody).match(/"id":"\d+"/g);
  expect(told).toHaveLength(100);
  expect(told).not.toEqual(ids.map((id) => `"id":"${id}"`));
  expect(connection.specProblems()).toEqual([]);
});

test('a record that is deleted or was never there is gone; the others are written', async () => {
  const connection = await connectProvisioned();
  const [good = '', deleted = ''] = create(connection, 2);
  connection.portal.crm.delete('contacts', deleted);

  const outcomes = await write(connection, [input(good), input(deleted), input('999')]);

  expect(Object.fromEntries(outcomes)).toEqual({
    [good]: WRITTEN,
    [deleted]: { kind: 'gone' },
    '999': { kind: 'gone' },
  });
});

test('a record that was merged away, of which HubSpot says nothing, is looked up once and named by its living id', async () => {
  const connection = await connectProvisioned();
  const [good = '', old = '', other = ''] = create(connection, 3);
  const livingId = connection.portal.crm.merge('contacts', old, other);

  const outcomes = await write(connection, [input(good), input(old)]);

  expect(Object.fromEntries(outcomes)).toEqual({ [good]: WRITTEN, [old]: { kind: 'merged', livingId } });
  expect(connection.takeCalls()).toEqual(['POST batch/update', `GET ${old}`]);
});

test('a record whose value HubSpot refuses is refused alone, with the reason and what support asks for', async () => {
  const connection = await connectProvisioned();
  const [good = '', bad = ''] = create(connection, 2);

  const outcomes = await write(connection, [input(good), input(bad, 'five')]);

  expect(Object.fromEntries(outcomes)).toEqual({
    [good]: WRITTEN,
    [bad]: {
      kind: 'refused',
      reason: expect.stringMatching(/^VALIDATION_ERROR, INVALID_\w+ afterglow_score$/),
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  });
  expect(connection.takeCalls()).toEqual(['POST batch/update']);
});

/** HubSpot as it is where trace ids do not help: a batch with this record in it is refused as a whole. */
function refusing(id: () => string) {
  return ({ path, body }: FaultableCall): Fault | undefined => {
    if (!path.endsWith('batch/update') || !JSON.stringify(body).includes(`"id":"${id()}"`)) return undefined;
    const errors = [{ message: 'm', code: 'MISSING_CONDITIONAL_REQUIRED_PROPERTY' }];
    const error = {
      status: 'error',
      message: 'm',
      correlationId: 'c-1',
      category: 'VALIDATION_ERROR',
      errors,
    };
    return { kind: 'answer', status: 400, body: error };
  };
}

test.each([0, 1, 37, 50, 99])(
  'one record for which HubSpot refuses the whole hundred is found with 15 calls at most: number %i',
  async (at) => {
    let bad = '';
    const connection = await connectProvisioned({ faults: refusing(() => bad) });
    const ids = create(connection, 100);
    bad = ids[at] ?? '';

    const outcomes = await write(
      connection,
      ids.map((id) => input(id)),
    );

    expect(outcomes.get(bad)).toEqual({
      kind: 'refused',
      reason: 'VALIDATION_ERROR, MISSING_CONDITIONAL_REQUIRED_PROPERTY',
      correlationId: 'c-1',
    });
    expect([...outcomes.values()].filter(({ kind }) => kind === 'written')).toHaveLength(99);
    expect(scores(connection, ids).filter((score) => score === '5')).toHaveLength(99);
    expect(connection.takeCalls().length).toBeLessThanOrEqual(15);
  },
);

test('while a refused batch is taken apart, trouble of another kind ends only what it befell', async () => {
  let bad = '';
  let updates = 0;
  const connection = await connectProvisioned({
    faults: (call) => {
      updates += 1;
      if (updates === 3) return { kind: 'answer', status: 423 };
      return refusing(() => bad)(call);
    },
  });
  const ids = create(connection, 4);
  bad = ids[0] ?? '';

  const outcomes = await write(
    connection,
    ids.map((id) => input(id)),
  );

  // 4 refused, 2 refused, 1 locked, 1 written, 2 written.
  const later = { kind: 'later', retryAtMs: NOON_MS + 2000 };
  expect(ids.map((id) => outcomes.get(id))).toEqual([later, WRITTEN, WRITTEN, WRITTEN]);
});

const notFilledIn = () => Promise.reject(new MisconfiguredError('not filled in'));
const failing = () => Promise.reject(new Error('DynamoDB'));

describe('when the whole call fails', () => {
  test.each<{ name: string; fault: Fault; outcome: Outcome; because: string }>([
    {
      name: '500',
      fault: { kind: 'answer', status: 500, executes: true },
      outcome: { kind: 'unknown' },
      because: 'it may have been done',
    },
    {
      name: 'a closed connection',
      fault: { kind: 'no-answer', lands: 'before' },
      outcome: { kind: 'unknown' },
      because: 'it may have been done',
    },
    {
      name: 'an empty 200',
      fault: { kind: 'answer', status: 200, body: '' },
      outcome: { kind: 'unknown' },
      because: 'no results are no confirmation',
    },
    {
      name: '401',
      fault: { kind: 'answer', status: 401 },
      outcome: { kind: 'later', retryAtMs: NOON_MS + 900_000 },
      because: 'an operator must act',
    },
    {
      name: '404',
      fault: { kind: 'answer', status: 404 },
      outcome: { kind: 'later', retryAtMs: NOON_MS + 900_000 },
      because: 'the path is wrong; no record is gone by that',
    },
    {
      name: '423',
      fault: { kind: 'answer', status: 423 },
      outcome: { kind: 'later', retryAtMs: NOON_MS + 2000 },
      because: 'a lock lasts two seconds',
    },
    {
      name: '429',
      fault: { kind: 'answer', status: 429 },
      outcome: { kind: 'later', retryAtMs: NOON_MS + 10_250 },
      because: 'the window is over then',
    },
    {
      name: '477',
      fault: { kind: 'answer', status: 477, headers: { 'retry-after': '3600' } },
      outcome: { kind: 'later', retryAtMs: NOON_MS + 3_600_000 },
      because: 'HubSpot says so',
    },
  ])('$name is $outcome.kind: $because', async ({ fault, outcome }) => {
    const connection = await connectProvisioned({ faults: () => fault });
    const ids = create(connection, 3);

    const outcomes = await write(
      connection,
      ids.map((id) => input(id)),
    );

    expect(ids.map((id) => outcomes.get(id))).toEqual([outcome, outcome, outcome]);
    expect(connection.takeCalls()).toEqual(['POST batch/update']);
  });

  test('an exhausted budget postpones, until a call is free but for 15 seconds at least', async () => {
    const connection = await connectProvisioned();
    const [id = ''] = create(connection, 1);
    const outcomeWith = async (freeInMs: number) => {
      connection.budget.state = { ...memoryStore().state, blockedUntilMs: NOON_MS + freeInMs };
      return (await write(connection, [input(id)])).get(id);
    };

    expect(await outcomeWith(13_000)).toEqual({ kind: 'later', retryAtMs: NOON_MS + 15_000 });
    expect(await outcomeWith(60_000)).toEqual({ kind: 'later', retryAtMs: NOON_MS + 60_000 });
    expect(connection.takeCalls()).toEqual([]);
  });

  test('a token that is not filled in yet postpones', async () => {
    const ready = await connectProvisioned();
    const [id = ''] = create(ready, 1);

    const outcomes = await writeBatch({ ...ready.contacts, update: notFilledIn }, [input(id)], () => NOON_MS);

    expect(outcomes.get(id)).toEqual({ kind: 'later', retryAtMs: NOON_MS + 900_000 });
  });

  test('a fault of our own is thrown', async () => {
    const { contacts } = await connectProvisioned();

    await expect(writeBatch({ ...contacts, update: failing }, [input('1')], () => NOON_MS)).rejects.toThrow(
      'DynamoDB',
    );
  });
});

test('a record that HubSpot neither wrote nor refused, and that is there, may have been written', async () => {
  const body = { status: 'COMPLETE', results: [], startedAt: new Date(), completedAt: new Date() };
  const connection = await connectProvisioned({
    faults: ({ path }) => (path.endsWith('batch/update') ? { kind: 'answer', status: 200, body } : undefined),
  });
  const [id = ''] = create(connection, 1);

  expect((await write(connection, [input(id)])).get(id)).toEqual({ kind: 'unknown' });
});

test('a record that HubSpot names by another id, but by our trace id, is written', async () => {
  const now = new Date(NOON_MS).toISOString();
  const result = { id: '77', objectWriteTraceId: 'trace-1', properties: {}, createdAt: now, updatedAt: now };
  const body = {
    status: 'COMPLETE',
    results: [{ ...result, archived: false }],
    startedAt: now,
    completedAt: now,
  };
  const connection = await connectProvisioned({ faults: () => ({ kind: 'answer', status: 200, body }) });

  expect(await write(connection, [input('1')])).toEqual(new Map([['1', WRITTEN]]));
});

test('trouble in looking a record up is its own', async () => {
  const connection = await connectProvisioned({
    faults: ({ path }) => (path.endsWith('/999') ? { kind: 'answer', status: 423 } : undefined),
  });
  const [id = ''] = create(connection, 1);

  const outcomes = await write(connection, [input(id), input('999'), input('998')]);

  expect(Object.fromEntries(outcomes)).toEqual({
    [id]: WRITTEN,
    '999': { kind: 'later', retryAtMs: NOON_MS + 2000 },
    '998': { kind: 'gone' },
  });
});
