import * as v from 'valibot';
import { understood } from './answer.ts';
import type { Associated } from './associations.ts';
import {
  BATCH_WITH_HISTORIES,
  historiesOf,
  PropertyHistories,
  type RecordWithHistories,
} from './histories.ts';
import { asRecord, BATCH, type HubSpotRecord, type ObjectType, objectApis, ReadRecord } from './objects.ts';
import { hubSpotSearch } from './search.ts';
import type { Send } from './transport.ts';

/** Records on a page of a list, and of one with histories (CRM API reference, list endpoints, read 2026-11). */
export const PAGE = 100;
export const PAGE_WITH_HISTORIES = BATCH_WITH_HISTORIES;
/**
 * Characters of property names in an address. HubSpot answers 414 to one that is too long, and does not say what that is: servers
 * commonly take 8,000 in all.
 */
const LONGEST_NAMES = 4000;
/** The association of a contact with its primary company; those with its other companies have names of their own. */
const PRIMARY_COMPANY = 'contact_to_company';

/** What a record is associated with, as a list tells it. */
export interface ListedLinks {
  readonly to: readonly Associated[];
  /** False where there are more than the list told. */
  readonly isWhole: boolean;
}

/** A record with all that was asked of it. */
export interface ListedRecord extends RecordWithHistories {
  /** Of each kind of record that was asked for. */
  readonly links: Readonly<Partial<Record<ObjectType, ListedLinks>>>;
}

export interface ListRequest {
  /** The last record of the page before; undefined for the first page. */
  readonly after: string | undefined;
  readonly properties: readonly string[];
  /** Properties whose history is wanted: a page then holds fewer records. @default none */
  readonly histories?: readonly string[];
  /** Kinds of records whose associations are wanted. @default none */
  readonly links?: readonly ObjectType[];
}

export interface ListPage {
  /** Ascending by id. */
  readonly records: readonly ListedRecord[];
  /** Where the next page begins; undefined after the last. */
  readonly after: string | undefined;
}

export interface ChangedPage {
  /** Ascending by the time of their last change. */
  readonly records: readonly HubSpotRecord[];
  /** Where the next page begins; undefined after the last that HubSpot hands out. */
  readonly after: string | undefined;
  /** How many changed since the moment with which this page begins: on a last page, over 10,000 if HubSpot hands out no more of them. */
  readonly total: number;
}

/** What we ask of HubSpot about all records of one kind. Every call goes through the budget; failures are HubSpotErrors. */
export interface HubSpotLists {
  /** One page of all records, up to 100, or 50 with histories. Without those that were deleted or merged while it was read. */
  list(request: ListRequest): Promise<ListPage>;
  /** How many records there are. */
  count(): Promise<number>;
  /**
   * One page of up to 200 of the records that changed since a moment; what changed in the last half minute may be missing. None is left
   * out because others change meanwhile, some may come twice. Of those that changed in one millisecond, 10,000 are handed out at most.
   *
   * @param sinceMs - epoch milliseconds
   * @param after - as the page before told it
   */
  changedSince(
    sinceMs: number,
    after: string | undefined,
    properties: readonly string[],
  ): Promise<ChangedPage>;
  /**
   * Up to 50 records with the histories of properties; no links.
   *
   * @returns those of which HubSpot tells, in the order of the ids: it keeps silent on those that do not exist, and now and then on others
   */
  readHistories(ids: readonly string[], properties: readonly string[]): Promise<ListedRecord[]>;
  /** Those of up to 100 records that HubSpot says are in its recycling bin. */
  archived(ids: readonly string[]): Promise<ReadonlySet<string>>;
}

const Links = v.object({
  results: v.array(v.object({ id: v.string(), type: v.string() })),
  paging: v.nullish(v.object({ next: v.nullish(v.object({ after: v.string() })) })),
});
const Listed = v.object({
  ...ReadRecord.entries,
  ...PropertyHistories,
  associations: v.nullish(v.record(v.string(), Links), {}),
});
const Page = v.object({
  results: v.array(Listed),
  paging: v.nullish(v.object({ next: v.nullish(v.object({ after: v.string() })) })),
});
const Batch = v.object({ results: v.array(Listed) });
const Bin = v.object({ results: v.array(v.object({ id: v.string(), archived: v.boolean() })) });

/**
 * HubSpot's records of one kind in their masses: through the SDK's generated APIs, except for searches.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param send - carries one request to HubSpot and throws what is no success
 */
export function hubSpotLists(apiUrl: string, send: Send, type: ObjectType): HubSpotLists {
  const { batch, single } = objectApis(apiUrl, send);
  const search = hubSpotSearch(apiUrl, send, type);

  /** Up to 100 records, or 50 with histories, in the order of their ids. */
  const readBatch: ReadBatch = async (ids, properties, histories) => {
    if (ids.length === 0) return [];
    const input = {
      inputs: ids.map((id) => ({ id })),
      properties: [...properties],
      propertiesWithHistory: [...histories],
    };
    const { results } = await understood(Batch, batch.read(type, input, false));
    const found = new Map(results.map((result) => [result.id, asListed(result, histories, [])]));
    return ids.flatMap((id) => found.get(id) ?? []);
  };
  return {
    async list({ after, properties, histories = [], links = [] }) {
      const fits = joined([...properties, ...histories]).length <= LONGEST_NAMES;
      const { results, paging } = await understood(
        Page,
        single.getPage(
          type,
          histories.length > 0 ? PAGE_WITH_HISTORIES : PAGE,
          after,
          inQuery(fits ? properties : []),
          inQuery(fits ? histories : []),
          inQuery(links),
          false,
        ),
      );
      const records = results.map((result) => asListed(result, histories, links));
      return {
        records: fits ? records : await completed(records, (ids) => readBatch(ids, properties, histories)),
        after: paging?.next?.after,
      };
    },
    count: () => search.count(),
    async changedSince(sinceMs, after, properties) {
      const { records, hasAll, ...page } = await search.changedSince(sinceMs, after, properties);
      return {
        ...page,
        records: hasAll ? records : await completed(records, (ids) => readBatch(ids, properties, [])),
      };
    },
    readHistories: (ids, properties) => readBatch(ids, [], properties),
    async archived(ids) {
      const input = { inputs: ids.map((id) => ({ id })), properties: [], propertiesWithHistory: [] };
      const { results } = await understood(Bin, batch.read(type, input, true));
      return new Set(results.filter(({ archived }) => archived).map(({ id }) => id));
    },
  };
}

type ReadBatch = (
  ids: readonly string[],
  properties: readonly string[],
  histories: readonly string[],
) => Promise<ListedRecord[]>;

/** Records with the properties for which there was no room when they were asked for; without those that are gone since. */
async function completed<T extends HubSpotRecord>(
  records: readonly T[],
  read: (ids: readonly string[]) => Promise<ListedRecord[]>,
): Promise<T[]> {
  const whole: ListedRecord[] = [];
  for (let at = 0; at < records.length; at += BATCH)
    whole.push(...(await read(records.slice(at, at + BATCH).map(({ id }) => id))));
  const byId = new Map(whole.map(({ links: _links, ...record }) => [record.id, record]));
  return records.flatMap((record) => {
    const found = byId.get(record.id);
    return found === undefined ? [] : [{ ...record, ...found }];
  });
}

/** Names for a list in the address: with commas in one parameter they take half the room. */
function inQuery(names: readonly string[]): string[] | undefined {
  return names.length === 0 ? undefined : [names.join(',')];
}

function joined(names: readonly string[]): string {
  return encodeURIComponent(names.join(','));
}

function asListed(
  { propertiesWithHistory, associations, ...record }: v.InferOutput<typeof Listed>,
  histories: readonly string[],
  links: readonly ObjectType[],
): ListedRecord {
  return {
    ...asRecord(record),
    histories: historiesOf(propertiesWithHistory, histories),
    links: Object.fromEntries(links.map((kind) => [kind, linksOf(associations[kind])])),
  };
}

/** HubSpot names a record once for each association with it, and leaves out kinds of which there is none. */
function linksOf({ results, paging }: v.InferOutput<typeof Links> = { results: [] }): ListedLinks {
  const primary = new Set(results.filter((each) => each.type === PRIMARY_COMPANY).map(({ id }) => id));
  const ids = new Set(results.map(({ id }) => id));
  return { to: [...ids].map((id) => ({ id, isPrimary: primary.has(id) })), isWhole: !paging?.next };
}
