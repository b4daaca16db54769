/** HubSpot sends and returns every value as text; workflow bodies may carry numbers and booleans. Kept facts hold text. */

const DATE_LENGTH = 'YYYY-MM-DD'.length;
/** Epoch milliseconds have 12 or 13 digits between 1973 and 2286; shorter digits are not an instant. */
const EPOCH_MS = /^-?\d{9,15}$/;
const ISO = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/;

/**
 * A value from outside as the text that is kept.
 *
 * @returns trimmed text; `''` for null, undefined, empty text and numbers that are not finite; undefined for objects and arrays
 */
export function asText(value: unknown): string | undefined {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return undefined;
}

/** The number a text means; undefined when it is none or not finite. HubSpot writes no thousands separators. */
export function asNumber(text: string): number | undefined {
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** The boolean a text means: `true` or `1`, `false` or `0`, in any letter case; undefined otherwise. */
export function asBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === '1') return true;
  if (lower === 'false' || lower === '0') return false;
  return undefined;
}

/**
 * The instant a text means: epoch milliseconds, an ISO 8601 date (midnight UTC) or an ISO 8601 date and time with a zone.
 *
 * @returns epoch milliseconds, or undefined when it is no instant
 */
export function asInstant(text: string): number | undefined {
  if (EPOCH_MS.test(text)) return Number(text);
  if (!ISO.test(text)) return undefined;
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) return undefined;
  // Date.parse turns 30 February into 2 March; such a date is a mistake, not an instant.
  const day = new Date(`${text.slice(0, DATE_LENGTH)}T00:00:00Z`);
  return day.toISOString().startsWith(text.slice(0, DATE_LENGTH)) ? ms : undefined;
}
