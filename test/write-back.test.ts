import { inspect } from 'node:util';
import { BatchGetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { MisconfiguredError } from '../lambdas/errors.ts';
import { contactKey } from '../lambdas/store/keys.ts';
import type { Fault, FaultableCall } from '../local/hubspot/faults.ts';
import { closeAll, NOON_MS } from './local/hubspot/portal.ts';
import { type Engine, startDynalite } from './store/table.ts';
import { openSystem, PORTAL, type System } from './write-back/system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

const NOTHING_FAILED = { batchItemFailures: [] };
const about = (ids: readonly string[]) => ids.map((contactId) => ({ contactId }));

function createUnknown({ portal }: System, count: number): string[] {
  return Array.from({ length: count }, () => portal.crm.create('contacts', {}));
}

/** A contact in HubSpot whose properties are known, and that logged in so often. */
async function createKnown(system: System, logins = 1): Promise<string> {
  const id = system.portal.crm.create('contacts', {});
  await system.loginKnown(id, logins);
  return id;
}

/** A contact that is to be written, with one beside it that has to be read first; `meanwhile` happens during that reading. */
async function writtenAfter(
  meanwhile: (system: System, id: string) => Promise<unknown>,
): Promise<[System, string]> {
  let happen: () => Promise<unknown> = nothing;
  const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
    hubSpot: {
      ...hubSpot,
      contacts: {
        ...hubSpot.contacts,
        async read(...asked) {
          await happen();
          return hubSpot.contacts.read(...asked);
        },
      },
    },
  }));
  const id = await createKnown(system);
  const [beside = ''] = createUnknown(system, 1);
  happen = () => meanwhile(system, id);
  await system.receive(about([id, beside]));
  return [system, id];
}

const isConfirmed = async (system: System, id: string) => {
  const { writeId, confirmedWriteId } = await system.head(id);
  return writeId === confirmedWriteId;
};

const force = (contactId: string, delaySeconds = 900) => ({
  lane: 'changes',
  request: { portalId: PORTAL, contactId, force: true as const },
  delaySeconds,
});
const isUpdate = ({ path }: FaultableCall) => path.endsWith('batch/update');
const everyWrite =
  (fault: Fault) =>
  ({ path }: FaultableCall) =>
    path.endsWith('batch/update') ? fault : undefined;
const nothing = async () => undefined;
const refuse = () => Promise.reject(new Error('SQS'));

describe('bringing contacts to HubSpot', () => {
  test('takes one call per hundred contacts that changed', async () => {
    const system = await openSystem(engine);
    const ids = await system.createMany(130);

    const response = await system.receive(about(ids));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual(['POST batch/update', 'POST batch/update']);
    expect(ids.map((id) => system.shown(id)['score'])).toEqual(ids.map(() => '7'));
    expect(await Promise.all(ids.map((id) => isConfirmed(system, id)))).toEqual(ids.map(() => true));
    expect(system.specProblems()).toEqual([]);
  });

  test('writes score, parts, grade, status, reasons, times, model and write id', async () => {
    const system = await openSystem(engine);
    const id = system.portal.crm.create('contacts', { jobtitle: 'CTO' });
    await system.login(id, 2);

    await system.receive(about([id]));

    // By hand: 10 for the CTO, 2 × 7 for the logins, which count for a year; A from 20.
    expect(system.shown(id)).toEqual({
      score: '24',
      fit_score: '10',
      engagement_score: '14',
      grade: 'A',
      status: 'scored',
      reasons: '+14 Logged in (2 times, last 10 Nov 2026)\n+10 Is a CTO\nFalls to B on 10 Nov 2027',
      scored_at: expect.stringMatching(/^2026-11-10T12:00:00/),
      last_signal_at: expect.stringMatching(/^2026-11-10T12:00:00/),
      model: expect.stringMatching(/^logins@/),
      write_id: (await system.head(id)).writeId,
    });
  });

  test('writes a computed 0 as 0, and clears the numbers of a contact of whom too little is known', async () => {
    const system = await openSystem(engine);
    const clerk = system.portal.crm.create('contacts', { jobtitle: 'Clerk' });
    const nobody = system.portal.crm.create('contacts', {});
    system.portal.crm.set('contacts', nobody, { afterglow_score: 12, afterglow_grade: 'A' });

    await system.receive(about([clerk, nobody]));

    expect(system.shown(clerk)).toMatchObject({ score: '0', status: 'scored', grade: 'B' });
    expect(system.shown(nobody)).toMatchObject({ status: 'insufficient_data' });
    expect([system.shown(nobody)['score'] ?? null, system.shown(nobody)['grade'] ?? null]).toEqual([
      null,
      null,
    ]);
  });

  test('sends a contact once, however many messages of one invocation are about it', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);

    const response = await system.receive(about([id, id, id]));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual(['POST batch/update']);
    expect(system.exchanges.at(-1)?.requestBody).toMatchObject({ inputs: [{ id }] });
  });

  test('makes no call for what HubSpot has confirmed, also when only times have changed', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);
    await system.receive(about([id]));
    system.takeCalls();
    system.portal.time.nowMs += 86_400_000;

    await system.rescore(id, (scored) => ({ ...scored, lastSignalAtMs: NOON_MS + 1000 }));
    const response = await system.receive(about([id]));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual([]);
  });

  test('leaves deleted and erased contacts alone', async () => {
    const system = await openSystem(engine);
    const [deleted, erased] = [await createKnown(system), await createKnown(system)];
    await system.store.mark(contactKey(PORTAL, deleted), 'deleted', NOON_MS);
    await system.store.erase(contactKey(PORTAL, erased));

    const response = await system.receive(about([deleted, erased]));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual([]);
  });

  test('puts messages that name no contact of the portal to the dead letters; their neighbours go on', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);

    const response = await system.receive([
      'no JSON',
      {},
      { portalId: '2', contactId: id },
      { contactId: id },
    ]);

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.deadLetters).toEqual([
      { reason: 'a message that names no contact, company or deal of this portal', event: 'no JSON' },
      {
        reason: 'a message that names no contact, company or deal of this portal',
        event: '{"portalId":"1"}',
      },
      {
        reason: 'a message that names no contact, company or deal of this portal',
        event: `{"portalId":"2","contactId":"${id}"}`,
      },
    ]);
    expect(system.shown(id)).toMatchObject({ score: '7' });
  });
});

describe('contacts only heard of so far', () => {
  test('are read a hundred at a time, once, wherever they stand among the messages', async () => {
    const system = await openSystem(engine);
    const [known, unknown] = [await system.createMany(110), createUnknown(system, 10)];
    const mixed = known.flatMap((id, at) => [id, ...(unknown[at] === undefined ? [] : [unknown[at]])]);

    await system.receive(about(mixed));
    const calls = system.takeCalls();
    for (const id of unknown) await system.login(id);
    await system.receive(about(unknown));

    expect(calls).toEqual(['POST batch/read', 'POST batch/update', 'POST batch/update']);
    expect(system.takeCalls()).toEqual(['POST batch/update']);
    expect(system.specProblems()).toEqual([]);
  });

  test('lose what HubSpot has cleared since it was heard, and nothing else is noted as empty', async () => {
    const system = await openSystem(engine);
    const id = system.portal.crm.create('contacts', { lastname: 'Doe' }, { atMs: NOON_MS - 5000 });
    const heard = { name: 'jobtitle', value: 'CTO', occurredAtMs: NOON_MS - 9000 };
    await system.store.keep(contactKey(PORTAL, id), [], [heard]);
    await system.rescore(id);

    await system.receive(about([id]));

    const known = await system.store.read(contactKey(PORTAL, id));
    expect(known?.known.properties).toEqual([{ name: 'jobtitle', value: '', occurredAtMs: NOON_MS - 5000 }]);
  });

  test('are known as of the time at which HubSpot last changed them: what was heard since is newer', async () => {
    const system = await openSystem(engine);
    const options = { atMs: NOON_MS - 5000 };
    const read = system.portal.crm.create('contacts', { jobtitle: 'CTO' }, options);
    const heard = system.portal.crm.create('contacts', { jobtitle: 'CTO' }, options);
    const newer = { name: 'jobtitle', value: 'Clerk', occurredAtMs: NOON_MS - 4000 };
    await system.store.keep(contactKey(PORTAL, heard), [], [newer]);

    await system.receive(about([read, heard]));

    const known = await system.store.read(contactKey(PORTAL, read));
    expect(known?.known.properties).toEqual([
      { name: 'jobtitle', value: 'CTO', occurredAtMs: NOON_MS - 5000 },
    ]);
    expect([system.shown(read)['score'], system.shown(heard)['score']]).toEqual(['10', '0']);
  });

  test('and not in HubSpot cost no write, are no error, and are not asked for again', async () => {
    const system = await openSystem(engine);
    await system.login('999');

    const response = await system.receive(about(['999']));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual(['POST batch/read', 'GET 999']);
    expect([system.takeSent(), system.deadLetters]).toEqual([[], []]);
    expect(await system.head('999')).toMatchObject({ life: 'deleted' });
    await system.receive(about(['999']));
    expect(system.takeCalls()).toEqual([]);
  });

  test('and merged away are read and written under their living id, with all that both did, once', async () => {
    const system = await openSystem(engine);
    const [one, other] = createUnknown(system, 2);
    await system.login(one ?? '');
    await system.login(other ?? '', 2);
    const living = system.portal.crm.merge('contacts', one ?? '', other ?? '');

    await system.receive(about([one ?? '', other ?? '']));
    await system.receive(system.takeSent().map(({ request }) => request));

    expect(system.shown(living)).toMatchObject({ score: '21' });
    expect(await isConfirmed(system, living)).toBe(true);
    expect(system.takeCalls().filter((call) => call.includes('read'))).toHaveLength(2);
  });

  test('unite with what waited under their address', async () => {
    const system = await openSystem(engine);
    const id = system.portal.crm.create('contacts', { email: 'jane@example.com' });
    await system.loginBy('jane@example.com');

    await system.receive(about([id]));

    expect(system.shown(id)).toMatchObject({ score: '7' });
    expect(await system.isWaiting('jane@example.com')).toBe(false);
  });

  test('of which one makes DynamoDB fail come again alone', async () => {
    const system = await openSystem(engine);
    const [good = '', bad = ''] = createUnknown(system, 2);
    system.failing = (command) =>
      command instanceof UpdateCommand && command.input.Key?.['pk'] === `${PORTAL}#${bad}`;

    const response = await system.receive(about([good, bad]));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
    expect(system.shown(good)).toMatchObject({ status: 'insufficient_data' });
  });

  test('of which HubSpot refuses to read one stop no other; that one goes to the dead letters', async () => {
    let bad = '';
    const system = await openSystem(engine, {
      faults: ({ path, body }) =>
        path.endsWith('batch/read') && JSON.stringify(body).includes(`"${bad}"`)
          ? {
              kind: 'answer',
              status: 400,
              body: { message: 'm', category: 'VALIDATION_ERROR', correlationId: 'c' },
            }
          : undefined,
    });
    const ids = createUnknown(system, 5);
    bad = ids[3] ?? '';

    const response = await system.receive(about(ids));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.deadLetters).toEqual([
      {
        portalId: PORTAL,
        contactId: bad,
        reason: 'VALIDATION_ERROR',
        correlationId: 'c',
        request: { portalId: PORTAL, contactId: bad, reread: true },
      },
    ]);
    expect(ids.filter((id) => system.shown(id)['status'] === 'insufficient_data')).toHaveLength(4);
  });
});

describe('addresses', () => {
  test('are resolved a hundred at a time; what waited under them is written with their contact', async () => {
    const system = await openSystem(engine);
    const emails = Array.from({ length: 101 }, (_each, at) => `jane${at}@example.com`);
    const ids = emails.slice(-3).map((email) => system.portal.crm.create('contacts', { email }));
    for (const email of emails.slice(-3)) await system.loginBy(email);

    const response = await system.receive(emails.map((email) => ({ email: ` ${email.toUpperCase()}` })));

    expect(response).toEqual(NOTHING_FAILED);
    // Two to resolve, one to read the model's properties, one to write.
    expect(system.takeCalls()).toEqual([...Array(3).fill('POST batch/read'), 'POST batch/update']);
    expect(ids.map((id) => system.shown(id)['score'])).toEqual(ids.map(() => '7'));
    expect(system.specProblems()).toEqual([]);
  });

  test('that belong to nobody keep waiting, and cost no more than the look', async () => {
    const system = await openSystem(engine);
    await system.loginBy('nobody@example.com');

    const response = await system.receive([{ email: 'nobody@example.com' }]);

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeCalls()).toEqual(['POST batch/read']);
    expect(await system.isWaiting('nobody@example.com')).toBe(true);
    expect([system.takeSent(), system.deadLetters]).toEqual([[], []]);
  });

  test('of a contact all lead to it once it was read, whether anything waits under them or not', async () => {
    const system = await openSystem(engine);
    const emails = ['one@example.com', 'second@example.com', 'third@example.com'];
    const [one = '', second = '', third = ''] = emails.map((email) =>
      system.portal.crm.create('contacts', { email }),
    );
    const both = system.portal.crm.merge('contacts', one, second);
    const living = system.portal.crm.merge('contacts', both, third);
    await system.loginBy('second@example.com');

    await system.receive([{ contactId: living }]);

    expect(system.shown(living)).toMatchObject({ score: '7' });
    const leadTo = await Promise.all(emails.map((email) => system.whose(email)));
    expect(leadTo).toEqual(emails.map(() => `${PORTAL}#${living}`));
  });

  test('of a contact that other messages name by id are one write with it', async () => {
    const system = await openSystem(engine);
    const id = system.portal.crm.create('contacts', { email: 'jane@example.com' });
    await system.loginKnown(id);
    await system.loginBy('jane@example.com');

    await system.receive([{ contactId: id }, { email: 'jane@example.com' }]);

    expect(system.takeCalls()).toEqual(['POST batch/read', 'POST batch/update']);
    expect(system.shown(id)).toMatchObject({ score: '14' });
  });

  test('come again by their own messages when their contact could not be confirmed', async () => {
    const system = await openSystem(engine);
    const id = system.portal.crm.create('contacts', { email: 'jane@example.com' });
    await system.loginKnown(id);
    system.failing = (command) =>
      command instanceof UpdateCommand && command.input.UpdateExpression?.includes('cwid = ') === true;

    const response = await system.receive([{ email: 'jane@example.com' }]);

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
  });
});

describe('what became of a contact since its head was first read, while others were read from HubSpot', () => {
  test('if another has confirmed the very write, it is not sent again', async () => {
    const [system, id] = await writtenAfter(async (at, contactId) =>
      at.store.confirm(contactKey(PORTAL, contactId), await at.head(contactId)),
    );

    expect(system.shown(id)).toEqual({});
    expect(system.takeSent()).toEqual([]);
  });

  test.each(['deleted', 'erased'] as const)('if it is %s, nothing is sent', async (life) => {
    const [system, id] = await writtenAfter((at, contactId) =>
      life === 'deleted'
        ? at.store.mark(contactKey(PORTAL, contactId), life, NOON_MS)
        : at.store.erase(contactKey(PORTAL, contactId)),
    );

    expect(system.shown(id)).toEqual({});
    expect((await system.head(id)).life).toBe(life);
    expect(system.takeSent()).toEqual([]);
  });

  test('if there is more to show, the newer is sent, and confirmed at once', async () => {
    const [system, id] = await writtenAfter((at, contactId) => at.login(contactId));

    expect(system.shown(id)).toMatchObject({ score: '14' });
    expect(await isConfirmed(system, id)).toBe(true);
    expect(system.takeSent()).toEqual([]);
  });
});

describe('what HubSpot took', () => {
  test('is confirmed only if it is still to be shown; else HubSpot is read back after 5 seconds', async () => {
    let inBetween: () => Promise<void> = nothing;
    const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
      hubSpot: {
        ...hubSpot,
        contacts: {
          ...hubSpot.contacts,
          async update(inputs) {
            const answer = await hubSpot.contacts.update(inputs);
            await inBetween();
            return answer;
          },
        },
      },
    }));
    const id = await createKnown(system);
    inBetween = () => system.login(id);

    const response = await system.receive(about([id]));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeSent()).toEqual([force(id, 5)]);
    expect(await isConfirmed(system, id)).toBe(false);
    inBetween = nothing;
    await system.receive([force(id).request]);
    expect(system.shown(id)).toMatchObject({ score: '14' });
    expect(await isConfirmed(system, id)).toBe(true);
    expect(system.takeSent()).toEqual([]);
  });

  test.each<{ name: string; fault: Fault; calls: string[] }>([
    {
      name: 'no answer though it was done',
      fault: { kind: 'no-answer', lands: 'before' },
      calls: ['POST batch/read'],
    },
    {
      name: 'no answer since it never arrived',
      fault: { kind: 'no-answer', lands: 'never' },
      calls: ['POST batch/read', 'POST batch/update'],
    },
    {
      name: 'an answer of a gateway though it was done',
      fault: { kind: 'answer', status: 502, executes: true },
      calls: ['POST batch/read'],
    },
    {
      name: 'an empty answer though it was done',
      fault: { kind: 'answer', status: 200, body: '', executes: true },
      calls: ['POST batch/read'],
    },
  ])(
    'with $name, is read back after 15 minutes, and written only if it is not there',
    async ({ fault, calls }) => {
      let isFirst = true;
      const system = await openSystem(engine, {
        faults: (call) => {
          if (!isUpdate(call) || !isFirst) return undefined;
          isFirst = false;
          return fault;
        },
      });
      const id = await createKnown(system);

      const response = await system.receive(about([id]));

      expect(response).toEqual(NOTHING_FAILED);
      const sent = system.takeSent();
      expect(sent).toEqual([force(id)]);
      expect(await isConfirmed(system, id)).toBe(false);
      system.takeCalls();
      await system.receive(sent.map(({ request }) => request));
      expect(system.takeCalls()).toEqual(calls);
      expect(system.shown(id)).toMatchObject({ score: '7' });
      expect(await isConfirmed(system, id)).toBe(true);
      expect(system.takeSent()).toEqual([]);
    },
  );

  test('is read back although the table says it is confirmed, when somebody asks for it', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);
    await system.receive(about([id]));
    system.portal.crm.set('contacts', id, {
      afterglow_score: 1,
      afterglow_write_id: 'an older write landed',
    });

    await system.receive([{ contactId: id }]);
    const untouched = system.shown(id)['score'];
    await system.receive([{ contactId: id, force: true }]);

    expect([untouched, system.shown(id)['score']]).toEqual(['1', '7']);
  });

  test('is read back also when a message that does not ask for it comes beside one that does', async () => {
    const system = await openSystem(engine);
    const [first, second, old, other] = await Promise.all([1, 2, 3, 4].map(() => createKnown(system)));
    const living = system.portal.crm.merge('contacts', old ?? '', other ?? '');
    for (const id of [old ?? '', other ?? ''])
      await system.store.unite(contactKey(PORTAL, id), contactKey(PORTAL, living));
    const ids = [first ?? '', second ?? '', living];
    await system.receive(about(ids));
    for (const id of ids)
      system.portal.crm.set('contacts', id, { afterglow_score: 1, afterglow_write_id: 'old' });

    await system.receive([
      { contactId: first, force: true },
      { contactId: first },
      { contactId: second },
      { contactId: second, force: true },
      { contactId: old },
      { contactId: living, force: true },
    ]);

    expect(ids.map((id) => system.shown(id)['score'])).toEqual(['7', '7', '14']);
  });

  test('after a message came a second time is read back: the first try may have sent something that still lands', async () => {
    const system = await openSystem(engine);
    const [changed, confirmed] = [await createKnown(system), await createKnown(system)];
    await system.receive(about([confirmed]));

    const response = await system.receive(about([changed, confirmed]), 2);

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.shown(changed)).toMatchObject({ score: '7' });
    expect(system.takeSent()).toHaveLength(2);
    await system.receive([force(changed).request, force(confirmed).request]);
    expect(system.takeSent()).toEqual([]);
  });

  test('is read back also when only one of several messages came a second time', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);

    await system.receive(about([id, id]), [2, 1]);

    expect(system.takeSent()).toEqual([force(id)]);
  });

  test('a contact restored while it was being looked up is not taken for deleted', async () => {
    const system = await openSystem(engine, {}, {}, ({ hubSpot }) => ({
      hubSpot: {
        ...hubSpot,
        contacts: {
          ...hubSpot.contacts,
          async lookUp(id, properties) {
            const found = await hubSpot.contacts.lookUp(id, properties);
            system.portal.crm.restore('contacts', id);
            system.portal.time.nowMs += 1000;
            await system.store.mark(contactKey(PORTAL, id), 'living', system.portal.time.nowMs);
            system.portal.time.nowMs += 1000;
            return found;
          },
        },
      },
    }));
    const id = await createKnown(system);
    system.portal.crm.delete('contacts', id);

    await system.receive(about([id]));

    expect((await system.head(id)).life).toBe('living');
  });

  test('a contact deleted meanwhile is marked so, and no longer written', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);
    system.portal.crm.delete('contacts', id);

    const response = await system.receive(about([id]));

    expect(response).toEqual(NOTHING_FAILED);
    expect((await system.head(id)).life).toBe('deleted');
    system.takeCalls();
    await system.receive(about([id]));
    expect([system.takeCalls(), system.takeSent(), system.deadLetters]).toEqual([[], [], []]);
  });

  test('of a contact merged meanwhile is united with the living one, and written there next time', async () => {
    const system = await openSystem(engine);
    const [one, other] = [await createKnown(system), await createKnown(system, 2)];
    const living = system.portal.crm.merge('contacts', one, other);

    const response = await system.receive(about([one, other]));

    expect(response).toEqual(NOTHING_FAILED);
    const sent = system.takeSent();
    expect(sent).toEqual(
      [one, other].map((contactId) => ({
        lane: 'changes',
        request: { portalId: PORTAL, contactId, force: true },
        delaySeconds: 5,
      })),
    );
    await system.receive(sent.map(({ request }) => request));
    expect(system.shown(living)).toMatchObject({ score: '21' });
    expect(await isConfirmed(system, living)).toBe(true);
  });

  test('of a record that HubSpot refuses goes to the dead letters with portal, contact, reason and correlation id; the other 99 are confirmed', async () => {
    let bad = '';
    const system = await openSystem(engine, {
      faults: ({ path, body }) => {
        const isRefused = path.endsWith('batch/update') && JSON.stringify(body).includes(`"id":"${bad}"`);
        const error = { message: 'm', code: 'MISSING_CONDITIONAL_REQUIRED_PROPERTY' };
        const answer = { category: 'VALIDATION_ERROR', correlationId: 'c-1', errors: [error] };
        return isRefused ? { kind: 'answer', status: 400, body: answer } : undefined;
      },
    });
    const ids = await system.createMany(100);
    bad = ids[42] ?? '';

    const response = await system.receive(about(ids));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.deadLetters).toEqual([
      {
        portalId: PORTAL,
        contactId: bad,
        reason: 'VALIDATION_ERROR, MISSING_CONDITIONAL_REQUIRED_PROPERTY',
        correlationId: 'c-1',
        request: { portalId: PORTAL, contactId: bad },
      },
    ]);
    const confirmed = await Promise.all(ids.map((id) => isConfirmed(system, id)));
    expect(confirmed.flatMap((is, at) => (is ? [] : [at]))).toEqual([42]);
    expect(system.takeSent()).toEqual([]);
  });
});

describe('what could not be tried', () => {
  test.each<{ name: string; fault: Fault; delaySeconds: number }>([
    { name: 'too many calls', fault: { kind: 'answer', status: 429 }, delaySeconds: 11 },
    { name: 'a lock', fault: { kind: 'answer', status: 423 }, delaySeconds: 2 },
    { name: 'a refused token', fault: { kind: 'answer', status: 401 }, delaySeconds: 900 },
    { name: 'a missing scope', fault: { kind: 'answer', status: 403 }, delaySeconds: 900 },
    { name: 'a wrong path', fault: { kind: 'answer', status: 404 }, delaySeconds: 900 },
    {
      name: 'a migration of an hour',
      fault: { kind: 'answer', status: 477, headers: { 'retry-after': '3600' } },
      delaySeconds: 900,
    },
    {
      name: 'a migration of a minute',
      fault: { kind: 'answer', status: 477, headers: { 'retry-after': '60' } },
      delaySeconds: 60,
    },
  ])('for $name, comes again in $delaySeconds s with a count of our own; no message fails', async (row) => {
    const system = await openSystem(engine, { faults: everyWrite(row.fault) });
    const id = await createKnown(system);

    const response = await system.receive([{ contactId: id, postponed: 4 }]);

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeSent()).toEqual([
      {
        lane: 'changes',
        request: { portalId: PORTAL, contactId: id, postponed: 5 },
        delaySeconds: row.delaySeconds,
      },
    ]);
    expect(system.deadLetters).toEqual([]);
  });

  test('for want of budget, comes again when a call is free', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);
    system.portal.time.nowMs += 1000; // What was taken ahead has lapsed.
    system.budget.state = { ...system.budget.state, blockedUntilMs: NOON_MS + 101_000 };

    await system.receive([{ contactId: id }, { email: 'jane@example.com' }]);

    expect(system.takeSent()).toMatchObject([
      { request: { email: 'jane@example.com', postponed: 1 }, delaySeconds: 100 },
      { request: { contactId: id, postponed: 1 }, delaySeconds: 100 },
    ]);
    expect(system.takeCalls()).toEqual([]);
  });

  test('while the token is not filled in, comes again in 15 minutes', async () => {
    let isFilledIn = true;
    const readToken = async () => {
      if (!isFilledIn) throw new MisconfiguredError('not filled in');
      return 'local-access-token';
    };
    const system = await openSystem(engine, {}, { readToken });
    const [known, [unknown = '']] = [await createKnown(system), createUnknown(system, 1)];
    isFilledIn = false;

    const response = await system.receive(about([known, unknown]));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.takeSent().map(({ delaySeconds }) => delaySeconds)).toEqual([900, 900]);
  });

  test.each([
    { status: 500, delaySeconds: 60, because: 'a reading without an answer has changed nothing' },
    { status: 429, delaySeconds: 11, because: 'the window is over then' },
    { status: 401, delaySeconds: 900, because: 'an operator must act' },
  ])(
    'for a reading that met a $status comes again in $delaySeconds s: $because',
    async ({ status, delaySeconds }) => {
      const system = await openSystem(engine, { faults: () => ({ kind: 'answer', status }) });
      const [id = ''] = createUnknown(system, 1);
      const known = await createKnown(system);
      const email = { email: 'jane@example.com' };

      for (const request of [{ contactId: id }, email, { contactId: known, force: true as const }]) {
        system.portal.time.nowMs += 1_200_000; // Whatever the last one stopped is over.
        expect(await system.receive([request])).toEqual(NOTHING_FAILED);
        expect(system.takeSent()).toMatchObject([{ request: { ...request, postponed: 1 }, delaySeconds }]);
        system.budget.state = { ...system.budget.state, blockedUntilMs: 0, nextSlotMs: 0, share: 1 };
      }
    },
  );

  test('keeps its doubt: a message that asked to read back, or came a second time, still asks for it', async () => {
    const system = await openSystem(engine, { faults: () => ({ kind: 'answer', status: 423 }) });
    const id = await createKnown(system);

    await system.receive([{ contactId: id, force: true }, { contactId: id }]);
    const asked = system.takeSent();
    await system.receive([{ contactId: id }, { email: 'jane@example.com' }], 2);
    const second = system.takeSent();

    expect(asked).toMatchObject([{ request: { contactId: id, force: true }, delaySeconds: 2 }]);
    expect(second).toMatchObject([
      { request: { email: 'jane@example.com', force: true }, delaySeconds: 900 },
      { request: { contactId: id, force: true }, delaySeconds: 900 },
    ]);
  });
});

describe('when something of our own fails', () => {
  const failures = {
    'reading the heads': (command: unknown) => command instanceof BatchGetCommand,
    'keeping what was read': (command: unknown) => command instanceof PutCommand,
    confirming: (command: unknown) =>
      command instanceof UpdateCommand && command.input.UpdateExpression?.includes('cwid = ') === true,
  };

  test.each(Object.entries(failures))(
    '%s: the message fails, comes back, and ends as if nothing had been',
    async (_name, isIt) => {
      const system = await openSystem(engine);
      const id = system.portal.crm.create('contacts', { jobtitle: 'CTO' });
      system.failing = isIt;

      const first = await system.receive(about([id]));
      system.failing = undefined;
      const second = await system.receive(about([id]), 2);

      expect(first).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
      expect(second).toEqual(NOTHING_FAILED);
      expect(system.shown(id)).toMatchObject({ score: '10' });
      expect(await isConfirmed(system, id)).toBe(true);
    },
  );

  test('all messages about the contact come back, also those by another id', async () => {
    const system = await openSystem(engine);
    const [one, other] = [await createKnown(system), await createKnown(system)];
    const living = system.portal.crm.merge('contacts', one, other);
    for (const id of [one, other])
      await system.store.unite(contactKey(PORTAL, id), contactKey(PORTAL, living));
    await system.loginKnown(living);
    system.failing = failures.confirming;

    const { batchItemFailures } = await system.receive(about([living, living, one, other]));

    const failed = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    expect(failed.toSorted((a, b) => a.localeCompare(b))).toEqual([0, 1, 2, 3].map((at) => `message-${at}`));
    expect(system.takeCalls()).toEqual(['POST batch/update']);
  });

  test('a chain of merges that is too long to follow: the message fails, and is not lost', async () => {
    const system = await openSystem(engine);
    const heads = Array.from({ length: 12 }, (_each, at) => ({ sk: '#head', rev: 1, at }));
    await system.table.put(
      heads.map(({ at, ...head }) => ({ ...head, pk: `${PORTAL}#${at}`, alias: `${PORTAL}#${at + 1}` })),
    );

    const response = await system.receive(about(['0']));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
  });

  test('one contact that cannot be confirmed comes back alone', async () => {
    const system = await openSystem(engine);
    const [good, bad] = [await createKnown(system), await createKnown(system)];
    system.failing = (command) => failures.confirming(command) && JSON.stringify(command.input).includes(bad);

    const response = await system.receive(about([good, bad]));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
    expect(await isConfirmed(system, good)).toBe(true);
  });

  test('the budget row: the messages fail, and nothing is sent', async () => {
    const system = await openSystem(engine);
    const id = await createKnown(system);
    system.portal.time.nowMs += 1000; // What was taken ahead has lapsed.
    system.budget.update = () => Promise.reject(new Error('DynamoDB'));

    const response = await system.receive(about([id]));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect(system.takeCalls()).toEqual([]);
  });

  test('putting back: only the messages that were to be put back come again themselves', async () => {
    let locked = '';
    const faults = ({ path, body }: FaultableCall): Fault | undefined =>
      path.endsWith('batch/update') && JSON.stringify(body).includes(`"id":"${locked}"`)
        ? { kind: 'item-errors', inputs: [1], category: 'RECORD_BUSY', message: 'm' }
        : undefined;
    const system = await openSystem(engine, { faults }, {}, () => ({ again: refuse }));
    const [good, bad] = [await createKnown(system), await createKnown(system)];
    locked = bad;

    const response = await system.receive([...about([good, bad]), 'no JSON']);

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
    expect(await isConfirmed(system, good)).toBe(true);
    expect(system.deadLetters).toHaveLength(1);
  });

  test('the dead letters: all messages come back', async () => {
    const faults = everyWrite({ kind: 'no-answer', lands: 'before' });
    const system = await openSystem(engine, { faults }, {}, () => ({ deadLetter: refuse }));
    const id = await createKnown(system);

    await expect(system.receive([{ contactId: id }, 'no JSON'])).rejects.toThrow('SQS');
  });

  test.each(['stopped', 'outputs'] as const)(
    'whether HubSpot may be called, or what it lets us write (%s): each call asks for itself',
    async (part) => {
      const system = await openSystem(engine, {}, {}, ({ outputs }) =>
        part === 'stopped'
          ? { stopped: refuse }
          : {
              outputs: Object.assign(Object.create(outputs), {
                look: refuse,
                renew: refuse,
                withheld: () => new Set(),
                took: nothing,
              }),
            },
      );
      const id = await createKnown(system);

      expect(await system.receive(about([id]))).toEqual(NOTHING_FAILED);
      expect(system.shown(id)).toMatchObject({ score: '7' });
    },
  );
});

test('logs, and what dead letters say besides the request, hold nothing that stands in properties or addresses', async () => {
  const canary = 'canary.jane@example.com';
  const bodies = [
    {
      kind: 'answer',
      status: 400,
      body: { message: canary, category: 'VALIDATION_ERROR', correlationId: 'c-1' },
    },
    { kind: 'answer', status: 200, body: `{"results":[{"id":"1","properties":{"email":"${canary}` },
    { kind: 'answer', status: 200, body: JSON.stringify({ results: canary }) },
    { kind: 'answer', status: 500, body: `<p>${canary}</p>` },
  ] as const;
  let fault: Fault | undefined;
  const system = await openSystem(engine, { faults: () => fault });
  const id = system.portal.crm.create('contacts', { email: canary });
  await system.loginBy(canary);

  for (const each of [...bodies, undefined]) {
    fault = each;
    await system.receive([{ contactId: id }, { email: canary }]);
    fault = undefined;
    await system.rescore(id, (scored) => scored, NOON_MS);
    fault = each;
    await system.receive(about([id]));
  }

  expect(system.shown(id)).toMatchObject({ score: '7' });
  const letters = system.deadLetters.map((letter) => ({ ...letter, request: undefined }));
  const text = inspect([system.logged, letters], { depth: Infinity, showHidden: true });
  expect(text).toContain('written back');
  expect(text).toContain('c-1');
  expect(text).not.toContain('canary');
});
