// What a night finds wrong, and how it looks afterwards.
import type { Figures } from '../../lambdas/nightly/run.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { type NightSystem, openNights, wrong } from './system.ts';

const DAY = 24;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

/** Records of a small portal. */
interface Cast {
  /** A CTO with three page views, of a company of 20 people. */
  readonly ann: string;
  /** Nothing is known of him but his address. */
  readonly bob: string;
  readonly small: string;
  readonly large: string;
  readonly deal: string;
}

/** All of it was told, written and compared on a quiet night. */
async function openPortal(): Promise<{ nights: NightSystem; cast: Cast }> {
  const nights = await openNights(engine);
  const { crm } = nights.portal;
  const ann = crm.create('contacts', { jobtitle: 'CTO', email: 'ann@example.com' });
  const bob = crm.create('contacts', { email: 'bob@example.com' });
  const small = crm.create('companies', { name: 'Small', numberofemployees: 20 });
  const large = crm.create('companies', { name: 'Large', numberofemployees: 500 });
  const deal = crm.create('deals', { dealname: 'One', dealstage: 'appointmentscheduled' });
  crm.associate('contacts', ann, 'companies', small, { primary: true });
  crm.associate('contacts', ann, 'deals', deal);
  for (const views of [1, 2, 3]) {
    nights.later(1);
    crm.set('contacts', ann, { hs_analytics_num_page_views: views });
  }
  await nights.hear();
  nights.later(DAY);
  expect(wrong(await nights.run())).toEqual({});
  expect(nights.shown(ann)).toMatchObject({ fit_score: '10', engagement_score: '2', score: '12' });
  expect(nights.shown(bob)).toMatchObject({ status: 'insufficient_data' });
  nights.later(DAY);
  return { nights, cast: { ann, bob, small, large, deal } };
}

interface Case {
  readonly what: string;
  readonly act: (crm: NightSystem['portal']['crm'], cast: Cast) => void;
  readonly found: Partial<Figures>;
  /** What HubSpot shows of Ann afterwards. */
  readonly shown?: Record<string, string | null>;
  /** What HubSpot shows of her first company. */
  readonly ofCompany?: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: 'a contact was made',
    act: (crm) => void crm.create('contacts', { jobtitle: 'CTO' }),
    found: { contactsUnknown: 1, repaired: 1 },
  },
  {
    what: 'a value changed',
    act: (crm, { ann }) => crm.set('contacts', ann, { jobtitle: 'Gardener' }),
    found: { contactsMissed: 1, repaired: 1 },
    shown: { fit_score: '0' },
  },
  {
    what: 'a value was cleared',
    act: (crm, { ann }) => crm.set('contacts', ann, { jobtitle: null }),
    found: { contactsMissed: 1, repaired: 1 },
    shown: { fit_score: '0' },
  },
  {
    what: 'somebody clicked',
    act: (crm, { ann }) => crm.set('contacts', ann, { hs_email_last_click_date: '2026-11-12T10:00:00Z' }),
    found: { contactsMissed: 1, repaired: 1 },
    // 2 views fade to 1.9 in two days, 5 points of a click stay 4.9 for a day.
    shown: { engagement_score: '7' },
  },
  {
    what: 'somebody looked at four more pages',
    act: (crm, { ann }) => crm.set('contacts', ann, { hs_analytics_num_page_views: 7 }),
    found: { contactsMissed: 1, repaired: 1 },
    shown: { engagement_score: '6' },
  },
  {
    what: 'somebody became an opportunity',
    act: (crm, { ann }) => crm.set('contacts', ann, { lifecyclestage: 'opportunity' }),
    found: { contactsMissed: 1, repaired: 1 },
    shown: { engagement_score: '22' },
  },
  {
    what: 'a contact came to another company',
    act: (crm, { ann, large }) => crm.associate('contacts', ann, 'companies', large, { primary: true }),
    found: { contactsMoved: 1, repaired: 1 },
    shown: { fit_score: '20' },
  },
  {
    what: 'a company grew',
    act: (crm, { small }) => crm.set('companies', small, { numberofemployees: 120 }),
    found: { companiesMissed: 1, repaired: 1 },
    shown: { fit_score: '20' },
  },
  {
    what: 'companies were merged',
    act: (crm, { small, large }) => void crm.merge('companies', large, small),
    // Ann is seen under the record that lives before the tick for its contacts comes to her.
    found: { companiesMissed: 1, contactsMoved: 1, repaired: 2 },
    shown: { fit_score: '20' },
  },
  {
    what: 'a deal was won',
    act: (crm, { deal }) => crm.set('deals', deal, { dealstage: 'closedwon' }),
    found: { dealsMissed: 1, repaired: 1 },
    shown: { status: 'excluded_customer', score: null },
  },
  {
    what: 'a contact got a deal that is won',
    act(crm, { ann }) {
      const won = crm.create('deals', { dealname: 'Two', dealstage: 'closedwon' });
      crm.associate('contacts', ann, 'deals', won);
    },
    found: { contactsMoved: 1, repaired: 1 },
    shown: { status: 'excluded_customer', score: null },
  },
  {
    what: 'somebody wrote a score by hand',
    act: (crm, { ann }) => crm.set('contacts', ann, { afterglow_score: 99 }),
    found: { scoresEdited: 1, repaired: 1 },
    shown: { score: '12' },
  },
  {
    what: 'somebody wrote the reasons by hand',
    act: (crm, { ann }) => crm.set('contacts', ann, { afterglow_reasons: 'I like her' }),
    found: { scoresEdited: 1, repaired: 1 },
  },
  {
    what: 'a score was cleared, with all that belongs to it',
    act: (crm, { ann }) => crm.set('contacts', ann, { afterglow_score: null, afterglow_write_id: null }),
    found: { scoresMissing: 1, repaired: 1 },
    shown: { score: '12' },
  },
  {
    what: 'an import brought back what stood there before',
    act: (crm, { ann }) => crm.set('contacts', ann, { afterglow_score: 3, afterglow_write_id: 'older' }),
    found: { scoresStale: 1, repaired: 1 },
    shown: { score: '12' },
  },
  {
    what: 'somebody wrote the score of a company by hand',
    act: (crm, { small }) => crm.set('companies', small, { afterglow_company_score: 1 }),
    found: { companyScoresDrifted: 1, repaired: 1 },
    ofCompany: /^12$/,
  },
];

test.each(CASES)(
  '$what, and nobody told: the night sees to it',
  async ({ act, found, shown = {}, ofCompany }) => {
    const { nights, cast } = await openPortal();
    act(nights.portal.crm, cast);
    nights.later(1);

    expect(wrong(await nights.run())).toEqual(found);

    expect(nights.shown(cast.ann)).toMatchObject(shown);
    expect(nights.companyScore(cast.small) ?? '').toMatch(ofCompany ?? /^\d*$/);
    nights.later(DAY);
    expect(wrong(await nights.run())).toEqual({});
    expect(nights.specProblems()).toEqual([]);
  },
);
