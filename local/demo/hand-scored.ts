// Contacts scored by a person with pencil and paper. Ages are whole half-lives, so that nothing but halving is needed.
import { domainToASCII } from 'node:url';
import type { Happening } from './happenings.ts';
import type { History } from './oracle.ts';

const DAY_MS = 86_400_000;

/** The model of the table: small, with every kind of rule and every cap. */
export const HAND_MODEL_YAML = `
name: by-hand
horizonDays: 90
range: { min: 0, max: 80 }
fit:
  cap: 30
  rules:
    - { id: decision-maker, title: Decision maker, property: jobtitle, contains: [chief, cto], points: 20 }
    - { id: head, title: Head of a team, property: jobtitle, contains: [head of], points: 12 }
    - { id: student, title: Student, property: jobtitle, contains: [student], points: -25 }
    - { id: core-market, title: In a core market, property: country, is: [Germany, France], points: 8 }
    - { id: phone, title: Left a phone number, property: phone, known: true, points: 4 }
    - { id: seats, title: Fifty to a thousand seats, property: seats, atLeast: 50, below: 1000, points: 6 }
engagement:
  cap: 60
  groups: { web: { cap: 25 } }
  signals:
    - id: pricing
      title: Looked at pricing
      from: { kind: text, property: hs_analytics_last_url, contains: [/pricing] }
      points: 16
      halfLifeDays: 8
      cap: 24
      group: web
    - id: pages
      title: Pages viewed
      from: { kind: counter, property: hs_analytics_num_page_views }
      points: 1
      halfLifeDays: 8
      group: web
    - id: click
      title: Clicked in an e-mail
      from: { kind: timestamp, property: hs_email_last_click_date }
      points: 8
      halfLifeDays: 4
    - id: connected
      title: In conversation
      from: { kind: transition, property: hs_lead_status, to: [CONNECTED] }
      points: 10
      halfLifeDays: never
    - id: unqualified
      title: Marked unqualified
      from: { kind: transition, property: hs_lead_status, to: [UNQUALIFIED] }
      points: -40
      halfLifeDays: 16
    - id: login
      title: Logged in
      from: { kind: signal, signal: product.login }
      points: 8
      halfLifeDays: 2
      cap: 12
    - id: demo
      title: Asked for a demo
      from: { kind: signal, signal: demo.requested }
      points: 40
      halfLifeDays: 16
    - id: ticket
      title: Opened a ticket
      from: { kind: signal, signal: support.ticket }
      points: -6
      halfLifeDays: 4
      cap: 9
grades:
  deadBand: 3
  bands:
    - { grade: A, from: 70 }
    - { grade: B, from: 45 }
    - { grade: C, from: 20 }
    - { grade: D, from: 0 }
`;

/** The instant at which the ten contacts are scored, epoch milliseconds. */
export const HAND_SCORED_AT_MS = Date.parse('2026-11-01T12:00:00Z');

export interface HandScored extends History {
  readonly contact: string;
  /** What the row is there for. */
  readonly because: string;
  readonly nowMs: number;
  /** The calculation, as written down. */
  readonly worked: readonly string[];
  readonly expected: {
    readonly status: 'scored' | 'insufficient_data';
    /** Thousandths of a point. */
    readonly fit: number;
    readonly engagement: number;
    readonly score: number;
    /** As shown, whole points; null when cleared. */
    readonly shown: number | null;
    /** Grade without a grade before; `''` when cleared. */
    readonly grade: string;
    /** A grade before that the dead band holds. */
    readonly held?: string;
    /** Newest signal that counts, epoch milliseconds. */
    readonly lastSignalAtMs?: number;
  };
}

/** Days before the instant of the table. */
export function daysAgo(days: number): number {
  return HAND_SCORED_AT_MS - days * DAY_MS;
}

export function change(property: string, value: string, atMs: number): Happening {
  return { kind: 'property', contactId: '1', property, value, atMs, changeSource: 'CRM' };
}

export function click(atMs: number): Happening {
  return change('hs_email_last_click_date', String(atMs), atMs + 1000);
}

export function views(count: number, atMs: number): Happening {
  return change('hs_analytics_num_page_views', String(count), atMs);
}

export function pricing(atMs: number, page = '/pricing'): Happening {
  return change('hs_analytics_last_url', `https://www.example.com${page}`, atMs);
}

export function status(value: string, atMs: number): Happening {
  return change('hs_lead_status', value, atMs);
}

/** @param postId - webhook id; the same one is the same signal told again */
export function signal(name: string, atMs: number, postId: string): Happening {
  return {
    kind: 'signal',
    contactId: '1',
    signal: name,
    atMs,
    address: { contactId: '1' },
    postId,
    index: 0,
  };
}

const CREATED_AT_MS = daysAgo(60);
const NOW = { createdAtMs: CREATED_AT_MS, nowMs: HAND_SCORED_AT_MS };

/** Ten contacts, scored by hand at {@link HAND_SCORED_AT_MS}. */
export const HAND_SCORED: readonly HandScored[] = [
  {
    ...NOW,
    contact: 'one demo, one half-life ago',
    because: 'an uncapped signal has halved at its half-life; a signal alone is enough for a score',
    properties: {},
    happenings: [signal('demo.requested', daysAgo(16), 'a')],
    worked: ['demo 40 × 1/2 = 20', 'fit 0', 'score 0 + 20 = 20, which is C from 20'],
    expected: {
      status: 'scored',
      fit: 0,
      engagement: 20_000,
      score: 20_000,
      shown: 20,
      grade: 'C',
      lastSignalAtMs: daysAgo(16),
    },
  },
  {
    ...NOW,
    contact: 'CTO with three half-lives',
    because:
      'every signal fades at its own pace, and what is told twice counts once; 43 is less than 3 below B, so a B stays',
    properties: { jobtitle: 'CTO', country: 'germany' },
    happenings: [
      pricing(daysAgo(8)),
      pricing(daysAgo(8)),
      click(daysAgo(8)),
      change('hs_email_last_click_date', new Date(daysAgo(8)).toISOString(), daysAgo(7)),
      signal('demo.requested', daysAgo(48), 'a'),
      signal('demo.requested', daysAgo(48), 'a'),
    ],
    worked: [
      'fit: CTO 20 + Germany 8 = 28',
      'pricing 16 × 1/2 = 8 (8 days, half-life 8), told twice',
      'click 8 × 1/4 = 2 (8 days, half-life 4): one time, told as milliseconds and as a date',
      'demo 40 × 1/8 = 5 (48 days, half-life 16), told twice',
      'engagement 8 + 2 + 5 = 15',
      'score 28 + 15 = 43: C from 20; B falls below 45 − 3 = 42 only',
    ],
    expected: {
      status: 'scored',
      fit: 28_000,
      engagement: 15_000,
      score: 43_000,
      shown: 43,
      grade: 'C',
      held: 'B',
      lastSignalAtMs: daysAgo(8),
    },
  },
  {
    ...NOW,
    contact: 'clerk who reads everything',
    because: 'two caps, one after the other: of the signal, of the group',
    properties: { jobtitle: 'Clerk' },
    happenings: [
      pricing(daysAgo(0)),
      pricing(daysAgo(0), '/en/Pricing'),
      pricing(daysAgo(0), '/pricing?plan=team'),
      pricing(daysAgo(0), '/product'),
      views(1, daysAgo(20)),
      views(13, daysAgo(0)),
      signal('demo.requested', daysAgo(16), 'a'),
    ],
    worked: [
      'pricing 3 × 16 = 48, cap 24; the product page is no pricing page',
      'pages 13 − 1 = 12 × 1 = 12',
      'web 24 + 12 = 36, cap 25',
      'demo 40 × 1/2 = 20',
      'engagement 25 + 20 = 45',
      'fit 0: known, but nothing fits',
      'score 45, which is B from 45',
    ],
    expected: {
      status: 'scored',
      fit: 0,
      engagement: 45_000,
      score: 45_000,
      shown: 45,
      grade: 'B',
      lastSignalAtMs: daysAgo(0),
    },
  },
  {
    ...NOW,
    contact: 'head of a team, marked unqualified',
    because: 'negative points fade too',
    properties: { jobtitle: 'Head of Sales', country: 'France', phone: '+33 1 99 00 11 22' },
    happenings: [status('UNQUALIFIED', daysAgo(16)), signal('support.ticket', daysAgo(4), 'a')],
    worked: [
      'fit: head 12 + France 8 + phone 4 = 24',
      'unqualified −40 × 1/2 = −20',
      'ticket −6 × 1/2 = −3',
      'score 24 − 23 = 1: D',
    ],
    expected: {
      status: 'scored',
      fit: 24_000,
      engagement: -23_000,
      score: 1000,
      shown: 1,
      grade: 'D',
      lastSignalAtMs: daysAgo(4),
    },
  },
  {
    ...NOW,
    contact: 'student with tickets',
    because: 'a cap holds below zero too, and the score does not leave its range',
    properties: { jobtitle: 'Working Student Marketing' },
    happenings: [
      status('unqualified', daysAgo(0)),
      signal('support.ticket', daysAgo(0), 'a'),
      signal('support.ticket', daysAgo(0), 'b'),
      signal('support.ticket', daysAgo(0), 'c'),
      click(daysAgo(0)),
    ],
    worked: [
      'fit: student −25',
      'unqualified −40',
      'tickets 3 × −6 = −18, cap −9',
      'click 8',
      'engagement −40 − 9 + 8 = −41',
      'score −25 − 41 = −66, range from 0: 0, which is D',
    ],
    expected: {
      status: 'scored',
      fit: -25_000,
      engagement: -41_000,
      score: 0,
      shown: 0,
      grade: 'D',
      lastSignalAtMs: daysAgo(0),
    },
  },
  {
    ...NOW,
    contact: 'director who comes back',
    because:
      'the first count is the baseline, falls and repeats give nothing, order does not matter; "cto" is not in "Director"',
    properties: { jobtitle: 'Director', country: 'Spain' },
    happenings: [
      views(12, daysAgo(8)),
      views(9, daysAgo(10)),
      views(7, daysAgo(12)),
      views(9, daysAgo(16)),
      views(5, daysAgo(30)),
      views(12, daysAgo(8)),
    ],
    worked: [
      '5: baseline, 30 days ago',
      '9 − 5 = 4 × 1/4 = 1, 16 days ago',
      '7: a fall; 9 again: reached before',
      '12 − 9 = 3 × 1/2 = 1.5, 8 days ago',
      'score 2.5, shown 3: halves go up; D',
    ],
    expected: {
      status: 'scored',
      fit: 0,
      engagement: 2500,
      score: 2500,
      shown: 3,
      grade: 'D',
      lastSignalAtMs: daysAgo(8),
    },
  },
  {
    ...NOW,
    contact: 'chief with an old demo',
    because:
      'at the horizon a signal counts, beyond it not; what is dated ahead has not faded; fit has a cap',
    properties: { jobtitle: 'Chief Data Officer', country: 'Germany', phone: '+49 30 23125 001' },
    happenings: [
      signal('demo.requested', daysAgo(91), 'a'),
      status('CONNECTED', daysAgo(90)),
      signal('product.login', daysAgo(-0.25), 'b'),
    ],
    worked: [
      'fit: chief 20 + Germany 8 + phone 4 = 32, cap 30',
      'demo: 91 days, beyond the horizon of 90: 0',
      'connected, 90 days, never fades: 10',
      'login, 6 hours ahead: 8',
      'score 30 + 18 = 48: B',
    ],
    expected: {
      status: 'scored',
      fit: 30_000,
      engagement: 18_000,
      score: 48_000,
      shown: 48,
      grade: 'B',
      lastSignalAtMs: daysAgo(-0.25),
    },
  },
  {
    ...NOW,
    contact: 'nobody knows',
    because: 'no fit input is left and no signal counts: a missing score is not 0',
    properties: { jobtitle: 'CTO', email: 'nobody@example.com' },
    happenings: [
      change('jobtitle', '', daysAgo(10)),
      signal('demo.requested', daysAgo(95), 'a'),
      views(4, daysAgo(3)),
    ],
    worked: [
      'job title: cleared 10 days ago, so not known',
      'demo: beyond the horizon',
      'pages 4: the baseline gives nothing',
      'insufficient data',
    ],
    expected: { status: 'insufficient_data', fit: 0, engagement: 0, score: 0, shown: null, grade: '' },
  },
  {
    ...NOW,
    contact: 'moved to Germany',
    because:
      'of a property the newest value counts, however late an older one is told, and at one instant the larger',
    properties: { seats: '1000' },
    happenings: [
      change('country', 'Germany', daysAgo(10)),
      change('country', 'Spain', daysAgo(20)),
      change('jobtitle', 'Head of Growth', daysAgo(5)),
      change('jobtitle', '', daysAgo(2)),
      change('phone', '+49 30 23125 002', daysAgo(7)),
      change('phone', '', daysAgo(7)),
      change('seats', '999', daysAgo(1)),
      signal('product.login', daysAgo(0), 'a'),
      signal('product.login', daysAgo(2), 'b'),
      signal('product.login', daysAgo(4), 'c'),
    ],
    worked: [
      'fit: Germany 8, job title cleared 0, phone 4, 999 seats are below 1000: 6; 18',
      'logins 8 + 8 × 1/2 + 8 × 1/4 = 14, cap 12',
      'score 18 + 12 = 30: C',
    ],
    expected: {
      status: 'scored',
      fit: 18_000,
      engagement: 12_000,
      score: 30_000,
      shown: 30,
      grade: 'C',
      lastSignalAtMs: daysAgo(0),
    },
  },
  {
    ...NOW,
    contact: 'the warmest, told of over and over',
    because: 'all engagement has a cap, and the score ends with its range',
    properties: { jobtitle: 'Co-Founder/CTO', country: 'France', phone: '+33 1 99 00 33 44', seats: '50' },
    happenings: [
      signal('demo.requested', daysAgo(0), 'a'),
      signal('demo.requested', daysAgo(0), 'a'),
      status('CONNECTED', daysAgo(30)),
      status('CONNECTED', daysAgo(30)),
      click(daysAgo(4)),
      change('hs_email_last_click_date', new Date(daysAgo(4)).toISOString(), daysAgo(3)),
      pricing(daysAgo(8)),
      pricing(daysAgo(8)),
      views(2, daysAgo(9)),
      views(4, daysAgo(0)),
    ],
    worked: [
      'fit: CTO 20 + France 8 + phone 4 + seats 6 = 38, cap 30',
      'demo 40, told twice',
      'connected 10, told twice',
      'click 8 × 1/2 = 4: the same time, once as milliseconds and once as a date',
      'web: pricing 16 × 1/2 = 8, pages 2 × 1 = 2; 10',
      'engagement 40 + 10 + 4 + 10 = 64, cap 60',
      'score 90, range to 80: 80, which is A',
    ],
    expected: {
      status: 'scored',
      fit: 30_000,
      engagement: 60_000,
      score: 80_000,
      shown: 80,
      grade: 'A',
      lastSignalAtMs: daysAgo(0),
    },
  },
];

const FADING: History & Pick<HandScored, 'contact'> = {
  contact: 'head of a team who fades',
  properties: { jobtitle: 'Head of Operations' },
  createdAtMs: CREATED_AT_MS,
  happenings: [
    pricing(daysAgo(0)),
    pricing(daysAgo(0), '/pricing?plan=team'),
    pricing(daysAgo(8)),
    views(10, daysAgo(8)),
    views(18, daysAgo(0)),
    signal('demo.requested', daysAgo(0), 'a'),
    signal('demo.requested', daysAgo(16), 'b'),
    status('UNQUALIFIED', daysAgo(16)),
    signal('product.login', daysAgo(0), 'c'),
    signal('product.login', daysAgo(0), 'd'),
  ],
};

/** One contact with mixed half-lives, caps and negative points, scored by hand at five instants: fit 12 at each. */
export const HAND_SCORED_OVER_TIME: readonly HandScored[] = [
  {
    ...FADING,
    because: 'at once: everything is capped',
    nowMs: daysAgo(0),
    worked: [
      'pricing 16 + 16 + 8 = 40, cap 24; pages 8; web 32, cap 25',
      'demo 40 + 20 = 60; unqualified −20; logins 16, cap 12',
      '25 + 60 − 20 + 12 = 77, cap 60; score 72: A',
    ],
    expected: {
      status: 'scored',
      fit: 12_000,
      engagement: 60_000,
      score: 72_000,
      shown: 72,
      grade: 'A',
      lastSignalAtMs: daysAgo(0),
    },
  },
  {
    ...FADING,
    because: 'after 16 days no cap is reached any more',
    nowMs: daysAgo(-16),
    worked: [
      'pricing 4 + 4 + 2 = 10; pages 2; web 12',
      'demo 20 + 10 = 30; unqualified −10; logins 2 × 8/256 = 2 × 0.031 = 0.062',
      '12 + 30 − 10 + 0.062 = 32.062; score 44.062: C, and a B stays',
    ],
    expected: {
      status: 'scored',
      fit: 12_000,
      engagement: 32_062,
      score: 44_062,
      shown: 44,
      grade: 'C',
      held: 'B',
      lastSignalAtMs: daysAgo(0),
    },
  },
  {
    ...FADING,
    because: 'after 32 days the logins are gone',
    nowMs: daysAgo(-32),
    worked: [
      'web 1 + 1 + 0.5 + 0.5 = 3',
      'demo 10 + 5 = 15; unqualified −5; logins 2 × 8/65536 = 0.000',
      'score 12 + 13 = 25: C',
    ],
    expected: {
      status: 'scored',
      fit: 12_000,
      engagement: 13_000,
      score: 25_000,
      shown: 25,
      grade: 'C',
      lastSignalAtMs: daysAgo(0),
    },
  },
  {
    ...FADING,
    because: 'after 48 days a C is held by the dead band',
    nowMs: daysAgo(-48),
    worked: [
      'web 0.25 + 0.25 + 0.125 + 0.125 = 0.75',
      'demo 5 + 2.5 = 7.5; unqualified −2.5',
      'score 12 + 5.75 = 17.75, shown 18: D; C falls below 17 only',
    ],
    expected: {
      status: 'scored',
      fit: 12_000,
      engagement: 5750,
      score: 17_750,
      shown: 18,
      grade: 'D',
      held: 'C',
      lastSignalAtMs: daysAgo(0),
    },
  },
  {
    ...FADING,
    because:
      'after 80 days the horizon takes what is 96 days old, penalty included; every term is rounded for itself',
    nowMs: daysAgo(-80),
    worked: [
      'pricing 16/1024 = 0.015625, rounded 0.016, twice; 16/2048 = 0.0078125, rounded 0.008; pages 8/1024 = 0.008; web 0.048',
      'demo 40/32 = 1.25; the older demo and the penalty: beyond the horizon',
      'score 12 + 1.298 = 13.298: D',
    ],
    expected: {
      status: 'scored',
      fit: 12_000,
      engagement: 1298,
      score: 13_298,
      shown: 13,
      grade: 'D',
      lastSignalAtMs: daysAgo(0),
    },
  },
];

const TIMES = new Set(['hs_email_last_click_date', 'hs_email_last_open_date']);
const COUNTS = new Set(['hs_analytics_num_page_views']);

interface KeptProperty {
  readonly name: string;
  readonly value: string;
  readonly occurredAtMs: number;
}

/** What a system that was told of a hand-scored contact would keep. */
export interface KeptHistory {
  readonly properties: KeptProperty[];
  readonly facts: {
    readonly key: string;
    readonly name: string;
    readonly occurredAtMs: number;
    readonly value?: string;
  }[];
  readonly company: readonly KeptProperty[];
  readonly deals: NonNullable<History['deals']>;
}

/** The same contact as property values and facts; what was told twice is there twice, under one key. */
export function keptOf(history: History): KeptHistory {
  const { createdAtMs, happenings, company = {}, deals = [] } = history;
  const created = (of: Readonly<Record<string, string>>) =>
    Object.entries(of).map(([name, value]) => ({
      name,
      value: kept(name, value),
      occurredAtMs: createdAtMs,
    }));
  const found: KeptHistory = {
    properties: created(history.properties),
    facts: [],
    company: created(company),
    deals,
  };
  for (const happening of happenings) {
    if (happening.kind === 'property') {
      const { property, value, atMs } = happening;
      const occurredAtMs = TIMES.has(property) ? instant(value) : atMs;
      const identity = TIMES.has(property) ? occurredAtMs : COUNTS.has(property) ? value : `${value} ${atMs}`;
      found.properties.push({ name: property, value: kept(property, value), occurredAtMs: atMs });
      if (value !== '')
        found.facts.push({
          key: `${property} ${identity}`,
          name: `property:${property}`,
          occurredAtMs,
          value,
        });
    } else if (happening.kind === 'signal') {
      const { signal: name, atMs, postId, index } = happening;
      found.facts.push({ key: `${postId} ${index}`, name: `signal:${name}`, occurredAtMs: atMs });
    }
  }
  return found;
}

/** Of an address nothing is kept but its domain, in ASCII. */
function kept(property: string, value: string): string {
  return property === 'email' ? domainToASCII(value.replace(/^.*@/, '')) : value;
}

function instant(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}
