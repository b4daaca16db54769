import {
  isOver,
  type Run,
  type RunKind,
  type RunState,
  runRow,
  STANDS_STILL_MS,
} from '../lambdas/nightly/run.ts';
import { sendAll } from '../lambdas/store/queues.ts';
import type { Progress } from './progress.ts';
import { queueUrl, type Target, UsageError } from './target.ts';

/** How a run is followed. */
export interface Patience {
  readonly lookEveryMs: number;
  /** By then somebody has taken up what was asked. */
  readonly beginsWithinMs: number;
  /** Ends early where `left` is aborted. */
  readonly pause: (ms: number, left: AbortSignal) => Promise<void>;
}

export const RUN_PATIENCE: Omit<Patience, 'pause'> = { lookEveryMs: 2000, beginsWithinMs: 180_000 };

export type RunTarget = Pick<Target, 'portalId' | 'store' | 'sqs' | 'queues' | 'clock'>;

/** A run that was asked for. */
export interface Asked {
  readonly kind: RunKind;
  /** The run under way, if it is of the kind: it is followed, and no second one begun. */
  readonly joined: Run | undefined;
  /** Runs that were there before; another one of the kind is the one asked for. */
  readonly before: readonly string[];
}

/**
 * The run of a kind that is under way; undefined where one would be begun.
 *
 * @throws UsageError while one of another kind is under way
 */
export function runToJoin({ current }: RunState, kind: RunKind, nowMs: number): Run | undefined {
  if (current === undefined || isOver(current, nowMs)) return undefined;
  if (current.kind === kind) return current;
  throw new UsageError(
    `a run is under way, and a portal has one at a time: ${current.kind} since ${new Date(current.startedAtMs).toISOString()}; \`afterglow nightly --report\` tells how far it is`,
  );
}

/** Asks the nightly door for a run. One of the kind that is under way is joined, and set going again should it have stopped. */
export async function askForRun(target: RunTarget, kind: RunKind): Promise<Asked> {
  const { portalId, store, sqs, queues, clock } = target;
  const state = await runRow(store).read();
  const joined = runToJoin(state, kind, clock());
  const message = kind === 'nightly' ? { job: kind, portalId, upTo: 'now' } : { job: kind, portalId };
  await sendAll(sqs, queueUrl(queues, 'Nightly'), [message]);
  return {
    kind,
    joined,
    before: [state.current, state.last].flatMap((run) => (run === undefined ? [] : run.id)),
  };
}

/** How following ended: the run did, it stands still, nobody took it up, or whoever followed left. */
export type Outcome = 'finished' | 'standing-still' | 'not-begun' | 'left';

/** Follows a run to its end, telling how far it is. @param left - aborted when whoever follows has seen enough */
export async function followRun(
  target: RunTarget,
  asked: Asked,
  progress: Progress,
  patience: Patience,
  left: AbortSignal,
): Promise<{ readonly outcome: Outcome; readonly run: Run | undefined }> {
  const { store, clock } = target;
  const sinceMs = clock();
  let run: Run | undefined = asked.joined;
  while (!left.aborted) {
    const { current, last } = await runRow(store).read();
    run = [current, last].find((one) => one !== undefined && isAskedFor(one, asked)) ?? run;
    if (run?.finishedAtMs !== undefined) return { outcome: 'finished', run };
    if (run !== undefined) progress.at(progressText(run));
    // A run that stood still has an hour's time to be set going again, like any other.
    const movedAtMs = Math.max(run?.progressAtMs ?? 0, sinceMs);
    if (run !== undefined && clock() - movedAtMs > STANDS_STILL_MS) return { outcome: 'standing-still', run };
    if (run === undefined && clock() - sinceMs >= patience.beginsWithinMs)
      return { outcome: 'not-begun', run };
    await patience.pause(patience.lookEveryMs, left);
  }
  return { outcome: 'left', run };
}

function isAskedFor({ id, kind }: Run, { joined, before, kind: wanted }: Asked): boolean {
  return joined === undefined ? kind === wanted && !before.includes(id) : id === joined.id;
}

/** How far a run is, such as `backfill: 30 of 200 pages, 1500 contacts, 42 a second, 3 min left`. */
export function progressText(run: Run): string {
  const { kind, expectedPages, figures, startedAtMs, progressAtMs } = run;
  const seconds = (progressAtMs - startedAtMs) / 1000;
  const of = expectedPages > 0 ? ` of ${Math.max(expectedPages, figures.pages)}` : '';
  const parts = [`${kind}: ${figures.pages}${of} pages`, `${figures.contacts} contacts`];
  if (seconds > 0 && figures.contacts > 0) parts.push(`${Math.round(figures.contacts / seconds)} a second`);
  const left = expectedPages - figures.pages;
  if (figures.pages > 0 && seconds > 0 && left > 0)
    parts.push(`${spanText((seconds * left) / figures.pages)} left`);
  return parts.join(', ');
}

/** A span for people: `45 s`, `12 min`, `3.5 h`. */
export function spanText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 6000 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
