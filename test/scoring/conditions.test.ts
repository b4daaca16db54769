import { fittingRules, holds } from '../../lambdas/scoring/conditions.ts';
import { modelOf } from './model-of.ts';

function isHolding(conditions: string, value: string | undefined, freemail: readonly string[] = []): boolean {
  const model = modelOf(
    `fit: { rules: [{ id: asked, title: Asked, property: asked, points: 1, ${conditions} }] }`,
    freemail,
  );
  const [first] = model.fit.rules;
  if (first === undefined) throw new Error('no rule');
  return holds(model, first, value);
}

test.each<[string, string | undefined, boolean, string]>([
  ['is: [Germany]', 'germany', true, 'letter case does not matter'],
  ['is: [Germany]', 'West Germany', false, 'the whole value is compared'],
  ['is: [Spain, France]', 'FRANCE', true, 'one of several is enough'],
  ['is: [50]', '50.0', true, 'numbers are compared as numbers'],
  ['is: [50]', '51', false, 'another number'],
  ['is: ["50"]', '50.0', false, 'text is compared as text'],
  ['is: [true]', '1', true, '1 is true'],
  ['is: [true]', 'TRUE', true, 'in any letter case'],
  ['is: [true]', 'yes', false, 'not a boolean of HubSpot'],
  ['is: [false]', '0', true, '0 is false'],
  ['is: [false]', undefined, false, 'not known is not false'],
  ['contains: [cto]', 'CTO', true, 'the whole value'],
  ['contains: [cto]', 'Director', false, 'inside another word'],
  ['contains: [cto]', 'Director & CTO', true, 'at the end'],
  ['contains: [cto]', 'CTO/Founder', true, 'punctuation parts words'],
  ['contains: [cto]', 'CTO2', false, 'a digit belongs to the word'],
  ['contains: [cto]', 'éCTO', false, 'letters of any script'],
  ['contains: [cto]', '𐐀cto', false, 'a letter before it that takes two places'],
  ['contains: [cto]', 'cto𐐀', false, 'a letter after it that takes two places'],
  ['contains: [cto]', '🚀cto🚀', true, 'a picture is no letter'],
  ['contains: [cto]', 'Director, then CTO', true, 'the second time it stands alone'],
  ['contains: [cto, founder]', 'Founder', true, 'one of several is enough'],
  ['contains: [head of]', 'Head of Sales', true, 'several words'],
  ['contains: [head of]', 'Ahead of Sales', false, 'the first word is longer'],
  ['contains: [r&d]', 'VP R&D', true, 'punctuation is taken literally'],
  ['contains: [営業]', '営業 部長', true, 'words of any script'],
  ['contains: [営業]', '営業部長', false, 'in a script without blanks a word goes on'],
  ['atLeast: 50', '50', true, 'at least is inclusive'],
  ['atLeast: 50', '49.9', false, 'less'],
  ['below: 1000', '1000', false, 'below is not inclusive'],
  ['below: 1000', '-5', true, 'any smaller number'],
  ['atLeast: 50, below: 1000', '999', true, 'both hold'],
  ['atLeast: 50, below: 1000', '49', false, 'one does not'],
  ['atLeast: 0', 'many', false, 'no number'],
  ['below: 10', undefined, false, 'not known is not 0'],
  ['known: true', 'x', true, 'any value'],
  ['known: true', undefined, false, 'no value'],
  ['is: [Berlin, Bern], contains: [bern]', 'Berlin', false, 'all conditions of a rule must hold'],
  ['is: [Berlin, Bern], contains: [bern]', 'Bern', true, 'all conditions of a rule hold'],
  ['is: [10, 20], atLeast: 15', '10', false, 'words and limits together'],
  ['contains: [market*]', 'Head of Marketing', true, 'a star goes on with the word'],
  ['contains: [market*]', 'Supermarket', false, 'but the word begins where the pattern does'],
  ['contains: ["*führer*"]', 'Geschäftsführerin', true, 'stars on both sides'],
  ['contains: ["head*sales"]', 'Head of Global Sales', true, 'a star spans words'],
  ['contains: ["head*sales"]', 'Sales, not yet head', false, 'the parts come in their order'],
  ['contains: ["a*ab"]', 'aab ab', true, 'the last part is sought until it ends with a word'],
  ['domain: [acme.example]', 'ACME.example', true, 'letter case does not matter'],
  ['domain: [acme.example]', 'mail.eu.acme.example', true, 'whatever stands below it'],
  ['domain: [acme.example]', 'notacme.example', false, 'another domain that ends alike'],
  ['domain: [acme.example]', 'acme.example.evil.example', false, 'in front of another domain'],
  ['domain: [acme.example]', 'Jo <x>@mail.acme.example', true, 'an address'],
  ['domain: [acme.example]', 'https://www.acme.example:8080/x?y=@evil.example', true, 'a URL'],
  ['domain: [acme.example]', 'https://evil.example/@acme.example', false, 'its host, not its path'],
  ['domain: [acme.example]', 'acme.example.', true, 'a dot at the end'],
  ['domain: [acme.example]', 'example', false, 'only what stands above it'],
  [
    'domain: [bücher.example]',
    'XN--BCHER-KVA.example',
    true,
    'international names are the same in both spellings',
  ],
  ['domain: [xn--bcher-kva.example]', 'mail.BÜCHER.example', true, 'the other way round'],
  ['domain: [acme.example]', '', false, 'nothing'],
])('%s for "%s" is %p, because: %s', (conditions, value, expected) => {
  expect(isHolding(conditions, value)).toBe(expected);
});

test.each<[string, boolean, string]>([
  ['mail.example', true, 'a provider'],
  ['de.mail.example', true, 'below a provider'],
  ['acme.example', true, 'an own entry beside it'],
  ['freemail', false, 'the word itself is no domain'],
  ['email.example', false, 'no provider'],
])('freemail stands for the list of providers: %s is %p, because: %s', (value, expected) => {
  expect(isHolding('domain: [freemail, acme.example]', value, ['mail.example'])).toBe(expected);
});

test('each rule reads its own property, and rules that fit stay in the order of the model', () => {
  const model = modelOf(`
fit:
  rules:
    - { id: phone, title: Phone, property: phone, known: true, points: 1 }
    - { id: student, title: Student, property: jobtitle, contains: [student], points: 1 }
    - { id: country, title: Country, property: country, is: [France], points: 1 }`);

  const fitting = fittingRules(
    model,
    new Map([
      ['country', 'France'],
      ['jobtitle', 'CTO'],
      ['phone', '1'],
      ['company.country', 'Spain'],
    ]),
  );

  expect(fitting.map(({ id }) => id)).toEqual(['phone', 'country']);
});
