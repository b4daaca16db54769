import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { PropertyValue } from '../scoring/facts.ts';
import { companyIdOf, contactIdOf, recordKey } from './keys.ts';
import { type PartitionOptions, Partitions } from './partitions.ts';
import { LONGEST_DELAY_SECONDS } from './queues.ts';
import { RecordHeads } from './record-heads.ts';
import { type CompanyHead, HEAD, NO_RANK, readCompanyHead } from './rows.ts';

export type { CompanyHead };

/**
 * Before this many seconds the contacts of a company are not looked for after something changed. The index is eventually
 * consistent: a contact that has just got its company stands there a moment later.
 */
export const INDEX_LAG_SECONDS = 5;
/**
 * Asks for what follows from a change of the index: when the index has the change, and once more much later. The late one is sent
 * before the change and is for whoever dies on the way: after the change nothing says any more what was to be asked.
 */
export async function askAround(
  ask: (delaySeconds: number) => Promise<void>,
  change: () => Promise<void>,
): Promise<void> {
  await ask(LONGEST_DELAY_SECONDS);
  await change();
  await ask(INDEX_LAG_SECONDS);
}

/** Contacts of one page of the index: ten messages' worth. */
const CONTACTS_PER_PAGE = 1_000;
/** Where a page ends: the rank and the id of its last contact. */
const PLACE = /^(-?\d+(?:\.\d+)?)#(\d+)$/;

/** One page of the contacts of a company. */
export interface ContactPage {
  readonly contactIds: string[];
  /** Where the next page begins; undefined after the last one. */
  readonly after: string | undefined;
}

/** A contact in the index of its company. */
interface Ranked {
  readonly contactId: string;
  readonly rank: number;
}

/** What companies are, what is rolled up from their contacts, and who these are: one partition per company, and an index. */
export class CompanyTable {
  readonly #options: PartitionOptions;
  readonly #rows: Partitions;
  readonly #heads: RecordHeads;

  constructor(options: PartitionOptions) {
    this.#options = options;
    this.#rows = new Partitions(options);
    this.#heads = new RecordHeads(options, this.#rows);
  }

  #keyOf(companyId: string): string {
    return recordKey(this.#options.portalId, 'company', companyId);
  }

  /**
   * Heads of many companies, strongly consistent.
   *
   * @returns by id as asked, the head of the record that lives today; one of revision 0 where there is no row
   */
  async heads(companyIds: readonly string[]): Promise<Map<string, CompanyHead>> {
    const living = await this.#heads.readLiving(companyIds.map((id) => this.#keyOf(id)));
    return new Map(
      companyIds.map((id) => {
        const { key = '', row } = living.get(this.#keyOf(id)) ?? {};
        return [id, readCompanyHead(companyIdOf(key, this.#options.portalId) ?? id, row)];
      }),
    );
  }

  /**
   * Keeps what HubSpot says of a company, then notes that it did: a crash in between lets it be read again.
   *
   * @param readAtMs - epoch milliseconds at which HubSpot was asked
   */
  async keepFound(companyId: string, properties: readonly PropertyValue[], readAtMs: number): Promise<void> {
    await this.#rows.keep(this.#keyOf(companyId), [], properties);
    await this.#heads.noteReading(this.#keyOf(companyId), readAtMs);
  }

  /** What is kept of a company under this very id: merges are not followed. */
  async kept(companyId: string): Promise<PropertyValue[]> {
    return (await this.#rows.beginning(this.#keyOf(companyId))).properties;
  }

  /**
   * Notes that a company was merged into another, which is to be read afresh. Its properties do not go along: what it was says
   * nothing of the living one. They stay where they are, and count for its contacts until the living one is read.
   */
  unite(oldId: string, livingId: string): Promise<void> {
    return this.#heads.unite(this.#keyOf(oldId), this.#keyOf(livingId));
  }

  /** Notes that HubSpot deleted or restored a company; the newest of these wins. @param atMs - epoch milliseconds */
  mark(companyId: string, life: 'living' | 'deleted', atMs: number): Promise<void> {
    return this.#heads.mark(this.#keyOf(companyId), life, atMs);
  }

  /**
   * Notes that HubSpot told of a company as of one that lives: where it is marked as deleted before that, it is not.
   *
   * @param atMs - epoch milliseconds at which it lived
   * @returns whether it lives again by this; also the second time, since the first may have died before anything followed from it
   */
  revive(companyId: string, atMs: number): Promise<boolean> {
    return this.#heads.revive(this.#keyOf(companyId), atMs);
  }

  /**
   * One page of the contacts that the index has under a company: merges are not followed, so that the contacts of an old record
   * are found under its id until they are scored anew. Who is scored while the pages are turned may move over the edge of one: it
   * then saw what all this is about, or comes twice.
   *
   * @param after - where the page before ended; undefined for the first
   */
  async contacts(companyId: string, after?: string): Promise<ContactPage> {
    const key = this.#keyOf(companyId);
    const [, rank, contactId = ''] = PLACE.exec(after ?? '') ?? [];
    if (after !== undefined && rank === undefined) throw new TypeError('no page of contacts begins there');
    const start =
      rank === undefined
        ? undefined
        : { company: key, rank: Number(rank), pk: `${this.#options.portalId}#${contactId}`, sk: HEAD };
    const { ranked, isLast } = await this.#query(key, { Limit: CONTACTS_PER_PAGE, ExclusiveStartKey: start });
    const last = ranked.at(-1);
    return {
      contactIds: ranked.map((contact) => contact.contactId),
      after: isLast || last === undefined ? undefined : `${last.rank}#${last.contactId}`,
    };
  }

  /**
   * The highest shown scores among the contacts of a company, those included that the index still has under a record merged into it.
   *
   * @returns highest first; contacts without a score are left out
   */
  async topScores(companyId: string, count: number): Promise<number[]> {
    const [head] = (await this.heads([companyId])).values();
    const ranks = new Map<string, number>();
    for (const id of await this.unitedIds(head?.companyId ?? companyId)) {
      const { ranked } = await this.#query(this.#keyOf(id), { Limit: count, ScanIndexForward: false });
      for (const { contactId, rank } of ranked)
        ranks.set(contactId, Math.max(rank, ranks.get(contactId) ?? rank));
    }
    const scores = [...ranks.values()].filter((rank) => rank > NO_RANK);
    return scores.toSorted((a, b) => b - a).slice(0, count);
  }

  /**
   * The ids under which the index may have contacts of a company: its own, and those of all records merged into it, however many
   * merges ago. A contact stands under the id that lived when it was last scored.
   *
   * @param livingId - of the record that lives today
   */
  async unitedIds(livingId: string): Promise<string[]> {
    const ids = new Set([livingId]);
    let wanted = [livingId];
    while (wanted.length > 0) {
      const rows = await this.#heads.read(wanted.map((id) => this.#keyOf(id)));
      const old = [...rows.values()].flatMap((row) => readCompanyHead('', row).oldIds);
      wanted = old.filter((id) => !ids.has(id)); // HubSpot merges at most 250 records into one.
      for (const id of wanted) ids.add(id);
    }
    return [...ids];
  }

  async #query(
    key: string,
    how: Pick<QueryCommand['input'], 'Limit' | 'ScanIndexForward' | 'ExclusiveStartKey'>,
  ): Promise<{ ranked: Ranked[]; isLast: boolean }> {
    const { Items = [], LastEvaluatedKey } = await this.#rows.send(
      new QueryCommand({
        TableName: this.#options.tableName,
        IndexName: 'company',
        KeyConditionExpression: '#company = :company',
        ExpressionAttributeNames: { '#company': 'company' },
        ExpressionAttributeValues: { ':company': key },
        ...how,
      }),
    );
    const ranked = Items.map(({ pk, rank }) => ({
      contactId: contactIdOf(String(pk), this.#options.portalId) ?? '',
      rank: Number(rank),
    }));
    return { ranked, isLast: LastEvaluatedKey === undefined };
  }

  /**
   * Stores what was rolled up, on condition that nobody stored since the head was read, and always raises the revision: of two
   * who roll up at once, the one that read the index first may not have the last word.
   *
   * @param head - read before the scores of the contacts
   * @returns the head as stored; undefined when somebody was first: read both again
   */
  async storeScore(head: CompanyHead, score: number | null, nowMs: number): Promise<CompanyHead | undefined> {
    const writeId = score === null ? '' : String(score);
    const next: CompanyHead = {
      ...head,
      revision: head.revision + 1,
      score,
      writeId,
      shownAtMs: writeId === head.writeId ? head.shownAtMs : nowMs,
    };
    const isStored = await this.#heads.store(this.#keyOf(head.companyId), {
      rev: next.revision,
      score,
      wid: writeId,
      shownAt: next.shownAtMs,
    });
    return isStored ? next : undefined;
  }

  /** Notes that HubSpot took a score. @returns false when something newer is to be shown by now */
  confirm(companyId: string, sent: Pick<CompanyHead, 'writeId' | 'shownAtMs'>): Promise<boolean> {
    return this.#heads.confirm(this.#keyOf(companyId), sent);
  }
}
