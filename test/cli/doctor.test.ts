// `afterglow doctor`: each check, shown when all is well and when it is not, against the simulated HubSpot.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { checkClocks } from '../../cli/doctor/endpoint.ts';
import { skewOf } from '../../cli/doctor/hubspot.ts';
import type { Check } from '../../cli/doctor/verdict.ts';
import { diagnose, exitCodeOf, formatDiagnosis } from '../../cli/doctor.ts';
import { buildHubSpotApp } from '../../cli/hubspot-app.ts';
import { readModelFile } from '../../cli/model-file.ts';
import { type LocalState, type Target, UsageError } from '../../cli/target.ts';
import { subscriptionsOf } from '../../lambdas/events/subscriptions.ts';
import { FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { signV3 } from '../../local/hubspot/sign.ts';
import type { SimulatorOptions } from '../../local/hubspot/simulator.ts';
import { listenLocally } from '../../local/runner/listen.ts';
import { type Connection, connectProvisioned } from '../hubspot/connection.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { createTable, type Engine, startDynalite, type Table } from '../store/table.ts';

const MODEL = readModelFile(join(import.meta.dirname, '../../models/b2b-saas.yaml'));
const SUBSCRIPTIONS = subscriptionsOf(MODEL);
const BUDGET = { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 };
const directory = mkdtempSync(join(tmpdir(), 'afterglow-doctor-'));
const sqs = mockClient(SQSClient);
const closing: (() => Promise<unknown>)[] = [];
let engine: Engine;
let table: Table;

beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(async () => {
  await engine.stop();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  table = await createTable(engine);
  sqs.reset();
  holdMessages({});
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await closeAll();
});

/** Messages by queue: ready, under way, delayed. */
function holdMessages(held: Readonly<Record<string, readonly [number, number, number]>>): void {
  sqs.on(GetQueueAttributesCommand).callsFake(({ QueueUrl = '' }: { QueueUrl?: string }) => {
    const [ready, underWay, delayed] = held[QueueUrl] ?? [0, 0, 0];
    return {
      Attributes: {
        ApproximateNumberOfMessages: String(ready),
        ApproximateNumberOfMessagesNotVisible: String(underWay),
        ApproximateNumberOfMessagesDelayed: String(delayed),
      },
    };
  });
}

type Answer = (signed: boolean, response: ServerResponse) => void;
const AS_INGEST: Answer = (signed, response) => response.writeHead(signed ? 202 : 401).end('{}');

/** An endpoint that tells rightly signed requests from others. */
async function endpoint(answer: Answer): Promise<string> {
  let url = '';
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const timestamp = String(request.headers['x-hubspot-request-timestamp']);
      const uri = `${url}${request.url}`;
      const right = signV3({ method: 'POST', uri, body, secret: 'a client secret', timestamp });
      answer(request.headers['x-hubspot-signature-v3'] === right && body === '[]', response);
    });
  });
  url = `http://127.0.0.1:${await listenLocally(server)}`;
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return url;
}

const portalRow: Target['portalRow'] = (sk, schema, initial) =>
  new PortalRow(table.client, table.tableName, '33', sk, schema, initial);

/** What differs from a system in which all is well. */
interface Trouble {
  readonly hubSpot?: SimulatorOptions;
  /** What HubSpot's answers say of its limits, in 10 s and a day. The simulated one has none, so that no test waits for it. */
  readonly limits?: readonly [number, number];
  readonly target?: Partial<Target>;
  readonly answer?: Answer;
  /** Rows of the portal by sort key. */
  readonly rows?: Readonly<Record<string, object>>;
  /** The app as it was built; null = it was not. */
  readonly app?: { readonly url?: string; readonly model?: string } | null;
  /** No stack is named, and no app. */
  readonly isLocal?: true;
  readonly afterwards?: (connection: Connection) => unknown;
}

const ALL_HEARD = { heard: Object.fromEntries(SUBSCRIPTIONS.map((name) => [name, '2026-11-09'])) };

async function examine(trouble: Trouble = {}) {
  const connection = await connectProvisioned(
    { portalId: 33, timeZone: 'Europe/Berlin', ...trouble.hubSpot },
    { isOptional: true },
    MODEL,
  );
  await trouble.afterwards?.(connection);
  const { portal } = connection;
  portal.time.nowMs += 60_000; // The calls of provisioning are out of the window.
  const rows = {
    nightly: { finishedNight: '2026-11-10' },
    heard: ALL_HEARD,
    budget: { ...FULL_BUDGET, dailyLimit: 625_000, today: { date: '2026-11-10', calls: 1000 } },
    ...trouble.rows,
  };
  await table.put(Object.entries(rows).map(([sk, state]) => ({ pk: '33#portal', sk, version: 1, state })));
  const ingestUrl = await endpoint(trouble.answer ?? AS_INGEST);
  const appDirectory = mkdtempSync(join(directory, 'app-'));
  const { app = {} } = trouble;
  if (app !== null)
    buildHubSpotApp(app.model === undefined ? MODEL : readModelFile(app.model), {
      url: app.url ?? ingestUrl,
      directory: appDirectory,
      isCheck: false,
    });
  const queues = { Events: { url: 'events', deadLettersUrl: 'eventsDead' } };
  const target = {
    portalId: '33',
    ingestUrl,
    hubspotUrl: portal.url,
    timeZone: 'Europe/Berlin',
    nightlyHour: 2,
    portalRow,
    sqs: new SQSClient({ region: 'local' }),
    queues,
    clock: () => portal.time.nowMs,
    budget: BUDGET,
    readClientSecret: async () => 'a client secret',
    readToken: async () => 'local-access-token',
    send: saying(connection, trouble.limits ?? [190, 625_000]),
    ...trouble.target,
  };
  connection.takeCalls();
  const diagnosis = await diagnose(
    target,
    MODEL,
    trouble.isLocal ? { stack: undefined, appDirectory: undefined } : { stack: 'Glow', appDirectory },
  );
  return { diagnosis, calls: connection.takeCalls() };
}

function saying({ send }: Connection, [max, daily]: readonly [number, number]): Target['send'] {
  return async (request) => {
    const { headers, ...answer } = await send(request);
    const limits = { 'x-hubspot-ratelimit-max': String(max), 'x-hubspot-ratelimit-daily': String(daily) };
    return { ...answer, headers: { ...headers, ...limits } };
  };
}

async function checkIn(trouble: Trouble, name: string): Promise<Check | undefined> {
  const { diagnosis } = await examine(trouble);
  return diagnosis.checks.find((check) => check.name === name);
}

test('where all is well, every check says so, and HubSpot is only asked to read', async () => {
  const { diagnosis, calls } = await examine();

  expect(diagnosis.checks.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(diagnosis.counts).toEqual({ ok: 17, warning: 0, wrong: 0, unknown: 0 });
  // Of the calls one is no GET: it asks what the token may do.
  expect(calls).toEqual([
    'GET /account-info/2026-03/details',
    'POST /oauth/v2/private-apps/get/access-token-info',
    'GET contacts',
    'GET companies',
    'GET deals',
  ]);
});

test('reads as a page for people', async () => {
  const { diagnosis } = await examine({ rows: { nightly: { finishedNight: '2026-11-07' } } });

  const lines = formatDiagnosis(diagnosis).split('\n');

  expect(lines.at(0)).toContain('Nothing is written to HubSpot');
  expect(lines.at(0)).toContain('counts as one RefusedSignature');
  expect(lines).toEqual(
    expect.arrayContaining([
      'ok       token         HubSpot takes it, as that of the app 50780459',
      'ok       limits        190 calls in 10 s, 625000 a day (Professional)',
      'wrong    last night    the last that was finished is 2026-11-07: 3 missed',
      expect.stringMatching(/^ {23}-> see "Night not finished" in docs\/runbook\.md/),
      '1 wrong, 0 to look at, 0 unknown, 16 ok.',
    ]),
  );
});

/** Two minutes after the checks. */
const SOON_MS = Date.UTC(2026, 10, 10, 12, 3);
const SOMEBODY_ELSES = async () => 'not the token';
const withoutDays = (...names: string[]) => ({
  heard: {
    heard: Object.fromEntries(Object.entries(ALL_HEARD.heard).filter(([name]) => !names.includes(name))),
  },
});
const since = (day: string, ...missing: string[]) => {
  const { heard } = withoutDays(...missing).heard;
  return { heard: { heard: { ...heard, 'contact.deletion': day } } };
};

// NOON_MS of the portal: 10 November 2026, 12:00 UTC.
test.each<{
  name: string;
  because: string;
  trouble: Trouble;
  is: Partial<Check> | { [Key in keyof Check]?: unknown };
}>([
  {
    name: 'token',
    because: 'nobody filled it in',
    trouble: {
      target: { readToken: () => Promise.reject(new UsageError('the secret has no accessToken yet')) },
    },
    is: { state: 'wrong', todo: 'run `npm run afterglow -- setup --stack Glow`' },
  },
  {
    name: 'token',
    because: 'we may not read the secret',
    trouble: { target: { readToken: () => Promise.reject(new Error('AccessDenied')) } },
    is: { state: 'unknown', found: 'the secret cannot be read: AccessDenied' },
  },
  {
    name: 'portal',
    because: 'the token is of another portal',
    trouble: { target: { portalId: '34' } },
    is: {
      state: 'wrong',
      found: 'the token is of portal 33, the setting portalId is 34',
      todo: 'take the token of the app in portal 34, or set portalId to 33 in cdk.json (context.afterglow), and deploy',
    },
  },
  {
    name: 'scopes',
    because: 'one is missing',
    trouble: { hubSpot: { scopes: allScopesBut('crm.objects.companies.write') } },
    is: {
      state: 'wrong',
      found: 'missing: crm.objects.companies.write',
      todo: 'run `npm run afterglow -- hubspot-app build --stack Glow`, upload the app, and approve its scopes in HubSpot',
    },
  },
  {
    name: 'scopes',
    because: 'HubSpot does not tell, and refuses a reading',
    trouble: {
      target: { readToken: SOMEBODY_ELSES },
      hubSpot: { scopes: allScopesBut('crm.objects.deals.read') },
    },
    is: { state: 'wrong', found: 'refused: crm.objects.deals.read' },
  },
  {
    name: 'scopes',
    because: 'HubSpot does not tell, and refuses no reading',
    trouble: { target: { readToken: SOMEBODY_ELSES } },
    is: {
      state: 'unknown',
      found: expect.stringMatching(/does not tell .* \(404 .*whether writing is cannot be tried/),
    },
  },
  {
    name: 'time zone',
    because: 'the setting is another',
    trouble: { target: { timeZone: 'UTC' } },
    is: {
      state: 'warning',
      todo: 'set timeZone to Europe/Berlin in cdk.json (context.afterglow), and deploy',
    },
  },
  {
    name: 'time zone',
    because: 'the setting is an older name of the same',
    trouble: { hubSpot: { timeZone: 'US/Eastern' }, target: { timeZone: 'America/New_York' } },
    is: { state: 'ok', found: 'US/Eastern' },
  },
  {
    name: 'limits',
    because: 'the portal is of a lower tier than the settings',
    trouble: { limits: [100, 250_000] },
    is: {
      state: 'warning',
      found: expect.stringContaining('100 calls in 10 s, 250000 a day (Free or Starter)'),
      todo: 'set hubspotLimitPer10Seconds to 100 in cdk.json (context.afterglow), and deploy',
    },
  },
  {
    name: 'limits',
    because: 'the day is shorter than the settings',
    trouble: { target: { budget: { ...BUDGET, dailyLimit: 1_000_000 } } },
    is: {
      state: 'warning',
      todo: 'set hubspotDailyLimit to 625000 in cdk.json (context.afterglow), and deploy',
    },
  },
  {
    name: 'limits',
    because: 'all calls are left to others',
    trouble: {
      limits: [100, 250_000],
      target: { budget: { ...BUDGET, reserve: 100 } },
    },
    is: {
      state: 'wrong',
      todo: 'set hubspotReservePer10Seconds to 10 in cdk.json (context.afterglow), and deploy',
    },
  },
  {
    name: 'properties',
    because: 'one was archived',
    trouble: {
      afterwards: ({ portal }) =>
        portal.call('DELETE', '/crm/properties/2026-03/companies/afterglow_company_score'),
    },
    is: {
      state: 'wrong',
      found: 'missing: afterglow_company_score',
      todo: 'run `npm run afterglow -- provision --stack Glow`',
    },
  },
  {
    name: 'properties',
    because: 'one is of another type',
    trouble: { afterwards: defineScore({ type: 'string', fieldType: 'text' }) },
    is: {
      state: 'wrong',
      found: 'afterglow_score is of the type string, not number',
      todo: expect.stringMatching(/^rename or archive afterglow_score in HubSpot, .*provision/),
    },
  },
  {
    name: 'properties',
    because: 'one is read-only',
    trouble: { afterwards: defineScore({ type: 'number', fieldType: 'number', readOnlyValue: true }) },
    is: { state: 'wrong', found: 'afterglow_score is read-only' },
  },
  {
    name: 'properties',
    because: 'the token may not read them',
    trouble: {
      hubSpot: {
        faults: ({ path }) =>
          path.endsWith('/properties/2026-03/companies') ? { kind: 'answer', status: 403 } : undefined,
      },
    },
    is: { state: 'unknown', found: '403 MISSING_SCOPES' },
  },
  {
    name: 'app',
    because: 'none was built',
    trouble: { app: null },
    is: {
      state: 'unknown',
      todo: 'run `npm run afterglow -- hubspot-app build --stack Glow` where the app is kept',
    },
  },
  {
    name: 'app',
    because: 'it posts elsewhere',
    trouble: { app: { url: 'https://elsewhere.example.com' } },
    is: {
      state: 'wrong',
      found: expect.stringMatching(
        /^HubSpot is to post to https:\/\/elsewhere\.example\.com\/webhooks\/hubspot, the endpoint is http:\/\/127/,
      ),
    },
  },
  {
    name: 'app',
    because: 'it was built for another model',
    trouble: { app: { model: join(import.meta.dirname, '../../models/plg.yaml') } },
    is: { state: 'wrong', found: expect.stringContaining('lacks the s') },
  },
  {
    name: 'arrivals',
    because: 'nothing ever came',
    trouble: { rows: { heard: { heard: {} } } },
    is: { state: 'warning', found: 'no webhook event has come yet' },
  },
  {
    name: 'arrivals',
    because: 'of one nothing came, but we listen for a day only',
    trouble: { rows: withoutDays('contact.propertyChange:jobtitle') },
    is: {
      state: 'ok',
      found: `${SUBSCRIPTIONS.length - 1} of ${SUBSCRIPTIONS.length} subscriptions brought events, the last on 2026-11-09; none yet of contact.propertyChange:jobtitle (suspicious after 14 days)`,
    },
  },
  {
    name: 'arrivals',
    because: 'of one nothing came for 13 days',
    trouble: { rows: since('2026-10-28', 'contact.propertyChange:jobtitle') },
    is: { state: 'ok' },
  },
  {
    name: 'arrivals',
    because: 'of one nothing came for 14 days: a hint, no error',
    trouble: { rows: since('2026-10-27', 'contact.propertyChange:jobtitle') },
    is: {
      state: 'warning',
      found: expect.stringContaining('in 14 days none of contact.propertyChange:jobtitle'),
      todo: 'change jobtitle of a contact in HubSpot by hand, wait 10 minutes, and look again',
    },
  },
  {
    name: 'arrivals',
    because: 'of what is rare nothing came for weeks',
    trouble: {
      rows: {
        heard: {
          heard: Object.fromEntries(
            SUBSCRIPTIONS.filter((name) => !/merge|restore|Deletion/.test(name)).map((name) => [
              name,
              name === 'contact.deletion' ? '2026-09-01' : '2026-11-07',
            ]),
          ),
        },
      },
    },
    is: {
      state: 'ok',
      found: expect.stringMatching(/; none of contact\.restore, contact\.merge, .*, which are rare$/),
    },
  },
  {
    name: 'arrivals',
    because: 'all of them brought something, and nothing for 4 days',
    trouble: {
      rows: { heard: { heard: Object.fromEntries(SUBSCRIPTIONS.map((name) => [name, '2026-11-06'])) } },
    },
    is: {
      state: 'warning',
      found: `${SUBSCRIPTIONS.length} of ${SUBSCRIPTIONS.length} subscriptions brought events, the last on 2026-11-06: nothing for 4 days`,
      todo: expect.stringMatching(/client secret .* Auth tab .*rotate client-secret --stack Glow.* webhooks/),
    },
  },
  {
    name: 'arrivals',
    because: 'nothing came for 3 days, as over a weekend',
    trouble: {
      rows: { heard: { heard: Object.fromEntries(SUBSCRIPTIONS.map((name) => [name, '2026-11-07'])) } },
    },
    is: { state: 'ok' },
  },
  {
    name: 'endpoint',
    because: 'nobody filled in the secret',
    trouble: {
      target: {
        readClientSecret: () => Promise.reject(new UsageError('the secret has no clientSecret yet')),
      },
    },
    is: { state: 'wrong', todo: 'run `npm run afterglow -- setup --stack Glow`' },
  },
  {
    name: 'endpoint',
    because: 'nobody answers',
    trouble: { answer: (_, response) => response.destroy() },
    is: { state: 'wrong', found: expect.stringContaining('does not answer') },
  },
  {
    name: 'endpoint',
    because: 'it takes the secret for another',
    trouble: { target: { readClientSecret: async () => 'another secret' } },
    is: { state: 'wrong', found: 'a signed request is answered with 401' },
  },
  ...[
    [429, 'warning'],
    [503, 'wrong'],
    [500, 'wrong'],
  ].map(([status = 0, state = '']) => ({
    name: 'endpoint',
    because: `it answers ${status}`,
    trouble: { answer: ((_, response) => response.writeHead(Number(status)).end()) satisfies Answer },
    is: { state, found: `a signed request is answered with ${status}` },
  })),
  {
    name: 'forgery',
    because: 'a wrong signature is taken',
    trouble: { answer: (_, response) => response.writeHead(202).end() },
    is: { state: 'wrong', found: 'a wrongly signed request is answered with 202, not 401' },
  },
  {
    name: 'forgery',
    because: 'the answer is no answer to the question',
    trouble: { answer: (_, response) => response.writeHead(503).end() },
    is: { state: 'unknown' },
  },
  {
    name: 'clocks',
    because: "AWS's differs from this machine's and HubSpot's",
    trouble: {
      answer: (signed, response) =>
        response.writeHead(signed ? 202 : 401, { date: new Date(Date.now() - 120_000).toUTCString() }).end(),
    },
    is: {
      state: 'wrong',
      found: expect.stringMatching(/^the clock of HubSpot is (119|120|121) s ahead of AWS's/),
    },
  },
  {
    name: 'stop',
    because: 'the token was refused',
    trouble: {
      rows: {
        budget: {
          ...FULL_BUDGET,
          stop: { reason: 'unauthorised', sinceMs: 1, untilMs: SOON_MS, refusedCall: 'GET /x' },
        },
      },
    },
    is: {
      state: 'wrong',
      found:
        'HubSpot refused the token, or it lacks a scope (GET /x); tried again after 2026-11-10T12:03:00.000Z',
    },
  },
  {
    name: 'stop',
    because: 'the token was refused, and may be tried again',
    trouble: {
      rows: { budget: { ...FULL_BUDGET, stop: { reason: 'unauthorised', sinceMs: 1, untilMs: 2 } } },
    },
    is: { state: 'ok', found: 'over since 1970-01-01T00:00:00.002Z; the next call tries' },
  },
  {
    name: 'stop',
    because: 'one kind of call was refused, and may be tried again',
    trouble: {
      rows: {
        budget: {
          ...FULL_BUDGET,
          stop: { reason: 'unauthorised', sinceMs: 1, untilMs: 2, refusedCall: 'GET /x' },
        },
      },
    },
    is: {
      state: 'warning',
      found:
        'HubSpot refused the token, or it lacks a scope (GET /x); over since 1970-01-01T00:00:00.002Z; the next call tries',
    },
  },
  {
    name: 'stop',
    because: "the day's calls are used up",
    trouble: {
      rows: {
        budget: {
          ...FULL_BUDGET,
          stop: { reason: 'daily', sinceMs: 1, untilMs: Date.UTC(2026, 10, 10, 23) },
        },
      },
    },
    is: { state: 'warning', found: "the day's calls are used up, until 2026-11-10T23:00:00.000Z" },
  },
  {
    name: 'stop',
    because: 'it is over',
    trouble: { rows: { budget: { ...FULL_BUDGET, stop: { reason: 'daily', sinceMs: 1, untilMs: 2 } } } },
    is: { state: 'ok', found: 'over since 1970-01-01T00:00:00.002Z; the next call tries' },
  },
  {
    name: 'budget',
    because: 'four fifths of the day are used up',
    trouble: {
      rows: { budget: { ...FULL_BUDGET, dailyLimit: 1000, today: { date: '2026-11-10', calls: 800 } } },
    },
    is: { state: 'warning', found: '800 of 1000 calls today (80 %)' },
  },
  {
    name: 'budget',
    because: 'the calls are those of yesterday',
    trouble: {
      rows: { budget: { ...FULL_BUDGET, dailyLimit: 1000, today: { date: '2026-11-09', calls: 800 } } },
    },
    is: { state: 'ok', found: '0 of 1000 calls today (0 %)' },
  },
  {
    name: 'budget',
    because: 'a 429 slowed us down',
    trouble: { rows: { budget: { ...FULL_BUDGET, dailyLimit: 1000, share: 0.5 } } },
    is: {
      state: 'warning',
      found: '0 of 1000 calls today (0 %); at 50 % of the rate after a 429, which rises again by itself',
    },
  },
  {
    name: 'last night',
    because: 'none has been yet',
    trouble: { rows: { nightly: {}, ...since('2026-11-08') } },
    is: { state: 'warning' },
  },
  {
    name: 'last night',
    because: 'none has ever been, although events came days ago',
    trouble: { rows: { nightly: {}, ...since('2026-11-07') } },
    is: { state: 'wrong', found: 'none was ever finished, and events have come for days: 3 missed' },
  },
  {
    name: 'last night',
    because: 'none has ever been, and nobody knows of a schedule',
    trouble: { rows: { nightly: {}, ...since('2026-11-07') }, target: { nightlyHour: undefined } },
    is: { state: 'warning' },
  },
  // 12:01 UTC is 13:01 in Berlin: the run of 11 has had its two hours, that of 12 has not.
  {
    name: 'last night',
    because: "this day's may still come",
    trouble: { rows: { nightly: { finishedNight: '2026-11-09' } }, target: { nightlyHour: 12 } },
    is: { state: 'ok', found: '2026-11-09 is finished' },
  },
  {
    name: 'last night',
    because: "this day's failed",
    trouble: { rows: { nightly: { finishedNight: '2026-11-09' } }, target: { nightlyHour: 11 } },
    is: { state: 'wrong', found: 'the last that was finished is 2026-11-09: 1 missed' },
  },
  {
    name: 'last night',
    because: 'at 23 the run of yesterday is the last that has had its two hours',
    trouble: { rows: { nightly: { finishedNight: '2026-11-08' } }, target: { nightlyHour: 23 } },
    is: { state: 'wrong', found: 'the last that was finished is 2026-11-08: 1 missed' },
  },
  {
    name: 'last night',
    because: 'where no schedule is known, yesterday counts',
    trouble: { rows: { nightly: { finishedNight: '2026-11-08' } }, target: { nightlyHour: undefined } },
    is: { state: 'wrong', found: 'the last that was finished is 2026-11-08: 1 missed' },
  },
  {
    name: 'run',
    because: 'one came a page further within the hour',
    trouble: { rows: { run: { current: runLastSeen('2026-11-10T11:05:00Z') } } },
    is: { state: 'ok', found: 'backfill: 3 of 9 pages, 0 contacts, 10 min left' },
  },
  {
    name: 'run',
    because: 'one came no page further for an hour',
    trouble: { rows: { run: { current: runLastSeen('2026-11-10T10:55:00Z') } } },
    is: {
      state: 'wrong',
      found: 'backfill: 3 of 9 pages, 0 contacts, 10 min left; stands still since 2026-11-10T10:55:00.000Z',
      todo: expect.stringContaining('run `npm run afterglow -- backfill --stack Glow`'),
    },
  },
])('$name: $because', async ({ name, trouble, is }) => {
  expect(await checkIn(trouble, name)).toMatchObject({ name, ...is });
});

/** A backfill that took 5 minutes to a third of its pages, and was then last heard of. */
function runLastSeen(at: string) {
  const progressAtMs = Date.parse(at);
  return {
    id: 'run-1',
    kind: 'backfill',
    startedAtMs: progressAtMs - 300_000,
    progressAtMs,
    walks: [],
    expectedPages: 9,
    figures: { pages: 3 },
  };
}

function allScopesBut(missing: string): string[] {
  const types = ['contacts', 'companies', 'deals'];
  return types
    .flatMap((type) => [
      `crm.objects.${type}.read`,
      `crm.objects.${type}.write`,
      `crm.schemas.${type}.read`,
      `crm.schemas.${type}.write`,
    ])
    .filter((scope) => scope !== missing);
}

function defineScore(parts: { type: string; fieldType: string; readOnlyValue?: boolean }) {
  return ({ portal }: Connection) =>
    portal.crm.defineProperty('contacts', { name: 'afterglow_score', groupName: 'afterglow', ...parts });
}

describe('queues', () => {
  test('say what waits, and what is to come later', async () => {
    holdMessages({ events: [10, 2, 3] });

    expect(await checkIn({}, 'queues')).toEqual({
      name: 'queues',
      state: 'ok',
      found: 'Events 12 + 3 later',
    });
  });

  test('of more than 10,000 messages are to be looked at', async () => {
    holdMessages({ events: [10_001, 0, 0] });

    expect(await checkIn({}, 'queues')).toMatchObject({ state: 'warning', found: 'Events 10001' });
  });

  test('with dead letters are wrong', async () => {
    holdMessages({ eventsDead: [2, 1, 0] });

    expect(await checkIn({}, 'dead letters')).toMatchObject({
      state: 'wrong',
      found: 'Events 3',
      todo: expect.stringMatching(/^run `npm run afterglow -- dead-letters --stack Glow`/),
    });
  });
});

test('that HubSpot does not tell of a token stops nobody, and is no reason to doubt the rest', async () => {
  const { diagnosis } = await examine({
    hubSpot: {
      faults: ({ path }) => (path.startsWith('/oauth/') ? { kind: 'answer', status: 401 } : undefined),
    },
  });

  const others = diagnosis.checks.filter(({ state }) => state !== 'ok');
  expect(others).toMatchObject([{ name: 'scopes', state: 'unknown' }]);
  expect(exitCodeOf(diagnosis)).toBe(0);
});

test.each<[string, Trouble, number]>([
  ['all is well', {}, 0],
  ['something is wrong', { rows: { nightly: { finishedNight: '2026-11-01' } } }, 1],
  ['something is to be looked at', { target: { timeZone: 'UTC' } }, 0],
  ['the app is kept elsewhere', { app: null }, 0],
  ['HubSpot does not answer', { target: { hubspotUrl: 'http://127.0.0.1:1' } }, 2],
  [
    'the secret of the endpoint cannot be read',
    { target: { readClientSecret: () => Promise.reject(new Error('AccessDenied')) } },
    2,
  ],
])('what the command ends with where %s', async (_, trouble, code) => {
  const { diagnosis } = await examine(trouble);

  expect(exitCodeOf(diagnosis)).toBe(code);
});

test('as a command, it ends with 2 and says why where HubSpot does not answer', async () => {
  const localDirectory = mkdtempSync(join(directory, 'local-'));
  const state: LocalState = {
    pid: process.pid,
    portalId: '33',
    ingestUrl: await endpoint(AS_INGEST),
    hubspotUrl: 'http://127.0.0.1:1',
    dynamoDbUrl: engine.url,
    tableName: table.tableName,
    sqsUrl: 'http://127.0.0.1:1',
    queues: {},
    budget: BUDGET,
    clientSecret: 'a client secret',
    accessToken: 'local-access-token',
    timeZone: 'Europe/Berlin',
    model: 'models/b2b-saas.yaml',
    clockOffsetMs: 0,
  };
  writeFileSync(join(localDirectory, 'system.json'), JSON.stringify(state));
  const env = { ...process.env, AFTERGLOW_LOCAL_DIR: localDirectory };

  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    execFile(
      process.execPath,
      [join(import.meta.dirname, '../../cli/afterglow.ts'), 'doctor'],
      { env },
      (error, out) => resolve({ code: error?.code, stdout: out }),
    );
  });

  expect(code).toBe(2);
  expect(stdout).toContain('unknown  token         no answer');
  expect(stdout).toContain('0 wrong');
});

test('the local system needs no app', async () => {
  const { diagnosis } = await examine({ isLocal: true });

  expect(diagnosis.checks.find(({ name }) => name === 'app')).toEqual({
    name: 'app',
    state: 'ok',
    found: 'the local system needs none',
  });
});

test('a check that fails keeps no other from being made', async () => {
  sqs.on(GetQueueAttributesCommand).rejects(new Error('AccessDenied'));

  const { diagnosis } = await examine();

  expect(diagnosis.checks.filter(({ state }) => state !== 'ok')).toEqual([
    { name: 'queues', state: 'unknown', found: 'AccessDenied' },
    { name: 'dead letters', state: 'unknown', found: 'AccessDenied' },
  ]);
});

test('a token that HubSpot refuses is wrong; what only HubSpot could tell is unknown, all else is told', async () => {
  const refused = {
    kind: 'answer',
    status: 401,
  } as const;
  const { diagnosis } = await examine({ hubSpot: { faults: () => refused } });

  const states = Object.fromEntries(diagnosis.checks.map(({ name, state }) => [name, state]));
  expect(states).toEqual({
    token: 'wrong',
    portal: 'unknown',
    scopes: 'unknown',
    'time zone': 'unknown',
    limits: 'unknown',
    properties: 'unknown',
    app: 'ok',
    arrivals: 'ok',
    endpoint: 'ok',
    forgery: 'ok',
    clocks: 'unknown',
    queues: 'ok',
    'dead letters': 'ok',
    stop: 'ok',
    budget: 'ok',
    'last night': 'ok',
    run: 'ok',
  });
  expect(diagnosis.checks[0]?.todo).toContain('npm run afterglow -- rotate token --stack Glow');
});

// Signatures more than 5 minutes old, or more than 1 minute ahead, are refused (SECURITY of ingest, HubSpot's "Validating requests").
test.each([
  ['they agree', 0, 0, 'ok', "HubSpot's, AWS's and this machine's agree within 10 s"],
  ['a network is slow', 9_000, -0, 'ok', "HubSpot's, AWS's and this machine's agree within 10 s"],
  ["HubSpot's is 11 s ahead", 11_000, 0, 'warning', "the clock of HubSpot is 11 s ahead of AWS's"],
  [
    "HubSpot's is 61 s ahead",
    61_000,
    0,
    'wrong',
    "the clock of HubSpot is 61 s ahead of AWS's: what it signs is refused",
  ],
  ["HubSpot's is 299 s behind", -299_000, 0, 'warning', "the clock of HubSpot is 299 s behind AWS's"],
  [
    "HubSpot's is 301 s behind",
    -301_000,
    0,
    'wrong',
    "the clock of HubSpot is 301 s behind AWS's: what it signs is refused",
  ],
  [
    "this machine's is 20 s ahead of both",
    -20_000,
    -20_000,
    'warning',
    "the clock of this machine is 20 s ahead of AWS's",
  ],
  [
    "this machine's is 400 s behind both",
    400_000,
    400_000,
    'wrong',
    "the clock of this machine is 400 s behind AWS's: what it signs is refused",
  ],
  ['AWS did not tell', 0, undefined, 'unknown', 'the endpoint did not tell its time'],
  ['HubSpot did not tell', undefined, 0, 'unknown', 'HubSpot did not tell its time'],
  [
    'HubSpot did not tell, and this machine is off',
    undefined,
    30_000,
    'warning',
    "the clock of this machine is 30 s behind AWS's",
  ],
])('clocks: %s', (_, hubSpot, aws, state, found) => {
  expect(checkClocks(hubSpot, aws)).toMatchObject({ state, found });
});

test('the clock of a header is compared with the middle of the call', () => {
  // Sent at 12:00:00.0, answered at 12:00:02.0: the middle is 12:00:01.0; a header of :01 means somewhere from :01.0 to :01.999.
  const noonMs = Date.UTC(2026, 10, 10, 12);

  expect(skewOf('Tue, 10 Nov 2026 12:00:01 GMT', noonMs, noonMs + 2000)).toBe(500);
  expect(skewOf('Tue, 10 Nov 2026 11:58:00 GMT', noonMs, noonMs)).toBe(-119_500);
  expect(skewOf(undefined, noonMs, noonMs)).toBeUndefined();
  expect(skewOf('soon', noonMs, noonMs)).toBeUndefined();
});
