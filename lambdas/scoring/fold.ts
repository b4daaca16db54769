import { type Award, awardFacts, type Counting, countingFacts } from './awards.ts';
import { fittingRules, holdingExclusions } from './conditions.ts';
import { currentValues, type Known } from './facts.ts';
import { type Model, usesTouches } from './model.ts';
import type { Exclusion, FitRule } from './model-file.ts';
import { capThousandths, type Tally, tally } from './tally.ts';
import { type Touch, touchesOf } from './touches.ts';

/** A score at an instant, with everything that led to it. Sums are integer thousandths of a point. */
export interface Folded extends Standing {
  readonly nowMs: number;
  /** `insufficient_data`: no fit input is known and no signal stands inside the horizon. */
  readonly status: 'scored' | 'insufficient_data' | 'excluded';
  /** Of an excluded contact 0. */
  readonly score: number;
  readonly engagement: number;
  /** Epoch milliseconds of the newest signal that counts; undefined without one. */
  readonly lastSignalAtMs: number | undefined;
  readonly awards: readonly Award[];
  readonly tally: Tally;
}

/** What a fold takes from what is known, whatever the time. */
export interface Standing extends Counting {
  /** After its cap, in thousandths of a point. */
  readonly fit: number;
  readonly isFitKnown: boolean;
  readonly fitting: readonly FitRule[];
  /** Why there is no score; undefined when there may be one. */
  readonly exclusion: Exclusion | undefined;
  /** Why the signals of some groups are left out. */
  readonly mutings: readonly Exclusion[];
  /** Those groups. */
  readonly muted: ReadonlySet<string>;
  /** The visits in the order they happened, each once; none where the model asks for none. */
  readonly visits: readonly Touch[];
}

const NONE: ReadonlySet<string> = new Set();
const NO_VISITS: readonly Touch[] = [];
/** Nearly every contact has one: it says something of fit only where a rule on it holds. */
const ADDRESS = 'email';

/**
 * The score of a contact: a pure function of what is known, the model and the time. Neither order nor repetition of what
 * is known changes a bit of it.
 *
 * @param nowMs - epoch milliseconds
 * @see docs/scoring-model.md - the formula, worked by hand
 */
export function fold(model: Model, known: Known, nowMs: number): Folded {
  const values = currentValues(known);
  const fitting = fittingRules(model, values);
  const fitSum = fitting.reduce((sum, rule) => sum + Math.round(rule.points * 1000), 0);
  const holding = holdingExclusions(model, values, known.deals);
  const mutings = holding.filter(({ onlyGroup }) => onlyGroup !== undefined);
  const visits = visitsOf(model, known);
  return foldAt(model, nowMs, {
    ...countingFacts(model, { facts: known.facts, deals: known.deals ?? [], touches: visits }),
    fit: capThousandths(fitSum, model.fit.cap),
    isFitKnown: model.fit.rules.some((rule) =>
      rule.property === ADDRESS ? fitting.includes(rule) : values.has(rule.property),
    ),
    fitting,
    exclusion: holding.find(({ onlyGroup }) => onlyGroup === undefined),
    mutings,
    muted: mutings.length === 0 ? NONE : new Set(mutings.map(({ onlyGroup = '' }) => onlyGroup)),
    visits,
  });
}

function visitsOf(model: Model, { touches = [] }: Known): readonly Touch[] {
  return touches.length > 0 && usesTouches(model) ? touchesOf(touches, model.sources) : NO_VISITS;
}

/** The same contact at another time, nothing having happened. @param nowMs - epoch milliseconds */
export function foldAt(model: Model, nowMs: number, standing: Standing): Folded {
  const { fit, isFitKnown, exclusion } = standing;
  const awards = awardFacts(model, standing, nowMs);
  const sums = tally(model, fit, awards, nowMs, nowMs);
  const isKnown = isFitKnown || awards.length > 0;
  return {
    nowMs,
    facts: standing.facts,
    candidates: standing.candidates,
    reset: standing.reset,
    merged: standing.merged,
    fit,
    isFitKnown,
    fitting: standing.fitting,
    exclusion,
    mutings: standing.mutings,
    muted: standing.muted,
    visits: standing.visits,
    status: exclusion === undefined ? (isKnown ? 'scored' : 'insufficient_data') : 'excluded',
    score: exclusion === undefined ? sums.score : 0,
    engagement: sums.engagement,
    lastSignalAtMs: awards.at(-1)?.fact.occurredAtMs,
    awards,
    tally: sums,
  };
}
