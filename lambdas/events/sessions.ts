import * as v from 'valibot';
import type { Fact } from '../scoring/facts.ts';
import type { Sources } from '../scoring/sources.ts';
import { type SeenVisit, touchFact } from '../scoring/touches.ts';
import { complaintOf, PageUrl, Referrer, VisitorId } from './fields.ts';
import { factKey, type Heard, type ReadingContext } from './heard.ts';
import { keptOf } from './visits.ts';

/** What the snippet posts to `/sessions`. Nothing of it can name a person. */
const PostedSession = v.strictObject({
  visitorId: VisitorId,
  sessionId: VisitorId,
  url: PageUrl,
  referrer: v.optional(Referrer),
});

/** A session as it travels to the scorer and stands in the queue: reduced to what is kept of it. */
const Session = v.strictObject({
  visitorId: VisitorId,
  sessionId: VisitorId,
  seen: v.strictObject({
    by: v.literal('browser'),
    referrer: v.exactOptional(v.string()),
    landing: v.exactOptional(v.string()),
    utmSource: v.exactOptional(v.string()),
    utmMedium: v.exactOptional(v.string()),
    utmCampaign: v.exactOptional(v.string()),
    isPaid: v.exactOptional(v.literal(true)),
    app: v.exactOptional(v.string()),
  }),
});
export type Session = v.InferOutput<typeof Session>;

/**
 * Reads what was posted to `/sessions`, and reduces it.
 *
 * @param origin - of the page that posted it: it can tell of no other site
 * @param userAgent - of the browser; what is kept of it is the id of a source
 * @returns the session, or every problem with its place
 */
export function readPostedSession(
  body: unknown,
  { origin, userAgent }: { readonly origin: string; readonly userAgent: string },
  sources: Sources,
): { readonly session: Session } | { readonly problems: string[] } {
  const parsed = v.safeParse(PostedSession, body);
  if (!parsed.success) return { problems: parsed.issues.map(complaintOf) };
  const { visitorId, sessionId, url, referrer } = parsed.output;
  if (new URL(url).origin !== origin)
    return { problems: ['.url: expected a page of the origin that sends it'] };
  return {
    session: {
      visitorId,
      sessionId,
      seen: { by: 'browser', ...keptOf({ url, referrer, userAgent }, sources) },
    },
  };
}

/** A session of a browser: a touch of a visitor whom it does not name. Undefined for what ingest did not write. */
export function hearSession(body: unknown, { portalId, receivedAtMs }: ReadingContext): Heard | undefined {
  const parsed = v.safeParse(Session, body);
  if (!parsed.success) return undefined;
  const { visitorId, sessionId, seen } = parsed.output;
  const fact = touchFact(visitKey(portalId, visitorId, sessionId), receivedAtMs, seen);
  return { subject: { type: 'visitor', visitorId }, facts: [fact], properties: [] };
}

/** Of whom a visit was seen, and by which message of `/signals`. */
export interface VisitSource {
  readonly visitorId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly messageId: string;
  readonly index: number;
}

/** A visit that a server saw: the same fact as the browser's where it names the same session. */
export function serverTouch(
  { visitorId, sessionId, messageId, index }: VisitSource,
  occurredAtMs: number,
  seen: Omit<SeenVisit, 'by'>,
  { portalId }: ReadingContext,
): Fact {
  const key =
    visitorId === undefined || sessionId === undefined
      ? factKey(portalId, 'signals', messageId, index)
      : visitKey(portalId, visitorId, sessionId);
  return touchFact(key, occurredAtMs, { by: 'server', ...seen });
}

function visitKey(portalId: string, visitorId: string, sessionId: string): string {
  return factKey(portalId, 'visit', visitorId, sessionId);
}
