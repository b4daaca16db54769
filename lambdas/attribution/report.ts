import { localDate } from '../scoring/calendar.ts';
import type { CreditModel } from '../scoring/model-file.ts';
import { isAiSource } from '../scoring/sources.ts';
import type { Credit, CreditedDeal, CreditRules } from './credit.ts';
import { inDecimals } from './money.ts';

/** What a report needs to know of a deal. */
export interface ReportedDeal {
  readonly dealId: string;
  readonly life: 'living' | 'deleted' | 'erased';
  /** Undefined while it was never read. */
  readonly deal: CreditedDeal | undefined;
  readonly credit: Credit | undefined;
  readonly log: readonly {
    readonly atMs: number;
    readonly why: string;
    readonly from: string;
    readonly to: string;
  }[];
}

/** Days of the calendar, `YYYY-MM-DD`, both included. */
export interface Period {
  readonly from: string;
  readonly to: string;
  /** IANA name: where the days begin. */
  readonly timeZone: string;
}

export interface ReportOptions extends Period {
  readonly portalId: string;
  /** The one by which it is told. */
  readonly model: CreditModel;
  readonly rules: CreditRules;
  /** A source, such as `ai/chatgpt`, as people read it. */
  readonly labelOf: (source: string) => string;
  /** Epoch milliseconds. */
  readonly madeAtMs: number;
}

/** What a source is credited with of one deal. */
export interface DealLine {
  readonly dealId: string;
  readonly name: string;
  readonly pipeline: string;
  readonly stage: string;
  /** When it was closed (revenue), or created (pipeline); `YYYY-MM-DD`. */
  readonly date: string;
  /** Undefined where it has none. */
  readonly amount: bigint | undefined;
  /** From 0 to 1. */
  readonly share: number;
  readonly units: bigint;
}

/** What a source is credited with of all deals of a figure. */
export interface SourceRow {
  /** Such as `ai/chatgpt`; {@link NO_VISIT} and {@link NOT_CREDITED} for what no source is credited with. */
  readonly source: string;
  readonly label: string;
  readonly isAi: boolean;
  /** The sum of its lines. */
  readonly units: bigint;
  /** The largest first. */
  readonly lines: readonly DealLine[];
}

/** Deals without a touch in the window. */
export const NO_VISIT = '';
/** Deals that the model did not credit: `markov` before its first night, or a model that was added since they were credited. */
export const NOT_CREDITED = '?';

/** Revenue or pipeline in one currency. */
export interface Figure {
  /** The sum of the rows, and of the deals. */
  readonly units: bigint;
  readonly deals: number;
  readonly withoutAmount: number;
  /** Credited to AI assistants: the sum of their rows. */
  readonly aiUnits: bigint;
  /** Deals that an AI assistant brought a visitor of, whatever it is credited with, with all of their amount. */
  readonly influenced: { readonly units: bigint; readonly deals: number };
  /** The largest first; what no source is credited with comes last. */
  readonly rows: readonly SourceRow[];
}

/** What is told in one currency. Amounts of several are never added up. */
export interface CurrencyReport {
  /** ISO 4217; `''` for deals without one. */
  readonly currency: string;
  /** Digits behind the point that all units in it stand for. */
  readonly decimals: number;
  /** Deals that were won and closed in the period. */
  readonly revenue: Figure;
  /** Deals that were created in the period, and are open. */
  readonly pipeline: Figure;
}

/** A credit that became another one after the period. */
export interface RestatedDeal {
  readonly dealId: string;
  readonly name: string;
  readonly atMs: number;
  readonly why: string;
  readonly from: string;
  readonly to: string;
}

export interface Report extends Omit<ReportOptions, 'labelOf'> {
  /** The one with most deals first. */
  readonly currencies: readonly CurrencyReport[];
  /** The newest first. */
  readonly restated: readonly RestatedDeal[];
}

/** As which figure a deal counts in a period; undefined for none. */
function kindOf(
  head: ReportedDeal,
  period: Period,
): { kind: 'revenue' | 'pipeline'; date: string } | undefined {
  const { life, deal } = head;
  if (life !== 'living' || deal === undefined || deal.state === 'lost') return undefined;
  const kind = deal.state === 'won' ? 'revenue' : 'pipeline';
  const atMs = deal.state === 'won' ? deal.closedAtMs : deal.createdAtMs;
  if (atMs === undefined) return undefined;
  const date = localDate(atMs, period.timeZone);
  return date >= period.from && date <= period.to ? { kind, date } : undefined;
}

/** Whether a report of the period tells of a deal: who goes through many keeps only these. */
export function isReported(head: ReportedDeal, period: Period): boolean {
  return kindOf(head, period) !== undefined;
}

/** A deal as it counts. */
interface Counted {
  readonly head: ReportedDeal;
  readonly deal: CreditedDeal;
  readonly kind: 'revenue' | 'pipeline';
  readonly date: string;
}

/**
 * Tells revenue and pipeline of a period by source, with the deals behind each number. All sums foot: rows are the sums of their deals,
 * figures those of their rows, and of every deal the sources sum to its amount.
 *
 * @param heads - in any order; those that do not belong to the period are passed over
 */
export function reportOf(heads: Iterable<ReportedDeal>, { labelOf, ...options }: ReportOptions): Report {
  const counted = [...heads].flatMap((head): Counted[] => {
    const counts = kindOf(head, options);
    return head.deal === undefined || counts === undefined ? [] : [{ head, deal: head.deal, ...counts }];
  });
  const byCurrency = Map.groupBy(counted, ({ deal }) => deal.currency);
  const currencies = [...byCurrency]
    .toSorted(([a, ofA], [b, ofB]) => ofB.length - ofA.length || compareTexts(a, b))
    .map(([currency, deals]): CurrencyReport => {
      const decimals = deals.reduce((most, { head }) => Math.max(most, head.credit?.decimals ?? 0), 0);
      const figure = (kind: Counted['kind']) =>
        figureOf(
          deals.filter((deal) => deal.kind === kind),
          { decimals, model: options.model, labelOf },
        );
      return { currency, decimals, revenue: figure('revenue'), pipeline: figure('pipeline') };
    });
  return { ...options, currencies, restated: restatedAfter(counted, options) };
}

interface FigureOptions {
  readonly decimals: number;
  readonly model: CreditModel;
  readonly labelOf: (source: string) => string;
}

function figureOf(deals: readonly Counted[], options: FigureOptions): Figure {
  const lines = deals.flatMap((deal) => linesOf(deal, options));
  const rows = [...Map.groupBy(lines, ({ source }) => source)]
    .map(([source, ofSource]) => rowOf(source, ofSource, options.labelOf))
    .toSorted(bySize);
  const amounts = deals.map(({ head }) => amountOf(head, options.decimals));
  const isInfluenced = deals.map(({ head }) => head.credit?.path.some(isAiSource) ?? false);
  return {
    units: sum(rows.map(({ units }) => units)),
    deals: deals.length,
    withoutAmount: amounts.filter((amount) => amount === undefined).length,
    aiUnits: sum(rows.filter((row) => row.isAi).map(({ units }) => units)),
    influenced: {
      units: sum(amounts.filter((_, at) => isInfluenced[at] === true)),
      deals: isInfluenced.filter(Boolean).length,
    },
    rows,
  };
}

interface SourceLine {
  readonly source: string;
  readonly line: DealLine;
}

/** A deal by those who are credited with it; one line for all of it where nobody is. */
function linesOf({ head, deal, date }: Counted, { decimals, model }: FigureOptions): SourceLine[] {
  const amount = amountOf(head, decimals);
  const { name, pipeline, stage } = deal;
  const about = { dealId: head.dealId, name, pipeline, stage, date, amount };
  const credits = head.credit?.byModel[model];
  const nobody = head.credit !== undefined && head.credit.touches === 0 ? NO_VISIT : NOT_CREDITED;
  if (credits === undefined || credits.length === 0)
    return [{ source: nobody, line: { ...about, share: 1, units: amount ?? 0n } }];
  return credits.map(({ source, share, units }) => ({
    source,
    line: {
      ...about,
      share,
      units: inDecimals({ units, decimals: head.credit?.decimals ?? decimals }, decimals),
    },
  }));
}

function amountOf({ credit }: ReportedDeal, decimals: number): bigint | undefined {
  if (credit?.units === undefined) return undefined;
  return inDecimals({ units: credit.units, decimals: credit.decimals }, decimals);
}

function rowOf(
  source: string,
  ofSource: readonly SourceLine[],
  labelOf: FigureOptions['labelOf'],
): SourceRow {
  const lines = ofSource.map(({ line }) => line);
  return {
    source,
    label: LABELS[source] ?? labelOf(source),
    isAi: isAiSource(source),
    units: sum(lines.map(({ units }) => units)),
    lines: lines.toSorted((a, b) => compareUnits(b.units, a.units) || compareTexts(a.dealId, b.dealId)),
  };
}

const LABELS: Readonly<Record<string, string>> = {
  [NO_VISIT]: 'No known visit',
  [NOT_CREDITED]: 'Not credited yet',
};

function bySize(a: SourceRow, b: SourceRow): number {
  return (
    Number(a.source in LABELS) - Number(b.source in LABELS) ||
    compareUnits(b.units, a.units) ||
    b.lines.length - a.lines.length ||
    compareTexts(a.source, b.source)
  );
}

function restatedAfter(counted: readonly Counted[], { to, timeZone }: Period): RestatedDeal[] {
  return counted
    .flatMap(({ head: { dealId, log }, deal: { name } }) =>
      log
        .filter(({ from, atMs }) => from !== '' && localDate(atMs, timeZone) > to)
        .map(({ atMs, why, from, to: became }) => ({ dealId, name, atMs, why, from, to: became })),
    )
    .toSorted((a, b) => b.atMs - a.atMs || compareTexts(a.dealId, b.dealId));
}

function sum(units: readonly (bigint | undefined)[]): bigint {
  return units.reduce<bigint>((total, each) => total + (each ?? 0n), 0n);
}

function compareUnits(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
