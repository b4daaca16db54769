import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import { chunks } from '../chunks.ts';
import { RetryableError } from '../errors.ts';

/** SendMessageBatch takes this many messages, and this many bytes of them (SQS developer guide, quotas, read 2026-11). */
const MESSAGES_PER_SEND = 10;
const BYTES_PER_SEND = 1_048_576;
/** Most of a reason whose event is left out, in characters. */
const REASON_LENGTH = 10_000;
/** Longest delay SQS gives a message. */
export const LONGEST_DELAY_SECONDS = 900;

/** What write-back is asked to do: bring a contact, a company or a deal to HubSpot, or find out whose an address or a deal is. */
export const WriteRequest = v.object({
  portalId: v.string(),
  contactId: v.optional(v.string()),
  email: v.optional(v.string()),
  /** Roll its score up from its contacts. */
  companyId: v.optional(v.string()),
  /** It changed: read afresh which deals its contacts have, and credit it. */
  dealId: v.optional(v.string()),
  /** Of a deal: epoch milliseconds of its newest change; contacts that were read later know of it. Left out: now. */
  atMs: v.optional(v.number()),
  /** Of a deal: only its credit is to be brought up to date; its contacts know of it as it is. */
  creditOnly: v.optional(v.literal(true)),
  /** Of a company: read it first, and score its contacts anew, also those of the records merged into it. */
  rescoreContacts: v.optional(v.literal(true)),
  /** Read back first, and write if HubSpot shows something else: the outcome of an earlier write is not known. */
  force: v.optional(v.literal(true)),
  /** Read the contact, though it was read: who tried before may have kept what it read and not scored it. */
  reread: v.optional(v.literal(true)),
  /** Epoch milliseconds at which happened what is to be shown; left out where only time has passed, or nobody waits for it. */
  occurredAtMs: v.optional(v.number()),
  /** Epoch milliseconds at which it was first sent, if it was put back since: to the queue, its copy is a new message. */
  sinceMs: v.optional(v.number()),
  /** How often it could not be tried: no fault of its own, so not counted by the queue. */
  postponed: v.optional(v.number()),
  /** How often HubSpot declined the record in a way that may pass. */
  declined: v.optional(v.number()),
});
export type WriteRequest = v.InferInput<typeof WriteRequest>;

/** HubSpot can be written to again: everybody is to be sent whom it does not show as the table does. */
export const ResumeRequest = v.object({
  portalId: v.string(),
  resume: v.literal('unconfirmed'),
  /** Where to go on, as the page before told it; without it at the beginning. */
  after: v.optional(v.string()),
});
export type ResumeRequest = v.InferOutput<typeof ResumeRequest>;

/** The job, and when it is to begin: by then all that was put off is back, and every process has noticed what it is asked for. */
export function resumption(portalId: string): [requests: ResumeRequest[], delaySeconds: number] {
  return [[{ portalId, resume: 'unconfirmed' }], LONGEST_DELAY_SECONDS];
}

/**
 * Puts messages on a queue, ten at a time.
 *
 * @param delaySeconds - before which nobody receives them, at most 900
 * @throws RetryableError when SQS refused one of them; those before it are sent, and sending them again does no harm
 */
export async function sendAll(
  client: Pick<SQSClient, 'send'>,
  QueueUrl: string,
  messages: readonly object[],
  delaySeconds = 0,
): Promise<void> {
  for (const batch of packed(messages.map(asBody))) {
    const Entries = batch.map((MessageBody, at) => ({
      Id: String(at),
      MessageBody,
      ...(delaySeconds > 0 && { DelaySeconds: delaySeconds }),
    }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const [first] = Failed;
    if (first !== undefined)
      throw new RetryableError(`SQS refused ${Failed.length} messages: ${first.Code ?? 'no code'}`);
  }
}

/** What can never be done, and why; whatever else helps to find out stands beside the reason. */
export interface Letter {
  readonly reason: string;
  readonly event?: unknown;
}

/**
 * Puts on a dead-letter queue what can never be understood or done, each with its reason. What no message can hold goes without its
 * event, so that nothing else is held up.
 *
 * @throws RetryableError as `sendAll`
 */
export async function sendLetters(
  client: Pick<SQSClient, 'send'>,
  queueUrl: string,
  letters: readonly Letter[],
): Promise<void> {
  const fitting = letters.map((letter) => {
    if (isSendable(letter)) return letter;
    return { reason: letter.reason.slice(0, REASON_LENGTH), event: 'left out: no message can hold it' };
  });
  await sendAll(client, queueUrl, fitting);
}

function isSendable(message: object): boolean {
  try {
    return Buffer.byteLength(asBody(message)) <= BYTES_PER_SEND;
  } catch {
    return false; // Nested deeper than JSON can be written.
  }
}

function packed(bodies: readonly string[]): string[][] {
  const isSmall = bodies.every((body) => Buffer.byteLength(body) <= BYTES_PER_SEND / MESSAGES_PER_SEND);
  return chunks(bodies, isSmall ? MESSAGES_PER_SEND : 1);
}

/** JSON in characters that SQS takes: it refuses U+FFFE and U+FFFF. Whole numbers beyond 2^53 become text. */
function asBody(message: object): string {
  const json = JSON.stringify(message, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return json.replaceAll(/[\uFFFE\uFFFF]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}
