import * as v from 'valibot';
import { WINDOW_PASSES_MS } from './budget-state.ts';
import { isDayYoungerThan, LONGEST_DAY_MS, midnightAfter } from './portal-day.ts';

/** What a refusal or a silence of HubSpot's asks of us. */
export type Trouble =
  /** Too many calls: nobody calls before `retryAtMs`. */
  | 'rate-limited'
  /** The record is locked by many writes at once: at least 2 s. */
  | 'locked'
  /** The account moves between data centres, for hours: `retryAtMs`. */
  | 'migrating'
  /** The token is refused, or lacks a scope: an operator must act. */
  | 'unauthorised'
  /** Something in this very request is wrong: sending it again changes nothing. */
  | 'invalid'
  /** No such record or deleted, or no such path. */
  | 'missing'
  /** No answer, or one that says nothing: what was sent may or may not have been done, and may still be. */
  | 'unknown';

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
  readonly text: string;
}

/** What a context names; of a form that nobody has seen, nothing. */
const Named = v.fallback(v.optional(v.array(v.string())), undefined);

/** What HubSpot says of the parts of an error; messages are left aside, since they quote values. */
export const ErrorDetails = v.optional(
  v.array(
    v.object({
      code: v.optional(v.string()),
      context: v.optional(
        v.object({
          propertyName: v.optional(v.array(v.string())),
          parentType: Named,
          parentDisplayType: Named,
          parentName: Named,
        }),
      ),
    }),
  ),
);
/** A property that an error names, with HubSpot's word for what is wrong with it. */
export interface NamedProperty {
  readonly name: string;
  /** Such as READ_ONLY_VALUE. */
  readonly code: string;
}

/** Something that uses a property, and so keeps it from being archived. */
export interface PropertyUser {
  /** HubSpot's word for it in lower case, such as `workflow`. */
  readonly kind: string;
  readonly id: string;
}

/** Properties kept of one error: a hundred inputs may each name their own. Users of a property likewise. */
const MOST_NAMED = 50;

const ErrorBody = v.object({
  category: v.optional(v.string()),
  subCategory: v.fallback(v.optional(v.string()), undefined),
  /** Of property groups, the error itself stands in it as text; otherwise left aside, since messages quote values. */
  message: v.fallback(v.optional(v.string()), undefined),
  correlationId: v.optional(v.string()),
  policyName: v.optional(v.string()),
  errors: ErrorDetails,
});

/** An answer that is no success. Holds what may be logged: never the body, which quotes property values. */
export class HubSpotError extends Error {
  override readonly name = 'HubSpotError';
  readonly trouble: Trouble;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** HubSpot's word for it, such as VALIDATION_ERROR, with the codes and property names it gave. */
  readonly reason: string;
  readonly correlationId: string | undefined;
  /** Epoch milliseconds before which trying again is pointless; undefined when HubSpot did not say. */
  readonly retryAtMs: number | undefined;
  /** The limit that a 429 is about, such as TEN_SECONDLY_ROLLING or DAILY. */
  readonly policyName: string | undefined;
  /** The properties it names, at most 50. */
  readonly properties: readonly NamedProperty[];
  /** HubSpot's closer word for it, where it gave one, such as PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES. */
  readonly subCategory: string | undefined;
  /** What uses the property that was to be archived, at most 50. */
  readonly users: readonly PropertyUser[];

  constructor(
    trouble: Trouble,
    status: number,
    reason: string,
    details: {
      correlationId?: string | undefined;
      retryAtMs?: number | undefined;
      policyName?: string | undefined;
      properties?: readonly NamedProperty[];
      subCategory?: string | undefined;
      users?: readonly PropertyUser[];
      cause?: unknown;
    } = {},
  ) {
    super(`HubSpot: ${trouble} (${status}) ${reason}`, { cause: details.cause });
    this.trouble = trouble;
    this.status = status;
    this.reason = reason;
    this.correlationId = details.correlationId;
    this.retryAtMs = details.retryAtMs;
    this.policyName = details.policyName;
    this.properties = details.properties ?? [];
    this.subCategory = details.subCategory;
    this.users = details.users ?? [];
  }
}

/** The lock of a record lasts 2 s (developers.hubspot.com, error 423, read 2026-11). */
const LOCK_MS = 2000;
/** The limit of searches alone, of one second and all apps of the account ("Search" guide, read 2026-11). */
export const SECONDLY = 'SECONDLY';
/**
 * How HubSpot's words for it end. A search that is refused names no policy (recorded 2022 by grouparoo, and HubSpot's own SDK goes by this
 * text too); that of all calls has `ten_secondly_rolling`.
 */
const SECONDLY_WORDS = /\byour secondly limit\b/i;
/** Milliseconds after which such a second is surely over. */
export const SECOND_PASSES_MS = 1100;

/**
 * Reads an answer that is no success.
 *
 * @param text - the body; anything, JSON or not
 * @param nowMs - epoch milliseconds
 * @param timeZone - of the portal, IANA name: the daily limit starts anew at its midnight
 */
export function troubleOf({ status, headers, text }: Answer, nowMs: number, timeZone: string): HubSpotError {
  const found = errorBodyOf(text);
  const body = found ?? {};
  const policyName = body.policyName ?? (SECONDLY_WORDS.test(body.message ?? '') ? SECONDLY : undefined);
  const reason =
    found === undefined
      ? 'a body that is not an error of HubSpot'
      : reasonOf(body.category ?? body.policyName, body.errors);
  return new HubSpotError(troubleFor(status), status, reason, {
    correlationId: body.correlationId ?? headers['x-hubspot-correlation-id'],
    retryAtMs: latest(waitAskedFor(headers, nowMs), usualWait(status, policyName, nowMs, timeZone)),
    policyName,
    properties: propertiesNamed(body.errors),
    subCategory: body.subCategory,
    users: usersNamed(body.errors),
  });
}

const ErrorText = v.pipe(v.string(), v.parseJson(), ErrorBody);

/** @returns undefined for what is no error of HubSpot's */
function errorBodyOf(text: string): v.InferOutput<typeof ErrorBody> | undefined {
  const outer = v.safeParse(ErrorText, text);
  if (!outer.success || outer.output.category !== undefined) return outer.success ? outer.output : undefined;
  const inner = v.safeParse(ErrorText, outer.output.message);
  return inner.success ? inner.output : outer.output;
}

function usersNamed(details: v.InferOutput<typeof ErrorDetails> = []): PropertyUser[] {
  return details.slice(0, MOST_NAMED).flatMap(({ context = {} }) => {
    const { parentType, parentDisplayType, parentName: [id] = [] } = context;
    const kind = parentDisplayType?.[0] ?? parentType?.[0];
    return kind === undefined || id === undefined ? [] : [{ kind: kind.toLowerCase(), id }];
  });
}

/** Of what HubSpot asks for and what its rules say, the later: a window is not over because a header says so. */
function latest(...instants: readonly (number | undefined)[]): number | undefined {
  const known = instants.filter((ms) => ms !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function troubleFor(status: number): Trouble {
  if (status === 429) return 'rate-limited';
  if (status === 423) return 'locked';
  if (status === 477) return 'migrating';
  if (status === 401 || status === 403) return 'unauthorised';
  if (status === 404) return 'missing';
  if (status === 408) return 'unknown'; // The server gave up waiting; the request itself may be in order.
  return status >= 400 && status < 500 ? 'invalid' : 'unknown';
}

/** The properties an error names, each once with each code. */
export function propertiesNamed(details: v.InferOutput<typeof ErrorDetails> = []): NamedProperty[] {
  const named = new Map<string, NamedProperty>();
  for (const { code = '', context } of details)
    for (const name of context?.propertyName ?? []) named.set(`${code} ${name}`, { name, code });
  return [...named.values()].slice(0, MOST_NAMED);
}

/** HubSpot's words for an error in one line: category, codes, property names. */
export function reasonOf(
  category: string | undefined,
  details: v.InferOutput<typeof ErrorDetails> = [],
): string {
  const codes = details.map(({ code, context }) =>
    [code, ...(context?.propertyName ?? [])].filter(Boolean).join(' '),
  );
  return [category ?? 'no category', ...new Set(codes)].filter(Boolean).join(', ').slice(0, 300);
}

/** HubSpot's words for why a record is refused, as far as they are known to us (CRM error bodies as recorded, 2026-11). */
const CATEGORIES = ['VALIDATION_ERROR', 'CONFLICT', 'OBJECT_ALREADY_EXISTS', 'OBJECT_NOT_FOUND'];

/** The category with which a reason begins, by which refusals may be counted: one of few words, `other` for any that we do not know. */
export function categoryOf(reason: string): string {
  const [first = ''] = reason.split(',', 1);
  return CATEGORIES.includes(first) ? first : 'other';
}

/** 477 says how long, in seconds; 429 says it in practice never, but is believed if it does; no answer stops us for more than a day. */
function waitAskedFor(headers: Answer['headers'], nowMs: number): number | undefined {
  const seconds = Number.parseFloat(headers['retry-after'] ?? '');
  return seconds >= 0 ? nowMs + Math.min(LONGEST_DAY_MS, seconds * 1000) : undefined;
}

function usualWait(
  status: number,
  policyName: string | undefined,
  nowMs: number,
  timeZone: string,
): number | undefined {
  if (status === 423) return nowMs + LOCK_MS;
  if (status !== 429) return undefined;
  if (policyName === SECONDLY) return nowMs + SECOND_PASSES_MS;
  return policyName === 'DAILY' ? dayPasses(nowMs, timeZone) : nowMs + WINDOW_PASSES_MS;
}

/** HubSpot's day began at another instant than ours if it is used up this soon: our clock or time zone differs. */
const YOUNG_DAY_MS = 3_600_000;
const YOUNG_DAY_WAIT_MS = 15 * 60_000;

function dayPasses(nowMs: number, timeZone: string): number {
  const isYoung = isDayYoungerThan(YOUNG_DAY_MS, nowMs, timeZone);
  return isYoung ? nowMs + YOUNG_DAY_WAIT_MS : midnightAfter(nowMs, timeZone);
}

/**
 * What the SDK made of an answer, checked. An answer that cannot be read is no answer: a write may have been done.
 *
 * @throws HubSpotError of trouble `unknown` when it has another form
 */
export async function understood<T>(
  schema: v.GenericSchema<unknown, T>,
  answer: Promise<unknown>,
): Promise<T> {
  let content: unknown;
  try {
    content = await answer;
  } catch (cause) {
    // The SDK stumbles over a body of another form, or knows no such success; its words quote the body.
    if (cause instanceof TypeError || isOfTheSdk(cause)) throw notUnderstood();
    throw cause;
  }
  const parsed = v.safeParse(schema, content);
  if (parsed.success) return parsed.output;
  throw notUnderstood();
}

/** Each generated API has an `ApiException` of its own: known by its fields. */
function isOfTheSdk(error: unknown): boolean {
  return error instanceof Error && ['body', 'headers'].every((name) => Object.hasOwn(error, name));
}

function notUnderstood(): HubSpotError {
  return new HubSpotError('unknown', 200, 'a body that does not have the form of an answer');
}
