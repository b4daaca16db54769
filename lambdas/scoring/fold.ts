import { type Award, awardFacts, countingFacts } from './awards.ts';
import { currentProperties, type Fact, type Known } from './facts.ts';
import { fittingRules } from './fit.ts';
import type { FitRule, Model } from './model.ts';
import { capThousandths, type Tally, tally, thousandthsLeft } from './tally.ts';

/** One term of a score. The `left` of all lines of a fold sum exactly to its score. */
export interface Line {
  readonly kind: 'fit' | 'signal' | 'cap' | 'range';
  /** Id of the rule or group; `fit`, `engagement` or `range` for the caps of the whole. */
  readonly rule: string;
  readonly title: string;
  /** Epoch milliseconds; on signal lines only. */
  readonly occurredAtMs?: number;
  /** Thousandths of a point as the rule gave them. */
  readonly given: number;
  /** Thousandths of a point that count now. */
  readonly left: number;
}

/** A score at an instant, with everything that led to it. Sums are integer thousandths of a point. */
export interface Folded {
  readonly nowMs: number;
  /** `insufficient_data`: no fit input is known and no signal stands inside the horizon. */
  readonly status: 'scored' | 'insufficient_data';
  readonly score: number;
  readonly fit: number;
  readonly engagement: number;
  /** Epoch milliseconds of the newest signal that counts; undefined without one. */
  readonly lastSignalAtMs: number | undefined;
  readonly isFitKnown: boolean;
  readonly fitting: readonly FitRule[];
  /** The facts that rules look at, in the order they happened, also those beyond the horizon. */
  readonly facts: readonly Fact[];
  readonly awards: readonly Award[];
  readonly tally: Tally;
}

/**
 * The score of a contact: a pure function of what is known, the model and the time. Neither order nor repetition of what
 * is known changes a bit of it.
 *
 * @param nowMs - epoch milliseconds
 * @see docs/scoring-model.md - the formula, worked by hand
 */
export function fold(model: Model, known: Known, nowMs: number): Folded {
  const properties = currentProperties(known.properties);
  const fitting = fittingRules(model, properties);
  const fitSum = fitting.reduce((sum, rule) => sum + Math.round(rule.points * 1000), 0);
  return foldAt(model, nowMs, {
    fit: capThousandths(fitSum, model.fit.cap),
    isFitKnown: model.fit.rules.some((rule) => properties.has(rule.property)),
    fitting,
    facts: countingFacts(model, known.facts),
  });
}

/** What a fold takes from what is known, whatever the time. */
type Standing = Pick<Folded, 'fit' | 'isFitKnown' | 'fitting' | 'facts'>;

/** The same contact at another time, nothing having happened. @param nowMs - epoch milliseconds */
export function foldAt(model: Model, nowMs: number, standing: Standing): Folded {
  const { fit, isFitKnown, fitting, facts } = standing;
  const awards = awardFacts(model, facts, nowMs);
  const sums = tally(model, fit, awards, nowMs, nowMs);
  return {
    nowMs,
    status: isFitKnown || awards.length > 0 ? 'scored' : 'insufficient_data',
    score: sums.score,
    fit,
    engagement: sums.engagement,
    lastSignalAtMs: awards.at(-1)?.fact.occurredAtMs,
    isFitKnown,
    fitting,
    facts,
    awards,
    tally: sums,
  };
}

/**
 * The terms of a score: what each rule gave, what is left of it, and what every cap took, in the order of the model.
 * Their `left` sums to `folded.score`.
 */
export function explainFold(model: Model, folded: Folded): Line[] {
  return [
    ...fitLines(model, folded),
    ...signalLines(model, folded),
    ...capLine('range', 'range', 'Range of the score', folded.fit + folded.engagement, folded.score),
  ];
}

function fitLines(model: Model, folded: Folded): Line[] {
  const lines = folded.fitting.map((rule): Line => {
    const points = Math.round(rule.points * 1000);
    return { kind: 'fit', rule: rule.id, title: rule.title, given: points, left: points };
  });
  const sum = lines.reduce((total, line) => total + line.left, 0);
  return [...lines, ...capLine('cap', 'fit', `Cap of fit (${model.fit.cap})`, sum, folded.fit)];
}

function signalLines(model: Model, { awards, tally: sums, nowMs }: Folded): Line[] {
  const { signals: rules, groups, cap } = model.engagement;
  const lines: Line[] = [];
  for (const [at, rule] of rules.entries()) {
    for (const award of awards) {
      if (award.signal !== at) continue;
      const { occurredAtMs } = award.fact;
      const given = Math.round(award.points * 1000);
      lines.push({
        kind: 'signal',
        rule: rule.id,
        title: rule.title,
        occurredAtMs,
        given,
        left: thousandthsLeft(award, nowMs),
      });
    }
    const sum = sums.signals[at] ?? 0;
    lines.push(
      ...capLine('cap', rule.id, `Cap of ${rule.title} (${rule.cap})`, sum, capThousandths(sum, rule.cap)),
    );
  }
  for (const [at, [name, group]] of Object.entries(groups).entries()) {
    const sum = sums.groups[at] ?? 0;
    const title = `Cap of group ${name} (${group.cap})`;
    lines.push(...capLine('cap', name, title, sum, capThousandths(sum, group.cap)));
  }
  const title = `Cap of engagement (${cap})`;
  return [...lines, ...capLine('cap', 'engagement', title, sums.beforeEngagementCap, sums.engagement)];
}

/** What a cap takes (or, below zero, gives back) as a line; none when it changes nothing. */
function capLine(kind: 'cap' | 'range', rule: string, title: string, before: number, after: number): Line[] {
  const left = after - before;
  return left === 0 ? [] : [{ kind, rule, title, given: left, left }];
}
