// A believable portal: companies, and the people in them. Nobody in it exists.
import { base, de, en, es, Faker, fr, type LocaleDefinition, nl, pl, sv } from '@faker-js/faker';
import type { Crm } from '../hubspot/crm.ts';
import {
  COMPETITOR_DOMAINS,
  DEPARTMENTS,
  EMPLOYEE_DOMAINS,
  LEAD_STATUSES,
  MARKETS,
  type Market,
  PRIVATE_DOMAINS,
  RANKS,
  TRADES,
} from './names.ts';

const DAY_MS = 86_400_000;
const LOCALES: Readonly<Record<Market['locale'], LocaleDefinition>> = { en, de, fr, nl, sv, es, pl };

/**
 * How somebody came to be a contact: at work; from a private address; at a school; from a competitor; our own colleague; with an
 * address and nothing else; by a chat, with a first name and nothing else.
 */
export type Kind = 'worker' | 'private' | 'student' | 'competitor' | 'colleague' | 'bare' | 'chat';

const KINDS: readonly { readonly weight: number; readonly value: Kind }[] = [
  { weight: 76, value: 'worker' },
  { weight: 8, value: 'private' },
  { weight: 3, value: 'student' },
  { weight: 3, value: 'competitor' },
  { weight: 2, value: 'colleague' },
  { weight: 4, value: 'bare' },
  { weight: 4, value: 'chat' },
];

/** A contact as it was created, before anything happened. */
export interface DemoContact {
  readonly id: string;
  readonly kind: Kind;
  /** Undefined when nobody asked for it. */
  readonly email: string | undefined;
  /** As created; a property that is not there has no value. */
  readonly properties: Readonly<Record<string, string>>;
  /** Id of the primary company; undefined without one. */
  readonly companyId: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
}

/** A company as it was created. */
export interface DemoCompany {
  readonly id: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
}

export interface DemoPortal {
  readonly companies: readonly DemoCompany[];
  readonly contacts: readonly DemoContact[];
}

export interface PortalPlan {
  /** Contacts to create. @default 500 */
  readonly contacts?: number;
  /** The same seed, contacts and time give the same portal. @default 7 */
  readonly seed?: number;
  /** Epoch milliseconds; everything is created 60 to 90 days before. */
  readonly nowMs: number;
}

type Makers = Pick<Crm, 'create' | 'associate' | 'defineProperty'>;

interface Company extends DemoCompany {
  readonly name: string;
  readonly domain: string;
  readonly market: Market;
}

/**
 * Creates companies, and contacts with their primary company. Headcount, industry and revenue stand on the company alone;
 * no contact has a counter or anything else that a signal would change, and some have no job title, phone or country.
 *
 * @param crm - the simulated portal; if its webhooks are on, it raises what creating raises
 */
export function createPortal(crm: Makers, plan: PortalPlan): DemoPortal {
  const { contacts: count = 500, seed = 7, nowMs } = plan;
  const fakers = new Map(
    Object.entries(LOCALES).map(([name, locale]) => [name, new Faker({ locale: [locale, en, base], seed })]),
  );
  const faker = new Faker({ locale: [en, base], seed });
  defineOwnProperties(crm);
  const companies = createCompanies(crm, faker, Math.max(1, Math.round(count / 4)), nowMs);
  const taken = new Set<string>();
  const contacts: DemoContact[] = [];
  for (let made = 0; made < count; made++) {
    const company = faker.helpers.arrayElement(companies);
    const local = fakers.get(company.market.locale) ?? faker;
    const person = { firstname: local.person.firstName(), lastname: local.person.lastName() };
    contacts.push(createContact(crm, { faker, company, person, taken, nowMs }));
  }
  return {
    companies: companies.map(({ id, properties, createdAtMs }) => ({ id, properties, createdAtMs })),
    contacts,
  };
}

/** What this portal's people added to HubSpot's properties: what their product keeps up to date, and a status of leads. */
function defineOwnProperties(crm: Makers): void {
  const groupName = 'contactinformation';
  const choice = { type: 'enumeration', fieldType: 'select', groupName };
  crm.defineProperty('contacts', { name: 'hs_lead_status', ...choice, options: optionsOf(LEAD_STATUSES) });
  crm.defineProperty('contacts', {
    name: 'product_plan',
    ...choice,
    options: optionsOf(['free', 'team', 'business', 'cancelled']),
  });
  crm.defineProperty('contacts', {
    name: 'product_seats',
    type: 'number',
    fieldType: 'number',
    groupName,
  });
}

function optionsOf(values: readonly string[]) {
  return values.map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false }));
}

function createCompanies(crm: Pick<Crm, 'create'>, faker: Faker, count: number, nowMs: number): Company[] {
  const names = new Set<string>();
  const companies: Company[] = [];
  while (companies.length < count) {
    const trade = faker.helpers.arrayElement(TRADES);
    const market = pickMarket(faker);
    const plain = `${faker.person.lastName()} ${faker.helpers.arrayElement(trade.words)}`;
    const name = names.has(plain) ? `${plain} ${companies.length}` : plain;
    names.add(name);
    const domain = `${plainLetters(name, '-')}.example`;
    const [from, to] = trade.headcount;
    const headcount = Math.round(from * (to / from) ** faker.number.float()); // Small ones are many, large ones few.
    const revenue =
      Math.round((headcount * trade.revenuePerHead * faker.number.float({ min: 0.6, max: 1.5 })) / 1e4) * 1e4;
    const createdAtMs = nowMs - faker.number.int({ min: 88 * DAY_MS, max: 90 * DAY_MS });
    const known = (likely: number, value: string) => (faker.datatype.boolean(likely) ? value : undefined);
    const properties = whatIsKnown({
      name,
      domain,
      industry: known(0.9, trade.industry),
      numberofemployees: known(0.95, String(headcount)),
      annualrevenue: known(0.85, String(revenue)),
      country: market.country,
      type: known(0.5, faker.helpers.arrayElement(['PROSPECT', 'PROSPECT', 'PROSPECT', 'PARTNER', 'OTHER'])),
      hs_ideal_customer_profile: known(0.5, faker.helpers.arrayElement(['tier_1', 'tier_2', 'tier_3'])),
      hs_is_target_account: known(0.2, 'true'),
    });
    const id = crm.create('companies', properties, { atMs: createdAtMs, source: { changeSource: 'IMPORT' } });
    companies.push({ id, name, domain, market, createdAtMs, properties });
  }
  return companies;
}

function whatIsKnown(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const known: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) known[name] = value;
  return known;
}

interface ContactParts {
  readonly faker: Faker;
  readonly company: Company;
  readonly person: { readonly firstname: string; readonly lastname: string };
  /** Addresses given out so far; grows. */
  readonly taken: Set<string>;
  readonly nowMs: number;
}

function createContact(crm: Makers, parts: ContactParts): DemoContact {
  const { faker, company, person, taken, nowMs } = parts;
  const kind = faker.helpers.weightedArrayElement(KINDS);
  const email =
    kind === 'chat' ? undefined : freeAddress(taken, nameOf(person), domainFor(faker, kind, company));
  const properties = whatIsKnown({ email, ...told(parts, kind) });
  const createdAtMs = nowMs - faker.number.int({ min: 60 * DAY_MS, max: 87 * DAY_MS });
  const source = { changeSource: faker.helpers.arrayElement(['FORM', 'IMPORT', 'CRM_UI']) };
  const id = crm.create('contacts', properties, { atMs: createdAtMs, source });
  const companyId = kind === 'worker' || kind === 'student' ? company.id : undefined;
  if (companyId !== undefined)
    crm.associate('contacts', id, 'companies', companyId, { primary: true, atMs: createdAtMs, source });
  return { id, kind, email, properties, companyId, createdAtMs };
}

function domainFor(faker: Faker, kind: Kind, company: Company): string {
  switch (kind) {
    case 'private':
      return faker.helpers.arrayElement(PRIVATE_DOMAINS);
    case 'competitor':
      return faker.helpers.arrayElement(COMPETITOR_DOMAINS);
    case 'colleague':
      return faker.helpers.arrayElement(EMPLOYEE_DOMAINS);
    case 'bare':
      return faker.helpers.arrayElement([...PRIVATE_DOMAINS, company.domain]);
    default:
      return company.domain;
  }
}

/** What a form, a list or a colleague knew of the person. */
function told({ faker, company, person }: ContactParts, kind: Kind): Record<string, string | undefined> {
  if (kind === 'bare') return {};
  if (kind === 'chat') return { firstname: person.firstname };
  const { market } = company;
  const known = (likely: number, value: string) => (faker.datatype.boolean(likely) ? value : undefined);
  const student = faker.helpers.arrayElement(['Student', 'Working Student', 'Étudiante', 'Praktikant']);
  const jobtitle = kind === 'student' ? student : kind === 'private' ? 'Freelancer' : title(faker);
  const phone = market.phone === undefined ? undefined : faker.helpers.replaceSymbols(market.phone);
  return {
    ...person,
    company: kind === 'worker' ? company.name : undefined,
    jobtitle: known(0.9, jobtitle),
    country: known(0.85, market.country),
    phone: phone === undefined ? undefined : known(0.4, phone),
    lifecyclestage: known(0.5, faker.helpers.arrayElement(['subscriber', 'lead'])),
    hs_email_optout: known(0.04, 'true'),
    product_plan: known(0.2, 'free'),
  };
}

function nameOf({ firstname, lastname }: ContactParts['person']): string {
  return `${plainLetters(firstname, '')}.${plainLetters(lastname, '')}`;
}

/** A job title with its rank and department. */
export function title(faker: Faker): string {
  const titles = faker.helpers.weightedArrayElement(
    RANKS.map(({ weight, titles: value }) => ({ weight, value })),
  );
  return faker.helpers.arrayElement(titles).replace('{}', faker.helpers.arrayElement(DEPARTMENTS));
}

function pickMarket(faker: Faker): Market {
  return faker.helpers.weightedArrayElement(MARKETS.map((value) => ({ weight: value.weight, value })));
}

/** Lower-case ASCII letters and digits; what else stood there becomes the separator. */
function plainLetters(text: string, separator: string): string {
  const ascii = text
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('ł', 'l')
    .replaceAll('ø', 'o')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '');
  const words = ascii.split(/[^a-z0-9]+/).filter((word) => word !== '');
  return words.length === 0 ? 'x' : words.join(separator);
}

function freeAddress(taken: Set<string>, name: string, domain: string): string {
  let email = `${name}@${domain}`;
  for (let count = 2; taken.has(email); count++) email = `${name}${count}@${domain}`;
  taken.add(email);
  return email;
}
