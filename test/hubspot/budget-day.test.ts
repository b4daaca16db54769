import { countToday, leftToday, seenToday } from '../../lambdas/hubspot/budget-day.ts';
import { FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { PROFESSIONAL } from './virtual-hubspot.ts';

const MINUTES = 60_000;
const ANGELES = 'America/Los_Angeles';
/** 4 November 2026, 10:00 in Los Angeles; in Tokyo it is the 5th already. */
const MORNING = Date.UTC(2026, 10, 4, 18);
const MIDNIGHT = Date.UTC(2026, 10, 5, 8);

const seen = (sentAtMs: number, nowMs: number) => seenToday(1000, 400, sentAtMs, nowMs, ANGELES);
const counting = (date: string, calls: number) => ({ ...FULL_BUDGET, today: { date, calls } });

test('a count of the next day is believed right before midnight only: else it comes from another time zone', () => {
  const ahead = counting('2026-11-05', 7);
  expect(countToday(ahead, MORNING, ANGELES)).toEqual({ date: '2026-11-04', calls: 0 });
  expect(countToday(ahead, MIDNIGHT - 5 * MINUTES - 1, ANGELES)).toEqual({ date: '2026-11-04', calls: 0 });
  expect(countToday(ahead, MIDNIGHT - 5 * MINUTES, ANGELES)).toEqual({ date: '2026-11-05', calls: 7 });
  expect(countToday(ahead, MIDNIGHT, ANGELES)).toEqual({ date: '2026-11-05', calls: 7 });
});

test('a count of the day before is over', () => {
  expect(countToday(counting('2026-11-04', 7), MIDNIGHT - 1, ANGELES).calls).toBe(7);
  expect(countToday(counting('2026-11-04', 7), MIDNIGHT, ANGELES)).toEqual({ date: '2026-11-05', calls: 0 });
});

test('headers around midnight, and of calls made on another day, are not believed', () => {
  expect(seen(MORNING, MORNING)).toEqual({ date: '2026-11-04', calls: 600 });
  expect(seen(MIDNIGHT - 5 * MINUTES - 1, MIDNIGHT - 5 * MINUTES - 1)).toBeDefined();
  expect(seen(MIDNIGHT - 5 * MINUTES, MIDNIGHT - 5 * MINUTES)).toBeUndefined();
  expect(seen(MIDNIGHT + 5 * MINUTES - 1, MIDNIGHT + 5 * MINUTES)).toBeUndefined();
  expect(seen(MIDNIGHT + 5 * MINUTES, MIDNIGHT + 5 * MINUTES)).toEqual({ date: '2026-11-05', calls: 600 });
});

test('a tenth is left to others, and twice that by the background lane', () => {
  const settings = { ...PROFESSIONAL, dailyLimit: 1000, dailyReservePercent: 10 };
  expect(leftToday(FULL_BUDGET, settings, 800)).toEqual({ all: 100, background: 0 });
});
