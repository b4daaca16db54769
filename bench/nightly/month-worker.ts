// A thread for a part of a portal. What it tells is how far it is; what it tells last, the month.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { readModelFile } from '../../cli/model-file.ts';
import { playMonth } from './month.ts';

/** So many contacts of another portal are played first: the first thousands of a thread take longer than all others. */
const WARM_UP_CONTACTS = 2000;

const model = readModelFile(join(import.meta.dirname, '../../models/b2b-saas.yaml'));
playMonth(model, { contacts: WARM_UP_CONTACTS, seed: 0 });
// A port of Node's, which has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
const tell = (what: unknown) => parentPort?.postMessage(what);
tell({ month: playMonth(model, { ...workerData, onPlayed: (contacts) => tell({ contacts }) }) });
