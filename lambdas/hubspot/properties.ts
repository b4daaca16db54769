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
import { OUTPUT_GROUP, type OutputProperty } from './outputs.ts';
import type { Send } from './transport.ts';

/** What provisioning did with one property. */
export interface Provisioned {
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

/**
 * Creates the group and the properties that Afterglow writes on contacts. Running it again changes nothing; what somebody else
 * created in the meantime is as good as created here.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param onDone - told of each property as it is done
 * @throws PropertyMismatchError naming every property whose type differs, before anything is created
 */
export async function provisionContactProperties(
  apiUrl: string,
  send: Send,
  wanted: readonly OutputProperty[],
  onDone: (done: Provisioned) => void,
): Promise<void> {
  const { core, groups } = propertyApis(apiUrl, send);
  const { results } = v.parse(v.object({ results: v.array(Existing) }), await core.getAll('contacts'));
  const existing = new Map(results.map((property) => [property.name, property]));
  const different = wanted.filter((property) => differs(property, existing.get(property.name)));
  if (different.length > 0) throw mismatch(different, existing);
  await orConflict(() => groups.create('contacts', OUTPUT_GROUP));
  for (const property of wanted) {
    const found = existing.get(property.name);
    onDone({
      name: property.name,
      did: found === undefined ? await create(core, property) : await complete(core, property, found),
    });
  }
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

function differs(wanted: OutputProperty, found: Existing | undefined): boolean {
  return found !== undefined && (found.type !== wanted.type || found.fieldType !== wanted.fieldType);
}

function mismatch(
  different: readonly OutputProperty[],
  existing: ReadonlyMap<string, Existing>,
): PropertyMismatchError {
  const lines = different.map(({ name, type, fieldType }) => {
    const found = existing.get(name);
    return `${name}: HubSpot has ${found?.type}/${found?.fieldType}, Afterglow writes ${type}/${fieldType}`;
  });
  return new PropertyMismatchError(
    `${lines.join('\n')}\nNothing was created. Rename or archive the properties named here in HubSpot, then provision again.`,
  );
}

async function create(core: CoreApi, property: OutputProperty): Promise<Provisioned['did']> {
  const type = v.parse(v.enum(PropertyCreateTypeEnum), property.type);
  const fieldType = v.parse(v.enum(PropertyCreateFieldTypeEnum), property.fieldType);
  const { options: choices, ...rest } = property;
  const isNew = await orConflict(() =>
    core.create('contacts', {
      ...rest,
      type,
      fieldType,
      formField: false,
      hidden: false,
      ...(choices && { options: choices.map((option) => ({ ...option, hidden: false })) }),
    }),
  );
  return isNew ? 'created' : 'existed';
}

/** A new model may bring grades that the property does not know. Those it has stay: old scores may still show them. */
async function complete(
  core: CoreApi,
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
  await core.update('contacts', property.name, { options });
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
