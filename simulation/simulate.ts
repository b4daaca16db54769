// Runs the simulation: `npm run simulate -- --seeds 10000`, `-- --seed 4711`, `-- --variants`; what it shows is in docs/reliability.md.
import { progressOn } from '../cli/progress.ts';
import { readOptions, type SimulateOptions } from './simulate/options.ts';
import { findPlanted, inWords } from './simulate/planted.ts';
import { isFailed, SeedThread, SIMULATION, type ThreadOptions } from './simulate/seed-thread.ts';
import { runSeeds } from './simulate/seeds.ts';
import { type Finding, faultsPerSeed, shortfalls, type Totals } from './simulate/totals.ts';
import { VARIANTS } from './variants.ts';

/** What came of it, for `--json`. */
type Figures = Readonly<Record<string, unknown>> & { readonly isGoalMet: boolean };

/** Between two looks at how far it is. */
const PROGRESS_EVERY_MS = 1000;
/** Of so much trace the beginning is shown; the rest of it from the end. */
const BEGINNING_SHARE = 0.1;

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function main(options: SimulateOptions): Promise<Figures> {
  const thread: ThreadOptions = {
    module: SIMULATION,
    isTraced: options.seed !== undefined,
    ...(options.faultRate !== undefined && { faultRate: options.faultRate }),
  };
  const { seed, variants } = options;
  if (seed !== undefined) {
    const planted = variants === undefined ? [] : variantsNamed(variants).flatMap(({ patches }) => patches);
    return replay(seed, options, { ...thread, patches: planted });
  }
  return variants === undefined ? runAll(options, thread) : plantAll(options, variants, thread);
}

/** Shows how far it is, now and then, while something is done. */
async function showing<T>(text: () => string, work: Promise<T>): Promise<T> {
  const progress = progressOn(process.stderr);
  const timer = setInterval(() => progress.at(text()), PROGRESS_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    progress.end();
  }
}

async function runAll(options: SimulateOptions, thread: ThreadOptions): Promise<Figures> {
  const sinceMs = performance.now();
  let soFar: Totals | undefined;
  const text = () =>
    `${soFar?.seeds ?? 0} of ${options.seeds} seeds, ${soFar?.failing ?? 0} failing, ${secondsSince(sinceMs)} s`;
  const listener = {
    found: (finding: Finding) => tellFinding(finding, options),
    at(totals: Totals) {
      soFar = totals;
    },
  };
  const totals = await showing(text, runSeeds(options, thread, listener));
  // Who asks for fewer faults gets fewer.
  const missing = options.faultRate === undefined ? shortfalls(totals) : [];
  for (const shortfall of missing) say(shortfall);
  const figures = {
    simulate: 'seeds',
    from: options.from,
    seeds: totals.seeds,
    failing: totals.failing,
    failingSeeds: [...new Set(totals.findings.map(({ seed }) => seed))],
    repeatedThrice: totals.repeated,
    operations: totals.operations,
    virtualHours: Math.round(totals.virtualMs / 3_600_000),
    kindsOfFaults: Object.keys(totals.faults).length,
    faultsPerSeed: Math.round(faultsPerSeed(totals) * 10) / 10,
    faults: totals.faults,
    happened: totals.happened,
    shortfalls: missing,
    threads: options.threads,
    seconds: secondsSince(sinceMs),
    isGoalMet: totals.failing === 0 && missing.length === 0,
  };
  if (!options.json) tellTotals(figures);
  return figures;
}

function secondsSince(sinceMs: number): number {
  return Math.round((performance.now() - sinceMs) / 100) / 10;
}

function replayOf(seed: number, { faultRate }: SimulateOptions): string {
  return `npm run simulate -- --seed ${seed}${faultRate === undefined ? '' : ` --fault-rate ${faultRate}`}`;
}

/** One line to replay it, and what is wrong. */
function tellFinding({ seed, violations, failed }: Finding, options: SimulateOptions): void {
  say(replayOf(seed, options));
  for (const violation of violations) say(`  ${inWords(violation)}`);
  if (failed !== undefined) say(`  the simulation itself failed: ${failed}`);
}

function tellTotals({
  faults,
  happened,
  ...figures
}: { readonly faults: object; readonly happened: object } & Readonly<Record<string, unknown>>): void {
  for (const table of [faults, happened]) console.table(table);
  console.table(Object.fromEntries(Object.entries(figures).filter(([, value]) => !Array.isArray(value))));
}

async function replay(seed: number, options: SimulateOptions, thread: ThreadOptions): Promise<Figures> {
  const alone = new SeedThread(thread);
  try {
    const answer = await showing(() => `seed ${seed}`, alone.run(seed));
    const figures = { simulate: 'seed', seed };
    if (isFailed(answer)) {
      say(`the simulation itself failed: ${answer.failed}`);
      return { ...figures, failed: answer.failed, isGoalMet: false };
    }
    const { trace, ...rest } = answer;
    for (const line of shortened(trace, options.lines)) say(line);
    for (const violation of rest.violations) say(inWords(violation));
    if (rest.violations.length === 0) say('every promise holds');
    return { ...figures, ...rest, isGoalMet: rest.violations.length === 0 };
  } finally {
    await alone.end();
  }
}

/** The beginning of a long trace, and much more of its end. */
function shortened(trace: readonly string[], lines: number): readonly string[] {
  if (trace.length <= lines) return trace;
  const first = Math.floor(lines * BEGINNING_SHARE);
  const left = trace.length - lines;
  return [...trace.slice(0, first), `… ${left} lines: --lines ${trace.length}`, ...trace.slice(first + left)];
}

async function plantAll(
  options: SimulateOptions,
  wanted: string | true,
  thread: ThreadOptions,
): Promise<Figures> {
  const sinceMs = performance.now();
  const variants = variantsNamed(wanted);
  let ended = 0;
  const text = () => `${ended} of ${variants.length} variants, ${secondsSince(sinceMs)} s`;
  const { variants: all, failing } = await showing(
    text,
    findPlanted(variants, options, thread, ({ name, outcome, seeds, by }) => {
      ended += 1;
      say(`${outcome.padEnd(8)} ${name.padEnd(30)} ${String(seeds).padStart(5)}  ${by.slice(0, 160)}`);
    }),
  );
  const namesOf = (outcome: string) => all.filter((each) => each.outcome === outcome).map(({ name }) => name);
  const [survived, broken] = [namesOf('survived'), namesOf('broken')];
  for (const seed of failing) {
    say(replayOf(seed, options));
    say('  the product itself fails: this seed was passed over');
  }
  return {
    simulate: 'variants',
    found: all.length - survived.length - broken.length,
    survived,
    broken,
    failingSeeds: failing,
    mostSeeds: options.seeds,
    variants: all,
    threads: options.threads,
    seconds: secondsSince(sinceMs),
    isGoalMet: survived.length === 0 && broken.length === 0 && failing.length === 0,
  };
}

function variantsNamed(wanted: string | true): typeof VARIANTS {
  if (wanted === true) return VARIANTS;
  return wanted.split(',').map((name) => {
    const variant = VARIANTS.find((each) => each.name === name);
    if (variant === undefined)
      throw new Error(`no variant ${name}; there are ${VARIANTS.map((each) => each.name).join(', ')}`);
    return variant;
  });
}

const options = readOptions(process.argv);
const figures = await main(options);
if (options.json) say(JSON.stringify(figures));
process.exitCode = figures.isGoalMet ? 0 : 1;
