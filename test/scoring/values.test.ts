import { asBoolean, asInstant, asNumber, asText } from '../../lambdas/scoring/values.ts';

test.each<[unknown, string | undefined, string]>([
  ['CTO', 'CTO', 'text is text'],
  ['  CTO ', 'CTO', 'blanks around it are none of it'],
  ['   ', '', 'blanks alone are no value'],
  ['', '', 'cleared'],
  [null, '', 'HubSpot reads cleared properties as null'],
  [undefined, '', 'never set'],
  [0, '0', 'zero is a value'],
  [12.5, '12.5', 'numbers of workflow bodies'],
  [9007199254740993n, '9007199254740993', 'ids beyond 2^53 keep their digits'],
  [Number.NaN, '', 'not finite'],
  [Number.POSITIVE_INFINITY, '', 'not finite'],
  [true, 'true', 'as HubSpot writes it'],
  [false, 'false', 'false is a value'],
  [{ value: 'CTO' }, undefined, 'no plain value'],
  [['CTO'], undefined, 'no plain value'],
  [Symbol('CTO'), undefined, 'no plain value'],
])('the text of %p is %p, because: %s', (value, expected) => {
  expect(asText(value)).toBe(expected);
});

test.each<[string, number | undefined, string]>([
  ['12', 12, 'digits'],
  ['-12.50', -12.5, 'signs and fractions'],
  ['+3', 3, 'a plus'],
  ['.5', 0.5, 'no digit before the point'],
  ['5.', 5, 'no digit after the point'],
  ['.125', 0.125, 'several digits after the point, none before it'],
  ['1.2e3', 1200, 'as long numbers are written'],
  ['1e21', 1e21, 'an exponent of two digits, as JavaScript writes numbers from there on'],
  ['1E-2', 0.01, 'in either letter case'],
  ['0', 0, 'zero is a number'],
  ['', undefined, 'no value is not 0'],
  [' 1', undefined, 'kept text has no blanks'],
  ['1,000', undefined, 'HubSpot writes no thousands separators'],
  ['0x10', undefined, 'not a decimal number'],
  ['1e999', undefined, 'not finite'],
  ['Infinity', undefined, 'not finite'],
  ['NaN', undefined, 'not a number'],
  ['12 seats', undefined, 'text with a number in it'],
  ['.', undefined, 'no digit at all'],
])('"%s" is the number %p, because: %s', (text, expected) => {
  expect(asNumber(text)).toBe(expected);
});

test.each<[string, boolean | undefined]>([
  ['true', true],
  ['TRUE', true],
  ['1', true],
  ['false', false],
  ['False', false],
  ['0', false],
  ['', undefined],
  ['yes', undefined],
  ['2', undefined],
  ['truely', undefined],
])('"%s" is the boolean %p', (text, expected) => {
  expect(asBoolean(text)).toBe(expected);
});

test.each<[string, number | undefined, string]>([
  ['1793534400000', 1793534400000, 'epoch milliseconds'],
  ['946684800000', 946684800000, 'epoch milliseconds of 2000'],
  ['-86400000000', -86400000000, 'before 1970'],
  ['2026-11-01', Date.UTC(2026, 10, 1), 'a date is midnight UTC'],
  ['2026-11-01T12:00:00Z', Date.UTC(2026, 10, 1, 12), 'with a zone'],
  ['2026-11-01T12:00Z', Date.UTC(2026, 10, 1, 12), 'without seconds'],
  ['2026-11-01T12:00:00.123456Z', Date.UTC(2026, 10, 1, 12, 0, 0, 123), 'microseconds are cut'],
  ['2026-11-01T01:30:00+02:00', Date.UTC(2026, 9, 31, 23, 30), 'an offset may reach into the day before'],
  [
    '2026-11-01T01:30:00+0200',
    Date.UTC(2026, 9, 31, 23, 30),
    'an offset without a colon, as ISO 8601 also has it',
  ],
  ['2024-02-29', Date.UTC(2024, 1, 29), 'a leap day'],
  ['2026-02-29', undefined, 'no such day'],
  ['2026-02-30T12:00:00Z', undefined, 'no such day'],
  ['2026-13-01', undefined, 'no such month'],
  ['2026-11-01T25:00:00Z', undefined, 'no such hour'],
  ['2026-11-01T12:00:00', undefined, 'no zone: it could be any of 38 instants'],
  ['2026-11-01 12:00:00Z', undefined, 'not ISO 8601'],
  ['Sun 2026-11-01', undefined, 'a weekday before it'],
  ['2026-11-01 noon', undefined, 'a word behind it'],
  ['01/11/2026', undefined, 'could be January or November'],
  ['12345678', undefined, 'too short for milliseconds'],
  ['9999999999999999', undefined, 'too long for milliseconds'],
  ['', undefined, 'no value'],
  ['yesterday', undefined, 'no date'],
])('"%s" is the instant %p, because: %s', (text, expected) => {
  expect(asInstant(text)).toBe(expected);
});
