import { readMessages } from '../../lambdas/events/messages.ts';
import { countingModel, PORTAL, propertyChange, RECEIVED_AT_MS } from './fixture.ts';

const CONTEXT = { model: countingModel(), portalId: PORTAL, ownAppIds: [] };
const NOTHING = { portalId: PORTAL, heard: [], rejected: [], dropped: [], tick: [] };

const envelope = (body: string | Buffer, changes: object = {}) =>
  JSON.stringify({
    portalId: PORTAL,
    route: '/webhooks/hubspot',
    receivedAtMs: RECEIVED_AT_MS,
    body: Buffer.from(body).toString('base64'),
    ...changes,
  });
const read = (...bodies: string[]) =>
  readMessages(
    bodies.map((body, at) => ({ messageId: `m${at}`, body })),
    CONTEXT,
  );

test('a request is heard, and a tick names the contacts that fall due', () => {
  const tick = JSON.stringify({ portalId: PORTAL, contactIds: ['7', '8'] });

  const [request, due] = read(envelope(JSON.stringify([propertyChange()])), tick);

  expect(request).toMatchObject({ messageId: 'm0', tick: [], heard: [{ subject: { id: '541935488729' } }] });
  expect(due).toEqual({ ...NOTHING, messageId: 'm1', tick: ['7', '8'] });
});

test('a company tick names the company, and where the page begins', () => {
  const first = { portalId: PORTAL, companyId: '8' };
  const next = { ...first, after: '25#7' };

  expect(read(JSON.stringify(first), JSON.stringify(next))).toEqual([
    { ...NOTHING, messageId: 'm0', companyTick: first },
    { ...NOTHING, messageId: 'm1', companyTick: next },
  ]);
});

test('another portal is dropped, as request and as tick', () => {
  const [request, tick, companyTick] = read(
    envelope(JSON.stringify([propertyChange()]), { portalId: '33' }),
    JSON.stringify({ portalId: '33', contactIds: ['7'] }),
    JSON.stringify({ portalId: '33', companyId: '8' }),
  );

  expect(request).toEqual({ ...NOTHING, messageId: 'm0', dropped: ['another portal'] });
  expect(tick).toEqual({ ...NOTHING, messageId: 'm1', dropped: ['another portal'] });
  expect(companyTick).toEqual({ ...NOTHING, messageId: 'm2', dropped: ['another portal'] });
});

test.each([
  { body: 'Anna', because: 'it is no JSON' },
  { body: '"Anna"', because: 'it is text' },
  { body: '{}', because: 'it says nothing' },
  { body: envelope('[]', { route: '/admin' }), because: 'there is no such route' },
  { body: envelope('[]', { body: 'Anna!' }), because: 'its body is no base64' },
  {
    body: JSON.stringify({ portalId: PORTAL, contactIds: Array(101).fill('7') }),
    because: 'a tick names at most 100',
  },
])('a message that is neither request nor tick is rejected and stops no other: $because', ({ body }) => {
  const [good, bad, after] = read(envelope('[]'), body, envelope('[]'));

  expect(good).toEqual({ ...NOTHING, messageId: 'm0', arrivals: [] });
  expect(bad).toEqual({
    ...NOTHING,
    messageId: 'm1',
    rejected: [{ kind: 'message', reason: 'a message that is neither a request nor a tick', event: body }],
  });
  expect(after).toEqual({ ...NOTHING, messageId: 'm2', arrivals: [] });
});

test.each([
  { raw: Buffer.from('Anna'), because: 'it is no JSON' },
  { raw: Buffer.from([0xff]), because: 'it is no UTF-8' },
  { raw: Buffer.from(`[12345678901234567${',['.repeat(100_000)}`), because: 'it never ends' },
])('a request whose body cannot be read is rejected with its body: $because', ({ raw }) => {
  const [message] = read(envelope(raw));
  expect(message?.rejected).toEqual([
    { kind: 'body', reason: 'the body is not JSON in UTF-8', event: raw.toString('base64') },
  ]);
});

test('a request of 512 KiB is read whole', () => {
  const pad = ' '.repeat(512 * 1024 - 2);
  expect(read(envelope(`[${pad}]`))).toEqual([{ ...NOTHING, messageId: 'm0', arrivals: [] }]);
});
