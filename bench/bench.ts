// Runs one measurement: `npm run bench -- <name> [--json]`. Every other file of this folder is one; it exports `run`.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What a measurement finds: figures by name. One of them says whether the goal is met. */
type Figures = Readonly<Record<string, unknown>> & { readonly isGoalMet: boolean };

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'bench.ts')
  .map((file) => file.slice(0, -'.ts'.length));

/** @returns the exit status: 1 when the goal is missed, 2 when there is no such measurement */
async function main(words: readonly string[]): Promise<number> {
  const name = words.find((word) => !word.startsWith('-'));
  if (name === undefined || !names.includes(name)) {
    const usage = `npm run bench -- <name> [--json]\n\nMeasurements: ${names.join(', ')}`;
    if (words.includes('--help')) console.log(usage);
    else console.error(usage);
    return words.includes('--help') ? 0 : 2;
  }
  const measurement: { run: () => Figures | Promise<Figures> } = await import(
    join(import.meta.dirname, `${name}.ts`)
  );
  const figures = await measurement.run();
  console.table(figures);
  if (words.includes('--json')) console.log(JSON.stringify({ bench: name, ...figures }));
  return figures.isGoalMet ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
