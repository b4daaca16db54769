// Requests over real sockets in virtual time: the clock stands still while one travels, and passes while the server sleeps over it.
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';
import type { Sleep } from '../../local/hubspot/landings.ts';
import type { RealWork, VirtualTime } from './time.ts';

/** By this header the server's side of a request is told from others. */
const NUMBER_HEADER = 'x-bench-call';
/** Answers that have no body. */
const BODILESS = [204, 205, 304];

/** A request as its sender saw it. */
export interface SentCall {
  /** When it was sent; no virtual time passes on the way. Epoch milliseconds. */
  readonly atMs: number;
  /** 0 when the connection broke, or the sender gave up. */
  readonly status: number;
}

export interface Wire {
  /** Calls that went through `fetch` and have ended, in the order they were sent. */
  calls(): SentCall[];
  /** `fetch` for somebody whose calls are not to be logged. */
  readonly unlogged: typeof fetch;
  /** How the simulator of this process is to sleep. */
  readonly sleep: Sleep;
  stop(): void;
}

/** Takes over `fetch`. */
export function startWire(time: VirtualTime): Wire {
  const realFetch = globalThis.fetch;
  const serving = new AsyncLocalStorage<RealWork>();
  const underWay = new Map<string, RealWork>();
  const calls: SentCall[] = [];
  let count = 0;

  const onRequest = (message: unknown) => {
    const { request } = Object(message);
    if (!(request instanceof IncomingMessage)) return;
    const call = underWay.get(String(request.headers[NUMBER_HEADER]));
    if (call !== undefined) serving.enterWith(call); // The server's listener is called next, in the same breath.
  };
  diagnostics.subscribe('http.server.request.start', onRequest);

  const send = async (input: string | URL | Request, init: RequestInit | undefined) => {
    const number = String(++count);
    const call = time.begin();
    underWay.set(number, call);
    try {
      const headers = new Headers(init?.headers);
      headers.set(NUMBER_HEADER, number);
      const response = await realFetch(input, { ...init, headers });
      const { status, statusText } = response;
      const body = await response.arrayBuffer();
      const whole = { status, statusText, headers: response.headers };
      return new Response(BODILESS.includes(status) ? null : body, whole);
    } finally {
      underWay.delete(number);
      call.end();
    }
  };
  const logged: typeof fetch = async (input, init) => {
    const at = calls.push({ atMs: time.now(), status: 0 }) - 1;
    const response = await send(input, init);
    calls[at] = { atMs: calls[at]?.atMs ?? 0, status: response.status };
    return response;
  };
  globalThis.fetch = logged;

  return {
    calls: () => [...calls],
    unlogged: (input, init) => send(input, init),
    async sleep(ms, what) {
      const call = what === 'answer' ? serving.getStore() : undefined; // For a landing nobody waits.
      call?.pause();
      await time.sleep(ms);
      call?.resume();
    },
    stop() {
      globalThis.fetch = realFetch;
      diagnostics.unsubscribe('http.server.request.start', onRequest);
    },
  };
}
