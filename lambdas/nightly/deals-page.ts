import type { HubSpotRecord } from '../hubspot/objects.ts';
import { dealOf, STATE_PROPERTIES } from '../hydration/deals.ts';
import { foundOrThrow } from '../hydration/each.ts';
import { readLinks } from '../hydration/reading.ts';
import type { Deal } from '../scoring/facts.ts';
import { usesTouches } from '../scoring/model.ts';
import { DEALS_PER_CONTACT } from '../store/associations.ts';
import { contactKey } from '../store/keys.ts';
import type { WriteRequest } from '../store/queues.ts';
import { CREDIT_PROPERTIES_ASKED, creditDifferences } from './credits.ts';
import type { Stretch } from './missing.ts';
import type { NightRun } from './parts.ts';
import type { Findings } from './run.ts';

/** Deals of the table that are looked for in one step: a list that breaks off leaves out all that are left. */
const MOST_PAGES_IN_STRETCH = 20;

/** A deal with the contacts whose it is, as far as HubSpot told. */
interface ListedDeal {
  readonly record: HubSpotRecord;
  /** Undefined where HubSpot was not asked. */
  readonly contactIds: readonly string[] | undefined;
}

/** The contacts of deals, by the ids of these. */
type Owners = ReadonlyMap<string, readonly string[]>;

/** What is asked of each deal: how it stands, what its credit depends on, and what it shows of ours. */
export function dealPropertiesAsked({ model }: Pick<NightRun, 'model'>): readonly string[] {
  return usesTouches(model) ? CREDIT_PROPERTIES_ASKED : STATE_PROPERTIES;
}

/**
 * Compares a page of HubSpot's deals with what is kept of them with their contacts, and with their credit. Going over it again does no
 * harm.
 */
export async function compareDeals(
  deals: readonly ListedDeal[],
  run: NightRun,
  found: Findings,
): Promise<void> {
  const { portalId } = run;
  const owners = await ownersOf(deals, run);
  const records = deals.map(({ record }) => record);
  const keptOtherwise = await dealsKeptOtherwise(records, owners, run);
  const credits = await creditDifferences(records, owners, run);
  const requests: WriteRequest[] = [];
  for (const { id } of records) {
    const isMissed = keptOtherwise.has(id);
    const credit = credits.get(id);
    if (!isMissed && credit === undefined) continue;
    const figure = credit?.figure ?? (isMissed ? 'dealsMissed' : undefined);
    if (figure !== undefined) {
      found.note(figure);
      found.repair(`deal ${id}`);
    }
    requests.push({
      portalId,
      dealId: id,
      ...(credit?.isCreditOnly === true && !isMissed && { creditOnly: true }),
      ...(credit?.isForced === true && { force: true }),
    });
  }
  await run.background(requests, 0);
  found.note('deals', deals.length);
}

/**
 * Has the deals looked at that the table credits and a page of HubSpot's does not list: they are in the recycling bin, or were merged.
 *
 * @returns the id up to which they were looked for, as `noteMissing`
 */
export async function noteMissingDeals(
  listed: readonly HubSpotRecord[],
  { after, until }: Stretch,
  run: NightRun,
  found: Findings,
): Promise<string | undefined> {
  if (!usesTouches(run.model)) return until;
  const { portalId, deals } = run;
  const there = new Set(listed.map(({ id }) => id));
  const isWithin = (id: string) => until === undefined || Number(id) <= Number(until);
  let at = after;
  for (let pages = 0; pages < MOST_PAGES_IN_STRETCH; pages++) {
    const page = await deals.page(at);
    const missing = page.deals.map(({ dealId }) => dealId).filter((id) => isWithin(id) && !there.has(id));
    for (const id of missing) {
      found.note('dealsGone');
      found.repair(`deal ${id}`);
    }
    await run.background(
      missing.map((dealId) => ({ portalId, dealId })),
      0,
    );
    at = page.after;
    if (at === undefined || !isWithin(at)) return until;
  }
  return at;
}

/** The deals that a contact has otherwise than they are kept with it. */
async function dealsKeptOtherwise(
  records: readonly HubSpotRecord[],
  owners: Owners,
  { contacts, portalId }: NightRun,
): Promise<ReadonlySet<string>> {
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
  const others = records.filter((record) => {
    const ofContacts = (owners.get(record.id) ?? []).map(keyOf).filter((key) => isRead.has(key));
    return ofContacts.some((key) => isOther(record, kept.get(key) ?? []));
  });
  return new Set(others.map(({ id }) => id));
}

async function ownersOf(deals: readonly ListedDeal[], run: NightRun): Promise<Owners> {
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
