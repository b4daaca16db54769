import type { FunctionPlan } from '../../../local/runner/assembly.ts';
import type { ExecutionEnvironment } from '../../../local/runner/environment.ts';
import { createFunction, type Invocation } from '../../../local/runner/function.ts';
import { FunctionError } from '../../../local/runner/runtime-api.ts';

const PLAN: FunctionPlan = {
  door: 'scorer',
  name: 'Scorer',
  arn: 'arn:aws:lambda:us-east-1:000000000000:function:Scorer',
  assetDirectory: '/nowhere',
  handler: 'index.handler',
  memoryMegabytes: 1024,
  timeoutSeconds: 60,
  logGroup: '/aws/lambda/Scorer',
  environment: {},
};
const LOADING_MS = 40;
const INVOCATION_MS = 30;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** It takes 40 ms to load and 30 to answer; an event with `fails` in it makes it fail. */
async function start(): Promise<ExecutionEnvironment> {
  const loaded = pause(LOADING_MS);
  let beganMs = 0;
  return {
    pid: undefined,
    isAlive: () => true,
    async invoke(payload) {
      await loaded;
      beganMs = performance.now();
      await pause(INVOCATION_MS);
      if (payload.includes('fails')) throw new FunctionError('Error', 'it was asked to');
      return 'null';
    },
    beganMs: () => beganMs,
    lastLines: () => [],
    stop: async () => {},
  };
}

/** A function, and what is told of its invocations. */
function open() {
  const invocations: Invocation[] = [];
  const scorer = createFunction({
    plan: PLAN,
    variables: {},
    maximumEnvironments: 2,
    start,
    invoked: (invocation) => invocations.push(invocation),
    report: () => {},
  });
  return { scorer, invocations };
}

test('an invocation is told when it ends: whose it was, whether a process was started for it, and what it is billed by', async () => {
  const { scorer, invocations } = open();

  await scorer.invoke({ Records: [{}, {}, {}] });
  await scorer.invoke({ job: 'decay' });

  expect(invocations).toMatchObject([
    { door: 'scorer', isCold: true, memoryMegabytes: 1024, hasFailed: false, records: 3 },
    { door: 'scorer', isCold: false, memoryMegabytes: 1024, hasFailed: false, records: 0 },
  ]);
  const [cold, warm] = invocations;
  expect(cold?.milliseconds).toBeGreaterThanOrEqual(LOADING_MS + INVOCATION_MS - 2); // A timer may be a millisecond early.
  expect(cold?.loadMilliseconds).toBeGreaterThanOrEqual(LOADING_MS - 1);
  expect(warm?.milliseconds).toBeGreaterThanOrEqual(INVOCATION_MS - 1);
  expect(warm?.loadMilliseconds).toBe(0);
});

test('two at the same time are two processes, and the next finds one of them', async () => {
  const { scorer, invocations } = open();

  await Promise.all([scorer.invoke({}), scorer.invoke({})]);
  await scorer.invoke({});

  expect(invocations.map(({ isCold }) => isCold)).toEqual([true, true, false]);
});

test('an invocation that fails is told too', async () => {
  const { scorer, invocations } = open();

  await expect(scorer.invoke('fails')).rejects.toThrow('it was asked to');

  expect(invocations).toMatchObject([{ hasFailed: true, records: 0 }]);
});
