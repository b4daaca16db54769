/** Instants in print, since an answer says the same few again and again. */
const printed = new Map<number, string>();
const MOST_PRINTED = 1000;

/** An instant as HubSpot prints it on reads: ISO 8601 in UTC, without the fraction when it is zero. */
export function isoTime(atMs: number): string {
  const known = printed.get(atMs);
  if (known !== undefined) return known;
  const text = new Date(atMs).toISOString().replace('.000Z', 'Z');
  if (printed.size >= MOST_PRINTED) printed.clear();
  printed.set(atMs, text);
  return text;
}

/** Parses what HubSpot accepts for a datetime: epoch milliseconds, or ISO 8601 with a zone. */
export function parseDatetime(text: string): number | undefined {
  if (/^-?\d{1,16}$/.test(text)) return inRange(Number(text));
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return inRange(Date.parse(text));
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/.test(text))
    return inRange(Date.parse(text));
  return undefined;
}

/** Parses a date: `YYYY-MM-DD`, or epoch milliseconds that are a midnight in UTC. */
export function parseDate(text: string): number | undefined {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const ms = Date.parse(text);
    return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text ? undefined : ms;
  }
  const ms = parseDatetime(text);
  return ms !== undefined && ms % 86_400_000 === 0 ? ms : undefined;
}

function inRange(ms: number): number | undefined {
  return Math.abs(ms) <= 8.64e15 ? ms : undefined;
}

/** By time zone: making one costs more than a call of the API. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, made);
  return made;
}

/** Offset of a time zone at an instant, in milliseconds east of UTC. */
export function zoneOffsetMs(timeZone: string, atMs: number): number {
  const parts = formatOf(timeZone).formatToParts(atMs);
  const field = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const local = Date.UTC(
    field('year'),
    field('month') - 1,
    field('day'),
    field('hour'),
    field('minute'),
    field('second'),
  );
  return local - Math.floor(atMs / 1000) * 1000;
}

/** The calendar day in a time zone, as `YYYY-MM-DD`. */
export function dayIn(timeZone: string, atMs: number): string {
  return new Date(atMs + zoneOffsetMs(timeZone, atMs)).toISOString().slice(0, 10);
}
