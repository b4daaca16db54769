import { randomUUID } from 'node:crypto';
import type { Logger } from '@aws-lambda-powertools/logger';
import pMap from 'p-map';
import { chunks } from '../chunks.ts';
import { type Outcome, outcomeOf, writeBatch } from '../hubspot/batch-write.ts';
import { BATCH } from '../hubspot/contacts.ts';
import { outputValues, WRITE_ID_PROPERTY } from '../hubspot/outputs.ts';
import type { Standing } from '../store/contact-table.ts';
import { contactIdOf, contactKey } from '../store/keys.ts';
import {
  type Each,
  type HydrationParts,
  hydrate,
  isFailure,
  normalAddress,
  resolveEmails,
} from './hydrate.ts';
import type { Errand } from './requests.ts';

/** Batches under way at once: at 0.5 s an answer this is more than the budget of one token allows. */
const BATCHES_AT_ONCE = 8;
/** Batches read at once. */
const READINGS_AT_ONCE = 4;
/** Merges followed in one go. */
const ALIAS_HOPS = 10;
/** A write that was overtaken has been answered, as the one that overtook it soon will be: HubSpot then shows which came last. */
const OVERTAKEN_SECONDS = 5;
/** A request without an answer lands within 15 minutes or never. */
const UNANSWERED_SECONDS = 900;
/** A reading without an answer has changed nothing; HubSpot's bad moments last longer than this. */
const READING_RETRY_MS = 60_000;

export interface BringParts extends HydrationParts {
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** How an errand ended. */
export type Ending =
  /** HubSpot shows what the table says, or never will have to. */
  | { readonly kind: 'done' }
  /** HubSpot took the write, or may have, but something newer or older may yet stand there: read back then. */
  | { readonly kind: 'doubtful'; readonly afterSeconds: number }
  | Extract<Outcome, { kind: 'refused' | 'later' }>
  /** Our own fault: the queue tries again. */
  | { readonly kind: 'failed' };

/** One errand, and the contact it was about in the end: '' for an address that nobody is known by. */
export interface Ended {
  readonly errand: Errand;
  readonly ending: Ending;
  readonly contactId: string;
}

/** A contact as it stands, with every errand about it. */
interface Candidate extends Standing {
  readonly errands: readonly Errand[];
}

/** Errands by contact id, or by address. */
type ErrandsBy = ReadonlyMap<string, readonly Errand[]>;

/** What every step is given: it ends errands, each once, or hands them on. */
interface Run extends BringParts {
  /** Epoch milliseconds at which this run began. */
  readonly startedAtMs: number;
  readonly end: (errands: readonly Errand[], ending: Ending, contactId?: string) => void;
}

/**
 * Brings contacts to HubSpot: finds out whose an address is, reads what is not known, writes what differs, and confirms what
 * HubSpot took. Never throws: every errand ends in one of the {@link Ending}s.
 */
export async function bring(errands: readonly Errand[], parts: BringParts): Promise<Ended[]> {
  const ended: Ended[] = [];
  const run: Run = {
    ...parts,
    startedAtMs: parts.clock(),
    end(those, ending, contactId) {
      for (const errand of those)
        ended.push({ errand, ending, contactId: contactId ?? errand.request.contactId ?? '' });
    },
  };
  const { known, unread } = await findHeads(await findWhom(errands, run), run);
  const read = await inBatches(unread, (ids) => hydrate(ids, parts), run);
  const candidates = united([
    ...known,
    ...read.map(([those, standing]) => ({ ...standing, errands: those })),
  ]);
  const differing = await compare(candidates, run);
  await pMap(chunks(differing, BATCH), (batch) => write(batch, run), { concurrency: BATCHES_AT_ONCE });
  return ended;
}

/** Whom the errands are about. */
async function findWhom(errands: readonly Errand[], run: Run): Promise<ErrandsBy> {
  const byAddress = new Map<string, Errand[]>();
  const byContact = new Map<string, readonly Errand[]>();
  for (const errand of errands) {
    const { contactId, email = '' } = errand.request;
    if (contactId !== undefined) add(byContact, contactId, [errand]);
    else add(byAddress, normalAddress(email), [errand]);
  }
  for (const [those, id] of await inBatches(byAddress, (addresses) => resolveEmails(addresses, run), run))
    add(byContact, id, those);
  return byContact;
}

function add(errandsBy: Map<string, readonly Errand[]>, key: string, errands: readonly Errand[]): void {
  errandsBy.set(key, [...(errandsBy.get(key) ?? []), ...errands]);
}

/** Runs a step for a hundred keys at a time. Where it fails or finds nothing, the errands end. */
async function inBatches<T>(
  errandsBy: ErrandsBy,
  step: (keys: readonly string[]) => Promise<Each<T>>,
  run: Run,
): Promise<[errands: readonly Errand[], found: T][]> {
  const all: [readonly Errand[], T][] = [];
  const runBatch = async (batch: readonly (readonly [string, readonly Errand[]])[]) => {
    try {
      const results = await step(batch.map(([key]) => key));
      for (const [key, errands] of batch) {
        const result = results.get(key);
        if (isFailure(result)) run.end(errands, endingOf(result.failed, run));
        else if (result === undefined) run.end(errands, { kind: 'done' });
        else all.push([errands, result]);
      }
    } catch (error) {
      const ending = endingOf(error, run);
      for (const [, errands] of batch) run.end(errands, ending);
    }
  };
  await pMap(chunks([...errandsBy], BATCH), runBatch, { concurrency: READINGS_AT_ONCE });
  return all;
}

/** What a failed reading means: it has changed nothing in HubSpot, so trying again does no harm. */
function endingOf(error: unknown, { clock, logger }: Run): Ending {
  logger.error('not brought to HubSpot', { error: error instanceof Error ? error : undefined });
  try {
    const outcome = outcomeOf(error, clock());
    return outcome.kind === 'unknown' ? { kind: 'later', retryAtMs: clock() + READING_RETRY_MS } : outcome;
  } catch {
    return { kind: 'failed' };
  }
}

/** The heads of the living contacts; apart from them those whose properties HubSpot has yet to tell. */
async function findHeads(
  errandsBy: ErrandsBy,
  run: Run,
): Promise<{ readonly known: readonly Candidate[]; readonly unread: ErrandsBy }> {
  const { contacts, portalId, end } = run;
  const known: Candidate[] = [];
  const unread = new Map<string, readonly Errand[]>();
  let wanted = [...errandsBy].map(([id, errands]) => ({ key: contactKey(portalId, id), errands }));
  try {
    for (let hop = 0; wanted.length > 0 && hop <= ALIAS_HOPS; hop++) {
      const heads = await contacts.heads(wanted.map(({ key }) => key));
      const merged: typeof wanted = [];
      for (const { key, errands } of wanted) {
        const head = heads.get(key);
        const contactId = contactIdOf(key, portalId);
        if (head?.alias !== undefined) merged.push({ key: head.alias, errands });
        else if (contactId === undefined || (head !== undefined && head.life !== 'living'))
          end(errands, { kind: 'done' }); // Erased or deleted: nothing is to be written.
        else if (head?.readAtMs === undefined) add(unread, contactId, errands);
        else known.push({ contactId, head, errands });
      }
      wanted = merged;
    }
  } catch (error) {
    const ending = endingOf(error, run);
    for (const { errands } of wanted) end(errands, ending);
    wanted = [];
  }
  for (const { errands } of wanted) end(errands, { kind: 'failed' }); // A chain of merges without an end.
  return { known, unread };
}

/** Every contact once, as it stood last: errands under old ids and addresses may be about the same. */
function united(candidates: readonly Candidate[]): Candidate[] {
  const byId = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const errands = [...(byId.get(candidate.contactId)?.errands ?? []), ...candidate.errands];
    byId.set(candidate.contactId, { ...candidate, errands });
  }
  return [...byId.values()];
}

function isForced({ errands }: Candidate): boolean {
  return errands.some(({ force }) => force);
}

/** Those for which HubSpot does not show what it should. What is forced is read back first. */
async function compare(candidates: readonly Candidate[], run: Run): Promise<Candidate[]> {
  const differing: Candidate[] = [];
  for (const candidate of candidates) {
    const { writeId, confirmedWriteId } = candidate.head;
    if (isForced(candidate)) continue;
    if (writeId === confirmedWriteId) close(candidate, { kind: 'done' }, run);
    else differing.push(candidate);
  }
  for (const batch of chunks(candidates.filter(isForced), BATCH)) {
    try {
      const ids = batch.map(({ contactId }) => contactId);
      const shown = await run.hubSpot.read(ids, [WRITE_ID_PROPERTY]);
      const writeIds = new Map(shown.map(({ id, properties }) => [id, properties[WRITE_ID_PROPERTY]]));
      const isShown = ({ contactId, head }: Candidate) => writeIds.get(contactId) === head.writeId;
      differing.push(...batch.filter((candidate) => !isShown(candidate)));
      await settleAll(batch.filter(isShown), new Map(ids.map((id) => [id, { kind: 'written' }])), run);
    } catch (error) {
      const ending = endingOf(error, run);
      for (const candidate of batch) close(candidate, ending, run);
    }
  }
  return differing;
}

/** Sends one batch and confirms what HubSpot took. */
async function write(candidates: readonly Candidate[], run: Run): Promise<void> {
  try {
    const batch = await refreshed(candidates, run);
    const inputs = batch.flatMap(({ contactId: id, head }) => {
      const { shown, writeId, shownAtMs, lastSignalAtMs } = head;
      if (shown === undefined || writeId === undefined) return [];
      const properties = outputValues(shown, writeId, shownAtMs, lastSignalAtMs);
      return [{ id, properties, objectWriteTraceId: randomUUID() }];
    });
    if (inputs.length > 0) await settleAll(batch, await writeBatch(run.hubSpot, inputs, run.clock), run);
  } catch (error) {
    // What was sent may stand in HubSpot by now: the queue brings it again, and what it brings again is read back.
    run.logger.error('not brought to HubSpot', { error: error instanceof Error ? error : undefined });
    for (const candidate of candidates) close(candidate, { kind: 'failed' }, run);
  }
}

/**
 * The batch as the table has it now: since the first reading contacts were hydrated, and other batches waited for their calls.
 * Whoever needs no write any more ends here.
 */
async function refreshed(candidates: readonly Candidate[], run: Run): Promise<Candidate[]> {
  const keyOf = ({ contactId }: Candidate) => contactKey(run.portalId, contactId);
  const heads = await run.contacts.heads(candidates.map(keyOf));
  return candidates.flatMap((candidate) => {
    const head = heads.get(keyOf(candidate)) ?? candidate.head;
    const isShown = head.writeId === head.confirmedWriteId && !isForced(candidate);
    if (head.alias !== undefined) close(candidate, { kind: 'later', retryAtMs: run.clock() }, run);
    else if (isShown || head.life !== 'living') close(candidate, { kind: 'done' }, run);
    else return [{ ...candidate, head }];
    return [];
  });
}

async function settleAll(
  batch: readonly Candidate[],
  outcomes: ReadonlyMap<string, Outcome>,
  run: Run,
): Promise<void> {
  const settleOne = async (candidate: Candidate) => {
    const outcome = outcomes.get(candidate.contactId) ?? { kind: 'unknown' };
    const ending = await settle(candidate, outcome, run).catch((error: unknown) => endingOf(error, run));
    close(candidate, ending, run);
  };
  await pMap(batch, settleOne, { concurrency: BATCHES_AT_ONCE });
}

async function settle({ contactId, head }: Candidate, outcome: Outcome, run: Run): Promise<Ending> {
  const { contacts, portalId, clock } = run;
  const key = contactKey(portalId, contactId);
  if (outcome.kind === 'written') {
    const isStillToBeShown = await contacts.confirm(key, head);
    return isStillToBeShown ? { kind: 'done' } : { kind: 'doubtful', afterSeconds: OVERTAKEN_SECONDS };
  }
  if (outcome.kind === 'gone') {
    await contacts.mark(key, 'deleted', run.startedAtMs); // A restore since then wins.
    return { kind: 'done' };
  }
  if (outcome.kind === 'merged') {
    await contacts.unite(key, contactKey(portalId, outcome.livingId));
    return { kind: 'later', retryAtMs: clock() }; // Comes back under its living id.
  }
  return outcome.kind === 'unknown' ? { kind: 'doubtful', afterSeconds: UNANSWERED_SECONDS } : outcome;
}

/** An errand that was delivered before leaves a doubt: the earlier try may have sent something that still lands. */
function close({ errands, contactId }: Candidate, ending: Ending, { end }: Run): void {
  for (const errand of errands) {
    const isDoubtful = ending.kind === 'done' && errand.isRedelivered;
    end([errand], isDoubtful ? { kind: 'doubtful', afterSeconds: UNANSWERED_SECONDS } : ending, contactId);
  }
}
