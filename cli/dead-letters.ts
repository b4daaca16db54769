import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import pMap from 'p-map';
import * as v from 'valibot';
import { chunks } from '../lambdas/chunks.ts';
import { ResumeRequest, sendAll, WriteRequest } from '../lambdas/store/queues.ts';
import { type Queues, UsageError } from './target.ts';

/** SQS hands out, and changes, this many messages in one call (SQS developer guide, quotas, read 2026-11). */
const MESSAGES_PER_CALL = 10;
/** Seconds to wait for a message: an empty answer then means an empty queue, since all of SQS's servers were asked. */
const WAIT_SECONDS = 1;
/** Seconds for which nobody else sees a letter that is looked at; it is put back long before, unless the command is killed. */
const HIDDEN_SECONDS = 300;
/** Most letters that are looked at in each queue, unless somebody asks for more, and at most. */
const USUAL_LIMIT = 1_000;
const MOST_LETTERS = 10_000;
/** Letters sent back at once. */
const AT_ONCE = 8;
/** Most of a reason that is printed, in characters; JSON has it whole. */
const REASON_LENGTH = 160;

/** The lanes of write-back, by title. */
const LANES = ['Urgent', 'Changes', 'Background'];
/** Where what could never be written is asked for again, whichever lane it came by. */
const WRITE_BACK_QUEUE = 'Changes';
const SET_ASIDE = 'tried five times without success';

/** Where dead letters are, and how to get at them. */
export interface DeadLetterSource {
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly queues: Queues;
}

/** A message on a dead-letter queue. */
interface DeadLetter {
  readonly queue: string;
  readonly id: string;
  readonly receiptHandle: string;
  readonly sentAtMs: number;
  readonly reason: string;
  /** Whom it is about, such as `contact 7`; the id of the message where it does not say. */
  readonly about: string;
  readonly correlationId: string | undefined;
  /** What to send, and to which queue; undefined for what nobody would understand the second time either. */
  readonly retry: { readonly queue: string; readonly message: string | object } | undefined;
}

/** Letters of one queue that are there for the same reason. */
export interface LetterGroup {
  readonly queue: string;
  readonly reason: string;
  readonly count: number;
  /** Of the oldest: whom it is about, when it was sent (ISO 8601), and HubSpot's correlation id. */
  readonly example: string;
  readonly oldest: string;
  readonly correlationId?: string;
  readonly canRetry: boolean;
}

export interface LetterList {
  readonly letters: number;
  readonly groups: readonly LetterGroup[];
  /** Titles of queues that may hold more letters than were looked at. */
  readonly notAllOf: readonly string[];
}

export interface LetterRetry {
  /** Letters sent back; with `dryRun`, those that would be. */
  readonly sent: number;
  /** Chosen, but nobody would understand them the second time either: left where they are. */
  readonly cannot: number;
  /** Not taken by SQS: left where they are, or sent and not removed, which does no harm. */
  readonly failed: number;
  /** Why the first of these failed. */
  readonly error?: string;
  /** Not chosen. */
  readonly left: number;
  readonly dryRun: boolean;
  readonly notAllOf: readonly string[];
}

export interface LetterOptions {
  /** As typed. */
  readonly limit?: string;
}

export interface RetryOptions extends LetterOptions {
  /** Part of a reason, in any case. */
  readonly reason?: string;
  /** Title of a queue. */
  readonly queue?: string;
  readonly dryRun?: true;
}

/**
 * Lists what is on the dead-letter queues, by queue and reason, the most frequent first. Removes nothing.
 *
 * @throws UsageError when the limit is none
 */
export async function listDeadLetters(
  source: DeadLetterSource,
  options: LetterOptions = {},
): Promise<LetterList> {
  return looking(source, Object.keys(source.queues), readLimit(options), async (letters, notAllOf) => ({
    letters: letters.length,
    groups: groupsOf(letters),
    notAllOf,
  }));
}

/**
 * Sends dead letters back to be tried again: each is sent first and removed after, so that none is lost on the way.
 *
 * @throws UsageError when an option is wrong
 */
export async function retryDeadLetters(
  source: DeadLetterSource,
  { reason = '', queue, dryRun, ...rest }: RetryOptions = {},
): Promise<LetterRetry> {
  const titles = Object.keys(source.queues);
  if (queue !== undefined && !titles.includes(queue))
    throw new UsageError(`--queue: expected ${titles.join(', ')}, found "${queue}"`);
  const wanted = queue === undefined ? titles : [queue];
  return looking(source, wanted, readLimit(rest), async (letters, notAllOf) => {
    const chosen = letters.filter((one) => one.reason.toLowerCase().includes(reason.toLowerCase()));
    const able = chosen.filter(({ retry }) => retry !== undefined);
    const tried = await pMap(dryRun === true ? [] : able, (letter) => sendBack(source, letter), {
      concurrency: AT_ONCE,
    });
    const errors = tried.filter((error) => error !== undefined);
    return {
      sent: able.length - errors.length,
      cannot: chosen.length - able.length,
      failed: errors.length,
      ...(errors[0] !== undefined && { error: errors[0] }),
      left: letters.length - chosen.length,
      dryRun: dryRun === true,
      notAllOf,
    };
  });
}

/** @returns why the letter was not sent and removed; undefined when it was */
async function sendBack(
  { sqs, queues }: DeadLetterSource,
  { queue, receiptHandle, retry }: DeadLetter,
): Promise<string | undefined> {
  if (retry === undefined) return undefined;
  const to = queues[retry.queue]?.url ?? '';
  try {
    if (typeof retry.message === 'object') await sendAll(sqs, to, [retry.message]);
    else await sqs.send(new SendMessageCommand({ QueueUrl: to, MessageBody: retry.message }));
    const QueueUrl = queues[queue]?.deadLettersUrl ?? '';
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error); // The letter is still there.
  }
}

function readLimit({ limit = String(USUAL_LIMIT) }: LetterOptions): number {
  const count = /^\d{1,5}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > MOST_LETTERS)
    throw new UsageError(`--limit: expected a whole number from 1 to ${MOST_LETTERS}, found "${limit}"`);
  return count;
}

/** Hides letters while `act` looks at them, and shows them again; those that are gone by then stay gone. */
async function looking<T>(
  { sqs, queues }: DeadLetterSource,
  titles: readonly string[],
  limit: number,
  act: (letters: readonly DeadLetter[], notAllOf: readonly string[]) => Promise<T>,
): Promise<T> {
  const hidden = new Map<string, DeadLetter>();
  try {
    const read = await Promise.allSettled(
      titles.map((title) => readQueue(sqs, title, queues[title]?.deadLettersUrl ?? '', limit, hidden)),
    );
    for (const one of read) if (one.status === 'rejected') throw one.reason; // Not before all that was hidden is known.
    const notAllOf = titles.filter((_, at) => read[at]?.status === 'fulfilled' && read[at].value);
    return await act([...hidden.values()], notAllOf);
  } finally {
    await showAgain(sqs, queues, [...hidden.values()]);
  }
}

/** @returns whether there may be more than were read */
async function readQueue(
  sqs: Pick<SQSClient, 'send'>,
  title: string,
  QueueUrl: string,
  limit: number,
  hidden: Map<string, DeadLetter>,
): Promise<boolean> {
  for (let count = 0; count < limit; ) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: Math.min(MESSAGES_PER_CALL, limit - count),
        VisibilityTimeout: HIDDEN_SECONDS,
        WaitTimeSeconds: WAIT_SECONDS,
        MessageSystemAttributeNames: ['SentTimestamp'],
      }),
    );
    if (Messages.length === 0) return false;
    count += Messages.length;
    for (const message of Messages) {
      const letter = readLetter(title, message);
      hidden.set(letter.id, letter); // SQS may hand a message out twice; the newest receipt is the one that counts.
    }
  }
  return true;
}

async function showAgain(
  sqs: Pick<SQSClient, 'send'>,
  queues: Queues,
  letters: readonly DeadLetter[],
): Promise<void> {
  for (const [title, ofQueue] of Map.groupBy(letters, ({ queue }) => queue)) {
    for (const batch of chunks(ofQueue, MESSAGES_PER_CALL)) {
      await sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: queues[title]?.deadLettersUrl ?? '',
          Entries: batch.map(({ receiptHandle }, at) => ({
            Id: String(at),
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: 0,
          })),
        }),
      );
    }
  }
}

const Id = v.optional(v.string());
/** Whom a letter, or a message as it was, is about. */
const About = v.object({ contactId: Id, companyId: Id, dealId: Id });
/** What write-back was asked, as if nobody had tried it before. */
const Untried = v.omit(WriteRequest, ['postponed', 'declined']);
/** What the doors put there themselves, each with its reason. */
const Letter = v.object({
  reason: v.string(),
  correlationId: v.fallback(v.optional(v.string()), undefined),
  /** What the scorer could not understand has none. */
  request: v.fallback(v.optional(Untried), undefined),
});

function readLetter(
  queue: string,
  { Body = '', MessageId = '', ReceiptHandle = '', Attributes }: Message,
): DeadLetter {
  const about = v.safeParse(v.pipe(v.string(), v.parseJson(), About), Body);
  const letter = v.safeParse(v.pipe(v.string(), v.parseJson(), Letter), Body);
  const common = {
    queue,
    id: MessageId,
    receiptHandle: ReceiptHandle,
    sentAtMs: Number(Attributes?.SentTimestamp ?? 0),
    about: (about.success ? nameOf(about.output) : undefined) ?? `message ${MessageId}`,
  };
  if (!letter.success)
    return {
      ...common,
      reason: SET_ASIDE,
      correlationId: undefined,
      retry: { queue, message: messageAgain(queue, Body) },
    };
  const { reason, correlationId, request } = letter.output;
  return {
    ...common,
    reason,
    correlationId,
    retry: request && { queue: WRITE_BACK_QUEUE, message: request },
  };
}

/** What SQS set aside was received before, perhaps by somebody who died: what it wrote has to be read back, what it read has to be read again. */
function messageAgain(queue: string, body: string): string | object {
  if (!LANES.includes(queue) || v.is(v.pipe(v.string(), v.parseJson(), ResumeRequest), body)) return body;
  const request = v.safeParse(v.pipe(v.string(), v.parseJson(), Untried), body);
  return request.success ? { ...request.output, force: true, reread: true } : body;
}

function nameOf({ contactId, companyId, dealId }: v.InferOutput<typeof About>): string | undefined {
  if (contactId !== undefined) return `contact ${contactId}`;
  if (companyId !== undefined) return `company ${companyId}`;
  return dealId === undefined ? undefined : `deal ${dealId}`;
}

function groupsOf(letters: readonly DeadLetter[]): LetterGroup[] {
  const groups = Map.groupBy(letters, ({ queue, reason, retry }) =>
    JSON.stringify([queue, reason, retry === undefined]),
  );
  return [...groups.values()]
    .flatMap((group) => {
      const [oldest] = group.toSorted((one, other) => one.sentAtMs - other.sentAtMs);
      return oldest === undefined ? [] : [groupOf(group.length, oldest)];
    })
    .toSorted((one, other) => other.count - one.count);
}

function groupOf(count: number, oldest: DeadLetter): LetterGroup {
  const { queue, reason, about, sentAtMs, correlationId, retry } = oldest;
  return {
    queue,
    reason,
    count,
    example: about,
    oldest: new Date(sentAtMs).toISOString(),
    ...(correlationId !== undefined && { correlationId }),
    canRetry: retry !== undefined,
  };
}

/** The list, for people. */
export function formatList({ letters, groups, notAllOf }: LetterList): string {
  if (letters === 0) return 'No dead letters.';
  const lines = groups.map((group) => {
    const { queue, reason, count, example, oldest, correlationId, canRetry } = group;
    const told = reason.length > REASON_LENGTH ? `${reason.slice(0, REASON_LENGTH)}…` : reason;
    const since = `oldest ${oldest.slice(0, 16).replace('T', ' ')} UTC`;
    const id = correlationId === undefined ? '' : `, correlation id ${correlationId}`;
    return `${queue}: ${count} × ${told}\n  ${since}: ${example}${id}${canRetry ? '' : '; cannot be sent back'}`;
  });
  return [...lines, ...moreIn(notAllOf)].join('\n');
}

/** What was done, for people. */
export function formatRetry({ sent, cannot, failed, error, left, dryRun, notAllOf }: LetterRetry): string {
  const counts = [
    `${sent} ${dryRun ? 'would be sent back' : 'sent back'}`,
    ...(cannot > 0 ? [`${cannot} cannot be understood and stay`] : []),
    ...(failed > 0 ? [`${failed} were not taken and stay (${error})`] : []),
    ...(left > 0 ? [`${left} not chosen`] : []),
  ];
  return [`${counts.join(', ')}.`, ...moreIn(notAllOf)].join('\n');
}

function moreIn(queues: readonly string[]): string[] {
  return queues.length === 0
    ? []
    : [`There may be more in ${queues.join(', ')}: raise --limit, or come again.`];
}
