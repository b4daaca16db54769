// What happens in a simulated portal: people, companies, deals and browsers, and the ledger of what truly happened to them.
import { Webhook } from 'standardwebhooks';
import { type Crm } from '../local/hubspot/crm.ts';
import { createRandom, type Random } from '../local/hubspot/random.ts';
import type { Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** Between two things, mostly; visits and what deals do keep clear of each other, so that their order is beyond doubt. */
const GAP_MS = [20 * SECOND_MS, 4 * MINUTE_MS] as const;
const BURST_MS = [1, 3 * SECOND_MS] as const;
const CLEAR_MS = [3 * MINUTE_MS, 6 * MINUTE_MS] as const;
/** A caller that was refused, or got no answer, asks again after this. */
const AGAIN_MS = [200, 5 * SECOND_MS] as const;
/** Shares of the worlds in which a deal is earned, and in which somebody is busy for longer than a window of write-back; how much happens at once when much does; how much of all happens to one person. */
const WITH_DEAL = 0.19;
const WITH_RUSH = 0.08;
const STORM = 6;
/** For how long write-back gathers what is to be written, and by how much two pollers that do so may be apart. */
const GATHERED_MS = 60_000;
const APART_MS = [1_000, 6_000] as const;
/** How long after a write something else may be written while that one still lands. */
const LANDING_MS = [12_000, 4 * MINUTE_MS] as const;
const RUSH = 13;
const RUSH_MS = [1_000, 9_000] as const;
const TO_ONE = 0.5;

/** Sends one request to the API. @returns the status; 0 where no answer came */
export type SendRequest = (
  route: string,
  headers: Readonly<Record<string, string>>,
  body: string,
) => Promise<number>;

export interface Person {
  /** The id it was created with. */
  readonly firstId: string;
  readonly email: string | undefined;
  fate: 'lives' | 'deleted' | 'erased';
  /** The id under which it stood when it left. */
  lastId?: string;
}

export interface Browser {
  readonly visitorId: string;
  /** Whose it was said to be by somebody who may say so, in the order it was said. */
  readonly claims: Person[];
  /** When it last was said to be a contact's that was said to be an address's of somebody else right before, epoch milliseconds. */
  gaveWayAtMs?: number;
  /** Who was named by an address, where that was last. */
  ofAddress?: Person | undefined;
}

/** A visit that a page told of. */
interface Session {
  readonly browser: Browser;
  readonly sessionId: string;
  readonly source: VisitSource;
  readonly atMs: number;
}

/** A source as the oracle knows it: how a page tells of it, and by which key and label it is credited. */
export interface VisitSource {
  readonly key: string;
  readonly label: string;
  readonly referrer?: string;
}

const SOURCES: readonly VisitSource[] = [
  { key: 'ai/chatgpt', label: 'ChatGPT', referrer: 'https://chatgpt.com/' },
  { key: 'ai/perplexity', label: 'Perplexity', referrer: 'https://www.perplexity.ai/' },
  { key: 'search/google', label: 'Google', referrer: 'https://www.google.com/' },
  { key: 'direct/direct', label: 'Direct' },
];

export interface DealNow {
  readonly id: string;
  readonly name: string;
  readonly people: Person[];
  amount: string;
  stage: string;
  /** Since when it is in its stage, epoch milliseconds. */
  stageSinceMs: number;
  isDeleted: boolean;
}

/** Everything that truly happened, each once. */
export interface Ledger {
  readonly people: Person[];
  readonly companyIds: string[];
  readonly deals: DealNow[];
  readonly browsers: Browser[];
  readonly logins: { readonly person: Person; readonly atMs: number }[];
  readonly clicks: { readonly person: Person; readonly atMs: number }[];
  /** How often pages were viewed beyond the first count that HubSpot ever had, by person. */
  readonly rises: Map<Person, number>;
  readonly sessions: Session[];
  /** When something last happened, epoch milliseconds. */
  lastMs: number;
  /** Malformed events of HubSpot's that were accepted, by what tells them apart. */
  readonly poisons: Set<string>;
  /** How often what happened, by its kind. */
  readonly happened: Record<string, number>;
}

export interface WorldParts {
  readonly crm: Crm;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly seed: number;
  readonly portalId: string;
  /** Of the pages that may tell of visits. */
  readonly origin: string;
  readonly signalsSecret: string;
  readonly send: SendRequest;
  /** Headers by which HubSpot signs a request of this moment. */
  readonly signAsHubSpot: (route: string, body: string) => Record<string, string>;
}

/** Something that can happen, and how often it does beside the others. */
type Happening = readonly [weight: number, kind: string, happen: () => boolean];

/** Kinds whose order among each other decides what is right. */
const IN_ORDER = new Set(['rushes', 'visits', 'deals', 'restatements', 'bindings', 'deal contacts']);

/** A small portal in which much happens within two hours. */
export class World {
  readonly ledger: Ledger = {
    people: [],
    companyIds: [],
    deals: [],
    browsers: [],
    logins: [],
    clicks: [],
    rises: new Map(),
    sessions: [],
    lastMs: 0,
    poisons: new Set(),
    happened: {},
  };
  readonly #parts: WorldParts;
  readonly #random: Random;
  readonly #signals: Webhook;
  readonly #views = new Map<Person, number>();
  readonly #merged = new Set<Person>();
  /** To whom happened what HubSpot may not have told. */
  readonly #untold = new Set<Person>();
  #isAllTold = true;
  #lastLoginMs = 0;
  /** Browsers and sessions so far. */
  #made = 0;
  #sent = 0;
  /** Requests in which nothing was wrong, and that were refused. */
  readonly refusals: string[] = [];
  /** Requests that were not accepted yet. */
  underWay = 0;

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.#random = createRandom(parts.seed, 'world');
    this.#signals = new Webhook(parts.signalsSecret);
  }

  /**
   * Lets so many things happen, beginning now.
   *
   * @param isAllTold - whether HubSpot tells of everything. Of what it does not tell its histories do, but for who was erased, and for what
   *   happened to a record before it was merged
   * @returns when the last of them does, epoch milliseconds
   */
  play(count: number, isAllTold = true): number {
    this.#isAllTold = isAllTold;
    let inMs = 0;
    let lastOrderedMs = -CLEAR_MS[1];
    const first: Happening[] = [
      [1, 'people', () => this.#createPerson()],
      [1, 'people', () => this.#createPerson()],
      ...(this.#random.next() < 0.08 ? [[1, 'people', () => this.#createPerson()] as const] : []),
      ...(this.#random.next() < 0.6 ? [[1, 'companies', () => this.#createCompany()] as const] : []),
    ];
    const isBeginning = this.ledger.people.length === 0;
    const story = this.#random.next() < WITH_DEAL ? this.#dealStory() : [];
    const rush: Happening[] = this.#random.next() < WITH_RUSH ? [[1, 'rushes', () => this.#rush()]] : [];
    const cast = isBeginning ? [...first, ...story, ...rush] : [];
    const stormAt = this.#random.between(0, count);
    for (let at = 0; at < cast.length + count; at++) {
      const [, kind, happen] = cast[at] ?? this.#pick();
      const isOrdered = IN_ORDER.has(kind);
      const since = at - cast.length - stormAt;
      const isStorm = since >= 0 && since < STORM;
      if (since === 0) inMs += this.#between(CLEAR_MS); // By then everybody was read.
      inMs += this.#between(!isOrdered && (isStorm || this.#random.next() < 0.4) ? BURST_MS : GAP_MS);
      if (isOrdered) {
        inMs = Math.max(inMs, lastOrderedMs + this.#between(CLEAR_MS));
        lastOrderedMs = inMs;
      }
      this.#parts.scheduler.after(inMs, () => this.#let(kind, happen));
    }
    return this.#parts.scheduler.now() + inMs;
  }

  /**
   * One thing changes twice, so that two batches are written at nearly the same time; once more while they are, and then never again:
   * what lands last is what stays.
   *
   * @returns when the last of it does, epoch milliseconds
   */
  cross(): number {
    const { scheduler } = this.#parts;
    const isOfDeal = this.#random.next() < 0.5;
    const known = this.#someDeal();
    if (isOfDeal && known === undefined) this.#let('deals', () => this.#createDeal());
    const beginsInMs = this.#between(CLEAR_MS);
    const [person] = this.#living();
    const deal = isOfDeal ? this.#someDeal() : undefined;
    const happen = () =>
      deal === undefined
        ? this.#let('logins', () => this.#login(person))
        : this.#let('restatements', () => this.#changeAmount(deal));
    const apartMs = this.#between(APART_MS);
    const isWhileWritten = this.#random.next() < 0.8;
    const lastMs = isWhileWritten ? this.#random.between(0, apartMs + SECOND_MS) : this.#between(LANDING_MS);
    for (const inMs of [0, apartMs, GATHERED_MS + lastMs]) scheduler.after(beginsInMs + inMs, happen);
    this.ledger.happened['crossings'] = (this.ledger.happened['crossings'] ?? 0) + 1;
    return scheduler.now() + beginsInMs + GATHERED_MS + lastMs;
  }

  /** Somebody does one thing after the other, so that what is shown changes while it is written. */
  #rush(): boolean {
    let inMs = 0;
    for (let at = 0; at < RUSH; at++) {
      inMs += this.#between(RUSH_MS);
      this.#parts.scheduler.after(inMs, () => this.#let('logins', () => this.#login(this.#living()[0])));
    }
    return true;
  }

  /** A deal that somebody earned: visits from two sources, the deal, its stages. */
  #dealStory(): Happening[] {
    return [
      [1, 'visitors', () => this.#bind()],
      [1, 'visits', () => this.#visit()],
      [1, 'visits', () => this.#visit()],
      [1, 'deals', () => this.#createDeal()],
      [1, 'restatements', () => this.#changeDeal()],
      [1, 'restatements', () => this.#changeDeal()],
    ];
  }

  #let(kind: string, happen: () => boolean): void {
    const { scheduler } = this.#parts;
    scheduler.note(`--- ${kind}`);
    if (!happen()) return;
    this.ledger.happened[kind] = (this.ledger.happened[kind] ?? 0) + 1;
    this.ledger.lastMs = scheduler.now();
  }

  #between([least, most]: readonly [number, number]): number {
    return this.#random.between(least, most);
  }

  #pick(): Happening {
    const all: Happening[] = [
      [1, 'people', () => this.#createPerson()],
      [2, 'companies', () => this.#createCompany()],
      [12, 'logins', () => this.#login()],
      [6, 'clicks', () => this.#click()],
      [5, 'views', () => this.#view()],
      [3, 'values', () => this.#value()],
      [3, 'company values', () => this.#companyValue()],
      [3, 'associations', () => this.#associate()],
      [3, 'merges', () => this.#merge()],
      [3, 'company merges', () => this.#mergeCompanies()],
      [this.#isAllTold ? 3 : 0, 'erasures', () => this.#leave('erased')],
      [3, 'deletions', () => this.#leave('deleted')],
      [2, 'restorings', () => this.#restore()],
      [4, 'visits', () => this.#visit()],
      [5, 'visitors', () => this.#bind()],
      [3, 'deals', () => this.#createDeal()],
      [12, 'restatements', () => this.#changeDeal()],
      [1, 'deal contacts', () => this.#joinDeal()],
      [2, 'forgeries', () => this.#forge()],
      [1, 'foreign events', () => this.#tellOfAnother()],
      [1, 'poisons', () => this.#poison()],
    ];
    let left = this.#random.next() * all.reduce((sum, [weight]) => sum + weight, 0);
    return all.find(([weight]) => (left -= weight) < 0) ?? [1, 'logins', () => this.#login()];
  }

  #oneOf<T>(choices: readonly T[]): T | undefined {
    return choices[this.#random.between(0, choices.length - 1)];
  }

  /** Most happens to one, so that it meets. */
  #somebody(): Person | undefined {
    const living = this.#living();
    return this.#random.next() < TO_ONE ? living[0] : this.#oneOf(living);
  }

  #living(): Person[] {
    return this.ledger.people.filter(({ fate }) => fate === 'lives');
  }

  /** The id under which a person stands in HubSpot today. */
  idOf({ firstId }: Person): string {
    return this.#parts.crm.get('contacts', firstId)?.id ?? firstId;
  }

  /** The same; of who left, when it did. */
  lastIdOf(person: Person): string {
    return person.lastId ?? this.idOf(person);
  }

  /** Whether two people are one contact by now. */
  #isSame(one: Person, other: Person): boolean {
    return this.idOf(one) === this.idOf(other);
  }

  #createPerson(): boolean {
    const { people } = this.ledger;
    const email = this.#random.next() < 0.8 ? `person${people.length + 1}@example.com` : undefined;
    const jobtitle = this.#random.next() < 0.4 ? 'CTO' : 'Designer';
    const properties = {
      ...(email !== undefined && { email }),
      ...(this.#random.next() < 0.7 && { jobtitle }),
      firstname: `Canary${people.length + 1}`,
    };
    people.push({ firstId: this.#parts.crm.create('contacts', properties), email, fate: 'lives' });
    return true;
  }

  #createCompany(): boolean {
    if (this.ledger.companyIds.length >= 3) return false;
    const numberofemployees = this.#oneOf([5, 500]) ?? 5;
    this.ledger.companyIds.push(
      this.#parts.crm.create('companies', { name: 'A company', numberofemployees }),
    );
    return true;
  }

  /** Somebody logs in, now and then more than once in a moment; it is told by the company's own systems, or by a workflow. */
  #login(who = this.#somebody()): boolean {
    const times = this.#random.next() < 0.3 ? 2 : 1;
    const signals = Array.from({ length: times }, () => this.#newLogin(who)).filter(
      (one) => one !== undefined,
    );
    const [first] = signals;
    if (first === undefined) return false;
    if (this.#random.next() < 0.2) {
      const { signal, occurredAt, ...subject } = first.signal;
      this.ledger.logins.push(first.login);
      this.#tellByWorkflow({ workflowId: 7, signal, time: occurredAt, ...subject });
    } else {
      this.ledger.logins.push(...signals.map(({ login }) => login));
      this.#signal(signals.map(({ signal }) => signal));
    }
    return true;
  }

  #newLogin(person: Person | undefined) {
    if (person === undefined) return undefined;
    const atMs = this.#nextLoginMs();
    const isByEmail = person.email !== undefined && this.#random.next() < 0.3;
    // Whoever was merged is known by its old ids, too.
    const contactId = this.#random.next() < 0.5 ? person.firstId : this.idOf(person);
    const subject = isByEmail ? { email: person.email } : { contactId };
    const signal = { signal: 'product.login', occurredAt: new Date(atMs).toISOString(), ...subject };
    return { login: { person, atMs }, signal };
  }

  #click(): boolean {
    const person = this.#somebody();
    if (person === undefined) return false;
    const atMs = this.#parts.scheduler.now();
    this.ledger.clicks.push({ person, atMs });
    if (!this.#isAllTold) this.#untold.add(person);
    this.#parts.crm.set('contacts', person.firstId, {
      hs_email_last_click_date: new Date(atMs).toISOString(),
    });
    return true;
  }

  #view(): boolean {
    // After a merge the new record has a count of its own: what of it is a rise depends on what was read first.
    const person = this.#oneOf(this.#living().filter((one) => !this.#merged.has(one)));
    if (person === undefined) return false;
    const before = this.#views.get(person);
    const count = (before ?? 0) + this.#random.between(1, 3);
    this.#views.set(person, count);
    if (!this.#isAllTold) this.#untold.add(person);
    if (before !== undefined)
      this.ledger.rises.set(person, (this.ledger.rises.get(person) ?? 0) + count - before);
    this.#parts.crm.set('contacts', person.firstId, { hs_analytics_num_page_views: count });
    return true;
  }

  #value(): boolean {
    const person = this.#somebody();
    if (person === undefined) return false;
    if (this.#random.next() < 0.35) return this.#thereAndBack(person);
    const value: Record<string, string> =
      this.#random.next() < 0.75
        ? { jobtitle: this.#oneOf(['CTO', 'Designer', '']) ?? '' }
        : { hs_lead_status: this.#oneOf(['UNQUALIFIED', 'OPEN']) ?? '' };
    this.#parts.crm.set('contacts', person.firstId, value);
    return true;
  }

  /** A value that is what it was before anybody may have noticed. */
  #thereAndBack({ firstId }: Person): boolean {
    const { crm, scheduler } = this.#parts;
    const before = crm.get('contacts', firstId)?.properties['jobtitle'] ?? '';
    crm.set('contacts', firstId, { jobtitle: before === 'CTO' ? 'Designer' : 'CTO' });
    scheduler.after(this.#between(BURST_MS), () => {
      if (crm.get('contacts', firstId)?.archived === false)
        crm.set('contacts', firstId, { jobtitle: before });
    });
    return true;
  }

  #companyValue(): boolean {
    const id = this.#oneOf(this.ledger.companyIds);
    if (id === undefined) return false;
    this.#parts.crm.set('companies', id, { numberofemployees: this.#oneOf([5, 80, 100, 500]) ?? 5 });
    return true;
  }

  #associate(): boolean {
    const person = this.#somebody();
    const companyId = this.#oneOf(this.ledger.companyIds);
    const { crm } = this.#parts;
    const company = companyId === undefined ? undefined : crm.get('companies', companyId);
    if (person === undefined || company === undefined) return false;
    crm.associate('contacts', this.idOf(person), 'companies', company.id, { primary: true });
    return true;
  }

  #merge(): boolean {
    const told = this.#living().filter((one) => !this.#isAnyUntold(one));
    const [primary, other] = this.#random.shuffled(told);
    if (primary === undefined || other === undefined || this.#isSame(primary, other)) return false;
    for (const one of this.ledger.people)
      if (this.#isSame(one, primary) || this.#isSame(one, other)) this.#merged.add(one);
    this.#speakLate([primary, other], true);
    this.#parts.crm.merge('contacts', this.idOf(primary), this.idOf(other));
    return true;
  }

  /** Long after: what waits for its owner is not kept for ever. */
  forgetUnclaimed(): void {
    const { browsers, sessions } = this.ledger;
    browsers.splice(0, browsers.length, ...browsers.filter(({ claims }) => claims.length > 0));
    sessions.splice(0, sessions.length, ...sessions.filter(({ browser }) => browsers.includes(browser)));
  }

  /**
   * Somebody tells of people just after something befell them, by the ids that they had before.
   *
   * @param isToCount - whether what is told counts: of who is erased nothing does
   */
  #speakLate(people: readonly Person[], isToCount: boolean): void {
    for (const person of people) {
      if (this.#random.next() < 0.5) continue;
      const contactId = this.idOf(person);
      this.#parts.scheduler.after(this.#random.between(0, 2 * SECOND_MS), () => {
        const atMs = this.#nextLoginMs();
        if (isToCount) this.ledger.logins.push({ person, atMs });
        this.#signal([{ signal: 'product.login', occurredAt: new Date(atMs).toISOString(), contactId }]);
      });
    }
  }

  #nextLoginMs(): number {
    this.#lastLoginMs = Math.max(this.#lastLoginMs + 1, this.#parts.scheduler.now());
    return this.#lastLoginMs;
  }

  #isAnyUntold(person: Person): boolean {
    return [...this.#untold].some((one) => this.#isSame(one, person));
  }

  #mergeCompanies(): boolean {
    const { crm } = this.#parts;
    const [one, other] = this.#random.shuffled(this.ledger.companyIds);
    const ids = [one, other].map((id = '') => crm.get('companies', id)?.id);
    const [first, second] = ids;
    if (first === undefined || second === undefined || first === second) return false;
    crm.merge('companies', first, second);
    return true;
  }

  #leave(fate: 'deleted' | 'erased'): boolean {
    if (this.#living().length < 2) return false;
    const person = this.#somebody();
    if (person === undefined) return false;
    const id = this.idOf(person);
    this.#speakLate([person], fate === 'deleted');
    for (const one of this.ledger.people)
      if (one.fate === 'lives' && this.idOf(one) === id) Object.assign(one, { fate, lastId: id });
    if (fate === 'erased') this.#parts.crm.privacyDelete(id);
    else this.#parts.crm.delete('contacts', id);
    if (fate === 'deleted' && this.#random.next() < 0.5)
      this.#parts.scheduler.after(this.#between(BURST_MS), () =>
        this.#let('restorings', () => this.#restore()),
      );
    return true;
  }

  #restore(): boolean {
    const person = this.#oneOf(this.ledger.people.filter(({ fate }) => fate === 'deleted'));
    if (person === undefined) return false;
    const id = this.lastIdOf(person);
    if (this.#parts.crm.get('contacts', id)?.archived !== true) return false;
    this.#parts.crm.restore('contacts', id);
    for (const one of this.ledger.people) if (one.fate === 'deleted' && one.lastId === id) one.fate = 'lives';
    return true;
  }

  #browser(): Browser {
    const { browsers } = this.ledger;
    const claimed = browsers.filter(({ claims }) => claims.length > 0);
    const known = this.#oneOf(this.#random.next() < 0.7 && claimed.length > 0 ? claimed : browsers);
    if (known !== undefined && (browsers.length >= 3 || this.#random.next() < 0.6)) return known;
    const visitorId = `visitor${String(this.#parts.seed % 1_000_000).padStart(6, '0')}${String(this.#made).padStart(9, '0')}`;
    const browser: Browser = { visitorId, claims: [] };
    this.#made += 1;
    browsers.push(browser);
    return browser;
  }

  #visit(): boolean {
    const { scheduler, origin } = this.#parts;
    const browser = this.#browser();
    const source = this.#oneOf(SOURCES);
    if (source === undefined) return false;
    const sessionId = `session${String(++this.#made).padStart(15, '0')}`;
    this.ledger.sessions.push({ browser, sessionId, source, atMs: scheduler.now() });
    const body = {
      visitorId: browser.visitorId,
      sessionId,
      url: `${origin}/pricing`,
      ...(source.referrer !== undefined && { referrer: source.referrer }),
    };
    const headers = { origin, 'user-agent': 'Mozilla/5.0 (X11; Linux x64) Firefox/145.0' };
    this.#deliver('/sessions', () => headers, JSON.stringify(body));
    return true;
  }

  /** Somebody who may says whose a browser is; now and then of one that is another's already. */
  #bind(): boolean {
    const { ledger } = this;
    const person = this.#somebody();
    if (person === undefined) return false;
    const free = ledger.browsers.filter(({ claims }) => claims.length === 0);
    const browser = (this.#random.next() < 0.7 ? this.#oneOf(free) : undefined) ?? this.#browser();
    this.#claim(browser, person);
    const rival = this.#oneOf(this.#living());
    // Two forms are filled in on one machine at once.
    if (rival !== undefined && rival !== person && this.#random.next() < 0.15)
      this.#parts.scheduler.after(this.#between(BURST_MS), () => {
        if (rival.fate === 'lives') this.#claim(browser, rival);
      });
    return true;
  }

  #claim(browser: Browser, person: Person): void {
    const { visitorId } = browser;
    browser.claims.push(person);
    const how = this.#random.next();
    const isByEmail = person.email !== undefined && how >= 0.5 && how < 0.65;
    const { ofAddress } = browser;
    if (ofAddress !== undefined && !isByEmail && !this.#isSame(ofAddress, person))
      browser.gaveWayAtMs = this.#parts.scheduler.now();
    browser.ofAddress = isByEmail ? person : undefined;
    if (how < 0.5) this.#parts.crm.set('contacts', person.firstId, { afterglow_visitor_id: visitorId });
    else {
      const occurredAt = new Date(this.#parts.scheduler.now()).toISOString();
      const subject = isByEmail ? { email: person.email } : { contactId: this.idOf(person) };
      this.#signal([{ signal: 'identify', occurredAt, visitorId, ...subject }]);
    }
  }

  #createDeal(): boolean {
    const { crm, scheduler } = this.#parts;
    const { deals, browsers } = this.ledger;
    const owners = browsers.flatMap(({ claims }) => claims).filter(({ fate }) => fate === 'lives');
    const person = this.#oneOf(owners) ?? this.#somebody();
    if (person === undefined || deals.length >= 3) return false;
    const name = `Deal ${deals.length + 1}`;
    const amount = this.#oneOf(['100', '99.99', '0.01', '1000.10', '']) ?? '';
    const stage = 'appointmentscheduled';
    const id = crm.create('deals', {
      dealname: name,
      pipeline: 'default',
      dealstage: stage,
      ...(amount !== '' && { amount }),
      deal_currency_code: 'EUR',
    });
    crm.associate('contacts', this.idOf(person), 'deals', id);
    deals.push({
      id,
      name,
      people: [person],
      amount,
      stage,
      stageSinceMs: scheduler.now(),
      isDeleted: false,
    });
    return true;
  }

  /** A deal goes to another stage, maybe back; or is worth something else. */
  #changeDeal(): boolean {
    const { crm, scheduler } = this.#parts;
    const deal = this.#someDeal();
    if (deal === undefined) return false;
    const what = this.#random.next();
    if (what < 0.05) {
      crm.delete('deals', deal.id);
      deal.isDeleted = true;
    } else if (what < 0.4) {
      this.#changeAmount(deal);
    } else {
      const stages = ['appointmentscheduled', 'contractsent', 'closedwon', 'closedlost'];
      const stage = this.#oneOf(stages.filter((one) => one !== deal.stage)) ?? 'closedwon';
      crm.set('deals', deal.id, { dealstage: stage });
      Object.assign(deal, { stage, stageSinceMs: scheduler.now() });
    }
    return true;
  }

  #someDeal(): DealNow | undefined {
    return this.#oneOf(this.ledger.deals.filter(({ isDeleted }) => !isDeleted));
  }

  #changeAmount(deal: DealNow): boolean {
    deal.amount = this.#oneOf(['50', '33.33', '2500', '0.05'].filter((one) => one !== deal.amount)) ?? '50';
    this.#parts.crm.set('deals', deal.id, { amount: deal.amount });
    return true;
  }

  #joinDeal(): boolean {
    const deal = this.#someDeal();
    const person = this.#somebody();
    if (deal === undefined || person === undefined) return false;
    deal.people.push(person);
    this.#parts.crm.associate('contacts', this.idOf(person), 'deals', deal.id);
    return true;
  }

  /** Somebody without a secret tries to make a browser somebody else's, and to give somebody points. */
  #forge(): boolean {
    const person = this.#somebody();
    const browser = this.#oneOf(this.ledger.browsers);
    if (person === undefined || browser === undefined) return false;
    const { scheduler, origin, send } = this.#parts;
    const occurredAt = new Date(scheduler.now()).toISOString();
    const contactId = this.idOf(person);
    const { visitorId } = browser;
    const identify = JSON.stringify([{ signal: 'identify', occurredAt, visitorId, contactId }]);
    const forged = {
      'webhook-id': 'forged',
      'webhook-timestamp': String(Math.floor(scheduler.now() / 1000)),
    };
    void send('/signals', { ...forged, 'webhook-signature': 'v1,Zm9yZ2Vk' }, identify);
    void send('/signals', {}, JSON.stringify([{ signal: 'product.login', occurredAt, contactId }]));
    const sessionId = 'session-of-a-forger-00';
    const session = { visitorId, sessionId, contactId, email: person.email, url: `${origin}/` };
    void send('/sessions', { origin, 'user-agent': 'Mozilla/5.0' }, JSON.stringify(session));
    return true;
  }

  /** HubSpot's app is installed in other portals, too: their events come signed as ours do. */
  #tellOfAnother(): boolean {
    const person = this.#somebody();
    if (person === undefined) return false;
    const occurredAt = this.#parts.scheduler.now();
    const event = {
      eventId: 1,
      subscriptionId: 1,
      portalId: Number(this.#parts.portalId) + 1,
      appId: 1,
      occurredAt,
      subscriptionType: 'contact.propertyChange',
      attemptNumber: 0,
      objectId: Number(person.firstId),
      propertyName: 'hs_email_last_click_date',
      propertyValue: String(occurredAt - 5),
      changeSource: 'CRM_UI',
    };
    this.#tell([event]);
    return true;
  }

  /** An event that nobody can ever understand, between two that say nothing new. */
  #poison(): boolean {
    const { portalId, scheduler } = this.#parts;
    const mark = `poison ${this.ledger.poisons.size + 1}`;
    const event = {
      portalId: Number(portalId),
      occurredAt: scheduler.now(),
      subscriptionType: 'contact.propertyChange',
      propertyName: 'jobtitle',
      propertyValue: mark,
    };
    this.ledger.poisons.add(mark);
    this.#tell([event]);
    return true;
  }

  #tell(events: readonly object[]): void {
    const body = JSON.stringify(events);
    this.#deliver('/webhooks/hubspot', () => this.#parts.signAsHubSpot('/webhooks/hubspot', body), body);
  }

  #tellByWorkflow(content: object): void {
    const body = JSON.stringify(content);
    this.#deliver('/webhooks/workflow', () => this.#parts.signAsHubSpot('/webhooks/workflow', body), body);
  }

  #signal(signals: readonly object[]): void {
    const { scheduler, faults } = this.#parts;
    const body = JSON.stringify(signals);
    const id = `msg_${++this.#sent}`;
    const sign = () => {
      const now = new Date(scheduler.now());
      return {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': this.#signals.sign(id, now, body),
      };
    };
    this.#deliver('/signals', sign, body);
    if (faults.choose(['signal sent again'], 4) !== undefined)
      scheduler.after(this.#between(GAP_MS), () => this.#deliver('/signals', sign, body));
  }

  /** Sends until it is accepted. */
  #deliver(route: string, headers: () => Readonly<Record<string, string>>, body: string): void {
    this.underWay += 1;
    const attempt = async (): Promise<void> => {
      const status = await this.#parts.send(route, headers(), body);
      if (isRefusal(status)) this.refusals.push(`${route} was answered with ${status}`);
      if (status >= 200 && status < 300) this.underWay -= 1;
      else this.#parts.scheduler.after(this.#between(AGAIN_MS), () => void attempt());
    };
    void attempt();
  }
}

/** Whether an answer says that the caller did something wrong; 429 says only that it is to come later. */
export function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 429;
}
