import { isoTime } from '../../../local/hubspot/timestamps.ts';

test('an instant is printed the same however many were printed before', () => {
  const noonMs = Date.UTC(2026, 10, 10, 12);

  const printed = Array.from({ length: 2500 }, (_, ms) => isoTime(noonMs + ms));

  expect(printed.slice(0, 2)).toEqual(['2026-11-10T12:00:00Z', '2026-11-10T12:00:00.001Z']);
  expect(printed[2000]).toBe('2026-11-10T12:00:02Z');
  expect(printed.map((_, ms) => isoTime(noonMs + ms))).toEqual(printed);
});
