import fc from 'fast-check';
import { readJson } from '../../lambdas/events/json.ts';

const read = (text: string) => readJson(Buffer.from(text));

test.each([
  { text: '{"id":541935488729}', value: { id: 541935488729 }, because: 'ids of today fit a number' },
  { text: '{"id":9007199254740991}', value: { id: 9007199254740991 }, because: '2^53 - 1 still fits' },
  { text: '{"id":9007199254740993}', value: { id: 9007199254740993n }, because: '2^53 + 1 does not' },
  { text: '[-9007199254740993]', value: [-9007199254740993n], because: 'below zero neither' },
  { text: '["9007199254740993"]', value: ['9007199254740993'], because: 'text is text' },
  { text: '[0.12345678901234567]', value: [Number('0.12345678901234567')], because: 'a fraction is no id' },
  { text: '[12345678901234567.5]', value: [Number('12345678901234567.5')], because: 'a fraction is no id' },
  {
    text: '[1e400,1234567890123456]',
    value: [Number.POSITIVE_INFINITY, 1234567890123456],
    because: 'no digits, no id',
  },
  { text: '\uFEFF[1]', value: [1], because: 'a byte order mark may stand before it' },
])('$text: $because', ({ text, value }) => {
  expect(read(text)).toEqual(value);
});

test.each([
  { name: 'nothing', body: Buffer.alloc(0) },
  { name: 'text that is no JSON', body: Buffer.from('Anna') },
  { name: 'half an object', body: Buffer.from('{"a":') },
  { name: 'two values', body: Buffer.from('[][]') },
  { name: 'bytes that are no UTF-8', body: Buffer.from([0x22, 0xff, 0x22]) },
  { name: 'half a letter at the end', body: Buffer.from([0x22, 0xc3, 0x22]) },
  { name: 'UTF-16', body: Buffer.from('\uFEFF[1]', 'utf16le') },
])('$name is refused', ({ body }) => {
  expect(() => readJson(body)).toThrow(SyntaxError);
});

test('reads whatever JSON.parse reads, and the same, while its numbers are short', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!/\d{16}/.test(text));
      expect(read(text)).toEqual(JSON.parse(text));
    }),
  );
});

test('keeps every digit of every whole number up to 20 digits, wherever it stands', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }), fc.nat(40), (id, indent) => {
      expect(String(read(`${' '.repeat(indent)}${id}`))).toBe(String(id));
    }),
    { numRuns: 500 },
  );
});
