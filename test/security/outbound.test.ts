// Whom the doors call: the bundles that deploy, run as on AWS, and every address they ask for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as v from 'valibot';
import { buildSnippet } from '../../cli/snippet.ts';
import { type Door, NodeFunction } from '../../lib/node-function.ts';
import { readSettings } from '../../lib/settings.ts';
import { creditModel } from '../nightly/credited-deals.ts';
import { requestOf, SECRETS } from './doors.ts';

const DOORS: readonly Door[] = ['ingest', 'scorer', 'write-back', 'nightly', 'explain'];
const REGION = 'eu-west-1';
const OF_AWS = (service: string) => `${service}.${REGION}.amazonaws.com`;
const HUBSPOT = 'api.hubapi.com';
const BUCKET = 'reports-of-a-test';

const folder = mkdtempSync(join(tmpdir(), 'afterglow-outbound-'));
const bundles = new Map<Door, string>();

beforeAll(() => {
  const stack = new Stack(new App({ outdir: folder, analyticsReporting: false }), 'Bundles');
  DOORS.forEach(
    (door) =>
      new NodeFunction(stack, door, {
        door,
        description: door,
        timeout: Duration.seconds(1),
        memoryMb: 128,
        environment: {},
        ...(door !== 'ingest' && { model: creditModel(['linear']) }),
      }),
  );
  for (const { Properties } of Object.values(
    Template.fromStack(stack).findResources('AWS::Lambda::Function'),
  ))
    bundles.set(Properties.Description, join(folder, `asset.${basename(Properties.Code.S3Key, '.zip')}`));
});
afterAll(() => rmSync(folder, { recursive: true }));

const textOf = (door: Door) => readFileSync(join(bundles.get(door) ?? '', 'index.js'), 'utf8');

describe('an address that stands in a bundle', () => {
  /** Where the AWS SDK finds a service: names that it fills in with the region; `localhost` for one that is called `local`. */
  const AWS =
    /^(search-)?(secretsmanager|sqs|dynamodb)(-fips)?\.\{Region\}\.(amazonaws\.com(\.cn)?|\{PartitionResult#(dnsSuffix|dualStackDnsSuffix)\})$|^\{(AccountId|ParsedArn_ssa_.*)|^localhost:8000$/;
  /** Ends of what our own code puts together: the gateway's own name is signed for, not called. */
  const OURS: Readonly<Record<Door, readonly RegExp[]>> = {
    ingest: [/^\$\{\w+\.domainName\}$/],
    scorer: [],
    'write-back': [/^api\.hubapi\.com$/],
    nightly: [/^api\.hubapi\.com$/, /^\$\{\w+\}\.s3\.\$\{\w+\}\.amazonaws\.com$/],
    explain: [],
  };
  /** Pages that messages, comments and names of formats point to. */
  const TEXT = ['a.co', 'aws.amazon.com', 'docs.aws.amazon.com', 'github.com', 'example.com', 'www.w3.org'];
  const FORMAT = /^http:\/\/dynamodb\.amazonaws\.com\/doc\//;

  test.each(DOORS)("of %s is one of AWS's services, of HubSpot, or text", (door) => {
    const addresses = textOf(door).match(/https?:\/\/[^"'`\\ )]+/g) ?? [];
    const hosts = addresses
      .filter((address) => !FORMAT.test(address))
      .map((address) => address.replace(/^https?:\/\//, '').split(/(?<!Result)[/#](?![dD])/)[0] ?? '');

    expect(hosts.length).toBeGreaterThan(5);
    const isKnown = (host: string) =>
      TEXT.includes(host) || AWS.test(host) || OURS[door].some((known) => known.test(host));
    expect(hosts.filter((host) => !isKnown(host))).toEqual([]);
    for (const known of OURS[door]) expect(hosts.some((host) => known.test(host))).toBe(true);
  });

  test.each(DOORS)('%s reaches for no more of Node than its clients need', (door) => {
    const modules = [...textOf(door).matchAll(/\b(?:require|import)\("(?:node:)?([\w/]+)"\)/g)].map(
      ([, name]) => name,
    );
    const reaching = [
      'http',
      'http2',
      'https',
      'net',
      'tls',
      'dgram',
      'dns',
      'child_process',
      'vm',
      'cluster',
    ];
    const found = [...new Set(modules)].filter((name = '') => reaching.includes(name.split('/')[0] ?? ''));

    // By plain HTTP nothing is called: the next test says so.
    expect(new Set(found)).toEqual(new Set(['http', 'https']));
    expect(textOf(door)).not.toMatch(/\beval\(|new Function\(|sendBeacon|WebSocket\(/);
  });
});

/**
 * Runs in a process of its own, before the bundle: whatever leaves by HTTPS or `fetch` is written down, and goes to a stand-in for all
 * services by plain HTTP. Nothing is resolved, and no other way out is left.
 */
const PRELOAD = `
const net = require('node:net'), https = require('node:https'), dns = require('node:dns'), http = require('node:http');
const asked = [], port = Number(process.env.STAND_IN_PORT);
const real = net.connect.bind(net), lookup = () => { throw new Error('a name was looked up'); };
dns.lookup = lookup; dns.promises.lookup = lookup;
https.Agent.prototype.createConnection = function (options) {
  asked.push((options.servername || options.host) + ':' + options.port);
  return real({ port, host: '127.0.0.1' });
};
http.Agent.prototype.createConnection = (options) => { asked.push('plain ' + options.host + ':' + options.port); return real({ port, host: '127.0.0.1' }); };
const fetched = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init), url = new URL(request.url);
  asked.push(url.hostname + ':' + (url.port || (url.protocol === 'https:' ? 443 : 'plain')));
  const headers = new Headers(request.headers); headers.set('x-asked', url.host);
  const body = request.body === null ? undefined : await request.text();
  return fetched('http://127.0.0.1:' + port + url.pathname, { method: request.method, headers, body, redirect: request.redirect, signal: request.signal });
};
process.on('message', async (events) => {
  const { handler } = require(process.env.BUNDLE);
  for (const event of events) await handler(event).catch(() => undefined);
  process.send(asked, () => process.exit(0));
});
process.send('ready');
`;

/** What stands in for AWS and HubSpot. @param elsewhere - to where every answer redirects; undefined where each is as it should be */
async function standIn(elsewhere?: string): Promise<{ port: number; seen: string[]; close: () => void }> {
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const target = String(request.headers['x-amz-target'] ?? request.headers['x-asked']);
      seen.push(target);
      const isToRedirect =
        elsewhere !== undefined && !target.startsWith('secretsmanager') && !target.startsWith('Dynamo');
      if (isToRedirect) return response.writeHead(307, { location: elsewhere }).end();
      response.setHeader('content-type', 'application/x-amz-json-1.0');
      return response.end(JSON.stringify(answerOf(target, Buffer.concat(chunks).toString())));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: portOf(server), seen, close: () => void server.close() };
}

function portOf(server: http.Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const Row = v.looseObject({ sk: v.object({ S: v.string() }) });
const Told = v.object({ Key: v.optional(Row), Item: v.optional(Row) });

/** A month is reported only by a portal that credited deals before; and a run goes on where its row says that it is. */
const FIRST_ROWS: Readonly<Record<string, v.InferOutput<typeof Row>>> = {
  reports: { sk: { S: 'reports' }, version: { N: '1' }, state: { M: { since: { S: '2020-01-01' } } } },
  run: {
    sk: { S: 'run' },
    version: { N: '1' },
    state: {
      M: {
        current: {
          M: {
            id: { S: 'run-of-a-test' },
            kind: { S: 'backfill' },
            startedAtMs: { N: String(Date.now()) },
            progressAtMs: { N: String(Date.now()) },
            walks: { L: [] },
            expectedPages: { N: '0' },
            figures: { M: {} },
          },
        },
      },
    },
  },
};

function answerOf(target: string, body: string): object {
  if (target.startsWith('secretsmanager')) {
    const { identityKey: key, ...secrets } = SECRETS;
    return { SecretString: JSON.stringify({ ...secrets, key }) };
  }
  if (!target.startsWith('DynamoDB')) return {};
  const asked = v.parse(Told, JSON.parse(body)).Key?.sk.S ?? '';
  return { Items: [], Count: 0, Responses: {}, Item: FIRST_ROWS[asked] };
}

/** What a door asks for while it is handed these events. @returns host and port of each connection, none twice */
async function askedBy(door: Door, events: readonly object[], port: number): Promise<string[]> {
  const preload = join(folder, 'preload.cjs');
  writeFileSync(preload, PRELOAD);
  const bundle = bundles.get(door) ?? '';
  const queue = (name: string) => `https://sqs.${REGION}.amazonaws.com/000000000000/${name}`;
  const child = spawn(process.execPath, [preload], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {
      STAND_IN_PORT: String(port),
      BUNDLE: join(bundle, 'index.js'),
      LAMBDA_TASK_ROOT: bundle,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_SESSION_TOKEN: 'local session',
      POWERTOOLS_METRICS_NAMESPACE: 'Afterglow',
      PORTAL_ID: '33',
      PUBLIC_URL: '',
      WORKFLOW_V2: 'false',
      SESSION_ORIGINS: '',
      CONTACT_TABLE_NAME: 'contacts',
      IDENTITY_KEY_SECRET_ARN: 'identity',
      WEBHOOK_SECRET_ARN: 'webhook',
      HUBSPOT_TOKEN_SECRET_ARN: 'token',
      TIME_ZONE: 'UTC',
      FACT_RETENTION_DAYS: '400',
      OWN_APP_IDS: '',
      EVENTS_QUEUE_URL: queue('events'),
      CHANGES_QUEUE_URL: queue('changes'),
      BACKGROUND_QUEUE_URL: queue('background'),
      TICKS_QUEUE_URL: queue('ticks'),
      URGENT_QUEUE_URL: '',
      NIGHTLY_QUEUE_URL: queue('nightly'),
      EVENTS_DEAD_LETTER_QUEUE_URL: queue('events-dead'),
      WRITE_BACK_DEAD_LETTER_QUEUE_URL: queue('write-back-dead'),
      HUBSPOT_API_URL: readSettings({ afterglow: { portalId: '33', model: 'm', timeZone: 'UTC' } })
        .hubspotApiUrl,
      HUBSPOT_LIMIT_PER_10_SECONDS: '100',
      HUBSPOT_RESERVE_PER_10_SECONDS: '0',
      HUBSPOT_DAILY_LIMIT: '1000',
      HUBSPOT_DAILY_RESERVE_PERCENT: '0',
      MOST_WRITES_PER_HOUR: '20',
      RECONCILE_DAILY_PERCENT: '2',
      REPORTS_BUCKET_NAME: BUCKET,
    },
  });
  await once(child, 'message');
  child.send(events);
  const asked: unknown[] = await once(child, 'message');
  return [...new Set(v.parse(v.array(v.string()), asked[0]))].toSorted();
}

const record = (body: object) => ({
  messageId: '1',
  body: JSON.stringify(body),
  attributes: { ApproximateReceiveCount: '1', SentTimestamp: '0' },
  eventSourceARN: `arn:aws:sqs:${REGION}:000000000000:changes`,
});

/** What has each door call all that it ever calls. */
const EVENTS: Readonly<Record<Door, () => object[]>> = {
  ingest: () => [requestOf('/webhooks/hubspot', '[]', {}, SECRETS, Date.now())],
  scorer() {
    const occurredAt = Date.now();
    const body = [
      { signal: 'product.login', occurredAt, contactId: '7' },
      { signal: 'product.login', occurredAt, email: 'ann@example.com' },
    ];
    const envelope = { portalId: '33', route: '/signals', receivedAtMs: occurredAt, messageId: 'm' };
    return [
      { Records: [record({ ...envelope, body: Buffer.from(JSON.stringify(body)).toString('base64') })] },
    ];
  },
  'write-back': () => [
    {
      Records: [
        record({ portalId: '33', contactId: '7' }),
        record({ portalId: '33', email: 'ann@example.com' }),
      ],
    },
  ],
  nightly: () => [
    { job: 'nightly' },
    { Records: [record({ job: 'report', portalId: '33', nightMs: Date.now() })] },
    { Records: [record({ job: 'continue', portalId: '33', run: 'run-of-a-test' })] },
  ],
  explain: () => [
    { ...requestOf('/sessions', '', {}, SECRETS, 0), pathParameters: { id: '7' }, headers: {} },
  ],
};

const port443 = (...hosts: string[]) => hosts.map((host) => `${host}:443`).toSorted();
const CALLED: Readonly<Record<Door, string[]>> = {
  ingest: port443(OF_AWS('secretsmanager'), OF_AWS('sqs')),
  scorer: port443(OF_AWS('secretsmanager'), OF_AWS('sqs'), OF_AWS('dynamodb')),
  'write-back': port443(OF_AWS('secretsmanager'), OF_AWS('sqs'), OF_AWS('dynamodb'), HUBSPOT),
  nightly: port443(
    OF_AWS('secretsmanager'),
    OF_AWS('sqs'),
    OF_AWS('dynamodb'),
    `${BUCKET}.s3.${REGION}.amazonaws.com`,
    HUBSPOT,
  ),
  explain: port443(OF_AWS('dynamodb')),
};

test.each(DOORS)(
  '%s as it is deployed calls these and nobody else, encrypted, and looks up no other name',
  async (door) => {
    const { port, close } = await standIn();
    const asked = await askedBy(door, EVENTS[door](), port);
    close();

    expect(asked).toEqual(CALLED[door]);
  },
);

test.each(DOORS)('whoever answers %s with a redirect sends it nowhere, and learns nothing', async (door) => {
  const visits: http.IncomingHttpHeaders[] = [];
  const elsewhere = http.createServer((request, response) => {
    visits.push(request.headers);
    response.end('{}');
  });
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const { port, close } = await standIn(`http://127.0.0.1:${portOf(elsewhere)}/`);

  const asked = await askedBy(door, EVENTS[door](), port);
  close();
  elsewhere.close();

  expect(visits).toEqual([]);
  expect(CALLED[door]).toEqual(expect.arrayContaining(asked));
});

test.each([
  'http://169.254.169.254',
  'http://api.hubapi.com',
  'http://127.0.0.1.example.com',
  'http://localhost.example.com',
  'http://[::ffff:169.254.169.254]',
  'http://2130706433.example.com',
  'https://api.hubapi.com@example.com',
  'https://user:word@api.hubapi.com',
  'https://api.hubapi.com?to=example.com',
  'https://api.hubapi.com#/',
  'file:///etc/passwd',
  'ftp://api.hubapi.com',
  'javascript:alert(1)',
  '//api.hubapi.com',
  'api.hubapi.com',
])('%s cannot be set as the address of HubSpot', (hubspotApiUrl) => {
  const needed = { portalId: '33', model: 'm', timeZone: 'UTC' };

  expect(() => readSettings({ afterglow: { ...needed, hubspotApiUrl } })).toThrow(
    '"hubspotApiUrl" must be like',
  );
});

test('the script that pages carry has one way out, and takes no cookie along', () => {
  const endpoint = 'https://hooks.example.com/sessions';
  const { tag } = buildSnippet({ endpoint, isHubSpotBannerHeard: true, isDoNotTrackHeeded: true });

  expect(tag.match(/https?:\/\/[^"'`\s]+/g)).toEqual([endpoint]);
  expect(tag.match(/\bfetch\(/g)).toHaveLength(1);
  expect(tag).toContain('credentials:"omit"');
  expect(tag).not.toMatch(
    /XMLHttpRequest|sendBeacon|WebSocket|EventSource|\bimport\(|createElement|\.src\b|cookie/,
  );
});
