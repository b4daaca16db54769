// Takes docs/attribution-report.png, a picture of the report of made-up deals, in a headless browser: `npm run docs:report`. The browser is
// /usr/bin/chromium, or the one that CHROMIUM names. With `--html FILE` it writes the page instead.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CreditedDeal, creditOf, type DealTouch } from '../lambdas/attribution/credit.ts';
import { type Report, type ReportedDeal, reportOf } from '../lambdas/attribution/report.ts';
import { reportHtml } from '../lambdas/attribution/report-html.ts';

const PICTURE = join(import.meta.dirname, 'attribution-report.png');
const DAY_MS = 86_400_000;
const RULES = { windowDays: 90, models: ['linear'], halfLifeDays: 7 } as const;

const LABELS: Readonly<Record<string, string>> = {
  'ai/chatgpt': 'ChatGPT',
  'ai/perplexity': 'Perplexity',
  'ai/gemini': 'Gemini',
  'ai/claude': 'Claude',
  'search/google': 'Google',
  'social/linkedin': 'LinkedIn',
  'paid/google': 'Google (paid)',
  'email/email': 'E-mail',
  'direct/direct': 'Direct',
};

/** A deal: name, amount, day of October 2026 on which it was closed (or created, if it is open), and the sources of its visits in order. */
type Told = readonly [name: string, amount: string, day: number, sources: readonly string[]];

const WON: readonly Told[] = [
  ['Northwind Freight, annual plan', '48000', 6, ['ai/chatgpt', 'search/google', 'direct/direct']],
  ['Alder & Sons, pilot', '7500', 8, ['search/google', 'email/email']],
  ['Harbour Clinics, 40 seats', '26400', 12, ['ai/perplexity', 'ai/chatgpt', 'email/email', 'direct/direct']],
  ['Kestrel Robotics, expansion', '61200.50', 15, ['social/linkedin', 'ai/chatgpt', 'direct/direct']],
  ['Mossgrove Foods, annual plan', '18000', 20, ['paid/google', 'search/google']],
  ['Tidewater Legal, 12 seats', '9999.99', 22, ['ai/gemini', 'ai/chatgpt', 'search/google']],
  ['Union Street Bakery', '1200', 27, []],
  ['Larkspur Studios, annual plan', '33000', 29, ['ai/claude', 'direct/direct']],
];
const OPEN: readonly Told[] = [
  ['Beacon Energy, 200 seats', '120000', 9, ['ai/chatgpt', 'social/linkedin']],
  ['Quarry Lane Schools', '15000', 19, ['search/google']],
  ['Silverline Logistics', '42000', 28, ['ai/perplexity', 'paid/google', 'email/email']],
];

function headOf([name, amount, day, sources]: Told, state: 'won' | 'open', at: number): ReportedDeal {
  const atMs = Date.UTC(2026, 9, day, 12);
  const dealId = `${state === 'won' ? 9100 : 9200}${at}`;
  const deal: CreditedDeal = {
    id: dealId,
    name,
    pipeline: 'default',
    stage: state === 'won' ? 'closedwon' : 'qualifiedtobuy',
    state,
    amount,
    currency: 'USD',
    stageSinceMs: atMs,
    createdAtMs: state === 'won' ? atMs - 30 * DAY_MS : atMs,
    closedAtMs: state === 'won' ? atMs : undefined,
    contactIds: ['501'],
  };
  const touches = sources.map(
    (source, place): DealTouch => ({
      source,
      atMs: atMs - (sources.length - place) * 5 * DAY_MS,
      contactId: '501',
      key: `${dealId}-${place}`,
    }),
  );
  const credit = creditOf(deal, touches, RULES, undefined);
  return { dealId, life: 'living', deal, credit, log: [] };
}

/** The report of the picture. */
export function sampleReport(): Report {
  const heads = [
    ...WON.map((told, at) => headOf(told, 'won', at)),
    ...OPEN.map((told, at) => headOf(told, 'open', at)),
  ];
  return reportOf(heads, {
    portalId: '145677',
    from: '2026-10-01',
    to: '2026-10-31',
    timeZone: 'America/New_York',
    model: 'linear',
    rules: RULES,
    labelOf: (source) => LABELS[source] ?? source,
    madeAtMs: Date.UTC(2026, 10, 1, 7),
  });
}

async function takePicture(): Promise<void> {
  const { chromium } = await import('playwright-core'); // Only here: who reads the sample needs no browser.
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 960, height: 1480 } });
    await page.setContent(reportHtml(sampleReport()));
    await page.screenshot({ path: PICTURE });
  } finally {
    await browser.close();
  }
}

if (import.meta.main) {
  const [option, file] = process.argv.slice(2);
  if (option === '--html' && file !== undefined) writeFileSync(file, reportHtml(sampleReport()));
  else await takePicture();
}
