import {
  companyIdOf,
  contactIdOf,
  contactKey,
  dueKey,
  emailKey,
  isIdentityKey,
  portalKey,
  recordKey,
  SHARDS,
} from '../../lambdas/store/keys.ts';

const SECRET = 'a key for tests';
// printf ada@example.com | openssl dgst -sha256 -hmac 'a key for tests' -binary, in base64url
const ADA = '33#email#xWoSBBm4jYnhor5bn8_64eWSiSHAlcU0qb4iXkTxYIk';

test('every key begins with the portal', () => {
  const keys = [
    contactKey('33', '7'),
    recordKey('33', 'company', '7'),
    emailKey('33', 'ada@example.com', SECRET),
    portalKey('33'),
    dueKey('33', '2026-06-09', '7'),
  ];

  expect(keys.map((key) => key.split('#')[0])).toEqual(keys.map(() => '33'));
  expect(new Set(keys).size).toBe(keys.length);
});

test.each([
  { address: 'ada@example.com', because: 'as it stands' },
  { address: 'ADA@Example.com', because: 'letter case does not matter' },
  { address: ' ada@example.com\n', because: 'nor does blank space around it' },
])('an address becomes its HMAC, $because', ({ address }) => {
  expect(emailKey('33', address, SECRET)).toBe(ADA);
});

test('accents written in one or in two characters are the same address', () => {
  expect(emailKey('33', 'zoe\u0308@example.com', SECRET)).toBe(
    emailKey('33', 'zo\u00EB@example.com', SECRET),
  );
});

test('another key gives other rows: nobody can guess addresses without it', () => {
  expect(emailKey('33', 'ada@example.com', 'another key')).not.toBe(ADA);
});

test.each([
  { key: '33#7', id: '7', because: 'it is a contact' },
  { key: '33#90071992547409931', id: '90071992547409931', because: 'ids are text, of any length' },
  { key: '3#7', id: undefined, because: 'another portal, though 33 begins with 3' },
  { key: '333#7', id: undefined, because: 'another portal, though it begins with 33' },
  { key: '33#company#7', id: undefined, because: 'it is a company' },
  { key: ADA, id: undefined, because: 'it is an address' },
  { key: '33#portal', id: undefined, because: "it is the portal's own" },
  { key: '33#', id: undefined, because: 'it has no id' },
])('$key is the contact $id: $because', ({ key, id }) => {
  expect(contactIdOf(key, '33')).toBe(id);
});

test.each([
  { key: '33#company#8', id: '8', because: 'it is a company' },
  { key: '3#company#8', id: undefined, because: 'another portal' },
  { key: '33#deal#8', id: undefined, because: 'it is a deal' },
  { key: '33#8', id: undefined, because: 'it is a contact' },
  { key: '33#company#', id: undefined, because: 'it has no id' },
])('$key is the company $id: $because', ({ key, id }) => {
  expect(companyIdOf(key, '33')).toBe(id);
});

test('only addresses of the same portal are identities', () => {
  expect([ADA, '3#email#x', '33#7', '33#company#7'].map((key) => isIdentityKey(key, '33'))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('a night is spread evenly over its shards, and a contact keeps its own', () => {
  const counts = new Map<string, number>();
  for (let id = 0; id < 1600; id++) {
    const key = dueKey('33', '2026-06-09', String(id));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }

  const shards = Array.from({ length: SHARDS }, (_, shard) => `33#2026-06-09#${shard}`);
  expect([...counts.keys()].toSorted()).toEqual(shards.toSorted());
  for (const count of counts.values()) expect(count).toBeGreaterThan(60);
  expect(dueKey('33', '2026-06-10', '7').split('#')[2]).toBe(dueKey('33', '2026-06-09', '7').split('#')[2]);
});
