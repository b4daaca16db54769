// Which records belong together, and by which of HubSpot's association types.
import { A_USER } from './changes.ts';
import { OBJECTS, type ObjectType, objectTypeOf } from './object-types.ts';
import {
  type CrmState,
  liveRecord,
  raise,
  type StoredRecord,
  type WriteOptions,
  writeValues,
} from './records.ts';

export interface AssociationTypes {
  readonly unlabeled: number;
  readonly primary?: number;
}

const TYPE_IDS: Readonly<Record<string, AssociationTypes>> = {
  'contacts>companies': { unlabeled: 279, primary: 1 },
  'companies>contacts': { unlabeled: 280, primary: 2 },
  'contacts>deals': { unlabeled: 4 },
  'deals>contacts': { unlabeled: 3 },
  'deals>companies': { unlabeled: 341, primary: 5 },
  'companies>deals': { unlabeled: 342, primary: 6 },
};

export interface RecordKey {
  readonly type: ObjectType;
  readonly id: string;
}

export interface AssociateOptions extends WriteOptions {
  readonly primary?: boolean;
}

/** The type ids between two object types; none when HubSpot does not associate them here. */
export function associationTypes(from: ObjectType, to: ObjectType): AssociationTypes | undefined {
  return TYPE_IDS[`${from}>${to}`];
}

/**
 * Associates two live records in both directions. A primary association also makes the plain one, and takes the place
 * of an earlier primary company: HubSpot then sends a message for each.
 */
export function associate(
  state: CrmState,
  from: RecordKey,
  to: RecordKey,
  options: AssociateOptions = {},
): void {
  if (associationTypes(from.type, to.type) === undefined) {
    throw new Error(`HubSpot does not associate ${from.type} with ${to.type} here`);
  }
  for (const { type, id } of [from, to]) {
    if (liveRecord(state, type, id) === undefined)
      throw new Error(`there is no live record ${id} among ${type}`);
  }
  if (options.primary === true) dropPrimary(state, from, to.type, to.id, options);
  if (options.primary === true) dropPrimary(state, to, from.type, from.id, options);
  link(state, from, to, false, options);
  if (options.primary === true && associationTypes(from.type, to.type)?.primary !== undefined) {
    link(state, from, to, true, options);
  }
  noteCompany(state, from, to, options);
}

/** Ends every association between two records. */
export function dissociate(
  state: CrmState,
  from: RecordKey,
  to: RecordKey,
  options: WriteOptions = {},
): void {
  for (const primary of [true, false]) unlink(state, from, to, primary, options);
}

/** The live records associated with one, by target type, with the ids of the association types; in the order they were made. */
export function associatedWith(
  state: CrmState,
  from: RecordKey,
  toType: ObjectType,
): { readonly id: string; readonly typeIds: readonly number[] }[] {
  const found = [];
  for (const [key, typeIds] of state.associations.get(keyOf(from)) ?? []) {
    const [type = '', id = ''] = key.split(':');
    if (type === toType && typeIds.size > 0 && liveRecord(state, toType, id) !== undefined)
      found.push({ id, typeIds: [...typeIds] });
  }
  return found;
}

/** Moves all associations of one record to another, silently: a merge. */
export function moveAssociations(
  state: CrmState,
  from: RecordKey,
  to: RecordKey,
  keepPrimary: boolean,
): void {
  for (const [otherKey, typeIds] of state.associations.get(keyOf(from)) ?? []) {
    const [type = '', id = ''] = otherKey.split(':');
    const other = OBJECTS[objectTypeOf(type) ?? 'contacts'];
    const back = state.associations.get(otherKey);
    const backIds = back?.get(keyOf(from)) ?? new Set<number>();
    back?.delete(keyOf(from));
    const primaries = [
      associationTypes(to.type, other.type)?.primary,
      associationTypes(other.type, to.type)?.primary,
    ];
    const kept = (typeId: number) => keepPrimary || !primaries.includes(typeId);
    for (const typeId of [...typeIds].filter(kept)) typeSet(state, to, { type: other.type, id }).add(typeId);
    for (const typeId of [...backIds].filter(kept)) typeSet(state, { type: other.type, id }, to).add(typeId);
  }
  state.associations.delete(keyOf(from));
}

function keyOf({ type, id }: RecordKey): string {
  return `${type}:${id}`;
}

function typeSet(state: CrmState, from: RecordKey, to: RecordKey): Set<number> {
  const others = state.associations.get(keyOf(from)) ?? new Map<string, Set<number>>();
  state.associations.set(keyOf(from), others);
  const typeIds = others.get(keyOf(to)) ?? new Set<number>();
  others.set(keyOf(to), typeIds);
  return typeIds;
}

function link(
  state: CrmState,
  from: RecordKey,
  to: RecordKey,
  primary: boolean,
  options: WriteOptions,
): void {
  for (const [one, other] of bothWays(from, to)) {
    const types = associationTypes(one.type, other.type);
    const typeId = primary ? types?.primary : types?.unlabeled;
    if (typeId === undefined || typeSet(state, one, other).has(typeId)) continue;
    typeSet(state, one, other).add(typeId);
    tell(state, one, other, { typeId, primary, removed: false }, options);
  }
}

function unlink(
  state: CrmState,
  from: RecordKey,
  to: RecordKey,
  primary: boolean,
  options: WriteOptions,
): void {
  for (const [one, other] of bothWays(from, to)) {
    const types = associationTypes(one.type, other.type);
    const typeId = primary ? types?.primary : types?.unlabeled;
    if (typeId === undefined || !typeSet(state, one, other).delete(typeId)) continue;
    tell(state, one, other, { typeId, primary, removed: true }, options);
  }
}

function bothWays(from: RecordKey, to: RecordKey): [RecordKey, RecordKey][] {
  return [
    [from, to],
    [to, from],
  ];
}

function tell(
  state: CrmState,
  from: RecordKey,
  to: RecordKey,
  what: { readonly typeId: number; readonly primary: boolean; readonly removed: boolean },
  options: WriteOptions,
): void {
  raise(state, {
    kind: 'associationChange',
    type: from.type,
    id: from.id,
    toType: to.type,
    toId: to.id,
    atMs: options.atMs ?? state.clock(),
    source: options.source ?? A_USER,
    ...what,
  });
}

/** A record has one primary company; a new one ends the old one. Companies may be primary for many. */
function dropPrimary(
  state: CrmState,
  from: RecordKey,
  toType: ObjectType,
  exceptId: string,
  options: WriteOptions,
): void {
  if (toType !== 'companies') return;
  const primary = associationTypes(from.type, toType)?.primary;
  if (primary === undefined) return;
  for (const { id, typeIds } of associatedWith(state, from, toType)) {
    if (id !== exceptId && typeIds.includes(primary))
      unlink(state, from, { type: toType, id }, true, options);
  }
}

/** HubSpot repeats a contact's primary company in `associatedcompanyid`. */
function noteCompany(state: CrmState, from: RecordKey, to: RecordKey, options: AssociateOptions): void {
  const [contact, company] = from.type === 'contacts' ? [from, to] : [to, from];
  if (options.primary !== true || contact.type !== 'contacts' || company.type !== 'companies') return;
  const record: StoredRecord | undefined = liveRecord(state, contact.type, contact.id);
  if (record === undefined) return;
  writeValues(state, 'contacts', record, new Map([['associatedcompanyid', company.id]]), options);
}
