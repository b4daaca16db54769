// What a night must not take for what it seems: late news, clocks that were wrong, answers that leave things out, pages that are old.
import { contactKey } from '../../lambdas/store/keys.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { PORTAL } from '../write-back/system.ts';
import { asEvent, type NightSystem, openNights, wrong } from './system.ts';

const DAY = 24;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

async function factsOf({ table }: NightSystem, id: string): Promise<Record<string, unknown>[]> {
  const rows = await table.rows();
  return rows.filter(({ pk, sk }) => pk === contactKey(PORTAL, id) && String(sk).startsWith('signal#'));
}

test('a contact merged more often than aliases are followed does not hold up the night', async () => {
  const nights = await openNights(engine);
  const { crm } = nights.portal;
  let id = crm.create('contacts', { jobtitle: 'CTO' });
  await nights.hear();
  for (let merge = 1; merge <= 12; merge++) {
    id = crm.merge('contacts', id, crm.create('contacts', {}));
    await nights.hear();
  }
  const other = crm.create('contacts', { jobtitle: 'CTO' });
  nights.later(1);

  await nights.run();

  expect(nights.shown(other)).toMatchObject({ fit_score: '10' });
  expect(nights.shown(id)).toMatchObject({ fit_score: '10' });
});

test('a change that stands in the history with a time that cannot be is no signal for ever, and bars no later value', async () => {
  const nights = await openNights(engine);
  const { crm, time } = nights.portal;
  const id = crm.create('contacts', { jobtitle: 'Gardener' });
  const atMs = time.nowMs + 400 * DAY * 3_600_000;
  crm.set('contacts', id, { lifecyclestage: 'opportunity', jobtitle: 'CTO' }, { atMs });
  nights.later(1);
  await nights.run();
  expect(await factsOf(nights, id)).toEqual([]);
  expect(nights.shown(id)).toMatchObject({ fit_score: '10' });
  const kept = (await nights.table.rows()).find(({ sk }) => sk === 'property#jobtitle');
  expect(kept?.['at']).toBeLessThanOrEqual(time.nowMs);
});

test('what HubSpot worked out hours later counts from when it happened', async () => {
  const nights = await openNights(engine);
  const { crm, time } = nights.portal;
  const id = crm.create('contacts', { jobtitle: 'CTO', hs_analytics_num_page_views: 1 });
  await nights.hear();
  nights.later(5);
  await nights.run();
  crm.set('contacts', id, { hs_analytics_num_page_views: 4 }, { atMs: time.nowMs - 2 * 3_600_000 });
  crm.set('contacts', id, { city: 'Bonn' });
  nights.later(1);

  expect(wrong(await nights.run())).toEqual({ contactsMissed: 1, repaired: 1 });

  expect(nights.shown(id)).toMatchObject({ engagement_score: '3' });
});

test('a page that is older than our last reading of a contact does not undo it', async () => {
  const nights = await openNights(engine);
  const { crm } = nights.portal;
  const [small = '', large = ''] = [20, 500].map((numberofemployees) =>
    crm.create('companies', { numberofemployees }),
  );
  const id = crm.create('contacts', { jobtitle: 'CTO' });
  crm.associate('contacts', id, 'companies', small, { primary: true });
  await nights.hear();
  nights.later(DAY);
  await nights.run();
  nights.later(DAY);
  nights.deploy((own) => ({
    lists: {
      ...own.lists,
      contacts: {
        ...own.lists.contacts,
        async list(request) {
          const page = await own.lists.contacts.list(request);
          nights.later(0.01);
          crm.associate('contacts', id, 'companies', large, { primary: true });
          nights.later(0.01);
          await nights.hear();
          return page;
        },
      },
    },
  }));

  const run = await nights.run();

  expect(nights.shown(id)).toMatchObject({ fit_score: '20' });
  expect(wrong(run)).toEqual({});
  expect((await nights.head(id)).readAtMs).toBeDefined();
});

test('histories that an answer leaves out are asked for again', async () => {
  const nights = await openNights(engine);
  const id = nights.portal.crm.create('contacts', { jobtitle: 'CTO' });
  nights.later(1);
  let answers = 0;
  nights.deploy((own) => ({
    lists: {
      ...own.lists,
      contacts: {
        ...own.lists.contacts,
        async readHistories(ids, properties) {
          answers += 1;
          return answers === 1 ? [] : own.lists.contacts.readHistories(ids, properties);
        },
      },
    },
  }));

  await nights.run();

  expect(nights.shown(id)).toMatchObject({ fit_score: '10' });
});

test('a list that breaks off takes nobody for gone', async () => {
  const nights = await openNights(engine);
  const { crm } = nights.portal;
  const ids = Array.from({ length: 6 }, () => crm.create('contacts', { jobtitle: 'CTO' }));
  await nights.hear();
  nights.later(1);
  nights.deploy((own) => ({
    lists: {
      ...own.lists,
      contacts: { ...own.lists.contacts, list: async () => ({ records: [], after: undefined }) },
    },
  }));

  expect(wrong(await nights.run())).toEqual({});

  for (const id of ids) expect((await nights.head(id)).life).toBe('living');
});

test('a run that died makes room for that of the next night, also where clocks go forward in between', async () => {
  const nights = await openNights(engine);
  nights.portal.crm.create('contacts', {});
  await nights.nightly(asEvent({ job: 'nightly', portalId: '1' }));
  const dead = (await nights.state()).current?.id;
  nights.later(23);

  await nights.nightly(asEvent({ job: 'nightly', portalId: '1' }));

  expect((await nights.state()).current?.id).not.toBe(dead);
});
