import { randomUUID } from 'node:crypto';
import pMap from 'p-map';
import { chunks } from '../chunks.ts';
import { type Outcome, writeBatch } from '../hubspot/batch-write.ts';
import { BATCH, type HubSpotObjects, type HubSpotRecord } from '../hubspot/objects.ts';
import type { Errand } from './requests.ts';
import type { About, Ending, Run } from './run.ts';

/** Batches under way at once: at 0.5 s an answer this is more than the budget of one token allows. */
const BATCHES_AT_ONCE = 8;
/** A write that was overtaken has been answered, as the one that overtook it soon will be: HubSpot then shows which came last. */
const OVERTAKEN_SECONDS = 5;
/** A request without an answer lands within 15 minutes or never. */
const UNANSWERED_SECONDS = 900;

/** A record as it stands, with every errand about it. */
export interface Candidate<Head> {
  readonly id: string;
  readonly head: Head;
  readonly errands: readonly Errand[];
}

/** A kind of record that shows something of ours: what it shows, and what follows when HubSpot took it, or has no such record. */
export interface Kind<Head> {
  readonly hubSpot: HubSpotObjects;
  about(id: string): About;
  /** Whether HubSpot confirmed all that is to be shown. */
  isConfirmed(head: Head): boolean;
  /** The property by which HubSpot tells which of our writes it shows. */
  readonly telling: string;
  isShown(head: Head, properties: HubSpotRecord['properties']): boolean;
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
  /** @returns false when something newer is to be shown by now */
  confirm(id: string, sent: Head): Promise<boolean>;
  noteDeletion(id: string): Promise<void>;
  noteMerge(id: string, livingId: string): Promise<void>;
}

/** Brings to HubSpot what it does not show yet, confirms what it took, and ends all errands. */
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

/** Those for which HubSpot does not show what it should. What is forced is read back first. */
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
  for (const candidate of settled) close(candidate, ending, kind, run);
  const differing = candidates.filter((candidate) => !isForced(candidate) && !isSettled(candidate));
  for (const batch of chunks(candidates.filter(isForced), BATCH))
    differing.push(...(await readBack(batch, kind, run)));
  return differing;
}

/** Confirms what HubSpot shows. @returns those of which it shows something else */
async function readBack<Head>(
  batch: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<Candidate<Head>[]> {
  try {
    const ids = batch.map(({ id }) => id);
    const found = await kind.hubSpot.read(ids, [kind.telling]);
    const records = new Map(found.map((record) => [record.id, record]));
    const isShown = ({ id, head }: Candidate<Head>) => {
      const record = records.get(id);
      return record !== undefined && kind.isShown(head, record.properties);
    };
    await settleAll(batch.filter(isShown), new Map(ids.map((id) => [id, { kind: 'written' }])), kind, run);
    return batch.filter((candidate) => !isShown(candidate));
  } catch (error) {
    const ending = run.endingOf(error);
    for (const candidate of batch) close(candidate, ending, kind, run);
    return [];
  }
}

/** Sends one batch and confirms what HubSpot took. */
async function write<Head>(
  candidates: readonly Candidate<Head>[],
  kind: Kind<Head>,
  run: Run,
): Promise<void> {
  let open = candidates;
  try {
    open = await refreshed(candidates, kind, run);
    const inputs = open.map(({ id, head }) => ({
      id,
      properties: kind.valuesOf(head),
      objectWriteTraceId: randomUUID(),
    }));
    if (inputs.length > 0)
      await settleAll(open, await writeBatch(kind.hubSpot, inputs, run.clock), kind, run);
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
  const isNeedless = (each: Candidate<Head>) => kind.isConfirmed(each.head) && !isForced(each);
  await kind.tell(now.filter(isNeedless).map(({ head }) => head));
  return now.flatMap((candidate) => {
    const fate = kind.fateOf(candidate.id, candidate.head);
    if (fate === 'merged') close(candidate, { kind: 'later', retryAtMs: run.clock() }, kind, run);
    else if (fate === 'gone' || isNeedless(candidate)) close(candidate, { kind: 'done' }, kind, run);
    else return [candidate];
    return [];
  });
}

async function settleAll<Head>(
  batch: readonly Candidate<Head>[],
  outcomes: ReadonlyMap<string, Outcome>,
  kind: Kind<Head>,
  run: Run,
): Promise<void> {
  const outcomeOf = ({ id }: Candidate<Head>): Outcome => outcomes.get(id) ?? { kind: 'unknown' };
  const written = batch.filter((candidate) => outcomeOf(candidate).kind === 'written');
  await kind.tell(written.map(({ head }) => head));
  const settleOne = async (candidate: Candidate<Head>) => {
    const ending = await settle(candidate, outcomeOf(candidate), kind, run).catch((error: unknown) =>
      run.endingOf(error),
    );
    close(candidate, ending, kind, run);
  };
  await pMap(batch, settleOne, { concurrency: BATCHES_AT_ONCE });
}

async function settle<Head>(
  { id, head }: Candidate<Head>,
  outcome: Outcome,
  kind: Kind<Head>,
  { clock }: Run,
): Promise<Ending> {
  if (outcome.kind === 'written') {
    const isStillToBeShown = await kind.confirm(id, head);
    return isStillToBeShown ? { kind: 'done' } : { kind: 'doubtful', afterSeconds: OVERTAKEN_SECONDS };
  }
  if (outcome.kind === 'gone') {
    await kind.noteDeletion(id);
    return { kind: 'done' };
  }
  if (outcome.kind === 'merged') {
    await kind.noteMerge(id, outcome.livingId);
    return { kind: 'later', retryAtMs: clock() }; // Comes back under its living id.
  }
  return outcome.kind === 'unknown' ? { kind: 'doubtful', afterSeconds: UNANSWERED_SECONDS } : outcome;
}

/** An errand that was delivered before leaves a doubt: the earlier try may have sent something that still lands. */
function close<Head>({ errands, id }: Candidate<Head>, ending: Ending, kind: Kind<Head>, { end }: Run): void {
  for (const errand of errands) {
    const isDoubtful = ending.kind === 'done' && errand.isRedelivered;
    end(
      [errand],
      isDoubtful ? { kind: 'doubtful', afterSeconds: UNANSWERED_SECONDS } : ending,
      kind.about(id),
    );
  }
}
