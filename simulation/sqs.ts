// SQS standard queues in memory, harsh where SQS is allowed to be: no order, and more than once. Time and chance are given.
import { hash } from 'node:crypto';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  type Message as MessageOutput,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSServiceException,
} from '@aws-sdk/client-sqs';
import type { SQSRecordAttributes } from 'aws-lambda';
import type { QueuePlan } from '../local/runner/assembly.ts';

// Limits of SQS: API reference of each action, and "Amazon SQS message quotas", read 2026-11-22.
const MOST_ENTRIES = 10;
const MOST_BYTES = 1_048_576;
const LONGEST_DELAY_SECONDS = 900;
const LONGEST_VISIBILITY_SECONDS = 43_200;
const ENTRY_ID = /^[a-zA-Z0-9_-]{1,80}$/;
const REFUSED_CHARACTER = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
/** Messages that were deleted and may come once more, of one queue. */
const DELETED_REMEMBERED = 100;

export type QueueCommand =
  | SendMessageCommand
  | SendMessageBatchCommand
  | ReceiveMessageCommand
  | DeleteMessageCommand
  | DeleteMessageBatchCommand
  | ChangeMessageVisibilityCommand
  | ChangeMessageVisibilityBatchCommand;

/** A message as it is handed out. */
export interface Received {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** How often it was handed out, this time included. */
  readonly receives: number;
  /** When it was first sent, epoch milliseconds; a dead letter keeps it. */
  readonly sentAtMs: number;
  readonly firstReceivedAtMs: number;
  /** ARN of the queue from which it came to these dead letters. */
  readonly sourceArn: string | undefined;
}

/** A message as it stands in a queue. */
export interface Standing {
  readonly id: string;
  readonly body: string;
  readonly state: 'visible' | 'delayed' | 'in flight';
  readonly receives: number;
  readonly sentAtMs: number;
  /** Since when, or from when, it can be received; epoch milliseconds. */
  readonly visibleAtMs: number;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly sentAtMs: number;
  readonly sourceArn: string | undefined;
  receives: number;
  firstReceivedAtMs: number | undefined;
  visibleAtMs: number;
  /** The newest with which it was received: no other deletes it. */
  receiptHandle: string | undefined;
}

/** What chance decides. */
export interface Chances {
  /** From 0 to below 1. */
  readonly random: () => number;
  /**
   * How many of the messages that one receive could hand out it does hand out, at least 1.
   *
   * @default all
   */
  readonly handsOut?: (possible: number) => number;
}

export interface QueuesOptions extends Chances {
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

/** What befalls a command. */
export interface How {
  /** Which entries SQS declines for a fault of its own, counted from 0. */
  readonly fails?: (at: number) => boolean;
}

function refusal(name: string, message: string, fault: 'client' | 'server' = 'client'): SQSServiceException {
  const $metadata = { httpStatusCode: fault === 'client' ? 400 : 500 };
  return new SQSServiceException({ name, message, $fault: fault, $metadata });
}

/** One queue: what can be received, and what waits for its time. */
class MemoryQueue {
  readonly plan: QueuePlan;
  /** Called when something may be received earlier than was known before. */
  readonly listeners: (() => void)[] = [];
  /** Ids of messages that were kept for longer than the queue keeps any. */
  readonly expired: string[] = [];
  readonly #ready: Message[] = [];
  readonly #waiting = new Set<Message>();
  readonly #byHandle = new Map<string, Message>();
  readonly #deleted: Message[] = [];
  /** The earliest of those that wait; undefined where it is not known. */
  #nextMs: number | undefined = Number.POSITIVE_INFINITY;
  /** Before which none expires. */
  #expiresMs = Number.POSITIVE_INFINITY;

  constructor(plan: QueuePlan) {
    this.plan = plan;
  }

  get size(): number {
    return this.#ready.length + this.#waiting.size;
  }

  /** @param nowMs - epoch milliseconds; what is visible later waits */
  add(message: Message, nowMs: number): void {
    if (message.visibleAtMs > nowMs) {
      this.#waiting.add(message);
      if (this.#nextMs !== undefined) this.#nextMs = Math.min(this.#nextMs, message.visibleAtMs);
    } else this.#ready.push(message);
    this.#expiresMs = Math.min(this.#expiresMs, this.#expiryOf(message));
  }

  /** When something can be received next, epoch milliseconds, `nowMs` where at once. */
  nextAtMs(nowMs: number): number | undefined {
    this.settle(nowMs);
    if (this.#ready.length > 0) return nowMs;
    this.#nextMs ??= Math.min(...Array.from(this.#waiting, ({ visibleAtMs }) => visibleAtMs));
    return Number.isFinite(this.#nextMs) ? this.#nextMs : undefined;
  }

  /** Lets happen what has happened by itself until now. */
  settle(nowMs: number): void {
    if (nowMs >= this.#expiresMs) this.#expire(nowMs);
    if (this.#nextMs !== undefined && nowMs < this.#nextMs) return;
    const due: Message[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const message of this.#waiting) {
      if (message.visibleAtMs <= nowMs) due.push(message);
      else nextMs = Math.min(nextMs, message.visibleAtMs);
    }
    for (const message of due) this.#waiting.delete(message);
    this.#ready.push(...due.toSorted((one, other) => one.visibleAtMs - other.visibleAtMs));
    this.#nextMs = nextMs;
  }

  #expiryOf({ sentAtMs }: Message): number {
    return sentAtMs + this.plan.retentionSeconds * 1000;
  }

  #expire(nowMs: number): void {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const message of [...this.#ready, ...this.#waiting]) {
      if (this.#expiryOf(message) <= nowMs) {
        this.take(message);
        this.expired.push(message.id);
      } else nextMs = Math.min(nextMs, this.#expiryOf(message));
    }
    this.#expiresMs = nextMs;
  }

  /** Removes a message. @returns whether it was there */
  take(message: Message): boolean {
    if (message.receiptHandle !== undefined) this.#byHandle.delete(message.receiptHandle);
    if (this.#waiting.delete(message)) {
      if (message.visibleAtMs === this.#nextMs) this.#nextMs = undefined;
      return true;
    }
    const at = this.#ready.indexOf(message);
    if (at !== -1) this.#ready.splice(at, 1);
    return at !== -1;
  }

  /** Takes out one of those that can be received. */
  draw(random: () => number): Message | undefined {
    return this.#ready.splice(Math.floor(random() * this.#ready.length), 1)[0];
  }

  get readyCount(): number {
    return this.#ready.length;
  }

  /** Notes that a message is in flight. */
  handOut(message: Message, receiptHandle: string, nowMs: number, visibilitySeconds: number): void {
    if (message.receiptHandle !== undefined) this.#byHandle.delete(message.receiptHandle);
    message.receives++;
    message.firstReceivedAtMs ??= nowMs;
    message.receiptHandle = receiptHandle;
    message.visibleAtMs = nowMs + visibilitySeconds * 1000;
    this.#byHandle.set(receiptHandle, message);
    this.add(message, nowMs);
  }

  /** The message that was received with this handle, and not again since. */
  received(receiptHandle: string): Message | undefined {
    return this.#byHandle.get(receiptHandle);
  }

  isInFlight(message: Message): boolean {
    return message.receives > 0 && this.#waiting.has(message);
  }

  delete(message: Message): void {
    if (!this.take(message)) return;
    this.#deleted.push(message);
    if (this.#deleted.length > DELETED_REMEMBERED) this.#deleted.shift();
  }

  /** Those of which a copy may be handed out once more: in flight, or deleted not long ago. */
  repeatable(): Message[] {
    const inFlight = Array.from(this.#waiting).filter((message) => this.isInFlight(message));
    return [...inFlight, ...this.#deleted];
  }

  /** Lets a message that is in flight, or was deleted, be received from an instant on. */
  show(message: Message, fromMs: number, nowMs: number): void {
    const at = this.#deleted.indexOf(message);
    if (at !== -1) this.#deleted.splice(at, 1);
    else this.#waiting.delete(message);
    this.#nextMs = undefined;
    message.visibleAtMs = fromMs;
    this.add(message, nowMs);
  }

  standing(): Standing[] {
    const tell = (message: Message, state: Standing['state']): Standing => {
      const { id, body, receives, sentAtMs, visibleAtMs } = message;
      return { id, body, state, receives, sentAtMs, visibleAtMs };
    };
    return [
      ...this.#ready.map((message) => tell(message, 'visible')),
      ...Array.from(this.#waiting, (message) =>
        tell(message, message.receives > 0 ? 'in flight' : 'delayed'),
      ),
    ];
  }

  everything(): Message[] {
    return [...this.#ready, ...this.#waiting];
  }
}

/** The queues of an account. A queue is called by its name, its URL or its ARN. */
export class MemoryQueues {
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #all: readonly MemoryQueue[];
  readonly #clock: () => number;
  readonly #random: () => number;
  readonly #handsOut: (possible: number) => number;
  #made = 0;

  /** @throws RangeError for queues that are not modelled, or lack their dead letters */
  constructor(plans: readonly QueuePlan[], { clock, random, handsOut = (all) => all }: QueuesOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#handsOut = handsOut;
    this.#all = plans.map((plan) => new MemoryQueue(plan));
    for (const queue of this.#all) {
      const { name, url, arn } = queue.plan;
      if (name.endsWith('.fifo')) throw new RangeError(`${name}: only standard queues are modelled`);
      for (const key of [name, url, arn]) this.#queues.set(key, queue);
    }
    for (const { deadLetters, name } of plans) {
      if (deadLetters !== undefined && !this.#queues.has(deadLetters.arn))
        throw new RangeError(`${name}: no queue ${deadLetters.arn}`);
    }
  }

  /**
   * Does a command at this instant. A receive answers at once, however long it might wait.
   *
   * @throws SQSServiceException named as SQS names it; RangeError for what is not modelled
   */
  execute(command: QueueCommand, { fails = () => false }: How = {}): object {
    if (command instanceof SendMessageCommand) return this.#send(command.input, fails);
    if (command instanceof SendMessageBatchCommand) return this.#sendBatch(command.input, fails);
    if (command instanceof ReceiveMessageCommand) return this.#receiveOutput(command.input);
    if (command instanceof DeleteMessageCommand) {
      this.#deleteFrom(this.#existing(command.input.QueueUrl), handleOf(command.input));
      return {};
    }
    if (command instanceof DeleteMessageBatchCommand) return this.#deleteBatch(command.input, fails);
    if (command instanceof ChangeMessageVisibilityCommand) {
      const fault = this.#changeVisibility(this.#existing(command.input.QueueUrl), command.input);
      if (fault !== undefined) throw fault;
      return {};
    }
    if (command instanceof ChangeMessageVisibilityBatchCommand)
      return this.#changeVisibilities(command.input, fails);
    throw new RangeError(`the queues in memory do not know ${Object(command).constructor.name}`);
  }

  /**
   * Hands out messages: any of those that are visible, in any order. What was handed out too often goes to the dead letters instead.
   *
   * @param most - at most this many
   * @param nowMs - epoch milliseconds
   * @param visibilitySeconds - before which nobody receives them again @default the queue's own
   */
  receive(name: string, most: number, nowMs: number, visibilitySeconds?: number): Received[] {
    const queue = this.#known(name);
    queue.settle(nowMs);
    const possible = Math.min(most, queue.readyCount);
    const count = possible > 1 ? Math.max(1, Math.min(possible, this.#handsOut(possible))) : possible;
    const received: Received[] = [];
    const { deadLetters, arn } = queue.plan;
    const hiddenSeconds = visibilitySeconds ?? queue.plan.visibilitySeconds;
    const drawn: Message[] = [];
    while (drawn.length < count) {
      const message = queue.draw(this.#random);
      if (message === undefined) break;
      if (deadLetters !== undefined && message.receives >= deadLetters.maxReceiveCount)
        this.#setAside(queue, message, this.#known(deadLetters.arn), arn, nowMs);
      else drawn.push(message);
    }
    for (const message of drawn) {
      const receiptHandle = `${message.id}#${++this.#made}`;
      queue.handOut(message, receiptHandle, nowMs, hiddenSeconds);
      const { id, body, receives, sentAtMs, firstReceivedAtMs = nowMs, sourceArn } = message;
      received.push({ id, receiptHandle, body, receives, sentAtMs, firstReceivedAtMs, sourceArn });
    }
    return received;
  }

  /** The letter keeps its id, when it was first sent, and how often it was received. */
  #setAside(from: MemoryQueue, message: Message, to: MemoryQueue, sourceArn: string, nowMs: number): void {
    from.take(message);
    to.add({ ...message, sourceArn, receiptHandle: undefined, visibleAtMs: nowMs }, nowMs);
    this.#tell(to);
  }

  /** With an old handle nothing happens, as with one of nobody. */
  delete(name: string, receiptHandle: string): void {
    this.#deleteFrom(this.#known(name), receiptHandle);
  }

  #deleteFrom(queue: MemoryQueue, receiptHandle: string): void {
    const message = queue.received(receiptHandle);
    if (message !== undefined) queue.delete(message);
  }

  /** When something can be received next, epoch milliseconds: now where at once, undefined where nothing is there. */
  nextAtMs(name: string): number | undefined {
    return this.#known(name).nextAtMs(this.#clock());
  }

  /** Everything that stands in a queue now. */
  messages(name: string): Standing[] {
    const queue = this.#known(name);
    queue.settle(this.#clock());
    return queue.standing();
  }

  /** How many messages stand in a queue, in whatever state. */
  size(name: string): number {
    const queue = this.#known(name);
    queue.settle(this.#clock());
    return queue.size;
  }

  /** Ids of messages that a queue did not keep for longer. */
  expired(name: string): readonly string[] {
    const queue = this.#known(name);
    queue.settle(this.#clock());
    return queue.expired;
  }

  /** Calls back when something can be received that could not before, or will be earlier. */
  onArrival(name: string, listener: () => void): void {
    this.#known(name).listeners.push(listener);
  }

  /**
   * Lets SQS hand a message out again although it is in flight, or was deleted a moment ago.
   *
   * @param id - which @default any
   * @returns its id; undefined where there is none
   */
  duplicate(name: string, id?: string): string | undefined {
    const queue = this.#known(name);
    const nowMs = this.#clock();
    queue.settle(nowMs);
    const possible = queue.repeatable().filter((message) => id === undefined || message.id === id);
    const chosen = possible[Math.floor(this.#random() * possible.length)];
    if (chosen === undefined) return undefined;
    queue.show(chosen, nowMs, nowMs);
    this.#tell(queue);
    return chosen.id;
  }

  /**
   * Sends all dead letters back to the queues they came from, as new messages. Letters that a door wrote itself stay.
   *
   * @returns how many
   */
  redrive(name: string): number {
    const from = this.#known(name);
    const nowMs = this.#clock();
    from.settle(nowMs);
    const moved = from.everything().filter(({ sourceArn }) => sourceArn !== undefined);
    for (const message of moved) {
      from.take(message);
      this.#put(this.#known(message.sourceArn ?? ''), message.body, 0);
    }
    for (const queue of this.#all) {
      if (moved.some(({ sourceArn }) => sourceArn === queue.plan.arn)) this.#tell(queue);
    }
    return moved.length;
  }

  #known(name: string): MemoryQueue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new RangeError(`there is no queue ${name}`);
    return queue;
  }

  #existing(url = ''): MemoryQueue {
    const queue = this.#queues.get(url);
    if (queue === undefined || queue.plan.url !== url)
      throw refusal('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }

  #tell(queue: MemoryQueue): void {
    for (const listener of queue.listeners) listener();
  }

  /** A new message. */
  #put(queue: MemoryQueue, body: string, delaySeconds: number): Message {
    const nowMs = this.#clock();
    const message: Message = {
      id: `00000000-0000-4000-8000-${String(++this.#made).padStart(12, '0')}`,
      body,
      sentAtMs: nowMs,
      sourceArn: undefined,
      receives: 0,
      firstReceivedAtMs: undefined,
      visibleAtMs: nowMs + delaySeconds * 1000,
      receiptHandle: undefined,
    };
    queue.add(message, nowMs);
    return message;
  }

  #send(input: SendMessageCommand['input'], fails: (at: number) => boolean): object {
    const queue = this.#existing(input.QueueUrl);
    const body = input.MessageBody ?? '';
    const fault = faultOf(input, Buffer.byteLength(body));
    if (fault !== undefined) throw fault;
    if (fails(0)) throw refusal('ServiceUnavailable', 'made unavailable', 'server');
    const message = this.#put(queue, body, input.DelaySeconds ?? queue.plan.delaySeconds);
    this.#tell(queue);
    return sentOutput(message);
  }

  #sendBatch(
    { QueueUrl, Entries }: SendMessageBatchCommand['input'],
    fails: (at: number) => boolean,
  ): object {
    const queue = this.#existing(QueueUrl);
    checkIds(Entries);
    const sizes = Entries?.map(({ MessageBody = '' }) => Buffer.byteLength(MessageBody)) ?? [];
    if (sizes.reduce((sum, size) => sum + size, 0) > MOST_BYTES)
      throw refusal('BatchRequestTooLong', `Batch requests cannot be longer than ${MOST_BYTES} bytes.`);
    const output = inBatch(Entries, fails, (entry, at) => {
      const fault = faultOf(entry, sizes[at] ?? 0);
      if (fault !== undefined) return fault;
      const delaySeconds = entry.DelaySeconds ?? queue.plan.delaySeconds;
      return sentOutput(this.#put(queue, entry.MessageBody ?? '', delaySeconds), entry.Id);
    });
    this.#tell(queue);
    return output;
  }

  #deleteBatch(
    { QueueUrl, Entries }: DeleteMessageBatchCommand['input'],
    fails: (at: number) => boolean,
  ): object {
    const queue = this.#existing(QueueUrl);
    return inBatch(Entries, fails, ({ Id, ReceiptHandle }) => {
      this.#deleteFrom(queue, handleOf({ ReceiptHandle }));
      return { Id };
    });
  }

  #changeVisibilities(
    { QueueUrl, Entries }: ChangeMessageVisibilityBatchCommand['input'],
    fails: (at: number) => boolean,
  ): object {
    const queue = this.#existing(QueueUrl);
    return inBatch(Entries, fails, (entry) => this.#changeVisibility(queue, entry) ?? { Id: entry.Id });
  }

  #receiveOutput(input: ReceiveMessageCommand['input']): object {
    const { name, visibilitySeconds } = this.#existing(input.QueueUrl).plan;
    const {
      MaxNumberOfMessages: most = 1,
      VisibilityTimeout = visibilitySeconds,
      WaitTimeSeconds = 0,
    } = input;
    checkRange('MaxNumberOfMessages', most, 1, MOST_ENTRIES);
    checkRange('VisibilityTimeout', VisibilityTimeout, 0, LONGEST_VISIBILITY_SECONDS);
    checkRange('WaitTimeSeconds', WaitTimeSeconds, 0, 20);
    const wanted: readonly string[] = [
      ...(input.MessageSystemAttributeNames ?? []),
      ...(input.AttributeNames ?? []),
    ];
    const received = this.receive(name, most, this.#clock(), VisibilityTimeout);
    if (received.length === 0) return {};
    return { Messages: received.map((message) => outputOf(message, wanted)) };
  }

  #changeVisibility(
    queue: MemoryQueue,
    { ReceiptHandle, VisibilityTimeout }: { ReceiptHandle?: string; VisibilityTimeout?: number },
  ): SQSServiceException | undefined {
    const nowMs = this.#clock();
    queue.settle(nowMs);
    if (VisibilityTimeout === undefined) return missing('VisibilityTimeout');
    if (!isWithin(VisibilityTimeout, 0, LONGEST_VISIBILITY_SECONDS))
      return outOfRange('VisibilityTimeout', VisibilityTimeout, 0, LONGEST_VISIBILITY_SECONDS);
    const message = queue.received(handleOf({ ReceiptHandle }));
    if (message === undefined || !queue.isInFlight(message))
      return refusal(
        'MessageNotInflight',
        'Message does not exist or is not available for visibility timeout change.',
      );
    queue.show(message, nowMs + VisibilityTimeout * 1000, nowMs);
    this.#tell(queue);
    return undefined;
  }
}

/** Of entries of a batch: each is done by itself, and told under its id. */
function inBatch<Entry extends { readonly Id: string | undefined }>(
  entries: readonly Entry[] | undefined,
  fails: (at: number) => boolean,
  act: (entry: Entry, at: number) => object,
): { Successful: object[]; Failed?: object[] } {
  checkIds(entries);
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const [at, entry] of (entries ?? []).entries()) {
    const outcome = fails(at) ? refusal('InternalError', 'made to fail', 'server') : act(entry, at);
    if (outcome instanceof SQSServiceException) {
      const { name: Code, message: Message, $fault } = outcome;
      Failed.push({ Id: entry.Id, SenderFault: $fault === 'client', Code, Message });
    } else Successful.push(outcome);
  }
  return { Successful, ...(Failed.length > 0 && { Failed }) };
}

function checkIds(entries: readonly { readonly Id: string | undefined }[] = []): void {
  if (entries.length === 0)
    throw refusal('EmptyBatchRequest', "The batch request doesn't contain any entries.");
  if (entries.length > MOST_ENTRIES)
    throw refusal(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MOST_ENTRIES}.`,
    );
  const ids = new Set<string>();
  for (const { Id = '' } of entries) {
    if (!ENTRY_ID.test(Id))
      throw refusal(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    if (ids.has(Id))
      throw refusal('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.');
    ids.add(Id);
  }
}

interface Sending {
  readonly MessageBody?: string | undefined;
  readonly DelaySeconds?: number | undefined;
}
/** What a message is made of here; anything else is not modelled. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set(['QueueUrl', 'Id', 'MessageBody', 'DelaySeconds']);

/** @throws RangeError for what is not modelled */
function faultOf(message: Sending, bytes: number): SQSServiceException | undefined {
  const { MessageBody = '', DelaySeconds } = message;
  for (const [field, value] of Object.entries(message)) {
    if (value !== undefined && !KNOWN_FIELDS.has(field)) throw new RangeError(`${field} is not modelled`);
  }
  if (MessageBody === '') return missing('MessageBody');
  if (REFUSED_CHARACTER.test(MessageBody))
    return refusal(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.',
    );
  if (bytes > MOST_BYTES)
    return refusal(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${MOST_BYTES} bytes.`,
    );
  if (DelaySeconds !== undefined && !isWithin(DelaySeconds, 0, LONGEST_DELAY_SECONDS))
    return outOfRange('DelaySeconds', DelaySeconds, 0, LONGEST_DELAY_SECONDS);
  return undefined;
}

function missing(parameter: string): SQSServiceException {
  return refusal('MissingParameter', `The request must contain the parameter ${parameter}.`);
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function outOfRange(parameter: string, value: number, least: number, most: number): SQSServiceException {
  return refusal(
    'InvalidParameterValue',
    `Value ${value} for parameter ${parameter} is invalid. Reason: Must be between ${least} and ${most}.`,
  );
}

function checkRange(parameter: string, value: number, least: number, most: number): void {
  if (!isWithin(value, least, most)) throw outOfRange(parameter, value, least, most);
}

function handleOf({ ReceiptHandle }: { readonly ReceiptHandle?: string | undefined }): string {
  if (ReceiptHandle === undefined || ReceiptHandle === '') throw missing('ReceiptHandle');
  return ReceiptHandle;
}

/** MD5 of a body, hexadecimal. */
export function md5Of(body: string): string {
  return hash('md5', body);
}

/** @param Id - of the entry, in a batch */
function sentOutput({ id: MessageId, body }: Message, Id?: string): object {
  return {
    ...(Id !== undefined && { Id }),
    MessageId,
    /** Computed where somebody asks: no door does. */
    get MD5OfMessageBody() {
      return md5Of(body);
    },
  };
}

/** Attributes of a message as SQS tells them: all of them text. */
export function attributesOf(message: Received): SQSRecordAttributes {
  return {
    ApproximateReceiveCount: String(message.receives),
    SentTimestamp: String(message.sentAtMs),
    SenderId: 'AIDASIMULATED',
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
    ...(message.sourceArn !== undefined && { DeadLetterQueueSourceArn: message.sourceArn }),
  };
}

/** @param wanted - names of attributes, or `All` */
function outputOf(message: Received, wanted: readonly string[]): MessageOutput {
  const { id: MessageId, receiptHandle: ReceiptHandle, body: Body } = message;
  const told = Object.entries(attributesOf(message)).filter(
    ([name]) => wanted.includes('All') || wanted.includes(name),
  );
  const Attributes = told.length > 0 ? { Attributes: Object.fromEntries(told) } : {};
  return { MessageId, ReceiptHandle, MD5OfBody: md5Of(Body), Body, ...Attributes };
}
