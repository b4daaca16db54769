import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { contactKey } from '../../lambdas/store/keys.ts';
import type { WriteRequest } from '../../lambdas/store/queues.ts';

import type { Fault } from '../../local/hubspot/faults.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { companyModel } from './models.ts';
import { openSystem, PORTAL, type System, type SystemParts } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(async () => {
  await closeAll();
  await engine.stop();
});

const FAULTS: readonly (Fault | undefined)[] = [
  undefined,
  undefined,
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 502, executes: true },
  { kind: 'answer', status: 429, headers: { 'retry-after': '60' } },
  { kind: 'answer', status: 423 },
  { kind: 'no-answer', lands: 'before' },
  { kind: 'no-answer', lands: 'never' },
];

const HAPPENINGS = ['login', 'move', 'grow', 'merge companies', 'delete contact', 'nothing'] as const;

interface Message {
  readonly request: Partial<WriteRequest>;
  readonly receiveCount: number;
}

/** A portal with people in it, and what the scorer does when HubSpot tells of what they do. */
class World {
  readonly system: System;
  readonly contacts: string[] = [];
  readonly companies: string[] = [];
  /** What everybody did, as HubSpot saw it. */
  readonly logins = new Map<string, number>();
  messages: Message[] = [];

  constructor(system: System) {
    this.system = system;
    const { crm } = system.portal;
    for (const numberofemployees of [5, 5, 200])
      this.companies.push(crm.create('companies', { numberofemployees }));
    for (const at of [0, 0, 1]) {
      const id = crm.create('contacts', {});
      crm.associate('contacts', id, 'companies', this.companies[at] ?? '', { primary: true });
      this.contacts.push(id);
    }
  }

  ask(request: Partial<WriteRequest>): void {
    this.messages.push({ request, receiveCount: 1 });
  }

  async login(contactId: string): Promise<void> {
    await this.system.login(contactId);
    this.logins.set(contactId, (this.logins.get(contactId) ?? 0) + 1);
    this.ask({ contactId });
  }

  async happen(what: (typeof HAPPENINGS)[number]): Promise<void> {
    const { system, contacts } = this;
    const { crm, time } = system.portal;
    const [first = '', second = '', third = ''] = contacts;
    const living = this.companies.filter((id) => crm.get('companies', id)?.id === id);
    if (what === 'login') await this.login(second);
    if (what === 'move') {
      crm.associate('contacts', first, 'companies', living.at(-1) ?? '', { primary: true });
      await system.store.forgetReading(contactKey(PORTAL, first), time.nowMs + 1);
      this.ask({ contactId: first });
    }
    if (what === 'grow') {
      const [companyId = ''] = living;
      crm.set('companies', companyId, { numberofemployees: 300 });
      const value = { name: 'numberofemployees', value: '300', occurredAtMs: time.nowMs };
      await system.table.companies({ portalId: PORTAL }).keepFound(companyId, [value], 0);
      await this.tick(companyId);
    }
    if (what === 'merge companies' && living.length > 1) {
      const [one = '', other = ''] = living;
      const merged = crm.merge('companies', one, other);
      this.companies.push(merged);
      for (const old of [one, other]) await system.companies.unite(old, merged);
      this.ask({ companyId: merged, rescoreContacts: true });
    }
    if (what === 'delete contact' && crm.get('contacts', third)?.archived === false) {
      const left = await system.store.companiesOf([contactKey(PORTAL, third)]);
      crm.delete('contacts', third);
      await system.store.mark(contactKey(PORTAL, third), 'deleted', time.nowMs);
      for (const companyId of left) this.ask({ companyId });
    }
  }

  async tick(companyId: string): Promise<void> {
    const { contactIds } = await this.system.companies.contacts(companyId);
    for (const contactId of contactIds) {
      await this.system.rescore(contactId);
      this.ask({ contactId });
    }
  }

  /** Delivers messages as queues do: what fails or throws comes back, what is sent comes when its delay is over. */
  async deliver(): Promise<void> {
    const messages = this.messages.splice(0);
    if (messages.length === 0) return;
    let failed: readonly number[];
    try {
      const { batchItemFailures } = await this.system.receive(
        messages.map(({ request }) => request),
        messages.map(({ receiveCount }) => receiveCount),
      );
      failed = batchItemFailures.map(({ itemIdentifier }) => Number(itemIdentifier.split('-')[1]));
    } catch {
      failed = messages.map((_message, at) => at);
    }
    await turn();
    this.system.portal.time.nowMs += 900_000;
    for (const message of failed.flatMap((at) => messages[at] ?? []))
      this.messages.push({ ...message, receiveCount: message.receiveCount + 1 });
    for (const { request } of this.system.takeSent()) this.ask(request);
    for (const { companyId } of this.system.takeTicks()) await this.tick(companyId);
  }

  /** By hand: seven for each login, ten in a company of at least 100; nothing for who never did anything in a small one. */
  expected(): { contacts: Record<string, number>; companies: Record<string, number | null> } {
    const { crm } = this.system.portal;
    const scores = new Map<string, number>();
    const companies: Record<string, number | null> = {};
    for (const { id } of crm.all('companies')) companies[id] = null;
    for (const { id, properties } of crm.all('contacts')) {
      const companyId = crm.get('companies', properties['associatedcompanyid'] ?? '')?.id ?? '';
      const employees = Number(crm.get('companies', companyId)?.properties['numberofemployees']);
      const score = 7 * (this.logins.get(id) ?? 0) + (employees >= 100 ? 10 : 0);
      scores.set(id, score);
      companies[companyId] = Math.max(companies[companyId] ?? 0, score);
    }
    return { contacts: Object.fromEntries(scores), companies };
  }
}

const asNumber = (text: string | null | undefined) =>
  text === null || text === undefined ? null : Number(text);

test('whatever fails, and when: in the end every company shows the best of the contacts it has then', async () => {
  const plan = fc.record({
    faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 12 }),
    failing: fc.uniqueArray(fc.integer({ min: 0, max: 149 }), { maxLength: 4 }),
    failingSends: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
    happens: fc.array(fc.constantFrom(...HAPPENINGS), { minLength: 4, maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ faults, failing, failingSends, happens }) => {
      const left = [...faults];
      let sends = 0;
      let isCalm = false;
      const parts = ({ background }: SystemParts): Partial<SystemParts> => ({
        background: async (requests, delaySeconds) => {
          if (!isCalm && failingSends.includes(sends++)) throw new Error('SQS');
          await background(requests, delaySeconds);
        },
      });
      const system = await openSystem(engine, { faults: () => left.shift() }, {}, parts, companyModel());
      const world = new World(system);
      for (const id of world.contacts) await world.login(id);
      let commands = 0;
      system.failing = () => failing.includes(commands++);

      for (const what of happens) {
        await world.deliver();
        await world.happen(what);
      }
      left.length = 0;
      isCalm = true;
      system.failing = undefined;
      for (let round = 0; world.messages.length > 0 && round < 20; round++) await world.deliver();

      const { contacts, companies } = world.expected();
      expect(world.messages).toEqual([]);
      expect(system.deadLetters).toEqual([]);
      const shown = Object.keys(contacts).map((id) => [id, asNumber(system.shown(id)['score'])]);
      expect(Object.fromEntries(shown)).toEqual(contacts);
      const ofCompanies = Object.keys(companies).map((id) => [id, asNumber(system.companyScore(id))]);
      expect(Object.fromEntries(ofCompanies)).toEqual(companies);
      await closeAll();
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 600_000);
