import type { MetricName } from '../env.ts';
import type { HubSpotError } from '../hubspot/answer.ts';
import type { Stop } from '../hubspot/budget-state.ts';
import type { Count, Measured } from '../measured.ts';

/**
 * Counts one call of HubSpot by what came back.
 *
 * @param status - HTTP status; 0 for no answer
 * @param error - what it means, unless it is a success
 */
export function countCall(
  status: number,
  error: HubSpotError | undefined,
  { count, observe }: Pick<Measured, 'count' | 'observe'>,
): void {
  count('HubSpotCalls', 1);
  count(classOf(status), 1);
  observe('HubSpotFailed', error === undefined ? 0 : 1);
  if (error === undefined) return;
  count('HubSpotErrors', 1);
  if (error.trouble === 'rate-limited')
    count(error.policyName === 'DAILY' ? 'RateLimitedDay' : 'RateLimitedWindow', 1);
}

function classOf(status: number): MetricName {
  if (status === 0) return 'CallsUnanswered';
  if (status === 429) return 'Calls429';
  if (status >= 500) return 'Calls5xx';
  return status >= 400 ? 'Calls4xx' : 'Calls2xx';
}

/** Counts that nobody may call HubSpot; apart from that, whether it is for the token, which only an operator can mend. */
export function countStop({ reason }: Pick<Stop, 'reason'>, count: Count): void {
  count('PortalStopped', 1);
  if (reason === 'unauthorised') count('TokenRefused', 1);
}
