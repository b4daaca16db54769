// `afterglow attribution paths`: a small file by hand, files that are wrong, and the known answers where they are at hand.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { creditPaths, formatPaths, pathsAsJson } from '../../cli/attribution-paths.ts';
import { QUIET } from './data.ts';

const directory = mkdtempSync(join(tmpdir(), 'afterglow-paths-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function credit(...lines: readonly string[]) {
  return creditPaths('-', Readable.from([Buffer.from(`${lines.join('\n')}\n`)]), QUIET);
}

const FIRST_LINE = 'path,total_conversions,total_null';

test('credits a small file as it is done by hand', async () => {
  // Three conversions by A > B (two) and B; one that ends after A, one after B. Effects 0.3 and 0.6: docs/attribution.md.
  const credited = await credit(FIRST_LINE, 'A > B,2,0', 'A,0,1', 'B,1,1');

  const { A, B } = JSON.parse(pathsAsJson(credited));
  expect(A).toEqual({ first: 2, last: 0, linear: 1, uShaped: 1, markov: expect.closeTo(1, 10) });
  expect(B).toEqual({ first: 1, last: 3, linear: 2, uShaped: 2, markov: expect.closeTo(2, 10) });
});

test('credits a channel for each place where it stands in a path', async () => {
  // 40 % + 10 % to A, 10 % to B, 40 % to C, of ten conversions.
  const credited = await credit(FIRST_LINE, 'A > B > A > C,10,0');

  const { A, B, C } = JSON.parse(pathsAsJson(credited));
  expect([A, B, C].map(({ first, last }) => [first, last])).toEqual([
    [10, 0],
    [0, 0],
    [0, 10],
  ]);
  expect([A, B, C].map(({ linear }) => linear)).toEqual([5, 2.5, 2.5]);
  expect([A, B, C].map(({ uShaped }) => Number(uShaped.toFixed(9)))).toEqual([5, 1, 4]);
});

test('prints the models in columns and what they sum to', async () => {
  const credited = await credit(FIRST_LINE, 'A > B,2,0', 'A,0,1', 'B,1,1');

  expect(formatPaths(credited)).toBe(`3 paths, 3 conversions, 2 without: 60.00 % convert

channel  first  last  linear  U-shaped  Markov
A         2.00  0.00    1.00      1.00    1.00
B         1.00  3.00    2.00      2.00    2.00
all       3.00  3.00    3.00      3.00    3.00`);
});

test('takes columns in any order, others beside them, quotes, and files of Windows', async () => {
  const file = join(directory, 'windows.csv');
  writeFileSync(file, '\uFEFFtotal_null,path,value,total_conversions\r\n3,"A, B > C",0.1,1\r\n\r\n');

  const credited = await creditPaths(file, process.stdin, QUIET);

  expect([...credited.credits.keys()]).toEqual(['A, B', 'C']);
  expect(credited).toMatchObject({ paths: 1, conversions: 1, nulls: 3 });
});

test('credits nothing where nothing converts', async () => {
  const credited = await credit(FIRST_LINE, 'A,0,4');

  expect(JSON.parse(pathsAsJson(credited))).toEqual({
    A: { first: 0, last: 0, linear: 0, uShaped: 0, markov: 0 },
  });
});

test('tells that none convert of a file in which nobody walked', async () => {
  expect(formatPaths(await credit(FIRST_LINE, 'A,0,0'))).toMatch(
    /^1 paths, 0 conversions, 0 without: 0.00 % convert\n/,
  );
});

test('keeps channels that are named as parts of JavaScript are', async () => {
  const json = pathsAsJson(await credit(FIRST_LINE, '__proto__ > constructor,1,0'));

  expect(Object.keys(JSON.parse(json))).toEqual(['__proto__', 'constructor']);
});

test('names every line that is wrong, and credits nothing', async () => {
  const lines = ['A,1,0', 'B,many,0', 'C,1,-1', 'D > > E,1,0', 'F > ,1,0', ',1,0', 'G,1', 'H,1e3,0', 'I,,0'];

  await expect(credit(FIRST_LINE, ...lines)).rejects.toThrow(
    [
      '-: nothing was credited, since lines are wrong:',
      'line 3: total_conversions: expected a number of at least 0, found "many"',
      'line 4: total_null: expected a number of at least 0, found "-1"',
      'line 5: path: expected touches joined by " > ", found an empty one',
      'line 6: path: expected touches joined by " > ", found an empty one',
      'line 7: path: expected touches joined by " > ", found an empty one',
      'line 8: expected as many columns as the first line has',
      'line 9: total_conversions: expected a number of at least 0, found "1e3"',
      'line 10: total_conversions: expected a number of at least 0, found empty text',
    ].join('\n  '),
  );
});

test('tells ten wrong lines, and of the others how many there are', async () => {
  const lines = Array.from({ length: 25 }, () => 'A,x,0');

  const told = await credit(FIRST_LINE, ...lines).catch((error: Error) => error.message);

  expect(told).toMatch(/line 11: .*\n {2}and 15 more$/);
});

test.each([
  { lines: ['path,total_null', 'A,1'], told: 'line 1: the columns total_conversions are missing' },
  {
    lines: ['path;total_conversions;total_null', 'A;1;0'],
    told: 'found "path;total_conversions;total_null"',
  },
  { lines: ['path,path,total_conversions,total_null'], told: 'names columns twice: "path"' },
  { lines: [FIRST_LINE], told: 'there is no path in it' },
  { lines: [FIRST_LINE, '"A,1,0'], told: 'the CSV cannot be read' },
  {
    lines: [FIRST_LINE, ...Array.from({ length: 501 }, (_, at) => `campaign ${at},1,0`)],
    told: 'line 502: more than 500 different touches',
  },
])('refuses a file: $told', async ({ lines, told }) => {
  await expect(credit(...lines)).rejects.toThrow(told);
});

test('tells a file that cannot be read', async () => {
  await expect(creditPaths(join(directory, 'none.csv'), process.stdin, QUIET)).rejects.toThrow(
    'none.csv cannot be read (ENOENT)',
  );
  await expect(creditPaths(directory, process.stdin, QUIET)).rejects.toThrow('cannot be read (EISDIR)');
});

/** Beside the repository, where somebody put it: 10,000 paths of the sample set of R's ChannelAttribution, and answers to them. */
const SHARED = join(
  process.env['AFTERGLOW_SHARED'] ?? join(import.meta.dirname, '../../../shared'),
  'data/attribution-paths.csv',
);

/** By channel first, last, linear and U-shaped, from that folder's README; Markov from an iteration over the same chain in Python. */
const KNOWN: Readonly<Record<string, readonly number[]>> = {
  alpha: [6308, 8447, 7574.72, 7444.82, 5344.95],
  beta: [2831, 989, 2083.5, 1969.77, 2527.35],
  delta: [1, 5, 1.72, 2.59, 4.61],
  epsilon: [99, 531, 272.17, 301.05, 599.57],
  eta: [3164, 4167, 3539.95, 3618.8, 3340.85],
  gamma: [165, 92, 121.04, 125.24, 171.15],
  iota: [4606, 3355, 3857.1, 3944.95, 3884.61],
  kappa: [74, 230, 137.96, 147.46, 274.36],
  lambda: [902, 1207, 1035.26, 1046.9, 1282.85],
  mi: [2, 2, 2.22, 2.06, 1.72],
  theta: [1606, 653, 1022.8, 1092.74, 1971.91],
  zeta: [27, 107, 136.55, 88.62, 381.06],
};

if (existsSync(SHARED)) {
  describe('the known answers', () => {
    test('are met to a hundredth of a conversion under every model', async () => {
      const { credits, conversions, nulls } = await creditPaths(SHARED, process.stdin, QUIET);

      expect([conversions, nulls]).toEqual([19_785, 68_602]);
      expect([...credits.keys()]).toEqual(Object.keys(KNOWN));
      for (const [channel, { first, last, linear, uShaped, markov }] of credits) {
        const found = [first, last, linear, uShaped, markov];
        const far = found.map((each, at) => Math.abs(each - (KNOWN[channel]?.[at] ?? Number.NaN)));
        expect({ channel, isMet: Math.max(...far) <= 0.01 }).toEqual({ channel, isMet: true });
      }
    });
  });
}
