// A second month, day by day: the same people go on, some records come and go, and HubSpot tells of most of it.
import type { Happening, PropertyHappening, SignalHappening } from './happenings.ts';
import { planHappenings } from './happenings.ts';
import type { PortalStory } from './oracle-portal.ts';
import type { DemoContact } from './portal.ts';
import type { RecordHappening } from './record-happenings.ts';
import { type Round, Rounds } from './rounds.ts';
import { planVisits, type VisitHappening } from './visit-happenings.ts';

const DAY_MS = 86_400_000;

export interface MonthPlan {
  readonly days: number;
  readonly seed: number;
  /** Epoch milliseconds at which it begins. */
  readonly startMs: number;
}

/** What happens on one day. */
export interface Day {
  readonly happenings: readonly Happening[];
  readonly records: readonly RecordHappening[];
  readonly visits: readonly VisitHappening[];
}

/** A plan of days; each is meant to be played when it is over, and before the next is asked for. The same plan makes the same days. */
export class Month {
  readonly #planned: readonly Happening[];
  readonly #visits: readonly VisitHappening[];
  readonly #rounds: Rounds;
  /** Contacts that were merged, deleted or erased: nothing planned happens to them any more, also when they are back. */
  readonly #gone = new Set<string>();

  /** @param story - what happened before */
  constructor(story: PortalStory, plan: MonthPlan) {
    const contacts = contactsNow(story);
    const nowMs = plan.startMs + plan.days * DAY_MS;
    const { happenings } = planHappenings(contacts, { seed: plan.seed + 4, nowMs });
    const planned = happenings.filter(({ atMs }) => atMs > plan.startMs);
    const { visits, noted } = planVisits(contacts, planned, {
      seed: plan.seed + 4,
      nowMs,
      fromMs: plan.startMs,
    });
    this.#planned = [...planned, ...noted];
    this.#visits = visits;
    // Contacts to whom something is still to happen are no blank ones.
    this.#rounds = new Rounds(
      {
        ...story,
        happenings: [...story.happenings, ...this.#planned],
        visits: [...(story.visits ?? []), ...visits],
      },
      plan.seed,
    );
  }

  /**
   * The next day: what happens from one instant to another, epoch milliseconds. What was planned for before is left out, since a day
   * that nobody heard of until the night was over would be no day of that night's.
   *
   * @param nowMs - when it is over
   */
  next(fromMs: number, nowMs: number): Day {
    const round: Round = this.#rounds.next(nowMs);
    for (const one of round.records) for (const id of whoGoes(one)) this.#gone.add(id);
    const isThere = ({ contactId }: { readonly contactId: string }) => !this.#gone.has(contactId);
    const today = dayOf(this.#planned, fromMs, nowMs).filter(isThere);
    return {
      happenings: [...today, ...round.happenings],
      records: round.records,
      visits: this.#visits.filter((one) => one.atMs > fromMs && one.atMs <= nowMs && isThere(one)),
    };
  }
}

/** The contacts with the values they have by now: what goes on counting goes on from there. */
function contactsNow({ portal, happenings }: PortalStory): DemoContact[] {
  const changes = happenings.filter((one): one is PropertyHappening => one.kind === 'property');
  const byContact = Map.groupBy(
    changes.toSorted((a, b) => a.atMs - b.atMs),
    ({ contactId }) => contactId,
  );
  return portal.contacts.map((contact) => {
    const changed = (byContact.get(contact.id) ?? []).map(({ property, value }): [string, string] => [
      property,
      value,
    ]);
    return { ...contact, properties: { ...contact.properties, ...Object.fromEntries(changed) } };
  });
}

/** What happens from one instant to another; a post of signals goes out whole, with the last of them. */
function dayOf(planned: readonly Happening[], fromMs: number, toMs: number): Happening[] {
  const posts = Map.groupBy(
    planned.filter((one): one is SignalHappening => one.kind === 'signal'),
    ({ postId }) => postId,
  );
  const sentAtMs = (one: Happening): number =>
    one.kind === 'signal' ? Math.max(...(posts.get(one.postId) ?? [one]).map(({ atMs }) => atMs)) : one.atMs;
  return planned.filter((one) => sentAtMs(one) > fromMs && sentAtMs(one) <= toMs);
}

function whoGoes(one: RecordHappening): string[] {
  if (one.kind === 'contact merge') return [one.primaryId, one.otherId];
  return one.kind === 'contact deletion' || one.kind === 'contact erasure' ? [one.contactId] : [];
}
