import * as v from 'valibot';
import { asInstant } from '../scoring/values.ts';

/** Most signals of one request to `/signals`. */
const SIGNALS_PER_REQUEST = 100;
/** Most properties one signal or workflow body may set. */
const PROPERTIES_PER_SIGNAL = 100;

/** A HubSpot record id, as text: ids pass 2^53 one day, and numbers would then lose digits. */
export const RecordId = v.pipe(
  v.union([v.string(), v.number(), v.bigint()], 'expected a record id as text or number'),
  v.transform((id) => String(id)),
  v.regex(/^\d{1,20}$/, 'expected a HubSpot record id: digits'),
);
export const EmailAddress = v.pipe(
  v.string(),
  v.trim(),
  v.regex(/^[^\s@]{1,64}@[^\s@]{1,255}$/, 'expected an e-mail address'),
);
export const SignalName = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9._-]{0,79}$/, 'expected a name such as product.login'),
);
/** An instant in any form HubSpot or a customer writes it; as epoch milliseconds. */
export const Instant = v.pipe(
  v.union([v.string(), v.number()], 'expected a time: ISO 8601 with a zone, or epoch milliseconds'),
  v.transform((time) => asInstant(String(time))),
  v.number('expected a time: ISO 8601 with a zone, or epoch milliseconds'),
);
export const Properties = v.pipe(
  v.record(
    v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,99}$/, 'expected a property name')),
    v.union(
      [v.string(), v.number(), v.bigint(), v.boolean(), v.null()],
      'expected text, a number, true, false or null',
    ),
  ),
  v.maxEntries(PROPERTIES_PER_SIGNAL, `expected at most ${PROPERTIES_PER_SIGNAL} properties`),
);

const Signal = v.pipe(
  v.strictObject({
    signal: SignalName,
    occurredAt: Instant,
    contactId: v.optional(RecordId),
    email: v.optional(EmailAddress),
    properties: v.optional(Properties, {}),
  }),
  v.check(
    ({ contactId, email }) => (contactId === undefined) !== (email === undefined),
    'expected either contactId or email',
  ),
);

/** One of the company's own events about a contact, as posted to `/signals`. */
export type Signal = v.InferOutput<typeof Signal>;

const Signals = v.pipe(
  v.array(Signal),
  v.minLength(1, 'expected at least one signal'),
  v.maxLength(SIGNALS_PER_REQUEST, `expected at most ${SIGNALS_PER_REQUEST} signals in one request`),
);

/**
 * Reads the body of `/signals`: one signal, or up to 100 in an array.
 *
 * @returns the signals, or every problem with its place, as `[3].occurredAt: expected …`
 */
export function readSignals(body: unknown): { readonly signals: Signal[] } | { readonly problems: string[] } {
  const parsed = v.safeParse(Signals, Array.isArray(body) ? body : [body]);
  if (parsed.success) return { signals: parsed.output };
  return { problems: parsed.issues.map(complaintOf) };
}

/**
 * An issue in words that can be logged: where it stands and what was expected, never what was found there. Keys that a
 * caller made up are not repeated either.
 */
export function complaintOf(issue: v.BaseIssue<unknown>): string {
  const keys = (issue.path ?? []).map(({ key }) => {
    if (typeof key === 'number') return `[${key}]`;
    return /^[\w-]{1,40}$/.test(String(key)) ? `.${String(key)}` : '.(another key)';
  });
  const wanted = issue.message.startsWith('Invalid')
    ? `expected ${issue.expected ?? 'something else'}`
    : issue.message;
  return `${keys.join('') || 'the body'}: ${wanted}`;
}
