// How many contacts of 50 facts one core folds in a second, and how long it takes to say when each next changes.
import { join } from 'node:path';
import { readModelFile } from '../cli/model-file.ts';
import { dueMoment } from '../lambdas/scoring/due.ts';
import type { Fact, Known } from '../lambdas/scoring/facts.ts';
import { fold } from '../lambdas/scoring/fold.ts';
import type { Model } from '../lambdas/scoring/model.ts';
import { show } from '../lambdas/scoring/show.ts';
import { type Random, randomOf } from './random/random.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-11-01T12:00:00Z');
const CONTACTS = 2000;
const FACTS = 50;
/** Each round folds every contact once. */
const ROUNDS = 40;
const WARM_UP_ROUNDS = 3;
const DUE_ROUNDS = 4;
/** Contacts per second on one core. */
const GOAL = 50_000;

/** Facts as a store returns them: ordered by time, most of them of kinds that the shipped model scores. */
function contact(random: Random, id: number): Known {
  const times = Array.from({ length: FACTS }, () => NOW_MS - Math.floor(random.next() * 300 * DAY_MS));
  let views = 1;
  const facts = times
    .toSorted((a, b) => a - b)
    .map((occurredAtMs, at): Fact => {
      const key = `${id}-${at}-${Math.floor(random.next() * 1e9).toString(36)}`;
      const kind = Math.floor(random.next() * 7);
      if (kind === 0) {
        const value = `https://www.example.com/${random.next() < 0.3 ? 'pricing' : 'product'}`;
        return { key, name: 'property:hs_analytics_last_url', occurredAtMs, value };
      }
      if (kind === 1) {
        views += Math.ceil(random.next() * 4);
        const name = 'property:hs_analytics_num_page_views';
        return { key, name, occurredAtMs, value: String(views), record: String(id) };
      }
      if (kind === 2) return { key, name: 'property:hs_email_last_click_date', occurredAtMs };
      if (kind === 3) return { key, name: 'property:hs_lead_status', occurredAtMs, value: 'CONNECTED' };
      if (kind === 4) return { key, name: 'property:hs_analytics_num_visits', occurredAtMs, value: '3' };
      return { key, name: kind === 5 ? 'signal:product.login' : 'signal:support.ticket', occurredAtMs };
    });
  const occurredAtMs = NOW_MS - 400 * DAY_MS;
  const properties = [
    { name: 'jobtitle', value: 'Head of Sales', occurredAtMs },
    { name: 'country', value: 'Germany', occurredAtMs },
    { name: 'phone', value: '+49 30 23125 001', occurredAtMs },
  ];
  return { properties, facts };
}

/** The least that decay needs: a rule by name, one power and one sum per fact; no order, repeats, counters, caps or lines. */
function bareSum(model: Model): (known: Known, nowMs: number) => number {
  const rules = new Map(
    model.engagement.signals.map(({ from, points, halfLifeDays }) => [
      'property' in from
        ? `property:${from.property}`
        : from.kind === 'signal'
          ? `signal:${from.signal}`
          : 'touch',
      { points, halfLifeMs: halfLifeDays === 'never' ? Infinity : halfLifeDays * DAY_MS },
    ]),
  );
  return ({ facts }, nowMs) => {
    let sum = 0;
    for (const { name, occurredAtMs } of facts) {
      const rule = rules.get(name);
      if (rule !== undefined) sum += rule.points * 2 ** (-(nowMs - occurredAtMs) / rule.halfLifeMs);
    }
    return sum;
  };
}

/**
 * Contacts per second of CPU time: other work on the machine does not count. The kernel books CPU time in steps of several
 * milliseconds, so many rounds are measured as one.
 */
function perSecond(contacts: readonly Known[], rounds: number, work: (known: Known) => number): number {
  let sum = 0;
  const runRounds = (count: number) => {
    for (let round = 0; round < count; round++) for (const known of contacts) sum += work(known);
  };
  runRounds(WARM_UP_ROUNDS);
  const before = process.threadCpuUsage();
  runRounds(rounds);
  const { user, system } = process.threadCpuUsage(before);
  if (Number.isNaN(sum)) throw new Error('the work gave no number'); // And so it cannot be optimised away.
  return Math.round(((contacts.length * rounds) / (user + system)) * 1e6);
}

export interface FoldFigures {
  readonly factsPerContact: number;
  readonly contactsPerSecond: number;
  readonly goalPerSecond: number;
  readonly isGoalMet: boolean;
  /** The least that decay needs, of the same facts. */
  readonly barePerSecond: number;
  /** How many times as long as the bare sum a fold takes. */
  readonly ratioToBare: number;
  /** Fold, show and the search for the due moment. */
  readonly scoredPerSecond: number;
}

/** Measures the fold against a bare sum, and the search for the due moment, by the model that ships. */
export function run(): FoldFigures {
  const model = readModelFile(join(import.meta.dirname, '../models/b2b-saas.yaml'));
  const random = randomOf(7);
  const contacts = Array.from({ length: CONTACTS }, (_, id) => contact(random, id));
  const sum = bareSum(model);
  const barePerSecond = perSecond(contacts, ROUNDS, (known) => sum(known, NOW_MS));
  const contactsPerSecond = perSecond(contacts, ROUNDS, (known) => fold(model, known, NOW_MS).score);
  const scoredPerSecond = perSecond(contacts, DUE_ROUNDS, (known) => {
    const folded = fold(model, known, NOW_MS);
    return dueMoment(model, folded, show(undefined, folded, model, 'UTC'), 'UTC') ?? 0;
  });
  return {
    factsPerContact: FACTS,
    contactsPerSecond,
    goalPerSecond: GOAL,
    isGoalMet: contactsPerSecond >= GOAL,
    barePerSecond,
    ratioToBare: Number((barePerSecond / contactsPerSecond).toFixed(2)),
    scoredPerSecond,
  };
}
