// The file by which the commands find the local system; there is one, and one of the running systems has it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { LocalState } from '../cli/target.ts';

export interface StateFile {
  /** Tells the commands how a system stands now, unless another running one has the file. @returns whether it was told */
  write(state: LocalState): boolean;
  /** Takes back what was told: the system that had the file before and still runs has it again. */
  remove(): void;
}

/**
 * @param file - where it is
 * @param pid - of the process whose system it is
 * @param isTakenOver - whether this system takes the file from another one; it does so once
 */
export function openStateFile(
  file: string,
  { pid, isTakenOver }: { readonly pid: number; readonly isTakenOver: boolean },
): StateFile {
  let isFirst = true;
  let before: LocalState | undefined;
  return {
    write(state) {
      const holder = readRunning(file);
      const isOthers = holder !== undefined && holder.pid !== pid;
      const mayWrite = !isOthers || (isTakenOver && isFirst);
      isFirst = false;
      if (!mayWrite) return false;
      if (isOthers) before = holder;
      put(file, state);
      return true;
    },
    remove() {
      if (readState(file)?.pid !== pid) return;
      if (before !== undefined && isRunning(before.pid)) put(file, before);
      else rmSync(file, { force: true });
    },
  };
}

function put(file: string, state: LocalState): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(state, null, 2), { mode: 0o600 }); // It holds the secret of the local system.
}

/** What the file says of a system that still runs. */
function readRunning(file: string): LocalState | undefined {
  const state = readState(file);
  return state !== undefined && isRunning(state.pid) ? state : undefined;
}

/** @returns undefined without a file, and for one that says nothing of use */
function readState(file: string): LocalState | undefined {
  try {
    return v.parse(v.pipe(v.string(), v.parseJson(), LocalState), readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
