import { Webhook } from 'standardwebhooks';
import * as v from 'valibot';
import { MisconfiguredError } from '../../lambdas/errors.ts';
import { type Claim, isAuthentic, WebhookSecret } from '../../lambdas/events/authenticity.ts';
import { signV2, signV3 } from '../../local/hubspot/sign.ts';

const NOW_MS = 1764000000000;
const SECRET = { clientSecret: 'client-secret' };
const PUBLIC_URL = 'https://hooks.example.com';
const BODY = '[{"objectId":7}]';

/** A request signed by HubSpot, by a second implementation of its description. */
function signed(uri = `${PUBLIC_URL}/webhooks/hubspot`, secret = SECRET.clientSecret): Claim['headers'] {
  const timestamp = String(NOW_MS);
  return {
    'x-hubspot-request-timestamp': timestamp,
    'x-hubspot-signature-v3': signV3({ method: 'POST', uri, body: BODY, secret, timestamp }),
  };
}

function claim(changes: Partial<Claim> = {}): Claim {
  return {
    route: '/webhooks/hubspot',
    method: 'POST',
    rawQuery: '',
    headers: signed(),
    body: Buffer.from(BODY),
    publicUrl: PUBLIC_URL,
    isV2Accepted: false,
    ...changes,
  };
}

const isIn = (changes: Partial<Claim> = {}, secret: WebhookSecret = SECRET) =>
  isAuthentic(claim(changes), secret, NOW_MS);

describe('the address HubSpot signed', () => {
  test.each([
    { publicUrl: 'https://hooks.example.com', because: 'it is the usual one' },
    { publicUrl: 'http://127.0.0.1:8787', because: 'the local run has a port and no TLS' },
    { publicUrl: 'https://hooks.example.com/afterglow', because: 'a custom domain may have a prefix' },
  ])('is $publicUrl and the path of the route: $because', ({ publicUrl }) => {
    expect(isIn({ publicUrl, headers: signed(`${publicUrl}/webhooks/hubspot`) })).toBe(true);
    expect(isIn({ publicUrl, headers: signed(`${publicUrl}/webhooks/workflow`) })).toBe(false);
    expect(isIn({ publicUrl, headers: signed(`${publicUrl}/webhooks/hubspot/`) })).toBe(false);
  });

  test('has the query as it was received, and no question mark without one', () => {
    const uri = `${PUBLIC_URL}/webhooks/hubspot`;

    expect(isIn({ rawQuery: 'src=hs%3Aapp&b=a%20b', headers: signed(`${uri}?src=hs%3Aapp&b=a%20b`) })).toBe(
      true,
    );
    expect(isIn({ rawQuery: '', headers: signed(`${uri}?`) })).toBe(false);
    expect(isIn({ rawQuery: 'a=1', headers: signed(uri) })).toBe(false);
    expect(isIn({ rawQuery: 'b=2&a=1', headers: signed(`${uri}?a=1&b=2`) })).toBe(false);
  });
});

describe('headers', () => {
  const headers = signed();
  const v3 = headers['x-hubspot-signature-v3'] ?? '';
  const other = signed(undefined, 'another')['x-hubspot-signature-v3'] ?? '';

  test.each([
    { given: 'none at all', change: undefined },
    { given: 'no signature', change: { 'x-hubspot-signature-v3': undefined } },
    { given: 'an empty signature', change: { 'x-hubspot-signature-v3': '' } },
    {
      given: 'the right signature twice, joined by a comma',
      change: { 'x-hubspot-signature-v3': `${v3},${v3}` },
    },
    { given: 'a wrong and the right signature', change: { 'x-hubspot-signature-v3': `${other},${v3}` } },
    { given: 'the right and a wrong signature', change: { 'x-hubspot-signature-v3': `${v3}, ${other}` } },
    { given: 'no timestamp', change: { 'x-hubspot-request-timestamp': undefined } },
    { given: 'two timestamps', change: { 'x-hubspot-request-timestamp': `${NOW_MS},${NOW_MS}` } },
    {
      given: 'the v3 signature under the name of v1 and v2',
      change: { 'x-hubspot-signature-v3': undefined, 'x-hubspot-signature': v3 },
    },
  ])('are refused with $given', ({ change }) => {
    expect(isIn({ headers: change === undefined ? {} : { ...headers, ...change } })).toBe(false);
  });
});

describe('a rotation', () => {
  const during = { clientSecret: 'new', previousClientSecret: SECRET.clientSecret };

  test('lets both client secrets in while both are filled in, and the old one no longer after', () => {
    expect(isIn({ headers: signed(undefined, 'new') }, during)).toBe(true);
    expect(isIn({ headers: signed() }, during)).toBe(true);
    expect(isIn({ headers: signed() }, { clientSecret: 'new' })).toBe(false);
  });

  test('refuses an empty secret, with which anybody could sign', () => {
    expect(v.is(WebhookSecret, { clientSecret: '' })).toBe(false);
    expect(v.is(WebhookSecret, { clientSecret: 'new', previousClientSecret: '' })).toBe(false);
    expect(v.is(WebhookSecret, { clientSecret: 'new', signalsSecret: '' })).toBe(false);
    expect(v.is(WebhookSecret, {})).toBe(false);
    expect(v.is(WebhookSecret, during)).toBe(true);
  });
});

describe('the workflow route', () => {
  const uri = `${PUBLIC_URL}/webhooks/workflow`;
  const workflow = { route: '/webhooks/workflow', isV2Accepted: true } as const;
  const v2 = {
    'x-hubspot-signature': signV2({ method: 'POST', uri, body: BODY, secret: SECRET.clientSecret }),
  };

  test('takes v3 whether or not v2 is switched on', () => {
    expect(isIn({ ...workflow, headers: signed(uri) })).toBe(true);
    expect(isIn({ ...workflow, isV2Accepted: false, headers: signed(uri) })).toBe(true);
  });

  test('takes v2 only where it is switched on, also with the secret before', () => {
    const during = { clientSecret: 'new', previousClientSecret: SECRET.clientSecret };

    expect(isIn({ ...workflow, headers: v2 })).toBe(true);
    expect(isIn({ ...workflow, headers: v2 }, during)).toBe(true);
    expect(isIn({ ...workflow, isV2Accepted: false, headers: v2 })).toBe(false);
    expect(isIn({ ...workflow, headers: { 'x-hubspot-signature': 'wrong' } })).toBe(false);
    expect(isIn({ ...workflow, headers: {} })).toBe(false);
  });

  test('switching v2 on for workflows opens no other door', () => {
    const target = `${PUBLIC_URL}/webhooks/hubspot`;
    const forTarget = signV2({ method: 'POST', uri: target, body: BODY, secret: SECRET.clientSecret });

    expect(isIn({ isV2Accepted: true, headers: { 'x-hubspot-signature': forTarget } })).toBe(false);
  });

  test('a wrong v3 is not saved by a right v2', () => {
    expect(isIn({ ...workflow, headers: { ...signed(uri, 'another'), ...v2 } })).toBe(false);
  });
});

const minutesFromNow = (minutes: number) => new Date(Date.now() + minutes * 60_000);

describe('own signals', () => {
  const KEY = `whsec_${Buffer.from('a signing key of 24 bytes').toString('base64')}`;
  const OLD_KEY = `whsec_${Buffer.from('the key before this one').toString('base64')}`;
  const secret = { ...SECRET, signalsSecret: KEY };

  function sent(key = KEY, at = new Date(), id = 'msg_1'): Claim['headers'] {
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(key).sign(id, at, BODY),
    };
  }
  const isSignalIn = (headers: Claim['headers'], given: WebhookSecret = secret, body = BODY) =>
    isIn({ route: '/signals', headers, body: Buffer.from(body) }, given);

  test('are taken when signed as Standard Webhooks says, whatever its sender adds', () => {
    const headers = sent();
    const signature = headers['webhook-signature'] ?? '';

    expect(isSignalIn(headers)).toBe(true);
    expect(isSignalIn({ ...headers, 'webhook-signature': `v1,AAAA v1a,BBBB ${signature}` })).toBe(true);
  });

  test.each([
    { given: 'no headers', headers: {}, body: BODY },
    { given: 'no id', headers: { ...sent(), 'webhook-id': undefined }, body: BODY },
    { given: 'another id', headers: { ...sent(), 'webhook-id': 'msg_2' }, body: BODY },
    { given: 'no timestamp', headers: { ...sent(), 'webhook-timestamp': undefined }, body: BODY },
    {
      given: 'a timestamp that is no number',
      headers: { ...sent(), 'webhook-timestamp': 'now' },
      body: BODY,
    },
    ...[
      (at: string) => `${at},${at}`,
      (at: string) => `${at}s`,
      (at: string) => ` ${at}`,
      (at: string) => at.padStart(16, '0'),
    ].map((written) => ({
      given: `a timestamp written as ${written('7')}`,
      headers: { ...sent(), 'webhook-timestamp': written(sent()['webhook-timestamp'] ?? '') },
      body: BODY,
    })),
    { given: 'no signature', headers: { ...sent(), 'webhook-signature': undefined }, body: BODY },
    { given: 'another key', headers: sent(OLD_KEY), body: BODY },
    { given: 'another body', headers: sent(), body: '[]' },
    { given: 'a request of six minutes ago', headers: sent(KEY, minutesFromNow(-6)), body: BODY },
    { given: 'a request of six minutes ahead', headers: sent(KEY, minutesFromNow(6)), body: BODY },
    { given: "HubSpot's own signature", headers: signed(`${PUBLIC_URL}/signals`), body: BODY },
  ])('are refused with $given', ({ headers, body }) => {
    expect(isSignalIn(headers, secret, body)).toBe(false);
  });

  test('a failure of the verifying library is no wrong signature: it is thrown, as our own fault', () => {
    const body = Buffer.from(BODY);
    Object.defineProperty(body, 'constructor', { value: Uint8Array }); // The library takes Buffers by that name only.

    expect(() => isIn({ route: '/signals', headers: sent(), body }, secret)).toThrow('Expected payload');
  });

  test('are taken with either key during a rotation', () => {
    const during = { ...secret, previousSignalsSecret: OLD_KEY };

    expect(isSignalIn(sent(), during)).toBe(true);
    expect(isSignalIn(sent(OLD_KEY), during)).toBe(true);
    expect(isSignalIn(sent(OLD_KEY), secret)).toBe(false);
  });

  test('are believed by their signature alone, whatever stands in the body', () => {
    const at = new Date();
    const headers = {
      ...sent(KEY, at),
      'webhook-signature': new Webhook(KEY).sign('msg_1', at, '{"not": JSON'),
    };

    expect(isSignalIn(headers, secret, '{"not": JSON')).toBe(true);
  });

  test.each([
    { given: 'no key is filled in', keys: {} },
    { given: 'the key is no base64', keys: { signalsSecret: 'whsec_%%CANARY%%' } },
    { given: 'the key is empty behind its prefix', keys: { signalsSecret: 'whsec_' } },
  ])('wait for an operator while $given, and nobody is told the key', ({ keys }) => {
    expect(() => isSignalIn(sent(), { ...SECRET, ...keys })).toThrow(MisconfiguredError);
    expect(() => isSignalIn(sent(), { ...SECRET, ...keys })).toThrow('signalsSecret');
    expect(() => isSignalIn(sent(), { ...SECRET, ...keys })).not.toThrow(/CANARY/);
  });
});
