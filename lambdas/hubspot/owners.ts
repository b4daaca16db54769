import * as v from 'valibot';
import { detailsAt } from './details.ts';
import type { Send } from './transport.ts';

/** Owners on one page, HubSpot's own default (developers.hubspot.com, "Owners", read 2026-11), and pages that are followed. */
const PAGE = 100;
const PAGES = 50;

/** Who may own records. Names and addresses of people are not kept. */
export const Owners = v.object({
  ids: v.array(v.string()),
  /** False when there were more than we look at. */
  isComplete: v.boolean(),
});
export type Owners = v.InferOutput<typeof Owners>;

const Page = v.object({
  results: v.array(v.object({ id: v.string() })),
  paging: v.nullish(v.object({ next: v.nullish(v.object({ after: v.string() })) })),
});

/**
 * Reads the ids of the owners that are active. Needs the scope `crm.objects.owners.read`.
 *
 * @param apiUrl - scheme and host, no trailing slash
 */
export async function readOwners(apiUrl: string, send: Send): Promise<Owners> {
  const ids: string[] = [];
  let after = '';
  for (let page = 0; page < PAGES; page++) {
    const query = new URLSearchParams({ limit: String(PAGE), archived: 'false', ...(after && { after }) });
    const { results, paging } = await detailsAt(`${apiUrl}/crm/v3/owners?${query.toString()}`, Page, send);
    ids.push(...results.map(({ id }) => id));
    after = paging?.next?.after ?? '';
    if (after === '') return { ids, isComplete: true };
  }
  return { ids, isComplete: false };
}
