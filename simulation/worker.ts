// A thread that runs seeds, one after the other: its timers are the simulation's own, and its modules may be those of a variant.
import { parentPort, workerData } from 'node:worker_threads';
import type { runSeed } from './seed.ts';
import type { Answer, ThreadOptions } from './simulate/seed-thread.ts';
import { patchModules } from './variants/patching.ts';

const { module, root, patches = [], isTraced, faultRate }: ThreadOptions = workerData;
// Before anything of the product is loaded.
const filesNotLoaded = patchModules(patches, root);
const simulation: { readonly runSeed: typeof runSeed } = await import(module);
const missing = filesNotLoaded();
if (missing.length > 0) throw new Error(`nothing of this is simulated: ${missing.join(', ')}`);

async function answer(seed: number): Promise<Answer> {
  try {
    return await simulation.runSeed(seed, { isTraced, ...(faultRate !== undefined && { faultRate }) });
  } catch (error) {
    return { seed, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

async function tell(seed: number): Promise<void> {
  // A port of Node's, which has no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(await answer(seed));
}

parentPort?.on('message', (seed: number) => void tell(seed));
