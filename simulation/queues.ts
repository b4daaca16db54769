// The queues as the stack deploys them by default, and who reads them; a test compares them with the template.
import type { MappingPlan, QueuePlan } from '../local/runner/assembly.ts';
import { LOCAL_REGION } from '../local/runner/template.ts';

const ACCOUNT = '123456789012';
const DAY_SECONDS = 86_400;
const MAX_RECEIVE_COUNT = 5;

/** A queue of work, its dead letters, and the mapping that hands its messages to a function. */
export interface ReadQueue {
  readonly queue: QueuePlan;
  readonly deadLetters: QueuePlan;
  readonly mapping: Pick<
    MappingPlan,
    'batchSize' | 'windowSeconds' | 'maximumConcurrency' | 'reportsItemFailures'
  >;
}

interface Numbers {
  /** Construct path below the stack. */
  readonly path: string;
  readonly visibilitySeconds: number;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maximumConcurrency: number;
}

function queuePlan(
  path: string,
  numbers: Pick<QueuePlan, 'visibilitySeconds' | 'retentionSeconds'>,
): QueuePlan {
  const name = path.replaceAll('/', '-');
  return {
    path,
    name,
    url: `https://sqs.${LOCAL_REGION}.amazonaws.com/${ACCOUNT}/${name}`,
    arn: `arn:aws:sqs:${LOCAL_REGION}:${ACCOUNT}:${name}`,
    ...numbers,
    delaySeconds: 0,
    deadLetters: undefined,
  };
}

function readQueue({ path, visibilitySeconds, ...reader }: Numbers): ReadQueue {
  const deadLetters = queuePlan(`${path}DeadLetters`, {
    visibilitySeconds: 30,
    retentionSeconds: 14 * DAY_SECONDS,
  });
  const queue = queuePlan(path, { visibilitySeconds, retentionSeconds: 4 * DAY_SECONDS });
  return {
    queue: { ...queue, deadLetters: { arn: deadLetters.arn, maxReceiveCount: MAX_RECEIVE_COUNT } },
    deadLetters,
    mapping: { ...reader, reportsItemFailures: true },
  };
}

/** By the names under which the doors know them. */
export const QUEUES = {
  events: readQueue({
    path: 'Scorer/Events',
    visibilitySeconds: 360,
    batchSize: 10,
    windowSeconds: 0,
    maximumConcurrency: 20,
  }),
  ticks: readQueue({
    path: 'Scorer/Ticks',
    visibilitySeconds: 360,
    batchSize: 10,
    windowSeconds: 0,
    maximumConcurrency: 2,
  }),
  urgent: readQueue({
    path: 'WriteBack/Urgent',
    visibilitySeconds: 1800,
    batchSize: 10,
    windowSeconds: 0,
    maximumConcurrency: 2,
  }),
  changes: readQueue({
    path: 'WriteBack/Changes',
    visibilitySeconds: 1860,
    batchSize: 1000,
    windowSeconds: 60,
    maximumConcurrency: 2,
  }),
  background: readQueue({
    path: 'WriteBack/Background',
    visibilitySeconds: 1860,
    batchSize: 1000,
    windowSeconds: 60,
    maximumConcurrency: 2,
  }),
  work: readQueue({
    path: 'Nightly/Work',
    visibilitySeconds: 1800,
    batchSize: 1,
    windowSeconds: 0,
    maximumConcurrency: 2,
  }),
} as const satisfies Record<string, ReadQueue>;

/** All of them, with their dead letters. */
export const ALL_QUEUES: readonly QueuePlan[] = Object.values(QUEUES).flatMap(({ queue, deadLetters }) => [
  queue,
  deadLetters,
]);
