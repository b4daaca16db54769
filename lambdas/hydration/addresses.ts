import { ADDRESSES } from '../events/property-facts.ts';
import { inHalves } from '../hubspot/halves.ts';
import type { HubSpotRecord } from '../hubspot/objects.ts';
import { usesTouches } from '../scoring/model.ts';
import { contactKey, emailKey } from '../store/keys.ts';
import { type Each, each, type Failure, foundOrThrow, inBatches, isFailure } from './each.ts';
import type { HydrationParts } from './hydrate.ts';
import { rescore } from './rescore.ts';
import { creditAnew } from './visits.ts';

/** An address that HubSpot refuses to look for. */
interface Unread extends Failure {
  readonly id: string;
}

/** An address as HubSpot and we compare it. */
export function normalAddress(email: string): string {
  return email.trim().toLowerCase();
}

/**
 * Finds out whose addresses are, a hundred to a call, and unites what waited under them with their contacts.
 *
 * @param addresses - normalised, none twice
 * @returns by address the id of its contact; none for an address that belongs to nobody yet: its facts go on waiting
 */
export function resolveEmails(addresses: readonly string[], parts: HydrationParts): Promise<Each<string>> {
  const { contacts, portalId, identityKey } = parts;
  return inBatches(addresses, async (batch) => {
    const owners = await ownersOf(batch, parts);
    return each(batch, async (address) => {
      const owner = foundOrThrow(owners.get(address));
      if (owner === undefined) return undefined;
      const { key } = await identityKey.read();
      await contacts.unite(emailKey(portalId, address, key), contactKey(portalId, owner));
      await rescore(owner, parts);
      await creditDealsOf(owner, parts); // Visits may have waited.
      return owner;
    });
  });
}

async function creditDealsOf(contactId: string, parts: HydrationParts): Promise<void> {
  if (!usesTouches(parts.model)) return;
  const deals = await parts.contacts.dealsOf([contactKey(parts.portalId, contactId)]);
  await creditAnew(
    [...deals.values()].flat().map(({ id }) => id),
    parts,
  );
}

async function ownersOf(
  addresses: readonly string[],
  { hubSpot }: HydrationParts,
): Promise<Map<string, string | Failure>> {
  const read = await inHalves<string, HubSpotRecord | Unread>(
    addresses,
    (part) => hubSpot.contacts.read(part, ADDRESSES, 'email'),
    (id, failed) => ({ id, failed }),
  );
  const owners = new Map<string, string | Failure>();
  for (const contact of read) {
    if (isFailure(contact)) owners.set(contact.id, contact);
    else for (const address of addressesOf(contact)) owners.set(address, contact.id);
  }
  return owners;
}

/**
 * All addresses of the contact lead to it from now on: what waited under them counts, and a privacy deletion finds them. Only by
 * reading the contact do we learn its further addresses, by which HubSpot's batches find nobody.
 */
export async function uniteAddresses(
  contact: HubSpotRecord,
  { contacts, portalId, identityKey }: HydrationParts,
): Promise<void> {
  for (const address of addressesOf(contact)) {
    const { key } = await identityKey.read();
    await contacts.unite(emailKey(portalId, address, key), contactKey(portalId, contact.id));
  }
}

function addressesOf({ properties: { email, hs_additional_emails: more } }: HubSpotRecord): string[] {
  const addresses = [email ?? '', ...(more ?? '').split(';')].map(normalAddress);
  return addresses.filter((address) => address !== '');
}
