#!/usr/bin/env node
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { Argument, Command, Option } from 'commander';
import { reportJson } from '../lambdas/attribution/report-json.ts';
import { RetryableError } from '../lambdas/errors.ts';
import { subscriptionsOf } from '../lambdas/events/subscriptions.ts';
import { HubSpotError } from '../lambdas/hubspot/answer.ts';
import { BudgetExhaustedError, PortalStoppedError } from '../lambdas/hubspot/budget.ts';
import { provisionedProperties } from '../lambdas/hubspot/outputs.ts';
import {
  PropertyMismatchError,
  type Provisioned,
  provisionProperties,
} from '../lambdas/hubspot/properties.ts';
import type { RunKind } from '../lambdas/nightly/run.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { dealAsJson, explainDeal, formatDeal } from './attribution-explain.ts';
import { creditPaths, formatPaths, pathsAsJson } from './attribution-paths.ts';
import {
  formatOf,
  REPORT_FORMATS,
  type ReportCommand,
  type ReportFormat,
  readReport,
  rendered,
  writeReport,
} from './attribution-report.ts';
import {
  formatList,
  formatRetry,
  listDeadLetters,
  type RetryOptions,
  retryDeadLetters,
} from './dead-letters.ts';
import { diagnose, exitCodeOf, formatDiagnosis } from './doctor.ts';
import { explain, printed, writePicture } from './explain.ts';
import { EXPORTED, type ExportOptions, exportTable, FORMATS, type Format } from './export.ts';
import { APP_DIRECTORY, buildHubSpotApp, formatBuilt } from './hubspot-app.ts';
import { formatImport, importFacts } from './import.ts';
import { cloudWatchMetrics, logMetrics } from './metrics.ts';
import { checkAsJson, checkModelFile, formatCheck } from './model-check.ts';
import { InvalidModelError, readModelFile } from './model-file.ts';
import { askOn, type InitOptions, initModel, isAnswered, nextSteps } from './model-init.ts';
import { formatPortal, portalReport } from './portal.ts';
import { progressOn } from './progress.ts';
import { finishRotation, formatRotation, QUESTIONS, ROTATED, type Rotated, rotate } from './rotate.ts';
import { commandRun, exitCodeOfRun, formatRunDone } from './run-command.ts';
import { formatNightReport, readNightReport } from './run-report.ts';
import { RUN_PATIENCE } from './runs.ts';
import { askYes, takeSecrets } from './secret-input.ts';
import { sendEvents } from './send.ts';
import { formatLeft, PATIENCE, setUp } from './setup.ts';
import { buildSnippet, formatSnippetAdvice } from './snippet.ts';
import { formatStatus, readStatus } from './status.ts';
import {
  findInstallation,
  findTarget,
  type Installation,
  LOCAL_DIRECTORY,
  modelOfSettings,
  readLocalModel,
  type Target,
  UsageError,
} from './target.ts';
import {
  formatRemoval,
  formatSurvey,
  isAgreed,
  isAllSeen,
  isClean,
  isComplete,
  remove,
  survey,
} from './uninstall.ts';

interface CommonOptions {
  readonly stack?: string;
  readonly json?: true;
  readonly model?: string;
}

const program = new Command('afterglow')
  .description('Lead scoring for HubSpot. Speaks to the local system unless --stack names one in AWS.')
  .showHelpAfterError()
  .enablePositionalOptions() // What stands after a command is its own.
  .configureHelp({ showGlobalOptions: true });

function command(name: string, description: string, parent = program): Command {
  return parent
    .command(name)
    .description(description)
    .option(
      '--stack <name>',
      'an Afterglow stack in AWS, reached with the usual credentials; default: the local system',
    )
    .option('--json', 'one JSON object on standard output');
}

command(
  'provision',
  "create Afterglow's property group and properties in HubSpot, and say what the app is to subscribe to; running it again changes nothing",
)
  .option('--model <file>', 'scoring model whose grades and statuses the properties offer')
  .action(async ({ stack, json, model: file }: CommonOptions) => {
    const target = await findTarget(stack);
    const model = readModelFile(file ?? readLocalModel(stack));
    const done: Provisioned[] = [];
    await provisionProperties(target.hubspotUrl, target.send, provisionedProperties(model), (one) => {
      done.push(one);
      if (!json) console.log(`${one.type} ${one.name}: ${one.did}`);
    });
    const subscriptions = subscriptionsOf(model);
    console.log(
      json
        ? JSON.stringify({ properties: done, subscriptions })
        : ['\nSubscribe the app to:', ...subscriptions].join('\n  '),
    );
  });

command('send', 'sign webhook events as HubSpot does and post them')
  .argument('<file>', 'JSON file with an array of events, - for standard input')
  .action(async (file: string, { stack, json }: CommonOptions) => {
    const answer = await sendEvents(await findTarget(stack), file);
    console.log(json ? JSON.stringify(answer) : `${answer.status} ${answer.body}`);
    if (answer.status >= 300) process.exitCode = 1;
  });

interface ExplainOptions extends CommonOptions {
  readonly svg?: string;
  readonly days?: string;
}

command('explain', 'why a contact has its score: every term, what becomes of it, what would lift it')
  .argument('<contact>', 'HubSpot record id of the contact')
  .option('--model <file>', 'scoring model; default: that of the local system, or of cdk.json')
  .option('--svg <file>', 'also write the graph of the coming days as a picture')
  .option('--days <number>', 'how far the graph looks ahead; default: 60')
  .action(async (contact: string, { stack, json, model, svg, days }: ExplainOptions) => {
    const target = await findTarget(stack);
    const explanation = await explain(target, readModelFile(model ?? readLocalModel(stack)), contact, days);
    if (svg !== undefined) writePicture(svg, explanation);
    console.log(printed(explanation, json === true));
  });

interface PortalOptions extends CommonOptions {
  readonly refresh?: true;
}

command(
  'portal',
  'what Afterglow knows of the portal: limits, whether it is stopped, properties that cannot be written, pipelines',
)
  .option(
    '--model <file>',
    'scoring model whose properties are meant; default: that of the local system, or of cdk.json',
  )
  .option('--refresh', 'ask HubSpot anew, instead of what it told within the last day')
  .action(async ({ stack, json, model, refresh }: PortalOptions) => {
    const target = await findTarget(stack);
    const report = await portalReport(
      target,
      readModelFile(model ?? readLocalModel(stack)),
      refresh === true,
    );
    console.log(json ? JSON.stringify(report) : formatPortal(report, target.clock()));
  });

interface DoctorCommandOptions extends CommonOptions {
  readonly app?: string;
}

command(
  'doctor',
  'looks at everything from the token to last night, and says what is wrong and the one thing to do; writes nothing to HubSpot; ends with 1 when something is wrong, with 2 when HubSpot or the endpoint could not be looked at',
)
  .option(
    '--model <file>',
    'scoring model that is meant to run; default: that of the local system, or of cdk.json',
  )
  .option('--app <directory>', 'where the HubSpot app was built; default: hubspot-app')
  .action(async ({ stack, json, model, app }: DoctorCommandOptions) => {
    const target = await findTarget(stack);
    const diagnosis = await diagnose(target, readModelFile(model ?? readLocalModel(stack)), {
      stack,
      appDirectory: app,
    });
    console.log(json ? JSON.stringify(diagnosis) : formatDiagnosis(diagnosis));
    process.exitCode = exitCodeOf(diagnosis);
  });

command(
  'status',
  'how fresh scores are, what waits, how much of the budget is used, and what last night did',
).action(async ({ stack, json }: CommonOptions) => {
  const metrics =
    stack === undefined
      ? logMetrics(join(LOCAL_DIRECTORY, 'logs'))
      : cloudWatchMetrics(new CloudWatchClient({}), stack);
  const status = await readStatus(await findTarget(stack), metrics);
  console.log(json ? JSON.stringify(status) : formatStatus(status));
});

interface UninstallOptions extends CommonOptions {
  readonly yes?: true;
}

command(
  'uninstall',
  "list what uses Afterglow's properties, then archive them and their groups in HubSpot; says what stays and what is to be removed by hand",
)
  .option('--yes', 'ask nothing: what cannot be looked at was looked at by hand')
  .action(async ({ stack, json, yes }: UninstallOptions) => {
    const target = await findTarget(stack);
    const found = await survey(target);
    if (!json) console.log(formatSurvey(found));
    const isWanted = !isClean(found) && (yes === true || (await isAgreed(found, json === undefined, ASKING)));
    const removal = isWanted ? await remove(target, found) : undefined;
    if (json) console.log(JSON.stringify({ survey: found, removal: removal ?? null }));
    else if (removal !== undefined) console.log(`\n${formatRemoval(removal, stack)}`);
    const isLeft = removal === undefined ? !isClean(found) : !isComplete(removal);
    if (isLeft || !isAllSeen(found)) process.exitCode = 1;
  });

interface RunCommandOptions extends CommonOptions {
  readonly now?: true;
  readonly report?: true;
  readonly yes?: true;
  /** False for --no-wait. */
  readonly wait: boolean;
}

command(
  'nightly',
  'what the last run did, and how far the one under way is; ends with 1 when a run stands still, or no night was finished within 31 hours',
)
  .option('--report', 'say so, and begin nothing; the default')
  .option('--now', 'begin a night now: what is due fades, and HubSpot is made to agree with the table')
  .option('--no-wait', 'with --now: do not wait for its end')
  .action(async ({ stack, json, now, report, wait }: RunCommandOptions) => {
    if (now && report)
      throw new UsageError('--now begins a night, --report begins nothing: give one of them');
    const target = await findTarget(stack);
    if (now) return runFollowed(target, 'nightly', undefined, { json, wait });
    const night = await readNightReport(target);
    console.log(json ? JSON.stringify(night) : formatNightReport(night));
    if (night.isLate || night.isStandingStill) process.exitCode = 1;
    return undefined;
  });

const RUN_COMMANDS = [
  [
    'backfill',
    'score a portal from nothing: reads all of its contacts with their histories; says first what that takes, and asks; joins one that is under way',
  ],
  [
    'rescore',
    'score all contacts anew after a change of the model, without reading HubSpot; says first what that takes, and asks; joins one that is under way',
  ],
] as const;

for (const [kind, description] of RUN_COMMANDS)
  command(kind, description)
    .option('--model <file>', 'scoring model that runs; default: that of the local system, or of cdk.json')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'do not wait for its end')
    .action(async ({ stack, model, ...options }: RunCommandOptions) => {
      const target = await findTarget(stack);
      await runFollowed(target, kind, readModelFile(model ?? readLocalModel(stack)), options);
    });

/** Ctrl-C is told from now on instead of ending the process; a second one ends it. */
function leaving(): AbortSignal {
  const left = new AbortController();
  process.once('SIGINT', () => left.abort());
  return left.signal;
}

/** Runs one, with its progress on standard error. Whoever leaves (Ctrl-C) leaves it running. */
async function runFollowed(
  target: Target,
  kind: RunKind,
  model: Model | undefined,
  { json, yes, wait }: Pick<RunCommandOptions, 'json' | 'yes' | 'wait'>,
): Promise<void> {
  const progress = progressOn(process.stderr);
  const done = await commandRun(target, kind, model, {
    isFollowed: wait,
    agree: async (question) => {
      if (yes) return true;
      if (process.stdin.isTTY) return askYes(question, ASKING);
      throw new UsageError('there is no terminal to ask on, and nothing was begun: give --yes to agree');
    },
    say: json ? (text) => progress.say(text) : console.log,
    progress,
    patience: {
      ...RUN_PATIENCE,
      pause: (ms, signal) => pause(ms, undefined, { signal }).catch(() => undefined),
    },
    leaving,
  }).finally(() => progress.end());
  console.log(json ? JSON.stringify(done) : formatRunDone(done));
  process.exitCode = exitCodeOfRun(done);
}

interface ExportCommandOptions extends CommonOptions {
  readonly what: ExportOptions['what'];
  readonly format: Format;
  readonly out?: string;
}

command('export', 'write facts and scores, as docs/data.md describes them; of erased contacts nothing')
  .addOption(new Option('--what <kind>', 'what to write').choices(EXPORTED).default('all'))
  .addOption(
    new Option('--format <format>', 'JSON lines, or CSV of one kind').choices(FORMATS).default('jsonl'),
  )
  .option('--out <file>', 'where to write; default: standard output')
  .action(async ({ stack, json, ...options }: ExportCommandOptions) => {
    if (json && options.out === undefined)
      throw new UsageError('--json tells of a file that was written: give it with --out');
    const { store } = await findTarget(stack);
    const progress = progressOn(process.stderr);
    const exported = await exportTable(store, options, process.stdout, progress).finally(() =>
      progress.end(),
    );
    if (json) console.log(JSON.stringify(exported));
  });

interface ImportCommandOptions extends CommonOptions {
  readonly format?: Format;
  readonly skipInvalid?: true;
  readonly dryRun?: true;
}

command(
  'import',
  'bring in facts, exported ones or your own history, as docs/data.md describes them, and have their contacts scored; running it again changes nothing',
)
  .argument('<file>', 'JSON lines or CSV, - for standard input')
  .addOption(
    new Option('--format <format>', 'default: by the name of the file, .csv or JSON lines').choices(FORMATS),
  )
  .option('--skip-invalid', 'bring in the others where lines are wrong; without it nothing is')
  .option('--dry-run', 'look at every line, and keep nothing')
  .action(async (file: string, { stack, json, ...options }: ImportCommandOptions) => {
    const progress = progressOn(process.stderr);
    const target = await findTarget(stack);
    const imported = await importFacts(
      target,
      { file, ...options, leaving },
      process.stdin,
      progress,
    ).finally(() => progress.end());
    console.log(json ? JSON.stringify(imported) : formatImport(imported));
    if (imported.isLeft) process.exitCode = 130;
  });

const attribution = program
  .command('attribution')
  .description(
    'what visits by way of AI assistants, and all others, brought: deals, revenue and pipeline by source',
  );

interface ReportCommandOptions extends CommonOptions, ReportCommand {
  readonly model?: string;
  readonly scoringModel?: string;
  readonly format?: ReportFormat;
  readonly out?: string;
}

const SCORING_MODEL = [
  '--scoring-model <file>',
  'scoring model by which deals are credited; default: that of the local system, or of cdk.json',
] as const;

command(
  'report',
  'revenue and pipeline of a period by source and by AI assistant, with the deals behind each figure, as docs/attribution.md describes it',
  attribution,
)
  .requiredOption('--from <day>', 'first day of the period, such as 2026-10-01')
  .requiredOption('--to <day>', 'its last day, such as 2026-10-31')
  .option(
    '--model <name>',
    'how deals are credited, such as linear; default: the first that the scoring model names',
  )
  .option(...SCORING_MODEL)
  .addOption(
    new Option('--format <format>', 'default: by the name of the file, .csv or .html, or text').choices(
      REPORT_FORMATS,
    ),
  )
  .option('--out <file>', 'where to write; default: standard output')
  .addHelpText(
    'after',
    `
Examples:
  afterglow attribution report --from 2026-10-01 --to 2026-10-31
  afterglow attribution report --from 2026-07-01 --to 2026-09-30 --model uShaped --out q3.html
  afterglow attribution report --from 2026-10-01 --to 2026-10-31 --out october.csv --stack Afterglow`,
  )
  .action(async ({ stack, json, scoringModel, format, out, ...period }: ReportCommandOptions) => {
    const model = readModelFile(scoringModel ?? readLocalModel(stack));
    const progress = progressOn(process.stderr);
    const report = await readReport(await findTarget(stack), model, period, progress).finally(() =>
      progress.end(),
    );
    const text = rendered(report, formatOf(format, out));
    if (out !== undefined) writeReport(out, text);
    if (json) console.log(JSON.stringify(reportJson(report)));
    else if (out === undefined) process.stdout.write(text);
    else progress.say(`Wrote ${out}.`);
  });

command(
  'explain',
  'why a deal is credited as it is: the visits of its contacts, what each source got under every model, and how that changed',
  attribution,
)
  .argument('<deal>', 'HubSpot record id of the deal')
  .option(...SCORING_MODEL)
  .addHelpText(
    'after',
    `
Examples:
  afterglow attribution explain 9604021133
  afterglow attribution explain 9604021133 --json --stack Afterglow`,
  )
  .action(
    async (
      deal: string,
      { stack, json, scoringModel }: CommonOptions & { readonly scoringModel?: string },
    ) => {
      const model = readModelFile(scoringModel ?? readLocalModel(stack));
      const explanation = await explainDeal(await findTarget(stack), model, deal);
      console.log(json ? dealAsJson(explanation) : formatDeal(explanation));
    },
  );

attribution
  .command('paths')
  .description(
    'credit aggregated paths from a file under every model that needs no times; needs no running system',
  )
  .argument(
    '<file>',
    'CSV with the columns path (touches joined by " > "), total_conversions and total_null; - for standard input',
  )
  .option('--json', 'one JSON object on standard output: by channel the credit under each model, unrounded')
  .addHelpText(
    'after',
    `
Examples:
  afterglow attribution paths paths.csv
  afterglow attribution paths paths.csv --json`,
  )
  .action(async (file: string, { json }: CommonOptions) => {
    const progress = progressOn(process.stderr);
    const credited = await creditPaths(file, process.stdin, progress).finally(() => progress.end());
    console.log(json ? pathsAsJson(credited) : formatPaths(credited));
  });

interface DeadLettersOptions extends CommonOptions, RetryOptions {}

const LIMIT = [
  '--limit <number>',
  'most letters looked at in each queue, up to 10000; default: 1000',
] as const;

const deadLetters = command(
  'dead-letters',
  'what could not be dealt with, by queue and reason; looking at it removes nothing',
)
  .enablePositionalOptions() // And so after `retry`, which has some of the same names.
  .option(...LIMIT)
  .action(async ({ stack, json, limit }: DeadLettersOptions) => {
    const list = await listDeadLetters(await findTarget(stack), { ...(limit !== undefined && { limit }) });
    console.log(json ? JSON.stringify(list) : formatList(list));
  });

command('retry', 'send dead letters back, to be tried again as if for the first time', deadLetters)
  .option('--reason <text>', 'only those whose reason contains this text')
  .option('--queue <name>', 'only those of this queue, such as Changes')
  .option(...LIMIT)
  .option('--dry-run', 'say how many it would be, and send nothing')
  .action(async ({ stack, json, ...options }: DeadLettersOptions) => {
    const done = await retryDeadLetters(await findTarget(stack), options);
    console.log(json ? JSON.stringify(done) : formatRetry(done));
    if (done.failed > 0) process.exitCode = 1;
  });

/** The stack that is to be installed. @throws UsageError when none is named: the local system needs nothing of the kind */
async function installationOf(stack: string | undefined): Promise<Installation> {
  if (stack === undefined)
    throw new UsageError('name the stack with --stack: the local system made its own secrets and properties');
  return findInstallation(stack);
}

/** Questions stand on standard error: standard output is for what comes of it. */
const ASKING = { input: process.stdin, output: process.stderr };

/** For commands that ask for secrets: what was typed wrongly may be one, which must not stand in the log of a script. */
const QUOTING_NOTHING = {
  outputError: (_said: string, write: (text: string) => void) =>
    write(
      'error: an argument or option is not understood, and not repeated here in case it is a secret: secrets are asked for, or taken from standard input\n',
    ),
};

interface SetupCommandOptions extends CommonOptions {
  readonly out?: string;
  readonly wait?: string;
  readonly yes?: true;
}

command(
  'setup',
  'set up a deployed stack: check and store the token and the client secret, make the properties, build the HubSpot app, and have one contact scored; asks for the secrets, or takes {"accessToken", "clientSecret"} as JSON from standard input; may be run again',
)
  .configureOutput(QUOTING_NOTHING)
  .option('--model <file>', 'scoring model that is deployed; default: that of cdk.json')
  .option('--out <directory>', 'where to write the HubSpot app; default: hubspot-app')
  .option('--wait <seconds>', `longest wait for the score; default: ${PATIENCE.scoreWithinMs / 1000}`)
  .option('--yes', 'do not ask whether it is the right portal')
  .action(async ({ stack, json, model: file, out, wait, yes }: SetupCommandOptions) => {
    const installation = await installationOf(stack);
    const model = readModelFile(file ?? readLocalModel(stack));
    const scoreWithinMs = wait === undefined ? PATIENCE.scoreWithinMs : secondsOf('--wait', wait) * 1000;
    const given = await takeSecrets(
      [
        { name: 'accessToken', title: 'Access token of the HubSpot app (empty: the one that is stored)' },
        { name: 'clientSecret', title: 'Client secret of the HubSpot app (empty: the one that is stored)' },
        ...(process.stdin.isTTY ? [] : [{ name: 'signalsSecret', title: '' } as const]),
      ],
      ASKING,
    );
    const report = await setUp(installation, {
      model,
      given,
      appDirectory: out ?? APP_DIRECTORY,
      say: json ? () => undefined : console.log,
      confirm: async ({ portalId, accountType }) =>
        yes === true || !process.stdin.isTTY || askYes(`Set up portal ${portalId} (${accountType})?`, ASKING),
      patience: { ...PATIENCE, scoreWithinMs },
    });
    console.log(json ? JSON.stringify(report) : formatLeft(report));
  });

function secondsOf(option: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text))
    throw new UsageError(`${option}: expected a whole number of seconds, found "${text}"`);
  return Number(text);
}

interface RotateOptions extends CommonOptions {
  readonly finish?: true;
}

command(
  'rotate',
  'replace a secret without losing an event: the one before stays valid until --finish; asks for the new one, or takes it as JSON from standard input',
)
  .configureOutput(QUOTING_NOTHING)
  .addArgument(new Argument('<which>', 'which one').choices(ROTATED))
  .option('--finish', 'remove the secret from before')
  .option('--model <file>', 'scoring model whose scopes a new token must have; default: that of cdk.json')
  .action(async (rotated: Rotated, { stack, json, finish, model }: RotateOptions) => {
    const installation = await installationOf(stack);
    const report = finish
      ? await finishRotation(installation, rotated)
      : await rotate(installation, rotated, {
          given: await takeSecrets([QUESTIONS[rotated]], ASKING),
          model: () => readModelFile(model ?? readLocalModel(stack)),
          say: json ? () => undefined : console.log,
        });
    console.log(json ? JSON.stringify(report) : formatRotation(report));
  });

interface BuildCommandOptions extends CommonOptions {
  readonly url?: string;
  readonly out?: string;
  readonly check?: true;
}

const hubSpotApp = program
  .command('hubspot-app')
  .description('the app in HubSpot that sends webhooks and holds the token; needs no running system');

hubSpotApp
  .command('build')
  .description(
    'write the project files of the app that a model needs: its scopes and webhook subscriptions; running it again changes nothing',
  )
  .option('--model <file>', 'scoring model; default: that of cdk.json')
  .option('--stack <name>', 'the deployed stack whose address HubSpot is to post to')
  .option('--url <url>', 'the address itself; default: the one that the app has')
  .option('--out <directory>', 'where to write; default: hubspot-app')
  .option('--check', 'write nothing; say what differs, and end with 1 if anything does')
  .option('--json', 'one JSON object on standard output')
  .action(async ({ model, stack, url, out, check, json }: BuildCommandOptions) => {
    const ingestUrl = stack === undefined ? undefined : (await findTarget(stack)).ingestUrl;
    const built = buildHubSpotApp(readModelFile(model ?? modelOfSettings()), {
      url: url ?? ingestUrl,
      directory: out ?? APP_DIRECTORY,
      isCheck: check === true,
    });
    console.log(json ? JSON.stringify(built) : formatBuilt(built));
    if (built.files.some(({ did }) => did === 'differs')) process.exitCode = 1;
  });

interface SnippetCommandOptions extends CommonOptions {
  readonly endpoint?: string;
  readonly hubspotBanner?: true;
  readonly doNotTrack?: true;
}

command('snippet', 'the tag by which pages tell by which source somebody came, on standard output')
  .option('--endpoint <url>', 'where pages post to, instead of the address of the stack')
  .option(
    '--hubspot-banner',
    "HubSpot's cookie banner speaks for the visitor, beside afterglow.consent(); not for pages with another banner",
  )
  .option('--do-not-track', 'leave browsers alone that say Do Not Track or Global Privacy Control')
  .action(async ({ stack, json, endpoint, hubspotBanner, doNotTrack }: SnippetCommandOptions) => {
    const snippet = buildSnippet({
      endpoint: endpoint ?? (await sessionsUrlOf(stack)),
      isHubSpotBannerHeard: hubspotBanner === true,
      isDoNotTrackHeeded: doNotTrack === true,
    });
    console.log(json ? JSON.stringify(snippet) : snippet.tag);
    if (!json) console.error(formatSnippetAdvice(snippet));
  });

async function sessionsUrlOf(stack: string | undefined): Promise<string> {
  if (stack === undefined) return `${(await findTarget(stack)).ingestUrl}/sessions`;
  const { sessionsUrl } = await findInstallation(stack);
  if (sessionsUrl === undefined)
    throw new UsageError(
      `the stack ${stack} takes no visits: name the origins of your pages in the setting sessions.origins, and deploy`,
    );
  return sessionsUrl;
}

const models = program
  .command('model')
  .description('check a scoring model, or make one; needs no running system');

models
  .command('check')
  .description(
    'what is wrong with a model file; when nothing is, what the model does to five typical contacts, and what it costs',
  )
  .argument('<file>', 'scoring model, such as models/b2b-saas.yaml')
  .option('--days <number>', 'days that the chart shows, up to 365', '90')
  .option('--json', 'one JSON object on standard output')
  .action((file: string, { json, days }: CommonOptions & { readonly days?: string }) => {
    try {
      const check = checkModelFile(file, days);
      console.log(json ? checkAsJson(check) : formatCheck(check));
    } catch (error) {
      if (json && error instanceof InvalidModelError)
        console.log(JSON.stringify({ file, problems: error.complaints }));
      throw error;
    }
  });

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

models
  .command('init')
  .description(
    'make a scoring model of your own: asks a few questions on a terminal, and writes a commented model',
  )
  .option('--out <file>', 'where to write it; default: models/<name>.yaml')
  .option('--from <kind>', 'sales-led (from models/b2b-saas.yaml) or product-led (from models/plg.yaml)')
  .option('--name <name>', 'name of the model; default: after the first of your domains')
  .option(
    '--own-domain <domain>',
    'an e-mail domain of yours, whose people get no score; may be repeated',
    collect,
  )
  .option(
    '--competitor <domain>',
    'a domain of a competitor, whose people get no score; may be repeated',
    collect,
  )
  .option(
    '--pace <pace>',
    'slow, usual or fast: how long contacts take to decide, and so how long signals last',
  )
  .option('--yes', 'ask nothing: what no option says has its usual answer')
  .option('--force', 'overwrite the file')
  .action(async (options: InitOptions) => {
    const made = await initAsking(options);
    console.log(`Wrote ${made.file}.\n`);
    console.log(formatCheck(checkModelFile(made.file)));
    console.log(`\n${nextSteps(made)}`);
  });

async function initAsking(options: InitOptions) {
  if (options.yes === true || !process.stdin.isTTY) {
    if (options.yes !== true && !isAnswered(options))
      throw new UsageError(
        'there is no terminal to ask on: give --yes to take the usual answer to what no option answers',
      );
    return initModel(options, undefined);
  }
  const { ask, end } = askOn(process.stdin, process.stdout);
  return initModel(options, ask).finally(end);
}

/** What is to be done about an error of the AWS SDK, by its name and message. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /^(CredentialsProviderError|TokenProviderError|ExpiredToken)/,
    'give this terminal credentials as for the AWS command line, such as AWS_PROFILE',
  ],
  [/^Error: Region (is missing|not accepted)/, 'set AWS_REGION to the region of the stack'],
  [/^ValidationError: .*does not exist/, 'is it deployed in this account and region (AWS_REGION)?'],
  [/^[\w.]*AccessDenied/, 'docs/deploy.md says what the commands must be allowed to do'],
  [
    /ECONNREFUSED 127\.0\.0\.1/,
    'the local system does not answer: is it still running? Restart it with `npm start`',
  ],
];

/** Errors of the AWS SDK in one line. @returns undefined for any other */
function toldOfAws(error: Error): string | undefined {
  const code = 'code' in error ? String(error.code) : 'no message'; // Where several addresses were tried, only this says why.
  const said = `${error.name}: ${(error.message === '' ? code : error.message).replaceAll(/\s+/g, ' ')}`;
  const hint = HINTS.find(([pattern]) => pattern.test(said))?.[1];
  if (hint === undefined && !('$metadata' in error)) return undefined;
  return `afterglow: ${said}${hint === undefined ? '' : `; ${hint}`}`;
}

/** What somebody at the keyboard can put right is told without a stack trace. */
function told(error: unknown): unknown {
  // A wrong model is told as compilers tell it, so that editors find the place.
  if (error instanceof InvalidModelError) return error.message;
  if (error instanceof PortalStoppedError)
    return `afterglow: ${error.message}; HubSpot is called again after ${new Date(error.untilMs).toISOString()}, see docs/runbook.md#hubspot-is-not-called`;
  if (error instanceof BudgetExhaustedError)
    return `afterglow: ${error.message}: write-back uses them all, try again in a minute`;
  if (error instanceof RetryableError) return `afterglow: ${error.name}: ${error.message}; try again`;
  const isForThem = [UsageError, HubSpotError, PropertyMismatchError].some((kind) => error instanceof kind);
  if (!(error instanceof Error)) return error;
  return isForThem ? `afterglow: ${error.message}` : (toldOfAws(error) ?? error);
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(told(error));
  process.exitCode = 1;
}
