import { observe } from '../events/property-facts.ts';
import type { HubSpotRecord } from '../hubspot/objects.ts';
import type { PropertyValue } from '../scoring/facts.ts';
import { companyInputs } from '../scoring/model.ts';
import { askAround, type CompanyHead } from '../store/company-table.ts';
import { type Each, each, type Failure, foundOrThrow } from './each.ts';
import type { Hydration } from './hydrate.ts';
import { readRecords } from './reading.ts';

/**
 * The companies as the table knows them; those whose properties a rule reads and that were only heard of so far are read from
 * HubSpot first, a hundred to a call.
 *
 * @returns by id as asked, the head of the record that lives today, which may be marked as deleted
 */
export function knowCompanies(companyIds: readonly string[], run: Hydration): Promise<Each<CompanyHead>> {
  return know(companyIds, isUnread, run);
}

/**
 * The same for companies that HubSpot has just named as those of contacts. One that is marked as deleted is asked for again: HubSpot
 * may have missed it once.
 */
export function knowNamedCompanies(
  companyIds: readonly string[],
  run: Hydration,
): Promise<Each<CompanyHead>> {
  return know(companyIds, (head) => isUnread(head) || head.life === 'deleted', run);
}

async function know(
  companyIds: readonly string[],
  isToBeRead: (head: CompanyHead) => boolean,
  run: Hydration,
): Promise<Each<CompanyHead>> {
  const { companies, model } = run;
  const inputs = companyInputs(model);
  const heads = await companies.heads(companyIds);
  const wanted = inputs.length === 0 ? [] : [...heads.values()].filter(isToBeRead);
  const unread = new Map(wanted.map((head) => [head.companyId, head]));
  if (unread.size === 0) return heads;
  const failures = await readCompanies(unread, inputs, run);
  const now = await companies.heads(companyIds);
  return new Map(
    companyIds.map((id): [string, CompanyHead | Failure | undefined] => [
      id,
      failures.get(heads.get(id)?.companyId ?? id) ?? now.get(id),
    ]),
  );
}

function isUnread({ readAtMs, life }: CompanyHead): boolean {
  return readAtMs === undefined && life === 'living';
}

/** Reads companies from HubSpot and keeps what the model needs. @returns those of which that failed, and why */
async function readCompanies(
  heads: ReadonlyMap<string, CompanyHead>,
  inputs: readonly string[],
  run: Hydration,
): Promise<Map<string, Failure>> {
  const askedAtMs = run.clock();
  const ids = [...heads.keys()];
  const records = await readRecords(run.hubSpot.companies, ids, inputs);
  const results = await each(ids, async (id) => {
    const record = foundOrThrow(records.get(id));
    const isDeleted = heads.get(id)?.life === 'deleted';
    if (record === undefined) return isDeleted ? undefined : noteDeletion(id, run);
    if (record.id !== id) await noteMerge(id, record.id, run);
    await keepCompany(record, inputs, askedAtMs, run);
    return isDeleted ? noteLife(record.id, askedAtMs, run) : undefined;
  });
  return new Map([...results].flatMap(([id, result]) => (result === undefined ? [] : [[id, result]])));
}

async function keepCompany(
  record: HubSpotRecord,
  inputs: readonly string[],
  askedAtMs: number,
  run: Hydration,
): Promise<undefined> {
  await run.companies.keepFound(record.id, companyValues(record, inputs, run), askedAtMs);
}

/**
 * What is kept of a company. Values are as of the time at which HubSpot last changed the record: what was heard since is newer.
 *
 * @param inputs - names of the properties that rules read
 */
export function companyValues(
  { id, properties, updatedAtMs }: HubSpotRecord,
  inputs: readonly string[],
  { model, portalId }: Pick<Hydration, 'model' | 'portalId'>,
): PropertyValue[] {
  return inputs.flatMap((property) => {
    const value = properties[property]?.trim() ?? '';
    const seen = { portalId, objectType: 'company', objectId: id, property, value, atMs: updatedAtMs };
    return observe(model, { ...seen, as: 'found' }).properties;
  });
}

/** Notes that HubSpot merged a company into another. Its contacts are to be scored by what the living one is. */
export async function noteMerge(companyId: string, livingId: string, run: Hydration): Promise<undefined> {
  const { companies, background, portalId } = run;
  const request = { portalId, companyId: livingId, rescoreContacts: true } as const;
  await askAround(
    (delaySeconds) => background([request], delaySeconds),
    () => companies.unite(companyId, livingId),
  );
}

/** Notes that HubSpot has a company that was marked as deleted. Its contacts are to be scored with it. */
async function noteLife(companyId: string, atMs: number, run: Hydration): Promise<undefined> {
  const { companies, background, portalId } = run;
  const request = { portalId, companyId, rescoreContacts: true } as const;
  await askAround(
    (delaySeconds) => background([request], delaySeconds),
    async () => void (await companies.revive(companyId, atMs)),
  );
}

/** Notes that HubSpot has no such company any more. A restore since this run began wins. */
export async function noteDeletion(companyId: string, run: Hydration): Promise<undefined> {
  const { companies, background, portalId } = run;
  const request = { portalId, companyId, rescoreContacts: true } as const;
  await askAround(
    (delaySeconds) => background([request], delaySeconds),
    () => companies.mark(companyId, 'deleted', run.startedAtMs),
  );
}
