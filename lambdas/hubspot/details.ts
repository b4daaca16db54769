import type * as v from 'valibot';
import { understood } from './answer.ts';
import type { Send } from './transport.ts';

/**
 * Reads what a portal tells of itself, checked. For these few calls the SDK's generated APIs would add up to 90 KB each.
 *
 * @param url - with the path as the SDK has it; the transport puts the version in
 * @throws HubSpotError
 */
export function detailsAt<T>(url: string, schema: v.GenericSchema<unknown, T>, send: Send): Promise<T> {
  const answered = send({
    getUrl: () => url,
    getHttpMethod: () => 'GET',
    getHeaders: () => ({ accept: 'application/json' }),
    getBody: () => undefined,
  });
  // The transport lets no success through that is not JSON.
  return understood(
    schema,
    answered.then(({ text }): unknown => JSON.parse(text)),
  );
}
