import { companyIdOf, contactKey } from '../store/keys.ts';
import type { HydrationParts } from './hydrate.ts';
import type { Surroundings } from './surroundings.ts';

/** Asks for the scores of companies to be rolled up anew, where the model rolls any up. @param ids - any of them twice, if need be */
export async function tellCompanies(
  ids: readonly string[],
  { model, portalId, background }: HydrationParts,
  delaySeconds: number,
): Promise<void> {
  if (model.companyScore === undefined) return;
  const requests = [...new Set(ids)].map((companyId) => ({ portalId, companyId }));
  await background(requests, delaySeconds);
}

/**
 * The companies that contacts leave or come to by what was found: nothing that is shown of the contacts themselves may change with it.
 *
 * @param found - by id of the contact
 * @returns ids of companies; none where the model rolls nothing up
 */
export async function companiesOfMoves(
  found: ReadonlyMap<string, Surroundings>,
  { model, contacts, portalId }: HydrationParts,
): Promise<string[]> {
  if (model.companyScore === undefined) return [];
  const heads = await contacts.heads([...found.keys()].map((id) => contactKey(portalId, id)));
  return [...found].flatMap(([id, { company }]) => {
    const head = heads.get(contactKey(portalId, id));
    if (head === undefined || company === undefined) return [];
    const before = companyIdOf(head.company ?? '', portalId);
    if (before === company.id) return [];
    // A contact that was never written is to be written, and its company told then.
    const both = head.confirmedWriteId === undefined ? [before] : [before, company.id];
    return both.filter((companyId) => companyId !== undefined);
  });
}
