import { startVirtualTime, type VirtualTime } from '../../bench/virtual/time.ts';
import { Budget } from '../../lambdas/hubspot/budget.ts';
import { transportOf } from '../../lambdas/hubspot/transport.ts';
import { createChaos } from '../../local/hubspot/chaos.ts';
import type { Fault } from '../../local/hubspot/faults.ts';
import { createLocalPortal, type PortalOptions } from '../../local/hubspot/portal.ts';
import { createRandom } from '../../local/hubspot/random.ts';
import { startSimulator } from '../../local/hubspot/simulator.ts';
import type { Post } from '../../local/hubspot/webhooks.ts';
import { fetchOf } from '../../simulation/hubspot.ts';
import { memoryStore, PLENTY_OF_CALLS } from '../hubspot/connection.ts';
import { closeAll, listenForWebhooks, NOON_MS } from '../local/hubspot/portal.ts';
import { type Call, randomCalls } from './hubspot-calls.ts';

const SUBSCRIPTIONS = [
  'contact.creation',
  'contact.deletion',
  'contact.merge',
  'contact.privacyDeletion',
  'contact.propertyChange:jobtitle',
  'contact.propertyChange:email',
  'contact.associationChange',
  'company.creation',
  'object.propertyChange:0-3:dealstage',
];
const CONTACTS = '/crm/objects/2026-03/contacts';
const TOKEN = { authorization: 'Bearer local-access-token', 'content-type': 'application/json' };

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
  await closeAll();
});

const nobody: Post = () => Promise.resolve(0);

/** A portal whose time is told, and passes for nobody who waits. */
function optionsOf(seed: number, time: { readonly nowMs: number }): PortalOptions {
  const chaos = createChaos({ seed, rate: 0.15, mostDailyLimits: 1, latestLandingMs: 20_000 });
  return {
    seed,
    clock: () => time.nowMs,
    wallClock: () => time.nowMs,
    latencyMs: [10, 50],
    rateLimitPer10Seconds: 30,
    sleep: (_ms, what) => (what === 'answer' ? Promise.resolve() : new Promise(() => {})),
    faults: (call) => chaos.faults(call),
  };
}

/** What becomes of a call, as its caller sees it; nothing of the way itself. */
async function seen(reach: typeof fetch, origin: string, { method, path, headers, body }: Call) {
  try {
    const response = await reach(`${origin}${path}`, {
      method,
      headers,
      redirect: 'error',
      ...(body !== undefined && { body }),
    });
    const ofTheWay = ['date', 'connection', 'keep-alive', 'transfer-encoding'];
    return {
      status: response.status,
      headers: [...response.headers].filter(([name]) => !ofTheWay.includes(name)),
      text: await response.text(),
    };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function inOrder(events: readonly unknown[]): string[] {
  return events.map((event) => JSON.stringify(event)).toSorted();
}

/** Read by its form: errors of Node's own `fetch` are of another realm than the test. */
function failureOf(error: unknown): Record<string, unknown> {
  const { name, message, cause } = Object(error);
  return { name, message, code: Object(cause).code };
}

describe('a portal in this process and the one behind HTTP', () => {
  test.each([1, 2, 3])(
    'answer 400 random calls alike, and tell of the same events, seed %d',
    async (seed) => {
      const time = { nowMs: NOON_MS };
      const listener = await listenForWebhooks();
      const webhooks = {
        targetUrl: listener.url,
        subscriptions: SUBSCRIPTIONS,
        duplicateRate: 0.2,
        dropRate: 0.1,
      };
      const simulator = await startSimulator({ ...optionsOf(seed, time), webhooks });
      running.push(() => simulator.stop());
      const told: string[] = [];
      const local = createLocalPortal({ ...optionsOf(seed, time), webhooks }, (_url, _headers, body) => {
        told.push(body);
        return Promise.resolve(204);
      });
      running.push(async () => local.stop());
      const calls = randomCalls(seed);
      const statuses = new Map<number, number>();
      const requestIds: string[] = [];

      for (let count = 0; count < 400; count++) {
        time.nowMs += (count * 7919) % 500;
        for (const { landings } of [simulator, local]) landings.catchUp();
        const call = calls.next();
        const here = await seen(fetchOf(local), 'https://api.hubapi.com', call);
        const there = await seen(fetch, simulator.url, call);
        expect({ call, ...here }).toEqual({ call, ...there });
        calls.learn(here.text ?? '');
        requestIds.push(
          ...(here.headers ?? []).flatMap(([name, id]) => (name === 'x-request-id' ? [id] : [])),
        );
        statuses.set(here.status ?? 0, (statuses.get(here.status ?? 0) ?? 0) + 1);
      }

      await Promise.all([simulator.settled(), local.settled()]);
      const localEvents = inOrder(told.flatMap((body) => JSON.parse(body)));
      expect(localEvents).toEqual(inOrder(listener.events()));
      expect(requestIds.length).toBeGreaterThan(300);
      expect(new Set(requestIds).size).toBe(requestIds.length);
      // What was compared is worth it.
      expect(localEvents.length).toBeGreaterThan(100);
      for (const status of [0, 200, 201, 204, 207, 400, 401, 404, 405, 429])
        expect([status, statuses.get(status) ?? 0]).not.toEqual([status, 0]);
      expect(local.crm.all('contacts')).toEqual(simulator.crm.all('contacts'));
      expect(local.calls).toEqual(simulator.calls);
    },
  );

  test.each<[string, Fault]>([
    ['a closed connection', { kind: 'no-answer', lands: 'never' }],
    ['a redirect', { kind: 'answer', status: 302, body: {}, headers: { location: '/elsewhere' } }],
    ['an answer that is not JSON', { kind: 'answer', status: 200, body: '<html>é</html>' }],
    ['an answer without a body', { kind: 'answer', status: 204 }],
  ])('show %s alike', async (_what, fault) => {
    const simulator = await startSimulator({ faults: () => fault });
    running.push(() => simulator.stop());
    const local = createLocalPortal({ faults: () => fault }, nobody);
    const call = { method: 'GET', path: CONTACTS, headers: TOKEN };

    const here = await seen(fetchOf(local), 'https://api.hubapi.com', call);

    expect(here).toEqual(await seen(fetch, simulator.url, call));
  });
});

describe('in virtual time', () => {
  let time: VirtualTime;
  beforeEach(() => {
    time = startVirtualTime(NOON_MS);
  });
  afterEach(() => time.stop());

  const DAY_MS = 86_400_000;
  const CREATE = { method: 'POST', headers: TOKEN, body: '{"properties":{"jobtitle":"CTO"}}' };
  const url = `https://api.hubapi.com${CONTACTS}`;
  const sleep = (ms: number) => time.sleep(ms);

  test('the same seed gives the same bytes twice, another seed others', async () => {
    const runs = [];
    for (const seed of [7, 7, 8]) runs.push(await time.until(transcript(seed), DAY_MS));

    const [one, again, other] = runs;
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(one?.join()).toMatch(/attemptNumber\\":2/); // Told again and again, with pauses that are drawn.
  });

  /** All that is answered and told to somebody who calls 150 times, each time at the same hour. */
  async function transcript(seed: number): Promise<string[]> {
    const lines: string[] = [];
    const startMs = Date.now();
    const nowMs = () => NOON_MS + Date.now() - startMs;
    const app = createRandom(seed, 'app');
    const post: Post = async (...request) => {
      lines.push(JSON.stringify([nowMs(), ...request.slice(0, 3)]));
      await time.sleep(app.between(0, 300));
      return app.next() < 0.5 ? 204 : 500;
    };
    const { clock: _, wallClock: __, ...options } = optionsOf(seed, { nowMs: 0 });
    const webhooks = { targetUrl: 'https://app.example/', subscriptions: SUBSCRIPTIONS, retryDelayMs: 500 };
    const unkind = { reorder: true, duplicateRate: 0.2, dropRate: 0.1, batchSize: 3 };
    const portal = createLocalPortal(
      { ...options, clock: nowMs, wallClock: nowMs, sleep, webhooks: { ...webhooks, ...unkind } },
      post,
    );
    const calls = randomCalls(1);
    for (let count = 0; count < 150; count++) {
      const { text = '', ...rest } = await seen(fetchOf(portal), 'https://api.hubapi.com', calls.next());
      calls.learn(text);
      lines.push(JSON.stringify([nowMs(), rest, text]));
    }
    await portal.settled();
    portal.stop();
    return lines;
  }

  test.each<[string, 'before' | 'never' | number, readonly number[]]>([
    ['was done at once', 'before', [1, 1]],
    ['was never done', 'never', [0, 0]],
    ['is done later', 3000, [0, 1]],
  ])('who gives up hears why at once, while the work %s', async (_what, lands, expected) => {
    const portal = createLocalPortal(
      { sleep, faults: () => ({ kind: 'silent', afterMs: 60_000, lands }) },
      nobody,
    );
    const given = new Error('given up');
    const patience = new AbortController();
    setTimeout(() => patience.abort(given), 1000);

    const outcome = fetchOf(portal)(url, { ...CREATE, signal: patience.signal }).catch((error) => error);

    expect(await time.until(outcome, DAY_MS)).toBe(given);
    expect(time.now() - NOON_MS).toBe(1000);
    const found = [portal.crm.all('contacts').length];
    await time.until(time.sleep(DAY_MS), 2 * DAY_MS);
    expect([...found, portal.crm.all('contacts').length]).toEqual(expected);
  });

  test('who gave up before the call never makes it', async () => {
    const portal = createLocalPortal({}, nobody);
    const given = new Error('given up');

    const calling = fetchOf(portal)(url, { ...CREATE, signal: AbortSignal.abort(given) });

    await expect(calling).rejects.toBe(given);
    expect(portal.calls).toEqual([]);
  });

  test.each(['http://api.hubapi.com/', 'https://api.hubapi.com.example/', 'https://api.hubapi.com:444/'])(
    '%s cannot be reached',
    async (elsewhere) => {
      const portal = createLocalPortal({}, nobody);

      await expect(fetchOf(portal)(elsewhere, CREATE)).rejects.toMatchObject({
        name: 'TypeError',
        cause: { code: 'ENOTFOUND' },
      });
      expect(portal.calls).toEqual([]);
    },
  );

  test("our transport takes a silence of HubSpot's for no answer after 20 s", async () => {
    const portal = createLocalPortal(
      { sleep, faults: () => ({ kind: 'silent', afterMs: 60_000, lands: 'before' }) },
      nobody,
    );
    const realFetch = globalThis.fetch;
    globalThis.fetch = fetchOf(portal);
    const statuses: number[] = [];
    const send = transportOf({
      budget: new Budget(memoryStore(), PLENTY_OF_CALLS, { clock: time.now, timeZone: () => 'UTC' }),
      readToken: () => Promise.resolve('local-access-token'),
      clock: time.now,
      onAnswer: (status) => statuses.push(status),
    });

    const outcome = send({
      getUrl: () => url,
      getHttpMethod: () => 'POST',
      getHeaders: () => ({ 'content-type': 'application/json' }),
      getBody: () => CREATE.body,
    }).catch((error) => error);

    expect(await time.until(outcome, DAY_MS)).toMatchObject({ trouble: 'unknown', status: 0 });
    globalThis.fetch = realFetch;
    expect({ statuses, ms: time.now() - NOON_MS }).toEqual({ statuses: [0], ms: 20_000 });
  });

  test('an app that does not answer within 5 s is not waited for, and told again', async () => {
    const attempts: { readonly atMs: number; readonly signal: AbortSignal; readonly events: unknown }[] = [];
    const webhooks = { targetUrl: 'https://app.example/', subscriptions: ['contact.creation'] };
    const portal = createLocalPortal({ webhooks }, async (_url, headers, body, signal) => {
      attempts.push({
        atMs: Number(headers['x-hubspot-request-timestamp']),
        signal,
        events: JSON.parse(body),
      });
      await time.sleep(attempts.length === 1 ? 5001 : 4999);
      return 204;
    });

    portal.crm.create('contacts', {});
    await time.until(portal.settled(), DAY_MS);

    expect(attempts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(attempts.map(({ events }) => events)).toMatchObject([
      [{ attemptNumber: 0 }],
      [{ attemptNumber: 1 }],
    ]);
    const [first, second] = attempts.map(({ atMs }) => atMs - NOON_MS);
    expect(first).toBe(20);
    // The first pause is half a second to one and a half.
    expect(second).toBeGreaterThanOrEqual(5520);
    expect(second).toBeLessThanOrEqual(6520);
    expect(portal.delivered()).toMatchObject({ requests: 1, events: 1, distinct: 1, refused: 1, lost: 0 });
  });
});
