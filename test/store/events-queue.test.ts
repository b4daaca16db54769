import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { sendEnvelope, ThrottledError } from '../../lambdas/store/events-queue.ts';

const QUEUE_URL = 'https://sqs.eu-west-1.amazonaws.com/000000000000/events';
const ENVELOPE = {
  portalId: '33',
  route: '/webhooks/hubspot',
  receivedAtMs: 1764000000000,
  body: 'W10=',
} as const;
const sqs = mockClient(SQSClient);

beforeEach(() => sqs.reset());

const send = () => sendEnvelope(new SQSClient({}), QUEUE_URL, ENVELOPE);

test('one request is one message', async () => {
  sqs.on(SendMessageCommand).resolves({ MessageId: 'm' });

  await send();

  const [call, ...others] = sqs.commandCalls(SendMessageCommand);
  expect(others).toEqual([]);
  expect(call?.args[0].input.QueueUrl).toBe(QUEUE_URL);
  expect(JSON.parse(call?.args[0].input.MessageBody ?? '')).toEqual(ENVELOPE);
});

test.each([
  'RequestThrottled',
  'ThrottlingException',
  'OverLimit',
  'KmsThrottled',
  'AWS.SimpleQueueService.OverLimit',
  'Throttling',
  'TooManyRequestsException',
])('%s means: come again later', async (name) => {
  sqs.on(SendMessageCommand).rejects(Object.assign(new Error('too much'), { name }));

  await expect(send()).rejects.toThrow(ThrottledError);
});

test.each(['AccessDenied', 'QueueDoesNotExist', 'InvalidMessageContents', 'TimeoutError'])(
  '%s is our own fault, as it came',
  async (name) => {
    const error = Object.assign(new Error('no'), { name });
    sqs.on(SendMessageCommand).rejects(error);

    await expect(send()).rejects.toBe(error);
  },
);

test('what is thrown without a name is our own fault too', async () => {
  const client = new SQSClient({});
  client.send = () => Promise.reject('oops');

  await expect(sendEnvelope(client, QUEUE_URL, ENVELOPE)).rejects.toBe('oops');
});
