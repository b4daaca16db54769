import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { RetryableError } from '../../lambdas/errors.ts';
import { sendAll, sendLetters } from '../../lambdas/store/queues.ts';

const QUEUE = 'https://sqs.example/changes';
const sqs = mockClient(SQSClient);
const client = new SQSClient({});

beforeEach(() => {
  sqs.reset();
  sqs.on(SendMessageBatchCommand).resolves({});
});

const sends = () => sqs.commandCalls(SendMessageBatchCommand).map(({ args: [{ input }] }) => input);
const bodies = () =>
  sends().flatMap(({ Entries = [] }) => Entries.map(({ MessageBody = '' }) => MessageBody));

/** The characters SQS takes (SQS API reference, SendMessage). */
const TAKEN = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

describe('sending', () => {
  test('goes ten at a time, in order, each under an id of its own', async () => {
    const messages = Array.from({ length: 23 }, (_, contactId) => ({ contactId }));

    await sendAll(client, QUEUE, messages);

    expect(sends().map(({ QueueUrl, Entries = [] }) => [QueueUrl, Entries.length])).toEqual([
      [QUEUE, 10],
      [QUEUE, 10],
      [QUEUE, 3],
    ]);
    expect(bodies().map((body) => JSON.parse(body))).toEqual(messages);
    for (const { Entries = [] } of sends()) {
      expect(new Set(Entries.map(({ Id }) => Id)).size).toBe(Entries.length);
    }
  });

  test('nothing to send is no call', async () => {
    await sendAll(client, QUEUE, []);

    expect(sends()).toEqual([]);
  });

  test.each([
    { delaySeconds: undefined, expected: undefined },
    { delaySeconds: 0, expected: undefined },
    { delaySeconds: 900, expected: 900 },
  ])('a delay of $delaySeconds seconds is given as $expected', async ({ delaySeconds, expected }) => {
    await sendAll(client, QUEUE, [{}], delaySeconds);

    expect(sends()[0]?.Entries?.[0]?.DelaySeconds).toBe(expected);
  });

  test.each([
    { text: '\uFFFE', because: 'SQS refuses it' },
    { text: 'a\uFFFFb\uFFFF', because: 'SQS refuses it, wherever it stands' },
    { text: '\uD800 alone', because: 'half a character is none' },
    { text: '\u0000\u0007\u001F', because: 'control characters are refused' },
    { text: 'Zoë 価 🔥 \u{1FFFE}', because: 'everything else is taken as it is' },
  ])('$text arrives as it was: $because', async ({ text }) => {
    await sendAll(client, QUEUE, [{ text }]);

    const [body = ''] = bodies();
    expect(body).toMatch(TAKEN);
    expect(JSON.parse(body)).toEqual({ text });
  });

  test('record ids beyond 2^53 keep every digit', async () => {
    await sendAll(client, QUEUE, [{ event: { objectId: 90071992547409931n } }]);

    expect(bodies()).toEqual(['{"event":{"objectId":"90071992547409931"}}']);
  });

  test('messages that together are too many bytes for one call go one by one', async () => {
    const text = 'é'.repeat(60_000); // 120,000 bytes: ten of them are more than 1 MiB.

    await sendAll(client, QUEUE, [{ text }, { text }, { text }]);

    expect(sends().map(({ Entries = [] }) => Entries.length)).toEqual([1, 1, 1]);
  });

  test('no call has more bytes than SQS takes', async () => {
    await sendAll(
      client,
      QUEUE,
      Array.from({ length: 10 }, () => ({ text: 'x'.repeat(104_840) })),
    );

    for (const { Entries = [] } of sends()) {
      const bytes = Entries.reduce((sum, { MessageBody = '' }) => sum + Buffer.byteLength(MessageBody), 0);
      expect(bytes).toBeLessThanOrEqual(1_048_576);
    }
  });

  test('a message that SQS refuses among others that it takes is an error for the queue to repeat', async () => {
    sqs.on(SendMessageBatchCommand).resolves({
      Failed: [{ Id: '1', Code: 'InternalError', SenderFault: false, Message: 'a text about somebody' }],
    });

    const sent = sendAll(client, QUEUE, [{}, {}]);

    await expect(sent).rejects.toThrow(RetryableError);
    await expect(sent).rejects.toThrow('SQS refused 1 messages: InternalError');
  });

  test('when a call fails, so does the sending', async () => {
    sqs.on(SendMessageBatchCommand).rejects(new Error('throttled'));

    await expect(sendAll(client, QUEUE, [{}])).rejects.toThrow('throttled');
  });
});

describe('dead letters', () => {
  test('hold what came, with the reason', async () => {
    const letter = { reason: 'objectId is missing', event: { eventId: 90071992547409931n, text: '\uFFFF' } };

    await sendLetters(client, QUEUE, [letter]);

    expect(bodies().map((body) => JSON.parse(body))).toEqual([
      { reason: 'objectId is missing', event: { eventId: '90071992547409931', text: '\uFFFF' } },
    ]);
  });

  test.each([
    { event: 'x'.repeat(1_048_576), because: 'is longer than a message' },
    {
      event: JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
      because: 'is nested too deep to be written',
    },
  ])('go without an event that $because, so that their neighbours go on', async ({ event }) => {
    await sendLetters(client, QUEUE, [
      { reason: 'r'.repeat(1_048_576), event },
      { reason: 'objectId is missing', event: 1 },
    ]);

    const [first, second] = bodies().map((body) => JSON.parse(body));
    expect(first).toEqual({
      reason: expect.stringMatching(/^r+$/),
      event: 'left out: no message can hold it',
    });
    expect(second).toEqual({ reason: 'objectId is missing', event: 1 });
    for (const body of bodies()) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1_048_576);
  });
});
