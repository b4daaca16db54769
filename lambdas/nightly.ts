import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { chunks } from './chunks.ts';
import type { NightlyEnv } from './env.ts';
import { CONTACTS_PER_TICK, type Tick } from './events/envelope.ts';
import { type Measured, measured, publishing } from './measured.ts';
import { addDays, localDate, nextDate } from './scoring/calendar.ts';
import { dueContacts } from './store/due-index.ts';
import { PortalRow } from './store/portal-rows.ts';
import { sendAll } from './store/queues.ts';

/** Nights that are looked at again although they were finished: a tick that went astray still finds its contact there. */
const NIGHTS_AGAIN = 7;

/** What the schedule asks. `upTo: 'now'` also looks at what falls due today, which the coming night would find. */
const Job = v.object({
  job: v.literal('decay'),
  upTo: v.optional(v.picklist(['tonight', 'now']), 'tonight'),
});

/** The last night whose due contacts were all ticked, `YYYY-MM-DD`; empty before the first run. */
export interface NightlyProgress {
  readonly finishedNight: string;
}

export interface NightlyParts extends Pick<Measured, 'count' | 'observe'> {
  readonly clock: () => number;
  readonly portalId: string;
  readonly timeZone: string;
  readonly due: (night: string) => AsyncIterable<string[]>;
  readonly tick: (ticks: readonly Tick[]) => Promise<void>;
  readonly progress: Pick<PortalRow<NightlyProgress>, 'update'>;
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

/** One night in figures. */
export interface NightReport {
  readonly nights: readonly string[];
  readonly due: number;
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
      const report = await decay(v.parse(Job, event), parts);
      isFinished = true;
      return report;
    } finally {
      count('NightlyFinished', isFinished ? 1 : 0);
      observe('NightlySeconds', (clock() - startedAtMs) / 1000);
    }
  };
}

async function decay({ upTo }: v.InferOutput<typeof Job>, parts: NightlyParts): Promise<NightReport> {
  const { clock, timeZone, progress, portalId, count, logger } = parts;
  const tonight = localDate(clock(), timeZone);
  const finishedNight = await progress.update((state) => begun(state, tonight));
  const nights = nightsBetween(finishedNight, tonight);
  let due = 0;
  for (const night of upTo === 'now' ? [...nights, nextDate(tonight)] : nights) {
    for await (const contactIds of parts.due(night)) {
      count('ContactsDue', contactIds.length);
      await parts.tick(chunks(contactIds, CONTACTS_PER_TICK).map((ids) => ({ portalId, contactIds: ids })));
      count('ContactsTicked', contactIds.length);
      due += contactIds.length;
    }
  }
  await progress.update((state) => finished(state, tonight));
  logger.info('nightly decay', { nights: nights.length, due, finished: true });
  return { nights, due };
}

/** The first run notes the night before as finished, so that however often it fails, nothing since then is left out. */
function begun({ finishedNight }: NightlyProgress, tonight: string) {
  const result = finishedNight === '' ? addDays(tonight, -1) : finishedNight;
  return { state: { finishedNight: result }, result };
}

/** Runs may overlap: the later night stands. */
function finished(state: NightlyProgress, tonight: string) {
  return { state: tonight > state.finishedNight ? { finishedNight: tonight } : state, result: undefined };
}

/** The nights to look at: those since the last finished one, and a few before it. */
function nightsBetween(finishedNight: string, tonight: string): string[] {
  const nights: string[] = [];
  for (let night = addDays(finishedNight, -NIGHTS_AGAIN); night <= tonight; night = nextDate(night))
    nights.push(night);
  return nights;
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
