import { SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { createRandom } from '../../local/hubspot/random.ts';
import { type EventSourceParts, startEventSource } from '../../simulation/event-source.ts';
import { ALL_QUEUES, QUEUES, type ReadQueue } from '../../simulation/queues.ts';
import { MemoryQueues } from '../../simulation/sqs.ts';

const START_MS = Date.UTC(2026, 10, 4, 9);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MIB = 1_048_576;

/** Time that passes from one thing to the next, and is over when nothing is to come. */
class Clock {
  nowMs = START_MS;
  #timers: { atMs: number; act: () => void }[] = [];

  readonly after = (ms: number, act: () => void): (() => void) => {
    const timer = { atMs: this.nowMs + ms, act };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  };

  readonly sleep = (ms: number): Promise<void> => new Promise((resolve) => this.after(ms, resolve));

  /** @param mostMs - no longer than this */
  async pass(mostMs = Number.POSITIVE_INFINITY): Promise<void> {
    const untilMs = this.nowMs + mostMs;
    for (;;) {
      for (let turns = 0; turns < 20; turns++) await Promise.resolve();
      const [next] = this.#timers.toSorted((one, other) => one.atMs - other.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.nowMs = next.atMs;
      next.act();
    }
    if (Number.isFinite(untilMs)) this.nowMs = untilMs;
  }
}

interface Invocation {
  readonly atSeconds: number;
  readonly bodies: string[];
  readonly records: SQSRecord[];
}

interface Settings extends Partial<Pick<EventSourceParts, 'faults' | 'pollMs'>> {
  readonly of?: ReadQueue;
  readonly mapping?: Partial<ReadQueue['mapping']>;
  readonly answer?: (records: readonly SQSRecord[]) => unknown;
  readonly tookMs?: number;
}

/** A queue with its reader, which takes ten seconds and succeeds. */
function open({
  of = QUEUES.events,
  mapping,
  answer = () => ({ batchItemFailures: [] }),
  tookMs = 10_000,
  ...rest
}: Settings = {}) {
  const clock = new Clock();
  const stream = createRandom(7, 'lambda');
  const random = () => stream.next();
  const now = () => clock.nowMs;
  const queues = new MemoryQueues(ALL_QUEUES, { clock: now, random });
  const invocations: Invocation[] = [];
  let mostAtOnce = 0;
  const source = startEventSource({
    queues,
    queue: of.queue,
    mapping: { ...of.mapping, ...mapping },
    clock: now,
    random,
    after: clock.after,
    async invoke(records) {
      const bodies = records.map(({ body }) => body);
      invocations.push({ atSeconds: (clock.nowMs - START_MS) / 1000, bodies, records });
      mostAtOnce = Math.max(mostAtOnce, source.running());
      await clock.sleep(tookMs);
      return answer(records);
    },
    ...rest,
  });
  const { name, url: QueueUrl } = of.queue;
  return {
    clock,
    queues,
    source,
    invocations,
    mostAtOnce: () => mostAtOnce,
    send: (MessageBody: string, DelaySeconds?: number) =>
      queues.execute(new SendMessageCommand({ QueueUrl, MessageBody, DelaySeconds })),
    sendTen: (from = 0) =>
      queues.execute(
        new SendMessageBatchCommand({
          QueueUrl,
          Entries: Array.from({ length: 10 }, (_, at) => ({
            Id: String(at),
            MessageBody: String(from + at),
          })),
        }),
      ),
    left: () => queues.messages(name).map(({ body }) => body),
    letters: () => queues.messages(of.deadLetters.name).map(({ body }) => body),
  };
}

const failing =
  (...bodies: string[]) =>
  (records: readonly SQSRecord[]) => ({
    batchItemFailures: records
      .filter(({ body }) => bodies.includes(body))
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  });
const ten = Array.from({ length: 10 }, (_, at) => String(at));

test('a batch of ten goes at once, with what Lambda tells of a message, and is deleted', async () => {
  const { clock, invocations, sendTen, left } = open();
  sendTen();
  await clock.pass();

  expect(invocations).toMatchObject([{ atSeconds: 0 }]);
  expect(invocations[0]?.bodies.toSorted()).toEqual(ten);
  expect(invocations[0]?.records[0]).toMatchObject({
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(START_MS),
      ApproximateFirstReceiveTimestamp: String(START_MS),
      SenderId: expect.any(String),
    },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: QUEUES.events.queue.arn,
    awsRegion: QUEUES.events.queue.arn.split(':')[3],
    messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(left()).toEqual([]);
});

test('nothing is planned while the queue is empty, and again nothing when all is done', async () => {
  const { clock, invocations, send } = open();
  await clock.pass();
  expect(clock.nowMs).toBe(START_MS);

  send('one');
  await clock.pass();
  expect(invocations).toHaveLength(1);
  expect(clock.nowMs).toBe(START_MS + 10_000); // Not the six minutes for which the message was hidden.
});

test('a delayed message is received when its delay is over, and one that comes before it is not held up', async () => {
  const { clock, invocations, send } = open();
  send('late', 900);
  await clock.pass(MINUTE_MS);
  send('now');
  await clock.pass();

  expect(invocations).toMatchObject([
    { atSeconds: 60, bodies: ['now'] },
    { atSeconds: 900, bodies: ['late'] },
  ]);
});

test('a poller may get later what became visible; what has come by then goes with it', async () => {
  const { clock, invocations, send } = open({ pollMs: () => 300 });
  send('one');
  await clock.pass(200);
  send('two');
  await clock.pass();

  expect(invocations).toMatchObject([{ atSeconds: 0.3 }]);
  expect(invocations[0]?.bodies.toSorted()).toEqual(['one', 'two']);
});

test('never more invocations at the same time than the mapping allows, and as many where there is work', async () => {
  const { clock, invocations, sendTen, mostAtOnce, left } = open({ of: QUEUES.ticks });
  for (let batch = 0; batch < 5; batch++) sendTen(batch * 10);
  await clock.pass();

  expect(mostAtOnce()).toBe(2);
  expect(invocations.map(({ atSeconds }) => atSeconds)).toEqual([0, 0, 10, 10, 20]);
  expect(new Set(invocations.flatMap(({ bodies }) => bodies)).size).toBe(50);
  expect(left()).toEqual([]);
});

describe('window', () => {
  const of = QUEUES.changes;
  const mapping = { maximumConcurrency: 1 };

  test('what comes within it goes when it is over, in one batch', async () => {
    const { clock, invocations, send } = open({ of, mapping });
    send('one');
    await clock.pass(59_000);
    send('two');
    await clock.pass();

    expect(invocations).toMatchObject([{ atSeconds: 60 }]);
    expect(invocations[0]?.bodies.toSorted()).toEqual(['one', 'two']);
  });

  test('a full batch goes at once, and what is left waits for its own window', async () => {
    const { clock, invocations, sendTen, send } = open({
      of,
      mapping: { batchSize: 12, maximumConcurrency: 2 },
    });
    sendTen();
    sendTen(10);
    sendTen(20);
    send('30');
    await clock.pass();

    const sizes = invocations.map(({ atSeconds, bodies }) => [atSeconds, bodies.length]);
    expect(sizes.filter(([, size]) => size === 12).every(([atSeconds = 0]) => atSeconds < 60)).toBe(true);
    expect(sizes.reduce((sum, [, size = 0]) => sum + size, 0)).toBe(31);
    expect(sizes.filter(([, size]) => size !== 12).every(([atSeconds = 0]) => atSeconds >= 60)).toBe(true);
    expect(sizes[0]).toEqual([0, 12]);
    expect(sizes.filter(([, size]) => size === 0)).toEqual([]); // Its window ended with it.
  });

  test('several pollers share what comes: the same second may become two batches', async () => {
    const { clock, invocations, sendTen } = open({ of });
    for (let batch = 0; batch < 6; batch++) sendTen(batch * 10);
    await clock.pass();

    expect(invocations.map(({ atSeconds }) => atSeconds)).toEqual([60, 60]);
    expect(invocations.flatMap(({ bodies }) => bodies)).toHaveLength(60);
  });

  test('what is held is hidden from the moment it was received, not from the end of the window', async () => {
    const { clock, invocations, send } = open({ of, answer: () => 'failed' });
    send('one');
    await clock.pass(3000 * 1000);

    // Received at 0 and visible again at 1,860 s: six time-outs of 300 s, and the window.
    expect(invocations.map(({ atSeconds }) => atSeconds)).toEqual([60, 1920]);
  });

  test('6 MiB end a batch; what is beyond goes in the next', async () => {
    const { clock, invocations, send, left } = open({ of, mapping });
    for (let at = 0; at < 8; at++) send(String(at).padEnd(MIB, 'x'));
    await clock.pass();

    expect(invocations.map(({ bodies }) => bodies.length)).toEqual([5, 3]); // Six with their attributes are more than 6 MiB.
    expect(invocations[0]?.atSeconds).toBe(0);
    expect(left()).toEqual([]);
  });
});

describe('failure', () => {
  test('what is reported comes again after the visibility time-out, five times, and is then set aside; the rest is done', async () => {
    const { clock, invocations, sendTen, left, letters } = open({ answer: failing('3') });
    sendTen();
    await clock.pass();

    const ofThree = invocations.filter(({ bodies }) => bodies.includes('3'));
    expect(ofThree.map(({ atSeconds }) => atSeconds)).toEqual([0, 360, 720, 1080, 1440]);
    expect(
      ofThree.map(
        ({ records }) => records.find(({ body }) => body === '3')?.attributes.ApproximateReceiveCount,
      ),
    ).toEqual(['1', '2', '3', '4', '5']);
    expect(invocations.flatMap(({ bodies }) => bodies)).toHaveLength(14);
    expect(letters()).toEqual(['3']);
    expect(left()).toEqual([]);
    expect(clock.nowMs).toBe(START_MS + 30 * MINUTE_MS); // The sixth receive sets it aside.
  });

  // AWS: services-sqs-errorhandling.html, "Success and failure conditions", read 2026-11-22.
  test.each<[string, (records: readonly SQSRecord[]) => unknown, number]>([
    ['a function that failed', () => 'failed', 10],
    ['an empty list', () => ({ batchItemFailures: [] }), 0],
    ['a list that is null', () => ({ batchItemFailures: null }), 0],
    ['an empty answer', () => ({}), 0],
    ['no answer', () => null, 0],
    ['an answer of another shape', () => 'done', 10],
    ['an empty id', () => ({ batchItemFailures: [{ itemIdentifier: '' }] }), 10],
    ['an id that is null', () => ({ batchItemFailures: [{ itemIdentifier: null }] }), 10],
    ['another name for the id', () => ({ batchItemFailures: [{ messageId: 'x' }] }), 10],
    [
      'an unknown id beside a known one',
      ([first]) => ({ batchItemFailures: [{ itemIdentifier: first?.messageId }, { itemIdentifier: 'x' }] }),
      10,
    ],
    ['a known id', ([first]) => ({ batchItemFailures: [{ itemIdentifier: first?.messageId }] }), 1],
  ])('after %s the queue keeps what AWS says', async (_what, answer, kept) => {
    const { clock, sendTen, left } = open({ answer });
    sendTen();
    await clock.pass(20_000);

    expect(left()).toHaveLength(kept);
  });

  test('where failures are not reported, an answer is success', async () => {
    const { clock, sendTen, left } = open({
      mapping: { reportsItemFailures: false },
      answer: failing('1'),
    });
    sendTen();
    await clock.pass();

    expect(left()).toEqual([]);
  });

  test('invocations that outlive the visibility time-out delete nothing, since others have the message by then', async () => {
    const { clock, invocations, send, left, letters } = open({ tookMs: 400_000 });
    send('slow');
    await clock.pass();

    expect(invocations.map(({ atSeconds }) => atSeconds)).toEqual([0, 360, 720, 1080, 1440]);
    expect(left()).toEqual([]);
    expect(letters()).toEqual(['slow']);
  });
});

describe('what befalls a batch', () => {
  test('a receive whose answer is lost counts, and comes again', async () => {
    let times = 0;
    const { clock, invocations, send } = open({ faults: { isReceiveLost: () => ++times === 1 } });
    send('one');
    await clock.pass(HOUR_MS);

    expect(invocations).toMatchObject([
      { atSeconds: 360, records: [{ attributes: { ApproximateReceiveCount: '2' } }] },
    ]);
  });

  test('a delete that is lost has the batch done twice', async () => {
    let times = 0;
    const { clock, invocations, send, left } = open({ faults: { isDeleteLost: () => ++times === 1 } });
    send('one');
    await clock.pass(HOUR_MS);

    expect(invocations.map(({ atSeconds }) => atSeconds)).toEqual([0, 360]);
    expect(left()).toEqual([]);
  });

  test('a copy that SQS hands out makes two invocations with the same message at the same time', async () => {
    const { clock, queues, invocations, send, mostAtOnce, left } = open();
    send('one');
    await clock.pass(1000);
    queues.duplicate(QUEUES.events.queue.name);
    await clock.pass();

    expect(invocations.map(({ atSeconds }) => atSeconds)).toEqual([0, 1]);
    expect(
      new Set(invocations.flatMap(({ records }) => records.map(({ messageId }) => messageId))).size,
    ).toBe(1);
    expect(mostAtOnce()).toBe(2);
    expect(left()).toEqual([]);
  });
});

test('stopped it receives nothing more, and what it held is visible again when its time has come', async () => {
  const { clock, source, invocations, send, left } = open({ of: QUEUES.changes });
  send('one');
  await clock.pass(1000);
  expect(source.held()).toBe(1);
  source.stop();
  send('two');
  await clock.pass(HOUR_MS);

  expect(invocations).toEqual([]);
  expect(left().toSorted()).toEqual(['one', 'two']);
});

const batches = async () => {
  const { clock, invocations, sendTen } = open({ of: QUEUES.changes, answer: failing('7', '33') });
  for (let batch = 0; batch < 5; batch++) sendTen(batch * 10);
  await clock.pass();
  return invocations.map(({ atSeconds, bodies }) => [atSeconds, ...bodies]);
};

test('the same seed gives the same batches', async () => {
  expect(await batches()).toEqual(await batches());
});
