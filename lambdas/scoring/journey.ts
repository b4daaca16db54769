import type { Touch } from './touches.ts';

/** A visit that an AI assistant brought. */
export interface AiVisit {
  /** As people read it, such as ChatGPT. */
  readonly source: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Where it began; `''` where that is not known. */
  readonly page: string;
}

/** What HubSpot shows of the ways on which a contact came. Nothing in it changes by itself. */
export interface Journey {
  readonly firstAi: AiVisit | undefined;
  readonly lastAi: AiVisit | undefined;
  readonly aiSessions: number;
  /** Such as `ChatGPT 3 Mar 2026 > Google 5 Mar 2026`; the middle is left out where there is no room. */
  readonly text: string;
}

/** @param touches - in the order they happened @param timeZone - IANA name, for the dates */
export function journeyOf(_touches: readonly Touch[], _timeZone: string): Journey {
  return { firstAi: undefined, lastAi: undefined, aiSessions: 0, text: '' };
}
