import { PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { RetryableError } from '../../lambdas/errors.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { type Client, createTable, ENGINES, type Engine, type Table, watched } from './table.ts';

const Counted = v.object({ count: v.number(), by: v.optional(v.string()) });

const raise = ({ count }: { count: number }) => ({ state: { count: count + 1 }, result: count + 1 });

describe.each(ENGINES)('on $name', ({ start }) => {
  let engine: Engine;
  let table: Table;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    table = await createTable(engine);
  });

  const rowOf = (portalId = '33', sk = 'visits', client: Client = table.client) =>
    new PortalRow(client, table.tableName, portalId, sk, Counted, { count: 0 });

  test('starts with its initial state and is stored with the first change', async () => {
    const row = rowOf();
    expect(await row.read()).toEqual({ count: 0 });
    expect(await table.rows()).toEqual([]);

    expect(await row.update(raise)).toBe(1);

    expect(await rowOf().read()).toEqual({ count: 1 });
  });

  test('ten changes at the same instant: none is lost, and each sees another state', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, () => rowOf().update(raise)));

    expect(results.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await rowOf().read()).toEqual({ count: 10 });
  });

  test('a change that somebody else was faster than is made again on the newer state', async () => {
    await rowOf().update(raise);
    let isFirst = true;
    const client = watched(table.client, async (command, go) => {
      if (command instanceof PutCommand && isFirst) {
        isFirst = false;
        await rowOf().update(({ count }) => ({ state: { count: count + 100 }, result: undefined }));
      }
      return go();
    });

    expect(await rowOf('33', 'visits', client).update(raise)).toBe(102);
  });

  test('whoever never is the fastest comes again later', async () => {
    const client = watched(table.client, async (command, go) => {
      if (command instanceof PutCommand) await rowOf().update(raise);
      return go();
    });

    await expect(rowOf('33', 'visits', client).update(raise)).rejects.toThrow(RetryableError);
    expect(await rowOf().read()).toEqual({ count: 25 });
  });

  test('a state of an older form counts as none, and the next change puts it right', async () => {
    await table.put([{ pk: '33#portal', sk: 'visits', version: 4, state: { visits: 'many' } }]);

    expect(await rowOf().read()).toEqual({ count: 0 });
    expect(await rowOf().update(raise)).toBe(1);
    expect(await rowOf().read()).toEqual({ count: 1 });
  });

  test('rows and portals do not meet', async () => {
    await rowOf('33', 'visits').update(raise);
    await rowOf('33', 'calls').update(raise);
    await rowOf('3', 'visits').update(raise);
    await rowOf('3', 'visits').update(raise);

    expect(await rowOf('33', 'visits').read()).toEqual({ count: 1 });
    expect(await rowOf('33', 'calls').read()).toEqual({ count: 1 });
    expect(await rowOf('3', 'visits').read()).toEqual({ count: 2 });
  });

  test('another fault than a lost condition is not tried again', async () => {
    let puts = 0;
    const client = watched(table.client, async (command, go) => {
      if (!(command instanceof PutCommand)) return go();
      puts += 1;
      throw new Error('throttled');
    });

    await expect(rowOf('33', 'visits', client).update(raise)).rejects.toThrow('throttled');
    expect(puts).toBe(1);
  });
});
