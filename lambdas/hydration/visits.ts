import { VISITOR_ID } from '../events/fields.ts';
import { factKey, implausible } from '../events/heard.ts';
import { VISITOR_PROPERTY } from '../events/property-facts.ts';
import { keptOf } from '../events/visits.ts';
import type { HubSpotRecord } from '../hubspot/objects.ts';
import { OFFLINE } from '../scoring/classify.ts';
import type { Fact } from '../scoring/facts.ts';
import { type Model, usesTouches } from '../scoring/model.ts';
import { touchFact, VISIT_MS } from '../scoring/touches.ts';
import { asInstant } from '../scoring/values.ts';
import { contactKey, visitorKey } from '../store/keys.ts';
import type { HydrationParts } from './hydrate.ts';

/** When HubSpot saw the latest visit: each of its values is a visit. */
export const LATEST_AT = 'hs_latest_source_timestamp';
const FIRST_AT = ['hs_analytics_first_visit_timestamp', 'hs_analytics_first_timestamp'] as const;
/** When the page was seen that HubSpot calls the last. */
const LAST_PAGE_AT = ['hs_analytics_last_visit_timestamp', 'hs_analytics_last_timestamp'] as const;

/** What HubSpot tells of the visit that was the latest, and of whose browser it was: their histories tell of those before. */
export const LATEST_PROPERTIES: readonly string[] = [
  LATEST_AT,
  'hs_latest_source',
  'hs_latest_source_data_1',
  'hs_latest_source_data_2',
  'hs_analytics_last_url',
  'hs_analytics_last_referrer',
  ...LAST_PAGE_AT,
  VISITOR_PROPERTY,
];
const FIRST_PROPERTIES: readonly string[] = [
  'hs_analytics_source',
  'hs_analytics_source_data_1',
  'hs_analytics_source_data_2',
  'hs_analytics_first_url',
  'hs_analytics_first_referrer',
  ...FIRST_AT,
];

/** What is asked of a contact where the model asks for visits. */
export function visitProperties(model: Model): readonly string[] {
  return usesTouches(model) ? [...FIRST_PROPERTIES, ...LATEST_PROPERTIES] : [];
}

/** An at sign, also as a URL has it, or one in a URL. */
const AT_SIGN = /@|%(?:25)*40/;
/** Longest drill-down that is kept, in characters. */
const DETAIL_LENGTH = 100;

/** A contact's properties as they were at one instant, `''` for none. */
export type ValueOf = (name: string) => string;

/** Of whose visits HubSpot tells, and by what they are known. */
export interface VisitReading {
  readonly model: Model;
  readonly portalId: string;
  /** Epoch milliseconds at which HubSpot was asked: nothing lies far ahead of it. */
  readonly nowMs: number;
}

/** What HubSpot says of one visit. */
interface Said {
  readonly which: 'first' | 'latest';
  readonly atMs: number | undefined;
  /** `hs_analytics_source` or `hs_latest_source`: the drill-downs have names that begin so. */
  readonly property: string;
  readonly url: string;
  readonly referrer: string;
}

/** The visit that HubSpot saw first, if any. @param contactId - under which the contact was read */
export function firstVisit(contactId: string, valueOf: ValueOf, reading: VisitReading): Fact[] {
  const [atMs] = instantsOf(FIRST_AT, valueOf);
  const [url, referrer] = [valueOf('hs_analytics_first_url'), valueOf('hs_analytics_first_referrer')];
  return visit(
    contactId,
    { which: 'first', atMs, property: 'hs_analytics_source', url, referrer },
    valueOf,
    reading,
  );
}

/**
 * The visit that HubSpot saw last, if any. The page that HubSpot calls the last is one of this visit only where it was seen in it.
 *
 * @param contactId - under which the contact was read
 */
export function latestVisit(contactId: string, valueOf: ValueOf, reading: VisitReading): Fact[] {
  const atMs = asInstant(valueOf(LATEST_AT));
  const isOfIt = instantsOf(LAST_PAGE_AT, valueOf).some((ms) => Math.abs(ms - (atMs ?? 0)) <= VISIT_MS);
  const url = isOfIt ? valueOf('hs_analytics_last_url') : '';
  const referrer = isOfIt ? valueOf('hs_analytics_last_referrer') : '';
  return visit(
    contactId,
    { which: 'latest', atMs, property: 'hs_latest_source', url, referrer },
    valueOf,
    reading,
  );
}

function instantsOf(names: readonly string[], valueOf: ValueOf): number[] {
  return names.map((name) => asInstant(valueOf(name))).filter((ms) => ms !== undefined);
}

/**
 * The pages are no part of what it is: while a visit lasts, the last page is another at each reading, and the visit stays one row. As
 * HubSpot changes its properties one by one, a reading in between has another source, and so is another row, of the same time.
 */
function visit(
  contactId: string,
  { which, atMs, property, url, referrer }: Said,
  valueOf: ValueOf,
  { model, portalId, nowMs }: VisitReading,
): Fact[] {
  const hubSpotSource = valueOf(property);
  if (hubSpotSource === '' || hubSpotSource === OFFLINE) return [];
  if (atMs === undefined || implausible(atMs, nowMs) !== undefined) return [];
  const [detail1, detail2] = [
    detailOf(valueOf(`${property}_data_1`)),
    detailOf(valueOf(`${property}_data_2`)),
  ];
  const key = factKey(portalId, 'contact', contactId, 'visit', which, atMs, hubSpotSource, detail1, detail2);
  return [
    touchFact(key, atMs, {
      by: 'hubspot',
      ...keptOf({ url, referrer }, model.sources),
      hubSpotSource: hubSpotSource.slice(0, DETAIL_LENGTH),
      ...(detail1 !== '' && { detail1 }),
      ...(detail2 !== '' && { detail2 }),
    }),
  ];
}

/** Drill-downs are hosts, keywords, campaigns and pages: of a page no query is kept, and nowhere an address. */
function detailOf(value: string): string {
  const [text = ''] = value.split(/[?#]/);
  return AT_SIGN.test(text) ? '' : text.trim().slice(0, DETAIL_LENGTH);
}

/** All visits that one reading of a contact tells of; none where the model asks for none. */
export function visitsRead({ id, properties }: HubSpotRecord, reading: VisitReading): Fact[] {
  if (!usesTouches(reading.model)) return [];
  const valueOf = (name: string) => properties[name]?.trim() ?? '';
  return [...firstVisit(id, valueOf, reading), ...latestVisit(id, valueOf, reading)];
}

/** The browser that a value of the property names; undefined for what nobody's snippet made. */
export function visitorIdOf(value: string): string | undefined {
  const id = value.trim();
  return VISITOR_ID.test(id) ? id : undefined;
}

/** Gives a contact the browsers that are its own, but for those that are another's: what waited under them counts from now on. */
export async function bindVisitors(
  contactId: string,
  values: readonly string[],
  { contacts, portalId }: HydrationParts,
): Promise<void> {
  for (const visitorId of new Set(values.map(visitorIdOf)))
    if (visitorId !== undefined)
      await contacts.bind(visitorKey(portalId, visitorId), contactKey(portalId, contactId));
}

/** Has deals credited anew of which a contact has other visits, or which it has no longer. @param dealIds - any of them twice */
export async function creditAnew(
  dealIds: readonly string[],
  { background, model, portalId }: HydrationParts,
): Promise<void> {
  if (!usesTouches(model) || dealIds.length === 0) return;
  await background(
    [...new Set(dealIds)].map((dealId) => ({ portalId, dealId, creditOnly: true })),
    0,
  );
}
