import type { Fact, Known } from '../../lambdas/scoring/facts.ts';
import { fold } from '../../lambdas/scoring/fold.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { type Shown, show, writeIdOf } from '../../lambdas/scoring/show.ts';
import { DAY_MS, NOW_MS } from './histories.ts';
import { modelOf } from './model-of.ts';

const BANDS =
  'bands: [{ grade: A, from: 70 }, { grade: B, from: 45 }, { grade: C, from: 20 }, { grade: D, from: -100 }]';

/** What is shown of a contact whose fit alone is its score. */
function shownOf(points: number, rest = '', previousGrade?: string): Shown {
  const model =
    modelOf(`{ fit: { rules: [{ id: phone, title: Phone, property: phone, known: true, points: ${points} }] },
    grades: { deadBand: 2, ${BANDS} }, ${rest} }`);
  const folded = fold(
    model,
    { properties: [{ name: 'phone', value: '1', occurredAtMs: 0 }], facts: [] },
    NOW_MS,
  );
  const previous =
    previousGrade === undefined
      ? undefined
      : { ...show(undefined, folded, model, 'UTC'), grade: previousGrade };
  return show(previous, folded, model, 'UTC');
}

test.each([
  [12.499, '', 12, 'down'],
  [12.5, '', 13, 'halves go up'],
  [-12.5, 'range: { min: -100, max: 100 }', -12, 'below zero too: up is towards more'],
  [12.5, 'display: { step: 5 }', 15, 'halves of a step go up'],
  [12.4, 'display: { step: 5 }', 10, 'to whole steps'],
  [-0.2, 'range: { min: -100, max: 100 }', 0, 'never -0'],
  [999, '', 100, 'inside the range'],
  [0, '', 0, 'a computed zero is shown'],
])('%d points with %p are shown as %d, because: %s', (points, rest, expected) => {
  const { score, status } = shownOf(points, rest);

  expect({ score, status }).toEqual({ score: expected, status: 'scored' });
});

test.each<[number, string | undefined, string, string]>([
  [70, undefined, 'A', 'a band starts at its lowest score'],
  [69, undefined, 'B', 'below it the next one stands'],
  [69, 'A', 'A', 'held: one point below'],
  [68, 'A', 'A', 'held: the whole dead band below'],
  [67, 'A', 'B', 'falls: more than the dead band below'],
  [44, 'A', 'C', 'falls as far as it has to'],
  [43, 'B', 'B', 'every band has its dead band'],
  [43, 'A', 'C', 'a dead band holds only the grade that was shown'],
  [70, 'B', 'A', 'rises at once'],
  [45, 'C', 'B', 'rises at once'],
  [0, 'D', 'D', 'the lowest grade stays'],
  [69, 'Z', 'B', 'a grade of another model holds nothing'],
  [69, '', 'B', 'no grade before'],
  [69.5, 'B', 'A', 'the shown score counts: 70'],
])('%d points after grade %p are %s, because: %s', (points, previousGrade, expected) => {
  expect(shownOf(points, '', previousGrade).grade).toBe(expected);
});

test('a contact of whom nothing is known has no score rather than a zero, whatever it had before', () => {
  const model = modelOf(`grades: { ${BANDS} }`);
  const folded = fold(model, { properties: [], facts: [] }, NOW_MS);

  expect(show(shownOf(80), folded, model, 'UTC')).toEqual({
    score: null,
    fit: null,
    engagement: null,
    grade: '',
    status: 'insufficient_data',
    model: model.id,
    reasons: '',
  });
});

test('fit and engagement are shown in steps like the score, and the model is named', () => {
  const model =
    modelOf(`{ display: { step: 5 }, fit: { rules: [{ id: phone, title: Phone, property: phone, known: true, points: 8 }] },
    engagement: { signals: [${LOGIN()}] } }`);

  expect(shownAt(model, [login(7)], 0, [{ name: 'phone', value: '1', occurredAtMs: 0 }])).toMatchObject({
    score: 15,
    fit: 10,
    engagement: 5,
    model: model.id,
  });
});

function LOGIN(more = ''): string {
  return `{ id: login, title: Logged in, from: { kind: signal, signal: login }, points: 10, halfLifeDays: 7, ${more} }`;
}

function login(daysAgo: number, name = 'login'): Fact {
  return { key: `${name} ${daysAgo}`, name: `signal:${name}`, occurredAtMs: NOW_MS - daysAgo * DAY_MS };
}

function shownAt(
  model: Model,
  facts: Fact[],
  daysLater = 0,
  properties: Known['properties'] = [],
  timeZone = 'UTC',
): Shown {
  return show(undefined, fold(model, { properties, facts }, NOW_MS + daysLater * DAY_MS), model, timeZone);
}

describe('reasons', () => {
  test('say what gave the points, strongest first, as given, with its date or dates', () => {
    const model = modelOf(`
fit: { rules: [{ id: phone, title: Left a phone number, property: phone, known: true, points: 4.5 }] }
engagement:
  signals:
    - ${LOGIN()}
    - { id: ticket, title: Opened a ticket, from: { kind: signal, signal: ticket }, points: -6, halfLifeDays: 4 }`);
    const facts = [login(9), login(2), login(40), login(1, 'ticket')];

    expect(shownAt(model, facts, 0, [{ name: 'phone', value: '1', occurredAtMs: 0 }]).reasons).toBe(
      [
        '+30 Logged in (3 times, last 30 Oct 2026)',
        '−6 Opened a ticket (31 Oct 2026)',
        '+4.5 Left a phone number',
      ].join('\n'),
    );
  });

  test('name five terms, and of equal ones those first in the alphabet', () => {
    const titles = ['Foxtrot', 'Bravo', 'Alfa', 'Echo', 'Golf', 'Charlie', 'Delta'];
    const rules = titles.map(
      (title) =>
        `{ id: ${title.toLowerCase()}, title: ${title}, property: phone, known: true, points: ${title === 'Golf' ? -3 : 2} }`,
    );
    const model = modelOf(`{ fit: { rules: [${rules.join(', ')}] }, grades: { ${BANDS} } }`);

    expect(shownAt(model, [], 0, [{ name: 'phone', value: '1', occurredAtMs: 0 }]).reasons).toBe(
      ['−3 Golf', '+2 Alfa', '+2 Bravo', '+2 Charlie', '+2 Delta'].join('\n'),
    );
  });

  test('give a signal no more than its cap, and leave out what gave nothing', () => {
    const model =
      modelOf(`{ fit: { rules: [{ id: phone, title: Phone, property: phone, known: true, points: 0 }] },
      engagement: { signals: [${LOGIN('cap: 15')}] } }`);
    const phone = [{ name: 'phone', value: '1', occurredAtMs: 0 }];

    expect(shownAt(model, [login(1), login(2), login(3)], 0, phone).reasons).toBe(
      '+15 Logged in (3 times, last 31 Oct 2026)',
    );
    expect(shownAt(model, [], 0, phone).reasons).toBe('');
  });

  test('give a signal no more than the cap of its group', () => {
    const model = modelOf(
      `engagement: { groups: { web: { cap: 12 } }, signals: [${LOGIN('cap: 15, group: web')}] }`,
    );

    expect(shownAt(model, [login(1), login(2)]).reasons).toBe('+12 Logged in (2 times, last 31 Oct 2026)');
  });

  test('say their dates in the time zone of the portal', () => {
    const model = modelOf(`engagement: { signals: [${LOGIN()}] }`);
    const late = [{ ...login(0), occurredAtMs: Date.parse('2026-10-31T23:30:00Z') }];

    expect(shownAt(model, late).reasons).toBe('+10 Logged in (31 Oct 2026)');
    expect(shownAt(model, late, 0, [], 'Europe/Berlin').reasons).toBe('+10 Logged in (1 Nov 2026)');
  });

  test('say when the grade falls by itself', () => {
    // 40 points in 7 days are 20; shown as 19 from 19.4999 on: 40 / 2^(t/7) < 19.4995, t = 7.2557 days.
    const model = modelOf(
      `{ engagement: { signals: [${LOGIN().replace('points: 10', 'points: 40')}] }, grades: { ${BANDS} } }`,
    );

    expect(shownAt(model, [login(0)]).reasons).toBe('+40 Logged in (1 Nov 2026)\nFalls to D on 8 Nov 2026');
    expect(shownAt(model, [login(0)], 7.255).reasons).toBe(
      '+40 Logged in (1 Nov 2026)\nFalls to D on 8 Nov 2026',
    );
    expect(shownAt(model, [login(0)], 7.256).reasons).toBe('+40 Logged in (1 Nov 2026)');
  });

  test('say when the grade rises by itself: a penalty fades', () => {
    // 25 - 16 = 9; 19.5 is reached when 5.5 is left: 16 / 2^(t/4) = 5.5, t = 6.162 days.
    const model =
      modelOf(`{ fit: { rules: [{ id: phone, title: Phone, property: phone, known: true, points: 25 }] },
      engagement: { signals: [{ id: ticket, title: Ticket, from: { kind: signal, signal: ticket }, points: -16, halfLifeDays: 4 }] }, grades: { ${BANDS} } }`);

    expect(
      shownAt(model, [login(0, 'ticket')], 0, [{ name: 'phone', value: '1', occurredAtMs: 0 }]).reasons,
    ).toBe('+25 Phone\n−16 Ticket (1 Nov 2026)\nRises to C on 7 Nov 2026');
  });

  test('look beyond facts that leave the horizon first', () => {
    const model =
      modelOf(`{ horizonDays: 90, engagement: { signals: [${LOGIN()}, { id: won, title: Won, from: { kind: signal, signal: won }, points: 50, halfLifeDays: never }] }, grades: { ${BANDS} },
      fit: { rules: [{ id: phone, title: Phone, property: phone, known: true, points: 1 }] } }`);

    // The old login leaves on 2 Nov; the win leaves 90 days after 22 Oct.
    expect(
      shownAt(model, [login(89), login(10, 'won')], 0, [{ name: 'phone', value: '1', occurredAtMs: 0 }])
        .reasons,
    ).toContain('Falls to D on 20 Jan 2027');
  });

  test('promise no grade to a contact that will have no score at all', () => {
    const model = modelOf(
      `{ horizonDays: 90, engagement: { signals: [{ id: won, title: Won, from: { kind: signal, signal: won }, points: 50, halfLifeDays: never }] }, grades: { ${BANDS} } }`,
    );

    expect(shownAt(model, [login(10, 'won')])).toMatchObject({
      grade: 'B',
      reasons: '+50 Won (22 Oct 2026)',
    });
  });

  test('fit 456 bytes: whole lines, and the fall of the grade is never the one left out', () => {
    const title = '営'.repeat(60);
    const signals = ['a', 'b', 'c', 'd', 'e'].map(
      (id, at) =>
        `{ id: ${id}, title: ${title}, from: { kind: signal, signal: ${id} }, points: ${40 - at}, halfLifeDays: 7 }`,
    );
    const model = modelOf(`{ engagement: { signals: [${signals.join(', ')}] }, grades: { ${BANDS} } }`);

    const { reasons } = shownAt(
      model,
      ['a', 'b', 'c', 'd', 'e'].map((name) => login(0, name)),
    );

    // A line of 3 + 1 + 180 + 13 bytes and its end: two of them, and the last line of 25.
    expect(reasons.split('\n')).toEqual([
      `+40 ${title} (1 Nov 2026)`,
      `+39 ${title} (1 Nov 2026)`,
      expect.stringMatching(/^Falls to B on \d+ Nov 2026$/),
    ]);
    expect(Buffer.byteLength(reasons)).toBeLessThanOrEqual(456);
  });

  test.each([
    { more: '', bytes: 456, lines: 5 },
    { more: 'a', bytes: 457, lines: 4 },
  ])('of $bytes bytes have $lines of five lines', ({ more, lines }) => {
    const title = `${'営'.repeat(24)}a`; // 73 bytes in a line of 90: four of these, one of 92 and four ends are 456.
    const signals = [title, title, title, title, `${'営'.repeat(25)}${more}`].map(
      (each, at) =>
        `{ id: s${at}, title: ${each}, from: { kind: signal, signal: s${at} }, points: ${40 - at}, halfLifeDays: never }`,
    );
    const model = modelOf(`engagement: { signals: [${signals.join(', ')}] }`);

    const { reasons } = shownAt(
      model,
      ['s0', 's1', 's2', 's3', 's4'].map((name) => login(0, name)),
    );

    expect(reasons.split('\n')).toHaveLength(lines);
  });

  test('five long titles and the fall fit as far as whole lines do', () => {
    const signals = ['a', 'b', 'c', 'd', 'e'].map(
      (id, at) =>
        `{ id: ${id}, title: ${id.repeat(60)}, from: { kind: signal, signal: ${id} }, points: ${40 - at}, halfLifeDays: 7 }`,
    );
    const model = modelOf(`{ engagement: { signals: [${signals.join(', ')}] }, grades: { ${BANDS} } }`);
    const facts = ['a', 'b', 'c', 'd', 'e'].flatMap((name) =>
      Array.from({ length: 20 }, (_, day) => login(day, name)),
    );

    const lines = shownAt(model, facts).reasons.split('\n');

    // 5 lines of 4 + 1 + 60 + 29 bytes would be 470 with their ends; the last line leaves room for 4.
    expect(lines).toHaveLength(5);
    expect(lines[4]).toMatch(/^Falls to B on /);
  });
});

test('five lines that would just fit lose the last one to the fall of the grade', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const signals = names.map(
    (id, at) =>
      `{ id: ${id}, title: ${'営'.repeat(24)}a, from: { kind: signal, signal: ${id} }, points: ${40 - at}, halfLifeDays: 7 }`,
  );
  const model = modelOf(`{ engagement: { signals: [${signals.join(', ')}] }, grades: { ${BANDS} } }`);

  const lines = shownAt(
    model,
    names.map((name) => login(0, name)),
  ).reasons.split('\n');

  // 5 lines of 90 bytes and 4 ends are 454 of 456; the fall takes 25 and an end.
  expect(lines.map((line) => Buffer.byteLength(line))).toEqual([90, 90, 90, 90, 25]);
  expect(lines[4]).toMatch(/^Falls to B on /);
});

describe('the id of a write', () => {
  const shown = shownOf(50);
  const id = writeIdOf('33', '7', shown);

  test('is the same for the same portal, contact and shown values', () => {
    expect(writeIdOf('33', '7', { ...shown })).toBe(id);
    expect(id).toMatch(/^[\w-]{22}$/);
  });

  test.each([
    ['portal', '34', '7', shown],
    ['contact', '33', '8', shown],
    ['portal and contact, written together alike', '3', '37', shown],
    ['score', '33', '7', { ...shown, score: 51 }],
    ['fit', '33', '7', { ...shown, fit: 51 }],
    ['engagement', '33', '7', { ...shown, engagement: 1 }],
    ['grade', '33', '7', { ...shown, grade: 'C' }],
    ['status', '33', '7', { ...shown, status: 'insufficient_data' as const }],
    ['model', '33', '7', { ...shown, model: 'other' }],
    ['reasons', '33', '7', { ...shown, reasons: 'others' }],
    ['score, cleared rather than 0', '33', '7', { ...shown, engagement: null }],
  ])('differs with the %s', (_what, portalId, contactId, values) => {
    expect(writeIdOf(portalId, contactId, values)).not.toBe(id);
  });
});
