// The server's HTTP side: reading requests, JSON in and out, headers that every answer carries.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Reply } from './errors.ts';

/** Largest request body taken; HubSpot names no number. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** The raw body of a request; undefined when it is too large. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
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

/** Sends an answer: JSON, or text as it is when the body is a string. */
export function sendReply(
  response: ServerResponse,
  reply: Reply,
  headers: Readonly<Record<string, string>> = {},
): void {
  const plain = typeof reply.body === 'string' ? reply.body : undefined;
  const text = plain ?? (reply.body === undefined ? '' : JSON.stringify(reply.body));
  response.writeHead(reply.status, {
    ...(reply.body === undefined
      ? {}
      : { 'content-type': plain !== undefined ? 'text/html' : 'application/json;charset=utf-8' }),
    'content-length': Buffer.byteLength(text),
    'x-request-id': randomUUID(),
    'x-hubspot-correlation-id': correlationIdOf(reply.body) ?? randomUUID(),
    ...headers,
    ...reply.headers,
  });
  response.end(text);
}

function correlationIdOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('correlationId' in body)) return undefined;
  return typeof body.correlationId === 'string' ? body.correlationId : undefined;
}

export function bearerToken(request: IncomingMessage): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}
