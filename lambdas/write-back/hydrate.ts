import pMap from 'p-map';
import { ADDRESSES, modelInputs, observe } from '../events/property-facts.ts';
import type { HubSpotContact, HubSpotContacts } from '../hubspot/contacts.ts';
import { inHalves } from '../hubspot/halves.ts';
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

/** Why one of several could not be done; the others were. */
export interface Failure {
  readonly failed: unknown;
}

/** What HubSpot refuses to read: a record id, or an address. */
interface Unread extends Failure {
  readonly id: string;
}

/** What became of each of several: what was looked for, undefined where there is none, or a failure. */
export type Each<T> = ReadonlyMap<string, T | undefined | Failure>;

export function isFailure(result: unknown): result is Failure {
  return typeof result === 'object' && result !== null && 'failed' in result;
}

/** Does one after the other, some at once; the failure of one is its own. */
async function each<T>(
  keys: readonly string[],
  act: (key: string) => Promise<T | undefined>,
): Promise<Map<string, T | undefined | Failure>> {
  const results = await pMap(
    keys,
    async (key) => [key, await act(key).catch((failed: unknown): Failure => ({ failed }))] as const,
    { concurrency: AT_ONCE },
  );
  return new Map(results);
}

/**
 * Reads up to 100 contacts from HubSpot that were only heard of so far, keeps what the model needs, and scores them anew.
 *
 * @returns by id as asked for, the contacts as they stand then: those merged away under their living id, none for those that
 *   HubSpot does not have
 * @throws when the batch could not be read at all
 */
export async function hydrate(contactIds: readonly string[], parts: HydrationParts): Promise<Each<Standing>> {
  const { hubSpot, contacts, portalId } = parts;
  const properties = [...new Set([...modelInputs(parts.model), ...ADDRESSES])];
  const found = await readEach(contactIds, properties, hubSpot);
  const silent = contactIds.filter((id) => !found.has(id));
  const livingIds = await each(silent, async (id) => (await hubSpot.lookUp(id, []))?.id);
  const moved = [...new Set([...livingIds.values()].filter((id) => typeof id === 'string'))];
  for (const [id, contact] of await readEach(moved, properties, hubSpot)) found.set(id, contact);
  return each(contactIds, async (id) => {
    const livingId = livingIds.get(id) ?? id;
    const contact = isFailure(livingId) ? livingId : found.get(livingId);
    if (isFailure(contact)) throw contact.failed;
    if (contact === undefined) return undefined;
    if (contact.id !== id) await contacts.unite(contactKey(portalId, id), contactKey(portalId, contact.id));
    return keepFound(contact, parts);
  });
}

/** @returns by id as asked for; those of which HubSpot says nothing are left out */
async function readEach(
  ids: readonly string[],
  properties: readonly string[],
  hubSpot: HubSpotContacts,
): Promise<Map<string, HubSpotContact | Failure>> {
  const read = await inHalves<string, HubSpotContact | Unread>(
    ids,
    (part) => hubSpot.read(part, properties),
    (id, failed) => ({ id, failed }),
  );
  return new Map(read.map((contact) => [contact.id, contact]));
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
  const held = new Set((await contacts.read(key))?.known.properties.map(({ name }) => name));
  await contacts.keep(
    key,
    observed.flatMap(({ facts }) => facts),
    // Cleared ones matter where there was something to clear.
    observed
      .flatMap(({ properties }) => properties)
      .filter(({ name, value }) => value !== '' || held.has(name)),
  );
  await uniteAddresses(contact, parts);
  return rescore(contact.id, parts, clock());
}

/**
 * All addresses of the contact lead to it from now on: what waited under them counts, and a privacy deletion finds them. Only by
 * reading the contact do we learn its further addresses, by which HubSpot's batches find nobody.
 */
async function uniteAddresses(
  { id, properties }: HubSpotContact,
  { contacts, portalId, identityKey }: HydrationParts,
): Promise<void> {
  for (const address of addressesOf(properties)) {
    const { key } = await identityKey.read();
    await contacts.unite(emailKey(portalId, address, key), contactKey(portalId, id));
  }
}

/** Folds and stores as the scorer does. @param readAtMs - when HubSpot was read, if it was */
async function rescore(
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

/** An address as HubSpot and we compare it. */
export function normalAddress(email: string): string {
  return email.trim().toLowerCase();
}

/**
 * Finds out whose up to 100 addresses are and unites what waited under them with their contacts.
 *
 * @param addresses - normalised, none twice
 * @returns by address the id of its contact; none for an address that belongs to nobody yet: its facts go on waiting
 * @throws when the batch could not be read at all
 */
export async function resolveEmails(
  addresses: readonly string[],
  parts: HydrationParts,
): Promise<Each<string>> {
  const { hubSpot, contacts, portalId, identityKey } = parts;
  const owners = new Map<string, string | Failure>();
  const read = await inHalves<string, HubSpotContact | Unread>(
    addresses,
    (part) => hubSpot.read(part, ADDRESSES, 'email'),
    (id, failed) => ({ id, failed }),
  );
  for (const contact of read) {
    if (isFailure(contact)) owners.set(contact.id, contact);
    else for (const address of addressesOf(contact.properties)) owners.set(address, contact.id);
  }
  return each(addresses, async (address) => {
    const owner = owners.get(address);
    if (isFailure(owner)) throw owner.failed;
    if (owner === undefined) return undefined;
    const { key } = await identityKey.read();
    await contacts.unite(emailKey(portalId, address, key), contactKey(portalId, owner));
    await rescore(owner, parts);
    return owner;
  });
}

function addressesOf({ email, hs_additional_emails: more }: HubSpotContact['properties']): string[] {
  const addresses = [email ?? '', ...(more ?? '').split(';')].map(normalAddress);
  return addresses.filter((address) => address !== '');
}
