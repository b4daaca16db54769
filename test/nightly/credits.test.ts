// Deals are credited as HubSpot has them, and HubSpot shows it, though nobody told of what happened to them.
import { touchFact } from '../../lambdas/scoring/touches.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { PORTAL } from '../write-back/system.ts';
import { creditModel } from './credited-deals.ts';
import { inPagesOf, type NightSystem, nightModel, openNights, wrong } from './system.ts';

const HOUR_MS = 3_600_000;
const DAY = 24;
const LONG_MS = 60_000;

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

interface Story {
  readonly nights: NightSystem;
  /** Who came by ChatGPT two days before; the deal is hers. */
  readonly ann: string;
  /** Who came by Google a day before. */
  readonly bob: string;
  readonly deal: string;
  /** What HubSpot shows of a deal, names without `afterglow_`. */
  readonly shown: (dealId?: string) => Record<string, string | null | undefined>;
  /** A deal that is won, of this amount. */
  readonly win: (amount: string) => string;
}

/** A deal of 400 that was won, and is told of, credited and shown; then a night that finds nothing wrong. */
async function openStory(model = creditModel(['linear'])): Promise<Story> {
  const nights = await openNights(engine, { model });
  const { crm, time } = nights.portal;
  const person = async (at: number, utmSource: string) => {
    const id = crm.create('contacts', { email: `${utmSource}@example.com` });
    const visit = touchFact(`visit-${id}`, time.nowMs - at * HOUR_MS, { by: 'server', utmSource });
    await nights.store.keep(contactKey(PORTAL, id), [visit], []);
    return id;
  };
  const story: Story = {
    nights,
    ann: await person(2 * DAY, 'chatgpt.com'),
    bob: await person(DAY, 'google'),
    deal: '',
    shown(dealId = story.deal) {
      const properties = crm.all('deals').find(({ id }) => id === dealId)?.properties ?? {};
      return Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [name.replace('afterglow_', ''), value]),
      );
    },
    win: (amount) =>
      crm.create('deals', { dealname: 'One', pipeline: 'default', dealstage: 'closedwon', amount }),
  };
  const deal = story.win('400');
  crm.associate('contacts', story.ann, 'deals', deal);
  await nights.hear();
  nights.later(DAY);
  await nights.run();
  nights.later(DAY);
  return { ...story, deal, shown: (id = deal) => story.shown(id) };
}

test(
  'what was heard of is credited and shown, and a night finds nothing wrong with it',
  async () => {
    const { nights, shown } = await openStory();

    const run = await nights.run();

    expect(wrong(run)).toEqual({});
    expect(shown()).toMatchObject({
      ai_influenced: 'true',
      ai_amount_linear: '400',
      top_source: expect.any(String),
    });
  },
  LONG_MS,
);

type Change = (story: Story) => unknown;

test.each<{ what: string; change: Change; found: object; shows: object }>([
  {
    what: 'its amount changed',
    change: ({ nights, deal }) => nights.portal.crm.set('deals', deal, { amount: '1000' }),
    found: { dealsMissed: 1, repaired: 1 },
    shows: { ai_amount_linear: '1000' },
  },
  {
    what: 'it was renamed',
    change: ({ nights, deal }) => nights.portal.crm.set('deals', deal, { dealname: 'Another' }),
    found: { dealsMissed: 1, repaired: 1 },
    shows: { ai_amount_linear: '400' },
  },
  {
    what: 'it was reopened',
    change: ({ nights, deal }) => nights.portal.crm.set('deals', deal, { dealstage: 'qualifiedtobuy' }),
    found: { dealsMissed: 1, repaired: 1 },
    shows: { ai_amount_linear: '400' },
  },
  {
    what: 'somebody else came to it',
    change: ({ nights, deal, bob }) => nights.portal.crm.associate('contacts', bob, 'deals', deal),
    found: { contactsMoved: 1, dealsMissed: 1, repaired: 2 },
    shows: { ai_amount_linear: '200' },
  },
  {
    what: 'somebody changed what we show',
    change: ({ nights, deal }) =>
      nights.portal.crm.set('deals', deal, { afterglow_ai_amount_linear: '1', afterglow_top_source: '' }),
    found: { dealCreditsDrifted: 1, repaired: 1 },
    shows: { ai_amount_linear: '400' },
  },
  {
    what: 'somebody cleared our write id',
    change: ({ nights, deal }) => nights.portal.crm.set('deals', deal, { afterglow_write_id: '' }),
    found: { dealCreditsDrifted: 1, repaired: 1 },
    shows: { write_id: expect.stringMatching(/./) },
  },
])(
  'where $what and nobody told of it, the night finds it, and HubSpot shows it then',
  async ({ change, found, shows }) => {
    const story = await openStory();
    const { nights } = story;
    change(story);
    nights.later(1);

    const run = await nights.run();

    expect(wrong(run)).toEqual(found);
    expect(story.shown()).toMatchObject(shows);
    nights.later(DAY);
    expect(wrong(await nights.run())).toEqual({});
  },
  LONG_MS,
);

test(
  'a deal that nobody told of is credited by the night',
  async () => {
    const { nights, ann, win, shown } = await openStory();
    const other = win('70');
    nights.portal.crm.associate('contacts', ann, 'deals', other);
    nights.later(1);

    const run = await nights.run();

    expect(wrong(run)).toEqual({ contactsMoved: 1, dealsUnknown: 1, repaired: 2 });
    expect(shown(other)).toMatchObject({ ai_influenced: 'true', ai_amount_linear: '70' });
    nights.later(DAY);
    expect(wrong(await nights.run())).toEqual({});
  },
  LONG_MS,
);

test(
  'what happened just now may still be on its way: it is mended, and not called missed',
  async () => {
    const { nights, deal, shown } = await openStory();
    nights.portal.crm.set('deals', deal, { amount: '1000' });

    const run = await nights.run();

    expect(wrong(run)).toEqual({});
    expect(shown()).toMatchObject({ ai_amount_linear: '1000' });
  },
  LONG_MS,
);

test.each([1, 100])(
  'a deal that HubSpot does not list any more is in no report (lists of %i)',
  async (perPage) => {
    const { nights, deal, ann, win } = await openStory();
    const { crm } = nights.portal;
    const others = [win('1'), win('2'), win('3'), win('4')];
    for (const other of others) crm.associate('contacts', ann, 'deals', other);
    await nights.hear();
    nights.deploy((own) => ({ lists: inPagesOf(perPage, own.lists) }));
    crm.delete('deals', deal);
    crm.delete('deals', others[1] ?? '');
    nights.later(1);

    const run = await nights.run();

    expect(wrong(run)).toMatchObject({ dealsGone: 2 });
    const { deals } = await nights.table.deals({ portalId: PORTAL }).page();
    expect(deals.map(({ dealId }) => dealId)).toEqual([others[0], others[2], others[3]]);
    nights.later(DAY);
    expect(wrong(await nights.run())).toEqual({});
  },
  LONG_MS,
);

test(
  'a deal that was deleted, and is back, is credited again',
  async () => {
    const { nights, deal, shown } = await openStory();
    const { crm } = nights.portal;
    crm.delete('deals', deal);
    nights.later(1);
    await nights.run();
    crm.restore('deals', deal);
    crm.set('deals', deal, { amount: '50' });
    nights.later(DAY);

    const run = await nights.run();

    expect(wrong(run)).toMatchObject({ dealsMissed: 1 });
    expect(shown()).toMatchObject({ ai_amount_linear: '50' });
    const { deals } = await nights.table.deals({ portalId: PORTAL }).page();
    expect(deals.map(({ dealId }) => dealId)).toEqual([deal]);
  },
  LONG_MS,
);

test(
  'deals that were merged are one, credited by the visits of both',
  async () => {
    const { nights, deal, bob, win, shown } = await openStory();
    const { crm } = nights.portal;
    const other = win('90');
    crm.associate('contacts', bob, 'deals', other);
    await nights.hear();
    const living = crm.merge('deals', deal, other);
    nights.later(1);

    await nights.run();

    const { deals } = await nights.table.deals({ portalId: PORTAL }).page();
    expect(deals.map(({ dealId }) => dealId)).toEqual([living]);
    expect(shown(living)).toMatchObject({ ai_amount_linear: '200' });
    nights.later(DAY);
    expect(wrong(await nights.run())).toEqual({});
  },
  LONG_MS,
);

test(
  'deals that changed are found by a night that looks at nothing but changes',
  async () => {
    const { nights, deal, shown } = await openStory();
    nights.portal.crm.set('deals', deal, { amount: '1000' });
    nights.later(1);
    nights.deploy(() => ({ dailyLimit: async () => 50, dailyPercent: 2 }));

    const run = await nights.run();

    expect(run.walks.map(({ way, object }) => `${way} ${object}`)).toContain('changed deals');
    expect(wrong(run)).toEqual({ dealsMissed: 1, repaired: 1 });
    expect(shown()).toMatchObject({ ai_amount_linear: '1000' });
  },
  LONG_MS,
);

test(
  'deals that another model credited are credited by this one, and nobody missed anything',
  async () => {
    const nights = await openStory();
    const head = async () =>
      (await nights.nights.table.deals({ portalId: PORTAL }).heads([nights.deal])).get(nights.deal);
    const asked: object[] = [];
    nights.nights.deploy(() => ({
      model: creditModel(['first', 'linear']),
      background: async (requests) => void asked.push(...requests),
    }));

    const run = await nights.nights.run();

    expect((await head())?.model).toBe(creditModel(['linear']).id);
    expect(asked).toContainEqual({ portalId: PORTAL, dealId: nights.deal, creditOnly: true });
    expect(run.figures).toMatchObject({ dealsMissed: 0, dealCreditsDrifted: 0 });
  },
  LONG_MS,
);

test(
  'where a model credits no deals, none are looked at for it',
  async () => {
    const { nights, deal } = await openStory(creditModel(['linear']));
    const asked: object[] = [];
    nights.deploy(() => ({
      model: nightModel({ exclusions: [] }),
      background: async (requests) => void asked.push(...requests),
    }));
    nights.portal.crm.set('deals', deal, { amount: '1000' });
    nights.later(1);

    const run = await nights.run();

    expect(run.walks.map(({ object }) => object)).not.toContain('deals');
    expect(JSON.stringify(asked)).not.toContain('dealId');
  },
  LONG_MS,
);
