import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { contactKey } from '../../lambdas/store/keys.ts';
import type { WriteRequest } from '../../lambdas/store/queues.ts';
import type { Fault } from '../../local/hubspot/faults.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type System } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(async () => {
  await closeAll();
  await engine.stop();
});

interface Message {
  readonly request: Partial<WriteRequest>;
  readonly receiveCount: number;
}

/** Delivers messages as a queue does: what fails or throws comes back, what is put back comes when its delay is over. */
async function deliver(system: System, messages: readonly Message[]): Promise<Message[]> {
  const receiveCount = Math.max(...messages.map((message) => message.receiveCount));
  let failed: readonly number[];
  try {
    const { batchItemFailures } = await system.receive(
      messages.map(({ request }) => request),
      receiveCount,
    );
    failed = batchItemFailures.map(({ itemIdentifier }) => Number(itemIdentifier.split('-')[1]));
  } catch {
    failed = messages.map((_message, at) => at);
  }
  await turn();
  system.portal.time.nowMs += 900_000;
  return [
    ...failed
      .flatMap((at) => messages[at] ?? [])
      .map(({ request }) => ({ request, receiveCount: receiveCount + 1 })),
    ...system.takeSent().map(({ request }) => ({ request, receiveCount: 1 })),
  ];
}

const FAULTS: readonly (Fault | undefined)[] = [
  undefined,
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 502, executes: true },
  { kind: 'answer', status: 429, headers: { 'retry-after': '60' } },
  { kind: 'answer', status: 401 },
  { kind: 'answer', status: 423 },
  { kind: 'answer', status: 477 },
  { kind: 'answer', status: 200, body: '', executes: true },
  { kind: 'no-answer', lands: 'before' },
  { kind: 'no-answer', lands: 'never' },
];

test('whatever fails, and when: no message is lost, and when faults stop HubSpot shows what the table says', async () => {
  const plan = fc.record({
    faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 10 }),
    // Of the next hundred commands to DynamoDB, those that fail.
    failing: fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 4 }),
    happens: fc.array(fc.constantFrom('login', 'merge', 'delete', 'nothing'), { minLength: 3, maxLength: 3 }),
    receiveCount: fc.integer({ min: 1, max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ faults, failing, happens, receiveCount }) => {
      const left = [...faults];
      const system = await openSystem(engine, { faults: () => left.shift() });
      const { crm } = system.portal;
      const create = (email?: string) => crm.create('contacts', { jobtitle: 'CTO', ...(email && { email }) });
      const [known, unknown, one, other, doomed] = [create(), create(), create(), create(), create()];
      const named = create('jane@example.com');
      for (const id of [known, one, doomed]) await system.loginKnown(id);
      for (const id of [unknown, other]) await system.login(id);
      await system.loginBy('jane@example.com');
      let commands = 0;
      system.failing = () => failing.includes(commands++);

      const ids = [known, unknown, one, other, doomed, known];
      let messages: Message[] = [
        ...ids.map((contactId) => ({ contactId })),
        { email: 'jane@example.com' },
      ].map((request) => ({ request, receiveCount }));
      for (const happening of happens) {
        if (messages.length > 0) messages = await deliver(system, messages);
        if (happening === 'delete' && crm.get('contacts', doomed)?.archived === false)
          crm.delete('contacts', doomed);
        if (happening === 'merge' && crm.get('contacts', one)?.id === one) {
          const living = crm.merge('contacts', one, other);
          // As the scorer does when HubSpot tells of it.
          for (const old of [one, other])
            await system.store.unite(contactKey(PORTAL, old), contactKey(PORTAL, living));
          await system.rescore(living);
          messages.push({ request: { contactId: living }, receiveCount: 1 });
        }
        if (happening === 'login') {
          await system.login(known);
          messages.push({ request: { contactId: known }, receiveCount: 1 });
        }
      }
      left.length = 0;
      system.failing = undefined;
      for (let round = 0; messages.length > 0 && round < 6; round++)
        messages = await deliver(system, messages);

      expect(messages).toEqual([]);
      expect(system.deadLetters).toEqual([]);
      for (const id of [known, unknown, one, other, doomed, named]) {
        const living = crm.get('contacts', id);
        if (living === undefined || living.archived) continue;
        const { shown, writeId, confirmedWriteId } = await system.head(living.id);
        const { score, write_id: written } = system.shown(living.id);
        expect([score, written, confirmedWriteId]).toEqual([String(shown?.score), writeId, writeId]);
      }
      await closeAll();
    }),
    { numRuns: 8, endOnFailure: true },
  );
});
