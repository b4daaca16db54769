import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

export const ROOT = join(import.meta.dirname, '../..');

const NAMED_VERSIONS = v.record(v.string(), v.string());
const ASKED_FOR = v.object({
  dependencies: v.optional(NAMED_VERSIONS, {}),
  devDependencies: v.optional(NAMED_VERSIONS, {}),
  optionalDependencies: v.optional(NAMED_VERSIONS, {}),
  peerDependencies: v.optional(NAMED_VERSIONS, {}),
});
const OUR_MANIFEST = v.object({
  ...ASKED_FOR.entries,
  overrides: NAMED_VERSIONS,
  allowScripts: v.record(v.string(), v.boolean()),
});
const LOCKED = v.object({
  ...ASKED_FOR.entries,
  /** Its own name, where the folder has another one. */
  name: v.optional(v.string()),
  version: v.string(),
  /** Hash of the archive that npm takes it from. */
  integrity: v.optional(v.string()),
  /** An address of its own; without one it comes from the registry that npm is told. */
  resolved: v.optional(v.string()),
  /** It is a folder of this machine. */
  link: v.optional(v.boolean(), false),
  /** It lies in the archive of the package around it. */
  inBundle: v.optional(v.boolean(), false),
  /** Nobody needs it but who develops. */
  dev: v.optional(v.boolean(), false),
  /** It would run a script of its own while it is installed. */
  hasInstallScript: v.optional(v.boolean(), false),
  license: v.optional(v.string()),
});
const LOCK_FILE = v.object({
  lockfileVersion: v.literal(3),
  packages: v.objectWithRest({ '': ASKED_FOR }, LOCKED),
});
const MANIFEST = v.object({
  version: v.string(),
  license: v.union([
    v.string(),
    v.pipe(
      v.object({ type: v.string() }),
      v.transform(({ type }) => type),
    ),
  ]),
  dependencies: v.optional(NAMED_VERSIONS, {}),
  peerDependencies: v.optional(NAMED_VERSIONS, {}),
});

export type Locked = v.InferOutput<typeof LOCKED>;
/** What a package says of itself. */
export type Manifest = v.InferOutput<typeof MANIFEST>;

function readJson(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(ROOT, ...path), 'utf8'));
}

/** What `package.json` asks for, by name. */
export function readAskedFor(): v.InferOutput<typeof OUR_MANIFEST> {
  return v.parse(OUR_MANIFEST, readJson('package.json'));
}

/** Every package of the lock file, by its folder, such as `node_modules/valibot`. */
export function readLockFile(): ReadonlyMap<string, Locked> {
  const { '': _ours, ...packages } = v.parse(LOCK_FILE, readJson('package-lock.json')).packages;
  return new Map(Object.entries(packages));
}

/** What is installed in a folder of the lock file; undefined for what is for another platform. */
export function readManifest(folder: string): Manifest | undefined {
  return existsSync(join(ROOT, folder)) ? v.parse(MANIFEST, readJson(folder, 'package.json')) : undefined;
}

/** The name of the package in a folder: `@smithy/core` of `node_modules/x/node_modules/@smithy/core`. */
export function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
