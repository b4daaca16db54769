import type { Fault } from '../../../local/hubspot/faults.ts';
import { closeAll, openPortal, type Portal } from './portal.ts';

afterEach(closeAll);

const UPDATE = '/crm/objects/2026-03/contacts/batch/update';

/** Three contacts, and a portal in which the first call meets this. */
async function portalWith(fault: Fault) {
  const portal = await openPortal({ faults: ({ number }) => (number === 1 ? fault : undefined) });
  const ids = ['Ada', 'Bob', 'Cyd'].map((firstname) => portal.crm.create('contacts', { firstname }));
  return { portal, ids };
}

function rename(ids: readonly string[], traced = true) {
  return {
    inputs: ids.map((id) => ({
      id,
      properties: { firstname: 'New' },
      ...(traced && { objectWriteTraceId: `trace-${id}` }),
    })),
  };
}

function namesOf(portal: Portal, ids: readonly string[]) {
  return ids.map((id) => portal.crm.get('contacts', id)?.properties['firstname']);
}

describe('inputs that are left out', () => {
  test('are neither mentioned nor done', async () => {
    const { portal, ids } = await portalWith({ kind: 'leave-out', inputs: [1] });

    const { status, body } = await portal.call('POST', UPDATE, rename(ids));

    expect(status).toBe(200);
    expect(body.results.map(({ id }: { id: string }) => id).toSorted()).toEqual([ids[0], ids[2]]);
    expect(body).not.toHaveProperty('errors');
    expect(namesOf(portal, ids)).toEqual(['New', 'Bob', 'New']);
    expect(portal.specProblems).toEqual([]);
  });

  test('may be done all the same', async () => {
    const { portal, ids } = await portalWith({ kind: 'leave-out', inputs: [0, 1], executes: true });

    const { body } = await portal.call('POST', UPDATE, rename(ids, false));

    expect(body.results).toMatchObject([{ id: ids[2] }]);
    expect(namesOf(portal, ids)).toEqual(['New', 'New', 'New']);
  });

  test('are missing among what was read', async () => {
    const { portal, ids } = await portalWith({ kind: 'leave-out', inputs: [2] });
    const inputs = ids.map((id) => ({ id }));

    const { status, body } = await portal.call('POST', '/crm/objects/2026-03/contacts/batch/read', {
      inputs,
    });

    expect(status).toBe(200);
    expect(body.results).toHaveLength(2);
  });

  test('need a batch', async () => {
    const { portal } = await portalWith({ kind: 'leave-out', inputs: [0] });

    await expect(portal.call('GET', '/crm/objects/2026-03/contacts')).rejects.toThrow('fetch failed');
  });
});

describe('inputs that fail', () => {
  const fault: Fault = {
    kind: 'item-errors',
    inputs: [0],
    category: 'VALIDATION_ERROR',
    message: 'firstname is read only',
    errors: [{ message: 'read only', code: 'READ_ONLY_VALUE', context: { propertyName: ['firstname'] } }],
  };

  test('are named by their trace ids in a 207, and the others are done', async () => {
    const { portal, ids } = await portalWith(fault);

    const { status, body } = await portal.call('POST', UPDATE, rename(ids));

    expect(status).toBe(207);
    expect(body).toMatchObject({
      numErrors: 1,
      errors: [
        {
          category: 'VALIDATION_ERROR',
          context: { objectWriteTraceId: [`trace-${ids[0]}`] },
          errors: [{ code: 'READ_ONLY_VALUE' }],
        },
      ],
    });
    expect(namesOf(portal, ids)).toEqual(['Ada', 'New', 'New']);
    expect(portal.specProblems).toEqual([]);
  });

  test('are named by their ids where there are no trace ids, beside the errors that there are anyway', async () => {
    const { portal, ids } = await portalWith(fault);
    const [ada = '', ...others] = ids;

    const { body } = await portal.call('POST', UPDATE, rename([ada, '999', ...others], false));

    expect(body.numErrors).toBe(2);
    expect(body.errors).toMatchObject([
      { category: 'OBJECT_NOT_FOUND', context: { ids: ['999'] } },
      { category: 'VALIDATION_ERROR', context: { ids: [ada] } },
    ]);
  });
});

describe('an answer without results', () => {
  test.each([
    [false, ['Ada', 'Bob', 'Cyd']],
    [true, ['New', 'New', 'New']],
  ])('says COMPLETE (done: %s)', async (executes, names) => {
    const { portal, ids } = await portalWith({ kind: 'empty', executes });

    const { status, body } = await portal.call('POST', UPDATE, rename(ids));

    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'COMPLETE', results: [] });
    expect(namesOf(portal, ids)).toEqual(names);
  });
});

test.each([
  [false, ['Ada', 'Bob', 'Cyd']],
  [true, ['New', 'New', 'New']],
])('a success whose body is no JSON (done: %s)', async (executes, names) => {
  const { portal, ids } = await portalWith({ kind: 'answer', status: 200, body: '<html>', executes });

  const { status, body } = await portal.call('POST', UPDATE, rename(ids));

  expect({ status, body }).toEqual({ status: 200, body: '<html>' });
  expect(namesOf(portal, ids)).toEqual(names);
});

test('a gateway knows nothing of limits', async () => {
  const { portal } = await portalWith({ kind: 'answer', status: 502 });

  const { headers } = await portal.call('GET', '/crm/objects/2026-03/contacts');

  expect(headers.has('x-hubspot-ratelimit-max')).toBe(false);
});

/** Waits of the simulator, each over when the test says so. */
function waits() {
  const begun: { readonly ms: number; readonly what: string; end(): void }[] = [];
  const sleep = (ms: number, what: string) =>
    new Promise<void>((resolve) => begun.push({ ms, what, end: resolve }));
  return { begun, sleep };
}

describe('a silence', () => {
  test('lasts as long as told, then the connection closes', async () => {
    const { begun, sleep } = waits();
    const portal = await openPortal({
      sleep,
      faults: () => ({ kind: 'silent', afterMs: 30_000, lands: 'before' }),
    });

    const failure = portal
      .call('POST', '/crm/objects/2026-03/contacts', { properties: {} })
      .catch((error: unknown) => String(error));
    while (begun.length === 0) await new Promise((resolve) => setImmediate(resolve));

    expect(begun).toMatchObject([{ ms: 30_000, what: 'answer' }]);
    expect(portal.crm.all('contacts')).toHaveLength(1);
    begun[0]?.end();
    expect(await failure).toContain('fetch failed');
    expect(portal.calls).toMatchObject([{ status: 0 }]);
  });

  test('work that is done late is done when its time has come, by waiting or because the clock was moved, and once', async () => {
    const { begun, sleep } = waits();
    const portal = await openPortal({ sleep, faults: () => ({ kind: 'no-answer', lands: 600_000 }) });
    const create = () =>
      expect(portal.call('POST', '/crm/objects/2026-03/contacts', { properties: {} })).rejects.toThrow(
        'fetch failed',
      );
    const contacts = () => portal.crm.all('contacts').length;

    await create();
    await create();
    expect(begun).toMatchObject([
      { ms: 600_000, what: 'landing' },
      { ms: 600_000, what: 'landing' },
    ]);
    expect(portal.landings.due()).toEqual([portal.time.nowMs + 600_000, portal.time.nowMs + 600_000]);
    portal.landings.catchUp();
    expect(contacts()).toBe(0);

    begun[0]?.end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(contacts()).toBe(1);
    portal.time.nowMs += 600_000;
    portal.landings.catchUp();
    expect(contacts()).toBe(2);
    begun[1]?.end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(contacts()).toBe(2);
    expect(portal.landings.due()).toEqual([]);
  });
});
