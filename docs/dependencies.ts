// Writes the tables of docs/dependencies.md: which packages are in which bundle, and all licences. `npm run docs:dependencies`. A test
// holds the page to what this writes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundles, packagesInBundles } from './dependencies/bundles.ts';
import { licenceOf, licenceTable } from './dependencies/licences.ts';
import { type Locked, nameOf, readAskedFor, readLockFile, readManifest } from './dependencies/lock-file.ts';

const PAGE = join(import.meta.dirname, 'dependencies.md');
const REASONS = join(import.meta.dirname, 'adr/0005-dependencies.md');

/** The package that a row of a table of reasons is about, and the reason. */
const REASON = /^\| `([^`]+)` \| (.+?) \|/gm;

/** What is asked for by name, each with its reason and the page that tells it. */
export function readReasons(): { name: string; page: string }[] {
  return [REASONS, PAGE].flatMap((page) =>
    [...withoutTables(readFileSync(page, 'utf8')).matchAll(REASON)].map(([, name = '']) => ({ name, page })),
  );
}

/** The page with its tables made anew. @throws Error where a marker is not there */
export function writeDependencies(page: string, bundles: Bundles): string {
  const lockFile = readLockFile();
  const shipped = new Set([...bundles.values()].flatMap((folders) => [...folders]));
  const written = replaceBetween(page, 'bundles', bundleTable(lockFile, bundles, shipped));
  return replaceBetween(written, 'licences', licenceTable(lockFile, shipped));
}

function bundleTable(
  lockFile: ReadonlyMap<string, Locked>,
  bundles: Bundles,
  shipped: ReadonlySet<string>,
): string[] {
  const asked = new Set(Object.keys(readAskedFor().dependencies));
  const row = (folder: string) => {
    const locked = lockFile.get(folder);
    if (locked === undefined) throw new Error(`${folder} is in a bundle and not in package-lock.json`);
    const inEach = [...bundles.values()].map((folders) => (folders.has(folder) ? '●' : ''));
    const why = asked.has(nameOf(folder)) ? 'we' : whoNeeds(folder, shipped);
    return `| ${[`\`${nameOf(folder)}\``, locked.version, licenceOf(folder, locked), ...inEach, why].join(' | ')} |`;
  };
  return [
    `| package | version | licence | ${[...bundles.keys()].join(' | ')} | asked for by |`,
    `| --- | --- | --- |${' :---: |'.repeat(bundles.size)} --- |`,
    ...[...shipped].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).map(row),
  ];
}

/** Which packages in the bundles ask for another one. */
function whoNeeds(folder: string, shipped: ReadonlySet<string>): string {
  const name = nameOf(folder);
  const needing = [...shipped].filter((other) => readManifest(other)?.dependencies[name] !== undefined);
  const [first, ...others] = needing.map((other) => `\`${nameOf(other)}\``).toSorted();
  return others.length === 0 ? (first ?? '') : `${first} and ${others.length} more`;
}

function replaceBetween(page: string, name: string, lines: readonly string[]): string {
  const marked = new RegExp(`(<!-- ${name} -->)[^]*(<!-- /${name} -->)`);
  if (!marked.test(page)) throw new Error(`docs/dependencies.md: <!-- ${name} --> is not there`);
  return page.replace(marked, (_, start: string, end: string) => `${start}\n\n${lines.join('\n')}\n\n${end}`);
}

function withoutTables(page: string): string {
  return page.replaceAll(/<!-- (\w+) -->[^]*?<!-- \/\1 -->/g, '');
}

if (import.meta.main) writeFileSync(PAGE, writeDependencies(readFileSync(PAGE, 'utf8'), packagesInBundles()));
