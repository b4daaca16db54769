// The scoring rules a second time, as plainly as they can be written: what was made to happen, scored by hand, as it were.
// Imports nothing from `lambdas/`, so that a mistake would have to be made twice to go unseen.
import type { Happening } from './happenings.ts';
import type { PlainFitRule, PlainModel, PlainSignal } from './oracle-model.ts';

const DAY_MS = 86_400_000;

/** All there is to know of one contact. */
export interface History {
  /** Values it was created with, and when. */
  readonly properties: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** In any order; one thing may be told more than once. */
  readonly happenings: readonly Happening[];
}

/** What is right for a contact at an instant. */
export interface Expected {
  readonly status: 'scored' | 'insufficient_data';
  /** Integer thousandths of a point, before they are rounded for display. */
  readonly thousandths: { readonly score: number; readonly fit: number; readonly engagement: number };
  /** As shown, in points; null when cleared. */
  readonly score: number | null;
  readonly fit: number | null;
  readonly engagement: number | null;
  /** More than one inside the dead band: which of them is shown depends on what was shown before. `''` when cleared. */
  readonly grades: ReadonlySet<string>;
  /** Instants of the signals that count, newest first, epoch milliseconds. */
  readonly signalsAtMs: readonly number[];
}

/** One thing that counts once, with the points it gave. */
interface Counted {
  readonly rule: PlainSignal;
  readonly atMs: number;
  readonly points: number;
}

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
  const properties = currentValues(history);
  const isHeard = ({ atMs }: Counted) => nowMs - atMs <= model.horizonDays * DAY_MS && atMs <= heardUntilMs;
  const counted = model.signals.flatMap((rule) => countSignal(model, rule, history, nowMs).filter(isHeard));
  const fit = fitOf(model, properties);
  const engagement = engagementOf(model, counted, nowMs);
  const score = keepBetween(model.min * 1000, model.max * 1000, fit + engagement);
  const isFitKnown = model.fit.some(({ property }) => (properties.get(property) ?? '') !== '');
  const signalsAtMs = counted.map(({ atMs }) => atMs).toSorted((a, b) => b - a);
  const thousandths = { score, fit, engagement };
  if (!isFitKnown && counted.length === 0) {
    const cleared = { score: null, fit: null, engagement: null, grades: new Set(['']) };
    return { status: 'insufficient_data', thousandths, ...cleared, signalsAtMs };
  }
  const shown = display(model, score);
  return {
    status: 'scored',
    thousandths,
    score: shown,
    fit: display(model, fit),
    engagement: display(model, engagement),
    grades: gradesOf(model, shown),
    signalsAtMs,
  };
}

/** Property values as they stand: of all that was said, the newest, and at one instant the larger. */
function currentValues(history: History): Map<string, string> {
  const said = [
    ...Object.entries(history.properties).map(([property, value]) => ({
      property,
      value,
      atMs: history.createdAtMs,
    })),
    ...statements(history),
  ].toSorted((a, b) => a.atMs - b.atMs || (a.value < b.value ? -1 : 1));
  return new Map(said.map(({ property, value }) => [property, value.trim()]));
}

interface Statement {
  readonly property: string;
  readonly value: string;
  readonly atMs: number;
}

/** What was said of properties: changes, and what workflows told by the way. */
function statements({ happenings }: History): Statement[] {
  return happenings.flatMap((happening): Statement[] => {
    if (happening.kind === 'property') return [happening];
    if (happening.kind === 'signal') return [];
    return Object.entries(happening.properties).map(([property, value]) => ({
      property,
      value,
      atMs: happening.atMs,
    }));
  });
}

function fitOf(model: PlainModel, properties: ReadonlyMap<string, string>): number {
  let sum = 0;
  for (const rule of model.fit) {
    if (fitRuleHolds(rule, properties.get(rule.property) ?? '')) sum += Math.round(rule.points * 1000);
  }
  return keepWithin(model.fitCap, sum);
}

function fitRuleHolds(rule: PlainFitRule, value: string): boolean {
  if (value === '') return false;
  if (rule.is !== undefined && !rule.is.some((wanted) => isEqual(wanted, value))) return false;
  if (rule.contains !== undefined && !rule.contains.some((words) => holdsWords(value, words))) return false;
  if (rule.atLeast !== undefined && !(numberIn(value) >= rule.atLeast)) return false;
  return rule.below === undefined || numberIn(value) < rule.below;
}

function isEqual(wanted: string | number | boolean, value: string): boolean {
  if (typeof wanted === 'string') return wanted.toLowerCase() === value.toLowerCase();
  if (typeof wanted === 'number') return wanted === numberIn(value);
  return (wanted ? ['true', '1'] : ['false', '0']).includes(value.toLowerCase());
}

function holdsWords(value: string, words: string): boolean {
  const literal = words.toLowerCase().replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  return new RegExp(String.raw`(^|[^\p{L}\p{N}])${literal}($|[^\p{L}\p{N}])`, 'u').test(value.toLowerCase());
}

/** NaN when it is no number, which makes every comparison false. */
function numberIn(value: string): number {
  return /^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(value) ? Number(value) : NaN;
}

/** Everything that one rule counts, each thing once, whether inside the horizon or not. */
function countSignal(model: PlainModel, rule: PlainSignal, history: History, nowMs: number): Counted[] {
  if (rule.kind === 'signal') return countOwn(rule, history);
  const said = statements(history).filter(
    ({ property, value }) => property === rule.of && value.trim() !== '',
  );
  if (rule.kind === 'timestamp') return countTimes(rule, said);
  if (rule.kind === 'counter') return countRises(rule, said, nowMs - model.horizonDays * DAY_MS);
  const changes = new Map<string, Counted>();
  for (const happening of history.happenings) {
    if (happening.kind !== 'property' || happening.property !== rule.of) continue;
    const value = happening.value.trim().toLowerCase();
    const words = rule.words.map((word) => word.toLowerCase());
    const holds =
      rule.kind === 'transition' ? words.includes(value) : words.some((word) => value.includes(word));
    if (holds) changes.set(`${happening.atMs} ${value}`, { rule, atMs: happening.atMs, points: rule.points });
  }
  return [...changes.values()];
}

function countOwn(rule: PlainSignal, { happenings }: History): Counted[] {
  const told = new Map<string, Counted>();
  for (const happening of happenings) {
    if (happening.kind === 'property' || happening.signal !== rule.of) continue;
    const { atMs } = happening;
    const name =
      happening.kind === 'signal'
        ? `${happening.postId} ${happening.index}`
        : `${happening.workflowId} ${atMs}`;
    told.set(name, { rule, atMs, points: rule.points });
  }
  return [...told.values()];
}

function countTimes(rule: PlainSignal, said: readonly Statement[]): Counted[] {
  const times = new Set(
    said.map(({ value }) => (/^\d+$/.test(value.trim()) ? Number(value) : Date.parse(value))),
  );
  return [...times].filter(Number.isFinite).map((atMs) => ({ rule, atMs, points: rule.points }));
}

/** The first count is the baseline; what is older than the horizon was never heard of, so it is no baseline either. */
function countRises(rule: PlainSignal, said: readonly Statement[], fromMs: number): Counted[] {
  const firstReached = new Map<number, number>();
  for (const { value, atMs } of said) {
    const count = numberIn(value.trim());
    firstReached.set(count, Math.min(atMs, firstReached.get(count) ?? Infinity));
  }
  const rises: Counted[] = [];
  let highest: number | undefined;
  for (const [count, atMs] of [...firstReached].toSorted((a, b) => a[1] - b[1] || a[0] - b[0])) {
    if (Number.isNaN(count) || atMs < fromMs) continue;
    if (highest !== undefined && count > highest)
      rises.push({ rule, atMs, points: rule.points * (count - highest) });
    highest = Math.max(count, highest ?? count);
  }
  return rises;
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

/** The grade of a score, and every better one that the dead band may still hold. */
function gradesOf(model: PlainModel, score: number): Set<string> {
  const reached = model.bands.find(({ from }) => score >= from) ?? model.bands.at(-1);
  const held = model.bands.filter(
    ({ from }) => from > (reached?.from ?? Infinity) && score >= from - model.deadBand,
  );
  return new Set([...held.map(({ grade }) => grade), reached?.grade ?? '']);
}
