// The words that a portal of a company selling software to companies is made of.

export interface Market {
  /** As people fill in `country`. */
  readonly country: string;
  readonly weight: number;
  readonly locale: 'en' | 'de' | 'fr' | 'nl' | 'sv' | 'es' | 'pl';
  /** Digits that the country's regulator keeps free for fiction, # for any digit; none where no such range exists. */
  readonly phone?: string;
}

export const MARKETS: readonly Market[] = [
  { country: 'Germany', weight: 22, locale: 'de', phone: '+49 30 23125 ###' },
  { country: 'United Kingdom', weight: 16, locale: 'en', phone: '+44 20 7946 0###' },
  { country: 'United States', weight: 16, locale: 'en', phone: '+1 212 555 01##' },
  { country: 'France', weight: 10, locale: 'fr', phone: '+33 1 99 00 ## ##' },
  { country: 'Netherlands', weight: 10, locale: 'nl' },
  { country: 'Sweden', weight: 8, locale: 'sv', phone: '+46 8 465 004 ##' },
  { country: 'Spain', weight: 9, locale: 'es' },
  { country: 'Poland', weight: 9, locale: 'pl' },
];

export interface Trade {
  /** An option of the company property `industry`. */
  readonly industry: string;
  /** What such a company adds to its name. */
  readonly words: readonly string[];
  /** Headcounts from and to. */
  readonly headcount: readonly [number, number];
  /** Yearly revenue per head, in the portal's currency. */
  readonly revenuePerHead: number;
}

export const TRADES: readonly Trade[] = [
  {
    industry: 'COMPUTER_SOFTWARE',
    words: ['Software', 'Labs', 'Cloud'],
    headcount: [8, 900],
    revenuePerHead: 160_000,
  },
  {
    industry: 'INFORMATION_TECHNOLOGY_AND_SERVICES',
    words: ['IT Services', 'Systems'],
    headcount: [12, 2500],
    revenuePerHead: 120_000,
  },
  { industry: 'INTERNET', words: ['Online', 'Digital'], headcount: [5, 600], revenuePerHead: 180_000 },
  {
    industry: 'FINANCIAL_SERVICES',
    words: ['Capital', 'Payments'],
    headcount: [20, 4000],
    revenuePerHead: 240_000,
  },
  { industry: 'INSURANCE', words: ['Insurance', 'Mutual'], headcount: [80, 6000], revenuePerHead: 260_000 },
  {
    industry: 'LOGISTICS_AND_SUPPLY_CHAIN',
    words: ['Logistics', 'Freight'],
    headcount: [40, 5000],
    revenuePerHead: 130_000,
  },
  {
    industry: 'MACHINERY',
    words: ['Machinery', 'Engineering'],
    headcount: [50, 3500],
    revenuePerHead: 190_000,
  },
  {
    industry: 'MANAGEMENT_CONSULTING',
    words: ['Consulting', 'Advisory'],
    headcount: [4, 400],
    revenuePerHead: 150_000,
  },
  {
    industry: 'MARKETING_AND_ADVERTISING',
    words: ['Media', 'Studio'],
    headcount: [6, 250],
    revenuePerHead: 110_000,
  },
  { industry: 'RETAIL', words: ['Retail', 'Stores'], headcount: [30, 9000], revenuePerHead: 170_000 },
  {
    industry: 'TELECOMMUNICATIONS',
    words: ['Telecom', 'Networks'],
    headcount: [60, 5000],
    revenuePerHead: 230_000,
  },
  {
    industry: 'RENEWABLES_ENVIRONMENT',
    words: ['Energy', 'Solar'],
    headcount: [15, 1200],
    revenuePerHead: 210_000,
  },
  {
    industry: 'MEDICAL_DEVICES',
    words: ['Medical', 'Diagnostics'],
    headcount: [25, 1800],
    revenuePerHead: 220_000,
  },
  {
    industry: 'HIGHER_EDUCATION',
    words: ['University', 'Institute'],
    headcount: [200, 3000],
    revenuePerHead: 90_000,
  },
];

export const DEPARTMENTS: readonly string[] = [
  'Marketing',
  'Sales',
  'Revenue Operations',
  'Operations',
  'Growth',
  'Finance',
  'Product',
  'Engineering',
  'Customer Success',
  'IT',
  'Procurement',
  'People',
];

/** Job titles by rank, `{}` for the department; the weights make a company of few chiefs. */
export const RANKS: readonly { readonly weight: number; readonly titles: readonly string[] }[] = [
  {
    weight: 7,
    titles: [
      'CEO',
      'CTO',
      'CFO',
      'COO',
      'CMO',
      'Founder & CEO',
      'Co-Founder',
      'Chief Revenue Officer',
      'Owner',
      'Geschäftsführer',
      'Directrice générale',
    ],
  },
  { weight: 8, titles: ['VP {}', 'Vice President, {}', 'SVP {}'] },
  { weight: 14, titles: ['Head of {}', 'Director of {}', '{} Director', 'Senior Director {}'] },
  { weight: 26, titles: ['{} Manager', 'Senior {} Manager', 'Team Lead {}', '{} Lead'] },
  {
    weight: 33,
    titles: [
      '{} Specialist',
      '{} Analyst',
      'Senior {} Analyst',
      '{} Consultant',
      '{} Coordinator',
      '{} Associate',
    ],
  },
  {
    weight: 6,
    titles: ['Software Engineer', 'Data Engineer', 'Solutions Architect', 'Office Administrator'],
  },
  {
    weight: 6,
    titles: ['{} Intern', 'Trainee {}', 'Working Student {}', 'Student', 'Werkstudentin {}', 'Stagiaire {}'],
  },
];

/** Domains that cannot exist below those of public e-mail providers: what stands there is a private address, and nobody's. */
export const PRIVATE_DOMAINS: readonly string[] = [
  'afterglow-demo.gmail.com',
  'demo-nobody.gmx.de',
  'demo-nobody.web.de',
  'afterglow-demo.orange.fr',
  'afterglow-demo.yahoo.co.uk',
];

/** Where our own people and our competitors have their addresses, as the models name them; some below those domains. */
export const EMPLOYEE_DOMAINS: readonly string[] = ['afterglow.example', 'mail.afterglow.example'];
export const COMPETITOR_DOMAINS: readonly string[] = [
  'competitor.example',
  'uk.competitor.example',
  'rival.example',
];

/** Statuses of a lead: HubSpot's own, and the one that this portal added. */
export const LEAD_STATUSES: readonly string[] = [
  'NEW',
  'OPEN',
  'IN_PROGRESS',
  'OPEN_DEAL',
  'UNQUALIFIED',
  'ATTEMPTED_TO_CONTACT',
  'CONNECTED',
  'BAD_TIMING',
  'RECYCLED',
];
