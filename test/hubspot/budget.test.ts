import fc from 'fast-check';
import * as v from 'valibot';
import { Budget, BudgetExhaustedError, type BudgetStore } from '../../lambdas/hubspot/budget.ts';
import { type Lease, lease, NOTHING_LEARNED, type Wants } from '../../lambdas/hubspot/budget-lease.ts';
import {
  Budgeted,
  type BudgetSettings,
  type BudgetState,
  block,
  FULL_BUDGET,
} from '../../lambdas/hubspot/budget-state.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { createTable, startDynalite } from '../store/table.ts';
import { memoryStore } from './connection.ts';
import { mostIn10Seconds, PROFESSIONAL, within } from './virtual-hubspot.ts';

const { jest } = import.meta;

const NOW = Date.UTC(2026, 10, 10, 12);
/** How late a grant may be used, in milliseconds. */
const LATE = 200;

const settingsOf = (parts: Partial<BudgetSettings>): BudgetSettings => ({ ...PROFESSIONAL, ...parts });

test('who asks while a lease is under way is served by the next one at once, not after a pause', async () => {
  const store = memoryStore();
  const budget = new Budget(store, PROFESSIONAL, { clock: () => NOW, timeZone: () => 'UTC' });
  const first = budget.take('changes');
  await Promise.resolve();
  await Promise.resolve(); // The lease for the first has been asked for.
  const second = budget.take('changes');

  // The clock stands still: what waits for it to move waits for ever.
  await Promise.all([first, second]);
  expect(store.updates).toBe(2);
});

function leased(
  state: BudgetState,
  settings: BudgetSettings,
  wants: Wants,
  nowMs: number,
): { readonly state: BudgetState; readonly result: Lease } {
  return lease(state, settings, wants, NOTHING_LEARNED, nowMs, 'UTC');
}

/** The slots of so many urgent calls. */
function leaseSlots(state: BudgetState, settings: BudgetSettings, calls: number, nowMs: number) {
  const { state: after, result } = leased(state, settings, { urgent: { calls, waitedMs: 0 } }, nowMs);
  return { state: after, slots: result.slots.urgent };
}

/** Asks for more than there is, every 100 ms for a while; every grant is used at its slot. */
function saturate(settings: BudgetSettings, state: BudgetState, fromMs: number, seconds: number): number[] {
  const used: number[] = [];
  let current = state;
  for (let nowMs = fromMs; nowMs < fromMs + seconds * 1000; nowMs += 100) {
    while (current.nextSlotMs < nowMs + 100) {
      const { state: after, slots } = leaseSlots(current, settings, 1, nowMs);
      current = after;
      if (slots.length === 0) break;
      used.push(...slots.map((slot) => Math.max(slot, nowMs)));
    }
  }
  return used.filter((time) => time < fromMs + seconds * 1000);
}

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
      .map(({ reserve, allowed }) => settingsOf({ reserve, limit: allowed + reserve }));
    fc.assert(
      fc.property(settings, fc.array(ask, { maxLength: 60 }), fc.boolean(), (given, asks, has429s) => {
        let state = FULL_BUDGET;
        let nowMs = NOW;
        const used: number[] = [];
        for (const { afterMs, calls, lateMs, isRefused } of asks) {
          nowMs += afterMs;
          const granted = leaseSlots(state, given, calls, nowMs);
          state = granted.state;
          granted.slots.forEach((slot, at) => {
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
  ])('use at least 95 % of $limit less $reserve: $because', ({ limit, reserve }) => {
    const used = saturate(settingsOf({ limit, reserve }), FULL_BUDGET, NOW, 60);

    const ideal = (limit - reserve) * 5;
    expect(within(used, NOW + 10_000, NOW + 60_000)).toBeGreaterThanOrEqual(0.95 * ideal);
  });

  test('are a little late at most, so that a lone call after a pause does not wait', () => {
    const { slots } = leaseSlots(FULL_BUDGET, PROFESSIONAL, 1, NOW);

    expect(slots[0]).toBeLessThanOrEqual(NOW);
    expect(slots[0]).toBeGreaterThan(NOW - LATE);
  });

  test('a pause on a slow budget gives no slot that has lapsed already', () => {
    const slow = { ...FULL_BUDGET, share: 0.1, shareSetAtMs: NOW };

    const { slots } = leaseSlots(slow, settingsOf({ limit: 30 }), 1, NOW);

    expect(slots[0]).toBeGreaterThan(NOW - LATE);
  });

  test.each([
    { lane: 'urgent' as const, reachMs: 10_000 },
    { lane: 'changes' as const, reachMs: 400 },
    { lane: 'background' as const, reachMs: 200 },
  ])('begin for $lane where the next one is at most $reachMs ms ahead', ({ lane, reachMs }) => {
    const ahead = (ms: number) => {
      const state = { ...FULL_BUDGET, nextSlotMs: NOW + ms };
      return leased(state, PROFESSIONAL, { [lane]: { calls: 1, waitedMs: 0 } }, NOW).result.slots[lane]
        .length;
    };

    expect([ahead(reachMs), ahead(reachMs + 1)]).toEqual([1, 0]);
  });

  test('after a 429 the rate is half of what it was, and rises by a tenth with every 10 seconds without another', () => {
    const full = within(saturate(PROFESSIONAL, FULL_BUDGET, NOW, 20), NOW + 10_000, NOW + 20_000);
    const blocked = block(FULL_BUDGET, NOW + 10_250, NOW);

    const used = saturate(PROFESSIONAL, blocked, NOW, 80);

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

  test('what is allowed fell: none before enough of the calls of the window have left it', () => {
    const full = leaseSlots({ ...FULL_BUDGET, nextSlotMs: NOW }, PROFESSIONAL, 160, NOW);
    const used = [...full.slots];
    let { state } = full;
    state = { ...state, limit: 100 };
    for (let nowMs = NOW + 10_000; nowMs < NOW + 30_000; nowMs += 500) {
      const granted = leaseSlots(state, PROFESSIONAL, 5, nowMs);
      state = granted.state;
      used.push(...granted.slots);
    }

    // Whatever was granted before, no window that a later slot ends in has more than 80.
    const later = used.filter((slot) => slot > NOW + 10_000);
    const counts = later.map((slot) => within(used, slot - 9999, slot + 1));
    expect(Math.max(...counts)).toBeLessThanOrEqual(81); // Half seconds are counted by their part.
    expect(within(used, NOW + 20_000, NOW + 30_000)).toBeGreaterThan(70);
  });
});

describe('lanes', () => {
  test('what is due to a lane that did not ask for long is a few slots, not all it missed', () => {
    const missed = leaseSlots(FULL_BUDGET, PROFESSIONAL, 150, NOW).state;

    const { result } = leased(missed, PROFESSIONAL, { background: { calls: 20, waitedMs: 0 } }, NOW + 1000);

    expect(result.slots.background).toHaveLength(5);
  });

  test('a reserve of more than half of the day leaves half of the rest to background', () => {
    const settings = settingsOf({ dailyLimit: 1000, dailyReservePercent: 60 });
    const slotsAfter = (calls: number) => {
      const state = { ...FULL_BUDGET, today: { date: '2026-11-10', calls } };
      return leased(state, settings, { background: { calls: 1, waitedMs: 0 } }, NOW).result.slots.background;
    };

    expect([slotsAfter(199).length, slotsAfter(200).length]).toEqual([1, 0]);
  });

  test('slots that came to nothing are not taken for calls: what others use shows all the same', () => {
    const { slots, state } = leaseSlots(FULL_BUDGET, PROFESSIONAL, 60, NOW);
    const windows = [{ used: 45, limit: 190, atMs: NOW + 5000 }];
    const unused = slots.slice(20);

    const after = lease(
      state,
      PROFESSIONAL,
      { urgent: { calls: 1, waitedMs: 0 } },
      { windows, unused },
      NOW + 5000,
      'UTC',
    ).state;

    expect(after.others).toEqual({ calls: 25, seenAtMs: NOW + 5000 });
    expect(after.today).toEqual({ date: '2026-11-10', calls: 21 });
  });
});

describe('a clock that was wrong stops nobody', () => {
  const far = NOW + 30 * 86_400_000;

  test.each<{ name: string; state: Partial<BudgetState> }>([
    { name: 'a slot far ahead', state: { nextSlotMs: far } },
    { name: 'a block far ahead', state: { blockedUntilMs: far } },
    { name: 'a stop that ends far ahead', state: { stop: { reason: 'daily', sinceMs: NOW, untilMs: far } } },
    {
      name: 'a call that tries for ever',
      state: { stop: { reason: 'daily', sinceMs: NOW - 9, untilMs: NOW - 1, probeUntilMs: far } },
    },
    { name: 'grants far ahead', state: { granted: { fromMs: far, counts: [500] } } },
    { name: 'a day far ahead', state: { today: { date: '2026-12-10', calls: 625_000 } } },
    { name: 'a day long past', state: { today: { date: '2026-11-09', calls: 625_000 } } },
  ])('$name', ({ state }) => {
    const { slots } = leaseSlots({ ...FULL_BUDGET, ...state }, PROFESSIONAL, 1, NOW);

    expect(slots[0]).toBeLessThanOrEqual(NOW);
  });

  test('grants far ahead do not hide what others use', () => {
    const wrong: BudgetState = { ...FULL_BUDGET, granted: { fromMs: far, counts: [5] } };
    const { state } = leaseSlots(wrong, PROFESSIONAL, 1, NOW);
    const windows = [{ used: 100, limit: 190, atMs: NOW + 20_000 }];
    const wants = { urgent: { calls: 1, waitedMs: 0 } };

    const after = lease(state, PROFESSIONAL, wants, { windows, unused: [] }, NOW + 20_000, 'UTC').state;

    expect(after.others?.calls).toBe(100);
  });

  test('a share that was halved far ahead rises again', () => {
    let state: BudgetState = { ...FULL_BUDGET, share: 0.5, shareSetAtMs: far };
    state = leaseSlots(state, PROFESSIONAL, 1, NOW).state;

    expect(leaseSlots(state, PROFESSIONAL, 1, NOW + 50_000).state.share).toBe(1);
  });

  test('a clock that is a little ahead at midnight does not lose the count of the day', () => {
    const midnight = Date.UTC(2026, 10, 11);
    const state = { ...FULL_BUDGET, today: { date: '2026-11-10', calls: 700 } };
    const ahead = leaseSlots(state, PROFESSIONAL, 1, midnight + 100).state;
    const behind = leaseSlots(ahead, PROFESSIONAL, 1, midnight - 100).state;

    expect(ahead.today).toEqual({ date: '2026-11-11', calls: 1 });
    expect(behind.today).toEqual({ date: '2026-11-11', calls: 2 });
  });
});

describe('the row', () => {
  const old = { nextSlotMs: NOW + 300, blockedUntilMs: NOW - 5, share: 0.5, shareSetAtMs: NOW, limit: 110 };

  test('of an older version is read, and drawn on', () => {
    const state = v.parse(Budgeted, old);
    const { slots, state: after } = leaseSlots(state, PROFESSIONAL, 1, NOW);

    expect(state).toEqual(old);
    expect(slots).toEqual([NOW + 300]);
    expect(after).toMatchObject({ limit: 110, share: 0.5, today: { date: '2026-11-10', calls: 1 } });
  });

  test('is stored as it is read, and has room in one write unit of DynamoDB', () => {
    let state: BudgetState = {
      ...FULL_BUDGET,
      stop: { reason: 'daily', sinceMs: 1, untilMs: 2, probeUntilMs: 3 },
    };
    state = leased(state, PROFESSIONAL, { changes: { calls: 1, waitedMs: 0 } }, NOW).state;
    const learned = {
      limit: 250,
      dailyLimit: 1_000_000,
      windows: [{ used: 250, limit: 250, atMs: NOW + 59_000 }],
      today: { date: '2026-11-10', calls: 5 },
      unused: [],
    };
    const wants = { urgent: { calls: 250, waitedMs: 0 } };
    state = lease(
      { ...state, stop: undefined },
      PROFESSIONAL,
      wants,
      NOTHING_LEARNED,
      NOW + 45_000,
      'UTC',
    ).state;
    const full = lease(state, PROFESSIONAL, wants, learned, NOW + 60_000, 'UTC').state;

    expect(v.parse(Budgeted, full)).toEqual(full);
    expect(full.others).toBeDefined();
    expect(JSON.stringify(full).length).toBeLessThan(900);
  });

  test('whose past is not known makes nobody out of our own calls', () => {
    const windows = [{ used: 160, limit: 190, atMs: NOW - 100 }];
    const see = (nextSlotMs: number) =>
      lease(
        { ...FULL_BUDGET, nextSlotMs },
        PROFESSIONAL,
        { urgent: { calls: 1, waitedMs: 0 } },
        { windows, unused: [] },
        NOW,
        'UTC',
      ).state.others;

    expect(see(NOW - 500)).toBeUndefined();
    expect(see(NOW - 60_000)).toEqual({ calls: 160, seenAtMs: NOW }); // Nobody of ours called for a minute.
  });
});

describe('a budget', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const options = { clock: () => Date.now(), timeZone: () => 'UTC' };
  const budgetOn = (store: BudgetStore) => new Budget(store, PROFESSIONAL, options);

  test('serves those who ask in the same breath with one lease', async () => {
    const store = memoryStore();
    const budget = budgetOn(store);

    const takes = Promise.all(Array.from({ length: 15 }, () => budget.take('changes')));
    await jest.advanceTimersByTimeAsync(3000);
    await takes;

    expect(store.updates).toBe(1);
  });

  test('refuses at once whoever would wait longer than 12 seconds, and says when a call is free', async () => {
    const budget = budgetOn(memoryStore({ ...FULL_BUDGET, blockedUntilMs: NOW + 3_600_000 }));

    const refusal = await budget.take('changes').catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(BudgetExhaustedError);
    expect(refusal).toMatchObject({ freeAtMs: NOW + 3_600_000 });
  });

  test('a grant that was not used in time is not used: another is taken', async () => {
    const store = memoryStore({ ...FULL_BUDGET, nextSlotMs: NOW + 300 });
    const budget = budgetOn(store);
    let usedAtMs = 0;
    const taken = budget.take('changes').then(() => (usedAtMs = Date.now()));
    await jest.advanceTimersByTimeAsync(299);

    jest.setSystemTime(NOW + 5000); // The process stood still.
    await jest.advanceTimersByTimeAsync(1);
    await taken;

    expect(store.updates).toBe(2);
    expect(usedAtMs).toBeGreaterThanOrEqual(NOW + 5000);
    expect(store.state.today?.calls).toBe(2); // One is used, one taken ahead; the one that came to nothing is given back.
  });

  test('a process that is always late gives up after three grants', async () => {
    const store = memoryStore();
    let nowMs = NOW;
    const budget = new Budget(store, PROFESSIONAL, { ...options, clock: () => (nowMs += 1000) });

    await expect(budget.take('changes')).rejects.toThrow(BudgetExhaustedError);

    expect(store.updates).toBe(3);
  });

  test('after a 429 grants that still wait are void, in the process that got it and in every other that asks', async () => {
    const store = memoryStore({ ...FULL_BUDGET, nextSlotMs: NOW + 300 });
    const [one, other] = [budgetOn(store), budgetOn(store)];
    const used: number[] = [];
    const takes = [one, one, one, other].map(async (budget) => {
      await budget.take('changes');
      used.push(Date.now());
    });
    await jest.advanceTimersByTimeAsync(100);

    await one.block(NOW + 10_350);
    const late = other.take('changes').then(() => used.push(Date.now()));
    await jest.advanceTimersByTimeAsync(20_000);
    await Promise.all([...takes, late]);

    expect(used).toHaveLength(5);
    expect(Math.min(...used)).toBeGreaterThanOrEqual(NOW + 10_350);
  });

  test("takes HubSpot's headers along with its next lease, and believes none that make no sense", async () => {
    const store = memoryStore();
    const budget = budgetOn(store);
    const grant = await budget.take('changes');

    for (const max of ['100', '100', 'many', '', '0', '-5', '1e3'])
      budget.learn(grant, { 'x-hubspot-ratelimit-max': max, 'x-hubspot-ratelimit-daily': max });
    budget.learn(grant, {});
    expect(store.updates).toBe(1);
    await budget.take('changes');

    expect(store.updates).toBe(2);
    expect(store.state).toMatchObject({ limit: 100, dailyLimit: 100 });
    const used = saturate(
      settingsOf({ dailyReservePercent: 0 }),
      { ...store.state, dailyLimit: 9999 },
      NOW,
      30,
    );
    expect(mostIn10Seconds(used)).toBeLessThanOrEqual(80);
    expect(within(used, NOW + 10_000, NOW + 20_000)).toBeGreaterThanOrEqual(0.95 * 80);
  });

  test('one call after the other takes hardly any slots ahead: they would lapse', async () => {
    const store = memoryStore();
    const slots: number[] = [];
    const budget = budgetOn({
      read: () => store.read(),
      async update(change) {
        const result = await store.update(change);
        slots.push(Math.round((store.state.nextSlotMs - Date.now()) / 60) + 1); // About 60 ms each, the first one ago.
        return result;
      },
    });

    for (let call = 0; call < 20; call++) {
      await budget.take('changes');
      await jest.advanceTimersByTimeAsync(600);
    }

    expect(slots).toHaveLength(20);
    expect(slots.filter((taken) => taken > 1).length).toBeLessThanOrEqual(2);
  });

  test('what was learned is not forgotten when no slot was free', async () => {
    const store = memoryStore({ ...FULL_BUDGET, nextSlotMs: NOW + 2000 });
    const budget = budgetOn(store);

    budget.learn({ slotMs: NOW }, { 'x-hubspot-ratelimit-max': '100' });
    const taken = budget.take('changes');
    await jest.advanceTimersByTimeAsync(3000);
    await taken;

    expect(store.updates).toBeGreaterThan(1);
    expect(store.state.limit).toBe(100);
  });

  test('whoever waits is told when the store fails, and the next one is served', async () => {
    const store = memoryStore();
    const failing = { ...store, update: () => Promise.reject(new Error('throttled')) };
    let current: BudgetStore = failing;
    const budget = budgetOn({ read: () => store.read(), update: (change) => current.update(change) });

    budget.learn({ slotMs: NOW }, { 'x-hubspot-ratelimit-max': '100' });
    await expect(Promise.all([budget.take('changes'), budget.take('changes')])).rejects.toThrow('throttled');

    current = store;
    await expect(budget.take('changes')).resolves.toBeDefined();
    expect(store.state.limit).toBe(100); // What was learned before is told now.
  });
});

test('instances that share one row of DynamoDB never take the same slot', async () => {
  const engine = await startDynalite();
  const { client, tableName } = await createTable(engine);
  const instance = () => {
    const row = new PortalRow(client, tableName, '33', 'budget', Budgeted, FULL_BUDGET);
    return new Budget(row, settingsOf({ limit: 1000, reserve: 0 }), {
      clock: Date.now,
      timeZone: () => 'UTC',
    });
  };
  const slots: number[] = [];
  const take = async (budget: Budget) => {
    // A busy machine may be too late for a slot: then another is taken.
    const taken = await budget.take('changes').catch((error: unknown) => error);
    if (taken instanceof BudgetExhaustedError) return;
    if (taken instanceof Error) throw taken;
    slots.push(v.parse(v.object({ slotMs: v.number() }), taken).slotMs);
  };

  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const budget = instance();
      for (let round = 0; round < 3; round++)
        await Promise.all(Array.from({ length: 5 }, () => take(budget)));
    }),
  );

  // 998 in 10.2 s.
  const sorted = slots.toSorted((a, b) => a - b);
  expect(sorted.length).toBeGreaterThan(40);
  expect(Math.min(...sorted.slice(1).map((slot, at) => slot - (sorted[at] ?? 0)))).toBeGreaterThan(10);
  await engine.stop();
});
