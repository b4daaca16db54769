import * as v from 'valibot';
import { HubSpotError } from './answer.ts';
import { detailsAt } from './details.ts';
import { AI_GROUP, OUTPUT_GROUP } from './output-property.ts';
import type { OutputProperties } from './outputs.ts';
import type { Send } from './transport.ts';

const Properties = v.object({
  results: v.array(
    v.object({
      name: v.string(),
      groupName: v.string(),
      archived: v.optional(v.boolean(), false),
      calculationFormula: v.fallback(v.optional(v.string(), ''), ''),
    }),
  ),
});
const Groups = v.object({
  results: v.array(v.object({ name: v.string(), archived: v.optional(v.boolean(), false) })),
});

/** Our property groups. */
const GROUPS: readonly string[] = [OUTPUT_GROUP.name, AI_GROUP.name];

/** A property group of ours. */
export interface ProvisionedGroup {
  readonly name: string;
  /** Properties that Afterglow has written, and are there. */
  readonly ours: readonly string[];
  /** Properties that somebody else put into it: they are not ours to archive, and keep the group. */
  readonly others: readonly string[];
}

/** What stands in our property groups of one kind of record. */
export interface Provisions {
  /** Properties that Afterglow has written, and are there. */
  readonly ours: readonly string[];
  /** Properties of ours by name that stand in another group: somebody moved them, or made them. */
  readonly elsewhere: readonly string[];
  /** Properties that HubSpot works out from others, whoever made them. */
  readonly calculated: readonly { readonly name: string; readonly formula: string }[];
  /** Those that are there. */
  readonly groups: readonly ProvisionedGroup[];
}

/**
 * Reads what is left of Afterglow in a portal. Needs the scope `crm.schemas.<type>.read`.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param names - every property that Afterglow may ever have made
 */
export async function readProvisions(
  apiUrl: string,
  send: Send,
  type: keyof OutputProperties,
  names: readonly string[],
): Promise<Provisions> {
  const url = `${apiUrl}/crm/v3/properties/${type}`;
  const { results } = await detailsAt(`${url}?archived=false`, Properties, send);
  const { results: groups } = await detailsAt(`${url}/groups`, Groups, send);
  const live = results.filter(({ archived }) => !archived);
  const inGroups = live.filter(({ groupName }) => GROUPS.includes(groupName)).map(({ name }) => name);
  const named = live.map(({ name }) => name).filter((name) => names.includes(name));
  const ourGroups = groups.filter(({ name, archived }) => GROUPS.includes(name) && !archived);
  const inGroup = (group: string) =>
    live.filter(({ groupName }) => groupName === group).map(({ name }) => name);
  return {
    ours: inGroups.filter((name) => names.includes(name)),
    elsewhere: named.filter((name) => !inGroups.includes(name)),
    calculated: live
      .filter(({ calculationFormula }) => calculationFormula !== '')
      .map(({ name, calculationFormula: formula }) => ({ name, formula })),
    groups: ourGroups.map(({ name: group }) => ({
      name: group,
      ours: inGroup(group).filter((name) => names.includes(name)),
      others: inGroup(group).filter((name) => !names.includes(name)),
    })),
  };
}

/**
 * Archives a property; one that is gone already is as good as archived.
 *
 * @throws HubSpotError naming in `users` what uses the property, and so keeps it
 */
export function archiveProperty(
  apiUrl: string,
  send: Send,
  type: keyof OutputProperties,
  name: string,
): Promise<void> {
  return removeAt(`${apiUrl}/crm/v3/properties/${type}/${name}`, send);
}

/** Archives a property group of ours, which must be empty. One that is gone already is as good as archived. @throws HubSpotError */
export function archiveGroup(
  apiUrl: string,
  send: Send,
  type: keyof OutputProperties,
  group: string,
): Promise<void> {
  return removeAt(`${apiUrl}/crm/v3/properties/${type}/groups/${group}`, send);
}

async function removeAt(url: string, send: Send): Promise<void> {
  try {
    await send({
      getUrl: () => url,
      getHttpMethod: () => 'DELETE',
      getHeaders: () => ({ accept: 'application/json' }),
      getBody: () => undefined,
    });
  } catch (error) {
    if (!(error instanceof HubSpotError && error.status === 404)) throw error;
  }
}
