// `afterglow provision` as a person runs it, against the simulated HubSpot.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalState } from '../../cli/target.ts';
import { type Simulator, startSimulator } from '../../local/hubspot/simulator.ts';

const directory = mkdtempSync(join(tmpdir(), 'afterglow-provision-'));
let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ clock: Date.now });
  const state: LocalState = {
    pid: process.pid,
    portalId: '1',
    ingestUrl: 'http://127.0.0.1:1',
    hubspotUrl: simulator.url,
    dynamoDbUrl: 'http://127.0.0.1:1',
    tableName: 'contacts',
    clientSecret: 'secret',
    accessToken: 'local-access-token',
    timeZone: 'UTC',
    model: 'models/plg.yaml',
    clockOffsetMs: 0,
  };
  writeFileSync(join(directory, 'system.json'), JSON.stringify(state));
});
afterAll(async () => {
  await simulator.stop();
  rmSync(directory, { recursive: true, force: true });
});

function provision(...args: string[]): Promise<string> {
  const file = join(import.meta.dirname, '../../cli/afterglow.ts');
  const env = { ...process.env, AFTERGLOW_LOCAL_DIR: directory };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file, 'provision', ...args], { env }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
}

test('ends with what the app is to subscribe to, one a line, after the properties it made', async () => {
  const [properties = '', subscriptions = ''] = (await provision()).split('\nSubscribe the app to:\n');

  expect(properties).toContain('afterglow_score: created');
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
