// `afterglow rotate` against a simulated HubSpot and a stand-in for the deployed stack.
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { PROBE_EVERY_MS } from '../../cli/endpoint.ts';
import { readModelFile } from '../../cli/model-file.ts';
import { finishRotation, type RotationReport, rotate } from '../../cli/rotate.ts';
import type { GivenSecrets } from '../../cli/secret-input.ts';
import { PATIENCE } from '../../cli/setup.ts';
import { findInstallation } from '../../cli/target.ts';
import { isAuthentic } from '../../lambdas/events/authenticity.ts';
import { type Simulator, startSimulator } from '../../local/hubspot/simulator.ts';
import { closeNow, listenLocally } from '../../local/runner/listen.ts';
import {
  type Delivery,
  type DeployedStack,
  startDeployedStack,
  TOKEN_SECRET,
  WEBHOOK_SECRET,
} from './deployed-stack.ts';

const OLD_TOKEN = 'pat-canary-old';
const NEW_TOKEN = 'pat-canary-new';
const SIGNALS = `whsec_${Buffer.from('canary'.padEnd(32)).toString('base64')}`;
const model = () => readModelFile('models/b2b-saas.yaml');
const before = { ...process.env };
let simulator: Simulator;
let stack: DeployedStack;

beforeAll(async () => {
  simulator = await startSimulator({
    portalId: 1,
    accessToken: OLD_TOKEN,
    otherApps: [{ accessToken: NEW_TOKEN, appId: 50_780_459 }],
  });
  stack = await startDeployedStack(simulator.url);
  Object.assign(process.env, stack.environment);
});
beforeEach(async () => {
  await stack.reset();
  stack.secrets
    .set(TOKEN_SECRET, JSON.stringify({ accessToken: OLD_TOKEN, note: 'kept' }))
    .set(WEBHOOK_SECRET, '{"clientSecret":"canary-old","signalsSecret":"whsec_canaryold","note":"kept"}');
});
afterAll(async () => {
  process.env = before;
  await simulator.stop();
  await stack.stop();
});

async function rotated(
  what: 'client-secret' | 'token' | 'signals-secret',
  given: GivenSecrets,
  clock: () => number = Date.now,
): Promise<RotationReport> {
  return rotate({ ...(await findInstallation('Afterglow')), clock }, what, {
    given,
    model,
    say: () => undefined,
    pace: { probeEveryMs: 5, knownAfterMs: 20 },
  });
}

const written = () => stack.secretCalls.filter(({ action }) => action === 'PutSecretValue');

/** Signed as a system of the company does. */
function isTaken(secret: string): boolean {
  const now = new Date();
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('msg_1', now, '{}'),
  };
  const { clientSecret = '', ...rest } = stack.secret(WEBHOOK_SECRET);
  return isAuthentic(
    {
      route: '/signals',
      method: 'POST',
      rawQuery: '',
      headers,
      body: Buffer.from('{}'),
      publicUrl: stack.url,
      isV2Accepted: false,
    },
    { clientSecret, ...rest },
    now.getTime(),
  );
}

/** Makes every wait of the command a short one: it waits for instances that this stack does not have. */
const HURRY = `data:text/javascript,${encodeURIComponent(`
  import timers from 'node:timers/promises';
  import { syncBuiltinESMExports } from 'node:module';
  const { setTimeout } = timers;
  timers.setTimeout = (ms, ...rest) => setTimeout(Math.min(ms, 5), ...rest);
  syncBuiltinESMExports();
`)}`;

function run(input: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const file = join(import.meta.dirname, '../../cli/afterglow.ts');
  const env = { ...process.env, ...stack.environment };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', HURRY, file, 'rotate', ...args],
      { env },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

describe('the client secret', () => {
  const NEW = { clientSecret: 'canary-new' };

  test('is put beside the one before: requests signed with either are taken', async () => {
    const report = await rotated('client-secret', NEW);

    expect(stack.secret(WEBHOOK_SECRET)).toEqual({
      clientSecret: 'canary-new',
      previousClientSecret: 'canary-old',
      signalsSecret: 'whsec_canaryold',
      note: 'kept',
    });
    expect(report).toMatchObject({ rotated: 'client-secret', did: 'stored' });
    expect(report.left.join('\n')).toContain(
      'npm run afterglow -- rotate client-secret --finish --stack Afterglow',
    );
  });

  // lambdas/store/secrets.ts: an instance that has just read the old one reads again after 30 s, and no earlier.
  test('is not said to be in use before every running instance takes it', async () => {
    const said: string[] = [];
    const storedAtMs = Date.now();

    const report = await rotate(await findInstallation('Afterglow'), 'client-secret', {
      given: NEW,
      model,
      say: (line) => said.push(line),
      pace: { probeEveryMs: 5, knownAfterMs: 300 },
    });

    expect(Date.now() - storedAtMs).toBeGreaterThanOrEqual(300);
    expect(report.did).toBe('stored');
    expect(said).toEqual([
      'the new clientSecret is stored; trying it …',
      'it is taken; waiting 1 s until every running function takes it …',
    ]);
  });

  test('is tried with a signed request that tells of nothing', async () => {
    await rotated('client-secret', NEW);

    expect(stack.deliveries).toEqual([
      expect.objectContaining({ path: '/webhooks/hubspot', body: '[]', isSigned: true }),
    ]);
  });

  test('is tried again while ingest may still have the one before, and no longer than that', async () => {
    const answers = [401, 401];
    stack.answer = () => answers.shift() ?? 202;
    expect(await rotated('client-secret', NEW)).toMatchObject({ did: 'stored' });
    expect(stack.deliveries).toHaveLength(3);

    stack.answer = () => 401;
    let nowMs = 0;
    const hurrying = () => (nowMs += 30_000);
    stack.secrets.set(WEBHOOK_SECRET, '{"clientSecret":"canary-old"}');
    await expect(rotated('client-secret', NEW, hurrying)).rejects.toThrow(
      /^the clientSecret is stored, but http:.* answers a request signed with it with 401: /,
    );
    expect(stack.secret(WEBHOOK_SECRET)).toEqual({
      clientSecret: 'canary-new',
      previousClientSecret: 'canary-old',
    });
  });

  // lambdas/store/secrets.ts: 30 s at most between the old secret being read and the next read; lib/alarms.ts: an alarm above 4 in an hour.
  test('is not tried so often that the refusals of one rotation set off the alarm', () => {
    expect(Math.ceil(30_000 / PROBE_EVERY_MS)).toBeLessThanOrEqual(4);
    expect(PATIENCE.probeEveryMs).toBe(PROBE_EVERY_MS);
  });

  test('that is in use already is not stored again', async () => {
    expect(await rotated('client-secret', { clientSecret: 'canary-old' })).toMatchObject({
      did: 'already',
      detail: 'this clientSecret is the one in use already',
      left: [],
    });
    expect(written()).toEqual([]);
  });

  test('is stored when the endpoint does not answer, which is told, and is tried when it is given again', async () => {
    const server = createServer();
    const port = await listenLocally(server);
    closeNow(server);
    const address = stack.outputs.get('HubSpotWebhookUrl') ?? '';
    stack.outputs.set('HubSpotWebhookUrl', `http://127.0.0.1:${port}/webhooks/hubspot`);
    const untried = `the clientSecret is stored, but could not be tried: http://127.0.0.1:${port} does not answer (ECONNREFUSED)`;

    await expect(rotated('client-secret', NEW)).rejects.toThrow(untried);
    expect(stack.secret(WEBHOOK_SECRET)).toMatchObject({
      clientSecret: 'canary-new',
      previousClientSecret: 'canary-old',
    });
    await expect(rotated('client-secret', NEW)).rejects.toThrow(untried);
    stack.outputs.set('HubSpotWebhookUrl', address);
    const again = await rotated('client-secret', NEW);

    expect(stack.deliveries).toHaveLength(1);
    expect(again).toMatchObject({
      did: 'already',
      detail: 'this clientSecret is the one in use already, and the one before is valid too',
    });
    expect(again.left.join('\n')).toContain('--finish');
  });

  test('is not replaced twice: the first of three would be lost', async () => {
    await rotated('client-secret', NEW);
    const stored = stack.secret(WEBHOOK_SECRET);

    await expect(rotated('client-secret', { clientSecret: 'canary-third' })).rejects.toThrow(
      /^a rotation of the clientSecret is under way: .*nothing was stored.*: npm run afterglow -- rotate client-secret --finish --stack Afterglow$/,
    );

    expect(stack.secret(WEBHOOK_SECRET)).toEqual(stored);
  });

  test('is asked for, and needs one to replace', async () => {
    await expect(rotated('client-secret', {})).rejects.toThrow('no new client secret was given');
    stack.secrets.set(WEBHOOK_SECRET, '{}');
    await expect(rotated('client-secret', NEW)).rejects.toThrow(
      'the stack Afterglow has no clientSecret yet: run `npm run afterglow -- setup --stack Afterglow`',
    );
    expect(written()).toEqual([]);
  });
});

describe('the signals secret', () => {
  beforeEach(() => {
    stack.secrets.set(WEBHOOK_SECRET, JSON.stringify({ clientSecret: 'canary-old', signalsSecret: SIGNALS }));
    stack.answer = () => 400; // A body without signals, after its signature was found to be right.
  });

  test('is generated where none is given; both are taken until the rotation is finished', async () => {
    const report = await rotated('signals-secret', {});
    const { signalsSecret = '' } = stack.secret(WEBHOOK_SECRET);

    expect([isTaken(SIGNALS), isTaken(signalsSecret)]).toEqual([true, true]);
    expect(report.left[0]).toContain(`it stands in ${WEBHOOK_SECRET}, as signalsSecret`);
    expect(JSON.stringify(report)).not.toMatch(/whsec_|canary/i);

    await finishRotation(await findInstallation('Afterglow'), 'signals-secret');

    expect([isTaken(SIGNALS), isTaken(signalsSecret)]).toEqual([false, true]);
  });

  test('may be the first: then there is none before, and nothing to finish', async () => {
    stack.secrets.set(WEBHOOK_SECRET, '{"clientSecret":"canary-old"}');

    const { did, detail, left } = await rotated('signals-secret', { signalsSecret: SIGNALS });

    expect(stack.secret(WEBHOOK_SECRET)).toEqual({ clientSecret: 'canary-old', signalsSecret: SIGNALS });
    expect([did, detail]).toEqual(['stored', 'the signalsSecret is in use; there was none before']);
    expect(left).toEqual([expect.stringContaining(`it stands in ${WEBHOOK_SECRET}`)]);
  });

  test('is not stored before there is a client secret, without which ingest takes nothing', async () => {
    stack.secrets.set(WEBHOOK_SECRET, '{}');

    await expect(rotated('signals-secret', {})).rejects.toThrow(
      'the stack Afterglow has no clientSecret yet: run `npm run afterglow -- setup --stack Afterglow`; nothing was stored',
    );
    expect(written()).toEqual([]);
  });

  test('may be given, and is tried with a signed request that no signal stands in', async () => {
    const own = `whsec_${Buffer.alloc(24, 3).toString('base64')}`;

    await rotated('signals-secret', { signalsSecret: own });

    const { path, headers = {}, body = '' }: Partial<Delivery> = stack.deliveries[0] ?? {};
    const signed = Object.entries(headers).map(([name, value]) => [name, String(value)]);
    expect([path, body]).toEqual(['/signals', '[]']);
    expect(new Webhook(own).verify(body, Object.fromEntries(signed))).toEqual([]);
  });
});

describe('the token', () => {
  test('takes the place of the old one when HubSpot takes it', async () => {
    const report = await rotated('token', { accessToken: NEW_TOKEN });

    expect(stack.secret(TOKEN_SECRET)).toEqual({ accessToken: NEW_TOKEN, note: 'kept' });
    expect(report.left[0]).toContain('Wait 5 minutes');
  });

  test.each([
    ['is refused', 'pat-canary-wrong', '1', /^HubSpot refuses the access token \(401/],
    ['is of another portal', NEW_TOKEN, '48221593', /^the access token is of portal 1, the stack Afterglow/],
  ])('that %s is not stored', async (_, accessToken, portalId, said) => {
    stack.outputs.set('PortalId', portalId);

    await expect(rotated('token', { accessToken })).rejects.toThrow(said);

    expect(written()).toEqual([]);
  });

  test('that is in use already is not stored again, and one is asked for', async () => {
    expect(await rotated('token', { accessToken: OLD_TOKEN })).toMatchObject({ did: 'already' });
    await expect(rotated('token', {})).rejects.toThrow('no new access token was given');
    expect(written()).toEqual([]);
  });
});

describe('finishing', () => {
  test('removes the secret from before and nothing else, and may be done again', async () => {
    await rotated('client-secret', { clientSecret: 'canary-new' });
    const installation = await findInstallation('Afterglow');

    const first = await finishRotation(installation, 'client-secret');
    const second = await finishRotation(installation, 'client-secret');

    expect([first.did, second.did]).toEqual(['finished', 'already']);
    expect(stack.secret(WEBHOOK_SECRET)).toEqual({
      clientSecret: 'canary-new',
      signalsSecret: 'whsec_canaryold',
      note: 'kept',
    });
    expect(written()).toHaveLength(2); // The rotation, and its end.
  });

  test('of a token is done in HubSpot', async () => {
    const installation = await findInstallation('Afterglow');

    await expect(finishRotation(installation, 'token')).rejects.toThrow('let the old one expire in HubSpot');
  });
});

describe('afterglow rotate', () => {
  test('takes the new secret from standard input, and prints none', async () => {
    const begun = await run('{"clientSecret":"canary-new"}', 'client-secret', '--stack', 'Afterglow');
    const ended = await run('', 'client-secret', '--finish', '--stack', 'Afterglow', '--json');
    const refused = await run('{"accessToken":"canary"}', 'token', '--stack', 'Afterglow');

    expect(begun.stdout).toMatch(
      /^the new clientSecret is stored; .*\nit is taken; waiting (39|40) s .*\nthe new clientSecret is in use, and the one before is valid too\n {2}1\. /,
    );
    expect(JSON.parse(ended.stdout)).toMatchObject({ rotated: 'client-secret', did: 'finished' });
    expect([begun.code, ended.code, refused.code]).toEqual([0, 0, 1]);
    expect(refused.stderr).toMatch(/^afterglow: HubSpot refuses the access token [^\n]*\n$/);
    expect([begun, ended, refused].map((ran) => ran.stdout + ran.stderr).join('')).not.toMatch(
      /canary|whsec_/i,
    );
  });

  test('rotates nothing else, and nothing of the local system', async () => {
    const other = await run('', 'identity-key', '--stack', 'Afterglow');
    const local = await run('', 'token');

    expect([other.code, local.code]).toEqual([1, 1]);
    expect(other.stderr).toMatch(/\(choices: "client-secret", "token",\s+"signals-secret"\)/);
    expect(local.stderr).toMatch(/^afterglow: name the stack with --stack/);
  });

  test.each([
    [['canary']],
    [['client-secret', 'canary']],
    [['client-secret', '--secret=canary']],
    [['client-secret', '--canary']],
  ])('does not repeat a secret that was typed as an argument: %j', async (args) => {
    const { code, stdout, stderr } = await run('', ...args, '--stack', 'Afterglow');

    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('secrets are asked for, or taken from standard input');
    expect(stderr).toContain('rotate [options] <which>');
    expect(stderr).not.toMatch(/canary/i);
    expect(written()).toEqual([]);
  });
});
