import { signV1, signV2, signV3, uriToSign, webhookHeaders } from '../../../local/hubspot/sign.ts';

const secret = '11111111-2222-3333-4444-555555555555';
const timestamp = 1_764_000_000_000;
const hook = 'https://hooks.example.com/webhooks/hubspot';
const b1 =
  '[{"eventId":100,"subscriptionId":11,"portalId":33,"appId":44,"occurredAt":1764000000000,"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":123,"propertyName":"lifecyclestage","propertyValue":"lead","changeSource":"CRM_UI"}]';

describe('signs as HubSpot does', () => {
  test.each([
    ['a body of ASCII', 'POST', hook, b1, 'YFLjAoxmHTU27m7Dp/YuOCubZ/cZPcXq23P8VEyQXpc='],
    [
      'a body beyond ASCII',
      'POST',
      hook,
      '[{"propertyValue":"Zoë – 東京 🚀"}]',
      'r84r30o1dkW22mrPnpjZAigz5onCUuzQIpa40/TPm/w=',
    ],
    [
      'only the listed escapes decoded',
      'POST',
      `${hook}?src=hs%3Aapp%2Fv3&x=%28a%29%2Cb&s=a%20b%26c`,
      '[]',
      '/plEesDXr8ebXX7uVRGAqtHsy074uDqlH4F2OC6eMqI=',
    ],
    [
      'a stage in the path',
      'POST',
      'https://abc123.execute-api.eu-west-1.amazonaws.com/prod/webhooks/hubspot',
      '[]',
      'jrF40MAdUWXcf0xD5G1LFc+qLh7CRI9NwcbERL2pagg=',
    ],
    [
      'a GET without a body',
      'GET',
      'https://hooks.example.com/card?portalId=33',
      '',
      'qrFrHzF3sj6FK3CzedavuyK0vVEExok2Sies6uy6Rf4=',
    ],
  ])('v3: %s', (_because, method, uri, body, expected) => {
    expect(signV3({ method, uri, body, timestamp, secret })).toBe(expected);
  });

  test.each([
    [1_693_657_560_000, 'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y='],
    [1_700_000_300_000, 'RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw='],
  ])('v3: the published vector of %d', (at, expected) => {
    const published = {
      method: 'POST',
      uri: 'https://www.example.com/webhook_uri',
      body: "{'example_field':'example_value'}",
      secret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
    };
    expect(signV3({ ...published, timestamp: at })).toBe(expected);
  });

  test('v1 and v2', () => {
    expect(signV1({ secret, body: b1 })).toBe(
      '9b9f6d4a8bbd6859ae629712a616a51e1d63ce60b371f94d52300450e1f604c2',
    );
    expect(signV2({ secret, method: 'POST', uri: hook, body: b1 })).toBe(
      '25277a13b3fe28791257db5b22f5112d404ae7bec1a94649a084d88cafaa5e33',
    );
  });

  test('a webhook carries v3 with its time, and v1', () => {
    expect(webhookHeaders({ method: 'POST', uri: hook, body: b1, secret, timestamp })).toMatchObject({
      'x-hubspot-signature-v3': 'YFLjAoxmHTU27m7Dp/YuOCubZ/cZPcXq23P8VEyQXpc=',
      'x-hubspot-request-timestamp': '1764000000000',
      'x-hubspot-signature': '9b9f6d4a8bbd6859ae629712a616a51e1d63ce60b371f94d52300450e1f604c2',
      'x-hubspot-signature-version': 'v1',
    });
  });

  test('decodes the twelve escapes in either case, and nothing else', () => {
    expect(uriToSign('/?%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B=%3a%2f%20%26%3D%2B%25%zz')).toBe(
      "/?:/?@!$'()*,;=:/%20%26%3D%2B%25%zz",
    );
  });
});
