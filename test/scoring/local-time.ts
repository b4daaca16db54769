/** Zones with everything that a calendar may have in store: far ahead and behind, half hours, days that begin or end twice or not at all. */
export const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'America/Santiago', // On 6 September 2026 there is no midnight.
  'Australia/Lord_Howe', // Half an hour of summer time.
  'Pacific/Kiritimati',
  'Etc/GMT+12',
] as const;

export type Zone = (typeof ZONES)[number];

const HOUR_MS = 3_600_000;
const found = new Map<string, number>();

/** Writes local time as `YYYY-MM-DD HH:MM:SS`. */
function formatOf(timeZone: Zone): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone });
}

/**
 * The first instant at which clocks show some full hour of a date, or more: what an alarm clock does. Found by halving, with
 * nothing but what the clocks show.
 *
 * @param date - `YYYY-MM-DD`
 * @returns epoch milliseconds
 */
export function instantOf(date: string, hour: number, timeZone: Zone): number {
  const wanted = `${date} ${String(hour).padStart(2, '0')}:00:00`;
  const name = `${wanted} ${timeZone}`;
  const known = found.get(name);
  if (known !== undefined) return known;
  const format = formatOf(timeZone);
  const noonMs = Date.parse(`${date}T12:00:00Z`);
  let [before, at] = [noonMs - 40 * HOUR_MS, noonMs + 40 * HOUR_MS];
  while (at - before > 1) {
    const middle = Math.floor((before + at) / 2);
    if (format.format(middle) >= wanted) at = middle;
    else before = middle;
  }
  found.set(name, at);
  return at;
}
