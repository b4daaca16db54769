// A million contacts over thirty nights: who falls due, what is written, what that takes of HubSpot, of the table and of a processor.
import { join } from 'node:path';
import { readModelFile } from '../cli/model-file.ts';
import { PRICES_AS_OF, PRICES_REGION } from '../lib/prices.ts';
import { NIGHTS, WARMTHS } from './nightly/contacts.ts';
import { type DecisionFigures, measureDecision } from './nightly/decision.ts';
import { playInThreads } from './nightly/month-thread.ts';
import { figuresOfSize, type NightFigures, nightsOf, type SizeFigures } from './nightly/sizes.ts';
import { type ValidationFigures, validateUnits } from './nightly/validation.ts';

const CONTACTS = 1_000_000;
const SEED = 1;
/** Of the largest portal, the parts that are played beside it. */
const PARTS = [100, 10, 1];
const VALIDATED_CONTACTS = 10_000;
const VALIDATED_NIGHTS = 3;

/** What a decision may take. */
const MOST_CPU_SECONDS = 60;
const MOST_MEGABYTES = 256;
/** Of those due, the part that may show the same as before, 0 to 1: what rose and fell again between its due moment and the night. */
const MOST_UNCHANGED = 0.001;
/** How far the model of the table may be from the table, 0 to 1. */
const MOST_DEVIATION = 0.02;
/** How much dearer a contact of the largest portal may be than one of the smallest, as a ratio; of CPU a machine tells less exactly. */
const MOST_GROWTH = 1.05;
const MOST_CPU_GROWTH = 1.25;

interface Goal {
  readonly goal: string;
  readonly atMost: number;
  readonly measured: number;
  readonly isMet: boolean;
}

export interface NightlyFigures {
  readonly seed: number;
  readonly nights: number;
  readonly pricesAsOf: string;
  readonly region: string;
  /** Portals side by side, the smallest first. */
  readonly sizes: readonly SizeFigures[];
  /** Each night of the largest. */
  readonly byNight: readonly NightFigures[];
  /** Of its largest night, and of one on which everybody is due. */
  readonly decisions: readonly DecisionFigures[];
  /** The model of the table's units beside a table. */
  readonly validation: ValidationFigures;
  /** Calls, of all that were made, that were one too many in the 10 s before them. */
  readonly windowsOver: number;
  /** Memory of this process at its highest, the threads included. */
  readonly peakMegabytes: number;
  readonly seconds: number;
  readonly goals: readonly Goal[];
  readonly isGoalMet: boolean;
}

/** @param contacts - of the largest portal */
export async function run({ contacts = CONTACTS }: { readonly contacts?: number }): Promise<NightlyFigures> {
  const startedMs = performance.now();
  const model = readModelFile(join(import.meta.dirname, '../models/b2b-saas.yaml'));
  const validated = Math.min(VALIDATED_CONTACTS, contacts);
  console.error(`${VALIDATED_NIGHTS} nights of ${validated} contacts in a table ...`);
  const validation = await validateUnits(model, {
    contacts: validated,
    nights: VALIDATED_NIGHTS,
    seed: SEED,
  });
  const months = [];
  for (const part of PARTS) {
    const size = Math.ceil(contacts / part);
    console.error(`${NIGHTS} nights of ${size} contacts ...`);
    months.push(await playInThreads({ contacts: size, seed: SEED }, tellEveryTenth(size)));
  }
  const sizes = [];
  let windowsOver = 0;
  for (const month of months) {
    const { windowsOver: over, ...figures } = await figuresOfSize(month);
    sizes.push(figures);
    windowsOver += over;
  }
  const byNight = months.slice(-1).flatMap(nightsOf);
  console.error('The decision ...');
  const mostDue = Math.max(...byNight.map(({ due }) => due));
  const decisions = [await measureDecision(mostDue), await measureDecision(contacts)];
  const measured = { sizes, decisions, validation, windowsOver };
  const goals = goalsOf(measured);
  return {
    seed: SEED,
    nights: NIGHTS,
    pricesAsOf: PRICES_AS_OF,
    region: PRICES_REGION,
    ...measured,
    byNight,
    peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
    seconds: Math.round((performance.now() - startedMs) / 1000),
    goals,
    isGoalMet: goals.every(({ isMet }) => isMet),
  };
}

function tellEveryTenth(size: number): (played: number) => void {
  let told = 0;
  return (played) => {
    const tenths = Math.floor((10 * played) / size);
    if (tenths > told) console.error(`  ${played} contacts`);
    told = tenths;
  };
}

function goal(name: string, atMost: number, measured: number): Goal {
  return { goal: name, atMost, measured, isMet: measured <= atMost };
}

function goalsOf({
  sizes,
  decisions,
  validation: { contacts: _contacts, nights: _nights, repaired, ...compared },
  windowsOver,
}: Pick<NightlyFigures, 'sizes' | 'decisions' | 'validation' | 'windowsOver'>): Goal[] {
  const growth = (of: (size: SizeFigures) => number): number => {
    const [smallest = Number.NaN, ...others] = sizes.map(of);
    return (others.at(-1) ?? Number.NaN) / smallest;
  };
  return [
    ...decisions.flatMap(({ due, ticked, cpuSeconds, peakMegabytes }) => [
      goal(`CPU seconds to decide, ${due} due`, MOST_CPU_SECONDS, cpuSeconds),
      goal(`MB to decide, ${due} due`, MOST_MEGABYTES, peakMegabytes),
      goal(`contacts due and not ticked, ${due} due`, 0, due - ticked),
    ]),
    ...sizes.map(({ contacts, due, unchanged }) =>
      goal(`share of those due that show the same, ${contacts} contacts`, MOST_UNCHANGED, unchanged / due),
    ),
    ...Object.entries(compared).map(([name, { ratio }]) =>
      goal(`model against table: ${name}, deviation`, MOST_DEVIATION, Math.abs(ratio - 1)),
    ),
    goal('records that a night found amiss where nothing was', 0, repaired),
    goal('calls too many in any 10 s', 0, windowsOver),
    goal(
      'growth of dollars per contact',
      MOST_GROWTH,
      growth((size) => size.dollarsPerMillion),
    ),
    goal(
      'growth of calls per contact',
      MOST_GROWTH,
      growth((size) => size.callsPerMillion),
    ),
    goal(
      'growth of CPU per contact',
      MOST_CPU_GROWTH,
      growth((size) => size.cpuMicrosecondsPerContact),
    ),
  ];
}

/** The figures for people. */
export function print({ sizes, byNight, decisions, validation, goals, ...rest }: NightlyFigures): void {
  console.log('Contacts, how busy they are:');
  console.table(WARMTHS);
  console.log(
    `${rest.nights} nights, seed ${rest.seed}; dollars in ${rest.region}, prices of ${rest.pricesAsOf}:`,
  );
  console.table(
    Object.fromEntries(
      sizes.map(({ full: _full, rolling: _rolling, contacts, ...size }) => [contacts, rounded(size)]),
    ),
  );
  console.log('A night that lists all records:');
  console.table(Object.fromEntries(sizes.map(({ contacts, full }) => [contacts, rounded(full)])));
  console.log('A night that lists a share of them:');
  console.table(Object.fromEntries(sizes.map(({ contacts, rolling }) => [contacts, rounded(rolling)])));
  console.log('Night by night, the largest portal:');
  console.table(byNight);
  console.log('The decision:');
  console.table(decisions.map(rounded));
  const { contacts, nights, repaired: _none, ...compared } = validation;
  console.log(`The model of the table beside a table, ${nights} nights of ${contacts} contacts:`);
  console.table(Object.fromEntries(Object.entries(compared).map(([name, each]) => [name, rounded(each)])));
  console.table(goals.map(rounded));
  console.log(
    `${rest.seconds} s, ${rest.peakMegabytes} MB at the highest. The goal is ${rest.isGoalMet ? 'met' : 'missed'}.`,
  );
}

/** For a table: as many digits as say something. */
function rounded(figures: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
    ]),
  );
}
