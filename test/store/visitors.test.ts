// Visits: how they are kept, whose browser is whose, and what becomes of both.
import { BatchGetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { RetryableError } from '../../lambdas/errors.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import type { Journey } from '../../lambdas/scoring/journey.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';
import { dealsKept } from '../../lambdas/store/associations.ts';
import type { ContactTable, ScoreKnown } from '../../lambdas/store/contact-table.ts';
import { contactKey, emailKey, visitorKey } from '../../lambdas/store/keys.ts';
import { fact, NOON, plainScore } from './plain-score.ts';
import {
  type Command,
  createTable,
  ENGINES,
  type Engine,
  startDynalite,
  type Table,
  watched,
} from './table.ts';

const DAY_MS = 86_400_000;
const BROWSER = visitorKey('33', 'fV9cQmXo3oU1q0y0Yb7w-A');
const EMAIL = emailKey('33', 'ada@example.com', 'a key for tests');
const key = (id: number) => contactKey('33', String(id));

function visit(name: string, occurredAtMs = NOON - 1000): Fact {
  return touchFact(name, occurredAtMs, { by: 'browser', referrer: 'chatgpt.com' });
}

/** As `plainScore`, but its reasons are the visits that were seen. */
const visitsSeen: ScoreKnown = (contactId, known, previous) => {
  const scored = plainScore(contactId, known, previous);
  const reasons = (known.touches ?? []).map((touch) => touch.key).join(' ');
  return { ...scored, shown: { ...scored.shown, reasons } };
};

/** A client with which everything fails after so many commands. */
function crashing(table: Table, commands: number): Table['client'] {
  let left = commands;
  const client = watched(table.client, (_command, go) =>
    (left -= 1) < 0 ? Promise.reject(new Error('crashed')) : go(),
  );
  return Object.assign(Object.create(table.client), client);
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
    contacts = table.contacts({ clock: () => NOON });
  });

  const rescore = (partition: string) => contacts.rescore(partition, visitsSeen, NOON);
  const seen = async (id: number) => (await rescore(key(id)))?.head.shown?.reasons;
  /** Where each visit stands. */
  const visits = async () =>
    (await table.rows())
      .filter(({ sk }) => String(sk).startsWith('touch#'))
      .map(({ pk, sk }) => `${String(pk)} ${String(sk).split('#')[2]}`);

  describe('a visit', () => {
    test('of a browser that is nobody’s waits 30 days, and no contact is made of it', async () => {
      await contacts.keep(BROWSER, [visit('a', NOON - 20 * DAY_MS)], []);

      expect(await rescore(BROWSER)).toBeUndefined();

      expect(await table.rows()).toMatchObject([{ pk: BROWSER, expiresAt: (NOON + 30 * DAY_MS) / 1000 }]);
    });

    test('of a contact is kept for good, however long ago it was', async () => {
      await contacts.keep(key(7), [visit('a', NOON - 900 * DAY_MS)], []);

      expect(await seen(7)).toBe('a');
      expect((await table.rows())[1]).not.toHaveProperty('expiresAt');
    });

    test('is none of the facts that a score is made of, and a score sees both in one query', async () => {
      const queries: unknown[] = [];
      const client = watched(table.client, (command, go) => {
        if (command instanceof QueryCommand) queries.push(command.input.ExpressionAttributeValues);
        return go();
      });
      await contacts.keep(key(7), [visit('a'), fact('login'), visit('b', NOON)], []);

      const standing = await table
        .contacts({ client })
        .rescore(
          key(7),
          (...all) => ({ ...plainScore(...all), lastSignalAtMs: all[1].touches?.length }),
          NOON,
        );

      expect(standing?.head).toMatchObject({ shown: { reasons: 'login', score: 1 }, lastSignalAtMs: 2 });
      expect(queries).toHaveLength(2); // Of the head with its properties, and of all that happened.
    });

    test('is one of the newest thousand, and pushes no fact out', async () => {
      const many = Array.from({ length: 1_005 }, (_, at) => visit(`v${at}`, NOON - at));
      const row = ({ key: own, name, value, occurredAtMs }: Fact) => ({
        pk: key(7),
        sk: `${name === 'touch' ? 'touch' : 'signal'}#00${occurredAtMs}#${own}`,
        name,
        value,
      });
      await table.put([...many, ...['x', 'y', 'z'].map((name) => fact(name, 1, NOON - DAY_MS))].map(row));

      expect(await seen(7)).toBe(
        many
          .slice(0, 1_000)
          .map((each) => each.key)
          .join(' '),
      );
      expect((await contacts.read(key(7)))?.known.facts).toHaveLength(3);
      expect((await contacts.touchesOf([key(7)])).get(key(7))).toHaveLength(1_000);
    });
  });

  describe('visits of many contacts', () => {
    test('are those of the records that live, by the ids that were asked for', async () => {
      await contacts.keep(key(1), [visit('a')], []);
      await contacts.keep(key(2), [visit('b')], []);
      await contacts.unite(key(1), key(3));
      await contacts.keep(key(4), [visit('c')], []);
      await contacts.erase(key(4));
      await contacts.keep(key(4), [visit('d')], []); // By somebody who does not know yet.

      const touches = await contacts.touchesOf([key(1), key(2), key(3), key(4), key(5)]);

      const seenOf = Object.fromEntries(
        [...touches].map(([id, those]) => [id, those.map((touch) => touch.key)]),
      );
      expect(seenOf).toEqual({
        [key(1)]: ['a'],
        [key(2)]: ['b'],
        [key(3)]: ['a'],
        [key(4)]: [],
        [key(5)]: [],
      });
    });
  });

  describe('a browser', () => {
    test('that turns out to be a contact’s brings it all its visits, and those to come', async () => {
      await contacts.keep(BROWSER, [visit('a')], []);

      expect(await contacts.bind(BROWSER, key(7))).toBe(true);
      expect(await seen(7)).toBe('a');

      await contacts.keep(BROWSER, [visit('b', NOON)], []);
      expect(await rescore(BROWSER)).toMatchObject({ contactId: '7', head: { shown: { reasons: 'b a' } } });
      expect(await visits()).toEqual([`${key(7)} a`, `${key(7)} b`]);
      expect((await table.rows()).every((row) => row['expiresAt'] === undefined)).toBe(true);
    });

    test.each([
      { because: 'it is the same contact again', owner: 7, target: 7, isBound: true },
      { because: 'the first is merged into it', owner: 1, target: 3, isBound: true },
      { because: 'it was merged into the first', owner: 3, target: 1, isBound: true },
      { because: 'it is somebody else', owner: 7, target: 8, isBound: false },
      {
        because: 'it is somebody else, whatever the first was merged into',
        owner: 1,
        target: 8,
        isBound: false,
      },
    ])('of contact $owner is bound to $target: $isBound, because $because', async (row) => {
      await contacts.unite(key(1), key(3));
      await contacts.bind(BROWSER, key(row.owner));
      await contacts.keep(BROWSER, [visit('a')], []);

      expect(await contacts.bind(BROWSER, key(row.target))).toBe(row.isBound);

      await rescore(BROWSER);
      expect(await visits()).toEqual([`${key(row.owner === 1 ? 3 : row.owner)} a`]);
    });

    test('of a contact that is deleted may become another’s, and stays that one’s when the first is erased', async () => {
      await contacts.bind(BROWSER, key(7));
      await contacts.keep(BROWSER, [visit('a')], []);
      await rescore(BROWSER);
      await contacts.mark(key(7), 'deleted', NOON);

      expect(await contacts.bind(BROWSER, key(8))).toBe(true);
      await contacts.erase(key(7));
      await contacts.keep(BROWSER, [visit('b')], []);

      expect(await rescore(BROWSER)).toMatchObject({ contactId: '8', head: { shown: { reasons: 'b' } } });
    });

    test.each([
      ['HubSpot says so', () => contacts.mark(key(7), 'living', NOON + 2)],
      ['it shows signs of life', () => contacts.revive(key(7), NOON + 2)],
    ])(
      'of a deleted contact is that one’s with all its visits when it is restored, as %s',
      async (_, restore) => {
        await contacts.bind(BROWSER, key(7));
        await contacts.mark(key(7), 'deleted', NOON);
        await contacts.keep(BROWSER, [visit('a')], []);
        expect(await rescore(BROWSER)).toBeUndefined(); // It may be somebody else's next.

        await restore();

        expect(await seen(7)).toBe('a');
        expect(await visits()).toEqual([`${key(7)} a`]);
      },
    );

    test('of an address that is nobody’s becomes a contact’s that says so', async () => {
      await contacts.bind(BROWSER, EMAIL);
      expect(await contacts.bind(BROWSER, key(7))).toBe(true);
      await contacts.keep(BROWSER, [visit('a')], []);

      expect(await rescore(BROWSER)).toMatchObject({ contactId: '7' });
    });

    test('of a contact stays its own when an address is said to have it of which nobody knows whose it is', async () => {
      await contacts.bind(BROWSER, key(7));
      expect(await contacts.bind(BROWSER, EMAIL)).toBe(true); // For all that is known they are one.
      await contacts.unite(EMAIL, key(8));
      await contacts.keep(BROWSER, [visit('a')], []);

      expect(await rescore(BROWSER)).toMatchObject({ contactId: '7' });
    });

    test('said to be an address’s waits with it for the next contact, where the last one that had it is deleted', async () => {
      await contacts.unite(EMAIL, key(7));
      await contacts.mark(key(7), 'deleted', NOON);
      await contacts.keep(BROWSER, [visit('a')], []);

      expect(await contacts.bind(BROWSER, EMAIL)).toBe(true);
      await rescore(EMAIL);
      await contacts.unite(EMAIL, key(8));

      expect(await seen(8)).toBe('a');
      await contacts.keep(BROWSER, [visit('b', NOON)], []);
      expect(await rescore(BROWSER)).toMatchObject({ contactId: '8', head: { shown: { reasons: 'b a' } } });
      await contacts.erase(key(8));
      expect((await table.rows()).filter(({ pk }) => pk === BROWSER)).toEqual([]);
    });

    test('said to be an address’s is so for 30 days, and for good once that is a contact’s', async () => {
      const waiting = (NOON + 30 * DAY_MS) / 1000;
      await contacts.keep(BROWSER, [visit('a')], []);

      await contacts.bind(BROWSER, EMAIL);
      expect((await table.rows()).map(({ expiresAt }) => expiresAt)).toEqual([waiting, waiting, waiting]);

      const later = table.contacts({ clock: () => NOON + DAY_MS });
      await later.bind(BROWSER, EMAIL); // It is said again.
      expect(await table.row(BROWSER, '#head')).toMatchObject({ expiresAt: waiting + DAY_MS / 1000 });

      await contacts.unite(EMAIL, key(7));
      expect((await table.rows()).filter(({ expiresAt }) => expiresAt !== undefined)).toEqual([]);
      await contacts.keep(BROWSER, [visit('b', NOON)], []);
      expect(await rescore(BROWSER)).toMatchObject({ contactId: '7', head: { shown: { reasons: 'b a' } } });
    });

    test.each([1, 2, 3, 4].map((commands) => ({ commands })))(
      'is one’s for good, where telling its address broke off after $commands commands',
      async ({ commands }) => {
        const broken = table.contacts({ client: crashing(table, commands) });
        await broken.bind(BROWSER, EMAIL).catch(() => undefined);
        await contacts.unite(EMAIL, key(7));

        await contacts.bind(BROWSER, EMAIL);

        expect(await table.row(BROWSER, '#head')).not.toHaveProperty('expiresAt');
        await contacts.keep(BROWSER, [visit('a')], []);
        expect(await rescore(BROWSER)).toMatchObject({ contactId: '7' });
      },
    );

    test('stays with the contact whose address told of it, when somebody else has the address', async () => {
      await contacts.bind(BROWSER, EMAIL);
      await contacts.unite(EMAIL, key(7));
      await contacts.unite(EMAIL, key(8));
      await contacts.keep(BROWSER, [visit('a')], []);

      expect(await rescore(BROWSER)).toMatchObject({ contactId: '7' });
      expect(await contacts.bind(BROWSER, EMAIL)).toBe(false);
    });

    test('claimed by two at one instant is one’s, told so by whom it may be any number of times', async () => {
      await contacts.keep(BROWSER, [visit('a')], []);
      const claims = [7, 8, 7, 8].map((id) => () => contacts.bind(BROWSER, key(id)));

      const bound = await Promise.all(claims.map((claim) => claim()));

      const winner = bound[0] === true ? 7 : 8;
      expect(bound).toEqual([7, 8, 7, 8].map((id) => id === winner));
      expect(await visits()).toEqual([`${key(winner)} a`]);
    });

    test('that changes hands all the time is left to the queue to try again', async () => {
      const client = watched(table.client, async (command, go) => {
        const isClaim = command instanceof UpdateCommand && command.input.Key?.['pk'] === BROWSER;
        // Somebody else is always a moment earlier.
        if (isClaim)
          await table.put([{ pk: BROWSER, sk: '#head', rev: 1, alias: EMAIL + String(Math.random()) }]);
        return go();
      });

      await expect(table.contacts({ client }).bind(BROWSER, key(7))).rejects.toThrow(RetryableError);
    });

    test('whose binding broke off in the middle is bound when that is heard again, and no visit is lost', async () => {
      await contacts.keep(BROWSER, [visit('a'), visit('b', NOON)], []);
      let crashes = 0;
      for (; crashes < 40; crashes++) {
        const broken = table.contacts({ client: crashing(table, crashes) });
        const isCrashed = await broken.bind(BROWSER, key(7)).then(
          () => false,
          () => true,
        );
        expect(new Set((await visits()).map((place) => place.split(' ')[1]))).toEqual(new Set(['a', 'b']));
        if (!isCrashed) break;
      }

      expect(crashes).toBeGreaterThan(3);
      expect(await seen(7)).toBe('b a');
      await contacts.erase(key(7));
      expect((await table.rows()).map(({ pk, sk }) => [pk, sk])).toEqual([[key(7), '#head']]);
    });
  });

  describe('after privacy deletion of whose browser it was', () => {
    const journey: Journey = {
      firstAi: undefined,
      lastAi: undefined,
      aiSessions: 0,
      text: 'Google 1 Jun 2026',
    };

    beforeEach(async () => {
      await contacts.keep(BROWSER, [visit('a')], []);
      await contacts.bind(BROWSER, key(1));
      await contacts.unite(key(1), key(3));
      await contacts.rescore(
        key(3),
        (...all) => {
          const scored = plainScore(...all);
          return { ...scored, shown: { ...scored.shown, journey } };
        },
        NOON,
      );
      await contacts.keep(BROWSER, [visit('b')], []);
    });

    test.each([1, 3])('told of contact %i, nothing but tombstones is left', async (id) => {
      await contacts.erase(key(id));

      const rows = await table.rows();
      expect(rows.map(({ pk, sk, life }) => [pk, sk, life])).toEqual(
        [1, 3].map((each) => [key(each), '#head', 'erased']),
      );
      expect(rows.every((row) => row['jny'] === undefined)).toBe(true);
    });

    test('what it does later waits as anybody’s', async () => {
      await contacts.erase(key(3));
      await contacts.keep(BROWSER, [visit('c')], []);

      expect(await rescore(BROWSER)).toBeUndefined();
      expect(await visits()).toEqual([`${BROWSER} c`]);
      expect(await contacts.bind(BROWSER, key(8))).toBe(true);
      expect(await seen(8)).toBe('c');
    });

    test('whose erasing broke off at once, nothing comes to the next one who has it', async () => {
      await table
        .contacts({ client: crashing(table, 1) })
        .erase(key(3))
        .catch(() => undefined);

      expect(await contacts.bind(BROWSER, key(8))).toBe(true);

      expect(await seen(8)).toBe('');
    });

    test('the binding heard once more leaves nothing', async () => {
      await contacts.erase(key(3));
      await contacts.keep(BROWSER, [visit('c')], []);

      await contacts.bind(BROWSER, key(1));
      await rescore(key(1));

      expect((await table.rows()).filter(({ life }) => life !== 'erased')).toEqual([]);
    });
  });

  test('what is shown of visits is read as it was stored, first and last of them the same or not', async () => {
    const first = { source: 'ChatGPT', atMs: NOON - DAY_MS, page: 'https://acme.example/pricing' };
    const last = { source: 'Perplexity', atMs: NOON, page: '' };
    const journeys: Journey[] = [
      { firstAi: undefined, lastAi: undefined, aiSessions: 0, text: '' },
      { firstAi: first, lastAi: first, aiSessions: 1, text: 'ChatGPT 31 May 2026' },
      { firstAi: first, lastAi: last, aiSessions: 2, text: 'ChatGPT 31 May 2026 > Perplexity 1 Jun 2026' },
    ];
    for (const journey of journeys) {
      const standing = await contacts.rescore(
        key(7),
        (...all) => {
          const scored = plainScore(...all);
          return { ...scored, shown: { ...scored.shown, journey } };
        },
        NOON,
      );
      expect(standing?.head.shown?.journey).toEqual(journey);
      expect((await contacts.read(key(7)))?.head.shown?.journey).toEqual(journey);
      const { jny } = (await table.row(key(7), '#head')) ?? {};
      expect(String(jny).split(first.page).length - 1).toBe(Math.min(1, journey.aiSessions)); // Never twice.
    }

    await contacts.rescore(key(7), plainScore, NOON); // By a model that asks for no visits.
    expect((await contacts.read(key(7)))?.head.shown).not.toHaveProperty('journey');
    expect(await table.row(key(7), '#head')).not.toHaveProperty('jny');
  });

  test('a contact without visits takes as many commands as ever', async () => {
    const commands: Command[] = [];
    const client = watched(table.client, (command, go) => {
      commands.push(command);
      return go();
    });
    const own = table.contacts({ client });

    await own.keep(key(7), [fact('login')], [dealsKept([], NOON)]);
    await own.rescore(key(7), plainScore, NOON);

    const reads = commands.filter((each) => each instanceof QueryCommand || each instanceof BatchGetCommand);
    expect(commands).toHaveLength(5); // Two rows kept, two readings, one store.
    expect(reads).toHaveLength(2);
  });
});

/** Everything that may happen around two visits of one person: each with who is scored afterwards. */
function happenings(contacts: ContactTable): Readonly<Record<string, () => Promise<unknown>>> {
  const rescore = (partition: string) => contacts.rescore(partition, visitsSeen, NOON);
  const kept = (partition: string, touch: Fact) =>
    contacts.keep(partition, [touch], []).then(() => rescore(partition));
  return {
    'a visit': () => kept(BROWSER, visit('a')),
    'another visit': () => kept(BROWSER, visit('b', NOON)),
    'a visit of the contact': () => kept(key(7), visit('c')),
    'a form tells whose browser it is': () => contacts.bind(BROWSER, key(7)).then(() => rescore(key(7))),
    'a server tells it by the address': () => contacts.bind(BROWSER, EMAIL).then(() => rescore(EMAIL)),
    'whose the address is': () => contacts.unite(EMAIL, key(7)).then(() => rescore(key(7))),
    'a merge': () => contacts.unite(key(7), key(9)).then(() => rescore(key(9))),
  };
}

describe('whatever is heard of a browser', () => {
  let engine: Engine;
  const engineOfMany = ENGINES.at(-1); // The fastest there is.

  beforeAll(async () => {
    engine = await (engineOfMany ?? { start: startDynalite }).start();
  });
  afterAll(() => engine.stop());

  const NAMES = Object.keys(happenings(Object.create(null)));

  test('late, out of order or twice, the end is the same', async () => {
    const order = fc
      .tuple(
        fc.shuffledSubarray(NAMES, { minLength: NAMES.length }),
        fc.array(fc.constantFrom(...NAMES), { maxLength: 4 }),
      )
      .map(([all, again]) => [...all, ...again]);
    await fc.assert(
      fc.asyncProperty(order, async (names) => {
        const table = await createTable(engine);
        const contacts = table.contacts({ clock: () => NOON });
        const happens = happenings(contacts);

        for (const name of names) await happens[name]?.();

        const standing = await contacts.rescore(key(9), visitsSeen, NOON);
        expect(standing?.head.shown?.reasons).toBe('b c a');
        const rows = (await table.rows()).filter(({ sk }) => String(sk).startsWith('touch#'));
        expect(rows.map(({ pk }) => pk)).toEqual([key(9), key(9), key(9)]);
        await contacts.keep(BROWSER, [visit('later', NOON + 1)], []);
        expect((await contacts.rescore(BROWSER, visitsSeen, NOON))?.contactId).toBe('9');
      }),
      { numRuns: 10 },
    );
  });
});
