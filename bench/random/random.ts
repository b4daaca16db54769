/** Chance that is the same in every run of one seed. */
export interface Random {
  /** From 0 up to, and without, 1. */
  number(): number;
  /** A whole number, both ends included. */
  whole(least: number, most: number): number;
  isLucky(chance: number): boolean;
  oneOf<T>(choices: readonly [T, ...T[]]): T;
  /** Each with a chance of its own. */
  some<T>(choices: readonly T[], chance: number): T[];
}

/** Mulberry32: 32 bits of state, evenly spread. @param seed - any whole number */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const number = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (least: number, most: number): number => least + Math.floor(number() * (most - least + 1));
  return {
    number,
    whole,
    isLucky: (chance) => number() < chance,
    oneOf: (choices) => choices[whole(0, choices.length - 1)] ?? choices[0],
    some: (choices, chance) => choices.filter(() => number() < chance),
  };
}
