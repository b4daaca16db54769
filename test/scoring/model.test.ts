import {
  checkModel,
  companyInputs,
  compiledModel,
  contactInputs,
  factProperties,
  looksAtDeals,
  type Model,
  usesCompanies,
  usesDeals,
  usesTouches,
} from '../../lambdas/scoring/model.ts';
import { NO_SOURCES, type Sources } from '../../lambdas/scoring/sources.ts';
import { LEAST, LOGIN, PHONE, problemsOf } from './least-model.ts';
import { modelOf } from './model-of.ts';

function signals(...rules: object[]): object {
  return { engagement: { signals: rules.map((rule, at) => ({ ...LOGIN, id: `rule-${at}`, ...rule })) } };
}

/** Rules on visits, and the section by which these are kept. */
function visits(...sources: object[]): object {
  return { attribution: {}, ...signals(...sources.map((from) => ({ from: { kind: 'touch', ...from } }))) };
}

function fit(more: object): object {
  return { fit: { rules: [{ ...PHONE, ...more }] } };
}

function exclusion(more: object): object {
  return { exclusions: [{ id: 'out', title: 'Out', ...more }] };
}

function reset(more: object): object {
  return { resetOn: [{ id: 'start', title: 'Start', ...more }] };
}

function grouped(more: object): object {
  return { engagement: { groups: { web: { cap: 5 }, mail: { cap: 5 } }, signals: [{ ...LOGIN, ...more }] } };
}

function bands(...given: [string, number][]): object {
  return { grades: { bands: given.map(([grade, from]) => ({ grade, from })) } };
}

const GRID = {
  fit: [
    { grade: 'A', from: 40 },
    { grade: 'B', from: 0 },
  ],
  engagement: [
    { grade: '1', from: 40 },
    { grade: '2', from: 0 },
  ],
};

test('a home page and what is below a path are two things', () => {
  const pages = signals(
    { from: { kind: 'text', property: 'url', contains: ['/'] } },
    { from: { kind: 'text', property: 'url', contains: ['/blog/*'] } },
  );

  expect(checkModel({ ...LEAST, ...pages })).toHaveProperty('model');
});

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

const KINDS = 'timestamp, counter, transition, text, signal or touch';
const CONDITIONS = 'is, contains, atLeast, below, known, domain';
const TWICE = 'expected one of the two, or both in one group, whose cap they share';

test.each<[string, object, string]>([
  [
    'a misspelt key',
    { horizonDay: 30 },
    'horizonDay: found an unknown key, expected one of name, horizonDays, range, fit, engagement, exclusions, resetOn, companyScore, attribution, grades, display; did you mean "horizonDays"?',
  ],
  [
    'a misspelt key of a rule',
    fit({ pionts: 2 }),
    `fit.rules.0.pionts: found an unknown key, expected one of id, title, property, ${CONDITIONS}, points; did you mean "points"?`,
  ],
  [
    'a key in capitals',
    fit({ POINTS: 2 }),
    `fit.rules.0.POINTS: found an unknown key, expected one of id, title, property, ${CONDITIONS}, points; did you mean "points"?`,
  ],
  [
    'a misspelt key of a source',
    signals({ from: { kind: 'counter', property: 'views', Propertie: 1 } }),
    'engagement.signals.0.from.Propertie: found an unknown key, expected one of kind, property; did you mean "property"?',
  ],
  [
    'a key that is like no other',
    { display: { colour: 'red' } },
    'display.colour: found an unknown key, expected one of step, gradeOnly',
  ],
  [
    'a key as long as a page',
    { display: { ['x'.repeat(2000)]: 1 } },
    `display.${'x'.repeat(2000)}: found an unknown key, expected one of step, gradeOnly`,
  ],
  [
    'a rule without points',
    fit({ points: undefined }),
    'fit.rules.0.points: found nothing, expected a number',
  ],
  ['no name', { name: undefined }, 'name: found nothing, expected text'],
  ['a number for a section', { display: 5 }, 'display: found 5, expected keys and values'],
  ['a list for a section', { attribution: [] }, 'attribution: found an empty list, expected keys and values'],
  [
    'a list of groups',
    { engagement: { groups: [{ cap: 5 }], signals: [] } },
    'engagement.groups: found a list, expected keys and values',
  ],
  ['a section without anything in it', { fit: null }, 'fit: found nothing, expected keys and values'],
  ['no section of fit', { fit: undefined }, 'fit: found nothing, expected keys and values'],
  [
    'a name that is none',
    { name: 'My model' },
    'name: found "My model", expected lower-case letters, digits and hyphens, at most 40',
  ],
  [
    'a rule without a condition',
    fit({ known: undefined }),
    `fit.rules.0: found no condition, expected one of ${CONDITIONS}`,
  ],
  [
    'a half-life of zero',
    signals({ halfLifeDays: 0 }),
    'engagement.signals.0.halfLifeDays: found 0, expected 0.01 or more',
  ],
  [
    'a half-life in words',
    signals({ halfLifeDays: 'a week' }),
    'engagement.signals.0.halfLifeDays: found "a week", expected a number of days, or never',
  ],
  [
    'points beyond any scale',
    signals({ points: 1001 }),
    'engagement.signals.0.points: found 1001, expected 1000 or less',
  ],
  [
    'endless points',
    signals({ points: Infinity }),
    'engagement.signals.0.points: found Infinity, expected a finite number',
  ],
  [
    'points as text',
    signals({ points: '10' }),
    'engagement.signals.0.points: found "10", expected a number; did you mean 10?',
  ],
  ['a negative cap', signals({ cap: -1 }), 'engagement.signals.0.cap: found -1, expected 0 or more'],
  [
    'a title that no row holds',
    signals({ title: 'x'.repeat(61) }),
    'engagement.signals.0.title: found 61 characters, expected at most 60',
  ],
  ['no title', signals({ title: '' }), 'engagement.signals.0.title: found empty text, expected some'],
  [
    'a value longer than a message',
    signals({ points: 'y'.repeat(300) }),
    `engagement.signals.0.points: found "${'y'.repeat(40)}…", expected a number`,
  ],
  [
    'an unknown kind',
    signals({ from: { kind: 'count', property: 'views' } }),
    `engagement.signals.0.from.kind: found "count", expected ${KINDS}; did you mean "counter"?`,
  ],
  [
    'a kind that is like no other',
    signals({ from: { kind: 7, property: 'views' } }),
    `engagement.signals.0.from.kind: found 7, expected ${KINDS}`,
  ],
  [
    'an unknown route',
    signals({ route: 'webhook' }),
    'engagement.signals.0.route: found "webhook", expected app-webhook, workflow, signals or snippet; did you mean "app-webhook"?',
  ],
  [
    'an entry into nothing',
    signals({ from: { kind: 'transition', property: 'status', to: [''] } }),
    'engagement.signals.0.from.to.0: found empty text, expected some',
  ],
  [
    'a source without patterns',
    signals({ from: { kind: 'text', property: 'page', contains: [] } }),
    'engagement.signals.0.from.contains: found an empty list, expected at least one entry',
  ],
  [
    'more words than a rule may have',
    fit({ contains: Array.from({ length: 201 }, () => 'word') }),
    'fit.rules.0.contains: found 201 entries, expected at most 200',
  ],
  [
    'a value that is none',
    fit({ is: [null] }),
    'fit.rules.0.is.0: found nothing, expected text, a number, true or false',
  ],
  ['known as a question', fit({ known: false }), 'fit.rules.0.known: found false, expected true'],
  [
    'a label for a property',
    fit({ property: 'Job Title' }),
    'fit.rules.0.property: found "Job Title", expected a property\'s internal name, or company. and the name of a property of the company',
  ],
  [
    'an exclusion of nobody',
    exclusion({}),
    'exclusions.0: found neither property nor deal, expected one of them',
  ],
  [
    'an exclusion for two reasons',
    exclusion({ property: 'phone', known: true, deal: 'won' }),
    'exclusions.0: found both property and deal, expected one of them',
  ],
  [
    'an exclusion without a condition',
    exclusion({ property: 'phone' }),
    `exclusions.0: found no condition, expected one of ${CONDITIONS}`,
  ],
  [
    'a deal with a condition',
    exclusion({ deal: 'won', known: true }),
    `exclusions.0: found deal beside one of ${CONDITIONS}, expected deal alone`,
  ],
  [
    'a deal in no known state',
    exclusion({ deal: 'win' }),
    'exclusions.0.deal: found "win", expected open, won or lost; did you mean "won"?',
  ],
  ['a reset by nothing', reset({}), 'resetOn.0: found neither property nor deal, expected one of them'],
  [
    'a reset for two reasons',
    reset({ property: 'status', deal: 'lost' }),
    'resetOn.0: found both property and deal, expected one of them',
  ],
  [
    'a reset by no value',
    reset({ property: 'status' }),
    'resetOn.0: found property without to, expected both',
  ],
  [
    'a reset by a value of nothing',
    reset({ deal: 'lost', to: ['LOST'] }),
    'resetOn.0: found to without property, expected both',
  ],
  ['a reset by a won deal', reset({ deal: 'won' }), 'resetOn.0.deal: found "won", expected lost'],
  [
    'a roll-up that is none',
    { companyScore: { rollUp: 'max' } },
    'companyScore.rollUp: found "max", expected maximum or mean-of-top-three; did you mean "maximum"?',
  ],
  [
    'two ways to grade',
    { grades: { bands: [{ grade: 'A', from: 0 }], grid: GRID } },
    'grades: found both bands and grid, expected one of them',
  ],
  ['no way to grade', { grades: {} }, 'grades: found neither bands nor grid, expected one of them'],
  ['half a step', { display: { step: 0.5 } }, 'display.step: found 0.5, expected a whole number'],
  [
    'a range upside down',
    { range: { min: 10, max: 10 } },
    'range: found min 10 and max 10, expected min below max',
  ],
  [
    'a horizon longer than facts are kept',
    { horizonDays: 400 },
    'horizonDays: found 400, expected 390 or less',
  ],
  [
    'a way to credit that is none',
    { attribution: { models: ['liner'] } },
    'attribution.models.0: found "liner", expected one of first, last, linear, uShaped, timeDecay, markov; did you mean "linear"?',
  ],
  [
    'a way to credit twice',
    { attribution: { models: ['first', 'last', 'first'] } },
    'attribution.models: found a list, expected each model once',
  ],
  [
    'no way to credit',
    { attribution: { models: [] } },
    'attribution.models: found an empty list, expected at least one entry',
  ],
  [
    'a window of half a year and a day',
    { attribution: { windowDays: 181 } },
    'attribution.windowDays: found 181, expected 180 or less',
  ],
  [
    'a misspelt window',
    { attribution: { windowDay: 90 } },
    'attribution.windowDay: found an unknown key, expected one of windowDays, models, halfLifeDays; did you mean "windowDays"?',
  ],
  [
    'a visit by no channel',
    visits({ channel: 'chatgpt' }),
    'engagement.signals.0.from.channel: found "chatgpt", expected one of ai, search, social, email, paid, direct, other',
  ],
  [
    'a visit by a source that can be none',
    visits({ channel: 'ai', sources: ['ChatGPT'] }),
    'engagement.signals.0.from.sources.0: found "ChatGPT", expected lower-case letters, digits and hyphens, at most 30',
  ],
])('%s is refused', (_what, more, expected) => {
  expect(problemsOf(more)).toEqual([expected]);
});

test.each<[string, object, string]>([
  [
    'two rules of one id',
    { ...fit({ id: 'rule-0' }), ...signals({}) },
    'engagement.signals.0.id: found "rule-0", which fit.rules.0.id is already, expected an id of its own',
  ],
  [
    'a reset with the id of an exclusion',
    { ...exclusion({ deal: 'won', id: 'deal' }), ...reset({ deal: 'lost', id: 'deal' }) },
    'resetOn.0.id: found "deal", which exclusions.0.id is already, expected an id of its own',
  ],
  [
    'a group where there is none',
    signals({ group: 'web' }),
    'engagement.signals.0.group: found "web", expected one of engagement.groups (there are none)',
  ],
  [
    'a misspelt group',
    grouped({ group: 'wbe' }),
    'engagement.signals.0.group: found "wbe", expected one of engagement.groups (web, mail)',
  ],
  [
    'a misspelt group of an exclusion',
    { ...grouped({}), ...exclusion({ deal: 'won', onlyGroup: 'mails' }) },
    'exclusions.0.onlyGroup: found "mails", expected one of engagement.groups (web, mail); did you mean "mail"?',
  ],
  [
    'a count read as a time',
    signals(
      { from: { kind: 'counter', property: 'views' } },
      { from: { kind: 'timestamp', property: 'views' }, points: 0 },
    ),
    'engagement.signals.1.from.kind: found timestamp, expected counter, as rule-0 reads "views": a property has one kind',
  ],
  [
    'a count that resets',
    {
      ...reset({ property: 'views', to: ['0'] }),
      ...signals({ from: { kind: 'counter', property: 'views' } }),
    },
    'engagement.signals.0.from.kind: found counter, expected transition, as start reads "views": a property has one kind',
  ],
  [
    'a visit where none are kept',
    signals({ from: { kind: 'touch', channel: 'ai' } }),
    'engagement.signals.0.from.kind: found touch, expected the section attribution beside it: without it no visits are kept',
  ],
  [
    'the signal of a visit',
    signals({ from: { kind: 'signal', signal: 'session' } }),
    'engagement.signals.0.from.signal: found "session", which tells whose a visit was, expected another name, or the kind touch',
  ],
  [
    'the signal of whose a visit was',
    signals({ from: { kind: 'signal', signal: 'identify' } }),
    'engagement.signals.0.from.signal: found "identify", which tells whose a visit was, expected another name, or the kind touch',
  ],
  [
    'a visit that two rules score',
    visits({ channel: 'ai' }, { channel: 'ai', sources: ['claude', 'chatgpt'] }),
    'engagement.signals.1.from: found visits by ai/claude, which rule-0 scores already, expected one of the two, or both in one group, whose cap they share',
  ],
  [
    'a visit by any source that two rules score',
    visits({ channel: 'ai' }, { channel: 'ai' }),
    'engagement.signals.1.from: found visits by ai, which rule-0 scores already, expected one of the two, or both in one group, whose cap they share',
  ],
  [
    'a visit by a source that two rules score',
    visits(
      { channel: 'ai', sources: ['claude', 'chatgpt'] },
      { channel: 'ai', sources: ['grok', 'chatgpt'] },
    ),
    'engagement.signals.1.from: found visits by ai/chatgpt, which rule-0 scores already, expected one of the two, or both in one group, whose cap they share',
  ],
  ...(['hs_latest_source', 'hs_analytics_source_data_1', 'hs_analytics_first_referrer'] as const).map(
    (property): [string, object, string] => [
      `a visit, and what HubSpot says of it in ${property}`,
      {
        attribution: {},
        ...signals(
          { from: { kind: 'text', property, contains: ['chatgpt'] } },
          { from: { kind: 'touch', channel: 'ai' } },
        ),
      },
      'engagement.signals.1.from: found the source of a visit, which rule-0 scores already, expected one of the two, or both in one group, whose cap they share',
    ],
  ),
  [
    'a property of which HubSpot tells nobody',
    signals({ from: { kind: 'counter', property: 'num_unique_conversion_events' } }),
    'engagement.signals.0.from.property: found "num_unique_conversion_events", of whose changes HubSpot tells no app, expected num_conversion_events',
  ],
  [
    'the time of any change',
    fit({ property: 'company.hs_lastmodifieddate' }),
    'fit.rules.0.property: found "company.hs_lastmodifieddate", of whose changes HubSpot tells no app, expected the property whose change matters',
  ],
  [
    'a score that feeds on itself',
    fit({ property: 'afterglow_score', known: undefined, atLeast: 50 }),
    'fit.rules.0.property: found "afterglow_score", which Afterglow writes, expected another property: a score must not feed on itself',
  ],
  [
    'a reset by our own grade',
    reset({ property: 'afterglow_grade', to: ['D'] }),
    'resetOn.0.property: found "afterglow_grade", which Afterglow writes, expected another property: a score must not feed on itself',
  ],
  [
    'words of an address',
    fit({ property: 'email', known: undefined, contains: ['jane'] }),
    'fit.rules.0.contains: found contains, expected domain or known: only the domain of an address is kept',
  ],
  [
    'further addresses',
    fit({ property: 'hs_additional_emails' }),
    'fit.rules.0.property: found "hs_additional_emails", expected email: further addresses are not kept',
  ],
  [
    'the changes of an address',
    signals({ from: { kind: 'text', property: 'email', contains: ['jane'] } }),
    'engagement.signals.0.from.property: found "email", expected another property: the changes of addresses are not kept',
  ],
  [
    'a reset by an address',
    reset({ property: 'email', to: ['jane'] }),
    'resetOn.0.property: found "email", expected another property: the changes of addresses are not kept',
  ],
  [
    'one act that is scored twice',
    signals(
      { from: { kind: 'counter', property: 'num_conversion_events' } },
      { from: { kind: 'timestamp', property: 'recent_conversion_date' } },
    ),
    `engagement.signals.1.from: found a form submission, which rule-0 scores already, ${TWICE}`,
  ],
  [
    'one word that is scored twice',
    signals(
      { from: { kind: 'transition', property: 'status', to: ['OPEN', 'NEW'] } },
      { from: { kind: 'transition', property: 'status', to: ['open'] } },
    ),
    `engagement.signals.1.from: found "open" in status, which rule-0 scores already, ${TWICE}`,
  ],
  [
    'a page that is scored twice, below another one',
    signals(
      { from: { kind: 'text', property: 'url', contains: ['/pricing', '/plans'] } },
      { from: { kind: 'text', property: 'url', contains: ['/blog', '/pricing/team'] } },
    ),
    `engagement.signals.1.from: found "/pricing/team" in url, which rule-0 scores already, ${TWICE}`,
  ],
  [
    'a form that is scored twice, by a word of another pattern',
    signals(
      { from: { kind: 'text', property: 'form', contains: ['request a demo'] } },
      { from: { kind: 'text', property: 'form', contains: ['demo*'] } },
    ),
    `engagement.signals.1.from: found "demo*" in form, which rule-0 scores already, ${TWICE}`,
  ],
  [
    'a form that is scored twice, where a star stands for nothing',
    signals(
      { from: { kind: 'text', property: 'form', contains: ['request*demo'] } },
      { from: { kind: 'text', property: 'form', contains: ['requestdemo*'] } },
    ),
    `engagement.signals.1.from: found "requestdemo*" in form, which rule-0 scores already, ${TWICE}`,
  ],
  [
    'a value that is scored twice, by a word in it and by itself',
    signals(
      { from: { kind: 'transition', property: 'status', to: ['Open deal'] } },
      { from: { kind: 'text', property: 'status', contains: ['open'] } },
    ),
    `engagement.signals.1.from: found "open" in status, which rule-0 scores already, ${TWICE}`,
  ],
  [
    'a value that is scored twice, by itself and by a word in it',
    signals(
      { from: { kind: 'text', property: 'status', contains: ['open'] } },
      { from: { kind: 'transition', property: 'status', to: ['Open deal'] } },
    ),
    `engagement.signals.1.from: found "open deal" in status, which rule-0 scores already, ${TWICE}`,
  ],
  [
    'an address with what stands behind #',
    signals({
      from: { kind: 'text', property: 'url', contains: ['/x', 'https://app.acme.example/#/pricing'] },
    }),
    'engagement.signals.0.from.contains.1: found "https://app.acme.example/#/pricing", expected it without #: what stands behind it is not compared',
  ],
  [
    'an address of which nothing is left',
    signals({ from: { kind: 'text', property: 'url', contains: ['https://www.'] } }),
    'engagement.signals.0.from.contains.0: found "https://www.", expected a path, an address or words: it would be found everywhere',
  ],
  [
    'one signal of your own that is scored twice',
    signals({}, {}),
    `engagement.signals.1.from: found the signal login, which rule-0 scores already, ${TWICE}`,
  ],
  [
    'a burst that the gap leaves nothing of',
    signals({ minimumGapSeconds: 60, burst: { moreThan: 5, withinSeconds: 60 } }),
    'engagement.signals.0.burst.withinSeconds: found 60, expected more than minimumGapSeconds (60): what is closer counts as one anyway',
  ],
  [
    'a gap between counts',
    signals({ from: { kind: 'counter', property: 'views' }, minimumGapSeconds: 60 }),
    'engagement.signals.0.minimumGapSeconds: found minimumGapSeconds, expected cap: a counter says how many, not how fast',
  ],
  [
    'a range that ends between two steps',
    { display: { step: 15 } },
    'range.max: found 100, expected a multiple of display.step (15), so that no score is shown outside the range',
  ],
  [
    'a range that starts between two steps',
    { range: { min: -5, max: 100 }, display: { step: 10 }, ...bands(['A', -10]) },
    'range.min: found -5, expected a multiple of display.step (10), so that no score is shown outside the range',
  ],
  [
    'bands in the wrong order',
    { ...bands(['B', -10], ['A', 50]), range: { min: 50, max: 100 } },
    'grades.bands.1.from: found 50, expected less than -10 of the band before: bands go from the highest to the lowest',
  ],
  [
    'two bands from one score',
    bands(['A', 0], ['B', 0]),
    'grades.bands.1.from: found 0, expected less than 0 of the band before: bands go from the highest to the lowest',
  ],
  ['one grade twice', bands(['A', 50], ['A', 0]), 'grades.bands: found "A" twice, expected every grade once'],
  [
    'scores without a grade',
    bands(['A', 1]),
    'grades.bands.0.from: found 1, expected range.min (0) or less, so that every score has a grade',
  ],
  [
    'engagement without a grade',
    { grades: { grid: { ...GRID, engagement: [{ grade: '1', from: 10 }] } } },
    'grades.grid.engagement.0.from: found 10, expected 0 or less, so that every score has a grade',
  ],
  [
    'fit with two grades from one score',
    { grades: { grid: { ...GRID, fit: [GRID.fit[1], { grade: 'C', from: 0 }] } } },
    'grades.grid.fit.1.from: found 0, expected less than 0 of the band before: bands go from the highest to the lowest',
  ],
  [
    'cells that read alike',
    {
      grades: {
        grid: {
          fit: [
            { grade: 'A1', from: 40 },
            { grade: 'A', from: 0 },
          ],
          engagement: [
            { grade: '1', from: 40 },
            { grade: '11', from: 0 },
          ],
        },
      },
    },
    'grades.grid: found two cells named "A11", expected names of which each makes its own cells',
  ],
  [
    'a company score of what is not shown',
    { companyScore: { rollUp: 'maximum' }, display: { gradeOnly: true } },
    'companyScore: found a company score, expected none with display.gradeOnly: it is made of the scores that are shown',
  ],
])('parts that do not agree are refused: %s', (_what, more, expected) => {
  expect(problemsOf(more)).toEqual([expected]);
});

test.each<[string, object]>([
  [
    'two signals of one act in one group',
    {
      engagement: {
        groups: { web: { cap: 5 } },
        signals: [
          { ...LOGIN, id: 'a', group: 'web', from: { kind: 'counter', property: 'num_conversion_events' } },
          {
            ...LOGIN,
            id: 'b',
            group: 'web',
            from: { kind: 'timestamp', property: 'recent_conversion_date' },
          },
        ],
      },
    },
  ],
  [
    'two signals of one act of which one gives nothing',
    signals(
      { from: { kind: 'counter', property: 'hs_email_open' } },
      { from: { kind: 'timestamp', property: 'hs_email_last_open_date' }, points: 0 },
    ),
  ],
  [
    'a word beside a path',
    signals(
      { from: { kind: 'text', property: 'url', contains: ['site', 'example', 'webinar'] } },
      { from: { kind: 'text', property: 'url', contains: ['/blog', '/pricing/*'] } },
    ),
  ],
  [
    'two words of one property',
    signals(
      { from: { kind: 'text', property: 'hs_analytics_last_url', contains: ['/pricing'] } },
      { from: { kind: 'text', property: 'hs_analytics_last_url', contains: ['/blog'] } },
    ),
  ],
  [
    'a transition and a text of one property: both are its changes',
    signals(
      { from: { kind: 'text', property: 'status', contains: ['new'] } },
      { from: { kind: 'transition', property: 'status', to: ['OPEN'] } },
    ),
  ],
  ['the domain of an address', fit({ property: 'email', known: undefined, domain: ['acme.example'] })],
  [
    'a property of the company',
    fit({ property: 'company.numberofemployees', known: undefined, atLeast: 100 }),
  ],
  [
    'a burst longer than the gap',
    signals({ minimumGapSeconds: 59, burst: { moreThan: 5, withinSeconds: 60 } }),
  ],
  ['a grid', { grades: { grid: GRID } }],
  ['visits by two channels', visits({ channel: 'ai' }, { channel: 'social' })],
  [
    'visits by two sources of a channel',
    visits({ channel: 'ai', sources: ['claude'] }, { channel: 'ai', sources: ['chatgpt'] }),
  ],
  [
    'visits, and the pages that were looked at',
    {
      attribution: {},
      ...signals(
        { from: { kind: 'text', property: 'hs_analytics_last_url', contains: ['/pricing'] } },
        { from: { kind: 'touch', channel: 'ai' } },
        {},
      ),
    },
  ],
])('%s may be', (_what, more) => {
  expect(problemsOf(more)).toEqual([]);
});

test('every problem is told at once', () => {
  expect(problemsOf({ fit: {}, grades: {}, horizonDays: 'a year' })).toEqual([
    'horizonDays: found "a year", expected a number',
    'fit.rules: found nothing, expected a list',
    'grades: found neither bands nor grid, expected one of them',
  ]);
});

test.each([
  [null, 'nothing'],
  ['text', '"text"'],
  [7, '7'],
  [undefined, 'nothing'],
])('%p is no model', (content, found) => {
  expect(checkModel(content)).toEqual({
    problems: [{ path: [], reason: `found ${found}, expected keys and values` }],
  });
});

test('a list is no model', () => {
  expect(checkModel([LEAST])).toEqual({
    problems: [{ path: [], reason: 'expected keys and values, not a list' }],
  });
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

  test('has the digits that any other program finds', () => {
    // sha256sum of {"display":{"gradeOnly":false,"step":1},"engagement":{"groups":{},"signals":[]},"exclusions":[],"fit":{"rules":[]},
    // "freemail":[],"grades":{"bands":[{"from":0,"grade":"A"}],"deadBand":0},"horizonDays":365,"name":"least",
    // "range":{"max":100,"min":0},"resetOn":[]}, in one line.
    expect(checkModel(LEAST)).toMatchObject({ model: { id: 'least@03ad460fc290' } });
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

test('what a model reads of contact, company and deals is each named once', () => {
  const model = modelOf(`{ fit: { rules: [
    { id: a, title: A, property: jobtitle, contains: [cto], points: 1 }, { id: b, title: B, property: phone, known: true, points: 1 },
    { id: c, title: C, property: jobtitle, contains: [intern], points: -1 },
    { id: d, title: D, property: company.industry, is: [INTERNET], points: 1 } ] },
    exclusions: [ { id: e, title: E, property: phone, known: true }, { id: f, title: F, property: company.type, is: [PARTNER] } ],
    resetOn: [ { id: g, title: G, property: hs_lead_status, to: [RECYCLED] } ],
    engagement: { signals: [
      { id: h, title: H, from: { kind: text, property: page, contains: [/a] }, points: 1, halfLifeDays: 1 },
      { id: i, title: I, from: { kind: signal, signal: login }, points: 1, halfLifeDays: 1 } ] } }`);

  expect(contactInputs(model)).toEqual(['jobtitle', 'phone']);
  expect(companyInputs(model)).toEqual(['industry', 'type']);
  expect(factProperties(model)).toEqual(
    new Map([
      ['hs_lead_status', 'transition'],
      ['page', 'text'],
    ]),
  );
});

test('a deal that lets a contact start anew is no property whose changes are facts', () => {
  expect([...factProperties(modelOf('resetOn: [{ id: a, title: A, deal: lost }]'))]).toEqual([]);
});

test.each([
  ['{}', false, false, false],
  ['companyScore: { rollUp: maximum }', true, false, false],
  ['exclusions: [{ id: a, title: A, property: company.type, known: true }]', true, false, false],
  ['exclusions: [{ id: a, title: A, deal: open }]', false, true, true],
  ['resetOn: [{ id: a, title: A, deal: lost }]', false, true, true],
  ['attribution: {}', false, false, true],
])('%s reads of companies: %p, of deals: %p, and credits deals or reads them: %p', (yaml, ...expected) => {
  const model = modelOf(yaml);

  expect([usesCompanies(model), usesDeals(model), looksAtDeals(model)]).toEqual(expected);
});

describe('a model that was compiled', () => {
  const { id, freemail, sources, ...content } = modelOf(
    '{ name: mine, attribution: {}, fit: { rules: [{ id: a, title: A, property: email, domain: [freemail], points: 1 }] } }',
    ['mail.example'],
    sourcesOf('ChatGPT'),
  );

  test('is the same as when it was checked', () => {
    expect(compiledModel(JSON.parse(JSON.stringify(content)), freemail, sources)).toEqual({
      ...content,
      id,
      freemail,
      sources,
    });
  });

  test('is not checked again for rules that do not agree', () => {
    const rules = [...content.fit.rules, ...content.fit.rules];

    expect(compiledModel({ ...content, fit: { rules } }, [], NO_SOURCES)?.fit.rules).toHaveLength(2);
  });

  test.each([undefined, 'mine', {}, { ...content, grades: {} }])('is none in the form of %j', (other) => {
    expect(compiledModel(other, [], NO_SOURCES)).toBeUndefined();
  });
});

function sourcesOf(label: string): Sources {
  return {
    sources: [
      {
        id: 'chatgpt',
        channel: 'ai',
        label,
        hosts: ['chatgpt.com'],
        utmSources: [],
        userAgents: [],
        hubSpotDetails: [],
      },
    ],
    mediums: {},
  };
}

describe('the sources of visits', () => {
  const [one, other] = [sourcesOf('ChatGPT'), sourcesOf('Chat')];

  test('are part of a model that keeps visits, and of its id', () => {
    const model = modelOf('{ attribution: {} }', [], one);

    expect(model.sources).toEqual(one);
    expect(usesTouches(model)).toBe(true);
    expect(modelOf('{ attribution: {} }', [], other).id).not.toBe(model.id);
    expect(modelOf('{ attribution: { windowDays: 30 } }', [], one).id).not.toBe(model.id);
  });

  test('are nothing to a model that keeps none', () => {
    const model = modelOf('{}', [], one);

    expect(model.sources.sources).toEqual([]);
    expect(usesTouches(model)).toBe(false);
    expect(model.id).toBe(modelOf('{}').id);
  });

  test('are no properties that are asked for', () => {
    const model = modelOf(`{ attribution: {}, engagement: { signals: [
      { id: a, title: A, from: { kind: touch, channel: ai }, points: 1, halfLifeDays: 1 } ] } }`);

    expect([...factProperties(model)]).toEqual([]);
  });

  test('are credited as is usual where nobody says otherwise', () => {
    expect(modelOf('{ attribution: {} }').attribution).toEqual({
      windowDays: 90,
      models: ['linear'],
      halfLifeDays: 7,
    });
  });
});

function checkedWith(content: object, freemail: readonly string[]): Model | undefined {
  const checked = checkModel(content, freemail);
  return 'model' in checked ? checked.model : undefined;
}

describe('freemail', () => {
  const freemail = ['mail.example'];
  const used = { ...LEAST, ...fit({ property: 'email', known: undefined, domain: ['freemail'] }) };
  test('is the list that was given where a rule names it, and nothing elsewhere', () => {
    expect(checkedWith(used, freemail)?.freemail).toEqual(freemail);
    expect(checkedWith(LEAST, freemail)?.freemail).toEqual([]);
  });

  test('is part of the content: another list is another model', () => {
    expect(checkedWith(used, freemail)?.id).not.toBe(checkedWith(used, ['other.example'])?.id);
    expect(checkedWith(LEAST, freemail)?.id).toBe(checkedWith(LEAST, ['other.example'])?.id);
  });
});
