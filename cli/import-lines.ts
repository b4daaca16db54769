import type { Readable } from 'node:stream';
import * as v from 'valibot';
import {
  complaintOf,
  EmailAddress,
  Instant,
  RecordId,
  SignalName,
  VisitorId,
} from '../lambdas/events/fields.ts';
import { factKey, implausible } from '../lambdas/events/heard.ts';
import type { Fact } from '../lambdas/scoring/facts.ts';
import { SeenVisit, TOUCH } from '../lambdas/scoring/touches.ts';
import type { Format } from './export.ts';
import { csvRows, jsonRows } from './import-rows.ts';
import { FACT_COLUMNS, type Whose } from './table-lines.ts';

const DAY_MS = 86_400_000;

/** Whose a fact of an import is: as it was exported, or as somebody else knows it. */
export type WhoseImport = Whose | { readonly email: string };

/** A line that says what happened. */
export interface FactRead {
  readonly line: number;
  readonly whose: WhoseImport;
  /** The fact; one without an id of its own is known by the partition it is kept in, among others. */
  readonly factIn: (partition: string) => Fact;
}

/** What a line is: a fact, one that is wrong, or what is passed over: a score, which is reckoned from facts, or a fact too old to be kept. */
export type LineRead =
  | FactRead
  | { readonly line: number; readonly problem: string }
  | { readonly line: number; readonly passedOver: 'score' | 'expired' };

/** What reading a line needs to know besides it. */
export interface ImportContext {
  readonly portalId: string;
  readonly nowMs: number;
  readonly factRetentionDays: number;
}

/** As HubSpot's properties are kept: `observe` cuts what is longer. */
const LONGEST_VALUE = 1024;
/** A visit is its parts, each of which is cut, as JSON. */
const LONGEST_VISIT = 4096;
const Count = v.pipe(
  v.union(
    [v.number(), v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number))],
    'expected a whole number',
  ),
  v.integer('expected a whole number'),
  v.minValue(0, 'expected a whole number from 0'),
);
const Truth = v.optional(
  v.pipe(
    v.union([v.boolean(), v.picklist(['true', 'false'])], 'expected true or false'),
    v.transform((given) => given === true || given === 'true'),
  ),
  false,
);

/** A fact as `afterglow export` writes it. */
const ExportedFields = v.strictObject({
  kind: v.optional(v.literal('fact', 'expected fact or score')),
  portal_id: v.optional(RecordId),
  contact_id: v.optional(RecordId),
  address_key: v.optional(
    v.pipe(v.string(), v.regex(/^[\w-]{43}$/, 'expected the key of an address, as it was exported')),
  ),
  fact_id: v.pipe(v.string(), v.regex(/^[\w-]{22}$/, 'expected the id of a fact, as it was exported')),
  name: v.pipe(
    v.string(),
    v.regex(
      /^(?:touch|property:[a-z][a-z0-9_]{0,99}|signal:[a-z][a-z0-9._-]{0,79}|event:[a-z][a-z_.]{0,79})$/,
      'expected touch, or property:, signal: or event: and a name, as it was exported',
    ),
  ),
  occurred_at: Instant,
  value: v.optional(
    v.pipe(v.string(), v.maxLength(LONGEST_VISIT, `expected at most ${LONGEST_VISIT} characters`)),
  ),
  record_id: v.optional(RecordId),
  is_baseline: Truth,
  is_time_unknown: Truth,
  visitor_id: v.optional(VisitorId),
});
const Visit = v.pipe(v.string(), v.parseJson(), SeenVisit);
const ExportedFact = v.pipe(
  ExportedFields,
  v.check(
    ({ name, value }) => name !== TOUCH || v.is(Visit, value),
    'value: expected a visit, as it was exported',
  ),
  v.check(
    ({ name, value = '' }) => name === TOUCH || value.length <= LONGEST_VALUE,
    `value: expected at most ${LONGEST_VALUE} characters`,
  ),
);

/** A signal of the customer's own history. */
const OwnSignal = v.strictObject({
  contact_id: v.optional(RecordId),
  email: v.optional(EmailAddress),
  signal: SignalName,
  occurred_at: Instant,
  id: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(200, 'expected at most 200 characters'))),
  index: v.optional(Count, 0),
});

const EXPORTED_COLUMNS: readonly string[] = Object.keys(FACT_COLUMNS);
const OWN_COLUMNS: readonly string[] = Object.keys(OwnSignal.entries);

/**
 * Reads the lines of an import, one after the other; what is wrong with one says where it stands and what was expected, and quotes
 * nothing of it.
 *
 * @throws UsageError where what follows cannot be read either
 */
export async function* readImport(
  input: Readable,
  format: Format,
  context: ImportContext,
): AsyncGenerator<LineRead> {
  const rows = format === 'csv' ? csvRows(input, columnsFor) : jsonRows(input);
  const ids: Ids = new Map();
  for await (const { line, given, problem } of rows)
    yield problem === undefined ? readLine(line, given, context, ids) : { line, problem };
}

/** Those that a file of exported facts may have, or one of somebody's own history. */
function columnsFor(names: readonly string[]): readonly string[] {
  return names.includes('fact_id') ? EXPORTED_COLUMNS : OWN_COLUMNS;
}

const Kind = v.object({ kind: v.optional(v.string()), fact_id: v.optional(v.string()) });

function readLine(line: number, given: unknown, context: ImportContext, ids: Ids): LineRead {
  const filled = v.safeParse(v.record(v.string(), v.unknown()), given);
  if (!filled.success || Array.isArray(given)) return { line, problem: 'expected an object' };
  // What is null, or empty as CSV has it, is not there.
  const fields = Object.fromEntries(
    Object.entries(filled.output).filter(([, value]) => value !== null && value !== ''),
  );
  const kind = v.safeParse(Kind, fields);
  if (kind.success && kind.output.kind === 'score') return { line, passedOver: 'score' };
  const isExported = kind.success && kind.output.fact_id !== undefined;
  const read = isExported ? readExported(fields, context) : readOwn(line, fields, context, ids);
  return { line, ...read };
}

/** Ids of the customer's own that are remembered: a column that holds no ids of events is noticed long before. */
const MOST_IDS = 100_000;
/** By whose and what id, what a line said under it first. */
type Ids = Map<string, { readonly line: number; readonly said: string }>;

/** Of events with one id only the first would count. @returns the line that says something else under the same id of the same contact */
function lineOfAnother(ids: Ids, line: number, { id, index, ...event }: v.InferOutput<typeof OwnSignal>) {
  const { contact_id: contactId, email = '', signal, occurred_at: occurredAtMs } = event;
  const key = JSON.stringify([contactId ?? email.toLowerCase(), id, index]);
  const said = JSON.stringify([signal, occurredAtMs]);
  const first = ids.get(key);
  if (first === undefined && ids.size < MOST_IDS) ids.set(key, { line, said });
  return first === undefined || first.said === said ? undefined : first.line;
}

type Read = Omit<FactRead, 'line'> | { readonly problem: string } | { readonly passedOver: 'expired' };

function readExported(fields: unknown, { portalId, ...times }: ImportContext): Read {
  const parsed = v.safeParse(ExportedFact, fields);
  if (!parsed.success) return { problem: complaintsOf(parsed.issues) };
  const {
    contact_id: contactId,
    address_key: addressKey,
    visitor_id: visitorId,
    portal_id: from = portalId,
    ...fact
  } = parsed.output;
  if (from !== portalId)
    return {
      problem: `portal_id: expected ${portalId}, the portal of this system: contacts of another have other ids`,
    };
  const whose = [
    contactId === undefined ? [] : { contactId },
    addressKey === undefined ? [] : { addressKey },
    visitorId === undefined ? [] : { visitorId },
  ].flat();
  const [only] = whose;
  if (only === undefined || whose.length > 1)
    return { problem: 'expected one of contact_id, address_key and visitor_id' };
  const untimely = untimeliness(fact.occurred_at, times);
  // Visits are kept for good.
  const isExpired = untimely !== undefined && 'passedOver' in untimely;
  if (untimely !== undefined && !(isExpired && fact.name === TOUCH)) return untimely;
  const whole: Fact = {
    key: fact.fact_id,
    name: fact.name,
    occurredAtMs: fact.occurred_at,
    ...(fact.value !== undefined && { value: fact.value }),
    ...(fact.record_id !== undefined && { record: fact.record_id }),
    ...(fact.is_baseline && { baseline: true }),
    ...(fact.is_time_unknown && { isTimeUnknown: true }),
  };
  return {
    whose: only,
    factIn: () => whole,
  };
}

function readOwn(line: number, fields: unknown, { portalId, ...times }: ImportContext, ids: Ids): Read {
  const parsed = v.safeParse(OwnSignal, fields);
  if (!parsed.success) return { problem: complaintsOf(parsed.issues) };
  const { contact_id: contactId, email, signal, occurred_at: occurredAtMs, id, index } = parsed.output;
  if ((contactId === undefined) === (email === undefined))
    return { problem: 'expected either contact_id or email' };
  const untimely = untimeliness(occurredAtMs, times);
  if (untimely !== undefined) return untimely;
  const other = id === undefined ? undefined : lineOfAnother(ids, line, parsed.output);
  if (other !== undefined)
    return {
      problem: `id: line ${other} has it for another event of the same contact: give each its own, or an index`,
    };
  const name = `signal:${signal}`;
  // With an id it is the very fact that `/signals` makes of that message. Without one, what is said is all that there is to know it by.
  const keyIn = (partition: string) =>
    id === undefined
      ? factKey(portalId, 'import', partition, name, occurredAtMs)
      : factKey(portalId, 'signals', id, index);
  return {
    whose: contactId === undefined ? { email: email ?? '' } : { contactId },
    factIn: (partition) => ({ key: keyIn(partition), name, occurredAtMs }),
  };
}

/**
 * What is made of a time at which nothing can have happened, or so long ago that it would not be kept; undefined of any other. An export
 * has facts of the second kind: they grow older in the file, and the table loses its own only some days after their time.
 */
function untimeliness(
  occurredAtMs: number,
  { nowMs, factRetentionDays }: Omit<ImportContext, 'portalId'>,
): { readonly problem: string } | { readonly passedOver: 'expired' } | undefined {
  const reason = implausible(occurredAtMs, nowMs);
  if (reason !== undefined) return { problem: `occurred_at: ${reason.replace('its receipt', 'now')}` };
  return nowMs - occurredAtMs >= factRetentionDays * DAY_MS ? { passedOver: 'expired' } : undefined;
}

function complaintsOf(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues
    .map((issue) =>
      complaintOf(issue)
        .replace(/^\./, '')
        .replace(/^the body: /, ''),
    )
    .join('; ');
}
