import { domainOf, isWithin } from '../../lambdas/scoring/domains.ts';

test.each<[string, string | undefined, string]>([
  ['jo@acme.example', 'acme.example', 'an address'],
  ['  jo@acme.example\n', 'acme.example', 'blanks around it are none of it'],
  [' acme.example ', 'acme.example', 'nor of a bare domain'],
  [' https://acme.example/ ', 'acme.example', 'nor of a URL'],
  ['mailto:jo@acme.example', 'acme.example', 'the link to an address has no host of its own'],
  ['"jo@home"@acme.example', 'acme.example', 'the last @ parts name and domain'],
  ['acme.example', 'acme.example', 'a bare domain'],
  ['Acme.EXAMPLE.', 'acme.example', 'lower case, without the dot of the root'],
  ['acme.example:8080', 'acme.example', 'a port is no scheme'],
  ['acme.example/our offer', 'acme.example', 'a path, also with a blank in it'],
  ['acme.example//jo', 'acme.example', 'two slashes make no URL'],
  ['acme.example?from=jo', 'acme.example', 'a query'],
  ['acme.example#team', 'acme.example', 'a fragment'],
  ['https://jo@www.acme.example:8080/@evil.example', 'www.acme.example', 'the host of a URL'],
  ['jo@bücher.example', 'xn--bcher-kva.example', 'an international name in Punycode'],
  ['', undefined, 'nothing'],
  ['   ', undefined, 'blanks alone'],
  ['jo@', undefined, 'nothing behind the @'],
  ['/pricing', undefined, 'a path without a host'],
])('the domain of "%s" is %p, because: %s', (value, expected) => {
  expect(domainOf(value)).toBe(expected);
});

test.each<[string, boolean, string]>([
  ['acme.example', true, 'the domain itself'],
  ['mail.eu.acme.example', true, 'whatever stands below it'],
  ['notacme.example', false, 'another one that ends alike'],
  ['acme.example.evil.example', false, 'in front of another one'],
  ['example', false, 'what stands above it'],
])('%s is within acme.example: %p, since it is %s', (domain, expected) => {
  expect(isWithin(domain, new Set(['other.example', 'acme.example']))).toBe(expected);
});
