// What a run looks at: everything, what changed and a share, everything with its histories, or the table alone.
import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { inPagesOf, type NightSystem, nightModel, openNights, wrong } from './system.ts';

const DAY = 24;
const LONG_MS = 120_000;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

/** Contacts with three page views each, an hour apart, of which nobody was told. */
function fill({ portal, later }: NightSystem, count: number): string[] {
  const ids = Array.from({ length: count }, (_, at) =>
    portal.crm.create('contacts', { jobtitle: 'CTO', email: `${at}@example.com` }),
  );
  for (const views of [1, 2, 3]) {
    later(1);
    for (const id of ids) portal.crm.set('contacts', id, { hs_analytics_num_page_views: views });
  }
  later(1);
  return ids;
}

/** A night may take no page at all, which is never less than one of the share; two contacts stand on it. */
const FEW = (own: Parameters<Parameters<NightSystem['deploy']>[0]>[0]) => ({
  dailyLimit: async () => 0,
  turnMs: 0,
  pagesAtATime: 1,
  lists: inPagesOf(2, own.lists),
});

test(
  'a backfill scores a portal from nothing, with what its histories tell, and is not drift',
  async () => {
    const nights = await openNights(engine);
    const [id = '', ...others] = fill(nights, 3);
    nights.takeCalls();

    const run = await nights.run('backfill');

    expect(run).toMatchObject({ kind: 'backfill', expectedPages: 1, figures: { contacts: 3, calls: 6 } });
    expect([...nights.night.counted.keys()].filter((name) => name.startsWith('NightDrift'))).toEqual([]);
    // The first view is where the count begins; two more count.
    for (const one of [id, ...others])
      expect(nights.shown(one)).toMatchObject({ fit_score: '10', engagement_score: '2' });
    nights.later(DAY);
    expect(wrong(await nights.run())).toEqual({});
  },
  LONG_MS,
);

test(
  'pages of which little has changed are compared together: their histories take one call',
  async () => {
    const nights = await openNights(engine);
    const ids = fill(nights, 8);
    await nights.run('backfill');
    nights.later(DAY);
    await nights.run(); // Which finds that we wrote all of them.
    nights.later(DAY);
    for (const id of [ids[0], ids[3], ids[5]])
      nights.portal.crm.set('contacts', id ?? '', { hs_analytics_num_page_views: 9 });
    nights.later(1);
    let histories = 0;
    nights.deploy((own) => {
      const lists = inPagesOf(2, own.lists);
      const readHistories: typeof lists.contacts.readHistories = (...asked) => {
        histories += 1;
        return lists.contacts.readHistories(...asked);
      };
      return { pagesAtATime: 3, lists: { ...lists, contacts: { ...lists.contacts, readHistories } } };
    });

    const run = await nights.run();

    // Of companies and deals there is one empty page each. Four pages of two: three of them together, then the last; all three contacts
    // stand on the first three.
    expect(run.figures).toMatchObject({ pages: 6, contacts: 8, contactsMissed: 3 });
    expect(histories).toBe(1);
    for (const id of [ids[0], ids[3], ids[5]])
      expect(nights.shown(id ?? '')).toMatchObject({ engagement_score: '8' });
  },
  LONG_MS,
);

test(
  'a page that cannot be read does not undo those that were read before it',
  async () => {
    const nights = await openNights(engine);
    const ids = fill(nights, 6);
    const asked: (string | undefined)[] = [];
    nights.deploy((own) => {
      const lists = inPagesOf(2, own.lists);
      const list: typeof lists.contacts.list = (request) => {
        asked.push(request.after);
        if (asked.length === 2) throw new HubSpotError('unknown', 0, 'no answer');
        return lists.contacts.list(request);
      };
      return { pagesAtATime: 8, lists: { ...lists, contacts: { ...lists.contacts, list } } };
    });

    const run = await nights.run();

    expect(run.figures).toMatchObject({ pages: 5, contacts: 6, contactsUnknown: 6 });
    expect(asked).toEqual([undefined, ids[1], ids[1], ids[3]]);
  },
  LONG_MS,
);

test(
  'scoring everybody anew asks HubSpot for nothing',
  async () => {
    const nights = await openNights(engine);
    fill(nights, 3);
    await nights.run('backfill');
    nights.later(1);
    nights.takeCalls();

    const run = await nights.run('rescore');

    expect(run).toMatchObject({ kind: 'rescore', figures: { contacts: 3, pages: 1, calls: 0 } });
    expect(nights.night.counted.get('ReconcileFinished')).toBe(1); // The backfill: who scores anew compares nothing.
    expect(nights.takeCalls()).toEqual([]);
    expect((await nights.head((await nights.store.idsBetween(undefined, undefined))[0] ?? '')).revision).toBe(
      2,
    );
  },
  LONG_MS,
);

test(
  'a portal too large for a night is looked at in shares, and what changed is found at once',
  async () => {
    const nights = await openNights(engine, {
      model: nightModel({ exclusions: [], companyScore: undefined }),
    });
    const ids = fill(nights, 7);
    await nights.run('backfill');
    nights.later(DAY);
    nights.deploy(FEW);
    const last = ids.at(-1) ?? '';
    nights.portal.crm.set('contacts', last, { jobtitle: 'Gardener' });
    nights.portal.crm.delete('contacts', ids[4] ?? '');
    nights.later(1);

    const found = [];
    const rolledTo = [];
    for (let night = 0; night < 5; night++) {
      const run = await nights.run();
      found.push(wrong(run));
      rolledTo.push((await nights.state()).rolledTo);
      nights.later(DAY);
    }

    expect(found[0]).toEqual({ contactsMissed: 1, repaired: 1 });
    expect(nights.shown(last)).toMatchObject({ fit_score: '0' });
    // The fifth of seven contacts stands on the third page of two.
    expect(found.map(({ contactsGone = 0 }) => contactsGone)).toEqual([0, 0, 1, 0, 0]);
    // The share goes on behind the last, and at the beginning again after the end.
    expect(rolledTo).toEqual([ids[1], ids[3], undefined, ids[1], ids[3]]);
  },
  LONG_MS,
);

test(
  'a window begins before the last run did, and what changes while it is looked at is for the next',
  async () => {
    const nights = await openNights(engine, {
      model: nightModel({ exclusions: [], companyScore: undefined }),
    });
    fill(nights, 2);
    const { startedAtMs } = await nights.run('backfill');
    nights.later(DAY);
    const since: (number | undefined)[] = [];
    nights.deploy((own) => {
      const { lists } = FEW(own);
      // Somebody, we for one, never stops changing contacts.
      const changedSince: typeof lists.contacts.changedSince = async (sinceMs, _after, properties) => {
        since.push(sinceMs);
        const page = await lists.contacts.changedSince(sinceMs, undefined, properties);
        const updatedAtMs = nights.portal.time.nowMs + 1;
        return { ...page, records: page.records.map((each) => ({ ...each, updatedAtMs })), after: 'more' };
      };
      const contacts = { ...lists.contacts, changedSince };
      return { ...FEW(own), lists: { ...lists, contacts } };
    });
    await nights.run();

    // Once to know how many there are, once to look at them.
    const windowMs = startedAtMs - 15 * 60_000;
    expect(since).toEqual([windowMs, windowMs]);
  },
  LONG_MS,
);

test(
  'a model that asks for another property has everybody read once, histories included',
  async () => {
    const nights = await openNights(engine);
    const { crm } = nights.portal;
    const id = crm.create('contacts', { jobtitle: 'CTO', lifecyclestage: 'lead' });
    nights.later(1);
    crm.set('contacts', id, { hs_lead_status: 'OPEN' });
    nights.later(1);
    await nights.run();
    nights.later(DAY);
    const from = { kind: 'transition', property: 'hs_lead_status', to: ['OPEN'] };
    const signals = [{ id: 'open', title: 'Open', from, points: 7, halfLifeDays: 'never' }];

    nights.deploy(() => ({ model: nightModel({ engagement: { signals } }) }));
    expect(wrong(await nights.run())).toEqual({});

    expect(nights.shown(id)).toMatchObject({ engagement_score: '7' });
  },
  LONG_MS,
);

test(
  'a property that HubSpot does not let us write is passed over',
  async () => {
    const nights = await openNights(engine);
    const [id = ''] = fill(nights, 1);
    await nights.run();
    nights.later(DAY);
    nights.portal.crm.set('contacts', id, { afterglow_reasons: 'by hand' });
    nights.deploy(() => ({ withheld: { read: async () => ({ names: ['afterglow_reasons'] }) } }));

    expect(wrong(await nights.run())).toEqual({});
  },
  LONG_MS,
);

test(
  'with reconciliation turned off a night tells what faded, and asks HubSpot for nothing',
  async () => {
    const nights = await openNights(engine, { parts: () => ({ dailyPercent: 0 }) });
    const [id = ''] = fill(nights, 1);
    await nights.rescore(id, (scored) => ({ ...scored, dueNight: '2026-11-11' }));
    nights.later(DAY);
    nights.takeCalls();

    const run = await nights.run();

    expect(run).toMatchObject({ walks: [], figures: { due: 1, ticked: 1, contacts: 0, calls: 0 } });
    expect(nights.logged).toContainEqual([
      'reconciled',
      expect.objectContaining({ kind: 'nightly', due: 1, finished: true }),
    ]);
  },
  LONG_MS,
);
