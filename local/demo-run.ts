import { readFileSync } from 'node:fs';
import type { Target } from '../cli/target.ts';
import { subscriptionsOf } from '../lambdas/events/subscriptions.ts';
import { outputProperties } from '../lambdas/hubspot/outputs.ts';
import { provisionProperties } from '../lambdas/hubspot/properties.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { compareWithTable, countFacts, type LocalTable } from './check-table.ts';
import { checkPortal, type Mismatch } from './demo/check-portal.ts';
import { type LabelledBurst, planHappenings } from './demo/happenings.ts';
import type { PortalStory } from './demo/oracle-portal.ts';
import { playHappenings } from './demo/play.ts';
import { createPortal } from './demo/portal.ts';
import { planRecords } from './demo/record-happenings.ts';
import { formatWarmest, warmest } from './demo/warmest.ts';
import type { Simulator } from './hubspot/simulator.ts';
import type { StartOptions } from './options.ts';
import type { LocalSystem } from './runner/local-system.ts';

/** Share of webhook events that the simulated HubSpot delivers twice. */
const DUPLICATE_RATE = 0.15;
/** Some apps subscribe to a change by HubSpot's generic events; told both ways it is one fact. */
const GENERIC = 'object.propertyChange:0-1:hs_lead_status';
const WARMEST = 10;

export interface DemoParts {
  readonly simulator: Simulator;
  readonly system: LocalSystem;
  readonly target: Target;
  readonly table: LocalTable;
  readonly model: Model;
  readonly options: StartOptions;
  readonly secrets: { readonly clientSecret: string; readonly signalsSecret: string };
  readonly say: (line: string) => void;
}

/** What came of the demo; the JSON line of `--once`. */
export interface DemoSummary {
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
  /** Contacts and companies for which HubSpot differs from the table or from the oracle. */
  readonly mismatches: number;
}

/** Makes a portal, lets things happen in it, waits until all is scored, checks every contact, and prints the warmest. */
export async function runDemo(parts: DemoParts): Promise<DemoSummary> {
  const { simulator, system, options, secrets, say, model } = parts;
  await provision(parts);
  simulator.setWebhooks({
    targetUrl: `${system.ingestUrl}/webhooks/hubspot`,
    subscriptions: [...subscriptionsOf(model), GENERIC],
    duplicateRate: DUPLICATE_RATE,
    reorder: true,
  });
  const story = makeStory(parts);
  const said = everySecond(say);
  const played = await playHappenings({
    simulator,
    ingestUrl: system.ingestUrl,
    ...secrets,
    ...story,
    seed: options.seed,
    onProgress: ({ delivered, distinct }) => said(`  delivered ${delivered} events, ${distinct} distinct`),
  });
  say(`Delivered ${played.delivered} signed events, ${played.distinct} of them distinct. Scoring …`);
  const timer = setInterval(
    () => say(`  ${scoredContacts(simulator)} contacts scored, ${simulator.calls.length} calls to HubSpot`),
    2000,
  );
  const sinceMs = await settle(system).finally(() => clearInterval(timer));
  const differences = await findMismatches(parts, story, sinceMs);
  for (const { record, reason } of differences.slice(0, 20)) say(`MISMATCH ${record}: ${reason}`);
  say(`\n${formatWarmest(warmest(simulator.crm, WARMEST), process.stdout.columns)}\n`);
  return {
    ...played,
    facts: await countFacts(parts.table),
    contactsScored: scoredContacts(simulator),
    hubspotCalls: simulator.calls.length,
    rateLimited: simulator.calls.filter(({ status }) => status === 429).length,
    companiesScored: scoredCompanies(simulator),
    burst: story.burst,
    mismatches: new Set(differences.map(({ record }) => record)).size,
  };
}

interface DemoStory extends PortalStory {
  readonly burst: LabelledBurst | undefined;
}

/** Makes the portal, and plans what is to happen in it. */
function makeStory({ simulator, system, options, say }: DemoParts): DemoStory {
  const { contacts, seed } = options;
  const nowMs = system.now();
  const portal = createPortal(simulator.crm, { contacts, seed, nowMs });
  const { happenings, burst } = planHappenings(portal.contacts, { seed, nowMs });
  const records = planRecords(portal, { seed, nowMs, exceptContactId: burst?.contactId });
  say(
    `Portal 1: ${portal.contacts.length} contacts in ${portal.companies.length} companies; ${happenings.length + records.length} things happen.`,
  );
  if (burst !== undefined)
    say(`  1 burst: ${burst.count} ${burst.label} on contact ${burst.contactId}, within ${burst.seconds} s`);
  return { portal, happenings, records, burst };
}

/** Holds HubSpot against the table, and against the oracle. */
async function findMismatches(
  { simulator, system, table, options }: DemoParts,
  story: DemoStory,
  sinceMs: number,
): Promise<Mismatch[]> {
  const ids = story.portal.contacts.map(({ id }) => id);
  return [
    ...(await compareWithTable(table, simulator.crm, ids)).map(({ contactId, reason }) => ({
      record: `contact ${contactId}`,
      reason,
    })),
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

/** Waits until all is scored and written, then lets fade what fell due meanwhile. @returns when that began, epoch ms */
async function settle(system: LocalSystem): Promise<number> {
  await system.drained({ flushWindows: true });
  const sinceMs = system.now();
  await system.invoke('nightly', { job: 'decay', upTo: 'now' });
  await system.drained({ flushWindows: true });
  return sinceMs;
}

export async function provision({
  target,
  model,
  say,
}: Pick<DemoParts, 'target' | 'model' | 'say'>): Promise<void> {
  let created = 0;
  await provisionProperties(target.hubspotUrl, target.send, outputProperties(model), ({ did }) => {
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
