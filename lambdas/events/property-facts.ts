import { domainOf } from '../scoring/domains.ts';
import type { Fact, PropertyValue } from '../scoring/facts.ts';
import {
  companyInputs,
  contactInputs,
  type FactKind,
  factProperties,
  type Model,
  usesTouches,
} from '../scoring/model.ts';
import { PROPERTY_NAME } from '../scoring/model-file.ts';
import { asInstant, asNumber, asText } from '../scoring/values.ts';
import { factKey, implausible, type ReadingContext, type Subject } from './heard.ts';

/** How the values of a property are to be read; `value` = it says what is, its changes are no signals. */
export type PropertyKind = FactKind | 'value';

/** Properties that hold a contact's e-mail addresses. The table knows addresses by their HMAC, and at most their domain. */
export const ADDRESSES: readonly string[] = ['email', 'hs_additional_emails'];
/** What says how a deal stands; of a deal nothing else is kept. */
export const DEAL_PROPERTIES: readonly string[] = [
  'dealstage',
  'pipeline',
  'closedate',
  'hs_is_closed',
  'hs_is_closed_won',
  'hs_is_closed_lost',
];
/** What a deal is worth: its credit depends on that, no score does. */
export const AMOUNT_PROPERTIES: readonly string[] = ['amount', 'deal_currency_code'];
/** The property of a contact that tells which browser is its own. We make it and never write it. */
export const VISITOR_PROPERTY = 'afterglow_visitor_id';
/** What changes when HubSpot sees a visit. By itself none of them says what the visit was: they change one by one. */
export const VISIT_CHANGES: readonly string[] = [
  'hs_analytics_source',
  'hs_latest_source',
  'hs_latest_source_timestamp',
];
/** Longest value that is kept, in characters; URLs and names beyond it are cut, and patterns match what is left. */
const VALUE_LENGTH = 1024;
/** Highest count, either side of zero, that is believed: its rise, times the most points of a rule, is still an exact sum. */
const LARGEST_COUNT = 1_000_000_000;

/** HubSpot's own signal properties, kept as facts also while no rule uses them. */
const STANDARD_KINDS: Readonly<Record<string, PropertyKind>> = {
  hs_email_last_open_date: 'timestamp',
  hs_email_last_click_date: 'timestamp',
  hs_email_last_reply_date: 'timestamp',
  hs_sales_email_last_replied: 'timestamp',
  recent_conversion_date: 'timestamp',
  hs_analytics_last_visit_timestamp: 'timestamp',
  hs_analytics_num_page_views: 'counter',
  hs_analytics_num_visits: 'counter',
  hs_email_click: 'counter',
  hs_email_open: 'counter',
  num_conversion_events: 'counter',
  lifecyclestage: 'transition',
  hs_lead_status: 'transition',
  hs_analytics_last_url: 'text',
  recent_conversion_event_name: 'text',
};

/** Whether we write a property: what we write comes back and says nothing new. */
export function isOutput(property: string): boolean {
  return property.startsWith('afterglow_') && property !== VISITOR_PROPERTY;
}

/** What a model reads of a contact, which changes are facts and which values count, and of its company. */
interface Reading {
  readonly kinds: ReadonlyMap<string, FactKind>;
  readonly inputs: ReadonlySet<string>;
  readonly companyInputs: ReadonlySet<string>;
}

/** Worked out once per model: it is asked for every property of every event. */
const READINGS = new WeakMap<Model, Reading>();

function readingOf(model: Model): Reading {
  const known = READINGS.get(model);
  if (known !== undefined) return known;
  const reading = {
    kinds: factProperties(model),
    inputs: new Set(contactInputs(model)),
    companyInputs: new Set(companyInputs(model)),
  };
  READINGS.set(model, reading);
  return reading;
}

/** The kind a model gives a property, else HubSpot's own, else `value`. */
export function kindOf(model: Model, property: string): PropertyKind {
  const kind = readingOf(model).kinds.get(property);
  if (kind !== undefined) return kind;
  return Object.hasOwn(STANDARD_KINDS, property) ? (STANDARD_KINDS[property] ?? 'value') : 'value';
}

/** Properties of a contact that tell something to a fold: those whose values count, and those whose changes are facts. */
export function modelInputs(model: Model): string[] {
  const { kinds, inputs } = readingOf(model);
  return [...new Set([...inputs, ...kinds.keys()])];
}

/** A property's value, seen in HubSpot or heard of. */
export interface Observation {
  readonly portalId: string;
  /** `contact`, `company` or `deal`, whichever name the event used. */
  readonly objectType: string;
  /** The record the event named; a merge does not change it. */
  readonly objectId: string;
  readonly property: string;
  /** As text; `''` = cleared. */
  readonly value: string;
  /** Epoch milliseconds at which it took (`change`) or had (`state`, `found`) the value. */
  readonly atMs: number;
  /**
   * `change`: told as a change at that time. `state`: told as what is at that time. `found`: read by us; a count found is
   * a baseline, since nobody saw it rise.
   */
  readonly as: 'change' | 'state' | 'found';
}

/**
 * What an observed property means: a fact, a current value, or both.
 *
 * A timestamp's value is the signal's time and a counter's value is the count reached, however they were observed; so the
 * same visit heard by webhook, workflow and hydration is one fact. A value or a text is a signal only when it changed.
 *
 * @returns facts and property values; nothing for a value that does not read as its kind
 */
export function observe(model: Model, seen: Observation): { facts: Fact[]; properties: PropertyValue[] } {
  if (isOutput(seen.property) || seen.property === VISITOR_PROPERTY) return { facts: [], properties: [] };
  if (seen.objectType === 'contact' && ADDRESSES.includes(seen.property)) return observeAddress(model, seen);
  const value = seen.value.slice(0, VALUE_LENGTH).toWellFormed(); // Half of a character is no text to DynamoDB.
  const properties = [{ name: seen.property, value, occurredAtMs: seen.atMs }];
  if (seen.objectType !== 'contact')
    return { facts: [], properties: isReadOfRecord(model, seen) ? properties : [] };
  if (isOfVisitAlone(model, seen.property)) return { facts: [], properties: [] };
  const kind = kindOf(model, seen.property);
  const fact = value === '' ? undefined : factOf(kind, seen, value);
  const keepsValue = kind === 'value' || readingOf(model).inputs.has(seen.property);
  return { facts: fact === undefined ? [] : [fact], properties: keepsValue ? properties : [] };
}

/** What HubSpot says of a visit is kept as a visit, and as a value only where a rule reads it. */
function isOfVisitAlone(model: Model, property: string): boolean {
  const { inputs, kinds } = readingOf(model);
  return (
    VISIT_CHANGES.includes(property) && !inputs.has(property) && !kinds.has(property) && usesTouches(model)
  );
}

/** Of companies and deals nothing is kept that nobody reads: names and notes of people may stand there. */
function isReadOfRecord(model: Model, { objectType, property }: Observation): boolean {
  if (objectType === 'company') return readingOf(model).companyInputs.has(property);
  if (objectType !== 'deal') return false;
  return DEAL_PROPERTIES.includes(property) || (usesTouches(model) && AMOUNT_PROPERTIES.includes(property));
}

/** Of the address only its domain is kept, and only where a rule reads it; of further addresses nothing is. */
function observeAddress(
  model: Model,
  { property: name, value, atMs }: Observation,
): { facts: Fact[]; properties: PropertyValue[] } {
  if (name !== 'email' || !readingOf(model).inputs.has(name)) return { facts: [], properties: [] };
  // What has no @ is no address, and may be anything.
  const domain = value.includes('@') ? (domainOf(value) ?? '') : '';
  return { facts: [], properties: [{ name, value: domain, occurredAtMs: atMs }] };
}

function factOf(kind: PropertyKind, seen: Observation, value: string): Fact | undefined {
  const { portalId, objectType, objectId, property, atMs } = seen;
  const name = `property:${property}`;
  const identity = [portalId, objectType, objectId, property];
  if (kind === 'timestamp') {
    const occurredAtMs = asInstant(value);
    // No signal lies a day ahead of the change that tells it: nobody clicks next week.
    if (occurredAtMs === undefined || implausible(occurredAtMs, atMs) !== undefined) return undefined;
    return { key: factKey(...identity, 'at', occurredAtMs), name, occurredAtMs };
  }
  if (kind === 'counter') {
    const count = asNumber(value);
    if (count === undefined || Math.abs(count) > LARGEST_COUNT) return undefined;
    const baseline = seen.as === 'found';
    const key = factKey(...identity, baseline ? 'found' : 'count', count);
    return {
      key,
      name,
      occurredAtMs: atMs,
      value: String(count),
      record: objectId,
      ...(baseline && { baseline }),
    };
  }
  if (kind === 'value' || seen.as !== 'change') return undefined;
  return { key: factKey(...identity, 'change', value, atMs), name, occurredAtMs: atMs, value };
}

/**
 * What a snapshot of a contact means: all its properties as of one time. Where it names the contact by e-mail only, its
 * timestamps and counts are left out: without a record id they would not be the same facts as HubSpot's own.
 *
 * @param given - names and values as they came; what is no property name or no plain value is passed over
 */
export function observeSnapshot(
  given: readonly (readonly [string, unknown])[],
  subject: Subject,
  atMs: number,
  { model, portalId }: Pick<ReadingContext, 'model' | 'portalId'>,
): { facts: Fact[]; properties: PropertyValue[] } {
  const objectId = 'id' in subject ? subject.id : '';
  const observed = given.flatMap(([property, raw]) => {
    const value = asText(raw);
    if (value === undefined || !PROPERTY_NAME.test(property)) return [];
    return [
      observe(model, { portalId, objectType: 'contact', objectId, property, value, atMs, as: 'state' }),
    ];
  });
  return {
    facts: subject.type === 'email' ? [] : observed.flatMap(({ facts }) => facts),
    properties: observed.flatMap(({ properties }) => properties),
  };
}
