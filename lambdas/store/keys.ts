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
  return addressPartition(portalId, createHmac('sha256', key).update(normalised).digest('base64url'));
}

/** The partition of an address of which only the HMAC is known. */
export function addressPartition(portalId: string, addressKey: string): string {
  return `${portalId}#email#${addressKey}`;
}

/** The HMAC in the partition key of an e-mail address; undefined for other partitions. */
export function addressKeyOf(key: string, portalId: string): string | undefined {
  const prefix = addressPartition(portalId, '');
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}

/** The partition of a browser. @param visitorId - random, as the snippet made it */
export function visitorKey(portalId: string, visitorId: string): string {
  return `${portalId}#visitor#${visitorId}`;
}

/** The id of the browser in its partition key; undefined for other partitions. */
export function visitorIdOf(key: string, portalId: string): string | undefined {
  const prefix = visitorKey(portalId, '');
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}

/** Whether a partition is that of an e-mail address or a browser: what stands there waits to learn whose it is. */
export function isIdentityKey(key: string, portalId: string): boolean {
  return key.startsWith(addressPartition(portalId, '')) || key.startsWith(visitorKey(portalId, ''));
}

/** The partition that holds what belongs to the portal itself. */
export function portalKey(portalId: string): string {
  return `${portalId}#portal`;
}

/** Over how many partitions of an index contacts are spread: DynamoDB serves 1,000 writes a second from each. */
export const SHARDS = 16;

/** The partition of an index in which a contact stands, from 0 to {@link SHARDS} − 1. */
export function shardOf(contactId: string): number {
  return createHash('sha256').update(contactId).digest().readUInt16BE(0) % SHARDS;
}

/** The partition of the due index in which a contact falls due on a night. @param night - `YYYY-MM-DD` */
export function dueKey(portalId: string, night: string, contactId: string): string {
  return dueShardKey(portalId, night, shardOf(contactId));
}

export function dueShardKey(portalId: string, night: string, shard: number): string {
  return `${portalId}#${night}#${shard}`;
}

/** A partition of the index of all contacts that live. */
export function rollShardKey(portalId: string, shard: number): string {
  return `${portalId}#roll#${shard}`;
}

/** A partition of the index of all deals that live. */
export function dealRollShardKey(portalId: string, shard: number): string {
  return `${portalId}#deal-roll#${shard}`;
}

/** The id behind the portal in a contact's partition key; undefined for other partitions. */
export function contactIdOf(key: string, portalId: string): string | undefined {
  return idBehind(`${portalId}#`, key);
}

/** The id in a company's partition key; undefined for other partitions. */
export function companyIdOf(key: string, portalId: string): string | undefined {
  return idBehind(recordKey(portalId, 'company', ''), key);
}

/** The id in a deal's partition key; undefined for other partitions. */
export function dealIdOf(key: string, portalId: string): string | undefined {
  return idBehind(recordKey(portalId, 'deal', ''), key);
}

function idBehind(prefix: string, key: string): string | undefined {
  const id = key.startsWith(prefix) ? key.slice(prefix.length) : '';
  return /^\d+$/.test(id) ? id : undefined;
}
