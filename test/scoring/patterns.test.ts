import fc from 'fast-check';
import { textMatcher } from '../../lambdas/scoring/patterns.ts';

test.each<[string, string, boolean, string]>([
  ['/pricing', 'https://www.acme.example/pricing', true, 'the path'],
  ['/pricing', 'HTTP://Acme.Example/Pricing/', true, 'letter case and a slash at the end mean nothing'],
  ['/pricing', 'https://acme.example/en/pricing', true, 'a later segment'],
  ['/pricing', 'https://acme.example/pricing/enterprise?plan=team#top', true, 'a page below it'],
  ['/pricing', 'https://acme.example//pricing', true, 'slashes too many'],
  ['/pricing', 'https://acme.example/%70ricing', true, 'written with per cent signs'],
  ['/pricing', 'https://acme.example/pricing-guide', false, 'a longer segment'],
  ['/pricing', 'https://acme.example/blog/our-pricing', false, 'the end of a segment'],
  ['/pricing', 'https://acme.example/?ref=/pricing', false, 'a parameter is no page'],
  ['/pricing', 'https://pricing.example/', false, 'a host is no page'],
  ['/pricing', '/pricing?x=1', true, 'a path alone'],
  ['/pricing', 'pricing', false, 'no path'],
  ['/pricing*', 'https://acme.example/pricing-guide', true, 'a star goes on'],
  ['/blog/*/scoring', 'https://acme.example/blog/2026/10/scoring', true, 'a star spans segments'],
  ['/blog/*/scoring', 'https://acme.example/blog/scoring', false, 'but needs the slashes around it'],
  ['/blog/*', 'https://acme.example/blog', false, 'a page below the blog is meant'],
  ['/', 'https://acme.example/', true, 'the home page'],
  ['/', 'https://acme.example/?utm_source=x', true, 'campaign parameters are left out'],
  ['/', 'https://acme.example/about', false, 'only the home page'],
  [
    '/plan?plan=team',
    'https://acme.example/plan?utm_campaign=q4&plan=team&gclid=1',
    true,
    'a query is asked for',
  ],
  ['/plan?plan=team', 'https://acme.example/plan?plan=teams', false, 'another value of the parameter'],
  ['/pricing/', 'https://acme.example/pricing', true, 'a slash at the end of a pattern means nothing either'],
  ['/pricing/', 'https://acme.example/pricing/team', true, 'nor in front of what is below it'],
  ['//pricing', 'https://acme.example/pricing', true, 'nor slashes too many'],
  [
    '/preis%C3%BCbersicht',
    'https://acme.example/preis%C3%BCbersicht',
    true,
    'copied with its per cent signs',
  ],
  ['/preisübersicht', 'https://acme.example/preis%C3%BCbersicht', true, 'or as people read it'],
  ['https://www.acme.example/pricing/', 'http://acme.example/pricing?x=1', true, 'a whole address, copied'],
  ['https://acme.example/', 'https://www.acme.example/?utm_source=x', true, 'the address of the home page'],
  ['https://acme.example/', 'https://acme.example/about', false, 'is that of no other page'],
  ['https://acme.example', 'https://acme.example/about', true, 'without a slash it is the whole site'],
  ['https://acme.example/pricing', 'https://other.example/pricing', false, 'on another host'],
  [
    'https://acme.example/pricing',
    'https://notacme.example/pricing',
    false,
    'on a host that only ends alike',
  ],
  ['https://acme.example/pricing', 'https://acme.example/pricing-guide', false, 'a longer segment'],
  ['acme.example', 'https://www.acme.example/about', true, 'the host as words'],
  ['demo', 'Request a demo: Website', true, 'a word of a form name'],
  ['demo', 'Demography survey', false, 'the begin of another word'],
  ['demo*', 'Demography survey', true, 'when asked for'],
  ['book a demo', 'BOOK A DEMO – Pricing page', true, 'several words'],
  ['100%', 'Save 100% now', true, 'a per cent sign'],
  ['/x', 'https://acme.example/%E0%A4%A/x', true, 'a broken escape does not hide the page'],
  ['/pricing*', 'https://acme.example/pricings', true, 'a star goes on with the word too'],
  ['/plans/*?plan=team', 'https://acme.example/plans/eu?plan=team', true, 'a star before a query'],
  ['/plan?a=1', 'https://acme.example/plan?a=1&b=2', true, 'the first of two parameters'],
  ['/plan?demo', 'https://acme.example/plan?demo=', true, 'a parameter without a value'],
  ['/plan?demo', 'https://acme.example/plan?demo=1', false, 'but not one with a value'],
  ['https://my.www.acme.example/x', 'https://my.www.acme.example/x', true, 'www inside a host is part of it'],
  ['http://a/pricing/', 'http://a/pricing', true, 'a host of one letter'],
  ['/pricing', 'https://acme .example/pricing', true, 'an address that is none is still a text'],
  ['see https://acme.example/x', 'Please see https://acme.example/x today', true, 'an address among words'],
  ['demo', 'Demo: Website', true, 'a name that looks as if it had a scheme'],
  ['demo', 'Any questions? Ask for a demo', true, 'words behind a question mark'],
  ['head*sales', 'Head of Sales', true, 'parts with anything between them'],
  ['head*sales', 'Head of Salesforce', false, 'the last of them ends with a word'],
])('%s in "%s" is %p, because: %s', (pattern, value, expected) => {
  const matches = textMatcher([pattern]);

  expect(matches(value)).toBe(expected);
  expect(matches(value)).toBe(expected); // And as remembered.
});

test.each([
  ['utm_source', true],
  ['gclid', true],
  ['fbclid', true],
  ['msclkid', true],
  ['hsa_acc', true],
  ['_hsenc', true],
  ['_hsmi', true],
  ['hsCtaTracking', true],
  ['mc_cid', true],
  ['mc_eid', true],
  ['my_utm_source', false],
  ['xgclid', false],
  ['gclid2', false],
  ['hsa', false],
])('the parameter %s is one of a campaign, which says nothing of the page: %p', (name, isLeftOut) => {
  const matches = textMatcher(['/plan?plan=team']);

  expect(matches(`https://acme.example/plan?${name}=1&plan=team`)).toBe(isLeftOut);
});

test('one of several patterns is enough', () => {
  expect(textMatcher(['/pricing', '/plans'])('https://acme.example/plans')).toBe(true);
});

test('what is found does not depend on what was asked before, however much that was', () => {
  const matches = textMatcher(['/pricing']);

  for (let at = 0; at < 5000; at++) expect(matches(`https://acme.example/${at}`)).toBe(false);

  expect(matches('https://acme.example/pricing')).toBe(true);
});

test('a pattern with stars finds what a search of all places finds', () => {
  const letters = fc.stringMatching(/^[ab ]{0,12}$/);
  fc.assert(
    fc.property(
      letters,
      fc.array(fc.stringMatching(/^[ab]{1,2}$/), { minLength: 1, maxLength: 3 }),
      (text, parts) => {
        const everywhere = new RegExp(String.raw`(?:^|[^ab])${parts.join('.*')}(?:$|[^ab])`);

        expect(textMatcher([parts.join('*')])(text)).toBe(everywhere.test(text));
      },
    ),
    { numRuns: 2000 },
  );
});

test('a pattern made to be slow comes to an end', () => {
  const matches = textMatcher([`${'a*'.repeat(90)}b`]);

  // A search that goes back and tries all places would still be at it when the universe ends.
  expect(matches('a'.repeat(1024))).toBe(false);
  expect(matches(`${'a'.repeat(1023)}b`)).toBe(true);
});
