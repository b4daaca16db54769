import { QueryCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { RetryableError } from '../../lambdas/errors.ts';
import type { Known } from '../../lambdas/scoring/facts.ts';
import { companyKept, dealsKept } from '../../lambdas/store/associations.ts';
import type { CompanyTable } from '../../lambdas/store/company-table.ts';
import type { ContactTable } from '../../lambdas/store/contact-table.ts';
import { fact, NOON, plainScore, property } from './plain-score.ts';
import {
  type Client,
  type Command,
  createTable,
  ENGINES,
  type Engine,
  type Table,
  watched,
} from './table.ts';

const key = (id: number | string) => `33#${id}`;

/** The store of the one contact that a test looks at. */
const isStore = (command: Command) =>
  command instanceof UpdateCommand && command.input.Key?.['pk'] === key(7);

describe.each(ENGINES)('on $name', ({ start }) => {
  let engine: Engine;
  let table: Table;
  let contacts: ContactTable;
  let companies: CompanyTable;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    table = await createTable(engine);
    contacts = table.contacts();
    companies = table.companies();
  });

  const rescore = (id: number | string, using = contacts) => using.rescore(key(id), plainScore, NOON);
  const seen = async (id: number) => (await rescore(id))?.head.shown?.reasons;

  /** A contact of a company, with as many points as told. */
  async function belongs(id: number, companyId: string | undefined, points = 0, atMs = NOON): Promise<void> {
    const facts = points === 0 ? [] : [fact(`f${id}`, points)];
    await contacts.keep(key(id), facts, [companyKept(companyId, atMs)]);
    await rescore(id);
  }

  /** Everything that stands in the index, whosever it is. */
  async function inIndex(): Promise<unknown[]> {
    const { Items = [] } = await table.client.send(
      new ScanCommand({ TableName: table.tableName, IndexName: 'company' }),
    );
    return Items.map(({ company, rank, pk }) => `${company} ${rank} ${pk}`).toSorted();
  }

  /** Somebody tells that company 8 is in another business. */
  const tell = () => companies.keepFound('8', [property('industry', 'SaaS', NOON + 1)], NOON + 1);

  const headOf = async (id: string) => {
    const head = (await companies.heads([id])).get(id);
    if (head === undefined) throw new Error('there is always a head');
    return head;
  };

  /** Lets something happen once, right before a command of that kind is sent. */
  function actBefore(isMoment: (command: Command) => boolean, act: () => Promise<unknown>): Client {
    let isDone = false;
    return watched(table.client, async (command, go) => {
      if (!isDone && isMoment(command)) {
        isDone = true;
        await act();
      }
      return go();
    });
  }

  describe('what the primary company is', () => {
    test('is known when its contact is scored, apart from what the contact is', async () => {
      await companies.keepFound('8', [property('industry', 'SaaS')], NOON);
      await contacts.keep(key(7), [], [property('industry', 'Retail')]);
      await belongs(7, '8');
      const given: Known[] = [];

      await contacts.rescore(
        key(7),
        (id, known, previous) => {
          given.push(known);
          return plainScore(id, known, previous);
        },
        NOON,
      );

      expect(given).toEqual([
        {
          properties: [property('industry', 'Retail')],
          facts: [],
          company: [property('industry', 'SaaS')],
          deals: [],
        },
      ]);
      expect((await contacts.read(key(7)))?.known).toEqual(given[0]);
    });

    test('is told as it was kept, under its very id', async () => {
      const size = property('size', '50');
      await companies.keepFound('5', [size, property('industry', 'BANKING')], NOON);
      await companies.unite('5', '6');

      expect(await companies.kept('5')).toEqual([property('industry', 'BANKING'), size]);
      expect([await companies.kept('6'), await companies.kept('7')]).toEqual([[], []]);
    });

    test('is asked for only where there is a company', async () => {
      const asked: unknown[] = [];
      const client = watched(table.client, (command, go) => {
        if (command instanceof QueryCommand) asked.push(command.input.ExpressionAttributeValues?.[':pk']);
        return go();
      });
      await contacts.keep(key(7), [fact('visit')], []);

      await rescore(7, table.contacts({ client }));

      expect(asked).toEqual([key(7), key(7)]);
    });

    test('is that of the company it was last found with, and nothing when it has none any more', async () => {
      await companies.keepFound('8', [property('industry', 'SaaS')], NOON);
      await companies.keepFound('9', [property('industry', 'Retail')], NOON);

      await belongs(7, '8', 0, NOON + 1);
      await belongs(7, '9', 0, NOON + 3);
      await belongs(7, '8', 0, NOON + 2); // An older reading, that ends later.
      expect(await seen(7)).toBe('company.industry=Retail');
      expect(await inIndex()).toEqual(['33#company#9 0 33#7']);

      await belongs(7, undefined, 0, NOON + 4);
      expect(await seen(7)).toBe('');
      expect(await inIndex()).toEqual([]);
    });

    test('counts for nothing while the company is deleted, and again when it is restored', async () => {
      await companies.keepFound('8', [property('industry', 'SaaS')], NOON);
      await belongs(7, '8');

      await companies.mark('8', 'deleted', NOON + 1);
      expect(await seen(7)).toBe('');
      expect((await companies.contacts('8')).contactIds).toEqual(['7']); // Who restores it finds them.

      await companies.mark('8', 'living', NOON + 2);
      expect(await seen(7)).toBe('company.industry=SaaS');
    });

    test.each([
      { life: 'deleted', atMs: NOON + 1, revived: true, because: 'it was heard of after it was deleted' },
      { life: 'deleted', atMs: NOON, revived: false, because: 'it was heard of when it was deleted' },
      { life: 'deleted', atMs: NOON - 1, revived: false, because: 'it was heard of before it was deleted' },
      { life: 'erased', atMs: NOON + 1, revived: false, because: 'nothing undoes an erasure' },
      { life: 'living', atMs: NOON + 1, revived: false, because: 'it lives' },
    ])('counts again after a sign of life: $revived, since $because', async ({ life, atMs, revived }) => {
      await companies.keepFound('8', [property('industry', 'SaaS')], NOON);
      const head = await table.row('33#company#8', '#head');
      await table.put([{ ...head, life, lifeAt: NOON }]);

      expect(await companies.revive('8', atMs)).toBe(revived);
      expect(await companies.revive('8', atMs)).toBe(revived); // Also the second time: the first may have died here.

      expect((await headOf('8')).life).toBe(revived ? 'living' : life);
      await companies.mark('8', 'deleted', NOON + 2);
      expect((await headOf('8')).life).toBe(life === 'erased' ? 'erased' : 'deleted');
    });

    test('is not made up for a company without a row', async () => {
      expect(await companies.revive('8', NOON)).toBe(false);
      expect((await headOf('8')).revision).toBe(0);
    });

    test('is read after the head of the contact, and from the table itself', async () => {
      await companies.keepFound('8', [property('industry', 'SaaS')], NOON);
      await belongs(7, '8');
      const readings: unknown[] = [];
      const client = watched(table.client, (command, go) => {
        if (command instanceof QueryCommand)
          readings.push([command.input.ExpressionAttributeValues?.[':pk'], command.input.ConsistentRead]);
        return go();
      });

      await rescore(7, table.contacts({ client }));

      expect(readings).toEqual([
        [key(7), true],
        ['33#company#8', true],
        [key(7), true],
      ]);
    });
  });

  describe('what its deals are', () => {
    test('is known when the contact is scored, as of the newest reading', async () => {
      const deals = [
        { id: '2', state: 'won', closedAtMs: NOON - 5 },
        { id: '1', state: 'open', closedAtMs: undefined },
      ] as const;
      await contacts.keep(key(7), [], [dealsKept(deals, NOON)]);
      await contacts.keep(key(7), [], [dealsKept([], NOON - 1)]);
      await rescore(7);

      const read = await contacts.read(key(7));

      expect(read?.known).toEqual({ properties: [], facts: [], deals });
      expect(read?.head.shown?.reasons).toBe(`deal:1:open:now deal:2:won:${NOON - 5}`);
    });

    test('is told of many contacts at once, of those of which it was ever read', async () => {
      const deals = [{ id: '2', state: 'won', closedAtMs: NOON - 5 }] as const;
      await contacts.keep(key(7), [], [dealsKept(deals, NOON), property('city', 'Paris')]);
      await contacts.keep(key(8), [], [dealsKept([], NOON)]);
      await contacts.keep(key(9), [], [property('city', 'Paris')]);

      const kept = await contacts.dealsOf([key(7), key(8), key(9), key(10)]);

      expect(kept).toEqual(
        new Map<string, unknown>([
          [key(7), deals],
          [key(8), []],
        ]),
      );
    });

    test('is kept of the newest hundred', async () => {
      const deals = Array.from({ length: 101 }, (_, at) => ({
        id: String(at),
        state: 'lost' as const,
        closedAtMs: NOON - at,
      }));
      await contacts.keep(key(7), [], [dealsKept(deals, NOON)]);
      await rescore(7);

      expect((await contacts.read(key(7)))?.known.deals).toEqual(deals.slice(0, 100));
    });

    test('that cannot be read stops the contact, and is not quoted', async () => {
      await contacts.keep(key(7), [], [property('associated.deals', '[["secret"]]')]);

      await expect(rescore(7)).rejects.toThrow(new TypeError('the deals of a contact cannot be read'));
    });
  });

  describe('a merge of companies', () => {
    beforeEach(async () => {
      await companies.keepFound(
        '1',
        [property('industry', 'Retail', NOON + 9), property('city', 'Rome')],
        NOON,
      );
      await companies.keepFound('3', [property('industry', 'SaaS')], NOON);
      await belongs(7, '1', 5);
      await belongs(8, '3', 3);
    });

    test('gives the contacts of the old company what the new one is, and nothing of the old', async () => {
      await companies.unite('1', '3');

      expect(await seen(7)).toBe('company.industry=SaaS f7');
      expect(await seen(8)).toBe('company.industry=SaaS f8');
    });

    test('leaves the contacts under the old id until they are scored, and then none', async () => {
      await companies.unite('1', '3');
      expect((await companies.contacts('1')).contactIds).toEqual(['7']);
      expect((await companies.contacts('3')).contactIds).toEqual(['8']);

      await rescore(7);

      expect((await companies.contacts('1')).contactIds).toEqual([]);
      expect((await companies.contacts('3')).contactIds).toEqual(['8', '7']);
    });

    test('its contacts stand under the ids of all records merged into it, however many merges ago and in whatever order', async () => {
      await companies.unite('3', '4');
      await companies.unite('1', '3'); // Heard of late: by then it is an alias itself.
      await companies.unite('4', '5');

      expect((await companies.unitedIds('5')).toSorted()).toEqual(['1', '3', '4', '5']);
      expect(await companies.unitedIds('9')).toEqual(['9']);
    });

    test('is known of the living company, which is to be read afresh; its old ids lead to it', async () => {
      await companies.unite('1', '3');
      await companies.unite('1', '3');

      const heads = await companies.heads(['1', '3']);

      expect(heads.get('3')).toMatchObject({ companyId: '3', oldIds: ['1'], readAtMs: undefined });
      expect(heads.get('1')).toEqual(heads.get('3'));
    });

    test('of merged companies is followed to the end', async () => {
      await companies.unite('1', '3');
      await companies.keepFound('5', [property('industry', 'Games')], NOON);
      await companies.unite('3', '5');

      expect(await seen(7)).toBe('company.industry=Games f7');
      expect((await companies.heads(['1'])).get('1')?.companyId).toBe('5');
    });

    test('into a record that was never read leaves the contacts what the old one was, until it is read', async () => {
      await companies.unite('1', '5');
      await companies.unite('3', '5');
      await contacts.keep('33#company#5', [], [property('industry', 'Half known', NOON + 99)]);

      expect(await seen(7)).toBe('company.city=Rome company.industry=Retail f7');
      expect(await seen(8)).toBe('company.industry=SaaS f8');
      expect((await companies.contacts('5')).contactIds).toEqual(['8', '7']);

      await companies.keepFound('5', [property('industry', 'Games', NOON + 100)], NOON);
      expect(await seen(7)).toBe('company.industry=Games f7');
      expect(await seen(8)).toBe('company.industry=Games f8');
    });

    test('of merged companies, the last of them never read, leaves what the last was that was read', async () => {
      await companies.unite('1', '5');
      await companies.unite('5', '6');
      expect(await seen(7)).toBe('company.city=Rome company.industry=Retail f7');

      await companies.keepFound('6', [property('industry', 'Games')], NOON);
      await companies.unite('6', '9');
      await companies.unite('9', '10');
      expect(await seen(7)).toBe('company.industry=Games f7');

      await companies.keepFound('10', [], NOON);
      expect(await seen(7)).toBe('f7');
    });

    test('into a record that was read before never brings back what the old one was', async () => {
      await companies.unite('1', '3');
      await companies.keepFound('3', [property('industry', 'Games', NOON + 1)], NOON);
      await companies.unite('4', '3'); // It is to be read afresh.

      expect(await seen(7)).toBe('company.industry=Games f7');
    });

    test('into a record that is deleted leaves the contacts nothing', async () => {
      await companies.unite('1', '5');
      await companies.mark('5', 'deleted', NOON);

      expect(await seen(7)).toBe('f7');
    });

    test('that was told with the deletion of the old record is a merge all the same', async () => {
      await companies.mark('1', 'deleted', NOON);
      await companies.unite('1', '3');
      await companies.mark('1', 'deleted', NOON + 1);

      expect(await seen(7)).toBe('company.industry=SaaS f7');
    });

    test('may go on for ten records; an eleventh is left to the queue', async () => {
      await table.put(
        Array.from({ length: 11 }, (_, at) => ({
          pk: `33#company#${100 + at}`,
          sk: '#head',
          rev: 1,
          alias: `33#company#${101 + at}`,
        })),
      );

      expect((await companies.heads(['101'])).get('101')?.companyId).toBe('111');
      await expect(companies.heads(['100'])).rejects.toThrow(RetryableError);
      await belongs(9, '101');
      await expect(belongs(9, '100', 0, NOON + 1)).rejects.toThrow(RetryableError);
    });

    test('never forms a ring', async () => {
      await companies.unite('1', '3');
      await companies.unite('3', '1');

      expect((await companies.heads(['1'])).get('1')?.companyId).toBe('3');
    });
  });

  describe('the contacts of a company', () => {
    test('stand in the index while they live, by their score', async () => {
      await belongs(1, '8', 5);
      await belongs(2, '8', -7);
      await belongs(3, '9', 1);
      await belongs(4, undefined, 1);
      expect(await inIndex()).toEqual(['33#company#8 -7 33#2', '33#company#8 5 33#1', '33#company#9 1 33#3']);

      await contacts.mark(key(1), 'deleted', NOON);
      await contacts.unite(key(2), key(4));
      await contacts.erase(key(3));
      expect(await inIndex()).toEqual([]);

      for (const id of [1, 2, 3, 4]) await rescore(id);
      expect(await inIndex()).toEqual([]);
      await contacts.mark(key(1), 'living', NOON + 1);
      await rescore(1);
      expect(await inIndex()).toEqual(['33#company#8 5 33#1']);
    });

    test('come in pages of a thousand, each of them once', async () => {
      await table.put(
        Array.from({ length: 2_500 }, (_, at) => ({
          pk: key(at + 1),
          sk: '#head',
          rev: 1,
          company: '33#company#8',
          rank: at % 7,
        })),
      );
      const pages: number[] = [];
      const found: string[] = [];
      for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
        const page = await companies.contacts('8', after);
        pages.push(page.contactIds.length);
        found.push(...page.contactIds);
        ({ after } = page);
      }

      expect(pages).toEqual([1_000, 1_000, 500]);
      expect(new Set(found).size).toBe(2_500);
      expect(found).toHaveLength(2_500);
    });

    test('go on from where a page ended, also when the contact there has moved since', async () => {
      await belongs(1, '8', 1);
      await belongs(2, '8', 2);
      await belongs(3, '8', 3);
      await contacts.keep(key(2), [fact('more', 10)], []);
      await rescore(2);

      expect((await companies.contacts('8', '2#2')).contactIds).toEqual(['3', '2']);
    });

    test('of no company are none, and a page begins nowhere but where one ended', async () => {
      expect(await companies.contacts('8')).toEqual({ contactIds: [], after: undefined });
      await expect(companies.contacts('8', 'anywhere')).rejects.toThrow(TypeError);
    });

    test('of another portal are not among them', async () => {
      await belongs(1, '8');
      const theirs = table.contacts({ portalId: '3' });
      await theirs.keep('3#2', [], [companyKept('8', NOON)]);
      await theirs.rescore('3#2', plainScore, NOON);

      expect((await companies.contacts('8')).contactIds).toEqual(['1']);
      expect((await table.companies({ portalId: '3' }).contacts('8')).contactIds).toEqual(['2']);
    });
  });

  describe('the top scores of a company', () => {
    test('are the highest shown, highest first, without those who have none', async () => {
      for (const [id, points] of [5, 40, -3, 12].entries()) await belongs(id + 1, '8', points);
      const unscored = await contacts.keep(key(5), [], [companyKept('8', NOON)]);
      await contacts.rescore(
        key(5),
        (...all) => {
          const plain = plainScore(...all);
          return { ...plain, shown: { ...plain.shown, score: null } };
        },
        NOON,
      );

      expect(unscored).toEqual([]);
      expect(await companies.topScores('8', 3)).toEqual([40, 12, 5]);
      expect(await companies.topScores('8', 9)).toEqual([40, 12, 5, -3]);
      expect(await companies.topScores('9', 3)).toEqual([]);
    });

    test('are those of the merged companies too, before their contacts are scored anew as after', async () => {
      await belongs(1, '8', 5);
      await belongs(2, '9', 40);
      await companies.unite('9', '8');

      expect(await companies.topScores('8', 3)).toEqual([40, 5]);
      await rescore(2);
      expect(await companies.topScores('8', 3)).toEqual([40, 5]);
      expect(await companies.topScores('9', 3)).toEqual([40, 5]);
    });
  });

  describe('no contact misses what became of its company', () => {
    test('when the value is kept between its reading and its store: the tick that follows sets it right', async () => {
      await belongs(7, '8');
      const client = actBefore(isStore, tell);
      await rescore(7, table.contacts({ client }));

      const { contactIds } = await companies.contacts('8');
      for (const id of contactIds) await rescore(id);

      expect(await table.row(key(7), '#head')).toMatchObject({ why: 'company.industry=SaaS' });
    });

    test('when the tick is done before its store', async () => {
      await belongs(7, '8');
      const client = actBefore(isStore, async () => {
        await tell();
        await rescore(7);
      });

      await rescore(7, table.contacts({ client }));

      expect(await table.row(key(7), '#head')).toMatchObject({ why: 'company.industry=SaaS' });
    });

    test('when its company looks for its contacts before it is stored as one of them', async () => {
      await contacts.keep(key(7), [], [companyKept('8', NOON)]);
      const found: string[] = [];
      const client = actBefore(isStore, async () => {
        await tell();
        found.push(...(await companies.contacts('8')).contactIds);
      });

      await rescore(7, table.contacts({ client }));

      expect(found).toEqual([]);
      expect(await table.row(key(7), '#head')).toMatchObject({ why: 'company.industry=SaaS' });
    });

    test('when its score takes it over the edge of a page between two pages', async () => {
      await belongs(7, '8', 60);
      await contacts.keep(key(7), [fact('penalty', -50)], []);
      const found: string[] = [];
      const client = actBefore(isStore, tell);

      await rescore(7, table.contacts({ client }));
      // The first page ended at 30 before the store, the second begins there after it.
      found.push(...(await companies.contacts('8', '30#1')).contactIds);

      expect(found).toEqual([]);
      expect(await table.row(key(7), '#head')).toMatchObject({
        score: 10,
        why: 'company.industry=SaaS f7 penalty',
      });
    });

    test.each([
      { befalls: 'deleted', why: '' },
      { befalls: 'merged', why: 'company.industry=Games' },
    ])(
      'when its company is $befalls before it is stored as one of its contacts',
      async ({ befalls, why }) => {
        await companies.keepFound('8', [property('industry', 'SaaS')], NOON);
        await companies.keepFound('9', [property('industry', 'Games')], NOON);
        await contacts.keep(key(7), [], [companyKept('8', NOON)]);
        const act = () =>
          befalls === 'merged' ? companies.unite('8', '9') : companies.mark('8', 'deleted', NOON);

        await rescore(7, table.contacts({ client: actBefore(isStore, act) }));

        expect(await table.row(key(7), '#head')).toMatchObject({ why });
      },
    );

    test('when the company into which its own was merged is read before it is stored there', async () => {
      await companies.keepFound('8', [property('industry', 'SaaS')], NOON);
      await belongs(7, '8');
      await companies.unite('8', '9');
      const act = () => companies.keepFound('9', [property('industry', 'Games')], NOON + 1);

      await rescore(7, table.contacts({ client: actBefore(isStore, act) }));

      expect(await table.row(key(7), '#head')).toMatchObject({
        why: 'company.industry=Games',
        company: '33#company#9',
      });
    });

    test('and a contact that stays where it is reads its company once', async () => {
      await belongs(7, '8');
      let readings = 0;
      const client = watched(table.client, (command, go) => {
        if (command instanceof QueryCommand && command.input.ExpressionAttributeValues?.[':pk'] !== key(7))
          readings += 1;
        return go();
      });

      await rescore(7, table.contacts({ client }));

      expect(readings).toBe(1);
    });
  });

  describe('the score of a company', () => {
    test('begins with nothing', async () => {
      expect(await headOf('8')).toEqual({
        companyId: '8',
        revision: 0,
        life: 'living',
        oldIds: [],
        score: undefined,
        writeId: undefined,
        confirmedWriteId: undefined,
        shownAtMs: undefined,
        readAtMs: undefined,
      });
    });

    test.each([
      { score: 72, writeId: '72', because: 'its text is what HubSpot is told' },
      { score: 0, writeId: '0', because: 'zero is a score' },
      { score: null, writeId: '', because: 'no contact has a score: HubSpot clears it' },
    ])('$score is stored with the write id "$writeId": $because', async ({ score, writeId }) => {
      const stored = await companies.storeScore(await headOf('8'), score, NOON);

      expect(stored).toMatchObject({ companyId: '8', revision: 1, score, writeId, shownAtMs: NOON });
      expect(await headOf('8')).toEqual(stored);
    });

    test('is not stored over what somebody stored since the head was read, also where that changed nothing', async () => {
      const first = await companies.storeScore(await headOf('8'), 10, NOON);
      const head = await headOf('8');
      await companies.storeScore(head, 10, NOON + 1);

      expect(first).toBeDefined();
      expect(await companies.storeScore(head, 5, NOON + 2)).toBeUndefined();
      expect(await headOf('8')).toMatchObject({ score: 10, revision: 2, shownAtMs: NOON });
    });

    test('is confirmed while it is still what is to be shown', async () => {
      const sent = await companies.storeScore(await headOf('8'), 10, NOON);
      expect(await companies.confirm('8', sent ?? (await headOf('8')))).toBe(true);
      expect(await headOf('8')).toMatchObject({ writeId: '10', confirmedWriteId: '10' });

      await companies.storeScore(await headOf('8'), 11, NOON + 1);
      expect(await companies.confirm('8', sent ?? (await headOf('8')))).toBe(false);
    });

    test('stays while the company is read, and goes when it is merged away', async () => {
      await companies.storeScore(await headOf('8'), 10, NOON);
      await companies.keepFound('8', [property('industry', 'SaaS')], NOON + 1);
      expect(await headOf('8')).toMatchObject({ score: 10, readAtMs: NOON + 1, revision: 2 });

      await companies.unite('8', '9');
      expect(await table.row('33#company#8', '#head')).toEqual({
        pk: '33#company#8',
        sk: '#head',
        rev: 3,
        alias: '33#company#9',
        wasRead: true,
      });
      expect(await headOf('8')).toMatchObject({ companyId: '9', score: undefined });
    });

    test('a reading that ends after the merge leaves the old record as it is, and an older one the newer', async () => {
      await companies.keepFound('9', [], NOON + 2);
      await companies.keepFound('9', [], NOON + 1);
      await companies.unite('8', '9');
      await companies.keepFound('8', [], NOON + 3);

      expect(await table.row('33#company#8', '#head')).not.toHaveProperty('readAt');
      expect(await table.row('33#company#9', '#head')).not.toHaveProperty('readAt');
      await companies.keepFound('9', [], NOON + 2);
      await companies.keepFound('9', [], NOON + 1);
      expect(await headOf('9')).toMatchObject({ readAtMs: NOON + 2 });
    });
  });
});
