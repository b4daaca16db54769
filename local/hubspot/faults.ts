// Trouble on purpose: what a test or a rehearsal may let happen to an API call.
import { randomUUID } from 'node:crypto';
import { errorReply, type Reply } from './errors.ts';
import { tooManyRequests } from './limiter.ts';

/** The call a fault is decided for; `number` counts the calls that passed token and limits, from 1. */
export interface FaultableCall {
  readonly number: number;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export type Fault =
  /** Answers this instead; with `executes`, the work is done all the same and only its answer is lost. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly executes?: boolean;
    }
  /** Closes the connection without an answer; the work is done before it, or after so many milliseconds, or never. */
  | { readonly kind: 'no-answer'; readonly lands: 'before' | 'never' | number }
  /** Answers, but so many milliseconds late. */
  | { readonly kind: 'delay'; readonly delayMs: number };

/** The answer of a fault that gives only a status, as HubSpot words it. */
export function faultReply({ status, body, headers = {} }: Extract<Fault, { kind: 'answer' }>): Reply {
  if (body !== undefined) return { status, body, headers };
  return {
    ...wordedReply(status),
    headers: { ...(status === 477 ? { 'retry-after': '60' } : {}), ...headers },
  };
}

function wordedReply(status: number): Reply {
  switch (status) {
    case 401:
      return errorReply(401, 'The OAuth token used to make this call expired 3 second(s) ago.', {
        category: 'EXPIRED_AUTHENTICATION',
        context: { expireTime: [new Date(Date.now() - 3000).toISOString()] },
      });
    case 423:
      return errorReply(423, 'The resource is locked by another operation.', { category: 'LOCKED' });
    case 429:
      return tooManyRequests('TEN_SECONDLY_ROLLING');
    case 477:
      return errorReply(477, 'This account is being migrated between data centers.', {
        category: 'MIGRATION_IN_PROGRESS',
      });
    default:
      // Gateways answer in HTML: nobody may take an error body for JSON.
      return { status, body: `<html><body><h1>${status}</h1><p>${randomUUID()}</p></body></html>` };
  }
}
