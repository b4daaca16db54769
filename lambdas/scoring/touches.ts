import * as v from 'valibot';
import { classify, OFFLINE } from './classify.ts';
import type { Fact } from './facts.ts';
import { type Channel, type Classified, labelOf, type Sources, sourceKeyOf } from './sources.ts';

/** The name of the facts that are touches: a visit, as its source was seen. */
export const TOUCH = 'touch';

/** Two sights of a visit lie no further apart than this, both ends included: after half an hour of silence HubSpot begins a new one. */
export const VISIT_MS = 30 * 60_000;

const Text = v.exactOptional(v.string());

/**
 * What is kept of a visit: raw, so that a new line in `models/sources.yaml` also tells of visits long past. Never a query string, an
 * address or a name.
 */
export const SeenVisit = v.object({
  /** Who saw it: the snippet, a server of the company's own, or HubSpot. */
  by: v.picklist(['browser', 'server', 'hubspot']),
  /** Host of the referrer, in lower case; left out for none. */
  referrer: Text,
  /** Where it began: scheme, host and path, without query and fragment, at most 200 characters. */
  landing: Text,
  utmSource: Text,
  utmMedium: Text,
  utmCampaign: Text,
  /** The landing URL carried an advertiser's click id. */
  isPaid: v.exactOptional(v.literal(true)),
  /** Id of the source whose app showed the page, by the user agent. */
  app: Text,
  /** HubSpot's own word: the value of `hs_analytics_source` or `hs_latest_source`, such as `AI_REFERRALS`, and its drill-downs. */
  hubSpotSource: Text,
  detail1: Text,
  detail2: Text,
});
export type SeenVisit = Readonly<v.InferOutput<typeof SeenVisit>>;

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
 * @param facts - named {@link TOUCH}; others, and those that do not have the form of one, are passed over
 */
export function touchesOf(facts: readonly Fact[], sources: Sources): Touch[] {
  if (facts.length === 0) return [];
  const seen = eachOnce(facts, sources);
  const ours = seen.filter(({ by }) => by !== 'hubspot');
  const theirs = seen.filter(({ by }) => by === 'hubspot');
  return unite(ours, theirs)
    .toSorted(inTime)
    .map((sight) => ({ ...sight, label: labelOf(sourceKeyOf(sight), sources) }));
}

/** A visit as one of those who saw it tells of it. */
type Sight = Omit<Touch, 'label'>;

/** Facts with one key are one visit, told by the snippet and by a server: the earlier is right, and learns what it did not know. */
function eachOnce(facts: readonly Fact[], sources: Sources): Sight[] {
  const sights = facts
    .filter(({ name }) => name === TOUCH)
    .toSorted(inOrder)
    .flatMap((fact) => sightOf(fact, sources));
  const byKey = new Map<string, Sight>();
  for (const sight of sights) {
    const first = byKey.get(sight.key);
    byKey.set(sight.key, first === undefined ? sight : learning(first, sight));
  }
  return [...byKey.values()];
}

function inOrder(a: Fact, b: Fact): number {
  if (a.occurredAtMs !== b.occurredAtMs) return a.occurredAtMs - b.occurredAtMs;
  return textOf(a) < textOf(b) ? -1 : 1;
}

function textOf({ key, value = '' }: Fact): string {
  return `${key} ${value}`;
}

const Kept = v.pipe(v.string(), v.parseJson(), SeenVisit);

function sightOf({ key, occurredAtMs, value }: Fact, sources: Sources): Sight[] {
  const parsed = v.safeParse(Kept, value);
  if (!parsed.success || parsed.output.hubSpotSource === OFFLINE) return [];
  const { by, landing = '' } = parsed.output;
  return [{ key, atMs: occurredAtMs, ...classify(parsed.output, sources), landing, by }];
}

function inTime(a: Sight, b: Sight): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  return a.key < b.key ? -1 : 1;
}

/**
 * One of HubSpot's near one of ours is that one: ours keeps its time, and learns what it did not know. Those of HubSpot's own that are
 * left and stand close to each other are one. Two of ours stay two: each began a session of its own.
 *
 * @param ours, theirs - in the order they happened
 */
function unite(ours: readonly Sight[], theirs: readonly Sight[]): Sight[] {
  const near = Map.groupBy(theirs, (sight) => nearestOf(ours, sight.atMs));
  const learnt = ours.map((sight) => {
    const [first, ...more] = near.get(sight) ?? [];
    return first === undefined ? sight : learning(sight, more.reduce(learning, first));
  });
  return [...learnt, ...visitsAmong(near.get(undefined) ?? [])];
}

/** Of two as near as each other the earlier. */
function nearestOf(ours: readonly Sight[], atMs: number): Sight | undefined {
  let nearest: Sight | undefined;
  for (const sight of ours) {
    const distance = Math.abs(sight.atMs - atMs);
    if (distance <= VISIT_MS && (nearest === undefined || distance < Math.abs(nearest.atMs - atMs)))
      nearest = sight;
  }
  return nearest;
}

/** What one sight of a visit knows, with what another adds; of two that tell as much the first is believed. */
function learning(sight: Sight, other: Sight): Sight {
  const isBelieved = sight.by !== 'hubspot' && tellingOf(sight) >= CHANNEL_KNOWN; // We saw it ourselves.
  const { channel, source } = !isBelieved && tellingOf(other) > tellingOf(sight) ? other : sight;
  return { ...sight, channel, source, landing: sight.landing === '' ? other.landing : sight.landing };
}

const CHANNEL_KNOWN = 2;

/** How much a classification tells. */
function tellingOf({ channel, source }: Classified): number {
  if (channel === 'direct') return 0;
  if (channel === 'other') return 1;
  return source === channel ? CHANNEL_KNOWN : CHANNEL_KNOWN + 1;
}

/** Those that began within one visit, as the first of them. */
function visitsAmong(sights: readonly Sight[]): Sight[] {
  const visits: Sight[] = [];
  for (const sight of sights) {
    const last = visits.at(-1);
    if (last !== undefined && sight.atMs - last.atMs <= VISIT_MS)
      visits[visits.length - 1] = learning(last, sight);
    else visits.push(sight);
  }
  return visits;
}
