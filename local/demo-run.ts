import { readFileSync } from 'node:fs';
import type { Target } from '../cli/target.ts';
import { subscriptionsOf } from '../lambdas/events/subscriptions.ts';
import { provisionedProperties } from '../lambdas/hubspot/outputs.ts';
import { provisionProperties } from '../lambdas/hubspot/properties.ts';
import { RunState } from '../lambdas/nightly/run.ts';
import { type Model, usesTouches } from '../lambdas/scoring/model.ts';
import { type ChaosSummary, progressOf, runRounds, settleLater, summaryOf } from './chaos-run.ts';
import { compareDealsWithTable, compareWithTable, countFacts, type LocalTable } from './check-table.ts';
import { checkPortal, type Mismatch } from './demo/check-portal.ts';
import { type Credited, countCredited, formatCredited } from './demo/credited.ts';
import { type LabelledBurst, planHappenings } from './demo/happenings.ts';
import { type PortalStory, portalNow } from './demo/oracle-portal.ts';
import { type Played, playHappenings } from './demo/play.ts';
import { createPortal } from './demo/portal.ts';
import { planRecords } from './demo/record-happenings.ts';
import { planVisits, type Visit } from './demo/visit-happenings.ts';
import { formatWarmest, warmest } from './demo/warmest.ts';
import type { Chaos } from './hubspot/chaos.ts';
import type { Simulator } from './hubspot/simulator.ts';
import { LOST_RATE, type NightsSummary, runNights } from './nights-run.ts';
import type { StartOptions } from './options.ts';
import type { LocalSystem } from './runner/local-system.ts';

/** Share of webhook events that the simulated HubSpot delivers twice. */
const DUPLICATE_RATE = 0.15;
/** Some apps subscribe to a change by HubSpot's generic events; told both ways it is one fact. */
const GENERIC = 'object.propertyChange:0-1:hs_lead_status';
const WARMEST = 10;
/** When the demo's nights begin, UTC. */
export const NIGHTLY_HOUR = 2;
const HOUR_MS = 3_600_000;

export interface DemoParts {
  readonly simulator: Simulator;
  readonly system: LocalSystem;
  readonly target: Target;
  readonly table: LocalTable;
  readonly model: Model;
  readonly options: StartOptions;
  /** What is done to the simulator's calls; undefined for a calm demo. */
  readonly chaos: Chaos | undefined;
  readonly secrets: { readonly clientSecret: string; readonly signalsSecret: string };
  readonly say: (line: string) => void;
}

/** What came of the demo; the JSON line of `--once`. */
export interface DemoSummary extends Credited {
  /** Events that ingest took, repeats counted, and without repeats. */
  readonly delivered: number;
  readonly distinct: number;
  /** Facts in the table. */
  readonly facts: number;
  /** Contacts that show a status in HubSpot. */
  readonly contactsScored: number;
  readonly hubspotCalls: number;
  /** Calls HubSpot answered with 429. */
  readonly rateLimited: number;
  /** Companies that show a score in HubSpot. */
  readonly companiesScored: number;
  /** What no person did, and is known to be so. */
  readonly burst: LabelledBurst | undefined;
  /** Contacts, companies and deals for which HubSpot differs from the table or from the oracle. */
  readonly mismatches: number;
  /** With `--chaos`. */
  readonly chaos?: ChaosSummary;
  /** With `--nights`. */
  readonly nights?: NightsSummary;
}

/**
 * Whether the demo proved what it is for: HubSpot shows what it should, with chaos after everything that can be done to a call, with nights
 * after each of them came to its end.
 */
export function isAllRight({
  mismatches,
  chaos,
  nights,
}: Pick<DemoSummary, 'mismatches' | 'chaos' | 'nights'>): boolean {
  if (mismatches > 0 || (nights !== undefined && nights.finished < nights.nights)) return false;
  return chaos === undefined || (chaos.missing.length === 0 && chaos.deadLetters === 0);
}

/** Makes a portal, lets things happen in it, waits until all is scored, checks every contact, and prints the warmest. */
export async function runDemo(parts: DemoParts): Promise<DemoSummary> {
  const { simulator, system, say, model, options } = parts;
  await provision(parts);
  simulator.setWebhooks({
    targetUrl: `${system.ingestUrl}/webhooks/hubspot`,
    subscriptions: [...subscriptionsOf(model), GENERIC],
    duplicateRate: DUPLICATE_RATE,
    reorder: true,
    dropRate: options.nights > 0 ? LOST_RATE : 0,
  });
  const planned = makeStory(parts);
  const said = everySecond(say);
  const played = await play(parts, planned, ({ delivered, distinct }) =>
    said(`  delivered ${delivered} events, ${distinct} distinct`),
  );
  say(`Delivered ${played.delivered} signed events, ${played.distinct} of them distinct. Scoring …`);
  const beganAhead = system.now() - Date.now();
  const hoursMoved = (): number => (system.now() - Date.now() - beganAhead) / HOUR_MS;
  const timer = setInterval(() => say(progress(parts, hoursMoved())), 2000);
  const { story, sinceMs, chaos, nights } = await settle(parts, asTold(planned), hoursMoved).finally(() =>
    clearInterval(timer),
  );
  const differences = await findMismatches(parts, story, sinceMs);
  for (const { record, reason } of differences.slice(0, 20)) say(`MISMATCH ${record}: ${reason}`);
  say(`\n${formatWarmest(warmest(simulator.crm, WARMEST), process.stdout.columns)}\n`);
  const credited = formatCredited(simulator.crm, process.stdout.columns);
  if (credited !== undefined) say(`${credited}\n`);
  if (chaos !== undefined) say(formatChaos(chaos));
  return {
    ...played,
    facts: await countFacts(parts.table),
    contactsScored: scoredContacts(simulator),
    hubspotCalls: simulator.calls.length,
    rateLimited: simulator.calls.filter(({ status }) => status === 429).length,
    companiesScored: scoredCompanies(simulator),
    ...countCredited(simulator.crm),
    burst: planned.burst,
    mismatches: new Set(differences.map(({ record }) => record)).size,
    ...(chaos !== undefined && { chaos }),
    ...(nights !== undefined && { nights }),
  };
}

/** What happens, and what is noted of it on the way. */
interface Happened extends Pick<PortalStory, 'happenings' | 'records' | 'visits'>, Noted {}

interface Noted {
  /** Deals by name, as HubSpot knows them. */
  readonly dealIds: Map<string, string>;
  /** When pages' visits were taken, epoch milliseconds, by session id. */
  readonly told: Map<string, number>;
}

function play(
  { simulator, system, options, secrets }: DemoParts,
  { happenings, records, visits = [], dealIds, told }: Happened,
  onProgress?: (soFar: Played) => void,
): Promise<Played> {
  return playHappenings({
    simulator,
    ingestUrl: system.ingestUrl,
    ...secrets,
    happenings,
    records,
    visits,
    dealIds,
    told,
    seed: options.seed,
    ...(onProgress !== undefined && { onProgress }),
  });
}

function progress({ simulator, chaos }: DemoParts, hoursMoved: number): string {
  const soFar = `  ${scoredContacts(simulator)} contacts scored, ${simulator.calls.length} calls to HubSpot`;
  return chaos === undefined ? soFar : `${soFar}, ${progressOf(chaos, hoursMoved)}`;
}

function formatChaos({ faults, rounds, hoursMoved, injected }: ChaosSummary): string {
  const kinds = Object.entries(injected).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const listed = kinds.map(([kind, count]) => `  ${String(count).padStart(4)}  ${kind}`);
  const hours = `the clock moved ${hoursMoved} hours`;
  return [`Done to calls: ${faults} faults in ${rounds} rounds, ${hours}:`, ...listed, ''].join('\n');
}

interface DemoStory extends PortalStory, Noted {
  readonly burst: LabelledBurst | undefined;
}

/** Makes the portal, and plans what is to happen in it. */
function makeStory({ simulator, system, model, options, say }: DemoParts): DemoStory {
  const { contacts, seed } = options;
  const nowMs = system.now();
  const portal = createPortal(simulator.crm, { contacts, seed, nowMs });
  const { happenings, burst } = planHappenings(portal.contacts, { seed, nowMs });
  const records = planRecords(portal, { seed, nowMs, exceptContactId: burst?.contactId });
  const { visits, noted } = usesTouches(model)
    ? planVisits(portal.contacts, happenings, { seed, nowMs, exceptContactId: burst?.contactId })
    : { visits: [], noted: [] };
  const count = happenings.length + noted.length + records.length + visits.length;
  say(
    `Portal 1: ${portal.contacts.length} contacts in ${portal.companies.length} companies; ${count} things happen.`,
  );
  if (burst !== undefined)
    say(`  1 burst: ${burst.count} ${burst.label} on contact ${burst.contactId}, within ${burst.seconds} s`);
  const story = { portal, happenings: [...happenings, ...noted], records, visits, burst };
  return { ...story, dealIds: new Map(), told: new Map() };
}

/** The story with pages' visits at the time at which they were told: until they happen nobody knows it. */
function asTold(story: DemoStory): DemoStory {
  const timeOf = ({ own, atMs }: Visit): number => story.told.get(own?.sessionId ?? '') ?? atMs;
  const visits = (story.visits ?? []).map((one) =>
    one.kind === 'visit' ? { ...one, atMs: timeOf(one) } : one,
  );
  return { ...story, visits };
}

/** Holds HubSpot against the table, and against the oracle. */
async function findMismatches(
  { simulator, system, table, model, options }: DemoParts,
  story: PortalStory,
  sinceMs: number,
): Promise<Mismatch[]> {
  // The table has a merged contact under its new id.
  const ids = [...portalNow(story).histories.keys()].map((id) => simulator.crm.get('contacts', id)?.id ?? id);
  return [
    ...(await compareWithTable(table, simulator.crm, ids)),
    ...(usesTouches(model) ? await compareDealsWithTable(table, simulator.crm) : []),
    ...checkPortal({
      ...story,
      crm: simulator.crm,
      modelYaml: readFileSync(options.model, 'utf8'),
      sinceMs,
      nowMs: system.now(),
      creationsHeard: true,
    }),
  ];
}

interface Settled {
  /** With all that happened meanwhile. */
  readonly story: PortalStory;
  /** When fading began, epoch milliseconds. */
  readonly sinceMs: number;
  readonly chaos?: ChaosSummary;
  readonly nights?: NightsSummary;
}

/** Waits until all is scored and written, then lets fade what fell due meanwhile. */
async function settle(parts: DemoParts, planned: DemoStory, hoursMoved: () => number): Promise<Settled> {
  const { simulator, system, chaos, options, say } = parts;
  const fade = () => system.invoke('nightly', { job: 'decay', upTo: 'now' });
  if (chaos === undefined) {
    await system.drained({ flushWindows: true });
    if (options.nights > 0) return goThroughNights(parts, planned);
    const sinceMs = system.now();
    await fade();
    await system.drained({ flushWindows: true });
    return { story: planned, sinceMs };
  }
  const run = {
    chaos,
    simulator,
    system,
    seed: options.seed,
    play: async (round: Pick<PortalStory, 'happenings' | 'records'>) =>
      void (await play(parts, { ...planned, ...round, visits: [] })),
    say,
  };
  const { story, rounds } = await runRounds(run, planned);
  const sinceMs = system.now();
  await fade();
  await settleLater(run);
  return { story, sinceMs, chaos: await summaryOf(run, rounds, hoursMoved()) };
}

/** Lets nights go by, each after a day of which HubSpot does not tell everything. */
async function goThroughNights(parts: DemoParts, planned: DemoStory): Promise<Settled> {
  const { simulator, system, target, options, say } = parts;
  const { story, sinceMs, summary } = await runNights(
    {
      simulator,
      system,
      seed: options.seed,
      nights: options.nights,
      nightlyHour: NIGHTLY_HOUR,
      play: async (day) => void (await play(parts, { ...planned, ...day })),
      readRun: () => target.portalRow('run', RunState, {}).read(),
      say,
    },
    planned,
  );
  return { story: { ...story, areHistoriesRead: true }, sinceMs, nights: summary };
}

export async function provision({
  target,
  model,
  say,
}: Pick<DemoParts, 'target' | 'model' | 'say'>): Promise<void> {
  let created = 0;
  await provisionProperties(target.hubspotUrl, target.send, provisionedProperties(model), ({ did }) => {
    if (did === 'created') created += 1;
  });
  say(`Provisioned the properties: ${created} created.`);
}

function scoredContacts({ crm }: Simulator): number {
  return crm.all('contacts').filter(({ properties }) => (properties['afterglow_status'] ?? '') !== '').length;
}

function scoredCompanies({ crm }: Simulator): number {
  return crm.all('companies').filter(({ properties }) => (properties['afterglow_company_score'] ?? '') !== '')
    .length;
}

function everySecond(say: (line: string) => void): (line: string) => void {
  let lastMs = 0;
  return (line) => {
    if (Date.now() - lastMs < 1000) return;
    lastMs = Date.now();
    say(line);
  };
}
