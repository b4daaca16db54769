// The scoring rules a second time, as plainly as they can be written: what was made to happen, scored by hand, as it were.
// Imports nothing from `lambdas/`, so that a mistake would have to be made twice to go unseen.
import type { Happening } from './happenings.ts';
import type { PlainBands, PlainCondition, PlainExclusion, PlainModel, PlainSignal } from './oracle-model.ts';
import { holdsPattern, holdsWords, isOfDomain } from './oracle-text.ts';
import type { KnownVisit } from './oracle-visits.ts';

const DAY_MS = 86_400_000;

/** A deal as it stands. */
export interface PlainDeal {
  readonly id: string;
  readonly state: 'open' | 'won' | 'lost';
  /** Epoch milliseconds; undefined while it is open. */
  readonly closedAtMs: number | undefined;
}

/** All there is to know of one contact. */
export interface History {
  /** Values it was created with, and when. */
  readonly properties: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** In any order; one thing may be told more than once. */
  readonly happenings: readonly Happening[];
  /** What its primary company is now; nothing without one. */
  readonly company?: Readonly<Record<string, string>>;
  /** Its deals as they stand now. */
  readonly deals?: readonly PlainDeal[];
  /** Those that can be known, in the order they happened. */
  readonly visits?: readonly KnownVisit[];
}

/** What is right for a contact at an instant. */
export interface Expected {
  /** `scored`, `insufficient_data` or `excluded_…`. */
  readonly status: string;
  /** Integer thousandths of a point, before they are rounded for display; of an excluded contact, as if it were not. */
  readonly thousandths: { readonly score: number; readonly fit: number; readonly engagement: number };
  /** As shown, in points; null when cleared. */
  readonly score: number | null;
  readonly fit: number | null;
  readonly engagement: number | null;
  /**
   * More than one inside a dead band: which of them is shown depends on what was shown before, and so on the order in which things
   * were heard of. `''` when cleared.
   */
  readonly grades: ReadonlySet<string>;
  /** Why there is no score; undefined when reasons are terms. */
  readonly excludedBecause: string | undefined;
  /** Signals that count, newest first. */
  readonly counted: readonly Counted[];
  /**
   * All that rules match, counted or not. One that does not count may have counted when it was heard of: before the one that it is too
   * close to, the reset after it, or what leaves its group out.
   */
  readonly matched: readonly Counted[];
  /** Titles of the fit rules that hold. */
  readonly fitting: readonly string[];
}

/** One thing that counts once, with the points it gave. */
export interface Counted {
  readonly rule: PlainSignal;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly points: number;
  /** How it was told. */
  readonly route: Route;
  /** By how much the time may differ; undefined where it may not. */
  readonly toleranceMs?: number;
}

type Route = 'app-webhook' | 'workflow' | 'signals' | 'snippet';

/**
 * Scores one contact.
 *
 * @param nowMs - epoch milliseconds
 * @param heardUntilMs - leaves out signals after this instant, as if nobody had told of them @default Infinity
 */
export function expectedOf(
  model: PlainModel,
  history: History,
  nowMs: number,
  heardUntilMs = Infinity,
): Expected {
  const values = currentValues(history);
  const excluding = model.exclusions.filter((rule) => excludes(rule, values, history.deals ?? []));
  const exclusion = excluding.find(({ onlyGroup }) => onlyGroup === undefined);
  const mutedGroups = excluding.map(({ onlyGroup }) => onlyGroup);
  const oldestMs = nowMs - model.horizonDays * DAY_MS;
  const matched = model.signals
    .filter(({ points }) => points !== 0)
    .flatMap((rule) => matchedBy(rule, history, oldestMs))
    .filter(({ atMs }) => atMs <= heardUntilMs)
    .toSorted((a, b) => b.atMs - a.atMs);
  const resetMs = lastReset(model, history, heardUntilMs);
  const counted = model.signals
    .filter(({ group }) => group === undefined || !mutedGroups.includes(group))
    .flatMap((rule) => countOf(rule, matched, resetMs))
    .filter(({ atMs }) => atMs >= oldestMs)
    .toSorted((a, b) => b.atMs - a.atMs);
  const fitting = model.fit.filter((rule) => holds(rule, values.get(rule.property) ?? ''));
  let fitSum = 0;
  for (const { points } of fitting) fitSum += Math.round(points * 1000);
  const fit = keepWithin(model.fitCap, fitSum);
  const engagement = engagementOf(model, counted, nowMs);
  const score = keepBetween(model.min * 1000, model.max * 1000, fit + engagement);
  // An address that no rule holds for says nothing of who the contact is: nearly every contact has one.
  const isFitKnown = model.fit.some((rule) => {
    const value = values.get(rule.property) ?? '';
    return rule.property === 'email' ? holds(rule, value) : value !== '';
  });
  const about = {
    thousandths: { score, fit, engagement },
    counted,
    matched,
    fitting: fitting.map(({ title }) => title),
    excludedBecause: exclusion === undefined ? undefined : `Excluded: ${exclusion.title}`,
  };
  const cleared = { score: null, fit: null, engagement: null };
  if (exclusion !== undefined) {
    const status = `excluded_${exclusion.id.replaceAll('-', '_')}`;
    return { ...about, ...cleared, status, grades: new Set(['']) };
  }
  if (!isFitKnown && counted.length === 0)
    return { ...about, ...cleared, status: 'insufficient_data', grades: new Set(['']) };
  const points = {
    score: display(model, score),
    fit: display(model, fit),
    engagement: display(model, engagement),
  };
  return {
    ...about,
    ...(model.gradeOnly ? cleared : points),
    status: 'scored',
    grades: gradesOf(model, points),
  };
}

/** Values as they stand: of all that was said, the newest, and at one instant the larger; the company's as `company.…`. */
function currentValues(history: History): Map<string, string> {
  const said = [
    ...Object.entries(history.properties).map(([property, value]) => ({
      property,
      value,
      atMs: history.createdAtMs,
    })),
    ...statements(history),
  ].toSorted((a, b) => a.atMs - b.atMs || (a.value < b.value ? -1 : 1));
  return new Map([
    ...said.map(({ property, value }): [string, string] => [property, value.trim()]),
    ...Object.entries(history.company ?? {}).map(([name, value]): [string, string] => [
      `company.${name}`,
      value.trim(),
    ]),
  ]);
}

interface Statement {
  readonly property: string;
  readonly value: string;
  readonly atMs: number;
  readonly route: Route;
}

/** What was said of properties: changes, and what workflows told by the way. */
function statements({ happenings }: History): Statement[] {
  return happenings.flatMap((happening): Statement[] => {
    if (happening.kind === 'property') return [{ ...happening, route: 'app-webhook' }];
    if (happening.kind === 'signal') return [];
    return Object.entries(happening.properties).map(([property, value]) => ({
      property,
      value,
      atMs: happening.atMs,
      route: 'workflow',
    }));
  });
}

function excludes(
  rule: PlainExclusion,
  values: ReadonlyMap<string, string>,
  deals: readonly PlainDeal[],
): boolean {
  if (rule.property === undefined) return deals.some(({ state }) => state === rule.deal);
  return holds(rule, values.get(rule.property) ?? '');
}

/** Whether everything that is asked of a value is so. */
function holds(asked: PlainCondition, value: string): boolean {
  if (value === '') return false;
  if (asked.is !== undefined && !asked.is.some((wanted) => isEqual(wanted, value))) return false;
  if (asked.contains !== undefined && !asked.contains.some((words) => holdsWords(value, words))) return false;
  if (asked.domain !== undefined && !isOfDomain(value, asked.domain)) return false;
  if (asked.atLeast !== undefined && !(numberIn(value) >= asked.atLeast)) return false;
  return asked.below === undefined || numberIn(value) < asked.below;
}

function isEqual(wanted: string | number | boolean, value: string): boolean {
  if (typeof wanted === 'string') return wanted.toLowerCase() === value.toLowerCase();
  if (typeof wanted === 'number') return wanted === numberIn(value);
  return (wanted ? ['true', '1'] : ['false', '0']).includes(value.toLowerCase());
}

/** NaN when it is no number, which makes every comparison false. */
function numberIn(value: string): number {
  return /^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(value) ? Number(value) : NaN;
}

/** What one rule counts: what it matches, less what was before a reset, is too close, or in a burst. */
function countOf(rule: PlainSignal, matched: readonly Counted[], resetMs: number): Counted[] {
  const inTime = matched
    .filter((one) => one.rule === rule && one.atMs >= resetMs)
    .toSorted((a, b) => a.atMs - b.atMs);
  return withoutBursts(rule, keptApart(rule, inTime));
}

/** When the contact last started anew. */
function lastReset(model: PlainModel, history: History, heardUntilMs: number): number {
  let latestMs = -Infinity;
  for (const { property, to } of model.resets) {
    const values = to.map((value) => value.toLowerCase());
    if (property === undefined) {
      for (const { state, closedAtMs } of history.deals ?? [])
        if (state === 'lost') latestMs = Math.max(latestMs, closedAtMs ?? -Infinity);
    } else {
      for (const one of history.happenings) {
        const isEntry =
          one.kind === 'property' &&
          one.property === property &&
          values.includes(one.value.trim().toLowerCase());
        if (isEntry && one.atMs <= heardUntilMs) latestMs = Math.max(latestMs, one.atMs);
      }
    }
  }
  return latestMs;
}

/** Leaves out whatever is closer to the one before than the gap, whether that one is left out or not. */
function keptApart(rule: PlainSignal, inTime: readonly Counted[]): Counted[] {
  return inTime.filter(({ atMs }, at) => {
    const before = inTime[at - 1];
    return before === undefined || atMs - before.atMs >= rule.minimumGapSeconds * 1000;
  });
}

/** Of more than so many within so many seconds leaves the first; bursts that share one are one burst. */
function withoutBursts({ burst }: PlainSignal, inTime: readonly Counted[]): Counted[] {
  if (burst === undefined) return [...inTime];
  const isJoined = inTime.map(() => false); // To the one before, by a burst that holds both.
  for (let first = 0; first + burst.moreThan < inTime.length; first++) {
    const window = inTime.slice(first, first + burst.moreThan + 1);
    const spanMs = (window.at(-1)?.atMs ?? 0) - (window[0]?.atMs ?? 0);
    if (spanMs < burst.withinSeconds * 1000) isJoined.fill(true, first + 1, first + burst.moreThan + 1);
  }
  return inTime.filter((_one, at) => isJoined[at] === false);
}

/** Everything that one rule matches, each thing once. */
function matchedBy(rule: PlainSignal, history: History, oldestMs: number): Counted[] {
  if (rule.kind === 'signal') return ownSignals(rule, history);
  if (rule.kind === 'touch') return visitsBy(rule, history);
  const said = statements(history).filter(
    ({ property, value }) => property === rule.of && value.trim() !== '',
  );
  if (rule.kind === 'timestamp') return times(rule, said);
  if (rule.kind === 'counter') return rises(rule, said, oldestMs);
  const changes = new Map<string, Counted>();
  for (const { value: text, atMs, route } of said) {
    if (route !== 'app-webhook') continue; // What a workflow tells by the way is no change.
    const value = text.trim();
    const isMeant =
      rule.kind === 'transition'
        ? rule.words.some((word) => word.toLowerCase() === value.toLowerCase())
        : rule.words.some((word) => holdsPattern(value, word));
    if (isMeant) changes.set(`${atMs} ${value}`, { rule, atMs, points: rule.points, route });
  }
  return [...changes.values()];
}

/** Visits that a kind of source brought, or some sources of it. */
function visitsBy(rule: PlainSignal, { visits = [] }: History): Counted[] {
  return visits.flatMap(({ source: { key }, atMs, toleranceMs }): Counted[] => {
    const [channel, source = ''] = key.split('/');
    const isMeant = channel === rule.of && (rule.words.length === 0 || rule.words.includes(source));
    return isMeant ? [{ rule, atMs, points: rule.points, route: 'snippet', toleranceMs }] : [];
  });
}

function ownSignals(rule: PlainSignal, { happenings }: History): Counted[] {
  const told = new Map<string, Counted>();
  for (const happening of happenings) {
    if (happening.kind === 'property' || happening.signal !== rule.of) continue;
    const { atMs } = happening;
    const isPost = happening.kind === 'signal';
    const name = isPost ? `${happening.postId} ${happening.index}` : `${happening.workflowId} ${atMs}`;
    told.set(name, { rule, atMs, points: rule.points, route: isPost ? 'signals' : 'workflow' });
  }
  return [...told.values()];
}

function times(rule: PlainSignal, said: readonly Statement[]): Counted[] {
  const byTime = new Map<number, Counted>();
  for (const { value, route } of said) {
    const atMs = /^\d+$/.test(value.trim()) ? Number(value) : Date.parse(value);
    if (Number.isFinite(atMs)) byTime.set(atMs, { rule, atMs, points: rule.points, route });
  }
  return [...byTime.values()];
}

/** The first count is the baseline; what is older than the horizon was never heard of, so it is no baseline either. */
function rises(rule: PlainSignal, said: readonly Statement[], oldestMs: number): Counted[] {
  const firstReached = new Map<number, Statement>();
  for (const one of said.toSorted((a, b) => a.atMs - b.atMs)) {
    const count = numberIn(one.value.trim());
    if (!firstReached.has(count)) firstReached.set(count, one);
  }
  const risen: Counted[] = [];
  let highest: number | undefined;
  const inTime = [...firstReached].toSorted((a, b) => a[1].atMs - b[1].atMs || a[0] - b[0]);
  for (const [count, { atMs, route }] of inTime) {
    if (Number.isNaN(count) || atMs < oldestMs) continue;
    if (highest !== undefined && count > highest)
      risen.push({ rule, atMs, points: rule.points * (count - highest), route });
    highest = Math.max(count, highest ?? count);
  }
  return risen;
}

/** Caps of signals, then of groups, then of everything. */
function engagementOf(model: PlainModel, counted: readonly Counted[], nowMs: number): number {
  let total = 0;
  const groups = new Map<string, number>();
  for (const rule of model.signals) {
    let sum = 0;
    for (const award of counted) if (award.rule === rule) sum += left(award, nowMs);
    sum = keepWithin(rule.cap, sum);
    if (rule.group === undefined) total += sum;
    else groups.set(rule.group, (groups.get(rule.group) ?? 0) + sum);
  }
  for (const [name, sum] of groups) total += keepWithin(model.groupCaps.get(name) ?? Infinity, sum);
  return keepWithin(model.engagementCap, total);
}

function left({ rule, atMs, points }: Counted, nowMs: number): number {
  const ageDays = Math.max(0, nowMs - atMs) / DAY_MS;
  return Math.round(points * 1000 * 2 ** (-ageDays / rule.halfLifeDays));
}

function keepWithin(cap: number, sum: number): number {
  return keepBetween(-Math.round(cap * 1000), Math.round(cap * 1000), sum);
}

function keepBetween(least: number, most: number, sum: number): number {
  return Math.min(most, Math.max(least, sum));
}

function display(model: PlainModel, thousandths: number): number {
  return model.step * Math.round(thousandths / (model.step * 1000)) + 0; // + 0: never -0.
}

interface Points {
  readonly score: number;
  readonly fit: number;
  readonly engagement: number;
}

/** The grades that may stand beside displayed points; in a grid every part may be held for itself. */
function gradesOf(model: PlainModel, { score, fit, engagement }: Points): Set<string> {
  const { grid, deadBand } = model;
  if (grid === undefined) return bandsOf(model.bands, deadBand, score);
  const rows = [...bandsOf(grid.fit, deadBand, fit)];
  const columns = [...bandsOf(grid.engagement, deadBand, engagement)];
  return new Set(rows.flatMap((row) => columns.map((column) => row + column)));
}

/** The band of some points, and every better one that the dead band may still hold. What is below all belongs to the lowest. */
function bandsOf(bands: PlainBands, deadBand: number, points: number): Set<string> {
  const reached = bands.find(({ from }) => points >= from) ?? bands.at(-1);
  const held = bands.filter(({ from }) => from > (reached?.from ?? Infinity) && points >= from - deadBand);
  return new Set([...held.map(({ grade }) => grade), reached?.grade ?? '']);
}

/**
 * The score of a company by the scores that its contacts show.
 *
 * @param scores - of those who have one
 * @returns undefined when nobody has
 */
export function companyScoreOf(model: PlainModel, scores: readonly number[]): number | undefined {
  const best = scores.toSorted((a, b) => b - a).slice(0, model.rollUp === 'maximum' ? 1 : 3);
  if (best.length === 0) return undefined;
  let sum = 0;
  for (const score of best) sum += score;
  return Math.floor(sum / best.length + 0.5);
}
