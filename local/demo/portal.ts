// A believable portal: companies, and the people in them. Nobody in it exists.
import { base, de, en, es, Faker, fr, type LocaleDefinition, nl, pl, sv } from '@faker-js/faker';
import type { Crm } from '../hubspot/crm.ts';
import { DEPARTMENTS, MARKETS, type Market, RANKS, TRADES } from './names.ts';

const DAY_MS = 86_400_000;
const LOCALES: Readonly<Record<Market['locale'], LocaleDefinition>> = { en, de, fr, nl, sv, es, pl };
/** Of 100 contacts: write from a private address; have no company; left nothing but an address. */
const PRIVATE_PERCENT = 8;
const BARE_PERCENT = 7;
const PRIVATE_DOMAINS: readonly string[] = ['freemail.example', 'postbox.example', 'webmail.example'];

/** A contact as it was created, before anything happened. */
export interface DemoContact {
  readonly id: string;
  readonly email: string;
  /** As created; a property that is not there has no value. */
  readonly properties: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
}

export interface DemoPortal {
  readonly companyIds: readonly string[];
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

interface Company {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  readonly market: Market;
  readonly createdAtMs: number;
}

/**
 * Creates companies, and contacts with their primary company. Headcount, industry and revenue stand on the company alone;
 * no contact has a counter or anything else that a signal would change, and some have no job title, phone or country.
 *
 * @param crm - the simulated portal; if its webhooks are on, it raises what creating raises
 */
export function createPortal(crm: Pick<Crm, 'create' | 'associate'>, plan: PortalPlan): DemoPortal {
  const { contacts: count = 500, seed = 7, nowMs } = plan;
  const fakers = new Map(
    Object.entries(LOCALES).map(([name, locale]) => [name, new Faker({ locale: [locale, en, base], seed })]),
  );
  const faker = new Faker({ locale: [en, base], seed });
  const companies = createCompanies(crm, faker, Math.max(1, Math.round(count / 4)), nowMs);
  const taken = new Set<string>();
  const contacts: DemoContact[] = [];
  for (let made = 0; made < count; made++) {
    const company = faker.helpers.arrayElement(companies);
    const local = fakers.get(company.market.locale) ?? faker;
    const person = { firstname: local.person.firstName(), lastname: local.person.lastName() };
    contacts.push(createContact(crm, { faker, company, person, taken, nowMs }));
  }
  return { companyIds: companies.map(({ id }) => id), contacts };
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
    const properties = {
      name,
      domain,
      industry: trade.industry,
      numberofemployees: headcount,
      annualrevenue: revenue,
      country: market.country,
    };
    const id = crm.create('companies', properties, { atMs: createdAtMs, source: { changeSource: 'IMPORT' } });
    companies.push({ id, name, domain, market, createdAtMs });
  }
  return companies;
}

interface ContactParts {
  readonly faker: Faker;
  readonly company: Company;
  readonly person: { readonly firstname: string; readonly lastname: string };
  /** Addresses given out so far; grows. */
  readonly taken: Set<string>;
  readonly nowMs: number;
}

function createContact(crm: Pick<Crm, 'create' | 'associate'>, parts: ContactParts): DemoContact {
  const { faker, company, person, taken, nowMs } = parts;
  const kind = faker.number.int({ min: 0, max: 99 });
  const isBare = kind < BARE_PERCENT;
  const isPrivate = isBare || kind < BARE_PERCENT + PRIVATE_PERCENT;
  const domain = isPrivate ? faker.helpers.arrayElement(PRIVATE_DOMAINS) : company.domain;
  const email = freeAddress(
    taken,
    `${plainLetters(person.firstname, '')}.${plainLetters(person.lastname, '')}`,
    domain,
  );
  const properties: Record<string, string> = isBare
    ? { email }
    : { email, ...person, ...described(faker, company, isPrivate) };
  const createdAtMs = nowMs - faker.number.int({ min: 60 * DAY_MS, max: 87 * DAY_MS });
  const source = { changeSource: faker.helpers.arrayElement(['FORM', 'IMPORT', 'CRM_UI']) };
  const id = crm.create('contacts', properties, { atMs: createdAtMs, source });
  if (!isPrivate) crm.associate('contacts', id, 'companies', company.id, { primary: true });
  return { id, email, properties, createdAtMs };
}

/** What a form, a list or a colleague knew of the person. */
function described(faker: Faker, company: Company, isPrivate: boolean): Record<string, string> {
  const { market } = company;
  const known: Record<string, string> = {};
  if (!isPrivate) known['company'] = company.name;
  if (faker.datatype.boolean(0.9))
    known['jobtitle'] = isPrivate ? faker.helpers.arrayElement(['Student', 'Freelancer']) : title(faker);
  if (faker.datatype.boolean(0.85)) known['country'] = market.country;
  if (market.phone !== undefined && faker.datatype.boolean(0.4))
    known['phone'] = faker.helpers.replaceSymbols(market.phone);
  if (faker.datatype.boolean(0.5))
    known['lifecyclestage'] = faker.helpers.arrayElement(['subscriber', 'lead']);
  return known;
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
