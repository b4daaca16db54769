// The portal seen from inside: what its users, its forms and HubSpot's own machinery do. No limits, no tokens.
import type { FlowAsset, FormAsset, ListAsset } from './assets.ts';
import { type AssociateOptions, associate } from './associations.ts';
import { deleteRecord, eraseContact, mergeRecords, restoreRecord } from './merges.ts';
import type { ObjectType } from './object-types.ts';
import { type PropertyDefinition, propertyDefinition } from './properties.ts';
import {
  type CrmState,
  createRecord,
  readValue,
  recordByUnique,
  recordOrAlias,
  type StoredRecord,
  uniqueConflict,
  type Version,
  type WriteOptions,
  writeValues,
} from './records.ts';
import { isoTime } from './timestamps.ts';
import { checkValues } from './values.ts';

/** A record with all its properties, as text; null when cleared. */
export interface CrmRecord {
  readonly id: string;
  readonly properties: Record<string, string | null>;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly archived: boolean;
}

type GivenProperties = Readonly<Record<string, string | number | boolean | null>>;

/** Acts on the portal without going through the API; impossible acts throw, since the caller wrote them. */
export interface Crm {
  /** @throws Error on an unknown property, an impossible value or a taken e-mail address */
  create(type: ObjectType, properties: GivenProperties, options?: WriteOptions): string;
  /** Also writes what the API may not: HubSpot itself keeps analytics properties. */
  set(type: ObjectType, id: string, properties: GivenProperties, options?: WriteOptions): void;
  /** Follows ids that were merged away. */
  get(type: ObjectType, id: string): CrmRecord | undefined;
  find(type: ObjectType, uniqueProperty: string, value: string): CrmRecord | undefined;
  all(type: ObjectType): CrmRecord[];
  /** The values a property was given, newest first, as many as HubSpot keeps; each write is one, also of the same value. */
  history(type: ObjectType, id: string, property: string): readonly Pick<Version, 'value' | 'atMs'>[];
  associate(
    fromType: ObjectType,
    fromId: string,
    toType: ObjectType,
    toId: string,
    options?: AssociateOptions,
  ): void;
  /** @returns the id of the new record that takes the place of both */
  merge(type: ObjectType, primaryId: string, otherId: string, options?: WriteOptions): string;
  delete(type: ObjectType, id: string, options?: WriteOptions): void;
  restore(type: ObjectType, id: string, options?: WriteOptions): void;
  privacyDelete(id: string, options?: WriteOptions): void;
  /** Adds a property that is there at once. */
  defineProperty(
    type: ObjectType,
    parts: Pick<PropertyDefinition, 'name' | 'type' | 'fieldType' | 'groupName'> &
      Partial<PropertyDefinition>,
  ): void;
  /** What a user builds on properties. */
  addList(list: ListAsset): void;
  addFlow(flow: FlowAsset): void;
  addForm(form: FormAsset): void;
  /** Takes away a list, a workflow or a form. */
  removeAsset(id: string): void;
}

export function createCrm(state: CrmState): Crm {
  return {
    create: (type, properties, options) => createIn(state, type, properties, options),
    set: (type, id, properties, options) => setIn(state, type, id, properties, options),
    get(type, id) {
      const record = recordOrAlias(state, type, id) ?? state.stores[type].records.get(id);
      return record === undefined ? undefined : viewOf(type, record);
    },
    find(type, property, value) {
      const record = recordByUnique(state, type, property, value);
      return record === undefined ? undefined : viewOf(type, record);
    },
    all: (type) =>
      [...state.stores[type].records.values()]
        .filter(({ archivedAtMs }) => archivedAtMs === undefined)
        .map((record) => viewOf(type, record)),
    history: (type, id, property) => recordOrAlias(state, type, id)?.versions.get(property) ?? [],
    associate: (fromType, fromId, toType, toId, options) =>
      associate(state, { type: fromType, id: fromId }, { type: toType, id: toId }, options),
    merge(type, primaryId, otherId, options) {
      const outcome = mergeRecords(state, type, primaryId, otherId, options);
      if ('record' in outcome) return outcome.record.id;
      throw new Error(`${type} ${primaryId} and ${otherId} cannot be merged: ${outcome.refused}`);
    },
    delete: (type, id, options) => done(deleteRecord(state, type, id, options), 'delete', type, id),
    restore: (type, id, options) => done(restoreRecord(state, type, id, options), 'restore', type, id),
    privacyDelete: (id, options) => done(eraseContact(state, id, options), 'erase', 'contacts', id),
    defineProperty: (type, parts) => {
      state.catalog[type].byName.set(parts.name, propertyDefinition(parts));
    },
    addList: (list) => void state.assets.lists.push(list),
    addFlow: (flow) => void state.assets.flows.push(flow),
    addForm: (form) => void state.assets.forms.push(form),
    removeAsset: (id) => removeAsset(state, id),
  };
}

function removeAsset({ assets }: CrmState, id: string): void {
  const { lists, flows, forms } = assets;
  lists.splice(0, lists.length, ...lists.filter(({ listId }) => listId !== id));
  flows.splice(0, flows.length, ...flows.filter((flow) => flow.id !== id));
  forms.splice(0, forms.length, ...forms.filter((form) => form.id !== id));
}

function done(ok: boolean, act: string, type: ObjectType, id: string): void {
  if (!ok) throw new Error(`cannot ${act} ${id} of ${type}: there is no such record in a state for it`);
}

function createIn(state: CrmState, type: ObjectType, given: GivenProperties, options?: WriteOptions): string {
  const values = checked(state, type, given);
  const conflict = uniqueConflict(state, type, values);
  if (conflict !== undefined)
    throw new Error(`${conflict.property} is taken by ${type} ${conflict.existingId}`);
  return createRecord(state, type, values, options).id;
}

function setIn(
  state: CrmState,
  type: ObjectType,
  id: string,
  given: GivenProperties,
  options: WriteOptions = {},
): void {
  const record = recordOrAlias(state, type, id);
  if (record === undefined) throw new Error(`there is no live record ${id} among ${type}`);
  const values = checked(state, type, given);
  const conflict = uniqueConflict(state, type, values, record.id);
  if (conflict !== undefined)
    throw new Error(`${conflict.property} is taken by ${type} ${conflict.existingId}`);
  writeValues(state, type, record, values, options);
}

function checked(state: CrmState, type: ObjectType, given: GivenProperties): ReadonlyMap<string, string> {
  const texts = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, value === null ? '' : String(value)]),
  );
  const { values, problems } = checkValues(state.catalog, type, texts, 'portal');
  const [problem] = problems;
  if (problem !== undefined)
    throw new Error(`${problem.property} of ${type}: ${problem.message} (${problem.code})`);
  return values;
}

/** All properties of a record, those that HubSpot keeps by itself included. */
function viewOf(type: ObjectType, record: StoredRecord): CrmRecord {
  const properties: Record<string, string | null> = {};
  for (const name of record.versions.keys()) properties[name] = readValue(type, record, name);
  for (const name of [
    'hs_object_id',
    'createdate',
    type === 'contacts' ? 'lastmodifieddate' : 'hs_lastmodifieddate',
  ]) {
    properties[name] = readValue(type, record, name);
  }
  return {
    id: record.id,
    properties,
    createdAt: isoTime(record.createdAtMs),
    updatedAt: isoTime(record.updatedAtMs),
    archived: record.archivedAtMs !== undefined,
  };
}
