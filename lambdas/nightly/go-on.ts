import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { outcomeOf } from '../hubspot/batch-write.ts';
import { usesTouches } from '../scoring/model.ts';
import { LONGEST_DELAY_SECONDS } from '../store/queues.ts';
import type { RunParts } from './parts.ts';
import { isComparing, planRun } from './plan.ts';
import { countFindings, reportRun } from './report.ts';
import {
  type Figures,
  type Findings,
  isOver,
  newFindings,
  noFigures,
  Run,
  type RunKind,
  type RunState,
  sumOf,
  type Walk,
} from './run.ts';
import { walkPage } from './walk-page.ts';

/** A reading without an answer has changed nothing; HubSpot's bad moments last longer than this. */
const NO_ANSWER_MS = 60_000;

/**
 * Begins a run, unless one is under way: then that one is asked to go on, should it have died. A run that is asked for while one of
 * another kind is under way waits until that is over; a night does not, since another comes tomorrow.
 *
 * @param figures - what is known of it already
 */
export async function begin(kind: RunKind, figures: Partial<Figures>, parts: RunParts): Promise<void> {
  const { row, clock, ask, portalId } = parts;
  const nowMs = clock();
  const fresh: Run = {
    id: randomUUID(),
    kind,
    startedAtMs: nowMs,
    progressAtMs: nowMs,
    walks: [],
    expectedPages: 0,
    figures: { ...noFigures(), ...figures },
  };
  const run = await row.update((state) => {
    const { current } = state;
    if (current !== undefined && !isOver(current, nowMs)) return { state, result: current };
    return { state: { ...state, current: fresh }, result: fresh };
  });
  if (run.kind !== kind && kind !== 'nightly') await ask({ job: kind, portalId }, LONGEST_DELAY_SECONDS);
  await ask({ job: 'continue', portalId, run: run.id }, 0);
}

/**
 * Goes on with a run, page by page, for about a minute, then asks for the next invocation. Each page is repaired, then the run is moved
 * on in its row on condition that nobody else moved it: who finds that somebody did, stops. So whoever dies, and however often this is
 * asked for, the run goes on once from the last page that was done.
 */
export async function goOn(runId: string, parts: RunParts): Promise<void> {
  const { row, clock, ask, portalId, turnMs } = parts;
  const sinceMs = clock();
  const turn = randomUUID();
  let state = await row.read();
  const request = { job: 'continue', portalId, run: runId } as const;
  while (state.current?.id === runId) {
    let next: RunState | undefined;
    try {
      next = await step(state.current, state, turn, parts);
    } catch (error) {
      const waitMs = waitAfter(error, clock());
      parts.logger.warn('HubSpot cannot be asked now: the run goes on later', {
        run: runId,
        seconds: waitMs / 1000,
      });
      return ask(request, Math.min(LONGEST_DELAY_SECONDS, Math.ceil(waitMs / 1000)));
    }
    if (next === undefined) return;
    state = next;
    if (state.current !== undefined && clock() - sinceMs >= turnMs) return ask(request, 0);
  }
  await afterRun(runId, state, parts);
}

/** Asks for what may fail without holding up a run: asked for again where an invocation died after the run's last step. */
async function afterRun(
  runId: string,
  { last }: RunState,
  { ask, portalId, model }: RunParts,
): Promise<void> {
  if (last?.id !== runId || last.kind !== 'nightly' || !usesTouches(model)) return;
  // What the night sent to be repaired is repaired within minutes, and reported so.
  await ask({ job: 'report', portalId, nightMs: last.startedAtMs }, LONGEST_DELAY_SECONDS);
}

/** How long to wait where HubSpot, or the budget, says that this may pass. @throws the error where it does not */
function waitAfter(error: unknown, nowMs: number): number {
  const outcome = outcomeOf(error, nowMs);
  if (outcome.kind === 'later') return Math.max(0, outcome.retryAtMs - nowMs);
  if (outcome.kind === 'unknown') return NO_ANSWER_MS;
  throw error;
}

/** One step of a run: its plan, or the next page. @returns what the row says then; undefined when somebody else moved the run */
async function step(
  current: Run,
  state: RunState,
  turn: string,
  parts: RunParts,
): Promise<RunState | undefined> {
  const run = { ...parts, startedAtMs: current.startedAtMs };
  const found = newFindings();
  const at = current.walks.findIndex(({ isDone }) => !isDone);
  const walk = current.walks[at];
  let plan: Pick<Run, 'walks' | 'expectedPages'>;
  if (walk === undefined) plan = await planRun(current, state, run);
  else plan = { ...current, walks: current.walks.with(at, await walkPage(walk, current.kind, run, found)) };
  const next = await moveOn(current, { ...plan, turn }, found, parts);
  if (next === undefined) return undefined;
  countFindings(found, current, run);
  if (next.last?.id === current.id) reportRun(next.last, parts);
  return next;
}

/** Moves the run on in its row. @returns undefined when somebody else did */
async function moveOn(
  current: Run,
  { walks, expectedPages, turn }: Pick<Run, 'walks' | 'expectedPages' | 'turn'>,
  found: Findings,
  { row, clock, takeCalls }: RunParts,
): Promise<RunState | undefined> {
  const nowMs = clock();
  found.note('calls', takeCalls());
  const moved: Run = {
    ...current,
    walks,
    expectedPages,
    progressAtMs: nowMs,
    figures: sumOf(current.figures, found.figures),
    ...(turn !== undefined && { turn }),
  };
  return row.update((state) => {
    const now = state.current;
    const isOurs = isSame(now, moved) || isSame(state.last, finished(moved, nowMs));
    if (isOurs) return { state, result: state }; // The row took it, and its answer was lost.
    if (now === undefined || !isSame(now, current)) return { state, result: undefined };
    const next = walks.every(({ isDone }) => isDone)
      ? ended(state, moved, nowMs)
      : { ...state, current: moved };
    return { state: next, result: next };
  });
}

/** Whether two runs are the same one at the same point, as a row would hold them: without what is undefined. */
function isSame(one: Run | undefined, other: Run): boolean {
  return one !== undefined && JSON.stringify(v.parse(Run, one)) === JSON.stringify(v.parse(Run, other));
}

function finished(run: Run, nowMs: number): Run {
  return { ...run, finishedAtMs: nowMs };
}

/** The row after a run that came to its end, and what the next one is to know of it. */
function ended({ current: _over, ...state }: RunState, run: Run, nowMs: number): RunState {
  const last = finished(run, nowMs);
  if (run.kind === 'rescore' || !run.walks.some(isComparing)) return { ...state, last };
  const { rolledTo: before, ...rest } = { ...state, last, lookedAtMs: run.startedAtMs };
  const share = run.walks.find(isShare);
  const rolledTo = share === undefined ? before : share.after;
  return rolledTo === undefined ? rest : { ...rest, rolledTo };
}

function isShare({ way, mostPages }: Walk): boolean {
  return way === 'list' && mostPages !== undefined;
}
