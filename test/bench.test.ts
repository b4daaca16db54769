import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Twelve races of few contacts are many for a machine that has other things to do. */
const LONGEST_MS = 120_000;

const ROOT = join(import.meta.dirname, '..');

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

test('without --json the figures are a table for people', async () => {
  expect(await bench('explain', '--contacts', '300')).toMatch(/│ mismatches +│ 0 +│/);
});
