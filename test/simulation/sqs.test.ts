// What SQS promises and fauxqs does not do: chance, copies, dead letters, retention. The rest is compared with fauxqs in
// sqs-differential.test.ts.
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { createRandom } from '../../local/hubspot/random.ts';
import { ALL_QUEUES, QUEUES } from '../../simulation/queues.ts';
import { type Chances, MemoryQueues } from '../../simulation/sqs.ts';

const START_MS = Date.UTC(2026, 10, 4, 9);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const { queue, deadLetters } = QUEUES.events;
const { name, url } = queue;
/** As in `lib/scorer.ts`: six time-outs of a minute. */
const VISIBILITY_MS = 6 * MINUTE_MS;

let nowMs: number;
beforeEach(() => {
  nowMs = START_MS;
});

function open(chances: Partial<Chances> = {}, seed = 1): MemoryQueues {
  const random = createRandom(seed, 'queues');
  return new MemoryQueues(ALL_QUEUES, { clock: () => nowMs, random: () => random.next(), ...chances });
}

function send(queues: MemoryQueues, ...bodies: string[]): void {
  for (const MessageBody of bodies) queues.execute(new SendMessageCommand({ QueueUrl: url, MessageBody }));
}

const receive = (queues: MemoryQueues, from = name, most = 10) => queues.receive(from, most, nowMs);
const bodiesOf = (messages: readonly { readonly body: string }[]) => messages.map(({ body }) => body);
const ten = Array.from({ length: 10 }, (_, at) => String(at));

const orderOf = (seed: number) => {
  const queues = open({}, seed);
  send(queues, ...ten);
  return bodiesOf(receive(queues));
};

describe('order', () => {
  test('messages come in any order, each once, and the same seed gives the same', () => {
    const orders = Array.from({ length: 50 }, (_, seed) => orderOf(seed).join(''));

    expect(new Set(orders).size).toBe(50);
    expect(orders.every((order) => order.split('').toSorted().join('') === '0123456789')).toBe(true);
    expect(Array.from({ length: 50 }, (_, seed) => orderOf(seed).join(''))).toEqual(orders);
  });

  test('any message may be the first of those that are visible', () => {
    const firsts = Array.from({ length: 200 }, (_, seed) => orderOf(seed)[0]);

    expect(new Set(firsts).size).toBe(10);
  });

  test('fewer may be handed out than there are, and never none', () => {
    const queues = open({ handsOut: (possible) => possible - 8 });
    send(queues, ...ten, 'more');

    expect(receive(queues)).toHaveLength(2);
    expect(receive(queues)).toHaveLength(1); // Of nine that are left, and one at least.
    expect(queues.size(name)).toBe(11);
  });
});

describe('visibility', () => {
  test('who received a message has it alone until the time-out of the queue is over, to the millisecond', () => {
    const queues = open();
    send(queues, 'one');
    receive(queues);

    nowMs += VISIBILITY_MS - 1;
    expect(queues.nextAtMs(name)).toBe(START_MS + VISIBILITY_MS);
    expect(receive(queues)).toEqual([]);

    nowMs++;
    expect(receive(queues)).toMatchObject([
      { body: 'one', receives: 2, sentAtMs: START_MS, firstReceivedAtMs: START_MS },
    ]);
  });

  test('with the handle of an earlier receive nothing is deleted, with the newest it is', () => {
    const queues = open();
    send(queues, 'one');
    const [first] = receive(queues);
    nowMs += VISIBILITY_MS;
    const [second] = receive(queues);

    queues.delete(name, first?.receiptHandle ?? '');
    expect(queues.size(name)).toBe(1);

    queues.delete(name, second?.receiptHandle ?? '');
    expect(queues.size(name)).toBe(0);
    nowMs += VISIBILITY_MS;
    expect(queues.nextAtMs(name)).toBeUndefined();
  });
});

describe('more than once', () => {
  test('a message in flight can be handed out to somebody else', () => {
    const queues = open();
    send(queues, 'one');
    const [first] = receive(queues);

    expect(queues.duplicate(name)).toBe(first?.id);
    const [second] = receive(queues);
    expect(second).toMatchObject({ id: first?.id, receives: 2 });

    queues.delete(name, first?.receiptHandle ?? ''); // It is the other's now.
    expect(queues.messages(name)).toMatchObject([{ body: 'one', state: 'in flight' }]);
  });

  test('a message that was deleted can come once more, and can be deleted again', () => {
    const queues = open();
    send(queues, 'one');
    const [first] = receive(queues);
    queues.delete(name, first?.receiptHandle ?? '');

    expect(queues.duplicate(name, first?.id)).toBe(first?.id);
    const [second] = receive(queues);
    expect(second).toMatchObject({ id: first?.id, body: 'one', receives: 2, sentAtMs: START_MS });
    queues.delete(name, second?.receiptHandle ?? '');
    expect(queues.size(name)).toBe(0);
  });

  test('what was never received has no copy', () => {
    const queues = open();
    send(queues, 'one');

    expect(queues.duplicate(name)).toBeUndefined();
    expect(queues.duplicate(QUEUES.ticks.queue.name)).toBeUndefined();
  });
});

const exhaust = (queues: MemoryQueues) => {
  const received = [];
  for (; queues.messages(name).length > 0; nowMs += VISIBILITY_MS) received.push(...receive(queues));
  return received;
};

describe('dead letters', () => {
  test('after five receives the sixth sets a message aside, with its id and when it was first sent', () => {
    const queues = open();
    send(queues, 'poison');
    const received = exhaust(queues);

    expect(received.map(({ receives }) => receives)).toEqual([1, 2, 3, 4, 5]);
    expect(receive(queues, deadLetters.name)).toMatchObject([
      {
        id: received[0]?.id,
        body: 'poison',
        sentAtMs: START_MS,
        firstReceivedAtMs: START_MS,
        receives: 6,
        sourceArn: queue.arn,
      },
    ]);
  });

  test('those of its batch that may still be received are', () => {
    const queues = open();
    send(queues, 'poison');
    for (let receives = 0; receives < 5; receives++, nowMs += VISIBILITY_MS) receive(queues);
    send(queues, 'good', 'better');

    expect(bodiesOf(receive(queues)).toSorted()).toEqual(['better', 'good']);
    expect(bodiesOf(queues.messages(deadLetters.name))).toEqual(['poison']);
  });

  test('sent back they are new messages: another id, another time, never received', () => {
    const queues = open();
    send(queues, 'poison');
    const [before] = exhaust(queues);
    queues.execute(new SendMessageCommand({ QueueUrl: deadLetters.url, MessageBody: 'a letter of a door' }));

    expect(queues.redrive(deadLetters.name)).toBe(1);
    const [after] = receive(queues);
    expect(after).toMatchObject({ body: 'poison', receives: 1, sentAtMs: nowMs, sourceArn: undefined });
    expect(after?.id).not.toBe(before?.id);
    expect(bodiesOf(queues.messages(deadLetters.name))).toEqual(['a letter of a door']);
  });

  test('are kept for 14 days from when they were first sent', () => {
    const queues = open();
    send(queues, 'poison');
    exhaust(queues);

    nowMs = START_MS + 14 * DAY_MS - 1;
    expect(queues.size(deadLetters.name)).toBe(1);
    nowMs++;
    expect(queues.size(deadLetters.name)).toBe(0);
    expect(queues.expired(deadLetters.name)).toHaveLength(1);
  });
});

test('a message is kept for four days, in flight or not', () => {
  const queues = open();
  send(queues, 'one');
  nowMs = START_MS + DAY_MS;
  send(queues, 'two');
  nowMs = START_MS + 4 * DAY_MS - 1;
  expect(receive(queues)).toHaveLength(2);

  nowMs++;
  expect(bodiesOf(queues.messages(name))).toEqual(['two']);
  nowMs += DAY_MS;
  expect(receive(queues)).toEqual([]);
  expect(queues.expired(name)).toHaveLength(2);
});

test('a message becomes visible when its delay is over', () => {
  const queues = open();
  queues.execute(new SendMessageCommand({ QueueUrl: url, MessageBody: 'late', DelaySeconds: 900 }));
  expect(queues.messages(name)).toMatchObject([{ state: 'delayed', visibleAtMs: START_MS + 900_000 }]);
  expect(queues.nextAtMs(name)).toBe(START_MS + 900_000);

  nowMs += 900_000;
  expect(receive(queues)).toMatchObject([{ body: 'late', sentAtMs: START_MS }]);
});

describe('what befalls a command', () => {
  test('entries that SQS declines are told and not sent, and no fault of the sender', () => {
    const queues = open();
    const Entries = ten.map((body) => ({ Id: body, MessageBody: body }));
    const output = queues.execute(new SendMessageBatchCommand({ QueueUrl: url, Entries }), {
      fails: (at) => at % 2 === 1,
    });

    expect(output).toMatchObject({
      Successful: ['0', '2', '4', '6', '8'].map((Id) => ({ Id })),
      Failed: ['1', '3', '5', '7', '9'].map((Id) => ({ Id, SenderFault: false, Code: 'InternalError' })),
    });
    expect(bodiesOf(queues.messages(name))).toEqual(['0', '2', '4', '6', '8']);
  });

  test('a single message is declined by an error', () => {
    const queues = open();
    const one = new SendMessageCommand({ QueueUrl: url, MessageBody: 'one' });

    expect(() => queues.execute(one, { fails: () => true })).toThrow(
      expect.objectContaining({ name: 'ServiceUnavailable', $fault: 'server' }),
    );
    expect(queues.size(name)).toBe(0);
  });

  test('attributes are told where they are asked for', () => {
    const queues = open();
    send(queues, 'one');
    const output = queues.execute(
      new ReceiveMessageCommand({ QueueUrl: url, MessageSystemAttributeNames: ['SentTimestamp'] }),
    );

    expect(output).toMatchObject({ Messages: [{ Attributes: { SentTimestamp: String(START_MS) } }] });
    expect(JSON.stringify(output)).not.toContain('ApproximateReceiveCount');
  });
});

test('whoever waits is told when something arrives, once for a batch', () => {
  const queues = open();
  const told: string[] = [];
  for (const one of [queue, deadLetters]) queues.onArrival(one.name, () => told.push(one.name));

  send(queues, 'one');
  queues.execute(
    new SendMessageBatchCommand({ QueueUrl: url, Entries: ten.map((Id) => ({ Id, MessageBody: Id })) }),
  );
  expect(told).toEqual([name, name]);
});

describe('what is not modelled is refused', () => {
  test('a command', () => {
    const unknown = new GetQueueUrlCommand({ QueueName: name });
    // @ts-expect-error: the type says so too.
    expect(() => open().execute(unknown)).toThrow(/GetQueueUrlCommand/);
  });

  test.each([{ MessageGroupId: 'a' }, { MessageAttributes: {} }])('a field: %j', (field) => {
    const command = new SendMessageCommand({ QueueUrl: url, MessageBody: 'one', ...field });
    expect(() => open().execute(command)).toThrow(RangeError);
  });

  test('a queue that keeps order, or has no dead letters where it says so', () => {
    const options = { clock: () => nowMs, random: Math.random };
    expect(() => new MemoryQueues([{ ...deadLetters, name: 'a.fifo' }], options)).toThrow('a.fifo');
    expect(() => new MemoryQueues([queue], options)).toThrow(deadLetters.arn);
  });

  test('a queue of no name', () => {
    const command = new DeleteMessageCommand({ QueueUrl: `${url}x`, ReceiptHandle: 'one' });
    expect(() => open().execute(command)).toThrow(expect.objectContaining({ name: 'QueueDoesNotExist' }));
    expect(() => open().size('nobody')).toThrow('nobody');
  });
});
