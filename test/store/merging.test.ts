import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { RetryableError } from '../../lambdas/errors.ts';
import type { ContactTable } from '../../lambdas/store/contact-table.ts';
import { contactKey, emailKey } from '../../lambdas/store/keys.ts';
import { fact, NOON, plainScore, property } from './plain-score.ts';
import { createTable, ENGINES, type Engine, type Table, watched } from './table.ts';

const key = (id: number | string) => contactKey('33', String(id));
const EMAIL = emailKey('33', 'ada@example.com', 'a key for tests');

const TOMBSTONE = new Set(['pk', 'sk', 'rev', 'life', 'lifeAt', 'alias', 'moved', 'old']);

/** A head that holds ids only. */
function isTombstone(row: Record<string, unknown>): boolean {
  return row['sk'] === '#head' && Object.keys(row).every((name) => TOMBSTONE.has(name));
}

describe.each(ENGINES)('on $name', ({ start }) => {
  let engine: Engine;
  let table: Table;
  let contacts: ContactTable;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    table = await createTable(engine);
    contacts = table.contacts();
  });

  const rescore = (id: number | string) => contacts.rescore(key(id), plainScore, NOON);
  const seen = async (id: number) => (await rescore(id))?.head.shown?.reasons;
  /** Everything in the table but heads. */
  const facts = async () =>
    (await table.rows())
      .filter(({ sk }) => sk !== '#head')
      .map(({ pk, sk }) => `${String(pk)} ${String(sk)}`);

  async function known(id: number, ...names: string[]): Promise<void> {
    await contacts.keep(
      key(id),
      names.map((name) => fact(name)),
      [],
    );
    await rescore(id);
  }

  describe('a merge is the union of what happened', () => {
    test('the facts of both records count for the new one, each once', async () => {
      await known(1, 'a', 'both');
      await known(2, 'b', 'both');

      await contacts.unite(key(1), key(3));
      await contacts.unite(key(2), key(3));

      expect(await seen(3)).toBe('a b both');
      expect(new Set((await facts()).map((row) => row.split(' ')[0]))).toEqual(new Set([key(3)]));
    });

    test('the old ids lead to the living record, which lists them, and show nothing of their own', async () => {
      await known(1, 'a');
      await known(2, 'b');
      await contacts.unite(key(1), key(3));
      await contacts.unite(key(2), key(3));

      expect(await rescore(1)).toMatchObject({ contactId: '3', head: { oldIds: ['1', '2'] } });
      expect(await table.row(key(1), '#head')).toEqual({
        pk: key(1),
        sk: '#head',
        rev: 2,
        alias: key(3),
        moved: true,
      });
    });

    test('what is heard later under an old id counts for the living record', async () => {
      await known(1, 'a');
      await contacts.unite(key(1), key(3));

      await contacts.keep(key(1), [fact('late')], []);
      const standing = await rescore(1);

      expect(standing).toMatchObject({ contactId: '3', head: { shown: { reasons: 'a late' } } });
      expect((await facts()).filter((row) => row.startsWith(`${key(1)} `))).toEqual([]);
    });

    test('properties of an old record do not count: those of the living one are read afresh', async () => {
      await contacts.keep(key(1), [], [property('city', 'Paris', NOON + 1)]);
      await contacts.keep(key(3), [], [property('city', 'Berlin')]);
      await contacts.rescore(key(3), plainScore, NOON, NOON);

      await contacts.unite(key(1), key(3));

      expect(await rescore(3)).toMatchObject({
        head: { readAtMs: undefined, shown: { reasons: 'city=Berlin' } },
      });
      expect(await facts()).toEqual([`${key(3)} property#city`]);
    });

    test('the same merge heard again changes nothing', async () => {
      await known(1, 'a');
      await contacts.unite(key(1), key(3));
      await contacts.rescore(key(3), plainScore, NOON, NOON);
      const before = await table.rows();

      await contacts.unite(key(1), key(3));

      expect(await table.rows()).toEqual(before);
    });

    test('a merge of merged records unites them all', async () => {
      await known(1, 'a');
      await known(4, 'b');
      await contacts.unite(key(1), key(3));
      await contacts.unite(key(3), key(5));
      await contacts.unite(key(4), key(5));
      await contacts.keep(key(1), [fact('late')], []);

      expect(await rescore(1)).toMatchObject({ contactId: '5', head: { shown: { reasons: 'a b late' } } });
    });

    test('a merge that names a record merged before unites the records that live', async () => {
      await known(1, 'a');
      await known(3, 'b');
      await contacts.unite(key(1), key(3));

      await contacts.unite(key(1), key(5));

      expect(await rescore(1)).toMatchObject({ contactId: '5', head: { shown: { reasons: 'a b' } } });
      expect(await rescore(3)).toMatchObject({ contactId: '5' });
    });

    test('what was heard under an old id before such a merge is not left behind', async () => {
      await contacts.unite(key(1), key(3));
      await contacts.keep(key(1), [fact('late')], []);

      await contacts.unite(key(1), key(5));

      expect(await seen(5)).toBe('late');
    });

    test('a record that two merges claim at the same instant unites both', async () => {
      await known(1, 'a');
      await known(3, 'b');
      await known(5, 'c');
      let isDone = false;
      const client = watched(table.client, async (command, go) => {
        if (command instanceof UpdateCommand && !isDone) {
          isDone = true;
          await contacts.unite(key(1), key(3));
        }
        return go();
      });

      await table.contacts({ client }).unite(key(1), key(5));

      expect(await rescore(1)).toMatchObject({ contactId: '5', head: { shown: { reasons: 'a b c' } } });
      expect(await rescore(3)).toMatchObject({ contactId: '5' });
    });

    test('whatever the order in which merges and facts are heard, the union is the same', async () => {
      let base = 1000;
      const steps = [
        ['merge', 1, 3],
        ['merge', 2, 3],
        ['merge', 3, 5],
        ['merge', 4, 5],
        ['fact', 1, 'a'],
        ['fact', 2, 'b'],
        ['fact', 3, 'c'],
        ['fact', 4, 'd'],
        ['fact', 5, 'e'],
      ] as const;
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray([...steps], { minLength: steps.length }), async (order) => {
          base += 10;
          for (const [kind, id, other] of order) {
            if (kind === 'merge') await contacts.unite(key(base + id), key(base + other));
            else await contacts.keep(key(base + id), [fact(other)], []);
            await rescore(base + (kind === 'merge' ? other : id));
          }

          expect(await rescore(base + 5)).toMatchObject({
            contactId: String(base + 5),
            head: { shown: { reasons: 'a b c d e' } },
          });
        }),
        { numRuns: 3 },
      );
    });

    test('who is folding the old record while it is merged scores the living one', async () => {
      await known(1, 'a');
      let isDone = false;
      const client = watched(table.client, async (command, go) => {
        if (command instanceof UpdateCommand && !isDone) {
          isDone = true;
          await contacts.unite(key(1), key(3));
        }
        return go();
      });

      const standing = await table.contacts({ client }).rescore(key(1), plainScore, NOON);

      expect(standing).toMatchObject({ contactId: '3', head: { shown: { reasons: 'a' } } });
      expect(await table.row(key(1), '#head')).toMatchObject({ alias: key(3) });
    });

    test('a merge that broke off in the middle is finished when it is heard again, and nothing is lost', async () => {
      await known(1, 'a', 'b', 'c');
      for (let commands = 1; commands < 40; commands++) {
        let left = commands;
        const client = watched(table.client, (_command, go) =>
          (left -= 1) < 0 ? Promise.reject(new Error('crashed')) : go(),
        );
        const isCrashed = await table
          .contacts({ client })
          .unite(key(1), key(3))
          .then(
            () => false,
            () => true,
          );
        const all = new Set((await facts()).map((row) => row.split('#').at(-1)));
        expect(all).toEqual(new Set(['a', 'b', 'c']));
        if (!isCrashed) break;
      }

      expect(await seen(3)).toBe('a b c');
    });
  });

  describe('merges never form a ring', () => {
    test('two records merged into each other: the first word stands', async () => {
      await known(1, 'a');
      await known(3, 'b');
      await contacts.unite(key(1), key(3));
      await contacts.unite(key(3), key(1));

      expect(await rescore(1)).toMatchObject({ contactId: '3', head: { shown: { reasons: 'a b' } } });
    });

    test('a record merged into itself stays as it is', async () => {
      await known(1, 'a');
      const before = await table.rows();

      await contacts.unite(key(1), key(1));

      expect(await table.rows()).toEqual(before);
    });

    test('a ring over several records is not closed', async () => {
      await known(1, 'a');
      await contacts.unite(key(1), key(2));
      await contacts.unite(key(2), key(3));
      await contacts.unite(key(3), key(1));

      expect(await rescore(2)).toMatchObject({ contactId: '3' });
    });

    test('ten merges in a row are followed, an eleventh is left to the queue', async () => {
      await table.put(
        Array.from({ length: 11 }, (_, at) => ({ pk: key(at), sk: '#head', rev: 1, alias: key(at + 1) })),
      );
      await contacts.keep(key(1), [fact('a')], []);

      expect(await rescore(1)).toMatchObject({ contactId: '11', head: { shown: { reasons: 'a' } } });
      await expect(rescore(0)).rejects.toThrow(RetryableError);
    });
  });

  /** Whether anything stands behind the head of a partition. */
  async function isWaiting(partition: string): Promise<boolean> {
    return (await table.rows()).some(({ pk, sk }) => pk === partition && sk !== '#head');
  }

  describe('facts of an e-mail address', () => {
    test('wait while nobody knows whose it is', async () => {
      await contacts.keep(EMAIL, [fact('login')], [property('jobtitle', 'CTO')]);

      expect(await contacts.rescore(EMAIL, plainScore, NOON)).toBeUndefined();
      expect(await isWaiting(EMAIL)).toBe(true);
      expect(JSON.stringify(await table.rows())).not.toContain('ada@');
    });

    test('count for the contact when it is known, with what was said of it, and are kept as long as its own', async () => {
      await contacts.keep(EMAIL, [fact('login')], [property('jobtitle', 'CTO')]);

      await contacts.unite(EMAIL, key(7));

      expect(await seen(7)).toBe('jobtitle=CTO login');
      expect(await isWaiting(EMAIL)).toBe(false);
      const rows = (await table.rows()).filter(({ expiresAt }) => expiresAt !== undefined);
      expect(rows).toEqual([expect.objectContaining({ pk: key(7), expiresAt: NOON / 1000 + 400 * 86_400 })]);
    });

    test('a property that gets a newer value while it is moved keeps the newer one', async () => {
      await contacts.keep(EMAIL, [], [property('plan', 'team', NOON)]);
      let isLate = true;
      const client = watched(table.client, async (command, go) => {
        if (isLate && command instanceof DeleteCommand) {
          isLate = false;
          await contacts.keep(EMAIL, [], [property('plan', 'enterprise', NOON + 1000)]);
        }
        return go();
      });

      await table.contacts({ client }).unite(EMAIL, key(7));
      await contacts.rescore(EMAIL, plainScore, NOON); // Who kept the newer value goes on so.

      expect(isLate).toBe(false);
      expect(await seen(7)).toBe('plan=enterprise');
    });

    test('count for the contact at once when the address is known already', async () => {
      await contacts.unite(EMAIL, key(7));
      await contacts.keep(EMAIL, [fact('login')], []);

      expect(await contacts.rescore(EMAIL, plainScore, NOON)).toMatchObject({
        contactId: '7',
        head: { oldIds: [], shown: { reasons: 'login' } },
      });
    });

    test('wait again when the contact was deleted, and count for the one that has the address then', async () => {
      await contacts.unite(EMAIL, key(7));
      await contacts.mark(key(7), 'deleted', NOON);
      await contacts.keep(EMAIL, [fact('login')], []);

      expect(await contacts.rescore(EMAIL, plainScore, NOON)).toBeUndefined();
      expect(await isWaiting(EMAIL)).toBe(true);

      await contacts.unite(EMAIL, key(8));
      await contacts.keep(EMAIL, [fact('later')], []);
      expect(await contacts.rescore(EMAIL, plainScore, NOON)).toMatchObject({
        contactId: '8',
        head: { shown: { reasons: 'later login' } },
      });
    });

    test('found again with the same contact changes nothing', async () => {
      await contacts.unite(EMAIL, key(7));
      const before = await table.rows();

      await contacts.unite(EMAIL, key(7));

      expect(await table.rows()).toEqual(before);
    });

    test('follow the contact into a merge', async () => {
      await contacts.unite(EMAIL, key(7));
      await contacts.unite(key(7), key(9));
      await contacts.keep(EMAIL, [fact('login')], []);

      expect(await contacts.rescore(EMAIL, plainScore, NOON)).toMatchObject({ contactId: '9' });
      expect(await facts()).toEqual([`${key(9)} signal#00${NOON}#login`, `${key(9)} via#${EMAIL}`]);
    });
  });

  describe('deleted and restored', () => {
    test.each([
      {
        marks: [
          ['deleted', 1],
          ['living', 2],
        ],
        life: 'living',
        because: 'it was restored later',
      },
      {
        marks: [
          ['living', 2],
          ['deleted', 1],
        ],
        life: 'living',
        because: 'whichever was heard first',
      },
      {
        marks: [
          ['deleted', 3],
          ['living', 2],
        ],
        life: 'deleted',
        because: 'it was deleted again',
      },
      {
        marks: [
          ['living', 2],
          ['deleted', 3],
        ],
        life: 'deleted',
        because: 'whichever was heard first',
      },
      {
        marks: [
          ['deleted', 1],
          ['living', 1],
        ],
        life: 'living',
        because: 'only what was deleted is restored',
      },
      {
        marks: [
          ['living', 1],
          ['deleted', 1],
        ],
        life: 'living',
        because: 'whichever was heard first',
      },
    ] as const)('$marks is $life: $because', async ({ marks, life }) => {
      await known(7, 'a');

      for (const [mark, atMs] of marks) await contacts.mark(key(7), mark, NOON + atMs);

      expect(await rescore(7)).toMatchObject({ head: { life, shown: { reasons: 'a' } } });
    });

    test('who is folding a contact while it is deleted does not undo that', async () => {
      await known(7, 'a');
      let isDone = false;
      const client = watched(table.client, async (command, go) => {
        if (command instanceof UpdateCommand && !isDone) {
          isDone = true;
          await contacts.mark(key(7), 'deleted', NOON);
        }
        return go();
      });

      const standing = await table.contacts({ client }).rescore(key(7), plainScore, NOON);

      expect(standing?.head.life).toBe('deleted');
    });
  });

  describe('after privacy deletion', () => {
    beforeEach(async () => {
      await known(1, 'a');
      await known(2, 'b');
      await contacts.keep(EMAIL, [fact('login')], []);
      await contacts.unite(EMAIL, key(1));
      await contacts.unite(key(1), key(3));
      await contacts.unite(key(3), key(5));
      await contacts.unite(key(2), key(5));
      await contacts.keep(key(5), [fact('c')], [property('city', 'Paris')]);
      const scored = await contacts.rescore(
        key(5),
        (...all) => ({ ...plainScore(...all), dueNight: '2026-07-01' }),
        NOON,
        NOON,
      );
      await contacts.confirm(key(5), scored?.head ?? { writeId: undefined, shownAtMs: undefined });
    });

    test('nothing but tombstones is left: of the contact, of all records merged into it, and of no address', async () => {
      await contacts.erase(key(5));

      const rows = await table.rows();
      expect(rows.filter((row) => !isTombstone(row))).toEqual([]);
      expect(rows.map(({ pk, life }) => [pk, life])).toEqual([1, 2, 3, 5].map((id) => [key(id), 'erased']));
    });

    test('nothing is left that was just heard of its address', async () => {
      await contacts.keep(EMAIL, [fact('login2')], [property('jobtitle', 'CTO')]);

      await contacts.erase(key(5));

      expect((await table.rows()).filter((row) => !isTombstone(row))).toEqual([]);
    });

    test('also when it is told of a record that was merged away', async () => {
      await contacts.erase(key(1));

      expect((await table.rows()).filter((row) => row['life'] !== 'erased' || !isTombstone(row))).toEqual([]);
    });

    test.each([1, 3, 5])('what is heard later of %i is removed, and no score comes of it', async (id) => {
      await contacts.erase(key(5));

      await contacts.keep(key(id), [fact('late')], [property('city', 'Rome')]);

      expect(await rescore(id)).toBeUndefined();
      expect((await table.rows()).filter((row) => !isTombstone(row))).toEqual([]);
    });

    test('a merge that is heard later brings nothing back', async () => {
      await known(8, 'd');
      await contacts.erase(key(5));

      await contacts.unite(key(8), key(5));

      expect(await rescore(5)).toBeUndefined();
      expect((await table.rows()).filter((row) => !isTombstone(row))).toEqual([]);
    });

    test('an erased record is not merged into another', async () => {
      await contacts.erase(key(5));
      await contacts.unite(key(5), key(9));

      expect(await rescore(5)).toBeUndefined();
      expect(await contacts.heads([key(9)])).toEqual(new Map());
    });

    test('an address that turns out to be its own is forgotten', async () => {
      await contacts.erase(key(5));
      await contacts.keep(EMAIL, [fact('login2')], []);
      await contacts.unite(EMAIL, key(5));

      expect(await rescore(5)).toBeUndefined();
      expect((await table.rows()).filter((row) => !isTombstone(row))).toEqual([]);
      expect(JSON.stringify(await table.rows())).not.toContain('email');
    });

    test.each([
      { order: ['erase', 'delete', 'restore'] as const },
      { order: ['delete', 'erase', 'restore'] as const },
      { order: ['delete', 'restore', 'erase'] as const },
    ])('it stays erased in the order $order', async ({ order }) => {
      for (const step of order) {
        if (step === 'erase') await contacts.erase(key(5));
        else await contacts.mark(key(5), step === 'delete' ? 'deleted' : 'living', NOON + 1);
      }

      expect((await contacts.heads([key(5)])).get(key(5))?.life).toBe('erased');
      expect((await table.rows()).filter((row) => !isTombstone(row))).toEqual([]);
    });

    test('it is erased even if nothing was known of it before', async () => {
      await contacts.erase(key(77));
      await contacts.keep(key(77), [fact('late')], []);

      expect(await rescore(77)).toBeUndefined();
      expect((await table.rows()).filter(({ pk }) => pk === key(77))).toHaveLength(1);
    });

    test('who is folding it in that moment stores nothing', async () => {
      let isDone = false;
      const client = watched(table.client, async (command, go) => {
        if (command instanceof UpdateCommand && !isDone) {
          isDone = true;
          await contacts.erase(key(5));
        }
        return go();
      });

      expect(await table.contacts({ client }).rescore(key(5), plainScore, NOON)).toBeUndefined();
      expect((await table.rows()).filter((row) => !isTombstone(row))).toEqual([]);
    });

    test('a deletion that broke off in the middle is finished when it is heard again', async () => {
      for (let commands = 1; commands < 80; commands++) {
        let left = commands;
        const client = watched(table.client, (_command, go) =>
          (left -= 1) < 0 ? Promise.reject(new Error('crashed')) : go(),
        );
        const isCrashed = await table
          .contacts({ client })
          .erase(key(5))
          .then(
            () => false,
            () => true,
          );
        if (!isCrashed) break;
      }

      expect((await table.rows()).filter((row) => row['life'] !== 'erased' || !isTombstone(row))).toEqual([]);
    });
  });
});
