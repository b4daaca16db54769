import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { NightlyEnv } from './env.ts';
import { type Measured, measured, publishing } from './measured.ts';
import { type DecayParts, decay, type NightReport } from './nightly/decay.ts';
import { dueContacts } from './store/due-index.ts';
import { PortalRow } from './store/portal-rows.ts';
import { sendAll } from './store/queues.ts';

/** What the schedule asks. `upTo: 'now'` also looks at what falls due today, which the coming night would find. */
const Job = v.object({
  job: v.literal('decay'),
  upTo: v.optional(v.picklist(['tonight', 'now']), 'tonight'),
});

export interface NightlyParts extends DecayParts, Pick<Measured, 'observe'> {
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

// Schedule -> due index -> ticks queue. Decay without sweeping: only contacts whose shown values change are touched.
export function createNightly(parts: NightlyParts): (event: unknown) => Promise<NightReport> {
  return async (event) => {
    const { clock, count, observe } = parts;
    // A night on which nothing falls due is a 0, and no gap.
    count('ContactsDue', 0);
    count('ContactsTicked', 0);
    const startedAtMs = clock();
    let isFinished = false;
    try {
      const report = await decay(v.parse(Job, event).upTo, parts);
      isFinished = true;
      return report;
    } finally {
      count('NightlyFinished', isFinished ? 1 : 0);
      observe('NightlySeconds', (clock() - startedAtMs) / 1000);
    }
  };
}

function fromEnvironment(env: NodeJS.ProcessEnv & Partial<NightlyEnv>): NightlyParts & Measured {
  const { PORTAL_ID: portalId = '', TIME_ZONE: timeZone = 'UTC', CONTACT_TABLE_NAME: tableName = '' } = env;
  const logger = new Logger();
  const sqs = new SQSClient({});
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const Progress = v.object({ finishedNight: v.string() });
  return {
    clock: Date.now,
    portalId,
    timeZone,
    due: (night) => dueContacts(client, tableName, portalId, night),
    tick: (ticks) => sendAll(sqs, env.TICKS_QUEUE_URL ?? '', ticks),
    progress: new PortalRow(client, tableName, portalId, 'nightly', Progress, { finishedNight: '' }),
    logger,
    ...measured(logger),
  };
}

let nightly: ReturnType<typeof createNightly> | undefined;

export const handler: ReturnType<typeof createNightly> = (event) => {
  if (nightly === undefined) {
    const parts = fromEnvironment(process.env);
    nightly = publishing(createNightly(parts), parts);
  }
  return nightly(event);
};
