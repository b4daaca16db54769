import { isDeepStrictEqual } from 'node:util';
import type { CreditedDeal } from '../attribution/credit.ts';
import { dealOutputValues } from '../hubspot/deal-outputs.ts';
import type { HubSpotRecord } from '../hubspot/objects.ts';
import { WRITE_ID_PROPERTY } from '../hubspot/output-property.ts';
import { differingOutputs, OUTPUT_NAMES } from '../hubspot/outputs.ts';
import { CREDIT_PROPERTIES, creditedDealOf } from '../hydration/credited-deal.ts';
import { usesTouches } from '../scoring/model.ts';
import type { DealHead } from '../store/deal-table.ts';
import { isOverdue } from './comparing.ts';
import type { NightRun } from './parts.ts';
import type { Figure } from './run.ts';

/** What credit depends on, and what a deal shows of it. */
export const CREDIT_PROPERTIES_ASKED: readonly string[] = [...CREDIT_PROPERTIES, ...OUTPUT_NAMES.deals];

/** How HubSpot's deal and its credit in the table differ. */
interface CreditDifference {
  /** What it counts as; undefined where nobody missed anything. */
  readonly figure: Figure | undefined;
  /** Its contacts know of the deal as it is. */
  readonly isCreditOnly: boolean;
  /** HubSpot shows something else than it was told. */
  readonly isForced: boolean;
}

/**
 * Finds the deals whose credit is missing, or of something else than HubSpot has, or not shown there.
 *
 * @param owners - the contacts of each
 * @returns by id; nothing where the model credits no deals
 */
export async function creditDifferences(
  records: readonly HubSpotRecord[],
  owners: ReadonlyMap<string, readonly string[]>,
  run: NightRun,
): Promise<ReadonlyMap<string, CreditDifference>> {
  if (!usesTouches(run.model)) return new Map();
  const heads = await run.deals.heads(records.map(({ id }) => id));
  const withheld = new Set((await run.withheld.read()).names);
  return new Map(
    records.flatMap((record): [string, CreditDifference][] => {
      const head = heads.get(record.id);
      // What was merged away meanwhile is looked at under the id under which it lives; what is erased never comes back.
      if (head === undefined || head.dealId !== record.id || head.life === 'erased') return [];
      const difference =
        missedOf(record, owners.get(record.id) ?? [], head, run) ??
        notShownOf(record, head, withheld, run) ??
        notReadOf(record, head, run);
      return difference === undefined ? [] : [[record.id, difference]];
    }),
  );
}

/** Whether HubSpot has a deal otherwise than it was credited. */
function missedOf(
  record: HubSpotRecord,
  contactIds: readonly string[],
  { deal, life }: DealHead,
  { clock }: NightRun,
): CreditDifference | undefined {
  // Word of what changed just now may still be on its way to us.
  const isLate = isOverdue(record.updatedAtMs, clock());
  if (deal === undefined)
    return { figure: isLate ? 'dealsUnknown' : undefined, isCreditOnly: false, isForced: false };
  if (life === 'deleted' || isOtherDeal(record, contactIds, deal))
    return { figure: isLate ? 'dealsMissed' : undefined, isCreditOnly: false, isForced: false };
  return undefined;
}

/** Since when it has been in its stage is left out: only a history tells. */
function isOtherDeal(record: HubSpotRecord, contactIds: readonly string[], before: CreditedDeal): boolean {
  const now = creditedDealOf({ ...record, histories: {} }, contactIds, before.currency, before);
  return !isDeepStrictEqual({ ...now, stageSinceMs: before.stageSinceMs }, before);
}

/** Whether HubSpot shows a credit otherwise than the table says. */
function notShownOf(
  { properties }: HubSpotRecord,
  { deal, credit, writeId, confirmedWriteId, model: creditedBy }: DealHead,
  withheld: ReadonlySet<string>,
  { model }: NightRun,
): CreditDifference | undefined {
  const isByOther = creditedBy !== model.id;
  if (deal === undefined || credit === undefined || writeId === undefined || isByOther) return undefined;
  const values = { ...dealOutputValues(deal, credit, model), [WRITE_ID_PROPERTY]: writeId };
  const differing = differingOutputs(values, properties).filter((name) => !withheld.has(name));
  if (differing.length === 0) return undefined;
  // What was not confirmed may just not be written yet.
  const figure = writeId === confirmedWriteId ? 'dealCreditsDrifted' : undefined;
  return { figure, isCreditOnly: true, isForced: true };
}

/** Whether a deal is to be looked at though nothing of it seems to differ. */
function notReadOf(
  { updatedAtMs }: HubSpotRecord,
  { readAtMs, model: creditedBy }: DealHead,
  { model }: NightRun,
): CreditDifference | undefined {
  // Our own writes change it as well; and a stage that it left and came back to is to be seen in its history only.
  const isRead = readAtMs !== undefined && updatedAtMs <= readAtMs;
  if (isRead && creditedBy === model.id) return undefined;
  return { figure: undefined, isCreditOnly: true, isForced: false };
}
