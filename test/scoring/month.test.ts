import fc from 'fast-check';
import { displaySums, gradeOf } from '../../lambdas/scoring/display.ts';
import type { Known } from '../../lambdas/scoring/facts.ts';
import { type Folded, fold } from '../../lambdas/scoring/fold.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { type Scored, score } from '../../lambdas/scoring/score.ts';
import { type Shown, show } from '../../lambdas/scoring/show.ts';
import { busyContacts, contacts, DAY_MS, models, NOW_MS } from './histories.ts';
import { instantOf, ZONES, type Zone } from './local-time.ts';
import { OCCURRENCES } from './occurrences.ts';
import { models1000, smallContacts } from './thousandths.ts';

const NIGHTS = 30;

/** A contact, and the month in which nothing happens to it but time. */
interface Month {
  readonly model: Model;
  readonly known: Known;
  /** The grade it was shown with before, if any. */
  readonly grade: string | undefined;
  readonly timeZone: Zone;
  /** When the contact is first scored: epoch milliseconds. */
  readonly startMs: number;
  /** Local hour of the nightly run. */
  readonly hour: number;
}

/** Months in which clocks change, in March for Berlin, New York and Lord Howe, in autumn for these and Santiago. */
const STARTS = ['2026-03-07', '2026-08-20', '2026-09-20', '2026-10-12'];

const busyModels = models({ points: 60, halfLifeDays: [2, 7, 14, 90, 'never'], horizonDays: [10, 30, 365] });
const CONTACT = { portalId: '33', contactId: '7', timeZone: 'UTC' };
/** A grade for every six points, so that many are passed in a month, and a dead band that is nearly as wide. */
const MANY_GRADES = Array.from('ABCDEFGHIJ', (grade, at) => ({ grade, from: 54 - 6 * at }));

/** Contacts whose score fades: of others a month says little. */
const fading = fc
  .record({ model: busyModels, known: busyContacts })
  .map(({ model, known }) => ({ model: withManyGrades(model), known }))
  .filter(({ model, known }) => score(model, CONTACT, known, undefined, NOW_MS).dueAtMs !== undefined);

const months: fc.Arbitrary<Month> = fc
  .record({
    of: fc.oneof(
      fc.record({ model: models(), known: contacts() }),
      { arbitrary: fading, weight: 2 },
      fc.record({ model: models1000(), known: smallContacts }),
    ),
    grade: fc.constantFrom(undefined, 'A', 'B', 'C', 'A1', 'B1', 'B2'),
    timeZone: fc.constantFrom(...ZONES),
    start: fc.constantFrom(...STARTS),
    hour: fc.constantFrom(0, 4, 23), // Clocks show each of these once a day, as those do at which a nightly run is scheduled.
    minutes: fc.nat(24 * 60 - 1),
  })
  .map(({ of: { model, known }, start, minutes, ...rest }) => {
    const startMs = Date.parse(`${start}T00:00:00Z`) + minutes * 60_000;
    return { model, known: moved(known, startMs - NOW_MS), startMs, ...rest };
  });

function withManyGrades(model: Model): Model {
  const { grid } = model.grades;
  const grades = grid === undefined ? { bands: MANY_GRADES } : { grid: { ...grid, engagement: MANY_GRADES } };
  return { ...model, grades: { ...grades, deadBand: 5 } };
}

/** The same contact, with all that happened some time later. */
function moved({ properties, facts, company = [], deals = [] }: Known, byMs: number): Known {
  const later = <T extends { readonly occurredAtMs: number }>(each: T) => ({
    ...each,
    occurredAtMs: each.occurredAtMs + byMs,
  });
  return {
    properties: properties.map(later),
    facts: facts.map(later),
    company: company.map(later),
    deals: deals.map((deal) => ({
      ...deal,
      closedAtMs: deal.closedAtMs === undefined ? undefined : deal.closedAtMs + byMs,
    })),
  };
}

/** The dates of the nights after the first score. */
function nights({ startMs, timeZone }: Month): string[] {
  const today = new Date(startMs).toLocaleDateString('sv-SE', { timeZone });
  return Array.from({ length: NIGHTS }, (_, at) =>
    new Date(Date.parse(`${today}T00:00:00Z`) + (at + 1) * DAY_MS).toISOString().slice(0, 10),
  );
}

function scoreAt({ model, known, timeZone }: Month, previous: Shown | undefined, nowMs: number): Scored {
  return score(model, { ...CONTACT, timeZone }, known, previous, nowMs);
}

/** What brute force shows: everything is folded afresh. */
function showAt({ model, known, timeZone }: Month, previous: Shown | undefined, nowMs: number): Shown {
  return show(previous, fold(model, known, nowMs), model, timeZone);
}

function firstScore(month: Month): Scored {
  const { grade, startMs } = month;
  const before = grade === undefined ? undefined : { ...showAt(month, undefined, startMs), grade };
  return scoreAt(month, before, startMs);
}

test('a month against brute force: not one shown value differs on any night, and who is not due is left alone', () => {
  fc.assert(
    fc.property(months, (month) => {
      const { timeZone, hour, startMs } = month;
      let scored = firstScore(month);
      let brute = scored.shown;

      for (const tonight of nights(month)) {
        const midnightMs = instantOf(tonight, 0, timeZone);
        const isDue = scored.dueNight !== undefined && scored.dueNight <= tonight;
        // A night finds what fell due on the days before it: of a contact that is left alone nothing changed on these.
        const runMs = isDue ? instantOf(tonight, hour, timeZone) : Math.max(midnightMs - 1, startMs);
        brute = showAt(month, brute, runMs);
        expect(isDue && (scored.dueAtMs ?? midnightMs) >= midnightMs).toBe(false);
        if (isDue) scored = scoreAt(month, scored.shown, runMs);

        expect(scored.shown).toEqual(brute);
      }
    }),
    { numRuns: 200 },
  );
});

test('a month with looks at what is due by now: as each night begins to look, not one shown value differs either', () => {
  fc.assert(
    fc.property(months, (month) => {
      let scored = firstScore(month);
      let brute = scored.shown;

      for (const tonight of nights(month)) {
        const runMs = instantOf(tonight, month.hour, month.timeZone);
        brute = showAt(month, brute, runMs);
        if (scored.dueAtMs !== undefined && scored.dueAtMs <= runMs)
          scored = scoreAt(month, scored.shown, runMs);

        expect(scored.shown).toEqual(brute);
      }
    }),
    { numRuns: 200 },
  );
});

/** What is asked of a month that was drawn. */
interface Drawn {
  readonly month: Month;
  /** As it begins. */
  readonly folded: Folded;
  /** The nights on which it is scored again, and what is shown from then on. */
  readonly looks: readonly { readonly atMs: number; readonly shown: Shown }[];
}

const drawn: readonly Drawn[] = fc.sample(months, { numRuns: 400, seed: 33 }).map((month) => ({
  month,
  folded: fold(month.model, month.known, month.startMs),
  looks: [...looksOf(month)],
}));

function* looksOf(month: Month): Generator<Drawn['looks'][number]> {
  let scored = firstScore(month);
  for (const tonight of nights(month)) {
    if (scored.dueNight === undefined || scored.dueNight > tonight) continue;
    const atMs = instantOf(tonight, month.hour, month.timeZone);
    scored = scoreAt(month, scored.shown, atMs);
    yield { atMs, shown: scored.shown };
  }
}

/** Whether only the dead band holds a grade on some night of a month. */
function isHeld({ month: { model, known }, looks }: Drawn): boolean {
  return looks.some(({ atMs, shown }) => {
    const { fit, tally, status } = fold(model, known, atMs);
    return status === 'scored' && gradeOf(model, displaySums(model, fit, tally), '') !== shown.grade;
  });
}

describe('the months that are drawn', () => {
  test.each(Object.entries(OCCURRENCES))('have %s', (_what, isIn) => {
    const those = drawn.filter(({ month, folded }) => isIn(month.model, folded));

    expect(those.length).toBeGreaterThanOrEqual(10);
  });

  test('have grades that only the dead band holds, and scores of which nothing is left in the end', () => {
    const ended = drawn.filter(({ looks }) => looks.at(-1)?.shown.status === 'insufficient_data');

    expect(drawn.filter(isHeld).length).toBeGreaterThanOrEqual(10);
    expect(ended.length).toBeGreaterThanOrEqual(10);
  });

  test('have contacts that are due on many nights, on some, and never', () => {
    const due = drawn.map(({ looks }) => looks.length);

    expect(due.filter((times) => times === 0).length).toBeGreaterThan(50);
    expect(due.filter((times) => times > 0 && times < 8).length).toBeGreaterThan(50);
    expect(due.filter((times) => times >= 8).length).toBeGreaterThan(10);
  });
});
