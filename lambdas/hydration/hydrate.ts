import { ADDRESSES, modelInputs, observe, VISITOR_PROPERTY } from '../events/property-facts.ts';
import type { HubSpotRecord } from '../hubspot/objects.ts';
import type { HubSpotPortal } from '../hubspot/portal.ts';
import type { PropertyValue } from '../scoring/facts.ts';
import type { Model } from '../scoring/model.ts';
import { takeApart } from '../store/associations.ts';
import { askAround, type CompanyTable } from '../store/company-table.ts';
import type { ContactTable, Standing } from '../store/contact-table.ts';
import { contactKey } from '../store/keys.ts';
import type { ResumeRequest, WriteRequest } from '../store/queues.ts';
import { uniteAddresses } from './addresses.ts';
import { companiesOfMoves, tellCompanies } from './company-news.ts';
import { type Each, each, foundOrThrow, isFailure } from './each.ts';
import { readRecords } from './reading.ts';
import { rescore } from './rescore.ts';
import { readSurroundings, type Surroundings } from './surroundings.ts';
import { bindVisitors, creditAnew, visitProperties, visitsRead } from './visits.ts';

/** What bringing HubSpot's word into the table needs. */
export interface HydrationParts {
  readonly clock: () => number;
  readonly model: Model;
  readonly portalId: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly contacts: ContactTable;
  readonly companies: CompanyTable;
  readonly hubSpot: HubSpotPortal;
  readonly identityKey: { read(): Promise<{ key: string }> };
  /** Custom unique property by which contacts are written; `''` = the record id. */
  readonly idProperty: string;
  /** Puts requests on the lane for what nobody waits for. */
  readonly background: (
    requests: readonly (WriteRequest | ResumeRequest)[],
    delaySeconds: number,
  ) => Promise<void>;
  /** Has the contacts of companies scored anew. */
  readonly ticks: (
    messages: readonly { readonly portalId: string; readonly companyId: string }[],
    delaySeconds: number,
  ) => Promise<void>;
}

/** One going over of records, and what it needs. */
export interface Hydration extends HydrationParts {
  /** Epoch milliseconds at which it began: what happened to a record since then is newer than what it finds. */
  readonly startedAtMs: number;
}

/**
 * Reads contacts from HubSpot, and what they are associated with; keeps what the model needs, and scores them anew. Each kind of
 * record is read a hundred to a call, whoever it is needed for. A contact of which anything could not be read is not scored: what is
 * missing may be what excludes it.
 *
 * @returns by id as asked for, the contacts as they stand then: those merged away under their living id, none for those that
 *   HubSpot does not have, which are marked so
 */
export async function hydrate(contactIds: readonly string[], run: Hydration): Promise<Each<Standing>> {
  if (contactIds.length === 0) return new Map();
  const askedAtMs = run.clock();
  const records = await readRecords(run.hubSpot.contacts, contactIds, contactProperties(run));
  const livingIds = [...records.values()].flatMap((record) =>
    record === undefined || isFailure(record) ? [] : [record.id],
  );
  const around = await readSurroundings([...new Set(livingIds)], run);
  const told = [...around].flatMap(([id, found]) => (isFailure(found) ? [] : [[id, found] as const]));
  const moved = await companiesOfMoves(new Map(told), run);
  let standings: Each<Standing> = new Map();
  await askAround(
    (delaySeconds) => tellCompanies(moved, run, delaySeconds),
    async () => {
      standings = await each(contactIds, async (id) => {
        const record = foundOrThrow(records.get(id));
        if (record === undefined) return noteContactGone(id, run);
        const surroundings = foundOrThrow(around.get(record.id));
        if (record.id !== id) await uniteContacts(id, record.id, run);
        return keepFound(record, surroundings, askedAtMs, run);
      });
    },
  );
  return standings;
}

/** The properties of a contact that tell something. */
export function contactProperties({ model, idProperty }: Pick<Hydration, 'model' | 'idProperty'>): string[] {
  const own = idProperty === '' ? [] : [idProperty];
  return [...new Set([...modelInputs(model), ...ADDRESSES, ...visitProperties(model), ...own])];
}

/** HubSpot has no such contact: nothing is tried again until it is restored, or something is heard of it. A restore since this run began wins. */
export async function noteContactGone(contactId: string, run: Hydration): Promise<undefined> {
  const { contacts, portalId, startedAtMs } = run;
  const key = contactKey(portalId, contactId);
  const left = await contacts.companiesOf([key]);
  await askAround(
    (delaySeconds) => tellCompanies(left, run, delaySeconds),
    () => contacts.mark(key, 'deleted', startedAtMs),
  );
}

/** Makes a contact one with that into which HubSpot merged it. The company it leaves may be another than that of the living one. */
export async function uniteContacts(contactId: string, livingId: string, run: Hydration): Promise<void> {
  const { contacts, portalId } = run;
  const key = contactKey(portalId, contactId);
  const left = await contacts.companiesOf([key]);
  await askAround(
    (delaySeconds) => tellCompanies(left, run, delaySeconds),
    () => contacts.unite(key, contactKey(portalId, livingId)),
  );
}

/** By what the contact is written, where that is not its record id: kept like a value. */
export function ownIdKept(
  { properties, updatedAtMs }: HubSpotRecord,
  { idProperty }: Pick<Hydration, 'idProperty'>,
): PropertyValue[] {
  if (idProperty === '') return [];
  return [{ name: idProperty, value: properties[idProperty] ?? '', occurredAtMs: updatedAtMs }];
}

/** Keeps all that was read, then notes that it was: a crash in between lets it be read again. */
async function keepFound(
  record: HubSpotRecord,
  surroundings: Surroundings | undefined,
  askedAtMs: number,
  run: Hydration,
): Promise<Standing | undefined> {
  const { contacts, model, portalId } = run;
  const key = contactKey(portalId, record.id);
  const observed = modelInputs(model).map((property) =>
    observe(model, {
      portalId,
      objectType: 'contact',
      objectId: record.id,
      property,
      value: record.properties[property]?.trim() ?? '',
      atMs: record.updatedAtMs,
      as: 'found',
    }),
  );
  const before = await contacts.kept(key);
  const held = new Set(before.properties.map(({ name }) => name));
  // Cleared ones matter where there was something to clear.
  const told = observed
    .flatMap(({ properties }) => properties)
    .filter(({ name, value }) => value !== '' || held.has(name));
  const around = surroundings?.keptAfter(before.deals) ?? [];
  await contacts.keep(
    key,
    [...observed.flatMap(({ facts }) => facts), ...visitsRead(record, { ...run, nowMs: askedAtMs })],
    [...told, ...ownIdKept(record, run), ...around],
  );
  await uniteAddresses(record, run);
  await bindVisitors(record.id, [record.properties[VISITOR_PROPERTY] ?? ''], run);
  // Before it is noted that the contact was read: whoever dies in between reads it again, and tells them again.
  await creditAnew(
    [...before.deals, ...takeApart(around).deals].map(({ id }) => id),
    run,
  );
  return rescore(record.id, run, askedAtMs);
}
