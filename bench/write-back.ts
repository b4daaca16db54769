// Four writers bring the same 20,000 changed contacts to HubSpot, side by side: calm, with faults, and with a rival on the token.
import pMap from 'p-map';
import { LIMIT_PER_10_SECONDS, RESERVE_PER_10_SECONDS } from './virtual/limits.ts';
import { CONDITIONS, OURS, type RaceFigures, WRITERS } from './virtual/race.ts';
import { raceInThread } from './virtual/race-thread.ts';

const CONTACTS = 20_000;
const SEED = 1;
const GOAL_SHARE_OF_ALLOWED = 0.95;
/** Races at the same time; one of them needs a core of its own. */
const RACES_AT_ONCE = 2;

export interface WriteBackFigures {
  readonly contacts: number;
  readonly seed: number;
  /** Calls the token may make in any 10 s, and of these, calls that ours leaves to others. */
  readonly limitPer10Seconds: number;
  readonly reservePer10Seconds: number;
  /** Each writer under each condition. */
  readonly runs: readonly RaceFigures[];
  readonly writers: readonly {
    readonly writer: string;
    readonly source: string;
    readonly whatItDoesNotDo: readonly string[];
  }[];
  readonly isGoalMet: boolean;
}

/** Runs every writer under every condition. The figures do not depend on the machine, only how long it takes does. */
export async function run({
  contacts = CONTACTS,
}: {
  readonly contacts?: number;
}): Promise<WriteBackFigures> {
  const races = CONDITIONS.flatMap((condition) => WRITERS.map(({ name }) => ({ condition, writer: name })));
  let done = 0;
  const runs = await pMap(
    races,
    async ({ condition, writer }) => {
      const figures = await raceInThread({ condition, writer, contacts, seed: SEED });
      console.error(`${++done}/${races.length} ${condition}: ${writer}, ${figures.right} right`);
      return figures;
    },
    { concurrency: RACES_AT_ONCE },
  );
  return {
    contacts,
    seed: SEED,
    limitPer10Seconds: LIMIT_PER_10_SECONDS,
    reservePer10Seconds: RESERVE_PER_10_SECONDS,
    runs,
    writers: WRITERS.map(({ name, source, doesNot }) => ({ writer: name, source, whatItDoesNotDo: doesNot })),
    isGoalMet: isGoalMet(runs, contacts),
  };
}

/** Of ours alone: nothing lost, nothing doubled, no window over the limit, and calm, hardly a call left unused. */
function isGoalMet(runs: readonly RaceFigures[], contacts: number): boolean {
  return runs
    .filter(({ writer }) => writer === OURS)
    .every(
      ({ condition, right, doubled, windowsOver, rateLimitedShare, rivalRefused, shareOfAllowedUsed }) =>
        right === contacts &&
        doubled === 0 &&
        windowsOver === 0 &&
        (condition !== 'rival' || (rateLimitedShare === 0 && rivalRefused === 0)) &&
        (condition !== 'calm' || shareOfAllowedUsed >= GOAL_SHARE_OF_ALLOWED),
    );
}

/** The figures for people: a table, then what each writer does not do. */
export function print({ runs, writers, isGoalMet: isMet }: WriteBackFigures): void {
  const rows = runs.map(({ faults, rivalCalls: _calls, rivalRefused: _refused, ...figures }) => ({
    ...figures,
    faults: Object.values(faults).reduce((sum, count) => sum + count, 0),
  }));
  console.table(rows);
  for (const { writer, source, whatItDoesNotDo } of writers) {
    console.log(`\n${writer} (${source}) does not`);
    for (const what of whatItDoesNotDo) console.log(`- ${what}`);
  }
  console.log(`\nThe goal is ${isMet ? 'met' : 'missed'}.`);
}
