import { creditDeals } from '../hydration/deal-credit.ts';
import { each } from '../hydration/each.ts';
import { type Links, readLinks } from '../hydration/reading.ts';
import { usesDeals, usesTouches } from '../scoring/model.ts';
import type { DealHead } from '../store/deal-table.ts';
import { contactKey } from '../store/keys.ts';
import type { Errand, ErrandsBy } from './requests.ts';
import { type Run, search } from './run.ts';
import type { Candidate } from './write.ts';

/** Contacts of deals that one run reads; the others come again by themselves. */
const CONTACTS_PER_RUN = 1_000;

/** A contact of deals that changed, or are to be credited. */
interface Concerned {
  readonly errands: readonly Errand[];
  /** Epoch milliseconds of the newest change that its score depends on; undefined where there is none. */
  readonly changedAtMs: number | undefined;
}

/** Deals that are to be credited, by id: whose they are, and the errands about their credit. */
export type LinkedDeals = ReadonlyMap<string, { readonly errands: readonly Errand[]; readonly links: Links }>;

type Linked = [errands: readonly Errand[], links: Links][];

/**
 * Whose deals are that changed. Where scores depend on deals, each contact has an errand: what was read of it before the change counts no
 * longer, so that whoever cannot be read in this run is read when it comes again; who was read since is not read for it again, unless the message comes again. Where
 * deals are credited, they have an errand of their own, and contacts that were never read have one. So one message may come to
 * several ends; it is done with when all of them are.
 *
 * @param errandsBy - by id of the deal; those of deals from which nothing follows, and of deals that HubSpot does not have, end here
 * @returns errands by id of the contact, and the deals that are to be credited
 */
export async function findContactsOfDeals(
  errandsBy: ErrandsBy,
  run: Run,
): Promise<{ readonly contacts: ErrandsBy; readonly deals: LinkedDeals }> {
  const { model, end } = run;
  const isCredited = usesTouches(model);
  if (!usesDeals(model) && !isCredited) {
    for (const errands of errandsBy.values()) end(errands, { kind: 'done' });
    return { contacts: new Map(), deals: new Map() };
  }
  const linked = await search(errandsBy, (ids) => readLinks(run, ['deals', 'contacts'], ids), run);
  try {
    const byContact = await concernedBy(linked, run);
    const deals = isCredited ? toBeCredited(linked) : new Map();
    if (!isCredited)
      for (const [errands, { to }] of linked) if (to.length === 0) end(errands, { kind: 'done' });
    return { contacts: await forget(byContact, run), deals };
  } catch (error) {
    const ending = run.endingOf(error);
    for (const [errands] of linked) end(errands, ending);
    return { contacts: new Map(), deals: new Map() };
  }
}

/** The contacts of deals that may be scored otherwise for what happened to these, or of which HubSpot has yet to tell by which visits they came. */
async function concernedBy(linked: Linked, run: Run): Promise<Map<string, Concerned>> {
  const nowMs = run.clock();
  const isUnread = await unreadAmong(linked, run);
  const byContact = new Map<string, Concerned>();
  for (const [errands, { to }] of linked) {
    const changed = usesDeals(run.model) ? errands.filter(({ request }) => request.creditOnly !== true) : [];
    // HubSpot's clock may be ahead of ours; what lies ahead would let no reading count until then.
    const changesMs = changed.map(({ request }) => Math.min(request.atMs ?? nowMs, nowMs));
    for (const { id } of to) {
      const own = changed.length > 0 || !isUnread.has(id) ? changed : errands;
      if (own.length === 0) continue;
      const other = byContact.get(id);
      const allMs = [other?.changedAtMs ?? [], changesMs].flat();
      byContact.set(id, {
        errands: [...(other?.errands ?? []), ...of(id, own)],
        changedAtMs: allMs.length === 0 ? undefined : Math.max(...allMs),
      });
    }
  }
  return byContact;
}

/** Contacts that live, as far as we know, and were never read; none where deals are not credited. */
async function unreadAmong(linked: Linked, { contacts, portalId, model }: Run): Promise<Set<string>> {
  if (!usesTouches(model)) return new Set();
  const ids = linked.flatMap(([, { to }]) => to.map(({ id }) => id));
  const heads = await contacts.heads(ids.map((id) => contactKey(portalId, id)));
  return new Set(
    ids.filter((id) => {
      const head = heads.get(contactKey(portalId, id));
      if (head === undefined) return true;
      // Whoever had a reading forgotten has the contact read: to do it here as well would go round in a circle with what that asks for.
      const wasRead = head.readAtMs !== undefined || head.forgotAtMs !== undefined;
      return head.alias === undefined && head.life === 'living' && !wasRead;
    }),
  );
}

function toBeCredited(linked: Linked): LinkedDeals {
  return new Map(
    linked.flatMap(([errands, links]) => {
      const [first] = errands;
      const id = first?.request.dealId;
      return id === undefined ? [] : [[id, { errands: errands.map(ofCredit), links }]];
    }),
  );
}

/** What is left of an errand about a deal when its contacts have errands of their own. */
function ofCredit(errand: Errand): Errand {
  return { ...errand, request: { ...errand.request, creditOnly: true } };
}

/** Deals credited anew, those that HubSpot has, with the errands about them. */
export async function creditLinked(deals: LinkedDeals, run: Run): Promise<Candidate<DealHead>[]> {
  const rules = run.model.attribution;
  if (rules === undefined) return []; // Then there are none.
  const errandsBy = new Map([...deals].map(([id, { errands }]) => [id, errands]));
  const linksBy = new Map([...deals].map(([id, { links }]) => [id, links]));
  const credited = await search(errandsBy, () => creditDeals(rules, linksBy, run), run);
  return credited.map(([errands, head]) => ({ id: head.dealId, head, errands }));
}

/** Errands about a contact in place of those about its deal. */
function of(contactId: string, errands: readonly Errand[]): Errand[] {
  return errands.map((errand) => {
    const { portalId, occurredAtMs } = errand.request;
    return {
      ...errand,
      request: { portalId, contactId, ...(occurredAtMs !== undefined && { occurredAtMs }) },
    };
  });
}

async function forget(byContact: ReadonlyMap<string, Concerned>, run: Run): Promise<ErrandsBy> {
  const { contacts, portalId, clock } = run;
  const forgotten = await each([...byContact.keys()], async (id) => {
    const atMs = byContact.get(id)?.changedAtMs;
    if (atMs !== undefined) await contacts.forgetReading(contactKey(portalId, id), atMs);
    return undefined;
  });
  const left = new Map<string, readonly Errand[]>();
  for (const [id, { errands }] of byContact) {
    const failure = forgotten.get(id);
    if (failure !== undefined) run.end(errands, run.endingOf(failure.failed));
    else if (left.size === CONTACTS_PER_RUN) run.end(errands, { kind: 'later', retryAtMs: clock() });
    else left.set(id, errands);
  }
  return left;
}
