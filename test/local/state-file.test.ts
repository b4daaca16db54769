import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalState } from '../../cli/target.ts';
import { openStateFile } from '../../local/state-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'afterglow-state-'));
const file = join(directory, 'deeper', 'system.json');
/** Two processes that run while the tests do, and one that has ended. */
const [FIRST, SECOND] = [process.pid, process.ppid];
let ended: number;

beforeAll(async () => {
  const child = spawn(process.execPath, ['--version']);
  await new Promise((resolve) => child.on('close', resolve));
  ended = child.pid ?? 0;
});
afterEach(() => rmSync(file, { force: true }));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function stateOf(pid: number, clockOffsetMs = 0): LocalState {
  return {
    pid,
    portalId: '1',
    ingestUrl: 'http://127.0.0.1:1',
    hubspotUrl: 'http://127.0.0.1:2',
    dynamoDbUrl: 'http://127.0.0.1:3',
    tableName: 'contacts',
    sqsUrl: 'http://127.0.0.1:4',
    queues: {},
    budget: { limit: 190, reserve: 20, dailyLimit: 250_000, dailyReservePercent: 10 },
    clientSecret: 'secret',
    accessToken: 'token',
    timeZone: 'UTC',
    model: 'models/b2b-saas.yaml',
    clockOffsetMs,
  };
}

/** The process that commands speak to now. */
function told(): LocalState {
  return JSON.parse(readFileSync(file, 'utf8'));
}

const interactive = (pid: number) => openStateFile(file, { pid, isTakenOver: true });
const once = (pid: number) => openStateFile(file, { pid, isTakenOver: false });

test('a system alone is told to the commands, and to nobody else on the machine, as long as it runs', () => {
  const alone = once(FIRST);

  expect(alone.write(stateOf(FIRST))).toBe(true);
  expect(alone.write(stateOf(FIRST, 3_600_000))).toBe(true);
  expect(told()).toEqual(stateOf(FIRST, 3_600_000));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  alone.remove();
  expect(existsSync(file)).toBe(false);
});

test('a run that ends by itself leaves the commands to the system that somebody works with', () => {
  interactive(FIRST).write(stateOf(FIRST));
  const second = once(SECOND);

  expect(second.write(stateOf(SECOND))).toBe(false);
  second.remove();

  expect(told().pid).toBe(FIRST);
});

test('of two systems somebody works with the commands speak to the later one, and to the earlier one again when that ends', () => {
  const [first, second] = [interactive(FIRST), interactive(SECOND)];
  first.write(stateOf(FIRST));

  expect(second.write(stateOf(SECOND))).toBe(true);
  expect(first.write(stateOf(FIRST, 3_600_000))).toBe(false); // Its clock moves: no reason to take the file back.
  expect(told().pid).toBe(SECOND);
  second.remove();
  expect(told().pid).toBe(FIRST);
});

test('a system that ends takes nothing from the later one', () => {
  const [first, second] = [interactive(FIRST), interactive(SECOND)];
  first.write(stateOf(FIRST));
  second.write(stateOf(SECOND));

  first.remove();

  expect(told().pid).toBe(SECOND);
});

test("what a system left behind that ended without a word is in nobody's way", () => {
  interactive(ended).write(stateOf(ended));
  const next = once(FIRST);

  expect(next.write(stateOf(FIRST))).toBe(true);
  next.remove();

  expect(existsSync(file)).toBe(false);
});

test("a file that says nothing of use is in nobody's way", () => {
  once(FIRST).write(stateOf(FIRST));
  writeFileSync(file, '{"pid":');

  expect(once(SECOND).write(stateOf(SECOND))).toBe(true);
  expect(told().pid).toBe(SECOND);
});
