import { keptOf } from '../../lambdas/events/visits.ts';
import { hear, RECEIVED_AT_MS, touchModel } from './fixture.ts';

const VISITOR = 'Qx7mB2Zk0aT9wLr4VdYe_g';
const SESSION = 'n3-JcP8uXh5RkFzW1sGt0A';
const session = (changes: object = {}) => ({
  visitorId: VISITOR,
  sessionId: SESSION,
  seen: { by: 'browser', referrer: 'chatgpt.com', landing: 'https://www.example.com/pricing', isPaid: true },
  ...changes,
});
const hearSessions = (body: object, receivedAtMs?: number) =>
  hear('/sessions', body, { model: touchModel(), ...(receivedAtMs !== undefined && { receivedAtMs }) });

const keyOf = (changes: object, receivedAtMs?: number) =>
  hearSessions(session(changes), receivedAtMs).heard[0]?.facts[0]?.key;

describe('a session of a browser', () => {
  test('is a touch of somebody who is not known, at the time of its receipt', () => {
    expect(hearSessions(session())).toEqual({
      heard: [
        {
          subject: { type: 'visitor', visitorId: VISITOR },
          facts: [
            {
              key: expect.stringMatching(/^[\w-]{22}$/),
              name: 'touch',
              occurredAtMs: RECEIVED_AT_MS,
              value:
                '{"by":"browser","referrer":"chatgpt.com","landing":"https://www.example.com/pricing","isPaid":true}',
            },
          ],
          properties: [],
        },
      ],
      rejected: [],
      dropped: [],
    });
  });

  test('is known by visitor and session, however often and whenever it comes', () => {
    const key = keyOf({});

    expect(keyOf({ seen: { by: 'browser' } }, RECEIVED_AT_MS + 1)).toBe(key);
    expect(keyOf({ sessionId: VISITOR })).not.toBe(key);
    expect(keyOf({ visitorId: SESSION })).not.toBe(key);
  });

  test('is dropped, and counted so, when the model has no attribution', () => {
    expect(hear('/sessions', session())).toEqual({
      heard: [],
      rejected: [],
      dropped: ['a visit, and the model has no attribution'],
    });
  });

  test.each([
    { contactId: '7' },
    { email: 'ada@example.com' },
    { visitorId: '7' },
    { sessionId: undefined },
    { seen: { by: 'server' } },
    { seen: { by: 'browser', hubSpotSource: 'AI_REFERRALS' } },
    { seen: undefined },
  ])('that ingest would not have written is rejected: %j', (changes) => {
    expect(hearSessions(session(changes))).toMatchObject({
      heard: [],
      rejected: [{ kind: 'body', reason: 'not a session as ingest writes it' }],
    });
  });
});

const { sources } = touchModel();
const kept = (url?: string, referrer?: string, userAgent?: string) =>
  keptOf({ url, referrer, userAgent }, sources);

describe('of a visit is kept', () => {
  test.each([
    { url: 'https://Example.com:8443/Pricing/?q=ada#top', landing: 'https://example.com:8443/Pricing/' },
    { url: 'https://ada:secret@example.com/a', landing: 'https://example.com/a' },
    { url: 'https://example.com', landing: 'https://example.com/' },
    { url: 'https://example.com/u/ada@example.com/plan', landing: 'https://example.com/u/left-out/plan' },
    { url: 'https://example.com/u/ada%40example.com/plan', landing: 'https://example.com/u/left-out/plan' },
    { url: 'https://example.com/u/ada%2540example.com', landing: 'https://example.com/u/left-out' },
    { url: 'https://example.com/@ada/notes', landing: 'https://example.com/@ada/notes' },
    { url: `https://example.com/${'x'.repeat(300)}`, landing: `https://example.com/${'x'.repeat(180)}` }, // 200 characters
    { url: 'mailto:ada@example.com', landing: undefined },
    { url: 'file:///home/ada/notes.html', landing: undefined },
    { url: 'no URL', landing: undefined },
    { url: undefined, landing: undefined },
  ])('the page of $url as $landing', ({ url, landing }) => {
    expect(kept(url)).toEqual(landing === undefined ? {} : { landing });
  });

  test.each([
    { referrer: 'https://ChatGPT.com/c/6741-private?q=pain', host: 'chatgpt.com' },
    { referrer: 'https://www.google.com', host: 'www.google.com' },
    { referrer: 'http://user:pass@example.com:8080/', host: 'example.com' },
    { referrer: 'android-app://com.OpenAI.ChatGPT/', host: 'com.openai.chatgpt' },
    { referrer: `https://${'a'.repeat(63)}.${'b.'.repeat(95)}`, host: undefined }, // 254 characters.
    { referrer: 'https://bücher.example/', host: 'xn--bcher-kva.example' },
    { referrer: 'about:blank', host: undefined },
    { referrer: 'ada@example.com', host: undefined },
    { referrer: 'data:text/html,ada', host: undefined },
    { referrer: '', host: undefined },
    { referrer: undefined, host: undefined },
  ])('the host of $referrer as $host', ({ referrer, host }) => {
    expect(kept(undefined, referrer)).toEqual(host === undefined ? {} : { referrer: host });
  });

  test('of the query three parameters, each cut, and without an address', () => {
    const long = 'x'.repeat(120);
    const query = `utm_source=%20ChatGPT.com&utm_medium=&utm_campaign=${long}&utm_term=pain&utm_content=ad&email=ada@example.com`;

    expect(kept(`https://example.com/?${query}`)).toEqual({
      landing: 'https://example.com/',
      utmSource: 'ChatGPT.com',
      utmCampaign: 'x'.repeat(100),
    });
    expect(kept('https://example.com/?utm_campaign=for-ada%40example.com')).toMatchObject({
      utmCampaign: 'left-out',
    });
  });

  // Each from its vendor's help pages on auto-tagging.
  test.each([
    'gclid',
    'gbraid',
    'wbraid',
    'dclid',
    'msclkid',
    'ttclid',
    'twclid',
    'li_fat_id',
    'rdt_cid',
    'yclid',
  ])('that an advertiser was paid for it (%s), not the click', (name) => {
    expect(kept(`https://example.com/?${name}=Cj0KCQ`)).toEqual({
      landing: 'https://example.com/',
      isPaid: true,
    });
  });

  test('that nobody was paid where Facebook marks its links, as it does with all of them', () => {
    expect(kept('https://example.com/?fbclid=IwAR0')).toEqual({ landing: 'https://example.com/' });
  });

  test('the app that a user agent names, and nothing of any other', () => {
    expect(kept(undefined, undefined, 'Mozilla/5.0 (iPhone) ChatGPT/1.2')).toEqual({ app: 'chatgpt' });
    expect(kept(undefined, undefined, 'Mozilla/5.0 (iPhone) Safari/604.1')).toEqual({});
  });
});
