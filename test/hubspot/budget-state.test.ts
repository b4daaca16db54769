// The parts of the budget one by one, at their edges: stops, what a wrong clock left behind, and what others are seen to use.
import * as v from 'valibot';
import {
  Budgeted,
  type BudgetState,
  believable,
  callableAtMs,
  FULL_BUDGET,
  isOverBy,
  raiseShare,
  release,
  resume,
  type Stop,
  stop,
} from '../../lambdas/hubspot/budget-state.ts';
import { allowedInWindow, rememberedGrants, seeOthers } from '../../lambdas/hubspot/budget-window.ts';
import { PROFESSIONAL } from './virtual-hubspot.ts';

const NOW = Date.UTC(2026, 10, 10, 12);
const HOUR = 3_600_000;
/** The longest day has 25 hours, and a clock may be an hour wrong. */
const FURTHEST = NOW + 26 * HOUR;

const DAILY: Stop = { reason: 'daily', sinceMs: NOW - HOUR, untilMs: NOW + HOUR };
const stopped = (parts: Partial<Stop> = {}): BudgetState => ({
  ...FULL_BUDGET,
  stop: { ...DAILY, ...parts },
});

describe('a stop', () => {
  test('begins now, and names the call that was refused', () => {
    const begun = stop(
      FULL_BUDGET,
      { reason: 'unauthorised', untilMs: NOW + HOUR, refusedCall: 'read' },
      NOW,
    );

    expect(begun).toEqual({
      ...FULL_BUDGET,
      stop: { reason: 'unauthorised', sinceMs: NOW, untilMs: NOW + HOUR, refusedCall: 'read' },
    });
  });

  test.each([
    { laterMs: -HOUR, nowMs: NOW, isNews: false, because: 'it ends sooner' },
    { laterMs: 29_999, nowMs: NOW, isNews: false, because: 'calls under way tell of the same one' },
    { laterMs: 30_000, nowMs: NOW, isNews: true, because: 'it ends half a minute later' },
    { laterMs: 0, nowMs: NOW + HOUR - 1, isNews: false, because: 'it is still in force' },
    { laterMs: 0, nowMs: NOW + HOUR, isNews: true, because: 'the one before is over' },
  ])(
    'announced again to end $laterMs ms later is news: $isNews, since $because',
    ({ laterMs, nowMs, isNews }) => {
      const before = stopped();

      const after = stop(before, { reason: 'daily', untilMs: NOW + HOUR + laterMs }, nowMs);

      expect(after === before).toBe(!isNews);
      expect(after.stop).toEqual(isNews ? { ...DAILY, untilMs: NOW + HOUR + laterMs } : DAILY);
    },
  );

  test.each<{ other: string; parts: Partial<Stop> }>([
    { other: 'reason', parts: { reason: 'migrating' } },
    { other: 'beginning', parts: { sinceMs: NOW - HOUR + 1 } },
    { other: 'end', parts: { untilMs: NOW + HOUR + 1 } },
  ])('of another $other than the one that was tried stays', ({ parts }) => {
    const before = stopped(parts);

    expect(resume(before, DAILY)).toBe(before);
    expect(release(before, DAILY)).toBe(before);
    expect(release(FULL_BUDGET, DAILY)).toBe(FULL_BUDGET);
    expect(resume(FULL_BUDGET, DAILY)).toBe(FULL_BUDGET);
  });

  test('that was tried ends where all is well, and else another may try at once', () => {
    const before = stopped({ probeUntilMs: NOW + 60_000 });

    expect(resume(before, DAILY)).toStrictEqual(FULL_BUDGET);
    expect(release(before, DAILY)).toEqual({ ...FULL_BUDGET, stop: DAILY });
  });

  test('lets nobody call before it ends, nor while one call tries', () => {
    expect(callableAtMs(DAILY)).toBe(NOW + HOUR);
    expect(callableAtMs({ ...DAILY, probeUntilMs: NOW + 2 * HOUR })).toBe(NOW + 2 * HOUR);
    expect(callableAtMs({ ...DAILY, probeUntilMs: NOW })).toBe(NOW + HOUR);
  });

  test.each([
    { call: 'read', refusedCall: undefined, afterMs: 0, isOver: true, because: 'it was about no call' },
    { call: 'read', refusedCall: 'read', afterMs: 0, isOver: true, because: 'the very call was taken' },
    {
      call: 'write',
      refusedCall: 'read',
      afterMs: 0,
      isOver: false,
      because: 'the scope may still be missing',
    },
    { call: 'write', refusedCall: 'read', afterMs: HOUR - 1, isOver: false, because: 'the hour is not over' },
    {
      call: 'write',
      refusedCall: 'read',
      afterMs: HOUR,
      isOver: true,
      because: 'the other call is not made any more',
    },
  ])(
    'is over by $call, $afterMs ms after its end: $isOver, $because',
    ({ call, refusedCall, afterMs, isOver }) => {
      expect(isOverBy(call, { ...DAILY, refusedCall }, DAILY.untilMs + afterMs)).toBe(isOver);
    },
  );

  test.each(['daily', 'unauthorised', 'migrating'] as const)('for %s is read as it was stored', (reason) => {
    const state = stopped({ reason, probeUntilMs: NOW, refusedCall: 'read' });

    expect(v.parse(Budgeted, state)).toEqual(state);
  });
});

describe('what lies ahead', () => {
  test('is believed as far as a long day and an hour, and no further', () => {
    const at = (ms: number) =>
      believable({ ...stopped({ untilMs: ms }), blockedUntilMs: ms, shareSetAtMs: ms }, NOW);

    expect(at(FURTHEST)).toMatchObject({
      blockedUntilMs: FURTHEST,
      shareSetAtMs: FURTHEST,
      stop: { untilMs: FURTHEST },
    });
    expect(at(FURTHEST + 1)).toMatchObject({ blockedUntilMs: 0, shareSetAtMs: NOW, stop: { untilMs: NOW } });
    expect(at(NOW + 1).stop).toEqual({ ...DAILY, untilMs: NOW + 1 });
  });

  test('of a call that tries is believed two minutes', () => {
    const at = (probeUntilMs: number | undefined) => believable(stopped({ probeUntilMs }), NOW).stop;

    expect(at(NOW + 120_000)).toStrictEqual({ ...DAILY, probeUntilMs: NOW + 120_000 });
    expect(at(NOW + 120_001)).toStrictEqual(DAILY);
    expect(at(undefined)).toStrictEqual(DAILY);
  });
});

test('a whole share is left as it is', () => {
  expect(raiseShare(FULL_BUDGET, NOW)).toBe(FULL_BUDGET);
});

describe('others', () => {
  const NOTHING_GRANTED = { fromMs: NOW - 20_000, counts: [] };
  const see = (used: number, atMs = NOW, limit = 190, fromMs = NOTHING_GRANTED.fromMs, state = FULL_BUDGET) =>
    seeOthers(state, { fromMs, counts: [] }, [{ used, limit, atMs }], NOW)?.calls;

  test('are seen above a twentieth of the limit: some of ours are under way', () => {
    expect([see(9), see(10)]).toEqual([undefined, 10]); // A twentieth of 190 is 9.5.
    expect([see(10, NOW, 200), see(11, NOW, 200)]).toEqual([undefined, 11]);
  });

  test.each([
    { told: 'four seconds ago', atMs: NOW - 4000, fromMs: NOW - 20_000, calls: 100 },
    { told: 'longer ago', atMs: NOW - 4001, fromMs: NOW - 20_000, calls: undefined },
    { told: 'by a clock ahead', atMs: NOW + 1, fromMs: NOW - 20_000, calls: undefined },
    { told: 'of a window remembered as a whole', atMs: NOW, fromMs: NOW - 10_000, calls: 100 },
    { told: 'of a window remembered in part', atMs: NOW, fromMs: NOW - 9999, calls: undefined },
  ])('are told of $told: $calls', ({ atMs, fromMs, calls }) => {
    expect(see(100, atMs, 190, fromMs)).toBe(calls);
  });

  const seenBefore = (agoMs: number): BudgetState => ({
    ...FULL_BUDGET,
    others: { calls: 100, seenAtMs: NOW - agoMs },
  });

  test('rise at once and are forgotten evenly in a second minute', () => {
    // After 90 s half of the 100 is left.
    expect(see(49, NOW, 190, NOW - 20_000, seenBefore(90_000))).toBe(100);
    expect(see(50, NOW, 190, NOW - 20_000, seenBefore(90_000))).toBe(50);
  });

  test.each([
    { agoMs: 60_000, allowed: 80, because: '190 less 100 less 9.5' },
    { agoMs: 90_000, allowed: 130, because: '190 less 50 less 9.5' },
    { agoMs: 120_000, allowed: 170, because: 'nobody is remembered, and the reserve is 20' },
  ])('seen $agoMs ms ago leave $allowed calls: $because', ({ agoMs, allowed }) => {
    expect(allowedInWindow(seenBefore(agoMs), PROFESSIONAL, NOW)).toBe(allowed);
  });
});

describe('grants', () => {
  test('are believed as far as 20 seconds ahead', () => {
    const at = (fromMs: number) =>
      rememberedGrants({ ...FULL_BUDGET, granted: { fromMs, counts: [7] } }, NOW).counts;

    expect([at(NOW + 20_000), at(NOW + 20_001)]).toEqual([[7], []]);
  });

  test('all too old leave an empty memory that begins where it may', () => {
    const old = { ...FULL_BUDGET, granted: { fromMs: NOW - 60_000, counts: [1, 2] } };

    expect(rememberedGrants(old, NOW)).toEqual({ fromMs: NOW - 15_000, counts: [] });
  });

  test('of which nobody knows are none where nobody called for more than ten seconds', () => {
    const since = (agoMs: number) =>
      rememberedGrants({ ...FULL_BUDGET, nextSlotMs: NOW - agoMs }, NOW).fromMs;

    expect([since(10_000), since(10_001)]).toEqual([NOW, NOW - 15_000]);
  });
});
