import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Target } from './target.ts';

/** What one queue holds, as SQS estimates it. */
export interface QueueContent {
  /** Such as `Changes`. */
  readonly queue: string;
  /** Ready to be received, and under way. */
  readonly messages: number;
  /** Not to be received before a while: what waits for a try, or to be read back. */
  readonly delayed: number;
  readonly deadLetters: number;
}

/** What the queues hold, in the order in which the target names them. */
export function readBacklog({ sqs, queues }: Pick<Target, 'sqs' | 'queues'>): Promise<QueueContent[]> {
  const contentOf = async (QueueUrl: string): Promise<[messages: number, delayed: number]> => {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    const count = (name: keyof typeof Attributes): number => Number(Attributes[name] ?? 0);
    const messages = count('ApproximateNumberOfMessages') + count('ApproximateNumberOfMessagesNotVisible');
    return [messages, count('ApproximateNumberOfMessagesDelayed')];
  };
  return Promise.all(
    Object.entries(queues).map(async ([queue, { url, deadLettersUrl }]) => {
      const [[messages, delayed], [deadLetters]] = await Promise.all([
        contentOf(url),
        contentOf(deadLettersUrl),
      ]);
      return { queue, messages, delayed, deadLetters };
    }),
  );
}

/** What waits, such as `Changes 12 + 3 later, Ticks 1`. */
export function backlogText(contents: readonly QueueContent[]): string {
  const waiting = contents.filter(({ messages, delayed }) => messages + delayed > 0);
  if (waiting.length === 0) return 'none';
  return waiting
    .map(({ queue, messages, delayed }) => `${queue} ${messages}${delayed > 0 ? ` + ${delayed} later` : ''}`)
    .join(', ');
}
