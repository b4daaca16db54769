// Robots: what comes too close counts as one.
import fc from 'fast-check';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import { explainFold } from '../../lambdas/scoring/lines.ts';
import { DAY_MS, NOW_MS } from './histories.ts';
import { modelOfSignals } from './model-of.ts';

function clicks(...seconds: number[]): Fact[] {
  return seconds.map((second) => ({
    key: `click ${second}`,
    name: 'property:click',
    occurredAtMs: NOW_MS - DAY_MS + second * 1000,
  }));
}

function page(path: string, second: number): Fact {
  const occurredAtMs = NOW_MS + second * 1000;
  return { key: path, name: 'property:url', occurredAtMs, value: `https://acme.example${path}` };
}

function modelWith(rest: string) {
  return modelOfSignals(
    `[{ id: click, title: Clicked, from: { kind: timestamp, property: click }, points: 1, halfLifeDays: never, ${rest} }]`,
  );
}

/** The seconds of the clicks that count. */
function counted(rest: string, facts: readonly Fact[], nowMs = NOW_MS): number[] {
  const { awards } = fold(modelWith(rest), { properties: [], facts }, nowMs);
  return awards.map(({ fact }) => (fact.occurredAtMs - (NOW_MS - DAY_MS)) / 1000);
}

const GAP = 'minimumGapSeconds: 30';
const BURST = 'burst: { moreThan: 3, withinSeconds: 60 }';

test.each<[string, string, number[], number[], string]>([
  [GAP, 'far apart', [0, 30, 60], [0, 30, 60], 'exactly the gap is not closer'],
  [GAP, 'two close', [0, 29], [0], 'they count as one, the first'],
  [
    GAP,
    'a chain',
    [0, 20, 40, 60, 95],
    [0, 95],
    'each is close to the one before, whether that one counted or not',
  ],
  [GAP, 'at one instant', [0, 0.001], [0], 'the closest there is'],
  [BURST, 'three in a minute', [0, 10, 20], [0, 10, 20], 'so many are still people'],
  [BURST, 'four in a minute', [0, 10, 20, 30], [0], 'one more is a robot'],
  [BURST, 'four in just a minute', [0, 20, 40, 60], [0, 20, 40, 60], 'the window is shorter than its length'],
  [BURST, 'a long burst', [0, 10, 20, 30, 40, 50, 60, 70, 80, 90], [0], 'windows that overlap are one burst'],
  [BURST, 'before and after', [-100, 0, 1, 2, 3, 200], [-100, 0, 200], 'what is not in a burst counts'],
  [BURST, 'two bursts', [0, 1, 2, 3, 500, 501, 502, 503], [0, 500], 'each counts as one'],
  [BURST, 'touching the edge', [0, 50, 51, 52, 53], [0], 'also the first that a window reaches'],
  [BURST, 'just outside', [0, 70, 71, 72, 73], [0, 70], 'a burst begins where its windows do'],
  [
    `${GAP}, burst: { moreThan: 1, withinSeconds: 100 }`,
    'both',
    [0, 1, 2, 50, 51, 300],
    [0, 300],
    'what the gap left is looked at for bursts',
  ],
])('%s, %s: of %p count %p, since %s', (rest, _name, seconds, expected) => {
  expect(counted(rest, clicks(...seconds))).toEqual(expected);
  expect(counted(rest, clicks(...seconds).toReversed())).toEqual(expected);
});

test('what does not count stands in a line of its own, with what it would have given', () => {
  const model = modelWith(BURST);
  const folded = fold(model, { properties: [], facts: clicks(0, 1, 2, 3, 4) }, NOW_MS);

  expect(
    explainFold(model, folded).map(({ kind, title, given, left }) => [kind, title, given, left]),
  ).toEqual([
    ['signal', 'Clicked', 1000, 1000],
    ['burst', 'Clicked: 4 more so close that they count as one', 4000, 0],
  ]);
});

test('one that does not count is told as one, with what its own rule would have given', () => {
  const model = modelOfSignals(`[
    { id: any, title: Any page, from: { kind: text, property: url, contains: [acme*] }, points: 1, halfLifeDays: never },
    { id: pricing, title: Pricing, from: { kind: text, property: url, contains: [/pricing] }, points: 5, halfLifeDays: never, ${GAP} }]`);
  const folded = fold(
    model,
    { properties: [], facts: [page('/pricing', -20), page('/pricing/team', 0)] },
    NOW_MS,
  );

  expect(
    explainFold(model, folded).map(({ kind, title, given, left }) => [kind, title, given, left]),
  ).toEqual([
    ['signal', 'Any page', 1000, 1000],
    ['signal', 'Any page', 1000, 1000],
    ['signal', 'Pricing', 5000, 5000],
    ['burst', 'Pricing: 1 more so close to another that both count as one', 5000, 0],
  ]);
});

test('a burst that is taken away leaves the score as if it had never happened', () => {
  const people = clicks(-5000, 5000);
  const robot = clicks(0, 1, 2, 3, 4, 5);

  expect(counted(BURST, [...people, ...robot])).toEqual([-5000, 0, 5000]);
  expect(counted(BURST, people)).toEqual([-5000, 5000]);
});

test('each rule looks at its own signals only', () => {
  const model = modelOfSignals(`[
    { id: pricing, title: P, from: { kind: text, property: url, contains: [/pricing] }, points: 1, halfLifeDays: never, ${GAP} },
    { id: blog, title: B, from: { kind: text, property: url, contains: [/blog] }, points: 1, halfLifeDays: never, ${GAP} }]`);

  expect(fold(model, { properties: [], facts: [page('/pricing', 0), page('/blog', 5)] }, NOW_MS).score).toBe(
    2000,
  );
});

test('when the first of several grows too old, none of the others takes its place', () => {
  const seconds = [0, 10, 20, 29];
  const leavesMs = NOW_MS - DAY_MS + 365 * DAY_MS;

  expect(counted(BURST, clicks(...seconds), leavesMs)).toEqual([0]);
  expect(counted(BURST, clicks(...seconds), leavesMs + 5000)).toEqual([]);
});

test.each([GAP, 'burst: { moreThan: 2, withinSeconds: 90 }'])(
  'with %s a click more never lets more than itself count',
  (rest) => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 12 }),
        fc.nat(300),
        (seconds, more) => {
          const before = counted(rest, clicks(...seconds));
          const after = counted(rest, clicks(...new Set([...seconds, more])));

          expect(after.length).toBeLessThanOrEqual(before.length + 1);
        },
      ),
    );
  },
);
