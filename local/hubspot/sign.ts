// HubSpot's request signatures, from HubSpot's description ("Validating requests"); shares no code with the verifier.
import { createHash, createHmac } from 'node:crypto';

/** What HubSpot calls and signs. `uri` is scheme, host, path and query as requested; `timestamp` epoch milliseconds. */
export interface SignedRequest {
  readonly method: string;
  readonly uri: string;
  readonly body: string;
  readonly secret: string;
}

const DECODED_IN_URI: ReadonlyMap<string, string> = new Map([
  ['%3A', ':'],
  ['%2F', '/'],
  ['%3F', '?'],
  ['%40', '@'],
  ['%21', '!'],
  ['%24', '$'],
  ['%27', "'"],
  ['%28', '('],
  ['%29', ')'],
  ['%2A', '*'],
  ['%2C', ','],
  ['%3B', ';'],
]);

/** The URI as it goes into a v3 signature: the documented escapes decoded, all others left as they are. */
export function uriToSign(uri: string): string {
  return uri.replace(/%[0-9A-Fa-f]{2}/g, (escape) => DECODED_IN_URI.get(escape.toUpperCase()) ?? escape);
}

/** Signature v3: Base64 HMAC-SHA256 of method + URI + body + timestamp, with the app's client secret as key. */
export function signV3(request: SignedRequest & { readonly timestamp: number | string }): string {
  const message = `${request.method}${uriToSign(request.uri)}${request.body}${request.timestamp}`;
  return createHmac('sha256', request.secret).update(message, 'utf8').digest('base64');
}

/** Signature v2: hex SHA-256 of secret + method + URI + body. No time in it, so no protection against replay. */
export function signV2(request: SignedRequest): string {
  const message = `${request.secret}${request.method}${request.uri}${request.body}`;
  return createHash('sha256').update(message, 'utf8').digest('hex');
}

/** Signature v1: hex SHA-256 of secret + body. */
export function signV1(request: Pick<SignedRequest, 'secret' | 'body'>): string {
  return createHash('sha256').update(`${request.secret}${request.body}`, 'utf8').digest('hex');
}

/**
 * The headers of a webhook call as an app gets them: v3 with its timestamp, and the legacy v1 beside it.
 *
 * @param timestamp - wall-clock time of this attempt, epoch milliseconds
 */
export function webhookHeaders(
  request: SignedRequest & { readonly timestamp: number },
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent':
      'HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client) - WebhooksExecutorDaemon-executor',
    'x-hubspot-signature-version': 'v1',
    'x-hubspot-signature': signV1(request),
    'x-hubspot-signature-v3': signV3(request),
    'x-hubspot-request-timestamp': String(request.timestamp),
  };
}
