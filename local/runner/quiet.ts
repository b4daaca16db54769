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
  /** Requests and invocations under way. */
  readonly busy: () => number;
  readonly isStopped: () => boolean;
  readonly report: (line: string) => void;
}

/**
 * Resolves when no message is visible, in flight (so neither in a batching window) or due within a minute, and nothing is being
 * answered or invoked, found so twice.
 *
 * @param flushWindows - hand out what the batching windows hold as soon as nothing else is under way, instead of waiting for them
 * @throws Error when the system stops meanwhile
 */
export async function untilQuiet(setting: QuietSetting, flushWindows: boolean): Promise<void> {
  const { sources, isStopped, report } = setting;
  let explainAtMs = Date.now() + EXPLAIN_MS;
  for (let quietLooks = 0; quietLooks < CONFIRMATIONS; ) {
    if (isStopped()) throw new Error('The local system has stopped');
    const { moving, atRest, explanation } = await look(setting);
    quietLooks = moving + atRest === 0 ? quietLooks + 1 : 0;
    if (flushWindows && moving === 0) for (const source of sources) source.flush();
    if (Date.now() >= explainAtMs) {
      report(`Still waiting: ${explanation}`);
      explainAtMs = Date.now() + EXPLAIN_MS;
    }
    await pause(LOOK_MS);
  }
}

/** `atRest` = messages held in windows; `moving` = everything else that is under way. */
async function look({ engine, read, sources, busy }: QuietSetting) {
  const states = await engine.states();
  const soonMs = Date.now() + DELAYED_SOON_MS;
  let messages = 0;
  const parts: string[] = [];
  for (const { name, path } of read) {
    const { visible = 0, inFlight = 0, delayedUntilMs = [] } = states.get(name) ?? {};
    const delayed = delayedUntilMs.filter((untilMs) => untilMs <= soonMs).length;
    messages += visible + inFlight + delayed;
    if (visible + inFlight + delayed > 0) {
      parts.push(`${path} ${visible} visible, ${inFlight} in flight, ${delayed} delayed`);
    }
  }
  const atRest = sources.reduce((sum, source) => sum + source.held(), 0);
  const running = busy();
  if (running > 0) parts.push(`${running} requests and invocations`);
  return { atRest, moving: Math.max(0, messages - atRest) + running, explanation: parts.join('; ') };
}
