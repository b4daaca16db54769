import { hourOfEveryDay } from '../../lib/hour-of-every-day.ts';

/** Rules of this year are history, and no newer time zone data changes them. */
const NOW_MS = Date.UTC(2024, 10, 22, 7, 28);

test.each([
  ['UTC', 2, 2, 'no clock is set'],
  ['Europe/Berlin', 1, 1, 'clocks are set forward at 2'],
  ['Europe/Berlin', 2, 3, 'from 2 to 3'],
  ['Europe/Berlin', 3, 3, 'which is when they show 3'],
  ['Europe/London', 1, 2, 'there from 1 to 2'],
  ['Europe/Athens', 3, 4, 'and there from 3 to 4, at the same instant'],
  ['America/New_York', 2, 3, 'on another day'],
  ['Africa/Cairo', 0, 1, 'or at midnight'],
  ['America/Nuuk', 23, 0, 'or before it, so that the day begins with 0'],
  ['Australia/Lord_Howe', 2, 3, 'also where it is half an hour: 2:00 to 2:30'],
  ['Pacific/Chatham', 2, 2, 'where 2:45 becomes 3:45, there is a 2:00'],
  ['Pacific/Chatham', 3, 4, 'and no 3:00'],
  ['Pacific/Kiritimati', 2, 2, 'far east, without summer time'],
  ['Etc/GMT+12', 2, 2, 'far west, likewise'],
])("in %s a run of %i o'clock is scheduled for %i: %s", (timeZone, hour, expected) => {
  expect(hourOfEveryDay(hour, timeZone, NOW_MS)).toBe(expected);
});
