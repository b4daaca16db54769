// The table is restored from a backup: what HubSpot knows of the time since, a night brings back (docs/deploy.md).
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { contactKey } from '../../lambdas/store/keys.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { type Engine, startDynalite, type Table } from '../store/table.ts';
import { PORTAL } from '../write-back/system.ts';
import { inPagesOf, openNights } from './system.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(() => engine.stop());

/** A table as it was. */
async function restore(table: Table, rows: readonly Record<string, unknown>[]): Promise<void> {
  for (const { pk, sk } of await table.rows())
    await table.client.send(new DeleteCommand({ TableName: table.tableName, Key: { pk, sk } }));
  await table.put(rows);
}

/** A portal that lives for a day, and for another one after the table was copied. */
async function liveTwoDays(dailyPercent: number) {
  const nights = await openNights(engine, {
    parts: ({ lists }) => ({ dailyPercent, lists: inPagesOf(dailyPercent < 1 ? 1 : 100, lists) }),
  });
  const { crm } = nights.portal;
  const contact = (name: string) => crm.create('contacts', { email: `${name}@example.com`, jobtitle: 'CTO' });
  const [risen, fallen, moved, gone, one, other, calm] = [
    contact('risen'),
    contact('fallen'),
    contact('moved'),
    contact('gone'),
    contact('one'),
    contact('other'),
    contact('calm'),
  ];
  const company = crm.create('companies', { name: 'Large', numberofemployees: 20 });
  crm.associate('contacts', calm, 'companies', company, { primary: true });
  await nights.hear();
  nights.later(24);
  await nights.run();
  const copy = await nights.table.rows();

  nights.later(1);
  for (const views of [1, 2, 3, 4]) {
    nights.later(1);
    crm.set('contacts', risen, { hs_analytics_num_page_views: views });
  }
  crm.set('contacts', risen, { lifecyclestage: 'opportunity' });
  crm.set('contacts', fallen, { jobtitle: 'Gardener' });
  crm.associate('contacts', moved, 'companies', company, { primary: true });
  crm.set('companies', company, { numberofemployees: 500 });
  crm.delete('contacts', gone);
  const merged = crm.merge('contacts', one, other);
  const come = contact('come');
  await nights.hear();
  nights.later(20);
  await nights.run();
  return { nights, copy, gone, all: [risen, fallen, moved, merged, calm, come], company };
}

test.each([
  { how: 'compared whole', dailyPercent: 2, life: 'deleted' },
  { how: 'too large for that: the deleted one is found some night', dailyPercent: 0.000_2, life: 'living' },
])(
  'scores are what they were before the table was restored, of a portal $how',
  async ({ dailyPercent, life }) => {
    const { nights, copy, gone, all, company } = await liveTwoDays(dailyPercent);
    const shown = () => all.map((id) => nights.shown(id)['score']);
    expect(shown()).toEqual(['33', '0', '20', '10', '20', '10']);
    const companyBefore = nights.companyScore(company);

    await restore(nights.table, copy);
    nights.later(1);
    await nights.run();

    expect(shown()).toEqual(['33', '0', '20', '10', '20', '10']);
    expect(nights.companyScore(company)).toBe(companyBefore);
    const heads = await nights.table
      .contacts({ portalId: PORTAL })
      .heads([...all, gone].map((id) => contactKey(PORTAL, id)));
    const kept = all.map((id) => heads.get(contactKey(PORTAL, id))?.shown?.score);
    expect(kept).toEqual([33, 0, 20, 10, 20, 10]);
    expect(heads.get(contactKey(PORTAL, gone))?.life).toBe(life);
  },
);
