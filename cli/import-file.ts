import {
  closeSync,
  createReadStream,
  createWriteStream,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isOfSystem } from './export.ts';
import { UsageError } from './target.ts';

/**
 * Lets a file be read more than once. What can be read only once, such as a pipe, is put aside first.
 *
 * @param file - path, or `-` for standard input
 * @param act - is given what begins another reading
 * @throws UsageError when the file cannot be read, or not be put aside
 */
export async function withFile<T>(
  file: string,
  standardInput: Readable,
  act: (read: () => Readable) => Promise<T>,
): Promise<T> {
  try {
    if (file === '-') return await withPutAside(standardInput, act);
    const stat = statSync(file);
    if (stat.isDirectory()) throw unreadable(file, 'EISDIR');
    return await (stat.isFile()
      ? act(() => createReadStream(file))
      : withPutAside(createReadStream(file), act));
  } catch (cause) {
    if (isOfSystem(cause) && 'path' in cause) throw unreadable(file, cause.code, cause);
    throw cause;
  }
}

function unreadable(file: string, code: unknown, cause?: unknown): UsageError {
  return new UsageError(
    `${file} cannot be read (${String(code)}): give a file of facts, or - for standard input`,
    { cause },
  );
}

/** Puts it into a file without a name: nobody else can read it, and nothing is left of it, however this process ends. */
async function withPutAside<T>(input: Readable, act: (read: () => Readable) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-import-'));
  const path = join(directory, 'lines');
  const fd = openSync(path, 'wx+', 0o600);
  rmSync(directory, { recursive: true, force: true });
  try {
    await pipeline(input, createWriteStream(path, { fd, autoClose: false })).catch((cause: unknown) => {
      if (isOfSystem(cause) && cause.code === 'ENOSPC')
        throw new UsageError(`${tmpdir()} has no room for what is to be imported: give a file`, { cause });
      throw cause;
    });
    return await act(() => createReadStream(path, { fd, start: 0, autoClose: false }));
  } finally {
    closeSync(fd);
  }
}
