import type { Logger } from '@aws-lambda-powertools/logger';
import { type Outcome, outcomeOf } from '../hubspot/batch-write.ts';
import type { CreditParts } from '../hydration/deal-credit.ts';
import { type Each, isFailure } from '../hydration/each.ts';
import type { Hydration, HydrationParts } from '../hydration/hydrate.ts';
import type { Measured } from '../measured.ts';
import type { WriteRequest } from '../store/queues.ts';
import type { Outputs } from './outputs.ts';
import type { Errand, ErrandsBy } from './requests.ts';

/** A reading without an answer has changed nothing; HubSpot's bad moments last longer than this. */
const READING_RETRY_MS = 60_000;

/** How often HubSpot may decline a record, within about an hour, before it counts as refused. */
const MOST_DECLINES = 8;

export interface BringParts extends HydrationParts, CreditParts, Pick<Measured, 'count' | 'observe'> {
  /** Which of our properties HubSpot lets us write. */
  readonly outputs: Outputs;
  /** A contact that is written more often than this in an hour is in a loop. */
  readonly mostWritesPerHour: number;
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
export interface Run extends BringParts, Hydration {
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
