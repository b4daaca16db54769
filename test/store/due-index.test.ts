import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { dueBy, dueContacts } from '../../lambdas/store/due-index.ts';
import { contactKey } from '../../lambdas/store/keys.ts';
import { NOON, plainScore } from './plain-score.ts';
import { type Client, createTable, ENGINES, type Engine, type Table, watched } from './table.ts';

let engine: Engine;
let table: Table;

function scoredWith(id: number, dueNight: string | undefined, dueAtMs: number | undefined) {
  const key = contactKey('33', String(id));
  return table.contacts().rescore(key, (...all) => ({ ...plainScore(...all), dueNight, dueAtMs }), NOON);
}

function dueNow(...ids: number[]): Promise<string[]> {
  return dueBy(table.contacts(), '33', ids.map(String), NOON);
}

async function fallsDue(id: number, night: string | undefined, portalId = '33'): Promise<void> {
  await table
    .contacts({ portalId })
    .rescore(
      contactKey(portalId, String(id)),
      (...all) => ({ ...plainScore(...all), dueNight: night }),
      NOON,
    );
}

async function due(night: string, client: Client = table.client): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of dueContacts(client, table.tableName, '33', night)) ids.push(...page);
  return ids.toSorted((a, b) => Number(a) - Number(b));
}

describe.each(ENGINES)('on $name', ({ start }) => {
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    table = await createTable(engine);
  });

  test('a night has exactly the contacts that fall due on it, of this portal', async () => {
    await fallsDue(1, '2026-06-08');
    await fallsDue(2, '2026-06-09');
    await fallsDue(3, '2026-06-10');
    await fallsDue(4, undefined);
    await fallsDue(5, '2026-06-09', '3');
    await fallsDue(6, '2026-06-09');

    expect(await due('2026-06-09')).toEqual(['2', '6']);
  });

  test('a contact is found on the night it was last given, and on none when it does not fade', async () => {
    await fallsDue(1, '2026-06-09');
    await fallsDue(1, '2026-06-10');
    await fallsDue(2, '2026-06-10');
    await fallsDue(2, undefined);

    expect([await due('2026-06-09'), await due('2026-06-10')]).toEqual([[], ['1']]);
  });

  test('an erased contact and one that was merged away fall due no more', async () => {
    for (const id of [1, 2, 3]) await fallsDue(id, '2026-06-09');

    await table.contacts().erase('33#1');
    await table.contacts().unite('33#2', '33#3');

    expect(await due('2026-06-09')).toEqual(['3']);
  });

  test('a night is read to its end, however many pages it has', async () => {
    const ids = Array.from({ length: 60 }, (_, at) => at + 1);
    for (const id of ids) await fallsDue(id, '2026-06-09');
    const twoPerPage = watched(table.client, async (command, go) => {
      if (command instanceof QueryCommand) command.input.Limit = 2;
      return go();
    });

    expect(await due('2026-06-09', twoPerPage)).toEqual(ids.map(String));
  });

  describe('before its night has come', () => {
    test('a contact is due from its due moment on', async () => {
      await scoredWith(1, '2026-06-02', NOON - 1);
      await scoredWith(2, '2026-06-02', NOON);
      await scoredWith(3, '2026-06-02', NOON + 1);

      expect(await dueNow(3, 2, 1)).toEqual(['2', '1']);
    });

    test('one of which only the night is known is due', async () => {
      await scoredWith(1, '2026-06-02', undefined);

      expect(await dueNow(1)).toEqual(['1']);
    });

    test('one that was scored a moment ago and does not fade any more is not, nor one that is gone', async () => {
      for (const id of [1, 2, 3, 4]) await scoredWith(id, '2026-06-02', NOON);
      await scoredWith(1, undefined, undefined);
      await table.contacts().erase('33#2');
      await table.contacts().unite('33#3', '33#4');

      expect(await dueNow(1, 2, 3, 4, 5)).toEqual(['4']);
    });
  });
});
