import http from 'node:http';
import { startVirtualTime, type VirtualTime } from '../../bench/virtual/time.ts';
import { startWire, type Wire } from '../../bench/virtual/wire.ts';

const START_MS = Date.UTC(2026, 10, 4, 9);
const HOUR_MS = 3_600_000;

let time: VirtualTime;

beforeEach(() => {
  time = startVirtualTime(START_MS);
});
afterEach(() => time.stop());

test('hours of waiting pass in no time, and in their order', async () => {
  const seen: string[] = [];
  const waitAndTell = async (hours: number) => {
    await new Promise((resolve) => setTimeout(resolve, hours * HOUR_MS));
    seen.push(`${hours} at ${new Date().toISOString()}`);
  };

  await time.until(Promise.all([waitAndTell(2), waitAndTell(1)]), 3 * HOUR_MS);

  expect(seen).toEqual(['1 at 2026-11-04T10:00:00.000Z', '2 at 2026-11-04T11:00:00.000Z']);
});

test('the clock stands still while something real is under way', async () => {
  const realWork = () =>
    time.real(() => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve))));
  const waiting = time.sleep(1);
  const work = async () => {
    for (let times = 0; times < 10; times++) await realWork();
    return Date.now();
  };

  expect(await time.until(work(), HOUR_MS)).toBe(START_MS);

  await time.until(waiting, HOUR_MS);
  expect(Date.now()).toBe(START_MS + 1);
});

test('work that waits for nothing is told, and work that takes too long', async () => {
  await expect(time.until(new Promise(() => {}), HOUR_MS)).rejects.toThrow('the work waits for nothing');
  await expect(
    time.until(
      time.sleep(3 * HOUR_MS).then(() => time.sleep(1)),
      HOUR_MS,
    ),
  ).rejects.toThrow('the work takes longer than 3600000 ms');
});

describe('a request to a server of this process', () => {
  let wire: Wire;
  let server: http.Server;
  let url: string;

  beforeEach(async () => {
    wire = startWire(time);
    server = http.createServer((request, response) => {
      const seconds = Number(request.url?.slice(1));
      void wire.sleep(seconds * 1000, 'answer').then(() => response.end(new Date().toISOString()));
    });
    await time.real(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterEach(() => {
    wire.stop();
    server.close();
    server.closeAllConnections();
  });

  const answerOf = async (path: string, init?: RequestInit) => (await fetch(`${url}${path}`, init)).text();

  test('takes as long as the server sleeps over it, beside others that take longer', async () => {
    const answers = await time.until(Promise.all([answerOf('/7'), answerOf('/3'), answerOf('/5')]), HOUR_MS);

    expect(answers).toEqual([7, 3, 5].map((s) => `2026-11-04T09:00:0${s}.000Z`));
    expect(wire.calls()).toEqual([200, 200, 200].map((status) => ({ atMs: START_MS, status })));
  });

  test('that is given up after a while is over then, whatever the server does', async () => {
    const giveUp = new AbortController();
    setTimeout(() => giveUp.abort(), 20_000);

    const given = answerOf('/60', { signal: giveUp.signal });
    await expect(time.until(given, HOUR_MS)).rejects.toThrow('aborted');

    expect(Date.now()).toBe(START_MS + 20_000);
    expect(wire.calls()).toEqual([{ atMs: START_MS, status: 0 }]);
  });
});
