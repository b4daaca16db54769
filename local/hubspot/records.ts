// The records of a portal: versions of values, ids that live on as aliases, unique values, and what a write does.
import { type Assets, noAssets } from './assets.ts';
import { calculatedFrom, withCloseDate } from './calculated.ts';
import { A_USER, CALCULATED, type Change, type ChangeSource } from './changes.ts';
import { OBJECT_TYPES, OBJECTS, type ObjectType } from './object-types.ts';
import { createPropertyCatalog, type PropertyCatalog } from './properties.ts';
import { createRandom, type Random } from './random.ts';
import { isoTime } from './timestamps.ts';
import { instantOf, isUnique, storedOver } from './values.ts';

export interface Version {
  readonly value: string;
  readonly atMs: number;
  readonly source: ChangeSource;
}

export interface StoredRecord {
  readonly id: string;
  createdAtMs: number;
  updatedAtMs: number;
  archivedAtMs: number | undefined;
  /** Newest first. */
  readonly versions: Map<string, Version[]>;
  /** By the portal's clock, since when the record is as it is, and was as it was: what a search that lags behind goes by. Ascending. */
  states: readonly { readonly sinceMs: number; readonly updatedAtMs: number }[];
}

interface ObjectStore {
  readonly records: Map<string, StoredRecord>;
  /** All ids ever given, ascending: what listing pages through. */
  readonly order: number[];
  /** Ids merged away, and where they went. */
  readonly aliases: Map<string, string>;
  /** Property -> value -> id, for properties with unique values. */
  readonly unique: Map<string, Map<string, string>>;
  /** Second addresses that merges left behind; found by single reads only. */
  readonly secondaryEmails: Map<string, string>;
}

/** Where HubSpot differs from what one would expect of it. */
interface CrmRules {
  /** Milliseconds after which searches know of a change. */
  readonly searchLagMs: number;
  /** Associations that are told along with a record, of one kind. */
  readonly associationsInline: number;
}

/** What HubSpot's own tracking keeps. */
const ANALYTICS = /^hs_(analytics|latest_source)/;

/** The lag is the longest observed; where HubSpot cuts the associations is not known. */
const USUAL_RULES: CrmRules = { searchLagMs: 30_000, associationsInline: 500 };

export interface CrmState {
  readonly stores: Readonly<Record<ObjectType, ObjectStore>>;
  readonly catalog: PropertyCatalog;
  readonly assets: Assets;
  /** `<type>:<id>` -> `<type>:<id>` -> association type ids. */
  readonly associations: Map<string, Map<string, Set<number>>>;
  readonly rules: CrmRules;
  readonly clock: () => number;
  readonly ids: Random;
  /** In which order HubSpot does what it does at once. */
  readonly order: Random;
  readonly listeners: ((change: Change) => void)[];
}

/** The portal's clock and the world's, and where this portal differs from the usual. */
type CrmOptions = Partial<CrmRules> & { readonly wallClock?: (() => number) | undefined };

/** When and by whom something is done. `atMs`: epoch milliseconds, default the portal's clock. */
export interface WriteOptions {
  readonly atMs?: number;
  readonly source?: ChangeSource;
}

export function createCrmState(clock: () => number, seed: number, options: CrmOptions = {}): CrmState {
  const { wallClock, ...rules } = options;
  return {
    stores: { contacts: emptyStore(), companies: emptyStore(), deals: emptyStore() },
    catalog: createPropertyCatalog(wallClock),
    assets: noAssets(),
    associations: new Map(),
    rules: { ...USUAL_RULES, ...rules },
    clock,
    ids: createRandom(seed, 'ids'),
    order: createRandom(seed, 'order'),
    listeners: [],
  };
}

function emptyStore(): ObjectStore {
  return {
    records: new Map(),
    order: [],
    aliases: new Map(),
    unique: new Map(),
    secondaryEmails: new Map(),
  };
}

export function raise(state: CrmState, change: Change): void {
  for (const listener of state.listeners) listener(change);
}

/** A live record under exactly this id. */
export function liveRecord(state: CrmState, type: ObjectType, id: string): StoredRecord | undefined {
  const found = state.stores[type].records.get(id);
  return found?.archivedAtMs === undefined ? found : undefined;
}

/** A live record under this id or under an id that was merged into it. */
export function recordOrAlias(state: CrmState, type: ObjectType, id: string): StoredRecord | undefined {
  const { aliases } = state.stores[type];
  let current = id;
  for (let next = aliases.get(current); next !== undefined; next = aliases.get(current)) current = next;
  return liveRecord(state, type, current);
}

export function isAlias(state: CrmState, type: ObjectType, id: string): boolean {
  return state.stores[type].aliases.has(id);
}

/** The live record that holds a unique value. */
export function recordByUnique(
  state: CrmState,
  type: ObjectType,
  property: string,
  value: string,
): StoredRecord | undefined {
  const key = property === 'email' ? value.trim().toLowerCase() : value;
  const id = state.stores[type].unique.get(property)?.get(key);
  return id === undefined ? undefined : liveRecord(state, type, id);
}

/** The live contact that took over this address in a merge, beside its own. */
export function recordBySecondaryEmail(
  state: CrmState,
  type: ObjectType,
  address: string,
): StoredRecord | undefined {
  const id = state.stores[type].secondaryEmails.get(address.trim().toLowerCase());
  return id === undefined ? undefined : liveRecord(state, type, id);
}

/** Makes a record and raises its creation and, as for any value that appears, its property changes. */
export function createRecord(
  state: CrmState,
  type: ObjectType,
  values: ReadonlyMap<string, string>,
  options: WriteOptions = {},
): StoredRecord {
  const atMs = options.atMs ?? state.clock();
  const record = emptyRecord(state, type, atMs);
  const source = options.source ?? A_USER;
  raise(state, { kind: 'creation', type, id: record.id, atMs, source });
  writeValues(state, type, record, values, { atMs, source });
  return record;
}

export function emptyRecord(state: CrmState, type: ObjectType, atMs: number): StoredRecord {
  const store = state.stores[type];
  const number = (store.order.at(-1) ?? OBJECTS[type].firstId) + state.ids.between(1, 37);
  const record: StoredRecord = {
    id: String(number),
    createdAtMs: atMs,
    updatedAtMs: atMs,
    archivedAtMs: undefined,
    versions: new Map(),
    states: [],
  };
  noteState(state, record);
  store.order.push(number);
  store.records.set(record.id, record);
  return record;
}

/** Notes that a record changed, for searches; forgets what no search can find any more. */
export function noteState({ clock, rules }: CrmState, record: StoredRecord): void {
  const sinceMs = clock();
  const before = record.states.filter((each) => each.sinceMs < sinceMs);
  const known = before.findLastIndex((each) => each.sinceMs <= sinceMs - rules.searchLagMs);
  record.states = [...before.slice(Math.max(0, known)), { sinceMs, updatedAtMs: record.updatedAtMs }];
}

/**
 * Writes checked values, keeps their history and raises a change for each, also for one that repeats the value; only a
 * user who saves an unchanged form in HubSpot's own pages changes nothing. A write with a time of its own takes its
 * place in the history; one without is the newest. Of a deal, what follows from its stage is written too.
 */
export function writeValues(
  state: CrmState,
  type: ObjectType,
  record: StoredRecord,
  values: ReadonlyMap<string, string>,
  options: WriteOptions,
): void {
  const { atMs = state.clock(), source = A_USER } = options;
  const whole = type === 'deals' ? withCloseDate(currentValue(record, 'dealstage'), values, atMs) : values;
  let written = false;
  for (const [name, value] of inAnyOrder(state, whole))
    written = writeValue(state, type, record, name, value, options) || written;
  if (!written) return;
  calculate(type, record, whole.keys(), atMs);
  record.updatedAtMs = Math.max(record.updatedAtMs, atMs);
  noteState(state, record);
  const property = OBJECTS[type].modifiedProperty;
  const valueMs = record.updatedAtMs;
  raise(state, {
    kind: 'propertyChange',
    type,
    id: record.id,
    atMs,
    source,
    property,
    value: isoTime(valueMs),
    valueMs,
  });
}

/** A visit changes many of a record's analytics properties at once, and of which HubSpot tells first is not promised. */
function inAnyOrder({ order }: CrmState, values: ReadonlyMap<string, string>): [string, string][] {
  const analytics = [...values].filter(([name]) => ANALYTICS.test(name));
  const others = [...values].filter(([name]) => !ANALYTICS.test(name));
  return [...others, ...order.shuffled(analytics)];
}

/** HubSpot calculates without telling: nobody can rely on events of calculated properties. */
function calculate(type: ObjectType, record: StoredRecord, names: Iterable<string>, atMs: number): void {
  const written = new Map([...names].map((name) => [name, currentValue(record, name)]));
  for (const [name, value] of calculatedFrom(type, written)) {
    const versions = record.versions.get(name) ?? [];
    insertVersion(versions, { value, atMs, source: CALCULATED }, OBJECTS[type].historyVersions);
    record.versions.set(name, versions);
  }
}

function writeValue(
  state: CrmState,
  type: ObjectType,
  record: StoredRecord,
  name: string,
  asked: string,
  options: WriteOptions,
): boolean {
  const { source = A_USER } = options;
  const definition = state.catalog[type].byName.get(name);
  const versions = record.versions.get(name) ?? [];
  const earlier = versions[0]?.value ?? '';
  const value = definition === undefined ? asked : storedOver(definition, earlier, asked);
  const unchanged = earlier === value;
  if (unchanged && (source.changeSource === A_USER.changeSource || (value === '' && versions.length === 0)))
    return false;
  if (name === 'lifecyclestage' && movesBack(state, type, earlier, value)) return false;

  const atMs = options.atMs ?? Math.max(state.clock(), versions[0]?.atMs ?? 0);
  insertVersion(versions, { value, atMs, source }, OBJECTS[type].historyVersions);
  record.versions.set(name, versions);
  if (name === 'createdate') record.createdAtMs = Date.parse(value) || record.createdAtMs;
  if (definition !== undefined && isUnique(type, definition)) indexUnique(state, type, record, name, earlier);
  const valueMs = instantOf(definition, value);
  raise(state, {
    kind: 'propertyChange',
    type,
    id: record.id,
    atMs,
    source,
    property: name,
    value,
    ...(valueMs === undefined ? {} : { valueMs }),
  });
  return true;
}

/** Keeps versions newest first; of two at the same instant the later written is the newer. */
function insertVersion(versions: Version[], version: Version, keep: number): void {
  const olderAt = versions.findIndex(({ atMs }) => atMs <= version.atMs);
  versions.splice(olderAt === -1 ? versions.length : olderAt, 0, version);
  if (versions.length > keep) versions.length = keep;
}

/** Lifecycle stages only move forward; whoever wants to go back clears the property first. */
function movesBack(state: CrmState, type: ObjectType, earlier: string, value: string): boolean {
  const options = state.catalog[type].byName.get('lifecyclestage')?.options ?? [];
  const rank = (stage: string) => options.find((option) => option.value === stage)?.displayOrder ?? -1;
  return earlier !== '' && value !== '' && rank(value) < rank(earlier);
}

function indexUnique(
  state: CrmState,
  type: ObjectType,
  record: StoredRecord,
  name: string,
  earlier: string,
): void {
  const { unique } = state.stores[type];
  const byValue = unique.get(name) ?? new Map<string, string>();
  unique.set(name, byValue);
  if (byValue.get(earlier) === record.id) byValue.delete(earlier);
  const value = currentValue(record, name);
  if (value !== '') byValue.set(value, record.id);
}

/** Takes a record's unique values out of the index, or puts them back. */
export function indexAllUnique(
  state: CrmState,
  type: ObjectType,
  record: StoredRecord,
  present: boolean,
): void {
  for (const [name, byValue] of state.stores[type].unique) {
    const value = currentValue(record, name);
    if (value === '') continue;
    if (present) byValue.set(value, record.id);
    else if (byValue.get(value) === record.id) byValue.delete(value);
  }
}

/** The id of another record that already holds one of these unique values, with the property. */
export function uniqueConflict(
  state: CrmState,
  type: ObjectType,
  values: ReadonlyMap<string, string>,
  ownId?: string,
): { readonly property: string; readonly existingId: string } | undefined {
  for (const [property, value] of values) {
    const definition = state.catalog[type].byName.get(property);
    if (value === '' || definition === undefined || !isUnique(type, definition)) continue;
    const store = state.stores[type];
    const existingId =
      store.unique.get(property)?.get(value) ??
      (property === 'email' ? recordBySecondaryEmail(state, type, value)?.id : undefined);
    if (existingId !== undefined && existingId !== ownId) return { property, existingId };
  }
  return undefined;
}

/** The stored text of a property; '' when absent. */
export function currentValue(record: StoredRecord, name: string): string {
  return record.versions.get(name)?.[0]?.value ?? '';
}

/** A property as a read returns it: text, or null when absent. */
export function readValue(type: ObjectType, record: StoredRecord, name: string): string | null {
  if (name === 'hs_object_id') return record.id;
  if (name === OBJECTS[type].modifiedProperty) return isoTime(record.updatedAtMs);
  if (name === 'createdate') return isoTime(record.createdAtMs);
  const value = currentValue(record, name);
  return value === '' ? null : value;
}

export function countLive(state: CrmState): Record<ObjectType, number> {
  const counts = { contacts: 0, companies: 0, deals: 0 };
  for (const type of OBJECT_TYPES) {
    for (const record of state.stores[type].records.values()) {
      if (record.archivedAtMs === undefined) counts[type]++;
    }
  }
  return counts;
}
