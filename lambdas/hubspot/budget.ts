import { type CallsOfDay, seenToday } from './budget-day.ts';
import {
  type Learned,
  type Lease,
  LONGEST_WAIT_MS,
  lease,
  NOTHING_LEARNED,
  type Wants,
} from './budget-lease.ts';
import {
  BUDGET_LANES,
  type BudgetLane,
  type BudgetSettings,
  type BudgetState,
  block,
  callableAtMs,
  GRANT_LAPSES_MS,
  isOverBy,
  release,
  resume,
  type Stop,
  type StopReason,
  stop,
} from './budget-state.ts';
import { type BudgetUsage, usageOf } from './budget-usage.ts';

/** How often a call whose grant came to nothing is granted another. */
const GRANTS_PER_CALL = 3;
/** Slots a process takes beyond what waits in it, while all that it takes is used. */
const MOST_AHEAD = 8;
/** Where more than so many asked at once, one lease serves them all, and none will ask again before their answers are in. */
const FEW_AT_ONCE = 8;
/** After something that was taken ahead lapsed unused, so many leases take none ahead. */
const LEASES_WITHOUT = 16;
/** A stop is taken from memory so long before its row is asked again: an operator may have lifted it. */
const STOP_KNOWN_MS = 60_000;
/** Windows that are told with one lease: more say the same. */
const MOST_WINDOWS = 20;

/** Where the budget's state is kept. */
export interface BudgetStore {
  read(): Promise<BudgetState>;
  /**
   * `change` runs on the newest state, perhaps more than once, and is stored only if nobody stored in between; the very same state
   * is not stored again.
   */
  update<T>(change: (state: BudgetState) => { readonly state: BudgetState; readonly result: T }): Promise<T>;
}

/** Nothing is granted for a while: the work is to come again later. */
export class BudgetExhaustedError extends Error {
  override readonly name = 'BudgetExhaustedError';
  /** Epoch milliseconds of the next slot that is free. */
  readonly freeAtMs: number;

  constructor(freeAtMs: number) {
    super('no call is free in the next seconds');
    this.freeAtMs = freeAtMs;
  }
}

/** Nobody calls HubSpot for this portal: the work is to come again when that is over. */
export class PortalStoppedError extends Error {
  override readonly name = 'PortalStoppedError';
  readonly reason: StopReason;
  /** Epoch milliseconds before which nobody calls. */
  readonly untilMs: number;

  constructor(reason: StopReason, untilMs: number) {
    super(`the portal is stopped: ${reason}`);
    this.reason = reason;
    this.untilMs = untilMs;
  }
}

/** Leave for one call. */
export interface Grant {
  /** Epoch milliseconds. */
  readonly slotMs: number;
  /** The stop of which this call finds out whether it is over. */
  readonly probes?: Stop | undefined;
}

export interface BudgetOptions {
  readonly clock: () => number;
  /** Of the portal, IANA name: its day begins at its midnight. */
  readonly timeZone: () => string;
  /** Told of every stop that this process began, or made longer. */
  readonly onStopped?: (stop: Stop) => void;
  /** Sees to it that what was left undone is done; awaited before the stop is lifted, so a crash in between repeats it. */
  readonly onResumed?: (stop: Stop) => Promise<void>;
}

interface Waiter {
  readonly sinceMs: number;
  readonly grant: (grant: Grant) => void;
  readonly refuse: (error: unknown) => void;
}

/** One lane within this process. */
interface Lane {
  readonly waiting: Waiter[];
  /** Slots taken ahead, ascending. */
  slots: number[];
  /** How many the next lease takes ahead, and how many leases are to take none. */
  ahead: number;
  without: number;
  askAgainAtMs: number;
}

function emptyLane(): Lane {
  return { waiting: [], slots: [], ahead: 0, without: 0, askAgainAtMs: 0 };
}

/** Draws on the shared budget. Callers that wait at the same time are served by one lease. */
export class Budget {
  readonly #store: BudgetStore;
  readonly #settings: BudgetSettings;
  readonly #options: BudgetOptions;
  readonly #lanes: Readonly<Record<BudgetLane, Lane>>;
  #isLeasing = false;
  #timer: NodeJS.Timeout | undefined;
  #learned: Learned = NOTHING_LEARNED;
  /** What this process knows of the block; grants from before it are void. */
  #blockedUntilMs = 0;
  #stop: { readonly stop: Stop; readonly knownAtMs: number } | undefined;
  #usage: BudgetUsage | undefined;

  constructor(store: BudgetStore, settings: BudgetSettings, options: BudgetOptions) {
    this.#store = store;
    this.#settings = settings;
    this.#options = options;
    this.#lanes = { urgent: emptyLane(), changes: emptyLane(), background: emptyLane() };
  }

  /**
   * Waits until one call may be made; about 12 s at most.
   *
   * @throws BudgetExhaustedError when the next free slot lies further ahead
   * @throws PortalStoppedError when nobody is to call
   */
  async take(lane: BudgetLane): Promise<Grant> {
    const { clock } = this.#options;
    const sinceMs = clock();
    for (let grants = 0; grants < GRANTS_PER_CALL; grants++) {
      this.#refuseWhileStopped();
      const slotMs = this.#takenAhead(this.#lanes[lane]);
      const grant = slotMs === undefined ? await this.#ask(lane, sinceMs) : { slotMs };
      const waitMs = grant.slotMs - clock();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const isLate = clock() - grant.slotMs > GRANT_LAPSES_MS; // While this process was busy.
      const isVoid = grant.probes === undefined && this.#stopInForce() !== undefined;
      if (!isLate && !isVoid && grant.slotMs >= this.#blockedUntilMs) return grant;
      this.#noteUnused([grant.slotMs]);
    }
    throw new BudgetExhaustedError(Math.max(clock(), this.#blockedUntilMs));
  }

  /** The stop in force, with the instant before which nobody calls; undefined when one may, if only to try. */
  async stopped(): Promise<Stop | undefined> {
    const known = this.#stopInForce();
    if (known !== undefined) return known;
    const state = await this.#store.read();
    this.#noteUsage(state);
    this.#know(state.stop);
    return this.#stopInForce();
  }

  /**
   * How much of the limits was used since this was last asked: of the window the highest, of the day the newest.
   *
   * @returns undefined when the shared state was not looked at since then; no call is made to find out
   */
  takeUsage(): BudgetUsage | undefined {
    const usage = this.#usage;
    this.#usage = undefined;
    return usage;
  }

  #noteUsage(state: BudgetState): void {
    const { clock, timeZone } = this.#options;
    const { windowPercent, dayPercent } = usageOf(state, this.#settings, clock(), timeZone());
    const highest = Math.max(windowPercent, this.#usage?.windowPercent ?? 0);
    this.#usage = { windowPercent: highest, dayPercent };
  }

  /** Notes what HubSpot says of its limits: it goes with the next lease. @param headers - of an answer, names in lower case */
  learn({ slotMs }: Grant, headers: Readonly<Record<string, string>>): void {
    const limit = countIn(headers, 'x-hubspot-ratelimit-max');
    const remaining = countIn(headers, 'x-hubspot-ratelimit-remaining');
    const dailyLimit = countIn(headers, 'x-hubspot-ratelimit-daily');
    const dailyRemaining = countIn(headers, 'x-hubspot-ratelimit-daily-remaining');
    const { clock, timeZone } = this.#options;
    if (limit !== undefined && limit > 0) {
      const seen =
        remaining === undefined ? [] : [{ used: Math.max(0, limit - remaining), limit, atMs: slotMs }];
      const windows = [...this.#learned.windows, ...seen].slice(-MOST_WINDOWS);
      this.#learned = { ...this.#learned, limit, windows };
    }
    if (dailyLimit !== undefined && dailyLimit > 0) {
      this.#learned = { ...this.#learned, dailyLimit };
      if (dailyRemaining === undefined) return;
      const today = seenToday(dailyLimit, dailyRemaining, slotMs, clock(), timeZone());
      if (today !== undefined)
        this.#learned = { ...this.#learned, today: moreOf(today, this.#learned.today) };
    }
  }

  /**
   * HubSpot answered a call as it does when nothing is stopped. Lifts the stop if the call was made to find out, and could.
   *
   * @param call - what kind of call it was, as in `stop`
   */
  async succeeded(grant: Grant, call: string): Promise<void> {
    const { probes } = grant;
    if (probes === undefined) return;
    if (!isOverBy(call, probes, this.#options.clock())) return this.release(grant);
    await this.#options.onResumed?.(probes);
    const left = await this.#store.update((before) => {
      const state = resume(before, probes);
      return { state, result: state.stop };
    });
    this.#know(left);
  }

  /** A call that was made to try found out nothing: another may try at once. */
  async release({ probes }: Grant): Promise<void> {
    if (probes === undefined) return;
    const left = await this.#store.update((before) => {
      const state = release(before, probes);
      return { state, result: state.stop };
    });
    this.#know(left);
  }

  /** A 429 of the window came. @param untilMs - epoch milliseconds before which nobody is to call */
  async block(untilMs: number): Promise<void> {
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, untilMs);
    const { clock } = this.#options;
    await this.#store.update((state) => ({ state: block(state, untilMs, clock()), result: undefined }));
  }

  /**
   * Nobody is to call.
   *
   * @param untilMs - epoch milliseconds after which one call may try
   * @param refusedCall - the kind of call that was refused, where others may be taken
   */
  async stop(reason: StopReason, untilMs: number, refusedCall?: string): Promise<void> {
    const { clock, onStopped } = this.#options;
    const { begun, isNew } = await this.#store.update((before) => {
      const state = stop(before, { reason, untilMs, refusedCall }, clock());
      return { state, result: { begun: state.stop, isNew: state !== before } };
    });
    this.#know(begun);
    if (isNew && begun !== undefined) onStopped?.(begun);
  }

  #know(known: Stop | undefined): void {
    this.#stop = known && { stop: known, knownAtMs: this.#options.clock() };
  }

  /** Of what this process knows. */
  #stopInForce(): Stop | undefined {
    if (this.#stop === undefined) return undefined;
    const nowMs = this.#options.clock();
    const { stop: known, knownAtMs } = this.#stop;
    const untilMs = callableAtMs(known);
    return nowMs < untilMs && nowMs < knownAtMs + STOP_KNOWN_MS ? { ...known, untilMs } : undefined;
  }

  #refuseWhileStopped(): void {
    const known = this.#stopInForce();
    if (known !== undefined) throw new PortalStoppedError(known.reason, known.untilMs);
  }

  #takenAhead(lane: Lane): number | undefined {
    const oldestMs = Math.max(this.#options.clock() - GRANT_LAPSES_MS, this.#blockedUntilMs);
    const lapsed = lane.slots.filter((slotMs) => slotMs < oldestMs);
    if (lapsed.length > 0) {
      lane.slots = lane.slots.slice(lapsed.length);
      lane.ahead = 0;
      lane.without = LEASES_WITHOUT;
      this.#noteUnused(lapsed);
    }
    return lane.slots.shift();
  }

  #noteUnused(slots: readonly number[]): void {
    this.#learned = { ...this.#learned, unused: [...this.#learned.unused, ...slots] };
  }

  #ask(lane: BudgetLane, sinceMs: number): Promise<Grant> {
    return new Promise((grant, refuse) => {
      this.#lanes[lane].waiting.push({ sinceMs, grant, refuse });
      void this.#leaseInTurn();
    });
  }

  async #leaseInTurn(): Promise<void> {
    if (this.#isLeasing) return;
    this.#isLeasing = true;
    clearTimeout(this.#timer);
    try {
      for (;;) {
        await Promise.resolve(); // Whoever asks in the same breath is served by the same lease.
        const waiting = BUDGET_LANES.filter((lane) => this.#lanes[lane].waiting.length > 0);
        const nowMs = this.#options.clock();
        const asking = waiting.filter((lane) => this.#lanes[lane].askAgainAtMs <= nowMs);
        if (asking.length > 0) await this.#lease(asking);
        else {
          const nextMs = Math.min(...waiting.map((lane) => this.#lanes[lane].askAgainAtMs));
          if (waiting.length > 0)
            this.#timer = setTimeout(() => void this.#leaseInTurn(), Math.ceil(nextMs - nowMs));
          return;
        }
      }
    } finally {
      this.#isLeasing = false;
    }
  }

  async #lease(asking: readonly BudgetLane[]): Promise<void> {
    const { clock, timeZone, onStopped } = this.#options;
    const learned = this.#learned;
    this.#learned = NOTHING_LEARNED;
    const wants = this.#wants(asking);
    let leased: Lease;
    try {
      const outcome = await this.#store.update((before) => {
        const { state, result } = lease(before, this.#settings, wants, learned, clock(), timeZone());
        return { state, result: { state, result } };
      });
      this.#noteUsage(outcome.state);
      leased = outcome.result;
    } catch (error) {
      this.#learned = joined(learned, this.#learned);
      for (const lane of asking) for (const { refuse } of this.#lanes[lane].waiting.splice(0)) refuse(error);
      return;
    }
    if (!leased.isLearned) this.#learned = joined(learned, this.#learned);
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, leased.blockedUntilMs);
    this.#know(leased.stop);
    for (const lane of asking) this.#serve(lane, leased, wants[lane]?.calls ?? 0);
    if (leased.hasStopped && leased.stop !== undefined) onStopped?.(leased.stop);
  }

  #wants(asking: readonly BudgetLane[]): Wants {
    const nowMs = this.#options.clock();
    const wants: Wants = {};
    for (const name of asking) {
      const { waiting, ahead } = this.#lanes[name];
      const waitedMs = nowMs - (waiting[0]?.sinceMs ?? nowMs);
      wants[name] = { calls: waiting.length + ahead, waitedMs };
    }
    return wants;
  }

  /** @param wanted - calls that were asked for; who came since then is to be asked for at once */
  #serve(name: BudgetLane, leased: Lease, wanted: number): void {
    const lane = this.#lanes[name];
    const nowMs = this.#options.clock();
    const { stop: inForce } = leased;
    const slots = [...leased.slots[name]];
    const isShort = slots.length < wanted;
    const isBulk = lane.waiting.length > FEW_AT_ONCE;
    while (slots.length > 0 && lane.waiting.length > 0) {
      const waiter = lane.waiting.shift();
      const slotMs = slots[0] ?? nowMs;
      if (waiter === undefined) break;
      if (slotMs > waiter.sinceMs + LONGEST_WAIT_MS) waiter.refuse(new BudgetExhaustedError(slotMs));
      else waiter.grant({ slotMs: slots.shift() ?? slotMs, probes: inForce });
    }
    lane.slots.push(...slots);
    // More with every lease while all that was taken ahead is used.
    if (lane.without > 0) lane.without--;
    else if (!isBulk) lane.ahead = Math.min(MOST_AHEAD, Math.max(1, 2 * lane.ahead));
    const freeAtMs = leased.freeAtMs[name];
    const left = lane.waiting.splice(0);
    for (const waiter of left) {
      if (inForce !== undefined) waiter.refuse(new PortalStoppedError(inForce.reason, callableAtMs(inForce)));
      else if (freeAtMs > waiter.sinceMs + LONGEST_WAIT_MS) waiter.refuse(new BudgetExhaustedError(freeAtMs));
      else lane.waiting.push(waiter);
    }
    lane.askAgainAtMs = isShort && lane.waiting.length > 0 ? leased.askAgainAtMs[name] : 0;
  }
}

function countIn(headers: Readonly<Record<string, string>>, name: string): number | undefined {
  const text = headers[name] ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function moreOf(one: CallsOfDay, other: CallsOfDay | undefined): CallsOfDay {
  return other !== undefined && other.date === one.date && other.calls > one.calls ? other : one;
}

/** What was learned earlier and could not be told, with what was learned since. */
function joined(earlier: Learned, later: Learned): Learned {
  return {
    limit: later.limit ?? earlier.limit,
    dailyLimit: later.dailyLimit ?? earlier.dailyLimit,
    windows: [...earlier.windows, ...later.windows].slice(-MOST_WINDOWS),
    today: later.today === undefined ? earlier.today : moreOf(later.today, earlier.today),
    unused: [...earlier.unused, ...later.unused],
  };
}
