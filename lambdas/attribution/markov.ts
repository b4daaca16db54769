/** How often a path was walked, and how that ended. */
export interface WeightedPath {
  /** Sources in order; one may stand there several times. */
  readonly path: readonly string[];
  /** At least 0; fractions count. */
  readonly conversions: number;
  readonly nulls: number;
}

/** The states of the chain that are no sources. Sources come behind them, in the order they were met. */
const START = 0;
const CONVERSION = 1;
const FIRST_SOURCE = 2;

/** The walks over a set of paths, from state to state. What ends without a conversion is counted by where it left from only. */
export interface Transitions {
  readonly states: Map<string, number>;
  /** By the state left: how often for each state that was entered. */
  readonly weights: Map<number, Map<number, number>>;
  /** By the state left: how often at all, but for staying in it. */
  readonly leaving: Map<number, number>;
}

export function noTransitions(): Transitions {
  return { states: new Map(), weights: new Map(), leaving: new Map() };
}

/** Adds a path to the transitions. A path without sources, or that nobody walked, adds nothing. */
export function addPath(transitions: Transitions, { path, conversions, nulls }: WeightedPath): void {
  const walks = conversions + nulls;
  if (path.length === 0 || !(walks > 0)) return;
  let from = START;
  for (const source of path) {
    const to = transitions.states.get(source) ?? FIRST_SOURCE + transitions.states.size;
    transitions.states.set(source, to);
    walk(transitions, from, to, walks);
    from = to;
  }
  walk(transitions, from, CONVERSION, conversions);
  leave(transitions, from, nulls);
}

function walk(transitions: Transitions, from: number, to: number, times: number): void {
  if (from === to) return; // Who stays leaves later: it changes nothing about where to.
  const row = transitions.weights.get(from) ?? new Map<number, number>();
  transitions.weights.set(from, row.set(to, (row.get(to) ?? 0) + times));
  leave(transitions, from, times);
}

function leave({ leaving }: Transitions, from: number, times: number): void {
  leaving.set(from, (leaving.get(from) ?? 0) + times);
}

/**
 * First-order removal effects: by source, the drop of the probability to come from the start to a conversion when whoever would enter
 * the source is lost instead. From 0 to 1, and never above that probability.
 *
 * With `N` the inverse of `I - P` over the states that are left again, and `x` the probabilities to convert from each, who starts comes
 * to source `c` with probability `N[start][c] / N[c][c]`, and converts by way of it with `x[c]` times that: this is the drop, exactly.
 * Rows are weighed by how often their state was left, so that the matrix holds the counts themselves.
 *
 * @see docs/attribution.md#markov - an example by hand
 */
export function effectsOf({ states, weights, leaving }: Transitions): Map<string, number> {
  const sources = [...states.keys()];
  // The start, then the sources.
  const rows = [START, ...sources.map((_, at) => FIRST_SOURCE + at)];
  const left = rows.map((from) =>
    rows.map((to) => (from === to ? (leaving.get(from) ?? 0) : -(weights.get(from)?.get(to) ?? 0))),
  );
  const inverse = inverseOf(left);
  const converting = rows.map((from) => weights.get(from)?.get(CONVERSION) ?? 0);
  return new Map(
    sources.map((source, at) => {
      const row = inverse[at + 1] ?? [];
      const converts = row.reduce((sum, cell, to) => sum + cell * (converting[to] ?? 0), 0);
      const reached = (inverse[0]?.[at + 1] ?? 0) / (row[at + 1] ?? 1);
      return [source, reached * converts];
    }),
  );
}

/** Removal effects over a set of paths. @see effectsOf */
export function removalEffects(paths: Iterable<WeightedPath>): Map<string, number> {
  const transitions = noTransitions();
  for (const path of paths) addPath(transitions, path);
  return effectsOf(transitions);
}

/**
 * The inverse of a matrix by Gauss-Jordan elimination. No pivot is looked for: each row's diagonal is at least as large as all else in it
 * together, and every state is left for an end, so no pivot comes to be zero and nothing grows.
 */
function inverseOf(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const work = matrix.map((row, at) => [...row, ...row.map((_, to) => (at === to ? 1 : 0))]);
  for (const [at, pivotRow] of work.entries()) {
    const pivot = pivotRow[at] ?? 0;
    if (pivot === 0) continue; // Nobody ever started: no path at all.
    for (let column = 0; column < pivotRow.length; column += 1)
      pivotRow[column] = (pivotRow[column] ?? 0) / pivot;
    for (const row of work) {
      const factor = row[at] ?? 0;
      if (row === pivotRow || factor === 0) continue;
      for (let column = 0; column < row.length; column += 1)
        row[column] = (row[column] ?? 0) - factor * (pivotRow[column] ?? 0);
    }
  }
  return work.map((row) => row.slice(size));
}
