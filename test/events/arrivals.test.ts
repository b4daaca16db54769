import { subscriptionsOf } from '../../lambdas/events/subscriptions.ts';
import { modelOf } from '../scoring/model-of.ts';
import { hear, PORTAL, RECEIVED_AT_MS } from './fixture.ts';

const AT_MS = RECEIVED_AT_MS - 60_000;

/** A model that asks for all there is: contacts, companies and deals. */
const EVERYTHING = modelOf(`
  fit: { rules: [{ id: cto, title: T, property: jobtitle, is: [CTO], points: 1 }] }
  exclusions: [{ id: edu, title: T, property: company.industry, is: [EDUCATION] }]
  resetOn: [{ id: lost, title: T, deal: lost }]
  engagement:
    signals:
      - { id: views, title: T, from: { kind: counter, property: hs_analytics_num_page_views }, points: 1, halfLifeDays: 9 }`);

/** As HubSpot names kinds of records where a subscription is one of `object.*`. */
const TYPE_IDS: Readonly<Record<string, string>> = { contact: '0-1', company: '0-2', deal: '0-3' };

/** The event of a subscription such as `contact.propertyChange:jobtitle`, in the form of HubSpot's own examples. */
function eventOf(subscription: string, isOfObjects: boolean): object {
  const [name = '', propertyName] = subscription.split(':');
  const [type = '', action = ''] = name.split('.');
  const about = {
    eventId: 1,
    subscriptionId: 11,
    portalId: Number(PORTAL),
    appId: 44,
    occurredAt: AT_MS,
    subscriptionType: isOfObjects ? `object.${action}` : name,
    attemptNumber: 0,
  };
  if (action !== 'associationChange') {
    return {
      ...about,
      objectId: 123,
      ...(isOfObjects && { objectTypeId: TYPE_IDS[type] }),
      ...(propertyName !== undefined && { propertyName, propertyValue: '7' }),
      ...(action === 'merge' && { primaryObjectId: 5, mergedObjectIds: [6], newObjectId: 123 }),
    };
  }
  const to = type === 'contact' ? 'company' : 'contact';
  const ends = { fromObjectId: 123, toObjectId: 456, associationRemoved: false, isPrimaryAssociation: false };
  return isOfObjects
    ? { ...about, ...ends, fromObjectTypeId: TYPE_IDS[type], toObjectTypeId: TYPE_IDS[to] }
    : { ...about, ...ends, associationType: `${type}_TO_${to}`.toUpperCase() };
}

const arrivalsOf = (events: readonly object[]) => hear('/webhooks/hubspot', events).arrivals;

test.each(subscriptionsOf(EVERYTHING))('an event of %s is told as one of it, also as `object.*`', (name) => {
  const arrival = { subscription: name, occurredAtMs: AT_MS };

  expect(arrivalsOf([eventOf(name, false)])).toEqual([arrival]);
  // There is no `object.privacyDeletion`.
  expect(arrivalsOf([eventOf(name, !name.endsWith('privacyDeletion'))])).toEqual([arrival]);
});

test('that an event came says nothing of what is made of it', () => {
  const jobtitle = 'contact.propertyChange:jobtitle';
  const event = eventOf(jobtitle, false);

  const hearing = hear(
    '/webhooks/hubspot',
    [
      { ...event, propertyValue: {} },
      { ...event, sourceId: '77' },
    ],
    {
      ownAppIds: ['77'],
    },
  );

  expect(hearing.heard).toEqual([]);
  expect(hearing.arrivals?.map(({ subscription }) => subscription)).toEqual([jobtitle, jobtitle]);
});

test.each([
  { event: { portalId: 34 }, because: 'it is of another portal' },
  { event: { occurredAt: Date.UTC(1999, 11, 31) }, because: 'nobody knows when it happened' },
  { event: { subscriptionType: 'ticket.creation' }, because: 'its kind of record has no scores' },
  { event: { subscriptionType: 'object.creation', objectTypeId: '0-5' }, because: 'it is one of a ticket' },
  { event: { objectId: 'seven' }, because: 'it is none of HubSpot' },
])('nothing is told of an event where $because', ({ event }) => {
  expect(arrivalsOf([{ ...eventOf('contact.creation', false), ...event }])).toEqual([]);
});

test('workflows and signals bring no event of a subscription', () => {
  expect(hear('/webhooks/workflow', { contactId: 7, jobtitle: 'CTO' }).arrivals ?? []).toEqual([]);
  expect(
    hear('/signals', { signal: 'login', contactId: '7', occurredAt: AT_MS }, { messageId: 'm' }).arrivals ??
      [],
  ).toEqual([]);
});

test('the event by which a setup tries the stack is no event of HubSpot', () => {
  const tried = { ...eventOf('contact.creation', false), changeSource: 'AFTERGLOW_SETUP' };
  const { arrivals, heard } = hear('/webhooks/hubspot', [tried]);

  expect(arrivals).toEqual([]);
  expect(heard).toHaveLength(1);
});
