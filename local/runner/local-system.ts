import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Assembly, type MappingPlan, readAssembly } from './assembly.ts';
import { createMovedClock, type MovedClock } from './clock.ts';
import { type Doors, type DoorsSetting, openDoors } from './doors.ts';
import { type QueueEngine, startQueueEngine, startTableEngine, type TableEngine } from './engines.ts';
import type { Answering } from './environment.ts';
import { type EventSource, startEventSource } from './event-source.ts';
import type { Invocation } from './function.ts';
import { type HttpApi, startHttpApi } from './http-api.ts';
import { type Collector, type Metrics, startCollector } from './metrics.ts';
import { startNights } from './nights.ts';
import { type Passed, type PassOptions, passTime } from './passing-time.ts';
import { type QuietOptions, untilQuiet } from './quiet.ts';
import { type AwsCall, createRecorder } from './recorder.ts';
import { type SecretsEndpoint, startSecretsEndpoint } from './secrets-endpoint.ts';

const DEFAULT_LOG_DIRECTORY = path.resolve(import.meta.dirname, '../../.local/logs');

type Door = 'ingest' | 'scorer' | 'write-back' | 'nightly' | 'explain';

export interface LocalSystemOptions {
  /** `cdk.out`, synthesized. */
  readonly assemblyDirectory: string;
  /** 0 = any free port. */
  readonly ingestPort: number;
  readonly hubspotUrl: string;
  readonly hubspotAccessToken: string;
  readonly clientSecret: string;
  readonly signalsSecret: string;
  /** Window of the queue `Changes`, in seconds, instead of the template's. */
  readonly writeBackWindowSeconds?: number;
  /** Messages of one batch of the queue `Changes`, instead of the template's: fewer make more calls to HubSpot. */
  readonly writeBackBatchSize?: number;
  /**
   * Where each function's output goes, as `<door>.log`.
   *
   * @default `.local/logs` in the repository
   */
  readonly logDirectory?: string;
  /**
   * Whether what the functions call of AWS is written down, and each of their invocations, for `calls()` and `invocations()`.
   *
   * @default false
   */
  readonly recordCalls?: boolean;
  /**
   * Whether what CloudWatch would hold is collected, for `metrics()`; capacity units only with `recordCalls`.
   *
   * @default false
   */
  readonly collectMetrics?: boolean;
  /**
   * Starts the stand-in for DynamoDB.
   *
   * @default dynalite, which runs everywhere, and tells of writes to indexes nothing
   */
  readonly startTables?: () => Promise<TableEngine>;
  /**
   * Told of every process that was given an event, when it was: for who wants to see what becomes of an invocation that does not end.
   *
   * @default nobody
   */
  readonly answering?: (one: Answering) => void;
  /** Told what an operator would want to know: failures, and what a long wait waits for. */
  readonly log: (line: string) => void;
}

/** The synthesized stack, running on this machine. */
export interface LocalSystem {
  readonly ingestUrl: string;
  readonly dynamoDbUrl: string;
  readonly sqsUrl: string;
  /** Where buckets lie, by path. */
  readonly s3Url: string;
  readonly secretsUrl: string;
  readonly tableName: string;
  /** By construct path, such as `Scorer/Events`. */
  readonly queueUrls: Readonly<Record<string, string>>;
  /** What a function finds in its environment, for tools that speak to the same engines. */
  environmentOf(door: Door): Readonly<Record<string, string>>;
  /** The moved clock, epoch milliseconds. */
  now(): number;
  /** Moves the clock of scorer, write-back, nightly and the queues to wall time + `offsetMs`; runs nothing. */
  setClock(offsetMs: number): void;
  /** Moves the clock forward through every scheduled night, and lets scores fade up to where it arrives. */
  advanceClock(hours: number): Promise<{ now: string; nights: number }>;
  /** @throws FunctionError */
  invoke(door: Door, event: unknown): Promise<unknown>;
  /** Resolves when nothing is under way; with `flushWindows`, without waiting for batching windows. */
  drained(options?: { readonly flushWindows?: boolean }): Promise<void>;
  /** Lets time pass without waiting for it: the clock is moved from one postponed message to the next until none is left. */
  passTime(options: PassOptions): Promise<Passed>;
  /** Hands out what the batching windows hold now. */
  flushWindows(): void;
  deadLetters(): Promise<{ queue: string; body: string }[]>;
  /** What the functions, and nobody else, called of AWS since the start. @throws Error without `recordCalls` */
  calls(): readonly AwsCall[];
  /** Every invocation that has ended since the start. @throws Error without `recordCalls` */
  invocations(): readonly Invocation[];
  /** What CloudWatch would hold of the run so far. @throws Error without `collectMetrics` */
  metrics(): Metrics;
  /** Processes started by this one: functions that are alive, and the engines. */
  pids(): Promise<number[]>;
  /** Ends everything that was started; no process stays. */
  stop(): Promise<void>;
}

/** How to end what was started, the latest first. */
type Stops = (() => unknown)[];

/**
 * Runs a synthesized CDK assembly: its bundles in processes of their own, wired by its template, on local engines.
 *
 * @throws Error when the template holds what the local run does not know, or the port is taken; nothing stays running then
 */
export async function startLocalSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  const stops: Stops = [];
  try {
    const parts = await startParts(options, stops);
    return joinParts(parts, options, stops);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

async function stopAll(stops: Stops): Promise<void> {
  const errors: unknown[] = [];
  for (const stop of stops.splice(0).toReversed()) {
    try {
      await stop();
    } catch (error) {
      errors.push(error); // The others still have to end.
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'Not everything stopped cleanly');
}

interface Parts {
  readonly assembly: Assembly;
  readonly clock: MovedClock;
  readonly tables: TableEngine;
  readonly queues: QueueEngine;
  readonly secrets: SecretsEndpoint;
  readonly http: HttpApi;
  readonly doors: Doors;
  readonly sources: readonly EventSource[];
  readonly way: Way;
  readonly collector: Collector | undefined;
}

async function startParts(options: LocalSystemOptions, stops: Stops): Promise<Parts> {
  const directory = await mkdtemp(path.join(tmpdir(), 'afterglow-'));
  stops.push(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  const clock = createMovedClock(directory);
  stops.push(() => clock.close());
  const tables = await (options.startTables ?? startTableEngine)();
  stops.push(() => tables.stop());
  const queues = await startQueueEngine(clock);
  stops.push(() => queues.stop());
  const assembly = readAssembly(options.assemblyDirectory, queues.url);
  for (const table of assembly.tables) await tables.create(table);
  for (const queue of assembly.queues) await queues.create(queue);
  for (const bucket of assembly.buckets) await queues.createBucket(bucket);
  const secrets = await startSecretsEndpoint(assembly.secrets, secretValues(assembly, options));
  stops.push(() => secrets.stop());
  const way = await (options.recordCalls === true ? recordedWay : straightWay)(assembly, {
    tables,
    queues,
    secrets,
  });
  stops.push(() => way.stop());
  const collector = collectorOf(options, { assembly, clock, queues, way });
  stops.push(() => collector?.stop());
  let doors: Doors | undefined; // They are told the address of the API that they answer.
  const http = await startHttpApi(
    options.ingestPort,
    assembly.routes,
    () => clock.now(),
    (arn) => doors?.byArn(arn),
    (status) => collector?.answered(assembly.routes[0]?.apiId ?? '', status),
  );
  stops.push(() => http.stop());
  doors = await openDoors({
    assembly,
    clock,
    directory,
    logDirectory: options.logDirectory ?? DEFAULT_LOG_DIRECTORY,
    overrides: { PUBLIC_URL: http.url, HUBSPOT_API_URL: options.hubspotUrl },
    endpoints: {
      AWS_ENDPOINT_URL: secrets.url, // A service without a stand-in is refused there, instead of reached in earnest.
      AWS_ENDPOINT_URL_SQS: queues.url,
      AWS_ENDPOINT_URL_S3: queues.url,
      AWS_ENDPOINT_URL_DYNAMODB: tables.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    },
    led: way.led,
    invoked(invocation) {
      way.invoked?.(invocation);
      collector?.invoked(invocation);
    },
    answering: options.answering,
    output: collector && ((door) => collector.output(door)),
    report: options.log,
  });
  const stopping = [doors, ...startSources(assembly, options, { queues, doors, clock })] as const;
  stops.push(() => Promise.all(stopping.map((one) => one.stop())));
  const [, ...sources] = stopping;
  return { assembly, clock, tables, queues, secrets, http, doors, sources, way, collector };
}

function collectorOf(
  { collectMetrics = false, recordCalls = false, log }: LocalSystemOptions,
  { assembly, clock, queues, way }: Pick<Parts, 'assembly' | 'clock' | 'queues' | 'way'>,
): Collector | undefined {
  if (!collectMetrics) return undefined;
  const calls = recordCalls ? way.calls() : [];
  const now = () => clock.now();
  return startCollector({ ...assembly, engine: queues, calls, now, report: log });
}

/** How the functions' processes reach the engines, and what is written down of it. */
interface Way extends Pick<DoorsSetting, 'led' | 'invoked'>, Pick<LocalSystem, 'calls' | 'invocations'> {
  stop(): void;
}

type Engines = Readonly<Record<string, { readonly url: string }>>;

function notRecorded(): never {
  throw new Error('Calls are not recorded: start with recordCalls');
}

async function straightWay(): Promise<Way> {
  return {
    led: (variables) => variables,
    calls: notRecorded,
    invocations: notRecorded,
    stop: () => undefined,
  };
}

/**
 * Puts a recorder before each engine. A queue's URL begins with its engine's address, and an SQS client goes where the URL leads:
 * so every variable that begins with an engine's address is led through.
 */
async function recordedWay({ functions }: Assembly, engines: Engines): Promise<Way> {
  const doors = new Set(functions.map(({ door }) => door));
  const recorder = createRecorder({ doorOf: (key) => (doors.has(key) ? key : undefined) });
  const invocations: Invocation[] = [];
  const proxies: { readonly url: string; readonly proxy: string }[] = [];
  for (const { url } of Object.values(engines)) proxies.push({ url, proxy: await recorder.before(url) });
  const lead = (value: string): string => {
    const past = proxies.find(({ url }) => value === url || value.startsWith(`${url}/`));
    return past === undefined ? value : past.proxy + value.slice(past.url.length);
  };
  return {
    led: (variables) =>
      Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, lead(value)])),
    calls: () => recorder.calls,
    invoked: (invocation) => invocations.push(invocation),
    invocations: () => invocations,
    stop: () => recorder.stop(),
  };
}

function joinParts(parts: Parts, options: LocalSystemOptions, stops: Stops): LocalSystem {
  const { assembly, clock, tables, queues, secrets, http, doors, sources, way, collector } = parts;
  let stopped: Promise<void> | undefined;
  const quiet = quietOf(parts, options, () => stopped !== undefined);
  const drained: LocalSystem['drained'] = async ({ flushWindows = false } = {}) => {
    await quiet({ flushWindows });
  };
  const nights = startNights({
    clock,
    schedules: assembly.schedules,
    run: ({ functionArn, input }) => doors.byArn(functionArn).invoke(JSON.parse(input)),
    decayUpToNow: () => doors.byName('nightly').invoke({ job: 'decay', upTo: 'now' }),
    drained: () => drained({ flushWindows: true }),
    report: options.log,
  });
  stops.push(() => nights.stop());
  return {
    ingestUrl: http.url,
    dynamoDbUrl: tables.url,
    sqsUrl: queues.url,
    s3Url: queues.url,
    secretsUrl: secrets.url,
    tableName: assembly.tables[0]?.name ?? '',
    queueUrls: Object.fromEntries(assembly.queues.map((queue) => [queue.path, queue.url])),
    environmentOf: (door) => doors.byName(door).variables,
    now: () => clock.now(),
    setClock(offsetMs) {
      clock.setOffset(offsetMs);
      nights.clockWasSet();
    },
    advanceClock: (hours) => nights.advance(hours),
    invoke: (door, event) => doors.byName(door).invoke(event),
    drained,
    passTime: (wanted) =>
      passTime(
        {
          clock,
          nights,
          untilQuiet: (leaveWindows) =>
            quiet({ flushWindows: !leaveWindows, leaveWindows, leavePostponed: true }),
        },
        wanted,
      ),
    flushWindows() {
      for (const source of sources) source.flush();
    },
    deadLetters: () => readDeadLetters(assembly, queues),
    calls: way.calls,
    invocations: way.invocations,
    metrics() {
      if (collector === undefined) throw new Error('Metrics are not collected: start with collectMetrics');
      return collector;
    },
    pids: () => alive(doors, [tables, queues]),
    stop: () => (stopped ??= stopAll(stops)),
  };
}

function quietOf(
  { assembly, queues, sources, clock, doors, http }: Parts,
  { log }: LocalSystemOptions,
  isStopped: () => boolean,
): (wanted: QuietOptions) => Promise<readonly number[]> {
  const setting = {
    engine: queues,
    read: assembly.queues.filter(({ arn }) => assembly.mappings.some(({ queueArn }) => queueArn === arn)),
    sources,
    now: () => clock.now(),
    busy: () => doors.all.reduce((sum, one) => sum + one.busy(), http.busy()),
    isStopped,
    report: log,
  };
  return (wanted) => untilQuiet(setting, wanted);
}

async function alive(
  { all }: Doors,
  engines: readonly { readonly pid: number | undefined }[],
): Promise<number[]> {
  const functions = await Promise.all(all.map((one) => one.pids()));
  return [...functions.flat(), ...engines.flatMap(({ pid }) => pid ?? [])];
}

async function readDeadLetters(
  assembly: Assembly,
  engine: QueueEngine,
): Promise<{ queue: string; body: string }[]> {
  const targets = assembly.queues.map(({ deadLetters }) => deadLetters?.arn);
  const letters = assembly.queues
    .filter(({ arn }) => targets.includes(arn))
    .map(async (queue) => (await engine.bodies(queue.name)).map((body) => ({ queue: queue.path, body })));
  return (await Promise.all(letters)).flat();
}

/** The secrets an operator would fill in, found by the variable that names them. */
function secretValues({ functions }: Assembly, options: LocalSystemOptions): Map<string, string> {
  const { clientSecret, signalsSecret, hubspotAccessToken: accessToken } = options;
  const byVariable = {
    WEBHOOK_SECRET_ARN: JSON.stringify({ clientSecret, signalsSecret }),
    HUBSPOT_TOKEN_SECRET_ARN: JSON.stringify({ accessToken }),
  };
  const values = new Map<string, string>();
  for (const { environment } of functions) {
    for (const [variable, value] of Object.entries(byVariable)) {
      const arn = environment[variable];
      if (arn !== undefined) values.set(arn, value);
    }
  }
  return values;
}

function startSources(
  { mappings, queues, functions }: Assembly,
  options: LocalSystemOptions,
  parts: Pick<Parts, 'queues' | 'doors' | 'clock'>,
): EventSource[] {
  return mappings.map((mapping) => {
    const queue = queues.find(({ arn }) => arn === mapping.queueArn);
    const target = functions.find(({ name }) => name === mapping.functionName);
    if (queue === undefined || target === undefined) {
      throw new Error(`The mapping of ${mapping.queueArn} to ${mapping.functionName} leads nowhere`);
    }
    return startEventSource({
      client: parts.queues.client,
      queue,
      mapping: isChanges(queue.path) ? { ...mapping, ...changesLane(options) } : mapping,
      target: parts.doors.byArn(target.arn),
      now: () => parts.clock.now(),
      report: options.log,
    });
  });
}

function isChanges(queuePath: string): boolean {
  return queuePath.split('/').at(-1) === 'Changes';
}

/** What of the changes lane is otherwise than in the template. */
function changesLane({
  writeBackWindowSeconds,
  writeBackBatchSize,
}: LocalSystemOptions): Partial<MappingPlan> {
  return {
    ...(writeBackWindowSeconds !== undefined && { windowSeconds: writeBackWindowSeconds }),
    ...(writeBackBatchSize !== undefined && { batchSize: writeBackBatchSize }),
  };
}
