import * as v from 'valibot';
import type { Deal, PropertyValue } from '../scoring/facts.ts';

/**
 * What a contact is associated with is kept among its properties, as of our reading of the associations: the newest reading wins,
 * like any value. No property of HubSpot has a dot in its name.
 */
const COMPANY = 'associated.company';
export const DEALS = 'associated.deals';

/** Most deals of one contact that are kept: a fold looks at each. */
export const DEALS_PER_CONTACT = 100;

/**
 * That a contact has this primary company.
 *
 * @param companyId - undefined for none
 * @param atMs - epoch milliseconds at which HubSpot was asked
 */
export function companyKept(companyId: string | undefined, atMs: number): PropertyValue {
  return { name: COMPANY, value: companyId ?? '', occurredAtMs: atMs };
}

/** What is kept first where there is no room for all: who bought once is a customer, whatever came after. */
const STATES = ['won', 'lost', 'open'] as const;

/**
 * That a contact has these deals, and no others. Of more than {@link DEALS_PER_CONTACT}, those that decide something are kept: of
 * each state the newest, then the others, won, lost and open, newest first.
 *
 * @param deals - each once, in any order
 * @param atMs - epoch milliseconds at which HubSpot was asked
 */
export function dealsKept(deals: readonly Deal[], atMs: number): PropertyValue {
  const byState = STATES.map((state) => deals.filter((deal) => deal.state === state).toSorted(newestFirst));
  const newest = byState.flatMap((those) => those.slice(0, 1));
  const others = byState.flatMap((those) => those.slice(1));
  const rows = [...newest, ...others]
    .slice(0, DEALS_PER_CONTACT)
    .map(({ id, state, closedAtMs = null }) => [id, state, closedAtMs] as const);
  return { name: DEALS, value: JSON.stringify(rows), occurredAtMs: atMs };
}

/** What closed last comes first, else what was made last. */
function newestFirst(a: Deal, b: Deal): number {
  return (b.closedAtMs ?? 0) - (a.closedAtMs ?? 0) || byNewestId(a.id, b.id);
}

/** Puts ids in order, newest first: HubSpot gives rising ones. */
export function byNewestId(a: string, b: string): number {
  return b.length - a.length || (a < b ? 1 : -1);
}

const Deals = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(v.tuple([v.string(), v.picklist(['open', 'won', 'lost']), v.nullable(v.number())])),
);

/** What stands among the properties of a contact, taken apart. */
export interface Associated {
  /** What HubSpot calls properties. */
  readonly properties: readonly PropertyValue[];
  /** Id of the primary company as last read; it may have been merged into another since. */
  readonly companyId: string | undefined;
  readonly deals: readonly Deal[];
}

export function takeApart(rows: readonly PropertyValue[]): Associated {
  const company = rows.find(({ name }) => name === COMPANY)?.value ?? '';
  const deals = rows.find(({ name }) => name === DEALS)?.value ?? '';
  return {
    properties: rows.filter(({ name }) => name !== COMPANY && name !== DEALS),
    companyId: company === '' ? undefined : company,
    deals: readDeals(deals),
  };
}

/** @param text - of the property {@link DEALS}; empty for a contact whose deals were never read */
export function readDeals(text: string): Deal[] {
  if (text === '') return [];
  const parsed = v.safeParse(Deals, text);
  if (!parsed.success) throw new TypeError('the deals of a contact cannot be read');
  return parsed.output.map(([id, state, closedAtMs]) => ({ id, state, closedAtMs: closedAtMs ?? undefined }));
}
