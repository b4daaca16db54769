// Search: few at a time, never all, and always a little behind what single reads tell.
import * as v from 'valibot';
import { invalidJson, type Reply, validationError } from './errors.ts';
import { OBJECTS, type ObjectType } from './object-types.ts';
import { readView } from './object-views.ts';
import { type PropertyDefinition, visibleProperty } from './properties.ts';
import { type CrmState, readValue, type StoredRecord } from './records.ts';
import { type ApiCall, type Route, typeParam, underBoth } from './routes.ts';
import { parseDatetime } from './timestamps.ts';

/** What HubSpot takes and hands out (HubSpot docs, "Search the CRM", "Limits", read November 2026). */
const MAX_PAGE = 200;
const DEFAULT_PAGE = 10;
const MAX_RESULTS = 10_000;
const MAX_BODY_LENGTH = 3000;
const MAX_GROUPS = 5;
const MAX_FILTERS_OF_GROUP = 6;
const MAX_FILTERS = 18;

const FilterSchema = v.object({
  propertyName: v.string(),
  operator: v.picklist(['EQ', 'NEQ', 'LT', 'LTE', 'GT', 'GTE', 'HAS_PROPERTY', 'NOT_HAS_PROPERTY']),
  value: v.optional(v.string(), ''),
});
type Filter = v.InferOutput<typeof FilterSchema>;
const SortSchema = v.object({
  propertyName: v.string(),
  direction: v.optional(v.picklist(['ASCENDING', 'DESCENDING']), 'ASCENDING'),
});
const SearchSchema = v.object({
  filterGroups: v.optional(v.array(v.object({ filters: v.array(FilterSchema) })), []),
  // An order given as text is passed over in silence (HubSpot/hubspot-api-nodejs, issue 14).
  sorts: v.optional(v.array(v.union([SortSchema, v.string()])), []),
  properties: v.optional(v.array(v.string()), []),
  limit: v.optional(v.pipe(v.number(), v.integer()), DEFAULT_PAGE),
  after: v.optional(v.union([v.number(), v.pipe(v.string(), v.regex(/^\d*$/))]), 0),
});
type Search = v.InferOutput<typeof SearchSchema>;

export const searchRoutes: readonly Route[] = underBoth(
  '/crm/objects/2026-03/{type}',
  '/crm/v3/objects/{type}',
  [{ method: 'POST', path: '/search', scope: 'crm.objects.{type}.read', handle: search }],
);

/** Whether a call is a search, which has a limit of its own. */
export function isSearch(method: string, path: string): boolean {
  return method === 'POST' && /^\/crm\/(?:objects\/2026-03|v3\/objects)\/[^/]+\/search$/.test(path);
}

function search(call: ApiCall): Reply {
  const type = typeParam(call);
  const length = JSON.stringify(call.body ?? {}).length;
  if (length > MAX_BODY_LENGTH)
    return validationError(`The body has ${length} characters, more than ${MAX_BODY_LENGTH}`);
  const body = v.safeParse(SearchSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { limit, properties } = body.output;
  const after = Number(body.output.after);
  const refused = refusal(call, type, body.output, after);
  if (refused !== undefined) return refused;

  const found = inOrder(call.state, type, foundBy(call.state, type, body.output), body.output);
  const page = found.slice(after, after + limit);
  const next = String(after + limit);
  const link = `https://api.hubapi.com/crm/objects/2026-03/${type}/search?after=${next}`;
  return {
    status: 200,
    body: {
      total: found.length,
      results: page.map((record) => readView(call.state, type, record, { properties, withHistory: [] })),
      ...(found.length > after + limit && { paging: { next: { after: next, link } } }),
    },
  };
}

function refusal(call: ApiCall, type: ObjectType, body: Search, after: number): Reply | undefined {
  const { filterGroups, sorts, limit } = body;
  if (limit < 1 || limit > MAX_PAGE)
    return validationError(`limit must be between 1 and ${MAX_PAGE}, got ${limit}`);
  if (after + limit > MAX_RESULTS)
    return validationError(`Paging past ${MAX_RESULTS} results is not supported`);
  const filters = filterGroups.flatMap((group) => group.filters);
  if (
    filterGroups.length > MAX_GROUPS ||
    filters.length > MAX_FILTERS ||
    filterGroups.some((group) => group.filters.length > MAX_FILTERS_OF_GROUP)
  )
    return validationError('Too many filters or filter groups');
  if (sorts.length > 1) return validationError('Only one sort is supported');
  const named = [...filters, ...sorts.filter((sort) => typeof sort !== 'string')];
  const unknown = named.find(
    ({ propertyName }) => visibleProperty(call.state.catalog, type, propertyName) === undefined,
  );
  return unknown && validationError(`There was a problem with the request: ${unknown.propertyName}`);
}

function foundBy(state: CrmState, type: ObjectType, { filterGroups }: Search): StoredRecord[] {
  const found: StoredRecord[] = [];
  for (const stored of state.stores[type].records.values()) {
    const record = stored.archivedAtMs === undefined ? asIndexed(state, stored) : undefined;
    if (record === undefined) continue;
    const matches = ({ filters }: { readonly filters: readonly Filter[] }) =>
      filters.every((filter) => fits(state, type, record, filter));
    if (filterGroups.length === 0 || filterGroups.some(matches)) found.push(record);
  }
  return found;
}

/** Records of the same value come newest first: nothing is promised of them. */
function inOrder(
  state: CrmState,
  type: ObjectType,
  found: readonly StoredRecord[],
  { sorts: [sort] }: Search,
): StoredRecord[] {
  if (sort === undefined || typeof sort === 'string') return [...found];
  const sign = sort.direction === 'ASCENDING' ? 1 : -1;
  const keyed = found.map((record) => ({ record, key: held(state, type, record, sort.propertyName) ?? '' }));
  return keyed
    .toReversed()
    .toSorted((one, other) => sign * compare(one.key, other.key))
    .map(({ record }) => record);
}

/** The record as it was so long ago as the search lags behind; undefined when it was not there yet. */
function asIndexed(state: CrmState, record: StoredRecord): StoredRecord | undefined {
  const knownMs = state.clock() - state.rules.searchLagMs;
  const indexed = record.states.findLast(({ sinceMs }) => sinceMs <= knownMs);
  if (indexed === undefined || indexed === record.states.at(-1)) return indexed && record;
  const { updatedAtMs } = indexed;
  const versions = new Map(
    [...record.versions].map(([name, all]) => [name, all.filter(({ atMs }) => atMs <= updatedAtMs)]),
  );
  return { ...record, updatedAtMs, versions };
}

function fits(
  state: CrmState,
  type: ObjectType,
  record: StoredRecord,
  { propertyName, operator, value }: Filter,
): boolean {
  const has = held(state, type, record, propertyName);
  if (operator === 'HAS_PROPERTY') return has !== undefined;
  if (operator === 'NOT_HAS_PROPERTY') return has === undefined;
  if (has === undefined) return false;
  const order = compare(has, comparable(visibleProperty(state.catalog, type, propertyName), value));
  switch (operator) {
    case 'EQ':
      return order === 0;
    case 'NEQ':
      return order !== 0;
    case 'LT':
      return order < 0;
    case 'LTE':
      return order <= 0;
    case 'GT':
      return order > 0;
    default:
      return order >= 0;
  }
}

/** What a record holds, in a form that can be compared; of a million records, when they changed is not to be parsed. */
function held(
  state: CrmState,
  type: ObjectType,
  record: StoredRecord,
  name: string,
): number | string | undefined {
  if (name === OBJECTS[type].modifiedProperty) return record.updatedAtMs;
  const value = readValue(type, record, name);
  return value === null ? undefined : comparable(visibleProperty(state.catalog, type, name), value);
}

function comparable(definition: PropertyDefinition | undefined, value: string): number | string {
  if (definition?.type === 'number') return Number(value);
  if (definition?.type === 'date' || definition?.type === 'datetime')
    return parseDatetime(value) ?? Number.NaN;
  return value.toLowerCase();
}

function compare(one: number | string, other: number | string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
