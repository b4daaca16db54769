// What HubSpot works out by itself: whether a deal is closed, won or lost, when it closed, the domain of an address.
import type { ObjectType } from './object-types.ts';
import { isoTime } from './timestamps.ts';

/** The stages that close a deal, in the default pipeline, which is the only one here. */
const WON = 'closedwon';
const LOST = 'closedlost';

/**
 * The calculated properties that follow from what was written.
 *
 * @param written - names and values as they stand now
 */
export function calculatedFrom(
  type: ObjectType,
  written: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const [stage, email] = [written.get('dealstage'), written.get('email')];
  if (type === 'deals' && stage !== undefined) {
    return new Map([
      ['hs_is_closed', String(isClosed(stage))],
      ['hs_is_closed_won', String(stage === WON)],
      ['hs_is_closed_lost', String(stage === LOST)],
    ]);
  }
  if (type === 'contacts' && email !== undefined)
    return new Map([['hs_email_domain', email.slice(email.indexOf('@') + 1)]]);
  return new Map();
}

/**
 * A write to a deal with what HubSpot adds to it: whoever closes a deal without saying when closes it now.
 *
 * @param before - the stage it was in, '' for a new deal
 */
export function withCloseDate(
  before: string,
  values: ReadonlyMap<string, string>,
  atMs: number,
): ReadonlyMap<string, string> {
  const stage = values.get('dealstage') ?? before;
  if (!isClosed(stage) || isClosed(before) || values.has('closedate')) return values;
  return new Map([...values, ['closedate', isoTime(atMs)]]);
}

function isClosed(stage: string): boolean {
  return stage === WON || stage === LOST;
}
