import type { HubSpotRecord } from '../hubspot/objects.ts';
import type { Deal } from '../scoring/facts.ts';
import { usesDeals } from '../scoring/model.ts';
import { asInstant } from '../scoring/values.ts';
import { contactKey } from '../store/keys.ts';
import { readLinks } from './reading.ts';
import type { Errand, ErrandsBy } from './requests.ts';
import { each, type Run, search } from './run.ts';

/** Contacts of deals that one run reads afresh; the others come again by themselves. */
const CONTACTS_PER_RUN = 1_000;

/** What HubSpot calculates of a deal from the stage it is in, in whichever pipeline, and when it closed. */
export const DEAL_PROPERTIES: readonly string[] = [
  'hs_is_closed',
  'hs_is_closed_won',
  'hs_is_closed_lost',
  'closedate',
];

/** How a deal stands. It closed no later than it was last changed, whatever day was planned. */
export function dealOf({ id, properties, updatedAtMs }: HubSpotRecord): Deal {
  const state = stateOf(properties);
  const closeMs = state === 'open' ? undefined : asInstant(properties['closedate'] ?? '');
  return { id, state, closedAtMs: closeMs === undefined ? undefined : Math.min(closeMs, updatedAtMs) };
}

function stateOf(properties: HubSpotRecord['properties']): Deal['state'] {
  if (properties['hs_is_closed_won'] === 'true') return 'won';
  const isLost = properties['hs_is_closed_lost'] === 'true' || properties['hs_is_closed'] === 'true';
  return isLost ? 'lost' : 'open';
}

/**
 * The contacts of deals that changed, with an errand each. What was read of them counts no longer, so that whoever of them cannot
 * be read in this run is read when it comes again.
 *
 * @param errandsBy - by id of the deal; those of deals without contacts, and of deals that HubSpot does not have, end here
 * @returns errands by id of the contact
 */
export async function findContactsOfDeals(errandsBy: ErrandsBy, run: Run): Promise<ErrandsBy> {
  if (!usesDeals(run.model)) {
    for (const errands of errandsBy.values()) run.end(errands, { kind: 'done' });
    return new Map();
  }
  const byContact = new Map<string, Errand[]>();
  for (const [errands, { to }] of await search(
    errandsBy,
    (ids) => readLinks(run, ['deals', 'contacts'], ids),
    run,
  )) {
    if (to.length === 0) run.end(errands, { kind: 'done' });
    for (const { id } of to) byContact.set(id, [...(byContact.get(id) ?? []), ...of(id, errands)]);
  }
  return forget(byContact, run);
}

/** Errands about a contact in place of those about its deal. */
function of(contactId: string, errands: readonly Errand[]): Errand[] {
  return errands.map((errand) => ({ ...errand, request: { portalId: errand.request.portalId, contactId } }));
}

async function forget(byContact: ErrandsBy, run: Run): Promise<ErrandsBy> {
  const { contacts, portalId, clock } = run;
  const nowMs = clock();
  const forgotten = await each([...byContact.keys()], (id) =>
    contacts.forgetReading(contactKey(portalId, id), nowMs).then(() => undefined),
  );
  const left = new Map<string, readonly Errand[]>();
  for (const [id, errands] of byContact) {
    const failure = forgotten.get(id);
    if (failure !== undefined) run.end(errands, run.endingOf(failure.failed));
    else if (left.size === CONTACTS_PER_RUN) run.end(errands, { kind: 'later', retryAtMs: nowMs });
    else left.set(id, errands);
  }
  return left;
}
