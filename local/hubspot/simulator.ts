// A HubSpot portal on 127.0.0.1, and what a person at it does with curl.
import http from 'node:http';
import { answerControl, type Control } from './control-routes.ts';
import { errorReply, withIds } from './errors.ts';
import { answerOf, type PortalAnswer, parseJson, readBody, sendAnswer } from './http.ts';
import { createHttpPost } from './http-post.ts';
import { createLocalPortal, type LocalPortal, type PortalOptions } from './portal.ts';
import { countLive } from './records.ts';

export interface SimulatorOptions extends PortalOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** What `POST /simulator/clock` does; its answer is the response. */
  readonly onAdvanceClock?: (hours: number) => Promise<unknown>;
}

export interface Simulator
  extends Pick<LocalPortal, 'crm' | 'calls' | 'setWebhooks' | 'delivered' | 'landings' | 'settled'> {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const webhooks = createHttpPost();
  const portal = createLocalPortal(options, webhooks.post);
  const { crm, calls, state, landings } = portal;
  const control: Control = {
    crm,
    advanceClock: options.onAdvanceClock,
    state: () => ({
      portalId: options.portalId ?? 1,
      now: new Date(state.clock()).toISOString(),
      records: countLive(state),
      webhooks: portal.delivered(),
      calls: calls.length,
      rateLimited: portal.refused(),
    }),
  };
  const server = http.createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    void serve(portal, control, request, response);
  });
  const port = await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    crm,
    calls,
    setWebhooks: (config) => portal.setWebhooks(config),
    delivered: () => portal.delivered(),
    landings,
    settled: () => portal.settled(),
    stop: () => {
      portal.stop();
      webhooks.stop();
      return close(server);
    },
  };
}

async function serve(
  portal: LocalPortal,
  control: Control,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  try {
    const answer = await answerTo(portal, control, request);
    if (answer === undefined) response.destroy();
    else sendAnswer(response, answer);
  } catch {
    response.destroy(); // The caller went away, or sent what is not HTTP.
  }
}

async function answerTo(
  portal: LocalPortal,
  control: Control,
  request: http.IncomingMessage,
): Promise<PortalAnswer | undefined> {
  const { method = 'GET', headers } = request;
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const body = await readBody(request);
  if (!/^\/simulator(\/|$)/.test(url.pathname))
    return portal.answer({ method, url: url.href, headers, body });
  const parsed = parseJson(body);
  const reply = parsed.valid
    ? await answerControl(control, method, url, parsed.value)
    : errorReply(400, parsed.why);
  return answerOf(withIds(reply, portal.newId), portal.newId);
}

function listen(server: http.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('the server has no port'));
      else resolve(address.port);
    });
  });
}

function close(server: http.Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
