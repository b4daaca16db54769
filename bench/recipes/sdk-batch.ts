// HubSpot's own client with its limiter, its retries and its batch API, set up as its README says.
import { randomUUID } from 'node:crypto';
import { chunks } from '../../lambdas/chunks.ts';
import { sdkClient } from './sdk-client.ts';
import type { Recipe, WriterTask } from './writer.ts';

const BATCH = 100;

export const sdkBatch = {
  name: 'SDK, batches',
  source:
    '@hubspot/api-client 14.0.1, README "Rate limiting" and "Retry mechanism": DEFAULT_LIMITER_OPTIONS at 19 calls a second, numberOfApiCallRetries 6, batchApi.update with trace ids, so that a 207 names single records; only its results count as written',
  doesNot: [
    'try single records of a 207 again: the caller is told',
    'look for records that stand neither in the results nor in the errors',
    'try again after 401, 403, 408, 423, 477 or a broken connection',
    'know whether a write without an answer was done: after a 5xx it is sent again, and may be done twice',
    'keep what it could not write: what failed is lost unless the caller has a queue',
    'share its limiter: each process has its own',
  ],
  moreProperties: [],
  async write({ url, accessToken, contacts }: WriterTask) {
    const { batchApi } = sdkClient(url, accessToken).crm.contacts;
    const answers = await Promise.allSettled(
      chunks(contacts, BATCH).map(async (batch) => {
        const inputs = batch.map(({ id, properties }) => ({
          id,
          properties: { ...properties },
          objectWriteTraceId: randomUUID(),
        }));
        const { results } = await batchApi.update({ inputs }); // Whom a 207 has an error for is not among them.
        return results.map(({ id }) => id);
      }),
    );
    return {
      countedAsWritten: answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])),
    };
  },
} satisfies Recipe;
