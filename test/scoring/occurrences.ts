import { regrowthMoments } from '../../lambdas/scoring/awards.ts';
import type { Folded } from '../../lambdas/scoring/fold.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { capThousandths } from '../../lambdas/scoring/tally.ts';
import { DAY_MS } from './histories.ts';

type IsIn = (model: Model, folded: Folded) => boolean;

/** What makes the due moment hard to find, and how it is told in a fold: random contacts must have enough of each. */
export const OCCURRENCES = {
  'mixed half-lives': ofScored((_, { awards }) => new Set(awards.map((award) => award.halfLifeMs)).size > 1),
  'points given and taken': ofScored(
    (_, { awards }) => new Set(awards.map(({ points }) => points > 0)).size > 1,
  ),
  'a cap of a signal that holds': ofScored(({ engagement: { signals } }, { tally }) =>
    tally.signals.some((sum, at) => capThousandths(sum, signals[at]?.cap) !== sum),
  ),
  'a cap of a group that holds': ofScored(({ engagement: { groups } }, { tally }) => {
    const caps = Object.values(groups);
    return tally.groups.some((sum, at) => capThousandths(sum, caps[at]?.cap) !== sum);
  }),
  'a cap of all engagement that holds': ofScored(
    (_, { tally, engagement }) => tally.beforeEngagementCap !== engagement,
  ),
  'a score at the end of its range': ofScored((_, { fit, engagement, score }) => fit + engagement !== score),
  'steps of more than a point': ofScored(({ display }) => display.step > 1),
  'only grades shown': ofScored(({ display }) => display.gradeOnly),
  grids: ofScored(({ grades }) => grades.grid !== undefined),
  'dead bands': ofScored(({ grades }) => grades.deadBand > 0),
  'a signal that leaves the horizon': ofScored((_, folded) =>
    folded.awards.some(({ untilMs }) => isAhead(folded, untilMs)),
  ),
  'a rise that may grow': ofScored((model, folded) =>
    regrowthMoments(model, folded.facts).some((ms) => isAhead(folded, ms)),
  ),
  'a signal that is still ahead': ofScored((_, folded) =>
    folded.awards.some(({ fact }) => isAhead(folded, fact.occurredAtMs)),
  ),
  'a reset': (_, { reset, facts }) => facts.some(({ occurredAtMs }) => occurredAtMs < (reset?.atMs ?? 0)),
  'an exclusion': (_, { status }) => status === 'excluded',
  'a group that is left out': ofScored((_, { muted }) => muted.size > 0),
  'signals too close to each other': ofScored((_, { merged }) => merged.size > 0),
  'nothing known': (_, { status }) => status === 'insufficient_data',
} satisfies Record<string, IsIn>;

/** Of a contact with a score that signals have a part in. */
function ofScored(isIn: IsIn): IsIn {
  return (model, folded) => folded.status === 'scored' && folded.awards.length > 0 && isIn(model, folded);
}

/** Whether an instant lies in the month after a fold. */
function isAhead({ nowMs }: Folded, ms: number): boolean {
  return ms > nowMs && ms < nowMs + 30 * DAY_MS;
}
