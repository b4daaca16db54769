/** Signatures made by others: HubSpot's SDKs for Python and Ruby, and `openssl`-like tools over HubSpot's description. */
export interface Vector {
  readonly name: string;
  readonly secret: string;
  readonly timestamp: string;
  readonly method: string;
  readonly uri: string;
  readonly body: string;
  readonly v3: string;
}

const SECRET = '11111111-2222-3333-4444-555555555555';
const AT = '1764000000000';
const TARGET = 'https://hooks.example.com/webhooks/hubspot';

/** One event, as HubSpot would post it. */
export const B1 =
  '[{"eventId":100,"subscriptionId":11,"portalId":33,"appId":44,"occurredAt":1764000000000,"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":123,"propertyName":"lifecyclestage","propertyValue":"lead","changeSource":"CRM_UI"}]';
export const B1_V1 = '9b9f6d4a8bbd6859ae629712a616a51e1d63ce60b371f94d52300450e1f604c2';
export const B1_V2 = '25277a13b3fe28791257db5b22f5112d404ae7bec1a94649a084d88cafaa5e33';

export const S1: Vector = {
  name: 'a POST with ASCII in its body',
  secret: SECRET,
  timestamp: AT,
  method: 'POST',
  uri: TARGET,
  body: B1,
  v3: 'YFLjAoxmHTU27m7Dp/YuOCubZ/cZPcXq23P8VEyQXpc=',
};

export const S2: Vector = {
  ...S1,
  name: 'letters beyond ASCII and an emoji in the body',
  body: '[{"propertyValue":"Zoë – 東京 🚀"}]',
  v3: 'r84r30o1dkW22mrPnpjZAigz5onCUuzQIpa40/TPm/w=',
};

export const S3: Vector = {
  ...S1,
  name: 'an encoded query, decoded as HubSpot does',
  uri: `${TARGET}?src=hs%3Aapp%2Fv3&x=%28a%29%2Cb&s=a%20b%26c`,
  body: '[]',
  v3: '/plEesDXr8ebXX7uVRGAqtHsy074uDqlH4F2OC6eMqI=',
};
/** The signature over S3's address as it stands, which HubSpot never makes. */
export const S3X = 'BhKYgwWJsZ/2TAxHdSxfQipgw8WXwtyAUoQBaS5zjio=';

const S4: Vector = {
  ...S1,
  name: 'the execute-api address with its stage',
  uri: 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod/webhooks/hubspot',
  body: '[]',
  v3: 'jrF40MAdUWXcf0xD5G1LFc+qLh7CRI9NwcbERL2pagg=',
};

const S5: Vector = {
  ...S1,
  name: 'a GET with a query and no body',
  method: 'GET',
  uri: 'https://hooks.example.com/card?portalId=33',
  body: '',
  v3: 'qrFrHzF3sj6FK3CzedavuyK0vVEExok2Sies6uy6Rf4=',
};

const PYTHON: Vector = {
  name: "the vector in the tests of HubSpot's Python SDK",
  secret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
  timestamp: '1693657560000',
  method: 'POST',
  uri: 'https://www.example.com/webhook_uri',
  body: "{'example_field':'example_value'}",
  v3: 'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=',
};

const RUBY: Vector = {
  ...PYTHON,
  name: "the vector in the tests of HubSpot's Ruby SDK",
  timestamp: '1700000300000',
  v3: 'RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=',
};

export const VECTORS: readonly Vector[] = [S1, S2, S3, S4, S5, PYTHON, RUBY];
