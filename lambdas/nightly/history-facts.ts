import { implausible } from '../events/heard.ts';
import { kindOf, modelInputs, observe, VISITOR_PROPERTY } from '../events/property-facts.ts';
import type { Version } from '../hubspot/histories.ts';
import type { ListedRecord } from '../hubspot/lists.ts';
import type { HubSpotRecord } from '../hubspot/objects.ts';
import { firstVisit, LATEST_AT, latestVisit, type ValueOf, visitorIdOf } from '../hydration/visits.ts';
import type { Fact, Known, PropertyValue } from '../scoring/facts.ts';
import { type Model, usesTouches } from '../scoring/model.ts';
import { TOUCH } from '../scoring/touches.ts';
import { asText } from '../scoring/values.ts';

/** Tells which records were merged into one, and by its history when. */
export const MERGED_IDS = 'hs_merged_object_ids';

/** Every record that was merged into one of some records, with the id of that one. */
export function mergesOf(
  records: readonly HubSpotRecord[],
): { readonly id: string; readonly oldId: string }[] {
  return records.flatMap(({ id, properties }) => {
    const oldIds = (properties[MERGED_IDS] ?? '').split(';').map((oldId) => oldId.trim());
    return oldIds.filter((oldId) => /^\d+$/.test(oldId)).map((oldId) => ({ id, oldId }));
  });
}

/** HubSpot keeps about so many versions of a property, of contacts' some more: where there are as many, there may have been more. */
const VERSIONS_KEPT = 20;
const DAY_MS = 86_400_000;
/** What HubSpot works out later, such as visits, may come into a history so long after the time that stands there with it. */
const LATE_MS = DAY_MS;

/** By what a history is read. */
interface HistoryReading {
  readonly model: Model;
  readonly portalId: string;
  /** App ids whose own writes are no signals. */
  readonly ownAppIds: readonly string[];
  readonly factRetentionDays: number;
  readonly nowMs: number;
}

/** What a record's histories tell that is not kept yet. */
export interface Told {
  readonly facts: readonly Fact[];
  /** Newer than those that are kept. */
  readonly values: readonly PropertyValue[];
  /** How many properties changed more often than HubSpot remembers. */
  readonly cut: number;
}

/** The same as what is kept, looked up by what makes it so. */
interface Kept {
  readonly values: ReadonlyMap<string, PropertyValue>;
  readonly keys: ReadonlySet<string>;
  readonly changes: ReadonlySet<string>;
}

/**
 * What a contact's histories tell that is not kept yet, with the times at which it happened: so what a webhook brings later is the same fact.
 *
 * @param known - what is kept of the contact
 * @param sinceMs - epoch milliseconds: what happened before was looked at; undefined where nothing was
 */
export function toldByHistories(
  record: ListedRecord,
  known: Pick<Known, 'facts' | 'properties' | 'touches'>,
  sinceMs: number | undefined,
  reading: HistoryReading,
): Told {
  const kept = keptOf(known);
  const facts: Fact[] = [];
  const values: PropertyValue[] = [];
  let cut = 0;
  for (const property of modelInputs(reading.model)) {
    const told = toldOf(property, record, kept, sinceMs, reading);
    facts.push(...told.facts.filter((fact) => isNews(fact, kept, reading)));
    values.push(...told.values);
    cut += told.cut;
  }
  facts.push(...visitsTold(record, sinceMs, reading).filter((fact) => isNews(fact, kept, reading)));
  return { facts, values, cut };
}

/** HubSpot changes the properties of a visit one by one, within moments. */
const TOGETHER_MS = 10_000;

/** The visits of which the histories tell: the first, and every one that was the latest. */
function visitsTold(record: ListedRecord, sinceMs: number | undefined, reading: HistoryReading): Fact[] {
  if (!usesTouches(reading.model)) return [];
  const versions = record.histories[LATEST_AT] ?? [];
  const latest = versions
    .filter(({ atMs }) => atMs >= (sinceMs ?? 0) - LATE_MS)
    .flatMap((version) => {
      // What stands there now is what anybody would read.
      const valueOf = version === versions[0] ? currently(record) : asOf(record, version.atMs + TOGETHER_MS);
      const at = (name: string) => (name === LATEST_AT ? version.value.trim() : valueOf(name));
      return latestVisit(record.id, at, reading);
    });
  const now = currently(record);
  const unversioned = versions.length === 0 ? latestVisit(record.id, now, reading) : [];
  return [...firstVisit(record.id, now, reading), ...unversioned, ...latest];
}

function currently({ properties, histories }: ListedRecord): ValueOf {
  return (name) => (histories[name]?.[0]?.value ?? properties[name] ?? '').trim();
}

function asOf({ histories }: ListedRecord, atMs: number): ValueOf {
  return (name) => histories[name]?.find((version) => version.atMs <= atMs)?.value.trim() ?? '';
}

/**
 * The browsers that were the contact's own, oldest first.
 *
 * @param sinceMs - as of `toldByHistories`
 */
export function visitorsTold(
  { histories }: ListedRecord,
  sinceMs: number | undefined,
  { model }: Pick<HistoryReading, 'model'>,
): string[] {
  if (!usesTouches(model)) return [];
  const versions = (histories[VISITOR_PROPERTY] ?? []).filter(({ atMs }) => atMs >= (sinceMs ?? 0));
  return versions.flatMap(({ value }) => visitorIdOf(value) ?? []).toReversed();
}

function keptOf({
  facts: others,
  properties,
  touches = [],
}: Pick<Known, 'facts' | 'properties' | 'touches'>): Kept {
  const facts = [...others, ...touches];
  return {
    values: new Map(properties.map((property) => [property.name, property])),
    keys: new Set(facts.map(({ key }) => key)),
    changes: new Set(facts.flatMap(changeOf)),
  };
}

/**
 * What tells a change of a contact that was merged: under which record it was heard of is no part of it. Counts are not among these,
 * since every record counts for itself.
 */
function changeOf({ name, occurredAtMs, value = '', record }: Fact): string[] {
  return record === undefined ? [`${name} ${occurredAtMs} ${value}`] : [];
}

/** Not kept yet, at a time at which it can have happened, and not too old to be kept. */
function isNews(fact: Fact, { keys, changes }: Kept, { factRetentionDays, nowMs }: HistoryReading): boolean {
  const isOld = fact.name !== TOUCH && fact.occurredAtMs <= nowMs - factRetentionDays * DAY_MS;
  const canBe = implausible(fact.occurredAtMs, nowMs) === undefined;
  return canBe && !isOld && !keys.has(fact.key) && !changeOf(fact).some((change) => changes.has(change));
}

function toldOf(
  property: string,
  record: ListedRecord,
  kept: Kept,
  sinceMs: number | undefined,
  reading: HistoryReading,
): Told {
  const versions = record.histories[property] ?? [];
  const [newest] = versions;
  const observeAt = ({ value, atMs }: Pick<Version, 'value' | 'atMs'>, as: 'change' | 'found') => {
    const { model, portalId } = reading;
    const seen = { portalId, objectType: 'contact', objectId: record.id, property, atMs, as } as const;
    return observe(model, { ...seen, value: asText(value) ?? '' });
  };
  const isTimeKnown = newest !== undefined && implausible(newest.atMs, reading.nowMs) === undefined;
  const value = newest?.value ?? record.properties[property] ?? '';
  // Without a history, or a time in it that can be, nobody knows when it came to be what it is.
  const fromMs = isTimeKnown ? newest.atMs : Math.min(record.updatedAtMs, reading.nowMs);
  const now = observeAt({ value, atMs: fromMs }, 'found');
  const values = now.properties.filter((each) => isNewer(each, kept.values.get(each.name), isTimeKnown));
  if (newest === undefined) return { facts: now.facts, values, cut: 0 };
  if (kindOf(reading.model, property) === 'value') return { facts: [], values, cut: 0 };
  const mergedAtMs = kindOf(reading.model, property) === 'counter' ? mergeOf(record) : undefined;
  const isCut = isCutOff(versions, sinceMs, kept, reading, (version) => observeAt(version, 'change').facts);
  const facts = versions
    .filter((version) => version.atMs >= (sinceMs ?? 0) - LATE_MS && !isOurs(version, reading))
    .flatMap((version) => {
      const isOfOldRecord = mergedAtMs !== undefined && version.atMs <= mergedAtMs;
      // What an old record counted, it counted for itself: here it is where the count begins.
      if (isOfOldRecord && version !== versions.find(({ atMs }) => atMs <= mergedAtMs)) return [];
      const isBeginning = isOfOldRecord || (isCut && version === versions.at(-1));
      return observeAt(version, isBeginning ? 'found' : 'change').facts;
    });
  return { facts, values, cut: isCut ? 1 : 0 };
}

function isOurs({ sourceId = '' }: Version, { ownAppIds }: HistoryReading): boolean {
  return ownAppIds.includes(sourceId);
}

/** When the record was last merged, epoch milliseconds; undefined where it never was. */
function mergeOf({ histories, properties }: ListedRecord): number | undefined {
  const mergedAtMs = histories[MERGED_IDS]?.[0]?.atMs;
  return (properties[MERGED_IDS] ?? '') === '' ? mergedAtMs : (mergedAtMs ?? Number.POSITIVE_INFINITY);
}

/** A value whose time nobody knows says something only where it is another. Cleared ones matter where there was something to clear. */
function isNewer(value: PropertyValue, kept: PropertyValue | undefined, isTimeKnown: boolean): boolean {
  if (kept === undefined) return value.value !== '';
  if (value.occurredAtMs === kept.occurredAtMs) return value.value > kept.value;
  return value.occurredAtMs > kept.occurredAtMs && (isTimeKnown || value.value !== kept.value);
}

/** Whether there may have been changes before the oldest version that nobody looked at. */
function isCutOff(
  versions: readonly Version[],
  sinceMs: number | undefined,
  kept: Kept,
  reading: HistoryReading,
  factsOf: (version: Version) => readonly Fact[],
): boolean {
  const oldest = versions.at(-1);
  if (oldest === undefined || versions.length < VERSIONS_KEPT) return false;
  if (oldest.atMs < (sinceMs ?? 0)) return false;
  const facts = factsOf(oldest);
  return facts.length > 0 && facts.every((fact) => isNews(fact, kept, reading));
}
