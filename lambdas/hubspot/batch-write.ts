import { HubSpotError } from './answer.ts';
import { BudgetExhaustedError } from './budget.ts';
import type { HubSpotContacts, WriteInput } from './contacts.ts';

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
const UNAUTHORISED_RETRY_MS = 15 * 60_000;
const BUDGET_RETRY_MS = 15_000;

/**
 * Writes up to 100 records and finds out what became of each, by HubSpot's own rules: only what stands in `results` is written; what
 * stands neither there nor in `errors` is looked up singly, since a merged record is passed over in silence; a batch that is
 * refused as a whole is halved until the record at fault stands alone, at most 14 more calls for one among 100.
 *
 * @param inputs - no id twice
 * @returns by id of the input, every input once
 */
export async function writeBatch(
  hubSpot: HubSpotContacts,
  inputs: readonly WriteInput[],
  clock: () => number,
): Promise<Map<string, Outcome>> {
  try {
    const { written, errors } = await hubSpot.update(inputs);
    const ids = new Set(written.map(({ id }) => id));
    const traceIds = new Set(written.map(({ traceId }) => traceId));
    const outcomes = new Map<string, Outcome>();
    for (const input of inputs) {
      const isWritten = ids.has(input.id) || traceIds.has(input.objectWriteTraceId);
      const error = errors.find(
        (each) => each.ids.includes(input.id) || each.traceIds.includes(input.objectWriteTraceId),
      );
      if (isWritten) outcomes.set(input.id, { kind: 'written' });
      else if (error !== undefined && error.category !== 'OBJECT_NOT_FOUND') {
        outcomes.set(input.id, { kind: 'refused', reason: error.category, correlationId: undefined });
      } else outcomes.set(input.id, await lookUp(hubSpot, input.id, clock));
    }
    return outcomes;
  } catch (error) {
    if (isRefusal(error) && inputs.length > 1) return isolate(hubSpot, inputs, clock);
    return new Map(inputs.map(({ id }) => [id, outcomeOf(error, clock())]));
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof HubSpotError && error.trouble === 'invalid';
}

async function isolate(
  hubSpot: HubSpotContacts,
  inputs: readonly WriteInput[],
  clock: () => number,
): Promise<Map<string, Outcome>> {
  const middle = Math.ceil(inputs.length / 2);
  const first = await writeBatch(hubSpot, inputs.slice(0, middle), clock);
  const second = await writeBatch(hubSpot, inputs.slice(middle), clock);
  return new Map([...first, ...second]);
}

/** A record HubSpot did not account for: merged away, deleted, or lost on the way. */
async function lookUp(hubSpot: HubSpotContacts, id: string, clock: () => number): Promise<Outcome> {
  try {
    const found = await hubSpot.lookUp(id, []);
    if (found === undefined) return { kind: 'gone' };
    return found.id === id ? { kind: 'unknown' } : { kind: 'merged', livingId: found.id };
  } catch (error) {
    return outcomeOf(error, clock());
  }
}

/** What a failed call means for every record in it. */
export function outcomeOf(error: unknown, nowMs: number): Outcome {
  if (error instanceof BudgetExhaustedError) return { kind: 'later', retryAtMs: nowMs + BUDGET_RETRY_MS };
  if (!(error instanceof HubSpotError)) throw error;
  const { trouble, reason, correlationId, retryAtMs } = error;
  if (trouble === 'invalid') return { kind: 'refused', reason, correlationId };
  if (trouble === 'missing') return { kind: 'gone' };
  if (trouble === 'unknown') return { kind: 'unknown' };
  return { kind: 'later', retryAtMs: retryAtMs ?? nowMs + UNAUTHORISED_RETRY_MS };
}
