import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import pMap from 'p-map';
import { deployedModel } from './deployed-model.ts';
import type { ScorerEnv } from './env.ts';
import type { Rejected } from './events/heard.ts';
import { type Message, readMessages } from './events/messages.ts';
import { groupBySubject, type ScoringParts, scoreSubject } from './scorer/subjects.ts';
import { connectStore } from './store/connect.ts';
import { sendAll, sendLetters, type WriteRequest } from './store/queues.ts';

/** Contacts scored at once: enough to keep DynamoDB busy, few enough to keep one function's connections. */
const CONTACTS_AT_ONCE = 16;

/** Most of a reason that is logged, in characters; the dead letter has it whole. */
const REASON_LENGTH = 200;

/** The write-back lanes the scorer uses: what somebody did, and what only faded. */
type Lane = 'changes' | 'background';

export interface ScorerParts extends ScoringParts {
  readonly ownAppIds: readonly string[];
  readonly writeBack: Record<Lane, (requests: readonly WriteRequest[]) => Promise<void>>;
  readonly reject: (rejected: readonly Rejected[]) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

// Events and ticks -> contact table -> write-back lanes. One message is one verified request, or up to 100 due contacts.
export function createScorer(parts: ScorerParts): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const messages = readMessages(Records, parts);
    const failed = new Set<string>();
    const lanes: Record<Lane, WriteRequest[]> = { changes: [], background: [] };
    let factLimitReached = 0;
    await pMap(
      await groupBySubject(messages, parts),
      async (subject) => {
        try {
          const { request, isFactLimitReached } = await scoreSubject(subject, parts);
          if (isFactLimitReached) factLimitReached += 1;
          if (request !== undefined) lanes[subject.isTickOnly ? 'background' : 'changes'].push(request);
        } catch (error) {
          parts.logger.error('contact not scored', { error: error instanceof Error ? error : undefined });
          for (const id of subject.messageIds) failed.add(id);
        }
      },
      { concurrency: CONTACTS_AT_ONCE },
    );
    // Never understood: to the dead letters, with the reason; of a message that comes back, when it is done with.
    await parts.reject(
      messages.flatMap(({ messageId, rejected }) => (failed.has(messageId) ? [] : rejected)),
    );
    await parts.writeBack.changes(lanes.changes); // If this fails, all messages come back and end here again.
    await parts.writeBack.background(lanes.background);
    report(messages, { failed: failed.size, factLimitReached }, parts);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) }; // These go back, no others.
  };
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
    EVENTS_DEAD_LETTER_QUEUE_URL = '',
  } = env;
  const sqs = new SQSClient({});
  return {
    ...connectStore(env, new SecretsManagerClient({}), Date.now),
    model: deployedModel(env.LAMBDA_TASK_ROOT ?? '.'),
    ownAppIds: OWN_APP_IDS.split(',').filter((id) => id !== ''),
    writeBack: {
      changes: (requests) => sendAll(sqs, CHANGES_QUEUE_URL, requests),
      background: (requests) => sendAll(sqs, BACKGROUND_QUEUE_URL, requests),
    },
    reject: (rejected) => sendLetters(sqs, EVENTS_DEAD_LETTER_QUEUE_URL, rejected),
    logger: new Logger(),
  };
}

let scorer: ReturnType<typeof createScorer> | undefined;

export const handler: ReturnType<typeof createScorer> = (event) => {
  scorer ??= createScorer(fromEnvironment(process.env));
  return scorer(event);
};
