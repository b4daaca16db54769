import { RunState } from '../lambdas/nightly/run.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { readBacklog } from './backlog.ts';
import { readBudget } from './budget.ts';
import { checkApp, checkArrivals } from './doctor/app.ts';
import { askEndpoint, checkClocks, checkEndpoint, checkForgery } from './doctor/endpoint.ts';
import {
  askHubSpot,
  checkLimits,
  checkPortal,
  checkProperties,
  checkScopes,
  checkTimeZone,
  checkToken,
} from './doctor/hubspot.ts';
import {
  checkBudget,
  checkDeadLetters,
  checkNight,
  checkQueues,
  checkRun,
  checkStop,
} from './doctor/running.ts';
import { type Check, ok, reasonOf, type State, unknown, type Verdict } from './doctor/verdict.ts';
import { APP_DIRECTORY } from './hubspot-app.ts';
import { readLastNight } from './last-night.ts';
import type { Target } from './target.ts';
import { commandFor } from './typed.ts';

export interface DoctorOptions {
  /** As named on the command line; undefined = the local system. */
  readonly stack: string | undefined;
  /** Of the app's files; undefined = where they usually are, if it is a stack: the local system needs no app. */
  readonly appDirectory: string | undefined;
}

export interface Diagnosis {
  readonly portalId: string;
  readonly checks: readonly Check[];
  readonly counts: Readonly<Record<State, number>>;
}

/** Looks at everything, also when some of it fails. Writes nothing to HubSpot. */
export async function diagnose(
  target: Omit<Target, 'contacts' | 'store'>,
  model: Model,
  { stack, appDirectory }: DoctorOptions,
): Promise<Diagnosis> {
  const command = commandFor(stack);
  // Before the first call, which may lift a stop or begin one.
  const before = await checksOfRunning(target, command);
  const told = await askHubSpot(target, model);
  const answers = await askEndpoint(target);
  const build = command('hubspot-app build');
  const setup = command('setup');
  const checks = [
    await check('token', () => checkToken(told, { setup, rotate: command('rotate token') })),
    await check('portal', () => checkPortal(told, target.portalId)),
    await check('scopes', () => checkScopes(told, model, build)),
    await check('time zone', () => checkTimeZone(told, target.timeZone)),
    await check('limits', () => checkLimits(told, target.budget)),
    await check('properties', () => checkProperties(told, model, command('provision'))),
    await check('app', () =>
      appDirectory === undefined && stack === undefined
        ? ok('the local system needs none')
        : checkApp(target, model, appDirectory ?? APP_DIRECTORY, build),
    ),
    await check('arrivals', () => checkArrivals(target, model, command('rotate client-secret'))),
    await check('endpoint', () => checkEndpoint(answers, target.ingestUrl, setup)),
    await check('forgery', () => checkForgery(answers)),
    await check('clocks', () => checkClocks(told.skewMs, answers.skewMs)),
    ...before,
  ];
  const count = (state: State): number => checks.filter((one) => one.state === state).length;
  return {
    portalId: target.portalId,
    checks,
    counts: { ok: count('ok'), warning: count('warning'), wrong: count('wrong'), unknown: count('unknown') },
  };
}

async function checksOfRunning(
  target: Omit<Target, 'contacts' | 'store'>,
  command: (words: string) => string,
): Promise<Check[]> {
  const { clock } = target;
  return [
    await check('queues', async () => checkQueues(await readBacklog(target))),
    await check('dead letters', async () =>
      checkDeadLetters(await readBacklog(target), command('dead-letters')),
    ),
    await check('stop', async () => checkStop(await readBudget(target), clock())),
    await check('budget', async () => checkBudget(await readBudget(target))),
    await check('last night', async () => checkNight(await readLastNight(target))),
    await check('run', async () => {
      const { current } = await target.portalRow('run', RunState, {}).read();
      return checkRun(current, clock(), command);
    }),
  ];
}

/** One check; that it fails is no reason not to make the others. */
async function check(name: string, look: () => Verdict | Promise<Verdict>): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return { name, ...unknown(reasonOf(error)) };
  }
}

/** Checks without which nothing is known of HubSpot, or of the endpoint. */
const ASKED = ['token', 'portal', 'properties', 'endpoint'];

/** What the command ends with: 1 when something is wrong, 2 when HubSpot or the endpoint could not be looked at, and so may be. */
export function exitCodeOf({ checks, counts }: Diagnosis): 0 | 1 | 2 {
  if (counts.wrong > 0) return 1;
  return checks.some(({ name, state }) => state === 'unknown' && ASKED.includes(name)) ? 2 : 0;
}

/** The diagnosis for a terminal. */
export function formatDiagnosis({ portalId, checks, counts }: Diagnosis): string {
  const lines = checks.flatMap(({ name, state, found, todo }) => [
    `${state.padEnd(7)}  ${name.padEnd(12)}  ${found}`,
    ...(todo === undefined ? [] : [`${' '.repeat(23)}-> ${todo}`]),
  ]);

  return [
    `Portal ${portalId}. Nothing is written to HubSpot; the endpoint gets two requests without events, one of them wrongly signed, which counts as one RefusedSignature.`,
    '',
    ...lines,
    '',
    `${counts.wrong} wrong, ${counts.warning} to look at, ${counts.unknown} unknown, ${counts.ok} ok.`,
  ].join('\n');
}
