// What the product is made of besides its own code: nothing that could change without a commit, and nothing that nobody chose.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesInBundles } from '../docs/dependencies/bundles.ts';
import { isAllowed, licenceOf } from '../docs/dependencies/licences.ts';
import { nameOf, readAskedFor, readLockFile } from '../docs/dependencies/lock-file.ts';
import { readReasons, writeDependencies } from '../docs/dependencies.ts';

const ROOT = join(import.meta.dirname, '..');
const EXACT = /^\d+\.\d+\.\d+(?:-[\w.-]+)?$/;
/** A version or a range of versions, under the package's own name or another one; no address, branch or folder. */
const FROM_A_REGISTRY = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?[\s\d.xX*^~<>=|&+\w-]*$/;

const asked = readAskedFor();
const lockFile = readLockFile();
const bundles = packagesInBundles();
const shipped = [...bundles.values()].flatMap((folders) => [...folders]);
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');

test('asks for one version of everything, and never for a range, an address or a folder', () => {
  const { dependencies, devDependencies, optionalDependencies, overrides } = asked;
  const all = [dependencies, devDependencies, optionalDependencies, overrides].flatMap(Object.entries);

  expect(all.length).toBeGreaterThan(50);
  expect(all.filter(([, version]) => !EXACT.test(version))).toEqual([]);
});

test('knows the hash of every archive that it is installed from', () => {
  const unknown = [...lockFile].filter(([folder, { integrity, inBundle }]) => {
    if (inBundle) {
      // It lies in the archive of the package around it, and so under the hash of that.
      const around = lockFile.get(folder.slice(0, folder.indexOf('/node_modules/')));
      return around?.integrity === undefined;
    }
    return !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '');
  });

  expect(lockFile.size).toBeGreaterThan(500);
  expect(unknown.map(([folder]) => folder)).toEqual([]);
});

test('takes nothing from a Git repository, an address or a folder, also not where a package asks for another', () => {
  const elsewhere = [...lockFile].filter(([, { resolved, link }]) => resolved !== undefined || link);
  const asking = [...lockFile].flatMap(([folder, locked]) =>
    [locked.dependencies, locked.optionalDependencies, locked.peerDependencies]
      .flatMap(Object.entries)
      .filter(([, wanted]) => !FROM_A_REGISTRY.test(wanted))
      .map(([name, wanted]) => `${folder} asks for ${name} from ${wanted}`),
  );

  expect(elsewhere.map(([folder, { resolved }]) => `${folder} from ${resolved}`)).toEqual([]);
  expect(asking).toEqual([]);
});

test.each([
  ['1.2.3', true],
  ['^1.2.3 || >=4.0.0-rc.1 <5', true],
  ['*', true],
  ['npm:@scope/string-width@^4.2.0', true],
  ['git+https://example.com/a/b.git', false],
  ['git@example.com:a/b', false],
  ['https://example.com/b.tgz', false],
  ['http://example.com/b.tgz', false],
  ['owner/repository#main', false],
  ['github:owner/repository', false],
  ['file:../b', false],
])('"%s" as a version names a package of a registry: %s', (wanted, isNamed) => {
  expect(FROM_A_REGISTRY.test(wanted)).toBe(isNamed);
});

test('lets no package run a script of its own while it is installed', () => {
  const denied = Object.entries(asked.allowScripts).flatMap(([name, runs]) => (runs ? [] : [name]));
  const scripted = [...lockFile].flatMap(([folder, { hasInstallScript }]) =>
    hasInstallScript ? [nameOf(folder)] : [],
  );

  expect(Object.values(asked.allowScripts)).not.toContain(true);
  expect([...new Set(scripted)].filter((name) => !denied.includes(name))).toEqual([]);
});

test('fetches in CI what is no dependency in one version too', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
  const commands = [read('.ci/run'), read('.ci/judge-policies.mjs'), ...Object.values(scripts)].join('\n');
  const python = [...commands.matchAll(/pip" install --quiet (\S+)|pip install --quiet (\S+)/g)].map(
    ([, a, b]) => a ?? b,
  );
  const node = [...commands.matchAll(/'(@cloud-copilot\/\S+?)'/g)].map(([, name]) => name);

  expect(python).toEqual([expect.stringMatching(/^\S+==[\d.]+$/), expect.stringMatching(/^\S+==[\d.]+$/)]);
  expect(node[0]).toMatch(/@\d+\.\d+\.\d+$/);
  expect(commands.match(/\bnpx (?:-y|--yes)\b/g)).toBeNull();
});

test('is under licences that let anybody use it', () => {
  const refused = [...lockFile].flatMap(([folder, locked]) => {
    const licence = licenceOf(folder, locked);
    return isAllowed(licence, locked.dev) ? [] : [`${folder}: ${licence}`];
  });

  expect(refused).toEqual([]);
});

test.each([
  { licence: 'MIT', ships: true, develops: true },
  { licence: '(MIT OR GPL-3.0-or-later)', ships: true, develops: true },
  { licence: 'Apache-2.0 AND MIT', ships: true, develops: true },
  { licence: 'CC-BY-4.0', ships: false, develops: true },
  { licence: 'MIT AND CC-BY-4.0', ships: false, develops: true },
  { licence: 'AGPL-3.0-only', ships: false, develops: false },
  { licence: 'MIT AND GPL-2.0-only', ships: false, develops: false },
  { licence: 'SEE LICENSE IN LICENSE.md', ships: false, develops: false },
  { licence: 'UNLICENSED', ships: false, develops: false },
  { licence: 'unknown', ships: false, develops: false },
])('$licence: allowed in what ships $ships, to develop $develops', ({ licence, ships, develops }) => {
  expect(isAllowed(licence, false)).toBe(ships);
  expect(isAllowed(licence, true)).toBe(develops);
});

describe('docs/dependencies.md', () => {
  const page = read('docs/dependencies.md');

  test('lists what is in the bundles and all licences as they are: `npm run docs:dependencies` writes them', () => {
    expect(writeDependencies(page, bundles)).toBe(page);
  });

  test('has one reason for everything that is asked for, and none for what is not', () => {
    const names = [asked.dependencies, asked.devDependencies, asked.optionalDependencies].flatMap(
      Object.keys,
    );
    const reasons = readReasons().map(({ name }) => name);

    expect(reasons.toSorted()).toEqual([...new Set(names)].toSorted());
  });
});

test('puts into a bundle only what is asked for as a dependency, or needed by it', () => {
  expect(shipped.length).toBeGreaterThan(50);
  expect(shipped.filter((folder) => lockFile.get(folder)?.dev !== false)).toEqual([]);
  expect([...(bundles.get('snippet') ?? ['no snippet'])]).toEqual([]);
});

test('writes a bill of materials of everything, without asking anybody, with the hash of all that is in a bundle', () => {
  const env = { ...process.env, npm_config_registry: 'http://127.0.0.1:9/', npm_config_offline: 'true' };
  const { stdout, status } = spawnSync('npm', ['run', '--silent', 'sbom'], {
    cwd: ROOT,
    env,
    encoding: 'utf8',
  });
  const bill: { bomFormat: string; components: Component[] } = JSON.parse(stdout);
  const listed = new Map(bill.components.map((each) => [each.purl, each]));

  expect({ status, format: bill.bomFormat }).toEqual({ status: 0, format: 'CycloneDX' });
  for (const folder of new Set(shipped)) {
    const { version = '', integrity = '' } = lockFile.get(folder) ?? {};
    const component = listed.get(purlOf(nameOf(folder), version));
    const sha512 = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');

    expect({ folder, hashes: component?.hashes }).toEqual({
      folder,
      hashes: [{ alg: 'SHA-512', content: sha512 }],
    });
    expect(component?.licenses?.length).toBe(1);
  }
  const unlisted = [...lockFile].filter(
    ([folder, { name, version }]) => !listed.has(purlOf(name ?? nameOf(folder), version)),
  );
  expect(unlisted.map(([folder]) => folder)).toEqual([]);
});

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

interface Component {
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}
