import type { SQSEvent } from 'aws-lambda';
import { type LaneSettings, startLanes } from '../../bench/virtual/lanes.ts';
import { startVirtualTime, type VirtualTime } from '../../bench/virtual/time.ts';

const START_MS = Date.UTC(2026, 10, 4, 9);
const HOUR_MS = 3_600_000;
const LANE: LaneSettings = {
  name: 'changes',
  batchSize: 3,
  windowSeconds: 60,
  concurrency: 2,
  visibilitySeconds: 1860,
  maxReceiveCount: 5,
};

let time: VirtualTime;

beforeEach(() => {
  time = startVirtualTime(START_MS);
});
afterEach(() => time.stop());

/** Lanes whose function takes ten seconds; every invocation is written down with the second at which it began. */
function open(failing: (body: string) => boolean = () => false, settings: Partial<LaneSettings> = {}) {
  const invocations: { atSeconds: number; environment: number; bodies: string[]; receives: string[] }[] = [];
  let environments = 0;
  const start = () => {
    const environment = ++environments;
    return async ({ Records }: SQSEvent) => {
      invocations.push({
        atSeconds: (Date.now() - START_MS) / 1000,
        environment,
        bodies: Records.map(({ body }) => body),
        receives: Records.map(({ attributes }) => attributes.ApproximateReceiveCount),
      });
      await time.sleep(10_000);
      const failed = Records.filter(({ body }) => failing(body));
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    };
  };
  const lanes = startLanes([{ ...LANE, ...settings }], { start, timeoutSeconds: 300 });
  return { lanes, invocations };
}

test('full batches go at once, two at a time, and what is left when its window is over', async () => {
  const { lanes, invocations } = open();
  lanes.send('changes', ['1', '2', '3', '4', '5', '6', '7']);

  await time.until(lanes.empty(), HOUR_MS);

  expect(invocations).toMatchObject([
    { atSeconds: 0, environment: 1, bodies: ['1', '2', '3'] },
    { atSeconds: 0, environment: 2, bodies: ['4', '5', '6'] },
    { atSeconds: 60, bodies: ['7'] },
  ]);
  expect(new Set(invocations.map(({ environment }) => environment))).toEqual(new Set([1, 2]));
});

test('a third full batch waits until one of two invocations has ended', async () => {
  const { lanes, invocations } = open();
  lanes.send('changes', ['1', '2', '3', '4', '5', '6', '7', '8', '9']);

  await time.until(lanes.empty(), HOUR_MS);

  expect(invocations.map(({ atSeconds }) => atSeconds)).toEqual([0, 0, 10]);
});

test('a delayed message is received when its delay is over', async () => {
  const { lanes, invocations } = open(undefined, { windowSeconds: 0 });
  lanes.send('changes', ['1'], 900);

  await time.until(lanes.empty(), HOUR_MS);

  expect(invocations).toMatchObject([{ atSeconds: 900, bodies: ['1'] }]);
});

test('what failed comes again after the visibility timeout, five times in all, and is then set aside', async () => {
  const { lanes, invocations } = open((body) => body === 'bad', { windowSeconds: 0, batchSize: 2 });
  lanes.send('changes', ['good', 'bad']);

  await time.until(lanes.empty(), 10 * HOUR_MS);

  const ofBad = invocations.filter(({ bodies }) => bodies.includes('bad'));
  expect(ofBad.map(({ atSeconds }) => atSeconds)).toEqual([0, 1860, 3720, 5580, 7440]);
  expect(ofBad.map(({ receives }) => receives.at(-1))).toEqual(['1', '2', '3', '4', '5']);
  expect(invocations.flatMap(({ bodies }) => bodies).filter((body) => body === 'good')).toHaveLength(1);
  expect(lanes.setAside).toEqual(['bad']);
});

test('an invocation that takes longer than the function may is no measurement', async () => {
  const slow = startLanes([LANE], {
    timeoutSeconds: 300,
    start: () => async () => {
      await time.sleep(301_000);
      return { batchItemFailures: [] };
    },
  });
  slow.send('changes', ['1', '2', '3']);

  await expect(time.until(slow.empty(), HOUR_MS)).rejects.toThrow('an invocation took 301 s of 300 s');
});
