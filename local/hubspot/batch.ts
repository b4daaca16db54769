// Up to a hundred records at once. HubSpot's way with a bad input depends on what is wrong with it and on trace ids.
import * as v from 'valibot';
import {
  type BatchError,
  batchError,
  invalidJson,
  invalidProperties,
  type PropertyProblem,
  problemDetails,
  problemsMessage,
  type Reply,
  validationError,
} from './errors.ts';
import { deleteRecord } from './merges.ts';
import {
  AssociationsSchema,
  alreadyExists,
  associateAll,
  associationsAsked,
  notUnique,
  PropertiesSchema,
} from './object-routes.ts';
import type { ObjectType } from './object-types.ts';
import { readView, writeView } from './object-views.ts';
import { visibleProperty } from './properties.ts';
import {
  createRecord,
  isAlias,
  liveRecord,
  recordByUnique,
  type StoredRecord,
  uniqueConflict,
  writeValues,
} from './records.ts';
import { type ApiCall, type Route, typeParam, underBoth } from './routes.ts';
import { isoTime } from './timestamps.ts';
import { checkValues, isUnique, upperName } from './values.ts';

/** Inputs of one batch, and of a batch read with histories (HubSpot docs, "Using object APIs", read November 2026). */
const MAX_INPUTS = 100;
const MAX_INPUTS_WITH_HISTORY = 50;

const ReadSchema = v.object({
  inputs: v.optional(v.array(v.object({ id: v.string() }))),
  properties: v.optional(v.array(v.string()), []),
  propertiesWithHistory: v.optional(v.array(v.string()), []),
  idProperty: v.optional(v.string()),
});
const WriteInputSchema = v.object({
  id: v.string(),
  properties: PropertiesSchema,
  idProperty: v.optional(v.string()),
  objectWriteTraceId: v.optional(v.string()),
});
const WriteSchema = v.object({ inputs: v.optional(v.array(WriteInputSchema)) });
const CreateInputSchema = v.object({
  properties: PropertiesSchema,
  associations: AssociationsSchema,
  objectWriteTraceId: v.optional(v.string()),
});
const CreateSchema = v.object({ inputs: v.optional(v.array(CreateInputSchema)) });
const ArchiveSchema = v.object({ inputs: v.optional(v.array(v.object({ id: v.string() })), []) });

type WriteInput = v.InferOutput<typeof WriteInputSchema>;
type CreateInput = v.InferOutput<typeof CreateInputSchema>;

const WRITE = 'crm.objects.{type}.write';

export const batchRoutes: readonly Route[] = underBoth(
  '/crm/objects/2026-03/{type}/batch',
  '/crm/v3/objects/{type}/batch',
  [
    { method: 'POST', path: '/read', scope: 'crm.objects.{type}.read', handle: batchRead },
    { method: 'POST', path: '/create', scope: WRITE, handle: batchCreate },
    { method: 'POST', path: '/update', scope: WRITE, handle: batchUpdate },
    { method: 'POST', path: '/upsert', scope: WRITE, handle: batchUpsert },
    { method: 'POST', path: '/archive', scope: WRITE, handle: batchArchive },
  ],
);

/** The envelope of a batch answer: 207 as soon as there is an error. Results come in no promised order. */
export function batchReply(
  call: ApiCall,
  results: readonly Record<string, unknown>[],
  errors: readonly BatchError[],
  allWell = 200,
): Reply {
  const now = isoTime(call.state.clock());
  const envelope = {
    status: 'COMPLETE',
    results: call.random.shuffled(results),
    startedAt: now,
    completedAt: now,
  };
  if (errors.length === 0) return { status: allWell, body: envelope };
  return { status: 207, body: { ...envelope, numErrors: errors.length, errors } };
}

export function tooManyInputs(most: number): Reply {
  return validationError(`The maximum number of inputs supported in a batch request is ${most}`);
}

function batchRead(call: ApiCall): Reply {
  const type = typeParam(call);
  const body = v.safeParse(ReadSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { inputs, properties, propertiesWithHistory, idProperty } = body.output;
  if (inputs === undefined) return batchReply(call, [], []);
  const most = propertiesWithHistory.length > 0 ? MAX_INPUTS_WITH_HISTORY : MAX_INPUTS;
  if (inputs.length > most) return tooManyInputs(most);
  if (!canIdentify(call, type, idProperty)) return notUnique(type, idProperty ?? '');

  const found = new Map<string, StoredRecord>();
  const missing: string[] = [];
  const archived = call.query.get('archived') === 'true';
  for (const { id } of inputs) {
    const record = archived ? archivedRecord(call, type, id) : recordFor(call, type, id, idProperty);
    if (record !== undefined) found.set(record.id, record);
    else if (!isAlias(call.state, type, id)) missing.push(id); // A merged id is left out without a word.
  }
  const view = { properties, withHistory: propertiesWithHistory };
  const results = [...found.values()].map((record) => readView(call.state, type, record, view));
  return batchReply(call, results, missingErrors(type, missing));
}

function archivedRecord(call: ApiCall, type: ObjectType, id: string): StoredRecord | undefined {
  const record = call.state.stores[type].records.get(id);
  return record?.archivedAtMs === undefined ? undefined : record;
}

function canIdentify(call: ApiCall, type: ObjectType, idProperty: string | undefined): boolean {
  if (idProperty === undefined || idProperty === 'hs_object_id') return true;
  const definition = visibleProperty(call.state.catalog, type, idProperty);
  return definition !== undefined && isUnique(type, definition);
}

/** A live record by id or unique property; batches do not follow merged ids. */
function recordFor(
  call: ApiCall,
  type: ObjectType,
  id: string,
  idProperty: string | undefined,
): StoredRecord | undefined {
  return idProperty === undefined || idProperty === 'hs_object_id'
    ? liveRecord(call.state, type, id)
    : recordByUnique(call.state, type, idProperty, id);
}

function missingErrors(type: ObjectType, ids: readonly string[]): BatchError[] {
  if (ids.length === 0) return [];
  const message = `Could not get some ${upperName(type)} objects, they may be deleted or not exist. Check that ids are valid.`;
  return [batchError('OBJECT_NOT_FOUND', message, { ids: [...new Set(ids)] })];
}

function batchUpdate(call: ApiCall): Reply {
  const type = typeParam(call);
  const body = v.safeParse(WriteSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { inputs } = body.output;
  if (inputs === undefined) return batchReply(call, [], []);
  if (inputs.length > MAX_INPUTS) return tooManyInputs(MAX_INPUTS);
  // E-mail does identify contacts, yet not in this endpoint.
  const refused = inputs.find(
    ({ idProperty }) => idProperty === 'email' || !canIdentify(call, type, idProperty),
  );
  if (refused?.idProperty !== undefined) return notUnique(type, refused.idProperty);
  const targets = inputs.map((input) => ({
    input,
    record: recordFor(call, type, input.id, input.idProperty),
  }));
  const duplicates = duplicatesAmong(
    targets.map(({ input, record }) => ({ given: input.id, id: record?.id ?? input.id })),
  );
  if (duplicates.length > 0) return duplicateIds(duplicates);

  const write = (input: WriteInput, values: ReadonlyMap<string, string>) => {
    const record = recordFor(call, type, input.id, input.idProperty);
    if (record === undefined) return undefined;
    writeValues(call.state, type, record, values, { source: call.source });
    return writeView(type, record, values.keys());
  };
  const missing = targets.filter(
    ({ input, record }) => record === undefined && !isAlias(call.state, type, input.id),
  );
  const ownId = (input: WriteInput) => recordFor(call, type, input.id, input.idProperty)?.id;
  return writeEach(call, type, { inputs, ownId, write, missing: missing.map(({ input }) => input.id) });
}

function duplicatesAmong(keys: readonly { readonly given: string; readonly id: string }[]): string[] {
  const seen = new Set<string>();
  const again = new Set<string>();
  for (const { given, id } of keys) {
    if (seen.has(id)) again.add(given);
    seen.add(id);
  }
  return [...again];
}

function duplicateIds(ids: readonly string[]): Reply {
  return validationError(`duplicate IDs found in batch input: [${ids.join(', ')}]. IDs must be unique`, {
    context: { ids },
  });
}

interface BatchWrite<Input> {
  readonly inputs: readonly Input[];
  /** The record an input is about, when there is one already. */
  ownId(input: Input): string | undefined;
  /** Writes one checked input; undefined when its record is not there. */
  write(input: Input, values: ReadonlyMap<string, string>): Record<string, unknown> | undefined;
  readonly missing: readonly string[];
  readonly allWell?: number;
  /** Whether trace ids make single errors of what else refuses the whole batch; default true. */
  readonly partial?: boolean;
}

/**
 * Checks all inputs, then writes. A bad value refuses the whole batch, unless every input has a trace id of its own: then
 * it is an error of its input, and the others are written.
 */
function writeEach<
  Input extends { properties: Record<string, string>; objectWriteTraceId?: string | undefined },
>(call: ApiCall, type: ObjectType, batch: BatchWrite<Input>): Reply {
  const partial = batch.partial !== false && allTraced(batch.inputs);
  const checked = batch.inputs.map((input) => {
    return { input, ...checkValues(call.state.catalog, type, input.properties, 'api') };
  });
  const problems = checked.flatMap((each) => each.problems);
  if (problems.length > 0 && !partial) return invalidProperties(problems);
  const taken = new Set<string>();
  const conflicts = new Map<Input, string>();
  for (const { input, values, problems: wrong } of checked) {
    if (wrong.length > 0) continue;
    const conflict = conflictOf(call, type, values, batch.ownId(input), taken);
    if (conflict !== undefined) conflicts.set(input, conflict);
  }
  const [firstConflict] = conflicts.values();
  if (firstConflict !== undefined && !partial) return alreadyExists(type, firstConflict);

  const results: Record<string, unknown>[] = [];
  const errors: BatchError[] = [...missingErrors(type, batch.missing)];
  for (const each of checked) {
    const { objectWriteTraceId } = each.input;
    const existingId = conflicts.get(each.input);
    if (each.problems.length > 0) errors.push(valueError(each.problems, objectWriteTraceId));
    else if (existingId !== undefined) errors.push(conflictError(type, existingId, objectWriteTraceId));
    else {
      const view = batch.write(each.input, each.values);
      if (view !== undefined)
        results.push(objectWriteTraceId === undefined ? view : { ...view, objectWriteTraceId });
    }
  }
  return batchReply(call, results, errors, batch.allWell);
}

function allTraced(inputs: readonly { readonly objectWriteTraceId?: string | undefined }[]): boolean {
  const traceIds = inputs.map(({ objectWriteTraceId }) => objectWriteTraceId ?? '');
  return traceIds.every((traceId) => traceId !== '') && new Set(traceIds).size === inputs.length;
}

/** The id of the record that already has a unique value of this input; '' when another input of the batch has it. */
function conflictOf(
  call: ApiCall,
  type: ObjectType,
  values: ReadonlyMap<string, string>,
  ownId: string | undefined,
  taken: Set<string>,
): string | undefined {
  const existing = uniqueConflict(call.state, type, values, ownId)?.existingId;
  if (existing !== undefined) return existing;
  let conflict: string | undefined;
  for (const [name, value] of values) {
    const definition = visibleProperty(call.state.catalog, type, name);
    if (value === '' || definition === undefined || !isUnique(type, definition)) continue;
    if (taken.has(`${name}=${value}`)) conflict = '';
    taken.add(`${name}=${value}`);
  }
  return conflict;
}

function valueError(problems: readonly PropertyProblem[], traceId = ''): BatchError {
  const context = { objectWriteTraceId: [traceId] };
  return batchError('VALIDATION_ERROR', problemsMessage(problems), context, problemDetails(problems));
}

function conflictError(type: ObjectType, existingId: string, traceId = ''): BatchError {
  const message = `${type === 'contacts' ? 'Contact' : upperName(type)} already exists. Existing ID: ${existingId}`;
  return batchError('CONFLICT', message, { objectWriteTraceId: [traceId] });
}

function batchCreate(call: ApiCall): Reply {
  const type = typeParam(call);
  const body = v.safeParse(CreateSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { inputs } = body.output;
  if (inputs === undefined) return batchReply(call, [], [], 201);
  if (inputs.length > MAX_INPUTS) return tooManyInputs(MAX_INPUTS);
  const wanted = new Map(
    inputs.map((input) => [input, associationsAsked(call.state, type, input.associations)]),
  );
  if ([...wanted.values()].includes(undefined))
    return validationError('One or more associations are not valid');
  const write = (input: CreateInput, values: ReadonlyMap<string, string>) => {
    const record = createRecord(call.state, type, values, { source: call.source });
    associateAll(call, type, record.id, wanted.get(input) ?? []);
    return writeView(type, record, values.keys());
  };
  return writeEach(call, type, { inputs, ownId: () => undefined, write, missing: [], allWell: 201 });
}

function batchUpsert(call: ApiCall): Reply {
  const type = typeParam(call);
  const body = v.safeParse(WriteSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { inputs } = body.output;
  if (inputs === undefined) return batchReply(call, [], []);
  if (inputs.length > MAX_INPUTS) return tooManyInputs(MAX_INPUTS);
  if (inputs.some(({ idProperty }) => idProperty === undefined))
    return validationError('idProperty is required');
  const refused = inputs.find(
    ({ idProperty }) => idProperty === 'hs_object_id' || !canIdentify(call, type, idProperty),
  );
  if (refused !== undefined) return notUnique(type, refused.idProperty ?? '');
  const keys = inputs.map(({ id, idProperty = '' }) => ({
    given: id,
    id: recordFor(call, type, id, idProperty)?.id ?? `${idProperty}=${id.toLowerCase()}`,
  }));
  const duplicates = duplicatesAmong(keys);
  if (duplicates.length > 0) return duplicateIds(duplicates);

  const named = inputs.map((input) => ({
    ...input,
    properties: {
      ...input.properties,
      [input.idProperty ?? '']: input.properties[input.idProperty ?? ''] ?? input.id,
    },
  }));
  const write = (input: WriteInput, values: ReadonlyMap<string, string>) => {
    const existing = recordFor(call, type, input.id, input.idProperty);
    if (existing !== undefined) writeValues(call.state, type, existing, values, { source: call.source });
    const record = existing ?? createRecord(call.state, type, values, { source: call.source });
    return { ...writeView(type, record, values.keys()), new: existing === undefined };
  };
  const ownId = (input: WriteInput) => recordFor(call, type, input.id, input.idProperty)?.id;
  // By e-mail there is no partial upsert: one bad input refuses all.
  const partial = inputs.every(({ idProperty }) => idProperty !== 'email');
  return writeEach(call, type, { inputs: named, ownId, write, missing: [], partial });
}

function batchArchive(call: ApiCall): Reply {
  const type = typeParam(call);
  const body = v.safeParse(ArchiveSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  if (body.output.inputs.length > MAX_INPUTS) return tooManyInputs(MAX_INPUTS);
  for (const { id } of body.output.inputs) deleteRecord(call.state, type, id, { source: call.source });
  return { status: 204 };
}
