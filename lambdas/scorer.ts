import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import pMap from 'p-map';
import { deployedModel } from './deployed-model.ts';
import type { ScorerEnv } from './env.ts';
import type { CompanyTick, Tick } from './events/envelope.ts';
import type { Rejected } from './events/heard.ts';
import { type Message, readMessages } from './events/messages.ts';
import type { Outcome } from './scorer/outcome.ts';
import { groupByPage, tickPage } from './scorer/records.ts';
import { groupBySubject, type ScoringParts, scoreSubject } from './scorer/subjects.ts';
import { INDEX_LAG_SECONDS } from './store/company-table.ts';
import { connectStore } from './store/connect.ts';
import { sendAll, sendLetters } from './store/queues.ts';

/** Contacts scored at once: enough to keep DynamoDB busy, few enough to keep one function's connections. */
const CONTACTS_AT_ONCE = 16;

/** Most contacts of one invocation that go at once. */
const URGENT_AT_ONCE = 10;

/** Most of a reason that is logged, in characters; the dead letter has it whole. */
const REASON_LENGTH = 200;

export interface ScorerParts extends ScoringParts {
  readonly ownAppIds: readonly string[];
  readonly ticks: (ticks: readonly (Tick | CompanyTick)[], delaySeconds?: number) => Promise<void>;
  readonly reject: (rejected: readonly Rejected[]) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

// Events and ticks -> contact table -> write-back lanes. One message is one verified request, up to 100 contacts to score anew, or
// one page of the contacts of a company.
export function createScorer(parts: ScorerParts): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const messages = readMessages(Records, parts);
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
      (subject) => finish(subject.messageIds, scoreSubject(subject, parts)),
      { concurrency: CONTACTS_AT_ONCE },
    );
    for (const { page, messageIds } of groupByPage(messages)) await finish(messageIds, tickPage(page, parts));
    // Never understood: to the dead letters, with the reason; of a message that comes back, when it is done with.
    await parts.reject(
      messages.flatMap(({ messageId, rejected }) => (failed.has(messageId) ? [] : rejected)),
    );
    await sendOn(outcomes, parts);
    const factLimitReached = outcomes.filter(({ isFactLimitReached }) => isFactLimitReached === true).length;
    report(messages, { failed: failed.size, factLimitReached }, parts);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) }; // These go back, no others.
  };
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
  await writeBack.changes([...outcomes.flatMap(({ changes = [] }) => changes), ...(isBurst ? urgent : [])]);
  await writeBack.background(outcomes.flatMap(({ background = [] }) => background));
  await ticks(outcomes.flatMap((outcome) => outcome.ticks ?? []));
  const rollUps = outcomes.flatMap((outcome) => outcome.rollUps ?? []);
  await writeBack.background(rollUps.map(ofCompany), INDEX_LAG_SECONDS);
  const changed = outcomes.flatMap(({ changedCompanies = [] }) => changedCompanies);
  await ticks(changed.map(ofCompany), INDEX_LAG_SECONDS);
}

function report(messages: readonly Message[], counts: Record<string, number>, { logger }: ScorerParts): void {
  const dropped: Record<string, number> = {};
  for (const reason of messages.flatMap((message) => message.dropped))
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  const rejected = messages.flatMap((message) =>
    message.rejected.map(({ reason }) => reason.slice(0, REASON_LENGTH)),
  );
  const events = messages.reduce((sum, { heard }) => sum + heard.length, 0);
  logger.info('scored', { messages: messages.length, events, dropped, rejected, ...counts });
}

function fromEnvironment(env: NodeJS.ProcessEnv & Partial<ScorerEnv>): ScorerParts {
  const {
    OWN_APP_IDS = '',
    CHANGES_QUEUE_URL = '',
    BACKGROUND_QUEUE_URL = '',
    URGENT_QUEUE_URL = '',
    TICKS_QUEUE_URL = '',
    EVENTS_DEAD_LETTER_QUEUE_URL = '',
  } = env;
  const sqs = new SQSClient({});
  return {
    ...connectStore(env, new SecretsManagerClient({}), Date.now),
    model: deployedModel(env.LAMBDA_TASK_ROOT ?? '.'),
    ownAppIds: OWN_APP_IDS.split(',').filter((id) => id !== ''),
    writeBack: {
      urgent: URGENT_QUEUE_URL === '' ? undefined : (requests) => sendAll(sqs, URGENT_QUEUE_URL, requests),
      changes: (requests, delaySeconds) => sendAll(sqs, CHANGES_QUEUE_URL, requests, delaySeconds),
      background: (requests, delaySeconds) => sendAll(sqs, BACKGROUND_QUEUE_URL, requests, delaySeconds),
    },
    ticks: (ticks, delaySeconds) => sendAll(sqs, TICKS_QUEUE_URL, ticks, delaySeconds),
    reject: (rejected) => sendLetters(sqs, EVENTS_DEAD_LETTER_QUEUE_URL, rejected),
    logger: new Logger(),
  };
}

let scorer: ReturnType<typeof createScorer> | undefined;

export const handler: ReturnType<typeof createScorer> = (event) => {
  scorer ??= createScorer(fromEnvironment(process.env));
  return scorer(event);
};
