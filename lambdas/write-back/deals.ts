import { each } from '../hydration/each.ts';
import { readLinks } from '../hydration/reading.ts';
import { usesDeals } from '../scoring/model.ts';
import { contactKey } from '../store/keys.ts';
import type { Errand, ErrandsBy } from './requests.ts';
import { type Run, search } from './run.ts';

/** Contacts of deals that one run reads afresh; the others come again by themselves. */
const CONTACTS_PER_RUN = 1_000;

/** A contact of deals that changed. */
interface Concerned {
  readonly errands: readonly Errand[];
  /** Epoch milliseconds of the newest change. */
  readonly changedAtMs: number;
}

/**
 * The contacts of deals that changed, with an errand each. What was read of them before the change counts no longer, so that
 * whoever of them cannot be read in this run is read when it comes again; who was read since is not read for it again.
 *
 * @param errandsBy - by id of the deal; those of deals without contacts, and of deals that HubSpot does not have, end here
 * @returns errands by id of the contact
 */
export async function findContactsOfDeals(errandsBy: ErrandsBy, run: Run): Promise<ErrandsBy> {
  if (!usesDeals(run.model)) {
    for (const errands of errandsBy.values()) run.end(errands, { kind: 'done' });
    return new Map();
  }
  const nowMs = run.clock();
  const byContact = new Map<string, Concerned>();
  for (const [errands, { to }] of await search(
    errandsBy,
    (ids) => readLinks(run, ['deals', 'contacts'], ids),
    run,
  )) {
    if (to.length === 0) run.end(errands, { kind: 'done' });
    // HubSpot's clock may be ahead of ours; what lies ahead would let no reading count until then.
    const changesMs = errands.map(({ request }) => Math.min(request.atMs ?? nowMs, nowMs));
    for (const { id } of to) {
      const other = byContact.get(id);
      byContact.set(id, {
        errands: [...(other?.errands ?? []), ...of(id, errands)],
        changedAtMs: Math.max(other?.changedAtMs ?? 0, ...changesMs),
      });
    }
  }
  return forget(byContact, run);
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
  const forgotten = await each([...byContact.keys()], (id) => {
    const atMs = byContact.get(id)?.changedAtMs ?? clock();
    return contacts.forgetReading(contactKey(portalId, id), atMs).then(() => undefined);
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
