// What HTTP asks of every call, over a socket or without: bodies in and out, the token, headers that every answer carries.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Reply } from './errors.ts';

/** Largest request body taken; HubSpot names no number. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** A request as it arrives. */
export interface PortalRequest {
  readonly method: string;
  /** Path with query, or the whole address: of which host is not looked at. */
  readonly url: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** @default none */
  readonly body?: string | undefined;
}

/** An answer as it leaves. */
export interface PortalAnswer {
  readonly status: number;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** '' for none. */
  readonly body: string;
}

/** The raw body of a request; of one that is too large only so much that it still is. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    bytes += part.length;
    chunks.push(part);
    if (bytes > MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function isTooLarge(body: string): boolean {
  return body.length > MAX_BODY_BYTES / 4 && Buffer.byteLength(body) > MAX_BODY_BYTES;
}

/** The value a JSON text stands for; `{ valid: false }` with the reason when it is none. An empty text is undefined. */
export function parseJson(
  text: string,
): { readonly valid: true; readonly value: unknown } | { readonly valid: false; readonly why: string } {
  if (text === '') return { valid: true, value: undefined };
  try {
    const value: unknown = JSON.parse(text);
    return { valid: true, value };
  } catch (error) {
    return { valid: false, why: error instanceof Error ? error.message : 'not JSON' };
  }
}

/** A reply as it goes out: JSON, or text as it is when the body is a string. @param newId - identifies the call */
export function answerOf(
  reply: Reply,
  newId: () => string,
  headers: Readonly<Record<string, string>> = {},
): PortalAnswer {
  const plain = typeof reply.body === 'string' ? reply.body : undefined;
  const text = plain ?? (reply.body === undefined ? '' : JSON.stringify(reply.body));
  return {
    status: reply.status,
    headers: {
      ...(reply.body !== undefined && {
        'content-type': plain !== undefined ? 'text/html' : 'application/json;charset=utf-8',
      }),
      'content-length': String(Buffer.byteLength(text)),
      'x-request-id': newId(),
      'x-hubspot-correlation-id': correlationIdOf(reply.body) ?? newId(),
      ...headers,
      ...reply.headers,
    },
    body: text,
  };
}

export function sendAnswer(response: ServerResponse, { status, headers, body }: PortalAnswer): void {
  response.writeHead(status, headers);
  response.end(body);
}

function correlationIdOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('correlationId' in body)) return undefined;
  return typeof body.correlationId === 'string' ? body.correlationId : undefined;
}

export function bearerToken({ authorization }: PortalRequest['headers']): string | undefined {
  return /^Bearer (\S+)$/i.exec(typeof authorization === 'string' ? authorization : '')?.[1];
}
