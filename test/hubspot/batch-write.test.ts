import { MisconfiguredError } from '../../lambdas/errors.ts';
import { type Outcome, writeBatch, writeOne } from '../../lambdas/hubspot/batch-write.ts';
import { BudgetExhaustedError, PortalStoppedError } from '../../lambdas/hubspot/budget.ts';
import type { WriteInput } from '../../lambdas/hubspot/objects.ts';
import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Connection, connectProvisioned } from './connection.ts';

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

const OPERATOR = { kind: 'later', retryAtMs: NOON_MS + 900_000 } as const;
const UNKNOWN: Outcome = { kind: 'unknown' };

describe('when the whole call fails', () => {
  test.each<{ name: string; fault: Fault; outcome: Outcome; because: string }>([
    {
      name: '404',
      fault: { kind: 'answer', status: 404 },
      outcome: OPERATOR,
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
      name: '429 of the day',
      fault: {
        kind: 'answer',
        status: 429,
        body: { status: 'error', message: 'm', errorType: 'RATE_LIMIT', policyName: 'DAILY' },
      },
      outcome: { kind: 'later', retryAtMs: NOON_MS + 12 * 3_600_000 },
      because: 'the day is over at midnight',
    },
    {
      name: '477',
      fault: { kind: 'answer', status: 477, headers: { 'retry-after': '3600' } },
      outcome: { kind: 'later', retryAtMs: NOON_MS + 3_600_000 },
      because: 'HubSpot says so',
    },
    ...[500, 502, 503, 504, 521, 523, 524].flatMap((status) => [
      {
        name: `${status}, not done`,
        fault: { kind: 'answer', status } as const,
        outcome: UNKNOWN,
        because: 'it may have been done',
      },
      {
        name: `${status}, done`,
        fault: { kind: 'answer', status, executes: true } as const,
        outcome: UNKNOWN,
        because: 'it may have been done',
      },
    ]),
    {
      name: '408',
      fault: { kind: 'answer', status: 408 },
      outcome: UNKNOWN,
      because: 'HubSpot gave up waiting for us, or so it says',
    },
    {
      name: 'a connection closed before it was done',
      fault: { kind: 'no-answer', lands: 'never' },
      outcome: UNKNOWN,
      because: 'it may have been done',
    },
    {
      name: 'a connection closed after it was done',
      fault: { kind: 'no-answer', lands: 'before' },
      outcome: UNKNOWN,
      because: 'it may have been done',
    },
    {
      name: 'an empty 200',
      fault: { kind: 'answer', status: 200, body: '' },
      outcome: UNKNOWN,
      because: 'no results are no confirmation',
    },
    {
      name: 'a 200 whose body is not JSON',
      fault: { kind: 'answer', status: 200, body: '<html>welcome</html>', executes: true },
      outcome: UNKNOWN,
      because: 'somebody in between answered',
    },
    {
      name: 'a 200 whose body has another form',
      fault: { kind: 'answer', status: 200, body: { status: 'COMPLETE' } },
      outcome: UNKNOWN,
      because: 'no results are no confirmation',
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

  test('silence is unknown: it may still be done', async () => {
    const connection = await connectProvisioned(
      { faults: () => ({ kind: 'silent', afterMs: 60_000, lands: 'never' }) },
      { answerWithinMs: 200 },
    );
    const [id = ''] = create(connection, 1);

    expect((await write(connection, [input(id)])).get(id)).toEqual(UNKNOWN);
  });

  test.each([401, 403])('%i waits for an operator and drops nothing', async (status) => {
    const connection = await connectProvisioned({ faults: () => ({ kind: 'answer', status }) });
    const ids = create(connection, 3);

    const outcomes = await write(
      connection,
      ids.map((id) => input(id)),
    );

    expect(ids.map((id) => outcomes.get(id)?.kind)).toEqual(['later', 'later', 'later']);
    expect(connection.takeCalls()).toEqual(['POST batch/update']);
  });

  test.each([
    [409, 'CONFLICT'],
    [413, 'no category'],
    [414, 'no category'],
  ])(
    '%i is taken apart like a 400, but declines who is left alone: the record is not to blame',
    async (status, reason) => {
      const connection = await connectProvisioned({
        faults: () => ({
          kind: 'answer',
          status,
          body: { status: 'error', message: 'm', correlationId: 'c-1', category: reason },
        }),
      });
      const ids = create(connection, 2);

      const outcomes = await write(
        connection,
        ids.map((id) => input(id)),
      );

      const declined = { kind: 'declined', reason, correlationId: 'c-1' };
      expect(ids.map((id) => outcomes.get(id))).toEqual([declined, declined]);
      expect(connection.takeCalls()).toHaveLength(3);
    },
  );

  test('an exhausted budget postpones, until a call is free but for 15 seconds at least', async () => {
    const { contacts } = await connectProvisioned();
    const outcomeWith = async (freeInMs: number) => {
      const exhausted = () => Promise.reject(new BudgetExhaustedError(NOON_MS + freeInMs));
      return (await writeBatch({ ...contacts, update: exhausted }, [input('1')], () => NOON_MS)).get('1');
    };

    expect(await outcomeWith(13_000)).toEqual({ kind: 'later', retryAtMs: NOON_MS + 15_000 });
    expect(await outcomeWith(60_000)).toEqual({ kind: 'later', retryAtMs: NOON_MS + 60_000 });
  });

  test('while the portal is stopped everything waits until it may be called', async () => {
    const { contacts } = await connectProvisioned();
    const untilMs = NOON_MS + 3_600_000;
    const stopped = () => Promise.reject(new PortalStoppedError('daily', untilMs));

    const outcomes = await writeBatch({ ...contacts, update: stopped }, [input('1')], () => NOON_MS);

    expect(outcomes.get('1')).toEqual({ kind: 'later', retryAtMs: untilMs });
    expect(await writeOne({ ...contacts, patch: stopped }, input('1'), () => NOON_MS)).toEqual({
      kind: 'later',
      retryAtMs: untilMs,
    });
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

/** Properties as HubSpot has them, and what it has against ours. */
function spoil({ portal }: Connection, name: string, how: 'missing' | 'read-only' | 'other type'): void {
  const parts = { name, groupName: 'afterglow', type: 'number', fieldType: 'number' };
  if (how === 'missing') portal.crm.defineProperty('contacts', { ...parts, archivedAtMs: NOON_MS });
  if (how === 'read-only') portal.crm.defineProperty('contacts', { ...parts, readOnlyValue: true });
  if (how === 'other type')
    portal.crm.defineProperty('contacts', { ...parts, type: 'bool', fieldType: 'booleancheckbox' });
}

/** A custom unique property, and contacts that have these values of it. */
function withNumbers({ portal }: Connection, ...numbers: string[]): string[] {
  portal.crm.defineProperty('contacts', {
    name: 'customer_number',
    groupName: 'contactinformation',
    type: 'string',
    fieldType: 'text',
    hasUniqueValue: true,
  });
  return numbers.map((number) => portal.crm.create('contacts', { customer_number: number }));
}

function byNumber(number: string, recordId?: string): WriteInput {
  return { ...input(number), idProperty: 'customer_number', recordId };
}

/** What a batch answers when its results are these. */
function answering(results: readonly object[]): Fault {
  const now = new Date(NOON_MS).toISOString();
  const full = results.map((each) => ({ properties: {}, createdAt: now, updatedAt: now, ...each }));
  return {
    kind: 'answer',
    status: 200,
    body: { status: 'COMPLETE', results: full, startedAt: now, completedAt: now },
  };
}

const onUpdate = (fault: Fault) => (call: FaultableCall) =>
  call.path.endsWith('batch/update') ? fault : undefined;

describe('a bad input, situation by situation', () => {
  test.each(['missing', 'read-only', 'other type'] as const)(
    'a property that is %s is named for each record, and the records are not to blame: one call',
    async (how) => {
      const connection = await connectProvisioned();
      const ids = create(connection, 100);
      spoil(connection, 'afterglow_score', how);

      const outcomes = await write(
        connection,
        ids.map((id) => input(id)),
      );

      const codes = {
        missing: 'PROPERTY_DOESNT_EXIST',
        'read-only': 'READ_ONLY_VALUE',
        'other type': 'INVALID_',
      };
      for (const id of ids)
        expect(outcomes.get(id)).toEqual({
          kind: 'unwritable',
          isWhateverTheValue: how !== 'other type',
          properties: ['afterglow_score'],
          reason: expect.stringMatching(`^VALIDATION_ERROR, ${codes[how]}\\w* afterglow_score$`),
          correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        });
      expect(connection.takeCalls()).toEqual(['POST batch/update']);
    },
  );

  test('every input carries a trace id of its own, so that a bad value is an error of its record alone', async () => {
    const connection = await connectProvisioned();
    const [good = '', bad = ''] = create(connection, 2);

    const outcomes = await write(connection, [input(good), input(bad, 'five')]);

    expect(outcomes.get(good)).toEqual(WRITTEN);
    expect(outcomes.get(bad)).toMatchObject({ kind: 'unwritable', properties: ['afterglow_score'] });
    expect(scores(connection, [good, bad])).toEqual(['5', undefined]);
    expect(connection.exchanges.at(-1)).toMatchObject({ status: 207 });
  });

  test.each(['PROPERTY_DOESNT_EXIST', 'READ_ONLY_VALUE'])(
    'a whole batch refused with %s is not taken apart: no half of it would fare better',
    async (code) => {
      const errors = [{ message: 'm', code, context: { propertyName: ['afterglow_score'] } }];
      const body = {
        status: 'error',
        message: 'm',
        correlationId: 'c-1',
        category: 'VALIDATION_ERROR',
        errors,
      };
      const connection = await connectProvisioned({
        faults: onUpdate({ kind: 'answer', status: 400, body }),
      });
      const ids = create(connection, 100);

      const outcomes = await write(
        connection,
        ids.map((id) => input(id)),
      );

      const unwritable = {
        kind: 'unwritable',
        isWhateverTheValue: true,
        properties: ['afterglow_score'],
        reason: `VALIDATION_ERROR, ${code} afterglow_score`,
        correlationId: 'c-1',
      };
      expect(outcomes).toEqual(new Map(ids.map((id) => [id, unwritable])));
      expect(connection.takeCalls()).toEqual(['POST batch/update']);
    },
  );

  test('records that are not sent the property for which the batch was refused are written by another call', async () => {
    const errors = [
      { message: 'm', code: 'READ_ONLY_VALUE', context: { propertyName: ['afterglow_model'] } },
    ];
    const body = {
      status: 'error',
      message: 'm',
      correlationId: 'c-1',
      category: 'VALIDATION_ERROR',
      errors,
    };
    const connection = await connectProvisioned({
      faults: (call) =>
        JSON.stringify(call.body).includes('afterglow_model')
          ? { kind: 'answer', status: 400, body }
          : undefined,
    });
    const [one = '', other = ''] = create(connection, 2);

    const outcomes = await write(connection, [
      { ...input(one), properties: { afterglow_model: 'm' } },
      input(other),
    ]);

    expect([outcomes.get(one)?.kind, outcomes.get(other)?.kind]).toEqual(['unwritable', 'written']);
    expect(scores(connection, [other])).toEqual(['5']);
  });

  test('a batch refused for a value is taken apart, since it may be the value of one', async () => {
    const errors = [{ message: 'm', code: 'INVALID_OPTION', context: { propertyName: ['afterglow_score'] } }];
    const body = {
      status: 'error',
      message: 'm',
      correlationId: 'c-1',
      category: 'VALIDATION_ERROR',
      errors,
    };
    const connection = await connectProvisioned({
      faults: (call) =>
        JSON.stringify(call.body).includes('"13"') ? { kind: 'answer', status: 400, body } : undefined,
    });
    const [good = '', bad = ''] = create(connection, 2);

    const outcomes = await write(connection, [input(good), input(bad, '13')]);

    expect([outcomes.get(good)?.kind, outcomes.get(bad)?.kind]).toEqual(['written', 'unwritable']);
  });

  test('a property that we do not send, but that the account requires, makes the record one that HubSpot refuses', async () => {
    const connection = await connectProvisioned({
      faults: onUpdate({
        kind: 'item-errors',
        inputs: [0],
        category: 'VALIDATION_ERROR',
        message: 'm',
        errors: [
          {
            message: 'm',
            code: 'MISSING_CONDITIONAL_REQUIRED_PROPERTY',
            context: { propertyName: ['phone'] },
          },
        ],
      }),
    });
    const [bad = '', good = ''] = create(connection, 2);

    const outcomes = await write(connection, [input(bad), input(good)]);

    expect(outcomes.get(bad)).toMatchObject({
      kind: 'refused',
      reason: 'VALIDATION_ERROR, MISSING_CONDITIONAL_REQUIRED_PROPERTY phone',
    });
    expect(outcomes.get(good)).toEqual(WRITTEN);
  });

  test.each(['CONFLICT', 'RATE_LIMITS', 'SOMETHING_NEW'])(
    'a record with an error of the category %s is declined: it may pass',
    async (category) => {
      const connection = await connectProvisioned({
        faults: onUpdate({ kind: 'item-errors', inputs: [1], category, message: 'm' }),
      });
      const [good = '', bad = ''] = create(connection, 2);

      const outcomes = await write(connection, [input(good), input(bad)]);

      expect(Object.fromEntries(outcomes)).toEqual({
        [good]: WRITTEN,
        [bad]: { kind: 'declined', reason: category, correlationId: expect.any(String) },
      });
    },
  );

  test('a record that is named twice is sent once, as it was named last', async () => {
    const connection = await connectProvisioned();
    const [one = '', other = ''] = create(connection, 2);

    const outcomes = await write(connection, [input(one, '1'), input(other, '2'), input(one, '3')]);

    expect(Object.fromEntries(outcomes)).toEqual({ [one]: WRITTEN, [other]: WRITTEN });
    expect(scores(connection, [one, other])).toEqual(['3', '2']);
    expect(connection.takeCalls()).toEqual(['POST batch/update']);
  });

  test('a record that is named twice without our knowing, by id and by value, is written all the same', async () => {
    const connection = await connectProvisioned();
    const [one = '', other = ''] = withNumbers(connection, 'n-1', 'n-2');

    const outcomes = await write(connection, [input(one), byNumber('n-1'), input(other)]);

    expect([...outcomes.values()]).toEqual([WRITTEN, WRITTEN, WRITTEN]);
    expect(scores(connection, [one, other])).toEqual(['5', '5']);
  });

  test('what is sent has the wrapper `inputs`, without which HubSpot does nothing and says COMPLETE', async () => {
    const connection = await connectProvisioned();
    const [id = ''] = create(connection, 1);

    await write(connection, [input(id)]);

    expect(connection.exchanges.at(-1)?.requestBody).toEqual({
      inputs: [{ id, properties: { afterglow_score: '5' }, objectWriteTraceId: `trace-${id}` }],
    });
  });

  test.each([false, true])('COMPLETE with empty results confirms nobody (done: %s)', async (executes) => {
    const connection = await connectProvisioned({ faults: onUpdate({ kind: 'empty', executes }) });
    const ids = create(connection, 3);

    const outcomes = await write(
      connection,
      ids.map((id) => input(id)),
    );

    expect(outcomes).toEqual(new Map(ids.map((id) => [id, UNKNOWN])));
    // That they are there under their own ids takes one call, however many they are.
    expect(connection.takeCalls()).toEqual(['POST batch/update', 'POST batch/read']);
  });

  test('an empty answer to a batch with merged and deleted records in it: only these are looked up singly', async () => {
    const connection = await connectProvisioned({ faults: onUpdate({ kind: 'empty', executes: false }) });
    const [one = '', other = '', deleted = '', left = ''] = create(connection, 4);
    const livingId = connection.portal.crm.merge('contacts', one, other);
    connection.portal.crm.delete('contacts', deleted);

    const outcomes = await write(connection, [input(one), input(deleted), input(left)]);

    expect(Object.fromEntries(outcomes)).toEqual({
      [one]: { kind: 'merged', livingId },
      [deleted]: { kind: 'gone' },
      [left]: UNKNOWN,
    });
    expect(connection.takeCalls().toSorted()).toEqual(
      [`GET ${one}`, `GET ${deleted}`, 'POST batch/read', 'POST batch/update'].toSorted(),
    );
  });

  test('e-mail does not name a contact in a batch: HubSpot refuses it, and we say so', async () => {
    const connection = await connectProvisioned();
    connection.portal.crm.create('contacts', { email: 'jane@example.com' });

    const outcomes = await write(connection, [{ ...input('jane@example.com'), idProperty: 'email' }]);

    expect(outcomes.get('jane@example.com')?.kind).toBe('refused');
  });

  test('a custom unique property names contacts instead of the id', async () => {
    const connection = await connectProvisioned();
    const [one = '', other = ''] = withNumbers(connection, 'n-1', 'n-2');

    const outcomes = await write(connection, [byNumber('n-1', one), byNumber('n-2', other), byNumber('n-3')]);

    expect(Object.fromEntries(outcomes)).toEqual({ 'n-1': WRITTEN, 'n-2': WRITTEN, 'n-3': { kind: 'gone' } });
    expect(scores(connection, [one, other])).toEqual(['5', '5']);
    expect(connection.exchanges.find(({ path }) => path.endsWith('batch/update'))?.requestBody).toMatchObject(
      {
        inputs: [{ id: 'n-1', idProperty: 'customer_number' }, { id: 'n-2' }, { id: 'n-3' }],
      },
    );
    expect(JSON.stringify(connection.exchanges)).not.toContain('recordId');
    expect(connection.specProblems()).toEqual([]);
  });

  test('a value that has moved to another contact is noticed, and who took the write is named', async () => {
    const connection = await connectProvisioned();
    const [meant = '', other = ''] = withNumbers(connection, 'n-1', 'n-2');
    connection.portal.crm.set('contacts', meant, { customer_number: '' });
    connection.portal.crm.set('contacts', other, { customer_number: 'n-1' });

    const outcomes = await write(connection, [byNumber('n-1', meant)]);

    expect(outcomes.get('n-1')).toEqual({ kind: 'astray', writtenId: other });
  });

  test('a value that nobody has any more does not make the contact one that is gone', async () => {
    const connection = await connectProvisioned();
    const [moved = '', deleted = '', old = '', primary = ''] = withNumbers(
      connection,
      'n-1',
      'n-2',
      'n-3',
      'n-4',
    );
    connection.portal.crm.set('contacts', moved, { customer_number: 'n-9' });
    connection.portal.crm.delete('contacts', deleted);
    const livingId = connection.portal.crm.merge('contacts', primary, old);

    const outcomes = await write(connection, [
      byNumber('n-1', moved),
      byNumber('n-2', deleted),
      byNumber('n-3', old),
    ]);

    expect(Object.fromEntries(outcomes)).toEqual({
      'n-1': { kind: 'astray', writtenId: undefined },
      'n-2': { kind: 'gone' },
      'n-3': { kind: 'merged', livingId },
    });
  });

  test('of a value that HubSpot does not find though the contact has it, the contact is written by id next', async () => {
    const error = { category: 'OBJECT_NOT_FOUND', message: 'm' };
    const connection = await connectProvisioned({
      faults: onUpdate({ kind: 'item-errors', inputs: [0], ...error }),
    });
    const [meant = ''] = withNumbers(connection, 'n-1');

    const outcomes = await write(connection, [byNumber('n-1', meant)]);

    expect(outcomes.get('n-1')).toEqual({ kind: 'astray', writtenId: undefined });
  });

  test('a value that a batch leaves out is still in doubt while the contact has it, and astray when it has not', async () => {
    const connection = await connectProvisioned({ faults: onUpdate({ kind: 'leave-out', inputs: [0, 1] }) });
    const [has = '', hasNot = ''] = withNumbers(connection, 'n-1', 'n-2');

    const outcomes = await write(connection, [byNumber('n-1', has), byNumber('n-3', hasNot)]);

    expect(outcomes.get('n-1')).toEqual(UNKNOWN);
    expect(outcomes.get('n-3')).toEqual({ kind: 'astray', writtenId: undefined });
  });

  test('a contact written by value under the id into which it was merged is merged, not astray', async () => {
    const connection = await connectProvisioned();
    const [primary = '', other = ''] = withNumbers(connection, 'n-1', 'n-2');
    const livingId = connection.portal.crm.merge('contacts', primary, other);

    const outcomes = await write(connection, [byNumber('n-1', primary)]);

    expect(outcomes.get('n-1')).toEqual({ kind: 'merged', livingId });
    expect(scores(connection, [livingId])).toEqual(['5']);
  });

  test('trace ids go before ids: a value may look like the id of another record', async () => {
    const results = [{ id: '2', objectWriteTraceId: 'trace-1' }];
    const connection = await connectProvisioned({
      faults: (call) =>
        call.path.endsWith('batch/update') ? answering(results) : { kind: 'answer', status: 404 },
    });

    const outcomes = await write(connection, [{ ...input('1'), idProperty: 'customer_number' }, input('2')]);

    expect([outcomes.get('1')?.kind, outcomes.get('2')?.kind]).toEqual(['written', 'gone']);
  });

  test('results without trace ids are told by their ids', async () => {
    const connection = await connectProvisioned({ faults: onUpdate(answering([{ id: '1' }])) });

    const outcomes = await write(connection, [input('1'), input('2')]);

    expect(Object.fromEntries(outcomes)).toEqual({ '1': WRITTEN, '2': { kind: 'gone' } });
  });

  test('a record that HubSpot names by another id is looked up: it lives there', async () => {
    let livingId = '';
    const connection = await connectProvisioned({
      faults: (call) => onUpdate(answering([{ id: livingId, objectWriteTraceId: `trace-${old}` }]))(call),
    });
    const [old = '', other = ''] = create(connection, 2);
    livingId = connection.portal.crm.merge('contacts', old, other);

    expect((await write(connection, [input(old)])).get(old)).toEqual({ kind: 'merged', livingId });
  });

  test('records that a batch leaves out are looked up singly, never more than a hundred', async () => {
    const connection = await connectProvisioned({
      faults: onUpdate({ kind: 'leave-out', inputs: [0, 2], executes: false }),
    });
    const ids = create(connection, 4);

    const outcomes = await write(
      connection,
      ids.map((id) => input(id)),
    );

    expect(ids.map((id) => outcomes.get(id))).toEqual([UNKNOWN, WRITTEN, UNKNOWN, WRITTEN]);
    expect(connection.takeCalls().toSorted()).toEqual([
      `GET ${ids[0]}`,
      `GET ${ids[2]}`,
      'POST batch/update',
    ]);
  });

  test('a look-up that HubSpot refuses says nothing of the write: it is not the end of the record', async () => {
    const connection = await connectProvisioned({
      faults: ({ path }) =>
        path.endsWith('/999')
          ? { kind: 'answer', status: 400, body: { category: 'VALIDATION_ERROR' } }
          : undefined,
    });

    expect((await write(connection, [input('999')])).get('999')).toEqual(UNKNOWN);
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

test('trouble in looking a record up is its own, and leaves it in doubt: what was sent may stand there', async () => {
  const connection = await connectProvisioned({
    faults: ({ path }) => (path.endsWith('/999') ? { kind: 'answer', status: 423 } : undefined),
  });
  const [id = ''] = create(connection, 1);

  const outcomes = await write(connection, [input(id), input('999'), input('998')]);

  expect(Object.fromEntries(outcomes)).toEqual({
    [id]: WRITTEN,
    '999': UNKNOWN,
    '998': { kind: 'gone' },
  });
});

const one = ({ contacts }: Connection, what: WriteInput) => writeOne(contacts, what, () => NOON_MS);

describe('one record alone', () => {
  test('is written by one call', async () => {
    const connection = await connectProvisioned();
    const [id = ''] = create(connection, 1);

    expect(await one(connection, input(id))).toEqual(WRITTEN);

    expect(scores(connection, [id])).toEqual(['5']);
    expect(connection.takeCalls()).toEqual([`PATCH ${id}`]);
    expect(connection.specProblems()).toEqual([]);
  });

  test('that was merged away is written where it lives, and its living id is told', async () => {
    const connection = await connectProvisioned();
    const [old = '', other = ''] = create(connection, 2);
    const livingId = connection.portal.crm.merge('contacts', old, other);

    expect(await one(connection, input(old))).toEqual({ kind: 'merged', livingId });

    expect(scores(connection, [livingId])).toEqual(['5']);
    expect(connection.takeCalls()).toEqual([`PATCH ${old}`]);
  });

  test('that is deleted or was never there is gone', async () => {
    const connection = await connectProvisioned();
    const [deleted = ''] = create(connection, 1);
    connection.portal.crm.delete('contacts', deleted);

    expect(await one(connection, input(deleted))).toEqual({ kind: 'gone' });
    expect(await one(connection, input('999'))).toEqual({ kind: 'gone' });
  });

  test('is not taken for gone when nothing at all is found on the path', async () => {
    const connection = await connectProvisioned({ faults: () => ({ kind: 'answer', status: 404 }) });
    const [id = ''] = create(connection, 1);

    expect(await one(connection, input(id))).toEqual(UNKNOWN);
  });

  test.each(['missing', 'read-only', 'other type'] as const)(
    'with a property that is %s is not to blame',
    async (how) => {
      const connection = await connectProvisioned();
      const [id = ''] = create(connection, 1);
      spoil(connection, 'afterglow_score', how);

      expect(await one(connection, input(id))).toMatchObject({
        kind: 'unwritable',
        isWhateverTheValue: how !== 'other type',
        properties: ['afterglow_score'],
      });
    },
  );

  test.each<[name: string, fault: Fault, outcome: object]>([
    ['409', { kind: 'answer', status: 409 }, { kind: 'declined', reason: 'CONFLICT' }],
    ['423', { kind: 'answer', status: 423 }, { kind: 'later', retryAtMs: NOON_MS + 2000 }],
    ['500', { kind: 'answer', status: 500 }, UNKNOWN],
    ['a closed connection', { kind: 'no-answer', lands: 'before' }, UNKNOWN],
    ['a body that is not JSON', { kind: 'answer', status: 200, body: 'done', executes: true }, UNKNOWN],
    [
      '400 without a property',
      {
        kind: 'answer',
        status: 400,
        body: { category: 'VALIDATION_ERROR', message: 'm', correlationId: 'c-1' },
      },
      { kind: 'refused', reason: 'VALIDATION_ERROR', correlationId: 'c-1' },
    ],
  ])('after %s fares as in a batch', async (_name, fault, outcome) => {
    const connection = await connectProvisioned({ faults: () => fault });
    const [id = ''] = create(connection, 1);

    expect(await one(connection, input(id))).toMatchObject(outcome);
    expect(connection.takeCalls()).toEqual([`PATCH ${id}`]);
  });
});
