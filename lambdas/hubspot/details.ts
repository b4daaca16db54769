import type * as v from 'valibot';
import { understood } from './answer.ts';
import type { Send } from './transport.ts';

/**
 * Reads what a portal tells of itself, checked. For these few calls the SDK's generated APIs would add up to 90 KB each.
 *
 * @param url - with the path as the SDK has it; the transport puts the version in
 * @param body - where HubSpot is asked by a POST
 * @param isApart - of the request
 * @throws HubSpotError
 */
export function detailsAt<T>(
  url: string,
  schema: v.GenericSchema<unknown, T>,
  send: Send,
  body?: object,
  isApart = false,
): Promise<T> {
  const isPost = body !== undefined;
  const answered = send({
    getUrl: () => url,
    getHttpMethod: () => (isPost ? 'POST' : 'GET'),
    getHeaders: () => ({ accept: 'application/json', ...(isPost && { 'content-type': 'application/json' }) }),
    getBody: () => (isPost ? JSON.stringify(body) : undefined),
    isApart,
  });
  // The transport lets no success through that is not JSON.
  return understood(
    schema,
    answered.then(({ text }): unknown => JSON.parse(text)),
  );
}
