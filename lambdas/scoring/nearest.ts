import { distance } from 'fastest-levenshtein';

/** Share of a name that may be mistyped: beyond it, another name was meant than any of the known ones. */
const MISTYPED = 0.4;
/** Shortest beginning of a name that stands for it. */
const BEGINNING = 3;

/** The name among several that takes the fewest edits to reach: what somebody who mistyped most likely meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const edits = (candidate: string) => distance(lower, candidate.toLowerCase());
  const [best] = known.toSorted((a, b) => edits(a) - edits(b));
  if (best === undefined) return undefined;
  const isNear = edits(best) <= Math.max(1, Math.max(name.length, best.length) * MISTYPED);
  if (isNear) return best;
  return lower.length < BEGINNING
    ? undefined
    : known.find((candidate) => candidate.toLowerCase().startsWith(lower));
}
