import { BatchInputSimplePublicObjectBatchInput } from '@hubspot/api-client/lib/codegen/crm/objects/models/BatchInputSimplePublicObjectBatchInput.js';
import { ObjectSerializer } from '@hubspot/api-client/lib/codegen/crm/objects/models/ObjectSerializer.js';
import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import type { WriteInput } from '../../lambdas/hubspot/objects.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { connectProvisioned } from './connection.ts';

afterEach(closeAll);

const jane = { email: 'Jane@Example.com', jobtitle: 'CTO' };

describe('reading', () => {
  test('gives the properties asked for as text, null where there is none, and the time as of which they are', async () => {
    const { portal, contacts, specProblems } = await connectProvisioned();
    const id = portal.crm.create(
      'contacts',
      { ...jane, hs_analytics_num_page_views: 7 },
      { atMs: NOON_MS - 5000 },
    );

    const [contact] = await contacts.read([id], ['jobtitle', 'phone', 'hs_analytics_num_page_views']);

    expect(contact).toMatchObject({
      id,
      updatedAtMs: NOON_MS - 5000,
      properties: { jobtitle: 'CTO', phone: null, hs_analytics_num_page_views: '7' },
    });
    expect(specProblems()).toEqual([]);
  });

  test('of a hundred leaves out those that are deleted, merged away or were never there', async () => {
    const { portal, contacts, specProblems, takeCalls } = await connectProvisioned();
    const ids = Array.from({ length: 98 }, () => portal.crm.create('contacts', {}));
    portal.crm.delete('contacts', ids[3] ?? '');
    portal.crm.merge('contacts', ids[5] ?? '', ids[6] ?? '');

    const found = await contacts.read([...ids, '999', '998'], ['jobtitle']);

    const expected = ids.filter((_id, at) => ![3, 5, 6].includes(at));
    expect(found.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
    expect(takeCalls()).toEqual(['POST batch/read']);
    expect(specProblems()).toEqual([]);
  });

  test('by e-mail address finds the contact of each address that has one', async () => {
    const { portal, contacts, specProblems } = await connectProvisioned();
    const id = portal.crm.create('contacts', jane);

    const found = await contacts.read(['jane@example.com', 'nobody@example.com'], ['email'], 'email');

    expect(found).toMatchObject([{ id, properties: { email: 'jane@example.com' } }]);
    expect(specProblems()).toEqual([]);
  });

  test('one contact by an id that was merged away tells the living id', async () => {
    const { portal, contacts, specProblems } = await connectProvisioned();
    const [old, other] = [portal.crm.create('contacts', jane), portal.crm.create('contacts', {})];
    const living = portal.crm.merge('contacts', old, other);

    const found = await contacts.lookUp(old, ['jobtitle']);

    expect(found).toMatchObject({ id: living, properties: { jobtitle: 'CTO' } });
    expect(specProblems()).toEqual([]);
  });

  test('one contact that is not there is no error, but a portal that does not answer is', async () => {
    const { contacts } = await connectProvisioned({
      faults: ({ path }) => (path.endsWith('/2') ? { kind: 'answer', status: 500 } : undefined),
    });

    await expect(contacts.lookUp('1', [])).resolves.toBeUndefined();
    await expect(contacts.lookUp('2', [])).rejects.toMatchObject({ trouble: 'unknown' });
  });
});

function input(id = '', score = '5'): WriteInput {
  return { id, properties: { afterglow_score: score }, objectWriteTraceId: `trace-${id}` };
}

describe('writing', () => {
  test('tells of every input what HubSpot says of it: by id, by trace id, or nothing', async () => {
    const { portal, contacts, specProblems, exchanges } = await connectProvisioned();
    const [good, bad, old, other] = [1, 2, 3, 4].map(() => portal.crm.create('contacts', {}));
    portal.crm.merge('contacts', old ?? '', other ?? '');

    const answer = await contacts.update([input(good), input(bad, 'five'), input(old), input('999')]);

    expect(answer.written).toEqual([{ id: good, traceId: `trace-${good}` }]);
    expect(answer.errors.toSorted((a, b) => (a.category < b.category ? -1 : 1))).toEqual([
      {
        category: 'OBJECT_NOT_FOUND',
        reason: 'OBJECT_NOT_FOUND',
        ids: ['999'],
        traceIds: [],
        properties: [],
      },
      {
        category: 'VALIDATION_ERROR',
        reason: expect.stringMatching(/^VALIDATION_ERROR, INVALID_\w+ afterglow_score$/),
        ids: [],
        traceIds: [`trace-${bad}`],
        properties: [{ name: 'afterglow_score', code: expect.stringMatching(/^INVALID_/) }],
      },
    ]);
    expect(answer.correlationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(portal.crm.get('contacts', good ?? '')?.properties['afterglow_score']).toBe('5');
    expect(exchanges.at(-1)?.status).toBe(207);
    expect(specProblems()).toEqual([]);
  });

  test('one record by a call of its own tells the id it lives under, and undefined where there is none', async () => {
    const { portal, contacts, specProblems } = await connectProvisioned();
    const [id, old] = [portal.crm.create('contacts', jane), portal.crm.create('contacts', {})];
    const living = portal.crm.merge('contacts', old, portal.crm.create('contacts', {}));

    expect(await contacts.patch(id, { afterglow_score: '5' })).toBe(id);
    expect(await contacts.patch(old, { afterglow_score: '7' })).toBe(living);
    expect(await contacts.patch('999', { afterglow_score: '8' })).toBeUndefined();

    expect(portal.crm.get('contacts', id)?.properties['afterglow_score']).toBe('5');
    expect(portal.crm.get('contacts', living)?.properties['afterglow_score']).toBe('7');
    expect(specProblems()).toEqual([]);
  });

  test('reads errors also in an answer with status 200', async () => {
    const now = new Date(NOON_MS).toISOString();
    const error = {
      category: 'VALIDATION_ERROR',
      context: { objectWriteTraceId: ['t'] },
      errors: [],
      links: {},
    };
    const body = { status: 'COMPLETE', results: [], errors: [error], startedAt: now, completedAt: now };
    const { contacts } = await connectProvisioned({ faults: () => ({ kind: 'answer', status: 200, body }) });

    const { errors } = await contacts.update([{ id: '1', properties: {}, objectWriteTraceId: 't' }]);

    expect(errors).toMatchObject([{ traceIds: ['t'] }]);
  });

  test("the SDK's models carry the trace id, out and back", () => {
    const one = { id: '1', properties: { jobtitle: 'x' }, objectWriteTraceId: 'trace-1' };

    const sent = ObjectSerializer.serialize(
      { inputs: [one] },
      BatchInputSimplePublicObjectBatchInput.name,
      '',
    );
    const got = ObjectSerializer.deserialize(
      { results: [one] },
      'BatchResponseSimplePublicObjectWithErrors',
      '',
    );

    expect(sent).toEqual({ inputs: [one] });
    expect(got).toMatchObject({ results: [{ objectWriteTraceId: 'trace-1' }] });
  });
});

test.each([
  ['null', null],
  ['results that are no list', { results: 5 }],
  ['results without ids', { results: [{ properties: {} }] }],
  ['a time that is none', { results: [{ id: '1', properties: {}, updatedAt: 'canary' }] }],
  ['another form', ['canary']],
])('an answer of %s says nothing of what was done', async (_name, body) => {
  const { contacts } = await connectProvisioned({
    faults: () => ({ kind: 'answer', status: 200, body: JSON.stringify(body) }),
  });

  const read = await contacts.read(['1'], ['email']).catch((error: unknown) => error);
  const lookedUp = await contacts.lookUp('1', ['email']).catch((error: unknown) => error);

  expect([read, lookedUp].every((error) => error instanceof HubSpotError)).toBe(true);
  expect([read, lookedUp]).toMatchObject([{ trouble: 'unknown' }, { trouble: 'unknown' }]);
});
