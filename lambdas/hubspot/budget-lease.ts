import { type CallsOfDay, countToday, leftToday } from './budget-day.ts';
import {
  BUDGET_LANES,
  type BudgetLane,
  type BudgetSettings,
  type BudgetState,
  believable,
  callableAtMs,
  GRANT_LAPSES_MS,
  LEAST_SHARE,
  PROBE_MS,
  raiseShare,
  type Stop,
  WINDOW_MS,
} from './budget-state.ts';
import {
  allowedInWindow,
  countGrant,
  type Granted,
  grantedBetween,
  rememberedGrants,
  seeOthers,
  type WindowSeen,
} from './budget-window.ts';
import { midnightAfter } from './portal-day.ts';

/** Calls that may follow one another at once after a pause. */
const BURST = 2;
/** Nobody waits longer for a slot: who would, comes again instead. */
export const LONGEST_WAIT_MS = 12_000;

type ByLane<T> = Readonly<Record<BudgetLane, T>>;

/**
 * A lane takes slots as soon as the next free one is as near as `beginsWithinMs`, and then as far ahead as it reaches. What lies
 * further is left to others: `urgent`, whose reach is long, so finds a slot soon, and `background` comes in where `changes` would
 * have come before.
 */
const LANES: ByLane<{ readonly beginsWithinMs: number; readonly reachMs: number }> = {
  urgent: { beginsWithinMs: 10_000, reachMs: 10_000 },
  changes: { beginsWithinMs: 400, reachMs: 1000 },
  background: { beginsWithinMs: 200, reachMs: 800 },
};
/** A lane that found no slot asks again when the next one is near: not sooner, and not later: something may be due to it. */
const LEAST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2000;
/**
 * Who has waited for `changes` begins a little before others, and reaches as much further, by this part of the wait: so processes
 * take turns. After a longer wait it is half of the time: nobody is always too late.
 */
const BEFORE_OTHERS = 0.1;
const MOST_BEFORE_OTHERS_MS = 300;
const PATIENCE_MS = 4000;
/** With each slot that goes to a lane above it, so much of a slot is due to a lane: one in ten; and never more than so many at once. */
const DUE_PER_SLOT = 1 / 9;
const MOST_DUE = 5;

/** What a process learned since its last lease. */
export interface Learned {
  /** Calls HubSpot allows in any 10 s, and in a day. */
  readonly limit?: number | undefined;
  readonly dailyLimit?: number | undefined;
  readonly windows: readonly WindowSeen[];
  readonly today?: CallsOfDay | undefined;
  /** Slots that came to nothing. */
  readonly unused: readonly number[];
}

export const NOTHING_LEARNED: Learned = { windows: [], unused: [] };

/** What lanes ask for: calls, at least 1, and how long the first of them has waited. */
export type Wants = Partial<Record<BudgetLane, { readonly calls: number; readonly waitedMs: number }>>;

/** What a lease brought. */
export interface Lease {
  /** Epoch milliseconds, ascending: as many as wanted, or fewer. */
  readonly slots: ByLane<readonly number[]>;
  /** For lanes that got fewer: when to ask again, and before when surely nothing is free. */
  readonly askAgainAtMs: ByLane<number>;
  readonly freeAtMs: ByLane<number>;
  /** The stop in force. A slot that is granted nevertheless is for the one call that tries whether it is over. */
  readonly stop: Stop | undefined;
  readonly blockedUntilMs: number;
  /** The stop began with this lease. */
  readonly hasStopped: boolean;
  /** What was learned is in the state now. */
  readonly isLearned: boolean;
}

/**
 * Grants calls their slots, evenly spaced on one line for everybody. In any 10 s the calls are then at most what is allowed: the
 * slots of a window plus those that may be late, (10 s + lapse) / interval, plus the burst.
 *
 * @param timeZone - of the portal, IANA name
 * @returns the very same state when nothing was granted
 */
export function lease(
  before: BudgetState,
  settings: BudgetSettings,
  wants: Wants,
  learned: Learned,
  nowMs: number,
  timeZone: string,
): { readonly state: BudgetState; readonly result: Lease } {
  const trusted = believable(before, nowMs);
  const { stop } = trusted;
  if (stop !== undefined && nowMs < callableAtMs(stop))
    return { state: before, result: refusal(trusted, stop) };
  const state = learn(raiseShare(trusted, nowMs), learned, nowMs, timeZone);
  const line = new Timeline(state, settings, nowMs);
  if (stop !== undefined) return probe(before, stop, wants, line);
  const left = leftToday(state, settings, state.today.calls);
  const midnightMs = left.background > 0 ? undefined : midnightAfter(nowMs, timeZone);
  if (left.all <= 0 && midnightMs !== undefined) {
    const begun: Stop = { reason: 'daily', sinceMs: nowMs, untilMs: midnightMs };
    const result = { ...refusal(state, begun), hasStopped: true, isLearned: true };
    return { state: { ...state, stop: begun }, result };
  }
  line.serve(wants, left);
  const result: Lease = {
    ...line.outcome(midnightMs),
    stop: undefined,
    hasStopped: false,
    isLearned: line.hasGranted(),
  };
  return { state: line.hasGranted() ? line.state() : before, result };
}

interface Learning extends BudgetState {
  readonly granted: Granted;
  readonly today: CallsOfDay;
}

function learn(state: BudgetState, learned: Learned, nowMs: number, timeZone: string): Learning {
  let granted = rememberedGrants(state, nowMs);
  for (const slotMs of learned.unused) granted = countGrant(granted, slotMs, -1);
  const known = countToday(state, nowMs, timeZone);
  const own = Math.max(0, known.calls - learned.unused.length);
  const told = learned.today?.date === known.date ? learned.today.calls : 0;
  const { limit = state.limit, dailyLimit = state.dailyLimit } = learned;
  const others = seeOthers(state, granted, learned.windows, nowMs);
  return {
    ...state,
    granted,
    today: { date: known.date, calls: Math.max(own, told) },
    ...(limit !== undefined && { limit }),
    ...(dailyLimit !== undefined && { dailyLimit }),
    ...(others !== undefined && { others }),
  };
}

function refusal({ blockedUntilMs }: BudgetState, stop: Stop): Lease {
  const at = callableAtMs(stop);
  const all = { urgent: at, changes: at, background: at };
  return {
    slots: { urgent: [], changes: [], background: [] },
    askAgainAtMs: all,
    freeAtMs: all,
    stop,
    blockedUntilMs,
    hasStopped: false,
    isLearned: false,
  };
}

/** One call, of the first lane that wants any, tries whether a stop is over. */
function probe(
  before: BudgetState,
  stop: Stop,
  wants: Wants,
  line: Timeline,
): { readonly state: BudgetState; readonly result: Lease } {
  const lane = BUDGET_LANES.find((each) => wants[each] !== undefined);
  const slotMs = lane === undefined ? undefined : line.next(lane, LONGEST_WAIT_MS);
  const outcome = line.outcome(undefined);
  if (slotMs === undefined)
    return { state: before, result: { ...outcome, stop: undefined, hasStopped: false, isLearned: false } };
  const claimed: Stop = { ...stop, probeUntilMs: slotMs + PROBE_MS };
  return {
    state: { ...line.state(), stop: claimed },
    result: { ...outcome, stop: claimed, hasStopped: false, isLearned: true },
  };
}

/** The line of slots, as one lease moves along it. */
class Timeline {
  readonly #before: Learning;
  readonly #nowMs: number;
  readonly #allowed: number;
  readonly #intervalMs: number;
  /** How long `changes` has waited. */
  #waitedMs = 0;
  #nextMs: number;
  #granted: Granted;
  #due: Record<'changes' | 'background', number>;
  readonly #slots: Record<BudgetLane, number[]> = { urgent: [], changes: [], background: [] };

  constructor(state: Learning, settings: BudgetSettings, nowMs: number) {
    this.#before = state;
    this.#nowMs = nowMs;
    this.#granted = state.granted;
    this.#due = { changes: 0, background: 0, ...state.due };
    this.#allowed = allowedInWindow(state, settings, nowMs);
    this.#intervalMs = (WINDOW_MS + GRANT_LAPSES_MS) / ((this.#allowed - BURST) * state.share);
    // Never so far back that the grant has lapsed already.
    const burstMs = Math.min((BURST - 1) * this.#intervalMs, GRANT_LAPSES_MS / 2);
    // No lease leaves a slot further ahead than this: it comes from a clock that was wrong, and would stop everybody.
    const furthestMs = Math.max(
      state.blockedUntilMs,
      nowMs + LONGEST_WAIT_MS + this.#intervalMs * (state.share / LEAST_SHARE),
    );
    const nextSlotMs = state.nextSlotMs > furthestMs ? 0 : state.nextSlotMs;
    this.#nextMs = Math.max(nextSlotMs, nowMs - burstMs, state.blockedUntilMs);
  }

  /** Gives every lane what it may have. @param left - calls left of the day */
  serve(wants: Wants, left: { readonly all: number; readonly background: number }): void {
    this.#waitedMs = wants.changes?.waitedMs ?? 0;
    let granted = 0;
    const give = (lane: BudgetLane, most: number, reachMs: number) => {
      const leftOfDay = lane === 'background' ? left.background : left.all;
      const missing = (wants[lane]?.calls ?? 0) - this.#slots[lane].length;
      const calls = Math.min(missing, most, leftOfDay - granted);
      for (let call = 0; call < calls && this.next(lane, reachMs) !== undefined; call++) granted++;
    };
    give('urgent', Infinity, LANES.urgent.reachMs);
    give('background', Math.floor(this.#due.background), LONGEST_WAIT_MS);
    give('changes', Math.floor(this.#due.changes), LONGEST_WAIT_MS);
    if (this.#begins('changes')) give('changes', Infinity, LANES.changes.reachMs + this.#furtherMs());
    if (this.#begins('background')) give('background', Infinity, LANES.background.reachMs);
  }

  #begins(lane: BudgetLane): boolean {
    return this.#nextMs <= this.#nowMs + this.#beginsWithinMs(lane);
  }

  #beginsWithinMs(lane: BudgetLane): number {
    return LANES[lane].beginsWithinMs + (lane === 'changes' ? this.#furtherMs() : 0);
  }

  #furtherMs(): number {
    const beforeOthersMs = Math.min(MOST_BEFORE_OTHERS_MS, BEFORE_OTHERS * this.#waitedMs);
    return beforeOthersMs + Math.max(0, this.#waitedMs - PATIENCE_MS) / 2;
  }

  /** Grants the next slot. @returns undefined when it lies beyond the reach */
  next(lane: BudgetLane, reachMs: number): number | undefined {
    const furthestMs = this.#nowMs + reachMs;
    let slotMs = this.#nextMs;
    // What is allowed may have fallen since the slots of this window were granted.
    while (slotMs <= furthestMs && this.#isFull(slotMs)) slotMs += this.#intervalMs;
    if (slotMs > furthestMs) return undefined;
    this.#slots[lane].push(slotMs);
    this.#granted = countGrant(this.#granted, slotMs, 1);
    this.#nextMs = slotMs + this.#intervalMs;
    this.#settle(lane);
    return slotMs;
  }

  #isFull(slotMs: number): boolean {
    return grantedBetween(this.#granted, slotMs - WINDOW_MS, slotMs) >= this.#allowed;
  }

  #settle(lane: BudgetLane): void {
    const passedOver = BUDGET_LANES.slice(BUDGET_LANES.indexOf(lane) + 1);
    for (const each of passedOver)
      if (each !== 'urgent') this.#due[each] = Math.min(MOST_DUE, this.#due[each] + DUE_PER_SLOT);
    if (lane !== 'urgent') this.#due[lane] = Math.max(0, this.#due[lane] - 1);
  }

  hasGranted(): boolean {
    return BUDGET_LANES.some((lane) => this.#slots[lane].length > 0);
  }

  /** @param midnightMs - when nothing of the day is left to `background` */
  outcome(
    midnightMs: number | undefined,
  ): Pick<Lease, 'slots' | 'askAgainAtMs' | 'freeAtMs' | 'blockedUntilMs'> {
    const again = (lane: BudgetLane) => {
      const nearMs = this.#nextMs - this.#beginsWithinMs(lane);
      return this.#nowMs + Math.max(LEAST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, nearMs - this.#nowMs));
    };
    const freeAtMs = this.#nextMs;
    return {
      slots: this.#slots,
      askAgainAtMs: {
        urgent: again('urgent'),
        changes: again('changes'),
        background: midnightMs ?? again('background'),
      },
      freeAtMs: { urgent: freeAtMs, changes: freeAtMs, background: midnightMs ?? freeAtMs },
      blockedUntilMs: this.#before.blockedUntilMs,
    };
  }

  state(): BudgetState {
    const calls = BUDGET_LANES.reduce((sum, lane) => sum + this.#slots[lane].length, 0);
    return {
      ...this.#before,
      nextSlotMs: this.#nextMs,
      granted: this.#granted,
      due: this.#due,
      today: { date: this.#before.today.date, calls: this.#before.today.calls + calls },
    };
  }
}
