import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMovedClock, type MovedClock } from '../../../local/runner/clock.ts';
import { startNights } from '../../../local/runner/nights.ts';

let directory: string;
let clock: MovedClock;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'afterglow-nights-'));
  clock = createMovedClock(directory);
});
afterEach(() => {
  clock.close();
  rmSync(directory, { recursive: true });
});

const schedule = (expression: string, input: string) => ({
  expression,
  timeZone: 'UTC',
  functionArn: 'arn',
  input,
});

test('runs what every hour and what every night brings, each at its time, and counts the nights', async () => {
  const ran: string[] = [];
  const at = () => new Date(clock.now()).toISOString().slice(11, 16);
  const nights = startNights({
    clock,
    schedules: [schedule('cron(0 2 * * ? *)', 'nightly'), schedule('cron(30 * * * ? *)', 'hourly')],
    run: async ({ input }) => ran.push(`${input} ${at()}`),
    decayUpToNow: async () => ran.push('up to now'),
    drained: async () => undefined,
    report: () => undefined,
  });
  const midnightMs = Math.ceil(clock.now() / 86_400_000) * 86_400_000;
  clock.moveTo(midnightMs);
  nights.clockWasSet();

  const passed = await nights.advance(3);
  nights.stop();

  expect(ran).toEqual(['hourly 00:30', 'hourly 01:30', 'nightly 02:00', 'hourly 02:30', 'up to now']);
  expect(passed.nights).toBe(1);
});
