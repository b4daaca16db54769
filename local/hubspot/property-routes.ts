// Properties and their groups: what a portal can hold, and how that changes.
import * as v from 'valibot';
import { type PropertyParent, parentsOf } from './assets.ts';
import { batchReply, tooManyInputs } from './batch.ts';
import {
  type BatchError,
  batchError,
  errorReply,
  invalidJson,
  notFound,
  type Reply,
  validationError,
  withIds,
} from './errors.ts';
import { OBJECTS, type ObjectType } from './object-types.ts';
import {
  type ObjectProperties,
  type PropertyDefinition,
  type PropertyGroup,
  propertyDefinition,
  visibleProperty,
} from './properties.ts';
import { type ApiCall, type Route, typeParam, underBoth } from './routes.ts';
import { isoTime } from './timestamps.ts';

/** HubSpot docs, "Properties" and "Limits", read November 2026. */
const MAX_INPUTS = 100;
const MAX_CUSTOM = 1000;
const MAX_UNIQUE = 10;
const NAME = /^[a-z][a-z0-9_]{0,99}$/;

/** Which field types a type can be shown as. */
const FIELD_TYPES: Readonly<Record<string, readonly string[]>> = {
  bool: ['booleancheckbox', 'calculation_equation'],
  date: ['date'],
  datetime: ['date'],
  enumeration: ['booleancheckbox', 'checkbox', 'radio', 'select', 'calculation_equation'],
  number: ['number', 'calculation_equation'],
  string: ['file', 'html', 'phonenumber', 'text', 'textarea', 'calculation_equation'],
  phone_number: ['phonenumber'],
};

const OptionsSchema = v.array(
  v.object({
    label: v.string(),
    value: v.string(),
    displayOrder: v.optional(v.number(), -1),
    hidden: v.optional(v.boolean(), false),
    description: v.optional(v.string()),
  }),
);
const CreateSchema = v.object({
  name: v.string(),
  label: v.string(),
  type: v.string(),
  fieldType: v.string(),
  groupName: v.string(),
  description: v.optional(v.string(), ''),
  displayOrder: v.optional(v.number(), -1),
  options: v.optional(OptionsSchema, []),
  externalOptions: v.optional(v.boolean(), false),
  hidden: v.optional(v.boolean(), false),
  formField: v.optional(v.boolean(), false),
  hasUniqueValue: v.optional(v.boolean(), false),
});
const ChangeSchema = v.object({
  label: v.optional(v.string()),
  type: v.optional(v.string()),
  fieldType: v.optional(v.string()),
  groupName: v.optional(v.string()),
  description: v.optional(v.string()),
  displayOrder: v.optional(v.number()),
  options: v.optional(OptionsSchema),
  hidden: v.optional(v.boolean()),
  formField: v.optional(v.boolean()),
});
const NamesSchema = v.object({
  inputs: v.array(v.object({ name: v.string() })),
  archived: v.optional(v.boolean(), false),
});
const GroupSchema = v.object({
  name: v.string(),
  label: v.string(),
  displayOrder: v.optional(v.number(), -1),
});
const GroupChangeSchema = v.object({ label: v.optional(v.string()), displayOrder: v.optional(v.number()) });
const BatchCreateSchema = v.object({ inputs: v.array(CreateSchema) });

type NewProperty = v.InferOutput<typeof CreateSchema>;

const READ = 'crm.schemas.{type}.read';
const WRITE = 'crm.schemas.{type}.write';

export const propertyRoutes: readonly Route[] = underBoth(
  '/crm/properties/2026-03/{type}',
  '/crm/v3/properties/{type}',
  [
    { method: 'GET', path: '', scope: READ, handle: listAll },
    { method: 'POST', path: '', scope: WRITE, handle: create },
    { method: 'POST', path: '/batch/create', scope: WRITE, handle: batchCreate },
    { method: 'POST', path: '/batch/read', scope: READ, handle: batchRead },
    { method: 'POST', path: '/batch/archive', scope: WRITE, handle: batchArchive },
    { method: 'GET', path: '/groups', scope: READ, handle: listGroups },
    { method: 'POST', path: '/groups', scope: WRITE, handle: createGroup },
    { method: 'GET', path: '/groups/{name}', scope: READ, handle: readGroup },
    { method: 'PATCH', path: '/groups/{name}', scope: WRITE, handle: changeGroup },
    { method: 'DELETE', path: '/groups/{name}', scope: WRITE, handle: archiveGroup },
    { method: 'GET', path: '/{name}', scope: READ, handle: readOne },
    { method: 'PATCH', path: '/{name}', scope: WRITE, handle: change },
    { method: 'DELETE', path: '/{name}', scope: WRITE, handle: archive },
  ],
);

function propertiesOf(call: ApiCall): ObjectProperties {
  return call.state.catalog[typeParam(call)];
}

function listAll(call: ApiCall): Reply {
  const type = typeParam(call);
  const archived = call.query.get('archived') === 'true';
  const results = [...propertiesOf(call).byName.values()]
    .filter(({ name, archivedAtMs }) =>
      archived ? archivedAtMs !== undefined : visibleProperty(call.state.catalog, type, name) !== undefined,
    )
    .map(propertyView);
  return { status: 200, body: { results } };
}

function readOne(call: ApiCall): Reply {
  const found = propertyNamed(call, call.params.name ?? '', call.query.get('archived') === 'true');
  return found === undefined ? notFound() : { status: 200, body: propertyView(found) };
}

function propertyNamed(call: ApiCall, name: string, archived: boolean): PropertyDefinition | undefined {
  if (!archived) return visibleProperty(call.state.catalog, typeParam(call), name);
  const found = propertiesOf(call).byName.get(name);
  return found?.archivedAtMs === undefined ? undefined : found;
}

function create(call: ApiCall): Reply {
  const body = v.safeParse(CreateSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const wrong = whyNot(call, body.output);
  if (wrong !== undefined) return wrong;
  return { status: 201, body: propertyView(addProperty(call, body.output)) };
}

/** Why a property cannot be created; an archived one of the same name comes back instead. */
function whyNot(call: ApiCall, asked: NewProperty): Reply | undefined {
  const { byName, groups } = propertiesOf(call);
  const existing = byName.get(asked.name);
  if (existing !== undefined && existing.archivedAtMs === undefined)
    return alreadyExists(typeParam(call), asked.name);
  if (!NAME.test(asked.name)) return validationError(`"${asked.name}" is not a valid property name`);
  if (asked.label === '') return validationError('Property label must not be blank');
  if (groups.get(asked.groupName)?.archived !== false) return noGroup(asked.groupName);
  const custom = [...byName.values()].filter(
    ({ hubspotDefined, archivedAtMs }) => !hubspotDefined && archivedAtMs === undefined,
  );
  if (custom.length >= MAX_CUSTOM)
    return validationError(`There are ${MAX_CUSTOM} custom properties already`);
  if (asked.hasUniqueValue && custom.filter(({ hasUniqueValue }) => hasUniqueValue).length >= MAX_UNIQUE) {
    return validationError(`There are ${MAX_UNIQUE} properties with unique values already`);
  }
  return whyNotShape(asked);
}

function whyNotShape({
  type,
  fieldType,
  options,
}: Pick<NewProperty, 'type' | 'fieldType' | 'options'>): Reply | undefined {
  if (FIELD_TYPES[type]?.includes(fieldType) !== true) {
    return validationError(`Property type '${type}' cannot have field type '${fieldType}'`);
  }
  const values = options.map(({ value }) => value);
  if (new Set(values).size !== values.length) return validationError('Property option values must be unique');
  if (new Set(options.map(({ label }) => label)).size !== values.length) {
    return validationError('Property option labels must be unique');
  }
  const needsBoth = type === 'bool' && values.toSorted().join() !== 'false,true';
  return needsBoth ? validationError('Boolean properties need the options true and false') : undefined;
}

function alreadyExists(type: ObjectType, name: string): Reply {
  return errorReply(409, `A property named '${name}' already exists on ${type}.`, {
    category: 'OBJECT_ALREADY_EXISTS',
    subCategory: 'Properties.PROPERTY_WITH_NAME_EXISTS',
    context: { name: [name] },
  });
}

function noGroup(name: string): Reply {
  return validationError(`Property group '${name}' does not exist`, { context: { groupName: [name] } });
}

function addProperty(call: ApiCall, asked: NewProperty): PropertyDefinition {
  const nowMs = call.state.clock();
  const [least, most] = call.portal.propertyLagMs;
  const visibleFromWallMs = most <= 0 ? 0 : propertiesOf(call).wallClock() + call.random.between(least, most);
  const options = asked.options.map(({ description, ...option }, index) => ({
    ...option,
    displayOrder: option.displayOrder < 0 ? index : option.displayOrder,
    ...(description === undefined ? {} : { description }),
  }));
  const definition = propertyDefinition({
    ...asked,
    options,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    visibleFromWallMs,
  });
  propertiesOf(call).byName.set(definition.name, definition);
  return definition;
}

function change(call: ApiCall): Reply {
  const body = v.safeParse(ChangeSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const found = propertyNamed(call, call.params.name ?? '', false);
  if (found === undefined) return notFound();
  const { options, ...parts } = body.output;
  if (found.hubspotDefined && (parts.type ?? found.type) !== found.type) {
    return validationError(`The type of ${found.name} is defined by HubSpot`);
  }
  const changed: PropertyDefinition = {
    ...found,
    ...Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)),
    options: options?.map(({ description = '', ...option }) => ({ ...option, description })) ?? found.options,
    updatedAtMs: call.state.clock(),
  };
  if (propertiesOf(call).groups.get(changed.groupName)?.archived !== false) return noGroup(changed.groupName);
  const wrong = found.hubspotDefined
    ? undefined
    : whyNotShape({
        ...changed,
        options: options ?? [...changed.options].map((option) => ({ ...option, description: '' })),
      });
  if (wrong !== undefined) return wrong;
  propertiesOf(call).byName.set(found.name, changed);
  return { status: 200, body: propertyView(changed) };
}

function archive(call: ApiCall): Reply {
  const found = propertyNamed(call, call.params.name ?? '', false);
  if (found === undefined) return notFound();
  return archiveProperty(call, found) ?? { status: 204 };
}

function archiveProperty(call: ApiCall, definition: PropertyDefinition): Reply | undefined {
  const refusal = whyNotArchived(call, definition);
  if (refusal !== undefined) return refusal;
  propertiesOf(call).byName.set(definition.name, { ...definition, archivedAtMs: call.state.clock() });
  return undefined;
}

function whyNotArchived(call: ApiCall, { name, hubspotDefined }: PropertyDefinition): Reply | undefined {
  if (hubspotDefined) return validationError(`${name} is defined by HubSpot and cannot be archived`);
  const parents = parentsOf(call.state, name);
  return parents.length === 0 ? undefined : inUse(OBJECTS[typeParam(call)].typeId, name, parents);
}

/** As recorded of a workflow, switched off, that sets the property. */
function inUse(typeId: string, property: string, parents: readonly PropertyParent[]): Reply {
  const about = { property: [property], objectTypeId: [typeId] };
  return errorReply(
    400,
    `Property: ${property} of object type ${typeId} is currently used in ${parents.length} places and cannot be deleted`,
    {
      category: 'VALIDATION_ERROR',
      subCategory: 'PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE',
      context: { ...about, usageCount: [String(parents.length)] },
      errors: parents.map(({ parentType, parentDisplayType, parentName }) => ({
        subCategory: 'PropertyValidationError.PROPERTY_USAGE',
        message: `Property ${property} of object type ${typeId} in use by ${parentType} (display type ${parentDisplayType}) ID ${parentName}: `,
        context: {
          ...about,
          parentType: [parentType],
          parentDisplayType: [parentDisplayType],
          parentName: [parentName],
          link: [''],
        },
      })),
    },
  );
}

function batchCreate(call: ApiCall): Reply {
  const body = v.safeParse(BatchCreateSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { inputs } = body.output;
  if (inputs.length > MAX_INPUTS) return tooManyInputs(MAX_INPUTS);
  const results: Record<string, unknown>[] = [];
  const errors: BatchError[] = [];
  for (const asked of inputs) {
    const wrong = whyNot(call, asked);
    if (wrong === undefined) results.push(propertyView(addProperty(call, asked)));
    else if (wrong.status === 409) {
      const message = `A property named '${asked.name}' already exists on ${typeParam(call)}.`;
      errors.push(batchError('OBJECT_ALREADY_EXISTS', message, { name: [asked.name] }));
    } else {
      errors.push(
        batchError('VALIDATION_ERROR', `Property '${asked.name}' is not valid`, { name: [asked.name] }),
      );
    }
  }
  return batchReply(call, results, errors, 201);
}

function batchRead(call: ApiCall): Reply {
  const body = v.safeParse(NamesSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { inputs, archived } = body.output;
  if (inputs.length > MAX_INPUTS) return tooManyInputs(MAX_INPUTS);
  const found: PropertyDefinition[] = [];
  const missing: string[] = [];
  for (const { name } of inputs) {
    const definition = propertyNamed(call, name, archived);
    if (definition === undefined) missing.push(name);
    else found.push(definition);
  }
  const errors =
    missing.length === 0
      ? []
      : [batchError('OBJECT_NOT_FOUND', 'Some properties do not exist', { name: missing })];
  return batchReply(call, found.map(propertyView), errors);
}

function batchArchive(call: ApiCall): Reply {
  const body = v.safeParse(NamesSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  if (body.output.inputs.length > MAX_INPUTS) return tooManyInputs(MAX_INPUTS);
  const found = body.output.inputs.flatMap(({ name }) => propertyNamed(call, name, false) ?? []);
  // One that cannot be archived keeps all of them.
  const [refusal] = found.flatMap((definition) => whyNotArchived(call, definition) ?? []);
  if (refusal !== undefined) return refusal;
  for (const definition of found) archiveProperty(call, definition);
  return { status: 204 };
}

function listGroups(call: ApiCall): Reply {
  return {
    status: 200,
    body: { results: [...propertiesOf(call).groups.values()].filter(({ archived }) => !archived) },
  };
}

function createGroup(call: ApiCall): Reply {
  const body = v.safeParse(GroupSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const { groups } = propertiesOf(call);
  const { name, label, displayOrder } = body.output;
  if (groups.get(name)?.archived === false) {
    return errorReply(409, `A property group named '${name}' already exists.`, {
      category: 'OBJECT_ALREADY_EXISTS',
      subCategory: 'Properties.GROUP_WITH_NAME_EXISTS',
      context: { name: [name] },
    });
  }
  if (!NAME.test(name)) return validationError(`"${name}" is not a valid group name`);
  const group: PropertyGroup = { name, label, displayOrder, archived: false };
  groups.set(name, group);
  return { status: 201, body: group };
}

function groupNamed(call: ApiCall): PropertyGroup | undefined {
  const group = propertiesOf(call).groups.get(call.params.name ?? '');
  return group?.archived === false ? group : undefined;
}

function readGroup(call: ApiCall): Reply {
  const group = groupNamed(call);
  return group === undefined ? notFound() : { status: 200, body: group };
}

function changeGroup(call: ApiCall): Reply {
  const body = v.safeParse(GroupChangeSchema, call.body);
  if (!body.success) return invalidJson(v.summarize(body.issues));
  const group = groupNamed(call);
  if (group === undefined) return notFound();
  const { label = group.label, displayOrder = group.displayOrder } = body.output;
  const changed = { ...group, label, displayOrder };
  propertiesOf(call).groups.set(group.name, changed);
  return { status: 200, body: changed };
}

function archiveGroup(call: ApiCall): Reply {
  const group = groupNamed(call);
  if (group === undefined) return notFound();
  const { byName, groups } = propertiesOf(call);
  const holdsProperties = [...byName.values()].some(
    ({ groupName, archivedAtMs }) => groupName === group.name && archivedAtMs === undefined,
  );
  if (holdsProperties) return stillHolds(call);
  groups.set(group.name, { ...group, archived: true });
  return { status: 204 };
}

/** As recorded: the error itself stands as text in the message of another that says nothing. */
function stillHolds({ newId }: ApiCall): Reply {
  const why = validationError("Can't delete or purge a group with active properties", {
    subCategory: 'PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES',
  });
  return errorReply(400, JSON.stringify(withIds(why, newId).body));
}

/** A property as the API describes it. */
function propertyView(definition: PropertyDefinition): Record<string, unknown> {
  const {
    readOnlyValue,
    createdAtMs,
    updatedAtMs,
    archivedAtMs,
    visibleFromWallMs: _,
    ...parts
  } = definition;
  return {
    ...parts,
    dataSensitivity: 'non_sensitive',
    modificationMetadata: {
      archivable: !definition.hubspotDefined,
      readOnlyDefinition: definition.hubspotDefined,
      ...(definition.options.length === 0 ? {} : { readOnlyOptions: definition.hubspotDefined }),
      readOnlyValue,
    },
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
    archived: archivedAtMs !== undefined,
    ...(archivedAtMs === undefined ? {} : { archivedAt: isoTime(archivedAtMs) }),
  };
}
