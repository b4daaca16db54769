import fc from 'fast-check';
import { displayPoints, gradeNames, gradeOf, isRise } from '../../lambdas/scoring/display.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import { show } from '../../lambdas/scoring/show.ts';
import { contacts, models, NOW_MS } from './histories.ts';
import { modelOf } from './model-of.ts';

const GRID = modelOf(`
grades:
  deadBand: 2
  grid:
    fit: [{ grade: A, from: 40 }, { grade: B, from: 20 }, { grade: C, from: 0 }]
    engagement: [{ grade: "1", from: 30 }, { grade: "2", from: 10 }, { grade: "3", from: 0 }]`);

test.each<[number, number, string, string, string]>([
  [40, 30, '', 'A1', 'both reached exactly'],
  [39, 30, '', 'B1', 'a point of fit is missing'],
  [40, 29, '', 'A2', 'a point of engagement is missing'],
  [0, 0, '', 'C3', 'the lowest of both'],
  [-15, -40, '', 'C3', 'what lies below belongs to the lowest'],
  [38, 30, 'A1', 'A1', 'fit is held inside its dead band'],
  [37, 30, 'A1', 'B1', 'and falls below it'],
  [40, 28, 'A1', 'A1', 'engagement is held by itself'],
  [37, 28, 'A1', 'B1', 'fit falls while engagement is held'],
  [38, 27, 'A1', 'A2', 'engagement falls while fit is held'],
  [20, 10, 'C3', 'B2', 'both rise at once'],
  [38, 28, 'B2', 'B2', 'what was never reached is not held'],
  [38, 28, 'excluded', 'B2', 'a grade that the grid does not have holds nothing'],
])('in a grid fit %p and engagement %p after "%s" are %s: %s', (fit, engagement, previous, expected) => {
  expect(gradeOf(GRID, { score: 100, fit, engagement }, previous)).toBe(expected);
});

test('also what lies below the lowest grade of a grid is held inside a wide dead band', () => {
  const wide = modelOf(`
grades:
  deadBand: 25
  grid:
    fit: [{ grade: A, from: 20 }, { grade: B, from: 0 }]
    engagement: [{ grade: "1", from: 0 }]`);

  // A begins at 20: 25 below it is -5.
  expect(gradeOf(wide, { score: 0, fit: -5, engagement: 0 }, 'A1')).toBe('A1');
  expect(gradeOf(wide, { score: 0, fit: -6, engagement: 0 }, 'A1')).toBe('B1');
});

test('the grades of a grid are named row by row, the best first', () => {
  expect(gradeNames(GRID)).toEqual(['A1', 'A2', 'A3', 'B1', 'B2', 'B3', 'C1', 'C2', 'C3']);
});

describe('whatever the model', () => {
  const points = fc.integer({ min: -150, max: 150 });
  const displayed = fc.record({ score: points, fit: points, engagement: points });

  test('a grade is one of the model, and for one previous grade never falls when points rise', () => {
    const raised = fc.record({ score: fc.nat(20), fit: fc.nat(20), engagement: fc.nat(20) });
    fc.assert(
      fc.property(models(), displayed, raised, fc.nat(30), (model, low, by, pick) => {
        const names = gradeNames(model);
        const previous = ['', ...names][pick % (names.length + 1)] ?? '';
        const high = {
          score: low.score + by.score,
          fit: low.fit + by.fit,
          engagement: low.engagement + by.engagement,
        };
        const [before, after] = [gradeOf(model, low, previous), gradeOf(model, high, previous)];

        expect(names).toContain(before);
        const isBand = model.grades.bands !== undefined;
        const [row, otherRow] = [before.charAt(0), after.charAt(0)];
        expect(isBand ? after <= before : otherRow <= row && after.charAt(1) <= before.charAt(1)).toBe(true);
      }),
    );
  });

  test('without a dead band the grade shown before means nothing', () => {
    fc.assert(
      fc.property(models(), displayed, fc.nat(30), (random, at, pick) => {
        const model = { ...random, grades: { ...random.grades, deadBand: 0 } };
        const names = gradeNames(model);

        expect(gradeOf(model, at, names[pick % names.length] ?? '')).toBe(gradeOf(model, at, ''));
      }),
    );
  });

  test('shown points are whole steps, at most half a step off, and inside the range', () => {
    fc.assert(
      fc.property(models(), contacts(), (model, known) => {
        const folded = fold(model, known, NOW_MS);
        const { score } = show(undefined, folded, model, 'UTC');
        fc.pre(score !== null);
        const { step } = model.display;

        expect(Math.abs(score % step)).toBe(0);
        expect(Math.abs(score * 1000 - folded.score)).toBeLessThanOrEqual(step * 500);
        expect(score).toBeGreaterThanOrEqual(model.range.min);
        expect(score).toBeLessThanOrEqual(model.range.max);
      }),
      { numRuns: 300 },
    );
  });

  test('where only the grade is shown, it is the grade that would stand beside the numbers', () => {
    fc.assert(
      fc.property(models(), contacts(), (model, known) => {
        const folded = fold(model, known, NOW_MS);
        const numbers = show(
          undefined,
          folded,
          { ...model, display: { ...model.display, gradeOnly: false } },
          'UTC',
        );
        const letters = show(
          undefined,
          folded,
          { ...model, display: { ...model.display, gradeOnly: true } },
          'UTC',
        );

        expect(letters).toEqual({ ...numbers, score: null, fit: null, engagement: null });
      }),
      { numRuns: 300 },
    );
  });
});

test.each<[number, number, number, string]>([
  [44_499, 1, 44, 'below half'],
  [44_500, 1, 45, 'halves upwards'],
  [-500, 1, 0, 'halves upwards also below zero, and no minus zero'],
  [47_499, 5, 45, 'steps of five'],
  [47_500, 5, 50, 'half a step upwards'],
])('%p thousandths in steps of %p are shown as %p: %s', (thousandths, step, expected) => {
  expect(displayPoints(modelOf(`display: { step: ${step} }`), thousandths)).toBe(expected);
});

test.each([
  { before: 'B1', grade: 'A3', isBetter: true, because: 'the rows go from the best fit to the worst' },
  { before: 'A1', grade: 'A2', isBetter: false, because: 'it is worse' },
  { before: 'A2', grade: 'A2', isBetter: false, because: 'it is the same' },
  { before: '', grade: 'C2', isBetter: true, because: 'none is as good as the worst, C3' },
  { before: '', grade: 'C3', isBetter: false, because: 'none is as good as the worst' },
  { before: 'A1', grade: '', isBetter: false, because: 'none is no grade' },
  { before: '', grade: '', isBetter: false, because: 'none is no grade' },
])('$grade after "$before" is a rise: $isBetter, because $because', ({ before, grade, isBetter }) => {
  expect(isRise(GRID, before, grade)).toBe(isBetter);
});
