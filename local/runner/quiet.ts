import { setTimeout as pause } from 'node:timers/promises';
import type { QueuePlan } from './assembly.ts';
import type { QueueEngine } from './engines.ts';
import type { EventSource } from './event-source.ts';

/** A message delayed longer than this is meant for later and not waited for. */
const DELAYED_SOON_MS = 60_000;
const LOOK_MS = 50;
/** Looks in a row that must find nothing under way. */
const CONFIRMATIONS = 2;
/** How often a long wait says what it waits for. */
const EXPLAIN_MS = 30_000;

export interface QuietSetting {
  readonly engine: QueueEngine;
  /** Queues that a function reads: what lies in others (dead letters) is at rest. */
  readonly read: readonly QueuePlan[];
  readonly sources: readonly EventSource[];
  /** The clock by which messages are delayed, epoch milliseconds. */
  readonly now: () => number;
  /** Requests and invocations under way. */
  readonly busy: () => number;
  readonly isStopped: () => boolean;
  readonly report: (line: string) => void;
}

export interface QuietOptions {
  /** Hand out what the batching windows hold as soon as nothing else is under way, instead of waiting for them. */
  readonly flushWindows: boolean;
  /**
   * Leave what the batching windows hold where it is, and count the ends of the windows as instants at which something is due.
   *
   * @default false
   */
  readonly leaveWindows?: boolean;
  /**
   * Wait for nothing but what is under way: neither for a message that is due within a minute, nor for one that failed and will be
   * visible again.
   *
   * @default false
   */
  readonly leavePostponed?: boolean;
}

/**
 * Resolves when no message is visible, in flight (so neither in a batching window) or due within a minute, and nothing is being
 * answered or invoked, found so twice.
 *
 * @returns instants at which what was postponed is due, epoch milliseconds; with `leavePostponed` all of them
 * @throws Error when the system stops meanwhile
 */
export async function untilQuiet(
  setting: QuietSetting,
  { flushWindows, leavePostponed = false, leaveWindows = false }: QuietOptions,
): Promise<readonly number[]> {
  const { sources, isStopped, report } = setting;
  let explainAtMs = Date.now() + EXPLAIN_MS;
  let dueMs: readonly number[] = [];
  for (let quietLooks = 0; quietLooks < CONFIRMATIONS; ) {
    if (isStopped()) throw new Error('The local system has stopped');
    const { moving, atRest, postponed, explanation } = await look(setting, leavePostponed);
    dueMs = leaveWindows
      ? [...postponed, ...sources.flatMap((one) => one.windowEndsAtMs() ?? [])]
      : postponed;
    quietLooks = moving + (leaveWindows ? 0 : atRest) === 0 ? quietLooks + 1 : 0;
    if (flushWindows && moving === 0) for (const source of sources) source.flush();
    if (Date.now() >= explainAtMs) {
      report(`Still waiting: ${explanation}`);
      explainAtMs = Date.now() + EXPLAIN_MS;
    }
    await pause(LOOK_MS);
  }
  return dueMs;
}

/** `atRest` = messages held in windows; `postponed` = instants of what is left for later; `moving` = everything else under way. */
async function look({ engine, read, sources, now, busy }: QuietSetting, leavePostponed: boolean) {
  const states = await engine.states(leavePostponed);
  const soonMs = now() + (leavePostponed ? 0 : DELAYED_SOON_MS);
  const postponed: number[] = [];
  let messages = 0;
  const parts: string[] = [];
  for (const { name, path } of read) {
    const { visible = 0, inFlight = 0, received = [], delayedUntilMs = [] } = states.get(name) ?? {};
    const delayed = delayedUntilMs.filter((untilMs) => untilMs <= soonMs).length;
    const failed = received.filter(
      ({ receiptHandle, untilMs }) =>
        untilMs > soonMs && sources.some((source) => source.hasFailed(receiptHandle)),
    );
    postponed.push(
      ...delayedUntilMs.filter((untilMs) => untilMs > soonMs),
      ...failed.map(({ untilMs }) => untilMs),
    );
    const waitedFor = visible + inFlight - failed.length + delayed;
    messages += waitedFor;
    if (waitedFor > 0) {
      parts.push(`${path} ${visible} visible, ${inFlight - failed.length} in flight, ${delayed} delayed`);
    }
  }
  const atRest = sources.reduce((sum, source) => sum + source.held(), 0);
  const running = busy();
  if (running > 0) parts.push(`${running} requests and invocations`);
  const moving = Math.max(0, messages - atRest) + running;
  return { atRest, moving, postponed, explanation: parts.join('; ') };
}
