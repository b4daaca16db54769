import * as v from 'valibot';

/** Capacity units of one call: what DynamoDB bills. */
export interface CapacityUnits {
  readonly read: number;
  readonly write: number;
  readonly indexRead: number;
  readonly indexWrite: number;
}

const READS = ['GetItem', 'BatchGetItem', 'Query', 'Scan'].map((name) => `dynamodb:${name}`);
const WRITES = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'].map((name) => `dynamodb:${name}`);

/** Whether DynamoDB tells of such a call what it consumes. */
export function isBilledInUnits(action: string): boolean {
  return READS.includes(action) || WRITES.includes(action);
}

const number = v.optional(v.number(), 0);
const one = v.object({
  CapacityUnits: number,
  Table: v.optional(v.object({ CapacityUnits: number })),
  GlobalSecondaryIndexes: v.optional(v.record(v.string(), v.object({ CapacityUnits: number })), {}),
});
const answerSchema = v.object({
  ConsumedCapacity: v.optional(
    v.union([
      v.array(one),
      v.pipe(
        one,
        v.transform((each) => [each]),
      ),
    ]),
    [],
  ),
});
const errorSchema = v.object({ __type: v.string() });

/**
 * What an answer says of the units it took.
 *
 * A write whose condition fails is billed too and its answer tells nothing: it counts as the one unit that a row of up to 1 KB takes.
 *
 * @param action - as IAM names it
 * @param answer - the body of the answer
 * @returns undefined where the call is not billed in units
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 */
export function unitsOf(action: string, status: number, answer: string): CapacityUnits | undefined {
  if (!isBilledInUnits(action)) return undefined;
  const isWrite = WRITES.includes(action);
  const none = { read: 0, write: 0, indexRead: 0, indexWrite: 0 };
  if (status !== 200) {
    const error = parse(errorSchema, answer)?.['__type'];
    const isTaken = isWrite && error?.endsWith('#ConditionalCheckFailedException') === true;
    return isTaken ? { ...none, write: 1 } : none;
  }
  const consumed = parse(answerSchema, answer)?.ConsumedCapacity ?? [];
  const table = sum(consumed.map((each) => each.Table?.CapacityUnits ?? each.CapacityUnits));
  const indexes = sum(
    consumed.flatMap((each) => Object.values(each.GlobalSecondaryIndexes)).map((each) => each.CapacityUnits),
  );
  return isWrite
    ? { ...none, write: table, indexWrite: indexes }
    : { ...none, read: table, indexRead: indexes };
}

/** Of the written units of a call, those of each index by its name; nothing for what wrote to none. */
export function indexWritesOf(
  action: string,
  status: number,
  answer: string,
): Readonly<Record<string, number>> | undefined {
  if (status !== 200 || !WRITES.includes(action)) return undefined;
  const consumed = parse(answerSchema, answer)?.ConsumedCapacity ?? [];
  const byIndex: Record<string, number> = {};
  for (const each of consumed) {
    for (const [index, { CapacityUnits }] of Object.entries(each.GlobalSecondaryIndexes))
      byIndex[index] = (byIndex[index] ?? 0) + CapacityUnits;
  }
  return Object.keys(byIndex).length === 0 ? undefined : byIndex;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function parse<T>(schema: v.GenericSchema<unknown, T>, json: string): T | undefined {
  try {
    const parsed = v.safeParse(schema, JSON.parse(json));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
