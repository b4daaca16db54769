import { globSync, readFileSync } from 'node:fs';
import { parseSync } from '@swc/core';
import { getPattern } from 'isbot';
import { BASE64_REGEX } from 'valibot';
import { readModelFile } from '../../cli/model-file.ts';
import { readMoney } from '../../lambdas/attribution/money.ts';
import { textMatcher } from '../../lambdas/scoring/patterns.ts';
import { branches, type Expression, readExpression, slowTextsOf, stepsOf } from './backtracking.ts';

interface Found {
  readonly where: string;
  readonly expression: RegExp;
}

/** Every regular expression that stands in a file, and every one that is made of text there. */
function expressionsIn(file: string): Found[] {
  const found: Found[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (Array.isArray(node)) return node.forEach(walk);
    const {
      type,
      pattern,
      flags,
      value,
    }: { type?: unknown; pattern?: unknown; flags?: unknown; value?: unknown } = node;
    if (type === 'RegExpLiteral' && typeof pattern === 'string')
      found.push({ where: `${file}: /${pattern}/`, expression: new RegExp(pattern, String(flags)) });
    if (type === 'Identifier' && value === 'RegExp') throw new Error(`${file} makes an expression of text`);
    for (const child of Object.values(node)) walk(child);
  };
  walk(parseSync(readFileSync(file, 'utf8'), { syntax: 'typescript', target: 'es2023' }));
  return found;
}

const OURS = globSync('lambdas/**/*.ts').flatMap(expressionsIn);
/** Of libraries, those that read what anybody sends. */
const OTHERS = [
  { where: 'isbot, of a user agent', expression: getPattern() },
  { where: 'valibot, of base64', expression: BASE64_REGEX },
];

const SHORT = 64;
const LONG = 128;
/** What twice the text may cost: twice as much and a little. What grows with its square costs four times as much. */
const GROWTH = 3;
/** More than any linear search of so short a text. */
const MOST_STEPS = 200_000;

/** Those that cost more than their text is long, and the longest text they are given. */
const BOUNDED = [
  {
    pattern: '0+$',
    longest: 180,
    because: 'an amount has at most 40 digits either side of its point, moved by at most 99',
  },
  { pattern: String.raw`\B(?=(?:\d{3})+$)`, longest: 180, because: 'it is such an amount, or a sum of them' },
];
const isBounded = ({ expression }: Found) => BOUNDED.some(({ pattern }) => pattern === expression.source);

/** A text that costs an expression more than its length, if one is found. */
function slowText(expression: Expression): string | undefined {
  const { prefixes, pumps, ends } = slowTextsOf(expression);
  for (const prefix of prefixes)
    for (const pump of pumps)
      for (const end of ends) {
        const cost = (times: number) =>
          stepsOf(expression, prefix + pump.repeat(Math.ceil(times / pump.length)) + end, MOST_STEPS);
        const long = cost(LONG);
        if (long >= MOST_STEPS || (long > 8 * LONG && long > GROWTH * cost(SHORT)))
          return JSON.stringify([prefix, pump, end, cost(SHORT), long]);
      }
  return undefined;
}

test('there are expressions to look at, and none is made of text', () => {
  expect(OURS.length).toBeGreaterThan(50);
});

test.each([...OURS, ...OTHERS].filter((found) => !isBounded(found)))(
  'a text twice as long takes twice as long: $where',
  ({ expression }) => {
    const slow = branches(readExpression(expression)).map((branch) => slowText(branch));

    expect(slow.filter((text) => text !== undefined)).toEqual([]);
  },
);

test.each(BOUNDED)('/$pattern/ is given short texts: $because', ({ pattern, longest }) => {
  const found = OURS.find(({ expression }) => expression.source === pattern);
  if (found === undefined) throw new Error('it is not there any more');
  const expression = readExpression(found.expression);

  expect(stepsOf(expression, `${'0'.repeat(longest)}x`, MOST_STEPS)).toBeLessThan(50_000);
  expect(readMoney('9'.repeat(41), 'EUR')).toBeUndefined();
  expect(readMoney(`1.${'9'.repeat(41)}`, 'EUR')).toBeUndefined();
  expect(readMoney('1e100', 'EUR')).toBeUndefined();
});

test.each(['(a+)+b', '^(a|a)*$', String.raw`\s+$`, '^(?:a?){20}a{20}$', '(x+x+)+y', 'a.*b.*c.*d'])(
  'the counting would find /%s/ slow',
  (source) => {
    expect(slowText(readExpression(new RegExp(source)))).toBeDefined();
  },
);

test('a text made of pieces of the patterns of a model costs little more than any other', () => {
  const patterns = readModelFile('models/b2b-saas.yaml').engagement.signals.flatMap(({ from }) =>
    'contains' in from ? (from.contains ?? []) : [],
  );
  expect(patterns.length).toBeGreaterThan(2);
  const matches = textMatcher([...patterns, `${'a*'.repeat(90)}b`, `${'/a'.repeat(90)}/*b`]);
  const pieces = [
    ...patterns.map((pattern) => pattern.slice(0, -1)),
    'a',
    '/',
    '//',
    '/a',
    '%',
    '%25',
    '?',
    '&utm_=',
    ' ',
  ];
  const hostile = pieces.flatMap((piece) => [
    filled(piece),
    filled(`https://x.example/${piece}`),
    `https://x.example/${filled(piece)}`,
  ]);
  const harmless = hostile.map((_, at) => filled(`https://www.example.com/blog/${at}/some-words `));

  const cost = (texts: readonly string[]) => {
    const before = process.cpuUsage();
    for (let round = 0; round < 20; round++)
      for (const [at, text] of texts.entries()) matches(`${text}${round} ${at}`.slice(-LONGEST_VALUE)); // Each another: answers are remembered.
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  cost(harmless.map((text) => `${text}.`)); // So that both are compiled.

  expect(cost(hostile) / cost(harmless)).toBeLessThan(50);
});

/** Longest value that is kept, and so looked at, in characters. */
const LONGEST_VALUE = 1024;

function filled(piece: string): string {
  return piece.repeat(Math.ceil(LONGEST_VALUE / piece.length)).slice(0, LONGEST_VALUE - 5);
}
