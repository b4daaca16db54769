import type { Credit, CreditedDeal } from '../../lambdas/attribution/credit.ts';
import type { Credited, DealHead, DealTable, Restatement } from '../../lambdas/store/deal-table.ts';
import { NOON } from './plain-score.ts';
import { createTable, ENGINES, type Engine, type Table } from './table.ts';

const deal = (more: Partial<CreditedDeal> = {}): CreditedDeal => ({
  id: '7',
  name: 'A year of it',
  pipeline: 'default',
  stage: 'closedwon',
  state: 'won',
  amount: '1000.01',
  currency: 'EUR',
  stageSinceMs: NOON,
  createdAtMs: NOON - 5,
  closedAtMs: NOON,
  contactIds: ['1', '2'],
  ...more,
});

const CREDIT: Credit = {
  decimals: 2,
  units: 100_001n,
  touches: 2,
  path: ['ai/chatgpt', 'search/google'],
  byModel: {
    linear: [
      { source: 'ai/chatgpt', share: 0.5, units: 50_001n },
      { source: 'search/google', share: 0.5, units: 50_000n },
    ],
  },
};

const credited = (more: Partial<Credited> = {}): Credited => ({
  deal: deal(),
  credit: CREDIT,
  model: 'm@1',
  writeId: 'write-1',
  readAtMs: NOON,
  updatedAtMs: NOON - 1,
  restatement: undefined,
  ...more,
});

const line = (to: string): Restatement => ({ atMs: NOON, why: 'amount', from: 'before', to });

const ids = (from: number, count: number) => Array.from({ length: count }, (_, at) => String(from + at));

describe.each(ENGINES)('on $name', ({ start }) => {
  let engine: Engine;
  let table: Table;
  let deals: DealTable;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    table = await createTable(engine);
    deals = table.deals();
  });

  async function head(id = '7'): Promise<DealHead> {
    const found = (await deals.heads([id])).get(id);
    if (found === undefined) throw new Error(`no head of ${id}`);
    return found;
  }
  const store = async (id = '7', more: Partial<Credited> = {}) =>
    deals.store(await head(id), credited({ deal: deal({ id }), ...more }), NOON);
  const listed = async (after?: string) => {
    const page = await deals.page(after);
    return [page.deals.map(({ dealId }) => dealId), page.after];
  };

  test('a deal of which nothing was heard has a head without a credit', async () => {
    expect(await head()).toMatchObject({
      dealId: '7',
      revision: 0,
      life: 'living',
      credit: undefined,
      log: [],
    });
  });

  test('a credit comes back as it was stored, to the unit', async () => {
    const stored = await store();

    expect(await head()).toEqual(stored);
    expect(stored).toMatchObject({
      revision: 1,
      deal: deal(),
      credit: CREDIT,
      model: 'm@1',
      writeId: 'write-1',
      shownAtMs: NOON,
      readAtMs: NOON,
      updatedAtMs: NOON - 1,
    });
  });

  test('amounts beyond what numbers hold exactly stay exact, and a deal without an amount has none', async () => {
    const huge = 12_345_678_901_234_567_890n;
    await store('7', { credit: { ...CREDIT, units: huge } });
    await store('8', {
      credit: { ...CREDIT, units: undefined },
      deal: deal({ id: '8', closedAtMs: undefined }),
    });

    expect((await head('7')).credit?.units).toBe(huge);
    expect([(await head('8')).credit?.units, (await head('8')).deal?.closedAtMs]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('of two who read the same head, one stores; and a store that changes nothing counts as one', async () => {
    await store();
    const read = await head();

    const first = await deals.store(read, credited(), NOON);
    const second = await deals.store(read, credited({ writeId: 'other' }), NOON);

    expect([first?.revision, second]).toEqual([2, undefined]);
    expect((await head()).writeId).toBe('write-1');
  });

  test('the log has the newest line first, twenty at most, and says how many are left out', async () => {
    for (let at = 1; at <= 22; at++) await store('7', { restatement: line(`line ${at}`) });

    const { log, logCut } = await head();

    expect([log.length, log[0], log.at(-1)?.to, logCut]).toEqual([20, line('line 22'), 'line 3', 2]);
  });

  test('a write that was overtaken is not confirmed, though the same came to be shown again', async () => {
    const first = await store();
    await deals.store(await head(), credited({ writeId: 'other' }), NOON + 1);
    const back = await deals.store(await head(), credited(), NOON + 2);

    expect(await deals.confirm('7', first ?? (await head()))).toBe(false);
    expect(await deals.confirm('7', back ?? (await head()))).toBe(true);
    expect((await head()).confirmedWriteId).toBe('write-1');
  });

  test('the writes of an hour are counted with the confirmation', async () => {
    const stored = await store();
    const writes = { sinceMs: NOON, count: 3 };

    await deals.confirm('7', stored ?? (await head()), writes);

    expect((await head()).writes).toEqual(writes);
    await deals.countWrite('7', { ...writes, count: 4 });
    expect((await head()).writes?.count).toBe(4);
  });

  test('a merged deal leads to the one that lives, which is to be read again and lists it', async () => {
    await store('7');
    await store('9', { deal: deal({ id: '9' }) });

    await deals.unite('7', '9');

    expect(await head('7')).toMatchObject({
      dealId: '9',
      oldIds: ['7'],
      creditedOldIds: 0,
      readAtMs: undefined,
    });
    expect((await deals.kept(['7', '8'])).get('7')).toMatchObject({ dealId: '7', credit: CREDIT });
    await store('9', { deal: deal({ id: '9' }) });
    expect(await head('9')).toMatchObject({ creditedOldIds: 1, readAtMs: NOON });
    expect(await listed()).toEqual([['9'], undefined]);
  });

  test('a deleted deal is in no list, and is there again when it is credited after it was restored', async () => {
    await store();

    await deals.mark('7', 'deleted', NOON);

    expect([(await head()).life, await listed()]).toEqual(['deleted', [[], undefined]]);
    expect(await deals.revive('7', NOON)).toBe(false);
    expect(await deals.revive('7', NOON + 1)).toBe(true);
    await store();
    expect([(await head()).life, await listed()]).toEqual(['living', [['7'], undefined]]);
  });

  test('a credit of a deal that is deleted meanwhile is not stored', async () => {
    const before = await head();
    await deals.mark('7', 'deleted', NOON);

    expect(await deals.store(before, credited(), NOON)).toBeUndefined();
  });

  test('all deals come page by page in the order of their numbers, none of a contact or of another portal', async () => {
    for (let id = 8; id < 158; id++) await store(String(id), { deal: deal({ id: String(id) }) });
    await table.deals({ portalId: '34' }).store(await head('3'), credited({ deal: deal({ id: '3' }) }), NOON);

    const first = await deals.page();
    const second = await deals.page(first.after);

    expect([first.deals.map(({ dealId }) => dealId), first.after]).toEqual([ids(8, 100), '107']);
    expect([second.deals.map(({ dealId }) => dealId), second.after]).toEqual([ids(108, 50), undefined]);
    expect(second.deals[0]).toMatchObject({ credit: CREDIT });
    expect(await table.contacts().idsBetween(undefined, undefined)).toEqual([]);
  }, 30_000);

  test('a row that cannot be read is named by its attributes, not by what stands in them', async () => {
    await table.put([{ pk: '33#deal#7', sk: '#head', rev: 1, credit: '{"decimals":"secret"}' }]);

    await expect(head()).rejects.toThrow(/row of a deal cannot be read: credit/);
    await expect(head()).rejects.not.toThrow(/secret/);
  });
});
