import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { BatchGetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { RetryableError } from '../../lambdas/errors.ts';
import type { Shown } from '../../lambdas/scoring/show.ts';
import type { ContactTable, ScoreKnown } from '../../lambdas/store/contact-table.ts';
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

const DAY_MS = 86_400_000;
const CONTACT = '33#7';

let engine: Engine;
let table: Table;

/** Lets somebody else act once, right after the command that is named has been answered. */
function actAfter(isMoment: (command: Command) => boolean, act: () => Promise<unknown>): Client {
  let isDone = false;
  return watched(table.client, async (command, go) => {
    const answer = await go();
    if (isDone || !isMoment(command)) return answer;
    isDone = true;
    await act();
    return answer;
  });
}

async function keepAndScore(key: string, points: number): Promise<void> {
  const other = table.contacts();
  await other.keep(CONTACT, [fact(key, points)], []);
  await other.rescore(CONTACT, plainScore, NOON);
}

/** The comparison with HubSpot that the contact's head notes. */
async function noted() {
  const head = (await table.contacts().heads([CONTACT])).get(CONTACT);
  return { atMs: head?.reconciledAtMs, of: head?.reconciledFor };
}

const isTheirs = ({ pk }: Record<string, unknown>) => String(pk).startsWith('33#');

/** A score that shows a grade and nothing else; its write id is the grade. */
function scoredAs(grade: string): ScoreKnown {
  return (...all) => {
    const plain = plainScore(...all);
    return { ...plain, shown: { ...plain.shown, grade }, writeId: grade };
  };
}

/** What `plainScore` first shows of the contact, at noon. */
const FIRST_SHOWN = { writeId: '7:0', shownAtMs: NOON };
const SHOWN: Shown = {
  score: 72,
  fit: 20,
  engagement: 52,
  grade: 'A',
  status: 'scored',
  model: 'b2b@1',
  reasons: '+20',
};
/** On the day before the night of 9 June. */
const DUE_MS = Date.UTC(2026, 5, 8, 17);
const scored: ScoreKnown = () => ({
  shown: SHOWN,
  writeId: 'w1',
  dueNight: '2026-06-09',
  dueAtMs: DUE_MS,
  lastSignalAtMs: NOON - 5,
});
const cleared: ScoreKnown = () => ({
  shown: { ...SHOWN, score: null, fit: 0 },
  writeId: 'w2',
  dueNight: undefined,
  dueAtMs: undefined,
  lastSignalAtMs: undefined,
});

describe.each(ENGINES)('on $name', ({ start }) => {
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    table = await createTable(engine);
  });

  describe('what happened is kept once', () => {
    test('50 deliveries of one fact are one row, and change nothing after the first', async () => {
      const contacts = table.contacts();
      const kept = await contacts.keep(CONTACT, [fact('visit')], []);
      const [row] = await table.rows();

      for (let again = 1; again < 50; again++)
        kept.push(...(await contacts.keep(CONTACT, [fact('visit')], [])));

      expect(kept).toEqual([fact('visit')]);
      expect(await table.rows()).toEqual([row]);
    });

    test('50 deliveries at the same instant are one row', async () => {
      const contacts = table.contacts();

      const kept = await Promise.all(
        Array.from({ length: 50 }, () => contacts.keep(CONTACT, [fact('visit')], [])),
      );

      expect(kept.flat()).toEqual([fact('visit')]);
      expect(await table.rows()).toHaveLength(1);
    });

    test('a fact is read as it was kept, with everything that is known of it', async () => {
      const contacts = table.contacts();
      const facts = [
        { key: 'plain', name: 'signal:product.login', occurredAtMs: NOON - 3 },
        { key: 'visits', name: 'property:visits', occurredAtMs: NOON - 2, value: '12', record: '7' },
        {
          key: 'found',
          name: 'property:visits',
          occurredAtMs: NOON - 1,
          value: '9',
          record: '7',
          baseline: true,
        },
        { key: 'undated', name: 'signal:webinar', occurredAtMs: NOON, isTimeUnknown: true },
      ];
      await contacts.keep(CONTACT, facts, []);
      await contacts.rescore(CONTACT, plainScore, NOON);

      const read = await contacts.read(CONTACT);

      expect(read?.known.facts.toSorted((a, b) => a.occurredAtMs - b.occurredAtMs)).toEqual(facts);
    });

    test('a fact whose time nobody said is the same fact whenever it is heard', async () => {
      const contacts = table.contacts();
      await contacts.keep(CONTACT, [{ ...fact('webinar'), isTimeUnknown: true }], []);

      const kept = await contacts.keep(
        CONTACT,
        [{ ...fact('webinar', 1, NOON + DAY_MS), isTimeUnknown: true }],
        [],
      );

      expect(kept).toEqual([]);
      expect(await table.rows()).toEqual([expect.objectContaining({ at: NOON })]);
    });

    test.each([
      { key: '33#7', days: 400, from: NOON - DAY_MS, because: 'a contact keeps it from when it happened' },
      { key: '33#company#7', days: 400, from: NOON - DAY_MS, because: 'a company keeps it as long' },
      { key: '33#deal#7', days: 400, from: NOON - DAY_MS, because: 'so does a deal' },
      {
        key: '33#email#abc',
        days: 30,
        from: NOON,
        because: 'under an address it waits from when it was heard',
      },
    ])('a fact under $key expires after $days days: $because', async ({ key, days, from }) => {
      await table.contacts({ clock: () => NOON }).keep(key, [fact('visit', 1, NOON - DAY_MS)], []);

      expect(await table.rows()).toEqual([
        expect.objectContaining({ expiresAt: (from + days * DAY_MS) / 1000 }),
      ]);
    });

    test('what was said of an address expires too, what is said of a contact does not', async () => {
      const contacts = table.contacts({ clock: () => NOON });
      await contacts.keep(CONTACT, [], [property('jobtitle', 'CTO')]);
      await contacts.keep('33#email#abc', [], [property('jobtitle', 'CTO')]);

      const expires = (await table.rows()).map(({ pk, expiresAt }) => [pk, expiresAt]);

      expect(expires).toEqual([
        ['33#7', undefined],
        ['33#email#abc', NOON / 1000 + 30 * 86_400],
      ]);
    });
  });

  describe('of a property the newest value stands', () => {
    test.each([
      { earlier: ['CTO', 1], later: ['CEO', 2], stands: 'CEO', because: 'it is newer' },
      {
        earlier: ['CTO', 2],
        later: ['CEO', 1],
        stands: 'CTO',
        because: 'the other is older, though heard later',
      },
      {
        earlier: ['CEO', 1],
        later: ['CTO', 1],
        stands: 'CTO',
        because: 'equal times are decided by the value',
      },
      { earlier: ['CTO', 1], later: ['CEO', 1], stands: 'CTO', because: 'and so in the other order' },
      { earlier: ['CTO', 1], later: ['', 2], stands: '', because: 'clearing is a value too' },
      { earlier: ['', 2], later: ['CTO', 1], stands: '', because: 'an older value does not undo it' },
    ] as const)('$earlier, then $later: $stands, because $because', async ({ earlier, later, stands }) => {
      const contacts = table.contacts();

      await contacts.keep(CONTACT, [], [property('jobtitle', earlier[0], NOON + earlier[1])]);
      await contacts.keep(CONTACT, [], [property('jobtitle', later[0], NOON + later[1])]);

      expect(await table.rows()).toEqual([
        expect.objectContaining({ sk: 'property#jobtitle', value: stands }),
      ]);
    });

    test('whatever the order, and at the same instant', async () => {
      const values = fc.array(fc.record({ value: fc.constantFrom('', 'a', 'b', 'c'), at: fc.nat(3) }), {
        minLength: 1,
        maxLength: 6,
      });
      let id = 100;
      await fc.assert(
        fc.asyncProperty(values, async (given) => {
          const contacts = table.contacts();
          const key = `33#${(id += 1)}`;
          const properties = given.map(({ value, at }) => property('stage', value, NOON + at));

          await contacts.keep(key, [], properties);

          const newest = Math.max(...given.map(({ at }) => at));
          const greatest = given
            .filter(({ at }) => at === newest)
            .map(({ value }) => value)
            .toSorted();
          expect(await table.row(key, 'property#stage')).toMatchObject({ value: greatest.at(-1) });
        }),
        { numRuns: 10 },
      );
    });
  });

  describe('nothing kept is ever left out of the score', () => {
    // A Query is no snapshot. Read the other way round, the facts would be old and the revision new.
    test('when somebody keeps a fact and stores between the reading of the head and of the facts', async () => {
      await keepAndScore('first', 1);
      const client = actAfter(
        (command) => command instanceof QueryCommand,
        () => keepAndScore('second', 10),
      );

      await table.contacts({ client }).rescore(CONTACT, plainScore, NOON);

      expect(await table.row(CONTACT, '#head')).toMatchObject({ score: 11, why: 'first second' });
    });

    test('when somebody keeps a fact and stores between the reading of the facts and the store', async () => {
      await keepAndScore('first', 1);
      let queries = 0;
      const client = actAfter(
        (command) => command instanceof QueryCommand && (queries += 1) === 2,
        () => keepAndScore('second', 10),
      );

      await table.contacts({ client }).rescore(CONTACT, plainScore, NOON);

      expect(await table.row(CONTACT, '#head')).toMatchObject({ score: 11, why: 'first second' });
    });

    test('when somebody sets a property between the reading of the head and of the properties', async () => {
      await table.contacts().keep(CONTACT, [], [property('city', 'Berlin')]);
      await table.contacts().rescore(CONTACT, plainScore, NOON);
      const onePerPage = watched(table.client, async (command, go) => {
        if (command instanceof QueryCommand && command.input.ConsistentRead === true) command.input.Limit = 1;
        return go();
      });
      let isDone = false;
      const client = watched(onePerPage, async (command, go) => {
        const answer = await go();
        if (!(command instanceof QueryCommand) || isDone) return answer;
        isDone = true;
        await table.contacts().keep(CONTACT, [], [property('city', 'Paris', NOON + 1)]);
        await table.contacts().rescore(CONTACT, plainScore, NOON);
        return answer;
      });

      await table.contacts({ client }).rescore(CONTACT, plainScore, NOON);

      expect(await table.row(CONTACT, '#head')).toMatchObject({ why: 'city=Paris' });
    });

    // Both facts cancel out. Who sees both finds the score unchanged; did it not store, the other's store would stand.
    test('when somebody finds the score unchanged while another is about to store', async () => {
      const contacts = table.contacts();
      await contacts.rescore(CONTACT, plainScore, NOON);
      await contacts.keep(CONTACT, [fact('gain', 10)], []);
      let queries = 0;
      const client = actAfter(
        (command) => command instanceof QueryCommand && (queries += 1) === 2,
        () => keepAndScore('loss', -10),
      );

      await table.contacts({ client }).rescore(CONTACT, plainScore, NOON);

      expect(await table.row(CONTACT, '#head')).toMatchObject({ score: 0, why: 'gain loss' });
    });

    test('every scoring raises the revision, also when nothing changed', async () => {
      const contacts = table.contacts();
      await contacts.keep(CONTACT, [fact('visit')], []);

      const revisions = [];
      for (const nowMs of [NOON, NOON, NOON + 1]) {
        revisions.push((await contacts.rescore(CONTACT, plainScore, nowMs))?.head.revision);
      }

      expect(revisions).toEqual([1, 2, 3]);
      expect(await table.row(CONTACT, '#head')).toMatchObject({ rev: 3, shownAt: NOON });
    });

    test('when eight score one contact at the same instant', async () => {
      const keys = Array.from({ length: 8 }, (_, at) => `f${at}`);

      await Promise.all(keys.map((key) => keepAndScore(key, 1)));

      expect(await table.row(CONTACT, '#head')).toMatchObject({ score: 8, why: keys.join(' ') });
    });

    test('when others always store first, it is left to the queue to try again', async () => {
      let tries = 0;
      const client = watched(table.client, async (command, go) => {
        if (!(command instanceof UpdateCommand)) return go();
        tries += 1;
        await table.contacts().rescore(CONTACT, plainScore, NOON);
        return go();
      });

      await expect(table.contacts({ client }).rescore(CONTACT, plainScore, NOON)).rejects.toThrow(
        RetryableError,
      );
      expect(tries).toBe(12);
    });
  });

  describe('what HubSpot confirmed', () => {
    test('is noted while it is still what is to be shown', async () => {
      const contacts = table.contacts();
      const standing = await contacts.rescore(CONTACT, plainScore, NOON);

      expect(await contacts.confirm(CONTACT, FIRST_SHOWN)).toBe(true);
      expect((await contacts.heads([CONTACT])).get(CONTACT)).toEqual({
        ...standing?.head,
        confirmedWriteId: '7:0',
      });
    });

    test('is refused when something newer is to be shown, and leaves that as it is', async () => {
      const contacts = table.contacts();
      await contacts.rescore(CONTACT, plainScore, NOON);
      await contacts.keep(CONTACT, [fact('visit')], []);
      await contacts.rescore(CONTACT, plainScore, NOON);
      const before = await table.rows();

      expect(await contacts.confirm(CONTACT, FIRST_SHOWN)).toBe(false);
      expect(await table.rows()).toEqual(before);
    });

    test('is refused when it was overtaken in between and came back: HubSpot may show what overtook it', async () => {
      const contacts = table.contacts();
      const sent = await contacts.rescore(CONTACT, scoredAs('A'), NOON);
      const overtaking = await contacts.rescore(CONTACT, scoredAs('B'), NOON + 1000);
      expect(await contacts.confirm(CONTACT, overtaking?.head ?? FIRST_SHOWN)).toBe(true);
      await contacts.rescore(CONTACT, scoredAs('A'), NOON + 2000);

      expect(await contacts.confirm(CONTACT, sent?.head ?? FIRST_SHOWN)).toBe(false);
      expect((await contacts.heads([CONTACT])).get(CONTACT)).toMatchObject({
        writeId: 'A',
        confirmedWriteId: 'B',
      });
    });

    test('is refused for a contact that was never scored', async () => {
      expect(await table.contacts().confirm(CONTACT, FIRST_SHOWN)).toBe(false);
      expect(await table.rows()).toEqual([]);
    });

    test('survives a store that read the head before it was noted', async () => {
      const contacts = table.contacts();
      await contacts.rescore(CONTACT, plainScore, NOON);
      let queries = 0;
      const client = watched(table.client, async (command, go) => {
        if (command instanceof QueryCommand && (queries += 1) === 2)
          await contacts.confirm(CONTACT, FIRST_SHOWN);
        return go();
      });

      await table.contacts({ client }).rescore(CONTACT, plainScore, NOON);

      expect(await table.row(CONTACT, '#head')).toMatchObject({ rev: 2, wid: '7:0', cwid: '7:0' });
    });
  });

  describe('a scored contact', () => {
    test('is stored with everything that is shown, and read so', async () => {
      const contacts = table.contacts();
      await contacts.keep(CONTACT, [fact('visit', 20)], []);

      const standing = await contacts.rescore(CONTACT, scored, NOON, NOON - 1);

      expect(standing).toEqual({
        contactId: '7',
        head: {
          revision: 1,
          alias: undefined,
          oldIds: [],
          life: 'living',
          shown: SHOWN,
          writeId: 'w1',
          confirmedWriteId: undefined,
          shownAtMs: NOON,
          lastSignalAtMs: NOON - 5,
          readAtMs: NOON - 1,
          due: expect.stringMatching(/^33#2026-06-09#\d+$/),
          dueAtMs: DUE_MS,
        },
      });
      expect((await contacts.heads([CONTACT])).get(CONTACT)).toEqual(standing?.head);
    });

    test('loses what it has no longer, and never a computed zero', async () => {
      const contacts = table.contacts();
      await contacts.rescore(CONTACT, scored, NOON);

      await contacts.rescore(CONTACT, cleared, NOON);

      const head = (await contacts.heads([CONTACT])).get(CONTACT);
      expect(head).toMatchObject({ due: undefined, dueAtMs: undefined, shown: { score: null, fit: 0 } });
    });

    test('keeps the time at which HubSpot was read until it is read again', async () => {
      const contacts = table.contacts();
      await contacts.rescore(CONTACT, plainScore, NOON, NOON - 9);
      await contacts.rescore(CONTACT, plainScore, NOON);
      expect(await table.row(CONTACT, '#head')).toMatchObject({ readAt: NOON - 9 });

      await contacts.rescore(CONTACT, plainScore, NOON, NOON - 4);
      expect(await table.row(CONTACT, '#head')).toMatchObject({ readAt: NOON - 4 });
    });

    test.each([
      ['before the reading began', NOON - 5, NOON - 4, 'read'],
      ['while the reading was under way', NOON - 3, NOON - 4, 'to be read'],
      ['as the reading began', NOON - 4, NOON - 4, 'to be read'],
    ])('that changed %s is %4$s', async (_when, changedAtMs, readAtMs, expected) => {
      const contacts = table.contacts();

      await contacts.forgetReading(CONTACT, changedAtMs); // Also of a contact that was never read before.
      await contacts.forgetReading(CONTACT, changedAtMs - 1);
      await contacts.rescore(CONTACT, scored, NOON, readAtMs);
      const head = await table.row(CONTACT, '#head');

      expect(head?.['readAt']).toBe(expected === 'read' ? readAtMs : undefined);

      await contacts.rescore(CONTACT, scored, NOON, NOON);
      await contacts.forgetReading(CONTACT, changedAtMs); // Told again: the latest reading saw it.

      expect(await table.row(CONTACT, '#head')).toMatchObject({ readAt: NOON });
    });

    test('that was merged away while it was read makes nobody known: of the living one HubSpot was not asked', async () => {
      const contacts = table.contacts();
      const living = '33#9';
      await contacts.rescore(CONTACT, plainScore, NOON, NOON - 9);
      await contacts.unite(CONTACT, living);

      const standing = await contacts.rescore(CONTACT, plainScore, NOON, NOON - 4, {
        atMs: NOON - 4,
        of: 'abc',
      });

      expect(standing).toMatchObject({ contactId: '9', head: { readAtMs: undefined } });
      expect(await table.row(living, '#head')).toEqual(
        expect.not.objectContaining({ readAt: expect.anything(), recAt: expect.anything() }),
      );
      await contacts.rescore(living, plainScore, NOON, NOON - 3, { atMs: NOON - 3, of: 'abc' });
      expect(await table.row(living, '#head')).toMatchObject({ readAt: NOON - 3, recAt: NOON - 3 });
    });

    test('is folded from its newest 1,000 facts, however many there are', async () => {
      const contacts = table.contacts();
      const keys = Array.from({ length: 1003 }, (_, at) => `f${at}`);
      await table.put(
        keys.map((key, at) => ({ pk: CONTACT, sk: `signal#00${NOON + at}#${key}`, name: 'signal:test' })),
      );
      await contacts.rescore(CONTACT, plainScore, NOON);

      const seen = new Set((await contacts.read(CONTACT))?.known.facts.map(({ key }) => key));

      expect(seen.size).toBe(1000);
      expect(keys.filter((key) => !seen.has(key))).toEqual(['f0', 'f1', 'f2']);
    });

    test('is folded from all its rows, however many pages they come in', async () => {
      const client = watched(table.client, async (command, go) => {
        if (command instanceof QueryCommand) command.input.Limit = Math.min(command.input.Limit ?? 2, 2);
        return go();
      });
      const contacts = table.contacts({ client });
      await contacts.keep(
        CONTACT,
        ['a', 'b', 'c', 'd', 'e'].map((key) => fact(key)),
        ['u', 'v', 'w'].map((name) => property(name, '1')),
      );

      const standing = await contacts.rescore(CONTACT, plainScore, NOON);

      expect(standing?.head.shown?.reasons).toBe('a b c d e u=1 v=1 w=1');
    });

    test('is unknown before it was scored', async () => {
      const contacts = table.contacts();
      await contacts.keep(CONTACT, [fact('visit')], []);

      expect(await contacts.read(CONTACT)).toBeUndefined();
      expect(await contacts.heads([CONTACT])).toEqual(new Map());
    });
  });

  describe('a contact compared with what HubSpot has', () => {
    const ASKED = { atMs: NOON - 4, of: 'inputs-1' };

    test('has that noted with its score, and keeps it when it is scored for another reason', async () => {
      const contacts = table.contacts();

      const standing = await contacts.rescore(CONTACT, plainScore, NOON, NOON - 4, ASKED);
      await contacts.rescore(CONTACT, scored, NOON, NOON);

      expect(standing?.head).toMatchObject({ reconciledAtMs: NOON - 4, reconciledFor: 'inputs-1' });
      expect(await noted()).toEqual(ASKED);
    });

    test('has it noted when nothing new was found, with everything else as it was', async () => {
      const contacts = table.contacts();
      await contacts.rescore(CONTACT, scored, NOON);
      const before = await table.row(CONTACT, '#head');

      await contacts.noteReconciled(CONTACT, ASKED);

      expect(await table.row(CONTACT, '#head')).toEqual({ ...before, recAt: ASKED.atMs, recFor: ASKED.of });
    });

    test.each([
      { next: { atMs: NOON - 5, of: 'inputs-1' }, because: 'a later comparison was noted', stands: false },
      { next: { atMs: NOON - 4, of: 'inputs-1' }, because: 'it is the same', stands: true },
      { next: { atMs: NOON, of: 'inputs-1' }, because: 'it is later', stands: true },
      { next: { atMs: NOON - 5, of: 'inputs-2' }, because: 'other properties were asked for', stands: true },
    ])('$next of $next.atMs stands: $stands, because $because', async ({ next, stands }) => {
      const contacts = table.contacts();
      const expected = stands ? next : ASKED;

      await contacts.rescore(CONTACT, plainScore, NOON, NOON - 4, ASKED);
      await contacts.rescore(CONTACT, plainScore, NOON, NOON - 4, next);
      expect(await noted()).toEqual(expected);

      await contacts.rescore(CONTACT, plainScore, NOON, NOON - 4, { ...ASKED, of: 'other' });
      await contacts.noteReconciled(CONTACT, ASKED);
      await contacts.noteReconciled(CONTACT, next);
      expect(await noted()).toEqual(expected);
    });

    test('while it is being scored has both: a comparison that was noted meanwhile is not lost', async () => {
      await table.contacts().rescore(CONTACT, plainScore, NOON);
      const client = actAfter(
        (command) => command instanceof QueryCommand,
        () => table.contacts().noteReconciled(CONTACT, ASKED),
      );

      await table.contacts({ client }).rescore(CONTACT, scored, NOON);

      expect(await noted()).toEqual(ASKED);
      expect(await table.row(CONTACT, '#head')).toMatchObject({ rev: 2, wid: 'w1' });
    });

    test.each([
      ['deleted', (contacts: ContactTable) => contacts.mark(CONTACT, 'deleted', NOON)],
      ['merged away', (contacts: ContactTable) => contacts.unite(CONTACT, '33#8')],
      ['erased', (contacts: ContactTable) => contacts.erase(CONTACT)],
    ])('and %s has nothing noted', async (_what, end) => {
      const contacts = table.contacts();
      await contacts.rescore(CONTACT, plainScore, NOON);
      await end(contacts);
      const before = await table.row(CONTACT, '#head');

      await contacts.noteReconciled(CONTACT, ASKED);

      expect(await table.row(CONTACT, '#head')).toEqual(before);
    });

    test('that is not known here, or is none, is not made up', async () => {
      await table.contacts().noteReconciled(CONTACT, ASKED);
      await table.contacts().noteReconciled('33#email#x', ASKED);

      expect(await table.rows()).toEqual([]);
    });
  });

  describe('heads of many contacts', () => {
    test('are read a hundred at a time, each once, and again where DynamoDB left some unread', async () => {
      const ids = Array.from({ length: 120 }, (_, at) => String(at + 1));
      await table.put(ids.map((id) => ({ pk: `33#${id}`, sk: '#head', rev: 1 })));
      const asked: number[] = [];
      const client = watched(table.client, async (command, go) => {
        if (!(command instanceof BatchGetCommand)) return go();
        const keys = command.input.RequestItems?.[table.tableName]?.Keys ?? [];
        asked.push(keys.length);
        if (asked.length > 1) return go();
        const left = keys.splice(90);
        const answer = await go();
        return Object.assign(Object(answer), { UnprocessedKeys: { [table.tableName]: { Keys: left } } });
      });

      const heads = await table.contacts({ client }).heads([...ids, ...ids].map((id) => `33#${id}`));

      expect([...heads.keys()].toSorted()).toEqual(ids.map((id) => `33#${id}`).toSorted());
      expect(asked).toEqual([100, 20, 10]);
    });

    test('are left to the queue when DynamoDB keeps leaving them unread', async () => {
      const client = watched(table.client, async (command) => ({
        UnprocessedKeys: 'RequestItems' in command.input ? command.input.RequestItems : {},
      }));

      await expect(table.contacts({ client }).heads([CONTACT])).rejects.toThrow(RetryableError);
    });
  });

  // The engines have no other reading, so the promise is held at what is asked of DynamoDB.
  test('every reading sees what was written before it', async () => {
    const readings: unknown[] = [];
    const client = watched(table.client, async (command, go) => {
      if (command instanceof QueryCommand) readings.push(command.input.ConsistentRead);
      if (command instanceof BatchGetCommand)
        readings.push(command.input.RequestItems?.[table.tableName]?.ConsistentRead);
      return go();
    });
    const contacts = table.contacts({ client });

    await contacts.rescore(CONTACT, plainScore, NOON);
    await contacts.read(CONTACT);
    await contacts.heads([CONTACT]);
    await contacts.unite('33#6', CONTACT);
    await contacts.erase(CONTACT);

    expect(readings.length).toBeGreaterThan(8);
    expect(new Set(readings)).toEqual(new Set([true]));
  });

  test('what DynamoDB refuses for another reason than the condition is never taken for an answer', async () => {
    const fault = new Error('throttled');
    const client = watched(table.client, () => Promise.reject(fault));
    const contacts = table.contacts({ client });

    await expect(contacts.keep(CONTACT, [fact('visit')], [])).rejects.toBe(fault);
    await expect(contacts.confirm(CONTACT, FIRST_SHOWN)).rejects.toBe(fault);
    expect(fault).not.toBeInstanceOf(ConditionalCheckFailedException);
  });

  test('two portals with the same contact ids never meet', async () => {
    const mine = table.contacts({ portalId: '3' });
    const theirs = table.contacts({ portalId: '33' });
    await theirs.keep('33#7', [fact('theirs')], [property('city', 'Paris')]);
    await theirs.rescore('33#7', plainScore, NOON);
    const before = (await table.rows()).filter(isTheirs);

    await mine.keep('3#7', [fact('mine')], [property('city', 'Berlin')]);
    const standing = await mine.rescore('3#7', plainScore, NOON);
    await mine.unite('3#6', '3#7');
    await mine.erase('3#7');

    expect(standing?.head.shown?.reasons).toBe('city=Berlin mine');
    expect((await table.rows()).filter(isTheirs)).toEqual(before);
    expect((await table.rows()).filter((row) => !isTheirs(row)).map(({ sk }) => sk)).toEqual([
      '#head',
      '#head',
    ]);
  });
});
