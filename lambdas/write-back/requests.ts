import type { SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import { WriteRequest } from '../store/queues.ts';

/** All that one invocation is asked for one contact or address. */
export interface Errand {
  readonly request: WriteRequest;
  /** Read back before writing: the outcome of an earlier write is not known. */
  readonly force: boolean;
  /** Delivered before: whoever tried then may have died after sending, and its write may still land. */
  readonly isRedelivered: boolean;
  readonly messageIds: readonly string[];
}

/** The messages of one invocation, one errand per contact and per address, and those that say nothing. */
export function readRequests(
  records: readonly SQSRecord[],
  portalId: string,
): { readonly errands: Errand[]; readonly rejected: { readonly reason: string; readonly event: string }[] } {
  const errands = new Map<string, Errand>();
  const rejected: { reason: string; event: string }[] = [];
  for (const { body, messageId, attributes } of records) {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), WriteRequest), body);
    const name = parsed.success ? (parsed.output.contactId ?? parsed.output.email) : undefined;
    if (!parsed.success || name === undefined || parsed.output.portalId !== portalId) {
      rejected.push({ reason: 'a message that names no contact of this portal', event: body });
      continue;
    }
    const other = errands.get(name);
    errands.set(name, {
      request: parsed.output,
      force: parsed.output.force === true || other?.force === true,
      isRedelivered: Number(attributes.ApproximateReceiveCount) > 1 || other?.isRedelivered === true,
      messageIds: [...(other?.messageIds ?? []), messageId],
    });
  }
  return { errands: [...errands.values()], rejected };
}
