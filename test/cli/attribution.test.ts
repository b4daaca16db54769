// `afterglow attribution report` and `explain`: what the table holds of deals, told.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dealAsJson, explainDeal, formatDeal } from '../../cli/attribution-explain.ts';
import {
  formatOf,
  type ReportCommand,
  readReport,
  rendered,
  writeReport,
} from '../../cli/attribution-report.ts';
import { readModelFile } from '../../cli/model-file.ts';
import type { LocalState } from '../../cli/target.ts';
import { type CreditedDeal, creditOf } from '../../lambdas/attribution/credit.ts';
import { amountText } from '../../lambdas/attribution/money.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';
import type { Restatement } from '../../lambdas/store/deal-table.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import { DAY_MS, deal, STAGE_MS, touch } from '../attribution/deals.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';
import { QUIET } from './data.ts';

const MODEL_FILE = join(import.meta.dirname, '../../models/plg.yaml');
const NOW_MS = Date.UTC(2026, 10, 22, 12);
const OCTOBER: ReportCommand = { from: '2026-10-01', to: '2026-10-31' };
const directory = mkdtempSync(join(tmpdir(), 'afterglow-attribution-'));
let model: Model;
let engine: Engine;
let table: Table;

beforeAll(async () => {
  model = readModelFile(MODEL_FILE);
  engine = await startDynalite();
});
beforeEach(async () => {
  table = await createTable(engine);
});
afterAll(async () => {
  await engine.stop();
  rmSync(directory, { recursive: true, force: true });
});

const CHATGPT = touch('ai/chatgpt', 9);
const GOOGLE = touch('search/google', 5);

/** Stores a deal as write-back does. */
async function kept(parts: Partial<CreditedDeal>, visits = [CHATGPT, GOOGLE], restatement?: Restatement) {
  const given = deal(parts);
  const deals = table.deals({ portalId: '33' });
  const before = (await deals.heads([given.id])).get(given.id);
  if (before === undefined || model.attribution === undefined) throw new Error('no head or no rules');
  const credit = creditOf(given, visits, model.attribution, undefined);
  const stored = {
    deal: given,
    credit,
    model: model.id,
    writeId: `w ${given.id}`,
    readAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    restatement,
  };
  return deals.store(before, stored, NOW_MS);
}

/** Keeps visits of a contact, as the snippet tells them: from ChatGPT nine days before the deal's stage, from Google five. */
function keepVisits(contactId = '501') {
  const landing = 'https://www.example.com/pricing';
  return table.contacts({ portalId: '33' }).keep(
    contactKey('33', contactId),
    [
      touchFact('visit-one'.padEnd(22, '_'), STAGE_MS - 9 * DAY_MS, {
        by: 'browser',
        referrer: 'chatgpt.com',
        landing,
      }),
      touchFact('visit-two'.padEnd(22, '_'), STAGE_MS - 5 * DAY_MS, {
        by: 'server',
        referrer: 'www.google.com',
      }),
      touchFact('too-late'.padEnd(22, '_'), STAGE_MS + 1, {
        by: 'browser',
        referrer: 'claude.ai',
        landing,
      }),
    ],
    [],
  );
}

function target(timeZone = 'UTC') {
  const options = { portalId: '33', clock: () => NOW_MS };
  return {
    portalId: '33',
    timeZone,
    clock: () => NOW_MS,
    store: { deals: table.deals(options), contacts: table.contacts(options) },
  };
}

test('tells revenue and pipeline of the period from all pages of the table', async () => {
  await Promise.all(Array.from({ length: 205 }, (_, at) => kept({ id: `${at + 1}`, amount: '10.01' })));
  await kept({ id: '300', amount: '7', state: 'open', createdAtMs: STAGE_MS });
  await kept({ id: '301', amount: '99', closedAtMs: STAGE_MS - 60 * DAY_MS });

  const report = await readReport(target(), model, OCTOBER, QUIET);

  expect(report).toMatchObject({ portalId: '33', model: model.attribution?.models[0], madeAtMs: NOW_MS });
  expect(report.currencies).toHaveLength(1);
  const { decimals, revenue, pipeline } = report.currencies[0] ?? { decimals: 0 };
  expect([revenue?.deals, amountText(revenue?.units ?? 0n, decimals)]).toEqual([205, '2052.05']);
  expect(revenue?.rows.map(({ label, units }) => [label, amountText(units, decimals)])).toEqual([
    ['ChatGPT', '1027.05'], // 5.005 each: the cent that is left goes to the earlier visit.
    ['Google', '1025.00'],
  ]);
  expect([pipeline?.deals, amountText(pipeline?.units ?? 0n, decimals)]).toEqual([1, '7.00']);
});

test('leaves out deals that were deleted', async () => {
  await kept({ id: '1' });
  await table.deals({ portalId: '33' }).mark('1', 'deleted', NOW_MS);

  expect((await readReport(target(), model, OCTOBER, QUIET)).currencies).toEqual([]);
});

test('takes the days of the time zone', async () => {
  await kept({ id: '1', closedAtMs: Date.parse('2026-11-01T02:00:00Z') });

  const inUtc = await readReport(target(), model, OCTOBER, QUIET);
  const inChicago = await readReport(target('America/Chicago'), model, OCTOBER, QUIET);

  expect([inUtc, inChicago].map(({ currencies }) => currencies.length)).toEqual([0, 1]);
});

test('tells it by the model that is asked for', async () => {
  await kept({ id: '1' });

  const report = await readReport(target(), model, { ...OCTOBER, model: 'last' }, QUIET);

  expect(report.currencies[0]?.revenue.rows.map(({ label }) => label)).toEqual(['Google']);
});

test.each([
  { given: { from: '2026-10-1' }, told: '--from: expected a day such as 2026-10-31, found "2026-10-1"' },
  { given: { to: '2026-02-30' }, told: '--to: expected a day' },
  { given: { to: 'today' }, told: '--to: expected a day' },
  { given: { from: '2026-11-01' }, told: '--from 2026-11-01 lies after --to 2026-10-31' },
  { given: { model: 'liner' }, told: 'found "liner"' },
  {
    given: { model: 'markov' },
    told: 'expected one that deals are credited by (linear, first, last), found "markov"',
  },
])('refuses $given', async ({ given, told }) => {
  await expect(readReport(target(), model, { ...OCTOBER, ...given }, QUIET)).rejects.toThrow(told);
});

test('refuses a scoring model that credits no deals', async () => {
  const { attribution: _, ...without } = model;

  await expect(readReport(target(), without, OCTOBER, QUIET)).rejects.toThrow('has no section attribution');
  await expect(explainDeal(target(), without, '1')).rejects.toThrow('has no section attribution');
});

test('writes what is asked for, else what the name of the file says, for its owner only', async () => {
  await kept({ id: '1' });
  const report = await readReport(target(), model, OCTOBER, QUIET);
  const file = join(directory, 'october.html');

  writeReport(file, rendered(report, formatOf(undefined, file)));

  expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect([formatOf(undefined, 'a.csv'), formatOf('text', 'a.csv'), formatOf(undefined, undefined)]).toEqual([
    'csv',
    'text',
    'text',
  ]);
  expect(() => writeReport(join(directory, 'none/a.csv'), '')).toThrow('cannot be written');
});

test('explains a deal by its visits, every model, and its log', async () => {
  await keepVisits();
  const restatement = {
    atMs: NOW_MS,
    why: 'touches',
    from: 'Google 1000.00 USD',
    to: 'ChatGPT 500.00, Google 500.00 USD',
  } as const;
  await kept({ id: '9001' }, undefined, restatement);

  const text = formatDeal(await explainDeal(target(), model, '9001'));

  expect(text).toBe(`Deal 9001: Northwind
  1000.00 USD, won, in its stage (closedwon) since 20 Oct 2026
  Credited to the visits of its contact in the 60 days before; HubSpot does not show it yet

Visits
  11 Oct 2026  ChatGPT  contact 501  https://www.example.com/pricing
  15 Oct 2026  Google  contact 501

Credit
                       linear               first                last
  ChatGPT     500.00 (50.0 %)  1,000.00 (100.0 %)                   –
  Google      500.00 (50.0 %)                   –  1,000.00 (100.0 %)
  All      1,000.00 (100.0 %)  1,000.00 (100.0 %)  1,000.00 (100.0 %)

Log
  22 Nov 2026  touches: Google 1000.00 USD → ChatGPT 500.00, Google 500.00 USD`);
});

test('explains it as JSON', async () => {
  await keepVisits();
  const stored = await kept({ id: '9001', amount: '0.01' });
  if (stored !== undefined) await table.deals({ portalId: '33' }).confirm('9001', stored);

  expect(JSON.parse(dealAsJson(await explainDeal(target(), model, '9001')))).toMatchObject({
    portalId: '33',
    dealId: '9001',
    amount: '0.01',
    currency: 'USD',
    windowDays: 60,
    touches: [
      {
        at: '2026-10-11T12:00:00.000Z',
        source: 'ai/chatgpt',
        label: 'ChatGPT',
        contactId: '501',
        by: 'browser',
        page: 'https://www.example.com/pricing',
      },
      { source: 'search/google', by: 'server', page: '' },
    ],
    isUpToDate: true,
    isShown: true,
    scoringModel: model.id,
    models: {
      linear: [
        { source: 'ai/chatgpt', label: 'ChatGPT', share: 0.5, amount: '0.01' },
        { source: 'search/google', share: 0.5, amount: '0.00' },
      ],
    },
    log: [],
    logCut: 0,
  });
});

test('says where visits came to be known that the deal is not credited to yet', async () => {
  await keepVisits();
  await kept({ id: '9001', amount: '' }, [GOOGLE]);

  const explanation = await explainDeal(target(), model, '9001');

  expect(explanation.isUpToDate).toBe(false);
  expect(formatDeal(explanation)).toContain('it is about to be credited anew');
  expect(formatDeal(explanation)).toContain('no amount, won');
  expect(formatDeal(explanation)).toMatch(/Google +100\.0 %/);
});

test('explains a deal without visits, and one that was merged under its old id', async () => {
  await kept({ id: '9002', contactIds: ['501', '502'] }, []);
  await kept({ id: '9001' }, []);
  await table.deals({ portalId: '33' }).unite('9001', '9002');

  const text = formatDeal(await explainDeal(target(), model, '9001'));

  expect(text).toContain('Deal 9002: Northwind');
  expect(text).toContain('the visits of its 2 contacts');
  expect(text).toContain('no known visit');
  expect(text).toContain('to no source');
});

test('says why there is nothing to explain', async () => {
  await kept({ id: '9001' });
  await table.deals({ portalId: '33' }).mark('9001', 'deleted', NOW_MS);

  await expect(explainDeal(target(), model, '9001')).rejects.toThrow('deal 9001 was deleted in HubSpot');
  await expect(explainDeal(target(), model, '9999')).rejects.toThrow(
    'deal 9999 was not credited yet (portal 33)',
  );
  await expect(explainDeal(target(), model, 'Northwind')).rejects.toThrow('"Northwind" is no record id');
});

function afterglow(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
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
    model: MODEL_FILE,
    clockOffsetMs: 0,
  };
  writeFileSync(join(directory, 'system.json'), JSON.stringify(state));
  const file = join(import.meta.dirname, '../../cli/afterglow.ts');
  const env = { ...process.env, AFTERGLOW_LOCAL_DIR: directory };
  return new Promise((resolve) => {
    execFile(process.execPath, [file, 'attribution', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe('the commands', () => {
  test('print a report, or write it and tell so where no script reads it', async () => {
    await kept({ id: '1' });
    const file = join(directory, 'report.csv');
    const period = ['--from', '2026-10-01', '--to', '2026-10-31'];

    const [text, json, written, wrong] = await Promise.all([
      afterglow('report', ...period, '--model', 'first'),
      afterglow('report', ...period, '--json'),
      afterglow('report', ...period, '--out', file),
      afterglow('report', ...period, '--model', 'best'),
    ]);

    expect(text).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Revenue in USD: 1,000.00 USD from 1 deal'),
    });
    expect(JSON.parse(json.stdout)).toMatchObject({ currencies: [{ revenue: { amount: '1000.00' } }] });
    expect(written).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining(`Wrote ${file}.`) });
    expect(readFileSync(file, 'utf8')).toMatch(/^figure,currency,source,/);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(/^afterglow: --model: expected one that deals are credited by/m);
  }, 120_000);

  test('explain a deal for people or as JSON', async () => {
    await kept({ id: '9001' });

    const [text, json] = await Promise.all([
      afterglow('explain', '9001'),
      afterglow('explain', '9001', '--json'),
    ]);

    expect(text).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('Deal 9001: Northwind'),
    });
    expect(JSON.parse(json.stdout)).toMatchObject({ dealId: '9001', amount: '1000.00' });
  }, 120_000);

  test('credit paths without a running system, and say how they are used', async () => {
    const file = join(directory, 'paths.csv');
    writeFileSync(file, 'path,total_conversions,total_null\nA > B,2,0\n');

    const [json, text] = await Promise.all([afterglow('paths', file, '--json'), afterglow('paths', file)]);
    const help = await Promise.all(['report', 'explain', 'paths'].map((name) => afterglow(name, '--help')));

    expect(json).toMatchObject({ code: 0, stderr: '' });
    expect(json.stdout).toBe(
      '{"A":{"first":2,"last":0,"linear":1,"uShaped":1,"markov":1},"B":{"first":0,"last":2,"linear":1,"uShaped":1,"markov":1}}\n',
    );
    expect(text.stdout).toContain('1 paths, 2 conversions, 0 without: 100.00 % convert');
    expect(help.every(({ stdout }) => stdout.includes('Examples:\n  afterglow attribution '))).toBe(true);
  }, 120_000);
});
