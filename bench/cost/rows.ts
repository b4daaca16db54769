// Bytes of rows, as DynamoDB counts them.
import * as v from 'valibot';

/** What DynamoDB adds to the bytes of each row that it stores, and of each entry of an index. "Amazon DynamoDB pricing", read 2026-11. */
const ROW_OVERHEAD_BYTES = 100;

/** Keys of the indexes, besides those of the table. */
const INDEX_KEYS = [['due'], ['company', 'rank'], ['roll', 'id']];

/** A value as DynamoDB's API writes it, such as `{ "S": "text" }`. */
const valueSchema: v.GenericSchema<unknown, AttributeValue> = v.union([
  v.object({ S: v.string() }),
  v.object({ N: v.string() }),
  v.object({ BOOL: v.boolean() }),
  v.object({ NULL: v.boolean() }),
  v.object({ L: v.array(v.lazy(() => valueSchema)) }),
  v.object({
    M: v.record(
      v.string(),
      v.lazy(() => valueSchema),
    ),
  }),
]);
type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: boolean }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: Readonly<Record<string, AttributeValue>> };
export const rowSchema = v.record(v.string(), valueSchema);
export type Row = v.InferOutput<typeof rowSchema>;

/**
 * Bytes of a row as DynamoDB counts them: names and text in UTF-8; of a number one byte for two digits, one more, and one for a sign;
 * three of a list or map, and one for each element. docs.aws.amazon.com, "DynamoDB item sizes and formats", read 2026-11.
 */
export function rowBytes(row: Row): number {
  return Object.entries(row).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value),
    0,
  );
}

function valueBytes(value: AttributeValue): number {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('N' in value) {
    const digits = value.N.replace(/^-/, '').replace('.', '').replace(/^0+/, '').replace(/0+$/, '');
    return Math.ceil(digits.length / 2) + 1 + (value.N.startsWith('-') ? 1 : 0);
  }
  if ('L' in value) return value.L.reduce((sum, each) => sum + 1 + valueBytes(each), 3);
  if ('M' in value) return rowBytes(value.M) + Object.keys(value.M).length + 3;
  return 1;
}

/** Bytes that a row takes in the table and, keys only, in the indexes in which it stands. */
export function storedBytes(row: Row): number {
  const keys = INDEX_KEYS.filter((names) => names.every((name) => row[name] !== undefined));
  const entries = keys.map((names) =>
    rowBytes(Object.fromEntries(['pk', 'sk', ...names].map((name) => [name, row[name] ?? { NULL: true }]))),
  );
  return [rowBytes(row), ...entries].reduce((sum, bytes) => sum + bytes + ROW_OVERHEAD_BYTES, 0);
}
