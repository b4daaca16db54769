// Names that JavaScript keeps for itself, through every entrance: as keys they change nothing, as values they are names like any other.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { type Document, isPair, parseDocument, visit as visitNodes, type YAMLMap } from 'yaml';
import { creditPaths } from '../../cli/attribution-paths.ts';
import { readImport } from '../../cli/import-lines.ts';
import { InvalidModelError, readModelFile, readModelText, readSources } from '../../cli/model-file.ts';
import { readMessages } from '../../lambdas/events/messages.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { directoryOf } from '../../lambdas/scoring/sources.ts';
import { QUIET } from '../cli/data.ts';
import { createTable, ENGINES, type Engine, startDynalite } from '../store/table.ts';
import { NOW_MS, posted, signal, signed, signedSignals, VISITOR, visit } from './requests.ts';
import { createSystem, everyEntranceModel } from './system.ts';

const NAMES = ['__proto__', 'constructor', 'prototype'] as const;

/** What every object inherits from, as it was before anything of this file ran. */
const ROOTS = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const before = ROOTS.map(ownOf);
const directory = mkdtempSync(join(tmpdir(), 'afterglow-names-'));
let dynalite: Engine;

beforeAll(async () => {
  dynalite = await startDynalite();
});
afterEach(() => {
  const changed = ROOTS.flatMap(ownOf).filter((own) => !before.flat().includes(own));
  if (changed.length > 0) throw new Error(`what every object inherits was changed: ${changed.join(', ')}`);
});
afterAll(async () => {
  await dynalite.stop();
  rmSync(directory, { recursive: true });
});

/** Own properties by name, as text: also what was only given another value is told. */
function ownOf(root: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(root)).map(
    ([name, { value, writable }]) => `${name} ${String(value)} ${String(writable)}`,
  );
}

/** What whoever takes an own key for what it inherits from would read: another contact, another portal, other rights. */
const LIES = JSON.stringify({
  polluted: true,
  portalId: 99,
  'portal-id': 99,
  objectId: 666,
  contactId: '666',
  vid: 666,
  email: 'eve@evil.example',
  isSensitive: true,
  signal: 'product.login',
  sessionId: 'AAAAAAAAAAAAAAAAAAAAAA',
  seen: { by: 'server' },
  statusCode: 200,
});

/** JSON with the three names in each of its objects, before what stands there. */
function poisoned(value: unknown): string {
  const json = JSON.stringify(value);
  const keys = `"__proto__":${LIES},"constructor":{"prototype":${LIES},"__proto__":${LIES}},"prototype":${LIES}`;
  return json.replaceAll(/\{(?=(.?))/g, (_, next) => (next === '}' ? `{${keys}` : `{${keys},`));
}

const change = (more: object = {}) => ({
  portalId: 33,
  occurredAt: NOW_MS - 1000,
  subscriptionType: 'contact.propertyChange',
  objectId: 7,
  propertyName: 'jobtitle',
  propertyValue: 'Head of IT',
  ...more,
});
const legacy = {
  vid: 7,
  'portal-id': 33,
  properties: { jobtitle: { value: 'CEO', versions: [{ value: 'CEO', timestamp: NOW_MS - 1000 }] } },
};
const workflow = { contactId: '7', signal: 'webinar.attended', id: 'w1', time: NOW_MS - 1000 };
const fromServer = {
  signal: 'session',
  occurredAt: NOW_MS - 1000,
  visitorId: VISITOR,
  url: 'https://www.example.com/?utm_source=chatgpt.com',
};

describe('as keys of what is posted', () => {
  test.each([
    {
      to: 'webhooks',
      body: [change(), change({ objectId: 8, subscriptionType: 'contact.creation' })],
      make: (body: string) => signed({ body }),
    },
    {
      to: 'workflows',
      body: workflow,
      make: (body: string) => signed({ route: '/webhooks/workflow', body }),
    },
    {
      to: "workflows, as HubSpot's default body",
      body: legacy,
      make: (body: string) => signed({ route: '/webhooks/workflow', body }),
    },
    { to: 'signals', body: [signal({ properties: { plan: 'pro' } })], make: signedSignals },
    { to: 'signals, of a visit', body: [fromServer], make: signedSignals },
    { to: 'sessions', body: visit(), make: posted },
  ])('they change nothing of what is kept: to $to', async ({ body, make }) => {
    const [plain, hostile] = [await createTable(dynalite), await createTable(dynalite)];
    const systems = [createSystem(plain), createSystem(hostile)] as const;

    expect(await systems[0].post(make(JSON.stringify(body)))).toBe(202);
    const status = await systems[1].post(make(poisoned(body)));

    for (const system of systems) expect([await system.drain(), system.errors]).toEqual([0, []]);
    const rows = (await hostile.rows()).map(withoutRandom);
    const isTaken = status === 202 && systems[1].letters().length === 0;
    expect(rows).toEqual(isTaken ? (await plain.rows()).map(withoutRandom) : []);
  });
});

/** The id of a model is a hash of its text. */
function withoutId({ id: _id, ...model }: Model): object {
  return model;
}

function withoutRandom({ wid: _wid, expiresAt: _at, ...row }: Record<string, unknown>): object {
  return row;
}

describe('as values of what is posted', () => {
  const OTHERS = [...NAMES, 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

  test.each(OTHERS)('%s is a name like any other', async (name) => {
    const table = await createTable(dynalite);
    const system = createSystem(table);
    const events = [
      change({ propertyName: name, propertyValue: 'x' }),
      change({ propertyValue: name }),
      change({ propertyName: 'hs_analytics_last_url', propertyValue: name }),
      change({ subscriptionType: name }),
      change({ subscriptionType: `${name}.creation` }),
      change({ subscriptionType: `contact.${name}` }),
      change({ subscriptionType: 'object.creation', objectTypeId: name }),
      change({ subscriptionType: 'contact.merge', newObjectId: name }),
      change({
        subscriptionType: 'contact.associationChange',
        fromObjectId: 7,
        toObjectId: 8,
        associationType: `${name}_TO_${name}`,
      }),
      change({ objectId: 9 }),
    ];
    const url = `https://www.example.com/${name}?utm_source=${name}&utm_medium=${name}&utm_campaign=${name}&${name}=1`;

    expect(await system.post(signed({ body: JSON.stringify(events) }))).toBe(202);
    expect(await system.post(posted(visit({ url, referrer: `https://${name}.example/` })))).toBe(202);
    for (const body of [
      { contactId: '7', signal: name.toLowerCase(), [name]: 'x', properties: JSON.parse(`{"${name}":"x"}`) },
      { vid: 7, properties: JSON.parse(`{"${name}":{"value":"x"}}`) },
    ])
      await system.post(signed({ route: '/webhooks/workflow', body: JSON.stringify(body) }));
    await system.post(signedSignals(JSON.stringify(signal({ signal: name.toLowerCase() }))));

    expect([await system.drain(), system.errors]).toEqual([0, []]);
    const value = { sk: 'property#jobtitle', value: name };
    expect(await system.rows('7')).toContainEqual(expect.objectContaining(value));
    expect(await system.rows('9')).toContainEqual(expect.objectContaining({ value: 'Head of IT' }));
    const known = ['33#7', '33#8', '33#9', `33#visitor#${VISITOR}`];
    const owners = new Set((await table.rows()).map(({ pk }) => String(pk)));
    expect([...owners].filter((pk) => !known.includes(pk))).toEqual([]);
  });
});

test('as keys of messages and of rows they change nothing', async () => {
  const context = { model: everyEntranceModel(), portalId: '33', ownAppIds: [] };
  const tick = { portalId: '33', contactIds: ['7'] };
  const envelope = {
    portalId: '33',
    route: '/webhooks/hubspot',
    receivedAtMs: NOW_MS,
    body: Buffer.from('[]').toString('base64'),
  };
  const session = {
    ...envelope,
    route: '/sessions',
    body: Buffer.from(poisoned({ visitorId: VISITOR, sessionId: VISITOR, seen: { by: 'browser' } })).toString(
      'base64',
    ),
  };

  const messages = readMessages(
    [tick, envelope, session].map((body, at) => ({ messageId: `m${at}`, body: poisoned(body) })),
    context,
  );

  expect(messages[0]).toMatchObject({ portalId: '33', tick: ['7'], rejected: [] });
  expect(messages[1]).toMatchObject({ portalId: '33', heard: [], rejected: [] });
  expect(messages[2]).toMatchObject({
    heard: [],
    rejected: [{ reason: 'not a session as ingest writes it' }],
  });
});

test('as attributes of rows they change nothing', async () => {
  const engine = ENGINES.at(-1) ?? { name: 'dynalite', start: startDynalite };
  const running = await engine.start();
  const table = await createTable(running);
  const names = NAMES.filter((name) => name !== '__proto__' || engine.name !== 'dynalite'); // Which falls over it itself.
  const lies = '{"M":{"rev":{"N":"99"},"life":{"S":"erased"},"alias":{"S":"33#8"},"value":{"S":"CEO"}}}';
  const poison = names.map((name) => `"${name}":${lies}`).join(',');
  const head = '"sk":{"S":"#head"},"rev":{"N":"1"}';
  const property = `"sk":{"S":"property#constructor"},"at":{"N":"${NOW_MS}"},"value":{"S":"x"}`;
  for (const row of [head, property])
    await putRaw(running.url, table.tableName, `{${poison},"pk":{"S":"33#7"},${row}}`);

  const read = await createSystem(table).contacts.readLiving('33#7');

  expect(Object.keys((await table.row('33#7', '#head')) ?? {})).toContain('constructor'); // It is there.
  expect(read?.head).toMatchObject({ life: 'living', shown: undefined, revision: 1 });
  expect(read?.known.properties).toEqual([{ name: 'constructor', value: 'x', occurredAtMs: NOW_MS }]);
  await running.stop();
});

/** Puts a row as it stands: the SDK would make other objects of these names. */
async function putRaw(url: string, tableName: string, item: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.PutItem',
      'x-amz-date': '20260101T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=a/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=a',
    },
    body: `{"TableName":"${tableName}","Item":${item}}`,
  });
  expect([response.status, await response.text()]).toEqual([200, '{}']);
}

const MODEL = 'models/b2b-saas.yaml';
const SHIPPED = readFileSync(MODEL, 'utf8');

/** The text of the shipped model once for each kind of mapping in it, with keys more in the first of that kind. */
function* modelsWith(names: readonly string[]): Generator<{ place: string; text: string }> {
  const kinds = new Set<string>();
  eachMapping(parseDocument(SHIPPED), (_, place) => void kinds.add(place));
  for (const kind of kinds) {
    const document = parseDocument(SHIPPED);
    let isDone = false;
    eachMapping(document, (node, place) => {
      if (place !== kind || isDone) return;
      for (const name of names) node.add(document.createPair(name, { polluted: true, cap: 1, points: 99 }));
      isDone = true;
    });
    yield { place: kind, text: String(document) };
  }
}

/** @param act - is told a mapping and where it stands, such as `engagement.signals.from` */
function eachMapping(document: Document.Parsed, act: (node: YAMLMap, place: string) => void): void {
  visitNodes(document, {
    Map: (_key, node, ancestors) =>
      act(
        node,
        ancestors
          .filter(isPair)
          .map(({ key }) => String(key))
          .join('.'),
      ),
  });
}

// Two of them are keys like any other to YAML and to JavaScript; what is true of one is of both.
test.each([[['__proto__']], [['constructor', 'prototype']]])(
  '%j in any mapping of a model are told, or as good as absent',
  (names) => {
    const plain = withoutId(readModelFile(MODEL));

    const wrong = [...modelsWith(names)].filter(({ text }) => {
      try {
        return !isDeepStrictEqual(withoutId(readModelText(text, MODEL).model), plain);
      } catch (error) {
        return !(error instanceof InvalidModelError && error.message.includes(`${names[0]}: `));
      }
    });

    expect(wrong.map(({ place }) => place)).toEqual([]);
  },
);

describe.each(NAMES)('as a key of a file, %s', (name) => {
  test('makes no source', () => {
    const path = join(directory, 'sources.yaml');
    writeFileSync(path, `sources: []\nmediums:\n  ${name}: ai\n  chat: ai\n`);
    const { ofMedium, ofHost, byId } = directoryOf(readSources(path));

    expect(ofMedium('chat')).toBe('ai');
    expect([undefined, 'ai']).toContain(ofMedium(name));
    expect([ofMedium('valueof'), ofHost(name), byId.get(name)]).toEqual([undefined, undefined, undefined]);
  });

  const line = { contact_id: '7', signal: 'product.login', occurred_at: NOW_MS - 1000 };
  const context = { portalId: '33', nowMs: NOW_MS, factRetentionDays: 400 };

  test('makes no fact of an import as JSON lines', async () => {
    const text = `${poisoned(line)}\n${poisoned({ ...line, contact_id: '8' })}\n`;

    const read = await allOf(readImport(Readable.from([Buffer.from(text)]), 'jsonl', context));

    expect(read).toMatchObject([{ whose: { contactId: '7' } }, { whose: { contactId: '8' } }]);
  });

  test('is no column of an import as CSV', async () => {
    const text = `contact_id,signal,occurred_at,${name}\n${Object.values(line).join(',')},x\n`;

    await expect(allOf(readImport(Readable.from([Buffer.from(text)]), 'csv', context))).rejects.toThrow(
      `columns that are not known: "${name}"`,
    );
  });

  test('as a channel or a column of paths is a name', async () => {
    const text = `path,total_conversions,total_null,${name}\n${name} > chat,1,0,x\n`;
    const { credits } = await creditPaths('-', Readable.from([Buffer.from(text)]), QUIET);

    expect([...credits.keys()].toSorted()).toEqual([name, 'chat'].toSorted());
  });
});

async function allOf<T>(given: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of given) all.push(one);
  return all;
}
