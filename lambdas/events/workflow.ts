import * as v from 'valibot';
import type { Fact } from '../scoring/facts.ts';
import type { Model } from '../scoring/model.ts';
import { PROPERTY_NAME } from '../scoring/model-file.ts';
import { asText } from '../scoring/values.ts';
import { complaintOf, EmailAddress, EpochMs, Instant, nullAsAbsent, RecordId, SignalName } from './fields.ts';
import {
  ANOTHER_PORTAL,
  factKey,
  type Heard,
  type Hearing,
  implausible,
  type ReadingContext,
  type Rejected,
  rejected,
  type Subject,
} from './heard.ts';
import { kindOf, modelInputs, type Observation, observe, observeSnapshot } from './property-facts.ts';
import { PROPERTIES_PER_SIGNAL } from './signals.ts';

/** Most versions of one property that HubSpot's default body may bring. HubSpot keeps about 45. */
const VERSIONS = 100;

/** Empty properties of a contact reach a workflow's body as empty text. */
const blankAsAbsent = <T extends v.GenericSchema>(schema: T) =>
  nullAsAbsent(
    v.union([
      v.pipe(
        v.literal(''),
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
  properties: nullAsAbsent(v.record(v.string(), v.unknown())),
});
type OwnBody = v.InferOutput<typeof OwnBody>;

/** HubSpot's default body: the whole contact in its legacy form, with the history of every property. */
const LegacyBody = v.looseObject({
  vid: RecordId,
  'portal-id': nullAsAbsent(RecordId),
  properties: v.record(v.string(), v.unknown()),
});
const LegacyProperty = v.looseObject({
  value: v.optional(v.unknown()),
  timestamp: nullAsAbsent(EpochMs),
  versions: nullAsAbsent(
    v.pipe(
      v.array(v.unknown()),
      v.maxLength(VERSIONS, `expected at most ${VERSIONS} versions`), // Before each is looked at.
      v.array(v.looseObject({ value: v.optional(v.unknown()), timestamp: EpochMs })),
    ),
  ),
});
type LegacyProperty = v.InferOutput<typeof LegacyProperty>;

/**
 * Reads the body of a workflow's "Send a webhook": the customer's own, or HubSpot's default one.
 *
 * @param raw - the body as received: with nothing better in it, equal bodies are one fact
 */
export function readWorkflow(body: unknown, raw: Uint8Array, context: ReadingContext): Hearing {
  const isLegacy = typeof body === 'object' && body !== null && Object.hasOwn(body, 'vid');
  if (isLegacy) return readLegacy(body, context);
  const said = readOwn(body, raw, context);
  if ('reason' in said) return { heard: [], rejected: [rejected(said.kind, said.reason, body)], dropped: [] };
  return { heard: [said], rejected: [], dropped: [] };
}

function readOwn(
  content: unknown,
  raw: Uint8Array,
  context: ReadingContext,
): Heard | Pick<Rejected, 'kind' | 'reason'> {
  const parsed = v.safeParse(OwnBody, content);
  if (!parsed.success)
    return { kind: 'body', reason: `the workflow's body: ${complaintOf(parsed.issues[0])}` };
  const body = parsed.output;
  const subject = subjectOf(body);
  if (subject === undefined)
    return { kind: 'body', reason: "the workflow's body names neither contactId nor email" };
  const properties = propertiesOf(body);
  if (properties.length > PROPERTIES_PER_SIGNAL)
    return {
      kind: 'body',
      reason: `the workflow's body: expected at most ${PROPERTIES_PER_SIGNAL} properties`,
    };
  const atMs = body.time ?? context.receivedAtMs;
  const problem = implausible(atMs, context.receivedAtMs);
  if (problem !== undefined) return { kind: 'time', reason: problem };
  const snapshot = observeSnapshot(properties, subject, atMs, context);
  const fact = signalOf(body, subject, raw, atMs, context);
  return {
    subject,
    facts: fact === undefined ? snapshot.facts : [...snapshot.facts, fact],
    properties: snapshot.properties,
  };
}

/** A workflow knows nothing of browsers. */
type Named = Exclude<Subject, { readonly type: 'visitor' }>;

function subjectOf({ contactId, hs_object_id, email }: OwnBody): Named | undefined {
  const id = contactId ?? hs_object_id;
  if (id !== undefined) return { type: 'contact', id };
  return email === undefined ? undefined : { type: 'email', email };
}

/** The signal a workflow names, known by the customer's id or time, else by contact and body. */
function signalOf(
  { workflowId = '', id, signal, time }: OwnBody,
  subject: Named,
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
  'email', // Names the contact; the table knows addresses by their HMAC only.
  'properties',
]);

/** All other keys of the body, and those under `properties`: what the contact is, as of the body's time. */
function propertiesOf(body: OwnBody): [string, unknown][] {
  return [
    ...Object.entries(body).filter(([name]) => !NOT_PROPERTIES.has(name)),
    ...Object.entries(body.properties ?? {}),
  ];
}

/** The whole contact comes; names and telephone numbers that no rule reads are not kept. */
function isOfUse(model: Model, property: string): boolean {
  return kindOf(model, property) !== 'value' || modelInputs(model).includes(property);
}

/** Each property on its own merits: one that cannot be read does not stop the others. */
function readLegacy(content: unknown, context: ReadingContext): Hearing {
  const parsed = v.safeParse(LegacyBody, content);
  if (!parsed.success) {
    const reason = `HubSpot's default workflow body: ${complaintOf(parsed.issues[0])}`;
    return { heard: [], rejected: [rejected('body', reason, content)], dropped: [] };
  }
  const { vid: id, properties, 'portal-id': portalId = context.portalId } = parsed.output;
  if (portalId !== context.portalId) return { heard: [], rejected: [], dropped: [ANOTHER_PORTAL] };
  const observed: ReturnType<typeof observe>[] = [];
  const refused: Rejected[] = [];
  for (const [property, given] of Object.entries(properties)) {
    if (!PROPERTY_NAME.test(property) || !isOfUse(context.model, property)) continue;
    for (const seen of observations(id, property, given, context)) {
      const reason = typeof seen === 'string' ? seen : implausible(seen.atMs, context.receivedAtMs);
      if (typeof seen !== 'string' && reason === undefined) observed.push(observe(context.model, seen));
      else
        refused.push(
          rejected(
            typeof seen === 'string' ? 'event' : 'time',
            `a property of HubSpot's default workflow body: ${reason}`,
            { id, property, given },
          ),
        );
    }
  }
  const heard = {
    subject: { type: 'contact', id } as const,
    facts: observed.flatMap(({ facts }) => facts),
    properties: observed.flatMap((each) => each.properties),
  };
  return { heard: [heard], rejected: refused, dropped: [] };
}

/**
 * Each version is a change at its own time; without versions the value is what stands there now.
 *
 * @returns what was seen, or what is wrong with it
 */
function observations(
  objectId: string,
  property: string,
  given: unknown,
  { model, portalId, receivedAtMs }: ReadingContext,
): (Observation | string)[] {
  const parsed = v.safeParse(LegacyProperty, given);
  if (!parsed.success) return [complaintOf(parsed.issues[0])];
  const { versions = [], value: current, timestamp = receivedAtMs } = parsed.output;
  const about = { portalId, objectType: 'contact', objectId, property };
  const seen = (raw: unknown, atMs: number, as: 'state' | 'change'): Observation | string => {
    const value = asText(raw);
    return value === undefined
      ? 'expected text, a number, true, false or null'
      : { ...about, value, atMs, as };
  };
  if (versions.length === 0) return [seen(current, timestamp, 'state')];
  const newestFirst = versions.toSorted((a, b) => b.timestamp - a.timestamp);
  const telling = kindOf(model, property) === 'value' ? newestFirst.slice(0, 1) : newestFirst;
  return telling.map((version) => seen(version.value, version.timestamp, 'change'));
}
