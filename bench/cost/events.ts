// What a million events cost, by our design and by two others.
import { dollarsByService, dollarsOf, times, total, type Usage } from './bill.ts';
import { type Counted, type MeasuredSystem, STAGES, type Stage, usageOfStage } from './measured.ts';
import { deliverSingly, runTransactions } from './rivals.ts';
import {
  type CountedEvents,
  contactsOf,
  countRequests,
  deliverRequest,
  type Prepared,
  requestsOf,
  type Scenario,
} from './scenarios.ts';

export const OURS = 'Afterglow';
export const TRANSACTION = 'transaction';
export const SINGLY = 'one event per message';
const MILLION = 1_000_000;

/** Of a million events. */
export interface EventCosts extends Scenario {
  readonly design: string;
  readonly dollars: number;
  /** Of these, until the score stands in the table and write-back is asked: what the designs differ in. */
  readonly dollarsUntilScored: number;
  readonly byStage: Readonly<Record<string, number>>;
  readonly byService: Readonly<Record<string, number>>;
  /** Capacity units for each event that scoring takes: in the table, in the indexes, and of reads. */
  readonly writeUnits: number;
  readonly indexUnits: number;
  readonly readUnits: number;
  /** Mean of the invocations for which no process was started, by door. */
  readonly milliseconds: Readonly<Record<string, number>>;
  readonly coldStarts: number;
  readonly eventsCounted: number;
}

type ByStage = Readonly<Record<Stage, Usage>>;
type Units = Pick<EventCosts, 'writeUnits' | 'indexUnits' | 'readUnits'>;

/** What was counted of ours, and what it costs. */
export interface Ours {
  readonly costs: EventCosts;
  readonly happened: CountedEvents;
}

export async function measureOurs(measured: MeasuredSystem, prepared: Prepared): Promise<Ours> {
  const happened = await countRequests(measured, prepared, (request) => deliverRequest(measured, request));
  return { costs: told(costsOf(OURS, prepared.scenario, happened)), happened };
}

/** The way before and after scoring is that of ours. */
export async function measureTransactions(
  { system }: MeasuredSystem,
  { costs, happened }: Ours,
): Promise<EventCosts> {
  const contactIds = Array.from({ length: contactsOf(costs, happened.events) }, (_, at) => `${at}`);
  const requests = requestsOf(costs, contactIds, system.now());
  const { usage, tableUnits, indexUnits } = await runTransactions(requests, costs.night, system.sqsUrl);
  const { events } = happened;
  const units = { writeUnits: tableUnits / events, indexUnits: indexUnits / events, readUnits: 0 };
  return told(costsOf(TRANSACTION, costs, happened, { scorer: usage }, units));
}

/** The requests to the API are those of ours: it takes as many calls to send ten messages as to send one. */
export async function measureSingly(
  measured: MeasuredSystem,
  prepared: Prepared,
  { happened: ours }: Ours,
): Promise<EventCosts> {
  const happened = await countRequests(measured, prepared, (request) => deliverSingly(measured, request));
  const ingest = times(usageOfStage('ingest', ours.counted), happened.events / ours.events);
  return told(costsOf(SINGLY, prepared.scenario, happened, { ingest }));
}

function costsOf(
  design: string,
  { workload, night, ofCompanies }: Scenario,
  { events, counted }: CountedEvents,
  instead: Partial<ByStage> = {},
  units: Units = unitsOf(counted, events),
): EventCosts {
  const stages = STAGES.map((stage) => ({
    stage,
    usage: times(instead[stage] ?? usageOfStage(stage, counted), MILLION / events),
  }));
  const byStage = Object.fromEntries(stages.map(({ stage, usage }) => [stage, dollarsOf(usage)]));
  const all = total(stages.map(({ usage }) => usage));
  return {
    design,
    workload,
    night,
    ofCompanies,
    dollars: dollarsOf(all),
    dollarsUntilScored: (byStage['ingest'] ?? 0) + (byStage['scorer'] ?? 0),
    byStage,
    byService: dollarsByService(all),
    ...units,
    milliseconds: millisecondsOf(counted),
    coldStarts: counted.invocations.filter(({ isCold }) => isCold).length,
    eventsCounted: events,
  };
}

function unitsOf({ calls }: Counted, events: number): Units {
  const ofScorer = calls.filter(({ door }) => door === 'scorer');
  const each = (name: 'read' | 'write' | 'indexWrite'): number =>
    ofScorer.reduce((sum, { units }) => sum + (units?.[name] ?? 0), 0) / events;
  return { writeUnits: each('write'), indexUnits: each('indexWrite'), readUnits: each('read') };
}

/** @returns by door, doors without an invocation left out */
export function millisecondsOf({ invocations }: Counted): Record<string, number> {
  const warm = invocations.filter(({ isCold }) => !isCold);
  const byDoor = Map.groupBy(warm, ({ door }) => door);
  return Object.fromEntries(
    [...byDoor].map(([door, some]) => [
      door,
      some.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / some.length,
    ]),
  );
}

function told(costs: EventCosts): EventCosts {
  const { design, workload, night, ofCompanies, dollars } = costs;
  const who = ofCompanies ? `${workload}, with companies` : workload;
  console.error(`${design}: ${who}, night ${night}: $${dollars.toFixed(2)} per million events`);
  return costs;
}
