import {
  CoreApi,
  createConfiguration,
  GroupsApi,
  PropertyCreateFieldTypeEnum,
  PropertyCreateTypeEnum,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@hubspot/api-client/lib/codegen/crm/properties/index.js';
import * as v from 'valibot';
import { HubSpotError } from './answer.ts';
import { AI_GROUP, OUTPUT_GROUP, type OutputProperty } from './output-property.ts';
import type { OutputProperties } from './outputs.ts';
import type { Send } from './transport.ts';

/** What provisioning did with one property. */
export interface Provisioned {
  /** The kind of record that has it: several have one of the same name. */
  readonly type: keyof OutputProperties;
  readonly name: string;
  readonly did: 'created' | 'existed' | 'options added';
}

/** A property of that name exists and is something else: writing to it would fail, or worse, succeed. */
export class PropertyMismatchError extends Error {
  override readonly name = 'PropertyMismatchError';
}

const Existing = v.object({
  name: v.string(),
  type: v.string(),
  fieldType: v.string(),
  options: v.optional(
    v.array(
      v.object({
        label: v.string(),
        value: v.string(),
        displayOrder: v.optional(v.number()),
        hidden: v.optional(v.boolean(), false),
        description: v.optional(v.string()),
      }),
    ),
    [],
  ),
});
type Existing = v.InferOutput<typeof Existing>;

/** A kind of record that has properties of ours, the properties it is to have, and those it has. */
interface Plan {
  readonly type: keyof OutputProperties;
  readonly wanted: readonly OutputProperty[];
  readonly existing: ReadonlyMap<string, Existing>;
}

/**
 * Creates the groups and the properties that Afterglow writes. Running it again changes nothing; what somebody else created in the
 * meantime is as good as created here.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param onDone - told of each property as it is done
 * @throws PropertyMismatchError naming every property whose type differs, before anything is created
 */
export async function provisionProperties(
  apiUrl: string,
  send: Send,
  { contacts, companies, deals }: OutputProperties,
  onDone: (done: Provisioned) => void,
): Promise<void> {
  const { core, groups } = propertyApis(apiUrl, send);
  const plans = [await plan(core, 'contacts', contacts)];
  if (companies.length > 0) plans.push(await plan(core, 'companies', companies));
  if (deals.length > 0) plans.push(await plan(core, 'deals', deals));
  const mismatches = plans.flatMap(mismatchesOf);
  if (mismatches.length > 0) {
    throw new PropertyMismatchError(
      `${mismatches.join('\n')}\nNothing was created. Rename or archive the properties named here in HubSpot, then provision again.`,
    );
  }
  for (const { type, wanted, existing } of plans) {
    for (const group of [OUTPUT_GROUP, AI_GROUP])
      if (wanted.some(({ groupName }) => groupName === group.name))
        await orConflict(() => groups.create(type, group));
    for (const property of wanted) {
      const found = existing.get(property.name);
      const did =
        found === undefined
          ? await create(core, type, property)
          : await complete(core, type, property, found);
      onDone({ type, name: property.name, did });
    }
  }
}

async function plan(core: CoreApi, type: Plan['type'], wanted: readonly OutputProperty[]): Promise<Plan> {
  const { results } = v.parse(v.object({ results: v.array(Existing) }), await core.getAll(type));
  return { type, wanted, existing: new Map(results.map((property) => [property.name, property])) };
}

function propertyApis(apiUrl: string, send: Send): { core: CoreApi; groups: GroupsApi } {
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(apiUrl, {}),
    httpApi: wrapHttpLibrary({
      async send(request) {
        const { status, headers, text } = await send(request);
        return new ResponseContext(status, headers, {
          text: async () => text,
          binary: async () => Buffer.from(text),
        });
      },
    }),
  });
  return { core: new CoreApi(configuration), groups: new GroupsApi(configuration) };
}

function mismatchesOf({ type: kind, wanted, existing }: Plan): string[] {
  return wanted.flatMap(({ name, type, fieldType }) => {
    const found = existing.get(name);
    if (found === undefined || (found.type === type && found.fieldType === fieldType)) return [];
    return [
      `${kind} ${name}: HubSpot has ${found.type}/${found.fieldType}, Afterglow writes ${type}/${fieldType}`,
    ];
  });
}

async function create(
  core: CoreApi,
  objectType: Plan['type'],
  property: OutputProperty,
): Promise<Provisioned['did']> {
  const type = v.parse(v.enum(PropertyCreateTypeEnum), property.type);
  const fieldType = v.parse(v.enum(PropertyCreateFieldTypeEnum), property.fieldType);
  const { options: choices, formField = false, ...rest } = property;
  const isNew = await orConflict(() =>
    core.create(objectType, {
      ...rest,
      type,
      fieldType,
      formField,
      hidden: false,
      ...(choices && { options: choices.map((option) => ({ ...option, hidden: false })) }),
    }),
  );
  return isNew ? 'created' : 'existed';
}

/** A new model may bring grades and statuses that the property does not know. Those it has stay: old scores may still show them. */
async function complete(
  core: CoreApi,
  objectType: Plan['type'],
  property: OutputProperty,
  found: Existing,
): Promise<Provisioned['did']> {
  const missing = (property.options ?? []).filter(
    ({ value }) => !found.options.some((option) => option.value === value),
  );
  if (missing.length === 0) return 'existed';
  const options = [...found.options, ...missing].map((option, displayOrder) => ({
    hidden: false,
    ...option,
    displayOrder,
  }));
  await core.update(objectType, property.name, { options });
  return 'options added';
}

/** @returns false when it existed already */
async function orConflict(creation: () => Promise<unknown>): Promise<boolean> {
  try {
    await creation();
    return true;
  } catch (error) {
    if (error instanceof HubSpotError && error.status === 409) return false;
    throw error;
  }
}
