// Rules that do not agree: each alone is right, together they would not do what people mean.
import { LOGIN, problemsOf } from './least-model.ts';

function signals(...rules: object[]): object {
  const groups = { web: { cap: 5 }, mail: { cap: 5 } };
  return {
    engagement: { groups, signals: rules.map((rule, at) => ({ ...LOGIN, id: `rule-${at}`, ...rule })) },
  };
}

const froms = (...sources: object[]) => signals(...sources.map((from) => ({ from })));
const timestamp = (property: string) => ({ kind: 'timestamp', property });
const counter = (property: string) => ({ kind: 'counter', property });
const text = (property: string, ...contains: string[]) => ({ kind: 'text', property, contains });
const entry = (property: string, ...to: string[]) => ({ kind: 'transition', property, to });
const own = (signal: string) => ({ kind: 'signal', signal });
const burst = (withinSeconds: number) => ({ burst: { moreThan: 5, withinSeconds } });
const fit = (more: object) => ({ fit: { rules: [{ id: 'fit', title: 'Fit', points: 1, ...more }] } });
const exclusion = (more: object) => ({ exclusions: [{ id: 'out', title: 'Out', ...more }] });
const reset = (property: string) => ({ resetOn: [{ id: 'start', title: 'Start', property, to: ['x'] }] });

function inGroups(one: string | undefined, other: string | undefined): string[] {
  return problemsOf(signals({ group: one }, { group: other }));
}

function ofCount(key: string): string {
  return `engagement.signals.0.${key}: found ${key}, expected cap: a counter says how many, not how fast`;
}

/** What HubSpot changes in one act, by what the act is. */
const ACTS: Readonly<Record<string, readonly string[]>> = {
  'a form submission': ['num_conversion_events', 'recent_conversion_date', 'recent_conversion_event_name'],
  'a click in an e-mail': ['hs_email_click', 'hs_email_last_click_date'],
  'the opening of an e-mail': ['hs_email_open', 'hs_email_last_open_date'],
  'a reply': ['hs_email_replied', 'hs_email_last_reply_date', 'hs_sales_email_last_replied'],
  'a visit of the site': [
    'hs_analytics_num_page_views',
    'hs_analytics_num_visits',
    'hs_analytics_last_visit_timestamp',
    'hs_analytics_last_timestamp',
    'hs_analytics_last_url',
  ],
};
const PAIRS = Object.entries(ACTS).flatMap(([act, properties]) =>
  properties.slice(1).map((property) => ({ act, first: properties[0] ?? '', property })),
);
const TWICE =
  'which rule-0 scores already, expected one of the two, or both in one group, whose cap they share';

describe('one act must not be paid twice by accident', () => {
  test.each(PAIRS)('$first and $property change in $act', ({ act, first, property }) => {
    expect(problemsOf(froms(counter(first), timestamp(property)))).toEqual([
      `engagement.signals.1.from: found ${act}, ${TWICE}`,
    ]);
  });

  test('two acts are two', () => {
    const firsts = Object.values(ACTS).map(([first = '']) => counter(first));

    expect(problemsOf(froms(...firsts))).toEqual([]);
  });

  test('every change of a property is also each of its changes', () => {
    const every = 'engagement.signals.1.from: found every change of click';

    expect(problemsOf(froms(timestamp('click'), timestamp('click')))).toEqual([`${every}, ${TWICE}`]);
    expect(problemsOf(froms(counter('click'), counter('click')))).toEqual([`${every}, ${TWICE}`]);
    expect(problemsOf(froms(timestamp('click'), timestamp('click_2')))).toEqual([]);
  });

  test('two groups are not one, and one group is what is meant', () => {
    expect(inGroups('web', 'web')).toEqual([]);
    expect(inGroups('web', 'mail')).toHaveLength(1);
    expect(inGroups('web', undefined)).toHaveLength(1);
    expect(inGroups(undefined, 'web')).toHaveLength(1);
  });

  test('the third of three tells of the first that scores the same', () => {
    const [, third] = problemsOf(froms(timestamp('a'), timestamp('b'), timestamp('b'), timestamp('a')));

    expect(third).toBe(`engagement.signals.3.from: found every change of a, ${TWICE}`);
  });

  test('a word that is entered is the whole value, a word in a text is not', () => {
    expect(problemsOf(froms(entry('stage', 'open deal'), entry('stage', 'open')))).toEqual([]);
    expect(problemsOf(froms(text('page', 'open deal'), text('page', 'open')))).toEqual([
      `engagement.signals.1.from: found "open" in page, ${TWICE}`,
    ]);
    expect(problemsOf(froms(text('page', 'open'), text('page', 'open')))).toHaveLength(1);
    expect(problemsOf(froms(text('page', 'open'), text('title', 'open')))).toEqual([]);
  });

  test.each<[object, object, boolean]>([
    [{ channel: 'ai' }, { channel: 'search' }, false],
    [{ channel: 'ai', sources: ['chatgpt'] }, { channel: 'search', sources: ['chatgpt'] }, false],
    [{ channel: 'ai', sources: ['chatgpt'] }, { channel: 'ai', sources: ['claude'] }, false],
    [{ channel: 'ai', sources: ['chatgpt'] }, { channel: 'ai' }, true],
  ])('visits by %j and by %j are the same: %p', (one, other, isSame) => {
    const rules = froms({ kind: 'touch', ...one }, { kind: 'touch', ...other });

    expect(problemsOf({ ...rules, attribution: {} })).toHaveLength(isSame ? 1 : 0);
  });

  test('two signals of your own are two, and none is a visit', () => {
    const visit = { kind: 'touch', channel: 'ai' };

    expect(problemsOf({ ...froms(own('login'), own('logout'), visit), attribution: {} })).toEqual([]);
    expect(problemsOf({ ...froms(visit, own('ai'), counter('ai')), attribution: {} })).toEqual([]);
    expect(problemsOf(froms(own('login'), timestamp('hs_latest_source'), own('logout')))).toEqual([]);
  });
});

describe('what HubSpot says of the source of a visit', () => {
  test.each([
    ['hs_analytics_source', true],
    ['hs_analytics_source_data_1', true],
    ['hs_analytics_source_data_2', true],
    ['hs_latest_source', true],
    ['hs_latest_source_data_2', true],
    ['hs_latest_source_timestamp', true],
    ['hs_analytics_latest_source', true],
    ['hs_analytics_latest_source_timestamp', true],
    ['hs_analytics_first_referrer', true],
    ['hs_analytics_last_referrer', true],
    ['hs_latest_source_data_3', false],
    ['hs_latest_sources', false],
    ['my_hs_latest_source', false],
    ['hs_analytics_last_referrer_2', false],
    ['my_hs_analytics_last_referrer', false],
  ])('changes in %s: %p', (property, isOne) => {
    const visit = { kind: 'touch', channel: 'ai' };
    const expected = isOne ? [`engagement.signals.1.from: found the source of a visit, ${TWICE}`] : [];

    expect(problemsOf({ ...froms(visit, timestamp(property)), attribution: {} })).toEqual(expected);
    expect(problemsOf({ ...froms(timestamp(property), visit), attribution: {} })).toEqual(expected);
  });
});

describe('properties that tell nothing', () => {
  const change = 'of whose changes HubSpot tells no app, expected the property whose change matters';

  test.each<[string, object, string]>([
    [
      'a fit rule',
      fit({ property: 'lastmodifieddate', known: true }),
      `fit.rules.0.property: found "lastmodifieddate", ${change}`,
    ],
    [
      'an exclusion',
      exclusion({ property: 'hs_lastmodifieddate', known: true }),
      `exclusions.0.property: found "hs_lastmodifieddate", ${change}`,
    ],
    ['a reset', reset('lastmodifieddate'), `resetOn.0.property: found "lastmodifieddate", ${change}`],
    [
      'a signal',
      froms(timestamp('hs_lastmodifieddate')),
      `engagement.signals.0.from.property: found "hs_lastmodifieddate", ${change}`,
    ],
    [
      'a signal of our own score',
      froms(counter('afterglow_score')),
      'engagement.signals.0.from.property: found "afterglow_score", which Afterglow writes, expected another property: a score must not feed on itself',
    ],
    [
      'an exclusion by our own score of the company',
      exclusion({ property: 'company.afterglow_company_score', atLeast: 5 }),
      'exclusions.0.property: found "company.afterglow_company_score", which Afterglow writes, expected another property: a score must not feed on itself',
    ],
  ])('are refused in %s', (_what, more, expected) => {
    expect(problemsOf(more)).toEqual([expected]);
  });

  test('are not those whose names only look alike', () => {
    expect(problemsOf(fit({ property: 'my_afterglow_score', known: true }))).toEqual([]);
    expect(problemsOf(froms(timestamp('my_lastmodifieddate')))).toEqual([]);
    expect(problemsOf(exclusion({ deal: 'won' }))).toEqual([]);
  });
});

describe('addresses', () => {
  const kept = 'expected domain or known: only the domain of an address is kept';
  const changes = 'expected another property: the changes of addresses are not kept';

  test.each<[string, object, string]>([
    ['is', exclusion({ property: 'email', is: ['jo@acme.example'] }), `exclusions.0.is: found is, ${kept}`],
    ['atLeast', fit({ property: 'email', atLeast: 5 }), `fit.rules.0.atLeast: found atLeast, ${kept}`],
    [
      'a domain and words',
      fit({ property: 'email', domain: ['acme.example'], contains: ['jo'] }),
      `fit.rules.0.contains: found contains, ${kept}`,
    ],
    [
      'further addresses',
      exclusion({ property: 'hs_additional_emails', known: true }),
      'exclusions.0.property: found "hs_additional_emails", expected email: further addresses are not kept',
    ],
    [
      'a reset by further addresses',
      reset('hs_additional_emails'),
      `resetOn.0.property: found "hs_additional_emails", ${changes}`,
    ],
    [
      'the changes of further addresses',
      froms(timestamp('hs_additional_emails')),
      `engagement.signals.0.from.property: found "hs_additional_emails", ${changes}`,
    ],
  ])('cannot be asked for %s', (_what, more, expected) => {
    expect(problemsOf(more)).toEqual([expected]);
  });

  test('can be asked whether there is one, and for its domain', () => {
    expect(problemsOf(fit({ property: 'email', known: true, domain: ['acme.example'] }))).toEqual([]);
    expect(problemsOf(fit({ property: 'work_email', contains: ['jo'] }))).toEqual([]);
  });
});

describe('patterns', () => {
  test.each<[string, string]>([
    ['HTTPS://acme.example/#team', 'expected it without #: what stands behind it is not compared'],
    ['http://acme.example/#team', 'expected it without #: what stands behind it is not compared'],
    ['/pricing#team', 'expected it without #: what stands behind it is not compared'],
    ['https://*', 'expected a path, an address or words: it would be found everywhere'],
    ['http://', 'expected a path, an address or words: it would be found everywhere'],
  ])('%s is refused', (pattern, expected) => {
    expect(problemsOf(froms(text('url', pattern)))).toEqual([
      `engagement.signals.0.from.contains.0: found "${pattern}", ${expected}`,
    ]);
  });

  test.each(['*', '***', '/', 'C# course', 'see https://acme.example/#team', 'https'])(
    '%s may be',
    (pattern) => {
      expect(problemsOf(froms(text('url', pattern)))).toEqual([]);
    },
  );

  test('every wrong one is told', () => {
    expect(problemsOf(froms(text('url', '/ok', '/a#b', 'https://www.')))).toHaveLength(2);
  });
});

describe('how close signals may be', () => {
  test('says nothing of a count', () => {
    expect(problemsOf(signals({ from: counter('views'), ...burst(60) }))).toEqual([ofCount('burst')]);
    expect(problemsOf(signals({ from: counter('views'), minimumGapSeconds: 5 }))).toEqual([
      ofCount('minimumGapSeconds'),
    ]);
    expect(problemsOf(signals({ from: counter('views'), cap: 5 }))).toEqual([]);
  });

  test('may be said by a gap or by a burst alone, and by a burst that is longer than the gap', () => {
    expect(problemsOf(signals({ minimumGapSeconds: 60 }))).toEqual([]);
    expect(problemsOf(signals(burst(1)))).toEqual([]);
    expect(problemsOf(signals({ minimumGapSeconds: 60, ...burst(61) }))).toEqual([]);
    expect(problemsOf(signals({ minimumGapSeconds: 61, ...burst(60) }))).toEqual([
      'engagement.signals.0.burst.withinSeconds: found 60, expected more than minimumGapSeconds (61): what is closer counts as one anyway',
    ]);
  });
});

describe('kinds of a property', () => {
  test.each<[string, object]>([
    ['a text and an entry', froms(text('status', 'new'), entry('status', 'open'))],
    ['a text and a reset', { ...froms(text('status', 'new')), ...reset('status') }],
    [
      'two counts in one group',
      signals({ from: counter('views'), group: 'web' }, { from: counter('views'), group: 'web' }),
    ],
    ['a count and a time of two properties', froms(counter('views'), timestamp('viewed'))],
  ])('%s agree', (_what, more) => {
    expect(problemsOf(more)).toEqual([]);
  });

  test('are that of the first, whatever is said by others in between', () => {
    const read = [counter('views'), timestamp('views'), counter('views')];
    const rules = signals(...read.map((from) => ({ from, group: 'web' })));

    expect(problemsOf(rules)).toEqual([
      'engagement.signals.1.from.kind: found timestamp, expected counter, as rule-0 reads "views": a property has one kind',
    ]);
  });

  test('a time and a text do not agree, and both would be paid for a change', () => {
    const kind =
      'engagement.signals.1.from.kind: found text, expected timestamp, as rule-0 reads "click": a property has one kind';

    expect(problemsOf(froms(timestamp('click'), text('click', 'x')))).toEqual([
      kind,
      `engagement.signals.1.from: found every change of click, ${TWICE}`,
    ]);
    expect(problemsOf(froms(text('click', 'x'), timestamp('click')))).toEqual([
      kind.replace('found text, expected timestamp', 'found timestamp, expected transition'),
      `engagement.signals.1.from: found every change of click, ${TWICE}`,
    ]);
  });
});

test('a grid too has a grade for the least fit', () => {
  const grid = { fit: [{ grade: 'A', from: 10 }], engagement: [{ grade: '1', from: 0 }] };

  expect(problemsOf({ grades: { grid } })).toEqual([
    'grades.grid.fit.0.from: found 10, expected 0 or less, so that every score has a grade',
  ]);
});

test.each<[string, object, string[]]>([
  ['a range of whole steps', { display: { step: 5 }, range: { min: 5, max: 95 } }, []],
  [
    'both ends between two steps',
    { display: { step: 10 }, range: { min: 5, max: 95 } },
    [
      'range.min: found 5, expected a multiple of display.step (10), so that no score is shown outside the range',
      'range.max: found 95, expected a multiple of display.step (10), so that no score is shown outside the range',
    ],
  ],
  [
    'a company score beside numbers',
    { companyScore: { rollUp: 'maximum' }, display: { gradeOnly: false } },
    [],
  ],
  ['grades only, without a company score', { display: { gradeOnly: true } }, []],
])('of %s is told %j', (_what, more, expected) => {
  expect(problemsOf(more)).toEqual(expected);
});
