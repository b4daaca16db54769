import { nightOf } from './calendar.ts';
import { dueMoment } from './due.ts';
import type { Known } from './facts.ts';
import { fold } from './fold.ts';
import type { Model } from './model.ts';
import { type Shown, show, writeIdOf } from './show.ts';

/** Everything the table holds of a score. */
export interface Scored {
  readonly shown: Shown;
  /** Identifies the write that brings `shown` to HubSpot. */
  readonly writeId: string;
  /** The night on which `shown` is to be looked at again, `YYYY-MM-DD`; undefined when it never changes by itself. */
  readonly dueNight: string | undefined;
  /** The due moment itself, epoch milliseconds; undefined when it never comes. */
  readonly dueAtMs: number | undefined;
  /** Epoch milliseconds of the newest signal that counts. */
  readonly lastSignalAtMs: number | undefined;
}

/** Whose score: the portal, the contact, and the time zone its dates are meant in. */
export interface ScoredContact {
  readonly portalId: string;
  readonly contactId: string;
  /** IANA name. */
  readonly timeZone: string;
}

/**
 * Folds, shows and looks ahead: all that follows from what is known of a contact.
 *
 * @param previous - what was shown last, undefined for a new contact
 * @param nowMs - epoch milliseconds
 */
export function score(
  model: Model,
  { portalId, contactId, timeZone }: ScoredContact,
  known: Known,
  previous: Shown | undefined,
  nowMs: number,
): Scored {
  const folded = fold(model, known, nowMs);
  const shown = show(previous, folded, model, timeZone);
  const dueAtMs = dueMoment(model, folded, shown, timeZone);
  return {
    shown,
    writeId: writeIdOf(portalId, contactId, shown),
    dueNight: dueAtMs === undefined ? undefined : nightOf(dueAtMs, timeZone),
    dueAtMs,
    lastSignalAtMs: folded.lastSignalAtMs,
  };
}
