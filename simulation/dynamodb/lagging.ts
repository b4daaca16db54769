import { type Entry, type Place, View } from './view.ts';

/** Changes that wait before those are done that are due. */
const SETTLE_AT = 1_000;

interface Change {
  /** Epoch milliseconds from which it is seen. */
  readonly atMs: number;
  readonly before: Place | undefined;
  readonly after: Entry | undefined;
}

/** When a change is seen by those who read without asking for consistency: of one row in the order of its changes. */
export class LaggingView {
  readonly #view = new View();
  readonly #clock: () => number;
  readonly #lagMs: (() => number) | undefined;
  #pending: Change[] = [];
  /** When the last change of a row is seen. */
  readonly #lastAtMs = new Map<string, number>();

  constructor(clock: () => number, lagMs: (() => number) | undefined) {
    this.#clock = clock;
    this.#lagMs = lagMs;
  }

  /** Where nobody reads, what came long ago is not kept for ever. */
  #settleAt = SETTLE_AT;

  change(before: Place | undefined, after: Entry | undefined): void {
    this.#pending.push({ atMs: this.#atMs(before ?? after), before, after });
    if (this.#pending.length < this.#settleAt) return;
    this.seen();
    this.#settleAt = SETTLE_AT + 2 * this.#pending.length;
  }

  #atMs(place: Place | undefined): number {
    if (this.#lagMs === undefined || place === undefined) return Number.NEGATIVE_INFINITY;
    const row = `${place.pk} ${place.sk}`;
    const atMs = Math.max(this.#clock() + this.#lagMs(), this.#lastAtMs.get(row) ?? 0);
    this.#lastAtMs.set(row, atMs);
    return atMs;
  }

  /** As it is seen now. */
  seen(): View {
    if (this.#pending.length === 0) return this.#view;
    const nowMs = this.#clock();
    const due = this.#pending.filter(({ atMs }) => atMs <= nowMs);
    if (due.length === this.#pending.length) this.#lastAtMs.clear();
    this.#pending = this.#pending.filter(({ atMs }) => atMs > nowMs);
    // Those of the same moment stay in the order in which they came.
    for (const { before, after } of due.toSorted((a, b) => a.atMs - b.atMs)) {
      if (before !== undefined) this.#view.remove(before);
      if (after !== undefined) this.#view.put(after);
    }
    return this.#view;
  }
}
