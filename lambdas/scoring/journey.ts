import { readableDate } from './calendar.ts';
import type { Touch } from './touches.ts';

/** A visit that an AI assistant brought. */
export interface AiVisit {
  /** As people read it, such as ChatGPT. */
  readonly source: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Where it began, at most 100 characters; `''` where that is not known. */
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

/** Longest page in characters, and longest text in UTF-8 bytes: both stand in the head row of a contact, twice and once. */
const PAGE_LENGTH = 100;
const TEXT_BYTES = 160;

/** @param touches - in the order they happened @param timeZone - IANA name, for the dates */
export function journeyOf(touches: readonly Touch[], timeZone: string): Journey {
  const byAi = touches.filter(({ channel }) => channel === 'ai');
  return {
    firstAi: aiVisit(byAi[0]),
    lastAi: aiVisit(byAi.at(-1)),
    aiSessions: byAi.length,
    text: textOf(touches, timeZone),
  };
}

function aiVisit(touch: Touch | undefined): AiVisit | undefined {
  if (touch === undefined) return undefined;
  const { label, atMs, landing } = touch;
  return { source: label, atMs, page: landing.slice(0, PAGE_LENGTH) };
}

/** The first station, and as many of the last as there is room for: there is for the last one. */
function textOf(touches: readonly Touch[], timeZone: string): string {
  const [first, ...rest] = stationsOf(touches);
  if (first === undefined) return '';
  const begin = stationText(first, timeZone);
  let text = begin;
  let end = '';
  for (const [left, station] of rest.toReversed().entries()) {
    end = ` > ${stationText(station, timeZone)}${end}`;
    const isWhole = left === rest.length - 1;
    const longer = `${begin}${isWhole ? '' : ' > …'}${end}`;
    if (Buffer.byteLength(longer) > TEXT_BYTES) break;
    text = longer;
  }
  return text;
}

function stationText({ label, atMs, times }: Station, timeZone: string): string {
  const once = `${label} ${readableDate(atMs, timeZone)}`;
  return times === 1 ? once : `${once} ×${times}`;
}

/** Visits by one source that follow each other, as one. */
interface Station {
  readonly label: string;
  /** Of the first of them, epoch milliseconds. */
  readonly atMs: number;
  readonly times: number;
}

function stationsOf(touches: readonly Touch[]): Station[] {
  const stations: Station[] = [];
  for (const { label, atMs } of touches) {
    const last = stations.at(-1);
    if (last?.label === label) stations[stations.length - 1] = { ...last, times: last.times + 1 };
    else stations.push({ label, atMs, times: 1 });
  }
  return stations;
}
