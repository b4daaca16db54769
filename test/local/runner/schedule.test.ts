import { isNightly, nextOccurrence, occurrenceAfter } from '../../../local/runner/schedule.ts';

function schedule(expression: string, timeZone: string) {
  return { expression, timeZone, functionArn: 'arn', input: '{}' };
}

test.each([
  [
    'cron(0 2 * * ? *)',
    'UTC',
    '2026-03-01T01:59:59.999Z',
    '2026-03-01T02:00:00.000Z',
    'it is due the same night',
  ],
  [
    'cron(0 2 * * ? *)',
    'UTC',
    '2026-03-01T02:00:00.000Z',
    '2026-03-02T02:00:00.000Z',
    'due now is not later',
  ],
  [
    'cron(0 2 * * ? *)',
    'America/New_York',
    '2026-01-05T00:00:00Z',
    '2026-01-05T07:00:00.000Z',
    'the zone counts',
  ],
  [
    'cron(0 2 * * ? *)',
    'Asia/Kolkata',
    '2026-01-05T00:00:00Z',
    '2026-01-05T20:30:00.000Z',
    'zones are not whole hours',
  ],
  [
    'cron(0 2 * * ? *)',
    'Europe/Berlin',
    '2026-03-28T12:00:00Z',
    '2026-03-30T00:00:00.000Z',
    'the clock skips 02:00 on 29 March',
  ],
  [
    'cron(30 2 * * ? *)',
    'Europe/Berlin',
    '2026-10-25T00:30:00Z',
    '2026-10-26T01:30:00.000Z',
    '02:30 is shown twice, and was run',
  ],
  [
    'cron(30 * * * ? *)',
    'Europe/Berlin',
    '2026-03-29T00:30:00Z',
    '2026-03-29T01:30:00.000Z',
    'every hour: after 01:30 comes 03:30',
  ],
  ['cron(15,45 8-10 * * ? *)', 'UTC', '2026-01-05T08:15:00Z', '2026-01-05T08:45:00.000Z', 'lists and ranges'],
  ['cron(0/20 * * * ? *)', 'UTC', '2026-01-05T08:20:00Z', '2026-01-05T08:40:00.000Z', 'steps'],
])('%s in %s after %s is %s: %s', (expression, timeZone, after, expected) => {
  const atMs = occurrenceAfter(schedule(expression, timeZone), Date.parse(after));

  expect(new Date(atMs).toISOString()).toBe(expected);
});

test.each(['rate(1 day)', 'cron(0 2 ? * MON *)', 'cron(0 24 * * ? *)', 'cron(0 2 * *)', 'cron(x 2 * * ? *)'])(
  'refuses %s rather than guess',
  (expression) => {
    expect(() => occurrenceAfter(schedule(expression, 'UTC'), 0)).toThrow(expression);
  },
);

test.each([
  ['cron(0 2 * * ? *)', true],
  ['cron(30 * * * ? *)', false],
  ['cron(0 2,14 * * ? *)', false],
])('%s comes once a night: %p', (expression, expected) => {
  expect(isNightly({ expression })).toBe(expected);
});

test('of several schedules the earliest come first, together when they coincide', () => {
  const late = schedule('cron(0 5 * * ? *)', 'UTC');
  const early = schedule('cron(0 2 * * ? *)', 'UTC');

  expect(nextOccurrence([late, early], 0)?.due).toEqual([early]);
  expect(nextOccurrence([early, late, early], 0)?.due).toEqual([early, early]);
  expect(nextOccurrence([], 0)).toBeUndefined();
});
