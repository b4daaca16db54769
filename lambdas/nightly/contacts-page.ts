import { chunks } from '../chunks.ts';
import { RetryableError } from '../errors.ts';
import type { ListedRecord } from '../hubspot/lists.ts';
import { BATCH, type HubSpotRecord } from '../hubspot/objects.ts';
import { OUTPUT_NAMES } from '../hubspot/outputs.ts';
import { contactProperties, uniteContacts } from '../hydration/hydrate.ts';
import { looksAtDeals } from '../scoring/model.ts';
import { contactKey } from '../store/keys.ts';
import type { WriteRequest } from '../store/queues.ts';
import { ALIAS_HOPS } from '../store/record-heads.ts';
import type { Head } from '../store/rows.ts';
import { comparisonOf, isMoved, lookedAtMs } from './comparing.ts';
import { MERGED_IDS, mergesOf } from './history-facts.ts';
import { noteMissing, type Stretch } from './missing.ts';
import type { NightRun } from './parts.ts';
import type { Figure, Findings } from './run.ts';
import { type Showing, showingOf } from './shown.ts';
import { type Closer, takeIn } from './take-in.ts';

/** A page of contacts. */
interface ContactsPage {
  readonly records: readonly ListedRecord[];
  /** Epoch milliseconds at which HubSpot was asked for the first of them. */
  readonly askedAtMs: number;
  readonly hasHistories: boolean;
  /** The ids of which these are all; undefined where they say nothing of those that are left out. */
  readonly stretch: Stretch | undefined;
}

type Heads = ReadonlyMap<string, Head>;

/** What is asked of each contact: what tells something, what it was merged from, and what it shows of ours. */
export function propertiesAsked(run: NightRun): string[] {
  return [...contactProperties(run), MERGED_IDS, ...OUTPUT_NAMES.contacts];
}

/**
 * Compares some of HubSpot's contacts with the table and sees to it that they agree. Going over it again does no harm.
 *
 * @returns the id behind which to go on, as `noteMissing`
 */
export async function compareContacts(
  page: ContactsPage,
  run: NightRun,
  found: Findings,
): Promise<string | undefined> {
  const { stretch } = page;
  const until = stretch && (await noteMissing(page.records, stretch, run, found));
  const before = await headsOf(page.records, run);
  const living = page.records.filter(({ id }) => lives(before.get(id)));
  const told = new Set([
    ...(await uniteMerged(living, run, found)),
    ...(await noteRestored(living, before, run, found)),
  ]);
  // Being united and being restored change the head.
  const heads = told.size === 0 ? before : await headsOf(page.records, run);
  const closer = await whomToLookAt(living, heads, told, run);
  const taken = await takeIn(closer, page, run, found);
  await compareScores(living, heads, taken, run, found);
  found.note('contacts', page.records.length);
  return until;
}

/** What is erased never comes back, and what was merged away is looked at under the id under which it lives. */
function lives(head: Head | undefined): boolean {
  return head === undefined || (head.life !== 'erased' && head.alias === undefined);
}

async function headsOf(records: readonly HubSpotRecord[], { contacts, portalId }: NightRun): Promise<Heads> {
  const keys = new Map(records.map(({ id }) => [contactKey(portalId, id), id]));
  const heads = await contacts.heads([...keys.keys()]);
  return new Map([...heads].map(([key, head]) => [keys.get(key) ?? '', head]));
}

/** Makes one of records that HubSpot merged and we did not. @returns ids of those that were merged from what we knew */
async function uniteMerged(
  records: readonly ListedRecord[],
  run: NightRun,
  found: Findings,
): Promise<string[]> {
  const { contacts, portalId } = run;
  const pairs = mergesOf(records);
  const old = await contacts.heads(pairs.map(({ oldId }) => contactKey(portalId, oldId)));
  const united: string[] = [];
  for (const { id, oldId } of pairs) {
    const key = contactKey(portalId, oldId);
    const head = old.get(key);
    if (head?.life === 'erased' || !(await uniteOne(oldId, id, head, run)) || head === undefined) continue;
    united.push(id);
    found.note('contactsMerged');
    found.repair(`contact ${id}`);
  }
  return united;
}

/** @returns whether that was to be done, and could be */
async function uniteOne(oldId: string, id: string, head: Head | undefined, run: NightRun): Promise<boolean> {
  try {
    // Whoever made it an alias may have died before its facts were moved.
    if (head?.isMoved === true && (await leadsTo(head, id, run))) return false;
    await uniteContacts(oldId, id, run);
    return true;
  } catch (error) {
    // Merged more often than is followed: that must not hold up the others, night after night.
    if (!(error instanceof RetryableError)) throw error;
    run.logger.error('a merge cannot be followed: it is passed over', { contactId: id, oldId, error });
    return false;
  }
}

/** Whether a contact was merged into another one, maybe by way of others. */
async function leadsTo({ alias }: Head, id: string, { contacts, portalId }: NightRun): Promise<boolean> {
  const key = contactKey(portalId, id);
  let at = alias;
  for (let hop = 0; hop < ALIAS_HOPS && at !== undefined && at !== key; hop++)
    at = (await contacts.heads([at])).get(at)?.alias;
  return at === key;
}

/** Notes that contacts live that were deleted when we last heard of them. @returns their ids */
async function noteRestored(
  records: readonly ListedRecord[],
  heads: Heads,
  run: NightRun,
  found: Findings,
): Promise<string[]> {
  const restored: string[] = [];
  for (const { id } of records) {
    const head = heads.get(id);
    if (head?.life !== 'deleted') continue;
    const key = contactKey(run.portalId, id);
    // First, so that whoever dies here finds the contact unread.
    if (head.readAtMs !== undefined) await run.contacts.forgetReading(key, head.readAtMs + 1);
    await run.contacts.mark(key, 'living', run.startedAtMs);
    restored.push(id);
    found.note('contactsRestored');
    found.repair(`contact ${id}`);
  }
  return restored;
}

/** Those of which HubSpot may know something that we do not. */
async function whomToLookAt(
  records: readonly ListedRecord[],
  heads: Heads,
  told: ReadonlySet<string>,
  { contacts, portalId, model }: NightRun,
): Promise<Closer[]> {
  const comparison = comparisonOf(model);
  const listed = records.filter(({ id, links }) => heads.has(id) && links.deals?.isWhole === true);
  const keys = looksAtDeals(model) ? listed.map(({ id }) => contactKey(portalId, id)) : [];
  const deals = await contacts.dealsOf(keys);
  return records.flatMap((record): Closer[] => {
    const { id, updatedAtMs } = record;
    const head = heads.get(id);
    const isTold = told.has(id);
    if (head?.readAtMs === undefined) return [{ record, head, isMoved: false, isTold }];
    const sinceMs = lookedAtMs(head, comparison);
    const hasMoved = isMoved(record, head, deals.get(contactKey(portalId, id)) ?? [], portalId);
    const isNewer = sinceMs === undefined || updatedAtMs > sinceMs;
    return isNewer || hasMoved || isTold ? [{ record, head, isMoved: hasMoved, isTold }] : [];
  });
}

/** What is wrong with a score that HubSpot does not show. */
const DRIFT: Partial<Record<Showing, Figure>> = {
  missing: 'scoresMissing',
  stale: 'scoresStale',
  edited: 'scoresEdited',
};

/**
 * Has every contact written, or read back, of which HubSpot does not show what the table says.
 *
 * @param before - the heads as they were read for the page
 * @param taken - the heads of those that were taken in since
 */
async function compareScores(
  records: readonly ListedRecord[],
  before: Heads,
  taken: Heads,
  run: NightRun,
  found: Findings,
): Promise<void> {
  const withheld = new Set((await run.withheld.read()).names);
  const requests: WriteRequest[] = [];
  const suspects = new Map<string, Head>();
  for (const { id, properties } of records) {
    const head = taken.get(id) ?? before.get(id);
    const showing = head && showingOf(head, properties, withheld);
    if (head?.life !== 'living' || showing === undefined || showing === 'shown in part') continue;
    const isConfirmed = head.confirmedWriteId === head.writeId;
    const isNew = head.writeId !== before.get(id)?.writeId;
    if (isConfirmed && showing === 'shown') continue;
    if (isConfirmed) suspects.set(id, head);
    else requests.push({ portalId: run.portalId, contactId: id, ...(isNew ? {} : { force: true }) });
  }
  for (const [id, showing] of await lookAgain(suspects, withheld, run)) {
    const figure = DRIFT[showing];
    if (figure !== undefined) found.note(figure);
    found.repair(`contact ${id}`);
    requests.push({ portalId: run.portalId, contactId: id, force: true });
  }
  await run.background(requests, 0);
}

/**
 * Looks once more at contacts of which HubSpot seems to show something else than it confirmed: write-back may have written them since the
 * page was read. The heads are read last: as long as these are the same, nothing else was sent.
 *
 * @param suspects - by id, their heads as they were when this was noticed
 * @returns those of which it is so
 */
async function lookAgain(
  suspects: Heads,
  withheld: ReadonlySet<string>,
  run: NightRun,
): Promise<[id: string, showing: Showing][]> {
  const records: HubSpotRecord[] = [];
  for (const some of chunks([...suspects.keys()], BATCH))
    records.push(...(await run.hubSpot.contacts.read(some, OUTPUT_NAMES.contacts)));
  const now = await headsOf(records, run);
  return records.flatMap(({ id, properties }) => {
    const before = suspects.get(id);
    const head = now.get(id);
    if (head === undefined || head.writeId !== before?.writeId || head.confirmedWriteId !== head.writeId)
      return [];
    const showing = showingOf(head, properties, withheld);
    return showing === undefined || DRIFT[showing] === undefined ? [] : [[id, showing]];
  });
}
