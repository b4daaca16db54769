import type { SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import { ResumeRequest, WriteRequest } from '../store/queues.ts';

/** All that one invocation is asked for one contact, address, company or deal. */
export interface Errand {
  /** But for `reread`: `mayBeHalfRead` says so, for whatever reason. */
  readonly request: Omit<WriteRequest, 'reread'>;
  /** Read back before writing: the outcome of an earlier write is not known. */
  readonly force: boolean;
  /** Delivered before: whoever tried then may have died after sending, and its write may still land. */
  readonly isRedelivered: boolean;
  /** Whoever tried before may have kept what HubSpot told of the contact, and not scored it: it is read again. */
  readonly mayBeHalfRead: boolean;
  /** When the first of its messages was sent, epoch milliseconds: as long has it been waiting, however often it was put back. */
  readonly sinceMs: number;
  readonly messageIds: readonly string[];
}

/** Errands by the id or address they are about. */
export type ErrandsBy = ReadonlyMap<string, readonly Errand[]>;

/** A message that asks for everybody to be sent again whom HubSpot does not show. */
export interface Resume {
  readonly request: ResumeRequest;
  readonly messageId: string;
}

/** What the messages of one invocation ask for. */
export interface Asked {
  /** One for all messages that are about the same. */
  readonly errands: Errand[];
  readonly resumes: Resume[];
  /** Those that say nothing that could be done. */
  readonly rejected: { readonly reason: string; readonly event: string }[];
}

/** Reads the messages of one invocation. */
export function readRequests(records: readonly SQSRecord[], portalId: string): Asked {
  const errands = new Map<string, Errand>();
  const resumes: Resume[] = [];
  const rejected: { reason: string; event: string }[] = [];
  for (const { body, messageId, attributes } of records) {
    const resume = v.safeParse(v.pipe(v.string(), v.parseJson(), ResumeRequest), body);
    if (resume.success && resume.output.portalId === portalId) {
      resumes.push({ request: resume.output, messageId });
      continue;
    }
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
    const { reread, ...request } = parsed.output;
    const isRedelivered = Number(attributes.ApproximateReceiveCount) > 1;
    const sinceMs = request.sinceMs ?? Number(attributes.SentTimestamp);
    errands.set(name, {
      request: other === undefined ? request : united(request, other.request),
      force: request.force === true || other?.force === true,
      isRedelivered: isRedelivered || other?.isRedelivered === true,
      mayBeHalfRead: isRedelivered || reread === true || other?.mayBeHalfRead === true,
      sinceMs: Math.min(sinceMs, other?.sinceMs ?? sinceMs),
      messageIds: [...(other?.messageIds ?? []), messageId],
    });
  }
  return { errands: [...errands.values()], resumes, rejected };
}

/** Both of two requests about the same. */
function united(request: WriteRequest, other: WriteRequest): WriteRequest {
  const { atMs: _at, declined, creditOnly, ...rest } = request;
  // What is only credited anew is no change of the deal.
  const changesMs = [request, other]
    .filter((each) => each.creditOnly !== true)
    .map(({ atMs }) => atMs ?? Infinity);
  const changedAtMs = Math.max(...changesMs);
  const occurredAtMs = oldest([request, other]);
  const isRescoring = request.rescoreContacts ?? other.rescoreContacts;
  return {
    ...rest,
    ...(isRescoring && { rescoreContacts: isRescoring }),
    ...(creditOnly === true && other.creditOnly === true && { creditOnly }),
    ...(occurredAtMs !== undefined && { occurredAtMs }),
    // Whoever does not say when means now, which is later.
    ...(Number.isFinite(changedAtMs) && { atMs: changedAtMs }),
    // Whoever asks anew has not been declined yet: a message for each change must not give a record up sooner.
    ...(declined !== undefined &&
      other.declined !== undefined && { declined: Math.min(declined, other.declined) }),
  };
}

/**
 * Since when HubSpot is behind with a record, of all that was asked for it. The newest would be kinder and say less: of a contact
 * that is always busy, the score a user sees lacks all that happened since the first of it.
 */
export function oldest(requests: readonly WriteRequest[]): number | undefined {
  const timesMs = requests.map(({ occurredAtMs }) => occurredAtMs).filter((ms) => ms !== undefined);
  return timesMs.length === 0 ? undefined : Math.min(...timesMs);
}

/** What a request is about: a company and a contact may have the same id. */
function nameOf({ contactId, email, companyId, dealId }: WriteRequest): string | undefined {
  if (contactId !== undefined) return `contact ${contactId}`;
  if (email !== undefined) return `address ${email}`;
  if (companyId !== undefined) return `company ${companyId}`;
  return dealId === undefined ? undefined : `deal ${dealId}`;
}
