import { leftToday } from '../lambdas/hubspot/budget-day.ts';
import { WINDOW_MS } from '../lambdas/hubspot/budget-state.ts';
import { allowedInWindow } from '../lambdas/hubspot/budget-window.ts';
import { hubSpotLists, PAGE, PAGE_WITH_HISTORIES } from '../lambdas/hubspot/lists.ts';
import { BATCH, type ObjectType } from '../lambdas/hubspot/objects.ts';
import { looksAtDeals, type Model, usesCompanies } from '../lambdas/scoring/model.ts';
import { CONTACTS_PER_PAGE } from '../lambdas/store/roll-index.ts';
import { readBudget } from './budget.ts';
import { spanText } from './runs.ts';
import type { Target } from './target.ts';

/** Every contact is written: its score may be the one it had, but the id of the model is shown too. */
const WRITE_CONTACTS = 'write contacts, 100 a call';

/** Calls for one purpose. */
interface Part {
  /** Such as `list contacts with their histories, 50 a call`. */
  readonly what: string;
  readonly calls: number;
}

/** What a run will take. */
export interface Estimate {
  readonly contacts: number;
  /** As the run's own progress counts them. */
  readonly pages: number;
  readonly parts: readonly Part[];
  /**
   * About so many: what HubSpot shows already is not written, batches that come in pieces are not full, and who has more companies or
   * deals than a list tells takes more.
   */
  readonly calls: number;
  /** Of the whole portal, and the share of it that the calls are. */
  readonly dailyLimit: number;
  readonly dailySharePercent: number;
  /** Calls that the background lane has left today. */
  readonly leftToday: number;
  /** Of the background lane while nobody else calls. */
  readonly callsPerSecond: number;
  /** At that rate, in seconds; a run that takes several days waits for each. */
  readonly seconds: number;
  readonly days: number;
}

type EstimateTarget = Pick<
  Target,
  'hubspotUrl' | 'send' | 'store' | 'portalRow' | 'clock' | 'timeZone' | 'budget'
>;

/** Calls that list records; an empty list is a page too. */
function listing(records: number | undefined): number {
  return records === undefined ? 0 : Math.max(1, Math.ceil(records / PAGE));
}

/** What scoring the portal from nothing takes; asks HubSpot how many records there are. */
export async function estimateBackfill(target: EstimateTarget, model: Model): Promise<Estimate> {
  const count = (type: ObjectType) => hubSpotLists(target.hubspotUrl, target.send, type).count();
  const contacts = await count('contacts');
  const companies = usesCompanies(model) ? await count('companies') : undefined;
  const deals = looksAtDeals(model) ? await count('deals') : undefined;
  const pages = {
    contacts: Math.ceil(contacts / PAGE_WITH_HISTORIES),
    companies: Math.ceil((companies ?? 0) / PAGE),
    deals: Math.ceil((deals ?? 0) / PAGE),
  };
  const kinds = [contacts, companies, deals].filter((each) => each !== undefined).length;
  const parts: Part[] = [
    { what: 'count records, one a kind', calls: kinds },
    { what: 'list companies, 100 a call', calls: listing(companies) },
    { what: 'list contacts with their histories, 50 a call', calls: Math.max(1, pages.contacts) },
    { what: 'list deals, 100 a call', calls: listing(deals) },
    {
      what: 'read companies, each with the first page of contacts that has one of theirs',
      calls: Math.min(pages.contacts, companies ?? 0),
    },
    { what: 'read the deals of a page of contacts', calls: Math.min(pages.contacts, deals ?? 0) },
    { what: WRITE_CONTACTS, calls: Math.ceil(contacts / BATCH) },
    {
      what: 'write the scores of companies, 100 a call',
      calls: model.companyScore === undefined ? 0 : Math.ceil((companies ?? 0) / BATCH),
    },
  ];
  return estimateOf(target, contacts, pages.contacts + pages.companies + pages.deals, parts);
}

/** What scoring all contacts of the table anew takes. HubSpot is not read, nor asked how many companies will change with their contacts. */
export async function estimateRescore(target: EstimateTarget, model: Model): Promise<Estimate> {
  const contacts = await target.store.contacts.countRoll();
  const more = model.companyScore === undefined ? '' : '; companies whose score changes come on top';
  const parts = [{ what: `${WRITE_CONTACTS}${more}`, calls: Math.ceil(contacts / BATCH) }];
  return estimateOf(target, contacts, Math.ceil(contacts / CONTACTS_PER_PAGE), parts);
}

function callsOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { calls }) => sum + calls, 0);
}

async function estimateOf(
  target: EstimateTarget,
  contacts: number,
  pages: number,
  all: readonly Part[],
): Promise<Estimate> {
  const { state, today } = await readBudget(target);
  const parts = all.filter(({ calls }) => calls > 0);
  const calls = callsOf(parts);
  const perDay = Math.max(1, leftToday(state, target.budget, 0).background);
  const left = Math.max(0, leftToday(state, target.budget, today.calls).background);
  const allowed = allowedInWindow(state, target.budget, target.clock());
  const callsPerSecond = (allowed * state.share * 1000) / WINDOW_MS;
  return {
    contacts,
    pages,
    parts,
    calls,
    dailyLimit: today.limit,
    dailySharePercent: Math.round((1000 * calls) / today.limit) / 10,
    leftToday: left,
    callsPerSecond,
    seconds: Math.ceil(calls / callsPerSecond),
    days: calls <= left ? 1 : 1 + Math.ceil((calls - left) / perDay),
  };
}

/** The estimate for a terminal. */
export function formatEstimate(estimate: Estimate): string {
  const { contacts, parts, calls, dailyLimit, dailySharePercent, callsPerSecond, seconds, days } = estimate;
  const width = String(calls).length;
  const share = calls > 0 && dailySharePercent === 0 ? 'under 0.1 %' : `${dailySharePercent} %`;
  const rate = `${callsPerSecond.toFixed(1)} calls a second`;
  const time =
    days > 1
      ? `${days} days: more than the background lane has left today (${estimate.leftToday} calls)`
      : `${spanText(seconds)} or more: ${rate} at most, less while others call`;
  return [
    `contacts    ${contacts}`,
    `calls       about ${calls}, ${share} of the daily limit of ${dailyLimit}`,
    ...parts.map((part) => `            ${String(part.calls).padStart(width)}  ${part.what}`),
    `time        ${time}`,
  ].join('\n');
}
