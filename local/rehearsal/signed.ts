import { Webhook } from 'standardwebhooks';
import { webhookHeaders } from '../hubspot/sign.ts';
import { DifferenceError } from './steps.ts';

/** A signed request is repeated while the API is not ready yet, as HubSpot repeats it, but sooner. */
const TRIES = 5;
const BETWEEN_TRIES_MS = 1_000;

/** What requests are signed with. */
export interface Sender {
  readonly clientSecret: string;
  readonly signalsSecret: string;
}

/**
 * Posts as HubSpot does, with signature v3: its app an array of events, its workflows one object.
 *
 * @param url - as the stack tells it
 */
export async function postAsHubSpot(
  url: string,
  content: object,
  { clientSecret }: Pick<Sender, 'clientSecret'>,
): Promise<void> {
  const body = JSON.stringify(content);
  await accepted(url, body, () =>
    webhookHeaders({ method: 'POST', uri: url, body, secret: clientSecret, timestamp: Date.now() }),
  );
}

/** Posts signals of the company's own, signed as Standard Webhooks. @param id - the same for the same signals */
export async function postSignals(
  url: string,
  id: string,
  signals: readonly object[],
  { signalsSecret }: Pick<Sender, 'signalsSecret'>,
): Promise<void> {
  const body = JSON.stringify(signals);
  await accepted(url, body, () => {
    const now = new Date();
    return {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(signalsSecret).sign(id, now, body),
    };
  });
}

/** A request that nobody signed. @returns the status it is answered with */
export async function postUnsigned(url: string): Promise<number> {
  const { status } = await fetch(url, {
    method: 'POST',
    body: '[]',
    headers: { 'content-type': 'application/json' },
  });
  return status;
}

async function accepted(url: string, body: string, sign: () => Record<string, string>): Promise<void> {
  let answer = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    const response = await fetch(url, { method: 'POST', body, headers: sign() });
    if (response.status === 202) return;
    answer = `${response.status} ${await response.text()}`;
    if (response.status < 500) break;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES_MS));
  }
  throw new DifferenceError(`${url} answered a signed request with ${answer}, expected 202`);
}
