// Plays one day in the demo portal on the moved clock, and tells what CloudWatch would hold of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModelFile } from '../cli/model-file.ts';
import { localTarget } from '../cli/target.ts';
import { subscriptionsOf } from '../lambdas/events/subscriptions.ts';
import { DAY_MS, intoOneDay, type Step } from './demo/day.ts';
import { planHappenings } from './demo/happenings.ts';
import { playHappenings } from './demo/play.ts';
import { createPortal } from './demo/portal.ts';
import { planRecords } from './demo/record-happenings.ts';
import { provision } from './demo-run.ts';
import { type Simulator, startSimulator } from './hubspot/simulator.ts';
import { type LocalSystem, type LocalSystemOptions, startLocalSystem } from './runner/local-system.ts';
import type { Sample } from './runner/metrics.ts';
import { synthesize } from './synthesize.ts';
import { stateOf } from './system-state.ts';

const HOUR_MS = 3_600_000;
const CONTACTS = 500;
const SEED = 7;
const MODEL = 'models/b2b-saas.yaml';
const APP_ID = 50_780_459;
/** Share of webhook events that the simulated HubSpot delivers twice. */
const DUPLICATE_RATE = 0.15;
/** What an API call takes, in milliseconds, as with HubSpot itself; the least and the most. */
const LATENCY_MS = [80, 350] as const;
/** Hour of the day, UTC, at which the day begins and ends: so there is one night in the middle of it. */
const FIRST_HOUR = 12;
/** Hour, UTC, of the nightly run: the setting's default. */
const NIGHTLY_HOUR = 2;
/** The clock stands still before the night begins, so that the schedule does not find it too. */
const BEFORE_NIGHT_MS = 30_000;
const MOST_WALL_MS = 10 * 60_000;
const SECRETS = {
  clientSecret: 'local-client-secret',
  accessToken: 'local-access-token',
  signalsSecret: `whsec_${Buffer.from('a secret for this machine only').toString('base64')}`,
};

/** One day, measured. */
export interface MeasuredDay {
  /** Epoch milliseconds of the moved clock. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly contacts: number;
  /** Those of the day. */
  readonly samples: readonly Sample[];
}

type StartTables = NonNullable<LocalSystemOptions['startTables']>;

interface Running {
  readonly simulator: Simulator;
  readonly system: LocalSystem;
}

/**
 * Takes 20 minutes or more: a day is played in steps, each as long as the work in it takes.
 *
 * @param startTables - an engine that tells what calls consume
 * @param say - told of progress
 */
export async function measureDay(
  startTables: StartTables,
  say: (line: string) => void,
): Promise<MeasuredDay> {
  const stops: (() => unknown)[] = [];
  try {
    const running = await startRunning(startTables, stops, say);
    const { fromMs, steps } = await prepare(running, say);
    await playDay(running, steps, fromMs, say);
    const toMs = fromMs + DAY_MS;
    const samples = running.system.metrics().samples();
    return {
      fromMs,
      toMs,
      contacts: CONTACTS,
      samples: samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs),
    };
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function startRunning(
  startTables: StartTables,
  stops: (() => unknown)[],
  say: (line: string) => void,
): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-day-'));
  stops.push(() => rmSync(directory, { recursive: true, force: true }));
  await synthesize(directory, { portalId: '1', model: MODEL, timeZone: 'UTC', ownAppIds: String(APP_ID) });
  let system: LocalSystem | undefined;
  const simulator = await startSimulator({
    ...SECRETS,
    appId: APP_ID,
    seed: SEED,
    latencyMs: LATENCY_MS,
    clock: () => system?.now() ?? Date.now(),
  });
  stops.push(() => simulator.stop());
  const running = await startLocalSystem({
    clientSecret: SECRETS.clientSecret,
    signalsSecret: SECRETS.signalsSecret,
    hubspotAccessToken: SECRETS.accessToken,
    hubspotUrl: simulator.url,
    assemblyDirectory: directory,
    ingestPort: 0,
    logDirectory: join(directory, 'logs'),
    startTables,
    recordCalls: true,
    collectMetrics: true,
    log: say,
  });
  stops.push(() => running.stop());
  system = running;
  return { simulator, system: running };
}

/** Makes the portal and has everybody in it scored once; then it is noon, and the day is planned. */
async function prepare(
  { simulator, system }: Running,
  say: (line: string) => void,
): Promise<{ readonly fromMs: number; readonly steps: readonly Step[] }> {
  const model = readModelFile(MODEL);
  const { clientSecret, accessToken } = SECRETS;
  const started = { portalId: '1', hubspotUrl: simulator.url, clientSecret, accessToken };
  const target = localTarget(stateOf(system, { ...started, timeZone: 'UTC', model: MODEL }));
  await provision({ target, model, say });
  simulator.setWebhooks({
    targetUrl: `${system.ingestUrl}/webhooks/hubspot`,
    subscriptions: [...subscriptionsOf(model)],
    duplicateRate: DUPLICATE_RATE,
    reorder: true,
  });
  const nowMs = system.now();
  const portal = createPortal(simulator.crm, { contacts: CONTACTS, seed: SEED, nowMs });
  const { happenings, burst } = planHappenings(portal.contacts, { seed: SEED, nowMs });
  const records = planRecords(portal, { seed: SEED, nowMs, exceptContactId: burst?.contactId });
  await simulator.settled();
  await system.drained({ flushWindows: true });
  const fromMs = Math.ceil((system.now() + HOUR_MS) / DAY_MS) * DAY_MS + FIRST_HOUR * HOUR_MS;
  system.setClock(fromMs - HOUR_MS - Date.now());
  await passUntil(system, fromMs);
  return { fromMs, steps: intoOneDay(happenings, records, fromMs, SEED) };
}

async function playDay(
  running: Running,
  steps: readonly Step[],
  fromMs: number,
  say: (line: string) => void,
): Promise<void> {
  const { simulator, system } = running;
  const nightMs = fromMs + ((24 + NIGHTLY_HOUR - FIRST_HOUR) % 24) * HOUR_MS;
  let isNightDone = false;
  const night = async (): Promise<void> => {
    isNightDone = true;
    await passUntil(system, nightMs - BEFORE_NIGHT_MS);
    system.setClock(nightMs - Date.now());
    await system.invoke('nightly', { job: 'nightly', upTo: 'now' });
  };
  const dealIds = new Map<string, string>();
  let saidHour = -1;
  for (const [seed, { atMs, happenings, records }] of steps.entries()) {
    if (!isNightDone && atMs > nightMs) await night();
    await passUntil(system, atMs);
    const hour = Math.floor((atMs - fromMs) / HOUR_MS);
    if (hour > saidHour)
      say(`  ${new Date(atMs).toISOString().slice(11, 16)}, step ${seed + 1} of ${steps.length}`);
    saidHour = hour;
    const happened = { happenings, records, dealIds };
    await playHappenings({ simulator, ingestUrl: system.ingestUrl, ...SECRETS, ...happened, seed });
  }
  await passUntil(system, fromMs + DAY_MS);
}

/** Lets everything happen that is due until an instant, each at its time, and moves the clock there. */
async function passUntil(system: LocalSystem, untilMs: number): Promise<void> {
  const look = () => system.metrics().look();
  const mostMs = Math.max(0, untilMs - system.now());
  await system.passTime({ mostMs, mostWallMs: MOST_WALL_MS, keepWindows: true, onMoving: look });
  await look();
  if (untilMs > system.now()) system.setClock(untilMs - Date.now());
}
