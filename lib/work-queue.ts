import { Duration } from 'aws-cdk-lib';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** Tries before a message is set aside. AWS: services-sqs-configure.html asks for 5 at least, read 2026-11-21. */
const MAX_RECEIVE_COUNT = 5;
/** A reader that is throttled gets its messages again only after this many of its time-outs, and the window. AWS: the same page. */
const VISIBILITY_TIMEOUTS = 6;

export interface WorkQueueProps {
  /** The time-out of the function that reads the queue. */
  readonly readerTimeout: Duration;
  /**
   * Longest wait for a batch to fill. SQS demands one for batches of more than 10.
   *
   * @default none: whatever is there goes at once
   */
  readonly window?: Duration;
}

export interface ReaderProps {
  /** Most messages in one invocation: up to 10, or up to 10,000 where the queue has a window. */
  readonly batchSize: number;
  /**
   * Most invocations at the same time, at least 2.
   *
   * @default none: as many as the account allows
   */
  readonly maxConcurrency?: number;
}

/** A queue that one function reads, with the dead letters beside it: what fails five times is kept for 14 days. */
export class WorkQueue extends Queue {
  /** Where messages go that could not be dealt with. */
  readonly deadLetters: Queue;
  private readonly window: Duration | undefined;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    const windowSeconds = props.window?.toSeconds() ?? 0;
    const deadLetters = new Queue(scope, `${id}DeadLetters`, {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    super(scope, id, {
      retentionPeriod: Duration.days(4),
      visibilityTimeout: Duration.seconds(
        VISIBILITY_TIMEOUTS * props.readerTimeout.toSeconds() + windowSeconds,
      ),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    this.deadLetters = deadLetters;
    this.window = props.window;
  }

  /** What Lambda needs to poll the queue (AWS: services-sqs-configure.html, read 2026-11-22); the CDK would grant two actions more. */
  override grantConsumeMessages(grantee: IGrantable): Grant {
    return this.grant(grantee, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
  }

  /** Hands the queue's messages to `reader`, which names the ones to try again. */
  readBy(reader: LambdaFunction, props: ReaderProps): void {
    reader.addEventSource(
      new SqsEventSource(this, {
        batchSize: props.batchSize,
        maxBatchingWindow: this.window,
        maxConcurrency: props.maxConcurrency,
        reportBatchItemFailures: true,
      }),
    );
  }
}
