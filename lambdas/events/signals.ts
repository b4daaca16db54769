import * as v from 'valibot';
import { PROPERTY_NAME } from '../scoring/model-file.ts';
import { complaintOf, EmailAddress, Instant, RecordId, SignalName } from './fields.ts';

/** Most signals of one request to `/signals`. */
const SIGNALS_PER_REQUEST = 100;
/** Most properties one signal or workflow body may set. */
const PROPERTIES_PER_SIGNAL = 100;

const Properties = v.pipe(
  v.record(
    v.pipe(v.string(), v.regex(PROPERTY_NAME, 'expected a property name')),
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
