// Delivery of webhooks: signed batches, few at a time, repeated when they fail, sometimes twice, in no promised order.
import type { Random } from './random.ts';
import { webhookHeaders } from './sign.ts';
import { parseSubscriptions, type Subscription, type WebhookEvent } from './webhook-events.ts';

/** Events in one request, and requests in flight (HubSpot docs, "Webhooks", read November 2026). */
const MAX_BATCH = 100;
const MAX_IN_FLIGHT = 10;
const ANSWER_TIMEOUT_MS = 5000;
const MAX_RETRIES = 10;
/** How long events gather before they are sent. */
const GATHER_MS = 20;
/** How far reordering reaches: events among which the next batch is drawn. */
const REORDER_REACH = 500;

export interface WebhookConfig {
  readonly targetUrl: string;
  readonly subscriptions: readonly string[];
  /** Share of events that are delivered a second time; default 0. */
  readonly duplicateRate?: number;
  readonly reorder?: boolean;
  /** Share of events that are never delivered; default 0. Which ones depends on the seed and the order of changes alone. */
  readonly dropRate?: number;
  /** Of the subscriptions, those of which nothing is delivered. */
  readonly dropSubscriptions?: readonly string[];
  /** Default and most: 100. */
  readonly batchSize?: number;
  /** Default and most: 10. */
  readonly maxConcurrentRequests?: number;
  /** The first pause before a retry, about; each further one is twice as long. HubSpot spreads 10 over a day; default 1,000. */
  readonly retryDelayMs?: number;
}

export interface DeliveryCounts {
  /** Requests answered with 2xx. */
  readonly requests: number;
  /** Events in those requests, repeated ones included. */
  readonly events: number;
  readonly distinct: number;
  /** Attempts that were refused, timed out or not answered. */
  readonly refused: number;
  /** Events given up after the last retry. */
  readonly lost: number;
  /** Events that were never sent. */
  readonly dropped: number;
}

interface Outgoing {
  readonly event: WebhookEvent;
  readonly sequence: number;
  readonly again: boolean;
}

interface Batch {
  readonly items: readonly Outgoing[];
  readonly attempt: number;
}

export interface Delivery {
  configure(config: WebhookConfig): void;
  subscriptions(): readonly Subscription[];
  send(events: readonly WebhookEvent[]): void;
  counts(): DeliveryCounts;
  settled(): Promise<void>;
  stop(): void;
}

/**
 * Posts one attempt to an app.
 *
 * @param signal - says when nobody waits for the answer any more
 * @returns the status; 0 for none
 */
export type Post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
) => Promise<number>;

export interface DeliveryOptions {
  readonly clientSecret: string;
  readonly post: Post;
  /** What attempts are signed with, epoch milliseconds: apps compare it with wall time. */
  readonly wallClock: () => number;
  readonly random: Random;
  /** Decides which events are never delivered. */
  readonly drops: Random;
}

interface DeliveryState extends DeliveryOptions {
  config: WebhookConfig | undefined;
  subscriptions: readonly Subscription[];
  /** Ids of subscriptions of which nothing is delivered. */
  silenced: ReadonlySet<number>;
  pending: Outgoing[];
  readonly timers: Set<NodeJS.Timeout>;
  readonly ready: Batch[];
  waitingRetries: number;
  inFlight: number;
  gathering: boolean;
  stopped: boolean;
  sequence: number;
  requests: number;
  events: number;
  refused: number;
  lost: number;
  dropped: number;
  readonly accepted: Set<number>;
  readonly waiters: (() => void)[];
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const state: DeliveryState = {
    ...options,
    config: undefined,
    subscriptions: [],
    silenced: new Set(),
    pending: [],
    timers: new Set(),
    ready: [],
    waitingRetries: 0,
    inFlight: 0,
    gathering: false,
    stopped: false,
    sequence: 0,
    requests: 0,
    events: 0,
    refused: 0,
    lost: 0,
    dropped: 0,
    accepted: new Set(),
    waiters: [],
  };
  return {
    configure: (config) => configure(state, config),
    subscriptions: () => state.subscriptions,
    send: (events) => accept(state, events),
    counts: () => ({
      requests: state.requests,
      events: state.events,
      distinct: state.accepted.size,
      refused: state.refused,
      lost: state.lost,
      dropped: state.dropped,
    }),
    settled: () => new Promise((resolve) => (isIdle(state) ? resolve() : state.waiters.push(resolve))),
    stop: () => stop(state),
  };
}

function configure(state: DeliveryState, config: WebhookConfig): void {
  const { subscriptions, dropSubscriptions = [] } = config;
  state.subscriptions = parseSubscriptions(subscriptions);
  state.silenced = idsOf(dropSubscriptions, subscriptions);
  state.config = config;
}

/** @throws RangeError on one that is not subscribed: nothing could be dropped of it */
function idsOf(chosen: readonly string[], subscriptions: readonly string[]): ReadonlySet<number> {
  const stranger = chosen.find((text) => !subscriptions.includes(text));
  if (stranger !== undefined) throw new RangeError(`"${stranger}" is not subscribed`);
  const texts = [...new Set(subscriptions)];
  const parsed = parseSubscriptions(texts);
  return new Set(parsed.filter((_each, at) => chosen.includes(texts[at] ?? '')).map(({ id }) => id));
}

function accept(state: DeliveryState, events: readonly WebhookEvent[]): void {
  if (state.config === undefined || state.stopped) return;
  for (const event of events) {
    if (isDropped(state, event)) {
      state.dropped++;
      continue;
    }
    const sequence = state.sequence++;
    state.pending.push({ event, sequence, again: false });
    if (state.random.next() < (state.config.duplicateRate ?? 0))
      state.pending.push({ event, sequence, again: true });
  }
  gather(state);
}

/** Draws for every event, so that what is chosen to be silent changes nothing for the others. */
function isDropped({ config, drops, silenced }: DeliveryState, { subscriptionId }: WebhookEvent): boolean {
  const isUnlucky = drops.next() < (config?.dropRate ?? 0);
  return isUnlucky || (typeof subscriptionId === 'number' && silenced.has(subscriptionId));
}

/** Waits a moment for more events, then sends. */
function gather(state: DeliveryState): void {
  if (state.gathering || state.stopped || state.pending.length === 0) return;
  state.gathering = true;
  after(state, GATHER_MS, () => {
    state.gathering = false;
    pump(state);
  });
}

/** Starts as many requests as may be in flight. */
function pump(state: DeliveryState): void {
  const limit = Math.min(state.config?.maxConcurrentRequests ?? MAX_IN_FLIGHT, MAX_IN_FLIGHT);
  while (!state.stopped && state.inFlight < limit) {
    const batch = state.ready.shift() ?? nextBatch(state);
    if (batch === undefined) break;
    state.inFlight++;
    void deliver(state, batch);
  }
  if (isIdle(state)) for (const resolve of state.waiters.splice(0)) resolve();
}

function nextBatch(state: DeliveryState): Batch | undefined {
  const size = Math.min(state.config?.batchSize ?? MAX_BATCH, MAX_BATCH);
  if (state.pending.length === 0) return undefined;
  const within =
    state.config?.reorder === true ? state.random.shuffled(state.pending.slice(0, REORDER_REACH)) : [];
  if (within.length > 0) state.pending.splice(0, within.length, ...within);
  const chosen = new Map<number, Outgoing>();
  const later: Outgoing[] = [];
  for (const item of state.pending.splice(0, size)) {
    if (chosen.has(item.sequence))
      later.push(item); // The repeat of an event comes in another request.
    else chosen.set(item.sequence, item);
  }
  state.pending.unshift(...later);
  return { items: [...chosen.values()], attempt: 0 };
}

async function deliver(state: DeliveryState, batch: Batch): Promise<void> {
  const { config } = state;
  const status = config === undefined ? 0 : await attempt(state, config.targetUrl, bodyOf(batch));
  state.inFlight--;
  if (state.stopped) return;
  if (status >= 200 && status < 300) {
    state.requests++;
    state.events += batch.items.length;
    for (const { sequence } of batch.items) state.accepted.add(sequence);
  } else {
    state.refused++;
    retryLater(state, batch);
  }
  pump(state);
}

function bodyOf(batch: Batch): string {
  return JSON.stringify(batch.items.map(({ event }) => ({ ...event, attemptNumber: batch.attempt })));
}

function retryLater(state: DeliveryState, batch: Batch): void {
  if (batch.attempt >= MAX_RETRIES) {
    state.lost += batch.items.length;
    return;
  }
  const base = state.config?.retryDelayMs ?? 1000;
  const delayMs = base * 2 ** batch.attempt * (0.5 + state.random.next());
  state.waitingRetries++;
  after(state, delayMs, () => {
    state.waitingRetries--;
    state.ready.push({ ...batch, attempt: batch.attempt + 1 });
    pump(state);
  });
}

/** Posts one attempt, signed with the time of the attempt; answers the status, 0 for none in time. */
function attempt(state: DeliveryState, targetUrl: string, body: string): Promise<number> {
  const { clientSecret: secret, wallClock, post } = state;
  const headers = webhookHeaders({ method: 'POST', uri: targetUrl, body, secret, timestamp: wallClock() });
  const patience = new AbortController();
  return new Promise((resolve) => {
    const forget = after(state, ANSWER_TIMEOUT_MS, () => {
      patience.abort();
      resolve(0);
    });
    const end = (status: number) => {
      forget();
      resolve(status);
    };
    post(targetUrl, headers, body, patience.signal).then(end, () => end(0));
  });
}

function isIdle(state: DeliveryState): boolean {
  const nothingWaits = state.pending.length === 0 && state.ready.length === 0 && state.waitingRetries === 0;
  return state.stopped || (nothingWaits && state.inFlight === 0 && !state.gathering);
}

/** @returns a function that lets it be */
function after(state: DeliveryState, delayMs: number, act: () => void): () => void {
  const timer = setTimeout(() => {
    state.timers.delete(timer);
    act();
  }, delayMs);
  state.timers.add(timer);
  return () => {
    clearTimeout(timer);
    state.timers.delete(timer);
  };
}

function stop(state: DeliveryState): void {
  state.stopped = true;
  for (const timer of state.timers) clearTimeout(timer);
  for (const resolve of state.waiters.splice(0)) resolve();
}
