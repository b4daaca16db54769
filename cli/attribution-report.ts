import { writeFileSync } from 'node:fs';
import type { CreditRules } from '../lambdas/attribution/credit.ts';
import {
  isReported,
  type Period,
  type Report,
  type ReportedDeal,
  reportOf,
} from '../lambdas/attribution/report.ts';
import { reportCsv } from '../lambdas/attribution/report-csv.ts';
import { reportHtml } from '../lambdas/attribution/report-html.ts';
import { reportText } from '../lambdas/attribution/report-text.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { CREDIT_MODELS, type CreditModel } from '../lambdas/scoring/model-file.ts';
import { labelOf } from '../lambdas/scoring/sources.ts';
import type { DealTable } from '../lambdas/store/deal-table.ts';
import type { Progress } from './progress.ts';
import { type Target, UsageError } from './target.ts';

export const REPORT_FORMATS = ['text', 'csv', 'html'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportCommand {
  /** Days as typed: `YYYY-MM-DD`, both included. */
  readonly from: string;
  readonly to: string;
  /** As typed; undefined: the first one that the scoring model names. */
  readonly model?: string | undefined;
}

interface ReportTarget extends Pick<Target, 'portalId' | 'timeZone' | 'clock'> {
  readonly store: { readonly deals: Pick<DealTable, 'page'> };
}

/**
 * Reads the deals of the table, and tells revenue and pipeline of a period by source. Memory holds the deals of the period only.
 *
 * @throws UsageError for a period that is none, a model that deals are not credited by, and a scoring model without attribution
 */
export async function readReport(
  { portalId, timeZone, clock, store }: ReportTarget,
  model: Model,
  { from, to, model: asked }: ReportCommand,
  progress: Progress,
): Promise<Report> {
  const rules = rulesOf(model);
  const period: Period = { from: dayOf('--from', from), to: dayOf('--to', to), timeZone };
  if (from > to) throw new UsageError(`--from ${from} lies after --to ${to}`);
  const credit = creditModelOf(asked, rules);
  const kept: ReportedDeal[] = [];
  let read = 0;
  let after: string | undefined;
  do {
    const page = await store.deals.page(after);
    kept.push(...page.deals.filter((head) => isReported(head, period)));
    read += page.deals.length;
    progress.at(`${read} deals read, ${kept.length} of the period`);
    ({ after } = page);
  } while (after !== undefined);
  return reportOf(kept, {
    ...period,
    portalId,
    model: credit,
    rules,
    labelOf: (source) => labelOf(source, model.sources),
    madeAtMs: clock(),
  });
}

/** How deals are credited. @throws UsageError where the scoring model does not say */
export function rulesOf({ name, attribution }: Model): CreditRules {
  if (attribution === undefined)
    throw new UsageError(
      `the model ${name} has no section attribution: no visits are kept and no deals credited, see docs/attribution.md`,
    );
  return attribution;
}

function dayOf(option: string, text: string): string {
  const ms = Date.parse(`${text}T00:00:00Z`);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(ms) && dateOf(ms) === text; // There is no 31 June.
  if (!isDay) throw new UsageError(`${option}: expected a day such as 2026-10-31, found "${text}"`);
  return text;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function creditModelOf(asked: string | undefined, { models }: CreditRules): CreditModel {
  const found = asked === undefined ? models[0] : CREDIT_MODELS.find((name) => name === asked);
  if (found === undefined || !models.includes(found))
    throw new UsageError(
      `--model: expected one that deals are credited by (${models.join(', ')}), found "${asked}"; the scoring model names them under attribution`,
    );
  return found;
}

/** The format that is meant: as asked, else by the name of the file. */
export function formatOf(format: ReportFormat | undefined, out: string | undefined): ReportFormat {
  return format ?? REPORT_FORMATS.find((name) => out?.endsWith(`.${name}`)) ?? 'text';
}

const RENDERINGS = { text: reportText, csv: reportCsv, html: reportHtml } as const;

/** The report as it is written or printed; ends with a new line. */
export function rendered(report: Report, format: ReportFormat): string {
  const text = RENDERINGS[format](report);
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** Writes a file that nobody else on the machine can read. @throws UsageError when it cannot be written */
export function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch (cause) {
    throw new UsageError(`${file} cannot be written`, { cause });
  }
}
