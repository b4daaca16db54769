import type { Logger } from '@aws-lambda-powertools/logger';
import pMap from 'p-map';
import { chunks } from '../chunks.ts';
import { type Outcome, outcomeOf } from '../hubspot/batch-write.ts';
import { BATCH } from '../hubspot/objects.ts';
import type { HubSpotPortal } from '../hubspot/portal.ts';
import type { Measured } from '../measured.ts';
import type { Model } from '../scoring/model.ts';
import type { CompanyTable } from '../store/company-table.ts';
import type { ContactTable } from '../store/contact-table.ts';
import type { ResumeRequest, WriteRequest } from '../store/queues.ts';
import type { Outputs } from './outputs.ts';
import type { Errand, ErrandsBy } from './requests.ts';

/** Records worked on at once. */
const AT_ONCE = 16;
/** Batches read at once. */
const READINGS_AT_ONCE = 4;
/** A reading without an answer has changed nothing; HubSpot's bad moments last longer than this. */
const READING_RETRY_MS = 60_000;

/** How often HubSpot may decline a record, within about an hour, before it counts as refused. */
const MOST_DECLINES = 8;

export interface BringParts extends Pick<Measured, 'count' | 'observe'> {
  readonly clock: () => number;
  readonly model: Model;
  readonly portalId: string;
  readonly timeZone: string;
  readonly contacts: ContactTable;
  readonly companies: CompanyTable;
  readonly hubSpot: HubSpotPortal;
  readonly identityKey: { read(): Promise<{ key: string }> };
  /** Puts requests on the lane for what nobody waits for. */
  readonly background: (
    requests: readonly (WriteRequest | ResumeRequest)[],
    delaySeconds: number,
  ) => Promise<void>;
  /** Which of our properties HubSpot lets us write. */
  readonly outputs: Outputs;
  /** Custom unique property by which contacts are written; `''` = the record id. */
  readonly idProperty: string;
  /** A contact that is written more often than this in an hour is in a loop. */
  readonly mostWritesPerHour: number;
  /** Has the contacts of companies scored anew. */
  readonly ticks: (
    messages: readonly { readonly portalId: string; readonly companyId: string }[],
    delaySeconds: number,
  ) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** How an errand ended. */
export type Ending =
  /** HubSpot shows what the table says, or never will have to. */
  | { readonly kind: 'done' }
  /**
   * HubSpot took the write, or may have, but something newer or older may yet stand there: read back then. `isConfirmed`: it took this
   * one for certain, and only an earlier try may yet land.
   */
  | { readonly kind: 'doubtful'; readonly afterSeconds: number; readonly isConfirmed?: true }
  | Extract<Outcome, { kind: 'refused' | 'declined' | 'later' }>
  /** Our own fault: the queue tries again. */
  | { readonly kind: 'failed' };

/** The record an errand was about in the end. */
export type About = Pick<WriteRequest, 'contactId' | 'companyId' | 'dealId'>;

export interface Ended {
  readonly errand: Errand;
  readonly ending: Ending;
  /** Nothing for an address that nobody is known by. */
  readonly about: About;
}

/** What every step is given: it ends errands, each once, or hands them on. */
export interface Run extends BringParts {
  /** Epoch milliseconds at which this run began. */
  readonly startedAtMs: number;
  /** Somebody waits for it: a contact goes alone rather than later. */
  readonly isUrgent: boolean;
  /** @param about - the living record, where it is not the one the errand names */
  readonly end: (errands: readonly Errand[], ending: Ending, about?: About) => void;
  /** What a failed step means for those it was about; said once of each failure. */
  readonly endingOf: (failed: unknown) => Ending;
  /** The companies whose scores are rolled up anew because contacts of theirs were brought to HubSpot. */
  readonly told: Set<string>;
}

/** @returns what the steps are given, and what they ended */
export function startRun(
  parts: BringParts,
  isUrgent: boolean,
): { readonly run: Run; readonly ended: Ended[] } {
  const ended: Ended[] = [];
  const said = new Set<unknown>();
  const run: Run = {
    ...parts,
    startedAtMs: parts.clock(),
    isUrgent,
    told: new Set(),
    end(errands, ending, about) {
      for (const errand of errands)
        ended.push({ errand, ending: atLast(errand, ending), about: about ?? aboutOf(errand.request) });
    },
    endingOf(failed) {
      if (!said.has(failed))
        parts.logger.error('not brought to HubSpot', { error: failed instanceof Error ? failed : undefined });
      said.add(failed);
      return endingOf(failed, parts.clock());
    },
  };
  return { run, ended };
}

/** What HubSpot goes on declining it will never take. */
function atLast({ request }: Errand, ending: Ending): Ending {
  const isLast = ending.kind === 'declined' && (request.declined ?? 0) + 1 >= MOST_DECLINES;
  return isLast ? { ...ending, kind: 'refused' } : ending;
}

function aboutOf({ contactId, companyId, dealId }: WriteRequest): About {
  if (contactId !== undefined) return { contactId };
  if (companyId !== undefined) return { companyId };
  return dealId === undefined ? {} : { dealId };
}

/** What a failed reading means: it has changed nothing in HubSpot, so trying again does no harm. */
function endingOf(failed: unknown, nowMs: number): Ending {
  try {
    const outcome = outcomeOf(failed, nowMs);
    return outcome.kind === 'unknown' ? { kind: 'later', retryAtMs: nowMs + READING_RETRY_MS } : outcome;
  } catch {
    return { kind: 'failed' };
  }
}

/** Why one of several could not be done; the others were. */
export interface Failure {
  readonly failed: unknown;
}

/** What became of each of several: what was looked for, undefined where there is none, or a failure. */
export type Each<T> = ReadonlyMap<string, T | undefined | Failure>;

export function isFailure(result: unknown): result is Failure {
  return typeof result === 'object' && result !== null && 'failed' in result;
}

/** What was found, if anything was. @throws what the search failed with */
export function foundOrThrow<T>(result: T | undefined | Failure): T | undefined {
  if (isFailure(result)) throw result.failed;
  return result;
}

/** Does one after the other, some at once; the failure of one is its own. */
export async function each<T>(
  keys: readonly string[],
  act: (key: string) => Promise<T | undefined>,
): Promise<Map<string, T | undefined | Failure>> {
  const results = await pMap(
    keys,
    async (key) => [key, await act(key).catch((failed: unknown): Failure => ({ failed }))] as const,
    { concurrency: AT_ONCE },
  );
  return new Map(results);
}

/** Runs a step for a hundred keys at a time; where a step fails as a whole, it failed for each of its keys. */
export async function inBatches<T>(
  keys: readonly string[],
  step: (keys: readonly string[]) => Promise<Each<T>>,
): Promise<Map<string, T | undefined | Failure>> {
  const found = new Map<string, T | undefined | Failure>();
  await pMap(
    chunks(keys, BATCH),
    async (batch) => {
      try {
        const results = await step(batch);
        for (const key of batch) found.set(key, results.get(key));
      } catch (failed) {
        for (const key of batch) found.set(key, { failed });
      }
    },
    { concurrency: READINGS_AT_ONCE },
  );
  return found;
}

/** Looks for what errands need. Where that fails or finds nothing, they end. */
export async function search<T>(
  errandsBy: ErrandsBy,
  find: (keys: readonly string[]) => Promise<Each<T>>,
  run: Run,
): Promise<[errands: readonly Errand[], found: T][]> {
  const keys = [...errandsBy.keys()];
  if (keys.length === 0) return [];
  const results = await find(keys).catch(
    (failed: unknown): Each<T> => new Map(keys.map((key) => [key, { failed }])),
  );
  return [...errandsBy].flatMap(([key, errands]): [readonly Errand[], T][] => {
    const result = results.get(key);
    if (isFailure(result)) run.end(errands, run.endingOf(result.failed));
    else if (result === undefined) run.end(errands, { kind: 'done' });
    else return [[errands, result]];
    return [];
  });
}
