import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explain, printed, writePicture } from '../../cli/explain.ts';
import { sendEvents } from '../../cli/send.ts';
import type { LocalState, Target } from '../../cli/target.ts';
import type { Known } from '../../lambdas/scoring/facts.ts';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { type Head, NO_HEAD } from '../../lambdas/store/rows.ts';
import { signV3 } from '../../local/hubspot/sign.ts';
import { listenLocally } from '../../local/runner/listen.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const DAY_MS = 86_400_000;
const directory = mkdtempSync(join(tmpdir(), 'afterglow-cli-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function target(parts: Partial<Target>): Omit<Target, 'store'> {
  return {
    portalId: '33',
    ingestUrl: 'http://127.0.0.1:1',
    hubspotUrl: 'http://127.0.0.1:1',
    timeZone: 'UTC',
    clock: () => NOW_MS,
    contacts: { readLiving: async () => undefined },
    portalRow: () => {
      throw new Error('no row is asked for');
    },
    sqs: { send: () => Promise.reject(new Error('SQS is not called')) },
    queues: {},
    budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
    readClientSecret: async () => 'a client secret',
    readToken: async () => 'an access token',
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

function contact(head: Partial<Head>, known: Known): Omit<Target, 'store'> {
  return target({
    contacts: { readLiving: async (key) => ({ key, head: { ...NO_HEAD, revision: 3, ...head }, known }) },
  });
}

const FACTS: Known = {
  properties: [{ name: 'jobtitle', value: 'CTO', occurredAtMs: NOW_MS - 50 * DAY_MS }],
  facts: [
    { key: 'one', name: 'signal:demo.requested', occurredAtMs: NOW_MS - 10 * DAY_MS },
    { key: 'two', name: 'signal:demo.requested', occurredAtMs: NOW_MS - 20 * DAY_MS },
  ],
};

describe('explain', () => {
  test('prints why a contact has its score, as text', async () => {
    const text = printed(await explain(contact({}, FACTS), model(), '7'), false);

    // 40.25 / 2 = 20.125; 40.25 / 4 = 10.0625, rounded 10.063 (halves upwards); together 30.188, cap 30; with fit 20: 50.
    expect(text).toContain('Score 50, grade B: fit 20, engagement 30. HubSpot has not confirmed it yet.');
    expect(text).toContain('20.125  40.250  11 Nov 2026  signal  demo  Asked for a demo');
    expect(text).toContain('10 points from A.');
    expect(text).toContain('The next 60 days if nothing happens: 50 to 20, between 20 and 50');
  });

  test('and as JSON, with as many days ahead as are asked for', async () => {
    const json = JSON.parse(printed(await explain(contact({}, FACTS), model(), '7', '2'), true));

    expect(json).toMatchObject({ contactId: '7', shown: { score: 50 }, sumThousandths: 50_000 });
    expect(json.outlook.days).toHaveLength(3);
  });

  test.each(['0', '391', '-1', '1.5', 'many', ''])('takes no --days of "%s"', async (days) => {
    await expect(explain(contact({}, FACTS), model(), '7', days)).rejects.toThrow(
      `--days: expected a whole number from 1 to 390, found "${days}"`,
    );
  });

  test('writes the graph to a file, or says that it cannot', async () => {
    const explanation = await explain(contact({}, FACTS), model(), '7');
    const file = join(directory, 'score.svg');

    writePicture(file, explanation);

    expect(readFileSync(file, 'utf8')).toMatch(/^<svg [^]*<\/svg>\n$/);
    expect(() => writePicture(join(directory, 'absent', 'score.svg'), explanation)).toThrow(
      /score\.svg cannot be written/,
    );
  });

  test.each([
    ['nothing was heard of it', target({}), 'nothing was heard of contact 7 yet (portal 33)'],
    [
      'it was erased',
      contact({ life: 'erased' }, { properties: [], facts: [] }),
      'contact 7 was erased by a privacy deletion',
    ],
  ])('says so when %s', async (_, where, message) => {
    await expect(explain(where, model(), '7')).rejects.toThrow(message);
  });

  test('says so when what was typed is no record id', async () => {
    await expect(explain(contact({}, FACTS), model(), 'zoe@acme.example')).rejects.toThrow('is no record id');
  });

  test('is about the record that lives, whose id it says', async () => {
    const living = { key: '33#9', head: { ...NO_HEAD, revision: 1 }, known: FACTS };
    const contacts = { readLiving: async (key: string) => (key === '33#7' ? living : undefined) };

    const explanation = await explain(target({ contacts }), model(), '7');

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

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runWith(environment: Readonly<Record<string, string | undefined>>, ...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const file = join(import.meta.dirname, '../../cli/afterglow.ts');
    const env = { ...process.env, ...environment };
    execFile(process.execPath, [file, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function run(...args: string[]): Promise<Ran> {
  return runWith({}, ...args);
}

describe('afterglow', () => {
  test('lists its commands, each with what it is for', async () => {
    const { code, stdout } = await run('--help');

    expect(code).toBe(0);
    for (const command of [
      'provision',
      'send',
      'explain',
      'portal',
      'dead-letters',
      'setup',
      'rotate',
      'hubspot-app',
      'model',
    ])
      expect(stdout).toMatch(new RegExp(`^ {2}${command} .*[a-z]{3}`, 'm'));
  });

  test.each([
    ['provision'],
    ['send'],
    ['explain'],
    ['portal'],
    ['dead-letters'],
    ['dead-letters retry'],
    ['setup'],
    ['rotate'],
    ['hubspot-app build'],
    ['model check'],
    ['model init'],
  ])('%s explains each of its options', async (command) => {
    const { code, stdout } = await run(...command.split(' '), '--help');

    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: afterglow ${command} [options]`);
    const [, options = ''] = stdout.split('Options:\n');
    for (const line of options.split('\n').filter((one) => /^ {2}-/.test(one)))
      expect(line).toMatch(/^ {2}-\S+(?: ?,? ?(?:--\S+|<\S+>))* {2,}\S/);
  });

  test('shows how a command is used when an argument is missing', async () => {
    const { code, stderr } = await run('explain');

    expect(code).toBe(1);
    expect(stderr).toContain("missing required argument 'contact'");
    expect(stderr).toContain('Usage: afterglow explain');
  });

  test('tells what is wrong with a model as compilers do, and ends with 1', async () => {
    const file = join(directory, 'wrong.yaml');
    writeFileSync(
      file,
      readFileSync('models/plg.yaml', 'utf8').replace('horizonDays: 45', 'horizonDays: forty'),
    );
    const problem = { line: 7, path: 'horizonDays', reason: 'found "forty", expected a number' };

    const text = await run('model', 'check', file);
    const json = await run('model', 'check', file, '--json');

    expect(text).toEqual({
      code: 1,
      stdout: '',
      stderr: `${file}:7: horizonDays: found "forty", expected a number\n`,
    });
    expect({ ...json, stdout: JSON.parse(json.stdout) }).toEqual({
      ...text,
      stdout: { file, problems: [problem] },
    });
  });

  test('makes a model, shows what it does, and says what to do next', async () => {
    const file = join(directory, 'made.yaml');

    const { code, stdout } = await run('model', 'init', '--yes', '--from', 'product-led', '--out', file);

    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Wrote ${file}\\.\n\n${file} is a valid model: mine@`));
    expect(stdout).toContain('Five typical contacts over 90 days.');
    expect(stdout).toContain('What to do next:\n  1. ');
  });

  test.each([[[]], [['--from', 'product-led', '--out', join(directory, 'unasked.yaml')]]])(
    'makes no model when there is nobody to ask and %j leaves questions open',
    async (options) => {
      const { code, stderr } = await run('model', 'init', ...options);

      expect(code).toBe(1);
      expect(stderr).toBe(
        'afterglow: there is no terminal to ask on: give --yes to take the usual answer to what no option answers\n',
      );
      expect(existsSync(join(directory, 'unasked.yaml'))).toBe(false);
    },
  );

  test('makes a model with nobody to ask when the options answer everything', async () => {
    const file = join(directory, 'answered.yaml');
    const answers = ['--from', 'sales-led', '--name', 'ours', '--pace', 'fast'];
    const domains = ['--own-domain', 'acme.example', '--competitor', 'rival.example'];

    const { code } = await run('model', 'init', ...answers, ...domains, '--out', file);

    expect(code).toBe(0);
    expect(existsSync(file)).toBe(true);
  });
});

describe('an everyday mistake is told in one line', () => {
  /** No credentials and no region but those that a test gives. */
  const NOTHING = {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_PROFILE: '',
    AWS_REGION: undefined,
    AWS_DEFAULT_REGION: undefined,
    AWS_CONFIG_FILE: join(directory, 'no-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'no-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const SOMEBODY = {
    ...NOTHING,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_MAX_ATTEMPTS: '1',
  };

  test.each([
    ['an older version', { pid: process.pid, portalId: '1' }],
    ['no version at all', 'not an object'],
  ])('a local system of %s', async (_, state) => {
    writeFileSync(join(directory, 'system.json'), JSON.stringify(state));

    const { code, stdout, stderr } = await runWith({ AFTERGLOW_LOCAL_DIR: directory }, 'portal');

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `afterglow: the local system is of another version than this command (${join(directory, 'system.json')}): restart it with \`npm start\`\n`,
    );
  });

  test.each([
    [undefined, 'Region is missing'],
    ['', 'Region not accepted: region="" is not a valid hostname component.'],
  ])('no region: %p', async (AWS_REGION, said) => {
    expect(await runWith({ ...NOTHING, AWS_REGION }, 'portal', '--stack', 'Afterglow')).toEqual({
      code: 1,
      stdout: '',
      stderr: `afterglow: Error: ${said}; set AWS_REGION to the region of the stack\n`,
    });
  });

  test('no credentials', async () => {
    const environment = { ...NOTHING, AWS_REGION: 'eu-central-1' };

    expect(await runWith(environment, 'portal', '--stack', 'Afterglow')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'afterglow: CredentialsProviderError: Could not load credentials from any providers; give this terminal credentials as for the AWS command line, such as AWS_PROFILE\n',
    });
  });

  // What CloudFormation answers (AWS CloudFormation API reference, DescribeStacks and common errors, read 2026-11).
  test.each([
    [
      400,
      'ValidationError',
      'Stack with id Afterglow does not exist',
      'is it deployed in this account and region (AWS_REGION)?',
    ],
    [
      403,
      'AccessDenied',
      'User: arn:aws:iam::123456789012:user/zoe is not authorized to perform: cloudformation:DescribeStacks',
      'docs/deploy.md says what the commands must be allowed to do',
    ],
    [
      403,
      'ExpiredToken',
      'The security token included in the request is expired',
      'give this terminal credentials as for the AWS command line, such as AWS_PROFILE',
    ],
    [400, 'Throttling', 'Rate exceeded', undefined],
  ])('%d %s of AWS', async (status, name, message, hint) => {
    const { code, stdout, stderr } = await answering(
      status,
      `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    );

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^afterglow: ${name}\\w*: .*\n$`));
    expect(stderr).toContain(`: ${message}${hint === undefined ? '\n' : `; ${hint}\n`}`);
  });

  test('a stack of an older version', async () => {
    const values = {
      PortalId: '1',
      HubSpotWebhookUrl: 'https://example.com/webhooks/hubspot',
      HubSpotApiUrl: 'https://example.com',
      TimeZone: 'UTC',
      ContactTableName: 'contacts',
      Queues: '["Events"]',
    };
    const outputs = Object.entries(values).map(
      ([key, value]) =>
        `<member><OutputKey>${key}</OutputKey><OutputValue>${value.replaceAll('"', '&quot;')}</OutputValue></member>`,
    );
    const stack = `<StackName>Afterglow</StackName><Outputs>${outputs.join('')}</Outputs>`;

    const ran = await answering(
      200,
      `<DescribeStacksResponse><DescribeStacksResult><Stacks><member>${stack}</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
    );

    expect(ran).toEqual({
      code: 1,
      stdout: '',
      stderr: 'afterglow: the stack Afterglow is of another version than this command: deploy this version\n',
    });
  });

  test('a local system that does not answer', async () => {
    const state: LocalState = {
      pid: process.pid,
      portalId: '1',
      ingestUrl: 'http://127.0.0.1:1',
      hubspotUrl: 'http://127.0.0.1:1',
      dynamoDbUrl: 'http://127.0.0.1:1',
      tableName: 'contacts',
      sqsUrl: 'http://127.0.0.1:1',
      queues: {},
      budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
      clientSecret: 'secret',
      accessToken: 'token',
      timeZone: 'UTC',
      model: 'models/plg.yaml',
      clockOffsetMs: 0,
    };
    writeFileSync(join(directory, 'system.json'), JSON.stringify(state));

    const { code, stderr } = await runWith({ ...SOMEBODY, AFTERGLOW_LOCAL_DIR: directory }, 'explain', '7');

    expect(code).toBe(1);
    expect(stderr).toBe(
      'afterglow: Error: connect ECONNREFUSED 127.0.0.1:1; the local system does not answer: is it still running? Restart it with `npm start`\n',
    );
  });

  /** What `afterglow portal` makes of an answer of CloudFormation. */
  async function answering(status: number, body: string): Promise<Ran> {
    const server = createServer((_, response) => {
      response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
    });
    const AWS_ENDPOINT_URL = `http://127.0.0.1:${await listenLocally(server)}`;
    return runWith({ ...SOMEBODY, AWS_ENDPOINT_URL }, 'portal', '--stack', 'Afterglow').finally(() =>
      server.close(),
    );
  }
});
