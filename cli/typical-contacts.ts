// Five contacts as most portals have them, for `model check`. They are no people: their domains do not exist.
import type { DealState } from '../lambdas/scoring/model-file.ts';
import type { SeenVisit } from '../lambdas/scoring/touches.ts';

/** Days that each of them is followed for. */
export const DAYS_TOLD = 365;

/** Something that happens to a contact on a day. */
export interface Happening {
  /** Whole days after the contact came to be. */
  readonly day: number;
  /** Properties of the contact that change; {@link NOW} stands for the time of the happening. */
  readonly set?: Readonly<Record<string, string>>;
  /** Counts that rise, by how much. */
  readonly rise?: Readonly<Record<string, number>>;
  /** Own signals, by name. */
  readonly signals?: readonly string[];
  /** What the snippet saw of the visit. */
  readonly seen?: SeenVisit;
  /** What becomes of the contact's deal. */
  readonly deal?: DealState;
}

/** In a value: the time of the happening, as HubSpot writes timestamps. */
export const NOW = '{now}';

export interface TypicalContact {
  readonly id: string;
  readonly title: string;
  /** What it does, in a line. */
  readonly story: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly company: Readonly<Record<string, string>>;
  readonly happenings: readonly Happening[];
}

/** @param from - what led there; nothing for an address that was typed in */
function visit(
  day: number,
  path: string,
  pages: number,
  from: Omit<SeenVisit, 'by' | 'landing'> = {},
): Happening {
  const url = `https://www.yours.example${path}`;
  return {
    day,
    set: {
      hs_analytics_last_url: url,
      hs_analytics_last_visit_timestamp: NOW,
      hs_analytics_last_timestamp: NOW,
    },
    rise: { hs_analytics_num_page_views: pages, hs_analytics_num_visits: 1 },
    seen: { by: 'browser', landing: url, ...from },
  };
}

const FROM_CHATGPT = { utmSource: 'chatgpt.com' } as const;
const FROM_PERPLEXITY = { referrer: 'www.perplexity.ai' } as const;
const FROM_GOOGLE = { referrer: 'www.google.com' } as const;
const FROM_NEWSLETTER = { utmSource: 'newsletter', utmMedium: 'email' } as const;

function form(day: number, name: string): Happening {
  return {
    day,
    set: { recent_conversion_event_name: name, recent_conversion_date: NOW },
    rise: { num_conversion_events: 1 },
  };
}

function open(day: number): Happening {
  return { day, set: { hs_email_last_open_date: NOW }, rise: { hs_email_open: 1 } };
}

function click(day: number): Happening {
  return { day, set: { hs_email_last_click_date: NOW }, rise: { hs_email_click: 1 } };
}

function reply(day: number): Happening {
  return {
    day,
    set: { hs_sales_email_last_replied: NOW, hs_email_last_reply_date: NOW },
    rise: { hs_email_replied: 1 },
  };
}

function becomes(day: number, set: Readonly<Record<string, string>>): Happening {
  return { day, set };
}

function own(day: number, ...signals: string[]): Happening {
  return { day, signals };
}

/** Something every so many days, from a day to another. */
function every(days: number, from: number, to: number, happen: (day: number) => Happening[]): Happening[] {
  const times = Math.max(0, Math.floor((to - from) / days) + 1);
  return Array.from({ length: times }, (_, at) => from + at * days).flatMap(happen);
}

const EVALUATOR: TypicalContact = {
  id: 'evaluator',
  title: 'Hot evaluator',
  story:
    'comes from ChatGPT, asks for a demo on day 8, tries the product, is in a deal from day 20 and buys on day 75',
  properties: {
    email: 'afterglow-demo@northwind.example',
    jobtitle: 'Head of Operations',
    phone: '+49 30 0000000',
    country: 'Germany',
    lifecyclestage: 'lead',
  },
  company: {
    numberofemployees: '240',
    industry: 'COMPUTER_SOFTWARE',
    annualrevenue: '30000000',
    hs_ideal_customer_profile: 'tier_1',
  },
  happenings: [
    visit(2, '/blog/how-to-choose', 3, FROM_CHATGPT),
    click(5),
    visit(5, '/pricing', 5, FROM_NEWSLETTER),
    visit(8, '/pricing', 4),
    form(8, 'Request a demo: Website'),
    becomes(9, { hs_lead_status: 'CONNECTED', lifecyclestage: 'salesqualifiedlead' }),
    reply(10),
    own(12, 'webinar.attended'),
    own(14, 'trial.started', 'product.login'),
    own(15, 'product.login', 'workspace.created', 'feature.used'),
    own(17, 'product.login', 'feature.used'),
    { day: 20, deal: 'open', set: { lifecyclestage: 'opportunity' } },
    visit(33, '/pricing', 6),
    reply(35),
    visit(60, '/docs/security', 4),
    { day: 75, deal: 'won', set: { lifecyclestage: 'customer', hs_lead_status: '' } },
  ],
};

const READER: TypicalContact = {
  id: 'reader',
  title: 'Newsletter reader',
  story: 'opens every newsletter and clicks in every second one, all year; nothing else',
  properties: {
    email: 'afterglow-demo@harbour.example',
    jobtitle: 'Marketing Manager',
    country: 'Austria',
    lifecyclestage: 'subscriber',
  },
  company: { numberofemployees: '35', industry: 'MARKETING_AND_ADVERTISING', annualrevenue: '4000000' },
  happenings: [
    ...every(14, 7, DAYS_TOLD, (day) => [open(day)]),
    ...every(28, 7, DAYS_TOLD, (day) => [click(day), visit(day, '/blog/news', 1, FROM_NEWSLETTER)]),
  ],
};

const DECIDER: TypicalContact = {
  id: 'decider',
  title: 'Decision maker, one look',
  story: 'chief executive of the right company; looks at the prices on day 5 and never comes back',
  properties: {
    email: 'afterglow-demo@meridian.example',
    jobtitle: 'Chief Executive Officer',
    country: 'United Kingdom',
    lifecyclestage: 'lead',
  },
  company: {
    numberofemployees: '800',
    industry: 'COMPUTER_SOFTWARE',
    annualrevenue: '90000000',
    hs_ideal_customer_profile: 'tier_2',
  },
  happenings: [visit(5, '/pricing', 3, FROM_GOOGLE)],
};

const USER: TypicalContact = {
  id: 'user',
  title: 'Product user',
  story: 'starts a trial on day 2, uses the product three days a week, takes a plan on day 40, and stays',
  properties: {
    email: 'afterglow-demo@lathe.example',
    jobtitle: 'Software Engineer',
    country: 'Netherlands',
    lifecyclestage: 'lead',
  },
  company: {
    numberofemployees: '60',
    industry: 'INTERNET',
    annualrevenue: '6000000',
    hs_ideal_customer_profile: 'tier_1',
  },
  happenings: [
    own(2, 'trial.started', 'workspace.created'),
    visit(3, '/docs/start', 8, FROM_PERPLEXITY),
    own(4, 'onboarding.finished'),
    ...every(7, 2, DAYS_TOLD, (day) =>
      [0, 2, 4].map((later) => own(day + later, 'product.login', 'feature.used')),
    ),
    own(9, 'teammate.invited'),
    own(25, 'support.ticket'),
    own(30, 'teammate.invited', 'teammate.invited'),
    visit(38, '/pricing', 3),
    { day: 40, set: { product_plan: 'team' }, rise: { product_seats: 3 } },
  ],
};

const STUDENT: TypicalContact = {
  id: 'student',
  title: 'Student',
  story: 'writes from a private address, reads a lot, tries the product for a thesis, and leaves',
  properties: {
    email: 'student@afterglow-demo.gmail.com',
    jobtitle: 'Student',
    country: 'Germany',
    lifecyclestage: 'subscriber',
  },
  company: {},
  happenings: [
    visit(1, '/blog/introduction', 6, FROM_GOOGLE),
    visit(3, '/docs/start', 12),
    own(4, 'trial.started', 'product.login'),
    own(5, 'product.login', 'feature.used'),
    visit(10, '/pricing', 2),
    form(12, 'Newsletter'),
    ...every(14, 20, 62, (day) => [open(day), click(day)]),
  ],
};

/** In the order in which they are shown. */
export const TYPICAL_CONTACTS: readonly TypicalContact[] = [EVALUATOR, READER, DECIDER, USER, STUDENT];
