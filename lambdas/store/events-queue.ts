import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Envelope } from '../events/envelope.ts';

/** The queue took nothing because it is given too much: the caller is to come again later. */
export class ThrottledError extends Error {
  override readonly name = 'ThrottledError';
}

/** Names under which SQS says "too much" (SQS API reference, SendMessage errors, read 2026-11). */
const THROTTLES = [
  'RequestThrottled',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'OverLimit',
  'KmsThrottled',
];

/**
 * Puts one verified request on the events queue.
 *
 * @throws ThrottledError when SQS throttles or a limit of messages in flight is met; other errors as the SDK gives them
 */
export async function sendEnvelope(
  client: Pick<SQSClient, 'send'>,
  queueUrl: string,
  envelope: Envelope,
): Promise<void> {
  try {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(envelope) }));
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : '';
    if (THROTTLES.some((throttle) => name.endsWith(throttle))) throw new ThrottledError(name, { cause });
    throw cause;
  }
}
