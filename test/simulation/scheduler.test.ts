import { RestlessError, Scheduler } from '../../simulation/scheduler.ts';

const START_MS = Date.UTC(2026, 2, 2, 8);

/** What happened, in its order. */
function listed(scheduler: Scheduler): {
  readonly happened: string[];
  readonly at: (ms: number, what: string) => void;
} {
  const happened: string[] = [];
  return {
    happened,
    at: (ms, what) => void scheduler.after(ms, () => happened.push(`${what} ${scheduler.elapsedMs}`)),
  };
}

/** In which order eight things of one moment happen. */
const orderOf = async (seed: number) => {
  const scheduler = new Scheduler(seed, START_MS);
  const { happened, at } = listed(scheduler);
  for (const what of 'abcdefgh') at(5, what);
  await scheduler.run();
  return happened.map(([what]) => what).join('');
};

const hashOf = async (lines: readonly string[], isTraced: boolean, ms = 5) => {
  const scheduler = new Scheduler(1, START_MS, isTraced);
  for (const line of lines) scheduler.note(line, () => `readable ${line}`);
  await scheduler.run(START_MS + ms);
  scheduler.note('end');
  const { trace } = scheduler;
  return { hash: scheduler.hash(), trace };
};

test('things happen in the order of their times, each at its own', async () => {
  const scheduler = new Scheduler(1, START_MS);
  const { happened, at } = listed(scheduler);
  for (const ms of [50, 3, 700, 1, 20, 9]) at(ms, 'thing');

  await scheduler.run();

  expect(happened).toEqual(['thing 1', 'thing 3', 'thing 9', 'thing 20', 'thing 50', 'thing 700']);
  expect(scheduler.now()).toBe(START_MS + 700);
});

test('a thousand things scheduled at random times come in order', async () => {
  const scheduler = new Scheduler(2, START_MS);
  const times: number[] = [];
  for (let at = 0; at < 1000; at++) scheduler.after((at * 7919) % 997, () => times.push(scheduler.elapsedMs));

  await scheduler.run();

  expect(times).toEqual(Array.from({ length: 1000 }, (_, at) => (at * 7919) % 997).toSorted((a, b) => a - b));
});

test('the seed decides which of the things of one moment is first, and nothing else does', async () => {
  const orders = [];
  for (const seed of [1, 2, 3, 1, 2, 3]) orders.push(await orderOf(seed));

  expect(orders.slice(3)).toEqual(orders.slice(0, 3));
  expect(new Set(orders).size).toBe(3);
  expect(orders.map((order) => order.split('').toSorted().join(''))).toEqual(Array(6).fill('abcdefgh'));
});

test('what was cancelled does not happen, and takes no time', async () => {
  const scheduler = new Scheduler(1, START_MS);
  const { happened, at } = listed(scheduler);
  at(1, 'kept');
  scheduler.after(99, () => happened.push('cancelled')).isCancelled = true;

  await scheduler.run();

  expect(happened).toEqual(['kept 1']);
  expect(scheduler.elapsedMs).toBe(1);
});

test('all that follows from a thing is done before the next, through however many promises', async () => {
  const scheduler = new Scheduler(1, START_MS);
  const { happened, at } = listed(scheduler);
  scheduler.after(1, () => {
    void (async () => {
      for (let hop = 0; hop < 500; hop++) await Promise.resolve();
      process.nextTick(() => happened.push(`promised ${scheduler.elapsedMs}`));
    })();
  });
  at(2, 'next');

  await scheduler.run();

  expect(happened).toEqual(['promised 1', 'next 2']);
});

test('time passes until an instant, and the rest waits', async () => {
  const scheduler = new Scheduler(1, START_MS);
  const { happened, at } = listed(scheduler);
  at(10, 'before');
  at(30, 'after');

  await scheduler.run(START_MS + 20);
  expect(happened).toEqual(['before 10']);
  expect(scheduler.elapsedMs).toBe(20);

  await scheduler.run();
  expect(happened).toEqual(['before 10', 'after 30']);
});

test('what a thing throws is thrown by the run', async () => {
  const scheduler = new Scheduler(1, START_MS);
  scheduler.after(1, () => {
    throw new RangeError('a mistake');
  });

  await expect(scheduler.run()).rejects.toThrow(new RangeError('a mistake'));
});

test('things that go on for ever are an error', async () => {
  const scheduler = new Scheduler(1, START_MS);
  const again = () => void scheduler.after(1, again);
  again();

  await expect(scheduler.run()).rejects.toThrow(RestlessError);
});

test('timers and clocks are the virtual ones until they are given back', async () => {
  const real = { set: globalThis.setTimeout, clear: globalThis.clearTimeout, date: Date.now };
  const scheduler = new Scheduler(1, START_MS);
  const happened: string[] = [];

  const uninstall = scheduler.install();
  try {
    setTimeout(
      (what: string) => happened.push(`${what} at ${Date.now() - START_MS}`),
      3_600_000,
      'an hour later',
    );
    clearTimeout(setTimeout(() => happened.push('cleared'), 5));
    await scheduler.run();
    expect(happened).toEqual(['an hour later at 3600000']);
    expect(performance.now()).toBe(3_600_000);
    expect(Date.now()).toBe(START_MS + 3_600_000);
  } finally {
    uninstall();
  }

  expect([globalThis.setTimeout, globalThis.clearTimeout, Date.now]).toEqual([
    real.set,
    real.clear,
    real.date,
  ]);
  const [before, wall] = [performance.now(), Date.now()];
  expect(before).not.toBe(3_600_000);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(performance.now()).toBeGreaterThan(before);
  expect(Date.now()).toBeGreaterThan(wall);
});

test('the hash is of what was noted and when, whether it is kept or not', async () => {
  const kept = await hashOf(['a', 'b'], true);
  const unkept = await hashOf(['a', 'b'], false);

  expect(unkept.hash).toBe(kept.hash);
  expect(unkept.trace).toEqual([]);
  expect(kept.trace).toEqual([
    '03-02 08:00:00.000 readable a',
    '03-02 08:00:00.000 readable b',
    '03-02 08:00:00.005 end',
  ]);
  for (const [lines, ms] of [
    [['b', 'a'], 5],
    [['a'], 5],
    [['a', 'b'], 6],
  ] as const)
    expect((await hashOf(lines, false, ms)).hash).not.toBe(kept.hash);
});
