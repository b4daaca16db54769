import { type PassOptions, passTime } from '../../../local/runner/passing-time.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A clock that only moves, and messages that are each due at some minute; what is done with one may postpone another. */
function queueOf(dueMinutes: number[], handle: (minute: number) => number[] = () => []) {
  let nowMs = 0;
  let due = dueMinutes.map((minute) => minute * MINUTE_MS);
  const seenAtMinutes: number[] = [];
  const clock = {
    preload: '',
    environment: {},
    now: () => nowMs,
    setOffset: () => undefined,
    moveTo: (toMs: number) => (nowMs = Math.max(nowMs, toMs)),
    close: () => undefined,
  };
  const keptWindows: boolean[] = [];
  const untilQuiet = async (keepWindows: boolean) => {
    keptWindows.push(keepWindows);
    const now = due.filter((atMs) => atMs <= nowMs);
    due = due.filter((atMs) => atMs > nowMs);
    for (const atMs of now) {
      seenAtMinutes.push(nowMs / MINUTE_MS);
      due.push(...handle(atMs / MINUTE_MS).map((minute) => nowMs + minute * MINUTE_MS));
    }
    return due;
  };
  let sets = 0;
  const pass = (options: Partial<PassOptions> = {}) =>
    passTime(
      { clock, nights: { clockWasSet: () => (sets += 1) }, untilQuiet },
      { mostMs: 24 * HOUR_MS, mostWallMs: MINUTE_MS, ...options },
    );
  return { pass, seenAtMinutes, keptWindows, now: () => nowMs, sets: () => sets };
}

test('moves the clock to each postponed message in turn, those included that are postponed meanwhile', async () => {
  const queue = queueOf([31, 15], (minute) => (minute === 15 ? [5] : []));

  expect(await queue.pass()).toEqual({ movedMs: 31 * MINUTE_MS, moves: 3, left: 0 });
  expect(queue.seenAtMinutes).toEqual([15, 20, 31]);
  expect(queue.sets()).toBe(3); // Nothing that is scheduled on the way is run.
});

test('goes no further than it may, and says what is left', async () => {
  const queue = queueOf([5, 90, 95]);

  expect(await queue.pass({ mostMs: 20 * MINUTE_MS })).toEqual({ movedMs: 5 * MINUTE_MS, moves: 1, left: 2 });
  expect(await queue.pass({ mostWallMs: 0 })).toEqual({ movedMs: 0, moves: 0, left: 2 });
});

test('stops also where something else is to be done, and waits for it', async () => {
  const landings = [7 * MINUTE_MS];
  const queue = queueOf([10]);
  const landed: number[] = [];

  await queue.pass({
    alsoDue: () => landings,
    onMoved: async () => {
      await Promise.resolve();
      if (landings.length > 0 && queue.now() >= 7 * MINUTE_MS) landed.push(landings.length, queue.now());
      landings.length = 0;
    },
  });

  expect(landed).toEqual([1, 7 * MINUTE_MS]);
  expect(queue.seenAtMinutes).toEqual([10]);
});

test('leaps further and further while all is put off again, and comes back to small steps when something comes of it', async () => {
  let calls = 0;
  let tries = 0;
  const queue = queueOf([15], () => {
    tries += 1;
    if (tries < 6) return [15]; // Stopped.
    calls += 1;
    return tries < 8 ? [15] : [];
  });

  await queue.pass({ progress: () => calls });

  // 15, then leaps of 15, 30, 60, 120 and 240 minutes; then something comes of it.
  expect(queue.seenAtMinutes).toEqual([15, 30, 60, 120, 240, 480, 495, 510]);
});

test('asks before each move, and lets windows last when told to', async () => {
  const queue = queueOf([5, 9]);
  const beforeMoves: number[] = [];

  await queue.pass({ keepWindows: true, onMoving: () => void beforeMoves.push(queue.now() / MINUTE_MS) });
  await queue.pass();

  expect(beforeMoves).toEqual([0, 5]);
  expect(queue.keptWindows).toEqual([true, true, true, false]);
});
