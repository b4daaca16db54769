import fc from 'fast-check';
import * as v from 'valibot';
import {
  Budget,
  BudgetExhaustedError,
  type BudgetSettings,
  type BudgetState,
  block,
  FULL_BUDGET,
  leaseSlots,
} from '../../lambdas/hubspot/budget.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { createTable, startDynalite } from '../store/table.ts';
import { memoryStore } from './connection.ts';

const { jest } = import.meta;

const NOW = Date.UTC(2026, 10, 10, 12);
/** How late a grant may be used, in milliseconds. */
const LATE = 250;

/** HubSpot's way to count: the most calls in any 10 seconds. */
function mostIn10Seconds(times: readonly number[]): number {
  const log: number[] = [];
  let most = 0;
  for (const time of times.toSorted((a, b) => a - b)) {
    log.push(time);
    while ((log[0] ?? time) <= time - 10_000) log.shift();
    most = Math.max(most, log.length);
  }
  return most;
}

/** Asks for more than there is, every 100 ms for a while; every grant is used at its slot. */
function saturate(settings: BudgetSettings, state: BudgetState, fromMs: number, seconds: number): number[] {
  const used: number[] = [];
  let current = state;
  for (let nowMs = fromMs; nowMs < fromMs + seconds * 1000; nowMs += 100) {
    while (current.nextSlotMs < nowMs + 100) {
      const leased = leaseSlots(current, settings, 1, nowMs);
      current = leased.state;
      if (leased.slots.length === 0) break;
      used.push(...leased.slots.map((slot) => Math.max(slot, nowMs)));
    }
  }
  return used.filter((time) => time < fromMs + seconds * 1000);
}

const within = (times: readonly number[], fromMs: number, toMs: number) =>
  times.filter((time) => time >= fromMs && time < toMs).length;

describe('slots', () => {
  const ask = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 15_000 })),
    calls: fc.integer({ min: 1, max: 120 }),
    lateMs: fc.array(fc.integer({ min: 0, max: LATE }), { minLength: 1, maxLength: 5 }),
    isRefused: fc.boolean(),
  });

  test('never let more through in any 10 seconds than is allowed, whoever comes when and however late they are', () => {
    const settings = fc
      .record({ reserve: fc.integer({ min: 0, max: 40 }), allowed: fc.integer({ min: 3, max: 250 }) })
      .map(({ reserve, allowed }) => ({ reserve, limit: allowed + reserve }));
    fc.assert(
      fc.property(settings, fc.array(ask, { maxLength: 60 }), fc.boolean(), (given, asks, has429s) => {
        let state = FULL_BUDGET;
        let nowMs = NOW;
        const used: number[] = [];
        for (const { afterMs, calls, lateMs, isRefused } of asks) {
          nowMs += afterMs;
          const leased = leaseSlots(state, given, calls, nowMs);
          state = leased.state;
          leased.slots.forEach((slot, at) => {
            const time = Math.max(nowMs, slot + (lateMs[at % lateMs.length] ?? 0));
            if (time <= slot + LATE) used.push(time);
          });
          if (has429s && isRefused) state = block(state, nowMs + 10_250, nowMs);
        }
        expect(mostIn10Seconds(used)).toBeLessThanOrEqual(given.limit - given.reserve);
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    { limit: 190, reserve: 20, because: 'HubSpot Professional and our default reserve' },
    { limit: 100, reserve: 20, because: 'HubSpot Starter' },
    { limit: 250, reserve: 20, because: 'HubSpot with the API add-on' },
    { limit: 190, reserve: 0, because: 'nobody else uses the token' },
  ])('use at least 95 % of $limit less $reserve: $because', (settings) => {
    const used = saturate(settings, FULL_BUDGET, NOW, 60);

    const ideal = (settings.limit - settings.reserve) * 5;
    expect(within(used, NOW + 10_000, NOW + 60_000)).toBeGreaterThanOrEqual(0.95 * ideal);
  });

  test('are a little late at most, so that a lone call after a pause does not wait', () => {
    const { slots } = leaseSlots(FULL_BUDGET, { limit: 190, reserve: 20 }, 1, NOW);

    expect(slots[0]).toBeLessThanOrEqual(NOW);
    expect(slots[0]).toBeGreaterThan(NOW - LATE);
  });

  test('a pause on a slow budget gives no slot that has lapsed already', () => {
    const slow = { ...FULL_BUDGET, share: 0.1, shareSetAtMs: NOW };

    const { slots } = leaseSlots(slow, { limit: 30, reserve: 20 }, 1, NOW);

    expect(slots[0]).toBeGreaterThan(NOW - LATE);
  });

  test('are not granted more than 12 seconds ahead', () => {
    const settings = { limit: 190, reserve: 20 };
    const ahead = (ms: number) =>
      leaseSlots({ ...FULL_BUDGET, nextSlotMs: NOW + ms }, settings, 1, NOW).slots.length;

    expect([ahead(12_000), ahead(12_001)]).toEqual([1, 0]);
  });

  test('after a 429 the rate is half of what it was, and rises by a tenth with every 10 seconds without another', () => {
    const settings = { limit: 190, reserve: 20 };
    const full = within(saturate(settings, FULL_BUDGET, NOW, 20), NOW + 10_000, NOW + 20_000);
    const blocked = block(FULL_BUDGET, NOW + 10_250, NOW);

    const used = saturate(settings, blocked, NOW, 80);

    const start = NOW + 10_250;
    const windows = [0, 1, 2, 3, 4, 5, 6].map(
      (at) => within(used, start + at * 10_000, start + (at + 1) * 10_000) / full,
    );
    expect(Math.min(...used)).toBe(start);
    [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1].forEach((share, at) => expect(windows[at]).toBeCloseTo(share, 1));
  });

  test('429s of calls that were under way together halve the rate once; later ones halve it again, down to a tenth', () => {
    const once = block(block(FULL_BUDGET, NOW + 10_250, NOW), NOW + 10_300, NOW + 50);
    const laterMs = once.blockedUntilMs;
    const often = Array.from({ length: 9 }).reduce<BudgetState>(
      (state) => block(state, state.blockedUntilMs + 10_250, state.blockedUntilMs),
      once,
    );

    expect(once).toMatchObject({ share: 0.5, blockedUntilMs: NOW + 10_300 });
    expect(block(once, laterMs + 10_250, laterMs).share).toBe(0.25);
    expect(often.share).toBe(0.1);
  });
});

describe('a budget', () => {
  const settings = { limit: 190, reserve: 20 };

  beforeEach(() => {
    jest.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const budgetOn = (store: ReturnType<typeof memoryStore>) => new Budget(store, settings, Date.now);

  test('shared by several instances is used up, and not overdrawn', async () => {
    const store = memoryStore();
    const used: number[] = [];
    const endMs = NOW + 30_000;
    const work = async (budget: Budget) => {
      while (Date.now() < endMs) {
        await budget.take();
        used.push(Date.now());
      }
    };
    const instances = [budgetOn(store), budgetOn(store), budgetOn(store)];
    const workers = instances.flatMap((budget) => Array.from({ length: 20 }, () => work(budget)));

    await jest.advanceTimersByTimeAsync(42_000);
    await Promise.all(workers);

    expect(mostIn10Seconds(used)).toBeLessThanOrEqual(170);
    expect(within(used, NOW + 10_000, NOW + 30_000)).toBeGreaterThanOrEqual(0.95 * 170 * 2);
  });

  test('serves those who ask in the same breath with one lease', async () => {
    const store = memoryStore();
    const budget = budgetOn(store);

    const takes = Promise.all(Array.from({ length: 30 }, () => budget.take()));
    await jest.advanceTimersByTimeAsync(3000);
    await takes;

    expect(store.updates).toBe(1);
  });

  test('refuses at once whoever would wait longer than 12 seconds, and says when a call is free', async () => {
    const budget = budgetOn(memoryStore({ ...FULL_BUDGET, blockedUntilMs: NOW + 3_600_000 }));

    const refusal = await budget.take().catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(BudgetExhaustedError);
    expect(refusal).toMatchObject({ freeAtMs: NOW + 3_600_000 });
  });

  test('a grant that was not used in time is not used: another is taken', async () => {
    const store = memoryStore({ ...FULL_BUDGET, nextSlotMs: NOW + 1000 });
    const budget = budgetOn(store);
    let usedAtMs = 0;
    const taken = budget.take().then(() => (usedAtMs = Date.now()));
    await jest.advanceTimersByTimeAsync(999);

    jest.setSystemTime(NOW + 5000); // The process stood still.
    await jest.advanceTimersByTimeAsync(1);
    await taken;

    expect(store.updates).toBe(2);
    expect(usedAtMs).toBeGreaterThanOrEqual(NOW + 5000);
  });

  test('a process that is always late gives up after three grants', async () => {
    const store = memoryStore();
    let nowMs = NOW;
    const budget = new Budget(store, settings, () => (nowMs += 1000));

    await expect(budget.take()).rejects.toThrow(BudgetExhaustedError);

    expect(store.updates).toBe(3);
  });

  test('after a 429 grants that still wait are void, in the process that got it and in every other that asks', async () => {
    const store = memoryStore({ ...FULL_BUDGET, nextSlotMs: NOW + 500 });
    const [one, other] = [budgetOn(store), budgetOn(store)];
    const used: number[] = [];
    const takes = [one, one, one, other].map(async (budget) => {
      await budget.take();
      used.push(Date.now());
    });
    await jest.advanceTimersByTimeAsync(100);

    await one.block(NOW + 10_350);
    const late = other.take().then(() => used.push(Date.now()));
    await jest.advanceTimersByTimeAsync(20_000);
    await Promise.all([...takes, late]);

    expect(used).toHaveLength(5);
    expect(Math.min(...used)).toBeGreaterThanOrEqual(NOW + 10_350);
  });

  test("corrects its limit by HubSpot's header, and stores it once", async () => {
    const store = memoryStore();
    const budget = budgetOn(store);

    for (const max of ['100', '100', 'many', '', '0']) await budget.learn({ 'x-hubspot-ratelimit-max': max });
    await budget.learn({});

    expect(store.state.limit).toBe(100);
    expect(store.updates).toBe(1);
    const used = saturate(settings, store.state, NOW, 30);
    expect(mostIn10Seconds(used)).toBeLessThanOrEqual(80);
    expect(within(used, NOW + 10_000, NOW + 20_000)).toBeGreaterThanOrEqual(0.95 * 80);
  });

  test('whoever waits is told when the store fails, and the next one is served', async () => {
    const store = memoryStore();
    const failing = { ...store, update: () => Promise.reject(new Error('throttled')) };
    let current: typeof store | typeof failing = failing;
    const budget = new Budget({ update: (change) => current.update(change) }, settings, Date.now);

    await expect(Promise.all([budget.take(), budget.take()])).rejects.toThrow('throttled');

    current = store;
    await expect(budget.take()).resolves.toBeUndefined();
  });
});

test('instances that share one row of DynamoDB never take the same slot', async () => {
  const engine = await startDynalite();
  const { client, tableName } = await createTable(engine);
  const schema: v.GenericSchema<unknown, BudgetState> = v.object({
    nextSlotMs: v.number(),
    blockedUntilMs: v.number(),
    share: v.number(),
    shareSetAtMs: v.number(),
    limit: v.optional(v.number()),
  });
  const instance = () => {
    const row = new PortalRow(client, tableName, '33', 'budget', schema, FULL_BUDGET);
    return new Budget(row, { limit: 1000, reserve: 0 }, Date.now);
  };
  const startedMs = Date.now();

  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const budget = instance();
      for (let round = 0; round < 3; round++)
        await Promise.all(Array.from({ length: 5 }, () => budget.take()));
    }),
  );

  // 60 calls at 1,000 in 10 s, two of them at once.
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(58 * 10);
  await engine.stop();
});

test('a slot that a wrong clock left far ahead stops nobody', () => {
  const settings = { limit: 190, reserve: 20 };
  const { slots } = leaseSlots({ ...FULL_BUDGET, nextSlotMs: NOW + 30 * 86_400_000 }, settings, 1, NOW);

  expect(slots[0]).toBeLessThanOrEqual(NOW);
});
