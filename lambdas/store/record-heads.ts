import { BatchGetCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { chunks } from '../chunks.ts';
import { RetryableError } from '../errors.ts';
import { companyIdOf, contactIdOf, dealIdOf, isIdentityKey } from './keys.ts';
import type { Beginning, PartitionOptions, Partitions } from './partitions.ts';
import {
  HEAD,
  type Head,
  LIVING_ATTRIBUTES,
  PROPERTY,
  type Reconciled,
  readHead,
  readProperty,
  reconciledAttributes,
  rollPlace,
  SCORE_ATTRIBUTES,
  type Writes,
} from './rows.ts';

/** Longest chain of merged records that is followed. */
export const ALIAS_HOPS = 10;
/** BatchGetItem takes this many keys (DynamoDB API reference, read 2026-11). */
const KEYS_PER_GET = 100;
/** How often keys are asked for that DynamoDB left unread. */
const READ_TRIES = 12;

/** The first rows of partitions, of contacts as of companies and deals: what became of the record, and what HubSpot confirmed. */
export class RecordHeads {
  readonly #tableName: string;
  readonly #portalId: string;
  readonly #rows: Partitions;

  constructor({ tableName, portalId }: PartitionOptions, rows: Partitions) {
    this.#tableName = tableName;
    this.#portalId = portalId;
    this.#rows = rows;
  }

  /** Head rows of many partitions, strongly consistent. @returns by key; keys without a row are left out */
  read(keys: readonly string[]): Promise<Map<string, Record<string, unknown>>> {
    return this.#readRows(keys, HEAD);
  }

  /** One property of many partitions, strongly consistent. @returns by key; keys without a value are left out */
  async readProperty(keys: readonly string[], name: string): Promise<Map<string, string>> {
    const rows = await this.#readRows(keys, `${PROPERTY}${name}`);
    return new Map([...rows].map(([key, row]) => [key, readProperty(row).value]));
  }

  async #readRows(keys: readonly string[], sortKey: string): Promise<Map<string, Record<string, unknown>>> {
    const found = new Map<string, Record<string, unknown>>();
    let wanted = [...new Set(keys)].map((pk) => ({ pk, sk: sortKey }));
    for (let attempt = 0; wanted.length > 0; attempt++) {
      if (attempt === READ_TRIES) throw new RetryableError('DynamoDB keeps leaving keys unread');
      const left: typeof wanted = [];
      for (const Keys of chunks(wanted, KEYS_PER_GET)) {
        const { Responses, UnprocessedKeys } = await this.#rows.send(
          new BatchGetCommand({ RequestItems: { [this.#tableName]: { Keys, ConsistentRead: true } } }),
        );
        for (const row of Responses?.[this.#tableName] ?? []) found.set(String(row['pk']), row);
        const unread = UnprocessedKeys?.[this.#tableName]?.Keys ?? [];
        left.push(...unread.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) })));
      }
      wanted = left;
    }
    return found;
  }

  /**
   * Head rows of the records that live today: merges are followed.
   *
   * @returns by key as asked, the living key and its row, undefined where there is none
   * @throws RetryableError where a chain of merges does not end
   */
  async readLiving(
    keys: readonly string[],
  ): Promise<Map<string, { key: string; row: Record<string, unknown> | undefined }>> {
    const living = new Map<string, { key: string; row: Record<string, unknown> | undefined }>();
    let wanted = keys.map((key) => ({ asked: key, at: key }));
    for (let hop = 0; wanted.length > 0; hop++) {
      if (hop > ALIAS_HOPS) throw new RetryableError(`merged more than ${ALIAS_HOPS} times in a row`);
      const rows = await this.read(wanted.map(({ at }) => at));
      wanted = wanted.flatMap(({ asked, at }) => {
        const row = rows.get(at);
        const alias = row === undefined ? undefined : readHead(row).alias;
        if (alias !== undefined) return [{ asked, at: alias }];
        living.set(asked, { key: at, row });
        return [];
      });
    }
    return living;
  }

  /**
   * The record into which another was merged, whole but for its facts.
   *
   * @returns also those on the way to it, the one that was asked for first
   * @throws RetryableError as `readLiving`
   */
  async livingBeginning(key: string): Promise<{ key: string; before: readonly Beginning[] } & Beginning> {
    let at = key;
    const before: Beginning[] = [];
    for (let hop = 0; hop <= ALIAS_HOPS; hop++) {
      const beginning = await this.#rows.beginning(at);
      if (beginning.head.alias === undefined) return { key: at, before, ...beginning };
      before.push(beginning);
      at = beginning.head.alias;
    }
    throw new RetryableError(`merged more than ${ALIAS_HOPS} times in a row`);
  }

  /**
   * Notes that HubSpot took a write, on condition that it is still what is to be shown, and has been ever since it was sent: what
   * was overtaken and came back may not be what HubSpot shows.
   *
   * @param sent - of the head from which the write was made
   * @param writes - the count with this write, where it was one
   * @returns false when something newer is to be shown by now
   */
  async confirm(
    key: string,
    { writeId, shownAtMs }: { readonly writeId: string | undefined; readonly shownAtMs: number | undefined },
    writes?: Writes,
  ): Promise<boolean> {
    if (writeId === undefined || shownAtMs === undefined) return false;
    return this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: `SET cwid = :wid${writes === undefined ? '' : ', ws = :ws, wn = :wn'}`,
        ConditionExpression: 'wid = :wid AND shownAt = :shownAt',
        ExpressionAttributeValues: {
          ':wid': writeId,
          ':shownAt': shownAtMs,
          ...(writes !== undefined && countValues(writes)),
        },
      }),
    );
  }

  /** Counts a write that HubSpot took and that was overtaken: it shows nothing any more, and belongs to the loop all the same. */
  async countWrite(key: string, writes: Writes): Promise<void> {
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET ws = :ws, wn = :wn',
        ConditionExpression:
          'attribute_exists(pk) AND attribute_not_exists(alias) AND (attribute_not_exists(life) OR life <> :erased)',
        ExpressionAttributeValues: { ...countValues(writes), ':erased': 'erased' },
      }),
    );
  }

  /**
   * One page of the records that HubSpot does not show as they are, or of which nothing was read yet: the only question for which the
   * whole table is read, so it is asked only after HubSpot could not be written to for a while.
   *
   * @param after - where the page before ended; undefined for the first
   * @returns partition keys of contacts, companies and deals
   */
  async unsettled(
    after: string | undefined,
  ): Promise<{ readonly keys: string[]; readonly after: string | undefined }> {
    const { Items = [], LastEvaluatedKey } = await this.#rows.send(
      new ScanCommand({
        TableName: this.#tableName,
        FilterExpression:
          'sk = :head AND begins_with(pk, :portal) AND attribute_not_exists(alias) AND (attribute_not_exists(life) OR life = :living) AND attribute_exists(wid) AND (attribute_not_exists(cwid) OR cwid <> wid OR attribute_not_exists(readAt))',
        ProjectionExpression: 'pk',
        ExpressionAttributeValues: { ':head': HEAD, ':portal': `${this.#portalId}#`, ':living': 'living' },
        ...(after !== undefined && { ExclusiveStartKey: readPlace(after) }),
      }),
    );
    return {
      keys: Items.map(({ pk }) => String(pk)),
      after: LastEvaluatedKey && placeOf(LastEvaluatedKey),
    };
  }

  /**
   * Makes a partition an alias of another, then moves its facts there: whoever keeps a fact under the old key later finds the
   * alias and moves it too. Nothing is moved of companies and deals, which have no facts. The living head lists the old id. Afterwards the
   * target is to be scored.
   *
   * @param key - partition of an old record, or of an e-mail address; where it is an alias of a third one already, that one
   *   is united, but an address belongs to whom it was found with last
   * @param target - partition of the living record
   */
  async unite(key: string, target: string): Promise<void> {
    let at = key;
    for (let hop = 0; hop <= ALIAS_HOPS; hop++) {
      const { head } = await this.#rows.beginning(at);
      if (head.life === 'erased' || (await this.#leadsTo(target, at))) return;
      const isIdentity = isIdentityKey(at, this.#portalId);
      const isNew = head.alias === undefined || (isIdentity && head.alias !== target);
      // Before it leads there: whoever erases the target from now on finds the address, also if we die in between.
      if (isIdentity) await this.#rows.putVia(target, at);
      const alias = isNew ? await this.#makeAlias(at, target, isIdentity) : head.alias;
      if (alias === target) {
        if (!isIdentity) await this.#listOldId(target, this.#idOf(at));
        await this.#move(at, target, head);
        return isIdentity && isNew ? this.#sweepIfErased(at, target) : undefined;
      }
      await this.#move(at, alias, head);
      at = alias;
    }
    throw new RetryableError(`merged more than ${ALIAS_HOPS} times in a row`);
  }

  /** Whoever erased the target before the address led there has not found it. */
  async #sweepIfErased(key: string, target: string): Promise<void> {
    const row = (await this.read([target])).get(target);
    if (row === undefined || readHead(row).life !== 'erased') return;
    await this.#rows.putVia(target, key);
    await this.#rows.sweep(target);
  }

  /** Moves the facts of a contact, and notes once that they are: whoever finds that they are not moves the rest. */
  async #move(key: string, target: string, { isMoved }: Pick<Head, 'isMoved'>): Promise<void> {
    if (contactIdOf(key, this.#portalId) === undefined && !isIdentityKey(key, this.#portalId)) return;
    await this.#rows.move(key, target);
    if (isMoved === true || isIdentityKey(key, this.#portalId)) return;
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET moved = :true',
        ConditionExpression: 'alias = :target AND (attribute_not_exists(life) OR life <> :erased)',
        ExpressionAttributeValues: { ':true': true, ':target': target, ':erased': 'erased' },
      }),
    );
  }

  #idOf(key: string): string {
    const id = contactIdOf(key, this.#portalId) ?? companyIdOf(key, this.#portalId);
    return id ?? dealIdOf(key, this.#portalId) ?? '';
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

  /**
   * Makes a partition an alias, as long as it is the alias it was; of an address of which nobody knows whose it is, only for as long as
   * things wait there.
   *
   * @param before - of what it was; undefined for none
   * @returns whether it was
   */
  setAlias(key: string, target: string, before: string | undefined): Promise<boolean> {
    const { expiresAt } = this.#rows.expiryOfWaiting(target);
    return this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: `SET alias = :target${expiresAt === undefined ? '' : ', expiresAt = :expiresAt'} ADD rev :one${expiresAt === undefined ? ' REMOVE expiresAt' : ''}`,
        ConditionExpression: before === undefined ? 'attribute_not_exists(alias)' : 'alias = :before',
        ExpressionAttributeValues: {
          ':target': target,
          ':one': 1,
          ...(before !== undefined && { ':before': before }),
          ...(expiresAt !== undefined && { ':expiresAt': expiresAt }),
        },
      }),
    );
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
   * the same instant the restoring is the later: only what was deleted is restored. A deleted contact leaves the indexes of its
   * company and of all contacts at once; a restored one is back when it is scored.
   *
   * @param atMs - epoch milliseconds at which it happened
   */
  async mark(key: string, life: 'living' | 'deleted', atMs: number): Promise<void> {
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: `SET life = :life, lifeAt = :at ADD rev :one${life === 'deleted' ? ` REMOVE ${IN_INDEXES.names}` : ''}`,
        ConditionExpression:
          'attribute_not_exists(life) OR (life <> :erased AND (lifeAt < :at OR (lifeAt = :at AND life < :life)))',
        ...(life === 'deleted' && { ExpressionAttributeNames: IN_INDEXES.attributes }),
        ExpressionAttributeValues: { ':life': life, ':at': atMs, ':one': 1, ':erased': 'erased' },
      }),
    );
  }

  /**
   * Notes a sign of life: a record that was deleted before it lives.
   *
   * @param atMs - epoch milliseconds of the sign
   * @returns whether the record lives by this sign, now or since it was noted before
   */
  async revive(key: string, atMs: number): Promise<boolean> {
    return this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET life = :living, lifeAt = :at ADD rev :one',
        ConditionExpression: '(life = :deleted AND lifeAt < :at) OR (life = :living AND lifeAt = :at)',
        ExpressionAttributeValues: { ':living': 'living', ':deleted': 'deleted', ':at': atMs, ':one': 1 },
      }),
    );
  }

  /** Marks the head for good and takes everything from it but ids. @returns what it then leads to, and lists */
  async markErased(key: string): Promise<{ alias: string | undefined; oldIds: readonly string[] }> {
    const { Attributes } = await this.#rows.send(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: `SET life = :erased ADD rev :one REMOVE ${NO_SCORE.names}`,
        ExpressionAttributeNames: NO_SCORE.attributes,
        ExpressionAttributeValues: { ':erased': 'erased', ':one': 1 },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return readHead(Attributes);
  }

  /**
   * Notes that what HubSpot says of a record changed: it is to be read again, and a reading under way that began before does not count.
   *
   * @param atMs - epoch milliseconds of the change; nothing happens when the record was read later
   */
  async forgetReading(key: string, atMs: number): Promise<void> {
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET forgotAt = :at ADD rev :one REMOVE readAt',
        ConditionExpression:
          'attribute_not_exists(alias) AND (attribute_not_exists(life) OR life <> :erased) AND (attribute_not_exists(readAt) OR readAt < :at) AND (attribute_not_exists(forgotAt) OR forgotAt < :at)',
        ExpressionAttributeValues: { ':at': atMs, ':one': 1, ':erased': 'erased' },
      }),
    );
  }

  /** Notes when HubSpot was last asked about a record, and for good that it was; what was merged away meanwhile stays as it is. */
  async noteReading(key: string, atMs: number): Promise<void> {
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: 'SET readAt = :at, wasRead = :true ADD rev :one',
        ConditionExpression: 'attribute_not_exists(alias) AND (attribute_not_exists(readAt) OR readAt < :at)',
        ExpressionAttributeValues: { ':at': atMs, ':true': true, ':one': 1 },
      }),
    );
  }

  /**
   * Notes that a contact was compared with HubSpot and nothing new was found: its score stays, so the revision does too. Whoever was
   * stored before there was an index of all contacts comes into it.
   *
   * Nothing happens to what does not live, nor where a later comparison of the same properties is noted.
   */
  async noteReconciled(key: string, contactId: string, reconciled: Reconciled): Promise<void> {
    const values = { ...reconciledAttributes(reconciled), ...rollPlace(this.#portalId, contactId) };
    const { attributes } = named(Object.keys(values));
    await this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: `SET ${Object.keys(values)
          .map((name) => `#${name} = :${name}`)
          .join(', ')}`,
        ConditionExpression:
          'attribute_exists(pk) AND attribute_not_exists(alias) AND (attribute_not_exists(life) OR life = :living) AND (attribute_not_exists(recFor) OR recFor <> :recFor OR recAt < :recAt)',
        ExpressionAttributeNames: attributes,
        ExpressionAttributeValues: {
          ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
          ':living': 'living',
        },
      }),
    );
  }

  /**
   * Stores the attributes of a score, and removes those that are undefined, on condition that nobody stored in between.
   *
   * @param values - with `rev`, one above that of the head that was read
   * @returns whether nobody did
   */
  async store(key: string, { rev, ...values }: { readonly rev: number } & Record<string, unknown>) {
    const set = Object.entries({ rev, ...values }).filter(([, value]) => value !== undefined);
    const gone = Object.keys(values).filter((name) => values[name] === undefined);
    const remove = gone.length === 0 ? '' : ` REMOVE ${gone.map((name) => `#${name}`).join(', ')}`;
    return this.#rows.ifHolds(
      new UpdateCommand({
        TableName: this.#tableName,
        Key: { pk: key, sk: HEAD },
        UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}${remove}`,
        ConditionExpression: rev === 1 ? 'attribute_not_exists(pk)' : '#rev = :before',
        ExpressionAttributeNames: named(['rev', ...Object.keys(values)]).attributes,
        ExpressionAttributeValues: {
          ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
          ...(rev > 1 && { ':before': rev - 1 }),
        },
      }),
    );
  }
}

function countValues({ sinceMs, count }: Writes): Record<string, number> {
  return { ':ws': Math.floor(sinceMs / 1000), ':wn': count };
}

/** Where a page of the table ends, as text that a message can carry. */
function placeOf({ pk, sk }: Record<string, unknown>): string {
  return JSON.stringify([pk, sk]);
}

/** @throws TypeError for a text that is no place */
function readPlace(text: string): { pk: string; sk: string } {
  const place = v.safeParse(v.pipe(v.string(), v.parseJson(), v.tuple([v.string(), v.string()])), text);
  if (!place.success) throw new TypeError('no page of the table begins there');
  const [pk, sk] = place.output;
  return { pk, sk };
}

/** Attributes as an expression names them: some of the names are words of DynamoDB's own. */
function named(attributes: readonly string[]) {
  return {
    names: attributes.map((name) => `#${name}`).join(', '),
    attributes: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
  };
}

/** Takes everything from a head that a score ever put there. */
const NO_SCORE = named(SCORE_ATTRIBUTES);
/** Takes a head out of the indexes of those that live. */
const IN_INDEXES = named(LIVING_ATTRIBUTES);
