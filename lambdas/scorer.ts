import type { Logger } from '@aws-lambda-powertools/logger';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import pMap from 'p-map';
import type { ScorerEnv } from './env.ts';
import type { CompanyTick, Tick } from './events/envelope.ts';
import { ANOTHER_PORTAL, type Arrival } from './events/heard.ts';
import { type Message, readMessages } from './events/messages.ts';
import { type Measured, publishing } from './measured.ts';
import { type Platform, platformOfAws } from './platform.ts';
import { createArrivalNotes, HEARD_ROW, HeardDays, NOTHING_HEARD } from './scorer/arrivals.ts';
import { sample } from './scorer/liveness.ts';
import type { Outcome } from './scorer/outcome.ts';
import { groupByPage, tickPage } from './scorer/records.ts';
import { groupBySubject, type ScoringParts, scoreSubject } from './scorer/subjects.ts';
import { INDEX_LAG_SECONDS } from './store/company-table.ts';
import { connectStore } from './store/connect.ts';
import { PortalRow } from './store/portal-rows.ts';
import { type Letter, LONGEST_DELAY_SECONDS, sendAll, sendLetters } from './store/queues.ts';

/** Contacts scored at once: enough to keep DynamoDB busy, few enough to keep one function's connections. */
const CONTACTS_AT_ONCE = 16;

/** Most contacts of one invocation that go at once. */
const URGENT_AT_ONCE = 10;

/** Most ages of facts that one invocation tells CloudWatch: as many as one line holds. */
const AGES_TOLD = 100;

/** Most of a reason that is logged, in characters; the dead letter has it whole. */
const REASON_LENGTH = 200;

export interface ScorerParts extends ScoringParts, Pick<Measured, 'observe'> {
  readonly ownAppIds: readonly string[];
  readonly ticks: (ticks: readonly (Tick | CompanyTick)[], delaySeconds?: number) => Promise<void>;
  readonly reject: (letters: readonly Letter[]) => Promise<void>;
  /** Notes which subscriptions bring events; never throws. */
  readonly noteArrivals: (arrivals: readonly Arrival[]) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

// Events and ticks -> contact table -> write-back lanes. One message is one verified request, up to 100 contacts to score anew, or
// one page of the contacts of a company.
export function createScorer(parts: ScorerParts): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const messages = readMessages(Records, parts);
    const redelivered = Records.filter(({ attributes }) => Number(attributes.ApproximateReceiveCount) > 1);
    const redeliveredIds = new Set(redelivered.map(({ messageId }) => messageId));
    const failed = new Set<string>();
    const outcomes: Outcome[] = [];
    const finish = async (messageIds: ReadonlySet<string>, work: Promise<Outcome>) => {
      try {
        outcomes.push(await work);
      } catch (error) {
        parts.logger.error('contact not scored', { error: error instanceof Error ? error : undefined });
        for (const id of messageIds) failed.add(id);
      }
    };
    await pMap(
      await groupBySubject(messages, parts),
      (subject) => {
        const isRedelivered = !subject.messageIds.isDisjointFrom(redeliveredIds);
        return finish(subject.messageIds, scoreSubject(subject, parts, isRedelivered));
      },
      { concurrency: CONTACTS_AT_ONCE },
    );
    for (const { page, messageIds } of groupByPage(messages)) await finish(messageIds, tickPage(page, parts));
    // Of a message that comes back, when it is done with.
    await setAside(
      messages.filter(({ messageId }) => !failed.has(messageId)),
      parts,
    );
    await sendOn(outcomes, parts);
    await parts.noteArrivals(messages.flatMap(({ arrivals = [] }) => arrivals));
    report(messages, outcomes, failed.size, parts);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) }; // These go back, no others.
  };
}

/** What was never understood goes to the dead letters, with the reason. */
async function setAside(messages: readonly Message[], { reject, count }: ScorerParts): Promise<void> {
  const rejected = messages.flatMap((message) => message.rejected);
  await reject(rejected.map(({ reason, event }) => ({ reason, event })));
  for (const { kind } of rejected) count('DeadLettered', 1, kind);
}

/** If one of these fails, all messages come back and end here again. */
async function sendOn(
  outcomes: readonly Outcome[],
  { writeBack, ticks, portalId }: ScorerParts,
): Promise<void> {
  const ofCompany = (companyId: string) => ({ portalId, companyId });
  const urgent = outcomes.flatMap((outcome) => outcome.urgent ?? []);
  // Of so many at once, as after an import, nobody waits for each: batches take them sooner.
  const isBurst = urgent.length > URGENT_AT_ONCE || writeBack.urgent === undefined;
  if (!isBurst) await writeBack.urgent?.(urgent);
  const changes = outcomes.flatMap((outcome) => [...(outcome.changes ?? []), ...(outcome.credits ?? [])]);
  await writeBack.changes([...changes, ...(isBurst ? urgent : [])]);
  await writeBack.background(outcomes.flatMap(({ background = [] }) => background));
  await ticks(outcomes.flatMap((outcome) => outcome.ticks ?? []));
  const rollUps = outcomes.flatMap((outcome) => outcome.rollUps ?? []);
  await writeBack.background(rollUps.map(ofCompany), INDEX_LAG_SECONDS);
  // A write of which nobody heard any more may land behind the sweep: then whoever is scored again is swept again.
  const erased = outcomes.flatMap((outcome) => outcome.erased ?? []);
  await ticks(
    erased.map((id) => ({ portalId, contactIds: [id] })),
    LONGEST_DELAY_SECONDS,
  );
  const changed = outcomes.flatMap(({ changedCompanies = [] }) => changedCompanies);
  await ticks(changed.map(ofCompany), INDEX_LAG_SECONDS);
}

function report(
  messages: readonly Message[],
  outcomes: readonly Outcome[],
  failed: number,
  { logger, count, observe }: ScorerParts,
): void {
  const dropped: Record<string, number> = {};
  for (const reason of messages.flatMap((message) => message.dropped))
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  const rejected = messages.flatMap((message) =>
    message.rejected.map(({ reason }) => reason.slice(0, REASON_LENGTH)),
  );
  const events = messages.reduce((sum, { heard }) => sum + heard.length, 0);
  const factLimitReached = outcomes.filter(({ isFactLimitReached }) => isFactLimitReached === true).length;
  const foreign = dropped[ANOTHER_PORTAL] ?? 0;
  if (foreign > 0) count('EventsForeign', foreign);
  const agesMs = outcomes.flatMap((outcome) => outcome.agesMs ?? []);
  for (const ageMs of sample(agesMs, AGES_TOLD)) observe('AgeAtScore', ageMs);
  logger.info('scored', {
    messages: messages.length,
    events,
    dropped,
    rejected,
    failed,
    factLimitReached,
  });
}

/** The door's parts as its environment names them. */
export function scorerParts(env: Partial<ScorerEnv>, platform: Platform): ScorerParts & Measured {
  const {
    OWN_APP_IDS = '',
    CHANGES_QUEUE_URL = '',
    BACKGROUND_QUEUE_URL = '',
    URGENT_QUEUE_URL = '',
    TICKS_QUEUE_URL = '',
    EVENTS_DEAD_LETTER_QUEUE_URL = '',
  } = env;
  const { sqs, model, logger, count, observe, publish } = platform;
  const store = connectStore(env, platform);
  const { client, tableName, portalId, clock } = store;
  const heard = new PortalRow(client, tableName, portalId, HEARD_ROW, HeardDays, NOTHING_HEARD);
  return {
    ...store,
    count,
    observe,
    publish,
    model,
    ownAppIds: OWN_APP_IDS.split(',').filter((id) => id !== ''),
    writeBack: {
      urgent: URGENT_QUEUE_URL === '' ? undefined : (requests) => sendAll(sqs, URGENT_QUEUE_URL, requests),
      changes: (requests, delaySeconds) => sendAll(sqs, CHANGES_QUEUE_URL, requests, delaySeconds),
      background: (requests, delaySeconds) => sendAll(sqs, BACKGROUND_QUEUE_URL, requests, delaySeconds),
    },
    ticks: (ticks, delaySeconds) => sendAll(sqs, TICKS_QUEUE_URL, ticks, delaySeconds),
    reject: (letters) => sendLetters(sqs, EVENTS_DEAD_LETTER_QUEUE_URL, letters),
    noteArrivals: createArrivalNotes({ clock, model, heard, logger }),
    logger,
  };
}

let scorer: ReturnType<typeof createScorer> | undefined;

export const handler: ReturnType<typeof createScorer> = (event) => {
  if (scorer === undefined) {
    const parts = scorerParts(process.env, platformOfAws(process.env));
    scorer = publishing(createScorer(parts), parts);
  }
  return scorer(event);
};
