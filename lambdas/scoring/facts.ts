import { COMPANY_PREFIX, type DealState } from './model-file.ts';
import { asNumber } from './values.ts';

/**
 * Something that happened to a contact, at a time, once. Two facts with one key are the same fact, however they were
 * heard of; if their times differ, the earlier one is right.
 */
export interface Fact {
  /** Identity: a hash of what happened (`factKey` of the adapter that heard of it). */
  readonly key: string;
  /** What happened: `property:<name>` for a change of a property, `signal:<name>`, or `event:<type>`. */
  readonly name: string;
  /** Epoch milliseconds. */
  readonly occurredAtMs: number;
  /** The value a property changed to; for a counter the count reached, as decimal digits. */
  readonly value?: string;
  /** The record whose count it is: after a merge, each keeps counting for itself. On counters only. */
  readonly record?: string;
  /** A count that was found, not seen to rise: raises the baseline and awards nothing. */
  readonly baseline?: boolean;
  /** Nobody said when it happened; `occurredAtMs` is when we first heard of it, and no part of its identity. */
  readonly isTimeUnknown?: boolean;
}

/** What a property is, as last heard: the newest `occurredAtMs` wins, ties by value. `''` means cleared. */
export interface PropertyValue {
  readonly name: string;
  readonly value: string;
  /** Epoch milliseconds. */
  readonly occurredAtMs: number;
}

/** A deal of the contact, as last read. */
export interface Deal {
  readonly id: string;
  readonly state: DealState;
  /** Epoch milliseconds; undefined while it is open. */
  readonly closedAtMs: number | undefined;
}

/** All that is known of one contact. Order and repetition mean nothing. */
export interface Known {
  readonly properties: readonly PropertyValue[];
  readonly facts: readonly Fact[];
  /** What the primary company is, by names without prefix; nothing without a company. */
  readonly company?: readonly PropertyValue[];
  readonly deals?: readonly Deal[];
  /** Visits, as they were seen: facts of their own, which no horizon ends. */
  readonly touches?: readonly Fact[];
}

/** Most facts one fold looks at, newest first by (occurredAtMs, key): bounds the work a single contact can cause. */
export const FACTS_PER_FOLD = 1000;

/**
 * The facts in the order they happened, each once, no more than the newest {@link FACTS_PER_FOLD}.
 *
 * @returns a new array, ascending by (occurredAtMs, key)
 */
export function orderFacts(facts: readonly Fact[]): Fact[] {
  const ordered = eachOnce(facts).toSorted(inTime);
  return ordered.length > FACTS_PER_FOLD ? ordered.slice(-FACTS_PER_FOLD) : ordered;
}

function eachOnce(facts: readonly Fact[]): readonly Fact[] {
  const keys = new Set<string>();
  for (const { key } of facts) keys.add(key);
  if (keys.size === facts.length) return facts; // As a table gives them: nothing is told twice.
  const byKey = new Map<string, Fact>();
  for (const fact of facts) {
    const other = byKey.get(fact.key);
    if (other === undefined || fact.occurredAtMs < other.occurredAtMs) byKey.set(fact.key, fact);
  }
  return [...byKey.values()];
}

/**
 * At one instant, of two counts the smaller came first, and a count found comes after those seen to rise: what was seen to
 * rise keeps its points.
 */
function inTime(a: Fact, b: Fact): number {
  if (a.occurredAtMs !== b.occurredAtMs) return a.occurredAtMs - b.occurredAtMs;
  const isFoundA = a.baseline === true;
  if (isFoundA !== (b.baseline === true)) return isFoundA ? 1 : -1;
  const countA = asNumber(a.value ?? '') ?? 0;
  const countB = asNumber(b.value ?? '') ?? 0;
  if (countA !== countB) return countA - countB;
  return a.key < b.key ? -1 : 1;
}

/** The current values by name as rules write it, those of the company as `company.<name>`; `''` and unknown ones left out. */
export function currentValues({
  properties,
  company = [],
}: Pick<Known, 'properties' | 'company'>): Map<string, string> {
  const values = new Map<string, string>();
  for (const { name, value } of newestOf(properties)) if (value !== '') values.set(name, value);
  for (const { name, value } of newestOf(company)) if (value !== '') values.set(COMPANY_PREFIX + name, value);
  return values;
}

function newestOf(properties: readonly PropertyValue[]): Iterable<PropertyValue> {
  const newest = new Map<string, PropertyValue>();
  for (const property of properties) {
    const other = newest.get(property.name);
    if (other === undefined || isNewer(property, other)) newest.set(property.name, property);
  }
  return newest.values();
}

function isNewer(a: PropertyValue, b: PropertyValue): boolean {
  return a.occurredAtMs > b.occurredAtMs || (a.occurredAtMs === b.occurredAtMs && a.value > b.value);
}
