import pMap from 'p-map';
import { chunks } from '../chunks.ts';
import { ADDRESSES, modelInputs } from '../events/property-facts.ts';
import { HubSpotError } from '../hubspot/answer.ts';
import { type ListedRecord, PAGE_WITH_HISTORIES } from '../hubspot/lists.ts';
import { uniteAddresses } from '../hydration/addresses.ts';
import { companiesOfMoves, tellCompanies } from '../hydration/company-news.ts';
import { each, foundOrThrow, isFailure } from '../hydration/each.ts';
import { ownIdKept } from '../hydration/hydrate.ts';
import { rescore } from '../hydration/rescore.ts';
import { type LinksTold, readSurroundings, type Surroundings } from '../hydration/surroundings.ts';
import { bindVisitors, creditAnew, LATEST_PROPERTIES } from '../hydration/visits.ts';
import type { Known, PropertyValue } from '../scoring/facts.ts';
import { usesTouches } from '../scoring/model.ts';
import { score } from '../scoring/score.ts';
import { companyKept, dealsKept, takeApart } from '../store/associations.ts';
import { askAround } from '../store/company-table.ts';
import { companyIdOf, contactKey } from '../store/keys.ts';
import { type Head, NO_HEAD } from '../store/rows.ts';
import { comparisonOf, isOverdue, lookedAtMs } from './comparing.ts';
import { MERGED_IDS, type Told, toldByHistories, visitorsTold } from './history-facts.ts';
import type { NightRun } from './parts.ts';
import type { Findings } from './run.ts';

/** Calls for histories under way at once. */
const CALLS_AT_ONCE = 2;
/** What is kept of a contact that was never scored. */
const NOTHING_KNOWN: Known = { facts: [], properties: [] };

/** A contact that is to be looked at closely, and why. */
export interface Closer {
  readonly record: ListedRecord;
  /** As it was read for the page; undefined for a contact nobody told of. */
  readonly head: Head | undefined;
  readonly isMoved: boolean;
  /** It was united with others, or lives again: that is what is wrong with it. */
  readonly isTold: boolean;
}

/** Properties whose histories are read: what a fold looks at, which addresses and browsers led to the contact, and when it
 * was merged. */
export function historiesOf({ model }: Pick<NightRun, 'model'>): string[] {
  const visits = usesTouches(model) ? LATEST_PROPERTIES : [];
  return [...new Set([...modelInputs(model), ...ADDRESSES, ...visits, MERGED_IDS])];
}

/**
 * Takes in what HubSpot says of contacts, histories included, and scores them anew where anything follows from it. Each is kept first,
 * then noted as looked at: a crash in between lets it be looked at again.
 *
 * @param askedAtMs - when HubSpot was asked for the page
 * @param hasHistories - whether they came with the page
 * @returns by id, the heads as they are then; none for those that are erased, or could not be taken in
 */
export async function takeIn(
  those: readonly Closer[],
  { askedAtMs, hasHistories }: { readonly askedAtMs: number; readonly hasHistories: boolean },
  run: NightRun,
  found: Findings,
): Promise<Map<string, Head>> {
  const records = hasHistories ? those : await withHistories(those, run);
  const byId = new Map(records.map((closer) => [closer.record.id, closer]));
  const ids = [...byId.keys()];
  const links = new Map(records.map(({ record }) => [record.id, linksOf(record, askedAtMs)]));
  const around = await readSurroundings(ids, run, links);
  const told = [...around].flatMap(([id, it]) => (isFailure(it) ? [] : [[id, it] as const]));
  const moved = await companiesOfMoves(new Map(told), run);
  const heads = new Map<string, Head>();
  await askAround(
    (delaySeconds) => tellCompanies(moved, run, delaySeconds),
    async () => {
      const results = await each(ids, async (id) => {
        const closer = byId.get(id);
        const surroundings = foundOrThrow(around.get(id));
        if (closer === undefined) return undefined;
        return takeInOne(closer, surroundings, askedAtMs, run, found);
      });
      for (const [id, result] of results) {
        if (isFailure(result)) passOver(id, result.failed, run);
        else if (result !== undefined) heads.set(id, result);
      }
    },
  );
  return heads;
}

/** What is one contact's own fault must not hold up the others; everything else lets the page be gone over again. */
function passOver(contactId: string, failed: unknown, { logger }: NightRun): void {
  const isItsOwn =
    failed instanceof TypeError || (failed instanceof HubSpotError && failed.trouble === 'invalid');
  if (!isItsOwn) throw failed;
  logger.error('a contact cannot be compared: it is passed over', { contactId, error: failed });
}

/** Those that were deleted meanwhile are left out. */
async function withHistories(those: readonly Closer[], run: NightRun): Promise<Closer[]> {
  const ids = those.map(({ record }) => record.id);
  const found = await readHistories(ids, run);
  // HubSpot keeps silent on who is gone, and now and then on others.
  const silent = ids.filter((id) => !found.has(id));
  for (const [id, histories] of await readHistories(silent, run)) found.set(id, histories);
  return those.flatMap((closer) => {
    const histories = found.get(closer.record.id);
    return histories === undefined ? [] : [{ ...closer, record: { ...closer.record, histories } }];
  });
}

async function readHistories(
  ids: readonly string[],
  run: NightRun,
): Promise<Map<string, ListedRecord['histories']>> {
  const names = historiesOf(run);
  const read = await pMap(
    chunks(ids, PAGE_WITH_HISTORIES),
    (some) => run.lists.contacts.readHistories(some, names),
    { concurrency: CALLS_AT_ONCE },
  );
  return new Map(read.flat().map(({ id, histories }) => [id, histories]));
}

/** What the page told whole need not be asked for. */
function linksOf({ links: { companies, deals } }: ListedRecord, atMs: number): LinksTold {
  return {
    ...(companies?.isWhole === true && { companies: { to: companies.to, atMs } }),
    ...(deals?.isWhole === true && { deals: { to: deals.to, atMs } }),
  };
}

async function takeInOne(
  closer: Closer,
  surroundings: Surroundings | undefined,
  askedAtMs: number,
  run: NightRun,
  found: Findings,
): Promise<Head | undefined> {
  const { record, head = NO_HEAD } = closer;
  // Who was read since the page was knows better than the page.
  const isMoved = closer.isMoved && (head.readAtMs ?? 0) < askedAtMs;
  const { contacts, portalId } = run;
  const key = contactKey(portalId, record.id);
  const comparison = comparisonOf(run.model);
  const sinceMs = lookedAtMs(head, comparison);
  const known = (await contacts.read(key))?.known ?? NOTHING_KNOWN;
  const told = toldByHistories(record, known, sinceMs, { ...run, nowMs: askedAtMs });
  const others = [
    ...ownIdNews(record, known, run),
    ...newSurroundings(surroundings, head, known.deals ?? [], portalId),
  ];
  const visitors = visitorsTold(record, sinceMs, run);
  noteWhatIsWrong({ ...closer, isMoved }, known, told, sinceMs, askedAtMs, found);
  const reconciled = { atMs: askedAtMs, of: comparison };
  const isNothingNew = told.facts.length + told.values.length + others.length + visitors.length === 0;
  if (isNothingNew && sinceMs !== undefined && isScored(head, record.id, known, run)) {
    await contacts.noteReconciled(key, reconciled);
    return head;
  }
  // What is kept of associations says no more that it is new: whoever dies here is to find the contact unread.
  if (isMoved && head.readAtMs !== undefined) await contacts.forgetReading(key, head.readAtMs + 1);
  await contacts.keep(key, told.facts, [...told.values, ...others]);
  if (isAddressNew(record, head, sinceMs)) await uniteAddresses(record, run);
  await bindVisitors(record.id, visitors, run);
  await creditAnew(
    [...(known.deals ?? []), ...takeApart(others).deals].map(({ id }) => id),
    run,
  );
  return (await rescore(record.id, run, askedAtMs, reconciled))?.head;
}

/** Whether the score in the table is that of all that is kept: whoever kept the last of it may have died before scoring. */
function isScored(head: Head, contactId: string, known: Known, run: NightRun): boolean {
  if (head.readAtMs === undefined) return false;
  const now = score(run.model, { ...run, contactId }, known, head.shown, run.clock());
  return (
    now.writeId === head.writeId && now.dueAtMs === head.dueAtMs && now.lastSignalAtMs === head.lastSignalAtMs
  );
}

function ownIdNews(record: ListedRecord, { properties }: Known, run: NightRun): PropertyValue[] {
  return ownIdKept(record, run).filter(({ name, value, occurredAtMs }) => {
    const kept = properties.find((property) => property.name === name);
    return kept === undefined ? value !== '' : value !== kept.value && occurredAtMs > kept.occurredAtMs;
  });
}

/** Associations are kept only where they are others than before. */
function newSurroundings(
  surroundings: Surroundings | undefined,
  head: Head,
  deals: NonNullable<Known['deals']>,
  portalId: string,
): PropertyValue[] {
  const before = [companyKept(companyIdOf(head.company ?? '', portalId), 0), dealsKept(deals, 0)];
  const isKept = ({ name, value }: PropertyValue) =>
    before.some((kept) => kept.name === name && kept.value === value);
  return (surroundings?.keptAfter(deals) ?? []).filter((value) => !isKept(value));
}

/** Whether the contact may have an address that does not lead to it yet. */
function isAddressNew({ histories }: ListedRecord, { readAtMs }: Head, sinceMs: number | undefined): boolean {
  if (readAtMs === undefined) return true;
  return ADDRESSES.some((name) => (histories[name]?.[0]?.atMs ?? 0) >= (sinceMs ?? readAtMs));
}

function noteWhatIsWrong(
  { record, head, isMoved, isTold }: Closer,
  { properties }: Known,
  { facts, values, cut }: Told,
  sinceMs: number | undefined,
  askedAtMs: number,
  found: Findings,
): void {
  found.note('historyCut', cut);
  // What was there before the contact was read, and is looked at for the first time, is history: nobody missed it.
  const knownMs = sinceMs === undefined ? (head?.readAtMs ?? 0) : 0;
  const isMissed = (atMs: number) => atMs >= knownMs && isOverdue(atMs, askedAtMs);
  const other = values.filter(
    ({ name, value }) => properties.find((kept) => kept.name === name)?.value !== value,
  );
  const isAnyMissed = [...facts, ...other].some(({ occurredAtMs }) => isMissed(occurredAtMs));
  const isUnknown = head === undefined && isOverdue(record.updatedAtMs, askedAtMs);
  if (isMoved) found.note('contactsMoved');
  if (!isTold && isUnknown) found.note('contactsUnknown');
  if (!isTold && head?.readAtMs !== undefined && isAnyMissed) found.note('contactsMissed');
  if (isTold || isMoved || isUnknown || isAnyMissed) found.repair(`contact ${record.id}`);
}
