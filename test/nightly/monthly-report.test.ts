// Once a month the nights report where the deals of the month before came from.
import { parse } from 'csv-parse/sync';
import type { NightlyParts } from '../../lambdas/nightly.ts';
import type { Report } from '../../lambdas/store/reports-bucket.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { creditModel, type GivenDeal, keepCredited } from './credited-deals.ts';
import { asEvent, type NightSystem, openNights } from './system.ts';

const DAY = 24;
const LONG_MS = 60_000;
const MODEL = creditModel(['linear']);
const OCTOBER = { month: '2026-10', link: 's3://the-reports/reports/2026-10.html' };

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

interface Story {
  readonly nights: NightSystem;
  /** Files by key, with how often each was put. */
  readonly bucket: Map<string, Report & { times: number }>;
  /** How S3 answers the next time something is put; nothing = it takes it. */
  trouble: (() => Promise<void>) | undefined;
  /** Lets a night pass, a day after the one before. */
  night(parts?: (own: NightlyParts) => Partial<NightlyParts>): Promise<void>;
}

/** A portal on the evening of a day, with deals that were closed some days before. @param first - when the first night begins, ISO 8601 */
async function openStory(first: string, deals: readonly GivenDeal[], timeZone = 'UTC'): Promise<Story> {
  const nights = await openNights(engine, { model: MODEL });
  const { time } = nights.portal;
  time.nowMs = Date.parse(first) - 30 * DAY * 3_600_000;
  await keepCredited(nights, MODEL, deals);
  let nextMs = Date.parse(first);
  const story: Story = {
    nights,
    bucket: new Map(),
    trouble: undefined,
    async night(more = () => ({})) {
      time.nowMs = nextMs;
      nextMs += DAY * 3_600_000;
      const reports = {
        name: 'the-reports',
        async put(report: Report) {
          await story.trouble?.();
          story.bucket.set(report.key, { ...report, times: (story.bucket.get(report.key)?.times ?? 0) + 1 });
        },
      };
      nights.deploy((own) => {
        const parts = { dailyPercent: 0, timeZone, reports };
        return { ...parts, ...more({ ...own, ...parts }) };
      });
      await nights.run();
    },
  };
  return story;
}

const wonAt = (id: string, closed: string, more: Partial<GivenDeal> = {}): GivenDeal => ({
  id,
  path: ['ai/chatgpt'],
  stageSinceMs: Date.parse(closed),
  closedAtMs: Date.parse(closed),
  ...more,
});

/** Two of October, one of each month beside it. */
const DEALS = [
  wonAt('1', '2026-09-30T23:59:59Z'),
  wonAt('2', '2026-10-01T00:00:00Z', { amount: '400.10', path: ['ai/chatgpt', 'search/google'] }),
  wonAt('3', '2026-10-31T23:59:59Z', { amount: '100' }),
  wonAt('4', '2026-11-01T00:00:00Z'),
];

/** Lines of the table: deal, source and what it is credited with. */
function creditsIn(csv: string | undefined): string[] {
  const lines: Record<string, string>[] = parse(csv ?? '', { columns: true });
  return lines
    .map((line) => `${line['deal_id']} ${line['source']} ${line['credited']} ${line['currency']}`)
    .toSorted();
}

test(
  'the night after the month reports it, as a page and as a table, and tells where they are',
  async () => {
    const story = await openStory('2026-10-31T02:00:00Z', DEALS);
    await story.night();
    expect(story.bucket.size).toBe(0);

    await story.night();

    const { bucket, nights } = story;
    expect([...bucket.keys()]).toEqual(['reports/2026-10.csv', 'reports/2026-10.html']);
    expect(creditsIn(bucket.get('reports/2026-10.csv')?.body)).toEqual([
      '2 ai/chatgpt 200.05 EUR',
      '2 search/google 200.05 EUR',
      '3 ai/chatgpt 100.00 EUR',
    ]);
    expect(bucket.get('reports/2026-10.csv')?.contentType).toBe('text/csv');
    expect(bucket.get('reports/2026-10.html')?.contentType).toBe('text/html');
    expect(bucket.get('reports/2026-10.html')?.body).toMatch(/^<!doctype html>[^]*ChatGPT|ai\/chatgpt/i);
    expect(nights.logged).toContainEqual(['last month is reported', OCTOBER]);
    expect(nights.night.counted.get('MonthlyReports')).toBe(1);
  },
  LONG_MS,
);

test(
  'in the first night no deal is credited yet: the second reports last month, though the month is well under way',
  async () => {
    const story = await openStory('2026-11-12T02:00:00Z', DEALS);

    await story.night();
    expect(story.bucket.size).toBe(0);
    await story.night();

    expect([...story.bucket.keys()]).toEqual(['reports/2026-10.csv', 'reports/2026-10.html']);
  },
  LONG_MS,
);

test(
  'a month is reported once, and then the next one',
  async () => {
    const story = await openStory('2026-11-28T02:00:00Z', DEALS);
    for (let night = 0; night < 5; night++) await story.night();

    expect([...story.bucket].map(([key, { times }]) => `${key} ${times}`)).toEqual([
      'reports/2026-10.csv 1',
      'reports/2026-10.html 1',
      'reports/2026-11.csv 1',
      'reports/2026-11.html 1',
    ]);
    expect(creditsIn(story.bucket.get('reports/2026-11.csv')?.body)).toEqual(['4 ai/chatgpt 1000.00 EUR']);
  },
  LONG_MS,
);

test(
  'months begin and end by the clock of the portal',
  async () => {
    // At two in the night of 1 November in Tokyo it is 31 October in London; the third deal was closed in November there.
    const story = await openStory('2026-10-30T17:00:00Z', DEALS, 'Asia/Tokyo');
    await story.night();

    await story.night();

    expect([...story.bucket.keys()]).toEqual(['reports/2026-10.csv', 'reports/2026-10.html']);
    expect(creditsIn(story.bucket.get('reports/2026-10.csv')?.body)).toEqual([
      '1 ai/chatgpt 1000.00 EUR',
      '2 ai/chatgpt 200.05 EUR',
      '2 search/google 200.05 EUR',
    ]);
  },
  LONG_MS,
);

test(
  'a bucket that takes nothing holds up no night, and the report comes when it does',
  async () => {
    const story = await openStory('2026-10-31T02:00:00Z', DEALS);
    await story.night();
    const { counted } = story.nights.night;
    let refusals = 0;
    story.trouble = async () => {
      refusals += 1;
      expect((await story.nights.state()).last?.finishedAtMs).toBeDefined();
      expect(counted.get('ReconcileFinished')).toBeGreaterThanOrEqual(2);
      if (refusals < 3) throw new Error('S3 answered 503');
    };

    await story.night();

    expect(refusals).toBe(4);
    expect([...story.bucket.values()].map(({ times }) => times)).toEqual([1, 1]);
    expect(counted.get('MonthlyReports')).toBe(1);
    expect(JSON.stringify(story.nights.logged)).toContain('a run came no further');
  },
  LONG_MS,
);

test.each(['before', 'after'])(
  'who dies right %s the report is noted puts the same files once more',
  async (when) => {
    const story = await openStory('2026-10-31T02:00:00Z', DEALS);
    await story.night();
    let deaths = 0;
    const dying = ({ reportsMade }: NightlyParts): Partial<NightlyParts> => ({
      reportsMade: {
        read: () => reportsMade.read(),
        async update(change) {
          const isNote = story.bucket.size === 2 && deaths === 0;
          if (isNote) deaths += 1;
          if (isNote && when === 'before') throw new Error('died');
          const result = await reportsMade.update(change);
          if (isNote) throw new Error('died');
          return result;
        },
      },
    });

    await story.night(dying);

    const times = when === 'before' ? 2 : 1;
    expect(deaths).toBe(1);
    expect([...story.bucket.values()].map((file) => file.times)).toEqual([times, times]);
    await story.night();
    expect([...story.bucket.values()].map((file) => file.times)).toEqual([times, times]);
  },
  LONG_MS,
);

test(
  'two who report at once put the same, and one month is noted',
  async () => {
    const story = await openStory('2026-10-31T02:00:00Z', DEALS);
    await story.night();
    const { nights } = story;
    const held: object[] = [];
    await story.night(({ ask }) => ({
      async ask(request, delaySeconds) {
        if (request.job === 'report') held.push(request);
        else await ask(request, delaySeconds);
      },
    }));
    const [request = {}] = held;

    await Promise.all([nights.nightly(asEvent(request)), nights.nightly(asEvent(request))]);

    expect([...story.bucket.keys()]).toEqual(['reports/2026-10.csv', 'reports/2026-10.html']);
    await nights.nightly(asEvent(request));
    expect([...story.bucket.values()].map(({ times }) => times)).toEqual([2, 2]);
  },
  LONG_MS,
);

test(
  'a backfill reports nothing, nor does a model that credits no deals',
  async () => {
    const story = await openStory('2026-10-31T02:00:00Z', DEALS);
    await story.nights.run('backfill');
    const plain = await openNights(engine);
    await plain.run();

    expect(story.nights.asked.map(({ request }) => request.job)).not.toContain('report');
    expect(plain.asked.map(({ request }) => request.job)).not.toContain('report');
  },
  LONG_MS,
);
