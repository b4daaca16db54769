// What DynamoDB bills for a night, from what happened in it: the rules of its price page, and which rows the store reads and writes.
import { PAGES_AT_A_TIME } from '../../lambdas/nightly/walk-page.ts';
import type { Fact } from '../../lambdas/scoring/facts.ts';
import { PRICES } from '../../lib/prices.ts';

/** Bytes of one read unit, strongly consistent. docs.aws.amazon.com, "DynamoDB read and write operations", read 2026-11. */
const READ_UNIT_BYTES = 4096;
/** The least of one query of an index, which is eventually consistent. */
const INDEX_QUERY = 0.5;
/** Of the row of a fact: names of attributes, the time in its key, its expiry, and what parts them; without what differs. */
const FACT_BYTES = 68;

/** Capacity units, by what is paid for. */
export interface Units {
  readonly reads: number;
  readonly writes: number;
  readonly indexReads: number;
  readonly indexWrites: number;
}

export const NO_UNITS: Units = { reads: 0, writes: 0, indexReads: 0, indexWrites: 0 };

export function plus(one: Units, other: Units, times = 1): Units {
  return {
    reads: one.reads + times * other.reads,
    writes: one.writes + times * other.writes,
    indexReads: one.indexReads + times * other.indexReads,
    indexWrites: one.indexWrites + times * other.indexWrites,
  };
}

export function unitsTogether({ reads, writes, indexReads, indexWrites }: Units): number {
  return reads + writes + indexReads + indexWrites;
}

export function dollarsOfUnits({ reads, writes, indexReads, indexWrites }: Units): number {
  const { dynamoDbRead, dynamoDbWrite } = PRICES;
  return (
    ((reads + indexReads) * dynamoDbRead.dollars) / dynamoDbRead.per +
    ((writes + indexWrites) * dynamoDbWrite.dollars) / dynamoDbWrite.per
  );
}

/** Bytes of the row of a fact. @param key - of its partition */
export function factBytes(key: string, { name, key: identity, value = '', record = '' }: Fact): number {
  return FACT_BYTES + key.length + identity.length + name.length + value.length + record.length;
}

/** What a contact was before it was scored anew, and what it is since. */
export interface Rescored {
  readonly factBytes: number;
  readonly hasCompany: boolean;
  readonly dueBefore: string | undefined;
  readonly dueAfter: string | undefined;
  readonly scoreBefore: number | null;
  readonly scoreAfter: number | null;
}

/**
 * Of one contact that is scored anew: its head with its properties, its facts and its company are read, its head is written. In the
 * indexes, a key that goes is a unit, and one that comes is another. Who moves among the contacts of a company has that looked at again.
 */
export function unitsOfRescore(contact: Rescored): Units {
  const { hasCompany, dueBefore, dueAfter, scoreBefore, scoreAfter } = contact;
  const ofFacts = Math.max(1, Math.ceil(contact.factBytes / READ_UNIT_BYTES));
  const isMoved = hasCompany && scoreBefore !== scoreAfter;
  const due =
    dueBefore === dueAfter ? 0 : [dueBefore, dueAfter].filter((night) => night !== undefined).length;
  return {
    reads: 1 + ofFacts + (hasCompany ? 1 : 0) + (isMoved ? 1 : 0),
    writes: 1,
    indexReads: 0,
    indexWrites: due + (isMoved ? 2 : 0),
  };
}

/** Of one contact that is brought to HubSpot: its head is read twice, and the write confirmed. */
export const UNITS_OF_WRITE: Units = { reads: 2, writes: 1, indexReads: 0, indexWrites: 0 };

/** Of one company whose contacts were written: head and old ids are read, its best contact in the index, its score is stored. */
export const UNITS_OF_ROLL_UP: Units = { reads: 3, writes: 1, indexReads: INDEX_QUERY, indexWrites: 0 };
/** Of one company whose score changed by that: its head is read again, and the write confirmed. */
export const UNITS_OF_COMPANY_WRITE: Units = { reads: 1, writes: 1, indexReads: 0, indexWrites: 0 };

/** Partitions over which each index spreads contacts; each is asked by itself. */
const SHARDS = 16;
/** Nights that a run looks at: tonight, the one that finished last, and seven before that. */
const NIGHTS_OF_RUN = 9;
/** Keys of one contact in the index of who is due. */
const KEY_BYTES = 45;
const RECORDS_PER_PAGE = 100;
/** Units of the row of the run that is under way, with what came of the last. */
const ROW_OF_RUN = 2;

/** Of the decision: the index is asked who is due, also of nights that were finished. Reads of an index cost half. */
export function decisionUnits(due: number): Units {
  const perShard = Math.max(1, Math.ceil(((due / SHARDS) * KEY_BYTES) / READ_UNIT_BYTES));
  const queries = SHARDS * (NIGHTS_OF_RUN - 1) + SHARDS * perShard;
  return { ...NO_UNITS, indexReads: queries * INDEX_QUERY };
}

/** What a night looks at in which everything is listed. */
export interface Listed {
  readonly contacts: number;
  readonly companies: number;
  readonly deals: number;
  /** Contacts that HubSpot has as changed, and those of them that have a company. */
  readonly changed: number;
  readonly changedOfCompanies: number;
}

/**
 * Of a comparison that finds nothing amiss. Of each contact head and deals are read, and for each step of some pages the index of all; of each
 * company head and properties; of each deal the same of its contact. Of who changed all is read, the company too and twice, and it is
 * noted as looked at. With each step the run notes where it is, in a row of two units, and reads which properties are withheld.
 */
export function reconciliationUnits(listed: Listed): Units {
  const { contacts, companies, deals, changed, changedOfCompanies } = listed;
  const contactSteps = Math.ceil(pagesOf(contacts) / PAGES_AT_A_TIME);
  const companyPages = pagesOf(companies);
  return {
    reads:
      2 * (contacts + companies + deals) + 3 * changed + 2 * changedOfCompanies + contactSteps + companyPages,
    writes: changed + ROW_OF_RUN * (contactSteps + companyPages + pagesOf(deals)),
    indexReads: contactSteps * SHARDS * INDEX_QUERY,
    indexWrites: 0,
  };
}

/** An empty list is a page too. */
function pagesOf(records: number): number {
  return Math.max(1, Math.ceil(records / RECORDS_PER_PAGE));
}
