import pMap from 'p-map';
import { chunks } from '../chunks.ts';
import type { Outcome } from '../hubspot/batch-write.ts';
import { BATCH, type HubSpotObjects, type HubSpotRecord } from '../hubspot/objects.ts';
import { differingOutputs, OUTPUT_NAMES, type OutputProperties } from '../hubspot/outputs.ts';
import { isFailure } from '../hydration/each.ts';
import { readRecords } from '../hydration/reading.ts';
import type { Writes } from '../store/rows.ts';
import { type Errand, oldest } from './requests.ts';
import type { About, Ending, Run } from './run.ts';
import { type Partly, send } from './send.ts';

/** Batches under way at once: at 0.5 s an answer this is twice what the budget of one token allows. */
const BATCHES_AT_ONCE = 16;
/** A write that was overtaken has been answered, as the one that overtook it soon will be: HubSpot then shows which came last. */
const OVERTAKEN_SECONDS = 5;
/** A request without an answer lands within 15 minutes or never. */
const UNANSWERED_SECONDS = 900;
/** The hour by which the writes of a contact are counted. */
const HOUR_MS = 3_600_000;

/** A record as it stands, with every errand about it. */
export interface Candidate<Head> {
  readonly id: string;
  readonly head: Head;
  readonly errands: readonly Errand[];
}

/** A kind of record that shows something of ours: what it shows, and what follows when HubSpot took it, or has no such record. */
export interface Kind<Head> {
  readonly hubSpot: HubSpotObjects;
  readonly type: keyof OutputProperties;
  about(id: string): About;
  /** Whether HubSpot confirmed all that is to be shown. */
  isConfirmed(head: Head): boolean;
  /** The property by which HubSpot tells which of our writes it shows. */
  readonly telling: string;
  /** What is sent: text, `''` to clear. */
  valuesOf(head: Head): Readonly<Record<string, string>>;
  /** The heads as they are now, by id; ids without one are left out. */
  heads(ids: readonly string[]): Promise<ReadonlyMap<string, Head>>;
  /** What became of the record, by its head. */
  fateOf(id: string, head: Head): 'lives' | 'merged' | 'gone';
  /**
   * Told of those that need no write, and of those that were written before they are confirmed: a crash in between repeats it. Those
   * that HubSpot refuses are told of at the end of the run, whichever step it refused.
   */
  tell(heads: readonly Head[]): Promise<void>;
  /** How often it was written this hour; undefined where that is not counted. */
  writesOf(head: Head): Writes | undefined;
  /**
   * @param writes - the count with this write; undefined where it was shown already
   * @returns false when something newer is to be shown by now
   */
  confirm(id: string, sent: Head, writes: Writes | undefined): Promise<boolean>;
  /** Counts a write that was overtaken. */
  countWrite(id: string, writes: Writes): Promise<void>;
  noteDeletion(id: string): Promise<void>;
  noteMerge(id: string, livingId: string): Promise<void>;
}

/**
 * Brings to HubSpot what it does not show yet, confirms what it took, and ends all errands. Its steps are those by which HubSpot comes to
 * show what the table says, numbered as in docs/architecture.md.
 */
export async function bringDiffering<Head>(
  candidates: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<void> {
  const differing = await compare(united(candidates), kind, run);
  await pMap(chunks(differing, BATCH), (batch) => write(batch, kind, run), { concurrency: BATCHES_AT_ONCE });
}

/** Every record once, as it stood last: errands under old ids and addresses may be about the same. */
function united<Head>(candidates: readonly Candidate<Head>[]): Candidate<Head>[] {
  const byId = new Map<string, Candidate<Head>>();
  for (const candidate of candidates) {
    const errands = [...(byId.get(candidate.id)?.errands ?? []), ...candidate.errands];
    byId.set(candidate.id, { ...candidate, errands });
  }
  return [...byId.values()];
}

function isForced({ errands }: Candidate<unknown>): boolean {
  return errands.some(({ force }) => force);
}

/** Those for which HubSpot does not show what it should (convergence, step 2). What is forced is read back first (step 8). */
async function compare<Head>(
  candidates: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<Candidate<Head>[]> {
  const isSettled = (candidate: Candidate<Head>) => !isForced(candidate) && kind.isConfirmed(candidate.head);
  const settled = candidates.filter(isSettled);
  const ending = await kind.tell(settled.map(({ head }) => head)).then(
    (): Ending => ({ kind: 'done' }),
    (error: unknown) => run.endingOf(error),
  );
  countSuppressed(settled, kind, run);
  for (const candidate of settled) close(candidate, ending, kind, run);
  const differing = candidates.filter((candidate) => !isForced(candidate) && !isSettled(candidate));
  for (const batch of chunks(candidates.filter(isForced), BATCH))
    differing.push(...(await readBack(batch, kind, run)));
  return differing;
}

/** Whether HubSpot shows all that it is to: that our write came last says nothing of what people write over it. What cannot be written is passed over. */
function isShown<Head>(
  { head }: Candidate<Head>,
  properties: HubSpotRecord['properties'],
  kind: Kind<Head>,
  { outputs }: Run,
): boolean {
  const values = kind.valuesOf(head);
  const withheld = outputs.withheld(kind.type, values);
  return kind.telling in values && differingOutputs(values, properties).every((name) => withheld.has(name));
}

/** Step 8: confirms what HubSpot shows. @returns those of which it shows something else */
async function readBack<Head>(
  batch: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<Candidate<Head>[]> {
  try {
    const ids = batch.map(({ id }) => id);
    const records = await readRecords(kind.hubSpot, ids, OUTPUT_NAMES[kind.type]);
    // What says which write it was may be an older one, where it is not written any more.
    const isTold = run.outputs.withheld(kind.type, { [kind.telling]: '' }).size === 0;
    const told = batch.flatMap((candidate) => {
      const record = records.get(candidate.id);
      const isThere = record !== undefined && !isFailure(record) && record.id === candidate.id;
      return isThere && isTold ? [{ candidate, properties: record.properties }] : [];
    });
    const shown = told
      .filter(({ candidate, properties }) => isShown(candidate, properties, kind, run))
      .map(({ candidate }) => candidate);
    run.count('Drift', told.length - shown.length);
    countSuppressed(shown, kind, run);
    await settleAll(shown, new Map(ids.map((id) => [id, { kind: 'shown' }])), kind, run);
    return batch.filter((candidate) => {
      const record = records.get(candidate.id);
      // Not to know what HubSpot shows is no reason to write it once more.
      if (isFailure(record)) close(candidate, run.endingOf(record.failed), kind, run);
      return !isFailure(record) && !shown.includes(candidate);
    });
  } catch (error) {
    const ending = run.endingOf(error);
    for (const candidate of batch) close(candidate, ending, kind, run);
    return [];
  }
}

/** Steps 2 to 4: sends one batch and confirms what HubSpot took. */
async function write<Head>(
  candidates: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<void> {
  let open = candidates;
  try {
    open = await refreshed(candidates, kind, run);
    if (open.length > 0) await settleAll(open, await send(open, kind, run), kind, run);
  } catch (error) {
    // What was sent may stand in HubSpot by now: the queue brings it again, and what it brings again is read back.
    run.logger.error('not brought to HubSpot', { error: error instanceof Error ? error : undefined });
    for (const candidate of open) close(candidate, { kind: 'failed' }, kind, run);
  }
}

/**
 * The batch as the table has it now: since the first reading contacts were hydrated, and other batches waited for their calls.
 * Whoever needs no write any more ends here.
 */
async function refreshed<Head>(
  candidates: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<Candidate<Head>[]> {
  const heads = await kind.heads(candidates.map(({ id }) => id));
  const now = candidates.map((each) => ({ ...each, head: heads.get(each.id) ?? each.head }));
  const isNeedless = (each: Candidate<Head>) =>
    (kind.isConfirmed(each.head) && !isForced(each)) || Object.keys(kind.valuesOf(each.head)).length === 0;
  await kind.tell(now.filter(isNeedless).map(({ head }) => head));
  const before = new Map(candidates.map(({ id, head }) => [id, head]));
  return now.flatMap((candidate) => {
    // Somebody wrote it since it was read back: to write it again would say the same twice, to believe it unseen might be wrong.
    const isSettledSince = isConfirmedNow(candidate, before, kind);
    const fate = kind.fateOf(candidate.id, candidate.head);
    if (fate === 'merged') close(candidate, { kind: 'later', retryAtMs: run.clock() }, kind, run);
    else if (fate === 'gone' || isNeedless(candidate)) {
      if (fate === 'lives' && kind.isConfirmed(candidate.head)) countSuppressed([candidate], kind, run);
      close(candidate, { kind: 'done' }, kind, run);
    } else if (isSettledSince)
      close(candidate, { kind: 'doubtful', afterSeconds: OVERTAKEN_SECONDS }, kind, run);
    else if (isLooping(kind.writesOf(candidate.head), run)) holdBack(candidate, kind, run);
    else return [candidate];
    return [];
  });
}

function isConfirmedNow<Head>(
  { id, head }: Candidate<Head>,
  before: ReadonlyMap<string, Head>,
  kind: Kind<Head>,
): boolean {
  const known = before.get(id);
  return known !== undefined && !kind.isConfirmed(known) && kind.isConfirmed(head);
}

/** What HubSpot shows already needs no write; counted of contacts, as their writes are. */
function countSuppressed<Head>(
  those: readonly Candidate<Head>[],
  { type }: Kind<Head>,
  { count }: Run,
): void {
  if (type === 'contacts' && those.length > 0) count('WritesSuppressed', those.length);
}

/** What became of a write, or that there was none to make. */
type Settled = Outcome | Partly | { readonly kind: 'shown' };

async function settleAll<Head>(
  batch: readonly Candidate<Head>[],
  outcomes: ReadonlyMap<string, Settled>,
  kind: Kind<Head>,
  run: Run,
): Promise<void> {
  const outcomeOf = ({ id }: Candidate<Head>): Settled => outcomes.get(id) ?? { kind: 'unknown' };
  const isOneOf = (...kinds: Settled['kind'][]) =>
    batch.filter((candidate) => kinds.includes(outcomeOf(candidate).kind));
  const written = isOneOf('written', 'partly');
  if (kind.type === 'contacts') run.count('ContactsWritten', written.length);
  await kind.tell(isOneOf('written', 'partly', 'shown').map(({ head }) => head));
  const settleOne = async (candidate: Candidate<Head>) => {
    const ending = await settle(candidate, outcomeOf(candidate), kind, run).catch((error: unknown) =>
      run.endingOf(error),
    );
    close(candidate, ending, kind, run);
  };
  await pMap(batch, settleOne, { concurrency: BATCHES_AT_ONCE });
}

async function settle<Head>(
  candidate: Candidate<Head>,
  outcome: Settled,
  kind: Kind<Head>,
  run: Run,
): Promise<Ending> {
  const { id, head } = candidate;
  const { clock } = run;
  if (outcome.kind === 'partly') {
    // Not confirmed: whoever asks for the contact again, or for all of these, writes what was left out.
    await kind.countWrite(id, counted(kind.writesOf(head), clock()));
    return { kind: 'done' };
  }
  if (outcome.kind === 'written' || outcome.kind === 'shown') {
    const writes = outcome.kind === 'written' ? counted(kind.writesOf(head), clock()) : undefined;
    if (await kind.confirm(id, head, writes)) {
      observeAge(candidate, run);
      return { kind: 'done' }; // Step 4.
    }
    if (writes !== undefined) await kind.countWrite(id, writes);
    return { kind: 'doubtful', afterSeconds: OVERTAKEN_SECONDS }; // Step 5.
  }
  if (outcome.kind === 'gone') {
    await kind.noteDeletion(id);
    return { kind: 'done' };
  }
  if (outcome.kind === 'merged') {
    await kind.noteMerge(id, outcome.livingId);
    // Comes back under its living id, which may show what was sent: it is read back like any other that was overtaken.
    return { kind: 'doubtful', afterSeconds: OVERTAKEN_SECONDS };
  }
  // Step 6. What went astray is settled where records are written by another property than their id.
  if (outcome.kind === 'unknown' || outcome.kind === 'astray')
    return { kind: 'doubtful', afterSeconds: UNANSWERED_SECONDS };
  // HubSpot says that it defines the property as it should be, and refuses it all the same.
  if (outcome.kind === 'unwritable') {
    const { reason, correlationId } = outcome;
    return { kind: 'declined', reason, correlationId };
  }
  return outcome;
}

/** How long a user waited: from what happened until HubSpot shows a score that knows of it. */
function observeAge({ errands }: Candidate<unknown>, { clock, observe }: Run): void {
  const occurredAtMs = oldest(errands.map(({ request }) => request));
  if (occurredAtMs !== undefined) observe('AgeAtConfirmation', Math.max(0, clock() - occurredAtMs));
}

/** The count with one write more; an hour after its first write it begins anew. */
function counted(writes: Writes | undefined, nowMs: number): Writes {
  const isOver = writes === undefined || nowMs - writes.sinceMs >= HOUR_MS;
  return isOver ? { sinceMs: nowMs, count: 1 } : { ...writes, count: writes.count + 1 };
}

/** Written so often within an hour that something must be answering our own writes. */
function isLooping(writes: Writes | undefined, { mostWritesPerHour, clock }: Run): writes is Writes {
  return writes !== undefined && writes.count >= mostWritesPerHour && clock() - writes.sinceMs < HOUR_MS;
}

/** Breaks a loop: the contact comes back, as it stands then, when the hour is over. */
function holdBack<Head>(candidate: Candidate<Head>, kind: Kind<Head>, run: Run): void {
  const { sinceMs = run.clock() } = kind.writesOf(candidate.head) ?? {};
  run.count('LoopBreaker', 1);
  run.logger.warn('written too often within an hour: is something answering our own writes?', {
    ...kind.about(candidate.id),
    mostWritesPerHour: run.mostWritesPerHour,
  });
  close(candidate, { kind: 'later', retryAtMs: sinceMs + HOUR_MS }, kind, run);
}

/** Step 7: an errand that was delivered before leaves a doubt: the earlier try may have sent something that still lands. */
function close<Head>({ errands, id }: Candidate<Head>, ending: Ending, kind: Kind<Head>, { end }: Run): void {
  for (const errand of errands) {
    const isDoubtful = ending.kind === 'done' && errand.isRedelivered;
    end(
      [errand],
      isDoubtful ? { kind: 'doubtful', afterSeconds: UNANSWERED_SECONDS, isConfirmed: true } : ending,
      kind.about(id),
    );
  }
}
