import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { judge } from '../policies/judge.ts';
import { inLocalNames } from '../policies/local-names.ts';
import { doorOf } from '../runner/assembly.ts';
import { parseTemplate } from '../runner/template.ts';
import type { Account, Resource } from './account.ts';
import {
  type Actor,
  AT_FIRST,
  castOf,
  IN_PROGRESS_CHANGED,
  type Moment,
  scoreOf,
  unannounced,
} from './cast.ts';
import type { Commands } from './commands.ts';
import type { TestPortal } from './portal.ts';
import type { Caller, RecordedCall } from './recorded-calls.ts';
import { postAsHubSpot, postSignals, postUnsigned } from './signed.ts';
import { DifferenceError, type Steps } from './steps.ts';

const MODEL = path.join(import.meta.dirname, 'model.yaml');
/** A half-life of the model. */
const HALF_LIFE_MS = 30 * 24 * 3_600_000;
/** What a customer must not lose with the stack, by logical id: facts, and the key by which addresses are found among them. */
const STAYS = ['ContactTable', 'SecretsIdentityKey'];
/** Longest wait for HubSpot to show something. */
const SHOWN_WITHIN_MS = 180_000;
const LOOK_EVERY_MS = 1_000;

/** By the changed model, after the second login. */
const AFTER_CHANGE: Moment = { halfLives: 0, logins: 2, inProgressPoints: IN_PROGRESS_CHANGED };
/** What the nightly function answers. */
const Night = v.object({ nights: v.array(v.string()), due: v.number() });

/** What the explain function answers. */
const Answer = v.object({
  statusCode: v.literal(200),
  body: v.pipe(
    v.string(),
    v.parseJson(),
    v.object({ shown: v.object({ score: v.number() }), sumThousandths: v.number() }),
  ),
});

/** Where a rehearsal takes place. */
export interface Stage {
  readonly stack: string;
  readonly account: Account;
  readonly commands: Commands;
  readonly portal: TestPortal;
  readonly portalId: string;
  readonly secrets: {
    readonly accessToken: string;
    readonly clientSecret: string;
    readonly signalsSecret: string;
  };
  /** `aws://account/region` to bootstrap; undefined where somebody did that long ago. */
  readonly bootstrap: string | undefined;
  /** Settings of this stage, over those of the rehearsal. */
  readonly settings: Readonly<Record<string, string>>;
  /** Told of each deployment, before anything is asked of it. */
  readonly onDeployed: (apiUrl: string, resources: readonly Resource[]) => Promise<void>;
  /** Told before the stack is destroyed. */
  readonly onDestroy: (resources: readonly Resource[]) => Promise<void>;
  /** Moves the clock of the functions forward; undefined where time only passes by itself. */
  readonly passTime: ((ms: number) => void) | undefined;
  /** For files of this run. */
  readonly directory: string;
  /** What the functions asked of AWS; undefined where nobody writes it down. */
  readonly recordedCalls: ((callers: readonly Caller[]) => Promise<RecordedCall[]>) | undefined;
}

/** What one run needs from step to step. */
interface Run {
  readonly stage: Stage;
  readonly name: string;
  readonly cast: readonly Actor[];
  /** Record ids, in the order of the cast. */
  readonly ids: readonly string[];
}

/**
 * From nothing to a deployed stack that scores, through a changed model and a night, back to nothing but what has to stay.
 *
 * @param onStarted - told how to take away what is left in HubSpot, whatever comes of the rehearsal
 * @throws DifferenceError at the first thing that is otherwise than it has to be
 */
export async function rehearse(
  stage: Stage,
  steps: Steps,
  onStarted: (stop: () => unknown) => void,
): Promise<void> {
  const { bootstrap, commands, passTime, recordedCalls } = stage;
  if (bootstrap !== undefined)
    await steps.run('cdk bootstrap', async () => void (await commands.cdk('bootstrap', bootstrap)));
  await steps.run('cdk deploy', () => deploy(stage, MODEL));
  const name = String(Date.now());
  const cast = castOf(name);
  let run: Run = { stage, name, cast, ids: [] };
  await steps.run('contacts in the portal', async () => {
    const ids = await createContacts(stage, cast);
    run = { ...run, ids };
    onStarted(() => stage.portal.archive(run.ids));
    return String(ids.length);
  });
  await steps.run('afterglow setup', () => setUp(stage));
  await steps.run('afterglow doctor finds nothing wrong', () => askDoctor(stage));
  let bodies: Bodies = { events: [], signals: [], workflows: [] };
  await steps.run('signed webhooks, a workflow and signals become scores in HubSpot', async () => {
    bodies = bodiesOf(run, await changeStatuses(run));
    return happen(run, bodies);
  });
  await steps.run('the same requests once more change nothing', () => repeat(run, bodies));
  await steps.run(
    'the nightly function, as its schedule calls it, finds whom no webhook told of',
    async () => {
      const actor = unannounced(name);
      const created = await createContacts(stage, [actor]);
      run = { ...run, cast: [actor, ...run.cast], ids: [...created, ...run.ids] };
      return `${await night(stage, 0)}; ${await untilScored(run, AT_FIRST)}`;
    },
  );
  await steps.run('cdk deploy of a changed model', () => deploy(stage, changedModel(stage)));
  await steps.run('what happens now is scored by it', () => happenAgain(run));
  await steps.run('why a contact has its score is told, and not to strangers', () => explainOne(run));
  if (passTime !== undefined)
    await steps.run('a month on, the nightly run lets scores fade', () => fade(run, passTime));
  await steps.run('afterglow status, no dead letters', () => lookBack(stage));
  if (recordedCalls !== undefined)
    await steps.run('the functions asked of AWS what their policies allow', () =>
      judgeCalls(stage, recordedCalls),
    );
  await steps.run('afterglow uninstall takes the properties out of HubSpot', () => uninstall(run));
  await steps.run('cdk destroy removes all but what has to stay', () => destroy(stage));
}

function named({ stack }: Stage): string[] {
  return ['--stack', stack, '--json'];
}

/** Settings that say what the account and the portal can take: a rehearsal goes by those of `cdk.json`. */
export const INHERITED = [
  'ingestConcurrency',
  'hubspotLimitPer10Seconds',
  'hubspotReservePer10Seconds',
  'hubspotDailyLimit',
  'hubspotDailyReservePercent',
  'alarmDollarsPerDay',
];

/** All others are decided here: those of `cdk.json` may be of a stack that people work with, and name its table and its address. */
export function settingsOf(
  { stack, portalId, settings }: Pick<Stage, 'stack' | 'portalId' | 'settings'>,
  model: string,
): Record<string, string> {
  return {
    stackName: stack,
    portalId,
    model,
    existingTableName: '',
    publicUrl: '',
    ownAppIds: '',
    alarmEmail: '',
    workflowV2: 'false',
    nightlyHour: '2',
    decayEvery: 'night',
    reconcileDailyPercent: '2',
    'sessions.origins': '', // The model of the rehearsal keeps no visits.
    'sessions.ratePerSecond': '20',
    factRetentionDays: '400',
    'writeBack.windowSeconds': '5',
    'writeBack.urgent': 'false',
    'writeBack.idProperty': '',
    'writeBack.mostWritesPerHour': '20',
    ...settings,
  };
}

function assemblyOf({ directory }: Stage): string {
  return path.join(directory, 'cdk.out');
}

/** Where the HubSpot app of this run is built: not where that of the customer is. */
function appOf({ directory }: Stage): string {
  return path.join(directory, 'hubspot-app');
}

async function deploy(stage: Stage, model: string): Promise<string> {
  const { commands, account, stack, onDeployed } = stage;
  await commands.cdk(
    'deploy',
    '--require-approval',
    'never',
    '--output',
    assemblyOf(stage),
    ...Object.entries(settingsOf(stage, model)).flatMap(([name, value]) => [
      '-c',
      `afterglow.${name}=${value}`,
    ]),
  );
  const resources = await stackResources(stage);
  await onDeployed(new URL(await account.output(stack, 'ExplainUrl')).origin, resources);
  return `${resources.length} resources`;
}

async function stackResources({ account, stack }: Stage): Promise<Resource[]> {
  return account.resources((await account.stackId(stack)) ?? stack);
}

/** The model with other points for one signal. */
function changedModel({ directory }: Stage): string {
  const text = readFileSync(MODEL, 'utf8');
  const changed = text.replace('points: 40', `points: ${IN_PROGRESS_CHANGED}`);
  if (changed === text) throw new Error(`${MODEL} has no signal of 40 points any more`);
  const file = path.join(directory, 'changed-model.yaml');
  writeFileSync(file, changed);
  return file;
}

async function createContacts({ portal }: Stage, cast: readonly Actor[]): Promise<string[]> {
  const created = await portal.create(cast.map(({ email, jobtitle }) => ({ email, jobtitle })));
  return cast.map(({ email }) => created.get(email) ?? '');
}

async function setUp(stage: Stage): Promise<undefined> {
  const { accessToken, clientSecret, signalsSecret } = stage.secrets;
  const input = JSON.stringify({ accessToken, clientSecret, signalsSecret });
  const args = ['setup', ...named(stage), '--model', MODEL, '--out', appOf(stage), '--yes'];
  await stage.commands.afterglow(args, input);
}

async function askDoctor(stage: Stage): Promise<undefined> {
  await stage.commands.afterglow(['doctor', ...named(stage), '--model', MODEL, '--app', appOf(stage)]);
}

/** What is posted: kept, so that the very same can be posted again. */
interface Bodies {
  readonly events: readonly object[];
  readonly signals: readonly object[];
  readonly workflows: readonly object[];
}

/** Sales begins to talk to some. @returns when HubSpot says that it did, by record id */
async function changeStatuses({ stage, cast, ids }: Run): Promise<Map<string, number>> {
  const changed = ids.filter((_id, at) => cast[at]?.isInProgress);
  for (const id of changed) await stage.portal.change(id, { hs_lead_status: 'IN_PROGRESS' });
  return stage.portal.changeTimes(changed, 'hs_lead_status');
}

/** @param changedAtMs - of their statuses, as HubSpot's history has it: a night reads there of the same changes */
function bodiesOf({ stage, name, cast, ids }: Run, changedAtMs: ReadonlyMap<string, number>): Bodies {
  const occurredAt = Date.now();
  const about = (at: number, from: number) => ({
    eventId: Number(name) + from + at,
    subscriptionId: 1,
    portalId: Number(stage.portalId),
    appId: 1,
    occurredAt,
    attemptNumber: 0,
    objectId: Number(ids[at]),
    changeSource: 'CRM_UI',
  });
  const of = (takesPart: (actor: Actor) => boolean, body: (at: number) => object): object[] =>
    cast.flatMap((actor, at) => (takesPart(actor) ? [body(at)] : []));
  return {
    events: [
      ...of(
        () => true,
        (at) => ({ ...about(at, 0), subscriptionType: 'contact.creation', changeFlag: 'CREATED' }),
      ),
      ...of(
        ({ isInProgress }) => isInProgress,
        (at) => ({
          ...about(at, 1_000),
          occurredAt: changedAtMs.get(ids[at] ?? ''),
          subscriptionType: 'contact.propertyChange',
          propertyName: 'hs_lead_status',
          propertyValue: 'IN_PROGRESS',
        }),
      ),
    ],
    signals: of(
      ({ logsIn }) => logsIn,
      (at) => ({ signal: 'product.login', occurredAt, contactId: ids[at] }),
    ),
    workflows: of(
      ({ attends }) => attends,
      (at) => ({ workflowId: '1', contactId: ids[at], signal: 'event.attended', time: occurredAt }),
    ),
  };
}

async function happen(run: Run, bodies: Bodies): Promise<string> {
  const { stage } = run;
  const unsigned = await postUnsigned(await stage.account.output(stage.stack, 'HubSpotWebhookUrl'));
  if (unsigned !== 401)
    throw new DifferenceError(`a request without a signature was answered with ${unsigned}, expected 401`);
  await postAll(run, bodies);
  return untilScored(run, AT_FIRST);
}

async function postAll({ stage, name }: Run, { events, signals, workflows }: Bodies): Promise<void> {
  const { account, stack, secrets } = stage;
  const workflowUrl = await account.output(stack, 'WorkflowWebhookUrl');
  await postAsHubSpot(await account.output(stack, 'HubSpotWebhookUrl'), events, secrets);
  await postSignals(await account.output(stack, 'SignalsUrl'), `rehearsal-${name}`, signals, secrets);
  for (const workflow of workflows) await postAsHubSpot(workflowUrl, workflow, secrets);
}

async function repeat(run: Run, bodies: Bodies): Promise<string> {
  await postAll(run, bodies);
  await untilQuiet(run.stage);
  return untilScored(run, AT_FIRST);
}

/** All log in once more: whoever is scored now is scored by the changed model, everybody else stays as they were. */
async function happenAgain(run: Run): Promise<string> {
  const { stage, name, cast, ids } = run;
  const signals = cast.flatMap(({ logsIn }, at) =>
    logsIn ? [{ signal: 'product.login', occurredAt: Date.now(), contactId: ids[at] }] : [],
  );
  const url = await stage.account.output(stage.stack, 'SignalsUrl');
  await postSignals(url, `rehearsal-${name}-again`, signals, stage.secrets);
  return untilShown(
    run,
    cast.map((actor) => scoreOf(actor, actor.logsIn ? AFTER_CHANGE : AT_FIRST)),
  );
}

/** The function is asked as the gateway asks it; the gateway itself must let nobody through whom IAM does not. */
async function explainOne({ stage, cast, ids }: Run): Promise<string> {
  const { account, stack } = stage;
  const [actor, id] = [cast.at(-1), ids.at(-1)]; // Who is and does everything.
  if (actor === undefined || id === undefined) throw new Error('nobody takes part');
  const { origin } = new URL(await account.output(stack, 'HubSpotWebhookUrl'));
  const { status } = await fetch(`${origin}/contacts/${id}/score`);
  if (status !== 403)
    throw new DifferenceError(`a stranger who asks why is answered with ${status}, expected 403`);
  const template = parseTemplate(JSON.parse(readTemplate(stage)));
  const explain = (await stackResources(stage)).find(({ logicalId, type }) => {
    const resource = template.Resources[logicalId];
    return (
      type === 'AWS::Lambda::Function' && resource !== undefined && doorOf(logicalId, resource) === 'explain'
    );
  });
  const event = { pathParameters: { id }, headers: {} };
  const { body } = v.parse(Answer, await account.invoke(explain?.physicalId ?? '', JSON.stringify(event)));
  const expected = scoreOf(actor, AFTER_CHANGE);
  if (body.shown.score !== expected || body.sumThousandths !== expected * 1_000)
    throw new DifferenceError(`explain says ${JSON.stringify(body)}, expected ${expected} points`);
  return `${expected} points, and lines that sum to them`;
}

async function fade(run: Run, passTime: (ms: number) => void): Promise<string> {
  await untilQuiet(run.stage);
  passTime(HALF_LIFE_MS);
  const due = await night(
    run.stage,
    run.cast.filter(({ isInProgress, logsIn }) => isInProgress || logsIn).length,
  );
  return `${due}; ${await untilScored(run, { ...AFTER_CHANGE, halfLives: 1 })}`;
}

/** Lets a night be gone through to its end. @param least - contacts that fall due at least */
async function night(stage: Stage, least: number): Promise<string> {
  const schedule = (await stackResources(stage)).find(({ type }) => type === 'AWS::Scheduler::Schedule');
  if (schedule === undefined) throw new DifferenceError('the stack has no schedule');
  const { nights, due } = v.parse(Night, await stage.account.runSchedule(schedule.physicalId));
  if (due < least || nights.length === 0)
    throw new DifferenceError(
      `nightly looked at ${nights.length} nights and found ${due} contacts due, expected at least ${least}`,
    );
  await untilQuiet(stage); // It goes on page by page, by messages to itself.
  return `${nights.length} nights, ${due} due`;
}

async function lookBack(stage: Stage): Promise<undefined> {
  await stage.commands.afterglow(['status', ...named(stage)]);
  const { deadLetters } = await stage.account.messages(await stackResources(stage));
  if (deadLetters > 0)
    throw new DifferenceError(`${deadLetters} dead letters; see \`afterglow dead-letters\``);
}

/** Waits until HubSpot shows everybody's score of a moment. @throws DifferenceError naming who shows another one */
function untilScored(run: Run, moment: Moment): Promise<string> {
  return untilShown(
    run,
    run.cast.map((actor) => scoreOf(actor, moment)),
  );
}

/** Waits until HubSpot shows these scores, in the order of the cast. @throws DifferenceError naming who shows another one */
async function untilShown({ stage, cast, ids }: Run, expected: readonly number[]): Promise<string> {
  const deadlineMs = Date.now() + SHOWN_WITHIN_MS;
  let differences: string[] = [];
  do {
    const shown = await stage.portal.outputs(ids);
    differences = cast.flatMap(({ email }, at) => {
      const score = shown.get(ids[at] ?? '')?.['afterglow_score'] ?? null;
      return score === String(expected[at]) ? [] : [`${email} shows ${score}, expected ${expected[at]}`];
    });
    if (differences.length === 0) return `${cast.length} scores as worked out by hand`;
    await sleep(LOOK_EVERY_MS);
  } while (Date.now() < deadlineMs);
  throw new DifferenceError(
    `HubSpot does not show it after ${SHOWN_WITHIN_MS / 1_000} s:\n${differences.join('\n')}`,
  );
}

/** Waits until no message is waiting or being dealt with, twice in a row: SQS counts only about right. */
async function untilQuiet(stage: Stage): Promise<void> {
  const resources = await stackResources(stage);
  const deadlineMs = Date.now() + SHOWN_WITHIN_MS;
  let quiet = 0;
  while (quiet < 2) {
    if (Date.now() > deadlineMs) throw new DifferenceError('the queues do not become empty');
    await sleep(LOOK_EVERY_MS);
    const { waiting } = await stage.account.messages(resources);
    quiet = waiting === 0 ? quiet + 1 : 0;
  }
}

function readTemplate(stage: Stage): string {
  const assembly = assemblyOf(stage);
  const file = readdirSync(assembly).find((name) => name.endsWith('.template.json')) ?? '';
  return readFileSync(path.join(assembly, file), 'utf8');
}

/** The emulator decides by policies too; this is the judgement by which the local run is held. */
async function judgeCalls(
  stage: Stage,
  recordedCalls: (callers: readonly Caller[]) => Promise<RecordedCall[]>,
): Promise<string> {
  const { account } = stage;
  const template = parseTemplate(JSON.parse(readTemplate(stage)));
  const callers: Caller[] = [];
  const physicalIds = new Map<string, string>();
  for (const { type, logicalId, physicalId } of await stackResources(stage)) {
    const described = template.Resources[logicalId];
    if (type === 'AWS::Lambda::Function' && described !== undefined)
      callers.push({ door: doorOf(logicalId, described), ...(await account.callerOf(physicalId)) });
    const isSecret = type === 'AWS::SecretsManager::Secret'; // Some emulators call it by its name.
    physicalIds.set(logicalId, isSecret ? await account.secretArn(physicalId) : physicalId);
  }
  const calls = await recordedCalls(callers);
  const silent = callers.filter(({ door }) => !calls.some((call) => call.door === door));
  if (silent.length > 0)
    throw new DifferenceError(`no call was recorded of ${silent.map(({ door }) => door).join(', ')}`);
  const refused = judge(template, inLocalNames(template, calls, physicalIds)).filter(
    ({ kind }) => kind !== 'unused', // A rehearsal is too short a story for all that they may.
  );
  if (refused.length > 0)
    throw new DifferenceError(
      `not allowed by the template:\n${refused.map(({ role, action, resource }) => `${role}: ${action} on ${resource}`).join('\n')}`,
    );
  return `${calls.length} kinds of call`;
}

async function uninstall({ stage, ids }: Run): Promise<undefined> {
  await stage.commands.afterglow(['uninstall', ...named(stage), '--yes']);
  const shown = await stage.portal.outputs(ids);
  const left = [...shown.values()].filter(({ afterglow_score: score }) => (score ?? null) !== null);
  if (left.length > 0) throw new DifferenceError(`${left.length} contacts still show a score`);
}

function stays({ logicalId }: Resource): boolean {
  return STAYS.some((name) => logicalId.startsWith(name));
}

async function destroy(stage: Stage): Promise<string> {
  const { account, stack, commands } = stage;
  const stackId = (await account.stackId(stack)) ?? stack;
  const before = await account.resources(stackId);
  await stage.onDestroy(before);
  await commands.cdk('destroy', '--force', '--app', assemblyOf(stage));
  if ((await account.stackId(stack)) !== undefined)
    throw new DifferenceError(`the stack ${stack} is still there`);
  let asked = 0;
  for (const resource of before) {
    const isThere = await account.isThere(resource);
    if (isThere === undefined) continue;
    asked += 1;
    if (isThere !== stays(resource))
      throw new DifferenceError(
        `${resource.type} ${resource.physicalId} is ${isThere ? 'still there' : 'gone'}, expected the opposite`,
      );
  }
  const table = before.find(({ type }) => type === 'AWS::DynamoDB::Table');
  if (table === undefined || !(await account.hasRows(table.physicalId)))
    throw new DifferenceError('the table stayed, but not what it held');
  const kept = before.filter(stays).map(({ logicalId }) => logicalId);
  return `${asked} asked about; kept, with what it holds: ${kept.join(', ')}`;
}
