// `npm start` as a person runs it: a process of its own.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MINUTES = 60_000;
const START = join(import.meta.dirname, '../../local/start.ts');

/** Not the one of a system that somebody runs while the tests run. */
const directory = mkdtempSync(join(tmpdir(), 'afterglow-start-test-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Run {
  readonly pid: number;
  printed(): string;
  until(text: string): Promise<void>;
  readonly ended: Promise<number | null>;
}

function start(...args: string[]): Run {
  const child = spawn(process.execPath, [START, '--port', '0', '--hubspot-port', '0', ...args], {
    env: { ...process.env, AFTERGLOW_LOCAL_DIR: directory },
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    pid: child.pid ?? 0,
    printed: () => printed,
    ended,
    async until(text) {
      while (!printed.includes(text) && child.exitCode === null)
        await new Promise((resume) => setTimeout(resume, 50));
    },
  };
}

/** Processes started by a process, and by those. */
function descendants(pid: number): number[] {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const children = pairs.filter(([, parent]) => parent === pid).map(([child = 0]) => child);
  return [...children, ...children.flatMap(descendants)];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test(
  'with --nights every night ends, and repairs what webhooks that were lost left out: nothing is wrong in HubSpot in the end',
  async () => {
    const run = start('--once', '--contacts', '80', '--nights', '4', '--window', '1');

    const status = await run.ended;

    const summary = JSON.parse(run.printed().trim().split('\n').at(-1) ?? '');
    expect({ status, ...summary }).toMatchObject({
      status: 0,
      mismatches: 0,
      nights: { nights: 4, finished: 4 },
    });
    expect(summary.nights.lost).toBeGreaterThan(20);
    expect(summary.nights.figures.contactsMissed).toBeGreaterThan(5);
    expect(summary.contactsByAi).toBeGreaterThan(5);
    expect(summary.dealsCredited).toBeGreaterThan(3);
  },
  5 * MINUTES,
);

test.each([
  ['models/b2b-saas.yaml', 150],
  ['models/plg.yaml', 60],
])(
  'with --once and %s it ends with status 0 and one JSON line: all is right in HubSpot, and no limit was met',
  async (model, contacts) => {
    const run = start('--once', '--contacts', String(contacts), '--model', model);

    const status = await run.ended;

    const summary: Record<string, unknown> = JSON.parse(run.printed().trim().split('\n').at(-1) ?? '');
    expect({ status, ...summary }).toMatchObject({
      status: 0,
      mismatches: 0,
      rateLimited: 0,
      contactsScored: contacts,
      burst: { label: 'clicks of a link scanner', count: 40, seconds: 20 },
    });
    expect(Number(summary['delivered'])).toBeGreaterThan(Number(summary['distinct']));
    expect(Number(summary['facts'])).toBeGreaterThan(100);
    expect(Number(summary['companiesScored'])).toBeGreaterThan(5);
    expect(run.printed()).toMatch(/1 burst: 40 clicks of a link scanner on contact \d+, within 20 s/);
    expect(Number(summary['contactsByAi'])).toBeGreaterThan(5);
    expect(run.printed()).toMatch(/FIRST AI SOURCE .*\n(?:ChatGPT|Claude|Copilot|Gemini|Perplexity) /);
    expect(Number(summary['dealsCredited'])).toBeGreaterThan(1);
    expect(run.printed()).toMatch(
      /WON {2}deal \d+ \(\d+\), -?[\d.]+.*, credited to\n(?: {2}.+ \(\d+ %\)\n)+ {2}AI assistants /,
    );
  },
  4 * MINUTES,
);

test(
  'Ctrl-C ends everything it started and takes its traces with it',
  async () => {
    const run = start('--contacts', '20');
    await run.until('Ctrl-C ends everything');
    const processes = descendants(run.pid);
    expect(existsSync(join(directory, 'system.json'))).toBe(true);

    process.kill(run.pid, 'SIGINT');

    expect(await run.ended).toBe(0);
    expect(processes.length).toBeGreaterThanOrEqual(3);
    expect(processes.filter(isAlive)).toEqual([]);
    expect(existsSync(join(directory, 'system.json'))).toBe(false);
  },
  3 * MINUTES,
);

test(
  'Ctrl-C while it still builds ends it as well',
  async () => {
    const run = start();
    await run.until('Building');

    process.kill(run.pid, 'SIGINT');

    expect(await run.ended).toBe(0);
  },
  MINUTES,
);

test(
  'a model that cannot be used is refused with file, line and reason before anything starts',
  async () => {
    const run = start('--model', 'package.json');

    expect(await run.ended).toBe(1);
    expect(run.printed()).toMatch(/package\.json:1: fit: found nothing, expected keys and values/);
  },
  MINUTES,
);
