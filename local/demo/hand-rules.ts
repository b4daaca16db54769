// One rule of a model at a time, worked with pencil and paper. Nothing fades here unless the row is about fading.
import { change, click, daysAgo, HAND_SCORED_AT_MS, pricing, signal, status, views } from './hand-scored.ts';
import type { Happening } from './happenings.ts';
import type { History } from './oracle.ts';

/** One small example of one rule. */
export interface HandRule extends History {
  /** Short, and stays: the documentation quotes rows by it. */
  readonly name: string;
  /** What the row shows. */
  readonly because: string;
  /** The model, as YAML. */
  readonly model: string;
  readonly nowMs: number;
  /** The calculation, as written down. */
  readonly worked: readonly string[];
  /** What HubSpot shows of a contact that it showed nothing of before; null when cleared. */
  readonly expected: {
    readonly status: string;
    readonly score: number | null;
    readonly fit: number | null;
    readonly engagement: number | null;
    readonly grade: string;
    /** Grades that the dead band would hold. */
    readonly held?: readonly string[];
    readonly reasons?: string;
  };
}

interface Parts {
  readonly fit?: string;
  readonly signals?: string;
  readonly grades?: string;
  readonly rest?: string;
}

const CTO = '{ id: cto, title: CTO, property: jobtitle, contains: [cto], points: 20 }';
const PRICING =
  '{ id: pricing, title: Looked at pricing, from: { kind: text, property: hs_analytics_last_url, contains: [/pricing] }, points: 16, halfLifeDays: never, group: web }';
const CLICK =
  '{ id: click, title: Clicked, from: { kind: timestamp, property: hs_email_last_click_date }, points: 8, halfLifeDays: never, group: email }';
const BANDS = '{ bands: [{ grade: A, from: 50 }, { grade: B, from: 20 }, { grade: C, from: 0 }] }';

/** A model with these rules: by default a CTO has 20, a look at pricing 16 and a click 8 points, and B begins at 20, A at 50. */
function modelOf({ fit = CTO, signals = `${PRICING}, ${CLICK}`, grades = BANDS, rest = '' }: Parts): string {
  return `
name: one-rule
fit: { rules: [${fit}] }
engagement: { groups: { web: { cap: 100 }, email: { cap: 100 } }, signals: [${signals}] }
grades: ${grades}
${rest}`;
}

const CREATED = { createdAtMs: daysAgo(60), nowMs: HAND_SCORED_AT_MS, properties: {}, happenings: [] };
const EXCLUDED = { score: null, fit: null, engagement: null, grade: '' };
const NOTHING = { status: 'insufficient_data', ...EXCLUDED, reasons: '' };
const MINUTE_MS = 60_000;

/** Seconds after noon, ten days before the table's instant. */
function at(seconds: number): number {
  return daysAgo(10) + seconds * 1000;
}

function scored(fit: number, engagement: number, grade: string) {
  return { status: 'scored', score: fit + engagement, fit, engagement, grade };
}

const EXCLUSIONS = `exclusions:
  - { id: our-people, title: Works for us, property: email, domain: [afterglow.example] }
  - { id: customer, title: Is a customer, property: lifecyclestage, is: [customer] }
  - { id: won-deal, title: Has a won deal, deal: won }
  - { id: in-public-office, title: In public office, property: company.industry, is: [GOVERNMENT_ADMINISTRATION] }
  - { id: opted-out, title: Unsubscribed, property: hs_email_optout, is: [true], onlyGroup: email }`;
const excluding = modelOf({ rest: EXCLUSIONS });

const EXCLUSION_ROWS: readonly HandRule[] = [
  {
    ...CREATED,
    name: 'excluded-customer',
    because: 'who is excluded has no score, however warm, and the status says why',
    model: excluding,
    properties: { jobtitle: 'CTO', lifecyclestage: 'Customer' },
    happenings: [pricing(daysAgo(1))],
    worked: ['CTO 20 + pricing 16 = 36, but a customer: no score'],
    expected: { status: 'excluded_customer', ...EXCLUDED, reasons: 'Excluded: Is a customer' },
  },
  {
    ...CREATED,
    name: 'excluded-by-first',
    because: 'of several exclusions the first in the file is named',
    model: excluding,
    properties: { email: 'lena@mail.afterglow.example', lifecyclestage: 'customer' },
    worked: ['our people and customer both hold; our people stands first'],
    expected: { status: 'excluded_our_people', ...EXCLUDED, reasons: 'Excluded: Works for us' },
  },
  {
    ...CREATED,
    name: 'excluded-unknown',
    because: 'an exclusion also names those of whom nothing else is known',
    model: excluding,
    deals: [{ id: '1', state: 'won', closedAtMs: daysAgo(400) }],
    worked: ['no fit input, no signal; a won deal: excluded'],
    expected: { status: 'excluded_won_deal', ...EXCLUDED, reasons: 'Excluded: Has a won deal' },
  },
  {
    ...CREATED,
    name: 'excluded-by-company',
    because: 'an exclusion may look at the primary company',
    model: excluding,
    properties: { jobtitle: 'CTO' },
    company: { industry: 'GOVERNMENT_ADMINISTRATION' },
    worked: ['the industry of the company excludes'],
    expected: { status: 'excluded_in_public_office', ...EXCLUDED, reasons: 'Excluded: In public office' },
  },
  {
    ...CREATED,
    name: 'open-deal-is-not-won',
    because: 'only a deal in the state that the rule names excludes',
    model: excluding,
    properties: { jobtitle: 'CTO' },
    deals: [
      { id: '1', state: 'open', closedAtMs: undefined },
      { id: '2', state: 'lost', closedAtMs: daysAgo(3) },
    ],
    worked: ['an open and a lost deal, none won: CTO 20'],
    expected: scored(20, 0, 'B'),
  },
  {
    ...CREATED,
    name: 'opted-out-email-only',
    because: 'with onlyGroup the contact keeps its score without the signals of that group',
    model: excluding,
    properties: { jobtitle: 'CTO', hs_email_optout: 'true' },
    happenings: [pricing(daysAgo(1)), click(daysAgo(1))],
    worked: ['CTO 20; pricing 16; the click 8 is of the group email: 0', '20 + 16 = 36'],
    expected: scored(20, 16, 'B'),
  },
  {
    ...CREATED,
    name: 'opted-out-and-nothing-else',
    because: 'a signal that is left out is no sign of life either',
    model: excluding,
    properties: { hs_email_optout: 'true' },
    happenings: [click(daysAgo(1))],
    worked: ['no fit input; the only signal is left out: insufficient data'],
    expected: NOTHING,
  },
];

const resetting = modelOf({
  signals: `${PRICING}, ${CLICK}, { id: pages, title: Pages, from: { kind: counter, property: hs_analytics_num_page_views }, points: 1, halfLifeDays: never, group: web }`,
  rest: `resetOn:
  - { id: lost, title: Deal lost, deal: lost }
  - { id: recycled, title: Given back, property: hs_lead_status, to: [RECYCLED] }`,
});

const RESET_ROWS: readonly HandRule[] = [
  {
    ...CREATED,
    name: 'reset-by-status',
    because: 'signals before a reset no longer count, one at its very instant does, and fit stays',
    model: resetting,
    properties: { jobtitle: 'CTO' },
    happenings: [
      pricing(daysAgo(9)),
      status('Recycled', daysAgo(8)),
      pricing(daysAgo(8)),
      click(daysAgo(7)),
      status('NEW', daysAgo(6)),
    ],
    worked: ['pricing 9 days ago: before the reset', 'pricing at the reset 16, click 8', '20 + 24 = 44'],
    expected: scored(20, 24, 'B'),
  },
  {
    ...CREATED,
    name: 'reset-by-lost-deal',
    because: 'the latest reset counts; a deal that is open again is none',
    model: resetting,
    properties: { jobtitle: 'CTO' },
    happenings: [status('RECYCLED', daysAgo(20)), pricing(daysAgo(10)), click(daysAgo(4))],
    deals: [
      { id: '1', state: 'lost', closedAtMs: daysAgo(30) },
      { id: '2', state: 'lost', closedAtMs: daysAgo(5) },
      { id: '3', state: 'open', closedAtMs: undefined },
    ],
    worked: [
      'resets 30, 20 and 5 days ago: the last one counts',
      'click 8, 4 days ago; pricing before: 0',
      '20 + 8 = 28',
    ],
    expected: scored(20, 8, 'B'),
  },
  {
    ...CREATED,
    name: 'reset-leaves-nothing',
    because: 'who has nothing left after a reset, and of whom nothing is known, has no score',
    model: resetting,
    happenings: [pricing(daysAgo(9)), status('RECYCLED', daysAgo(8))],
    worked: ['no fit input; the only signal was before the reset: insufficient data'],
    expected: NOTHING,
  },
  {
    ...CREATED,
    name: 'reset-keeps-counts',
    because: 'counts before a reset give nothing, but what comes after is counted from them',
    model: resetting,
    properties: { jobtitle: 'CTO' },
    happenings: [
      views(3, daysAgo(12)),
      views(10, daysAgo(10)),
      status('RECYCLED', daysAgo(8)),
      views(12, daysAgo(6)),
    ],
    worked: ['3: baseline; 10 − 3 = 7, before the reset: 0', '12 − 10 = 2', '20 + 2 = 22'],
    expected: scored(20, 2, 'B'),
  },
];

function logins(...seconds: readonly number[]): Happening[] {
  return seconds.map((second) => signal('product.login', at(second), `login ${second}`));
}

const apart = modelOf({
  signals:
    '{ id: login, title: Logged in, from: { kind: signal, signal: product.login }, points: 8, halfLifeDays: never, minimumGapSeconds: 1800 }',
});
const bursting = modelOf({
  signals:
    '{ id: login, title: Logged in, from: { kind: signal, signal: product.login }, points: 8, halfLifeDays: never, burst: { moreThan: 3, withinSeconds: 60 } }',
});

const BOT_ROWS: readonly HandRule[] = [
  {
    ...CREATED,
    name: 'gap-chain',
    because: 'each is measured against the one before, counted or not: a chain of close ones counts once',
    model: apart,
    happenings: logins(0, 20 * 60, 40 * 60, 60 * 60, 90 * 60),
    worked: [
      '0, 20, 40 and 60 minutes: a chain, 8',
      '90 minutes: 30 after the last of them, 8',
      '8 + 8 = 16',
    ],
    expected: scored(0, 16, 'C'),
  },
  {
    ...CREATED,
    name: 'gap-told-twice',
    because: 'what is told twice is one, and what comes in any order is put in order first',
    model: apart,
    happenings: [...logins(3600, 0), ...logins(3600, 0)],
    worked: ['0 and 60 minutes, each told twice', '8 + 8 = 16'],
    expected: scored(0, 16, 'C'),
  },
  {
    ...CREATED,
    name: 'burst',
    because: 'more than three within a minute are a machine: they count as one, the first',
    model: bursting,
    happenings: logins(0, 5, 10, 15, 20, 600),
    worked: ['five within 20 seconds: one, 8', 'ten minutes later: 8', '8 + 8 = 16'],
    expected: scored(0, 16, 'C'),
  },
  {
    ...CREATED,
    name: 'burst-not-reached',
    because: 'three within a minute are still a person',
    model: bursting,
    happenings: logins(0, 5, 10),
    worked: ['3 × 8 = 24'],
    expected: scored(0, 24, 'B'),
  },
  {
    ...CREATED,
    name: 'burst-window',
    because: 'a window of a minute ends before its 60th second',
    model: bursting,
    happenings: logins(0, 20, 40, 60),
    worked: ['the fourth is 60 seconds after the first: no burst', '4 × 8 = 32'],
    expected: scored(0, 32, 'B'),
  },
  {
    ...CREATED,
    name: 'burst-that-goes-on',
    because: 'bursts that overlap are one burst, however long',
    model: bursting,
    happenings: logins(0, 15, 30, 45, 60, 75, 90, 105, 120),
    worked: ['any four in a row are within 45 seconds: all nine are one burst', '8'],
    expected: scored(0, 8, 'C'),
  },
  {
    ...CREATED,
    name: 'gap-before-burst',
    because: 'the gap comes first: what is too close is no part of a burst',
    model: modelOf({
      signals:
        '{ id: login, title: Logged in, from: { kind: signal, signal: product.login }, points: 8, halfLifeDays: never, minimumGapSeconds: 10, burst: { moreThan: 2, withinSeconds: 60 } }',
    }),
    happenings: logins(0, 1, 2, 3, 30),
    worked: [
      '0 to 3 seconds: a chain, one; 30 seconds: another',
      'two within a minute are no burst',
      '8 + 8 = 16',
    ],
    expected: scored(0, 16, 'C'),
  },
  {
    ...CREATED,
    name: 'worth-nothing',
    because: 'a signal of 0 points is no sign of life',
    model: modelOf({
      signals:
        '{ id: open, title: Opened, from: { kind: timestamp, property: hs_email_last_open_date }, points: 0, halfLifeDays: 7 }',
    }),
    happenings: [change('hs_email_last_open_date', String(daysAgo(1)), daysAgo(1) + MINUTE_MS)],
    worked: ['no fit input; an opening of 0 points: insufficient data'],
    expected: NOTHING,
  },
];

const companyFit = modelOf({
  fit: `${CTO},
    { id: size, title: Above 100 employees, property: company.numberofemployees, atLeast: 101, points: 25 },
    { id: saas, title: Makes software, property: company.industry, is: [COMPUTER_SOFTWARE, INTERNET], points: 20 }`,
});
const byDomain = (points = 10) =>
  modelOf({
    fit: `{ id: domain, title: Of these domains, property: email, domain: [freemail, Acme.example, bücher.example], points: ${points} }`,
  });

function ofDomain(name: string, email: string, points: 0 | 10, because: string): HandRule {
  return {
    ...CREATED,
    name,
    because,
    model: byDomain(),
    properties: { email },
    worked:
      points === 0 ? [`${email}: none of these, and an address alone says nothing of fit`] : [`${email}: 10`],
    expected: points === 0 ? NOTHING : scored(points, 0, 'C'),
  };
}

const FIT_ROWS: readonly HandRule[] = [
  {
    ...CREATED,
    name: 'company-fit',
    because: 'rules may look at the primary company',
    model: companyFit,
    properties: { jobtitle: 'CTO' },
    company: { numberofemployees: '101', industry: 'INTERNET' },
    worked: ['CTO 20, 101 employees 25, INTERNET 20', '20 + 25 + 20 = 65'],
    expected: scored(65, 0, 'A'),
  },
  {
    ...CREATED,
    name: 'company-too-small',
    because: 'a known company that fits no rule is 0, not unknown',
    model: companyFit,
    company: { numberofemployees: '100', industry: 'RETAIL' },
    worked: ['100 employees are not above 100; RETAIL is none of the two: 0'],
    expected: scored(0, 0, 'C'),
  },
  {
    ...CREATED,
    name: 'company-unknown',
    because: 'without a company nothing is known of it',
    model: companyFit,
    company: { name: 'Acme' },
    worked: ['neither headcount nor industry nor job title is known: insufficient data'],
    expected: NOTHING,
  },
  ofDomain('domain-freemail', 'a@gmail.com', 10, 'freemail is the list of public providers'),
  ofDomain('domain-below', 'a@demo-nobody.gmx.de', 10, 'what stands below a domain is of it'),
  ofDomain('domain-case', 'a@Mail.ACME.Example', 10, 'letter case does not matter'),
  ofDomain(
    'domain-international',
    'a@bücher.example',
    10,
    'an international name is matched as it is written',
  ),
  ofDomain('domain-punycode', 'a@xn--bcher-kva.example', 10, 'and in the form that computers write'),
  ofDomain('domain-lookalike', 'a@notacme.example', 0, 'a name that only ends alike is another one'),
  ofDomain('domain-as-part', 'a@acme.example.org', 0, 'so is one that only begins alike'),
];

function visits(pages: readonly string[]): Happening[] {
  return pages.map((path, index) => pricing(daysAgo(5) + index * 1000, path));
}

function paths(
  name: string,
  pattern: string,
  pages: readonly string[],
  matching: number,
  because: string,
): HandRule {
  return {
    ...CREATED,
    name,
    because,
    model: modelOf({
      signals: `{ id: page, title: Page, from: { kind: text, property: hs_analytics_last_url, contains: ["${pattern}"] }, points: 5, halfLifeDays: never }, { id: any, title: Any page, from: { kind: signal, signal: any.page }, points: 1, halfLifeDays: never }`,
    }),
    happenings: [...visits(pages), signal('any.page', daysAgo(5), 'any')],
    worked: [
      `${matching} of ${pages.length} pages match ${pattern}: ${matching} × 5, and 1 for having been there`,
    ],
    expected: scored(0, matching * 5 + 1, matching > 3 ? 'B' : 'C'),
  };
}

function forms(name: string, pattern: string, form: string, matches: boolean, because: string): HandRule {
  return {
    ...CREATED,
    name,
    because,
    model: modelOf({
      signals: `{ id: form, title: Form, from: { kind: text, property: recent_conversion_event_name, contains: ["${pattern}"] }, points: 40, halfLifeDays: never }`,
    }),
    properties: { jobtitle: 'CTO' },
    happenings: [change('recent_conversion_event_name', form, daysAgo(1))],
    worked: [`"${pattern}" in "${form}": ${matches ? 40 : 0}`],
    expected: matches ? scored(20, 40, 'A') : scored(20, 0, 'B'),
  };
}

const PATTERN_ROWS: readonly HandRule[] = [
  paths(
    'path-segments',
    '/pricing',
    ['/pricing', '/en/pricing', '/Pricing/enterprise', '/pricing?plan=team', '/pricing/#faq'],
    5,
    'a pattern that begins with / means whole parts of the path, wherever they stand',
  ),
  paths(
    'path-lookalikes',
    '/pricing',
    ['/pricing-guide', '/blog/pricing-tips', '/about?ref=/pricing', '/'],
    0,
    'parts of a name, and what stands behind the question mark, are no part of the path',
  ),
  paths(
    'path-noise',
    '/pricing',
    ['//pricing/', '/pricing?utm_source=mail&gclid=1', '/%70ricing'],
    3,
    'double slashes, campaign parameters and percent signs change nothing',
  ),
  paths(
    'path-star',
    '/blog/*',
    ['/blog/why-now', '/en/blog/a/b', '/blog', '/blogs/a'],
    2,
    'a star stands for anything that follows',
  ),
  forms('word', 'demo', 'Request a Demo: Website', true, 'a word is found wherever it stands'),
  forms('word-inside', 'demo', 'Democracy index', false, 'but not inside another word'),
  forms('word-star', 'webinar*', 'Webinars 2026', true, 'a star lets a word go on'),
];

const gridded = (rest = '') =>
  modelOf({
    fit: `${CTO}, { id: de, title: In Germany, property: country, is: [Germany], points: 8 }, { id: nl, title: In the Netherlands, property: country, is: [Netherlands], points: 7 }, { id: phone, title: Phone, property: phone, known: true, points: 10 }, { id: student, title: Student, property: jobtitle, contains: [student], points: -20 }`,
    signals: `${PRICING}, ${CLICK}`,
    grades:
      '{ deadBand: 3, grid: { fit: [{ grade: A, from: 30 }, { grade: B, from: 10 }, { grade: C, from: 0 }], engagement: [{ grade: "1", from: 32 }, { grade: "2", from: 10 }, { grade: "3", from: 0 }] } }',
    rest,
  });

const GRADE_ROWS: readonly HandRule[] = [
  {
    ...CREATED,
    name: 'grid-a1',
    because: 'the letter is fit, the figure engagement',
    model: gridded(),
    properties: { jobtitle: 'CTO', phone: '1' },
    happenings: [pricing(daysAgo(2)), pricing(daysAgo(1))],
    worked: ['fit 20 + 10 = 30: A', 'engagement 16 + 16 = 32: 1'],
    expected: scored(30, 32, 'A1'),
  },
  {
    ...CREATED,
    name: 'grid-b2',
    because: 'both parts come from what is shown, not from the score',
    model: gridded(),
    properties: { jobtitle: 'CTO' },
    happenings: [pricing(daysAgo(1))],
    worked: ['fit 20: B', 'engagement 16: 2'],
    expected: scored(20, 16, 'B2'),
  },
  {
    ...CREATED,
    name: 'grid-c3',
    because: 'below the lowest band is the lowest band',
    model: gridded(),
    properties: { jobtitle: 'Student' },
    worked: ['fit −20: below C, so C', 'engagement 0: 3', 'score −20, range from 0: 0'],
    expected: { ...scored(-20, 0, 'C3'), score: 0 },
  },
  {
    ...CREATED,
    name: 'grid-held',
    because: 'each part has a dead band of its own: fit may be held while engagement moves',
    model: gridded(),
    properties: { jobtitle: 'CTO', country: 'Germany' },
    happenings: [pricing(daysAgo(1)), click(daysAgo(1))],
    worked: [
      'fit 28: B, but an A falls below 30 − 3 = 27 only',
      'engagement 24: 2; a 1 falls below 29: not held',
    ],
    expected: { ...scored(28, 24, 'B2'), held: ['A2'] },
  },
  {
    ...CREATED,
    name: 'grid-held-to-the-end',
    because: 'a dead band of 3 holds at 3 points below',
    model: gridded(),
    properties: { jobtitle: 'CTO', country: 'Netherlands' },
    happenings: [pricing(daysAgo(1))],
    worked: ['fit 20 + 7 = 27: B, and an A falls below 30 − 3 = 27 only: held', 'engagement 16: 2'],
    expected: { ...scored(27, 16, 'B2'), held: ['A2'] },
  },
  {
    ...CREATED,
    name: 'grade-only',
    because: 'the numbers are cleared, the grade is shown',
    model: modelOf({ rest: 'display: { gradeOnly: true }' }),
    properties: { jobtitle: 'CTO' },
    happenings: [pricing(daysAgo(1))],
    worked: ['20 + 16 = 36: B; no number is shown'],
    expected: { status: 'scored', ...EXCLUDED, grade: 'B' },
  },
  {
    ...CREATED,
    name: 'steps',
    because: 'numbers are shown in whole steps, halves upwards, and the grade goes by what is shown',
    model: modelOf({
      signals:
        '{ id: demo, title: Demo, from: { kind: signal, signal: demo }, points: 55, halfLifeDays: 10 }',
      rest: 'display: { step: 5 }',
    }),
    properties: { jobtitle: 'CTO' },
    happenings: [signal('demo', daysAgo(10), 'a')],
    worked: ['demo 55 × 1/2 = 27.5, shown 30', '20 + 27.5 = 47.5, shown 50: A'],
    expected: { status: 'scored', score: 50, fit: 20, engagement: 30, grade: 'A' },
  },
  {
    ...CREATED,
    name: 'steps-and-grade-only',
    because: 'a grade without numbers goes by the steps as well',
    model: modelOf({
      signals:
        '{ id: demo, title: Demo, from: { kind: signal, signal: demo }, points: 54, halfLifeDays: 10 }',
      rest: 'display: { step: 5, gradeOnly: true }',
    }),
    properties: { jobtitle: 'CTO' },
    happenings: [signal('demo', daysAgo(10), 'a')],
    worked: ['demo 54 × 1/2 = 27; 20 + 27 = 47, in steps of 5: 45, which is B'],
    expected: { status: 'scored', ...EXCLUDED, grade: 'B' },
  },
];

/** One rule at a time, each with its name. */
export const HAND_RULES: readonly HandRule[] = [
  ...EXCLUSION_ROWS,
  ...RESET_ROWS,
  ...BOT_ROWS,
  ...FIT_ROWS,
  ...PATTERN_ROWS,
  ...GRADE_ROWS,
];

export interface HandCompany {
  readonly name: string;
  readonly rollUp: 'maximum' | 'mean-of-top-three';
  /** What its contacts show, in any order; those without a score are left out. */
  readonly scores: readonly number[];
  readonly worked: string;
  /** Undefined when there is no score. */
  readonly expected: number | undefined;
}

/** What the scores of contacts make of their company. */
export const HAND_COMPANIES: readonly HandCompany[] = [
  { name: 'company-best', rollUp: 'maximum', scores: [12, 71, 40], worked: 'the highest: 71', expected: 71 },
  {
    name: 'company-top-three',
    rollUp: 'mean-of-top-three',
    scores: [10, 70, 40, 41],
    worked: '(70 + 41 + 40) / 3 = 50.33, shown 50',
    expected: 50,
  },
  {
    name: 'company-of-two',
    rollUp: 'mean-of-top-three',
    scores: [70, 41],
    worked: '(70 + 41) / 2 = 55.5, halves go up: 56',
    expected: 56,
  },
  { name: 'company-cold', rollUp: 'maximum', scores: [0], worked: 'a 0 is a score', expected: 0 },
  {
    name: 'company-nobody',
    rollUp: 'maximum',
    scores: [],
    worked: 'nobody has a score',
    expected: undefined,
  },
];
