import * as v from 'valibot';
import { detailsAt } from './details.ts';
import type { Send } from './transport.ts';

const TokenInfo = v.object({
  /** The portal that the token is of. */
  hubId: v.number(),
  appId: v.optional(v.number()),
  scopes: v.array(v.string()),
});
/** What HubSpot tells of an access token of a private app or a service key. */
export type TokenInfo = v.InferOutput<typeof TokenInfo>;

/**
 * Asks HubSpot what a token may do. Needs no scope. The endpoint is undated and in no specification of HubSpot's, so whoever asks must
 * do without an answer; and a refusal may be of this endpoint alone, so it must not stop the portal's other calls.
 *
 * @param apiUrl - scheme and host, no trailing slash
 * @param token - goes in the body, over the same connection as in the header of every call
 */
export function readTokenInfo(apiUrl: string, send: Send, token: string): Promise<TokenInfo> {
  const url = `${apiUrl}/oauth/v2/private-apps/get/access-token-info`;
  return detailsAt(url, TokenInfo, send, { tokenKey: token }, true);
}
