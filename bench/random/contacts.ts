import type { Deal, Fact, Known, PropertyValue } from '../../lambdas/scoring/facts.ts';
import type { Random } from './random.ts';

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
/** The instant at which random contacts are scored. */
export const NOW_MS = Date.parse('2026-11-01T12:00:00Z');

/** Most signals of a contact, before bursts. */
const MOST_FACTS = 24;

const VALUES: readonly (readonly [name: string, values: readonly [string, ...string[]]])[] = [
  ['jobtitle', ['Chief Technology Officer', 'Head of Sales', 'Intern', '']],
  ['country', ['germany', 'Spain', '']],
  ['seats', ['9', '10', '99.5', '100', 'many']],
  ['email', ['freemail.example', 'mail.competitor.example', 'acme.example']],
  ['phone', ['yes', '']],
  ['lifecyclestage', ['lead', 'lead', 'lead', 'customer']],
  ['hs_email_optout', ['true', 'false', '']],
];
const COMPANY: typeof VALUES = [
  ['numberofemployees', ['12', '100', '5000', '']],
  ['industry', ['COMPUTER_SOFTWARE', 'EDUCATION', 'BANKING']],
];

function values(random: Random, of: typeof VALUES): PropertyValue[] {
  return random.some(of, 0.4).map(([name, choices]) => ({
    name,
    value: random.oneOf(choices),
    occurredAtMs: NOW_MS - random.between(0, 90) * DAY_MS,
  }));
}

function deals(random: Random): Deal[] {
  return Array.from({ length: random.isLucky(0.15) ? random.between(1, 3) : 0 }, (_, at) => {
    const state = random.oneOf<Deal['state']>(['open', 'won', 'lost']);
    const closedAtMs = state === 'open' ? undefined : NOW_MS - random.between(0, 60) * DAY_MS;
    return { id: String(at), state, closedAtMs };
  });
}

/** A thing that happened; `value` depends on what it was. */
function fact(random: Random, occurredAtMs: number, key: string): Fact {
  switch (random.between(0, 6)) {
    case 0:
      return { key, name: 'signal:login', occurredAtMs };
    case 1:
      return { key, name: 'signal:ticket', occurredAtMs };
    case 2:
      return { key, name: 'signal:demo', occurredAtMs };
    case 3:
      return { key, name: 'property:last_click', occurredAtMs };
    case 4: {
      const record = random.oneOf(['1', '1', '2']);
      const baseline = random.isLucky(0.1);
      const value = String(random.between(1, 30));
      return { key, name: 'property:views', occurredAtMs, value, record, ...(baseline && { baseline }) };
    }
    case 5: {
      const value = random.oneOf(['Open', 'CONNECTED', 'RECYCLED', 'NEW']);
      return { key, name: 'property:hs_lead_status', occurredAtMs, value };
    }
    default: {
      const path = random.oneOf(['Pricing?utm_source=x', 'demo/', 'blog/a', 'pricing-guide', 'about']);
      return { key, name: 'property:last_url', occurredAtMs, value: `https://www.acme.example/${path}` };
    }
  }
}

/** A robot, or somebody in a hurry: the same again within seconds. */
function burst(random: Random, first: Fact): Fact[] {
  return Array.from({ length: random.between(2, 8) }, (_, at) => ({
    ...first,
    key: `${first.key}+${at}`,
    occurredAtMs: first.occurredAtMs + (at + 1) * random.between(0, 20) * SECOND_MS,
  }));
}

/** All that is known of a random contact: anything, in no order, now and then told twice. */
export function randomContact(random: Random): Known {
  const longestAgoDays = random.oneOf([2, 10, 60, 400]);
  const facts = Array.from({ length: random.between(0, MOST_FACTS) }, (_, at) => {
    const occurredAtMs = NOW_MS + DAY_MS / 2 - Math.floor(random.next() * longestAgoDays * DAY_MS);
    return fact(random, occurredAtMs, String(at));
  });
  const [first] = facts;
  const isRobot = first !== undefined && random.isLucky(0.2);
  const isToldTwice = first !== undefined && random.isLucky(0.1);
  return {
    properties: values(random, VALUES),
    facts: [...facts, ...(isRobot ? burst(random, first) : []), ...(isToldTwice ? [first] : [])],
    company: random.isLucky(0.5) ? values(random, COMPANY) : [],
    deals: deals(random),
  };
}
