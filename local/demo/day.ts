// A month of the demo portal's life within one day: most of it in office hours, hardly anything at night.
import { base, en, Faker } from '@faker-js/faker';
import type { Happening, PropertyHappening } from './happenings.ts';
import type { RecordHappening } from './record-happenings.ts';

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** What happens in a minute happens together, at some second of it: so few are the times at which something is to be done. */
const MINUTE_MS = 60_000;
/** How much faster this day passes than the month. */
const TIMES = 30;
/** How long before a change of a contact what it tells of may have happened: a click, an opened e-mail. */
const LONGEST_LAG_MS = 60_000;
/** How much happens in each hour of the day, UTC, compared with the others. */
const BUSY = [1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 15, 10, 14, 17, 17, 14, 9, 5, 4, 4, 3, 2, 1] as const;

/** What happens at one time of the day. */
export interface Step {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly happenings: readonly Happening[];
  readonly records: readonly RecordHappening[];
}

/** What stays together: one happening, or all signals that are posted together. */
type Unit = readonly (Happening | RecordHappening)[];

/**
 * Moves a month's happenings into one day, in the order in which they happened. What is posted together happens together, when the
 * first of it did.
 *
 * @param fromMs - when the day begins, a full hour, epoch milliseconds
 * @param seed - the same one makes the same day
 */
export function intoOneDay(
  happenings: readonly Happening[],
  records: readonly RecordHappening[],
  fromMs: number,
  seed = 7,
): Step[] {
  const units = [...togetherPosted(happenings), ...records.map((record): Unit => [record])].toSorted(
    (a, b) => startOf(a) - startOf(b),
  );
  const timeOf = dayTimes(fromMs, units.length, seed);
  const byTime = Map.groupBy(units.entries(), ([rank]) => timeOf(rank));
  return [...byTime].map(([atMs, ranked]) => {
    const moved = ranked.flatMap(([, unit]) => unit).map((one, place) => movedTo(one, atMs + place));
    return { atMs, happenings: moved.filter(isHappening), records: moved.filter((one) => !isHappening(one)) };
  });
}

function togetherPosted(happenings: readonly Happening[]): Unit[] {
  const posts = Map.groupBy(happenings, (one) => (one.kind === 'signal' ? one.postId : ''));
  const alone = posts.get('') ?? [];
  posts.delete('');
  return [...posts.values(), ...alone.map((one): Unit => [one])];
}

function startOf(unit: Unit): number {
  return Math.min(...unit.map(({ atMs }) => atMs));
}

/** At which instant of the day each of so many happens, the hours as busy as they are. */
function dayTimes(fromMs: number, count: number, seed: number): (rank: number) => number {
  const faker = new Faker({ locale: [en, base], seed });
  const instants = Array.from(
    { length: DAY_MS / MINUTE_MS },
    (_, minute) => fromMs + minute * MINUTE_MS + faker.number.int({ max: MINUTE_MS - 1000 }),
  );
  const hours = Array.from({ length: 24 }, (_, hour) => {
    const beginsMs = fromMs + hour * HOUR_MS;
    return { beginsMs, weight: BUSY[new Date(beginsMs).getUTCHours()] ?? 0 };
  });
  const sum = hours.reduce((total, { weight }) => total + weight, 0);
  return (rank) => {
    let left = ((rank + 0.5) / count) * sum;
    for (const { beginsMs, weight } of hours) {
      if (left < weight) {
        const minute = Math.floor((beginsMs - fromMs + (left / weight) * HOUR_MS) / MINUTE_MS);
        return instants[minute] ?? beginsMs;
      }
      left -= weight;
    }
    throw new RangeError(`rank must be below ${count}, got ${rank}`);
  };
}

function movedTo<T extends Happening | RecordHappening>(one: T, atMs: number): T {
  return one.kind === 'property' ? { ...one, atMs, value: movedValue(one, atMs) } : { ...one, atMs };
}

/** A value that is a time shortly before the change of it moves along. */
function movedValue({ value, atMs: wasMs }: PropertyHappening, atMs: number): string {
  const lagMs = wasMs - Number(value);
  if (!/^\d{13}$/.test(value) || lagMs < 0 || lagMs > LONGEST_LAG_MS) return value;
  return String(Math.round(atMs - lagMs / TIMES));
}

function isHappening(one: Happening | RecordHappening): one is Happening {
  return one.kind === 'property' || one.kind === 'signal' || one.kind === 'workflow';
}
