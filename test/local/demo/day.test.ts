import { intoOneDay } from '../../../local/demo/day.ts';
import { planHappenings } from '../../../local/demo/happenings.ts';
import { createPortal } from '../../../local/demo/portal.ts';
import { planRecords } from '../../../local/demo/record-happenings.ts';
import { startSimulator } from '../../../local/hubspot/simulator.ts';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.parse('2026-11-23T12:00:00Z');
const MONTH_ENDS_MS = Date.parse('2026-11-20T09:31:17Z');

async function month() {
  const simulator = await startSimulator();
  const portal = createPortal(simulator.crm, { contacts: 100, seed: 7, nowMs: MONTH_ENDS_MS });
  const { happenings } = planHappenings(portal.contacts, { seed: 7, nowMs: MONTH_ENDS_MS });
  const records = planRecords(portal, { seed: 7, nowMs: MONTH_ENDS_MS });
  await simulator.stop();
  return { happenings, records };
}

test('everything of the month happens in the day, once a minute at most, most of it in office hours', async () => {
  const { happenings, records } = await month();

  const steps = intoOneDay(happenings, records, NOON_MS);

  expect(steps.flatMap((step) => step.happenings)).toHaveLength(happenings.length);
  expect(steps.flatMap((step) => step.records)).toHaveLength(records.length);
  const minutes = steps.map(({ atMs }) => Math.floor(atMs / 60_000));
  expect(new Set(minutes).size).toBe(steps.length);
  const seconds = new Set(steps.map(({ atMs }) => Math.floor((atMs % 60_000) / 1000)));
  expect(seconds.size).toBeGreaterThan(50); // Else all of it would fall in with whatever lasts a minute.
  expect(intoOneDay(happenings, records, NOON_MS)).toEqual(steps);
  expect(steps.filter(({ atMs }) => atMs < NOON_MS || atMs >= NOON_MS + 24 * HOUR_MS)).toEqual([]);
  expect(steps.map(({ atMs }) => atMs)).toEqual(steps.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  const between = (from: number, to: number) =>
    steps
      .filter(({ atMs }) => new Date(atMs).getUTCHours() >= from && new Date(atMs).getUTCHours() < to)
      .flatMap((step) => step.happenings).length;
  expect(between(8, 18)).toBeGreaterThan(0.7 * happenings.length);
  expect(between(0, 5)).toBeLessThan(0.05 * happenings.length);
});

test('what happens to one contact happens in the same order, and never twice at one instant', async () => {
  const { happenings, records } = await month();
  const changesOf = (all: typeof happenings) => {
    const changes = all.filter((one) => one.kind === 'property').toSorted((a, b) => a.atMs - b.atMs);
    return Map.groupBy(changes, ({ contactId }) => contactId);
  };

  const moved = changesOf(intoOneDay(happenings, records, NOON_MS).flatMap((step) => step.happenings));

  for (const [contactId, before] of changesOf(happenings)) {
    const after = moved.get(contactId) ?? [];
    expect(after.map(({ property }) => property)).toEqual(before.map(({ property }) => property));
    expect(new Set(after.map(({ atMs }) => atMs)).size).toBe(before.length);
  }
});

test('signals that are posted together stay together', async () => {
  const { happenings, records } = await month();

  const steps = intoOneDay(happenings, records, NOON_MS);
  const posts = steps.flatMap((step) => [
    ...new Set(step.happenings.flatMap((one) => (one.kind === 'signal' ? [one.postId] : []))),
  ]);

  expect(posts.length).toBeGreaterThan(10);
  expect(new Set(posts).size).toBe(posts.length);
});

const CHANGE = { kind: 'property', contactId: '1', changeSource: 'CRM', atMs: MONTH_ENDS_MS } as const;

test('what happened first happens first, whoever it happened to', () => {
  const earlier = { kind: 'deal', deal: 'a', contactIds: [], stage: 'new', atMs: MONTH_ENDS_MS - 2 } as const;
  const steps = intoOneDay(
    [
      { ...CHANGE, property: 'last', value: '' },
      { ...CHANGE, contactId: '2', property: 'first', value: '', atMs: MONTH_ENDS_MS - 3 },
    ],
    [earlier],
    NOON_MS,
  );

  expect(steps.map(({ happenings, records }) => [happenings.length, records.length])).toEqual([
    [1, 0],
    [0, 1],
    [1, 0],
  ]);
  expect(steps[0]?.happenings).toMatchObject([{ property: 'first' }]);
});

test('a click stays as long before the change that tells of it as the day is shorter; other values stay as they are', () => {
  const values = {
    hs_email_last_click_date: String(MONTH_ENDS_MS - 30_000),
    hs_analytics_num_page_views: '12',
    renewal: String(MONTH_ENDS_MS + 86_400_000),
    since: String(MONTH_ENDS_MS - 86_400_000),
  };
  const changes = Object.entries(values).map(([property, value]) => ({ ...CHANGE, property, value }));
  const [click, ...others] = intoOneDay(changes, [], NOON_MS).flatMap(({ happenings }) => happenings);

  expect(click).toMatchObject({ value: String((click?.atMs ?? 0) - 1000) }); // 30 days are 30 times a day.
  expect(others).toMatchObject(changes.slice(1).map(({ value }) => ({ value })));
});
