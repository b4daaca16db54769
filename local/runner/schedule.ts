import type { SchedulePlan } from './assembly.ts';

const MINUTE_MS = 60_000;
/** Two days without a match cannot follow each other: clocks go forward once in half a year. */
const SEARCH_LIMIT_MINUTES = 3 * 24 * 60;

/** An instant and the schedules that fall due at it. */
export interface Occurrence {
  readonly atMs: number;
  readonly due: readonly SchedulePlan[];
}

/**
 * The first occurrence of any schedule later than `afterMs`, or undefined without schedules.
 *
 * @throws Error when an expression is not a daily `cron(minutes hours * * ? *)`
 */
export function nextOccurrence(schedules: readonly SchedulePlan[], afterMs: number): Occurrence | undefined {
  if (schedules.length === 0) return undefined;
  const times = schedules.map((schedule) => occurrenceAfter(schedule, afterMs));
  const atMs = Math.min(...times);
  return { atMs, due: schedules.filter((_schedule, index) => times[index] === atMs) };
}

/**
 * First instant (epoch ms) after `afterMs` at which a daily cron expression matches in its time zone. A local time that the
 * clock skips is skipped, one that it shows twice counts once.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export function occurrenceAfter({ expression, timeZone }: SchedulePlan, afterMs: number): number {
  const { minutes, hours } = parseDailyCron(expression);
  const localTime = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  let atMs = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS;
  for (let tried = 0; tried < SEARCH_LIMIT_MINUTES; tried += 1, atMs += MINUTE_MS) {
    const local = localTime.format(atMs); // "29, 02:00"
    const [hour, minute] = local.slice(-5).split(':').map(Number);
    if (hour === undefined || minute === undefined || !hours.has(hour) || !minutes.has(minute)) continue;
    const isShownTwice = [30, 60].some((before) => localTime.format(atMs - before * MINUTE_MS) === local);
    if (!isShownTwice) return atMs;
  }
  throw new Error(`${expression} has no occurrence`);
}

/** Whether it comes once a day, and not every hour. */
export function isNightly({ expression }: Pick<SchedulePlan, 'expression'>): boolean {
  const { minutes, hours } = parseDailyCron(expression);
  return minutes.size * hours.size === 1;
}

function parseDailyCron(expression: string): { minutes: Set<number>; hours: Set<number> } {
  const fields = /^cron\((.*)\)$/.exec(expression)?.[1]?.trim().split(/\s+/) ?? [];
  const [minutes = '', hours = '', ...days] = fields;
  if (fields.length !== 6 || days.some((field) => field !== '*' && field !== '?')) {
    throw new Error(`The local run understands daily cron expressions, not ${expression}`);
  }
  return { minutes: parseField(minutes, 59, expression), hours: parseField(hours, 23, expression) };
}

/** `5`, `1,2`, `8-18`, `*`, and steps of the last two, as `0-30/10`. */
function parseField(field: string, highest: number, expression: string): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (match === null) throw new Error(`${part} in ${expression} is not understood`);
    const [, from, to, step] = match;
    const isOpen = from === undefined || (to === undefined && step !== undefined);
    const last = isOpen ? highest : Number(to ?? from);
    if (last > highest || step === '0') throw new Error(`${part} in ${expression} is out of range`);
    for (let value = Number(from ?? 0); value <= last; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}
