import { type Account, readAccount } from '../lambdas/hubspot/account.ts';
import { HubSpotError } from '../lambdas/hubspot/answer.ts';
import { Budget, type BudgetStore } from '../lambdas/hubspot/budget.ts';
import { type BudgetState, FULL_BUDGET } from '../lambdas/hubspot/budget-state.ts';
import { readTokenInfo, type TokenInfo } from '../lambdas/hubspot/token-info.ts';
import { type Send, transportOf } from '../lambdas/hubspot/transport.ts';
import { type Target, UsageError } from './target.ts';
import { commandFor } from './typed.ts';

/** The least that HubSpot allows any token (developers.hubspot.com, "API usage guidelines", read 2026-11). */
const CALLS_PER_10_SECONDS = 100;
const CALLS_PER_DAY = 1000;

/**
 * Calls HubSpot with a token that is not stored yet: beside the budget that the portal shares, since nobody may be calling because of
 * the very token that this one is to replace. A setup makes about 20 calls in all, which fit into the reserve that write-back leaves.
 */
export function sendWith(token: string, { clock, timeZone }: Pick<Target, 'clock' | 'timeZone'>): Send {
  const timing = { clock, timeZone: () => timeZone };
  const limits = {
    limit: CALLS_PER_10_SECONDS,
    reserve: 0,
    dailyLimit: CALLS_PER_DAY,
    dailyReservePercent: 0,
  };
  return transportOf({
    ...timing,
    budget: new Budget(inMemory(), limits, timing),
    lane: 'urgent', // Somebody sits at the keyboard.
    isOptional: true, // That one call is not allowed says nothing of the next.
    readToken: async () => token,
    onAnswer: () => undefined,
  });
}

/** The state of a budget that nobody shares. What HubSpot says of its limits is not for the few calls made here. */
function inMemory(): BudgetStore {
  let state: BudgetState = FULL_BUDGET;
  return {
    read: async () => state,
    async update(change) {
      const changed = change(state);
      state = { ...changed.state, limit: undefined, dailyLimit: undefined, others: undefined };
      return changed.result;
    },
  };
}

/** What HubSpot tells of a token. @returns undefined when it answers, and does not tell */
async function describeToken(hubspotUrl: string, send: Send, token: string): Promise<TokenInfo | undefined> {
  try {
    return await readTokenInfo(hubspotUrl, send, token);
  } catch (error) {
    const isAnswered = error instanceof HubSpotError && error.status > 0 && error.status < 429;
    if (!isAnswered) throw error;
    return undefined;
  }
}

/** A token that HubSpot took, and that is allowed what it is asked for. */
export interface CheckedToken {
  readonly account: Account;
  /** Undefined when HubSpot does not tell. */
  readonly info: TokenInfo | undefined;
}

/**
 * Makes sure that a token is the right one, before it is stored.
 *
 * @param scopes - what it must be allowed
 * @throws UsageError when HubSpot refuses it, when it is of another portal, or when scopes are missing
 */
export async function checkToken(
  { stack, portalId, hubspotUrl }: Pick<Target, 'portalId' | 'hubspotUrl'> & { readonly stack: string },
  send: Send,
  token: string,
  scopes: readonly string[],
): Promise<CheckedToken> {
  const account = await readAccount(hubspotUrl, send).catch((error: unknown) => {
    if (!(error instanceof HubSpotError && error.status === 401)) throw error;
    throw new UsageError(
      `HubSpot refuses the access token (401 ${error.reason}): copy it again from the app's page, see hubspot-app/README.md; nothing was stored`,
      { cause: error },
    );
  });
  if (String(account.portalId) !== portalId)
    throw new UsageError(
      `the access token is of portal ${account.portalId}, the stack ${stack} is deployed for portal ${portalId}: install the app there and give its token, or put "portalId": "${account.portalId}" into cdk.json (context.afterglow) and deploy; nothing was stored`,
    );
  const info = await describeToken(hubspotUrl, send, token);
  const missing = info === undefined ? [] : scopes.filter((scope) => !info.scopes.includes(scope));
  if (missing.length > 0)
    throw new UsageError(
      `the access token lacks ${missing.join(', ')}, which the model asks for: build the app with \`${commandFor(stack)('hubspot-app build')}\`, upload it and accept its scopes, see hubspot-app/README.md; nothing was stored`,
    );
  return { account, info };
}
