import type { Logger } from '@aws-lambda-powertools/logger';
import * as v from 'valibot';
import { chunks } from '../chunks.ts';
import { CONTACTS_PER_TICK, type Tick } from '../events/envelope.ts';
import type { Measured } from '../measured.ts';
import { addDays, localDate, nextDate } from '../scoring/calendar.ts';
import type { Store } from '../store/connect.ts';
import { PortalRow } from '../store/portal-rows.ts';
import { DecayRequest } from './run.ts';

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
  /** Those of a night's contacts that are due already, though the night has not come. */
  readonly dueBy: (contactIds: readonly string[], nowMs: number) => Promise<string[]>;
  readonly tick: (ticks: readonly Tick[]) => Promise<void>;
  readonly progress: Pick<PortalRow<NightlyProgress>, 'update'>;
  readonly logger: Pick<Logger, 'info'>;
}

/** One night in figures. */
export interface NightReport {
  readonly nights: readonly string[];
  readonly due: number;
}

const Progress = v.object({ finishedNight: v.string() });

/** The portal's row that says how far the nights are done. */
export function progressRow({
  client,
  tableName,
  portalId,
}: Pick<Store, 'client' | 'tableName' | 'portalId'>): PortalRow<NightlyProgress> {
  return new PortalRow(client, tableName, portalId, 'nightly', Progress, { finishedNight: '' });
}

/**
 * Does what a schedule asks, and measures it: a run that fails, or asks for what there is not, counts as one that did not finish.
 *
 * @param event - a `DecayRequest`
 */
export async function runDecay(
  event: unknown,
  parts: DecayParts & Pick<Measured, 'observe'>,
): Promise<NightReport> {
  const { clock, count, observe, portalId } = parts;
  // A night on which nothing falls due is a 0, and no gap.
  count('ContactsDue', 0);
  count('ContactsTicked', 0);
  const startedAtMs = clock();
  let isFinished = false;
  try {
    const request = v.parse(DecayRequest, event);
    if (request.portalId !== undefined && request.portalId !== portalId)
      throw new Error('asked about another portal');
    const report = await decay(request.upTo, parts);
    isFinished = true;
    return report;
  } finally {
    count('NightlyFinished', isFinished ? 1 : 0);
    observe('NightlySeconds', (clock() - startedAtMs) / 1000);
  }
}

/** Ticks all contacts whose shown values change tonight, and no others. @param upTo - `now`: also those that fall due today */
export async function decay(upTo: 'tonight' | 'now', parts: DecayParts): Promise<NightReport> {
  const { clock, timeZone, progress, portalId, count, logger } = parts;
  const tonight = localDate(clock(), timeZone);
  const finishedNight = await progress.update((state) => begun(state, tonight));
  const nights = nightsBetween(finishedNight, tonight);
  const coming = nextDate(tonight);
  let due = 0;
  for (const night of upTo === 'now' ? [...nights, coming] : nights) {
    for await (const page of parts.due(night)) {
      const contactIds = night === coming ? await parts.dueBy(page, clock()) : page;
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
