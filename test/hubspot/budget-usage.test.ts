import { Budget } from '../../lambdas/hubspot/budget.ts';
import { lease, NOTHING_LEARNED } from '../../lambdas/hubspot/budget-lease.ts';
import { type BudgetState, FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { usageOf } from '../../lambdas/hubspot/budget-usage.ts';
import { memoryStore } from './connection.ts';
import { NOON, PROFESSIONAL } from './virtual-hubspot.ts';

const SECOND = 1000;
const TODAY = '2026-11-10';
/** 190 calls in 10 s, of which 20 are left to others: 170. 625,000 in a day. */
const usage = (state: Partial<BudgetState>, nowMs = NOON) =>
  usageOf({ ...FULL_BUDGET, ...state }, PROFESSIONAL, nowMs, 'UTC');

/** So many slots in every half second from an instant on. */
const granted = (fromMs: number, ...counts: number[]) => ({ granted: { fromMs, counts } });

test.each<{ state: Partial<BudgetState>; windowPercent: number; because: string }>([
  { state: {}, windowPercent: 0, because: 'nobody called' },
  { state: granted(NOON - 2 * SECOND, 17), windowPercent: 10, because: '17 of 170 were called' },
  {
    state: granted(NOON - 12 * SECOND, 100, 100, 100, 100, 34),
    windowPercent: 20,
    because: 'what is more than 10 s ago does not count',
  },
  {
    state: { ...granted(NOON - 9 * SECOND, 85), nextSlotMs: NOON + 2 * SECOND },
    windowPercent: 0,
    because: 'slots lie ahead, and the window is that of the last of them',
  },
  {
    state: { ...granted(NOON, 34, 51), nextSlotMs: NOON + 600 },
    windowPercent: 50,
    because: 'what was granted ahead counts whole',
  },
  {
    state: { ...granted(NOON + 3 * SECOND, 17), nextSlotMs: NOON + 9_000 * SECOND },
    windowPercent: 10,
    because: 'a clock that was wrong put the next slot hours ahead, and that hides no call',
  },
  {
    state: { ...granted(NOON - 2 * SECOND, 40), limit: 100 },
    windowPercent: 50,
    because: 'HubSpot says it allows 100, so 80 are ours',
  },
  {
    state: { ...granted(NOON - 2 * SECOND, 20), limit: 100, others: { calls: 55, seenAtMs: NOON } },
    windowPercent: 50,
    because: 'others use 55, and 5 more may follow, so 40 are ours',
  },
])('of the window $windowPercent % are used: $because', ({ state, windowPercent }) => {
  expect(usage(state).windowPercent).toBe(windowPercent);
});

test.each<{ state: Partial<BudgetState>; dayPercent: number; because: string }>([
  { state: {}, dayPercent: 0, because: 'nobody called' },
  {
    state: { today: { date: TODAY, calls: 500_000 } },
    dayPercent: 80,
    because: 'the reserve is part of the limit',
  },
  { state: { today: { date: '2026-11-09', calls: 500_000 } }, dayPercent: 0, because: 'it was yesterday' },
  {
    state: { today: { date: TODAY, calls: 500_000 }, dailyLimit: 1_000_000 },
    dayPercent: 50,
    because: 'HubSpot says what the limit is',
  },
])('of the day $dayPercent % are used: $because', ({ state, dayPercent }) => {
  expect(usage(state).dayPercent).toBe(dayPercent);
});

test('who takes all that is to be had uses the window nearly whole, and never more', () => {
  let state = FULL_BUDGET;
  let highest = 0;
  for (let nowMs = NOON; nowMs < NOON + 30 * SECOND; nowMs += 100) {
    const wants = { changes: { calls: 20, waitedMs: 0 } };
    ({ state } = lease(state, PROFESSIONAL, wants, NOTHING_LEARNED, nowMs, 'UTC'));
    highest = Math.max(highest, usage(state, nowMs).windowPercent);
  }

  expect(highest).toBeGreaterThan(95);
  expect(highest).toBeLessThanOrEqual(100);
});

test('of several looks the highest of the window is told, and the newest of the day', async () => {
  let nowMs = NOON;
  const store = memoryStore({
    ...FULL_BUDGET,
    ...granted(NOON - SECOND, 85),
    today: { date: TODAY, calls: 62_500 },
  });
  const budget = new Budget(store, PROFESSIONAL, { clock: () => nowMs, timeZone: () => 'UTC' });

  await budget.stopped();
  nowMs += 30 * SECOND;
  store.state = { ...FULL_BUDGET, today: { date: TODAY, calls: 125_000 } };
  await budget.stopped();

  expect(budget.takeUsage()).toEqual({ windowPercent: 50, dayPercent: 20 });
});

test('it is looked at where the row is read anyway, and no other time', async () => {
  let reads = 0;
  const kept = memoryStore();
  const store: typeof kept = {
    ...kept,
    async read() {
      reads += 1;
      return this.state;
    },
  };
  const budget = new Budget(store, PROFESSIONAL, { clock: () => NOON, timeZone: () => 'UTC' });

  await budget.take('changes');
  budget.takeUsage();
  budget.takeUsage();

  expect([reads, store.updates]).toEqual([0, 1]);
});
