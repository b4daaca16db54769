import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  formatComplaint,
  InvalidModelError,
  readModelAndWarnings,
  readModelFile,
} from '../../cli/model-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'afterglow-model-'));
const file = join(directory, 'mine.yaml');
const SHIPPED = readFileSync('models/b2b-saas.yaml', 'utf8');

afterAll(() => rmSync(directory, { recursive: true }));

/** The complaints about the shipped model after an edit, without the name of the folder. */
function complaintsAfter(find: string, replacement: string): string[] {
  if (!SHIPPED.includes(find)) throw new Error(`not in the model: ${find}`);
  return complaintsAbout(SHIPPED.replace(find, replacement));
}

function complaintsAbout(text: string): string[] {
  writeFileSync(file, text);
  try {
    readModelFile(file);
  } catch (error) {
    if (error instanceof InvalidModelError) return error.message.replaceAll(`${directory}/`, '').split('\n');
    throw error;
  }
  return [];
}

/** The line, from 1, on which a text first stands in the shipped model. */
function lineOf(text: string): number {
  return SHIPPED.slice(0, SHIPPED.indexOf(text)).split('\n').length;
}

test('reads the model that ships', () => {
  expect(readModelFile('models/b2b-saas.yaml')).toMatchObject({
    name: 'b2b-saas',
    id: expect.stringMatching(/^b2b-saas@/),
  });
});

test('the same rules have the same id, however the file is laid out', () => {
  const backwards = Object.fromEntries(Object.entries(parse(SHIPPED)).toReversed());
  writeFileSync(file, `# Ours, in one line.\n${JSON.stringify(backwards)}`);

  expect(readModelFile(file).id).toBe(readModelFile('models/b2b-saas.yaml').id);
});

test.each<[what: string, find: string, replacement: string, complaint: string]>([
  [
    'a misspelt key',
    'horizonDays: 365',
    'horizonDay: 365',
    'horizonDay: found an unknown key, expected one of name, horizonDays, range, fit, engagement, exclusions, resetOn, companyScore, attribution, grades, display; did you mean "horizonDays"?',
  ],
  [
    'a misspelt kind',
    'kind: counter, property: hs_analytics_num_page_views',
    'kind: count, property: hs_analytics_num_page_views',
    'engagement.signals.2.from.kind: found "count", expected timestamp, counter, transition, text, signal or touch; did you mean "counter"?',
  ],
  [
    'a misspelt group',
    '      group: email',
    '      group: emial',
    'engagement.signals.9.group: found "emial", expected one of engagement.groups (web, email); did you mean "email"?',
  ],
  [
    'a misspelt route',
    '      route: app-webhook',
    '      route: webhook',
    'engagement.signals.0.route: found "webhook", expected app-webhook, workflow, signals or snippet; did you mean "app-webhook"?',
  ],
  [
    'a misspelt roll-up',
    'rollUp: maximum',
    'rollUp: maximun',
    'companyScore.rollUp: found "maximun", expected maximum or mean-of-top-three; did you mean "maximum"?',
  ],
  [
    'a half-life in words',
    '      halfLifeDays: 7',
    '      halfLifeDays: a week',
    'engagement.signals.0.halfLifeDays: found "a week", expected a number of days, or never',
  ],
  [
    'points out of all proportion',
    '      points: -25',
    '      points: -2500',
    'fit.rules.9.points: found -2500, expected -1000 or more',
  ],
  [
    'an id that is taken',
    'id: head-of-team',
    'id: decision-maker',
    'fit.rules.1.id: found "decision-maker", which fit.rules.0.id is already, expected an id of its own',
  ],
  [
    'grades out of order',
    '{ grade: B, from: 45 }',
    '{ grade: B, from: 75 }',
    'grades.bands.1.from: found 75, expected less than 70 of the band before: bands go from the highest to the lowest',
  ],
  [
    'an address for a domain',
    'domain: [afterglow.example]',
    'domain: ["@afterglow.example"]',
    'exclusions.1.domain.0: found "@afterglow.example", expected a domain such as acme.example or freemail; did you mean "afterglow.example"?',
  ],
  [
    'a public suffix for a domain',
    'domain: [competitor.example, rival.example]',
    'domain: [competitor.example, co.uk]',
    'exclusions.2.domain.1: found "co.uk", under which anybody may have a domain, expected a domain such as acme.example or freemail',
  ],
  [
    'one act that is paid twice',
    'property: hs_sales_email_last_replied',
    'property: recent_conversion_date',
    'engagement.signals.11.from: found a form submission, which demo-request scores already, expected one of the two, or both in one group, whose cap they share',
  ],
  [
    'a condition that is none',
    '      known: true\n      points: 4',
    '      points: 4',
    'fit.rules.6: found no condition, expected one of is, contains, atLeast, below, known, domain',
  ],
  ['a part of a step', '{ step: 1 }', '{ step: 0.5 }', 'display.step: found 0.5, expected a whole number'],
  [
    "a stage of HubSpot's for the state of a deal",
    'deal: won',
    'deal: closedwon',
    'exclusions.4.deal: found "closedwon", expected open, won or lost; did you mean "won"?',
  ],
  [
    'one value where a list stands',
    'is: [COMPUTER_SOFTWARE, INTERNET]',
    'is: COMPUTER_SOFTWARE',
    'fit.rules.4.is: found "COMPUTER_SOFTWARE", expected a list; did you mean [COMPUTER_SOFTWARE]?',
  ],
  [
    'a number in quotes',
    'points: 35',
    'points: "35"',
    'engagement.signals.4.points: found "35", expected a number; did you mean 35?',
  ],
  [
    'a half-life in quotes',
    'halfLifeDays: 7',
    'halfLifeDays: "7"',
    'engagement.signals.0.halfLifeDays: found "7", expected a number of days, or never; did you mean 7?',
  ],
  [
    'a property of the company in a signal',
    'property: hs_email_last_click_date',
    'property: company.hs_email_last_click_date',
    'engagement.signals.9.from.property: found "company.hs_email_last_click_date", expected a property of the contact: only fit rules and exclusions read its company, of whose changes no fact is kept',
  ],
  ...['__proto__', 'constructor', 'prototype'].map((name): [string, string, string, string] => [
    `a group named ${name}`,
    'email: { cap: 20 }',
    `email: { cap: 20 }\n    ${name}: { cap: 1 }`,
    `engagement.groups.${name}: found "${name}", expected another name: JavaScript keeps this one for itself`,
  ]),
])(
  '%s is told with file, line, path, what was found and what was expected',
  (_what, find, replacement, complaint) => {
    expect(complaintsAfter(find, replacement)).toEqual([`mine.yaml:${lineTold(find)}: ${complaint}`]);
  },
);

/** The line on which an edit is told: its first, or of a rule that lacks something the one on which it begins. */
function lineTold(find: string): number {
  if (find.startsWith('      known: true')) return lineOf('id: business-phone');
  return lineOf(find) + (find === 'email: { cap: 20 }' ? 1 : 0);
}

test('what is missing is told at the line of what misses it', () => {
  const decisionMaker = '    - id: decision-maker\n      title: Decision maker by job title\n';

  expect(complaintsAfter(decisionMaker, '    - id: decision-maker\n')).toEqual([
    `mine.yaml:${lineOf('id: decision-maker')}: fit.rules.0.title: found nothing, expected text`,
  ]);
});

test('a part that is told begins on the line of its key', () => {
  const text = SHIPPED.replace(/^grades:\n(?:.*\n)*?\n/m, 'grades:\n  # Nothing yet.\n  deadBand: 2\n\n');

  expect(complaintsAbout(text)).toEqual([
    `mine.yaml:${lineOf('grades:\n')}: grades: found neither bands nor grid, expected one of them`,
  ]);
});

test('a mistake in a part that is repeated is told where it stands', () => {
  const text = SHIPPED.replace('halfLifeDays: 7', 'halfLifeDays: &short soon').replace(
    'halfLifeDays: 14',
    'halfLifeDays: *short',
  );

  expect(complaintsAbout(text)).toEqual([
    `mine.yaml:${lineOf('halfLifeDays: 7')}: engagement.signals.0.halfLifeDays: found "soon", expected a number of days, or never`,
    `mine.yaml:${lineOf('halfLifeDays: 14')}: engagement.signals.1.halfLifeDays: found "soon", expected a number of days, or never`,
  ]);
});

test('a mistake inside a part that is repeated is told at the part', () => {
  const text = SHIPPED.replace('web: { cap: 40 }', 'web: &cap { cap: much }').replace(
    'email: { cap: 20 }',
    'email: *cap',
  );

  expect(complaintsAbout(text)).toEqual([
    `mine.yaml:${lineOf('web: { cap: 40 }')}: engagement.groups.web.cap: found "much", expected a number`,
    `mine.yaml:${lineOf('web: { cap: 40 }')}: engagement.groups.email.cap: found "much", expected a number`,
  ]);
});

test('mistakes are told in the order of their lines', () => {
  const mistakes = SHIPPED.replace('deadBand: 2', 'deadBand: -2')
    .replace('horizonDays: 365', 'horizonDays: soon')
    .replace('onlyGroup: email', 'onlyGroup: "E-mail"');

  expect(complaintsAbout(mistakes).map((one) => Number(one.split(':')[1]))).toEqual([
    lineOf('horizonDays: 365'),
    lineOf('onlyGroup: email'),
    lineOf('deadBand: 2'),
  ]);
});

test('and so is what is doubtful', () => {
  writeFileSync(
    file,
    SHIPPED.replace('property: phone', 'property: citi').replace('[RECYCLED]', '[RECICLED]'),
  );

  expect(readModelAndWarnings(file).warnings.map(({ line }) => line)).toEqual([
    lineOf('[RECYCLED]'),
    lineOf('property: phone'),
  ]);
});

test('every mistake is told at once, one a line', () => {
  const twoMistakes = SHIPPED.replace('deadBand: 2', 'deadBand: -2').replace('cap: 60', 'cap: much');

  expect(complaintsAbout(twoMistakes)).toEqual([
    `mine.yaml:${lineOf('cap: 60')}: engagement.cap: found "much", expected a number`,
    `mine.yaml:${lineOf('deadBand: 2')}: grades.deadBand: found -2, expected 0 or more`,
  ]);
});

/** What is said of an entry of a `domain` condition. */
function complaintAbout(entry: string): string[] {
  return complaintsAfter('domain: [afterglow.example]', `domain: [${JSON.stringify(entry)}]`).map((line) =>
    line.replace(/^.*exclusions\.1\.domain\.0: /, ''),
  );
}

describe('a domain in a rule', () => {
  test.each([
    ['acme.example', 'a domain'],
    ['mail.acme.example', 'one below it'],
    ['Acme.Example', 'in any letter case'],
    ['münchen.example', 'an international name'],
    ['xn--mnchen-3ya.example', 'the same as machines write it'],
    ['acme.co.uk', 'below a public suffix'],
    ['acme.github.io', 'below the suffix of a provider'],
    ['freemail', 'the word for public providers'],
  ])('%s may be: %s', (entry) => {
    expect(complaintAbout(entry)).toEqual([]);
  });

  const EXPECTED = 'expected a domain such as acme.example or freemail';

  test.each([
    ['acme', `found "acme", ${EXPECTED}`, 'a word'],
    ['com', `found "com", ${EXPECTED}`, 'half of the world'],
    ['github.io', `found "github.io", under which anybody may have a domain, ${EXPECTED}`, 'many of it'],
    [
      'jane@acme.example',
      `found "jane@acme.example", ${EXPECTED}; did you mean "acme.example"?`,
      'an address',
    ],
    [
      'https://www.acme.example/about',
      `found "https://www.acme.example/about", ${EXPECTED}; did you mean "acme.example"?`,
      'a URL',
    ],
    ['*.acme.example', `found "*.acme.example", ${EXPECTED}; did you mean "acme.example"?`, 'a pattern'],
    ['192.0.2.1', `found "192.0.2.1", ${EXPECTED}`, 'a number of the network'],
    ['acme..example', `found "acme..example", ${EXPECTED}`, 'a slip of the finger'],
    [
      '.acme.example',
      `found ".acme.example", ${EXPECTED}; did you mean "acme.example"?`,
      'what is below one',
    ],
    ['freemial', `found "freemial", ${EXPECTED}; did you mean "freemail"?`, 'the word misspelt'],
  ])('%s is refused', (entry, complaint) => {
    expect(complaintAbout(entry)).toEqual([complaint]);
  });
});

describe('freemail', () => {
  test('stands for public providers, each a domain that somebody registered', () => {
    const { freemail } = readModelFile('models/b2b-saas.yaml');

    expect(freemail).toEqual(expect.arrayContaining(['gmail.com', 'outlook.com', 'web.de', 'gmx.net']));
    // On the list of providers, and public suffixes: everybody below them would write from a private address.
    for (const suffix of ['com.ar', 'org.ua', 'za.com']) expect(freemail).not.toContain(suffix);
    expect(freemail).toContain('xn--mll-hoa.email'); // müll.email
    expect(freemail).toEqual([...new Set(freemail)].toSorted());
  });

  test('costs nothing where no rule names it', () => {
    expect(complaintsAfter('domain: [freemail]', 'domain: [private.example]')).toEqual([]);
    expect(readModelFile(file).freemail).toEqual([]);
  });
});

function warningsAfter(find: string, replacement: string): string[] {
  expect(complaintsAfter(find, replacement)).toEqual([]);
  return readModelAndWarnings(file).warnings.map((one) => formatComplaint('mine.yaml', one));
}

describe('a warning', () => {
  test.each([
    ['jobtitel', 'jobtitle', 'two letters changed places'],
    ['numberofemployees', 'company.numberofemployees', 'a property of companies'],
    ['citi', 'city', 'one letter of a short name'],
  ])('is given for the property %s', (name, meant) => {
    expect(warningsAfter('property: phone', `property: ${name}`)).toEqual([
      `mine.yaml:${lineOf('property: phone')}: fit.rules.6.property: found "${name}", which is right if it is a property of your own; did you mean "${meant}"?`,
    ]);
  });

  test.each([['phone'], ['product_plan'], ['zone'], ['company.our_tier']])(
    'is not given for the property %s',
    (name) => {
      expect(warningsAfter('property: phone', `property: ${name}`)).toEqual([]);
    },
  );

  test('is given for a group that no signal is in', () => {
    expect(warningsAfter('    web: { cap: 40 }', '    web: { cap: 40 }\n    events: { cap: 10 }')).toEqual([
      `mine.yaml:${lineOf('    email: { cap: 20 }')}: engagement.groups.events: found a group of no signal, expected a signal with this group`,
    ]);
  });

  test.each<[what: string, find: string, replacement: string, path: string, reason: string]>([
    [
      'a domain that cannot exist',
      'domain: [afterglow.example]',
      'domain: [acme.example]',
      'exclusions.1.domain.0',
      'found "acme.example", which cannot exist, expected a domain that people have',
    ],
    [
      'a public provider among those who are excluded',
      'domain: [afterglow.example]',
      'domain: [GMail.com]',
      'exclusions.1.domain.0',
      'found "GMail.com", a public e-mail provider, expected a domain of one company: everybody with an address there is excluded',
    ],
    [
      'a grade above the range',
      '{ grade: A, from: 70 }',
      '{ grade: A, from: 101 }',
      'grades.bands.0.from',
      'found 101, which no score reaches, expected 100 or less',
    ],
    [
      'a timestamp of a count',
      'property: hs_sales_email_last_replied',
      'property: hs_email_replied',
      'engagement.signals.11.from.kind',
      'found timestamp of hs_email_replied, which holds a number, expected a property that holds a time',
    ],
    [
      'a counter of a time',
      'property: hs_analytics_num_page_views',
      'property: notes_last_contacted',
      'engagement.signals.2.from.kind',
      'found counter of notes_last_contacted, which holds a time, expected a property that holds a number',
    ],
    [
      'a bound of a property with options',
      'property: company.numberofemployees',
      'property: numemployees',
      'fit.rules.3.atLeast',
      'found atLeast of numemployees, which holds one of some options, expected is',
    ],
    [
      'a status that is no option',
      'to: [UNQUALIFIED, BAD_TIMING]',
      'to: [UNQUALIFED, BAD_TIMING]',
      'engagement.signals.13.from.to.0',
      'found "UNQUALIFED", which is right if you added it to the options of hs_lead_status, expected NEW, OPEN, IN_PROGRESS, OPEN_DEAL, UNQUALIFIED, ATTEMPTED_TO_CONTACT, CONNECTED or BAD_TIMING; did you mean "UNQUALIFIED"?',
    ],
    [
      'the label of an option for its value',
      'is: [UNKNOWN_USER]',
      'is: [Unknown user]',
      'exclusions.3.is.0',
      'found "Unknown user", which is right if you added it to the options of hs_email_hard_bounce_reason_enum, expected OTHER, UNKNOWN_USER, SPAM, CONTENT, POLICY or MAILBOX_FULL; did you mean "UNKNOWN_USER"?',
    ],
    [
      'an industry that is none',
      'is: [COMPUTER_SOFTWARE, INTERNET]',
      'is: [Software]',
      'fit.rules.4.is.0',
      'found "Software", which is right if you added it to the options of industry, expected one of its options',
    ],
    [
      'yes for true, which YAML reads as a word',
      'property: hs_email_optout\n    is: [true]',
      'property: hs_email_optout\n    is: [yes]',
      'exclusions.5.is.0',
      'found "yes", expected true or false, as hs_email_optout is one of them',
    ],
    [
      'a cap below the points of the signal',
      'points: 20\n      halfLifeDays: 7\n      minimumGapSeconds: 300\n      cap: 30',
      'points: 20\n      halfLifeDays: 7\n      minimumGapSeconds: 300\n      cap: 15',
      'engagement.signals.0.cap',
      'found 15, less than the 20 points of the first time, expected as many or more',
    ],
    [
      'a pattern that every page has',
      'contains: [/blog]',
      'contains: ["/*"]',
      'engagement.signals.1.from.contains.0',
      'found "/*", which matches everything, expected a word, or a part of a path',
    ],
    [
      'a word that every value has',
      '        - revenue\n',
      '        - "*"\n',
      'fit.rules.2.contains.0',
      'found "*", which matches everything, expected known: true',
    ],
  ])('is given for %s', (_what, find, replacement, path, reason) => {
    const told = warningsAfter(find, replacement);

    expect(told.map((one) => one.replace(/^mine\.yaml:\d+: /, ''))).toEqual([`${path}: ${reason}`]);
  });

  test.each([
    [
      'grid: { fit: [{ grade: A, from: 31 }, { grade: B, from: 0 }], engagement: [{ grade: "1", from: 0 }] }',
      [31],
    ],
    [
      'grid: { fit: [{ grade: A, from: 30 }, { grade: B, from: 0 }], engagement: [{ grade: "1", from: 26 }, { grade: "2", from: 0 }] }',
      [26],
    ],
    ['bands: [{ grade: A, from: 56 }, { grade: B, from: 55 }, { grade: C, from: 0 }]', [56]],
  ])('is given for grades that no rules together reach: %s', (grades, unreachable) => {
    // Fit gives 30 at most, whatever is taken away; engagement 5 + 20: the second signal shares a cap with the third.
    writeFileSync(
      file,
      `
name: small
fit:
  rules:
    - { id: a, title: A, property: city, known: true, points: 30 }
    - { id: b, title: B, property: state, known: true, points: -10 }
engagement:
  groups: { app: { cap: 20 } }
  signals:
    - { id: c, title: C, from: { kind: signal, signal: c }, points: 5, halfLifeDays: 7, cap: 5 }
    - { id: d, title: D, from: { kind: signal, signal: d }, points: 15, halfLifeDays: 7, group: app }
    - { id: e, title: E, from: { kind: signal, signal: e }, points: 15, halfLifeDays: 7, group: app }
grades: { ${grades} }
`,
    );

    const { warnings } = readModelAndWarnings(file);
    expect(warnings.map(({ reason }) => Number(/^found (\d+), which no/.exec(reason)?.[1]))).toEqual(
      unreachable,
    );
  });

  test('is given for what the models that ship name on purpose, once the model is your own', () => {
    const told = warningsAfter('name: b2b-saas', 'name: ours');

    expect(told.map((one) => /found "([^"]+)"/.exec(one)?.[1])).toEqual([
      'afterglow.example',
      'competitor.example',
      'rival.example',
      'RECYCLED',
    ]);
  });

  test('is not given for a public provider that takes points', () => {
    expect(warningsAfter('domain: [freemail]', 'domain: [gmail.com]')).toEqual([]);
  });

  test.each([['models/b2b-saas.yaml'], ['models/plg.yaml']])('is not given for %s', (shipped) => {
    expect(readModelAndWarnings(shipped).warnings).toEqual([]);
  });
});

test('a file that is no YAML is told with its line', () => {
  expect(complaintsAbout('name: mine\nfit: [')).toEqual([
    expect.stringMatching(/^mine\.yaml:2: not valid YAML: /),
  ]);
});

test('a key given twice is told: YAML would silently take the last', () => {
  expect(complaintsAfter('range:', 'horizonDays: 30\nrange:')).toEqual([
    expect.stringMatching(/^mine\.yaml:\d+: not valid YAML: Map keys must be unique$/),
  ]);
});

test('an empty file is no model', () => {
  expect(complaintsAbout('')).toEqual(['mine.yaml: the file: found nothing, expected keys and values']);
});

test('a file that blows up by repeating itself is refused', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x, x]',
    'b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]',
    'c: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]',
  ];

  expect(complaintsAbout(bomb.join('\n'))).toEqual([expect.stringContaining('mine.yaml: not valid YAML: ')]);
});

test('a file that is not there is named', () => {
  expect(() => readModelFile(join(directory, 'none.yaml'))).toThrow(
    /none\.yaml: cannot be read; give the path of a model/,
  );
});
