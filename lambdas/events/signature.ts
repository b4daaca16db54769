import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Oldest and newest timestamp accepted, in milliseconds. HubSpot's limit to the past; to the future only clock skew. */
const OLDEST_MS = 5 * 60_000;
const NEWEST_MS = 60_000;

/** The sequences HubSpot decodes before it signs, and no others (developers.hubspot.com, "Validating requests", 2026-11). */
const DECODED: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
};

/** A request as it came in, with what HubSpot says of it. */
export interface SignedRequest {
  readonly method: string;
  /** Scheme, host, port, path and query as HubSpot called them. */
  readonly uri: string;
  /** The body's bytes as received. */
  readonly body: Buffer;
  /** `X-HubSpot-Request-Timestamp`; epoch milliseconds as text. */
  readonly timestamp: string | undefined;
  /** `X-HubSpot-Signature-v3`. */
  readonly signature: string | undefined;
}

/** The URI as HubSpot signs it: a dozen listed escapes decoded, everything else as it stands. */
export function signedUri(uri: string): string {
  return uri.replaceAll(/%[0-9A-Fa-f]{2}/g, (escape) => DECODED[escape.toUpperCase()] ?? escape);
}

/**
 * HubSpot's signature v3 of a request: Base64(HMAC-SHA256(secret, method + URI + body + timestamp)).
 *
 * @param timestamp - epoch milliseconds as text
 */
export function signV3(
  { method, uri, body }: Pick<SignedRequest, 'method' | 'uri' | 'body'>,
  timestamp: string,
  secret: string,
): string {
  return createHmac('sha256', secret)
    .update(method + signedUri(uri))
    .update(body)
    .update(timestamp)
    .digest('base64');
}

/**
 * Whether a request carries a valid HubSpot signature v3.
 *
 * @param secrets - client secrets that are valid now: the current one and, during a rotation, the one before
 * @param nowMs - epoch milliseconds; a timestamp from 5 minutes before to 1 minute after it is accepted
 */
export function isSignedV3(request: SignedRequest, secrets: readonly string[], nowMs: number): boolean {
  const { timestamp, signature } = request;
  if (signature === undefined || timestamp === undefined || !/^\d{1,15}$/.test(timestamp)) return false;
  const ageMs = nowMs - Number(timestamp);
  if (ageMs > OLDEST_MS || ageMs < -NEWEST_MS) return false;
  const matches = secrets.map((secret) => isEqual(signV3(request, timestamp, secret), signature));
  return matches.includes(true);
}

/**
 * Whether a request carries a valid HubSpot signature v2: hex SHA-256(secret + method + URI + body). It has no timestamp,
 * so whoever once saw such a request can send it again.
 */
export function isSignedV2(
  { method, uri, body, signature }: Omit<SignedRequest, 'timestamp'>,
  secrets: readonly string[],
): boolean {
  if (signature === undefined) return false;
  const matches = secrets.map((secret) =>
    isEqual(
      createHash('sha256')
        .update(secret + method + uri)
        .update(body)
        .digest('hex'),
      signature,
    ),
  );
  return matches.includes(true);
}

/** Takes the same time wherever the texts differ. */
function isEqual(expected: string, given: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}
