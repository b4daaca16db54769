import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import { startSimulator } from '../../../local/hubspot/simulator.ts';
import { realStage } from '../../../local/rehearsal/stages.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const cloudFormation = mockClient(CloudFormationClient);
let directory: string;

function secretsTyped(): PassThrough {
  const stream = new PassThrough();
  stream.end(JSON.stringify({ accessToken: 'local-access-token', clientSecret: 'a-client-secret' }));
  return stream;
}

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'afterglow-test-'));
  cloudFormation.reset();
  process.env['AWS_REGION'] = 'us-east-1';
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a machine without the emulator is told in one line how to get it', () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['local/rehearse.ts', '--json'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: path.dirname(process.execPath), AFTERGLOW_LOCAL_DIR: directory },
  });

  expect(status).toBe(1);
  expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('`npm run rehearse:install`')]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, failedAt: 'an emulator of AWS', steps: [] });
});

test('a stack that is there is not rehearsed over: it would be taken down', async () => {
  cloudFormation.on(DescribeStacksCommand).resolves({
    Stacks: [
      {
        StackId: 'arn:stack',
        StackName: 'Afterglow',
        CreationTime: new Date(0),
        StackStatus: 'CREATE_COMPLETE',
      },
    ],
  });

  await expect(realStage('Afterglow', false, directory)(() => undefined)).rejects.toThrow(
    'give another name',
  );
});

test('a portal in which Afterglow is at work is refused: its properties would be archived', async () => {
  cloudFormation
    .on(DescribeStacksCommand)
    .rejects(Object.assign(new Error('none'), { name: 'ValidationError' }));
  const simulator = await startSimulator({ portalId: 7, propertyLagMs: [0, 0] });
  process.env['HUBSPOT_API_URL'] = simulator.url;
  try {
    await fetch(`${simulator.url}/crm/properties/2026-03/contacts`, {
      method: 'POST',
      headers: { authorization: 'Bearer local-access-token', 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'afterglow_score',
        label: 'Score',
        type: 'number',
        fieldType: 'number',
        groupName: 'contactinformation',
      }),
    });

    await expect(realStage('Trial', false, directory, secretsTyped())(() => undefined)).rejects.toThrow(
      'portal 7 has properties of Afterglow',
    );
  } finally {
    delete process.env['HUBSPOT_API_URL'];
    await simulator.stop();
  }
});

test('a portal that looks too large for a test portal is refused, but for --yes', async () => {
  cloudFormation
    .on(DescribeStacksCommand)
    .rejects(Object.assign(new Error('none'), { name: 'ValidationError' }));
  const simulator = await startSimulator({ portalId: 7 });
  process.env['HUBSPOT_API_URL'] = simulator.url;
  try {
    for (let at = 0; at < 1_001; at += 1) simulator.crm.create('contacts', { email: `c${at}@example.com` });

    await expect(realStage('Trial', false, directory, secretsTyped())(() => undefined)).rejects.toThrow(
      'portal 7 has more than 1000 contacts',
    );
    await expect(realStage('Trial', true, directory, secretsTyped())(() => undefined)).resolves.toMatchObject(
      {
        stack: 'Trial',
        portalId: '7',
        settings: { timeZone: 'UTC', hubspotApiUrl: simulator.url },
      },
    );
  } finally {
    delete process.env['HUBSPOT_API_URL'];
    await simulator.stop();
  }
}, 30_000);
