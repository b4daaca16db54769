import * as v from 'valibot';
import { HubSpotError } from './answer.ts';
import { detailsAt } from './details.ts';
import type { OutputProperty } from './output-property.ts';
import type { OutputProperties } from './outputs.ts';
import type { Send } from './transport.ts';

const Definition = v.object({
  type: v.string(),
  fieldType: v.string(),
  /** Calculated, or closed to the API. */
  isReadOnly: v.boolean(),
  /** No two records have the same value: it can name a record. */
  isUnique: v.boolean(),
  /** The values an enumeration takes. */
  options: v.array(v.string()),
});

/** How a portal defines the properties that were asked for, by name: null where it has none, or has archived it. */
export const Definitions = v.record(v.string(), v.nullable(Definition));
export type Definitions = Readonly<v.InferOutput<typeof Definitions>>;

const Answer = v.object({
  results: v.array(
    v.object({
      name: v.string(),
      type: v.string(),
      fieldType: v.string(),
      archived: v.optional(v.boolean(), false),
      hasUniqueValue: v.optional(v.boolean(), false),
      modificationMetadata: v.optional(v.object({ readOnlyValue: v.optional(v.boolean(), false) }), {}),
      options: v.optional(v.array(v.object({ value: v.string() })), []),
    }),
  ),
});

/**
 * Reads how a portal defines some properties of one kind of record. Needs the scope `crm.schemas.<kind>.read`.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param names - those that are wanted: a portal has hundreds
 */
export async function readDefinitions(
  apiUrl: string,
  send: Send,
  type: keyof OutputProperties,
  names: readonly string[],
): Promise<Definitions> {
  const url = `${apiUrl}/crm/v3/properties/${type}?archived=false`;
  const { results } = await detailsAt(url, Answer, send);
  // Every portal has properties of HubSpot's own: to take an empty list for the truth would withhold all of ours.
  if (results.length === 0) throw new HubSpotError('unknown', 200, 'a portal without any property');
  const found = new Map(results.map((property) => [property.name, property]));
  return Object.fromEntries(
    names.map((name) => {
      const property = found.get(name);
      return [name, property === undefined || property.archived ? null : definitionOf(property)];
    }),
  );
}

function definitionOf(
  property: v.InferOutput<typeof Answer>['results'][number],
): v.InferOutput<typeof Definition> {
  const { type, fieldType, hasUniqueValue, modificationMetadata, options } = property;
  return {
    type,
    fieldType,
    isReadOnly: modificationMetadata.readOnlyValue || fieldType === 'calculation_equation',
    isUnique: hasUniqueValue,
    options: options.map(({ value }) => value),
  };
}

/**
 * The properties that HubSpot does not let us write: missing, read-only, or of another type than ours; and enumerations that do not
 * know what is to be written. A property that was not asked for is taken to be as we want it.
 *
 * @param values - what is to be written, `''` to clear; without them, everything that we might ever write
 * @returns names, of `values` only where these are given
 */
export function unwritable(
  definitions: Definitions,
  wanted: readonly OutputProperty[],
  values?: Readonly<Record<string, string>>,
): string[] {
  return wanted.flatMap(({ name, type, options = [] }) => {
    const definition = definitions[name];
    const value = values?.[name];
    if (definition === undefined || (values !== undefined && value === undefined)) return [];
    if (definition === null || definition.isReadOnly || definition.type !== type) return [name];
    if (type !== 'enumeration') return [];
    const choices = value === undefined ? options.map((option) => option.value) : [value];
    const isKnown = (choice: string) => choice === '' || definition.options.includes(choice);
    return choices.every(isKnown) ? [] : [name];
  });
}
