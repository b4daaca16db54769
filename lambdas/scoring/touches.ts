import type { Fact } from './facts.ts';
import type { Channel, Sources } from './sources.ts';

/** The name of the facts that are touches: a visit, as its source was seen. */
export const TOUCH = 'touch';

/**
 * What is kept of a visit: raw, so that a new line in `models/sources.yaml` also tells of visits long past. Never a query string, an
 * address or a name.
 */
export interface SeenVisit {
  /** Who saw it: the snippet, a server of the company's own, or HubSpot. */
  readonly by: 'browser' | 'server' | 'hubspot';
  /** Host of the referrer, in lower case; left out for none. */
  readonly referrer?: string;
  /** Where it began: scheme, host and path, without query and fragment, at most 200 characters. */
  readonly landing?: string;
  readonly utmSource?: string;
  readonly utmMedium?: string;
  readonly utmCampaign?: string;
  /** The landing URL carried an advertiser's click id. */
  readonly isPaid?: true;
  /** Id of the source whose app showed the page, by the user agent. */
  readonly app?: string;
  /** HubSpot's own word: the value of `hs_analytics_source` or `hs_latest_source`, such as `AI_REFERRALS`, and its drill-downs. */
  readonly hubSpotSource?: string;
  readonly detail1?: string;
  readonly detail2?: string;
}

/** A visit, classified. */
export interface Touch {
  readonly key: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly channel: Channel;
  /** Id of the source, such as `chatgpt`; the id of the channel where no single source is known. */
  readonly source: string;
  /** As people read it, such as ChatGPT. */
  readonly label: string;
  /** Where it began; `''` where that is not known. */
  readonly landing: string;
  readonly by: SeenVisit['by'];
}

/** A visit as it is kept: its attributes as JSON in `value`. */
export function touchFact(key: string, occurredAtMs: number, seen: SeenVisit): Fact {
  return { key, name: TOUCH, occurredAtMs, value: JSON.stringify(seen) };
}

/**
 * The touches of a contact, in the order they happened: every visit once, though the snippet, a server and HubSpot each told of it.
 * Neither order nor repetition of the facts changes anything.
 *
 * @param facts - named {@link TOUCH}; others are passed over
 */
export function touchesOf(_facts: readonly Fact[], _sources: Sources): Touch[] {
  return [];
}
