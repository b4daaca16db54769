// The queues in memory and fauxqs do the same random commands at the same instants, and must say the same.
// Where fauxqs and AWS's documentation differ, the queues follow AWS; the last tests say what each does.

import { isDeepStrictEqual } from 'node:util';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import * as v from 'valibot';
import { createRandom, type Random } from '../../local/hubspot/random.ts';
import type { QueuePlan } from '../../local/runner/assembly.ts';
import { MemoryQueues, type QueueCommand } from '../../simulation/sqs.ts';

const START_MS = Date.UTC(2026, 10, 4, 9);
const REGION = 'eu-central-1';
const MAX_RECEIVE_COUNT = 3;
const MIB = 1_048_576;
const SEEDS = 20;
const STEPS = 150;
/** Of what may fail at all: about one command in so many is wrong. */
const ONE_WRONG_IN = 8;

type Action =
  | 'SendMessage'
  | 'SendMessageBatch'
  | 'ReceiveMessage'
  | 'DeleteMessage'
  | 'DeleteMessageBatch'
  | 'ChangeMessageVisibility'
  | 'ChangeMessageVisibilityBatch';
const Anything = v.any();
/** Wrong ones are sent too, which the types of the SDK do not allow. */
type Sent = v.InferOutput<typeof Anything>;
const COMMANDS: Record<Action, (input: Sent) => QueueCommand> = {
  SendMessage: (input) => new SendMessageCommand(input),
  SendMessageBatch: (input) => new SendMessageBatchCommand(input),
  ReceiveMessage: (input) => new ReceiveMessageCommand(input),
  DeleteMessage: (input) => new DeleteMessageCommand(input),
  DeleteMessageBatch: (input) => new DeleteMessageBatchCommand(input),
  ChangeMessageVisibility: (input) => new ChangeMessageVisibilityCommand(input),
  ChangeMessageVisibilityBatch: (input) => new ChangeMessageVisibilityBatchCommand(input),
};
type Input = Record<string, unknown>;

function planOf(name: string, url: string, settings: Partial<QueuePlan> = {}): QueuePlan {
  return {
    path: name,
    name,
    url,
    arn: `arn:aws:sqs:${REGION}:000000000000:${name}`,
    visibilitySeconds: 30,
    retentionSeconds: 345_600,
    delaySeconds: 0,
    deadLetters: undefined,
    ...settings,
  };
}

const Output = v.pipe(
  v.looseObject({
    __type: v.optional(v.string()),
    MessageId: v.optional(v.string()),
    Successful: v.optional(v.array(v.looseObject({ Id: v.string(), MessageId: v.optional(v.string()) }))),
    Failed: v.optional(
      v.array(v.looseObject({ Id: v.string(), Code: v.string(), SenderFault: v.boolean() })),
    ),
    Messages: v.optional(
      v.array(
        v.looseObject({
          MessageId: v.string(),
          ReceiptHandle: v.string(),
          Body: v.string(),
          MD5OfBody: v.string(),
          Attributes: v.optional(v.record(v.string(), v.string()), {}),
        }),
      ),
    ),
  }),
  v.transform(({ __type: type, message: _message, ...said }) => ({
    ...said,
    error: type?.split('#').at(-1),
  })),
);
type Output = v.InferOutput<typeof Output>;

/** Both sides, and how a thing on one is called on the other. */
class Pair {
  nowMs = START_MS;
  readonly #app = buildApp({ logger: false, defaultRegion: REGION });
  readonly plans = {
    work: planOf('work', 'http://127.0.0.1/000000000000/work', {
      deadLetters: {
        arn: `arn:aws:sqs:${REGION}:000000000000:letters`,
        maxReceiveCount: MAX_RECEIVE_COUNT,
      },
    }),
    letters: planOf('letters', 'http://127.0.0.1/000000000000/letters', { visibilitySeconds: 20 }),
    late: planOf('late', 'http://127.0.0.1/000000000000/late', { delaySeconds: 45, visibilitySeconds: 0 }),
  };
  readonly ours: MemoryQueues;
  commands = 0;

  constructor(random: () => number) {
    this.ours = new MemoryQueues(Object.values(this.plans), { clock: () => this.nowMs, random });
  }

  async open(): Promise<this> {
    for (const { name, ...plan } of [this.plans.letters, this.plans.work, this.plans.late]) {
      const { error } = await this.theirs('CreateQueue', {
        QueueName: name,
        Attributes: {
          VisibilityTimeout: String(plan.visibilitySeconds),
          DelaySeconds: String(plan.delaySeconds),
          ...(plan.deadLetters && {
            RedrivePolicy: JSON.stringify({
              deadLetterTargetArn: plan.deadLetters.arn,
              maxReceiveCount: plan.deadLetters.maxReceiveCount,
            }),
          }),
        },
      });
      if (error !== undefined) throw new Error(`${name}: ${error}`);
    }
    return this;
  }

  close(): Promise<unknown> {
    return this.#app.close();
  }

  async theirs(action: string, input: Input): Promise<Output> {
    const answer = await this.#app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` },
      payload: JSON.stringify(input),
    });
    return v.parse(Output, answer.json());
  }

  /** @returns what fauxqs says, and what the queues in memory say */
  async both(action: Action, input: Input, inputOfOurs = input): Promise<[theirs: Output, ours: Output]> {
    this.commands++;
    const theirs = await this.theirs(action, input);
    return [theirs, this.#ours(action, inputOfOurs)];
  }

  #ours(action: Action, input: Input): Output {
    const command = COMMANDS[action](input);
    try {
      return v.parse(Output, this.ours.execute(command));
    } catch (error) {
      if (!(error instanceof Error) || error instanceof RangeError) throw error;
      return v.parse(Output, { __type: error.name });
    }
  }

  async counts(name: string): Promise<Record<string, string>> {
    const answer = v.parse(
      v.object({ Attributes: v.record(v.string(), v.string()) }),
      await this.theirs('GetQueueAttributes', {
        QueueUrl: `http://127.0.0.1/000000000000/${name}`,
        AttributeNames: ['All'],
      }),
    );
    return answer.Attributes;
  }
}

/** Ids, which each side makes up by itself, left out. */
function plain({ Successful, Failed = [], Messages: _messages, MessageId, ...said }: Output) {
  return {
    ...said,
    hasId: MessageId !== undefined,
    successful: Successful?.map(({ MessageId: id, ...entry }) => ({ ...entry, hasId: id !== undefined })),
    failed: Failed.map(({ Id, Code, SenderFault }) => ({ Id, Code, SenderFault })),
  };
}

interface Said {
  readonly isSame: boolean;
  readonly theirs: object;
  readonly ours: object;
}

interface Delivery {
  readonly queue: 'work' | 'letters' | 'late';
  readonly theirs: string;
  readonly ours: string;
  readonly untilMs: number;
  readonly id: string;
}

/** Random commands to a pair, each compared. */
class Walk {
  readonly #random: Random;
  readonly #pair: Pair;
  readonly #deliveries: Delivery[] = [];
  /** The newest of each message, by its id on our side. */
  readonly #newest = new Map<string, Delivery>();
  readonly #ids = new Map<string, string>();
  readonly counted = { received: 0, deadLetters: 0, refused: 0, entriesFailed: 0, again: 0 };
  #bodies = 0;
  #said: Said = { isSame: true, theirs: {}, ours: {} };

  constructor(pair: Pair, seed: number) {
    this.#pair = pair;
    this.#random = createRandom(seed, 'commands');
  }

  #isWrong(): boolean {
    return this.#random.between(1, ONE_WRONG_IN) === 1;
  }

  #pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.#random.between(0, items.length - 1)] ?? items[0];
  }

  #queue(): Delivery['queue'] {
    return this.#pick(['work', 'work', 'work', 'late', 'letters']);
  }

  #url(queue: Delivery['queue']): string {
    return this.#pair.plans[queue].url;
  }

  #body(): string {
    const body = `body ${++this.#bodies} ${this.#pick(['', 'täglich', '\t\n\r', '"{}"', '\uE000\uFFFD'])}`;
    if (!this.#isWrong()) return body;
    return `${body}${this.#pick(['\uFFFE', '\uFFFF', '\u0000', '\u0008', '\u001F', '\uD800'])}`;
  }

  #delay(): { DelaySeconds?: number } {
    return this.#pick([{}, {}, { DelaySeconds: 0 }, { DelaySeconds: this.#random.between(1, 900) }]);
  }

  #note(one: Output, other: Output): void {
    if (one.error !== undefined) this.counted.refused++;
    this.counted.entriesFailed += one.Failed?.length ?? 0;
    const idsOf = ({ MessageId = '', Successful = [] }: Output) => [
      MessageId,
      ...Successful.map((entry) => entry.MessageId ?? ''),
    ];
    const theirs = idsOf(one);
    for (const [at, id] of idsOf(other).entries()) this.#ids.set(id, theirs[at] ?? '');
  }

  async #compare(action: Action, input: Input, inputOfOurs = input): Promise<void> {
    const [theirs, ours] = await this.#pair.both(action, input, inputOfOurs);
    this.#same({ action, input }, plain(theirs), plain(ours));
    this.#note(theirs, ours);
  }

  /** @returns what each side said, where it was first not the same, or else in the end */
  async run(): Promise<Said> {
    for (let step = 0; step < STEPS && this.#said.isSame; step++) await this.#step();
    this.#pair.nowMs += 1_000_000; // Past every delay and every visibility time-out that was asked for.
    for (const queue of ['work', 'late', 'letters'] as const)
      if (this.#said.isSame) await this.#receiveAll(queue);
    return this.#said;
  }

  #same(what: object, theirs: object, ours: object): void {
    if (!this.#said.isSame) return;
    const isSame = isDeepStrictEqual(theirs, ours);
    this.#said = { isSame, theirs: { what, said: theirs }, ours: { what, said: ours } };
  }

  async #step(): Promise<void> {
    const act = this.#random.between(0, 9);
    if (act <= 1) await this.#send();
    else if (act <= 3) await this.#sendBatch();
    else if (act <= 5) await this.#receiveAll(this.#queue());
    else if (act === 6) await this.#delete();
    else if (act === 7) await this.#deleteBatch();
    else if (act === 8) await this.#changeVisibility();
    else this.#pass();
  }

  #send(): Promise<void> {
    const QueueUrl = this.#isWrong()
      ? this.#pick(['http://127.0.0.1/000000000000/nobody'])
      : this.#url(this.#queue());
    const MessageBody = this.#pick([this.#body(), this.#body(), this.#body(), '']);
    return this.#compare('SendMessage', { QueueUrl, MessageBody, ...this.#delay() });
  }

  #sendBatch(): Promise<void> {
    const count = this.#isWrong() ? this.#pick([0, 11, 12]) : this.#random.between(1, 10);
    const Entries = Array.from({ length: count }, (_, at) => ({
      Id: this.#random.between(1, 60) === 1 ? this.#pick(['1', '', 'a b', 'ä']) : String(at),
      MessageBody: this.#body(),
      ...this.#delay(),
    }));
    return this.#compare('SendMessageBatch', { QueueUrl: this.#url(this.#queue()), Entries });
  }

  /** Which come first is nobody's promise: all that are visible are received, and compared as a set. */
  async #receiveAll(queue: Delivery['queue']): Promise<void> {
    const QueueUrl = this.#url(queue);
    if (this.#isWrong()) {
      await this.#compare('ReceiveMessage', {
        QueueUrl,
        ...this.#pick<Input>([
          { MaxNumberOfMessages: 0 },
          { MaxNumberOfMessages: 11 },
          { VisibilityTimeout: -1 },
          { VisibilityTimeout: 43_201 },
          { WaitTimeSeconds: 21 },
        ]),
      });
      return;
    }
    const hiddenSeconds = queue === 'work' && this.#isWrong() ? undefined : this.#random.between(1, 90);
    const input = {
      QueueUrl,
      MaxNumberOfMessages: this.#random.between(1, 10),
      MessageSystemAttributeNames: ['All'],
      ...(hiddenSeconds !== undefined && { VisibilityTimeout: hiddenSeconds }),
    };
    const rounds = { theirs: [] as Output[], ours: [] as Output[] };
    for (let count = Number.POSITIVE_INFINITY; count > 0; ) {
      const [theirs, ours] = await this.#pair.both('ReceiveMessage', input);
      rounds.theirs.push(theirs);
      rounds.ours.push(ours);
      count = Math.max(theirs.Messages?.length ?? 0, ours.Messages?.length ?? 0);
    }
    const theirs = messagesOf(rounds.theirs);
    const ours = messagesOf(rounds.ours);
    const letters = new Set(ours.filter(isLetter).map(({ Body }) => Body));
    this.#same(
      { received: queue },
      theirs.map((message) => ({
        ...toldByThem(message, letters.has(message.Body)),
        id: message.MessageId,
      })),
      ours.map((message) => ({ ...told(message), id: this.#ids.get(message.MessageId) })),
    );
    for (const [at, message] of ours.entries()) {
      this.#deliver(queue, message, theirs[at]?.ReceiptHandle ?? '', hiddenSeconds ?? 30);
    }
    await this.#compareCounts(queue);
  }

  #deliver(
    queue: Delivery['queue'],
    { MessageId: id, ReceiptHandle: ours, Attributes }: Told,
    theirs: string,
    hiddenSeconds: number,
  ): void {
    const delivery = { queue, theirs, ours, id, untilMs: this.#pair.nowMs + hiddenSeconds * 1000 };
    this.#deliveries.push(delivery);
    this.#newest.set(id, delivery);
    this.counted.received++;
    if (Number(Attributes['ApproximateReceiveCount']) > 1) this.counted.again++;
    if (isLetter({ Attributes })) this.counted.deadLetters++;
  }

  async #compareCounts(queue: string): Promise<void> {
    const counts = await this.#pair.counts(queue);
    const standing = Map.groupBy(this.#pair.ours.messages(queue), ({ state }) => state);
    this.#same(
      { counted: queue },
      {
        visible: Number(counts['ApproximateNumberOfMessages']),
        inFlight: Number(counts['ApproximateNumberOfMessagesNotVisible']),
        delayed: Number(counts['ApproximateNumberOfMessagesDelayed']),
      },
      {
        visible: standing.get('visible')?.length ?? 0,
        inFlight: standing.get('in flight')?.length ?? 0,
        delayed: standing.get('delayed')?.length ?? 0,
      },
    );
  }

  /** A receipt handle that both know, or neither. What has run out and was not received since is not the same to both. */
  #delivery(): Delivery | undefined {
    const delivery = this.#deliveries[this.#random.between(0, this.#deliveries.length - 1)];
    if (delivery === undefined) return undefined;
    const isNewest = this.#newest.get(delivery.id) === delivery;
    return isNewest && delivery.untilMs <= this.#pair.nowMs ? undefined : delivery;
  }

  async #delete(): Promise<void> {
    const delivery = this.#delivery();
    const QueueUrl = this.#url(delivery?.queue ?? 'work');
    if (this.#isWrong())
      return this.#compare('DeleteMessage', { QueueUrl, ReceiptHandle: this.#pick(['', 'nobody']) });
    if (delivery === undefined) return;
    const { ours, theirs } = delivery;
    await this.#compare(
      'DeleteMessage',
      { QueueUrl, ReceiptHandle: theirs },
      { QueueUrl, ReceiptHandle: ours },
    );
  }

  async #deleteBatch(): Promise<void> {
    const chosen = Array.from({ length: this.#random.between(0, 11) }, () => this.#delivery()).filter(
      (delivery) => delivery?.queue === 'work',
    );
    const entries = (side: 'theirs' | 'ours') => ({
      QueueUrl: this.#url('work'),
      Entries: chosen.map((delivery, at) => ({ Id: `entry-${at}`, ReceiptHandle: delivery?.[side] })),
    });
    await this.#compare('DeleteMessageBatch', entries('theirs'), entries('ours'));
  }

  async #changeVisibility(): Promise<void> {
    const delivery = this.#delivery();
    if (delivery === undefined) return;
    const { queue, theirs, ours, id } = delivery;
    const QueueUrl = this.#url(queue);
    const seconds = this.#isWrong()
      ? this.#pick([-1, 43_201])
      : this.#pick([0, 1, this.#random.between(1, 200)]);
    const isBatch = this.#random.between(0, 1) === 1;
    const input = (ReceiptHandle: string) =>
      isBatch
        ? { QueueUrl, Entries: [{ Id: 'one', ReceiptHandle, VisibilityTimeout: seconds }] }
        : { QueueUrl, ReceiptHandle, VisibilityTimeout: seconds };
    const isKnown = this.#pair.ours
      .messages(queue)
      .some((message) => message.id === id && message.state === 'in flight');
    if (isBatch && !(isKnown && this.#newest.get(id) === delivery)) return; // Each names this fault as it likes.
    await this.#compare(
      isBatch ? 'ChangeMessageVisibilityBatch' : 'ChangeMessageVisibility',
      input(theirs),
      input(ours),
    );
    if (this.#newest.get(id) !== delivery || seconds < 0 || seconds > 43_200) return;
    const changed = { ...delivery, untilMs: this.#pair.nowMs + seconds * 1000 };
    this.#deliveries.splice(this.#deliveries.indexOf(delivery), 1, changed);
    this.#newest.set(id, changed);
  }

  /** Now and then to the very instant at which something becomes visible, or the last before it. */
  #pass(): void {
    const nextMs = this.#pair.ours.nextAtMs('work');
    const isAtOnce = nextMs === undefined || nextMs <= this.#pair.nowMs;
    const ms =
      isAtOnce || this.#random.between(0, 2) === 0
        ? this.#random.between(0, 60_000)
        : nextMs - this.#pair.nowMs;
    this.#pair.nowMs += this.#random.between(0, 2) === 0 ? Math.max(0, ms - 1) : ms;
  }
}

type Told = NonNullable<Output['Messages']>[number];

function messagesOf(rounds: readonly Output[]): Told[] {
  return rounds
    .flatMap(({ Messages = [] }) => Messages)
    .toSorted((one, other) => (one.Body < other.Body ? -1 : 1));
}

/** Only ours says so: fauxqs leaves the attribute out. */
function isLetter({ Attributes }: Pick<Told, 'Attributes'>): boolean {
  return Attributes['DeadLetterQueueSourceArn'] !== undefined;
}

function told({ Body, MD5OfBody, Attributes }: Told) {
  const { DeadLetterQueueSourceArn: _arn, SenderId: _id, ...rest } = Attributes;
  return { Body, MD5OfBody, ...rest };
}

/** Fauxqs counts the move to the dead letters as one more time that a message was received. */
function toldByThem({ Body, MD5OfBody, Attributes }: Told, isOneMore: boolean) {
  const { SenderId: _id, ApproximateReceiveCount, ...rest } = Attributes;
  const receives = Number(ApproximateReceiveCount) - (isOneMore ? 1 : 0);
  return { Body, MD5OfBody, ...rest, ApproximateReceiveCount: String(receives) };
}

const wallNow = Date.now;
let pair: Pair;
afterEach(async () => {
  await pair.close();
  Date.now = wallNow;
});

async function open(seed: number): Promise<Pair> {
  const order = createRandom(seed, 'order');
  pair = new Pair(() => order.next());
  Date.now = () => pair.nowMs; // The only clock that fauxqs reads.
  return pair.open();
}

const totals = new Map<string, number>();

test.each(Array.from({ length: SEEDS }, (_, at) => at + 1))(
  'the same commands have the same answers, seed %i',
  async (seed) => {
    await open(seed);
    const walk = new Walk(pair, seed);
    const { theirs, ours } = await walk.run();

    expect(ours).toEqual(theirs);
    for (const [what, count] of Object.entries({ ...walk.counted, commands: pair.commands }))
      totals.set(what, (totals.get(what) ?? 0) + count);
  },
);

test('thousands of commands were done, of every kind that matters', () => {
  expect(totals.get('commands')).toBeGreaterThan(4000);
  expect(Math.min(...totals.values())).toBeGreaterThan(100);
});

/** Each side's error, or undefined. */
async function errors(action: Action, input: Input): Promise<(string | undefined)[]> {
  const answers = await pair.both(action, input);
  return answers.map(({ error, Failed: [first] = [] }) => error ?? first?.Code);
}

describe('where fauxqs differs, AWS is followed', () => {
  const QueueUrl = 'http://127.0.0.1/000000000000/work';

  beforeEach(() => open(1));

  // API_SendMessage: "#x10000 to #x10FFFF" are allowed, read 2026-11-22.
  test('fauxqs refuses characters beyond U+FFFF; AWS takes them', async () => {
    expect(await errors('SendMessage', { QueueUrl, MessageBody: '😀' })).toEqual([
      'InvalidMessageContents',
      undefined,
    ]);
  });

  // API_SendMessage: "Valid values: 0 to 900. Maximum: 15 minutes."
  test.each([-1, 901])('fauxqs takes a delay of %i s; AWS refuses it', async (DelaySeconds) => {
    expect(await errors('SendMessage', { QueueUrl, MessageBody: 'late', DelaySeconds })).toEqual([
      undefined,
      'InvalidParameterValue',
    ]);
    const Entries = [{ Id: '1', MessageBody: 'late', DelaySeconds }];
    expect(await errors('SendMessageBatch', { QueueUrl, Entries })).toEqual([
      undefined,
      'InvalidParameterValue',
    ]);
  });

  // API_SendMessageBatchRequestEntry: "This identifier can have up to 80 characters."
  test('fauxqs takes an id of 81 characters; AWS refuses the batch', async () => {
    const batch = { QueueUrl, Entries: [{ Id: 'a'.repeat(81), MessageBody: 'one' }] };
    const shorter = { QueueUrl, Entries: [{ Id: 'a'.repeat(80), MessageBody: 'one' }] };

    expect(await errors('SendMessageBatch', shorter)).toEqual([undefined, undefined]);
    expect(await errors('SendMessageBatch', batch)).toEqual([undefined, 'InvalidBatchEntryId']);
  });

  // API_SendMessage: "The minimum size is one character."
  test('fauxqs takes an empty message in a batch; AWS does not', async () => {
    const Entries = [{ Id: '1', MessageBody: '' }];

    expect(await errors('SendMessageBatch', { QueueUrl, Entries })).toEqual([undefined, 'MissingParameter']);
  });

  // API_DeleteMessage: "you must provide the most recently received ReceiptHandle", whatever time has passed.
  test('fauxqs forgets a receipt handle once the message is visible again; AWS deletes with the newest', async () => {
    await pair.both('SendMessage', { QueueUrl, MessageBody: 'slow' });
    const [theirs, ours] = (await pair.both('ReceiveMessage', { QueueUrl })).map(
      ({ Messages: [first] = [] }) => first?.ReceiptHandle,
    );
    pair.nowMs += 30_000;
    await pair.theirs('SendMessage', {
      QueueUrl,
      MessageBody: 'another, with which fauxqs notices the time',
    });
    await pair.theirs('ReceiveMessage', { QueueUrl });
    await pair.both('DeleteMessage', { QueueUrl, ReceiptHandle: theirs }, { QueueUrl, ReceiptHandle: ours });

    expect((await pair.counts('work'))['ApproximateNumberOfMessages']).toBe('1');
    expect(pair.ours.messages('work')).toEqual([]);
  });

  // "For standard queues, the expiration of a message is always based on its original enqueue timestamp."
  test('fauxqs keeps a message for ever; AWS for as long as the queue keeps any', async () => {
    await pair.both('SendMessage', { QueueUrl, MessageBody: 'old' });
    pair.nowMs += 345_600_000;
    const [theirs, ours] = await pair.both('ReceiveMessage', { QueueUrl });

    expect([theirs.Messages?.length, ours.Messages?.length]).toEqual([1, undefined]);
  });

  // API_ChangeMessageVisibility names MessageNotInflight for it, API_BatchResultErrorEntry any code.
  test('of a message that is not in flight fauxqs calls the same fault by two names', async () => {
    const change = { ReceiptHandle: 'nobody', VisibilityTimeout: 1 };

    expect(await errors('ChangeMessageVisibility', { QueueUrl, ...change })).toEqual([
      'MessageNotInflight',
      'MessageNotInflight',
    ]);
    expect(
      await errors('ChangeMessageVisibilityBatch', { QueueUrl, Entries: [{ Id: '1', ...change }] }),
    ).toEqual(['ReceiptHandleIsInvalid', 'MessageNotInflight']);
  });
});

describe('at the limits of size both say the same', () => {
  const QueueUrl = 'http://127.0.0.1/000000000000/work';

  test.each([
    [MIB, undefined],
    [MIB + 1, 'InvalidParameterValue'],
  ])('a message of %i bytes', async (bytes, error) => {
    await open(1);
    const body = `ä${'x'.repeat(bytes - 2)}`;
    const answers = await pair.both('SendMessage', { QueueUrl, MessageBody: body });

    expect(answers.map((answer) => answer.error)).toEqual([error, error]);
  });

  test.each([
    [MIB, undefined],
    [MIB + 1, 'BatchRequestTooLong'],
  ])('a batch of %i bytes', async (bytes, error) => {
    await open(1);
    const half = MIB / 2;
    const Entries = [half, bytes - half].map((size, at) => ({
      Id: String(at),
      MessageBody: 'x'.repeat(size),
    }));
    const answers = await pair.both('SendMessageBatch', { QueueUrl, Entries });

    expect(answers.map((answer) => answer.error)).toEqual([error, error]);
  });
});
