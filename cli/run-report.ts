import {
  DRIFT_FIGURES,
  type Figure,
  type Figures,
  isStandingStill,
  type Run,
  runRow,
  UNKNOWABLE_FIGURES,
} from '../lambdas/nightly/run.ts';
import { readLastNight } from './last-night.ts';
import { spanText } from './runs.ts';
import type { Target } from './target.ts';

/** A night that comes every day has ended by then, also the long one when clocks go back, and one that took its time. */
const LATE_MS = 31 * 3_600_000;

/** What drifted, in words. */
const DRIFT: Readonly<Record<(typeof DRIFT_FIGURES)[number], string>> = {
  contactsUnknown: 'contacts that nobody had told of',
  contactsMissed: 'contacts of which a change was missed',
  contactsMoved: 'contacts with another company or other deals',
  contactsGone: 'contacts that are gone',
  contactsMerged: 'contacts that were merged',
  contactsRestored: 'contacts that are back',
  scoresMissing: 'scores that HubSpot did not show',
  scoresStale: 'scores that HubSpot showed as they were before',
  scoresEdited: 'scores that somebody had changed',
  companiesMissed: 'companies of which a change was missed',
  companyScoresDrifted: 'company scores that HubSpot did not show',
  dealsMissed: 'deals of which a change was missed',
  dealsUnknown: 'deals that nobody had told of',
  dealsGone: 'deals that HubSpot does not list any more',
  dealCreditsDrifted: 'credits of deals that HubSpot did not show',
};

/** What cannot be known any more, likewise. */
const UNKNOWABLE: Readonly<Record<(typeof UNKNOWABLE_FIGURES)[number], string>> = {
  historyCut: 'properties that changed more often than HubSpot remembers',
  vanished: 'contacts of which HubSpot has no trace',
  windowCut: 'times with more changes than a search hands out',
};

/** A run in figures. */
export interface RunReport {
  readonly id: string;
  readonly kind: Run['kind'];
  /** ISO 8601. */
  readonly started: string;
  readonly progress: string;
  readonly finished: string | null;
  /** From its start to its last progress. */
  readonly seconds: number;
  readonly pages: number;
  /** 0 where nothing is known. */
  readonly expectedPages: number;
  /** Made by the run itself; writes are write-back's. */
  readonly calls: number;
  readonly lookedAt: { readonly contacts: number; readonly companies: number; readonly deals: number };
  readonly decay: { readonly due: number; readonly ticked: number };
  /** By the names of figures. */
  readonly drift: Readonly<Record<string, number>>;
  readonly repaired: number;
  readonly unknowable: Readonly<Record<string, number>>;
}

export interface NightReport {
  readonly portalId: string;
  /** Null where none is under way, or none was finished yet. */
  readonly current: RunReport | null;
  readonly last: RunReport | null;
  /** The run under way came no further for an hour. */
  readonly isStandingStill: boolean;
  /** The last night was not finished within 31 hours. Never where no schedule runs the nights. */
  readonly isLate: boolean;
}

/** Reads what became of the last run, and how far the one under way is. */
export async function readNightReport(
  target: Pick<Target, 'portalId' | 'store' | 'portalRow' | 'clock' | 'timeZone' | 'nightlyHour'>,
): Promise<NightReport> {
  const { portalId, store, clock, nightlyHour } = target;
  const { current, last, lookedAtMs } = await runRow(store).read();
  // Where another kind of run was the last to end, the row says of the night when it began.
  const nightMs = last?.kind === 'nightly' ? last.finishedAtMs : lookedAtMs;
  const isOverdue =
    nightMs === undefined ? (await readLastNight(target)).missed > 0 : clock() - nightMs > LATE_MS;
  return {
    portalId,
    current: current === undefined ? null : reportOf(current),
    last: last === undefined ? null : reportOf(last),
    isStandingStill: current !== undefined && isStandingStill(current, clock()),
    isLate: nightlyHour !== undefined && isOverdue,
  };
}

export function reportOf(run: Run): RunReport {
  const { id, kind, startedAtMs, progressAtMs, finishedAtMs, expectedPages, figures } = run;
  const { pages, calls, contacts, companies, deals, due, ticked, repaired } = figures;
  return {
    id,
    kind,
    started: new Date(startedAtMs).toISOString(),
    progress: new Date(progressAtMs).toISOString(),
    finished: finishedAtMs === undefined ? null : new Date(finishedAtMs).toISOString(),
    seconds: Math.round(((finishedAtMs ?? progressAtMs) - startedAtMs) / 1000),
    pages,
    expectedPages,
    calls,
    lookedAt: { contacts, companies, deals },
    decay: { due, ticked },
    drift: countsOf(DRIFT_FIGURES, figures),
    repaired,
    unknowable: countsOf(UNKNOWABLE_FIGURES, figures),
  };
}

function countsOf(names: readonly Figure[], figures: Figures): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, figures[name]]));
}

/** The report for a terminal. */
export function formatNightReport({
  portalId,
  current,
  last,
  isStandingStill: isStill,
  isLate,
}: NightReport): string {
  const under = current === null ? 'nothing' : `${current.kind} since ${minute(current.started)}`;
  const how =
    current === null
      ? ''
      : `; ${pagesText(current)}, ${isStill ? 'STANDS STILL since' : 'last at'} ${minute(current.progress)}`;
  return [
    `Portal ${portalId}`,
    '',
    `under way   ${under}${how}`,
    ...(isLate ? ['LATE        no night was finished within 31 hours: docs/runbook.md'] : []),
    ...(last === null ? ['last        none finished yet'] : formatRun(last)),
  ].join('\n');
}

/** A run that ended, as lines. */
export function formatRun(run: RunReport): string[] {
  const { kind, started, finished, seconds, lookedAt, calls, decay, drift, repaired, unknowable } = run;
  const { contacts, companies, deals } = lookedAt;
  return [
    `last        ${kind}, ${minute(started)}${finished === null ? '' : ` to ${minute(finished)}`} (${spanText(seconds)})`,
    `looked at   ${pagesText(run)}: ${contacts} contacts, ${companies} companies, ${deals} deals; ${calls} calls to HubSpot`,
    `faded       ${decay.due} contacts due, ${decay.ticked} sent to be scored`,
    ...block('drift', DRIFT, drift),
    `repaired    ${repaired}`,
    ...block('unknowable', UNKNOWABLE, unknowable),
  ];
}

/** What was found of a kind of trouble, or that there was none. */
function block(
  title: string,
  words: Readonly<Record<string, string>>,
  counts: Readonly<Record<string, number>>,
): string[] {
  const found = Object.entries(counts).filter(([, count]) => count > 0);
  const lines = found.map(([name, count]) => `${String(count).padStart(7)}  ${words[name] ?? name}`);
  return (lines.length === 0 ? ['none'] : lines).map(
    (line, at) => `${(at === 0 ? title : '').padEnd(12)}${line}`,
  );
}

function pagesText({ pages, expectedPages }: RunReport): string {
  return expectedPages > 0 ? `${pages} of ${Math.max(pages, expectedPages)} pages` : `${pages} pages`;
}

function minute(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
