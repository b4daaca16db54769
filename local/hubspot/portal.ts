// A HubSpot portal inside this process: the CRM API, its limits and its webhooks, never kinder than the real one. No sockets: whoever
// has a request hands it over, and whoever takes webhooks is reached by the given `post`.
import { type Api, answerApi, type Exchange } from './api.ts';
import { type Crm, createCrm } from './crm.ts';
import type { Fault, FaultableCall } from './faults.ts';
import type { PortalAnswer, PortalRequest } from './http.ts';
import { createLandings, type Landings, type Sleep, sleepInWallTime } from './landings.ts';
import { createLimiter } from './limiter.ts';
import { createRandom, createUuids } from './random.ts';
import { type CrmState, createCrmState } from './records.ts';
import { createEventWriter } from './webhook-events.ts';
import { createDelivery, type DeliveryCounts, type Post, type WebhookConfig } from './webhooks.ts';

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

export interface PortalOptions {
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
  /** Epoch milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
  /** Epoch milliseconds: signs webhooks, and makes new properties seen. Default `Date.now`. */
  readonly wallClock?: () => number;
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
}

interface ReceivedCall {
  readonly method: string;
  readonly path: string;
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  readonly atMs: number;
}

export interface LocalPortal {
  readonly crm: Crm;
  /** What the portal holds, for whoever looks inside; not to be written to. */
  readonly state: CrmState;
  /** API calls received, in the order they were answered. */
  readonly calls: readonly ReceivedCall[];
  /** Calls refused for a limit so far. */
  refused(): number;
  /**
   * Answers one call of the API; undefined when the connection is closed without an answer. Unless latency or a fault makes it wait, its
   * work is done before this returns.
   */
  answer(request: PortalRequest): Promise<PortalAnswer | undefined>;
  /** Identifies one more call. */
  readonly newId: () => string;
  /** Starts delivery, or goes on with other settings; what waits is sent to the new target. */
  setWebhooks(config: WebhookConfig): void;
  delivered(): DeliveryCounts;
  /** Work of calls without an answer that is still to be done. */
  readonly landings: Pick<Landings, 'due' | 'catchUp'>;
  /** All webhooks delivered or given up. */
  settled(): Promise<void>;
  /** Nothing is delivered or done any more. */
  stop(): void;
}

/** @param post - reaches the app that webhooks go to; delivery waits by the timers of this thread */
export function createLocalPortal(options: PortalOptions, post: Post): LocalPortal {
  const { portalId = 1, appId = 50_780_459, seed = 1, searchLagMs, associationsInline } = options;
  const { clock = () => Date.now(), wallClock = () => Date.now() } = options;
  const state = createCrmState(clock, seed, {
    wallClock,
    ...(searchLagMs !== undefined && { searchLagMs }),
    ...(associationsInline !== undefined && { associationsInline }),
  });
  const calls: ReceivedCall[] = [];
  const delivery = createDelivery({
    clientSecret: options.clientSecret ?? 'local-client-secret',
    post,
    wallClock,
    random: createRandom(seed, 'delivery'),
    drops: createRandom(seed, 'drops'),
  });
  const writer = createEventWriter({ portalId, appId, random: createRandom(seed, 'events') });
  state.listeners.push((change) => delivery.send(writer.eventsOf(change, delivery.subscriptions())));
  if (options.webhooks !== undefined) delivery.configure(options.webhooks);
  const api = createApi(options, state, (exchange) => {
    const { method, path, status, atMs } = exchange;
    calls.push({ method, path, status, atMs });
    if (calls.length > MAX_CALLS_KEPT) calls.splice(0, MAX_CALLS_KEPT / 10);
    options.onExchange?.(exchange);
  });
  return {
    crm: createCrm(state),
    state,
    calls,
    refused: () => api.limiter.refused(),
    answer: (request) => answerApi(api, request),
    newId: api.newId,
    setWebhooks: (config) => delivery.configure(config),
    delivered: () => delivery.counts(),
    landings: api.landings,
    settled: () => delivery.settled(),
    stop: () => {
      api.landings.stop();
      delivery.stop();
    },
  };
}

function createApi(
  options: PortalOptions,
  state: Api['state'],
  onExchange: (exchange: Exchange) => void,
): Api {
  const { portalId = 1, appId = 50_780_459, seed = 1, timeZone = 'UTC' } = options;
  const { sleep = sleepInWallTime } = options;
  const { clock } = state;
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
    newId: createUuids(seed, 'answers'),
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
