// Of two portals in which the same happens one hears everything, the other nine of ten events. After a night they say the same.
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { type NightSystem, openNights, wrong } from './system.ts';

const DAYS = 3;
const CONTACTS = 12;
const LONG_MS = 180_000;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

/** The same numbers for the same seed, 0 to 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** Some days in the life of a portal, the same for the same seed. */
async function live(nights: NightSystem, seed: number, hear: () => Promise<void>): Promise<string[]> {
  const { crm, time } = nights.portal;
  const next = numbers(seed);
  const one = <T>(of: readonly T[]) => of[Math.floor(next() * of.length)];
  const companies = [20, 500].map((numberofemployees) => crm.create('companies', { numberofemployees }));
  const ids = Array.from({ length: CONTACTS }, (_, at) =>
    crm.create('contacts', { email: `${at}@example.com` }),
  );
  const views = new Map<string, number>();
  for (let day = 0; day < DAYS; day++) {
    for (let act = 0; act < 40; act++) {
      nights.later(0.5);
      const id = one(ids) ?? '';
      const what = next();
      views.set(id, (views.get(id) ?? 0) + 1);
      if (what < 0.4) crm.set('contacts', id, { hs_analytics_num_page_views: views.get(id) ?? 0 });
      else if (what < 0.6)
        crm.set('contacts', id, { hs_email_last_click_date: new Date(time.nowMs).toISOString() });
      else if (what < 0.7) crm.set('contacts', id, { lifecyclestage: one(['lead', 'opportunity']) ?? '' });
      else if (what < 0.8) crm.set('contacts', id, { jobtitle: one(['CTO', 'Gardener']) ?? '' });
      else if (what < 0.9)
        crm.associate('contacts', id, 'companies', one(companies) ?? '', { primary: true });
      else if (what < 0.95)
        crm.set('companies', one(companies) ?? '', { numberofemployees: one([50, 150]) ?? 0 });
      else {
        const deal = crm.create('deals', {
          dealname: 'One',
          dealstage: one(['closedwon', 'closedlost']) ?? '',
        });
        crm.associate('contacts', id, 'deals', deal);
      }
    }
    await hear();
  }
  return ids;
}

test.each([1, 2])(
  'what one in ten events would have told, the night finds out: seed %i',
  async (seed) => {
    const [all, some] = [await openNights(engine), await openNights(engine)];
    const lose = numbers(seed + 100);
    let lost = 0;

    const ids = await live(all, seed, () => all.hear());
    expect(
      await live(some, seed, () =>
        some.hear(() => {
          const isLost = lose() < 0.1;
          if (isLost) lost += 1;
          return isLost;
        }),
      ),
    ).toEqual(ids);
    expect(lost).toBeGreaterThan(5);
    const nowMs = Math.max(all.portal.time.nowMs, some.portal.time.nowMs) + 3_600_000;
    for (const nights of [all, some]) {
      nights.portal.time.nowMs = nowMs;
      await nights.run();
      // Whatever waited how long: both are looked at in the same minute.
      nights.portal.time.nowMs = nowMs + 6 * 3_600_000;
      for (const id of ids) await nights.rescore(id);
      await nights.run('rescore');
    }

    for (const id of ids) {
      const { scored_at: _scored, ...expected } = all.shown(id);
      const { scored_at: _at, ...shown } = some.shown(id);
      expect({ id, ...shown }).toEqual({ id, ...expected });
    }
    expect(wrong((await all.state()).last ?? (await all.run())).historyCut).toBeUndefined();
  },
  LONG_MS,
);
