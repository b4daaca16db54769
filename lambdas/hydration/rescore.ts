import { score } from '../scoring/score.ts';
import type { Standing } from '../store/contact-table.ts';
import { contactKey } from '../store/keys.ts';
import type { Reconciled } from '../store/rows.ts';
import type { HydrationParts } from './hydrate.ts';

/**
 * Folds and stores as the scorer does.
 *
 * @param readAtMs - when HubSpot was asked for the contact, if it was
 * @param reconciled - if it was just compared with what HubSpot has
 * @returns the contact under its living id; undefined for one that is erased
 */
export function rescore(
  contactId: string,
  { contacts, model, portalId, timeZone, clock }: HydrationParts,
  readAtMs?: number,
  reconciled?: Reconciled,
): Promise<Standing | undefined> {
  const nowMs = clock();
  return contacts.rescore(
    contactKey(portalId, contactId),
    (livingId, known, previous) =>
      score(model, { portalId, contactId: livingId, timeZone }, known, previous, nowMs),
    nowMs,
    readAtMs,
    reconciled,
  );
}
