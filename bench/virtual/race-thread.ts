import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RaceFigures, RaceOptions } from './race.ts';

/** As `race`, in a thread of its own. @throws what the race throws */
export async function raceInThread(options: RaceOptions): Promise<RaceFigures> {
  // HubSpot's client tells standard error of each of its retries.
  const worker = new Worker(new URL('./race-worker.ts', import.meta.url), {
    workerData: options,
    stderr: true,
  });
  worker.stderr.resume();
  try {
    const [figures]: RaceFigures[] = await once(worker, 'message'); // Rejects when the thread fails.
    if (figures === undefined) throw new Error(`no figures of ${options.writer}`);
    return figures;
  } finally {
    await worker.terminate();
  }
}
