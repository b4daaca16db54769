// A record as the API returns it.
import { associatedWith, associationTypes } from './associations.ts';
import { OBJECTS, type ObjectType, objectTypeOf } from './object-types.ts';
import { visibleProperty } from './properties.ts';
import { type CrmState, readValue, type StoredRecord, type Version } from './records.ts';
import { isoTime } from './timestamps.ts';

export interface ViewRequest {
  /** Names asked for; empty means the default ones. */
  readonly properties: readonly string[];
  readonly withHistory: readonly string[];
  readonly associations?: readonly string[];
}

/** A record for a read: asked properties as text or null, unknown names left out. */
export function readView(
  state: CrmState,
  type: ObjectType,
  record: StoredRecord,
  request: ViewRequest,
): Record<string, unknown> {
  const { defaultProperties, modifiedProperty } = OBJECTS[type];
  const always = ['createdate', 'hs_object_id', modifiedProperty];
  const names = request.properties.length === 0 ? defaultProperties : [...request.properties, ...always];
  const view = baseView(
    type,
    record,
    names.filter((name) => visibleProperty(state.catalog, type, name) !== undefined),
  );
  if (request.withHistory.length > 0) view.propertiesWithHistory = historyOf(record, request.withHistory);
  const associations = associationsOf(state, type, record, request.associations ?? []);
  if (Object.keys(associations).length > 0) view.associations = associations;
  return view;
}

/** A record for the answer to a write: what was written, and what HubSpot keeps by itself. */
export function writeView(
  type: ObjectType,
  record: StoredRecord,
  written: Iterable<string>,
): Record<string, unknown> {
  return baseView(type, record, ['createdate', 'hs_object_id', OBJECTS[type].modifiedProperty, ...written]);
}

function baseView(type: ObjectType, record: StoredRecord, names: Iterable<string>): Record<string, unknown> {
  const properties: Record<string, string | null> = {};
  for (const name of [...new Set(names)].toSorted()) properties[name] = readValue(type, record, name);
  return {
    id: record.id,
    properties,
    createdAt: isoTime(record.createdAtMs),
    updatedAt: isoTime(record.updatedAtMs),
    archived: record.archivedAtMs !== undefined,
    ...(record.archivedAtMs === undefined ? {} : { archivedAt: isoTime(record.archivedAtMs) }),
  };
}

function historyOf(record: StoredRecord, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, (record.versions.get(name) ?? []).map(versionView)]));
}

function versionView({ value, atMs, source }: Version): Record<string, unknown> {
  const user = /^userId:(\d+)$/.exec(source.sourceId ?? '')?.[1];
  return {
    value,
    timestamp: isoTime(atMs),
    sourceType: source.changeSource,
    ...(source.sourceId === undefined ? {} : { sourceId: source.sourceId }),
    ...(user === undefined ? {} : { updatedByUserId: Number(user) }),
  };
}

function associationsOf(
  state: CrmState,
  type: ObjectType,
  record: StoredRecord,
  asked: readonly string[],
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of asked) {
    const toType = objectTypeOf(name);
    if (toType === undefined) continue;
    const plain = `${OBJECTS[type].singular}_to_${OBJECTS[toType].singular}`;
    const primary = associationTypes(type, toType)?.primary;
    const results = associatedWith(state, { type, id: record.id }, toType).flatMap(({ id, typeIds }) =>
      typeIds.map((typeId) => ({
        id,
        type: typeId === primary || primary === undefined ? plain : `${plain}_unlabeled`,
      })),
    );
    const { associationsInline: most } = state.rules;
    const after = String(most);
    const link = `https://api.hubapi.com/crm/objects/2026-03/${type}/${record.id}/associations/${toType}?after=${after}`;
    const paging = results.length > most ? { paging: { next: { after, link } } } : {};
    if (results.length > 0) found[toType] = { results: results.slice(0, most), ...paging };
  }
  return found;
}
