import { compareTexts, compareValues, type KeyValue, type Row, sizeAtMost } from './values.ts';

/** A place in the table, or in an index of it: under `hash`, by `range`, then by the keys of the row. */
export interface Place {
  readonly hash: string;
  readonly range: KeyValue;
  readonly pk: string;
  readonly sk: string;
}

/** A row in its place. */
export interface Entry extends Place {
  readonly row: Row;
  /** Bytes that it has at most. */
  readonly sizeAtMost: number;
}

export function entryOf(place: Place, row: Row): Entry {
  const { hash, range, pk, sk } = place;
  return { hash, range, pk, sk, row, sizeAtMost: sizeAtMost(row) };
}

interface Partition {
  readonly hash: string;
  /** In their order. */
  readonly entries: Entry[];
  /** Raised by every change of which entries there are, so that who reads knows whether a place still is where it was. */
  version: number;
}

/** Where a range key lies of what is asked for: below, in it, or above. */
export type Side = (range: KeyValue) => number;

/** Reads on from where it is, whatever was written since. */
export interface Cursor {
  next(): Entry | undefined;
}

/** Rows in partitions, each in order: the table itself, an index, or what an eventually consistent reading sees of either. */
export class View {
  readonly #partitions = new Map<string, Partition>();
  /** In the order of a scan. */
  #order: Partition[] = [];
  #isInOrder = true;

  get(place: Place): Entry | undefined {
    const partition = this.#partitions.get(place.hash);
    if (partition === undefined) return undefined;
    const { entries } = partition;
    const found = entries[search(entries, (entry) => compare(entry, place) >= 0)];
    return found !== undefined && compare(found, place) === 0 ? found : undefined;
  }

  put(entry: Entry): void {
    const partition = this.#partitionOf(entry.hash);
    const { entries } = partition;
    const at = search(entries, (one) => compare(one, entry) >= 0);
    const there = entries[at];
    if (there !== undefined && compare(there, entry) === 0) {
      entries[at] = entry;
      return;
    }
    entries.splice(at, 0, entry);
    partition.version += 1;
  }

  remove(place: Place): void {
    const partition = this.#partitions.get(place.hash);
    if (partition === undefined) return;
    const at = search(partition.entries, (entry) => compare(entry, place) >= 0);
    const there = partition.entries[at];
    if (there === undefined || compare(there, place) !== 0) return;
    partition.entries.splice(at, 1);
    partition.version += 1;
  }

  #partitionOf(hash: string): Partition {
    const known = this.#partitions.get(hash);
    if (known !== undefined) return known;
    const partition = { hash, entries: [], version: 0 };
    this.#partitions.set(hash, partition);
    this.#order.push(partition);
    this.#isInOrder = false;
    return partition;
  }

  /** All entries, those of a partition in order. */
  *all(): Generator<Entry> {
    for (const { entries } of this.#partitions.values()) yield* entries;
  }

  /** Part of a partition, from one end. @param after - begins behind this place, seen from that end */
  range(hash: string, side: Side, isForward: boolean, after: Place | undefined): Cursor {
    const find = isForward ? firstIndex : lastIndex;
    const step = isForward ? 1 : -1;
    let last = after;
    let at = -1;
    let version = -1;
    return {
      next: () => {
        const partition = this.#partitions.get(hash);
        if (partition === undefined) return undefined;
        at = version === partition.version ? at + step : find(partition.entries, side, last);
        ({ version } = partition);
        const entry = partition.entries[at];
        if (entry === undefined || side(entry.range) !== 0) {
          version = -1; // What is written behind the end before somebody asks again is found.
          return undefined;
        }
        last = entry;
        return entry;
      },
    };
  }

  /** Everything, partition by partition, in an order that says nothing of their names. */
  scan(after: Place | undefined): Cursor {
    let last = after;
    const next = (): Entry | undefined => {
      const order = this.#inOrder();
      let at = last === undefined ? 0 : partitionFrom(order, last.hash);
      let behind = order[at]?.hash === last?.hash ? last : undefined;
      for (; at < order.length; at++) {
        const entries = order[at]?.entries ?? [];
        const entry = entries[firstIndex(entries, everything, behind)];
        behind = undefined;
        if (entry !== undefined) {
          last = entry;
          return entry;
        }
      }
      return undefined;
    };
    return { next };
  }

  #inOrder(): readonly Partition[] {
    if (!this.#isInOrder) this.#order = this.#order.toSorted((a, b) => compareScattered(a.hash, b.hash));
    this.#isInOrder = true;
    return this.#order;
  }
}

const everything: Side = () => 0;

function firstIndex(entries: readonly Entry[], side: Side, after: Place | undefined): number {
  if (after === undefined) return search(entries, ({ range }) => side(range) >= 0);
  return search(entries, (entry) => side(entry.range) >= 0 && compare(entry, after) > 0);
}

function lastIndex(entries: readonly Entry[], side: Side, before: Place | undefined): number {
  if (before === undefined) return search(entries, ({ range }) => side(range) > 0) - 1;
  return search(entries, (entry) => side(entry.range) > 0 || compare(entry, before) >= 0) - 1;
}

/** @returns the first index of which it holds, as it does of all behind; the length where it holds of none */
function search<T>(list: readonly T[], holds: (one: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const one = list[middle];
    if (one === undefined || holds(one)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Rows of an index with the same range key stand in an order that DynamoDB does not tell: here, in none that looks like one. */
function compare(a: Place, b: Place): number {
  return compareValues(a.range, b.range) || compareScattered(a.pk, b.pk) || compareTexts(a.sk, b.sk);
}

function partitionFrom(order: readonly Partition[], hash: string): number {
  return search(order, (partition) => compareScattered(partition.hash, hash) >= 0);
}

export function compareScattered(a: string, b: string): number {
  return a === b ? 0 : scattered(a) - scattered(b) || compareTexts(a, b);
}

/** FNV-1a of a text, which scatters those that are alike. */
function scattered(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
