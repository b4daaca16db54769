import type { KeyPart, RangeComparator, Terms } from './expressions.ts';
import type { KeySchema } from './keys.ts';
import { checkKey, compareValues, invalid, type KeyValue } from './values.ts';
import type { Side } from './view.ts';

/** What a query asks for. */
export interface Asked {
  readonly hash: string;
  readonly side: Side;
}

/** @throws ValidationException for a condition that is not on the keys */
export function askedFor(parts: readonly KeyPart[], terms: Terms, { hash, range }: KeySchema): Asked {
  const partOf = (name: string | undefined) => parts.filter((part) => terms.names[part.name] === name);
  const [ofHash, secondOfHash] = partOf(hash.name);
  const [ofRange, secondOfRange] = range === undefined ? [] : partOf(range.name);
  if (ofHash === undefined) throw invalid(`Query condition missed key schema element: ${hash.name}`);
  if (secondOfHash !== undefined || secondOfRange !== undefined)
    throw invalid('KeyConditionExpressions must only contain one condition per key');
  if (parts.length > (ofRange === undefined ? 1 : 2))
    throw invalid(`Query condition missed key schema element: ${range?.name ?? hash.name}`);
  if (ofHash.comparator !== '=') throw invalid('Query key condition not supported');
  const value = checkKey(terms.values[ofHash.values[0] ?? -1], hash.name, hash.type, 'HASH');
  if (ofRange === undefined || range === undefined) return { hash: String(value), side: () => 0 };
  const values = ofRange.values.map((at) => checkKey(terms.values[at], range.name, range.type, 'RANGE'));
  return { hash: String(value), side: sideOf(ofRange.comparator, values) };
}

function sideOf(comparator: RangeComparator, [first, second]: readonly KeyValue[]): Side {
  switch (comparator) {
    case '=':
      return (range) => Math.sign(compareValues(range, first));
    case '<':
      return (range) => (compareValues(range, first) < 0 ? 0 : 1);
    case '<=':
      return (range) => (compareValues(range, first) <= 0 ? 0 : 1);
    case '>':
      return (range) => (compareValues(range, first) > 0 ? 0 : -1);
    case '>=':
      return (range) => (compareValues(range, first) >= 0 ? 0 : -1);
    case 'between':
      if (!(compareValues(first, second) <= 0))
        throw invalid(
          'Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound',
        );
      return (range) => (compareValues(range, first) < 0 ? -1 : compareValues(range, second) > 0 ? 1 : 0);
    default:
      if (typeof first !== 'string')
        throw invalid('Invalid KeyConditionExpression: begins_with takes a text');
      return (range) => {
        if (typeof range === 'string' && range.startsWith(first)) return 0;
        return compareValues(range, first) < 0 ? -1 : 1;
      };
  }
}
