import { createHash, createHmac } from 'node:crypto';

/** Partition keys. Every key begins with the portal, so that no portal ever meets another's rows. */

/** The partition of a contact. */
export function contactKey(portalId: string, contactId: string): string {
  return `${portalId}#${contactId}`;
}

/** The partition of a company or deal. */
export function recordKey(portalId: string, type: 'company' | 'deal', id: string): string {
  return `${portalId}#${type}#${id}`;
}

/**
 * The partition of an e-mail address: an HMAC, so that the table does not hold the address.
 *
 * @param key - from the identity secret
 */
export function emailKey(portalId: string, email: string, key: string): string {
  const normalised = email.trim().toLowerCase().normalize('NFC');
  return `${portalId}#email#${createHmac('sha256', key).update(normalised).digest('base64url')}`;
}

/** Whether a partition is that of an e-mail address: what stands there waits to learn whose it is. */
export function isIdentityKey(key: string, portalId: string): boolean {
  return key.startsWith(`${portalId}#email#`);
}

/** The partition that holds what belongs to the portal itself. */
export function portalKey(portalId: string): string {
  return `${portalId}#portal`;
}

/** Over how many partitions of the index one night is spread: DynamoDB serves 1,000 writes a second from each. */
export const DUE_SHARDS = 16;

/** The partition of the due index in which a contact falls due on a night. @param night - `YYYY-MM-DD` */
export function dueKey(portalId: string, night: string, contactId: string): string {
  const shard = createHash('sha256').update(contactId).digest().readUInt16BE(0) % DUE_SHARDS;
  return dueShardKey(portalId, night, shard);
}

export function dueShardKey(portalId: string, night: string, shard: number): string {
  return `${portalId}#${night}#${shard}`;
}

/** The id behind the portal in a contact's partition key; undefined for other partitions. */
export function contactIdOf(key: string, portalId: string): string | undefined {
  return idBehind(`${portalId}#`, key);
}

/** The id in a company's partition key; undefined for other partitions. */
export function companyIdOf(key: string, portalId: string): string | undefined {
  return idBehind(recordKey(portalId, 'company', ''), key);
}

function idBehind(prefix: string, key: string): string | undefined {
  const id = key.startsWith(prefix) ? key.slice(prefix.length) : '';
  return /^\d+$/.test(id) ? id : undefined;
}
