import { modelInputs, observe } from '../events/property-facts.ts';
import { BATCH, type HubSpotContact, type HubSpotContacts } from '../hubspot/contacts.ts';
import { chunks } from '../chunks.ts';
import pMap from 'p-map';
import type { Model } from '../scoring/model.ts';
import { score } from '../scoring/score.ts';
import type { ContactTable, Standing } from '../store/contact-table.ts';
import { contactKey, emailKey } from '../store/keys.ts';

/** Contacts worked on at once. */
const AT_ONCE = 16;

export interface HydrationParts {
  readonly clock: () => number;
  readonly model: Model;
  readonly portalId: string;
  readonly timeZone: string;
  readonly contacts: ContactTable;
  readonly hubSpot: HubSpotContacts;
  readonly identityKey: { read(): Promise<{ key: string }> };
}

/**
 * Reads contacts from HubSpot that were only heard of so far, keeps what the model needs, and scores them anew.
 *
 * @returns the contacts as they stand then; those HubSpot does not have are left out, those merged away stand under their
 *   living id
 */
export async function hydrate(contactIds: readonly string[], parts: HydrationParts): Promise<Standing[]> {
  const { hubSpot, contacts, portalId } = parts;
  const properties = [...new Set([...modelInputs(parts.model), 'email'])];
  const standings = await pMap(
    chunks(contactIds, BATCH),
    async (ids) => {
      const found = new Map((await hubSpot.read(ids, properties)).map((contact) => [contact.id, contact]));
      return pMap(
        ids,
        async (id) => {
          const contact = found.get(id) ?? (await hubSpot.lookUp(id, properties));
          if (contact === undefined) return [];
          if (contact.id !== id)
            await contacts.unite(contactKey(portalId, id), contactKey(portalId, contact.id));
          const standing = await keepFound(contact, parts);
          return standing === undefined ? [] : [standing];
        },
        { concurrency: AT_ONCE },
      );
    },
    { concurrency: 2 },
  );
  return standings.flat(2);
}

async function keepFound(contact: HubSpotContact, parts: HydrationParts): Promise<Standing | undefined> {
  const { contacts, model, portalId, clock } = parts;
  const key = contactKey(portalId, contact.id);
  const observed = modelInputs(model).map((property) =>
    observe(model, {
      portalId,
      objectType: 'contact',
      objectId: contact.id,
      property,
      value: contact.properties[property]?.trim() ?? '',
      atMs: contact.updatedAtMs,
      as: 'found',
    }),
  );
  await contacts.keep(
    key,
    observed.flatMap(({ facts }) => facts),
    observed.flatMap(({ properties }) => properties).filter(({ value }) => value !== ''),
  );
  await uniteWaiting(contact, parts);
  return rescoreContact(contact.id, parts, clock());
}

/** Facts may have waited under the contact's address since before it was a contact. */
async function uniteWaiting(
  contact: HubSpotContact,
  { contacts, portalId, identityKey }: HydrationParts,
): Promise<void> {
  const email = contact.properties['email'] ?? '';
  if (email === '') return;
  const waiting = emailKey(portalId, email, (await identityKey.read()).key);
  if (await contacts.isWaiting(waiting)) await contacts.unite(waiting, contactKey(portalId, contact.id));
}

/** Folds and stores as the scorer does. @param readAtMs - when HubSpot was read, if it was */
export async function rescoreContact(
  id: string,
  { contacts, model, portalId, timeZone, clock }: HydrationParts,
  readAtMs?: number,
): Promise<Standing | undefined> {
  const nowMs = clock();
  return contacts.rescore(
    contactKey(portalId, id),
    (contactId, known, previous) => score(model, { portalId, contactId, timeZone }, known, previous, nowMs),
    nowMs,
    readAtMs,
  );
}

/**
 * Finds out whose addresses these are and unites what waited under them with their contacts.
 *
 * @returns ids of the contacts found; what belongs to nobody yet goes on waiting
 */
export async function resolveEmails(emails: readonly string[], parts: HydrationParts): Promise<string[]> {
  const { hubSpot, contacts, portalId, identityKey } = parts;
  const found: string[] = [];
  for (const batch of chunks([...new Set(emails.map((email) => email.trim().toLowerCase()))], BATCH)) {
    const { key } = await identityKey.read();
    for (const contact of await hubSpot.read(batch, ['email', 'hs_additional_emails'], 'email')) {
      const { email, hs_additional_emails: more } = contact.properties;
      const own = [email ?? '', ...(more ?? '').split(';')].map((address) => address.trim().toLowerCase());
      for (const address of own.filter((each) => batch.includes(each))) {
        await contacts.unite(emailKey(portalId, address, key), contactKey(portalId, contact.id));
      }
      await rescoreContact(contact.id, parts);
      found.push(contact.id);
    }
  }
  return found;
}
