import { type Budget, WINDOW_PASSES_MS } from './budget.ts';
import { HubSpotError, troubleOf } from './answer.ts';

/** The one place where the version of HubSpot's API stands. 2026-03 does not yet enforce account rules on writes. */
const API_VERSION = '2026-03';
/** Longest wait for an answer: HubSpot's own batch writes take up to a few seconds. */
const ANSWER_WITHIN_MS = 20_000;

export interface TransportOptions {
  readonly budget: Budget;
  readonly readToken: () => Promise<string>;
  readonly clock: () => number;
  /** Told of every answer: status 0 for none. */
  readonly onAnswer: (status: number) => void;
}

/** A request as every generated API of the SDK makes it: each has its own class, all have this form. */
export interface OutgoingRequest {
  getUrl(): string;
  getHttpMethod(): string;
  getHeaders(): Record<string, string>;
  getBody(): unknown;
}

/** A success, whole. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
  readonly text: string;
}

/** Carries one request to HubSpot. @throws HubSpotError for all that is no success */
export type Send = (request: OutgoingRequest) => Promise<Answer>;

/** `/crm/v3/objects/contacts/…`, as the SDK calls it, under its dated path. */
export function datedPath(url: string): string {
  return url.replace(/\/crm\/v3\/(objects|properties)\//, `/crm/$1/${API_VERSION}/`);
}

/** How the SDK's generated APIs reach HubSpot: within the budget, on dated paths, with a time-out, without redirects. */
export function transportOf(options: TransportOptions): Send {
  const { budget, readToken, clock, onAnswer } = options;
  return async (request) => {
    const authorization = `Bearer ${await readToken()}`;
    await budget.take();
    const answer = await exchange(request, authorization, onAnswer);
    const { status, headers, text } = answer;
    await budget.learn(headers);
    if (status >= 200 && status < 300) return answer;
    const error = troubleOf(status, headers, text, clock(), WINDOW_PASSES_MS);
    if (error.trouble === 'rate-limited') await budget.block(error.retryAtMs ?? clock() + WINDOW_PASSES_MS);
    throw error;
  };
}

async function exchange(
  request: OutgoingRequest,
  authorization: string,
  onAnswer: (status: number) => void,
): Promise<Answer> {
  const body = request.getBody();
  try {
    const response = await fetch(datedPath(request.getUrl()), {
      method: request.getHttpMethod(),
      headers: { ...request.getHeaders(), authorization },
      ...(typeof body === 'string' && { body }),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await response.text();
    onAnswer(response.status);
    return { status: response.status, headers: Object.fromEntries(response.headers), text };
  } catch (cause) {
    onAnswer(0);
    throw new HubSpotError('unknown', 0, cause instanceof Error ? cause.name : 'no answer', { cause });
  }
}
