import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReceiveMessageCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import {
  type DeadLetterSource,
  formatList,
  formatRetry,
  listDeadLetters,
  retryDeadLetters,
} from '../../cli/dead-letters.ts';
import type { LocalState } from '../../cli/target.ts';
import { type QueueEngine, startQueueEngine } from '../../local/runner/engines.ts';

const LANES = ['Urgent', 'Changes', 'Background'];
const TITLES = ['Events', 'Ticks', ...LANES];
const REFUSED = 'VALIDATION_ERROR, INVALID_OPTION afterglow_grade';
let engine: QueueEngine;
let source: DeadLetterSource;

beforeEach(async () => {
  engine = await startQueueEngine();
  const urlOf = (name: string) => `${engine.url}/000000000000/${name}`;
  for (const name of TITLES.flatMap((title) => [title, `${title}DeadLetters`])) {
    await engine.create({
      path: name,
      name,
      url: urlOf(name),
      arn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
      visibilitySeconds: 30,
      retentionSeconds: 1_209_600,
      delaySeconds: 0,
      deadLetters: undefined,
    });
  }
  const queues = TITLES.map((title) => [
    title,
    { url: urlOf(title), deadLettersUrl: urlOf(`${title}DeadLetters`) },
  ]);
  source = { sqs: impatient(), queues: Object.fromEntries(queues) };
});
afterEach(() => engine.stop());

/** SQS as it is, but for the second that it waits for letters which are not there. */
function impatient(): SQSClient {
  return changed((command) => {
    if (command instanceof ReceiveMessageCommand) command.input.WaitTimeSeconds = 0;
  });
}

/** SQS as it is, but for the sending of some messages. */
function failingFor(text: string): SQSClient {
  return changed((command) => {
    const isSending = command.constructor.name.startsWith('SendMessage');
    if (isSending && JSON.stringify(command.input).replaceAll('\\', '').includes(text))
      throw new Error('ServiceUnavailable');
  });
}

type Command = Parameters<SQSClient['send']>[0];

function changed(change: (command: Command) => void): SQSClient {
  const client: SQSClient = Object.create(engine.client);
  const send = async (command: Command) => {
    change(command);
    return engine.client.send(command);
  };
  return Object.assign(client, { send });
}

async function put(title: string, letter: unknown): Promise<void> {
  const QueueUrl = source.queues[title]?.deadLettersUrl;
  const MessageBody = typeof letter === 'string' ? letter : JSON.stringify(letter);
  await engine.client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
}

/** What write-back sets aside: who, why, and what it was asked. */
function refused(contactId: string, reason = REFUSED) {
  const request = { portalId: '1', contactId, force: true, postponed: 3, declined: 5 };
  return { portalId: '1', contactId, reason, correlationId: `correlation ${contactId}`, request };
}

/** What the scorer sets aside. */
const NOT_UNDERSTOOD = { reason: 'propertyName is not the name of a property', event: { objectId: 7 } };
const ENVELOPE = '{"portalId":"1","route":"/signals","receivedAtMs":12345678901234567890,"body":""}';

async function countsOf(name: string) {
  const { visible, inFlight } = (await engine.states()).get(name) ?? { visible: -1, inFlight: -1 };
  return { visible, inFlight };
}

describe('the list', () => {
  test('tells of each queue why letters are there and how many, with one to look at, the most frequent first', async () => {
    const beforeMs = Date.now();
    await put('Events', NOT_UNDERSTOOD);
    await put('Changes', refused('7'));
    await put('Changes', refused('8'));
    await put('Changes', refused('9', 'no such contact'));

    const { letters, groups, notAllOf } = await listDeadLetters(source);

    expect(letters).toBe(4);
    expect(notAllOf).toEqual([]);
    expect(groups[0]).toMatchObject({
      queue: 'Changes',
      reason: REFUSED,
      count: 2,
      example: 'contact 7',
      correlationId: 'correlation 7',
      canRetry: true,
    });
    expect(Date.parse(groups[0]?.oldest ?? '')).toBeGreaterThanOrEqual(Math.floor(beforeMs / 1000) * 1000);
    expect(groups.slice(1)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ queue: 'Changes', reason: 'no such contact', count: 1 }),
        expect.objectContaining({
          queue: 'Events',
          count: 1,
          canRetry: false,
          example: expect.stringMatching(/^message /),
        }),
      ]),
    );
  });

  test('says of a message as it was that it was tried five times, and whom it is about, but for addresses', async () => {
    await put('Changes', { portalId: '1', companyId: '70' });
    await put('Changes', { portalId: '1', email: 'zoe@acme.example' });
    await put('Events', 'not even JSON');

    const list = await listDeadLetters(source);

    expect(list.groups.map(({ queue, reason, count }) => [queue, reason, count])).toEqual([
      ['Changes', 'tried five times without success', 2],
      ['Events', 'tried five times without success', 1],
    ]);
    expect(JSON.stringify(list)).not.toContain('zoe');
  });

  test('removes nothing and hides nothing, however often somebody looks', async () => {
    for (let id = 1; id <= 25; id++) await put('Changes', refused(String(id)));

    await listDeadLetters(source);

    expect(await countsOf('ChangesDeadLetters')).toEqual({ visible: 25, inFlight: 0 });
    expect((await listDeadLetters(source)).letters).toBe(25);
  });

  test('shows what it has hidden again when one queue cannot be read', async () => {
    await put('Changes', refused('7'));
    const queues = { ...source.queues, Gone: { url: '', deadLettersUrl: `${engine.url}/000000000000/Gone` } };

    await expect(listDeadLetters({ ...source, queues })).rejects.toThrow(/queue does not exist/i);

    expect(await countsOf('ChangesDeadLetters')).toEqual({ visible: 1, inFlight: 0 });
  });

  test('looks at no more of a queue than it was told, and names the queue', async () => {
    for (let id = 1; id <= 13; id++) await put('Changes', refused(String(id)));
    await put('Events', NOT_UNDERSTOOD);

    expect(await listDeadLetters(source, { limit: '12' })).toMatchObject({
      letters: 13,
      notAllOf: ['Changes'],
    });
  });

  test.each(['0', '10001', '-1', '1.5', 'all', ''])('takes no limit of "%s"', async (limit) => {
    await expect(listDeadLetters(source, { limit })).rejects.toThrow(
      `--limit: expected a whole number from 1 to 10000, found "${limit}"`,
    );
  });

  test('is told to people with a reason that fits on a line, in their order', async () => {
    await put('Changes', refused('7', 'x'.repeat(500)));
    await put('Events', NOT_UNDERSTOOD);

    const text = formatList(await listDeadLetters(source));

    expect(text).toMatch(
      /^Changes: 1 × x{160}…\n {2}oldest \d{4}-\d\d-\d\d \d\d:\d\d UTC: contact 7, correlation id correlation 7$/m,
    );
    expect(text).toMatch(/^Events: 1 × propertyName is not .*\n {2}oldest .*; cannot be sent back$/m);
    expect(formatList({ letters: 0, groups: [], notAllOf: [] })).toBe('No dead letters.');
  });
});

describe('a retry', () => {
  test('asks write-back for what it was asked, as if nobody had tried before', async () => {
    await put('Changes', refused('7'));

    const done = await retryDeadLetters(source);

    expect(done).toMatchObject({ sent: 1, cannot: 0, failed: 0, left: 0 });
    expect((await engine.bodies('Changes')).map((body) => JSON.parse(body))).toEqual([
      { portalId: '1', contactId: '7', force: true },
    ]);
    expect(await engine.bodies('ChangesDeadLetters')).toEqual([]);
  });

  test('sends an envelope that failed five times to its own queue, to the letter', async () => {
    await put('Events', ENVELOPE);

    await retryDeadLetters(source);

    expect(await engine.bodies('Events')).toEqual([ENVELOPE]);
    expect(await engine.bodies('EventsDeadLetters')).toEqual([]);
  });

  test.each(LANES)(
    'asks %s for what failed five times as if nobody had tried, but to read back first: somebody may have died after sending',
    async (lane) => {
      await put(lane, { portalId: '1', contactId: '7', postponed: 3, declined: 5 });
      await put(lane, { portalId: '1', dealId: '9', atMs: 1_763_000_000_000 });

      expect(await retryDeadLetters(source)).toMatchObject({ sent: 2, failed: 0 });

      expect((await engine.bodies(lane)).map((body) => JSON.parse(body))).toEqual(
        expect.arrayContaining([
          { portalId: '1', contactId: '7', force: true, reread: true },
          { portalId: '1', dealId: '9', atMs: 1_763_000_000_000, force: true, reread: true },
        ]),
      );
      expect(await engine.bodies(`${lane}DeadLetters`)).toEqual([]);
    },
  );

  test.each([
    ['Background', '{"portalId":"1","resume":"unconfirmed","after":"1#7"}'],
    ['Changes', 'not even JSON'],
    ['Ticks', '{"portalId":"1","contactIds":["9"]}'],
  ])('sends to %s as it was what asks for no write: %s', async (title, message) => {
    await put(title, message);

    await retryDeadLetters(source);

    expect(await engine.bodies(title)).toEqual([message]);
  });

  test('leaves what nobody would understand the second time, and can be looked at at once', async () => {
    await put('Events', NOT_UNDERSTOOD);
    await put('Changes', { reason: 'a message that names no contact', event: '{}' });

    expect(await retryDeadLetters(source)).toMatchObject({ sent: 0, cannot: 2 });
    expect(await countsOf('EventsDeadLetters')).toEqual({ visible: 1, inFlight: 0 });
    expect(await countsOf('ChangesDeadLetters')).toEqual({ visible: 1, inFlight: 0 });
    expect(await engine.bodies('Events')).toEqual([]);
  });

  test('takes only what a reason or a queue chooses', async () => {
    await put('Changes', refused('7'));
    await put('Changes', refused('8', 'no such contact'));
    await put('Ticks', { portalId: '1', contactIds: ['9'] });

    expect(await retryDeadLetters(source, { reason: 'invalid_OPTION' })).toMatchObject({ sent: 1, left: 2 });
    expect(await retryDeadLetters(source, { queue: 'Ticks' })).toMatchObject({ sent: 1, left: 0 });
    expect((await engine.bodies('Changes')).map((body) => JSON.parse(body).contactId)).toEqual(['7']);
    expect(await engine.bodies('Ticks')).toEqual(['{"portalId":"1","contactIds":["9"]}']);
    expect(await countsOf('ChangesDeadLetters')).toEqual({ visible: 1, inFlight: 0 });
  });

  test('with --dry-run says how many it would be and touches none', async () => {
    await put('Changes', refused('7'));

    const done = await retryDeadLetters(source, { dryRun: true });

    expect(formatRetry(done)).toBe('1 would be sent back.');
    expect(await engine.bodies('Changes')).toEqual([]);
    expect(await countsOf('ChangesDeadLetters')).toEqual({ visible: 1, inFlight: 0 });
  });

  test('loses no letter that cannot be sent, and counts it', async () => {
    await put('Changes', refused('7'));
    await put('Changes', refused('8'));
    const sqs = failingFor('"contactId":"7"');

    const done = await retryDeadLetters({ ...source, sqs });

    expect(done).toMatchObject({ sent: 1, failed: 1 });
    expect(formatRetry(done)).toBe('1 sent back, 1 were not taken and stay (ServiceUnavailable).');
    expect((await engine.bodies('ChangesDeadLetters')).map((body) => JSON.parse(body).contactId)).toEqual([
      '7',
    ]);
  });

  test('knows the queues there are', async () => {
    await expect(retryDeadLetters(source, { queue: 'changes' })).rejects.toThrow(
      '--queue: expected Events, Ticks, Urgent, Changes, Background, found "changes"',
    );
  });
});

describe('the commands', () => {
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-dead-letters-'));

  beforeEach(() => {
    const state: LocalState = {
      pid: process.pid,
      portalId: '1',
      ingestUrl: 'http://127.0.0.1:1',
      hubspotUrl: 'http://127.0.0.1:1',
      dynamoDbUrl: 'http://127.0.0.1:1',
      tableName: 'contacts',
      sqsUrl: engine.url,
      queues: source.queues,
      budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
      clientSecret: 'secret',
      accessToken: 'token',
      timeZone: 'UTC',
      model: 'models/plg.yaml',
      clockOffsetMs: 0,
    };
    writeFileSync(join(directory, 'system.json'), JSON.stringify(state));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function afterglow(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const file = join(import.meta.dirname, '../../cli/afterglow.ts');
    const env = { ...process.env, AFTERGLOW_LOCAL_DIR: directory };
    return new Promise((resolve) => {
      execFile(process.execPath, [file, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  test('print what is there, for people or as JSON, up to a limit', async () => {
    await put('Changes', refused('7'));
    await put('Changes', refused('8'));

    const text = await afterglow('dead-letters');
    const json = await afterglow('dead-letters', '--json', '--limit', '1');

    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/^Changes: 2 × VALIDATION_ERROR, INVALID_OPTION/);
    expect(JSON.parse(json.stdout)).toMatchObject({ letters: 1, notAllOf: ['Changes'] });
  });

  test('take the options of retry for those of retry, though the list has some of the same name', async () => {
    await put('Changes', refused('7'));
    await put('Ticks', { portalId: '1', contactIds: ['9'] });

    const dry = await afterglow('dead-letters', 'retry', '--json', '--dry-run', '--limit', '5');
    const done = await afterglow('dead-letters', 'retry', '--queue', 'Ticks');

    expect(JSON.parse(dry.stdout)).toMatchObject({ sent: 2, dryRun: true });
    expect(done).toEqual({ code: 0, stdout: '1 sent back.\n', stderr: '' });
    expect(await engine.bodies('Changes')).toEqual([]);
    expect(await engine.bodies('Ticks')).toHaveLength(1);
  });

  test('do what docs/runbook.md says of them', async () => {
    await put('Changes', refused('7'));
    await put('Changes', refused('8', 'no such contact'));
    const page = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
    const written = [...page.matchAll(/^npm run afterglow -- (dead-letters.*)$/gm)].map(([, line = '']) =>
      [...line.replace(' --stack Afterglow', '').matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, bare]) => quoted ?? bare ?? '',
      ),
    );

    const did = [];
    for (const args of written) did.push(await afterglow(...args));

    expect(did).toEqual([
      { code: 0, stderr: '', stdout: expect.stringContaining(`Changes: 1 × ${REFUSED}`) },
      { code: 0, stderr: '', stdout: '1 would be sent back, 1 not chosen.\n' },
      { code: 0, stderr: '', stdout: '1 sent back, 1 not chosen.\n' },
    ]);
  });

  test('say what is wrong with an option, and end with 1', async () => {
    expect(await afterglow('dead-letters', 'retry', '--queue', 'Change')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'afterglow: --queue: expected Events, Ticks, Urgent, Changes, Background, found "Change"\n',
    });
  });
});
