import * as v from 'valibot';
import type { Fact } from '../scoring/facts.ts';
import { asText } from '../scoring/values.ts';
import {
  factKey,
  type Heard,
  type Hearing,
  implausible,
  type ReadingContext,
  type Subject,
} from './heard.ts';
import { kindOf, type Observation, observe, observeSnapshot, PROPERTY_NAME } from './property-facts.ts';
import { complaintOf, EmailAddress, Instant, RecordId, SignalName } from './signals.ts';

/** Most versions of one property that HubSpot's default body may bring. HubSpot keeps about 45. */
const VERSIONS = 100;

const blankAsAbsent = <T extends v.GenericSchema>(schema: T) =>
  v.optional(
    v.union([
      v.pipe(
        v.union([v.null(), v.literal('')]),
        v.transform(() => undefined),
      ),
      schema,
    ]),
  );

/** The body a customer writes in the workflow: `docs/workflow-webhook.md` has the template. Other keys are properties. */
const OwnBody = v.looseObject({
  workflowId: blankAsAbsent(RecordId),
  /** An id of what happened, if the customer has one. */
  id: blankAsAbsent(v.union([v.string(), v.number(), v.bigint()])),
  contactId: blankAsAbsent(RecordId),
  hs_object_id: blankAsAbsent(RecordId),
  email: blankAsAbsent(EmailAddress),
  signal: blankAsAbsent(SignalName),
  time: blankAsAbsent(Instant),
  properties: v.optional(v.record(v.string(), v.unknown()), {}),
});
type OwnBody = v.InferOutput<typeof OwnBody>;

const Version = v.looseObject({ value: v.unknown(), timestamp: v.number() });
/** HubSpot's default body: the whole contact in its legacy form, with the history of every property. */
const LegacyBody = v.looseObject({
  vid: RecordId,
  'portal-id': v.optional(RecordId),
  properties: v.record(
    v.string(),
    v.looseObject({
      value: v.unknown(),
      timestamp: v.optional(v.number()),
      versions: v.optional(v.pipe(v.array(Version), v.maxLength(VERSIONS))),
    }),
  ),
});
type LegacyBody = v.InferOutput<typeof LegacyBody>;

/**
 * Reads the body of a workflow's "Send a webhook": the customer's own, or HubSpot's default one.
 *
 * @param raw - the body as received: with nothing better in it, equal bodies are one fact
 */
export function readWorkflow(body: unknown, raw: Uint8Array, context: ReadingContext): Hearing {
  const isLegacy = typeof body === 'object' && body !== null && Object.hasOwn(body, 'vid');
  const said = isLegacy ? readLegacy(body, context) : readOwn(body, raw, context);
  if (typeof said === 'string') return { heard: [], rejected: [{ reason: said, event: body }], dropped: [] };
  if (said === undefined) return { heard: [], rejected: [], dropped: ['another portal'] };
  return { heard: [said], rejected: [], dropped: [] };
}

function readOwn(content: unknown, raw: Uint8Array, context: ReadingContext): Heard | string {
  const parsed = v.safeParse(OwnBody, content);
  if (!parsed.success) return `the workflow's body: ${complaintOf(parsed.issues[0])}`;
  const body = parsed.output;
  const subject = subjectOf(body);
  if (subject === undefined) return "the workflow's body names neither contactId nor email";
  const atMs = body.time ?? context.receivedAtMs;
  const problem = implausible(atMs, context.receivedAtMs);
  if (problem !== undefined) return problem;
  const snapshot = observeSnapshot(propertiesOf(body), subject, atMs, context);
  const fact = signalOf(body, subject, raw, atMs, context);
  return {
    subject,
    facts: fact === undefined ? snapshot.facts : [...snapshot.facts, fact],
    properties: snapshot.properties,
  };
}

function subjectOf({ contactId, hs_object_id, email }: OwnBody): Subject | undefined {
  const id = contactId ?? hs_object_id;
  if (id !== undefined) return { type: 'contact', id };
  return email === undefined ? undefined : { type: 'email', email };
}

/** The signal a workflow names, known by the customer's id or time, else by contact and body. */
function signalOf(
  { workflowId = '', id, signal, time }: OwnBody,
  subject: Subject,
  raw: Uint8Array,
  atMs: number,
  { portalId }: ReadingContext,
): Fact | undefined {
  if (signal === undefined) return undefined;
  const who = subject.type === 'email' ? subject.email.toLowerCase() : subject.id;
  const what =
    id === undefined && time === undefined ? Buffer.from(raw).toString('base64') : `${signal} ${id ?? time}`;
  const key = factKey(portalId, 'workflow', workflowId, who, what);
  const isTimeUnknown = time === undefined;
  return { key, name: `signal:${signal}`, occurredAtMs: atMs, ...(isTimeUnknown && { isTimeUnknown }) };
}

const NOT_PROPERTIES = new Set([
  'workflowId',
  'id',
  'contactId',
  'hs_object_id',
  'signal',
  'time',
  'properties',
]);

/** All other keys of the body, and those under `properties`: what the contact is, as of the body's time. */
function propertiesOf(body: OwnBody): [string, unknown][] {
  return [
    ...Object.entries(body).filter(([name]) => !NOT_PROPERTIES.has(name)),
    ...Object.entries(body.properties),
  ];
}

function readLegacy(content: unknown, context: ReadingContext): Heard | string | undefined {
  const parsed = v.safeParse(LegacyBody, content);
  if (!parsed.success) return `HubSpot's default workflow body: ${complaintOf(parsed.issues[0])}`;
  const body = parsed.output;
  if (body['portal-id'] !== undefined && body['portal-id'] !== context.portalId) return undefined;
  const observed = Object.entries(body.properties)
    .filter(([property]) => PROPERTY_NAME.test(property))
    .flatMap(([property, given]) => observations(body.vid, property, given, context))
    .filter(({ atMs }) => implausible(atMs, context.receivedAtMs) === undefined)
    .map((seen) => observe(context.model, seen));
  return {
    subject: { type: 'contact', id: body.vid },
    facts: observed.flatMap(({ facts }) => facts),
    properties: observed.flatMap(({ properties }) => properties),
  };
}

/** Each version is a change at its own time; without versions the value is what stands there now. */
function observations(
  objectId: string,
  property: string,
  said: LegacyBody['properties'][string],
  { model, portalId, receivedAtMs }: ReadingContext,
): Observation[] {
  const about = { portalId, objectType: 'contact', objectId, property };
  const versions = kindOf(model, property) === 'value' ? said.versions?.slice(0, 1) : said.versions;
  if (versions === undefined || versions.length === 0) {
    const value = asText(said.value) ?? '';
    return [{ ...about, value, atMs: said.timestamp ?? receivedAtMs, as: 'state' }];
  }
  return versions.map((version) => ({
    ...about,
    value: asText(version.value) ?? '',
    atMs: version.timestamp,
    as: 'change' as const,
  }));
}
