const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
/** Zones begin and end their summer time at full and half hours of UTC. */
const STEP_MINUTES = 30;
const STEP_MS = STEP_MINUTES * MINUTE_MS;
/** What is more is no clock set forward, but one set back. */
const MOST_SKIPPED_MINUTES = 3 * 60;
/** Clocks are set forward once a year, if at all. */
const LOOK_AHEAD_DAYS = 2 * 366;

/**
 * The first hour from `hour` on that begins on every day, by the clock of a time zone. EventBridge Scheduler leaves out a run whose local
 * time does not exist, such as 02:00 on the last Sunday of March in Berlin, and does not repeat one whose local time is shown twice.
 *
 * @param hour - 0 to 23
 * @param timeZone - IANA name
 * @param nowMs - the two years from here on are looked at
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html - daylight saving time, read 2026-11-22
 */
export function hourOfEveryDay(hour: number, timeZone: string, nowMs: number = Date.now()): number {
  const skipped = skippedHours(timeZone, Math.floor(nowMs / STEP_MS) * STEP_MS);
  const fromThere = Array.from({ length: 24 }, (_, later) => (hour + later) % 24);
  return fromThere.find((one) => !skipped.has(one)) ?? hour;
}

function skippedHours(timeZone: string, fromMs: number): Set<number> {
  const minuteOf = localMinutes(timeZone);
  const skipped = new Set<number>();
  for (let dayMs = fromMs; dayMs < fromMs + LOOK_AHEAD_DAYS * DAY_MS; dayMs += DAY_MS) {
    if (minuteOf(dayMs) === minuteOf(dayMs + DAY_MS)) continue; // The clock is not set on this day.
    for (let atMs = dayMs; atMs < dayMs + DAY_MS; atMs += STEP_MS)
      for (const one of hoursSkipped(minuteOf(atMs), minuteOf(atMs + STEP_MS))) skipped.add(one);
  }
  return skipped;
}

/** Hours whose beginning the clock leaves out within one step. @param before - minute of the day that it shows; `after` likewise */
function hoursSkipped(before: number, after: number): number[] {
  const expected = before + STEP_MINUTES;
  const skippedMinutes = (after - expected + 2 * DAY_MINUTES) % DAY_MINUTES;
  if (skippedMinutes > MOST_SKIPPED_MINUTES) return [];
  return Array.from({ length: skippedMinutes }, (_, minute) => (expected + minute) % DAY_MINUTES)
    .filter((minute) => minute % 60 === 0)
    .map((minute) => minute / 60);
}

function localMinutes(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (atMs) => {
    const [hours = '', minutes = ''] = format.format(atMs).split(':');
    return Number(hours) * 60 + Number(minutes);
  };
}
