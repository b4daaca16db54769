import * as v from 'valibot';

/** The kinds of sources by which people arrive. */
export const CHANNELS = ['ai', 'search', 'social', 'email', 'paid', 'direct', 'other'] as const;
export type Channel = (typeof CHANNELS)[number];

const Words = v.optional(v.array(v.string()), []);

/** What tells by which source somebody came: `models/sources.yaml`. */
export const Sources = v.object({
  sources: v.array(
    v.object({
      id: v.string(),
      channel: v.picklist(CHANNELS),
      /** As people read it. */
      label: v.string(),
      /** Domains of the referrer: these, and what lies below them. */
      hosts: Words,
      /** Values of `utm_source`, in lower case. */
      utmSources: Words,
      /** Words of the user agent of an app that shows pages itself. */
      userAgents: Words,
      /** Words by which HubSpot's drill-downs name it, in lower case. */
      hubSpotDetails: Words,
    }),
  ),
  /** Values of `utm_medium` that name a channel, in lower case. */
  mediums: v.record(v.string(), v.picklist(CHANNELS)),
});
export type Sources = v.InferOutput<typeof Sources>;

export const NO_SOURCES: Sources = { sources: [], mediums: {} };
