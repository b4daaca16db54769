import { chunks } from '../chunks.ts';
import { BATCH, type HubSpotRecord } from '../hubspot/objects.ts';
import { each, foundOrThrow, isFailure } from '../hydration/each.ts';
import { noteContactGone, uniteContacts } from '../hydration/hydrate.ts';
import { readRecords } from '../hydration/reading.ts';
import { contactKey } from '../store/keys.ts';
import type { NightRun } from './parts.ts';
import type { Findings } from './run.ts';

/** Contacts that are looked for in one step, listed or not: a list that breaks off leaves out all that are left. */
const MOST_IN_STRETCH = 2_000;

/** A stretch of record ids: behind `after`, up to and with `until`; undefined = open. */
export interface Stretch {
  readonly after: string | undefined;
  readonly until: string | undefined;
}

/**
 * Finds the contacts that the table has and a page of HubSpot's does not: they are in the recycling bin, or were merged, or there is no
 * trace of them; or they came while the page was under way.
 *
 * @returns the id up to which they were looked for, where the stretch has more than one step can look for; else its own end
 */
export async function noteMissing(
  listed: readonly HubSpotRecord[],
  { after, until }: Stretch,
  run: NightRun,
  found: Findings,
): Promise<string | undefined> {
  const { contacts, portalId } = run;
  const there = new Set(listed.map(({ id }) => id));
  const known = await contacts.idsBetween(after, until, MOST_IN_STRETCH);
  const ids = known.filter((id) => !there.has(id));
  // The index may be behind.
  const heads = await contacts.heads(ids.map((id) => contactKey(portalId, id)));
  const missing = ids.filter((id) => {
    const head = heads.get(contactKey(portalId, id));
    return head?.life === 'living' && head.alias === undefined;
  });
  for (const batch of chunks(missing, BATCH)) {
    const archived = await run.lists.contacts.archived(batch);
    const rest = batch.filter((id) => !archived.has(id));
    const records = await readRecords(run.hubSpot.contacts, rest, []);
    const results = await each(batch, async (id) => {
      const record = foundOrThrow(records.get(id));
      if (record === undefined) await noteGone(id, archived.has(id), run, found);
      else if (record.id !== id) await noteMerged(id, record.id, run, found);
      return undefined;
    });
    for (const result of results.values()) if (isFailure(result)) throw result.failed;
  }
  return known.length < MOST_IN_STRETCH ? until : known.at(-1);
}

async function noteGone(id: string, isInBin: boolean, run: NightRun, found: Findings): Promise<void> {
  await noteContactGone(id, run);
  found.note('contactsGone');
  found.repair(`contact ${id}`);
  if (isInBin) return;
  // Erasing cannot be undone, so that is for a person to decide.
  found.note('vanished');
  run.logger.warn('HubSpot has no trace of a contact: was it deleted for privacy?', { contactId: id });
}

async function noteMerged(id: string, livingId: string, run: NightRun, found: Findings): Promise<void> {
  await uniteContacts(id, livingId, run);
  // It may stand on a page that is behind us, or that this run never comes to.
  await run.background([{ portalId: run.portalId, contactId: livingId }], 0);
  found.note('contactsMerged');
  found.repair(`contact ${livingId}`);
}
