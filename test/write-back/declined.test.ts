import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type System } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

const CORRELATION_ID = '8f1d7c55-3c1b-4d6e-9f50-0c8c8f2a7e11';

/** HubSpot answers 207 and refuses one record with a category that no page of its documentation lists. */
function refusing(id: () => string): (call: FaultableCall) => Fault | undefined {
  return ({ path, body }) => {
    if (!path.endsWith('batch/update') || !JSON.stringify(body).includes(`"id":"${id()}"`)) return undefined;
    const error = { status: 'error', category: 'RECORD_BUSY', message: 'm', context: { ids: [id()] } };
    const answer = {
      status: 'COMPLETE',
      results: [],
      numErrors: 1,
      errors: [error],
      startedAt: '2026-11-10T12:00:00Z',
      completedAt: '2026-11-10T12:00:00Z',
    };
    return {
      kind: 'answer',
      status: 207,
      body: answer,
      headers: { 'x-hubspot-correlation-id': CORRELATION_ID },
    };
  };
}

async function open(): Promise<{ system: System; id: string }> {
  let bad = '';
  const system = await openSystem(engine, { faults: refusing(() => bad) });
  bad = system.portal.crm.create('contacts', {});
  await system.loginKnown(bad);
  return { system, id: bad };
}

test('what HubSpot declines for a reason that may pass waits twice as long each time, and after eight tries is a dead letter', async () => {
  const { system, id } = await open();
  const delays: number[] = [];
  let request: object = { contactId: id };
  for (let time = 0; time < 8; time++) {
    expect(await system.receive([request])).toEqual({ batchItemFailures: [] });
    for (const sent of system.takeSent()) {
      delays.push(sent.delaySeconds);
      request = sent.request;
    }
  }

  expect(delays).toEqual([60, 120, 240, 480, 900, 900, 900]);
  expect(request).toEqual({ portalId: PORTAL, contactId: id, declined: 7 });
  expect(system.deadLetters).toEqual([
    {
      portalId: PORTAL,
      contactId: id,
      reason: 'RECORD_BUSY',
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      request: { portalId: PORTAL, contactId: id },
    },
  ]);
  expect(system.counted.get('DeadLettered')).toBe(1);
});

test.each([
  { beside: [{ declined: 7 }, {}], next: 1 },
  { beside: [{}, { declined: 7 }], next: 1 },
  { beside: [{ declined: 3 }, { declined: 6 }], next: 4 },
  { beside: [{ declined: 6 }, { declined: 3 }], next: 4 },
])(
  'of messages about one contact the one that was declined least counts: $beside',
  async ({ beside, next }) => {
    const { system, id } = await open();

    await system.receive(beside.map((count) => ({ contactId: id, ...count })));

    expect(system.takeSent()).toMatchObject([{ request: { contactId: id, declined: next } }]);
    expect(system.deadLetters).toEqual([]);
  },
);
