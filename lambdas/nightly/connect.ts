import type { NightlyEnv } from '../env.ts';
import { hubSpotLists } from '../hubspot/lists.ts';
import type { ObjectType } from '../hubspot/objects.ts';
import type { Measured } from '../measured.ts';
import type { Platform } from '../platform.ts';
import { connectHubSpot } from '../portal/connect.ts';
import { effectsRow } from '../portal/effects.ts';
import { withheldRow } from '../portal/withheld.ts';
import { connectStore } from '../store/connect.ts';
import { dueBy, dueContacts } from '../store/due-index.ts';
import { sendAll } from '../store/queues.ts';
import { reportsBucket } from '../store/reports-bucket.ts';
import { type DecayParts, progressRow } from './decay.ts';
import { reportsRow } from './monthly-report.ts';
import type { RunParts } from './parts.ts';
import { runRow } from './run.ts';
import { PAGES_AT_A_TIME } from './walk-page.ts';

/** About how long an invocation goes on before it asks for the next: well within its time-out, whatever one page takes. */
const TURN_MS = 60_000;

/** What the door needs, as the environment names it. */
export function connectNightly(
  env: NodeJS.ProcessEnv & Partial<NightlyEnv>,
  platform: Platform,
): DecayParts & RunParts & Measured {
  const { sqs, secrets, model, count, observe, publish, logger } = platform;
  const store = connectStore(env, platform);
  const { client, tableName, portalId, contacts } = store;
  const sendTo =
    (queueUrl = '') =>
    (messages: readonly object[], delaySeconds?: number) =>
      sendAll(sqs, queueUrl, messages, delaySeconds);
  const { REPORTS_BUCKET_NAME: bucketName = '' } = env;
  const background = sendTo(env.BACKGROUND_QUEUE_URL);
  const ticks = sendTo(env.TICKS_QUEUE_URL);
  const ask = sendTo(env.NIGHTLY_QUEUE_URL);
  const hubSpot = connectHubSpot({ env, store, secrets, model, background, count, observe, logger });
  // Nobody waits for a night: everything that users wait for goes before it.
  const send = hubSpot.sendOn('background');
  const listsOf = (type: ObjectType) => hubSpotLists(env.HUBSPOT_API_URL ?? '', send, type);
  return {
    ...store,
    model,
    due: (night) => dueContacts(client, tableName, portalId, night),
    dueBy: (ids, nowMs) => dueBy(contacts, portalId, ids, nowMs),
    progress: progressRow(store),
    tick: ticks,
    ticks,
    background,
    ask: (request, delaySeconds) => ask([request], delaySeconds),
    hubSpot: hubSpot.hubSpotOn('background'),
    lists: { contacts: listsOf('contacts'), companies: listsOf('companies'), deals: listsOf('deals') },
    row: runRow(store),
    effects: effectsRow(store),
    reportsMade: reportsRow(store),
    reports: bucketName === '' ? undefined : reportsBucket(bucketName, env),
    withheld: withheldRow(store),
    idProperty: env.ID_PROPERTY ?? '',
    ownAppIds: (env.OWN_APP_IDS ?? '').split(',').filter((id) => id !== ''),
    factRetentionDays: Number(env.FACT_RETENTION_DAYS),
    dailyPercent: Number(env.RECONCILE_DAILY_PERCENT),
    dailyLimit: hubSpot.dailyLimit,
    takeCalls: hubSpot.takeCalls,
    pagesAtATime: PAGES_AT_A_TIME,
    turnMs: TURN_MS,
    count,
    observe,
    publish,
    logger,
  };
}
