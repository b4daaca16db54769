import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import {
  type CreditedDeal,
  type CreditRules,
  creditOf,
  type DealTouch,
} from '../../lambdas/attribution/credit.ts';
import { amountText } from '../../lambdas/attribution/money.ts';
import {
  isReported,
  type Report,
  type ReportedDeal,
  type ReportOptions,
  reportOf,
} from '../../lambdas/attribution/report.ts';
import { barChart } from '../../lambdas/attribution/report-chart.ts';
import { REPORT_COLUMNS, reportCsv } from '../../lambdas/attribution/report-csv.ts';
import { reportHtml } from '../../lambdas/attribution/report-html.ts';
import { reportJson } from '../../lambdas/attribution/report-json.ts';
import { reportText } from '../../lambdas/attribution/report-text.ts';
import { CREDIT_MODELS } from '../../lambdas/scoring/model-file.ts';
import { DAY_MS, deal, RULES, STAGE_MS, seeded, touch } from './deals.ts';

const NAMES: Readonly<Record<string, string>> = {
  'ai/chatgpt': 'ChatGPT',
  'ai/claude': 'Claude',
  'search/google': 'Google',
};
const OCTOBER: ReportOptions = {
  portalId: '33',
  from: '2026-10-01',
  to: '2026-10-31',
  timeZone: 'America/New_York',
  model: 'linear',
  rules: RULES,
  labelOf: (source) => NAMES[source] ?? source,
  madeAtMs: Date.UTC(2026, 10, 1, 8),
};
const EFFECTS = { 'ai/chatgpt': 0.3, 'search/google': 0.1 };

function head(
  parts: Partial<CreditedDeal> = {},
  visits: readonly DealTouch[] = [],
  more: Partial<ReportedDeal> & { rules?: CreditRules } = {},
): ReportedDeal {
  const given = deal(parts);
  const { rules = RULES, ...rest } = more;
  const credit = creditOf(given, visits, rules, EFFECTS);
  return { dealId: given.id, life: 'living', deal: given, credit, log: [], ...rest };
}

const CHATGPT = touch('ai/chatgpt', 9);
const GOOGLE = touch('search/google', 5);

/** What each source has of a figure: label, amount, deals. */
function rowsOf(report: Report, kind: 'revenue' | 'pipeline' = 'revenue', at = 0) {
  const each = report.currencies[at];
  return each?.[kind].rows.map(({ label, units, lines }) => [
    label,
    amountText(units, each.decimals),
    lines.map(({ dealId }) => dealId),
  ]);
}

test('tells what was won in the period by source, with the deals behind it', () => {
  const report = reportOf(
    [
      head({ id: '1', amount: '1000' }, [CHATGPT, GOOGLE]),
      head({ id: '2', amount: '300.01' }, [GOOGLE, touch('search/google', 4), touch('ai/claude', 1)]),
      head({ id: '3', amount: '5000' }),
    ],
    OCTOBER,
  );

  // Google: 500.00 and two thirds of 300.01, 200.0066… rounded up, since it lost most; Claude the rest.
  expect(rowsOf(report)).toEqual([
    ['Google', '700.01', ['1', '2']],
    ['ChatGPT', '500.00', ['1']],
    ['Claude', '100.00', ['2']],
    ['No known visit', '5000.00', ['3']], // The largest, and no source: it stands last.
  ]);
  expect(report.currencies[0]?.revenue).toMatchObject({
    units: 630_001n,
    deals: 3,
    aiUnits: 60_000n,
    influenced: { units: 130_001n, deals: 2 },
    withoutAmount: 0,
  });
});

const LAST_OF_SEPTEMBER = Date.parse('2026-09-30T23:59:59-04:00');
const LAST_OF_OCTOBER = Date.parse('2026-10-31T23:59:59-04:00');

test.each<{ parts: Partial<CreditedDeal>; life?: 'deleted' | 'erased'; as: string; because: string }>([
  { parts: {}, as: 'revenue', because: 'it was won in October' },
  { parts: { closedAtMs: LAST_OF_SEPTEMBER }, as: 'nothing', because: 'in New York it was still September' },
  { parts: { closedAtMs: LAST_OF_SEPTEMBER + 1000 }, as: 'revenue', because: 'the first instant counts' },
  {
    parts: { closedAtMs: LAST_OF_OCTOBER },
    as: 'revenue',
    because: 'so does the last, though it is November in London',
  },
  { parts: { closedAtMs: LAST_OF_OCTOBER + 1000 }, as: 'nothing', because: 'November is another report' },
  { parts: { closedAtMs: undefined }, as: 'nothing', because: 'nobody knows when it was won' },
  { parts: { state: 'lost' }, as: 'nothing', because: 'what was lost is no revenue' },
  { parts: { state: 'lost', createdAtMs: STAGE_MS }, as: 'nothing', because: 'nor pipeline' },
  {
    parts: { state: 'open', closedAtMs: undefined, createdAtMs: STAGE_MS },
    as: 'pipeline',
    because: 'it was created in October and is open',
  },
  {
    parts: { state: 'open', createdAtMs: STAGE_MS - 60 * DAY_MS },
    as: 'nothing',
    because: 'it was created before, whenever it is expected to close',
  },
  { parts: {}, life: 'deleted', as: 'nothing', because: 'it was deleted' },
  { parts: {}, life: 'erased', as: 'nothing', because: 'it was erased' },
])('counts a deal as $as: $because', ({ parts, life, as }) => {
  const one = head(parts, [CHATGPT], { ...(life !== undefined && { life }) });

  const { currencies } = reportOf([one], OCTOBER);

  expect(isReported(one, OCTOBER)).toBe(as !== 'nothing');
  expect(currencies.map(({ revenue, pipeline }) => [revenue.deals, pipeline.deals])).toEqual(
    as === 'nothing' ? [] : [as === 'revenue' ? [1, 0] : [0, 1]],
  );
});

test('passes over deals that were never read', () => {
  const unread = { ...head(), deal: undefined, credit: undefined };

  expect(isReported(unread, OCTOBER)).toBe(false);
  expect(reportOf([unread], OCTOBER).currencies).toEqual([]);
});

test('never adds up currencies, and tells the one with most deals first', () => {
  const report = reportOf(
    [
      head({ id: '1', currency: 'USD', amount: '5000000' }, [CHATGPT]),
      head({ id: '2', currency: 'EUR', amount: '10.5' }, [CHATGPT]),
      head({ id: '3', currency: 'EUR', amount: '0.125' }, [CHATGPT]),
      head({ id: '4', currency: '', amount: '7' }, [CHATGPT]),
    ],
    OCTOBER,
  );

  expect(
    report.currencies.map(({ currency, decimals, revenue }) => [
      currency,
      amountText(revenue.units, decimals),
    ]),
  ).toEqual([
    ['EUR', '10.625'],
    ['', '7.00'],
    ['USD', '5000000.00'],
  ]);
});

test('counts a deal without an amount, with no money', () => {
  const report = reportOf([head({ amount: '' }, [CHATGPT])], OCTOBER);

  expect(rowsOf(report)).toEqual([['ChatGPT', '0.00', ['900']]]);
  expect(report.currencies[0]?.revenue).toMatchObject({ deals: 1, withoutAmount: 1, units: 0n });
  expect(reportText(report)).toContain('Revenue in USD: 1 deal without an amount');
});

test('tells of more deals than a function takes arguments, on the page as in the text', () => {
  const many = head({ amount: '2' }, [CHATGPT]);
  const report = reportOf(
    Array.from({ length: 150_000 }, (_, at) => ({ ...many, dealId: `${at}` })),
    OCTOBER,
  );

  expect(report.currencies[0]?.revenue).toMatchObject({ units: 30_000_000n, deals: 150_000 });
  expect(reportHtml(report)).toContain('149800 deals more, in the CSV');
  expect(reportText(report)).toContain('300,000.00 USD from 150000 deals');
}, 30_000);

test('sets apart what the model did not credit yet', () => {
  const before = { rules: { ...RULES, models: ['first'] } as const };
  const report = reportOf([head({}, [CHATGPT], before)], { ...OCTOBER, model: 'markov' });

  expect(rowsOf(report)).toEqual([['Not credited yet', '1000.00', ['900']]]);
  expect(reportHtml(report)).toContain('1 deal (1,000.00 USD) not credited by this model yet.');
});

test('lists what was restated after the period, and not what was credited for the first time', () => {
  const log = [
    { atMs: Date.UTC(2026, 10, 3), why: 'touches', from: 'Google 1000.00 USD', to: 'ChatGPT 1000.00 USD' },
    { atMs: Date.UTC(2026, 9, 21), why: 'amount', from: 'Google 900.00 USD', to: 'Google 1000.00 USD' },
    { atMs: Date.UTC(2026, 10, 2), why: 'first credit', from: '', to: 'Google 900.00 USD' },
  ];
  const report = reportOf([head({}, [CHATGPT], { log })], OCTOBER);

  expect(report.restated.map(({ why, name }) => [why, name])).toEqual([['touches', 'Northwind']]);
  expect(reportText(report)).toContain(
    '2 Nov 2026  Northwind (900), touches: Google 1000.00 USD → ChatGPT 1000.00 USD',
  );
});

test('tells the newest restatement first', () => {
  const line = { why: 'amount', from: 'a', to: 'b' };
  const log = (day: number) => [{ ...line, atMs: Date.UTC(2026, 10, day) }];
  const heads = [2, 9, 5].map((day) => head({ id: `${day}` }, [CHATGPT], { log: log(day) }));

  expect(reportOf(heads, OCTOBER).restated.map(({ dealId }) => dealId)).toEqual(['9', '5', '2']);
});

test('lists the largest 200 deals of a source on the page, and sums up the others', () => {
  const heads = Array.from({ length: 205 }, (_, at) =>
    head({ id: `${at + 1000}`, amount: `${at + 1}` }, [CHATGPT]),
  );

  const page = reportHtml(reportOf(heads, OCTOBER));

  // Of 1 to 205 the last five are 1 to 5: 15.00.
  expect(page.match(/<td>Northwind \(\d+\)<\/td>/g)).toHaveLength(200);
  expect(page).toContain('<td>5 deals more, in the CSV</td>');
  expect(page).toContain('<td class="number">15.00</td>');
});

test('draws twelve bars at most, the last for all further sources', () => {
  const visits = Array.from({ length: 14 }, (_, at) => touch(`ai/s${at}`, 50 - at));

  const page = reportHtml(reportOf([head({ amount: '1400' }, visits)], OCTOBER));

  const [bySource = ''] = page.match(/<svg[^]*?<\/svg>/g) ?? [];
  expect(bySource.match(/<rect/g)).toHaveLength(12);
  expect(bySource).toContain('3 more: 300.00 USD</desc>');
});

test.each([
  { sizes: [300n, 100n], because: 'all grow to the right' },
  { sizes: [100n, -50n], because: 'one below zero grows to the left of the same line' },
  { sizes: [-10n, -50n], because: 'so do all, if all are' },
])('draws bars of $sizes from one line, and between the labels and the edge: $because', ({ sizes }) => {
  const chart = barChart(
    'Title',
    sizes.map((size) => ({ label: 'a', size, text: `${size}`, isAi: false })),
  );

  const zero = Number(/<line x1="([\d.]+)"/.exec(chart)?.[1]);
  const bars = [...chart.matchAll(/<rect x="([-\d.]+)" .*?width="([\d.]+)"/g)].map(([, x, width]) => [
    Number(x),
    Number(width),
  ]);
  const scale = (bars[0]?.[1] ?? 0) / Math.abs(Number(sizes[0]));
  for (const [at, [x = 0, width = 0]] of bars.entries()) {
    const size = Number(sizes[at]);
    expect(width).toBeCloseTo(Math.abs(size) * scale, 0);
    expect(size < 0 ? x + width : x).toBeCloseTo(zero, 0);
    expect([x >= 170, x + width <= 720]).toEqual([true, true]);
  }
});

test('says so where there is nothing to tell', () => {
  const report = reportOf([], OCTOBER);

  expect(reportText(report)).toContain('No deal was won or created in this period.');
  expect(reportHtml(report)).toContain('No deal was won or created in this period.');
});

function randomHeads(count: number, seed: number): ReportedDeal[] {
  const random = seeded(seed);
  const sources = ['ai/chatgpt', 'ai/claude', 'search/google', 'direct/direct', 'social/linkedin'];
  return Array.from({ length: count }, (_, at) => {
    const visits = Array.from({ length: random(6) }, (__, place) =>
      touch(sources[random(sources.length)] ?? '', random(100), { key: `${at} ${place}` }),
    );
    const amount = random(9) === 0 ? '' : `${random(4) === 0 ? '-' : ''}${random(100_000)}.${random(1000)}`;
    const currency = ['USD', 'JPY', ''][random(3)] ?? '';
    const isOpen = random(3) === 0;
    const state = isOpen ? ('open' as const) : ('won' as const);
    return head({ id: `${at}`, amount, currency, state, createdAtMs: STAGE_MS - random(3) * DAY_MS }, visits);
  });
}

/** Decimal text as units of 20 digits. */
function exact(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const units = BigInt(whole + fraction.padEnd(20, '0'));
  return text.startsWith('-') ? -units : units;
}

test.each(CREDIT_MODELS)(
  'foots under %s: deals, sources and totals, in the report and in the CSV',
  (model) => {
    const heads = randomHeads(400, 11);

    const report = reportOf(heads, { ...OCTOBER, model });

    const rows: Record<string, string>[] = parse(reportCsv(report), { columns: true });
    for (const { currency, decimals, ...figures } of report.currencies) {
      for (const kind of ['revenue', 'pipeline'] as const) {
        const state = kind === 'revenue' ? 'won' : 'open';
        const deals = heads.filter((one) => one.deal?.currency === currency && one.deal.state === state);
        const amounts = deals.reduce((sum, one) => sum + exact(one.deal?.amount || '0'), 0n);
        const total = exact(amountText(figures[kind].units, decimals));
        const inCsv = rows.filter((row) => row['figure'] === kind && row['currency'] === currency);
        const credited = inCsv.reduce((sum, row) => sum + exact(row['credited'] ?? ''), 0n);
        const byRow = figures[kind].rows.reduce(
          (sum, { units }) => sum + exact(amountText(units, decimals)),
          0n,
        );
        expect({ total, byRow, credited }).toEqual({ total: amounts, byRow: amounts, credited: amounts });
        expect(figures[kind].deals).toBe(deals.length);
        expect(new Set(inCsv.map((row) => row['deal_id'])).size).toBe(deals.length);
      }
    }
  },
);

test('tells the same whatever the order in which deals are read', () => {
  const heads = randomHeads(60, 12);

  expect(reportJson(reportOf(heads.toReversed(), OCTOBER))).toEqual(reportJson(reportOf(heads, OCTOBER)));
});

test('writes a line of CSV for each deal and source, harmless to a spreadsheet', () => {
  const name = '=HYPERLINK("https://example.com","click")';
  const report = reportOf([head({ name, amount: '-0.03' }, [CHATGPT, GOOGLE])], OCTOBER);

  const rows: Record<string, string>[] = parse(reportCsv(report), { columns: true });

  expect(rows).toEqual([
    {
      figure: 'revenue',
      currency: 'USD',
      source: 'search/google',
      source_label: 'Google',
      is_ai: 'false',
      deal_id: '900',
      deal_name: `'${name}`,
      pipeline: 'default',
      stage: 'closedwon',
      date: '2026-10-20',
      deal_amount: '-0.03',
      share: '0.5',
      credited: '-0.01',
      model: 'linear',
    },
    expect.objectContaining({ source: 'ai/chatgpt', is_ai: 'true', credited: '-0.02' }),
  ]);
});

test('tells it as JSON with amounts as decimals, and nothing that JSON cannot hold', () => {
  const report = reportOf([head({ amount: '9007199254740993.01' }, [CHATGPT])], OCTOBER);

  const told = JSON.parse(JSON.stringify(reportJson(report)));

  expect(told).toMatchObject({ portalId: '33', from: '2026-10-01', to: '2026-10-31', model: 'linear' });
  expect(told.currencies[0].revenue).toMatchObject({
    amount: '9007199254740993.01',
    deals: 1,
    aiAmount: '9007199254740993.01',
    sources: [
      {
        label: 'ChatGPT',
        isAi: true,
        deals: [
          { dealId: '900', name: 'Northwind', date: '2026-10-20', share: 1, credited: '9007199254740993.01' },
        ],
      },
    ],
  });
});

test('prints figures, sources and deals as text', () => {
  const report = reportOf(
    [
      head({ id: '1', amount: '1000', name: 'Northwind' }, [CHATGPT, GOOGLE, touch('search/google', 4)]),
      head({ id: '2', amount: '20.5', name: 'Alder', state: 'open', createdAtMs: STAGE_MS }),
    ],
    OCTOBER,
  );

  expect(reportText(report).split('\n').slice(0, 22)).toEqual([
    'Attribution 1 Oct 2026 – 31 Oct 2026, portal 33, model: linear',
    '',
    'Revenue in USD: 1,000.00 USD from 1 deal',
    '  AI assistants: 333.33 USD (33.3 %); influenced by AI: 1,000.00 USD from 1 deal',
    '',
    '  Source     Amount    Share  Deals',
    '  Google     666.67   66.7 %      1',
    '  ChatGPT    333.33   33.3 %      1',
    '  All      1,000.00  100.0 %      1',
    '',
    '  Source   Credited        Of      Closed  Deal',
    '  Google     666.67  1,000.00  2026-10-20  Northwind (1)',
    '  ChatGPT    333.33  1,000.00  2026-10-20  Northwind (1)',
    '',
    'Pipeline in USD: 20.50 USD from 1 deal',
    '  AI assistants: 0.00 USD (0.0 %); influenced by AI: 0.00 USD from 0 deals',
    '',
    '  Source          Amount    Share  Deals',
    '  No known visit   20.50  100.0 %      1',
    '  All              20.50  100.0 %      1',
    '',
    '  Source          Credited     Of     Created  Deal',
  ]);
});

test('tells shares in percent that sum to 100.0, and none where some amounts are negative', () => {
  const visits = [CHATGPT, GOOGLE, touch('ai/claude', 1)];
  const thirds = reportText(reportOf([head({ amount: '3' }, visits)], OCTOBER));
  const mixed = reportText(
    reportOf([head({ id: '1', amount: '-3' }, [CHATGPT]), head({ id: '2', amount: '5' }, [GOOGLE])], OCTOBER),
  );

  expect(thirds.match(/\d+\.\d %$|\d+\.\d %(?= {2,}\d)/gm)).toEqual([
    '33.4 %',
    '33.3 %',
    '33.3 %',
    '100.0 %',
  ]);
  expect(mixed).not.toMatch(/Google .*%/);
});

test('says in docs/attribution.md what every column of the CSV means', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/attribution.md'), 'utf8');
  const [, columns = ''] = /### CSV\n([^]*?)\n## /.exec(page) ?? [];

  expect([...columns.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)).toEqual([...REPORT_COLUMNS]);
});
