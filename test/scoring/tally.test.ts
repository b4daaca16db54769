import type { Award } from '../../lambdas/scoring/awards.ts';
import { capThousandths, tally, thousandthsLeft } from '../../lambdas/scoring/tally.ts';
import { DAY_MS, NOW_MS } from './histories.ts';
import { modelOf } from './model-of.ts';

const MODEL = modelOf(`
range: { min: -20, max: 40 }
engagement:
  cap: 45
  groups: { web: { cap: 12 }, mail: { cap: 6 }, empty: { cap: 5 } }
  signals:
    - { id: page, title: Page, from: { kind: signal, signal: page }, points: 10, halfLifeDays: 7, group: web, cap: 15 }
    - { id: login, title: Login, from: { kind: signal, signal: login }, points: 10, halfLifeDays: 7 }
    - { id: ticket, title: Ticket, from: { kind: signal, signal: ticket }, points: -8, halfLifeDays: 7 }
    - { id: bounce, title: Bounce, from: { kind: signal, signal: bounce }, points: -5, halfLifeDays: 7, group: mail }
grades: { bands: [{ grade: A, from: -20 }] }`);
const [PAGE, LOGIN, TICKET, BOUNCE] = [0, 1, 2, 3];

/** An award of now, that halves every week and counts for 30 days. */
function award(signal: number, points: number): Award {
  return {
    signal,
    fact: { key: '', name: '', occurredAtMs: NOW_MS },
    points,
    halfLifeMs: 7 * DAY_MS,
    untilMs: NOW_MS + 30 * DAY_MS,
  };
}

function tallyNow(fit: number, ...awards: Award[]) {
  return tally(MODEL, fit, awards, NOW_MS, NOW_MS);
}

test('of nothing every sum is 0, also of a group without signals', () => {
  expect(tallyNow(0)).toEqual({
    signals: [0, 0, 0, 0],
    groups: [0, 0, 0],
    beforeEngagementCap: 0,
    engagement: 0,
    score: 0,
  });
});

test('caps hold in turn: of a signal, of its group, of all engagement, and then the range', () => {
  const awards = [award(PAGE, 10), award(PAGE, 10), award(LOGIN, 35), award(BOUNCE, -9)];

  // Pages 20, of which the signal leaves 15 and the group 12. Bounces -9, of which the group leaves -6. 12 + 35 - 6 = 41.
  expect(tallyNow(3000, ...awards)).toEqual({
    signals: [20_000, 35_000, 0, -9000],
    groups: [15_000, -9000, 0],
    beforeEngagementCap: 41_000,
    engagement: 41_000,
    score: 40_000,
  });
  // With 10 more: 51, of which 45 stay.
  expect(tallyNow(-10_000, ...awards, award(LOGIN, 10))).toMatchObject({
    beforeEngagementCap: 51_000,
    engagement: 45_000,
    score: 35_000,
  });
});

test('penalties are kept above minus the cap, and the score above the lowest of its range', () => {
  const tickets = Array.from({ length: 7 }, () => award(TICKET, -8));

  expect(tallyNow(5000, ...tickets)).toMatchObject({
    beforeEngagementCap: -56_000,
    engagement: -45_000,
    score: -20_000,
  });
});

test('over a span gains are looked at at the one time and penalties at the other', () => {
  const weekLater = NOW_MS + 7 * DAY_MS;
  const awards = [award(LOGIN, 10), award(TICKET, -8)];

  // At once 10 and -8, a week later 5 and -4.
  expect(tally(MODEL, 0, awards, NOW_MS, NOW_MS).score).toBe(2000);
  expect(tally(MODEL, 0, awards, weekLater, weekLater).score).toBe(1000);
  expect(tally(MODEL, 0, awards, NOW_MS, weekLater).score).toBe(6000);
  expect(tally(MODEL, 0, awards, weekLater, NOW_MS).score).toBe(-3000);
});

test.each<[number, number, string]>([
  [0, 10_000, 'at once nothing has faded'],
  [-5, 10_000, 'nor before it happened'],
  [7, 5000, 'half after a half-life'],
  [30, 513, '10,000 / 2^(30 / 7) = 512.7 on its last day'],
  [30 + 1 / DAY_MS, 0, 'and nothing a millisecond later'],
])('after %d days %d thousandths of 10 points are left: %s', (days, expected) => {
  expect(thousandthsLeft(award(LOGIN, 10), NOW_MS + days * DAY_MS)).toBe(expected);
});

test.each<[number, number | undefined, number, string]>([
  [20_000, 15, 15_000, 'more than the cap'],
  [-20_000, 15, -15_000, 'less than minus the cap'],
  [14_999, 15, 14_999, 'within the cap'],
  [20_000, undefined, 20_000, 'no cap'],
  [20_000, 0.5, 500, 'half a point'],
  [-20_000, 0, 0, 'a cap of nothing leaves 0, not -0'],
])('of %d thousandths a cap of %p leaves %d: %s', (sum, cap, expected) => {
  expect(capThousandths(sum, cap)).toBe(expected);
});
