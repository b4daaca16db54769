import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import {
  contactIdOf,
  contactKey,
  dealIdOf,
  dealRollShardKey,
  recordKey,
  rollShardKey,
  SHARDS,
  shardOf,
} from './keys.ts';
import type { PartitionOptions } from './partitions.ts';
import { HEAD, rollPlace } from './rows.ts';

/** Contacts of one page: ten messages' worth of ticks. */
export const CONTACTS_PER_PAGE = 1_000;

/** One page of all contacts. */
export interface RollPage {
  readonly contactIds: string[];
  /** Where the next page begins; undefined after the last one. */
  readonly after: string | undefined;
}

type Options = Pick<PartitionOptions, 'client' | 'tableName' | 'portalId'>;
/** Where a page of the index ends, as DynamoDB has it. */
type Place = QueryCommand['input']['ExclusiveStartKey'];

/** Numbers of contacts, both ends included. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

const ALL: Stretch = { from: 0, to: Number.MAX_SAFE_INTEGER };
const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);

/** A kind of record that stands in the index, and how its keys are made. */
interface Rolled {
  readonly keyOf: (portalId: string, id: string) => string;
  readonly idOf: (key: string, portalId: string) => string | undefined;
  readonly shardKey: (portalId: string, shard: number) => string;
}

const CONTACTS: Rolled = { keyOf: contactKey, idOf: contactIdOf, shardKey: rollShardKey };
export const DEALS: Rolled = {
  keyOf: (portalId, id) => recordKey(portalId, 'deal', id),
  idOf: dealIdOf,
  shardKey: dealRollShardKey,
};

/**
 * All contacts of a portal that live, or all deals: an index, parted into shards, in each of which they stand in the order of their
 * numbers. It is eventually consistent, so what it says of a record is to be looked up in the head where much depends on it.
 */
export class RollIndex {
  readonly #options: Options;
  readonly #of: Rolled;

  constructor(options: Options, of = CONTACTS) {
    this.#options = options;
    this.#of = of;
  }

  /**
   * The records of a stretch of numbers.
   *
   * @param after - the stretch begins behind this id; undefined for the first of all
   * @param until - the last id of the stretch; undefined for an open end
   * @param most - how many of them, the first, at most; all of a portal may be millions
   * @returns in the order of their numbers
   */
  async idsBetween(
    after: string | undefined,
    until: string | undefined,
    most = Number.POSITIVE_INFINITY,
  ): Promise<string[]> {
    const stretch = {
      from: after === undefined ? ALL.from : Number(after) + 1,
      to: until === undefined ? ALL.to : Number(until),
    };
    if (stretch.from > stretch.to) return []; // DynamoDB refuses an upper bound below the lower one.
    const shards = await pMap(ALL_SHARDS, (shard) => this.#idsOf(shard, stretch, most), {
      concurrency: SHARDS,
    });
    // The first of all are among the first of each shard.
    const ids = shards.flat().toSorted((a, b) => Number(a) - Number(b));
    return ids.length > most ? ids.slice(0, most) : ids;
  }

  async #idsOf(shard: number, stretch: Stretch, most: number): Promise<string[]> {
    const ids: string[] = [];
    let start: Place;
    do {
      const page = await this.#query(shard, start, {
        ...stretch,
        ...(Number.isFinite(most) && { Limit: most - ids.length }),
      });
      ids.push(...page.ids);
      start = page.next;
    } while (start !== undefined && ids.length < most);
    return ids;
  }

  /**
   * All contacts, at most 1,000 at a time, shard by shard. Whoever comes into the index meanwhile may be left out; the others come
   * exactly once.
   *
   * @param after - where the page before ended; undefined for the first
   * @throws TypeError where no page ends there
   */
  async page(after: string | undefined): Promise<RollPage> {
    const contactIds: string[] = [];
    let start = after === undefined ? undefined : this.#placeOf(after);
    let shard = after === undefined ? 0 : shardOf(after);
    while (shard < SHARDS) {
      const page = await this.#query(shard, start, { ...ALL, Limit: CONTACTS_PER_PAGE - contactIds.length });
      contactIds.push(...page.ids);
      if (contactIds.length === CONTACTS_PER_PAGE) return { contactIds, after: contactIds.at(-1) };
      start = page.next;
      if (start === undefined) shard += 1;
    }
    return { contactIds, after: undefined };
  }

  /** How many contacts there are, as the index has them. */
  async count(): Promise<number> {
    const counts = await pMap(ALL_SHARDS, (shard) => this.#countOf(shard), { concurrency: SHARDS });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #countOf(shard: number): Promise<number> {
    let count = 0;
    let start: Place;
    do {
      const page = await this.#query(shard, start, { ...ALL, Select: 'COUNT' });
      count += page.count;
      start = page.next;
    } while (start !== undefined);
    return count;
  }

  /** The place of a contact in the index, whether it still stands there or not. */
  #placeOf(contactId: string): Place {
    const { portalId } = this.#options;
    const key = this.#of.keyOf(portalId, contactId);
    const place = rollPlace(portalId, contactId, this.#of.shardKey);
    if (this.#of.idOf(key, portalId) === undefined || place === undefined)
      throw new TypeError('no page of contacts begins there');
    return { ...place, pk: key, sk: HEAD };
  }

  /** One page of one query of one shard. */
  async #query(
    shard: number,
    start: Place,
    { from, to, ...how }: Stretch & Pick<QueryCommand['input'], 'Limit' | 'Select'>,
  ) {
    const { client, tableName, portalId } = this.#options;
    const {
      Items = [],
      Count = 0,
      LastEvaluatedKey,
    } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: 'roll',
        KeyConditionExpression: '#roll = :roll AND #id BETWEEN :from AND :to',
        ExpressionAttributeNames: { '#roll': 'roll', '#id': 'id' },
        ExpressionAttributeValues: { ':roll': this.#of.shardKey(portalId, shard), ':from': from, ':to': to },
        ...how,
        ExclusiveStartKey: start,
      }),
    );
    const ids = Items.flatMap(({ pk }) => this.#of.idOf(String(pk), portalId) ?? []);
    return { ids, count: Count, next: LastEvaluatedKey };
  }
}
