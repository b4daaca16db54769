import type { CreditedDeal } from '../attribution/credit.ts';
import type { RecordWithHistories } from '../hubspot/histories.ts';
import { asInstant } from '../scoring/values.ts';
import { dealOf, STATE_PROPERTIES } from './deals.ts';

/** Most contacts of one deal whose visits count, the oldest records: bounds the work that one deal can cause. */
const CONTACTS_PER_DEAL = 500;
/** By which a deal lists the records that were merged into it. */
const MERGED_IDS = 'hs_merged_object_ids';
/** The property whose history tells since when a deal is in its stage. */
const STAGE = 'dealstage';

/** What of a deal credit depends on. */
export const CREDIT_PROPERTIES: readonly string[] = [
  ...STATE_PROPERTIES,
  STAGE,
  'dealname',
  'pipeline',
  'amount',
  'deal_currency_code',
  'createdate',
  MERGED_IDS,
];
export const CREDIT_HISTORIES: readonly string[] = [STAGE];

/**
 * A deal as HubSpot tells of it.
 *
 * @param contactIds - whose it is, in any order
 * @param currency - of amounts that name none
 * @param before - the deal as it was kept so far
 */
export function creditedDealOf(
  record: RecordWithHistories,
  contactIds: readonly string[],
  currency: string,
  before: CreditedDeal | undefined,
): CreditedDeal {
  const text = (name: string) => record.properties[name] ?? '';
  const { id, state, closedAtMs } = dealOf(record, before);
  const stage = text(STAGE);
  const createdAtMs = asInstant(text('createdate')) ?? record.updatedAtMs;
  const own = text('deal_currency_code');
  return {
    id,
    name: text('dealname'),
    pipeline: text('pipeline'),
    stage,
    state,
    amount: text('amount'),
    currency: own === '' ? currency : own,
    stageSinceMs: stageSince(record, stage) ?? createdAtMs,
    createdAtMs,
    closedAtMs,
    contactIds: [...new Set(contactIds)].toSorted(byId).slice(0, CONTACTS_PER_DEAL),
  };
}

/** Whether amounts are in the portal's own currency, since the deal names none. */
export function namesNoCurrency({ properties }: RecordWithHistories): boolean {
  return (properties['deal_currency_code'] ?? '') === '';
}

/** The ids of the records that were merged into a deal. */
export function mergedInto({ properties }: RecordWithHistories): string[] {
  return (properties[MERGED_IDS] ?? '').split(';').filter((id) => id !== '');
}

/** A stage that is written once more while the deal is in it begins nothing. @returns undefined where HubSpot tells no history */
function stageSince({ histories }: RecordWithHistories, stage: string): number | undefined {
  const versions = histories[STAGE] ?? [];
  const other = versions.findIndex(({ value }) => value !== stage);
  return versions.slice(0, other === -1 ? versions.length : other).at(-1)?.atMs;
}

function byId(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}
