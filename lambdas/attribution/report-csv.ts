import { stringify } from 'csv-stringify/sync';
import { amountText } from './money.ts';
import type { Report } from './report.ts';
import { FIGURES } from './report-words.ts';

/** The columns of the report as CSV. Names and meanings stay; what is added comes behind. @see docs/attribution.md#csv */
export const REPORT_COLUMNS = [
  'figure',
  'currency',
  'source',
  'source_label',
  'is_ai',
  'deal_id',
  'deal_name',
  'pipeline',
  'stage',
  'date',
  'deal_amount',
  'share',
  'credited',
  'model',
] as const;

/** The report as CSV: a line for each deal and source, so that sums by any column foot. Amounts are plain decimals. */
export function reportCsv(report: Report): string {
  const lines = report.currencies.flatMap(({ currency, decimals, ...figures }) =>
    FIGURES.flatMap((kind) =>
      figures[kind].rows.flatMap(({ source, label, isAi, lines: deals }) =>
        deals.map((line) => [
          kind,
          currency,
          source,
          label,
          String(isAi),
          line.dealId,
          harmless(line.name),
          harmless(line.pipeline),
          harmless(line.stage),
          line.date,
          line.amount === undefined ? '' : amountText(line.amount, decimals),
          line.share,
          amountText(line.units, decimals),
          report.model,
        ]),
      ),
    ),
  );
  return stringify([[...REPORT_COLUMNS], ...lines]);
}

/** Spreadsheets take text that begins so for a formula, and may do what it says: whoever names a deal must not decide that. */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
