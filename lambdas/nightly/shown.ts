import type { HubSpotRecord } from '../hubspot/objects.ts';
import { WRITE_ID_PROPERTY } from '../hubspot/output-property.ts';
import { differingOutputs, outputValues } from '../hubspot/outputs.ts';
import type { Head } from '../store/rows.ts';

/**
 * What HubSpot shows of a score: what the table says; all of that which it lets us write; nothing of ours; what another write of ours
 * said; or the write that the table believes in, changed by somebody.
 */
export type Showing = 'shown' | 'shown in part' | 'missing' | 'stale' | 'edited';

/**
 * Compares what HubSpot shows of a contact with what the table says.
 *
 * @param withheld - names of our properties that HubSpot does not let us write: they are passed over
 * @returns undefined for a contact without a score
 */
export function showingOf(
  { shown, writeId, shownAtMs, lastSignalAtMs }: Head,
  properties: HubSpotRecord['properties'],
  withheld: ReadonlySet<string>,
): Showing | undefined {
  if (shown === undefined || writeId === undefined) return undefined;
  const values = outputValues(shown, writeId, shownAtMs, lastSignalAtMs);
  const differing = differingOutputs(values, properties).filter((name) => !withheld.has(name));
  const isOnlyId = differing.every((name) => name === WRITE_ID_PROPERTY);
  const shownId = properties[WRITE_ID_PROPERTY] ?? '';
  if (shownId === writeId) return isOnlyId ? 'shown' : 'edited';
  // What is written without some of its properties carries no write id.
  const isInPart = withheld.size > 0 && isOnlyId && (shownId === '' || withheld.has(WRITE_ID_PROPERTY));
  if (isInPart) return 'shown in part';
  return shownId === '' ? 'missing' : 'stale';
}
