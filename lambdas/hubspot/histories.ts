import * as v from 'valibot';
import type { HubSpotRecord } from './objects.ts';

/** HubSpot takes so few records in one batch that asks for histories (CRM API reference, batch endpoints, read 2026-11). */
export const BATCH_WITH_HISTORIES = 50;

/** A value that a property had, and since when. */
export interface Version {
  /** `''` = cleared. */
  readonly value: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Who wrote it: `userId:…`, or the id of an app. */
  readonly sourceId: string | undefined;
}

/** A record with what some of its properties were before. */
export interface RecordWithHistories extends HubSpotRecord {
  /** Of each property whose history was asked for, newest first. */
  readonly histories: Readonly<Record<string, readonly Version[]>>;
}

const PastValue = v.object({
  value: v.nullish(v.string(), ''),
  timestamp: v.date(),
  sourceId: v.optional(v.string()),
});

/** Histories as the SDK reads them. */
const PastValues = v.record(v.string(), v.array(PastValue));
export const PropertyHistories = { propertiesWithHistory: v.nullish(PastValues, {}) };

/** @param names - of the properties whose history was asked for */
export function historiesOf(
  values: v.InferOutput<typeof PastValues>,
  names: readonly string[],
): RecordWithHistories['histories'] {
  return Object.fromEntries(names.map((name) => [name, versionsOf(values[name])]));
}

function versionsOf(values: readonly v.InferOutput<typeof PastValue>[] = []): Version[] {
  return values
    .map(({ value, timestamp, sourceId }) => ({ value, atMs: timestamp.getTime(), sourceId }))
    .toSorted((one, other) => other.atMs - one.atMs);
}
