import type { Happening } from '../../../local/demo/happenings.ts';
import { type Day, Month } from '../../../local/demo/month.ts';
import type { DemoContact } from '../../../local/demo/portal.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 10, 2);
const DAYS = 20;

/** A hundred people at work, who looked at 500 pages each before. */
const CONTACTS = Array.from(
  { length: 100 },
  (_none, at): DemoContact => ({
    id: String(1000 + at),
    kind: 'worker',
    email: `person.${at}@acme.example`,
    properties: { jobtitle: 'CTO' },
    companyId: 'acme',
    createdAtMs: START_MS - 80 * DAY_MS,
  }),
);
const BEFORE = CONTACTS.map(
  ({ id }): Happening => ({
    kind: 'property',
    contactId: id,
    property: 'hs_analytics_num_page_views',
    value: '500',
    atMs: START_MS - DAY_MS,
    changeSource: 'CRM',
  }),
);
const STORY = {
  portal: { companies: [{ id: 'acme', properties: {}, createdAtMs: 0 }], contacts: CONTACTS },
  happenings: BEFORE,
  records: [],
};

/** Days of 23 hours, with a night of an hour after each. */
function play(seed = 7): Day[] {
  const month = new Month(STORY, { days: DAYS, seed, startMs: START_MS });
  return Array.from({ length: DAYS }, (_none, at) => {
    const fromMs = START_MS + at * DAY_MS;
    return month.next(fromMs, fromMs + DAY_MS - 3_600_000);
  });
}

test('everything of a day happens on it, but for signals that their sender gathered', () => {
  for (const [at, { happenings, records }] of play().entries()) {
    const fromMs = START_MS + at * DAY_MS;
    expect(happenings.length).toBeGreaterThan(24); // More than the rounds' own.
    const all = [...happenings, ...records];
    for (const one of all) expect(one.atMs).toBeLessThanOrEqual(fromMs + DAY_MS - 3_600_000 + 1);
    for (const one of all.filter(({ kind }) => kind !== 'signal')) expect(one.atMs).toBeGreaterThan(fromMs);
  }
});

test('a post of signals goes out on one day only', () => {
  const days = play().map(({ happenings }) => {
    const signals = happenings.filter((one) => one.kind === 'signal');
    return [...new Set(signals.map(({ postId }) => postId))];
  });

  const posts = days.flat();
  expect(posts.length).toBeGreaterThan(20);
  expect(new Set(posts).size).toBe(posts.length);
});

test('counters go on from where they were', () => {
  const counts = play()
    .flatMap(({ happenings }) => happenings)
    .flatMap((one) =>
      one.kind === 'property' && one.property === 'hs_analytics_num_page_views' ? [one.value] : [],
    );

  expect(counts.length).toBeGreaterThan(50);
  for (const count of counts) expect(Number(count)).toBeGreaterThan(500);
});

test('to a contact that was merged, deleted or erased nothing happens any more but what the rounds do with those that are back', () => {
  const gone = new Set<string>();
  const back = new Set<string>();
  for (const { happenings, records } of play()) {
    for (const one of records) {
      if (one.kind === 'contact merge') gone.add(one.primaryId).add(one.otherId);
      if (one.kind === 'contact deletion' || one.kind === 'contact erasure') gone.add(one.contactId);
      if (one.kind === 'contact return') back.add(one.contactId);
    }
    for (const one of happenings) {
      const isTitle = one.kind === 'property' && one.property === 'jobtitle';
      expect(gone.has(one.contactId) && !(isTitle && back.has(one.contactId))).toBe(false);
    }
  }
  expect(gone.size).toBeGreaterThan(0);
});

test('visits are of the day on which they are told, not of who is gone, and by no page: it knows no other time than now', () => {
  const gone = new Set<string>();
  const visits = play().flatMap((day, at) => {
    const fromMs = START_MS + at * DAY_MS;
    for (const one of day.records) {
      if (one.kind === 'contact merge') gone.add(one.primaryId).add(one.otherId);
      if (one.kind === 'contact deletion' || one.kind === 'contact erasure') gone.add(one.contactId);
    }
    for (const { atMs, contactId } of day.visits) {
      expect(atMs).toBeGreaterThan(fromMs);
      expect(atMs).toBeLessThanOrEqual(fromMs + DAY_MS - 3_600_000);
      expect(gone.has(contactId)).toBe(false);
    }
    return day.visits.flatMap((one) => (one.kind === 'visit' ? [one] : []));
  });

  expect(visits.length).toBeGreaterThan(50);
  expect(visits.some(({ own }) => own?.by === 'server')).toBe(true);
  expect(visits.some(({ own }) => own?.by === 'browser')).toBe(false);
});

test('the same plan makes the same days, another seed others', () => {
  expect(play()).toEqual(play());
  expect(play(8)).not.toEqual(play());
});
