import { isDeepStrictEqual } from 'node:util';
import type { Credit, CreditedDeal } from '../attribution/credit.ts';
import { creditChange, describeCredit, modelsOf } from '../attribution/restated.ts';
import type { Model } from '../scoring/model.ts';
import { labelOf } from '../scoring/sources.ts';
import type { DealHead, DealTable, Restatement } from '../store/deal-table.ts';

/** Most of what a line says of a credit, in characters. */
const LINE_LENGTH = 300;

/** A deal and its credit, as they are to be stored. */
interface Now {
  readonly deal: CreditedDeal;
  readonly credit: Credit;
}

interface LogParts {
  readonly deals: Pick<DealTable, 'kept'>;
  readonly model: Model;
  readonly clock: () => number;
}

/**
 * The line for the log of a deal: why it is credited otherwise than before. A merge and a reopening are told even where the credit stays
 * the same: what a report says of the deal is another.
 *
 * @returns undefined where there is nothing to tell
 */
export async function restatementOf(
  before: DealHead,
  now: Now,
  { deals, model, clock }: LogParts,
): Promise<Restatement | undefined> {
  const why = whyRestated(before, now, model.id);
  const label = (source: string) => labelOf(source, model.sources);
  const known = inCurrency(before);
  const change = creditChange(known, { credit: now.credit, currency: now.deal.currency }, label);
  if (change === undefined && why !== 'merge' && why !== 'reopened') return undefined;
  const [first] = modelsOf(now.credit); // Before and after are told by the same one.
  const told = (deal: Pick<DealHead, 'deal' | 'credit'>) => {
    const credited = inCurrency(deal);
    return credited === undefined ? [] : [describeCredit(credited.credit, credited.currency, label, first)];
  };
  const from = change === undefined ? told(before) : [change.from];
  if (why === 'merge') {
    const merged = await deals.kept(before.oldIds.slice(before.creditedOldIds));
    from.push(...[...merged.values()].flatMap(told));
  }
  const to = change?.to ?? told(now).join('');
  return { atMs: clock(), why, from: inLine(from), to: inLine([to]) };
}

function inCurrency({ deal, credit }: Pick<DealHead, 'deal' | 'credit'>) {
  return credit === undefined ? undefined : { credit, currency: deal?.currency ?? '' };
}

function inLine(texts: readonly string[]): string {
  return texts
    .filter((text) => text !== '')
    .join(' and ')
    .slice(0, LINE_LENGTH);
}

/** What changed, by what the credit depends on: where there is more than one, what says most of the others. */
function whyRestated(before: DealHead, { deal, credit }: Now, modelId: string): Restatement['why'] {
  const { deal: old, credit: credited } = before;
  if (before.oldIds.length > before.creditedOldIds) return 'merge';
  if (old === undefined || credited === undefined) return 'first credit';
  if (old.state !== 'open' && deal.state === 'open') return 'reopened';
  if (old.amount !== deal.amount || old.currency !== deal.currency) return 'amount';
  if (old.stage !== deal.stage || old.stageSinceMs !== deal.stageSinceMs) return 'stage';
  if (String(old.contactIds) !== String(deal.contactIds)) return 'contacts';
  if (before.model !== modelId) return 'model';
  return isOfOtherVisits(credited, credit) ? 'touches' : 'removal effects';
}

/** Removal effects change nothing but what is credited by them. */
function isOfOtherVisits(before: Credit, now: Credit): boolean {
  return !isDeepStrictEqual(withoutEffects(before), withoutEffects(now));
}

function withoutEffects({ byModel: { markov: _byEffects, ...byModel }, path }: Credit): object {
  return { byModel, path };
}
