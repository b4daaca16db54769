// A portal of any size, drawn contact by contact: who they are, what they did before, and what they will do in thirty days.
import { observe } from '../../lambdas/events/property-facts.ts';
import { PAGES_AT_A_TIME } from '../../lambdas/nightly/walk-page.ts';
import type { Fact, PropertyValue } from '../../lambdas/scoring/facts.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { createRandom } from '../../local/hubspot/random.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** A Sunday, midnight: then everybody is scored, and the thirty days begin. */
export const START_MS = Date.parse('2026-11-01T00:00:00Z');
export const NIGHTS = 30;
export const PORTAL_ID = '1';

/** Ids as long as HubSpot's. */
const FIRST_CONTACT = 100_000_000_000;
const FIRST_COMPANY = 200_000_000_000;
/** Characters of the identity of a signal. */
const KEY_LENGTH = 22;

/**
 * Companies of each thousand contacts, by the contacts that they have: 200 companies with 700 contacts. Of the other 300 the address says
 * nothing of a company: HubSpot associates by the domain of the address, and gmail.com is nobody's.
 */
const COMPANIES_PER_BLOCK: readonly { readonly companies: number; readonly contacts: number }[] = [
  { companies: 1, contacts: 110 },
  { companies: 4, contacts: 30 },
  { companies: 15, contacts: 10 },
  { companies: 30, contacts: 4 },
  { companies: 50, contacts: 2 },
  { companies: 100, contacts: 1 },
];
/** Contacts of one block: blocks are alike, and drawn independently of one another. */
export const BLOCK = 1000;

/** How busy contacts are. */
interface Warmth {
  readonly name: string;
  /** Of all contacts, 0 to 1. */
  readonly share: number;
  /** Things that they did before, least and most, and how many days ago, least and most. */
  readonly before: readonly [number, number];
  readonly daysAgo: readonly [number, number];
  /** Things that they do in a day from now on, on average. */
  readonly perDay: number;
}

/**
 * Most contacts of a large portal are names that were collected over years, by imports, fairs and downloads; each month some of a hundred
 * do something. Together these do 0.016 things a day, which is half a thing in a month.
 */
export const WARMTHS: readonly [Warmth, ...Warmth[]] = [
  { name: 'cold', share: 0.7, before: [0, 2], daysAgo: [120, 365], perDay: 0.002 },
  { name: 'known', share: 0.22, before: [1, 6], daysAgo: [14, 180], perDay: 0.01 },
  { name: 'warm', share: 0.07, before: [3, 15], daysAgo: [0, 30], perDay: 0.1 },
  { name: 'hot', share: 0.01, before: [8, 40], daysAgo: [0, 10], perDay: 0.5 },
];

/** What they do, by how often, of 100. */
const DEEDS = [
  { deed: 'visit', of100: 45 },
  { deed: 'open', of100: 25 },
  { deed: 'click', of100: 15 },
  { deed: 'login', of100: 8 },
  { deed: 'ticket', of100: 2 },
  { deed: 'webinar', of100: 2 },
  { deed: 'demo', of100: 1 },
  { deed: 'reply', of100: 1 },
  { deed: 'status', of100: 1 },
] as const;
type Deed = (typeof DEEDS)[number]['deed'];

/** Pages that are visited, by how often, of 100. */
const PAGES: readonly { readonly path: string; readonly of100: number }[] = [
  { path: '/', of100: 25 },
  { path: '/blog/what-scores-are-good-for', of100: 35 },
  { path: '/product', of100: 25 },
  { path: '/pricing', of100: 15 },
];
/** Pages of one visit, least and most. */
const PAGES_PER_VISIT: readonly [number, number] = [1, 4];

/** Values that properties have, evenly; an empty one is not known. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  jobtitle: [
    'Chief Technology Officer',
    'Head of Sales',
    'Operations Manager',
    'Engineer',
    'Student',
    '',
    '',
    '',
  ],
  country: ['Germany', 'United States', 'France', 'Spain', 'Poland', ''],
  phone: ['+49 30 23125 001', '', ''],
  hs_email_optout: ['true', '', '', '', '', '', '', '', '', ''],
  // Whom sales is done with shows no score.
  lifecyclestage: [...Array.from({ length: 11 }, () => 'lead'), 'customer'],
};
const COMPANY_VALUES: Readonly<Record<string, readonly string[]>> = {
  numberofemployees: ['12', '85', '250', '1200', ''],
  industry: ['COMPUTER_SOFTWARE', 'INTERNET', 'BANKING', 'EDUCATION_MANAGEMENT', ''],
  annualrevenue: ['900000', '12000000', ''],
};

/** Something that a contact did: what HubSpot, or the product, tells of it at once. */
export interface Happening {
  readonly atMs: number;
  readonly facts: readonly Fact[];
}

export interface BenchContact {
  readonly id: string;
  readonly companyId: string | undefined;
  readonly warmth: string;
  readonly properties: readonly PropertyValue[];
  /** What the company is; the same for all its contacts. */
  readonly company: readonly PropertyValue[] | undefined;
  /** Before {@link START_MS}, ascending. */
  readonly facts: readonly Fact[];
  /** In the thirty days, ascending. */
  readonly happenings: readonly Happening[];
}

/** Which of the groups of pages a contact stands in that a night compares together, 100 contacts to a page, in the order of their ids. */
export function groupOf(contactId: string): number {
  return Math.floor((Number(contactId) - FIRST_CONTACT) / 100 / PAGES_AT_A_TIME);
}

type Chance = ReturnType<typeof createRandom>;

/**
 * One block of contacts, company by company; a contact without a company stands alone.
 *
 * @param seed - any whole number: the same seed and block give the same contacts, whatever the size of the portal
 * @param block - from 0
 */
export function* drawBlock(model: Model, seed: number, block: number): Generator<readonly BenchContact[]> {
  const random = createRandom(seed, `block ${block}`);
  let id = FIRST_CONTACT + block * BLOCK;
  let companyId = FIRST_COMPANY + block * BLOCK;
  let left = BLOCK;
  for (const { companies, contacts } of COMPANIES_PER_BLOCK) {
    for (let at = 0; at < companies; at++) {
      const company = { id: String(companyId++), values: draw(random, COMPANY_VALUES) };
      yield Array.from({ length: contacts }, () => drawContact(model, random, String(id++), company));
      left -= contacts;
    }
  }
  for (let at = 0; at < left; at++) yield [drawContact(model, random, String(id++), undefined)];
}

/** @returns so many contacts, company by company; the last company may be cut */
export function* drawPortal(
  model: Model,
  seed: number,
  contacts: number,
  isWanted: (block: number) => boolean = () => true,
): Generator<readonly BenchContact[]> {
  for (let block = 0; block * BLOCK < contacts; block++) {
    if (!isWanted(block)) continue;
    let left = contacts - block * BLOCK;
    for (const together of drawBlock(model, seed, block)) {
      if (left <= 0) break;
      yield together.slice(0, left);
      left -= together.length;
    }
  }
}

function drawContact(
  model: Model,
  random: Chance,
  id: string,
  company: { readonly id: string; readonly values: readonly PropertyValue[] } | undefined,
): BenchContact {
  const warmth = warmthAt(random.next());
  const deeds = createDeeds(model, random, id);
  const domain = company === undefined ? 'freemail.example' : `company-${company.id}.example`;
  return {
    id,
    companyId: company?.id,
    warmth: warmth.name,
    properties: [...draw(random, VALUES), { name: 'email', value: domain, occurredAtMs: longAgo }],
    company: company?.values,
    facts: pastTimes(random, warmth).flatMap((atMs) => deeds(atMs)),
    happenings: comingTimes(random, warmth).map((atMs) => ({ atMs, facts: deeds(atMs) })),
  };
}

function warmthAt(luck: number): Warmth {
  let below = 0;
  for (const warmth of WARMTHS) {
    below += warmth.share;
    if (luck < below) return warmth;
  }
  return WARMTHS[0];
}

function pastTimes(random: Chance, { before: [least, most], daysAgo: [from, to] }: Warmth): number[] {
  const times = Array.from(
    { length: random.between(least, most) },
    () => START_MS - MINUTE_MS - Math.floor((from + random.next() * (to - from)) * DAY_MS),
  );
  return times.toSorted((a, b) => a - b);
}

/** With no memory: how long ago the last one was says nothing of the next. */
function comingTimes(random: Chance, { perDay }: Warmth): number[] {
  const times: number[] = [];
  const next = () => (-Math.log(1 - random.next()) / perDay) * DAY_MS;
  for (let at = next(); at < NIGHTS * DAY_MS; at += next()) times.push(START_MS + Math.floor(at));
  return times;
}

/** Properties were known long before the first fact. */
const longAgo = START_MS - 400 * DAY_MS;

function draw(random: Chance, values: Readonly<Record<string, readonly string[]>>): PropertyValue[] {
  return Object.entries(values).flatMap(([name, choices]) => {
    const value = choices[random.between(0, choices.length - 1)] ?? '';
    return value === '' ? [] : [{ name, value, occurredAtMs: longAgo }];
  });
}

function of100<T extends { readonly of100: number }>(random: Chance, choices: readonly T[]): T {
  let left = random.between(0, 99);
  for (const choice of choices) {
    if (left < choice.of100) return choice;
    left -= choice.of100;
  }
  throw new RangeError('these are less than 100');
}

/** Makes what is told of each thing that a contact does; the pages that it viewed are counted on. */
function createDeeds(model: Model, random: Chance, id: string): (atMs: number) => Fact[] {
  let views = 0;
  let sent = 0;
  const change = (property: string, value: string, atMs: number): Fact[] => {
    const seen = { portalId: PORTAL_ID, objectType: 'contact', objectId: id, property, value, atMs };
    return observe(model, { ...seen, as: 'change' }).facts;
  };
  const signal = (name: string, occurredAtMs: number): Fact[] => [
    { key: `${id}-${sent++}`.padEnd(KEY_LENGTH, '-'), name: `signal:${name}`, occurredAtMs },
  ];
  const visit = (atMs: number): Fact[] => {
    views += random.between(...PAGES_PER_VISIT);
    return [
      ...change('hs_analytics_last_url', `https://www.example.com${of100(random, PAGES).path}`, atMs),
      ...change('hs_analytics_num_page_views', String(views), atMs),
    ];
  };
  const DONE: Readonly<Record<Deed, (atMs: number) => Fact[]>> = {
    visit,
    open: (atMs) => change('hs_email_last_open_date', String(atMs), atMs),
    click: (atMs) => change('hs_email_last_click_date', String(atMs), atMs),
    login: (atMs) => signal('product.login', atMs),
    ticket: (atMs) => signal('support.ticket', atMs),
    webinar: (atMs) => signal('webinar.attended', atMs),
    demo: (atMs) => change('recent_conversion_event_name', 'Request a demo: Website', atMs),
    reply: (atMs) => change('hs_sales_email_last_replied', String(atMs), atMs),
    status: (atMs) => change('hs_lead_status', 'CONNECTED', atMs),
  };
  return (atMs) => DONE[of100(random, DEEDS).deed](atMs);
}

/** Whether HubSpot itself has of what happened: signals are sent to us alone. */
export function isInHubSpot({ facts }: Happening): boolean {
  return facts.some(({ name }) => name.startsWith('property:'));
}
