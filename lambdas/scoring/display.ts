import type { Model } from './model.ts';

/** Thousandths of a point as they are displayed: whole steps, halves upwards. */
export function displayPoints(model: Model, thousandths: number): number {
  const { step } = model.display;
  return step * Math.round(thousandths / (step * 1000)) + 0;
}

/**
 * The grade of a displayed score. It rises at once, and falls when the score is more than the dead band below the lowest
 * score of the grade that was shown. For a fixed previous grade it only rises with the score.
 *
 * @param score - inside the model's range, so that there is a band for it
 * @param previous - grade shown before, `''` for none
 */
export function gradeOf(model: Model, score: number, previous: string): string {
  const { bands, deadBand } = model.grades;
  const reached = bands.findIndex((band) => score >= band.from);
  const held = bands.findIndex((band) => band.grade === previous && score >= band.from - deadBand);
  return bands[held !== -1 && held < reached ? held : reached]?.grade ?? '';
}
