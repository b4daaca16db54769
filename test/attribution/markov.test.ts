import {
  addPath,
  effectsOf,
  noTransitions,
  removalEffects,
  type WeightedPath,
} from '../../lambdas/attribution/markov.ts';
import { seeded } from './deals.ts';

function path(text: string, conversions: number, nulls: number): WeightedPath {
  return { path: text === '' ? [] : text.split(' '), conversions, nulls };
}

/** Rounded to what a double can be trusted with after some sums. */
function rounded(effects: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...effects].map(([source, effect]) => [source, Number(effect.toFixed(12))]));
}

test.each([
  {
    because:
      'of 5 starts 3 go to A, 2 to B; 2 of 3 leave A for B, 3 of 4 leave B converted: 0.6. Without A 2/5 · 3/4 = 0.3, without B 0',
    paths: [path('A B', 2, 0), path('A', 0, 1), path('B', 1, 1)],
    effects: { A: 0.3, B: 0.6 },
  },
  {
    because:
      'X leaves itself alone, then half to Y; Y half to X and half converted: x = y/2, y = 1/2 + x/2, so 1/3 and 2/3, and 1/2 from the start. Without X 1/2 · 1/2, without Y nothing',
    paths: [path('X X Y', 1, 0), path('Y X', 0, 1)],
    effects: { X: 0.25, Y: 0.5 },
  },
  {
    because:
      'a source by which nobody is ever won matters as far as others are passed on from it: here not at all',
    paths: [path('A', 1, 0), path('Lost', 0, 1)],
    effects: { A: 0.5, Lost: 0 },
  },
  {
    because: 'one source that all come by is all of it',
    paths: [path('A', 3, 1), path('A A', 1, 0)],
    effects: { A: 0.8 },
  },
  {
    because: 'where nothing was won nothing can be lost',
    paths: [path('A B', 0, 5)],
    effects: { A: 0, B: 0 },
  },
  {
    because: 'a path that nobody walked, or without a source, tells nothing',
    paths: [path('A', 0, 0), path('', 4, 1)],
    effects: {},
  },
])('$effects: $because', ({ paths, effects }) => {
  expect(rounded(removalEffects(paths))).toEqual(effects);
});

test('has the same effects whether paths come one by one or counted together, and in any order', () => {
  const together = [path('A B', 2, 1), path('B', 1, 0)];
  const singly = [path('B', 1, 0), path('A B', 0, 1), path('A B', 1, 0), path('A B', 1, 0)];

  expect(rounded(removalEffects(singly))).toEqual({ ...rounded(removalEffects(together)) });
});

test('takes sources for what they are called, also where states or JavaScript have these names', () => {
  const paths = [path('start null conversion', 1, 0), path('__proto__ constructor', 1, 2)];

  expect([...removalEffects(paths).keys()]).toEqual([
    'start',
    'null',
    'conversion',
    '__proto__',
    'constructor',
  ]);
});

/** P(conversion) by walking the chain until nothing changes, source by source: slow, and nothing like what is tested. */
function converting(paths: readonly WeightedPath[], removed?: string): number {
  const steps = new Map<string, Map<string, number>>();
  for (const { path: sources, conversions, nulls } of paths) {
    const walked: [string, string, number][] = [
      ...sources.map((source, at): [string, string, number] => [
        at === 0 ? '(start)' : `s:${sources[at - 1]}`,
        `s:${source}`,
        conversions + nulls,
      ]),
      [`s:${sources.at(-1)}`, '(won)', conversions],
      [`s:${sources.at(-1)}`, '(lost)', nulls],
    ];
    for (const [from, to, times] of walked) {
      const row = steps.get(from) ?? new Map<string, number>();
      steps.set(from, row.set(to, (row.get(to) ?? 0) + times));
    }
  }
  let chances = new Map([['(won)', 1]]);
  for (let round = 0; round < 3000; round += 1) {
    const next = new Map([['(won)', 1]]);
    for (const [from, row] of steps) {
      if (from === `s:${removed}`) continue;
      const all = [...row.values()].reduce((sum, times) => sum + times, 0);
      const won = [...row].reduce((sum, [to, times]) => sum + times * (chances.get(to) ?? 0), 0);
      next.set(from, won / all);
    }
    chances = next;
  }
  return chances.get('(start)') ?? 0;
}

test('agrees with walking the chain without each source, over random paths', () => {
  const random = seeded(3);
  for (let round = 0; round < 20; round += 1) {
    const paths = Array.from({ length: 8 }, () => ({
      path: Array.from({ length: 1 + random(6) }, () => 'ABCDE'[random(5)] ?? ''),
      conversions: random(20),
      nulls: 1 + random(30),
    }));

    const effects = removalEffects(paths);

    const whole = converting(paths);
    for (const [source, effect] of effects) expect(effect).toBeCloseTo(whole - converting(paths, source), 9);
  }
});

test('solves a chain of 300 sources that all lead to one another', () => {
  const random = seeded(5);
  const transitions = noTransitions();
  for (let at = 0; at < 20_000; at += 1)
    addPath(transitions, {
      path: Array.from({ length: 1 + random(12) }, () => `s${random(300)}`),
      conversions: random(2),
      nulls: random(3),
    });

  const effects = [...effectsOf(transitions).values()];

  expect(effects).toHaveLength(300);
  expect(effects.every((effect) => effect > 0 && effect < 0.1)).toBe(true);
});
