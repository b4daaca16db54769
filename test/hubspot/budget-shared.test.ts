// Several processes on one row, against HubSpot's own way to count, on a clock that is moved by hand.
import { BudgetExhaustedError } from '../../lambdas/hubspot/budget.ts';
import type { BudgetSettings } from '../../lambdas/hubspot/budget-state.ts';
import { createRandom } from '../../local/hubspot/random.ts';
import {
  type Call,
  mostIn10Seconds,
  NOON,
  openVirtualHubSpot,
  PROFESSIONAL,
  type VirtualHubSpot,
  within,
} from './virtual-hubspot.ts';

/** As many batches as write-back has under way in one process. */
const WORKERS = 16;

let hubSpot: VirtualHubSpot;

afterEach(() => hubSpot.close());

const settingsOf = (parts: Partial<BudgetSettings>): BudgetSettings => ({ ...PROFESSIONAL, ...parts });
const times = (calls: readonly Call[]) => calls.map(({ atMs }) => atMs);
const waitOf = ({ askedAtMs, sentAtMs }: Call) => sentAtMs - askedAtMs;
const failed = () => hubSpot.calls.filter(({ status }) => status !== 200);

/** So many processes with more work than there are calls. */
async function saturate(processes: number, seconds: number, workers = WORKERS): Promise<void> {
  const endMs = Date.now() + seconds * 1000;
  const work = Array.from({ length: processes }, () => hubSpot.instance().work('changes', workers, endMs));
  await hubSpot.run(Promise.all(work));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const laneCalls = (lane: string) => hubSpot.calls.filter((call) => call.lane === lane);

/** Makes half of what HubSpot allows, in calls that nobody paces by ours. */
async function rival(everyMs: number, burst: number, untilMs: number): Promise<number> {
  let refused = 0;
  while (Date.now() < untilMs) {
    for (let call = 0; call < burst; call++) if (!hubSpot.rival()) refused++;
    await sleep(everyMs);
  }
  return refused;
}

describe('processes with plenty of work', () => {
  test.each([
    { processes: 1, limit: 190, reserve: 20, tableMs: 5, because: 'one alone' },
    { processes: 2, limit: 190, reserve: 20, tableMs: 5, because: 'as many as write-back has' },
    { processes: 2, limit: 100, reserve: 20, tableMs: 5, because: 'the smallest limit' },
    { processes: 2, limit: 250, reserve: 0, tableMs: 5, because: 'the largest, and nothing left to others' },
    {
      processes: 4,
      limit: 190,
      reserve: 20,
      tableMs: 40,
      because: 'a slow table, and many who want the row',
    },
  ])(
    'use at least 95 % of $limit less $reserve, and no window is over it: $because',
    async ({ processes, limit, reserve, tableMs }) => {
      hubSpot = openVirtualHubSpot({
        settings: settingsOf({ limit, reserve }),
        perTenSeconds: limit,
        tableMs,
      });

      await saturate(processes, 40);

      const all = times(hubSpot.calls);
      expect(failed()).toEqual([]);
      expect(mostIn10Seconds(all)).toBeLessThanOrEqual(limit - reserve);
      expect(within(all, NOON + 10_000, NOON + 40_000)).toBeGreaterThanOrEqual(0.95 * 3 * (limit - reserve));
    },
  );

  test('take several grants at once: one process needs a table operation for every fourth call, two for every second', async () => {
    hubSpot = openVirtualHubSpot();
    await saturate(1, 30);
    const alone = hubSpot.table.operations() / hubSpot.calls.length;
    hubSpot.close();
    hubSpot = openVirtualHubSpot();
    await saturate(2, 30);
    const together = hubSpot.table.operations() / hubSpot.calls.length;

    expect(alone).toBeLessThan(0.25);
    expect(together).toBeLessThan(0.5);
    expect(hubSpot.table.seen.lostPuts).toBeLessThan(0.05 * hubSpot.table.seen.puts);
  });

  test('take grants ahead too when they are fewer than the calls that are free, and waste few', async () => {
    hubSpot = openVirtualHubSpot();

    await saturate(1, 30, 4);

    const granted = hubSpot.state().today?.calls ?? 0;
    expect(hubSpot.table.operations() / hubSpot.calls.length).toBeLessThan(0.6);
    expect(granted).toBeLessThanOrEqual(hubSpot.calls.length + 8);
    expect(Math.max(...hubSpot.calls.map(waitOf))).toBeLessThanOrEqual(500);
  });

  test('one call after the other takes none ahead: they would lapse', async () => {
    hubSpot = openVirtualHubSpot();

    await saturate(1, 30, 1);

    const { length } = hubSpot.calls;
    expect(hubSpot.state().today?.calls).toBeLessThanOrEqual(1.1 * length);
    expect(hubSpot.calls.every((call) => waitOf(call) <= 50)).toBe(true);
  });

  test('beyond all measure: nobody waits longer than about 12 seconds, and waiting costs little', async () => {
    hubSpot = openVirtualHubSpot();

    await saturate(2, 40, 200);

    const waits = [...hubSpot.calls.map(waitOf), ...hubSpot.refusals.map(({ waitedMs }) => waitedMs)];
    expect(Math.max(...waits)).toBeLessThanOrEqual(12_200);
    expect(hubSpot.refusals.length).toBeGreaterThan(0);
    expect(hubSpot.refusals.every(({ error }) => error instanceof BudgetExhaustedError)).toBe(true);
    expect(hubSpot.table.operations() / hubSpot.calls.length).toBeLessThan(0.5);
    expect(within(times(hubSpot.calls), NOON + 10_000, NOON + 40_000)).toBeGreaterThanOrEqual(0.95 * 510);
  });

  test('share it: none is left behind', async () => {
    hubSpot = openVirtualHubSpot();

    await saturate(3, 60);

    const each = [1, 2, 3].map((n) => hubSpot.calls.filter(({ by }) => by === `instance ${n}`).length);
    expect(Math.min(...each)).toBeGreaterThan(0.2 * hubSpot.calls.length);
    expect(hubSpot.refusals).toEqual([]);
  });

  test('after a 429 halve their rate and raise it with clean windows', async () => {
    hubSpot = openVirtualHubSpot({
      answer: (call) =>
        call === 300 ? { status: 429, body: { policyName: 'TEN_SECONDLY_ROLLING' } } : undefined,
    });

    await saturate(2, 60);

    const [refused] = failed();
    const sinceMs = (refused?.atMs ?? 0) + 10_250;
    const windows = [0, 1, 2].map((at) =>
      within(times(hubSpot.calls), sinceMs + at * 10_000, sinceMs + (at + 1) * 10_000),
    );
    expect(failed()).toHaveLength(1);
    // Those on the way when it came, and those another process had taken ahead.
    expect(within(times(hubSpot.calls), sinceMs - 9000, sinceMs)).toBeLessThanOrEqual(3);
    [0.5, 0.6, 0.7].forEach((share, at) => expect((windows[at] ?? 0) / 166).toBeCloseTo(share, 1));
  });
});

describe('somebody else with the same token', () => {
  test.each([
    { name: 'evenly', everyMs: 105, burst: 1 },
    { name: 'in bursts every 10 seconds', everyMs: 10_000, burst: 95 },
    { name: 'in bursts that come now and then', everyMs: 14_000, burst: 95 },
    { name: 'in waves', everyMs: 2500, burst: 24 },
  ])(
    'who takes half of the window $name is left it: after the first answers no 429',
    async ({ everyMs, burst }) => {
      hubSpot = openVirtualHubSpot({ nowMs: NOON - 12_000 });
      const endMs = NOON + 50_000;
      const work = [hubSpot.instance(), hubSpot.instance()].map(async (process) => {
        await sleep(NOON - Date.now());
        await process.work('changes', WORKERS, endMs);
      });

      await hubSpot.run(Promise.all([rival(everyMs, burst, endMs), ...work]));

      expect(failed()).toEqual([]);
      expect(hubSpot.limiter.refused()).toBe(0);
      // 190 less 95, less the twentieth that others may rise by.
      const used = within(times(hubSpot.calls), NOON + 10_000, endMs) / 4;
      expect(used).toBeGreaterThanOrEqual(75);
    },
  );

  test('who calls at random is left what it takes at most: next to no 429', async () => {
    hubSpot = openVirtualHubSpot({ nowMs: NOON - 12_000 });
    const random = createRandom(7, 'rival');
    const endMs = NOON + 80_000;
    const atRandom = async () => {
      for (; Date.now() < endMs; await sleep(-105 * Math.log(1 - random.next()))) hubSpot.rival();
    };
    const work = sleep(12_000).then(() => hubSpot.instance().work('changes', WORKERS, endMs));

    await hubSpot.run(Promise.all([atRandom(), work]));

    expect(failed().length).toBeLessThan(0.002 * hubSpot.calls.length);
    expect(hubSpot.limiter.refused()).toBeLessThan(5);
  });

  test.each([
    { name: 'evenly', everyMs: 105, burst: 1 },
    { name: 'in bursts', everyMs: 10_000, burst: 95 },
  ])('who comes while all is in use, $name: a few 429s, then none', async ({ everyMs, burst }) => {
    hubSpot = openVirtualHubSpot();
    const endMs = NOON + 90_000;
    const work = [hubSpot.instance(), hubSpot.instance()].map((process) =>
      process.work('changes', WORKERS, endMs),
    );
    const other = sleep(20_000).then(() => rival(everyMs, burst, endMs));

    await hubSpot.run(Promise.all([other, ...work]));

    expect(failed().length).toBeLessThan(0.01 * hubSpot.calls.length);
    expect(failed().every(({ atMs }) => atMs < NOON + 25_000)).toBe(true);
  });

  test('who has gone leaves us everything again after two minutes', async () => {
    hubSpot = openVirtualHubSpot({ nowMs: NOON - 12_000 });
    const work = sleep(12_000).then(() => hubSpot.instance().work('changes', WORKERS, NOON + 160_000));

    await hubSpot.run(Promise.all([rival(105, 1, NOON + 10_000), work]));

    const all = times(hubSpot.calls);
    expect(within(all, NOON + 30_000, NOON + 40_000)).toBeLessThan(95);
    expect(within(all, NOON + 145_000, NOON + 155_000)).toBeGreaterThanOrEqual(0.95 * 170);
    expect(failed()).toEqual([]);
  });
});

describe('lanes', () => {
  test('an urgent call goes within a second or so while the others have plenty of work, and background has a tenth of all', async () => {
    hubSpot = openVirtualHubSpot();
    const endMs = NOON + 60_000;
    const urgent = async () => {
      const door = hubSpot.instance();
      while (Date.now() < endMs) {
        await door.call('urgent');
        await sleep(1700);
      }
    };
    const work = [
      hubSpot.instance().work('changes', WORKERS, endMs),
      hubSpot.instance().work('changes', WORKERS, endMs),
      hubSpot.instance().work('background', WORKERS, endMs),
      urgent(),
    ];

    await hubSpot.run(Promise.all(work));

    const steady = (lane: string) => within(times(laneCalls(lane)), NOON + 10_000, endMs);
    const all = within(times(hubSpot.calls), NOON + 10_000, endMs);
    expect(laneCalls('urgent').length).toBeGreaterThan(20);
    expect(Math.max(...laneCalls('urgent').map(waitOf))).toBeLessThanOrEqual(1500);
    expect(steady('background')).toBeGreaterThanOrEqual(0.095 * all);
    expect(steady('background')).toBeLessThan(0.2 * all); // Not more than is due while others wait.
    expect(all).toBeGreaterThanOrEqual(0.93 * 170 * 5); // Urgent calls and turns cost a little.
    expect(hubSpot.table.operations()).toBeLessThan(0.7 * hubSpot.calls.length);
  });

  test('in one process too, where all wait for the same lease', async () => {
    hubSpot = openVirtualHubSpot();
    const endMs = NOON + 40_000;
    const door = hubSpot.instance();
    const urgent = async () => {
      for (; Date.now() < endMs; await sleep(1700)) await door.call('urgent');
    };

    const work = [door.work('changes', WORKERS, endMs), door.work('background', WORKERS, endMs), urgent()];
    await hubSpot.run(Promise.all(work));

    const steady = (lane: string) => within(times(laneCalls(lane)), NOON + 10_000, endMs);
    expect(Math.max(...laneCalls('urgent').map(waitOf))).toBeLessThanOrEqual(1500);
    expect(steady('background')).toBeGreaterThanOrEqual(
      0.095 * within(times(hubSpot.calls), NOON + 10_000, endMs),
    );
    expect(hubSpot.table.operations()).toBeLessThan(0.5 * hubSpot.calls.length);
  });

  test('background alone has everything', async () => {
    hubSpot = openVirtualHubSpot();
    const endMs = NOON + 40_000;

    const work = [1, 2].map(() => hubSpot.instance().work('background', WORKERS, endMs));
    await hubSpot.run(Promise.all(work));

    expect(within(times(hubSpot.calls), NOON + 10_000, endMs)).toBeGreaterThanOrEqual(0.95 * 510);
    expect(hubSpot.table.operations()).toBeLessThan(0.7 * hubSpot.calls.length);
  });

  test('a flood of urgent calls leaves a tenth each to the others', async () => {
    hubSpot = openVirtualHubSpot();
    const endMs = NOON + 60_000;

    const work = [
      hubSpot.instance().work('urgent', 100, endMs),
      hubSpot.instance().work('changes', WORKERS, endMs),
      hubSpot.instance().work('background', WORKERS, endMs),
    ];
    await hubSpot.run(Promise.all(work));

    const share = (lane: string) =>
      within(times(laneCalls(lane)), NOON + 15_000, endMs) /
      within(times(hubSpot.calls), NOON + 15_000, endMs);
    expect(share('changes')).toBeGreaterThanOrEqual(0.07);
    expect(share('background')).toBeGreaterThanOrEqual(0.07);
    expect(mostIn10Seconds(times(hubSpot.calls))).toBeLessThanOrEqual(170);
  });
});

test('a process whose clock is wrong by an hour stops nobody for longer than its own calls', async () => {
  hubSpot = openVirtualHubSpot();
  const wrong = hubSpot.instance({ clock: () => Date.now() + 3_600_000 });
  await hubSpot.run(Promise.all([wrong.call('urgent'), sleep(2000)]));
  const endMs = Date.now() + 20_000;

  await hubSpot.run(hubSpot.instance().work('changes', WORKERS, endMs));

  expect(within(times(hubSpot.calls), endMs - 10_000, endMs)).toBeGreaterThanOrEqual(0.95 * 170);
});
