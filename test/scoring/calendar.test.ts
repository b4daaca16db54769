import fc from 'fast-check';
import { addDays, localDate, nextDate, nightOf, readableDate } from '../../lambdas/scoring/calendar.ts';
import { instantOf, ZONES, type Zone } from './local-time.ts';

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

test('whatever the time zone, also while clocks change, a night is that of the day before: all of its work is due, and none older than a day', () => {
  const changes = [
    '2026-03-08',
    '2026-03-29',
    '2026-04-05',
    '2026-09-06',
    '2026-10-04',
    '2026-10-25',
    '2026-11-01',
  ];
  const instants = fc.oneof(
    fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2028-01-01') }),
    fc
      .tuple(fc.constantFrom(...changes), fc.integer({ min: -30 * 60, max: 54 * 60 }))
      .map(([date, minutes]) => Date.parse(date) + minutes * 60_000),
  );
  fc.assert(
    fc.property(instants, fc.constantFrom(...ZONES), fc.constantFrom(-1, 0, 1), (nearMs, timeZone, more) => {
      const dueMs = nearMs + more;

      const night = nightOf(dueMs, timeZone);
      const dayBefore = new Date(Date.parse(night) - 86_400_000).toISOString().slice(0, 10);

      expect(dueMs).toBeLessThan(instantOf(night, 0, timeZone));
      expect(dueMs).toBeGreaterThanOrEqual(instantOf(dayBefore, 0, timeZone));
    }),
    { numRuns: 1000 },
  );
});

test.each<[Zone, string, number, string]>([
  ['Europe/Berlin', '2026-03-29', 23, 'summer time begins'],
  ['Europe/Berlin', '2026-10-25', 25, 'summer time ends'],
  ['America/New_York', '2026-03-08', 23, 'summer time begins'],
  ['America/New_York', '2026-11-01', 25, 'summer time ends'],
  ['America/Santiago', '2026-09-06', 23, 'there is no midnight'],
  ['Australia/Lord_Howe', '2026-10-04', 23.5, 'summer time is half an hour'],
  ['Pacific/Kiritimati', '2026-03-29', 24, 'nothing changes'],
  ['Etc/GMT+12', '2026-03-29', 24, 'nothing changes'],
])('in %s the night after %s finds what fell due in %d hours: %s', (timeZone, date, hours) => {
  const night = nextDate(date);
  const beginsMs = instantOf(date, 0, timeZone);
  const endsMs = beginsMs + hours * 3_600_000;

  expect([beginsMs - 1, beginsMs, endsMs - 1, endsMs].map((ms) => nightOf(ms, timeZone))).toEqual([
    date,
    night,
    night,
    nextDate(night),
  ]);
});

test('a formatter is made once for a time zone: making one costs far more than using it', () => {
  const { DateTimeFormat } = Intl;
  let made = 0;
  const counting = new Proxy(DateTimeFormat, {
    construct: (target, given) => {
      made += 1;
      return Reflect.construct(target, given);
    },
  });
  Object.assign(Intl, { DateTimeFormat: counting });
  try {
    const dates = [0, 1, 2, 3].map((days) => localDate(days * 86_400_000, 'Africa/Nairobi'));

    expect(dates).toEqual(['1970-01-01', '1970-01-02', '1970-01-03', '1970-01-04']);
    expect(made).toBe(1);
  } finally {
    Object.assign(Intl, { DateTimeFormat });
  }
});
