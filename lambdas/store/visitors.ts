import { RetryableError } from '../errors.ts';
import { isIdentityKey } from './keys.ts';
import type { Partitions } from './partitions.ts';
import type { RecordHeads } from './record-heads.ts';
import { readHead } from './rows.ts';

/** The end of a chain of aliases: its partition, and the first row there. */
interface End {
  readonly key: string;
  readonly row: Record<string, unknown> | undefined;
}

/** How often a browser is looked at again that somebody else bound meanwhile: a webhook and a reading may tell of it at once. */
const BIND_TRIES = 4;

interface VisitorTable {
  readonly rows: Partitions;
  readonly heads: RecordHeads;
  readonly portalId: string;
}

/**
 * Makes a browser somebody's own: what waits under it is moved there, and what comes later follows. It stays with the contact to whom it
 * was bound first, whatever that one was merged into; with another only once that one is deleted or erased. Who is known by an address
 * alone gives way to a contact. Binding again does no harm. Afterwards the target is to be scored. Of one that is erased nothing is
 * left, nor of its browser.
 *
 * @param visitor - partition of the browser
 * @param target - partition of a contact, or of an e-mail address of which it may not be known yet whose it is
 * @returns false where it is another contact's: then nothing happens
 * @throws RetryableError where others kept binding it meanwhile
 */
export async function bindVisitor(visitor: string, target: string, table: VisitorTable): Promise<boolean> {
  for (let attempt = 0; attempt < BIND_TRIES; attempt++) {
    const end = await claim(visitor, target, table);
    if (end === 'lost') continue;
    if (end === 'refused') return false;
    if (end !== 'as it was') await bring(visitor, end.key, table);
    return true;
  }
  throw new RetryableError(`others bound the browser ${BIND_TRIES} times before this one`);
}

/**
 * Makes the browser an alias, unless it is one that must stay.
 *
 * @returns of whom; `as it was` where another has it who may be the same, `lost` where it changed meanwhile
 */
async function claim(
  visitor: string,
  target: string,
  { rows, heads, portalId }: VisitorTable,
): Promise<Pick<End, 'key'> | 'refused' | 'as it was' | 'lost'> {
  const head = (await heads.read([visitor])).get(visitor) ?? { rev: 0 };
  const { alias } = readHead(head);
  const ends = await heads.readLiving([target, ...(alias === undefined ? [] : [alias])]);
  const key = endOf(target, ends, portalId);
  const owner = alias === undefined ? undefined : ends.get(alias);
  // A claim that waits is made anew: for as long again, or for good.
  if (owner?.key === key && head['expiresAt'] === undefined) return { key };
  if (owner !== undefined && owner.key !== key) {
    if (!isFree(owner, portalId)) return isIdentityKey(key, portalId) ? 'as it was' : 'refused';
    await release(visitor, owner, rows);
  }
  return (await heads.setAlias(visitor, key, alias)) ? { key } : 'lost';
}

/** Whose the target is today. An address whose contact is deleted may be another's by now: nobody knows until HubSpot is asked. */
function endOf(target: string, ends: ReadonlyMap<string, End>, portalId: string): string {
  const { key, row } = ends.get(target) ?? { key: target, row: undefined };
  const isLeft = row !== undefined && readHead(row).life === 'deleted';
  return isLeft && isIdentityKey(target, portalId) ? target : key;
}

/** Moves what waits, having noted where from. */
async function bring(visitor: string, key: string, { rows, heads }: VisitorTable): Promise<void> {
  await rows.putVia(key, visitor);
  await rows.move(visitor, key);
  // Whoever erases the target from now on finds the browser; whoever did before may not have.
  const now = (await heads.read([key])).get(key);
  if (now !== undefined && readHead(now).life === 'erased') await rows.sweep(key);
}

/** Whether another may have the browser. An address may turn out to be anybody's: what is known of it is no contact yet. */
function isFree({ key, row }: End, portalId: string): boolean {
  return isIdentityKey(key, portalId) || (row !== undefined && readHead(row).life !== 'living');
}

/** Whoever had the browser has it no more: erasing that one must not touch what is the next one's. */
async function release(visitor: string, { key, row }: End, rows: Partitions): Promise<void> {
  if (row !== undefined && readHead(row).life === 'erased') await rows.sweep(visitor);
  await rows.removeVia(key, visitor);
}
