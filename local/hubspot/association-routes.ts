// Which records belong together, in batches.
import * as v from 'valibot';
import { associate, associatedWith, associationTypes, dissociate } from './associations.ts';
import { batchReply, tooManyInputs } from './batch.ts';
import {
  type BatchError,
  batchError,
  errorReply,
  invalidJson,
  type Reply,
  validationError,
} from './errors.ts';
import { OBJECTS, type ObjectType } from './object-types.ts';
import { liveRecord } from './records.ts';
import { type ApiCall, type Route, typeParam, underBoth } from './routes.ts';

/** Inputs of a read and of a write (HubSpot docs, "Associations", read November 2026). */
const MAX_READ_INPUTS = 1000;
const MAX_WRITE_INPUTS = 2000;
/** Associated records of one object on a page of a batch read. */
const PAGE = 500;

const IdSchema = v.object({ id: v.union([v.string(), v.number()]) });
const ReadSchema = v.object({
  inputs: v.array(v.object({ id: v.union([v.string(), v.number()]), after: v.optional(v.string()) })),
});
const TypesSchema = v.array(v.object({ associationCategory: v.string(), associationTypeId: v.number() }));
const CreateSchema = v.object({
  inputs: v.array(v.object({ from: IdSchema, to: IdSchema, types: TypesSchema })),
});
const DefaultSchema = v.object({ inputs: v.array(v.object({ from: IdSchema, to: IdSchema })) });
const ArchiveSchema = v.object({ inputs: v.array(v.object({ from: IdSchema, to: v.array(IdSchema) })) });

const WRITE = 'crm.objects.{type}.write';
/** Both ends: what a record belongs to tells of the other, too. */
const READ = ['crm.objects.{type}.read', 'crm.objects.{toType}.read'];
const PAIR = '/{type}/{toType}/batch';

export const associationRoutes: readonly Route[] = [
  ...underBoth(`/crm/associations/2026-03${PAIR}`, `/crm/v4/associations${PAIR}`, [
    { method: 'POST', path: '/read', scope: READ, handle: batchRead },
    { method: 'POST', path: '/create', scope: WRITE, handle: batchCreate },
    { method: 'POST', path: '/associate/default', scope: WRITE, handle: batchDefault },
    { method: 'POST', path: '/archive', scope: WRITE, handle: batchArchive },
  ]),
  ...underBoth('/crm/objects/2026-03/{type}/{id}/associations', '/crm/v4/objects/{type}/{id}/associations', [
    { method: 'PUT', path: '/default/{toType}/{toId}', scope: WRITE, handle: putDefault },
    { method: 'PUT', path: '/{toType}/{toId}', scope: WRITE, handle: putLabelled },
    { method: 'DELETE', path: '/{toType}/{toId}', scope: WRITE, handle: remove },
    { method: 'GET', path: '/{toType}', scope: READ, handle: readOne },
  ]),
];

function batchRead(call: ApiCall): Reply {
  const body = v.safeParse(ReadSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  if (body.output.inputs.length > MAX_READ_INPUTS) return tooManyInputs(MAX_READ_INPUTS);
  const [type, toType] = [typeParam(call), typeParam(call, 'toType')];
  const results: Record<string, unknown>[] = [];
  const errors: BatchError[] = [];
  for (const input of new Map(body.output.inputs.map((each) => [String(each.id), each])).values()) {
    const id = String(input.id);
    const page = pageOf(call, id, input.after);
    if (page.to.length > 0) results.push({ from: { id }, ...page });
    else errors.push(nothingAssociated(type, toType, id));
  }
  return batchReply(call, results, errors);
}

function nothingAssociated(type: ObjectType, toType: ObjectType, id: string): BatchError {
  const [from, to] = [OBJECTS[type].singular, OBJECTS[toType].singular];
  const context = { fromObjectId: [id], fromObjectType: [from], toObjectType: [to] };
  return batchError('OBJECT_NOT_FOUND', `No ${to} is associated with ${from} ${id}.`, context);
}

interface AssociationPage {
  readonly to: readonly Record<string, unknown>[];
  readonly paging?: { readonly next: { readonly after: string } };
}

/** One page of what a record is associated with; pages continue after a position. */
function pageOf(call: ApiCall, id: string, after = '0'): AssociationPage {
  const [type, toType] = [typeParam(call), typeParam(call, 'toType')];
  if (liveRecord(call.state, type, id) === undefined) return { to: [] };
  const all = associatedWith(call.state, { type, id }, toType);
  const start = Number(after) || 0;
  const dated = call.path.includes('/2026-03/');
  const primary = associationTypes(type, toType)?.primary;
  const to = all.slice(start, start + PAGE).map((other) => ({
    toObjectId: dated ? other.id : Number(other.id),
    associationTypes: other.typeIds.map((typeId) => ({
      category: 'HUBSPOT_DEFINED',
      typeId,
      ...(typeId === primary ? { label: 'Primary' } : dated ? {} : { label: null }),
    })),
  }));
  return { to, ...(all.length > start + PAGE ? { paging: { next: { after: String(start + PAGE) } } } : {}) };
}

function readOne(call: ApiCall): Reply {
  const { to, paging } = pageOf(call, call.params.id ?? '', call.query.get('after') ?? '0');
  return { status: 200, body: { results: to, ...(paging === undefined ? {} : { paging }) } };
}

type Link = { readonly from: string; readonly to: string; readonly primary: boolean };

/** Makes one association, or says why it cannot be. */
function makeLink(call: ApiCall, { from, to, primary }: Link): BatchError | undefined {
  const [type, toType] = [typeParam(call), typeParam(call, 'toType')];
  for (const [each, id] of [[type, from] as const, [toType, to] as const]) {
    if (liveRecord(call.state, each, id) === undefined) {
      return batchError('OBJECT_NOT_FOUND', `${OBJECTS[each].singular} ${id} does not exist`, { ids: [id] });
    }
  }
  associate(call.state, { type, id: from }, { type: toType, id: to }, { primary, source: call.source });
  return undefined;
}

function batchCreate(call: ApiCall): Reply {
  const body = v.safeParse(CreateSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { inputs } = body.output;
  if (inputs.length > MAX_WRITE_INPUTS) return tooManyInputs(MAX_WRITE_INPUTS);
  const known = associationTypes(typeParam(call), typeParam(call, 'toType'));
  const asked = inputs.flatMap(({ types }) => types.map(({ associationTypeId }) => associationTypeId));
  const unknown = asked.find((typeId) => typeId !== known?.unlabeled && typeId !== known?.primary);
  if (known === undefined || unknown !== undefined)
    return validationError(`${unknown ?? ''} is not a valid association type`);
  const results: Record<string, unknown>[] = [];
  const errors: BatchError[] = [];
  for (const { from, to, types } of inputs) {
    const primary = types.some(({ associationTypeId }) => associationTypeId === known.primary);
    const error = makeLink(call, { from: String(from.id), to: String(to.id), primary });
    if (error === undefined) results.push(pairView(call, String(from.id), String(to.id), primary));
    else errors.push(error);
  }
  return batchReply(call, results, errors, 201);
}

function pairView(call: ApiCall, fromId: string, toId: string, primary: boolean): Record<string, unknown> {
  return {
    fromObjectTypeId: OBJECTS[typeParam(call)].typeId,
    fromObjectId: fromId,
    toObjectTypeId: OBJECTS[typeParam(call, 'toType')].typeId,
    toObjectId: toId,
    labels: primary ? ['Primary'] : [],
  };
}

function batchDefault(call: ApiCall): Reply {
  const body = v.safeParse(DefaultSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { inputs } = body.output;
  if (inputs.length > MAX_WRITE_INPUTS) return tooManyInputs(MAX_WRITE_INPUTS);
  return linkDefault(
    call,
    inputs.map(({ from, to }) => ({ from: String(from.id), to: String(to.id), primary: false })),
  );
}

function putDefault(call: ApiCall): Reply {
  return linkDefault(call, [{ from: call.params.id ?? '', to: call.params.toId ?? '', primary: false }]);
}

function linkDefault(call: ApiCall, links: readonly Link[]): Reply {
  const [type, toType] = [typeParam(call), typeParam(call, 'toType')];
  if (associationTypes(type, toType) === undefined)
    return validationError(`${type} cannot be associated with ${toType}`);
  const results: Record<string, unknown>[] = [];
  const errors: BatchError[] = [];
  for (const link of links) {
    const error = makeLink(call, link);
    if (error !== undefined) errors.push(error);
    else results.push(specView(type, toType, link), specView(toType, type, { from: link.to, to: link.from }));
  }
  return batchReply(call, results, errors);
}

function specView(from: ObjectType, to: ObjectType, ids: Pick<Link, 'from' | 'to'>): Record<string, unknown> {
  const associationTypeId = associationTypes(from, to)?.unlabeled ?? 0;
  return {
    from: { id: ids.from },
    to: { id: ids.to },
    associationSpec: { associationCategory: 'HUBSPOT_DEFINED', associationTypeId },
  };
}

function putLabelled(call: ApiCall): Reply {
  const types = v.safeParse(TypesSchema, call.body);
  if (!types.success) return invalidJson(v.summarize(types.issues));
  const known = associationTypes(typeParam(call), typeParam(call, 'toType'));
  const asked = types.output.map(({ associationTypeId }) => associationTypeId);
  if (known === undefined || asked.some((typeId) => typeId !== known.unlabeled && typeId !== known.primary)) {
    return validationError('One or more association types are not valid');
  }
  const primary = known.primary !== undefined && asked.includes(known.primary);
  const [from, to] = [call.params.id ?? '', call.params.toId ?? ''];
  const error = makeLink(call, { from, to, primary });
  if (error !== undefined)
    return errorReply(404, error.message, { category: error.category, context: error.context });
  return { status: 201, body: pairView(call, from, to, primary) };
}

function batchArchive(call: ApiCall): Reply {
  const body = v.safeParse(ArchiveSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const [type, toType] = [typeParam(call), typeParam(call, 'toType')];
  for (const { from, to } of body.output.inputs) {
    for (const { id } of to) {
      dissociate(
        call.state,
        { type, id: String(from.id) },
        { type: toType, id: String(id) },
        { source: call.source },
      );
    }
  }
  return { status: 204 };
}

function remove(call: ApiCall): Reply {
  const from = { type: typeParam(call), id: call.params.id ?? '' };
  dissociate(
    call.state,
    from,
    { type: typeParam(call, 'toType'), id: call.params.toId ?? '' },
    { source: call.source },
  );
  return { status: 204 };
}
