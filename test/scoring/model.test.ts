import { checkModel, fitInputs } from '../../lambdas/scoring/model.ts';
import { modelOf } from './model-of.ts';

const LEAST = {
  name: 'least',
  fit: { rules: [] },
  engagement: { signals: [] },
  grades: { bands: [{ grade: 'A', from: 0 }] },
};
const LOGIN = {
  id: 'login',
  title: 'Login',
  from: { kind: 'signal', signal: 'login' },
  points: 1,
  halfLifeDays: 7,
};
const PHONE = { id: 'phone', title: 'Phone', property: 'phone', known: true, points: 1 };

function problemsOf(more: object): string[] {
  const checked = checkModel({ ...LEAST, ...more });
  return 'problems' in checked
    ? checked.problems.map(({ path, reason }) => `${path.join('.')}: ${reason}`)
    : [];
}

function signals(...rules: object[]): object {
  return { engagement: { signals: rules.map((rule, at) => ({ ...LOGIN, id: `rule-${at}`, ...rule })) } };
}

test('what a model leaves out has its usual value', () => {
  expect(checkModel(LEAST)).toMatchObject({
    model: {
      horizonDays: 365,
      range: { min: 0, max: 100 },
      display: { step: 1 },
      engagement: { groups: {} },
      grades: { deadBand: 0 },
    },
  });
});

test.each<[string, object, string]>([
  ['a misspelt key', { horizonDay: 30 }, 'horizonDay: unknown key; did you mean "horizonDays"?'],
  [
    'a misspelt key of a rule',
    { fit: { rules: [{ ...PHONE, pionts: 2 }] } },
    'fit.rules.0.pionts: unknown key; did you mean "points"?',
  ],
  [
    'a key in capitals',
    { fit: { rules: [{ ...PHONE, POINTS: 2 }] } },
    'fit.rules.0.POINTS: unknown key; did you mean "points"?',
  ],
  [
    'a misspelt key of a source',
    signals({ from: { kind: 'counter', property: 'views', Propertie: 1 } }),
    'engagement.signals.0.from.Propertie: unknown key; did you mean "property"?',
  ],
  ['a key as long as a page', { ['x'.repeat(2000)]: 1 }, `${'x'.repeat(2000)}: unknown key`],
  [
    'a rule without points',
    { fit: { rules: [{ ...PHONE, points: undefined }] } },
    'fit.rules.0.points: Invalid type: Expected number but received undefined',
  ],
  ['no name', { name: undefined }, 'name: Invalid type: Expected string but received undefined'],
  [
    'a rule without a condition',
    { fit: { rules: [{ ...PHONE, known: undefined }] } },
    'fit.rules.0: expected a condition: one of is, contains, atLeast, below, known',
  ],
  [
    'a half-life of zero',
    signals({ halfLifeDays: 0 }),
    'engagement.signals.0.halfLifeDays: Invalid value: Expected >=0.01 but received 0',
  ],
  [
    'a half-life in words',
    signals({ halfLifeDays: 'ever' }),
    'engagement.signals.0.halfLifeDays: expected a number of days, or never',
  ],
  [
    'points beyond any scale',
    signals({ points: 1001 }),
    'engagement.signals.0.points: Invalid value: Expected <=1000 but received 1001',
  ],
  [
    'endless points',
    signals({ points: Infinity }),
    'engagement.signals.0.points: Invalid finite: Received Infinity',
  ],
  [
    'a negative cap',
    signals({ cap: -1 }),
    'engagement.signals.0.cap: Invalid value: Expected >=0 but received -1',
  ],
  [
    'a title that no row holds',
    signals({ title: 'x'.repeat(61) }),
    'engagement.signals.0.title: Invalid length: Expected <=60 but received 61',
  ],
  [
    'an unknown kind',
    signals({ from: { kind: 'count', property: 'views' } }),
    'engagement.signals.0.from.kind: Invalid type: Expected ("timestamp" | "counter" | "transition" | "text" | "signal") but received "count"',
  ],
  [
    'an entry into nothing',
    signals({ from: { kind: 'transition', property: 'status', to: [''] } }),
    'engagement.signals.0.from.to.0: Invalid length: Expected >=1 but received 0',
  ],
  [
    'a value that is none',
    { fit: { rules: [{ ...PHONE, is: [null] }] } },
    'fit.rules.0.is.0: expected text, a number, true or false',
  ],
  [
    'a label for a property',
    { fit: { rules: [{ ...PHONE, property: 'Job Title' }] } },
    "fit.rules.0.property: expected a property's internal name: lower-case letters, digits, underscores",
  ],
  [
    'two rules of one id',
    { fit: { rules: [{ ...PHONE, id: 'rule-0' }] }, ...signals({}) },
    'engagement.signals.0.id: id "rule-0" is taken by fit.rules.0.id; every rule needs its own',
  ],
  [
    'a group that is not there',
    signals({ group: 'web' }),
    'engagement.signals.0.group: group "web" is not among engagement.groups (none)',
  ],
  [
    'a count read as a time',
    signals(
      { from: { kind: 'counter', property: 'views' } },
      { from: { kind: 'timestamp', property: 'views' } },
    ),
    'engagement.signals.1.from.kind: "views" is read as counter by rule-0; a property has one kind',
  ],
  ['a range upside down', { range: { min: 10, max: 10 } }, 'range: expected min below max'],
  [
    'a range that ends between two steps',
    { display: { step: 15 } },
    'range.max: expected a multiple of display.step (15), so that no score is shown outside the range',
  ],
  [
    'a range that starts between two steps',
    { range: { min: -5, max: 100 }, display: { step: 10 }, grades: { bands: [{ grade: 'A', from: -10 }] } },
    'range.min: expected a multiple of display.step (10), so that no score is shown outside the range',
  ],
  [
    'bands in the wrong order',
    {
      grades: {
        bands: [
          { grade: 'B', from: 0 },
          { grade: 'A', from: 50 },
        ],
      },
    },
    'grades.bands.1.from: expected bands from the highest to the lowest score',
  ],
  [
    'two bands from one score',
    {
      grades: {
        bands: [
          { grade: 'A', from: 0 },
          { grade: 'B', from: 0 },
        ],
      },
    },
    'grades.bands.1.from: expected bands from the highest to the lowest score',
  ],
  [
    'one grade twice',
    {
      grades: {
        bands: [
          { grade: 'A', from: 50 },
          { grade: 'A', from: 0 },
        ],
      },
    },
    'grades.bands: expected every grade once',
  ],
  [
    'scores without a grade',
    { grades: { bands: [{ grade: 'A', from: 1 }] } },
    'grades.bands.0.from: expected the lowest band to start at range.min (0) or below, so that every score has a grade',
  ],
  [
    'a horizon longer than facts are kept',
    { horizonDays: 400 },
    'horizonDays: Invalid value: Expected <=390 but received 400',
  ],
])('%s is refused', (_what, more, expected) => {
  expect(problemsOf(more)).toContain(expected);
});

test('a key that is not there is missing, and every problem is told at once', () => {
  expect(problemsOf({ fit: {}, grades: {}, horizonDays: 'a year' })).toEqual([
    'horizonDays: Invalid type: Expected number but received "a year"',
    'fit.rules: missing',
    'grades.bands: missing',
  ]);
});

test.each([[null], ['text'], [7], [undefined]])('%p is no model', (content) => {
  expect(checkModel(content)).toEqual({
    problems: [{ path: [], reason: expect.stringContaining('Expected Object') }],
  });
});

test('a list is no model', () => {
  expect(checkModel([LEAST])).toEqual({
    problems: [{ path: [], reason: 'expected keys and values, not a list' }],
  });
});

test('a transition and a text may read one property: both are its changes', () => {
  const text = { from: { kind: 'text', property: 'status', contains: ['open'] } };

  expect(
    problemsOf(signals(text, { from: { kind: 'transition', property: 'status', to: ['OPEN'] } })),
  ).toEqual([]);
});

function idOf(...names: string[]): string {
  return modelOf(`fit: { rules: [${names.map(ruleNamed).join(', ')}] }`).id;
}

function idOfGroups(groups: string): string {
  return modelOf(`engagement: { signals: [], groups: ${groups} }`).id;
}

function ruleNamed(name: string): string {
  return `{ id: ${name}, title: ${name}, property: phone, known: true, points: 1 }`;
}

describe('the id of a model', () => {
  const id = modelOf('{ name: mine, horizonDays: 30, range: { min: 0, max: 100 } }').id;

  test('is its name and twelve digits of its content', () => {
    expect(id).toMatch(/^mine@[0-9a-f]{12}$/);
  });

  test.each([
    ['{ range: { max: 100, min: 0 }, horizonDays: 30, name: mine }', 'the order of keys means nothing'],
    ['# A comment.\nname: mine\nhorizonDays: 30\nrange:\n  min: 0\n  max: 1e2', 'neither does layout'],
    ['{ name: mine, horizonDays: 30 }', 'what is usual may be left out'],
  ])('is the same for %j: %s', (yaml) => {
    expect(modelOf(yaml).id).toBe(id);
  });

  test.each([
    ['{ name: mine, horizonDays: 31 }', 'a number'],
    ['{ name: mine, horizonDays: 30, display: { step: 2 } }', 'how it is shown'],
    [
      '{ name: mine, horizonDays: 30, grades: { bands: [{ grade: A, from: 50 }, { grade: B, from: 0 }] } }',
      'a grade',
    ],
  ])('differs for %j: %s', (yaml) => {
    expect(modelOf(yaml).id.slice(5)).not.toBe(id.slice(5));
  });

  test('does not depend on the order of groups', () => {
    expect(idOfGroups('{ web: { cap: 1 }, mail: { cap: 2 } }')).toBe(
      idOfGroups('{ mail: { cap: 2 }, web: { cap: 1 } }'),
    );
    expect(idOfGroups('{ web: { cap: 1 }, mail: { cap: 2 } }')).not.toBe(
      idOfGroups('{ web: { cap: 2 }, mail: { cap: 1 } }'),
    );
  });

  test('differs with the order of rules, which is the order of the explanation', () => {
    expect(idOf('a', 'b')).not.toBe(idOf('b', 'a'));
  });
});

test('fit inputs are the properties that fit rules read, each once', () => {
  const model = modelOf(`fit: { rules: [
    { id: a, title: A, property: jobtitle, contains: [cto], points: 1 }, { id: b, title: B, property: phone, known: true, points: 1 },
    { id: c, title: C, property: jobtitle, contains: [intern], points: -1 }] }`);

  expect(fitInputs(model)).toEqual(['jobtitle', 'phone']);
});
