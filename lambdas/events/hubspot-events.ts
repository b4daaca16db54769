import * as v from 'valibot';
import { looksAtDeals, type Model, usesCompanies, usesTouches } from '../scoring/model.ts';
import { PROPERTY_NAME } from '../scoring/model-file.ts';
import { asText } from '../scoring/values.ts';
import { complaintOf, EpochMs, nullAsAbsent, RecordId, VISITOR_ID } from './fields.ts';
import {
  ANOTHER_PORTAL,
  type Arrival,
  factKey,
  type Heard,
  type Hearing,
  implausible,
  type ReadingContext,
  rejected,
  type Subject,
} from './heard.ts';
import { ADDRESSES, isOutput, observe, VISIT_CHANGES, VISITOR_PROPERTY } from './property-facts.ts';

/** Most events of one request. HubSpot sends at most 100, and no body holds more real ones than this. */
const EVENTS_PER_REQUEST = 5_000;

/** What HubSpot puts in the place of a sensitive value. */
const REDACTED = 'REDACTED';

const OBJECT_TYPES: ReadonlyMap<string, 'contact' | 'company' | 'deal'> = new Map([
  ['0-1', 'contact'],
  ['0-2', 'company'],
  ['0-3', 'deal'],
  ['contact', 'contact'],
  ['company', 'company'],
  ['deal', 'deal'],
]);

/** `changeSource` of the event by which `afterglow setup` tries a stack: signed as HubSpot's are, and sent by us. */
export const SETUP_SOURCE = 'AFTERGLOW_SETUP';

const Name = nullAsAbsent(v.string());
const OtherId = nullAsAbsent(RecordId);
const Flag = nullAsAbsent(v.boolean());

/** What is read of an event; whatever else it carries (attempts, subscription, its own id) is no part of what happened. */
const Event = v.looseObject({
  portalId: RecordId,
  occurredAt: EpochMs,
  subscriptionType: Name,
  eventType: Name,
  objectId: OtherId,
  objectTypeId: Name,
  propertyName: Name,
  propertyValue: v.optional(v.unknown()),
  isSensitive: Flag,
  changeSource: v.optional(v.unknown()),
  sourceId: v.optional(v.unknown()),
  newObjectId: OtherId,
  primaryObjectId: OtherId,
  mergedObjectIds: nullAsAbsent(v.pipe(v.array(v.unknown()), v.maxLength(250), v.array(RecordId))),
  fromObjectId: OtherId,
  toObjectId: OtherId,
  fromObjectTypeId: Name,
  toObjectTypeId: Name,
  associationType: Name,
  associationRemoved: Flag,
  isPrimaryAssociation: Flag,
});
type Event = v.InferOutput<typeof Event>;

type Said =
  | { readonly heard: Heard }
  | { readonly rejected: string; readonly kind?: 'time' }
  | { readonly dropped: string };

/** Reads the body of HubSpot's app webhooks: an array of events, each on its own merits. */
export function readHubSpotEvents(body: unknown, context: ReadingContext): Hearing {
  const hearing = {
    heard: [] as Heard[],
    rejected: [] as Hearing['rejected'][number][],
    dropped: [] as string[],
    arrivals: [] as Arrival[],
  };
  const events: readonly unknown[] = Array.isArray(body) ? body : [body];
  if (events.length > EVENTS_PER_REQUEST) {
    const reason = `more than ${EVENTS_PER_REQUEST} events in one request`;
    return { ...hearing, rejected: [rejected('body', reason, body)] }; // As many dead letters would take longer than the queue waits.
  }
  for (const event of events) {
    const { arrival, ...said } = readEvent(event, context);
    if (arrival !== undefined) hearing.arrivals.push(arrival);
    if ('heard' in said) hearing.heard.push(said.heard);
    else if ('dropped' in said) hearing.dropped.push(said.dropped);
    else hearing.rejected.push(rejected(said.kind ?? 'event', said.rejected, event));
  }
  return hearing;
}

function readEvent(content: unknown, context: ReadingContext): Said & { arrival?: Arrival } {
  const parsed = v.safeParse(Event, content);
  if (!parsed.success) {
    if (isOfAnotherPortal(content, context.portalId)) return { dropped: ANOTHER_PORTAL };
    return { rejected: `not an event of HubSpot's: ${complaintOf(parsed.issues[0])}` };
  }
  const event = parsed.output;
  if (event.portalId !== context.portalId) return { dropped: ANOTHER_PORTAL };
  const time = implausible(event.occurredAt, context.receivedAtMs);
  if (time !== undefined) return { rejected: time, kind: 'time' };
  const happened = whatHappened(event);
  const said = readKind(event, happened, context);
  const subscription = subscriptionOf(event, happened);
  const isOurs = event.changeSource === SETUP_SOURCE; // It proves that the way is open, not that HubSpot sends anything.
  return subscription === undefined || isOurs
    ? said
    : { ...said, arrival: { subscription, occurredAtMs: event.occurredAt } };
}

function readKind(event: Event, { type, action }: Happened, context: ReadingContext): Said {
  if (action === 'associationChange') return readAssociation(event, context);
  if (type === undefined) return { dropped: 'an object type without scores' };
  if (action === 'merge') return readMerge(event, type);
  if (event.objectId === undefined) return { rejected: 'objectId is missing' };
  const subject: Subject = { type, id: event.objectId };
  if (action === 'propertyChange') return readChange(event, subject, context);
  return readTurn(event, subject, action);
}

/** What happened, and to which kind of record, whether `contact.*` or `object.*` tells it. */
interface Happened {
  readonly type: 'contact' | 'company' | 'deal' | undefined;
  readonly action: string;
}

function whatHappened({ subscriptionType, eventType, objectTypeId, fromObjectTypeId }: Event): Happened {
  const [object, ...rest] = (subscriptionType ?? eventType ?? '').split('.');
  const action = rest.join('.');
  // An association told by `object.*` names the kinds of its ends; it is heard of the one it begins at.
  const typeId = action === 'associationChange' ? (objectTypeId ?? fromObjectTypeId) : objectTypeId;
  return { type: OBJECT_TYPES.get((object === 'object' ? typeId : object) ?? ''), action };
}

/** The subscription that brought an event, named as `contact.*` and `company.*` are, also where it is one of `object.*`. */
function subscriptionOf({ propertyName }: Event, { type, action }: Happened): string | undefined {
  if (type === undefined) return undefined;
  return action === 'propertyChange' ? `${type}.${action}:${propertyName}` : `${type}.${action}`;
}

/** Also what cannot be read is dropped, not kept, when it belongs to somebody else. */
function isOfAnotherPortal(content: unknown, portalId: string): boolean {
  const parsed = v.safeParse(v.looseObject({ portalId: RecordId }), content);
  return parsed.success && parsed.output.portalId !== portalId;
}

function readChange(
  event: Event,
  subject: Subject & { id: string },
  { model, ownAppIds }: ReadingContext,
): Said {
  const { portalId, propertyName: property, occurredAt: atMs } = event;
  if (property === undefined) return { rejected: 'propertyName is missing' };
  if (!PROPERTY_NAME.test(property)) return { rejected: 'propertyName is not the name of a property' };
  if (property === VISITOR_PROPERTY && subject.type === 'contact') return readVisitor(event, subject, model);
  if (isOutput(property)) return { dropped: 'an output of our own' };
  if (ownAppIds.includes(asText(event.sourceId) ?? '')) return { dropped: 'an echo of our own write' };
  const value = asText(event.propertyValue);
  if (value === undefined) return { rejected: 'propertyValue is neither text, number, true, false nor null' };
  if (event.isSensitive === true || value === REDACTED) return { dropped: 'a sensitive value, redacted' };
  const seen = {
    portalId,
    objectType: subject.type,
    objectId: subject.id,
    property,
    value,
    atMs,
    as: 'change',
  } as const;
  const { facts, properties } = observe(model, seen);
  if (ADDRESSES.includes(property) && subject.type === 'contact')
    return { heard: { subject, facts, properties, turn: { kind: 'address', atMs } } };
  if (VISIT_CHANGES.includes(property) && subject.type === 'contact' && usesTouches(model))
    return { heard: { subject, facts, properties, turn: { kind: 'source', atMs } } };
  if (subject.type !== 'contact' && properties.length === 0)
    return { dropped: 'a property of a company or deal that nothing reads' };
  if (value !== '' && facts.length === 0 && properties.length === 0)
    return { rejected: 'propertyValue does not read as what its property is, a time or a count' };
  return { heard: { subject, facts, properties } };
}

/** Whose browser it is, as a form told HubSpot. Whoever fills in a form can put anything there. */
function readVisitor({ propertyValue, occurredAt: atMs }: Event, subject: Subject, model: Model): Said {
  if (!usesTouches(model)) return { dropped: 'a visitor id, and the model has no attribution' };
  const visitorId = asText(propertyValue)?.trim() ?? '';
  if (!VISITOR_ID.test(visitorId)) return { dropped: 'no visitor id of the snippet' };
  return { heard: { subject, facts: [], properties: [], turn: { kind: 'visitor', atMs, visitorId } } };
}

function readTurn(event: Event, subject: Subject & { id: string }, action: string): Said {
  const { portalId, occurredAt: atMs } = event;
  if (action === 'deletion' || action === 'restore' || action === 'privacyDeletion') {
    return { heard: { subject, facts: [], properties: [], turn: { kind: action, atMs } } };
  }
  if (action !== 'creation') return { dropped: 'an event type without scores' };
  if (subject.type !== 'contact')
    return { heard: { subject, facts: [], properties: [], turn: { kind: 'creation', atMs } } };
  // A record is created once, whether `contact.*` or `object.*` tells it.
  const key = factKey(portalId, subject.type, subject.id, 'creation');
  const fact = { key, name: 'event:contact.creation', occurredAtMs: atMs };
  return { heard: { subject, facts: [fact], properties: [] } };
}

/** A merge makes a new record; the two old ids live on as aliases of it. */
function readMerge(event: Event, type: 'contact' | 'company' | 'deal'): Said {
  const { occurredAt: atMs, newObjectId, primaryObjectId, mergedObjectIds = [], objectId } = event;
  const id = newObjectId ?? primaryObjectId ?? objectId;
  if (id === undefined) return { rejected: 'a merge without newObjectId, primaryObjectId and objectId' };
  const old = [primaryObjectId, objectId, ...mergedObjectIds].filter(
    (other) => other !== undefined && other !== id,
  );
  const oldIds = [...new Set(old)].filter((other) => other !== undefined);
  return {
    heard: { subject: { type, id }, facts: [], properties: [], turn: { kind: 'merge', atMs, oldIds } },
  };
}

function readAssociation(event: Event, { model }: ReadingContext): Said {
  const { portalId, occurredAt: atMs, fromObjectId, toObjectId, associationRemoved = false } = event;
  if (fromObjectId === undefined || toObjectId === undefined)
    return { rejected: 'an association without both its ends' };
  const [from, to] = (event.associationType ?? '').toLowerCase().split('_to_');
  const ends = [
    { type: OBJECT_TYPES.get(event.fromObjectTypeId ?? from ?? ''), id: fromObjectId },
    { type: OBJECT_TYPES.get(event.toObjectTypeId ?? to ?? ''), id: toObjectId },
  ];
  const contact = ends.find((end) => end.type === 'contact');
  const other = ends.find((end) => end.type !== undefined && end.type !== 'contact');
  if (contact === undefined || other === undefined) return { dropped: 'an association without scores' };
  const primary = event.isPrimaryAssociation === true ? 'primary' : 'other';
  const state = associationRemoved ? 'removed' : 'added';
  const key = factKey(
    portalId,
    'contact',
    contact.id,
    'association',
    other.type ?? '',
    other.id,
    primary,
    state,
    atMs,
  );
  const fact = {
    key,
    name: `event:association.${other.type}`,
    occurredAtMs: atMs,
    value: `${state} ${primary} ${other.id}`,
  };
  const isOfUse = other.type === 'company' ? usesCompanies(model) : looksAtDeals(model);
  const heard = { subject: { type: 'contact', id: contact.id } as const, facts: [fact], properties: [] };
  return { heard: isOfUse ? { ...heard, turn: { kind: 'association', atMs } } : heard };
}
