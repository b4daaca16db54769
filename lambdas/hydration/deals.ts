import type { HubSpotRecord } from '../hubspot/objects.ts';
import type { Deal } from '../scoring/facts.ts';
import { asInstant } from '../scoring/values.ts';

/** What HubSpot calculates of a deal from the stage it is in, in whichever pipeline, and when it closed. */
export const STATE_PROPERTIES: readonly string[] = [
  'hs_is_closed',
  'hs_is_closed_won',
  'hs_is_closed_lost',
  'closedate',
];

/**
 * How a deal stands. It closed no later than it was last changed, whatever day was planned. Where its closing date does not say
 * when, it closed when that was first known: each edit of the deal is a change, but closes nothing anew.
 *
 * @param before - the deal as it was kept so far
 */
export function dealOf({ id, properties, updatedAtMs }: HubSpotRecord, before: Deal | undefined): Deal {
  const state = stateOf(properties);
  if (state === 'open') return { id, state, closedAtMs: undefined };
  const plannedMs = asInstant(properties['closedate'] ?? '');
  if (plannedMs !== undefined && plannedMs <= updatedAtMs) return { id, state, closedAtMs: plannedMs };
  const knownMs = before?.state === state ? before.closedAtMs : undefined;
  return { id, state, closedAtMs: Math.min(knownMs ?? updatedAtMs, updatedAtMs) };
}

function stateOf(properties: HubSpotRecord['properties']): Deal['state'] {
  if (properties['hs_is_closed_won'] === 'true') return 'won';
  const isLost = properties['hs_is_closed_lost'] === 'true' || properties['hs_is_closed'] === 'true';
  return isLost ? 'lost' : 'open';
}
