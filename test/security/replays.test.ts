import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { touchesOf } from '../../lambdas/scoring/touches.ts';
import { createTable, ENGINES, type Engine } from '../store/table.ts';
import { NOW_MS, posted, signal, signed, signedSignals, signedV2, VISITOR } from './requests.ts';
import { createSystem, everyEntranceModel } from './system.ts';

const TIMES = 100;
const change = (more: object = {}) => ({
  eventId: 1,
  portalId: 33,
  occurredAt: NOW_MS - 1000,
  subscriptionType: 'contact.propertyChange',
  attemptNumber: 0,
  objectId: 7,
  propertyName: 'hs_analytics_last_url',
  propertyValue: 'https://example.com/pricing',
  changeSource: 'CRM',
  ...more,
});

/** One request of each kind, and what one of it comes to: points by the model of every entrance, and facts. */
const REQUESTS = [
  { kind: 'a webhook', event: signed({ body: JSON.stringify([change()]) }), score: 100 },
  {
    kind: 'a workflow without a time or an id',
    event: signed({ route: '/webhooks/workflow', body: '{"contactId":7,"signal":"webinar.attended"}' }),
    score: 10,
  },
  {
    kind: 'a workflow signed with v2, which never grows old',
    event: signedV2({ body: '{"contactId":"7","signal":"webinar.attended"}' }),
    score: 10,
  },
  { kind: 'a signal', event: signedSignals(JSON.stringify(signal({ occurredAt: NOW_MS - 1000 }))), score: 1 },
];

describe.each(ENGINES)('over $name', ({ start }) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());

  test.each(REQUESTS)(`${TIMES} times $kind has the effect of one`, async ({ event, score }) => {
    const once = createSystem(await createTable(engine));
    await once.post(event);
    await once.drain();
    const often = createSystem(await createTable(engine));

    for (let at = 0; at < TIMES; at++) expect(await often.post(receivedAgain(event, at))).toBe(202);

    expect(await often.drain()).toBe(0);
    const facts = (await often.rows('7')).filter(({ sk }) => String(sk).startsWith('signal#'));
    expect(facts).toHaveLength(1);
    expect(await often.head('7')).toMatchObject({ eng: score });
    expect((await often.rows('7')).map(whatItSays)).toEqual((await once.rows('7')).map(whatItSays));
    expect(often.letters()).toEqual([]);
  });

  test(`${TIMES} times a visit that a page tells of is one visit of whose browser it is`, async () => {
    const often = createSystem(await createTable(engine));
    const identify = { signal: 'identify', occurredAt: NOW_MS, contactId: '7', visitorId: VISITOR };

    for (let at = 0; at < TIMES; at++) expect(await often.post(receivedAgain(posted(), at))).toBe(202);
    for (let at = 0; at < TIMES; at++)
      expect(await often.post(signedSignals(JSON.stringify(identify)))).toBe(202);

    expect(await often.drain()).toBe(0);
    const read = await often.contacts.readLiving('33#7');
    expect(touchesOf(read?.known.touches ?? [], everyEntranceModel().sources)).toHaveLength(1);
    expect(read?.head.shown?.journey).toMatchObject({ aiSessions: 1, text: 'ChatGPT 24 Nov 2025' });
  });
});

/** The same bytes, received a second later each time. */
function receivedAgain(event: APIGatewayProxyEventV2, at: number): APIGatewayProxyEventV2 {
  const { requestContext } = event;
  return { ...event, requestContext: { ...requestContext, timeEpoch: requestContext.timeEpoch + at * 1000 } };
}

/** A row without what counts how often it was stored, and the random ids of what is to be written. */
function whatItSays({ rev: _rev, wid: _wid, ...row }: Record<string, unknown>): Record<string, unknown> {
  return row;
}
