// Single records: create, read, change, list, delete, merge, erase.
import * as v from 'valibot';
import { associate, associationTypes } from './associations.ts';
import {
  errorReply,
  invalidJson,
  invalidProperties,
  notFound,
  type Reply,
  validationError,
} from './errors.ts';
import { deleteRecord, eraseContact, mergeRecords } from './merges.ts';
import { OBJECT_TYPES, type ObjectType } from './object-types.ts';
import { readView, type ViewRequest, writeView } from './object-views.ts';
import { visibleProperty } from './properties.ts';
import {
  type CrmState,
  createRecord,
  liveRecord,
  recordBySecondaryEmail,
  recordByUnique,
  recordOrAlias,
  type StoredRecord,
  uniqueConflict,
  writeValues,
} from './records.ts';
import { type ApiCall, listParam, type Route, typeParam, underBoth } from './routes.ts';
import { checkValues, isUnique, upperName } from './values.ts';

/** Records on one page of a list (HubSpot docs, "Using object APIs", read November 2026); fewer with histories. */
const MAX_PAGE = 100;
const MAX_PAGE_WITH_HISTORY = 50;
const DEFAULT_PAGE = 10;

export const PropertiesSchema = v.record(v.string(), v.string());
export const AssociationsSchema = v.optional(
  v.array(
    v.object({
      to: v.object({ id: v.union([v.string(), v.number()]) }),
      types: v.array(v.object({ associationCategory: v.string(), associationTypeId: v.number() })),
    }),
  ),
);
const CreateSchema = v.object({ properties: PropertiesSchema, associations: AssociationsSchema });
const ChangeSchema = v.object({ properties: PropertiesSchema });
const MergeSchema = v.object({ primaryObjectId: v.string(), objectIdToMerge: v.string() });
const EraseSchema = v.object({ objectId: v.string(), idProperty: v.optional(v.string()) });

const WRITE = 'crm.objects.{type}.write';
const READ = 'crm.objects.{type}.read';

export const objectRoutes: readonly Route[] = underBoth(
  '/crm/objects/2026-03/{type}',
  '/crm/v3/objects/{type}',
  [
    { method: 'GET', path: '', scope: READ, handle: list },
    { method: 'POST', path: '', scope: WRITE, handle: create },
    { method: 'GET', path: '/{id}', scope: READ, handle: readOne },
    { method: 'PATCH', path: '/{id}', scope: WRITE, handle: changeOne },
    { method: 'DELETE', path: '/{id}', scope: WRITE, handle: deleteOne },
    { method: 'POST', path: '/merge', scope: WRITE, handle: merge },
    { method: 'POST', path: '/gdpr-delete', scope: WRITE, handle: erase },
  ],
);

function create(call: ApiCall): Reply {
  const body = v.safeParse(CreateSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const type = typeParam(call);
  const { values, problems } = checkValues(call.state.catalog, type, body.output.properties, 'api');
  if (problems.length > 0) return invalidProperties(problems);
  const conflict = uniqueConflict(call.state, type, values);
  if (conflict !== undefined) return alreadyExists(type, conflict.existingId);
  const wanted = associationsAsked(call.state, type, body.output.associations);
  if (wanted === undefined) return validationError('One or more associations are not valid');
  const record = createRecord(call.state, type, values, { source: call.source });
  associateAll(call, type, record.id, wanted);
  return { status: 201, body: writeView(type, record, values.keys()) };
}

export function alreadyExists(type: ObjectType, existingId: string): Reply {
  const name = type === 'contacts' ? 'Contact' : upperName(type);
  return errorReply(409, `${name} already exists. Existing ID: ${existingId}`, { category: 'CONFLICT' });
}

export interface WantedAssociation {
  readonly toType: ObjectType;
  readonly toId: string;
  readonly primary: boolean;
}

/** The associations a create asks for; undefined when one is impossible. */
export function associationsAsked(
  state: CrmState,
  type: ObjectType,
  asked: v.InferOutput<typeof AssociationsSchema>,
): WantedAssociation[] | undefined {
  const wanted: WantedAssociation[] = [];
  for (const { to, types } of asked ?? []) {
    for (const { associationTypeId } of types) {
      const toType = OBJECT_TYPES.find((candidate) => {
        const known = associationTypes(type, candidate);
        return known?.unlabeled === associationTypeId || known?.primary === associationTypeId;
      });
      const toId = String(to.id);
      if (toType === undefined || liveRecord(state, toType, toId) === undefined) return undefined;
      wanted.push({ toType, toId, primary: associationTypes(type, toType)?.primary === associationTypeId });
    }
  }
  return wanted;
}

export function associateAll(
  call: ApiCall,
  type: ObjectType,
  id: string,
  wanted: readonly WantedAssociation[],
): void {
  for (const { toType, toId, primary } of wanted) {
    associate(call.state, { type, id }, { type: toType, id: toId }, { primary, source: call.source });
  }
}

/** The record a single read or change means: by id, also a merged one, or by a unique property. */
function recordMeant(call: ApiCall, type: ObjectType): StoredRecord | Reply | undefined {
  const id = call.params.id ?? '';
  const idProperty = call.query.get('idProperty');
  if (idProperty === null || idProperty === 'hs_object_id') return recordOrAlias(call.state, type, id);
  const definition = visibleProperty(call.state.catalog, type, idProperty);
  if (definition === undefined || !isUnique(type, definition)) return notUnique(type, idProperty);
  return (
    recordByUnique(call.state, type, idProperty, id) ??
    (idProperty === 'email' ? recordBySecondaryEmail(call.state, type, id) : undefined)
  );
}

export function notUnique(type: ObjectType, property: string): Reply {
  return validationError(
    `Property '${property}' is not a unique property of ${upperName(type)}; objects cannot be identified by it`,
    { context: { propertyName: [property] } },
  );
}

function readOne(call: ApiCall): Reply {
  const type = typeParam(call);
  let record = recordMeant(call, type);
  if (call.query.get('archived') === 'true') {
    const archived = call.state.stores[type].records.get(call.params.id ?? '');
    record = archived?.archivedAtMs === undefined ? undefined : archived;
  }
  if (record === undefined) return notFound();
  return 'status' in record
    ? record
    : { status: 200, body: readView(call.state, type, record, viewAsked(call)) };
}

function viewAsked(call: ApiCall): ViewRequest {
  return {
    properties: listParam(call.query, 'properties'),
    withHistory: listParam(call.query, 'propertiesWithHistory'),
    associations: listParam(call.query, 'associations'),
  };
}

function changeOne(call: ApiCall): Reply {
  const type = typeParam(call);
  const body = v.safeParse(ChangeSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const record = recordMeant(call, type);
  if (record === undefined) {
    return errorReply(404, `Object not found. objectId are usually numeric.`, {
      category: 'OBJECT_NOT_FOUND',
    });
  }
  if ('status' in record) return record;
  const { values, problems } = checkValues(call.state.catalog, type, body.output.properties, 'api');
  if (problems.length > 0) return invalidProperties(problems);
  const conflict = uniqueConflict(call.state, type, values, record.id);
  if (conflict !== undefined) return alreadyExists(type, conflict.existingId);
  writeValues(call.state, type, record, values, { source: call.source });
  return { status: 200, body: writeView(type, record, values.keys()) };
}

function deleteOne(call: ApiCall): Reply {
  deleteRecord(call.state, typeParam(call), call.params.id ?? '', { source: call.source });
  return { status: 204 };
}

function list(call: ApiCall): Reply {
  const type = typeParam(call);
  const view = viewAsked(call);
  const most = view.withHistory.length > 0 ? MAX_PAGE_WITH_HISTORY : MAX_PAGE;
  const limitText = call.query.get('limit') ?? String(DEFAULT_PAGE);
  const limit = Number(limitText);
  if (!/^\d+$/.test(limitText) || limit < 1 || limit > most) {
    return validationError(`limit must be between 1 and ${most}, got ${limitText}`);
  }
  const after = call.query.get('after') ?? '0';
  if (!/^\d+$/.test(after)) return validationError(`after must be a number, got ${after}`);
  const records = pageAfter(
    call.state,
    type,
    Number(after),
    limit + 1,
    call.query.get('archived') === 'true',
  );
  const page = records.slice(0, limit);
  const last = page.at(-1);
  const query = new URLSearchParams(call.query);
  if (last !== undefined) query.set('after', last.id);
  const link = `https://api.hubapi.com/crm/objects/2026-03/${type}?${query.toString()}`;
  return {
    status: 200,
    body: {
      results: page.map((record) => readView(call.state, type, record, view)),
      ...(records.length > limit && last !== undefined ? { paging: { next: { after: last.id, link } } } : {}),
    },
  };
}

function pageAfter(
  state: CrmState,
  type: ObjectType,
  after: number,
  count: number,
  archived: boolean,
): StoredRecord[] {
  const { order, records } = state.stores[type];
  const found: StoredRecord[] = [];
  for (let index = firstAbove(order, after); index < order.length && found.length < count; index++) {
    const record = records.get(String(order[index]));
    if (record !== undefined && (record.archivedAtMs !== undefined) === archived) found.push(record);
  }
  return found;
}

function firstAbove(ascending: readonly number[], bound: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merge(call: ApiCall): Reply {
  const type = typeParam(call);
  const body = v.safeParse(MergeSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { primaryObjectId, objectIdToMerge } = body.output;
  const outcome = mergeRecords(call.state, type, primaryObjectId, objectIdToMerge, { source: call.source });
  if ('record' in outcome)
    return { status: 200, body: writeView(type, outcome.record, outcome.record.versions.keys()) };
  if (outcome.refused === 'not-found')
    return errorReply(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' });
  const why =
    outcome.refused === 'same' ? 'Cannot merge an object with itself' : 'The object was merged too often';
  return validationError(why);
}

function erase(call: ApiCall): Reply {
  if (typeParam(call) !== 'contacts') return notFound();
  const body = v.safeParse(EraseSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { objectId, idProperty } = body.output;
  if (idProperty !== undefined && idProperty !== 'email') return notUnique('contacts', idProperty);
  const id =
    idProperty === 'email' ? recordByUnique(call.state, 'contacts', 'email', objectId)?.id : objectId;
  if (id !== undefined && eraseContact(call.state, id, { source: call.source })) return { status: 204 };
  return notFound();
}
