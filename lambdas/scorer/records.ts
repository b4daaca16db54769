import { chunks } from '../chunks.ts';
import { CONTACTS_PER_TICK, type CompanyTick } from '../events/envelope.ts';
import type { Heard } from '../events/heard.ts';
import type { Message } from '../events/messages.ts';
import { AMOUNT_PROPERTIES } from '../events/property-facts.ts';
import {
  companyInputs,
  looksAtDeals,
  type Model,
  usesCompanies,
  usesDeals,
  usesTouches,
} from '../scoring/model.ts';
import type { CompanyTable } from '../store/company-table.ts';
import type { DealTable } from '../store/deal-table.ts';
import type { WriteRequest } from '../store/queues.ts';
import { newestLiveMs, timesOf } from './liveness.ts';
import type { Outcome } from './outcome.ts';

/** What concerns contacts by way of the records they belong to. */
interface RecordParts {
  readonly clock: () => number;
  readonly model: Model;
  readonly portalId: string;
  readonly companies: CompanyTable;
  readonly deals: DealTable;
}

/**
 * What was heard of a company, its values being kept. Deletions and merges are noted whatever the model: the next one may ask.
 */
export async function hearOfCompany(
  companyId: string,
  heard: readonly Heard[],
  { model, portalId, companies }: RecordParts,
): Promise<Outcome> {
  const inputs = new Set(companyInputs(model));
  let isChanged = heard.some(({ properties }) => properties.some(({ name }) => inputs.has(name)));
  const changes: WriteRequest[] = [];
  for (const { turn } of heard) {
    if (turn?.kind === 'merge') {
      for (const oldId of turn.oldIds) await companies.unite(oldId, companyId);
      changes.push({ portalId, companyId, rescoreContacts: true });
    } else if (turn?.kind === 'deletion') {
      await companies.mark(companyId, 'deleted', turn.atMs);
      isChanged = true;
    } else if (turn?.kind === 'restore') {
      await companies.mark(companyId, 'living', turn.atMs);
      changes.push({ portalId, companyId, rescoreContacts: true }); // Nothing was read or rolled up while it was deleted.
    }
  }
  if (await isRevivedBy(heard, (atMs) => companies.revive(companyId, atMs)))
    changes.push({ portalId, companyId, rescoreContacts: true });
  if (!usesCompanies(model)) return {};
  return { changes, changedCompanies: isChanged ? [companyId] : [] };
}

/**
 * Whether a record that was marked as deleted lives after all: nothing changes of one that HubSpot does not have.
 *
 * @param revive - notes that the record lived at an instant; epoch milliseconds
 */
export function isRevivedBy(
  heard: readonly Heard[],
  revive: (atMs: number) => Promise<boolean>,
): boolean | Promise<boolean> {
  const changesMs = heard.flatMap(({ properties }) => properties.map(({ occurredAtMs }) => occurredAtMs));
  return changesMs.length > 0 && revive(Math.max(...changesMs));
}

/**
 * What was heard of a deal. Whose it is and how it stands is asked of HubSpot. Of a deleted one HubSpot no longer says whose it was:
 * its contacts keep it until their deals are read for another reason. The request says when the newest change was, so that telling it
 * again has no contact read again.
 */
export async function hearOfDeal(
  dealId: string,
  heard: readonly Heard[],
  { model, portalId, clock, deals }: RecordParts,
): Promise<Outcome> {
  if (usesTouches(model)) await followDeal(dealId, heard, deals);
  const told = heard.filter(({ turn }) => turn?.kind !== 'deletion');
  if (told.length === 0 || !looksAtDeals(model)) return {};
  const changed = usesDeals(model) ? told.filter(isOfScores) : [];
  const timesMs = timesOf(changed);
  const atMs = timesMs.length === 0 ? undefined : Math.max(...timesMs);
  const occurredAtMs = newestLiveMs(told, clock());
  const request = {
    portalId,
    dealId,
    ...(changed.length === 0 && { creditOnly: true as const }),
    ...(atMs !== undefined && { atMs }),
    ...(occurredAtMs !== undefined && { occurredAtMs }),
  };
  return { changes: [request] };
}

/** No score depends on what a deal is worth. */
function isOfScores({ turn, properties }: Heard): boolean {
  return turn !== undefined || properties.some(({ name }) => !AMOUNT_PROPERTIES.includes(name));
}

/** Where deals are credited: what became of the record. */
async function followDeal(dealId: string, heard: readonly Heard[], deals: DealTable): Promise<void> {
  for (const { turn } of heard) {
    if (turn?.kind === 'merge') for (const oldId of turn.oldIds) await deals.unite(oldId, dealId);
    else if (turn?.kind === 'deletion') await deals.mark(dealId, 'deleted', turn.atMs);
    else if (turn?.kind === 'restore') await deals.mark(dealId, 'living', turn.atMs);
  }
}

/** A page of the contacts of a company that is to be ticked, and the messages that ask for it. */
export interface PageWork {
  readonly page: CompanyTick;
  readonly messageIds: Set<string>;
}

/** The pages that the messages of one invocation ask for, each once. */
export function groupByPage(messages: readonly Message[]): PageWork[] {
  const work = new Map<string, PageWork>();
  for (const { messageId, companyTick: page } of messages) {
    if (page === undefined) continue;
    const name = `${page.companyId} ${page.after ?? ''}`;
    const same = work.get(name) ?? { page, messageIds: new Set<string>() };
    same.messageIds.add(messageId);
    work.set(name, same);
  }
  return [...work.values()];
}

/** Ticks for one page of the contacts of a company, and a message for the next page: however many there are, no invocation has more. */
export async function tickPage(
  { companyId, after }: CompanyTick,
  { companies, portalId }: RecordParts,
): Promise<Outcome> {
  const page = await companies.contacts(companyId, after);
  const ticks = chunks(page.contactIds, CONTACTS_PER_TICK).map((contactIds) => ({ portalId, contactIds }));
  return { ticks: page.after === undefined ? ticks : [...ticks, { portalId, companyId, after: page.after }] };
}
