import * as v from 'valibot';
import { PROPERTY_NAME } from '../scoring/model-file.ts';
import {
  complaintOf,
  EmailAddress,
  Instant,
  PageUrl,
  RecordId,
  Referrer,
  SignalName,
  VisitorId,
} from './fields.ts';

/** Most signals of one request to `/signals`. */
const SIGNALS_PER_REQUEST = 100;
/** Most properties one signal or workflow body may set. */
export const PROPERTIES_PER_SIGNAL = 100;

const Properties = v.pipe(
  v.record(v.string(), v.unknown()), // Counted first: a complaint about each of many is longer than an answer may be.
  v.maxEntries(PROPERTIES_PER_SIGNAL, `expected at most ${PROPERTIES_PER_SIGNAL} properties`),
  v.record(
    v.pipe(v.string(), v.regex(PROPERTY_NAME, 'expected a property name')),
    v.union(
      [v.string(), v.number(), v.bigint(), v.boolean(), v.null()],
      'expected text, a number, true, false or null',
    ),
  ),
);

/** Of contact and e-mail address exactly one. */
const EITHER = 'expected either contactId or email';

const Signal = v.pipe(
  v.strictObject({
    signal: SignalName,
    occurredAt: Instant,
    contactId: v.optional(RecordId),
    email: v.optional(EmailAddress),
    properties: v.optional(Properties, {}),
  }),
  v.check(({ contactId, email }) => (contactId === undefined) !== (email === undefined), EITHER),
);

/** One of the company's own events about a contact, as posted to `/signals`. */
export type Signal = v.InferOutput<typeof Signal>;

/** Longest user agent that is read, in characters. */
const USER_AGENT_LENGTH = 1_024;

const VisitSignal = v.pipe(
  v.strictObject({
    signal: v.literal('session'),
    occurredAt: Instant,
    visitorId: v.optional(VisitorId),
    contactId: v.optional(RecordId),
    email: v.optional(EmailAddress),
    sessionId: v.optional(VisitorId),
    url: PageUrl,
    referrer: v.optional(Referrer),
    userAgent: v.optional(
      v.pipe(v.string(), v.maxLength(USER_AGENT_LENGTH, `expected at most ${USER_AGENT_LENGTH} characters`)),
    ),
  }),
  v.check(
    ({ visitorId, contactId, email }) => [visitorId, contactId, email].some((id) => id !== undefined),
    'expected a visitorId, a contactId or an email',
  ),
  v.check(({ contactId, email }) => contactId === undefined || email === undefined, EITHER),
  v.check(
    ({ visitorId, sessionId }) => sessionId === undefined || visitorId !== undefined,
    'expected the visitorId beside its sessionId',
  ),
);

/** A visit that one of the company's own servers saw. */
export type VisitSignal = v.InferOutput<typeof VisitSignal>;

const IdentifySignal = v.pipe(
  v.strictObject({
    signal: v.literal('identify'),
    occurredAt: Instant,
    visitorId: VisitorId,
    contactId: v.optional(RecordId),
    email: v.optional(EmailAddress),
  }),
  v.check(({ contactId, email }) => (contactId === undefined) !== (email === undefined), EITHER),
);

/** Whose a browser is. */
export type IdentifySignal = v.InferOutput<typeof IdentifySignal>;

export type AnySignal = Signal | VisitSignal | IdentifySignal;

/** Names that mean the same in every model. */
const RESERVED: ReadonlyMap<unknown, typeof VisitSignal | typeof IdentifySignal> = new Map<
  unknown,
  typeof VisitSignal | typeof IdentifySignal
>([
  ['session', VisitSignal],
  ['identify', IdentifySignal],
]);

const Signals = v.pipe(
  v.array(v.unknown()),
  v.minLength(1, 'expected at least one signal'),
  v.maxLength(SIGNALS_PER_REQUEST, `expected at most ${SIGNALS_PER_REQUEST} signals in one request`),
  v.array(v.lazy((given) => RESERVED.get(nameOf(given)) ?? Signal)),
);

function nameOf(given: unknown): unknown {
  return typeof given === 'object' && given !== null && 'signal' in given ? given.signal : undefined;
}

/**
 * Reads the body of `/signals`: one signal, or up to 100 in an array.
 *
 * @returns the signals, or every problem with its place, as `[3].occurredAt: expected …`
 */
export function readSignals(
  body: unknown,
): { readonly signals: AnySignal[] } | { readonly problems: string[] } {
  const parsed = v.safeParse(Signals, Array.isArray(body) ? body : [body]);
  if (parsed.success) return { signals: parsed.output };
  return { problems: parsed.issues.map(complaintOf) };
}
