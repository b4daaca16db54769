import { chunks } from '../chunks.ts';
import { CONTACTS_PER_TICK, type Tick } from '../events/envelope.ts';
import type { ListedRecord, ListRequest } from '../hubspot/lists.ts';
import type { HubSpotRecord } from '../hubspot/objects.ts';
import { looksAtDeals, usesCompanies } from '../scoring/model.ts';
import { companyPropertiesAsked, compareCompanies } from './companies-page.ts';
import { compareContacts, propertiesAsked } from './contacts-page.ts';
import { compareDeals, dealPropertiesAsked, noteMissingDeals } from './deals-page.ts';
import { readPaths, sendAll, sendCredited } from './effects.ts';
import type { NightRun } from './parts.ts';
import type { Findings, RunKind, Walk } from './run.ts';
import { historiesOf } from './take-in.ts';

/** Of what changed in one millisecond a search hands out so many records at most (HubSpot, "Search" guide, read 2026-11). */
const MOST_OF_SEARCH = 10_000;

/** Of 800 contacts some fifty have changed since the night before (`npm run bench -- nightly`), and histories are read fifty to a call. */
export const PAGES_AT_A_TIME = 8;

/** No further page is listed after this time: while others use the budget up, a page may wait 12 s, and an invocation has five minutes. */
const LISTING_MS = 20_000;

/**
 * Takes a walk a page further, or a few pages where one says little: reads them and repairs what is wrong.
 *
 * @returns the walk as it stands then
 */
export async function walkPage(walk: Walk, kind: RunKind, run: NightRun, found: Findings): Promise<Walk> {
  const next = await pageOf(walk, kind, run, found);
  const { pages: read = 1 } = next;
  const pages = walk.pages + read;
  found.note('pages', read);
  if (walk.mostPages !== undefined && walk.way === 'list') {
    // A share that comes to the end of the list goes on at its beginning.
    const isWhole = walk.after === undefined && next.after === undefined;
    return { ...walk, after: next.after, pages, isDone: pages >= walk.mostPages || isWhole };
  }
  return { ...walk, after: next.after, read: next.read, pages, isDone: next.after === undefined };
}

interface Next {
  /** Where the next page begins; undefined after the last. */
  readonly after: string | undefined;
  /** How many pages were read. @default 1 */
  readonly pages?: number;
  /** What the next step is to know of this one. */
  readonly read?: string | undefined;
}

function pageOf(walk: Walk, kind: RunKind, run: NightRun, found: Findings): Promise<Next> {
  if (walk.way === 'table') return tickPage(walk, run, found);
  if (walk.way === 'effects') return readPaths(walk, run);
  if (walk.way === 'credit') return kind === 'rescore' ? sendAll(walk, run) : sendCredited(walk, run);
  return walk.way === 'list' ? listPage(walk, kind, run, found) : changedPage(walk, run, found);
}

/** Has a page of the table scored anew. */
async function tickPage({ after }: Walk, run: NightRun, found: Findings): Promise<Next> {
  const page = await run.contacts.rollPage(after);
  const ticks = chunks(page.contactIds, CONTACTS_PER_TICK).map(
    (contactIds): Tick => ({ portalId: run.portalId, contactIds }),
  );
  await run.tick(ticks);
  found.note('contacts', page.contactIds.length);
  return page;
}

async function listPage(walk: Walk, kind: RunKind, run: NightRun, found: Findings): Promise<Next> {
  const { object, after } = walk;
  const askedAtMs = run.clock();
  if (object === 'companies') {
    const page = await run.lists.companies.list({ after, properties: companyPropertiesAsked(run) });
    await compareCompanies(page.records, askedAtMs, run, found);
    return page;
  }
  if (object === 'deals') {
    const page = await run.lists.deals.list({
      after,
      properties: dealPropertiesAsked(run),
      links: ['contacts'],
    });
    const deals = page.records.map((record) => ({ record, contactIds: ownersOf(record) }));
    await compareDeals(deals, run, found);
    const until = await noteMissingDeals(page.records, { after, until: page.after }, run, found);
    return { after: until };
  }
  return listContacts(walk, kind, run, found);
}

async function listContacts(
  { after, pages: before, mostPages = Number.POSITIVE_INFINITY }: Walk,
  kind: RunKind,
  run: NightRun,
  found: Findings,
): Promise<Next> {
  const askedAtMs = run.clock();
  const hasHistories = kind === 'backfill';
  const most = hasHistories ? 1 : Math.min(run.pagesAtATime, mostPages - before);
  const records: ListedRecord[] = [];
  let until = after;
  let pages = 0;
  do {
    try {
      const page = await run.lists.contacts.list(contactsAsked(until, hasHistories, run));
      records.push(...page.records);
      until = page.after;
      pages += 1;
    } catch (error) {
      if (pages === 0) throw error;
      break; // What was read is not read again for it; the next page meets the same trouble, or none.
    }
  } while (until !== undefined && pages < most && run.clock() - askedAtMs < LISTING_MS);
  const next = await compareContacts(
    { records, askedAtMs, hasHistories, stretch: { after, until } },
    run,
    found,
  );
  return { after: next, pages };
}

function contactsAsked(after: string | undefined, hasHistories: boolean, run: NightRun): ListRequest {
  return {
    after,
    properties: propertiesAsked(run),
    links: [
      ...(usesCompanies(run.model) ? ['companies' as const] : []),
      ...(looksAtDeals(run.model) ? ['deals' as const] : []),
    ],
    ...(hasHistories && { histories: historiesOf(run) }),
  };
}

/** Of a deal with more contacts than the list told, HubSpot is to be asked. */
function ownersOf({ links: { contacts } }: ListedRecord): string[] | undefined {
  return contacts?.isWhole === true ? contacts.to.map(({ id }) => id) : undefined;
}

async function changedPage(
  { object, after, sinceMs = 0 }: Walk,
  run: NightRun,
  found: Findings,
): Promise<Next> {
  const askedAtMs = run.clock();
  const { records, total, ...page } = await run.lists[object].changedSince(
    sinceMs,
    after,
    askedOf(object, run),
  );
  if (object === 'companies') await compareCompanies(records, askedAtMs, run, found);
  else if (object === 'deals')
    await compareDeals(
      records.map((record) => ({ record, contactIds: undefined })),
      run,
      found,
    );
  else {
    const plain = records.map((record) => ({ ...record, histories: {}, links: {} }));
    await compareContacts({ records: plain, askedAtMs, hasHistories: false, stretch: undefined }, run, found);
  }
  if (page.after === undefined && total > MOST_OF_SEARCH) found.note('windowCut');
  // What changed since the run began is for the next: our own writes would let the window never end.
  return isBehindStart(records, run) ? { after: undefined } : page;
}

function askedOf(object: Walk['object'], run: NightRun): readonly string[] {
  if (object === 'companies') return companyPropertiesAsked(run);
  return object === 'deals' ? dealPropertiesAsked(run) : propertiesAsked(run);
}

function isBehindStart(records: readonly HubSpotRecord[], { startedAtMs }: NightRun): boolean {
  const last = records.at(-1);
  return last !== undefined && last.updatedAtMs > startedAtMs;
}
