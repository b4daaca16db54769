import type * as v from 'valibot';
import { nearest } from './nearest.ts';
import { asNumber } from './values.ts';

/** What is wrong with a model, and where: `path` as keys and positions from the root. */
export interface ModelProblem {
  readonly path: readonly (string | number)[];
  /** What was found and what was expected, with the nearest correct name where there is one. */
  readonly reason: string;
}

/** Longest text of a model that a message repeats. */
const QUOTED_LENGTH = 40;

/** A value as a message names it: short, and what it is rather than all that it holds. */
export function named(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'keys and values';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return `a ${typeof value}`;
  if (value === '') return 'empty text';
  return JSON.stringify(value.length > QUOTED_LENGTH ? `${value.slice(0, QUOTED_LENGTH)}…` : value);
}

/** The end of a message about a name that is none of some: the one that was likely meant, or nothing. */
export function didYouMean(name: unknown, known: readonly string[]): string {
  if (typeof name !== 'string') return '';
  const meant = nearest(name, known);
  return meant === undefined ? '' : `; did you mean "${meant}"?`;
}

/** Names as a list in a sentence: `a, b or c`. */
export function either(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** What the schema complains of. Schemas with words of their own say `expected …`, or `found …, expected …`. */
export function describeIssue(issue: v.BaseIssue<unknown>): ModelProblem {
  const { message, input } = issue;
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  if (message.startsWith('found ')) return { path, reason: message };
  if (message.startsWith('expected '))
    return { path, reason: `found ${named(input)}, ${message}${meantValue(issue)}` };
  const value = meantValue(issue);
  const meant = value === '' ? didYouMean(input, quotedIn(issue.expected ?? '')) : value;
  return { path, reason: `found ${found(issue)}, expected ${wanted(issue)}${meant}` };
}

/** A value of the wrong type that says what was meant: a number in quotes, one entry where a list stands. */
function meantValue({ type, input, expected }: v.BaseIssue<unknown>): string {
  if (type === 'array' && ['string', 'number', 'boolean'].includes(typeof input))
    return `; did you mean [${String(input)}]?`;
  const isNumberWanted = expected?.split(/[^a-z]+/).includes('number') === true;
  const number = typeof input === 'string' ? asNumber(input) : undefined;
  return isNumberWanted && number !== undefined ? `; did you mean ${number}?` : '';
}

/** Where there is too much, it is how much. */
function found({ type, input }: v.BaseIssue<unknown>): string {
  if (type === 'max_length' && typeof input === 'string') return `${input.length} characters`;
  if (type === 'max_length' && Array.isArray(input)) return `${input.length} entries`;
  return named(input);
}

function wanted({ type, input, expected, requirement }: v.BaseIssue<unknown>): string {
  const limit = String(requirement);
  if (type === 'min_value') return `${limit} or more`;
  if (type === 'max_value') return `${limit} or less`;
  if (type === 'min_length' && typeof input !== 'string') return 'at least one entry';
  if (type === 'min_length') return requirement === 1 ? 'some' : `at least ${limit} characters`;
  if (type === 'max_length') return `at most ${limit}`;
  if (type === 'integer') return 'a whole number';
  if (type === 'finite') return 'a finite number';
  return wantedType(expected ?? '');
}

const IN_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  Array: 'a list',
  Object: 'keys and values',
};

/** @param expected - as the schema library names types: `string`, `Array`, `("a" | "b")` */
export function wantedType(expected: string): string {
  const types = expected.replace(/^\((.*)\)$/, '$1').split(' | ');
  return either(types.map((type) => IN_WORDS[type] ?? type.replaceAll('"', '')));
}

function quotedIn(expected: string): string[] {
  return [...expected.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name);
}
