// HubSpot as far as a nightly comparison lists it: what contacts did, what we wrote, nothing that nobody told of.
import type { Version } from '../../lambdas/hubspot/histories.ts';
import type { HubSpotLists, ListedRecord } from '../../lambdas/hubspot/lists.ts';
import type { ObjectType } from '../../lambdas/hubspot/objects.ts';
import { companyOutputValues, outputValues } from '../../lambdas/hubspot/outputs.ts';
import type { CompanyHead } from '../../lambdas/store/company-table.ts';
import type { Head } from '../../lambdas/store/rows.ts';
import { type BenchContact, isInHubSpot } from './contacts.ts';

const RECORDS_PER_PAGE = 100;

/** A record as HubSpot has it. */
interface Told {
  readonly id: string;
  /** What it is, as far as that never changes here. */
  readonly values: Readonly<Record<string, string>>;
  outputs: Readonly<Record<string, string>>;
  updatedAtMs: number;
}

/** HubSpot's lists in memory, and the calls that were made of them. */
export class ToldHubSpot {
  readonly calls = { pages: 0, histories: 0 };
  readonly #people: ReadonlyMap<string, BenchContact>;
  readonly #contacts: ReadonlyMap<string, Told>;
  readonly #companies: ReadonlyMap<string, Told>;
  #nowMs: number;

  /** @param sinceMs - when all records last changed at the beginning; epoch milliseconds */
  constructor(portal: readonly BenchContact[], sinceMs: number) {
    this.#people = new Map(portal.map((contact) => [contact.id, contact]));
    this.#contacts = new Map(portal.map(({ id }) => [id, blank(id, [], sinceMs)]));
    this.#companies = new Map(
      portal.flatMap(({ companyId: id, company = [] }) =>
        id === undefined ? [] : [[id, blank(id, company, sinceMs)] as const],
      ),
    );
    this.#nowMs = sinceMs;
  }

  /** The lists of the three kinds of records. There are no deals. */
  get lists(): Readonly<Record<ObjectType, HubSpotLists>> {
    return {
      contacts: this.#listsOf(this.#contacts),
      companies: this.#listsOf(this.#companies),
      deals: this.#listsOf(new Map()),
    };
  }

  #listsOf(records: ReadonlyMap<string, Told>): HubSpotLists {
    const ordered = [...records.values()];
    return {
      count: async () => {
        this.calls.pages += 1;
        return ordered.length;
      },
      list: async ({ after }) => {
        this.calls.pages += 1;
        const from = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
        const page = ordered.slice(from, from + RECORDS_PER_PAGE);
        const isLast = from + page.length >= ordered.length;
        return {
          records: page.map((record) => asListed(record, this.#people.get(record.id))),
          after: isLast ? undefined : page.at(-1)?.id,
        };
      },
      readHistories: async (ids) => {
        this.calls.histories += 1;
        return ids.flatMap((id) => {
          const [record, contact] = [records.get(id), this.#people.get(id)];
          if (record === undefined || contact === undefined) return [];
          return [{ ...asListed(record, contact), histories: historiesOf(contact, this.#nowMs) }];
        });
      },
      changedSince: () => Promise.reject(new Error('everything is listed')),
      archived: () => Promise.reject(new Error('nobody is missing')),
    };
  }

  /** Notes that a contact was written. @param atMs - epoch milliseconds */
  show(contactId: string, { shown, writeId, shownAtMs, lastSignalAtMs }: Head, atMs: number): void {
    if (shown === undefined || writeId === undefined) return;
    write(this.#contacts.get(contactId), outputValues(shown, writeId, shownAtMs, lastSignalAtMs), atMs);
  }

  /** Notes that a company was written. @param atMs - epoch milliseconds */
  showCompany({ companyId, score = null }: CompanyHead, atMs: number): void {
    write(this.#companies.get(companyId), companyOutputValues(score), atMs);
  }

  /** Lets happen what contacts did before a moment. @param atMs - epoch milliseconds */
  passUntil(atMs: number): void {
    for (const { id, happenings } of this.#people.values()) {
      const last = happenings.findLast((happening) => happening.atMs < atMs && isInHubSpot(happening));
      const record = this.#contacts.get(id);
      if (record !== undefined) record.updatedAtMs = Math.max(record.updatedAtMs, last?.atMs ?? 0);
    }
    this.#nowMs = atMs;
  }

  /** Ids of the contacts that changed since a moment, ascending. @param atMs - epoch milliseconds */
  changedSince(atMs: number): string[] {
    return [...this.#contacts.values()].filter(({ updatedAtMs }) => updatedAtMs > atMs).map(({ id }) => id);
  }
}

function blank(id: string, values: BenchContact['properties'], updatedAtMs: number): Told {
  return {
    id,
    values: Object.fromEntries(values.map(({ name, value }) => [name, value])),
    outputs: {},
    updatedAtMs,
  };
}

function write(record: Told | undefined, outputs: Told['outputs'], atMs: number): void {
  if (record !== undefined)
    Object.assign(record, { outputs, updatedAtMs: Math.max(atMs, record.updatedAtMs) });
}

/** A contact's associations are told with it, whole. */
function asListed(
  { id, values, outputs, updatedAtMs }: Told,
  contact: BenchContact | undefined,
): ListedRecord {
  const to = contact?.companyId === undefined ? [] : [{ id: contact.companyId, isPrimary: true }];
  return {
    id,
    properties: { ...values, ...outputs },
    updatedAtMs,
    histories: {},
    links:
      contact === undefined ? {} : { companies: { to, isWhole: true }, deals: { to: [], isWhole: true } },
  };
}

/** What HubSpot remembers of what a contact was and did, newest first. */
function historiesOf(
  { properties, facts, happenings }: BenchContact,
  untilMs: number,
): ListedRecord['histories'] {
  const histories: Record<string, Version[]> = {};
  const add = (name: string, value: string, atMs: number) => {
    (histories[name] ??= []).unshift({ value, atMs, sourceId: undefined });
  };
  for (const { name, value, occurredAtMs } of properties)
    add(name, name === 'email' ? `sam@${value}` : value, occurredAtMs);
  const done = happenings.filter(({ atMs }) => atMs < untilMs).flatMap((happening) => happening.facts);
  for (const { name, value, occurredAtMs } of [...facts, ...done]) {
    const [kind, property = ''] = name.split(':');
    // Of a moment the value is that moment.
    if (kind === 'property') add(property, value ?? String(occurredAtMs), occurredAtMs);
  }
  return histories;
}
