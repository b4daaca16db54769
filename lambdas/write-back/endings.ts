import { categoryOf } from '../hubspot/answer.ts';
import { type Letter, LONGEST_DELAY_SECONDS, type WriteRequest } from '../store/queues.ts';
import type { Errand } from './requests.ts';
import type { About, Ended, Ending } from './run.ts';

/** What HubSpot declined waits for so long at first. */
const DECLINED_SECONDS = 60;

/** What is to be sent in place of an errand's messages. */
export interface Copy {
  readonly errand: Errand;
  readonly request: WriteRequest;
  readonly delaySeconds: number;
}

/** An errand that can never be done, and what is kept of it. */
export interface Refusal {
  readonly errand: Errand;
  readonly letter: Letter;
  /** HubSpot's category of the reason, or `other`. */
  readonly category: string;
}

/** What follows from how errands ended. */
export interface Following {
  readonly copies: readonly Copy[];
  readonly refusals: readonly Refusal[];
  /** Ids of messages that the queue is to bring again: our own fault. */
  readonly failed: readonly string[];
}

/**
 * How long the one waits that has waited longest of those that are not done yet, in seconds; undefined where all are done. The queue
 * does not tell: whoever is put back is a new message to it.
 */
export function lagSeconds(ended: readonly Ended[], nowMs: number): number | undefined {
  const waits = ended
    .filter(({ ending }) => !isSettled(ending))
    .map(({ errand }) => Math.max(0, nowMs - errand.sinceMs) / 1000);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** Whether HubSpot took it, or never will. */
function isSettled(ending: Ending): boolean {
  if (ending.kind === 'doubtful') return ending.isConfirmed === true;
  return ending.kind === 'done' || ending.kind === 'refused';
}

/** @param nowMs - epoch milliseconds */
export function followingOf(ended: readonly Ended[], portalId: string, nowMs: number): Following {
  const copies: Copy[] = [];
  const refusals: Refusal[] = [];
  const failed: string[] = [];
  for (const { errand, ending, about } of ended) {
    // Whose it is was seen to already: in doubt is only what the deal shows.
    const isDeal = about.dealId !== undefined;
    const copy = (delaySeconds: number, request: WriteRequest) =>
      void copies.push({ errand, request, delaySeconds });
    if (ending.kind === 'failed') failed.push(...errand.messageIds);
    if (ending.kind === 'refused')
      refusals.push({
        errand,
        letter: letterOf(portalId, errand, about, ending),
        category: categoryOf(ending.reason),
      });
    if (ending.kind === 'later') copy(...postponed(errand, ending.retryAtMs, nowMs));
    if (ending.kind === 'declined') copy(...declined(errand));
    // A write of somebody's may still land: look again when it has landed, or never will.
    if (ending.kind === 'doubtful') {
      const { sinceMs, request } = errand;
      const { occurredAtMs } = request;
      const waited = ending.isConfirmed
        ? {}
        : { sinceMs, ...(occurredAtMs !== undefined && { occurredAtMs }) };
      copy(ending.afterSeconds, {
        portalId,
        ...about,
        ...(isDeal && { creditOnly: true }),
        force: true,
        ...waited,
      });
    }
  }
  // What the queue brings again by itself needs no copy: one message may be about a deal and its contacts, and fail for one of them.
  const isFailed = ({ errand: { messageIds } }: Copy) => messageIds.every((id) => failed.includes(id));
  return { copies: copies.filter((each) => !isFailed(each)), refusals, failed };
}

/**
 * Everything that helps to find out why, and the request as it is to be sent back once that is mended: without what is counted of its
 * tries, and without its times, since how long an operator takes says nothing of us.
 */
function letterOf(
  portalId: string,
  {
    request: { postponed: _tries, declined: _declines, occurredAtMs: _at, sinceMs: _since, ...request },
    mayBeHalfRead,
  }: Errand,
  about: About,
  { reason, correlationId }: Extract<Ending, { kind: 'refused' }>,
): Letter & About & { portalId: string; correlationId: string | undefined; request: WriteRequest } {
  return {
    portalId,
    ...about,
    reason,
    correlationId,
    request: { ...request, ...(mayBeHalfRead && { reread: true }) },
  };
}

/** Step 9. The request as it is put back. A doubt goes with it, and waits as long as any other. */
function putBack(
  { request, force, isRedelivered, mayBeHalfRead, sinceMs }: Errand,
  delaySeconds: number,
  counted: Pick<WriteRequest, 'postponed' | 'declined'>,
): [delaySeconds: number, request: WriteRequest] {
  return [
    isRedelivered ? LONGEST_DELAY_SECONDS : delaySeconds,
    {
      ...request,
      sinceMs,
      ...((force || isRedelivered) && { force: true }),
      ...(mayBeHalfRead && { reread: true }),
      ...counted,
    },
  ];
}

/** Not tried: comes back with a count of our own, so that the queue counts only what was tried. */
function postponed(errand: Errand, retryAtMs: number, nowMs: number): ReturnType<typeof putBack> {
  return putBack(errand, delayUntil(retryAtMs, nowMs), { postponed: (errand.request.postponed ?? 0) + 1 });
}

/** Seconds until an instant, as far as SQS can wait. */
export function delayUntil(atMs: number, nowMs: number): number {
  return Math.max(1, Math.min(LONGEST_DELAY_SECONDS, Math.ceil((atMs - nowMs) / 1000)));
}

/** Tried, and refused in a way that may pass: waits twice as long each time. */
function declined(errand: Errand): ReturnType<typeof putBack> {
  const before = errand.request.declined ?? 0;
  const delaySeconds = Math.min(LONGEST_DELAY_SECONDS, DECLINED_SECONDS * 2 ** before);
  return putBack(errand, delaySeconds, { declined: before + 1 });
}
