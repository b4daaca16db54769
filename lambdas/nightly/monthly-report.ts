import * as v from 'valibot';
import { isReported, type Period, type ReportedDeal, reportOf } from '../attribution/report.ts';
import { reportCsv } from '../attribution/report-csv.ts';
import { reportHtml } from '../attribution/report-html.ts';
import { addDays, localDate } from '../scoring/calendar.ts';
import { labelOf } from '../scoring/sources.ts';
import type { Store } from '../store/connect.ts';
import { PortalRow } from '../store/portal-rows.ts';
import type { ReportsBucket } from '../store/reports-bucket.ts';
import type { RunParts } from './parts.ts';

/** Which months were reported. */
export const ReportsMade = v.object({
  /** The first night that could have reported, `YYYY-MM-DD`: in it no deal was credited yet. */
  since: v.optional(v.string()),
  /** The month that was reported last, `YYYY-MM`. */
  month: v.optional(v.string()),
  /** When, epoch milliseconds. */
  atMs: v.optional(v.number()),
  /** Where it lies, such as `s3://bucket/reports/2026-10.html`. */
  link: v.optional(v.string()),
});
export type ReportsMade = v.InferOutput<typeof ReportsMade>;

/** The portal's row that notes it. */
export function reportsRow({
  client,
  tableName,
  portalId,
}: Pick<Store, 'client' | 'tableName' | 'portalId'>): PortalRow<ReportsMade> {
  return new PortalRow(client, tableName, portalId, 'reports', ReportsMade, {});
}

/** The month before the one in which a date lies. @param date - `YYYY-MM-DD` */
function monthBefore(date: string): { readonly month: string; readonly from: string; readonly to: string } {
  const to = addDays(`${date.slice(0, 7)}-01`, -1);
  const month = to.slice(0, 7);
  return { month, from: `${month}-01`, to };
}

/**
 * Reports the month before a night, unless that was done: where its deals came from, as a page and as a table. Whoever dies before it is
 * noted puts the same two files once more.
 *
 * In the first night that credits deals nothing is reported: its deals are credited after it, and the next night reports them.
 *
 * @param nightMs - epoch milliseconds at which the night began
 */
export async function reportMonth(nightMs: number, parts: RunParts): Promise<void> {
  const { reports, model } = parts;
  if (reports === undefined || model.attribution === undefined) return;
  try {
    await makeReport(nightMs, reports, parts);
  } catch (cause) {
    parts.count('MonthlyReports', 0);
    throw new Error('last month could not be reported', { cause });
  }
}

async function makeReport(nightMs: number, reports: ReportsBucket, parts: RunParts): Promise<void> {
  const { clock, timeZone, reportsMade, count, logger } = parts;
  const nowMs = clock();
  const tonight = localDate(nightMs, timeZone);
  const { month, ...days } = monthBefore(tonight);
  const made = await reportsMade.update((state) => begun(state, tonight));
  if (made.since === tonight || (made.month ?? '') >= month) return;
  const key = `reports/${month}`;
  const link = `s3://${reports.name}/${key}.html`;
  const report = await reportFor({ ...days, timeZone }, nowMs, parts);
  await reports.put({ key: `${key}.csv`, body: reportCsv(report), contentType: 'text/csv' });
  await reports.put({ key: `${key}.html`, body: reportHtml(report), contentType: 'text/html' });
  await reportsMade.update((state) => ({ state: { ...state, month, atMs: nowMs, link }, result: undefined }));
  count('MonthlyReports', 1);
  logger.info('last month is reported', { month, link });
}

function begun(state: ReportsMade, tonight: string) {
  const next = state.since === undefined ? { ...state, since: tonight } : state;
  return { state: next, result: next };
}

async function reportFor(
  period: Period,
  madeAtMs: number,
  { deals, model: { attribution, sources }, portalId }: RunParts,
) {
  const [model] = attribution?.models ?? [];
  if (attribution === undefined || model === undefined) throw new Error('the model credits no deals');
  const reported: ReportedDeal[] = [];
  let after: string | undefined;
  do {
    const page = await deals.page(after);
    reported.push(...page.deals.filter((head) => isReported(head, period)));
    after = page.after;
  } while (after !== undefined);
  return reportOf(reported, {
    ...period,
    portalId,
    model,
    rules: attribution,
    labelOf: (source) => labelOf(source, sources),
    madeAtMs,
  });
}
