/** HubSpot counts calls per app token in any 10 seconds (developers.hubspot.com, "API usage guidelines", read 2026-11). */
const WINDOW_MS = 10_000;
/** Calls that may follow one another at once after a pause. */
const BURST = 2;
/** How long after its slot a grant may still be used: what comes later would count in a later window. */
export const GRANT_LAPSES_MS = 250;
/** Furthest slot that is granted: who would wait longer comes again instead. */
const FURTHEST_SLOT_MS = 12_000;
/** After a 429 the rate is halved, never below this share of what is allowed, and rises by a tenth with every clean window. */
const LEAST_SHARE = 0.1;
const SHARE_STEP = 0.1;
/** How often a call whose grant came to nothing is granted another. */
const GRANTS_PER_CALL = 3;

/** The state of a portal's budget, shared by everybody who calls HubSpot with its token. */
export interface BudgetState {
  /** Epoch milliseconds of the next free slot. */
  readonly nextSlotMs: number;
  /** No call before this instant; epoch milliseconds. */
  readonly blockedUntilMs: number;
  /** Share of the allowed rate in use, 0 to 1. */
  readonly share: number;
  /** When the share was last changed; epoch milliseconds. */
  readonly shareSetAtMs: number;
  /** Calls HubSpot allows in any 10 s, as its headers say; undefined until a header was seen. */
  readonly limit?: number | undefined;
}

/** A budget nobody has drawn on. */
export const FULL_BUDGET: BudgetState = {
  nextSlotMs: 0,
  blockedUntilMs: 0,
  share: 1,
  shareSetAtMs: 0,
};

export interface BudgetSettings {
  /** Calls allowed in any 10 s while no header has told. */
  readonly limit: number;
  /** Of these, calls left to other users of the token. */
  readonly reserve: number;
}

/**
 * Grants calls their slots, evenly spaced. In any 10 s the calls are then at most `limit - reserve`: slots of a window plus
 * those that may be late, (10 s + lapse) / interval, plus the burst.
 *
 * @param count - calls wanted, at least 1
 * @returns the slots in epoch milliseconds, fewer than wanted or none when they would lie too far ahead, and the state after
 */
export function leaseSlots(
  state: BudgetState,
  settings: BudgetSettings,
  count: number,
  nowMs: number,
): { readonly slots: readonly number[]; readonly state: BudgetState } {
  const risen = raiseShare(state, nowMs);
  const allowed = Math.max(BURST + 1, (risen.limit ?? settings.limit) - settings.reserve);
  const intervalMs = (WINDOW_MS + GRANT_LAPSES_MS) / ((allowed - BURST) * risen.share);
  // Never so far back that the grant has lapsed already.
  const burstMs = Math.min((BURST - 1) * intervalMs, GRANT_LAPSES_MS / 2);
  // No lease leaves a slot further ahead than this: it comes from a clock that was wrong, and would stop everybody.
  const furthestMs = Math.max(
    risen.blockedUntilMs,
    nowMs + FURTHEST_SLOT_MS + intervalMs * (risen.share / LEAST_SHARE),
  );
  const nextSlotMs = risen.nextSlotMs > furthestMs ? 0 : risen.nextSlotMs;
  const start = Math.max(nextSlotMs, nowMs - burstMs, risen.blockedUntilMs);
  const slots: number[] = [];
  for (let slot = start; slots.length < count && slot <= nowMs + FURTHEST_SLOT_MS; slot += intervalMs)
    slots.push(slot);
  return { slots, state: { ...risen, nextSlotMs: start + slots.length * intervalMs } };
}

function raiseShare(state: BudgetState, nowMs: number): BudgetState {
  if (state.share >= 1) return state;
  const windows = Math.floor((nowMs - state.shareSetAtMs) / WINDOW_MS);
  if (windows < 1) return state;
  return { ...state, share: Math.min(1, state.share + windows * SHARE_STEP), shareSetAtMs: nowMs };
}

/**
 * A 429 came: nobody calls before the window is over, and then at half the rate. Further 429s of calls that were under way
 * tell nothing new.
 *
 * @param untilMs - epoch milliseconds
 */
export function block(state: BudgetState, untilMs: number, nowMs: number): BudgetState {
  const blockedUntilMs = Math.max(state.blockedUntilMs, untilMs);
  const isKnown = nowMs < state.blockedUntilMs;
  const share = isKnown ? state.share : Math.max(LEAST_SHARE, state.share / 2);
  return { ...state, blockedUntilMs, share, shareSetAtMs: blockedUntilMs };
}

/** Milliseconds from a 429 until the rolling window has surely forgotten the calls that filled it. */
export const WINDOW_PASSES_MS = WINDOW_MS + GRANT_LAPSES_MS;

/** Where the budget's state is kept: `change` runs on the newest state and is stored only if nobody stored in between. */
export interface BudgetStore {
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

/** Draws on the shared budget. Callers that wait at the same time are served by one lease. */
export class Budget {
  readonly #store: BudgetStore;
  readonly #settings: BudgetSettings;
  readonly #clock: () => number;
  #waiting: { readonly grant: (slot: number) => void; readonly refuse: (error: unknown) => void }[] = [];
  #isLeasing = false;
  /** What this process knows of the block; grants from before it are void. */
  #blockedUntilMs = 0;
  /** The limit last told to the store. */
  #limit: number | undefined;

  constructor(store: BudgetStore, settings: BudgetSettings, clock: () => number) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
  }

  /**
   * Waits until one call may be made; at most about 12 s for a grant.
   *
   * @throws BudgetExhaustedError when the next free slot lies further ahead
   */
  async take(): Promise<void> {
    for (let grants = 0; grants < GRANTS_PER_CALL; grants++) {
      const slot = await new Promise<number>((grant, refuse) => {
        this.#waiting.push({ grant, refuse });
        void this.#lease();
      });
      const waitMs = slot - this.#clock();
      if (waitMs > 0) await new Promise((resume) => setTimeout(resume, waitMs));
      const hasLapsed = this.#clock() - slot > GRANT_LAPSES_MS; // While this process was busy.
      if (!hasLapsed && slot >= this.#blockedUntilMs) return;
    }
    throw new BudgetExhaustedError(Math.max(this.#clock(), this.#blockedUntilMs));
  }

  async #lease(): Promise<void> {
    if (this.#isLeasing) return;
    this.#isLeasing = true;
    try {
      while (this.#waiting.length > 0) {
        await Promise.resolve(); // Whoever asks in the same breath is served by the same lease.
        const waiting = this.#waiting.splice(0);
        try {
          const { slots, state } = await this.#store.update((before) => {
            const leased = leaseSlots(before, this.#settings, waiting.length, this.#clock());
            return { state: leased.state, result: leased };
          });
          this.#blockedUntilMs = Math.max(this.#blockedUntilMs, state.blockedUntilMs);
          for (const [at, { grant, refuse }] of waiting.entries()) {
            const slot = slots[at];
            if (slot === undefined) refuse(new BudgetExhaustedError(state.nextSlotMs));
            else grant(slot);
          }
        } catch (error) {
          for (const { refuse } of waiting) refuse(error);
        }
      }
    } finally {
      this.#isLeasing = false;
    }
  }

  /** Corrects the budget by what HubSpot says. @param headers - of an answer, names in lower case */
  async learn(headers: Readonly<Record<string, string>>): Promise<void> {
    const limit = Number(headers['x-hubspot-ratelimit-max']);
    if (!Number.isInteger(limit) || limit <= 0 || limit === this.#limit) return;
    this.#limit = limit;
    await this.#store.update((state) => ({ state: { ...state, limit }, result: undefined }));
  }

  /** A 429 came. @param untilMs - epoch milliseconds before which nobody is to call */
  async block(untilMs: number): Promise<void> {
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, untilMs);
    await this.#store.update((state) => ({ state: block(state, untilMs, this.#clock()), result: undefined }));
  }
}
