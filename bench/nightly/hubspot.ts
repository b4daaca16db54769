// What a night asks of HubSpot, and how long that takes: calls through the real budget, on virtual time.
import pMap from 'p-map';
import { Budget, type BudgetStore } from '../../lambdas/hubspot/budget.ts';
import { type BudgetState, FULL_BUDGET } from '../../lambdas/hubspot/budget-state.ts';
import { createRandom } from '../../local/hubspot/random.ts';
import { windowsOver } from '../virtual/figures.ts';
import { LIMIT_PER_10_SECONDS, RESERVE_PER_10_SECONDS } from '../virtual/limits.ts';
import { startVirtualTime } from '../virtual/time.ts';
import { START_MS } from './contacts.ts';

/** Calls a day of HubSpot Professional (developers.hubspot.com, "API usage guidelines", read 2026-11). */
export const DAILY_LIMIT = 625_000;
/** The default of the setting `reconcileDailyPercent`. */
const RECONCILE_DAILY_PERCENT = 2;
const DAILY_RESERVE_PERCENT = 10;
/** Deals of a thousand contacts: few of them ever got as far. */
const DEALS_PER_THOUSAND = 30;

const RECORDS_PER_WRITE = 100;
const RECORDS_PER_PAGE = 100;
const RECORDS_PER_SEARCH = 200;
export const HISTORIES_PER_CALL = 50;
const ASSOCIATIONS_PER_CALL = 100;
/** Kinds of associations that the model asks for, which a search does not tell: companies and deals. */
const KINDS_OF_ASSOCIATIONS = 2;
/** Kinds of records, each of which is counted before anything is listed. */
const KINDS_OF_RECORDS = 3;

/** Two invocations with ten batches each, as the background lane is deployed. */
export const WRITES_AT_ONCE = 20;
/** Each page names the next. */
export const PAGES_AT_ONCE = 1;

/** Milliseconds that a call takes, least and most. */
const LATENCY_MS: readonly [number, number] = [200, 400];
const LONGEST_MS = 24 * 3_600_000;

/** @param records - to be written in batches */
export function writeCalls(records: number): number {
  return Math.ceil(records / RECORDS_PER_WRITE);
}

export interface Portal {
  readonly contacts: number;
  readonly companies: number;
  readonly deals: number;
}

/** What HubSpot has as changed since the night before. */
export interface Changes {
  readonly contacts: number;
  readonly companies: number;
  /** Calls for the histories of these contacts where all contacts are listed: each group of pages asks for its own. */
  readonly historyCallsOfPages: number;
}

/** Calls of one night's reconciliation. */
export interface ReconciliationCalls {
  /** Pages of lists and searches, and what is asked to choose between them. */
  readonly pages: number;
  /** Calls for histories and associations of what changed. */
  readonly details: number;
  readonly calls: number;
  /** Of the calls that HubSpot allows in a day, in percent. */
  readonly percentOfDay: number;
}

/** All companies, contacts and deals, page by page. */
export function fullNight(portal: Portal, changes: Changes): ReconciliationCalls {
  return callsOf(KINDS_OF_RECORDS + pagesOf(portal), changes.historyCallsOfPages);
}

/** Pages of all companies, contacts and deals. */
function pagesOf({ contacts, companies, deals }: Portal): number {
  return pagesOfList(companies) + pagesOfList(contacts) + pagesOfList(deals);
}

/** An empty list is a page too. */
function pagesOfList(records: number): number {
  return Math.max(1, Math.ceil(records / RECORDS_PER_PAGE));
}

/** So is a search that finds nothing. */
function pagesOfSearch(records: number): number {
  return Math.max(1, Math.ceil(records / RECORDS_PER_SEARCH));
}

/** Deals of a portal of so many contacts. */
export function dealsOf(contacts: number): number {
  return Math.ceil((contacts * DEALS_PER_THOUSAND) / 1000);
}

/** Pages that the share of the day allows, by the default setting. */
export function mostPages(): number {
  return Math.floor((DAILY_LIMIT * RECONCILE_DAILY_PERCENT) / 100);
}

/** Whether all are listed every night. */
export function isListedWhole(portal: Portal): boolean {
  return pagesOf(portal) <= mostPages();
}

export interface RollingNight extends ReconciliationCalls {
  /** Nights until every contact was listed once. */
  readonly nightsForAll: number;
}

/**
 * What changed since the night before, and with what is left of the share, as many contacts as that allows.
 *
 * @param share - pages that a night may take
 */
export function rollingNight(portal: Portal, changes: Changes, share: number): RollingNight {
  const searched = pagesOfSearch(changes.contacts) + pagesOfSearch(changes.companies) + pagesOfSearch(0);
  const histories = Math.ceil(changes.contacts / HISTORIES_PER_CALL);
  const details = histories + KINDS_OF_ASSOCIATIONS * Math.ceil(changes.contacts / ASSOCIATIONS_PER_CALL);
  const all = pagesOfList(portal.contacts);
  const listed = Math.min(all, Math.max(1, share - searched - histories));
  // Each kind is counted, and searched once to see how much changed.
  const pages = 2 * KINDS_OF_RECORDS + searched + listed;
  return { ...callsOf(pages, details), nightsForAll: Math.ceil(all / listed) };
}

function callsOf(pages: number, details: number): ReconciliationCalls {
  const calls = pages + details;
  return { pages, details, calls, percentOfDay: (100 * calls) / DAILY_LIMIT };
}

/** How some calls went. */
export interface CallTimes {
  readonly calls: number;
  /** From the first call to the last answer. */
  readonly virtualSeconds: number;
  /** Calls that found as many as the limit in the 10 s before them: there may be none. */
  readonly windowsOver: number;
}

/**
 * Makes calls of the background lane, so many at a time, as fast as the budget lets them.
 *
 * Timers and date of the process are virtual meanwhile, so nothing else is to run.
 */
export async function callVirtually(calls: number, atOnce: number): Promise<CallTimes> {
  const time = startVirtualTime(START_MS);
  const random = createRandom(1, 'latency');
  const sent: { atMs: number }[] = [];
  try {
    const budget = new Budget(
      inMemory(),
      {
        limit: LIMIT_PER_10_SECONDS,
        reserve: RESERVE_PER_10_SECONDS,
        dailyLimit: DAILY_LIMIT,
        dailyReservePercent: DAILY_RESERVE_PERCENT,
      },
      { clock: time.now, timeZone: () => 'UTC' },
    );
    const call = async () => {
      await budget.take('background');
      sent.push({ atMs: time.now() });
      await time.sleep(random.between(...LATENCY_MS));
    };
    const all = pMap(Array.from({ length: calls }), call, { concurrency: atOnce });
    await time.until(all, LONGEST_MS);
    return {
      calls,
      virtualSeconds: Math.round((time.now() - START_MS) / 100) / 10,
      windowsOver: windowsOver(sent, LIMIT_PER_10_SECONDS),
    };
  } finally {
    time.stop();
  }
}

/** Where one process keeps a budget that no other draws on. */
function inMemory(): BudgetStore {
  let kept: BudgetState = FULL_BUDGET;
  return {
    read: async () => kept,
    async update(change) {
      const { state, result } = change(kept);
      kept = state;
      return result;
    },
  };
}
