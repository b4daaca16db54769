// The demo while everything that HubSpot does to a caller is done to it: things go on happening until each was done once.

import type { PortalStory } from './demo/oracle-portal.ts';
import { type Round, Rounds } from './demo/rounds.ts';
import { CHAOS_KINDS, type Chaos } from './hubspot/chaos.ts';
import type { Simulator } from './hubspot/simulator.ts';
import type { LocalSystem } from './runner/local-system.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
/** Longest that the clock is moved while what was postponed is waited for: as long as HubSpot's own queue would keep anything. */
const MOST_MOVED_MS = 14 * DAY_MS;
/** Longest wait for what was postponed, in wall time. */
const MOST_WALL_MS = 10 * MINUTE_MS;
/** Between two rounds the clock moves at most so far, so that what was postponed meets what happens next. */
const BETWEEN_ROUNDS_MS = 20 * MINUTE_MS;
/** Rounds end after so many, and after so long, whatever was not done yet. */
const MOST_ROUNDS = 600;
const ROUNDS_WALL_MS = 15 * MINUTE_MS;

export interface ChaosRunParts {
  readonly chaos: Chaos;
  readonly simulator: Simulator;
  readonly system: LocalSystem;
  readonly seed: number;
  /** Makes a round happen, and returns when ingest has taken it all. */
  readonly play: (round: Round) => Promise<void>;
  readonly say: (line: string) => void;
}

/** What was done to the demo, and what it took; part of the JSON line of `--once --chaos`. */
export interface ChaosSummary {
  readonly faults: number;
  readonly rounds: number;
  /** How far the clock was moved in all. */
  readonly hoursMoved: number;
  readonly deadLetters: number;
  /** How often each kind was done. */
  readonly injected: Readonly<Record<string, number>>;
  /** Kinds that were not done, although all were to be. */
  readonly missing: readonly string[];
}

/**
 * Lets things go on happening until every kind of fault was done.
 *
 * @returns the story with all that happened since, and how many rounds it took
 */
export async function runRounds(
  parts: ChaosRunParts,
  story: PortalStory,
): Promise<{ readonly story: PortalStory; readonly rounds: number }> {
  const { chaos, simulator, system, seed, play, say } = parts;
  const rounds = new Rounds(story, seed);
  const happenings = [...story.happenings];
  const records = [...story.records];
  const wallEndsMs = Date.now() + ROUNDS_WALL_MS;
  await settleLater(parts);
  let count = 0;
  while (count < MOST_ROUNDS && Date.now() < wallEndsMs && missing(chaos).length > 0) {
    const callsBefore = simulator.calls.length;
    const round = rounds.next(system.now());
    happenings.push(...round.happenings);
    records.push(...round.records);
    await play(round);
    await pass(parts, BETWEEN_ROUNDS_MS);
    if (simulator.calls.length === callsBefore) await settleLater(parts); // The portal is stopped: more of the same says nothing.
    count += 1;
  }
  await settleLater(parts);
  const left = missing(chaos);
  say(
    `${count} rounds; ${left.length === 0 ? 'every kind of fault was done' : `not done: ${left.join(', ')}`}.`,
  );
  return { story: { ...story, happenings, records }, rounds: count };
}

/** Lets time pass until nothing is postponed any more. @throws Error when that takes too long */
export async function settleLater(parts: ChaosRunParts): Promise<void> {
  const { left } = await pass(parts, MOST_MOVED_MS);
  if (left > 0) throw new Error(`${left} messages are still postponed after all the time that could pass`);
}

async function pass({ simulator, system }: ChaosRunParts, mostMs: number) {
  await simulator.settled();
  return system.passTime({
    mostMs,
    mostWallMs: MOST_WALL_MS,
    alsoDue: () => simulator.landings.due(),
    progress: () => simulator.calls.length,
    onMoved: async () => {
      simulator.landings.catchUp();
      await simulator.settled();
    },
  });
}

/** Kinds that were not done yet. */
function missing({ injected }: Pick<Chaos, 'injected'>): string[] {
  return CHAOS_KINDS.filter((kind) => injected[kind] === undefined);
}

/** How things stand, in a line. */
export function progressOf(chaos: Chaos, hoursMoved: number): string {
  const done = CHAOS_KINDS.length - missing(chaos).length;
  return `${faultsOf(chaos)} faults, ${done} of ${CHAOS_KINDS.length} kinds, clock moved ${hoursMoved.toFixed(1)} h`;
}

export async function summaryOf(
  {
    chaos,
    system,
  }: { readonly chaos: Pick<Chaos, 'injected'>; readonly system: Pick<LocalSystem, 'deadLetters'> },
  rounds: number,
  hoursMoved: number,
): Promise<ChaosSummary> {
  return {
    faults: faultsOf(chaos),
    rounds,
    hoursMoved: Number(hoursMoved.toFixed(1)),
    deadLetters: (await system.deadLetters()).length,
    injected: chaos.injected,
    missing: missing(chaos),
  };
}

function faultsOf({ injected }: Pick<Chaos, 'injected'>): number {
  return Object.values(injected).reduce((sum, count) => sum + count, 0);
}
