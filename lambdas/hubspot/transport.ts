import { type Answer, HubSpotError, troubleOf } from './answer.ts';
import { type Budget, WINDOW_PASSES_MS } from './budget.ts';

/** The one place where the version of HubSpot's API stands. 2026-03 does not yet enforce account rules on writes. */
const API_VERSION = '2026-03';

export interface TransportOptions {
  readonly budget: Budget;
  readonly readToken: () => Promise<string>;
  readonly clock: () => number;
  /** Told of every answer: status 0 for none; with what it means, unless it is a success. */
  readonly onAnswer: (status: number, error?: HubSpotError) => void;
  /**
   * Of the portal, IANA name: the daily limit starts anew at its midnight.
   *
   * @default 'UTC'
   */
  readonly timeZone?: string;
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
}

/** Carries one request to HubSpot. @throws HubSpotError for all that is no success */
export type Send = (request: OutgoingRequest) => Promise<Answer>;

/** `/crm/v3/objects/contacts/…` or `/crm/v4/associations/…`, as the SDK calls it, under its dated path. */
export function datedPath(url: string): string {
  return url.replace(/\/crm\/v[34]\/(objects|properties|associations)\//, `/crm/$1/${API_VERSION}/`);
}

/** How the SDK's generated APIs reach HubSpot: within the budget, on dated paths, with a time-out, without redirects. */
export function transportOf(options: TransportOptions): Send {
  const { budget, readToken, clock, onAnswer, timeZone = 'UTC', answerWithinMs = 20_000 } = options;
  return async (request) => {
    const authorization = `Bearer ${await readToken()}`;
    await budget.take();
    const answer = await exchange(request, authorization, answerWithinMs).catch((cause: unknown) => {
      const error = noAnswer(cause);
      onAnswer(error.status, error);
      throw error;
    });
    const error = troubleIn(answer, clock(), timeZone);
    onAnswer(answer.status, error);
    await budget.learn(answer.headers);
    if (error === undefined) return answer;
    if (error.trouble === 'rate-limited') await budget.block(error.retryAtMs ?? clock() + WINDOW_PASSES_MS);
    throw error;
  };
}

async function exchange(
  request: OutgoingRequest,
  authorization: string,
  answerWithinMs: number,
): Promise<Answer> {
  const body = request.getBody();
  const response = await fetch(datedPath(request.getUrl()), {
    method: request.getHttpMethod(),
    headers: { ...request.getHeaders(), authorization },
    ...(typeof body === 'string' && { body }),
    redirect: 'error',
    signal: AbortSignal.timeout(answerWithinMs),
  });
  const text = await response.text();
  return { status: response.status, headers: Object.fromEntries(response.headers), text };
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
  if (isJson(text)) return undefined;
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
