import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { joinMonths, type Month, type MonthOptions } from './month.ts';

const MOST_THREADS = 2;

/** What a thread tells. */
type Told = { readonly contacts: number } | { readonly month: Month };

/**
 * As `playMonth` by the model that ships, in several threads.
 *
 * @param onPlayed - told now and then how many contacts are done
 * @param threads - that share the contacts @default as many as there are cores, two at most
 */
export async function playInThreads(
  { contacts, seed }: Pick<MonthOptions, 'contacts' | 'seed'>,
  onPlayed: (contacts: number) => void,
  threads = Math.min(MOST_THREADS, availableParallelism()),
): Promise<Month> {
  const done = Array.from({ length: threads }, () => 0);
  const months = Array.from({ length: threads }, (_, part) =>
    playInThread({ contacts, seed, part, parts: threads }, (played) => {
      done[part] = played;
      onPlayed(done.reduce((sum, each) => sum + each, 0));
    }),
  );
  return joinMonths(await Promise.all(months));
}

function playInThread(options: MonthOptions, onPlayed: (contacts: number) => void): Promise<Month> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./month-worker.ts', import.meta.url), { workerData: options });
    worker.on('message', (told: Told) => ('month' in told ? resolve(told.month) : onPlayed(told.contacts)));
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('a thread ended without a month'))); // After its month that says nothing any more.
  });
}
