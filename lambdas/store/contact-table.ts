import { BatchGetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { chunks } from '../chunks.ts';
import { RetryableError } from '../errors.ts';
import type { Fact, Known, PropertyValue } from '../scoring/facts.ts';
import type { Scored } from '../scoring/score.ts';
import type { Shown } from '../scoring/show.ts';
import { contactIdOf, contactKey, dueKey, isIdentityKey } from './keys.ts';
import { type Beginning, type PartitionOptions, Partitions } from './partitions.ts';
import { HEAD, type Head, readHead, SCORE_ATTRIBUTES, scoreAttributes } from './rows.ts';

/** How often a store is tried again after somebody else stored first. Each try sees the other's facts. */
const STORE_TRIES = 12;
/** Longest chain of merged records that is followed. */
const ALIAS_HOPS = 10;
/** BatchGetItem takes this many keys (DynamoDB API reference, read 2026-11). */
const KEYS_PER_GET = 100;

/** A contact as it stands after a store: its own id, which a merge may have changed. */
export interface Standing {
  readonly contactId: string;
  readonly head: Head;
}

/** What a fold is given: all that is known, and what was shown last. */
export type ScoreKnown = (contactId: string, known: Known, previous: Shown | undefined) => Scored;

/** Facts and scores, one partition per contact. Holds no state of its own: all truth is in the rows. */
export class ContactTable {
  readonly #tableName: string;
  readonly #portalId: string;
  readonly #rows: Partitions;

  constructor(options: PartitionOptions) {
    this.#tableName = options.tableName;
    this.#portalId = options.portalId;
    this.#rows = new Partitions(options);
  }

  /**
   * Keeps facts and property values. The same fact is the same row and stays as it is; of a property the newest value stays.
   *
   * @param key - partition: a contact, a company or deal, or an e-mail address that nobody is known by yet
   * @returns how many of the facts were new
   */
  keep(key: string, facts: readonly Fact[], properties: readonly PropertyValue[]): Promise<number> {
    return this.#rows.keep(key, facts, properties);
  }

  /**
   * Reads a contact, folds, and stores the score, on condition that nobody stored in between; else reads again.
   *
   * The head is read before the facts and raised by every store, also when nothing changed: whoever kept a fact after this
   * reading began will read the head afterwards, and one of the two stores fails and sees both.
   *
   * @param readAtMs - when HubSpot's properties were read, if they just were; they then count as known
   * @returns the contact under its living id, or undefined when it is erased, or an address that nobody is known by
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
      const contactId = contactIdOf(living.key, this.#portalId);
      if (contactId === undefined) return undefined;
      const { head, properties } = living;
      const facts = await this.#rows.newestFacts(living.key);
      const scored = scoreKnown(contactId, { properties, facts }, head.shown);
      const next: Head = {
        ...head,
        revision: head.revision + 1,
        shown: scored.shown,
        writeId: scored.writeId,
        shownAtMs: scored.writeId === head.writeId ? head.shownAtMs : nowMs,
        lastSignalAtMs: scored.lastSignalAtMs,
        readAtMs: readAtMs ?? head.readAtMs,
        due: scored.dueNight && dueKey(this.#portalId, scored.dueNight, contactId),
      };
      if (await this.#storeScore(living.key, next)) return { contactId, head: next };
    }
    throw new RetryableError(`others stored ${STORE_TRIES} times before this one`);
  }

  async #storeScore(key: string, next: Head): Promise<boolean> {
    const values = scoreAttributes(next);
    const set = Object.entries(values).filter(([, value]) => value !== undefined);
    const gone = Object.entries(values).filter(([, value]) => value === undefined);
    const remove = gone.length === 0 ? '' : ` REMOVE ${gone.map(([name]) => `#${name}`).join(', ')}`;
    return this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
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

  /** What is known of a contact now, and its head. @returns undefined for a partition that was never scored */
  async read(key: string): Promise<{ head: Head; known: Known } | undefined> {
    const { head, properties } = await this.#rows.beginning(key);
    if (head.revision === 0) return undefined;
    return { head, known: { properties, facts: await this.#rows.newestFacts(key) } };
  }

  /** Heads of many contacts, strongly consistent. @returns by key; keys without a row are left out */
  async heads(keys: readonly string[]): Promise<Map<string, Head>> {
    const heads = new Map<string, Head>();
    let wanted = [...new Set(keys)].map((pk) => ({ pk, sk: HEAD }));
    for (let attempt = 0; wanted.length > 0; attempt++) {
      if (attempt === STORE_TRIES) throw new RetryableError('DynamoDB keeps leaving keys unread');
      const left: typeof wanted = [];
      for (const Keys of chunks(wanted, KEYS_PER_GET)) {
        const { Responses, UnprocessedKeys } = await this.#rows.send(
          new BatchGetCommand({ RequestItems: { [this.#tableName]: { Keys, ConsistentRead: true } } }),
        );
        for (const row of Responses?.[this.#tableName] ?? []) heads.set(String(row['pk']), readHead(row));
        const unread = UnprocessedKeys?.[this.#tableName]?.Keys ?? [];
        left.push(...unread.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) })));
      }
      wanted = left;
    }
    return heads;
  }

  /**
   * Notes that HubSpot took a write, on condition that it is still what is to be shown, and has been ever since it was sent: what
   * was overtaken and came back may not be what HubSpot shows.
   *
   * @param sent - the head from which the write was made
   * @returns false when something newer is to be shown by now
   */
  async confirm(key: string, { writeId, shownAtMs }: Pick<Head, 'writeId' | 'shownAtMs'>): Promise<boolean> {
    if (writeId === undefined || shownAtMs === undefined) return false;
    return this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET cwid = :wid',
        ConditionExpression: 'wid = :wid AND shownAt = :shownAt',
        ExpressionAttributeValues: { ':wid': writeId, ':shownAt': shownAtMs },
      }),
    );
  }

  /** Follows merges to the record that lives, moving on the way what was kept under an old id. */
  async #living(key: string): Promise<({ key: string } & Beginning) | undefined> {
    let at = key;
    for (let hop = 0; hop <= ALIAS_HOPS; hop++) {
      const { head, properties } = await this.#rows.beginning(at);
      if (head.life === 'erased') {
        await this.#rows.sweep(at);
        return undefined;
      }
      if (head.alias === undefined) return { key: at, head, properties };
      if (await this.#isToBeResolved(at, head.alias)) return undefined;
      await this.#rows.move(at, head.alias);
      at = head.alias;
    }
    throw new RetryableError(`merged more than ${ALIAS_HOPS} times in a row`);
  }

  /** Whether an address was a contact's that is deleted by now: another contact may have it, so what is heard waits again. */
  async #isToBeResolved(key: string, alias: string): Promise<boolean> {
    if (!isIdentityKey(key, this.#portalId)) return false;
    return (await this.#rows.beginning(alias)).head.life === 'deleted';
  }

  /**
   * Makes a partition an alias of another, then moves its facts there: whoever keeps a fact under the old key later finds the
   * alias and moves it too. The living head lists the old id. Afterwards the target is to be scored.
   *
   * @param key - partition of an old record, or of an e-mail address; where it is an alias of a third one already, that one
   *   is united, but an address belongs to whom it was found with last
   * @param target - partition of the living contact
   */
  async unite(key: string, target: string): Promise<void> {
    let at = key;
    for (let hop = 0; hop <= ALIAS_HOPS; hop++) {
      const { head } = await this.#rows.beginning(at);
      if (head.life === 'erased' || (await this.#leadsTo(target, at))) return;
      const isIdentity = isIdentityKey(at, this.#portalId);
      const isNew = head.alias === undefined || (isIdentity && head.alias !== target);
      const alias = isNew ? await this.#makeAlias(at, target, isIdentity) : head.alias;
      if (alias === target) {
        if (isIdentity) await this.#rows.putVia(target, at);
        else await this.#listOldId(target, contactIdOf(at, this.#portalId) ?? '');
        return this.#rows.move(at, target);
      }
      await this.#rows.move(at, alias);
      at = alias;
    }
    throw new RetryableError(`merged more than ${ALIAS_HOPS} times in a row`);
  }

  /** Whether following aliases from one partition ends at another: a ring must never form. */
  async #leadsTo(from: string, to: string): Promise<boolean> {
    let at: string | undefined = from;
    for (let hop = 0; hop <= ALIAS_HOPS && at !== undefined; hop++) {
      if (at === to) return true;
      at = (await this.#rows.beginning(at)).head.alias;
    }
    return false;
  }

  /** An alias has no score of its own. @returns what the partition is an alias of: somebody else may have been first */
  async #makeAlias(key: string, target: string, isReplacing: boolean): Promise<string> {
    const alias = isReplacing ? ':target' : 'if_not_exists(alias, :target)';
    const { Attributes } = await this.#rows.send(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: `SET alias = ${alias} ADD rev :one REMOVE ${NO_SCORE.names}`,
        ExpressionAttributeNames: NO_SCORE.attributes,
        ExpressionAttributeValues: { ':target': target, ':one': 1 },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return readHead(Attributes).alias ?? target;
  }

  async #listOldId(target: string, oldId: string): Promise<void> {
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
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

  /**
   * Notes that HubSpot deleted or restored the record; the newest of these wins, in whatever order they are heard. Of two at
   * the same instant the restoring is the later: only what was deleted is restored.
   *
   * @param atMs - epoch milliseconds at which it happened
   */
  async mark(key: string, life: 'living' | 'deleted', atMs: number): Promise<void> {
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET life = :life, lifeAt = :at ADD rev :one',
        ConditionExpression:
          'attribute_not_exists(life) OR (life <> :erased AND (lifeAt < :at OR (lifeAt = :at AND life < :life)))',
        ExpressionAttributeValues: { ':life': life, ':at': atMs, ':one': 1, ':erased': 'erased' },
      }),
    );
  }

  /**
   * Notes that what HubSpot says of a contact changed after we last read it: it is to be read again.
   *
   * @param atMs - epoch milliseconds of the change; nothing happens when the contact was read later
   */
  async forgetReading(key: string, atMs: number): Promise<void> {
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'ADD rev :one REMOVE readAt',
        ConditionExpression: 'readAt < :at',
        ExpressionAttributeValues: { ':at': atMs, ':one': 1 },
      }),
    );
  }

  /**
   * Privacy deletion: marks the head, then removes everything but the heads, which keep ids only, of the contact, of all
   * records merged with it, and of the e-mail addresses it was known by. Never undone; who keeps a fact later finds the mark
   * and removes it.
   */
  async erase(key: string): Promise<void> {
    const united = new Set([key]); // Grows while it is walked; HubSpot merges at most 250 records into one.
    for (const each of united) {
      const { Attributes } = await this.#rows.send(
        new UpdateCommand({
          TableName: this.#tableName,
          Key: { pk: each, sk: HEAD },
          UpdateExpression: `SET life = :erased ADD rev :one REMOVE ${NO_SCORE.names}`,
          ExpressionAttributeNames: NO_SCORE.attributes,
          ExpressionAttributeValues: { ':erased': 'erased', ':one': 1 },
          ReturnValues: 'ALL_NEW',
        }),
      );
      await this.#rows.sweep(each);
      const { alias, oldIds } = readHead(Attributes);
      if (alias !== undefined) united.add(alias);
      for (const id of oldIds) united.add(contactKey(this.#portalId, id));
    }
  }
}

/** Takes everything from a head that a score ever put there. */
const NO_SCORE = {
  names: SCORE_ATTRIBUTES.map((name) => `#${name}`).join(', '),
  attributes: Object.fromEntries(SCORE_ATTRIBUTES.map((name) => [`#${name}`, name])),
};
