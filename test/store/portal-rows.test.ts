import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
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

  /** The kinds of commands a row sends. */
  const counted = () => {
    const sent: string[] = [];
    const client = watched(table.client, (command, go) => {
      sent.push(command.constructor.name);
      return go();
    });
    return { sent, client };
  };

  test('whoever is alone with the row does not read it before every change', async () => {
    const { sent, client } = counted();
    const row = rowOf('33', 'visits', client);

    for (let change = 0; change < 10; change++) await row.update(raise);

    expect(sent.filter((name) => name === 'PutCommand')).toHaveLength(10);
    expect(sent.filter((name) => name === 'GetCommand')).toHaveLength(3); // Until it is known that nobody else is there.
    expect(await rowOf().read()).toEqual({ count: 10 });
  });

  test('two that take turns read it first, and do not run into each other', async () => {
    const { sent, client } = counted();
    const [one, other] = [rowOf('33', 'visits', client), rowOf('33', 'visits', client)];

    for (let change = 0; change < 5; change++) {
      await one.update(raise);
      await other.update(raise);
    }

    expect(sent).toHaveLength(20);
    expect(await rowOf().read()).toEqual({ count: 10 });
  });

  test('somebody who comes after a while is found by the condition, and nothing of theirs is lost', async () => {
    const row = rowOf();
    for (let change = 0; change < 5; change++) await row.update(raise);
    await rowOf().update(({ count }) => ({ state: { count: count + 100 }, result: undefined }));

    expect(await row.update(raise)).toBe(106);
    expect(await rowOf().read()).toEqual({ count: 106 });
  });

  test('a row that was removed meanwhile begins anew', async () => {
    const row = rowOf();
    for (let change = 0; change < 5; change++) await row.update(raise);
    await table.client.send(
      new DeleteCommand({ TableName: table.tableName, Key: { pk: '33#portal', sk: 'visits' } }),
    );

    expect(await row.update(raise)).toBe(1);
  });

  test('a state that is left as it is is not stored, and is the newest there is', async () => {
    const { sent, client } = counted();
    const row = rowOf('33', 'visits', client);
    for (let change = 0; change < 5; change++) await row.update(raise);
    await rowOf().update(raise);
    sent.length = 0;

    expect(await row.update((state) => ({ state, result: state.count }))).toBe(6);

    expect(sent).toEqual(['GetCommand']);
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
