import type { HubSpotRecord } from '../hubspot/objects.ts';
import { dealOf } from '../hydration/deals.ts';
import { foundOrThrow } from '../hydration/each.ts';
import { readLinks } from '../hydration/reading.ts';
import type { Deal } from '../scoring/facts.ts';
import { DEALS_PER_CONTACT } from '../store/associations.ts';
import { contactKey } from '../store/keys.ts';
import type { WriteRequest } from '../store/queues.ts';
import type { NightRun } from './parts.ts';
import type { Findings } from './run.ts';

/** A deal with the contacts whose it is, as far as HubSpot told. */
interface ListedDeal {
  readonly record: HubSpotRecord;
  /** Undefined where HubSpot was not asked. */
  readonly contactIds: readonly string[] | undefined;
}

/** Compares a page of HubSpot's deals with what is kept of them with their contacts. Going over it again does no harm. */
export async function compareDeals(
  deals: readonly ListedDeal[],
  run: NightRun,
  found: Findings,
): Promise<void> {
  const { contacts, portalId } = run;
  const owners = await ownersOf(deals, run);
  const keyOf = (id: string) => contactKey(portalId, id);
  const keys = [...new Set([...owners.values()].flat().map(keyOf))];
  const heads = await contacts.heads(keys);
  // Who was never read is read whole, when it is.
  const read = keys.filter((key) => {
    const head = heads.get(key);
    return head?.life === 'living' && head.alias === undefined && head.readAtMs !== undefined;
  });
  const kept = await contacts.dealsOf(read);
  const isRead = new Set(read);
  const requests: WriteRequest[] = [];
  for (const { record } of deals) {
    const ofContacts = (owners.get(record.id) ?? []).map(keyOf).filter((key) => isRead.has(key));
    if (!ofContacts.some((key) => isOther(record, kept.get(key) ?? []))) continue;
    found.note('dealsMissed');
    found.repair(`deal ${record.id}`);
    requests.push({ portalId, dealId: record.id });
  }
  await run.background(requests, 0);
  found.note('deals', deals.length);
}

async function ownersOf(
  deals: readonly ListedDeal[],
  run: NightRun,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const untold = deals.filter(({ contactIds }) => contactIds === undefined).map(({ record }) => record.id);
  const links = await readLinks(run, ['deals', 'contacts'], untold);
  return new Map(
    deals.map(({ record: { id }, contactIds }) => [
      id,
      contactIds ?? foundOrThrow(links.get(id))?.to.map((contact) => contact.id) ?? [],
    ]),
  );
}

/** Whether a contact has a deal otherwise than it is kept. Who has more deals than are kept may well lack one. */
function isOther(record: HubSpotRecord, kept: readonly Deal[]): boolean {
  const before = kept.find(({ id }) => id === record.id);
  if (before === undefined) return kept.length < DEALS_PER_CONTACT;
  const now = dealOf(record, before);
  return now.state !== before.state || now.closedAtMs !== before.closedAtMs;
}
