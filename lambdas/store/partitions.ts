import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { FACTS_PER_FOLD, type Fact, type PropertyValue } from '../scoring/facts.ts';
import { TOUCH } from '../scoring/touches.ts';
import { isIdentityKey } from './keys.ts';
import {
  BEHIND_PROPERTIES,
  factAttributes,
  factSortKey,
  HEAD,
  type Head,
  NO_HEAD,
  PROPERTY,
  readFact,
  readHead,
  readProperty,
  SIGNAL,
  VIA,
  VISIT,
} from './rows.ts';

/** Writes under way at once for one partition. */
const WRITES_AT_ONCE = 8;
const DAY_MS = 86_400_000;
/** Days for which facts wait to learn whose they are. */
const WAITING_DAYS = 30;

export interface PartitionOptions {
  readonly client: Pick<DynamoDBDocumentClient, 'send'>;
  readonly tableName: string;
  readonly portalId: string;
  /** Days a fact is kept. */
  readonly factRetentionDays: number;
  readonly clock: () => number;
}

/** The first row of a partition and what stands right behind it, read in this order. */
export interface Beginning {
  readonly head: Head;
  readonly properties: PropertyValue[];
}

/** The rows of the table, partition by partition: how they are kept, read in order, moved and swept away. */
export class Partitions {
  readonly #options: PartitionOptions;

  constructor(options: PartitionOptions) {
    this.#options = options;
  }

  /** @returns those of the facts that were new */
  async keep(key: string, facts: readonly Fact[], properties: readonly PropertyValue[]): Promise<Fact[]> {
    const areNew = await pMap(facts, (fact) => this.#keepFact(key, fact), { concurrency: WRITES_AT_ONCE });
    await pMap(properties, (property) => this.#keepProperty(key, property), { concurrency: WRITES_AT_ONCE });
    return facts.filter((_, at) => areNew[at]);
  }

  async #keepFact(key: string, fact: Fact): Promise<boolean> {
    return this.ifHolds(
      new PutCommand({
        TableName: this.#options.tableName,
        Item: {
          pk: key,
          sk: factSortKey(fact),
          ...factAttributes(fact),
          ...this.#expiryOf(fact),
          ...this.expiryOfWaiting(key),
        },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
  }

  /** Visits stay: what is shown of them must not change because time passes. */
  #expiryOf({ name, occurredAtMs }: Fact): { expiresAt?: number } {
    if (name === TOUCH) return {};
    return { expiresAt: Math.ceil((occurredAtMs + this.#options.factRetentionDays * DAY_MS) / 1000) };
  }

  async #keepProperty(key: string, { name, value, occurredAtMs }: PropertyValue): Promise<void> {
    await this.ifHolds(
      new PutCommand({
        TableName: this.#options.tableName,
        Item: {
          pk: key,
          sk: `${PROPERTY}${name}`,
          value,
          at: occurredAtMs,
          ...this.expiryOfWaiting(key),
        },
        ConditionExpression: 'attribute_not_exists(pk) OR #at < :at OR (#at = :at AND #value < :value)',
        ExpressionAttributeNames: { '#at': 'at', '#value': 'value' },
        ExpressionAttributeValues: { ':at': occurredAtMs, ':value': value },
      }),
    );
  }

  /** What waits to learn whose it is waits from now, however long ago it happened. */
  expiryOfWaiting(key: string): { expiresAt?: number } {
    const { portalId, clock } = this.#options;
    if (!isIdentityKey(key, portalId)) return {};
    return { expiresAt: Math.ceil((clock() + WAITING_DAYS * DAY_MS) / 1000) };
  }

  /** Notes that an e-mail address or a browser, by its partition, is a contact's own. */
  async putVia(key: string, identityKey: string): Promise<void> {
    await this.#put(key, `${VIA}${identityKey}`);
  }

  /** The opposite of `putVia`. */
  async removeVia(key: string, identityKey: string): Promise<void> {
    await this.#delete(key, `${VIA}${identityKey}`);
  }

  async #put(key: string, sk: string): Promise<void> {
    const Item = { pk: key, sk, ...this.expiryOfWaiting(key) };
    await this.send(new PutCommand({ TableName: this.#options.tableName, Item }));
  }

  /** The head row, and the properties read after it. */
  async beginning(key: string): Promise<Beginning> {
    const rows = await this.#query(key, HEAD, BEHIND_PROPERTIES);
    const [first, ...rest] = rows;
    if (first?.['sk'] !== HEAD) return { head: NO_HEAD, properties: rows.map(readProperty) };
    return { head: readHead(first), properties: rest.map(readProperty) };
  }

  /** The newest {@link FACTS_PER_FOLD} facts, and as many visits; to be read after the head. One query, unless there are more in all. */
  async newestFacts(key: string): Promise<{ readonly facts: Fact[]; readonly touches: Fact[] }> {
    const rows = await this.#newest(key, SIGNAL, VISIT);
    const all = rows.map(readFact);
    const touches = all.filter(({ name }) => name === TOUCH);
    const facts = all.filter(({ name }) => name !== TOUCH);
    if (touches.length === 0 || all.length < FACTS_PER_FOLD) return { facts, touches };
    return { facts: (await this.#newest(key, SIGNAL, SIGNAL)).map(readFact), touches };
  }

  /** The newest {@link FACTS_PER_FOLD} visits. */
  async newestTouches(key: string): Promise<Fact[]> {
    return (await this.#newest(key, VISIT, VISIT)).map(readFact);
  }

  #newest(key: string, from: string, to: string): Promise<Record<string, unknown>[]> {
    return this.#query(key, from, `${to}~`, { newestFirst: true, limit: FACTS_PER_FOLD });
  }

  /** The partitions of e-mail addresses and browsers that are the contact's own. */
  async vias(key: string): Promise<string[]> {
    const rows = await this.#query(key, VIA, `${VIA}~`);
    return rows.map(({ sk }) => String(sk).slice(VIA.length));
  }

  /** Moves everything behind the head to another partition. Each row stands in one of the two at any time, or in both. */
  async move(key: string, target: string): Promise<void> {
    const isIdentity = isIdentityKey(key, this.#options.portalId);
    await this.#empty(key, async (row, sk) => {
      if (sk.startsWith(VIA)) await this.#moveVia(key, sk, target);
      else if (sk.startsWith(SIGNAL) || sk.startsWith(VISIT)) await this.#keepFact(target, readFact(row));
      // What an old record was says nothing of the living one; what was said of who waited does.
      else if (isIdentity) await this.#keepProperty(target, readProperty(row));
    });
  }

  /** A browser that was an address's becomes the contact's own, and for good: also when somebody else has the address one day. */
  async #moveVia(key: string, sk: string, target: string): Promise<void> {
    await this.#put(target, sk);
    if (!isIdentityKey(key, this.#options.portalId) || isIdentityKey(target, this.#options.portalId)) return;
    await this.ifHolds(
      new UpdateCommand({
        TableName: this.#options.tableName,
        Key: { pk: sk.slice(VIA.length), sk: HEAD },
        UpdateExpression: 'SET alias = :target REMOVE expiresAt',
        ConditionExpression: 'alias = :key',
        ExpressionAttributeValues: { ':target': target, ':key': key },
      }),
    );
  }

  /** Deletes everything behind the head, and the partitions of e-mail addresses and browsers that are the contact's own. */
  async sweep(key: string): Promise<void> {
    await this.#empty(key, async (_row, sk) => {
      if (!sk.startsWith(VIA)) return;
      const identityKey = sk.slice(VIA.length);
      await this.sweep(identityKey);
      await this.#delete(identityKey, HEAD);
    });
  }

  async #empty(
    key: string,
    first: (row: Record<string, unknown>, sk: string) => Promise<void>,
  ): Promise<void> {
    const rows = await this.#query(key, PROPERTY, `${VIA}~`);
    await pMap(
      rows,
      async (row) => {
        const sk = String(row['sk']);
        await first(row, sk);
        await (sk.startsWith(PROPERTY) ? this.#deleteUnchanged(key, row) : this.#delete(key, sk));
      },
      { concurrency: WRITES_AT_ONCE },
    );
  }

  /** A property may have got a newer value since it was read: then it stays, and whoever kept that value comes after it. */
  async #deleteUnchanged(key: string, { sk, at, value }: Record<string, unknown>): Promise<void> {
    await this.ifHolds(
      new DeleteCommand({
        TableName: this.#options.tableName,
        Key: { pk: key, sk },
        ConditionExpression: '#at = :at AND #value = :value',
        ExpressionAttributeNames: { '#at': 'at', '#value': 'value' },
        ExpressionAttributeValues: { ':at': at, ':value': value },
      }),
    );
  }

  async #delete(key: string, sk: string): Promise<void> {
    await this.send(new DeleteCommand({ TableName: this.#options.tableName, Key: { pk: key, sk } }));
  }

  /** Rows of a partition from one sort key to another, both included, strongly consistent, page by page. */
  async #query(
    key: string,
    from: string,
    to: string,
    { newestFirst, limit } = { newestFirst: false, limit: Number.POSITIVE_INFINITY },
  ): Promise<Record<string, unknown>[]> {
    const rows: Record<string, unknown>[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await this.send(
        new QueryCommand({
          TableName: this.#options.tableName,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: { ':pk': key, ':from': from, ':to': to },
          ConsistentRead: true,
          ScanIndexForward: !newestFirst,
          ...(Number.isFinite(limit) && { Limit: limit - rows.length }),
          ExclusiveStartKey,
        }),
      );
      rows.push(...Items);
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined && rows.length < limit);
    return rows;
  }

  /** Sends a conditional write. @returns whether the condition held */
  async ifHolds(command: PutCommand | UpdateCommand | DeleteCommand): Promise<boolean> {
    try {
      // The union is narrowed so that the client's overloads apply.
      if (command instanceof PutCommand) await this.send(command);
      else if (command instanceof UpdateCommand) await this.send(command);
      else await this.send(command);
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  get send(): DynamoDBDocumentClient['send'] {
    return this.#options.client.send.bind(this.#options.client);
  }
}
