const DAY_MS = 86_400_000;

/** Making a formatter costs far more than using it; a process sees one or two time zones. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(
  timeZone: string,
  locale: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const name = `${timeZone} ${locale}`;
  const known = formatters.get(name);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(locale, { ...options, timeZone });
  formatters.set(name, made);
  return made;
}

/** The second that was last asked for, by time zone: within one it is often asked for again, and no date changes. */
const lastSeconds = new Map<string, { readonly second: number; readonly date: string }>();

/** The calendar date at an instant, `YYYY-MM-DD`. @param timeZone - IANA name */
export function localDate(ms: number, timeZone: string): string {
  const second = Math.floor(ms / 1000);
  const last = lastSeconds.get(timeZone);
  if (last?.second === second) return last.date;
  const date = formatter(timeZone, 'sv-SE', { year: 'numeric', month: '2-digit', day: '2-digit' }).format(ms);
  lastSeconds.set(timeZone, { second, date });
  return date;
}

/** The calendar date as people read it, `14 Dec 2026`. @param timeZone - IANA name */
export function readableDate(ms: number, timeZone: string): string {
  return formatter(timeZone, 'en-GB', { year: 'numeric', month: 'short', day: 'numeric' }).format(ms);
}

/** A date some days later, or earlier. @param date - `YYYY-MM-DD` */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The date that follows, `YYYY-MM-DD`. @param date - `YYYY-MM-DD` */
export function nextDate(date: string): string {
  return addDays(date, 1);
}

/**
 * The night that fades what falls due at an instant: the first that begins after the calendar day of the instant is over.
 * So a night's run, at whatever hour, finds everything of the day before due already.
 *
 * @returns the date on which the night's run stands, `YYYY-MM-DD`
 */
export function nightOf(dueMs: number, timeZone: string): string {
  return nextDate(localDate(dueMs, timeZone));
}
