import * as v from 'valibot';
import { detailsAt } from './details.ts';
import type { Send } from './transport.ts';

/** What a portal says of itself. */
export const Account = v.object({
  portalId: v.number(),
  /** STANDARD, SANDBOX, DEVELOPER_TEST or APP_DEVELOPER. */
  accountType: v.string(),
  /** IANA name: the daily limit starts anew at its midnight. */
  timeZone: v.pipe(v.string(), v.check(isTimeZone)),
  /** ISO 4217: of amounts that name none. */
  companyCurrency: v.optional(v.string()),
});
export type Account = v.InferOutput<typeof Account>;

/** @param apiUrl - scheme and host, no trailing slash */
export async function readAccount(apiUrl: string, send: Send): Promise<Account> {
  const account = await detailsAt(`${apiUrl}/account-info/v3/details`, Account, send);
  return { ...account, companyCurrency: account.companyCurrency ?? '' };
}

/** Zones that were found to be known: finding out costs far more than all else that is done with an account. */
const known = new Set<string>();

/** A zone that this runtime does not know would make every later calculation of a midnight throw. */
function isTimeZone(name: string): boolean {
  if (known.has(name)) return true;
  const isOne = isKnown(name);
  if (isOne) known.add(name);
  return isOne;
}

function isKnown(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
