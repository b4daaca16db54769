import { HubSpotError } from '../hubspot/answer.ts';
import { type Associated, readAssociated } from '../hubspot/associations.ts';
import { inHalves } from '../hubspot/halves.ts';
import { FEW_SILENT, type HubSpotObjects, type HubSpotRecord, type ObjectType } from '../hubspot/objects.ts';
import { type Each, each, type Failure, inBatches } from './each.ts';
import type { HydrationParts } from './hydrate.ts';

/** What HubSpot refuses to read: a record id, or an address. */
interface Unread extends Failure {
  readonly id: string;
}

/** How records are read, with whatever else is wanted of them. */
interface Reading<R extends HubSpotRecord> extends Pick<HubSpotObjects, 'lookUp'> {
  read(ids: readonly string[], properties: readonly string[]): Promise<R[]>;
}

/**
 * Reads records from HubSpot, a hundred to a call. A record that was merged away, of which a batch says nothing, is looked up
 * singly.
 *
 * @returns by id as asked, the record under the id it lives under; undefined where HubSpot has none
 */
export function readRecords<R extends HubSpotRecord = HubSpotRecord>(
  hubSpot: Reading<R>,
  ids: readonly string[],
  properties: readonly string[],
): Promise<Each<R>> {
  return inBatches(ids, async (batch) => {
    const found = await readEach(hubSpot, batch, properties);
    let silent = batch.filter((id) => !found.has(id));
    if (silent.length > FEW_SILENT) {
      // So many were hardly all merged away: the answer may just have left them out.
      for (const [id, record] of await readEach(hubSpot, silent, properties)) found.set(id, record);
      silent = batch.filter((id) => !found.has(id));
    }
    const livingIds = await each(silent, async (id) => (await hubSpot.lookUp(id, []))?.id);
    const moved = [...new Set([...livingIds.values()].filter((id) => typeof id === 'string'))];
    for (const [id, record] of await readEach(hubSpot, moved, properties)) found.set(id, record);
    return new Map(
      batch.map((id) => {
        const livingId = livingIds.get(id);
        if (livingId === undefined) return [id, found.get(id)];
        return [id, typeof livingId === 'string' ? (found.get(livingId) ?? leftOut()) : livingId];
      }),
    );
  });
}

/** HubSpot has a record, as it says when asked for it alone, and passes over it twice when asked for several: it is no reason to take it for gone. */
function leftOut(): Failure {
  return { failed: new HubSpotError('unknown', 200, 'an answer without a record that is there') };
}

/**
 * Reads up to 100 records with one call, unless HubSpot refuses it.
 *
 * @returns by the id they live under; those of which HubSpot says nothing are left out
 */
async function readEach<R extends HubSpotRecord>(
  hubSpot: Reading<R>,
  ids: readonly string[],
  properties: readonly string[],
): Promise<Map<string, R | Failure>> {
  const read = await inHalves<string, R | Unread>(
    ids,
    (part) => hubSpot.read(part, properties),
    (id, failed) => ({ id, failed }),
  );
  return new Map(read.map((record) => [record.id, record]));
}

/** What a record is associated with. */
export interface Links {
  readonly to: readonly Associated[];
  /** Epoch milliseconds at which HubSpot was asked. */
  readonly atMs: number;
}

/**
 * Reads from HubSpot with which records of another kind records are associated, a hundred to a call.
 *
 * @param isEnough - whether further pages of one record matter
 */
export function readLinks(
  { hubSpot, clock }: Pick<HydrationParts, 'hubSpot' | 'clock'>,
  kinds: readonly [from: ObjectType, to: ObjectType],
  ids: readonly string[],
  isEnough?: (found: readonly Associated[]) => boolean,
): Promise<Each<Links>> {
  return inBatches(ids, async (batch): Promise<Each<Links>> => {
    const atMs = clock();
    const found = await readAssociated(hubSpot.associations, kinds, batch, isEnough);
    return new Map(
      [...found].map(([id, to]) => [id, to instanceof HubSpotError ? { failed: to } : { to, atMs }]),
    );
  });
}
