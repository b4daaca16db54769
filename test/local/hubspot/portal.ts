// A portal for one test: the simulator, a moveable clock, a caller with a token, a listener for webhooks.
import http from 'node:http';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../local/hubspot/simulator.ts';
import { validateExchange } from './openapi.ts';

export const NOON_MS = Date.UTC(2026, 10, 10, 12);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests read answers as a caller without types would.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface Portal extends Simulator {
  readonly time: { nowMs: number };
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** What HubSpot's own specs have against the exchanges so far. */
  readonly specProblems: string[];
}

const open: (() => Promise<void>)[] = [];

/** Stops everything the tests of this file started. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0)) await close();
}

export async function openPortal(options: SimulatorOptions = {}): Promise<Portal> {
  const time = { nowMs: NOON_MS };
  const specProblems: string[] = [];
  const simulator = await startSimulator({
    clock: () => time.nowMs,
    propertyLagMs: [0, 0],
    onExchange: (exchange) => specProblems.push(...validateExchange(exchange)),
    ...options,
  });
  open.push(() => simulator.stop());
  const call = (method: string, path: string, body?: unknown, token = 'local-access-token') =>
    request(method, `${simulator.url}${path}`, body, token);
  return { ...simulator, time, call, specProblems };
}

async function request(method: string, url: string, body: unknown, token: string): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

export interface ReceivedRequest {
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly events: Record<string, unknown>[];
  readonly atMs: number;
}

export interface WebhookListener {
  readonly url: string;
  readonly requests: ReceivedRequest[];
  readonly mostInFlight: () => number;
  events(): Record<string, unknown>[];
}

/** Listens for webhooks; `answer` gives the status of the n-th request, 0 to hang up, a promise to be slow. */
export async function listenForWebhooks(
  answer: (request: ReceivedRequest, number: number) => number | Promise<number> = () => 204,
): Promise<WebhookListener> {
  const requests: ReceivedRequest[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  const server = http.createServer((incoming, response) => {
    inFlight++;
    mostInFlight = Math.max(mostInFlight, inFlight);
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const received = {
        url: incoming.url ?? '',
        headers: incoming.headers,
        body,
        events: JSON.parse(body),
        atMs: Date.now(),
      };
      requests.push(received);
      void Promise.resolve(answer(received, requests.length)).then((status) => {
        inFlight--;
        if (status === 0) return response.destroy();
        return response.writeHead(status).end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/webhooks/hubspot`,
    requests,
    mostInFlight: () => mostInFlight,
    events: () => requests.flatMap(({ events }) => events),
  };
}
