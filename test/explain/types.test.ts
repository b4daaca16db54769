import { preferredType } from '../../lambdas/explain/types.ts';

test.each([
  { accept: undefined, type: 'application/json', because: 'nobody minds' },
  { accept: '*/*', type: 'application/json', because: 'nobody minds' },
  { accept: 'text/plain', type: 'text/plain', because: 'asked for' },
  { accept: 'Text/Plain', type: 'text/plain', because: 'types have no letter case' },
  { accept: 'image/svg+xml', type: 'image/svg+xml', because: 'asked for' },
  { accept: 'text/plain;q=0.5, image/svg+xml;q=0.9', type: 'image/svg+xml', because: 'liked better' },
  {
    accept: 'image/avif,image/webp,image/svg+xml,*/*;q=0.8',
    type: 'image/svg+xml',
    because: 'what browsers ask for a picture',
  },
  {
    accept: 'application/json, text/plain, */*',
    type: 'application/json',
    because: 'of those liked alike the first of ours',
  },
  {
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    type: 'application/json',
    because: 'what browsers ask for a page',
  },
  { accept: 'text/plain;q=0', type: 'application/json', because: 'zero is a no' },
  { accept: 'text/plain;q=much', type: 'application/json', because: 'no number is no liking' },
  { accept: 'text/plain;q=0.1, */*', type: 'application/json', because: 'anything else is liked better' },
  { accept: 'image/png', type: 'application/json', because: 'there is none' },
  { accept: `${'x'.repeat(1000)},text/plain`, type: 'application/json', because: 'only so much is read' },
])('$because: $type', ({ accept, type }) => {
  expect(preferredType(accept)).toBe(type);
});
