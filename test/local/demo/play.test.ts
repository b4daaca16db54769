import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { ARRIVALS } from '../../../local/demo/arrivals.ts';
import { type Happening, planHappenings } from '../../../local/demo/happenings.ts';
import { playHappenings } from '../../../local/demo/play.ts';
import { createPortal } from '../../../local/demo/portal.ts';
import type { RecordHappening } from '../../../local/demo/record-happenings.ts';
import {
  type OwnSight,
  SITE,
  type Visit,
  type VisitHappening,
} from '../../../local/demo/visit-happenings.ts';
import { signV3 } from '../../../local/hubspot/sign.ts';
import { type Simulator, startSimulator } from '../../../local/hubspot/simulator.ts';

const SIGNALS_SECRET = `whsec_${Buffer.from('a secret for the local signals').toString('base64')}`;
const CLIENT_SECRET = 'local-client-secret';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let ingestUrl: string;
let simulator: Simulator;
let received: Received[];
/** What the stand-in for ingest answers, by the number of the request. */
let answer: (count: number) => number;
let webhooksTakeMs: number;

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  received.push({ path: request.url ?? '', headers: request.headers, body });
  if (request.url === '/webhooks/hubspot') await pause(webhooksTakeMs);
  response.writeHead(answer(received.length)).end();
}

beforeEach(async () => {
  received = [];
  answer = () => 202;
  webhooksTakeMs = 0;
  server = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  ingestUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  simulator = await startSimulator({ clientSecret: CLIENT_SECRET });
});

afterEach(async () => {
  await simulator.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function play(
  happenings: readonly Happening[],
  records: readonly RecordHappening[] = [],
): ReturnType<typeof playHappenings> {
  return playHappenings({
    simulator,
    ingestUrl,
    signalsSecret: SIGNALS_SECRET,
    clientSecret: CLIENT_SECRET,
    happenings,
    records,
  });
}

function planned(count: number): readonly Happening[] {
  const nowMs = Date.now();
  const { contacts } = createPortal(simulator.crm, { nowMs, contacts: count });
  const { happenings } = planHappenings(contacts, { nowMs });
  const subscriptions = new Set(
    happenings.flatMap((one) => (one.kind === 'property' ? [`contact.propertyChange:${one.property}`] : [])),
  );
  const targetUrl = `${ingestUrl}/webhooks/hubspot`;
  simulator.setWebhooks({ targetUrl, subscriptions: [...subscriptions], duplicateRate: 0.2, reorder: true });
  return happenings;
}

test('every happening arrives, some of them more than once', async () => {
  webhooksTakeMs = 500; // Longer than all posts of our own.
  const happenings = planned(60);

  const { delivered, distinct } = await play(happenings);

  expect(distinct).toBe(happenings.length);
  expect(delivered).toBeGreaterThan(distinct);
});

test('own signals and workflows are signed, and a repeat has the same id and body', async () => {
  const happenings = planned(60);

  await play(happenings);

  const posts = received.filter(({ path }) => path === '/signals');
  const bodies = new Map<string, string>();
  for (const { headers, body } of posts) {
    const id = String(headers['webhook-id']);
    expect(() => new Webhook(SIGNALS_SECRET).verify(body, { ...stringsOf(headers) })).not.toThrow();
    expect(bodies.get(id) ?? body).toBe(body);
    bodies.set(id, body);
  }
  expect(bodies.size).toBeLessThan(posts.length);
  const workflows = received.filter(({ path }) => path === '/webhooks/workflow');
  for (const { headers, body } of workflows) {
    const timestamp = String(headers['x-hubspot-request-timestamp']);
    const uri = `${ingestUrl}/webhooks/workflow`;
    const signature = signV3({ method: 'POST', uri, body, secret: CLIENT_SECRET, timestamp });
    expect(headers['x-hubspot-signature-v3']).toBe(signature);
  }
  expect(workflows.length).toBeGreaterThan(new Set(workflows.map(({ body }) => body)).size);
});

test('signals of one post keep their positions, whatever order they were planned in', async () => {
  const happenings = planned(60);
  const signals = happenings.filter((one) => one.kind === 'signal');

  await play(signals.toReversed());

  const names = new Map<string, unknown[]>();
  for (const { headers, body } of received) {
    const items: unknown = JSON.parse(body);
    if (Array.isArray(items)) names.set(String(headers['webhook-id']), items);
  }
  expect(names.size).toBeGreaterThan(0);
  for (const one of signals) {
    const items = names.get(one.postId);
    const expected = { signal: one.signal, ...one.address };
    expect(items?.[one.index] ?? expected).toMatchObject(expected);
  }
});

test('HubSpot ends with the newest value of every property', async () => {
  const happenings = planned(30);

  await play(happenings);

  const newest = new Map<string, string>();
  for (const one of happenings)
    if (one.kind === 'property' && one.property === 'hs_lead_status') newest.set(one.contactId, one.value);
  expect(newest.size).toBeGreaterThan(0);
  for (const [id, value] of newest)
    expect(simulator.crm.get('contacts', id)?.properties['hs_lead_status']).toBe(value);
});

test('companies change and merge, people change sides, and deals are made, closed and opened again', async () => {
  const { crm } = simulator;
  const atMs = Date.now() - 1000;
  const before = { atMs: atMs - 1 };
  const company = (name: string) => crm.create('companies', { name }, before);
  const [one, two] = [company('One'), company('Two')];
  const contact = crm.create('contacts', { firstname: 'Ada' }, before);
  crm.associate('contacts', contact, 'companies', one, { ...before, primary: true });
  const deal = { kind: 'deal', deal: 'a', contactIds: [contact], atMs } as const;

  await play(
    [],
    [
      { ...deal, stage: 'appointmentscheduled' },
      { kind: 'move', contactId: contact, companyId: two, atMs },
      { ...deal, stage: 'closedlost', atMs: atMs + 1 },
      { ...deal, stage: 'contractsent', atMs: atMs + 2 },
      { kind: 'merge', primaryId: one, otherId: two, atMs: atMs + 3 },
      { kind: 'company', companyId: two, property: 'numberofemployees', value: '150', atMs: atMs + 4 },
    ],
  );

  expect(crm.get('companies', two)?.id).toBe(crm.get('companies', one)?.id);
  expect(crm.get('companies', one)?.properties).toMatchObject({ name: 'One', numberofemployees: '150' });
  expect(crm.get('contacts', contact)?.properties['associatedcompanyid']).toBe(two);
  expect(crm.all('deals')).toMatchObject([
    {
      properties: {
        dealstage: 'contractsent',
        hs_is_closed: 'false',
        closedate: new Date(atMs + 1).toISOString().replace('.000Z', 'Z'),
      },
    },
  ]);
  const [deals] = crm.all('deals');
  const read = await fetch(`${simulator.url}/crm/objects/2026-03/deals/${deals?.id}?associations=contacts`, {
    headers: { authorization: 'Bearer local-access-token' },
  });
  expect(await read.json()).toMatchObject({ associations: { contacts: { results: [{ id: contact }] } } });
});

test('deals get amounts, contacts and other ids, and go', async () => {
  const { crm } = simulator;
  const atMs = Date.now() - 1000;
  const contact = (firstname: string) => crm.create('contacts', { firstname }, { atMs: atMs - 1 });
  const [ada, bob] = [contact('Ada'), contact('Bob')];
  const deal = (name: string, contactId: string) =>
    ({ kind: 'deal', deal: name, contactIds: [contactId], stage: 'contractsent', atMs }) as const;
  const dealIds = new Map<string, string>();

  await playHappenings({
    simulator,
    ingestUrl,
    signalsSecret: SIGNALS_SECRET,
    clientSecret: CLIENT_SECRET,
    happenings: [],
    dealIds,
    records: [
      { ...deal('a', ada), values: { amount: '12.5', deal_currency_code: 'JPY' } },
      deal('b', ada),
      deal('c', ada),
      { kind: 'deal contact', deal: 'b', contactId: bob, atMs: atMs + 1 },
      { kind: 'deal merge', deal: 'a', other: 'b', atMs: atMs + 2 },
      { kind: 'deal change', deal: 'b', values: { amount: '13' }, atMs: atMs + 3 },
      { kind: 'deal deletion', deal: 'c', atMs: atMs + 4 },
    ],
  });

  const [merged, ...others] = crm.all('deals');
  expect(others).toEqual([]);
  expect(merged?.properties).toMatchObject({ dealname: 'a', amount: '13', deal_currency_code: 'JPY' });
  expect(dealIds.get('a')).toBe(merged?.id);
  expect(dealIds.get('b')).toBe(merged?.id);
});

/** A visit that is told of. */
function visitOf(own: Partial<OwnSight>): Visit {
  const [arrival] = ARRIVALS.filter(({ referrer }) => referrer === 'https://claude.ai/');
  if (arrival === undefined) throw new Error('nobody comes by Claude');
  return {
    kind: 'visit',
    contactId: '7',
    atMs: 1_790_000_000_000,
    arrival,
    url: `${SITE}/product?x=1`,
    hubspot: undefined,
    own: {
      by: 'browser',
      visitorId: 'visitor---------------',
      sessionId: 'session---------------',
      address: undefined,
      postId: 'msg_visit',
      isBot: false,
      ...own,
    },
  };
}

function playVisits(visits: readonly VisitHappening[], told?: Map<string, number>) {
  const secrets = { signalsSecret: SIGNALS_SECRET, clientSecret: CLIENT_SECRET };
  return playHappenings({ simulator, ingestUrl, ...secrets, happenings: [], visits, ...(told && { told }) });
}

test('a page tells of a visit as a browser does, unsigned and naming nobody; a crawler says that it is one', async () => {
  const told = new Map<string, number>();
  const beganMs = Date.now();

  await playVisits([visitOf({}), visitOf({ isBot: true, sessionId: 'another---------------' })], told);

  const [page, crawler] = ['session---------------', 'another---------------'].map((id) =>
    received.find(({ body }) => body.includes(id)),
  );
  expect(page).toMatchObject({ path: '/sessions', headers: { origin: SITE } });
  expect(page?.headers['user-agent']).toContain('Chrome/');
  expect(Object.keys(page?.headers ?? {}).filter((name) => /webhook|hubspot/.test(name))).toEqual([]);
  expect(JSON.parse(page?.body ?? '')).toEqual({
    visitorId: 'visitor---------------',
    sessionId: 'session---------------',
    url: `${SITE}/product?x=1`,
    referrer: 'https://claude.ai/',
  });
  expect(crawler?.headers['user-agent']).toContain('Googlebot');
  expect(told.get('session---------------')).toBeGreaterThanOrEqual(beganMs);
  expect(told.get('session---------------')).toBeLessThanOrEqual(Date.now());
});

test('a server tells by a signed signal, of a browser or of a person; what HubSpot alone saw nobody tells', async () => {
  const person = { visitorId: undefined, sessionId: undefined, address: { email: 'a@b.example' } };
  const identification = {
    kind: 'identification',
    contactId: '7',
    visitorId: 'visitor---------------',
    atMs: 1_790_000_000_001,
  } as const;

  await playVisits([
    visitOf({ by: 'server' }),
    visitOf({ by: 'server', postId: 'msg_person', ...person }),
    { ...visitOf({}), own: undefined },
    { ...identification, signal: { address: { contactId: '7' }, postId: 'msg_who' } },
    { ...identification, signal: undefined },
  ]);

  const bodies = new Map<unknown, unknown>();
  for (const { path, headers, body } of received) {
    expect(path).toBe('/signals');
    expect(() => new Webhook(SIGNALS_SECRET).verify(body, stringsOf(headers))).not.toThrow();
    bodies.set(headers['webhook-id'], JSON.parse(body));
  }
  expect(new Set(bodies.keys())).toEqual(new Set(['msg_person', 'msg_visit', 'msg_who']));
  expect(bodies.get('msg_visit')).toMatchObject({
    signal: 'session',
    occurredAt: 1_790_000_000_000,
    visitorId: 'visitor---------------',
    sessionId: 'session---------------',
    url: `${SITE}/product?x=1`,
    referrer: 'https://claude.ai/',
  });
  expect(bodies.get('msg_person')).toMatchObject({ signal: 'session', email: 'a@b.example' });
  expect(bodies.get('msg_person')).not.toHaveProperty('visitorId');
  expect(bodies.get('msg_who')).toEqual({
    signal: 'identify',
    occurredAt: 1_790_000_000_001,
    visitorId: 'visitor---------------',
    contactId: '7',
  });
});

test('a post is sent again while ingest is busy', async () => {
  const happenings = planned(30).filter(({ kind }) => kind === 'signal');
  answer = (count) => (count <= 2 ? 429 : count === 3 ? 503 : 202);

  const { distinct } = await play(happenings);

  expect(distinct).toBe(happenings.length);
});

test('a refused post ends the play with its status', async () => {
  const happenings = planned(120).filter(({ kind }) => kind === 'signal');
  answer = () => 401;

  await expect(play(happenings)).rejects.toThrow('/signals did not take a post: status 401');
  expect(received.length).toBeLessThanOrEqual(8); // Those in flight were the last ones.
});

function stringsOf(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
