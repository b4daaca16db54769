// The report as a CFO has it: opened from a file in a browser, printed, and with deals whose names mean harm.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { sampleReport } from '../../docs/attribution-report.ts';
import { creditOf } from '../../lambdas/attribution/credit.ts';
import { type Report, reportOf } from '../../lambdas/attribution/report.ts';
import { reportHtml } from '../../lambdas/attribution/report-html.ts';
import { deal, RULES, touch } from '../attribution/deals.ts';
import { describeInBrowser, startBrowser } from './chromium.ts';

/** A sheet of A4 in pixels of 1/96 inch, less two margins of 15 mm. */
const A4_WIDTH = Math.floor(((210 - 30) / 25.4) * 96);
const PHONE_WIDTH = 390;

/** An amount of two decimals as cents. */
function cents(text: string | undefined): bigint {
  return BigInt((text ?? '').replaceAll(/[,.]/g, ''));
}

describeInBrowser('the report in a browser', () => {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-report-'));
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let asked: string[];

  beforeAll(async () => {
    browser = await startBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1000, height: 1000 } });
    complaints = [];
    asked = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    page.on('request', (request) => asked.push(request.url()));
  });
  afterEach(() => page.close());

  async function open(report: Report): Promise<string> {
    const file = join(directory, 'report.html');
    writeFileSync(file, reportHtml(report));
    const url = pathToFileURL(file).href;
    await page.goto(url);
    return url;
  }

  /** Whether something stands out over the edge of a width. */
  async function isWiderThan(width: number): Promise<boolean> {
    await page.setViewportSize({ width, height: 1000 });
    return page.evaluate<boolean>('document.documentElement.scrollWidth > window.innerWidth');
  }

  test('opens from a file, asks nobody for anything, and has nothing to complain about', async () => {
    const url = await open(sampleReport());

    expect(await page.title()).toBe('Attribution 1 Oct 2026 – 31 Oct 2026');
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Where revenue came from');
    expect(await page.getByRole('img', { name: 'Revenue by AI assistant' }).isVisible()).toBe(true);
    expect(asked).toEqual([url]);
    expect(complaints).toEqual([]);
  });

  test('shows sums that foot, in every table as it stands there', async () => {
    await open(sampleReport());

    const tables = await page.evaluate<string[][][]>(`[...document.querySelectorAll('table')].map((table) =>
      [...table.rows].slice(1).map((row) => [...row.cells].map(({ textContent }) => textContent)))`);

    expect(tables.length).toBeGreaterThan(10);
    for (const rows of tables) {
      // Tables of sources have the money second, those of deals last.
      const column = rows[0]?.length === 4 ? 1 : 4;
      const total = rows.at(-1)?.[column];
      const sum = rows.slice(0, -1).reduce((all, row) => all + cents(row[column]), 0n);
      expect(`${sum}`).toBe(`${cents(total)}`);
    }
    // Eight deals of October: 48,000 + 7,500 + 26,400 + 61,200.50 + 18,000 + 9,999.99 + 1,200 + 33,000.
    expect(tables[0]?.at(-1)).toEqual(['All', '205,300.49', '100.0 %', '8 deals']);
  });

  test('draws bars as long as their amounts, from one line', async () => {
    await open(sampleReport());

    const bars = page.getByRole('img', { name: 'Revenue by AI assistant' }).locator('rect');
    const boxes = await Promise.all((await bars.all()).map((bar) => bar.boundingBox()));

    const widths = boxes.map((box) => box?.width ?? 0);
    // ChatGPT 46,333.50, Claude 16,500.00, Perplexity 6,600.00, Gemini 3,333.33.
    expect(widths.map((width) => width / (widths[0] ?? 0))).toEqual([
      1,
      expect.closeTo(16_500 / 46_333.5, 2),
      expect.closeTo(6600 / 46_333.5, 2),
      expect.closeTo(3333.33 / 46_333.5, 2),
    ]);
    expect(new Set(boxes.map((box) => Math.round(box?.x ?? 0))).size).toBe(1);
  });

  test('has room for what is written beside the bars', async () => {
    await open(sampleReport());

    const over = await page.evaluate<string[]>(`[...document.querySelectorAll('svg')].flatMap((svg) => {
      const { left, right } = svg.getBoundingClientRect();
      return [...svg.querySelectorAll('text')]
        .filter((text) => text.getBoundingClientRect().left < left || text.getBoundingClientRect().right > right)
        .map(({ textContent }) => textContent);
    })`);

    expect(await page.locator('svg text').count()).toBeGreaterThan(20);
    expect(over).toEqual([]);
  });

  test('fits a sheet of A4, and a phone', async () => {
    await open(sampleReport());
    expect(await isWiderThan(PHONE_WIDTH)).toBe(false);

    await page.emulateMedia({ media: 'print' });
    expect(await isWiderThan(A4_WIDTH)).toBe(false);
    const sheets = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');

    expect(sheets.match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThanOrEqual(2);
    expect(sheets.match(/\/MediaBox\s*\[0 0 59\d(\.\d+)? 84\d(\.\d+)?\]/)).not.toBeNull(); // A4 in points: 595 by 842.
  });

  test('shows what is named to do harm as the text that it is', async () => {
    const name = `<script>alert(1)</script><img src="http://127.0.0.1:9/x" onerror="alert(2)">'"&amp;`;
    const visits = [touch('ai/"><b>bold', 3)];
    const given = deal({ name });
    const log = [{ atMs: Date.UTC(2026, 11, 1), why: 'touches', from: '<i>from', to: '</li>to' }];
    const url = await open(
      reportOf(
        [{ dealId: '900', life: 'living', deal: given, credit: creditOf(given, visits, RULES, {}), log }],
        {
          portalId: '<u>33',
          from: '2026-10-01',
          to: '2026-10-31',
          timeZone: 'UTC',
          model: 'linear',
          rules: RULES,
          labelOf: (source) => source,
          madeAtMs: 0,
        },
      ),
    );

    expect(await page.getByRole('cell', { name: `${name} (900)`, exact: true }).count()).toBe(1);
    expect(await page.locator('script, img, b, i, u').count()).toBe(0);
    expect(await page.locator('body').textContent()).toContain('<i>from → </li>to');
    expect(asked).toEqual([url]);
    expect(complaints).toEqual([]);
  });
});
