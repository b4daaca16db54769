import { drawOutlook } from '../../lambdas/explain/blocks.ts';
import type { Outlook } from '../../lambdas/scoring/outlook.ts';
import { contact, explained } from './fixture.ts';

/** Days with these scores, from 1 November 2026 on. */
function outlook(scores: readonly (number | null)[], changes: Outlook['changes'] = []): Outlook {
  const days = scores.map((score, at) => ({
    at: new Date(Date.UTC(2026, 10, 1 + at, 12)).toISOString(),
    date: '',
    score,
    grade: 'A',
  }));
  return { days, changes };
}

test('draws each day as high as its score, from zero to the highest, with the dates of both ends', () => {
  expect(drawOutlook(outlook([40, 30, 20, 10, 1, 0]), 'UTC')).toEqual([
    'The next 5 days if nothing happens: 40 to 0, between 0 and 40',
    ' 40 │█',
    '    │█▆',
    '    │██▄',
    '    │███▂',
    '    │████▁',
    '  0 └──────',
    '     1 Nov 2026 to 6 Nov 2026',
  ]);
});

test('shows a single point of a hundred too', () => {
  expect(drawOutlook(outlook([100, 1, 0]), 'UTC')[5]).toBe('     │█▁');
});

test('begins below zero where scores do, and leaves days without a score empty', () => {
  const lines = drawOutlook(outlook([-20, 0, 20, null]), 'UTC');

  expect(lines.slice(0, 7)).toEqual([
    'The next 3 days if nothing happens: -20 to none, between -20 and 20',
    '  20 │  █',
    '     │  █',
    '     │ ▄█',
    '     │ ██',
    '     │ ██',
    ' -20 └────',
  ]);
});

test('marks the first day that shows another grade, and says it in words', () => {
  const changes = [
    { at: '2026-11-02T09:00:00.000Z', date: '2026-11-02', grade: 'B', isFall: true },
    { at: '2026-11-05T13:00:00.000Z', date: '2026-11-05', grade: 'A', isFall: false },
  ];

  const lines = drawOutlook(outlook([8, 7, 6, 5, 4, 8], changes), 'UTC');

  // The second change is after noon: the next day is the first that shows it.
  expect(lines.slice(-4)).toEqual([
    '     ▼   ▲',
    '    1 Nov 2026 to 6 Nov 2026',
    '▼ falls to B on 2 Nov 2026',
    '▲ rises to A on 5 Nov 2026',
  ]);
});

test('fits a terminal of 80 columns, however many days there are', () => {
  const year = explained(contact([0]), { days: 390 }).outlook;

  const lines = drawOutlook(year ?? outlook([]), 'UTC');

  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines.find((line) => line.includes('21 Nov 2026'))).toMatch(/^ {5}21 Nov 2026 {39}16 Dec 2027$/);
  expect(lines[0]).toBe('The next 390 days if nothing happens: 60 to 20, between 20 and 60');
});
