/** The name among several that takes the fewest edits to reach: what somebody who mistyped most likely meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const edits = (candidate: string) => editsBetween(name.toLowerCase(), candidate.toLowerCase());
  return known.toSorted((a, b) => edits(a) - edits(b))[0];
}

/** Levenshtein's distance: characters to insert, delete or replace. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let index = 0; index < from.length; index++) {
    const next = [index + 1];
    for (let column = 0; column < to.length; column++) {
      const replaced = (row[column] ?? 0) + (from[index] === to[column] ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
