// `afterglow import`: facts into the table, and who is to be scored because of them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { exportTable } from '../../cli/export.ts';
import { formatImport, type Imported, type ImportOptions, importFacts } from '../../cli/import.ts';
import { findInstallation } from '../../cli/target.ts';
import { readEnvelope } from '../../lambdas/events/hearing.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';
import { dealsKept } from '../../lambdas/store/associations.ts';
import { contactKey, emailKey, visitorKey } from '../../lambdas/store/keys.ts';
import { loginModel } from '../hubspot/connection.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';
import { collecting, type DataTarget, dataTarget, IDENTITY_KEY, NOW_MS, QUIET } from './data.ts';
import { startDeployedStack } from './deployed-stack.ts';

const DAY_MS = 86_400_000;
const directory = mkdtempSync(join(tmpdir(), 'afterglow-import-test-'));
let engine: Engine;
let table: Table;
let target: DataTarget;
let files = 0;

beforeAll(async () => {
  engine = await startDynalite();
});
beforeEach(async () => {
  table = await createTable(engine);
  target = dataTarget(table);
});
afterAll(async () => {
  await engine.stop();
  rmSync(directory, { recursive: true, force: true });
});

function fileOf(text: string | Buffer, extension = 'jsonl'): string {
  files += 1;
  const file = join(directory, `${files}.${extension}`);
  writeFileSync(file, text);
  return file;
}

function bring(
  text: string | Buffer,
  options: Partial<ImportOptions> = {},
  extension = 'jsonl',
): Promise<Imported> {
  return importFacts(target, { file: fileOf(text, extension), ...options }, Readable.from([]), QUIET);
}

function login(more: object = {}): string {
  return `${JSON.stringify({ contact_id: '7', signal: 'product.login', occurred_at: '2026-11-01T10:00:00Z', ...more })}\n`;
}

function tick(from: number, to: number) {
  const contactIds = Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
  return { portalId: '33', contactIds };
}

/** As long as the id of a fact is. */
function idOf(name: string): string {
  return name.padEnd(22, '_');
}

async function exported(format: 'jsonl' | 'csv', what: 'all' | 'facts'): Promise<string> {
  const output = collecting();
  await exportTable(target.store, { what, format }, output.stream, QUIET);
  return output.text();
}

/** What is put aside of standard input, by anybody. */
function putAside(): string[] {
  return readdirSync(tmpdir()).filter((name) => /^afterglow-import-\w{6}$/.test(name));
}

/** What is kept, whenever it was kept. */
async function rowsWithoutExpiry() {
  return (await table.rows()).map(({ expiresAt: _expiresAt, ...row }) => row);
}

async function facts() {
  return (await table.rows()).filter(({ sk }) => String(sk).startsWith('signal#'));
}

test('history is kept as facts, and its contacts are scored once', async () => {
  const imported = await bring(
    login() + login({ contact_id: 8 }) + login({ occurred_at: '2026-11-02T10:00:00+01:00' }),
  );

  expect(imported).toMatchObject({ facts: 3, added: 3, known: 0, contactsToScore: 2, addressesToResolve: 0 });
  expect(await facts()).toMatchObject([
    {
      pk: '33#7',
      name: 'signal:product.login',
      sk: expect.stringContaining(`signal#00${Date.UTC(2026, 10, 1, 10)}#`),
    },
    { pk: '33#7', sk: expect.stringContaining(`signal#00${Date.UTC(2026, 10, 2, 9)}#`) },
    { pk: '33#8' },
  ]);
  expect(target.take('Ticks')).toEqual([{ portalId: '33', contactIds: ['7', '8'] }]);
  expect(target.take('Background')).toEqual([]);
});

test('an export with visits comes back as it was, however old they are, and wherever they wait', async () => {
  const seen = { by: 'hubspot', hubSpotSource: 'AI_REFERRALS', detail1: 'chatgpt.com' } as const;
  const longAgoMs = NOW_MS - 1_000 * DAY_MS;
  await table.contacts().keep('33#7', [touchFact(idOf('old'), longAgoMs, seen)], []);
  await table.contacts().keep(visitorKey('33', idOf('browser')), [touchFact(idOf('new'), NOW_MS, seen)], []);
  const before = await rowsWithoutExpiry();
  const text = await exported('csv', 'facts');
  table = await createTable(engine);
  target = dataTarget(table);

  const imported = await bring(text, {}, 'csv');

  expect(imported).toMatchObject({ facts: 2, added: 2, expired: 0 });
  expect(await rowsWithoutExpiry()).toEqual(before);
  expect(target.take('Ticks')).toEqual([{ portalId: '33', contactIds: ['7'] }]);
});

test('deals are credited anew whose contacts have other visits, also by a browser of which an address told', async () => {
  const browser = visitorKey('33', idOf('browser'));
  const address = emailKey('33', 'zoe@acme.example', IDENTITY_KEY);
  const seen = { by: 'browser', referrer: 'chatgpt.com' } as const;
  await table.contacts().keep(browser, [touchFact(idOf('visit'), NOW_MS, seen)], []);
  const text = await exported('jsonl', 'facts');
  table = await createTable(engine);
  target = dataTarget(table);
  await table.contacts().bind(browser, address);
  await table.contacts().unite(address, '33#7');
  const deal = { id: '91', state: 'open', closedAtMs: undefined } as const;
  await table.contacts().keep('33#7', [], [dealsKept([deal], NOW_MS)]);

  await bring(text);

  expect(target.take('Ticks')).toEqual([tick(7, 7)]);
  expect(target.take('Background')).toEqual([{ portalId: '33', dealId: '91', creditOnly: true }]);
});

test('CSV says the same as JSON lines', async () => {
  const csv =
    '\ufeffcontact_id,signal,occurred_at,id\r\n7,product.login,2026-11-01T10:00:00Z,\r\n\r\n7,product.login,1793527200000,evt\r\n';

  expect(await bring(csv, {}, 'csv')).toMatchObject({ facts: 2, added: 2 });
  expect(await bring(login() + login({ occurred_at: 1_793_527_200_000, id: 'evt' }))).toMatchObject({
    added: 0,
    known: 2,
  });
});

test('the same file again, and lines that say the same, change nothing', async () => {
  expect(await bring(login() + login())).toMatchObject({ added: 1, known: 1 });
  const before = await table.rows();

  expect(await bring(login())).toMatchObject({ added: 0, known: 1 });

  expect(await table.rows()).toEqual(before);
  // Whoever kept them may have died before asking for the score.
  expect(target.take('Ticks')).toHaveLength(2);
});

test('what happened twice at one instant counts twice by its ids', async () => {
  expect(await bring(login({ id: 'a' }) + login({ id: 'a', index: 1 }) + login({ id: 'b' }))).toMatchObject({
    added: 3,
  });
});

test('an id that stands for several events is told: one of them would count', async () => {
  const later = { occurred_at: '2026-11-02T10:00:00Z' };
  const same = login({ id: 'a' }) + login({ id: 'a', occurred_at: '2026-11-01T11:00:00+01:00' });
  expect(await bring(same + login({ id: 'a', contact_id: '8', ...later }))).toMatchObject({ facts: 3 });

  const problem = 'id: line 1 has it for another event of the same contact: give each its own, or an index';
  await expect(bring(login({ id: 'u7' }) + login({ id: 'u7', ...later }))).rejects.toThrow(
    `line 2: ${problem}`,
  );
  await expect(bring(login({ id: 'u7' }) + login({ id: 'u7', signal: 'demo.requested' }))).rejects.toThrow(
    `line 2: ${problem}`,
  );
});

test('with an id it is the fact that /signals makes of that message', async () => {
  const body = [{ signal: 'product.login', occurredAt: '2026-11-01T10:00:00Z', contactId: '7' }];
  const { heard } = readEnvelope(
    {
      portalId: '33',
      route: '/signals',
      receivedAtMs: NOW_MS,
      messageId: 'msg_1',
      body: Buffer.from(JSON.stringify([...body, ...body])).toString('base64'),
    },
    { model: loginModel(), portalId: '33', ownAppIds: [] },
  );
  await table.contacts().keep(
    '33#7',
    heard.flatMap((each) => each.facts),
    [],
  );

  expect(await bring(login({ id: 'msg_1' }) + login({ id: 'msg_1', index: 1 }))).toMatchObject({
    added: 0,
    known: 2,
  });
});

test('of an address the table holds its HMAC, and HubSpot is asked whose it is', async () => {
  const text = login({ contact_id: undefined, email: ' Zoe@Acme.example' });

  expect(await bring(text + login({ contact_id: undefined, email: 'zoe@acme.example' }))).toMatchObject({
    added: 1,
    known: 1,
    addressesToResolve: 1,
  });

  const [fact] = await facts();
  expect(fact?.['pk']).toBe(emailKey('33', 'zoe@acme.example', IDENTITY_KEY));
  expect(JSON.stringify(await table.rows()).toLowerCase()).not.toContain('acme');
  expect(target.take('Background')).toEqual([{ portalId: '33', email: 'zoe@acme.example' }]);
  expect(target.take('Ticks')).toEqual([]);
});

describe('an export', () => {
  test.each([
    ['jsonl', 'all'],
    ['csv', 'facts'],
  ] as const)(
    'as %s of %s brings everything back, and changes nothing where it came from',
    async (format, what) => {
      const at = NOW_MS - DAY_MS;
      const waiting = emailKey('33', 'zoe@acme.example', IDENTITY_KEY);
      await table.put([{ pk: '33#7', sk: '#head', rev: 1, status: 'scored', score: 1, model: 'm' }]);
      await table.contacts().keep(
        '33#7',
        [
          {
            key: idOf('count'),
            name: 'property:hs_email_open',
            occurredAtMs: at,
            value: '4',
            record: '8',
            baseline: true,
          },
          {
            key: idOf('url'),
            name: 'property:hs_analytics_last_url',
            occurredAtMs: at,
            value: 'https://a.example/?q="x, y"',
          },
          { key: idOf('made'), name: 'event:contact.creation', occurredAtMs: at, isTimeUnknown: true },
        ],
        [],
      );
      await table
        .contacts({ clock: () => NOW_MS })
        .keep(waiting, [{ key: idOf('own'), name: 'signal:product.login', occurredAtMs: at }], []);
      const before = await table.rows();
      const text = await exported(format, what);

      expect(await bring(text, {}, format)).toMatchObject({
        facts: 4,
        added: 0,
        known: 4,
        scoresPassedOver: what === 'all' ? 1 : 0,
      });
      expect(await table.rows()).toEqual(before);
      table = await createTable(engine);
      target = dataTarget(table);
      expect(await bring(text, {}, format)).toMatchObject({ facts: 4, added: 4 });
      expect(await table.rows()).toEqual(before.filter(({ sk }) => sk !== '#head'));
    },
  );

  test('gives what waited under an address to the contact whose it turned out to be', async () => {
    const waiting = emailKey('33', 'zoe@acme.example', IDENTITY_KEY);
    const fact = { key: idOf('own'), name: 'signal:product.login', occurredAtMs: NOW_MS - DAY_MS };
    await table.contacts({ clock: () => NOW_MS }).keep(waiting, [fact], []);
    const text = await exported('jsonl', 'all');
    await table.contacts().unite(waiting, contactKey('33', '7'));
    target.take('Ticks');

    expect(await bring(text)).toMatchObject({ added: 0, known: 1, contactsToScore: 1 });

    expect(target.take('Ticks')).toEqual([{ portalId: '33', contactIds: ['7'] }]);
  });
});

test('an export of before a merge changes nothing: the facts are the other contact’s by now', async () => {
  const fact = { key: idOf('own'), name: 'signal:product.login', occurredAtMs: NOW_MS - DAY_MS };
  await table.contacts().keep('33#5', [fact], []);
  const text = await exported('jsonl', 'all');
  await table.contacts().unite('33#5', '33#7');
  const before = await table.rows();

  expect(await bring(text)).toMatchObject({ added: 0, known: 1 });

  expect(await table.rows()).toEqual(before);
  expect(target.take('Ticks')).toEqual([tick(7, 7)]);
});

test('an erased contact gets nothing, and is not scored', async () => {
  await table.put([{ pk: '33#7', sk: '#head', rev: 2, life: 'erased' }]);

  expect(await bring(login() + login({ contact_id: '8' }))).toMatchObject({
    added: 1,
    erased: 1,
    contactsToScore: 1,
  });

  expect(await facts()).toMatchObject([{ pk: '33#8' }]);
  expect(target.take('Ticks')).toEqual([{ portalId: '33', contactIds: ['8'] }]);
});

test('ticks hold a hundred contacts', async () => {
  await bring(Array.from({ length: 250 }, (_, at) => login({ contact_id: String(at + 1) })).join(''));

  expect(target.take('Ticks')).toEqual([tick(1, 100), tick(101, 200), tick(201, 250)]);
});

test.each([
  ['no JSON', 'zoe@acme.example {', 'not JSON in UTF-8: expected one JSON object on each line'],
  ['no object', '[1]', 'expected an object'],
  ['nobody', login({ contact_id: undefined }), 'expected either contact_id or email'],
  ['two people', login({ email: 'zoe@acme.example' }), 'expected either contact_id or email'],
  ['no id', login({ contact_id: 'zoe' }), 'contact_id: expected a HubSpot record id: digits'],
  ['no signal', login({ signal: undefined }), 'signal: is missing'],
  ['an unknown field', login({ points: 5 }), 'points: is not known'],
  [
    'no time',
    login({ occurred_at: 'yesterday' }),
    'occurred_at: expected a time: ISO 8601 with a zone, or epoch milliseconds',
  ],
  [
    'a time to come',
    login({ occurred_at: NOW_MS + 2 * DAY_MS }),
    'occurred_at: the time lies more than 24 hours ahead of now',
  ],
  [
    'a time long ago',
    login({ occurred_at: '1999-12-31T00:00:00Z' }),
    'occurred_at: the time lies before the year 2000',
  ],
  [
    'a fact of another portal',
    `${JSON.stringify({ fact_id: 'x'.repeat(22), portal_id: '34', contact_id: '7', name: 'signal:a', occurred_at: NOW_MS })}\n`,
    'portal_id: expected 33, the portal of this system: contacts of another have other ids',
  ],
  [
    'a fact that was not exported',
    `${JSON.stringify({ fact_id: 'short', contact_id: '7', name: 'score', occurred_at: NOW_MS })}\n`,
    'fact_id: expected the id of a fact, as it was exported; name: expected touch, or property:, signal: or event: and a name, as it was exported',
  ],
  [
    'a visit that was not exported',
    `${JSON.stringify({ fact_id: 'x'.repeat(22), contact_id: '7', name: 'touch', occurred_at: NOW_MS, value: '{"by":"a fax"}' })}\n`,
    'value: expected a visit, as it was exported',
  ],
  [
    'a fact of two at once',
    `${JSON.stringify({ fact_id: 'x'.repeat(22), contact_id: '7', visitor_id: 'v'.repeat(22), name: 'signal:a', occurred_at: NOW_MS })}\n`,
    'expected one of contact_id, address_key and visitor_id',
  ],
])('%s is told with its line, and nothing is imported', async (_, wrong, problem) => {
  const text = `${login()}\n${wrong.trimEnd()}\n${login({ contact_id: '8' })}`;

  const refused = bring(text);

  await expect(refused).rejects.toThrow(
    `1 line is wrong, and nothing was imported: put them right, or leave them out with --skip-invalid\n  line 3: ${problem}`,
  );
  await expect(refused).rejects.not.toThrow('acme');
  expect(await table.rows()).toEqual([]);
  expect(target.take('Ticks')).toEqual([]);
});

test('with --skip-invalid the others are imported, and of many wrong lines the first twenty are told', async () => {
  const imported = await bring(`${'{}\n'.repeat(25)}${login()}`, { skipInvalid: true });

  expect(imported).toMatchObject({ facts: 1, added: 1, invalid: 25 });
  expect(imported.problems).toHaveLength(20);
  expect(formatImport(imported)).toContain(
    '25 wrong lines left out, the first of them:\n  line 1: signal: is missing',
  );
});

test('--dry-run looks at every line, and keeps nothing', async () => {
  const imported = await bring(login(), { dryRun: true });

  expect(imported).toMatchObject({ facts: 1, added: 0, dryRun: true });
  expect(formatImport(imported)).toBe('1 facts could be imported; nothing was kept');
  expect(await table.rows()).toEqual([]);
  await expect(bring('{}\n', { dryRun: true })).rejects.toThrow('1 line is wrong');
});

test.each([
  [
    'a column that is not known',
    'contact_id,signal,when\n',
    'the first line names columns that are not known: "when"; expected some of contact_id, email, signal, occurred_at, id, index, with commas between them',
  ],
  [
    'a column twice',
    'contact_id,signal,contact_id\n7,a,8\n',
    'the first line names columns twice: "contact_id"',
  ],
  [
    'letters in another encoding',
    Buffer.from('email,signal\nj\xfcrgen@acme.example,a\n', 'latin1'),
    'the CSV is not in UTF-8: save it as "CSV UTF-8"',
  ],
  [
    'a letter that is cut off',
    Buffer.from('contact_id,signal\n7,\xc3', 'latin1'),
    'the CSV is not in UTF-8: save it as "CSV UTF-8"',
  ],
  [
    'too many columns',
    'contact_id,signal\n7,a,b\n',
    'line 2: expected as many columns as the first line has',
  ],
  [
    'quotes that do not close',
    'contact_id,signal\n7,"a\n',
    'the CSV cannot be read: CSV_QUOTE_NOT_CLOSED, near line',
  ],
])('CSV with %s is refused', async (_, csv, message) => {
  await expect(bring(csv, {}, 'csv')).rejects.toThrow(message);
});

test('a wrong line of CSV does not spoil those behind it', async () => {
  const csv = 'contact_id,signal,occurred_at\n7,a\n7,a,2026-11-01,b\n7,a,2026-11-01\n';

  expect(await bring(csv, { skipInvalid: true }, 'csv')).toMatchObject({ added: 1, invalid: 2 });
});

test('a file without line ends is not taken into memory', async () => {
  await expect(bring('x'.repeat(70_000))).rejects.toThrow('line 1 is longer than 65536 bytes');
});

test('a file that is not there is told', async () => {
  await expect(
    importFacts(target, { file: join(directory, 'absent') }, Readable.from([]), QUIET),
  ).rejects.toThrow('absent cannot be read (ENOENT): give a file of facts, or - for standard input');
});

test('a directory is no file', async () => {
  await expect(importFacts(target, { file: directory }, Readable.from([]), QUIET)).rejects.toThrow(
    'cannot be read (EISDIR)',
  );
});

test('standard input is taken too, and what is put aside of it has no name, however the command ends', async () => {
  const before = putAside();
  const during: string[][] = [];
  const leaving = () => {
    during.push(putAside());
    return new AbortController().signal;
  };

  const input = Readable.from([Buffer.from(login())]);
  const imported = await importFacts(target, { file: '-', leaving }, input, QUIET);

  expect(imported).toMatchObject({ added: 1 });
  expect(during).toEqual([before]);
});

test('so is a pipe, which can be read only once', async () => {
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const writing = writeFile(pipe, login() + login({ contact_id: '8' }));

  const imported = await importFacts(target, { file: pipe }, Readable.from([]), QUIET);
  await writing;

  expect(imported).toMatchObject({ facts: 2, added: 2 });
});

test('history by time sends each of its contacts and addresses once', async () => {
  const lines = Array.from({ length: 1200 }, (_, at) => {
    const email = at % 2 === 0 ? undefined : 'zoe@acme.example';
    const contactId = at % 2 === 0 ? '7' : undefined;
    return login({ occurred_at: NOW_MS - at * 60_000, email, contact_id: contactId });
  });

  expect(await bring(lines.join(''))).toMatchObject({
    added: 1200,
    contactsToScore: 1,
    addressesToResolve: 1,
  });

  expect(target.take('Ticks')).toEqual([tick(7, 7)]);
  expect(target.take('Background')).toEqual([{ portalId: '33', email: 'zoe@acme.example' }]);
});

test('whoever leaves has kept a part, whose contacts are scored, and the same command goes on', async () => {
  const text = Array.from({ length: 1200 }, (_, at) => login({ contact_id: String(at + 1) })).join('');

  const left = await bring(text, { leaving: () => AbortSignal.abort() });

  expect(left).toMatchObject({ facts: 1200, added: 500, contactsToScore: 500, isLeft: true });
  expect(formatImport(left)).toContain('Stopped before the end: the same command again goes on.');
  expect(target.take('Ticks')).toHaveLength(5);
  expect(await bring(text)).toMatchObject({ added: 700, known: 500, isLeft: false });
}, 20_000);

test('of an address that was erased nothing is kept, and HubSpot is not asked', async () => {
  const key = emailKey('33', 'zoe@acme.example', IDENTITY_KEY);
  await table.put([{ pk: key, sk: '#head', rev: 1, life: 'erased' }]);

  const imported = await bring(login({ contact_id: undefined, email: 'zoe@acme.example' }));

  expect(imported).toMatchObject({ added: 0, erased: 1, addressesToResolve: 0 });
  expect(target.take('Background')).toEqual([]);
});

test('what is older than facts are kept is passed over: exports have such facts, and grow older', async () => {
  const old = { occurred_at: NOW_MS - 400 * DAY_MS };
  const exportedFact = { fact_id: idOf('old'), name: 'property:hs_email_open', contact_id: '7', ...old };
  const lines = [login(old), JSON.stringify(exportedFact), login({ occurred_at: old.occurred_at + 1 })];

  const imported = await bring(lines.join('\n'));

  expect(imported).toMatchObject({ facts: 1, added: 1, expired: 2, invalid: 0 });
  expect(formatImport(imported)).toContain(
    '2 facts passed over: older than facts are kept (setting factRetentionDays)',
  );
});

test('in AWS, how long facts are kept and what makes keys of addresses is told by the outputs of the stack', async () => {
  const before = { ...process.env };
  const stack = await startDeployedStack('http://127.0.0.1:1');
  try {
    Object.assign(process.env, stack.environment);
    const { store: older } = await findInstallation('Afterglow');
    stack.outputs.set('FactRetentionDays', '500').set('IdentityKeySecretArn', 'arn:identity');
    stack.secrets.set('arn:identity', JSON.stringify({ key: IDENTITY_KEY }));
    const { store } = await findInstallation('Afterglow');

    expect(store.factRetentionDays()).toBe(500);
    expect(await store.readIdentityKey()).toBe(IDENTITY_KEY);
    expect(() => older.factRetentionDays()).toThrow('from before this command: deploy this version');
    await expect(older.readIdentityKey()).rejects.toThrow('from before this command: deploy this version');
  } finally {
    process.env = before;
    await stack.stop();
  }
});

test('an import that was interrupted goes on where it was', async () => {
  const text = Array.from({ length: 20 }, (_, at) => login({ contact_id: String(at + 1) })).join('');
  let puts = 0;
  const send = (command: Parameters<typeof table.client.send>[0]) => {
    if (command.constructor.name === 'PutCommand' && ++puts > 5) throw new Error('killed');
    return table.client.send(command);
  };
  const client = Object.assign(Object.create(table.client), { send });
  const dying = { ...target, store: { ...target.store, contacts: table.contacts({ client }) } };
  const file = fileOf(text);
  await expect(importFacts(dying, { file }, Readable.from([]), QUIET)).rejects.toThrow('killed');
  expect(target.take('Ticks')).toEqual([tick(1, 20)]); // Some of whom facts were kept.

  const imported = await importFacts(target, { file }, Readable.from([]), QUIET);

  expect(imported.added + imported.known).toBe(20);
  expect(imported.known).toBe(5);
  expect(await facts()).toHaveLength(20);
  expect(target.take('Ticks')).toEqual([tick(1, 20)]);
});
