// `afterglow provision` as a person runs it, against the simulated HubSpot.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalState } from '../../cli/target.ts';
import { FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { type Simulator, startSimulator } from '../../local/hubspot/simulator.ts';
import { listenLocally } from '../../local/runner/listen.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';

const directory = mkdtempSync(join(tmpdir(), 'afterglow-provision-'));
let simulator: Simulator;
let engine: Engine;
let table: Table;

beforeAll(async () => {
  engine = await startDynalite();
  table = await createTable(engine);
  simulator = await startSimulator({ clock: Date.now });
});
beforeEach(() => writeState({}));

/** What the commands find of the local system. */
function writeState(parts: Partial<LocalState>): void {
  const state: LocalState = {
    pid: process.pid,
    portalId: '1',
    ingestUrl: 'http://127.0.0.1:1',
    hubspotUrl: simulator.url,
    dynamoDbUrl: engine.url,
    tableName: table.tableName,
    sqsUrl: 'http://127.0.0.1:1',
    queues: {},
    budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
    clientSecret: 'secret',
    accessToken: 'local-access-token',
    timeZone: 'UTC',
    model: 'models/plg.yaml',
    clockOffsetMs: 0,
    ...parts,
  };
  writeFileSync(join(directory, 'system.json'), JSON.stringify(state));
}

afterAll(async () => {
  await simulator.stop();
  await engine.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** `YYYY-MM-DD` of a moment near now. */
function dateIn(timeZone: string, offsetMs = 0): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone }).format(Date.now() + offsetMs);
}

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const file = join(import.meta.dirname, '../../cli/afterglow.ts');
  const env = { ...process.env, AFTERGLOW_LOCAL_DIR: directory };
  return new Promise((resolve) => {
    execFile(process.execPath, [file, 'provision', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

async function provision(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

test('ends with what the app is to subscribe to, one a line, after the properties it made', async () => {
  const [properties = '', subscriptions = ''] = (await provision()).split('\nSubscribe the app to:\n');

  expect(properties).toContain('contacts afterglow_score: created');
  expect(subscriptions.trimEnd().split('\n')).toEqual(
    expect.arrayContaining([
      '  contact.creation',
      '  contact.privacyDeletion',
      '  contact.propertyChange:email',
      '  contact.propertyChange:hs_additional_emails',
    ]),
  );
  expect(subscriptions.split('\n').filter((line) => !/^( {2}\w+\.\w+(:\w+)?)?$/.test(line))).toEqual([]);
});

test('with --json prints both as one object', async () => {
  const { properties, subscriptions } = JSON.parse(
    await provision('--json', '--model', 'models/b2b-saas.yaml'),
  );

  expect(properties).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'afterglow_score' })]));
  expect(subscriptions).toEqual(
    expect.arrayContaining(['contact.merge', 'company.merge', 'deal.propertyChange:dealstage']),
  );
});

describe('the budget of the portal', () => {
  const key = { pk: '1#portal', sk: 'budget' };

  test('is drawn on by a command too', async () => {
    const before = await table.row(key.pk, key.sk);

    await provision();

    const after = await table.row(key.pk, key.sk);
    expect(after?.['version']).toBeGreaterThan(Number(before?.['version'] ?? 0));
    expect(after?.['state']).toMatchObject({ limit: expect.any(Number) });
  });

  test('is counted by the days of the portal where HubSpot told of its time zone, whatever the setting is', async () => {
    // The days of these two differ at every instant.
    const [told, set] = ['Pacific/Kiritimati', 'Pacific/Pago_Pago'];
    writeState({ timeZone: set });
    await table.put([
      {
        pk: key.pk,
        sk: 'facts#account',
        version: 1,
        state: {
          askedAtMs: 1,
          known: { value: { portalId: 1, accountType: 'STANDARD', timeZone: told }, readAtMs: 1 },
        },
      },
    ]);

    const before = dateIn(told);
    await provision();
    const after = dateIn(told);

    const { today }: { today?: { date: string } } = Object((await table.row(key.pk, key.sk))?.['state']);
    expect([before, after]).toContain(today?.date);

    await table.put([{ pk: key.pk, sk: 'facts#account', version: 2, state: { askedAtMs: 1 } }]);
    await provision();

    const later: { today?: { date: string } } = Object((await table.row(key.pk, key.sk))?.['state']);
    expect([dateIn(set, -60_000), dateIn(set)]).toContain(later.today?.date);
  });

  test('a command that finds a stop over says so in one line when SQS does not take the message that resumes all', async () => {
    const body = '{"Successful":[],"Failed":[{"Id":"0","Code":"ServiceUnavailable","SenderFault":false}]}';
    const sqs = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
    });
    const sqsUrl = `http://127.0.0.1:${await listenLocally(sqs)}`;
    const url = `${sqsUrl}/000000000000/Background`;
    writeState({ sqsUrl, queues: { Background: { url, deadLettersUrl: `${url}DeadLetters` } } });
    const stop = { reason: 'daily', sinceMs: Date.now() - 60_000, untilMs: Date.now() - 1000 };
    await table.put([{ ...key, version: 1, state: { ...FULL_BUDGET, stop } }]);

    const { code, stderr } = await run().finally(() => sqs.close());

    expect([code, stderr]).toEqual([
      1,
      'afterglow: RetryableError: SQS refused 1 messages: ServiceUnavailable; try again\n',
    ]);
  });

  test('keeps a command from calling while the portal is stopped, and it says until when', async () => {
    const untilMs = Date.now() + 3_600_000;
    const state = {
      nextSlotMs: 0,
      blockedUntilMs: 0,
      share: 1,
      shareSetAtMs: 0,
      stop: { reason: 'unauthorised', sinceMs: Date.now(), untilMs },
    };
    await table.put([{ ...key, version: 1, state }]);

    const { code, stdout, stderr } = await run();

    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      `afterglow: the portal is stopped: unauthorised; HubSpot is called again after ${new Date(untilMs).toISOString()}, see docs/runbook.md#hubspot-is-not-called\n`,
    );
  });
});
