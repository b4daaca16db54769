// The end of records: merged into a new one, deleted, restored, erased.
import { associationTypes, moveAssociations } from './associations.ts';
import { A_USER } from './changes.ts';
import type { ObjectType } from './object-types.ts';
import {
  type CrmState,
  currentValue,
  emptyRecord,
  indexAllUnique,
  liveRecord,
  noteState,
  raise,
  type StoredRecord,
  uniqueConflict,
  type WriteOptions,
} from './records.ts';

/** More merges than this on one record are refused (HubSpot's changelog on merging, read November 2026). */
const MAX_MERGES = 250;

export type MergeOutcome =
  | { readonly record: StoredRecord }
  | { readonly refused: 'not-found' | 'same' | 'too-many' };

/**
 * Merges two records into a new one with a new id. The primary's values win, the other's fill the gaps, both old ids
 * live on as aliases of the new one.
 */
export function mergeRecords(
  state: CrmState,
  type: ObjectType,
  primaryId: string,
  otherId: string,
  options: WriteOptions = {},
): MergeOutcome {
  const primary = liveRecord(state, type, primaryId);
  const other = liveRecord(state, type, otherId);
  if (primary === undefined || other === undefined) return { refused: 'not-found' };
  if (primaryId === otherId) return { refused: 'same' };
  const oldIds = [...mergedIds(primary), primaryId, ...mergedIds(other), otherId];
  if (oldIds.length > MAX_MERGES) return { refused: 'too-many' };

  const atMs = options.atMs ?? state.clock();
  const source = options.source ?? A_USER;
  const merged = emptyRecord(state, type, Math.min(primary.createdAtMs, other.createdAtMs));
  merged.updatedAtMs = Math.max(atMs, primary.updatedAtMs, other.updatedAtMs);
  noteState(state, merged);
  const propertiesMoved = unite(merged, primary, other);
  merged.versions.set('hs_merged_object_ids', [{ value: oldIds.join(';'), atMs, source }]);
  retire(state, type, primary, merged.id);
  retire(state, type, other, merged.id);
  indexAllUnique(state, type, merged, true);
  if (type === 'contacts') keepSecondaryEmails(state, merged, other);
  const hasCompany = hasPrimaryCompany(state, type, primaryId);
  moveAssociations(state, { type, id: primaryId }, { type, id: merged.id }, true);
  moveAssociations(state, { type, id: otherId }, { type, id: merged.id }, !hasCompany);
  raise(state, {
    kind: 'merge',
    type,
    id: merged.id,
    atMs,
    source,
    primaryId,
    mergedId: otherId,
    propertiesMoved,
  });
  return { record: merged };
}

function hasPrimaryCompany(state: CrmState, type: ObjectType, id: string): boolean {
  const primary = associationTypes(type, 'companies')?.primary;
  const companies = [...(state.associations.get(`${type}:${id}`) ?? [])];
  return companies.some(([, typeIds]) => primary !== undefined && typeIds.has(primary));
}

function mergedIds(record: StoredRecord): string[] {
  return currentValue(record, 'hs_merged_object_ids')
    .split(';')
    .filter((id) => id !== '');
}

/** Fills the merged record, and says how many of the other's values it took. */
function unite(merged: StoredRecord, primary: StoredRecord, other: StoredRecord): number {
  let moved = 0;
  for (const [name, versions] of primary.versions) merged.versions.set(name, [...versions]);
  for (const [name, versions] of other.versions) {
    if (currentValue(merged, name) !== '' || (versions[0]?.value ?? '') === '') continue;
    merged.versions.set(name, [...versions]);
    moved++;
  }
  return moved;
}

function retire(state: CrmState, type: ObjectType, record: StoredRecord, newId: string): void {
  const store = state.stores[type];
  indexAllUnique(state, type, record, false);
  store.records.delete(record.id);
  store.aliases.set(record.id, newId);
}

function keepSecondaryEmails(state: CrmState, merged: StoredRecord, other: StoredRecord): void {
  const { secondaryEmails } = state.stores.contacts;
  for (const [address, id] of secondaryEmails) {
    if (state.stores.contacts.aliases.get(id) === merged.id) secondaryEmails.set(address, merged.id);
  }
  const address = currentValue(other, 'email');
  if (address !== '' && address !== currentValue(merged, 'email')) secondaryEmails.set(address, merged.id);
  const all = [...secondaryEmails].filter(([, id]) => id === merged.id).map(([email]) => email);
  if (all.length === 0) return;
  const [version] = merged.versions.get('hs_merged_object_ids') ?? [];
  if (version !== undefined)
    merged.versions.set('hs_additional_emails', [{ ...version, value: all.join(';') }]);
}

/** Archives a record; false when there is none. */
export function deleteRecord(
  state: CrmState,
  type: ObjectType,
  id: string,
  options: WriteOptions = {},
): boolean {
  const record = liveRecord(state, type, id);
  if (record === undefined) return false;
  const atMs = options.atMs ?? state.clock();
  record.archivedAtMs = atMs;
  indexAllUnique(state, type, record, false);
  raise(state, { kind: 'deletion', type, id, atMs, source: options.source ?? A_USER });
  return true;
}

/** Brings an archived record back; false when it is not archived or its unique values are taken. */
export function restoreRecord(
  state: CrmState,
  type: ObjectType,
  id: string,
  options: WriteOptions = {},
): boolean {
  const record = state.stores[type].records.get(id);
  if (record?.archivedAtMs === undefined) return false;
  const values = new Map([...record.versions.keys()].map((name) => [name, currentValue(record, name)]));
  if (uniqueConflict(state, type, values) !== undefined) return false;
  const atMs = options.atMs ?? state.clock();
  record.archivedAtMs = undefined;
  record.updatedAtMs = Math.max(record.updatedAtMs, atMs);
  record.states = []; // Searches find it anew.
  noteState(state, record);
  indexAllUnique(state, type, record, true);
  raise(state, { kind: 'restore', type, id, atMs, source: options.source ?? A_USER });
  return true;
}

/**
 * Erases a contact and every id that led to it, for good. HubSpot tells of the privacy deletion and of a deletion, in
 * either order.
 */
export function eraseContact(state: CrmState, id: string, options: WriteOptions = {}): boolean {
  const store = state.stores.contacts;
  const record = store.records.get(id);
  if (record === undefined) return false;
  indexAllUnique(state, 'contacts', record, false);
  store.records.delete(id);
  for (const oldId of mergedIds(record)) store.aliases.delete(oldId);

  const base = { type: 'contacts' as const, id, source: options.source ?? A_USER };
  const atMs = options.atMs ?? state.clock();
  const kinds =
    state.ids.next() < 0.5
      ? (['privacyDeletion', 'deletion'] as const)
      : (['deletion', 'privacyDeletion'] as const);
  for (const kind of kinds) raise(state, { ...base, kind, atMs });
  return true;
}
