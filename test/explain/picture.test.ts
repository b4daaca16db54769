import { drawExplanation } from '../../lambdas/explain/picture.ts';
import { contact, explained } from './fixture.ts';

/** What stands in elements of a name. */
function texts(svg: string, element: string): string[] {
  return [...svg.matchAll(new RegExp(`<${element}[^>]*>([^<]*)</${element}>`, 'g'))].map(
    ([, text = '']) => text,
  );
}

/** Where the line of the score goes: left and right end, top and bottom of the picture are 48, 704, 24 and 260. */
function course(svg: string): [number, number][] {
  const [, points = ''] = /<polyline points="([^"]*)"/.exec(svg) ?? [];
  return points.split(' ').map((point) => {
    const [x = Number.NaN, y = Number.NaN] = point.split(',').map(Number);
    return [x, y];
  });
}

test('draws the score of the days to come, and says in words what it shows', () => {
  const svg = drawExplanation(explained(contact([0])));

  expect(texts(svg, 'title')).toEqual(['Score of contact 7 over the next 60 days if nothing happens']);
  // 20 of fit and 40 that halve every 30 days: 60 now, 30 in 60 days; 59.5 is left after 0.54 days, 39.5 after 31.1.
  expect(texts(svg, 'desc')).toEqual([
    'Score 60, grade A: fit 20, engagement 40. In 60 days the score is 30; the grade falls to B on 22 Nov 2026, falls to C on 22 Dec 2026.',
  ]);
  expect(texts(svg, 'text')).toEqual(
    expect.arrayContaining([
      '0',
      '10',
      '60',
      '21 Nov 2026',
      '21 Dec 2026',
      '20 Jan 2027',
      'B on 22 Nov 2026',
    ]),
  );
  const spots = course(svg);
  expect(spots).toHaveLength(61);
  expect(spots[0]).toEqual([48, 24]);
  expect(spots.at(-1)).toEqual([704, 142]); // 30 of 60: half-way between 24 and 260.
});

test('says "a day" of a single one', () => {
  const svg = drawExplanation(explained(contact([0]), { days: 1 }));

  expect(texts(svg, 'title')).toEqual(['Score of contact 7 over the next day if nothing happens']);
  expect(texts(svg, 'desc')[0]).toContain('In a day the score is 59; ');
});

test('stands by itself: no script, no style, nothing from elsewhere', () => {
  const svg = drawExplanation(explained(contact([0])));

  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 720 300"/);
  expect(svg).not.toMatch(/<script|<style|<image|<foreignObject|href|url\(|\bon\w+=/);
});

test('says why there is nothing to draw, whatever characters the reason has', () => {
  const svg = drawExplanation(explained(contact([0], { lifecyclestage: 'customer' })));

  expect(texts(svg, 'text')).toEqual(['No score: Excluded: Customer &amp; friend']);
  expect(svg).not.toContain('<polyline');
});

test('draws a score that stays, and one of zero', () => {
  expect(course(drawExplanation(explained(contact([])))).map(([, y]) => y)).toEqual(Array(61).fill(24)); // Fit alone: 20.
  expect(course(drawExplanation(explained(contact([], { jobtitle: 'Baker' })))).map(([, y]) => y)).toEqual(
    Array(61).fill(260),
  );
});
