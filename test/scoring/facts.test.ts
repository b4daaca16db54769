import { currentValues, FACTS_PER_FOLD, type Fact, orderFacts } from '../../lambdas/scoring/facts.ts';

function fact(key: string, occurredAtMs: number, more: Partial<Fact> = {}): Fact {
  return { key, name: 'signal:login', occurredAtMs, ...more };
}

function keysOf(facts: readonly Fact[]): string[] {
  return orderFacts(facts).map(({ key }) => key);
}

test('facts are looked at in the order they happened, whatever the order they were heard in', () => {
  expect(keysOf([fact('b', 2), fact('c', 3), fact('a', 1)])).toEqual(['a', 'b', 'c']);
});

test('facts of one instant have an order too', () => {
  expect(keysOf([fact('b', 1), fact('a', 1)])).toEqual(['a', 'b']);
  expect(keysOf([fact('a', 1), fact('b', 1)])).toEqual(['a', 'b']);
});

test('a fact told twice is one, and of two times the earlier is right', () => {
  expect(orderFacts([fact('a', 5), fact('a', 3), fact('a', 4)])).toEqual([fact('a', 3)]);
});

function views(key: string, value: string): Fact {
  return fact(key, 1, { name: 'property:views', value });
}

test('of two counts at one instant the smaller came first', () => {
  expect(keysOf([views('a', '12'), views('b', '9')])).toEqual(['b', 'a']);
  expect(keysOf([views('b', '9'), views('a', '12')])).toEqual(['b', 'a']);
});

test('a count found at the instant of a rise comes after it, so that what was seen to rise keeps its points', () => {
  const found = fact('a', 1, { value: '5', baseline: true });
  const told = fact('b', 1, { value: '9', baseline: false });
  const unsaid = fact('c', 1, { value: '9' });

  expect(keysOf([found, told, unsaid])).toEqual(['b', 'c', 'a']);
  expect(keysOf([unsaid, told, found])).toEqual(['b', 'c', 'a']);
});

test('a fold looks at no more than the newest facts', () => {
  const many = Array.from({ length: FACTS_PER_FOLD + 2 }, (_, at) => fact(String(at).padStart(5, '0'), at));

  const looked = orderFacts(many.toReversed());

  expect(looked).toHaveLength(FACTS_PER_FOLD);
  expect(looked[0]?.occurredAtMs).toBe(2);
});

test('what was given is left as it was', () => {
  const given = Object.freeze([fact('b', 2), fact('a', 1)]);

  expect(orderFacts(given)).not.toBe(given);
});

test.each<[[string, number][], string | undefined, string]>([
  [
    [
      ['x', 1],
      ['y', 2],
    ],
    'y',
    'the newest counts',
  ],
  [
    [
      ['y', 2],
      ['x', 1],
    ],
    'y',
    'also when an older value is told later',
  ],
  [
    [
      ['b', 1],
      ['a', 1],
    ],
    'b',
    'of one instant the larger',
  ],
  [
    [
      ['a', 1],
      ['b', 1],
    ],
    'b',
    'of one instant the larger, in any order',
  ],
  [
    [
      ['x', 1],
      ['', 2],
    ],
    undefined,
    'cleared since',
  ],
  [
    [
      ['', 1],
      ['x', 2],
    ],
    'x',
    'set again',
  ],
])('of the values %j a property has %p, because: %s', (said, expected) => {
  const properties = said.map(([value, occurredAtMs]) => ({ name: 'city', value, occurredAtMs }));

  const values = currentValues({ properties });

  expect(values.get('city')).toBe(expected);
  expect(values.has('city')).toBe(expected !== undefined);
});

test('properties do not mix, nor do those of the company with those of the contact', () => {
  const values = currentValues({
    properties: [
      { name: 'city', value: 'Bern', occurredAtMs: 1 },
      { name: 'country', value: 'Switzerland', occurredAtMs: 2 },
    ],
    company: [
      { name: 'city', value: 'Basel', occurredAtMs: 3 },
      { name: 'country', value: '', occurredAtMs: 3 },
    ],
  });

  expect(Object.fromEntries(values)).toEqual({
    city: 'Bern',
    country: 'Switzerland',
    'company.city': 'Basel',
  });
});
