import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

/** Twelve races of few contacts are many for a machine that has other things to do. */
const LONGEST_MS = 120_000;

const ROOT = join(import.meta.dirname, '..');

/** The figures of costs, as far as they are looked at here. */
const COST = v.looseObject({
  perMillionEvents: v.array(
    v.looseObject({
      design: v.string(),
      workload: v.string(),
      night: v.string(),
      ofCompanies: v.boolean(),
      writeUnits: v.number(),
      indexUnits: v.number(),
      readUnits: v.number(),
      eventsCounted: v.number(),
      byService: v.record(v.string(), v.number()),
    }),
  ),
  night: v.looseObject({ due: v.number() }),
});

/** What a measurement writes to standard output. */
function bench(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    // Whether the goal is met, and so the status, depends on the machine.
    execFile(process.execPath, [join(ROOT, 'bench/bench.ts'), ...args], (_error, stdout) => resolve(stdout));
  });
}

/** The figures that a section of the page explains, and those that stand above all sections. */
function explained(name: string): string[] {
  const page = readFileSync(join(ROOT, 'docs/benchmarks.md'), 'utf8');
  const section = page.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';
  return ['bench', 'isGoalMet', ...[...section.matchAll(/`(\w+)`/g)].map(([, figure = '']) => figure)];
}

/** The names of figures, also of those in lists; what stands in an object goes by names of its own. */
function namesIn(figures: object): string[] {
  const lists = Object.values(figures).filter((value) => Array.isArray(value));
  const inLists = lists.flat().filter((item) => typeof item === 'object' && item !== null);
  return [...new Set([...Object.keys(figures), ...inLists.flatMap(namesIn)])];
}

test.each([[['explain', '--contacts', '300']], [['ingest']], [['write-back', '--contacts', '200']]])(
  '%j with --json writes one JSON object and nothing else, of figures that docs/benchmarks.md explains',
  async ([name = '', ...args]) => {
    const figures: Record<string, unknown> = JSON.parse(await bench(name, ...args, '--json'));

    expect(figures['bench']).toBe(name);
    expect(namesIn(figures).filter((figure) => !explained(name).includes(figure))).toEqual([]);
  },
  LONGEST_MS,
);

/** Units to the quarter below: once a day a process notes what arrives, which is a few units more for all events together. */
function quarters(units: number): number {
  return Math.floor(units * 4) / 4;
}

/** What the cost of events without companies was counted from: units of the table, of the indexes and of reads for each event. */
function countedOf(printed: string) {
  if (printed === '') return undefined;
  const figures = v.parse(COST, JSON.parse(printed));
  const events = figures.perMillionEvents.filter(({ ofCompanies }) => !ofCompanies);
  return {
    unexplained: namesIn(figures).filter((figure) => !explained('cost').includes(figure)),
    due: figures.night.due,
    units: Object.fromEntries(
      events.map(({ design, workload, night, writeUnits, indexUnits, readUnits }) => [
        `${design}, ${workload}, ${night}`,
        [quarters(writeUnits), indexUnits, quarters(readUnits)],
      ]),
    ),
    apiDollars: [...new Set(events.map(({ byService }) => byService['API Gateway']?.toFixed(4)))],
  };
}

/** By hand, for 20 events of each kind. */
const COUNTED = {
  unexplained: [],
  // Everybody who did something today: three times 20 who did one thing, twice 10 who did two things, and 5 who did four.
  due: 20 + 20 + 20 + 10 + 10 + 5,
  units: {
    // A fact and a head; a contact's rows and its facts are read; the index is left and entered.
    'Afterglow, lone, stays': [2, 0, 2],
    'Afterglow, lone, moves': [2, 2, 2],
    'Afterglow, visits, stays': [1.5, 0, 1],
    'Afterglow, visits, moves': [1.5, 1, 1],
    'Afterglow, four of one contact, stays': [1.25, 0, 0.5],
    'one event per message, lone, stays': [2, 0, 2],
    // In a transaction each of the two rows costs two.
    'transaction, lone, stays': [4, 0, 0],
    'transaction, lone, moves': [4, 2, 0],
    'transaction, visits, stays': [4, 0, 0],
    'transaction, visits, moves': [4, 1, 0],
    'transaction, four of one contact, stays': [4, 0, 0],
  },
  // A request for ten events is 100,000 requests for a million, at a dollar a million; five who do four things each make three.
  apiDollars: ['0.1000', '0.1500'],
};

// The engine that tells what indexes and transactions cost is there on Linux x64 only; elsewhere nothing is told.
const DYNOXIDE = join(ROOT, 'node_modules/@dynoxide/linux-x64/dynoxide');

test(
  'cost counts units as DynamoDB bills them, and explains every figure',
  async () => {
    const printed = await bench('cost', '--contacts', '20', '--json');

    expect(countedOf(printed)).toEqual(existsSync(DYNOXIDE) ? COUNTED : undefined);
  },
  2 * LONGEST_MS,
);

test('without --json the figures are a table for people', async () => {
  expect(await bench('explain', '--contacts', '300')).toMatch(/│ mismatches +│ 0 +│/);
});
