import { type Deal, type Fact, type Known, orderFacts } from './facts.ts';
import type { Model } from './model.ts';
import type { Reset, SignalRule } from './model-file.ts';
import { textMatcher } from './patterns.ts';
import type { Channel } from './sources.ts';
import type { Touch } from './touches.ts';
import { asNumber } from './values.ts';

const DAY_MS = 86_400_000;

/** Points that one fact got from one rule, before they fade. */
export interface Award {
  /** Position in `model.engagement.signals`. */
  readonly signal: number;
  readonly fact: Fact;
  /** Points given; finite. */
  readonly points: number;
  /** Infinity when the points stay until the horizon. */
  readonly halfLifeMs: number;
  /** Last instant at which it counts, epoch milliseconds: the horizon of the fact, or of the count it rose from. */
  readonly untilMs: number;
}

type Matches = ((value: string) => boolean) | undefined;

/** A rule that may award a fact of some name. */
interface Candidate {
  /** Position in `model.engagement.signals`. */
  readonly at: number;
  readonly rule: SignalRule;
  readonly points: number;
  readonly halfLifeMs: number;
  /** One property is read as one kind, so all rules of a name agree on this. */
  readonly isCounter: boolean;
  /** Whether a value is one that the rule awards; undefined when it awards every one. */
  readonly matches: Matches;
  /** Milliseconds within which another fact may stand for one; 0 when each stands for itself. */
  readonly closeMs: number;
}

/** What a model asks of the facts of one name. */
interface Asked {
  readonly candidates: readonly Candidate[];
  /** Those of the candidates that look at how close facts are. */
  readonly close: readonly Candidate[];
  readonly resets: readonly { readonly rule: Reset; readonly matches: Matches }[];
}

/** Worked out once per model, since folds run by the hundred thousand. */
const askedBy = new WeakMap<Model, ReadonlyMap<string, Asked>>();

function askedOf(model: Model): ReadonlyMap<string, Asked> {
  const known = askedBy.get(model);
  if (known !== undefined) return known;
  const byName = new Map<string, Asked>();
  const asked = (name: string) => byName.get(name) ?? { candidates: [], close: [], resets: [] };
  for (const [at, rule] of model.engagement.signals.entries()) {
    const { from, points } = rule;
    if (points === 0) continue; // Worth nothing, so it is no sign of life either.
    const name = factNameOf(from);
    const halfLifeMs = rule.halfLifeDays === 'never' ? Number.POSITIVE_INFINITY : rule.halfLifeDays * DAY_MS;
    const candidate = {
      at,
      rule,
      points,
      halfLifeMs,
      isCounter: from.kind === 'counter',
      closeMs: 1000 * Math.max(rule.minimumGapSeconds ?? 0, rule.burst?.withinSeconds ?? 0),
      matches: matcher(rule),
    };
    const { candidates, close, resets } = asked(name);
    byName.set(name, {
      candidates: [...candidates, candidate],
      close: candidate.closeMs > 0 ? [...close, candidate] : close,
      resets,
    });
  }
  for (const rule of model.resetOn) {
    if (rule.property === undefined) continue;
    const name = `property:${rule.property}`;
    byName.set(name, {
      ...asked(name),
      resets: [...asked(name).resets, { rule, matches: oneOf(rule.to ?? []) }],
    });
  }
  askedBy.set(model, byName);
  return byName;
}

function factNameOf(from: SignalRule['from']): string {
  if (from.kind === 'signal') return `signal:${from.signal}`;
  return from.kind === 'touch' ? touchName(from.channel) : `property:${from.property}`;
}

function touchName(channel: Channel): string {
  return `touch:${channel}`;
}

function matcher({ from }: SignalRule): Matches {
  if (from.kind === 'touch') return from.sources === undefined ? undefined : oneOf(from.sources);
  if (from.kind === 'transition') return oneOf(from.to);
  if (from.kind === 'text') return textMatcher(from.contains);
  return undefined;
}

function oneOf(wanted: readonly string[]): Matches {
  const values = new Set(wanted.map((value) => value.toLowerCase()));
  return (value) => values.has(value.toLowerCase());
}

/** Milliseconds after which a fact no longer counts. */
export function horizonMs(model: Model): number {
  return model.horizonDays * DAY_MS;
}

/** The touches that rules of the model award, as facts: by the channel, of which the source is the value. */
function touchFacts(asked: ReadonlyMap<string, Asked>, touches: readonly Touch[]): Fact[] {
  return touches.flatMap(({ key, channel, atMs, source }) => {
    const name = touchName(channel);
    return asked.has(name) ? [{ key, name, occurredAtMs: atMs, value: source }] : [];
  });
}

/** What let a contact start anew. */
export interface ResetAt {
  readonly rule: Reset;
  /** Epoch milliseconds: what happened before no longer counts. */
  readonly atMs: number;
}

/** What counts of the facts of a contact, whatever the time. */
export interface Counting {
  /** Those that rules look at, in the order they happened. */
  readonly facts: readonly Fact[];
  /** By position of the fact: the rules that may award it. */
  readonly candidates: readonly (readonly Candidate[])[];
  readonly reset: ResetAt | undefined;
  /** By position of the rule: facts too close to another one, which counts for them. */
  readonly merged: ReadonlyMap<number, ReadonlySet<Fact>>;
}

/**
 * Finds what counts.
 *
 * @param known - in any order, repeated or not; its touches each once
 * @param isResetting - whether anything lets the contact start anew
 */
export function countingFacts(
  model: Model,
  {
    facts,
    deals = [],
    touches = [],
  }: Pick<Known, 'facts' | 'deals'> & { readonly touches?: readonly Touch[] },
  isResetting = true,
): Counting {
  const asked = askedOf(model);
  const visits = touchFacts(asked, touches);
  const ordered = orderFacts(visits.length === 0 ? facts : [...facts, ...visits]);
  let reset = lostDeal(model, deals);
  const counting: Fact[] = [];
  const candidates: (readonly Candidate[])[] = [];
  const ofClose = new Map<Candidate, Fact[]>();
  let at = -1; // Not `entries()`, which makes a pair for every fact: no loop runs more often.
  for (const fact of ordered) {
    at += 1;
    const rules = asked.get(fact.name);
    if (rules === undefined || isToldBefore(ordered, at, fact)) continue;
    counting.push(fact);
    candidates.push(rules.candidates);
    for (const candidate of rules.close)
      if (candidate.matches?.(fact.value ?? '') !== false) append(ofClose, candidate, fact);
    for (const { rule, matches } of rules.resets) {
      const isLater = reset === undefined || fact.occurredAtMs > reset.atMs;
      if (isLater && matches?.(fact.value ?? '') === true) reset = { rule, atMs: fact.occurredAtMs };
    }
  }
  if (!isResetting) reset = undefined;
  return { facts: counting, candidates, reset, merged: mergeClose(ofClose, reset?.atMs) };
}

function append(ofClose: Map<Candidate, Fact[]>, candidate: Candidate, fact: Fact): void {
  const known = ofClose.get(candidate);
  if (known === undefined) ofClose.set(candidate, [fact]);
  else known.push(fact);
}

/** The latest of the lost deals, if the model has them start anew. */
function lostDeal({ resetOn }: Model, deals: readonly Deal[]): ResetAt | undefined {
  const rule = resetOn.find(({ deal }) => deal !== undefined);
  const lost = deals.flatMap(({ state, closedAtMs }) =>
    state === 'lost' && closedAtMs !== undefined ? [closedAtMs] : [],
  );
  return rule === undefined || lost.length === 0 ? undefined : { rule, atMs: Math.max(...lost) };
}

/**
 * Facts that do not count because another one stands for them: closer to the one before than the gap of their rule, or in a burst
 * but not its first. Depends on near facts only, never on the time: nothing comes back when the first of them grows old.
 *
 * @param ofClose - the facts of each rule that looks at how close they are, in the order they happened
 */
function mergeClose(
  ofClose: ReadonlyMap<Candidate, readonly Fact[]>,
  resetMs = Number.NEGATIVE_INFINITY,
): Counting['merged'] {
  const merged = new Map<number, ReadonlySet<Fact>>();
  for (const [{ at, rule, closeMs }, all] of ofClose) {
    if (!isAnyClose(all, closeMs)) continue; // As nearly always.
    const facts = all.filter(({ occurredAtMs }) => occurredAtMs >= resetMs);
    const { minimumGapSeconds = 0, burst } = rule;
    const close = closeOnes(facts, minimumGapSeconds * 1000);
    const rest = facts.filter((fact) => !close.has(fact));
    if (burst !== undefined) for (const fact of inBursts(rest, burst)) close.add(fact);
    if (close.size > 0) merged.set(at, close);
  }
  return merged;
}

/** Those less than a gap behind the one before, whether that one counted or not. */
function closeOnes(facts: readonly Fact[], gapMs: number): Set<Fact> {
  return new Set(facts.filter((_, at) => isClose(facts, at, gapMs)));
}

function isClose(facts: readonly Fact[], at: number, gapMs: number): boolean {
  const before = facts[at - 1];
  const fact = facts[at];
  return before !== undefined && fact !== undefined && fact.occurredAtMs - before.occurredAtMs < gapMs;
}

function isAnyClose(facts: readonly Fact[], gapMs: number): boolean {
  let beforeMs = Number.NEGATIVE_INFINITY;
  for (const { occurredAtMs } of facts) {
    if (occurredAtMs - beforeMs < gapMs) return true;
    beforeMs = occurredAtMs;
  }
  return false;
}

/** Those in bursts, but for the first of each. Windows that overlap are one burst. */
function inBursts(
  facts: readonly Fact[],
  { moreThan, withinSeconds }: NonNullable<SignalRule['burst']>,
): Fact[] {
  const found: Fact[] = [];
  let burstEndsAt = -1; // Position of the last fact known to be in a burst.
  for (const [at, fact] of facts.entries()) {
    const last = facts[at + moreThan]; // With it a window that begins here holds one more than people make.
    const isBurst = last !== undefined && last.occurredAtMs - fact.occurredAtMs < withinSeconds * 1000;
    if (at <= burstEndsAt) found.push(fact);
    if (isBurst) burstEndsAt = at + moreThan;
  }
  return found;
}

/** What an award depends on besides the model and the time. */
export interface AwardBasis extends Counting {
  /** Groups whose signals are left out. */
  readonly muted: ReadonlySet<string>;
}

/**
 * What the model gives for the facts that still count at `nowMs`.
 *
 * @returns awards in the order the facts happened
 */
export function awardFacts(
  model: Model,
  { facts, candidates: candidatesOf, reset, merged, muted }: AwardBasis,
  nowMs: number,
): Award[] {
  const horizon = horizonMs(model);
  const resetMs = reset?.atMs ?? Number.NEGATIVE_INFINITY;
  const counters: Counters = new Map();
  const awards: Award[] = [];
  const [isMuting, isMerging] = [muted.size > 0, merged.size > 0];
  let at = -1;
  for (const fact of facts) {
    at += 1;
    if (fact.occurredAtMs + horizon < nowMs) continue;
    const candidates = candidatesOf[at] ?? [];
    const rise = candidates[0]?.isCounter === true ? raise(counters, candidates, fact) : ONCE;
    if (rise === undefined || (rise === ONCE && fact.baseline === true) || fact.occurredAtMs < resetMs)
      continue;
    const untilMs = horizon + (rise === ONCE ? fact.occurredAtMs : rise.fromMs);
    for (const { at: signal, rule, points, halfLifeMs, matches } of candidates) {
      if (matches !== undefined && !matches(fact.value ?? '')) continue;
      if (isMuting && rule.group !== undefined && muted.has(rule.group)) continue;
      if (isMerging && merged.get(signal)?.has(fact) === true) continue;
      awards.push({ signal, fact, points: points * rise.by, halfLifeMs, untilMs });
    }
  }
  return awards;
}

/**
 * Whether an earlier fact is the same change of the same property. Their keys differ when a merge gave the contact a new record id
 * in between and the change was heard of again under it.
 */
function isToldBefore(facts: readonly Fact[], at: number, fact: Fact): boolean {
  for (let before = at - 1; facts[before]?.occurredAtMs === fact.occurredAtMs; before--) {
    const other = facts[before];
    const isSame =
      other?.name === fact.name && other.value === fact.value && fact.name.startsWith('property:');
    if (isSame && other.record === undefined && fact.record === undefined) return true;
  }
  return false;
}

/** What happens once is awarded once. */
const ONCE: Rise = { by: 1, fromMs: 0 };

/** How far a count rose over the highest known, and since when that stood; epoch milliseconds. */
interface Rise {
  readonly by: number;
  readonly fromMs: number;
}

/** A counter of one record, as far as its counts were looked at. */
interface Counter {
  readonly highest: number;
  /** When the latest count was told, epoch milliseconds, whether it rose or not. */
  readonly latestMs: number;
}

/** By the rules that read a counter, one list for each, and by record: after a merge every record still counts for itself. */
type Counters = Map<readonly Candidate[], Map<string, Counter>>;

/** The rise of a counter over the highest count known so far; the first count is the baseline and falls award nothing. */
function raise(counters: Counters, candidates: readonly Candidate[], fact: Fact): Rise | undefined {
  const { value = '', record = '' } = fact;
  const count = asNumber(value);
  if (count === undefined) return undefined;
  let ofRecords = counters.get(candidates);
  if (ofRecords === undefined) {
    ofRecords = new Map();
    counters.set(candidates, ofRecords);
  }
  const before = ofRecords.get(record);
  ofRecords.set(record, { highest: Math.max(count, before?.highest ?? count), latestMs: fact.occurredAtMs });
  if (before === undefined || fact.baseline === true || count <= before.highest) return undefined;
  return { by: count - before.highest, fromMs: before.latestMs };
}

function counterOf({ name, record }: Fact): string {
  return `${name} ${record ?? ''}`;
}

/**
 * The instants at which rises may grow by themselves: where a count leaves the horizon that the next one did not reach, a
 * lower count becomes the baseline. At all other times awards only move towards zero.
 *
 * @param facts - those that count, in the order they happened
 * @returns epoch milliseconds, in no order
 */
export function regrowthMoments(model: Model, facts: readonly Fact[]): number[] {
  const asked = askedOf(model);
  const latest = new Map<string, { readonly count: number; readonly atMs: number }>();
  const moments: number[] = [];
  for (const fact of facts) {
    if (asked.get(fact.name)?.candidates[0]?.isCounter !== true) continue;
    const count = asNumber(fact.value ?? '');
    if (count === undefined) continue;
    const before = latest.get(counterOf(fact));
    if (before !== undefined && count < before.count) moments.push(before.atMs + horizonMs(model) + 1);
    latest.set(counterOf(fact), { count, atMs: fact.occurredAtMs });
  }
  return moments;
}
