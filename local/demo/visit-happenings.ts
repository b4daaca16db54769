// Who visited the website in these months, on which ways, and who saw it: HubSpot's tracking, a server of ours, a page of ours.
import { base, en, Faker } from '@faker-js/faker';
import { ADVERTISEMENT, ARRIVALS, type Arrival, NEWSLETTER } from './arrivals.ts';
import type { Happening, PropertyHappening } from './happenings.ts';
import type { DemoContact } from './portal.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The site whose pages have the snippet. */
export const SITE = 'https://www.afterglow.example';
/** Pages that follow each other within this time are one visit. */
const SAME_VISIT_MS = HOUR_MS;
/** Two visits of one contact lie at least so far apart, so that nobody can take one for the other. */
const APART_MS = 3 * HOUR_MS;
/** Visits that a server tells of begin at most so long ago: longer than any window of a deal. */
const OLDEST_DAYS = 150;
/** Longest that HubSpot's tracking is behind ours. */
const HUBSPOT_LAG_MS = 90 * SECOND_MS;

/** Of 100 contacts, those whom HubSpot saw before they were one, with visits that a server saw, and who visit just now. */
const SEEN_EARLY_PERCENT = 35;
const SERVER_PERCENT = 30;
const NOW_PERCENT = 8;
/** Of 100 visits that HubSpot saw, those that a server saw too. */
const SEEN_BY_BOTH_PERCENT = 35;

/** How our own page or server tells of a visit. */
export interface OwnSight {
  /** A page tells of it when it happens, a server when it likes. */
  readonly by: 'browser' | 'server';
  /** Random ids of 128 bits; a server may know the person instead. */
  readonly visitorId: string | undefined;
  readonly sessionId: string | undefined;
  readonly address: Address | undefined;
  /** Webhook id of the post by which a server tells. */
  readonly postId: string;
  /** Whether it was no person: crawlers say so. */
  readonly isBot: boolean;
}

type Address = { readonly contactId: string } | { readonly email: string };

/** A visit of the website as it truly was. */
export interface Visit {
  readonly kind: 'visit';
  readonly contactId: string;
  /** When it began, epoch milliseconds; one that a page tells of begins when that is played. */
  readonly atMs: number;
  readonly arrival: Arrival;
  /** Where it began, with all that the link added. */
  readonly url: string;
  /** Undefined where HubSpot's tracking did not see it; when it did, and the pages, of which it keeps the last. */
  readonly hubspot: { readonly atMs: number; readonly urls: readonly string[] } | undefined;
  readonly own: OwnSight | undefined;
}

/** Somebody turns out to be the person behind a browser: by a form that HubSpot keeps, or by a signal of ours. */
export interface Identification {
  readonly kind: 'identification';
  readonly contactId: string;
  readonly visitorId: string;
  readonly atMs: number;
  /** Undefined where a form told HubSpot. */
  readonly signal: { readonly address: Address; readonly postId: string } | undefined;
}

export type VisitHappening = Visit | Identification;

export interface Visits {
  readonly visits: readonly VisitHappening[];
  /** What HubSpot noted of them, and of forms: it happens like every other change. */
  readonly noted: readonly PropertyHappening[];
}

export interface VisitsPlan {
  /** The same seed, contacts, happenings and time give the same visits. @default 7 */
  readonly seed?: number;
  /** Epoch milliseconds; everything happens before. */
  readonly nowMs: number;
  /** Nothing happens before, and nobody visits just now. @default the visits of half a year */
  readonly fromMs?: number;
  /** A contact that is left alone: it visits nothing. */
  readonly exceptContactId?: string | undefined;
}

/**
 * Plans who visited. Every look at a page that happens belongs to a visit that HubSpot saw; beside these there are visits that HubSpot saw
 * before somebody became a contact, and visits that HubSpot did not see.
 *
 * @param happenings - all that is planned to happen to the contacts
 */
export function planVisits(
  contacts: readonly DemoContact[],
  happenings: readonly Happening[],
  plan: VisitsPlan,
): Visits {
  const faker = new Faker({ locale: [en, base], seed: (plan.seed ?? 7) + 5 });
  const looks = Map.groupBy(
    happenings.filter((one) => one.kind === 'property' && one.property === 'hs_analytics_last_url'),
    ({ contactId }) => contactId,
  );
  const visitors = contacts.filter(({ id }) => id !== plan.exceptContactId);
  const stories = visitors.map((contact) => {
    const ofContact = (looks.get(contact.id) ?? []).filter((one) => one.kind === 'property');
    const story = new VisitStory(faker, contact, plan);
    story.happen(ofContact);
    return story;
  });
  return {
    visits: stories.flatMap(({ visits, identifications }) => [...visits, ...identifications]),
    noted: stories.flatMap(({ noted }) => noted),
  };
}

/** Pages that say nothing of who reads them: no model has points for them. */
const PAGES: readonly string[] = [
  '/',
  '/product',
  '/customers',
  '/about',
  '/docs/start',
  '/compare/everybody-else',
];

/** One contact's visits. */
class VisitStory {
  readonly visits: Visit[] = [];
  readonly identifications: Identification[] = [];
  readonly noted: PropertyHappening[] = [];
  readonly #faker: Faker;
  readonly #contact: DemoContact;
  readonly #plan: VisitsPlan;
  /** Browsers the contact uses; whose they are may never be told. */
  readonly #visitorIds: readonly string[];

  constructor(faker: Faker, contact: DemoContact, plan: VisitsPlan) {
    this.#faker = faker;
    this.#contact = contact;
    this.#plan = plan;
    this.#visitorIds = Array.from({ length: faker.number.int({ min: 1, max: 2 }) }, () => randomId(faker));
  }

  /** @param looks - at pages, that HubSpot saw */
  happen(looks: readonly PropertyHappening[]): void {
    for (const one of intoVisits(looks)) this.#seenByHubSpot(one);
    const isFirstTime = this.#plan.fromMs === undefined;
    if (isFirstTime && this.#chance(SEEN_EARLY_PERCENT)) this.#beforeTheContact();
    if (this.#chance(SERVER_PERCENT)) this.#seenByServer();
    if (isFirstTime && this.#chance(NOW_PERCENT)) this.#justNow();
    this.visits.sort((a, b) => a.atMs - b.atMs);
    this.#note();
    this.#identify();
  }

  #chance(percent: number): boolean {
    return this.#faker.datatype.boolean(percent / 100);
  }

  /** A visit by which HubSpot noted pages; a server of ours may have seen it too. */
  #seenByHubSpot(looks: readonly PropertyHappening[]): void {
    const [first] = looks;
    if (first === undefined) return;
    const arrival = this.#arrivalTo(looks.map(({ value }) => value));
    const lagMs = this.#faker.number.int({ max: HUBSPOT_LAG_MS });
    const isSeenByBoth = this.#chance(SEEN_BY_BOTH_PERCENT);
    this.visits.push({
      kind: 'visit',
      contactId: this.#contact.id,
      atMs: isSeenByBoth ? first.atMs - lagMs : first.atMs,
      arrival,
      url: withQuery(first.value, arrival.query),
      hubspot: { atMs: first.atMs, urls: looks.map(({ value }) => value) },
      own: isSeenByBoth ? this.#serverSight() : undefined,
    });
  }

  /** What stands in an address of a page tells how somebody came. */
  #arrivalTo(urls: readonly string[]): Arrival {
    if (urls.some((url) => url.includes('gclid='))) return ADVERTISEMENT;
    if (urls.some((url) => url.includes('utm_medium=email'))) return NEWSLETTER;
    const others = ARRIVALS.filter((arrival) => arrival !== ADVERTISEMENT && arrival !== NEWSLETTER);
    return this.#anyOf(others);
  }

  #anyOf(arrivals: readonly Arrival[]): Arrival {
    return this.#faker.helpers.weightedArrayElement(
      arrivals.map((value) => ({ weight: value.weight, value })),
    );
  }

  /** HubSpot's tracking had seen a browser before it learnt whose it was. */
  #beforeTheContact(): void {
    const atMs = this.#contact.createdAtMs - this.#faker.number.int({ min: HOUR_MS, max: 20 * DAY_MS });
    const arrival = this.#anyOf(ARRIVALS);
    const url = withQuery(`${SITE}${this.#faker.helpers.arrayElement(PAGES)}`, arrival.query);
    this.#push({ atMs, arrival, url, hubspot: { atMs, urls: [] }, own: undefined });
  }

  #seenByServer(): void {
    const { nowMs, fromMs = nowMs - OLDEST_DAYS * DAY_MS } = this.#plan;
    for (let left = this.#faker.number.int({ min: 1, max: 3 }); left > 0; left--) {
      const atMs = this.#faker.number.int({ min: fromMs + HOUR_MS, max: nowMs - HOUR_MS });
      const arrival = this.#anyOf(ARRIVALS);
      const visit = { arrival, url: this.#page(arrival), hubspot: undefined };
      const sight = this.#serverSight();
      if (!this.#push({ ...visit, atMs, own: sight })) continue;
      // A second session soon after the first is another one, if both were seen by us.
      if (sight.sessionId !== undefined && this.#chance(10))
        this.#add({ ...visit, atMs: atMs + 10 * MINUTE_MS, own: this.#sessionOf('server') });
    }
  }

  /** Pages with the snippet tell of visits while they happen; HubSpot's tracking sees some of them. Crawlers come too. */
  #justNow(): void {
    const { nowMs } = this.#plan;
    const arrival = this.#anyOf(ARRIVALS);
    const url = this.#page(arrival);
    const hubspot = this.#chance(40) ? { atMs: nowMs - MINUTE_MS, urls: [] } : undefined;
    const isAdded = this.#push({ atMs: nowMs, arrival, url, hubspot, own: this.#sessionOf('browser') });
    if (!isAdded || !this.#chance(20)) return;
    const crawler = { ...this.#sessionOf('browser'), isBot: true };
    this.#add({ atMs: nowMs, arrival, url, hubspot: undefined, own: crawler });
  }

  #page({ query }: Arrival): string {
    return withQuery(`${SITE}${this.#faker.helpers.arrayElement(PAGES)}`, query);
  }

  /** A server knows the browser, or the person. */
  #serverSight(): OwnSight {
    if (this.#chance(70)) return this.#sessionOf('server');
    const address = this.#address();
    return { ...this.#sessionOf('server'), visitorId: undefined, sessionId: undefined, address };
  }

  #sessionOf(by: OwnSight['by']): OwnSight {
    return {
      by,
      visitorId: this.#faker.helpers.arrayElement(this.#visitorIds),
      sessionId: randomId(this.#faker),
      address: undefined,
      postId: `msg_${this.#faker.string.alphanumeric(24)}`,
      isBot: false,
    };
  }

  /** Who writes from a private address may have another one by now. */
  #address(): Address {
    const { id: contactId, email, kind } = this.#contact;
    return email === undefined || kind === 'private' || this.#chance(60) ? { contactId } : { email };
  }

  /** @returns whether it was far enough from every other visit */
  #push(visit: Omit<Visit, 'kind' | 'contactId'>): boolean {
    const isApart = this.visits.every(({ atMs }) => Math.abs(atMs - visit.atMs) >= APART_MS);
    if (isApart) this.#add(visit);
    return isApart;
  }

  #add(visit: Omit<Visit, 'kind' | 'contactId'>): void {
    this.visits.push({ kind: 'visit', contactId: this.#contact.id, ...visit });
  }

  /** HubSpot notes what it sees: of the first visit what began there, of every one what is the latest. */
  #note(): void {
    const { createdAtMs, properties } = this.#contact;
    const seen = this.visits.filter(({ hubspot }) => hubspot !== undefined);
    const held = new Map(Object.entries(properties));
    if (seen.length === 0 && !held.has('hs_analytics_source') && this.#chance(30))
      this.#noteAll(held, createdAtMs, offline(createdAtMs));
    for (const { arrival, url, hubspot } of seen) {
      if (hubspot === undefined) continue;
      const visits = Number(held.get('hs_analytics_num_visits') ?? '0') + 1;
      const values = {
        ...(held.has('hs_analytics_first_url') ? {} : firstOf(arrival, url, hubspot, held)),
        ...latestOf(arrival, hubspot),
        ...(hubspot.urls.length === 0 && { hs_analytics_last_url: url }),
        hs_analytics_num_visits: String(visits),
      };
      this.#noteAll(held, Math.max(hubspot.atMs, createdAtMs), values);
    }
  }

  /** One after the other within seconds, in no order. */
  #noteAll(held: Map<string, string>, fromMs: number, values: Readonly<Record<string, string>>): void {
    let atMs = fromMs;
    for (const [property, value] of this.#faker.helpers.shuffle(Object.entries(values))) {
      atMs += this.#faker.number.int({ min: 1, max: 300 });
      if ((held.get(property) ?? '') === value) continue;
      held.set(property, value);
      this.noted.push({
        kind: 'property',
        contactId: this.#contact.id,
        property,
        value,
        atMs,
        changeSource: 'ANALYTICS',
      });
    }
  }

  /** Most browsers turn out to be somebody's; some never do. */
  #identify(): void {
    const { nowMs, fromMs = nowMs - 20 * DAY_MS } = this.#plan;
    for (const visitorId of this.#visitorIds) {
      if (!this.visits.some(({ own }) => own?.visitorId === visitorId) || this.#chance(10)) continue;
      const atMs = this.#faker.number.int({ min: fromMs + MINUTE_MS, max: nowMs - MINUTE_MS });
      const { id: contactId } = this.#contact;
      const about = { kind: 'identification', contactId, visitorId, atMs } as const;
      if (this.#chance(50)) {
        this.identifications.push({ ...about, signal: undefined });
        this.noted.push({
          kind: 'property',
          contactId,
          property: 'afterglow_visitor_id',
          value: visitorId,
          atMs,
          changeSource: 'FORM',
        });
        continue;
      }
      const postId = `msg_${this.#faker.string.alphanumeric(24)}`;
      this.identifications.push({ ...about, signal: { address: this.#address(), postId } });
    }
  }
}

function intoVisits(looks: readonly PropertyHappening[]): PropertyHappening[][] {
  const visits: PropertyHappening[][] = [];
  for (const look of looks.toSorted((a, b) => a.atMs - b.atMs)) {
    const last = visits.at(-1)?.at(-1);
    if (last !== undefined && look.atMs - last.atMs <= SAME_VISIT_MS) visits.at(-1)?.push(look);
    else visits.push([look]);
  }
  return visits;
}

type HubSpotSight = NonNullable<Visit['hubspot']>;

/** Of who was imported HubSpot keeps that it was so, whatever came later. */
function firstOf(
  { hubspot, referrer = '' }: Arrival,
  url: string,
  { atMs }: HubSpotSight,
  held: ReadonlyMap<string, string>,
): Record<string, string> {
  const [source, detail1, detail2] = hubspot;
  return {
    ...(held.get('hs_analytics_source') !== 'OFFLINE' && {
      hs_analytics_source: source,
      hs_analytics_source_data_1: detail1,
      hs_analytics_source_data_2: detail2,
      hs_analytics_first_timestamp: String(atMs),
    }),
    hs_analytics_first_visit_timestamp: String(atMs),
    hs_analytics_first_url: url,
    hs_analytics_first_referrer: referrer,
  };
}

function latestOf({ hubspot, referrer = '' }: Arrival, { atMs }: HubSpotSight): Record<string, string> {
  const [source, detail1, detail2] = hubspot;
  return {
    hs_latest_source: source,
    hs_latest_source_data_1: detail1,
    hs_latest_source_data_2: detail2,
    hs_latest_source_timestamp: String(atMs),
    hs_analytics_last_timestamp: String(atMs),
    hs_analytics_last_visit_timestamp: String(atMs),
    hs_analytics_last_referrer: referrer,
  };
}

/** Somebody who was imported: HubSpot calls that a source, too. */
function offline(atMs: number): Record<string, string> {
  return {
    hs_analytics_source: 'OFFLINE',
    hs_analytics_source_data_1: 'IMPORT',
    hs_analytics_first_timestamp: String(atMs),
    hs_latest_source: 'OFFLINE',
    hs_latest_source_data_1: 'IMPORT',
    hs_latest_source_timestamp: String(atMs),
  };
}

function withQuery(url: string, query: string): string {
  if (query === '' || url.includes(query)) return url;
  const [page = '', fragment] = url.split('#');
  const whole = `${page}${page.includes('?') ? '&' : '?'}${query}`;
  return fragment === undefined ? whole : `${whole}#${fragment}`;
}

/** 128 bits as 22 characters of URL-safe Base64, as the snippet makes them. */
function randomId(faker: Faker): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const whole = faker.string.fromCharacters(alphabet, 21);
  return `${whole}${faker.helpers.arrayElement(['A', 'Q', 'g', 'w'])}`; // The last one holds two bits.
}
