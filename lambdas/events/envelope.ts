import * as v from 'valibot';

/** The doors through which requests come in: the literal paths of the API. */
export const ROUTES = ['/webhooks/hubspot', '/webhooks/workflow', '/signals', '/sessions'] as const;
export type Route = (typeof ROUTES)[number];

/** One verified request on its way to the scorer. The body travels as base64: no character of it can upset the queue. */
export const Envelope = v.object({
  portalId: v.string(),
  route: v.picklist(ROUTES),
  /** Epoch milliseconds at which the request was received. */
  receivedAtMs: v.number(),
  /** Standard Webhooks message id; on `/signals` only. */
  messageId: v.optional(v.string()),
  body: v.pipe(v.string(), v.base64()),
});
export type Envelope = v.InferOutput<typeof Envelope>;

/** Most contacts of one tick: as many as one invocation of the scorer deals with beside its other messages. */
export const CONTACTS_PER_TICK = 100;

/** Contacts to be scored anew: the nightly run found them due, or something changed about their company. */
export const Tick = v.object({
  portalId: v.string(),
  contactIds: v.pipe(v.array(v.string()), v.maxLength(CONTACTS_PER_TICK)),
});
export type Tick = v.InferOutput<typeof Tick>;

/**
 * A company whose contacts are to be scored anew, on its way from whoever heard of it to the scorer, which ticks them page by page.
 */
export const CompanyTick = v.object({
  portalId: v.string(),
  companyId: v.string(),
  /** Where the page begins, as the page before told it; without it the first. */
  after: v.optional(v.string()),
});
export type CompanyTick = v.InferOutput<typeof CompanyTick>;
