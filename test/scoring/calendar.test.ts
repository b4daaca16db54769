import fc from 'fast-check';
import { addDays, localDate, nextDate, nightOf, readableDate } from '../../lambdas/scoring/calendar.ts';

test.each([
  ['2026-11-01T12:00:00Z', 'UTC', '2026-11-01', 'the same day'],
  [
    '2026-11-01T09:59:59.999Z',
    'Pacific/Kiritimati',
    '2026-11-01',
    '14 hours ahead, a millisecond before midnight',
  ],
  ['2026-11-01T10:00:00Z', 'Pacific/Kiritimati', '2026-11-02', '14 hours ahead, midnight'],
  ['2026-11-01T11:59:59.999Z', 'Etc/GMT+12', '2026-10-31', '12 hours behind, a millisecond before midnight'],
  ['2026-11-01T12:00:00Z', 'Etc/GMT+12', '2026-11-01', '12 hours behind, midnight'],
  [
    '2026-10-24T22:30:00Z',
    'Europe/Berlin',
    '2026-10-25',
    'the day on which summer time ends begins in summer time',
  ],
  ['2026-10-25T22:59:59Z', 'Europe/Berlin', '2026-10-25', 'and ends in winter time, an hour later'],
  ['2026-10-25T23:00:00Z', 'Europe/Berlin', '2026-10-26', 'midnight in winter time'],
  [
    '2026-03-29T21:59:59Z',
    'Europe/Berlin',
    '2026-03-29',
    'the day on which summer time begins ends an hour earlier',
  ],
  ['2026-03-29T22:00:00Z', 'Europe/Berlin', '2026-03-30', 'midnight in summer time'],
  ['2026-12-31T18:30:00Z', 'Asia/Kolkata', '2027-01-01', 'half hours, into the next year'],
])('%s in %s is %s, because: %s', (instant, timeZone, expected) => {
  expect(localDate(Date.parse(instant), timeZone)).toBe(expected);
});

test.each([
  ['2026-12-14T12:00:00Z', 'UTC', '14 Dec 2026'],
  ['2026-11-01T23:30:00Z', 'Europe/Berlin', '2 Nov 2026'],
])('%s in %s reads as %s %s', (instant, timeZone, expected) => {
  expect(readableDate(Date.parse(instant), timeZone)).toBe(expected);
});

test.each([
  ['2026-02-28', '2026-03-01'],
  ['2028-02-28', '2028-02-29'],
  ['2026-12-31', '2027-01-01'],
  ['2026-03-29', '2026-03-30'],
])('after %s comes %s', (date, expected) => {
  expect(nextDate(date)).toBe(expected);
});

test('days are counted back as well', () => {
  expect(addDays('2026-03-01', -1)).toBe('2026-02-28');
  expect(addDays('2026-01-01', 365)).toBe('2027-01-01');
});

test.each([
  ['2026-11-01T00:00:00Z', 'UTC', '2026-11-02'],
  ['2026-11-01T23:59:59.999Z', 'UTC', '2026-11-02'],
  ['2026-11-01T23:30:00Z', 'Europe/Berlin', '2026-11-03'],
  ['2026-11-01T05:00:00Z', 'America/New_York', '2026-11-02'],
  ['2026-10-25T00:30:00Z', 'Europe/Berlin', '2026-10-26'],
  ['2026-11-01T10:00:00Z', 'Pacific/Kiritimati', '2026-11-03'],
  ['2026-11-01T11:00:00Z', 'Etc/GMT+12', '2026-11-01'],
])('what falls due at %s is the work of the night %s: %s', (instant, timeZone, expected) => {
  expect(nightOf(Date.parse(instant), timeZone)).toBe(expected);
});

test('whatever the time zone, a night finds all of its work due already, and none is older than two days', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Pacific/Kiritimati',
    'Etc/GMT+12',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
  );
  const instants = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2028-01-01') });
  fc.assert(
    fc.property(instants, zones, (dueMs, timeZone) => {
      const night = nightOf(dueMs, timeZone);

      expect(localDate(dueMs, timeZone) < night).toBe(true);
      expect(localDate(dueMs + 26 * 3_600_000, timeZone) >= night).toBe(true);
    }),
  );
});
