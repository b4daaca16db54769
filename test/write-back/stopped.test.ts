import { setTimeout as pause } from 'node:timers/promises';
import { Budget } from '../../lambdas/hubspot/budget.ts';
import type { Stop } from '../../lambdas/hubspot/budget-state.ts';
import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import { memoryStore, PLENTY_OF_CALLS } from '../hubspot/connection.ts';
import { closeAll, NOON_MS } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { openSystem, PORTAL, type Sent, type System } from './system.ts';

const MINUTES = 60_000;
const HOURS = 60 * MINUTES;
const atNoon = () => NOON_MS;
const nothing = async () => undefined;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(closeAll);

interface Waiting {
  readonly queue: string;
  readonly request: Sent['request'];
  readonly dueMs: number;
}

/** A system whose lanes work by themselves: delayed messages come when they are due, and time moves from one to the next. */
class Lanes {
  readonly system: System;
  readonly stops: Stop[];
  #waiting: Waiting[] = [];
  /** Messages that came back by themselves. */
  readonly failures: object[] = [];
  /** Jobs that were asked for. */
  resumes = 0;

  constructor(system: System, stops: Stop[]) {
    this.system = system;
    this.stops = stops;
  }

  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  send(queue: string, request: Sent['request'], delaySeconds = 0): void {
    if (request.resume !== undefined) this.resumes += 1;
    this.#waiting.push({ queue, request, dueMs: this.system.portal.time.nowMs + delaySeconds * 1000 });
  }

  /** Until an instant, or until nothing waits. */
  async workUntil(untilMs: number): Promise<void> {
    const { time } = this.system.portal;
    for (;;) {
      const nextMs = Math.min(...this.#waiting.map(({ dueMs }) => dueMs));
      if (nextMs > untilMs || this.#waiting.length === 0) break;
      time.nowMs = Math.max(time.nowMs, nextMs);
      for (const queue of ['urgent', 'changes', 'background']) await this.#receive(queue);
    }
    if (Number.isFinite(untilMs)) time.nowMs = Math.max(time.nowMs, untilMs);
  }

  async #receive(queue: string): Promise<void> {
    const { nowMs } = this.system.portal.time;
    const isDue = (message: Waiting) => message.queue === queue && message.dueMs <= nowMs;
    const due = this.#waiting.filter(isDue);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((message) => !isDue(message));
    const response = await this.system.receive(
      due.map(({ request }) => request),
      1,
      queue,
    );
    this.failures.push(...response.batchItemFailures);
    for (const { lane, request, delaySeconds } of this.system.takeSent())
      this.send(lane, request, delaySeconds);
    await pause(0);
  }
}

/** Write-back with a budget that stops, and HubSpot as `faultAt` makes it answer. */
async function open(
  faultAt: (nowMs: number) => Fault | undefined,
  isHit: (call: FaultableCall) => boolean = () => true,
): Promise<Lanes> {
  let clock = atNoon;
  let background: (requests: readonly { portalId: string; resume: 'unconfirmed' }[]) => Promise<void> =
    nothing;
  const stops: Stop[] = [];
  const budget = new Budget(memoryStore(), PLENTY_OF_CALLS, {
    clock: () => clock(),
    timeZone: () => 'UTC',
    onStopped: (stop) => void stops.push(stop),
    onResumed: () => background([{ portalId: PORTAL, resume: 'unconfirmed' }]),
  });
  const system = await openSystem(
    engine,
    { faults: (call) => (isHit(call) ? faultAt(clock()) : undefined) },
    { budget, timeZone: () => 'UTC' },
    (own) => {
      clock = own.clock;
      background = (requests) => own.background(requests, 0);
      return { stopped: () => budget.stopped() };
    },
  );
  return new Lanes(system, stops);
}

const isConfirmed = async (system: System, id: string) => {
  const { writeId, confirmedWriteId } = await system.head(id);
  return writeId === confirmedWriteId;
};

test.each<{ name: string; fault: Fault; reason: string; hours: number; mostCalls: number }>([
  // A weekend: 60 hours, and one call in 5 minutes that finds out whether it is over, at most.
  {
    name: 'without a valid token',
    fault: { kind: 'answer', status: 401 },
    reason: 'unauthorised',
    hours: 60,
    mostCalls: 720,
  },
  {
    name: 'without a scope',
    fault: { kind: 'answer', status: 403 },
    reason: 'unauthorised',
    hours: 60,
    mostCalls: 720,
  },
  {
    name: 'of an account that moves to another data centre',
    fault: { kind: 'answer', status: 477, headers: { 'retry-after': '86400' } },
    reason: 'migrating',
    hours: 60,
    mostCalls: 4,
  },
])('a weekend $name dead-letters nothing, and all is written by itself when it is over', async (row) => {
  const beginMs = NOON_MS + 1000;
  const endMs = beginMs + row.hours * HOURS;
  const lanes = await open((nowMs) => (nowMs >= beginMs && nowMs < endMs ? row.fault : undefined));
  const { system } = lanes;
  const { crm, time } = system.portal;
  const known = [crm.create('contacts', {}), crm.create('contacts', {})];
  const unknown = crm.create('contacts', { email: 'jane@example.com' });
  time.nowMs = beginMs;
  for (const id of known) await system.loginKnown(id);
  await system.loginBy('jane@example.com');
  system.takeCalls();
  for (const contactId of known) lanes.send('changes', { portalId: PORTAL, contactId });
  lanes.send('changes', { portalId: PORTAL, email: 'jane@example.com' });

  await lanes.workUntil(endMs - 1);
  const calls = system.takeCalls().length;
  const before = [...known, unknown].map((id) => system.shown(id)['score'] ?? '');
  await lanes.workUntil(Number.POSITIVE_INFINITY);

  expect(before).toEqual(['', '', '']);
  expect(calls).toBeLessThanOrEqual(row.mostCalls);
  expect(calls).toBeGreaterThanOrEqual(2);
  expect(system.deadLetters).toEqual([]);
  expect(lanes.waiting).toEqual([]);
  expect(lanes.failures).toEqual([]);
  expect([...known, unknown].map((id) => system.shown(id)['score'])).toEqual(['7', '7', '7']);
  expect(await Promise.all(known.map((id) => isConfirmed(system, id)))).toEqual([true, true]);
  expect(new Set(lanes.stops.map(({ reason }) => reason))).toEqual(new Set([row.reason]));
});

test('while nobody may call, nothing is even read; each message is replaced by a delayed copy with a count of our own', async () => {
  const system = await openSystem(engine, {}, {}, ({ clock }) => ({
    stopped: async () => ({ reason: 'daily', untilMs: clock() + 10 * HOURS }),
  }));
  system.failing = () => true; // Not even the table.

  const response = await system.receive([
    { contactId: '1', postponed: 30 },
    { email: 'a@example.com' },
    { dealId: '7' },
    'nonsense',
  ]);

  expect(response).toEqual({ batchItemFailures: [] });
  expect(system.takeSent()).toEqual([
    { lane: 'changes', request: { portalId: PORTAL, contactId: '1', postponed: 31 }, delaySeconds: 900 },
    {
      lane: 'changes',
      request: { portalId: PORTAL, email: 'a@example.com', postponed: 1 },
      delaySeconds: 900,
    },
    { lane: 'changes', request: { portalId: PORTAL, dealId: '7', postponed: 1 }, delaySeconds: 900 },
  ]);
  expect(system.deadLetters).toHaveLength(1);
  expect(system.counted.get('PortalStopped')).toBe(1);
  expect(system.counted.get('Postponed')).toBe(3);
});

test('a token that may read and not write: reading well lifts nothing, and sends nobody again until a write is taken', async () => {
  const beginMs = NOON_MS + 1000;
  const endMs = beginMs + 12 * HOURS;
  const lanes = await open(
    (nowMs) => (nowMs >= beginMs && nowMs < endMs ? { kind: 'answer', status: 403 } : undefined),
    ({ path }) => path.endsWith('batch/update'),
  );
  const { system } = lanes;
  const { crm, time } = system.portal;
  time.nowMs = beginMs;
  const ids = Array.from({ length: 6 }, () => crm.create('contacts', {}));
  for (const [at, id] of ids.entries()) await (at % 2 === 0 ? system.loginKnown(id) : system.login(id));
  // Each is read back first: what finds out whether the stop is over is a reading.
  for (const contactId of ids) lanes.send('changes', { portalId: PORTAL, contactId, force: true });

  await lanes.workUntil(endMs - 1);
  const resumedBefore = lanes.resumes;
  await lanes.workUntil(Number.POSITIVE_INFINITY);

  expect(resumedBefore).toBe(0);
  expect(lanes.resumes).toBe(1);
  expect(ids.map((id) => system.shown(id)['score'])).toEqual(ids.map(() => '7'));
  expect(system.deadLetters).toEqual([]);
});

test('a contact whose message got lost meanwhile is sent again by the job that follows', async () => {
  const beginMs = NOON_MS + 1000;
  const endMs = beginMs + HOURS;
  const lanes = await open((nowMs) =>
    nowMs >= beginMs && nowMs < endMs ? { kind: 'answer', status: 401 } : undefined,
  );
  const { system } = lanes;
  const { crm, time } = system.portal;
  const [noticed, lost] = [crm.create('contacts', {}), crm.create('contacts', {})];
  time.nowMs = beginMs;
  for (const id of [noticed, lost]) await system.loginKnown(id);
  lanes.send('changes', { portalId: PORTAL, contactId: noticed });

  await lanes.workUntil(Number.POSITIVE_INFINITY);

  expect(system.shown(lost)).toMatchObject({ score: '7' });
  expect(await isConfirmed(system, lost)).toBe(true);
});

test('after the daily limit, everything goes on behind midnight', async () => {
  const midnightMs = Date.UTC(2026, 10, 11);
  const daily: Fault = {
    kind: 'answer',
    status: 429,
    body: { policyName: 'DAILY', errorType: 'RATE_LIMIT' },
  };
  const lanes = await open((nowMs) => (nowMs > NOON_MS && nowMs < midnightMs ? daily : undefined));
  const { system } = lanes;
  const id = system.portal.crm.create('contacts', {});
  system.portal.time.nowMs += 1000;
  await system.loginKnown(id);
  system.takeCalls();
  lanes.send('changes', { portalId: PORTAL, contactId: id });

  await lanes.workUntil(midnightMs - 1);
  const calls = system.takeCalls();
  await lanes.workUntil(Number.POSITIVE_INFINITY);

  expect(calls).toEqual(['POST batch/update']);
  expect(lanes.stops).toEqual([{ reason: 'daily', sinceMs: NOON_MS + 1000, untilMs: midnightMs }]);
  expect(system.portal.time.nowMs).toBeLessThan(midnightMs + 20 * MINUTES);
  expect(system.shown(id)).toMatchObject({ score: '7' });
});
