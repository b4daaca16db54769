// What happens in the portal while costs are counted. Nothing is drawn: every run is the same.
import * as v from 'valibot';
import { chunks } from '../../lambdas/chunks.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { type Counted, type MeasuredSystem, startMeasured } from './measured.ts';
import {
  type Change,
  clicksInEmail,
  createContacts,
  looksAtPricing,
  readsBlog,
  repliesToEmail,
  viewsPages,
} from './portal.ts';

export const EVENTS_PER_REQUEST = 10;
/** Requests in a minute, so 864,000 events in a month of 30 days: what a write-back window gathers is small, which is dear. */
export const REQUESTS_PER_MINUTE = 2;
/** Minutes for what came late of the preparation, such as roll-ups of companies. */
const SETTLING_MINUTES = 3;
const EVENTS_PER_SEED_REQUEST = 100;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** By UTC, in which the run lives: after its night, and far from the next one. */
const BEGINS_AT_HOUR = 6;
const NIGHT_AT_HOUR = 3;

/** What comes in, and what it does to the night at which the contact's score falls by itself. */
export interface Scenario {
  readonly workload: 'lone' | 'visits' | 'four of one contact';
  readonly night: 'stays' | 'moves';
  /** Whether each contact has a company of its own, whose score follows. */
  readonly ofCompanies: boolean;
}

interface Story {
  /** What the contact did before. */
  readonly before: (contactId: string, nowMs: number) => Change[];
  /** What it does while costs are counted. */
  readonly now: (contactId: string, nowMs: number) => Change[];
}

/** A score that fell last night falls again in the coming one, whatever is added today: the night stays. */
const lookedToday = (id: string, nowMs: number): Change => looksAtPricing(id, nowMs - 2 * HOUR_MS);
/** Little is left of it, and less is next shown in some nights; what is added today falls in the coming one: the night moves. */
const clickedLongAgo = (id: string, nowMs: number): Change => clicksInEmail(id, nowMs - 20 * DAY_MS);
const firstCount = (id: string, nowMs: number): Change => viewsPages(id, nowMs - 3 * HOUR_MS, 5);

const nightSchema = v.object({ due: v.number() });

const STORIES: Readonly<Record<Scenario['workload'], Readonly<Record<Scenario['night'], Story>>>> = {
  lone: {
    stays: {
      before: (id, nowMs) => [lookedToday(id, nowMs)],
      now: (id, nowMs) => [clicksInEmail(id, nowMs)],
    },
    moves: {
      before: (id, nowMs) => [clickedLongAgo(id, nowMs)],
      now: (id, nowMs) => [looksAtPricing(id, nowMs)],
    },
  },
  visits: {
    stays: {
      before: (id, nowMs) => [lookedToday(id, nowMs), firstCount(id, nowMs)],
      now: (id, nowMs) => [readsBlog(id, nowMs), viewsPages(id, nowMs, 6)],
    },
    moves: {
      before: (id, nowMs) => [clickedLongAgo(id, nowMs), firstCount(id, nowMs)],
      now: (id, nowMs) => [looksAtPricing(id, nowMs), viewsPages(id, nowMs, 6)],
    },
  },
  'four of one contact': {
    stays: {
      before: (id, nowMs) => [lookedToday(id, nowMs), firstCount(id, nowMs)],
      now: (id, nowMs) => [
        readsBlog(id, nowMs),
        viewsPages(id, nowMs, 6),
        clicksInEmail(id, nowMs),
        repliesToEmail(id, nowMs),
      ],
    },
    moves: {
      before: (id, nowMs) => [clickedLongAgo(id, nowMs), firstCount(id, nowMs)],
      now: (id, nowMs) => [
        looksAtPricing(id, nowMs),
        viewsPages(id, nowMs, 6),
        clicksInEmail(id, nowMs),
        repliesToEmail(id, nowMs),
      ],
    },
  },
};

/** What was counted of some events. */
export interface CountedEvents {
  readonly events: number;
  readonly counted: Counted;
}

/** The system, at six o'clock in the morning: no night comes while it is measured. */
export async function startMorning(assemblyDirectory: string, model: Model): Promise<MeasuredSystem> {
  const measured = await startMeasured(assemblyDirectory, model);
  const morning = new Date();
  morning.setUTCHours(BEGINS_AT_HOUR, 0, 0, 0);
  const atMs = morning.getTime() > Date.now() ? morning.getTime() - DAY_MS : morning.getTime();
  measured.system.setClock(atMs - Date.now());
  return measured;
}

/** A scenario that can begin. */
export interface Prepared {
  readonly scenario: Scenario;
  /** What is to happen, request by request. */
  readonly requestsAt: (nowMs: number) => Change[][];
}

/** Makes the contacts of scenarios, and has what they did before scored and written. @param events - of each scenario */
export async function prepareAll(
  measured: MeasuredSystem,
  scenarios: readonly Scenario[],
  events: number,
): Promise<Prepared[]> {
  const { simulator, system, post, passMinute } = measured;
  const nowMs = system.now();
  const made = scenarios.map((scenario) => ({
    scenario,
    ids: createContacts(simulator.crm, contactsOf(scenario, events), scenario.ofCompanies),
  }));
  const before = made.flatMap(({ scenario, ids }) =>
    ids.flatMap((id) => storyOf(scenario).before(id, nowMs)),
  );
  for (const some of chunks(before, EVENTS_PER_SEED_REQUEST)) await post(some);
  await system.drained({ flushWindows: true });
  for (let minute = 0; minute < SETTLING_MINUTES; minute++) await passMinute();
  return made.map(({ scenario, ids }) => ({
    scenario,
    requestsAt: (atMs) => requestsOf(scenario, ids, atMs),
  }));
}

function storyOf({ workload, night }: Scenario): Story {
  return STORIES[workload][night];
}

function eventsPerContact(scenario: Scenario): number {
  return storyOf(scenario).now('', 0).length;
}

/** How many contacts do so much. */
export function contactsOf(scenario: Scenario, events: number): number {
  return Math.ceil(events / eventsPerContact(scenario));
}

/** What happens to some contacts, ten events to a request; fewer where the events of one more would not fit. */
export function requestsOf(scenario: Scenario, contactIds: readonly string[], atMs: number): Change[][] {
  const together = chunks(contactIds, Math.floor(EVENTS_PER_REQUEST / eventsPerContact(scenario)));
  return together.map((some) => some.flatMap((id) => storyOf(scenario).now(id, atMs)));
}

/** Delivers requests as they come in an ordinary hour: each finds the scorer waiting, and a minute holds a few. */
export async function countRequests(
  measured: MeasuredSystem,
  { requestsAt }: Prepared,
  deliver: (request: readonly Change[]) => Promise<void>,
): Promise<CountedEvents> {
  const { system, passMinute, count } = measured;
  const counted = count();
  const requests = requestsAt(0);
  for (const [at] of requests.entries()) {
    await deliver(requestsAt(system.now())[at] ?? []);
    if ((at + 1) % REQUESTS_PER_MINUTE === 0 || at === requests.length - 1) await passMinute();
  }
  return { events: requests.flat().length, counted: counted() };
}

/** As HubSpot does: the next request is sent when the scorer has done with the one before. */
export async function deliverRequest(measured: MeasuredSystem, request: readonly Change[]): Promise<void> {
  const before = measured.invocationsOf('scorer');
  await measured.post(request);
  await measured.invoked('scorer', before + 1);
}

/** Moves the clock to the coming night, after the schedule has gone by: the night is run by hand, when asked for. */
export function moveToNight({ system }: MeasuredSystem): void {
  const night = new Date(system.now() + DAY_MS);
  night.setUTCHours(NIGHT_AT_HOUR, 0, 0, 0);
  system.setClock(night.getTime() - Date.now());
}

/** Counts one run of the nightly door and all that comes of it. */
export async function countNight({
  system,
  count,
  passMinute,
}: MeasuredSystem): Promise<{ readonly due: number; readonly counted: Counted }> {
  const counted = count();
  const { due } = v.parse(nightSchema, await system.invoke('nightly', { job: 'decay' }));
  await system.drained({ flushWindows: true });
  await passMinute();
  return { due, counted: counted() };
}
