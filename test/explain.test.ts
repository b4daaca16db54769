import { Logger } from '@aws-lambda-powertools/logger';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { createExplain, type ExplainParts } from '../lambdas/explain.ts';
import { score } from '../lambdas/scoring/score.ts';
import { contactKey, recordKey } from '../lambdas/store/keys.ts';
import { modelOf } from './scoring/model-of.ts';
import { createTable, type Engine, startDynalite, type Table, watched } from './store/table.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const DAY_MS = 86_400_000;
const MODEL = modelOf(`
  name: small
  fit:
    rules:
      - { id: cto, title: Runs technology, property: jobtitle, is: [CTO], points: 20 }
      - { id: large, title: A large company, property: company.numberofemployees, atLeast: 100, points: 5 }
  engagement:
    signals: [{ id: demo, title: Asked for a demo, from: { kind: signal, signal: demo }, points: 40, halfLifeDays: 30 }]
  grades: { bands: [{ grade: A, from: 60 }, { grade: B, from: 0 }] }
`);

let engine: Engine;
let table: Table;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  table = await createTable(engine);
});

/** The door at a table, 33 being its portal, and what it logs. */
function door(more: Partial<ExplainParts> = {}) {
  const logged: unknown[][] = [];
  const log = (...entry: unknown[]) => void logged.push(entry);
  const explain = createExplain({
    clock: () => NOW_MS,
    model: MODEL,
    portalId: '33',
    timeZone: 'UTC',
    contacts: table.contacts(),
    logger: { info: log, error: log },
    ...more,
  });
  const ask = (
    id: string,
    headers: Readonly<Record<string, string>> = {},
    query: Readonly<Record<string, string>> = {},
  ) => explain({ ...eventOf(id, headers), queryStringParameters: query });
  return { ask, logged };
}

/** A request as API Gateway hands it over once IAM let it through. */
function eventOf(id: string, headers: Readonly<Record<string, string>>): APIGatewayProxyEventV2 {
  const routeKey = 'GET /contacts/{id}/score';
  const rawPath = `/contacts/${id}/score`;
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: '',
    headers,
    pathParameters: { id },
    requestContext: {
      accountId: '000000000000',
      apiId: 'abc123',
      domainName: 'abc123.execute-api.eu-west-1.amazonaws.com',
      domainPrefix: 'abc123',
      http: { method: 'GET', path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'curl' },
      requestId: 'r1',
      routeKey,
      stage: '$default',
      time: '21/Nov/2026:12:00:00 +0000',
      timeEpoch: NOW_MS,
    },
    isBase64Encoded: false,
  };
}

/** Keeps a contact that runs technology and asked for a demo 30 days ago, and stores its score. */
async function scored(id: string): Promise<void> {
  const key = contactKey('33', id);
  const occurredAtMs = NOW_MS - 30 * DAY_MS;
  const contacts = table.contacts();
  await contacts.keep(
    key,
    [{ key: `demo of ${id}`, name: 'signal:demo', occurredAtMs }],
    [{ name: 'jobtitle', value: 'CTO', occurredAtMs }],
  );
  await contacts.rescore(
    key,
    (contactId, known, previous) =>
      score(MODEL, { portalId: '33', contactId, timeZone: 'UTC' }, known, previous, NOW_MS),
    NOW_MS,
  );
}

const UNASKED = { readLiving: () => Promise.reject(new Error('the table was asked')) };

const bodyOf = ({ body = '' }: { readonly body?: string }) => JSON.parse(body);

describe('the answer', () => {
  test('is JSON unless something else is asked for', async () => {
    await scored('7');

    const answer = await door().ask('7');

    expect(answer).toMatchObject({
      statusCode: 200,
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
    // 40 points halve in 30 days: 20, and 20 of fit.
    expect(bodyOf(answer)).toMatchObject({
      contactId: '7',
      now: '2026-11-21T12:00:00.000Z',
      shown: { score: 40, grade: 'B', status: 'scored' },
      isConfirmed: false,
      lines: [
        { kind: 'fit', rule: 'cto', leftThousandths: 20_000 },
        { kind: 'signal', rule: 'demo', givenThousandths: 40_000, leftThousandths: 20_000 },
      ],
      sumThousandths: 40_000,
      nextGrade: { grade: 'A', by: { rule: 'demo', times: 1 } },
    });
    expect(bodyOf(answer).outlook.days).toHaveLength(61);
  });

  test.each([
    { accept: 'text/plain', begins: /^Contact 7 on 21 Nov 2026, 12:00 \(UTC\), model small@/ },
    { accept: 'image/svg+xml', begins: /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/ },
  ])('is $accept to whoever asks for it', async ({ accept, begins }) => {
    await scored('7');

    const { statusCode, headers, body } = await door().ask('7', { accept });

    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({ 'content-type': `${accept}; charset=utf-8`, vary: 'accept' });
    expect(body).toMatch(begins);
  });

  test('is kept by nobody on the way, and runs nothing', async () => {
    await scored('7');

    expect((await door().ask('7')).headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'",
    });
  });

  test('looks as many days ahead as are asked for, up to 390', async () => {
    await scored('7');

    for (const days of [1, 390])
      expect(bodyOf(await door().ask('7', {}, { days: String(days) })).outlook.days).toHaveLength(days + 1);
  });

  test('knows the company of the contact', async () => {
    const at = { occurredAtMs: NOW_MS };
    const contacts = table.contacts();
    await contacts.keep(
      recordKey('33', 'company', '5'),
      [],
      [{ name: 'numberofemployees', value: '200', ...at }],
    );
    await contacts.keep(contactKey('33', '7'), [], [{ name: 'associated.company', value: '5', ...at }]);
    await scored('7');

    expect(bodyOf(await door().ask('7'))).toMatchObject({ shown: { score: 45, fit: 25 } });
  });

  test('is about the record that lives, also when it is asked for by an id that was merged away', async () => {
    await scored('7');
    await scored('8');
    await table.contacts().unite(contactKey('33', '7'), contactKey('33', '9'));
    await table.contacts().unite(contactKey('33', '9'), contactKey('33', '8'));

    const answer = await door().ask('7');

    expect(answer.statusCode).toBe(200);
    expect(bodyOf(answer)).toMatchObject({ contactId: '8' });
  });
});

describe('there is nothing to explain', () => {
  test.each(['', 'seven', '7%20', '-7', '7.0', '33#7', '1'.repeat(21), 'portal', '7/../8'])(
    'of "%s", which is no record id: 400, and the table is not asked',
    async (id) => {
      const answer = await door({ contacts: UNASKED }).ask(id);

      expect(answer.statusCode).toBe(400);
      expect(bodyOf(answer)).toEqual({ message: "expected HubSpot's record id of a contact: digits" });
    },
  );

  test.each(['0', '391', '-1', '1.5', '1e2', 'many', '', '7,8'])(
    'for "%s" days: 400, and the table is not asked',
    async (days) => {
      const answer = await door({ contacts: UNASKED }).ask('7', {}, { days });

      expect(answer.statusCode).toBe(400);
      expect(bodyOf(answer)).toEqual({ message: 'days: expected a whole number from 1 to 390' });
    },
  );

  test('of a contact nobody spoke of: 404', async () => {
    const answer = await door().ask('7');

    expect(answer.statusCode).toBe(404);
    expect(bodyOf(answer)).toEqual({ message: 'nothing was heard of contact 7 yet' });
  });

  test('of a contact of another portal: 404', async () => {
    await scored('7');

    expect(
      (await door({ portalId: '34', contacts: table.contacts({ portalId: '34' }) }).ask('7')).statusCode,
    ).toBe(404);
  });

  test('of a contact that HubSpot deleted: 404, until it is restored', async () => {
    await scored('7');
    await table.contacts().mark(contactKey('33', '7'), 'deleted', NOW_MS);

    const answer = await door().ask('7');

    expect(answer.statusCode).toBe(404);
    expect(bodyOf(answer)).toEqual({ message: 'contact 7 was deleted in HubSpot' });
    await table.contacts().mark(contactKey('33', '7'), 'living', NOW_MS + 1);
    expect((await door().ask('7')).statusCode).toBe(200);
  });

  test('of a contact that was erased: 410, for good', async () => {
    await scored('7');
    await table.contacts().erase(contactKey('33', '7'));

    const answer = await door().ask('7');

    expect(answer.statusCode).toBe(410);
    expect(bodyOf(answer)).toEqual({ message: 'contact 7 was erased by a privacy deletion' });
  });
});

test('the table is only read', async () => {
  await scored('7');
  const sent: string[] = [];
  const client = watched(table.client, (command, go) => {
    sent.push(command.constructor.name);
    return go();
  });

  await door({ contacts: table.contacts({ client }) }).ask('7');

  expect(new Set(sent)).toEqual(new Set(['QueryCommand']));
});

test('our own failures never answer 4xx', async () => {
  for (const failure of [new Error('throttled'), 'no error at all']) {
    const answer = await door({ contacts: { readLiving: () => Promise.reject(failure) } }).ask('7');

    expect(answer.statusCode).toBe(500);
    expect(bodyOf(answer)).toEqual({ message: 'not explained; ask again' });
  }
});

test('the log names no contact and nothing that is known of one', async () => {
  await scored('9000001');
  const lines: string[] = [];
  const logger = new Logger();
  const sink: unknown = Reflect.get(logger, 'console');
  if (typeof sink !== 'object' || sink === null) throw new Error('the logger writes elsewhere');
  const write = (...entry: unknown[]) => void lines.push(entry.map(String).join(' '));
  Object.assign(sink, { info: write, log: write, warn: write, error: write });
  const { log, error } = console;
  Object.assign(console, { log: write, error: write });

  try {
    for (const id of ['9000001', '9000002', 'canary']) await door({ logger }).ask(id);
    await table.put([{ pk: '33#9000003', sk: '#head', rev: 'canary', why: 'canary' }]);
    await door({ logger }).ask('9000003');
  } finally {
    Object.assign(console, { log, error });
  }

  expect(lines.join('\n')).toContain('explained');
  expect(lines.join('\n')).toContain('a row of the contact table cannot be read');
  expect(lines.join('\n')).not.toMatch(/900000\d|canary|CTO|Runs technology/);
});
