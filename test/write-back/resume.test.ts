import { contactKey, recordKey } from '../../lambdas/store/keys.ts';
import type { ResumeRequest } from '../../lambdas/store/queues.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type System } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

/** Runs the job until no part of it is left. @returns what it sent, sorted by id */
async function resume(system: System) {
  let parts: Partial<ResumeRequest>[] = [{ resume: 'unconfirmed' }];
  const sent: object[] = [];
  for (let round = 0; parts.length > 0 && round < 50; round++) {
    expect(await system.receive(parts, 1, 'background')).toEqual({ batchItemFailures: [] });
    const all = system.takeSent();
    parts = all.flatMap(({ request }) => (request.resume === undefined ? [] : [request]));
    sent.push(...all.flatMap(({ request }) => (request.resume === undefined ? [request] : [])));
  }
  return sent.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

async function openSome() {
  const system = await openSystem(engine);
  const [confirmed = '', changed = '', never = '', unread = '', deleted = '', merged = '', erased = ''] =
    await system.createMany(7, (at) => (at === 3 ? { readAt: undefined, cwid: 'x' } : {}));
  await system.receive([{ contactId: confirmed }, { contactId: changed }, { contactId: deleted }]);
  await system.loginKnown(changed);
  await system.loginKnown(deleted);
  await system.store.mark(contactKey(PORTAL, deleted), 'deleted', system.portal.time.nowMs);
  await system.store.unite(contactKey(PORTAL, merged), contactKey(PORTAL, never));
  await system.store.erase(contactKey(PORTAL, erased));
  await system.table.put([
    { pk: recordKey(PORTAL, 'company', '77'), sk: '#head', rev: 1, wid: '5', shownAt: 1 },
    { pk: contactKey('2', '4711'), sk: '#head', rev: 1, wid: 'of another portal', shownAt: 1 },
  ]);
  system.takeSent();
  return { system, confirmed, changed, never, unread };
}

test('sends again every contact and company that HubSpot does not show as the table does, and no other', async () => {
  const { system, changed, never, unread } = await openSome();

  const sent = await resume(system);

  expect(sent).toEqual([
    { portalId: PORTAL, companyId: '77', force: true },
    ...[changed, never, unread].toSorted().map((contactId) => ({ portalId: PORTAL, contactId, force: true })),
  ]);
});

test('goes through the table in parts: each ends by asking for the next, and together they leave nobody out', async () => {
  let pages = 0;
  const system = await openSystem(engine, {}, {}, ({ contacts }) => ({
    contacts: Object.assign(Object.create(contacts), {
      // Thirty pages of one contact each, as a table of 30 MB has.
      async unsettled(after: string | undefined) {
        pages += 1;
        const at = Number(after ?? 0) + 1;
        return {
          contactIds: [String(at)],
          companyIds: [],
          dealIds: [],
          after: at < 30 ? String(at) : undefined,
        };
      },
    }),
  }));

  await system.receive([{ resume: 'unconfirmed' }], 1, 'background');
  const first = system.takeSent();
  await system.receive([first.at(-1)?.request ?? {}], 1, 'background');
  const second = system.takeSent();

  expect(pages).toBe(30);
  expect(first).toHaveLength(21);
  expect(first.at(-1)?.request).toEqual({ portalId: PORTAL, resume: 'unconfirmed', after: '20' });
  expect(second.map(({ request }) => request.contactId)).toEqual(
    Array.from({ length: 10 }, (_, at) => String(at + 21)),
  );
});

test('a part that fails comes back as a whole; its neighbours do not', async () => {
  const system = await openSystem(engine);
  const id = system.portal.crm.create('contacts', {});
  await system.loginKnown(id);
  system.failing = (command) => command.constructor.name === 'ScanCommand';

  const response = await system.receive([{ resume: 'unconfirmed' }, { contactId: id }], 1, 'background');

  expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
  expect(system.shown(id)).toMatchObject({ score: '7' });
});

test('while nobody may call HubSpot, the job waits as well', async () => {
  const system = await openSystem(engine, {}, {}, ({ clock }) => ({
    stopped: async () => ({ reason: 'unauthorised', untilMs: clock() + 300_000 }),
  }));

  await system.receive([{ resume: 'unconfirmed' }], 1, 'background');

  expect(system.takeSent()).toEqual([
    { lane: 'background', request: { portalId: PORTAL, resume: 'unconfirmed' }, delaySeconds: 300 },
  ]);
});

test('a row that names no place in the table is no reason to begin at the front again', async () => {
  const system = await openSystem(engine);

  const response = await system.receive([{ resume: 'unconfirmed', after: 'nowhere' }], 1, 'background');

  expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
});
