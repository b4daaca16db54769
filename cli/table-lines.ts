import type { Fact } from '../lambdas/scoring/facts.ts';
import type { Head } from '../lambdas/store/rows.ts';

/** How a column is loaded: `text`, `number` (decimal, three places), `boolean`, or `timestamp` (ISO 8601, UTC, milliseconds). */
export type ColumnType = 'text' | 'number' | 'boolean' | 'timestamp';

/**
 * The columns of a fact, in their order. Names and meanings stay; what is added comes behind.
 *
 * @see docs/data.md - what they mean, and tables to load them into
 */
export const FACT_COLUMNS = {
  kind: 'text',
  portal_id: 'text',
  contact_id: 'text',
  address_key: 'text',
  fact_id: 'text',
  name: 'text',
  occurred_at: 'timestamp',
  value: 'text',
  record_id: 'text',
  is_baseline: 'boolean',
  is_time_unknown: 'boolean',
  visitor_id: 'text',
} as const satisfies Readonly<Record<string, ColumnType>>;

/** The columns of a score, likewise. */
export const SCORE_COLUMNS = {
  kind: 'text',
  portal_id: 'text',
  contact_id: 'text',
  score: 'number',
  fit_score: 'number',
  engagement_score: 'number',
  grade: 'text',
  status: 'text',
  model: 'text',
  reasons: 'text',
  scored_at: 'timestamp',
  last_signal_at: 'timestamp',
  write_id: 'text',
  is_confirmed: 'boolean',
  is_deleted: 'boolean',
} as const satisfies Readonly<Record<string, ColumnType>>;

/** A value of a type; null where there is none. */
type Cell<Type extends ColumnType> = Type extends 'number'
  ? number
  : Type extends 'boolean'
    ? boolean
    : string;
type LineOf<Columns extends Readonly<Record<string, ColumnType>>> = {
  readonly [Name in keyof Columns]: Cell<Columns[Name]> | null;
};
export type FactLine = LineOf<typeof FACT_COLUMNS>;
export type ScoreLine = LineOf<typeof SCORE_COLUMNS>;

/** Whose a fact is. */
export type Whose =
  | { readonly contactId: string }
  | { readonly addressKey: string }
  | { readonly visitorId: string };

/**
 * A fact as a line.
 *
 * @param whose - the contact, or the key of an address or the id of a browser that nobody is known by yet
 */
export function factLine(
  portalId: string,
  whose: Whose,
  { key, name, occurredAtMs, value, record, baseline, isTimeUnknown }: Fact,
): FactLine {
  return {
    kind: 'fact',
    portal_id: portalId,
    contact_id: 'contactId' in whose ? whose.contactId : null,
    address_key: 'addressKey' in whose ? whose.addressKey : null,
    fact_id: key,
    name,
    occurred_at: instantText(occurredAtMs),
    value: value ?? null,
    record_id: record ?? null,
    is_baseline: baseline === true,
    is_time_unknown: isTimeUnknown === true,
    visitor_id: 'visitorId' in whose ? whose.visitorId : null,
  };
}

/** A score as a line; undefined for a contact that has none of its own: merged away, erased, or never scored. */
export function scoreLine(portalId: string, contactId: string, head: Head): ScoreLine | undefined {
  const { shown, alias, life, shownAtMs, lastSignalAtMs, writeId, confirmedWriteId } = head;
  if (shown === undefined || alias !== undefined || life === 'erased') return undefined;
  return {
    kind: 'score',
    portal_id: portalId,
    contact_id: contactId,
    score: shown.score,
    fit_score: shown.fit,
    engagement_score: shown.engagement,
    grade: textOrNull(shown.grade),
    status: shown.status,
    model: shown.model,
    reasons: textOrNull(shown.reasons),
    scored_at: shownAtMs === undefined ? null : instantText(shownAtMs),
    last_signal_at: lastSignalAtMs === undefined ? null : instantText(lastSignalAtMs),
    write_id: writeId ?? null,
    is_confirmed: writeId !== undefined && writeId === confirmedWriteId,
    is_deleted: life === 'deleted',
  };
}

function instantText(ms: number): string {
  return new Date(ms).toISOString();
}

function textOrNull(text: string): string | null {
  return text === '' ? null : text;
}
