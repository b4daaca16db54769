import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Model } from '../../lambdas/scoring/model.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import type { Fault } from '../../local/hubspot/faults.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { modelOf } from '../scoring/model-of.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type Sent, type System } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(async () => {
  await closeAll();
  await engine.stop();
});

const HAPPENINGS = ['login', 'merge', 'delete', 'restore', 'erase'] as const;
type Happening = (typeof HAPPENINGS)[number];

const FAULTS: readonly (Fault | undefined)[] = [
  undefined,
  undefined,
  { kind: 'answer', status: 503 },
  { kind: 'answer', status: 200, body: '', executes: true },
  { kind: 'answer', status: 423 },
  { kind: 'no-answer', lands: 'before' },
  { kind: 'no-answer', lands: 'never' },
];

test('a contact that HubSpot has, and leaves out of every answer about several, is not taken for gone', async () => {
  let isForgetful = true;
  const system = await openSystem(engine, {
    faults: ({ path }) =>
      isForgetful && path.endsWith('contacts/batch/read') ? { kind: 'leave-out', inputs: [0] } : undefined,
  });
  const contactId = system.portal.crm.create('contacts', { jobtitle: 'CTO' });
  await system.login(contactId);

  await system.receive([{ contactId }]);

  expect((await system.head(contactId)).life).toBe('living');
  const [again, ...others] = system.takeSent();
  expect([again?.request.contactId, others]).toEqual([contactId, []]);
  isForgetful = false;
  await system.receive([again?.request ?? {}]);
  expect(system.shown(contactId)['score']).toBe('17');
});

/** A contact that one process noted as read, after which another kept a newer reading of it and died. */
async function halfRead(system: System): Promise<string> {
  const contactId = system.portal.crm.create('contacts', { jobtitle: 'CTO' });
  await system.loginKnown(contactId); // By one that read it before there was a job title.
  const title = { name: 'jobtitle', value: 'CTO', occurredAtMs: system.portal.time.nowMs };
  await system.store.keep(contactKey(PORTAL, contactId), [], [title]);
  return contactId;
}

test('what somebody kept of a reading before it died counts, also where somebody else noted meanwhile that the contact was read', async () => {
  const system = await openSystem(engine);
  const contactId = await halfRead(system);

  await system.receive([{ contactId }], 2);

  expect(system.shown(contactId)['score']).toBe('17');
});

/** A system in which nobody may call HubSpot until it is let. */
async function openStopped(model?: Model): Promise<{ system: System; resume: () => void }> {
  let isStopped = true;
  const system = await openSystem(
    engine,
    {},
    {},
    ({ clock }) => ({
      stopped: async () => (isStopped ? { reason: 'migrating', untilMs: clock() + 60_000 } : undefined),
    }),
    model,
  );
  const resume = () => {
    isStopped = false;
  };
  return { system, resume };
}

test('it counts, too, where the message that comes again cannot be dealt with yet', async () => {
  const { system, resume } = await openStopped();
  const contactId = await halfRead(system);

  await system.receive([{ contactId }], 2);
  resume();
  const [again] = system.takeSent();
  // Another message about the same may come at the same time.
  await system.receive([again?.request ?? {}, { contactId }]);

  expect(system.shown(contactId)['score']).toBe('17');
});

test('and where that message is about a deal of the contact, by one that was read since the deal changed', async () => {
  const { system, resume } = await openStopped(
    modelOf(`
      fit: { rules: [{ id: cto, title: CTO, property: jobtitle, is: [CTO], points: 10 }]}
      exclusions: [{ id: won, title: Won, deal: won }]`),
  );
  const { crm, time } = system.portal;
  const contactId = await halfRead(system);
  const dealId = crm.create('deals', { pipeline: 'default', dealstage: 'appointmentscheduled' });
  crm.associate('contacts', contactId, 'deals', dealId);

  await system.receive([{ dealId, atMs: time.nowMs - 60_000 }], 2);
  resume();
  await system.receive(system.takeSent().map(({ request }) => request));

  expect(system.shown(contactId)['fit_score']).toBe('10');
});

test('once it was read again it is not read again for that its write is put off', async () => {
  const system = await openSystem(engine, {
    faults: ({ path }) =>
      path.endsWith('contacts/batch/update') ? { kind: 'answer', status: 423 } : undefined,
  });
  const contactId = await halfRead(system);

  await system.receive([{ contactId }], 2);

  const [again] = system.takeSent();
  expect(again?.request).toEqual({ portalId: PORTAL, contactId, force: true, postponed: 1 });
});

/** Contacts of one system, and what may befall them: in HubSpot, and as the scorer notes it when HubSpot tells. */
class Story {
  readonly system: System;
  readonly ids: readonly string[];
  readonly messages: { request: Partial<Sent['request']>; dueMs: number }[] = [];
  #livingId = '';

  constructor(system: System, ids: readonly string[]) {
    this.system = system;
    this.ids = ids;
  }

  ask(contactId: string, delaySeconds = 0): void {
    const dueMs = this.system.portal.time.nowMs + delaySeconds * 1000;
    this.messages.push({ request: { contactId }, dueMs });
  }

  /** HubSpot first and at once; the scorer hears of it a little later. */
  async happen(happening: Happening, at: number): Promise<void> {
    const { crm, time } = this.system.portal;
    const { store } = this.system;
    const id = this.ids[at % this.ids.length] ?? '';
    const record = crm.get('contacts', id);
    time.nowMs += 1;
    const atMs = time.nowMs;
    const isThere = record !== undefined && !record.archived;
    const key = contactKey(PORTAL, id);
    if (happening === 'login') {
      await this.system.login(id).catch(() => undefined); // Of an erased one nothing is kept.
      this.ask(id);
    } else if (happening === 'merge') await this.#merge(atMs);
    else if (happening === 'delete' && isThere && record.id === id) {
      crm.delete('contacts', id);
      await store.mark(key, 'deleted', atMs);
    } else if (happening === 'restore' && record?.archived === true) {
      crm.restore('contacts', id);
      await store.mark(key, 'living', atMs);
      await store.forgetReading(key, atMs);
      this.ask(id);
    } else if (happening === 'erase' && isThere && record.id === id) {
      crm.privacyDelete(id);
      await store.erase(key);
    }
  }

  async #merge(atMs: number): Promise<void> {
    const { crm } = this.system.portal;
    const [one = '', other = ''] = this.ids;
    const both = [one, other].map((id) => crm.get('contacts', id));
    if (this.#livingId !== '' || both.some((each) => each === undefined || each.archived)) return;
    this.#livingId = crm.merge('contacts', one, other, { atMs });
    for (const id of [one, other])
      await this.system.store.unite(contactKey(PORTAL, id), contactKey(PORTAL, this.#livingId));
    await this.system.rescore(this.#livingId).catch(() => undefined);
    this.ask(this.#livingId);
  }

  /** Every id there ever was. */
  get everyId(): string[] {
    return [...this.ids, ...(this.#livingId === '' ? [] : [this.#livingId])];
  }
}

test('whatever befalls contacts while their writes are under way, HubSpot ends with what the table says, and of the erased nothing is left', async () => {
  const plan = fc.record({
    faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 6 }),
    // What happens, to whom, and while which of HubSpot's answers is under way.
    happens: fc.array(
      fc.record({
        happening: fc.constantFrom(...HAPPENINGS),
        contact: fc.nat({ max: 3 }),
        call: fc.nat({ max: 8 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ faults, happens }) => {
      const left = [...faults];
      let calls = 0;
      const racing: Promise<void>[] = [];
      let story: Story | undefined;
      const system = await openSystem(engine, {
        faults() {
          const now = happens.filter(({ call }) => call === calls);
          calls += 1;
          for (const { happening, contact } of now)
            racing.push(turn().then(() => story?.happen(happening, contact)));
          return left.shift();
        },
      });
      const ids = Array.from({ length: 4 }, () => system.portal.crm.create('contacts', {}));
      for (const [at, id] of ids.entries()) await (at % 2 === 0 ? system.loginKnown(id) : system.login(id));
      story = new Story(system, ids);
      for (const id of ids) story.ask(id);

      for (let round = 0; round < 40 && story.messages.length > 0; round++) {
        const due = story.messages.splice(0);
        system.portal.time.nowMs = Math.max(system.portal.time.nowMs, ...due.map(({ dueMs }) => dueMs));
        const { batchItemFailures } = await system.receive(due.map(({ request }) => request));
        expect(batchItemFailures).toEqual([]);
        await Promise.all(racing.splice(0));
        for (const { request, delaySeconds } of system.takeSent())
          story.messages.push({ request, dueMs: system.portal.time.nowMs + delaySeconds * 1000 });
        // What did not find its call happens between two invocations.
        if (story.messages.length === 0) {
          for (const late of happens.filter(({ call }) => call >= calls))
            await story.happen(late.happening, late.contact);
          happens.splice(0, happens.length, ...happens.filter(({ call }) => call < calls));
          calls += 10;
        }
      }

      expect(story.messages).toEqual([]);
      expect(system.deadLetters).toEqual([]);
      const rows = await system.table.rows();
      const tombstones: unknown[][] = [];
      for (const id of story.everyId) {
        const record = system.portal.crm.get('contacts', id);
        const own = rows.filter(({ pk }) => pk === contactKey(PORTAL, id));
        const head = own.find(({ sk }) => sk === '#head');
        if (head?.['life'] === 'erased') {
          tombstones.push([own.length, head['score'], head['why'], head['wid']]);
          continue;
        }
        if (record === undefined || record.archived || record.id !== id) continue;
        const shown = system.shown(id);
        expect([id, shown['score'], shown['write_id']]).toEqual([id, String(head?.['score']), head?.['wid']]);
        expect(head?.['cwid']).toBe(head?.['wid']);
      }
      for (const tombstone of tombstones) expect(tombstone).toEqual([1, undefined, undefined, undefined]);
      await closeAll();
    }),
    { numRuns: 12, endOnFailure: true },
  );
}, 60_000);
