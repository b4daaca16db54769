import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Journey } from '../../lambdas/scoring/journey.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { score } from '../../lambdas/scoring/score.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';
import { companyKept } from '../../lambdas/store/associations.ts';
import type { ScoreKnown } from '../../lambdas/store/contact-table.ts';
import { visitorKey } from '../../lambdas/store/keys.ts';
import { fact, NOON, plainScore, property } from './plain-score.ts';
import { type Client, createTable, type Engine, startDynalite, type Table, watched } from './table.ts';

/**
 * Bytes of an item as DynamoDB counts them: names and text in UTF-8, a number one byte for two digits and one more, a list
 * three bytes and one for each element ("DynamoDB item sizes and formats").
 */
function itemBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') {
    const digits = String(Math.abs(value)).replace('.', '').replace(/^0+/, '').replace(/0+$/, '');
    return Math.ceil(digits.length / 2) + 1 + (value < 0 ? 1 : 0);
  }
  if (Array.isArray(value)) return value.reduce((sum, each) => sum + 1 + itemBytes(each), 3);
  return 1;
}

function rowBytes(row: Record<string, unknown> | undefined): number {
  return Object.entries(row ?? {}).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + itemBytes(value),
    0,
  );
}

/**
 * Counts write units as DynamoDB bills them: the larger of the row before and after, each 1 KB begun one unit, also where a
 * condition fails; in the indexes (keys only) one for each key that goes and each that comes.
 */
function counted(table: Table): { client: Client; units: { table: number; index: number } } {
  const units = { table: 0, index: 0 };
  const client = watched(table.client, async (command, go) => {
    const isWrite =
      command instanceof PutCommand || command instanceof UpdateCommand || command instanceof DeleteCommand;
    if (!isWrite) return go();
    const { pk, sk } = (command instanceof PutCommand ? command.input.Item : command.input.Key) ?? {};
    const before = await table.row(String(pk), String(sk));
    try {
      return await go();
    } finally {
      const after = await table.row(String(pk), String(sk));
      units.table += Math.max(1, Math.ceil(Math.max(rowBytes(before), rowBytes(after)) / 1024));
      for (const keys of [['due'], ['company', 'rank'], ['roll', 'id']]) {
        const [was, is] = [before, after].map((row) => keys.map((name) => row?.[name]).join());
        if (was !== is) units.index += [was, is].filter((key) => key?.startsWith('1') === true).length;
      }
    }
  });
  return { client, units };
}

let engine: Engine;
let table: Table;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  table = await createTable(engine);
});

const CONTACT = '123456789#200000000007';
/** A score that falls due on a night, whatever the facts are. */
const dueOn =
  (dueNight: string, dueAtMs?: number): ScoreKnown =>
  (contactId) => ({
    ...plainScore(contactId, { facts: [], properties: [] }, undefined),
    dueNight,
    dueAtMs,
  });

/** Longest of everything a model may hold. @param letter - of which the titles are made */
function longestModel(letter: string): Model {
  const title = letter.repeat(60 / letter.length);
  const signals = Array.from({ length: 6 }, (_, at) => ({
    id: `s${at}`.padEnd(40, 'x'),
    title,
    from: { kind: 'signal', signal: 'visit' },
    points: 111.125 + at,
    halfLifeDays: 30,
    group: 'all',
  }));
  const checked = checkModel({
    name: 'm'.repeat(40),
    range: { min: -4999, max: 4999 },
    fit: { rules: [{ id: 'fit', title, property: 'city', known: true, points: 1.125 }] },
    engagement: { groups: { all: { cap: 1000 } }, signals }, // One signal of six rules: they share a cap.
    grades: {
      bands: [
        { grade: 'AAAAAAAAAA', from: 100 },
        { grade: 'BBBBBBBBBB', from: -4999 },
      ],
    },
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

test('the size of a row is counted as in the example of the documentation', () => {
  // 'Age' and 25: 3 + 1 + 1; 'name' and 'Zoë': 4 + 4; a list of two texts: 1 + 3 + (1 + 2) + (1 + 1).
  expect(rowBytes({ Age: 25, name: 'Zoë', l: ['ab', 'c'] })).toBe(5 + 8 + 9);
});

test.each([
  { letter: 'w', script: 'Latin' },
  { letter: 'ж', script: 'Cyrillic' },
  { letter: '価', script: 'Japanese' },
  { letter: '🔥', script: 'pictures' },
])(
  'a head never takes more than 1 KB: longest titles in $script, ids of 12 digits, ten merges',
  async ({ letter }) => {
    const portalId = '123456789';
    const model = longestModel(letter);
    const contacts = table.contacts({ portalId });
    const facts = Array.from({ length: 40 }, (_, at) => ({
      key: `k${at}`,
      name: 'signal:visit',
      occurredAtMs: NOON - 1 - at, // Times without zeros at the end take most.
    }));
    await contacts.keep(CONTACT, facts, [property('city', 'Paris')]);
    for (let id = 0; id < 10; id++) await contacts.unite(`${portalId}#10000000000${id}`, CONTACT);
    await contacts.mark(CONTACT, 'deleted', NOON + 1);
    await contacts.mark(CONTACT, 'living', NOON + 2);
    await contacts.keep(CONTACT, [], [companyKept('200000000001', NOON)]);
    await contacts.forgetReading(CONTACT, NOON + 1);

    const standing = await contacts.rescore(
      CONTACT,
      (contactId, known, previous) =>
        score(model, { portalId, contactId, timeZone: 'Europe/Berlin' }, known, previous, NOON),
      NOON + 1,
      NOON + 2,
      { atMs: NOON + 2, of: 'inputs-1' },
    );
    await contacts.confirm(CONTACT, standing?.head ?? { writeId: undefined, shownAtMs: undefined }, {
      sinceMs: NOON + 1000,
      count: 20,
    });

    const row = await table.row(CONTACT, '#head');
    expect(row).toMatchObject({ cwid: standing?.head.writeId, due: expect.any(String), old: { length: 10 } });
    expect(row).toMatchObject({
      company: '123456789#company#200000000001',
      rank: row?.['score'],
      roll: expect.any(String),
      id: 200_000_000_007,
      dueAt: expect.any(Number),
      forgotAt: NOON + 1,
      readAt: NOON + 2,
      recAt: NOON + 2,
      recFor: 'inputs-1',
      life: 'living',
    });
    const reasonBytes = Buffer.byteLength(String(row?.['why']));
    expect(rowBytes(row) - reasonBytes + 456).toBeLessThanOrEqual(1024); // Were the reasons as long as they may be.
  },
);

test('a lone event of a contact costs two write units, three if it also sets a property', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });
  const url = `https://example.com/${'p'.repeat(300)}`;

  await contacts.keep(CONTACT, [{ ...fact('visit'), value: url }], []);
  await contacts.rescore(CONTACT, dueOn('2026-06-09'), NOON);
  expect(units.table).toBe(2);

  units.table = 0;
  await contacts.keep(CONTACT, [fact('second')], [property('jobtitle', 'CTO')]);
  await contacts.rescore(CONTACT, dueOn('2026-06-09'), NOON);
  expect(units.table).toBe(3);
});

test('a lone event with the longest address of a page that is kept costs three', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });

  await contacts.keep(CONTACT, [{ ...fact('visit'), value: 'p'.repeat(1024) }], []);
  await contacts.rescore(CONTACT, dueOn('2026-06-09'), NOON);

  expect(units.table).toBe(3);
});

const LONGEST_JOURNEY: Journey = {
  firstAi: { source: 'Perplexity', atMs: NOON - 1, page: `https://${'p'.repeat(92)}` },
  lastAi: { source: 'Microsoft Copilot', atMs: NOON, page: `https://${'q'.repeat(92)}` },
  aiSessions: 1000,
  text: 'j'.repeat(160),
};

const withJourney: ScoreKnown = (...all) => {
  const scored = plainScore(...all);
  return { ...scored, shown: { ...scored.shown, journey: LONGEST_JOURNEY } };
};

test('what is shown of visits adds at most half a KB to a head: who has none pays nothing for it', async () => {
  const contacts = table.contacts({ portalId: '123456789' });
  await contacts.rescore(CONTACT, plainScore, NOON);
  const before = rowBytes(await table.row(CONTACT, '#head'));

  await contacts.rescore(CONTACT, withJourney, NOON);
  const after = rowBytes(await table.row(CONTACT, '#head'));

  expect(after - before).toBeLessThanOrEqual(512);
});

test('a visit of a contact costs two write units, and one while it is nobody’s', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });
  const visit = touchFact('fV9cQmXo3oU1q0y0Yb7w-A', NOON, {
    by: 'browser',
    referrer: 'chatgpt.com',
    landing: `https://example.com/${'p'.repeat(180)}`,
    utmCampaign: 'c'.repeat(100),
  });
  const browser = visitorKey('123456789', 'fV9cQmXo3oU1q0y0Yb7w-A');

  await contacts.keep(browser, [visit], []);
  await contacts.rescore(browser, plainScore, NOON);
  expect(units.table).toBe(1);

  units.table = 0;
  await contacts.keep(CONTACT, [visit], []);
  await contacts.rescore(CONTACT, plainScore, NOON);
  expect(units.table).toBe(2);
});

test('an event delivered again costs no more than the first time', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });
  await contacts.keep(CONTACT, [fact('visit')], []);
  await contacts.rescore(CONTACT, plainScore, NOON);
  units.table = 0;

  await contacts.keep(CONTACT, [fact('visit')], []);
  await contacts.rescore(CONTACT, plainScore, NOON);

  expect(units.table).toBe(2);
});

test('four events of one contact in one request cost 1.25 write units each', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });

  await contacts.keep(
    CONTACT,
    ['a', 'b', 'c', 'd'].map((key) => fact(key)),
    [],
  );
  await contacts.rescore(CONTACT, plainScore, NOON);

  expect(units.table / 4).toBe(1.25);
});

test('the first store of a contact costs one index write more than later ones: it comes into the index of all contacts', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });

  await contacts.rescore(CONTACT, plainScore, NOON);

  expect(units).toEqual({ table: 1, index: 1 });
});

test.each([
  { from: undefined, to: '2026-06-09', expected: 1, because: 'it comes into the index' },
  { from: '2026-06-09', to: '2026-06-09', expected: 0, because: 'the night stays' },
  { from: '2026-06-09', to: '2026-06-10', expected: 2, because: 'the night moves' },
])(
  'the indexes take $expected write units when the due night goes from $from to $to: $because',
  async (row) => {
    const { client, units } = counted(table);
    const contacts = table.contacts({ portalId: '123456789', client });
    await contacts.rescore(CONTACT, row.from === undefined ? plainScore : dueOn(row.from), NOON);
    units.index = 0;

    await contacts.keep(CONTACT, [fact('visit')], []);
    await contacts.rescore(CONTACT, dueOn(row.to), NOON);

    expect(units.index).toBe(row.expected);
  },
);

test.each([
  { points: 0, expected: 0, because: 'company and score stay' },
  { points: 5, expected: 2, because: 'its place moves with its score' },
])(
  'the index of companies takes $expected write units when a contact gets $points points: $because',
  async (row) => {
    const { client, units } = counted(table);
    const contacts = table.contacts({ portalId: '123456789', client });
    await contacts.keep(CONTACT, [], [companyKept('200000000001', NOON)]);
    await contacts.rescore(CONTACT, plainScore, NOON);
    Object.assign(units, { table: 0, index: 0 });

    await contacts.keep(CONTACT, [fact('visit', row.points)], []);
    await contacts.rescore(CONTACT, plainScore, NOON);

    expect(units).toEqual({ table: 2, index: row.expected });
  },
);

test('the due moment moves within its night at no cost in the index', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });
  await contacts.rescore(CONTACT, dueOn('2026-06-09', NOON), NOON);
  Object.assign(units, { table: 0, index: 0 });

  await contacts.rescore(CONTACT, dueOn('2026-06-09', NOON + 1), NOON);

  expect(units).toEqual({ table: 1, index: 0 });
});

test('noting that a contact was compared with HubSpot costs one unit, and none in the index', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });
  await contacts.rescore(CONTACT, dueOn('2026-06-09'), NOON);
  Object.assign(units, { table: 0, index: 0 });

  await contacts.noteReconciled(CONTACT, { atMs: NOON, of: 'inputs-1' });
  await contacts.rescore(CONTACT, dueOn('2026-06-09'), NOON, NOON, { atMs: NOON + 1, of: 'inputs-1' });

  expect(units).toEqual({ table: 2, index: 0 });
});

test('confirming costs one unit, and none in the index', async () => {
  const { client, units } = counted(table);
  const contacts = table.contacts({ portalId: '123456789', client });
  const standing = await contacts.rescore(CONTACT, dueOn('2026-06-09'), NOON);
  Object.assign(units, { table: 0, index: 0 });

  await contacts.confirm(CONTACT, standing?.head ?? { writeId: undefined, shownAtMs: undefined });

  expect(units).toEqual({ table: 1, index: 0 });
});
