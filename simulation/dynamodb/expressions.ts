import { addDecimals } from './decimals.ts';
import {
  type Assigned,
  type Change,
  type Comparator,
  type Condition,
  type Operand,
  Parser,
} from './parser.ts';
import { attribute, compareValues, invalid, isEqual, type Row, typeOf, type Value } from './values.ts';

/** What the places of an expression stand for in one command. */
export interface Terms {
  /** Names of attributes. */
  readonly names: readonly string[];
  readonly values: readonly Value[];
}

/** An expression, read once for all commands that have the same text. */
export interface Compiled<T> {
  /** As the text writes them: `#old`, `alias`; and `:old`. */
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** All that is to be given: `#old`, `:old`. */
  readonly mentioned: ReadonlySet<string>;
  readonly content: T;
}

export type Test = (row: Row, terms: Terms) => boolean;
type Read = (row: Row, terms: Terms) => Value | undefined;
/** Refuses values that DynamoDB refuses whatever the row is. @throws ValidationException */
type Check = (terms: Terms) => void;

export interface CompiledCondition {
  readonly test: Test;
  readonly checks: readonly Check[];
}

export interface CompiledUpdate {
  /** Places of the attributes that are changed. */
  readonly targets: readonly number[];
  /** @returns the row with its changes. @throws ValidationException */
  readonly apply: (row: Row, terms: Terms) => Row;
}

export type RangeComparator = '=' | '<' | '<=' | '>' | '>=' | 'between' | 'begins_with';

/** A key condition: of one attribute that it is, of the other where it lies. Places, as in a text. */
export interface KeyPart {
  readonly name: number;
  readonly comparator: RangeComparator;
  readonly values: readonly number[];
}

/** Texts of expressions that are kept; the store makes a few dozen. */
const MOST_TEXTS = 5_000;

function cached<T>(read: (parser: Parser) => T): (text: string) => Compiled<T> {
  const known = new Map<string, Compiled<T>>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const parser = new Parser(text);
    const content = read(parser);
    const { names, values } = parser;
    const mentioned = new Set([...names.filter((name) => name.startsWith('#')), ...values]);
    const compiled = { names, values, mentioned, content };
    if (known.size >= MOST_TEXTS) known.clear();
    known.set(text, compiled);
    return compiled;
  };
}

export const conditionOf = cached((parser): CompiledCondition => {
  const checks: Check[] = [];
  return { test: testOf(parser.condition(), checks), checks };
});
export const updateOf = cached((parser) => compileUpdate(parser.update()));
export const projectionOf = cached((parser) => parser.projection());
export const keyConditionOf = cached((parser) => keyParts(parser.condition()));

function testOf(condition: Condition, checks: Check[]): Test {
  switch (condition.type) {
    case 'and':
    case 'or': {
      const [left, right] = [testOf(condition.left, checks), testOf(condition.right, checks)];
      if (condition.type === 'and') return (row, terms) => left(row, terms) && right(row, terms);
      return (row, terms) => left(row, terms) || right(row, terms);
    }
    case 'not': {
      const of = testOf(condition.of, checks);
      return (row, terms) => !of(row, terms);
    }
    case 'compare':
      return comparison(condition.comparator, condition.left, condition.right, checks);
    case 'between':
      return between(condition.of, condition.from, condition.to, checks);
    case 'in': {
      const [of, among] = [readOf(condition.of), condition.among.map(readOf)];
      return (row, terms) => {
        const value = of(row, terms);
        return among.some((one) => isEqual(value, one(row, terms)));
      };
    }
    default:
      return call(condition, checks);
  }
}

function readOf(operand: Operand): Read {
  const { type, at } = operand;
  switch (type) {
    case 'value':
      return (_row, { values }) => values[at];
    case 'path':
      return (row, { names }) => attribute(row, names[at] ?? '');
    default:
      return (row, { names }) => lengthOf(attribute(row, names[at] ?? ''));
  }
}

/** What `size` says of an attribute; nothing of what has none. */
function lengthOf(value: Value | undefined): number | undefined {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return undefined;
  return Array.isArray(value) ? value.length : Object.keys(value).length;
}

function comparison(comparator: Comparator, left: Operand, right: Operand, checks: Check[]): Test {
  const [a, b] = [readOf(left), readOf(right)];
  if (comparator === '=') return (row, terms) => isEqual(a(row, terms), b(row, terms));
  // Also where there is no such attribute.
  if (comparator === '<>') return (row, terms) => !isEqual(a(row, terms), b(row, terms));
  for (const operand of [left, right]) checks.push(isOrdered(operand, comparator));
  const isRight = ORDERS[comparator];
  return (row, terms) => isRight(compareValues(a(row, terms), b(row, terms)));
}

const ORDERS = {
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
} as const;

function isOrdered(operand: Operand, operator: string): Check {
  return ({ values }) => {
    const value = operand.type === 'value' ? values[operand.at] : undefined;
    if (value !== undefined && typeof value !== 'string' && typeof value !== 'number')
      throw invalid(
        `Invalid expression: Incorrect operand type for operator or function; operator: ${operator}, operand type: ${typeOf(value)}`,
      );
  };
}

function between(of: Operand, from: Operand, to: Operand, checks: Check[]): Test {
  for (const operand of [of, from, to]) checks.push(isOrdered(operand, 'BETWEEN'));
  checks.push(({ values }) => {
    if (from.type !== 'value' || to.type !== 'value') return;
    if (!(compareValues(values[from.at], values[to.at]) <= 0))
      throw invalid(
        'Invalid expression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound, and both of one type',
      );
  });
  const [value, low, high] = [readOf(of), readOf(from), readOf(to)];
  return (row, terms) => {
    const held = value(row, terms);
    return compareValues(low(row, terms), held) <= 0 && compareValues(held, high(row, terms)) <= 0;
  };
}

function call({ name, terms: operands }: Extract<Condition, { type: 'call' }>, checks: Check[]): Test {
  const [first, second = first] = operands;
  if (first === undefined || second === undefined) throw invalid('Invalid expression: no operand');
  const [value, other] = [readOf(first), readOf(second)];
  switch (name) {
    case 'attribute_exists':
    case 'attribute_not_exists': {
      if (first.type !== 'path')
        throw invalid(`Invalid expression: Operator or function requires a document path; ${name}`);
      const isWanted = name === 'attribute_exists';
      return (row, terms) => (value(row, terms) !== undefined) === isWanted;
    }
    case 'attribute_type':
      checks.push(isText(second, name));
      return (row, terms) => {
        const held = value(row, terms);
        return held !== undefined && typeOf(held) === other(row, terms);
      };
    case 'begins_with':
      for (const operand of operands) checks.push(isText(operand, name));
      return (row, terms) => {
        const [whole, start] = [value(row, terms), other(row, terms)];
        return typeof whole === 'string' && typeof start === 'string' && whole.startsWith(start);
      };
    default:
      return (row, terms) => contains(value(row, terms), other(row, terms));
  }
}

function isText(operand: Operand, name: string): Check {
  return ({ values }) => {
    const value = operand.type === 'value' ? values[operand.at] : undefined;
    if (value !== undefined && typeof value !== 'string')
      throw invalid(
        `Invalid expression: Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${typeOf(value)}`,
      );
  };
}

function contains(whole: Value | undefined, part: Value | undefined): boolean {
  if (typeof whole === 'string') return typeof part === 'string' && whole.includes(part);
  return Array.isArray(whole) && whole.some((one: Value) => isEqual(one, part));
}

function compileUpdate(changes: readonly Change[]): CompiledUpdate {
  const writes = changes.map((change) => ({ at: change.at, read: changeOf(change) }));
  return {
    targets: changes.map(({ at }) => at),
    apply: (row, terms) => {
      // All of them see the row as it was.
      const values = writes.map(({ read }) => read(row, terms));
      const next: Record<string, Value> = { ...row };
      const gone = new Set<string>();
      for (const [at, value] of values.entries()) {
        const name = terms.names[writes[at]?.at ?? -1] ?? '';
        if (value !== undefined) next[name] = value;
        else if (Object.hasOwn(next, name)) gone.add(name);
      }
      return gone.size === 0 ? next : without(next, gone);
    },
  };
}

function without(row: Row, gone: ReadonlySet<string>): Row {
  const rest: Record<string, Value> = {};
  for (const name in row) {
    const value = row[name];
    if (value !== undefined && !gone.has(name)) rest[name] = value;
  }
  return rest;
}

/** @returns what reads the new value: undefined for one that goes */
function changeOf(change: Change): Read {
  switch (change.type) {
    case 'REMOVE':
      return () => undefined;
    case 'SET':
      return assigned(change.to);
    default:
      return (row, { names, values }) => {
        const [before, added] = [attribute(row, names[change.at] ?? ''), values[change.value]];
        if (typeof added !== 'number')
          throw invalid(
            `Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: ${typeOf(added ?? null)}`,
          );
        return sumOf(before === undefined ? 0 : before, added);
      };
  }
}

function assigned(to: Assigned): Read {
  switch (to.type) {
    case 'value':
      return readOf({ type: 'value', at: to.at });
    case 'path': {
      const read = readOf({ type: 'path', at: to.at });
      return (row, terms) => existing(read(row, terms));
    }
    case 'if_not_exists': {
      const [read, otherwise] = [readOf({ type: 'path', at: to.at }), assigned(to.otherwise)];
      return (row, terms) => {
        const value = read(row, terms);
        return value === undefined ? otherwise(row, terms) : value; // Null is a value.
      };
    }
    default: {
      const [left, right] = [assigned(to.left), assigned(to.right)];
      if (to.type === 'list_append')
        return (row, terms) => joined(existing(left(row, terms)), existing(right(row, terms)));
      const sign = to.type === 'plus' ? 1 : -1;
      return (row, terms) => sumOf(existing(left(row, terms)), existing(right(row, terms)), sign);
    }
  }
}

function existing(value: Value | undefined): Value {
  if (value === undefined)
    throw invalid('The provided expression refers to an attribute that does not exist in the item');
  return value;
}

const WRONG_TYPE = 'An operand in the update expression has an incorrect data type';

function joined(left: Value, right: Value): Value {
  if (!Array.isArray(left) || !Array.isArray(right)) throw invalid(WRONG_TYPE);
  return [...left, ...right];
}

function sumOf(left: Value, right: Value, sign: 1 | -1 = 1): number {
  if (typeof left !== 'number' || typeof right !== 'number') throw invalid(WRONG_TYPE);
  return addDecimals(left, sign * right);
}

/** @throws ValidationException for what is no condition on keys */
function keyParts(condition: Condition): KeyPart[] {
  if (condition.type === 'and') return [...keyParts(condition.left), ...keyParts(condition.right)];
  const [comparator, [key, ...values]] = keyTerms(condition);
  if (key?.type !== 'path' || values.some(({ type }) => type !== 'value'))
    throw invalid('Invalid condition in KeyConditionExpression: a key, then values');
  return [{ name: key.at, comparator, values: values.map(({ at }) => at) }];
}

const TURNED = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

function keyTerms(condition: Condition): [RangeComparator, readonly Operand[]] {
  if (condition.type === 'between') return ['between', [condition.of, condition.from, condition.to]];
  if (condition.type === 'call' && condition.name === 'begins_with') return ['begins_with', condition.terms];
  if (condition.type !== 'compare' || condition.comparator === '<>')
    throw invalid('Invalid operator used in KeyConditionExpression');
  const { comparator, left, right } = condition;
  return left.type === 'path' ? [comparator, [left, right]] : [TURNED[comparator], [right, left]];
}
