import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  type ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Random } from '../../bench/random/random.ts';
import type { TableCommand } from '../../simulation/dynamodb.ts';

type Values = Record<string, unknown>;

const PARTITIONS = ['33#1', '33#2', '33#company#5', '33#email#ä', '33#portal'] as const;
// The last two are in the order of their bytes in UTF-8, not in that of UTF-16.
const SORT_KEYS = [
  '#head',
  'property#email',
  'property#\u{FF5E}',
  'property#\u{1F600}',
  'signal#000000000000000#a',
  'signal#001700000000000#b',
  'signal#001700000000001#c',
  'visit#001700000000000#d',
  'via#33#visitor#e',
] as const;
const EDGES = [...SORT_KEYS, 'property#', 'signal#', 'signal#~', 'visit#~', 'via#~'] as const;
const NUMBERS = [-1_000_000, -2.5, 0, 1, 2, 0.1, 0.2, 1_700_000_000_000] as const;
const TEXTS = ['', 'a', 'b', 'ab', 'ß', '\u{FF5E}', '\u{1F600}', 'erased', 'living'] as const;
/** Attributes that are no keys, by what the store keeps in them; any may hold anything all the same. */
const ATTRIBUTES = [
  'rev',
  'score',
  'wid',
  'cwid',
  'shownAt',
  'readAt',
  'alias',
  'life',
  'lifeAt',
  'old',
  'at',
  'value',
  'state',
] as const;
const RETURNS = ['NONE', 'ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW', undefined] as const;

/** Commands of the shapes that the store sends, and others made of the same parts, with few values, so that they meet. */
export class RandomCommands {
  readonly #random: Random;
  readonly #tableName: string;
  /**
   * Where dynalite is not DynamoDB, which it is not asked. It compares texts of conditions, and of the place where a page begins, by UTF-16,
   * and holds that what is false or empty has no type; DynamoDB compares their bytes in UTF-8, and both have one.
   */
  readonly #isDynalite: boolean;

  constructor(random: Random, tableName: string, engine: string) {
    this.#random = random;
    this.#tableName = tableName;
    this.#isDynalite = engine === 'dynalite';
  }

  next(): TableCommand {
    const make = this.#random.oneOf([
      () => this.#put(),
      () => this.#keep(),
      () => this.#portalRow(),
      () => this.#head(),
      () => this.#head(),
      () => this.#update(),
      () => this.#update(),
      () => this.#delete(),
      () => this.#get(),
      () => this.#query(),
      () => this.#query(),
      () => this.#batchGet(),
    ] as const);
    return make();
  }

  #key(): { pk: string; sk: string } {
    return { pk: this.#random.oneOf(PARTITIONS), sk: this.#random.oneOf(SORT_KEYS) };
  }

  #value(): unknown {
    return this.#random.oneOf<() => unknown>([
      () => this.#random.oneOf(NUMBERS),
      () => this.#random.oneOf(NUMBERS),
      () => this.#text(),
      () => this.#text(),
      () => null,
      () => this.#random.oneOf([true, false]),
      () =>
        Array.from({ length: this.#random.between(0, 3) }, () =>
          this.#random.oneOf<unknown>([...TEXTS, ...NUMBERS]),
        ),
      () => ({ a: this.#random.oneOf(NUMBERS), b: [this.#text(), { c: null }], gone: undefined }),
    ] as const)();
  }

  #text(): string {
    const text = this.#random.oneOf(TEXTS);
    return this.#isDynalite && text === '\u{FF5E}' ? 'a' : text;
  }

  #types(): string[] {
    return this.#isDynalite ? [] : ['S', 'BOOL'];
  }

  /** Attributes of a row besides its keys, some of which the indexes have. */
  #attributes(): Values {
    return {
      ...Object.fromEntries(this.#random.some(ATTRIBUTES, 0.4).map((name) => [name, this.#value()])),
      ...(this.#random.isLucky(0.5) && {
        company: this.#random.oneOf(['33#company#5', '33#company#6']),
        rank: this.#random.between(-3, 3) / 2,
      }),
      ...(this.#random.isLucky(0.5) && {
        roll: this.#random.oneOf(['33#roll#1', '33#roll#2']),
        id: this.#random.between(1, 9),
      }),
      ...(this.#random.isLucky(0.5) && { due: this.#random.oneOf(['33#2026-11-01#1', '33#2026-11-02#1']) }),
    };
  }

  #put(): PutCommand {
    return new PutCommand({
      TableName: this.#tableName,
      Item: { ...this.#key(), ...this.#attributes() },
      ...(this.#random.isLucky(0.5) && { ConditionExpression: 'attribute_not_exists(pk)' }),
      ReturnValues: this.#random.oneOf(['ALL_OLD', 'NONE', undefined] as const),
    });
  }

  #keep(): PutCommand {
    const [at, value] = [this.#random.oneOf(NUMBERS), this.#text()];
    return new PutCommand({
      TableName: this.#tableName,
      Item: { ...this.#key(), at, value },
      ConditionExpression: 'attribute_not_exists(pk) OR #at < :at OR (#at = :at AND #value < :value)',
      ExpressionAttributeNames: { '#at': 'at', '#value': 'value' },
      ExpressionAttributeValues: { ':at': at, ':value': value },
    });
  }

  #portalRow(): PutCommand {
    const version = this.#random.between(0, 2);
    return new PutCommand({
      TableName: this.#tableName,
      Item: { pk: '33#portal', sk: 'budget', version: version + 1, state: this.#value() },
      ConditionExpression: version === 0 ? 'attribute_not_exists(pk)' : 'version = :version',
      ...(version > 0 && { ExpressionAttributeValues: { ':version': version } }),
    });
  }

  /** What `lambdas/store/record-heads.ts` sends. */
  #head(): UpdateCommand {
    const at = this.#random.oneOf(NUMBERS);
    const make = this.#random.oneOf<() => HeadUpdate>([
      () => ({
        update: 'SET cwid = :wid',
        condition: 'wid = :wid AND shownAt = :at',
        values: { ':wid': this.#text(), ':at': at },
      }),
      () => ({
        update: 'SET ws = :at, wn = :one',
        condition:
          'attribute_exists(pk) AND attribute_not_exists(alias) AND (attribute_not_exists(life) OR life <> :erased)',
        values: { ':at': at, ':one': 1, ':erased': 'erased' },
      }),
      () => ({
        update: 'SET alias = if_not_exists(alias, :target) ADD rev :one REMOVE #a, #b',
        names: { '#a': 'wid', '#b': 'company' },
        values: { ':target': this.#random.oneOf(PARTITIONS), ':one': 1 },
      }),
      () => ({
        update: 'SET #old = list_append(if_not_exists(#old, :none), :ids) ADD rev :one REMOVE readAt',
        condition: 'attribute_not_exists(#old) OR NOT contains(#old, :id)',
        names: { '#old': 'old' },
        values: { ':ids': ['a'], ':id': 'a', ':none': [], ':one': 1 },
      }),
      () => ({
        update: 'SET life = :life, lifeAt = :at ADD rev :one REMOVE #company, #rank, #roll, #id',
        condition:
          'attribute_not_exists(life) OR (life <> :erased AND (lifeAt < :at OR (lifeAt = :at AND life < :life)))',
        names: { '#company': 'company', '#rank': 'rank', '#roll': 'roll', '#id': 'id' },
        values: {
          ':life': this.#random.oneOf(['living', 'deleted'] as const),
          ':at': at,
          ':one': 1,
          ':erased': 'erased',
        },
      }),
      () => ({
        update: 'SET forgotAt = :at ADD rev :one REMOVE readAt',
        condition:
          'attribute_not_exists(alias) AND (attribute_not_exists(life) OR life <> :erased) AND (attribute_not_exists(readAt) OR readAt < :at) AND (attribute_not_exists(forgotAt) OR forgotAt < :at)',
        values: { ':at': at, ':one': 1, ':erased': 'erased' },
      }),
      () => ({
        update: 'SET #rev = :rev, #rank = :rank, #company = :company, #due = :due REMOVE #roll, #id',
        condition: '#rev = :before',
        names: {
          '#rev': 'rev',
          '#rank': 'rank',
          '#company': 'company',
          '#due': 'due',
          '#roll': 'roll',
          '#id': 'id',
        },
        values: {
          ':rev': this.#random.between(1, 3),
          ':before': this.#random.between(0, 2),
          ':rank': this.#random.between(-3, 3) / 2,
          ':company': '33#company#5',
          ':due': '33#2026-11-01#1',
        },
      }),
    ] as const);
    return this.#updateOf({ key: { pk: this.#random.oneOf(PARTITIONS), sk: '#head' }, ...make() });
  }

  /** Any update, under any condition. */
  #update(): UpdateCommand {
    const words = new Words();
    const changed = this.#random.some(ATTRIBUTES, 0.3);
    if (changed.length === 0) return this.#head();
    const sections = { SET: [] as string[], ADD: [] as string[], REMOVE: [] as string[] };
    for (const name of changed) {
      if (this.#random.isLucky(0.25))
        sections.ADD.push(`${words.name(name)} ${words.value(this.#random.oneOf(NUMBERS))}`);
      else if (this.#random.isLucky(0.3)) sections.REMOVE.push(words.name(name));
      else sections.SET.push(`${words.name(name)} = ${this.#assigned(words)}`);
    }
    const update = Object.entries(sections)
      .filter(([, parts]) => parts.length > 0)
      .map(([section, parts]) => `${section} ${parts.join(', ')}`)
      .join(' ');
    const condition = this.#random.isLucky(0.5) ? this.#condition(words, 2) : undefined;
    return this.#updateOf({
      key: this.#key(),
      update,
      condition,
      names: words.names,
      values: words.values,
    });
  }

  #updateOf({
    key,
    update,
    condition,
    names = {},
    values = {},
  }: {
    key: Values;
    update: string | undefined;
    condition?: string | undefined;
    names?: Record<string, string>;
    values?: Values;
  }): UpdateCommand {
    return new UpdateCommand({
      TableName: this.#tableName,
      Key: key,
      UpdateExpression: update,
      ConditionExpression: condition,
      ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
      ReturnValues: this.#random.oneOf(RETURNS),
    });
  }

  #assigned(words: Words): string {
    const number = () => words.value(this.#random.oneOf(NUMBERS));
    const list = () => words.value([this.#text()]);
    const name = () => words.name(this.#random.oneOf(ATTRIBUTES));
    return this.#random.oneOf([
      () => words.value(this.#value()),
      () => words.value(this.#value()),
      () => name(),
      () => `${name()} + ${number()}`,
      () => `${number()} - ${name()}`,
      () => `if_not_exists(${name()}, ${number()}) + ${number()}`,
      () => `list_append(if_not_exists(${name()}, ${list()}), ${list()})`,
      () => `if_not_exists(${name()}, ${name()})`,
    ] as const)();
  }

  #condition(words: Words, depth: number): string {
    if (depth > 0 && this.#random.isLucky(0.7)) {
      const [left, right] = [this.#condition(words, depth - 1), this.#condition(words, depth - 1)];
      return this.#random.oneOf([
        `${left} AND ${right}`,
        `(${left} OR ${right})`,
        `NOT (${left}) OR ${right}`,
        `NOT ${left}`,
      ]);
    }
    const name = words.name(this.#random.oneOf(ATTRIBUTES));
    const text = () => words.value(this.#text());
    const number = () => words.value(this.#random.oneOf(NUMBERS));
    return this.#random.oneOf([
      () => `attribute_exists(${name})`,
      () => `attribute_not_exists(${name})`,
      () =>
        `attribute_type(${name}, ${words.value(this.#random.oneOf(['N', 'L', 'M', 'NULL', ...this.#types()]))})`,
      () => `begins_with(${name}, ${text()})`,
      () => `contains(${name}, ${text()})`,
      () => `contains(${name}, ${number()})`,
      () => `${name} ${this.#random.oneOf(['=', '<>'] as const)} ${words.value(this.#value())}`,
      () =>
        `${name} ${this.#random.oneOf(['<', '<=', '>', '>='] as const)} ${this.#random.oneOf([text, number])()}`,
      () => `${name} BETWEEN ${words.value(-2.5)} AND ${words.value(1)}`,
      () => `${name} BETWEEN ${words.value('a')} AND ${words.value('b')}`,
      () => `${name} IN (${words.value('ab')}, ${number()})`,
      () => `size(${name}) > ${words.value(1)}`,
    ] as const)();
  }

  #delete(): DeleteCommand {
    return new DeleteCommand({
      TableName: this.#tableName,
      Key: this.#key(),
      ...(this.#random.isLucky(0.5) && {
        ConditionExpression: '#at = :at AND #value = :value',
        ExpressionAttributeNames: { '#at': 'at', '#value': 'value' },
        ExpressionAttributeValues: { ':at': this.#random.oneOf(NUMBERS), ':value': this.#text() },
      }),
      ReturnValues: this.#random.oneOf(['ALL_OLD', undefined] as const),
    });
  }

  #get(): GetCommand {
    return new GetCommand({
      TableName: this.#tableName,
      Key: this.#key(),
      ConsistentRead: true,
      ...this.#projection(),
    });
  }

  #projection() {
    return this.#random.isLucky(0.8)
      ? {}
      : { ProjectionExpression: '#at, pk, rev, wid', ExpressionAttributeNames: { '#at': 'at' } };
  }

  #batchGet(): BatchGetCommand {
    const keys = new Map(
      Array.from({ length: this.#random.between(1, 12) }, () => {
        const key = this.#key();
        return [JSON.stringify(key), key];
      }),
    );
    const Keys = [...keys.values()];
    const RequestItems = { [this.#tableName]: { Keys, ConsistentRead: true, ...this.#projection() } };
    return new BatchGetCommand({ RequestItems });
  }

  #query(): QueryCommand {
    const words = new Words();
    const pk = this.#random.oneOf(PARTITIONS);
    const { text, holds } = this.#range(words);
    // Dynalite holds the place against the condition in the order of UTF-16.
    const isOdd = this.#isDynalite && !isPlain(`${text}${Object.values(words.values).join('')}`);
    const starts = isOdd
      ? []
      : SORT_KEYS.filter((start) => holds(start) && (!this.#isDynalite || isPlain(start)));
    const sk = this.#random.oneOf(['', ...starts]);
    const Select = this.#random.isLucky(0.1) ? ('COUNT' as const) : undefined;
    const filter = this.#random.isLucky(0.3) ? this.#condition(words, 1) : undefined;
    const values = { ...words.values, ':pk': pk };
    return new QueryCommand({
      TableName: this.#tableName,
      KeyConditionExpression: this.#random.oneOf([`pk = :pk${text}`, `:pk = pk${text}`]),
      FilterExpression: filter,
      ...(Object.keys(words.names).length > 0 && { ExpressionAttributeNames: words.names }),
      ExpressionAttributeValues: values,
      ConsistentRead: true,
      ScanIndexForward: this.#random.oneOf([true, false, undefined]),
      Limit: this.#random.isLucky(0.6) ? this.#random.between(1, 4) : undefined,
      Select,
      ExclusiveStartKey: sk !== '' && this.#random.isLucky(0.5) ? { pk, sk } : undefined,
    });
  }

  /** A condition on the sort key, and of which sort keys it holds. */
  #range(words: Words): { text: string; holds: (sk: string) => boolean } {
    const [a, b] = [this.#random.oneOf(EDGES), this.#random.oneOf(EDGES)];
    const [low, high] = byBytes(a, b) <= 0 ? [a, b] : [b, a];
    return this.#random.oneOf([
      () => ({ text: '', holds: () => true }),
      () => ({
        text: ` AND sk BETWEEN ${words.value(low)} AND ${words.value(high)}`,
        holds: (sk: string) => byBytes(low, sk) <= 0 && byBytes(sk, high) <= 0,
      }),
      () => ({
        text: ` AND begins_with(sk, ${words.value(a.slice(0, 9))})`,
        holds: (sk: string) => sk.startsWith(a.slice(0, 9)),
      }),
      () => ({ text: ` AND sk < ${words.value(a)}`, holds: (sk: string) => byBytes(sk, a) < 0 }),
      () => ({ text: ` AND sk <= ${words.value(a)}`, holds: (sk: string) => byBytes(sk, a) <= 0 }),
      () => ({ text: ` AND sk > ${words.value(a)}`, holds: (sk: string) => byBytes(sk, a) > 0 }),
      () => ({ text: ` AND sk >= ${words.value(a)}`, holds: (sk: string) => byBytes(sk, a) >= 0 }),
      () => ({ text: ` AND sk = ${words.value(a)}`, holds: (sk: string) => sk === a }),
    ] as const)();
  }

  /** A query of an index, without the place at which it begins. */
  indexQuery(): QueryCommand['input'] {
    return {
      TableName: this.#tableName,
      ...this.#random.oneOf<object>([
        {
          IndexName: 'company',
          KeyConditionExpression: '#company = :company',
          ExpressionAttributeNames: { '#company': 'company' },
          ExpressionAttributeValues: { ':company': '33#company#5' },
        },
        {
          IndexName: 'roll',
          KeyConditionExpression: '#roll = :roll AND #id BETWEEN :from AND :to',
          ExpressionAttributeNames: { '#roll': 'roll', '#id': 'id' },
          ExpressionAttributeValues: {
            ':roll': '33#roll#1',
            ':from': this.#random.between(0, 4),
            ':to': this.#random.between(4, 9),
          },
        },
        {
          IndexName: 'due',
          KeyConditionExpression: 'due = :due',
          ExpressionAttributeValues: { ':due': '33#2026-11-01#1' },
        },
      ] as const),
      ScanIndexForward: this.#random.oneOf([true, false]),
      ...(this.#random.isLucky(0.7) && { Limit: this.#random.between(1, 5) }),
    };
  }

  /** A scan of everything, without the place at which it begins. */
  scan(): ScanCommand['input'] {
    return {
      TableName: this.#tableName,
      ...this.#random.oneOf<object>([
        {},
        {
          FilterExpression:
            'sk = :head AND begins_with(pk, :portal) AND attribute_not_exists(alias) AND (attribute_not_exists(life) OR life = :living) AND attribute_exists(wid) AND (attribute_not_exists(cwid) OR cwid <> wid OR attribute_not_exists(readAt))',
          ProjectionExpression: 'pk',
          ExpressionAttributeValues: { ':head': '#head', ':portal': '33#', ':living': 'living' },
        },
        {
          FilterExpression: 'begins_with(sk, :signal)',
          ExpressionAttributeValues: { ':signal': 'signal#' },
        },
      ]),
      ConsistentRead: true,
      ...(this.#random.isLucky(0.5) && { Limit: this.#random.between(1, 7) }),
    };
  }
}

interface HeadUpdate {
  readonly update: string;
  readonly condition?: string;
  readonly names?: Record<string, string>;
  readonly values: Values;
}

/** Names and values that the parts of one expression share. */
class Words {
  readonly names: Record<string, string> = {};
  readonly values: Values = {};

  /** Some with a placeholder, some without. */
  name(attribute: string): string {
    if (attribute.startsWith('c') || attribute.startsWith('w')) return attribute;
    this.names[`#${attribute}`] = attribute;
    return `#${attribute}`;
  }

  value(value: unknown): string {
    const name = `:v${Object.keys(this.values).length}`;
    this.values[name] = value;
    return name;
  }
}

function isPlain(text: string): boolean {
  return !/[\ud800-\uffff]/.test(text);
}

/** The order of their bytes in UTF-8. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
