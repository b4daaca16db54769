// What `npm start` starts, without what it shows: the bundles that deploy as processes, the engines, and a simulated HubSpot.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readModelFile } from '../../../cli/model-file.ts';
import { localTarget, type Target } from '../../../cli/target.ts';
import { subscriptionsOf } from '../../../lambdas/events/subscriptions.ts';
import { provisionedProperties } from '../../../lambdas/hubspot/outputs.ts';
import { provisionProperties } from '../../../lambdas/hubspot/properties.ts';
import type { Model } from '../../../lambdas/scoring/model.ts';
import { type LocalTable, openTable } from '../../../local/check-table.ts';
import { signV3 } from '../../../local/hubspot/sign.ts';
import { type Simulator, startSimulator } from '../../../local/hubspot/simulator.ts';
import {
  type LocalSystem,
  type LocalSystemOptions,
  startLocalSystem,
} from '../../../local/runner/local-system.ts';
import { synthesize } from '../../../local/synthesize.ts';
import { stateOf } from '../../../local/system-state.ts';

export const CLIENT_SECRET = 'local-client-secret';
export const SIGNALS_SECRET = `whsec_${Buffer.from('for these tests and no other').toString('base64')}`;
const ACCESS_TOKEN = 'local-access-token';
const PORTAL_ID = '1';
const APP_ID = '50780459';
const PROVISION_TRIES = 10;
/** Some apps subscribe to a change by HubSpot's generic events too: told both ways it is one fact. */
const GENERIC = 'object.propertyChange:0-1:hs_lead_status';

export interface Running {
  readonly system: LocalSystem;
  readonly simulator: Simulator;
  readonly target: Target;
  readonly table: LocalTable;
  /** What an operator would have read: failures, and what long waits wait for. */
  readonly said: readonly string[];
  /** Lets the simulated HubSpot tell of what happens in it: again and again, twice, in any order. */
  tellOfChanges(): void;
  stop(): Promise<void>;
}

export interface RunningOptions extends Pick<LocalSystemOptions, 'answering'> {
  /** The scoring model, as it is written. */
  readonly modelYaml: string;
  readonly seed: number;
  /** Least and most milliseconds that a call to HubSpot takes. @default none */
  readonly latencyMs?: readonly [number, number];
}

/** How to end what was started, the latest first. */
type Stops = (() => unknown)[];

/** @throws Error when something does not start; nothing stays running then */
export async function startRunning(options: RunningOptions): Promise<Running> {
  const stops: Stops = [];
  try {
    return await startAll(options, stops);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

async function stopAll(stops: Stops): Promise<void> {
  for (const stop of stops.splice(0).toReversed()) await stop();
}

async function startAll(
  { modelYaml, seed, latencyMs, ...options }: RunningOptions,
  stops: Stops,
): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-processes-'));
  stops.push(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  const modelFile = join(directory, 'model.yaml');
  writeFileSync(modelFile, modelYaml);
  const assemblyDirectory = join(directory, 'cdk.out');
  const model = readModelFile(modelFile);
  const said: string[] = [];
  let started: LocalSystem | undefined;
  await synthesize(assemblyDirectory, {
    portalId: PORTAL_ID,
    model: modelFile,
    timeZone: 'UTC',
    ownAppIds: APP_ID,
  });
  const simulator = await startSimulator({
    clock: () => started?.now() ?? Date.now(),
    seed,
    propertyLagMs: [0, 0],
    ...(latencyMs !== undefined && { latencyMs }),
  });
  stops.push(() => simulator.stop());
  const system = await startLocalSystem({
    assemblyDirectory,
    ingestPort: 0,
    hubspotUrl: simulator.url,
    hubspotAccessToken: ACCESS_TOKEN,
    clientSecret: CLIENT_SECRET,
    signalsSecret: SIGNALS_SECRET,
    logDirectory: directory,
    log: (line) => said.push(line),
    ...options,
  });
  started = system;
  stops.push(() => system.stop());
  const target = localTarget(
    stateOf(system, {
      portalId: PORTAL_ID,
      hubspotUrl: simulator.url,
      clientSecret: CLIENT_SECRET,
      accessToken: ACCESS_TOKEN,
      timeZone: 'UTC',
      model: modelFile,
    }),
  );
  await provision(target, model);
  return {
    system,
    simulator,
    target,
    table: openTable(system.dynamoDbUrl, system.tableName, PORTAL_ID),
    said,
    tellOfChanges() {
      simulator.setWebhooks({
        targetUrl: webhooksOf(system),
        subscriptions: [...subscriptionsOf(model), GENERIC],
        duplicateRate: 0.2,
        reorder: true,
        batchSize: 20,
        retryDelayMs: 50,
      });
    },
    stop: () => stopAll(stops),
  };
}

/** On a machine that stands still now and then a call may come too late for the instant that it was granted. */
async function provision({ hubspotUrl, send }: Target, model: Model): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await provisionProperties(hubspotUrl, send, provisionedProperties(model), () => undefined);
    } catch (error) {
      if (attempt === PROVISION_TRIES) throw error;
      await pause(1000);
    }
  }
}

function webhooksOf({ ingestUrl }: Pick<LocalSystem, 'ingestUrl'>): string {
  return `${ingestUrl}/webhooks/hubspot`;
}

/** Where HubSpot posts its webhooks to, and how it signs this body now. */
export function signedWebhook(
  system: Pick<LocalSystem, 'ingestUrl'>,
  body: string,
): { readonly uri: string; readonly headers: Record<string, string> } {
  const uri = webhooksOf(system);
  const timestamp = Date.now();
  const signature = signV3({ method: 'POST', uri, body, timestamp, secret: CLIENT_SECRET });
  return {
    uri,
    headers: {
      'content-type': 'application/json',
      'x-hubspot-signature-v3': signature,
      'x-hubspot-request-timestamp': String(timestamp),
    },
  };
}

/** One line for whoever looks at a run of the tests. */
export function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

/**
 * A seed that is told, with the way to take the same again. It decides what happens, when and to whom; processes run as fast as the
 * machine lets them, so a second run does the same things and meets them at other instants.
 *
 * @param file - of the test, from the root of the repository
 */
export function tellSeed(file: string): { readonly seed: number; readonly replay: string } {
  const seed = Number(process.env['AFTERGLOW_SEED'] ?? Date.now() % 1_000_000);
  const replay = `AFTERGLOW_SEED=${seed} npm test -- ${file}`;
  tell(`${file}: seed ${seed}; the same again: ${replay}`);
  return { seed, replay };
}
