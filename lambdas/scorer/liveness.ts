import type { Heard } from '../events/heard.ts';
import type { Fact } from '../scoring/facts.ts';

/**
 * HubSpot repeats a webhook for a day, and the queue keeps it for four. What is older was brought in as history, by a workflow or an
 * import: nobody waits for it, and its age would hide how late the rest is.
 */
const LIVE_MS = 5 * 86_400_000;

/** How long ago facts happened, in milliseconds: at least 0, since clocks differ. History is left out. */
export function liveAgesMs(facts: readonly Fact[], nowMs: number): number[] {
  return facts
    .map(({ occurredAtMs }) => Math.max(0, nowMs - occurredAtMs))
    .filter((ageMs) => ageMs <= LIVE_MS);
}

/** When the newest of what was heard happened; epoch milliseconds, undefined for history. */
export function newestLiveMs(heard: readonly Heard[], nowMs: number): number | undefined {
  const timesMs = timesOf(heard);
  if (timesMs.length === 0) return undefined;
  const newestMs = Math.min(nowMs, Math.max(...timesMs));
  return nowMs - newestMs <= LIVE_MS ? newestMs : undefined;
}

/** All times at which something happened; epoch milliseconds. */
export function timesOf(heard: readonly Heard[]): number[] {
  return heard.flatMap(({ facts, properties, turn }) => [
    ...facts.map(({ occurredAtMs }) => occurredAtMs),
    ...properties.map(({ occurredAtMs }) => occurredAtMs),
    ...(turn === undefined ? [] : [turn.atMs]),
  ]);
}

/** Some of many, evenly spread over them. */
export function sample<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return all.filter(
    (_, at) => Math.floor((at * most) / all.length) > Math.floor(((at - 1) * most) / all.length),
  );
}
