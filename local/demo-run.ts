import { readFileSync } from 'node:fs';
import type { Target } from '../cli/target.ts';
import { modelInputs } from '../lambdas/events/property-facts.ts';
import { outputProperties } from '../lambdas/hubspot/outputs.ts';
import { provisionContactProperties } from '../lambdas/hubspot/properties.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { compareWithTable, countFacts, type LocalTable } from './check-table.ts';
import { checkPortal } from './demo/check-portal.ts';
import { planHappenings } from './demo/happenings.ts';
import { playHappenings } from './demo/play.ts';
import { createPortal } from './demo/portal.ts';
import { formatWarmest, warmest } from './demo/warmest.ts';
import type { Simulator } from './hubspot/simulator.ts';
import type { StartOptions } from './options.ts';
import type { LocalSystem } from './runner/local-system.ts';

/** Share of webhook events that the simulated HubSpot delivers twice. */
const DUPLICATE_RATE = 0.15;
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
  /** Contacts for which HubSpot differs from the table or from the oracle. */
  readonly mismatches: number;
}

/** Makes a portal, lets things happen in it, waits until all is scored, checks every contact, and prints the warmest. */
export async function runDemo(parts: DemoParts): Promise<DemoSummary> {
  const { simulator, system, options, secrets, say, model } = parts;
  await provision(parts);
  simulator.setWebhooks({
    targetUrl: `${system.ingestUrl}/webhooks/hubspot`,
    subscriptions: subscriptionsOf(model),
    duplicateRate: DUPLICATE_RATE,
    reorder: true,
  });
  const startedAtMs = system.now();
  const portal = createPortal(simulator.crm, {
    contacts: options.contacts,
    seed: options.seed,
    nowMs: startedAtMs,
  });
  const happenings = planHappenings(portal.contacts, { seed: options.seed, nowMs: startedAtMs });
  say(
    `Portal 1: ${portal.contacts.length} contacts in ${portal.companyIds.length} companies; ${happenings.length} things happen.`,
  );
  const said = everySecond(say);
  const played = await playHappenings({
    simulator,
    ingestUrl: system.ingestUrl,
    ...secrets,
    happenings,
    seed: options.seed,
    onProgress: ({ delivered, distinct }) => said(`  delivered ${delivered} events, ${distinct} distinct`),
  });
  say(`Delivered ${played.delivered} signed events, ${played.distinct} of them distinct. Scoring …`);
  const timer = setInterval(
    () => say(`  ${scoredContacts(simulator)} contacts scored, ${simulator.calls.length} calls to HubSpot`),
    2000,
  );
  const sinceMs = await settle(system).finally(() => clearInterval(timer));
  const ids = portal.contacts.map(({ id }) => id);
  const differences = [
    ...(await compareWithTable(parts.table, simulator.crm, ids)),
    ...checkPortal({
      crm: simulator.crm,
      modelYaml: readFileSync(options.model, 'utf8'),
      contacts: portal.contacts,
      happenings,
      sinceMs,
      nowMs: system.now(),
      creationsHeard: true,
    }),
  ];
  for (const { contactId, reason } of differences.slice(0, 20))
    say(`MISMATCH contact ${contactId}: ${reason}`);
  say(`\n${formatWarmest(warmest(simulator.crm, WARMEST), process.stdout.columns)}\n`);
  return {
    ...played,
    facts: await countFacts(parts.table),
    contactsScored: scoredContacts(simulator),
    hubspotCalls: simulator.calls.length,
    rateLimited: simulator.calls.filter(({ status }) => status === 429).length,
    mismatches: new Set(differences.map(({ contactId }) => contactId)).size,
  };
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
  await provisionContactProperties(target.hubspotUrl, target.send, outputProperties(model), ({ did }) => {
    if (did === 'created') created += 1;
  });
  say(`Provisioned the contact properties: ${created} created.`);
}

/** What the model reads, and what befalls records; the lead status also as a generic event, as some apps subscribe. */
function subscriptionsOf(model: Model): string[] {
  return [
    ...modelInputs(model).map((property) => `contact.propertyChange:${property}`),
    'object.propertyChange:0-1:hs_lead_status',
    'contact.propertyChange:email',
    ...['creation', 'deletion', 'restore', 'merge', 'privacyDeletion'].map((action) => `contact.${action}`),
  ];
}

function scoredContacts({ crm }: Simulator): number {
  return crm.all('contacts').filter(({ properties }) => (properties['afterglow_status'] ?? '') !== '').length;
}

function everySecond(say: (line: string) => void): (line: string) => void {
  let lastMs = 0;
  return (line) => {
    if (Date.now() - lastMs < 1000) return;
    lastMs = Date.now();
    say(line);
  };
}
