import type { Model } from './model.ts';

/** How the scores of the contacts of a company become one. */
export type RollUp = NonNullable<Model['companyScore']>['rollUp'];

/** How many of the best contacts each way looks at. */
const BEST: Readonly<Record<RollUp, number>> = { maximum: 1, 'mean-of-top-three': 3 };

/** How many of the highest scores a roll-up needs. */
export function scoresNeeded(rollUp: RollUp): number {
  return BEST[rollUp];
}

/**
 * The score of a company: the highest score of its contacts, or the mean of its three highest (of fewer where there are fewer),
 * rounded to a whole number, halves up.
 *
 * @param scores - shown scores of contacts whose primary company it is, in any order; finite
 * @returns null where no contact has a score: a missing score is never a fake 0
 */
export function companyScore(rollUp: RollUp, scores: readonly number[]): number | null {
  const best = scores.toSorted((a, b) => b - a).slice(0, BEST[rollUp]);
  if (best.length === 0) return null;
  const mean = best.reduce((sum, score) => sum + score, 0) / best.length;
  return Math.floor(mean + 0.5);
}
