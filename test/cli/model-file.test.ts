import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { InvalidModelError, readModelFile } from '../../cli/model-file.ts';

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

test.each([
  ['horizonDays: 365', 'horizonDay: 365', 'horizonDay: unknown key; did you mean "horizonDays"?'],
  ['      known: true', '      knwon: true', 'fit.rules.3.knwon: unknown key; did you mean "known"?'],
  [
    'kind: text, property: hs_analytics_last_url',
    'kind: txt, property: hs_analytics_last_url',
    'engagement.signals.0.from.kind: Invalid type: Expected ("timestamp" | "counter" | "transition" | "text" | "signal") but received "txt"',
  ],
  [
    '      halfLifeDays: 7',
    '      halfLifeDays: soon',
    'engagement.signals.0.halfLifeDays: expected a number of days, or never',
  ],
  [
    '      group: email',
    '      group: mail',
    'engagement.signals.4.group: group "mail" is not among engagement.groups (web, email)',
  ],
  [
    '{ grade: B, from: 45 }',
    '{ grade: B, from: 75 }',
    'grades.bands.1.from: expected bands from the highest to the lowest score',
  ],
  ['deadBand: 2', 'deadBand: two', 'grades.deadBand: Invalid type: Expected number but received "two"'],
  [
    '      points: -25',
    '      points: -2500',
    'fit.rules.5.points: Invalid value: Expected >=-1000 but received -2500',
  ],
  [
    'id: head-of-team',
    'id: decision-maker',
    'fit.rules.1.id: id "decision-maker" is taken by fit.rules.0.id; every rule needs its own',
  ],
  ['{ step: 1 }', '{ step: 0.5 }', 'display.step: Invalid integer: Received 0.5'],
])('a mistake is told with file and line: %s as %s', (find, replacement, complaint) => {
  expect(complaintsAfter(find, replacement)).toEqual([`mine.yaml:${lineOf(find)}: ${complaint}`]);
});

test('what is missing is told at the line of what misses it', () => {
  const decisionMaker = '    - id: decision-maker\n      title: Decision maker by job title\n';

  expect(complaintsAfter(decisionMaker, '    - id: decision-maker\n')).toEqual([
    `mine.yaml:${lineOf('id: decision-maker')}: fit.rules.0.title: missing`,
  ]);
});

test('every mistake is told at once, one a line', () => {
  const twoMistakes = SHIPPED.replace('deadBand: 2', 'deadBand: -2').replace('cap: 80', 'cap: much');

  expect(complaintsAbout(twoMistakes)).toEqual([
    expect.stringContaining('engagement.cap: '),
    expect.stringContaining('grades.deadBand: '),
  ]);
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
  expect(complaintsAbout('')).toEqual([
    'mine.yaml: the file: Invalid type: Expected Object but received null',
  ]);
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
