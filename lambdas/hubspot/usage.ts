import * as v from 'valibot';
import { chunks } from '../chunks.ts';
import { HubSpotError } from './answer.ts';
import { detailsAt } from './details.ts';
import type { Send } from './transport.ts';

/** Kinds of what users build on properties and the API shows, each with the scope that it takes to look. */
export const ASSET_SCOPES = {
  lists: 'crm.lists.read',
  workflows: 'automation',
  forms: 'forms',
} as const;
export type AssetKind = keyof typeof ASSET_SCOPES;

/** Something that names properties of ours. */
export interface PropertyUse {
  readonly kind: AssetKind | 'calculated properties';
  readonly id: string;
  readonly name: string;
  readonly properties: readonly string[];
}

/** What HubSpot did not show. */
export interface Unseen {
  readonly kind: AssetKind;
  readonly scope: string;
  readonly reason: string;
}

export interface Usage {
  readonly uses: readonly PropertyUse[];
  readonly unseen: readonly Unseen[];
}

/** Lists on one page, of at most 500 (developers.hubspot.com, "Search Lists", read 2026-11). */
const LISTS_PER_PAGE = 250;
/** Ids in one address, and workflows in one call; HubSpot names no limit of either. */
const IDS_PER_CALL = 50;
const PER_PAGE = 100;
/** So many pages of one kind are looked at: nobody has 10,000 workflows. */
const MOST_PAGES = 100;

/** An asset in whichever form HubSpot tells it: where it names a property is not spelled out, any mention counts. */
interface Asset {
  readonly id: string;
  readonly name: string;
  readonly content: unknown;
}

/**
 * Looks through lists, workflows and forms for properties. What the token may not see is told as unseen, beside the uses among what it saw.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param names - of the properties
 * @throws what `send` throws besides HubSpotError: then nothing more can be asked
 */
export async function findUses(apiUrl: string, send: Send, names: readonly string[]): Promise<Usage> {
  const readers: readonly (readonly [AssetKind, () => AsyncIterable<Asset>])[] = [
    ['lists', () => readLists(apiUrl, send)],
    ['workflows', () => readWorkflows(apiUrl, send)],
    ['forms', () => readForms(apiUrl, send)],
  ];
  const uses: PropertyUse[] = [];
  const unseen: Unseen[] = [];
  for (const [kind, read] of readers) {
    try {
      for await (const { id, name, content } of read()) {
        const properties = mentioned(content, names);
        if (properties.length > 0) uses.push({ kind, id, name, properties });
      }
    } catch (error) {
      if (!(error instanceof HubSpotError)) throw error;
      unseen.push({ kind, scope: ASSET_SCOPES[kind], reason: error.reason });
    }
  }
  return { uses, unseen };
}

/** The names that stand anywhere in it, whole: as a value, or in the text of a formula or a placeholder. */
export function mentioned(content: unknown, names: readonly string[]): string[] {
  const words = new Set(textsOf(content).flatMap((text) => text.match(/\w+/g) ?? []));
  return names.filter((name) => words.has(name));
}

function textsOf(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  return typeof content === 'object' && content !== null ? Object.values(content).flatMap(textsOf) : [];
}

const FoundLists = v.object({
  lists: v.array(v.object({ listId: v.string() })),
  offset: v.number(),
  hasMore: v.boolean(),
});
const Lists = v.object({
  lists: v.array(v.object({ listId: v.string(), name: v.string(), filterBranch: v.optional(v.unknown()) })),
});

/** A search finds lists without their filters; these are read by id. */
async function* readLists(apiUrl: string, send: Send): AsyncGenerator<Asset> {
  const url = `${apiUrl}/crm/v3/lists`;
  const found = await listIds(url, send);
  let shown = 0;
  for (const ids of chunks(found, IDS_PER_CALL)) {
    const query = new URLSearchParams(ids.map((id): [string, string] => ['listIds', id]));
    const { lists } = await detailsAt(`${url}?includeFilters=true&${query.toString()}`, Lists, send);
    for (const { listId, name, filterBranch } of lists) yield { id: listId, name, content: filterBranch };
    shown += lists.length;
  }
  refuseMissing(found.length, shown);
}

async function listIds(url: string, send: Send): Promise<string[]> {
  const ids: string[] = [];
  for (let page = 0, from = 0; page < MOST_PAGES; page++) {
    const asked = {
      offset: from,
      count: LISTS_PER_PAGE,
      listIds: [],
      processingTypes: [],
      additionalProperties: [],
    };
    const { lists, offset, hasMore } = await detailsAt(`${url}/search`, FoundLists, send, asked);
    ids.push(...lists.map(({ listId }) => listId));
    if (!hasMore) return ids;
    from = offset;
  }
  throw tooMany();
}

const Next = v.optional(v.object({ next: v.optional(v.object({ after: v.string() })) }));
const FlowPage = v.object({ results: v.array(v.object({ id: v.string() })), paging: Next });
const Flows = v.object({
  results: v.array(v.looseObject({ id: v.string(), name: v.optional(v.string(), '') })),
});

/** The list of workflows says nothing of what they do; that is read by id. Version 4 has no dated path that is not a beta. */
async function* readWorkflows(apiUrl: string, send: Send): AsyncGenerator<Asset> {
  const url = `${apiUrl}/automation/v4/flows`;
  const found: string[] = [];
  for await (const { id } of allOn(`${url}?limit=${PER_PAGE}`, FlowPage, send)) found.push(id);
  let shown = 0;
  for (const some of chunks(found, IDS_PER_CALL)) {
    const inputs = some.map((id) => ({ flowId: id, type: 'FLOW_ID' }));
    const { results } = await detailsAt(`${url}/batch/read`, Flows, send, { inputs });
    for (const flow of results) yield { id: flow.id, name: flow.name, content: flow };
    shown += results.length;
  }
  refuseMissing(found.length, shown);
}

/** Only at the end, when all that is shown was looked at. */
function refuseMissing(found: number, shown: number): void {
  if (shown < found) throw new HubSpotError('unknown', 200, `${found - shown} of ${found} are not shown`);
}

const FormPage = v.object({
  results: v.array(v.looseObject({ id: v.string(), name: v.string() })),
  paging: Next,
});

/** Of all types: where none is named, HubSpot tells of its own forms alone, and of no pop-up form nor a captured one. */
async function* readForms(apiUrl: string, send: Send): AsyncGenerator<Asset> {
  const url = `${apiUrl}/marketing/v3/forms?formTypes=all&limit=${PER_PAGE}`;
  for await (const form of allOn(url, FormPage, send)) yield { id: form.id, name: form.name, content: form };
}

interface Page<T> {
  readonly results: readonly T[];
  readonly paging?: { readonly next?: { readonly after: string } | undefined } | undefined;
}

/** What stands on all pages. @param url - of the first, with a query */
async function* allOn<T>(
  url: string,
  schema: v.GenericSchema<unknown, Page<T>>,
  send: Send,
): AsyncGenerator<T> {
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const from = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
    const { results, paging } = await detailsAt(`${url}${from}`, schema, send);
    yield* results;
    after = paging?.next?.after;
    if (after === undefined) return;
  }
  throw tooMany();
}

function tooMany(): HubSpotError {
  return new HubSpotError('unknown', 200, `there are more than ${MOST_PAGES} pages`);
}
