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
    'horizonDay: found an unknown key, expected one of name, horizonDays, range, fit, engagement, exclusions, resetOn, companyScore, grades, display; did you mean "horizonDays"?',
  ],
  [
    'a misspelt kind',
    'kind: counter, property: hs_analytics_num_page_views',
    'kind: count, property: hs_analytics_num_page_views',
    'engagement.signals.2.from.kind: found "count", expected timestamp, counter, transition, text or signal; did you mean "counter"?',
  ],
  [
    'a misspelt group',
    '      group: email',
    '      group: emial',
    'engagement.signals.8.group: found "emial", expected one of engagement.groups (web, email); did you mean "email"?',
  ],
  [
    'a misspelt route',
    '      route: app-webhook',
    '      route: webhook',
    'engagement.signals.0.route: found "webhook", expected app-webhook, workflow or signals; did you mean "app-webhook"?',
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
    'engagement.signals.10.from: found a form submission, which demo-request scores already, expected one of the two, or both in one group, whose cap they share',
  ],
  [
    'a condition that is none',
    '      known: true\n      points: 4',
    '      points: 4',
    'fit.rules.6: found no condition, expected one of is, contains, atLeast, below, known, domain',
  ],
  ['a part of a step', '{ step: 1 }', '{ step: 0.5 }', 'display.step: found 0.5, expected a whole number'],
])(
  '%s is told with file, line, path, what was found and what was expected',
  (_what, find, replacement, complaint) => {
    expect(complaintsAfter(find, replacement)).toEqual([`mine.yaml:${lineTold(find)}: ${complaint}`]);
  },
);

/** The line on which an edit is told: its first, or of a rule that lacks something the one on which it begins. */
function lineTold(find: string): number {
  return find.startsWith('      known: true') ? lineOf('id: business-phone') : lineOf(find);
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

test('every mistake is told at once, one a line', () => {
  const twoMistakes = SHIPPED.replace('deadBand: 2', 'deadBand: -2').replace('cap: 80', 'cap: much');

  expect(complaintsAbout(twoMistakes)).toEqual([
    `mine.yaml:${lineOf('cap: 80')}: engagement.cap: found "much", expected a number`,
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
