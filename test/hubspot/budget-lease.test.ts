// One lease at a time, with numbers that can be checked by hand: 104 calls in 10 s, of which two may follow one another at once. The
// other 102 share the 10 s and the 200 ms by which a call may be late: one every 100 ms.
import { type Learned, lease, NOTHING_LEARNED, type Wants } from '../../lambdas/hubspot/budget-lease.ts';
import {
  type BudgetLane,
  type BudgetSettings,
  type BudgetState,
  FULL_BUDGET,
  type Stop,
} from '../../lambdas/hubspot/budget-state.ts';
import { NOON } from './virtual-hubspot.ts';

const TODAY = '2026-11-10';
const MIDNIGHT = Date.UTC(2026, 10, 11);
const MINUTE = 60_000;
const SETTINGS: BudgetSettings = { limit: 104, reserve: 0, dailyLimit: 1000, dailyReservePercent: 10 };

/** A budget on which somebody drew long ago: a lone slot may lie 100 ms back. */
const stateOf = (parts: Partial<BudgetState>): BudgetState => ({ ...FULL_BUDGET, ...parts });
/** The next slot is so far ahead. */
const ahead = (ms: number) => stateOf({ nextSlotMs: NOON + ms });
const drawn = (calls: number) => stateOf({ today: { date: TODAY, calls } });

const calls = (count: number, waitedMs = 0) => ({ calls: count, waitedMs });
const leaseOf = (
  before: BudgetState,
  wants: Wants,
  learned: Partial<Learned> = {},
  settings: Partial<BudgetSettings> = {},
) => lease(before, { ...SETTINGS, ...settings }, wants, { ...NOTHING_LEARNED, ...learned }, NOON, 'UTC');

/** Milliseconds from now to every slot of a lane. */
function slotsOf(lane: BudgetLane, ...parameters: Parameters<typeof leaseOf>): number[] {
  return leaseOf(...parameters).result.slots[lane].map((slotMs) => slotMs - NOON);
}

describe('a lease', () => {
  test('moves the line on, counts the calls of the day, and says nothing of what nobody has told', () => {
    const { state, result } = leaseOf(ahead(300), { urgent: calls(2) });

    expect(result).toEqual({
      slots: { urgent: [NOON + 300, NOON + 400], changes: [], background: [] },
      askAgainAtMs: { urgent: NOON + 200, changes: NOON + 200, background: NOON + 300 },
      freeAtMs: { urgent: NOON + 500, changes: NOON + 500, background: NOON + 500 },
      stop: undefined,
      blockedUntilMs: 0,
      hasStopped: false,
      isLearned: true,
    });
    expect(state).toStrictEqual({
      ...FULL_BUDGET,
      nextSlotMs: NOON + 500,
      granted: { fromMs: NOON, counts: [2] },
      due: { changes: 2 / 9, background: 2 / 9 },
      today: { date: TODAY, calls: 2 },
    });
  });

  test('that finds no slot leaves the row as it is, and what was learned is to be told again', () => {
    const before = ahead(11_000);

    const { state, result } = leaseOf(before, { urgent: calls(1) }, { limit: 50 });

    expect(state).toBe(before);
    expect(result).toMatchObject({ slots: { urgent: [] }, hasStopped: false, isLearned: false });
  });

  test.each([
    {
      everyMs: 50,
      limit: 206,
      slots: [-50, 0, 50],
      because: 'two calls at once are as good as one interval',
    },
    { everyMs: 100, limit: 104, slots: [-100, 0, 100], because: 'that is as far back as a slot may be' },
    { everyMs: 200, limit: 53, slots: [-100, 100, 300], because: 'one further back would lapse on the way' },
  ])('after a pause, with a slot every $everyMs ms, grants $slots: $because', ({ limit, slots }) => {
    expect(slotsOf('urgent', FULL_BUDGET, { urgent: calls(3) }, {}, { limit })).toEqual(slots);
  });

  test.each([{ share: 1 }, { share: 0.5 }, { share: 0.1 }])(
    'at $share of the rate believes in a slot 12 s ahead and one interval of a tenth of the rate, in none beyond',
    ({ share }) => {
      const first = (ms: number) => {
        const state = stateOf({ nextSlotMs: NOON + ms, share, shareSetAtMs: NOON });
        return slotsOf('urgent', state, { urgent: calls(1) });
      };

      expect([first(13_000), first(13_001)]).toEqual([[], [-100]]);
    },
  );
});

describe('a lane that found no slot', () => {
  test.each<{ lane: BudgetLane; nextMs: number; waitedMs: number; pauseMs: number; because: string }>([
    { lane: 'urgent', nextMs: 11_000, waitedMs: 0, pauseMs: 1000, because: 'it takes slots from 10 s on' },
    { lane: 'changes', nextMs: 1000, waitedMs: 0, pauseMs: 600, because: 'it takes slots from 400 ms on' },
    { lane: 'background', nextMs: 1000, waitedMs: 0, pauseMs: 800, because: 'it takes slots from 200 ms on' },
    { lane: 'background', nextMs: 1000, waitedMs: 5000, pauseMs: 800, because: 'its wait is no precedence' },
    { lane: 'changes', nextMs: 1000, waitedMs: 2000, pauseMs: 400, because: 'a tenth of its wait sooner' },
    { lane: 'changes', nextMs: 1500, waitedMs: 4000, pauseMs: 800, because: 'but 300 ms sooner at most' },
    { lane: 'changes', nextMs: 2900, waitedMs: 6000, pauseMs: 1200, because: 'and half of what is over 4 s' },
    { lane: 'changes', nextMs: 500, waitedMs: 0, pauseMs: 200, because: 'no sooner than that' },
    { lane: 'changes', nextMs: 9000, waitedMs: 0, pauseMs: 2000, because: 'no later: something may be due' },
  ])(
    '$lane, the next $nextMs ms ahead, after $waitedMs ms asks again in $pauseMs ms: $because',
    ({ lane, nextMs, waitedMs, pauseMs }) => {
      const { result } = leaseOf(ahead(nextMs), { [lane]: calls(1, waitedMs) });

      expect(result.slots[lane]).toEqual([]);
      expect(result.askAgainAtMs[lane]).toBe(NOON + pauseMs);
      expect(result.freeAtMs[lane]).toBe(NOON + nextMs);
    },
  );
});

describe('how far lanes reach', () => {
  test.each<{ lane: BudgetLane; waitedMs: number; beginsMs: number; lastMs: number }>([
    { lane: 'urgent', waitedMs: 0, beginsMs: 10_000, lastMs: 10_000 },
    { lane: 'changes', waitedMs: 0, beginsMs: 400, lastMs: 1000 },
    { lane: 'changes', waitedMs: 2000, beginsMs: 600, lastMs: 1200 },
    { lane: 'changes', waitedMs: 4000, beginsMs: 700, lastMs: 1300 },
    { lane: 'changes', waitedMs: 6000, beginsMs: 1700, lastMs: 2300 },
    { lane: 'background', waitedMs: 0, beginsMs: 200, lastMs: 800 },
    { lane: 'background', waitedMs: 6000, beginsMs: 200, lastMs: 800 },
  ])(
    '$lane that waited $waitedMs ms begins $beginsMs ms ahead, and takes slots up to $lastMs ms',
    ({ lane, waitedMs, beginsMs, lastMs }) => {
      const at = (nextMs: number) => slotsOf(lane, ahead(nextMs), { [lane]: calls(200, waitedMs) });

      expect([at(beginsMs).at(0), at(beginsMs + 1)]).toEqual([beginsMs, []]);
      expect(at(beginsMs).at(-1)).toBe(lastMs);
    },
  );

  test('is not further for background, however long changes has waited', () => {
    const { result } = leaseOf(ahead(201), { changes: calls(1, 2000), background: calls(1) });

    expect(result.slots).toMatchObject({ changes: [NOON + 201], background: [] });
    expect(result.askAgainAtMs.background).toBe(NOON + 200);
  });

  test('a window that is full has a slot again when enough of its calls have left it, within the reach', () => {
    // 104 calls in a half second: the first of them left the window 10 s later, in a second from now.
    const full = stateOf({ granted: { fromMs: NOON - 9000, counts: [104] } });

    expect(slotsOf('urgent', full, { urgent: calls(1) })).toEqual([1100]);
    expect(slotsOf('changes', full, { changes: calls(1) })).toEqual([]);
  });

  test('a window in which one call is free has a slot now', () => {
    const nearlyFull = stateOf({ granted: { fromMs: NOON - 9000, counts: [103] } });

    expect(slotsOf('changes', nearlyFull, { changes: calls(1) })).toEqual([-100]);
  });
});

/** What is due when so many calls of a lane got their slots. */
const dueAfter = (lane: BudgetLane, count: number, due = { changes: 0, background: 0 }) =>
  leaseOf(stateOf({ due }), { [lane]: calls(count) }).state.due;

/** What two lanes get, to which one slot each is due, the next so far ahead. */
const dueAt = (ms: number) => {
  const wants = { changes: calls(2), background: calls(2) };
  return leaseOf({ ...ahead(ms), due: { changes: 1, background: 1 } }, wants).result.slots;
};

describe('what is due to lanes that were passed over', () => {
  test('is a ninth of a slot to each of them, and a slot of their own settles one', () => {
    const due = { changes: 2, background: 3 };

    expect(dueAfter('urgent', 1)).toEqual({ changes: 1 / 9, background: 1 / 9 });
    expect(dueAfter('changes', 1)).toEqual({ changes: 0, background: 1 / 9 });
    expect(dueAfter('changes', 1, due)).toEqual({ changes: 1, background: 3 + 1 / 9 });
    expect(dueAfter('background', 1, due)).toEqual({ changes: 2, background: 2 });
    expect(dueAfter('background', 1)).toEqual({ changes: 0, background: 0 });
  });

  test('is five slots at most', () => {
    expect(dueAfter('urgent', 60)).toEqual({ changes: 5, background: 5 });
  });

  test('goes to them first, only an urgent call goes before; what is near goes to whoever asked for more', () => {
    const state = stateOf({ due: { changes: 1, background: 2 } });

    const { result } = leaseOf(state, { urgent: calls(1), changes: calls(3), background: calls(3) });

    expect(result.slots).toEqual({
      urgent: [NOON - 100],
      changes: [NOON + 200, NOON + 300, NOON + 400],
      background: [NOON, NOON + 100],
    });
  });

  test('is taken however far ahead the next slot is, up to the longest wait', () => {
    expect(dueAt(11_900)).toMatchObject({ changes: [NOON + 12_000], background: [NOON + 11_900] });
    expect(dueAt(12_000)).toMatchObject({ changes: [], background: [NOON + 12_000] });
    expect(dueAt(12_001)).toMatchObject({ changes: [], background: [] });
  });
});

describe('the calls of the day', () => {
  const ALL = 900;
  const OF_BACKGROUND = 800;

  test('are granted to the last one, whichever lanes ask', () => {
    const { state, result } = leaseOf(drawn(ALL - 3), { urgent: calls(2), changes: calls(5) });

    expect(result.slots).toMatchObject({ urgent: [NOON - 100, NOON], changes: [NOON + 100] });
    expect(state.today).toEqual({ date: TODAY, calls: ALL });
    expect(state.stop).toBeUndefined();
  });

  test('used up are a stop until midnight, which begins with the lease that finds out', () => {
    const stop = { reason: 'daily', sinceMs: NOON, untilMs: MIDNIGHT };
    const before = stateOf({ today: { date: TODAY, calls: ALL }, blockedUntilMs: NOON - 5 });

    const { state, result } = leaseOf(before, { urgent: calls(1) });

    const atMidnight = { urgent: MIDNIGHT, changes: MIDNIGHT, background: MIDNIGHT };
    expect(result).toEqual({
      slots: { urgent: [], changes: [], background: [] },
      askAgainAtMs: atMidnight,
      freeAtMs: atMidnight,
      stop,
      blockedUntilMs: NOON - 5,
      hasStopped: true,
      isLearned: true,
    });
    expect(state).toMatchObject({ ...before, stop });
  });

  test('that are left to background are none from a fifth on: until midnight only the others are served', () => {
    const { state, result } = leaseOf(drawn(OF_BACKGROUND), { urgent: calls(1), background: calls(1) });

    expect(result.slots).toMatchObject({ urgent: [NOON - 100], background: [] });
    expect(result.freeAtMs).toEqual({ urgent: NOON, changes: NOON, background: MIDNIGHT });
    expect(result.askAgainAtMs).toEqual({ urgent: NOON + 200, changes: NOON + 200, background: MIDNIGHT });
    expect(state.stop).toBeUndefined();
  });

  test('of which one is left to background let it ask again when a slot is near', () => {
    const { result } = leaseOf(drawn(OF_BACKGROUND - 1), { background: calls(2) });

    expect(result.slots.background).toEqual([NOON - 100]);
    expect(result.freeAtMs.background).toBe(NOON);
    expect(result.askAgainAtMs.background).toBe(NOON + 200);
  });

  test.each([
    { date: TODAY, told: 500, after: 501, because: 'others of the portal call too' },
    { date: TODAY, told: 50, after: 101, because: 'those on the way are not in it yet' },
    { date: '2026-11-09', told: 500, after: 101, because: 'it was yesterday' },
  ])(
    'are 100 by the row: after headers told of $told on $date, and one more, they are $after: $because',
    ({ date, told, after }) => {
      const { state } = leaseOf(drawn(100), { urgent: calls(1) }, { today: { date, calls: told } });

      expect(state.today).toEqual({ date: TODAY, calls: after });
    },
  );

  test('go by the limit that HubSpot told with the last answers', () => {
    const { state, result } = leaseOf(drawn(450), { urgent: calls(1) }, { dailyLimit: 500 });

    expect(result.stop).toMatchObject({ reason: 'daily' });
    expect(state.dailyLimit).toBe(500);
  });
});

const stopUntil = (untilMs: number): Stop => ({ reason: 'unauthorised', sinceMs: NOON - MINUTE, untilMs });

describe('a stop', () => {
  test('lets nobody call before it ends, and leaves the row as it is', () => {
    const before = stateOf({ stop: stopUntil(NOON + 1), blockedUntilMs: NOON - 5 });

    const { state, result } = leaseOf(before, { urgent: calls(1) }, { limit: 50 });

    const atItsEnd = { urgent: NOON + 1, changes: NOON + 1, background: NOON + 1 };
    expect(state).toBe(before);
    expect(result).toEqual({
      slots: { urgent: [], changes: [], background: [] },
      askAgainAtMs: atItsEnd,
      freeAtMs: atItsEnd,
      stop: stopUntil(NOON + 1),
      blockedUntilMs: NOON - 5,
      hasStopped: false,
      isLearned: false,
    });
  });

  test.each<{ wants: Wants; lane: BudgetLane }>([
    { wants: { background: calls(5), changes: calls(5), urgent: calls(5) }, lane: 'urgent' },
    { wants: { background: calls(5), changes: calls(5) }, lane: 'changes' },
    { wants: { background: calls(5) }, lane: 'background' },
  ])('that is over lets one call try, of $lane where it comes first, for a minute', ({ wants, lane }) => {
    const { state, result } = leaseOf(stateOf({ stop: stopUntil(NOON) }), wants, { limit: 53 });

    const tried = { ...stopUntil(NOON), probeUntilMs: NOON - 100 + MINUTE };
    expect(result.slots).toEqual({ urgent: [], changes: [], background: [], [lane]: [NOON - 100] });
    expect(result).toMatchObject({ stop: tried, hasStopped: false, isLearned: true });
    expect(state).toMatchObject({ limit: 53, stop: tried, today: { date: TODAY, calls: 1 } });
  });

  test.each([
    { blockedMs: 12_000, slots: [12_000], because: 'it waits as long as any other' },
    { blockedMs: 12_001, slots: [], because: 'nobody waits longer' },
  ])('that is over while nobody may call for $blockedMs ms lets $slots try: $because', (given) => {
    const before = stateOf({ stop: stopUntil(NOON), blockedUntilMs: NOON + given.blockedMs });

    const { state, result } = leaseOf(before, { background: calls(1) });

    expect(result.slots.background.map((slotMs) => slotMs - NOON)).toEqual(given.slots);
    const isTried = given.slots.length > 0;
    expect(state === before).toBe(!isTried);
    expect(result).toMatchObject({ hasStopped: false, isLearned: isTried });
    expect(result.stop !== undefined).toBe(isTried);
  });
});
