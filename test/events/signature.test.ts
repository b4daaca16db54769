import { createHmac } from 'node:crypto';
import hubSpotSignature from '@hubspot/api-client/lib/src/utils/signature.js';
import fc from 'fast-check';
import { isSignedV2, isSignedV3, signedUri, signV3 } from '../../lambdas/events/signature.ts';
import { B1, B1_V1, B1_V2, S1, S3, S3X, VECTORS, type Vector } from './vectors.ts';

const { Signature } = hubSpotSignature;
const MINUTE_MS = 60_000;

/** A vector as a request, received the moment it was signed. */
function isAccepted(
  vector: Vector,
  changes: Partial<Vector> = {},
  nowMs = Number(vector.timestamp),
): boolean {
  const { method, uri, body, timestamp, v3, secret } = { ...vector, ...changes };
  const request = { method, uri, body: Buffer.from(body), timestamp, signature: v3 };
  return isSignedV3(request, [secret], nowMs);
}

describe('signature v3', () => {
  test.each(VECTORS)('accepts $name', (vector) => {
    expect(isAccepted(vector)).toBe(true);
  });

  test.each(VECTORS)('refuses $name when anything of it is changed', (vector) => {
    expect(isAccepted(vector, { method: vector.method === 'GET' ? 'POST' : 'GET' })).toBe(false);
    expect(isAccepted(vector, { uri: `${vector.uri}/` })).toBe(false);
    expect(isAccepted(vector, { body: `${vector.body} ` })).toBe(false);
    expect(isAccepted(vector, { timestamp: String(Number(vector.timestamp) + 1) })).toBe(false);
    expect(isAccepted(vector, { secret: `${vector.secret}.` })).toBe(false);
  });

  test.each([
    { given: 'empty', v3: '' },
    { given: 'cut by one character', v3: S1.v3.slice(0, -1) },
    { given: 'in another letter case', v3: S1.v3.toLowerCase() },
    { given: 'with something after it', v3: `${S1.v3}=` },
    { given: 'as hexadecimal digits', v3: Buffer.from(S1.v3, 'base64').toString('hex') },
    { given: 'the v1 of the same body', v3: B1_V1 },
    { given: 'the v2 of the same request', v3: B1_V2 },
    { given: 'sent twice and joined by a comma', v3: `${S1.v3},${S1.v3}` },
  ])('refuses a signature that is $given', ({ v3 }) => {
    expect(isAccepted(S1, { v3 })).toBe(false);
  });

  test('refuses a signature in which a proxy made a space of the plus sign', () => {
    const vector = VECTORS.find(({ v3 }) => v3.includes('+')) ?? S1;

    expect(isAccepted(vector, { v3: vector.v3.replaceAll('+', ' ') })).toBe(false);
  });

  test('refuses a request without a signature or without a timestamp', () => {
    const request = { ...S1, body: Buffer.from(S1.body), signature: S1.v3 };

    expect(isSignedV3({ ...request, signature: undefined }, [S1.secret], Number(S1.timestamp))).toBe(false);
    expect(isSignedV3({ ...request, timestamp: undefined }, [S1.secret], Number(S1.timestamp))).toBe(false);
  });

  test.each([
    { afterMs: 0, accepted: true, because: 'it has just been signed' },
    {
      afterMs: 5 * MINUTE_MS,
      accepted: true,
      because: 'HubSpot rejects what is older than 5 minutes, not what is as old',
    },
    { afterMs: 5 * MINUTE_MS + 1, accepted: false, because: 'it is older than 5 minutes' },
    { afterMs: -MINUTE_MS, accepted: true, because: 'clocks may differ by a minute' },
    { afterMs: -MINUTE_MS - 1, accepted: false, because: 'no clock is that far ahead' },
  ])(
    'received $afterMs ms after it was signed: accepted = $accepted, because $because',
    ({ afterMs, accepted }) => {
      expect(isAccepted(S1, {}, Number(S1.timestamp) + afterMs)).toBe(accepted);
    },
  );

  test.each([
    '',
    'soon',
    'NaN',
    '1764000000000abc',
    ' 1764000000000',
    '-1764000000000',
    '1.764e12',
    '0x19ab6',
    '1764000000000,1764000000000',
    '1764000000000.0',
    '9'.repeat(16),
  ])('refuses the timestamp "%s" though it is signed: it is no epoch milliseconds', (timestamp) => {
    const v3 = createHmac('sha256', S1.secret)
      .update(S1.method + S1.uri + S1.body + timestamp)
      .digest('base64');

    expect(isAccepted(S1, { timestamp, v3 }, Number(S1.timestamp))).toBe(false);
  });

  test('accepts either of two secrets during a rotation, whichever comes first, and no third', () => {
    const request = { ...S1, body: Buffer.from(S1.body), signature: S1.v3 };
    const nowMs = Number(S1.timestamp);

    expect(isSignedV3(request, [S1.secret, 'the one before'], nowMs)).toBe(true);
    expect(isSignedV3(request, ['the new one', S1.secret], nowMs)).toBe(true);
    expect(isSignedV3(request, ['the new one', 'the one before'], nowMs)).toBe(false);
    expect(isSignedV3(request, [], nowMs)).toBe(false);
  });

  test('looks at the bytes as they came, not at what they would be as text', () => {
    const bytes = Buffer.from([0x22, 0xff, 0xfe, 0x22]); // no UTF-8
    const timestamp = S1.timestamp;
    const signature = createHmac('sha256', S1.secret)
      .update(S1.method + S1.uri)
      .update(bytes)
      .update(timestamp)
      .digest('base64');
    const request = { method: S1.method, uri: S1.uri, timestamp, signature };
    const replaced = Buffer.from(bytes.toString('utf8'));

    expect(isSignedV3({ ...request, body: bytes }, [S1.secret], Number(timestamp))).toBe(true);
    expect(isSignedV3({ ...request, body: replaced }, [S1.secret], Number(timestamp))).toBe(false);
  });
});

describe('the address that is signed', () => {
  test('refuses a signature over the address as it stands where HubSpot decodes it', () => {
    expect(isAccepted(S3, { v3: S3X })).toBe(false);
  });

  test.each([
    ['%3A', ':'],
    ['%2F', '/'],
    ['%3F', '?'],
    ['%40', '@'],
    ['%21', '!'],
    ['%24', '$'],
    ['%27', "'"],
    ['%28', '('],
    ['%29', ')'],
    ['%2A', '*'],
    ['%2C', ','],
    ['%3B', ';'],
  ])('%s is decoded to %s, in lower case too', (escape, character) => {
    expect(signedUri(`https://a.example/b?c=${escape}d`)).toBe(`https://a.example/b?c=${character}d`);
    expect(signedUri(`https://a.example/b?c=${escape.toLowerCase()}d`)).toBe(
      `https://a.example/b?c=${character}d`,
    );
  });

  test('of the 256 escapes these 12 are decoded, and all others stay as they stand', () => {
    const escapes = Array.from(
      { length: 256 },
      (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    );

    const decoded = escapes.filter((escape) => signedUri(escape) !== escape);

    expect(decoded.join(' ')).toBe('%21 %24 %27 %28 %29 %2A %2C %2F %3A %3B %3F %40');
    expect(signedUri('%e6%9D%b1 %20%26%3d%3D%2b%2B')).toBe('%e6%9D%b1 %20%26%3d%3D%2b%2B');
  });

  test.each([
    { uri: '%253A', because: 'what decoding once leaves is not decoded again' },
    { uri: '%', because: 'a bare percent sign is no escape' },
    { uri: '%3', because: 'half an escape is no escape' },
    { uri: '%3G', because: 'G is no hexadecimal digit' },
    { uri: '%%', because: 'two percent signs are no escape' },
    { uri: '?a=b&c=d+e#f', because: 'nothing here is an escape' },
  ])('$uri stays: $because', ({ uri }) => {
    expect(signedUri(uri)).toBe(uri);
  });
});

/** What the helper makes of the same request. */
const helped = (changes: object) =>
  Signature.isValid({
    method: S1.method,
    signatureVersion: 'v3',
    signature: S1.v3,
    clientSecret: S1.secret,
    requestBody: S1.body,
    url: S1.uri,
    timestamp: Number(S1.timestamp),
    ...changes,
  });

describe("beside the SDK's own helper", () => {
  const { now } = Date;
  beforeEach(() => {
    Date.now = () => Number(S1.timestamp); // The helper reads the clock itself.
  });
  afterEach(() => {
    Date.now = now;
  });

  test('signs what the helper signs, whatever the request, where nothing is to be decoded', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'PUT'),
        fc.stringMatching(/^https:\/\/[a-z.]{1,20}\/[a-z0-9/?&=+;.@~-]{0,40}$/),
        text,
        fc.integer({ min: 0, max: 4e12 }),
        fc.string({ minLength: 1, maxLength: 40 }),
        (method, uri, body, timestamp, secret) => {
          const theirs = Signature.getSignature(method, 'v3', {
            signature: '',
            url: uri,
            requestBody: body,
            timestamp,
            clientSecret: secret,
          });
          expect(signV3({ method, uri, body: Buffer.from(body) }, String(timestamp), secret)).toBe(theirs);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([
    { gap: 'an hour ahead', timestamp: Number(S1.timestamp) + 60 * MINUTE_MS },
    { gap: 'no number', timestamp: 'tomorrow' },
  ])('refuses a timestamp that is $gap, which the helper lets pass', ({ timestamp }) => {
    const v3 = createHmac('sha256', S1.secret)
      .update(`${S1.method}${S1.uri}${S1.body}${timestamp}`)
      .digest('base64');

    expect(helped({ timestamp, signature: v3 })).toBe(true);
    expect(isAccepted(S1, { timestamp: String(timestamp), v3 }, Number(S1.timestamp))).toBe(false);
  });

  test('decodes the address, which the helper does not', () => {
    const said = { url: S3.uri, requestBody: S3.body };

    expect(helped({ ...said, signature: S3.v3 })).toBe(false);
    expect(helped({ ...said, signature: S3X })).toBe(true);
    expect(isAccepted(S3)).toBe(true);
    expect(isAccepted(S3, { v3: S3X })).toBe(false);
  });

  test('signs a missing body as nothing, which the helper signs as the word "undefined"', () => {
    const asTheWord = createHmac('sha256', S1.secret)
      .update(`${S1.method}${S1.uri}undefined${S1.timestamp}`)
      .digest('base64');

    expect(helped({ requestBody: undefined, signature: asTheWord })).toBe(true);
    expect(isAccepted(S1, { body: '', v3: asTheWord })).toBe(false);
    expect(
      isAccepted(S1, { body: '', v3: signV3({ ...S1, body: Buffer.alloc(0) }, S1.timestamp, S1.secret) }),
    ).toBe(true);
  });

  test('never takes v1, which is what the helper checks when nobody says otherwise', () => {
    expect(helped({ signatureVersion: undefined, signature: B1_V1 })).toBe(true);
    expect(isAccepted(S1, { v3: B1_V1 })).toBe(false);
  });

  test('answers no to a stale request, where the helper throws', () => {
    Date.now = () => Number(S1.timestamp) + 5 * MINUTE_MS + 1;

    expect(() => helped({})).toThrow('Timestamp is invalid');
    expect(isAccepted(S1, {}, Date.now())).toBe(false);
  });
});

describe('signature v2', () => {
  const request = { method: 'POST', uri: S1.uri, body: Buffer.from(B1), signature: B1_V2 };

  test('accepts the published value with either of two secrets', () => {
    expect(isSignedV2(request, [S1.secret])).toBe(true);
    expect(isSignedV2(request, ['the new one', S1.secret])).toBe(true);
  });

  test.each([
    { changed: 'no signature', changes: { signature: undefined } },
    { changed: 'an empty signature', changes: { signature: '' } },
    { changed: 'the v1 of the body', changes: { signature: B1_V1 } },
    { changed: 'another method', changes: { method: 'GET' } },
    { changed: 'another address', changes: { uri: `${S1.uri}?a` } },
    { changed: 'another body', changes: { body: Buffer.from('[]') } },
  ])('refuses $changed', ({ changes }) => {
    expect(isSignedV2({ ...request, ...changes }, [S1.secret])).toBe(false);
  });

  test('refuses another secret', () => {
    expect(isSignedV2(request, ['another'])).toBe(false);
  });
});
