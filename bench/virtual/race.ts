// One writer under one condition, from the first call until nothing of it is left to do.

import { createChaos } from '../../local/hubspot/chaos.ts';
import { afterglow } from '../recipes/afterglow.ts';
import { fixedSleep } from '../recipes/fixed-sleep.ts';
import { sdkBatch } from '../recipes/sdk-batch.ts';
import { sdkSingle } from '../recipes/sdk-single.ts';
import type { Recipe } from '../recipes/writer.ts';
import { type CallFigures, figuresOf, windowsOver } from './figures.ts';
import { LIMIT_PER_10_SECONDS, RESERVE_PER_10_SECONDS } from './limits.ts';
import { ACCESS_TOKEN, openBenchPortal } from './portal.ts';
import { startRival } from './rival.ts';
import { startVirtualTime } from './time.ts';
import { startWire } from './wire.ts';

export const WRITERS: readonly Recipe[] = [fixedSleep, sdkBatch, sdkSingle, afterglow];

/** The writer for which there are goals. */
export const OURS = afterglow.name;

export const CONDITIONS = ['calm', 'faults', 'rival'] as const;
export type Condition = (typeof CONDITIONS)[number];

/** A Wednesday morning. */
const START_MS = Date.UTC(2026, 10, 4, 9);
/** HubSpot may ask for a day in which nobody calls; nothing waits for longer than two. */
const LONGEST_MS = 48 * 3_600_000;
/** A write without an answer lands within 15 minutes or never. */
const LATEST_LANDING_MS = 900_000;

export interface RaceOptions {
  /** Name of a writer. */
  readonly writer: string;
  readonly condition: Condition;
  readonly contacts: number;
  readonly seed: number;
  /** Share of calls that fail where some do. @default 0.05 */
  readonly faultRate?: number;
}

export interface RaceFigures extends CallFigures {
  /** Calls with the token, the rival's included, that were one too many in the 10 s before them. */
  readonly windowsOver: number;
  readonly condition: Condition;
  readonly writer: string;
  /** Contacts that show the score they should in the end. */
  readonly right: number;
  /** Those that do not. */
  readonly lost: number;
  /** Of the lost, those that the writer counts as written. */
  readonly lostUnnoticed: number;
  /** Contacts whose score was written more than once. */
  readonly doubled: number;
  /** From the beginning until the writer had nothing left to do. */
  readonly virtualSeconds: number;
  /** How often each kind of fault was injected. */
  readonly faults: Readonly<Record<string, number>>;
  /** Calls of the other process, and those of them that were refused for the limit. */
  readonly rivalCalls: number;
  readonly rivalRefused: number;
}

/** Runs one writer under one condition; timers, date and `fetch` of the process are its own meanwhile. */
export async function race(options: RaceOptions): Promise<RaceFigures> {
  const { condition, contacts, seed, faultRate = 0.05 } = options;
  const writer = WRITERS.find(({ name }) => name === options.writer);
  if (writer === undefined) throw new RangeError(`there is no writer ${options.writer}`);
  const time = startVirtualTime(START_MS);
  const wire = startWire(time);
  const chaos = createChaos({ seed, rate: condition === 'faults' ? faultRate : 0 });
  const portal = await openBenchPortal({
    contacts,
    seed,
    sleep: wire.sleep,
    faults: (call) => chaos.faults(call),
    moreProperties: writer.moreProperties,
  });
  const { url } = portal.simulator;
  const rival = condition === 'rival' ? startRival(url, wire.unlogged, seed) : undefined;
  try {
    const { changed, model } = portal;
    const writing = writer.write({
      url,
      accessToken: ACCESS_TOKEN,
      contacts: changed,
      model,
      limit: LIMIT_PER_10_SECONDS,
      reserve: RESERVE_PER_10_SECONDS,
      sleep: time.sleep,
      real: time.real,
    });
    const { countedAsWritten } = await time.until(writing, LONGEST_MS);
    const endedAtMs = time.now();
    rival?.stop();
    // What is still on its way lands, or never will.
    await time.until(time.sleep(LATEST_LANDING_MS), LONGEST_MS);
    const { right, doubled } = portal.judge();
    return {
      condition,
      writer: writer.name,
      right: right.size,
      lost: contacts - right.size,
      lostUnnoticed: countedAsWritten.filter((id) => !right.has(id)).length,
      doubled,
      ...figuresOf(wire.calls(), LIMIT_PER_10_SECONDS, RESERVE_PER_10_SECONDS),
      // Of all calls with the token, as HubSpot saw them, those it refused included.
      windowsOver: windowsOver(portal.simulator.calls, LIMIT_PER_10_SECONDS),
      virtualSeconds: Math.round((endedAtMs - START_MS) / 100) / 10,
      faults: chaos.injected,
      rivalCalls: rival?.calls() ?? 0,
      rivalRefused: rival?.refused() ?? 0,
    };
  } finally {
    rival?.stop();
    await portal.simulator.stop();
    wire.stop();
    time.stop();
  }
}
