// A short story in which every function does all it can: what it called of AWS is what it may call.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModelFile } from '../../../cli/model-file.ts';
import { subscriptionsOf } from '../../../lambdas/events/subscriptions.ts';
import { Budget } from '../../../lambdas/hubspot/budget.ts';
import { type BudgetState, FULL_BUDGET } from '../../../lambdas/hubspot/budget-state.ts';
import { outputProperties } from '../../../lambdas/hubspot/outputs.ts';
import { provisionProperties } from '../../../lambdas/hubspot/properties.ts';
import { transportOf } from '../../../lambdas/hubspot/transport.ts';
import type { Happening } from '../../../local/demo/happenings.ts';
import { playHappenings } from '../../../local/demo/play.ts';
import type { Fault, FaultableCall } from '../../../local/hubspot/faults.ts';
import { signV3 } from '../../../local/hubspot/sign.ts';
import { type Simulator, startSimulator } from '../../../local/hubspot/simulator.ts';
import { type LocalSystem, startLocalSystem } from '../../../local/runner/local-system.ts';
import type { AwsCall } from '../../../local/runner/recorder.ts';
import { parseTemplate, type Template } from '../../../local/runner/template.ts';
import { synthesize } from '../../../local/synthesize.ts';

const CLIENT_SECRET = 'local-client-secret';
const SIGNALS_SECRET = `whsec_${Buffer.from('for this story and no other').toString('base64')}`;
const MODEL_FILE = 'models/b2b-saas.yaml';
const HOUR_MS = 3_600_000;

export interface Told {
  /** As it would be deployed. */
  readonly template: Template;
  readonly calls: readonly AwsCall[];
  /** How often something was done that the story needs: each at least once, or it proves nothing. */
  readonly happened: Readonly<Record<'deadLetters' | 'nights' | 'explained' | 'refusedCalls', number>>;
}

/** What HubSpot does to the next calls. */
type Trouble = (call: FaultableCall) => Fault | undefined;

interface Stage {
  readonly system: LocalSystem;
  readonly simulator: Simulator;
  readonly trouble: { now: Trouble | undefined };
}

/** @param settings - over those of the stack: `writeBack.urgent` */
export async function tellStory(settings: Readonly<Record<string, string>>): Promise<Told> {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-story-'));
  const assemblyDirectory = join(directory, 'cdk.out');
  const stops: (() => Promise<void>)[] = [];
  try {
    await synthesize(assemblyDirectory, { portalId: '1', model: MODEL_FILE, timeZone: 'UTC', ...settings });
    const stage = await setStage(assemblyDirectory, directory, stops);
    const happened = await play(stage);
    const file = join(assemblyDirectory, 'Afterglow.template.json');
    return {
      template: parseTemplate(JSON.parse(readFileSync(file, 'utf8'))),
      calls: [...stage.system.calls()],
      happened,
    };
  } finally {
    for (const stop of stops.toReversed()) await stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function setStage(
  assemblyDirectory: string,
  logDirectory: string,
  stops: (() => Promise<void>)[],
): Promise<Stage> {
  const trouble: Stage['trouble'] = { now: undefined };
  let system: LocalSystem | undefined;
  const simulator = await startSimulator({
    clock: () => system?.now() ?? Date.now(),
    propertyLagMs: [0, 0],
    faults: (call) => trouble.now?.(call),
  });
  stops.push(() => simulator.stop());
  system = await startLocalSystem({
    assemblyDirectory,
    ingestPort: 0,
    hubspotUrl: simulator.url,
    hubspotAccessToken: 'local-access-token',
    clientSecret: CLIENT_SECRET,
    signalsSecret: SIGNALS_SECRET,
    writeBackWindowSeconds: 1,
    logDirectory,
    recordCalls: true,
    log: () => undefined,
  });
  const runner = system;
  stops.push(() => runner.stop());
  const model = readModelFile(MODEL_FILE);
  await provisionProperties(simulator.url, sendAlone(), outputProperties(model), () => undefined);
  simulator.setWebhooks({
    targetUrl: `${system.ingestUrl}/webhooks/hubspot`,
    subscriptions: subscriptionsOf(model),
    duplicateRate: 0.2,
    reorder: true,
  });
  return { system, simulator, trouble };
}

/** Calls HubSpot as a command does, with a budget of its own. */
function sendAlone() {
  let budgetState: BudgetState = FULL_BUDGET;
  const store = {
    read: async () => budgetState,
    update: async <T>(change: (state: BudgetState) => { state: BudgetState; result: T }) => {
      const { state, result } = change(budgetState);
      budgetState = state;
      return result;
    },
  };
  const limits = { limit: 100, reserve: 0, dailyLimit: 250_000, dailyReservePercent: 0 };
  return transportOf({
    budget: new Budget(store, limits, { clock: Date.now, timeZone: () => 'UTC' }),
    readToken: async () => 'local-access-token',
    clock: Date.now,
    onAnswer: () => undefined,
  });
}

async function play(stage: Stage): Promise<Told['happened']> {
  const { system, simulator } = stage;
  const people = await makePeople(stage);
  await hearOfThem(stage, people);
  await changeRecords(stage, people);
  await meetTrouble(stage, people);
  await goUnheard(stage, people);
  // In the first night nothing is credited yet: the second reports the month before.
  const { nights } = await system.advanceClock(50);
  await settle(stage);
  const answers = await Promise.all(
    people.map((id) => fetch(`${system.ingestUrl}/contacts/${id}/score`).then(({ status }) => status)),
  );
  return {
    nights,
    explained: answers.filter((status) => status === 200).length,
    deadLetters: (await system.deadLetters()).length,
    refusedCalls: simulator.calls.filter(({ status }) => status === 401).length,
  };
}

/** Until nothing is under way, and what is postponed for minutes is done too. */
async function settle({ system, simulator }: Stage): Promise<void> {
  await simulator.settled();
  await system.passTime({
    mostMs: 48 * HOUR_MS,
    mostWallMs: 60_000,
    alsoDue: () => simulator.landings.due(),
    progress: () => simulator.calls.length,
    onMoved: async () => {
      simulator.landings.catchUp();
      await simulator.settled();
    },
  });
}

/** Six people of two companies, three of them with a deal. */
async function makePeople(stage: Stage): Promise<string[]> {
  const { crm } = stage.simulator;
  const companies = ['First', 'Second'].map((name) =>
    crm.create('companies', { name, numberofemployees: 120 }),
  );
  const people = Array.from({ length: 6 }, (_, at) =>
    crm.create('contacts', { email: `person${at}@example.com`, jobtitle: 'CTO' }),
  );
  people.forEach((id, at) =>
    crm.associate('contacts', id, 'companies', companies[at % 2] ?? '', { primary: true }),
  );
  const deal = crm.create('deals', { dealname: 'One', pipeline: 'default', dealstage: 'qualifiedtobuy' });
  for (const id of people.slice(0, 3)) crm.associate('deals', deal, 'contacts', id);
  await settle(stage);
  crm.set('deals', deal, { dealstage: 'closedlost' });
  await settle(stage);
  return people;
}

/** Events by every route, one that nobody can understand, and one from an address that nobody has yet. */
async function hearOfThem(stage: Stage, people: readonly string[]): Promise<void> {
  const { system, simulator } = stage;
  const [first = '', second = '', third = ''] = people;
  const atMs = system.now() - HOUR_MS;
  const signal = (
    contactId: string,
    name: string,
    postId: string,
    address: { email: string } | { contactId: string },
  ) => ({ kind: 'signal', contactId, signal: name, atMs, address, postId, index: 0 }) as const;
  const happenings: Happening[] = [
    {
      kind: 'property',
      contactId: first,
      property: 'hs_lead_status',
      value: 'CONNECTED',
      atMs,
      changeSource: 'CRM_UI',
    },
    signal(first, 'trial.started', 'one', { contactId: first }),
    signal(second, 'trial.started', 'two', { email: 'person1@example.com' }),
    signal(third, 'trial.started', 'three', { email: 'later@example.com' }),
    {
      kind: 'workflow',
      contactId: third,
      workflowId: '77',
      signal: 'webinar.attended',
      atMs,
      address: { contactId: third },
      properties: { jobtitle: 'CEO' },
    },
  ];
  await playHappenings({
    simulator,
    ingestUrl: system.ingestUrl,
    signalsSecret: SIGNALS_SECRET,
    clientSecret: CLIENT_SECRET,
    happenings,
  });
  await post(
    system,
    JSON.stringify([{ subscriptionType: 'contact.propertyChange', portalId: 1, objectId: 'what' }]),
  );
  await settle(stage);
  simulator.crm.create('contacts', { email: 'later@example.com' }); // What waited under the address is theirs now.
  await settle(stage);
}

async function post({ ingestUrl }: LocalSystem, body: string): Promise<void> {
  const uri = `${ingestUrl}/webhooks/hubspot`;
  const timestamp = String(Date.now());
  const signature = signV3({ method: 'POST', uri, body, timestamp, secret: CLIENT_SECRET });
  const { status } = await fetch(uri, {
    method: 'POST',
    headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp },
    body,
  });
  if (status !== 202) throw new Error(`ingest answered ${status}`);
}

/** People and companies change, merge, part, go and come back. */
async function changeRecords(stage: Stage, people: readonly string[]): Promise<void> {
  const { crm } = stage.simulator;
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = people;
  const [one = '', other = ''] = crm.all('companies').map(({ id }) => id);
  crm.set('companies', one, { numberofemployees: 5 });
  crm.associate('contacts', fifth, 'companies', other, { primary: true });
  await settle(stage);
  crm.merge('contacts', first, second);
  crm.merge('companies', one, other);
  crm.delete('contacts', fourth);
  await settle(stage);
  crm.restore('contacts', fourth);
  crm.privacyDelete(third);
  await settle(stage);
}

/** What no webhook tells of, so that a night has to find it: people and companies who come, change, move and merge. */
async function goUnheard({ simulator }: Stage, people: readonly string[]): Promise<void> {
  const { crm } = simulator;
  const [, , , fourth = '', fifth = '', sixth = ''] = people;
  simulator.setWebhooks({ targetUrl: simulator.url, subscriptions: [] });
  crm.create('contacts', { email: 'unheard@example.com', jobtitle: 'CTO' });
  crm.set('contacts', fourth, { hs_lead_status: 'CONNECTED', email: 'moved@example.com' });
  const company = crm.create('companies', { name: 'Third', numberofemployees: 120 });
  crm.associate('contacts', fourth, 'companies', company, { primary: true });
  const [known = ''] = crm.all('companies').map(({ id }) => id);
  crm.set('companies', known, { numberofemployees: 7 });
  crm.merge('contacts', fifth, sixth);
  await simulator.settled();
}

const isWrite = ({ method, path }: FaultableCall) =>
  method === 'PATCH' || path.endsWith('/contacts/batch/update');

/** Writes whose outcome is unknown, records that are refused for good, and a token that is refused for a while. */
async function meetTrouble(stage: Stage, people: readonly string[]): Promise<void> {
  const { crm } = stage.simulator;
  const [, , , fourth = '', fifth = '', sixth = ''] = people;
  const during = async (trouble: Trouble, act: () => void) => {
    stage.trouble.now = trouble;
    act();
    await stage.simulator.settled();
    await stage.system.drained({ flushWindows: true });
    stage.trouble.now = undefined;
    await settle(stage);
  };
  await during(
    (call) => (isWrite(call) ? { kind: 'no-answer', lands: 'before' } : undefined),
    () => crm.set('contacts', fifth, { hs_lead_status: 'CONNECTED' }),
  );
  await during(
    (call) => (isWrite(call) ? { kind: 'answer', status: 400 } : undefined),
    () => crm.set('contacts', fourth, { hs_lead_status: 'UNQUALIFIED' }),
  );
  await during(
    () => ({ kind: 'answer', status: 401 }),
    () => {
      crm.set('contacts', sixth, {
        hs_lead_status: 'CONNECTED',
        hs_analytics_last_url: 'https://www.example.com/pricing',
      });
      crm.set('contacts', fifth, { hs_lead_status: 'UNQUALIFIED' });
    },
  );
}
