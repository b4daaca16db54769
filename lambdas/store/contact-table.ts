import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { RetryableError } from '../errors.ts';
import { chunks } from '../chunks.ts';
import pMap from 'p-map';
import { type Fact, FACTS_PER_FOLD, type Known, type PropertyValue } from '../scoring/facts.ts';
import type { Scored } from '../scoring/score.ts';
import type { Shown } from '../scoring/show.ts';
import { contactIdOf, contactKey, dueKey } from './keys.ts';
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
  SCORE_ATTRIBUTES,
  scoreAttributes,
  SIGNAL,
  VIA,
} from './rows.ts';

/** How often a store is tried again after somebody else stored first. Each try sees the other's facts. */
const STORE_TRIES = 12;
/** Longest chain of merged records that is followed. */
const ALIAS_HOPS = 10;
/** Writes under way at once for one contact. */
const WRITES_AT_ONCE = 8;
/** BatchGetItem takes this many keys (DynamoDB API reference, read 2026-11). */
const KEYS_PER_GET = 100;
const DAY_MS = 86_400_000;
/** Days for which facts wait to learn whose they are. */
const WAITING_DAYS = 30;

export interface ContactTableOptions {
  readonly client: Pick<DynamoDBDocumentClient, 'send'>;
  readonly tableName: string;
  readonly portalId: string;
  /** Days a fact is kept. */
  readonly factRetentionDays: number;
  readonly clock: () => number;
}

/** A contact as it stands after a store: its own id, which a merge may have changed. */
export interface Standing {
  readonly contactId: string;
  readonly head: Head;
}

/** What a fold is given: all that is known, and what was shown last. */
export type ScoreKnown = (contactId: string, known: Known, previous: Shown | undefined) => Scored;

/** Facts and scores, one partition per contact. Holds no state of its own: all truth is in the rows. */
export class ContactTable {
  readonly #options: ContactTableOptions;

  constructor(options: ContactTableOptions) {
    this.#options = options;
  }

  /**
   * Keeps facts and property values. The same fact is the same row and stays as it is; of a property the newest value stays.
   *
   * @param key - partition: a contact, a company or deal, or an e-mail address that nobody is known by yet
   * @returns how many of the facts were new
   */
  async keep(key: string, facts: readonly Fact[], properties: readonly PropertyValue[]): Promise<number> {
    const kept = await pMap(facts, (fact) => this.#keepFact(key, fact), { concurrency: WRITES_AT_ONCE });
    await pMap(properties, (property) => this.#keepProperty(key, property), { concurrency: WRITES_AT_ONCE });
    return kept.filter(Boolean).length;
  }

  async #keepFact(key: string, fact: Fact): Promise<boolean> {
    const { factRetentionDays, portalId, clock } = this.#options;
    const keptUntilMs =
      contactIdOf(key, portalId) === undefined
        ? clock() + WAITING_DAYS * DAY_MS
        : fact.occurredAtMs + factRetentionDays * DAY_MS;
    const expiresAt = Math.ceil(keptUntilMs / 1000);
    const Item = { pk: key, sk: factSortKey(fact), ...factAttributes(fact), expiresAt };
    return this.#ifHolds(
      new PutCommand({
        TableName: this.#options.tableName,
        Item,
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
  }

  async #keepProperty(key: string, { name, value, occurredAtMs }: PropertyValue): Promise<void> {
    await this.#ifHolds(
      new PutCommand({
        TableName: this.#options.tableName,
        Item: { pk: key, sk: `${PROPERTY}${name}`, value, at: occurredAtMs },
        ConditionExpression: 'attribute_not_exists(pk) OR #at < :at OR (#at = :at AND #value < :value)',
        ExpressionAttributeNames: { '#at': 'at', '#value': 'value' },
        ExpressionAttributeValues: { ':at': occurredAtMs, ':value': value },
      }),
    );
  }

  /**
   * Reads a contact, folds, and stores the score, on condition that nobody stored in between; else reads again.
   *
   * The head is read before the facts and raised by every store, also when nothing changed: whoever kept a fact after this
   * reading began will read the head afterwards, and one of the two stores fails and sees both.
   *
   * @param readAtMs - when HubSpot's properties were read, if they just were; they then count as known
   * @returns the contact under its living id, or undefined when it is erased
   * @throws RetryableError when others kept storing first
   */
  async rescore(
    key: string,
    scoreKnown: ScoreKnown,
    nowMs: number,
    readAtMs?: number,
  ): Promise<Standing | undefined> {
    for (let attempt = 0; attempt < STORE_TRIES; attempt++) {
      const living = await this.#living(key);
      if (living === undefined) return undefined;
      const contactId = contactIdOf(living.key, this.#options.portalId);
      if (contactId === undefined) return undefined;
      const { head, known } = await this.#read(living.key, living.head, living.properties);
      const scored = scoreKnown(contactId, known, head.shown);
      const next: Head = {
        ...head,
        revision: head.revision + 1,
        shown: scored.shown,
        writeId: scored.writeId,
        shownAtMs: scored.writeId === head.writeId ? head.shownAtMs : nowMs,
        lastSignalAtMs: scored.lastSignalAtMs,
        readAtMs: readAtMs ?? head.readAtMs,
        due: scored.dueNight && dueKey(this.#options.portalId, scored.dueNight, contactId),
      };
      if (await this.#storeScore(living.key, next)) return { contactId, head: next };
    }
    throw new RetryableError(`others stored ${STORE_TRIES} times before this one`);
  }

  /** What is known of a contact now, and its head. @returns undefined for a partition that was never scored */
  async read(key: string): Promise<{ head: Head; known: Known } | undefined> {
    const { head, properties } = await this.#headAndProperties(key);
    return head.revision === 0 ? undefined : this.#read(key, head, properties);
  }

  async #read(key: string, head: Head, properties: PropertyValue[]): Promise<{ head: Head; known: Known }> {
    const facts = await this.#query(key, SIGNAL, `${SIGNAL}~`, {
      newestFirst: true,
      limit: FACTS_PER_FOLD,
    });
    return { head, known: { properties, facts: facts.map(readFact) } };
  }

  async #headAndProperties(key: string): Promise<{ head: Head; properties: PropertyValue[] }> {
    const rows = await this.#query(key, HEAD, BEHIND_PROPERTIES, {
      newestFirst: false,
      limit: Number.POSITIVE_INFINITY,
    });
    const [first, ...rest] = rows;
    if (first?.['sk'] !== HEAD) return { head: NO_HEAD, properties: rows.map(readProperty) };
    return { head: readHead(first), properties: rest.map(readProperty) };
  }

  /** Follows merges to the record that lives, moving on the way what was kept under an old id. */
  async #living(key: string): Promise<{ key: string; head: Head; properties: PropertyValue[] } | undefined> {
    let at = key;
    for (let hop = 0; hop <= ALIAS_HOPS; hop++) {
      const { head, properties } = await this.#headAndProperties(at);
      if (head.life === 'erased') {
        await this.#sweep(at);
        return undefined;
      }
      if (head.alias === undefined) return { key: at, head, properties };
      await this.#move(at, head.alias);
      at = head.alias;
    }
    throw new RetryableError(`merged more than ${ALIAS_HOPS} times in a row`);
  }

  /**
   * Makes a partition an alias of another, then moves its facts there: whoever keeps a fact under the old key later finds the
   * alias and moves it too. The living head lists the old id.
   *
   * @param key - partition of an old record, or of an e-mail address
   * @param target - partition of the living contact
   */
  async unite(key: string, target: string): Promise<void> {
    if (key === target) return;
    const { head } = await this.#headAndProperties(key);
    if (head.life === 'erased' || (await this.#leadsTo(target, key))) return;
    if (head.alias === undefined) {
      await this.#send(
        new UpdateCommand({
          TableName: this.#options.tableName,
          Key: { pk: key, sk: HEAD },
          UpdateExpression: 'SET alias = if_not_exists(alias, :target) ADD rev :one REMOVE due',
          ExpressionAttributeValues: { ':target': target, ':one': 1 },
        }),
      );
    }
    const oldId = contactIdOf(key, this.#options.portalId);
    if (oldId === undefined) await this.#send(this.#putVia(target, `${VIA}${key}`));
    else await this.#listOldId(target, oldId);
    await this.#move(key, target);
  }

  /** Whether following aliases from one partition ends at another: a ring must never form. */
  async #leadsTo(from: string, to: string): Promise<boolean> {
    let at: string | undefined = from;
    for (let hop = 0; hop <= ALIAS_HOPS && at !== undefined; hop++) {
      if (at === to) return true;
      at = (await this.#headAndProperties(at)).head.alias;
    }
    return false;
  }

  async #listOldId(target: string, oldId: string): Promise<void> {
    await this.#ifHolds(
      new UpdateCommand({
        TableName: this.#options.tableName,
        Key: { pk: target, sk: HEAD },
        // Properties are read afresh from the living record, so readAt goes.
        UpdateExpression:
          'SET #old = list_append(if_not_exists(#old, :none), :ids) ADD rev :one REMOVE readAt',
        ConditionExpression: 'attribute_not_exists(#old) OR NOT contains(#old, :id)',
        ExpressionAttributeNames: { '#old': 'old' },
        ExpressionAttributeValues: { ':ids': [oldId], ':id': oldId, ':none': [], ':one': 1 },
      }),
    );
  }

  #putVia(key: string, sk: string): PutCommand {
    return new PutCommand({ TableName: this.#options.tableName, Item: { pk: key, sk } });
  }

  async #move(key: string, target: string): Promise<void> {
    const rows = await this.#query(key, PROPERTY, `${VIA}~`, {
      newestFirst: false,
      limit: Number.POSITIVE_INFINITY,
    });
    const isContact = contactIdOf(key, this.#options.portalId) !== undefined;
    await pMap(
      rows,
      async (row) => {
        const sk = String(row['sk']);
        if (sk.startsWith(VIA)) await this.#send(this.#putVia(target, sk));
        else if (sk.startsWith(SIGNAL)) await this.#keepFact(target, readFact(row));
        // What an old record was says nothing of the living one; what was said of an e-mail address does.
        else if (!isContact) await this.#keepProperty(target, readProperty(row));
        await this.#delete(key, sk);
      },
      { concurrency: WRITES_AT_ONCE },
    );
  }

  /**
   * Notes that HubSpot deleted or restored the record; the newest of these wins, in whatever order they are heard.
   *
   * @param atMs - epoch milliseconds at which it happened
   */
  async mark(key: string, life: 'living' | 'deleted', atMs: number): Promise<void> {
    await this.#ifHolds(
      new UpdateCommand({
        TableName: this.#options.tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET life = :life, lifeAt = :at ADD rev :one',
        ConditionExpression:
          '(attribute_not_exists(life) OR life <> :erased) AND (attribute_not_exists(lifeAt) OR lifeAt < :at)',
        ExpressionAttributeValues: { ':life': life, ':at': atMs, ':one': 1, ':erased': 'erased' },
      }),
    );
  }

  /**
   * Privacy deletion: marks the head, then removes everything but the heads, which keep ids only, of the contact, of the records
   * merged into it, and of the e-mail addresses it was known by. Never undone; who keeps a fact later finds the mark and removes it.
   */
  async erase(key: string): Promise<void> {
    const { head } = await this.#headAndProperties(key);
    for (const each of [key, ...head.oldIds.map((id) => contactKey(this.#options.portalId, id))]) {
      await this.#send(
        new UpdateCommand({
          TableName: this.#options.tableName,
          Key: { pk: each, sk: HEAD },
          UpdateExpression: `SET life = :erased ADD rev :one REMOVE ${SCORE_ATTRIBUTES.map((name) => `#${name}`).join(', ')}`,
          ExpressionAttributeNames: Object.fromEntries(SCORE_ATTRIBUTES.map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: { ':erased': 'erased', ':one': 1 },
        }),
      );
      await this.#sweep(each);
    }
  }

  async #sweep(key: string): Promise<void> {
    const rows = await this.#query(key, PROPERTY, `${VIA}~`, {
      newestFirst: false,
      limit: Number.POSITIVE_INFINITY,
    });
    await pMap(
      rows,
      async (row) => {
        const sk = String(row['sk']);
        if (sk.startsWith(VIA)) {
          await this.#sweep(sk.slice(VIA.length));
          await this.#delete(sk.slice(VIA.length), HEAD);
        }
        await this.#delete(key, sk);
      },
      { concurrency: WRITES_AT_ONCE },
    );
  }

  /** Heads of many contacts, strongly consistent. @returns by key; keys without a row are left out */
  async heads(keys: readonly string[]): Promise<Map<string, Head>> {
    const { tableName } = this.#options;
    const heads = new Map<string, Head>();
    let wanted = [...new Set(keys)].map((pk) => ({ pk, sk: HEAD }));
    for (let attempt = 0; wanted.length > 0; attempt++) {
      if (attempt === STORE_TRIES) throw new RetryableError('DynamoDB keeps leaving keys unread');
      const left: typeof wanted = [];
      for (const Keys of chunks(wanted, KEYS_PER_GET)) {
        const { Responses, UnprocessedKeys } = await this.#send(
          new BatchGetCommand({ RequestItems: { [tableName]: { Keys, ConsistentRead: true } } }),
        );
        for (const row of Responses?.[tableName] ?? []) heads.set(String(row['pk']), readHead(row));
        const unread = UnprocessedKeys?.[tableName]?.Keys ?? [];
        left.push(...unread.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) })));
      }
      wanted = left;
    }
    return heads;
  }

  /**
   * Notes that HubSpot took a write, on condition that it is still what is to be shown.
   *
   * @returns false when something newer is to be shown by now
   */
  async confirm(key: string, writeId: string): Promise<boolean> {
    return this.#ifHolds(
      new UpdateCommand({
        TableName: this.#options.tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET cwid = :wid',
        ConditionExpression: 'wid = :wid',
        ExpressionAttributeValues: { ':wid': writeId },
      }),
    );
  }

  async #storeScore(key: string, next: Head): Promise<boolean> {
    const values = scoreAttributes(next);
    const set = Object.entries(values).filter(([, value]) => value !== undefined);
    const gone = Object.entries(values).filter(([, value]) => value === undefined);
    const remove = gone.length === 0 ? '' : ` REMOVE ${gone.map(([name]) => `#${name}`).join(', ')}`;
    return this.#ifHolds(
      new UpdateCommand({
        TableName: this.#options.tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}${remove}`,
        ConditionExpression: next.revision === 1 ? 'attribute_not_exists(pk)' : '#rev = :before',
        ExpressionAttributeNames: Object.fromEntries(Object.keys(values).map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: {
          ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
          ...(next.revision > 1 && { ':before': next.revision - 1 }),
        },
      }),
    );
  }

  /** Whether facts wait in the partition of an e-mail address to learn whose they are. */
  async isWaiting(key: string): Promise<boolean> {
    const rows = await this.#query(key, PROPERTY, `${SIGNAL}~`, { newestFirst: false, limit: 1 });
    return rows.length > 0;
  }

  /** Rows of a partition from one sort key to another, both included, strongly consistent, page by page. */
  async #query(
    key: string,
    from: string,
    to: string,
    { newestFirst, limit }: { newestFirst: boolean; limit: number },
  ): Promise<Record<string, unknown>[]> {
    const rows: Record<string, unknown>[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await this.#send(
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

  async #delete(key: string, sk: string): Promise<void> {
    await this.#send(new DeleteCommand({ TableName: this.#options.tableName, Key: { pk: key, sk } }));
  }

  /** Sends a conditional write. @returns whether the condition held */
  async #ifHolds(command: PutCommand | UpdateCommand): Promise<boolean> {
    try {
      // The union is narrowed so that the client's overloads apply.
      await (command instanceof PutCommand ? this.#send(command) : this.#send(command));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  get #send(): DynamoDBDocumentClient['send'] {
    return this.#options.client.send.bind(this.#options.client);
  }
}
