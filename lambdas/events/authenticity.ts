import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import * as v from 'valibot';
import { MisconfiguredError } from '../errors.ts';
import type { Route } from './envelope.ts';
import { isSignedV2, isSignedV3, type SignedRequest } from './signature.ts';

const Text = v.pipe(v.string(), v.minLength(1));

/** What signs the requests that come in; two of each are valid during a rotation. */
export const WebhookSecret = v.object({
  /** Client secret of the HubSpot app. */
  clientSecret: Text,
  previousClientSecret: v.optional(Text),
  /** Standard Webhooks secret of the company's own signals, `whsec_…`. */
  signalsSecret: v.optional(Text),
  previousSignalsSecret: v.optional(Text),
});
export type WebhookSecret = v.InferOutput<typeof WebhookSecret>;

/** A request at a door, before anything of it is believed. */
export interface Claim {
  readonly route: Route;
  readonly method: string;
  /** Query string as received, without `?`; empty for none. */
  readonly rawQuery: string;
  /** Header names in lower case, as API Gateway gives them. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** Scheme, host, port and optional prefix that the caller was given; never taken from the request's own headers. */
  readonly publicUrl: string;
  readonly isV2Accepted: boolean;
}

/**
 * Whether a request comes from who it says: HubSpot by signature v3 (v2 on the workflow route where that is switched on),
 * the company's own systems by Standard Webhooks.
 *
 * @param nowMs - epoch milliseconds
 * @throws MisconfiguredError when signals come and no secret for them is filled in
 */
export function isAuthentic(claim: Claim, secret: WebhookSecret, nowMs: number): boolean {
  if (claim.route === '/signals') return isSignedSignal(claim, secret);
  const secrets = given(secret.clientSecret, secret.previousClientSecret);
  const query = claim.rawQuery === '' ? '' : `?${claim.rawQuery}`;
  const request: SignedRequest = {
    method: claim.method,
    uri: `${claim.publicUrl}${claim.route}${query}`,
    body: claim.body,
    timestamp: claim.headers['x-hubspot-request-timestamp'],
    signature: claim.headers['x-hubspot-signature-v3'],
  };
  if (request.signature !== undefined) return isSignedV3(request, secrets, nowMs);
  if (claim.route !== '/webhooks/workflow' || !claim.isV2Accepted) return false;
  return isSignedV2({ ...request, signature: claim.headers['x-hubspot-signature'] }, secrets);
}

function isSignedSignal({ headers, body }: Claim, secret: WebhookSecret): boolean {
  const secrets = given(secret.signalsSecret, secret.previousSignalsSecret);
  if (secrets.length === 0) throw new MisconfiguredError('no signalsSecret is filled in');
  const timestamp = headers['webhook-timestamp'] ?? '';
  if (!/^\d{1,15}$/.test(timestamp)) return false; // The library would read the digits in front of anything else.
  const signed = {
    'webhook-id': headers['webhook-id'] ?? '',
    'webhook-timestamp': timestamp,
    'webhook-signature': headers['webhook-signature'] ?? '',
  };
  const matches = secrets.map((key) => {
    const webhook = webhookOf(key);
    try {
      webhook.verify(body, signed, { jsonParse: false }); // Nothing is parsed before the signature holds.
      return true;
    } catch (error) {
      if (error instanceof WebhookVerificationError) return false;
      throw error;
    }
  });
  return matches.includes(true);
}

function webhookOf(key: string): Webhook {
  try {
    return new Webhook(key);
  } catch (cause) {
    throw new MisconfiguredError('the signalsSecret is no Standard Webhooks secret (whsec_ and base64)', {
      cause,
    });
  }
}

function given(...secrets: readonly (string | undefined)[]): string[] {
  return secrets.filter((secret) => secret !== undefined);
}
