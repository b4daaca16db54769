import { createHash } from 'node:crypto';
import { kindOf, modelInputs } from '../events/property-facts.ts';
import type { Associated } from '../hubspot/associations.ts';
import type { ListedRecord } from '../hubspot/lists.ts';
import type { Deal } from '../scoring/facts.ts';
import { companyInputs, type Model, usesTouches } from '../scoring/model.ts';
import { DEALS_PER_CONTACT } from '../store/associations.ts';
import { companyIdOf } from '../store/keys.ts';
import type { Head } from '../store/rows.ts';

/** HubSpot's clock and ours differ by less; what it changed so shortly before it was asked is looked at again the next time. */
const CLOCKS_DIFFER_MS = 60_000;
/** What happened so shortly ago may still be on its way to us: that it is not here yet is no drift. */
const ON_ITS_WAY_MS = 15 * 60_000;

/** Stands for all that is looked at of a contact, and how: with another model it may be something else. */
export function comparisonOf(model: Model): string {
  const contact = modelInputs(model).map((name) => `${name} ${kindOf(model, name)}`);
  const company = companyInputs(model).map((name) => `company ${name}`);
  const visits = usesTouches(model) ? ['visits'] : [];
  const all = JSON.stringify([...contact, ...company, ...visits].toSorted());
  return createHash('sha256').update(all).digest('base64url').slice(0, 8);
}

/** Since when nobody looked at a contact's changes, epoch milliseconds; undefined where nobody ever did. */
export function lookedAtMs({ reconciledFor, reconciledAtMs }: Head, comparison: string): number | undefined {
  if (reconciledFor !== comparison || reconciledAtMs === undefined) return undefined;
  return reconciledAtMs - CLOCKS_DIFFER_MS;
}

/** Whether something that happened can hardly be on its way to us any more. */
export function isOverdue(atMs: number, nowMs: number): boolean {
  return atMs < nowMs - ON_ITS_WAY_MS;
}

/** Whether a contact belongs to another company, or has other deals, than we know, as far as HubSpot told. */
export function isMoved(
  { links }: ListedRecord,
  head: Head,
  deals: readonly Deal[] | undefined,
  portalId: string,
): boolean {
  const { companies, deals: listed } = links;
  const primary = companies?.to.find(({ isPrimary }) => isPrimary)?.id;
  const isCompanyTold = companies !== undefined && (companies.isWhole || primary !== undefined);
  if (isCompanyTold && primary !== companyIdOf(head.company ?? '', portalId)) return true;
  if (listed?.isWhole !== true || deals === undefined) return false;
  // Who has more than are kept has others than these.
  return deals.length < DEALS_PER_CONTACT && !isSame(listed.to, deals);
}

function isSame(listed: readonly Associated[], deals: readonly Deal[]): boolean {
  const ids = new Set(deals.map(({ id }) => id));
  return listed.length === ids.size && listed.every(({ id }) => ids.has(id));
}
