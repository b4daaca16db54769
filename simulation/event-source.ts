// Lambda's event source mapping: what polls a queue, gathers batches, calls the function and deletes what it did not report.
import type { SQSRecord } from 'aws-lambda';
import type { MappingPlan, QueuePlan } from '../local/runner/assembly.ts';
import { failedItems } from '../local/runner/event-source.ts';
import { attributesOf, type MemoryQueues, md5Of, type Received } from './sqs.ts';

/** Messages per receive (SQS quotas), and bytes of one invocation's payload (Lambda quotas), read 2026-11-22. */
const MOST_PER_RECEIVE = 10;
const MOST_PAYLOAD_BYTES = 6 * 1024 * 1024;
/** Around the body of a message, in the payload: ids, attributes, ARN; more than they take. */
const RECORD_BYTES = 1024;
/** Invocations at the same time where the mapping sets no bound: an account's usual concurrency is far above what is tried here. */
const UNBOUNDED_CONCURRENCY = 50;

/** What befalls a batch. */
export interface BatchFaults {
  /** It was received, and the answer is lost: nobody sees these messages before they are visible again. */
  readonly isReceiveLost?: () => boolean;
  /** It was dealt with, and is not deleted: it comes again. */
  readonly isDeleteLost?: () => boolean;
}

export interface EventSourceParts {
  readonly queues: MemoryQueues;
  readonly queue: QueuePlan;
  readonly mapping: Pick<
    MappingPlan,
    'batchSize' | 'windowSeconds' | 'maximumConcurrency' | 'reportsItemFailures'
  >;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** From 0 to below 1: which poller gets what arrives. */
  readonly random: () => number;
  /** Does something later. @returns how not to */
  readonly after: (ms: number, act: () => void) => () => void;
  /**
   * Milliseconds after which a poller gets what has become visible.
   *
   * @default none
   */
  readonly pollMs?: () => number;
  /** One invocation: its answer, whatever its shape, or `'failed'` where it threw or ran out of time. It never rejects. */
  readonly invoke: (records: SQSRecord[]) => Promise<unknown>;
  readonly faults?: BatchFaults;
}

export interface EventSource {
  /** Invocations under way. */
  readonly running: () => number;
  /** Messages received and not yet handed to an invocation. */
  readonly held: () => number;
  /** Receives nothing more; invocations under way end as they do. */
  readonly stop: () => void;
}

/** One of the environments that the mapping may keep busy: it gathers a batch, and has it dealt with. */
interface Poller {
  readonly held: Received[];
  bytes: number;
  isBusy: boolean;
  /** Ends the wait for the window. */
  cancelWindow: (() => void) | undefined;
}

/** Polls until stopped. */
export function startEventSource(parts: EventSourceParts): EventSource {
  const { queues, queue, mapping, clock, after, faults = {}, pollMs = () => 0 } = parts;
  const pollers = Array.from({ length: mapping.maximumConcurrency ?? UNBOUNDED_CONCURRENCY }, newPoller);
  let isStopped = false;
  /** The look at the queue that is to come. */
  let look: { readonly atMs: number; readonly cancel: () => void } | undefined;

  const plan = (): void => {
    const nextMs = isStopped || freeOf(pollers).length === 0 ? undefined : queues.nextAtMs(queue.name);
    if (nextMs === undefined) {
      look?.cancel();
      look = undefined;
      return;
    }
    if (look !== undefined && look.atMs === nextMs) return;
    if (look !== undefined && look.atMs <= clock() && nextMs <= clock()) return; // It is on its way.
    look?.cancel();
    const cancel = after(Math.max(0, nextMs - clock()) + pollMs(), () => {
      look = undefined;
      poll();
    });
    look = { atMs: nextMs, cancel };
  };
  const poll = (): void => {
    const free = freeOf(pollers);
    const poller = free[Math.floor(parts.random() * free.length)];
    if (isStopped || poller === undefined) return;
    const most = Math.min(MOST_PER_RECEIVE, mapping.batchSize - poller.held.length);
    const received = queues.receive(queue.name, most, clock());
    if (received.length > 0 && faults.isReceiveLost?.() !== true) gather(poller, received);
    plan();
  };
  const gather = (poller: Poller, received: readonly Received[]): void => {
    poller.held.push(...received);
    poller.bytes += received.reduce((sum, message) => sum + bytesOf(message), 0);
    if (poller.held.length === 0) return;
    const isFull = poller.held.length >= mapping.batchSize || poller.bytes > MOST_PAYLOAD_BYTES;
    if (isFull || mapping.windowSeconds === 0) void deliver(poller);
    else poller.cancelWindow ??= after(mapping.windowSeconds * 1000, () => void deliver(poller));
  };
  const deliver = async (poller: Poller): Promise<void> => {
    poller.cancelWindow?.();
    poller.cancelWindow = undefined;
    const batch = takeWithin(poller);
    poller.isBusy = true;
    const answer = await parts.invoke(batch.map((message) => recordOf(message, queue)));
    const failed = failedOf(answer, batch, mapping.reportsItemFailures);
    if (faults.isDeleteLost?.() !== true)
      for (const { id, receiptHandle } of batch)
        if (!failed.has(id)) queues.delete(queue.name, receiptHandle);
    poller.isBusy = false;
    if (!isStopped) gather(poller, []);
    plan();
  };

  queues.onArrival(queue.name, plan);
  plan();
  return {
    running: () => pollers.filter(({ isBusy }) => isBusy).length,
    held: () => pollers.reduce((sum, { held }) => sum + held.length, 0),
    stop() {
      isStopped = true;
      for (const { cancelWindow } of pollers) cancelWindow?.();
      plan();
    },
  };
}

function newPoller(): Poller {
  return { held: [], bytes: 0, isBusy: false, cancelWindow: undefined };
}

/** What makes a batch: at least one message, and no more than a payload holds. The rest is held for the next. */
function takeWithin(poller: Poller): Received[] {
  let bytes = 0;
  const tooMany = poller.held.findIndex((message, at) => {
    bytes += bytesOf(message);
    return at > 0 && bytes > MOST_PAYLOAD_BYTES;
  });
  const batch = poller.held.splice(0, tooMany === -1 ? poller.held.length : tooMany);
  poller.bytes = poller.held.reduce((sum, message) => sum + bytesOf(message), 0);
  return batch;
}

function freeOf(pollers: readonly Poller[]): Poller[] {
  return pollers.filter(({ isBusy }) => !isBusy);
}

/** Ids of what the queue is to keep. */
function failedOf(answer: unknown, batch: readonly Received[], reportsItemFailures: boolean): Set<string> {
  const ids = batch.map(({ id }) => id);
  if (answer === 'failed') return new Set(ids);
  return reportsItemFailures ? failedItems(answer, ids) : new Set();
}

function bytesOf({ body }: Received): number {
  return Buffer.byteLength(body) + RECORD_BYTES;
}

function recordOf(message: Received, { arn }: QueuePlan): SQSRecord {
  return {
    messageId: message.id,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: attributesOf(message),
    messageAttributes: {},
    /** Computed where somebody asks: no door does. */
    get md5OfBody() {
      return md5Of(message.body);
    },
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion: arn.split(':')[3] ?? '',
  };
}
