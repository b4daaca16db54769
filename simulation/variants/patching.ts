import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Patch } from './variant.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A patch fits no longer: the code has moved on, and the bug is to be planted anew. */
export class MovedOnError extends Error {
  override readonly name = 'MovedOnError';
}

/**
 * A source text with the patches of its file.
 *
 * @param file - from the root of the repository
 * @throws MovedOnError where what a patch looks for does not stand there exactly once
 */
export function patched(source: string, file: string, patches: readonly Patch[]): string {
  let text = source;
  for (const { find, replace } of patches.filter((patch) => patch.file === file)) {
    const parts = text.split(find);
    if (parts.length !== 2)
      throw new MovedOnError(
        `the code has moved on: in ${file} this stands ${parts.length - 1} times, not once: ${find}`,
      );
    text = parts.join(replace);
  }
  return text;
}

/**
 * From now on this thread loads patched modules, before their types are stripped. Nothing of the product knows of it.
 *
 * @param root - folder that the files of the patches are in
 * @returns tells which of the files were not loaded so far: what nobody loads is no bug
 */
export function patchModules(patches: readonly Patch[], root = ROOT): () => string[] {
  const files = new Map(patches.map(({ file }) => [pathToFileURL(join(root, file)).href, file]));
  const notLoaded = new Set(files.values());
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const file = files.get(url);
      if (file === undefined) return loaded;
      notLoaded.delete(file);
      if (loaded.source === undefined || loaded.source === null)
        throw new Error(`${file} has no source text`);
      const source =
        typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
      return { ...loaded, source: patched(source, file, patches) };
    },
  });
  return () => [...notLoaded];
}
