import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

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

test.each([[['explain', '--contacts', '300']], [['ingest']]])(
  '%j with --json writes one JSON object and nothing else, of figures that docs/benchmarks.md explains',
  async ([name = '', ...args]) => {
    const figures: Record<string, unknown> = JSON.parse(await bench(name, ...args, '--json'));

    expect(figures['bench']).toBe(name);
    expect(Object.keys(figures).filter((figure) => !explained(name).includes(figure))).toEqual([]);
  },
);

test('without --json the figures are a table for people', async () => {
  expect(await bench('explain', '--contacts', '300')).toMatch(/│ mismatches +│ 0 +│/);
});
