import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explain, formatExplanation } from '../../cli/explain.ts';
import { sendEvents } from '../../cli/send.ts';
import type { Target } from '../../cli/target.ts';
import type { Known } from '../../lambdas/scoring/facts.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { type Head, NO_HEAD } from '../../lambdas/store/rows.ts';
import { signV3 } from '../../local/hubspot/sign.ts';
import { listenLocally } from '../../local/runner/listen.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const DAY_MS = 86_400_000;
const directory = mkdtempSync(join(tmpdir(), 'afterglow-cli-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function target(parts: Partial<Target>): Target {
  return {
    portalId: '33',
    ingestUrl: 'http://127.0.0.1:1',
    hubspotUrl: 'http://127.0.0.1:1',
    timeZone: 'UTC',
    clock: () => NOW_MS,
    contacts: { read: async () => undefined },
    readClientSecret: async () => 'a client secret',
    send: () => Promise.reject(new Error('HubSpot is not called')),
    ...parts,
  };
}

function model(): Model {
  const checked = checkModel({
    name: 'small',
    fit: { rules: [{ id: 'cto', title: 'Runs technology', property: 'jobtitle', is: ['CTO'], points: 20 }] },
    engagement: {
      signals: [
        {
          id: 'demo',
          title: 'Asked for a demo',
          from: { kind: 'signal', signal: 'demo.requested' },
          points: 40.25,
          halfLifeDays: 10,
          cap: 30,
        },
      ],
    },
    grades: {
      bands: [
        { grade: 'A', from: 60 },
        { grade: 'B', from: 0 },
      ],
    },
  });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

function contact(head: Partial<Head>, known: Known): Target {
  return target({ contacts: { read: async () => ({ head: { ...NO_HEAD, revision: 3, ...head }, known }) } });
}

const FACTS: Known = {
  properties: [{ name: 'jobtitle', value: 'CTO', occurredAtMs: NOW_MS - 50 * DAY_MS }],
  facts: [
    { key: 'one', name: 'signal:demo.requested', occurredAtMs: NOW_MS - 10 * DAY_MS },
    { key: 'two', name: 'signal:demo.requested', occurredAtMs: NOW_MS - 20 * DAY_MS },
  ],
};

describe('explain', () => {
  test('names every term, what caps and rounding take, and the distance to the next grade', async () => {
    const explanation = await explain(contact({ writeId: 'w', confirmedWriteId: 'w' }, FACTS), model(), '7');

    // 40.25 / 2 = 20.125; 40.25 / 4 = 10.0625, rounded 10.063 (halves upwards); together 30.188, cap 30; with fit 20: 50.
    expect(explanation.lines.map(({ title, left }) => [title, left])).toEqual([
      ['Runs technology', 20_000],
      ['Asked for a demo', 10_063],
      ['Asked for a demo', 20_125],
      ['Cap of Asked for a demo (30)', -188],
    ]);
    expect(explanation).toMatchObject({
      shown: { score: 50, grade: 'B' },
      isConfirmed: true,
      rounding: 0,
      nextGrade: { grade: 'A', points: 10 },
    });
    expect(explanation.dueAt).not.toBeNull();
  });

  test('its column sums to the score that is shown', async () => {
    const later = { ...contact({}, FACTS), clock: () => NOW_MS + 3 * DAY_MS };

    const { lines, rounding, shown } = await explain(later, model(), '7');

    expect(lines.reduce((sum, { left }) => sum + left, 0) + rounding).toBe(
      (shown.score ?? Number.NaN) * 1000,
    );
  });

  test('is readable', async () => {
    const text = formatExplanation(await explain(contact({}, FACTS), model(), '7'), 'UTC');

    expect(text).toContain('Contact 7 at 2026-11-21T12:00:00.000Z: 50 B (scored, small@');
    expect(text).toContain('not yet confirmed by HubSpot');
    expect(text).toContain('    20.125     40.250  11 Nov 2026  Asked for a demo');
    expect(text).toContain('10 points to grade A.');
  });

  test.each([
    ['nothing was heard of it', target({}), 'nothing was heard of contact 7'],
    [
      'it was erased',
      contact({ life: 'erased' }, { properties: [], facts: [] }),
      'erased by a privacy deletion',
    ],
  ])('says so when %s', async (_, where, message) => {
    await expect(explain(where, model(), '7')).rejects.toThrow(message);
  });

  test('follows a merge to the record that lives', async () => {
    const rows = new Map([
      ['33#7', { head: { ...NO_HEAD, revision: 2, alias: '33#9' }, known: { properties: [], facts: [] } }],
      ['33#9', { head: { ...NO_HEAD, revision: 1 }, known: FACTS }],
    ]);

    const explanation = await explain(
      target({ contacts: { read: async (key) => rows.get(key) } }),
      model(),
      '7',
    );

    expect(explanation).toMatchObject({ contactId: '9', shown: { score: 50 } });
  });
});

describe('send', () => {
  test('posts the file as it stands, signed as HubSpot signs', async () => {
    const received: { url: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        received.push({ url: request.url, headers: request.headers, body });
        response.writeHead(202).end('{"message":"accepted"}');
      });
    });
    const ingestUrl = `http://127.0.0.1:${await listenLocally(server)}`;
    const file = join(directory, 'events.json');
    const body = '[ {"eventId": 1, "name": "Zoë"} ]\n';
    writeFileSync(file, body);

    const answer = await sendEvents(target({ ingestUrl }), file).finally(() => server.close());

    const [request] = received;
    const timestamp = String(request?.headers['x-hubspot-request-timestamp']);
    const uri = `${ingestUrl}/webhooks/hubspot`;
    expect(answer).toEqual({ status: 202, body: '{"message":"accepted"}' });
    expect(request).toMatchObject({ url: '/webhooks/hubspot', body });
    expect(Math.abs(Number(timestamp) - Date.now())).toBeLessThan(60_000);
    expect(request?.headers['x-hubspot-signature-v3']).toBe(
      signV3({ method: 'POST', uri, body, timestamp, secret: 'a client secret' }),
    );
  });

  test('says which file is missing, and what is wrong with one that is not JSON', async () => {
    const broken = join(directory, 'broken.json');
    writeFileSync(broken, '[{');

    await expect(sendEvents(target({}), join(directory, 'absent.json'))).rejects.toThrow(
      /absent\.json cannot be read/,
    );
    await expect(sendEvents(target({}), broken)).rejects.toThrow(/broken\.json is not JSON/);
  });
});

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const file = join(import.meta.dirname, '../../cli/afterglow.ts');
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('afterglow', () => {
  test('lists its commands', async () => {
    const { code, stdout } = await run('--help');

    expect(code).toBe(0);
    for (const command of ['provision', 'send', 'explain']) expect(stdout).toContain(command);
  });

  test('shows how a command is used when an argument is missing', async () => {
    const { code, stderr } = await run('explain');

    expect(code).toBe(1);
    expect(stderr).toContain("missing required argument 'contact'");
    expect(stderr).toContain('Usage: afterglow explain');
  });
});
