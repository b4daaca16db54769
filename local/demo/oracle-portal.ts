// What became of contacts, companies and deals, worked out from the plan alone and not from what the simulated HubSpot says of them.
import type { Happening } from './happenings.ts';
import type { History, PlainDeal } from './oracle.ts';
import { type DealNow, dealsNow } from './oracle-deals.ts';
import { knownVisits } from './oracle-visits.ts';
import type { DemoPortal } from './portal.ts';
import type { RecordHappening } from './record-happenings.ts';
import type { VisitHappening } from './visit-happenings.ts';

/** A portal as it was made, and all that was made to happen since. */
export interface PortalStory {
  readonly portal: DemoPortal;
  readonly happenings: readonly Happening[];
  /** In any order. */
  readonly records: readonly RecordHappening[];
  /** In any order. @default nobody visited */
  readonly visits?: readonly VisitHappening[];
  /** Whether nights read in HubSpot's histories what it told nobody of. @default false */
  readonly areHistoriesRead?: boolean;
}

interface CompanyNow {
  /** Id with which it was created; of companies that merged, that of the first. */
  readonly id: string;
  readonly properties: Map<string, string>;
}

export interface PortalNow {
  /** By the id with which a contact was created: those that live; merged ones once. */
  readonly histories: ReadonlyMap<string, History>;
  /** Ids of the contacts whose primary company it is, by the id with which it was created; merged ones once. */
  readonly people: ReadonlyMap<string, readonly string[]>;
  /** Those that live. */
  readonly deals: readonly DealNow[];
}

/** The portal after everything happened. */
export function portalNow(story: PortalStory): PortalNow {
  const { portal, happenings, records, visits = [], areHistoriesRead = false } = story;
  const inTime = records.toSorted((a, b) => a.atMs - b.atMs);
  const companies = companiesNow(portal, inTime);
  const companyOf = new Map(portal.contacts.map(({ id, companyId }) => [id, companyId]));
  for (const one of inTime) if (one.kind === 'move') companyOf.set(one.contactId, one.companyId);

  const byContact = Map.groupBy(happenings, ({ contactId }) => contactId);
  const histories = new Map<string, History>();
  const people = new Map<string, string[]>([...companies.values()].map(({ id }) => [id, []]));
  const gone = contactsGone(inTime);
  const visitsOf = Map.groupBy(visits, ({ contactId }) => contactId);
  const deals = dealsNow(inTime);
  for (const { id, properties, createdAtMs } of portal.contacts) {
    if (gone.has(id)) continue;
    const company = companies.get(companyOf.get(id) ?? '');
    histories.set(id, {
      properties,
      createdAtMs,
      happenings: byContact.get(id) ?? [],
      company: Object.fromEntries(company?.properties ?? []),
      deals: deals.filter(({ contactIds }) => contactIds.includes(id)).map(plainDeal),
      visits: knownVisits(visitsOf.get(id) ?? [], areHistoriesRead),
    });
    if (company !== undefined) people.get(company.id)?.push(id);
  }
  return { histories, people, deals };
}

/** Contacts that were merged into another one, erased, or deleted and not brought back. */
function contactsGone(inTime: readonly RecordHappening[]): Set<string> {
  const gone = new Set<string>();
  for (const one of inTime) {
    if (one.kind === 'contact merge') gone.add(one.otherId);
    if (one.kind === 'contact deletion' || one.kind === 'contact erasure') gone.add(one.contactId);
    if (one.kind === 'contact return') gone.delete(one.contactId);
  }
  return gone;
}

/** Companies by every id that they ever had. */
function companiesNow(portal: DemoPortal, inTime: readonly RecordHappening[]): Map<string, CompanyNow> {
  const companies = new Map<string, CompanyNow>(
    portal.companies.map(({ id, properties }) => [
      id,
      { id, properties: new Map(Object.entries(properties)) },
    ]),
  );
  for (const one of inTime) {
    if (one.kind === 'company') companies.get(one.companyId)?.properties.set(one.property, one.value);
    if (one.kind !== 'merge') continue;
    const [primary, other] = [companies.get(one.primaryId), companies.get(one.otherId)];
    if (primary === undefined || other === undefined)
      throw new Error('a merge of companies that are not there');
    for (const [name, value] of other.properties)
      if ((primary.properties.get(name) ?? '') === '') primary.properties.set(name, value); // The first one's values win.
    companies.set(one.otherId, primary);
  }
  return companies;
}

function plainDeal({ name: id, stage, stageSinceMs }: DealNow): PlainDeal {
  if (stage === 'closedwon') return { id, state: 'won', closedAtMs: stageSinceMs };
  if (stage === 'closedlost') return { id, state: 'lost', closedAtMs: stageSinceMs };
  return { id, state: 'open', closedAtMs: undefined };
}
