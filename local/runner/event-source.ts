import { setTimeout as pause } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import type { MappingPlan, QueuePlan } from './assembly.ts';
import type { LocalFunction } from './function.ts';
import { FunctionError } from './runtime-api.ts';
import { LOCAL_REGION } from './template.ts';

/** Environments that a queue without a maximum concurrency may keep busy on one machine. */
const DEFAULT_CONCURRENCY = 2;
/** Messages per receive or delete, and the longest long poll (SQS quotas). */
const SQS_BATCH = 10;
const LONG_POLL_SECONDS = 20;
/** Lambda's payload limit: a batch ends before it. */
const PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024;
/** Pause between two looks at an empty queue while a window is open. */
const WINDOW_LOOK_MS = 100;
/** Failed messages that are remembered: no more can be in flight (SQS quotas). */
const MOST_FAILED_KEPT = 120_000;
/** Pause after a receive that failed. */
const RETRY_MS = 100;

/** Environments this mapping can keep busy at a time. */
export function concurrencyOf(mapping: MappingPlan): number {
  return Math.min(mapping.maximumConcurrency ?? DEFAULT_CONCURRENCY, DEFAULT_CONCURRENCY);
}

/** A poller between a queue and a function, as Lambda's event source mapping is. */
export interface EventSource {
  /** Messages received and kept back by the batching window. */
  held(): number;
  /** When the open window ends, epoch milliseconds of the moved clock; undefined while nothing is held. */
  windowEndsAtMs(): number | undefined;
  /** Whether a message was given up for now, by the handle with which it was received: the queue has it again when it is visible. */
  hasFailed(receiptHandle: string): boolean;
  /** Ends the open window now. */
  flush(): void;
  stop(): Promise<void>;
}

export interface EventSourceSetting {
  readonly client: SQSClient;
  readonly queue: QueuePlan;
  readonly mapping: MappingPlan;
  readonly target: LocalFunction;
  /** The moved clock, epoch milliseconds. A window ends when it has passed by this clock, or by the wall's. @default wall time */
  readonly now?: () => number;
  readonly report: (line: string) => void;
}

/** Polls until stopped. */
export function startEventSource(setting: EventSourceSetting): EventSource {
  const { mapping, queue } = setting;
  const stopping = new AbortController();
  const report = (error: unknown): void => {
    if (!stopping.signal.aborted) setting.report(`${queue.path}: ${String(error)}`);
  };
  const deliveries = new Set<Promise<void>>();
  const failed = createFailed();
  const window = createWindow(setting, stopping.signal);
  const poll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (deliveries.size >= concurrencyOf(mapping)) await Promise.race(deliveries);
      const batch = await window.gather().catch(async (error: unknown) => {
        report(error);
        await pause(RETRY_MS);
        return [];
      });
      if (batch.length === 0) continue;
      const delivery = deliver(setting, batch, (messages) => failed.add(messages))
        .catch(report)
        .finally(() => deliveries.delete(delivery));
      deliveries.add(delivery);
    }
  };
  const polling = poll();
  return {
    held: window.held,
    windowEndsAtMs: window.endsAtMs,
    hasFailed: (receiptHandle) => failed.has(receiptHandle),
    flush: window.flush,
    async stop() {
      stopping.abort();
      await polling;
      await Promise.all(deliveries);
    },
  };
}

/** The last receipt handles of messages that failed. */
function createFailed() {
  const handles = new Set<string>();
  return {
    has: (handle: string) => handles.has(handle),
    add(messages: readonly Message[]): void {
      for (const { ReceiptHandle = '' } of messages) handles.add(ReceiptHandle);
      for (const oldest of handles) {
        if (handles.size <= MOST_FAILED_KEPT) break;
        handles.delete(oldest);
      }
    },
  };
}

/** Gathers a batch: at once without a window, else until it is full, too big, or the window has passed. */
function createWindow({ client, queue, mapping, now = Date.now }: EventSourceSetting, signal: AbortSignal) {
  const held: Message[] = [];
  let isFlushed = false;
  let endsAtMs = 0;
  const receive = async (waitSeconds: number): Promise<number> => {
    const command = new ReceiveMessageCommand({
      QueueUrl: queue.url,
      MaxNumberOfMessages: Math.max(1, Math.min(SQS_BATCH, mapping.batchSize - held.length)),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    const { Messages = [] } = await client.send(command, { abortSignal: signal });
    held.push(...Messages);
    return Messages.length;
  };
  const isFull = (): boolean => held.length >= mapping.batchSize || bytesOf(held) >= PAYLOAD_LIMIT_BYTES;
  return {
    held: () => held.length,
    endsAtMs: () => (held.length > 0 ? endsAtMs : undefined),
    flush: () => {
      isFlushed = held.length > 0;
    },
    async gather(): Promise<Message[]> {
      if (held.length === 0 && (await receive(LONG_POLL_SECONDS)) === 0) return [];
      const wallEndsAtMs = Date.now() + mapping.windowSeconds * 1000;
      endsAtMs = now() + mapping.windowSeconds * 1000;
      while (!isFull() && Date.now() < wallEndsAtMs && now() < endsAtMs) {
        if ((await receive(0)) > 0) continue;
        if (isFlushed) break;
        await pause(WINDOW_LOOK_MS, undefined, { signal });
      }
      isFlushed = false;
      return held.splice(0, countWithin(held, mapping.batchSize));
    },
  };
}

function bytesOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { Body = '' }) => sum + Buffer.byteLength(Body), 0);
}

/** How many of the first messages make a batch: at least one, never above the payload limit. */
function countWithin(messages: readonly Message[], batchSize: number): number {
  let bytes = 0;
  const tooMany = messages.findIndex(({ Body = '' }, index) => {
    bytes += Buffer.byteLength(Body);
    return index > 0 && (index >= batchSize || bytes > PAYLOAD_LIMIT_BYTES);
  });
  return tooMany === -1 ? messages.length : tooMany;
}

/** Invokes the function, then deletes what it did not report. What failed becomes visible when its time has come. */
async function deliver(
  setting: EventSourceSetting,
  batch: readonly Message[],
  onFailed: (messages: readonly Message[]) => void,
): Promise<void> {
  const { client, queue, mapping, target, report } = setting;
  let answer: unknown;
  try {
    answer = await target.invoke({ Records: batch.map((message) => recordOf(message, queue)) });
  } catch (error) {
    onFailed(batch);
    if (error instanceof FunctionError) return; // Already told; the queue tries again.
    throw error;
  }
  const ids = batch.map(({ MessageId = '' }) => MessageId);
  const failed = mapping.reportsItemFailures ? failedItems(answer, ids) : new Set<string>();
  if (failed.size > 0)
    report(`${queue.path}: ${failed.size} of ${ids.length} messages failed and will be tried again`);
  onFailed(batch.filter(({ MessageId = '' }) => failed.has(MessageId)));
  const done = batch.filter(({ MessageId = '' }) => !failed.has(MessageId));
  for (let start = 0; start < done.length; start += SQS_BATCH) {
    const entries = done
      .slice(start, start + SQS_BATCH)
      .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: queue.url, Entries: entries }));
  }
}

const answerSchema = v.nullish(
  v.object({ batchItemFailures: v.nullish(v.array(v.object({ itemIdentifier: v.string() }))) }),
);

/**
 * Which messages failed, by Lambda's rules for ReportBatchItemFailures: nothing, null or an empty list is success;
 * an answer of another shape, or an id that is not in the batch, is failure of all.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function failedItems(answer: unknown, messageIds: readonly string[]): Set<string> {
  const parsed = v.safeParse(answerSchema, answer);
  if (!parsed.success) return new Set(messageIds);
  const named = parsed.output?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier) ?? [];
  return new Set(named.every((id) => messageIds.includes(id)) ? named : messageIds);
}

function recordOf(message: Message, queue: QueuePlan) {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
        name,
        {
          stringValue: value.StringValue,
          binaryValue: value.BinaryValue && Buffer.from(value.BinaryValue).toString('base64'),
          stringListValues: [],
          binaryListValues: [],
          dataType: value.DataType,
        },
      ]),
    ),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queue.arn,
    awsRegion: LOCAL_REGION,
  };
}
