// What goes on happening while HubSpot is in trouble: a few contacts change at a time, again and again, and some come and go.
import { base, en, Faker } from '@faker-js/faker';
import type { Happening, PropertyHappening } from './happenings.ts';
import { dealsNow } from './oracle-deals.ts';
import type { PortalStory } from './oracle-portal.ts';
import type { DemoContact } from './portal.ts';
import type { RecordHappening } from './record-happenings.ts';

/** Contacts that change in one round. */
const CHANGED_PER_ROUND = 24;
/** Titles that a model may tell apart; a contact has the one, then the other. */
const TITLES = ['CTO', 'Office clerk'] as const;
/** Of 100 rounds, those in which two contacts are merged, one is deleted, one is brought back, one is erased. */
const MERGE_PERCENT = 15;
const DELETION_PERCENT = 15;
const RETURN_PERCENT = 10;
const ERASURE_PERCENT = 3;
/** Of 100 rounds, those in which a deal is worth something else, and in which one is won or reopened. */
const AMOUNT_PERCENT = 30;
const STAGE_PERCENT = 20;
/** Of 100 contacts, those that may come or go in all: most of a portal stays. */
const MOST_GONE_PERCENT = 10;

export interface Round {
  readonly happenings: readonly PropertyHappening[];
  readonly records: readonly RecordHappening[];
}

/** One round after the other; each is meant to happen before the next is asked for. The same seed and story make the same rounds. */
export class Rounds {
  readonly #faker: Faker;
  readonly #titles: Map<string, string>;
  /** Contacts at work under the id with which they were created: they change, and may go. */
  readonly #workers: Set<string>;
  /** Of them nothing is known but a name or an address, so that a merge with one leaves nothing to argue about. */
  readonly #blank: DemoContact[];
  readonly #deleted: string[] = [];
  /** Stages of the deals that live, by name. */
  readonly #stages: Map<string, string>;
  #mayGo: number;
  #lastMs = 0;

  constructor({ portal: { contacts }, happenings, records, visits = [] }: PortalStory, seed: number) {
    this.#faker = new Faker({ locale: [en, base], seed: seed + 3 });
    this.#titles = lastTitles(contacts, happenings);
    this.#workers = new Set(contacts.filter(({ kind }) => kind === 'worker').map(({ id }) => id));
    const eventful = new Set([...happenings, ...visits].map(({ contactId }) => contactId));
    this.#blank = this.#faker.helpers.shuffle(contacts.filter((contact) => isBlank(contact, eventful)));
    const deals = dealsNow(records.toSorted((a, b) => a.atMs - b.atMs));
    this.#stages = new Map(deals.map(({ name, stage }) => [name, stage]));
    this.#mayGo = Math.ceil((contacts.length * MOST_GONE_PERCENT) / 100);
  }

  /** @param nowMs - epoch milliseconds; everything happens then, or as soon after the last round as can be */
  next(nowMs: number): Round {
    const atMs = Math.max(nowMs, this.#lastMs + 1);
    this.#lastMs = atMs;
    const contacts = this.#faker.helpers.shuffle([...this.#workers]);
    const changed = contacts.splice(0, CHANGED_PER_ROUND);
    return {
      happenings: changed.map((id) => changeTitle(this.#titles, id, atMs)),
      records: [
        ...this.#maybe(RETURN_PERCENT, () => this.#bringBack(atMs)),
        ...this.#maybe(MERGE_PERCENT, () => this.#merge(contacts.pop(), atMs)),
        ...this.#maybe(DELETION_PERCENT, () => this.#go('contact deletion', contacts.pop(), atMs)),
        ...this.#maybe(ERASURE_PERCENT, () => this.#go('contact erasure', contacts.pop(), atMs)),
        ...this.#maybe(AMOUNT_PERCENT, () => this.#amend(atMs)),
        ...this.#maybe(STAGE_PERCENT, () => this.#move(atMs)),
      ],
    };
  }

  #maybe(percent: number, happen: () => RecordHappening[]): RecordHappening[] {
    return this.#faker.datatype.boolean(percent / 100) ? happen() : [];
  }

  #bringBack(atMs: number): RecordHappening[] {
    const contactId = this.#deleted.shift();
    if (contactId === undefined) return [];
    this.#workers.add(contactId);
    return [{ kind: 'contact return', contactId, atMs }];
  }

  #merge(primaryId: string | undefined, atMs: number): RecordHappening[] {
    const other = primaryId === undefined ? undefined : this.#blank.pop();
    if (primaryId === undefined || other === undefined) return [];
    this.#workers.delete(primaryId); // Its record has another id now.
    return [{ kind: 'contact merge', primaryId, otherId: other.id, atMs }];
  }

  /** A deal is worth something else, to the cent. */
  #amend(atMs: number): RecordHappening[] {
    const deal = this.#anyDeal();
    const amount = `${this.#faker.number.int({ min: 1000, max: 90_000 })}.${this.#faker.string.numeric(2)}`;
    return deal === undefined ? [] : [{ kind: 'deal change', deal, values: { amount }, atMs }];
  }

  /** A deal is won; one that was won is open again. */
  #move(atMs: number): RecordHappening[] {
    const deal = this.#anyDeal();
    if (deal === undefined) return [];
    const stage = this.#stages.get(deal) === 'closedwon' ? 'contractsent' : 'closedwon';
    this.#stages.set(deal, stage);
    return [{ kind: 'deal', deal, contactIds: [], stage, atMs }];
  }

  #anyDeal(): string | undefined {
    const deals = [...this.#stages.keys()];
    return deals.length === 0 ? undefined : this.#faker.helpers.arrayElement(deals);
  }

  #go(
    kind: 'contact deletion' | 'contact erasure',
    contactId: string | undefined,
    atMs: number,
  ): RecordHappening[] {
    if (contactId === undefined || this.#mayGo <= 0) return [];
    this.#mayGo -= 1;
    this.#workers.delete(contactId);
    if (kind === 'contact deletion') this.#deleted.push(contactId);
    return [{ kind, contactId, atMs }];
  }
}

function changeTitle(titles: Map<string, string>, contactId: string, atMs: number): PropertyHappening {
  const value = titles.get(contactId) === TITLES[0] ? TITLES[1] : TITLES[0];
  titles.set(contactId, value);
  return { kind: 'property', contactId, property: 'jobtitle', value, atMs, changeSource: 'CRM_UI' };
}

/** Job titles as HubSpot has them. */
function lastTitles(contacts: readonly DemoContact[], happenings: readonly Happening[]): Map<string, string> {
  const titles = new Map(contacts.map(({ id, properties }) => [id, properties['jobtitle'] ?? '']));
  for (const one of happenings.toSorted((a, b) => a.atMs - b.atMs))
    if (one.kind === 'property' && one.property === 'jobtitle') titles.set(one.contactId, one.value);
  return titles;
}

function isBlank({ id, kind, companyId }: DemoContact, eventful: ReadonlySet<string>): boolean {
  return (kind === 'chat' || kind === 'bare') && companyId === undefined && !eventful.has(id);
}
