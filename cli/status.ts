import { isStandingStill, RunState } from '../lambdas/nightly/run.ts';
import { backlogText, type QueueContent, readBacklog } from './backlog.ts';
import { type DayOfCalls, readBudget, type StopNow, stopNow } from './budget.ts';
import { type LastNight, readLastNight } from './last-night.ts';
import { type Figure, type MetricSource, measuredSince } from './metrics.ts';
import { progressText } from './runs.ts';
import type { Target } from './target.ts';

/** How old something was when it took effect, in milliseconds; null where nothing was measured. */
export interface Ages {
  readonly p50: number | null;
  readonly p95: number | null;
}

export interface Status {
  readonly portalId: string;
  /** What was measured since then, ISO 8601: in this hour and the one before. */
  readonly since: string;
  readonly fresh: {
    /** From what happened to the score that knows of it. */
    readonly scored: Ages;
    /** To HubSpot's showing it. */
    readonly shown: Ages;
  };
  /** Null where nothing was measured. */
  readonly counts: {
    readonly requests: number | null;
    readonly facts: number | null;
    readonly contactsWritten: number | null;
  };
  readonly queues: readonly QueueContent[];
  readonly budget: {
    readonly today: DayOfCalls;
    /** Of the rate that is allowed, in use: below 1 after a 429. */
    readonly share: number;
    /** Null when all may call HubSpot. */
    readonly stopped: StopNow | null;
  };
  readonly night: LastNight;
  /** What is under way: a night, or another run; null while nothing is. */
  readonly run: { readonly progress: string; readonly isStandingStill: boolean } | null;
}

const FIGURES: readonly Figure[] = [
  { door: 'scorer', metric: 'AgeAtScore', statistic: 'p50' },
  { door: 'scorer', metric: 'AgeAtScore', statistic: 'p95' },
  { door: 'write-back', metric: 'AgeAtConfirmation', statistic: 'p50' },
  { door: 'write-back', metric: 'AgeAtConfirmation', statistic: 'p95' },
  { door: 'ingest', metric: 'RequestsAccepted', statistic: 'Sum' },
  { door: 'scorer', metric: 'Facts', statistic: 'Sum' },
  { door: 'write-back', metric: 'ContactsWritten', statistic: 'Sum' },
];

/** How a system is doing, in figures. */
export async function readStatus(
  target: Pick<
    Target,
    'portalId' | 'sqs' | 'queues' | 'portalRow' | 'clock' | 'timeZone' | 'nightlyHour' | 'budget'
  >,
  metrics: MetricSource,
): Promise<Status> {
  const nowMs = target.clock();
  const figures = await metrics.read(FIGURES, nowMs);
  const [scored50, scored95, shown50, shown95, requests, facts, contactsWritten] = figures;
  const { state, today } = await readBudget(target);
  const { current } = await target.portalRow('run', RunState, {}).read();
  return {
    portalId: target.portalId,
    since: new Date(measuredSince(nowMs)).toISOString(),
    fresh: {
      scored: { p50: scored50 ?? null, p95: scored95 ?? null },
      shown: { p50: shown50 ?? null, p95: shown95 ?? null },
    },
    counts: {
      requests: requests ?? null,
      facts: facts ?? null,
      contactsWritten: contactsWritten ?? null,
    },
    queues: await readBacklog(target),
    budget: {
      today,
      share: state.share,
      stopped: state.stop === undefined ? null : stopNow(state.stop, nowMs),
    },
    night: await readLastNight(target),
    run:
      current === undefined
        ? null
        : { progress: progressText(current), isStandingStill: isStandingStill(current, nowMs) },
  };
}

/** The status for a terminal: one screen. */
export function formatStatus(status: Status): string {
  const { portalId, since, fresh, counts, queues, budget, night, run } = status;
  const dead = queues.filter(({ deadLetters }) => deadLetters > 0);
  return [
    `Portal ${portalId}, since ${since.slice(0, 16).replace('T', ' ')} UTC`,
    '',
    `fresh       scored after ${agesText(fresh.scored)}; shown in HubSpot after ${agesText(fresh.shown)}`,
    `counts      ${counts.requests ?? 0} requests, ${counts.facts ?? 0} new facts, ${counts.contactsWritten ?? 0} contacts written`,
    `backlog     ${backlogText(queues)}`,
    `dead        ${dead.length === 0 ? 'none' : dead.map(({ queue, deadLetters }) => `${queue} ${deadLetters}`).join(', ')}`,
    `budget      ${budgetText(budget)}`,
    `last night  ${nightText(night)}`,
    ...(run === null ? [] : [`under way   ${run.progress}${run.isStandingStill ? '; STANDS STILL' : ''}`]),
  ].join('\n');
}

function agesText({ p50, p95 }: Ages): string {
  if (p50 === null || p95 === null) return '- (nothing measured)';
  return `${durationText(p50)} (median), ${durationText(p95)} (19 of 20)`;
}

function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = seconds / 60;
  return minutes < 120 ? `${minutes.toFixed(0)} min` : `${(minutes / 60).toFixed(0)} h`;
}

function budgetText({ today, share, stopped }: Status['budget']): string {
  const { calls, limit, percent } = today;
  const pace = share < 1 ? `, at ${Math.round(share * 100)} % of the rate after a 429` : '';
  const stop =
    stopped === null
      ? ''
      : `; ${stopped.isOver ? 'a stop is over since' : 'STOPPED until'} ${stopped.until} (${stopped.reason})`;
  return `${calls} of ${limit} calls today (${percent} %)${pace}${stop}`;
}

function nightText({ finished, missed }: LastNight): string {
  const text = finished === '' ? 'none finished yet' : `${finished} finished`;
  return missed === 0 ? text : `${text}, ${missed} MISSED`;
}
