import { PAGE, PAGE_WITH_HISTORIES } from '../hubspot/lists.ts';
import { SEARCH_PAGE } from '../hubspot/search.ts';
import { looksAtDeals, usesCompanies, usesTouches } from '../scoring/model.ts';
import { CONTACTS_PER_PAGE } from '../store/roll-index.ts';
import { usesEffects } from './effects.ts';
import type { NightRun } from './parts.ts';
import type { Run, RunState, Walk } from './run.ts';

/** A window begins so much before the last run did: searches are some seconds late, and clocks differ. */
const OVERLAP_MS = 15 * 60_000;
/** How far the first window reaches back. */
const FIRST_WINDOW_MS = 24 * 3_600_000;

/** What a run is going to look at. */
type Plan = Pick<Run, 'walks' | 'expectedPages'>;

const OBJECTS = ['companies', 'contacts', 'deals'] as const;
type Counts = Readonly<Record<(typeof OBJECTS)[number], number>>;

/**
 * Decides what a run looks at. Asks HubSpot how much there is.
 *
 * A night looks at everything as long as that takes no more of the day's calls than it may; else at all that changed since the last
 * one, and with the calls that are left at a share of the contacts, which begins where the last one ended. After that it credits deals, which
 * takes no call.
 */
export async function planRun({ kind }: Pick<Run, 'kind'>, state: RunState, run: NightRun): Promise<Plan> {
  const { walks, expectedPages } = await planComparing(kind, state, run);
  const crediting =
    kind === 'nightly' && usesEffects(run.model) ? [walk('effects', 'deals'), walk('credit', 'deals')] : [];
  return { walks: [...walks, ...crediting], expectedPages };
}

/** Whether a part of a run looks at HubSpot. */
export function isComparing({ way }: Walk): boolean {
  return way === 'list' || way === 'changed';
}

async function planComparing(kind: Run['kind'], state: RunState, run: NightRun): Promise<Plan> {
  if (kind === 'rescore') {
    const pages = Math.ceil((await run.contacts.countRoll()) / CONTACTS_PER_PAGE);
    // Another model may credit deals otherwise of which nothing changed in HubSpot.
    const credit = usesTouches(run.model) ? [walk('credit', 'deals')] : [];
    return { walks: [walk('table', 'contacts'), ...credit], expectedPages: pages };
  }
  if (kind === 'nightly' && run.dailyPercent === 0) return { walks: [], expectedPages: 0 };
  const counts = await countsOf(run);
  if (kind === 'backfill') return listed(counts, PAGE_WITH_HISTORIES, run);
  const full = listed(counts, PAGE, run);
  const most = Math.floor(((await run.dailyLimit()) * run.dailyPercent) / 100);
  return full.expectedPages <= most ? full : rolling(most, state, run);
}

function walk(way: Walk['way'], object: Walk['object'], more: Partial<Walk> = {}): Walk {
  return { way, object, pages: 0, isDone: false, ...more };
}

/** Kinds of records that the model has to do with. */
function objectsOf({ model }: NightRun): Walk['object'][] {
  return OBJECTS.filter((object) => {
    if (object === 'contacts') return true;
    return object === 'companies' ? usesCompanies(model) : looksAtDeals(model);
  });
}

async function countsOf(run: NightRun): Promise<Counts> {
  const counts = { contacts: 0, companies: 0, deals: 0 };
  for (const object of objectsOf(run)) counts[object] = await run.lists[object].count();
  return counts;
}

function listed(counts: Counts, contactsPerPage: number, run: NightRun): Plan {
  const perPage = { companies: PAGE, contacts: contactsPerPage, deals: PAGE };
  const objects = objectsOf(run);
  const pages = objects.map((object) => Math.ceil(counts[object] / perPage[object]));
  return {
    walks: objects.map((object) => walk('list', object)),
    expectedPages: pages.reduce((sum, each) => sum + each, 0),
  };
}

async function rolling(most: number, { lookedAtMs, rolledTo }: RunState, run: NightRun): Promise<Plan> {
  const sinceMs = (lookedAtMs ?? run.startedAtMs - FIRST_WINDOW_MS) - OVERLAP_MS;
  const windows: Walk[] = [];
  let pages = 0;
  let calls = 0;
  for (const object of objectsOf(run)) {
    const { total } = await run.lists[object].changedSince(sinceMs, undefined, []);
    windows.push(walk('changed', object, { sinceMs }));
    pages += Math.ceil(total / SEARCH_PAGE);
    calls += object === 'contacts' ? Math.ceil(total / PAGE_WITH_HISTORIES) : 0;
  }
  // However much changed, the share goes on.
  const mostPages = Math.max(1, most - pages - calls);
  const share = walk('list', 'contacts', { mostPages, ...(rolledTo !== undefined && { after: rolledTo }) });
  return { walks: [...windows, share], expectedPages: pages + mostPages };
}
