import { type Answer, HubSpotError, SECONDLY, troubleOf } from './answer.ts';
import type { Budget, Grant } from './budget.ts';
import { type BudgetLane, WINDOW_PASSES_MS } from './budget-state.ts';

/** The one place where the version of HubSpot's API stands. 2026-03 does not yet enforce account rules on writes. */
const API_VERSION = '2026-03';

/** A refused token is tried again after this time: then an operator may have mended it. */
const UNAUTHORISED_MS = 5 * 60_000;
/** So is an account under migration that does not say how long it takes. */
const MIGRATING_MS = 15 * 60_000;
/** A migration that is said to end at once is not asked about more often than this. */
const LEAST_MIGRATING_MS = 60_000;

export interface TransportOptions {
  readonly budget: Budget;
  /**
   * What the calls are for.
   *
   * @default 'changes'
   */
  readonly lane?: BudgetLane;
  /**
   * Whether the portal can be served without these calls: then nobody is stopped when the token lacks a scope for them.
   *
   * @default false
   */
  readonly isOptional?: boolean;
  readonly readToken: () => Promise<string>;
  readonly clock: () => number;
  /** Told of every answer: status 0 for none; with what it means, unless it is a success. */
  readonly onAnswer: (status: number, error?: HubSpotError) => void;
  /**
   * Of the portal, IANA name: the daily limit starts anew at its midnight.
   *
   * @default () => 'UTC'
   */
  readonly timeZone?: () => string;
  /**
   * Longest wait for an answer, in milliseconds: HubSpot's own batch writes take up to a few seconds.
   *
   * @default 20_000
   */
  readonly answerWithinMs?: number;
}

/** A request as every generated API of the SDK makes it: each has its own class, all have this form. */
export interface OutgoingRequest {
  getUrl(): string;
  getHttpMethod(): string;
  getHeaders(): Record<string, string>;
  getBody(): unknown;
  /**
   * The answer tells nothing of how HubSpot takes other calls: a refusal stops nobody, a success ends no stop. A 429 counts all the same,
   * since the limits are of all calls.
   *
   * @default false
   */
  readonly isApart?: boolean;
}

/** Carries one request to HubSpot. @throws HubSpotError for all that is no success */
export type Send = (request: OutgoingRequest) => Promise<Answer>;

/** `/crm/v3/objects/contacts/…` or `/crm/v4/associations/…`, as the SDK calls it, under its dated path. */
export function datedPath(url: string): string {
  return url
    .replace(
      /\/crm\/v[34]\/(objects|properties|associations|owners|pipelines|lists)(?=[/?]|$)/,
      `/crm/$1/${API_VERSION}`,
    )
    .replace('/account-info/v3/', `/account-info/${API_VERSION}/`);
}

/**
 * How the SDK's generated APIs reach HubSpot: within the budget, on dated paths, with a time-out, without redirects.
 *
 * @returns a function that also throws BudgetExhaustedError and PortalStoppedError: then nothing was sent
 */
export function transportOf(options: TransportOptions): Send {
  const { budget, readToken, clock, onAnswer, answerWithinMs = 20_000 } = options;
  const { lane = 'changes', isOptional = false, timeZone = () => 'UTC' } = options;
  return async (request) => {
    const authorization = `Bearer ${await readToken()}`;
    const grant = await budget.take(lane);
    const answer = await exchange(request, authorization, answerWithinMs).catch((cause: unknown) => {
      const error = noAnswer(cause);
      onAnswer(error.status, error);
      throw error;
    });
    const error = troubleIn(answer, clock(), timeZone());
    onAnswer(answer.status, error);
    const call = kindOf(request);
    // Associations have limits of their own, which say nothing of the others.
    if (!call.includes('/associations/')) budget.learn(grant, answer.headers);
    if (saysNothing(request, answer, error, isOptional)) await budget.release(grant);
    else await tell(budget, grant, call, error, clock());
    if (error !== undefined) throw error;
    return answer;
  };
}

/** Calls for which HubSpot asks the same scope: method and path, whatever record it names. */
function kindOf(request: OutgoingRequest): string {
  const { pathname } = new URL(datedPath(request.getUrl()));
  return `${request.getHttpMethod()} ${pathname.replaceAll(/\/\d+(?=\/|$)/g, '/{id}')}`;
}

/** Whether an answer means nothing for the calls that follow. */
function saysNothing(
  { isApart = false }: OutgoingRequest,
  { status }: Answer,
  error: HubSpotError | undefined,
  isOptional: boolean,
): boolean {
  if (error?.policyName === SECONDLY) return true; // It is of searches alone.
  if (isApart) return error?.trouble !== 'rate-limited' && error?.trouble !== 'migrating';
  // That a scope is missing for what can be done without stops nobody, and tells nothing of what does.
  return isOptional && status === 403;
}

/** What an answer means for all calls that follow. */
async function tell(
  budget: Budget,
  grant: Grant,
  call: string,
  error: HubSpotError | undefined,
  nowMs: number,
): Promise<void> {
  const { trouble, policyName, retryAtMs = nowMs } = error ?? {};
  switch (trouble) {
    case 'unauthorised':
      return budget.stop(
        'unauthorised',
        Math.max(retryAtMs, nowMs + UNAUTHORISED_MS),
        error?.status === 403 ? call : undefined,
      );
    case 'migrating':
      return budget.stop(
        'migrating',
        Math.max(error?.retryAtMs ?? nowMs + MIGRATING_MS, nowMs + LEAST_MIGRATING_MS),
      );
    case 'rate-limited':
      if (policyName === 'DAILY') return budget.stop('daily', retryAtMs);
      return budget.block(Math.max(retryAtMs, nowMs + WINDOW_PASSES_MS));
    case 'unknown':
      return; // Says nothing of the portal either.
    default:
      return budget.succeeded(grant, call); // HubSpot knows us, and looked at the request.
  }
}

async function exchange(
  request: OutgoingRequest,
  authorization: string,
  answerWithinMs: number,
): Promise<Answer> {
  const body = request.getBody();
  const patience = new AbortController();
  const timer = setTimeout(
    () => patience.abort(new DOMException('no answer in time', 'TimeoutError')),
    answerWithinMs,
  );
  try {
    const response = await fetch(datedPath(request.getUrl()), {
      method: request.getHttpMethod(),
      headers: { ...request.getHeaders(), authorization },
      ...(typeof body === 'string' && { body }),
      redirect: 'error',
      signal: patience.signal,
    });
    const text = await response.text();
    return { status: response.status, headers: Object.fromEntries(response.headers), text };
  } finally {
    clearTimeout(timer);
  }
}

/** Only the kind of failure is kept: the message may quote what was sent, the token included. */
function noAnswer(failure: unknown): HubSpotError {
  const { cause } = failure instanceof Error ? failure : {};
  const kinds = [failure, cause].flatMap((error) =>
    error instanceof Error ? [codeOf(error) ?? error.name] : [],
  );
  return new HubSpotError('unknown', 0, kinds.join(', ') || 'no answer');
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function troubleIn(answer: Answer, nowMs: number, timeZone: string): HubSpotError | undefined {
  const { status, headers, text } = answer;
  if (status < 200 || status >= 300) return troubleOf(answer, nowMs, timeZone);
  if (status === 204 || isJson(text)) return undefined; // 204 says that there is no body.
  const correlationId = headers['x-hubspot-correlation-id'];
  return new HubSpotError('unknown', status, 'a body that is not JSON', { correlationId });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // The reason would quote the text.
  }
}
