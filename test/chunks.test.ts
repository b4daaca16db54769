import fc from 'fast-check';
import { chunks } from '../lambdas/chunks.ts';

test('a list is cut into full pieces, the last one as long as what is left', () => {
  expect(chunks(['a', 'b', 'c', 'd', 'e'], 2)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  expect(chunks([], 2)).toEqual([]);
});

test('nothing is lost, repeated or reordered', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 9 }), (items, size) => {
      const pieces = chunks(items, size);
      expect(pieces.flat()).toEqual(items);
      expect(pieces.every((piece) => piece.length > 0 && piece.length <= size)).toBe(true);
    }),
  );
});
