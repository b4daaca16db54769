// How one process draws on the row: when it asks, how many slots it takes ahead, and what it tells of HubSpot's answers. 104 calls in
// 10 s are one slot every 100 ms, as budget-lease.test.ts has them.
import { Budget, type BudgetOptions, type BudgetStore, type Grant } from '../../lambdas/hubspot/budget.ts';
import {
  type BudgetLane,
  type BudgetSettings,
  type BudgetState,
  FULL_BUDGET,
  type Stop,
} from '../../lambdas/hubspot/budget-state.ts';
import { memoryStore } from './connection.ts';
import { NOON } from './virtual-hubspot.ts';

const { jest } = import.meta;

const MINUTE = 60_000;
const TODAY = '2026-11-10';
const SETTINGS: BudgetSettings = { limit: 104, reserve: 0, dailyLimit: 1000, dailyReservePercent: 10 };

beforeEach(() => {
  jest.useFakeTimers({ now: NOON });
});
afterEach(() => {
  jest.useRealTimers();
});

interface Asked {
  /** Milliseconds from noon. */
  readonly atMs: number;
  /** By so many the calls of the day rose. */
  readonly calls: number;
}

/** A row, and whenever it was to be changed. */
function openRow(parts: Partial<BudgetState> = {}) {
  const store = memoryStore({ ...FULL_BUDGET, ...parts });
  const asked: Asked[] = [];
  const row: BudgetStore = {
    read: () => store.read(),
    async update(change) {
      const before = store.state.today?.calls ?? 0;
      const result = await store.update(change);
      asked.push({ atMs: Date.now() - NOON, calls: (store.state.today?.calls ?? 0) - before });
      return result;
    },
  };
  return { store, asked, row };
}

const budgetOn = (store: BudgetStore, options: Partial<BudgetOptions> = {}) =>
  new Budget(store, SETTINGS, { clock: () => Date.now(), timeZone: () => 'UTC', ...options });

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** Lets time pass until a call has leave, or none. */
async function taken(budget: Budget, lane: BudgetLane = 'urgent'): Promise<Grant> {
  const taking = budget.take(lane);
  taking.catch(() => undefined); // Looked at below.
  await pass(15_000);
  return await taking;
}

/** One call after the other, each as soon as its slot comes. @returns the slots, in milliseconds from noon */
async function inTurn(budget: Budget, calls: number, lane: BudgetLane = 'urgent'): Promise<number[]> {
  const slots: number[] = [];
  const work = (async () => {
    for (let call = 0; call < calls; call++) slots.push((await budget.take(lane)).slotMs - NOON);
  })();
  for (let ms = 0; ms < calls * 100; ms += 100) await pass(100);
  await work;
  return slots;
}

describe('a process takes slots ahead', () => {
  test('one, then twice as many with every lease, and eight at most, while all are used', async () => {
    const { row, asked } = openRow();

    const slots = await inTurn(budgetOn(row), 30);

    expect(slots).toEqual(Array.from({ length: 30 }, (_, at) => (at - 1) * 100));
    expect(asked.map(({ calls }) => calls)).toEqual([1, 2, 3, 5, 9, 9, 9]);
  });

  test.each([
    { atOnce: 8, next: 2, because: 'they come one by one afterwards, and one is taken for the next' },
    { atOnce: 9, next: 1, because: 'so many have nobody behind them before their answers are in' },
  ])('after $atOnce calls at once the next lease is one of $next: $because', async ({ atOnce, next }) => {
    const { row, asked } = openRow();
    const budget = budgetOn(row);

    await Promise.all([...Array.from({ length: atOnce }, () => budget.take('urgent')), pass(900)]);
    await taken(budget);

    expect(asked.map(({ calls }) => calls)).toEqual([atOnce, next]);
  });

  test.each([
    { lateMs: 200, updates: 2, because: 'it may be so late' },
    { lateMs: 201, updates: 3, because: 'it has lapsed' },
  ])('and uses one that is $lateMs ms old after $updates leases: $because', async ({ lateMs, updates }) => {
    const { row, store } = openRow();
    const budget = budgetOn(row);
    await inTurn(budget, 2); // The second lease took the slot 100 ms after noon ahead.

    jest.setSystemTime(NOON + 100 + lateMs);
    await taken(budget);

    expect(store.updates).toBe(updates);
    expect(store.state.today?.calls).toBe(3); // A slot that came to nothing is given back.
  });

  test('no more for sixteen leases after one lapsed, then again', async () => {
    const { row, asked } = openRow();
    const budget = budgetOn(row);
    await inTurn(budget, 2);
    asked.length = 0;

    for (let call = 0; call < 20; call++) {
      jest.setSystemTime(Date.now() + 1000);
      await budget.take('urgent');
    }

    const calls = asked.map((lease) => lease.calls);
    expect(calls.slice(0, 16)).toEqual([0, ...Array.from({ length: 15 }, () => 1)]); // One granted, one given back.
    expect(Math.max(...calls)).toBe(2);
  });
});

describe('a grant', () => {
  test.each([
    { wakesMs: 500, updates: 1, because: '200 ms late is not too late' },
    { wakesMs: 501, updates: 2, because: 'it would count in a later window' },
  ])('for 300 ms ahead, looked at after $wakesMs ms, is one of $updates: $because', async (given) => {
    const { row, store } = openRow({ nextSlotMs: NOON + 300 });
    const taking = budgetOn(row).take('changes');
    await pass(299);

    jest.setSystemTime(NOON + given.wakesMs - 1); // The process stood still.
    await pass(1);
    await taking;

    expect(store.updates).toBe(given.updates);
  });

  test('that is late three times is none: the call is to come again', async () => {
    const { row, store } = openRow();
    let nowMs = NOON;
    const slow: BudgetStore = {
      ...row,
      async update(change) {
        const result = await row.update(change);
        nowMs += 301;
        return result;
      },
    };

    const refusal = budgetOn(slow, { clock: () => nowMs }).take('urgent');

    await expect(refusal).rejects.toMatchObject({ name: 'BudgetExhaustedError', freeAtMs: NOON + 3 * 301 });
    await expect(refusal).rejects.toThrow('no call is free in the next seconds');
    expect(store.updates).toBe(3);
  });

  test('at the very end of a block is good', async () => {
    const { row, store } = openRow({ blockedUntilMs: NOON + 300 });

    expect((await taken(budgetOn(row))).slotMs).toBe(NOON + 300);
    expect(store.updates).toBe(1);
  });

  test('that was taken ahead is void after a 429 that another process got', async () => {
    const { row, store } = openRow();
    const budget = budgetOn(row);
    await inTurn(budget, 2); // The second lease took the slot 100 ms after noon ahead; now it is 200 ms after noon.
    store.state = { ...store.state, blockedUntilMs: NOON + 250 };

    const changes = budget.take('changes');
    await pass(50);
    const urgent = await taken(budget);

    expect((await changes).slotMs).toBe(NOON + 250);
    expect(urgent.slotMs).toBe(NOON + 350);
  });

  test('comes with a look at what is used: 53 of 104 calls in 10 s, one of 1,000 in the day', async () => {
    const { row } = openRow({ granted: { fromMs: NOON - 1000, counts: [52] } });
    const budget = budgetOn(row);

    await budget.take('urgent');

    expect(budget.takeUsage()).toEqual({ windowPercent: 51, dayPercent: 0.1 });
    expect(budget.takeUsage()).toBeUndefined();
  });

  test('that still waits is void when a stop begins', async () => {
    const { row } = openRow({ nextSlotMs: NOON + 300 });
    const budget = budgetOn(row);
    const taking = budget.take('changes');
    taking.catch(() => undefined); // Looked at below.
    await pass(100);

    await budget.stop('unauthorised', NOON + 5 * MINUTE);
    await pass(300);

    await expect(taking).rejects.toMatchObject({
      name: 'PortalStoppedError',
      message: 'the portal is stopped: unauthorised',
      reason: 'unauthorised',
      untilMs: NOON + 5 * MINUTE,
    });
  });
});

describe('whoever finds no slot', () => {
  test('asks again when one comes near, the sooner the longer it has waited', async () => {
    const { row, store, asked } = openRow({ nextSlotMs: NOON + 1000 });
    const taking = budgetOn(row).take('changes');
    await pass(500);
    store.state = { ...store.state, nextSlotMs: NOON + 1500 }; // Somebody else was quicker.

    await pass(1000);

    // 400 ms before the slot; after 600 ms of waiting 60 ms sooner.
    expect(asked.map(({ atMs }) => atMs)).toEqual([0, 600, 1040]);
    expect((await taking).slotMs).toBe(NOON + 1500);
  });

  test.each([
    { blockedMs: 12_000, outcome: { slotMs: NOON + 12_000 } },
    { blockedMs: 12_001, outcome: { name: 'BudgetExhaustedError', freeAtMs: NOON + 12_001 } },
  ])('waits 12 s, no longer: $blockedMs ms end with $outcome', async ({ blockedMs, outcome }) => {
    const { row } = openRow({ blockedUntilMs: NOON + blockedMs });

    const ended = await taken(budgetOn(row)).catch((error: unknown) => error);

    expect(ended).toMatchObject(outcome);
  });

  test('is refused a slot that has moved too far meanwhile; whoever comes next has it, at no cost', async () => {
    const { row, store } = openRow({ nextSlotMs: NOON + 11_900 });
    const budget = budgetOn(row);
    const late = budget.take('urgent').catch((error: unknown) => error);
    for (const [afterMs, nextMs] of [
      [1000, 11_950],
      [1000, 12_090],
    ] as const) {
      await pass(afterMs);
      store.state = { ...store.state, nextSlotMs: NOON + nextMs }; // Somebody else was quicker.
    }
    await pass(100);
    const { updates } = store;

    const next = await taken(budget);

    expect(await late).toMatchObject({ name: 'BudgetExhaustedError', freeAtMs: NOON + 12_090 });
    expect(next.slotMs).toBe(NOON + 12_090);
    expect(store.updates).toBe(updates);
  });

  test('is woken when the first of the lanes is to ask, and not with the last', async () => {
    const { row, asked } = openRow({ nextSlotMs: NOON + 1000 });
    const budget = budgetOn(row);

    const both = Promise.all([budget.take('changes'), budget.take('background')]);
    await pass(2000);

    // 400 and 200 ms before the slot. That one is gone at 800 ms, and the next ask is after the least pause.
    await both;
    expect(asked.map(({ atMs }) => atMs)).toEqual([0, 600, 800, 1000]);
  });

  test('does not keep other lanes waiting, nor does it ask when they do', async () => {
    const { row, asked } = openRow({ nextSlotMs: NOON + 1000 });
    const budget = budgetOn(row);

    const waiting = budget.take('background');
    await pass(100);
    const urgent = budget.take('urgent');
    await pass(2000);

    // Background asked 200 ms before that slot. It was gone by then, so it asked again after the least pause.
    expect((await urgent).slotMs).toBe(NOON + 1000);
    expect((await waiting).slotMs).toBe(NOON + 1100);
    expect(asked.map(({ atMs }) => atMs)).toEqual([0, 100, 800, 1000]);
  });
});

/** Headers of an answer. */
const windowOf = (max: number, remaining?: number) => ({
  'x-hubspot-ratelimit-max': `${max}`,
  ...(remaining !== undefined && { 'x-hubspot-ratelimit-remaining': `${remaining}` }),
});
const dayOf = (remaining: number) => ({
  'x-hubspot-ratelimit-daily': '1000',
  'x-hubspot-ratelimit-daily-remaining': `${remaining}`,
});
const AT_NOON = { slotMs: NOON };

describe("of HubSpot's answers", () => {
  test.each([
    { headers: windowOf(100, 30), others: 70, because: '70 of 100 were called, none by us' },
    { headers: windowOf(100), others: undefined, because: 'it does not say how many are left' },
    { headers: windowOf(100, 150), others: undefined, because: 'more are left than there are' },
  ])('the window tells of $others calls by others: $because', async ({ headers, others }) => {
    const { row, store } = openRow();
    const budget = budgetOn(row);

    budget.learn(AT_NOON, headers);
    await taken(budget);

    expect(store.state.limit).toBe(100);
    expect(store.state.others?.calls).toBe(others);
  });

  test.each([
    { quiet: 19, others: 70, because: 'it is among the last twenty' },
    { quiet: 20, others: undefined, because: 'more than twenty say the same' },
  ])('the busy one before $quiet quiet ones tells of $others: $because', async ({ quiet, others }) => {
    const { row, store } = openRow();
    const budget = budgetOn(row);

    budget.learn(AT_NOON, windowOf(100, 30));
    for (let answer = 0; answer < quiet; answer++) budget.learn(AT_NOON, windowOf(100, 100));
    await taken(budget);

    expect(store.state.others?.calls).toBe(others);
  });

  test.each([
    { remaining: [400], calls: 600, because: 'the headers say it' },
    { remaining: [400, 450], calls: 600, because: 'an answer that was overtaken says less' },
    { remaining: [450, 400], calls: 600, because: 'the newer one says more' },
    { remaining: [], calls: 0, because: 'nothing was said' },
  ])('those with $remaining left of the day make $calls: $because', async ({ remaining, calls }) => {
    const { row, store } = openRow();
    const budget = budgetOn(row);

    for (const left of remaining) budget.learn(AT_NOON, dayOf(left));
    await taken(budget);

    expect(store.state.today).toEqual({ date: TODAY, calls: calls + 1 });
  });

  test('those near midnight are not believed, and leave what was known', async () => {
    const { row, store } = openRow();
    const budget = budgetOn(row);
    const nearMidnight = NOON + 12 * 60 * MINUTE - 3 * MINUTE;

    budget.learn(AT_NOON, dayOf(400));
    jest.setSystemTime(nearMidnight);
    budget.learn({ slotMs: nearMidnight }, dayOf(100));
    await taken(budget);

    expect(store.state.today).toEqual({ date: TODAY, calls: 601 });
  });

  test('those of yesterday are forgotten when there is one of today', async () => {
    const { row, store } = openRow();
    const budget = budgetOn(row);
    const tomorrow = NOON + 24 * 60 * MINUTE;

    budget.learn(AT_NOON, dayOf(200));
    jest.setSystemTime(tomorrow);
    budget.learn({ slotMs: tomorrow }, dayOf(990));
    await taken(budget);

    expect(store.state.today).toEqual({ date: '2026-11-11', calls: 11 });
  });

  test('nothing is lost when the store fails: it goes with the next lease, with what was learned meanwhile', async () => {
    const { row, store } = openRow({ today: { date: TODAY, calls: 100 } });
    let isBroken = true;
    const budget = budgetOn({
      ...row,
      async update(change) {
        if (!isBroken) return row.update(change);
        await new Promise((resolve) => setTimeout(resolve, 10));
        throw new Error('throttled');
      },
    });

    budget.learn(AT_NOON, { ...windowOf(100, 30), ...dayOf(400) });
    const failing = budget.take('urgent').catch((error: unknown) => error);
    await pass(5);
    budget.learn(AT_NOON, { ...windowOf(110, 100), ...dayOf(350) });
    await pass(5);
    isBroken = false;
    await taken(budget);

    expect(await failing).toMatchObject({ message: 'throttled' });
    expect(store.state).toMatchObject({
      limit: 110,
      dailyLimit: 1000,
      others: { calls: 70 },
      today: { date: TODAY, calls: 651 },
    });
  });

  test('nothing is lost when the store fails, and what came since says more', async () => {
    const { row, store } = openRow();
    let isBroken = true;
    const budget = budgetOn({
      ...row,
      update: (change) => (isBroken ? Promise.reject(new Error('throttled')) : row.update(change)),
    });

    await expect(budget.take('urgent')).rejects.toThrow('throttled');
    budget.learn(AT_NOON, { ...windowOf(100, 30), ...dayOf(400) });
    await expect(budget.take('urgent')).rejects.toThrow('throttled');
    isBroken = false;
    await taken(budget);

    expect(store.state).toMatchObject({ limit: 100, dailyLimit: 1000, others: { calls: 70 } });
    expect(store.state.today?.calls).toBe(601);
  });

  test('a slot that came to nothing is given back though the store fails in between', async () => {
    const { row, store } = openRow();
    let isBroken = false;
    const budget = budgetOn({
      ...row,
      update: (change) => (isBroken ? Promise.reject(new Error('throttled')) : row.update(change)),
    });
    await inTurn(budget, 2); // The second lease took one more.
    isBroken = true;
    jest.setSystemTime(NOON + 1000);
    await expect(budget.take('urgent')).rejects.toThrow('throttled');
    isBroken = false;

    await budget.take('urgent');

    expect(store.state.today?.calls).toBe(3);
  });
});

describe('a stop', () => {
  const [untilMs, endMs] = [NOON + 5 * MINUTE, NOON + MINUTE];

  test('is taken from memory for a minute, then the row is asked: an operator may have lifted it', async () => {
    const { row, store } = openRow();
    const budget = budgetOn(row);
    await budget.stop('unauthorised', untilMs);
    store.state = FULL_BUDGET;

    jest.setSystemTime(NOON + MINUTE - 1);
    await expect(budget.take('urgent')).rejects.toThrow('the portal is stopped: unauthorised');
    expect(await budget.stopped()).toMatchObject({ reason: 'unauthorised', untilMs });
    jest.setSystemTime(NOON + MINUTE);

    expect(await budget.stopped()).toBeUndefined();
    await expect(budget.take('urgent')).resolves.toBeDefined();
    expect(store.updates).toBe(2);
  });

  test('that another process began is known from the row, and then from memory', async () => {
    const stop: Stop = { reason: 'migrating', sinceMs: NOON, untilMs };
    const { row, store } = openRow({ stop });
    const budget = budgetOn(row);

    expect(await budget.stopped()).toEqual(stop);
    store.state = FULL_BUDGET;

    expect(await budget.stopped()).toEqual(stop);
    await expect(budget.take('urgent')).rejects.toMatchObject({ reason: 'migrating', untilMs });
    expect(store.updates).toBe(0);
  });

  test('that a lease found refuses everybody who waits, and is known afterwards', async () => {
    const { row, store } = openRow({ stop: { reason: 'migrating', sinceMs: NOON, untilMs } });
    const budget = budgetOn(row);

    const both = await Promise.allSettled([budget.take('urgent'), budget.take('changes')]);
    await expect(budget.take('background')).rejects.toMatchObject({ reason: 'migrating', untilMs });

    expect(both).toMatchObject([
      { status: 'rejected', reason: { reason: 'migrating', untilMs } },
      { status: 'rejected', reason: { reason: 'migrating', untilMs } },
    ]);
    expect(store.updates).toBe(1);
  });

  test('is tried by one call at its end, not before; all others wait for what it finds out', async () => {
    const { row } = openRow();
    const budget = budgetOn(row);
    await budget.stop('unauthorised', endMs);

    jest.setSystemTime(endMs - 1);
    await expect(budget.take('urgent')).rejects.toMatchObject({ untilMs: endMs });
    jest.setSystemTime(endMs);
    const [trying, other] = await Promise.allSettled([budget.take('urgent'), budget.take('urgent')]);

    // Its slot lies 100 ms back, and it has a minute.
    expect(trying).toMatchObject({ status: 'fulfilled', value: { probes: { reason: 'unauthorised' } } });
    expect(other).toMatchObject({ status: 'rejected', reason: { untilMs: endMs + MINUTE - 100 } });
  });

  test.each([{ isTold: true }, { isTold: false }])(
    'ends when the call that tried succeeds, and only then; told: $isTold',
    async ({ isTold }) => {
      const { row, store } = openRow();
      const [stops, resumed]: [Stop[], (Stop | undefined)[]] = [[], []];
      const budget = budgetOn(
        row,
        isTold
          ? {
              onStopped: (stop) => void stops.push(stop),
              onResumed: async () => void resumed.push(store.state.stop),
            }
          : {},
      );
      const ordinary = await budget.take('urgent');
      await budget.stop('unauthorised', endMs);
      const told = [...stops];
      await budget.stop('unauthorised', endMs + 1000);
      await budget.succeeded(ordinary, 'read');
      await budget.release(ordinary);
      jest.setSystemTime(endMs);
      const trying = await budget.take('urgent');
      const { updates } = store;

      await budget.succeeded(trying, 'read');

      expect(updates).toBe(4); // Two grants, and the stop announced twice.
      expect(told).toMatchObject(isTold ? [{ reason: 'unauthorised', untilMs: endMs }] : []);
      expect(stops).toEqual(told);
      expect(resumed).toMatchObject(isTold ? [{ reason: 'unauthorised' }] : []); // It was in force still.
      expect(store.state.stop).toBeUndefined();
      await expect(budget.take('urgent')).resolves.toMatchObject({ probes: undefined });
    },
  );

  test('is tried by another at once when the call that tried found out nothing', async () => {
    const { row } = openRow();
    const budget = budgetOn(row);
    await budget.stop('unauthorised', endMs, 'write');
    jest.setSystemTime(endMs);
    const released = await budget.take('urgent');
    await budget.release(released);
    const reading = await taken(budget);
    await budget.succeeded(reading, 'read');

    const writing = await taken(budget);

    expect([released, reading, writing].map(({ probes }) => probes?.refusedCall)).toEqual(
      Array.from({ length: 3 }, () => 'write'),
    );
  });

  test.each([{ isTold: true }, { isTold: false }])(
    'for the day begins with the call after the last; told: $isTold',
    async ({ isTold }) => {
      const { row } = openRow({ today: { date: TODAY, calls: 900 } });
      const stops: Stop[] = [];
      const budget = budgetOn(row, isTold ? { onStopped: (stop) => void stops.push(stop) } : {});

      for (let call = 0; call < 2; call++)
        await expect(budget.take('urgent')).rejects.toMatchObject({ reason: 'daily' });
      await pass(1); // What went wrong behind the refusal would show now.

      const midnight = Date.UTC(2026, 10, 11);
      expect(stops).toEqual(isTold ? [{ reason: 'daily', sinceMs: NOON, untilMs: midnight }] : []);
    },
  );
});
