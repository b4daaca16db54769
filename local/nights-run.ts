// The demo over some nights: every day things happen, one in ten of HubSpot's webhooks is never delivered, and every night repairs it.
import * as v from 'valibot';
import { Figures, noFigures, type RunState } from '../lambdas/nightly/run.ts';
import { type Day, Month } from './demo/month.ts';
import type { PortalStory } from './demo/oracle-portal.ts';
import type { Simulator } from './hubspot/simulator.ts';
import type { LocalSystem } from './runner/local-system.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Share of HubSpot's webhook events that are lost on the way, whatever HubSpot tries. */
export const LOST_RATE = 0.1;

export interface NightsRunParts {
  readonly simulator: Pick<Simulator, 'delivered'>;
  readonly system: Pick<LocalSystem, 'advanceClock' | 'setClock' | 'now' | 'drained'>;
  /** Hour (UTC) at which the schedule has the night begin. */
  readonly nightlyHour: number;
  readonly seed: number;
  readonly nights: number;
  /** Makes a day happen, and returns when ingest has taken all that was not lost. */
  readonly play: (day: Day) => Promise<void>;
  /** What the table says of the last run. */
  readonly readRun: () => Promise<RunState>;
  readonly say: (line: string) => void;
}

/** What came of the nights; part of the JSON line of `--once --nights`. */
export interface NightsSummary {
  readonly nights: number;
  /** Runs that came to their end; one for each night. */
  readonly finished: number;
  /** Events that were never delivered. */
  readonly lost: number;
  /** Of all runs together. */
  readonly figures: Figures;
}

/**
 * Lets days and nights go by. Of the last day nothing is left to the night after: it is over when the night is.
 *
 * @returns the story with all that happened since, and since when points may have faded without a write
 */
export async function runNights(
  parts: NightsRunParts,
  story: PortalStory,
): Promise<{ readonly story: PortalStory; readonly sinceMs: number; readonly summary: NightsSummary }> {
  const { simulator, system, seed, nights, play, say } = parts;
  const happenings = [...story.happenings];
  const records = [...story.records];
  const visits = [...(story.visits ?? [])];
  const tally = new Tally(parts);
  await tally.begin();
  moveToEvening(parts);
  let sinceMs = await goThroughNight(parts);
  await tally.add(1);
  const month = new Month(story, { days: nights - 1, seed, startMs: system.now() });
  for (let night = 2; night <= nights; night++) {
    const morningMs = system.now();
    moveToEvening(parts);
    const day = month.next(morningMs, system.now());
    happenings.push(...day.happenings);
    records.push(...day.records);
    visits.push(...day.visits);
    await play(day);
    await system.drained({ flushWindows: true });
    sinceMs = await goThroughNight(parts);
    await tally.add(night);
  }
  say(`${nights} nights.`);
  const { dropped: lost } = simulator.delivered();
  return {
    story: { ...story, happenings, records, visits },
    sinceMs,
    summary: { nights, lost, ...tally.told() },
  };
}

/** The last hour before the night. Nothing is done on the way: whatever faded waits for the night. */
function moveToEvening({ system, nightlyHour }: NightsRunParts): void {
  const nowMs = system.now();
  const nightMs = Math.floor(nowMs / DAY_MS) * DAY_MS + nightlyHour * HOUR_MS;
  const eveningMs = nightMs - HOUR_MS;
  system.setClock((eveningMs > nowMs ? eveningMs : eveningMs + DAY_MS) - Date.now());
}

/** @returns since when points may have faded without a write: what is due is looked for once more when the night is over */
async function goThroughNight({ system }: NightsRunParts): Promise<number> {
  const sinceMs = system.now() + HOUR_MS;
  await system.advanceClock(1);
  return sinceMs;
}

/** Adds up what the runs report. */
class Tally {
  readonly #parts: NightsRunParts;
  #lastRun: string | undefined;
  #figures = noFigures();
  #finished = 0;

  constructor(parts: NightsRunParts) {
    this.#parts = parts;
  }

  async begin(): Promise<void> {
    this.#lastRun = (await this.#parts.readRun()).last?.id;
  }

  async add(night: number): Promise<void> {
    const { last } = await this.#parts.readRun();
    if (last === undefined || last.id === this.#lastRun)
      return this.#parts.say(`  night ${night}: NO RUN FINISHED`);
    this.#lastRun = last.id;
    this.#finished += 1;
    this.#figures = together(this.#figures, last.figures);
    this.#parts.say(`  night ${night}: ${formatNight(last.figures)}`);
  }

  told(): Pick<NightsSummary, 'finished' | 'figures'> {
    return { finished: this.#finished, figures: this.#figures };
  }
}

function formatNight({ due, pages, contactsUnknown, contactsMissed, repaired, calls }: Figures): string {
  return `${due} due, ${pages} pages read, ${contactsUnknown} contacts unknown, ${contactsMissed} with changes nobody told of, ${repaired} repaired, ${calls} calls`;
}

function together(one: Figures, other: Figures): Figures {
  const sums = new Map(Object.entries(one));
  for (const [name, count] of Object.entries(other)) sums.set(name, (sums.get(name) ?? 0) + count);
  return v.parse(Figures, Object.fromEntries(sums));
}
