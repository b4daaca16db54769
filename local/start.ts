import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { readModelFile } from '../cli/model-file.ts';
import { LOCAL_DIRECTORY, LOCAL_STATE_FILE, type LocalState, localTarget } from '../cli/target.ts';
import { usesTouches } from '../lambdas/scoring/model.ts';
import { openTable } from './check-table.ts';
import { type ClockControl, startClockControl } from './control.ts';
import { SITE } from './demo/visit-happenings.ts';
import { exampleOf, warmest } from './demo/warmest.ts';
import { type DemoSummary, isAllRight, NIGHTLY_HOUR, provision, runDemo } from './demo-run.ts';
import { createChaos } from './hubspot/chaos.ts';
import { type Simulator, startSimulator } from './hubspot/simulator.ts';
import { readOptions, type StartOptions } from './options.ts';
import { type LocalSystem, startLocalSystem } from './runner/local-system.ts';
import { openStateFile } from './state-file.ts';
import { synthesize } from './synthesize.ts';
import { stateOf as systemState } from './system-state.ts';

const PORTAL_ID = '1';
const APP_ID = 50_780_459;
const TIME_ZONE = 'UTC';
/** Any Standard Webhooks secret does on this machine; this one says so. */
const SIGNALS_SECRET = `whsec_${Buffer.from('a secret for this machine only').toString('base64')}`;

/** With chaos a batch of messages is so small: a hundred contacts in one call would leave little to go wrong. */
const CHAOS_BATCH_SIZE = 4;
/** How long stopping may take before the process just ends; its children end with it. */
const LONGEST_STOP_MS = 10_000;
/** Where a webhook body to try out is put. */
const EXAMPLE_FILE = join(LOCAL_DIRECTORY, 'example-event.json');

const options = readOptions(process.argv);
/** A run that ends by itself leaves the commands to the system that somebody works with. */
const stateFile = openStateFile(LOCAL_STATE_FILE, { pid: process.pid, isTakenOver: !options.once });
const startedMs = Date.now();
/** A day's limit is used up once: it stops everything until midnight. */
const chaos = options.chaos ? createChaos({ seed: options.seed, mostDailyLimits: 1 }) : undefined;
// With --once the last line on standard output is JSON, and a person still sees the rest.
const say = (line: string): void => console.log(line);

interface Running {
  readonly system: LocalSystem;
  readonly simulator: Simulator | undefined;
  readonly control: ClockControl | undefined;
}

/** How to end what was started, the latest first; from the first line on, so that an early Ctrl-C leaves nothing either. */
const stops: (() => unknown)[] = [];
const interruption = new AbortController();

/** Ends everything that was started so far. */
async function stopAll(): Promise<void> {
  for (const stop of stops.splice(0).toReversed()) await stop();
}

/** Something that has to be ended is running now. */
async function started(stop: () => unknown): Promise<void> {
  stops.push(stop);
  if (interruption.signal.aborted) await stopAll();
  interruption.signal.throwIfAborted();
}

const hubspot = {
  apiUrl: process.env['HUBSPOT_API_URL'] === '' ? undefined : process.env['HUBSPOT_API_URL'],
  clientSecret: process.env['HUBSPOT_CLIENT_SECRET'] ?? 'local-client-secret',
  accessToken: process.env['HUBSPOT_ACCESS_TOKEN'] ?? 'local-access-token',
};

async function main(): Promise<void> {
  refuseRealHubSpot(hubspot.apiUrl);
  if (options.chaos && hubspot.apiUrl !== undefined)
    throw new Error('--chaos is done by the simulator, which HUBSPOT_API_URL replaces.');
  if (options.nights > 0 && (options.chaos || hubspot.apiUrl !== undefined))
    throw new Error(
      '--nights is a demo of its own, with the simulator: neither with --chaos nor with HUBSPOT_API_URL.',
    );
  const model = readModelFile(options.model);
  say(`Building Afterglow with the model ${model.id} …`);
  const assemblyDirectory = mkdtempSync(join(tmpdir(), 'afterglow-cdk-')); // Its own: another run may be building too.
  await started(() => rmSync(assemblyDirectory, { recursive: true, force: true }));
  const settings = {
    portalId: PORTAL_ID,
    model: options.model,
    timeZone: TIME_ZONE,
    nightlyHour: String(NIGHTLY_HOUR),
    ownAppIds: String(APP_ID),
    ...(usesTouches(model) && { 'sessions.origins': SITE }),
  };
  await synthesize(assemblyDirectory, settings, interruption.signal);
  const running = await startEverything(assemblyDirectory, options);
  const summary = await show(running, model);
  if (!options.once) return sayWhatNext(running);
  await stopAll();
  if (summary !== undefined) console.log(JSON.stringify(summary));
  process.exitCode = summary === undefined || isAllRight(summary) ? 0 : 1;
}

/** A laptop must not write to a portal with people in it by a slip. */
function refuseRealHubSpot(apiUrl: string | undefined): void {
  if (apiUrl === undefined) return;
  const { hostname } = new URL(apiUrl);
  if (hostname === 'hubapi.com' || hostname.endsWith('.hubapi.com')) {
    throw new Error(
      'HUBSPOT_API_URL points at HubSpot itself; the local run refuses that. Deploy to use a real portal.',
    );
  }
}

async function startEverything(
  assemblyDirectory: string,
  { port, hubspotPort, window }: StartOptions,
): Promise<Running> {
  let system: LocalSystem | undefined;
  const advance = async (hours: number): Promise<unknown> => {
    if (system === undefined) throw new Error('the local system is still starting');
    const advanced = await system.advanceClock(hours);
    stateFile.write(stateOf(system, simulator));
    return advanced;
  };
  const simulator =
    hubspot.apiUrl === undefined
      ? await startSimulator({
          port: hubspotPort,
          portalId: Number(PORTAL_ID),
          accessToken: hubspot.accessToken,
          clientSecret: hubspot.clientSecret,
          appId: APP_ID,
          timeZone: TIME_ZONE,
          seed: options.seed,
          clock: () => system?.now() ?? Date.now(),
          onAdvanceClock: advance,
          ...(chaos !== undefined && { faults: (call) => chaos.faults(call) }),
        })
      : undefined;
  await started(() => simulator?.stop());
  system = await startLocalSystem({
    assemblyDirectory,
    ingestPort: port,
    hubspotUrl: simulator?.url ?? hubspot.apiUrl ?? '',
    hubspotAccessToken: hubspot.accessToken,
    clientSecret: hubspot.clientSecret,
    signalsSecret: SIGNALS_SECRET,
    writeBackWindowSeconds: window,
    ...(options.chaos && { writeBackBatchSize: CHAOS_BATCH_SIZE }),
    logDirectory: join(LOCAL_DIRECTORY, 'logs'),
    log: say,
  });
  const runner = system;
  await started(() => runner.stop());
  stateFile.write(stateOf(system, simulator));
  await started(() => stateFile.remove());
  // Where the simulator is replaced, the clock is still ours to move.
  const control = simulator === undefined ? await startClockControl(options.controlPort, advance) : undefined;
  await started(() => control?.stop());
  say(
    `Running after ${seconds()} s: ingest at ${system.ingestUrl}, HubSpot at ${simulator?.url ?? hubspot.apiUrl}`,
  );
  return { system, simulator, control };
}

/** What the commands need to know of a system. */
function stateOf(system: LocalSystem, simulator: Simulator | undefined): LocalState {
  const { clientSecret, accessToken } = hubspot;
  return systemState(system, {
    portalId: PORTAL_ID,
    hubspotUrl: simulator?.url ?? hubspot.apiUrl ?? '',
    clientSecret,
    accessToken,
    timeZone: TIME_ZONE,
    model: options.model,
  });
}

async function show(
  { system, simulator }: Running,
  model: ReturnType<typeof readModelFile>,
): Promise<DemoSummary | undefined> {
  const target = localTarget(stateOf(system, simulator));
  if (simulator === undefined) {
    if (options.yes) await provision({ target, model, say });
    else say('Nothing is provisioned at HUBSPOT_API_URL without --yes.');
    return undefined;
  }
  const table = openTable(system.dynamoDbUrl, system.tableName, PORTAL_ID);
  const secrets = { clientSecret: hubspot.clientSecret, signalsSecret: SIGNALS_SECRET };
  const summary = await runDemo({ simulator, system, target, table, model, options, chaos, secrets, say });
  const letters = await system.deadLetters();
  say(
    `${summary.contactsScored} contacts scored from ${summary.facts} facts with ${summary.hubspotCalls} calls to HubSpot, ${summary.mismatches} mismatches, ${letters.length} dead letters, after ${seconds()} s.`,
  );
  return summary;
}

function sayWhatNext({ system, simulator, control }: Running): void {
  const clockUrl = simulator?.url ?? control?.url ?? '';
  const contact = simulator && exampleOf(warmest(simulator.crm, Number.POSITIVE_INFINITY));
  if (simulator !== undefined && contact !== undefined) {
    writeExample(contact.id, system.now());
    say(`
Send a webhook of your own (signed for you; send it twice and nothing more changes):
  npm run afterglow -- send ${relative('.', EXAMPLE_FILE)}
Why does ${contact.name} have this score?
  npm run afterglow -- explain ${contact.id}
  curl -H 'accept: text/plain' ${system.ingestUrl}/contacts/${contact.id}/score
Change a contact as a user of HubSpot does, and read it back a few seconds later:
  curl -X POST ${simulator.url}/simulator/contacts/${contact.id}/properties -d '{"hs_lead_status":"UNQUALIFIED"}'
  curl ${simulator.url}/simulator/contacts/${contact.id}`);
  }
  say(`
Move the clock a week and watch scores fade:
  curl -X POST ${clockUrl}/simulator/clock -d '{"advanceHours":168}'

Webhooks are taken at ${system.ingestUrl}/webhooks/hubspot. Ctrl-C ends everything.`);
}

/** A webhook body as HubSpot sends it: this contact looked at the pricing page a minute ago. */
function writeExample(contactId: string, nowMs: number): void {
  const event = {
    eventId: 4_101_286_121,
    subscriptionId: 7_562_680,
    portalId: Number(PORTAL_ID),
    appId: APP_ID,
    occurredAt: nowMs - 60_000,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: Number(contactId),
    propertyName: 'hs_analytics_last_url',
    propertyValue: 'https://www.example.com/pricing?plan=team',
    changeSource: 'CRM_UI',
  };
  writeFileSync(EXAMPLE_FILE, `${JSON.stringify([event], null, 2)}\n`);
}

function seconds(): string {
  return ((Date.now() - startedMs) / 1000).toFixed(1);
}

function adviceOn(error: Error): string {
  const isPortTaken = 'code' in error && error.code === 'EADDRINUSE';
  return isPortTaken
    ? '\nIs another one running? Choose ports with --port and --hubspot-port; 0 is any free one.'
    : '';
}

/** Ctrl-C: what is under way fails when what it needs is gone, and `main` ends by it; once it is up, nothing is under way. */
async function interrupt(): Promise<void> {
  say('Stopping …');
  interruption.abort();
  setTimeout(() => process.exit(0), LONGEST_STOP_MS).unref();
  await stopAll();
  if (isUp) process.exit(0);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupt());

let isUp = false;
try {
  await main();
  isUp = true;
} catch (error) {
  await stopAll();
  if (interruption.signal.aborted) process.exit(0);
  console.error(error instanceof Error ? `afterglow: ${error.message}${adviceOn(error)}` : error);
  process.exit(1);
}
