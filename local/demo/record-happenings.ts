// What happens to companies and deals in the same month: they grow, merge, are won and lost; people change sides.
import { base, en, Faker } from '@faker-js/faker';
import type { DemoCompany, DemoContact, DemoPortal } from './portal.ts';

const DAY_MS = 86_400_000;
/** Of 100 contacts at work, those who change their company and those with a deal. */
const MOVE_PERCENT = 4;
const DEAL_PERCENT = 22;
/** Of 100 companies, those that change. */
const CHANGE_PERCENT = 30;
/** One merge for so many companies. */
const COMPANIES_PER_MERGE = 50;
/** Days ago: everything else happens before companies merge, since a record that was merged away can be given nothing new. */
const MERGE_DAYS = 3;

/** A change of a company's property; an empty value clears it. */
export interface CompanyHappening {
  readonly kind: 'company';
  readonly companyId: string;
  readonly property: string;
  readonly value: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** A contact's primary company becomes another one. */
export interface MoveHappening {
  readonly kind: 'move';
  readonly contactId: string;
  readonly companyId: string;
  readonly atMs: number;
}

/** Two companies become one, which keeps what the first one is. */
export interface MergeHappening {
  readonly kind: 'merge';
  readonly primaryId: string;
  readonly otherId: string;
  readonly atMs: number;
}

/** A deal is made for contacts, or moved to another stage; the same name is the same deal. */
export interface DealHappening {
  readonly kind: 'deal';
  readonly deal: string;
  readonly contactIds: readonly string[];
  readonly stage: string;
  readonly atMs: number;
  /** Its amount and currency, where it has any, as it is made. */
  readonly values?: Readonly<Record<string, string>>;
}

/** A deal is given other values; its stage stays. */
export interface DealChangeHappening {
  readonly kind: 'deal change';
  readonly deal: string;
  readonly values: Readonly<Record<string, string>>;
  readonly atMs: number;
}

/** One more contact of a deal. */
export interface DealContactHappening {
  readonly kind: 'deal contact';
  readonly deal: string;
  readonly contactId: string;
  readonly atMs: number;
}

/** Two deals become one, which keeps what the first one is, and has the contacts of both. */
export interface DealMergeHappening {
  readonly kind: 'deal merge';
  readonly deal: string;
  readonly other: string;
  readonly atMs: number;
}

export interface DealDeletionHappening {
  readonly kind: 'deal deletion';
  readonly deal: string;
  readonly atMs: number;
}

/**
 * Two contacts become one, which keeps what the first one is. Of the second nothing happened and nothing is known that the first does
 * not have, so that only the id changes.
 */
export interface ContactMergeHappening {
  readonly kind: 'contact merge';
  readonly primaryId: string;
  readonly otherId: string;
  readonly atMs: number;
}

/** A contact is deleted, brought back, or erased for good. */
export interface ContactLifeHappening {
  readonly kind: 'contact deletion' | 'contact return' | 'contact erasure';
  readonly contactId: string;
  readonly atMs: number;
}

/** Something that happens to a record and is no change of a contact's property. */
export type RecordHappening =
  | CompanyHappening
  | MoveHappening
  | MergeHappening
  | DealHappening
  | DealChangeHappening
  | DealContactHappening
  | DealMergeHappening
  | DealDeletionHappening
  | ContactMergeHappening
  | ContactLifeHappening;

export interface RecordsPlan {
  /** @default 7 */
  readonly seed?: number;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** A contact that is left alone: it gets no deal. */
  readonly exceptContactId?: string | undefined;
}

/** Plans it, in the order of time. */
export function planRecords(portal: DemoPortal, plan: RecordsPlan): RecordHappening[] {
  const faker = new Faker({ locale: [en, base], seed: (plan.seed ?? 7) + 2 });
  const workers = portal.contacts.filter(({ companyId }) => companyId !== undefined);
  return [
    ...portal.companies.flatMap((company) => changesOf(faker, company, plan.nowMs)),
    ...moves(faker, portal, workers, plan.nowMs),
    ...withLives(deals(faker, workers, plan), workers, plan),
    ...merges(portal, plan.nowMs),
  ].toSorted((a, b) => a.atMs - b.atMs);
}

/** Some time in the month, but before companies merge. */
function someTime(faker: Faker, nowMs: number): number {
  return nowMs - faker.number.int({ min: (MERGE_DAYS + 1) * DAY_MS, max: 30 * DAY_MS });
}

/** Companies hire and let go, are classified anew, become a target, or lose a value that was wrong. */
function changesOf(faker: Faker, company: DemoCompany, nowMs: number): CompanyHappening[] {
  if (!faker.datatype.boolean(CHANGE_PERCENT / 100)) return [];
  const atMs = someTime(faker, nowMs);
  const change = (property: string, value: string): CompanyHappening[] =>
    company.properties[property] === value || (value === '' && company.properties[property] === undefined)
      ? []
      : [{ kind: 'company', companyId: company.id, property, value, atMs }];
  const headcount = Number(company.properties['numberofemployees'] ?? '60');
  return faker.helpers.arrayElement([
    () => change('numberofemployees', String(headcount > 100 ? 90 : 140)),
    () => [...change('industry', 'COMPUTER_SOFTWARE'), ...change('annualrevenue', '12500000')],
    () => change('annualrevenue', ''),
    () => [...change('hs_ideal_customer_profile', 'tier_1'), ...change('hs_is_target_account', 'true')],
    () => change('type', 'PARTNER'),
  ])();
}

function moves(
  faker: Faker,
  { companies }: DemoPortal,
  workers: readonly DemoContact[],
  nowMs: number,
): MoveHappening[] {
  return workers.flatMap((contact): MoveHappening[] => {
    if (!faker.datatype.boolean(MOVE_PERCENT / 100)) return [];
    const { id: companyId } = faker.helpers.arrayElement(companies);
    if (companyId === contact.companyId) return [];
    return [{ kind: 'move', contactId: contact.id, companyId, atMs: someTime(faker, nowMs) }];
  });
}

/** What becomes of deals: the stages one after the other. The first that is reopened is reopened once. */
const COURSES: readonly (readonly string[])[] = [
  ['appointmentscheduled'],
  ['appointmentscheduled', 'qualifiedtobuy', 'contractsent'],
  ['qualifiedtobuy', 'closedwon'],
  ['qualifiedtobuy', 'closedlost'],
  ['appointmentscheduled', 'presentationscheduled', 'closedlost'],
  ['appointmentscheduled', 'closedlost', 'decisionmakerboughtin'],
];

/** Most deals have one contact, some two of one company. */
function deals(faker: Faker, workers: readonly DemoContact[], plan: RecordsPlan): DealHappening[] {
  const byCompany = Map.groupBy(workers, ({ companyId }) => companyId);
  let made = 0;
  return workers.flatMap((contact): DealHappening[] => {
    const hasDeal = faker.datatype.boolean(DEAL_PERCENT / 100);
    const course = COURSES[made % COURSES.length] ?? [];
    const colleague = byCompany.get(contact.companyId)?.find(({ id }) => id !== contact.id);
    const isShared =
      colleague !== undefined && colleague.id !== plan.exceptContactId && faker.datatype.boolean(0.2);
    const firstMs = someTime(faker, plan.nowMs) - 10 * DAY_MS;
    if (!hasDeal || contact.id === plan.exceptContactId) return [];
    made += 1;
    const stepMs = (plan.nowMs - (MERGE_DAYS + 1) * DAY_MS - firstMs) / course.length;
    return course.map((stage, at) => ({
      kind: 'deal',
      deal: `deal ${made}`,
      contactIds: isShared ? [contact.id, colleague.id] : [contact.id],
      stage,
      atMs: Math.round(firstMs + at * stepMs),
    }));
  });
}

/** What deals are worth, one after the other: odd cents, a currency without any, more digits than cents, none, nothing, money back. */
const AMOUNTS: readonly Readonly<Record<string, string>>[] = [
  { amount: '12000.01', deal_currency_code: 'USD' },
  { amount: '980001', deal_currency_code: 'JPY' },
  { amount: '4999.99', deal_currency_code: 'EUR' },
  { amount: '7500' },
  { amount: '33333.34', deal_currency_code: 'USD' },
  { amount: '100.005', deal_currency_code: 'GBP' },
  {},
  { amount: '18250.5', deal_currency_code: 'EUR' },
  { amount: '0', deal_currency_code: 'EUR' },
  { amount: '-250.1', deal_currency_code: 'USD' },
  { amount: '64000', deal_currency_code: 'USD' },
];
const AMOUNT_AFTERWARDS = '15000.07';
const CLOSED: readonly string[] = ['closedwon', 'closedlost'];
/** Hours after the last stage of a deal at which its amount is put right, and at which one more contact joins. */
const AMENDED_HOURS = 5;
const JOINED_HOURS = 9;
const HOUR_MS = 3_600_000;

/** Gives deals amounts, and lets happen to some what happens to deals beside their stages. */
function withLives(
  stages: readonly DealHappening[],
  workers: readonly DemoContact[],
  plan: RecordsPlan,
): RecordHappening[] {
  const byDeal = Map.groupBy(stages, ({ deal }) => deal);
  const open = [...byDeal].filter(([, course]) => !course.some(({ stage }) => CLOSED.includes(stage)));
  const [kept, merged, deleted] = open.map(([deal]) => deal).slice(1); // The first stays as it is.
  const mergedMs = plan.nowMs - MERGE_DAYS * DAY_MS;
  const lives = [...byDeal.values()].flatMap((course, at): RecordHappening[] => {
    const [first, ...later] = course;
    const last = course.at(-1);
    if (first === undefined || last === undefined) return [];
    return [
      { ...first, values: AMOUNTS[at % AMOUNTS.length] ?? {} },
      ...later,
      ...amendments(last, at, workers, plan),
    ];
  });
  return [
    ...lives,
    ...(kept === undefined || merged === undefined
      ? []
      : [{ kind: 'deal merge', deal: kept, other: merged, atMs: mergedMs } as const]),
    ...(deleted === undefined ? [] : [{ kind: 'deal deletion', deal: deleted, atMs: mergedMs } as const]),
  ];
}

/** One in three is worth something else afterwards, one in five has one more contact. */
function amendments(
  { deal, contactIds, atMs }: DealHappening,
  at: number,
  workers: readonly DemoContact[],
  { exceptContactId }: RecordsPlan,
): RecordHappening[] {
  const joining = workers[(at * 13) % workers.length]?.id;
  const isNew = joining !== undefined && joining !== exceptContactId && !contactIds.includes(joining);
  return [
    ...(at % 3 === 1
      ? [
          {
            kind: 'deal change',
            deal,
            values: { amount: AMOUNT_AFTERWARDS },
            atMs: atMs + AMENDED_HOURS * HOUR_MS,
          } as const,
        ]
      : []),
    ...(at % 5 === 2 && isNew
      ? [{ kind: 'deal contact', deal, contactId: joining, atMs: atMs + JOINED_HOURS * HOUR_MS } as const]
      : []),
  ];
}

/** Two companies with people in them were one all along. Its headcount is put right afterwards, under the id that is no more. */
function merges({ companies, contacts }: DemoPortal, nowMs: number): RecordHappening[] {
  const peopled = companies.filter(({ id }) => contacts.some(({ companyId }) => companyId === id));
  const count = Math.max(1, Math.round(companies.length / COMPANIES_PER_MERGE));
  return Array.from({ length: count }, (_, at) => at).flatMap((at): RecordHappening[] => {
    const [primary, other] = [peopled[2 * at], peopled[2 * at + 1]];
    if (primary === undefined || other === undefined) return [];
    const atMs = nowMs - MERGE_DAYS * DAY_MS;
    return [
      { kind: 'merge', primaryId: primary.id, otherId: other.id, atMs },
      {
        kind: 'company',
        companyId: other.id,
        property: 'numberofemployees',
        value: '150',
        atMs: atMs + DAY_MS,
      },
    ];
  });
}
