import { normalAddress, resolveEmails } from '../hydration/addresses.ts';
import { hydrate } from '../hydration/hydrate.ts';
import { contactIdOf, contactKey } from '../store/keys.ts';
import type { ResumeRequest, WriteRequest } from '../store/queues.ts';
import { ALIAS_HOPS } from '../store/record-heads.ts';
import type { Head } from '../store/rows.ts';
import { rollUpCompanies, tellCompaniesOnce } from './company-scores.ts';
import { creditLinked, findContactsOfDeals, type LinkedDeals } from './deals.ts';
import { companyKind, contactKind, dealKind } from './kinds.ts';
import type { Errand, ErrandsBy } from './requests.ts';
import { type BringParts, type Ended, type Run, search, startRun } from './run.ts';
import { bringDiffering, type Candidate } from './write.ts';

/**
 * Brings contacts, companies and deals to HubSpot: finds out whose an address or a deal is, reads what is not known, writes what differs,
 * and confirms what HubSpot took. Never throws: every errand comes to an end.
 *
 * @param isUrgent - somebody waits for it: a contact goes alone rather than later
 * @returns how each errand ended, and how many companies are rolled up anew because of it
 */
export async function bring(
  errands: readonly Errand[],
  parts: BringParts,
  isUrgent = false,
): Promise<{ readonly ended: readonly Ended[]; readonly companiesTold: number }> {
  const { run, ended } = startRun(parts, isUrgent);
  const { contacts, companies, deals } = await findWhom(errands, run);
  const { known, toRead } = await findHeads(contacts, run);
  const read = await search(toRead, (ids) => hydrate(ids, sparing(deals, run)), run);
  const standing = read.map(([those, { contactId, head }]) => ({
    id: contactId,
    head,
    errands: those.map(asRead),
  }));
  await bringDiffering([...known, ...standing], contactKind(run), run);
  await bringDiffering(await rollUpCompanies(companies, run), companyKind(run), run);
  // Last: the visits of contacts that were never read are kept by now.
  await bringDiffering(await creditLinked(deals, run), dealKind(run), run);
  return { ended: await tellOfRefused(ended, run), companiesTold: run.told.size };
}

/** Contacts that are read have their deals credited anew: but for those of this run, which are credited behind them, or come again. */
function sparing(deals: LinkedDeals, run: Run): Run {
  const isOfThisRun: (request: WriteRequest | ResumeRequest) => boolean = (request) =>
    'dealId' in request && request.creditOnly === true && deals.has(request.dealId ?? '');
  return {
    ...run,
    async background(requests, delaySeconds) {
      const left = requests.filter((request) => !isOfThisRun(request));
      if (left.length > 0) await run.background(left, delaySeconds);
    },
  };
}

function isRefusedContact({ ending, about }: Ended): boolean {
  return ending.kind === 'refused' && about.contactId !== undefined;
}

/**
 * Tells the companies of contacts that HubSpot refuses for good: what is rolled up is the score in the table. Told before the
 * refusal is a dead letter; where that fails, the message comes again.
 */
async function tellOfRefused(ended: readonly Ended[], run: Run): Promise<readonly Ended[]> {
  const keys = ended
    .filter(isRefusedContact)
    .map(({ about }) => contactKey(run.portalId, about.contactId ?? ''));
  if (keys.length === 0) return ended;
  try {
    await tellCompaniesOnce(await run.contacts.companiesOf(keys), run);
    return ended;
  } catch (error) {
    const ending = run.endingOf(error);
    return ended.map((each) => (isRefusedContact(each) ? { ...each, ending } : each));
  }
}

/** Whom the errands are about. */
async function findWhom(
  errands: readonly Errand[],
  run: Run,
): Promise<{ readonly contacts: ErrandsBy; readonly companies: ErrandsBy; readonly deals: LinkedDeals }> {
  const contacts = new Map<string, readonly Errand[]>();
  const companies = new Map<string, readonly Errand[]>();
  const addresses = new Map<string, readonly Errand[]>();
  const deals = new Map<string, readonly Errand[]>();
  for (const errand of errands) {
    const { contactId, companyId, dealId, email = '' } = errand.request;
    if (contactId !== undefined) add(contacts, contactId, [errand]);
    else if (companyId !== undefined) add(companies, companyId, [errand]);
    else if (dealId !== undefined) add(deals, dealId, [errand]);
    else add(addresses, normalAddress(email), [errand]);
  }
  for (const [those, id] of await search(addresses, (keys) => resolveEmails(keys, run), run))
    add(contacts, id, those);
  const found = await findContactsOfDeals(deals, run);
  for (const [id, those] of found.contacts) add(contacts, id, those);
  return { contacts, companies, deals: found.deals };
}

function add(errandsBy: Map<string, readonly Errand[]>, key: string, errands: readonly Errand[]): void {
  errandsBy.set(key, [...(errandsBy.get(key) ?? []), ...errands]);
}

/** Until all that is read is kept and scored: where that fails, somebody else may note meanwhile that the contact was read. */
function asHalfRead(errand: Errand): Errand {
  return { ...errand, mayBeHalfRead: true };
}

function asRead(errand: Errand): Errand {
  return { ...errand, mayBeHalfRead: false };
}

/** The heads of the living contacts; apart from them those of whom HubSpot is to tell, for the first time or again. */
async function findHeads(
  errandsBy: ErrandsBy,
  run: Run,
): Promise<{ readonly known: readonly Candidate<Head>[]; readonly toRead: ErrandsBy }> {
  const { contacts, portalId, end } = run;
  const known: Candidate<Head>[] = [];
  const toRead = new Map<string, readonly Errand[]>();
  let wanted = [...errandsBy].map(([id, errands]) => ({ key: contactKey(portalId, id), errands }));
  try {
    for (let hop = 0; wanted.length > 0 && hop <= ALIAS_HOPS; hop++) {
      const heads = await contacts.heads(wanted.map(({ key }) => key));
      const merged: typeof wanted = [];
      for (const { key, errands } of wanted) {
        const head = heads.get(key);
        const id = contactIdOf(key, portalId);
        if (head?.alias !== undefined) merged.push({ key: head.alias, errands });
        else if (id === undefined || (head !== undefined && head.life !== 'living'))
          end(errands, { kind: 'done' }); // Erased or deleted: nothing is to be written.
        else if (head?.readAtMs === undefined || errands.some(({ mayBeHalfRead }) => mayBeHalfRead))
          add(toRead, id, errands.map(asHalfRead));
        else known.push({ id, head, errands });
      }
      wanted = merged;
    }
  } catch (error) {
    const ending = run.endingOf(error);
    for (const { errands } of wanted) end(errands, ending);
    wanted = [];
  }
  for (const { errands } of wanted) end(errands, { kind: 'failed' }); // A chain of merges without an end.
  return { known, toRead };
}
