import { ALL_QUEUES, QUEUES } from '../../simulation/queues.ts';
import { Synthesized, sorted } from '../lib/synthesized.ts';

const PORTAL = { portalId: '48221593', model: 'models/b2b-saas.yaml', timeZone: 'Europe/Berlin' };

let stack: Synthesized;

beforeAll(() => {
  stack = new Synthesized(PORTAL);
});

test('every queue that the stack has is simulated, but the one for schedules that Lambda did not take', () => {
  const simulated = ALL_QUEUES.map(({ path }) => path);

  expect(sorted([...simulated, 'Nightly/DeadLetters'])).toEqual(stack.pathsOf('AWS::SQS::Queue'));
});

test.each(Object.values(QUEUES))(
  '$queue.path and its dead letters are as deployed',
  ({ queue, deadLetters }) => {
    const deployed = stack.properties[queue.path];
    const { deadLetterTargetArn, maxReceiveCount } = deployed.RedrivePolicy;

    expect({
      visibilitySeconds: deployed.VisibilityTimeout,
      retentionSeconds: deployed.MessageRetentionPeriod,
      delaySeconds: deployed.DelaySeconds ?? 0,
      deadLetters: { arn: stack.render(deadLetterTargetArn), maxReceiveCount },
      isFifo: deployed.FifoQueue ?? false,
    }).toEqual({
      visibilitySeconds: queue.visibilitySeconds,
      retentionSeconds: queue.retentionSeconds,
      delaySeconds: queue.delaySeconds,
      deadLetters: { arn: deadLetters.path, maxReceiveCount: queue.deadLetters?.maxReceiveCount },
      isFifo: false,
    });
    expect(queue.deadLetters?.arn).toBe(deadLetters.arn);
    expect(stack.properties[deadLetters.path].MessageRetentionPeriod).toBe(deadLetters.retentionSeconds);
    expect(stack.properties[deadLetters.path].VisibilityTimeout ?? 30).toBe(deadLetters.visibilitySeconds); // SQS's own default.
  },
);

test.each(Object.values(QUEUES))('$queue.path is read as deployed', ({ queue, mapping }) => {
  const deployed = stack
    .ofType('AWS::Lambda::EventSourceMapping')
    .filter(({ Properties }) => stack.render(Properties.EventSourceArn) === queue.path)
    .map(({ Properties }) => ({
      batchSize: Properties.BatchSize,
      windowSeconds: Properties.MaximumBatchingWindowInSeconds ?? 0,
      maximumConcurrency: Properties.ScalingConfig.MaximumConcurrency,
      reportsItemFailures: Properties.FunctionResponseTypes.includes('ReportBatchItemFailures'),
    }));

  expect(deployed).toEqual([mapping]);
});
