// HubSpot's own client again, one PATCH for each contact: the simplest way, and the first that its README shows.
import { sdkClient } from './sdk-client.ts';
import type { Recipe, WriterTask } from './writer.ts';

export const sdkSingle = {
  name: 'SDK, one by one',
  source:
    '@hubspot/api-client 14.0.1, README "Rate limiting" and "Retry mechanism": DEFAULT_LIMITER_OPTIONS at 19 calls a second, numberOfApiCallRetries 6, basicApi.update',
  doesNot: [
    'use batches: a hundred times as many calls of the 10-s and of the daily limit',
    'try again after 401, 403, 408, 409, 423, 477 or a broken connection',
    'know whether a write without an answer was done: after a 5xx it is sent again, and may be done twice',
    'keep what it could not write: what failed is lost unless the caller has a queue',
    'share its limiter: each process has its own',
  ],
  moreProperties: [],
  async write({ url, accessToken, contacts }: WriterTask) {
    const { basicApi } = sdkClient(url, accessToken).crm.contacts;
    const answers = await Promise.allSettled(
      contacts.map(({ id, properties }) => basicApi.update(id, { properties: { ...properties } })),
    );
    return {
      countedAsWritten: contacts.filter((_, at) => answers[at]?.status === 'fulfilled').map(({ id }) => id),
    };
  },
} satisfies Recipe;
