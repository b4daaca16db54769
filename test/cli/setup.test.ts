// `afterglow setup` against a simulated HubSpot and a stand-in for the deployed stack, whose AWS the real SDK clients speak to.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Webhook } from 'standardwebhooks';
import { readBuiltApp } from '../../cli/hubspot-app.ts';
import { readModelFile } from '../../cli/model-file.ts';
import { askYes, takeSecrets } from '../../cli/secret-input.ts';
import { type SetupOptions, type SetupReport, setUp } from '../../cli/setup.ts';
import { findInstallation } from '../../cli/target.ts';
import { isSameTimeZone } from '../../cli/time-zone.ts';
import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import { signV3 } from '../../local/hubspot/sign.ts';
import { type Simulator, startSimulator } from '../../local/hubspot/simulator.ts';
import { closeNow, listenLocally } from '../../local/runner/listen.ts';
import {
  type Delivery,
  type DeployedStack,
  startDeployedStack,
  TOKEN_SECRET,
  WEBHOOK_SECRET,
} from './deployed-stack.ts';

/** Any of them in what is printed is a leak. */
const TOKEN = 'pat-canary-access-token';
const CLIENT = 'canary-client-secret';
const CANARY = /canary/i;

const model = readModelFile('models/b2b-saas.yaml');
const appDirectory = mkdtempSync(join(tmpdir(), 'afterglow-setup-'));
const before = { ...process.env };
let simulator: Simulator;
let stack: DeployedStack;
let faults: (call: FaultableCall) => Fault | undefined;

async function startHubSpot(scopes?: readonly string[]): Promise<Simulator> {
  return startSimulator({
    portalId: 1,
    accessToken: TOKEN,
    propertyLagMs: [0, 0],
    faults: (call) => faults(call),
    ...(scopes !== undefined && { scopes }),
  });
}

beforeAll(async () => {
  faults = () => undefined;
  simulator = await startHubSpot();
  stack = await startDeployedStack(simulator.url);
  Object.assign(process.env, stack.environment);
});
beforeEach(async () => {
  faults = () => undefined;
  await stack.reset();
  rmSync(appDirectory, { recursive: true, force: true });
});
afterAll(async () => {
  process.env = before;
  await simulator.stop();
  await stack.stop();
  rmSync(appDirectory, { recursive: true, force: true });
});

/** What the scorer and write-back would have made of an event: a score, confirmed unless told otherwise. */
async function storeHead(contactId: number, parts: object = {}): Promise<void> {
  const known = await stack.table.row(`1#${contactId}`, '#head');
  await stack.table.put([
    {
      ...known,
      pk: `1#${contactId}`,
      sk: '#head',
      rev: Number(known?.['rev'] ?? 0) + 1,
      score: 54,
      grade: 'B',
      status: 'scored',
      model: model.id,
      wid: 'w1',
      cwid: 'w1',
      ...parts,
    },
  ]);
}

function scoreWhatComes(parts: object = {}): void {
  stack.onTaken = async ({ body }) => storeHead(JSON.parse(body)[0].objectId, parts);
}

function newContact(email: string): string {
  return simulator.crm.create('contacts', { email });
}

const GIVEN = { accessToken: TOKEN, clientSecret: CLIENT };
const SOON = { scoreWithinMs: 150, lookEveryMs: 5, probeEveryMs: 5 };

async function run(parts: Partial<SetupOptions> = {}, clock?: () => number): Promise<SetupReport> {
  const installation = await findInstallation('Afterglow');
  return setUp(clock === undefined ? installation : { ...installation, clock }, {
    model,
    appDirectory,
    given: GIVEN,
    say: () => undefined,
    confirm: async () => true,
    patience: SOON,
    ...parts,
  });
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a person runs it. */
function setup(input: string, ...args: string[]): Promise<Ran> {
  const file = join(import.meta.dirname, '../../cli/afterglow.ts');
  const env = { ...process.env, ...stack.environment };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [file, 'setup', '--out', appDirectory, ...args],
      { env },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

/** Setup with a HubSpot of its own. */
async function runWith(other: Simulator): Promise<unknown> {
  stack.outputs.set('HubSpotApiUrl', other.url);
  try {
    return await run();
  } finally {
    await other.stop();
  }
}

/** A clock that runs a second with every look at it, from the first delivery on. */
function hurrying(): () => number {
  let aheadMs = 0;
  return () => {
    if (stack.deliveries.length > 0) aheadMs += 1000;
    return Date.now() + aheadMs;
  };
}

/** What has happened when setup stopped before anything was stored. */
function expectNothingStored(): void {
  expect([stack.secret(TOKEN_SECRET), stack.secret(WEBHOOK_SECRET)]).toEqual([{}, {}]);
  expect(stack.deliveries).toEqual([]);
  expect(existsSync(appDirectory)).toBe(false);
}

test('an empty portal is set up, and told so', async () => {
  const report = await run();

  expect(report.contact).toBeNull();
  expect(report.steps.map(({ step, did }) => `${step} ${did}`)).toEqual([
    'token done',
    'properties done',
    'secrets done',
    'app done',
    'test skipped',
  ]);
  expect(stack.deliveries).toEqual([]);
});

describe('with contacts in the portal', () => {
  let newest: string;

  beforeAll(async () => {
    newContact('first@acme.example');
    await new Promise((resolve) => setTimeout(resolve, 5));
    newest = newContact('second@acme.example');
  });

  test('everything is done, from the token to a score that HubSpot confirmed', async () => {
    scoreWhatComes();

    const report = await run();

    expect(stack.secret(TOKEN_SECRET)).toEqual({ accessToken: TOKEN });
    expect(stack.secret(WEBHOOK_SECRET)).toEqual({
      clientSecret: CLIENT,
      signalsSecret: expect.stringMatching(/^whsec_/),
    });
    expect(readBuiltApp(appDirectory)?.targetUrl).toBe(`${stack.url}/webhooks/hubspot`);
    expect(report).toMatchObject({
      portalId: '1',
      appId: '50780459',
      contact: { id: newest, status: 'scored', score: 54, grade: 'B' },
      warnings: [],
    });
    expect(report.left.join('\n')).toMatch(
      /hs project upload[^]*npm run afterglow -- doctor --stack Afterglow/,
    );
  });

  test('the test event tells nothing but what is so: that the newest contact was made when it was made', async () => {
    scoreWhatComes();
    const contactsBefore = simulator.crm.all('contacts');

    await run();

    const { createdAt } = simulator.crm.get('contacts', newest) ?? {};
    const [delivery] = stack.deliveries;
    expect(delivery?.isSigned).toBe(true);
    expect(JSON.parse(delivery?.body ?? '')).toEqual([
      expect.objectContaining({
        portalId: 1,
        subscriptionType: 'contact.creation',
        objectId: Number(newest),
        occurredAt: Date.parse(String(createdAt)),
      }),
    ]);
    expect(simulator.crm.all('contacts')).toEqual(contactsBefore);
  });

  test('a second time everything is there already, nothing is stored, and the secrets need not be given', async () => {
    scoreWhatComes();
    await run();
    const secrets = [stack.secret(TOKEN_SECRET), stack.secret(WEBHOOK_SECRET)];
    stack.secretCalls.length = 0;

    const report = await run({ given: {} });

    expect(report.steps.map(({ step, did }) => `${step} ${did}`)).toEqual([
      'token done',
      'properties already',
      'secrets already',
      'app already',
      'test done',
    ]);
    expect([stack.secret(TOKEN_SECRET), stack.secret(WEBHOOK_SECRET)]).toEqual(secrets);
    expect(stack.secretCalls.filter(({ action }) => action === 'PutSecretValue')).toEqual([]);
  });

  test('a score from before does not count: it must be that of the event', async () => {
    await storeHead(Number(newest));

    await expect(run()).rejects.toThrow(`the scorer has stored nothing of contact ${newest}`);
  });

  describe('the secrets', () => {
    beforeEach(() => scoreWhatComes());

    test('the generated one signs as Standard Webhooks does', async () => {
      await run();

      const { signalsSecret = '' } = stack.secret(WEBHOOK_SECRET);
      const signature = new Webhook(signalsSecret).sign('msg_1', new Date(), '[]');
      expect(signature).toMatch(/^v1,/);
      expect(Buffer.from(signalsSecret.slice('whsec_'.length), 'base64')).toHaveLength(32);
    });

    test('are put beside what else stands there', async () => {
      stack.secrets
        .set(TOKEN_SECRET, '{"note":"kept"}')
        .set(WEBHOOK_SECRET, '{"signalsSecret":"whsec_own","note":"kept"}');

      await run();

      expect(stack.secret(TOKEN_SECRET)).toEqual({ note: 'kept', accessToken: TOKEN });
      expect(stack.secret(WEBHOOK_SECRET)).toEqual({
        note: 'kept',
        signalsSecret: 'whsec_own',
        clientSecret: CLIENT,
      });
    });

    test('that are replaced stay valid for what is under way', async () => {
      const own = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
      stack.secrets.set(WEBHOOK_SECRET, '{"clientSecret":"old","signalsSecret":"whsec_old"}');

      await run({ given: { ...GIVEN, signalsSecret: own } });

      expect(stack.secret(WEBHOOK_SECRET)).toEqual({
        clientSecret: CLIENT,
        previousClientSecret: 'old',
        signalsSecret: own,
        previousSignalsSecret: 'whsec_old',
      });
    });

    test('that are replaced are told of until they are removed', async () => {
      const client =
        'The clientSecret from before is still valid. When nothing signed with it can come any more: npm run afterglow -- rotate client-secret --finish --stack Afterglow';
      const signals = expect.stringContaining('rotate signals-secret --finish --stack Afterglow');
      stack.secrets.set(WEBHOOK_SECRET, '{"clientSecret":"old","signalsSecret":"whsec_old"}');

      const first = await run();
      const second = await run({ given: {} });
      stack.secrets.set(WEBHOOK_SECRET, `{"clientSecret":"${CLIENT}","signalsSecret":"whsec_old"}`);
      const third = await run({ given: {} });

      expect(first.left).toContain(client);
      expect(second.left).toContain(client);
      expect(third.left).not.toContain(client);
      expect(first.left).not.toContainEqual(signals);
    });

    test.each([
      ['clientSecret', 'client-secret', 'previousClientSecret'],
      ['signalsSecret', 'signals-secret', 'previousSignalsSecret'],
    ])(
      'are not replaced while a %s from before still stands: it would be lost',
      async (name, which, previous) => {
        const standing = { clientSecret: 'old', signalsSecret: 'whsec_old', [previous]: 'older' };
        stack.secrets.set(WEBHOOK_SECRET, JSON.stringify(standing));
        const calls = simulator.calls.length;

        await expect(
          run({
            given: { accessToken: TOKEN, clientSecret: 'old', signalsSecret: 'whsec_old', [name]: 'third' },
          }),
        ).rejects.toThrow(`npm run afterglow -- rotate ${which} --finish --stack Afterglow`);

        expect([stack.secret(TOKEN_SECRET), stack.secret(WEBHOOK_SECRET)]).toEqual([{}, standing]);
        expect(simulator.calls).toHaveLength(calls);
      },
    );

    test('are taken again while those from before still stand', async () => {
      const standing = { clientSecret: CLIENT, signalsSecret: 'whsec_old', previousClientSecret: 'older' };
      stack.secrets.set(WEBHOOK_SECRET, JSON.stringify(standing));

      await run();

      expect(stack.secret(WEBHOOK_SECRET)).toEqual(standing);
    });

    test('are not overwritten where something else stands than an object', async () => {
      stack.secrets.set(WEBHOOK_SECRET, 'canary, not JSON');

      await expect(run()).rejects.toThrow(`the secret ${WEBHOOK_SECRET} is not a JSON object of texts`);

      expect(stack.secrets.get(WEBHOOK_SECRET)).toBe('canary, not JSON');
    });

    test('when one cannot be written, it is said which is stored and which is not', async () => {
      stack.locked.add(WEBHOOK_SECRET);

      await expect(run()).rejects.toThrow(
        'the access token is stored, the client secret is not (AccessDeniedException), so no webhook is taken',
      );

      expect(stack.secret(TOKEN_SECRET)).toEqual({ accessToken: TOKEN });
      expect(stack.deliveries).toEqual([]);
    });
  });

  describe('nothing is stored', () => {
    test.each([
      ['accessToken', { clientSecret: CLIENT }],
      ['clientSecret', { accessToken: TOKEN }],
    ])('without %s, and HubSpot is not called', async (missing, given) => {
      const calls = simulator.calls.length;

      await expect(run({ given })).rejects.toThrow(
        `${missing} was not given, and the stack Afterglow has none yet`,
      );

      expectNothingStored();
      expect(simulator.calls).toHaveLength(calls);
    });

    test('when HubSpot refuses the token', async () => {
      await expect(run({ given: { ...GIVEN, accessToken: 'pat-canary-wrong' } })).rejects.toThrow(
        /^HubSpot refuses the access token \(401 INVALID_AUTHENTICATION\): copy it again/,
      );
      expectNothingStored();
    });

    test('when the token is of another portal', async () => {
      stack.outputs.set('PortalId', '48221593');

      await expect(run()).rejects.toThrow(
        'the access token is of portal 1, the stack Afterglow is deployed for portal 48221593',
      );
      expectNothingStored();
    });

    test('when the token lacks a scope that the model asks for', async () => {
      const other = await startHubSpot(['crm.objects.contacts.read', 'crm.objects.contacts.write']);

      await expect(runWith(other)).rejects.toThrow(
        /^the access token lacks crm\.schemas\.contacts\.read, crm\.schemas\.contacts\.write, crm\.objects\.companies\.read, .*`npm run afterglow -- hubspot-app build --stack Afterglow`/,
      );
      expectNothingStored();
    });

    test('when HubSpot tells no scopes, and then does not let the properties be made', async () => {
      const other = await startHubSpot(['crm.objects.contacts.read', 'crm.schemas.contacts.read']);
      faults = ({ path }) => (path.startsWith('/oauth/') ? { kind: 'answer', status: 404 } : undefined);

      await expect(runWith(other)).rejects.toThrow(
        'the access token may not make the properties (MISSING_SCOPES)',
      );
      expectNothingStored();
    });

    test('when a property of that name is of another type', async () => {
      const other = await startHubSpot();
      const made = await fetch(`${other.url}/crm/properties/2026-03/contacts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          name: 'afterglow_score',
          label: 'Ours',
          type: 'string',
          fieldType: 'text',
          groupName: 'contactinformation',
        }),
      });

      expect(made.status).toBe(201);
      await expect(runWith(other)).rejects.toThrow(
        'afterglow_score: HubSpot has string/text, Afterglow writes number/number',
      );
      expectNothingStored();
    });

    test('when HubSpot does not answer', async () => {
      faults = () => ({ kind: 'no-answer', lands: 'never' });

      await expect(run()).rejects.toThrow(/^HubSpot: unknown \(0\)/);
      expectNothingStored();
    });

    test('when whoever is asked says that it is the wrong portal', async () => {
      const asked: number[] = [];
      const confirm: SetupOptions['confirm'] = async ({ portalId }) => {
        asked.push(portalId);
        return false;
      };

      await expect(run({ confirm })).rejects.toThrow('not agreed to; nothing was changed');

      expect(asked).toEqual([1]);
      expectNothingStored();
    });
  });

  describe('the endpoint', () => {
    test('is asked again while it may still have the secret from before', async () => {
      scoreWhatComes();
      const answers = [503, 401, 401];
      stack.answer = () => answers.shift() ?? 202;

      const report = await run();

      expect(report.contact).toMatchObject({ score: 54 });
      expect(stack.deliveries).toHaveLength(4);
    });

    test.each([
      [401, /answers the signed test with 401: is the setting publicUrl the address that HubSpot calls/],
      [404, /answers the signed test with 404: does that address lead to the stack's API\?/],
      [500, /answers the signed test with 500: look at the log of the ingest function/],
      [503, /answers the signed test with 503: look at the log of the ingest function/],
    ])('that answers %d is named, with what to do', async (status, said) => {
      stack.answer = () => status;

      await expect(run({}, hurrying())).rejects.toThrow(said);
    });

    test('that does not answer is named', async () => {
      const server = createServer();
      const port = await listenLocally(server);
      closeNow(server);
      stack.outputs.set('HubSpotWebhookUrl', `http://127.0.0.1:${port}/webhooks/hubspot`);

      await expect(run()).rejects.toThrow(
        `the secrets are stored and the properties made, but http://127.0.0.1:${port} does not answer (ECONNREFUSED)`,
      );
    });

    test('of an emulator is reached below localhost, and signed as the gateway of AWS would see it', async () => {
      scoreWhatComes();
      stack.answer = () => 202;
      stack.outputs.set(
        'HubSpotWebhookUrl',
        `http://a1b2.execute-api.localhost:${new URL(stack.url).port}/webhooks/hubspot`,
      );

      await run();

      const { headers = {}, body = '' }: Partial<Delivery> = stack.deliveries[0] ?? {};
      expect(headers.host).toBe(`a1b2.execute-api.localhost:${new URL(stack.url).port}`);
      expect(headers['x-hubspot-signature-v3']).toBe(
        signV3({
          method: 'POST',
          uri: 'https://a1b2.execute-api.localhost/webhooks/hubspot',
          body,
          secret: CLIENT,
          timestamp: String(headers['x-hubspot-request-timestamp']),
        }),
      );
    });
  });

  describe('a score that does not come', () => {
    test('because the scorer stored nothing', async () => {
      await expect(run()).rejects.toThrow(
        /^the test event was accepted, but after 0 s the scorer has stored nothing of contact \d+: look at the log of the scorer function and at `npm run afterglow -- dead-letters --stack Afterglow`/,
      );
    });

    test('because the contact is not read', async () => {
      scoreWhatComes({ status: undefined, wid: undefined, cwid: undefined });

      await expect(run()).rejects.toThrow(
        /contact \d+ was not read from HubSpot: look at the log of the write-back/,
      );
    });

    test('because HubSpot does not confirm it', async () => {
      scoreWhatComes({ cwid: 'w0' });

      await expect(run()).rejects.toThrow(
        /^contact \d+ is scored \(54\), but after 0 s HubSpot has not confirmed it/,
      );
    });
  });

  test('warns of another time zone, of another model, and when HubSpot tells no scopes', async () => {
    scoreWhatComes({ model: 'other@123456789012' });
    stack.outputs.set('TimeZone', 'Europe/Berlin');
    faults = ({ path }) => (path.startsWith('/oauth/') ? { kind: 'answer', status: 403 } : undefined);

    const { warnings, appId } = await run();

    expect(appId).toBeNull();
    expect(warnings).toEqual([
      expect.stringContaining(
        `the portal's time zone is UTC, the setting timeZone is Europe/Berlin: nights and dates go by the setting; put "timeZone": "UTC" into cdk.json (context.afterglow) and deploy`,
      ),
      expect.stringContaining('HubSpot did not tell the scopes'),
      expect.stringContaining(
        `the stack scores by the model other@123456789012, the app was built for ${model.id}`,
      ),
    ]);
  });

  test('does not warn of another name of the same time zone', async () => {
    scoreWhatComes();
    stack.outputs.set('TimeZone', 'Etc/UTC');

    expect((await run()).warnings).toEqual([]);
  });

  describe('afterglow setup', () => {
    test('takes the secrets from standard input, and prints one object with --json', async () => {
      scoreWhatComes();

      const { code, stdout, stderr } = await setup(JSON.stringify(GIVEN), '--stack', 'Afterglow', '--json');

      expect([code, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toMatchObject({ stack: 'Afterglow', contact: { id: newest, score: 54 } });
      expect(stdout).not.toMatch(CANARY);
    });

    test('says each step, and what is left to do', async () => {
      scoreWhatComes();

      const { stdout } = await setup(JSON.stringify(GIVEN), '--stack', 'Afterglow');

      expect(stdout).toMatch(
        /^token .*\nproperties .*\nsecrets .*\napp .*\n(test .*\n){2}Left to do:\n {2}1\. /,
      );
      expect(stdout).toContain(`it stands in ${WEBHOOK_SECRET}`);
      expect(stdout).not.toMatch(/canary|whsec_/i);
    });

    test.each([
      ['no score in time', GIVEN, ['--wait', '1'], 'the scorer has stored nothing'],
      [
        'a token that is refused',
        { ...GIVEN, accessToken: 'canary' },
        [],
        'HubSpot refuses the access token',
      ],
      ['what is no text', { ...GIVEN, clientSecret: { canary: 1 } }, [], 'clientSecret does not look right'],
    ])('tells in one line of %s, and quotes no secret', async (_, input, args, said) => {
      const { code, stdout, stderr } = await setup(JSON.stringify(input), '--stack', 'Afterglow', ...args);

      expect(code).toBe(1);
      expect(stderr).toMatch(/^afterglow: [^\n]*\n$/);
      expect(stderr).toContain(said);
      expect(stdout + stderr).not.toMatch(CANARY);
    });

    test.each([[['canary']], [['--token=canary']]])(
      'does not repeat a secret that was typed as an argument: %j',
      async (args) => {
        const { code, stdout, stderr } = await setup('', '--stack', 'Afterglow', ...args);

        expect([code, stdout]).toEqual([1, '']);
        expect(stderr).toContain('secrets are asked for, or taken from standard input');
        expect(stderr).not.toMatch(CANARY);
      },
    );

    test('needs a stack: the local system has its secrets already', async () => {
      const { code, stderr } = await setup('{}');

      expect([code, stderr]).toEqual([
        1,
        'afterglow: name the stack with --stack: the local system made its own secrets and properties\n',
      ]);
    });
  });
});

// The IANA's list of links (file "backward"): US/Eastern is America/New_York, Asia/Kolkata and Asia/Calcutta are one zone.
test.each([
  ['US/Eastern', 'America/New_York', true],
  ['Asia/Kolkata', 'Asia/Calcutta', true],
  ['Etc/UTC', 'UTC', true],
  ['Europe/Berlin', 'Europe/Paris', false],
  ['Mars/Base', 'UTC', false],
  ['Mars/Base', 'Mars/Base', true],
])('the time zones %s and %s are the same: %p', (one, other, isSame) => {
  expect(isSameTimeZone(one, other)).toBe(isSame);
});

/** Standard input and what the questions are written to; a terminal unless told otherwise. */
function terminal(isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = new PassThrough();
  let shown = '';
  output.setEncoding('utf8').on('data', (text: string) => (shown += text));
  return { asking: { input, output }, input, shown: () => shown };
}

const QUESTIONS = [
  { name: 'accessToken', title: 'Access token' },
  { name: 'clientSecret', title: 'Client secret' },
  { name: 'signalsSecret', title: 'Signals secret' },
] as const;

/** What is taken of a text on standard input. */
async function taken(text: string) {
  const { asking, input } = terminal(false);
  input.end(text);
  return takeSecrets(QUESTIONS, asking);
}

describe('standard input', () => {
  test('may hold all secrets, some, or none', async () => {
    expect(await taken(JSON.stringify(GIVEN))).toEqual(GIVEN);
    expect(await taken(JSON.stringify({ clientSecret: ` ${CLIENT}\n` }))).toEqual({ clientSecret: CLIENT });
    expect(await taken('{}')).toEqual({});
    expect(await taken('\n')).toEqual({});
  });

  // Standard Webhooks: 24 to 64 random bytes in base64 behind the prefix whsec_.
  test.each([24, 64])('takes a signals secret of %d bytes', async (bytes) => {
    const signalsSecret = `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

    expect(await taken(JSON.stringify({ signalsSecret }))).toEqual({ signalsSecret });
  });

  const OBJECT = 'expected a JSON object with accessToken, clientSecret, signalsSecret';
  test.each([
    ['a line break in a token', { accessToken: 'a\ncanary' }, 'accessToken does not look right'],
    ['a token that is no text', { accessToken: { canary: 1 } }, 'accessToken does not look right'],
    [
      'a signals secret of 23 bytes',
      { signalsSecret: `whsec_${Buffer.from('canary'.padEnd(23)).toString('base64')}` },
      'signalsSecret does not look right: expected whsec_ and 24 to 64 bytes in base64',
    ],
    [
      'a signals secret without prefix',
      { signalsSecret: Buffer.alloc(32).toString('base64') },
      'signalsSecret does not look right',
    ],
    ['a name that is unknown', { ...GIVEN, canary: 'x' }, OBJECT],
    ['an array', ['canary'], OBJECT],
    ['what is no JSON', undefined, OBJECT],
    ['far too much', { accessToken: 'canary'.repeat(20_000) }, OBJECT],
  ])('is refused without being quoted: %s', async (_, content, said) => {
    const text = content === undefined ? '{"canary' : JSON.stringify(content);

    const error: unknown = await taken(text).catch((thrown: unknown) => thrown);

    expect(String(error)).toContain(said);
    expect(String(error)).not.toMatch(CANARY);
  });
});

describe('somebody at a terminal', () => {
  const TWO = QUESTIONS.slice(0, 2);

  test('is asked for each secret, and does not see what they type', async () => {
    const { asking, input, shown } = terminal();

    const answered = takeSecrets(TWO, asking);
    input.write(`${TOKEN}\r`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    input.write(`${CLIENT}\r`);

    expect(await answered).toEqual({ accessToken: TOKEN, clientSecret: CLIENT });
    expect(shown()).toBe('Access token: \nClient secret: \n');
  });

  test('may leave one empty', async () => {
    const { asking, input } = terminal();

    const answered = takeSecrets(TWO, asking);
    input.write('\r');
    await new Promise((resolve) => setTimeout(resolve, 20));
    input.write(`  ${CLIENT} \r`);

    expect(await answered).toEqual({ clientSecret: CLIENT });
  });

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('ends it with %s, and nothing is stored', async (_, key) => {
    const { asking, input } = terminal();

    const answered = takeSecrets(TWO, asking);
    input.write(key);

    await expect(answered).rejects.toThrow('not everything was answered; nothing was stored');
  });

  test.each([
    ['y', true],
    ['Yes', true],
    ['', false],
    ['n', false],
    ['yesterday', false],
  ])('agrees by "%s": %p', async (typed, agrees) => {
    const { asking, input } = terminal();

    const asked = askYes('Set up portal 1?', asking);
    input.write(`${typed}\n`);

    expect(await asked).toBe(agrees);
  });

  test('does not agree by ending the questions', async () => {
    const { asking, input } = terminal();

    const asked = askYes('Set up portal 1?', asking);
    input.end();

    expect(await asked).toBe(false);
  });
});
