import type { Compiled, Terms } from './expressions.ts';
import { invalid, isMap, taken, type Value } from './values.ts';

/** What a command is given. */
export type Input = Readonly<Record<string, unknown>>;

const EXPRESSIONS = ['ExpressionAttributeNames', 'ExpressionAttributeValues'];
const WRITES = ['TableName', 'ConditionExpression', 'ReturnValues', ...EXPRESSIONS];
const READS = ['ConsistentRead', 'ProjectionExpression', 'ExpressionAttributeNames'];
const PAGES = [
  'TableName',
  'Limit',
  'Select',
  'FilterExpression',
  'ExclusiveStartKey',
  'ExpressionAttributeValues',
  ...READS,
];

/** Parameters by which each command is understood. */
export const PARAMETERS = {
  get: new Set(['TableName', 'Key', ...READS]),
  put: new Set(['Item', ...WRITES]),
  update: new Set(['Key', 'UpdateExpression', ...WRITES]),
  delete: new Set(['Key', ...WRITES]),
  query: new Set(['IndexName', 'KeyConditionExpression', 'ScanIndexForward', ...PAGES]),
  scan: new Set(PAGES),
  batchGet: new Set(['RequestItems']),
  keys: new Set(['Keys', ...READS]),
} as const;

/** @throws Error where something is asked for that is not known here */
export function understood(input: object, parameters: ReadonlySet<string>): Input {
  if (!isMap(input)) throw new TypeError('a command has a map of parameters');
  for (const name in input) {
    if (!parameters.has(name) && input[name] !== undefined)
      throw new Error(`the simulated table does not know the parameter ${name}`);
  }
  return input;
}

/** A parameter that is a map, such as a key. */
export function mapIn(input: Input, name: string): Input {
  const value = input[name];
  if (!isMap(value)) throw invalid(`The parameter '${name}' must be a map`);
  return value;
}

/** An expression of a command, read. */
export function expressionIn<T>(
  input: Input,
  name: string,
  compile: (text: string) => Compiled<T>,
): Compiled<T> | undefined {
  const text = input[name];
  if (text === undefined) return undefined;
  if (typeof text !== 'string') throw invalid(`The parameter '${name}' must be a text`);
  return compile(text);
}

/** The names and values that a command gives its expressions. */
export class Glossary {
  readonly #names: Input;
  readonly #values: ReadonlyMap<string, Value>;

  /**
   * @param expressions - all that the command has
   * @throws ValidationException where something is given that none of them mentions
   */
  constructor(input: Input, expressions: readonly (Compiled<unknown> | undefined)[]) {
    const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
    this.#names = names === undefined ? {} : mapIn(input, 'ExpressionAttributeNames');
    this.#values = valuesOf(values === undefined ? {} : mapIn(input, 'ExpressionAttributeValues'));
    if (names !== undefined && Object.keys(this.#names).length === 0)
      throw invalid('ExpressionAttributeNames must not be empty');
    if (values !== undefined && this.#values.size === 0)
      throw invalid('ExpressionAttributeValues must not be empty');
    for (const name of Object.keys(this.#names))
      if (!expressions.some((each) => each?.mentioned.has(name)))
        throw unused('ExpressionAttributeNames', name);
    for (const name of this.#values.keys())
      if (!expressions.some((each) => each?.mentioned.has(name)))
        throw unused('ExpressionAttributeValues', name);
  }

  /** @throws ValidationException for what the expression mentions and nobody gave */
  termsOf({ names, values }: Compiled<unknown>): Terms {
    return {
      names: names.map((name) => this.nameOf(name)),
      values: values.map((name) => this.#valueOf(name)),
    };
  }

  /** The attribute that an expression means. @param written - as the expression has it */
  nameOf(written: string): string {
    if (!written.startsWith('#')) return written;
    const name = this.#names[written];
    if (typeof name === 'string') return name;
    throw invalid(
      `Invalid expression: An expression attribute name used in the document path is not defined; attribute name: ${written}`,
    );
  }

  #valueOf(placeholder: string): Value {
    const value = this.#values.get(placeholder);
    if (value !== undefined) return value;
    throw invalid(
      `Invalid expression: An expression attribute value used in expression is not defined; attribute value: ${placeholder}`,
    );
  }
}

function valuesOf(values: Input): Map<string, Value> {
  const held = new Map<string, Value>();
  for (const name of Object.keys(values)) {
    const value = taken(values[name]);
    if (value !== undefined) held.set(name, value);
  }
  return held;
}

function unused(parameter: string, name: string): Error {
  return invalid(`Value provided in ${parameter} unused in expressions: keys: {${name}}`);
}
