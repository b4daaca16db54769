import type { Logger } from '@aws-lambda-powertools/logger';
import { chunks } from '../chunks.ts';
import { CONTACTS_PER_TICK, type Tick } from '../events/envelope.ts';
import type { Measured } from '../measured.ts';
import { addDays, localDate, nextDate } from '../scoring/calendar.ts';
import type { PortalRow } from '../store/portal-rows.ts';

/** Nights that are looked at again although they were finished: a tick that went astray still finds its contact there. */
const NIGHTS_AGAIN = 7;

/** The last night whose due contacts were all ticked, `YYYY-MM-DD`; empty before the first run. */
export interface NightlyProgress {
  readonly finishedNight: string;
}

export interface DecayParts extends Pick<Measured, 'count'> {
  readonly clock: () => number;
  readonly portalId: string;
  /** IANA name. */
  readonly timeZone: string;
  /** The contacts that fall due on a night, page by page. */
  readonly due: (night: string) => AsyncIterable<string[]>;
  readonly tick: (ticks: readonly Tick[]) => Promise<void>;
  readonly progress: Pick<PortalRow<NightlyProgress>, 'update'>;
  readonly logger: Pick<Logger, 'info'>;
}

/** One night in figures. */
export interface NightReport {
  readonly nights: readonly string[];
  readonly due: number;
}

/** Ticks all contacts whose shown values change tonight, and no others. @param upTo - `now`: also those that fall due today */
export async function decay(upTo: 'tonight' | 'now', parts: DecayParts): Promise<NightReport> {
  const { clock, timeZone, progress, portalId, count, logger } = parts;
  const tonight = localDate(clock(), timeZone);
  const finishedNight = await progress.update((state) => begun(state, tonight));
  const nights = nightsBetween(finishedNight, tonight);
  let due = 0;
  for (const night of upTo === 'now' ? [...nights, nextDate(tonight)] : nights) {
    for await (const contactIds of parts.due(night)) {
      count('ContactsDue', contactIds.length);
      await parts.tick(chunks(contactIds, CONTACTS_PER_TICK).map((ids) => ({ portalId, contactIds: ids })));
      count('ContactsTicked', contactIds.length);
      due += contactIds.length;
    }
  }
  await progress.update((state) => finished(state, tonight));
  logger.info('nightly decay', { nights: nights.length, due, finished: true });
  return { nights, due };
}

/** The first run notes the night before as finished, so that however often it fails, nothing since then is left out. */
function begun({ finishedNight }: NightlyProgress, tonight: string) {
  const result = finishedNight === '' ? addDays(tonight, -1) : finishedNight;
  return { state: { finishedNight: result }, result };
}

/** Runs may overlap: the later night stands. */
function finished(state: NightlyProgress, tonight: string) {
  return { state: tonight > state.finishedNight ? { finishedNight: tonight } : state, result: undefined };
}

/** The nights to look at: those since the last finished one, and a few before it. */
function nightsBetween(finishedNight: string, tonight: string): string[] {
  const nights: string[] = [];
  for (let night = addDays(finishedNight, -NIGHTS_AGAIN); night <= tonight; night = nextDate(night))
    nights.push(night);
  return nights;
}
