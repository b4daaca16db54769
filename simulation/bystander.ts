// Another portal in the same table: whatever happens here is no business of its rows.
import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../local/hubspot/changes.ts';
import type { CrmState } from '../local/hubspot/records.ts';
import type { MemoryTable } from './dynamodb.ts';

/** Begins as ours does: whoever looks for ours by a part of the key finds these. */
export const OTHER_PORTAL_ID = '11';
const PLACES = { contacts: '', companies: 'company#', deals: 'deal#' } as const;

/** For every record of ours it has one of the same id, half written back, due long ago. */
export class Bystander {
  readonly #table: MemoryTable;
  readonly #rows: Readonly<Record<string, unknown>>[] = [];
  /** Whether a row is written by itself just now. */
  isWriting = false;

  constructor(table: MemoryTable, state: CrmState) {
    this.#table = table;
    state.listeners.push((change) => this.#follow(change));
  }

  #follow(change: Change): void {
    if (change.kind !== 'creation') return;
    const pk = `${OTHER_PORTAL_ID}#${PLACES[change.type]}${change.id}`;
    const head = { pk, sk: '#head', rev: 3, wid: 'one', cwid: 'another', dirty: true, score: 99 };
    const keys = {
      due: `${OTHER_PORTAL_ID}#2020-01-01`,
      roll: `${OTHER_PORTAL_ID}#${change.type}`,
      id: Number(change.id),
    };
    this.#put({ ...head, ...keys });
    this.#put({ pk, sk: `signal#${change.id}`, name: 'signal:product.login' });
  }

  #put(row: Readonly<Record<string, unknown>>): void {
    this.isWriting = true;
    this.#table.put(row);
    this.isWriting = false;
    this.#rows.push(row);
  }

  /** What of it is not as it was. */
  changed(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
    const found = new Map(
      rows.filter(({ pk }) => String(pk).startsWith(`${OTHER_PORTAL_ID}#`)).map((row) => [placeOf(row), row]),
    );
    const missing = this.#rows.filter((row) => !isDeepStrictEqual(row, found.get(placeOf(row)))).map(placeOf);
    const more = found.size === this.#rows.length ? [] : [`${found.size - this.#rows.length} rows more`];
    return [...missing, ...more];
  }
}

function placeOf({ pk, sk }: Readonly<Record<string, unknown>>): string {
  return `${String(pk)} ${String(sk)}`;
}
