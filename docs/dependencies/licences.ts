import { type Locked, nameOf, readManifest } from './lock-file.ts';

/** Licences under which anybody may use, change and pass on what is built with it, by their SPDX names. */
const FREE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
]);
/** Also for what only helps to develop, and is passed on to nobody: data that wants its makers named. */
const FREE_FOR_DEVELOPMENT = new Set([...FREE, 'CC-BY-4.0']);

/** Whether an SPDX expression lets us: of alternatives one is enough, of joined ones each counts. What is not understood does not. */
export function isAllowed(licence: string, isForDevelopment: boolean): boolean {
  const allowed = isForDevelopment ? FREE_FOR_DEVELOPMENT : FREE;
  return licence
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some((all) => all.split(' AND ').every((name) => allowed.has(name)));
}

/** The licence of a locked package, as the package itself says where it is installed. */
export function licenceOf(folder: string, locked: Locked): string {
  return readManifest(folder)?.license ?? locked.license ?? 'unknown';
}

/** How many names stand in a row at most. */
const MOST_NAMED = 3;

/** The table of all licences: how many packages are under each. */
export function licenceTable(lockFile: ReadonlyMap<string, Locked>, shipped: ReadonlySet<string>): string[] {
  const uses = [
    ([folder]: [string, Locked]) => shipped.has(folder),
    ([folder, { dev }]: [string, Locked]) => !dev && !shipped.has(folder),
    ([, { dev }]: [string, Locked]) => dev,
  ];
  const byLicence = Map.groupBy(lockFile, ([folder, locked]) =>
    licenceOf(folder, locked).replaceAll(/[()]/g, ''),
  );
  const rows = [...byLicence].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    '| licence | in a bundle | else to deploy, run and command | to develop | which |',
    '| --- | ---: | ---: | ---: | --- |',
    ...rows.map(([licence, packages]) => {
      const names = [...new Set(packages.map(([folder]) => nameOf(folder)))];
      const named = names.length > MOST_NAMED ? '' : names.map((name) => `\`${name}\``).join(', ');
      const counts = uses.map((isUse) => packages.filter(isUse).length || '');
      return `| ${[licence, ...counts, named].join(' | ')} |`;
    }),
  ];
}
