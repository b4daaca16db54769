// A HubSpot portal on 127.0.0.1: the CRM API, its limits and its webhooks, never kinder than the real one.
import http from 'node:http';
import { type Api, answerApi, type Exchange } from './api.ts';
import { answerControl, type Control } from './control-routes.ts';
import { type Crm, createCrm } from './crm.ts';
import { errorReply } from './errors.ts';
import type { Fault, FaultableCall } from './faults.ts';
import { parseJson, readBody, sendReply } from './http.ts';
import { createLandings, type Landings, type Sleep, sleepInWallTime } from './landings.ts';
import { createLimiter } from './limiter.ts';
import { createRandom } from './random.ts';
import { countLive, createCrmState } from './records.ts';
import { createEventWriter } from './webhook-events.ts';
import { createDelivery, type Delivery, type DeliveryCounts, type WebhookConfig } from './webhooks.ts';

/** Calls remembered in `Simulator.calls`; older ones are forgotten. */
const MAX_CALLS_KEPT = 200_000;

const ALL_SCOPES = [
  ...['contacts', 'companies', 'deals'].flatMap((type) => [
    `crm.objects.${type}.read`,
    `crm.objects.${type}.write`,
    `crm.schemas.${type}.read`,
    `crm.schemas.${type}.write`,
  ]),
  'crm.objects.owners.read',
  'crm.lists.read',
  'automation',
  'forms',
];

export interface SimulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 1. */
  readonly portalId?: number;
  /** Requests without it get 401. Default `local-access-token`. */
  readonly accessToken?: string;
  /** Signs webhooks. Default `local-client-secret`. */
  readonly clientSecret?: string;
  /** The app behind the token and the webhooks: its own writes carry it as source. Default 50780459. */
  readonly appId?: number;
  /** Tokens of other apps, each with limits of its own. */
  readonly otherApps?: readonly { readonly accessToken: string; readonly appId: number }[];
  /** What the tokens may do; default everything. */
  readonly scopes?: readonly string[];
  /** IANA name; the daily limit starts anew at its midnight. Default UTC. */
  readonly timeZone?: string;
  /** Epoch milliseconds. Signing always uses wall time. Default `Date.now`. */
  readonly clock?: () => number;
  /** Default 1. */
  readonly seed?: number;
  /** Default 190, HubSpot Professional. */
  readonly rateLimitPer10Seconds?: number;
  /** Default 625,000, HubSpot Professional. */
  readonly dailyLimit?: number;
  /** Default 5, whatever the plan. */
  readonly searchesPerSecond?: number;
  /** Milliseconds of the portal's clock after which a search knows of a change; default 30,000, the longest observed. */
  readonly searchLagMs?: number;
  /** Associations of one kind that are told along with a record; default 500. */
  readonly associationsInline?: number;
  /** Least and most milliseconds that an API call takes; default none. */
  readonly latencyMs?: readonly [number, number];
  /** Wall milliseconds until a created property is seen by reads and writes; default 250 to 700 as observed. */
  readonly propertyLagMs?: readonly [number, number];
  readonly webhooks?: WebhookConfig;
  readonly faults?: (call: FaultableCall) => Fault | undefined;
  /** What every wait inside is made with: latency, delays, silences, and work done late. Default wall time. */
  readonly sleep?: Sleep;
  /** Told of every API call with its bodies, to check them against HubSpot's own specs. */
  readonly onExchange?: (exchange: Exchange) => void;
  /** What `POST /simulator/clock` does; its answer is the response. */
  readonly onAdvanceClock?: (hours: number) => Promise<unknown>;
}

interface ReceivedCall {
  readonly method: string;
  readonly path: string;
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  readonly atMs: number;
}

export interface Simulator {
  readonly url: string;
  readonly crm: Crm;
  /** API calls received, in the order they were answered. */
  readonly calls: readonly ReceivedCall[];
  /** Starts delivery, or goes on with other settings; what waits is sent to the new target. */
  setWebhooks(config: WebhookConfig): void;
  delivered(): DeliveryCounts;
  /** Work of calls without an answer that is still to be done. */
  readonly landings: Pick<Landings, 'due' | 'catchUp'>;
  /** All webhooks delivered or given up. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { portalId = 1, appId = 50_780_459, seed = 1, clock = Date.now } = options;
  const { searchLagMs, associationsInline } = options;
  const state = createCrmState(clock, seed, {
    ...(searchLagMs !== undefined && { searchLagMs }),
    ...(associationsInline !== undefined && { associationsInline }),
  });
  const crm = createCrm(state);
  const calls: ReceivedCall[] = [];
  const delivery = createDelivery(
    options.clientSecret ?? 'local-client-secret',
    createRandom(seed, 'delivery'),
    createRandom(seed, 'drops'),
  );
  const writer = createEventWriter({ portalId, appId, random: createRandom(seed, 'events') });
  state.listeners.push((change) => delivery.send(writer.eventsOf(change, delivery.subscriptions())));
  if (options.webhooks !== undefined) delivery.configure(options.webhooks);
  const api = createApi(options, state, (exchange) => {
    const { method, path, status, atMs } = exchange;
    calls.push({ method, path, status, atMs });
    if (calls.length > MAX_CALLS_KEPT) calls.splice(0, MAX_CALLS_KEPT / 10);
    options.onExchange?.(exchange);
  });
  const control: Control = {
    crm,
    advanceClock: options.onAdvanceClock,
    state: () => ({
      portalId,
      now: new Date(clock()).toISOString(),
      records: countLive(state),
      webhooks: delivery.counts(),
      calls: calls.length,
      rateLimited: api.limiter.refused(),
    }),
  };
  const server = http.createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    void answer(api, control, request, response);
  });
  const port = await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    crm,
    calls,
    setWebhooks: (config) => delivery.configure(config),
    delivered: () => delivery.counts(),
    landings: api.landings,
    settled: () => delivery.settled(),
    stop: () => {
      api.landings.stop();
      return close(server, delivery);
    },
  };
}

function createApi(
  options: SimulatorOptions,
  state: Api['state'],
  onExchange: (exchange: Exchange) => void,
): Api {
  const { portalId = 1, appId = 50_780_459, seed = 1, timeZone = 'UTC', clock = Date.now } = options;
  const { sleep = sleepInWallTime } = options;
  return {
    state,
    portal: {
      portalId,
      appId,
      timeZone,
      scopes: options.scopes ?? ALL_SCOPES,
      propertyLagMs: options.propertyLagMs ?? [250, 700],
    },
    random: createRandom(seed, 'api'),
    limiter: createLimiter({
      clock,
      timeZone,
      perTenSeconds: options.rateLimitPer10Seconds ?? 190,
      daily: options.dailyLimit ?? 625_000,
      searchesPerSecond: options.searchesPerSecond,
    }),
    apps: new Map([
      [options.accessToken ?? 'local-access-token', appId],
      ...(options.otherApps ?? []).map((app) => [app.accessToken, app.appId] as const),
    ]),
    latencyMs: options.latencyMs ?? [0, 0],
    faults: options.faults,
    sleep,
    landings: createLandings(clock, sleep),
    onExchange,
    admitted: 0,
  };
}

async function answer(
  api: Api,
  control: Control,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  try {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (!/^\/simulator(\/|$)/.test(url.pathname)) return await answerApi(api, request, response);
    const parsed = parseJson((await readBody(request)) ?? '');
    const reply = parsed.valid
      ? await answerControl(control, request.method ?? 'GET', url, parsed.value)
      : errorReply(400, parsed.why);
    sendReply(response, reply);
  } catch {
    response.destroy(); // The caller went away, or sent what is not HTTP.
  }
}

function listen(server: http.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('the server has no port'));
      else resolve(address.port);
    });
  });
}

function close(server: http.Server, delivery: Delivery): Promise<void> {
  delivery.stop();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
