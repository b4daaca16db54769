import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** Ten seeds are many for a machine that has other things to do. */
const LONGEST_MS = 120_000;
const COMMAND = join(import.meta.dirname, '../../simulation/simulate.ts');

interface Ran {
  readonly code: number;
  readonly lines: readonly string[];
  readonly said: string;
}

function simulate(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : 0;
      resolve({ code, lines: stdout.trimEnd().split('\n'), said: stderr });
    });
  });
}

function figuresOf({ lines }: Ran): Record<string, unknown> {
  return JSON.parse(lines.at(-1) ?? '');
}

test(
  'seeds are run, their promises hold, and --json sums up what was tried',
  async () => {
    const ran = await simulate('--seeds', '3', '--from', '11', '--json');

    expect(ran).toMatchObject({ code: 0 });
    expect(figuresOf(ran)).toMatchObject({
      simulate: 'seeds',
      from: 11,
      seeds: 3,
      failing: 0,
      repeatedThrice: 1,
      isGoalMet: true,
    });
  },
  LONGEST_MS,
);

test(
  'one seed shows its trace, the same each time, of a long one the beginning and more of the end',
  async () => {
    const whole = await simulate('--seed', '5', '--lines', '1000000', '--json');
    const { lines } = await simulate('--seed', '5', '--lines', '40');

    expect(whole.lines.length).toBeGreaterThan(100);
    expect(figuresOf(whole)['hash']).toMatch(/^[0-9a-f]{64}$/);
    expect(whole.lines.at(-2)).toBe('every promise holds');
    expect(lines).toHaveLength(42); // What is left out, and what came of it, are lines too.
    expect(lines.slice(0, 4)).toEqual(whole.lines.slice(0, 4));
    expect(lines.slice(-37)).toEqual(whole.lines.slice(-38, -1));
  },
  LONGEST_MS,
);

test(
  'with --fault-rate 0 nothing is done to any call',
  async () => {
    const { failing, faults } = figuresOf(await simulate('--seeds', '2', '--fault-rate', '0', '--json'));

    expect(failing).toBe(0);
    expect(Object.keys(Object(faults)).filter((kind) => kind !== 'webhook lost')).toEqual([]);
  },
  LONGEST_MS,
);

test(
  'a planted bug is found',
  async () => {
    const ran = await simulate('--variants', 'portal-missing-from-key', '--json');

    expect(ran.code).toBe(0);
    expect(figuresOf(ran)).toMatchObject({ simulate: 'variants', found: 1, survived: [], broken: [] });
  },
  LONGEST_MS,
);

test.each([
  [['--seeds', 'many'], 'expected a whole number'],
  [['--fault-rate', '2'], 'expected a number from 0 to 1'],
  [['--variants', 'no-such-bug'], 'no variant no-such-bug; there are mark-then-score'],
  [['--unheard-of'], "unknown option '--unheard-of'"],
])('%j is refused', async (args, reason) => {
  const { code, said } = await simulate(...args);

  expect(code).not.toBe(0);
  expect(said).toContain(reason);
});

test('--help names every option', async () => {
  const { code, lines } = await simulate('--help');

  expect(code).toBe(0);
  for (const option of ['--seeds', '--from', '--seed', '--variants', '--threads', '--fault-rate', '--json'])
    expect(lines.join('\n')).toContain(option);
});
