import { chunks } from '../chunks.ts';
import type { UnsettledPage } from '../store/contact-table.ts';
import type { ResumeRequest, WriteRequest } from '../store/queues.ts';
import type { BringParts } from './run.ts';

/** Pages of the table, a megabyte each, that one message looks through; a further message goes on from there. */
const PAGES_PER_MESSAGE = 20;
/** Requests sent with one call of the lane. */
const REQUESTS_AT_ONCE = 1_000;

export interface ResumeParts extends Pick<BringParts, 'portalId' | 'background' | 'logger'> {
  readonly contacts: { unsettled(after: string | undefined): Promise<UnsettledPage> };
}

/**
 * Step 10 of convergence. After HubSpot could not be written to for a while: sends again every contact, company and deal that it does not show as the table does. May
 * run any number of times, also twice at once: whom HubSpot shows by then costs no call.
 */
export async function resume(
  { resume: which, after: begin }: ResumeRequest,
  { portalId, background, contacts, logger }: ResumeParts,
): Promise<void> {
  let after = begin;
  let sent = 0;
  for (let page = 0; page < PAGES_PER_MESSAGE; page++) {
    const found = await contacts.unsettled(after);
    // Read back first: of some a write may have landed unnoticed.
    const requests: WriteRequest[] = [
      ...found.contactIds.map((contactId) => ({ portalId, contactId, force: true as const })),
      ...found.companyIds.map((companyId) => ({ portalId, companyId, force: true as const })),
      ...found.dealIds.map((dealId) => ({
        portalId,
        dealId,
        force: true as const,
        creditOnly: true as const,
      })),
    ];
    for (const some of chunks(requests, REQUESTS_AT_ONCE)) await background(some, 0);
    sent += requests.length;
    after = found.after;
    if (after === undefined) break;
  }
  // Sent last: whoever dies before begins this part again.
  if (after !== undefined) await background([{ portalId, resume: which, after }], 0);
  logger.info('sent again what HubSpot does not show', { sent, isFinished: after === undefined });
}
