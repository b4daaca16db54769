import * as v from 'valibot';
import { HubSpotError, SECOND_PASSES_MS, SECONDLY } from './answer.ts';
import { detailsAt } from './details.ts';
import type { HubSpotRecord, ObjectType } from './objects.ts';
import type { Send } from './transport.ts';

/** Records on a page of a search, and all that one search hands out (CRM search guide, "Limits", read 2026-11). */
export const SEARCH_PAGE = 200;
const REACH = 10_000;
/** Characters of the body of a search, ibid. */
const LONGEST_BODY = 3000;
/** Searches that one process begins in a second: HubSpot answers five to the whole account, ibid. */
const PER_SECOND = 4;
/** How often a search is sent whose second was used up by others. */
const TRIES = 3;

/** The property that tells when a record last changed. */
const MODIFIED: Readonly<Record<ObjectType, string>> = {
  contacts: 'lastmodifieddate',
  companies: 'hs_lastmodifieddate',
  deals: 'hs_lastmodifieddate',
};

/** What a page of a search found. */
interface FoundPage {
  /** Ascending by the time of their last change. */
  readonly records: readonly HubSpotRecord[];
  /** False where there was no room to ask for the properties. */
  readonly hasAll: boolean;
  /** Where the next page begins; undefined after the last that HubSpot hands out. */
  readonly after: string | undefined;
  /** How many changed since the moment with which this page begins. */
  readonly total: number;
}

interface HubSpotSearch {
  count(): Promise<number>;
  changedSince(sinceMs: number, after: string | undefined, properties: readonly string[]): Promise<FoundPage>;
}

const Found = v.object({
  total: v.number(),
  results: v.array(
    v.object({
      id: v.string(),
      properties: v.record(v.string(), v.nullable(v.string())),
      updatedAt: v.pipe(
        v.string(),
        v.transform((text) => Date.parse(text)),
        v.integer(),
      ),
    }),
  ),
  paging: v.nullish(v.object({ next: v.nullish(v.object({ after: v.string() })) })),
});
type Found = v.InferOutput<typeof Found>;

/** Where a page begins: with those that changed at `fromMs` or later, of which `passed` are passed over. */
interface Place {
  readonly fromMs: number;
  readonly passed: number;
}

/**
 * HubSpot's search for records of one kind. Not through the SDK, which takes the order for texts: HubSpot passes over an order that
 * is given as text, and understands objects, as its guide has it (HubSpot/hubspot-api-nodejs, issue 14).
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param send - carries one request to HubSpot and throws what is no success
 */
export function hubSpotSearch(apiUrl: string, send: Send, type: ObjectType): HubSpotSearch {
  const url = `${apiUrl}/crm/v3/objects/${type}/search`;
  const modified = MODIFIED[type];
  const search = async (body: object): Promise<Found> => {
    for (let tries = 1; ; tries++) {
      await turnAt(apiUrl);
      try {
        return await detailsAt(url, Found, send, body);
      } catch (error) {
        const isForNow = error instanceof HubSpotError && error.policyName === SECONDLY;
        if (!isForNow || tries >= TRIES) throw error;
        await sleep(SECOND_PASSES_MS);
      }
    }
  };
  return {
    async count() {
      const all = { filterGroups: [], sorts: [], properties: [], limit: 1, after: '0' };
      return (await search(all)).total;
    },
    async changedSince(sinceMs, after, properties) {
      const place = after === undefined ? { fromMs: sinceMs, passed: 0 } : placeOf(after);
      const body = (names: readonly string[]) => ({
        filterGroups: [
          { filters: [{ propertyName: modified, operator: 'GTE', value: String(place.fromMs) }] },
        ],
        sorts: [{ propertyName: modified, direction: 'ASCENDING' }],
        properties: [...new Set([...names, modified])],
        limit: SEARCH_PAGE,
        after: String(place.passed),
      });
      const hasAll = JSON.stringify(body(properties)).length <= LONGEST_BODY;
      const { results, paging, total } = await search(body(hasAll ? properties : []));
      const records = results.map(({ updatedAt, ...record }) => ({ ...record, updatedAtMs: updatedAt }));
      const last = records.at(-1);
      const lastMs = Date.parse(last?.properties[modified] ?? '');
      return {
        records,
        hasAll,
        after: paging?.next ? nextPlace(place, lastMs, records.length) : undefined,
        total,
      };
    },
  };
}

function placeOf(after: string): Place {
  const [fromMs, passed] = after.split('+').map(Number);
  return { fromMs: fromMs ?? Number.NaN, passed: passed ?? Number.NaN };
}

/**
 * The next page begins anew with the last record's millisecond: were its records counted from the first on, one that changes meanwhile
 * would leave its place, and another would slip to the page that was already read. Only within one millisecond there is no other way.
 */
function nextPlace({ fromMs, passed }: Place, lastMs: number, found: number): string | undefined {
  if (lastMs > fromMs) return `${lastMs}+0`;
  const next = passed + found;
  return found > 0 && next + SEARCH_PAGE <= REACH ? `${fromMs}+${next}` : undefined;
}

/** When the newest searches of this process begin, by the account's address: `performance.now`, oldest first. */
const begun = new Map<string, readonly number[]>();

/** Waits for its turn, a second at most while searches are made one after another. */
async function turnAt(apiUrl: string): Promise<void> {
  const newest = begun.get(apiUrl) ?? [];
  const nowMs = performance.now();
  const earliestMs =
    newest.length < PER_SECOND ? nowMs : Math.max(nowMs, (newest[0] ?? 0) + SECOND_PASSES_MS);
  begun.set(apiUrl, [...newest, earliestMs].slice(-PER_SECOND));
  if (earliestMs > nowMs) await sleep(earliestMs - nowMs);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
