import { distance } from 'fastest-levenshtein';

/** The name among several that takes the fewest edits to reach: what somebody who mistyped most likely meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const edits = (candidate: string) => distance(name.toLowerCase(), candidate.toLowerCase());
  return known.toSorted((a, b) => edits(a) - edits(b))[0];
}
