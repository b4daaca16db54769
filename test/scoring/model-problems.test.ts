// What a person reads who made a mistake in a model: what stands there, what should, and what was likely meant.
import { checkModel } from '../../lambdas/scoring/model.ts';
import { didYouMean, either, named, wantedType } from '../../lambdas/scoring/model-problems.ts';
import { LEAST, LOGIN, PHONE, problemsOf } from './least-model.ts';

const fit = (more: object) => ({ fit: { rules: [{ ...PHONE, ...more }] } });
const signal = (more: object) => ({ engagement: { signals: [{ ...LOGIN, ...more }] } });
const exclusion = (more: object) => ({ exclusions: [{ id: 'out', title: 'Out', ...more }] });

test.each<[unknown, string]>([
  [undefined, 'nothing'],
  [null, 'nothing'],
  ['', 'empty text'],
  ['CTO', '"CTO"'],
  ['say "hi"', String.raw`"say \"hi\""`],
  ['x'.repeat(40), `"${'x'.repeat(40)}"`],
  ['x'.repeat(41), `"${'x'.repeat(40)}…"`],
  [0, '0'],
  [-1.5, '-1.5'],
  [true, 'true'],
  [false, 'false'],
  [[], 'an empty list'],
  [['secret'], 'a list'],
  [{}, 'keys and values'],
  [{ password: 'secret' }, 'keys and values'],
  [7n, 'a bigint'],
])('%p is named as %s', (value, expected) => {
  expect(named(value)).toBe(expected);
});

test.each<[string[], string]>([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a or b'],
  [['a', 'b', 'c'], 'a, b or c'],
])('%j reads as "%s"', (names, expected) => {
  expect(either(names)).toBe(expected);
});

test.each<[unknown, string]>([
  ['pionts', '; did you mean "points"?'],
  ['colour', ''],
  [undefined, ''],
  [7, ''],
])('of %p among points and title was meant: "%s"', (name, expected) => {
  expect(didYouMean(name, ['points', 'title'])).toBe(expected);
});

test.each<[string, string]>([
  ['string', 'text'],
  ['number', 'a number'],
  ['boolean', 'true or false'],
  ['Array', 'a list'],
  ['Object', 'keys and values'],
  ['true', 'true'],
  ['"lost"', 'lost'],
  ['("first" | "last")', 'first or last'],
  ['(string | number | boolean)', 'text, a number or true or false'],
])('the type %s is called %s', (expected, words) => {
  expect(wantedType(expected)).toBe(words);
});

test.each<[string, object, string]>([
  ['a number for text', { name: 5 }, 'name: found 5, expected text'],
  ['a list for a number', fit({ points: [5] }), 'fit.rules.0.points: found a list, expected a number'],
  ['a list for text', fit({ title: ['Phone'] }), 'fit.rules.0.title: found a list, expected text'],
  [
    'text for true or false',
    { display: { gradeOnly: 'yes' } },
    'display.gradeOnly: found "yes", expected true or false',
  ],
  ['keys for a list', { exclusions: {} }, 'exclusions: found keys and values, expected a list'],
  [
    'one word for a list',
    fit({ known: undefined, is: 'CTO' }),
    'fit.rules.0.is: found "CTO", expected a list; did you mean [CTO]?',
  ],
  [
    'one number for a list',
    fit({ known: undefined, is: 50 }),
    'fit.rules.0.is: found 50, expected a list; did you mean [50]?',
  ],
  [
    'one answer for a list',
    fit({ known: undefined, is: true }),
    'fit.rules.0.is: found true, expected a list; did you mean [true]?',
  ],
  [
    'a half-life in quotes',
    signal({ halfLifeDays: '7' }),
    'engagement.signals.0.halfLifeDays: found "7", expected a number of days, or never; did you mean 7?',
  ],
  [
    'a half-life mistyped',
    signal({ halfLifeDays: 'nevr' }),
    'engagement.signals.0.halfLifeDays: found "nevr", expected a number of days, or never',
  ],
  [
    'digits for text that is none',
    fit({ property: '50' }),
    'fit.rules.0.property: found "50", expected a property\'s internal name, or company. and the name of a property of the company',
  ],
  ['part of a day', { horizonDays: 30.5 }, 'horizonDays: found 30.5, expected a whole number'],
  [
    'a group named otherwise',
    { engagement: { signals: [], groups: { 'My group': { cap: 5 } } } },
    'engagement.groups.My group: found "My group", expected lower-case letters, digits and hyphens, at most 40',
  ],
  [
    'a group without a cap',
    { engagement: { signals: [], groups: { web: {} } } },
    'engagement.groups.web.cap: found nothing, expected a number',
  ],
  [
    'a grade of a sentence',
    { grades: { bands: [{ grade: 'Very good', from: 0 }] } },
    'grades.bands.0.grade: found "Very good", expected 1 to 10 letters or digits',
  ],
  [
    'the label of a stage',
    exclusion({ deal: 'closedwon' }),
    'exclusions.0.deal: found "closedwon", expected open, won or lost; did you mean "won"?',
  ],
  [
    'the label of another stage',
    exclusion({ deal: 'Closed LOST' }),
    'exclusions.0.deal: found "Closed LOST", expected open, won or lost; did you mean "lost"?',
  ],
  [
    'a state like no other',
    exclusion({ deal: 'presentation' }),
    'exclusions.0.deal: found "presentation", expected open, won or lost',
  ],
  [
    'a signal with a blank',
    signal({ from: { kind: 'signal', signal: 'Product login' } }),
    'engagement.signals.0.from.signal: found "Product login", expected a name such as product.login',
  ],
  [
    'a signal of the company',
    signal({ from: { kind: 'counter', property: 'company.visits' } }),
    'engagement.signals.0.from.property: found "company.visits", expected a property of the contact: only fit rules and exclusions read its company, of whose changes no fact is kept',
  ],
  [
    'a signal of a label',
    signal({ from: { kind: 'counter', property: 'Visits' } }),
    'engagement.signals.0.from.property: found "Visits", expected a property\'s internal name: lower-case letters, digits, underscores',
  ],
])('%s is told in words', (_what, more, expected) => {
  expect(problemsOf(more)).toEqual([expected]);
});

test('where something is wrong is told by keys and positions', () => {
  const checked = checkModel({ ...LEAST, ...fit({ points: '5', contains: ['cto', ''] }) });

  expect('problems' in checked ? checked.problems.map(({ path }) => path) : []).toEqual([
    ['fit', 'rules', 0, 'contains', 1],
    ['fit', 'rules', 0, 'points'],
  ]);
});

const ENDLESS = Number.POSITIVE_INFINITY;

test.each<[string, object]>([
  ['fit.rules.0.points', fit({ points: -ENDLESS })],
  ['fit.rules.0.atLeast', fit({ atLeast: ENDLESS })],
  ['fit.rules.0.below', fit({ below: ENDLESS })],
  ['fit.cap', { fit: { cap: ENDLESS, rules: [] } }],
  ['engagement.cap', { engagement: { cap: ENDLESS, signals: [] } }],
  ['engagement.signals.0.halfLifeDays', signal({ halfLifeDays: ENDLESS })],
  ['range.min', { range: { min: -ENDLESS, max: 100 } }],
  ['range.max', { range: { min: 0, max: ENDLESS } }],
  ['grades.deadBand', { grades: { ...LEAST.grades, deadBand: ENDLESS } }],
  ['grades.bands.0.from', { grades: { bands: [{ grade: 'A', from: -ENDLESS }] } }],
  ['attribution.halfLifeDays', { attribution: { halfLifeDays: ENDLESS } }],
])('%s has an end', (path, more) => {
  const [problem] = problemsOf(more);

  expect(problem).toMatch(new RegExp(`^${path}: found -?Infinity, expected a finite number$`));
});

test('a key that JavaScript keeps for itself is told, at whatever depth, beside what else is wrong', () => {
  const reserved = JSON.parse('{ "__proto__": { "cap": 5 }, "constructor": { "cap": 5 } }');

  expect(
    problemsOf({ engagement: { signals: [{ ...LOGIN, points: undefined }], groups: reserved } }),
  ).toEqual([
    'engagement.groups.__proto__: found "__proto__", expected another name: JavaScript keeps this one for itself',
    'engagement.groups.constructor: found "constructor", expected another name: JavaScript keeps this one for itself',
    'engagement.signals.0.points: found nothing, expected a number',
  ]);
  expect(problemsOf({ fit: { rules: [{ ...PHONE, is: [{ prototype: 1 }] }] } })[0]).toBe(
    'fit.rules.0.is.0.prototype: found "prototype", expected another name: JavaScript keeps this one for itself',
  );
});
