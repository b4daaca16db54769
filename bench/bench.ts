// Runs one measurement: `npm run bench -- <name> [--json]`; what the figures mean is in docs/benchmarks.md. Every other file of this folder is one; it exports `run`, and `print` if it likes.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** What a measurement finds: figures by name. One of them says whether the goal is met. */
type Figures = Readonly<Record<string, unknown>> & { readonly isGoalMet: boolean };

/** How much is measured, for those measurements that can be made shorter: contacts, or events where these are what counts. */
interface Extent {
  readonly contacts?: number;
}

interface Measurement {
  readonly run: (extent: Extent) => Figures | Promise<Figures>;
  /** Shows the figures to people, where one table of them would not do. */
  readonly print?: (figures: Figures) => void;
}

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'bench.ts')
  .map((file) => file.slice(0, -'.ts'.length));

const USAGE = `npm run bench -- <name> [--json] [--contacts <number>]\n\nMeasurements: ${names.join(', ')}`;

/** @returns the exit status: 1 when the goal is missed, 2 when there is no such measurement */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean' }, help: { type: 'boolean' }, contacts: { type: 'string' } },
    allowPositionals: true,
  });
  const [name] = positionals;
  const contacts = values.contacts === undefined ? undefined : Number(values.contacts);
  const isCount = contacts === undefined || (Number.isInteger(contacts) && contacts > 0);
  if (values.help === true || name === undefined || !names.includes(name) || !isCount) {
    (values.help === true ? console.log : console.error)(USAGE);
    return values.help === true ? 0 : 2;
  }
  const measurement: Measurement = await import(join(import.meta.dirname, `${name}.ts`));
  const figures = await measurement.run(contacts === undefined ? {} : { contacts });
  if (values.json === true) console.log(JSON.stringify({ bench: name, ...figures }));
  else if (measurement.print !== undefined) measurement.print(figures);
  else console.table(figures);
  return figures.isGoalMet ? 0 : 1;
}

process.exitCode = await main();
