import type { Logger } from '@aws-lambda-powertools/logger';
import * as v from 'valibot';
import type { Arrival } from '../events/heard.ts';
import { subscriptionsOf } from '../events/subscriptions.ts';
import type { Model } from '../scoring/model.ts';
import type { PortalRow } from '../store/portal-rows.ts';

/** Sort key of the row of the portal that says which subscriptions bring events. */
export const HEARD_ROW = 'heard';
/** By subscription, named as `subscriptionsOf` does: the day of its newest event, `YYYY-MM-DD` in UTC. */
export const HeardDays = v.object({ heard: v.record(v.string(), v.string()) });
export type HeardDays = v.InferOutput<typeof HeardDays>;
export const NOTHING_HEARD: HeardDays = { heard: {} };

export interface ArrivalParts {
  readonly clock: () => number;
  readonly model: Model;
  readonly heard: Pick<PortalRow<HeardDays>, 'update'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Notes on which day each subscription of a model last brought an event, so that one that brings none can be told from one of which
 * nothing happens. The row is touched once a day for each, whatever number of events there are.
 *
 * @returns never throws: no event is held up by it
 */
export function createArrivalNotes({
  clock,
  model,
  heard,
  logger,
}: ArrivalParts): (arrivals: readonly Arrival[]) => Promise<void> {
  const wanted = new Set(subscriptionsOf(model)); // Others may be subscribed to; what is not asked for would only fill the row.
  const known = new Map<string, string>();
  return async (arrivals) => {
    const news = new Map<string, string>();
    for (const { subscription, occurredAtMs } of arrivals) {
      const day = dayOf(Math.min(occurredAtMs, clock())); // HubSpot's clock may be ahead of ours.
      const before = news.get(subscription) ?? known.get(subscription) ?? '';
      if (wanted.has(subscription) && day > before) news.set(subscription, day);
    }
    if (news.size === 0) return;
    try {
      const days = await heard.update((state) => withNews(state, news));
      for (const [subscription, day] of Object.entries(days)) known.set(subscription, day);
    } catch (error) {
      logger.warn('not noted which subscriptions bring events', {
        error: error instanceof Error ? error : undefined,
      });
    }
  };
}

/** Of each the later day stands; where nothing is later, the very same state. */
function withNews(
  state: HeardDays,
  news: ReadonlyMap<string, string>,
): { state: HeardDays; result: HeardDays['heard'] } {
  const later = [...news].filter(([subscription, day]) => day > (state.heard[subscription] ?? ''));
  if (later.length === 0) return { state, result: state.heard };
  const heard = { ...state.heard, ...Object.fromEntries(later) };
  return { state: { heard }, result: heard };
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
