import { type Explanation, explainContact } from '../scoring/explanation.ts';
import type { Model } from '../scoring/model.ts';
import type { ContactTable } from '../store/contact-table.ts';
import { contactIdOf, contactKey } from '../store/keys.ts';

/** Where explanations come from. */
export interface ExplanationSource {
  readonly clock: () => number;
  readonly model: Model;
  readonly portalId: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly contacts: Pick<ContactTable, 'readLiving'>;
}

/** Why there is nothing to explain. */
export interface Missing {
  readonly missing: 'unknown' | 'deleted' | 'erased';
  readonly reason: string;
}

/**
 * Explains the contact that lives under an id, following merges.
 *
 * @param contactId - HubSpot record id
 * @param days - how far to look ahead
 */
export async function findExplanation(
  source: ExplanationSource,
  contactId: string,
  days?: number,
): Promise<Explanation | Missing> {
  const { contacts, portalId, timeZone, model, clock } = source;
  const read = await contacts.readLiving(contactKey(portalId, contactId));
  const livingId = contactIdOf(read?.key ?? '', portalId);
  if (read === undefined || livingId === undefined)
    return { missing: 'unknown', reason: `nothing was heard of contact ${contactId} yet` };
  if (read.head.life === 'deleted')
    return { missing: 'deleted', reason: `contact ${contactId} was deleted in HubSpot` };
  if (read.head.life === 'erased')
    return { missing: 'erased', reason: `contact ${contactId} was erased by a privacy deletion` };
  const who = { portalId, contactId: livingId, timeZone };
  return explainContact(model, read.known, read.head, who, clock(), days);
}
