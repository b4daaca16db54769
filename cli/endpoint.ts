import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { signV3 } from '../lambdas/events/signature.ts';
import { type Target, UsageError } from './target.ts';

/** API Gateway answers within 30 s or not at all. */
const ANSWER_WITHIN_MS = 30_000;
/**
 * After this long every running instance of ingest takes a secret that was stored. Where a signature fails it reads the secret anew, but
 * every 30 s at most (lambdas/store/secrets.ts), and one may have read the old one just before; and a little more.
 */
export const SECRET_KNOWN_MS = 40_000;
/** Between two tries whether a secret is known: each that is refused counts for the alarm RefusedSignatures, which takes 4 in an hour. */
export const PROBE_EVERY_MS = 10_000;
/** Of an answer nothing longer is read: ours are one line. */
const LONGEST_ANSWER_BYTES = 64 * 1024;

export interface EndpointAnswer {
  readonly status: number;
  readonly body: string;
  /** The clock of whoever answered, as its `Date` header tells it. */
  readonly date?: string | undefined;
}

/**
 * Signs a body as HubSpot does and posts it to the webhook route.
 *
 * @param body - JSON, an array of events
 * @param clientSecret - with which it is signed
 */
export function postSigned(
  { ingestUrl }: Pick<Target, 'ingestUrl'>,
  body: string,
  clientSecret: string,
): Promise<EndpointAnswer> {
  const url = `${ingestUrl}/webhooks/hubspot`;
  const timestamp = String(Date.now()); // Wall time, as ingest has it, also where the local clock was moved.
  const signed = { method: 'POST', uri: signedAddress(url), body: Buffer.from(body) };
  return post(url, body, {
    'x-hubspot-signature-v3': signV3(signed, timestamp, clientSecret),
    'x-hubspot-request-timestamp': timestamp,
  });
}

/**
 * Posts until ingest has surely read the secret that was just stored: until then it may refuse, or say that it has none.
 *
 * @param send - signs anew each time
 * @returns the answer that will not change by itself
 */
export async function postUntilKnown(
  send: () => Promise<EndpointAnswer>,
  clock: () => number,
  everyMs: number,
): Promise<EndpointAnswer> {
  const sinceMs = clock();
  for (;;) {
    const answer = await send();
    const mayBeOld = answer.status === 401 || answer.status === 503;
    if (!mayBeOld || clock() - sinceMs > SECRET_KNOWN_MS) return answer;
    await wait(everyMs);
  }
}

/**
 * The address that ingest takes a request to have been sent to. Of the gateway's own addresses it knows the domain name alone, and
 * AWS answers there by HTTPS only; an emulator of AWS may answer by HTTP and at a port.
 */
export function signedAddress(url: string): string {
  const { hostname, pathname } = new URL(url);
  return hostname.includes('.execute-api.') ? `https://${hostname}${pathname}` : url;
}

/**
 * Posts JSON.
 *
 * @throws UsageError when nobody answers
 */
export function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<EndpointAnswer> {
  const { protocol, origin, hostname } = new URL(url);
  // A name below localhost is this machine (RFC 6761, 6.3), also where the system's resolver does not know it.
  const isLocal = hostname.endsWith('.localhost');
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) =>
      reject(new UsageError(`${origin} does not answer (${error.code ?? error.name})`, { cause: error }));
    const request = (protocol === 'https:' ? https : http).request(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        ...(isLocal && { lookup: thisMachine }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes <= LONGEST_ANSWER_BYTES) chunks.push(chunk);
        });
        response.on('error', failed);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            date: response.headers.date,
          }),
        );
      },
    );
    request.on('error', failed);
    request.end(body);
  });
}

const thisMachine: LookupFunction = (_hostname, { all }, found) => {
  const address = { address: '127.0.0.1', family: 4 };
  if (all === true) found(null, [address]);
  else found(null, address.address, address.family);
};
