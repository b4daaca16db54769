import { type Award, awardFacts, countingFacts } from './awards.ts';
import type { Folded } from './fold.ts';
import type { Model } from './model.ts';
import type { SignalRule } from './model-file.ts';
import { capThousandths, thousandthsLeft } from './tally.ts';

/** One term of a score. The `left` of all lines of a fold sum exactly to its score. */
export interface Line {
  /**
   * `burst`, `muted` and `reset` tell of signals that do not count, and have nothing left; `excluded` takes everything.
   */
  readonly kind: 'fit' | 'signal' | 'cap' | 'range' | 'burst' | 'muted' | 'reset' | 'excluded';
  /** Id of the rule or group; `fit`, `engagement` or `range` for the caps of the whole. */
  readonly rule: string;
  readonly title: string;
  /** Epoch milliseconds of the signal, of the latest of several, or of the reset. */
  readonly occurredAtMs?: number;
  /** Thousandths of a point as the rule gave them, or would have given. */
  readonly given: number;
  /** Thousandths of a point that count now. */
  readonly left: number;
}

/**
 * The terms of a score: what each rule gave, what is left of it, and what every cap took, in the order of the model.
 * Their `left` sums to `folded.score`.
 */
export function explainFold(model: Model, folded: Folded): Line[] {
  return [
    ...fitLines(model, folded),
    ...signalLines(model, folded),
    ...mutedLines(model, folded),
    ...resetLines(model, folded),
    ...capLine('range', 'range', 'Range of the score', folded.fit + folded.engagement, folded.tally.score),
    ...excludedLines(folded),
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

function signalLines(model: Model, folded: Folded): Line[] {
  const { awards, tally: sums, nowMs } = folded;
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
      ...mergedLines(model, folded, at, rule),
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

/** Signals for which another one stands: too close to it, or a burst. */
function mergedLines(model: Model, folded: Folded, at: number, { id, title }: SignalRule): Line[] {
  const merged = folded.merged.get(at);
  if (merged === undefined) return [];
  const awards = wouldCount(model, folded, { merged: new Map() }).filter(
    ({ signal, fact }) => signal === at && merged.has(fact),
  );
  const times =
    awards.length === 1
      ? '1 more so close to another that both count'
      : `${awards.length} more so close that they count`;
  return uncounted('burst', id, `${title}: ${times} as one`, awards);
}

/** Signals of a group that is left out. */
function mutedLines(model: Model, folded: Folded): Line[] {
  return folded.mutings.flatMap(({ id, title, onlyGroup }) => {
    const awards = wouldCount(model, folded, { muted: new Set() }).filter(
      ({ signal }) => model.engagement.signals[signal]?.group === onlyGroup,
    );
    return uncounted('muted', id, `${title}: ${plural(awards.length)} of ${onlyGroup} left out`, awards);
  });
}

/** What happened before the contact started anew. */
function resetLines(model: Model, folded: Folded): Line[] {
  const { reset } = folded;
  if (reset === undefined) return [];
  const { rule, atMs } = reset;
  const awards = wouldCount(model, folded, countingFacts(model, folded, false)).filter(
    ({ fact }) => fact.occurredAtMs < atMs,
  );
  const title = `${rule.title}: ${plural(awards.length)} before it no longer count${awards.length === 1 ? 's' : ''}`;
  return uncounted('reset', rule.id, title, awards).map((line) => ({ ...line, occurredAtMs: atMs }));
}

function plural(signals: number): string {
  return signals === 1 ? '1 signal' : `${signals} signals`;
}

/** The awards there would be if something did not stand against them. */
function wouldCount(
  model: Model,
  folded: Folded,
  without: Partial<Pick<Folded, 'reset' | 'merged' | 'muted'>>,
): Award[] {
  return awardFacts(model, { ...folded, ...without }, folded.nowMs);
}

/** Awards that do not count, as one line; none when there are none. */
function uncounted(kind: Line['kind'], rule: string, title: string, awards: readonly Award[]): Line[] {
  const last = awards.at(-1);
  if (last === undefined) return [];
  const given = awards.reduce((sum, { points }) => sum + Math.round(points * 1000), 0);
  return [{ kind, rule, title, occurredAtMs: last.fact.occurredAtMs, given, left: 0 }];
}

function excludedLines({ exclusion, tally: sums }: Folded): Line[] {
  if (exclusion === undefined) return [];
  const left = -sums.score + 0;
  return [{ kind: 'excluded', rule: exclusion.id, title: `Excluded: ${exclusion.title}`, given: left, left }];
}
