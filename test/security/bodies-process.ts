// A process of its own, so that its memory can be limited: takes every hostile body through the door and the scorer's reading, each
// beside a harmless one of the same size, and prints a line for each of what both cost.
import { readMessages } from '../../lambdas/events/messages.ts';
import { BODIES, type Cost, harmlessBody } from './hostile-bodies.ts';
import { door, KIB, signed, signedSignals } from './requests.ts';
import { everyEntranceModel } from './system.ts';

const RUNS = 2;

/** @returns milliseconds of this process's time */
async function timed<T>(act: () => Promise<T>): Promise<{ cpuMs: number; result: T }> {
  const before = process.cpuUsage();
  const result = await act();
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, result };
}

async function leastOf<T>(act: () => Promise<T>): Promise<{ cpuMs: number; result: T }> {
  let least = await timed(act);
  for (let run = 1; run < RUNS; run++) {
    const next = await timed(act);
    if (next.cpuMs < least.cpuMs) least = next;
  }
  return least;
}

async function taken(route: (typeof BODIES)[number]['route'], body: string) {
  const event = route === '/signals' ? signedSignals(body) : signed({ route, body });
  const { ingest, sent } = door();
  return leastOf(async () => {
    sent.length = 0;
    const { statusCode, body: answer = '' } = await ingest(event);
    const records = sent.map((envelope) => ({ messageId: 'm', body: JSON.stringify(envelope) }));
    const [message] = readMessages(records, { model: everyEntranceModel(), portalId: '33', ownAppIds: [] });
    const heard = message?.heard ?? [];
    return {
      statusCode,
      answerBytes: answer.length,
      deadLetters: message?.rejected.length ?? 0,
      facts: heard.flatMap(({ facts }) => facts).length,
      properties: heard.flatMap(({ properties }) => properties).length,
    };
  });
}

/** Bodies are compared with harmless ones of these sizes. */
const STEP_BYTES = 128 * KIB;
const known = new Map<number, { cpuMs: number }>();

async function harmlessOf(bytes: number): Promise<{ cpuMs: number }> {
  const cost = known.get(bytes) ?? (await taken('/webhooks/hubspot', harmlessBody(bytes)));
  known.set(bytes, cost);
  return cost;
}

for (const { name, route, make } of BODIES) {
  const body = make();
  const harmless = await harmlessOf(Math.ceil(body.length / STEP_BYTES) * STEP_BYTES);
  const hostile = await taken(route, body);
  const cost: Cost = {
    name,
    ...hostile.result,
    cpuMs: hostile.cpuMs,
    harmlessCpuMs: harmless.cpuMs,
    peakMib: process.resourceUsage().maxRSS / 1024,
  };
  process.stdout.write(`${JSON.stringify(cost)}\n`);
}
