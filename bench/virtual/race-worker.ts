// A thread for one race: its timers, its date, its `fetch`, and a limiter of HubSpot's client that no other race shares.
import { parentPort, workerData } from 'node:worker_threads';
import { race } from './race.ts';

// A port of Node's, which has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(await race(workerData));
