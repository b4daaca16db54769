// Deals of contacts who came by ways that are known.
import { touchFact } from '../../lambdas/scoring/touches.ts';
import type { DealHead } from '../../lambdas/store/deal-table.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import { PORTAL, type System } from './system.ts';

export const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;

let visits = 0;

/** A visit of a contact that nobody is told of. */
export async function visit(system: System, contactId: string, host: string, atMs: number): Promise<void> {
  const seen = {
    by: 'browser' as const,
    ...(host !== '' && { referrer: host }),
    landing: 'https://a.example/',
  };
  await system.store.keep(contactKey(PORTAL, contactId), [touchFact(`visit-${++visits}`, atMs, seen)], []);
}

/** A contact that was read, with a deal. */
export async function withDeal(system: System, properties: Record<string, string>) {
  const { crm, time } = system.portal;
  const contactId = crm.create('contacts', {});
  await system.loginKnown(contactId);
  time.nowMs += MINUTE_MS;
  const dealId = crm.create('deals', properties);
  crm.associate('deals', dealId, 'contacts', contactId);
  return { contactId, dealId };
}

/** A deal won now, before which ChatGPT brought its contact 14 days ago, Google 7 days ago, and nobody just then. */
export async function wonDeal(system: System, amount = '1000') {
  const won = await withDeal(system, { dealname: 'Big', dealstage: 'closedwon', amount });
  const nowMs = system.portal.time.nowMs;
  await visit(system, won.contactId, 'chatgpt.com', nowMs - 14 * DAY_MS);
  await visit(system, won.contactId, 'www.google.com', nowMs - 7 * DAY_MS);
  await visit(system, won.contactId, '', nowMs);
  return won;
}

export async function headOf(system: System, dealId: string): Promise<DealHead> {
  const head = (await system.deals.heads([dealId])).get(dealId);
  if (head === undefined) throw new Error(`no deal ${dealId}`);
  return head;
}

/** Whether HubSpot confirmed all that is to be shown. */
export const isShown = ({ writeId, confirmedWriteId }: DealHead) =>
  writeId !== undefined && writeId === confirmedWriteId;
/** Why the credit of a deal became another, the newest first. */
export const whys = ({ log }: DealHead) => log.map(({ why }) => why);
