// Lists, workflows and forms, as far as one reads them to learn what they use.
import * as v from 'valibot';
import type { FlowAsset, ListAsset } from './assets.ts';
import { invalidJson, notFound, type Reply, validationError } from './errors.ts';
import { type ApiCall, type Route, underBoth } from './routes.ts';
import { isoTime } from './timestamps.ts';

/** HubSpot docs, "Search Lists", read November 2026. */
const USUAL_LISTS = 20;
const MOST_LISTS = 500;
/** HubSpot names no largest page of workflows and forms, and no largest batch; other endpoints have these. */
const USUAL_PAGE = 20;
const MOST_PAGE = 100;
/** HubSpot's own client, "getPage" of forms, read November 2026. */
const FORM_TYPES: readonly string[] = ['hubspot', 'captured', 'flow', 'blog_comment', 'all'];
/** Every asset was made with the portal. */
const CREATED_AT = isoTime(Date.UTC(2024, 0, 15));

/** All but `count` and `query` must be given, under the dated path at least. */
const SearchSchema = v.object({
  additionalProperties: v.array(v.string()),
  listIds: v.array(v.string()),
  offset: v.pipe(v.number(), v.minValue(0)),
  processingTypes: v.array(v.string()),
  count: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(MOST_LISTS)), USUAL_LISTS),
  query: v.optional(v.string(), ''),
});
const FlowsSchema = v.object({
  inputs: v.array(v.object({ flowId: v.string(), type: v.literal('FLOW_ID') })),
});

const LISTS = 'crm.lists.read';
const FLOWS = 'automation';
const FORMS = 'forms';

export const assetRoutes: readonly Route[] = [
  ...underBoth('/crm/lists/2026-03', '/crm/v3/lists', [
    { method: 'POST', path: '/search', scope: LISTS, handle: searchLists },
    { method: 'GET', path: '', scope: LISTS, handle: readLists },
    { method: 'GET', path: '/', scope: LISTS, handle: readLists },
  ]),
  { method: 'GET', path: '/automation/v4/flows', scope: FLOWS, handle: listFlows },
  { method: 'POST', path: '/automation/v4/flows/batch/read', scope: FLOWS, handle: readFlows },
  { method: 'GET', path: '/automation/v4/flows/{id}', scope: FLOWS, handle: readFlow },
  { method: 'GET', path: '/marketing/v3/forms', scope: FORMS, handle: listForms },
];

/** Without filters: these are told only to who asks for the lists by id. */
function searchLists({ state, body }: ApiCall): Reply {
  const asked = v.safeParse(SearchSchema, body);
  if (!asked.success) return invalidJson(v.summarize(asked.issues));
  const { listIds, processingTypes, offset, count, query } = asked.output;
  const found = state.assets.lists.filter(
    ({ listId, processingType, name }) =>
      (listIds.length === 0 || listIds.includes(listId)) &&
      (processingTypes.length === 0 || processingTypes.includes(processingType)) &&
      name.toLowerCase().includes(query.toLowerCase()),
  );
  const lists = found.slice(offset, offset + count);
  const next = offset + lists.length;
  return {
    status: 200,
    body: {
      lists: lists.map((list) => ({ ...listView(list, false), additionalProperties: {} })),
      offset: next,
      hasMore: next < found.length,
      total: found.length,
    },
  };
}

function readLists({ state, query }: ApiCall): Reply {
  const asked = query.getAll('listIds');
  const withFilters = query.get('includeFilters') === 'true';
  const lists = state.assets.lists.filter(({ listId }) => asked.includes(listId));
  return { status: 200, body: { lists: lists.map((list) => listView(list, withFilters)) } };
}

function listView({ filterBranch, ...list }: ListAsset, withFilters: boolean): Record<string, unknown> {
  return {
    ...list,
    listVersion: 1,
    processingStatus: 'COMPLETE',
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    filtersUpdatedAt: CREATED_AT,
    ...(withFilters && filterBranch !== undefined && { filterBranch }),
  };
}

/** What a workflow does is told only to who reads it by id. */
function listFlows(call: ApiCall): Reply {
  return paged(call, call.state.assets.flows, ({ id, name, isEnabled, objectTypeId }) => ({
    id,
    name,
    isEnabled,
    objectTypeId,
    flowType: 'WORKFLOW',
    revisionId: '1',
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
  }));
}

function readFlow({ state, params }: ApiCall): Reply {
  const found = state.assets.flows.find(({ id }) => id === params.id);
  return found === undefined ? notFound() : { status: 200, body: flowView(found) };
}

/** Ids that are unknown are left out of the answer. */
function readFlows({ state, body }: ApiCall): Reply {
  const asked = v.safeParse(FlowsSchema, body);
  if (!asked.success) return invalidJson(v.summarize(asked.issues));
  if (asked.output.inputs.length > MOST_PAGE)
    return validationError(`at most ${MOST_PAGE} workflows can be read at once`);
  const ids = new Set(asked.output.inputs.map(({ flowId }) => flowId));
  const now = isoTime(state.clock());
  return {
    status: 200,
    body: {
      status: 'COMPLETE',
      results: state.assets.flows.filter(({ id }) => ids.has(id)).map(flowView),
      startedAt: now,
      completedAt: now,
    },
  };
}

function flowView(flow: FlowAsset): Record<string, unknown> {
  return {
    ...flow,
    type: flow.objectTypeId === '0-1' ? 'CONTACT_FLOW' : 'PLATFORM_FLOW',
    flowType: 'WORKFLOW',
    revisionId: '1',
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    nextAvailableActionId: String(flow.actions.length + 1),
    timeWindows: [],
    blockedDates: [],
    customProperties: {},
    suppressionListIds: [],
    canEnrollFromSalesforce: false,
    dataSources: [],
  };
}

/** Where no type is asked for, only forms of HubSpot's own; HubSpot says of `hubspot` that it is the default. */
function listForms(call: ApiCall): Reply {
  const asked = call.query.getAll('formTypes');
  const unknown = asked.find((type) => !FORM_TYPES.includes(type));
  if (unknown !== undefined)
    return validationError(`formTypes must be of ${FORM_TYPES.join(', ')}, got ${unknown}`);
  const types = asked.length === 0 ? ['hubspot'] : asked;
  const forms = call.state.assets.forms
    .map((form) => ({ ...form, formType: form.formType ?? 'hubspot' }))
    .filter(({ formType }) => types.includes('all') || types.includes(formType));
  return paged(call, forms, (form) => ({
    ...form,
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    archived: false,
  }));
}

/** One page; `after` is an opaque cursor, here the position. */
function paged<T>({ query, path }: ApiCall, all: readonly T[], view: (one: T) => unknown): Reply {
  const limitText = query.get('limit') ?? String(USUAL_PAGE);
  const limit = Number(limitText);
  if (!/^\d+$/.test(limitText) || limit < 1 || limit > MOST_PAGE)
    return validationError(`limit must be between 1 and ${MOST_PAGE}, got ${limitText}`);
  const afterText = query.get('after') ?? '0';
  if (!/^\d+$/.test(afterText)) return validationError(`after is not a cursor: ${afterText}`);
  const after = Number(afterText);
  const end = after + limit;
  const link = `https://api.hubapi.com${path}?limit=${limit}&after=${end}`;
  return {
    status: 200,
    body: {
      results: all.slice(after, end).map(view),
      ...(end < all.length && { paging: { next: { after: String(end), link } } }),
    },
  };
}
