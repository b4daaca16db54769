// Which subscriptions a change concerns, and the events HubSpot then sends.
import type { Change } from './changes.ts';
import { OBJECTS, type ObjectNames, objectTypeOf } from './object-types.ts';
import type { Random } from './random.ts';

/** One event of a webhook request. */
export type WebhookEvent = Readonly<Record<string, string | number | boolean | readonly number[]>>;

export interface Subscription {
  readonly id: number;
  /** `contact`, `company`, `deal`, or `object` for the generic form. */
  readonly family: string;
  readonly action: string;
  /** Type id that a generic subscription is limited to. */
  readonly objectTypeId?: string;
  readonly property?: string;
}

const ACTIONS = new Set([
  'creation',
  'deletion',
  'merge',
  'restore',
  'propertyChange',
  'associationChange',
  'privacyDeletion',
]);
/** Properties to whose changes nobody can subscribe. */
const NOT_SUBSCRIBABLE = new Set(['num_unique_conversion_events', 'hs_lastmodifieddate']);
/** Subscriptions one app may have (HubSpot docs, "Webhooks", read November 2026). */
const MAX_SUBSCRIPTIONS = 1000;
const FIRST_SUBSCRIPTION_ID = 7_562_680;
const FIRST_EVENT_ID = 4_101_286_121;
/** Share of property changes that carry the event id of another record's event: ids are not promised to be unique. */
const REPEATED_EVENT_ID_RATE = 0.01;

/**
 * Reads subscriptions like `contact.creation`, `contact.propertyChange:jobtitle`, `object.creation`,
 * `object.propertyChange:0-1:jobtitle`.
 *
 * @throws RangeError on a form that HubSpot does not offer: there is no wildcard for properties
 */
export function parseSubscriptions(texts: readonly string[]): Subscription[] {
  if (texts.length > MAX_SUBSCRIPTIONS) throw new RangeError(`more than ${MAX_SUBSCRIPTIONS} subscriptions`);
  return [...new Set(texts)].map((text, index) => parseSubscription(text, FIRST_SUBSCRIPTION_ID + index));
}

function parseSubscription(text: string, id: number): Subscription {
  const [kind = '', ...rest] = text.split(':');
  const [family = '', action = ''] = kind.split('.');
  const known = ['contact', 'company', 'deal', 'object'].includes(family) && ACTIONS.has(action);
  if (!known || (action === 'privacyDeletion' && family !== 'contact')) {
    throw new RangeError(`HubSpot has no subscription "${text}"`);
  }
  const typeText = family === 'object' ? rest.shift() : undefined;
  const type = typeText === undefined ? undefined : objectTypeOf(typeText);
  if (typeText !== undefined && type === undefined) throw new RangeError(`unknown object type in "${text}"`);
  const [property] = rest;
  if (action === 'propertyChange' && property === undefined) {
    throw new RangeError(`"${text}" names no property, and there is no wildcard`);
  }
  if (property !== undefined && NOT_SUBSCRIBABLE.has(property))
    throw new RangeError(`${property} cannot be subscribed`);
  return {
    id,
    family,
    action,
    ...(type === undefined ? {} : { objectTypeId: OBJECTS[type].typeId }),
    ...(property === undefined ? {} : { property }),
  };
}

export interface EventWriter {
  /** The events of one change, one for each subscription it concerns. */
  eventsOf(change: Change, subscriptions: readonly Subscription[]): WebhookEvent[];
}

export function createEventWriter(app: { portalId: number; appId: number; random: Random }): EventWriter {
  let counter = 0;
  let last: { readonly eventId: number; readonly id: string } | undefined;
  const nextEventId = (change: Change) => {
    const repeats = change.kind === 'propertyChange' && app.random.next() < REPEATED_EVENT_ID_RATE;
    if (repeats && last !== undefined && last.id !== change.id) return last.eventId;
    const eventId = FIRST_EVENT_ID + counter++;
    last = { eventId, id: change.id };
    return eventId;
  };
  return {
    eventsOf: (change, subscriptions) =>
      subscriptions
        .filter((subscription) => concerns(subscription, change))
        .map((subscription) => ({
          eventId: nextEventId(change),
          subscriptionId: subscription.id,
          portalId: app.portalId,
          appId: app.appId,
          occurredAt: Math.trunc(change.atMs),
          subscriptionType: `${subscription.family}.${subscription.action}`,
          attemptNumber: 0,
          ...detailsOf(change, subscription.family === 'object'),
          changeSource: change.source.changeSource,
          ...(change.source.sourceId === undefined ? {} : { sourceId: change.source.sourceId }),
        })),
  };
}

function concerns(subscription: Subscription, change: Change): boolean {
  const names: ObjectNames = OBJECTS[change.type];
  if (subscription.action !== change.kind) return false;
  if (subscription.family !== 'object' && subscription.family !== names.singular) return false;
  if (subscription.objectTypeId !== undefined && subscription.objectTypeId !== names.typeId) return false;
  if (change.kind !== 'propertyChange') return true;
  return subscription.property === change.property;
}

function detailsOf(change: Change, generic: boolean): WebhookEvent {
  const object: WebhookEvent = {
    objectId: Number(change.id),
    ...(generic ? { objectTypeId: OBJECTS[change.type].typeId } : {}),
  };
  switch (change.kind) {
    case 'creation':
      return { ...object, changeFlag: 'CREATED' };
    case 'deletion':
    case 'privacyDeletion':
      return { ...object, changeFlag: 'DELETED' };
    case 'restore':
      return object;
    case 'propertyChange': {
      const { property, value, valueMs } = change;
      // Classic events carry instants as epoch milliseconds, generic ones as a read would show them.
      const propertyValue = generic || valueMs === undefined ? value : String(valueMs);
      return { ...object, propertyName: property, propertyValue, ...(generic ? { isSensitive: false } : {}) };
    }
    case 'merge':
      return {
        ...object,
        primaryObjectId: Number(change.primaryId),
        mergedObjectIds: [Number(change.mergedId)],
        newObjectId: Number(change.id),
        numberOfPropertiesMoved: change.propertiesMoved,
      };
    default:
      return associationDetails(change, generic);
  }
}

function associationDetails(
  change: Extract<Change, { kind: 'associationChange' }>,
  generic: boolean,
): WebhookEvent {
  const from = OBJECTS[change.type];
  const to = OBJECTS[change.toType];
  const ends = { fromObjectId: Number(change.id), toObjectId: Number(change.toId) };
  const state = { associationRemoved: change.removed, isPrimaryAssociation: change.primary };
  if (!generic) {
    const associationType = `${from.singular}_TO_${to.singular}`.toUpperCase();
    return { associationType, ...ends, ...state };
  }
  return {
    ...ends,
    fromObjectTypeId: from.typeId,
    toObjectTypeId: to.typeId,
    associationTypeId: change.typeId,
    associationCategory: 'HUBSPOT_DEFINED',
    ...state,
  };
}
