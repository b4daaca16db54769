import type { RunKind } from '../lambdas/nightly/run.ts';
import { runRow } from '../lambdas/nightly/run.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { type Estimate, estimateBackfill, estimateRescore, formatEstimate } from './estimate.ts';
import type { Progress } from './progress.ts';
import { formatRun, type RunReport, reportOf } from './run-report.ts';
import { askForRun, followRun, type Outcome, type Patience, runToJoin } from './runs.ts';
import type { Target } from './target.ts';

export interface RunOptions {
  /** Do not wait for the end. */
  readonly isFollowed: boolean;
  /** Agrees to what a run will take. @throws UsageError where nobody can be asked */
  readonly agree: (question: string) => Promise<boolean>;
  /** Told what the run will take, and what becomes of it. */
  readonly say: (text: string) => void;
  readonly progress: Progress;
  readonly patience: Patience;
  /** Called when the run is asked for, if it is followed: aborted when whoever follows has seen enough. */
  readonly leaving: () => AbortSignal;
}

/** What became of a run that was asked for. */
export interface RunDone {
  readonly kind: RunKind;
  /** Null where a run was joined that was under way, and for a night. */
  readonly estimate: Estimate | null;
  readonly outcome: Outcome | 'not-agreed' | 'not-followed';
  /** As last seen. */
  readonly run: RunReport | null;
}

/**
 * Has a portal scored: by a night, from nothing, or anew after a change of the model. What that takes is told, and agreed to, first; but
 * for a night, and for a run that is under way: that is joined.
 *
 * @param model - which runs; not needed for a night
 * @throws UsageError while a run of another kind is under way
 */
export async function commandRun(
  target: Target,
  kind: RunKind,
  model: Model | undefined,
  options: RunOptions,
): Promise<RunDone> {
  const { isFollowed, agree, say, progress, patience, leaving } = options;
  const joined = runToJoin(await runRow(target.store).read(), kind, target.clock());
  if (joined !== undefined)
    say(`A run is under way since ${new Date(joined.startedAtMs).toISOString()}: joined.`);
  const estimate = joined === undefined && model !== undefined ? await estimateOf(target, kind, model) : null;
  if (estimate !== null) {
    say(formatEstimate(estimate));
    if (!(await agree('Go on?'))) return { kind, estimate, outcome: 'not-agreed', run: null };
  }
  if (!isFollowed) {
    await askForRun(target, kind);
    return { kind, estimate, outcome: 'not-followed', run: null };
  }
  const left = leaving(); // Not before: who leaves while the estimate is made, or asked about, wants no run.
  const asked = await askForRun(target, kind);
  const { outcome, run } = await followRun(target, asked, progress, patience, left);
  return { kind, estimate, outcome, run: run === undefined ? null : reportOf(run) };
}

function estimateOf(target: Target, kind: RunKind, model: Model): Promise<Estimate> {
  return kind === 'rescore' ? estimateRescore(target, model) : estimateBackfill(target, model);
}

/** What is said of each end. */
const SAID: Readonly<Record<RunDone['outcome'], string>> = {
  finished: 'The run is finished; what it asked to be written follows: `afterglow status` tells what waits.',
  'standing-still':
    'The run came no further for an hour: docs/runbook.md. It goes on where it stands once that is mended.',
  'not-begun':
    'Nobody took up the run: does the queue Nightly have letters or a backlog (`afterglow status`), or is another run under way (`afterglow nightly --report`)?',
  left: 'The run goes on without this command; `afterglow nightly --report` tells how far it is.',
  'not-agreed': 'Not agreed to; nothing was begun.',
  'not-followed': 'The run was asked for; `afterglow nightly --report` tells how far it is.',
};

/** What became of it, for people. */
export function formatRunDone({ outcome, run }: RunDone): string {
  const lines = outcome === 'finished' && run !== null ? formatRun(run) : [];
  return [...lines, SAID[outcome]].join('\n');
}

/** 0 for what went well, 130 for a command that was left, as shells have it. */
export function exitCodeOfRun({ outcome }: RunDone): number {
  if (outcome === 'left') return 130;
  return outcome === 'finished' || outcome === 'not-followed' ? 0 : 1;
}
