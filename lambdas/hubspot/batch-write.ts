import { MisconfiguredError } from '../errors.ts';
import { HubSpotError } from './answer.ts';
import { BudgetExhaustedError } from './budget.ts';
import { inHalves } from './halves.ts';
import type { BatchAnswer, HubSpotObjects, WriteInput } from './objects.ts';

/** What became of one record of a write. */
export type Outcome =
  | { readonly kind: 'written' }
  /** Deleted, or never there. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'merged'; readonly livingId: string }
  /** HubSpot will never take it as it is. */
  | { readonly kind: 'refused'; readonly reason: string; readonly correlationId: string | undefined }
  /** Not tried, or surely not done; epoch milliseconds before which trying again is pointless. */
  | { readonly kind: 'later'; readonly retryAtMs: number }
  /** May have been done, may still be. */
  | { readonly kind: 'unknown' };

/** While an operator mends the token, and while the budget has no slot, work comes back after this time. */
const OPERATOR_RETRY_MS = 15 * 60_000;
const BUDGET_RETRY_MS = 15_000;

/**
 * Writes up to 100 records and finds out what became of each, by HubSpot's own rules: only what stands in `results` is written; what
 * stands neither there nor in `errors` is looked up singly, since a merged record is passed over in silence; a batch that is
 * refused as a whole is halved.
 *
 * @param inputs - no id twice
 * @returns by id of the input, every input once
 */
export async function writeBatch(
  hubSpot: HubSpotObjects,
  inputs: readonly WriteInput[],
  clock: () => number,
): Promise<Map<string, Outcome>> {
  const outcomes = await inHalves(
    inputs,
    async (part) => {
      let answer: BatchAnswer;
      try {
        answer = await hubSpot.update(part);
      } catch (error) {
        const outcome = outcomeOf(error, clock());
        if (outcome.kind === 'refused') throw error;
        return part.map(({ id }) => [id, outcome] as const);
      }
      const found: (readonly [string, Outcome])[] = [];
      for (const input of part)
        found.push([input.id, accountFor(input, answer) ?? (await lookUp(hubSpot, input.id, clock))]);
      return found;
    },
    ({ id }, error) => [id, outcomeOf(error, clock())] as const,
  );
  return new Map(outcomes);
}

function accountFor({ id, objectWriteTraceId }: WriteInput, answer: BatchAnswer): Outcome | undefined {
  const isWritten = answer.written.some((each) => each.id === id || each.traceId === objectWriteTraceId);
  if (isWritten) return { kind: 'written' };
  const error = answer.errors.find(
    (each) => each.ids.includes(id) || each.traceIds.includes(objectWriteTraceId),
  );
  // That a record is not found is looked into: the next version may speak so of merged ones, which must not count as gone.
  if (error === undefined || error.category === 'OBJECT_NOT_FOUND') return undefined;
  return { kind: 'refused', reason: error.reason, correlationId: answer.correlationId };
}

/** A record HubSpot did not account for: merged away, deleted, or lost on the way. */
async function lookUp(hubSpot: HubSpotObjects, id: string, clock: () => number): Promise<Outcome> {
  try {
    const found = await hubSpot.lookUp(id, []);
    if (found === undefined) return { kind: 'gone' };
    return found.id === id ? { kind: 'unknown' } : { kind: 'merged', livingId: found.id };
  } catch (error) {
    return outcomeOf(error, clock());
  }
}

/**
 * What a failed call means for every record in it.
 *
 * @throws the error itself where it is neither HubSpot's nor an operator's
 */
export function outcomeOf(
  error: unknown,
  nowMs: number,
): Exclude<Outcome, { kind: 'written' | 'gone' | 'merged' }> {
  if (error instanceof BudgetExhaustedError)
    return { kind: 'later', retryAtMs: Math.max(error.freeAtMs, nowMs + BUDGET_RETRY_MS) };
  // The token is not filled in yet.
  if (error instanceof MisconfiguredError) return { kind: 'later', retryAtMs: nowMs + OPERATOR_RETRY_MS };
  if (!(error instanceof HubSpotError)) throw error;
  const { trouble, reason, correlationId, retryAtMs } = error;
  if (trouble === 'invalid') return { kind: 'refused', reason, correlationId };
  if (trouble === 'unknown') return { kind: 'unknown' };
  // `missing` of a whole call says that the path is wrong, never that 100 records are gone.
  return { kind: 'later', retryAtMs: retryAtMs ?? nowMs + OPERATOR_RETRY_MS };
}
