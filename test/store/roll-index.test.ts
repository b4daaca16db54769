import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import type { ContactTable } from '../../lambdas/store/contact-table.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import { HEAD, rollPlace } from '../../lambdas/store/rows.ts';
import { NOON, plainScore } from './plain-score.ts';
import { type Client, createTable, ENGINES, type Engine, type Table, watched } from './table.ts';

/** How many runs a property has: each makes a table of its own. */
const RUNS = 8;
/** Numbers of different lengths, close together and far apart. */
const someIds = fc.uniqueArray(
  fc.oneof(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 90, max: 20_000 }), fc.nat(900_000_000_000)),
  { maxLength: 80 },
);
const byNumber = (a: string, b: string) => Number(a) - Number(b);

let engine: Engine;
let table: Table;

/** Rows as a store leaves them, as far as the index looks at them. */
async function stand(ids: readonly number[], portalId = '33'): Promise<void> {
  await table.put(
    ids.map((id) => ({
      pk: contactKey(portalId, String(id)),
      sk: HEAD,
      rev: 1,
      ...rollPlace(portalId, String(id)),
    })),
  );
}

/** A client whose answers end after so many contacts, whatever was asked for. */
function ending(after: number): Client {
  return watched(table.client, async (command, go) => {
    if (command instanceof QueryCommand) {
      const { Limit = after } = command.input;
      command.input.Limit = Math.min(Limit, after);
    }
    return go();
  });
}

async function scored(...ids: number[]): Promise<void> {
  for (const id of ids) await table.contacts().rescore(contactKey('33', String(id)), plainScore, NOON);
}

function all(): Promise<string[]> {
  return table.contacts().idsBetween(undefined, undefined);
}

async function turned(contacts: ContactTable): Promise<string[][]> {
  const pages: string[][] = [];
  let after: string | undefined;
  do {
    const page = await contacts.rollPage(after);
    pages.push(page.contactIds);
    after = page.after;
  } while (after !== undefined);
  return pages;
}

describe.each(ENGINES)('on $name', ({ start }) => {
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    table = await createTable(engine);
  });

  describe('who is in it', () => {
    test('every contact that was scored, of this portal only', async () => {
      await scored(9, 10, 200_000_000_007);
      await table.contacts({ portalId: '3' }).rescore('3#11', plainScore, NOON);

      expect(await all()).toEqual(['9', '10', '200000000007']);
      expect(await table.contacts().countRoll()).toBe(3);
    });

    test('no longer one that HubSpot deleted, also when it is scored again, and again when it is restored', async () => {
      await scored(1, 2);

      await table.contacts().mark('33#1', 'deleted', NOON);
      expect(await all()).toEqual(['2']);
      await scored(1);
      expect(await all()).toEqual(['2']);

      await table.contacts().mark('33#1', 'living', NOON + 1);
      await scored(1);
      expect(await all()).toEqual(['1', '2']);
    });

    test('of merged contacts the living one only', async () => {
      await scored(1, 2, 3);

      await table.contacts().unite('33#1', '33#3');
      await scored(1);

      expect(await all()).toEqual(['2', '3']);
    });

    test('no longer one that was erased, with nothing left of where it stood or what was compared', async () => {
      await scored(1, 2);
      await table.contacts().noteReconciled('33#1', { atMs: NOON, of: 'inputs-1' });

      await table.contacts().erase('33#1');
      await table.contacts().noteReconciled('33#1', { atMs: NOON, of: 'inputs-1' });

      expect(await all()).toEqual(['2']);
      expect(await table.row('33#1', HEAD)).toEqual({ pk: '33#1', sk: HEAD, rev: 2, life: 'erased' });
    });

    test('not an address, nor a company', async () => {
      await scored(1);
      await table.contacts().unite('33#email#x', '33#1');
      await table.companies().keepFound('5', [], NOON);

      expect(await all()).toEqual(['1']);
    });

    test('one that was stored before there was this index, when it is next reconciled', async () => {
      await table.put([{ pk: '33#1', sk: HEAD, rev: 4 }]);
      expect(await all()).toEqual([]);

      await table.contacts().noteReconciled('33#1', { atMs: NOON, of: 'inputs-1' });

      expect(await all()).toEqual(['1']);
    });

    test('not one whose number is beyond what can be kept exactly: it is scored all the same', async () => {
      const key = '33#90071992547409930';

      await table.contacts().rescore(key, plainScore, NOON);

      expect(await table.row(key, HEAD)).toMatchObject({ rev: 1 });
      expect(await all()).toEqual([]);
    });
  });

  describe('stretches', () => {
    test('are parted by number: the first is behind where it begins, the last is where it ends', async () => {
      await stand([8, 9, 10, 11, 99, 100, 101]);
      const contacts = table.contacts();

      expect(await contacts.idsBetween('9', '100')).toEqual(['10', '11', '99', '100']);
      expect(await contacts.idsBetween(undefined, '9')).toEqual(['8', '9']);
      expect(await contacts.idsBetween('99', undefined)).toEqual(['100', '101']);
      expect(await contacts.idsBetween('100', '100')).toEqual([]);
      expect(await contacts.idsBetween('100', '9')).toEqual([]);
      expect(await contacts.idsBetween(undefined, undefined, 3)).toEqual(['8', '9', '10']);
      expect(await contacts.idsBetween('10', undefined, 4)).toEqual(['11', '99', '100', '101']);
    });

    test('have exactly the contacts between two numbers, wherever the answers of the index end', async () => {
      const bound = fc.option(fc.oneof(fc.nat(130), fc.nat(900_000_000_000)), { nil: undefined });
      await fc.assert(
        fc.asyncProperty(someIds, bound, bound, fc.integer({ min: 1, max: 4 }), async (ids, a, b, most) => {
          table = await createTable(engine);
          await stand(ids);
          await stand([1, 50, 100], '3');
          const contacts = table.contacts({ client: ending(most) });

          const found = await contacts.idsBetween(a?.toString(), b?.toString());

          const wanted = ids.filter((id) => id > (a ?? -1) && id <= (b ?? Number.POSITIVE_INFINITY));
          expect(found).toEqual(wanted.toSorted((x, y) => x - y).map(String));
        }),
        { numRuns: RUNS },
      );
    });

    test('that follow each other have every contact once', async () => {
      await fc.assert(
        fc.asyncProperty(someIds, someIds, async (ids, cuts) => {
          table = await createTable(engine);
          await stand(ids);
          const ends = [
            ...cuts
              .toSorted((a, b) => a - b)
              .slice(0, 6)
              .map(String),
            undefined,
          ];

          const found: string[] = [];
          for (const [at, end] of ends.entries())
            found.push(...(await table.contacts().idsBetween(ends[at - 1], end)));

          expect(found).toEqual(ids.toSorted((a, b) => a - b).map(String));
        }),
        { numRuns: RUNS },
      );
    });
  });

  describe('pages', () => {
    test('have every contact once, wherever the answers of the index end', async () => {
      await fc.assert(
        fc.asyncProperty(someIds, fc.integer({ min: 1, max: 4 }), async (ids, most) => {
          table = await createTable(engine);
          await stand(ids);
          await stand([1, 50, 100], '3');
          const contacts = table.contacts({ client: ending(most) });

          const pages = await turned(contacts);

          expect(pages.flat().toSorted(byNumber)).toEqual(ids.toSorted((a, b) => a - b).map(String));
          expect(await contacts.countRoll()).toBe(ids.length);
        }),
        { numRuns: RUNS },
      );
    });

    test('have at most 1,000 contacts, and all but the last are full', async () => {
      const ids = Array.from({ length: 2300 }, (_, at) => 990 + at * 7);
      await stand(ids);

      const pages = await turned(table.contacts());

      expect(pages.map(({ length }) => length)).toEqual([1000, 1000, 300]);
      expect(pages.flat().toSorted(byNumber)).toEqual(ids.map(String));
    });

    test('go on behind a contact that is gone by now, and leave none out and none double', async () => {
      const ids = Array.from({ length: 1500 }, (_, at) => at);
      await stand(ids);
      const { contactIds, after = '' } = await table.contacts().rollPage(undefined);

      await table.contacts().mark(contactKey('33', after), 'deleted', NOON);
      const rest = await table.contacts().rollPage(after);

      expect([...contactIds, ...rest.contactIds].toSorted(byNumber)).toEqual(ids.map(String));
    });

    test.each(['', '1#2', 'x', '-1', '90071992547409930'])('none begins at "%s"', async (after) => {
      await expect(table.contacts().rollPage(after)).rejects.toThrow('no page of contacts begins there');
    });

    test('of nobody are one without contacts', async () => {
      expect(await turned(table.contacts())).toEqual([[]]);
      expect(await table.contacts().countRoll()).toBe(0);
    });
  });
});
