import { RetryableError } from '../errors.ts';
import { knowCompanies } from '../hydration/companies.ts';
import { tellCompanies } from '../hydration/company-news.ts';
import { each } from '../hydration/each.ts';
import { companyScore, scoresNeeded } from '../scoring/company-score.ts';
import { type CompanyHead, INDEX_LAG_SECONDS } from '../store/company-table.ts';
import { companyIdOf } from '../store/keys.ts';
import type { Head } from '../store/rows.ts';
import type { Errand, ErrandsBy } from './requests.ts';
import { type Run, search } from './run.ts';
import type { Candidate } from './write.ts';

/** How often a roll-up is done again after somebody else stored first. */
const ROLL_UPS = 12;

/** The same for the companies of contacts that stand in the table as they will stay. */
export function tellCompaniesOf(heads: readonly Head[], run: Run): Promise<void> {
  const ids = heads.flatMap(({ company = '' }) => companyIdOf(company, run.portalId) ?? []);
  return tellCompaniesOnce(ids, run);
}

/** The same, each company once in a run. */
export async function tellCompaniesOnce(ids: readonly string[], run: Run): Promise<void> {
  const untold = ids.filter((id) => !run.told.has(id));
  await tellCompanies(untold, run, INDEX_LAG_SECONDS);
  for (const id of untold) run.told.add(id);
}

/**
 * The companies that errands are about, read where they were only heard of so far, with their scores rolled up. Where an errand
 * asks for it, the contacts of its company are scored anew. Errands of companies that show nothing end here.
 */
export async function rollUpCompanies(errandsBy: ErrandsBy, run: Run): Promise<Candidate<CompanyHead>[]> {
  const heads = new Map<string, CompanyHead>();
  const byCompany = new Map<string, readonly Errand[]>();
  for (const [errands, head] of await search(errandsBy, (ids) => knowCompanies(ids, run), run)) {
    heads.set(head.companyId, head);
    byCompany.set(head.companyId, [...(byCompany.get(head.companyId) ?? []), ...errands]);
  }
  const rollUpEach = (ids: readonly string[]) =>
    each(ids, async (id) => {
      const head = heads.get(id);
      if (head === undefined) return undefined;
      const isRescoring = byCompany.get(id)?.some(({ request }) => request.rescoreContacts === true);
      if (isRescoring === true) await tickContacts(head, run);
      return rollUp(head, run);
    });
  const rolledUp = await search(byCompany, rollUpEach, run);
  return rolledUp.map(([errands, head]) => ({
    id: head.companyId,
    head,
    errands: errands.map(withoutRescoring),
  }));
}

/** Once is enough, however often the score of the company itself has to be tried. */
function withoutRescoring({ request: { rescoreContacts: _done, ...request }, ...errand }: Errand): Errand {
  return { ...errand, request };
}

/** @returns undefined where nothing is to be shown: the model rolls nothing up, or the company is deleted */
async function rollUp(
  known: CompanyHead,
  { companies, model, clock }: Run,
): Promise<CompanyHead | undefined> {
  if (model.companyScore === undefined) return undefined;
  let head = known;
  const { rollUp: way } = model.companyScore;
  for (let tries = 0; tries < ROLL_UPS; tries++) {
    if (head.life !== 'living') return undefined;
    const scores = await companies.topScores(head.companyId, scoresNeeded(way));
    const stored = await companies.storeScore(head, companyScore(way, scores), clock());
    if (stored !== undefined) return stored;
    head = (await companies.heads([head.companyId])).get(head.companyId) ?? head;
  }
  throw new RetryableError(`others stored ${ROLL_UPS} times before this roll-up`);
}

/** The contacts of records merged into a company stand under their ids until they are scored. */
async function tickContacts({ companyId }: CompanyHead, { companies, ticks, portalId }: Run): Promise<void> {
  const ids = await companies.unitedIds(companyId);
  await ticks(
    ids.map((id) => ({ portalId, companyId: id })),
    INDEX_LAG_SECONDS,
  );
}
