import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import pMap from 'p-map';
import * as v from 'valibot';
import { deployedModel } from './deployed-model.ts';
import type { ScorerEnv } from './env.ts';
import type { Heard, Rejected } from './events/heard.ts';
import { type Message, readMessages } from './events/messages.ts';
import type { Model } from './scoring/model.ts';
import { score } from './scoring/score.ts';
import { ContactTable, type Standing } from './store/contact-table.ts';
import { contactKey, emailKey, recordKey } from './store/keys.ts';
import { sendAll, sendLetters, type WriteRequest } from './store/queues.ts';
import { type Secret, secretOf } from './store/secrets.ts';

/** Contacts scored at once: enough to keep DynamoDB busy, few enough to keep one function's connections. */
const CONTACTS_AT_ONCE = 16;

/** Most of a reason that is logged, in characters; the dead letter has it whole. */
const REASON_LENGTH = 200;

/** The write-back lanes the scorer uses: what somebody did, and what only faded. */
type Lane = 'changes' | 'background';

export interface ScorerParts {
  readonly clock: () => number;
  readonly model: Model;
  readonly portalId: string;
  readonly ownAppIds: readonly string[];
  readonly timeZone: string;
  readonly contacts: ContactTable;
  readonly identityKey: Secret<{ key: string }>;
  readonly writeBack: Record<Lane, (requests: readonly WriteRequest[]) => Promise<void>>;
  readonly reject: (rejected: readonly Rejected[]) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

// Events and ticks -> contact table -> write-back lanes. One message is one verified request, or up to 100 due contacts.
export function createScorer(parts: ScorerParts): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const messages = readMessages(Records, parts);
    await parts.reject(messages.flatMap(({ rejected }) => rejected)); // Never understood: to the dead letters, with the reason.
    const failed = new Set<string>();
    const lanes: Record<Lane, WriteRequest[]> = { changes: [], background: [] };
    const work = groupBySubject(messages, await identityKeyFor(messages, parts));
    await pMap(
      [...work.values()],
      async (subject) => {
        try {
          const request = await scoreSubject(subject, parts);
          if (request !== undefined) lanes[subject.isTickOnly ? 'background' : 'changes'].push(request);
        } catch (error) {
          parts.logger.error('contact not scored', { error: error instanceof Error ? error : undefined });
          for (const id of subject.messageIds) failed.add(id);
        }
      },
      { concurrency: CONTACTS_AT_ONCE },
    );
    await parts.writeBack.changes(lanes.changes); // If this fails, all messages come back and end here again.
    await parts.writeBack.background(lanes.background);
    report(messages, failed, parts);
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) }; // These go back, no others.
  };
}

/** Everything one invocation heard of one subject. */
interface SubjectWork {
  readonly key: string;
  readonly heard: Heard[];
  readonly messageIds: Set<string>;
  isTickOnly: boolean;
}

function groupBySubject(messages: readonly Message[], identityKey: string): Map<string, SubjectWork> {
  const work = new Map<string, SubjectWork>();
  const at = (key: string, messageId: string): SubjectWork => {
    const subject = work.get(key) ?? { key, heard: [], messageIds: new Set<string>(), isTickOnly: true };
    work.set(key, subject);
    subject.messageIds.add(messageId);
    return subject;
  };
  for (const { messageId, portalId, heard, tick } of messages) {
    for (const contactId of tick) at(contactKey(portalId, contactId), messageId);
    for (const each of heard) {
      const subject = at(keyOf(portalId, each, identityKey), messageId);
      subject.heard.push(each);
      subject.isTickOnly = false;
    }
  }
  return work;
}

function keyOf(portalId: string, { subject }: Heard, identityKey: string): string {
  if (subject.type === 'contact') return contactKey(portalId, subject.id);
  if (subject.type === 'email') return emailKey(portalId, subject.email, identityKey);
  return recordKey(portalId, subject.type, subject.id);
}

/** The key is read only when an e-mail address needs it. */
async function identityKeyFor(messages: readonly Message[], { identityKey }: ScorerParts): Promise<string> {
  const isNeeded = messages.some(({ heard }) => heard.some(({ subject }) => subject.type === 'email'));
  return isNeeded ? (await identityKey.read()).key : '';
}

/** @returns what write-back is to do, if anything */
async function scoreSubject(
  { key, heard }: SubjectWork,
  parts: ScorerParts,
): Promise<WriteRequest | undefined> {
  const { contacts, model, clock, portalId, timeZone } = parts;
  const facts = heard.flatMap((each) => each.facts);
  await contacts.keep(
    key,
    facts, // Same fact, same row: redelivery is harmless.
    heard.flatMap((each) => each.properties),
  );
  const subject = heard[0]?.subject;
  if (subject?.type === 'company' || subject?.type === 'deal') return undefined;
  for (const each of heard) await turn(key, each, parts);
  const nowMs = clock();
  const standing = await contacts.rescore(
    key,
    (contactId, known, previous) => score(model, { portalId, contactId, timeZone }, known, previous, nowMs),
    nowMs,
  );
  // Also after a duplicate: an earlier try may have died before its request was sent.
  if (standing !== undefined)
    return isToBeWritten(standing) ? { portalId, contactId: standing.contactId } : undefined;
  return subject?.type === 'email' ? { portalId, email: subject.email } : undefined; // Whose address is it?
}

/** What befell the record itself. */
async function turn(
  key: string,
  { turn: told, subject }: Heard,
  { contacts, portalId }: ScorerParts,
): Promise<void> {
  if (told === undefined || subject.type !== 'contact') return;
  if (told.kind === 'privacyDeletion') await contacts.erase(key);
  else if (told.kind === 'deletion') await contacts.mark(key, 'deleted', told.atMs);
  else if (told.kind === 'restore') await contacts.mark(key, 'living', told.atMs);
  else if (told.kind === 'merge')
    for (const oldId of told.oldIds) await contacts.unite(contactKey(portalId, oldId), key);
}

function isToBeWritten({ head }: Standing): boolean {
  return head.life === 'living' && (head.writeId !== head.confirmedWriteId || head.readAtMs === undefined);
}

function report(messages: readonly Message[], failed: ReadonlySet<string>, { logger }: ScorerParts): void {
  const dropped: Record<string, number> = {};
  for (const reason of messages.flatMap((message) => message.dropped))
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  const rejected = messages.flatMap((message) =>
    message.rejected.map(({ reason }) => reason.slice(0, REASON_LENGTH)),
  );
  const events = messages.reduce((sum, { heard }) => sum + heard.length, 0);
  logger.info('scored', { messages: messages.length, events, dropped, rejected, failed: failed.size });
}

function fromEnvironment(env: NodeJS.ProcessEnv & Partial<ScorerEnv>): ScorerParts {
  const {
    PORTAL_ID = '',
    TIME_ZONE = 'UTC',
    OWN_APP_IDS = '',
    CONTACT_TABLE_NAME = '',
    FACT_RETENTION_DAYS = '',
  } = env;
  const { CHANGES_QUEUE_URL = '', BACKGROUND_QUEUE_URL = '', EVENTS_DEAD_LETTER_QUEUE_URL = '' } = env;
  const clock = Date.now;
  const sqs = new SQSClient({});
  return {
    clock,
    model: deployedModel(env.LAMBDA_TASK_ROOT ?? '.'),
    portalId: PORTAL_ID,
    ownAppIds: OWN_APP_IDS.split(',').filter((id) => id !== ''),
    timeZone: TIME_ZONE,
    contacts: new ContactTable({
      client: DynamoDBDocumentClient.from(new DynamoDBClient({}), {
        marshallOptions: { removeUndefinedValues: true },
      }),
      tableName: CONTACT_TABLE_NAME,
      portalId: PORTAL_ID,
      factRetentionDays: Number(FACT_RETENTION_DAYS),
      clock,
    }),
    identityKey: secretOf(
      new SecretsManagerClient({}),
      env.IDENTITY_KEY_SECRET_ARN ?? '',
      v.object({ key: v.pipe(v.string(), v.minLength(16)) }),
      clock,
    ),
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
