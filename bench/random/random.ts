import { createRandom, type Random as Numbers } from '../../local/hubspot/random.ts';

/** Chance that is the same in every run of one seed. */
export interface Random extends Numbers {
  isLucky(chance: number): boolean;
  oneOf<T>(choices: readonly [T, ...T[]]): T;
  /** Each with a chance of its own. */
  some<T>(choices: readonly T[], chance: number): T[];
}

/** @param seed - any whole number */
export function randomOf(seed: number): Random {
  const numbers = createRandom(seed, 'bench');
  return {
    ...numbers,
    isLucky: (chance) => numbers.next() < chance,
    oneOf: (choices) => choices[numbers.between(0, choices.length - 1)] ?? choices[0],
    some: (choices, chance) => choices.filter(() => numbers.next() < chance),
  };
}
