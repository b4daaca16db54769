// Queues and the pollers between them and a function, in memory and on virtual time, by the rules of SQS and Lambda.
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

/** A queue with the poller that reads it. */
export interface LaneSettings {
  readonly name: string;
  /** Most messages in one invocation. */
  readonly batchSize: number;
  /** Longest wait for a batch to fill. */
  readonly windowSeconds: number;
  /** Most invocations at the same time. */
  readonly concurrency: number;
  /** After which a message that failed is delivered again. */
  readonly visibilitySeconds: number;
  /** How often a message is delivered before it is set aside. */
  readonly maxReceiveCount: number;
}

type Handler = (event: SQSEvent) => Promise<SQSBatchResponse>;

export interface FunctionSettings {
  /** Starts a new environment of the function; an environment does one invocation at a time, and is used again. */
  readonly start: () => Handler;
  readonly timeoutSeconds: number;
}

export interface Lanes {
  /** @param delaySeconds - before which nobody receives them */
  readonly send: (lane: string, bodies: readonly string[], delaySeconds?: number) => void;
  /** Until no message is left anywhere, delayed ones included. @throws RangeError where an invocation took longer than it may */
  readonly empty: () => Promise<void>;
  /** Messages that were delivered as often as they may be. */
  readonly setAside: readonly string[];
  /** What invocations failed with as a whole. */
  readonly thrown: readonly unknown[];
}

interface Message {
  readonly id: string;
  readonly body: string;
  receives: number;
  /** Since when it can be received; epoch milliseconds. */
  readyAtMs: number;
}

interface Lane {
  readonly settings: LaneSettings;
  readonly ready: Message[];
  running: number;
  /** The end of the window that is waited for, while one is. */
  window: ReturnType<typeof setTimeout> | undefined;
}

/** Starts the queues, all read by the same function. */
export function startLanes(settings: readonly LaneSettings[], target: FunctionSettings): Lanes {
  const lanes = new Map(
    settings.map((each): [string, Lane] => [
      each.name,
      { settings: each, ready: [], running: 0, window: undefined },
    ]),
  );
  const idle: Handler[] = [];
  const setAside: string[] = [];
  const thrown: unknown[] = [];
  let sent = 0;
  let left = 0;
  const waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  const fail = (error: unknown) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  };

  const arrive = (lane: Lane, message: Message, delaySeconds: number) => {
    const receivable = () => {
      lane.ready.push(Object.assign(message, { readyAtMs: Date.now() }));
      poll(lane);
    };
    if (delaySeconds > 0) setTimeout(receivable, delaySeconds * 1000);
    else receivable();
  };
  const poll = (lane: Lane) => {
    const { batchSize, windowSeconds, concurrency } = lane.settings;
    const [oldest] = lane.ready;
    if (oldest === undefined || lane.running >= concurrency) return;
    const windowEndsInMs = oldest.readyAtMs + windowSeconds * 1000 - Date.now();
    if (lane.ready.length < batchSize && windowEndsInMs > 0) {
      lane.window ??= setTimeout(() => {
        lane.window = undefined;
        poll(lane);
      }, windowEndsInMs);
    } else void deliver(lane, lane.ready.splice(0, batchSize)).catch(fail);
  };
  const deliver = async (lane: Lane, messages: readonly Message[]) => {
    lane.running++;
    poll(lane);
    for (const message of messages) message.receives++;
    const receivedAtMs = Date.now();
    const failed = await invoke(lane, messages);
    lane.running--;
    const againInSeconds = lane.settings.visibilitySeconds - (Date.now() - receivedAtMs) / 1000;
    for (const message of messages) {
      if (!failed.has(message.id)) left--;
      else if (message.receives < lane.settings.maxReceiveCount) arrive(lane, message, againInSeconds);
      else {
        setAside.push(message.body);
        left--;
      }
    }
    poll(lane);
    if (left === 0) for (const { resolve } of waiting.splice(0)) resolve();
  };
  const invoke = async (lane: Lane, messages: readonly Message[]): Promise<Set<string>> => {
    const handler = idle.pop() ?? target.start();
    const startedAtMs = Date.now();
    try {
      const { batchItemFailures } = await handler({ Records: messages.map(recordIn(lane.settings.name)) });
      return new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    } catch (error) {
      thrown.push(error);
      return new Set(messages.map(({ id }) => id));
    } finally {
      idle.push(handler);
      const tookSeconds = (Date.now() - startedAtMs) / 1000;
      if (tookSeconds > target.timeoutSeconds)
        fail(new RangeError(`an invocation took ${tookSeconds} s of ${target.timeoutSeconds} s`));
    }
  };

  return {
    send(name, bodies, delaySeconds = 0) {
      const lane = lanes.get(name);
      if (lane === undefined) throw new RangeError(`there is no lane ${name}`);
      left += bodies.length;
      for (const body of bodies)
        arrive(lane, { id: `message-${++sent}`, body, receives: 0, readyAtMs: 0 }, delaySeconds);
    },
    empty: () =>
      new Promise((resolve, reject) => {
        if (left === 0) resolve();
        else waiting.push({ resolve, reject });
      }),
    setAside,
    thrown,
  };
}

function recordIn(lane: string): (message: Message) => SQSRecord {
  return ({ id, body, receives }) => ({
    messageId: id,
    receiptHandle: '',
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: '0',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:eu-central-1:123456789012:${lane}`,
    awsRegion: 'eu-central-1',
  });
}
