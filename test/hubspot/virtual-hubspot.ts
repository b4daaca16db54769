// HubSpot's limits on a clock that is moved by hand: an exact sliding log, callers with a transport of ours, a table that counts.

import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { install } from '@sinonjs/fake-timers';
import * as v from 'valibot';
import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import {
  Budget,
  BudgetExhaustedError,
  type BudgetOptions,
  PortalStoppedError,
} from '../../lambdas/hubspot/budget.ts';
import {
  Budgeted,
  type BudgetLane,
  type BudgetSettings,
  type BudgetState,
  FULL_BUDGET,
} from '../../lambdas/hubspot/budget-state.ts';
import { type OutgoingRequest, transportOf } from '../../lambdas/hubspot/transport.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { createLimiter } from '../../local/hubspot/limiter.ts';
import { createRandom, type Random } from '../../local/hubspot/random.ts';

const realSetImmediate = setImmediate;

/** Noon of a November day in UTC. */
export const NOON = Date.UTC(2026, 10, 10, 12);

/** Our default reserve of HubSpot Professional's limits. */
export const PROFESSIONAL: BudgetSettings = {
  limit: 190,
  reserve: 20,
  dailyLimit: 625_000,
  dailyReservePercent: 10,
};

/** A call as HubSpot saw it. */
export interface Call {
  readonly by: string;
  readonly lane: BudgetLane;
  readonly askedAtMs: number;
  readonly sentAtMs: number;
  /** When HubSpot counted it. */
  readonly atMs: number;
  readonly status: number;
}

interface Options {
  readonly nowMs?: number;
  readonly timeZone?: string;
  readonly settings?: BudgetSettings;
  /** What HubSpot really allows. */
  readonly perTenSeconds?: number;
  readonly daily?: number;
  /** How long a command of the table takes, in milliseconds. */
  readonly tableMs?: number;
  /** Answers a call that the limits admitted otherwise than with 200. */
  readonly answer?: (
    call: number,
    nowMs: number,
  ) => { status: number; body?: object; headers?: Record<string, string> } | undefined;
}

export type VirtualHubSpot = ReturnType<typeof openVirtualHubSpot>;

/** Fakes timers, Date and fetch until `close`. */
export function openVirtualHubSpot(options: Options = {}) {
  const { nowMs = NOON, timeZone = 'UTC', settings = PROFESSIONAL, tableMs = 5 } = options;
  const { perTenSeconds = 190, daily = 625_000 } = options;
  const clock = install({ now: nowMs, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const realFetch = globalThis.fetch;
  const random = createRandom(1, 'virtual HubSpot');
  const limiter = createLimiter({ clock: Date.now, timeZone, perTenSeconds, daily });
  const table = countingTable(tableMs, random);
  const calls: Call[] = [];
  const refusals: {
    readonly by: string;
    readonly lane: BudgetLane;
    readonly waitedMs: number;
    readonly error: Error;
  }[] = [];
  let admitted = 0;
  let budgets = 0;

  const inFlight: { by: string; lane: BudgetLane; askedAtMs: number }[] = [];
  globalThis.fetch = async (_url, init) => {
    const sentAtMs = Date.now();
    const { by, lane, askedAtMs } = inFlight.shift() ?? { by: '?', lane: 'changes' as const, askedAtMs: 0 };
    const latencyMs = random.between(200, 400);
    await sleep(latencyMs / 2);
    init?.signal?.throwIfAborted();
    const { refusal, headers } = limiter.admit('ours');
    const reply = refusal ?? options.answer?.(++admitted, Date.now()) ?? { status: 200, body: {} };
    calls.push({ by, lane, askedAtMs, sentAtMs, atMs: Date.now(), status: reply.status });
    await sleep(latencyMs / 2);
    const response = new Response(null, { status: reply.status, headers: { ...headers, ...reply.headers } });
    // A stream would take time of its own.
    return Object.assign(response, { text: async () => JSON.stringify(reply.body ?? {}) });
  };

  return {
    clock,
    calls,
    refusals,
    table,
    limiter,
    /** The row as it stands. */
    state: table.state,
    /** Another caller who keeps to no budget. @returns whether HubSpot took the call */
    rival: (token = 'ours') => limiter.admit(token).refusal === undefined,
    /** A process with its own budget over the one row. */
    instance(budgetOptions: Partial<BudgetOptions> = {}) {
      budgets += 1;
      const by = `instance ${budgets}`;
      const row = new PortalRow(table.client, 'table', '33', 'budget', Budgeted, FULL_BUDGET);
      const budget = new Budget(row, settings, {
        clock: Date.now,
        timeZone: () => timeZone,
        ...budgetOptions,
      });
      const transports = new Map<BudgetLane, ReturnType<typeof transportOf>>();
      const send = (lane: BudgetLane) => {
        const known = transports.get(lane);
        if (known !== undefined) return known;
        const made = transportOf({
          budget: tellingOf(budget, (askedAtMs) => inFlight.push({ by, lane, askedAtMs })),
          lane,
          readToken: async () => 'ours',
          clock: Date.now,
          timeZone: () => timeZone,
          onAnswer: () => undefined,
        });
        transports.set(lane, made);
        return made;
      };
      return {
        by,
        budget,
        /** One call. @returns what it ended with */
        async call(lane: BudgetLane): Promise<number | Error> {
          const askedAtMs = Date.now();
          try {
            return (await send(lane)(REQUEST)).status;
          } catch (error) {
            if (error instanceof HubSpotError) return error;
            if (error instanceof BudgetExhaustedError || error instanceof PortalStoppedError) {
              refusals.push({ by, lane, waitedMs: Date.now() - askedAtMs, error });
              return error;
            }
            throw error;
          }
        },
        /** So many workers, each with one call after the other; who finds no call free pauses as a queue would. */
        async work(lane: BudgetLane, workers: number, untilMs: number): Promise<void> {
          await Promise.all(
            Array.from({ length: workers }, async () => {
              while (Date.now() < untilMs) {
                const ended = await this.call(lane);
                if (ended instanceof BudgetExhaustedError) await sleep(1000);
                if (ended instanceof PortalStoppedError)
                  await sleep(Math.min(60_000, Math.max(1000, ended.untilMs - Date.now())));
              }
            }),
          );
        },
      };
    },
    /** Lets time pass until the work is done, or an instant is reached. */
    async run(work: Promise<unknown>, untilMs = Infinity): Promise<void> {
      let isDone = false;
      let failure: { readonly error: unknown } | undefined;
      work.then(
        () => (isDone = true),
        (error: unknown) => (failure = { error }),
      );
      for (;;) {
        await settled();
        if (failure !== undefined) throw failure.error;
        if (isDone || Date.now() >= untilMs) return;
        if (clock.countTimers() === 0) throw new Error('nothing will ever happen again');
        clock.next();
      }
    },
    close() {
      clock.uninstall();
      globalThis.fetch = realFetch;
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What waits for no timer has been done. */
async function settled(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => realSetImmediate(resolve));
}

/** A budget that says when a grant was asked for, just before the call that follows it is sent. */
function tellingOf(budget: Budget, onGrant: (askedAtMs: number) => void): Budget {
  return new Proxy(budget, {
    get(target, name) {
      if (name !== 'take') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (lane: BudgetLane) => {
        const askedAtMs = Date.now();
        const grant = await target.take(lane);
        onGrant(askedAtMs);
        return grant;
      };
    },
  });
}

const REQUEST: OutgoingRequest = {
  getUrl: () => 'https://api.hubapi.com/crm/v3/objects/contacts/batch/update',
  getHttpMethod: () => 'POST',
  getHeaders: () => ({}),
  getBody: () => '{}',
};

/** One row, as DynamoDB keeps it: a condition is looked at half-way, when the command arrives. */
function countingTable(tableMs: number, random: Random) {
  const seen = { reads: 0, puts: 0, lostPuts: 0 };
  let item: Row | undefined;
  const arrive = ({ input }: GetCommand | PutCommand): { Item?: Row | undefined } => {
    if (!('Item' in input)) {
      seen.reads += 1;
      return { Item: structuredClone(item) };
    }
    seen.puts += 1;
    if (item?.version !== input.ExpressionAttributeValues?.[':version']) {
      seen.lostPuts += 1;
      throw new ConditionalCheckFailedException({ message: 'somebody was first', $metadata: {} });
    }
    item = structuredClone(v.parse(Row, input.Item));
    return {};
  };
  const send = async (command: GetCommand | PutCommand): Promise<unknown> => {
    const wayMs = random.between(tableMs / 2, tableMs) / 2;
    await sleep(wayMs);
    try {
      return arrive(command);
    } finally {
      await sleep(wayMs);
    }
  };
  return {
    client: { send: send as DynamoDBDocumentClient['send'] },
    seen,
    operations: () => seen.reads + seen.puts,
    state: (): BudgetState => v.parse(Budgeted, item?.state),
  };
}

const Row = v.object({ version: v.number(), state: v.unknown() });
type Row = v.InferOutput<typeof Row>;

/** HubSpot's way to count: the most calls in any 10 seconds. */
export function mostIn10Seconds(times: readonly number[]): number {
  const log: number[] = [];
  let most = 0;
  for (const time of times.toSorted((a, b) => a - b)) {
    log.push(time);
    while ((log[0] ?? time) <= time - 10_000) log.shift();
    most = Math.max(most, log.length);
  }
  return most;
}

export function within(times: readonly number[], fromMs: number, toMs: number): number {
  return times.filter((time) => time >= fromMs && time < toMs).length;
}
