import type { SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import { WriteRequest } from '../store/queues.ts';

/** All that one invocation is asked for one contact, address, company or deal. */
export interface Errand {
  readonly request: WriteRequest;
  /** Read back before writing: the outcome of an earlier write is not known. */
  readonly force: boolean;
  /** Delivered before: whoever tried then may have died after sending, and its write may still land. */
  readonly isRedelivered: boolean;
  readonly messageIds: readonly string[];
}

/** Errands by the id or address they are about. */
export type ErrandsBy = ReadonlyMap<string, readonly Errand[]>;

/** The messages of one invocation, one errand for all that are about the same, and those that say nothing. */
export function readRequests(
  records: readonly SQSRecord[],
  portalId: string,
): { readonly errands: Errand[]; readonly rejected: { readonly reason: string; readonly event: string }[] } {
  const errands = new Map<string, Errand>();
  const rejected: { reason: string; event: string }[] = [];
  for (const { body, messageId, attributes } of records) {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), WriteRequest), body);
    const name = parsed.success ? nameOf(parsed.output) : undefined;
    if (!parsed.success || name === undefined || parsed.output.portalId !== portalId) {
      rejected.push({
        reason: 'a message that names no contact, company or deal of this portal',
        event: body,
      });
      continue;
    }
    const other = errands.get(name);
    errands.set(name, {
      request: other === undefined ? parsed.output : united(parsed.output, other.request),
      force: parsed.output.force === true || other?.force === true,
      isRedelivered: Number(attributes.ApproximateReceiveCount) > 1 || other?.isRedelivered === true,
      messageIds: [...(other?.messageIds ?? []), messageId],
    });
  }
  return { errands: [...errands.values()], rejected };
}

/** Both of two requests about the same. */
function united(request: WriteRequest, other: WriteRequest): WriteRequest {
  const { atMs, ...rest } = request;
  const isRescoring = request.rescoreContacts ?? other.rescoreContacts;
  return {
    ...rest,
    ...(isRescoring && { rescoreContacts: isRescoring }),
    // Whoever does not say when means now, which is later.
    ...(atMs !== undefined && other.atMs !== undefined && { atMs: Math.max(atMs, other.atMs) }),
  };
}

/** What a request is about: a company and a contact may have the same id. */
function nameOf({ contactId, email, companyId, dealId }: WriteRequest): string | undefined {
  if (contactId !== undefined) return `contact ${contactId}`;
  if (email !== undefined) return `address ${email}`;
  if (companyId !== undefined) return `company ${companyId}`;
  return dealId === undefined ? undefined : `deal ${dealId}`;
}
