// What a million events, a night and a month cost on AWS: requests, capacity units, bytes and milliseconds of a local run, times AWS's prices.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModelFile } from '../cli/model-file.ts';
import { PRICES, PRICES_AS_OF, PRICES_REGION } from '../lib/prices.ts';
import { synthesize } from '../local/synthesize.ts';
import {
  type EventCosts,
  measureOurs,
  measureSingly,
  measureTransactions,
  OURS,
  type Ours,
} from './cost/events.ts';
import { type IdleLine, idleLines, readTemplate } from './cost/idle.ts';
import { type MeasuredSystem, PORTAL_ID } from './cost/measured.ts';
import { measureNight, type NightCosts } from './cost/night.ts';
import {
  EVENTS_PER_REQUEST,
  prepareAll,
  REQUESTS_PER_MINUTE,
  type Scenario,
  startMorning,
} from './cost/scenarios.ts';
import { readStorage, type StorageFigures } from './cost/storage.ts';
import { transaction } from './recipes/transaction.ts';

const MODEL = join(import.meta.dirname, '../models/b2b-saas.yaml');
const APP_ID = 50_780_459;
const EVENTS = 120;
const MILLION = 1_000_000;
const NIGHTS_PER_MONTH = 30;
const SIZES = [10_000, 100_000, 1_000_000];
/** Two or three visits of each contact. */
const EVENTS_PER_CONTACT_AND_MONTH = 5;

interface Goal {
  readonly goal: string;
  readonly atMost: number;
  readonly measured: number;
  readonly isMet: boolean;
}

/** What a portal of some size costs in a month: at rest, its events, its nights and its table together. */
interface PortalCosts {
  readonly contacts: number;
  readonly eventsPerMonth: number;
  /** Without companies. */
  readonly dollarsPerMonth: number;
  readonly dollarsPerMonthWithCompanies: number;
}

export interface CostFigures {
  readonly pricesAsOf: string;
  readonly region: string;
  /** Prices that stand on no page that could be read: to be compared before they are relied on. */
  readonly pricesFromMemory: readonly string[];
  readonly eventsPerRequest: number;
  readonly requestsPerMinute: number;
  /** Processes that wanted a core of this machine when the run began, for each core: above 1, Lambda's time is told too long. */
  readonly loadPerCore: number;
  readonly perMillionEvents: readonly EventCosts[];
  readonly night: NightCosts;
  readonly idlePerMonth: readonly IdleLine[];
  readonly idleDollars: number;
  readonly storage: StorageFigures;
  readonly portals: readonly PortalCosts[];
  readonly goals: readonly Goal[];
  readonly isGoalMet: boolean;
}

/** @param contacts - events of each scenario */
export async function run({
  contacts: events = EVENTS,
}: {
  readonly contacts?: number;
}): Promise<CostFigures> {
  const assembly = mkdtempSync(join(tmpdir(), 'afterglow-cost-cdk-'));
  try {
    await synthesize(assembly, {
      portalId: PORTAL_ID,
      timeZone: 'UTC',
      ownAppIds: String(APP_ID),
      model: MODEL,
    });
    return await measure(assembly, events);
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}

/**
 * Counts do not depend on the machine; milliseconds do.
 *
 * @param assembly - the synthesized stack, made for portal 1
 * @param events - of each scenario
 */
export async function measure(assembly: string, events: number): Promise<CostFigures> {
  const model = readModelFile(MODEL);
  const loadPerCore = (loadavg()[0] ?? 0) / cpus().length;
  if (loadPerCore > 1)
    console.error('Other work keeps this machine busy: what Lambda costs will be told too high.');
  const measured = await startMorning(assembly, model);
  try {
    const people = await measurePeople(measured, events);
    const customMetrics = measured.metrics().size;
    const storage = await readStorage(measured.system);
    const night = await measureNight(measured, model);
    const perMillionEvents = [...people, ...(await measureCompanies(measured, events))];
    const idlePerMonth = idleLines(readTemplate(assembly), customMetrics);
    const idleDollars = idlePerMonth.reduce((sum, { dollars }) => sum + dollars, 0);
    const goals = goalsOf(perMillionEvents);
    return {
      pricesAsOf: PRICES_AS_OF,
      region: PRICES_REGION,
      pricesFromMemory: Object.entries(PRICES).flatMap(([name, { read }]) => (read === 'memory' ? name : [])),
      eventsPerRequest: EVENTS_PER_REQUEST,
      requestsPerMinute: REQUESTS_PER_MINUTE,
      loadPerCore,
      perMillionEvents,
      night,
      idlePerMonth,
      idleDollars,
      storage,
      portals: SIZES.map((contacts) => portalOf(contacts, { perMillionEvents, night, idleDollars, storage })),
      goals,
      isGoalMet: goals.every(({ isMet }) => isMet),
    };
  } finally {
    await measured.stop();
  }
}

/** Contacts without a company, beside the other designs. */
async function measurePeople(measured: MeasuredSystem, events: number): Promise<EventCosts[]> {
  const nights = ['stays', 'moves'] as const;
  const prepared = await prepareAll(
    measured,
    [
      ...nights.map((night) => ({ workload: 'lone' as const, night, ofCompanies: false })),
      ...nights.map((night) => ({ workload: 'visits' as const, night, ofCompanies: false })),
      { workload: 'four of one contact', night: 'stays', ofCompanies: false },
      { workload: 'lone', night: 'stays', ofCompanies: false },
    ],
    events,
  );
  const ours: Ours[] = [];
  for (const each of prepared.slice(0, -1)) ours.push(await measureOurs(measured, each));
  const costs = ours.map((each) => each.costs);
  for (const each of ours) costs.push(await measureTransactions(measured, each));
  const [singly, [first]] = [prepared.at(-1), ours];
  if (singly !== undefined && first !== undefined) costs.push(await measureSingly(measured, singly, first));
  return costs;
}

/** Contacts with a company each, which is dearest: nobody shares what is done for a company. */
async function measureCompanies(measured: MeasuredSystem, events: number): Promise<EventCosts[]> {
  const scenarios = (['stays', 'moves'] as const).map(
    (night): Scenario => ({ workload: 'visits', night, ofCompanies: true }),
  );
  const costs: EventCosts[] = [];
  for (const prepared of await prepareAll(measured, scenarios, events))
    costs.push((await measureOurs(measured, prepared)).costs);
  return costs;
}

/** Every event is one of a visit that moves the night: the dearer case. */
function portalOf(
  contacts: number,
  {
    perMillionEvents,
    night,
    idleDollars,
    storage,
  }: Pick<CostFigures, 'perMillionEvents' | 'night' | 'idleDollars' | 'storage'>,
): PortalCosts {
  const eventsPerMonth = contacts * EVENTS_PER_CONTACT_AND_MONTH;
  const ofContacts = NIGHTS_PER_MONTH * night.dollarsPerMillionContacts + storage.dollarsPerMillionContacts;
  const month = (ofCompanies: boolean): number => {
    const visits = find(perMillionEvents, { design: OURS, workload: 'visits', night: 'moves', ofCompanies });
    return idleDollars + (eventsPerMonth * visits.dollars + contacts * ofContacts) / MILLION;
  };
  return {
    contacts,
    eventsPerMonth,
    dollarsPerMonth: month(false),
    dollarsPerMonthWithCompanies: month(true),
  };
}

type Wanted = Scenario & Pick<EventCosts, 'design'>;

function find(costs: readonly EventCosts[], wanted: Wanted): EventCosts {
  const found = costs.find(
    ({ design, workload, night, ofCompanies }) =>
      design === wanted.design &&
      workload === wanted.workload &&
      night === wanted.night &&
      ofCompanies === wanted.ofCompanies,
  );
  if (found === undefined) throw new Error(`nothing was counted of ${Object.values(wanted).join(', ')}`);
  return found;
}

function goal(name: string, atMost: number, measured: number): Goal {
  return { goal: name, atMost, measured, isMet: measured <= atMost };
}

/** Of contacts without companies. */
function goalsOf(costs: readonly EventCosts[]): Goal[] {
  const ours = (workload: Scenario['workload'], night: Scenario['night']): EventCosts =>
    find(costs, { design: OURS, workload, night, ofCompanies: false });
  const [stays, moves] = [ours('lone', 'stays'), ours('lone', 'moves')];
  return [
    goal('lone events until scored, night stays: dollars per million', 2.5, stays.dollarsUntilScored),
    goal('lone events until scored, night moves: dollars per million', 4, moves.dollarsUntilScored),
    goal('visits until shown, night stays: dollars per million', 2.5, ours('visits', 'stays').dollars),
    goal('visits until shown, night moves: dollars per million', 4, ours('visits', 'moves').dollars),
    goal('table write units of a lone event', 3, Math.max(stays.writeUnits, moves.writeUnits)),
    goal(
      'table write units of each of four events of one contact',
      1.5,
      ours('four of one contact', 'stays').writeUnits,
    ),
    goal('index write units of a lone event, night stays', 0, stays.indexUnits),
    goal('index write units of a lone event, night moves', 2, moves.indexUnits),
    ...costs
      .filter(({ design }) => design !== OURS)
      .map(({ design, workload, night, dollars }) =>
        goal(
          `share of the dollars of ${design}: ${workload}, night ${night}`,
          1,
          ours(workload, night).dollars / dollars,
        ),
      ),
  ];
}

/** The figures for people. */
export function print({
  perMillionEvents,
  night,
  idlePerMonth,
  idleDollars,
  storage,
  portals,
  goals,
  ...rest
}: CostFigures): void {
  console.log(`Dollars in ${rest.region}, prices of ${rest.pricesAsOf}, without free tier`);
  console.table(
    perMillionEvents.map(({ byStage, byService: _services, milliseconds: _milliseconds, ...costs }) => ({
      ...rounded(costs),
      ...rounded(byStage),
    })),
  );
  console.log('A million events by service:');
  console.table(
    perMillionEvents.map(({ design, workload, night: nightOf, ofCompanies, byService }) => ({
      design,
      workload,
      night: nightOf,
      ofCompanies,
      ...rounded(byService),
    })),
  );
  console.log('A night:');
  console.table(rounded({ ...night, byService: undefined, milliseconds: undefined }));
  console.log('A month in which nothing happens:');
  console.table(idlePerMonth.map(rounded));
  console.log(`Together $${idleDollars.toFixed(2)}. What is stored:`);
  console.table(rounded({ ...storage }));
  console.log('A month of portals:');
  console.table(portals.map(rounded));
  console.table(goals.map(rounded));
  console.log(`The transaction design (${transaction.source}) does not`);
  for (const what of transaction.doesNot) console.log(`- ${what}`);
  console.log(`\nThe goal is ${rest.isGoalMet ? 'met' : 'missed'}.`);
}

/** For a table: as many digits as say something. */
function rounded(figures: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'number' ? Number(value.toPrecision(4)) : value]],
    ),
  );
}
