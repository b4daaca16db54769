import { randomUUID } from 'node:crypto';
import type { Outcome } from '../hubspot/batch-write.ts';
import type { WriteInput } from '../hubspot/objects.ts';

/** How HubSpot took writes, by record id. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** What is sent of one record. */
export interface Write {
  readonly id: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** A write by record id. */
export function inputOf({ id, properties }: Write): WriteInput {
  return { id, properties, objectWriteTraceId: randomUUID() };
}
