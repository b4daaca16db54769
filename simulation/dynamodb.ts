import { ConditionalCheckFailedException, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { TablePlan } from '../local/runner/assembly.ts';
import { expressionIn, Glossary, type Input, mapIn, PARAMETERS, understood } from './dynamodb/commands.ts';
import {
  type Compiled,
  type CompiledCondition,
  conditionOf,
  keyConditionOf,
  projectionOf,
  updateOf,
} from './dynamodb/expressions.ts';
import { type KeySchema, SecondaryIndex, schemaOf } from './dynamodb/keys.ts';
import { LaggingView } from './dynamodb/lagging.ts';
import { askedFor } from './dynamodb/ranges.ts';
import {
  attribute,
  checkKey,
  compareTexts,
  givenRow,
  invalid,
  pick,
  ROW_BYTES,
  type Row,
  sizeOf,
  takenRow,
} from './dynamodb/values.ts';
import {
  type Cursor,
  compareScattered,
  type Entry,
  entryOf,
  type Place,
  type Side,
  View,
} from './dynamodb/view.ts';

export type TableCommand =
  | GetCommand
  | PutCommand
  | UpdateCommand
  | DeleteCommand
  | QueryCommand
  | ScanCommand
  | BatchGetCommand;

/** A command that may read more than one row. */
type Reading = QueryCommand | ScanCommand | BatchGetCommand;
/** Reads a row with each `next()`; the last gives the output. */
type Rows = Generator<void, object>;

interface MemoryTableOptions {
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** After how many milliseconds an index, or an eventually consistent reading, sees a change. @default at once */
  readonly indexLagMs?: (() => number) | undefined;
  /** Is told of every row that is written. The rows are those of the table: not to be changed. */
  readonly onWrite?:
    | ((pk: string, sk: string, before: Row | undefined, after: Row | undefined) => void)
    | undefined;
}

/** Most bytes that a query or a scan reads at once (DynamoDB API reference, read 2026-11). */
const PAGE_BYTES = 1024 * 1024;
/** Most keys, and most bytes, that BatchGetItem reads at once (DynamoDB API reference, read 2026-11). */
const KEYS_PER_GET = 100;
const BYTES_PER_GET = 16 * 1024 * 1024;
/** The attribute by which rows expire, in epoch seconds. */
const EXPIRES_AT = 'expiresAt';
/** Rows that should have expired before this are left alone (DynamoDB developer guide, "Time to Live", read 2026-11). */
const OLDEST_EXPIRY_SECONDS = 5 * 365 * 86_400;
const NO_ROW: Row = {};

/**
 * A table of DynamoDB in memory, by the values that the document client takes and gives. It has no time of its own: a command is done
 * whole at the instant at which it is given, and a reading may be done row by row. What the store does not send, such as sets,
 * transactions and nested attributes, is refused.
 */
export class MemoryTable {
  readonly #name: string;
  readonly #pk: string;
  readonly #sk: string;
  readonly #schema: KeySchema;
  readonly #view = new View();
  /** What is read without asking for consistency; undefined where that is the same. */
  readonly #stale: LaggingView | undefined;
  readonly #indexes: readonly SecondaryIndex[];
  readonly #onWrite: MemoryTableOptions['onWrite'];

  /** @throws Error for a table whose rows are not told apart by two texts */
  constructor(plan: TablePlan, { clock, indexLagMs, onWrite }: MemoryTableOptions) {
    this.#schema = schemaOf(plan, plan.keys);
    const { hash, range } = this.#schema;
    if (range?.type !== 'S')
      throw new Error(`the simulated table needs a sort key that is a text: ${plan.name}`);
    this.#name = plan.name;
    this.#pk = hash.name;
    this.#sk = range.name;
    this.#indexes = plan.indexes.map(
      (index) => new SecondaryIndex(plan, index, new LaggingView(clock, indexLagMs)),
    );
    this.#stale = indexLagMs && new LaggingView(clock, indexLagMs);
    this.#onWrite = onWrite;
  }

  /**
   * Does a command at this instant, whole.
   *
   * @returns what the document client would
   * @throws ConditionalCheckFailedException, or an error named `ValidationException`, as DynamoDB would answer; another for what is
   *   not known here
   */
  execute(command: TableCommand): object {
    if (command instanceof GetCommand) return this.#get(understood(command.input, PARAMETERS.get));
    if (command instanceof PutCommand) return this.#put(understood(command.input, PARAMETERS.put));
    if (command instanceof UpdateCommand) return this.#update(understood(command.input, PARAMETERS.update));
    if (command instanceof DeleteCommand) return this.#delete(understood(command.input, PARAMETERS.delete));
    const reading = this.read(command);
    for (;;) {
      const step = reading.next();
      if (step.done === true) return step.value;
    }
  }

  /**
   * Reads as DynamoDB does, which is no snapshot: each `next()` reads one row as it is at that instant, the last gives the output.
   *
   * @param limits - `most` rows end the page, or as many keys leave the others unprocessed; at least 1
   */
  read(command: Reading, { most = Number.POSITIVE_INFINITY }: { readonly most?: number } = {}): Rows {
    if (!(most >= 1)) throw new RangeError(`most must be at least 1, got ${most}`);
    if (command instanceof QueryCommand)
      return this.#query(understood(command.input, PARAMETERS.query), most);
    if (command instanceof ScanCommand) return this.#scan(understood(command.input, PARAMETERS.scan), most);
    if (command instanceof BatchGetCommand)
      return this.#batchGet(understood(command.input, PARAMETERS.batchGet), most);
    throw new Error('the simulated table does not know this command');
  }

  /** All rows in the order of their keys. They are those of the table: not to be changed. */
  rows(): Row[] {
    const entries = [...this.#view.all()].toSorted(
      (a, b) => compareTexts(a.pk, b.pk) || compareTexts(a.sk, b.sk),
    );
    return entries.map(({ row }) => row);
  }

  /** Puts a row as it is. */
  put(row: Readonly<Record<string, unknown>>): void {
    this.#putRow(takenRow(row));
  }

  /**
   * Removes what time to live removes.
   *
   * @param nowMs - epoch milliseconds
   * @returns how many rows
   */
  expire(nowMs: number): number {
    const seconds = nowMs / 1000;
    const gone = [...this.#view.all()].filter(({ row }) => {
      const at = attribute(row, EXPIRES_AT);
      return typeof at === 'number' && at < seconds && at > seconds - OLDEST_EXPIRY_SECONDS;
    });
    for (const entry of gone) this.#write(entry, entry, undefined);
    return gone.length;
  }

  #get(input: Input): object {
    this.#checkName(input['TableName']);
    const place = this.#placeOf(mapIn(input, 'Key'));
    const projection = expressionIn(input, 'ProjectionExpression', projectionOf);
    const glossary = new Glossary(input, [projection]);
    const entry = this.#viewFor(input)().get(place);
    if (entry === undefined) return answer({});
    return answer({ Item: shownOf(entry.row, projection, glossary) });
  }

  #put(input: Input): object {
    this.#checkName(input['TableName']);
    const row = takenRow(mapIn(input, 'Item'));
    const place = this.#placeIn(row);
    this.#check(row);
    return this.#replace(input, place, row);
  }

  #delete(input: Input): object {
    this.#checkName(input['TableName']);
    return this.#replace(input, this.#placeOf(mapIn(input, 'Key')), undefined);
  }

  /** Puts or deletes a row, if the condition of the command holds. */
  #replace(input: Input, place: Place, row: Row | undefined): object {
    const kind = returnKind(input, ['NONE', 'ALL_OLD']);
    const condition = expressionIn(input, 'ConditionExpression', conditionOf);
    const glossary = new Glossary(input, [condition]);
    const before = this.#view.get(place);
    checkCondition(condition, glossary, before?.row);
    if (row !== undefined || before !== undefined) this.#write(place, before, row);
    return answer(kind === 'ALL_OLD' && before !== undefined ? { Attributes: givenRow(before.row) } : {});
  }

  #update(input: Input): object {
    this.#checkName(input['TableName']);
    const place = this.#placeOf(mapIn(input, 'Key'));
    const kind = returnKind(input, ['NONE', 'ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW']);
    const update = expressionIn(input, 'UpdateExpression', updateOf);
    const condition = expressionIn(input, 'ConditionExpression', conditionOf);
    const glossary = new Glossary(input, [update, condition]);
    const terms = update && glossary.termsOf(update);
    const changed = (update?.content.targets ?? []).map((at) => terms?.names[at] ?? '');
    this.#checkChanged(changed);
    const before = this.#view.get(place);
    checkCondition(condition, glossary, before?.row);
    const row = before?.row ?? { [this.#pk]: place.pk, [this.#sk]: place.sk };
    const next = update === undefined || terms === undefined ? row : update.content.apply(row, terms);
    this.#check(next);
    this.#write(place, before, next);
    const shown = {
      ALL_OLD: before?.row,
      UPDATED_OLD: before?.row,
      ALL_NEW: next,
      UPDATED_NEW: next,
      NONE: undefined,
    }[kind];
    if (shown === undefined) return answer({});
    const Attributes = kind.startsWith('UPDATED') ? givenRow(pick(shown, changed)) : givenRow(shown);
    return answer({ Attributes });
  }

  /** @throws ValidationException for attributes that an update may not change, or would twice */
  #checkChanged(names: readonly string[]): void {
    for (const [at, name] of names.entries()) {
      if (name === this.#pk || name === this.#sk)
        throw invalid(
          `One or more parameter values were invalid: Cannot update attribute ${name}. This attribute is part of the key`,
        );
      if (names.indexOf(name) !== at)
        throw invalid(
          `Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path: [${name}]`,
        );
    }
  }

  *#query(input: Input, most: number): Rows {
    this.#checkName(input['TableName']);
    const index = this.#indexIn(input);
    const schema = index?.schema ?? this.#schema;
    const keys = expressionIn(input, 'KeyConditionExpression', keyConditionOf);
    if (keys === undefined) throw invalid('KeyConditionExpression must be specified in the request');
    const page = this.#pageOf(input, index, [keys]);
    const asked = askedFor(keys.content, page.glossary.termsOf(keys), schema);
    const hidden = [schema.hash.name, schema.range?.name];
    if (page.filter?.names.some((name) => hidden.includes(page.glossary.nameOf(name))) === true)
      throw invalid('Filter Expression can only contain non-primary key attributes');
    const after = this.#startOf(input, index, asked);
    const view = this.#viewFor(input, index);
    const cursor = view().range(asked.hash, asked.side, input['ScanIndexForward'] !== false, after);
    return yield* this.#page(page, cursor, view, index, most);
  }

  *#scan(input: Input, most: number): Rows {
    this.#checkName(input['TableName']);
    const page = this.#pageOf(input, undefined, []);
    const view = this.#viewFor(input);
    const cursor = view().scan(this.#startOf(input, undefined, undefined));
    return yield* this.#page(page, cursor, view, undefined, most);
  }

  #pageOf(input: Input, index: SecondaryIndex | undefined, keys: readonly Compiled<unknown>[]): Page {
    const { Limit: limit = Number.POSITIVE_INFINITY, Select: select } = input;
    if (typeof limit !== 'number' || !(limit >= 1)) throw invalid('Limit must be at least 1');
    const filter = expressionIn(input, 'FilterExpression', conditionOf);
    const projection = expressionIn(input, 'ProjectionExpression', projectionOf);
    const glossary = new Glossary(input, [...keys, filter, projection]);
    const isCount = select === 'COUNT';
    if (select !== undefined && select !== (projection === undefined ? 'COUNT' : 'SPECIFIC_ATTRIBUTES'))
      throw invalid('Select does not go with the other parameters');
    const hidden = projection?.names.find((name) => index?.projects(glossary.nameOf(name)) === false);
    if (hidden !== undefined)
      throw invalid(
        `One or more parameter values were invalid: Global secondary index ${index?.name} does not project [${hidden}]`,
      );
    const terms = filter && glossary.termsOf(filter);
    if (filter !== undefined && terms !== undefined) for (const check of filter.content.checks) check(terms);
    const passes = (row: Row) =>
      filter === undefined || terms === undefined || filter.content.test(row, terms);
    return { limit, filter, projection, glossary, isCount, passes };
  }

  *#page(
    { limit, projection, glossary, isCount, passes }: Page,
    cursor: Cursor,
    refresh: () => View,
    index: SecondaryIndex | undefined,
    most: number,
  ): Rows {
    const read: Entry[] = [];
    const Items: object[] = [];
    let count = 0;
    let sizeAtMost = 0;
    let isFull = false;
    while (!isFull) {
      refresh();
      const entry = cursor.next();
      if (entry === undefined) break;
      read.push(entry);
      sizeAtMost += entry.sizeAtMost;
      if (passes(entry.row)) {
        count += 1;
        if (!isCount) Items.push(shownOf(entry.row, projection, glossary));
      }
      isFull =
        read.length >= Math.min(limit, most) || (sizeAtMost >= PAGE_BYTES && bytesOf(read) >= PAGE_BYTES);
      yield;
    }
    const last = read.at(-1);
    return answer({
      ...(!isCount && { Items }),
      Count: count,
      ScannedCount: read.length,
      ...(isFull && last !== undefined && { LastEvaluatedKey: this.#keysOf(last, index) }),
    });
  }

  #keysOf({ hash, range, pk, sk }: Entry, index: SecondaryIndex | undefined): object {
    const keys = { [this.#pk]: pk, [this.#sk]: sk };
    if (index === undefined) return keys;
    const { schema } = index;
    return {
      ...keys,
      [schema.hash.name]: hash,
      ...(schema.range !== undefined && { [schema.range.name]: range }),
    };
  }

  /** Where a page begins. @param asked - by the key condition of a query */
  #startOf(
    input: Input,
    index: SecondaryIndex | undefined,
    asked: { readonly hash: string; readonly side: Side } | undefined,
  ): Place | undefined {
    if (input['ExclusiveStartKey'] === undefined) return undefined;
    const start = takenRow(mapIn(input, 'ExclusiveStartKey'));
    const { hash, range } = index?.schema ?? this.#schema;
    const names = new Set([this.#pk, this.#sk, hash.name, ...(range === undefined ? [] : [range.name])]);
    if (Object.keys(start).length !== names.size || Object.keys(start).some((name) => !names.has(name)))
      throw invalid('The provided starting key is invalid');
    const { pk, sk } = this.#placeIn(start);
    const place = {
      hash: String(checkKey(attribute(start, hash.name), hash.name, hash.type, 'HASH')),
      range:
        range === undefined ? '' : checkKey(attribute(start, range.name), range.name, range.type, 'RANGE'),
      pk,
      sk,
    };
    if (asked !== undefined && (place.hash !== asked.hash || asked.side(place.range) !== 0))
      throw invalid('The provided starting key is outside query boundaries based on provided conditions');
    return place;
  }

  *#batchGet(input: Input, most: number): Rows {
    const items = mapIn(input, 'RequestItems');
    const [name = ''] = Object.keys(items);
    if (Object.keys(items).length !== 1) throw new Error('the simulated table knows readings of one table');
    this.#checkName(name);
    const wanted = understood(mapIn(items, name), PARAMETERS.keys);
    const { Keys } = wanted;
    if (!Array.isArray(Keys) || Keys.length === 0 || Keys.length > KEYS_PER_GET)
      throw invalid(`Between 1 and ${KEYS_PER_GET} keys are read at once`);
    const projection = expressionIn(wanted, 'ProjectionExpression', projectionOf);
    const glossary = new Glossary(wanted, [projection]);
    const places = Keys.map((key: Input) => this.#placeOf(key)).toSorted(
      (a, b) => compareScattered(a.pk, b.pk) || compareTexts(a.sk, b.sk),
    );
    if (places.some(({ pk, sk }, at) => places[at + 1]?.pk === pk && places[at + 1]?.sk === sk))
      throw invalid('Provided list of item keys contains duplicates');
    const view = this.#viewFor(wanted);
    const found: object[] = [];
    let bytes = 0;
    let done = 0;
    for (const place of places.slice(0, most)) {
      const entry = view().get(place);
      bytes +=
        entry === undefined
          ? 0
          : entry.sizeAtMost > BYTES_PER_GET / KEYS_PER_GET
            ? sizeOf(entry.row)
            : entry.sizeAtMost;
      if (bytes > BYTES_PER_GET) break;
      if (entry !== undefined) found.push(shownOf(entry.row, projection, glossary));
      done += 1;
      yield;
    }
    const left = places.slice(done).map(({ pk, sk }) => ({ [this.#pk]: pk, [this.#sk]: sk }));
    return answer({
      Responses: { [name]: found },
      UnprocessedKeys: left.length === 0 ? {} : { [name]: { ...wanted, Keys: left } },
    });
  }

  #checkName(name: unknown): void {
    if (name === this.#name) return;
    throw new ResourceNotFoundException({
      message: 'Requested resource not found',
      $metadata: { httpStatusCode: 400 },
    });
  }

  #indexIn({ IndexName: name, ConsistentRead }: Input): SecondaryIndex | undefined {
    if (name === undefined) return undefined;
    const index = this.#indexes.find((one) => one.name === name);
    if (index === undefined) throw invalid('The table does not have the specified index');
    if (ConsistentRead === true)
      throw invalid('Consistent reads are not supported on global secondary indexes');
    return index;
  }

  /** What a command sees, asked at each row that it reads. */
  #viewFor({ ConsistentRead }: Input, index?: SecondaryIndex): () => View {
    const lagging = index?.view ?? (ConsistentRead === true ? undefined : this.#stale);
    return lagging === undefined ? () => this.#view : () => lagging.seen();
  }

  /** @param key - of a row, and nothing else */
  #placeOf(key: Input): Place {
    const row = takenRow(key);
    if (Object.keys(row).length !== 2) throw invalid('The provided key element does not match the schema');
    return this.#placeIn(row);
  }

  #placeIn(row: Row): Place {
    const pk = String(checkKey(attribute(row, this.#pk), this.#pk, 'S', 'HASH'));
    const sk = String(checkKey(attribute(row, this.#sk), this.#sk, 'S', 'RANGE'));
    return { hash: pk, range: sk, pk, sk };
  }

  /** @throws ValidationException for a row that the table does not take */
  #check(row: Row): void {
    for (const index of this.#indexes) index.check(row);
  }

  #putRow(row: Row): void {
    const place = this.#placeIn(row);
    this.#write(place, this.#view.get(place), row);
  }

  #write(place: Place, before: Entry | undefined, row: Row | undefined): void {
    const after = row && entryOf(place, row);
    if (after !== undefined && after.sizeAtMost > ROW_BYTES && sizeOf(after.row) > ROW_BYTES)
      throw invalid('Item size has exceeded the maximum allowed size');
    if (after === undefined) this.#view.remove(place);
    else this.#view.put(after);
    this.#stale?.change(before, after);
    for (const index of this.#indexes) index.change(place.pk, place.sk, before?.row, row);
    this.#onWrite?.(place.pk, place.sk, before?.row, row);
  }
}

/** What a query or a scan is to find, and to say of it. */
interface Page {
  readonly limit: number;
  readonly filter: Compiled<CompiledCondition> | undefined;
  readonly projection: Compiled<number[]> | undefined;
  readonly glossary: Glossary;
  readonly isCount: boolean;
  readonly passes: (row: Row) => boolean;
}

function answer(output: object): object {
  return { $metadata: { httpStatusCode: 200, attempts: 1, totalRetryDelay: 0 }, ...output };
}

const RETURN_KINDS = ['NONE', 'ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW'] as const;
type ReturnKind = (typeof RETURN_KINDS)[number];

function returnKind({ ReturnValues }: Input, known: readonly string[]): ReturnKind {
  const kind = RETURN_KINDS.find((one) => one === (ReturnValues ?? 'NONE'));
  if (kind === undefined || !known.includes(kind)) throw invalid('ReturnValues set to invalid value');
  return kind;
}

/** @throws ConditionalCheckFailedException unless it holds of the row, or of none */
function checkCondition(
  condition: Compiled<CompiledCondition> | undefined,
  glossary: Glossary,
  row: Row | undefined,
): void {
  if (condition === undefined) return;
  const terms = glossary.termsOf(condition);
  for (const check of condition.content.checks) check(terms);
  if (!condition.content.test(row ?? NO_ROW, terms)) throw conditionFailed();
}

/** Many conditions fail, as they are meant to: where in this file is not worth the time that a stack takes. */
function conditionFailed(): ConditionalCheckFailedException {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new ConditionalCheckFailedException({
      message: 'The conditional request failed',
      $metadata: { httpStatusCode: 400 },
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function shownOf(row: Row, projection: Compiled<number[]> | undefined, glossary: Glossary): object {
  return projection === undefined ? givenRow(row) : givenRow(pick(row, glossary.termsOf(projection).names));
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { row }) => sum + sizeOf(row), 0);
}
