// What became of records while nobody told: gone, merged, back; and what histories say.
import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { contactKey } from '../../lambdas/store/keys.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite } from '../store/table.ts';
import { PORTAL } from '../write-back/system.ts';
import { type NightSystem, openNights, wrong } from './system.ts';

const DAY = 24;

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

/** A portal with a contact whose page views were heard one by one, up to some. */
async function openWith(views: number): Promise<{ nights: NightSystem; id: string }> {
  const nights = await openNights(engine);
  const id = nights.portal.crm.create('contacts', { jobtitle: 'CTO', email: `ann@example.com` });
  for (let view = 1; view <= views; view++) look(nights, id, view);
  await nights.hear();
  return { nights, id };
}

/** Somebody looked at a page, an hour after whatever was before. */
function look({ portal, later }: NightSystem, id: string, views: number): void {
  later(1);
  portal.crm.set('contacts', id, { hs_analytics_num_page_views: views });
}

async function factsOf({ table }: NightSystem, id: string): Promise<Record<string, unknown>[]> {
  const rows = await table.rows();
  return rows.filter(({ pk, sk }) => pk === contactKey(PORTAL, id) && String(sk).startsWith('signal#'));
}

test('a contact in the recycling bin is marked as deleted, and lives again when it is restored', async () => {
  const { nights, id } = await openWith(2);
  const { crm } = nights.portal;
  await nights.run();
  nights.later(DAY);

  crm.delete('contacts', id);
  expect(wrong(await nights.run())).toEqual({ contactsGone: 1, repaired: 1 });
  expect((await nights.head(id)).life).toBe('deleted');
  nights.later(DAY);
  expect(wrong(await nights.run())).toEqual({});

  nights.later(DAY);
  crm.restore('contacts', id);
  nights.later(1);
  expect(wrong(await nights.run())).toEqual({ contactsRestored: 1, repaired: 1 });
  expect((await nights.head(id)).life).toBe('living');
  nights.later(DAY);
  expect(wrong(await nights.run())).toEqual({});
});

test('a contact without a trace counts as deleted, and is named for somebody to look into', async () => {
  const { nights, id } = await openWith(2);
  await nights.run();
  nights.later(DAY);

  nights.portal.crm.privacyDelete(id);

  expect(wrong(await nights.run())).toEqual({ contactsGone: 1, vanished: 1, repaired: 1 });
  expect((await nights.head(id)).life).toBe('deleted');
  expect(nights.logged).toContainEqual([expect.stringContaining('no trace'), { contactId: id }]);
  expect(nights.night.counted.get('Unknowable vanished')).toBe(1);
});

test('what is erased never comes back, whatever HubSpot lists', async () => {
  const { nights, id } = await openWith(2);
  await nights.store.erase(contactKey(PORTAL, id));
  nights.later(DAY);

  expect(wrong(await nights.run())).toEqual({});

  const rows = (await nights.table.rows()).filter(({ pk }) => pk === contactKey(PORTAL, id));
  expect(rows).toEqual([expect.objectContaining({ sk: '#head', life: 'erased' })]);
  expect(rows[0]).not.toHaveProperty('score');
});

test('merged contacts become one: what each did counts once, and what one counted counts for itself', async () => {
  const { nights, id: ann } = await openWith(4);
  const { crm } = nights.portal;
  const bob = crm.create('contacts', { email: 'bob@example.com' });
  crm.set('contacts', bob, { hs_email_last_click_date: new Date(nights.portal.time.nowMs).toISOString() });
  await nights.hear();
  await nights.run();
  nights.later(1);
  const merged = crm.merge('contacts', ann, bob);
  look(nights, merged, 6);
  nights.later(1);

  const run = await nights.run();

  expect(wrong(run)).toEqual({ contactsMerged: 2, repaired: 1 });
  // Three views of Ann's (the first is where her count begins), two of the one record, a click of Bob's at 5; hardly faded.
  expect(nights.shown(merged)).toMatchObject({ fit_score: '10', engagement_score: '10' });
  expect((await nights.head(ann)).alias).toBe(contactKey(PORTAL, merged));
  const clicks = (await factsOf(nights, merged)).filter(
    ({ name }) => name === 'property:hs_email_last_click_date',
  );
  expect(clicks).toHaveLength(1);
  const ownCounts = (await factsOf(nights, merged)).filter(({ record }) => record === merged);
  expect(ownCounts).toEqual([
    expect.objectContaining({ value: '4', baseline: true }),
    expect.objectContaining({ value: '6' }),
  ]);
  nights.later(DAY);
  expect(wrong(await nights.run())).toEqual({});
});

test('who dies when a contact is an alias already, and its facts are not moved yet, leaves none behind', async () => {
  const nights = await openNights(engine);
  const { crm } = nights.portal;
  const ann = crm.create('contacts', { hs_analytics_num_page_views: 1 });
  const bob = crm.create('contacts', { hs_analytics_num_page_views: 1 });
  nights.later(1);
  crm.set('contacts', bob, { hs_analytics_num_page_views: 6 });
  await nights.hear();
  nights.later(1);
  const merged = crm.merge('contacts', ann, bob);
  nights.later(1);
  let isListed = false;
  let deaths = 0;
  nights.failing = (command) => {
    isListed ||=
      command instanceof UpdateCommand && command.input.UpdateExpression?.includes('list_append') === true;
    if (!isListed || deaths > 0 || !(command instanceof QueryCommand)) return false;
    deaths += 1;
    return true;
  };

  await nights.run();

  expect(deaths).toBe(1);
  for (const old of [ann, bob]) expect(await factsOf(nights, old)).toEqual([]);
  expect(nights.shown(merged)).toMatchObject({ engagement_score: '5' });
});

test('records merged again and again are united once, not every night', async () => {
  const { nights, id: ann } = await openWith(2);
  const { crm } = nights.portal;
  const [bob, cleo] = [crm.create('contacts', {}), crm.create('contacts', {})];
  await nights.hear();
  await nights.run();
  const first = crm.merge('contacts', ann, bob);
  await nights.hear();
  crm.merge('contacts', first, cleo);
  nights.later(1);

  expect(wrong(await nights.run())).toMatchObject({ contactsMerged: 2 });

  nights.later(DAY);
  expect(wrong(await nights.run())).toEqual({});
});

test('what a webhook brings after the night is the fact that the night found', async () => {
  const { nights, id } = await openWith(2);
  const { crm, time } = nights.portal;
  look(nights, id, 3);
  nights.later(1);
  crm.set('contacts', id, { lifecyclestage: 'opportunity' });
  nights.later(1);
  crm.set('contacts', id, { hs_email_last_click_date: new Date(time.nowMs).toISOString() });
  nights.later(1);
  await nights.run();
  const facts = await factsOf(nights, id);
  const { writeId, lastSignalAtMs } = await nights.head(id);

  await nights.hear();

  expect(await factsOf(nights, id)).toEqual(facts);
  expect(await nights.head(id)).toMatchObject({ writeId, lastSignalAtMs });
});

test('what somebody did is worth what it is worth at the time at which it was done', async () => {
  const { nights, id } = await openWith(1);
  await nights.run();
  for (let view = 2; view <= 41; view++) look(nights, id, view);
  nights.later(30 * DAY);

  await nights.run();

  // 40 views, each about 30 days old, which is one half-life.
  expect(nights.shown(id)).toMatchObject({ engagement_score: '20' });
});

test('a change that HubSpot no longer remembers is counted, and so is no rise that nobody saw', async () => {
  const { nights, id } = await openWith(1);
  await nights.run();
  // HubSpot keeps 45 versions of a contact's property: the first 15 are lost.
  for (let view = 2; view <= 61; view++) look(nights, id, view);

  const run = await nights.run();

  expect(wrong(run)).toMatchObject({ historyCut: 1, contactsMissed: 1 });
  const rises = await factsOf(nights, id);
  expect(rises.filter((row) => row['baseline'] === true).map((row) => row['value'])).toContain('17');
  nights.later(1);
  expect(wrong(await nights.run())).toEqual({});
});

test('what an app of our own wrote is no signal', async () => {
  const nights = await openNights(engine, { parts: () => ({ ownAppIds: ['4711'] }) });
  const { crm } = nights.portal;
  const id = crm.create('contacts', { jobtitle: 'CTO' });
  nights.later(1);
  const source = { changeSource: 'INTEGRATION', sourceId: '4711' } as const;
  crm.set('contacts', id, { lifecyclestage: 'opportunity' }, { source });
  nights.later(1);

  await nights.run();

  expect(nights.shown(id)).toMatchObject({ fit_score: '10', engagement_score: '0' });
});
