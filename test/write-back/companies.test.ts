import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { contactKey } from '../../lambdas/store/keys.ts';
import type { WriteRequest } from '../../lambdas/store/queues.ts';

import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import type { SimulatorOptions } from '../../local/hubspot/simulator.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Command, type Engine, startDynalite } from '../store/table.ts';
import { companyModel } from './models.ts';
import { openSystem, PORTAL, type System, type SystemParts } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

const NOTHING_FAILED = { batchItemFailures: [] };
const READ_CONTACTS = 'POST batch/read';
const READ_LINKS = 'POST contacts/companies/batch/read';
const READ_COMPANIES = 'POST companies/batch/read';
const WRITE_CONTACTS = 'POST batch/update';
const WRITE_COMPANIES = 'POST companies/batch/update';

const about = (ids: readonly string[]) => ids.map((contactId) => ({ contactId }));
const refuse = () => Promise.reject(new Error('SQS'));

function open(
  options: SimulatorOptions = {},
  parts: (own: SystemParts) => Partial<SystemParts> = () => ({}),
): Promise<System> {
  return openSystem(engine, options, {}, parts, companyModel());
}

function company({ portal }: System, numberofemployees: number): string {
  return portal.crm.create('companies', { numberofemployees });
}

function employ({ portal }: System, contactId: string, companyId: string): void {
  portal.crm.associate('contacts', contactId, 'companies', companyId, { primary: true });
}

/** A contact in HubSpot of this company. */
function employee(system: System, companyId: string): string {
  const id = system.portal.crm.create('contacts', {});
  employ(system, id, companyId);
  return id;
}

const toCompany = (companyId: string, delaySeconds: number, more: Partial<WriteRequest> = {}) => ({
  lane: 'background',
  request: { portalId: PORTAL, companyId, ...more },
  delaySeconds,
});

/** Hands over what was sent, as queues do, until nothing more is sent. */
async function deliverSent(system: System): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const sent = system.takeSent();
    if (sent.length === 0) return;
    system.portal.time.nowMs += 60_000;
    await system.receive(sent.map(({ request }) => request));
  }
}

/** A company whose one contact has logged in so often, both written. */
async function written(system: System, logins = 1): Promise<{ companyId: string; contactId: string }> {
  const companyId = company(system, 5);
  const contactId = employee(system, companyId);
  await system.login(contactId, logins);
  await system.receive(about([contactId]));
  await deliverSent(system);
  system.takeCalls();
  return { companyId, contactId };
}

async function move(system: System, contactId: string, companyId: string): Promise<void> {
  employ(system, contactId, companyId);
  system.portal.time.nowMs += 1000;
  await system.store.forgetReading(contactKey(PORTAL, contactId), system.portal.time.nowMs);
}

const invalid: Fault = {
  kind: 'answer',
  status: 400,
  body: { message: 'm', category: 'VALIDATION_ERROR', correlationId: 'c' },
};

/** Refuses every batch of companies that holds this one. */
function refusing(path: string, id: () => string) {
  return (call: FaultableCall): Fault | undefined =>
    call.path.endsWith(path) && id() !== '' && JSON.stringify(call.body).includes(`"${id()}"`)
      ? invalid
      : undefined;
}

const isConfirming = (command: Command) =>
  command instanceof UpdateCommand &&
  command.input.UpdateExpression?.includes('cwid = ') === true &&
  String(command.input.Key?.['pk']).includes('#company#');

describe('the primary company of a contact', () => {
  test('is found and read with the contact, and its values count at once', async () => {
    const system = await open();
    const [large, small] = [company(system, 200), company(system, 5)];
    const [ofLarge, ofSmall] = [employee(system, large), employee(system, small)];
    system.portal.crm.associate('contacts', ofSmall, 'companies', large); // Not its primary one.
    const alone = system.portal.crm.create('contacts', {});
    for (const id of [ofLarge, ofSmall, alone]) await system.login(id);

    const response = await system.receive(about([ofLarge, ofSmall, alone]));

    expect(response).toEqual(NOTHING_FAILED);
    // By hand: 7 for the login, 10 for the company of 200.
    expect([ofLarge, ofSmall, alone].map((id) => system.shown(id)['score'])).toEqual(['17', '7', '7']);
    expect(system.takeCalls()).toEqual([READ_CONTACTS, READ_LINKS, READ_COMPANIES, WRITE_CONTACTS]);
    expect(system.specProblems()).toEqual([]);
  });

  test('costs one call per hundred of a kind: 250 contacts of 40 companies', async () => {
    const system = await open();
    const companies = Array.from({ length: 40 }, () => company(system, 200));
    const ids = Array.from({ length: 250 }, (_each, at) => employee(system, companies[at % 40] ?? ''));

    await system.receive(about(ids));
    const contactCalls = system.takeCalls();
    const sent = system.takeSent();
    await system.receive(sent.map(({ request }) => request));

    const counts: Record<string, number> = {};
    for (const call of contactCalls) counts[call] = (counts[call] ?? 0) + 1;
    expect(counts).toEqual({ [READ_CONTACTS]: 3, [READ_LINKS]: 3, [READ_COMPANIES]: 1, [WRITE_CONTACTS]: 3 });
    expect(sent).toHaveLength(40);
    expect(system.takeCalls()).toEqual([WRITE_COMPANIES]);
    expect(companies.map((id) => system.companyScore(id))).toEqual(companies.map(() => '10'));
    expect(ids.every((id) => system.shown(id)['score'] === '10')).toBe(true);
  }, 60_000);

  test('is read once, however many contacts come later', async () => {
    const system = await open();
    const { companyId } = await written(system);

    await system.receive(about([employee(system, companyId)]));

    expect(system.takeCalls()).toEqual([READ_CONTACTS, READ_LINKS, WRITE_CONTACTS]);
  });

  test('is known as of the time at which HubSpot last changed it: what was heard since is newer', async () => {
    const system = await open();
    const companyId = system.portal.crm.create(
      'companies',
      { numberofemployees: 200 },
      { atMs: NOON_MS - 5000 },
    );
    const contactId = employee(system, companyId);
    await system.companies.keepFound(
      companyId,
      [{ name: 'numberofemployees', value: '50', occurredAtMs: NOON_MS - 4000 }],
      0,
    );
    await system.table.put([{ pk: `${PORTAL}#company#${companyId}`, sk: '#head', rev: 1 }]); // Heard of, not read.
    await system.login(contactId);

    await system.receive(about([contactId]));

    expect(system.takeCalls()).toContain(READ_COMPANIES);
    expect(system.shown(contactId)['score']).toBe('7');
  });

  test('is read again when it changes; both companies are rolled up, after it is stored and told before', async () => {
    const system = await open();
    const { companyId: before, contactId } = await written(system);
    const after = company(system, 200);
    await move(system, contactId, after);

    await system.receive(about([contactId]));

    expect(system.shown(contactId)['score']).toBe('17');
    const sent = system.takeSent();
    // Before, for whoever dies on the way; when both are stored; and when the contact is written.
    const told = [toCompany(before, 900), toCompany(after, 900), toCompany(before, 5), toCompany(after, 5)];
    expect(sent).toEqual([...told, toCompany(after, 5)]);
    await system.receive(sent.map(({ request }) => request));
    expect([before, after].map((id) => system.companyScore(id))).toEqual([null, '17']);
  });

  test('when it changes and nothing shown does, the new company still gets its score', async () => {
    const system = await open();
    const { companyId: before, contactId } = await written(system);
    const after = company(system, 7);
    await move(system, contactId, after);

    await system.receive(about([contactId]));
    expect(system.takeCalls()).toEqual([READ_CONTACTS, READ_LINKS, READ_COMPANIES]);
    await deliverSent(system);

    expect([before, after].map((id) => system.companyScore(id))).toEqual([null, '7']);
  });

  test('when both companies cannot be told of the change, the contact stays as it was and comes again', async () => {
    let isBroken = false;
    const system = await open({}, ({ background }) => ({
      background: (...sent) => (isBroken ? refuse() : background(...sent)),
    }));
    const { companyId: before, contactId } = await written(system);
    const after = company(system, 200);
    await move(system, contactId, after);
    isBroken = true;

    const response = await system.receive(about([contactId]));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect((await system.head(contactId)).company).toBe(`${PORTAL}#company#${before}`);
    isBroken = false;
    await system.receive(about([contactId]), 2);
    await deliverSent(system);
    expect([before, after].map((id) => system.companyScore(id))).toEqual([null, '17']);
  });
});

describe('what cannot be read', () => {
  test.each([
    ['associations', 'contacts/companies/batch/read'],
    ['companies', 'objects/2026-03/companies/batch/read'],
  ])('%s as a whole: the contacts come later, and are not scored half-read', async (_name, path) => {
    let isDown = true;
    const system = await open({
      faults: (call) => (isDown && call.path.endsWith(path) ? { kind: 'answer', status: 500 } : undefined),
    });
    const contactId = employee(system, company(system, 200));

    const response = await system.receive(about([contactId]));

    expect(response).toEqual(NOTHING_FAILED);
    const sent = system.takeSent();
    expect(sent).toEqual([
      {
        lane: 'changes',
        request: { portalId: PORTAL, contactId, postponed: 1, reread: true },
        delaySeconds: 60,
      },
    ]);
    expect(await system.store.read(contactKey(PORTAL, contactId))).toBeUndefined();
    isDown = false;
    await system.receive(sent.map(({ request }) => request));
    expect(system.shown(contactId)['score']).toBe('10');
  });

  test('one company of many: its contacts go to the dead letters, those of all others are written', async () => {
    let bad = '';
    const system = await open({ faults: refusing('objects/2026-03/companies/batch/read', () => bad) });
    const companies = Array.from({ length: 6 }, () => company(system, 200));
    const ids = companies.map((companyId) => employee(system, companyId));
    bad = companies[4] ?? '';

    const response = await system.receive(about(ids));

    expect(response).toEqual(NOTHING_FAILED);
    expect(system.deadLetters).toEqual([
      {
        portalId: PORTAL,
        contactId: ids[4],
        reason: 'VALIDATION_ERROR',
        correlationId: 'c',
        request: { portalId: PORTAL, contactId: ids[4], reread: true },
      },
    ]);
    expect(ids.map((id) => system.shown(id)['score'])).toEqual(['10', '10', '10', '10', undefined, '10']);
  });
});

describe('the score of a company', () => {
  test('is asked for when a contact is written, sent once, and not again while it stays', async () => {
    const system = await open();
    const companyId = company(system, 5);
    const [one, other] = [employee(system, companyId), employee(system, companyId)];
    await system.login(one, 3);
    await system.login(other);

    await system.receive(about([one, other]));
    const sent = system.takeSent();
    await system.receive(sent.map(({ request }) => request));
    system.takeCalls();
    await system.login(other);
    await system.receive(about([other]));
    await deliverSent(system);

    expect(sent).toEqual([toCompany(companyId, 5)]);
    expect(system.companyScore(companyId)).toBe('21');
    expect(system.takeCalls()).toEqual([WRITE_CONTACTS]);
    expect(system.specProblems()).toEqual([]);
  });

  test('of companies none of whose contacts has a score is not written: there is nothing to clear', async () => {
    const system = await open();
    const companyId = company(system, 5);

    await system.receive([{ companyId }]);

    expect(system.takeCalls()).toEqual([READ_COMPANIES]);
    expect(system.companyScore(companyId)).toBeUndefined();
  });

  test('follows its best contact down when that one fades', async () => {
    const system = await open();
    const { companyId, contactId } = await written(system, 3);
    await system.rescore(contactId, (scored) => ({
      ...scored,
      shown: { ...scored.shown, score: 4 },
      writeId: 'faded',
    }));

    await system.receive(about([contactId]));
    await deliverSent(system);

    expect([system.shown(contactId)['score'], system.companyScore(companyId)]).toEqual(['4', '4']);
  });

  test.each([
    { refused: 'the write', path: 'contacts/batch/update', isForgotten: false },
    { refused: 'the reading', path: 'contacts/batch/read', isForgotten: true },
  ])('follows its best contact also where HubSpot refuses $refused of that one', async (given) => {
    let bad = '';
    const system = await open({ faults: refusing(given.path, () => bad) });
    const { companyId, contactId } = await written(system, 3);
    expect(system.companyScore(companyId)).toBe('21');
    await system.rescore(contactId, (scored) => ({
      ...scored,
      shown: { ...scored.shown, score: 4 },
      writeId: 'faded',
    }));
    if (given.isForgotten)
      await system.store.forgetReading(contactKey(PORTAL, contactId), system.portal.time.nowMs);
    bad = contactId;

    await system.receive(about([contactId]));
    await deliverSent(system);

    expect(system.deadLetters).toMatchObject([{ contactId, reason: 'VALIDATION_ERROR' }]);
    expect(system.shown(contactId)['score']).toBe('21');
    expect(system.companyScore(companyId)).toBe('4');
  });

  test('counts a contact of which HubSpot refused even the first write', async () => {
    let bad = '';
    const system = await open({ faults: refusing('contacts/batch/update', () => bad) });
    const companyId = company(system, 5);
    const contactId = employee(system, companyId);
    await system.login(contactId, 3);
    bad = contactId;

    await system.receive(about([contactId]));
    await deliverSent(system);

    expect(system.deadLetters).toMatchObject([{ contactId }]);
    expect(system.shown(contactId)['score']).toBeUndefined();
    expect(system.companyScore(companyId)).toBe('21');
  });

  test('is asked for before a refused contact is a dead letter: when that fails, the message comes again', async () => {
    let bad = '';
    let isBroken = false;
    const system = await open({ faults: refusing('contacts/batch/update', () => bad) }, ({ background }) => ({
      background: (...sent) => (isBroken && sent[0].length > 0 ? refuse() : background(...sent)),
    }));
    const { companyId, contactId } = await written(system);
    await system.login(contactId);
    [bad, isBroken] = [contactId, true];

    const response = await system.receive(about([contactId]));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect(system.deadLetters).toEqual([]);
    isBroken = false;
    await system.receive(about([contactId]), 2);
    expect(system.deadLetters).toHaveLength(1);
    await deliverSent(system);
    expect(system.companyScore(companyId)).toBe('14');
  });

  test('is cleared when its only contact turns out to be gone', async () => {
    const system = await open();
    const { companyId, contactId } = await written(system);
    system.portal.crm.delete('contacts', contactId);
    await system.login(contactId);

    await system.receive(about([contactId]));

    expect(system.takeSent()).toEqual([toCompany(companyId, 900), toCompany(companyId, 5)]);
    await system.receive([{ companyId }]);
    expect(system.companyScore(companyId)).toBeNull();
  });

  test('follows contacts into the company of the one they were merged with', async () => {
    const system = await open();
    const [first, second] = [await written(system), await written(system, 2)];
    const living = system.portal.crm.merge('contacts', first.contactId, second.contactId);
    await system.login(second.contactId);

    await system.receive(about([second.contactId]));
    await deliverSent(system);

    // The company of the merge's primary contact stays: it has three logins now, the other company nobody.
    expect(system.shown(living)['score']).toBe('21');
    expect([first, second].map(({ companyId }) => system.companyScore(companyId))).toEqual(['21', null]);
  });

  test('is asked for also when a contact needs no write any more: it may have been rolled up in between', async () => {
    const system = await open();
    const { companyId, contactId } = await written(system);

    await system.receive(about([contactId]));

    expect(system.takeCalls()).toEqual([]);
    expect(system.takeSent()).toEqual([toCompany(companyId, 5)]);
  });

  test('is asked for before the contact counts as written: when that fails, the message comes again', async () => {
    let isBroken = true;
    const system = await open({}, ({ background }) => ({
      background: (...sent) => (isBroken ? refuse() : background(...sent)),
    }));
    const companyId = company(system, 5);
    const contactId = employee(system, companyId);
    await system.login(contactId);

    const response = await system.receive(about([contactId]));

    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect((await system.head(contactId)).confirmedWriteId).toBeUndefined();
    isBroken = false;
    await system.receive(about([contactId]), 2);
    await deliverSent(system);
    expect(system.companyScore(companyId)).toBe('7');
  });

  test('after a crash between its write and the confirm is confirmed when the message comes again', async () => {
    const system = await open();
    const companyId = company(system, 5);
    await system.login(employee(system, companyId));
    await system.receive(about(system.portal.crm.all('contacts').map(({ id }) => id)));
    system.failing = isConfirming;

    const first = await system.receive([{ companyId }]);
    system.failing = undefined;
    const second = await system.receive([{ companyId }], 2);

    expect(first).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect(second).toEqual(NOTHING_FAILED);
    const head = (await system.companies.heads([companyId])).get(companyId);
    expect(head).toMatchObject({ writeId: '7', confirmedWriteId: '7' });
    // The first write may land once more: it is read back when that is past.
    expect(system.takeSent()).toContainEqual({
      lane: 'changes',
      request: { portalId: PORTAL, companyId, force: true },
      delaySeconds: 900,
    });
  });

  test.each<{ name: string; fault: Fault; calls: string[] }>([
    { name: 'was done', fault: { kind: 'no-answer', lands: 'before' }, calls: [READ_COMPANIES] },
    {
      name: 'was not done',
      fault: { kind: 'no-answer', lands: 'never' },
      calls: [READ_COMPANIES, WRITE_COMPANIES],
    },
  ])('without an answer is read back after 15 minutes: a write that $name', async ({ fault, calls }) => {
    let isFirst = true;
    const system = await open({
      faults: ({ path }) => {
        if (!path.endsWith('companies/batch/update') || !isFirst) return undefined;
        isFirst = false;
        return fault;
      },
    });
    const companyId = company(system, 5);
    const contactId = employee(system, companyId);
    await system.login(contactId);
    await system.receive(about([contactId]));

    await system.receive(system.takeSent().map(({ request }) => request));
    const sent = system.takeSent();
    system.takeCalls();
    await system.receive(sent.map(({ request }) => request));

    expect(sent).toEqual([
      { lane: 'changes', request: { portalId: PORTAL, companyId, force: true }, delaySeconds: 900 },
    ]);
    expect(system.takeCalls()).toEqual(calls);
    expect(system.companyScore(companyId)).toBe('7');
    expect(system.takeSent()).toEqual([]);
  });

  test('that HubSpot refuses goes to the dead letters alone, also where it refuses the whole hundred for it', async () => {
    let bad = '';
    const system = await open({ faults: refusing('objects/2026-03/companies/batch/update', () => bad) });
    const companies = Array.from({ length: 5 }, () => company(system, 5));
    const ids = companies.map((companyId) => employee(system, companyId));
    for (const id of ids) await system.login(id);
    await system.receive(about(ids));
    bad = companies[2] ?? '';

    const response = await system.receive(system.takeSent().map(({ request }) => request));

    expect(response).toEqual(NOTHING_FAILED);
    expect(companies.map((id) => system.companyScore(id))).toEqual(['7', '7', undefined, '7', '7']);
    expect(system.deadLetters).toEqual([
      {
        portalId: PORTAL,
        companyId: bad,
        reason: 'VALIDATION_ERROR',
        correlationId: 'c',
        request: { portalId: PORTAL, companyId: bad },
      },
    ]);
  });
});

describe('a company that changed', () => {
  test('is read if need be, and its contacts are scored anew, also those of records merged into it', async () => {
    const system = await open();
    const [old, other] = [company(system, 5), company(system, 200)];
    const living = system.portal.crm.merge('companies', old, other);
    await system.companies.unite(old, living);

    const response = await system.receive([{ companyId: old, rescoreContacts: true }, { companyId: living }]);

    expect(response).toEqual(NOTHING_FAILED);
    // HubSpot's living record took over what stood in the old one, so that it is cleared.
    expect(system.takeCalls()).toEqual([READ_COMPANIES, WRITE_COMPANIES]);
    const ticked = [living, old].map((companyId) => ({ portalId: PORTAL, companyId }));
    expect(system.takeTicks()).toEqual(ticked);
  });

  test('and cannot be read comes later; its contacts are not scored by what it was', async () => {
    const system = await open({
      faults: ({ path }) =>
        path.endsWith('companies/batch/read') ? { kind: 'answer', status: 500 } : undefined,
    });
    const companyId = company(system, 5);

    await system.receive([{ companyId, rescoreContacts: true }]);

    expect(system.takeTicks()).toEqual([]);
    expect(system.takeSent()).toMatchObject([
      { request: { companyId, rescoreContacts: true, postponed: 1 } },
    ]);
  });

  test('has its contacts scored anew once, however often its own score has to be tried', async () => {
    let isDown = true;
    const system = await open({
      faults: ({ path }) =>
        isDown && path.endsWith('companies/batch/update') ? { kind: 'answer', status: 423 } : undefined,
    });
    const companyId = company(system, 5);
    const contactId = employee(system, companyId);
    await system.login(contactId);
    await system.receive(about([contactId]));
    system.takeSent();

    await system.receive([{ companyId, rescoreContacts: true }]);
    isDown = false;
    await system.receive(system.takeSent().map(({ request }) => request));

    expect(system.takeTicks()).toHaveLength(1);
    expect(system.companyScore(companyId)).toBe('7');
  });

  test('and was merged before it was ever read is known as what it lives on as', async () => {
    const system = await open();
    const [old, other] = [company(system, 200), company(system, 5)];
    const contactId = employee(system, old);
    await system.login(contactId);
    const living = system.portal.crm.merge('companies', old, other);

    await system.receive([{ companyId: old }, { contactId }]);
    await deliverSent(system);

    expect(system.shown(contactId)['score']).toBe('17');
    expect(system.companyScore(living)).toBe('17');
    expect(system.takeTicks().map(({ companyId }) => companyId)).toEqual([living, old]);
  });

  test('and was merged since gets its score under the living id, and its contacts are scored by what that is', async () => {
    const system = await open();
    const { companyId, contactId } = await written(system);
    const living = system.portal.crm.merge('companies', companyId, company(system, 200));
    await system.login(contactId);

    await system.receive(about([contactId]));
    await deliverSent(system);

    expect(system.takeTicks().map((tick) => tick.companyId)).toEqual([living, companyId]);
    expect(system.companyScore(living)).toBe('14');
  });

  test('and is gone is marked so and no longer written; its contacts are scored without it', async () => {
    const system = await open();
    const { companyId, contactId } = await written(system);
    system.portal.crm.delete('companies', companyId);
    await system.login(contactId);
    await system.receive(about([contactId]));

    await system.receive(system.takeSent().map(({ request }) => request));

    expect((await system.companies.heads([companyId])).get(companyId)?.life).toBe('deleted');
    const sent = system.takeSent();
    const asked = { rescoreContacts: true } as const;
    expect(sent).toEqual([toCompany(companyId, 900, asked), toCompany(companyId, 5, asked)]);
    system.takeCalls();
    await system.receive(sent.map(({ request }) => request));
    expect(system.takeTicks()).toEqual([{ portalId: PORTAL, companyId }]);
    expect(system.takeCalls()).toEqual([]);
  });

  test('and was merged leaves its contacts what they had until the new one is read, then only that counts', async () => {
    const system = await open();
    const [first, second, third] = [200, 5, 5].map((employees) => company(system, employees));
    if (first === undefined || second === undefined || third === undefined) throw new Error('three');
    const contactId = employee(system, first);
    await system.login(contactId);
    await system.receive(about([contactId]));
    await deliverSent(system);
    const scores: unknown[] = [system.shown(contactId)['score']];
    const loginAndWrite = async () => {
      await system.login(contactId);
      await system.receive(about([contactId]));
      scores.push(system.shown(contactId)['score']);
    };
    const heard = async (old: string, other: string) => {
      const living = system.portal.crm.merge('companies', old, other);
      system.portal.crm.set('companies', living, { numberofemployees: 5 });
      for (const id of [old, other]) await system.companies.unite(id, living);
      return living;
    };

    const living = await heard(first, second);
    await loginAndWrite();
    await system.receive([{ companyId: living, rescoreContacts: true }]);
    await loginAndWrite();
    await heard(living, third);
    await loginAndWrite();

    // By hand: 7 and 10; 14 and still 10; 21 of a company of 5; 28 of one that is yet to be read, and was of 5 before.
    expect(scores).toEqual(['17', '24', '21', '28']);
  });
});

const EMPTY: Fault = { kind: 'answer', status: 200, body: { status: 'COMPLETE', results: [] } };
const NOT_FOUND: Fault = {
  kind: 'answer',
  status: 404,
  body: { category: 'OBJECT_NOT_FOUND', correlationId: 'c' },
};

/**
 * A company with a contact that logged in once, of which HubSpot said once that there is no such company.
 *
 * @param whenRead - done each time HubSpot is asked for companies afterwards
 */
async function missedOnce(
  whenRead?: (system: System, companyId: string) => void,
): Promise<{ system: System; companyId: string; contactId: string }> {
  const answers = [EMPTY, NOT_FOUND];
  const system = await open({
    faults({ path, method }) {
      const isReading = path.endsWith('objects/2026-03/companies/batch/read');
      if (isReading && answers.length === 0) whenRead?.(system, companyId);
      return isReading || (method === 'GET' && path.includes('/companies/')) ? answers.shift() : undefined;
    },
  });
  const companyId = company(system, 200);
  const contactId = employee(system, companyId);
  await system.login(contactId);
  await system.receive(about([contactId]));
  await deliverSent(system);
  expect([system.shown(contactId)['score'], await lifeOf(system, companyId)]).toEqual(['7', 'deleted']);
  system.takeTicks();
  return { system, companyId, contactId };
}

const lifeOf = async ({ companies }: System, id: string) => (await companies.heads([id])).get(id)?.life;

describe('a company that was marked as gone', () => {
  test('and that HubSpot names as the company of a contact is read again, counts, and is rolled up', async () => {
    const { system, companyId, contactId } = await missedOnce();
    const colleague = employee(system, companyId);

    await system.receive(about([colleague]));
    const sent = system.takeSent();
    await system.receive(sent.map(({ request }) => request));

    expect(await lifeOf(system, companyId)).toBe('living');
    expect(system.shown(colleague)['score']).toBe('10');
    expect(system.companyScore(companyId)).toBe('10');
    const asked = { rescoreContacts: true } as const;
    // Its other contacts are scored anew, also when somebody dies on the way.
    expect(sent).toEqual(
      expect.arrayContaining([toCompany(companyId, 900, asked), toCompany(companyId, 5, asked)]),
    );
    expect(system.takeTicks()).toContainEqual({ portalId: PORTAL, companyId });
    await system.rescore(contactId);
    await system.receive(about([contactId]));
    await deliverSent(system);
    expect([system.shown(contactId)['score'], system.companyScore(companyId)]).toEqual(['17', '17']);
  });

  test('and turns out to live on as another counts as that other', async () => {
    let living = '';
    const { system, companyId, contactId } = await missedOnce(({ portal }, id) => {
      if (living === '') living = portal.crm.merge('companies', id, other);
    });
    const other = company(system, 5);
    await system.store.forgetReading(contactKey(PORTAL, contactId), system.portal.time.nowMs);

    await system.receive(about([contactId]));
    await deliverSent(system);
    await system.rescore(contactId);
    await system.receive(about([contactId]));
    await deliverSent(system);

    expect((await system.companies.heads([companyId])).get(companyId)).toMatchObject({
      companyId: living,
      life: 'living',
    });
    expect([system.shown(contactId)['score'], system.companyScore(living)]).toEqual(['17', '17']);
  });

  test('and that HubSpot still does not have stays so, and nobody is scored for it again', async () => {
    const system = await open({
      faults({ path, method }) {
        if (path.endsWith('objects/2026-03/companies/batch/read')) return EMPTY;
        return method === 'GET' && path.includes('/companies/') ? NOT_FOUND : undefined;
      },
    });
    const companyId = company(system, 200);
    await system.receive(about([employee(system, companyId)]));
    await deliverSent(system);
    system.takeTicks();
    const contactId = employee(system, companyId);
    await system.login(contactId);

    await system.receive(about([contactId]));
    await deliverSent(system);

    expect(await lifeOf(system, companyId)).toBe('deleted');
    expect(system.shown(contactId)['score']).toBe('7');
    expect(system.takeTicks()).toEqual([]);
  });
});
