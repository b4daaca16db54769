import { isDeepStrictEqual } from 'node:util';
import pMap from 'p-map';
import { RetryableError } from '../errors.ts';
import type { Deal, Fact, Known, PropertyValue } from '../scoring/facts.ts';
import type { Scored } from '../scoring/score.ts';
import type { Shown } from '../scoring/show.ts';
import { type Associated, DEALS, readDeals, takeApart } from './associations.ts';
import {
  companyIdOf,
  contactIdOf,
  contactKey,
  dealIdOf,
  dueKey,
  isIdentityKey,
  recordKey,
  visitorIdOf,
} from './keys.ts';
import { type Beginning, type PartitionOptions, Partitions } from './partitions.ts';
import { ALIAS_HOPS, RecordHeads } from './record-heads.ts';
import { RollIndex, type RollPage } from './roll-index.ts';
import {
  type Head,
  type Reconciled,
  rankOf,
  readHead,
  reconciledAttributes,
  rollPlace,
  scoreAttributes,
  type Writes,
} from './rows.ts';
import { bindVisitor } from './visitors.ts';

/** How often a store is tried again after somebody else stored first. Each try sees the other's facts. */
const STORE_TRIES = 12;

/** Contacts whose visits are read at once. */
const READINGS_AT_ONCE = 8;

/** The primary company of a contact. */
interface Company {
  readonly key: string;
  readonly properties: readonly PropertyValue[];
}

/** A contact as it stands after a store: its own id, which a merge may have changed. */
export interface Standing {
  readonly contactId: string;
  readonly head: Head;
  /** What was shown before this store; undefined for a contact that never was scored. */
  readonly previous?: Shown | undefined;
}

/** One page of the records that HubSpot does not show as they are. */
export interface UnsettledPage {
  readonly contactIds: readonly string[];
  readonly companyIds: readonly string[];
  readonly dealIds: readonly string[];
  /** Where the next page begins; undefined after the last one. */
  readonly after: string | undefined;
}

/** What a fold is given: all that is known, and what was shown last. */
export type ScoreKnown = (contactId: string, known: Known, previous: Shown | undefined) => Scored;

/** Facts and scores, one partition per contact. Holds no state of its own: all truth is in the rows. */
export class ContactTable {
  readonly #portalId: string;
  readonly #rows: Partitions;
  readonly #heads: RecordHeads;
  readonly #roll: RollIndex;

  constructor(options: PartitionOptions) {
    this.#portalId = options.portalId;
    this.#rows = new Partitions(options);
    this.#heads = new RecordHeads(options, this.#rows);
    this.#roll = new RollIndex(options);
  }

  /**
   * Keeps facts and property values. The same fact is the same row and stays as it is; of a property the newest value stays.
   *
   * @param key - partition: a contact, a company or deal, or an e-mail address that nobody is known by yet
   * @returns those of the facts that were new
   */
  keep(key: string, facts: readonly Fact[], properties: readonly PropertyValue[]): Promise<Fact[]> {
    return this.#rows.keep(key, facts, properties);
  }

  /**
   * Reads a contact, folds, and stores the score, on condition that nobody stored in between; else reads again.
   *
   * The head is read before the facts and raised by every store, also when nothing changed: whoever kept a fact after this
   * reading began will read the head afterwards, and one of the two stores fails and sees both.
   *
   * @param readAtMs - when HubSpot was asked for the contact's properties and associations, if it just was; they then count as known, unless
   *   the contact was merged away meanwhile: then nobody asked for those of the living one
   * @param reconciled - if what HubSpot has was just compared with what is kept: noted with the score, as by `noteReconciled`; not either
   * @returns the contact under its living id, or undefined when it is erased, or an address that nobody is known by
   * @throws RetryableError when others kept storing first
   */
  async rescore(
    key: string,
    scoreKnown: ScoreKnown,
    nowMs: number,
    readAtMs?: number,
    reconciled?: Reconciled,
  ): Promise<Standing | undefined> {
    for (let attempt = 0; attempt < STORE_TRIES; attempt++) {
      const living = await this.#living(key);
      if (living === undefined) return undefined;
      const contactId = contactIdOf(living.key, this.#portalId);
      if (contactId === undefined) return undefined;
      const { head, properties } = living;
      const associated = takeApart(properties);
      const company = await this.#companyOf(associated);
      const known = await this.#known(living.key, associated, company);
      const scored = scoreKnown(contactId, known, head.shown);
      const isOfTheLiving = living.key === key;
      const noted = isOfTheLiving ? later(head, reconciled) : undefined;
      const next: Head = {
        ...head,
        revision: head.revision + 1,
        shown: scored.shown,
        writeId: scored.writeId,
        shownAtMs: scored.writeId === head.writeId ? head.shownAtMs : nowMs,
        lastSignalAtMs: scored.lastSignalAtMs,
        readAtMs: readingAfter(head, isOfTheLiving ? readAtMs : undefined),
        due: scored.dueNight && dueKey(this.#portalId, scored.dueNight, contactId),
        dueAtMs: scored.dueAtMs,
        company: head.life === 'living' ? company?.key : undefined,
        ...(noted !== undefined && { reconciledAtMs: noted.atMs, reconciledFor: noted.of }),
      };
      const place = head.life === 'living' ? rollPlace(this.#portalId, contactId) : undefined;
      const isStored = await this.#heads.store(living.key, {
        ...scoreAttributes(next, place),
        // Otherwise they are left alone: a comparison that was noted meanwhile stays.
        ...(noted !== undefined && reconciledAttributes(noted)),
      });
      if (isStored && !(await this.#isOverlooked(head, next, associated, company)))
        return { contactId, head: next, previous: head.shown };
    }
    throw new RetryableError(`others stored ${STORE_TRIES} times before this one`);
  }

  /**
   * Whether a contact came to another place in the index of its company after that company's contacts were looked for: then
   * nobody sent it the tick of a value that it had not seen.
   */
  async #isOverlooked(
    before: Head,
    after: Head,
    associated: Associated,
    seen: Company | undefined,
  ): Promise<boolean> {
    const isMoved = before.company !== after.company || rankOf(before) !== rankOf(after);
    if (!isMoved || after.company === undefined) return false;
    return !isDeepStrictEqual(await this.#companyOf(associated), seen);
  }

  /** What is known of a contact now, and its head. @returns undefined for a partition that was never scored */
  async read(key: string): Promise<{ head: Head; known: Known } | undefined> {
    return this.#readRest(key, await this.#rows.beginning(key));
  }

  /** What is kept of a contact besides its facts; also of one that was never scored. No company is looked at. */
  async kept(key: string): Promise<Pick<Associated, 'properties' | 'deals'>> {
    return takeApart((await this.#rows.beginning(key)).properties);
  }

  /** The same as `read` of the record that lives, and its key: merges are followed. @throws RetryableError where they do not end */
  async readLiving(key: string): Promise<{ key: string; head: Head; known: Known } | undefined> {
    const { key: living, ...beginning } = await this.#heads.livingBeginning(key);
    const read = await this.#readRest(living, beginning);
    return read && { key: living, ...read };
  }

  async #readRest(
    key: string,
    { head, properties }: Beginning,
  ): Promise<{ head: Head; known: Known } | undefined> {
    if (head.revision === 0) return undefined;
    const associated = takeApart(properties);
    const company = await this.#companyOf(associated);
    return { head, known: await this.#known(key, associated, company) };
  }

  /** What a contact is associated with follows its own facts: both are read after the head. */
  async #known(key: string, { properties, deals }: Associated, company: Company | undefined): Promise<Known> {
    const { facts, touches } = await this.#rows.newestFacts(key);
    return {
      properties,
      facts,
      deals,
      ...(company !== undefined && { company: company.properties }),
      ...(touches.length > 0 && { touches }),
    };
  }

  /**
   * The primary company as it is today: of one that was merged away the living record, of a deleted one nothing is known. Until a
   * record into which others were merged is read, it counts as the last of them that was: events tell of it in part at best.
   *
   * To be read after the head of the contact. Whoever changes a company keeps the value, then sends the tick of its contacts: a
   * store that did not see the value began before the tick's, so one of the two fails, or the tick's comes last and sees it.
   */
  async #companyOf({ companyId }: Associated): Promise<Company | undefined> {
    if (companyId === undefined) return undefined;
    const { key, before, ...living } = await this.#heads.livingBeginning(
      recordKey(this.#portalId, 'company', companyId),
    );
    if (living.head.life !== 'living') return { key, properties: [] };
    const { properties } = [...before, living].findLast(({ head }) => head.wasRead === true) ?? living;
    return { key, properties };
  }

  /** Heads of many contacts, strongly consistent. @returns by key; keys without a row are left out */
  async heads(keys: readonly string[]): Promise<Map<string, Head>> {
    const rows = await this.#heads.read(keys);
    return new Map([...rows].map(([key, row]) => [key, readHead(row)]));
  }

  /**
   * Ids of the companies in whose index some contacts stand, whatever these were merged into since.
   *
   * @param keys - partitions of contacts
   */
  async companiesOf(keys: readonly string[]): Promise<string[]> {
    const living = await this.#heads.readLiving(keys);
    const companies = [...living.values()].map(({ row }) => (row === undefined ? '' : readHead(row).company));
    const ids = companies.map((key = '') => companyIdOf(key, this.#portalId));
    return [...new Set(ids.filter((id) => id !== undefined))];
  }

  /** As {@link RecordHeads.confirm}. */
  confirm(key: string, sent: Pick<Head, 'writeId' | 'shownAtMs'>, writes?: Writes): Promise<boolean> {
    return this.#heads.confirm(key, sent, writes);
  }

  /** As {@link RecordHeads.countWrite}. */
  countWrite(key: string, writes: Writes): Promise<void> {
    return this.#heads.countWrite(key, writes);
  }

  /** As {@link RecordHeads.unsettled}. */
  async unsettled(after: string | undefined): Promise<UnsettledPage> {
    const page = await this.#heads.unsettled(after);
    return {
      contactIds: page.keys.flatMap((key) => contactIdOf(key, this.#portalId) ?? []),
      companyIds: page.keys.flatMap((key) => companyIdOf(key, this.#portalId) ?? []),
      dealIds: page.keys.flatMap((key) => dealIdOf(key, this.#portalId) ?? []),
      after: page.after,
    };
  }

  /**
   * What is kept of one property of many contacts, strongly consistent.
   *
   * @returns by key; keys without a value are left out
   */
  propertyOf(keys: readonly string[], name: string): Promise<Map<string, string>> {
    return this.#heads.readProperty(keys, name);
  }

  /** What is kept of the deals of many contacts, strongly consistent. @returns by key; keys whose deals were never read are left out */
  async dealsOf(keys: readonly string[]): Promise<Map<string, Deal[]>> {
    const texts = await this.#heads.readProperty(keys, DEALS);
    return new Map([...texts].map(([key, text]) => [key, readDeals(text)]));
  }

  /**
   * The visits of many contacts, strongly consistent; merges are followed. Of each at most the newest thousand.
   *
   * @returns by key as asked; none for those that are erased
   * @throws RetryableError as `readLiving`
   */
  async touchesOf(keys: readonly string[]): Promise<Map<string, Fact[]>> {
    const living = await this.#heads.readLiving([...new Set(keys)]);
    const wanted = [...living.values()].filter(
      ({ row }) => row === undefined || readHead(row).life !== 'erased',
    );
    const touches = new Map(
      await pMap(
        new Set(wanted.map(({ key }) => key)),
        async (key) => [key, await this.#rows.newestTouches(key)] as const,
        { concurrency: READINGS_AT_ONCE },
      ),
    );
    return new Map([...living].map(([asked, { key }]) => [asked, touches.get(key) ?? []]));
  }

  /** As {@link RollIndex.idsBetween}. */
  idsBetween(after: string | undefined, until: string | undefined, most?: number): Promise<string[]> {
    return this.#roll.idsBetween(after, until, most);
  }

  /** As {@link RollIndex.page}. */
  rollPage(after: string | undefined): Promise<RollPage> {
    return this.#roll.page(after);
  }

  /** As {@link RollIndex.count}. */
  countRoll(): Promise<number> {
    return this.#roll.count();
  }

  /** As {@link RecordHeads.noteReconciled}. @param key - of a contact */
  async noteReconciled(key: string, reconciled: Reconciled): Promise<void> {
    const contactId = contactIdOf(key, this.#portalId);
    if (contactId !== undefined) await this.#heads.noteReconciled(key, contactId, reconciled);
  }

  /** Everything that waits under an address of which nobody knows whose it is. */
  async waiting(key: string): Promise<Known> {
    const { properties } = await this.#rows.beginning(key);
    return this.#known(key, takeApart(properties), undefined);
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

  /** As {@link RecordHeads.unite}. */
  unite(key: string, target: string): Promise<void> {
    return this.#heads.unite(key, target);
  }

  /** As {@link bindVisitor}. */
  bind(visitor: string, target: string): Promise<boolean> {
    return bindVisitor(visitor, target, { rows: this.#rows, heads: this.#heads, portalId: this.#portalId });
  }

  /** As {@link RecordHeads.mark}. Of a restored contact what its browsers did meanwhile, which waited for a next owner, is its own. */
  async mark(key: string, life: 'living' | 'deleted', atMs: number): Promise<void> {
    await this.#heads.mark(key, life, atMs);
    if (life === 'living') await this.#bringWaiting(key);
  }

  /** As {@link RecordHeads.revive}, and as `mark`. */
  async revive(key: string, atMs: number): Promise<boolean> {
    const isAlive = await this.#heads.revive(key, atMs);
    if (isAlive) await this.#bringWaiting(key);
    return isAlive;
  }

  /** Whose an address is now, HubSpot is to say. */
  async #bringWaiting(key: string): Promise<void> {
    const own = await this.#rows.vias(key);
    const heads = await this.heads(own.filter((via) => visitorIdOf(via, this.#portalId) !== undefined));
    for (const [browser, { alias }] of heads) if (alias === key) await this.#rows.move(browser, key);
  }

  /** As {@link RecordHeads.forgetReading}. */
  forgetReading(key: string, atMs: number): Promise<void> {
    return this.#heads.forgetReading(key, atMs);
  }

  /**
   * Privacy deletion: marks the head, then removes everything but the heads, which keep ids only, of the contact, of all
   * records merged with it, and of the e-mail addresses and browsers it was known by. Never undone; who keeps a fact later finds the mark
   * and removes it.
   */
  async erase(key: string): Promise<void> {
    const united = new Set([key]); // Grows while it is walked; HubSpot merges at most 250 records into one.
    for (const each of united) {
      const { alias, oldIds } = await this.#heads.markErased(each);
      await this.#rows.sweep(each);
      if (alias !== undefined) united.add(alias);
      for (const id of oldIds) united.add(contactKey(this.#portalId, id));
    }
  }
}

/** When the contact was last read, as far as that reading saw all that is known to have changed. */
function readingAfter(
  { readAtMs: before, forgotAtMs }: Head,
  readAtMs: number | undefined,
): number | undefined {
  if (readAtMs === undefined || (before !== undefined && before >= readAtMs)) return before;
  return forgotAtMs !== undefined && forgotAtMs >= readAtMs ? undefined : readAtMs;
}

/** The comparison to note with a store: none where a later one of the same properties is noted already. */
function later(
  { reconciledAtMs = 0, reconciledFor }: Head,
  reconciled: Reconciled | undefined,
): Reconciled | undefined {
  const isOlder = reconciledFor === reconciled?.of && reconciledAtMs > (reconciled?.atMs ?? 0);
  return isOlder ? undefined : reconciled;
}
