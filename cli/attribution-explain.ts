import { type DealTouch, touchesWithin } from '../lambdas/attribution/credit.ts';
import { amountText, groupedText, moneyText } from '../lambdas/attribution/money.ts';
import { textTable } from '../lambdas/attribution/text-table.ts';
import { RECORD_ID } from '../lambdas/events/fields.ts';
import { readableDate } from '../lambdas/scoring/calendar.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { CREDIT_MODELS, type CreditModel } from '../lambdas/scoring/model-file.ts';
import { labelOf, sourceKeyOf } from '../lambdas/scoring/sources.ts';
import { touchesOf } from '../lambdas/scoring/touches.ts';
import type { ContactTable } from '../lambdas/store/contact-table.ts';
import type { DealHead, DealTable } from '../lambdas/store/deal-table.ts';
import { contactKey } from '../lambdas/store/keys.ts';
import { rulesOf } from './attribution-report.ts';
import { type Target, UsageError } from './target.ts';

interface ExplainTarget extends Pick<Target, 'portalId' | 'timeZone'> {
  readonly store: {
    readonly deals: Pick<DealTable, 'heads'>;
    readonly contacts: Pick<ContactTable, 'touchesOf'>;
  };
}

/** A visit that a deal is credited to. */
interface ExplainedTouch {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly source: string;
  readonly label: string;
  /** Where it began; `''` where that is not known. */
  readonly page: string;
  readonly contactId: string;
  readonly by: 'browser' | 'server' | 'hubspot';
}

/** Why a deal's credit is as it is. */
export interface DealExplanation {
  readonly portalId: string;
  readonly timeZone: string;
  readonly head: DealHead;
  readonly deal: NonNullable<DealHead['deal']>;
  readonly credit: NonNullable<DealHead['credit']>;
  readonly windowDays: number;
  /** Those that it is credited by, in the order of the scoring model. */
  readonly models: readonly CreditModel[];
  /** As they are known now, in the order they happened. */
  readonly touches: readonly ExplainedTouch[];
  /** Whether these are the visits that it was credited to; if not, it is about to be credited anew, or the scoring model is another one. */
  readonly isUpToDate: boolean;
  readonly labelOf: (source: string) => string;
}

/**
 * Explains the credit of a deal from the table: its visits, what each source got under every model, and how that changed.
 *
 * @throws UsageError where there is nothing to explain, with the reason
 */
export async function explainDeal(
  { portalId, timeZone, store }: ExplainTarget,
  model: Model,
  dealId: string,
): Promise<DealExplanation> {
  const { windowDays, models } = rulesOf(model);
  if (!RECORD_ID.test(dealId))
    throw new UsageError(`"${dealId}" is no record id: HubSpot's are digits, as in the address of the deal`);
  const head = (await store.deals.heads([dealId])).get(dealId);
  const { deal, credit } = head ?? {};
  if (head === undefined || deal === undefined || credit === undefined)
    throw new UsageError(`deal ${dealId} was not credited yet (portal ${portalId})`);
  if (head.life !== 'living')
    throw new UsageError(`deal ${dealId} was deleted in HubSpot (portal ${portalId})`);
  const keys = deal.contactIds.map((id) => contactKey(portalId, id));
  const facts = await store.contacts.touchesOf(keys);
  const known = deal.contactIds.flatMap((contactId, at) =>
    touchesOf(facts.get(keys[at] ?? '') ?? [], model.sources).map(
      ({ key, atMs, by, landing, ...source }): DealTouch & Pick<ExplainedTouch, 'by' | 'page'> => ({
        key,
        atMs,
        contactId,
        source: sourceKeyOf(source),
        by,
        page: landing,
      }),
    ),
  );
  const counted = touchesWithin(known, deal.stageSinceMs, windowDays);
  const label = (source: string) => labelOf(source, model.sources);
  return {
    portalId,
    timeZone,
    head,
    deal,
    credit,
    windowDays,
    models: [...new Set([...models, ...CREDIT_MODELS])].filter((name) => credit.byModel[name] !== undefined),
    touches: counted.map(({ atMs, source, contactId, by, page }) => ({
      atMs,
      source,
      label: label(source),
      page,
      contactId,
      by,
    })),
    isUpToDate: counted.map(({ source }) => source).join('\n') === credit.path.join('\n'),
    labelOf: label,
  };
}

/** As one JSON object: amounts as decimals in text. */
export function dealAsJson(explanation: DealExplanation): string {
  const { portalId, head, deal, credit, windowDays, touches, isUpToDate, labelOf: label } = explanation;
  const models = explanation.models.map((model) => [
    model,
    (credit.byModel[model] ?? []).map(({ source, share, units }) => ({
      source,
      label: label(source),
      share,
      amount: credit.units === undefined ? null : amountText(units, credit.decimals),
    })),
  ]);
  return JSON.stringify({
    portalId,
    dealId: head.dealId,
    name: deal.name,
    state: deal.state,
    pipeline: deal.pipeline,
    stage: deal.stage,
    stageSince: iso(deal.stageSinceMs),
    amount: credit.units === undefined ? null : amountText(credit.units, credit.decimals),
    currency: deal.currency === '' ? null : deal.currency,
    contactIds: deal.contactIds,
    windowDays,
    touches: touches.map(({ atMs, ...touch }) => ({ at: iso(atMs), ...touch })),
    isUpToDate,
    isShown: isShown(head),
    scoringModel: head.model ?? null,
    models: Object.fromEntries(models),
    log: head.log.map(({ atMs, ...line }) => ({ at: iso(atMs), ...line })),
    logCut: head.logCut,
  });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isShown({ writeId, confirmedWriteId }: DealHead): boolean {
  return writeId !== undefined && writeId === confirmedWriteId;
}

/** What the command prints. */
export function formatDeal(explanation: DealExplanation): string {
  const { head, deal, credit, windowDays, timeZone, touches, isUpToDate } = explanation;
  const day = (ms: number) => readableDate(ms, timeZone);
  const amount =
    credit.units === undefined
      ? 'no amount'
      : moneyText({ units: credit.units, decimals: credit.decimals }, deal.currency);
  const visits = touches.map(
    ({ atMs, label, page, contactId }) =>
      `${day(atMs)}  ${label}  contact ${contactId}${page === '' ? '' : `  ${page}`}`,
  );
  const log = head.log.map(
    ({ atMs, why, from, to }) => `${day(atMs)}  ${why}: ${from === '' ? '' : `${from} → `}${to}`,
  );
  const shown = isShown(head) ? 'HubSpot shows it' : 'HubSpot does not show it yet';
  return [
    `Deal ${head.dealId}: ${deal.name}`,
    `  ${amount}, ${deal.state}, in its stage (${deal.stage}) since ${day(deal.stageSinceMs)}`,
    `  Credited to the visits of ${deal.contactIds.length === 1 ? 'its contact' : `its ${deal.contactIds.length} contacts`} in the ${windowDays} days before; ${shown}`,
    ...(isUpToDate
      ? []
      : ['  These are not the visits it was credited to: it is about to be credited anew.']),
    ...titled('Visits', visits.length === 0 ? ['no known visit'] : visits),
    ...titled('Credit', creditTable(explanation)),
    ...titled('Log', head.logCut === 0 ? log : [...log, `and ${head.logCut} older`]),
  ].join('\n');
}

function titled(title: string, lines: readonly string[]): string[] {
  return ['', title, ...lines.map((line) => `  ${line}`)];
}

/** A row for each source, a column for each model, and what they sum to. */
function creditTable({ credit, models, labelOf: label }: DealExplanation): string[] {
  const sources = [
    ...new Set(models.flatMap((model) => credit.byModel[model]?.map(({ source }) => source) ?? [])),
  ];
  if (sources.length === 0) return ['to no source'];
  const cell = (model: CreditModel, source: string): string => {
    const given = credit.byModel[model]?.find((one) => one.source === source);
    if (given === undefined) return '–';
    const percent = `${(100 * given.share).toFixed(1)} %`;
    return credit.units === undefined ? percent : `${groupedText(given.units, credit.decimals)} (${percent})`;
  };
  const total =
    credit.units === undefined ? '100.0 %' : `${groupedText(credit.units, credit.decimals)} (100.0 %)`;
  const rows = [
    ['', ...models],
    ...sources.map((source) => [label(source), ...models.map((model) => cell(model, source))]),
    ['All', ...models.map(() => total)],
  ];
  return textTable(rows);
}
