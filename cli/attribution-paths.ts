import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import * as v from 'valibot';
import type { WeightedPath } from '../lambdas/attribution/markov.ts';
import { addCreditedPath, creditsOfPaths, noPaths, type PathCredit } from '../lambdas/attribution/paths.ts';
import { textTable } from '../lambdas/attribution/text-table.ts';
import { named } from '../lambdas/scoring/model-problems.ts';
import { isOfSystem } from './export.ts';
import { csvRows } from './import-rows.ts';
import type { Progress } from './progress.ts';
import { UsageError } from './target.ts';

/** What stands between the touches of a path. */
const BETWEEN = ' > ';
/** Most channels of a file: removal effects take the cube of their number. */
const MOST_CHANNELS = 500;
/** Wrong lines that are told; of the others how many there are. */
const WRONG_TOLD = 10;
/** Paths between two lines of progress. */
const TOLD_EVERY = 10_000;
const COLUMNS = ['path', 'total_conversions', 'total_null'] as const;

const Count = v.pipe(v.string(), v.trim(), v.regex(/^\d{1,15}(\.\d{1,15})?$/), v.transform(Number));

/** What a file of paths came to. */
export interface CreditedPaths {
  readonly paths: number;
  readonly conversions: number;
  readonly nulls: number;
  /** By channel, by name. */
  readonly credits: ReadonlyMap<string, PathCredit>;
}

/**
 * Credits aggregated paths under every model that needs no times, reading the file once, a line at a time.
 *
 * @param file - CSV with the columns `path` (touches joined by ` > `), `total_conversions` and `total_null`; `-` for standard input
 * @throws UsageError for a file that cannot be read, lacks a column, or has lines that are wrong: each is named
 */
export async function creditPaths(
  file: string,
  standardInput: Readable,
  progress: Progress,
): Promise<CreditedPaths> {
  const read = noPaths();
  const wrong: string[] = [];
  let wrongLines = 0;
  try {
    const input = file === '-' ? standardInput : createReadStream(file);
    for await (const { line, given, problem } of csvRows(input, columnsOf)) {
      const path = problem ?? pathOf(given);
      if (typeof path === 'string') {
        wrongLines += 1;
        if (wrong.length < WRONG_TOLD) wrong.push(`line ${line}: ${path}`);
        continue;
      }
      addCreditedPath(read, path);
      if (read.transitions.states.size > MOST_CHANNELS)
        throw new UsageError(
          `line ${line}: more than ${MOST_CHANNELS} different touches: are they joined by "${BETWEEN}", and campaigns left out?`,
        );
      if (read.counts.paths % TOLD_EVERY === 0) progress.at(`${read.counts.paths} paths`);
    }
  } catch (cause) {
    if (!isOfSystem(cause)) throw cause;
    throw new UsageError(`${file} cannot be read (${String(cause.code)})`, { cause });
  }
  if (wrongLines > 0) throw new UsageError(complaint(file, wrong, wrongLines));
  if (read.counts.paths === 0) throw new UsageError(`${file}: there is no path in it`);
  return { ...read.counts, credits: creditsOfPaths(read) };
}

/** Columns may stand there that nothing reads, such as the value of the conversions. @throws UsageError where one is missing */
function columnsOf(names: readonly string[]): readonly string[] {
  const missing = COLUMNS.filter((name) => !names.includes(name));
  if (missing.length > 0)
    throw new UsageError(
      `line 1: the columns ${missing.join(', ')} are missing: expected ${COLUMNS.join(', ')}, with commas between them; found ${names.map((name) => named(name.slice(0, 40))).join(', ')}`,
    );
  return names;
}

/** The path on a line, or what is wrong with it. */
function pathOf(given: unknown): WeightedPath | string {
  const row = v.parse(v.record(v.string(), v.string()), given);
  const counts = [row['total_conversions'], row['total_null']].map((text) => v.safeParse(Count, text));
  const at = counts.findIndex(({ success }) => !success);
  if (at >= 0) {
    const name = COLUMNS[at + 1] ?? '';
    return `${name}: expected a number of at least 0, found ${named((row[name] ?? '').slice(0, 40))}`;
  }
  const path = (row['path'] ?? '').split(BETWEEN).map((touch) => touch.trim());
  if (path.some((touch) => /^$|^>|>$/.test(touch)))
    return `path: expected touches joined by "${BETWEEN}", found an empty one`;
  const [conversions = 0, nulls = 0] = counts.map(({ output }) => Number(output));
  return { path, conversions, nulls };
}

function complaint(file: string, wrong: readonly string[], lines: number): string {
  const more = lines > wrong.length ? [`and ${lines - wrong.length} more`] : [];
  return [`${file}: nothing was credited, since lines are wrong:`, ...wrong, ...more].join('\n  ');
}

/** The columns of the table, by what is credited. */
const TITLES = {
  first: 'first',
  last: 'last',
  linear: 'linear',
  uShaped: 'U-shaped',
  markov: 'Markov',
} as const;

/** What the command prints. */
export function formatPaths({ paths, conversions, nulls, credits }: CreditedPaths): string {
  const models = ['first', 'last', 'linear', 'uShaped', 'markov'] as const;
  const sums = models.map((model) => [...credits.values()].reduce((sum, credit) => sum + credit[model], 0));
  const rows = [
    ['channel', ...models.map((model) => TITLES[model])],
    ...[...credits].map(([channel, credit]) => [channel, ...models.map((model) => credit[model].toFixed(2))]),
    ['all', ...sums.map((sum) => sum.toFixed(2))],
  ];
  const walks = conversions + nulls;
  const share = (walks === 0 ? 0 : (100 * conversions) / walks).toFixed(2);
  return [
    `${paths} paths, ${conversions} conversions, ${nulls} without: ${share} % convert`,
    '',
    ...textTable(rows),
  ].join('\n');
}

/** As one JSON object: by channel the credit under each model, unrounded. */
export function pathsAsJson({ credits }: CreditedPaths): string {
  return JSON.stringify(Object.fromEntries(credits));
}
