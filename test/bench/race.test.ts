import { OURS, type RaceOptions } from '../../bench/virtual/race.ts';
import { raceInThread } from '../../bench/virtual/race-thread.ts';

const CONTACTS = 1000;
/** For a machine that has other things to do: a race alone takes some seconds. */
const LONGEST_MS = 120_000;

/** A race of few contacts; where calls fail, a third of them, so that there is something to see. */
const run = (writer: string, condition: RaceOptions['condition'], contacts = CONTACTS) =>
  raceInThread({ writer, condition, contacts, seed: 1, faultRate: 0.3 });

const ALL_RIGHT = { right: CONTACTS, lost: 0, lostUnnoticed: 0, doubled: 0 };

test(
  'calm, every writer brings every contact to HubSpot once, and batches take a hundredth of the calls',
  async () => {
    const batches = await run('SDK, batches', 'calm');
    const single = await run('SDK, one by one', 'calm');

    expect(batches).toMatchObject({ ...ALL_RIGHT, calls: CONTACTS / 100, errorShare: 0 });
    expect(single).toMatchObject({ ...ALL_RIGHT, calls: CONTACTS, errorShare: 0 });
    // 19 calls a second are what the limiter allows.
    expect(single.virtualSeconds).toBeGreaterThan(CONTACTS / 19 - 1);
  },
  LONGEST_MS,
);

test(
  'with faults the fixed sleep loses contacts, some of which it counts as written',
  async () => {
    const { right, lost, lostUnnoticed, faults } = await run('fixed sleep', 'faults', 10 * CONTACTS);

    expect(right + lost).toBe(10 * CONTACTS);
    expect(lost).toBeGreaterThan(0);
    expect(lostUnnoticed).toBeGreaterThan(0);
    expect(faults).not.toEqual({});
  },
  LONGEST_MS,
);

test(
  'with faults ours brings every contact to HubSpot, and none of them twice',
  async () => {
    const figures = await run(OURS, 'faults');

    expect(figures).toMatchObject({ ...ALL_RIGHT, windowsOver: 0 });
    expect(figures.errorShare).toBeGreaterThan(0);
    // A write without an answer is looked for a quarter of an hour later.
    expect(figures.virtualSeconds).toBeGreaterThan(900);
  },
  LONGEST_MS,
);

test(
  'beside a rival on the token ours stays below the limit, and the rival is not turned away',
  async () => {
    const figures = await run(OURS, 'rival');

    expect(figures).toMatchObject({ ...ALL_RIGHT, rateLimitedShare: 0, windowsOver: 0 });
    expect(figures.rivalCalls).toBeGreaterThan(0);
    expect(figures.rivalRefused).toBe(0);
  },
  LONGEST_MS,
);

test(
  'a race of an unknown writer is told',
  async () => {
    await expect(run('nobody', 'calm')).rejects.toThrow('there is no writer nobody');
  },
  LONGEST_MS,
);
