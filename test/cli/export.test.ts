// `afterglow export`: what the table holds, as lines.
import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { type ExportOptions, exportTable } from '../../cli/export.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import { touchFact } from '../../lambdas/scoring/touches.ts';
import { contactKey, emailKey, visitorKey } from '../../lambdas/store/keys.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';
import { collecting, dataTarget, IDENTITY_KEY, QUIET } from './data.ts';

const AT_MS = Date.UTC(2026, 10, 20, 9, 30, 0, 5);
const directory = mkdtempSync(join(tmpdir(), 'afterglow-export-'));
let engine: Engine;
let table: Table;

beforeAll(async () => {
  engine = await startDynalite();
});
beforeEach(async () => {
  table = await createTable(engine);
});
afterAll(async () => {
  await engine.stop();
  rmSync(directory, { recursive: true, force: true });
});

function login(key: string, more: Partial<Fact> = {}): Fact {
  return { key: key.padEnd(22, '_'), name: 'signal:product.login', occurredAtMs: AT_MS, ...more };
}

function head(contactId: string, more: object = {}, portalId = '33') {
  const shown = {
    score: 72.5,
    fit: 20,
    eng: 52.5,
    grade: 'A',
    status: 'scored',
    model: 'm@1',
    why: 'a, "b"\nc',
  };
  const rest = { rev: 3, wid: 'w1', cwid: 'w1', shownAt: AT_MS, lastAt: AT_MS - 1000 };
  return { pk: contactKey(portalId, contactId), sk: '#head', ...shown, ...rest, ...more };
}

/** The table's client, with few rows to a page. */
function scanning(rowsPerPage: number, onPage: () => unknown = () => undefined): Table['client'] {
  const send = (command: ScanCommand) => {
    command.input.Limit = rowsPerPage;
    onPage();
    return table.client.send(command);
  };
  return Object.assign(Object.create(table.client), { send });
}

/** An output that takes nothing. */
function refusing(code: string): Writable {
  const error = Object.assign(new Error(code), { code, syscall: 'write' });
  return new Writable({ write: (_chunk, _encoding, done) => done(error) });
}

/** A store whose table cannot be read. */
function failing(error: string | Error) {
  const send = async () => {
    throw typeof error === 'string' ? new Error(error) : error;
  };
  return { ...dataTarget(table).store, client: Object.assign(Object.create(table.client), { send }) };
}

async function exported(options: Partial<ExportOptions> = {}): Promise<string> {
  const output = collecting();
  await exportTable(
    dataTarget(table).store,
    { what: 'all', format: 'jsonl', ...options },
    output.stream,
    QUIET,
  );
  return output.text();
}

async function lines(options: Partial<ExportOptions> = {}): Promise<Record<string, unknown>[]> {
  const text = await exported(options);
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

test('a fact is a line with every column, and so is a score', async () => {
  await table.put([head('7')]);
  await table
    .contacts()
    .keep('33#7', [login('one', { value: '4', record: '8', baseline: true, isTimeUnknown: true })], []);

  expect(await lines()).toEqual([
    {
      kind: 'fact',
      portal_id: '33',
      contact_id: '7',
      address_key: null,
      fact_id: 'one___________________',
      name: 'signal:product.login',
      occurred_at: '2026-11-20T09:30:00.005Z',
      value: '4',
      record_id: '8',
      is_baseline: true,
      is_time_unknown: true,
      visitor_id: null,
    },
    {
      kind: 'score',
      portal_id: '33',
      contact_id: '7',
      score: 72.5,
      fit_score: 20,
      engagement_score: 52.5,
      grade: 'A',
      status: 'scored',
      model: 'm@1',
      reasons: 'a, "b"\nc',
      scored_at: '2026-11-20T09:30:00.005Z',
      last_signal_at: '2026-11-20T09:29:59.005Z',
      write_id: 'w1',
      is_confirmed: true,
      is_deleted: false,
    },
  ]);
});

test('CSV has names first, and nothing where there is nothing', async () => {
  await table.put([
    head('7', {
      score: null,
      fit: null,
      eng: null,
      grade: '',
      status: 'insufficient_data',
      cwid: 'old',
      lastAt: undefined,
    }),
  ]);
  await table.contacts().keep('33#7', [login('one')], []);

  expect(await exported({ what: 'facts', format: 'csv' })).toBe(
    `kind,portal_id,contact_id,address_key,fact_id,name,occurred_at,value,record_id,is_baseline,is_time_unknown,visitor_id
fact,33,7,,one___________________,signal:product.login,2026-11-20T09:30:00.005Z,,,false,false,
`,
  );
  expect(await exported({ what: 'scores', format: 'csv' })).toBe(
    `kind,portal_id,contact_id,score,fit_score,engagement_score,grade,status,model,reasons,scored_at,last_signal_at,write_id,is_confirmed,is_deleted
score,33,7,,,,,insufficient_data,m@1,"a, ""b""
c",2026-11-20T09:30:00.005Z,,w1,false,false
`,
  );
});

test('an empty table is a CSV of names, and JSON of nothing', async () => {
  expect(await exported({ what: 'facts', format: 'csv' })).toMatch(/^kind,[^\n]*\n$/);
  expect(await exported()).toBe('');
});

test('a CSV of two kinds is refused', async () => {
  await expect(exported({ format: 'csv' })).rejects.toThrow(
    'a CSV file has lines of one kind: give --what facts or --what scores, or --format jsonl',
  );
});

test('what waits under an address stands under its key, without the address', async () => {
  const partition = emailKey('33', 'Zoe@Acme.example', IDENTITY_KEY);
  await table.contacts().keep(partition, [login('one')], []);

  const text = await exported();

  expect(JSON.parse(text)).toMatchObject({
    contact_id: null,
    address_key: partition.slice('33#email#'.length),
  });
  expect(text.toLowerCase()).not.toContain('acme');
});

test('a visit is a fact among others, also one that waits under a browser', async () => {
  const seen = { by: 'browser', referrer: 'chatgpt.com', landing: 'https://acme.example/pricing' } as const;
  const visitor = 'v'.repeat(22);
  await table.contacts().keep('33#7', [touchFact('a'.repeat(22), AT_MS, seen)], []);
  await table.contacts().keep(visitorKey('33', visitor), [touchFact('b'.repeat(22), AT_MS, seen)], []);

  const written = await lines({ what: 'facts' });

  expect(written.toSorted((a, b) => (String(a['fact_id']) < String(b['fact_id']) ? -1 : 1))).toMatchObject([
    { name: 'touch', contact_id: '7', visitor_id: null, occurred_at: '2026-11-20T09:30:00.005Z' },
    { name: 'touch', contact_id: null, address_key: null, visitor_id: visitor },
  ]);
  expect(JSON.parse(String(written[0]?.['value']))).toEqual(seen);
});

test('of erased contacts, other portals, companies and merged records nothing is written', async () => {
  await table.put([
    head('1', { life: 'erased' }),
    head('2', { alias: '33#3' }),
    head('3', { life: 'deleted' }),
    head('4', {}, '331'),
    head('company#9'),
    { pk: '33#5', sk: '#head', rev: 1 }, // Never scored.
    { pk: '33#portal', sk: 'budget', version: 1, state: {} },
    { pk: '33#3', sk: 'property#email', value: 'acme.example', at: 1 },
  ]);
  await table.contacts().keep('33#1', [login('late')], []); // Kept by somebody who did not know of the erasure.
  await table.contacts().keep('331#4', [login('foreign')], []);

  expect(await lines()).toEqual([
    expect.objectContaining({ kind: 'score', contact_id: '3', is_deleted: true }),
  ]);
});

test('every row is written once, also where a contact is cut by the end of a page', async () => {
  const contacts = Array.from({ length: 30 }, (_, at) => String(at + 1));
  await table.put(contacts.map((id) => head(id, id === '9' ? { life: 'erased' } : {})));
  for (const id of contacts)
    await table
      .contacts()
      .keep(
        contactKey('33', id),
        [login('a'), login('b', { occurredAtMs: AT_MS - 1 }), login('c', { occurredAtMs: AT_MS - 2 })],
        [],
      );
  const { store } = dataTarget(table);
  const output = collecting();

  const counts = await exportTable(
    { ...store, client: scanning(3) },
    { what: 'all', format: 'jsonl' },
    output.stream,
    QUIET,
  );

  const written = output.text().trim().split('\n');
  expect(counts).toEqual({ facts: 87, scores: 29, file: null });
  expect(new Set(written).size).toBe(116);
  expect(written).toHaveLength(116);
  expect(output.text()).not.toContain('"contact_id":"9"');
});

test('no page is read before the one before it was taken', async () => {
  await table.put(Array.from({ length: 20 }, (_, at) => head(String(at))));
  const { store } = dataTarget(table);
  let pages = 0;
  const gate = Promise.withResolvers<void>();
  const slow = new Writable({
    highWaterMark: 1,
    async write(_chunk, _encoding, done) {
      await gate.promise;
      done();
    },
  });

  const done = exportTable(
    { ...store, client: scanning(1, () => (pages += 1)) },
    { what: 'all', format: 'jsonl' },
    slow,
    QUIET,
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  const ahead = pages;
  gate.resolve();
  await done;

  expect(ahead).toBeLessThan(6);
  expect(pages).toBeGreaterThanOrEqual(20);
});

test('a file has its name when it is whole, and is nobody else’s to read', async () => {
  const out = join(directory, 'all.jsonl');
  await table.put([head('7')]);

  await exported({ out });

  expect(readFileSync(out, 'utf8')).toContain('"contact_id":"7"');
  expect(statSync(out).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(['all.jsonl']);
});

test('a file that stands is as it was where the export fails, nothing is left of what failed, and one that cannot be written is told', async () => {
  const out = join(directory, 'before.jsonl');
  writeFileSync(out, 'before');
  const before = readdirSync(directory);
  const options = { what: 'all', format: 'jsonl', out } as const;

  await expect(exportTable(failing('no table'), options, collecting().stream, QUIET)).rejects.toThrow(
    'no table',
  );
  await expect(exported({ out: join(directory, 'absent', 'file') })).rejects.toThrow(
    /file cannot be written \(ENOENT\)/,
  );

  expect(readFileSync(out, 'utf8')).toBe('before');
  expect(readdirSync(directory)).toEqual(before);
});

test('what is no file is not replaced: a pipe or device, a directory, a link', async () => {
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const link = join(directory, 'link');
  symlinkSync(join(directory, 'elsewhere'), link);

  for (const out of [pipe, directory, link])
    await expect(exported({ out })).rejects.toThrow(`${out} is there and no file`);

  expect(statSync(pipe).isFIFO()).toBe(true);
});

test('whoever has seen enough of standard output may leave; where it has no room, that is told', async () => {
  await table.put([head('7')]);
  const { store } = dataTarget(table);
  const options = { what: 'all', format: 'jsonl' } as const;

  expect(await exportTable(store, options, refusing('EPIPE'), QUIET)).toMatchObject({ scores: 1 });
  await expect(exportTable(store, options, refusing('ENOSPC'), QUIET)).rejects.toThrow(
    'standard output cannot be written (ENOSPC)',
  );
});

test('a table that does not answer is not taken for a file that cannot be written', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    $metadata: { attempts: 3 },
  });
  const options = { what: 'all', format: 'jsonl', out: join(directory, 'refused') } as const;

  await expect(exportTable(failing(refused), options, collecting().stream, QUIET)).rejects.toBe(refused);
});
