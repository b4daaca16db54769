import http from 'node:http';
import https from 'node:https';
import { closeNow, listenLocally } from '../runner/listen.ts';
import type { Emulator } from './emulator.ts';

/** An address before the API, as a company's own domain is one: HubSpot calls and signs it, the gateway behind has another. */
export interface Front {
  readonly url: string;
  /** @param apiUrl - of the API as the stack tells it; its host is a name that only the emulator knows */
  leadTo(apiUrl: string): void;
  stop(): void;
}

/** The emulator tells its APIs apart by the host that is asked for, and no machine resolves those names. */
export async function startFront({ url, authority }: Pick<Emulator, 'url' | 'authority'>): Promise<Front> {
  let host: string | undefined;
  const { hostname, port } = new URL(url);
  const server = http.createServer((incoming, outgoing) => {
    if (host === undefined) {
      outgoing.writeHead(502).end();
      return;
    }
    const { method, url: path } = incoming;
    const headers = { ...incoming.headers, host };
    const passed = https.request({ hostname, port, method, path, headers, ca: authority }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  return {
    url: `http://127.0.0.1:${await listenLocally(server)}`,
    leadTo(apiUrl) {
      host = new URL(apiUrl).host;
    },
    stop: () => closeNow(server),
  };
}
