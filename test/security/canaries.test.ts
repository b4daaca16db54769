// Names, addresses, numbers, pages, tokens and secrets that stand nowhere else are pushed through every door and every failure. Whatever
// the doors write, count, answer and give as a reason is then searched for them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { inspect } from 'node:util';
import * as v from 'valibot';
import { importFacts } from '../../cli/import.ts';
import { readSources } from '../../cli/model-file.ts';
import { takeSecrets } from '../../cli/secret-input.ts';
import { sendEvents } from '../../cli/send.ts';
import type { Fault } from '../../local/hubspot/faults.ts';
import { dataTarget, QUIET } from '../cli/data.ts';
import { closeAll } from '../local/hubspot/portal.ts';
import { nightModel } from '../nightly/system.ts';
import {
  type Command,
  createTable,
  type Engine,
  startDynalite,
  type Table,
  watched,
} from '../store/table.ts';
import {
  type Doors,
  type DoorsOptions,
  ORIGIN,
  openDoors,
  type Posted,
  QUEUES,
  requestOf,
  type Secrets,
} from './doors.ts';

const { jest } = import.meta;

const anyValue = (property: string) => ({
  id: property.replace('.', '-'),
  title: property,
  property,
  known: true,
  points: 1,
});
/** A model for which HubSpot is asked for all that a person could be known by. */
const MODEL = nightModel(
  {
    fit: { rules: ['firstname', 'lastname', 'phone', 'email', 'jobtitle', 'company.name'].map(anyValue) },
    attribution: { windowDays: 90, models: ['linear'], halfLifeDays: 7 },
  },
  readSources('models/sources.yaml'),
);

let engine: Engine;
const before = process.env;
beforeAll(async () => {
  process.env = Object.assign(
    { ...before },
    { POWERTOOLS_METRICS_NAMESPACE: 'Afterglow', POWERTOOLS_SERVICE_NAME: 'all' },
  );
  engine = await startDynalite();
});
afterEach(closeAll);
afterAll(async () => {
  process.env = before;
  await engine.stop();
});

/** Every canary has this in it, and letters of its own. */
const MARK = 'qzcanary';

/** Canaries by what they are, and what was seen of them on their way in and out. */
class Cage {
  readonly #bred = new Map<string, string>();
  readonly #in: string[] = [];
  readonly #out: string[] = [];

  /** One that was never seen before. */
  breed(kind: string): string {
    const canary = `${MARK}${kind.replaceAll(/[^a-z]/g, '')}`;
    if (this.#bred.has(kind)) throw new Error(`there is one of ${kind} already`);
    this.#bred.set(kind, canary);
    return canary;
  }

  /** What came into a door. */
  pushed(text: string): void {
    this.#in.push(text);
  }

  /** What came out of it where somebody may look. */
  shown(...things: unknown[]): void {
    this.#out.push(
      ...things.map((thing) => (typeof thing === 'string' ? thing : inspect(thing, { depth: 12 }))),
    );
  }

  get output(): string {
    return this.#out.join('\n');
  }

  /** Kinds of those that no door was ever given. */
  neverPushed(): string[] {
    const all = this.#in.join('\n').toLowerCase();
    return [...this.#bred].filter(([, canary]) => !all.includes(canary)).map(([kind]) => kind);
  }

  /** What came out with one of them in it: as it is, or inside of base64. */
  escaped(): string[] {
    return this.#out
      .flatMap((text) => text.split('\n'))
      .filter((line) => hasCanary(line))
      .map((line) => line.slice(0, 2_000));
  }
}

function hasCanary(line: string): boolean {
  const encoded = line.match(/[\w+/-]{16,}={0,2}/g) ?? [];
  return [line, ...encoded.map((text) => Buffer.from(text, 'base64').toString('latin1'))].some((text) =>
    text.toLowerCase().includes(MARK),
  );
}

/** What the real logger and the real metrics write while something is done. */
async function written(act: () => Promise<void>): Promise<string> {
  const lines: string[] = [];
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation((text) => lines.push(String(text)) > 0),
  );
  const { error } = console;
  console.error = (...things: unknown[]) => void lines.push(inspect(things, { depth: 12 }));
  try {
    await act();
  } finally {
    console.error = error;
    for (const spy of spies) spy.mockRestore();
  }
  return lines.join('\n');
}

const Letter = v.looseObject({ reason: v.string() });

interface Aviary {
  readonly cage: Cage;
  readonly doors: Doors;
  readonly table: Table;
  readonly secrets: Secrets;
  /** Posts to a route, and looks at the answer. */
  readonly post: (route: Parameters<Doors['post']>[0], body: unknown, more?: Posted) => Promise<number>;
  failing: ((command: Command) => Error | undefined) | undefined;
  sqsFailing: Error | undefined;
  hubSpotFailing: Fault | undefined;
}

async function open(cage: Cage): Promise<Aviary> {
  const table = await createTable(engine);
  const secrets: Secrets = {
    clientSecret: cage.breed('client secret'),
    signalsSecret: `whsec_${Buffer.from(cage.breed('signals secret')).toString('base64')}`,
    accessToken: cage.breed('token'),
    identityKey: cage.breed('identity key'),
  };
  const client = watched(table.client, async (command, go) => {
    cage.pushed(JSON.stringify(command.input));
    const error = aviary.failing?.(command);
    if (error !== undefined) throw error;
    return go();
  });
  const options: DoorsOptions = {
    table,
    client,
    secrets,
    model: MODEL,
    simulator: {
      faults: () => aviary.hubSpotFailing,
      onExchange: (exchange) => cage.pushed(JSON.stringify(exchange)),
    },
    onSend(_queue, body) {
      cage.pushed(body);
      if (aviary.sqsFailing !== undefined) throw aviary.sqsFailing;
    },
    onSecret(text) {
      cage.pushed(text);
      cage.pushed(Buffer.from(secrets.signalsSecret.slice(6), 'base64').toString());
    },
  };
  const doors = await openDoors(options);
  const aviary: Aviary = {
    cage,
    doors,
    table,
    secrets,
    failing: undefined,
    sqsFailing: undefined,
    hubSpotFailing: undefined,
    async post(route, body, more = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      cage.pushed(JSON.stringify([text, more]));
      const answer = await doors.post(route, text, more);
      cage.shown(answer);
      return typeof answer === 'string' ? 0 : (answer.statusCode ?? 0);
    },
  };
  return aviary;
}

/** A fault of DynamoDB's, or of a client's, that says more than it should: in its words, in its fields, and in what caused it. */
function talkative(cage: Cage, kind: string): Error {
  const cause = new SyntaxError(`Unexpected token in "${cage.breed(`${kind} cause`)}"`);
  const error = new Error(
    `The parameter cannot be converted to a numeric value: ${cage.breed(`${kind} words`)}`,
    { cause },
  );
  return Object.assign(error, {
    name: 'ValidationException',
    $metadata: { httpStatusCode: 400, requestId: 'request-1' },
    Item: { email: { S: cage.breed(`${kind} item`) } },
    input: cage.breed(`${kind} input`),
  });
}

const JSON_OF_NOBODY = 'a body that is not JSON: ';
const visitor = (letter: string) => letter.repeat(22);

/** Somebody of whom everything is a canary, in HubSpot and in what is heard of them. */
async function meetSomebody({ cage, doors, post }: Aviary): Promise<string> {
  const { crm, time } = doors.portal;
  const email = `${cage.breed('address')}@example.com`;
  const id = crm.create('contacts', {
    email,
    firstname: cage.breed('first name'),
    lastname: cage.breed('last name'),
    phone: `+49 170 ${cage.breed('phone')}`,
    jobtitle: cage.breed('job title'),
  });
  const company = crm.create('companies', { name: cage.breed('company'), numberofemployees: 200 });
  const deal = crm.create('deals', {
    dealname: cage.breed('deal'),
    pipeline: 'default',
    dealstage: 'closedwon',
    amount: '100',
  });
  crm.associate('contacts', id, 'companies', company, { primary: true });
  crm.associate('contacts', id, 'deals', deal);
  await doors.hear();
  const occurredAt = time.nowMs;
  const [visitorId, sessionId] = [visitor('V'), visitor('S')];
  const landing = `${ORIGIN}/${cage.breed('path')}?utm_source=chatgpt.com&utm_campaign=${cage.breed('campaign')}&email=${cage.breed('query')}`;
  const properties = { city: cage.breed('city'), note: cage.breed('note') };
  expect([
    await post('/webhooks/workflow', {
      contactId: id,
      signal: 'form.sent',
      jobtitle: cage.breed('flow'),
      id: cage.breed('flow id'),
    }),
    await post('/signals', [
      { signal: 'product.login', occurredAt, email, properties },
      { signal: 'product.login', occurredAt, email: `${cage.breed('unknown address')}@example.com` },
      {
        signal: 'session',
        occurredAt,
        visitorId,
        url: landing,
        referrer: `https://${cage.breed('referrer')}.example/`,
      },
      { signal: 'identify', occurredAt, visitorId, contactId: id },
    ]),
    await post('/sessions', {
      visitorId,
      sessionId,
      url: landing,
      referrer: `https://chatgpt.com/?q=${cage.breed('question')}`,
    }),
  ]).toEqual([202, 202, 202]);
  await doors.settle();
  return id;
}

/** Requests that no door takes. */
async function beRefused({ cage, post, doors, secrets }: Aviary): Promise<void> {
  const stranger = { ...secrets, clientSecret: 'of somebody else' };
  const text = JSON.stringify([{ email: cage.breed('forged address') }]);
  const forged = {
    query: `email=${cage.breed('forged query')}`,
    headers: { 'x-forwarded-host': cage.breed('header') },
  };
  cage.pushed(JSON.stringify([text, forged]));
  for (const route of ['/webhooks/hubspot', '/webhooks/workflow', '/signals'] as const)
    cage.shown(
      await doors.ingest(
        requestOf(route, text, forged, { ...stranger, signalsSecret: 'whsec_b2Ygc29tZWJvZHk=' }, 0),
      ),
    );
  const occurredAt = cage.breed('time');
  const strange = `${cage.breed('key')}@example.com`;
  expect([
    await post('/webhooks/hubspot', `${JSON_OF_NOBODY}${cage.breed('no json')}`),
    await post('/webhooks/hubspot', JSON.stringify([cage.breed('too large').repeat(60_000)])),
    await post('/signals', `{"email":"${cage.breed('cut off')}`),
    await post('/signals', [
      { signal: cage.breed('signal name').toUpperCase(), occurredAt, email: cage.breed('no address') },
    ]),
    await post('/signals', [
      { signal: 'product.login', occurredAt: 1, [strange]: 1, properties: { [strange]: {} } },
    ]),
    await post('/sessions', { visitorId: cage.breed('no visitor'), url: cage.breed('no url') }),
    await post('/sessions', `{"url":"${cage.breed('cut session')}`),
    await post('/sessions', '{}', { headers: { origin: `https://${cage.breed('origin')}.example` } }),
    await post('/sessions', '{}', { headers: { 'user-agent': `bot ${cage.breed('agent')}` } }),
  ]).toEqual([400, 413, 400, 400, 400, 400, 400, 403, 202]);
}

/** Events and messages that can never be understood, on every queue. */
async function beMisunderstood({ cage, doors, post, table }: Aviary): Promise<void> {
  const { time } = doors.portal;
  const change = {
    subscriptionType: 'contact.propertyChange',
    portalId: 33,
    occurredAt: time.nowMs,
    eventId: 1,
  };
  await post('/webhooks/hubspot', [
    cage.breed('no event'),
    { ...change, objectId: cage.breed('object id'), propertyName: 'jobtitle', propertyValue: 'x' },
    { ...change, objectId: 7, propertyName: 'jobtitle', propertyValue: { [cage.breed('value')]: 1 } },
    { ...change, objectId: 7, occurredAt: 5, propertyName: 'email', propertyValue: cage.breed('old') },
    { ...change, subscriptionType: cage.breed('subscription') },
  ]);
  await post('/webhooks/workflow', { email: cage.breed('flow address'), [`${cage.breed('flow key')} x`]: 1 });
  await post('/webhooks/workflow', { vid: cage.breed('vid'), properties: { [cage.breed('legacy')]: 1 } });
  await doors.settle();
  for (const queue of QUEUES) {
    const texts = [
      cage.breed(`text on ${queue}`),
      JSON.stringify({ portalId: '33', job: cage.breed(`job on ${queue}`), contactIds: 7, resume: 1 }),
      JSON.stringify({ portalId: '33', resume: 'unconfirmed', after: cage.breed(`place on ${queue}`) }),
    ];
    for (const body of texts) {
      cage.pushed(body);
      await doors.deliver({ queue, body, atMs: time.nowMs, receives: 0 });
    }
    doors.waiting.length = 0;
  }
  // Rows that somebody else wrote.
  const row = {
    pk: '33#8',
    sk: '#head',
    rev: cage.breed('row'),
    why: cage.breed('reasons'),
    jny: cage.breed('journey'),
  };
  cage.pushed(JSON.stringify(row));
  await table.put([
    row,
    { pk: '33#9', sk: '#head', rev: 1, status: 'scored', jny: cage.breed('text of a journey') },
  ]);
  cage.pushed(JSON.stringify(await table.row('33#9', '#head')));
  for (const contactId of ['8', '9']) {
    await post(
      '/signals',
      { signal: 'product.login', occurredAt: time.nowMs, contactId },
      { id: `of ${contactId}` },
    );
    for (const message of doors.waiting.splice(0)) await doors.deliver(message);
    doors.waiting.length = 0;
    cage.shown(await doors.explain(contactId));
  }
  const asked = [cage.breed('id asked for'), cage.breed('type asked for')] as const;
  cage.pushed(asked.join(' '));
  cage.shown(await doors.explain(...asked));
}

/** Each service fails at each door that calls it, and says too much. */
async function fail(aviary: Aviary, id: string): Promise<void> {
  const { cage, doors, post } = aviary;
  const { time } = doors.portal;
  const login = (name: string) => ({
    signal: 'product.login',
    occurredAt: time.nowMs,
    contactId: id,
    properties: { note: cage.breed(`${name} note`) },
  });
  aviary.sqsFailing = talkative(cage, 'queue');
  cage.pushed(inspect(aviary.sqsFailing));
  expect(await post('/signals', login('queue'), { id: 'queue' })).toBe(500);
  aviary.sqsFailing = undefined;

  const failures = { table: talkative(cage, 'table'), read: talkative(cage, 'read') };
  cage.pushed(inspect(failures, { depth: 5 }));
  await post('/signals', login('table'), { id: 'table' });
  aviary.failing = () => failures.table;
  for (const message of doors.waiting.splice(0)) expect(await doors.deliver(message)).toBe(false);
  aviary.failing = undefined;
  await doors.settle();

  for (const queue of ['changes', 'background', 'urgent', 'nightly', 'ticks'] as const) {
    const bodies = [
      { portalId: '33', contactId: id, contactIds: [id], job: 'backfill', force: true },
      {
        portalId: '33',
        email: `${cage.breed(`address on ${queue}`)}@example.com`,
        job: 'nightly',
        contactIds: [id],
      },
    ];
    for (const body of bodies.map((each) => JSON.stringify(each))) {
      cage.pushed(body);
      for (const error of Object.values(failures)) {
        aviary.failing = (command) =>
          command.constructor.name.startsWith('Get') === (error === failures.read) ? undefined : error;
        await doors.deliver({ queue, body, atMs: time.nowMs, receives: 0 });
      }
      doors.waiting.length = 0;
    }
  }
  aviary.failing = () => failures.read;
  cage.shown(await doors.explain(id));
  aviary.failing = undefined;
  await post('/webhooks/workflow', { contactId: id, phone: cage.breed('later phone') });
}

/** HubSpot refuses, breaks down and repeats what it was given. */
async function beAnswered(aviary: Aviary, id: string): Promise<void> {
  const { cage, doors } = aviary;
  const { time } = doors.portal;
  const echo = (kind: string) => ({
    status: 'error',
    message: `Property values were not valid: [{"value":"${cage.breed(`${kind} message`)}"}]`,
    correlationId: '11111111-2222-3333-4444-555555555555',
    category: 'VALIDATION_ERROR',
    errors: [
      {
        message: cage.breed(`${kind} detail`),
        code: 'INVALID_EMAIL',
        context: { value: [cage.breed(`${kind} context`)] },
      },
    ],
    context: { email: [cage.breed(`${kind} given`)] },
    links: { more: `https://example.com/${cage.breed(`${kind} link`)}` },
  });
  const faults: Fault[] = [
    ...[400, 404, 409, 423, 500, 503].map((status) => ({
      kind: 'answer' as const,
      status,
      body: echo(`status ${names[status]}`),
    })),
    { kind: 'answer', status: 502, body: `<p>${cage.breed('page')}</p>` },
    { kind: 'answer', status: 200, body: `{"results":[{"id":"${cage.breed('broken')}` },
    { kind: 'answer', status: 200, body: { results: cage.breed('other form') } },
    ...[202, 206].map((status) => ({
      kind: 'answer' as const,
      status,
      body: echo(`status ${names[status]}`),
    })),
    { kind: 'answer', status: 307, headers: { location: `https://${cage.breed('location')}.example/` } },
    {
      kind: 'item-errors',
      inputs: [0],
      category: 'VALIDATION_ERROR',
      message: cage.breed('item message'),
      errors: [
        {
          message: cage.breed('item detail'),
          code: 'INVALID_INTEGER',
          context: { propertyName: ['afterglow_score'] },
        },
      ],
    },
    { kind: 'answer', status: 403, body: { ...echo('scope'), category: 'MISSING_SCOPES' } },
    { kind: 'answer', status: 401, body: { ...echo('refused token'), category: 'INVALID_AUTHENTICATION' } },
    { kind: 'answer', status: 429, body: { ...echo('limit'), policyName: 'DAILY' } }, // Until midnight: the last.
  ];
  for (const fault of faults) {
    cage.pushed(JSON.stringify(fault));
    time.nowMs += 3_600_000;
    for (const queue of ['changes', 'urgent', 'nightly'] as const) {
      aviary.hubSpotFailing = fault;
      const body = JSON.stringify({ portalId: '33', contactId: id, job: 'backfill', force: true });
      await doors.deliver({ queue, body, atMs: time.nowMs, receives: 0 });
      for (const message of doors.waiting.splice(0)) await doors.deliver(message);
      doors.waiting.length = 0;
      time.nowMs += 1_800_000;
    }
  }
  aviary.hubSpotFailing = undefined;
}

const names: Readonly<Record<number, string>> = {
  202: 'accepted',
  206: 'in part',
  400: 'bad',
  404: 'missing',
  409: 'conflict',
  423: 'locked',
  500: 'broken',
  503: 'away',
};

test('nothing of a person, no page they saw and no secret comes out of a door, whatever goes wrong', async () => {
  const cage = new Cage();
  let aviary: Aviary | undefined;
  const lines = await written(async () => {
    aviary = await open(cage);
    const id = await meetSomebody(aviary);
    await beRefused(aviary);
    await beMisunderstood(aviary);
    await fail(aviary, id);
    await beAnswered(aviary, id);
    aviary.doors.portal.crm.privacyDelete(id);
    await aviary.doors.hear();
    await aviary.doors.settle();
  });
  cage.shown(lines);
  const letters = (aviary?.doors.sent ?? []).filter(({ queue }) => queue.endsWith('dead'));
  const reasons = letters.map(({ body }) => v.parse(Letter, JSON.parse(body)).reason);
  cage.shown(reasons);

  expect(reasons.length).toBeGreaterThan(10);
  for (const told of [
    'the signature does not match',
    'contact not scored',
    'not brought to HubSpot',
    'a run came no further',
  ])
    expect(lines).toContain(told);
  for (const told of [
    'VALIDATION_ERROR',
    'RefusedSignature',
    'written back',
    'not explained',
    'session refused',
  ])
    expect(lines).toContain(told);
  expect(cage.neverPushed()).toEqual([]);
  expect(cage.escaped()).toEqual([]);
}, 120_000);

/** A line to import. */
const line = (more: object) =>
  JSON.stringify({
    contact_id: '7',
    signal: 'product.login',
    occurred_at: '2026-11-01T10:00:00Z',
    ...more,
  });

test('what the commands say is wrong with a file, an answer or a secret repeats nothing of it', async () => {
  const cage = new Cage();
  const directory = mkdtempSync(join(tmpdir(), 'afterglow-canaries-'));
  const fileOf = (name: string, text: string) => {
    cage.pushed(text);
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  const refused = async (act: () => Promise<unknown>) => {
    const outcome: unknown = await act().catch((error: unknown) => error);
    if (!(outcome instanceof Error)) throw new Error('nothing was refused');
    cage.shown(outcome.message);
  };
  const broken = [
    `{"email":"${cage.breed('cut line')}`,
    cage.breed('line'),
    line({ occurred_at: cage.breed('date') }),
    line({ contact_id: cage.breed('record') }),
    line({ contact_id: null, email: cage.breed('person') }),
    line({ signal: `${cage.breed('sign')} of` }),
    line({ [`${cage.breed('column')}@x`]: 1 }),
  ];
  const table = await createTable(engine);
  const target = dataTarget(table);
  for (const text of broken)
    await refused(() =>
      importFacts(target, { file: fileOf('lines.jsonl', `${text}\n`) }, Readable.from([]), QUIET),
    );
  const csv = `email,signal,occurred_at\n${cage.breed('cell')},product.login,${cage.breed('cell of a date')}\n`;
  await refused(() => importFacts(target, { file: fileOf('lines.csv', csv) }, Readable.from([]), QUIET));
  const sending = { ingestUrl: 'http://127.0.0.1:9', readClientSecret: async () => 'unused' };
  for (const text of [
    cage.breed('events'),
    `[{"email":"${cage.breed('cut events')}`,
    `[1, ${cage.breed('token among events')}]`,
  ])
    await refused(() => sendEvents(sending, fileOf('events.json', text)));
  const questions = [
    { name: 'accessToken', title: '' },
    { name: 'signalsSecret', title: '' },
  ] as const;
  for (const text of [
    cage.breed('typed'),
    `{"accessToken":"${cage.breed('cut secret')}`,
    JSON.stringify({ accessToken: `two ${cage.breed('words')}` }),
    JSON.stringify({ signalsSecret: `whsec_${cage.breed('short secret')}` }),
    JSON.stringify({ [cage.breed('name of a secret')]: 'x' }),
  ]) {
    cage.pushed(text);
    await refused(() => takeSecrets(questions, { input: Readable.from([text]), output: new PassThrough() }));
  }
  rmSync(directory, { recursive: true });

  expect(cage.output).toContain('is not JSON');
  expect(cage.output).toContain('line 1');
  expect(cage.neverPushed()).toEqual([]);
  expect(cage.escaped()).toEqual([]);
});

test('the cage finds what escapes, and what was never let in', async () => {
  const cage = new Cage();
  const [one, other] = [cage.breed('one'), cage.breed('other')];
  cage.pushed(JSON.stringify({ deep: { [one]: 1 } }));
  expect(cage.neverPushed()).toEqual(['other']);
  cage.shown('a line of nobody', { statusCode: 202 });
  expect(cage.escaped()).toEqual([]);

  const lines = await written(async () => {
    console.error(new Error('refused', { cause: new Error(one) }));
  });
  cage.shown(lines, `body: ${Buffer.from(`before ${other} after`).toString('base64')}`, other.toUpperCase());

  expect(cage.escaped()).toHaveLength(3);
});
