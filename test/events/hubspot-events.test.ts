import type { Heard } from '../../lambdas/events/heard.ts';
import { hear, propertyChange, RECEIVED_AT_MS } from './fixture.ts';

const AT_MS = 1787843156000;
const DAY_MS = 86_400_000;

/** The one thing an event says. */
function said(event: unknown): Heard {
  const { heard, rejected, dropped } = hear('/webhooks/hubspot', [event] as object);
  expect({ rejected, dropped }).toEqual({ rejected: [], dropped: [] });
  expect(heard).toHaveLength(1);
  return heard[0] ?? { subject: { type: 'contact', id: 'none' }, facts: [], properties: [] };
}

/** Why an event says nothing. */
function silence(event: unknown, ownAppIds: readonly string[] = []) {
  const { heard, rejected, dropped } = hear('/webhooks/hubspot', [event] as object, { ownAppIds });
  expect(heard).toEqual([]);
  return { rejected: rejected.map(({ reason }) => reason), dropped };
}

const TYPES = [
  { family: 'contact', objectTypeId: undefined, type: 'contact' },
  { family: 'company', objectTypeId: undefined, type: 'company' },
  { family: 'deal', objectTypeId: undefined, type: 'deal' },
  { family: 'object', objectTypeId: '0-1', type: 'contact' },
  { family: 'object', objectTypeId: '0-2', type: 'company' },
  { family: 'object', objectTypeId: '0-3', type: 'deal' },
] as const;
const NAMES = ['subscriptionType', 'eventType'] as const;
const SOURCES = TYPES.flatMap((type) => NAMES.map((field) => ({ ...type, field })));

describe.each(SOURCES)('$family.* of a $type, named by $field', ({ family, objectTypeId, type, field }) => {
  const event = (action: string, details: object = {}) => ({
    eventId: 3001,
    subscriptionId: 7562681,
    portalId: 247187887,
    appId: 50780459,
    occurredAt: AT_MS,
    [field]: `${family}.${action}`,
    attemptNumber: 0,
    objectId: 541935488730,
    ...(objectTypeId !== undefined && { objectTypeId }),
    ...details,
  });
  const subject = { type, id: '541935488730' };

  test('a creation is told, and of a contact it is a fact', () => {
    const heard = said(event('creation', { changeFlag: 'CREATED' }));
    const fact = { name: 'event:contact.creation', occurredAtMs: AT_MS };

    expect(heard.subject).toEqual(subject);
    expect(heard.facts).toMatchObject(type === 'contact' ? [fact] : []);
    expect(heard.turn).toEqual(type === 'contact' ? undefined : { kind: 'creation', atMs: AT_MS });
  });

  test.each(['deletion', 'restore', 'privacyDeletion'])('a %s befalls the record', (action) => {
    const turn = { kind: action, atMs: AT_MS };
    expect(said(event(action))).toEqual({ subject, facts: [], properties: [], turn });
  });

  test('a merge names the new record and both old ones', () => {
    const heard = said(
      event('merge', {
        primaryObjectId: 11,
        mergedObjectIds: [12],
        newObjectId: 541935488730,
        numberOfPropertiesMoved: 12,
      }),
    );

    expect(heard.subject).toEqual(subject);
    expect(heard.turn).toEqual({ kind: 'merge', atMs: AT_MS, oldIds: ['11', '12'] });
  });

  test('a property change says what the property became, and when', () => {
    const name = { contact: 'jobtitle', company: 'numberofemployees', deal: 'dealstage' }[type];
    const heard = said(event('propertyChange', { propertyName: name, propertyValue: ' Head of IT ' }));

    expect(heard.subject).toEqual(subject);
    expect(heard.properties).toEqual([{ name, value: 'Head of IT', occurredAtMs: AT_MS }]);
  });

  test('an association is told of the contact that has it', () => {
    const other = type === 'contact' ? 'deal' : type;
    const ids = { contact: '0-1', company: '0-2', deal: '0-3' };
    const ends =
      family === 'object'
        ? { fromObjectTypeId: '0-1', toObjectTypeId: ids[other], associationTypeId: 4 }
        : { associationType: `CONTACT_TO_${other.toUpperCase()}` };

    const heard = said(
      event('associationChange', {
        ...ends,
        objectId: undefined,
        fromObjectId: 21,
        toObjectId: 22,
        isPrimaryAssociation: true,
      }),
    );

    expect(heard.subject).toEqual({ type: 'contact', id: '21' });
    expect(heard.facts).toMatchObject([
      { name: `event:association.${other}`, occurredAtMs: AT_MS, value: 'added primary 22' },
    ]);
  });

  test('an action HubSpot may invent is counted and dropped', () => {
    expect(silence(event('renaming'))).toEqual({ rejected: [], dropped: ['an event type without scores'] });
  });
});

describe("HubSpot's own examples", () => {
  test('a property change', () => {
    const heard = said(propertyChange({ propertyValue: 'marketingqualifiedlead' }));

    expect(heard).toMatchObject({
      subject: { type: 'contact', id: '541935488729' },
      facts: [
        { name: 'property:lifecyclestage', occurredAtMs: 1787843156000, value: 'marketingqualifiedlead' },
      ],
    });
  });

  test('creation, deletion, privacy deletion and restore in one body', () => {
    const { heard, rejected, dropped } = hear(
      '/webhooks/hubspot',
      `[{"eventId":3001,"subscriptionId":7562681,"portalId":247187887,"appId":50780459,"occurredAt":1787843156100,
  "subscriptionType":"contact.creation","attemptNumber":0,"objectId":541935488730,
  "changeFlag":"CREATED","changeSource":"INTEGRATION","sourceId":"50780459"},
 {"eventId":3002,"subscriptionId":7562682,"portalId":247187887,"appId":50780459,"occurredAt":1787843156200,
  "subscriptionType":"contact.deletion","attemptNumber":0,"objectId":541935488731,
  "changeFlag":"DELETED","changeSource":"CRM_UI","sourceId":"userId:882761034"},
 {"eventId":3003,"subscriptionId":7562683,"portalId":247187887,"appId":50780459,"occurredAt":1787843156300,
  "subscriptionType":"contact.privacyDeletion","attemptNumber":0,"objectId":541935488732,
  "changeFlag":"DELETED","changeSource":"CRM_UI"},
 {"eventId":3004,"subscriptionId":7562684,"portalId":247187887,"appId":50780459,"occurredAt":1787843156400,
  "subscriptionType":"contact.restore","attemptNumber":0,"objectId":541935488731,"changeSource":"CRM_UI"}]`,
    );

    expect({ rejected, dropped }).toEqual({ rejected: [], dropped: [] });
    expect(heard).toMatchObject([
      {
        subject: { id: '541935488730' },
        facts: [{ name: 'event:contact.creation', occurredAtMs: 1787843156100 }],
      },
      { subject: { id: '541935488731' }, turn: { kind: 'deletion', atMs: 1787843156200 } },
      { subject: { id: '541935488732' }, turn: { kind: 'privacyDeletion', atMs: 1787843156300 } },
      { subject: { id: '541935488731' }, turn: { kind: 'restore', atMs: 1787843156400 } },
    ]);
  });

  test('a merge and an association', () => {
    const { heard } = hear(
      '/webhooks/hubspot',
      `[{"eventId":3005,"subscriptionId":7562685,"portalId":247187887,"appId":50780459,"occurredAt":1787843156500,
  "subscriptionType":"contact.merge","attemptNumber":0,"objectId":541935488740,
  "primaryObjectId":541935488729,"mergedObjectIds":[541935488735],"newObjectId":541935488740,
  "numberOfPropertiesMoved":12,"changeSource":"CRM_UI"},
 {"eventId":3006,"subscriptionId":7562686,"portalId":247187887,"appId":50780459,"occurredAt":1787843156600,
  "subscriptionType":"contact.associationChange","attemptNumber":0,"changeSource":"USER",
  "associationType":"CONTACT_TO_DEAL","fromObjectId":541935488729,"toObjectId":48123456789,
  "associationRemoved":false,"isPrimaryAssociation":false}]`,
    );

    expect(heard).toMatchObject([
      {
        subject: { type: 'contact', id: '541935488740' },
        turn: { kind: 'merge', oldIds: ['541935488729', '541935488735'] },
      },
      {
        subject: { type: 'contact', id: '541935488729' },
        facts: [{ name: 'event:association.deal', value: 'added other 48123456789' }],
      },
    ]);
  });

  test('the generic form: a deal that moved, a creation, a merge and an association', () => {
    const { heard, rejected, dropped } = hear(
      '/webhooks/hubspot',
      `[{"eventId":3007,"subscriptionId":7562687,"portalId":247187887,"appId":50780459,"occurredAt":1787843156700,
  "subscriptionType":"object.propertyChange","attemptNumber":0,"objectId":48123456789,"objectTypeId":"0-3",
  "propertyName":"dealstage","propertyValue":"closedwon","isSensitive":false,"changeSource":"CRM_UI","sourceId":"userId:882761034"},
 {"eventId":3008,"subscriptionId":7562688,"portalId":247187887,"appId":50780459,"occurredAt":1787843156800,
  "subscriptionType":"object.creation","attemptNumber":0,"objectId":541935488741,"objectTypeId":"0-1",
  "changeFlag":"CREATED","changeSource":"FORM"},
 {"eventId":3009,"subscriptionId":7562689,"portalId":247187887,"appId":50780459,"occurredAt":1787843156900,
  "subscriptionType":"object.merge","attemptNumber":0,"objectId":541935488740,"objectTypeId":"0-1",
  "primaryObjectId":541935488729,"mergedObjectIds":[541935488735],"newObjectId":541935488740,"numberOfPropertiesMoved":12},
 {"eventId":3010,"subscriptionId":7562690,"portalId":247187887,"appId":50780459,"occurredAt":1787843157000,
  "subscriptionType":"object.associationChange","attemptNumber":0,"changeSource":"USER",
  "fromObjectId":541935488729,"toObjectId":48123456789,"fromObjectTypeId":"0-1","toObjectTypeId":"0-3",
  "associationTypeId":4,"associationCategory":"HUBSPOT_DEFINED","associationRemoved":false,"isPrimaryAssociation":false}]`,
    );

    expect({ rejected, dropped }).toEqual({ rejected: [], dropped: [] });
    expect(heard).toMatchObject([
      {
        subject: { type: 'deal', id: '48123456789' },
        properties: [{ name: 'dealstage', value: 'closedwon' }],
      },
      { subject: { type: 'contact', id: '541935488741' }, facts: [{ name: 'event:contact.creation' }] },
      { subject: { id: '541935488740' }, turn: { kind: 'merge', oldIds: ['541935488729', '541935488735'] } },
      {
        subject: { id: '541935488729' },
        facts: [{ name: 'event:association.deal', value: 'added other 48123456789' }],
      },
    ]);
  });
});

describe('identifiers', () => {
  test.each([
    { written: '541935488729', id: '541935488729', because: 'ids have twelve digits today' },
    { written: '"541935488729"', id: '541935488729', because: 'text is an id too' },
    {
      written: '9007199254740993',
      id: '9007199254740993',
      because: 'it is 2^53 + 1, which a double rounds to ...992',
    },
    { written: '18446744073709551615', id: '18446744073709551615', because: 'it is 2^64 - 1' },
    { written: '"9007199254740993"', id: '9007199254740993', because: 'text keeps its digits' },
  ])('$written is kept as "$id": $because', ({ written, id }) => {
    const event = JSON.stringify(propertyChange({ objectId: 0 })).replace(
      '"objectId":0',
      `"objectId":${written}`,
    );
    expect(hear('/webhooks/hubspot', `[${event}]`).heard[0]?.subject).toEqual({ type: 'contact', id });
  });

  test.each(['1.5', '-7', '1e400', '"7a"', '""', '[7]', '{"a":7}', 'true', '123456789012345678901'])(
    '%s is no record id',
    (written) => {
      const event = JSON.stringify(propertyChange({ objectId: 0 })).replace(
        '"objectId":0',
        `"objectId":${written}`,
      );
      expect(hear('/webhooks/hubspot', `[${event}]`)).toMatchObject({ heard: [], rejected: [{}] });
    },
  );

  test('of a merge with one id beyond 2^53, three stay three', () => {
    const { heard } = hear(
      '/webhooks/hubspot',
      `[{"portalId":247187887,"occurredAt":${AT_MS},"subscriptionType":"contact.merge","objectId":9007199254740993,"newObjectId":9007199254740993,"primaryObjectId":9007199254740992,"mergedObjectIds":[9007199254740994]}]`,
    );

    expect(heard).toMatchObject([
      { subject: { id: '9007199254740993' }, turn: { oldIds: ['9007199254740992', '9007199254740994'] } },
    ]);
  });

  test.each([
    {
      given: { newObjectId: 3, primaryObjectId: 1, objectId: 3, mergedObjectIds: [2] },
      id: '3',
      oldIds: ['1', '2'],
      because: 'a merge makes a third record',
    },
    {
      given: { newObjectId: 3, primaryObjectId: 1, objectId: 1, mergedObjectIds: [1, 2] },
      id: '3',
      oldIds: ['1', '2'],
      because: 'an id is listed once',
    },
    {
      given: { newObjectId: null, primaryObjectId: 1, objectId: 1, mergedObjectIds: [2] },
      id: '1',
      oldIds: ['2'],
      because: 'older merges kept the primary',
    },
    {
      given: { objectId: 1, mergedObjectIds: [1, 2] },
      id: '1',
      oldIds: ['2'],
      because: 'a record is never its own old id',
    },
  ])('of a merge: $because', ({ given, id, oldIds }) => {
    const heard = said({
      portalId: 247187887,
      occurredAt: AT_MS,
      subscriptionType: 'contact.merge',
      ...given,
    });

    expect(heard.subject.type === 'contact' && heard.subject.id).toBe(id);
    expect(heard.turn).toEqual({ kind: 'merge', atMs: AT_MS, oldIds });
  });

  test('of an association are the same fact from either end, and by either family', () => {
    const event = {
      portalId: 247187887,
      occurredAt: AT_MS,
      isPrimaryAssociation: false,
      associationRemoved: false,
    };
    const keys = [
      {
        subscriptionType: 'contact.associationChange',
        associationType: 'CONTACT_TO_DEAL',
        fromObjectId: 1,
        toObjectId: 2,
      },
      {
        subscriptionType: 'deal.associationChange',
        associationType: 'DEAL_TO_CONTACT',
        fromObjectId: 2,
        toObjectId: 1,
      },
      {
        subscriptionType: 'object.associationChange',
        fromObjectTypeId: '0-1',
        toObjectTypeId: '0-3',
        fromObjectId: 1,
        toObjectId: 2,
      },
      {
        subscriptionType: 'object.associationChange',
        fromObjectTypeId: '0-3',
        toObjectTypeId: '0-1',
        fromObjectId: 2,
        toObjectId: 1,
      },
    ].map((end) => said({ ...event, ...end }).facts[0]?.key);

    expect(new Set(keys).size).toBe(1);
    expect(
      said({
        ...event,
        subscriptionType: 'contact.associationChange',
        associationType: 'CONTACT_TO_DEAL',
        fromObjectId: 1,
        toObjectId: 2,
        associationRemoved: true,
      }).facts[0],
    ).toMatchObject({ value: 'removed other 2' });
  });
});

const valueOf = (propertyValue: unknown) =>
  said(propertyChange({ propertyName: 'newsletter', propertyValue })).properties[0]?.value;

describe('values', () => {
  test.each([
    { given: 'text', becomes: 'text', because: 'text stays' },
    { given: '  text ', becomes: 'text', because: 'space around it means nothing' },
    { given: 42, becomes: '42', because: 'everything is kept as text' },
    { given: 0, becomes: '0', because: 'zero is a value' },
    { given: true, becomes: 'true', because: 'HubSpot writes it so' },
    { given: 'true', becomes: 'true', because: 'HubSpot writes it so' },
    { given: false, becomes: 'false', because: 'no is a value' },
    { given: '', becomes: '', because: 'it was cleared' },
    { given: null, becomes: '', because: 'it was cleared' },
  ])('$given is kept as "$becomes": $because', ({ given, becomes }) => {
    expect(valueOf(given)).toBe(becomes);
  });

  test('a cleared property is cleared, and no signal', () => {
    for (const propertyValue of ['', null]) {
      expect(said(propertyChange({ propertyValue })).facts).toEqual([]);
      expect(
        said(propertyChange({ propertyName: 'hs_analytics_num_page_views', propertyValue })).facts,
      ).toEqual([]);
    }
  });

  test('a number that is not finite never gets in', () => {
    const event = JSON.stringify(propertyChange({ propertyName: 'seats', propertyValue: 0 }));
    const { heard } = hear(
      '/webhooks/hubspot',
      `[${event.replace('"propertyValue":0', '"propertyValue":1e400')}]`,
    );
    expect(heard[0]?.properties).toEqual([{ name: 'seats', value: '', occurredAtMs: AT_MS }]);
  });

  test.each([
    { propertyName: 'hs_email_last_open_date', propertyValue: 'yesterday', because: 'a time must be one' },
    { propertyName: 'hs_email_last_open_date', propertyValue: '2026-02-30', because: 'that day never was' },
    {
      propertyName: 'hs_email_last_open_date',
      propertyValue: String(AT_MS + DAY_MS + 1),
      because: 'nobody opens an e-mail the day after tomorrow',
    },
    { propertyName: 'hs_email_last_open_date', propertyValue: '946684799999', because: 'it lies in 1999' },
    {
      propertyName: 'hs_email_last_open_date',
      propertyValue: '-62135596800000',
      because: 'it lies in the year 1',
    },
    {
      propertyName: 'hs_analytics_num_page_views',
      propertyValue: 'many',
      because: 'a count must be a number',
    },
    { propertyName: 'hs_analytics_num_page_views', propertyValue: '1e400', because: 'it is not finite' },
    {
      propertyName: 'hs_analytics_num_page_views',
      propertyValue: '1000000001',
      because: 'no page was seen that often',
    },
  ])(
    '$propertyName = $propertyValue is rejected, not counted: $because',
    ({ propertyName, propertyValue }) => {
      expect(silence(propertyChange({ propertyName, propertyValue }))).toEqual({
        rejected: ['propertyValue does not read as what its property is, a time or a count'],
        dropped: [],
      });
    },
  );

  test.each([
    { propertyValue: '1787843156000', because: 'classic events carry epoch milliseconds' },
    { propertyValue: 1787843156000, because: 'workflow bodies carry numbers' },
    { propertyValue: '2026-08-27T15:05:56Z', because: 'generic events carry ISO 8601' },
    { propertyValue: '2026-08-27T15:05:56.000Z', because: 'reads carry milliseconds' },
    { propertyValue: '2026-08-27T17:05:56+02:00', because: 'a zone is a zone' },
  ])('the time $propertyValue is 27 August 2026, 15:05:56 UTC: $because', ({ propertyValue }) => {
    const { facts } = said(propertyChange({ propertyName: 'hs_email_last_open_date', propertyValue }));
    expect(facts).toMatchObject([{ occurredAtMs: 1787843156000 }]);
  });

  test('a date without a time is its midnight in UTC', () => {
    const { facts } = said(
      propertyChange({ propertyName: 'hs_email_last_open_date', propertyValue: '2026-08-27' }),
    );
    expect(facts).toMatchObject([{ occurredAtMs: Date.UTC(2026, 7, 27) }]);
  });
});

describe('what is dropped on purpose, and counted', () => {
  test.each([
    {
      event: propertyChange({ portalId: 33 }),
      dropped: 'another portal',
      because: 'portals never see each other',
    },
    {
      event: { portalId: 33, occurredAt: 'never' },
      dropped: 'another portal',
      because: 'not even what nobody can read is kept of another portal',
    },
    {
      event: propertyChange({ propertyName: 'afterglow_score' }),
      dropped: 'an output of our own',
      because: 'a score is no signal',
    },
    {
      event: propertyChange({ sourceId: '50780459' }),
      dropped: 'an echo of our own write',
      because: 'it comes from an app of ours',
    },
    {
      event: propertyChange({ sourceId: 50780459 }),
      dropped: 'an echo of our own write',
      because: 'a number is the same app',
    },
    {
      event: propertyChange({ isSensitive: true }),
      dropped: 'a sensitive value, redacted',
      because: 'it is not the value',
    },
    {
      event: propertyChange({ propertyValue: 'REDACTED' }),
      dropped: 'a sensitive value, redacted',
      because: 'classic events say it so',
    },
    {
      event: propertyChange({ subscriptionType: 'ticket.creation' }),
      dropped: 'an object type without scores',
      because: 'tickets are not scored',
    },
    {
      event: propertyChange({ subscriptionType: 'object.creation', objectTypeId: '0-5' }),
      dropped: 'an object type without scores',
      because: 'tickets are not scored',
    },
    {
      event: propertyChange({ subscriptionType: 'constructor.creation' }),
      dropped: 'an object type without scores',
      because: 'that is no object type',
    },
    {
      event: propertyChange({ subscriptionType: 'object.creation', objectTypeId: '__proto__' }),
      dropped: 'an object type without scores',
      because: 'that is no object type',
    },
    {
      event: propertyChange({ subscriptionType: undefined }),
      dropped: 'an object type without scores',
      because: 'it does not say what it is',
    },
    {
      event: propertyChange({
        subscriptionType: 'contact.associationChange',
        associationType: 'CONTACT_TO_TICKET',
        fromObjectId: 1,
        toObjectId: 2,
      }),
      dropped: 'an association without scores',
      because: 'tickets are not scored',
    },
    {
      event: propertyChange({
        subscriptionType: 'contact.associationChange',
        associationType: 'CONTACT_TO_CONTACT',
        fromObjectId: 1,
        toObjectId: 2,
      }),
      dropped: 'an association without scores',
      because: 'it has no other end',
    },
    {
      event: propertyChange({
        subscriptionType: 'company.associationChange',
        associationType: 'COMPANY_TO_DEAL',
        fromObjectId: 1,
        toObjectId: 2,
      }),
      dropped: 'an association without scores',
      because: 'it has no contact',
    },
    {
      event: propertyChange({
        subscriptionType: 'contact.associationChange',
        associationType: 'CONSTRUCTOR_TO_CONTACT',
        fromObjectId: 1,
        toObjectId: 2,
      }),
      dropped: 'an association without scores',
      because: 'that is no object type',
    },
  ])('$dropped: $because', ({ event, dropped }) => {
    expect(silence(event, ['50780459'])).toEqual({ rejected: [], dropped: [dropped] });
  });

  test('an echo is known by the name of the property or by the app, each without the other', () => {
    const byName = propertyChange({ propertyName: 'afterglow_grade', sourceId: 'userId:882761034' });
    const byApp = propertyChange({ propertyName: 'jobtitle', sourceId: '50780459' });
    expect(silence(byName, [])).toEqual({ rejected: [], dropped: ['an output of our own'] });
    expect(silence(byApp, ['50780459'])).toEqual({ rejected: [], dropped: ['an echo of our own write'] });
  });

  test('beside an echo, a change by a person or another app in the same second, of the same contact, is heard', () => {
    const same = { propertyName: 'hs_lead_status', propertyValue: 'CONNECTED' };
    const sources = ['userId:882761034', '999', '50780459'];
    const { heard, dropped } = hear(
      '/webhooks/hubspot',
      sources.map((sourceId) => propertyChange({ ...same, sourceId })),
      { ownAppIds: ['50780459'] },
    );
    expect(heard).toHaveLength(2);
    expect(dropped).toEqual(['an echo of our own write']);
  });

  test("a user's edit and another app's write are heard", () => {
    const { heard } = hear('/webhooks/hubspot', [propertyChange(), propertyChange({ sourceId: '999' })], {
      ownAppIds: ['50780459', '7'],
    });
    expect(heard).toHaveLength(2);
  });
});

describe('what can never be understood', () => {
  test.each([
    {
      event: propertyChange({ occurredAt: RECEIVED_AT_MS + DAY_MS + 1 }),
      reason: 'the time lies more than 24 hours ahead of its receipt',
    },
    {
      event: propertyChange({ occurredAt: Date.UTC(2000, 0, 1) - 1 }),
      reason: 'the time lies before the year 2000',
    },
    {
      event: propertyChange({ occurredAt: '2026-08-27T13:05:56Z' }),
      reason: "not an event of HubSpot's: .occurredAt: expected number",
    },
    {
      event: propertyChange({ occurredAt: undefined }),
      reason: "not an event of HubSpot's: .occurredAt: is missing",
    },
    {
      event: propertyChange({ portalId: undefined }),
      reason: "not an event of HubSpot's: .portalId: is missing",
    },
    { event: propertyChange({ objectId: undefined }), reason: 'objectId is missing' },
    { event: propertyChange({ propertyName: undefined }), reason: 'propertyName is missing' },
    {
      event: propertyChange({ propertyName: 'Anna Schmidt' }),
      reason: 'propertyName is not the name of a property',
    },
    {
      event: propertyChange({ propertyName: '__proto__' }),
      reason: 'propertyName is not the name of a property',
    },
    {
      event: propertyChange({ propertyValue: { a: 'Anna' } }),
      reason: 'propertyValue is neither text, number, true, false nor null',
    },
    {
      event: propertyChange({ propertyValue: ['Anna'] }),
      reason: 'propertyValue is neither text, number, true, false nor null',
    },
    {
      event: propertyChange({ subscriptionType: 'contact.merge', objectId: undefined }),
      reason: 'a merge without newObjectId, primaryObjectId and objectId',
    },
    {
      event: propertyChange({ subscriptionType: 'contact.associationChange', fromObjectId: 1 }),
      reason: 'an association without both its ends',
    },
    { event: 'Anna Schmidt', reason: "not an event of HubSpot's: the body: expected Object" },
    { event: null, reason: "not an event of HubSpot's: the body: expected Object" },
    { event: [propertyChange()], reason: "not an event of HubSpot's: .portalId: is missing" },
  ])('is rejected: $reason', ({ event, reason }) => {
    expect(silence(event)).toEqual({ rejected: [reason], dropped: [] });
  });

  test('a time that is not finite is rejected', () => {
    const event = JSON.stringify(propertyChange({ occurredAt: 0 })).replace(
      '"occurredAt":0',
      '"occurredAt":1e400',
    );
    expect(hear('/webhooks/hubspot', `[${event}]`).rejected).toMatchObject([
      { reason: 'the time is not a finite number' },
    ]);
  });

  test('exactly 24 hours ahead and the first moment of 2000 are still times', () => {
    for (const occurredAtMs of [RECEIVED_AT_MS + DAY_MS, Date.UTC(2000, 0, 1)])
      expect(said(propertyChange({ occurredAt: occurredAtMs })).facts).toMatchObject([{ occurredAtMs }]);
  });

  test('a fraction of a millisecond is cut: facts are sorted by whole ones', () => {
    expect(said(propertyChange({ occurredAt: AT_MS + 0.5 })).facts).toMatchObject([{ occurredAtMs: AT_MS }]);
  });

  test('fields that are null are fields that are missing', () => {
    const nulls = Object.fromEntries(
      [
        'eventId',
        'objectTypeId',
        'isSensitive',
        'sourceId',
        'newObjectId',
        'primaryObjectId',
        'mergedObjectIds',
        'fromObjectId',
        'associationType',
        'associationTypeId',
        'eventType',
      ].map((field) => [field, null]),
    );
    expect(said(propertyChange(nulls)).facts).toEqual(said(propertyChange()).facts);
  });

  test.each([
    { poison: null, because: 'it is nothing' },
    { poison: propertyChange({ occurredAt: 1 }), because: 'its time is impossible' },
    {
      poison: propertyChange({ sourceId: { toString: 1 }, propertyValue: { valueOf: 1 } }),
      because: 'it cannot be made text',
    },
    { poison: { ...propertyChange(), mergedObjectIds: Array(251).fill(1) }, because: 'it has too many ids' },
  ])('one of 100 events goes alone, its 99 neighbours go on: $because', ({ poison }) => {
    const events: unknown[] = Array.from({ length: 100 }, (_, at) => propertyChange({ objectId: at + 1 }));
    events[42] = poison;

    const { heard, rejected, dropped } = hear('/webhooks/hubspot', events);

    expect(heard).toHaveLength(99);
    expect(rejected).toEqual([{ kind: expect.any(String), reason: expect.any(String), event: poison }]);
    expect(dropped).toEqual([]);
  });

  test('is kept with its reason where a message can hold it, else without it', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const long = Array.from({ length: 60_000 }, () => '1e20').join(',');

    for (const value of [deep, `[${long}]`]) {
      const event = JSON.stringify(propertyChange({ propertyValue: 0 })).replace(
        '"propertyValue":0',
        `"propertyValue":${value}`,
      );
      const { rejected } = hear('/webhooks/hubspot', `[${event}]`);

      expect(rejected).toEqual([
        {
          kind: 'event',
          reason: 'propertyValue is neither text, number, true, false nor null; too large to be kept',
          event: null,
        },
      ]);
    }
  });

  test('no reason holds anything of what an event says', () => {
    const canary = 'anna.schmidt@example.com';
    const fields = Object.keys(propertyChange());
    const events = [
      canary,
      [canary],
      ...fields.map((field) => propertyChange({ [field]: canary })),
      ...fields.map((field) => propertyChange({ [field]: { [canary]: canary } })),
      propertyChange({ mergedObjectIds: [canary] }),
      propertyChange({ [canary]: canary, occurredAt: canary }),
    ];

    const { rejected, dropped } = hear('/webhooks/hubspot', events);

    expect(rejected.length).toBeGreaterThan(5);
    expect([...rejected.map(({ reason }) => reason), ...dropped].join(' ')).not.toMatch(
      /anna|schmidt|example/i,
    );
  });
});

test('keys that JavaScript knows are keys like any other', () => {
  const { heard } = hear(
    '/webhooks/hubspot',
    `[{"__proto__":{"portalId":33,"isSensitive":true},"constructor":{"prototype":{"x":1}},${JSON.stringify(propertyChange()).slice(1)},
      ${JSON.stringify(propertyChange({ propertyName: 'constructor', propertyValue: 'Anna' }))}]`,
  );

  expect(heard).toHaveLength(2);
  expect(heard[1]?.properties).toEqual([{ name: 'constructor', value: 'Anna', occurredAtMs: AT_MS }]);
  expect({}).not.toHaveProperty('x');
  expect({}).not.toHaveProperty('isSensitive');
});

test('a single event without its array is read as one', () => {
  expect(hear('/webhooks/hubspot', propertyChange()).heard).toHaveLength(1);
});
