// Visits that webhooks told of, and those they lost: the same visits, once.
import { readSources } from '../../cli/model-file.ts';
import { comparisonOf } from '../../lambdas/nightly/comparing.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';
import { contactKey, visitorKey } from '../../lambdas/store/keys.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { PORTAL } from '../write-back/system.ts';
import { type NightSystem, nightModel, openNights, wrong } from './system.ts';

const DAY = 24;
const MODEL = {
  ...nightModel({ attribution: { models: ['linear'] }, companyScore: undefined }),
  sources: readSources('models/sources.yaml'),
};
const BROWSER = 'fV9cQmXo3oU1q0y0Yb7w-A';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

/** HubSpot's own analytics see somebody come. */
function visit(
  { portal: { crm, time } }: NightSystem,
  contactId: string,
  source: string,
  detail: string,
): void {
  const at = new Date(time.nowMs).toISOString();
  crm.set('contacts', contactId, {
    hs_latest_source: source,
    hs_latest_source_data_1: detail,
    hs_latest_source_timestamp: at,
    hs_analytics_last_url: 'https://acme.example/pricing',
    hs_analytics_last_visit_timestamp: at,
  });
}

/** The visits in the table, by contact or browser. */
async function visitsIn({ table }: NightSystem): Promise<string[]> {
  const rows = (await table.rows()).filter(({ sk }) => String(sk).startsWith('touch#'));
  return rows.map(({ pk, sk }) => `${String(pk)} ${String(sk)}`);
}

test('a visit that a webhook told of is shown at once, and not found once more at night', async () => {
  const nights = await openNights(engine, { model: MODEL });
  const ann = nights.portal.crm.create('contacts', { jobtitle: 'CTO' });
  await nights.hear();
  nights.later(1);
  visit(nights, ann, 'AI_REFERRALS', 'chatgpt.com');
  await nights.hear();
  const before = await visitsIn(nights);

  expect(before).toHaveLength(1);
  expect(nights.shown(ann)).toMatchObject({
    ai_first_source: 'ChatGPT',
    ai_last_page: 'https://acme.example/pricing',
    ai_sessions: '1',
    ai_influenced: 'true',
  });

  nights.later(DAY);
  expect(wrong(await nights.run())).toEqual({});
  expect(await visitsIn(nights)).toEqual(before);
});

test('visits that webhooks lost are found, also those that are the latest no more, and deals are credited anew', async () => {
  const nights = await openNights(engine, { model: MODEL });
  const { crm } = nights.portal;
  const ann = crm.create('contacts', { jobtitle: 'CTO' });
  await nights.hear();
  visit(nights, ann, 'AI_REFERRALS', 'perplexity.ai');
  nights.later(5);
  visit(nights, ann, 'DIRECT_TRAFFIC', 'acme.example/');
  nights.later(5);
  await nights.hear(() => true); // All of it is lost.
  const deal = crm.create('deals', {
    dealname: 'One',
    dealstage: 'closedwon',
    amount: '100',
    deal_currency_code: 'EUR',
  });
  crm.associate('contacts', ann, 'deals', deal);
  await nights.hear(); // By which the contact is read, and so its latest visit.
  expect(nights.dealShown(deal)).toMatchObject({ ai_influenced: 'false' });
  nights.later(DAY);

  await nights.run();

  expect(await visitsIn(nights)).toHaveLength(2);
  expect(nights.shown(ann)).toMatchObject({ ai_last_source: 'Perplexity', ai_sessions: '1' });
  expect(nights.dealShown(deal)).toMatchObject({ ai_influenced: 'true', ai_amount_linear: '50' });

  nights.later(DAY);
  expect(wrong(await nights.run())).toEqual({});
});

test('a browser whose contact a webhook lost is bound at night, and from then on followed', async () => {
  const nights = await openNights(engine, { model: MODEL });
  const { crm, time } = nights.portal;
  const ann = crm.create('contacts', {});
  await nights.hear();
  nights.later(DAY);
  await nights.run();
  nights.later(1);
  const browser = visitorKey(PORTAL, BROWSER);
  const seen = { by: 'browser', referrer: 'claude.ai', landing: 'https://acme.example/' } as const;
  await nights.store.keep(browser, [touchFact('visit-one-000000000000', time.nowMs, seen)], []);
  crm.set('contacts', ann, { afterglow_visitor_id: BROWSER });
  await nights.hear(() => true);
  nights.later(DAY);

  await nights.run();

  expect(nights.shown(ann)).toMatchObject({ ai_first_source: 'Claude', ai_sessions: '1' });
  expect(await visitsIn(nights)).toEqual([expect.stringContaining(`${contactKey(PORTAL, ann)} touch#`)]);
});

test('a backfill finds of each contact what all webhooks would have told', async () => {
  const nights = await openNights(engine, { model: MODEL });
  const { crm } = nights.portal;
  const ann = crm.create('contacts', { jobtitle: 'CTO' });
  for (const [source, detail] of [
    ['AI_REFERRALS', 'chatgpt.com'],
    ['ORGANIC_SEARCH', 'Unknown keywords (SSL)'],
    ['AI_REFERRALS', 'gemini.google.com'],
  ] as const) {
    nights.later(DAY);
    visit(nights, ann, source, detail);
  }
  await nights.hear(() => true);
  nights.later(1);

  await nights.run('backfill');

  expect(nights.shown(ann)).toMatchObject({
    ai_first_source: 'ChatGPT',
    ai_last_source: 'Gemini',
    ai_sessions: '2',
    journey: expect.stringMatching(/^ChatGPT .* > .* > Gemini /),
  });
});

test('a model that begins to ask for visits is another comparison: all histories are looked at once more', () => {
  const { attribution: _visits, ...without } = MODEL;

  expect(comparisonOf(MODEL)).not.toBe(comparisonOf(without));
});
