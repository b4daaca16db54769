// `npm run rehearse`: deploys the stack for real, to an emulator of AWS or to an account, lets it score, and takes it down again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { UsageError } from '../cli/target.ts';
import { NoEmulatorError } from './rehearsal/emulator.ts';
import { emulatedStage, realStage } from './rehearsal/stages.ts';
import { createSteps, DifferenceError } from './rehearsal/steps.ts';
import { rehearse, type Stage } from './rehearsal/story.ts';

interface Options {
  readonly stack?: string;
  readonly yes: boolean;
  readonly json: boolean;
  readonly keep: boolean;
}

function readOptions(argv: readonly string[]): Options {
  const options = new Command('npm run rehearse --')
    .description(
      'Deploys Afterglow for real, lets it score a few contacts, changes its model, lets it fade, and takes it down again.',
    )
    .option(
      '--stack <name>',
      'deploy under this name to the AWS account of this terminal, against the HubSpot test portal whose token is asked for; default: an emulator of AWS and a simulated HubSpot on this machine',
    )
    .option('--yes', 'with --stack: also in a portal that does not look like a test portal', false)
    .option('--json', 'one JSON object last on standard output', false)
    .option('--keep', 'keep logs and cloud assembly, and say where they are', false)
    .showHelpAfterError()
    .parse(argv)
    .opts<Options>();
  // npm takes `npm run rehearse --json` for an option of its own, and hands it on this way.
  return { ...options, json: options.json || process.env['npm_config_json'] === 'true' };
}

const options = readOptions(process.argv);
const directory = mkdtempSync(path.join(tmpdir(), 'afterglow-rehearsal-'));
const startedMs = performance.now();
/** How to end what was started, the latest first. */
const stops: (() => unknown)[] = [];
// With --json the object stands alone on standard output.
const say = (line: string): void => (options.json ? console.error(line) : console.log(line));
const steps = createSteps(say);

async function prepare(): Promise<Stage> {
  const { stack, yes } = options;
  const start = stack === undefined ? emulatedStage(directory) : realStage(stack, yes, directory);
  let stage: Stage | undefined;
  await steps.run(
    stack === undefined ? 'an emulator of AWS' : `account and portal for ${stack}`,
    async () => {
      stage = await start((stop) => stops.push(stop));
      return stack === undefined ? 'with IAM and TLS' : `portal ${stage.portalId}`;
    },
  );
  if (stage === undefined) throw new Error('nothing was started');
  return stage;
}

/** @returns why it failed; undefined when all went well */
async function run(): Promise<string | undefined> {
  try {
    await rehearse(await prepare(), steps, (stop) => stops.push(stop));
    return undefined;
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof NoEmulatorError || error instanceof UsageError) return error.message;
    if (error instanceof DifferenceError) return `failed at "${steps.current}": ${error.message}`;
    return `failed at "${steps.current}": ${error instanceof Error ? error.stack : String(error)}`;
  }
}

async function end(): Promise<void> {
  for (const stop of stops.splice(0).toReversed()) {
    try {
      await stop();
    } catch (error) {
      console.error(`rehearse: not everything was tidied up: ${String(error)}`); // The others still have to end.
      process.exitCode = 1;
    }
  }
  if (options.keep) say(`Logs and cloud assembly: ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => void end().finally(() => process.exit(code)));

const failure = await run();
await end();
const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
if (failure === undefined) say(`All as it has to be: ${steps.done.length} steps in ${seconds} s.`);
else console.error(`rehearse: ${failure}`);
if (failure !== undefined && options.stack !== undefined && steps.done.length > 0)
  console.error(
    `What was deployed may still stand: look at it, then \`npm run afterglow -- uninstall --stack ${options.stack}\` for the properties in HubSpot, and \`npx cdk destroy -c afterglow.stackName=${options.stack}\`. Its table and its secret with the identity key stay, to be removed in the console.`,
  );
if (options.json) {
  const result = failure === undefined ? {} : { failedAt: steps.current ?? null, failure };
  console.log(JSON.stringify({ ok: failure === undefined, seconds, steps: steps.done, ...result }));
}
