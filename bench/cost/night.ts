// What a night costs: scores that fade, and nobody who did anything.
import { addDays, localDate } from '../../lambdas/scoring/calendar.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { score } from '../../lambdas/scoring/score.ts';
import { dollarsByService, dollarsOf, times, total, type Usage } from './bill.ts';
import { millisecondsOf } from './events.ts';
import { type Counted, type MeasuredSystem, STAGES, usageOfStage } from './measured.ts';
import { looksAtPricing } from './portal.ts';
import { countNight, moveToNight } from './scenarios.ts';

const MILLION = 1_000_000;
const DAY_MS = 86_400_000;
const TIME_ZONE = 'UTC';
/** Days back over which the last signals of the contacts are spread, evenly. */
const SPREAD_DAYS = 365;

export interface NightCosts {
  /** Contacts that fell due in the counted night. */
  readonly due: number;
  readonly dollarsPerMillionDue: number;
  /** Of contacts of whom each looked at prices once in the last year, those that fall due in a night. */
  readonly dueShare: number;
  /** The two multiplied, and a night in which nobody falls due. */
  readonly dollarsPerMillionContacts: number;
  readonly dollarsOfEmptyNight: number;
  readonly byService: Readonly<Record<string, number>>;
  readonly milliseconds: Readonly<Record<string, number>>;
}

export async function measureNight(measured: MeasuredSystem, model: Model): Promise<NightCosts> {
  moveToNight(measured);
  const night = await countNight(measured);
  const empty = await countNight(measured);
  const due = night.due - empty.due;
  if (due <= 0) throw new Error('nobody fell due in the counted night');
  const emptyUsage = usageOf(empty.counted);
  const full = usageOf(night.counted);
  const perDue = total([full, times(emptyUsage, -1)]);
  const perMillionDue = times(perDue, MILLION / due);
  const dueShare = dueShareOf(model, measured.system.now());
  const dollarsOfEmptyNight = dollarsOf(emptyUsage);
  return {
    due,
    dollarsPerMillionDue: dollarsOf(perMillionDue),
    dueShare,
    dollarsPerMillionContacts: dueShare * dollarsOf(perMillionDue) + dollarsOfEmptyNight,
    dollarsOfEmptyNight,
    byService: dollarsByService(perMillionDue),
    milliseconds: millisecondsOf(night.counted),
  };
}

function usageOf(counted: Counted): Usage {
  return total(STAGES.map((stage) => usageOfStage(stage, counted)));
}

/** The share of contacts due in a night, if their one look at prices is as often one day old as it is a year. */
export function dueShareOf(model: Model, nowMs: number): number {
  const tonight = addDays(localDate(nowMs, TIME_ZONE), 1);
  const isDue = (_: unknown, daysAgo: number): boolean => {
    const { property, value, occurredAtMs } = looksAtPricing('1', nowMs - daysAgo * DAY_MS);
    const facts = [{ key: 'look', name: `property:${property}`, value, occurredAtMs }];
    const contact = { portalId: '1', contactId: '1', timeZone: TIME_ZONE };
    return score(model, contact, { facts, properties: [] }, undefined, nowMs).dueNight === tonight;
  };
  return Array.from({ length: SPREAD_DAYS }).filter(isDue).length / SPREAD_DAYS;
}
