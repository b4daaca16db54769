import type { Model } from './model.ts';
import type { Bands } from './model-file.ts';

/** Thousandths of a point as they are displayed: whole steps, halves upwards. */
export function displayPoints(model: Model, thousandths: number): number {
  const { step } = model.display;
  return step * Math.round(thousandths / (step * 1000)) + 0;
}

/** Displayed points, from which a grade follows. */
export interface Displayed {
  readonly score: number;
  readonly fit: number;
  readonly engagement: number;
}

/** Sums as they are displayed. @param sums - thousandths of a point */
export function displaySums(
  model: Model,
  fit: number,
  { score, engagement }: Omit<Displayed, 'fit'>,
): Displayed {
  return {
    score: displayPoints(model, score),
    fit: displayPoints(model, fit),
    engagement: displayPoints(model, engagement),
  };
}

/**
 * The grade of displayed points. It rises at once, and falls when the points are more than the dead band below the lowest of the
 * grade that was shown; in a grid each of its two parts does so by itself. For a fixed previous grade it only rises with the points.
 *
 * @param previous - grade shown before, `''` for none
 */
export function gradeOf({ grades }: Model, { score, fit, engagement }: Displayed, previous: string): string {
  const { bands = [], grid, deadBand } = grades;
  if (grid === undefined) return bandOf(bands, deadBand, score, previous);
  const [row, column] = cellOf(grid, previous);
  return bandOf(grid.fit, deadBand, fit, row) + bandOf(grid.engagement, deadBand, engagement, column);
}

/** What lies below the lowest band belongs to it too. */
function bandOf(bands: Bands, deadBand: number, points: number, previous: string): string {
  const reached = bands.findIndex((band) => points >= band.from);
  const held = bands.findIndex((band) => band.grade === previous && points >= band.from - deadBand);
  const at = held !== -1 && (reached === -1 || held < reached) ? held : reached;
  return bands.at(at)?.grade ?? '';
}

type Grid = NonNullable<Model['grades']['grid']>;

/** The two parts of a grade; the model's check has seen to it that no other two make the same. */
function cellOf({ fit, engagement }: Grid, grade: string): readonly [fit: string, engagement: string] {
  for (const row of fit) {
    const column = engagement.find((each) => row.grade + each.grade === grade);
    if (column !== undefined) return [row.grade, column.grade];
  }
  return ['', ''];
}

/** Every grade there is, from the best to the worst; those of a grid row by row. */
export function gradeNames({ grades: { bands = [], grid } }: Model): string[] {
  if (grid === undefined) return bands.map(({ grade }) => grade);
  return grid.fit.flatMap((row) => grid.engagement.map((column) => row.grade + column.grade));
}

/** Whether a grade is better than the one before; none at all is as good as the worst. @param before - `''` for none */
export function isRise(model: Model, before: string, grade: string): boolean {
  const names = gradeNames(model);
  const [from, to] = [names.indexOf(before), names.indexOf(grade)];
  return to !== -1 && to < (from === -1 ? names.length - 1 : from);
}
