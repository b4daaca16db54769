import { randomUUID } from 'node:crypto';
import type { Logger } from '@aws-lambda-powertools/logger';
import { type Outcome, outcomeOf, writeBatch } from '../hubspot/batch-write.ts';
import { BATCH } from '../hubspot/contacts.ts';
import { outputValues, WRITE_ID_PROPERTY } from '../hubspot/outputs.ts';
import { chunks } from '../chunks.ts';
import pMap from 'p-map';
import type { Standing } from '../store/contact-table.ts';
import { contactIdOf, contactKey } from '../store/keys.ts';
import { type HydrationParts, hydrate, resolveEmails } from './hydrate.ts';
import type { Errand } from './requests.ts';

/** Batches under way at once: at 0.5 s an answer this is more than the budget of one token allows. */
const BATCHES_AT_ONCE = 8;
/** Batches read at once. */
const READINGS_AT_ONCE = 4;
/** Merges followed in one go. */
const ALIAS_HOPS = 10;

export interface BringParts extends HydrationParts {
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** How an errand ended. */
export type Ending =
  /** HubSpot shows what the table says, or never will have to. */
  | { readonly kind: 'done' }
  /** HubSpot took the write, or may have, but something newer or older may yet stand there: read back later. */
  | { readonly kind: 'doubtful' }
  | Extract<Outcome, { kind: 'refused' | 'later' }>
  /** Our own fault: the queue tries again. */
  | { readonly kind: 'failed' };

/** One errand, and the contact it was about in the end. */
export interface Ended {
  readonly errand: Errand;
  readonly ending: Ending;
  readonly contactId: string;
}

/**
 * Brings contacts to HubSpot: finds out whose an address is, reads what is not known, writes what differs, and confirms what
 * HubSpot took. Never throws: every errand ends in one of the {@link Ending}s.
 */
export async function bring(errands: readonly Errand[], parts: BringParts): Promise<Ended[]> {
  const byEmail = errands.filter(({ request }) => request.contactId === undefined);
  const byId = errands.filter(({ request }) => request.contactId !== undefined);
  const resolved = await attempt(byEmail, parts, async () => {
    const found = await resolveEmails(
      byEmail.map(({ request }) => request.email ?? ''),
      parts,
    );
    return found.map((contactId) => blank(contactId, parts.portalId));
  });
  const endings = await bringContacts([...byId, ...resolved.result], parts);
  return [...resolved.ended, ...endings];
}

function blank(contactId: string, portalId: string): Errand {
  return { request: { portalId, contactId }, force: false, isRedelivered: false, messageIds: [] };
}

/** Runs a step for several errands; when it fails, all of them end by the reason. */
async function attempt<T>(
  errands: readonly Errand[],
  { clock, logger }: BringParts,
  step: () => Promise<T[]>,
): Promise<{ result: T[]; ended: Ended[] }> {
  const end = (ending: Ending) =>
    errands.map((errand) => ({ errand, ending, contactId: errand.request.contactId ?? '' }));
  if (errands.length === 0) return { result: [], ended: [] };
  try {
    const result = await step();
    return { result, ended: end({ kind: 'done' }) };
  } catch (error) {
    return { result: [], ended: end(endingOf(error, clock(), logger)) };
  }
}

function endingOf(error: unknown, nowMs: number, logger: BringParts['logger']): Ending {
  logger.error('not brought to HubSpot', { error: error instanceof Error ? error : undefined });
  try {
    const outcome = outcomeOf(error, nowMs);
    // A reading with an unknown outcome has changed nothing.
    return outcome.kind === 'later' ? outcome : { kind: 'failed' };
  } catch {
    return { kind: 'failed' };
  }
}

interface Candidate extends Standing {
  readonly errand: Errand;
}

async function bringContacts(errands: readonly Errand[], parts: BringParts): Promise<Ended[]> {
  const ended: Ended[] = [];
  const candidates: Candidate[] = [];
  await pMap(
    chunks(errands, BATCH),
    async (batch) => {
      try {
        candidates.push(...(await stand(batch, parts)));
      } catch (error) {
        const ending = endingOf(error, parts.clock(), parts.logger);
        ended.push(...batch.map((errand) => ({ errand, ending, contactId: errand.request.contactId ?? '' })));
      }
    },
    { concurrency: READINGS_AT_ONCE },
  );
  const seen = new Set([...ended.map(({ errand }) => errand), ...candidates.map(({ errand }) => errand)]);
  // Erased, deleted, or not in HubSpot: nothing is to be written.
  const nothing = errands.filter((errand) => !seen.has(errand));
  ended.push(...nothing.map((errand) => ({ errand, ending: { kind: 'done' } as const, contactId: '' })));
  const { differing, same } = await compare(candidates, parts, ended);
  ended.push(...same.map((candidate) => closed(candidate, { kind: 'done' })));
  const written = await pMap(chunks(differing, BATCH), (batch) => write(batch, parts), {
    concurrency: BATCHES_AT_ONCE,
  });
  return [...ended, ...written.flat()];
}

/** The living contacts behind the errands, with properties known, each once. */
async function stand(errands: readonly Errand[], parts: BringParts): Promise<Candidate[]> {
  const standing = new Map<string, Candidate>();
  const unread = new Map<string, Errand>();
  let wanted = errands.map((errand) => ({
    errand,
    key: contactKey(parts.portalId, errand.request.contactId ?? ''),
  }));
  for (let hop = 0; wanted.length > 0 && hop <= ALIAS_HOPS; hop++) {
    const heads = await parts.contacts.heads(wanted.map(({ key }) => key));
    const merged: typeof wanted = [];
    for (const { errand, key } of wanted) {
      const head = heads.get(key);
      const contactId = contactIdOf(key, parts.portalId);
      if (head?.alias !== undefined) merged.push({ errand, key: head.alias });
      else if (contactId === undefined || (head !== undefined && head.life !== 'living')) continue;
      else if (head?.readAtMs === undefined) unread.set(contactId, errand);
      else standing.set(contactId, { contactId, head, errand });
    }
    wanted = merged;
  }
  for (const { contactId, head } of await hydrate([...unread.keys()], parts)) {
    const errand =
      unread.get(contactId) ??
      [...unread.values()].find(({ request }) => head.oldIds.includes(request.contactId ?? ''));
    if (errand !== undefined) standing.set(contactId, { contactId, head, errand });
  }
  return [...standing.values()];
}

/** Parts what HubSpot does not show yet from what it does. What is forced is read back first. */
async function compare(
  candidates: readonly Candidate[],
  parts: BringParts,
  ended: Ended[],
): Promise<{ differing: Candidate[]; same: Candidate[] }> {
  const differing: Candidate[] = [];
  const same: Candidate[] = [];
  for (const candidate of candidates) {
    if (candidate.errand.force) continue;
    (candidate.head.writeId === candidate.head.confirmedWriteId ? same : differing).push(candidate);
  }
  for (const batch of chunks(
    candidates.filter(({ errand }) => errand.force),
    BATCH,
  )) {
    try {
      const shown = await parts.hubSpot.read(
        batch.map(({ contactId }) => contactId),
        [WRITE_ID_PROPERTY],
      );
      const writeIds = new Map(shown.map(({ id, properties }) => [id, properties[WRITE_ID_PROPERTY]]));
      for (const candidate of batch) {
        const { contactId, head } = candidate;
        const isShown = head.writeId !== undefined && writeIds.get(contactId) === head.writeId;
        const isConfirmed =
          isShown &&
          (await parts.contacts.confirm(contactKey(parts.portalId, contactId), head.writeId ?? ''));
        (isConfirmed ? same : differing).push(candidate);
      }
    } catch (error) {
      const ending = endingOf(error, parts.clock(), parts.logger);
      ended.push(...batch.map((candidate) => closed(candidate, ending)));
    }
  }
  return { differing, same };
}

/** Sends one batch and confirms what HubSpot took. */
async function write(batch: readonly Candidate[], parts: BringParts): Promise<Ended[]> {
  try {
    const inputs = batch.flatMap(({ contactId: id, head }) => {
      const { shown, writeId, shownAtMs, lastSignalAtMs } = head;
      if (shown === undefined || writeId === undefined) return [];
      return [
        {
          id,
          properties: outputValues(shown, writeId, shownAtMs, lastSignalAtMs),
          objectWriteTraceId: randomUUID(),
        },
      ];
    });
    const outcomes = await writeBatch(parts.hubSpot, inputs, parts.clock);
    return await pMap(
      batch,
      async (candidate) =>
        closed(
          candidate,
          await settle(candidate, outcomes.get(candidate.contactId) ?? { kind: 'unknown' }, parts),
        ),
      { concurrency: BATCHES_AT_ONCE },
    );
  } catch (error) {
    // What was sent may stand in HubSpot by now.
    parts.logger.error('not confirmed', { error: error instanceof Error ? error : undefined });
    return batch.map((candidate) => ({ ...closed(candidate, { kind: 'done' }), ending: { kind: 'failed' } }));
  }
}

async function settle({ contactId, head }: Candidate, outcome: Outcome, parts: BringParts): Promise<Ending> {
  const { contacts, portalId, clock } = parts;
  const key = contactKey(portalId, contactId);
  if (outcome.kind === 'written') {
    const isStillToBeShown = await contacts.confirm(key, head.writeId ?? '');
    return isStillToBeShown ? { kind: 'done' } : { kind: 'doubtful' };
  }
  if (outcome.kind === 'gone') {
    await contacts.mark(key, 'deleted', clock());
    return { kind: 'done' };
  }
  if (outcome.kind === 'merged') {
    await contacts.unite(key, contactKey(portalId, outcome.livingId));
    return { kind: 'later', retryAtMs: clock() }; // Comes back under its living id.
  }
  return outcome.kind === 'unknown' ? { kind: 'doubtful' } : outcome;
}

/** An errand that was delivered before leaves a doubt: the earlier try may have sent something that still lands. */
function closed({ errand, contactId }: Candidate, ending: Ending): Ended {
  const isDone = ending.kind === 'done' && errand.isRedelivered;
  return { errand, contactId, ending: isDone ? { kind: 'doubtful' } : ending };
}
