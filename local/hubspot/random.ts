/** A seeded stream of numbers: the same seed and name give the same stream. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** A shuffled copy. */
  shuffled<T>(items: readonly T[]): T[];
}

/** mulberry32 seeded with a hash of the name, so that streams do not disturb each other. */
export function createRandom(seed: number, name: string): Random {
  let state = seed >>> 0;
  for (const letter of name) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    shuffled(items) {
      const copy = [...items];
      for (let last = copy.length - 1; last > 0; last--) {
        const [moved] = copy.splice(between(0, last), 1);
        if (moved !== undefined) copy.push(moved);
      }
      return copy;
    },
  };
}

/** A stream of identifiers in the form of a random UUID: the same seed and name give the same stream. */
export function createUuids(seed: number, name: string): () => string {
  const random = createRandom(seed, name);
  const digits = (count: number) =>
    Math.floor(random.next() * 16 ** count)
      .toString(16)
      .padStart(count, '0');
  return () =>
    `${digits(8)}-${digits(4)}-4${digits(3)}-${'89ab'[random.between(0, 3)]}${digits(3)}-${digits(6)}${digits(6)}`;
}
