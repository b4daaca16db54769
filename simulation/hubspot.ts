// HubSpot as the doors reach it, without a socket: a `fetch` that hands its requests to a portal of this process.
import type { PortalAnswer, PortalRequest } from '../local/hubspot/http.ts';

/** Where HubSpot's API lives. */
const HUBSPOT_ORIGIN = 'https://api.hubapi.com';
/** Answers that have no body, and those that point elsewhere. */
const BODILESS = new Set([204, 205, 304]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** What answers a request; undefined when the connection is closed without an answer. */
interface Answering {
  answer(request: PortalRequest): Promise<PortalAnswer | undefined>;
}

/**
 * A `fetch` that reaches one portal and nobody else. It takes addresses and text, and reads whole answers. Who aborts does not wait any
 * longer; whether the work is done is the portal's affair. Nobody is redirected.
 */
export function fetchOf(portal: Answering, origin = HUBSPOT_ORIGIN): typeof fetch {
  return async (input, { method = 'GET', headers, body, signal } = {}) => {
    if (!(typeof input === 'string' || input instanceof URL) || !isText(body))
      throw new TypeError('only addresses and text can be given here');
    const url = new URL(input);
    if (url.origin !== origin) throw failed(`${url.host} cannot be reached from here`, 'ENOTFOUND');
    signal?.throwIfAborted();
    const answering = portal.answer({
      method,
      url: `${url.pathname}${url.search}`,
      headers: plainHeaders(headers),
      body: body ?? undefined,
    });
    const answer = await unlessAborted(answering, signal);
    if (answer === undefined) throw failed('other side closed', 'UND_ERR_SOCKET');
    if (REDIRECTS.has(answer.status)) throw failed('unexpected redirect');
    return new WholeResponse(answer);
  };
}

/** By names in lower case. */
function plainHeaders(headers: RequestInit['headers'] = {}): Record<string, string> {
  if (headers instanceof Headers || Array.isArray(headers)) return Object.fromEntries(new Headers(headers));
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) plain[name.toLowerCase()] = String(value);
  return plain;
}

function isText(body: unknown): body is string | null | undefined {
  return typeof body === 'string' || body === null || body === undefined;
}

/** As Node's own `fetch` fails: what happened stands in the cause. */
function failed(message: string, code?: string): TypeError {
  return new TypeError('fetch failed', {
    cause: Object.assign(new Error(message), code !== undefined && { code }),
  });
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (signal === undefined || signal === null) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const forget = () => signal.removeEventListener('abort', abort);
    work.finally(forget).then(resolve, reject);
  });
}

/** An answer that has arrived whole: reading it takes no streams, which would cost more than the rest of the call. */
class WholeResponse extends Response {
  override readonly text: () => Promise<string>;
  override readonly json: () => Promise<unknown>;

  constructor({ status, headers, body }: PortalAnswer) {
    super(null, { status, headers: { ...headers } });
    const text = BODILESS.has(status) ? '' : body;
    this.text = () => Promise.resolve(text);
    this.json = async () => JSON.parse(text);
  }
}
