// What HubSpot's webhooks tell of visits, of browsers and of what deals are credited for.
import type { Hearing } from '../../lambdas/events/heard.ts';
import { readHubSpotEvents } from '../../lambdas/events/hubspot-events.ts';
import { isOutput, observeSnapshot, VISITOR_PROPERTY } from '../../lambdas/events/property-facts.ts';
import { outputProperties, VISITOR_ID_PROPERTY } from '../../lambdas/hubspot/outputs.ts';
import { modelOf } from '../scoring/model-of.ts';
import { PORTAL, propertyChange, RECEIVED_AT_MS } from './fixture.ts';

const BROWSER = 'fV9cQmXo3oU1q0y0Yb7w-A';
const CONTACT = { type: 'contact', id: '541935488729' };
const AT_MS = 1787843156000;
const WITH_VISITS = modelOf('attribution: {}');

function hear(
  changes: Readonly<Record<string, unknown>>,
  model = WITH_VISITS,
  ownAppIds: string[] = [],
): Hearing {
  const context = { model, portalId: PORTAL, ownAppIds, receivedAtMs: RECEIVED_AT_MS };
  return readHubSpotEvents([propertyChange(changes)], context);
}

test('a form that tells which browser it is gives the browser to the contact, and nothing else is kept of it', () => {
  const { heard } = hear({ propertyName: 'afterglow_visitor_id', propertyValue: BROWSER });

  expect(heard).toEqual([
    {
      subject: CONTACT,
      facts: [],
      properties: [],
      turn: { kind: 'visitor', atMs: AT_MS, visitorId: BROWSER },
    },
  ]);
});

test.each([
  ['cleared', '', 'no visitor id of the snippet'],
  ['that anybody may have typed in', 'me@example.com', 'no visitor id of the snippet'],
  ['that is longer than ours', `${BROWSER}A`, 'no visitor id of the snippet'],
  ['that is a number', 7, 'no visitor id of the snippet'],
])('a visitor id %s is passed over', (_, propertyValue, reason) => {
  const hearing = hear({ propertyName: 'afterglow_visitor_id', propertyValue });

  expect(hearing).toMatchObject({ heard: [], rejected: [], dropped: [reason] });
});

test('a visitor id counts also where the company’s own server wrote it with the token of the app: we never do', () => {
  const hearing = hear(
    { propertyName: 'afterglow_visitor_id', propertyValue: BROWSER, sourceId: '50780459' },
    WITH_VISITS,
    ['50780459'],
  );

  expect(hearing.heard).toMatchObject([{ turn: { kind: 'visitor', visitorId: BROWSER } }]);
});

test('without the section attribution nobody’s browser is anybody’s', () => {
  const hearing = hear({ propertyName: 'afterglow_visitor_id', propertyValue: BROWSER }, modelOf('{}'));

  expect(hearing).toMatchObject({ heard: [], rejected: [] });
  expect(hearing.dropped).toEqual(['a visitor id, and the model has no attribution']);
});

test('a workflow that sends the visitor id along with everything else has it kept nowhere', () => {
  const given = [['afterglow_visitor_id', BROWSER]] as const;
  const subject = { type: 'contact', id: '7' } as const;

  const seen = observeSnapshot(given, subject, AT_MS, { model: WITH_VISITS, portalId: PORTAL });

  expect(seen).toEqual({ facts: [], properties: [] });
});

test('the visitor id is made by us in HubSpot and written by nobody of us', () => {
  expect(VISITOR_ID_PROPERTY.name).toBe(VISITOR_PROPERTY);
  expect(isOutput(VISITOR_PROPERTY)).toBe(false);
  expect(outputProperties(WITH_VISITS).contacts.map(({ name }) => name)).not.toContain(VISITOR_PROPERTY);
  expect(outputProperties(WITH_VISITS).contacts.filter(({ name }) => !isOutput(name))).toEqual([]);
});

test.each(['hs_analytics_source', 'hs_latest_source', 'hs_latest_source_timestamp'])(
  'a change of %s has the contact read again: by itself it does not say what the visit was',
  (propertyName) => {
    const { heard } = hear({ propertyName, propertyValue: 'AI_REFERRALS' });

    expect(heard).toEqual([
      { subject: CONTACT, facts: [], properties: [], turn: { kind: 'source', atMs: AT_MS } },
    ]);
  },
);

test('a rule may read the source too: its value is kept then, and the contact is read again', () => {
  const model = modelOf(
    `attribution: {}
fit: { rules: [{ id: ai, title: T, property: hs_latest_source, is: [AI_REFERRALS], points: 1 }] }`,
  );

  const { heard } = hear({ propertyName: 'hs_latest_source', propertyValue: 'AI_REFERRALS' }, model);

  expect(heard).toMatchObject([
    { properties: [{ name: 'hs_latest_source', value: 'AI_REFERRALS' }], turn: { kind: 'source' } },
  ]);
});

test.each([
  { property: 'amount', value: '400.00', isWithout: false },
  { property: 'deal_currency_code', value: 'EUR', isWithout: false },
  { property: 'pipeline', value: 'default', isWithout: true },
  { property: 'dealstage', value: 'closedwon', isWithout: true },
  { property: 'dealname', value: 'Ada’s deal', isWithout: undefined },
])('a change of the $property of a deal is heard as far as its credit depends on it', (row) => {
  const change = {
    subscriptionType: 'deal.propertyChange',
    propertyName: row.property,
    propertyValue: row.value,
  };

  expect(hear(change).heard.length === 1).toBe(row.isWithout !== undefined);
  expect(hear(change, modelOf('{}')).heard.length === 1).toBe(row.isWithout === true);
});

test('a contact that gets a deal is read again, so that its visits are credited', () => {
  const event = {
    ...propertyChange(),
    subscriptionType: 'contact.associationChange',
    associationType: 'CONTACT_TO_DEAL',
    fromObjectId: 541935488729,
    toObjectId: 48123456789,
    associationRemoved: false,
  };
  const read = (model = WITH_VISITS) =>
    readHubSpotEvents([event], { model, portalId: PORTAL, ownAppIds: [], receivedAtMs: RECEIVED_AT_MS })
      .heard;

  expect(read()).toMatchObject([{ subject: CONTACT, turn: { kind: 'association', atMs: AT_MS } }]);
  expect(read(modelOf('{}'))[0]).not.toHaveProperty('turn');
});
