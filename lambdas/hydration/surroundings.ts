import type { Associated } from '../hubspot/associations.ts';
import type { HubSpotRecord } from '../hubspot/objects.ts';
import type { Deal, PropertyValue } from '../scoring/facts.ts';
import { looksAtDeals, usesCompanies } from '../scoring/model.ts';
import { byNewestId, companyKept, dealsKept } from '../store/associations.ts';
import { knowNamedCompanies } from './companies.ts';
import { dealOf, STATE_PROPERTIES } from './deals.ts';
import { type Each, type Failure, isFailure } from './each.ts';
import type { Hydration } from './hydrate.ts';
import { type Links, readLinks, readRecords } from './reading.ts';

/** Most deals of one contact that are read, the newest: ten calls. Who has more stands for nobody in particular. */
const DEALS_READ_PER_CONTACT = 1_000;

/** What a contact is associated with, as far as the model asks. */
export interface Surroundings {
  /** Where the model asks for companies, the id of the primary one, undefined for none. */
  readonly company?: { readonly id: string | undefined };
  /** What is to be kept with the contact. @param before - its deals as they were kept so far */
  keptAfter(before: readonly Deal[]): PropertyValue[];
}

/** With what a contact is associated, as far as HubSpot told it already: of each kind all, or it is left out. */
export type LinksTold = Readonly<Partial<Record<'companies' | 'deals', Links>>>;

/**
 * Finds out what contacts are associated with; of companies that were only heard of so far, and of deals, reads how they are.
 *
 * @param contactIds - none twice
 * @param told - by id of the contact, what need not be asked for
 * @returns by id, for each of them; a failure where any of it could not be read
 */
export async function readSurroundings(
  contactIds: readonly string[],
  run: Hydration,
  told: ReadonlyMap<string, LinksTold> = new Map(),
): Promise<Map<string, Surroundings | Failure>> {
  const [companies, deals] = await Promise.all([
    usesCompanies(run.model) ? primaryCompanies(contactIds, told, run) : undefined,
    looksAtDeals(run.model) ? dealsOf(contactIds, told, run) : undefined,
  ]);
  return new Map(
    contactIds.map((id): [string, Surroundings | Failure] => {
      const [company, deal] = [companies?.get(id), deals?.get(id)];
      if (isFailure(company)) return [id, company];
      if (isFailure(deal)) return [id, deal];
      const keptAfter = (before: readonly Deal[]) =>
        [company?.kept ?? [], deal === undefined ? [] : keptDeals(deal, before)].flat();
      return [id, { ...(company !== undefined && { company: { id: company.id } }), keptAfter }];
    }),
  );
}

function isPrimary(company: Associated): boolean {
  return company.isPrimary;
}

interface PrimaryCompany {
  readonly id: string | undefined;
  readonly kept: PropertyValue;
}

/** What of the links of some contacts is not told yet is read. */
async function linksTo(
  kind: keyof LinksTold,
  ids: readonly string[],
  told: ReadonlyMap<string, LinksTold>,
  run: Hydration,
): Promise<Each<Links>> {
  const untold = ids.filter((id) => told.get(id)?.[kind] === undefined);
  const isEnough = kind === 'companies' ? (found: readonly Associated[]) => found.some(isPrimary) : undefined;
  const read = await readLinks(run, ['contacts', kind], untold, isEnough);
  return new Map(ids.map((id) => [id, told.get(id)?.[kind] ?? read.get(id)]));
}

async function primaryCompanies(
  ids: readonly string[],
  told: ReadonlyMap<string, LinksTold>,
  run: Hydration,
): Promise<Each<PrimaryCompany>> {
  const links = await linksTo('companies', ids, told, run);
  const primary = mapEach(links, ({ to, atMs }) => ({ id: to.find(isPrimary)?.id, atMs }));
  const known = await knowNamedCompanies(
    distinct(primary, ({ id }) => (id === undefined ? [] : [id])),
    run,
  );
  return mapEach(primary, ({ id, atMs }) => {
    const company = id === undefined ? undefined : known.get(id);
    return isFailure(company) ? company : { id, kept: companyKept(id, atMs) };
  });
}

interface DealsRead {
  readonly records: readonly HubSpotRecord[];
  readonly atMs: number;
}

function keptDeals({ records, atMs }: DealsRead, before: readonly Deal[]): PropertyValue {
  const known = new Map(before.map((deal) => [deal.id, deal]));
  const deals = new Map(records.map((record) => [record.id, dealOf(record, known.get(record.id))]));
  return dealsKept([...deals.values()], atMs);
}

/** The deals of each contact. */
async function dealsOf(
  ids: readonly string[],
  told: ReadonlyMap<string, LinksTold>,
  run: Hydration,
): Promise<Each<DealsRead>> {
  const links = await linksTo('deals', ids, told, run);
  const newest = mapEach(links, ({ to, atMs }) => ({ ids: newestOf(to), atMs }));
  const dealIds = distinct(newest, (each) => each.ids);
  const read = await readRecords(run.hubSpot.deals, dealIds, STATE_PROPERTIES);
  return mapEach(newest, ({ ids: own, atMs }) => {
    const records = own.map((id) => read.get(id));
    const failure = records.find(isFailure);
    if (failure !== undefined) return failure;
    return {
      records: records.flatMap((record) => (record === undefined || isFailure(record) ? [] : [record])),
      atMs,
    };
  });
}

function newestOf(deals: Links['to']): string[] {
  const newestFirst = deals.map(({ id }) => id).toSorted(byNewestId);
  return newestFirst.slice(0, DEALS_READ_PER_CONTACT);
}

/** Goes on with what was found; a failure stays one. */
function mapEach<T, R>(
  results: Each<T>,
  next: (found: T) => R | Failure,
): Map<string, R | undefined | Failure> {
  const mapped = new Map<string, R | undefined | Failure>();
  for (const [id, found] of results) {
    if (isFailure(found)) mapped.set(id, found);
    else mapped.set(id, found === undefined ? undefined : next(found));
  }
  return mapped;
}

function distinct<T>(results: Each<T>, idsOf: (found: T) => readonly string[]): string[] {
  const ids = [...results.values()].flatMap((found) =>
    found === undefined || isFailure(found) ? [] : idsOf(found),
  );
  return [...new Set(ids)];
}
