import * as v from 'valibot';

/** The doors through which requests come in: the literal paths of the API. */
export const ROUTES = ['/webhooks/hubspot', '/webhooks/workflow', '/signals'] as const;
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

/** Contacts that fall due, on their way from the nightly run to the scorer. */
export const Tick = v.object({
  portalId: v.string(),
  contactIds: v.pipe(v.array(v.string()), v.maxLength(100)),
});
export type Tick = v.InferOutput<typeof Tick>;
