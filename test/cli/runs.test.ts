// `afterglow nightly`, `backfill` and `rescore`: what a run will take, asking for it, following it, and what came of it.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { estimateBackfill, estimateRescore, formatEstimate } from '../../cli/estimate.ts';
import { commandRun, exitCodeOfRun, formatRunDone, type RunOptions } from '../../cli/run-command.ts';
import { formatNightReport, readNightReport } from '../../cli/run-report.ts';
import { progressText } from '../../cli/runs.ts';
import type { LocalState, Target } from '../../cli/target.ts';
import { FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { noFigures, type Run, type RunState } from '../../lambdas/nightly/run.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type NightSystem, nightModel, openNights } from '../nightly/system.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';
import { dataTarget, NOW_MS, QUIET } from './data.ts';

const HOUR_MS = 3_600_000;
let engine: Engine;
let table: Table;

beforeAll(async () => {
  engine = await startDynalite();
});
beforeEach(async () => {
  table = await createTable(engine);
});
afterEach(closeAll);
afterAll(() => engine.stop());

function run(parts: Partial<Omit<Run, 'figures'>> & { figures?: Partial<Run['figures']> } = {}): Run {
  return {
    id: 'run-1',
    kind: 'nightly',
    startedAtMs: NOW_MS - HOUR_MS / 2,
    progressAtMs: NOW_MS - 10_000,
    walks: [],
    expectedPages: 0,
    ...parts,
    figures: { ...noFigures(), ...parts.figures },
  };
}

let versions = 0;

async function putState(state: RunState): Promise<void> {
  versions += 1;
  await table.put([
    { pk: '33#portal', sk: 'run', version: versions, state: JSON.parse(JSON.stringify(state)) },
  ]);
}

interface Own extends Target {
  take: ReturnType<typeof dataTarget>['take'];
}

function targetOf(parts: Partial<Target> = {}, clock = () => NOW_MS): Own {
  return {
    ...dataTarget(table, '33', clock),
    ingestUrl: '',
    hubspotUrl: '',
    timeZone: 'UTC',
    contacts: table.contacts(),
    portalRow: (sk, schema, initial) =>
      new PortalRow(table.client, table.tableName, '33', sk, schema, initial),
    budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
    readClientSecret: async () => '',
    readToken: async () => '',
    send: () => Promise.reject(new Error('HubSpot is not called')),
    ...parts,
  };
}

/** Somebody who waits, agrees, and sees states of the row one after the other. */
function options(states: readonly RunState[] = [], parts: Partial<RunOptions> = {}) {
  const said: string[] = [];
  const shown: string[] = [];
  const left = [...states];
  const own: RunOptions = {
    isFollowed: true,
    agree: async () => true,
    say: (text) => void said.push(text),
    progress: { ...QUIET, at: (text) => void shown.push(text) },
    patience: {
      lookEveryMs: 1,
      beginsWithinMs: 60_000,
      pause: async () => {
        const next = left.shift();
        if (next !== undefined) await putState(next);
      },
    },
    leaving: () => new AbortController().signal,
    ...parts,
  };
  return { own, said, shown };
}

describe('a night that is asked for', () => {
  test('is followed to its end', async () => {
    const before = run({ id: 'yesterday', finishedAtMs: NOW_MS - 20 * HOUR_MS });
    await putState({ last: before });
    const target = targetOf();
    const current = run({ expectedPages: 4, figures: { pages: 1, contacts: 100 } });
    const last = {
      ...run({ figures: { pages: 4, contacts: 320, repaired: 2, scoresEdited: 2 } }),
      finishedAtMs: NOW_MS,
    };
    const { own, shown } = options([{ last: before }, { last: before, current }, { last }]);

    const done = await commandRun(target, 'nightly', undefined, own);

    expect(target.take('Nightly')).toEqual([{ job: 'nightly', portalId: '33', upTo: 'now' }]);
    expect(shown).toEqual(['nightly: 1 of 4 pages, 100 contacts, 0 a second, 90 min left']);
    expect(done).toMatchObject({ estimate: null, outcome: 'finished', run: { id: 'run-1', repaired: 2 } });
    expect(exitCodeOfRun(done)).toBe(0);
    expect(formatRunDone(done)).toContain(
      'drift             2  scores that somebody had changed\nrepaired    2',
    );
  });

  test('is one that began and ended between two looks, too', async () => {
    const last = run({ id: 'quick', finishedAtMs: NOW_MS });

    const done = await commandRun(targetOf(), 'nightly', undefined, options([{ last }]).own);

    expect(done).toMatchObject({ outcome: 'finished', run: { id: 'quick' } });
  });

  test('need not be waited for', async () => {
    const done = await commandRun(targetOf(), 'nightly', undefined, options([], { isFollowed: false }).own);

    expect(done).toMatchObject({ outcome: 'not-followed', run: null });
    expect(exitCodeOfRun(done)).toBe(0);
  });

  test('goes on without whoever leaves', async () => {
    const leaving = new AbortController();
    const { own } = options();
    const pause = async () => leaving.abort();

    const done = await commandRun(targetOf(), 'nightly', undefined, {
      ...own,
      patience: { ...own.patience, pause },
      leaving: () => leaving.signal,
    });

    expect(exitCodeOfRun(done)).toBe(130);
    expect(formatRunDone(done)).toContain('The run goes on without this command');
  });

  test('that nobody takes up is told', async () => {
    let nowMs = NOW_MS;
    const { own } = options();
    const pause = async () => void (nowMs += 61_000);

    const done = await commandRun(
      targetOf({}, () => nowMs),
      'nightly',
      undefined,
      { ...own, patience: { ...own.patience, pause } },
    );

    expect(done.outcome).toBe('not-begun');
    expect(exitCodeOfRun(done)).toBe(1);
  });

  test('that comes no further for an hour is told', async () => {
    let nowMs = NOW_MS;
    const { own } = options();
    await putState({ current: run() });
    const pause = async () => void (nowMs += HOUR_MS);

    const done = await commandRun(
      targetOf({}, () => nowMs),
      'nightly',
      undefined,
      { ...own, patience: { ...own.patience, pause } },
    );

    expect(done).toMatchObject({ outcome: 'standing-still', run: { id: 'run-1' } });
    expect(exitCodeOfRun(done)).toBe(1);
  });
});

describe('while a run is under way', () => {
  test('another of its kind joins it, asks nothing, and sets it going should it have stopped', async () => {
    const current = run({
      kind: 'backfill',
      progressAtMs: NOW_MS - 2 * HOUR_MS,
      startedAtMs: NOW_MS - 3 * HOUR_MS,
    });
    await putState({ current });
    const target = targetOf();
    const { own, said } = options([{ last: { ...current, finishedAtMs: NOW_MS } }], {
      agree: () => Promise.reject(new Error('nobody is to be asked')),
    });

    const done = await commandRun(target, 'backfill', nightModel(), own);

    expect(done).toMatchObject({ estimate: null, outcome: 'finished', run: { id: 'run-1' } });
    expect(said).toEqual(['A run is under way since 2026-11-22T09:00:00.000Z: joined.']);
    expect(target.take('Nightly')).toEqual([{ job: 'backfill', portalId: '33' }]);
  });

  test('one of another kind is refused, unless it died a day ago', async () => {
    const target = targetOf();
    await putState({ current: run({ kind: 'rescore' }) });

    await expect(commandRun(target, 'nightly', undefined, options().own)).rejects.toThrow(
      'a run is under way, and a portal has one at a time: rescore since 2026-11-22T11:30:00.000Z',
    );
    expect(target.take('Nightly')).toEqual([]);

    const died = run({
      kind: 'rescore',
      startedAtMs: NOW_MS - 25 * HOUR_MS,
      progressAtMs: NOW_MS - 2 * HOUR_MS,
    });
    await putState({ current: died });
    const done = await commandRun(
      target,
      'nightly',
      undefined,
      options([{ last: run({ id: 'new', finishedAtMs: NOW_MS }) }]).own,
    );
    expect(done).toMatchObject({ outcome: 'finished', run: { id: 'new' } });
  });
});

describe('the report', () => {
  test('says what was found, what was done, and what nobody can know', async () => {
    const figures = {
      due: 12,
      ticked: 12,
      pages: 7,
      calls: 9,
      contacts: 650,
      companies: 30,
      deals: 4,
      contactsMissed: 3,
      scoresStale: 1,
      repaired: 4,
      historyCut: 1,
    };
    const finishedAtMs = NOW_MS - 10 * HOUR_MS;
    await putState({
      last: run({ startedAtMs: finishedAtMs - 90_000, finishedAtMs, expectedPages: 7, figures }),
    });

    const report = await readNightReport(targetOf({ nightlyHour: 2 }));

    expect(report).toMatchObject({
      current: null,
      isLate: false,
      isStandingStill: false,
      last: {
        kind: 'nightly',
        finished: '2026-11-22T02:00:00.000Z',
        seconds: 90,
        calls: 9,
        drift: { contactsMissed: 3, contactsGone: 0 },
        repaired: 4,
        unknowable: { historyCut: 1, vanished: 0 },
      },
    });
    expect(formatNightReport(report)).toBe(
      `Portal 33

under way   nothing
last        nightly, 2026-11-22 01:58 UTC to 2026-11-22 02:00 UTC (90 s)
looked at   7 of 7 pages: 650 contacts, 30 companies, 4 deals; 9 calls to HubSpot
faded       12 contacts due, 12 sent to be scored
drift             3  contacts of which a change was missed
                  1  scores that HubSpot showed as they were before
repaired    4
unknowable        1  properties that changed more often than HubSpot remembers`,
    );
  });

  test('says that nothing was found', async () => {
    await putState({ last: run({ finishedAtMs: NOW_MS }) });

    expect(formatNightReport(await readNightReport(targetOf()))).toContain(
      'drift       none\nrepaired    0\nunknowable  none',
    );
  });

  test.each([
    ['the last night ended 30 hours ago', 30, 2, false],
    ['the last night ended 32 hours ago', 32, 2, true],
    ['no schedule runs the nights', 32, undefined, false],
  ])('knows whether a night is missing: %s', async (_, hours, nightlyHour, isLate) => {
    await putState({ last: run({ finishedAtMs: NOW_MS - hours * HOUR_MS }) });

    const report = await readNightReport(targetOf({ nightlyHour }));

    expect(report.isLate).toBe(isLate);
    expect(formatNightReport(report).includes('LATE')).toBe(isLate);
  });

  test('goes by the night also where another kind of run ended since', async () => {
    const last = run({ kind: 'rescore', finishedAtMs: NOW_MS });
    await putState({ last, lookedAtMs: NOW_MS - 32 * HOUR_MS });

    expect(await readNightReport(targetOf({ nightlyHour: 2 }))).toMatchObject({ isLate: true });
  });

  test('says where a run stands still', async () => {
    await putState({
      current: run({
        kind: 'backfill',
        expectedPages: 9,
        figures: { pages: 3 },
        progressAtMs: NOW_MS - HOUR_MS - 1,
      }),
    });

    const report = await readNightReport(targetOf());

    expect(report).toMatchObject({ isStandingStill: true, last: null });
    expect(formatNightReport(report)).toContain(
      'under way   backfill since 2026-11-22 11:30 UTC; 3 of 9 pages, STANDS STILL since 2026-11-22 10:59 UTC\nlast        none finished yet',
    );
  });
});

test('progress tells pages, rate, and what is left', () => {
  const figures = { pages: 50, contacts: 2500 };
  const parts = {
    kind: 'backfill',
    startedAtMs: NOW_MS - 100_000,
    progressAtMs: NOW_MS,
    expectedPages: 200,
    figures,
  } as const;

  expect(progressText(run(parts))).toBe('backfill: 50 of 200 pages, 2500 contacts, 25 a second, 5 min left');
  expect(progressText(run({ ...parts, expectedPages: 0, figures: {} }))).toBe(
    'backfill: 0 pages, 0 contacts',
  );
});

/** The system of a test as commands see it. */
function of(nights: NightSystem): Target {
  const { client, tableName } = nights.table;
  return targetOf({
    portalId: '1',
    hubspotUrl: nights.portal.url,
    send: nights.send,
    clock: () => nights.portal.time.nowMs,
    store: { ...targetOf().store, portalId: '1', client, tableName, contacts: nights.store },
    portalRow: (sk, schema, initial) => new PortalRow(client, tableName, '1', sk, schema, initial),
  });
}

describe('the estimate', () => {
  test('of a backfill is what the run then takes', async () => {
    const nights = await openNights(engine);
    const { crm } = nights.portal;
    const [one = '', other = ''] = ['200', '20'].map((numberofemployees) =>
      crm.create('companies', { numberofemployees }),
    );
    const contacts = Array.from({ length: 101 }, () => crm.create('contacts', { jobtitle: 'CTO' }));
    // Of the three pages of 50 two have contacts with companies, and one has deals.
    crm.associate('contacts', contacts[0] ?? '', 'companies', one, { primary: true });
    crm.associate('contacts', contacts[60] ?? '', 'companies', other, { primary: true });
    crm.associate(
      'contacts',
      contacts[0] ?? '',
      'deals',
      crm.create('deals', { dealstage: 'appointmentscheduled' }),
    );
    nights.later(1); // A search finds what was made some seconds ago.

    const { figures, expectedPages } = await nights.run('backfill');
    const estimate = await estimateBackfill(of(nights), nightModel());

    expect(estimate).toMatchObject({ contacts: 101, pages: 5 });
    expect(expectedPages).toBe(5);
    expect(figures.pages).toBe(5);
    const reading = estimate.parts.filter(({ what }) => !what.startsWith('write'));
    expect(figures.calls).toBe(reading.reduce((sum, { calls }) => sum + calls, 0));
    // 3 counts, 1 + 3 + 1 pages, companies twice, deals once, then 2 writes of contacts and 1 of companies.
    expect(estimate.calls).toBe(14);
  }, 30_000);

  test('of a rescore knows every contact of the table, and reads nothing of HubSpot', async () => {
    const nights = await openNights(engine, { model: nightModel({ companyScore: undefined }) });
    for (let at = 0; at < 3; at++) nights.portal.crm.create('contacts', {});
    await nights.run('backfill');
    nights.takeCalls();

    const estimate = await estimateRescore(of(nights), nightModel({ companyScore: undefined }));
    expect(nights.takeCalls()).toEqual([]);
    const { figures, expectedPages } = await nights.run('rescore');

    expect(estimate).toMatchObject({ contacts: 3, pages: expectedPages, calls: 1, days: 1 });
    expect(figures).toMatchObject({ pages: estimate.pages, contacts: 3 });
    expect(nights.takeCalls()).toEqual([]); // The model is the one that was: nothing is to be written.
  });

  test('tells share and time, at the rate that is left, and in days where one is too short', async () => {
    // 190 - 20 = 170 calls in 10 s. The background lane stops at twice the reserve: 200,000 of 250,000, of which 150,000 are used.
    const today = { date: '2026-11-22', calls: 150_000 };
    await table.put([{ pk: '33#portal', sk: 'budget', version: 1, state: { ...FULL_BUDGET, today } }]);
    const store = targetOf().store;
    const counting = (contacts: number) =>
      targetOf({
        store: {
          ...store,
          contacts: Object.assign(Object.create(store.contacts), { countRoll: async () => contacts }),
        },
      });
    const model = nightModel({ companyScore: undefined });

    const million = await estimateRescore(counting(1_000_000), model);
    const large = await estimateRescore(counting(30_000_000), model);

    expect(million).toMatchObject({
      pages: 1000,
      calls: 10_000,
      dailySharePercent: 4,
      leftToday: 50_000,
      callsPerSecond: 17,
      seconds: 589,
      days: 1,
    });
    expect(formatEstimate(million)).toBe(
      `contacts    1000000
calls       about 10000, 4 % of the daily limit of 250000
            10000  write contacts, 100 a call
time        10 min or more: 17.0 calls a second at most, less while others call`,
    );
    // 300,000 calls: 50,000 today, then 200,000 and 50,000.
    expect(large).toMatchObject({ calls: 300_000, days: 3 });
    expect(formatEstimate(large)).toContain(
      'time        3 days: more than the background lane has left today (50000 calls)',
    );
  });

  test('whoever leaves before it was agreed to ends the command, and begins nothing', async () => {
    const order: string[] = [];
    const { own } = options([{ last: run({ kind: 'rescore', finishedAtMs: NOW_MS }) }]);
    const leaving = () => {
      order.push('can be left');
      return new AbortController().signal;
    };
    const agree = async () => order.push('agreed') > 0;

    await commandRun(targetOf(), 'rescore', nightModel({ companyScore: undefined }), {
      ...own,
      agree,
      leaving,
    });

    expect(order).toEqual(['agreed', 'can be left']);
  });

  test('that is not agreed to begins nothing', async () => {
    const target = targetOf();
    const store = {
      ...target.store,
      contacts: Object.assign(Object.create(target.store.contacts), { countRoll: async () => 5 }),
    };
    const asked: string[] = [];
    const { own, said } = options([], { agree: async (question) => asked.push(question) === 0 });

    const done = await commandRun(
      { ...target, store },
      'rescore',
      nightModel({ companyScore: undefined }),
      own,
    );

    expect(done).toMatchObject({ outcome: 'not-agreed', estimate: { contacts: 5 } });
    expect(said[0]).toMatch(/^contacts {4}5\n/);
    expect(asked).toEqual(['Go on?']);
    expect(exitCodeOfRun(done)).toBe(1);
    expect(target.take('Nightly')).toEqual([]);
  });
});

describe('the commands', () => {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-runs-'));

  beforeEach(() => {
    const state: LocalState = {
      pid: process.pid,
      portalId: '33',
      ingestUrl: 'http://127.0.0.1:1',
      hubspotUrl: 'http://127.0.0.1:1',
      dynamoDbUrl: engine.url,
      tableName: table.tableName,
      sqsUrl: 'http://127.0.0.1:1',
      queues: {},
      budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
      clientSecret: 'secret',
      accessToken: 'token',
      timeZone: 'UTC',
      model: 'models/plg.yaml',
      clockOffsetMs: NOW_MS - Date.now(),
    };
    writeFileSync(join(directory, 'system.json'), JSON.stringify(state));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function afterglow(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const file = join(import.meta.dirname, '../../cli/afterglow.ts');
    const env = { ...process.env, AFTERGLOW_LOCAL_DIR: directory };
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [file, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
      child.stdin?.end();
    });
  }

  test('nightly tells of the last run, and ends with 1 where one stands still', async () => {
    await putState({ last: run({ finishedAtMs: NOW_MS }) });
    const text = await afterglow('nightly');
    await putState({ current: run({ progressAtMs: NOW_MS - 2 * HOUR_MS }) });
    const json = await afterglow('nightly', '--report', '--json');

    expect(text).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('last        nightly, '),
    });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ isStandingStill: true, current: { id: 'run-1' } });
  });

  test('say what is wrong', async () => {
    expect(await afterglow('nightly', '--now', '--report')).toMatchObject({
      code: 1,
      stderr: 'afterglow: --now begins a night, --report begins nothing: give one of them\n',
    });
    expect(await afterglow('nightly', '--now')).toMatchObject({
      code: 1,
      stderr: 'afterglow: the system has no queue Nightly: it is of a version from before this command\n',
    });
    expect(await afterglow('rescore')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('calls       about 0'),
      stderr: 'afterglow: there is no terminal to ask on, and nothing was begun: give --yes to agree\n',
    });
    expect(await afterglow('import', '-')).toMatchObject({
      code: 1,
      stderr: 'afterglow: the system is of a version from before this command: restart it with `npm start`\n',
    });
    expect(await afterglow('export', '--json')).toMatchObject({
      code: 1,
      stderr: 'afterglow: --json tells of a file that was written: give it with --out\n',
    });
    expect((await afterglow('export', '--what', 'deals')).stderr).toContain(
      'Allowed choices are facts, scores, all.',
    );
  });

  test('export writes to standard output, with progress beside it', async () => {
    await table.put([{ pk: '33#7', sk: '#head', rev: 1, status: 'scored', score: 1, model: 'm' }]);

    const { code, stdout, stderr } = await afterglow('export', '--what', 'scores', '--format', 'csv');

    expect(code).toBe(0);
    expect(stdout.split('\n')[1]).toBe('score,33,7,1,,,,scored,m,,,,,false,false');
    expect(stderr).toContain('0 facts and 1 scores written');
  });
});
