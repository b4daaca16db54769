// The stack that deploys, running on this machine, with everything written down that AWS would bill.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import type { Model } from '../../lambdas/scoring/model.ts';
import { webhookHeaders } from '../../local/hubspot/sign.ts';
import { type Simulator, startSimulator } from '../../local/hubspot/simulator.ts';
import type { Invocation } from '../../local/runner/function.ts';
import { type LocalSystem, startLocalSystem } from '../../local/runner/local-system.ts';
import type { AwsCall } from '../../local/runner/recorder.ts';
import {
  GB,
  httpApiRequests,
  total,
  type Usage,
  usageOfCalls,
  usageOfInvocations,
  usageOfLogs,
  usageOfPollers,
} from './bill.ts';
import { type Change, eventsOf, provision } from './portal.ts';
import { startDynoxide } from './tables.ts';

export const PORTAL_ID = '1';
const CLIENT_SECRET = 'local-client-secret';
const ACCESS_TOKEN = 'local-access-token';
const SIGNALS_SECRET = `whsec_${Buffer.from('for this bench and no other').toString('base64')}`;
const MINUTE_MS = 60_000;
const LOOK_MS = 5;
/** Longest that a step may take: nothing in a calm run does. */
const MOST_MS = 120_000;
/** Milliseconds that a call to HubSpot takes, least and most: Lambda's time runs on meanwhile. */
const LATENCY_MS: readonly [number, number] = [200, 400];
/** Headers of a call to HubSpot, and what TLS adds to it: about so many bytes. */
const HEADER_BYTES = 600;

/** One door, or the way before it. */
export type Stage = 'ingest' | 'scorer' | 'write-back' | 'nightly';
export const STAGES: readonly Stage[] = ['ingest', 'scorer', 'write-back', 'nightly'];

/** What a door wrote to its log. */
interface Log {
  readonly bytes: number;
  readonly lines: number;
}

/** What was counted between two instants. */
export interface Counted {
  readonly calls: readonly AwsCall[];
  readonly invocations: readonly Invocation[];
  /** Bytes and lines that each door wrote to its log. */
  readonly logs: Readonly<Record<string, Log>>;
  /** Bytes of the body of each request to the HTTP API. */
  readonly requests: readonly number[];
  /** Bytes sent to HubSpot. */
  readonly bytesOut: number;
}

export interface MeasuredSystem {
  readonly system: LocalSystem;
  readonly simulator: Simulator;
  /** Delivers a signed request of changes. */
  readonly post: (changes: readonly Change[]) => Promise<void>;
  /** Resolves when a door has ended so many invocations since the start. */
  readonly invoked: (door: string, count: number) => Promise<void>;
  readonly invocationsOf: (door: string) => number;
  /** An id that no event had yet. */
  readonly nextEventId: () => number;
  /** Lets a minute pass: what waits in windows goes on, what falls due meanwhile too. */
  readonly passMinute: () => Promise<void>;
  /** Custom metrics that were sent since the start. */
  readonly metrics: () => Set<string>;
  /** Counts from now on. @returns what was counted when it is called */
  readonly count: () => () => Counted;
  readonly stop: () => Promise<void>;
}

/** @param assemblyDirectory - the synthesized stack, made for portal 1 */
export async function startMeasured(assemblyDirectory: string, model: Model): Promise<MeasuredSystem> {
  const logDirectory = mkdtempSync(join(tmpdir(), 'afterglow-cost-'));
  const requests: number[] = [];
  let bytesOut = 0;
  let system: LocalSystem | undefined;
  const simulator = await startSimulator({
    portalId: Number(PORTAL_ID),
    accessToken: ACCESS_TOKEN,
    clientSecret: CLIENT_SECRET,
    propertyLagMs: [0, 0],
    latencyMs: LATENCY_MS,
    clock: () => system?.now() ?? Date.now(),
    onExchange({ path, query, requestBody }) {
      const body = requestBody === undefined ? 0 : Buffer.byteLength(JSON.stringify(requestBody));
      bytesOut += HEADER_BYTES + path.length + query.length + body;
    },
  });
  provision(simulator.crm, model);
  try {
    system = await startLocalSystem({
      assemblyDirectory,
      ingestPort: 0,
      hubspotUrl: simulator.url,
      hubspotAccessToken: ACCESS_TOKEN,
      clientSecret: CLIENT_SECRET,
      signalsSecret: SIGNALS_SECRET,
      logDirectory,
      recordCalls: true,
      startTables: startDynoxide,
      log: (line) => console.error(line),
    });
  } catch (error) {
    await simulator.stop();
    throw error;
  }
  const running = system;
  const invocationsOf = (door: string) =>
    running.invocations().filter((invocation) => invocation.door === door).length;
  let lastEventId = 1_000_000_000;
  const nextEventId = (events = 1): number => (lastEventId += events) - events;
  return {
    system: running,
    simulator,
    async post(changes) {
      const body = JSON.stringify(eventsOf(PORTAL_ID, changes, nextEventId(changes.length)));
      const uri = `${running.ingestUrl}/webhooks/hubspot`;
      const signed = { method: 'POST', uri, body, secret: CLIENT_SECRET, timestamp: Date.now() };
      const answer = await fetch(uri, { method: 'POST', headers: webhookHeaders(signed), body });
      if (!answer.ok) throw new Error(`ingest answered ${answer.status}`);
      await answer.body?.cancel();
      requests.push(Buffer.byteLength(body));
    },
    invocationsOf,
    nextEventId: () => nextEventId(),
    async invoked(door, count) {
      const untilMs = Date.now() + MOST_MS;
      while (invocationsOf(door) < count) {
        if (Date.now() > untilMs) throw new Error(`${door} was not invoked within ${MOST_MS / 1000} s`);
        await pause(LOOK_MS);
      }
    },
    async passMinute() {
      const endsAtMs = running.now() + MINUTE_MS;
      await running.passTime({ mostMs: MINUTE_MS, mostWallMs: MOST_MS });
      running.setClock(Math.max(endsAtMs, running.now()) - Date.now());
    },
    metrics: () =>
      metricsIn(
        readdirSync(logDirectory).flatMap((file) =>
          readFileSync(join(logDirectory, file), 'utf8').split('\n'),
        ),
      ),
    count() {
      const before = {
        calls: running.calls().length,
        invocations: running.invocations().length,
        requests: requests.length,
        bytesOut,
        logs: readLogs(logDirectory),
      };
      return () => ({
        calls: running.calls().slice(before.calls),
        invocations: running.invocations().slice(before.invocations),
        requests: requests.slice(before.requests),
        bytesOut: bytesOut - before.bytesOut,
        logs: Object.fromEntries(
          Object.entries(readLogs(logDirectory)).map(([door, { bytes, lines }]) => {
            const was = before.logs[door] ?? { bytes: 0, lines: 0 };
            return [door, { bytes: bytes - was.bytes, lines: lines - was.lines }];
          }),
        ),
      });
    },
    async stop() {
      await running.stop();
      await simulator.stop();
      rmSync(logDirectory, { recursive: true, force: true });
    },
  };
}

function readLogs(directory: string): Record<string, Log> {
  return Object.fromEntries(
    readdirSync(directory).map((file) => {
      const text = readFileSync(join(directory, file));
      return [
        file.replace(/\.log$/, ''),
        { bytes: text.length, lines: text.toString().split('\n').length - 1 },
      ];
    }),
  );
}

const embeddedSchema = v.looseObject({
  _aws: v.object({
    CloudWatchMetrics: v.array(
      v.object({
        Namespace: v.string(),
        Dimensions: v.array(v.array(v.string())),
        Metrics: v.array(v.object({ Name: v.string() })),
      }),
    ),
  }),
});

/** Every metric that the lines of logs send in embedded format: namespace, name and dimensions with their values. */
export function metricsIn(lines: readonly string[]): Set<string> {
  const metrics = new Set<string>();
  for (const line of lines.filter((each) => each.includes('"_aws"'))) {
    const document = v.parse(embeddedSchema, JSON.parse(line));
    for (const { Namespace, Dimensions, Metrics } of document['_aws'].CloudWatchMetrics)
      for (const names of Dimensions)
        for (const { Name } of Metrics)
          metrics.add(
            [Namespace, Name, ...names.map((name) => `${name}=${String(document[name])}`)].join(' '),
          );
  }
  return metrics;
}

/**
 * What one stage is billed for: the requests that reach it, its function, what that calls, and its log. Invocations for which a
 * process was started are left out of Lambda's time, since few are; but for the nightly run, for which one always is.
 */
export function usageOfStage(stage: Stage, { calls, invocations, logs, requests, bytesOut }: Counted): Usage {
  const own = invocations.filter(({ door }) => door === stage);
  const timed = own.filter(({ isCold }) => !isCold || stage === 'nightly');
  return total([
    usageOfCalls(calls.filter(({ door }) => door === stage)),
    usageOfInvocations(timed),
    { lambdaRequest: own.length - timed.length },
    usageOfPollers(own),
    usageOfLogs(logs[stage] ?? { bytes: 0, lines: 0 }, own.length),
    ...(stage === 'ingest' ? requests.map((bytes) => ({ httpApiRequest: httpApiRequests(bytes) })) : []),
    ...(stage === 'write-back' ? [{ transferOut: bytesOut / GB }] : []),
  ]);
}
