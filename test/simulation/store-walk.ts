import * as v from 'valibot';
import { type Random, randomOf } from '../../bench/random/random.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import { TOUCH } from '../../lambdas/scoring/touches.ts';
import { companyKept, dealsKept } from '../../lambdas/store/associations.ts';
import { CompanyTable } from '../../lambdas/store/company-table.ts';
import { ContactTable, type ScoreKnown } from '../../lambdas/store/contact-table.ts';
import { DealTable } from '../../lambdas/store/deal-table.ts';
import { dueContacts } from '../../lambdas/store/due-index.ts';
import { addressPartition, contactKey, recordKey, visitorKey } from '../../lambdas/store/keys.ts';
import { PortalRow } from '../../lambdas/store/portal-rows.ts';
import { NOON, plainScore, property } from '../store/plain-score.ts';
import type { Client } from '../store/table.ts';

const PORTAL_ID = '33';
const NIGHT = '2026-06-02';
const IDS = ['1', '2', '3', '4', '5'] as const;
const CONTACTS = IDS.map((id) => contactKey(PORTAL_ID, id));
const ADDRESSES = ['x', 'y'].map((key) => addressPartition(PORTAL_ID, key));
const VISITORS = ['v', 'w'].map((id) => visitorKey(PORTAL_ID, id));
const COMPANIES = ['7', '8'] as const;
const DEALS = ['91', '92', '93'] as const;

/** Falls due on one night, always. */
const dueScore: ScoreKnown = (...known) => ({
  ...plainScore(...known),
  dueNight: NIGHT,
  dueAtMs: NOON + 86_400_000,
});

/** The store over one table, of which one thing after the other is asked. */
class Walk {
  readonly #random: Random;
  readonly #tables: {
    readonly contacts: ContactTable;
    readonly companies: CompanyTable;
    readonly deals: DealTable;
    readonly row: PortalRow<Record<string, number>>;
    readonly due: () => AsyncGenerator<string[]>;
  };
  #nowMs = NOON;

  constructor(client: Client, tableName: string) {
    this.#random = randomOf(16);
    const options = {
      client,
      tableName,
      portalId: PORTAL_ID,
      factRetentionDays: 400,
      clock: () => this.#nowMs,
    };
    this.#tables = {
      contacts: new ContactTable(options),
      companies: new CompanyTable(options),
      deals: new DealTable(options),
      row: new PortalRow(options.client, tableName, PORTAL_ID, 'run', v.record(v.string(), v.number()), {}),
      due: () => dueContacts(options.client, tableName, PORTAL_ID, NIGHT),
    };
  }

  #key(): string {
    return this.#anyOf([...CONTACTS, ...CONTACTS, ...ADDRESSES, ...VISITORS]);
  }

  #anyOf(keys: readonly string[]): string {
    return keys[this.#random.between(0, keys.length - 1)] ?? '';
  }

  #contact(): string {
    return contactKey(PORTAL_ID, this.#random.oneOf(IDS));
  }

  #fact(): Fact {
    const key = `f${this.#random.between(0, 30)}`;
    const isVisit = this.#random.isLucky(0.3);
    const occurredAtMs = NOON - Number(key.slice(1)) * 3_600_000;
    return isVisit
      ? { key: `v${key}`, name: TOUCH, occurredAtMs }
      : { key, name: 'signal:test', occurredAtMs, value: '3' };
  }

  /** One thing more. @returns what the store said of it */
  step(): Promise<unknown> {
    this.#nowMs += this.#random.between(0, 3) * 60_000;
    const nowMs = this.#nowMs;
    const { contacts } = this.#tables;
    return this.#random.oneOf<() => Promise<unknown>>([
      () => this.#keep(),
      () => this.#keep(),
      () => this.#keep(),
      () => contacts.rescore(this.#contact(), dueScore, nowMs, this.#random.oneOf([undefined, nowMs])),
      () => contacts.rescore(this.#contact(), plainScore, nowMs, undefined, { atMs: nowMs, of: 'abc' }),
      () => contacts.rescore(this.#key(), plainScore, nowMs),
      () => contacts.unite(this.#anyOf([...CONTACTS, ...ADDRESSES]), this.#contact()),
      () => contacts.bind(this.#anyOf(VISITORS), this.#anyOf([...CONTACTS, ...ADDRESSES])),
      () =>
        contacts.mark(
          this.#contact(),
          this.#random.oneOf(['living', 'deleted']),
          nowMs - this.#random.between(0, 2) * 60_000,
        ),
      () => contacts.revive(this.#contact(), nowMs),
      () => (this.#random.between(0, 3) === 0 ? contacts.erase(this.#contact()) : Promise.resolve()),
      () => contacts.forgetReading(this.#contact(), nowMs),
      () => this.#confirm(),
      () => contacts.noteReconciled(this.#contact(), { atMs: nowMs, of: 'abd' }),
      () => this.#company(),
      () => this.#company(),
      () => this.#deal(),
      () => this.#deal(),
      () =>
        this.#tables.row.update((state) => ({
          state: { ...state, n: (state['n'] ?? 0) + 1 },
          result: state,
        })),
      () => this.#look(),
    ])();
  }

  #keep(): Promise<unknown> {
    const facts = Array.from({ length: this.#random.between(0, 3) }, () => this.#fact());
    const atMs = NOON + this.#random.between(-3, 3) * 1_000;
    const properties = [
      property('jobtitle', this.#random.oneOf(['boss', 'ｂｏｓｓ', '😀']), atMs),
      ...(this.#random.isLucky(0.5)
        ? [companyKept(this.#random.oneOf([undefined, ...COMPANIES]), this.#nowMs)]
        : []),
      ...(this.#random.isLucky(0.3)
        ? [dealsKept([{ id: '91', state: 'open' as const, closedAtMs: undefined }], this.#nowMs)]
        : []),
    ];
    return this.#tables.contacts.keep(this.#key(), facts, properties.slice(this.#random.between(0, 1)));
  }

  async #confirm(): Promise<unknown> {
    const { contacts } = this.#tables;
    const key = this.#contact();
    const head = (await contacts.heads([key])).get(key);
    const writes = { sinceMs: NOON, count: 1 };
    await contacts.countWrite(key, writes);
    return contacts.confirm(key, { writeId: head?.writeId, shownAtMs: head?.shownAtMs }, writes);
  }

  async #company(): Promise<unknown> {
    const { companies } = this.#tables;
    const id = this.#random.oneOf(COMPANIES);
    return this.#random.oneOf<() => Promise<unknown>>([
      () => companies.keepFound(id, [property('industry', this.#random.oneOf(['tea', 'tin']))], this.#nowMs),
      () => companies.unite('7', '8'),
      () => companies.mark(id, this.#random.oneOf(['living', 'deleted']), this.#nowMs),
      () => companies.revive(id, this.#nowMs),
      () => companies.contacts(id),
      async () => {
        const head = (await companies.heads([id])).get(id);
        const [top = null] = await companies.topScores(id, this.#random.between(1, 3));
        if (head === undefined) throw new Error('every company has a head');
        const stored = await companies.storeScore(head, top, this.#nowMs);
        return [stored, stored && (await companies.confirm(stored.companyId, stored))];
      },
    ])();
  }

  async #deal(): Promise<unknown> {
    const { deals } = this.#tables;
    const id = this.#random.oneOf(DEALS);
    return this.#random.oneOf<() => Promise<unknown>>([
      () => this.#credit(id),
      () => this.#credit(id),
      () => deals.unite('91', '92'),
      () => deals.mark(id, this.#random.oneOf(['living', 'deleted']), this.#nowMs),
      () => deals.revive(id, this.#nowMs),
      () => deals.countWrite(id, { sinceMs: NOON, count: 2 }),
      () => deals.page(this.#random.oneOf([undefined, '91'])),
    ])();
  }

  async #credit(dealId: string): Promise<unknown> {
    const head = (await this.#tables.deals.heads([dealId])).get(dealId);
    if (head === undefined) throw new Error('every deal has a head');
    const id = head.dealId;
    const deal = {
      id,
      name: 'A year of it',
      pipeline: 'default',
      stage: 'won',
      state: 'won' as const,
      amount: '1000.01',
      currency: 'EUR',
      stageSinceMs: NOON,
      createdAtMs: NOON - 5,
      closedAtMs: NOON,
      contactIds: ['1'],
    };
    const units = 100_001n;
    const byModel = { linear: [{ source: 'ai/chatgpt', share: 1, units }] };
    const times = { readAtMs: this.#nowMs, updatedAtMs: NOON };
    return this.#tables.deals.store(
      head,
      {
        deal,
        credit: { decimals: 2, units, touches: 1, path: ['ai/chatgpt'], byModel },
        model: 'm@1',
        writeId: `${id}:${this.#random.between(0, 3)}`,
        ...times,
        restatement: { atMs: this.#nowMs, why: 'amount', from: '', to: 'all' },
      },
      this.#nowMs,
    );
  }

  /** Everything that is read of many. */
  async #look(): Promise<unknown> {
    const { contacts, due } = this.#tables;
    const nights: string[] = [];
    for await (const ids of due()) nights.push(...ids);
    const unsettled = await contacts.unsettled(undefined);
    return {
      nights: nights.toSorted(),
      // A scan has no order.
      unsettled: [unsettled.contactIds, unsettled.companyIds, unsettled.dealIds].map((ids) => ids.toSorted()),
      page: await contacts.rollPage(undefined),
      count: await contacts.countRoll(),
      between: await contacts.idsBetween('1', '4', 2),
      companies: (await contacts.companiesOf(CONTACTS)).toSorted(),
      touches: [...(await contacts.touchesOf(CONTACTS))].toSorted(([a], [b]) => (a < b ? -1 : 1)),
      living: await contacts.readLiving(CONTACTS[0] ?? ''),
      company: await this.#tables.companies.unitedIds('8'),
      heads: [...(await contacts.heads([...CONTACTS, recordKey(PORTAL_ID, 'company', '7')]))].toSorted(
        ([a], [b]) => (a < b ? -1 : 1),
      ),
    };
  }
}

/**
 * What the store says of many things that are asked of it at random, always the same: contacts, their addresses and browsers, companies
 * and deals are kept, scored, merged, deleted, restored and erased.
 *
 * @returns by step, what came back, or the name and message of the error
 */
export async function walkStore(client: Client, tableName: string, steps: number): Promise<unknown[]> {
  const walk = new Walk(client, tableName);
  const said: unknown[] = [];
  for (let step = 0; step < steps; step++) {
    said.push(await walk.step().catch(({ name, message }: Error) => ({ error: `${name}: ${message}` })));
  }
  return said;
}
