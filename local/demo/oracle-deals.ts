// What became of deals, worked out from the plan alone.
import type { RecordHappening } from './record-happenings.ts';

/** A deal as it stands. */
export interface DealNow {
  /** By which it is known in the plan and in HubSpot; of deals that merged, that of the first. */
  readonly name: string;
  readonly stage: string;
  /** When it came into its stage, epoch milliseconds. */
  readonly stageSinceMs: number;
  /** `''` where it has none. */
  readonly amount: string;
  /** `''` where it names none. */
  readonly currency: string;
  /** Ids with which its contacts were created, each once. */
  readonly contactIds: readonly string[];
}

/** @param inTime - everything that happened to records, in the order of time */
export function dealsNow(inTime: readonly RecordHappening[]): DealNow[] {
  const deals = new Map<string, DealNow>();
  const change = (name: string, parts: Partial<DealNow>) => {
    const before = deals.get(name);
    if (before === undefined) throw new Error(`${name} was never made`);
    deals.set(name, { ...before, ...parts });
  };
  for (const one of inTime) {
    if (one.kind === 'deal') deals.set(one.deal, moved(deals.get(one.deal), one));
    if (one.kind === 'deal change')
      change(one.deal, {
        amount: one.values['amount'] ?? deals.get(one.deal)?.amount ?? '',
        currency: one.values['deal_currency_code'] ?? deals.get(one.deal)?.currency ?? '',
      });
    if (one.kind === 'deal contact')
      change(one.deal, { contactIds: eachOnce([...(deals.get(one.deal)?.contactIds ?? []), one.contactId]) });
    if (one.kind === 'deal deletion') deals.delete(one.deal);
    if (one.kind !== 'deal merge') continue;
    const [first, other] = [deals.get(one.deal), deals.get(one.other)];
    if (first === undefined || other === undefined) throw new Error('a merge of deals that are not there');
    deals.delete(one.other);
    change(one.deal, {
      amount: first.amount === '' ? other.amount : first.amount, // The first one's values win.
      currency: first.currency === '' ? other.currency : first.currency,
      contactIds: eachOnce([...first.contactIds, ...other.contactIds]),
    });
  }
  return [...deals.values()];
}

/** A deal that is made, or comes into another stage. */
function moved(before: DealNow | undefined, one: Extract<RecordHappening, { kind: 'deal' }>): DealNow {
  const { deal: name, stage, atMs: stageSinceMs, contactIds, values = {} } = one;
  if (before !== undefined) return { ...before, stage, stageSinceMs };
  const { amount = '', deal_currency_code: currency = '' } = values;
  return { name, stage, stageSinceMs, amount, currency, contactIds: eachOnce(contactIds) };
}

function eachOnce(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}
