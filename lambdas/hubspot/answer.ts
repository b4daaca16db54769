import * as v from 'valibot';

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
  /** No such record, or deleted. */
  | 'missing'
  /** No answer, or one that says nothing: what was sent may or may not have been done, and may still be. */
  | 'unknown';

const ErrorBody = v.object({
  category: v.optional(v.string()),
  correlationId: v.optional(v.string()),
  policyName: v.optional(v.string()),
  errors: v.optional(
    v.array(
      v.object({
        code: v.optional(v.string()),
        context: v.optional(v.object({ propertyName: v.optional(v.array(v.string())) })),
      }),
    ),
  ),
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

  constructor(
    trouble: Trouble,
    status: number,
    reason: string,
    details: { correlationId?: string | undefined; retryAtMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(`HubSpot: ${trouble} (${status}) ${reason}`, { cause: details.cause });
    this.trouble = trouble;
    this.status = status;
    this.reason = reason;
    this.correlationId = details.correlationId;
    this.retryAtMs = details.retryAtMs;
  }
}

/** The lock of a record lasts 2 s (developers.hubspot.com, error 423, read 2026-11). */
const LOCK_MS = 2000;
/** Longest wait HubSpot may ask for, so that no answer can stop us for ever. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * Reads an answer that is no success.
 *
 * @param headers - names in lower case
 * @param text - the body; anything, JSON or not
 * @param nowMs - epoch milliseconds
 * @param windowPassesMs - how long a rolling rate window needs to forget
 */
export function troubleOf(
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string,
  nowMs: number,
  windowPassesMs: number,
): HubSpotError {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), ErrorBody), text);
  const body = parsed.success ? parsed.output : {};
  const details = {
    correlationId: body.correlationId ?? headers['x-hubspot-correlation-id'],
    retryAtMs: retryAt(status, headers, nowMs, windowPassesMs),
  };
  return new HubSpotError(troubleFor(status, body.category), status, reasonOf(body, parsed.success), details);
}

function troubleFor(status: number, category: string | undefined): Trouble {
  if (status === 429) return 'rate-limited';
  if (status === 423) return 'locked';
  if (status === 477) return 'migrating';
  if (status === 401 || status === 403) return 'unauthorised';
  if (status === 404 || category === 'OBJECT_NOT_FOUND') return 'missing';
  return status >= 400 && status < 500 ? 'invalid' : 'unknown';
}

function reasonOf(
  { category, policyName, errors = [] }: v.InferOutput<typeof ErrorBody>,
  isJson: boolean,
): string {
  if (!isJson) return 'a body that is not an error of HubSpot';
  const codes = errors.map(({ code, context }) =>
    [code, ...(context?.propertyName ?? [])].filter(Boolean).join(' '),
  );
  return [category ?? policyName ?? 'no category', ...new Set(codes)].join(', ').slice(0, 300);
}

/** 477 says how long, in seconds; 429 says it in practice never, but is believed if it does. */
function retryAt(
  status: number,
  headers: Readonly<Record<string, string>>,
  nowMs: number,
  windowPassesMs: number,
): number | undefined {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  if (Number.isFinite(seconds) && seconds >= 0) return nowMs + Math.min(LONGEST_WAIT_MS, seconds * 1000);
  if (status === 429) return nowMs + windowPassesMs;
  if (status === 423) return nowMs + LOCK_MS;
  return undefined;
}
