// The batch writer that a vendor publishes in Python: 100 contacts to a call, 250 ms of sleep between calls, three tries, and a
// property that marks the request. Written from its description, with the outdated path of the original. Known of it:
// - It takes 200 alone for success and looks neither at `errors` nor for missing results. A 207 raises nothing, so the same batch is
//   sent up to three times, and the failed records are then counted as written.
// - It backs off 0.5, 1 and 2 s after a 429, less than the 10-s window: after the third, the batch is dropped and still counted.
// - It does not look for ids that stand twice in a batch: HubSpot refuses all hundred.
// - Its marker is an ordinary property: it recognises nothing, and each write adds to the history and may raise a webhook.
// - It spaces the calls of one process: several of them break the limit together.
import { randomUUID } from 'node:crypto';
import { chunks } from '../../lambdas/chunks.ts';
import type { Recipe, WriterTask } from './writer.ts';

const BATCH = 100;
const TRIES = 3;
const SLEEP_BETWEEN_MS = 250;
const BACK_OFF_MS = 500;
export const MARKER = 'lantern_request_id';

export const fixedSleep = {
  name: 'fixed sleep',
  source:
    'a vendor’s published Python batch writer: 250 ms between calls, three tries with 0.5, 1 and 2 s after a 429, a marker property',
  doesNot: [
    'read the errors of a 207: it sends the batch again, and counts it as written',
    'wait as long as the window of a 429: the batch is dropped after the third, and counted as written',
    'take ids that stand twice out of a batch',
    'try again after any other error: it raises, and here the next batch goes on',
    'know of other processes with the same token',
  ],
  moreProperties: [MARKER],
  async write(task: WriterTask) {
    const countedAsWritten: string[] = [];
    for (const contacts of chunks(task.contacts, BATCH)) {
      try {
        await sendBatch(contacts, task);
        countedAsWritten.push(...contacts.map(({ id }) => id));
      } catch {
        // `raise_for_status`, or a connection that broke: whoever called it knows of this batch. Some would end here.
      }
      await task.sleep(SLEEP_BETWEEN_MS);
    }
    return { countedAsWritten };
  },
} satisfies Recipe;

/** @throws Error for an error status other than 429, and when there is no answer */
async function sendBatch(
  contacts: WriterTask['contacts'],
  { url, accessToken, sleep }: WriterTask,
): Promise<void> {
  const requestId = randomUUID();
  const inputs = contacts.map(({ id, properties }) => ({
    id,
    properties: { ...properties, [MARKER]: requestId },
  }));
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { status } = await fetch(`${url}/crm/v3/objects/contacts/batch/update`, {
      method: 'POST',
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ inputs }),
    });
    if (status === 200) return;
    if (status === 429) await sleep(BACK_OFF_MS * 2 ** attempt);
    else if (status >= 400) throw new Error(`HubSpot answered ${status}`);
  }
}
