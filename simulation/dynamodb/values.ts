import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';

/** What an attribute may hold here: what the store sends. Sets and binary values are refused. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value };
/** A row as it stands in the table. Never changed: a write puts another in its place. */
export type Row = Readonly<Record<string, Value>>;
export type ValueType = 'S' | 'N' | 'BOOL' | 'NULL' | 'L' | 'M';

/** Largest row, names included (DynamoDB quotas, read 2026-11). */
export const ROW_BYTES = 400 * 1024;
/** Smallest magnitude of a number besides 0 (DynamoDB quotas, read 2026-11); the largest is above what the client sends. */
const SMALLEST_NUMBER = 1e-130;
/** Longest partition and sort key, in bytes (DynamoDB quotas, read 2026-11). */
const KEY_BYTES = { HASH: 2048, RANGE: 1024 } as const;

/** What DynamoDB answers where it does not take a command. */
export function invalid(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    message,
    $metadata: { httpStatusCode: 400 },
  });
}

/**
 * A value as the document client would send it, copied. What is undefined is left out of lists and maps.
 *
 * @returns undefined for undefined
 * @throws Error for what the document client refuses, and for types that are not known here
 */
export function taken(value: unknown): Value | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      return takenNumber(value);
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(taken).filter((one) => one !== undefined);
      return takenMap(value);
    default:
      throw new Error(`the simulated table does not know values of type ${typeof value}`);
  }
}

function takenNumber(value: number): number {
  if (!Number.isFinite(value)) throw new Error(`Special numeric value ${value} is not allowed`);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new Error(`Number ${value} is beyond what a number holds exactly: the document client refuses it`);
  if (value !== 0 && Math.abs(value) < SMALLEST_NUMBER)
    throw invalid(
      'Number underflow. Attempting to store a number with magnitude smaller than supported range',
    );
  return value + 0; // Of −0, which has no text of its own, 0 arrives.
}

function takenMap(value: object): Row {
  // A map with an attribute `constructor` is none for the document client: it throws too.
  const { constructor } = value;
  if (constructor !== undefined && constructor !== Object && constructor?.name !== 'Object')
    throw new Error('Unsupported type passed: no plain object');
  return isMap(value) ? takenRow(value) : {};
}

/** Whether it is an object with names; of what class, is asked elsewhere. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRow(value: Value): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The attributes of a map, copied, without those that are undefined. */
export function takenRow(value: Readonly<Record<string, unknown>>): Row {
  const row: Record<string, Value> = {};
  for (const name of Object.keys(value)) {
    const held = taken(value[name]);
    if (held !== undefined && name !== '__proto__') row[name] = held; // Which the document client loses too.
  }
  return row;
}

/** A copy for whoever asked: they may do with it as they like. */
export function given(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  return isRow(value) ? givenRow(value) : value.map(given);
}

export function givenRow(row: Row): Record<string, Value> {
  const copy = { ...row };
  for (const name in copy) {
    const value = copy[name];
    if (typeof value === 'object' && value !== null) copy[name] = given(value);
  }
  return copy;
}

export function typeOf(value: Value): ValueType {
  switch (typeof value) {
    case 'string':
      return 'S';
    case 'number':
      return 'N';
    case 'boolean':
      return 'BOOL';
    default:
      if (value === null) return 'NULL';
      return Array.isArray(value) ? 'L' : 'M';
  }
}

/** An attribute of a row; undefined where it has none. */
export function attribute(row: Row, name: string): Value | undefined {
  return Object.hasOwn(row, name) ? row[name] : undefined;
}

/** Some attributes of a row. */
export function pick(row: Row, names: Iterable<string>): Row {
  const some: Record<string, Value> = {};
  for (const name of names) {
    const value = attribute(row, name);
    if (value !== undefined) some[name] = value;
  }
  return some;
}

export function isEqual(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return a !== undefined;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isRow(a) && isRow(b)) {
    const names = Object.keys(a);
    return (
      names.length === Object.keys(b).length && names.every((name) => isEqual(a[name], attribute(b, name)))
    );
  }
  if (isRow(a) || isRow(b) || a.length !== b.length) return false;
  return a.every((one, at) => isEqual(one, b[at]));
}

/** The first half of a pair of code units that stand for one character. */
const SURROGATE = 0xd800;

/** DynamoDB has texts in the order of their bytes in UTF-8, which is that of their characters. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left === right) continue;
    if (left < SURROGATE || right < SURROGATE) return left - right;
    // Characters above all code units are written with two that are not the highest.
    return (a.codePointAt(at) ?? 0) - (b.codePointAt(at) ?? 0);
  }
  return a.length - b.length;
}

/** @returns NaN for values of different types, and for types without an order */
export function compareValues(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Number.NaN;
}

export type KeyValue = string | number;

/** @throws ValidationException unless the value may stand as a key */
export function checkKey(
  value: Value | undefined,
  name: string,
  type: 'S' | 'N' | 'B',
  kind: 'HASH' | 'RANGE',
): KeyValue {
  if (typeof value === 'number' && type === 'N') return value;
  if (typeof value !== 'string' || type !== 'S')
    throw invalid('The provided key element does not match the schema');
  if (value === '')
    throw invalid(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
    );
  // No character takes more than three bytes for each code unit.
  if (value.length * 3 > KEY_BYTES[kind] && Buffer.byteLength(value) > KEY_BYTES[kind])
    throw invalid(`One or more parameter values were invalid: the key ${name} is too long`);
  return value;
}

/** A size that a row does not exceed, in bytes; found faster than its size. */
export function sizeAtMost(row: Row): number {
  let size = 0;
  for (const name in row) size += 3 * name.length + valueAtMost(row[name]);
  return size;
}

function valueAtMost(value: Value | undefined): number {
  if (typeof value === 'string') return 3 * value.length;
  if (typeof value !== 'object' || value === null) return 21;
  if (isRow(value)) return 3 + Object.keys(value).length + sizeAtMost(value);
  return value.reduce((sum: number, one) => sum + 1 + valueAtMost(one), 3);
}

/** Size of a row in bytes (DynamoDB developer guide, "Item sizes and formats", read 2026-11). */
export function sizeOf(row: Row): number {
  let size = 0;
  for (const name in row) size += Buffer.byteLength(name) + valueSize(row[name] ?? null);
  return size;
}

function valueSize(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return numberSize(value);
  if (typeof value !== 'object' || value === null) return 1;
  if (isRow(value)) return 3 + Object.keys(value).length + sizeOf(value);
  return value.reduce((sum: number, one) => sum + 1 + valueSize(one), 3);
}

/** About a byte for two significant digits, and one more; another for the sign. */
function numberSize(value: number): number {
  const digits = Math.abs(value).toExponential().replace(/e.*$/, '').replace('.', '').replace(/0+$/, '');
  return Math.ceil(digits.length / 2) + 1 + (value < 0 ? 1 : 0);
}
