import http from 'node:http';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { ClockMove, MOVE_EXPECTED } from './hubspot/control-routes.ts';
import { closeNow, listenLocally } from './runner/listen.ts';

/** Moves the clock where another server stands in for the HubSpot simulator, whose port would do it. */
export interface ClockControl {
  readonly url: string;
  stop(): void;
}

const Asked = v.pipe(v.string(), v.parseJson(undefined, MOVE_EXPECTED), ClockMove);

/**
 * Answers `POST /simulator/clock {"advanceHours": 24}` on 127.0.0.1.
 *
 * @param port - 0 = any free one
 * @param advance - moves the clock and runs what falls due; its result is the answer
 */
export async function startClockControl(
  port: number,
  advance: (hours: number) => Promise<unknown>,
): Promise<ClockControl> {
  const reply = async (request: http.IncomingMessage): Promise<{ status: number; body: unknown }> => {
    if (request.method !== 'POST' || request.url !== '/simulator/clock')
      return { status: 404, body: { message: 'only POST /simulator/clock is answered here' } };
    const asked = v.safeParse(Asked, await text(request));
    if (!asked.success) return { status: 400, body: { message: asked.issues[0].message } };
    return { status: 200, body: await advance(asked.output.advanceHours) };
  };
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const { status, body } = await reply(request).catch((error: unknown) => ({
      status: 500,
      body: { message: String(error) },
    }));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server = http.createServer((request, response) => void answer(request, response));
  const listening = await listenLocally(server, port);
  return { url: `http://127.0.0.1:${listening}`, stop: () => closeNow(server) };
}
