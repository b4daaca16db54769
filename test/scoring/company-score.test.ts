import fc from 'fast-check';
import { companyScore, type RollUp, scoresNeeded } from '../../lambdas/scoring/company-score.ts';

test.each<{ rollUp: RollUp; scores: number[]; expected: number | null; because: string }>([
  {
    rollUp: 'maximum',
    scores: [12, 80, 40],
    expected: 80,
    because: 'the best contact speaks for the company',
  },
  { rollUp: 'maximum', scores: [-5, -20], expected: -5, because: 'penalties are ordinary points' },
  { rollUp: 'maximum', scores: [0], expected: 0, because: 'a computed 0 is a score' },
  { rollUp: 'maximum', scores: [], expected: null, because: 'a missing score is never a fake 0' },
  { rollUp: 'mean-of-top-three', scores: [], expected: null, because: 'a missing score is never a fake 0' },
  { rollUp: 'mean-of-top-three', scores: [10, 90, 60, 30], expected: 60, because: '(90 + 60 + 30) / 3' },
  {
    rollUp: 'mean-of-top-three',
    scores: [90],
    expected: 90,
    because: 'of fewer than three, those there are',
  },
  { rollUp: 'mean-of-top-three', scores: [90, 61], expected: 76, because: '75.5: halves go up' },
  { rollUp: 'mean-of-top-three', scores: [-1, -2], expected: -1, because: '-1.5: up is towards plus' },
  { rollUp: 'mean-of-top-three', scores: [0, -1], expected: 0, because: '-0.5: up, and no minus zero' },
  { rollUp: 'mean-of-top-three', scores: [50, 50, 51], expected: 50, because: '50.33' },
])('$rollUp of $scores is $expected: $because', ({ rollUp, scores, expected }) => {
  expect(companyScore(rollUp, scores)).toBe(expected);
});

test.each<[RollUp, number]>([
  ['maximum', 1],
  ['mean-of-top-three', 3],
])('%s needs the %d highest scores', (rollUp, needed) => {
  expect(scoresNeeded(rollUp)).toBe(needed);
});

test('the highest scores that a roll-up needs say as much as all of them, in any order', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<RollUp>('maximum', 'mean-of-top-three'),
      fc.array(fc.integer({ min: -500, max: 500 })),
      (rollUp, scores) => {
        const highest = scores.toSorted((a, b) => b - a).slice(0, scoresNeeded(rollUp));
        expect(companyScore(rollUp, highest.toReversed())).toBe(companyScore(rollUp, scores));
      },
    ),
  );
});
