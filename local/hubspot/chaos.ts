// Everything that HubSpot's API is known to do to a caller, a little of it at a time and in no order.
import * as v from 'valibot';
import { problemDetails, problemsMessage, validationError } from './errors.ts';
import type { Fault, FaultableCall } from './faults.ts';
import { tooManyRequests } from './limiter.ts';
import { createRandom, createUuids, type Random } from './random.ts';

/** Statuses that come from a gateway or from a server in trouble (HubSpot docs, "Error handling", read November 2026). */
const SERVER_STATUSES = [500, 502, 503, 504, 521, 523, 524] as const;
/** Of 100 inputs of a batch, those that an error of single inputs is about; at least one is. */
const ITEM_PERCENT = 20;

/** What can be done to a call: about its answer, its batch, or its connection. */
type Making = (call: ChaosCall, random: Random, settings: Settings) => Fault;

type Settings = Required<ChaosOptions> & { readonly newId: () => string };

interface Kind {
  /** Calls to which HubSpot does it. */
  readonly fits: (call: ChaosCall) => boolean;
  readonly make: Making;
}

/** A call as far as a fault has to know it. */
interface ChaosCall {
  readonly isWrite: boolean;
  /** Inputs of a batch of records, if they have ids by which an answer can leave one out; 0 for any other call. */
  readonly inputs: number;
  /** Names of the properties written, those of ours first: they are the ones that HubSpot complains about. */
  readonly written: readonly string[];
}

const always = () => true;
const isBatch = ({ inputs }: ChaosCall) => inputs > 0;
/** What is said of a whole request is said to several at once: of one record alone it would be true, and rightly believed. */
const isOfSeveral = ({ inputs }: ChaosCall) => inputs > 1;
const isWrite = (call: ChaosCall) => call.isWrite;
const isBatchWrite = (call: ChaosCall) => call.isWrite && call.inputs > 0;
const writesOurs = (call: ChaosCall) => call.isWrite && call.written.length > 0;

const answer =
  (status: number): Making =>
  () => ({ kind: 'answer', status });
const answerDone =
  (status: number): Making =>
  () => ({ kind: 'answer', status, executes: true });
/** The name of the kind that uses up a day's limit. */
const DAY = '429-day';
/** Not what was asked for: a page, such as a proxy or a login puts in between. */
const PAGE = '<!doctype html><title>One moment, please</title>';

/** Every kind by its name, in a fixed order. */
const KINDS = new Map<string, Kind>([
  ['400', { fits: isOfSeveral, make: refuseAll }],
  ['400-property', { fits: writesOurs, make: refuseForProperty }],
  ['207-unknown-category', { fits: isBatch, make: failSomehow }],
  ['207-READ_ONLY_VALUE', { fits: isBatchWrite, make: failForProperty('READ_ONLY_VALUE') }],
  ['207-PROPERTY_DOESNT_EXIST', { fits: isBatchWrite, make: failForProperty('PROPERTY_DOESNT_EXIST') }],
  ['207-INVALID_OPTION', { fits: isBatchWrite, make: failForProperty('INVALID_OPTION') }],
  ['left-out', { fits: isBatch, make: leaveOut(false) }],
  ['left-out-done', { fits: isBatchWrite, make: leaveOut(true) }],
  ['empty', { fits: isBatch, make: () => ({ kind: 'empty' }) }],
  ['empty-done', { fits: isBatchWrite, make: () => ({ kind: 'empty', executes: true }) }],
  ['not-json', { fits: always, make: () => ({ kind: 'answer', status: 200, body: PAGE }) }],
  [
    'not-json-done',
    { fits: isWrite, make: () => ({ kind: 'answer', status: 200, body: PAGE, executes: true }) },
  ],
  ['401', { fits: always, make: answer(401) }],
  ['403', { fits: always, make: answer(403) }],
  ['408', { fits: always, make: answer(408) }],
  ['408-done', { fits: isWrite, make: answerDone(408) }],
  ['409', { fits: isWrite, make: answer(409) }],
  ['414', { fits: isOfSeveral, make: answer(414) }],
  ['423', { fits: isWrite, make: answer(423) }],
  ['429-window', { fits: always, make: answer(429) }],
  [DAY, { fits: always, make: () => ({ kind: 'answer', ...tooManyRequests('DAILY') }) }],
  ['477', { fits: always, make: migrate }],
  ...SERVER_STATUSES.flatMap((status): [string, Kind][] => [
    [String(status), { fits: always, make: answer(status) }],
    [`${status}-done`, { fits: isWrite, make: answerDone(status) }],
  ]),
  ['reset', { fits: always, make: () => ({ kind: 'no-answer', lands: 'never' }) }],
  ['reset-done', { fits: isWrite, make: () => ({ kind: 'no-answer', lands: 'before' }) }],
  [
    'reset-late',
    {
      fits: isWrite,
      make: (_call, random, settings) => ({ kind: 'no-answer', lands: late(random, settings) }),
    },
  ],
  ['silence', { fits: always, make: silent(() => 'never') }],
  ['silence-done', { fits: isWrite, make: silent(() => 'before') }],
  ['silence-late', { fits: isWrite, make: silent(late) }],
]);

/** Stable names of all kinds. */
export const CHAOS_KINDS: readonly string[] = [...KINDS.keys()];

export interface ChaosOptions {
  readonly seed: number;
  /** Share of calls that something is done to. @default 0.05 */
  readonly rate?: number;
  /** Names of the kinds to draw from. @default all */
  readonly kinds?: readonly string[];
  /** How often at most a day's limit is said to be used up, which stops everything until midnight; last of all kinds. @default 0 */
  readonly mostDailyLimits?: number;
  /** Least and most seconds for which a migration asks; HubSpot asks for up to a day. @default 60 to 900 */
  readonly migrationSeconds?: readonly [number, number];
  /** Longest after its call that a write may still be done, in milliseconds. @default 600_000 */
  readonly latestLandingMs?: number;
  /** How long a silence lasts before the connection closes, in milliseconds: longer than a caller waits. @default 30_000 */
  readonly silenceMs?: number;
}

export interface Chaos {
  /** What is done to a call, for `SimulatorOptions.faults`. Calls that are not about records are left alone. */
  faults(call: FaultableCall): Fault | undefined;
  /** How often each kind was done so far, those that were not left out. */
  readonly injected: Readonly<Record<string, number>>;
}

/**
 * Does something to a share of the calls; the kind is drawn from those that fit the call and were done least often, so that few calls
 * meet all of them.
 *
 * @throws Error on the name of a kind that is not known
 */
export function createChaos(options: ChaosOptions): Chaos {
  const settings: Settings = {
    rate: 0.05,
    kinds: CHAOS_KINDS,
    mostDailyLimits: 0,
    migrationSeconds: [60, 900],
    latestLandingMs: 600_000,
    silenceMs: 30_000,
    ...options,
    newId: createUuids(options.seed, 'chaos ids'),
  };
  const kinds = settings.kinds.map((name): [string, Kind] => {
    const kind = KINDS.get(name);
    if (kind === undefined) throw new Error(`there is no kind of chaos called ${name}`);
    return [name, kind];
  });
  const random = createRandom(settings.seed, 'chaos');
  const injected: Record<string, number> = {};
  const others = kinds.filter(([name]) => name !== DAY);
  /** The day's limit stops everything: it comes when all others were done. */
  const isLeft = (name: string) =>
    name !== DAY ||
    ((injected[DAY] ?? 0) < settings.mostDailyLimits &&
      others.every(([other]) => injected[other] !== undefined));
  return {
    injected,
    faults(given) {
      const call = chaosCall(given);
      if (call === undefined || random.next() >= settings.rate) return undefined;
      const fitting = kinds.filter(([name, kind]) => isLeft(name) && kind.fits(call));
      const least = Math.min(...fitting.map(([name]) => injected[name] ?? 0));
      const rarest = fitting.filter(([name]) => (injected[name] ?? 0) === least);
      const [name, kind] = rarest[random.between(0, rarest.length - 1)] ?? [];
      if (name === undefined || kind === undefined) return undefined;
      injected[name] = (injected[name] ?? 0) + 1;
      return kind.make(call, random, settings);
    },
  };
}

const RECORD_CALL = /^\/crm\/(?:v[34]\/)?(objects|associations)\/(?:2026-03\/)?[^/]+(\/.*)?$/;
const Body = v.object({
  inputs: v.optional(v.array(v.object({ properties: v.optional(v.record(v.string(), v.unknown())) }))),
  properties: v.optional(v.record(v.string(), v.unknown())),
});

/** Undefined for a call that is not about records or their associations. */
function chaosCall({ method, path, body }: FaultableCall): ChaosCall | undefined {
  const [, subject, rest = ''] = RECORD_CALL.exec(path) ?? [];
  if (subject === undefined) return undefined;
  const isBatchOfRecords = subject === 'objects' && rest.startsWith('/batch/');
  const isRead = method === 'GET' || rest.endsWith('/read') || rest === '/search';
  const { inputs = [], properties = {} } = isRead ? {} : parsedBody(body);
  const names = new Set([properties, ...inputs.map((input) => input.properties ?? {})].flatMap(Object.keys));
  return {
    isWrite: !isRead,
    inputs: isBatchOfRecords ? countInputs(body) : 0,
    written: [...names].filter((name) => name.startsWith('afterglow_')),
  };
}

function parsedBody(body: unknown): v.InferOutput<typeof Body> {
  const parsed = v.safeParse(Body, body);
  return parsed.success ? parsed.output : {};
}

const Inputs = v.object({ inputs: v.array(v.object({ id: v.string() })) });

function countInputs(body: unknown): number {
  const parsed = v.safeParse(Inputs, body);
  return parsed.success ? parsed.output.inputs.length : 0;
}

function refuseAll(): Fault {
  return { kind: 'answer', ...validationError('Invalid input: the request could not be processed') };
}

function refuseForProperty({ written }: ChaosCall, random: Random): Fault {
  const code = random.next() < 0.5 ? 'READ_ONLY_VALUE' : 'PROPERTY_DOESNT_EXIST';
  const problems = [problemOf(code, oneOf(written, random))];
  return {
    kind: 'answer',
    ...validationError(problemsMessage(problems), { errors: problemDetails(problems) }),
  };
}

/** A definition is wrong for all inputs; only an option is wrong for some. */
function failForProperty(code: string): Making {
  return (call, random) => {
    const problems = [problemOf(code, oneOf(call.written, random))];
    return {
      kind: 'item-errors',
      inputs: code === 'INVALID_OPTION' ? someInputs(call, random) : [...Array(call.inputs).keys()],
      category: 'VALIDATION_ERROR',
      message: problemsMessage(problems),
      errors: problemDetails(problems),
    };
  };
}

function problemOf(code: string, property: string) {
  return { code, property, message: `${property} was not valid: ${code}` };
}

function failSomehow(call: ChaosCall, random: Random, { newId }: Settings): Fault {
  return {
    kind: 'item-errors',
    inputs: someInputs(call, random),
    category: 'UPSTREAM_UNAVAILABLE',
    message: `The object could not be processed (${newId()})`,
  };
}

function leaveOut(executes: boolean): Making {
  return (call, random) => ({ kind: 'leave-out', inputs: someInputs(call, random), executes });
}

function migrate(_call: ChaosCall, random: Random, { migrationSeconds }: Settings): Fault {
  const seconds = random.between(migrationSeconds[0], migrationSeconds[1]);
  return { kind: 'answer', status: 477, headers: { 'retry-after': String(seconds) } };
}

function silent(landing: (random: Random, settings: Settings) => 'before' | 'never' | number): Making {
  return (_call, random, settings) => ({
    kind: 'silent',
    afterMs: settings.silenceMs,
    lands: landing(random, settings),
  });
}

/** A write that was on its way when its call ended, and is done at any time until the latest. */
function late(random: Random, { latestLandingMs }: Settings): number {
  return random.between(1, latestLandingMs);
}

function someInputs({ inputs }: ChaosCall, random: Random): number[] {
  const count = Math.max(1, Math.round((inputs * ITEM_PERCENT) / 100));
  return random.shuffled([...Array(inputs).keys()]).slice(0, count);
}

/** One of ours, if any is written. */
function oneOf(names: readonly string[], random: Random): string {
  return names[random.between(0, names.length - 1)] ?? 'afterglow_score';
}
