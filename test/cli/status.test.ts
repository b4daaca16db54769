// `afterglow status`, and the two places from which it has its metrics.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { cloudWatchMetrics, type Figure, logMetrics, measuredSince } from '../../cli/metrics.ts';
import { formatStatus, readStatus, type Status } from '../../cli/status.ts';
import { findInstallation, type Target } from '../../cli/target.ts';
import { FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';
import { startDeployedStack } from './deployed-stack.ts';

const NOW_MS = Date.UTC(2026, 10, 10, 12, 30);
const MINUTE_MS = 60_000;
const directory = mkdtempSync(join(tmpdir(), 'afterglow-status-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const SUM: Figure = { door: 'scorer', metric: 'Facts', statistic: 'Sum' };
const P50: Figure = { door: 'scorer', metric: 'AgeAtScore', statistic: 'p50' };
const P95: Figure = { door: 'scorer', metric: 'AgeAtScore', statistic: 'p95' };

test('metrics are read from the beginning of the last full hour on', () => {
  expect(new Date(measuredSince(NOW_MS)).toISOString()).toBe('2026-11-10T11:00:00.000Z');
  expect(new Date(measuredSince(Date.UTC(2026, 10, 10, 12))).toISOString()).toBe('2026-11-10T11:00:00.000Z');
});

describe('from CloudWatch', () => {
  const cloudWatch = mockClient(CloudWatchClient);
  beforeEach(() => cloudWatch.reset());

  test('each figure is asked for by the hour, by the door alone, all in one call', async () => {
    cloudWatch.on(GetMetricDataCommand).resolves({ MetricDataResults: [] });

    await cloudWatchMetrics(new CloudWatchClient({ region: 'local' }), 'Trial').read([SUM, P95], NOW_MS);

    const [call, ...more] = cloudWatch.commandCalls(GetMetricDataCommand);
    expect(more).toEqual([]);
    expect(call?.args[0].input).toEqual({
      StartTime: new Date('2026-11-10T11:00:00Z'),
      EndTime: new Date('2026-11-10T13:00:00Z'),
      MetricDataQueries: [
        {
          Id: 'figure0',
          MetricStat: {
            Metric: {
              Namespace: 'Trial',
              MetricName: 'Facts',
              Dimensions: [{ Name: 'service', Value: 'scorer' }],
            },
            Period: 3600,
            Stat: 'Sum',
          },
        },
        {
          Id: 'figure1',
          MetricStat: {
            Metric: {
              Namespace: 'Trial',
              MetricName: 'AgeAtScore',
              Dimensions: [{ Name: 'service', Value: 'scorer' }],
            },
            Period: 3600,
            Stat: 'p95',
          },
        },
      ],
    });
  });

  test('hours are added up, of percentiles the highest counts, and what was not measured is not known', async () => {
    cloudWatch.on(GetMetricDataCommand).resolves({
      MetricDataResults: [
        { Id: 'figure1', Values: [200, 900] },
        { Id: 'figure0', Values: [3, 4] },
        { Id: 'figure2', Values: [] },
      ],
    });

    const figures = await cloudWatchMetrics(new CloudWatchClient({ region: 'local' }), 'Trial').read(
      [SUM, P95, P50],
      NOW_MS,
    );

    expect(figures).toEqual([7, 900, undefined]);
  });
});

/** A line as Powertools prints it. */
function line(atMs: number, values: Record<string, number | number[]>, dimensions = ['service']): string {
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: 'Count' }));
  const CloudWatchMetrics = [{ Namespace: 'Afterglow', Dimensions: [dimensions], Metrics }];
  return JSON.stringify({ _aws: { Timestamp: atMs, CloudWatchMetrics }, service: 'scorer', ...values });
}

async function read(lines: readonly string[], figures: readonly Figure[], door = 'scorer') {
  writeFileSync(join(directory, `${door}.log`), lines.join('\n'));
  return logMetrics(directory, () => NOW_MS + 100 * 3_600_000).read(figures, NOW_MS);
}

describe('from the logs of the local system', () => {
  test('the values of lines are put together, one or several to a line', async () => {
    const ages = Array.from({ length: 19 }, (_, at) => (at + 1) * 10);

    const figures = await read(
      [
        line(NOW_MS - MINUTE_MS, { Facts: 2, AgeAtScore: ages }),
        line(NOW_MS, { Facts: 3, AgeAtScore: 1000 }),
      ],
      [SUM, P50, P95],
    );

    // Of 20 values, 10, 20 … 190 and 1000, the tenth is 100 and the nineteenth 190.
    expect(figures).toEqual([5, 100, 190]);
  });

  test('of several hours the one with the highest percentile counts', async () => {
    const figures = await read(
      [line(NOW_MS - 60 * MINUTE_MS, { AgeAtScore: [700, 800] }), line(NOW_MS, { AgeAtScore: [10, 20, 30] })],
      [P50],
    );

    expect(figures).toEqual([700]);
  });

  test('what is older, of another dimension, or no line of metrics is left aside', async () => {
    const figures = await read(
      [
        line(measuredSince(NOW_MS) - 1, { Facts: 100 }),
        line(NOW_MS, { Facts: 50 }, ['service', 'reason']),
        '{"_aws":{"Timestamp":"soon"}}',
        '{"_aws" cut off',
        '{"level":"INFO","Facts":7}',
        line(measuredSince(NOW_MS), { Facts: 1 }),
      ],
      [SUM, P50],
    );

    expect(figures).toEqual([1, undefined]);
  });

  test('ingest writes by wall time, where the clock of the others was moved', async () => {
    const requests: Figure = { door: 'ingest', metric: 'RequestsAccepted', statistic: 'Sum' };

    const figures = await read(
      [line(NOW_MS + 100 * 3_600_000, { RequestsAccepted: 4 }), line(NOW_MS, { RequestsAccepted: 8 })],
      [requests],
      'ingest',
    );

    expect(figures).toEqual([4]);
  });

  test('a door that wrote nothing was not measured', async () => {
    expect(await logMetrics(join(directory, 'absent')).read([SUM], NOW_MS)).toEqual([undefined]);
  });
});

test("the hour of the night is the stack's own; one of before that output has none", async () => {
  const before = { ...process.env };
  const stack = await startDeployedStack('http://127.0.0.1:1');
  try {
    Object.assign(process.env, stack.environment);
    expect((await findInstallation('Afterglow')).nightlyHour).toBeUndefined();
    stack.outputs.set('NightlyHour', '5');
    expect((await findInstallation('Afterglow')).nightlyHour).toBe(5);
  } finally {
    process.env = before;
    await stack.stop();
  }
});

function row(sk: string, state: object) {
  return { pk: '33#portal', sk, version: 1, state };
}

describe('the status', () => {
  const sqs = mockClient(SQSClient);
  let engine: Engine;
  let table: Table;

  beforeAll(async () => {
    engine = await startDynalite();
    table = await createTable(engine);
  });
  afterAll(() => engine.stop());

  test('brings freshness, backlog, budget and the last night together', async () => {
    sqs.on(GetQueueAttributesCommand).callsFake(({ QueueUrl }: { QueueUrl: string }) => ({
      Attributes: {
        ApproximateNumberOfMessages: QueueUrl === 'changes' ? '5' : QueueUrl === 'changesDead' ? '1' : '0',
        ApproximateNumberOfMessagesNotVisible: '0',
        ApproximateNumberOfMessagesDelayed: QueueUrl === 'changes' ? '2' : '0',
      },
    }));
    const stop = { reason: 'daily', sinceMs: 1, untilMs: NOW_MS + MINUTE_MS };
    const today = { date: '2026-11-10', calls: 1250 };
    await table.put([
      row('budget', { ...FULL_BUDGET, share: 0.5, dailyLimit: 625_000, today, stop }),
      row('nightly', { finishedNight: '2026-11-09' }),
      row('run', {
        current: {
          id: 'run-1',
          kind: 'backfill',
          startedAtMs: NOW_MS - 3 * MINUTE_MS,
          progressAtMs: NOW_MS - MINUTE_MS / 2,
          walks: [],
          expectedPages: 9,
          figures: { pages: 3, contacts: 150 },
        },
      }),
    ]);
    const portalRow: Target['portalRow'] = (sk, schema, initial) =>
      new PortalRow(table.client, table.tableName, '33', sk, schema, initial);
    const target = {
      portalId: '33',
      timeZone: 'UTC',
      nightlyHour: 2, // By 12:30 UTC it is over.
      clock: () => NOW_MS,
      sqs: new SQSClient({ region: 'local' }),
      queues: {
        Changes: { url: 'changes', deadLettersUrl: 'changesDead' },
        Events: { url: 'events', deadLettersUrl: 'eventsDead' },
      },
      portalRow,
      budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
    };
    const figures: Record<string, number> = {
      'scorer AgeAtScore p50': 1200,
      'scorer AgeAtScore p95': 4000,
      'write-back AgeAtConfirmation p50': 61_000,
      'write-back AgeAtConfirmation p95': 130_000,
      'ingest RequestsAccepted Sum': 40,
      'scorer Facts Sum': 300,
    };

    const status = await readStatus(target, {
      read: async (asked) =>
        asked.map(({ door, metric, statistic }) => figures[`${door} ${metric} ${statistic}`]),
    });

    expect(status).toEqual({
      portalId: '33',
      since: '2026-11-10T11:00:00.000Z',
      fresh: { scored: { p50: 1200, p95: 4000 }, shown: { p50: 61_000, p95: 130_000 } },
      counts: { requests: 40, facts: 300, contactsWritten: null },
      queues: [
        { queue: 'Changes', messages: 5, delayed: 2, deadLetters: 1 },
        { queue: 'Events', messages: 0, delayed: 0, deadLetters: 0 },
      ],
      budget: {
        today: { date: '2026-11-10', calls: 1250, limit: 625_000, percent: 0 },
        share: 0.5,
        stopped: { reason: 'daily', until: '2026-11-10T12:31:00.000Z', isOver: false },
      },
      night: { finished: '2026-11-09', missed: 1 },
      run: {
        progress: 'backfill: 3 of 9 pages, 150 contacts, 1 a second, 5 min left',
        isStandingStill: false,
      },
    } satisfies Status);
    expect(formatStatus(status)).toBe(
      `Portal 33, since 2026-11-10 11:00 UTC

fresh       scored after 1.2 s (median), 4.0 s (19 of 20); shown in HubSpot after 61 s (median), 2 min (19 of 20)
counts      40 requests, 300 new facts, 0 contacts written
backlog     Changes 5 + 2 later
dead        Changes 1
budget      1250 of 625000 calls today (0 %), at 50 % of the rate after a 429; STOPPED until 2026-11-10T12:31:00.000Z (daily)
last night  2026-11-09 finished, 1 MISSED
under way   backfill: 3 of 9 pages, 150 contacts, 1 a second, 5 min left`,
    );
  });

  test('says plainly what is not known, and what was missed', () => {
    const quiet: Status = {
      portalId: '33',
      since: '2026-11-10T11:00:00.000Z',
      fresh: { scored: { p50: null, p95: null }, shown: { p50: 999, p95: 3 * 3_600_000 } },
      counts: { requests: null, facts: null, contactsWritten: null },
      queues: [{ queue: 'Events', messages: 0, delayed: 0, deadLetters: 0 }],
      budget: {
        today: { date: '2026-11-10', calls: 0, limit: 250_000, percent: 0 },
        share: 1,
        stopped: null,
      },
      night: { finished: '', missed: 0 },
      run: null,
    };

    const text = formatStatus(quiet);

    expect(text).toContain(
      'scored after - (nothing measured); shown in HubSpot after 999 ms (median), 3 h (19 of 20)',
    );
    expect(text).toContain('backlog     none\ndead        none\n');
    expect(text).toMatch(/last night {2}none finished yet$/);
    const run = { progress: 'nightly: 0 pages, 0 contacts', isStandingStill: true };
    expect(formatStatus({ ...quiet, run })).toMatch(
      /under way {3}nightly: 0 pages, 0 contacts; STANDS STILL$/,
    );
    expect(formatStatus({ ...quiet, night: { finished: '2026-11-07', missed: 2 } })).toContain(
      'last night  2026-11-07 finished, 2 MISSED',
    );
    expect(formatStatus({ ...quiet, night: { finished: '', missed: 3 } })).toContain(
      'last night  none finished yet, 3 MISSED',
    );
  });
});
