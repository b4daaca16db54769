import type { NightRun, RunParts } from './parts.ts';
import { DRIFT_FIGURES, type Figure, type Findings, type Run, UNKNOWABLE_FIGURES } from './run.ts';

/** Counts what a step found, once its place in the run is stored. */
export function countFindings({ figures }: Findings, { kind }: Pick<Run, 'kind'>, { count }: NightRun): void {
  const of = (figure: Figure) => figures[figure] ?? 0;
  count('PagesRead', of('pages'));
  count('RecordsCompared', of('contacts') + of('companies') + of('deals'));
  count('Repaired', of('repaired'));
  // To a backfill everybody is unknown.
  const drift = kind === 'nightly' ? DRIFT_FIGURES : [];
  for (const figure of drift) if (of(figure) > 0) count('NightDrift', of(figure), figure);
  for (const figure of UNKNOWABLE_FIGURES) if (of(figure) > 0) count('Unknowable', of(figure), figure);
}

/** Tells of a run that came to its end. */
export function reportRun(
  run: Run,
  { count, observe, logger }: Pick<RunParts, 'count' | 'observe' | 'logger'>,
): void {
  const { id, kind, startedAtMs, finishedAtMs = startedAtMs, figures } = run;
  const seconds = (finishedAtMs - startedAtMs) / 1000;
  // To score the table anew compares nothing: it must not stand for a night that did not finish.
  if (kind !== 'rescore') count('ReconcileFinished', 1);
  observe('ReconcileSeconds', seconds);
  logger.info('reconciled', { run: id, kind, ...figures, seconds, finished: true });
}
