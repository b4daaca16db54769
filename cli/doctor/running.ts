import { isStandingStill, type Run } from '../../lambdas/nightly/run.ts';
import { backlogText, type QueueContent } from '../backlog.ts';
import { type BudgetNow, stopNow } from '../budget.ts';
import type { LastNight } from '../last-night.ts';
import { progressText } from '../runs.ts';
import { ok, type Verdict, warning, wrong } from './verdict.ts';

/** With 2 instances and a thousand messages each, this is some minutes of work. */
const LONG_QUEUE = 10_000;

export function checkQueues(contents: readonly QueueContent[]): Verdict {
  const found = backlogText(contents);
  return contents.some(({ messages }) => messages > LONG_QUEUE)
    ? warning(
        found,
        'look again in 10 minutes: if it does not shrink, the log of the function that reads the queue says why',
      )
    : ok(found);
}

/** @param look - the command that lists dead letters */
export function checkDeadLetters(contents: readonly QueueContent[], look: string): Verdict {
  const dead = contents.filter(({ deadLetters }) => deadLetters > 0);
  return dead.length === 0
    ? ok('none')
    : wrong(
        dead.map(({ queue, deadLetters }) => `${queue} ${deadLetters}`).join(', '),
        `run \`${look}\`: it tells the reasons, and what can be sent again`,
      );
}

const STOPS = {
  unauthorised: 'HubSpot refused the token, or it lacks a scope',
  daily: "the day's calls are used up",
  migrating: 'HubSpot moves the account to another data centre',
} as const;

export function checkStop({ state: { stop } }: BudgetNow, nowMs: number): Verdict {
  if (stop === undefined) return ok('none');
  const { reason, until, isOver } = stopNow(stop, nowMs);
  const why = `${STOPS[reason]}${stop.refusedCall === undefined ? '' : ` (${stop.refusedCall})`}`;
  const todo = 'see what is said of the token and its scopes';
  if (isOver) {
    const over = `over since ${until}; the next call tries`;
    // A call of another kind than the one that was refused does not end it, and tells nothing of whether it is mended.
    return stop.refusedCall === undefined ? ok(over) : warning(`${why}; ${over}`, todo);
  }
  return reason === 'unauthorised'
    ? wrong(
        `${why}; tried again after ${until}`,
        `${todo}; it goes on by itself within 5 minutes of being mended`,
      )
    : warning(`${why}, until ${until}`);
}

/** Above it, a busy day may come to the limit. */
const MUCH_OF_THE_DAY_PERCENT = 80;

export function checkBudget({ state: { share }, today: { calls, limit, percent } }: BudgetNow): Verdict {
  const found = `${calls} of ${limit} calls today (${percent} %)`;
  if (percent >= MUCH_OF_THE_DAY_PERCENT)
    return warning(
      found,
      "see who else calls in HubSpot's usage of API calls; a longer writeBack.windowSeconds puts more contacts into a call",
    );
  return share < 1
    ? warning(
        `${found}; at ${Math.round(share * 100)} % of the rate after a 429, which rises again by itself`,
      )
    : ok(found);
}

export function checkNight({ finished, missed }: LastNight): Verdict {
  const todo = 'see "Night not finished" in docs/runbook.md; the next run catches up';
  if (finished === '')
    return missed > 0
      ? wrong(`none was ever finished, and events have come for days: ${missed} missed`, todo)
      : warning('no night has been finished yet: the first comes at the hour of the setting nightlyHour');
  return missed > 0
    ? wrong(`the last that was finished is ${finished}: ${missed} missed`, todo)
    : ok(`${finished} is finished`);
}

/** @param run - under way; undefined while nothing is @param command - makes a command of words, as it is typed */
export function checkRun(run: Run | undefined, nowMs: number, command: (words: string) => string): Verdict {
  if (run === undefined) return ok('none under way');
  const found = progressText(run);
  const goOn = command(run.kind === 'nightly' ? 'nightly --now' : run.kind);
  return isStandingStill(run, nowMs)
    ? wrong(
        `${found}; stands still since ${new Date(run.progressAtMs).toISOString()}`,
        `run \`${goOn}\`: it goes on where it is; should it not, see "Reconciliation not finished" in docs/runbook.md`,
      )
    : ok(found);
}
